/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VQI_CAPTURE_CARRIED_REQUESTS_H
#define VQI_CAPTURE_CARRIED_REQUESTS_H

#include "vqi/in_flight.h"
#include "vqi/snapshot.h"

/* The requests of a look that QEMU has a record of, and how each is carried on. */
struct vqi_carried_requests {
	struct vqi_request **requests; /* in the snapshot */
	struct vqi_carried *carried;   /* of each */
	size_t count;
};

#endif
