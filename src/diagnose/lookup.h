/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What one look saw, found again in another. Pure. */
#ifndef VQI_DIAGNOSE_LOOKUP_H
#define VQI_DIAGNOSE_LOOKUP_H

#include "vqi/diagnose.h"

/* NULL where there is none, or snapshot or loop is NULL. */
const struct vqi_loop *vqi_find_loop(const struct vqi_snapshot *snapshot,
				     const struct vqi_loop *loop);

/* A loop, and the same a look earlier, for the rules; loop NULL: unknown. */
struct vqi_subject vqi_loop_subject(const struct vqi_snapshot *snapshot,
				    const struct vqi_snapshot *earlier,
				    const struct vqi_loop *loop);

#endif
