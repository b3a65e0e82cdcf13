/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Many queues in few words. */
#ifndef VQI_REPORT_FOLD_H
#define VQI_REPORT_FOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "vqi/snapshot.h"

/* Prints numbers, ascending, in short: "0", "0-3", "0,2..14", "1,5". */
void vqi_fold_numbers(FILE *out, const unsigned int *numbers, size_t count);

/* Prints the queues of a device that are folded and in the given state, by what they are for:
 * "0,2 rx, 4 ctrl". Roles that differ in a number only are one: "4,6..64 port-rx".
 * Stores how many. False without memory. */
bool vqi_fold_roles(FILE *out, const struct vqi_device *device, const bool *folded,
		    enum vqi_queue_state state, size_t *ret_count);

#endif
