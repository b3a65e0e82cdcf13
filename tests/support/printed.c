/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "printed.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>

#include "unit.h"

char *vqi_printed(vqi_report_function function, const struct vqi_sample *sample,
		  const struct vqi_report_options *options)
{
	char *report = NULL;
	size_t len = 0;
	FILE *stream = open_memstream(&report, &len);

	ck_assert_ptr_nonnull(stream);
	ck_assert_ok(function(stream, &sample->snapshot, &sample->diagnosis, options));
	ck_assert_int_eq(fclose(stream), 0);
	ck_assert_uint_eq(strlen(report), len);
	ck_assert_int_eq(report[len - 1], '\n');
	return report;
}

void vqi_printed_to_full_device(vqi_report_function function, const struct vqi_sample *sample)
{
	const struct vqi_report_options options = {0};
	vqi_cleanup_file FILE *full = fopen("/dev/full", "we");
	struct vqi_error *error;

	ck_assert_ptr_nonnull(full);
	error = function(full, &sample->snapshot, &sample->diagnosis, &options);
	ck_assert_ptr_nonnull(error);
	ck_assert_int_eq(error->code, VQI_ERROR_SYS);
	ck_assert_int_eq(error->saved_errno, ENOSPC);
	vqi_error_free(error);
}

struct vqi_error *vqi_print_json(FILE *stream, const struct vqi_snapshot *snapshot,
				 const struct vqi_diagnosis *diagnosis,
				 const struct vqi_report_options *options)
{
	(void)options;
	return vqi_report_json(stream, snapshot, diagnosis);
}

void vqi_printed_json(struct vqi_printed_json *json, const struct vqi_sample *sample)
{
	const struct vqi_report_options options = {0};
	struct json_tokener *tokener = json_tokener_new();

	vqi_printed_json_done(json);
	json->text = vqi_printed(vqi_print_json, sample, &options);
	ck_assert_uint_eq(strcspn(json->text, "\n"), strlen(json->text) - 1);
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	json->document = json_tokener_parse_ex(tokener, json->text, (int)strlen(json->text));
	ck_assert_msg(json_tokener_get_error(tokener) == json_tokener_success, "%s", json->text);
	json_tokener_free(tokener);
}

void vqi_printed_json_done(struct vqi_printed_json *json)
{
	json_object_put(json->document);
	free(json->text);
	*json = (struct vqi_printed_json){0};
}

struct json_object *vqi_printed_json_at(const struct vqi_printed_json *json, const char *path)
{
	vqi_cleanup_free char *copy = strdup(path);
	struct json_object *value = json->document;
	char *rest = NULL;

	for (char *step = strtok_r(copy, ".", &rest); step; step = strtok_r(NULL, ".", &rest)) {
		if (json_object_is_type(value, json_type_array)) {
			ck_assert_msg(strtoul(step, NULL, 10) < json_object_array_length(value),
				      "%s is too far", path);
			value = json_object_array_get_idx(value, strtoul(step, NULL, 10));
		} else {
			ck_assert_msg(json_object_object_get_ex(value, step, &value), "no %s: %s",
				      path, step);
		}
	}
	return value;
}

void vqi_printed_json_is(const struct vqi_printed_json *json, const char *path, const char *value)
{
	const char *is = json_object_to_json_string_ext(vqi_printed_json_at(json, path),
							JSON_C_TO_STRING_PLAIN |
								JSON_C_TO_STRING_NOSLASHESCAPE);

	ck_assert_msg(strcmp(is, value) == 0, "%s is %s, not %s", path, is, value);
}

void vqi_printed_json_members(const struct vqi_printed_json *json, const char *path,
			      const char *members)
{
	vqi_cleanup_free char *copy = strdup(members);
	struct json_object *object = vqi_printed_json_at(json, path);
	char *rest = NULL;
	int count = 0;

	for (char *name = strtok_r(copy, " ", &rest); name; name = strtok_r(NULL, " ", &rest)) {
		ck_assert_msg(json_object_object_get_ex(object, name, NULL), "no %s.%s", path,
			      name);
		count++;
	}
	ck_assert_int_eq(json_object_object_length(object), count);
}

/* Whether a line is these words; changes both. */
static bool is_row(char *line, char *row)
{
	char *more_line = NULL, *more_row = NULL;
	char *is = strtok_r(line, " ", &more_line), *should = strtok_r(row, " ", &more_row);

	while (is && should && strcmp(is, should) == 0) {
		is = strtok_r(NULL, " ", &more_line);
		should = strtok_r(NULL, " ", &more_row);
	}
	return !is && !should;
}

bool vqi_printed_row(const char *report, const char *row)
{
	vqi_cleanup_free char *copy = strdup(report);
	char *rest = NULL;

	for (char *line = strtok_r(copy, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		vqi_cleanup_free char *words = strdup(row);

		if (is_row(line, words))
			return true;
	}
	return false;
}
