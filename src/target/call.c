/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "call.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "process_private.h"
#include "vqi/cleanup.h"

#define TEXT_MAX 65536

struct vqi_error *vqi_thread_file(struct vqi_process *process, pid_t tid, const char *entry,
				  char **ret_text)
{
	char name[48];

	snprintf(name, sizeof(name), "task/%d/%s", (int)tid, entry);
	return vqi_process_read_file(process, name, TEXT_MAX, ret_text, NULL);
}

struct vqi_error *vqi_thread_optional_file(struct vqi_process *process, pid_t tid,
					   const char *entry, char **ret_text)
{
	struct vqi_error *error = vqi_thread_file(process, tid, entry, ret_text);

	if (!error || error->code == VQI_ERROR_NOMEM || error->code == VQI_ERROR_GONE)
		return error;
	vqi_error_free(error);
	return NULL;
}

/* "running", "-1 SP PC" outside of a system call, or the number, six arguments, SP and PC. */
static void parse(const char *text, struct vqi_call *call)
{
	uint64_t *args = call->args;
	int count;

	if (strncmp(text, "running", strlen("running")) == 0) {
		call->state = VQI_CALL_RUNNING;
		return;
	}
	if (sscanf(text, "-1 0x%" SCNx64 " 0x%" SCNx64, &call->sp, &call->pc) == 2) {
		call->state = VQI_CALL_OUTSIDE;
		return;
	}
	count = sscanf(text,
		       "%d 0x%" SCNx64 " 0x%" SCNx64 " 0x%" SCNx64 " 0x%" SCNx64 " 0x%" SCNx64
		       " 0x%" SCNx64 " 0x%" SCNx64 " 0x%" SCNx64,
		       &call->number, &args[0], &args[1], &args[2], &args[3], &args[4], &args[5],
		       &call->sp, &call->pc);
	if (count == 9 && call->number >= 0)
		call->state = VQI_CALL_INSIDE;
}

struct vqi_error *vqi_thread_call(struct vqi_process *process, pid_t tid, struct vqi_call *ret_call)
{
	vqi_cleanup_free char *text = NULL;
	struct vqi_call call = {.state = VQI_CALL_UNKNOWN};
	struct vqi_error *error = vqi_thread_optional_file(process, tid, "syscall", &text);

	if (error)
		return error;
	if (text)
		parse(text, &call);
	*ret_call = call;
	return NULL;
}

struct vqi_error *vqi_thread_error(struct vqi_process *process, pid_t tid, struct vqi_error *error)
{
	struct vqi_error *gone;

	if (!error || error->code != VQI_ERROR_GONE)
		return error;
	vqi_error_free(error);
	gone = vqi_process_check(process);
	return gone ? gone : vqi_error_new(VQI_ERROR_BAD_DATA, "thread %d has ended", (int)tid);
}
