/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vqi/options.h"

#include <check.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "option_table.h"
#include "unit.h"

#define MAX_WORDS 20

static struct vqi_options options; /* of the last parse() that succeeded */

static void teardown(void)
{
	vqi_options_done(&options);
}

/* Parses a command line, a NULL-terminated list of words without the program's name. */
static struct vqi_error *parse(const char *const *words)
{
	char *argv[MAX_WORDS] = {(char *)"virtq-inspect"};
	int argc = 1;

	for (; *words; words++) {
		ck_assert_int_lt(argc, MAX_WORDS - 1);
		argv[argc++] = (char *)*words;
	}
	vqi_options_done(&options);
	return vqi_options_parse(argc, argv, &options);
}

#define PARSE(...) parse((const char *const[]){__VA_ARGS__, NULL})

START_TEST(test_defaults)
{
	ck_assert_ok(PARSE("--pid", "42"));
	ck_assert_int_eq(options.action, VQI_ACTION_INSPECT);
	ck_assert_int_eq(options.pid, 42);
	ck_assert_ptr_null(options.name);
	ck_assert(!options.all);
	ck_assert_uint_eq(options.device_count, 0);
	ck_assert(!options.queue.known);
	ck_assert(!options.once);
	ck_assert_uint_eq(options.interval_ms, 250);
	ck_assert_int_eq(options.stop, VQI_STOP_AUTO);
	ck_assert_ptr_null(options.debuginfo);
	ck_assert_ptr_null(options.layout);
	ck_assert_ptr_null(options.export_layout);
	ck_assert_int_eq(options.format, VQI_FORMAT_TEXT);
	ck_assert_int_eq(options.color, VQI_COLOR_AUTO);
	ck_assert(!options.verbose && !options.quiet);
}
END_TEST

