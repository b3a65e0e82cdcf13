/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vqi/error.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Read-only, so that an error can be reported when there is no memory for one. */
static const struct vqi_error out_of_memory = {
	.code = VQI_ERROR_NOMEM,
	.message = (char *)"out of memory",
};

static struct vqi_error *nomem(void)
{
	return (struct vqi_error *)&out_of_memory;
}

/* A message can quote the target (a path, a thread's name): keep it one line, and keep escape
 * sequences from the terminal. */
static void make_printable(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = '?';
}

/* Makes the error. Owner: takes message, which is NULL when there was no memory for it. */
static struct vqi_error *error_with(enum vqi_error_code code, int saved_errno, char *message)
{
	vqi_cleanup_free char *owned = message;
	struct vqi_error *error;

	if (!owned)
		return nomem();
	error = malloc(sizeof(*error));
	if (!error)
		return nomem();
	make_printable(owned);
	*error = (struct vqi_error){
		.code = code,
		.saved_errno = saved_errno,
		.message = take_ptr(owned),
	};
	return error;
}

/* vasprintf() that says NULL when it fails: it leaves the pointer undefined. */
__attribute__((format(printf, 1, 0))) static char *format_text(const char *format, va_list args)
{
	char *text;

	return vasprintf(&text, format, args) < 0 ? NULL : text;
}

/* Joins two texts with ": "; NULL when one of them is or memory is short. */
static char *join(const char *left, const char *right)
{
	char *text;

	if (!left || !right)
		return NULL;
	return asprintf(&text, "%s: %s", left, right) < 0 ? NULL : text;
}

struct vqi_error *vqi_error_new(enum vqi_error_code code, const char *format, ...)
{
	char *message;
	va_list args;

	va_start(args, format);
	message = format_text(format, args);
	va_end(args);
	return error_with(code, 0, message);
}

static enum vqi_error_code code_of_errno(int saved_errno)
{
	switch (saved_errno) {
	case ESRCH:
		return VQI_ERROR_GONE;
	case EPERM:
	case EACCES:
		return VQI_ERROR_PERMISSION;
	case ENOMEM:
		return VQI_ERROR_NOMEM;
	default:
		return VQI_ERROR_SYS;
	}
}

struct vqi_error *vqi_error_sys(int saved_errno, const char *format, ...)
{
	enum vqi_error_code code = code_of_errno(saved_errno);
	vqi_cleanup_free char *what = NULL;
	va_list args;

	va_start(args, format);
	what = format_text(format, args);
	va_end(args);
	return error_with(code, code == VQI_ERROR_NOMEM ? 0 : saved_errno,
			  join(what, strerror(saved_errno)));
}

struct vqi_error *vqi_error_file(int saved_errno, const char *path)
{
	struct vqi_error *error = vqi_error_sys(saved_errno, "cannot read %s", path);

	if (error->code == VQI_ERROR_PERMISSION)
		error->code = VQI_ERROR_SYS;
	return error;
}

struct vqi_error *vqi_error_fault(uint64_t address, uint64_t len)
{
	struct vqi_error *error = vqi_error_new(
		VQI_ERROR_FAULT, "cannot read %" PRIu64 " bytes at 0x%" PRIx64, len, address);

	if (error != nomem())
		error->address = address;
	return error;
}

struct vqi_error *vqi_error_prefix(struct vqi_error *error, const char *format, ...)
{
	vqi_cleanup_free char *prefix = NULL;
	char *message;
	va_list args;

	if (!error || error == nomem())
		return error;
	va_start(args, format);
	prefix = format_text(format, args);
	va_end(args);
	message = join(prefix, error->message);
	if (!message)
		return error; /* what went wrong matters more than where */
	make_printable(message);
	free(error->message);
	error->message = message;
	return error;
}

bool vqi_error_is_fatal(const struct vqi_error *error)
{
	return error->code == VQI_ERROR_GONE || error->code == VQI_ERROR_PERMISSION ||
	       error->code == VQI_ERROR_NOMEM;
}

struct vqi_error *vqi_error_keep_fatal(struct vqi_error *error)
{
	if (!error || vqi_error_is_fatal(error))
		return error;
	vqi_error_free(error);
	return NULL;
}

bool vqi_error_drop(struct vqi_error *error)
{
	bool is_one = error;

	vqi_error_free(error);
	return is_one;
}

void vqi_error_free(struct vqi_error *error)
{
	if (!error || error == nomem())
		return;
	free(error->message);
	free(error);
}
