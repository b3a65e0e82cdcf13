/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which event loop serves a queue, and whether it listens. */
#include <check.h>

#include "evidence.h"
#include "fake_loops.h"
#include "fake_virtio.h"
#include "unit.h"

#define QUEUES	 2
#define NOTIFIER UINT64_C(0x55d0c2000000) /* of queue 0 */
#define IO_POLL	 UINT64_C(0x55d0c1113330)
#define MAIN	 0 /* indices of loops */
#define IO0	 1

static struct fake_qemu *qemu;
static struct fake_main_loop main_loop;
static uint64_t ctx0, iothread0;
static struct fake_device fake;
static struct vqi_observer observer;
static struct vqi_snapshot *snapshot;

static void make(const char *type)
{
	qemu = fake_qemu_new(1);
	main_loop = fake_main_loop(qemu);
	iothread0 = fake_iothread(qemu, "io0", 4300, &ctx0);
	fake = fake_device(qemu, &(struct fake_device_options){.type = type, .queues = QUEUES});
	observer = (struct vqi_observer){.qemu = &qemu->qemu};
	snapshot = NULL;
}

static void setup(void)
{
	make(NULL);
}

static void teardown(void)
{
	vqi_snapshot_free(snapshot);
	fake_qemu_free(qemu);
}

static struct vqi_device *device(void)
{
	return &snapshot->devices[0];
}

static struct vqi_queue *queue(void)
{
	return &snapshot->devices[0].queues[0];
}

/* A look that has read the rings: all queues are set up and have notifiers. */
static void begin(void)
{
	vqi_snapshot_free(snapshot);
	snapshot = vqi_snapshot_new();
	ck_assert_ptr_nonnull(snapshot);
	snapshot->devices = calloc(1, sizeof(*snapshot->devices));
	snapshot->device_count = 1;
	*device() = (struct vqi_device){
		.vdev_addr = fake.vdev,
		.started = true,
		.queues = calloc(QUEUES, sizeof(*device()->queues)),
		.queue_count = QUEUES,
	};
	for (unsigned int i = 0; i < QUEUES; i++)
		device()->queues[i] = (struct vqi_queue){
			.index = i,
			.desc_gpa = 0x1000,
			.host_notifier_fd = VQI_NUM(20 + i),
			.host_notifier_hva = NOTIFIER + i * 16,
		};
}

static void add_service(void)
{
	ck_assert_ok(vqi_evidence_add_service(&observer, snapshot));
}

static void look(void)
{
	begin();
	add_service();
}

static void assert_queue(enum vqi_handler handler, size_t loop, uint64_t ctx)
{
	ck_assert_int_eq(queue()->handler, handler);
	ck_assert(vqi_num_is(queue()->loop, loop));
	ck_assert_uint_eq(queue()->handler_ctx_hva, ctx);
}

static void assert_nothing_known(void)
{
	ck_assert_int_eq(queue()->handler, VQI_HANDLER_UNKNOWN);
	ck_assert(!queue()->loop.known);
	ck_assert_uint_eq(queue()->handler_ctx_hva, 0);
	ck_assert(!queue()->handler_polled.known);
}

START_TEST(test_loops)
{
	fake_bottom_half(qemu, ctx0, 1 << 1);
	look();
	ck_assert_uint_eq(snapshot->loop_count, 2);
	ck_assert_str_eq(snapshot->loops[MAIN].name, "main loop");
	ck_assert(snapshot->loops[MAIN].is_main);
	ck_assert_str_eq(snapshot->loops[IO0].name, "iothread io0");
	ck_assert(vqi_num_is(snapshot->loops[IO0].tid, 4300));
	ck_assert(vqi_num_is(snapshot->loops[IO0].bottom_halves, 1));
	ck_assert_uint_eq(snapshot->loops[IO0].ctx_hva, ctx0);
	ck_assert_uint_eq(snapshot->thread_count, 0); /* there is no process */
}
END_TEST

/* In each of the three lists. */
START_TEST(test_every_context)
{
	const struct {
		uint64_t ctx;
		size_t loop;
	} contexts[] = {{main_loop.ctx, MAIN}, {main_loop.iohandler, MAIN}, {ctx0, IO0}};

	for (size_t i = 0; i < 3; i++) {
		fake_handler(qemu, contexts[i].ctx, NOTIFIER + 8); /* another's */
		fake_handler(qemu, contexts[i].ctx, NOTIFIER);
		look();
		assert_queue(VQI_HANDLER_READY, contexts[i].loop, contexts[i].ctx);
		ck_assert_int_eq(device()->queues[1].handler, VQI_HANDLER_NONE);
		fake_set(qemu, contexts[i].ctx, VQI_F_AioContext_aio_handlers, 0);
	}
}
END_TEST

