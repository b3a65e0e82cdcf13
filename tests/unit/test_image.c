/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vqi/image.h"

#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mini_process.h"
#include "unit.h"

#define VERSION "10.2.2 (Mini 1:10.2.2+ds-1)"

static char directory[64];
static struct mini_process mini;
static struct vqi_process *process;
static struct vqi_image image;

static void setup(void)
{
	strcpy(directory, "/tmp/vqi-image-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	image = (struct vqi_image){.fd = -1};
}

static void teardown(void)
{
	char command[128];

	vqi_image_done(&image);
	vqi_process_close(process);
	mini_end(&mini);
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

static void write_file(const char *path, const void *data, size_t len)
{
	vqi_cleanup_fd int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, data, len), (ssize_t)len);
}

static char *read_file(const char *name, size_t *ret_len)
{
	vqi_cleanup_free char *path = mini_path(name);
	vqi_cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat status;
	char *data;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fstat(fd, &status), 0);
	data = malloc((size_t)status.st_size);
	ck_assert_ptr_nonnull(data);
	ck_assert_int_eq(read(fd, data, (size_t)status.st_size), status.st_size);
	*ret_len = (size_t)status.st_size;
	return data;
}

static void copy_fixture(const char *name, const char *to)
{
	size_t len;
	vqi_cleanup_free char *data = read_file(name, &len);

	write_file(to, data, len);
}

static void start(const char *const *argv)
{
	mini_start(&mini, NULL, argv);
	ck_assert_ok(vqi_process_open(mini.pid, &process));
}

static void start_fixture(const char *name)
{
	vqi_cleanup_free char *path = mini_path(name);
	const char *argv[] = {path, NULL};

	start(argv);
}

/* What readelf(1) says of a file. Owner: the caller frees. */
static char *readelf_build_id(const char *name)
{
	vqi_cleanup_free char *path = mini_path(name);
	char command[512], text[256] = "";
	FILE *pipe;

	snprintf(command, sizeof(command),
		 "readelf -n %s | sed -n 's/.*Build ID: //p' | tr -d '\\n'", path);
	pipe = popen(command, "re");
	ck_assert_ptr_nonnull(pipe);
	ck_assert_ptr_nonnull(fgets(text, sizeof(text), pipe));
	ck_assert_int_eq(pclose(pipe), 0);
	return strdup(text);
}

/* The program itself says where it is; __executable_start is linked at 0, or not at all when it is
 * not position-independent. */
static void assert_bias(uint64_t link_address)
{
	uint64_t start_address, unused;

	ck_assert(mini_fact(&mini, "&__executable_start", &start_address, &unused));
	ck_assert_uint_eq(image.bias, start_address - link_address);
}

static void assert_found(const char *fixture)
{
	vqi_cleanup_free char *build_id = readelf_build_id(fixture);

	ck_assert_ok(vqi_image_open(process, &image));
	ck_assert_str_eq(image.version, VERSION);
	ck_assert_str_eq(image.build_id, build_id);
	ck_assert_int_eq(image.kind, VQI_IMAGE_QEMU);
	ck_assert_int_ge(image.fd, 0);
	ck_assert_int_eq(fcntl(image.fd, F_GETFD), FD_CLOEXEC);
}

START_TEST(position_independent)
{
	vqi_cleanup_free char *path = mini_path("dwarf5");

	start_fixture("dwarf5");
	assert_found("dwarf5");
	assert_bias(0);
	ck_assert_str_eq(image.path, path);
}
END_TEST

START_TEST(not_position_independent)
{
	start_fixture("nopie");
	assert_found("nopie");
	ck_assert_uint_eq(image.bias, 0);
}
END_TEST

START_TEST(static_program)
{
	start_fixture("static");
	assert_found("static");
	ck_assert_uint_eq(image.bias, 0);
}
END_TEST

START_TEST(constants_and_code_in_one_segment)
{
	start_fixture("oneload");
	assert_found("oneload");
	assert_bias(0);
}
END_TEST

START_TEST(without_build_id)
{
	start_fixture("no_build_id");
	ck_assert_ok(vqi_image_open(process, &image));
	ck_assert_ptr_null(image.build_id);
	ck_assert_str_eq(image.version, VERSION);
}
END_TEST

