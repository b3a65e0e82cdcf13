/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "all.h"

#include <stdlib.h>
#include <string.h>

#include "find.h"
#include "jobs.h"
#include "known.h"
#include "outcome.h"
#include "output.h"
#include "vqi/inspect.h"

VQI_DEFINE_CLEANUP_VALUE(struct vqi_diagnosis, vqi_diagnosis_done)

/* ---- in a child ---- */

/* What a child says of its target; then comes the message of the error, or the report. */
struct told {
	enum vqi_fate fate;
	enum vqi_error_code code;
	int saved_errno;
	enum vqi_exit exit_status;
	struct vqi_vm_line line;
	bool has_report;
};

struct task {
	struct vqi_options options;
	const struct vqi_candidate *candidate;
};

static bool tell_error(int fd, const struct vqi_error *error)
{
	struct told told = {
		.fate = VQI_FATE_FAILED,
		.code = error->code,
		.saved_errno = error->saved_errno,
	};

	if (error->code == VQI_ERROR_NOT_QEMU)
		told.fate = VQI_FATE_NONE;
	return vqi_confined_write(fd, &told, sizeof(told)) &&
	       vqi_confined_write(fd, error->message, strlen(error->message));
}

/* What is well has its line in the table. */
static bool wants_page(const struct vqi_options *options, const struct vqi_vm_line *line)
{
	return options->format != VQI_FORMAT_TEXT || options->verbose ||
	       vqi_options_show_requests(options) || line->findings || line->has_gaps;
}

static bool inspect(int fd, const struct vqi_options *options)
{
	vqi_cleanup_snapshot struct vqi_snapshot *snapshot = NULL;
	vqi_cleanup(vqi_diagnosis_done) struct vqi_diagnosis diagnosis = {0};
	vqi_cleanup_error struct vqi_error *error = NULL;
	vqi_cleanup_free char *report = NULL;
	struct told told = {.fate = VQI_FATE_INSPECTED};
	size_t len = 0;

	error = vqi_inspect(options, &snapshot, &diagnosis);
	if (error)
		return tell_error(fd, error);
	told.exit_status = diagnosis.exit_status;
	vqi_vm_line_fill(snapshot, &diagnosis, &told.line);
	if (!options->quiet && wants_page(options, &told.line))
		error = vqi_output_report_text(options, snapshot, &diagnosis, &report, &len);
	if (error)
		return tell_error(fd, error);
	told.has_report = report != NULL;
	return vqi_confined_write(fd, &told, sizeof(told)) && vqi_confined_write(fd, report, len);
}

/* Whether there is nothing to be said of an error: it has ended before it was looked at; or it may not be looked at, and
 * nothing but its command line makes one think that it is a QEMU. */
static bool is_of_no_interest(const struct vqi_candidate *candidate, const struct vqi_error *error)
{
	return error->code == VQI_ERROR_GONE ||
	       (error->code == VQI_ERROR_PERMISSION && !candidate->is_plain);
}

static bool tell(int fd, void *context)
{
	const struct told nothing = {.fate = VQI_FATE_NONE};
	const struct task *task = context;
	vqi_cleanup_process struct vqi_process *process = NULL;
	vqi_cleanup_error struct vqi_error *error = NULL;

	error = vqi_process_open(task->candidate->pid, &process);
	if (error && is_of_no_interest(task->candidate, error))
		return vqi_confined_write(fd, &nothing, sizeof(nothing));
	return error ? tell_error(fd, error) : inspect(fd, &task->options);
}

/* ---- all of them ---- */

static struct vqi_error *copy_text(const char *text, size_t len, char **ret_copy)
{
	char *copy = malloc(len + 1);

	if (!copy)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	memcpy(copy, text, len);
	copy[len] = '\0';
	*ret_copy = copy;
	return NULL;
}

static struct vqi_error *failure(const struct told *told, const char *message)
{
	struct vqi_error *error = vqi_error_new(told->code, "%s", message);

