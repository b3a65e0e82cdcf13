/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vqi/options.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "vqi/limits.h"

#define DEFAULT_INTERVAL_MS 250
#define MAX_INTERVAL_S	    3600

#define SHORT_OPTIONS	    ":p:d:q:rsf:v"

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
	      "  -r, --requests        list the requests in flight, decoded and with their age\n"
	      "  -s, --stacks[=all]    the same with back traces: where each request waits, and of the\n"
	      "                        threads that serve its queue, or of all threads\n"
	      "      --dump-bytes N    the same with the first N bytes of each request's buffers\n"
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

struct choice {
	const char *word; /* NULL: of an option that has no value */
	int value;
};

/* What to do when an option is met. */
struct spec {
	const char *name;
	char letter; /* 0: none */
	int has_arg; /* as getopt_long() has it */
	struct vqi_error *(*take)(const struct spec *spec, const char *value,
				  struct vqi_options *options);
	size_t at;   /* offset of the member of struct vqi_options, where take() asks for it */
	bool unique; /* may not be given twice */
	/* Of take_choice(), for a member that is an enum. The last has no word. */
	const struct choice *choices;
	const char *wanted; /* what a value has to be, as the message puts it */
};

static void *member_of(const struct spec *spec, struct vqi_options *options)
{
	return (char *)options + spec->at;
}

static struct vqi_error *bad_value(const struct spec *spec, const char *value)
{
	return vqi_error_new(VQI_ERROR_USAGE, "--%s: '%s' is not %s", spec->name, value,
			     spec->wanted);
}

