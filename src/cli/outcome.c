/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "outcome.h"

#include <stdlib.h>
#include <string.h>

#include "advice.h"
#include "output.h"

void vqi_outcome_done(struct vqi_outcome *outcome)
{
	vqi_error_free(outcome->error);
	free(outcome->report);
	outcome->error = NULL;
	outcome->report = NULL;
}

/* ---- the exit status ---- */

static bool is_inspected(const struct vqi_outcome *outcome)
{
	return outcome->fate == VQI_FATE_INSPECTED;
}

static size_t count_inspected(const struct vqi_outcome *outcomes, size_t count)
{
	size_t inspected = 0;

	for (size_t i = 0; i < count; i++)
		inspected += is_inspected(&outcomes[i]);
	return inspected;
}

/* Whether it has just not what --device and --queue choose. */
static bool lacks_choice(const struct vqi_outcome *outcome)
{
	return outcome->fate == VQI_FATE_FAILED && outcome->error->code == VQI_ERROR_USAGE;
}

/* The status of one target beside others that were inspected: what is known, but not handled, is a gap among these. */
static enum vqi_exit status_of(const struct vqi_outcome *outcome, bool is_alone)
{
	if (outcome->fate == VQI_FATE_NONE)
		return VQI_EXIT_OK;
	if (is_inspected(outcome))
		return outcome->exit_status;
	if (outcome->error->code == VQI_ERROR_USAGE)
		return is_alone ? VQI_EXIT_USAGE : VQI_EXIT_OK;
	return outcome->error->code == VQI_ERROR_UNSUPPORTED && !is_alone ? VQI_EXIT_PARTIAL
									  : VQI_EXIT_FAILED;
}

/* From the least to the worst. */
static int rank(enum vqi_exit status)
{
	static const int ranks[] = {
		[VQI_EXIT_OK] = 0,     [VQI_EXIT_PARTIAL] = 1, [VQI_EXIT_USAGE] = 2,
		[VQI_EXIT_FAILED] = 3, [VQI_EXIT_FINDING] = 4,
	};

	return ranks[status];
}

enum vqi_exit vqi_outcomes_status(const struct vqi_outcome *outcomes, size_t count)
{
	bool is_alone = !count_inspected(outcomes, count);
	enum vqi_exit worst = VQI_EXIT_OK;

	for (size_t i = 0; i < count; i++) {
		enum vqi_exit status = status_of(&outcomes[i], is_alone);

		if (rank(status) > rank(worst))
			worst = status;
	}
	return worst;
}

/* ---- on standard error ---- */

/* What each of them would say in other words is said once. */
static void complain_of_choice(const struct vqi_outcome *outcomes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (!lacks_choice(&outcomes[i]))
			continue;
		fprintf(stderr, "virtq-inspect: no VM has what was chosen; %s (pid %d): %s\n",
			vqi_candidate_label(outcomes[i].candidate), (int)outcomes[i].candidate->pid,
			outcomes[i].error->message);
		return;
	}
}

static void complain(const struct vqi_outcome *outcomes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct vqi_outcome *outcome = &outcomes[i];

		if (outcome->fate == VQI_FATE_FAILED && !lacks_choice(outcome))
			fprintf(stderr, "virtq-inspect: %s (pid %d): %s\n",
				vqi_candidate_label(outcome->candidate),
				(int)outcome->candidate->pid, outcome->error->message);
	}
	if (!count_inspected(outcomes, count))
		complain_of_choice(outcomes, count);
}

/* The advice for an outcome, unless one before has the same. */
static const char *new_advice(const struct vqi_outcome *outcomes, size_t at)
{
	const char *advice = NULL;

	if (outcomes[at].fate == VQI_FATE_FAILED && !lacks_choice(&outcomes[at]))
		advice = vqi_advice(outcomes[at].error);
	for (size_t i = 0; advice && i < at; i++) {
		if (outcomes[i].fate == VQI_FATE_FAILED && vqi_advice(outcomes[i].error) == advice)
			return NULL;
	}
	return advice;
}

static void advise(const struct vqi_outcome *outcomes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const char *advice = new_advice(outcomes, i);

		if (advice)
			fprintf(stderr, "%s\n", advice);
	}
}

/* ---- on standard output ---- */

static struct vqi_error *print_table(const struct vqi_options *options,
				     const struct vqi_outcome *outcomes, size_t count)
{
	vqi_cleanup_free struct vqi_vm_line *lines = calloc(count + 1, sizeof(*lines));
	size_t inspected = 0, failed = 0;

	if (!lines)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	for (size_t i = 0; i < count; i++) {
		if (is_inspected(&outcomes[i]))
			lines[inspected++] = outcomes[i].line;
		failed += outcomes[i].fate == VQI_FATE_FAILED && !lacks_choice(&outcomes[i]);
	}
	if (inspected)
		return vqi_output_vms(options, lines, inspected, failed);
	if (!failed && !vqi_outcomes_status(outcomes, count))
		puts("no QEMU runs on this host");
	return NULL;
}

struct vqi_error *vqi_outcomes_print(const struct vqi_options *options,
				     const struct vqi_outcome *outcomes, size_t count)
{
	bool is_text = options->format == VQI_FORMAT_TEXT;
	struct vqi_error *error = NULL;

	if (!options->quiet && is_text)
		error = print_table(options, outcomes, count);
	for (size_t i = 0; !error && i < count; i++) {
		if (!outcomes[i].report)
			continue;
		if (is_text)
			putchar('\n');
		fwrite(outcomes[i].report, 1, outcomes[i].len, stdout);
	}
	if (!error)
		error = vqi_output_close();
	complain(outcomes, count);
	advise(outcomes, count);
	return error;
}
