/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line. */
#ifndef VQI_OPTIONS_H
#define VQI_OPTIONS_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

#include "vqi/capture.h"
#include "vqi/error.h"

struct vqi_known_layouts;

enum vqi_action { VQI_ACTION_INSPECT, VQI_ACTION_HELP, VQI_ACTION_VERSION };
enum vqi_format { VQI_FORMAT_TEXT, VQI_FORMAT_JSON, VQI_FORMAT_OPENMETRICS };
enum vqi_color { VQI_COLOR_AUTO, VQI_COLOR_ALWAYS, VQI_COLOR_NEVER };

struct vqi_options {
	enum vqi_action action;
	pid_t pid;	  /* 0: not given; then one of these is */
	const char *name; /* of the VM; NULL: not given */
	bool all;
	const char *core;		 /* a core file; NULL: not given */
	const char *diff_old, *diff_new; /* what to compare; NULL: not given */
	const char *exe;      /* the executable that this is of; NULL: where the core says */
	const char **devices; /* --device names, as given */
	size_t device_count;
	struct vqi_num queue;
	bool once;
	bool requests;		/* list them; so do the next two */
	enum vqi_stacks stacks; /* and print back traces */
	size_t dump_bytes;	/* and so much of their buffers' contents */
	unsigned int interval_ms;
	unsigned int watch_ms; /* time between the looks of a watch; 0: none */
	size_t count;	       /* of looks, after which it ends; 0: no end */
	bool until_stuck;
	enum vqi_stop_mode stop;
	const char *debuginfo;	   /* NULL: search */
	const char *layout;	   /* a profile; NULL: none */
	const char *export_layout; /* where to write one; NULL: nowhere */
	const char *report;	   /* where to write one for a bug tracker; NULL: nowhere */
	char *const *words;	   /* the command line */
	bool no_cache;
	const char *record; /* where to write a recording; NULL: nowhere */
	const char *replay; /* one to take in place of a process; NULL: none */
	bool check;
	enum vqi_format format;
	const char *output; /* file to write the report to; NULL: standard output */
	enum vqi_color color;
	bool verbose;
	bool quiet;
	const struct vqi_known_layouts *known; /* not from the command line; NULL: none */
	bool closer;	 /* look closer whatever is found, as with a report; of a recording */
	char **recorded; /* devices that a recording names; owned */
	size_t recorded_count;
};

/* Parses a command line. Strings point into argv.
 * Errors: USAGE, NOMEM. */
struct vqi_error *vqi_options_parse(int argc, char **argv,
				    struct vqi_options *ret_options) vqi_must_check;
void vqi_options_done(struct vqi_options *options);

/* Whether the requests in flight are to be listed: --requests, or what implies it. */
bool vqi_options_show_requests(const struct vqi_options *options);
VQI_DEFINE_CLEANUP_VALUE(struct vqi_options, vqi_options_done)

/* Prints what --help says. */
void vqi_options_help(FILE *stream);

#endif
