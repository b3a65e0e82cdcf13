/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "past.h"

#include <stdlib.h>
#include <string.h>

#include "vqi/diagnose.h"

#define NS_PER_MS UINT64_C(1000000)
#define SURE_NS	  (VQI_SURE_MS * NS_PER_MS)

/* Looks that are kept are so far apart: enough of them for one that is hardly older than it must be. */
#define APART_NS (SURE_NS / 4)

void vqi_past_done(struct vqi_past *past)
{
	for (size_t i = 0; i < past->count; i++)
		vqi_snapshot_free(past->looks[i].snapshot);
	free(past->looks);
	*past = (struct vqi_past){0};
}

static void forget(struct vqi_past *past, size_t first, size_t count)
{
	for (size_t i = first; i < first + count; i++)
		vqi_snapshot_free(past->looks[i].snapshot);
	past->count -= count;
	memmove(past->looks + first, past->looks + first + count,
		(past->count - first) * sizeof(*past->looks));
}

/* Whether a look can stand for another: it tells as much. */
static bool is_as_good(const struct vqi_past_look *look, const struct vqi_past_look *other)
{
	return !look->snapshot->capture.is_brief || other->snapshot->capture.is_brief;
}

static bool is_old(const struct vqi_past_look *look, uint64_t now_ns)
{
	return look->time_ns + SURE_NS <= now_ns;
}

/* The last look is kept only where the one before it is too far away to stand for it. */
static void thin_out(struct vqi_past *past)
{
	const struct vqi_past_look *last = &past->looks[past->count - 1], *before = last - 1;

	if (past->count > 1 && last->time_ns < before->time_ns + APART_NS &&
	    is_as_good(before, last))
		forget(past, past->count - 1, 1);
}

/* Of those that are old enough only the latest is needed, of either kind. */
static void forget_old(struct vqi_past *past, uint64_t now_ns)
{
	for (size_t i = past->count; i-- > 1;) {
		if (!is_old(&past->looks[i], now_ns))
			continue;
		for (size_t j = i; j-- > 0;) {
			if (!is_as_good(&past->looks[i], &past->looks[j]))
				continue;
			forget(past, j, 1);
			i--;
		}
	}
}

struct vqi_error *vqi_past_add(struct vqi_past *past, struct vqi_snapshot *snapshot,
			       uint64_t time_ns)
{
	const struct vqi_snapshot *last = vqi_past_last(past);
	struct vqi_past_look *grown;

	if (last && vqi_vm_is_running(last) != vqi_vm_is_running(snapshot))
		forget(past, 0, past->count);
	if (past->count)
		thin_out(past);
	forget_old(past, time_ns);
	grown = reallocarray(past->looks, past->count + 1, sizeof(*grown));
	if (!grown) {
		vqi_snapshot_free(snapshot);
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	}
	past->looks = grown;
	grown[past->count++] = (struct vqi_past_look){snapshot, time_ns};
	return NULL;
}

struct vqi_snapshot *vqi_past_last(const struct vqi_past *past)
{
	return past->count ? past->looks[past->count - 1].snapshot : NULL;
}

const struct vqi_past_look *vqi_past_find(const struct vqi_past *past,
					  const struct vqi_snapshot *snapshot, uint64_t now_ns)
{
	const struct vqi_snapshot *last = vqi_past_last(past);

	if (last && vqi_vm_is_running(last) != vqi_vm_is_running(snapshot))
		return NULL;
	for (size_t i = past->count; i-- > 0;) {
		const struct vqi_past_look *look = &past->looks[i];

		if (is_old(look, now_ns) &&
		    (snapshot->capture.is_brief || !look->snapshot->capture.is_brief))
			return look;
	}
	return NULL;
}
