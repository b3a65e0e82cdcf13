/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether something keeps a whole process from running. */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "process_private.h"
#include "status.h"
#include "vqi/cleanup.h"

#define STATUS_MAX 65536
#define WCHAN_MAX  256

/* Units: ns. Another inspector's stop is over by then; a debugger's is not. */
#define GLANCE_NS 20000000

/* Several inspectors may stop it in turn. */
#define MAX_GLANCES 10

void vqi_process_comm(pid_t pid, char ret_comm[16])
{
	vqi_cleanup_file FILE *file = NULL;
	char path[32];

	ret_comm[0] = '\0';
	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	file = fopen(path, "re");
	if (file && fgets(ret_comm, 16, file))
		ret_comm[strcspn(ret_comm, "\n")] = '\0';
}

/* Where a task sleeps that its cgroup's freezer holds, of version 1 and of version 2. */
static bool is_frozen(struct vqi_process *process)
{
	vqi_cleanup_free char *wchan = NULL;
	struct vqi_error *error;

	error = vqi_process_read_file(process, "wchan", WCHAN_MAX, &wchan, NULL);
	if (error) {
		vqi_error_free(error);
		return false;
	}
	return strcmp(wchan, "__refrigerator") == 0 || strcmp(wchan, "do_freezer_trap") == 0;
}

/* By the main thread's state: T in a group-stop, t while traced. */
static struct vqi_error *read_held(struct vqi_process *process, struct vqi_held *ret_held)
{
	vqi_cleanup_free char *status = NULL;
	struct vqi_held held = {0};
	struct vqi_error *error;
	char state;

	error = vqi_process_read_file(process, "status", STATUS_MAX, &status, NULL);
	if (error)
		return error;
	state = vqi_status_state(status);
	held.tracer = (pid_t)vqi_status_number(status, "TracerPid", 10, 0);
	if (state == 'T' || state == 't')
		held.by = held.tracer ? VQI_HELD_TRACER : VQI_HELD_SIGNAL;
	else if (state != 'R' && is_frozen(process))
		held.by = VQI_HELD_FREEZER;
	if (held.by == VQI_HELD_TRACER)
		process->reader->ops->comm(process->reader, held.tracer, held.tracer_name);
	else
		held.tracer = 0;
	*ret_held = held;
	return NULL;
}

static bool is_inspector(struct vqi_process *process, const char *name)
{
	char own[16];

	process->reader->ops->comm(process->reader, 0, own);
	return strcmp(name, own) == 0;
}

struct vqi_error *vqi_process_held(struct vqi_process *process, struct vqi_held *ret_held)
{
	struct vqi_error *error = read_held(process, ret_held);

	for (int i = 0; !error && i < MAX_GLANCES && ret_held->by != VQI_HELD_NOT; i++) {
		if (i > 0 && !is_inspector(process, ret_held->tracer_name))
			break;
		vqi_process_rest(process, GLANCE_NS);
		error = read_held(process, ret_held);
	}
	return error;
}
