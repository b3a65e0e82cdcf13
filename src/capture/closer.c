/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A closer look: the requests in flight, how old they are, and what carries them on. */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "evidence.h"
#include "requests.h"
#include "stacks.h"
#include "vqi/record.h"

#define MAX_LOOKS 4 /* at a heap that changes */

#define NS_PER_S  1000000000
#define NS_PER_MS 1000000

/* What is in QEMU's memory. */
struct found {
	struct vqi_maps maps;
	struct vqi_heap heap;
	struct vqi_element *elements; /* ascending by address */
	size_t element_count;
};

static void found_done(struct found *found)
{
	vqi_maps_done(&found->maps);
	vqi_heap_done(&found->heap);
	free(found->elements);
}
VQI_DEFINE_CLEANUP_VALUE(struct found, found_done)

/* ---- which queues ---- */

static bool is_wanted(const struct vqi_closer_look *what, const struct vqi_device *device,
		      const struct vqi_queue *queue)
{
	struct vqi_num in_flight = device->vhost == VQI_VHOST_NONE ? queue->in_flight
								   : vqi_queue_outstanding(queue);

	return queue->desc_gpa && vqi_num_nonzero(in_flight) && in_flight.value <= queue->num &&
	       (!what->queue.known || what->queue.value == queue->index);
}

static bool is_any_wanted(const struct vqi_closer_look *what, const struct vqi_snapshot *snapshot)
{
	for (size_t i = 0; i < snapshot->device_count; i++) {
		const struct vqi_device *device = &snapshot->devices[i];

		for (size_t j = 0; j < device->queue_count; j++) {
			if (is_wanted(what, device, &device->queues[j]))
				return true;
		}
	}
	return false;
}

/* ---- requests ---- */

/* Where it is not known, what is larger than any heap of a thread may be the guest's memory. */
static bool may_be_ram(const struct vqi_guest_ram *ram, const struct vqi_map *map)
{
	for (size_t i = 0; i < ram->count; i++) {
		if (ram->ranges[i].hva < map->end &&
		    ram->ranges[i].hva + ram->ranges[i].len > map->start)
			return true;
	}
	return !ram->count && !map->path && map->end - map->start > VQI_THREAD_HEAP_BYTES;
}

/* The guest's memory is none of QEMU's: its pages may still be to come, in a migration, and what is in them is the guest's
 * to say. */
static void leave_out_ram(const struct vqi_guest_ram *ram, struct vqi_maps *maps)
{
	for (size_t i = 0; i < maps->count; i++) {
		if (may_be_ram(ram, &maps->maps[i]))
			maps->maps[i].readable = false;
	}
}

/* All of the guest's memory, as the first device sees it that does; none where it is not known. */
static struct vqi_error *read_guest_ram(struct vqi_observer *observer,
					const struct vqi_snapshot *snapshot,
					struct vqi_guest_ram *ram)
{
	struct vqi_error *error = NULL;
	bool have;

	for (size_t i = 0; !error && !ram->count && i < snapshot->device_count; i++) {
		vqi_guest_ram_done(ram);
		if (!snapshot->devices[i].unread)
			error = vqi_evidence_read_ram(observer->qemu, &snapshot->devices[i], ram,
						      &have);
	}
	return error;
}

/* A heap that becomes smaller, or is changed where it is just read, cannot be followed to its end: once more, then. QEMU
 * gives memory back when it has little to do. Source: util/rcu.c call_rcu_thread(), malloc_trim(). */
static struct vqi_error *read_whole(struct vqi_observer *observer, const struct vqi_guest_ram *ram,
				    struct found *found)
{
	struct vqi_error *error = NULL;

	for (int i = 0; !error && i < MAX_LOOKS && !found->heap.is_whole; i++) {
		vqi_maps_done(&found->maps);
		vqi_heap_done(&found->heap);
		error = vqi_process_maps(observer->process, &found->maps);
		if (error)
			break;
		leave_out_ram(ram, &found->maps);
		error = vqi_heap_read(observer->qemu->mem, &found->maps, &found->heap);
	}
	return error;
}

