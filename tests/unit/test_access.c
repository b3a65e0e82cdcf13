/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "access.h"

#include <check.h>
#include <linux/capability.h>

#include "unit.h"

#define SYS_PTRACE (UINT64_C(1) << CAP_SYS_PTRACE)

/* What is as in an ordinary process of ours; the cases say the rest. */
#define UID   .our_uid = 7, .uids = {7, 7, 7, 7}
#define GID   .our_gid = 8, .gids = {8, 8, 8, 8}
#define DUMP  .dumpable = true
#define SCOPE .ptrace_scope = -1

static const struct {
	struct vqi_access access;
	const char *text;
} cases[] = {
	{{GID, DUMP, SCOPE, .our_uid = 7},
	 "it runs as uid 0, this program as uid 7, without CAP_SYS_PTRACE"},
	/* A saved uid suffices. */
	{{GID, DUMP, SCOPE, .our_uid = 7, .uids = {7, 7, 9, 7}},
	 "it runs as uid 9, this program as uid 7, without CAP_SYS_PTRACE"},
	{{UID, DUMP, SCOPE, .our_gid = 8, .gids = {8, 5, 8, 8}},
	 "it runs as gid 5, this program as gid 8, without CAP_SYS_PTRACE"},
	{{UID, GID, DUMP, SCOPE, .permitted = 3, .our_permitted = 1},
	 "it has capabilities that this program lacks, without CAP_SYS_PTRACE"},
	{{UID, GID, SCOPE, .dumpable = false},
	 "it is not dumpable (PR_SET_DUMPABLE, a change of uid, or an unreadable executable), without CAP_SYS_PTRACE"},
	{{UID, GID, DUMP, .ptrace_scope = 1},
	 "kernel.yama.ptrace_scope is 1, without CAP_SYS_PTRACE"},
	{{UID, GID, DUMP, SCOPE, .user_namespace = VQI_SAME_NO},
	 "it is in another user namespace, without CAP_SYS_PTRACE"},
	{{GID, DUMP, .our_uid = 7, .ptrace_scope = 2},
	 "it runs as uid 0, this program as uid 7; kernel.yama.ptrace_scope is 2, without CAP_SYS_PTRACE"},
	{{UID, GID, DUMP, SCOPE},
	 "a security module (SELinux, AppArmor) or a seccomp filter forbids it"},
	{{UID, GID, DUMP, .our_effective = SYS_PTRACE, .ptrace_scope = 3},
	 "kernel.yama.ptrace_scope is 3, which forbids it to everyone until the next boot"},
	{{GID, DUMP, SCOPE, .our_uid = 7, .our_effective = SYS_PTRACE},
	 "it is in another user namespace, where this program's CAP_SYS_PTRACE does not count"},
	{{UID, GID, DUMP, .our_effective = SYS_PTRACE, .user_namespace = VQI_SAME_YES,
	  .ptrace_scope = 2},
	 "a security module (SELinux, AppArmor) or a seccomp filter forbids it"},
};

START_TEST(test_obstacle)
{
	vqi_cleanup_free char *text = vqi_access_obstacle(&cases[_i].access);

	ck_assert_str_eq(text, cases[_i].text);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("access");

	tcase_add_loop_test(tcase, test_obstacle, 0, sizeof(cases) / sizeof(cases[0]));
	return unit_run("access", tcase);
}
