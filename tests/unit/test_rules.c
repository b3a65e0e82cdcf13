/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rule table: complete, with ids of their own. */
#include <check.h>
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

START_TEST(test_table)
{
	for (size_t i = 0; i < vqi_rule_count; i++) {
		const struct vqi_rule *rule = &vqi_rules[i];

		ck_assert(rule->title[0] && rule->next_step[0]);
		ck_assert((rule->all[0] || rule->any[0]) && rule->explain);
		ck_assert_uint_eq(strspn(rule->id, "abcdefghijklmnopqrstuvwxyz-"),
				  strlen(rule->id));
		for (size_t other = 0; other < i; other++)
			ck_assert_str_ne(rule->id, vqi_rules[other].id);
	}
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("rules");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_table);
	return unit_run("rules", tcase);
}
