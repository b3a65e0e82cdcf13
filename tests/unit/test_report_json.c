/* SPDX-License-Identifier: GPL-2.0-or-later */
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

static struct json_object *at(const char *path)
{
	return vqi_printed_json_at(&json, path);
}

static void check(const char *path, const char *value)
{
	vqi_printed_json_is(&json, path, value);
}

static void check_members(const char *path, const char *members)
{
	vqi_printed_json_members(&json, path, members);
}

START_TEST(test_members)
{
	vqi_sample_stuck(&sample);
	print();
	check_members("",
		      "schema tool target capture devices loops threads vcpus other_nodes findings "
		      "unplugged gaps "
		      "exit_status");
	check_members("tool", "version");
	check_members("target", "pid core exe build_id kind qemu_version vm_name arch run_state "
				"held bql_owner layout_source");
	check_members("capture", "time looks interval_ms duration_us stopped_us stopped_threads "
				 "consistent");
	check_members(
		"devices.0",
		"id qom_path type device_id vdev_addr transport interrupt backends status "
		"status_flags features broken disabled started vm_running endian vhost export queues");
	check_members("devices.0.transport",
		      "type address memory bus_master ioeventfd_started ioeventfd_grabbed");
	check_members("devices.0.interrupt",
		      "isr msix_enabled msix_function_masked intx_asserted intx_disabled");
	check_members("devices.0.backends.0", "kind name node_name driver child block");
	check_members("devices.0.features", "host guest names");
	check_members("devices.0.queues.0",
		      "index role kind ring vq_addr num vring avail_idx shadow_avail_idx "
		      "last_avail_idx used_idx used_ring_idx avail_flags used_flags used_event "
		      "avail_event wrap driver_used_idx signalled_used signalled_used_valid "
		      "notification inuse unseen in_flight unreaped kick_due interrupt_due "
		      "waiting_packets host_notifier guest_notifier vector msix served_by "
		      "requests ring_faults fault_place consistent state findings");
	check_members("devices.0.queues.0.vring", "desc avail used");
	check_members("devices.0.queues.0.host_notifier",
		      "fd count pending id ioeventfd handler context polled");
	check_members("devices.0.queues.0.guest_notifier", "fd count pending id");
	check_members("devices.0.queues.0.msix", "masked pending irqfd_users");
	check_members("devices.0.queues.0.served_by", "thread tid name");
	check_members("findings.0",
		      "id severity confidence device queue summary evidence next_step "
		      "known_fixes");
}
END_TEST

START_TEST(test_target_and_capture)
{
	vqi_sample_stuck(&sample);
	print();
	check("schema", "\"virtq-inspect/1\"");
	check("tool.version", "\"" VQI_VERSION "\"");
	check("target.pid", "4242");
	check("target.exe", "\"/usr/bin/qemu-system-x86_64\"");
	check("target.kind", "\"qemu\"");
	check("target.vm_name", "\"web1\"");
	check("target.layout_source", "\"dwarf\"");
	check("target.bql_owner", "4242");
	check("capture.time", "\"2023-11-14T22:13:20.007Z\"");
	check("capture.looks", "2");
	check("capture.interval_ms", "250");
	check("capture.duration_us", "281234");
	check("capture.stopped_us", "212");
	check("capture.stopped_threads", "3");
	check("capture.consistent", "true");
	check("exit_status", "1");
}
END_TEST

START_TEST(test_device)
{
	vqi_sample_healthy(&sample);
	print();
	check("devices.0.id", "\"blk0\"");
	check("devices.0.type", "\"virtio-blk\"");
	check("devices.0.device_id", "2");
	check("devices.0.transport",
	      "{\"type\":\"pci\",\"address\":\"0000:00:04.0\",\"memory\":true,\"bus_master\":true,"
	      "\"ioeventfd_started\":true,\"ioeventfd_grabbed\":0}");
	check("devices.0.interrupt",
	      "{\"isr\":1,\"msix_enabled\":true,\"msix_function_masked\":false,"
	      "\"intx_asserted\":false,\"intx_disabled\":true}");
	check("devices.0.backends",
	      "[{\"kind\":\"block\",\"name\":\"d0\",\"node_name\":"
	      "\"#block123\",\"driver\":\"qcow2\",\"child\":null,\"block\":null}]");
	check("devices.0.status", "15");
	check("devices.0.status_flags",
	      "[\"ACKNOWLEDGE\",\"DRIVER\",\"DRIVER_OK\",\"FEATURES_OK\"]");
	check("devices.0.features",
	      "{\"host\":\"0x120000040\",\"guest\":\"0x120000000\",\"names\":["
	      "\"VIRTIO_RING_F_EVENT_IDX\",\"VIRTIO_F_VERSION_1\"]}");
	check("devices.0.broken", "false");
	check("devices.0.started", "true");
	check("devices.0.vm_running", "true");
	check("devices.0.endian", "\"little\"");
	check("devices.0.vhost", "null");
	check("devices.4.id", "null");
	check("devices.4.qom_path", "\"/machine/peripheral-anon/device[0]/virtio-backend\"");
	check("devices.4.transport",
	      "{\"type\":\"mmio\",\"address\":\"0xfeb00e00\",\"memory\":null,\"bus_master\":null,"
	      "\"ioeventfd_started\":false,\"ioeventfd_grabbed\":0}");
	check("devices.4.status_flags", "[]");
	check("devices.1.backends", "[]");
}
END_TEST

