/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Errors: a pointer, NULL is success. */
#ifndef VQI_ERROR_H
#define VQI_ERROR_H

#include <stdbool.h>
#include <stdint.h>

#include "vqi/cleanup.h"

/* What went wrong, told apart by what the caller does next. */
enum vqi_error_code {
	VQI_ERROR_NOMEM,       /* no memory: give up */
	VQI_ERROR_USAGE,       /* the command line is wrong: exit 2 */
	VQI_ERROR_SYS,	       /* a system call failed: saved_errno says how */
	VQI_ERROR_PERMISSION,  /* the kernel refused: attach advice about privileges */
	VQI_ERROR_GONE,	       /* the target ended: nothing more can be read */
	VQI_ERROR_NOT_QEMU,    /* the process is no QEMU: choose another */
	VQI_ERROR_NO_LAYOUT,   /* structures unknown: attach advice about debug information */
	VQI_ERROR_FAULT,       /* an address of the target cannot be read: a gap */
	VQI_ERROR_BAD_DATA,    /* bytes of the target make no sense: a gap or a finding */
	VQI_ERROR_LIMIT,       /* a cap of vqi/limits.h was reached: a gap */
	VQI_ERROR_UNSUPPORTED, /* known, but not handled: a gap or exit 3 */
};

struct vqi_error {
	enum vqi_error_code code;
	int saved_errno;  /* for SYS, PERMISSION and GONE; else 0 */
	uint64_t address; /* for FAULT: address in the target; else 0 */
	char *message;	  /* one line, no full stop, no newline */
};

/* Makes an error with a printf-style message.
 * Owner: the caller frees it. Never returns NULL: without memory, the static NOMEM error. */
struct vqi_error *vqi_error_new(enum vqi_error_code code, const char *format, ...)
	__attribute__((format(printf, 2, 3), returns_nonnull));

/* Makes an error from an errno: ESRCH becomes GONE, EPERM and EACCES PERMISSION, ENOMEM NOMEM, the
 * rest SYS; ": strerror" is appended to the message. */
struct vqi_error *vqi_error_sys(int saved_errno, const char *format, ...)
	__attribute__((format(printf, 2, 3), returns_nonnull));

/* The same of a file of ours, not of the target: what the kernel refuses is SYS too. */
struct vqi_error *vqi_error_file(int saved_errno, const char *path)
	__attribute__((returns_nonnull));

/* Makes the FAULT error "cannot read LEN bytes at 0xADDRESS". */
struct vqi_error *vqi_error_fault(uint64_t address, uint64_t len) __attribute__((returns_nonnull));

/* Puts "PREFIX: " before the message, for context on the way up. NULL stays NULL.
 * Owner: takes error, returns what replaces it. */
struct vqi_error *vqi_error_prefix(struct vqi_error *error, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Whether an error ends the inspection: GONE, PERMISSION, NOMEM. All others leave a gap, or a value
 * unknown. */
bool vqi_error_is_fatal(const struct vqi_error *error);

/* Keeps an error that ends the inspection, and frees one that only leaves something unknown.
 * Owner: takes error, returns what remains of it. */
struct vqi_error *vqi_error_keep_fatal(struct vqi_error *error) __attribute__((warn_unused_result));

/* Whether there was an error, where that it failed is all of interest. Owner: takes error, frees it. */
bool vqi_error_drop(struct vqi_error *error) __attribute__((warn_unused_result));

/* Frees an error; NULL is fine. */
void vqi_error_free(struct vqi_error *error);

VQI_DEFINE_CLEANUP(struct vqi_error *, vqi_error_free)
#define vqi_cleanup_error vqi_cleanup(vqi_error_free)

#define vqi_must_check	  __attribute__((warn_unused_result))

#endif
