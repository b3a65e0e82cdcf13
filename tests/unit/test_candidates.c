/* SPDX-License-Identifier: GPL-2.0-or-later */
/* On a folder that looks like /proc. */
#include "vqi/candidates.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "scratch.h"
#include "unit.h"

static struct vqi_candidates found;

static void teardown(void)
{
	vqi_candidates_done(&found);
	scratch_remove();
}

static const char *path_of(const char *pid, const char *file)
{
	char name[64];

	snprintf(name, sizeof(name), "%s/%s", pid, file);
	return scratch_path(name);
}

/* words: separated by spaces; NULL: it has no command line to be seen. exe: NULL: it may not be looked at. */
static void add(const char *pid, const char *exe, const char *words)
{
	FILE *file;

	ck_assert_int_eq(mkdir(scratch_path(pid), 0700), 0);
	if (exe)
		ck_assert_int_eq(symlink(exe, path_of(pid, "exe")), 0);
	if (!words)
		return;
	file = fopen(path_of(pid, "cmdline"), "we");
	ck_assert_ptr_nonnull(file);
	for (; *words; words++)
		fputc(*words == ' ' ? '\0' : *words, file);
	fputc('\0', file);
	fclose(file);
}

/* A kernel thread, or a zombie. */
static void add_without_words(const char *pid)
{
	add(pid, NULL, NULL);
	fclose(fopen(path_of(pid, "cmdline"), "we"));
}

