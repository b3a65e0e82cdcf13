/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "outcome.h"

#include <stdlib.h>
#include <string.h>

#include "advice.h"
#include "output.h"
#include "vqi/openmetrics.h"

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

/* The status of one target. */
static enum vqi_exit status_of(const struct vqi_outcome *outcome, bool is_alone)
{
	if (outcome->fate == VQI_FATE_NONE)
		return VQI_EXIT_OK;
	if (is_inspected(outcome))
		return outcome->exit_status;
	if (outcome->error->code == VQI_ERROR_USAGE)
		return is_alone ? VQI_EXIT_USAGE : VQI_EXIT_OK;
	return VQI_EXIT_FAILED;
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

/* ---- the reports ---- */

struct reports {
	const struct vqi_options *options;
	const struct vqi_outcome *outcomes;
	size_t count;
};

static struct vqi_error *print_table(FILE *stream, const struct reports *reports)
{
	vqi_cleanup_free struct vqi_vm_line *lines = calloc(reports->count + 1, sizeof(*lines));
	const struct vqi_outcome *outcomes = reports->outcomes;
	size_t inspected = 0, failed = 0;

	if (!lines)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	for (size_t i = 0; i < reports->count; i++) {
		if (is_inspected(&outcomes[i]))
			lines[inspected++] = outcomes[i].line;
		failed += outcomes[i].fate == VQI_FATE_FAILED && !lacks_choice(&outcomes[i]);
	}
	if (inspected)
		return vqi_output_vms(stream, reports->options, lines, inspected, failed);
	if (!failed && !vqi_outcomes_status(outcomes, reports->count))
		fputs("no QEMU runs on this host\n", stream);
	return NULL;
}

static struct vqi_error *print_reports(FILE *stream, const void *data)
{
	const struct reports *reports = data;
	bool is_text = reports->options->format == VQI_FORMAT_TEXT;
	struct vqi_error *error = is_text ? print_table(stream, reports) : NULL;

	for (size_t i = 0; !error && i < reports->count; i++) {
		const struct vqi_outcome *outcome = &reports->outcomes[i];

		if (!outcome->report)
			continue;
		if (is_text)
			fputc('\n', stream);
		fwrite(outcome->report, 1, outcome->len, stream);
	}
	return error;
}

/* What a target that failed has to say to a monitoring system. */
static struct vqi_error *print_failed(FILE *stream, const void *data)
{
	const struct vqi_candidate *candidate = data;

	return vqi_openmetrics_write_failed(stream, candidate->pid, candidate->vm_name);
}

/* All as one text, with those that failed. */
static struct vqi_error *merge_metrics(FILE *stream, const void *data)
{
	const struct reports *reports = data;
	vqi_cleanup_free const char **texts = calloc(reports->count + 1, sizeof(*texts));
	vqi_cleanup_free char **failed = calloc(reports->count + 1, sizeof(*failed));
	struct vqi_error *error = NULL;
	size_t count = 0, len;

	if (!texts || !failed)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	for (size_t i = 0; !error && i < reports->count; i++) {
		const struct vqi_outcome *outcome = &reports->outcomes[i];

		if (outcome->fate == VQI_FATE_FAILED && !lacks_choice(outcome))
			error = vqi_output_text(print_failed, outcome->candidate, &failed[i], &len);
		if (outcome->report || failed[i])
			texts[count++] = outcome->report ? outcome->report : failed[i];
	}
	if (!error)
		error = vqi_openmetrics_merge(stream, texts, count);
	for (size_t i = 0; i < reports->count; i++)
		free(failed[i]);
	return error;
}

struct vqi_error *vqi_outcomes_print(const struct vqi_options *options,
				     const struct vqi_outcome *outcomes, size_t count)
{
	const struct reports reports = {options, outcomes, count};
	struct vqi_error *error = NULL;

	if (!options->quiet)
		error = vqi_output_content(
			options,
			options->format == VQI_FORMAT_OPENMETRICS ? merge_metrics : print_reports,
			&reports);
	if (!error)
		error = vqi_output_close();
	complain(outcomes, count);
	advise(outcomes, count);
	return error;
}
