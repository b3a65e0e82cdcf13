/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Mutants of the rule table, each rule negated or without a term: a scenario here tells them. */
#include <check.h>
#include <string.h>

#include "looks.h"
#include "lookup.h"
#include "queue_facts.h"
#include "unit.h"
#include "vqi/virtio.h"

static struct looks looks;

static void set_request(uint16_t avail, uint16_t shadow, uint16_t last_avail, uint16_t used)
{
	looks_set(&looks, LOOKS_BLK, 0, avail, shadow, last_avail, used);
}

#define BLK(member, value) looks_both(&looks, LOOKS_BLK, 0, member, value)
#define RX(member, value)  looks_both(&looks, LOOKS_NET, LOOKS_RX, member, value)

static struct vqi_queue *before(void)
{
	return &looks.queues[0][LOOKS_BLK][0];
}

/* ---- what can be so; a scenario is some of it ---- */

static void panicked_state(void)
{
	looks.later.target.run_state = (char *)"guest-panicked";
}

static void panicked_vcpu(void)
{
	looks.vcpus[1][0].panicked = VQI_NUM(1);
}

static void stopped(void)
{
	looks.later.target.run_state = (char *)"paused";
}

static void not_started(void)
{
	looks.later.target.run_state = (char *)"prelaunch";
}

static void main_loop_asleep(void)
{
	looks_sleep_in(&looks, LOOKS_MAIN, "ppoll");
	looks_both_loops(&looks, LOOKS_MAIN, nested, VQI_NUM(1));
}

static void loop_nested(void)
{
	looks_sleep_in(&looks, LOOKS_IOTHREAD, "ppoll");
	looks_both_loops(&looks, LOOKS_IOTHREAD, nested, VQI_NUM(1));
}

static void loop_asleep(void)
{
	looks_sleep_in(&looks, LOOKS_IOTHREAD, "futex");
}

static void loop_awake_between(void)
{
	looks.threads[1][LOOKS_IOTHREAD].sleeps.value++;
}

static void loop_unused(void)
{
	BLK(loop, VQI_UNKNOWN);
}

static void loop_spinning(void)
{
	looks_run(&looks, LOOKS_IOTHREAD, 200);
}

static void loop_starved(void)
{
	looks_run(&looks, LOOKS_IOTHREAD, 10);
}

static void loop_polling(void)
{
	looks_sleep_in(&looks, LOOKS_IOTHREAD, "ppoll");
}

static void bottom_half(void)
{
	looks_both_loops(&looks, LOOKS_IOTHREAD, bottom_halves, VQI_NUM(1));
}

#define PART(name, statement)                                                                      \
	static void name(void)                                                                     \
	{                                                                                          \
		statement;                                                                         \
	}

PART(broken, looks.later.devices[LOOKS_BLK].broken = true)
PART(disabled, looks.later.devices[LOOKS_BLK].disabled = true)
PART(run_by_vhost, looks.later.devices[LOOKS_BLK].vhost = VQI_VHOST_KERNEL)

static void moving(void)
{
	before()->used_idx.value--;
	looks.queues[0][LOOKS_NET][LOOKS_RX].used_idx.value--;
}

PART(inconsistent, looks_request(&looks)->consistent = false)
PART(single, looks.earlier.device_count = 0)
PART(receiving, BLK(kind, VQI_KIND_RECEIVE))
PART(sending, BLK(kind, VQI_KIND_SEND))
PART(faulty, BLK(ring_faults, VQI_RING_LOOP))
PART(faultless_before, before()->ring_faults = 0)
PART(leaking, BLK(inuse, VQI_NUM(3)))
PART(exported, looks_both_devices(&looks, LOOKS_BLK, is_export, true))
PART(leaking_less_before, before()->inuse = VQI_NUM(2))

static void in_flight(void)
{
	set_request(104, 104, 104, 100);
}

static void untaken(void)
{
	set_request(104, 102, 102, 102);
}

