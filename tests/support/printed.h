/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reports printed into memory, and what is in them. */
#ifndef VQI_TESTS_PRINTED_H
#define VQI_TESTS_PRINTED_H

#include <stdbool.h>
#include <string.h>

#include "sample.h"
#include "vqi/report.h"

struct json_object;

typedef struct vqi_error *(*vqi_report_function)(FILE *stream, const struct vqi_snapshot *snapshot,
						 const struct vqi_diagnosis *diagnosis,
						 const struct vqi_report_options *options);

/* Prints a sample; asserts that this succeeds, and that the last line is ended.
 * Owner: the caller. */
char *vqi_printed(vqi_report_function function, const struct vqi_sample *sample,
		  const struct vqi_report_options *options);

/* Prints a sample to a device that is full; asserts that this is the error it should be. */
void vqi_printed_to_full_device(vqi_report_function function, const struct vqi_sample *sample);

/* A sample's JSON report, parsed strictly. Start with zeros. */
struct vqi_printed_json {
	char *text; /* as it was printed: one line */
	struct json_object *document;
};

/* Prints a sample, in the place of what was there; asserts that it is one line of JSON. */
void vqi_printed_json(struct vqi_printed_json *json, const struct vqi_sample *sample);
void vqi_printed_json_done(struct vqi_printed_json *json);

/* The value at a path, as "devices.0.queues.1.state"; asserts that there is one. */
struct json_object *vqi_printed_json_at(const struct vqi_printed_json *json, const char *path);

/* Asserts that the value at a path is this, as JSON without blanks. */
void vqi_printed_json_is(const struct vqi_printed_json *json, const char *path, const char *value);

/* Asserts that an object has these members, separated by spaces, and no others. */
void vqi_printed_json_members(const struct vqi_printed_json *json, const char *path,
			      const char *members);

/* As vqi_report_json(); JSON has no options. */
struct vqi_error *vqi_print_json(FILE *stream, const struct vqi_snapshot *snapshot,
				 const struct vqi_diagnosis *diagnosis,
				 const struct vqi_report_options *options);

/* Whether a line is these words, however far apart. */
bool vqi_printed_row(const char *report, const char *row);

#define ck_assert_has(report, text)                                                                \
	ck_assert_msg(strstr((report), (text)) != NULL, "no \"%s\" in:\n%s", (text), (report))
#define ck_assert_lacks(report, text)                                                              \
	ck_assert_msg(strstr((report), (text)) == NULL, "\"%s\" in:\n%s", (text), (report))
#define ck_assert_row(report, row)                                                                 \
	ck_assert_msg(vqi_printed_row((report), (row)), "no row \"%s\" in:\n%s", (row), (report))
#define ck_assert_no_row(report, row)                                                              \
	ck_assert_msg(!vqi_printed_row((report), (row)), "row \"%s\" in:\n%s", (row), (report))

#endif
