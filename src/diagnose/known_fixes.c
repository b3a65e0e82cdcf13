/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which bugs that were mended upstream a QEMU may still have. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "finding.h"

struct version {
	unsigned int major, minor, micro;
};

/* The first number of a text, "7.2.22 (Debian ...)" say; micro may be missing. */
static bool parse(const char *text, struct version *ret_version)
{
	struct version version = {0};

	if (sscanf(text, "%u.%u.%u", &version.major, &version.minor, &version.micro) < 2)
		return false;
	*ret_version = version;
	return true;
}

static int compare(struct version a, struct version b)
{
	if (a.major != b.major)
		return a.major < b.major ? -1 : 1;
	if (a.minor != b.minor)
		return a.minor < b.minor ? -1 : 1;
	return a.micro < b.micro ? -1 : a.micro > b.micro;
}

/* A stable series has the fix from its own release on; every other release, from the newest of them. */
static bool has_fix(const char *fixed, struct version version)
{
	struct version newest = {0}, release;

	for (const char *text = fixed; text; text = strchr(text, ' ')) {
		text += *text == ' ';
		if (!parse(text, &release))
			return true; /* say nothing rather than something wrong */
		if (release.major == version.major && release.minor == version.minor)
			return compare(version, release) >= 0;
		if (compare(release, newest) > 0)
			newest = release;
	}
	return compare(version, newest) >= 0;
}

bool vqi_known_fix_is_missing(const struct vqi_known_fix *fix, const char *version)
{
	struct version ours, introduced;

	if (!version || !parse(version, &ours))
		return false;
	if (fix->introduced &&
	    (!parse(fix->introduced, &introduced) || compare(ours, introduced) < 0))
		return false;
	return !has_fix(fix->fixed, ours);
}

/* Whether a word is one of those of a text. */
static bool has_word(const char *text, const char *word)
{
	size_t len = strlen(word);

	for (; text; text = strchr(text, ' ')) {
		text += *text == ' ';
		if (strncmp(text, word, len) == 0 && (!text[len] || text[len] == ' '))
			return true;
	}
	return false;
}

static bool is_about(const struct vqi_known_fix *fix, const struct vqi_finding *finding)
{
	if (strcmp(fix->finding, finding->rule->id) != 0)
		return false;
	return !fix->device || (finding->device && finding->device->type &&
				has_word(fix->device, finding->device->type));
}

struct vqi_error *vqi_finding_add_known_fixes(const struct vqi_snapshot *snapshot,
					      struct vqi_finding *finding)
{
	finding->known_fixes = calloc(vqi_known_fix_count + 1, sizeof(*finding->known_fixes));
	if (!finding->known_fixes)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	for (size_t i = 0; i < vqi_known_fix_count; i++) {
		const struct vqi_known_fix *fix = &vqi_known_fixes[i];

		if (is_about(fix, finding) &&
		    vqi_known_fix_is_missing(fix, snapshot->target.qemu_version))
			finding->known_fixes[finding->known_fix_count++] = fix;
	}
	return NULL;
}