START_TEST(storage_daemon)
{
	start_fixture("storage");
	ck_assert_ok(vqi_image_open(process, &image));
	ck_assert_int_eq(image.kind, VQI_IMAGE_STORAGE_DAEMON);
	ck_assert_str_eq(image.version, VERSION);
}
END_TEST

/* It has the words "QEMU emulator version", as every program that talks to QEMUs. */
START_TEST(other_programs_are_no_qemu)
{
	start_fixture("noqemu");
	ck_assert_code_text(vqi_image_open(process, &image), VQI_ERROR_NOT_QEMU, "noqemu");
	ck_assert_int_eq(image.fd, -1);
}
END_TEST

START_TEST(this_program_is_no_qemu)
{
	ck_assert_ok(vqi_process_open(getpid(), &process));
	ck_assert_code(vqi_image_open(process, &image), VQI_ERROR_NOT_QEMU);
}
END_TEST

START_TEST(deleted_file)
{
	char path[128];
	const char *argv[] = {path, NULL};

	strcpy(path, own("gone"));
	copy_fixture("dwarf5", path);
	start(argv);
	ck_assert_int_eq(unlink(path), 0);
	assert_found("dwarf5");
	assert_bias(0);
	ck_assert_str_eq(image.path, path);
}
END_TEST

/* As an upgrade does: another file has the name now. */
START_TEST(replaced_file)
{
	char path[128];
	const char *argv[] = {path, NULL};

	strcpy(path, own("upgraded"));
	copy_fixture("dwarf5", path);
	start(argv);
	copy_fixture("noqemu", own("new"));
	ck_assert_int_eq(rename(own("new"), path), 0);
	assert_found("dwarf5");
	assert_bias(0);
}
END_TEST

/* The loader's path, from the program's own PT_INTERP. */
static void find_loader(char *ret_path, size_t size)
{
	size_t len;
	vqi_cleanup_free char *data = read_file("dwarf5", &len);
	const Elf64_Ehdr *header = (const Elf64_Ehdr *)data;
	const Elf64_Phdr *segments = (const Elf64_Phdr *)(data + header->e_phoff);

	for (size_t i = 0; i < header->e_phnum; i++)
		if (segments[i].p_type == PT_INTERP) {
			snprintf(ret_path, size, "%s", data + segments[i].p_offset);
			return;
		}
	ck_abort_msg("no PT_INTERP");
}

static void started_by_the_loader(const char *name, uint64_t link_address)
{
	char loader[128];
	vqi_cleanup_free char *path = mini_path(name);
	const char *argv[] = {loader, path, NULL};

	find_loader(loader, sizeof(loader));
	start(argv);
	assert_found(name);
	assert_bias(link_address);
	ck_assert_str_eq(image.path, path);
}

START_TEST(started_by_hand)
{
	started_by_the_loader("dwarf5", 0);
}
END_TEST

/* Only /proc/PID/map_files leads to it then, for which one needs privileges. */
START_TEST(started_by_hand_and_deleted)
{
	char loader[128], path[128];
	const char *argv[] = {loader, path, NULL};
	struct vqi_error *error;

	find_loader(loader, sizeof(loader));
	strcpy(path, own("gone"));
	copy_fixture("dwarf5", path);
	start(argv);
	ck_assert_int_eq(unlink(path), 0);
	error = vqi_image_open(process, &image);
	if (error)
		ck_assert_int_eq(error->code, VQI_ERROR_NOT_QEMU);
	else
		ck_assert_str_eq(image.path, path);
	vqi_error_free(error);
}
END_TEST

START_TEST(started_by_hand_and_no_qemu)
{
	char loader[128];
	vqi_cleanup_free char *path = mini_path("noqemu");
	const char *argv[] = {loader, path, NULL};

	find_loader(loader, sizeof(loader));
	start(argv);
	ck_assert_code(vqi_image_open(process, &image), VQI_ERROR_NOT_QEMU);
}
END_TEST

/* Files that are no programs, mapped executable before the program is found; and the program itself
 * mapped once more, to be read. */
