/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <check.h>
#include <signal.h>
#include <stddef.h>
#include <sys/wait.h>
#include <unistd.h>

#include "live.h"
#include "process_private.h"
#include "target_process.h"
#include "unit.h"

#define PAGE 4096
#define MANY 5000

static struct test_target target;
static struct vqi_process *process;
static struct vqi_mem *mem;

static struct vqi_live *live(void)
{
	return (struct vqi_live *)process->reader;
}

static void setup(void)
{
	vqi_target_start(&target);
	ck_assert_ok(vqi_process_open(target.pid, &process));
	mem = vqi_process_mem(process);
}

static void teardown(void)
{
	vqi_process_close(process);
	vqi_target_end(&target);
}

/* As tests/support/target.c map_edge() makes it. */
static uint8_t edge_byte(size_t i)
{
	return (uint8_t)(i * 7 + (i >> 8));
}

START_TEST(test_known_bytes)
{
	uint64_t edge = vqi_target_ask(&target, "edge");
	uint8_t buf[2 * PAGE];

	ck_assert_ok(vqi_mem_read(mem, edge, buf, sizeof(buf)));
	for (size_t i = 0; i < sizeof(buf); i++)
		ck_assert_uint_eq(buf[i], edge_byte(i));
}
END_TEST

START_TEST(test_next_to_nothing)
{
	uint64_t end = vqi_target_ask(&target, "edge") + 2 * PAGE;
	uint8_t buf[16];

	ck_assert_ok(vqi_mem_read(mem, end - 8, buf, 8));
	ck_assert_uint_eq(buf[7], edge_byte(2 * PAGE - 1));
	ck_assert_code(vqi_mem_read(mem, end - 8, buf, 9), VQI_ERROR_FAULT);
	ck_assert_code(vqi_mem_read(mem, end, buf, 1), VQI_ERROR_FAULT);
}
END_TEST

START_TEST(test_absurd_addresses)
{
	static const uint64_t addrs[] = {0,
					 1,
					 UINT64_MAX,
					 UINT64_MAX - 7,
					 UINT64_C(1) << 63,
					 UINT64_C(0x8000000000000000) - 4};
	uint8_t buf[8];

	for (size_t i = 0; i < sizeof(addrs) / sizeof(addrs[0]); i++)
		ck_assert_code(vqi_mem_read(mem, addrs[i], buf, 8), VQI_ERROR_FAULT);
	ck_assert_ok(vqi_process_check(process));
}
END_TEST

/* Guard pages, and what a live migration protects: only /proc/PID/mem reads them. */
START_TEST(test_without_read_permission)
{
	uint64_t addr = vqi_target_ask(&target, "unreadable");
	uint8_t buf[PAGE];

	ck_assert_ok(vqi_mem_read(mem, addr, buf, PAGE));
	ck_assert_uint_eq(buf[0], 0x5a);
	ck_assert_uint_eq(buf[PAGE - 1], 0x5a);
}
END_TEST

static struct vqi_range ranges[MANY];
static uint32_t values[MANY];

/* Ranges over pages of which those with an odd number are missing; their bytes are the number. */
static void fill_ranges(uint64_t comb, size_t every)
{
	for (size_t i = 0; i < MANY; i++) {
		size_t number = i % every == every - 1 ? 2 * (i % 16) + 1 : 2 * (i % 16);

		values[i] = 0;
		ranges[i] = (struct vqi_range){
			.addr = comb + number * PAGE + i % (PAGE - 4),
			.buf = &values[i],
			.len = i % 7 == 6 ? 0 : 4,
		};
	}
}

static void check_ranges(size_t every)
{
	for (size_t i = 0; i < MANY; i++) {
		if (ranges[i].len == 0) {
			ck_assert(ranges[i].ok);
			ck_assert_uint_eq(values[i], 0);
		} else if (i % every == every - 1) {
			ck_assert_msg(!ranges[i].ok, "range %zu is readable", i);
		} else {
			ck_assert_msg(ranges[i].ok, "range %zu is not readable", i);
			ck_assert_uint_eq(values[i], 2 * (i % 16) * 0x01010101u);
		}
	}
}

/* One in so many ranges faults. */
static const size_t fault_rates[] = {MANY + 1, MANY, 1025, 1024, 100, 5, 2, 1};

START_TEST(test_many_ranges)
{
	uint64_t comb = vqi_target_ask(&target, "comb 32");

	fill_ranges(comb, fault_rates[_i]);
	ck_assert_ok(vqi_mem_readv(mem, ranges, MANY));
	check_ranges(fault_rates[_i]);
}
END_TEST

/* As in a container whose seccomp filter forbids process_vm_readv(). */
START_TEST(test_by_mem_file_only)
{
	uint64_t comb = vqi_target_ask(&target, "comb 32");

	live()->vm_readv_refused = true;
	fill_ranges(comb, fault_rates[_i]);
	ck_assert_ok(vqi_mem_readv(mem, ranges, MANY));
	check_ranges(fault_rates[_i]);
}
END_TEST

