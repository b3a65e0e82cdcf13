/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The resolver against what programs say of themselves: the miniature QEMU in all shapes of debug
 * information, and a real one against gdb where VIRTQ_INSPECT_TEST_QEMU names it. */
#include "vqi/dwarf.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dwarf_private.h"
#include "mini_process.h"
#include "unit.h"

static char directory[64];
static struct mini_process mini;
static struct vqi_process *process;
static struct vqi_image image;
static struct vqi_layout layout;
static const struct vqi_dwarf_options search = {0};

static void setup(void)
{
	strcpy(directory, "/tmp/vqi-dwarf-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	image = (struct vqi_image){.fd = -1};
	layout = (struct vqi_layout){0};
	/* No test may ask the network. */
	ck_assert_int_eq(unsetenv("DEBUGINFOD_URLS"), 0);
}

static void end_process(void)
{
	vqi_image_done(&image);
	vqi_process_close(process);
	process = NULL;
	mini_end(&mini);
}

static void teardown(void)
{
	char command[128];

	end_process();
	snprintf(command, sizeof(command), "rm -rf %s", directory);
	ck_assert_int_eq(system(command), 0);
}

/* A path in the test's own folder. */
static const char *own(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return path;
}

static void start(const char *fixture)
{
	vqi_cleanup_free char *path = mini_path(fixture);
	const char *argv[] = {path, NULL};

	mini_start(&mini, NULL, argv);
	ck_assert_ok(vqi_process_open(mini.pid, &process));
	ck_assert_ok(vqi_image_open(process, &image));
}

static void open_image(const char *fixture)
{
	vqi_cleanup_free char *path = mini_path(fixture);

	vqi_image_done(&image);
	ck_assert_ok(vqi_image_open_file(path, &image));
}

/* ---- the program says itself where its fields are ---- */

static void assert_fields_true(void)
{
	for (size_t i = 0; i < VQI_FIELD_COUNT; i++) {
		const char *name = vqi_field_info(i)->name;
		uint64_t offset, size;
		bool known = mini_fact(&mini, name, &offset, &size);

		ck_assert_msg(known == layout.fields[i].present, "%s is %s", name,
			      known ? "not found" : "found where it is not");
		if (!known)
			continue;
		ck_assert_msg(layout.fields[i].offset == offset && layout.fields[i].size == size,
			      "%s at %u of %u bytes, not %lu of %lu", name, layout.fields[i].offset,
			      layout.fields[i].size, offset, size);
	}
}

static void assert_structs_true(void)
{
	for (size_t i = 0; i < VQI_STRUCT_COUNT; i++) {
		const char *name = vqi_struct_info(i)->name;
		uint64_t size, unused;
		bool known = mini_fact(&mini, name, &size, &unused);

		ck_assert_msg(known == layout.structs[i].present, "%s", name);
		if (known)
			ck_assert_msg(layout.structs[i].size == size, "%s of %u bytes, not %lu",
				      name, layout.structs[i].size, size);
	}
}

static void assert_symbols_true(void)
{
	for (size_t i = 0; i < VQI_SYMBOL_COUNT; i++) {
		char name[128];
		uint64_t address, unused;
		bool known;

		snprintf(name, sizeof(name), "&%s", vqi_symbol_info(i)->name);
		known = mini_fact(&mini, name, &address, &unused);
		ck_assert_msg(known == layout.symbols[i].present, "%s", name);
		if (known)
			ck_assert_uint_eq(layout.symbols[i].address + image.bias, address);
	}
}

static void assert_resolved(void)
{
	ck_assert_ok(vqi_dwarf_resolve_here(process, &image, &search, &layout));
	ck_assert_int_eq(layout.source, VQI_LAYOUT_DWARF);
	assert_fields_true();
	assert_structs_true();
	assert_symbols_true();
}

static const char *const shapes[] = {
	"dwarf2",     "dwarf4",	     "dwarf5", /* versions of the format */
	"unions",			       /* members of unnamed unions, as in QEMU 10.2 */
	"types4",     "types5",		       /* type units */
	"lto", /* functions far from their types; renamed variables */
	"compressed", "nopie",	     "static",
	"oneload",    "no_build_id", "no_symtab", /* variables in DWARF only */
	"dwz",				    /* partial units, some in a file shared with others */
	"linked",     "linked4",     "crc", /* separate files by .gnu_debuglink */
	"storage",
};

START_TEST(all_shapes)
{
	start(shapes[_i]);
	assert_resolved();
}
END_TEST

/* No .debug_aranges, no DW_AT_sibling. */
static const char *const other_shapes[] = {"clang", "clang_types"};

START_TEST(other_compiler)
{
	vqi_cleanup_free char *path = mini_path(other_shapes[_i]);

	if (access(path, F_OK))
		return; /* not installed when the programs were built */
	start(other_shapes[_i]);
	assert_resolved();
}
END_TEST

/* The separate file is below the target's root directory, where its distribution puts it. */
START_TEST(in_a_container)
{
	vqi_cleanup_free char *root = mini_path("root");
	const char *argv[] = {"/mini", NULL};

	if (!mini_start(&mini, root, argv))
		return; /* no user namespaces here */
	ck_assert_ok(vqi_process_open(mini.pid, &process));
	ck_assert_ok(vqi_image_open(process, &image));
	assert_resolved();
	/* It is not on the host. */
	ck_assert_code(vqi_dwarf_resolve_here(NULL, &image, &search, &layout), VQI_ERROR_NO_LAYOUT);
}
END_TEST

START_TEST(bit_fields_are_absent)
{
	open_image("dwarf5");
	ck_assert_ok(vqi_dwarf_resolve_here(NULL, &image, &search, &layout));
	ck_assert(!layout.fields[VQI_F_VirtIODevice_use_started].present);
	ck_assert(layout.fields[VQI_F_VirtIODevice_started].present);
}
END_TEST

/* More functions of a structure than there is room for would be dropped. */
START_TEST(table_fits)
{
	for (size_t i = 0; i < VQI_STRUCT_COUNT; i++) {
		size_t count = 1;

		for (const char *at = vqi_struct_info(i)->functions; (at = strchr(at, ',')); at++)
			count++;
		ck_assert_uint_le(count, VQI_MAX_ANCHORS);
	}
}
END_TEST

/* ---- the parser in a process of its own ---- */

START_TEST(the_child_says_the_same)
{
	struct vqi_layout other = {0};

	start("dwarf5");
	ck_assert_ok(vqi_dwarf_resolve(process, &image, &search, &other));
	assert_resolved();
	ck_assert_mem_eq(&other, &layout, sizeof(layout));
}
END_TEST

START_TEST(the_child_fails_the_same)
{
	layout.source = VQI_LAYOUT_PROFILE;
	open_image("stripped");
	ck_assert_code_text(vqi_dwarf_resolve(NULL, &image, &search, &layout), VQI_ERROR_NO_LAYOUT,
			    image.build_id);
	ck_assert_int_eq(layout.source, VQI_LAYOUT_PROFILE);
}
END_TEST

START_TEST(the_child_hands_on_errno)
{
	const struct vqi_dwarf_options missing = {.debuginfo = own("missing")};
	struct vqi_error *error;

	open_image("dwarf5");
	error = vqi_dwarf_resolve(NULL, &image, &missing, &layout);
	ck_assert_ptr_nonnull(error);
	ck_assert_int_eq(error->code, VQI_ERROR_SYS);
	ck_assert_int_eq(error->saved_errno, ENOENT);
	ck_assert_ptr_nonnull(strstr(error->message, "missing"));
	vqi_error_free(error);
}
END_TEST

/* Kills the first other child of the parent. */
__attribute__((noreturn)) static void kill_sibling(int signal_number)
{
	char path[64], text[256] = "";
	pid_t sibling = 0;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", getppid(), getppid());
	while (!sibling) {
		vqi_cleanup_file FILE *file = fopen(path, "re");
		int first = 0, second = 0;

		if (!file || !fgets(text, sizeof(text), file))
			_exit(1);
		sscanf(text, "%d %d", &first, &second);
		sibling = first == getpid() ? second : first;
		sched_yield();
	}
	_exit(kill(sibling, signal_number) ? 1 : 0);
}

/* Its debug file is a FIFO: it waits there until it is killed. */
START_TEST(a_dead_child_is_an_error)
{
	char command[512];
	vqi_cleanup_free char *path = mini_path("linked");
	pid_t killer;
	int status;

	snprintf(command, sizeof(command), "cp %s %s/linked", path, directory);
	ck_assert_int_eq(system(command), 0);
	ck_assert_int_eq(mkfifo(own("linked.debug"), 0600), 0);
	ck_assert_ok(vqi_image_open_file(own("linked"), &image));
	killer = fork();
	ck_assert_int_ge(killer, 0);
	if (!killer)
		kill_sibling(SIGKILL);
	ck_assert_code_text(vqi_dwarf_resolve(NULL, &image, &search, &layout), VQI_ERROR_BAD_DATA,
			    "signal 9");
	ck_assert_int_eq(waitpid(killer, &status, 0), killer);
	ck_assert_int_eq(status, 0);
	ck_assert_int_eq(layout.source, VQI_LAYOUT_NONE);
}
END_TEST

/* ---- no debug information ---- */

START_TEST(stripped)
{
	open_image("stripped");
	ck_assert_code_text(vqi_dwarf_resolve_here(NULL, &image, &search, &layout),
			    VQI_ERROR_NO_LAYOUT, image.build_id);
}
END_TEST

/* Of the same name, but with another checksum. */
START_TEST(debuglink_to_another_file)
{
	open_image("bad_crc");
	ck_assert_code_text(vqi_dwarf_resolve_here(NULL, &image, &search, &layout),
			    VQI_ERROR_NO_LAYOUT, "build-id none");
}
END_TEST

START_TEST(shared_file_is_missing)
{
	open_image("alone/dwz");
	ck_assert_code_text(vqi_dwarf_resolve_here(NULL, &image, &search, &layout),
			    VQI_ERROR_NO_LAYOUT, "dwz_common.debug");
}
END_TEST

/* This test has debug information, and hardly one of the structures. */
START_TEST(without_the_structures)
{
	image.fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	image.path = strdup("test");
	image.kind = VQI_IMAGE_QEMU;
	ck_assert_code_text(vqi_dwarf_resolve_here(NULL, &image, &search, &layout),
			    VQI_ERROR_NO_LAYOUT, "layout lacks");
}
END_TEST

/* ---- debuginfod ---- */

static bool have_debuginfod(void)
{
	void *library = dlopen("libdebuginfod.so.1", RTLD_LAZY);

	if (library)
		dlclose(library);
	return library;
}

/* Makes a server of a folder, as debuginfod_find_debuginfo(3) allows. */
static void serve(const char *fixture)
{
	vqi_cleanup_free char *path = mini_path(fixture);
	char command[1024], url[128];

	snprintf(command, sizeof(command),
		 "mkdir -p %s/buildid/%s %s/cache && cp %s %s/buildid/%s/debuginfo", directory,
		 image.build_id, directory, path, directory, image.build_id);
	ck_assert_int_eq(system(command), 0);
	snprintf(url, sizeof(url), "file://%s", directory);
	ck_assert_int_eq(setenv("DEBUGINFOD_URLS", url, 1), 0);
	ck_assert_int_eq(setenv("DEBUGINFOD_CACHE_PATH", own("cache"), 1), 0);
}

START_TEST(debuginfod_is_asked_last)
{
	char elsewhere[128];

	if (!have_debuginfod())
		return;
	start("stripped");
	serve("linked.debug");
	ck_assert_ok(vqi_dwarf_resolve_here(process, &image, &search, &layout));
	ck_assert_int_eq(layout.source, VQI_LAYOUT_DEBUGINFOD);
	assert_fields_true();
	/* Again, from its cache. */
	strcpy(elsewhere, own("elsewhere"));
	ck_assert_int_eq(rename(own("buildid"), elsewhere), 0);
	ck_assert_ok(vqi_dwarf_resolve(process, &image, &search, &layout));
	ck_assert_int_eq(layout.source, VQI_LAYOUT_DEBUGINFOD);
	/* One that does not have it, and none. */
	ck_assert_int_eq(setenv("DEBUGINFOD_CACHE_PATH", own("other"), 1), 0);
	ck_assert_code_text(vqi_dwarf_resolve(process, &image, &search, &layout),
			    VQI_ERROR_NO_LAYOUT, "debuginfod (file://");
	/* And not when it is not named. */
	ck_assert_int_eq(unsetenv("DEBUGINFOD_URLS"), 0);
	ck_assert_code(vqi_dwarf_resolve(process, &image, &search, &layout), VQI_ERROR_NO_LAYOUT);
}
END_TEST

START_TEST(debuginfod_is_not_asked_for_what_is_there)
{
	start("linked");
	serve("bad.debug");
	assert_resolved();
}
END_TEST

/* ---- --debuginfo FILE ---- */

static void resolve_with(const char *debuginfo)
{
	vqi_cleanup_free char *path = mini_path(debuginfo);
	const struct vqi_dwarf_options given = {.debuginfo = path};

	ck_assert_ok(vqi_dwarf_resolve_here(process, &image, &given, &layout));
	assert_fields_true();
	assert_symbols_true();
}

static struct vqi_error *try_with(const char *path)
{
	const struct vqi_dwarf_options given = {.debuginfo = path};

	return vqi_dwarf_resolve_here(NULL, &image, &given, &layout);
}

START_TEST(given_file)
{
	start("stripped");
	resolve_with("dwarf5");
	resolve_with("linked.debug");
}
END_TEST

/* The given file needs another one in turn. */
START_TEST(given_file_with_shared_part)
{
	start("linked4");
	resolve_with("dwz");
}
END_TEST

START_TEST(given_file_of_another_build)
{
	vqi_cleanup_free char *path = mini_path("dwarf4");
	vqi_cleanup_free char *without_id = mini_path("no_build_id");
	char id[64];

	open_image("dwarf4");
	snprintf(id, sizeof(id), "%s", image.build_id);
	open_image("stripped");
	ck_assert_str_ne(image.build_id, id);
	ck_assert_code_text(try_with(path), VQI_ERROR_BAD_DATA, id);
	ck_assert_code_text(try_with(path), VQI_ERROR_BAD_DATA, image.build_id);
	ck_assert_code_text(try_with(without_id), VQI_ERROR_BAD_DATA, "build-id none");
}
END_TEST

/* The image's own debug information is not used instead. */
START_TEST(given_file_is_the_only_one)
{
	vqi_cleanup_free char *stripped_path = mini_path("stripped");

	open_image("dwarf5");
	ck_assert_code_text(try_with(stripped_path), VQI_ERROR_NO_LAYOUT, "no debug information");
}
END_TEST

START_TEST(given_file_is_no_debug_file)
{
	open_image("dwarf5");
	ck_assert_int_eq(mkfifo(own("fifo"), 0600), 0);
	ck_assert_code(try_with(own("fifo")), VQI_ERROR_BAD_DATA);
	ck_assert_code(try_with(directory), VQI_ERROR_BAD_DATA);
	ck_assert_code(try_with("/dev/null"), VQI_ERROR_BAD_DATA);
	ck_assert_code_text(try_with(own("missing")), VQI_ERROR_SYS, "missing");
}
END_TEST

/* ---- broken files ---- */

static char *read_fixture(const char *name, size_t *ret_len)
{
	vqi_cleanup_free char *path = mini_path(name);
	vqi_cleanup_file FILE *file = fopen(path, "re");
	char *data = malloc(1 << 20);

	ck_assert_ptr_nonnull(file);
	ck_assert_ptr_nonnull(data);
	*ret_len = fread(data, 1, 1 << 20, file);
	ck_assert(feof(file));
	return data;
}

/* Writes the file, and puts beside it what dwz took from it. */
static int write_own(const void *data, size_t len)
{
	vqi_cleanup_free char *common = mini_path("dwz_common.debug");
	int fd = open(own("broken"), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	ck_assert_int_eq(symlink(common, own("dwz_common.debug")), 0);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, data, len), (ssize_t)len);
	return fd;
}

