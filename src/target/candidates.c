/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vqi/candidates.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "command.h"
#include "process_private.h"
#include "vqi/limits.h"

void vqi_candidates_done(struct vqi_candidates *candidates)
{
	for (size_t i = 0; i < candidates->count; i++) {
		free(candidates->all[i].program);
		free(candidates->all[i].vm_name);
	}
	free(candidates->all);
	*candidates = (struct vqi_candidates){0};
}

const char *vqi_candidate_label(const struct vqi_candidate *candidate)
{
	return candidate->vm_name ? candidate->vm_name : candidate->program;
}

/* ---- what may be one ---- */

/* Distributions have qemu-system-x86_64, qemu-kvm or kvm. */
static bool has_name(const char *path)
{
	const char *name = vqi_base_name(path);

	return strstr(name, "qemu") || strcmp(name, "kvm") == 0;
}

/* A program of that name is one; other programs can have "qemu" in their names. */
static bool is_plain_name(const char *path)
{
	static const char system[] = "qemu-system-";
	const char *name = vqi_base_name(path);

	return strncmp(name, system, strlen(system)) == 0 || strcmp(name, "qemu-kvm") == 0 ||
	       strcmp(name, "kvm") == 0 || strcmp(name, "qemu-storage-daemon") == 0;
}

/* Without one of these there are no devices that carry requests. */
static bool is_option_of_qemu(const char *word)
{
	static const char *const options[] = {"device", "blockdev", "drive", "machine",
					      "netdev", "accel",    "hda",   "readconfig"};

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		if (vqi_is_option(word, options[i]))
			return true;
	}
	return false;
}

/* By its name, or that of the program that a loader or another tool runs; or, under whatever name, by its options. */
static bool may_be_qemu(const char *words, size_t len)
{
	struct vqi_command command = {.at = words, .end = words + len};
	const char *word;

	for (size_t i = 0; (word = vqi_command_next(&command)); i++) {
		if ((i < 2 && has_name(word)) || is_option_of_qemu(word))
			return true;
	}
	return false;
}

/* ---- the list ---- */

/* What is found so far. */
struct finding {
	const struct vqi_candidates_search *search;
	struct vqi_candidates found;
};

/* path: of what it was started by. */
static struct vqi_error *add(struct finding *finding, int dirfd, pid_t pid, const char *path,
			     struct vqi_candidate **ret_candidate)
{
	struct vqi_candidates *found = &finding->found;
	struct vqi_candidate *grown = reallocarray(found->all, found->count + 1, sizeof(*grown));
	struct vqi_candidate *candidate;
	struct stat exe;

	if (!grown)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	found->all = grown;
	candidate = &grown[found->count];
	*candidate = (struct vqi_candidate){
		.pid = pid,
		.program = strdup(vqi_base_name(path)),
		.is_plain = is_plain_name(path),
	};
	if (!candidate->program)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	found->count++;
	if (fstatat(dirfd, "exe", &exe, 0) == 0) {
		candidate->dev = exe.st_dev;
		candidate->inode = exe.st_ino;
	}
	*ret_candidate = candidate;
	return NULL;
}

/* Of one whose command line is not to be read the executable's name tells. */
static struct vqi_error *look_at_exe(struct finding *finding, int dirfd, pid_t pid)
{
	vqi_cleanup_free char *exe = NULL;
	struct vqi_error *error = vqi_proc_readlink(dirfd, "exe", &exe);
	struct vqi_candidate *candidate;

	if (error && error->code == VQI_ERROR_NOMEM)
		return error;
	if (vqi_error_drop(error) || !has_name(exe))
		return NULL;
	return add(finding, dirfd, pid, exe, &candidate);
}

/* A kernel thread or a zombie has no command line. */
static struct vqi_error *look_at_command(struct finding *finding, int dirfd, pid_t pid)
{
	const struct vqi_candidates_search *search = finding->search;
	vqi_cleanup_free char *words = NULL, *exe = NULL;
	struct vqi_candidate *candidate;
	struct vqi_error *error;
	size_t len;

	if (search->begin)
		search->begin(pid, search->context);
	error = vqi_proc_read(dirfd, "cmdline", VQI_MAX_COMMAND, &words, &len);
	if (!error && len && !may_be_qemu(words, len))
		error = vqi_proc_readlink(dirfd, "exe", &exe);
	if (error && error->code == VQI_ERROR_NOMEM)
		return error;
	if (vqi_error_drop(error) || !len || (exe && !has_name(exe)))
		return NULL;
	error = add(finding, dirfd, pid, words, &candidate);
	return error ? error : vqi_command_vm_name(words, len, &candidate->vm_name);
}

static bool is_stubborn(const struct vqi_candidates_search *search, pid_t pid)
{
	for (size_t i = 0; i < search->stubborn_count; i++) {
		if (search->stubborn[i] == pid)
			return true;
	}
	return false;
}

static struct vqi_error *look_at(struct finding *finding, const char *name)
{
	const struct vqi_candidates_search *search = finding->search;
	vqi_cleanup_fd int dirfd =
		openat(search->proc_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	pid_t pid = (pid_t)atoi(name);

	if (dirfd < 0)
		return NULL;
	return is_stubborn(search, pid) ? look_at_exe(finding, dirfd, pid)
					: look_at_command(finding, dirfd, pid);
}

static int compare(const void *one, const void *other)
{
	const struct vqi_candidate *a = one, *b = other;
	int by_name = strcmp(vqi_candidate_label(a), vqi_candidate_label(b));

	return by_name ? by_name : (a->pid > b->pid) - (a->pid < b->pid);
}

static void finding_done(struct finding *finding)
{
	vqi_candidates_done(&finding->found);
}
VQI_DEFINE_CLEANUP_VALUE(struct finding, finding_done)

struct vqi_error *vqi_candidates_find(const struct vqi_candidates_search *search,
				      struct vqi_candidates *ret_candidates)
{
	vqi_cleanup(finding_done) struct finding finding = {.search = search};
	struct vqi_candidates *found = &finding.found;
	vqi_cleanup_fd int fd = openat(search->proc_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	vqi_cleanup_dir DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;
	struct vqi_error *error = NULL;
	const struct dirent *entry;

	if (!folder)
		return vqi_error_sys(errno, "cannot list the processes");
	(void)take_fd(&fd); /* it is the folder's */
	while (!error && (entry = readdir(folder))) {
		const char *name = entry->d_name;

		if (name[strspn(name, "0123456789")] == '\0' && atoi(name) != getpid())
			error = look_at(&finding, name);
	}
	if (error)
		return error;
	if (found->count)
		qsort(found->all, found->count, sizeof(*found->all), compare);
	*ret_candidates = *found;
	*found = (struct vqi_candidates){0};
	return NULL;
}