START_TEST(test_every_option)
{
	ck_assert_ok(PARSE("-p", "1", "-d", "blk0", "--device=net 0", "-q", "1023", "--interval",
			   "1.5", "--stop=always", "--debuginfo", "/d", "--export-layout=/e", "-f",
			   "json", "--color=never", "-v"));
	ck_assert_ptr_null(options.report);
	ck_assert_int_eq(options.pid, 1);
	ck_assert_uint_eq(options.device_count, 2);
	ck_assert_str_eq(options.devices[0], "blk0");
	ck_assert_str_eq(options.devices[1], "net 0");
	ck_assert(vqi_num_is(options.queue, 1023));
	ck_assert_uint_eq(options.interval_ms, 1500);
	ck_assert_int_eq(options.stop, VQI_STOP_ALWAYS);
	ck_assert_str_eq(options.debuginfo, "/d");
	ck_assert_str_eq(options.export_layout, "/e");
	ck_assert_int_eq(options.format, VQI_FORMAT_JSON);
	ck_assert_int_eq(options.color, VQI_COLOR_NEVER);
	ck_assert(options.verbose);

	ck_assert_ok(PARSE("--queue=0", "--once", "--quiet", "--pid=2147483647", "--stop", "never",
			   "--color", "always", "--layout", "/l", "--report=/r"));
	ck_assert_str_eq(options.report, "/r");
	ck_assert_ptr_nonnull(options.words);
	ck_assert_str_eq(options.layout, "/l");
	ck_assert_int_eq(options.pid, 2147483647);
	ck_assert(vqi_num_is(options.queue, 0));
	ck_assert(options.once && options.quiet && !options.verbose);
	ck_assert_int_eq(options.stop, VQI_STOP_NEVER);
	ck_assert_int_eq(options.color, VQI_COLOR_ALWAYS);

	ck_assert(!options.requests && !options.stacks && !options.dump_bytes);
	ck_assert(!options.core && !options.exe && !options.diff_old);

	ck_assert_ok(PARSE("--diff", "/a", "/b:net0", "-fjson", "--exe=/q", "-r"));
	ck_assert_str_eq(options.diff_old, "/a");
	ck_assert_str_eq(options.diff_new, "/b:net0");
	ck_assert_int_eq(options.format, VQI_FORMAT_JSON);

	ck_assert_ok(PARSE("--core", "/c", "--exe=/q", "--once", "--stop=never"));
	ck_assert_int_eq(options.pid, 0);
	ck_assert_str_eq(options.core, "/c");
	ck_assert_str_eq(options.exe, "/q");

	ck_assert_ok(PARSE("-p1", "--record", "/r"));
	ck_assert_str_eq(options.record, "/r");
	ck_assert_ptr_null(options.replay);
	ck_assert_ok(PARSE("--replay=/r", "-d", "blk0", "-q1", "-vfjson", "--color=never",
			   "--output=/o", "--report=/m"));
	ck_assert_str_eq(options.replay, "/r");
	ck_assert_int_eq(options.pid, 0);

	ck_assert_ok(PARSE("--name", "web 1"));
	ck_assert_str_eq(options.name, "web 1");
	ck_assert_int_eq(options.pid, 0);
	ck_assert_ok(PARSE("-n-x", "--check"));
	ck_assert_str_eq(options.name, "-x");
	ck_assert_ok(PARSE("--all", "-fjson", "-dblk0", "-q0"));
	ck_assert(options.all);
	ck_assert_ok(PARSE("-av", "--once"));
	ck_assert(options.all);

	ck_assert_ok(PARSE("-p1", "--requests", "--stacks", "--dump-bytes=64"));
	ck_assert(options.requests);
	ck_assert_int_eq(options.stacks, VQI_STACKS_SERVING);
	ck_assert_uint_eq(options.dump_bytes, 64);
	ck_assert_ok(PARSE("-p1", "-rs"));
	ck_assert(options.requests);
	ck_assert_int_eq(options.stacks, VQI_STACKS_SERVING);
	ck_assert_ok(PARSE("-p1", "--stacks=all"));
	ck_assert(!options.requests);
	ck_assert_int_eq(options.stacks, VQI_STACKS_ALL);

	ck_assert_ptr_null(options.output);
	ck_assert_ok(PARSE("-p1", "--format=openmetrics", "--output", "/o"));
	ck_assert_int_eq(options.format, VQI_FORMAT_OPENMETRICS);
	ck_assert_str_eq(options.output, "/o");

	ck_assert_ok(PARSE("-vp7", "-ftext", "-q3", "--stop=auto", "--color=auto", "--verbose"));
	ck_assert_int_eq(options.pid, 7);
	ck_assert_int_eq(options.format, VQI_FORMAT_TEXT);
	ck_assert(vqi_num_is(options.queue, 3));
}
END_TEST

START_TEST(test_watch)
{
	ck_assert_ok(PARSE("-p1"));
	ck_assert_uint_eq(options.watch_ms, 0);
	ck_assert_uint_eq(options.count, 0);
	ck_assert(!options.until_stuck);
	ck_assert_ok(PARSE("-p1", "--watch"));
	ck_assert_uint_eq(options.watch_ms, 1000);
	ck_assert_int_eq(options.stop, VQI_STOP_NEVER);
	ck_assert_ok(PARSE("-p1", "-w"));
	ck_assert_uint_eq(options.watch_ms, 1000);
	ck_assert_ok(PARSE("-p1", "--watch=0.25", "--count=12", "--until-stuck", "--stop=auto"));
	ck_assert_uint_eq(options.watch_ms, 250);
	ck_assert_uint_eq(options.count, 12);
	ck_assert(options.until_stuck);
	ck_assert_int_eq(options.stop, VQI_STOP_NEVER);
	/* The number can be a word of its own. */
	ck_assert_ok(PARSE("--watch", "0.5", "-p1", "-v"));
	ck_assert_uint_eq(options.watch_ms, 500);
	ck_assert(options.verbose);
	ck_assert_ok(PARSE("-vw", ".5", "-p1"));
	ck_assert_uint_eq(options.watch_ms, 500);
	ck_assert_ok(PARSE("-p1", "-w", "--count", "3"));
	ck_assert_uint_eq(options.watch_ms, 1000);
	ck_assert_uint_eq(options.count, 3);
	ck_assert_ok(PARSE("-p1", "-w", "-f", "openmetrics", "--output=/o"));
	ck_assert_str_eq(options.output, "/o");
}
END_TEST

