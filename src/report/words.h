/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The words of the report for what the snapshot and the diagnosis enumerate: the same in text and
 * in JSON. NULL stands for unknown where the comment says so. */
#ifndef VQI_REPORT_WORDS_H
#define VQI_REPORT_WORDS_H

#include "vqi/diagnose.h"
#include "vqi/snapshot.h"

const char *vqi_severity_word(enum vqi_severity severity);
const char *vqi_confidence_word(enum vqi_confidence confidence);
const char *vqi_queue_state_word(enum vqi_queue_state state);
const char *vqi_queue_kind_word(enum vqi_queue_kind kind); /* or NULL */
const char *vqi_ring_word(enum vqi_ring ring);
const char *vqi_transport_word(enum vqi_transport transport); /* or NULL */
const char *vqi_endian_word(enum vqi_endian endian);	      /* or NULL */
const char *vqi_vhost_word(enum vqi_vhost_type type);	      /* or NULL: unknown, or none */
const char *vqi_handler_word(enum vqi_handler handler);	      /* or NULL */
const char *vqi_held_word(enum vqi_held_by by);		      /* or NULL: nothing */
const char *vqi_request_source_word(enum vqi_request_source source);
const char *vqi_carrier_word(enum vqi_carrier carrier); /* or NULL */
const char *vqi_target_kind_word(enum vqi_target_kind kind);

/* ISO 8601, in UTC, to the millisecond. Returns false for a time that has no calendar date. */
#define VQI_TIME_WORDS 80
bool vqi_time_words(const struct timespec *time, char ret_text[VQI_TIME_WORDS]);

/* The name of one bit of vqi_queue.ring_faults, for bit = 0, 1, ...; NULL after the last. */
const char *vqi_ring_fault_word(unsigned int bit);

#endif
