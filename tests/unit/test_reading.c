/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Planning, reading and decoding one device. */
#include "reading.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "fake_virtio.h"
#include "unit.h"
#include "vqi/limits.h"

#define SEEDS  4
#define QUEUES 3
#define NUM    8

static struct fake_qemu *qemu;
static struct fake_device fake;
static struct ring_builder ring; /* of queue 0 */
static struct vqi_reading *reading;
static struct vqi_device device; /* as decoded */

static struct vqi_error *plan(void)
{
	vqi_reading_free(take_ptr(reading));
	return vqi_reading_plan(&qemu->qemu, &(const struct vqi_device){.vdev_addr = fake.vdev},
				&reading);
}

static void read_all(void)
{
	size_t count;
	struct vqi_range *ranges = vqi_reading_ranges(reading, &count);

	ck_assert_ok(vqi_mem_readv(&qemu->mem, ranges, count));
}

static struct vqi_error *decode(void)
{
	vqi_device_done(&device);
	device = (struct vqi_device){0};
	return vqi_reading_decode(reading, &device);
}

/* Plans and reads; asserts that the plan is right and the device can be decoded. */
static void look(void)
{
	ck_assert_ok(plan());
	read_all();
	ck_assert(vqi_reading_is_current(reading));
	ck_assert_ok(decode());
}

/* 5 published, of which 4 are seen, 3 taken, 2 completed, 1 reaped. */
static void fill(void)
{
	for (int i = 0; i < 4; i++)
		ck_assert(ring_add(&ring, 1));
	ring_publish(&ring);
	for (int i = 0; i < 3; i++)
		ck_assert(ring_pop(&ring));
	ring_complete(&ring, 0);
	ring_complete(&ring, 0);
	ck_assert(ring_reap(&ring));
	ck_assert(ring_add(&ring, 1));
	ring_publish(&ring);
	fake_store(qemu, &fake, 0, &ring);
}

static void make(unsigned int seed, const struct ring_options *options)
{
	qemu = fake_qemu_new(seed);
	fake = fake_device(qemu, &(struct fake_device_options){.id = "blk0", .queues = QUEUES});
	if (options->packed)
		fake_set(qemu, fake.vdev, VQI_F_VirtIODevice_guest_features,
			 FAKE_FEATURES | FAKE_PACKED);
	fake_ring(qemu, &fake, 0, options, &ring);
	fill();
}

static void setup(void)
{
	make(1, &(struct ring_options){.num = NUM, .event_idx = true});
}

static void teardown(void)
{
	vqi_device_done(&device);
	device = (struct vqi_device){0};
	vqi_reading_free(take_ptr(reading));
	fake_qemu_free(take_ptr(qemu));
}

static void assert_num(struct vqi_num num, uint64_t value)
{
	ck_assert(num.known);
	ck_assert_uint_eq(num.value, value);
}

START_TEST(test_split)
{
	const struct vqi_queue *queue;

	teardown();
	make((unsigned int)_i, &(struct ring_options){.num = NUM, .event_idx = true});
	fake_set_notifier(qemu, &fake, 0, VQI_F_VirtQueue_host_notifier, 23);
	fake_set_notifier(qemu, &fake, 0, VQI_F_VirtQueue_guest_notifier, -1);
	fake_set(qemu, fake.vdev, VQI_F_VirtIODevice_isr, 3);
	look();
	ck_assert_uint_eq(device.queue_count, QUEUES);
	ck_assert_uint_eq(device.device_id, 2);
	ck_assert_uint_eq(device.status, 0xf);
	ck_assert_uint_eq(device.guest_features, FAKE_FEATURES);
	ck_assert(device.started && !device.broken && !device.disabled);
	ck_assert_int_eq(device.endian, VQI_ENDIAN_LITTLE);
	ck_assert_int_eq(device.vhost, VQI_VHOST_NONE);
	assert_num(device.vm_running, 1);
	assert_num(device.isr, 3);

	queue = &device.queues[0];
	ck_assert_str_eq(queue->role, "request");
	ck_assert_uint_eq(queue->num, NUM);
	ck_assert_uint_eq(queue->vq_addr, fake.vq);
	ck_assert_uint_eq(queue->avail_gpa, queue->avail_hva - 0x7f0000000000);
	ck_assert_int_eq(queue->access, VQI_RING_READ);
	ck_assert_uint_eq(queue->ring_faults, 0);
	assert_num(queue->avail_idx, 5);
	assert_num(queue->shadow_avail_idx, 4);
	assert_num(queue->last_avail_idx, 3);
	assert_num(queue->used_idx, 2);
	assert_num(queue->used_ring_idx, 2);
	assert_num(queue->used_event, 1);
	assert_num(queue->avail_event, 3);
	assert_num(queue->inuse, 1);
	assert_num(queue->signalled_used, 2);
	assert_num(queue->signalled_used_valid, 1);
	assert_num(queue->notification, 1);
	assert_num(queue->vector, 1);
	assert_num(queue->host_notifier_fd, 23);
	ck_assert_uint_eq(queue->host_notifier_hva,
			  fake_place(qemu, fake.vq, VQI_F_VirtQueue_host_notifier));
	ck_assert(!queue->guest_notifier_fd.known);
	assert_num(queue->unseen, 1);
	assert_num(queue->in_flight, 1);
	assert_num(queue->unreaped, 1);
	for (unsigned int i = 1; i < QUEUES; i++) {
		ck_assert_uint_eq(device.queues[i].index, i);
		ck_assert_uint_eq(device.queues[i].desc_gpa, 0);
		ck_assert(!device.queues[i].avail_idx.known);
	}
}
END_TEST

