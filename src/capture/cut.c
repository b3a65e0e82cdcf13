/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading in one stop of all threads: an exact cut. */
#include "vqi/limits.h"
#include "vqi/stop.h"

#include "observer.h"

static bool is_wanted(const struct observed *device)
{
	return device->needs_cut && device->reading && !device->error;
}

/* Slow work first: all pointers are followed before anything is stopped. */
static struct vqi_error *plan_wanted(struct vqi_observer *observer)
{
	for (size_t i = 0; i < observer->device_count; i++) {
		struct observed *device = &observer->devices[i];

		if (device->reading || device->error || !device->needs_cut)
			continue;
		device->error =
			vqi_reading_plan(observer->qemu, device->fixed.vdev_addr, &device->reading);
		if (device->error && vqi_error_is_fatal(device->error))
			return take_ptr(device->error);
	}
	return NULL;
}

/* Stop: all threads, for bounded reads and nothing else. */
static struct vqi_error *read_stopped(struct vqi_observer *observer, struct vqi_capture *capture,
				      bool *ret_exact)
{
	vqi_cleanup_stop struct vqi_stop *stop = NULL;
	struct vqi_error *error;

	error = vqi_stop_seize(observer->process, &stop);
	if (error)
		return error;
	error = vqi_stop_interrupt(stop);
	for (size_t i = 0; !error && i < observer->device_count; i++) {
		struct observed *device = &observer->devices[i];

		if (is_wanted(device)) {
			size_t count;
			struct vqi_range *ranges = vqi_reading_ranges(device->reading, &count);

			error = vqi_mem_readv(observer->qemu->mem, ranges, count);
		}
	}
	vqi_stop_resume(stop);
	/* Also of a stop that failed: some threads may have stood meanwhile. */
	capture->stopped_us += vqi_stop_stopped_us(stop);
	if (capture->stopped_threads < vqi_stop_thread_count(stop))
		capture->stopped_threads = (unsigned int)vqi_stop_thread_count(stop);
	*ret_exact = !error && vqi_stop_was_exact(stop);
	return error;
}

static void decode_cut(struct observed *device, bool exact)
{
	device->now.transport = device->fixed.transport;
	device->now.is_vhost_only = device->fixed.is_vhost_only;
	device->error = vqi_reading_decode(device->reading, &device->now);
	for (size_t i = 0; !device->error && i < device->now.queue_count; i++)
		device->now.queues[i].consistent = exact;
	device->needs_cut = false;
}

/* Decodes what was read; false when a device has other rings than planned: that one is still wanted. */
static bool decode_wanted(struct vqi_observer *observer, bool exact, bool last_try)
{
	bool current = true;

	for (size_t i = 0; i < observer->device_count; i++) {
		struct observed *device = &observer->devices[i];

		if (!is_wanted(device))
			continue;
		device->error = vqi_reading_follow_caches(device->reading);
		if (device->error)
			continue;
		if (vqi_reading_is_current(device->reading)) {
			decode_cut(device, exact);
			continue;
		}
		current = false;
		vqi_reading_free(take_ptr(device->reading));
		if (last_try)
			device->error = vqi_error_new(VQI_ERROR_BAD_DATA,
						      "its rings changed while it was read");
	}
	return current;
}

struct vqi_error *vqi_observer_cut(struct vqi_observer *observer, bool all,
				   struct vqi_capture *capture)
{
	bool current = false, exact = false, waits_for_itself;
	struct vqi_error *error;

	if (!observer->process)
		return vqi_error_new(VQI_ERROR_UNSUPPORTED, "there is nothing that can be stopped");
	error = vqi_process_has_userfaultfd(observer->process, &waits_for_itself);
	if (!error && waits_for_itself) /* our read would wait for the threads that we stopped */
		return vqi_error_new(VQI_ERROR_UNSUPPORTED,
				     "not stopped: its memory is still arriving (userfaultfd)");
	for (size_t i = 0; all && i < observer->device_count; i++)
		observer->devices[i].needs_cut = true;
	for (int i = 0; !error && !current && i < VQI_MAX_PLANS; i++) {
		error = plan_wanted(observer);
		if (!error)
			error = read_stopped(observer, capture, &exact);
		if (!error)
			current = decode_wanted(observer, exact, i + 1 == VQI_MAX_PLANS);
		if (!error && !current)
			vqi_observer_pause(observer, i);
	}
	return error;
}
