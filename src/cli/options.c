/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vqi/options.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "vqi/limits.h"

#define DEFAULT_INTERVAL_MS 250
#define MAX_INTERVAL_S	    3600

#define SHORT_OPTIONS	    ":p:d:q:f:v"

/* Long options without a letter of their own. */
enum {
	OPT_ONCE = 256,
	OPT_INTERVAL,
	OPT_STOP,
	OPT_DEBUGINFO,
	OPT_LAYOUT,
	OPT_EXPORT_LAYOUT,
	OPT_NO_CACHE,
	OPT_CHECK,
	OPT_COLOR,
	OPT_QUIET,
	OPT_HELP,
	OPT_VERSION,
};

static const struct option long_options[] = {
	{"pid", required_argument, NULL, 'p'},
	{"device", required_argument, NULL, 'd'},
	{"queue", required_argument, NULL, 'q'},
	{"once", no_argument, NULL, OPT_ONCE},
	{"interval", required_argument, NULL, OPT_INTERVAL},
	{"stop", required_argument, NULL, OPT_STOP},
	{"debuginfo", required_argument, NULL, OPT_DEBUGINFO},
	{"layout", required_argument, NULL, OPT_LAYOUT},
	{"export-layout", required_argument, NULL, OPT_EXPORT_LAYOUT},
	{"no-cache", no_argument, NULL, OPT_NO_CACHE},
	{"check", no_argument, NULL, OPT_CHECK},
	{"format", required_argument, NULL, 'f'},
	{"color", required_argument, NULL, OPT_COLOR},
	{"verbose", no_argument, NULL, 'v'},
	{"quiet", no_argument, NULL, OPT_QUIET},
	{"help", no_argument, NULL, OPT_HELP},
	{"version", no_argument, NULL, OPT_VERSION},
	{NULL, 0, NULL, 0},
};

void vqi_options_help(FILE *stream)
{
	fputs("Usage: virtq-inspect --pid PID [OPTION]...\n"
	      "Show where the requests of a running QEMU's virtio devices are, and what is stuck.\n"
	      "\n"
	      "What to inspect:\n"
	      "  -p, --pid PID         the QEMU process\n"
	      "  -d, --device DEVICE   only this device: qdev id, QOM path, PCI address, name of its\n"
	      "                        drive, netdev or chardev, type (virtio-blk), type with number\n"
	      "                        (virtio-blk0), or a node or throttle group that its requests go\n"
	      "                        through; may be given more than once\n"
	      "  -q, --queue N         only this queue of each device\n"
	      "\n"
	      "How to look:\n"
	      "      --once            a single look: nothing can be called stuck\n"
	      "      --interval SEC    time between the two looks (default: 0.25)\n"
	      "      --stop=WHEN       stop QEMU's threads: auto (default; only where readings never\n"
	      "                        agree), never, or always (an exact cut)\n"
	      "      --debuginfo FILE  take QEMU's debug information from FILE\n"
	      "      --layout FILE     use a layout profile in place of debug information\n"
	      "      --export-layout FILE\n"
	      "                        write a layout profile of this QEMU, and inspect nothing\n"
	      "      --no-cache        neither use nor keep what debug information has told\n"
	      "      --check           say what can be looked into, and what stands in the way, and\n"
	      "                        inspect nothing\n"
	      "\n"
	      "How to print it:\n"
	      "  -f, --format=FORMAT   text (default) or json\n"
	      "      --color=WHEN      auto (default), always or never\n"
	      "  -v, --verbose         all queues, and all raw fields\n"
	      "      --quiet           print nothing: the exit status says it\n"
	      "      --help            print this\n"
	      "      --version         print the version\n"
	      "\n"
	      "Exit status:\n"
	      "  0  inspected; nothing is stuck\n"
	      "  1  inspected; at least one finding of severity error\n"
	      "  2  wrong usage: unknown option, bad value, no such device or queue\n"
	      "  3  could not inspect: no such process, not a QEMU, no permission, no layout for it\n"
	      "  4  inspected in part: no error found, but gaps where one could hide\n",
	      stream);
}

static struct vqi_error *bad_value(const char *option, const char *value, const char *wanted)
{
	return vqi_error_new(VQI_ERROR_USAGE, "%s: '%s' is not %s", option, value, wanted);
}

