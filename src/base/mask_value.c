/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The values of options: key=value lists, JSON, the kernel's command line. */
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "mask_private.h"
#include "vqi/cleanup.h"
#include "vqi/error.h"

static void free_json(struct json_object *object)
{
	json_object_put(object);
}
VQI_DEFINE_CLEANUP(struct json_object *, free_json)

static void free_tokener(struct json_tokener *tokener)
{
	json_tokener_free(tokener);
}
VQI_DEFINE_CLEANUP(struct json_tokener *, free_tokener)

void vqi_mask_value(FILE *out, enum vqi_mask_rule rule, const char *value)
{
	if (rule == VQI_MASK_SHOW)
		vqi_mask_file(out, value);
	else if (rule == VQI_MASK_HARMLESS && vqi_mask_is_harmless(value))
		fputs(value, out);
	else
		fputs(VQI_MASK, out);
}

/* ---- JSON ---- */

/* What may be seen of a value, with the reference to it that the caller owns; NULL for null, and without memory, where the
 * secret is not to be seen either. */
static struct json_object *mask_object(enum vqi_mask_rule rule, struct json_object *value);

static struct json_object *mask_text(enum vqi_mask_rule rule, const char *text)
{
	vqi_cleanup_free char *masked = NULL;
	size_t len;
	FILE *out = open_memstream(&masked, &len);

	if (!out)
		return NULL;
	vqi_mask_value(out, rule, text);
	return fclose(out) == 0 ? json_object_new_string(masked) : NULL;
}

static struct json_object *mask_members(struct json_object *value)
{
	struct json_object *masked = json_object_new_object();

	if (!masked)
		return NULL;
	json_object_object_foreach(value, key, member)
		json_object_object_add(masked, key, mask_object(vqi_mask_key(key), member));
	return masked;
}

static struct json_object *mask_elements(enum vqi_mask_rule rule, struct json_object *value)
{
	struct json_object *masked = json_object_new_array();

	for (size_t i = 0; masked && i < json_object_array_length(value); i++)
		json_object_array_add(masked,
				      mask_object(rule, json_object_array_get_idx(value, i)));
	return masked;
}

static struct json_object *mask_object(enum vqi_mask_rule rule, struct json_object *value)
{
	if (rule == VQI_MASK_HIDE)
		return json_object_new_string(VQI_MASK);
	switch (json_object_get_type(value)) {
	case json_type_object:
		return mask_members(value);
	case json_type_array:
		return mask_elements(rule, value);
	case json_type_string:
		return mask_text(rule, json_object_get_string(value));
	default:
		return json_object_get(value);
	}
}

/* What is no JSON to the letter is hidden: QEMU's own reader takes more. */
void vqi_mask_json(FILE *out, const char *text)
{
	vqi_cleanup(free_tokener) struct json_tokener *tokener = json_tokener_new();
	vqi_cleanup(free_json) struct json_object *object = NULL, *masked = NULL;

	if (tokener) {
		json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
		object = json_tokener_parse_ex(tokener, text, (int)strlen(text) + 1);
	}
	if (json_object_is_type(object, json_type_object))
		masked = mask_object(VQI_MASK_HARMLESS, object);
	fputs(masked ? json_object_to_json_string_ext(
			       masked, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE)
		     : VQI_MASK,
	      out);
}

/* ---- key=value,... ---- */

/* Words that are options by themselves. */
static const char *const flags[] = {
	"on",
	"off",
	"server",
	"nowait",
	"wait",
	"telnet",
	"websocket",
	"readonly",
	"password",
	"sasl",
	"acl",
	"snapshot",
	"share",
	"mux",
	"lossy",
	"tls",
	"delay",
	"nodelay",
	"ipv4",
	"ipv6",
	"help",
	VQI_MASK,
	"disable-ticketing",
	NULL,
};

