/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "find.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "jobs.h"
#include "vqi/image.h"
#include "vqi/limits.h"

VQI_DEFINE_CLEANUP_VALUE(struct vqi_image, vqi_image_done)

/* Units: s. Reading all command lines takes milliseconds. */
#define FIND_WAIT_S 5

/* ---- in a child ---- */

/* What a child says: of each process that it begins with, its pid alone; then, with a program, of each candidate. The
 * strings follow, each with its NUL. */
struct record {
	pid_t pid;
	bool is_plain;
	uint64_t dev, inode;
	uint32_t program_size, name_size; /* 0: there is none */
};

struct task {
	struct vqi_candidates_search search;
	int fd;
};

static void tell_begin(pid_t pid, void *context)
{
	const struct task *task = context;
	const struct record record = {.pid = pid};

	if (!vqi_confined_write(task->fd, &record, sizeof(record)))
		_exit(1); /* nobody listens */
}

static uint32_t size_of(const char *text)
{
	return text ? (uint32_t)strlen(text) + 1 : 0;
}

static bool tell_candidate(int fd, const struct vqi_candidate *candidate)
{
	const struct record record = {
		.pid = candidate->pid,
		.is_plain = candidate->is_plain,
		.dev = candidate->dev,
		.inode = candidate->inode,
		.program_size = size_of(candidate->program),
		.name_size = size_of(candidate->vm_name),
	};

	return vqi_confined_write(fd, &record, sizeof(record)) &&
	       vqi_confined_write(fd, candidate->program, record.program_size) &&
	       vqi_confined_write(fd, candidate->vm_name, record.name_size);
}

static bool tell_all(int fd, void *context)
{
	vqi_cleanup(vqi_candidates_done) struct vqi_candidates found = {0};
	struct task *task = context;
	bool is_told;

	task->fd = fd;
	task->search.context = task;
	is_told = !vqi_error_drop(vqi_candidates_find(&task->search, &found));
	for (size_t i = 0; is_told && i < found.count; i++)
		is_told = tell_candidate(fd, &found.all[i]);
	return is_told;
}

/* ---- what it has said ---- */

static struct vqi_error *copy_string(const char **at, uint32_t size, char **ret_copy)
{
	char *copy;

	if (!size)
		return NULL;
	copy = strndup(*at, size - 1);
	if (!copy)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	*at += size;
	*ret_copy = copy;
	return NULL;
}

static struct vqi_error *take_candidate(const struct record *record, const char **at,
					struct vqi_candidates *found)
{
	struct vqi_candidate *grown =
		reallocarray(found->all, found->count + 1, sizeof(*found->all));
	struct vqi_candidate *candidate;
	struct vqi_error *error;

	if (!grown)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	found->all = grown;
	candidate = &grown[found->count++];
	*candidate = (struct vqi_candidate){
		.pid = record->pid,
		.is_plain = record->is_plain,
		.dev = record->dev,
		.inode = record->inode,
	};
	error = copy_string(at, record->program_size, &candidate->program);
	return error ? error : copy_string(at, record->name_size, &candidate->vm_name);
}

/* Takes apart what was said. *ret_last: the process that was begun with last; 0: none. */
static struct vqi_error *take_all(const struct vqi_job *job, struct vqi_candidates *found,
				  pid_t *ret_last)
{
	const char *at = job->output, *end = at + job->len;
	struct vqi_error *error = NULL;
	struct record record;

	*ret_last = 0;
	while (!error && (size_t)(end - at) >= sizeof(record)) {
		memcpy(&record, at, sizeof(record));
		at += sizeof(record);
		if (!record.program_size)
			*ret_last = record.pid;
		else if ((size_t)(end - at) >= (size_t)record.program_size + record.name_size)
			error = take_candidate(&record, &at, found);
	}
	return error;
}

/* *ret_stubborn: the process that it was kept waiting by; 0: it did its work. */
static struct vqi_error *ask(struct task *task, unsigned int wait_s, struct vqi_candidates *found,
			     pid_t *ret_stubborn)
{
	struct vqi_job job = {.func = tell_all, .context = task};
	struct vqi_error *error;
	pid_t last;

	vqi_jobs_run(&job, 1, wait_s);
	error = take_all(&job, found, &last);
	if (!error && job.error && !last)
		error = take_ptr(job.error);
	*ret_stubborn = job.error ? last : 0;
	vqi_job_done(&job);
	return error;
}

struct vqi_error *vqi_find_candidates(int proc_fd, unsigned int wait_s,
				      struct vqi_candidates *ret_candidates)
{
	pid_t stubborn[VQI_MAX_STUBBORN];
	struct task task = {
		.search = {.proc_fd = proc_fd, .begin = tell_begin, .stubborn = stubborn},
	};

	for (size_t i = 0; i < VQI_MAX_STUBBORN; i++) {
		vqi_cleanup(vqi_candidates_done) struct vqi_candidates found = {0};
		struct vqi_error *error = ask(&task, wait_s, &found, &stubborn[i]);

		if (error)
			return error;
		if (!stubborn[i]) {
			*ret_candidates = found;
			found = (struct vqi_candidates){0};
			return NULL;
		}
		task.search.stubborn_count++;
	}
	return vqi_error_new(VQI_ERROR_BAD_DATA,
			     "%d processes and more do not let their command lines be read",
			     VQI_MAX_STUBBORN);
}

struct vqi_error *vqi_find_all(struct vqi_candidates *ret_candidates)
{
	vqi_cleanup_fd int proc_fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (proc_fd < 0)
		return vqi_error_sys(errno, "cannot open /proc");
	return vqi_find_candidates(proc_fd, FIND_WAIT_S, ret_candidates);
}

/* ---- by name ---- */

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
	struct vqi_error *error = vqi_find_all(&candidates);
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