/* Nothing else is looked at, or needed, once one of these is met. */
START_TEST(test_help_and_version)
{
	ck_assert_ok(PARSE("--help"));
	ck_assert_int_eq(options.action, VQI_ACTION_HELP);
	ck_assert_ok(PARSE("--version"));
	ck_assert_int_eq(options.action, VQI_ACTION_VERSION);
	ck_assert_ok(PARSE("--once", "--interval=1", "--help", "--nonsense"));
	ck_assert_int_eq(options.action, VQI_ACTION_HELP);
	ck_assert_code(PARSE("--nonsense", "--help"), VQI_ERROR_USAGE);
}
END_TEST

START_TEST(test_intervals)
{
	static const struct {
		const char *text;
		unsigned int ms;
	} cases[] = {
		{"0.001", 1},	    {"0.25", 250},	   {".5", 500},
		{"1", 1000},	    {"1.", 1000},	   {"2.50", 2500},
		{"3600", 3600000},  {"3600.000", 3600000}, {"0.0014", 1},
		{"0.0016", 2},	    {"007", 7000},	   {"0.12345678901234567890", 123},
		{"59.9996", 60000},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ck_assert_ok(PARSE("-p1", "--interval", cases[i].text));
		ck_assert_msg(options.interval_ms == cases[i].ms, "%s: %u", cases[i].text,
			      options.interval_ms);
	}
}
END_TEST

/* Whatever decimal point the user's language has: scripts write a full stop. */
START_TEST(test_interval_in_another_locale)
{
	char directory[] = "/tmp/vqi-options-XXXXXX", command[128];

	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(command, sizeof(command),
		 "localedef -i de_DE -f UTF-8 %s/de_DE.UTF-8 >%s/log 2>&1", directory, directory);
	if (system(command) == 0) {
		setenv("LOCPATH", directory, 1);
		ck_assert_ptr_nonnull(setlocale(LC_ALL, "de_DE.UTF-8"));
		ck_assert_str_eq(localeconv()->decimal_point, ",");
	}
	snprintf(command, sizeof(command), "rm -rf %s", directory);
	ck_assert_int_eq(system(command), 0);
	ck_assert_ok(PARSE("-p1", "--interval", "0.5"));
	ck_assert_uint_eq(options.interval_ms, 500);
	ck_assert_code(PARSE("-p1", "--interval", "0,5"), VQI_ERROR_USAGE);
}
END_TEST

