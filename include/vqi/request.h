/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A request in flight: what a device has taken from a queue and not completed. Plain values. */
#ifndef VQI_REQUEST_H
#define VQI_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vqi/error.h"
#include "vqi/num.h"
#include "vqi/stack.h"

/* One buffer of a request: a descriptor that is not a table. */
struct vqi_buffer {
	uint64_t gpa;	 /* as the device sees it: through its IOMMU where it has one */
	uint64_t hva;	 /* 0: it cannot be translated, or is not in RAM */
	uint32_t len;	 /* bytes */
	bool is_written; /* by the device: VIRTQ_DESC_F_WRITE */
};

/* One thing that a request says of itself, "sector". */
struct vqi_detail {
	const char *name; /* static; as in the report */
	struct vqi_num number;
	char *text; /* NULL: it is a number */
};

/* Where it is known from that a request is in flight. */
enum vqi_request_source {
	VQI_REQUEST_QEMU, /* a record of QEMU's */
	VQI_REQUEST_RING, /* taken from the ring, and not put back */
};

/* How old a request is. */
enum vqi_age {
	VQI_AGE_UNKNOWN,
	VQI_AGE_EXACT,	  /* by QEMU's accounting */
	VQI_AGE_AT_LEAST, /* it was in flight in an earlier look */
};

/* What carries a request on. */
enum vqi_carrier {
	VQI_CARRIER_UNKNOWN,
	VQI_CARRIER_WAITING, /* a coroutine that has yielded */
	VQI_CARRIER_RUNNING, /* a coroutine that a thread runs now */
};

struct vqi_request {
	unsigned int head;   /* descriptor that its chain begins with; packed: the buffer id */
	unsigned int ndescs; /* descriptors of the ring that it takes up; 0: unknown */
	enum vqi_request_source source;
	bool is_candidate;    /* it may be completed already: see source */
	bool may_be_untaken;  /* it is published, and whether vhost has taken it is not known */
	uint64_t element_hva; /* QEMU's VirtQueueElement; 0: not found */
	enum vqi_age age;
	uint64_t age_ms;
	struct vqi_buffer *buffers; /* in the order of the chain */
	size_t buffer_count;
	const char *kind; /* "read", "write", "flush", "scsi", ...; NULL: not decoded. Static */
	struct vqi_detail *details; /* in the order to be printed */
	size_t detail_count;
	uint8_t *dump; /* the first bytes of its buffers, in their order; NULL: not asked for */
	size_t dump_len;
	enum vqi_carrier carrier;
	uint64_t coroutine_hva; /* QEMU's CoroutineUContext; 0: none, or not found */
	struct vqi_num tid;	/* RUNNING: of the thread */
	struct vqi_stack stack; /* WAITING: of the coroutine */
};

void vqi_request_done(struct vqi_request *request);

/* Adds a detail. name is static; text is copied. Errors: NOMEM. */
struct vqi_error *vqi_request_add_number(struct vqi_request *request, const char *name,
					 uint64_t number) vqi_must_check;
struct vqi_error *vqi_request_add_text(struct vqi_request *request, const char *name,
				       const char *text) vqi_must_check;

#endif
