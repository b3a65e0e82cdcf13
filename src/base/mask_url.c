/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of files and disk images, which may be URLs. */
#include <stdlib.h>
#include <string.h>

#include "mask_private.h"
#include "vqi/cleanup.h"
#include "vqi/mask.h"

/* Parameters of URLs that have no secret. Source: block/nbd.c. */
static const char *const parameters[] = {"socket", NULL};
/* Options of a Ceph image. Source: block/rbd.c. */
static const char *const rbd_options[] = {"id", "conf", "mon_host", NULL};
/* What begins a name that may have secrets, where it is inside another's. */
static const char *const markers[] = {"rbd:", "json:", "data:", "exec:", NULL};

/* The @ that ends the user and password at the start of text; NULL: there is none. Passwords that should have been
 * encoded, with a slash in them, are thought of. */
static const char *find_user_end(const char *text)
{
	size_t len = strcspn(text, "/?#");
	const char *end = memrchr(text, '@', len);

	if (!end && (memchr(text, ':', len) || memchr(text, '%', len)))
		end = strrchr(text, '@');
	return end;
}

static void write_user(FILE *out, const char **text)
{
	const char *end = find_user_end(*text);

	if (!end)
		return;
	fputs(VQI_MASK, out);
	*text = end;
}

/* name=value: all of it when the name is in the list, else nothing. */
static void write_parameter(FILE *out, const char *text, size_t len, const char *const *harmless)
{
	const char *equals = memchr(text, '=', len);
	vqi_cleanup_free char *name = strndup(text, equals ? (size_t)(equals - text) : 0);

	if (equals && name && vqi_mask_is_one_of(name, harmless))
		fprintf(out, "%.*s", (int)len, text);
	else
		fputs(VQI_MASK, out);
}

/* What is behind the ? of a URL. With a colon in it, another name may follow: "blkverify:URL:NAME". */
static void write_parameters(FILE *out, const char *text)
{
	fputc('?', out);
	while (*text) {
		size_t len = strcspn(text, "&;#");

		if (memchr(text, ':', len))
			fputs(VQI_MASK, out);
		else if (len)
			write_parameter(out, text, len, parameters);
		text += len;
		if (*text == '#') {
			fputs("#" VQI_MASK, out);
			return;
		}
		if (*text)
			fputc(*text++, out);
	}
}

/* What is behind the :// of a URL. A filter's name may have another URL in it. */
static void write_url(FILE *out, const char *text)
{
	for (;;) {
		const char *next;
		size_t len;

		write_user(out, &text);
		len = strcspn(text, "?#");
		next = strstr(text, "://");
		if (!next || next > text + len) {
			fprintf(out, "%.*s", (int)len, text);
			if (text[len] == '?')
				write_parameters(out, text + len + 1);
			else if (text[len])
				fputs("#" VQI_MASK, out);
			return;
		}
		fprintf(out, "%.*s://", (int)(next - text), text);
		text = next + 3;
	}
}

/* Where the next of a Ceph image's options begins: a colon with a backslash before it is none. */
static size_t rbd_part(const char *text)
{
	size_t len = 0;

	while (text[len] && text[len] != ':')
		len += text[len] == '\\' && text[len + 1] ? 2 : 1;
	return len;
}

/* POOL/IMAGE[:OPTION=VALUE]... */
static void write_rbd(FILE *out, const char *text)
{
	size_t len = rbd_part(text);

	fprintf(out, "rbd:%.*s", (int)len, text);
	while (text[len]) {
		text += len + 1;
		len = rbd_part(text);
		fputc(':', out);
		if (len)
			write_parameter(out, text, len, rbd_options);
	}
}

/* The first marker, NULL when there is none, and what is behind it. */
static const char *find_marker(const char *name, const char **ret_rest)
{
	const char *first = NULL;

	for (const char *const *marker = markers; *marker; marker++) {
		const char *at = strstr(name, *marker);

		if (at && (!first || at < first)) {
			first = at;
			*ret_rest = at + strlen(*marker);
		}
	}
	return first;
}

static bool skip(const char **text, const char *prefix)
{
	size_t len = strlen(prefix);

	if (strncmp(*text, prefix, len) != 0)
		return false;
	*text += len;
	return true;
}

void vqi_mask_file(FILE *out, const char *name)
{
	const char *scheme = strstr(name, "://");
	const char *rest = name;
	const char *marker = find_marker(name, &rest);

	if (skip(&name, "json:")) {
		fputs("json:", out);
		vqi_mask_json(out, name);
	} else if (skip(&name, "exec:")) {
		fputs("exec:" VQI_MASK, out);
	} else if (skip(&name, "data:")) {
		fputs("data:" VQI_MASK, out);
	} else if (skip(&name, "rbd:")) {
		write_rbd(out, name);
	} else if (marker && (scheme || strchr(name, '@'))) {
		/* The marker may be inside a password. */
		fputs(VQI_MASK, out);
	} else if (marker) {
		fprintf(out, "%.*s" VQI_MASK, (int)(rest - name), name);
	} else if (scheme) {
		fprintf(out, "%.*s://", (int)(scheme - name), name);
		write_url(out, scheme + strlen("://"));
	} else {
		/* One that begins with a slash, or has no colon before an @, has no password. */
		if (memchr(name, ':', strcspn(name, "/@")))
			write_user(out, &name);
		fputs(name, out);
	}
}

char *vqi_mask_file_name(const char *name)
{
	char *masked = NULL;
	size_t len;
	FILE *out = open_memstream(&masked, &len);
	bool failed;

	if (!out)
		return NULL;
	vqi_mask_file(out, name);
	failed = ferror(out) != 0;
	if (!fclose(out) && !failed)
		return masked;
	free(masked);
	return NULL;
}