/* Whatever it makes of the file: it says one of these, and it ends. */
static bool resolve_broken(size_t at)
{
	struct vqi_error *error = vqi_dwarf_resolve_here(NULL, &image, &search, &layout);

	if (!error) {
		ck_assert_ok(vqi_layout_check(&layout));
		return true;
	}
	ck_assert_msg(error->code == VQI_ERROR_BAD_DATA || error->code == VQI_ERROR_NO_LAYOUT,
		      "at %zu: code %d, %s", at, (int)error->code, error->message);
	vqi_error_free(error);
	return false;
}

static const char *const broken_shapes[] = {"dwarf4", "dwarf5", "types4",    "types5",
					    "lto",    "dwz",	"compressed"};

START_TEST(truncated_files)
{
	size_t len, step;
	vqi_cleanup_free char *data = read_fixture(broken_shapes[_i], &len);
	size_t failed = 0;

	image.fd = write_own(data, len);
	image.path = strdup(own("broken"));
	step = len / 200 + 1;
	while (len > step) {
		len -= step;
		ck_assert_int_eq(ftruncate(image.fd, (off_t)len), 0);
		failed += !resolve_broken(len);
	}
	ck_assert_uint_gt(failed, 0);
}
END_TEST

/* The same bits in every run. */
static uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

