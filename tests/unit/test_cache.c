/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The cache of layouts: what it keeps, and what it does not believe. */
#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fake_qemu.h"
#include "scratch.h"
#include "unit.h"
#include "vqi/store.h"

static struct fake_qemu *qemu;
static struct vqi_layout kept;
static struct vqi_image image;

static void setup(void)
{
	scratch_make();
	setenv("XDG_CACHE_HOME", scratch_path(""), 1);
	image = (struct vqi_image){.fd = -1, .build_id = (char *)"0badc0de"};
	qemu = fake_qemu_new(1);
	qemu->layout.source = VQI_LAYOUT_DWARF;
}

static void teardown(void)
{
	fake_qemu_free(qemu);
	scratch_remove();
}

static const char *folder(void)
{
	return scratch_path("virtq-inspect/layouts");
}

/* The one file that is there. */
static const char *file(void)
{
	vqi_cleanup_dir DIR *dir = opendir(folder());
	const struct dirent *entry;
	static char name[1024];

	ck_assert_ptr_nonnull(dir);
	name[0] = '\0';
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		ck_assert_msg(!name[0], "a second file: %s", entry->d_name);
		snprintf(name, sizeof(name), "virtq-inspect/layouts/%s", entry->d_name);
	}
	ck_assert_msg(name[0], "there is none");
	return scratch_path(name);
}

static void assert_nothing(void)
{
	memset(&kept, 0x5a, sizeof(kept));
	ck_assert_code(vqi_cache_read(&image, &kept), VQI_ERROR_NO_LAYOUT);
	ck_assert_int_eq(kept.source, 0x5a5a5a5a);
}

START_TEST(test_keeps)
{
	struct stat status;

	assert_nothing();
	ck_assert_ok(vqi_cache_write(&image, &qemu->layout));
	ck_assert_ok(vqi_cache_read(&image, &kept));
	ck_assert_int_eq(kept.source, VQI_LAYOUT_CACHE);
	kept.source = VQI_LAYOUT_DWARF;
	ck_assert_mem_eq(kept.fields, qemu->layout.fields, sizeof(kept.fields));
	ck_assert_mem_eq(kept.structs, qemu->layout.structs, sizeof(kept.structs));
	ck_assert_mem_eq(kept.symbols, qemu->layout.symbols, sizeof(kept.symbols));
	ck_assert_int_eq(stat(file(), &status), 0);
	ck_assert_uint_eq(status.st_mode & 07777, 0644);
	ck_assert_ok(vqi_cache_write(&image, &qemu->layout));
	file();
}
END_TEST

START_TEST(test_other_builds)
{
	ck_assert_ok(vqi_cache_write(&image, &qemu->layout));
	image.build_id = (char *)"0badc0df";
	assert_nothing();
	image.build_id = NULL;
	assert_nothing();
	ck_assert_code(vqi_cache_write(&image, &qemu->layout), VQI_ERROR_NO_LAYOUT);
}
END_TEST

/* A file of another build under this one's name. */
START_TEST(test_says_another_build)
{
	char ours[1024], theirs[1024];

	ck_assert_ok(vqi_cache_write(&image, &qemu->layout));
	snprintf(ours, sizeof(ours), "%s", file());
	ck_assert_int_eq(rename(ours, scratch_path("ours")), 0);
	image.build_id = (char *)"0badc0df";
	ck_assert_ok(vqi_cache_write(&image, &qemu->layout));
	snprintf(theirs, sizeof(theirs), "%s", file());
	ck_assert_int_eq(rename(scratch_path("ours"), theirs), 0);
	assert_nothing();
	image.build_id = (char *)"0badc0de";
	ck_assert_int_eq(rename(theirs, ours), 0);
	ck_assert_ok(vqi_cache_read(&image, &kept));
}
END_TEST

START_TEST(test_is_cut_short)
{
	ck_assert_ok(vqi_cache_write(&image, &qemu->layout));
	ck_assert_int_eq(truncate(file(), 100), 0);
	assert_nothing();
	ck_assert_int_eq(truncate(file(), 0), 0);
	assert_nothing();
	ck_assert_ok(vqi_cache_write(&image, &qemu->layout));
	ck_assert_ok(vqi_cache_read(&image, &kept));
}
END_TEST

START_TEST(test_was_changed)
{
	int fd;

	ck_assert_ok(vqi_cache_write(&image, &qemu->layout));
	fd = open(file(), O_WRONLY | O_CLOEXEC);
	ck_assert_int_eq(pwrite(fd, "\x5a", 1, 200), 1);
	close(fd);
	assert_nothing();
}
END_TEST

