/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether something keeps a whole process from running. */
#include <time.h>

#include "process_private.h"
#include "status.h"
#include "vqi/cleanup.h"

#define STATUS_MAX 65536

/* Units: ns. Another inspector's stop is over by then; a debugger's is not. */
#define GLANCE_NS 20000000

/* The letter of the main thread's state: T in a group-stop, t while traced. Source: proc_pid_stat(5). */
static struct vqi_error *read_state(struct vqi_process *process, char *ret_state, pid_t *ret_tracer)
{
	vqi_cleanup_free char *status = NULL;
	struct vqi_error *error;

	error = vqi_process_read_file(process, "status", STATUS_MAX, &status, NULL);
	if (error)
		return error;
	*ret_state = vqi_status_state(status);
	*ret_tracer = (pid_t)vqi_status_number(status, "TracerPid", 10, 0);
	return NULL;
}

static bool is_stopped(char state)
{
	return state == 'T' || state == 't';
}

struct vqi_error *vqi_process_held(struct vqi_process *process, struct vqi_num *ret_held_by)
{
	struct vqi_error *error;
	pid_t tracer;
	char state;

	error = read_state(process, &state, &tracer);
	if (!error && is_stopped(state)) {
		nanosleep(&(struct timespec){.tv_nsec = GLANCE_NS}, NULL);
		error = read_state(process, &state, &tracer);
	}
	if (!error)
		*ret_held_by = is_stopped(state) ? VQI_NUM(tracer) : VQI_UNKNOWN;
	return error;
}
