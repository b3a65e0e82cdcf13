/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which devices and queues a user means. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "evidence.h"
#include "observer.h"

#define PROXY_SUFFIX "/virtio-backend" /* what a device is called below its pci or ccw proxy */

/* Whether a path of len bytes is this one, or ends with it at a slash. */
static bool is_path_or_end(const char *path, size_t len, const char *end)
{
	size_t end_len = strlen(end);

	if (!end_len || end_len > len || strncmp(path + len - end_len, end, end_len) != 0)
		return false;
	return end_len == len || path[len - end_len - 1] == '/';
}

static bool matches_path(const struct vqi_device *device, const char *name)
{
	const char *path = device->qom_path ? device->qom_path : "";
	size_t len = strlen(path), suffix_len = strlen(PROXY_SUFFIX);

	if (is_path_or_end(path, len, name))
		return true;
	return len > suffix_len && strcmp(path + len - suffix_len, PROXY_SUFFIX) == 0 &&
	       is_path_or_end(path, len - suffix_len, name);
}

/* With or without the domain. */
static bool matches_address(const struct vqi_device *device, const char *name)
{
	const char *address = device->transport_address;

	if (!address)
		return false;
	if (strcmp(address, name) == 0)
		return true;
	return device->transport == VQI_TRANSPORT_PCI && strncmp(address, "0000:", 5) == 0 &&
	       strcmp(address + 5, name) == 0;
}

static bool is_name(const char *text, const char *name)
{
	return text && strcmp(text, name) == 0;
}

static bool matches_backend(const struct vqi_device *device, const char *name)
{
	for (size_t i = 0; i < device->backend_count; i++) {
		if (is_name(device->backends[i].name, name) ||
		    is_name(device->backends[i].node_name, name))
			return true;
	}
	return false;
}

static bool matches_identity(const struct vqi_device *device, const char *name)
{
	return is_name(device->id, name) || matches_path(device, name) ||
	       matches_address(device, name) || matches_backend(device, name);
}

/* "virtio-blk" is every device of the type, "virtio-blk1" the second of them. */
static bool matches_type(const struct vqi_device *device, size_t number, const char *name)
{
	size_t len = device->type ? strlen(device->type) : 0;
	char digits[24];

	if (!len || strncmp(name, device->type, len) != 0)
		return false;
	snprintf(digits, sizeof(digits), "%zu", number);
	return !name[len] || strcmp(name + len, digits) == 0;
}

/* How many devices of the same type come before one. */
static size_t number_of(const struct vqi_observer *observer, size_t index)
{
	const struct vqi_device *device = &observer->devices[index].fixed;
	size_t number = 0;

	for (size_t i = 0; i < index; i++)
		number += observer->devices[i].fixed.device_id == device->device_id;
	return number;
}

static bool matches_block(const struct vqi_block *block, const char *name)
{
	bool found = is_name(block->throttle_group, name);

	for (size_t i = 0; i < block->node_count; i++)
		found = found || is_name(block->nodes[i].node_name, name) ||
			is_name(block->nodes[i].throttle_group, name);
	return found;
}

/* A node anywhere below the device's back end, or a throttle group that it is in. */
static struct vqi_error *matches_graph(struct vqi_qemu *qemu, struct vqi_device *device,
				       const char *name, bool *ret_match)
{
	struct vqi_error *error = vqi_evidence_add_blocks(qemu, device);

	*ret_match = false;
	for (size_t i = 0; !error && i < device->backend_count; i++)
		*ret_match = *ret_match || matches_block(&device->backends[i].block, name);
	return error;
}

static bool mark_by_identity(const struct vqi_observer *observer, const char *name, bool *wanted)
{
	bool found = false;

	for (size_t i = 0; i < observer->device_count; i++) {
		if (matches_identity(&observer->devices[i].fixed, name))
			wanted[i] = found = true;
	}
	return found;
}

static bool mark_by_type(const struct vqi_observer *observer, const char *name, bool *wanted)
{
	bool found = false;

	for (size_t i = 0; i < observer->device_count; i++) {
		if (matches_type(&observer->devices[i].fixed, number_of(observer, i), name))
			wanted[i] = found = true;
	}
	return found;
}

/* Marks what a name means: what is called so; only if nothing is, what is of such a type; only if nothing
 * is, what works with something of that name. */
