/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the layout of a target is from. */
#include "sources.h"

#include <stdlib.h>

#include "known.h"
#include "vqi/dwarf.h"
#include "vqi/infer.h"
#include "vqi/scan.h"
#include "vqi/store.h"
#include "vqi/symbols.h"

/* A device that comes or goes while a layout is checked has half of everything. Units: ns. */
#define TRIES	 5
#define PAUSE_NS 20000000

/* ---- layouts that may fit ---- */

static struct vqi_error *fit(struct vqi_opened *opened, const struct vqi_layout *layout)
{
	struct vqi_error *error;

	vqi_qemu_done(&opened->qemu);
	opened->unfitted = *layout;
	opened->layout = *layout;
	error = vqi_scan_process(opened->process, &opened->image, &opened->layout);
	if (error)
		return error;
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
		if (i % count == count - 1 && i + 1 < TRIES * count)
			vqi_process_rest(opened->process, PAUSE_NS);
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
		return vqi_error_new(VQI_ERROR_NO_LAYOUT, "it is not used (--no-cache)");
	error = vqi_cache_read(&opened->image, &layout);
	return error ? error : fit_any(opened, &layout, 1);
}

static struct vqi_error *from_dwarf(const struct vqi_options *options,
				    const struct vqi_dwarf_options *dwarf,
				    struct vqi_opened *opened)
{
	struct vqi_layout layout;
	struct vqi_error *error;

	error = vqi_dwarf_resolve(opened->process, &opened->image, dwarf, &layout);
	if (!error)
		error = vqi_layout_check(&layout);
	if (!error)
		error = fit_any(opened, &layout, 1);
	if (!error && !options->no_cache &&
	    vqi_image_is_trusted(&opened->image)) /* else it is found again */
		vqi_error_free(vqi_cache_write(&opened->image, &layout));
	return error;
}

static struct vqi_error *from_debug_file(const struct vqi_options *options,
					 struct vqi_opened *opened)
{
	const struct vqi_dwarf_options dwarf = {.debuginfo = options->debuginfo, .offline = true};

	return from_dwarf(options, &dwarf, opened);
}

static bool has_server(void)
{
	const char *urls = getenv("DEBUGINFOD_URLS");

	return urls && urls[0];
}

static struct vqi_error *from_debuginfod(const struct vqi_options *options,
					 struct vqi_opened *opened)
{
	const struct vqi_dwarf_options dwarf = {0};

	if (!has_server())
		return vqi_error_new(VQI_ERROR_NO_LAYOUT, "DEBUGINFOD_URLS is not set");
	return from_dwarf(options, &dwarf, opened);
}

static struct vqi_error *find_profiles(struct vqi_opened *opened)
{
	if (opened->profiles.profiles)
		return NULL;
	vqi_profiles_done(&opened->profiles); /* none were found then */
	return vqi_profiles_find(&opened->image, &opened->profiles);
}

static const char *text_or_none(const char *text)
{
	return text ? text : "none";
}

/* Nobody knows of what build a file is that was not opened. */
static struct vqi_error *no_profile(const struct vqi_opened *opened, bool of_build)
{
	const char *passed_over = opened->profiles.passed_over;

	return vqi_error_new(
		VQI_ERROR_NO_LAYOUT, "there is none of %s %s%s%s", of_build ? "build-id" : "QEMU",
		text_or_none(of_build ? opened->image.build_id : opened->image.version),
		passed_over ? "; " : "", passed_over ? passed_over : "");
}

/* The layouts by all profiles of the very build, or of all others. Errors: NO_LAYOUT when there is none, or what
 * is wrong with the first. Owner: the caller frees. */
static struct vqi_error *apply_profiles(struct vqi_opened *opened, bool of_build,
					struct vqi_layout **ret_layouts, size_t *ret_count)
{
	const struct vqi_profiles *found = &opened->profiles;
	vqi_cleanup_free struct vqi_layout *layouts = calloc(found->count + 1, sizeof(*layouts));
	vqi_cleanup_error struct vqi_error *first = NULL;
	size_t count = 0;

	if (!layouts)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	for (size_t i = 0; i < found->count; i++) {
		const struct vqi_profile *profile = &found->profiles[i];
		vqi_cleanup_error struct vqi_error *error = NULL;

		if (vqi_profile_is_of(profile, &opened->image) != of_build)
			continue;
		error = vqi_profile_apply(profile, &opened->image, &layouts[count]);
		if (!error)
			count++;
		else if (vqi_error_is_fatal(error))
			return take_ptr(error);
		else if (!first)
			first = take_ptr(error);
	}
	if (!count)
		return first ? take_ptr(first) : no_profile(opened, of_build);
	*ret_layouts = take_ptr(layouts);
	*ret_count = count;
	return NULL;
}