START_TEST(test_handler_that_is_passed_over)
{
	static const struct {
		bool reads, is_external;
		unsigned int disable_cnt;
		enum vqi_handler handler;
	} cases[] = {
		{true, true, 0, VQI_HANDLER_READY},    {true, true, 1, VQI_HANDLER_DISABLED},
		{true, true, 2, VQI_HANDLER_DISABLED}, {true, false, 1, VQI_HANDLER_READY},
		{true, false, 0, VQI_HANDLER_READY},   {false, true, 0, VQI_HANDLER_NONE},
		{false, true, 1, VQI_HANDLER_NONE},    {false, false, 0, VQI_HANDLER_NONE},
	};
	uint64_t handler = fake_handler(qemu, ctx0, NOTIFIER);
	uint64_t io_read = fake_get(qemu, handler, VQI_F_AioHandler_io_read);

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fake_set(qemu, handler, VQI_F_AioHandler_io_read, cases[i].reads ? io_read : 0);
		fake_set(qemu, handler, VQI_F_AioHandler_is_external, cases[i].is_external);
		fake_set(qemu, ctx0, VQI_F_AioContext_external_disable_cnt, cases[i].disable_cnt);
		/* That of another loop does not matter. */
		fake_set(qemu, main_loop.ctx, VQI_F_AioContext_external_disable_cnt, 7);
		look();
		assert_queue(cases[i].handler, IO0, ctx0);
	}
}
END_TEST

/* Since 8.1 a handler that is drained is not in the list. */
START_TEST(test_qemu_that_has_no_external_handlers)
{
	uint64_t handler = fake_handler(qemu, ctx0, NOTIFIER);

	fake_set(qemu, handler, VQI_F_AioHandler_is_external, 1);
	fake_set(qemu, ctx0, VQI_F_AioContext_external_disable_cnt, 1);
	qemu->layout.fields[VQI_F_AioContext_external_disable_cnt].present = false;
	look();
	assert_queue(VQI_HANDLER_READY, IO0, ctx0);
	fake_set(qemu, handler, VQI_F_AioHandler_deleted, NOTIFIER);
	look();
	assert_queue(VQI_HANDLER_NONE, MAIN, 0);
}
END_TEST

START_TEST(test_polled)
{
	uint64_t handler = fake_handler(qemu, ctx0, NOTIFIER);

	for (unsigned int i = 0; i < 8; i++) {
		fake_set(qemu, handler, VQI_F_AioHandler_io_poll, i & 1 ? IO_POLL : 0);
		fake_set(qemu, handler, VQI_F_AioHandler_polled, i & 2);
		fake_set(qemu, ctx0, VQI_F_AioContext_poll_started, i >> 2);
		look();
		ck_assert(vqi_num_is(queue()->handler_polled, i == 7));
		ck_assert(!device()->queues[1].handler_polled.known);
	}
	qemu->layout.fields[VQI_F_AioContext_poll_started].present = false;
	look();
	ck_assert(!queue()->handler_polled.known);
}
END_TEST

/* Where a list could not be read nobody knows that it is in none. */
START_TEST(test_list_that_cannot_be_read)
{
	const uint64_t contexts[] = {main_loop.ctx, main_loop.iohandler, ctx0};

	for (size_t i = 0; i < 3; i++) {
		uint64_t handler = fake_handler(qemu, contexts[i], 4096);

		look();
		ck_assert_int_eq(queue()->handler, VQI_HANDLER_NONE);
		vqi_fake_mem_fault(qemu->fake, handler, 8);
		look();
		ck_assert_int_eq(queue()->handler, VQI_HANDLER_UNKNOWN);
		ck_assert(vqi_num_is(queue()->loop, MAIN)); /* it should be */
		vqi_fake_mem_heal(qemu->fake);
		fake_set(qemu, contexts[i], VQI_F_AioContext_aio_handlers, 0);
	}
	/* What is found in another list is there all the same. */
	vqi_fake_mem_fault(qemu->fake, fake_handler(qemu, main_loop.ctx, 4096), 8);
	fake_handler(qemu, ctx0, NOTIFIER);
	look();
	assert_queue(VQI_HANDLER_READY, IO0, ctx0);
}
END_TEST

