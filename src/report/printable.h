/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Strings of the target, which anybody can have written: names, ids, paths. */
#ifndef VQI_REPORT_PRINTABLE_H
#define VQI_REPORT_PRINTABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* The text with each byte that is not part of a printable character replaced by \xNN, so that it is
 * one line and cannot command a terminal. Without utf8, only ASCII is printable.
 * Owner: the caller. NULL without memory. */
char *vqi_printable(const char *text, bool utf8);

/* The text with each byte that is not part of valid UTF-8 replaced by U+FFFD.
 * Owner: the caller. NULL without memory. */
char *vqi_valid_utf8(const char *text);

/* The text as the value of a label in the OpenMetrics format, without its quotes: backslash, quote and line end are escaped,
 * and what is not valid UTF-8 or what a terminal may obey is U+FFFD. It is the same in every locale.
 * Owner: the caller. NULL without memory. Source: OpenMetrics 1.0, 3.2.1 (escaped-string). */
char *vqi_printable_label(const char *text);

/* Writes a JSON document, valid UTF-8, with the characters that a terminal may obey as \uNNNN;
 * json-c does that for the ASCII ones. They can only be in strings, which keep their value. What goes
 * wrong shows in the stream. */
void vqi_printable_json_write(FILE *stream, const char *document);

/* How many columns of a terminal the first len bytes of a printable text take. */
size_t vqi_printable_width(const char *text, size_t len);

/* How many bytes of a printable text fit in so many columns; of no character a part. */
size_t vqi_printable_cut(const char *text, size_t columns);

#endif