START_TEST(test_packed)
{
	const struct vqi_queue *queue;

	teardown();
	make((unsigned int)_i,
	     &(struct ring_options){.packed = true, .num = NUM, .event_idx = true});
	look();
	queue = &device.queues[0];
	ck_assert_int_eq(queue->ring, VQI_RING_PACKED);
	ck_assert_int_eq(queue->access, VQI_RING_READ);
	assert_num(queue->avail_idx, 5);
	assert_num(queue->wrap.avail, 1);
	assert_num(queue->wrap.last_avail, 1);
	assert_num(queue->wrap.used, 1);
	assert_num(queue->wrap.driver.off, 1);
	assert_num(queue->wrap.device.flags, 2);
	assert_num(queue->unseen, 2);
	assert_num(queue->in_flight, 1);
	assert_num(queue->unreaped, 1);
}
END_TEST

/* Without VERSION_1 the rings are the guest's. */
START_TEST(test_legacy_big_endian)
{
	teardown();
	make(0, &(struct ring_options){.num = NUM, .event_idx = true, .big_endian = true});
	fake_set(qemu, fake.vdev, VQI_F_VirtIODevice_guest_features, UINT64_C(1) << 29);
	fake_set(qemu, fake.vdev, VQI_F_VirtIODevice_device_endian, 2);
	look();
	ck_assert_int_eq(device.endian, VQI_ENDIAN_BIG);
	assert_num(device.queues[0].avail_idx, 5);
	fake_set(qemu, fake.vdev, VQI_F_VirtIODevice_device_endian, 0);
	look();
	ck_assert_int_eq(device.endian, VQI_ENDIAN_UNKNOWN);
	fake_set(qemu, fake.vdev, VQI_F_VirtIODevice_guest_features, FAKE_FEATURES);
	fake_set(qemu, fake.vdev, VQI_F_VirtIODevice_device_endian, 2);
	look();
	ck_assert_int_eq(device.endian, VQI_ENDIAN_LITTLE);
}
END_TEST

/* Source: include/hw/virtio/virtio.h virtio_device_started(). */
START_TEST(test_started)
{
	for (unsigned int bits = 0; bits < 8; bits++) {
		bool use_started = bits & 1, started = bits & 2, ready = bits & 4;

		fake_set(qemu, fake.vdev, VQI_F_VirtIODevice_use_started, use_started);
		fake_set(qemu, fake.vdev, VQI_F_VirtIODevice_started, started);
		fake_set(qemu, fake.vdev, VQI_F_VirtIODevice_status, ready ? 0xf : 0xb);
		look();
		ck_assert_int_eq(device.started, use_started ? started : ready);
	}
}
END_TEST

/* QEMU's indices of a device that vhost runs are stale. */
START_TEST(test_vhost)
{
	const struct vqi_queue *queue;

	fake_set(qemu, fake.vdev, VQI_F_VirtIODevice_vhost_started, 1);
	look();
	queue = &device.queues[0];
	ck_assert_int_ne(device.vhost, VQI_VHOST_NONE);
	ck_assert(!queue->last_avail_idx.known && !queue->shadow_avail_idx.known);
	ck_assert(!queue->used_idx.known && !queue->inuse.known && !queue->notification.known);
	ck_assert(!queue->in_flight.known && !queue->unseen.known);
	assert_num(queue->avail_idx, 5);
	assert_num(queue->used_ring_idx, 2);
}
END_TEST