START_TEST(test_notifier_that_is_unknown)
{
	begin();
	queue()->host_notifier_fd = VQI_UNKNOWN;
	add_service();
	assert_queue(VQI_HANDLER_UNKNOWN, MAIN, 0);
	begin();
	queue()->host_notifier_hva = 0;
	fake_handler(qemu, ctx0, 0); /* for nothing */
	add_service();
	assert_queue(VQI_HANDLER_UNKNOWN, MAIN, 0);
}
END_TEST

/* A queue that no loop listens to: who should. */
START_TEST(test_expected_loop)
{
	uint64_t array = fake_alloc(qemu, QUEUES * 8);
	uint64_t dataplane = fake_make(qemu, VQI_S_VirtIOBlockDataPlane);

	look();
	assert_queue(VQI_HANDLER_NONE, MAIN, 0);
	fake_set(qemu, fake.vdev, VQI_F_VirtIOBlock_vq_aio_context, array);
	fake_poke(qemu, array, 8, ctx0);
	look();
	assert_queue(VQI_HANDLER_NONE, IO0, 0);
	ck_assert(vqi_num_is(device()->queues[1].loop, MAIN));
	fake_poke(qemu, array, 8, main_loop.ctx);
	fake_poke(qemu, array + 8, 8, ctx0 + 8); /* a loop that is not there */
	look();
	assert_queue(VQI_HANDLER_NONE, MAIN, 0);
	ck_assert(!device()->queues[1].loop.known);
	fake_set(qemu, fake.vdev, VQI_F_VirtIOBlock_vq_aio_context, 4096);
	look();
	ck_assert(!queue()->loop.known);

	fake_set(qemu, fake.vdev, VQI_F_VirtIOBlock_vq_aio_context, 0);
	fake_set(qemu, fake.vdev, VQI_F_VirtIOBlock_dataplane, dataplane);
	fake_set(qemu, dataplane, VQI_F_VirtIOBlockDataPlane_ctx, ctx0);
	look();
	assert_queue(VQI_HANDLER_NONE, IO0, 0);
	/* But who does counts. */
	fake_handler(qemu, main_loop.iohandler, NOTIFIER);
	look();
	assert_queue(VQI_HANDLER_READY, MAIN, main_loop.iohandler);
}
END_TEST

START_TEST(test_expected_loop_of_a_scsi_controller)
{
	teardown();
	make("virtio-scsi-device");
	fake_set(qemu, fake.vdev, VQI_F_VirtIOSCSI_ctx, ctx0);
	look();
	assert_queue(VQI_HANDLER_NONE, IO0, 0);
	fake_set(qemu, fake.vdev, VQI_F_VirtIOSCSI_ctx, 0);
	look();
	assert_queue(VQI_HANDLER_NONE, MAIN, 0);
}
END_TEST

/* Nobody in QEMU should listen to them. */
START_TEST(test_queues_that_are_nobodys)
{
	static const enum vqi_vhost_type types[] = {VQI_VHOST_UNKNOWN, VQI_VHOST_KERNEL,
						    VQI_VHOST_USER, VQI_VHOST_VDPA};

	fake_handler(qemu, ctx0, NOTIFIER);
	for (size_t i = 0; i < 4; i++) {
		begin();
		device()->vhost = types[i];
		add_service();
		assert_nothing_known();
	}
	begin();
	device()->started = false;
	add_service();
	assert_nothing_known();
	begin();
	queue()->desc_gpa = 0;
	add_service();
	assert_nothing_known();
	ck_assert(device()->queues[1].loop.known);
}
END_TEST

START_TEST(test_no_loops)
{
	fake_handler(qemu, ctx0, NOTIFIER);
	fake_set_symbol(qemu, VQI_SYM_iohandler_ctx, 8, 0);
	look();
	ck_assert_uint_eq(snapshot->loop_count, 0);
	assert_nothing_known();
}
END_TEST

/* How often the loops were looked for. */
static size_t tries(void)
{
	size_t found = 0;

	for (size_t i = 0; i < qemu->read_count; i++)
		found += qemu->reads[i].addr == fake_symbol(qemu, VQI_SYM_qemu_aio_context);
	return found;
}

static void heal_after(struct vqi_fake_mem *mem, void *failures)
{
	if (tries() > *(size_t *)failures)
		vqi_fake_mem_heal(mem);
}

