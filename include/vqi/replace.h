/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files that are written whole or not at all. */
#ifndef VQI_REPLACE_H
#define VQI_REPLACE_H

#include <stdio.h>
#include <sys/types.h>

#include "vqi/error.h"

/* Writes the content of a file. */
typedef struct vqi_error *(*vqi_content_func)(FILE *stream, const void *data);

/* Writes another file that takes the place of the one at path when it is complete: nobody ever sees
 * half of one. Errors: USAGE where there is something else than a regular file; SYS, PERMISSION, NOMEM, content's;
 * nothing is left behind then. */
struct vqi_error *vqi_replace_file(const char *path, mode_t mode, vqi_content_func content,
				   const void *data) vqi_must_check;

/* Whether that may succeed, as far as can be told beforehand: for who will have to write later.
 * Errors: USAGE where there is something else than a regular file; SYS where the folder is not there, or not to be
 * written to; NOMEM. */
struct vqi_error *vqi_replace_check(const char *path) vqi_must_check;

#endif
