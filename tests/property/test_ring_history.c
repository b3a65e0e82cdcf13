/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Random histories of a ring: what is decoded is the truth after every step, all chains are right but the
 * one that was spoilt, a history that goes on has no findings, and one that stands still has exactly the
 * one that it should.
 *
 * VQI_SEED, a number, repeats the histories of an earlier run. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fake_virtio.h"
#include "ring_view.h"
#include "unit.h"
#include "vqi/capture.h"
#include "vqi/diagnose.h"

#define STEPS	  3000
#define HISTORIES 12

static uint64_t seed, state; /* of the run; of the history under way */
static struct fake_qemu *qemu;
static struct fake_device device;
static struct ring_builder ring;
static struct vqi_observer *observer;
static struct vqi_ram_range buffers; /* of the driver: all RAM there is */

VQI_DEFINE_CLEANUP_VALUE(struct vqi_diagnosis, vqi_diagnosis_done)

/* xorshift64* */
static uint32_t below(uint32_t limit)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (uint32_t)((state * UINT64_C(0x2545f4914f6cdd1d)) >> 33) % limit;
}

static void start(const struct ring_options *given, uint64_t number)
{
	struct ring_options options = *given;

	state = (seed + number) * UINT64_C(0x9e3779b97f4a7c15) | 1;
	qemu = fake_qemu_new((unsigned int)(number % 5));
	fake_run_state(qemu, 1);
	device = fake_device(qemu, &(struct fake_device_options){.id = "blk0"});
	fake_set(qemu, device.vdev, VQI_F_VirtIODevice_guest_features,
		 UINT64_C(1) << 32 | (uint64_t)options.event_idx << 29 |
			 (uint64_t)options.packed << 34);
	buffers =
		(struct vqi_ram_range){.gpa = RING_GPA, .len = (uint64_t)options.num * RING_BUFFER};
	buffers.hva = fake_alloc(qemu, buffers.len);
	options.buffers = fake_bytes(qemu, buffers.hva, buffers.len);
	fake_ring(qemu, &device, 0, &options, &ring);
	ck_assert_ok(vqi_observer_new(NULL, &qemu->qemu, &observer));
}

static void end(void)
{
	vqi_observer_free(take_ptr(observer));
	fake_qemu_free(take_ptr(qemu));
}

/* One step of the driver or the device; whether an index that both can see moved. */
static bool step(void)
{
	bool published;

	switch (below(8)) {
	case 0:
		if (below(2))
			ring_add(&ring, (uint16_t)(1 + below(3)));
		else
			ring_add_indirect(&ring, (uint16_t)(1 + below(8)));
		return false;
	case 1:
	case 2:
		ring_add(&ring, 1);
		published = ring.added.count;
		ring_publish(&ring);
		return published;
	case 3:
	case 4:
		return ring_pop(&ring);
	case 5:
		if (!ring.taken.count)
			return false;
		ring_complete(&ring, below((uint32_t)ring.taken.count));
		return true;
	case 6:
		ring_reap(&ring);
		return false;
	default:
		if (below(4) == 0)
			ring_set_notification(&ring, below(2));
		else
			ring_look(&ring);
		return false;
	}
}

/* Steps until something moved; a packed ring may come to where it was in two rounds, so not so far. */
static void go_on(void)
{
	size_t moves = 1 + below(ring.options.num);

	for (int i = 0; moves && i < 1000; i++)
		moves -= step();
	fake_store(qemu, &device, 0, &ring);
}

static void assert_num(const char *what, struct vqi_num num, uint64_t value)
{
	ck_assert_msg(num.known && num.value == value,
		      "VQI_SEED=%llu: %s: %s %llu, not %llu (num %u, packed %d)",
		      (unsigned long long)seed, what, num.known ? "is" : "unknown",
		      (unsigned long long)num.value, (unsigned long long)value, ring.options.num,
		      ring.options.packed);
}

