/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "find.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "vqi/image.h"

VQI_DEFINE_CLEANUP_VALUE(struct vqi_image, vqi_image_done)

struct vqi_error *vqi_find_candidates(struct vqi_candidates *ret_candidates)
{
	vqi_cleanup_fd int proc_fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (proc_fd < 0)
		return vqi_error_sys(errno, "cannot open /proc");
	return vqi_candidates_find(proc_fd, ret_candidates);
}

/* A debugger or a shell can have the same words in its command line. Of what may not be looked at, its name decides. */
static bool is_qemu(const struct vqi_candidate *candidate)
{
	vqi_cleanup(vqi_image_done) struct vqi_image image = {.fd = -1};
	vqi_cleanup_process struct vqi_process *process = NULL;
	vqi_cleanup_error struct vqi_error *error = vqi_process_open(candidate->pid, &process);

	if (!error)
		error = vqi_image_open(process, &image);
	if (!error)
		return image.kind == VQI_IMAGE_QEMU;
	return candidate->is_plain && error->code != VQI_ERROR_GONE &&
	       error->code != VQI_ERROR_NOT_QEMU;
}

/* Whether it is a VM of that name, or of any when that is NULL. */
static bool is_named(const struct vqi_candidate *candidate, const char *name)
{
	return candidate->vm_name && (!name || strcmp(candidate->vm_name, name) == 0) &&
	       is_qemu(candidate);
}

/* "web1, web2": all names; or, of one name, "4242, 4711": all pids. Owner: the caller frees. NULL without memory. */
static char *list(const struct vqi_candidates *candidates, const char *name)
{
	vqi_cleanup_free char *text = NULL;
	const char *separator = "";
	size_t len;
	FILE *stream = open_memstream(&text, &len);

	if (!stream)
		return NULL;
	for (size_t i = 0; i < candidates->count; i++) {
		const struct vqi_candidate *candidate = &candidates->all[i];

		if (!is_named(candidate, name))
			continue;
		if (name)
			fprintf(stream, "%s%d", separator, (int)candidate->pid);
		else
			fprintf(stream, "%s%s", separator, candidate->vm_name);
		separator = ", ";
	}
	return fclose(stream) == 0 ? take_ptr(text) : NULL;
}

static struct vqi_error *not_one(const struct vqi_candidates *candidates, const char *name,
				 size_t count)
{
	vqi_cleanup_free char *text = list(candidates, count ? name : NULL);

	if (!text)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	if (count)
		return vqi_error_new(VQI_ERROR_GONE,
				     "%zu VMs are named '%s', choose one with --pid: %s", count,
				     name, text);
	if (text[0])
		return vqi_error_new(VQI_ERROR_GONE, "no VM is named '%s'; there are: %s", name,
				     text);
	return vqi_error_new(VQI_ERROR_GONE, "no VM is named '%s'; there is none that has a name",
			     name);
}

struct vqi_error *vqi_find_named(const char *name, pid_t *ret_pid)
{
	vqi_cleanup(vqi_candidates_done) struct vqi_candidates candidates = {0};
	struct vqi_error *error = vqi_find_candidates(&candidates);
	size_t count = 0;
	pid_t pid = 0;

	for (size_t i = 0; !error && i < candidates.count; i++) {
		if (!is_named(&candidates.all[i], name))
			continue;
		pid = candidates.all[i].pid;
		count++;
	}
	if (!error && count != 1)
		error = not_one(&candidates, name, count);
	if (error)
		return error;
	*ret_pid = pid;
	return NULL;
}
