/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is on a canvas, as text. */
#ifndef VQI_TESTS_CANVAS_TEXT_H
#define VQI_TESTS_CANVAS_TEXT_H

#include "screen_canvas.h"

/* One line without its styles, or all of them without spaces at their ends. Owner: the caller. */
char *canvas_line(const struct vqi_canvas *canvas, size_t row);
char *canvas_text(const struct vqi_canvas *canvas);

#endif