/* The pids that are found, in their order. */
static const char *find(void)
{
	static char text[256];
	vqi_cleanup_fd int fd = open(scratch_path("."), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	size_t len = 0;

	vqi_candidates_done(&found);
	ck_assert_ok(vqi_candidates_find(&(struct vqi_candidates_search){.proc_fd = fd}, &found));
	text[0] = '\0';
	for (size_t i = 0; i < found.count; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%d", i ? " " : "",
					(int)found.all[i].pid);
	return text;
}

START_TEST(test_nothing)
{
	add("1", "/sbin/init", "init");
	add("2", "/usr/bin/bash", "bash -c sleep");
	add_without_words("3");
	ck_assert_str_eq(find(), "");
	ck_assert_uint_eq(found.count, 0);
}
END_TEST

START_TEST(test_what_is_found)
{
	static const struct {
		const char *exe, *words;
		bool is_plain;
	} cases[] = {
		{"/usr/bin/qemu-system-x86_64", "/usr/bin/qemu-system-x86_64 -S", true},
		{"/usr/bin/qemu-system-x86_64 (deleted)", "qemu-system-x86_64", true},
		{"/usr/libexec/qemu-kvm", "/usr/libexec/qemu-kvm", true},
		{"/usr/bin/qemu-system-x86_64", "kvm -m 16", true},
		{"/usr/bin/qemu-storage-daemon", "qemu-storage-daemon", true},
		{NULL, "qemu-system-s390x", true}, /* of another user */
		/* these may be one */
		{"/opt/vmm", "vmm -machine q35", false},
		{"/opt/vmm", "vmm --device virtio-blk-pci", false},
		{"/usr/lib/ld-linux.so", "ld-linux.so /usr/bin/qemu-system-x86_64", false},
		{"/usr/bin/qemu-system-x86_64", "web1", false},
		{"/usr/bin/gdb", "gdb /usr/bin/qemu-system-x86_64", false},
		{"/usr/bin/qemu-aarch64", "qemu-aarch64 ls", false},
		{"/usr/sbin/virtqemud", "virtqemud", false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char pid[16];

		snprintf(pid, sizeof(pid), "%zu", i + 10);
		scratch_remove();
		scratch_make();
		add(pid, cases[i].exe, cases[i].words);
		ck_assert_msg(strcmp(find(), pid) == 0, "%s is not found", cases[i].words);
		ck_assert_msg(found.all[0].is_plain == cases[i].is_plain, "%s", cases[i].words);
	}
}
END_TEST

START_TEST(test_what_is_not)
{
	char self[16];

	add("10", "/usr/bin/qemu-system-x86_64", NULL); /* it is ending */
	add("11", NULL, "tail /srv/qemu.log/today");
	add("12", "/usr/bin/bash", "bash -c qemu-system-x86_64_is_a_word_of_a_script_further_on");
	add("13", "/usr/bin/less", "less -N a qemu");
	add("self", "/usr/bin/qemu-system-x86_64", "qemu-system-x86_64");
	add("14a", "/usr/bin/qemu-system-x86_64", "qemu-system-x86_64");
	snprintf(self, sizeof(self), "%d", (int)getpid());
	add(self, "/usr/bin/virtq-inspect", "virtq-inspect --device qemu");
	fclose(fopen(scratch_path("15"), "we")); /* no folder */
	ck_assert_str_eq(find(), "");
}
END_TEST

/* By name, then by pid, as a number; what has no name goes by its program's. */
START_TEST(test_order)
{
	add("100", NULL, "qemu-kvm -name web1");
	add("9", NULL, "qemu-kvm -name web1");
	add("20", NULL, "/bin/qemu-kvm");
	add("30", NULL, "qemu-kvm -name guest=a,debug-threads=on");
	add("8", NULL, "qemu-kvm -name zoo");
	ck_assert_str_eq(find(), "30 20 9 100 8");
	ck_assert_str_eq(vqi_candidate_label(&found.all[0]), "a");
	ck_assert_str_eq(vqi_candidate_label(&found.all[1]), "qemu-kvm");
	ck_assert_ptr_null(found.all[1].vm_name);
	ck_assert_str_eq(found.all[4].vm_name, "zoo");
}
END_TEST

/* Who runs the same executable can be told, as far as it may be looked at. */
START_TEST(test_executable)
{
	struct stat file;

	fclose(fopen(scratch_path("qemu-kvm"), "we"));
	ck_assert_int_eq(stat(scratch_path("qemu-kvm"), &file), 0);
	add("1", scratch_path("qemu-kvm"), "qemu-kvm");
	add("2", NULL, "qemu-kvm");
	ck_assert_str_eq(find(), "1 2");
	ck_assert_uint_eq(found.all[0].inode, file.st_ino);
	ck_assert_uint_eq(found.all[0].dev, file.st_dev);
	ck_assert_uint_eq(found.all[1].inode, 0);
}
END_TEST

static pid_t begun[8];
static size_t begun_count;

static void note(pid_t pid, void *context)
{
	ck_assert_ptr_eq(context, begun);
	begun[begun_count++] = pid;
}

/* Whose command line would keep one waiting, as the other end of a FIFO does, is told by its executable alone. */
START_TEST(test_stubborn)
{
	static const pid_t stubborn[] = {7, 8};
	struct vqi_candidates_search search = {
		.begin = note, .context = begun, .stubborn = stubborn, .stubborn_count = 2};
	vqi_cleanup_fd int fd = open(scratch_path("."), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	add("7", "/usr/bin/qemu-system-x86_64", NULL);
	add("8", "/usr/bin/sleep", NULL);
	add("9", NULL, "qemu-kvm -name web1");
	ck_assert_int_eq(mkfifo(path_of("7", "cmdline"), 0600), 0);
	ck_assert_int_eq(mkfifo(path_of("8", "cmdline"), 0600), 0);
	search.proc_fd = fd;
	ck_assert_ok(vqi_candidates_find(&search, &found));
	ck_assert_uint_eq(found.count, 2);
	ck_assert_int_eq(found.all[0].pid, 7);
	ck_assert_str_eq(found.all[0].program, "qemu-system-x86_64");
	ck_assert(found.all[0].is_plain && !found.all[0].vm_name);
	ck_assert_int_eq(found.all[1].pid, 9);
	ck_assert_uint_eq(begun_count, 1);
	ck_assert_int_eq(begun[0], 9);
}
END_TEST

/* Of a real procfs: this process is not among what it finds. */
START_TEST(test_real)
{
	vqi_cleanup_fd int fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	ck_assert_ok(vqi_candidates_find(&(struct vqi_candidates_search){.proc_fd = fd}, &found));
	for (size_t i = 0; i < found.count; i++)
		ck_assert_int_ne(found.all[i].pid, getpid());
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("candidates");

	tcase_add_checked_fixture(tcase, scratch_make, teardown);
	tcase_add_test(tcase, test_nothing);
	tcase_add_test(tcase, test_what_is_found);
	tcase_add_test(tcase, test_what_is_not);
	tcase_add_test(tcase, test_order);
	tcase_add_test(tcase, test_executable);
	tcase_add_test(tcase, test_stubborn);
	tcase_add_test(tcase, test_real);
	return unit_run("candidates", tcase);
}