static struct vqi_error *from_profiles(struct vqi_opened *opened, bool of_build)
{
	vqi_cleanup_free struct vqi_layout *layouts = NULL;
	size_t count;
	struct vqi_error *error = find_profiles(opened);

	if (!error)
		error = apply_profiles(opened, of_build, &layouts, &count);
	return error ? error : fit_any(opened, layouts, count);
}

static struct vqi_error *from_own_profile(const struct vqi_options *options,
					  struct vqi_opened *opened)
{
	(void)options;
	return from_profiles(opened, true);
}

static struct vqi_error *from_other_profile(const struct vqi_options *options,
					    struct vqi_opened *opened)
{
	(void)options;
	return from_profiles(opened, false);
}

static struct vqi_error *derive(const struct vqi_options *options, struct vqi_opened *opened)
{
	vqi_cleanup(vqi_profiles_done) struct vqi_profiles profiles = {0};
	struct vqi_layout symbols = {.kind = opened->image.kind}, common, layout;
	struct vqi_error *error = vqi_profiles_shipped(&profiles);

	(void)options;
	if (!error)
		error = vqi_elf_symbols(&opened->image, &symbols);
	if (error)
		return error;
	vqi_infer(&profiles, &symbols, &common);
	error = vqi_scan_process(opened->process, &opened->image, &common);
	if (!error)
		error = vqi_qemu_derive_layout(vqi_process_mem(opened->process), opened->image.bias,
					       &profiles, &common, &layout);
	return error ? error : fit_any(opened, &layout, 1);
}

/* ---- their order ---- */

static const struct {
	const char *name;
	struct vqi_error *(*try)(const struct vqi_options *options, struct vqi_opened *opened);
} sources[VQI_SOURCE_COUNT] = {
	[VQI_SOURCE_CACHE] = {"cache", from_cache},
	[VQI_SOURCE_OWN_PROFILE] = {"own profile", from_own_profile},
	[VQI_SOURCE_DEBUG_FILE] = {"debug file", from_debug_file},
	[VQI_SOURCE_DEBUGINFOD] = {"debuginfod", from_debuginfod},
	[VQI_SOURCE_PROFILE] = {"profile", from_other_profile},
	[VQI_SOURCE_DERIVED] = {"derived", derive},
};

const char *vqi_source_name(enum vqi_source source)
{
	return sources[source].name;
}

struct vqi_error *vqi_source_try(enum vqi_source source, const struct vqi_options *options,
				 struct vqi_opened *opened)
{
	return sources[source].try(options, opened);
}

/* What each source says. */
struct errors {
	struct vqi_error *of[VQI_SOURCE_COUNT];
};

static void errors_done(struct errors *errors)
{
	for (size_t i = 0; i < VQI_SOURCE_COUNT; i++)
		vqi_error_free(errors->of[i]);
}
VQI_DEFINE_CLEANUP_VALUE(struct errors, errors_done)

/* Whether to go on: there is none here, or what there is is no good. */
static bool is_no_layout(const struct vqi_error *error)
{
	return error && error->code != VQI_ERROR_NOMEM && error->code != VQI_ERROR_GONE;
}

/* What was asked last for debug information says more. */
static const struct vqi_error *error_of_dwarf(const struct errors *errors)
{
	return has_server() ? errors->of[VQI_SOURCE_DEBUGINFOD] : errors->of[VQI_SOURCE_DEBUG_FILE];
}

/* Errors: NO_LAYOUT, with what is wrong with each that could be another way. */
static struct vqi_error *from_any(const struct vqi_options *options, struct vqi_opened *opened)
{
	vqi_cleanup(errors_done) struct errors errors = {0};

	for (enum vqi_source i = 0; i < VQI_SOURCE_COUNT; i++) {
		errors.of[i] = vqi_source_try(i, options, opened);
		if (!is_no_layout(errors.of[i]))
			return take_ptr(errors.of[i]);
	}
	return vqi_error_new(VQI_ERROR_NO_LAYOUT,
			     "%s; no layout profile fits: %s; and none can be derived: %s",
			     error_of_dwarf(&errors)->message,
			     errors.of[VQI_SOURCE_PROFILE]->message,
			     errors.of[VQI_SOURCE_DERIVED]->message);
}

static struct vqi_error *from_first(const struct vqi_options *options, struct vqi_opened *opened)
{
	if (options->layout)
		return from_file(options->layout, opened);
	if (options->debuginfo)
		return from_debug_file(options, opened);
	return from_any(options, opened);
}

struct vqi_error *vqi_sources_resolve(const struct vqi_options *options, struct vqi_opened *opened)
{
	const struct vqi_layout *known = vqi_known_layout(options->known, &opened->image);
	struct vqi_error *error = known ? fit_any(opened, known, 1) : NULL;

	if (known && !(error && error->code == VQI_ERROR_NO_LAYOUT))
		return error;
	vqi_error_free(error);
	return from_first(options, opened);
}