START_TEST(test_others_can_write_it)
{
	ck_assert_ok(vqi_cache_write(&image, &qemu->layout));
	ck_assert_int_eq(chmod(file(), 0664), 0);
	assert_nothing();
	ck_assert_int_eq(chmod(file(), 0646), 0);
	assert_nothing();
	ck_assert_int_eq(chmod(file(), 0600), 0);
	ck_assert_int_eq(chmod(folder(), 0777), 0);
	assert_nothing();
	ck_assert_int_eq(chmod(folder(), 0755), 0);
	ck_assert_ok(vqi_cache_read(&image, &kept));
}
END_TEST

START_TEST(test_belongs_to_another)
{
	if (geteuid() != 0)
		return; /* only root can give a file away */
	ck_assert_ok(vqi_cache_write(&image, &qemu->layout));
	ck_assert_int_eq(chown(file(), 65534, 65534), 0);
	assert_nothing();
	ck_assert_int_eq(chown(file(), 0, 0), 0);
	ck_assert_ok(vqi_cache_read(&image, &kept));
	ck_assert_int_eq(chown(folder(), 65534, 65534), 0);
	assert_nothing();
}
END_TEST

START_TEST(test_is_no_file)
{
	char path[1024];

	ck_assert_ok(vqi_cache_write(&image, &qemu->layout));
	snprintf(path, sizeof(path), "%s", file());
	ck_assert_int_eq(rename(path, scratch_path("elsewhere")), 0);
	ck_assert_int_eq(symlink(scratch_path("elsewhere"), path), 0);
	assert_nothing();
	unlink(path);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	assert_nothing(); /* and does not wait */
}
END_TEST

/* What a newer tool needs, an older one has not kept. */
START_TEST(test_lacks_what_is_required)
{
	qemu->layout.fields[VQI_F_VirtQueue_inuse].present = false;
	ck_assert_ok(vqi_cache_write(&image, &qemu->layout));
	assert_nothing();
}
END_TEST

START_TEST(test_cannot_be_written)
{
	int fd = open(scratch_path("virtq-inspect"), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	close(fd);
	ck_assert_code_text(vqi_cache_write(&image, &qemu->layout), VQI_ERROR_SYS, "virtq-inspect");
	assert_nothing();
}
END_TEST

/* Root does not write into what is another's, nor through a link that another has put there. */
START_TEST(test_folder_of_another)
{
	char path[1024];

	snprintf(path, sizeof(path), "%s", scratch_path("virtq-inspect"));
	ck_assert_int_eq(mkdir(scratch_path("elsewhere"), 0755), 0);
	ck_assert_int_eq(symlink(scratch_path("elsewhere"), path), 0);
	ck_assert_code(vqi_cache_write(&image, &qemu->layout), VQI_ERROR_SYS);
	unlink(path);
	ck_assert_int_eq(chmod(scratch_path(""), 0777), 0);
	ck_assert_code(vqi_cache_write(&image, &qemu->layout), VQI_ERROR_PERMISSION);
	ck_assert_int_ne(access(path, F_OK), 0);
	ck_assert_int_ne(access(scratch_path("elsewhere/layouts"), F_OK), 0);
	ck_assert_int_eq(chmod(scratch_path(""), 0755), 0);
	ck_assert_int_eq(mkdir(path, 0777), 0);
	ck_assert_int_eq(chmod(path, 0777), 0);
	ck_assert_code(vqi_cache_write(&image, &qemu->layout), VQI_ERROR_PERMISSION);
}
END_TEST

/* Without $XDG_CACHE_HOME, or with one that is not absolute. */
START_TEST(test_where_it_is)
{
	unsetenv("XDG_CACHE_HOME");
	if (geteuid() != 0) {
		setenv("HOME", scratch_path(""), 1);
		ck_assert_ok(vqi_cache_write(&image, &qemu->layout));
		ck_assert_int_eq(access(scratch_path(".cache/virtq-inspect/layouts"), R_OK), 0);
		unsetenv("HOME");
	}
	setenv("XDG_CACHE_HOME", "relative", 1);
	image.build_id = (char *)"of-no-program"; /* which nobody keeps */
	assert_nothing();
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("cache");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_keeps);
	tcase_add_test(tcase, test_other_builds);
	tcase_add_test(tcase, test_says_another_build);
	tcase_add_test(tcase, test_is_cut_short);
	tcase_add_test(tcase, test_was_changed);
	tcase_add_test(tcase, test_others_can_write_it);
	tcase_add_test(tcase, test_belongs_to_another);
	tcase_add_test(tcase, test_is_no_file);
	tcase_add_test(tcase, test_lacks_what_is_required);
	tcase_add_test(tcase, test_cannot_be_written);
	tcase_add_test(tcase, test_folder_of_another);
	tcase_add_test(tcase, test_where_it_is);
	return unit_run("cache", tcase);
}