	if (error->code == told->code && told->code != VQI_ERROR_NOMEM)
		error->saved_errno = told->saved_errno;
	return error;
}

/* Takes apart what a child has said. */
static struct vqi_error *take_told(struct vqi_job *job, struct vqi_outcome *outcome)
{
	vqi_cleanup_free char *rest = NULL;
	struct vqi_error *error;
	struct told told;

	if (job->error || job->len < sizeof(told)) {
		outcome->fate = VQI_FATE_FAILED;
		outcome->error = job->error
					 ? take_ptr(job->error)
					 : vqi_error_new(VQI_ERROR_BAD_DATA,
							 "the inspection ended without a result");
		return NULL;
	}
	memcpy(&told, job->output, sizeof(told));
	outcome->fate = told.fate;
	outcome->exit_status = told.exit_status;
	outcome->line = told.line;
	if (outcome->candidate->vm_name) /* which its memory may not tell */
		snprintf(outcome->line.name, sizeof(outcome->line.name), "%s",
			 outcome->candidate->vm_name);
	error = copy_text(job->output + sizeof(told), job->len - sizeof(told), &rest);
	if (error)
		return error;
	if (told.fate == VQI_FATE_FAILED)
		outcome->error = failure(&told, rest);
	if (told.has_report) {
		outcome->report = take_ptr(rest);
		outcome->len = job->len - sizeof(told);
	}
	return NULL;
}

/* As many as there are candidates of each. */
struct run {
	size_t count;
	struct task *tasks;
	struct vqi_job *jobs;
	struct vqi_outcome *outcomes;
};

static void run_done(struct run *run)
{
	for (size_t i = 0; i < run->count; i++) {
		vqi_job_done(&run->jobs[i]);
		vqi_outcome_done(&run->outcomes[i]);
	}
	free(run->tasks);
	free(run->jobs);
	free(run->outcomes);
}
VQI_DEFINE_CLEANUP_VALUE(struct run, run_done)

static struct vqi_error *prepare(const struct vqi_options *options,
				 const struct vqi_candidates *candidates, struct run *run)
{
	run->tasks = calloc(candidates->count + 1, sizeof(*run->tasks));
	run->jobs = calloc(candidates->count + 1, sizeof(*run->jobs));
	run->outcomes = calloc(candidates->count + 1, sizeof(*run->outcomes));
	if (!run->tasks || !run->jobs || !run->outcomes)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	run->count = candidates->count;
	for (size_t i = 0; i < run->count; i++) {
		const struct vqi_candidate *candidate = &candidates->all[i];

		run->tasks[i] = (struct task){.options = *options, .candidate = candidate};
		run->tasks[i].options.pid = candidate->pid;
		run->jobs[i] = (struct vqi_job){.func = tell, .context = &run->tasks[i]};
		run->outcomes[i].candidate = candidate;
	}
	return NULL;
}

struct vqi_error *vqi_inspect_all(const struct vqi_options *given, int *ret_status)
{
	unsigned int wait_s = VQI_CHILD_WAIT_S + given->interval_ms / 1000;
	vqi_cleanup(vqi_candidates_done) struct vqi_candidates candidates = {0};
	vqi_cleanup(vqi_known_layouts_done) struct vqi_known_layouts known = {0};
	vqi_cleanup(run_done) struct run run = {0};
	struct vqi_options options = *given;
	struct vqi_error *error;

	error = vqi_find_all(&candidates);
	if (!error)
		error = vqi_known_layouts_find(given, &candidates, wait_s, &known);
	options.known = &known;
	if (!error)
		error = prepare(&options, &candidates, &run);
	if (error)
		return error;
	vqi_jobs_run(run.jobs, run.count, wait_s);
	for (size_t i = 0; !error && i < run.count; i++)
		error = take_told(&run.jobs[i], &run.outcomes[i]);
	if (error)
		return error;
	*ret_status = vqi_outcomes_status(run.outcomes, run.count);
	return vqi_outcomes_print(given, run.outcomes, run.count);
}