START_TEST(test_queue)
{
	vqi_sample_stuck(&sample);
	print();
	check("devices.0.queues.0.index", "0");
	check("devices.0.queues.0.role", "\"request\"");
	check("devices.0.queues.0.kind", "\"request\"");
	check("devices.0.queues.0.ring", "\"split\"");
	check("devices.0.queues.0.num", "256");
	check("devices.0.queues.0.vring",
	      "{\"desc\":\"0x1000\",\"avail\":\"0x2000\",\"used\":\"0x2240\"}");
	check("devices.0.queues.0.avail_idx", "1203");
	check("devices.0.queues.0.used_ring_idx", "1187");
	check("devices.0.queues.0.signalled_used_valid", "true");
	check("devices.0.queues.0.in_flight", "16");
	check("devices.0.queues.0.unreaped", "3");
	check("devices.0.queues.0.wrap", "null");
	check("devices.0.queues.0.fault_place", "null");
	check("devices.0.queues.0.kick_due", "false");
	check("devices.0.queues.0.interrupt_due", "true");
	check("devices.0.queues.0.waiting_packets", "null");
	check("devices.1.queues.0.waiting_packets", "0");
	check("devices.0.queues.0.host_notifier",
	      "{\"fd\":20,\"count\":0,\"pending\":false,\"id\":120,\"ioeventfd\":true,\"handler\":\"ready\","
	      "\"context\":\"0x55d0c0dc1000\",\"polled\":true}");
	check("devices.0.queues.0.guest_notifier",
	      "{\"fd\":40,\"count\":0,\"pending\":false,\"id\":140}");
	check("devices.0.queues.0.msix", "{\"masked\":false,\"pending\":false,\"irqfd_users\":1}");
	check("devices.0.queues.0.vector", "1");
	check("devices.0.queues.0.state", "\"stuck\"");
	check("devices.1.queues.0.state", "\"parked\"");
	check("devices.1.queues.1.unreaped", "null");
	check("devices.1.queues.2.state", "\"disabled\"");
	/* Nothing fills these yet. */
	check("devices.0.queues.0.driver_used_idx", "null");
	check("devices.0.queues.0.requests", "[]");
}
END_TEST

START_TEST(test_findings_are_in_both_places)
{
	vqi_sample_stuck(&sample);
	print();
	ck_assert_uint_eq(json_object_array_length(at("findings")), 2);
	check("findings.0.id", "\"request-stuck-in-device\"");
	check("findings.0.severity", "\"error\"");
	check("findings.0.confidence", "\"confirmed\"");
	check("findings.0.device", "\"blk0\"");
	check("findings.0.queue", "0");
	check("findings.0.summary", "\"16 requests taken and not completed\"");
	check("findings.0.evidence",
	      "[\"back end d0: node #block123, driver qcow2\","
	      "\"last_avail_idx 1203, used_idx 1187, unchanged for 250 ms\"]");
	check("findings.0.next_step", "\"look at the storage behind the back end\"");
	check("findings.1.severity", "\"warning\"");
	check("findings.1.confidence", "\"candidate\"");
	check("findings.1.evidence", "[]");
	ck_assert(json_object_equal(at("devices.0.queues.0.findings.0"), at("findings.0")));
	ck_assert(json_object_equal(at("devices.1.queues.1.findings.0"), at("findings.1")));
	check("devices.0.queues.1.findings", "[]");
}
END_TEST