/* A decimal number of digits only: no sign, no space, no 0x. */
static struct vqi_error *parse_number(const char *option, const char *value, unsigned long min,
				      unsigned long max, const char *wanted,
				      unsigned long *ret_number)
{
	unsigned long number;
	char *end;

	errno = 0;
	number = strtoul(value, &end, 10);
	if (!value[0] || strspn(value, "0123456789") != strlen(value) || *end || errno ||
	    number < min || number > max)
		return bad_value(option, value, wanted);
	*ret_number = number;
	return NULL;
}

/* strtod() would want the decimal point of the user's language, and take "nan" and "0x1p3". */
static bool parse_decimal(const char *text, double *ret_number)
{
	double number = 0, divisor = 1;
	bool digits = false, point = false;

	for (; *text; text++) {
		if (*text == '.' && !point) {
			point = true;
			continue;
		}
		if (*text < '0' || *text > '9')
			return false;
		digits = true;
		number = number * 10 + (*text - '0');
		divisor *= point ? 10 : 1;
	}
	*ret_number = number / divisor;
	return digits;
}

static struct vqi_error *parse_interval(const char *value, unsigned int *ret_ms)
{
	double seconds;

	if (!parse_decimal(value, &seconds) || !(seconds >= 0.001 && seconds <= MAX_INTERVAL_S))
		return bad_value("--interval", value, "a number of seconds from 0.001 to 3600");
	*ret_ms = (unsigned int)lround(seconds * 1000);
	return NULL;
}

struct choice {
	const char *word;
	int value;
};

static struct vqi_error *parse_choice(const char *option, const char *value,
				      const struct choice *choices, const char *wanted,
				      int *ret_value)
{
	for (; choices->word; choices++) {
		if (strcmp(choices->word, value) == 0) {
			*ret_value = choices->value;
			return NULL;
		}
	}
	return bad_value(option, value, wanted);
}

static struct vqi_error *add_device(struct vqi_options *options, const char *name)
{
	const char **grown;

	if (!name[0])
		return bad_value("--device", name, "a device");
	grown = reallocarray(options->devices, options->device_count + 1, sizeof(*grown));
	if (!grown)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	options->devices = grown;
	options->devices[options->device_count++] = name;
	return NULL;
}

/* What was given, beyond the values: contradictions are found when all is read. */
struct given {
	bool interval, format;
};

static struct vqi_error *parse_option(int option, struct vqi_options *options, struct given *given)
{
	static const struct choice stops[] = {{"auto", VQI_STOP_AUTO},
					      {"never", VQI_STOP_NEVER},
					      {"always", VQI_STOP_ALWAYS},
					      {NULL, 0}};
	static const struct choice formats[] = {
		{"text", VQI_FORMAT_TEXT}, {"json", VQI_FORMAT_JSON}, {NULL, 0}};
	static const struct choice colors[] = {{"auto", VQI_COLOR_AUTO},
					       {"always", VQI_COLOR_ALWAYS},
					       {"never", VQI_COLOR_NEVER},
					       {NULL, 0}};
	struct vqi_error *error = NULL;
	unsigned long number = 0;
	int choice = 0;