/* Command lines that are wrong, and what the message must name. */
static const struct {
	const char *words[6];
	const char *text;
} bad[] = {
	{{NULL}, "--pid PID, --name NAME, --all or --core FILE"},
	{{"--once", NULL}, "--pid PID"},
	{{"42", NULL}, "'42' is not an option"},
	{{"-p1", "42", NULL}, "'42' is not an option"},
	{{"-p1", "--", "--once", NULL}, "'--once' is not an option"},
	{{"-p", NULL}, "-p needs a value"},
	{{"--pid", NULL}, "--pid needs a value"},
	{{"-p1", "-vq", NULL}, "needs a value"},
	{{"-p1", "--format", NULL}, "--format needs a value"},
	{{"-x", NULL}, "unknown option -x"},
	{{"-p1", "--once", "-xv", NULL}, "unknown option -x"},
	{{"-p1", "--once", "-vx", NULL}, "unknown option -x"},
	{{"-vxp1", NULL}, "unknown option -x"},
	{{"--nonsense", NULL}, "--nonsense"},
	{{"-p1", "--once=3", NULL}, "--once=3"},
	{{"-p1", "--verbose=3", NULL}, "--verbose=3"},
	{{"-p1", "--quiet=", NULL}, "--quiet="},
	{{"-p1", "--ver", NULL}, "--ver"}, /* --verbose or --version */
	/* numbers */
	{{"-p", "", NULL}, "--pid: '' is not a process id"},
	{{"-p", "0", NULL}, "--pid: '0'"},
	{{"-p", "-1", NULL}, "--pid: '-1'"},
	{{"-p", "+1", NULL}, "--pid: '+1'"},
	{{"-p", " 1", NULL}, "--pid: ' 1'"},
	{{"-p", "1 ", NULL}, "--pid: '1 '"},
	{{"-p", "0x10", NULL}, "--pid: '0x10'"},
	{{"-p", "1e3", NULL}, "--pid: '1e3'"},
	{{"-p", "qemu", NULL}, "--pid: 'qemu'"},
	{{"-p", "2147483648", NULL}, "--pid: '2147483648'"},
	{{"-p", "4294967297", NULL}, "--pid: '4294967297'"},
	{{"-p", "18446744073709551617", NULL}, "--pid: '18446744073709551617'"},
	{{"-p1", "-q", "-1", NULL}, "--queue: '-1'"},
	{{"-p1", "-q", "1024", NULL}, "--queue: '1024' is not a queue number from 0 to 1023"},
	{{"-p1", "-q", "1.0", NULL}, "--queue: '1.0'"},
	{{"-p1", "-q", "", NULL}, "--queue: ''"},
	{{"-p1", "--interval", "0", NULL}, "--interval: '0' is not a number of seconds"},
	{{"-p1", "--interval", "0.0009", NULL}, "--interval: '0.0009'"},
	{{"-p1", "--interval", "3600.001", NULL}, "--interval: '3600.001'"},
	{{"-p1", "--interval", "-1", NULL}, "--interval: '-1'"},
	{{"-p1", "--interval", "nan", NULL}, "--interval: 'nan'"},
	{{"-p1", "--interval", "inf", NULL}, "--interval: 'inf'"},
	{{"-p1", "--interval", "0x1p3", NULL}, "--interval: '0x1p3'"},
	{{"-p1", "--interval", "1e1", NULL}, "--interval: '1e1'"},
	{{"-p1", "--interval", "1.2.3", NULL}, "--interval: '1.2.3'"},
	{{"-p1", "--interval", ".", NULL}, "--interval: '.'"},
	{{"-p1", "--interval", "", NULL}, "--interval: ''"},
	{{"-p1", "--interval", "1s", NULL}, "--interval: '1s'"},
	{{"-p1", "--interval", "99999999999999999999999999", NULL}, "--interval: '9999"},
	/* words */
	{{"-p1", "-d", "", NULL}, "--device: ''"},
	{{"-p1", "--stop=maybe", NULL}, "--stop: 'maybe' is not auto, never or always"},
	{{"-p1", "--stop=", NULL}, "--stop: ''"},
	{{"-p1", "-f", "xml", NULL}, "--format: 'xml' is not text, json or openmetrics"},
	{{"-p1", "-f", "JSON", NULL}, "--format: 'JSON'"},
	{{"-p1", "--color=yes", NULL}, "--color: 'yes' is not auto, always or never"},
	{{"-p1", "--stacks=some", NULL}, "--stacks: 'some' is not serving or all"},
	{{"-p1", "--dump-bytes=0", NULL},
	 "--dump-bytes: '0' is not a number of bytes from 1 to 65536"},
	{{"-p1", "--dump-bytes=65537", NULL}, "--dump-bytes: '65537'"},
	{{"-p1", "--watch=0", NULL}, "--watch: '0' is not a number of seconds from 0.001 to 3600"},
	{{"-p1", "--watch=", NULL}, "--watch: ''"},
	{{"-p1", "--watch", "1s", NULL}, "--watch: '1s'"},
	{{"-p1", "--watch", "x", NULL}, "'x' is not an option"},
	{{"-p1", "-w=2", NULL}, "behind a letter a value stands without '='"},
	{{"-p1", "-s=all", NULL}, "behind a letter a value stands without '='"},
	{{"-p1", "-w", "1", "2", NULL}, "'2' is not an option"},
	{{"-p1", "-w", "--count=0", NULL}, "--count: '0' is not a number of looks from 1 on"},
	{{"-p1", "--count=2", NULL}, "--count is for --watch"},
	{{"-p1", "--until-stuck", NULL}, "--until-stuck is for --watch"},
	/* contradictions */
	{{"-p1", "-w", "--once", NULL}, "--watch and --once"},
	{{"-p1", "-w", "--interval=1", NULL}, "--watch and --interval"},
	{{"-p1", "-w", "--check", NULL}, "--watch and --check"},
	{{"-p1", "-w", "--export-layout=/e", NULL}, "--watch and --export-layout"},
	{{"-p1", "-w", "--stop=always", NULL}, "--watch and --stop=always"},
	{{"-p1", "-w", "-fopenmetrics", NULL}, "--watch with --format=openmetrics needs --output"},
	{{"-p1", "-w", "--record=/r", NULL}, "--watch with --record needs --until-stuck"},
	{{"-a", "-w", NULL}, "--watch and --all"},
	{{"--core=/c", "-w", NULL}, "--watch and --core"},
	{{"-p1", "-p2", NULL}, "--pid is given twice"},
	{{"-nx", "-ny", NULL}, "--name is given twice"},
	{{"-n", "", NULL}, "--name: '' is not a name"},
	{{"-p1", "-nx", NULL}, "--pid and --name"},
	{{"-p1", "--all", NULL}, "--pid and --all"},
	{{"-nx", "-a", NULL}, "--name and --all"},
	{{"-a", "--check", NULL}, "--all and --check"},
	{{"-a", "--export-layout=-", NULL}, "--all and --export-layout"},
	{{"-p1", "-q1", "-q1", NULL}, "--queue is given twice"},
	{{"-p1", "--once", "--interval", "1", NULL}, "--once and --interval"},
	{{"-p1", "--interval", "0.25", "--once", NULL}, "--once and --interval"},
	{{"-p1", "--quiet", "-v", NULL}, "--quiet and --verbose"},
	{{"-p1", "--quiet", "--format=text", NULL}, "--quiet and --format"},
	{{"-p1", "--check", "--format=json", NULL}, "--check and --format"},
	{{"-p1", "--quiet", "--output=/o", NULL}, "--quiet and --output"},
	{{"-p1", "--check", "--output=/o", NULL}, "--check and --output"},
	{{"-p1", "--export-layout=/l", "--output=/o", NULL}, "--export-layout and --output"},
	{{"-p1", "--output=/o", "--output=/o", NULL}, "--output is given twice"},
	{{"-p1", "--check", "--report=x", NULL}, "--report and --check"},
	{{"-p1", "--export-layout=x", "--report=y", NULL}, "--report and --export-layout"},
	{{"-a", "--report=y", NULL}, "--report and --all"},
	{{"-p1", "--report=y", "--record=y", NULL}, "--record and --report name one file"},
	{{"-p1", "--report=y", "--output=y", NULL}, "--report and --output name one file"},
	{{"-p1", "--record=y", "--output=y", NULL}, "--record and --output name one file"},
	{{"--replay=r", "--report=y", "--output=y", NULL}, "--report and --output name one file"},
	{{"-p1", "--report=-", NULL}, "--report needs a file"},
	{{"-p1", "--record=-", NULL}, "--record needs a file"},
	{{"-a", "--record=y", NULL}, "--record and --all"},
	{{"-p1", "--check", "--record=y", NULL}, "--record and --check"},
	{{"-p1", "--export-layout=x", "--record=y", NULL}, "--record and --export-layout"},
	{{"-p1", "--replay=x", NULL}, "--pid is not for --replay"},
	{{"-nx", "--replay=x", NULL}, "--name is not for --replay"},
	{{"-a", "--replay=x", NULL}, "--all is not for --replay"},
	{{"--replay=x", "--record=y", NULL}, "--record is not for --replay"},
	{{"--core=x", "--record=y", NULL}, "--record and --core"},
	{{"--core=x", "--replay=y", NULL}, "--core is not for --replay"},
	{{"--replay=x", "--once", NULL}, "--once is not for --replay"},
	{{"--replay=x", "--interval=1", NULL}, "--interval is not for --replay"},
	{{"--replay=x", "--stacks", NULL}, "--stacks is not for --replay"},
	{{"--replay=x", "--check", NULL}, "--check is not for --replay"},
	{{"--replay=x", "--layout=y", NULL}, "--layout is not for --replay"},
	{{"--replay=x", "--quiet", "-v", NULL}, "--quiet and --verbose"},
	{{"--replay", NULL}, "--replay needs a value"},
	{{"-p1", "--check", "-dblk0", NULL}, "--check looks at all"},
	{{"-p1", "--check", "-q0", NULL}, "--check looks at all"},
	{{"-p1", "--check", "--once", NULL}, "--check looks at all"},
	{{"-p1", "--check", "--interval=1", NULL}, "--check looks at all"},
	{{"-p1", "--check", "--stop=never", NULL}, "--check looks at all"},
	{{"-p1", "--check", "-r", NULL}, "--check looks at all"},
	{{"-p1", "--check", "-s", NULL}, "--check looks at all"},
	{{"-p1", "--check", "--dump-bytes=1", NULL}, "--check looks at all"},
	{{"-p1", "--check", "--export-layout=-", NULL}, "--check and --export-layout"},
	{{"-p1", "--debuginfo=/d", "--layout=/l", NULL}, "--layout and --debuginfo"},
	{{"-p1", "--core=/c", NULL}, "--pid and --core"},
	{{"--core=/c", "--core=/d", NULL}, "--core is given twice"},
	{{"--core=/c", "--interval=1", NULL}, "--core and --interval"},
	{{"--core=/c", "--stop=always", NULL}, "--core and --stop=always"},
	{{"--core=/c", "--check", NULL}, "--core and --check"},
	{{"-p1", "--exe=/q", NULL}, "--exe is for --core"},
	{{"--diff=/a", NULL}, "--diff needs two files"},
	{{"--diff=/a", "/b", "/c", NULL}, "'/c' is not an option"},
	{{"--diff=/a", "/b", "-p1", NULL}, "--diff and --pid"},
	{{"--diff=/a", "/b", "-dx", NULL}, "--diff and --device"},
	{{"--diff=/a", "/b", "--quiet", NULL}, "--diff and --quiet"},
	{{"--diff=/a", "/b", "--format=openmetrics", NULL}, "text or json"},
};

