/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which profiles may fit a QEMU, and in which order. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fake_qemu.h"
#include "scratch.h"
#include "unit.h"
#include "vqi/store.h"

static struct fake_qemu *qemu;
static struct vqi_image image;
static struct vqi_profiles found;

static void make_folder(const char *name)
{
	char path[1024];

	snprintf(path, sizeof(path), "%s", scratch_path(name));
	mkdir(path, 0755);
	snprintf(path, sizeof(path), "%s/virtq-inspect", scratch_path(name));
	ck_assert_int_eq(mkdir(path, 0755), 0);
	strcat(path, "/layouts");
	ck_assert_int_eq(mkdir(path, 0755), 0);
}

static void setup(void)
{
	char shared[2048];

	scratch_make();
	make_folder("home");
	make_folder("shared");
	make_folder("more");
	setenv("XDG_DATA_HOME", scratch_path("home"), 1);
	snprintf(shared, sizeof(shared), "relative:%s:%s", scratch_path("shared"),
		 scratch_path("more"));
	setenv("XDG_DATA_DIRS", shared, 1);
	/* No version that any QEMU has: what is on this machine, or comes with the tool, is none of ours. */
	image = (struct vqi_image){
		.fd = -1, .build_id = (char *)"0badc0de", .version = (char *)"77.2.14 (Ours)"};
	qemu = fake_qemu_new(1);
}

static void teardown(void)
{
	vqi_profiles_done(&found);
	fake_qemu_free(qemu);
	scratch_remove();
}

static const char *path_of(const char *folder, const char *name)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/virtq-inspect/layouts/%s", folder, name);
	return scratch_path(path);
}

static const char *put(const char *folder, const char *name, const char *version,
		       const char *build_id)
{
	const struct vqi_image of = {.build_id = (char *)build_id, .version = (char *)version};
	const char *path = path_of(folder, name);
	FILE *file = fopen(path, "we");

	ck_assert_ptr_nonnull(file);
	ck_assert_ok(vqi_profile_write(file, &qemu->layout, &of));
	fclose(file);
	return path;
}

static void find(void)
{
	vqi_profiles_done(&found);
	ck_assert_ok(vqi_profiles_find(&image, &found));
}

/* The file names of all that is found, in order. */
static void assert_found(const char *const *names, size_t count)
{
	find();
	ck_assert_uint_eq(found.count, count);
	for (size_t i = 0; i < count; i++)
		ck_assert_str_eq(strrchr(found.profiles[i].name, '/') + 1, names[i]);
}

