/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules about the VM as a whole. */
#include <check.h>
#include <string.h>

#include "looks.h"
#include "printed.h"
#include "unit.h"

static struct looks looks;

static void setup(void)
{
	looks_init(&looks);
}

static void teardown(void)
{
	looks_done(&looks);
}

static void set_request(uint16_t avail, uint16_t shadow, uint16_t last_avail, uint16_t used)
{
	looks_set(&looks, LOOKS_BLK, 0, avail, shadow, last_avail, used);
}

#define BLK(member, value) looks_both(&looks, LOOKS_BLK, 0, member, value)

START_TEST(test_vm_paused)
{
	static const struct {
		const char *run_state;
		enum vqi_severity severity;
	} states[] = {
		{"paused", VQI_NOTE},	 {"prelaunch", VQI_NOTE},	{"inmigrate", VQI_NOTE},
		{"debug", VQI_NOTE},	 {"shutdown", VQI_NOTE},	{"suspended", VQI_NOTE},
		{"io-error", VQI_ERROR}, {"internal-error", VQI_ERROR}, {"watchdog", VQI_ERROR},
	};

	set_request(104, 104, 104, 100); /* says nothing while the VM is stopped */
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		const struct vqi_finding *finding;

		looks.later.target.run_state = (char *)states[i].run_state;
		looks_diagnose(&looks);
		finding = looks_only(&looks, "vm-paused");
		ck_assert_int_eq(finding->severity, states[i].severity);
		ck_assert_int_eq(finding->confidence, VQI_CONFIRMED);
		ck_assert_ptr_null(finding->device);
		ck_assert_ptr_nonnull(strstr(finding->summary, states[i].run_state));
		looks_assert_says(finding, states[i].run_state);
		ck_assert_int_eq(looks.diagnosis.exit_status,
				 states[i].severity == VQI_ERROR ? VQI_EXIT_FINDING : VQI_EXIT_OK);
	}
}
END_TEST

/* Where the run state is not known, the devices were told. */
START_TEST(test_vm_paused_by_the_devices)
{
	looks.later.target.run_state = NULL;
	looks_diagnose(&looks);
	looks_none(&looks, VQI_EXIT_OK);
	looks.later.devices[LOOKS_NET].vm_running = VQI_NUM(0);
	looks_diagnose(&looks);
	ck_assert_int_eq(looks_only(&looks, "vm-paused")->severity, VQI_NOTE);
	looks.later.devices[LOOKS_NET].vm_running = VQI_UNKNOWN;
	looks_diagnose(&looks);
	looks_none(&looks, VQI_EXIT_OK);
	/* The run state goes before. */
	looks.later.target.run_state = (char *)"running";
	looks.later.devices[LOOKS_NET].vm_running = VQI_NUM(0);
	looks_diagnose(&looks);
	looks_none(&looks, VQI_EXIT_OK);
}
END_TEST

/* QEMU keeps the requests that failed, and why. */
START_TEST(test_vm_paused_by_a_full_disk)
{
	struct vqi_backend backend = {
		.kind = "block",
		.node_name = (char *)"n0",
		.block = {.blk_hva = 0x5000,
			  .in_flight = VQI_NUM(0),
			  .quiesce = VQI_NUM(0),
			  .iostatus = "nospace",
			  .parked = VQI_NUM(2)},
	};
	const struct vqi_finding *finding;

	looks.later.devices[LOOKS_BLK].backends = &backend;
	looks.later.devices[LOOKS_BLK].backend_count = 1;
	looks.later.target.run_state = (char *)"io-error";
	looks_diagnose(&looks);
	finding = looks_of_vm(&looks, "vm-paused", LOOKS_CONFIRMED);
	looks_assert_summary(finding, "no space left");
	ck_assert_has(finding->next_step, "make space");
	looks_assert_says(finding, "blk0: iostatus nospace");
	looks_assert_says(finding, "2 requests parked");
	looks_assert_says(finding, "BlockBackend at 0x5000");
	/* It has moved since, and must not be continued. */
	looks.later.target.run_state = (char *)"postmigrate";
	looks_diagnose(&looks);
	finding = looks_only(&looks, "vm-paused");
	ck_assert_has(finding->next_step, "where it was migrated to");
	ck_assert_ptr_null(strstr(finding->summary, "space"));
	looks.later.target.run_state = (char *)"io-error";
	backend.block.iostatus = "failed";
	backend.block.parked = VQI_NUM(1);
	looks_diagnose(&looks);
	finding = looks_of_vm(&looks, "vm-paused", LOOKS_CONFIRMED);
	ck_assert_ptr_null(strstr(finding->summary, "space"));
	looks_assert_says(finding, "1 request parked");
	backend.block.iostatus = "ok";
	backend.block.parked = VQI_NUM(0);
	looks_diagnose(&looks);
	ck_assert_uint_eq(looks_only(&looks, "vm-paused")->evidence_count, 1);
}
END_TEST

