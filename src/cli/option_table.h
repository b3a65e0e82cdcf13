/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All that is to be known of an option: the parser, --help and the shell completions are made from it. */
#ifndef VQI_CLI_OPTION_TABLE_H
#define VQI_CLI_OPTION_TABLE_H

#include <stdbool.h>
#include <stddef.h>

/* In the order of the help. */
enum vqi_option_id {
	OPT_PID,
	OPT_NAME,
	OPT_ALL,
	OPT_CORE,
	OPT_EXE,
	OPT_DIFF,
	OPT_DEVICE,
	OPT_QUEUE,
	OPT_ONCE,
	OPT_INTERVAL,
	OPT_WATCH,
	OPT_COUNT_LOOKS,
	OPT_UNTIL_STUCK,
	OPT_REQUESTS,
	OPT_STACKS,
	OPT_DUMP_BYTES,
	OPT_STOP,
	OPT_DEBUGINFO,
	OPT_LAYOUT,
	OPT_EXPORT_LAYOUT,
	OPT_NO_CACHE,
	OPT_RECORD,
	OPT_REPLAY,
	OPT_CHECK,
	OPT_FORMAT,
	OPT_OUTPUT,
	OPT_REPORT,
	OPT_COLOR,
	OPT_VERBOSE,
	OPT_QUIET,
	OPT_HELP,
	OPT_VERSION,
	OPT_COUNT
};

/* What an option's value is, and so the type of its member of struct vqi_options. */
enum vqi_option_kind {
	VQI_OPTION_FLAG,    /* none; bool */
	VQI_OPTION_CHOICE,  /* one of some words; an enum */
	VQI_OPTION_NAME,    /* of a VM; const char * */
	VQI_OPTION_FILE,    /* the name of a file; const char * */
	VQI_OPTION_PID,	    /* pid_t */
	VQI_OPTION_NUMBER,  /* within bounds; struct vqi_num */
	VQI_OPTION_SIZE,    /* within bounds; size_t */
	VQI_OPTION_SECONDS, /* within bounds; milliseconds in an unsigned int */
	VQI_OPTION_DEVICE,  /* any number of these: devices and device_count */
};

struct vqi_option_choice {
	const char *word; /* NULL: of an option that has no value */
	int value;
};

struct vqi_option {
	const char *name;
	char letter; /* 0: none */
	enum vqi_option_kind kind;
	const char *value;     /* what the help calls its value; NULL: it has none */
	const char *otherwise; /* its value where it is given without one; NULL: it needs one */
	const char *help;
	size_t at;		/* offset of the member of struct vqi_options */
	bool unique;		/* may not be given twice */
	unsigned long min, max; /* of a number or size; of seconds in milliseconds */
	const struct vqi_option_choice *choices; /* the last has no word */
	const char *
		wanted; /* what a value has to be, as the message puts it, a text not ""; NULL: any will do */
};

extern const struct vqi_option vqi_option_table[OPT_COUNT];

/* The heading of the help that an option is the first under; NULL: it is under the last one. */
const char *vqi_option_heading(enum vqi_option_id id);

#endif