START_TEST(test_known_fixes)
{
	vqi_sample_stuck(&sample);
	print();
	ck_assert_uint_eq(json_object_array_length(at("findings.0.known_fixes")), 2);
	check_members("findings.0.known_fixes.0", "commit subject fixed condition");
	check("findings.0.known_fixes.0.commit", "\"2bb0153cd806\"");
	check("findings.0.known_fixes.0.subject",
	      "\"block/io_uring: avoid potentially getting stuck\"");
	check("findings.0.known_fixes.0.fixed", "[\"10.0.7\",\"10.1.3\",\"10.2.0\"]");
	check("findings.0.known_fixes.0.condition", "\"aio=io_uring\"");
	check("findings.0.known_fixes.1.commit", "\"d4816177654d\"");
	check("findings.1.known_fixes", "[]");
}
END_TEST

START_TEST(test_finding_without_queue)
{
	vqi_sample_hostile(&sample);
	print();
	ck_assert_uint_eq(json_object_array_length(at("findings")), 2);
	check("findings.0.queue", "null");
	check("findings.1.device", "null");
	check("findings.1.severity", "\"note\"");
	check("devices.0.queues.0.findings", "[]");
}
END_TEST

START_TEST(test_empty)
{
	vqi_sample_empty(&sample);
	print();
	check("devices", "[]");
	check("findings", "[]");
	check("unplugged", "[]");
	check("gaps", "[]");
	check("exit_status", "0");
}
END_TEST

START_TEST(test_packed)
{
	vqi_sample_packed(&sample);
	print();
	check("devices.0.queues.0.ring", "\"packed\"");
	check("devices.0.queues.0.used_ring_idx", "null");
	check("devices.0.queues.0.wrap",
	      "{\"avail\":true,\"last_avail\":true,\"shadow_avail\":true,\"used\":false,"
	      "\"driver\":{\"off\":7,\"wrap\":true,\"flags\":2},"
	      "\"device\":{\"off\":null,\"wrap\":null,\"flags\":null}}");
	check("devices.0.queues.0.ring_faults",
	      "[\"avail-ahead\",\"used-mismatch\",\"bad-indirect\",\"loop\",\"bad-next\",\"bad-address\",\"zero-size\","
	      "\"bad-order\",\"duplicate\"]");
	check("devices.0.queues.0.fault_place",
	      "{\"head\":3,\"descriptor\":7,\"gpa\":\"0xfee00000\",\"len\":512}");
}
END_TEST

START_TEST(test_each_ring_fault)
{
	static const struct {
		enum vqi_ring_fault fault;
		const char *value;
	} cases[] = {
		{VQI_RING_AVAIL_AHEAD, "[\"avail-ahead\"]"},
		{VQI_RING_BAD_HEAD, "[\"bad-head\"]"},
		{VQI_RING_USED_MISMATCH, "[\"used-mismatch\"]"},
		{VQI_RING_BAD_INDIRECT, "[\"bad-indirect\"]"},
		{VQI_RING_LOOP, "[\"loop\"]"},
		{VQI_RING_BAD_NEXT, "[\"bad-next\"]"},
		{VQI_RING_BAD_ADDRESS, "[\"bad-address\"]"},
		{VQI_RING_ZERO_SIZE, "[\"zero-size\"]"},
		{VQI_RING_BAD_ORDER, "[\"bad-order\"]"},
		{VQI_RING_DUPLICATE, "[\"duplicate\"]"},
		{0, "[]"},
	};

	vqi_sample_packed(&sample);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		sample.queues[0].ring_faults = cases[i].fault;
		print();
		check("devices.0.queues.0.ring_faults", cases[i].value);
	}
}
END_TEST

/* A head that is no descriptor has no address. */
START_TEST(test_fault_without_descriptor)
{
	vqi_sample_unknown(&sample);
	print();
	check("devices.0.queues.0.ring_faults", "[\"bad-head\"]");
	check("devices.0.queues.0.fault_place",
	      "{\"head\":300,\"descriptor\":null,\"gpa\":null,\"len\":null}");
	sample.queues[0].fault_place.head = VQI_UNKNOWN;
	print();
	check("devices.0.queues.0.fault_place", "null");
}
END_TEST

START_TEST(test_vhost)
{
	static const struct {
		enum vqi_vhost_type type;
		const char *json;
	} types[] = {
		{VQI_VHOST_KERNEL, "\"kernel\""},
		{VQI_VHOST_USER, "\"user\""},
		{VQI_VHOST_VDPA, "\"vdpa\""},
		{VQI_VHOST_UNKNOWN, "null"},
	};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		vqi_sample_vhost(&sample);
		sample.devices[0].vhost = types[i].type;
		print();
		check_members("devices.0.vhost", "type started backend_pid");
		check("devices.0.vhost.type", types[i].json);
		check("devices.0.vhost.started", "true");
		check("devices.0.vhost.backend_pid", "null");
	}
	check("devices.0.queues.1.shadow_avail_idx", "null");
	check("devices.0.queues.1.inuse", "null");
	check("devices.0.queues.1.avail_idx", "77");
}
END_TEST

