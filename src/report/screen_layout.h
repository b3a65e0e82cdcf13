/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where on a screen of a given size what is. Pure. */
#ifndef VQI_REPORT_SCREEN_LAYOUT_H
#define VQI_REPORT_SCREEN_LAYOUT_H

#include "screen_canvas.h"
#include "screen_model.h"
#include "screen_view.h"

struct vqi_screen_look {
	uint64_t interval_ms; /* between two looks; 0: not said */
	bool blocks;	      /* the terminal has the characters that a sparkline is made of */
};

/* Puts on an empty canvas what the reader has chosen to see. model: NULL before the first look. Scrolls the view so
 * that what is selected is in sight, and stores how much of it is. */
void vqi_screen_layout(struct vqi_canvas *canvas, const struct vqi_screen_model *model,
		       struct vqi_screen_view *view, const struct vqi_screen_look *look);

/* The table of the queues, on so many lines from row on. */
void vqi_screen_table(struct vqi_canvas *canvas, size_t row, size_t rows,
		      const struct vqi_screen_model *model, struct vqi_screen_view *view,
		      bool blocks);

#endif
