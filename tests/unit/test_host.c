/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "host.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "target_process.h"
#include "unit.h"
#include "vqi/capture.h"

#define check_text(call, wanted)                                                                   \
	do {                                                                                       \
		vqi_cleanup_free char *text_ = (call);                                             \
		ck_assert_pstr_eq(text_, wanted);                                                  \
	} while (0)

START_TEST(test_kernel)
{
	check_text(vqi_host_kernel("Linux version 6.1.0-18-amd64 (debian-kernel@lists.debian.org) "
				   "(gcc-12 #9 (Debian 12.2.0)) #1 SMP Debian 6.1.76-1\n"),
		   "6.1.0-18-amd64 #1 SMP Debian 6.1.76-1");
	check_text(vqi_host_kernel("Linux version 6.1\n"), "6.1");
	check_text(vqi_host_kernel("other#1"), "other#1");
	check_text(vqi_host_kernel(""), "");
}
END_TEST

START_TEST(test_cpu)
{
	check_text(vqi_host_cpu("processor\t: 0\nmodel name\t: A Processor @ 2GHz\nflags: a\n"
				"model name\t: B\n"),
		   "A Processor @ 2GHz");
	check_text(vqi_host_cpu("xmodel name\t: A\n"), NULL);
	check_text(vqi_host_cpu("model name"), NULL);
	check_text(vqi_host_cpu(""), NULL);
}
END_TEST

START_TEST(test_distribution)
{
	check_text(
		vqi_host_distribution("NAME=x\nPRETTY_NAME=\"Debian GNU/Linux 12\"\nID=debian\n"),
		"Debian GNU/Linux 12");
	check_text(vqi_host_distribution("PRETTY_NAME=Plain"), "Plain");
	check_text(vqi_host_distribution("NOT_PRETTY_NAME=x\n"), NULL);
	check_text(vqi_host_distribution(""), NULL);
}
END_TEST

static void check_accelerator(const char *path, const char *words, size_t len, const char *wanted)
{
	struct vqi_map map = {.path = (char *)path};
	const struct vqi_maps maps = {&map, 1};

	check_text(vqi_host_accelerator(&maps, words, len), wanted);
}
#define check_accelerator_of(path, words, wanted)                                                  \
	check_accelerator(path, words, sizeof(words), wanted)

START_TEST(test_accelerator)
{
	check_accelerator_of("anon_inode:kvm-vcpu:0", "q\0-accel\0tcg", "kvm");
	check_accelerator_of("/lib/x", "q\0-accel\0tcg,thread=multi", "tcg");
	check_accelerator_of(NULL, "q\0--accel\0qtest", "qtest");
	check_accelerator_of(NULL, "q\0-machine\0q35,accel=tcg,usb=off", "tcg");
	check_accelerator_of(NULL, "q\0-M\0accel=tcg", "tcg");
	check_accelerator_of(NULL, "q\0-M\0accel=kvm:tcg", NULL);
	check_accelerator_of(NULL, "q\0-M\0xaccel=tcg", NULL);
	check_accelerator_of(NULL, "q\0accel\0tcg\0-name\0accel=tcg", NULL);
	check_accelerator_of(NULL, "q\0-accel", NULL);
	check_accelerator(NULL, "", 0, NULL);
}
END_TEST

/* Of a process on this very host. */
START_TEST(test_process)
{
	vqi_cleanup_snapshot struct vqi_snapshot *snapshot = vqi_snapshot_new();
	vqi_cleanup_process struct vqi_process *process = NULL;
	struct test_target target;
	struct utsname name;

	vqi_target_start(&target);
	ck_assert_ok(vqi_process_open(target.pid, &process));
	ck_assert_ok(vqi_host_read(process, "/nowhere", snapshot));
	ck_assert_str_eq(snapshot->host.command_line, basename(vqi_target_path()));
	ck_assert_uint_eq(snapshot->host.command_line_len, strlen(basename(vqi_target_path())) + 1);
	uname(&name);
	ck_assert_msg(strncmp(snapshot->host.kernel, name.release, strlen(name.release)) == 0, "%s",
		      snapshot->host.kernel);
	ck_assert_ptr_null(snapshot->host.package);
	ck_assert_ptr_null(snapshot->host.accelerator);
	ck_assert(!snapshot->host.is_replaced);
	vqi_target_end(&target);
}
END_TEST

/* What has ended leaves nothing to say, which is no error. */
START_TEST(test_gone)
{
	vqi_cleanup_snapshot struct vqi_snapshot *snapshot = vqi_snapshot_new();
	vqi_cleanup_process struct vqi_process *process = NULL;
	struct test_target target;

	vqi_target_start(&target);
	ck_assert_ok(vqi_process_open(target.pid, &process));
	vqi_target_end(&target);
	ck_assert_ok(vqi_host_read(process, "/nowhere", snapshot));
	ck_assert_ptr_null(snapshot->host.command_line);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("host");

	tcase_add_test(tcase, test_kernel);
	tcase_add_test(tcase, test_cpu);
	tcase_add_test(tcase, test_distribution);
	tcase_add_test(tcase, test_accelerator);
	tcase_add_test(tcase, test_process);
	tcase_add_test(tcase, test_gone);
	return unit_run("host", tcase);
}
