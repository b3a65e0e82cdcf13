/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who serves the queues, in JSON: loops, threads, virtual CPUs, block devices; and every number. */
#include "vqi/report.h"

#include <check.h>
#include <json-c/json.h>
#include <string.h>

#include "printed.h"
#include "sample.h"
#include "unit.h"

static struct vqi_sample sample;
static struct vqi_printed_json json;

static void setup(void)
{
	json = (struct vqi_printed_json){0};
}

static void teardown(void)
{
	vqi_printed_json_done(&json);
}

static void print(void)
{
	vqi_printed_json(&json, &sample);
}

static void check(const char *path, const char *value)
{
	vqi_printed_json_is(&json, path, value);
}

static size_t count_at(const char *path)
{
	struct json_object *list = vqi_printed_json_at(&json, path);

	ck_assert(json_object_is_type(list, json_type_array));
	return json_object_array_length(list);
}

START_TEST(test_loops)
{
	vqi_sample_healthy(&sample);
	print();
	ck_assert_uint_eq(count_at("loops"), 2);
	check("loops.0", "{\"name\":\"main loop\",\"tid\":4242,\"context\":\"0x55d0c0dc0000\","
			 "\"nested\":false,\"polling\":false,\"bottom_halves\":0,"
			 "\"coroutines\":false}");
	check("loops.1", "{\"name\":\"iothread io0\",\"tid\":4250,\"context\":\"0x55d0c0dc1000\","
			 "\"nested\":null,\"polling\":true,\"bottom_halves\":2,"
			 "\"coroutines\":true}");
}
END_TEST

START_TEST(test_threads)
{
	vqi_sample_stuck(&sample);
	print();
	ck_assert_uint_eq(count_at("threads"), 5);
	check("threads.0",
	      "{\"tid\":4242,\"name\":\"qemu-system-x86\",\"role\":\"main loop\","
	      "\"state\":\"S\",\"wchan\":\"do_poll\",\"in_fault\":false,\"syscall\":\"ppoll\","
	      "\"file\":null,\"mutex\":null,\"mutex_owner\":null,\"cpu_ms\":15230,\"wait_ms\":12,"
	      "\"sleeps\":88123,\"stack\":[],\"stack_gap\":null}");
	check("threads.2",
	      "{\"tid\":4263,\"name\":\"worker\",\"role\":null,\"state\":\"D\","
	      "\"wchan\":\"folio_wait_bit\",\"in_fault\":false,\"syscall\":\"pwrite64\","
	      "\"file\":\"/srv/web1.qcow2\",\"mutex\":null,\"mutex_owner\":null,"
	      "\"cpu_ms\":31,\"wait_ms\":12,"
	      "\"sleeps\":77,\"stack\":[],\"stack_gap\":null}");
	check("threads.3",
	      "{\"tid\":4252,\"name\":\"CPU 0/KVM\",\"role\":\"vCPU 0\","
	      "\"state\":\"S\",\"wchan\":\"futex_wait_queue\",\"in_fault\":false,\"syscall\":\"futex\","
	      "\"file\":null,\"mutex\":\"0x55d0c0da0040\",\"mutex_owner\":4242,"
	      "\"cpu_ms\":61000,\"wait_ms\":12,"
	      "\"sleeps\":901,\"stack\":[],\"stack_gap\":null}");
	check("threads.4",
	      "{\"tid\":4253,\"name\":\"CPU 1/KVM\",\"role\":\"vCPU 1\","
	      "\"state\":\"R\",\"wchan\":null,\"in_fault\":false,\"syscall\":null,\"file\":null,"
	      "\"mutex\":null,\"mutex_owner\":null,\"cpu_ms\":62000,\"wait_ms\":12,"
	      "\"sleeps\":902,\"stack\":[],\"stack_gap\":null}");
}
END_TEST

START_TEST(test_vcpus)
{
	vqi_sample_healthy(&sample);
	sample.vcpus[1].panicked = VQI_NUM(true);
	print();
	check("vcpus", "[{\"index\":0,\"tid\":4252,\"halted\":false,\"panicked\":false},"
		       "{\"index\":1,\"tid\":4253,\"halted\":true,\"panicked\":true}]");
}
END_TEST

START_TEST(test_nobody)
{
	vqi_sample_empty(&sample);
	print();
	check("loops", "[]");
	check("threads", "[]");
	check("vcpus", "[]");
}
END_TEST