static void kicked(void)
{
	BLK(kick_pending, true);
}

static void notification_off(void)
{
	BLK(notification, VQI_NUM(0));
}

static void polled(void)
{
	BLK(handler_polled, VQI_NUM(1));
}

static void unreaped(void)
{
	BLK(unreaped, VQI_NUM(3));
	BLK(used_event, VQI_NUM(97));
}

static void function_masked(void)
{
	looks_both_devices(&looks, LOOKS_BLK, msix_function_masked, VQI_NUM(1));
}

static void vector_masked(void)
{
	BLK(msix_masked, VQI_NUM(1));
}

static void not_masked_before(void)
{
	before()->msix_masked = VQI_NUM(0);
}

static void without_vector(void)
{
	BLK(vector, VQI_NUM(VQI_NO_VECTOR));
}

static void pin_disabled(void)
{
	looks_both_devices(&looks, LOOKS_BLK, msix_enabled, VQI_NUM(0));
	looks_both_devices(&looks, LOOKS_BLK, intx_disabled, VQI_NUM(1));
}

static void undecided(void)
{
	BLK(signalled_used, VQI_NUM(96));
}

static void never_interrupted(void)
{
	looks_both_devices(&looks, LOOKS_BLK, isr, VQI_NUM(0));
}

static void without_buffers(void)
{
	looks_set(&looks, LOOKS_NET, LOOKS_RX, 100, 100, 100, 100);
}

static void never_had_buffers(void)
{
	RX(used_idx, VQI_NUM(0));
}

static void packets_wait(void)
{
	RX(waiting_packets, VQI_NUM(1));
}

static void is_vsock(void)
{
	looks_both_devices(&looks, LOOKS_NET, device_id, 19);
}

#define PARTS 4

