/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VQI_VIRTIO_GUEST_INT_H
#define VQI_VIRTIO_GUEST_INT_H

#include <stdbool.h>
#include <stdint.h>

/* A 16-bit number of guest RAM: little-endian for a modern device, guest-endian for a legacy one. */
static inline uint16_t vqi_guest_u16(const uint8_t *bytes, bool big_endian)
{
	return (uint16_t)(big_endian ? bytes[0] << 8 | bytes[1] : bytes[1] << 8 | bytes[0]);
}

#endif
