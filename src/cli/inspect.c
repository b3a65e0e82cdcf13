/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vqi/inspect.h"

#include <time.h>

#include "session.h"
#include "settings.h"
#include "vqi/record.h"

#define NS_PER_MS UINT64_C(1000000)

/* The last look's snapshot stands for the inspection; what the first one stopped counts too. */
static void merge_capture(const struct vqi_snapshot *earlier, struct vqi_snapshot *later)
{
	later->capture.looks = 2;
	later->capture.stopped_us += earlier->capture.stopped_us;
	if (later->capture.stopped_threads < earlier->capture.stopped_threads)
		later->capture.stopped_threads = earlier->capture.stopped_threads;
}

/* What one inspection holds. */
struct inspection {
	struct vqi_session *session;
	struct timespec first_look;   /* monotonic: the wall clock may be set meanwhile */
	struct vqi_snapshot *earlier; /* NULL after a single look */
	struct vqi_snapshot *later;
	struct vqi_diagnosis diagnosis; /* of these */
};

static void inspection_done(struct inspection *inspection)
{
	vqi_diagnosis_done(&inspection->diagnosis);
	vqi_snapshot_free(inspection->earlier);
	vqi_snapshot_free(inspection->later);
}
VQI_DEFINE_CLEANUP_VALUE(struct inspection, inspection_done)

/* Looks again, and diagnoses what happened since the first look. A look between counts no more, but for
 * what it stopped. */
static struct vqi_error *look_again(struct inspection *inspection)
{
	uint64_t interval_us = vqi_session_elapsed_us(inspection->session, &inspection->first_look);
	struct vqi_snapshot *before = inspection->later ? inspection->later : inspection->earlier;
	vqi_cleanup_snapshot struct vqi_snapshot *later = NULL;
	struct vqi_error *error;

	error = vqi_session_look(inspection->session, true, &later);
	if (error)
		return error;
	merge_capture(before, later);
	later->capture.interval_ms = interval_us / 1000;
	vqi_diagnosis_done(&inspection->diagnosis);
	vqi_snapshot_free(inspection->later);
	inspection->later = take_ptr(later);
	return vqi_diagnose(inspection->earlier, inspection->later, &inspection->diagnosis);
}

/* Whether anything is said to stand still: then it is worth some more time to be sure of it. */
static bool is_suspicious(const struct vqi_diagnosis *diagnosis)
{
	for (size_t i = 0; i < diagnosis->finding_count; i++) {
		if (diagnosis->findings[i].rule->over_time)
			return true;
	}
	return false;
}

/* On a host with more to do than CPUs a healthy guest can stand still for longer than the two looks
 * are apart; so before a queue is blamed, it must have stood still for a second. */
static struct vqi_error *look_twice(struct inspection *inspection)
{
	struct vqi_process *process = inspection->session->opened->process;
	unsigned int interval_ms = inspection->session->options->interval_ms;
	struct vqi_error *error;

	vqi_process_rest(process, interval_ms * NS_PER_MS);
	error = look_again(inspection);
	if (error || interval_ms >= VQI_SURE_MS || !is_suspicious(&inspection->diagnosis) ||
	    !vqi_process_has_look(process))
		return error;
	vqi_process_rest(process, (VQI_SURE_MS - interval_ms) * NS_PER_MS);
	return look_again(inspection);
}

static struct vqi_error *look(struct inspection *inspection)
{
	struct vqi_session *session = inspection->session;
	struct vqi_snapshot *first = NULL;
	struct vqi_error *error;

	inspection->first_look = vqi_process_now(session->opened->process, CLOCK_MONOTONIC);
	error = vqi_session_look(session, false, &first);
	if (error)
		return error;
	if (!session->options->once && !session->options->core && /* a core never changes */
	    vqi_process_has_look(session->opened->process)) {
		inspection->earlier = first;
		return look_twice(inspection);
	}
	inspection->later = first;
	return vqi_diagnose(NULL, inspection->later, &inspection->diagnosis);
}

static struct vqi_error *write_recording(const struct vqi_options *options,
					 struct vqi_process *process)
{
	vqi_cleanup(vqi_pack_done) struct vqi_pack settings = {0};

	if (!options->record)
		return NULL;
	vqi_settings_pack(options, &settings);
	return vqi_record_write(process, options->record, &settings);
}

struct vqi_error *vqi_inspect(const struct vqi_options *options, struct vqi_snapshot **ret_snapshot,
			      struct vqi_diagnosis *ret_diagnosis)
{
	vqi_cleanup(vqi_session_close) struct vqi_session *session = NULL;
	vqi_cleanup(inspection_done) struct inspection inspection = {0};
	struct vqi_error *error = vqi_session_open(options, &session);

	if (error)
		return error;
	inspection.session = session;
	error = look(&inspection);
	if (!error)
		error = vqi_session_look_closer(session, inspection.earlier, inspection.later,
						&inspection.diagnosis);
	if (!error)
		error = vqi_session_read_host(session, inspection.later);
	if (error)
		return vqi_opened_explain(session->opened, error);
	inspection.later->capture.duration_us =
		vqi_session_elapsed_us(session, &session->opened->start);
	error = write_recording(options, session->opened->process);
	if (error)
		return error;
	*ret_snapshot = take_ptr(inspection.later);
	*ret_diagnosis = inspection.diagnosis;
	inspection.diagnosis = (struct vqi_diagnosis){0};
	return NULL;
}