START_TEST(garbled_files)
{
	size_t len;
	vqi_cleanup_free char *data = read_fixture(broken_shapes[_i], &len);
	uint32_t state = (uint32_t)_i;
	size_t failed = 0;

	image.fd = write_own(data, len);
	image.path = strdup(own("broken"));
	for (size_t i = 0; i < 500; i++) {
		size_t places[8];

		for (size_t j = 0; j < 8; j++) {
			char garbled = (char)next_random(&state);

			places[j] = next_random(&state) % len;
			ck_assert_int_eq(pwrite(image.fd, &garbled, 1, (off_t)places[j]), 1);
		}
		failed += !resolve_broken(i);
		for (size_t j = 0; j < 8; j++)
			ck_assert_int_eq(pwrite(image.fd, &data[places[j]], 1, (off_t)places[j]),
					 1);
	}
	/* Most of the file is of no interest, but some of it is. */
	ck_assert_uint_gt(failed, 0);
	ck_assert_uint_lt(failed, 500);
}
END_TEST

/* ---- a real QEMU ---- */

/* Asks gdb, which becomes what mini_fact() looks at. */
static void ask_gdb(const char *qemu)
{
	const char *script = getenv("VQI_GDB_ORACLE");
	FILE *file = fopen(own("fields"), "we");
	char command[1024];
	size_t len;

	ck_assert_msg(script != NULL, "VQI_GDB_ORACLE is not set");
	ck_assert_ptr_nonnull(file);
	for (size_t i = 0; i < VQI_FIELD_COUNT; i++)
		fprintf(file, "%s\n", vqi_field_info(i)->name);
	for (size_t i = 0; i < VQI_STRUCT_COUNT; i++)
		fprintf(file, "%s\n", vqi_struct_info(i)->name);
	for (size_t i = 0; i < VQI_SYMBOL_COUNT; i++)
		fprintf(file, "&%s\n", vqi_symbol_info(i)->name);
	ck_assert_int_eq(fclose(file), 0);
	snprintf(command, sizeof(command), "FIELDS=%s gdb -nx -batch -x %s %s 2>&1", own("fields"),
		 script, qemu);
	file = popen(command, "re");
	ck_assert_ptr_nonnull(file);
	mini.text = calloc(1, 1 << 16);
	ck_assert_ptr_nonnull(mini.text);
	len = fread(mini.text, 1, (1 << 16) - 1, file);
	ck_assert_int_eq(pclose(file), 0);
	ck_assert_uint_gt(len, 0);
}

