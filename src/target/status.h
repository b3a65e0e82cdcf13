/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /proc/PID/status and /proc/PID/stat, taken apart. Source: proc_pid_status(5), proc_pid_stat(5). */
#ifndef VQI_TARGET_STATUS_H
#define VQI_TARGET_STATUS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* The text after "KEY:" and blanks, up to the end of everything; NULL when there is no such line.
 * A thread cannot forge a line by its name: the kernel escapes newlines in "Name:". */
const char *vqi_status_find(const char *status, const char *key);

/* The value of "KEY:" as a number in base; fallback when there is none. */
uint64_t vqi_status_number(const char *status, const char *key, int base, uint64_t fallback);

/* The four numbers after "Uid:" or "Gid:": real, effective, saved, file system. */
bool vqi_status_ids(const char *status, const char *key, uint32_t ret_ids[4]);

/* The last of "NSpid:", the id in the innermost pid namespace; 0 when that is the one of this procfs, or not told. */
pid_t vqi_status_inner_tid(const char *status);

/* The letter of "State:"; '?' when there is none. */
char vqi_status_state(const char *status);

/* Field 22 of /proc/PID/stat. Units: clock ticks since boot. */
bool vqi_stat_start_time(const char *stat, uint64_t *ret_ticks);

#endif
