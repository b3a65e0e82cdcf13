/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "gnu_hash.h"

#include <string.h>
#include <unistd.h>

#include "vqi/checked.h"

#define MAX_NAME  256
#define MAX_CHAIN 4096 /* symbols in one bucket; a handful as a rule */
#define HEADER	  16   /* bytes: four words */
#define WORD	  sizeof(uint32_t)

static bool read_at(const struct vqi_gnu_hash *hash, const GElf_Shdr *section, uint64_t offset,
		    void *ret_bytes, size_t len)
{
	uint64_t at;

	return offset <= section->sh_size && len <= section->sh_size - offset &&
	       !__builtin_add_overflow(section->sh_offset, offset, &at) && at <= INT64_MAX &&
	       pread(hash->fd, ret_bytes, len, (off_t)at) == (ssize_t)len;
}

bool vqi_gnu_hash_open(Elf *elf, int fd, struct vqi_gnu_hash *ret_hash)
{
	struct vqi_gnu_hash hash = {.fd = fd};
	Elf_Scn *section = NULL;
	uint32_t header[4];
	GElf_Ehdr ehdr;

	if (!gelf_getehdr(elf, &ehdr) || ehdr.e_ident[EI_CLASS] != ELFCLASS64 ||
	    ehdr.e_ident[EI_DATA] != ELFDATA2LSB)
		return false;
	while ((section = elf_nextscn(elf, section)))
		if (gelf_getshdr(section, &hash.table) && hash.table.sh_type == SHT_GNU_HASH)
			break;
	if (!section || !gelf_getshdr(elf_getscn(elf, hash.table.sh_link), &hash.symbols) ||
	    hash.symbols.sh_type != SHT_DYNSYM ||
	    !gelf_getshdr(elf_getscn(elf, hash.symbols.sh_link), &hash.strings) ||
	    hash.strings.sh_type != SHT_STRTAB || !read_at(&hash, &hash.table, 0, header, HEADER))
		return false;
	hash.buckets = header[0];
	hash.first = header[1];
	hash.bloom_words = header[2];
	hash.bloom_shift = header[3];
	if (!hash.buckets || !hash.bloom_words || hash.bloom_shift >= 32)
		return false;
	*ret_hash = hash;
	return true;
}

/* Bernstein's. Source: glibc elf/dl-lookup.c dl_new_hash(). */
static uint32_t hash_of(const char *name)
{
	uint32_t value = 5381;

	for (; *name; name++)
		value = value * 33 + (unsigned char)*name;
	return value;
}

static bool may_have(const struct vqi_gnu_hash *hash, uint32_t value)
{
	uint64_t word, bits = 1ull << value % 64 | 1ull << (value >> hash->bloom_shift) % 64;

	return read_at(hash, &hash->table, HEADER + value / 64 % hash->bloom_words * sizeof(word),
		       &word, sizeof(word)) &&
	       (word & bits) == bits;
}

static bool is_symbol(const struct vqi_gnu_hash *hash, uint32_t index, const char *name,
		      GElf_Sym *ret_symbol)
{
	size_t len = strlen(name) + 1;
	char text[MAX_NAME];
	Elf64_Sym symbol;

	if (!read_at(hash, &hash->symbols, index * sizeof(symbol), &symbol, sizeof(symbol)) ||
	    !read_at(hash, &hash->strings, symbol.st_name, text, len) ||
	    memcmp(text, name, len) != 0)
		return false;
	*ret_symbol = symbol;
	return true;
}

bool vqi_gnu_hash_find(const struct vqi_gnu_hash *hash, const char *name, GElf_Sym *ret_symbol)
{
	uint64_t buckets = HEADER + (uint64_t)hash->bloom_words * sizeof(uint64_t);
	uint64_t chains = buckets + (uint64_t)hash->buckets * WORD;
	uint32_t value = hash_of(name), index, link;

	if (strlen(name) >= MAX_NAME || !may_have(hash, value) ||
	    !read_at(hash, &hash->table, buckets + value % hash->buckets * WORD, &index, WORD) ||
	    index < hash->first)
		return false;
	for (uint32_t end = index + MAX_CHAIN; index < end; index++) {
		if (!read_at(hash, &hash->table, chains + (uint64_t)(index - hash->first) * WORD,
			     &link, WORD))
			return false;
		if ((link | 1) == (value | 1) && is_symbol(hash, index, name, ret_symbol))
			return true;
		if (link & 1) /* the last of its bucket */
			return false;
	}
	return false;
}