START_TEST(test_vm_held)
{
	const struct vqi_finding *finding;

	looks.later.target.held.by = VQI_HELD_SIGNAL;
	looks.later.target.pid = LOOKS_FIRST_TID;
	looks.threads[1][LOOKS_MAIN].state = 'T';
	looks_diagnose(&looks);
	finding = looks_of_vm(&looks, "vm-paused", VQI_NOTE, VQI_CONFIRMED);
	looks_assert_summary(finding, "the process is stopped by a signal such as SIGSTOP");
	looks_assert_says(finding, "thread 4242, main loop (qemu-system-x86): state T");
	looks_assert_says(finding, "run state running");
	ck_assert_str_eq(finding->next_step, "find out who stopped it, then: kill -CONT 4242");
	looks.later.target.held = (struct vqi_held){VQI_HELD_TRACER, 77, "gdb"};
	looks_diagnose(&looks);
	finding = looks_of_vm(&looks, "vm-paused", VQI_NOTE, VQI_CONFIRMED);
	looks_assert_summary(finding, "gdb (pid 77) traces it");
	ck_assert_str_eq(finding->next_step, "let process 77 continue it, or detach");
	/* What stopped the VM before is no better for that. */
	looks.later.target.run_state = (char *)"internal-error";
	looks_diagnose(&looks);
	finding = looks_of_vm(&looks, "vm-paused", VQI_ERROR, VQI_CONFIRMED);
	looks_assert_summary(finding, "gdb (pid 77) traces it");
	ck_assert_has(finding->next_step,
		      "let process 77 continue it, or detach; then, for the VM: QEMU's log");
	looks.later.target.held = (struct vqi_held){.by = VQI_HELD_FREEZER};
	looks_diagnose(&looks);
	looks_assert_summary(looks_only(&looks, "vm-paused"), "frozen with its cgroup");
}
END_TEST

/* What there is to do differs; a state that is not known has the rule's general advice. */
START_TEST(test_next_steps)
{
	static const struct {
		const char *run_state, *next_step;
	} cases[] = {
		{"paused", "cont (virsh resume)"},
		{"io-error", "mend the storage"},
		{"postmigrate", "look for the VM where it was migrated to"},
		{"prelaunch", "-S"},
		{"suspended", "system_wakeup"},
		{"save-vm", "wait"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		looks.later.target.run_state = (char *)cases[i].run_state;
		looks_diagnose(&looks);
		ck_assert_has(looks_only(&looks, "vm-paused")->next_step, cases[i].next_step);
	}
	looks.later.target.run_state = (char *)"not known yet";
	looks_diagnose(&looks);
	ck_assert_ptr_null(looks_only(&looks, "vm-paused")->next_step);
	looks_assert_summary(looks_only(&looks, "vm-paused"), "the VM is stopped: not known yet");
}
END_TEST

/* The VM may go on after a panic, and a queue that its driver left is no news then. */
START_TEST(test_guest_panicked)
{
	set_request(104, 104, 104, 100);
	looks.later.target.run_state = (char *)"guest-panicked";
	looks_diagnose(&looks);
	looks_assert_says(looks_of_vm(&looks, "guest-panicked", LOOKS_CONFIRMED),
			  "run state guest-panicked");
	looks.later.target.run_state = (char *)"running";
	looks.vcpus[1][0].panicked = VQI_NUM(1);
	looks_diagnose(&looks);
	looks_assert_says(looks_of_vm(&looks, "guest-panicked", LOOKS_CONFIRMED),
			  "vCPU 0 reported it");
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("vm_rules");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_vm_paused);
	tcase_add_test(tcase, test_vm_paused_by_the_devices);
	tcase_add_test(tcase, test_vm_paused_by_a_full_disk);
	tcase_add_test(tcase, test_vm_held);
	tcase_add_test(tcase, test_next_steps);
	tcase_add_test(tcase, test_guest_panicked);
	return unit_run("vm_rules", tcase);
}
