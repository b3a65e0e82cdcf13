/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers of guest RAM: little-endian for a modern device, guest-endian for a legacy one. */
#ifndef VQI_VIRTIO_GUEST_INT_H
#define VQI_VIRTIO_GUEST_INT_H

#include <stdbool.h>
#include <stdint.h>

static inline uint16_t vqi_guest_u16(const uint8_t *bytes, bool big_endian)
{
	return (uint16_t)(big_endian ? bytes[0] << 8 | bytes[1] : bytes[1] << 8 | bytes[0]);
}

static inline uint32_t vqi_guest_u32(const uint8_t *bytes, bool big_endian)
{
	uint32_t first = vqi_guest_u16(bytes, big_endian);
	uint32_t second = vqi_guest_u16(bytes + 2, big_endian);

	return big_endian ? first << 16 | second : second << 16 | first;
}

static inline uint64_t vqi_guest_u64(const uint8_t *bytes, bool big_endian)
{
	uint64_t first = vqi_guest_u32(bytes, big_endian);
	uint64_t second = vqi_guest_u32(bytes + 4, big_endian);

	return big_endian ? first << 32 | second : second << 32 | first;
}

#endif