#define ASSERT_FOUND(...)                                                                          \
	assert_found((const char *const[]){__VA_ARGS__},                                           \
		     sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

START_TEST(test_nothing)
{
	find();
	ck_assert_uint_eq(found.count, 0);
	put("home", "other.json", "77.3.14", NULL);
	put("home", "none.json", NULL, "0badc0df");
	find();
	ck_assert_uint_eq(found.count, 0);
}
END_TEST

START_TEST(test_the_likeliest_first)
{
	put("home", "far.json", "77.2.2", NULL);
	put("home", "next.json", "77.2.15", "0badc0df");
	put("shared", "same.json", "77.2.14 (Ours)", NULL);
	put("shared", "build.json", "77.3.0", "0badc0de");
	put("more", "like.json", "77.2.14 (Theirs)", NULL);
	ASSERT_FOUND("build.json", "same.json", "like.json", "next.json", "far.json");
	ck_assert(vqi_profile_is_of(&found.profiles[0], &image));
	ck_assert(!vqi_profile_is_of(&found.profiles[3], &image));
	ck_assert_mem_eq(found.profiles[0].layout.fields, qemu->layout.fields,
			 sizeof(qemu->layout.fields));
}
END_TEST

START_TEST(test_the_users_before_others)
{
	put("more", "3.json", "77.2.14", NULL);
	put("shared", "2.json", "77.2.14", NULL);
	put("home", "1.json", "77.2.14", NULL);
	ASSERT_FOUND("1.json", "2.json", "3.json");
}
END_TEST

/* An image that says nothing of itself. */
START_TEST(test_unknown_version)
{
	put("home", "same.json", "77.2.14", NULL);
	put("home", "build.json", "77.2.14", "0badc0de");
	image.version = NULL;
	ASSERT_FOUND("build.json");
	image.build_id = NULL;
	find();
	ck_assert_uint_eq(found.count, 0);
}
END_TEST

/* The file that was passed over first: why, and the command, which ends with its path. */
static void assert_passed_over(const char *path, const char *why, const char *command)
{
	char expected[1024];

	snprintf(expected, sizeof(expected), "%s is passed over, as %s", path, why);
	ck_assert_pstr_eq(found.passed_over, expected);
	snprintf(expected, sizeof(expected), "%s%s", command, path);
	ck_assert_pstr_eq(found.mend, expected);
}

/* Files that are no profiles are passed over, as are those that somebody else can have written. */
START_TEST(test_what_is_passed_over)
{
	const char *open_to_all = put("home", "open.json", "77.2.14", NULL);
	FILE *file = fopen(path_of("home", "broken.json"), "we");

	ck_assert_ptr_nonnull(file);
	fputs("{", file);
	fclose(file);
	put("home", "77.2.14", "77.2.14", NULL);
	put("home", ".hidden.json", "77.2.14", NULL);
	put("home", "good.json", "77.2.14", NULL);
	ck_assert_int_eq(symlink("good.json", path_of("home", "link.json")), 0);
	ck_assert_int_eq(mkfifo(path_of("home", "fifo.json"), 0600), 0);
	ck_assert_int_eq(chmod(open_to_all, 0666), 0);
	ASSERT_FOUND("good.json");
	assert_passed_over(path_of("home", "open.json"), "others can write it", "chmod go-w ");
	ck_assert_int_eq(chmod(open_to_all, 0644), 0);
	find();
	ck_assert_uint_eq(found.count, 2);
	ck_assert_ptr_null(found.passed_over);
	ck_assert_ptr_null(found.mend);
	ck_assert_int_eq(chmod(path_of("home", ""), 0777), 0);
	find();
	ck_assert_uint_eq(found.count, 0);
	assert_passed_over(scratch_path("home/virtq-inspect/layouts"), "others can write it",
			   "chmod go-w ");
}
END_TEST

START_TEST(test_another_users)
{
	const char *path = put("home", "theirs.json", "77.2.14", NULL);
	vqi_cleanup_free char *both = NULL;

	if (geteuid() != 0)
		return; /* only root can give a file away */
	ck_assert_int_eq(chown(path, 65534, 65534), 0);
	find();
	ck_assert_uint_eq(found.count, 0);
	assert_passed_over(path, "it is another user's", "chown root ");
	ck_assert_int_eq(chmod(path, 0666), 0);
	find();
	ck_assert_int_gt(asprintf(&both, "chown root %s && chmod go-w ", path), 0);
	assert_passed_over(path, "it is another user's", both);
	ck_assert_int_eq(chown(path, 0, 0), 0);
	ck_assert_int_eq(chmod(path, 0600), 0);
	ASSERT_FOUND("theirs.json");
	ck_assert_ptr_null(found.passed_over);
}
END_TEST

/* All that come with the tool are complete, say what the files say that they were made of, and are found by their
 * version. */
START_TEST(test_shipped)
{
	vqi_cleanup(vqi_profiles_done) struct vqi_profiles shipped = {0};

	ck_assert_uint_gt(vqi_shipped_profile_count, 0);
	ck_assert_ok(vqi_profiles_shipped(&shipped));
	ck_assert_uint_eq(shipped.count, vqi_shipped_profile_count);
	for (size_t i = 0; i < shipped.count; i++) {
		struct vqi_profile *profile = &shipped.profiles[i];
		vqi_cleanup(vqi_profile_done) struct vqi_profile source = {0};
		char path[1024];

		snprintf(path, sizeof(path), "%s/%s", getenv("VQI_LAYOUTS"), profile->name);
		ck_assert_ok(vqi_profile_read(path, &source));
		ck_assert_str_eq(profile->version, source.version);
		ck_assert_ptr_null(profile->build_id);
		ck_assert_mem_eq(&profile->layout, &source.layout, sizeof(source.layout));
		/* Addresses are the image's: here any will do. */
		profile->layout.symbols[VQI_SYM_current_machine].present = true;
		ck_assert_ok(vqi_layout_check(&profile->layout));
		image.version = profile->version;
		find();
		ck_assert_uint_ge(found.count, 1);
		ck_assert_str_eq(found.profiles[0].version, profile->version);
	}
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("profiles");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_nothing);
	tcase_add_test(tcase, test_the_likeliest_first);
	tcase_add_test(tcase, test_the_users_before_others);
	tcase_add_test(tcase, test_unknown_version);
	tcase_add_test(tcase, test_what_is_passed_over);
	tcase_add_test(tcase, test_another_users);
	tcase_add_test(tcase, test_shipped);
	return unit_run("profiles", tcase);
}
