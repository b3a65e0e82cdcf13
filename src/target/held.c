/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether something keeps a whole process from running. */
#include <stdio.h>
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

struct vqi_error *vqi_process_held(struct vqi_process *process, char **ret_held)
{
	struct vqi_error *error;
	char *held = NULL;
	pid_t tracer;
	char state;
	int len;

	error = read_state(process, &state, &tracer);
	if (!error && is_stopped(state)) {
		nanosleep(&(struct timespec){.tv_nsec = GLANCE_NS}, NULL);
		error = read_state(process, &state, &tracer);
	}
	if (error)
		return error;
	if (is_stopped(state)) {
		len = tracer ? asprintf(&held, "process %d traces it (a debugger?)", (int)tracer)
			     : asprintf(&held, "by a signal such as SIGSTOP");
		if (len < 0)
			return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	}
	*ret_held = held;
	return NULL;
}