START_TEST(test_unknown)
{
	vqi_sample_unknown(&sample);
	print();
	check("target.exe", "null");
	check("target.kind", "\"storage-daemon\"");
	check("target.qemu_version", "null");
	check("target.run_state", "null");
	check("target.layout_source", "null");
	check("target.bql_owner", "null");
	check("capture.consistent", "false");
	check("devices.0.id", "null");
	check("devices.0.qom_path", "null");
	check("devices.0.type", "null");
	check("devices.0.transport.type", "null");
	check("devices.0.transport.address", "null");
	check("devices.0.vm_running", "null");
	check("devices.0.endian", "null");
	check("devices.0.queues.0.role", "null");
	check("devices.0.queues.0.kind", "null");
	check("devices.0.queues.0.avail_idx", "null");
	check("devices.0.queues.0.notification", "null");
	check("devices.0.queues.0.state", "\"unknown\"");
	check("gaps.0", "{\"device\":null,\"queue\":null,\"what\":\"QOM tree\",\"why\":\"why 0\"}");
	check("gaps.1.device", "\"/d\"");
	check("gaps.2.queue", "2");
	ck_assert_uint_eq(json_object_array_length(at("gaps")), 12);
	check("exit_status", "4");
}
END_TEST

START_TEST(test_large_numbers)
{
	vqi_sample_healthy(&sample);
	sample.devices[0].guest_features = UINT64_MAX;
	sample.devices[0].queues[0].desc_gpa = UINT64_MAX;
	sample.devices[0].queues[0].host_notifier_count = VQI_NUM(UINT64_MAX - 1);
	sample.snapshot.capture.time = (struct timespec){.tv_sec = INT64_MAX};
	print();
	check("devices.0.features.guest", "\"0xffffffffffffffff\"");
	check("devices.0.queues.0.vring.desc", "\"0xffffffffffffffff\"");
	check("devices.0.queues.0.host_notifier.count", "18446744073709551614");
	check("capture.time", "null");
}
END_TEST

/* Invalid bytes are replaced, all else keeps its value. */
START_TEST(test_hostile_strings)
{
	vqi_sample_hostile(&sample);
	print();
	ck_assert_str_eq(json_object_get_string(at("target.vm_name")),
			 "\033]0;pwned\007\033[2J\r\n\xc2\x9b"
			 "31m\ufffd\u202e\"\\/ \u00e9");
	ck_assert(json_object_equal(at("devices.0.id"), at("target.vm_name")));
	ck_assert(json_object_equal(at("findings.0.evidence.0"), at("target.vm_name")));
	ck_assert(json_object_equal(at("gaps.0.why"), at("target.vm_name")));
	/* Not on the terminal, either. */
	ck_assert_lacks(json.text, "\033");
	ck_assert_lacks(json.text, "\xc2\x9b");
	ck_assert_lacks(json.text, "\u202e");
	ck_assert_has(json.text, "\\u202e");
	ck_assert_has(json.text, "\u00e9");
}
END_TEST

START_TEST(test_every_sample_parses)
{
	for (size_t i = 0; i < vqi_sample_count; i++) {
		vqi_samples[i](&sample);
		print();
		ck_assert_lacks(json.text, "\033");
		ck_assert_int_eq(json_object_get_int(at("exit_status")),
				 (int)sample.diagnosis.exit_status);
	}
}
END_TEST

START_TEST(test_write_error)
{
	vqi_sample_stuck(&sample);
	vqi_printed_to_full_device(vqi_print_json, &sample);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("report_json");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_members);
	tcase_add_test(tcase, test_target_and_capture);
	tcase_add_test(tcase, test_device);
	tcase_add_test(tcase, test_queue);
	tcase_add_test(tcase, test_findings_are_in_both_places);
	tcase_add_test(tcase, test_known_fixes);
	tcase_add_test(tcase, test_finding_without_queue);
	tcase_add_test(tcase, test_empty);
	tcase_add_test(tcase, test_packed);
	tcase_add_test(tcase, test_each_ring_fault);
	tcase_add_test(tcase, test_fault_without_descriptor);
	tcase_add_test(tcase, test_vhost);
	tcase_add_test(tcase, test_unknown);
	tcase_add_test(tcase, test_large_numbers);
	tcase_add_test(tcase, test_hostile_strings);
	tcase_add_test(tcase, test_every_sample_parses);
	tcase_add_test(tcase, test_write_error);
	return unit_run("report_json", tcase);
}
