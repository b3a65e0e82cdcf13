/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "screen_rescue.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>
#include <unistd.h>

#include "screen_terminfo.h"
#include "vqi/screen.h"

static const int crashes[] = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGQUIT};
#define CRASH_COUNT (sizeof(crashes) / sizeof(crashes[0]))

/* What a signal handler works with can be in a variable only that all can see; there is one terminal, too. It is not
 * changed while the handlers are there. */
static struct {
	pid_t owner; /* a child that crashes has no terminal to give back */
	struct termios modes;
	char sequence[128];
	size_t len;
	struct sigaction before[CRASH_COUNT];
	bool is_set[CRASH_COUNT];
	atomic_bool is_armed; /* the last to be set, and the first to be taken away */
} rescue;

/* Only calls that signal-safety(7) names. */
void vqi_screen_give_back(void)
{
	const char *rest = rescue.sequence;
	size_t len = rescue.len;
	ssize_t count;

	if (!atomic_load(&rescue.is_armed) || getpid() != rescue.owner)
		return;
	tcsetattr(STDIN_FILENO, TCSANOW, &rescue.modes);
	while (len && (count = write(STDOUT_FILENO, rest, len)) > 0) {
		rest += count;
		len -= (size_t)count;
	}
}

static void crash(int number)
{
	vqi_screen_give_back();
	raise(number); /* when this is through, as it would have been */
}

void vqi_rescue_arm(const struct termios *modes)
{
	struct sigaction action = {.sa_handler = crash, .sa_flags = SA_RESETHAND};

	rescue.owner = getpid();
	rescue.modes = *modes;
	rescue.len = vqi_terminfo_leave(rescue.sequence, sizeof(rescue.sequence));
	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < CRASH_COUNT; i++) {
		/* Who has a handler knows what to do. */
		rescue.is_set[i] = sigaction(crashes[i], NULL, &rescue.before[i]) == 0 &&
				   rescue.before[i].sa_handler == SIG_DFL &&
				   sigaction(crashes[i], &action, NULL) == 0;
	}
	atomic_store(&rescue.is_armed, true);
}

void vqi_rescue_disarm(void)
{
	atomic_store(&rescue.is_armed, false);
	for (size_t i = 0; i < CRASH_COUNT; i++) {
		if (rescue.is_set[i])
			sigaction(crashes[i], &rescue.before[i], NULL);
		rescue.is_set[i] = false;
	}
}
