/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The screen of a watch: what is wrong first, then the queues. It shows what it is given, keeps no pointer into it,
 * and never looks at the target; what a key asks of the caller comes back as an action. */
#ifndef VQI_SCREEN_H
#define VQI_SCREEN_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "vqi/diagnose.h"
#include "vqi/error.h"
#include "vqi/history.h"
#include "vqi/snapshot.h"

struct vqi_screen;

struct vqi_screen_options {
	bool color;
	uint64_t interval_ms; /* between the looks: for the headline */
	/* Signal mask while it waits, as ppoll()'s: a signal that the caller blocks, and lets in here, ends the wait and
	 * is never lost. NULL: the mask stays as it is. */
	const sigset_t *wait_mask;
};

/* Takes over the terminal of standard input and output. The caller's handlers of SIGINT, SIGTERM and SIGHUP must be
 * in place before; their only work is to set a flag. SIGTSTP, SIGCONT and SIGWINCH are blocked until the screen is
 * closed, and served while it waits. What kills the process by a signal that is a crash restores the terminal, too.
 * Errors: UNSUPPORTED where there is no terminal, or none that can place the cursor (TERM=dumb): print lines instead;
 * SYS, NOMEM. */
struct vqi_error *vqi_screen_open(const struct vqi_screen_options *options,
				  struct vqi_screen **ret_screen) vqi_must_check;

/* Gives the terminal back as it was. Standard output can be printed to again after. */
void vqi_screen_close(struct vqi_screen *screen);
VQI_DEFINE_CLEANUP(struct vqi_screen *, vqi_screen_close)

/* Gives the terminal back in place of a screen that cannot be closed, as before a signal that kills. Nothing where there is
 * none. Calls only what signal-safety(7) names. */
void vqi_screen_give_back(void);

/* Shows a look, which the history has been fed with. All three may be freed or changed after. Nothing is painted over a text
 * that is shown, nor while the reader has paused the screen. Errors: NOMEM. */
struct vqi_error *vqi_screen_draw(struct vqi_screen *screen, const struct vqi_history *history,
				  const struct vqi_snapshot *snapshot,
				  const struct vqi_diagnosis *diagnosis) vqi_must_check;

enum vqi_screen_action_kind {
	VQI_SCREEN_NONE,	/* the time has come, or a signal */
	VQI_SCREEN_QUIT,	/* the reader wants no more, or the terminal is gone */
	VQI_SCREEN_CLOSER_LOOK, /* at a queue: then vqi_screen_show_text() of vqi_report_queue() */
	VQI_SCREEN_REPORT,	/* a file of it all: then vqi_screen_message() */
};

struct vqi_screen_action {
	enum vqi_screen_action_kind kind;
	/* CLOSER_LOOK: which queue. As of the last look that was drawn: it may be gone. */
	const char *
		device; /* as vqi_device_label(); "" for a device without any. Valid until the next call */
	uint64_t vdev_addr;
	unsigned int queue;
};

/* Serves keys until one asks for an action, a signal comes or it is until_ns (CLOCK_MONOTONIC), whichever is first.
 * Keys that are there already are served also when that has passed. Errors: SYS, NOMEM. */
struct vqi_error *vqi_screen_wait(struct vqi_screen *screen, uint64_t until_ns,
				  struct vqi_screen_action *ret_action) vqi_must_check;

/* Shows lines of text, which the reader can scroll, until a key leads back; it asks for another CLOSER_LOOK where a
 * key does. Another text takes its place and keeps where it was scrolled to. Errors: NOMEM. */
struct vqi_error *vqi_screen_show_text(struct vqi_screen *screen, const char *title,
				       const char *text) vqi_must_check;

/* Shows a line at the bottom until the next key. Errors: NOMEM. */
struct vqi_error *vqi_screen_message(struct vqi_screen *screen, const char *text) vqi_must_check;

/* Columns of the terminal now, for texts that are to be wrapped. */
unsigned int vqi_screen_width(const struct vqi_screen *screen);

#endif
