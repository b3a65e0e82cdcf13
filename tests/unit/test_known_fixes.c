/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which releases a fix is named for. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "looks.h"
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

START_TEST(test_versions)
{
	static const struct vqi_known_fix fix = {
		.introduced = "8.1.0",
		.fixed = "8.2.2 9.0.0",
	};
	static const struct {
		const char *version;
		bool missing;
	} cases[] = {
		{"7.2.22", false}, /* has not got the bug */
		{"8.0.5", false},
		{"8.1.0", true},
		{"8.1.5", true}, /* its series never got the fix */
		{"8.2.0", true},
		{"8.2.1 (Debian 1:8.2.1+ds-1)", true},
		{"8.2.2", false},
		{"8.2.10", false},
		{"9.0.0", false},
		{"9.1.2", false},
		{"10.0.13 (Debian 1:10.0.13+ds-0+deb13u1)", false},
		{"8.1", true}, /* no micro: the first */
		{"", false},
		{"unknown", false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ck_assert_msg(vqi_known_fix_is_missing(&fix, cases[i].version) == cases[i].missing,
			      "%s", cases[i].version);
	ck_assert(!vqi_known_fix_is_missing(&fix, NULL));
}
END_TEST

/* Unknown since when: then in all releases before. */
START_TEST(test_without_a_beginning)
{
	static const struct vqi_known_fix fix = {.fixed = "7.2.2 8.0.0"};

	ck_assert(vqi_known_fix_is_missing(&fix, "5.2.0"));
	ck_assert(vqi_known_fix_is_missing(&fix, "7.2.1"));
	ck_assert(!vqi_known_fix_is_missing(&fix, "7.2.2"));
	ck_assert(!vqi_known_fix_is_missing(&fix, "8.0.0"));
}
END_TEST

/* A table that cannot be read says nothing. */
START_TEST(test_nonsense)
{
	static const struct vqi_known_fix no_release = {.fixed = "soon"};
	static const struct vqi_known_fix no_begin = {.introduced = "once", .fixed = "9.0.0"};

	ck_assert(!vqi_known_fix_is_missing(&no_release, "8.0.0"));
	ck_assert(!vqi_known_fix_is_missing(&no_begin, "8.0.0"));
}
END_TEST

/* Each entry is for a rule that there is, tells when it was mended, and is of a form that can be read. */
START_TEST(test_table)
{
	ck_assert_uint_gt(vqi_known_fix_count, 10);
	for (size_t i = 0; i < vqi_known_fix_count; i++) {
		const struct vqi_known_fix *fix = &vqi_known_fixes[i];
		bool found = false;

		for (size_t j = 0; j < vqi_rule_count; j++)
			found |= strcmp(fix->finding, vqi_rules[j].id) == 0;
		ck_assert_msg(found, "%s", fix->finding);
		ck_assert_uint_eq(strlen(fix->commit), 12);
		ck_assert_uint_eq(strspn(fix->commit, "0123456789abcdef"), 12);
		ck_assert(fix->subject[0] && fix->condition[0]);
		ck_assert_msg(!fix->introduced || vqi_known_fix_is_missing(fix, fix->introduced),
			      "%s was mended before it was introduced", fix->commit);
		ck_assert_msg(!vqi_known_fix_is_missing(fix, "99.0.0"), "%s", fix->commit);
	}
}
END_TEST

static const struct vqi_finding *diagnose_left_off(const char *version)
{
	looks_set(&looks, LOOKS_BLK, 0, 104, 102, 102, 102);
	looks_both(&looks, LOOKS_BLK, 0, notification, VQI_NUM(0));
	looks.later.target.qemu_version = (char *)version;
	looks_diagnose(&looks);
	return looks_only(&looks, "notification-left-off");
}

static bool names(const char *commit)
{
	const struct vqi_finding *finding;

	looks_diagnose(&looks);
	finding = looks_only(&looks, "request-stuck-in-device");
	for (size_t i = 0; i < finding->known_fix_count; i++) {
		if (strcmp(finding->known_fixes[i]->commit, commit) == 0)
			return true;
	}
	return false;
}

#define IO_URING "2bb0153cd806"
#define THROTTLE "d4816177654d"

/* A fix is named only where what it needs can be seen. */
START_TEST(test_needs)
{
	struct vqi_block_node node = {.in_flight = VQI_NUM(1)};
	struct vqi_backend backend = {
		.kind = "block",
		.block = {.blk_hva = 0x5000, .nodes = &node, .node_count = 1},
	};
	struct vqi_thread worker = {
		.tid = 1, .in_syscall = true, .syscall = (char *)"pread64", .file = (char *)"/f"};

	looks_set(&looks, LOOKS_BLK, 0, 104, 104, 104, 101);
	looks.later.target.qemu_version = (char *)"7.2.22";
	ck_assert(!names(IO_URING) && !names(THROTTLE));
	looks.later.devices[LOOKS_BLK].backends = &backend;
	looks.later.devices[LOOKS_BLK].backend_count = 1;
	ck_assert(!names(IO_URING) && !names(THROTTLE));
	node.filename = (char *)"/f";
	ck_assert(names(IO_URING) && !names(THROTTLE));
	looks.later.threads = &worker;
	looks.later.thread_count = 1;
	ck_assert(!names(IO_URING));
	looks.later.thread_count = 0;
	backend.block.throttled = VQI_NUM(1);
	ck_assert(!names(IO_URING) && names(THROTTLE));
	looks.later.loop_count = 1; /* the main loop alone: no member is in another */
	ck_assert(!names(THROTTLE));
}
END_TEST

/* Every word of the table means something: it does not fit where nothing is. */
START_TEST(test_words)
{
	static const struct vqi_snapshot nothing;
	const struct vqi_subject subject = {.snapshot = &nothing};
	size_t with_needs = 0;

	for (size_t i = 0; i < vqi_known_fix_count; i++) {
		ck_assert_int_eq(vqi_known_fix_fits(&vqi_known_fixes[i], &subject),
				 !vqi_known_fixes[i].needs);
		with_needs += vqi_known_fixes[i].needs != NULL;
	}
	ck_assert_uint_gt(with_needs, 5);
	ck_assert(!vqi_known_fix_fits(&(struct vqi_known_fix){.needs = "no such word"}, &subject));
}
END_TEST

START_TEST(test_finding_names_it)
{
	const struct vqi_finding *finding = diagnose_left_off("8.1.5");

	ck_assert_uint_eq(finding->known_fix_count, 1);
	ck_assert_str_eq(finding->known_fixes[0]->commit, "5bdbaebcce18");
	ck_assert_uint_eq(diagnose_left_off("9.0.0")->known_fix_count, 0);
	ck_assert_uint_eq(diagnose_left_off(NULL)->known_fix_count, 0);
	/* Not of that kind of device. */
	looks.later.devices[LOOKS_BLK].type = (char *)"virtio-gpu";
	ck_assert_uint_eq(diagnose_left_off("8.1.5")->known_fix_count, 0);
	looks.later.devices[LOOKS_BLK].type = (char *)"virtio";
	ck_assert_uint_eq(diagnose_left_off("8.1.5")->known_fix_count, 0);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("known_fixes");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_versions);
	tcase_add_test(tcase, test_without_a_beginning);
	tcase_add_test(tcase, test_nonsense);
	tcase_add_test(tcase, test_table);
	tcase_add_test(tcase, test_needs);
	tcase_add_test(tcase, test_words);
	tcase_add_test(tcase, test_finding_names_it);
	return unit_run("known_fixes", tcase);
}
