/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A layout that does not fit is refused. */
#include <check.h>

#include "fake_loops.h"
#include "fake_virtio.h"
#include "unit.h"
#include "vqi/limits.h"

#define SEEDS 5

static struct fake_qemu *qemu;
static struct fake_device blk0, net0;

static void make(unsigned int seed)
{
	qemu = fake_qemu_new(seed);
	blk0 = fake_device(qemu, &(struct fake_device_options){.id = "blk0"});
	net0 = fake_device(qemu, &(struct fake_device_options){.id = "net0",
							       .type = "virtio-net-device"});
}

static void setup(void)
{
	make(1);
}

static void teardown(void)
{
	fake_qemu_free(qemu);
}

static struct vqi_error *check(void)
{
	return vqi_qemu_check_layout(&qemu->qemu, &qemu->layout);
}

START_TEST(test_every_layout_fits)
{
	teardown();
	make((unsigned int)_i);
	ck_assert_ok(check());
}
END_TEST

/* The main loop's handlers: the first of a list points back at its head. */
START_TEST(test_handlers)
{
	struct fake_main_loop loop = fake_main_loop(qemu);
	uint64_t contexts[] = {loop.ctx, loop.iohandler};

	ck_assert_code_text(check(), VQI_ERROR_NO_LAYOUT, "no list of handlers");
	for (int i = 0; i < 2; i++) {
		uint64_t handler = fake_handler(qemu, contexts[i], 0x55d0c2000010);

		fake_poke(qemu, fake_place(qemu, handler, VQI_F_AioHandler_node) + 8, 8,
			  fake_place(qemu, contexts[i], VQI_F_AioContext_aio_handlers));
	}
	ck_assert_ok(check());
	for (int i = 0; i < 2; i++) {
		uint64_t head = fake_place(qemu, contexts[i], VQI_F_AioContext_aio_handlers);
		uint64_t handler = fake_get(qemu, contexts[i], VQI_F_AioContext_aio_handlers);
		uint64_t back = fake_place(qemu, handler, VQI_F_AioHandler_node) + 8;

		fake_poke(qemu, back, 8, head + 8);
		ck_assert_code_text(check(), VQI_ERROR_NO_LAYOUT, "no list of handlers");
		fake_poke(qemu, back, 8, head);
		ck_assert_ok(check());
		vqi_fake_mem_fault(qemu->fake, back, 1);
		ck_assert_code_text(check(), VQI_ERROR_NO_LAYOUT, "no list of handlers");
		vqi_fake_mem_heal(qemu->fake);
	}
	fake_set_symbol(qemu, VQI_SYM_qemu_aio_context, 8, 0); /* QEMU is about to make it */
	ck_assert_ok(check());
}
END_TEST

START_TEST(test_no_devices)
{
	teardown();
	qemu = fake_qemu_new(1);
	ck_assert_ok(check());
}
END_TEST

/* What a wrong offset of any of these gives is seen. */
static const enum vqi_field_id checked[] = {
	VQI_F_VirtIODevice_vq, VQI_F_VirtIODevice_vmstate,	VQI_F_VirtQueue_queue_index,
	VQI_F_VirtQueue_vdev,  VQI_F_VMChangeStateEntry_opaque, VQI_F_TypeImpl_instance_size,
};

START_TEST(test_wrong_offset)
{
	struct vqi_field *field = &qemu->layout.fields[checked[_i]];
	uint32_t offset = field->offset;

	for (uint32_t i = 1; i <= 16; i++) {
		field->offset = i % 2 ? offset + 4 * i : offset - 2 * i;
		ck_assert_code_text(check(), VQI_ERROR_NO_LAYOUT, "does not fit");
	}
	field->offset = offset;
	ck_assert_ok(check());
}
END_TEST

START_TEST(test_wrong_size)
{
	static const enum vqi_struct_id structs[] = {VQI_S_DeviceState, VQI_S_VirtIODevice,
						     VQI_S_VirtQueue};

	for (int i = 0; i < 3; i++) {
		qemu->layout.structs[structs[i]].size += 8;
		ck_assert_code_text(check(), VQI_ERROR_NO_LAYOUT, "does not fit");
		qemu->layout.structs[structs[i]].size -= 8;
	}
	ck_assert_ok(check());
}
END_TEST