/* A decimal number of digits only: no sign, no space, no 0x. */
static struct vqi_error *parse_number(const struct spec *spec, const char *value, unsigned long min,
				      unsigned long max, unsigned long *ret_number)
{
	unsigned long number;
	char *end;

	errno = 0;
	number = strtoul(value, &end, 10);
	if (!value[0] || strspn(value, "0123456789") != strlen(value) || *end || errno ||
	    number < min || number > max)
		return bad_value(spec, value);
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

static struct vqi_error *take_pid(const struct spec *spec, const char *value,
				  struct vqi_options *options)
{
	unsigned long number;
	struct vqi_error *error = parse_number(spec, value, 1, INT_MAX, &number);

	if (!error)
		options->pid = (pid_t)number;
	return error;
}

static struct vqi_error *take_queue(const struct spec *spec, const char *value,
				    struct vqi_options *options)
{
	unsigned long number;
	struct vqi_error *error = parse_number(spec, value, 0, VQI_MAX_QUEUES - 1, &number);

	if (!error)
		options->queue = VQI_NUM(number);
	return error;
}

static struct vqi_error *take_size(const struct spec *spec, const char *value,
				   struct vqi_options *options)
{
	unsigned long number;
	struct vqi_error *error = parse_number(spec, value, 1, VQI_MAX_DUMP_BYTES, &number);

	if (!error)
		*(size_t *)member_of(spec, options) = number;
	return error;
}

static struct vqi_error *take_interval(const struct spec *spec, const char *value,
				       struct vqi_options *options)
{
	double seconds;

	if (!parse_decimal(value, &seconds) || !(seconds >= 0.001 && seconds <= MAX_INTERVAL_S))
		return bad_value(spec, value);
	options->interval_ms = (unsigned int)lround(seconds * 1000);
	return NULL;
}

static struct vqi_error *take_device(const struct spec *spec, const char *value,
				     struct vqi_options *options)
{
	const char **grown;

	if (!value[0])
		return bad_value(spec, value);
	grown = reallocarray(options->devices, options->device_count + 1, sizeof(*grown));
	if (!grown)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	options->devices = grown;
	options->devices[options->device_count++] = value;
	return NULL;
}

static struct vqi_error *take_flag(const struct spec *spec, const char *value,
				   struct vqi_options *options)
{
	(void)value;
	*(bool *)member_of(spec, options) = true;
	return NULL;
}

static struct vqi_error *take_text(const struct spec *spec, const char *value,
				   struct vqi_options *options)
{
	*(const char **)member_of(spec, options) = value;
	return NULL;
}

/* Without a value it is the first. */
static struct vqi_error *take_choice(const struct spec *spec, const char *value,
				     struct vqi_options *options)
{
	const struct choice *choice = spec->choices;

	while (value && choice->word && strcmp(choice->word, value) != 0)
		choice++;
	if (value && !choice->word)
		return bad_value(spec, value);
	*(int *)member_of(spec, options) = choice->value;
	return NULL;
}

#define CHOICES(...)  ((const struct choice[]){__VA_ARGS__, {NULL, 0}})
#define MEMBER(name_) .at = offsetof(struct vqi_options, name_)

enum {
	OPT_PID,
	OPT_DEVICE,
	OPT_QUEUE,
	OPT_ONCE,
	OPT_INTERVAL,
	OPT_REQUESTS,
	OPT_STACKS,
	OPT_DUMP_BYTES,
	OPT_STOP,
	OPT_DEBUGINFO,
	OPT_LAYOUT,
	OPT_EXPORT_LAYOUT,
	OPT_NO_CACHE,
	OPT_CHECK,
	OPT_FORMAT,
	OPT_COLOR,
	OPT_VERBOSE,
	OPT_QUIET,
	OPT_HELP,
	OPT_VERSION,
	OPT_COUNT
};

static const struct spec specs[OPT_COUNT] = {
	[OPT_PID] = {"pid", 'p', required_argument, take_pid, .unique = true,
		     .wanted = "a process id"},
	[OPT_DEVICE] = {"device", 'd', required_argument, take_device, .wanted = "a device"},
	[OPT_QUEUE] = {"queue", 'q', required_argument, take_queue, .unique = true,
		       .wanted = "a queue number from 0 to 1023"},
	[OPT_ONCE] = {"once", 0, no_argument, take_flag, MEMBER(once)},
	[OPT_INTERVAL] = {"interval", 0, required_argument, take_interval,
			  .wanted = "a number of seconds from 0.001 to 3600"},
	[OPT_REQUESTS] = {"requests", 'r', no_argument, take_flag, MEMBER(requests)},
	[OPT_STACKS] = {"stacks", 's', optional_argument, take_choice, MEMBER(stacks),
			.choices =
				CHOICES({"serving", VQI_STACKS_SERVING}, {"all", VQI_STACKS_ALL}),
			.wanted = "serving or all"},
	[OPT_DUMP_BYTES] = {"dump-bytes", 0, required_argument, take_size, MEMBER(dump_bytes),
			    .wanted = "a number of bytes from 1 to 65536"},
	[OPT_STOP] = {"stop", 0, required_argument, take_choice, MEMBER(stop),
		      .choices = CHOICES({"auto", VQI_STOP_AUTO}, {"never", VQI_STOP_NEVER},
					 {"always", VQI_STOP_ALWAYS}),
		      .wanted = "auto, never or always"},
	[OPT_DEBUGINFO] = {"debuginfo", 0, required_argument, take_text, MEMBER(debuginfo)},
	[OPT_LAYOUT] = {"layout", 0, required_argument, take_text, MEMBER(layout)},
	[OPT_EXPORT_LAYOUT] = {"export-layout", 0, required_argument, take_text,
			       MEMBER(export_layout)},
	[OPT_NO_CACHE] = {"no-cache", 0, no_argument, take_flag, MEMBER(no_cache)},
	[OPT_CHECK] = {"check", 0, no_argument, take_flag, MEMBER(check)},
	[OPT_FORMAT] = {"format", 'f', required_argument, take_choice, MEMBER(format),
			.choices = CHOICES({"text", VQI_FORMAT_TEXT}, {"json", VQI_FORMAT_JSON}),
			.wanted = "text or json"},
	[OPT_COLOR] = {"color", 0, required_argument, take_choice, MEMBER(color),
		       .choices = CHOICES({"auto", VQI_COLOR_AUTO}, {"always", VQI_COLOR_ALWAYS},
					  {"never", VQI_COLOR_NEVER}),
		       .wanted = "auto, always or never"},
	[OPT_VERBOSE] = {"verbose", 'v', no_argument, take_flag, MEMBER(verbose)},
	[OPT_QUIET] = {"quiet", 0, no_argument, take_flag, MEMBER(quiet)},
	[OPT_HELP] = {"help", 0, no_argument, take_choice, MEMBER(action),
		      .choices = CHOICES({NULL, VQI_ACTION_HELP})},
	[OPT_VERSION] = {"version", 0, no_argument, take_choice, MEMBER(action),
			 .choices = CHOICES({NULL, VQI_ACTION_VERSION})},
};

/* What getopt_long() returns for an option, above all letters. */
#define RETURNED(option_) (256 + (option_))

/* Fills in what getopt_long() wants; the end is there already. */
static void fill_long_options(struct option *long_options)
{
	for (int i = 0; i < OPT_COUNT; i++)
		long_options[i] =
			(struct option){specs[i].name, specs[i].has_arg, NULL, RETURNED(i)};
}

/* The option that getopt_long() has returned. */
static int option_of(int returned)
{
	for (int i = 0; i < OPT_COUNT; i++) {
		if (returned == RETURNED(i) || (specs[i].letter && returned == specs[i].letter))
			return i;
	}
	return OPT_COUNT;
}

/* What was given, beyond the values: contradictions are found when all is read. */
struct given {
	bool is[OPT_COUNT];
};

static struct vqi_error *parse_option(int option, struct vqi_options *options, struct given *given)
{
	const struct spec *spec = &specs[option];

	if (spec->unique && given->is[option])
		return vqi_error_new(VQI_ERROR_USAGE, "--%s is given twice", spec->name);
	given->is[option] = true;
	return spec->take(spec, optarg, options);
}

static const struct {
	int one, other;
} contradictions[] = {
	{OPT_LAYOUT, OPT_DEBUGINFO}, {OPT_CHECK, OPT_EXPORT_LAYOUT}, {OPT_CHECK, OPT_FORMAT},
	{OPT_ONCE, OPT_INTERVAL},    {OPT_QUIET, OPT_VERBOSE},	     {OPT_QUIET, OPT_FORMAT},
};

static struct vqi_error *check_options(const struct vqi_options *options, const struct given *given)
{
	if (options->action != VQI_ACTION_INSPECT)
		return NULL;
	if (!options->pid)
		return vqi_error_new(VQI_ERROR_USAGE, "what to inspect is missing: --pid PID");
	for (size_t i = 0; i < sizeof(contradictions) / sizeof(contradictions[0]); i++) {
		int one = contradictions[i].one, other = contradictions[i].other;

		if (given->is[one] && given->is[other])
			return vqi_error_new(VQI_ERROR_USAGE, "--%s and --%s contradict each other",
					     specs[one].name, specs[other].name);
	}
	if (options->check && (options->device_count || options->queue.known || options->once ||
			       vqi_options_show_requests(options) || given->is[OPT_INTERVAL] ||
			       options->stop != VQI_STOP_AUTO))
		return vqi_error_new(VQI_ERROR_USAGE,
				     "--check looks at all, and once: nothing is to be chosen");
	return NULL;
}

/* word is the one before optind: of short options that stand together only the last moves that on. */
static struct vqi_error *bad_option(int what, const char *word)
{
	if (what == ':')
		return vqi_error_new(VQI_ERROR_USAGE, "%s needs a value", word);
	if (optopt > 0 && option_of(optopt) == OPT_COUNT)
		return vqi_error_new(VQI_ERROR_USAGE, "unknown option -%c", optopt);
	return vqi_error_new(VQI_ERROR_USAGE, "unknown option or needless value: %s", word);
}

bool vqi_options_show_requests(const struct vqi_options *options)
{
	return options->requests || options->stacks || options->dump_bytes;
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
	struct option long_options[OPT_COUNT + 1] = {0};
	struct given given = {0};
	int returned;

	fill_long_options(long_options);
	optind = 0; /* starts anew: tests parse more than once */
	opterr = 0;
	while (!error && options.action == VQI_ACTION_INSPECT &&
	       (returned = getopt_long(argc, argv, SHORT_OPTIONS, long_options, NULL)) != -1) {
		if (returned == ':' || returned == '?')
			return bad_option(returned, argv[optind - 1]);
		error = parse_option(option_of(returned), &options, &given);
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
