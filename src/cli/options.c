/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vqi/options.h"

#include <errno.h>
#include <getopt.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "option_table.h"

#define DEFAULT_INTERVAL_MS 250

static void *member_of(const struct vqi_option *option, struct vqi_options *options)
{
	return (char *)options + option->at;
}

static struct vqi_error *bad_value(const struct vqi_option *option, const char *value)
{
	return vqi_error_new(VQI_ERROR_USAGE, "--%s: '%s' is not %s", option->name, value,
			     option->wanted);
}

/* A decimal number of digits only: no sign, no space, no 0x. */
static struct vqi_error *parse_number(const struct vqi_option *option, const char *value,
				      unsigned long *ret_number)
{
	unsigned long number;
	char *end;

	errno = 0;
	number = strtoul(value, &end, 10);
	if (!value[0] || strspn(value, "0123456789") != strlen(value) || *end || errno ||
	    number < option->min || number > option->max)
		return bad_value(option, value);
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

static struct vqi_error *take_number(const struct vqi_option *option, const char *value,
				     struct vqi_options *options)
{
	void *member = member_of(option, options);
	unsigned long number;
	struct vqi_error *error = parse_number(option, value, &number);

	if (error)
		return error;
	if (option->kind == VQI_OPTION_PID)
		*(pid_t *)member = (pid_t)number;
	else if (option->kind == VQI_OPTION_SIZE)
		*(size_t *)member = number;
	else
		*(struct vqi_num *)member = VQI_NUM(number);
	return NULL;
}

static struct vqi_error *take_seconds(const struct vqi_option *option, const char *value,
				      struct vqi_options *options)
{
	double seconds;

	if (!parse_decimal(value, &seconds) || !(seconds * 1000 >= (double)option->min) ||
	    !(seconds * 1000 <= (double)option->max))
		return bad_value(option, value);
	*(unsigned int *)member_of(option, options) = (unsigned int)(seconds * 1000 + 0.5);
	return NULL;
}

static struct vqi_error *take_device(const struct vqi_option *option, const char *value,
				     struct vqi_options *options)
{
	const char **grown;

	if (!value[0])
		return bad_value(option, value);
	grown = reallocarray(options->devices, options->device_count + 1, sizeof(*grown));
	if (!grown)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	options->devices = grown;
	options->devices[options->device_count++] = value;
	return NULL;
}

/* Where there is no value, there is but one choice. */
static struct vqi_error *take_choice(const struct vqi_option *option, const char *value,
				     struct vqi_options *options)
{
	const struct vqi_option_choice *choice = option->choices;

	while (value && choice->word && strcmp(choice->word, value) != 0)
		choice++;
	if (value && !choice->word)
		return bad_value(option, value);
	*(int *)member_of(option, options) = choice->value;
	return NULL;
}

static struct vqi_error *take(const struct vqi_option *option, const char *value,
			      struct vqi_options *options)
{
	switch (option->kind) {
	case VQI_OPTION_FLAG:
		*(bool *)member_of(option, options) = true;
		return NULL;
	case VQI_OPTION_NAME:
	case VQI_OPTION_FILE:
		if (option->wanted && !value[0])
			return bad_value(option, value);
		*(const char **)member_of(option, options) = value;
		return NULL;
	case VQI_OPTION_CHOICE:
		return take_choice(option, value, options);
	case VQI_OPTION_PID:
	case VQI_OPTION_NUMBER:
	case VQI_OPTION_SIZE:
		return take_number(option, value, options);
	case VQI_OPTION_SECONDS:
		return take_seconds(option, value, options);
	case VQI_OPTION_DEVICE:
		return take_device(option, value, options);
	}
	return NULL;
}

/* What getopt_long() returns for an option, above all letters. */
#define RETURNED(option_) (256 + (option_))

static int has_arg(const struct vqi_option *option)
{
	if (!option->value)
		return no_argument;
	return option->otherwise ? optional_argument : required_argument;
}

/* Writes the letters as getopt_long() wants them; a colon in front makes it tell a missing value. */
static void fill_letters(char letters[1 + 2 * OPT_COUNT + 1])
{
	*letters++ = ':';
	for (int i = 0; i < OPT_COUNT; i++) {
		if (!vqi_option_table[i].letter)
			continue;
		*letters++ = vqi_option_table[i].letter;
		if (has_arg(&vqi_option_table[i]) == required_argument)
			*letters++ = ':';
	}
	*letters = '\0';
}

/* Fills in what getopt_long() wants; the end is there already. */
static void fill_long_options(struct option *long_options)
{
	for (int i = 0; i < OPT_COUNT; i++)
		long_options[i] = (struct option){vqi_option_table[i].name,
						  has_arg(&vqi_option_table[i]), NULL, RETURNED(i)};
}

/* The option that getopt_long() has returned. */
static int option_of(int returned)
{
	for (int i = 0; i < OPT_COUNT; i++) {
		if (returned == RETURNED(i) || returned == vqi_option_table[i].letter)
			return i;
	}
	return OPT_COUNT;
}

/* What was given, beyond the values: contradictions are found when all is read. */
struct given {
	bool is[OPT_COUNT];
};

static struct vqi_error *parse_option(int id, struct vqi_options *options, struct given *given)
{
	const struct vqi_option *option = &vqi_option_table[id];

	if (option->unique && given->is[id])
		return vqi_error_new(VQI_ERROR_USAGE, "--%s is given twice", option->name);
	given->is[id] = true;
	return take(option, optarg ? optarg : option->otherwise, options);
}

/* getopt_long() wants "--watch=2"; as no word stands alone here, "--watch 2" can mean nothing else. */
static void take_next_word(int id, int argc, char **argv)
{
	if (optarg || vqi_option_table[id].kind != VQI_OPTION_SECONDS || optind >= argc)
		return;
	if (strchr(".0123456789", argv[optind][0]) && argv[optind][0])
		optarg = argv[optind++];
}

static const struct {
	int one, other;
} contradictions[] = {
	{OPT_LAYOUT, OPT_DEBUGINFO}, {OPT_CHECK, OPT_EXPORT_LAYOUT},
	{OPT_CHECK, OPT_FORMAT},     {OPT_PID, OPT_NAME},
	{OPT_PID, OPT_ALL},	     {OPT_NAME, OPT_ALL},
	{OPT_ALL, OPT_CHECK},	     {OPT_ALL, OPT_EXPORT_LAYOUT},
	{OPT_ONCE, OPT_INTERVAL},    {OPT_QUIET, OPT_VERBOSE},
	{OPT_QUIET, OPT_FORMAT},     {OPT_QUIET, OPT_OUTPUT},
	{OPT_CHECK, OPT_OUTPUT},     {OPT_EXPORT_LAYOUT, OPT_OUTPUT},
	{OPT_REPORT, OPT_CHECK},     {OPT_REPORT, OPT_EXPORT_LAYOUT},
	{OPT_REPORT, OPT_ALL},	     {OPT_PID, OPT_CORE},
	{OPT_NAME, OPT_CORE},	     {OPT_ALL, OPT_CORE},
	{OPT_CORE, OPT_INTERVAL},    {OPT_CORE, OPT_CHECK},
	{OPT_RECORD, OPT_CHECK},     {OPT_RECORD, OPT_ALL},
	{OPT_RECORD, OPT_CORE},	     {OPT_RECORD, OPT_EXPORT_LAYOUT},
	{OPT_WATCH, OPT_CORE},	     {OPT_WATCH, OPT_ALL},
	{OPT_WATCH, OPT_ONCE},	     {OPT_WATCH, OPT_INTERVAL},
	{OPT_WATCH, OPT_CHECK},	     {OPT_WATCH, OPT_EXPORT_LAYOUT},
};

/* What is compared was kept: there is nothing else to choose, or to do. */
static struct vqi_error *check_diff(const struct vqi_options *options, const struct given *given)
{
	static const int others[] = {OPT_PID,	   OPT_NAME,	   OPT_ALL,	      OPT_CORE,
				     OPT_RECORD,   OPT_REPLAY,	   OPT_DEVICE,	      OPT_QUEUE,
				     OPT_CHECK,	   OPT_REPORT,	   OPT_EXPORT_LAYOUT, OPT_STOP,
				     OPT_INTERVAL, OPT_DUMP_BYTES, OPT_WATCH,	      OPT_QUIET};

	if (!options->diff_new)
		return vqi_error_new(VQI_ERROR_USAGE, "--diff needs two files");
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		if (given->is[others[i]])
			return vqi_error_new(VQI_ERROR_USAGE,
					     "--diff and --%s contradict each other",
					     vqi_option_table[others[i]].name);
	}
	if (options->format == VQI_FORMAT_OPENMETRICS)
		return vqi_error_new(VQI_ERROR_USAGE, "--diff prints text or json");
	return NULL;
}

