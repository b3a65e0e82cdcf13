/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of src/base/mask*.c have of each other. What goes wrong shows in the stream. */
#ifndef VQI_BASE_MASK_PRIVATE_H
#define VQI_BASE_MASK_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* What stands in the place of a secret. */
#define VQI_MASK "***"

/* What may be seen of a value. */
enum vqi_mask_rule {
	VQI_MASK_HARMLESS, /* it, when it is harmless by itself */
	VQI_MASK_SHOW,	   /* all but what is secret of a URL */
	VQI_MASK_HIDE,	   /* nothing */
};

/* Of a key of QEMU's, "file.password-secret", and of the Linux kernel's, "console". */
enum vqi_mask_rule vqi_mask_key(const char *key);
enum vqi_mask_rule vqi_mask_kernel_key(const char *key);

/* Whether a word is in a list, which NULL ends. */
bool vqi_mask_is_one_of(const char *word, const char *const *list);

/* Whether what is before an equals sign is a key: it may be seen then. In base64 it is the end of something else. */
bool vqi_mask_is_key(const char *key, const char *value);

/* Whether it is a number, a size, "on" or the like: nothing that anybody would keep to himself. */
bool vqi_mask_is_harmless(const char *value);

/* Write what may be seen of: one value; a file name or URL; "first,key=value,..." with its doubled commas, or JSON in its place;
 * a command line of the Linux kernel's. */
void vqi_mask_value(FILE *out, enum vqi_mask_rule rule, const char *value);
void vqi_mask_file(FILE *out, const char *name);
void vqi_mask_keyvals(FILE *out, const char *text);
void vqi_mask_json(FILE *out, const char *text);
void vqi_mask_kernel(FILE *out, const char *text);

#endif
