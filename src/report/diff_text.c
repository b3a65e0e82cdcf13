/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <json-c/json.h>
#include <string.h>

#include "text.h"
#include "vqi/diff.h"
#include "words.h"

static void print_side(struct vqi_page *page, const char *word, const struct vqi_diff_side *side)
{
	const struct vqi_target *target = &side->snapshot->target;

	vqi_page_begin(page, 0, 2);
	vqi_page_add(page, VQI_STYLE_PLAIN, "%s  ", word);
	vqi_page_add(page, VQI_STYLE_BOLD, "%s", side->name ? side->name : "-");
	vqi_page_add_whole(page, 2, VQI_STYLE_PLAIN, "%s, pid %jd", vqi_text_target(target),
			   (intmax_t)target->pid);
	if (target->run_state)
		vqi_page_add_whole(page, 2, VQI_STYLE_PLAIN, "%s", target->run_state);
	vqi_page_end(page);
}

static void print_findings(struct vqi_page *page, const char *word,
			   const struct vqi_finding *const *findings, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct vqi_finding *finding = findings[i];

		vqi_page_begin(page, 0, 2);
		vqi_page_add(page, vqi_text_severity_style(finding->severity), "%s %s", word,
			     finding->rule->id);
		vqi_page_add(page, VQI_STYLE_PLAIN,
			     ", %s: ", vqi_confidence_word(finding->confidence));
		if (finding->device)
			vqi_page_add(page, VQI_STYLE_BOLD, "%s", vqi_text_label(finding->device));
		if (finding->queue)
			vqi_page_add(page, VQI_STYLE_BOLD, " queue %u", finding->queue->index);
		vqi_page_add(page, VQI_STYLE_PLAIN, "%s%s", finding->device ? ": " : "",
			     finding->summary ? finding->summary : "");
		vqi_page_end(page);
	}
}

static void print_gaps(struct vqi_page *page, const char *heading,
		       const struct vqi_gap *const *gaps, size_t count)
{
	if (count)
		vqi_page_line(page, 0, VQI_STYLE_PLAIN, "%s", heading);
	for (size_t i = 0; i < count; i++)
		vqi_text_gap(page, gaps[i]);
}

static const char *value_text(struct json_object *value)
{
	return value ? json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN |
								     JSON_C_TO_STRING_NOSLASHESCAPE)
		     : "-";
}

/* Strings without their quotes. */
static const char *plain_text(struct json_object *value)
{
	return json_object_is_type(value, json_type_string) ? json_object_get_string(value)
							    : value_text(value);
}

static void print_change(struct vqi_page *page, const struct vqi_change *change)
{
	const char *arrow = page->utf8 ? "\u2192" : "->";

	vqi_page_begin(page, 4, 8);
	vqi_page_add(page, VQI_STYLE_PLAIN, "%s: %s %s %s", change->field, plain_text(change->old),
		     arrow, plain_text(change->new));
	if (change->difference.known && change->difference.value < 0x8000)
		vqi_page_add(page, VQI_STYLE_PLAIN, " (+%" PRIu64 ")", change->difference.value);
	else if (change->difference.known)
		vqi_page_add(page, VQI_STYLE_PLAIN, " (-%" PRIu64 ")",
			     0x10000 - change->difference.value);
	vqi_page_end(page);
}

/* What one of them does not know. */
static void print_unknown(struct vqi_page *page, const struct vqi_change *change)
{
	vqi_page_begin(page, 4, 8);
	vqi_page_add(page, VQI_STYLE_DIM, "%s: ", change->field);
	if (change->old && change->new)
		vqi_page_add(page, VQI_STYLE_DIM, "%s or %s, by one look not known",
			     plain_text(change->old), plain_text(change->new));
	else
		vqi_page_add(page, VQI_STYLE_DIM, "%s in the %s, not known of the %s",
			     plain_text(change->old ? change->old : change->new),
			     change->old ? "old" : "new", change->old ? "new" : "old");
	vqi_page_end(page);
}

static void print_part(struct vqi_page *page, const struct vqi_diff_part *part, bool verbose)
{
	const char *name = part->new ? part->new : part->old;

	if (!vqi_diff_part_differs(part) && !verbose)
		return;
	if (!part->old || !part->new) {
		vqi_page_line(page, 0, VQI_STYLE_BOLD, "%s: only in the %s", name,
			      part->old ? "old" : "new");
		return;
	}
	vqi_page_begin(page, 0, 2);
	if (strcmp(part->old, part->new) != 0)
		vqi_page_add(page, VQI_STYLE_BOLD, "%s, and ", part->old);
	vqi_page_add(page, VQI_STYLE_BOLD, "%s", name);
	vqi_page_end(page);
	for (size_t i = 0; i < part->change_count; i++)
		print_change(page, &part->changes[i]);
	for (size_t i = 0; verbose && i < part->unknown_count; i++)
		print_unknown(page, &part->unknown[i]);
}

static size_t count_changed(const struct vqi_diff *diff)
{
	size_t count = 0;

	for (size_t i = 0; i < diff->part_count; i++)
		count += diff->parts[i].change_count > 0;
	return count;
}

static bool differs(const struct vqi_diff *diff)
{
	for (size_t i = 0; i < diff->part_count; i++) {
		if (vqi_diff_part_differs(&diff->parts[i]))
			return true;
	}
	return false;
}

static void print_all(struct vqi_page *page, const struct vqi_diff *diff, bool verbose)
{
	size_t same = diff->compared - count_changed(diff);

	print_side(page, "old", &diff->old);
	print_side(page, "new", &diff->new);
	vqi_page_space(page);
	print_findings(page, "new:", diff->come, diff->come_count);
	print_findings(page, "gone:", diff->gone, diff->gone_count);
	if (verbose) {
		print_findings(page, "new, or by one look not known:", diff->unknown_come,
			       diff->unknown_come_count);
		print_findings(page, "gone, or by one look not known:", diff->unknown_gone,
			       diff->unknown_gone_count);
	}
	print_gaps(page, "new gaps:", diff->gaps_come, diff->gaps_come_count);
	print_gaps(page, "no gaps any more:", diff->gaps_gone, diff->gaps_gone_count);
	vqi_page_space(page);
	for (size_t i = 0; i < diff->part_count; i++)
		print_part(page, &diff->parts[i], verbose);
	vqi_page_space(page);
	if (!differs(diff))
		vqi_page_line(page, 0, VQI_STYLE_PLAIN, "no differences");
	else if (same)
		vqi_page_line(page, 0, VQI_STYLE_PLAIN, "%zu more without a difference", same);
}

struct vqi_error *vqi_diff_text(FILE *stream, const struct vqi_diff *diff,
				const struct vqi_report_options *options)
{
	struct vqi_page page;
	struct vqi_error *error = vqi_page_open(&page, options->width, options->color);

	if (error)
		return error;
	print_all(&page, diff, options->verbose);
	return vqi_page_close(&page, stream);
}