/* Two files of one name would be one. Standard output is for what is printed. */
static struct vqi_error *check_files(const struct vqi_options *options)
{
	const struct {
		const char *option, *file;
	} files[] = {
		{"record", options->record},
		{"report", options->report},
		{"output", options->output},
	};

	for (size_t i = 0; i < 3; i++) {
		if (i < 2 && files[i].file && strcmp(files[i].file, "-") == 0)
			return vqi_error_new(
				VQI_ERROR_USAGE,
				"--%s needs a file; standard output is for what is printed",
				files[i].option);
		for (size_t j = i + 1; files[i].file && j < 3; j++) {
			if (files[j].file && strcmp(files[i].file, files[j].file) == 0)
				return vqi_error_new(VQI_ERROR_USAGE, "--%s and --%s name one file",
						     files[i].option, files[j].option);
		}
	}
	return NULL;
}

/* A watch stops nothing. */
static struct vqi_error *check_watch(struct vqi_options *options)
{
	if (!options->watch_ms && (options->count || options->until_stuck))
		return vqi_error_new(VQI_ERROR_USAGE, "--%s is for --watch",
				     options->count ? "count" : "until-stuck");
	if (!options->watch_ms)
		return NULL;
	if (options->stop == VQI_STOP_ALWAYS)
		return vqi_error_new(VQI_ERROR_USAGE,
				     "--watch and --stop=always contradict each other");
	if (options->format == VQI_FORMAT_OPENMETRICS && !options->output)
		return vqi_error_new(VQI_ERROR_USAGE,
				     "--watch with --format=openmetrics needs --output");
	if (options->record && !options->until_stuck)
		return vqi_error_new(VQI_ERROR_USAGE, "--watch with --record needs --until-stuck");
	options->stop = VQI_STOP_NEVER;
	return NULL;
}

