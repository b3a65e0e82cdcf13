/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which AioContext should serve a queue. */
#include <check.h>

#include "fake_virtio.h"
#include "unit.h"
#include "vqi/loops.h"

#define SEEDS	  4
#define QUEUES	  3
#define CONTEXT	  UINT64_C(0x55d0c3000000)
#define UNTOUCHED UINT64_C(0x77)

/* The two kinds of device that can have iothreads, and where they keep an array of contexts. */
static const struct {
	const char *type;
	enum vqi_field_id array;
} kinds[] = {
	{"virtio-blk-device", VQI_F_VirtIOBlock_vq_aio_context},
	{"virtio-scsi-device", VQI_F_VirtIOSCSI_vq_aio_context},
};

#define BLK  0
#define SCSI 1

static struct fake_qemu *qemu;
static uint64_t vdevs[2], context;

static void make(unsigned int seed)
{
	qemu = fake_qemu_new(seed);
	for (int i = 0; i < 2; i++)
		vdevs[i] = fake_device(qemu, &(struct fake_device_options){.type = kinds[i].type,
									   .queues = QUEUES})
				   .vdev;
}

static void setup(void)
{
	make(1);
}

static void teardown(void)
{
	fake_qemu_free(qemu);
}

static struct vqi_error *read_context(uint64_t vdev, unsigned int queue)
{
	context = UNTOUCHED;
	return vqi_qemu_queue_context(&qemu->qemu, vdev, queue, &context);
}

static void assert_context(uint64_t vdev, unsigned int queue, uint64_t wanted)
{
	ck_assert_ok(read_context(vdev, queue));
	ck_assert_uint_eq(context, wanted);
}

/* From QEMU 9.0 on (blk) and 9.2 on (scsi): a context a queue, 0 for the main loop's. */
static void map_queues(int kind)
{
	uint64_t array = fake_alloc(qemu, QUEUES * 8);

	for (unsigned int i = 0; i < QUEUES; i++)
		fake_poke(qemu, array + i * 8, 8, i == 1 ? 0 : CONTEXT + i * 256);
	fake_set(qemu, vdevs[kind], kinds[kind].array, array);
}

/* Up to 8.2: of all queues. */
static void set_dataplane(uint64_t ctx)
{
	uint64_t dataplane = fake_make(qemu, VQI_S_VirtIOBlockDataPlane);

	fake_set(qemu, dataplane, VQI_F_VirtIOBlockDataPlane_ctx, ctx);
	fake_set(qemu, vdevs[BLK], VQI_F_VirtIOBlock_dataplane, dataplane);
}

START_TEST(test_every_layout)
{
	teardown();
	make((unsigned int)_i);
	for (int kind = 0; kind < 2; kind++) {
		for (unsigned int i = 0; i < QUEUES; i++)
			assert_context(vdevs[kind], i, 0);
		map_queues(kind);
		for (unsigned int i = 0; i < QUEUES; i++)
			assert_context(vdevs[kind], i, i == 1 ? 0 : CONTEXT + i * 256);
	}
	teardown();
	make((unsigned int)_i);
	set_dataplane(CONTEXT);
	fake_set(qemu, vdevs[SCSI], VQI_F_VirtIOSCSI_ctx, CONTEXT + 1);
	for (unsigned int i = 0; i < QUEUES; i++) {
		assert_context(vdevs[BLK], i, CONTEXT);
		assert_context(vdevs[SCSI], i, CONTEXT + 1);
	}
}
END_TEST