START_TEST(test_without_mem_file)
{
	uint64_t comb = vqi_target_ask(&target, "comb 32");

	close(live()->memfd);
	live()->memfd = -1;
	fill_ranges(comb, fault_rates[_i]);
	ck_assert_ok(vqi_mem_readv(mem, ranges, MANY));
	check_ranges(fault_rates[_i]);
}
END_TEST

/* A range that starts in one page and ends in one that is missing. */
START_TEST(test_half_a_range)
{
	uint64_t comb = vqi_target_ask(&target, "comb 4");
	uint8_t a[8], b[8], c[8];
	struct vqi_range three[] = {
		{.addr = comb, .buf = a, .len = 8},
		{.addr = comb + PAGE - 4, .buf = b, .len = 8},
		{.addr = comb + 2 * PAGE, .buf = c, .len = 8},
	};

	ck_assert_ok(vqi_mem_readv(mem, three, 3));
	ck_assert(three[0].ok && !three[1].ok && three[2].ok);
	ck_assert_uint_eq(a[0], 0);
	ck_assert_uint_eq(c[7], 2);
}
END_TEST

START_TEST(test_large_range)
{
	size_t len = (size_t)16 << 20;
	uint64_t stripes = vqi_target_ask(&target, "stripes %zu", len / PAGE);
	vqi_cleanup_free uint8_t *buf = malloc(len);

	memset(buf, 1, len);
	ck_assert_ok(vqi_mem_read(mem, stripes, buf, len));
	for (size_t i = 0; i < len; i += PAGE / 2)
		ck_assert_uint_eq(buf[i], 0);
}
END_TEST

START_TEST(test_gone)
{
	uint64_t edge = vqi_target_ask(&target, "edge");
	uint8_t byte;

	ck_assert_ok(vqi_mem_read(mem, edge, &byte, 1));
	vqi_target_end(&target);
	ck_assert_code(vqi_mem_read(mem, edge, &byte, 1), VQI_ERROR_GONE);
	live()->vm_readv_refused = true;
	ck_assert_code(vqi_mem_read(mem, edge, &byte, 1), VQI_ERROR_GONE);
}
END_TEST

/* Its pid is still there, and its memory not. */
START_TEST(test_gone_zombie)
{
	uint64_t edge = vqi_target_ask(&target, "edge");
	uint8_t byte;
	siginfo_t info;

	ck_assert_int_eq(kill(target.pid, SIGKILL), 0);
	ck_assert_int_eq(waitid(P_PID, (id_t)target.pid, &info, WEXITED | WNOWAIT), 0);
	ck_assert_code(vqi_mem_read(mem, edge, &byte, 1), VQI_ERROR_GONE);
	live()->vm_readv_refused = true;
	ck_assert_code(vqi_mem_read(mem, edge, &byte, 1), VQI_ERROR_GONE);
}
END_TEST

/* Ends at any moment: readings succeed, until one says that it has gone; none says a fault. */
START_TEST(test_gone_in_the_middle)
{
	uint64_t comb = vqi_target_ask(&target, "comb 32");
	struct vqi_error *error;
	pid_t killer;

	fill_ranges(comb, MANY + 1);
	ck_assert_ok(vqi_mem_readv(mem, ranges, MANY));
	killer = fork();
	ck_assert_int_ge(killer, 0);
	if (killer == 0) {
		kill(target.pid, SIGKILL);
		_exit(0);
	}
	do {
		error = vqi_mem_readv(mem, ranges, MANY);
		if (!error)
			check_ranges(MANY + 1);
	} while (!error);
	ck_assert_int_eq(waitpid(killer, NULL, 0), killer);
	ck_assert_msg(error->code == VQI_ERROR_GONE, "%s", error->message);
	vqi_error_free(error);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("process_mem");
	int rates = sizeof(fault_rates) / sizeof(fault_rates[0]);

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, test_known_bytes);
	tcase_add_test(tcase, test_next_to_nothing);
	tcase_add_test(tcase, test_absurd_addresses);
	tcase_add_test(tcase, test_without_read_permission);
	tcase_add_loop_test(tcase, test_many_ranges, 0, rates);
	tcase_add_loop_test(tcase, test_by_mem_file_only, 0, rates);
	tcase_add_loop_test(tcase, test_without_mem_file, 0, rates);
	tcase_add_test(tcase, test_half_a_range);
	tcase_add_test(tcase, test_large_range);
	tcase_add_test(tcase, test_gone);
	tcase_add_test(tcase, test_gone_zombie);
	tcase_add_loop_test(tcase, test_gone_in_the_middle, 0, 10);
	return unit_run("process_mem", tcase);
}
