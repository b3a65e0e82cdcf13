/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VQI_CLI_WATCH_H
#define VQI_CLI_WATCH_H

#include <signal.h>

#include "past.h"
#include "session.h"
#include "vqi/history.h"
#include "vqi/lines.h"
#include "vqi/screen.h"

/* What a watch holds. */
struct vqi_watch {
	const struct vqi_options *options;
	struct vqi_options looks; /* the same without a recording, of which no end would come */
	struct vqi_session *session;
	struct vqi_past past;
	struct vqi_history *history;
	struct vqi_lines *lines;	/* NULL: reports, or the screen, are what it shows */
	struct vqi_screen *screen;	/* NULL: there is none */
	struct vqi_diagnosis diagnosis; /* of the last look */
	sigset_t wait_mask;
	size_t look_count;
	uint64_t next_ns; /* CLOCK_MONOTONIC: of the next look */
};

/* Shows the last look on the screen, and serves its keys until it is time for the next; *ret_end: the reader, or a signal,
 * has ended the watch. Errors: SYS, NOMEM, GONE. */
struct vqi_error *vqi_watch_show_screen(struct vqi_watch *watch) vqi_must_check;
struct vqi_error *vqi_watch_serve_screen(struct vqi_watch *watch, bool *ret_end) vqi_must_check;

/* Takes a whole look now, and diagnoses it as the last one. Owner: the caller, both. Errors: those of a look. */
struct vqi_error *vqi_watch_look(struct vqi_watch *watch, const struct vqi_snapshot *before,
				 struct vqi_snapshot **ret_snapshot,
				 struct vqi_diagnosis *ret_diagnosis) vqi_must_check;

#endif
