/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the layout of a target is from. */
#include "sources.h"

#include <stdlib.h>
#include <time.h>

#include "vqi/dwarf.h"
#include "vqi/store.h"

/* A device that comes or goes while a layout is checked has half of everything. Units: ns. */
#define TRIES	 5
#define PAUSE_NS 20000000

/* ---- layouts that may fit ---- */

static struct vqi_error *fit(struct vqi_opened *opened, const struct vqi_layout *layout)
{
	struct vqi_error *error;

	vqi_qemu_done(&opened->qemu);
	opened->layout = *layout;
	error = vqi_qemu_init(vqi_process_mem(opened->process), &opened->layout, opened->image.bias,
			      &opened->qemu);
	return error ? error : vqi_qemu_check_layout(&opened->qemu, &opened->layout);
}

/* The first that fits. Errors: NO_LAYOUT, what is wrong with the first. */
static struct vqi_error *fit_any(struct vqi_opened *opened, const struct vqi_layout *layouts,
				 size_t count)
{
	vqi_cleanup_error struct vqi_error *first = NULL;

	for (size_t i = 0; i < TRIES * count; i++) {
		struct vqi_error *error = fit(opened, &layouts[i % count]);

		if (!error || error->code != VQI_ERROR_NO_LAYOUT)
			return error;
		if (first)
			vqi_error_free(error);
		else
			first = error;
		if (i % count == count - 1)
			nanosleep(&(struct timespec){.tv_nsec = PAUSE_NS}, NULL);
	}
	return take_ptr(first);
}

/* ---- the sources ---- */

static struct vqi_error *from_file(const char *path, struct vqi_opened *opened)
{
	vqi_cleanup(vqi_profile_done) struct vqi_profile profile = {0};
	struct vqi_layout layout;
	struct vqi_error *error = vqi_profile_read(path, &profile);

	if (!error)
		error = vqi_profile_apply(&profile, &opened->image, &layout);
	return error ? error : fit_any(opened, &layout, 1);
}

static struct vqi_error *from_cache(const struct vqi_options *options, struct vqi_opened *opened)
{
	struct vqi_layout layout;
	struct vqi_error *error;

	if (options->no_cache)
		return vqi_error_new(VQI_ERROR_NO_LAYOUT, "the cache is not used");
	error = vqi_cache_read(&opened->image, &layout);
	return error ? error : fit_any(opened, &layout, 1);
}

static struct vqi_error *from_debuginfo(const struct vqi_options *options,
					struct vqi_opened *opened)
{
	const struct vqi_dwarf_options dwarf = {.debuginfo = options->debuginfo};
	struct vqi_layout layout;
	struct vqi_error *error;

	error = vqi_dwarf_resolve(opened->process, &opened->image, &dwarf, &layout);
	if (!error)
		error = vqi_layout_check(&layout);
	if (!error)
		error = fit_any(opened, &layout, 1);
	if (!error && !options->no_cache) /* what cannot be kept is found again */
		vqi_error_free(vqi_cache_write(&opened->image, &layout));
	return error;
}

/* Of the very build, or of those alone that are of others. */
static struct vqi_error *from_profiles(const struct vqi_profiles *profiles, bool of_build,
				       struct vqi_opened *opened)
{
	vqi_cleanup_free struct vqi_layout *layouts = calloc(profiles->count + 1, sizeof(*layouts));
	vqi_cleanup_error struct vqi_error *first = NULL;
	size_t count = 0;

	if (!layouts)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	for (size_t i = 0; i < profiles->count; i++) {
		const struct vqi_profile *profile = &profiles->profiles[i];
		struct vqi_error *error;

		if (vqi_profile_is_of(profile, &opened->image) != of_build)
			continue;
		error = vqi_profile_apply(profile, &opened->image, &layouts[count]);
		if (!error)
			count++;
		else if (vqi_error_is_fatal(error))
			return error;
		else if (first)
			vqi_error_free(error);
		else
			first = error;
	}
	if (count)
		return fit_any(opened, layouts, count);
	return first ? take_ptr(first)
		     : vqi_error_new(VQI_ERROR_NO_LAYOUT, "no profile of QEMU %s",
				     opened->image.version ? opened->image.version : "?");
}

/* ---- their order ---- */

/* Whether to go on: there is none here, or what there is is no good. */
static bool is_no_layout(const struct vqi_error *error)
{
	return error && (error->code == VQI_ERROR_NO_LAYOUT || error->code == VQI_ERROR_BAD_DATA);
}

static struct vqi_error *from_any(const struct vqi_options *options, struct vqi_opened *opened)
{
	vqi_cleanup(vqi_profiles_done) struct vqi_profiles profiles = {0};
	vqi_cleanup_error struct vqi_error *no_debuginfo = NULL;
	struct vqi_error *error = from_cache(options, opened);

	if (!is_no_layout(error))
		return error;
	vqi_error_free(error);
	error = vqi_profiles_find(&opened->image, &profiles);
	if (error)
		return error;
	error = from_profiles(&profiles, true, opened);
	if (!is_no_layout(error))
		return error;
	vqi_error_free(error);
	error = from_debuginfo(options, opened);
	if (!is_no_layout(error))
		return error;
	no_debuginfo = error;
	error = from_profiles(&profiles, false, opened);
	if (!is_no_layout(error))
		return error;
	return vqi_error_prefix(error, "%s; and no layout profile fits", no_debuginfo->message);
}

struct vqi_error *vqi_sources_resolve(const struct vqi_options *options, struct vqi_opened *opened)
{
	if (options->layout)
		return from_file(options->layout, opened);
	if (options->debuginfo)
		return from_debuginfo(options, opened);
	return from_any(options, opened);
}
