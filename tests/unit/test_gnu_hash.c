/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Asked of the C library that runs this, which exports thousands of names. */
#include "gnu_hash.h"

#include <check.h>
#include <fcntl.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "elf_file.h"
#include "unit.h"

static int fd = -1;
static Elf *elf;
static struct vqi_gnu_hash hash;

static int find_libc(struct dl_phdr_info *info, size_t size, void *path)
{
	(void)size;
	if (!strstr(info->dlpi_name, "/libc.so"))
		return 0;
	*(char **)path = strdup(info->dlpi_name);
	return 1;
}

static void setup(void)
{
	vqi_cleanup_free char *path = NULL;

	ck_assert_int_eq(dl_iterate_phdr(find_libc, &path), 1);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	ck_assert_ok(vqi_elf_open(fd, &elf));
	ck_assert(vqi_gnu_hash_open(elf, fd, &hash));
}

static void teardown(void)
{
	elf_end(elf);
	close(fd);
}

/* Whether one of the symbols of that name has this value: there are several versions of some. */
static bool is_one_of(Elf_Data *symbols, const char *strings, const char *name, uint64_t value)
{
	GElf_Sym symbol;

	for (int i = 0; gelf_getsym(symbols, i, &symbol); i++) {
		if (symbol.st_value == value && strcmp(strings + symbol.st_name, name) == 0)
			return true;
	}
	return false;
}

START_TEST(test_every_name)
{
	Elf_Scn *section = gelf_offscn(elf, hash.symbols.sh_offset);
	Elf_Data *symbols = elf_getdata(section, NULL);
	Elf_Data *data = elf_getdata(elf_getscn(elf, hash.symbols.sh_link), NULL);
	GElf_Sym symbol, found;
	size_t count = 0;

	ck_assert_ptr_nonnull(symbols);
	ck_assert_ptr_nonnull(data);
	for (int i = (int)hash.first; gelf_getsym(symbols, i, &symbol); i++) {
		const char *name = (const char *)data->d_buf + symbol.st_name;

		ck_assert_msg(vqi_gnu_hash_find(&hash, name, &found), "%s", name);
		ck_assert_msg(found.st_value == symbol.st_value ||
				      is_one_of(symbols, data->d_buf, name, found.st_value),
			      "%s", name);
		count++;
	}
	ck_assert_uint_gt(count, 1000);
}
END_TEST

START_TEST(test_names_that_are_not_there)
{
	static const char *const names[] = {"", "mallo", "mallocc", "no_such_function", "Malloc"};
	char long_name[1000];
	GElf_Sym symbol;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		ck_assert_msg(!vqi_gnu_hash_find(&hash, names[i], &symbol), "%s", names[i]);
	memset(long_name, 'x', sizeof(long_name) - 1);
	long_name[sizeof(long_name) - 1] = '\0';
	ck_assert(!vqi_gnu_hash_find(&hash, long_name, &symbol));
}
END_TEST

/* Whatever the file says: what is found has that name, and the search ends. */
START_TEST(test_senseless_tables)
{
	static const uint64_t values[] = {0, 1, 31, 32, 0x7fffffff, 0xffffffff};
	GElf_Sym symbol;

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		for (int what = 0; what < 8; what++) {
			struct vqi_gnu_hash bad = hash;

			bad.first = what == 0 ? (uint32_t)values[i] : bad.first;
			if (what == 1 && values[i])
				bad.buckets = (uint32_t)values[i];
			if (what == 2 && values[i])
				bad.bloom_words = (uint32_t)values[i];
			bad.bloom_shift = what == 3 ? values[i] % 32 : bad.bloom_shift;
			bad.table.sh_size = what == 4 ? values[i] : bad.table.sh_size;
			bad.table.sh_offset = what == 5 ? values[i] - 1 : bad.table.sh_offset;
			bad.symbols.sh_size = what == 6 ? values[i] : bad.symbols.sh_size;
			bad.strings.sh_offset = what == 7 ? values[i] : bad.strings.sh_offset;
			if (vqi_gnu_hash_find(&bad, "malloc", &symbol))
				ck_assert(vqi_gnu_hash_find(&hash, "malloc", &symbol));
		}
	}
}
END_TEST

START_TEST(test_file_without_one)
{
	vqi_cleanup_elf Elf *empty = NULL;
	struct vqi_gnu_hash other;
	Elf64_Ehdr header = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
			     .e_type = ET_DYN,
			     .e_machine = EM_X86_64,
			     .e_version = EV_CURRENT,
			     .e_ehsize = sizeof(header)};
	FILE *file = tmpfile();

	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(&header, sizeof(header), 1, file), 1);
	ck_assert_int_eq(fflush(file), 0);
	ck_assert_ok(vqi_elf_open(fileno(file), &empty));
	ck_assert_ptr_nonnull(empty);
	ck_assert(!vqi_gnu_hash_open(empty, fileno(file), &other));
	elf_end(take_ptr(empty));
	fclose(file);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("gnu_hash");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_every_name);
	tcase_add_test(tcase, test_names_that_are_not_there);
	tcase_add_test(tcase, test_senseless_tables);
	tcase_add_test(tcase, test_file_without_one);
	return unit_run("gnu_hash", tcase);
}
