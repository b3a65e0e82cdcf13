/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which queues a screen shows, and in which order. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "screen_view.h"
#include "words.h"

const char *vqi_screen_sort_word(enum vqi_screen_sort sort)
{
	static const char *const words[VQI_SORT_COUNT] = {
		[VQI_SORT_STATE] = "state",
		[VQI_SORT_NAME] = "name",
		[VQI_SORT_DEPTH] = "depth",
		[VQI_SORT_RATE] = "rate",
	};

	return words[sort];
}

/* ---- order ---- */

/* The order of names, in which net2 comes before net10. */
static int by_name(const struct vqi_screen_row *a, const struct vqi_screen_row *b)
{
	int order = strverscmp(a->name, b->name);

	if (order)
		return order;
	if (a->key.vdev_addr != b->key.vdev_addr)
		return a->key.vdev_addr < b->key.vdev_addr ? -1 : 1;
	return a->key.index < b->key.index ? -1 : a->key.index > b->key.index;
}

/* How far up a state is: what is wrong first. */
static int rank(enum vqi_queue_state state)
{
	static const int ranks[] = {
		[VQI_QUEUE_STUCK] = 0,	  [VQI_QUEUE_UNKNOWN] = 1, [VQI_QUEUE_PAUSED] = 2,
		[VQI_QUEUE_BUSY] = 3,	  [VQI_QUEUE_PARKED] = 4,  [VQI_QUEUE_IDLE] = 5,
		[VQI_QUEUE_DISABLED] = 6,
	};

	return ranks[state];
}

/* The greater one first; what is unknown last. */
static int downward(bool a_known, double a, bool b_known, double b)
{
	if (a_known != b_known)
		return a_known ? -1 : 1;
	return !a_known ? 0 : a > b ? -1 : a < b;
}

/* Only what is stuck is in the order of time: the times of busy queues change from look to look. */
static int by_state(const struct vqi_screen_row *a, const struct vqi_screen_row *b)
{
	int order = rank(a->state) - rank(b->state);

	if (order || a->state != VQI_QUEUE_STUCK)
		return order;
	return downward(true, (double)a->state_ms, true, (double)b->state_ms);
}

static int by_depth(const struct vqi_screen_row *a, const struct vqi_screen_row *b)
{
	return downward(a->depth.known, (double)a->depth.value, b->depth.known,
			(double)b->depth.value);
}

static int by_rate(const struct vqi_screen_row *a, const struct vqi_screen_row *b)
{
	return downward(a->completed.known, a->completed.per_second, b->completed.known,
			b->completed.per_second);
}

typedef int (*row_order)(const struct vqi_screen_row *a, const struct vqi_screen_row *b);

static int compare(const void *a, const void *b, void *context)
{
	const struct vqi_screen_row *const *first = a, *const *second = b;
	int order = (*(const row_order *)context)(*first, *second);

	return order ? order : by_name(*first, *second);
}

/* ---- what is shown ---- */

static bool has_text(const char *text, const char *filter)
{
	return text && strcasestr(text, filter);
}

/* Who looks for a queue wants to see it, idle or not. */
static bool is_shown(const struct vqi_screen_view *view, const struct vqi_screen_row *row)
{
	char number[16];

	if (!view->filter[0])
		return view->shows_all || row->carries_work;
	snprintf(number, sizeof(number), " %u", row->key.index);
	return has_text(row->label, view->filter) || has_text(row->type, view->filter) ||
	       has_text(row->role, view->filter) || has_text(number, view->filter) ||
	       has_text(vqi_queue_state_word(row->state), view->filter);
}

static bool is_selected(const struct vqi_screen_view *view, const struct vqi_screen_row *row)
{
	const struct vqi_screen_key key = {view->device, view->vdev_addr, view->index};

	return view->device && vqi_screen_key_equal(&row->key, &key);
}

struct vqi_error *vqi_screen_view_update(struct vqi_screen_view *view,
					 const struct vqi_screen_model *model)
{
	static const row_order orders[VQI_SORT_COUNT] = {
		[VQI_SORT_STATE] = by_state,
		[VQI_SORT_NAME] = by_name,
		[VQI_SORT_DEPTH] = by_depth,
		[VQI_SORT_RATE] = by_rate,
	};
	row_order order = orders[view->sort];
	const struct vqi_screen_row **shown = calloc(model->row_count + 1, sizeof(*shown));
	size_t count = 0;

	if (!shown)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	/* The selected one is not taken away from under the reader's eyes. */
	for (size_t i = 0; i < model->row_count; i++) {
		const struct vqi_screen_row *row = &model->rows[i];

		if (is_shown(view, row) || (!view->filter[0] && is_selected(view, row)))
			shown[count++] = row;
	}
	qsort_r(shown, count, sizeof(*shown), compare, &order);
	free(view->shown);
	view->shown = shown;
	view->shown_count = count;
	if (!view->device)
		view->selected = 0;
	for (size_t i = 0; i < count; i++) {
		if (is_selected(view, shown[i]))
			view->selected = i;
	}
	if (view->selected >= count)
		view->selected = count ? count - 1 : 0;
	return NULL;
}

const struct vqi_screen_row *vqi_screen_view_selected(const struct vqi_screen_view *view)
{
	return view->selected < view->shown_count ? view->shown[view->selected] : NULL;
}
