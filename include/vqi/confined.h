/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A child process for what parses files that may be hostile: what crashes or never ends there is
 * told, and does no harm here. The memory that it takes is given back. */
#ifndef VQI_CONFINED_H
#define VQI_CONFINED_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "vqi/error.h"

struct vqi_confined {
	pid_t pid;
	int fd; /* what it says is read here */
};

/* Runs in the child, which has all that the parent had; what it says, it writes to fd. False: it failed. */
typedef bool (*vqi_confined_func)(int fd, void *context);

/* Units: s of processor time, and of time. It is given 4 GiB of memory. */
struct vqi_confined_limits {
	unsigned int cpu_s, wait_s;
};

/* Errors: SYS, NOMEM. */
struct vqi_error *vqi_confined_start(const struct vqi_confined_limits *limits,
				     vqi_confined_func func, void *context,
				     struct vqi_confined *ret_child) vqi_must_check;

/* Reads all of len bytes; false when the child has ended, or will. */
bool vqi_confined_read(const struct vqi_confined *child, void *ret_data, size_t len);

/* For the child: writes all of len bytes. */
bool vqi_confined_write(int fd, const void *data, size_t len);

/* Waits until the child has ended, which it does by itself.
 * Errors: BAD_DATA unless its function was true: "WHAT ended with signal 11, ...", what being what it was to do. */
struct vqi_error *vqi_confined_end(struct vqi_confined *child, const char *what) vqi_must_check;

/* Ends it: it is not listened to any more. */
void vqi_confined_kill(struct vqi_confined *child);

#endif