/* Where the driver has published up to; in a packed ring it may have written more. */
static uint64_t published_up_to(void)
{
	size_t num = ring.options.num;

	if (!ring.options.packed)
		return ring.avail_idx;
	return (ring.avail_idx + num - ring_count(&ring, &ring.added)) % num;
}

static void assert_truth(const struct vqi_queue *queue)
{
	size_t untaken = ring_count(&ring, &ring.published);
	size_t unseen = ring.options.packed ? untaken
					    : (uint16_t)(ring.avail_idx - ring.shadow_avail_idx);

	assert_num("avail_idx", queue->avail_idx, published_up_to());
	assert_num("unseen", queue->unseen, unseen);
	assert_num("in_flight", queue->in_flight, ring_count(&ring, &ring.taken));
	assert_num("inuse", queue->inuse, ring_count(&ring, &ring.taken));
	if (ring.options.event_idx)
		assert_num("unreaped", queue->unreaped, ring_count(&ring, &ring.completed));
	else
		ck_assert(!queue->unreaped.known);
	if (!ring.options.packed)
		assert_num("used_ring_idx", queue->used_ring_idx, ring.used_idx);
	ck_assert_uint_eq(queue->ring_faults, 0);
}

/* The address of one of the ring's areas. */
static uint64_t area(enum vqi_field_id cache)
{
	const struct vqi_field *fields = qemu->layout.fields;
	uint64_t ptr, place = fake_caches(qemu, &device, 0) + fields[cache].offset +
			      fields[VQI_F_MemoryRegionCache_ptr].offset;

	memcpy(&ptr, fake_bytes(qemu, place, 8), 8);
	return ptr;
}

static unsigned int check_chains(struct vqi_queue *queue)
{
	const struct vqi_guest_ram ram = {&buffers, 1};
	const struct vqi_device decoded = {
		.endian = ring.options.big_endian ? VQI_ENDIAN_BIG : VQI_ENDIAN_LITTLE,
	};

	queue->desc_hva = area(VQI_F_VRingMemoryRegionCaches_desc);
	queue->avail_hva = area(VQI_F_VRingMemoryRegionCaches_avail);
	queue->ring_faults = 0;
	ck_assert_ok(vqi_chains_check(vqi_fake_mem_base(qemu->fake), &ram, &decoded, queue));
	return queue->ring_faults;
}

/* Spoils the head of one chain that is published, and mends it. */
static void assert_chains(struct vqi_queue *queue)
{
	const struct ring_buffer *spoilt;
	uint8_t before[4], *len;
	uint16_t head;

	ck_assert_msg(check_chains(queue) == 0, "VQI_SEED=%llu: faults %x",
		      (unsigned long long)seed, queue->ring_faults);
	if (!ring.published.count)
		return;
	spoilt = &ring.published.buffers[below((uint32_t)ring.published.count)];
	head = ring.options.packed ? spoilt->place : spoilt->id;
	len = ring.desc + (size_t)head * 16 + 8;
	memcpy(before, len, sizeof(before));
	memset(len, 0, sizeof(before));
	ck_assert_uint_eq(check_chains(queue),
			  spoilt->table ? VQI_RING_BAD_INDIRECT : VQI_RING_ZERO_SIZE);
	assert_num("head", queue->fault_place.head, head);
	assert_num("descriptor", queue->fault_place.descriptor, head);
	memcpy(len, before, sizeof(before));
}

static struct vqi_snapshot *look(void)
{
	struct vqi_snapshot *snapshot = NULL;

	ck_assert_ok(vqi_observer_look(observer, VQI_STOP_AUTO, &snapshot));
	ck_assert_uint_eq(snapshot->gap_count, 0);
	ck_assert(snapshot->devices[0].queues[0].consistent);
	assert_truth(&snapshot->devices[0].queues[0]);
	return snapshot;
}

