/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The threads of a process. */
#include <stdlib.h>

#include "vqi/limits.h"
#include "vqi/process.h"

struct vqi_error *vqi_process_threads(struct vqi_process *process, struct vqi_tids *ret_tids)
{
	struct vqi_tids tids = {0};
	struct vqi_error *error =
		vqi_process_list(process, "task", VQI_MAX_THREADS, &tids.tids, &tids.count);

	if (!error && tids.count == 0)
		error = vqi_error_new(VQI_ERROR_GONE, "process %d has ended",
				      vqi_process_pid(process));
	if (error)
		vqi_tids_done(&tids);
	else
		*ret_tids = tids;
	return error;
}

void vqi_tids_done(struct vqi_tids *tids)
{
	if (!tids)
		return;
	free(tids->tids);
	*tids = (struct vqi_tids){0};
}