/* A scenario, and whether the rule applies to it. */
static const struct {
	const char *rule;
	bool applies;
	void (*parts[PARTS])(void);
} scenarios[] = {
	{"guest-panicked", false, {NULL}},
	{"guest-panicked", true, {panicked_state}},
	{"guest-panicked", true, {panicked_vcpu}},
	{"vm-paused", false, {NULL}},
	{"vm-paused", true, {stopped}},
	{"vm-paused", true, {not_started}},
	{"vm-paused", false, {not_started, main_loop_asleep}},
	{"event-loop-blocked", false, {NULL}},
	{"event-loop-blocked", true, {loop_asleep}},
	{"event-loop-blocked", true, {loop_nested}},
	{"event-loop-blocked", false, {loop_asleep, loop_unused}},
	{"event-loop-blocked", true, {loop_asleep, loop_awake_between, untaken, kicked}},
	{"event-loop-blocked", false, {loop_asleep, loop_awake_between}},
	{"event-loop-blocked", true, {loop_spinning, untaken}},
	{"event-loop-blocked", false, {loop_spinning}},
	{"event-loop-blocked", false, {loop_starved, untaken}},
	{"event-loop-blocked", true, {loop_polling, bottom_half}},
	{"event-loop-blocked", false, {loop_polling}},
	{"event-loop-blocked", false, {loop_polling, bottom_half, loop_awake_between}},
	{"device-broken", false, {NULL}},
	{"device-broken", true, {broken}},
	{"ring-corrupt", false, {NULL}},
	{"ring-corrupt", true, {faulty}},
	{"ring-corrupt", true, {faulty, single}},
	{"ring-corrupt", false, {faulty, single, inconsistent}},
	{"ring-corrupt", false, {faulty, faultless_before}},
	{"ring-corrupt", false, {faulty, disabled}},
	{"inuse-leak", false, {NULL}},
	{"inuse-leak", true, {leaking}},
	{"inuse-leak", false, {leaking, inconsistent}},
	{"inuse-leak", false, {leaking, disabled}},
	{"inuse-leak", false, {leaking, leaking_less_before}},
	{"requests-left-behind", false, {leaking}},
	{"requests-left-behind", true, {leaking, exported}},
	{"requests-left-behind", false, {leaking, exported, leaking_less_before}},
	{"inuse-leak", false, {leaking, exported}},
	{"request-stuck-in-device", false, {NULL}},
	{"request-stuck-in-device", true, {in_flight}},
	{"request-stuck-in-device", false, {in_flight, moving}},
	{"request-stuck-in-device", false, {in_flight, receiving}},
	{"kick-not-handled", false, {kicked}},
	{"kick-not-handled", true, {untaken, kicked}},
	{"kick-not-handled", false, {untaken, kicked, moving}},
	{"kick-not-handled", false, {untaken, kicked, receiving}},
	{"kick-not-handled", false, {untaken}},
	{"notification-left-off", false, {notification_off}},
	{"notification-left-off", true, {untaken, notification_off}},
	{"notification-left-off", false, {untaken, notification_off, moving}},
	{"notification-left-off", false, {untaken, notification_off, receiving}},
	{"notification-left-off", false, {untaken, notification_off, kicked}},
	{"notification-left-off", false, {untaken, notification_off, polled}},
	{"notification-left-off", false, {untaken}},
	{"device-not-notified", false, {NULL}},
	{"device-not-notified", true, {untaken}},
	{"device-not-notified", false, {untaken, moving}},
	{"device-not-notified", false, {untaken, receiving}},
	{"device-not-notified", false, {untaken, kicked}},
	{"interrupt-masked", false, {unreaped}},
	{"interrupt-masked", true, {unreaped, function_masked}},
	{"interrupt-masked", true, {unreaped, vector_masked}},
	{"interrupt-masked", true, {unreaped, without_vector}},
	{"interrupt-masked", true, {unreaped, pin_disabled}},
	{"interrupt-masked", false, {unreaped, vector_masked, moving}},
	{"interrupt-masked", false, {unreaped, vector_masked, sending}},
	{"interrupt-masked", false, {unreaped, vector_masked, not_masked_before}},
	{"interrupt-masked", false, {vector_masked}},
	{"interrupt-suppressed", false, {unreaped}},
	{"interrupt-suppressed", true, {unreaped, undecided}},
	{"interrupt-suppressed", true, {unreaped, never_interrupted}},
	{"interrupt-suppressed", false, {unreaped, never_interrupted, without_vector}},
	{"interrupt-suppressed", false, {unreaped, never_interrupted, moving}},
	{"interrupt-suppressed", false, {unreaped, never_interrupted, sending}},
	{"interrupt-suppressed", false, {unreaped, never_interrupted, run_by_vhost}},
	{"interrupt-suppressed", false, {never_interrupted}},
	{"completion-not-seen", false, {NULL}},
	{"completion-not-seen", true, {unreaped}},
	{"completion-not-seen", false, {unreaped, moving}},
	{"completion-not-seen", false, {unreaped, sending}},
	{"rx-starved", false, {packets_wait}},
	{"rx-starved", true, {without_buffers, never_had_buffers, packets_wait}},
	{"rx-starved", true, {without_buffers}},
	{"rx-starved", false, {without_buffers, never_had_buffers}},
	{"rx-starved", false, {without_buffers, moving}},
	{"rx-starved", false, {without_buffers, is_vsock}},
};

#define SCENARIOS (sizeof(scenarios) / sizeof(scenarios[0]))

static void make(size_t scenario)
{
	looks_init(&looks);
	for (size_t i = 0; i < PARTS && scenarios[scenario].parts[i]; i++)
		scenarios[scenario].parts[i]();
}

/* What the rules of a scope look at: the VM, the iothread, the disk, its queue; or the card's rx. */
static struct vqi_subject subject_of(const struct vqi_rule *rule)
{
	int device = strcmp(rule->id, "rx-starved") == 0 ? LOOKS_NET : LOOKS_BLK;
	struct vqi_subject subject = {.snapshot = &looks.later, .earlier = &looks.earlier};

