/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lookup.h"

const struct vqi_loop *vqi_find_loop(const struct vqi_snapshot *snapshot,
				     const struct vqi_loop *loop)
{
	for (size_t i = 0; snapshot && loop && i < snapshot->loop_count; i++) {
		if (snapshot->loops[i].ctx_hva == loop->ctx_hva)
			return &snapshot->loops[i];
	}
	return NULL;
}

struct vqi_subject vqi_loop_subject(const struct vqi_snapshot *snapshot,
				    const struct vqi_snapshot *earlier, const struct vqi_loop *loop)
{
	return (struct vqi_subject){
		.snapshot = snapshot,
		.earlier = earlier,
		.loop = loop,
		.loop_before = vqi_find_loop(earlier, loop),
	};
}