START_TEST(test_block)
{
	vqi_sample_stuck(&sample);
	print();
	check("devices.0.backends.0.block.nodes.0",
	      "{\"node_name\":\"#block123\",\"driver\":\"qcow2\",\"filename\":null,"
	      "\"fd\":null,\"bs_addr\":\"0x55d0c0df1000\",\"in_flight\":16,\"tracked\":15,\"serialising\":1,"
	      "\"quiesce_counter\":0,\"throttled\":5,\"throttle_group\":\"limits0\"}");
	check("devices.0.backends.0.block.nodes.1",
	      "{\"node_name\":\"file0\",\"driver\":\"file\",\"filename\":\"/srv/web1.qcow2\","
	      "\"fd\":12,\"bs_addr\":\"0x55d0c0df2000\",\"in_flight\":11,\"tracked\":10,\"serialising\":0,"
	      "\"quiesce_counter\":2,\"throttled\":0,\"throttle_group\":null}");
	ck_assert_uint_eq(count_at("devices.0.backends.0.block.nodes"), 2);
	check("other_nodes.0.node_name", "\"job0\"");
	ck_assert_uint_eq(count_at("other_nodes"), 1);
	sample.backends[0].block.node_count = 0;
	print();
	check("devices.0.backends.0.block",
	      "{\"blk_addr\":\"0x55d0c0df0000\",\"in_flight\":17,\"quiesce_counter\":3,"
	      "\"iostatus\":\"nospace\",\"throttled\":4,\"throttle_group\":\"limits1\","
	      "\"parked\":6,\"nodes\":[]}");
	sample.backends[0].block.blk_hva = 0;
	print();
	check("devices.0.backends.0.block", "null");
}
END_TEST

START_TEST(test_served_by)
{
	const char *path = "devices.0.queues.0.served_by";

	vqi_sample_stuck(&sample);
	print();
	check(path, "{\"thread\":\"iothread io0\",\"tid\":4250,\"name\":\"IO io0\"}");
	check("devices.1.queues.0.served_by",
	      "{\"thread\":\"main loop\",\"tid\":4242,\"name\":\"qemu-system-x86\"}");
	check("devices.1.queues.2.served_by", "{\"thread\":null,\"tid\":null,\"name\":null}");
	/* A thread that has ended before it was looked at. */
	sample.snapshot.thread_count = 1;
	print();
	check(path, "{\"thread\":\"iothread io0\",\"tid\":4250,\"name\":null}");
	sample.loops[VQI_SAMPLE_IOTHREAD].tid = VQI_UNKNOWN;
	print();
	check(path, "{\"thread\":\"iothread io0\",\"tid\":null,\"name\":null}");
	sample.snapshot.loop_count = 1;
	print();
	check(path, "{\"thread\":null,\"tid\":null,\"name\":null}");
}
END_TEST

START_TEST(test_handler)
{
	static const struct {
		enum vqi_handler handler;
		const char *value;
	} cases[] = {
		{VQI_HANDLER_UNKNOWN, "null"},
		{VQI_HANDLER_NONE, "\"none\""},
		{VQI_HANDLER_DISABLED, "\"disabled\""},
		{VQI_HANDLER_READY, "\"ready\""},
	};

	vqi_sample_packed(&sample);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		sample.queues[0].handler = cases[i].handler;
		print();
		check("devices.0.queues.0.host_notifier.handler", cases[i].value);
	}
}
END_TEST

START_TEST(test_unknown_strings)
{
	static const char *const paths[] = {
		"threads.0.name",
		"threads.0.role",
		"threads.0.wchan",
		"threads.0.syscall",
		"threads.0.file",
		"devices.0.backends.0.name",
		"devices.0.backends.0.node_name",
		"devices.0.backends.0.driver",
		"devices.0.backends.0.block.iostatus",
		"devices.0.backends.0.block.throttle_group",
		"devices.0.backends.0.block.nodes.0.node_name",
		"devices.0.backends.0.block.nodes.0.driver",
		"devices.0.backends.0.block.nodes.0.filename",
		"devices.0.backends.0.block.nodes.0.throttle_group",
		"devices.0.queues.0.host_notifier.handler",
		"devices.0.queues.0.served_by.thread",
		"devices.0.queues.0.served_by.name",
	};

	vqi_sample_unknown(&sample);
	print();
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		check(paths[i], "null");
	check("threads.0.state", "\"?\"");
}
END_TEST

