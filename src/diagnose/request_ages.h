/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VQI_DIAGNOSE_REQUEST_AGES_H
#define VQI_DIAGNOSE_REQUEST_AGES_H

#include "vqi/snapshot.h"

/* Says of each request how old it is at least, if QEMU does not account it, or began to do so late: where the device took
 * nothing between two looks, what is in flight in the later was so in the earlier, which may be NULL. Then sorts the
 * requests of each queue, the oldest first. */
void vqi_requests_date(const struct vqi_snapshot *earlier, struct vqi_snapshot *later);

#endif
