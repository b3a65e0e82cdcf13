/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the tree of objects cannot be walked, devices are found by their buses, and nobody knows whether there are
 * iothreads. */
#include <check.h>

#include "evidence.h"
#include "fake_loops.h"
#include "fake_virtio.h"
#include "unit.h"
#include "vqi/loops.h"

#define MAIN_TID 4242
#define NOTIFIER UINT64_C(0x55d0c2000000) /* of the device's queue */

static struct fake_qemu *qemu;
static struct fake_main_loop main_loop;
static uint64_t ctx0; /* of an iothread */
static struct fake_device fake;
static struct vqi_snapshot *snapshot;

static void setup(void)
{
	qemu = fake_qemu_new(1);
	main_loop = fake_main_loop(qemu);
	fake_iothread(qemu, "io0", 4300, &ctx0);
	fake = fake_device(qemu, &(struct fake_device_options){.queues = 1});
	snapshot = NULL;
}

static void teardown(void)
{
	vqi_snapshot_free(snapshot);
	fake_qemu_free(qemu);
}

static void assert_loops(size_t count, const char *unknown)
{
	struct vqi_loops loops = {0};

	ck_assert_ok(vqi_qemu_loops(&qemu->qemu, MAIN_TID, &loops));
	ck_assert_uint_eq(loops.count, count);
	ck_assert(loops.loops[0].loop.is_main);
	ck_assert_ptr_nonnull(vqi_aio_context_find(&loops.loops[0].contexts[0], NOTIFIER + 1));
	ck_assert_int_eq(loops.unknown != NULL, unknown != NULL);
	if (unknown) {
		ck_assert_int_eq(loops.unknown->code, VQI_ERROR_NO_LAYOUT);
		ck_assert_ptr_nonnull(strstr(loops.unknown->message, unknown));
	}
	vqi_loops_done(&loops);
}

START_TEST(test_what_leads_to_them)
{
	static const struct {
		enum vqi_field_id field;
		const char *name;
	} fields[] = {
		{VQI_F_Object_parent, "Object.parent is unknown"},
		{VQI_F_Object_properties, "Object.properties is unknown"},
		{VQI_F_ObjectProperty_name, "ObjectProperty.name is unknown"},
		{VQI_F_ObjectProperty_type, "ObjectProperty.type is unknown"},
		{VQI_F_ObjectProperty_opaque, "ObjectProperty.opaque is unknown"},
	};
	bool *machine = &qemu->layout.symbols[VQI_SYM_current_machine].present;

	fake_handler(qemu, main_loop.ctx, NOTIFIER + 1);
	assert_loops(2, NULL);
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		qemu->layout.fields[fields[i].field].present = false;
		assert_loops(1, fields[i].name);
		qemu->layout.fields[fields[i].field].present = true;
	}
	*machine = false;
	assert_loops(1, "current_machine is unknown");
}
END_TEST

/* A look that has read the ring. */
static const struct vqi_queue *look(void)
{
	struct vqi_observer observer = {.qemu = &qemu->qemu};
	struct vqi_device *device;

	vqi_snapshot_free(snapshot);
	snapshot = vqi_snapshot_new();
	ck_assert_ptr_nonnull(snapshot);
	snapshot->devices = device = calloc(1, sizeof(*device));
	snapshot->device_count = 1;
	*device = (struct vqi_device){.vdev_addr = fake.vdev,
				      .started = true,
				      .queues = calloc(1, sizeof(*device->queues)),
				      .queue_count = 1};
	device->queues[0] = (struct vqi_queue){
		.desc_gpa = 0x1000, .host_notifier_fd = VQI_NUM(20), .host_notifier_hva = NOTIFIER};
	ck_assert_ok(vqi_evidence_add_service(&observer, snapshot));
	return &device->queues[0];
}

START_TEST(test_queues)
{
	uint64_t handler = fake_handler(qemu, ctx0, NOTIFIER);
	const struct vqi_queue *queue;

	qemu->layout.fields[VQI_F_Object_properties].present = false;
	queue = look();
	ck_assert_uint_eq(snapshot->loop_count, 1);
	ck_assert_int_eq(queue->handler, VQI_HANDLER_UNKNOWN);
	ck_assert_uint_eq(snapshot->gap_count, 1);
	ck_assert_str_eq(snapshot->gaps[0].what, "iothreads");
	ck_assert_ptr_nonnull(strstr(snapshot->gaps[0].why, "Object.properties is unknown"));
	ck_assert_ptr_null(snapshot->gaps[0].device);

	fake_push(qemu, fake_place(qemu, main_loop.ctx, VQI_F_AioContext_aio_handlers), handler,
		  VQI_F_AioHandler_node);
	queue = look();
	ck_assert_int_eq(queue->handler, VQI_HANDLER_READY);
	ck_assert(vqi_num_is(queue->loop, 0));

	qemu->layout.fields[VQI_F_Object_properties].present = true;
	look();
	ck_assert_uint_eq(snapshot->loop_count, 2);
	ck_assert_uint_eq(snapshot->gap_count, 0);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("iothreads");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_what_leads_to_them);
	tcase_add_test(tcase, test_queues);
	return unit_run("iothreads", tcase);
}
