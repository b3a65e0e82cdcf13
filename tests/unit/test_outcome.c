/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "outcome.h"

#include <check.h>

#include "unit.h"

#define MOST 6

/* What became of a few targets, a letter each: an exit status of one that was inspected, or
 * n: no QEMU; p: no permission; d: no such device. */
static const struct {
	const char *targets;
	enum vqi_exit status;
} cases[] = {
	{"", VQI_EXIT_OK},
	{"n", VQI_EXIT_OK},
	{"0", VQI_EXIT_OK},
	{"00n0", VQI_EXIT_OK},
	/* an error is worse than what could not be inspected, and that is worse than gaps */
	{"01340", VQI_EXIT_FINDING},
	{"41p", VQI_EXIT_FINDING},
	{"0p4", VQI_EXIT_FAILED},
	{"040", VQI_EXIT_PARTIAL},
	{"p", VQI_EXIT_FAILED},
	{"np", VQI_EXIT_FAILED},
	/* one that has the device is enough */
	{"d0d", VQI_EXIT_OK},
	{"d1", VQI_EXIT_FINDING},
	{"d4", VQI_EXIT_PARTIAL},
	{"dd", VQI_EXIT_USAGE},
	{"dn", VQI_EXIT_USAGE},
	{"dp", VQI_EXIT_FAILED},
	{"d0p", VQI_EXIT_FAILED},
};

static struct vqi_outcome outcome_of(char letter)
{
	struct vqi_outcome outcome = {.fate = VQI_FATE_FAILED};

	if (letter == 'n')
		outcome.fate = VQI_FATE_NONE;
	else if (letter == 'p' || letter == '3')
		outcome.error = vqi_error_new(VQI_ERROR_PERMISSION, "no access");
	else if (letter == 'd')
		outcome.error = vqi_error_new(VQI_ERROR_USAGE, "no such device");
	else
		outcome = (struct vqi_outcome){.fate = VQI_FATE_INSPECTED,
					       .exit_status = (enum vqi_exit)(letter - '0')};
	return outcome;
}

START_TEST(test_status)
{
	struct vqi_outcome outcomes[MOST];
	size_t count = 0;

	for (const char *at = cases[_i].targets; *at; at++)
		outcomes[count++] = outcome_of(*at);
	ck_assert_uint_le(count, MOST);
	ck_assert_int_eq(vqi_outcomes_status(outcomes, count), cases[_i].status);
	for (size_t i = 0; i < count; i++)
		vqi_outcome_done(&outcomes[i]);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("outcome");

	tcase_add_loop_test(tcase, test_status, 0, sizeof(cases) / sizeof(cases[0]));
	return unit_run("outcome", tcase);
}