static struct vqi_error *mark(struct vqi_observer *observer, const char *name, bool *wanted,
			      bool *ret_found)
{
	struct vqi_error *error = NULL;

	*ret_found = mark_by_identity(observer, name, wanted) ||
		     mark_by_type(observer, name, wanted);
	if (*ret_found)
		return NULL;
	for (size_t i = 0; !error && i < observer->device_count; i++) {
		bool match;

		error = matches_graph(observer->qemu, &observer->devices[i].fixed, name, &match);
		if (!error && match)
			wanted[i] = *ret_found = true;
	}
	return error;
}

static struct vqi_error *no_match(const struct vqi_observer *observer, const char *name)
{
	vqi_cleanup_free char *list = NULL;
	size_t len;
	FILE *stream = open_memstream(&list, &len);

	if (!stream)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	for (size_t i = 0; i < observer->device_count; i++) {
		const struct vqi_device *device = &observer->devices[i].fixed;

		fprintf(stream, "%s%s (%s%zu%s%s)", i ? ", " : "", vqi_device_label(device),
			device->type, number_of(observer, i),
			device->transport_address ? " at " : "",
			device->transport_address ? device->transport_address : "");
	}
	if (fclose(stream) != 0)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	return vqi_error_new(VQI_ERROR_USAGE, "--device: '%s' matches nothing; there %s%s", name,
			     observer->device_count ? "are: " : "is no virtio device", list);
}

/* Keeps what is marked. */
static void keep_wanted(struct vqi_observer *observer, const bool *wanted)
{
	size_t kept = 0;

	for (size_t i = 0; i < observer->device_count; i++) {
		if (wanted[i])
			observer->devices[kept++] = observer->devices[i];
		else
			vqi_observed_done(&observer->devices[i]);
	}
	observer->device_count = kept;
}

struct vqi_error *vqi_observer_keep_named(struct vqi_observer *observer, size_t may_lack)
{
	const char *const *names = observer->names;
	vqi_cleanup_free bool *wanted = calloc(observer->device_count + 1, sizeof(*wanted));
	size_t missing = 0;
	bool found;

	if (!wanted)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	for (size_t i = 0; i < observer->name_count; i++) {
		struct vqi_error *error = mark(observer, names[i], wanted, &found);

		if (error)
			return error;
		missing += !found;
		if (!found && missing > may_lack)
			return no_match(observer, names[i]);
	}
	keep_wanted(observer, wanted);
	return NULL;
}

struct vqi_error *vqi_observer_select(struct vqi_observer *observer, const char *const *names,
				      size_t count, bool is_one_enough)
{
	observer->names = names;
	observer->name_count = count;
	return vqi_observer_keep_named(observer, is_one_enough && count ? count - 1 : 0);
}

static void drop_other_gaps(struct vqi_snapshot *snapshot, unsigned int index)
{
	size_t kept = 0;

	for (size_t i = 0; i < snapshot->gap_count; i++) {
		struct vqi_gap *gap = &snapshot->gaps[i];

		if (gap->queue.known && gap->queue.value != index)
			vqi_gap_done(gap);
		else
			snapshot->gaps[kept++] = *gap;
	}
	snapshot->gap_count = kept;
}

static void keep_queue(struct vqi_device *device, unsigned int index)
{
	struct vqi_queue kept = device->queues[index];

	for (size_t i = 0; i < device->queue_count; i++) {
		if (i != index)
			vqi_queue_done(&device->queues[i]);
	}
	device->queues[0] = kept;
	device->queue_count = 1;
}

struct vqi_error *vqi_snapshot_select_queue(struct vqi_snapshot *snapshot, unsigned int index)
{
	size_t kept = 0;

	for (size_t i = 0; i < snapshot->device_count; i++) {
		struct vqi_device *device = &snapshot->devices[i];

		if (index < device->queue_count) {
			keep_queue(device, index);
		} else if (device->queue_count) {
			vqi_device_done(device);
			continue;
		}
		snapshot->devices[kept++] = *device;
	}
	snapshot->device_count = kept;
	drop_other_gaps(snapshot, index);
	if (kept)
		return NULL;
	return vqi_error_new(VQI_ERROR_USAGE, "--queue: no device has a queue %u", index);
}
