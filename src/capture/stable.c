/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading a device that runs on meanwhile: again, until two readings agree. */
#include <stdlib.h>
#include <string.h>

#include "vqi/limits.h"

#include "observer.h"

#define SETTLE_NS 500000 /* longer than QEMU is between two halves of an update */

/* What no ring at rest looks like, but any can look like for a moment: QEMU pops in several steps. */
static bool looks_wrong(const struct vqi_device *device, const struct vqi_queue *queue)
{
	if (device->broken)
		return false;
	/* QEMU maps a ring after it has been told where it is: hw/virtio/virtio.c virtio_queue_set_rings(). */
	if (queue->access == VQI_RING_NO_CACHE && queue->desc_gpa)
		return true;
	return queue->ring_faults || (queue->inuse.known && queue->in_flight.known &&
				      queue->inuse.value != queue->in_flight.value);
}

struct tally {
	size_t moving;	/* queues of which no two readings agreed so far */
	size_t wrong;	/* queues that look wrong */
	bool unsettled; /* one of the latter is not moving */
	bool torn;	/* one of them is */
};

/* Takes the new values of the device, and of every queue that has not settled yet. */
static struct tally merge(const struct vqi_reading *reading, const struct vqi_device *fresh,
			  struct vqi_device *device, bool *settled)
{
	struct vqi_queue *queues = device->queues;
	struct tally tally = {0};

	*device = *fresh; /* no pointers of its own but the queues */
	device->queues = queues;
	for (size_t i = 0; i < fresh->queue_count; i++) {
		bool same = vqi_reading_same_queue(reading, i);
		bool wrong = looks_wrong(fresh, &fresh->queues[i]);

		if (settled[i])
			continue;
		queues[i] = fresh->queues[i];
		queues[i].consistent = same;
		settled[i] = same && !wrong;
		tally.moving += !same;
		tally.wrong += wrong;
		tally.unsettled |= same && wrong;
		tally.torn |= !same && wrong;
	}
	return tally;
}

static struct vqi_error *read_once(struct vqi_observer *observer, struct vqi_reading *reading)
{
	size_t count;
	struct vqi_range *ranges = vqi_reading_ranges(reading, &count);

	return vqi_mem_readv(observer->qemu->mem, ranges, count);
}

static struct vqi_error *read_again(struct vqi_observer *observer, struct vqi_reading *reading)
{
	struct vqi_error *error = vqi_reading_keep(reading);

	return error ? error : read_once(observer, reading);
}

/* ---- all devices together ---- */

static size_t count_ranges(const struct vqi_observer *observer)
{
	size_t total = 0, count;

	for (size_t i = 0; i < observer->device_count; i++) {
		if (observer->devices[i].reading) {
			vqi_reading_ranges(observer->devices[i].reading, &count);
			total += count;
		}
	}
	return total;
}

/* Reads the devices that are planned; all is where their ranges are put together. */
static struct vqi_error *read_planned(struct vqi_observer *observer, struct vqi_range *all)
{
	struct vqi_error *error;
	size_t count, at = 0;

	for (size_t i = 0; i < observer->device_count; i++) {
		const struct vqi_range *ranges;

		if (!observer->devices[i].reading)
			continue;
		ranges = vqi_reading_ranges(observer->devices[i].reading, &count);
		memcpy(all + at, ranges, count * sizeof(*all));
		at += count;
	}
	error = vqi_mem_readv(observer->qemu->mem, all, at);
	at = 0;
	for (size_t i = 0; !error && i < observer->device_count; i++) {
		struct vqi_range *ranges;

		if (!observer->devices[i].reading)
			continue;
		ranges = vqi_reading_ranges(observer->devices[i].reading, &count);
		memcpy(ranges, all + at, count * sizeof(*all));
		at += count;
	}
	return error;
}

struct vqi_error *vqi_observer_read_planned(struct vqi_observer *observer)
{
	vqi_cleanup_free struct vqi_range *all = calloc(count_ranges(observer) + 1, sizeof(*all));
	struct vqi_error *error;

	if (!all)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	error = read_planned(observer, all);
	for (size_t i = 0; !error && i < observer->device_count; i++) {
		if (observer->devices[i].reading)
			error = vqi_reading_keep(observer->devices[i].reading);
	}
	if (!error)
		error = read_planned(observer, all);
	for (size_t i = 0; !error && i < observer->device_count; i++)
		observer->devices[i].is_read_twice = observer->devices[i].reading != NULL;
	return error;
}

/* ---- one device ---- */

static struct vqi_error *plan(struct vqi_observer *observer, struct observed *device)
{
	if (device->reading)
		return NULL;
	return vqi_reading_plan(observer->qemu, &device->fixed, &device->reading);
}

/* Reads until every queue has settled or the tries are used up. *ret_current is false when the
 * device has other rings by now. */
static struct vqi_error *read_stable(struct vqi_observer *observer, struct observed *device,
				     bool *ret_current)
{
	struct vqi_reading *reading = device->reading;
	size_t count = vqi_reading_queue_count(reading);
	vqi_cleanup_free bool *settled = calloc(count + 1, sizeof(*settled));
	struct vqi_device fresh = {
		.transport = device->now.transport,
		.vhost = device->now.vhost,
		.is_vhost_only = device->now.is_vhost_only,
	};
	struct vqi_device *target;
	struct tally tally = {0};
	struct vqi_error *error;

	if (!settled)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	error = device->is_read_twice ? NULL : read_once(observer, reading);
	for (int i = 0; !error && i < VQI_MAX_STABLE_READS; i++) {
		if (tally.unsettled)
			vqi_process_rest(observer->process, SETTLE_NS);
		if (!device->is_read_twice)
			error = read_again(observer, reading);
		device->is_read_twice = false;
		if (!error)
			error = vqi_reading_follow_caches(reading);
		*ret_current = !error && vqi_reading_is_current(reading);
		if (!*ret_current)
			break;
		target = i == 0 ? &device->now : &fresh;
		error = vqi_reading_decode(reading, target);
		if (error)
			break;
		tally = merge(reading, target, &device->now, settled);
		if (!tally.moving && !tally.wrong)
			break;
	}
	device->needs_cut = tally.torn;
	vqi_reading_forget(reading);
	vqi_device_done(&fresh);
	return error;
}

void vqi_observer_pause(struct vqi_observer *observer, int plan)
{
	vqi_process_rest(observer->process, (uint64_t)SETTLE_NS << plan);
}

struct vqi_error *vqi_observed_read(struct vqi_observer *observer, struct observed *device)
{
	struct vqi_error *error;

	for (int i = 0; i < VQI_MAX_PLANS; i++) {
		bool current;

		error = plan(observer, device);
		if (!error)
			error = read_stable(observer, device, &current);
		if (!error && current)
			return NULL;
		vqi_reading_free(take_ptr(device->reading));
		if (error)
			return error;
		vqi_observer_pause(observer, i);
	}
	return vqi_error_new(VQI_ERROR_BAD_DATA, "its rings changed %d times while it was read",
			     VQI_MAX_PLANS);
}
