/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The log of all that was read of a process, in the order in which it was read. */
#ifndef VQI_TARGET_LOG_H
#define VQI_TARGET_LOG_H

#include "vqi/pack.h"

/* Numbers are those of the file. */
enum vqi_entry_kind {
	VQI_ENTRY_LOOK = 1,   /* a look begins; no key */
	VQI_ENTRY_MEMORY = 2, /* key: address and length */
	VQI_ENTRY_FILE = 3,   /* key: its name; so for the next four */
	VQI_ENTRY_LINK = 4,
	VQI_ENTRY_LIST = 5,
	VQI_ENTRY_EXISTS = 6,
	VQI_ENTRY_EXE = 7,    /* no key */
	VQI_ENTRY_COMM = 8,   /* key: the pid */
	VQI_ENTRY_CLOCK = 9,  /* key: the clock */
	VQI_ENTRY_CHECK = 10, /* no key; only of a process that has ended */
	VQI_ENTRY_FACT = 11,  /* key: enum vqi_fact, and a number */
	VQI_ENTRY_KINDS
};

struct vqi_entry {
	enum vqi_entry_kind kind;
	bool ok; /* else data is a packed error, or of memory nothing */
	const uint8_t *key, *data;
	uint32_t key_len, data_len;
};

struct vqi_log {
	struct vqi_pack bytes;
	size_t *at; /* where each entry begins in bytes */
	size_t count, room;
	struct vqi_error *error; /* why what was added last is not there: it is whole no more */
};

void vqi_log_done(struct vqi_log *log);

/* Makes room for entries of memory, with so many bytes in all. */
void vqi_log_reserve(struct vqi_log *log, size_t bytes, size_t entries);

/* Adds an entry. Nothing is said when that fails: see error. */
void vqi_log_add(struct vqi_log *log, const struct vqi_entry *entry);

/* The entry of a number. Owner: the log, until something is added. */
struct vqi_entry vqi_log_entry(const struct vqi_log *log, size_t index);

/* Compares kind and key. */
int vqi_entry_compare(const struct vqi_entry *a, const struct vqi_entry *b);

/* The same of two numbers of entries, of which the lower goes first where these are equal; for qsort_r(). */
int vqi_log_compare(const void *a, const void *b, void *log);

/* Forgets the entries from a number on. */
void vqi_log_cut(struct vqi_log *log, size_t count);

/* Takes the bytes of a log. Errors: BAD_DATA, LIMIT, NOMEM. */
struct vqi_error *vqi_log_take(struct vqi_log *log, const uint8_t *bytes,
			       size_t len) vqi_must_check;

#endif
