/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VQI_CAPTURE_OBSERVER_H
#define VQI_CAPTURE_OBSERVER_H

#include <time.h>

#include "vqi/capture.h"
#include "vqi/virtio.h"

/* One device under observation. */
struct observed {
	struct vqi_device fixed; /* what does not change: id, path, type, transport, back ends */
	uint64_t class_hva; /* Object.class: what it is; another's, or none, once it was freed */
	struct vqi_reading *reading; /* NULL: to be planned */
	struct vqi_device now;	     /* the look under way: queues, status */
	struct vqi_error *unknown;   /* what of these could not be found out; a gap of every look */
	struct vqi_error *error;     /* why this look could not read it; a gap */
	bool needs_cut;		     /* readings never agreed, and look wrong */
	bool is_read_twice;	     /* the first two readings of this look are there */
};

struct vqi_observer {
	struct vqi_process *process;
	struct vqi_qemu *qemu;
	struct observed *devices;
	size_t device_count;
	char **unplugged; /* labels of those that are gone */
	size_t unplugged_count;
	size_t vduse_count;	  /* exports that are not looked at */
	const char *const *names; /* of the devices to keep; NULL: all */
	size_t name_count;
	struct vqi_plugged plugged; /* none: not known where to look */
	uint64_t plugged_digest;
	bool is_dirty;		 /* devices come or go: to be found anew at the next look */
	unsigned int looks_left; /* until they are found anew in any case */

	/* As of the last look that was not brief; see brief.c. */
	struct timespec whole_time; /* monotonic */
	pid_t *loop_tids;	    /* threads of the event loops */
	size_t loop_tid_count;
	bool loop_away; /* one of them was elsewhere than in its poll, in the last look of any kind */
};

/* Finds out what devices there are, and describes them. Errors: those of vqi_qemu_find_virtio(). */
struct vqi_error *vqi_observer_find(struct vqi_observer *observer) vqi_must_check;

/* Keeps what a device was called that is gone; forgets all of these. Errors: NOMEM. */
struct vqi_error *vqi_observer_note_unplugged(struct vqi_observer *observer,
					      const struct observed *device) vqi_must_check;
void vqi_observer_forget_unplugged(struct vqi_observer *observer);

/* Forgets the devices that are gone, but for what they were called. */
struct vqi_error *vqi_observer_drop_unplugged(struct vqi_observer *observer) vqi_must_check;

/* Forgets what the unplugged were called, and finds those that were plugged. Cheap where nothing was.
 * Errors: GONE, PERMISSION, SYS, NOMEM. */
struct vqi_error *vqi_observer_follow_plugging(struct vqi_observer *observer) vqi_must_check;

/* Keeps the devices that the names mean, of those that there are. Errors: USAGE when more names than may_lack mean
 * none. */
struct vqi_error *vqi_observer_keep_named(struct vqi_observer *observer,
					  size_t may_lack) vqi_must_check;

/* Frees what an observed device owns. */
void vqi_observed_done(struct observed *device);

/* What tells of a device whether it is still the one that was found. */
struct presence {
	uint64_t class_hva, realized;
};

/* The same of a storage daemon, whose devices are what it exports. Owner: the caller, of *ret_devices and each,
 * also after a failure. */
struct vqi_error *vqi_exports_describe(struct vqi_observer *observer, struct observed **ret_devices,
				       size_t *ret_count) vqi_must_check;
struct vqi_error *vqi_exports_presence(const struct vqi_observer *observer,
				       struct presence *ret_presences) vqi_must_check;

/* Adds a gap for exports that are not looked at. Errors: NOMEM. */
struct vqi_error *vqi_observer_add_export_gap(const struct vqi_observer *observer,
					      struct vqi_snapshot *snapshot) vqi_must_check;

/* Reads all devices that are planned already for the first and the second time, in two calls. Errors: those of readv,
 * NOMEM. */
struct vqi_error *vqi_observer_read_planned(struct vqi_observer *observer) vqi_must_check;

/* Reads one device until two readings of every queue agree, without stopping anything. */
struct vqi_error *vqi_observed_read(struct vqi_observer *observer,
				    struct observed *device) vqi_must_check;

/* Waits between two plans of one device, longer each time: its driver is setting it up, or QEMU is
 * resetting it. */
void vqi_observer_pause(struct vqi_observer *observer, int plan);

/* Reads devices in one stop of all threads: all of them, or those that need it.
 * Stop: all threads; adds to what capture says of it. */
struct vqi_error *vqi_observer_cut(struct vqi_observer *observer, bool all,
				   struct vqi_capture *capture) vqi_must_check;

#endif
