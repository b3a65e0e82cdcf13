/* SPDX-License-Identifier: GPL-2.0-or-later */
/* QEMU says itself where some fields are: its descriptions of what it migrates name them, and have their offsets.
 * These are constants of one source file, beside a variable that has a name. Source: hw/virtio/virtio.c
 * virtio_vmstate_info, include/migration/vmstate.h. */
#include <stdlib.h>
#include <string.h>

#include "misfit.h"
#include "selfcheck_device.h"
#include "vqi/limits.h"

#define WORD	     8
#define REACH	     4096 /* bytes before and behind the variable that are looked through */
#define PAGE	     4096 /* each by itself: one may not be there */
#define VERSION	     (UINT64_C(1) << 32) /* VMStateDescription: not unmigratable, version_id 1 */
#define DESCRIPTION  20			 /* words at most until its fields */
#define FIELDS	     (8 * 128)		 /* bytes of its first fields */
#define USER_BITS    56			 /* of addresses of processes, at most */
#define MAX_POINTERS 512
#define MAX_LEN	     24 /* bytes of a name, and its NUL */

static const struct {
	const char *name;
	enum vqi_field_id field;
	bool is_of_ring; /* of VirtQueue.vring */
} states[] = {
	{"last_avail_idx", VQI_F_VirtQueue_last_avail_idx, false},
	{"last_avail_wrap_counter", VQI_F_VirtQueue_last_avail_wrap_counter, false},
	{"used_idx", VQI_F_VirtQueue_used_idx, false},
	{"used_wrap_counter", VQI_F_VirtQueue_used_wrap_counter, false},
	{"inuse", VQI_F_VirtQueue_inuse, false},
	{"vring.avail", VQI_F_VRing_avail, true},
	{"vring.used", VQI_F_VRing_used, true},
	{"vring.num_default", VQI_F_VRing_num_default, true},
	{"device_endian", VQI_F_VirtIODevice_device_endian, false},
	{"guest_features", VQI_F_VirtIODevice_guest_features, false},
	{"broken", VQI_F_VirtIODevice_broken, false},
	{"started", VQI_F_VirtIODevice_started, false},
	{"disabled", VQI_F_VirtIODevice_disabled, false},
};

#define STATES (sizeof(states) / sizeof(states[0]))

/* The descriptions that have these. */
static const char *const descriptions[] = {
	"virtqueue_state",	 "packed_virtqueue_state", "ringsize_state", "virtio/device_endian",
	"virtio/64bit_features", "virtio/broken",	   "virtio/started", "virtio/disabled",
};

/* Pointers that may be to names, each with the place that it was found at. */
struct names {
	struct {
		size_t at; /* word of what is looked through */
		char name[MAX_LEN];
	} found[MAX_POINTERS];
	struct vqi_range ranges[MAX_POINTERS];
	size_t count;
};

static void names_add(struct names *names, size_t at, uint64_t pointer)
{
	if (names->count == MAX_POINTERS)
		return;
	names->ranges[names->count] = (struct vqi_range){
		.addr = pointer, .buf = names->found[names->count].name, .len = MAX_LEN};
	names->found[names->count++].at = at;
}

/* Whether one that was read is this name. */
static bool is_name(const struct names *names, size_t i, const char *name)
{
	return names->ranges[i].ok && strcmp(names->found[i].name, name) == 0;
}

static struct vqi_error *names_read(struct vqi_qemu *qemu, struct names *names)
{
	struct vqi_error *error = vqi_mem_readv(qemu->mem, names->ranges, names->count);

	for (size_t i = 0; i < names->count; i++)
		names->found[i].name[MAX_LEN - 1] = '\0';
	return error;
}

/* ---- fields ---- */

/* What is said of each field: nothing, or also what the layout says, or only something else. */
struct said {
	bool is_named[STATES], is_same[STATES];
};

static uint64_t expected(const struct vqi_layout *layout, size_t state)
{
	uint64_t offset = layout->fields[states[state].field].offset;

	return states[state].is_of_ring ? offset + layout->fields[VQI_F_VirtQueue_vring].offset
					: offset;
}

/* A VMStateField begins with its name, a hint that none of these has, its offset and its size. */
static void take_field(const struct vqi_layout *layout, const struct names *names, size_t i,
		       const uint64_t *words, struct said *said)
{
	for (size_t state = 0; state < STATES; state++) {
		const struct vqi_field *field = &layout->fields[states[state].field];

		if (!field->present || !is_name(names, i, states[state].name) ||
		    words[3] != field->size)
			continue;
		said->is_named[state] = true;
		said->is_same[state] |= words[2] == expected(layout, state);
	}
}

