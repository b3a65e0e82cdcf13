/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A fake QEMU without symbols, and what a scan of its variables finds. */
#ifndef VQI_TESTS_SCANNED_H
#define VQI_TESTS_SCANNED_H

#include <check.h>
#include <string.h>

#include "fake_qemu.h"
#include "unit.h"
#include "vqi/scan.h"

#define LINKED	  0x4000 /* where the variables are */
#define LEN	  0x4000
#define FIRST	  0x10 /* of them, a word that is no variable of the table's */
#define HEAP	  UINT64_C(0x7f1200000000)
#define HEAP_END  (HEAP + (UINT64_C(1) << 32))
#define CONSTANTS (HEAP - 0x10000)

static struct fake_qemu *qemu;
static struct vqi_layout layout; /* without symbols */
static struct vqi_map maps[4], variable_map;
static struct vqi_maps all = {maps, 3}, variables = {&variable_map, 1};

static inline void make(unsigned int seed)
{
	qemu = fake_qemu_new(seed);
	layout = qemu->layout;
	memset(layout.symbols, 0, sizeof(layout.symbols));
	variable_map = (struct vqi_map){
		.start = qemu->qemu.bias + LINKED,
		.end = qemu->qemu.bias + LINKED + LEN,
		.readable = true,
		.writable = true,
	};
	maps[0] = variable_map;
	maps[1] = (struct vqi_map){.start = CONSTANTS, .end = HEAP, .readable = true};
	maps[2] = (struct vqi_map){
		.start = HEAP,
		.end = HEAP_END,
		.readable = true,
		.writable = true,
	};
	vqi_fake_mem_map(qemu->fake, CONSTANTS, 0x10000);
}

static inline void setup(void)
{
	make(1);
}

static inline void teardown(void)
{
	fake_qemu_free(qemu);
}

static inline struct vqi_error *scan(void)
{
	memset(layout.symbols, 0, sizeof(layout.symbols));
	return vqi_scan(&qemu->mem, qemu->qemu.bias, &variables, &all, &layout);
}

static inline void poke(uint64_t linked, uint64_t value)
{
	fake_poke(qemu, qemu->qemu.bias + linked, 8, value);
}

static inline void hide(enum vqi_symbol_id symbol)
{
	fake_set_symbol(qemu, symbol, 8, 0);
}

static inline void assert_at(enum vqi_symbol_id symbol, uint64_t linked)
{
	ck_assert_msg(layout.symbols[symbol].present, "no %s", vqi_symbol_info(symbol)->name);
	ck_assert(layout.symbols[symbol].by_content);
	ck_assert_uint_eq(layout.symbols[symbol].address, linked);
}

static inline void assert_found(enum vqi_symbol_id symbol)
{
	assert_at(symbol, qemu->layout.symbols[symbol].address);
}

/* Neither it nor anything else that was not made. */
static inline void assert_unknown(enum vqi_symbol_id symbol)
{
	ck_assert_msg(!layout.symbols[symbol].present, "%s", vqi_symbol_info(symbol)->name);
}

static inline void assert_none(void)
{
	ck_assert_code_text(scan(), VQI_ERROR_NO_LAYOUT, "holds a machine or a system bus");
}

/* What malloc() gives for a short text has more room than that. */
static inline void set_name(uint64_t address, enum vqi_field_id field, const char *text)
{
	uint64_t name = fake_alloc(qemu, 24);

	strcpy((char *)fake_bytes(qemu, name, 24), text);
	fake_set(qemu, address, field, name);
}

#endif