/* Takes what is up to the next comma, of two of which one is made. Owner: the caller. NULL without memory. */
static char *take_part(const char **text)
{
	char *part = malloc(strlen(*text) + 1);
	size_t len = 0;

	if (!part)
		return NULL;
	while (**text && (**text != ',' || (*text)[1] == ',')) {
		part[len++] = **text;
		*text += **text == ',' ? 2 : 1;
	}
	part[len] = '\0';
	return part;
}

/* Writes a part of a list as it is written there. */
static void put_part(FILE *out, const char *part)
{
	for (; *part; part++) {
		fputc(*part, out);
		if (*part == ',')
			fputc(',', out);
	}
}

static void write_keyval(FILE *out, char *part, bool is_first)
{
	char *equals = strchr(part, '=');
	vqi_cleanup_free char *masked = NULL;
	size_t len;
	FILE *value = open_memstream(&masked, &len);

	if (!value)
		return;
	if (equals)
		*equals = '\0';
	if (equals && !vqi_mask_is_key(part, equals + 1)) {
		equals = NULL;
		fputs(VQI_MASK, value);
	} else if (equals) {
		vqi_mask_value(value, vqi_mask_key(part), equals + 1);
	} else {
		vqi_mask_value(value,
			       is_first || vqi_mask_is_one_of(part, flags) ? VQI_MASK_SHOW
									   : VQI_MASK_HARMLESS,
			       part);
	}
	if (fclose(value))
		return;
	if (equals) {
		put_part(out, part);
		fputc('=', out);
	}
	put_part(out, masked);
}

void vqi_mask_keyvals(FILE *out, const char *text)
{
	bool is_first = true;

	if (text[0] == '{') {
		vqi_mask_json(out, text);
		return;
	}
	for (;;) {
		vqi_cleanup_free char *part = take_part(&text);

		if (!part)
			return;
		write_keyval(out, part, is_first);
		is_first = false;
		if (!*text)
			return;
		fputc(*text++, out);
	}
}

/* ---- the kernel's command line ---- */

#define UPPER_CASE "ABCDEFGHIJKLMNOPQRSTUVWXYZ" /* few of the kernel's keys have that */

/* Up to the next space that is not between double quotes. Source: lib/cmdline.c next_arg(). */
static size_t kernel_word(const char *text)
{
	bool is_quoted = false;
	size_t len = 0;

	for (; text[len] && (text[len] != ' ' || is_quoted); len++)
		is_quoted ^= text[len] == '"';
	return len;
}

/* "nfs:host:/path:user=name,...", which a file system is mounted with: any of it may be secret. */
static bool is_option_list(const char *value)
{
	const char *separator = strpbrk(value, ",:");

	return separator && strchr(separator, '=');
}

static void write_kernel_word(FILE *out, char *word)
{
	char *equals = strchr(word, '=');
	enum vqi_mask_rule rule;

	if (equals)
		*equals = '\0';
	rule = vqi_mask_kernel_key(word);
	if (!equals) {
		vqi_mask_value(out, rule == VQI_MASK_SHOW ? rule : VQI_MASK_HARMLESS, word);
	} else if (rule == VQI_MASK_SHOW ||
		   (vqi_mask_is_key(word, equals + 1) && !word[strcspn(word, UPPER_CASE)])) {
		fprintf(out, "%s=", word);
		vqi_mask_value(out, is_option_list(equals + 1) ? VQI_MASK_HIDE : rule, equals + 1);
	} else {
		fputs(VQI_MASK, out);
	}
}

/* What is behind "--" is for init, and nobody knows what it means. */
void vqi_mask_kernel(FILE *out, const char *text)
{
	while (*text) {
		size_t len = kernel_word(text);
		vqi_cleanup_free char *word = strndup(text, len);

		if (!word)
			return;
		if (strcmp(word, "--") == 0) {
			fputs(text[len] ? "-- " VQI_MASK : "--", out);
			return;
		}
		if (len)
			write_kernel_word(out, word);
		text += len;
		if (*text)
			fputc(*text++, out);
	}
}
