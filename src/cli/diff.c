/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "diff.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "output.h"
#include "settings.h"
#include "vqi/diff.h"
#include "vqi/inspect.h"
#include "vqi/record.h"

VQI_DEFINE_CLEANUP_VALUE(struct vqi_diagnosis, vqi_diagnosis_done)

/* ---- what to compare ---- */

void vqi_diff_spec_done(struct vqi_diff_spec *spec)
{
	free(spec->file);
	free(spec->device);
	*spec = (struct vqi_diff_spec){0};
}

/* The length of the longest part that is a file and ends with the text or before a colon; 0: there is none. A file's name can
 * have colons, and so has a PCI address. */
static size_t file_len(const char *text)
{
	for (size_t len = strlen(text); len; len--) {
		vqi_cleanup_free char *path = NULL;

		if (text[len] && text[len] != ':')
			continue;
		path = strndup(text, len);
		if (path && access(path, F_OK) == 0)
			return len;
	}
	return 0;
}

/* It is opened more than once. */
static struct vqi_error *check_file(const char *file)
{
	struct stat status;

	if (stat(file, &status) == 0 && S_ISREG(status.st_mode))
		return NULL;
	return vqi_error_new(VQI_ERROR_USAGE, "--diff: %s is no regular file", file);
}

/* Takes ":DEVICE" or ":DEVICE:QUEUE" apart. */
static struct vqi_error *parse_rest(const char *rest, struct vqi_diff_spec *spec)
{
	const char *colon = strrchr(rest + 1, ':');
	const char *digits = colon ? colon + 1 : "";
	size_t len = strlen(rest + 1);

	if (*digits && strlen(digits) < 5 && strspn(digits, "0123456789") == strlen(digits)) {
		spec->queue = VQI_NUM(strtoul(digits, NULL, 10));
		len = (size_t)(colon - rest - 1);
	}
	if (!len)
		return vqi_error_new(VQI_ERROR_USAGE, "--diff: no device follows '%s:'",
				     spec->file);
	spec->device = strndup(rest + 1, len);
	return spec->device ? NULL : vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
}

struct vqi_error *vqi_diff_spec_parse(const char *text, struct vqi_diff_spec *ret_spec)
{
	vqi_cleanup(vqi_diff_spec_done) struct vqi_diff_spec spec = {0};
	size_t len = file_len(text);
	struct vqi_error *error = NULL;

	if (!len)
		return vqi_error_new(VQI_ERROR_USAGE, "--diff: there is no file '%s'", text);
	spec.file = strndup(text, len);
	if (!spec.file)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	error = check_file(spec.file);
	if (!error && text[len])
		error = parse_rest(text + len, &spec);
	if (error)
		return error;
	*ret_spec = spec;
	spec = (struct vqi_diff_spec){0};
	return NULL;
}

/* ---- the two sides ---- */

/* One look that was kept, and what of it is compared. */
struct kept {
	struct vqi_diff_spec spec;
	struct vqi_snapshot *snapshot;
	struct vqi_diagnosis diagnosis;
};

static void kept_done(struct kept *kept)
{
	vqi_diagnosis_done(&kept->diagnosis);
	vqi_snapshot_free(kept->snapshot);
	vqi_diff_spec_done(&kept->spec);
}
VQI_DEFINE_CLEANUP_VALUE(struct kept, kept_done)

/* Takes from a recording how it was looked at; of a core there is but one way. */
static struct vqi_error *choose_kind(const char *file, struct vqi_options *side)
{
	if (!vqi_is_recording(file)) {
		side->core = file;
		return NULL;
	}
	side->replay = file;
	return vqi_settings_take(side);
}

static struct vqi_error *open_kept(const struct vqi_options *options, const char *text,
				   struct kept *kept)
{
	struct vqi_error *error = vqi_diff_spec_parse(text, &kept->spec);
	vqi_cleanup(vqi_options_done) struct vqi_options side = *options;

	side.devices = NULL;
	if (error)
		return error;
	side.queue = kept->spec.queue;
	if (kept->spec.device) {
		side.devices = calloc(1, sizeof(*side.devices));
		if (!side.devices)
			return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
		side.devices[side.device_count++] = kept->spec.device;
	}
	error = choose_kind(kept->spec.file, &side);
	if (!error)
		error = vqi_inspect(&side, &kept->snapshot, &kept->diagnosis);
	if (error && error->code == VQI_ERROR_USAGE)
		return vqi_error_prefix(error, "%s", kept->spec.file);
	return error;
}

/* Fills a side. Errors: USAGE where more than one device has that name. */
static struct vqi_error *fill_side(const char *name, const struct kept *kept,
				   struct vqi_diff_side *ret_side)
{
	const struct vqi_snapshot *snapshot = kept->snapshot;
	struct vqi_diff_side side = {
		.name = name, .snapshot = snapshot, .diagnosis = &kept->diagnosis};

	if (kept->spec.device && snapshot->device_count != 1)
		return vqi_error_new(VQI_ERROR_USAGE, "--diff: '%s' is %zu devices of %s",
				     kept->spec.device, snapshot->device_count, kept->spec.file);
	if (kept->spec.device)
		side.device = &snapshot->devices[0];
	if (kept->spec.queue.known && side.device->queue_count)
		side.queue = &side.device->queues[0];
	*ret_side = side;
	return NULL;
}

struct vqi_error *vqi_diff_files(const struct vqi_options *options)
{
	vqi_cleanup(kept_done) struct kept old = {0}, new = {0};
	vqi_cleanup(vqi_diff_done) struct vqi_diff diff = {0};
	struct vqi_diff_side before, after;
	struct vqi_error *error;

	error = open_kept(options, options->diff_old, &old);
	if (!error)
		error = open_kept(options, options->diff_new, &new);
	if (error)
		return error;
	if (!old.spec.device != !new.spec.device || old.spec.queue.known != new.spec.queue.known)
		return vqi_error_new(VQI_ERROR_USAGE,
				     "--diff: a device, or a queue, is chosen of both or of none");
	error = fill_side(options->diff_old, &old, &before);
	if (!error)
		error = fill_side(options->diff_new, &new, &after);
	if (!error)
		error = vqi_diff(&before, &after, &diff);
	return error ? error : vqi_output_diff(options, &diff);
}