START_TEST(other_mappings_do_not_matter)
{
	static const char text[8192] = "an initrd";
	char loader[128], data[160], empty[160], again[160];
	vqi_cleanup_free char *path = mini_path("dwarf5");
	const char *argv[] = {loader, path, data, empty, again, NULL};

	find_loader(loader, sizeof(loader));
	write_file(own("data"), text, sizeof(text));
	write_file(own("elf"), ELFMAG, SELFMAG);
	snprintf(data, sizeof(data), "exec:%s/data", directory);
	snprintf(empty, sizeof(empty), "exec:%s/elf", directory);
	snprintf(again, sizeof(again), "read:%s", path);
	start(argv);
	assert_found("dwarf5");
	assert_bias(0);
}
END_TEST

START_TEST(mapped_again_by_itself)
{
	char again[512];
	vqi_cleanup_free char *path = mini_path("oneload");
	const char *argv[] = {path, again, again, NULL};

	snprintf(again, sizeof(again), "read:%s", path);
	start(argv);
	assert_found("oneload");
	assert_bias(0);
}
END_TEST

/* ---- files ---- */

static void open_without_section_headers(const char *fixture)
{
	size_t len;
	vqi_cleanup_free char *data = read_file(fixture, &len);
	vqi_cleanup_free char *build_id = readelf_build_id(fixture);
	Elf64_Ehdr *header = (Elf64_Ehdr *)data;

	header->e_shoff = 0;
	header->e_shnum = 0;
	header->e_shstrndx = 0;
	write_file(own("file"), data, len);
	ck_assert_ok(vqi_image_open_file(own("file"), &image));
	ck_assert_str_eq(image.version, VERSION);
	ck_assert_str_eq(image.build_id, build_id);
	ck_assert_uint_eq(image.bias, 0);
	vqi_image_done(&image);
}

START_TEST(without_section_headers)
{
	open_without_section_headers("dwarf5");
	open_without_section_headers("oneload");
}
END_TEST

/* Nothing but headers and the version. */
struct tiny32 {
	Elf32_Ehdr header;
	Elf32_Phdr segment;
	char version[64];
};

START_TEST(other_word_size)
{
	struct tiny32 tiny = {
		.header = {.e_ident = ELFMAG "\1\1\1",
			   .e_type = ET_EXEC,
			   .e_machine = EM_386,
			   .e_version = EV_CURRENT,
			   .e_phoff = offsetof(struct tiny32, segment),
			   .e_ehsize = sizeof(Elf32_Ehdr),
			   .e_phentsize = sizeof(Elf32_Phdr),
			   .e_phnum = 1},
		.segment = {.p_type = PT_LOAD,
			    .p_offset = offsetof(struct tiny32, version),
			    .p_filesz = 64,
			    .p_flags = PF_R},
	};

	/* In one piece it would make a QEMU of this program. */
	snprintf(tiny.version, sizeof(tiny.version), "QEMU emulator %s 7.2.0\n", "version");
	write_file(own("tiny"), &tiny, sizeof(tiny));
	ck_assert_code_text(vqi_image_open_file(own("tiny"), &image), VQI_ERROR_UNSUPPORTED,
			    "word size");
}
END_TEST

START_TEST(files_that_are_no_programs)
{
	write_file(own("empty"), "", 0);
	write_file(own("script"), "#!/bin/sh\n# QEMU emulator\n", 27);
	ck_assert_int_eq(mkfifo(own("fifo"), 0600), 0);
	ck_assert_code(vqi_image_open_file(own("empty"), &image), VQI_ERROR_NOT_QEMU);
	ck_assert_code(vqi_image_open_file(own("script"), &image), VQI_ERROR_NOT_QEMU);
	ck_assert_code(vqi_image_open_file(own("fifo"), &image), VQI_ERROR_NOT_QEMU);
	ck_assert_code(vqi_image_open_file(directory, &image), VQI_ERROR_NOT_QEMU);
	ck_assert_code(vqi_image_open_file(own("missing"), &image), VQI_ERROR_SYS);
	ck_assert_int_eq(image.fd, -1);
}
END_TEST

/* A broken file is found to be a QEMU, or none, or broken. */
static bool open_broken(size_t at)
{
	struct vqi_error *error = vqi_image_open_file(own("file"), &image);
	bool found = !error;

	if (error)
		ck_assert_msg(error->code == VQI_ERROR_NOT_QEMU ||
				      error->code == VQI_ERROR_BAD_DATA ||
				      error->code == VQI_ERROR_UNSUPPORTED,
			      "at %zu: %s", at, error->message);
	else /* as much of it as the file has */
		ck_assert_mem_eq(image.version, VERSION, strlen(image.version));
	vqi_error_free(error);
	vqi_image_done(&image);
	return found;
}

