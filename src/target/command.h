/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A command line as /proc/PID/cmdline has it: words that end with a NUL each. */
#ifndef VQI_TARGET_COMMAND_H
#define VQI_TARGET_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

struct vqi_command {
	const char *at, *end; /* the text has a NUL at its end, too */
};

/* The next word; NULL: there is none any more. */
const char *vqi_command_next(struct vqi_command *command);

/* What comes after the last slash of a path. */
const char *vqi_base_name(const char *path);

/* Whether a word is this option of QEMU, which may begin with one or two dashes. */
bool vqi_is_option(const char *word, const char *option);

#endif
