/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A watch without a target, for tests of its screen on a terminal: screen-driver SAMPLE [WORD]...
 *
 * A sample is drawn after three looks, a second apart by a clock of its own. Words: color; live, a look every 50 ms;
 * and what R does instead of writing a report: abort, error, gone (the target). What it ends with is printed. */
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sample.h"
#include "vqi/history.h"
#include "vqi/report.h"
#include "vqi/screen.h"

#define SECOND UINT64_C(1000000000)

static volatile sig_atomic_t ended;

struct driver {
	struct vqi_sample sample;
	struct vqi_screen *screen;
	struct vqi_history *history;
	uint64_t now_ns;
	bool live, aborts, fails, is_gone;
};

static const struct {
	const char *name;
	void (*fill)(struct vqi_sample *sample);
} samples[] = {
	{"empty", vqi_sample_empty},	 {"healthy", vqi_sample_healthy},
	{"stuck", vqi_sample_stuck},	 {"requests", vqi_sample_requests},
	{"packed", vqi_sample_packed},	 {"vhost", vqi_sample_vhost},
	{"unknown", vqi_sample_unknown}, {"hostile", vqi_sample_hostile},
};

static void on_signal(int number)
{
	ended = number;
}

/* What is busy goes on: so many a look, the depth going up and down. */
static void go_on(struct vqi_sample *sample, unsigned int look)
{
	for (size_t i = 0; i < sample->queue_count; i++) {
		struct vqi_queue *queue = &sample->queues[i];
		unsigned int depth = look % 8;

		if (queue->state != VQI_QUEUE_BUSY || queue->ring == VQI_RING_PACKED)
			continue;
		queue->used_idx.value += 100;
		queue->used_ring_idx = queue->used_idx;
		queue->avail_idx.value = queue->used_idx.value + depth;
	}
}

static struct vqi_error *look(struct driver *driver, unsigned int number)
{
	struct vqi_error *error;

	go_on(&driver->sample, number);
	driver->now_ns += SECOND;
	driver->sample.snapshot.capture.time.tv_sec++;
	error = vqi_history_add(driver->history, &driver->sample.snapshot, driver->now_ns);
	return error ? error
		     : vqi_screen_draw(driver->screen, driver->history, &driver->sample.snapshot,
				       &driver->sample.diagnosis);
}

/* Writes of the queue that is asked for; nothing where it is gone. */
static struct vqi_error *describe(struct driver *driver, const struct vqi_screen_action *action,
				  FILE *stream)
{
	const struct vqi_report_options options = {
		.requests = true,
		.verbose = true,
		.width = vqi_screen_width(driver->screen),
	};

	for (size_t i = 0; i < driver->sample.snapshot.device_count; i++) {
		const struct vqi_device *device = &driver->sample.devices[i];
		const char *label = vqi_device_label(device);

		if (strcmp(label ? label : "", action->device) == 0 &&
		    device->vdev_addr == action->vdev_addr && action->queue < device->queue_count)
			return vqi_report_queue(stream, &driver->sample.snapshot,
						&driver->sample.diagnosis, device,
						&device->queues[action->queue], &options);
	}
	return NULL;
}

static struct vqi_error *look_closer(struct driver *driver, const struct vqi_screen_action *action)
{
	vqi_cleanup_free char *text = NULL;
	size_t len = 0;
	FILE *stream = open_memstream(&text, &len);
	char title[256];
	struct vqi_error *error;

	snprintf(title, sizeof(title), "%s queue %u", action->device, action->queue);
	error = describe(driver, action, stream);
	fclose(stream);
	return error ? error : vqi_screen_show_text(driver->screen, title, text);
}

static struct vqi_error *report(struct driver *driver)
{
	if (driver->aborts)
		abort();
	if (driver->fails)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory, says the driver");
	if (driver->is_gone)
		return vqi_error_new(VQI_ERROR_GONE, "the target ended");
	return vqi_screen_message(driver->screen, "report written to web1.md");
}

static struct vqi_error *run(struct driver *driver)
{
	struct vqi_screen_action action = {.kind = VQI_SCREEN_NONE};
	struct vqi_error *error = NULL;
	unsigned int number = 0;

	while (!error && !ended && action.kind != VQI_SCREEN_QUIT) {
		struct timespec now;
		uint64_t until;

		if (driver->live || number < 3)
			error = look(driver, number++);
		if (error || number < 3)
			continue;
		clock_gettime(CLOCK_MONOTONIC, &now);
		until = (uint64_t)now.tv_sec * SECOND + (uint64_t)now.tv_nsec;
		error = vqi_screen_wait(driver->screen,
					until + (driver->live ? SECOND / 20 : 600 * SECOND),
					&action);
		if (!error && action.kind == VQI_SCREEN_CLOSER_LOOK)
			error = look_closer(driver, &action);
		if (!error && action.kind == VQI_SCREEN_REPORT)
			error = report(driver);
	}
	return error;
}

/* Signals are let in only while the screen waits. */
static void set_up_signals(sigset_t *ret_mask)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
	const struct sigaction action = {.sa_handler = on_signal};
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		sigaction(signals[i], &action, NULL);
		sigaddset(&set, signals[i]);
	}
	sigprocmask(SIG_BLOCK, &set, ret_mask);
}

int main(int argc, char **argv)
{
	static struct driver driver;
	vqi_cleanup_error struct vqi_error *error = NULL;
	struct vqi_screen_options options = {.interval_ms = 1000};
	sigset_t mask;

	setlocale(LC_CTYPE, "");
	for (size_t i = 0; argc > 1 && i < sizeof(samples) / sizeof(samples[0]); i++) {
		if (strcmp(samples[i].name, argv[1]) == 0)
			samples[i].fill(&driver.sample);
	}
	for (int i = 2; i < argc; i++) {
		options.color |= strcmp(argv[i], "color") == 0;
		driver.live |= strcmp(argv[i], "live") == 0;
		driver.aborts |= strcmp(argv[i], "abort") == 0;
		driver.fails |= strcmp(argv[i], "error") == 0;
		driver.is_gone |= strcmp(argv[i], "gone") == 0;
	}
	set_up_signals(&mask);
	options.wait_mask = &mask;
	error = vqi_history_new(&driver.history);
	if (!error)
		error = vqi_screen_open(&options, &driver.screen);
	if (!error)
		error = run(&driver);
	vqi_screen_close(driver.screen);
	vqi_history_free(driver.history);
	if (error)
		printf("driver: error: %s\n", error->message);
	else if (ended)
		printf("driver: signal %d\n", (int)ended);
	else
		puts("driver: end");
	return error || ended ? EXIT_FAILURE : EXIT_SUCCESS;
}
