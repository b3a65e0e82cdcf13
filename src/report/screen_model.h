/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a screen shows of one look: a copy, so that the look itself can be freed. */
#ifndef VQI_REPORT_SCREEN_MODEL_H
#define VQI_REPORT_SCREEN_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "page.h"
#include "vqi/diagnose.h"
#include "vqi/history.h"
#include "vqi/snapshot.h"

/* Which queue. */
struct vqi_screen_key {
	const char *device; /* as vqi_device_label(); "" for a device without any */
	uint64_t vdev_addr;
	unsigned int index;
};

bool vqi_screen_key_equal(const struct vqi_screen_key *a, const struct vqi_screen_key *b);

struct vqi_screen_row {
	struct vqi_screen_key key; /* its string is label */
	char *label, *name, *type; /* as it is; shown; or NULL */
	const char *role;	   /* or NULL. Static */
	enum vqi_queue_state state;
	uint64_t state_ms;
	struct vqi_rate published, completed, reaped;
	struct vqi_num depth, oldest_ms;
	struct vqi_num depths[VQI_HISTORY_LOOKS]; /* the latest last */
	size_t depth_count;
	bool carries_work; /* or did a moment ago, or something is wrong with it */
};

struct vqi_screen_finding {
	enum vqi_severity severity;
	char *text;
};

struct vqi_screen_model {
	char *name;  /* of the VM */
	char *about; /* the rest of the headline */
	bool runs;   /* neither the VM nor its process is stopped */
	time_t time; /* of the look */
	struct vqi_screen_finding *findings;
	size_t finding_count;
	const char *verdict; /* where there are no findings. Static */
	enum vqi_style verdict_style;
	char *gap; /* the first one; NULL: there is none */
	size_t gap_count;
	struct vqi_screen_row *rows; /* all queues, in the order of devices and queues */
	size_t row_count;
};

/* Makes a copy of what is shown of the last look that the history was fed with. Errors: NOMEM. */
struct vqi_error *vqi_screen_model_new(const struct vqi_history *history,
				       const struct vqi_snapshot *snapshot,
				       const struct vqi_diagnosis *diagnosis,
				       struct vqi_screen_model **ret_model) vqi_must_check;
void vqi_screen_model_free(struct vqi_screen_model *model);
VQI_DEFINE_CLEANUP(struct vqi_screen_model *, vqi_screen_model_free)

#endif