/* Of QEMU's memory is recorded what is of use for the requests, and it is known only later what that is. */
static struct vqi_error *read_recorded(struct vqi_observer *observer,
				       const struct vqi_guest_ram *ram, struct found *found)
{
	struct vqi_error *error;

	if (vqi_process_is_replay(observer->process))
		return vqi_heap_recall(observer->process, &found->heap);
	vqi_fact_begin(observer->process);
	error = read_whole(observer, ram, found);
	vqi_fact_end(observer->process);
	if (!error && vqi_process_is_recorded(observer->process))
		error = vqi_heap_watch(&found->heap);
	return error;
}

static struct vqi_error *read_heap(struct vqi_observer *observer, struct vqi_snapshot *snapshot,
				   struct found *found)
{
	vqi_cleanup(vqi_guest_ram_done) struct vqi_guest_ram ram = {0};
	struct vqi_error *error = NULL;

	if (!observer->process)
		return NULL;
	error = read_guest_ram(observer, snapshot, &ram);
	if (!error)
		error = read_recorded(observer, &ram, found);
	if (!error)
		error = vqi_elements_find(observer->qemu->layout, &found->heap, &found->elements,
					  &found->element_count);
	return vqi_evidence_keep_limit(error, snapshot, "requests");
}

static struct vqi_error *add_to_device(struct vqi_observer *observer,
				       const struct vqi_closer_look *what,
				       const struct found *found, struct vqi_device *device)
{
	vqi_cleanup(vqi_guest_ram_done) struct vqi_guest_ram ram = {0};
	struct vqi_requests_of of = {
		.mem = observer->qemu->mem, .layout = observer->qemu->layout, .device = device};
	bool asked = false, have = false;
	struct vqi_error *error = NULL;

	for (size_t i = 0; !error && i < device->queue_count; i++) {
		struct vqi_queue *queue = &device->queues[i];

		if (!is_wanted(what, device, queue))
			continue;
		if (!asked)
			error = vqi_evidence_read_ram(observer->qemu, device, &ram, &have);
		asked = true;
		of.ram = have ? &ram : NULL;
		of.queue = queue;
		if (!error)
			error = vqi_requests_find(&of, found->elements, found->element_count,
						  what->dump_bytes, queue);
	}
	return error;
}

/* ---- how old, and how far ---- */

static void carried_requests_done(struct vqi_carried_requests *all)
{
	free(all->requests);
	free(all->carried);
}
VQI_DEFINE_CLEANUP_VALUE(struct vqi_carried_requests, carried_requests_done)

static int compare(const void *key, const void *member)
{
	const uint64_t *address = key;
	const struct vqi_element *element = member;

	if (*address == element->chunk->address)
		return 0;
	return *address < element->chunk->address ? -1 : 1;
}

static const struct vqi_element *find_element(const struct found *found, uint64_t address)
{
	if (!found->element_count)
		return NULL;
	return bsearch(&address, found->elements, found->element_count, sizeof(*found->elements),
		       compare);
}

/* Each element is one queue's. */
static void list_queue(const struct vqi_queue *queue, const struct found *found,
		       struct vqi_carried_requests *all)
{
	for (size_t i = 0; i < queue->request_count && all->count < found->element_count; i++) {
		const struct vqi_element *element =
			find_element(found, queue->requests[i].element_hva);

		if (!element)
			continue;
		all->requests[all->count] = &queue->requests[i];
		all->carried[all->count++].element = element;
	}
}

/* Of disks; what other devices have taken the block layer does not carry. */
static struct vqi_error *list_carried(const struct vqi_snapshot *snapshot,
				      const struct found *found, struct vqi_carried_requests *all)
{
	all->requests = calloc(found->element_count + 1, sizeof(*all->requests));
	all->carried = calloc(found->element_count + 1, sizeof(*all->carried));
	if (!all->requests || !all->carried)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	for (size_t i = 0; i < snapshot->device_count; i++) {
		const struct vqi_device *device = &snapshot->devices[i];

		if (device->device_id != VQI_DEVICE_BLOCK && device->device_id != VQI_DEVICE_SCSI)
			continue;
		for (size_t j = 0; j < device->queue_count; j++)
			list_queue(&device->queues[j], found, all);
	}
	return NULL;
}

