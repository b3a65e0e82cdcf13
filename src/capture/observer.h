/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VQI_CAPTURE_OBSERVER_H
#define VQI_CAPTURE_OBSERVER_H

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
};

struct vqi_observer {
	struct vqi_process *process;
	struct vqi_qemu *qemu;
	struct observed *devices;
	size_t device_count;
	char **unplugged; /* labels of those that are gone */
	size_t unplugged_count;
};

/* Frees what an observed device owns. */
void vqi_observed_done(struct observed *device);

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
