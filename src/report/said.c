/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "said.h"

#include <stdlib.h>
#include <string.h>

#include "text.h"

void vqi_said_done(struct vqi_said *said)
{
	for (size_t i = 0; i < said->device_count; i++) {
		free(said->devices[i].label);
		free(said->devices[i].states);
	}
	free(said->devices);
	for (size_t i = 0; i < said->thing_count; i++) {
		free(said->things[i].what);
		free(said->things[i].device);
	}
	free(said->things);
	free(said->run_state);
	*said = (struct vqi_said){0};
}
/* ---- what a look says ---- */

static struct vqi_error *note_device(const struct vqi_device *device, struct vqi_said *said)
{
	struct vqi_said_device *noted = &said->devices[said->device_count++];

	noted->vdev_addr = device->vdev_addr;
	noted->states = calloc(device->queue_count + 1, sizeof(*noted->states));
	if (!noted->states)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	noted->count = device->queue_count;
	for (size_t i = 0; i < device->queue_count; i++)
		noted->states[i] = device->queues[i].state;
	return vqi_copy_string(vqi_text_label(device), &noted->label);
}

static struct vqi_error *note_finding(const struct vqi_finding *finding, struct vqi_said *said)
{
	struct vqi_said_thing *noted = &said->things[said->thing_count++];

	noted->rule = finding->rule;
	noted->queue = finding->queue ? VQI_NUM(finding->queue->index) : VQI_UNKNOWN;
	noted->severity = finding->severity;
	noted->confidence = finding->confidence;
	return finding->device ? vqi_copy_string(vqi_text_label(finding->device), &noted->device)
			       : NULL;
}

static struct vqi_error *note_gap(const struct vqi_gap *gap, struct vqi_said *said)
{
	struct vqi_said_thing *noted = &said->things[said->thing_count++];
	struct vqi_error *error = vqi_copy_string(gap->what ? gap->what : "-", &noted->what);

	noted->queue = gap->queue;
	return error ? error : vqi_copy_string(gap->device, &noted->device);
}

struct vqi_error *vqi_said_note(const struct vqi_snapshot *snapshot,
				const struct vqi_diagnosis *diagnosis, struct vqi_said *said)
{
	struct vqi_error *error;

	said->devices = calloc(snapshot->device_count + 1, sizeof(*said->devices));
	said->things =
		calloc(diagnosis->finding_count + snapshot->gap_count + 1, sizeof(*said->things));
	if (!said->devices || !said->things)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	said->held = snapshot->target.held.by;
	error = vqi_copy_string(snapshot->target.run_state, &said->run_state);
	for (size_t i = 0; !error && i < snapshot->device_count; i++)
		error = note_device(&snapshot->devices[i], said);
	for (size_t i = 0; !error && i < diagnosis->finding_count; i++)
		error = note_finding(&diagnosis->findings[i], said);
	for (size_t i = 0; !error && i < snapshot->gap_count; i++)
		error = note_gap(&snapshot->gaps[i], said);
	return error;
}

/* ---- what was said before ---- */

bool vqi_said_same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

const struct vqi_said_device *vqi_said_find_device(const struct vqi_said *said,
						   const struct vqi_said_device *device,
						   size_t expected)
{
	for (size_t i = 0; i < said->device_count; i++) {
		const struct vqi_said_device *other =
			&said->devices[(expected + i) % said->device_count];

		if (other->vdev_addr == device->vdev_addr &&
		    strcmp(other->label, device->label) == 0)
			return other;
	}
	return NULL;
}

static bool is_same_thing(const struct vqi_said_thing *a, const struct vqi_said_thing *b)
{
	return a->rule == b->rule && vqi_said_same_text(a->what, b->what) &&
	       vqi_said_same_text(a->device, b->device) && vqi_num_equal(a->queue, b->queue);
}

const struct vqi_said_thing *vqi_said_find_thing(const struct vqi_said *said,
						 const struct vqi_said_thing *thing)
{
	for (size_t i = 0; i < said->thing_count; i++) {
		if (is_same_thing(&said->things[i], thing))
			return &said->things[i];
	}
	return NULL;
}