static uint64_t now_ns(struct vqi_process *process, clockid_t clock)
{
	struct timespec now = vqi_process_now(process, clock);

	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

/* What QEMU_CLOCK_REALTIME showed, or less, when the process began. */
static uint64_t began_ns(struct vqi_process *process)
{
	uint64_t hz = (uint64_t)sysconf(_SC_CLK_TCK);
	uint64_t asleep = now_ns(process, CLOCK_BOOTTIME) - now_ns(process, CLOCK_MONOTONIC);
	uint64_t began = vqi_process_start_time(process) * (NS_PER_S / hz);

	return began > asleep ? began - asleep : 0;
}

/* Of what virtio-blk does not account, the place for that has what its memory held before. Source: hw/block/virtio-blk.c
 * virtio_blk_handle_discard_write_zeroes(), virtio_blk_handle_zone_mgmt(). */
static bool is_accounted(const struct vqi_request *request)
{
	static const char *const others[] = {"discard",	       "zone-report", "zone-open",
					     "zone-close",     "zone-finish", "zone-reset",
					     "zone-reset-all", "scsi"};

	for (size_t i = 0; request->kind && i < sizeof(others) / sizeof(others[0]); i++) {
		if (strcmp(request->kind, others[i]) == 0)
			return false;
	}
	return request->kind;
}

/* What QEMU's clock showed last, a core does not tell. Under qtest QEMU accounts by a clock of its own, which shows no time since the process began. */
static void set_age(struct vqi_process *process, struct vqi_num start_ns,
		    struct vqi_request *request)
{
	uint64_t now = now_ns(process, CLOCK_MONOTONIC);

	if (vqi_process_is_core(process) || !is_accounted(request) || !start_ns.known ||
	    start_ns.value > now || start_ns.value < began_ns(process))
		return;
	request->age = VQI_AGE_EXACT;
	request->age_ms = (now - start_ns.value) / NS_PER_MS;
}

static struct vqi_error *find_carried(struct vqi_observer *observer, const struct found *found,
				      struct vqi_carried_requests *all)
{
	uint64_t guard = 0;
	struct vqi_error *error;

	error = vqi_error_keep_fatal(vqi_process_pointer_guard(observer->process, &guard));
	if (!error)
		error = vqi_carried_find(observer->qemu->layout, &found->heap, VQI_HOST_MACHINE,
					 guard, all->carried, all->count);
	for (size_t i = 0; !error && i < all->count; i++) {
		set_age(observer->process, all->carried[i].start_ns, all->requests[i]);
		all->requests[i]->carrier = all->carried[i].carrier;
		all->requests[i]->coroutine_hva = all->carried[i].coroutine_hva;
	}
	return error;
}

struct vqi_error *vqi_observer_look_closer(struct vqi_observer *observer,
					   const struct vqi_closer_look *what,
					   enum vqi_stop_mode mode, struct vqi_snapshot *snapshot)
{
	vqi_cleanup(carried_requests_done) struct vqi_carried_requests all = {0};
	vqi_cleanup(found_done) struct found found = {0};
	struct vqi_error *error = NULL;

	if (is_any_wanted(what, snapshot))
		error = read_heap(observer, snapshot, &found);
	for (size_t i = 0; !error && i < snapshot->device_count; i++)
		error = add_to_device(observer, what, &found, &snapshot->devices[i]);
	if (!error)
		error = list_carried(snapshot, &found, &all);
	if (!error && all.count)
		error = find_carried(observer, &found, &all);
	if (is_any_wanted(what, snapshot))
		vqi_heap_note(observer->process, &found.heap, error);
	return error ? error : vqi_stacks_add(observer, what, mode, &all, snapshot);
}
