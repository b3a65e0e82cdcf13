/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Builds a JSON document: json-c, without an error to check after each value. */
#ifndef VQI_REPORT_JSON_TREE_H
#define VQI_REPORT_JSON_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vqi/snapshot.h"

struct json_object;

struct vqi_json {
	struct json_object *root;
	bool failed; /* out of memory: the document is worthless */
};

void vqi_json_init(struct vqi_json *json);
void vqi_json_done(struct vqi_json *json);

/* Each of these puts a value into an object under a name or, with name NULL, at the end of a list.
 * Into NULL, they put nothing: it stands for what could not be made. */

void vqi_json_null(struct vqi_json *json, struct json_object *into, const char *name);
void vqi_json_string(struct vqi_json *json, struct json_object *into, const char *name,
		     const char *value); /* NULL: null; what is not UTF-8 is replaced */
void vqi_json_uint(struct vqi_json *json, struct json_object *into, const char *name,
		   uint64_t value);
void vqi_json_bool(struct vqi_json *json, struct json_object *into, const char *name, bool value);
void vqi_json_hex(struct vqi_json *json, struct json_object *into, const char *name,
		  uint64_t value); /* "0x..." */
void vqi_json_hex_num(struct vqi_json *json, struct json_object *into, const char *name,
		      struct vqi_num value); /* unknown: null */
void vqi_json_num(struct vqi_json *json, struct json_object *into, const char *name,
		  struct vqi_num value); /* unknown: null */
void vqi_json_flag(struct vqi_json *json, struct json_object *into, const char *name,
		   struct vqi_num value); /* as a boolean; unknown: null */

/* These return what they have put. Owner: the document. */
struct json_object *vqi_json_object(struct vqi_json *json, struct json_object *into,
				    const char *name);
struct json_object *vqi_json_list(struct vqi_json *json, struct json_object *into,
				  const char *name);

#endif