START_TEST(test_bad_command_lines)
{
	ck_assert_code_text(parse(bad[_i].words), VQI_ERROR_USAGE, bad[_i].text);
}
END_TEST

/* Every long option of the help is one, and takes a value as the help says. */
START_TEST(test_help_lists_options)
{
	vqi_cleanup_free char *help = NULL;
	size_t len, count = 0;
	FILE *stream = open_memstream(&help, &len);

	ck_assert_ptr_nonnull(stream);
	vqi_options_help(stream);
	fclose(stream);
	for (char *line = strtok(help, "\n"); line; line = strtok(NULL, "\n")) {
		char *option = strstr(line, "--"), name[64];
		size_t name_len;

		if (!option || option - line != 6)
			continue;
		name_len = strcspn(option, " =[");
		ck_assert_uint_lt(name_len, sizeof(name));
		memcpy(name, option, name_len);
		name[name_len] = '\0';
		count++;
		if (strcmp(name, "--all") == 0) /* which is in place of --pid */
			ck_assert_ok(PARSE(name));
		else if (strcmp(name, "--until-stuck") == 0)
			ck_assert_ok(PARSE("-p1", "-w", name));
		else if (option[name_len] == '[')
			ck_assert_ok(PARSE("-p1", name));
		else if (option[name_len] == '=' || option[name_len + 1] != ' ')
			ck_assert_code_text(PARSE("-p1", name), VQI_ERROR_USAGE, "needs a value");
		else
			ck_assert_ok(PARSE("-p1", name));
	}
	ck_assert_uint_eq(count, OPT_COUNT);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("options");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, NULL, teardown);
	tcase_add_test(tcase, test_defaults);
	tcase_add_test(tcase, test_every_option);
	tcase_add_test(tcase, test_watch);
	tcase_add_test(tcase, test_help_and_version);
	tcase_add_test(tcase, test_intervals);
	tcase_add_test(tcase, test_interval_in_another_locale);
	tcase_add_loop_test(tcase, test_bad_command_lines, 0, sizeof(bad) / sizeof(bad[0]));
	tcase_add_test(tcase, test_help_lists_options);
	return unit_run("options", tcase);
}
