/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Secrets of a command line of QEMU, taken out of it before anybody else sees it. What is not known to be harmless is
 * hidden: a value is shown when its key is in a list of those that hold no secrets, or when it is a number or a word as
 * "on" and its key does not speak of a secret. */
#ifndef VQI_MASK_H
#define VQI_MASK_H

#include <stddef.h>

#include "vqi/error.h"

/* The words of /proc/PID/cmdline, each ended by a NUL, as many again and in the same order. A text that has been masked stays
 * as it is when that is done again. Errors: NOMEM. Owner: the caller. */
struct vqi_error *vqi_mask_command_line(const char *words, size_t len, char **ret_words,
					size_t *ret_len) vqi_must_check;

/* The name of a file or of a disk image, without the user, password and parameters of a URL.
 * Owner: the caller. NULL without memory. */
char *vqi_mask_file_name(const char *name);

#endif
