/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A target that is open, its layout found out, its devices under observation: all that inspections of it share. */
#ifndef VQI_CLI_SESSION_H
#define VQI_CLI_SESSION_H

#include <stdint.h>

#include "opened.h"
#include "vqi/capture.h"
#include "vqi/diagnose.h"

struct vqi_session {
	const struct vqi_options *options;
	struct vqi_opened *opened;
	struct vqi_observer *observer;
	struct vqi_target target; /* what does not change of it */
};

/* Opens the target of the options, which must outlive the session.
 * Errors: USAGE for a device that is not there; all others of the layers. */
struct vqi_error *vqi_session_open(const struct vqi_options *options,
				   struct vqi_session **ret_session) vqi_must_check;
void vqi_session_close(struct vqi_session *session);
VQI_DEFINE_CLEANUP(struct vqi_session *, vqi_session_close)

/* Looks at the devices and queues that were asked for. Errors: USAGE for a queue that no device has, unless
 * it may be gone by now; those of vqi_observer_look(). Stop: as the options say. */
struct vqi_error *vqi_session_look(struct vqi_session *session, bool may_be_gone,
				   struct vqi_snapshot **ret_snapshot) vqi_must_check;

/* Takes one of many looks at them, of which before is the last; see vqi_observer_look_again(). Errors: as
 * vqi_session_look(). Stop: never. */
struct vqi_error *vqi_session_look_again(struct vqi_session *session,
					 const struct vqi_snapshot *before, bool may_be_gone,
					 struct vqi_snapshot **ret_snapshot) vqi_must_check;

/* Adds to a look the requests and back traces that are asked for, and diagnoses it anew. And where they are not, to a
 * finding which of them is the oldest, and where that or an event loop waits: as far as nothing is stopped for it.
 * earlier is what the look was diagnosed with; NULL: nothing.
 * Errors: those of vqi_observer_look_closer(), where it was asked for. */
struct vqi_error *vqi_session_look_closer(struct vqi_session *session,
					  const struct vqi_snapshot *earlier,
					  struct vqi_snapshot *later,
					  struct vqi_diagnosis *diagnosis) vqi_must_check;

/* Adds to a look what --report wants of the host, if that is asked for. Errors: those of vqi_host_read(). */
struct vqi_error *vqi_session_read_host(struct vqi_session *session,
					struct vqi_snapshot *snapshot) vqi_must_check;

/* Units: us. How long ago a moment was, on the target's monotonic clock. */
uint64_t vqi_session_elapsed_us(const struct vqi_session *session, const struct timespec *since);

#endif
