/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "json_tree.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>

#include "printable.h"
#include "vqi/cleanup.h"

/* No name comes twice, or ends before the document: neither is it looked for nor copied, which is a good part of what a
 * document costs. */
#define NEW_NAME (JSON_C_OBJECT_ADD_KEY_IS_NEW | JSON_C_OBJECT_KEY_IS_CONSTANT)

void vqi_json_init(struct vqi_json *json)
{
	*json = (struct vqi_json){.root = json_object_new_object()};
	if (!json->root)
		json->failed = true;
}

void vqi_json_done(struct vqi_json *json)
{
	json_object_put(json->root);
	json->root = NULL;
}

/* Takes value, which is NULL for null. */
static bool put(struct vqi_json *json, struct json_object *into, const char *name,
		struct json_object *value)
{
	int failed;

	if (!into) {
		json_object_put(value);
		return false;
	}
	if (name)
		failed = json_object_object_add_ex(into, name, value, NEW_NAME);
	else
		failed = json_object_array_add(into, value);
	if (failed) {
		json_object_put(value);
		json->failed = true;
	}
	return !failed;
}

/* Takes value, which is NULL when it could not be made. */
static struct json_object *put_made(struct vqi_json *json, struct json_object *into,
				    const char *name, struct json_object *value)
{
	if (!value)
		json->failed = true;
	return value && put(json, into, name, value) ? value : NULL;
}

void vqi_json_null(struct vqi_json *json, struct json_object *into, const char *name)
{
	put(json, into, name, NULL);
}

void vqi_json_string(struct vqi_json *json, struct json_object *into, const char *name,
		     const char *value)
{
	vqi_cleanup_free char *valid = NULL;

	if (!value) {
		vqi_json_null(json, into, name);
		return;
	}
	valid = vqi_valid_utf8(value);
	put_made(json, into, name, valid ? json_object_new_string(valid) : NULL);
}

void vqi_json_uint(struct vqi_json *json, struct json_object *into, const char *name,
		   uint64_t value)
{
	put_made(json, into, name, json_object_new_uint64(value));
}

void vqi_json_bool(struct vqi_json *json, struct json_object *into, const char *name, bool value)
{
	put_made(json, into, name, json_object_new_boolean(value));
}

void vqi_json_hex(struct vqi_json *json, struct json_object *into, const char *name, uint64_t value)
{
	char text[sizeof("0x0123456789abcdef")];

	snprintf(text, sizeof(text), "0x%" PRIx64, value);
	put_made(json, into, name, json_object_new_string(text));
}

void vqi_json_hex_num(struct vqi_json *json, struct json_object *into, const char *name,
		      struct vqi_num value)
{
	if (value.known)
		vqi_json_hex(json, into, name, value.value);
	else
		vqi_json_null(json, into, name);
}

void vqi_json_num(struct vqi_json *json, struct json_object *into, const char *name,
		  struct vqi_num value)
{
	if (value.known)
		vqi_json_uint(json, into, name, value.value);
	else
		vqi_json_null(json, into, name);
}

void vqi_json_flag(struct vqi_json *json, struct json_object *into, const char *name,
		   struct vqi_num value)
{
	if (value.known)
		vqi_json_bool(json, into, name, value.value);
	else
		vqi_json_null(json, into, name);
}

struct json_object *vqi_json_object(struct vqi_json *json, struct json_object *into,
				    const char *name)
{
	return put_made(json, into, name, json_object_new_object());
}

struct json_object *vqi_json_list(struct vqi_json *json, struct json_object *into, const char *name)
{
	return put_made(json, into, name, json_object_new_array());
}