START_TEST(truncated_files)
{
	size_t len;
	vqi_cleanup_free char *data = read_file("dwarf5", &len);
	size_t found = 0;

	write_file(own("file"), data, len);
	while (len) {
		len -= len > 512 && len >= 61 ? 61 : 1;
		ck_assert_int_eq(truncate(own("file"), (off_t)len), 0);
		found += open_broken(len);
	}
	/* Section headers are at the end; without them segments are searched. */
	ck_assert_uint_gt(found, 0);
}
END_TEST

START_TEST(garbled_headers)
{
	size_t len;
	vqi_cleanup_free char *data = read_file("dwarf5", &len);
	vqi_cleanup_fd int fd = -1;
	size_t found = 0;

	write_file(own("file"), data, len);
	fd = open(own("file"), O_WRONLY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	for (size_t bit = 0; bit < 8 * 1024; bit += 3) {
		char garbled = (char)(data[bit / 8] ^ 1 << bit % 8);

		ck_assert_int_eq(pwrite(fd, &garbled, 1, (off_t)(bit / 8)), 1);
		found += open_broken(bit);
		ck_assert_int_eq(pwrite(fd, &data[bit / 8], 1, (off_t)(bit / 8)), 1);
	}
	ck_assert_uint_gt(found, 0);
}
END_TEST

static bool has(const struct vqi_maps *maps, const char *fact)
{
	uint64_t address, unused;

	ck_assert(mini_fact(&mini, fact, &address, &unused));
	for (size_t i = 0; i < maps->count; i++) {
		ck_assert(maps->maps[i].writable);
		ck_assert_ptr_null(maps->maps[i].path);
		if (maps->maps[i].start <= address && address < maps->maps[i].end)
			return true;
	}
	return false;
}

/* Variables with and without a value of their own; neither code nor the heap. */
START_TEST(variables)
{
	static const char *const fixtures[] = {"dwarf5", "nopie", "static", "oneload"};
	struct vqi_maps maps = {0}, found = {0};
	uint64_t bytes = 0, all = 0;

	start_fixture(fixtures[_i]);
	ck_assert_ok(vqi_image_open(process, &image));
	ck_assert_ok(vqi_process_maps(process, &maps));
	ck_assert_ok(vqi_image_variables(&image, &maps, &found));
	ck_assert(has(&found, "&main_system_bus"));
	ck_assert(has(&found, "&current_machine"));
	ck_assert(!has(&found, "&__executable_start"));
	for (size_t i = 0; i < found.count; i++)
		bytes += found.maps[i].end - found.maps[i].start;
	for (size_t i = 0; i < maps.count; i++)
		all += maps.maps[i].writable ? maps.maps[i].end - maps.maps[i].start : 0;
	ck_assert_uint_lt(bytes, all);
	vqi_maps_done(&found);
	vqi_maps_done(&maps);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("image");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, position_independent);
	tcase_add_test(tcase, not_position_independent);
	tcase_add_test(tcase, static_program);
	tcase_add_test(tcase, constants_and_code_in_one_segment);
	tcase_add_test(tcase, without_build_id);
	tcase_add_test(tcase, storage_daemon);
	tcase_add_test(tcase, other_programs_are_no_qemu);
	tcase_add_test(tcase, this_program_is_no_qemu);
	tcase_add_test(tcase, deleted_file);
	tcase_add_test(tcase, replaced_file);
	tcase_add_test(tcase, started_by_hand);
	tcase_add_test(tcase, started_by_hand_and_deleted);
	tcase_add_test(tcase, started_by_hand_and_no_qemu);
	tcase_add_test(tcase, other_mappings_do_not_matter);
	tcase_add_test(tcase, mapped_again_by_itself);
	tcase_add_test(tcase, without_section_headers);
	tcase_add_test(tcase, other_word_size);
	tcase_add_test(tcase, files_that_are_no_programs);
	tcase_add_test(tcase, truncated_files);
	tcase_add_test(tcase, garbled_headers);
	tcase_add_loop_test(tcase, variables, 0, 4);
	return unit_run("image", tcase);
}