START_TEST(test_hostile_strings)
{
	static const char *const paths[] = {
		"loops.1.name",
		"threads.1.name",
		"threads.1.role",
		"threads.1.wchan",
		"threads.1.syscall",
		"threads.1.file",
		"threads.1.stack.0.function",
		"threads.1.stack_gap",
		"devices.0.queues.0.requests.0.detail.tag",
		"devices.0.queues.0.requests.0.stack.0.module",
		"devices.0.queues.0.requests.0.stack.0.file",
		"devices.0.backends.0.name",
		"devices.0.backends.0.node_name",
		"devices.0.backends.0.driver",
		"devices.0.backends.0.block.throttle_group",
		"devices.0.backends.0.block.nodes.1.node_name",
		"devices.0.backends.0.block.nodes.1.driver",
		"devices.0.backends.0.block.nodes.1.filename",
		"devices.0.backends.0.block.nodes.1.throttle_group",
		"devices.0.queues.0.served_by.thread",
		"devices.0.queues.0.served_by.name",
	};

	vqi_sample_hostile(&sample);
	print();
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		const char *text = json_object_get_string(vqi_printed_json_at(&json, paths[i]));

		ck_assert_msg(text && strncmp(text, "\033]0;pwned", 9) == 0, "%s", paths[i]);
		ck_assert_has(text, "31m\ufffd\u202e\"\\/ \u00e9"); /* valid, and whole */
	}
	ck_assert_lacks(json.text, "\033");
	ck_assert_lacks(json.text, "\u202e");
}
END_TEST

/* ---- every number that may be unknown ---- */

enum form { NUMBER, FLAG, ADDRESS };

