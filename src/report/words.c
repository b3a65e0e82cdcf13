/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "words.h"

#include <stddef.h>
#include <stdio.h>
#include <time.h>

#define LOOK_UP(words, value)                                                                      \
	((size_t)(value) < sizeof(words) / sizeof((words)[0]) ? (words)[value] : NULL)

const char *vqi_severity_word(enum vqi_severity severity)
{
	static const char *const words[] = {
		[VQI_NOTE] = "note",
		[VQI_WARNING] = "warning",
		[VQI_ERROR] = "error",
	};

	return LOOK_UP(words, severity);
}

const char *vqi_confidence_word(enum vqi_confidence confidence)
{
	static const char *const words[] = {
		[VQI_CANDIDATE] = "candidate",
		[VQI_CONFIRMED] = "confirmed",
	};

	return LOOK_UP(words, confidence);
}

const char *vqi_queue_state_word(enum vqi_queue_state state)
{
	static const char *const words[] = {
		[VQI_QUEUE_UNKNOWN] = "unknown", [VQI_QUEUE_DISABLED] = "disabled",
		[VQI_QUEUE_IDLE] = "idle",	 [VQI_QUEUE_BUSY] = "busy",
		[VQI_QUEUE_PARKED] = "parked",	 [VQI_QUEUE_STUCK] = "stuck",
		[VQI_QUEUE_PAUSED] = "paused",
	};

	return LOOK_UP(words, state);
}

const char *vqi_queue_kind_word(enum vqi_queue_kind kind)
{
	static const char *const words[] = {
		[VQI_KIND_REQUEST] = "request",
		[VQI_KIND_SEND] = "send",
		[VQI_KIND_RECEIVE] = "receive",
	};

	return LOOK_UP(words, kind);
}

const char *vqi_ring_word(enum vqi_ring ring)
{
	return ring == VQI_RING_PACKED ? "packed" : "split";
}

const char *vqi_transport_word(enum vqi_transport transport)
{
	static const char *const words[] = {
		[VQI_TRANSPORT_PCI] = "pci",
		[VQI_TRANSPORT_MMIO] = "mmio",
		[VQI_TRANSPORT_CCW] = "ccw",
	};

	return LOOK_UP(words, transport);
}

const char *vqi_endian_word(enum vqi_endian endian)
{
	static const char *const words[] = {
		[VQI_ENDIAN_LITTLE] = "little",
		[VQI_ENDIAN_BIG] = "big",
	};

	return LOOK_UP(words, endian);
}

const char *vqi_vhost_word(enum vqi_vhost_type type)
{
	static const char *const words[] = {
		[VQI_VHOST_KERNEL] = "kernel",
		[VQI_VHOST_USER] = "user",
		[VQI_VHOST_VDPA] = "vdpa",
	};

	return LOOK_UP(words, type);
}

const char *vqi_held_word(enum vqi_held_by by)
{
	static const char *const words[] = {
		[VQI_HELD_SIGNAL] = "signal",
		[VQI_HELD_TRACER] = "tracer",
		[VQI_HELD_FREEZER] = "freezer",
	};

	return LOOK_UP(words, by);
}

const char *vqi_handler_word(enum vqi_handler handler)
{
	static const char *const words[] = {
		[VQI_HANDLER_NONE] = "none",
		[VQI_HANDLER_DISABLED] = "disabled",
		[VQI_HANDLER_READY] = "ready",
	};

	return LOOK_UP(words, handler);
}

const char *vqi_request_source_word(enum vqi_request_source source)
{
	return source == VQI_REQUEST_QEMU ? "qemu" : "ring";
}

const char *vqi_carrier_word(enum vqi_carrier carrier)
{
	static const char *const words[] = {
		[VQI_CARRIER_WAITING] = "waiting",
		[VQI_CARRIER_RUNNING] = "running",
	};

	return LOOK_UP(words, carrier);
}

const char *vqi_target_kind_word(enum vqi_target_kind kind)
{
	return kind == VQI_TARGET_STORAGE_DAEMON ? "storage-daemon" : "qemu";
}

const char *vqi_ring_fault_word(unsigned int bit)
{
	static const char *const words[] = {
		"avail-ahead", "bad-head",    "used-mismatch", "bad-indirect", "loop",
		"bad-next",    "bad-address", "zero-size",     "bad-order",    "duplicate",
	};

	_Static_assert(VQI_RING_AVAIL_AHEAD == 1 << 0 && VQI_RING_BAD_HEAD == 1 << 1 &&
			       VQI_RING_USED_MISMATCH == 1 << 2 &&
			       VQI_RING_BAD_INDIRECT == 1 << 3 && VQI_RING_LOOP == 1 << 4 &&
			       VQI_RING_BAD_NEXT == 1 << 5 && VQI_RING_BAD_ADDRESS == 1 << 6 &&
			       VQI_RING_ZERO_SIZE == 1 << 7 && VQI_RING_BAD_ORDER == 1 << 8 &&
			       VQI_RING_DUPLICATE == 1 << 9,
		       "the words are in the order of the bits");
	return LOOK_UP(words, bit);
}

bool vqi_time_words(const struct timespec *time, char ret_text[VQI_TIME_WORDS])
{
	char seconds[64];
	struct tm date;

	if (!gmtime_r(&time->tv_sec, &date) ||
	    !strftime(seconds, sizeof(seconds), "%Y-%m-%dT%H:%M:%S", &date))
		return false;
	snprintf(ret_text, VQI_TIME_WORDS, "%s.%03dZ", seconds, (int)(time->tv_nsec / 1000000));
	return true;
}
