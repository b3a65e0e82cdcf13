/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading in one stop of all threads: an exact cut. */
#include "vqi/limits.h"
#include "vqi/record.h"
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
		device->error = vqi_reading_plan(observer->qemu, &device->fixed, &device->reading);
		if (device->error && vqi_error_is_fatal(device->error))
			return take_ptr(device->error);
	}
	return NULL;
}

/* What one stop was. */
struct stopped {
	uint64_t us, threads;
	bool exact;
};

static struct vqi_error *read_wanted(struct vqi_observer *observer)
{
	struct vqi_error *error = NULL;

	for (size_t i = 0; !error && i < observer->device_count; i++) {
		struct observed *device = &observer->devices[i];

		if (is_wanted(device)) {
			size_t count;
			struct vqi_range *ranges = vqi_reading_ranges(device->reading, &count);

			error = vqi_mem_readv(observer->qemu->mem, ranges, count);
		}
	}
	return error;
}

/* Makes room for what a recorder, if there is one, is going to keep of these reads. */
static void reserve(struct vqi_observer *observer)
{
	size_t bytes = 0;

	for (size_t i = 0; i < observer->device_count; i++) {
		struct observed *device = &observer->devices[i];
		const struct vqi_range *ranges;
		size_t count = 0;

		ranges = is_wanted(device) ? vqi_reading_ranges(device->reading, &count) : NULL;
		for (size_t j = 0; j < count; j++)
			bytes += ranges[j].len;
		vqi_process_reserve(observer->process, bytes, count);
	}
}

/* Stop: all threads, for bounded reads and nothing else. */
static struct vqi_error *read_stopped(struct vqi_observer *observer, struct stopped *stopped)
{
	vqi_cleanup_stop struct vqi_stop *stop = NULL;
	struct vqi_error *error;

	error = vqi_stop_seize(observer->process, &stop);
	if (error)
		return error;
	error = vqi_stop_interrupt(stop);
	if (!error)
		error = read_wanted(observer);
	vqi_stop_resume(stop);
	/* Also of a stop that failed: some threads may have stood meanwhile. */
	stopped->us = vqi_stop_stopped_us(stop);
	stopped->threads = vqi_stop_thread_count(stop);
	stopped->exact = !error && vqi_stop_was_exact(stop);
	return error;
}

static void note(struct vqi_observer *observer, const struct stopped *stopped,
		 const struct vqi_error *error)
{
	vqi_cleanup(vqi_pack_done) struct vqi_pack data = {0};

	vqi_pack_u64(&data, stopped->us);
	vqi_pack_u64(&data, stopped->threads);
	vqi_pack_u8(&data, stopped->exact);
	vqi_pack_error(&data, error);
	vqi_fact_note(observer->process, VQI_FACT_STOP, 0, &data, NULL);
}

/* In a recording nothing can be stopped; what was, is in it. */
static struct vqi_error *read_as_stopped(struct vqi_observer *observer, struct stopped *stopped)
{
	struct vqi_unpack data;
	struct vqi_error *error = vqi_fact_recall(observer->process, VQI_FACT_STOP, 0, &data);

	if (error)
		return vqi_error_new(VQI_ERROR_UNSUPPORTED, "there is nothing that can be stopped");
	stopped->us = vqi_unpack_u64(&data);
	stopped->threads = vqi_unpack_u64(&data);
	stopped->exact = vqi_unpack_u8(&data);
	error = vqi_unpack_error(&data);
	if (!error)
		error = vqi_fact_error(&data, "a stop");
	return error ? error : read_wanted(observer);
}

static struct vqi_error *read_cut(struct vqi_observer *observer, struct vqi_capture *capture,
				  bool *ret_exact)
{
	struct stopped stopped = {0};
	struct vqi_error *error;

	if (vqi_process_is_replay(observer->process)) {
		error = read_as_stopped(observer, &stopped);
	} else {
		reserve(observer);
		error = read_stopped(observer, &stopped);
		note(observer, &stopped, error);
	}
	capture->stopped_us += stopped.us;
	if (capture->stopped_threads < stopped.threads)
		capture->stopped_threads = (unsigned int)stopped.threads;
	*ret_exact = stopped.exact;
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
			error = read_cut(observer, capture, &exact);
		if (!error)
			current = decode_wanted(observer, exact, i + 1 == VQI_MAX_PLANS);
		if (!error && !current)
			vqi_observer_pause(observer, i);
	}
	return error;
}
