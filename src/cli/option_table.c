/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "option_table.h"

#include <limits.h>

#include "vqi/limits.h"
#include "vqi/options.h"

#define MAX_INTERVAL_MS 3600000

#define CHOICES(...)	((const struct vqi_option_choice[]){__VA_ARGS__, {NULL, 0}})
#define MEMBER(name_)	.at = offsetof(struct vqi_options, name_)

const struct vqi_option vqi_option_table[OPT_COUNT] = {
	[OPT_PID] = {"pid", 'p', VQI_OPTION_PID, "PID", MEMBER(pid), .unique = true, .min = 1,
		     .max = INT_MAX, .wanted = "a process id",
		     .help = "the QEMU, or qemu-storage-daemon, process"},
	[OPT_NAME] = {"name", 'n', VQI_OPTION_NAME, "NAME", MEMBER(name), .unique = true,
		      .wanted = "a name",
		      .help = "the QEMU whose VM has this name (-name, guest=)"},
	[OPT_ALL] = {"all", 'a', VQI_OPTION_FLAG, MEMBER(all),
		     .help = "every QEMU, and qemu-storage-daemon, of this host"},
	[OPT_CORE] = {"core", 0, VQI_OPTION_FILE, "FILE", MEMBER(core), .unique = true,
		      .help = "in place of a process, a core file of one (gcore, or the kernel's)"},
	[OPT_EXE] = {"exe", 0, VQI_OPTION_FILE, "FILE", MEMBER(exe), .unique = true,
		     .help = "with --core or --diff, where the QEMU that it is of is now"},
	[OPT_DIFF] =
		{"diff", 0, VQI_OPTION_FILE, "OLD NEW", MEMBER(diff_old), .unique = true,
		 .help = "what differs between two recordings or core files, field by field; each may be "
			 "FILE:DEVICE or FILE:DEVICE:QUEUE, to compare these alone"},
	[OPT_DEVICE] = {"device", 'd', VQI_OPTION_DEVICE, "DEVICE", .wanted = "a device",
			.help = "only this device: qdev id, QOM path, PCI address, name of its "
				"drive, netdev or chardev, type (virtio-blk), type with number "
				"(virtio-blk0), or a node or throttle group that its requests go "
				"through; may be given more than once"},
	[OPT_QUEUE] = {"queue", 'q', VQI_OPTION_NUMBER, "N", MEMBER(queue), .unique = true,
		       .max = VQI_MAX_QUEUES - 1, .wanted = "a queue number from 0 to 1023",
		       .help = "only this queue of each device"},
	[OPT_ONCE] = {"once", 0, VQI_OPTION_FLAG, MEMBER(once),
		      .help = "a single look: nothing can be called stuck"},
	[OPT_INTERVAL] = {"interval", 0, VQI_OPTION_SECONDS, "SEC", MEMBER(interval_ms), .min = 1,
			  .max = MAX_INTERVAL_MS,
			  .wanted = "a number of seconds from 0.001 to 3600",
			  .help = "time between the two looks (default: 0.25)"},
	[OPT_WATCH] =
		{"watch", 'w', VQI_OPTION_SECONDS, "SEC", "1", MEMBER(watch_ms), .min = 1,
		 .max = MAX_INTERVAL_MS, .wanted = "a number of seconds from 0.001 to 3600",
		 .help = "keep looking, every SEC seconds (default: 1; with the letter, -w SEC): a screen on a "
			 "terminal, else lines that say what changes, or with --format=json "
			 "a document a line; nothing is stopped"},
	[OPT_COUNT_LOOKS] = {"count", 0, VQI_OPTION_SIZE, "N", MEMBER(count), .min = 1,
			     .max = INT_MAX, .wanted = "a number of looks from 1 on",
			     .help = "with --watch: end after N looks"},
	[OPT_UNTIL_STUCK] = {"until-stuck", 0, VQI_OPTION_FLAG, MEMBER(until_stuck),
			     .help = "with --watch: end with status 1 at the first confirmed "
				     "finding of severity error, and print the report of it"},
	[OPT_REQUESTS] = {"requests", 'r', VQI_OPTION_FLAG, MEMBER(requests),
			  .help = "list the requests in flight, decoded and with their age"},
	[OPT_STACKS] =
		{"stacks", 's', VQI_OPTION_CHOICE, "all", "serving", MEMBER(stacks),
		 .choices = CHOICES({"serving", VQI_STACKS_SERVING}, {"all", VQI_STACKS_ALL}),
		 .wanted = "serving or all",
		 .help = "like --requests, with back traces: where each request waits, and of the "
			 "threads that serve its queue, or of all threads"},
	[OPT_DUMP_BYTES] =
		{"dump-bytes", 0, VQI_OPTION_SIZE, "N", MEMBER(dump_bytes), .min = 1,
		 .max = VQI_MAX_DUMP_BYTES, .wanted = "a number of bytes from 1 to 65536",
		 .help = "like --requests, with the first N bytes of each request's buffers"},
	[OPT_STOP] =
		{"stop", 0, VQI_OPTION_CHOICE, "WHEN", MEMBER(stop),
		 .choices = CHOICES({"auto", VQI_STOP_AUTO}, {"never", VQI_STOP_NEVER},
				    {"always", VQI_STOP_ALWAYS}),
		 .wanted = "auto, never or always",
		 .help = "stop QEMU's threads: auto (default; only where readings never agree), "
			 "never, or always (an exact cut)"},
	[OPT_DEBUGINFO] = {"debuginfo", 0, VQI_OPTION_FILE, "FILE", MEMBER(debuginfo),
			   .help = "take QEMU's debug information from FILE"},
	[OPT_LAYOUT] = {"layout", 0, VQI_OPTION_FILE, "FILE", MEMBER(layout),
			.help = "use a layout profile in place of debug information"},
	[OPT_EXPORT_LAYOUT] = {"export-layout", 0, VQI_OPTION_FILE, "FILE", MEMBER(export_layout),
			       .help = "write a layout profile of this QEMU, and inspect nothing"},
	[OPT_NO_CACHE] = {"no-cache", 0, VQI_OPTION_FLAG, MEMBER(no_cache),
			  .help = "neither use nor keep what debug information has told"},
	[OPT_RECORD] = {"record", 0, VQI_OPTION_FILE, "FILE", MEMBER(record),
			.help = "write what is read of the process into FILE, too"},
	[OPT_REPLAY] = {"replay", 0, VQI_OPTION_FILE, "FILE", MEMBER(replay),
			.help = "inspect what --record has written in place of a process"},
	[OPT_CHECK] =
		{"check", 0, VQI_OPTION_FLAG, MEMBER(check),
		 .help = "say what can be looked into, and what stands in the way, and inspect "
			 "nothing"},
	[OPT_FORMAT] = {"format", 'f', VQI_OPTION_CHOICE, "FORMAT", MEMBER(format),
			.choices = CHOICES({"text", VQI_FORMAT_TEXT}, {"json", VQI_FORMAT_JSON},
					   {"openmetrics", VQI_FORMAT_OPENMETRICS}),
			.wanted = "text, json or openmetrics",
			.help = "text (default), json, or openmetrics: numbers for Prometheus"},
	[OPT_OUTPUT] =
		{"output", 0, VQI_OPTION_FILE, "FILE", MEMBER(output), .unique = true,
		 .help = "write the report to FILE, which is replaced when the report is whole"},
	[OPT_REPORT] = {"report", 0, VQI_OPTION_FILE, "FILE", MEMBER(report),
			.help = "write a report for a bug tracker to FILE, too: Markdown, with "
				"what may be secret in QEMU's command line masked"},
	[OPT_COLOR] = {"color", 0, VQI_OPTION_CHOICE, "WHEN", MEMBER(color),
		       .choices = CHOICES({"auto", VQI_COLOR_AUTO}, {"always", VQI_COLOR_ALWAYS},
					  {"never", VQI_COLOR_NEVER}),
		       .wanted = "auto, always or never",
		       .help = "auto (default), always or never"},
	[OPT_VERBOSE] = {"verbose", 'v', VQI_OPTION_FLAG, MEMBER(verbose),
			 .help = "all queues, and all raw fields"},
	[OPT_QUIET] = {"quiet", 0, VQI_OPTION_FLAG, MEMBER(quiet),
		       .help = "print nothing: the exit status says it"},
	[OPT_HELP] = {"help", 0, VQI_OPTION_CHOICE, MEMBER(action),
		      .choices = CHOICES({NULL, VQI_ACTION_HELP}), .help = "print this"},
	[OPT_VERSION] = {"version", 0, VQI_OPTION_CHOICE, MEMBER(action),
			 .choices = CHOICES({NULL, VQI_ACTION_VERSION}),
			 .help = "print the version"},
};

const char *vqi_option_heading(enum vqi_option_id id)
{
	static const char *const headings[OPT_COUNT] = {
		[OPT_PID] = "What to inspect",
		[OPT_ONCE] = "How to look",
		[OPT_FORMAT] = "How to print it",
	};

	return headings[id];
}