/* A QEMU has one of the fields; what it does not have is no error. */
START_TEST(test_unknown_fields)
{
	qemu->layout.fields[VQI_F_VirtIOBlock_vq_aio_context].present = false;
	qemu->layout.fields[VQI_F_VirtIOSCSI_vq_aio_context].present = false;
	set_dataplane(CONTEXT);
	fake_set(qemu, vdevs[SCSI], VQI_F_VirtIOSCSI_ctx, CONTEXT + 1);
	assert_context(vdevs[BLK], 2, CONTEXT);
	assert_context(vdevs[SCSI], 2, CONTEXT + 1);
	qemu->layout.fields[VQI_F_VirtIOBlockDataPlane_ctx].present = false;
	assert_context(vdevs[BLK], 2, 0);
	qemu->layout.fields[VQI_F_VirtIOBlock_dataplane].present = false;
	qemu->layout.fields[VQI_F_VirtIOSCSI_ctx].present = false;
	assert_context(vdevs[BLK], 2, 0);
	assert_context(vdevs[SCSI], 2, 0);
	for (int kind = 0; kind < 2; kind++) {
		qemu->layout.fields[kinds[kind].array].present = true;
		map_queues(kind);
		assert_context(vdevs[kind], 2, CONTEXT + 512);
	}
}
END_TEST

/* Only these two have iothreads; what lies there in another device is something else. */
START_TEST(test_other_devices)
{
	uint64_t vdev =
		fake_device(qemu, &(struct fake_device_options){.type = "virtio-net-device"}).vdev;

	assert_context(vdev, 0, 0);
	ck_assert_code(read_context(4096, 0), VQI_ERROR_FAULT);
	ck_assert_uint_eq(context, UNTOUCHED);
}
END_TEST

/* A queue that the array is too short for. */
START_TEST(test_beyond_the_array)
{
	map_queues(BLK);
	ck_assert_code(read_context(vdevs[BLK], QUEUES), VQI_ERROR_FAULT);
	ck_assert_uint_eq(context, UNTOUCHED);
}
END_TEST

/* Every byte that a healthy run reads fails once. */
static void fault_each_byte(uint64_t vdev, size_t wanted)
{
	vqi_cleanup_free struct fake_read *reads = NULL;
	size_t count, faults = 0;

	assert_context(vdev, 0, CONTEXT); /* the types are known then */
	fake_forget(qemu);
	assert_context(vdev, 0, CONTEXT);
	reads = fake_take_reads(qemu, &count);
	for (size_t i = 0; i < count; i++) {
		for (uint64_t byte = 0; byte < reads[i].len; byte++, faults++) {
			vqi_fake_mem_fault(qemu->fake, reads[i].addr + byte, 1);
			ck_assert_code(read_context(vdev, 0), VQI_ERROR_FAULT);
			ck_assert_uint_eq(context, UNTOUCHED);
			vqi_fake_mem_heal(qemu->fake);
		}
	}
	ck_assert_uint_eq(faults, wanted);
}

START_TEST(test_every_fault)
{
	set_dataplane(CONTEXT);
	fault_each_byte(vdevs[BLK], 2 * 8 + 3 * 8); /* its type twice, three pointers */
	map_queues(SCSI);
	fault_each_byte(vdevs[SCSI], 2 * 8 + 2 * 8);
}
END_TEST

START_TEST(test_target_ends)
{
	size_t calls;

	set_dataplane(CONTEXT);
	assert_context(vdevs[BLK], 0, CONTEXT);
	qemu->fake->calls = 0;
	assert_context(vdevs[BLK], 0, CONTEXT);
	calls = qemu->fake->calls;
	for (size_t i = 0; i < calls; i++) {
		qemu->fake->calls = 0;
		qemu->fake->gone_after = i;
		ck_assert_code(read_context(vdevs[BLK], 0), VQI_ERROR_GONE);
		ck_assert_uint_eq(context, UNTOUCHED);
	}
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("loops_queue");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, test_every_layout, 0, SEEDS);
	tcase_add_test(tcase, test_unknown_fields);
	tcase_add_test(tcase, test_other_devices);
	tcase_add_test(tcase, test_beyond_the_array);
	tcase_add_test(tcase, test_every_fault);
	tcase_add_test(tcase, test_target_ends);
	return unit_run("loops_queue", tcase);
}
