/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Findings and gaps that one look has and another has not. */
#include <stdlib.h>
#include <string.h>

#include "diff_fields.h"

static struct vqi_error *no_memory(void)
{
	return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
}

static bool same_text(const char *one, const char *other)
{
	return one == other || (one && other && strcmp(one, other) == 0);
}

static const char *device_of(const struct vqi_finding *finding)
{
	return finding->device ? vqi_device_label(finding->device) : NULL;
}

/* Of one rule, and of what is called alike; or of the two queues that are compared. */
static bool same_finding(const struct vqi_finding *one, const struct vqi_finding *other,
			 bool of_queues)
{
	if (one->rule != other->rule)
		return false;
	if (of_queues)
		return true;
	return same_text(device_of(one), device_of(other)) && !one->queue == !other->queue &&
	       (!one->queue || one->queue->index == other->queue->index);
}

static bool is_of_side(const struct vqi_diff_side *side, const struct vqi_finding *finding)
{
	return (!side->device || finding->device == side->device) &&
	       (!side->queue || finding->queue == side->queue);
}

static bool has_finding(const struct vqi_diff_side *side, const struct vqi_finding *finding,
			bool of_queues)
{
	const struct vqi_diagnosis *diagnosis = side->diagnosis;

	for (size_t i = 0; i < diagnosis->finding_count; i++) {
		if (is_of_side(side, &diagnosis->findings[i]) &&
		    same_finding(finding, &diagnosis->findings[i], of_queues))
			return true;
	}
	return false;
}

/* Lists the findings of a side that the other has not; and those that this cannot have, as it took one look only. */
static struct vqi_error *only_in(const struct vqi_diff_side *side,
				 const struct vqi_diff_side *other, bool can_other,
				 const struct vqi_finding ***ret_found, size_t *ret_count)
{
	const struct vqi_diagnosis *ours = side->diagnosis;
	bool of_queues = side->device && other->device;
	const struct vqi_finding **found = calloc(ours->finding_count + 1, sizeof(*found));
	size_t count = 0;

	if (!found)
		return no_memory();
	for (size_t i = 0; i < ours->finding_count; i++) {
		const struct vqi_finding *finding = &ours->findings[i];
		bool can = vqi_diff_is_of_two_looks(other) || !finding->rule->over_time;

		if (can == can_other && is_of_side(side, finding) &&
		    !has_finding(other, finding, of_queues))
			found[count++] = finding;
	}
	*ret_found = found;
	*ret_count = count;
	return NULL;
}

struct vqi_error *vqi_diff_findings(struct vqi_diff *diff)
{
	const struct vqi_diff_side *old = &diff->old, *new = &diff->new;
	struct vqi_error *error;

	error = only_in(old, new, true, &diff->gone, &diff->gone_count);
	if (!error)
		error = only_in(new, old, true, &diff->come, &diff->come_count);
	if (!error)
		error = only_in(old, new, false, &diff->unknown_gone, &diff->unknown_gone_count);
	return error ? error
		     : only_in(new, old, false, &diff->unknown_come, &diff->unknown_come_count);
}

static bool same_gap(const struct vqi_gap *one, const struct vqi_gap *other)
{
	return same_text(one->device, other->device) && vqi_num_equal(one->queue, other->queue) &&
	       same_text(one->what, other->what);
}

static bool is_gap_of_side(const struct vqi_diff_side *side, const struct vqi_gap *gap)
{
	if (!side->device || !gap->device)
		return true;
	return same_text(gap->device, vqi_device_label(side->device)) &&
	       (!side->queue || !gap->queue.known || gap->queue.value == side->queue->index);
}

static struct vqi_error *gaps_only_in(const struct vqi_diff_side *side,
				      const struct vqi_snapshot *other,
				      const struct vqi_gap ***ret_found, size_t *ret_count)
{
	const struct vqi_snapshot *ours = side->snapshot;
	const struct vqi_gap **found = calloc(ours->gap_count + 1, sizeof(*found));
	size_t count = 0;

	if (!found)
		return no_memory();
	for (size_t i = 0; i < ours->gap_count; i++) {
		bool there = !is_gap_of_side(side, &ours->gaps[i]);

		for (size_t j = 0; !there && j < other->gap_count; j++)
			there = same_gap(&ours->gaps[i], &other->gaps[j]);
		if (!there)
			found[count++] = &ours->gaps[i];
	}
	*ret_found = found;
	*ret_count = count;
	return NULL;
}

struct vqi_error *vqi_diff_gaps(struct vqi_diff *diff)
{
	struct vqi_error *error;

	error = gaps_only_in(&diff->old, diff->new.snapshot, &diff->gaps_gone,
			     &diff->gaps_gone_count);
	return error ? error
		     : gaps_only_in(&diff->new, diff->old.snapshot, &diff->gaps_come,
				    &diff->gaps_come_count);
}
