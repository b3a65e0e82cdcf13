/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "command.h"

#include <check.h>
#include <string.h>

#include "unit.h"
#include "vqi/candidates.h"

/* Words, separated by spaces here, and the name that they give. */
static const struct {
	const char *words, *name;
} cases[] = {
	{"qemu", NULL},
	{"qemu -m 16", NULL},
	{"qemu -name web1", "web1"},
	{"qemu --name web1 -m 16", "web1"},
	{"qemu -name=web1", "web1"},
	{"qemu --name=guest=web1", "web1"},
	{"/usr/bin/qemu-system-x86_64 -name guest=web1,debug-threads=on -S", "web1"},
	{"qemu -name web1,process=qemu:web1", "web1"},
	{"qemu -name process=qemu,guest=web1", "web1"},
	{"qemu -name process=guest=no,guest=web1", "web1"},
	{"qemu -name debug-threads=on", NULL},
	/* two commas stand for one, wherever */
	{"qemu -name a,,b", "a,b"},
	{"qemu -name guest=a,,b,,,process=c", "a,b,"},
	{"qemu -name process=x,,guest=no,guest=yes", "yes"},
	{"qemu -name ,,", ","},
	/* only the first may come without its key, and it may have no = */
	{"qemu -name process=x,web1", NULL},
	{"qemu -name guest=a=b", "a=b"},
	{"qemu -name web=1", NULL},
	{"qemu -name web1,guest=web2", "web2"},
	/* the last counts; what says nothing about the name leaves it */
	{"qemu -name web1 -name web2", "web2"},
	{"qemu -name web1 -name debug-threads=on", "web1"},
	/* none */
	{"qemu -name", NULL},
	{"qemu -name=", NULL},
	{"qemu -name guest=", NULL},
	{"qemu -name ,process=x", NULL},
	{"qemu name web1", NULL},
	{"qemu -names web1", NULL},
	{"qemu ---name web1", NULL},
};

/* In place of the spaces come the ends of words; the last word ends likewise. */
static size_t split(const char *text, char words[200])
{
	size_t len = strlen(text) + 1;

	ck_assert_uint_lt(len, 200);
	memcpy(words, text, len);
	for (size_t i = 0; i < len; i++) {
		if (words[i] == ' ')
			words[i] = '\0';
	}
	return len;
}

START_TEST(test_name)
{
	vqi_cleanup_free char *name = NULL;
	char words[200];
	size_t len = split(cases[_i].words, words);

	ck_assert_ok(vqi_command_vm_name(words, len, &name));
	ck_assert_pstr_eq(name, cases[_i].name);
}
END_TEST

/* As a program that rewrites its command line leaves it. */
START_TEST(test_last_word_may_lack_its_end)
{
	static const char words[] = "qemu\0-name\0web1";
	vqi_cleanup_free char *name = NULL;

	ck_assert_ok(vqi_command_vm_name(words, sizeof(words) - 1, &name));
	ck_assert_str_eq(name, "web1");
}
END_TEST

START_TEST(test_words)
{
	static const char words[] = "a\0\0bc";
	struct vqi_command command = {.at = words, .end = words + sizeof(words)};

	ck_assert_str_eq(vqi_command_next(&command), "a");
	ck_assert_str_eq(vqi_command_next(&command), "");
	ck_assert_str_eq(vqi_command_next(&command), "bc");
	ck_assert_ptr_null(vqi_command_next(&command));
	ck_assert_ptr_null(vqi_command_next(&command));
}
END_TEST

START_TEST(test_options)
{
	ck_assert(vqi_is_option("-device", "device"));
	ck_assert(vqi_is_option("--device", "device"));
	ck_assert(!vqi_is_option("device", "device"));
	ck_assert(!vqi_is_option("-devices", "device"));
	ck_assert(!vqi_is_option("", "device"));
	ck_assert_str_eq(vqi_base_name("/usr/bin/qemu"), "qemu");
	ck_assert_str_eq(vqi_base_name("qemu"), "qemu");
	ck_assert_str_eq(vqi_base_name("/"), "");
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("command");

	tcase_add_loop_test(tcase, test_name, 0, sizeof(cases) / sizeof(cases[0]));
	tcase_add_test(tcase, test_last_word_may_lack_its_end);
	tcase_add_test(tcase, test_words);
	tcase_add_test(tcase, test_options);
	return unit_run("command", tcase);
}