START_TEST(test_no_caches)
{
	fake_set_vring(qemu, &fake, 0, VQI_F_VRing_caches, 0);
	look();
	ck_assert_int_eq(device.queues[0].access, VQI_RING_NO_CACHE);
	ck_assert(!device.queues[0].avail_idx.known);
	assert_num(device.queues[0].in_flight, 1);
}
END_TEST

/* Behind a vIOMMU QEMU has no pointer into guest RAM. */
START_TEST(test_viommu)
{
	static const enum vqi_field_id caches[] = {VQI_F_VRingMemoryRegionCaches_avail,
						   VQI_F_VRingMemoryRegionCaches_used};

	for (size_t i = 0; i < 2; i++) {
		teardown();
		setup();
		fake_set_cache(qemu, &fake, 0, caches[i], 0, 64);
		look();
		ck_assert_int_eq(device.queues[0].access, VQI_RING_NOT_DIRECT);
		ck_assert(device.queues[0].avail_idx.known == (i == 1));
		ck_assert(device.queues[0].used_ring_idx.known == (i == 0));
		ck_assert_uint_eq(device.queues[0].ring_faults, 0);
	}
}
END_TEST

/* Without EVENT_IDX, or with a short mapping, nothing beyond the cache is used. */
START_TEST(test_short_caches)
{
	uint64_t hva;

	look();
	hva = device.queues[0].avail_hva;
	for (uint64_t len = 0; len <= 4 + 2 * NUM + 2; len++) {
		fake_set_cache(qemu, &fake, 0, VQI_F_VRingMemoryRegionCaches_avail, hva, len);
		look();
		ck_assert_int_eq(device.queues[0].access,
				 len < 4 + 2 * NUM ? VQI_RING_SHORT : VQI_RING_READ);
		ck_assert(device.queues[0].avail_idx.known == (len >= 4));
		ck_assert(device.queues[0].used_event.known == (len == 4 + 2 * NUM + 2));
	}
	hva = device.queues[0].used_hva;
	fake_set_cache(qemu, &fake, 0, VQI_F_VRingMemoryRegionCaches_used, hva, 4 + 8 * NUM + 1);
	look();
	ck_assert_int_eq(device.queues[0].access, VQI_RING_READ);
	ck_assert(!device.queues[0].avail_event.known);
}
END_TEST

START_TEST(test_unreadable_ring)
{
	look();
	vqi_fake_mem_fault(qemu->fake, device.queues[0].used_hva, 1);
	look();
	ck_assert_int_eq(device.queues[0].access, VQI_RING_UNREADABLE);
	ck_assert(!device.queues[0].avail_idx.known); /* read together with the used ring */
	ck_assert(!device.queues[0].used_ring_idx.known);
}
END_TEST

START_TEST(test_wrong_queue_index)
{
	fake_set(qemu, fake_queue(qemu, &fake, 1), VQI_F_VirtQueue_queue_index, 2);
	ck_assert_ok(plan());
	read_all();
	ck_assert_code_text(decode(), VQI_ERROR_BAD_DATA, "queue 1");
	fake_set(qemu, fake_queue(qemu, &fake, 1), VQI_F_VirtQueue_queue_index, 1);
	fake_set(qemu, fake_queue(qemu, &fake, 2), VQI_F_VirtQueue_vdev, fake.vdev + 8);
	read_all();
	ck_assert_code_text(decode(), VQI_ERROR_BAD_DATA, "queue 2");
	ck_assert_uint_eq(device.queue_count, 0);
}
END_TEST

START_TEST(test_impossible_plans)
{
	fake_set_vring(qemu, &fake, 1, VQI_F_VRing_num, VQI_MAX_RING + 1);
	ck_assert_code_text(plan(), VQI_ERROR_BAD_DATA, "queue 1");
	fake_set(qemu, fake.vdev, VQI_F_VirtIODevice_vq, 0);
	ck_assert_code(plan(), VQI_ERROR_BAD_DATA);
	fake_set(qemu, fake.vdev, VQI_F_VirtIODevice_vq, 4096);
	ck_assert_code(plan(), VQI_ERROR_FAULT);
	qemu->layout.structs[VQI_S_VirtQueue].present = false;
	ck_assert_code(plan(), VQI_ERROR_NO_LAYOUT);
	ck_assert_ptr_null(reading);
}
END_TEST

START_TEST(test_number_of_queues)
{
	for (unsigned int i = 0; i < VQI_MAX_QUEUES; i++)
		fake_set_vring(qemu, &fake, i, VQI_F_VRing_num, NUM);
	look();
	ck_assert_uint_eq(device.queue_count, VQI_MAX_QUEUES);
	fake_set_vring(qemu, &fake, 64, VQI_F_VRing_num, 0);
	look();
	ck_assert_uint_eq(device.queue_count, 64);
	fake_set_vring(qemu, &fake, 0, VQI_F_VRing_num, 0);
	look();
	ck_assert_uint_eq(device.queue_count, 0);
}
END_TEST