START_TEST(real_qemu)
{
	const char *qemu = getenv("VIRTQ_INSPECT_TEST_QEMU");
	size_t absent = 0;

	if (!qemu)
		return;
	ck_assert_ok(vqi_image_open_file(qemu, &image));
	ask_gdb(qemu);
	assert_resolved();
	for (size_t i = 0; i < VQI_STRUCT_COUNT; i++)
		absent += !layout.structs[i].present;
	ck_assert_uint_lt(absent, VQI_STRUCT_COUNT / 2);
	free(take_ptr(mini.text));
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("dwarf");
	int shape_count = sizeof(shapes) / sizeof(shapes[0]);
	int broken_count = sizeof(broken_shapes) / sizeof(broken_shapes[0]);

	tcase_set_timeout(tcase, 120);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, all_shapes, 0, shape_count);
	tcase_add_loop_test(tcase, other_compiler, 0,
			    sizeof(other_shapes) / sizeof(other_shapes[0]));
	tcase_add_test(tcase, in_a_container);
	tcase_add_test(tcase, bit_fields_are_absent);
	tcase_add_test(tcase, table_fits);
	tcase_add_test(tcase, the_child_says_the_same);
	tcase_add_test(tcase, the_child_fails_the_same);
	tcase_add_test(tcase, the_child_hands_on_errno);
	tcase_add_test(tcase, a_dead_child_is_an_error);
	tcase_add_test(tcase, stripped);
	tcase_add_test(tcase, debuglink_to_another_file);
	tcase_add_test(tcase, shared_file_is_missing);
	tcase_add_test(tcase, without_the_structures);
	tcase_add_test(tcase, debuginfod_is_asked_last);
	tcase_add_test(tcase, debuginfod_is_not_asked_for_what_is_there);
	tcase_add_test(tcase, given_file);
	tcase_add_test(tcase, given_file_with_shared_part);
	tcase_add_test(tcase, given_file_of_another_build);
	tcase_add_test(tcase, given_file_is_the_only_one);
	tcase_add_test(tcase, given_file_is_no_debug_file);
	tcase_add_loop_test(tcase, truncated_files, 0, broken_count);
	tcase_add_loop_test(tcase, garbled_files, 0, broken_count);
	tcase_add_test(tcase, real_qemu);
	return unit_run("dwarf", tcase);
}