	switch (option) {
	case 'p':
		if (options->pid)
			return vqi_error_new(VQI_ERROR_USAGE, "--pid is given twice");
		error = parse_number("--pid", optarg, 1, INT_MAX, "a process id", &number);
		options->pid = (pid_t)number;
		break;
	case 'd':
		error = add_device(options, optarg);
		break;
	case 'q':
		if (options->queue.known)
			return vqi_error_new(VQI_ERROR_USAGE, "--queue is given twice");
		error = parse_number("--queue", optarg, 0, VQI_MAX_QUEUES - 1,
				     "a queue number from 0 to 1023", &number);
		options->queue = VQI_NUM(number);
		break;
	case OPT_ONCE:
		options->once = true;
		break;
	case OPT_INTERVAL:
		given->interval = true;
		error = parse_interval(optarg, &options->interval_ms);
		break;
	case OPT_STOP:
		error = parse_choice("--stop", optarg, stops, "auto, never or always", &choice);
		options->stop = (enum vqi_stop_mode)choice;
		break;
	case OPT_DEBUGINFO:
		options->debuginfo = optarg;
		break;
	case OPT_LAYOUT:
		options->layout = optarg;
		break;
	case OPT_EXPORT_LAYOUT:
		options->export_layout = optarg;
		break;
	case OPT_NO_CACHE:
		options->no_cache = true;
		break;
	case OPT_CHECK:
		options->check = true;
		break;
	case 'f':
		given->format = true;
		error = parse_choice("--format", optarg, formats, "text or json", &choice);
		options->format = (enum vqi_format)choice;
		break;
	case OPT_COLOR:
		error = parse_choice("--color", optarg, colors, "auto, always or never", &choice);
		options->color = (enum vqi_color)choice;
		break;
	case 'v':
		options->verbose = true;
		break;
	case OPT_QUIET:
		options->quiet = true;
		break;
	case OPT_HELP:
		options->action = VQI_ACTION_HELP;
		break;
	case OPT_VERSION:
		options->action = VQI_ACTION_VERSION;
		break;
	}
	return error;
}

static struct vqi_error *check_options(const struct vqi_options *options, const struct given *given)
{
	if (options->action != VQI_ACTION_INSPECT)
		return NULL;
	if (!options->pid)
		return vqi_error_new(VQI_ERROR_USAGE, "what to inspect is missing: --pid PID");
	if (options->layout && options->debuginfo)
		return vqi_error_new(VQI_ERROR_USAGE,
				     "--layout and --debuginfo contradict each other");
	if (options->check && options->export_layout)
		return vqi_error_new(VQI_ERROR_USAGE,
				     "--check and --export-layout contradict each other");
	if (options->check && (options->device_count || options->queue.known || options->once ||
			       given->interval || options->stop != VQI_STOP_AUTO))
		return vqi_error_new(VQI_ERROR_USAGE,
				     "--check looks at all, and once: nothing is to be chosen");
	if (options->check && given->format)
		return vqi_error_new(VQI_ERROR_USAGE, "--check and --format contradict each other");
	if (options->once && given->interval)
		return vqi_error_new(VQI_ERROR_USAGE,
				     "--once and --interval contradict each other");
	if (options->quiet && options->verbose)
		return vqi_error_new(VQI_ERROR_USAGE,
				     "--quiet and --verbose contradict each other");
	if (options->quiet && given->format)
		return vqi_error_new(VQI_ERROR_USAGE, "--quiet and --format contradict each other");
	return NULL;
}

/* word is the one before optind: of short options that stand together only the last moves that on. */
static struct vqi_error *bad_option(int what, const char *word)
{
	if (what == ':')
		return vqi_error_new(VQI_ERROR_USAGE, "%s needs a value", word);
	if (optopt > 0 && optopt < OPT_ONCE && !strchr(SHORT_OPTIONS, optopt))
		return vqi_error_new(VQI_ERROR_USAGE, "unknown option -%c", optopt);
	return vqi_error_new(VQI_ERROR_USAGE, "unknown option or needless value: %s", word);
}

void vqi_options_done(struct vqi_options *options)
{
	free(options->devices);
	options->devices = NULL;
}

struct vqi_error *vqi_options_parse(int argc, char **argv, struct vqi_options *ret_options)
{
	vqi_cleanup(vqi_options_done) struct vqi_options options = {.interval_ms =
									    DEFAULT_INTERVAL_MS};
	struct vqi_error *error = NULL;
	struct given given = {0};
	int option;

	optind = 0; /* starts anew: tests parse more than once */
	opterr = 0;
	while (!error && options.action == VQI_ACTION_INSPECT &&
	       (option = getopt_long(argc, argv, SHORT_OPTIONS, long_options, NULL)) != -1) {
		if (option == ':' || option == '?')
			return bad_option(option, argv[optind - 1]);
		error = parse_option(option, &options, &given);
	}
	if (!error && options.action == VQI_ACTION_INSPECT && optind < argc)
		error = vqi_error_new(VQI_ERROR_USAGE, "'%s' is not an option", argv[optind]);
	if (!error)
		error = check_options(&options, &given);
	if (error)
		return error;
	*ret_options = options;
	options.devices = NULL;
	return NULL;
}