/* What makes a plan stale: each of these must be noticed. */
START_TEST(test_stale_plans)
{
	for (int change = 0; change < 7; change++) {
		uint64_t other;

		teardown();
		setup();
		look();
		other = fake_alloc(qemu, 512);
		switch (change) {
		case 0: /* the driver chose another size */
			fake_set_vring(qemu, &fake, 0, VQI_F_VRing_num, NUM / 2);
			break;
		case 1: /* mapped anew */
			fake_set_vring(qemu, &fake, 0, VQI_F_VRing_caches, other);
			break;
		case 2: /* mapped anew, in the memory of the old */
			fake_set_vring(qemu, &fake, 0, VQI_F_VRing_avail, other);
			break;
		case 3: /* reset */
			fake_set_vring(qemu, &fake, 0, VQI_F_VRing_caches, 0);
			break;
		case 4: /* another kind of ring */
			fake_set(qemu, fake.vdev, VQI_F_VirtIODevice_guest_features,
				 FAKE_FEATURES | FAKE_PACKED);
			break;
		case 5: /* fewer queues */
			fake_set_vring(qemu, &fake, 2, VQI_F_VRing_num, 0);
			break;
		case 6: /* more queues: a network card that negotiated VIRTIO_NET_F_MQ */
			fake_set_vring(qemu, &fake, QUEUES, VQI_F_VRing_num, NUM);
			break;
		}
		read_all();
		ck_assert_msg(!vqi_reading_is_current(reading), "change %d", change);
	}
}
END_TEST

START_TEST(test_same_queue)
{
	look();
	ck_assert_ok(vqi_reading_keep(reading));
	read_all();
	for (size_t i = 0; i < QUEUES; i++)
		ck_assert(vqi_reading_same_queue(reading, i));
	ck_assert(ring_pop(&ring));
	fake_store(qemu, &fake, 0, &ring);
	read_all();
	ck_assert(!vqi_reading_same_queue(reading, 0));
	ck_assert(vqi_reading_same_queue(reading, 1));
	ck_assert_ok(vqi_reading_keep(reading));
	fake_bytes(qemu, device.queues[0].avail_hva, 4)[2]++;
	read_all();
	ck_assert(!vqi_reading_same_queue(reading, 0));
}
END_TEST

/* Every byte that a look reads fails once: an error, or a queue that says what is missing. */
START_TEST(test_every_fault)
{
	vqi_cleanup_free struct fake_read *reads = NULL;
	size_t count, stride = qemu->layout.structs[VQI_S_VirtQueue].size;

	fake_forget(qemu);
	look();
	reads = fake_take_reads(qemu, &count);
	for (size_t i = 0; i < count; i++) {
		for (uint64_t byte = 0; byte < reads[i].len; byte++) {
			vqi_cleanup_error struct vqi_error *error = NULL;
			uint64_t address = reads[i].addr + byte;

			if (address >= fake.vq + 4 * stride && address < fake.vq + 60 * stride)
				continue; /* more of the same */
			vqi_fake_mem_fault(qemu->fake, address, 1);
			error = plan();
			if (!error) {
				read_all();
				error = vqi_reading_is_current(reading) ? decode() : NULL;
				ck_assert_msg(error || !vqi_reading_is_current(reading) ||
						      device.queues[0].access != VQI_RING_READ,
					      "0x%llx", (unsigned long long)address);
			}
			vqi_fake_mem_heal(qemu->fake);
			fake_forget(qemu);
		}
	}
	ck_assert_uint_gt(count, 5);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("reading");

	tcase_set_timeout(tcase, 120);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, test_split, 0, SEEDS);
	tcase_add_loop_test(tcase, test_packed, 0, SEEDS);
	tcase_add_test(tcase, test_legacy_big_endian);
	tcase_add_test(tcase, test_started);
	tcase_add_test(tcase, test_vhost);
	tcase_add_test(tcase, test_no_caches);
	tcase_add_test(tcase, test_viommu);
	tcase_add_test(tcase, test_short_caches);
	tcase_add_test(tcase, test_unreadable_ring);
	tcase_add_test(tcase, test_wrong_queue_index);
	tcase_add_test(tcase, test_impossible_plans);
	tcase_add_test(tcase, test_number_of_queues);
	tcase_add_test(tcase, test_stale_plans);
	tcase_add_test(tcase, test_same_queue);
	tcase_add_test(tcase, test_every_fault);
	return unit_run("reading", tcase);
}