/* What the diagnosis can do without is unknown then. */
START_TEST(test_wrong_size_of_others)
{
	qemu->layout.structs[VQI_S_VirtIOBlock].size += 8;
	ck_assert_ok(check());
	ck_assert(!qemu->layout.structs[VQI_S_VirtIOBlock].present);
	ck_assert(!qemu->layout.fields[VQI_F_VirtIOBlock_blk].present);
	ck_assert(qemu->layout.fields[VQI_F_VirtIONet_peers].present);
	ck_assert(qemu->layout.fields[VQI_F_VirtIODevice_vq].present);
}
END_TEST

/* So is an iothread, which is no device. */
START_TEST(test_wrong_size_of_iothreads)
{
	uint64_t ctx;

	ck_assert_ok(check());
	fake_iothread(qemu, "io0", 4243, &ctx);
	ck_assert_ok(check());
	ck_assert(qemu->layout.structs[VQI_S_IOThread].present);
	qemu->layout.structs[VQI_S_IOThread].size -= 56;
	ck_assert_ok(check());
	ck_assert(!qemu->layout.fields[VQI_F_IOThread_thread_id].present);
	ck_assert(qemu->layout.fields[VQI_F_AioContext_aio_handlers].present);
}
END_TEST

/* So is what a device hangs by. */
START_TEST(test_wrong_size_of_proxies)
{
	fake_device(qemu, &(struct fake_device_options){.proxy = "virtio-blk-ccw"});
	ck_assert_ok(check());
	ck_assert(qemu->layout.structs[VQI_S_CcwDevice].present);
	qemu->layout.structs[VQI_S_CcwDevice].size += 8;
	ck_assert_ok(check());
	ck_assert(!qemu->layout.fields[VQI_F_CcwDevice_devid].present);
}
END_TEST

/* The last of 1024 is of another device, or beyond memory. */
START_TEST(test_every_queue_is_looked_at)
{
	uint64_t last = fake_queue(qemu, &net0, VQI_MAX_QUEUES - 1);

	fake_set(qemu, last, VQI_F_VirtQueue_vdev, blk0.vdev);
	ck_assert_code_text(check(), VQI_ERROR_NO_LAYOUT, "net0/virtio-backend: ");
	fake_set(qemu, last, VQI_F_VirtQueue_vdev, net0.vdev);
	vqi_fake_mem_fault(qemu->fake, last, 1);
	ck_assert_code_text(check(), VQI_ERROR_NO_LAYOUT, "VirtIODevice.vq");
	vqi_fake_mem_heal(qemu->fake);
	ck_assert_ok(check());
}
END_TEST

/* What a layout lacks says nothing against it. */
START_TEST(test_unknown_fields)
{
	static const enum vqi_field_id optional[] = {VQI_F_VirtIODevice_vmstate,
						     VQI_F_VMChangeStateEntry_opaque,
						     VQI_F_TypeImpl_instance_size};

	for (int i = 0; i < 3; i++) {
		qemu->layout.fields[optional[i]].present = false;
		ck_assert_ok(check());
	}
}
END_TEST

START_TEST(test_target_ends)
{
	qemu->fake->calls = 0;
	qemu->fake->gone_after = 3;
	ck_assert_code(check(), VQI_ERROR_GONE);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("selfcheck");

	tcase_set_timeout(tcase, 120);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, test_every_layout_fits, 0, SEEDS);
	tcase_add_test(tcase, test_handlers);
	tcase_add_test(tcase, test_no_devices);
	tcase_add_loop_test(tcase, test_wrong_offset, 0,
			    (int)(sizeof(checked) / sizeof(checked[0])));
	tcase_add_test(tcase, test_wrong_size);
	tcase_add_test(tcase, test_wrong_size_of_others);
	tcase_add_test(tcase, test_wrong_size_of_iothreads);
	tcase_add_test(tcase, test_wrong_size_of_proxies);
	tcase_add_test(tcase, test_every_queue_is_looked_at);
	tcase_add_test(tcase, test_unknown_fields);
	tcase_add_test(tcase, test_target_ends);
	return unit_run("selfcheck", tcase);
}