	if (rule->scope == VQI_SCOPE_LOOP) {
		subject.loop = &looks.loops[1][LOOKS_IOTHREAD];
		subject.loop_before = &looks.loops[0][LOOKS_IOTHREAD];
	}
	if (rule->scope == VQI_SCOPE_VM || rule->scope == VQI_SCOPE_LOOP)
		return subject;
	subject.device = &looks.later.devices[device];
	subject.device_before = vqi_find_device(&looks.earlier, subject.device);
	if (rule->scope == VQI_SCOPE_DEVICE || rule->scope == VQI_SCOPE_EXPORT)
		return subject;
	subject.queue = &subject.device->queues[0];
	subject.before = vqi_find_queue(subject.device_before, 0);
	subject.loop = vqi_snapshot_loop(&looks.later, subject.queue);
	subject.loop_before = vqi_find_loop(&looks.earlier, subject.loop);
	subject.held_still = vqi_queue_held_still(subject.before, subject.queue);
	return subject;
}

/* Whether a scenario of the rule tells a mutant of it from what is true. */
static bool is_killed(const struct vqi_rule *mutant)
{
	for (size_t i = 0; i < SCENARIOS; i++) {
		struct vqi_subject subject;

		if (strcmp(scenarios[i].rule, mutant->id) != 0)
			continue;
		make(i);
		subject = subject_of(mutant);
		if (vqi_rule_applies(mutant, &subject) != scenarios[i].applies)
			return true;
	}
	return false;
}

static void drop(vqi_rule_term *terms, size_t index)
{
	for (; index + 1 < VQI_RULE_TERMS; index++)
		terms[index] = terms[index + 1];
	terms[VQI_RULE_TERMS - 1] = NULL;
}

static size_t count(const vqi_rule_term *terms)
{
	size_t number = 0;

	while (number < VQI_RULE_TERMS && terms[number])
		number++;
	return number;
}

START_TEST(test_scenarios_are_true)
{
	const struct vqi_rule *rule = &vqi_rules[_i];

	ck_assert_msg(!is_killed(rule), "%s", rule->id);
}
END_TEST

/* A negated rule is wrong in every scenario: there is one where it applies, and one where it does not. */
START_TEST(test_negated_rules_die)
{
	const struct vqi_rule *rule = &vqi_rules[_i];
	bool has[2] = {false, false};

	for (size_t i = 0; i < SCENARIOS; i++) {
		if (strcmp(scenarios[i].rule, rule->id) == 0)
			has[scenarios[i].applies] = true;
	}
	ck_assert_msg(has[false] && has[true], "%s", rule->id);
}
END_TEST

START_TEST(test_rules_without_a_term_die)
{
	const struct vqi_rule *rule = &vqi_rules[_i];

	ck_assert_uint_gt(count(rule->all) + count(rule->any), 0);
	ck_assert_uint_ne(count(rule->any), 1);
	for (size_t i = 0; i < count(rule->all); i++) {
		struct vqi_rule mutant = *rule;

		drop(mutant.all, i);
		ck_assert_msg(is_killed(&mutant), "%s without all[%zu]", rule->id, i);
	}
	for (size_t i = 0; i < count(rule->any); i++) {
		struct vqi_rule mutant = *rule;

		drop(mutant.any, i);
		ck_assert_msg(is_killed(&mutant), "%s without any[%zu]", rule->id, i);
	}
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("rule_terms");

	tcase_add_loop_test(tcase, test_scenarios_are_true, 0, (int)vqi_rule_count);
	tcase_add_loop_test(tcase, test_negated_rules_die, 0, (int)vqi_rule_count);
	tcase_add_loop_test(tcase, test_rules_without_a_term_die, 0, (int)vqi_rule_count);
	return unit_run("rule_terms", tcase);
}