static struct vqi_error *check_contradictions(const struct given *given)
{
	for (size_t i = 0; i < sizeof(contradictions) / sizeof(contradictions[0]); i++) {
		int one = contradictions[i].one, other = contradictions[i].other;

		if (given->is[one] && given->is[other])
			return vqi_error_new(VQI_ERROR_USAGE, "--%s and --%s contradict each other",
					     vqi_option_table[one].name,
					     vqi_option_table[other].name);
	}
	return NULL;
}

/* What was read is in the recording, and no more. */
static struct vqi_error *check_replay(const struct given *given)
{
	static const bool allowed[OPT_COUNT] = {
		[OPT_REPLAY] = true, [OPT_DEVICE] = true, [OPT_QUEUE] = true,
		[OPT_FORMAT] = true, [OPT_COLOR] = true,  [OPT_VERBOSE] = true,
		[OPT_QUIET] = true,  [OPT_OUTPUT] = true, [OPT_REPORT] = true,
	};

	for (int i = 0; i < OPT_COUNT; i++) {
		if (given->is[i] && !allowed[i])
			return vqi_error_new(VQI_ERROR_USAGE,
					     "--%s is not for --replay: what was read is in the "
					     "recording",
					     vqi_option_table[i].name);
	}
	return check_contradictions(given);
}

static struct vqi_error *check_options(struct vqi_options *options, const struct given *given)
{
	struct vqi_error *error;

	if (options->action != VQI_ACTION_INSPECT)
		return NULL;
	if (options->diff_old)
		return check_diff(options, given);
	error = check_files(options);
	if (error)
		return error;
	if (options->replay)
		return check_replay(given);
	if (!options->pid && !options->name && !options->all && !options->core)
		return vqi_error_new(
			VQI_ERROR_USAGE,
			"what to inspect is missing: --pid PID, --name NAME, --all or --core FILE");
	error = check_contradictions(given);
	if (error)
		return error;
	if (options->exe && !options->core)
		return vqi_error_new(VQI_ERROR_USAGE, "--exe is for --core");
	if (options->core && options->stop == VQI_STOP_ALWAYS)
		return vqi_error_new(VQI_ERROR_USAGE,
				     "--core and --stop=always contradict each other");
	if (options->check && (options->device_count || options->queue.known || options->once ||
			       vqi_options_show_requests(options) || given->is[OPT_INTERVAL] ||
			       options->stop != VQI_STOP_AUTO))
		return vqi_error_new(VQI_ERROR_USAGE,
				     "--check looks at all, and once: nothing is to be chosen");
	return check_watch(options);
}

/* word is the one before optind: of short options that stand together only the last moves that on. */
static struct vqi_error *bad_option(int what, const char *word)
{
	if (what == ':')
		return vqi_error_new(VQI_ERROR_USAGE, "%s needs a value", word);
	if (optopt == '=')
		return vqi_error_new(VQI_ERROR_USAGE, "behind a letter a value stands without '='");
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
	for (size_t i = 0; i < options->recorded_count; i++)
		free(options->recorded[i]);
	free(options->recorded);
	free(options->devices);
	options->recorded = NULL;
	options->devices = NULL;
}

struct vqi_error *vqi_options_parse(int argc, char **argv, struct vqi_options *ret_options)
{
	vqi_cleanup(vqi_options_done) struct vqi_options options = {
		.interval_ms = DEFAULT_INTERVAL_MS,
		.words = argv,
	};
	struct vqi_error *error = NULL;
	struct option long_options[OPT_COUNT + 1] = {0};
	char letters[1 + 2 * OPT_COUNT + 1];
	struct given given = {0};
	int returned;

	fill_letters(letters);
	fill_long_options(long_options);
	optind = 0; /* starts anew: tests parse more than once */
	opterr = 0;
	while (!error && options.action == VQI_ACTION_INSPECT &&
	       (returned = getopt_long(argc, argv, letters, long_options, NULL)) != -1) {
		if (returned == ':' || returned == '?')
			return bad_option(returned, argv[optind - 1]);
		take_next_word(option_of(returned), argc, argv);
		error = parse_option(option_of(returned), &options, &given);
	}
	if (!error && options.diff_old && optind < argc) /* it has two values */
		options.diff_new = argv[optind++];
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