/* An iothread is removed while it is looked at. */
START_TEST(test_loops_that_change)
{
	for (size_t failures = 0; failures < 4; failures++) {
		begin();
		vqi_fake_mem_fault(qemu->fake, fake_place(qemu, iothread0, VQI_F_IOThread_ctx), 8);
		qemu->fake->before_read = heal_after;
		qemu->fake->context = &failures;
		fake_forget(qemu);
		add_service();
		ck_assert_uint_eq(snapshot->loop_count, failures < 3 ? 2 : 0);
		ck_assert_uint_eq(tries(), failures < 3 ? failures + 1 : 3);
		qemu->fake->before_read = NULL;
		vqi_fake_mem_heal(qemu->fake);
	}
}
END_TEST

START_TEST(test_vcpus_and_the_lock)
{
	fake_vcpu(qemu, VQI_SYM_cpus, 1, 5001);
	fake_vcpu(qemu, VQI_SYM_cpus, 0, 5000);
	fake_set(qemu, fake_symbol(qemu, VQI_SYM_qemu_global_mutex), VQI_F_QemuMutex_owner, 5001);
	look();
	ck_assert_uint_eq(snapshot->vcpu_count, 2);
	ck_assert(vqi_num_is(snapshot->vcpus[1].tid, 5001));
	ck_assert(vqi_num_is(snapshot->target.bql_owner, 5001));
	qemu->layout.fields[VQI_F_QemuMutex_owner].present = false;
	qemu->layout.fields[VQI_F_CPUState_node].present = false;
	look();
	ck_assert_uint_eq(snapshot->vcpu_count, 0);
	ck_assert(!snapshot->target.bql_owner.known);
	ck_assert_uint_eq(snapshot->loop_count, 2);
}
END_TEST

/* Every byte that a healthy run reads fails once: it only leaves something unknown. */
START_TEST(test_every_fault)
{
	vqi_cleanup_free struct fake_read *reads = NULL;
	size_t count;

	fake_handler(qemu, ctx0, NOTIFIER);
	fake_vcpu(qemu, VQI_SYM_cpus, 0, 5000);
	fake_forget(qemu);
	look();
	assert_queue(VQI_HANDLER_READY, IO0, ctx0);
	reads = fake_take_reads(qemu, &count);
	ck_assert_uint_gt(count, 40);
	for (size_t i = 0; i < count; i++) {
		for (uint64_t byte = 0; byte < reads[i].len; byte++) {
			vqi_qemu_done(&qemu->qemu);
			ck_assert_ok(vqi_qemu_init(&qemu->mem, &qemu->layout, qemu->qemu.bias,
						   &qemu->qemu));
			vqi_fake_mem_fault(qemu->fake, reads[i].addr + byte, 1);
			look();
			vqi_fake_mem_heal(qemu->fake);
			fake_forget(qemu);
			/* Never that nobody listens. */
			ck_assert_int_ne(queue()->handler, VQI_HANDLER_NONE);
		}
	}
}
END_TEST

START_TEST(test_target_ends)
{
	size_t calls;

	fake_handler(qemu, ctx0, NOTIFIER);
	qemu->fake->calls = 0;
	look();
	calls = qemu->fake->calls;
	for (size_t i = 0; i < calls; i++) {
		vqi_qemu_done(&qemu->qemu);
		ck_assert_ok(
			vqi_qemu_init(&qemu->mem, &qemu->layout, qemu->qemu.bias, &qemu->qemu));
		begin();
		qemu->fake->calls = 0;
		qemu->fake->gone_after = i;
		ck_assert_code(vqi_evidence_add_service(&observer, snapshot), VQI_ERROR_GONE);
	}
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("service");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_loops);
	tcase_add_test(tcase, test_every_context);
	tcase_add_test(tcase, test_handler_that_is_passed_over);
	tcase_add_test(tcase, test_qemu_that_has_no_external_handlers);
	tcase_add_test(tcase, test_polled);
	tcase_add_test(tcase, test_list_that_cannot_be_read);
	tcase_add_test(tcase, test_notifier_that_is_unknown);
	tcase_add_test(tcase, test_expected_loop);
	tcase_add_test(tcase, test_expected_loop_of_a_scsi_controller);
	tcase_add_test(tcase, test_queues_that_are_nobodys);
	tcase_add_test(tcase, test_no_loops);
	tcase_add_test(tcase, test_loops_that_change);
	tcase_add_test(tcase, test_vcpus_and_the_lock);
	tcase_add_test(tcase, test_every_fault);
	tcase_add_test(tcase, test_target_ends);
	return unit_run("service", tcase);
}
