/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files below the root directory of the target, which may be a container's: what it has put there leads nowhere else. */
#ifndef VQI_TARGET_ROOT_H
#define VQI_TARGET_ROOT_H

#include "vqi/error.h"

/* Turns an O_PATH descriptor into one for reading, if it is a regular file: opening a device or a
 * FIFO could do things, or wait. Returns -1 with errno. */
int vqi_root_open_regular(int path_fd);

/* Opens a path as who has this root directory sees it: as O_PATH, and for reading if it is a regular file. Links in it are
 * followed below that directory, not below ours. Return -1 with errno. */
int vqi_root_open_path(int root_fd, const char *path);
int vqi_root_open_file(int root_fd, const char *path);

/* What is in an open file, NUL-terminated. Errors: SYS, LIMIT above max bytes, NOMEM. Owner: the caller frees. */
struct vqi_error *vqi_root_read(int fd, size_t max, char **ret_text) vqi_must_check;

/* The package that a file is of, and its version, "qemu-system-x86 1:7.2+dfsg-7", as the database of Debian and its kin below a
 * root directory has it; NULL: none, or there is no such database. Owner: the caller frees. */
char *vqi_root_package(int root_fd, const char *path);

#endif