static bool is_field(const uint64_t *words)
{
	return words[0] >= PAGE && words[0] >> USER_BITS == 0 && !words[1] && words[3] &&
	       words[2] < VQI_LAYOUT_MAX_SIZE && words[3] <= WORD;
}

/* An array of structures with pointers, in the part of the address space that processes have. Each description has
 * VERSION in it. */
static bool may_be_fields(uint64_t word)
{
	return word >= PAGE && word % WORD == 0 && word >> USER_BITS == 0 && word != VERSION;
}

/* Looks through what the words of a description lead to: one of them leads to its fields. */
static struct vqi_error *read_fields(struct vqi_qemu *qemu, const uint64_t *description,
				     struct names *names, struct said *said)
{
	uint64_t words[DESCRIPTION][FIELDS / WORD];
	struct vqi_range ranges[DESCRIPTION];
	struct vqi_error *error;
	size_t count = 0;

	for (size_t i = 0; i < DESCRIPTION; i++) {
		if (!may_be_fields(description[i]))
			continue;
		ranges[count] = (struct vqi_range){
			.addr = description[i], .buf = words[count], .len = sizeof(words[count])};
		count++;
	}
	error = vqi_mem_readv(qemu->mem, ranges, count);
	names->count = 0;
	for (size_t i = 0; !error && i < count; i++) {
		for (size_t at = 0; ranges[i].ok && at + 4 <= FIELDS / WORD; at++) {
			if (is_field(&words[i][at]))
				names_add(names, i * (FIELDS / WORD) + at, words[i][at]);
		}
	}
	if (!error)
		error = names_read(qemu, names);
	for (size_t i = 0; !error && i < names->count; i++)
		take_field(qemu->layout, names, i, &words[0][0] + names->found[i].at, said);
	return error;
}

/* ---- descriptions ---- */

struct window {
	uint64_t words[(2 * REACH + PAGE) / WORD];
};

#define WINDOW (sizeof(struct window) / WORD)

static struct vqi_error *read_window(struct vqi_qemu *qemu, uint64_t address, struct window *window)
{
	struct vqi_range ranges[sizeof(*window) / PAGE];
	size_t count = sizeof(ranges) / sizeof(ranges[0]);
	uint64_t start = (address - REACH) / PAGE * PAGE;
	struct vqi_error *error;

	for (size_t i = 0; i < count; i++)
		ranges[i] = (struct vqi_range){.addr = start + i * PAGE,
					       .buf = (uint8_t *)window->words + i * PAGE,
					       .len = PAGE};
	error = vqi_mem_readv(qemu->mem, ranges, count);
	for (size_t i = 0; i < count; i++) {
		if (!ranges[i].ok)
			memset(ranges[i].buf, 0, PAGE);
	}
	return error;
}

static bool is_description(const struct names *names, size_t i)
{
	for (size_t j = 0; j < sizeof(descriptions) / sizeof(descriptions[0]); j++) {
		if (is_name(names, i, descriptions[j]))
			return true;
	}
	return false;
}

static struct vqi_error *read_descriptions(struct vqi_qemu *qemu, const struct window *window,
					   struct said *said)
{
	vqi_cleanup_free struct names *names = calloc(2, sizeof(*names));
	struct vqi_error *error;

	if (!names)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	for (size_t i = 0; i + DESCRIPTION <= WINDOW; i++) {
		if (window->words[i] && window->words[i + 1] == VERSION)
			names_add(names, i, window->words[i]);
	}
	error = names_read(qemu, names);
	for (size_t i = 0; !error && i < names->count; i++) {
		if (is_description(names, i))
			error = read_fields(qemu, &window->words[names->found[i].at], names + 1,
					    said);
	}
	return error;
}

struct vqi_error *vqi_selfcheck_vmstate(struct vqi_qemu *qemu)
{
	vqi_cleanup_free struct window *window = malloc(sizeof(*window));
	struct said said = {0};
	uint64_t address;
	struct vqi_error *error;

	if (!window)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	if (!qemu->layout->symbols[VQI_SYM_virtio_vmstate_info].present)
		return NULL;
	error = vqi_qemu_symbol(qemu, VQI_SYM_virtio_vmstate_info, &address);
	if (!error)
		error = read_window(qemu, address, window);
	if (!error)
		error = read_descriptions(qemu, window, &said);
	for (size_t i = 0; !error && i < STATES; i++) {
		if (said.is_named[i] && !said.is_same[i])
			error = vqi_misfit(vqi_field_info(states[i].field)->name);
	}
	return error;
}
