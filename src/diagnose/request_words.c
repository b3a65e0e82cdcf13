/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests and back traces in a few words. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "describe.h"

#define KIB	     1024u
#define FRAMES_NAMED 4	   /* in a few words */
#define EXACT_MS     10000 /* from which on an age is said in seconds */

/* Ends a stream that was opened with open_memstream(); NULL without memory. */
static char *finish(FILE *stream, char **text)
{
	bool failed = ferror(stream);

	if (fclose(stream) == 0 && !failed)
		return *text;
	free(*text);
	return NULL;
}

/* ---- requests ---- */

static void print_bytes(FILE *stream, uint64_t bytes)
{
	if (bytes && bytes % (KIB * KIB) == 0)
		fprintf(stream, "%" PRIu64 " MiB", bytes / (KIB * KIB));
	else if (bytes && bytes % KIB == 0)
		fprintf(stream, "%" PRIu64 " KiB", bytes / KIB);
	else
		fprintf(stream, "%" PRIu64 " byte%s", bytes, bytes == 1 ? "" : "s");
}

static void print_detail(FILE *stream, const struct vqi_detail *detail)
{
	if (strcmp(detail->name, "len") == 0 && detail->number.known) {
		print_bytes(stream, detail->number.value);
		return;
	}
	fprintf(stream, "%s ", detail->name);
	if (detail->text)
		fputs(detail->text, stream);
	else if (detail->number.known)
		fprintf(stream, "%" PRIu64, detail->number.value);
	else
		fputc('-', stream);
}

uint64_t vqi_age_number(uint64_t ms)
{
	return ms < EXACT_MS ? ms : ms / 1000;
}

const char *vqi_age_unit(uint64_t ms)
{
	return ms < EXACT_MS ? "ms" : "s";
}

static void print_age(FILE *stream, const struct vqi_request *request)
{
	if (request->age == VQI_AGE_UNKNOWN)
		return;
	fprintf(stream, ", for %" PRIu64 " %s", vqi_age_number(request->age_ms),
		vqi_age_unit(request->age_ms));
	if (request->age == VQI_AGE_AT_LEAST)
		fputs(" or more", stream);
}

char *vqi_request_words(const struct vqi_request *request)
{
	char *text = NULL;
	size_t len;
	FILE *stream = open_memstream(&text, &len);

	if (!stream)
		return NULL;
	fputs(request->kind ? request->kind : "request", stream);
	for (size_t i = 0; i < request->detail_count; i++) {
		fputs(i ? ", " : " ", stream);
		print_detail(stream, &request->details[i]);
	}
	fprintf(stream, "%s head %u", request->detail_count ? "," : ":", request->head);
	print_age(stream, request);
	if (request->may_be_untaken)
		fputs(" (or not taken yet: vhost does not tell)", stream);
	else if (request->is_candidate && request->source == VQI_REQUEST_QEMU)
		fputs(" (or completed by now)", stream);
	else if (request->is_candidate)
		fputs(" (or completed: the ring does not tell)", stream);
	else if (request->source == VQI_REQUEST_RING)
		fputs(" (known from the ring)", stream);
	return finish(stream, &text);
}

/* ---- back traces ---- */

/* What every coroutine that waits, and every thread, has around it; and how it waits. */
static bool is_machinery(const char *function)
{
	static const char *const beginnings[] = {
		/* coroutines */
		"qemu_coroutine_",
		"qemu_co_",
		"coroutine_trampoline",
		"aio_co_",
		"__start_context",
		"makecontext",
		"qio_channel_",
		/* threads */
		"start_thread",
		"clone",
		"__clone",
		"qemu_thread_start",
		"_start",
		"__libc_start",
		/* locks */
		"qemu_mutex_lock",
		"pthread_mutex_lock",
		"___pthread_mutex_lock",
		"__lll_lock_wait",
		"__GI___lll_lock_wait",
		"futex_wait",
		/* polling */
		"ppoll",
		"__ppoll",
		"poll",
		"__poll",
		"__GI_ppoll",
		"__GI___poll",
		"epoll_",
		"qemu_poll_ns",
		"fdmon_",
		"aio_poll",
		"bdrv_poll_co",
		"os_host_main_loop_wait",
		"qemu_main_loop",
		"qemu_default_main",
		"main",
		"g_main_",
		"iothread_run",
	};

	for (size_t i = 0; i < sizeof(beginnings) / sizeof(beginnings[0]); i++) {
		if (strncmp(function, beginnings[i], strlen(beginnings[i])) == 0)
			return true;
	}
	return false;
}

/* The innermost functions that say more than how something waits; of a thread that has no others, the innermost alone. */
char *vqi_stack_words(const struct vqi_stack *stack)
{
	const char *innermost = NULL;
	char *text = NULL;
	size_t len, named = 0;
	FILE *stream = open_memstream(&text, &len);

	if (!stream)
		return NULL;
	for (size_t i = 0; i < stack->count && named < FRAMES_NAMED; i++) {
		const char *function = stack->frames[i].function;

		innermost = innermost ? innermost : function;
		if (!function || is_machinery(function))
			continue;
		fprintf(stream, "%s%s", named == 1 ? ", called by " : named ? ", " : "", function);
		named++;
	}
	if (!named && stack->count)
		fputs(innermost ? innermost : "functions without names", stream);
	return finish(stream, &text);
}
