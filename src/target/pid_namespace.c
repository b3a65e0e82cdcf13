/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The threads of a process in a container: it knows them by other ids than we do. */
#include <stdio.h>
#include <stdlib.h>

#include "process_private.h"
#include "status.h"
#include "vqi/cleanup.h"

#define STATUS_MAX 65536

/* *ret_theirs is 0 for a thread that has ended. */
static struct vqi_error *read_theirs(struct vqi_process *process, pid_t ours, pid_t *ret_theirs)
{
	vqi_cleanup_free char *status = NULL;
	struct vqi_error *error;
	char name[48];

	snprintf(name, sizeof(name), "task/%d/status", (int)ours);
	error = vqi_process_read_file(process, name, STATUS_MAX, &status, NULL);
	if (error && error->code == VQI_ERROR_GONE) {
		vqi_error_free(error);
		*ret_theirs = 0;
		return vqi_process_check(process);
	}
	if (error)
		return error;
	*ret_theirs = vqi_status_inner_tid(status);
	return NULL;
}

static struct vqi_error *read_aliases(struct vqi_process *process)
{
	vqi_cleanup(vqi_tids_done) struct vqi_tids tids = {0};
	struct vqi_error *error = vqi_process_threads(process, &tids);
	struct vqi_alias *aliases;

	if (error)
		return error;
	aliases = reallocarray(process->aliases, tids.count, sizeof(*aliases));
	if (!aliases)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	process->aliases = aliases;
	process->alias_count = 0;
	for (size_t i = 0; !error && i < tids.count; i++) {
		aliases[i].ours = tids.tids[i];
		error = read_theirs(process, tids.tids[i], &aliases[i].theirs);
		process->alias_count += !error;
	}
	return error;
}

static struct vqi_num find(const struct vqi_process *process, uint64_t theirs)
{
	for (size_t i = 0; i < process->alias_count; i++) {
		if ((uint64_t)process->aliases[i].theirs == theirs)
			return VQI_NUM(process->aliases[i].ours);
	}
	return VQI_UNKNOWN;
}

struct vqi_error *vqi_process_tid(struct vqi_process *process, struct vqi_num theirs,
				  struct vqi_num *ret_tid)
{
	struct vqi_num ours = theirs;
	struct vqi_error *error = NULL;

	if (process->reader->has_aliases && vqi_num_nonzero(theirs)) {
		ours = find(process, theirs.value);
		if (!ours.known) /* it may be a new one */
			error = read_aliases(process);
		if (!error && !ours.known)
			ours = find(process, theirs.value);
	}
	if (!error)
		*ret_tid = ours;
	return error;
}
