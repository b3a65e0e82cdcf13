/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is known of the kind of terminal that TERM names. */
#ifndef VQI_REPORT_SCREEN_TERMINFO_H
#define VQI_REPORT_SCREEN_TERMINFO_H

#include <stdbool.h>
#include <stddef.h>

#include "vqi/error.h"

/* Whether curses can show a screen on standard output. Errors: UNSUPPORTED. */
struct vqi_error *vqi_terminfo_check(void) vqi_must_check;

/* Whether the terminal shows again what was on it before the screen. After newterm(). */
bool vqi_terminfo_restores(void);

/* What to write to leave a screen, in at most max bytes; returns how many. After newterm(). */
size_t vqi_terminfo_leave(char *ret_sequence, size_t max);

#endif
