/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Folders of layouts, and whether what is in them can be believed. */
#ifndef VQI_LAYOUT_PRIVATE_FILE_H
#define VQI_LAYOUT_PRIVATE_FILE_H

#include <stdbool.h>

#include "vqi/error.h"

#define VQI_LAYOUT_FOLDER "virtq-inspect/layouts"

/* The folder of layouts below the folder that an environment variable names, or else below fallback. A fallback
 * that begins with "~/" is in the user's home. Errors: NOMEM, NO_LAYOUT where there is no home. Owner: the
 * caller frees. */
struct vqi_error *vqi_layout_folder(const char *variable, const char *fallback,
				    char **ret_path) vqi_must_check;

/* Whether only root and this user can have written an open file. */
bool vqi_is_private(int fd);

/* Why a file or folder that is there is not believed, and the command that mends it; both stay as they are where it is
 * believed, or for another reason than its owner and mode. Errors: NOMEM. Owner: the caller frees. */
struct vqi_error *vqi_explain_private(const char *path, char **ret_why,
				      char **ret_command) vqi_must_check;

/* Opens a folder that only root and this user can have written; -1 where there is none. */
int vqi_open_private_folder(const char *path);

/* The same for a regular file in it, which is no symbolic link. */
int vqi_open_private_file(int folder, const char *name);

#endif
