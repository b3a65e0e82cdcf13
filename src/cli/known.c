/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "known.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "jobs.h"
#include "opened.h"

/* So many targets of one executable are asked, where one ends or may not be looked at. */
#define TRIES 3

void vqi_known_layouts_done(struct vqi_known_layouts *known)
{
	free(known->all);
	*known = (struct vqi_known_layouts){0};
}

static const char *build_id_of(const struct vqi_image *image)
{
	return image->build_id ? image->build_id : "";
}

const struct vqi_layout *vqi_known_layout(const struct vqi_known_layouts *known,
					  const struct vqi_image *image)
{
	struct stat status;

	if (!known || fstat(image->fd, &status) != 0)
		return NULL;
	for (size_t i = 0; i < known->count; i++) {
		const struct vqi_known_layout *layout = &known->all[i];

		if (layout->dev == status.st_dev && layout->inode == status.st_ino &&
		    strcmp(layout->build_id, build_id_of(image)) == 0)
			return &layout->layout;
	}
	return NULL;
}

/* An executable that several candidates run. */
struct group {
	const struct vqi_options *options;
	const struct vqi_candidate *members[TRIES];
	size_t count; /* of all, also beyond those */
};

/* ---- in a child ---- */

/* One that is derived is that of this process alone. */
static bool find_layout(const struct group *group, size_t member,
			struct vqi_known_layout *ret_known)
{
	struct vqi_options options = *group->options;
	vqi_cleanup(vqi_opened_free) struct vqi_opened *opened = NULL;
	vqi_cleanup_error struct vqi_error *error = NULL;
	struct stat status;

	options.pid = group->members[member]->pid;
	error = vqi_opened_new(&options, &opened);
	if (error || opened->unfitted.source == VQI_LAYOUT_BUILTIN ||
	    fstat(opened->image.fd, &status) != 0)
		return false;
	ret_known->dev = status.st_dev;
	ret_known->inode = status.st_ino;
	ret_known->layout = opened->unfitted;
	snprintf(ret_known->build_id, sizeof(ret_known->build_id), "%s",
		 build_id_of(&opened->image));
	return true;
}

static bool tell_layout(int fd, void *context)
{
	const struct group *group = context;
	struct vqi_known_layout known = {0};

	for (size_t i = 0; i < group->count && i < TRIES; i++) {
		if (find_layout(group, i, &known))
			return vqi_confined_write(fd, &known, sizeof(known));
	}
	return false;
}

/* ---- for all ---- */

static struct group *group_of(struct group *groups, size_t *count,
			      const struct vqi_candidate *candidate)
{
	for (size_t i = 0; i < *count; i++) {
		if (groups[i].members[0]->dev == candidate->dev &&
		    groups[i].members[0]->inode == candidate->inode)
			return &groups[i];
	}
	return &groups[(*count)++];
}

/* Returns how many there are. */
static size_t make_groups(const struct vqi_options *options,
			  const struct vqi_candidates *candidates, struct group *groups)
{
	size_t count = 0, kept = 0;

	for (size_t i = 0; i < candidates->count; i++) {
		const struct vqi_candidate *candidate = &candidates->all[i];
		struct group *group;

		if (!candidate->inode)
			continue;
		group = group_of(groups, &count, candidate);
		group->options = options;
		if (group->count < TRIES)
			group->members[group->count] = candidate;
		group->count++;
	}
	for (size_t i = 0; i < count; i++) {
		if (groups[i].count > 1)
			groups[kept++] = groups[i];
	}
	return kept;
}

struct vqi_error *vqi_known_layouts_find(const struct vqi_options *options,
					 const struct vqi_candidates *candidates,
					 unsigned int wait_s, struct vqi_known_layouts *ret_known)
{
	size_t most = candidates->count + 1, count;
	vqi_cleanup_free struct group *groups = calloc(most, sizeof(*groups));
	vqi_cleanup_free struct vqi_job *jobs = calloc(most, sizeof(*jobs));
	vqi_cleanup(vqi_known_layouts_done) struct vqi_known_layouts known = {0};

	known.all = calloc(most, sizeof(*known.all));
	if (!groups || !jobs || !known.all)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	count = make_groups(options, candidates, groups);
	for (size_t i = 0; i < count; i++)
		jobs[i] = (struct vqi_job){.func = tell_layout, .context = &groups[i]};
	vqi_jobs_run(jobs, count, wait_s);
	for (size_t i = 0; i < count; i++) {
		if (!jobs[i].error && jobs[i].len == sizeof(known.all[0]))
			memcpy(&known.all[known.count++], jobs[i].output, jobs[i].len);
		vqi_job_done(&jobs[i]);
	}
	*ret_known = known;
	known = (struct vqi_known_layouts){0};
	return NULL;
}
