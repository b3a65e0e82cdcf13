/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The terminal that a screen is on: taken over, and given back whatever happens. */
#ifndef VQI_REPORT_SCREEN_TERMINAL_H
#define VQI_REPORT_SCREEN_TERMINAL_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "screen_canvas.h"
#include "vqi/error.h"

struct vqi_terminal;

/* Errors: UNSUPPORTED where there is none that will do; SYS, NOMEM. */
struct vqi_error *vqi_terminal_open(bool color, const sigset_t *wait_mask,
				    struct vqi_terminal **ret_terminal) vqi_must_check;
void vqi_terminal_close(struct vqi_terminal *terminal);
VQI_DEFINE_CLEANUP(struct vqi_terminal *, vqi_terminal_close)

size_t vqi_terminal_rows(const struct vqi_terminal *terminal);
size_t vqi_terminal_columns(const struct vqi_terminal *terminal);

/* Whether it shows the characters of a sparkline. */
bool vqi_terminal_has_blocks(const struct vqi_terminal *terminal);
bool vqi_terminal_is_utf8(const struct vqi_terminal *terminal);

/* Shows a canvas of its size. Only what is otherwise than before is sent. */
void vqi_terminal_paint(struct vqi_terminal *terminal, const struct vqi_canvas *canvas);

/* The next key that was pressed, a character or a code of enum vqi_screen_key_code; 0: there is none. */
uint32_t vqi_terminal_key(struct vqi_terminal *terminal);

enum vqi_terminal_event {
	VQI_TERMINAL_TIME,    /* until_ns has come */
	VQI_TERMINAL_SIGNAL,  /* one of the caller's */
	VQI_TERMINAL_INPUT,   /* there may be a key */
	VQI_TERMINAL_REPAINT, /* it has another size, or was somebody else's in between */
	VQI_TERMINAL_GONE,    /* hung up */
};

/* Waits for the first of these; stops the process and comes back where SIGTSTP says so. Errors: SYS. */
struct vqi_error *vqi_terminal_wait(struct vqi_terminal *terminal, uint64_t until_ns,
				    enum vqi_terminal_event *ret_event) vqi_must_check;

#endif
