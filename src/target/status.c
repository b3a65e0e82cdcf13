/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "status.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

const char *vqi_status_find(const char *status, const char *key)
{
	size_t len = strlen(key);

	for (const char *line = status; line; line = strchr(line, '\n')) {
		if (*line == '\n')
			line++;
		if (strncmp(line, key, len) == 0 && line[len] == ':')
			return line + len + 1 + strspn(line + len + 1, " \t");
	}
	return NULL;
}

uint64_t vqi_status_number(const char *status, const char *key, int base, uint64_t fallback)
{
	const char *text = vqi_status_find(status, key);
	uint64_t value;
	char *end;

	if (!text)
		return fallback;
	value = strtoull(text, &end, base);
	return end == text ? fallback : value;
}

bool vqi_status_ids(const char *status, const char *key, uint32_t ret_ids[4])
{
	const char *text = vqi_status_find(status, key);
	uint32_t ids[4];

	if (!text)
		return false;
	for (int i = 0; i < 4; i++) {
		char *end;

		ids[i] = (uint32_t)strtoul(text, &end, 10);
		if (end == text)
			return false;
		text = end;
	}
	memcpy(ret_ids, ids, sizeof(ids));
	return true;
}

pid_t vqi_status_inner_tid(const char *status)
{
	const char *text = vqi_status_find(status, "NSpid");
	long tid = 0;
	char *end;

	for (int count = 0; text && *text != '\n'; count++, text = end) {
		long value = strtol(text, &end, 10);

		if (end == text)
			break;
		tid = count ? value : 0;
		end += strspn(end, " \t");
	}
	return (pid_t)tid;
}

char vqi_status_state(const char *status)
{
	const char *text = vqi_status_find(status, "State");

	return text && *text ? *text : '?';
}

bool vqi_stat_start_time(const char *stat, uint64_t *ret_ticks)
{
	/* The name (field 2) can hold blanks and ')': what follows its last ')' is fixed. */
	const char *text = strrchr(stat, ')');
	uint64_t ticks;
	char *end;

	for (int field = 2; text && field < 22; field++) {
		text = strchr(text, ' ');
		if (text)
			text++;
	}
	if (!text)
		return false;
	ticks = strtoull(text, &end, 10);
	if (end == text)
		return false;
	*ret_ticks = ticks;
	return true;
}