/* What is wrong with this ring when nothing moves any more. */
static const char *expected_finding(void)
{
	if (ring.taken.count)
		return "request-stuck-in-device";
	if (ring.published.count)
		return ring.notification ? "device-not-notified" : "notification-left-off";
	if (ring.completed.count && ring.options.event_idx)
		return "completion-not-seen";
	return NULL;
}

static void assert_verdict(const struct vqi_snapshot *earlier, struct vqi_snapshot *later,
			   const char *id)
{
	vqi_cleanup(vqi_diagnosis_done) struct vqi_diagnosis diagnosis = {0};
	const char *found;

	ck_assert_ok(vqi_diagnose(earlier, later, &diagnosis));
	found = diagnosis.finding_count ? diagnosis.findings[0].rule->id : NULL;
	ck_assert_msg(diagnosis.finding_count <= 1 && !found == !id &&
			      (!id || strcmp(found, id) == 0),
		      "VQI_SEED=%llu: %s, not %s", (unsigned long long)seed, found ? found : "none",
		      id ? id : "none");
	ck_assert_int_eq(diagnosis.exit_status, id ? VQI_EXIT_FINDING : VQI_EXIT_OK);
	ck_assert(!id == (later->devices[0].queues[0].state != VQI_QUEUE_STUCK));
}

/* Rings of every kind; a split ring begins shortly before its indices wrap. */
static struct ring_options options_of(int number)
{
	static const uint16_t packed_nums[] = {1, 2, 3, 5, 7, 64, 255};
	static const uint16_t split_nums[] = {1, 2, 4, 16, 128, 256};
	struct ring_options options = {.event_idx = number % 4 != 3, .packed = number % 2};

	if (options.packed)
		options.num = packed_nums[number / 2 % 7];
	else
		options.num = split_nums[number / 2 % 6];
	options.start = (uint16_t)(65536 - 300);
	return options;
}

/* The decoders alone: many steps, far around. */
START_TEST(test_truth_after_every_step)
{
	struct ring_options options = options_of(_i);

	start(&options, (uint64_t)_i);
	for (int i = 0; i < STEPS; i++) {
		struct vqi_queue queue;

		step();
		queue = ring_decode(&ring);
		assert_truth(&queue);
		assert_chains(&queue);
	}
	end();
}
END_TEST

/* Big-endian rings of a legacy guest. */
START_TEST(test_truth_in_big_endian)
{
	start(
		&(struct ring_options){
			.num = 32, .event_idx = true, .big_endian = true, .start = 65400},
		100);
	for (int i = 0; i < STEPS; i++) {
		struct vqi_queue queue;

		step();
		queue = ring_decode(&ring);
		assert_truth(&queue);
		assert_chains(&queue);
	}
	end();
}
END_TEST

/* All the way from the target's memory to the verdict. */
START_TEST(test_verdicts)
{
	struct ring_options options = options_of(_i);
	int frozen = 0;

	start(&options, 200 + (uint64_t)_i);
	for (int i = 0; i < STEPS / 20; i++) {
		vqi_cleanup_snapshot struct vqi_snapshot *first = NULL, *second = NULL,
							 *third = NULL;

		go_on();
		first = look();
		second = look();
		frozen += expected_finding() != NULL;
		assert_verdict(first, second, expected_finding());
		assert_verdict(NULL, second, NULL);
		go_on();
		third = look();
		assert_verdict(second, third, NULL);
	}
	ck_assert_int_gt(frozen, 10);
	end();
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("ring_history");
	const char *given = getenv("VQI_SEED");

	seed = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
	printf("VQI_SEED=%llu\n", (unsigned long long)seed);
	fflush(stdout);
	tcase_set_timeout(tcase, 120);
	tcase_add_loop_test(tcase, test_truth_after_every_step, 0, HISTORIES + 2);
	tcase_add_test(tcase, test_truth_in_big_endian);
	tcase_add_loop_test(tcase, test_verdicts, 0, HISTORIES + 2);
	return unit_run("ring_history", tcase);
}
