/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "printable.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

/* How many bytes the character that starts with lead takes in UTF-8; 0: none starts with it. */
static unsigned int sequence_length(unsigned char lead)
{
	if (lead < 0x80)
		return 1;
	if (lead >= 0xc2 && lead <= 0xdf)
		return 2;
	if (lead >= 0xe0 && lead <= 0xef)
		return 3;
	return lead >= 0xf0 && lead <= 0xf4 ? 4 : 0;
}

/* Decodes the character at the start of a text that is not empty; returns its length in bytes, or 0
 * when it is not valid (RFC 3629: the shortest form, no surrogates, at most U+10FFFF). */
static unsigned int decode(const char *text, uint32_t *ret_code)
{
	static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
	unsigned int len = sequence_length((unsigned char)text[0]);
	uint32_t code = (unsigned char)text[0];

	if (len > 1)
		code &= 0x7fu >> len;
	for (unsigned int i = 1; i < len; i++) {
		unsigned char next = (unsigned char)text[i]; /* a NUL ends the sequence, too */

		if ((next & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (next & 0x3f);
	}
	if (len == 0 || code < smallest[len] || code > 0x10ffff ||
	    (code >= 0xd800 && code <= 0xdfff))
		return 0;
	*ret_code = code;
	return len;
}

/* Characters that change how others are shown: marks and overrides of the writing direction,
 * joiners, line and paragraph separators, the byte order mark. */
static bool is_invisible(uint32_t code)
{
	return (code >= 0x200b && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e) ||
	       (code >= 0x2060 && code <= 0x206f) || code == 0x061c || code == 0xfeff;
}

static bool is_printable(uint32_t code, bool utf8)
{
	if (code < 0x80)
		return code >= ' ' && code != 0x7f;
	return utf8 && !is_invisible(code) && wcwidth((wchar_t)code) >= 0;
}

/* Writes count bytes as \xNN; returns where the next one goes. */
static char *escape(char *out, const char *bytes, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		out += sprintf(out, "\\x%02x", (unsigned char)bytes[i]);
	return out;
}

char *vqi_printable(const char *text, bool utf8)
{
	char *result = malloc(strlen(text) * 4 + 1);
	char *out = result;

	while (result && *text) {
		uint32_t code = 0;
		unsigned int len = decode(text, &code);

		if (len && is_printable(code, utf8))
			out = mempcpy(out, text, len);
		else
			out = escape(out, text, len ? len : 1);
		text += len ? len : 1;
	}
	if (result)
		*out = '\0';
	return result;
}

static const char replacement[] = "\xef\xbf\xbd"; /* U+FFFD */

char *vqi_valid_utf8(const char *text)
{
	char *result = malloc(strlen(text) * (sizeof(replacement) - 1) + 1);
	char *out = result;

	while (result && *text) {
		uint32_t code;
		unsigned int len = decode(text, &code);

		if (len)
			out = mempcpy(out, text, len);
		else
			out = mempcpy(out, replacement, sizeof(replacement) - 1);
		text += len ? len : 1;
	}
	if (result)
		*out = '\0';
	return result;
}

/* The two characters for one that may not stand in a label's value; NULL: it may. */
static const char *label_escape(char character)
{
	if (character == '\\')
		return "\\\\";
	if (character == '"')
		return "\\\"";
	return character == '\n' ? "\\n" : NULL;
}

char *vqi_printable_label(const char *text)
{
	char *result = malloc(strlen(text) * (sizeof(replacement) - 1) + 1);
	char *out = result;

	while (result && *text) {
		uint32_t code = 0;
		unsigned int len = decode(text, &code);
		const char *escaped = label_escape(*text);

		if (escaped)
			out = mempcpy(out, escaped, 2);
		else if (len && code >= ' ' && (code < 0x7f || code >= 0xa0) && !is_invisible(code))
			out = mempcpy(out, text, len);
		else
			out = mempcpy(out, replacement, sizeof(replacement) - 1);
		text += len ? len : 1;
	}
	if (result)
		*out = '\0';
	return result;
}

void vqi_printable_json_write(FILE *stream, const char *document)
{
	const char *start = document; /* of what is not written yet */

	while (*document) {
		uint32_t code = (unsigned char)*document;
		unsigned int len = code < 0x7f ? 1 : decode(document, &code);

		if ((code >= 0x7f && code < 0xa0) || is_invisible(code)) {
			fwrite(start, 1, (size_t)(document - start), stream);
			fprintf(stream, "\\u%04x", (unsigned int)code);
			start = document + (len ? len : 1);
		}
		document += len ? len : 1;
	}
	fwrite(start, 1, (size_t)(document - start), stream);
}

/* The columns of the character that a text starts with, and its length in bytes. */
static size_t first_width(const char *text, size_t *ret_len)
{
	uint32_t code = 0;
	unsigned int len = decode(text, &code);
	int columns = code < 0x80 ? 1 : wcwidth((wchar_t)code);

	*ret_len = len ? len : 1;
	return columns > 0 ? (size_t)columns : 0;
}

size_t vqi_printable_width(const char *text, size_t len)
{
	size_t width = 0, step;

	for (size_t i = 0; i < len; i += step)
		width += first_width(text + i, &step);
	return width;
}

size_t vqi_printable_cut(const char *text, size_t columns)
{
	size_t width = 0, len = 0, step;

	while (text[len]) {
		width += first_width(text + len, &step);
		if (width > columns)
			break;
		len += step;
	}
	return len;
}