static const struct {
	struct vqi_num *number;
	enum form form;
	const char *path;
} numbers[] = {
#define TARGET(member)                                                                             \
	{                                                                                          \
		&sample.snapshot.target.member, NUMBER, "target." #member                          \
	}
#define DEVICE(form, member, path)                                                                 \
	{                                                                                          \
		&sample.devices[0].member, form, "devices.0." path                                 \
	}
#define QUEUE(form, member, path)                                                                  \
	{                                                                                          \
		&sample.queues[0].member, form, "devices.0.queues.0." path                         \
	}
#define WRAP(form, member) QUEUE(form, wrap.member, "wrap." #member)
#define BLOCK(member, name)                                                                        \
	{                                                                                          \
		&sample.backends[0].block.member, NUMBER, "devices.0.backends.0.block." name       \
	}
#define NODE(member, name)                                                                         \
	{                                                                                          \
		&sample.nodes[0].member, NUMBER, "devices.0.backends.0.block.nodes.0." name        \
	}
#define LOOP(form, member)                                                                         \
	{                                                                                          \
		&sample.loops[0].member, form, "loops.0." #member                                  \
	}
#define THREAD(member)                                                                             \
	{                                                                                          \
		&sample.threads[0].member, NUMBER, "threads.0." #member                            \
	}
#define VCPU(form, member)                                                                         \
	{                                                                                          \
		&sample.vcpus[0].member, form, "vcpus.0." #member                                  \
	}
	TARGET(bql_owner),
	DEVICE(FLAG, vm_running, "vm_running"),
	DEVICE(NUMBER, isr, "interrupt.isr"),
	DEVICE(FLAG, msix_enabled, "interrupt.msix_enabled"),
	DEVICE(FLAG, msix_function_masked, "interrupt.msix_function_masked"),
	DEVICE(FLAG, intx_asserted, "interrupt.intx_asserted"),
	DEVICE(FLAG, intx_disabled, "interrupt.intx_disabled"),
	DEVICE(FLAG, pci_memory, "transport.memory"),
	DEVICE(FLAG, pci_master, "transport.bus_master"),
	DEVICE(FLAG, ioeventfd_started, "transport.ioeventfd_started"),
	DEVICE(NUMBER, ioeventfd_grabbed, "transport.ioeventfd_grabbed"),
	QUEUE(NUMBER, avail_idx, "avail_idx"),
	QUEUE(NUMBER, used_ring_idx, "used_ring_idx"),
	QUEUE(NUMBER, avail_flags, "avail_flags"),
	QUEUE(NUMBER, used_flags, "used_flags"),
	QUEUE(NUMBER, used_event, "used_event"),
	QUEUE(NUMBER, avail_event, "avail_event"),
	QUEUE(NUMBER, last_avail_idx, "last_avail_idx"),
	QUEUE(NUMBER, shadow_avail_idx, "shadow_avail_idx"),
	QUEUE(NUMBER, used_idx, "used_idx"),
	QUEUE(NUMBER, signalled_used, "signalled_used"),
	QUEUE(FLAG, signalled_used_valid, "signalled_used_valid"),
	QUEUE(FLAG, notification, "notification"),
	QUEUE(NUMBER, inuse, "inuse"),
	QUEUE(NUMBER, vector, "vector"),
	QUEUE(NUMBER, waiting_packets, "waiting_packets"),
	QUEUE(NUMBER, unseen, "unseen"),
	QUEUE(NUMBER, in_flight, "in_flight"),
	QUEUE(NUMBER, unreaped, "unreaped"),
	QUEUE(FLAG, kick_due, "kick_due"),
	QUEUE(FLAG, interrupt_due, "interrupt_due"),
	QUEUE(NUMBER, host_notifier_fd, "host_notifier.fd"),
	QUEUE(NUMBER, host_notifier_id, "host_notifier.id"),
	QUEUE(NUMBER, host_notifier_count, "host_notifier.count"),
	QUEUE(FLAG, ioeventfd, "host_notifier.ioeventfd"),
	QUEUE(FLAG, handler_polled, "host_notifier.polled"),
	QUEUE(NUMBER, guest_notifier_fd, "guest_notifier.fd"),
	QUEUE(NUMBER, guest_notifier_id, "guest_notifier.id"),
	QUEUE(NUMBER, guest_notifier_count, "guest_notifier.count"),
	QUEUE(FLAG, msix_masked, "msix.masked"),
	QUEUE(FLAG, msix_pending, "msix.pending"),
	QUEUE(NUMBER, irqfd_users, "msix.irqfd_users"),
	QUEUE(NUMBER, fault_place.descriptor, "fault_place.descriptor"),
	QUEUE(ADDRESS, fault_place.gpa, "fault_place.gpa"),
	QUEUE(NUMBER, fault_place.len, "fault_place.len"),
	WRAP(FLAG, avail),
	WRAP(FLAG, last_avail),
	WRAP(FLAG, shadow_avail),
	WRAP(FLAG, used),
	WRAP(NUMBER, driver.off),
	WRAP(FLAG, driver.wrap),
	WRAP(NUMBER, driver.flags),
	WRAP(NUMBER, device.off),
	WRAP(FLAG, device.wrap),
	WRAP(NUMBER, device.flags),
	BLOCK(in_flight, "in_flight"),
	BLOCK(quiesce, "quiesce_counter"),
	BLOCK(throttled, "throttled"),
	BLOCK(parked, "parked"),
	NODE(in_flight, "in_flight"),
	NODE(tracked, "tracked"),
	NODE(serialising, "serialising"),
	NODE(quiesce, "quiesce_counter"),
	NODE(throttled, "throttled"),
	LOOP(NUMBER, tid),
	LOOP(NUMBER, bottom_halves),
	LOOP(FLAG, coroutines),
	LOOP(FLAG, nested),
	LOOP(FLAG, polling),
	THREAD(mutex_owner),
	{&sample.threads[0].mutex_hva, ADDRESS, "threads.0.mutex"},
	THREAD(cpu_ms),
	THREAD(wait_ms),
	THREAD(sleeps),
	VCPU(NUMBER, tid),
	VCPU(FLAG, halted),
	VCPU(FLAG, panicked),
};
static const size_t number_count = sizeof(numbers) / sizeof(numbers[0]);

/* Each is where it belongs, and nowhere else; 0 is not unknown. */
START_TEST(test_every_number)
{
	static const char *const known[][2] = {
		[NUMBER] = {"0", "1"},
		[FLAG] = {"false", "true"},
		[ADDRESS] = {"\"0x0\"", "\"0x1\""},
	};
	size_t one = (size_t)_i;

	vqi_sample_unknown(&sample);
	sample.queues[0].ring = VQI_RING_PACKED;
	for (unsigned int value = 0; value < 2; value++) {
		*numbers[one].number = VQI_NUM(value);
		print();
		for (size_t i = 0; i < number_count; i++)
			check(numbers[i].path, i == one ? known[numbers[i].form][value] : "null");
	}
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("report_json_host");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_loops);
	tcase_add_test(tcase, test_threads);
	tcase_add_test(tcase, test_vcpus);
	tcase_add_test(tcase, test_nobody);
	tcase_add_test(tcase, test_block);
	tcase_add_test(tcase, test_served_by);
	tcase_add_test(tcase, test_handler);
	tcase_add_test(tcase, test_unknown_strings);
	tcase_add_test(tcase, test_hostile_strings);
	tcase_add_loop_test(tcase, test_every_number, 0, (int)number_count);
	return unit_run("report_json_host", tcase);
}
