/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which bugs that were mended upstream a QEMU may still have. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "finding.h"
#include "wait_facts.h"

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
	/* An export has the block layer of a device, and not its model. */
	if (fix->device && finding->device && finding->device->is_export)
		return has_word(fix->device, "export");
	return !fix->device || (finding->device && finding->device->type &&
				has_word(fix->device, finding->device->type));
}

/* ---- what a fix needs ---- */

static bool has_iothread(const struct vqi_subject *subject)
{
	return subject->snapshot->loop_count > 1;
}

static bool is_throttled(const struct vqi_subject *subject)
{
	for (size_t i = 0; subject->device && i < subject->device->backend_count; i++) {
		if (vqi_throttle_group_of(&subject->device->backends[i].block))
			return true;
	}
	return false;
}

/* The members of a throttle group can be in several event loops only where there is one besides the main loop. */
static bool is_throttled_over_loops(const struct vqi_subject *subject)
{
	return has_iothread(subject) && is_throttled(subject);
}

static bool has_aio(const struct vqi_subject *subject)
{
	for (size_t i = 0; subject->device && i < subject->device->backend_count; i++) {
		const struct vqi_block_node *node =
			vqi_innermost_node(&subject->device->backends[i].block);
		size_t workers;

		if (node && node->filename && !vqi_find_workers(subject->snapshot, node, &workers))
			return !is_throttled(subject);
	}
	return false;
}

static bool waits_for_itself(const struct vqi_subject *subject)
{
	const struct vqi_thread *thread =
		subject->loop ? vqi_snapshot_thread(subject->snapshot, subject->loop->tid) : NULL;

	return thread && vqi_num_is(thread->mutex_owner, (uint64_t)thread->tid);
}

bool vqi_known_fix_fits(const struct vqi_known_fix *fix, const struct vqi_subject *subject)
{
	static const struct {
		const char *word;
		bool (*is_so)(const struct vqi_subject *subject);
	} needs[] = {
		{"iothread", has_iothread},
		{"aio", has_aio},
		{"throttled-over-loops", is_throttled_over_loops},
		{"own-mutex", waits_for_itself},
	};

	for (size_t i = 0; fix->needs && i < sizeof(needs) / sizeof(needs[0]); i++) {
		if (strcmp(fix->needs, needs[i].word) == 0)
			return needs[i].is_so(subject);
	}
	return !fix->needs;
}

struct vqi_error *vqi_finding_add_known_fixes(const struct vqi_subject *subject,
					      struct vqi_finding *finding)
{
	finding->known_fixes = calloc(vqi_known_fix_count + 1, sizeof(*finding->known_fixes));
	if (!finding->known_fixes)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	for (size_t i = 0; i < vqi_known_fix_count; i++) {
		const struct vqi_known_fix *fix = &vqi_known_fixes[i];

		if (is_about(fix, finding) && vqi_known_fix_fits(fix, subject) &&
		    vqi_known_fix_is_missing(fix, subject->snapshot->target.qemu_version))
			finding->known_fixes[finding->known_fix_count++] = fix;
	}
	return NULL;
}
