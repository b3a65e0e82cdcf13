/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "screen_terminfo.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <curses.h>
#include <term.h>

/* A capability of the terminal; NULL: it has not got it. */
static const char *capability(const char *name)
{
	const char *value = tigetstr((char *)name);

	return value == (char *)-1 ? NULL : value;
}

/* newterm() would do its best on any terminal. */
struct vqi_error *vqi_terminfo_check(void)
{
	const char *term = getenv("TERM");
	bool can_place;
	int result;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return vqi_error_new(VQI_ERROR_UNSUPPORTED, "not a terminal");
	if (!term || !*term)
		return vqi_error_new(VQI_ERROR_UNSUPPORTED, "TERM is not set");
	if (setupterm(NULL, STDOUT_FILENO, &result) != OK)
		return vqi_error_new(VQI_ERROR_UNSUPPORTED,
				     "no terminfo entry tells what the terminal can (TERM=%s)",
				     term);
	can_place = capability("cup") != NULL;
	del_curterm(cur_term); /* newterm() makes its own */
	if (!can_place)
		return vqi_error_new(VQI_ERROR_UNSUPPORTED,
				     "the terminal cannot place its cursor (TERM=%s)", term);
	return NULL;
}

bool vqi_terminfo_restores(void)
{
	return capability("rmcup") != NULL;
}

size_t vqi_terminfo_leave(char *ret_sequence, size_t max)
{
	/* Plain characters, the cursor, its keys; what was on it before, or nothing. */
	const char *const names[] = {"sgr0", "cnorm", "rmkx",
				     vqi_terminfo_restores() ? "rmcup" : "clear"};
	size_t len = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *from = capability(names[i]);

		while (from && *from && len < max) {
			/* Padding, which no terminal of today wants. */
			const char *end = strncmp(from, "$<", 2) == 0 ? strchr(from, '>') : NULL;

			if (end)
				from = end + 1;
			else
				ret_sequence[len++] = *from++;
		}
	}
	return len;
}
