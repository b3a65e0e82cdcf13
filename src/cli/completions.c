/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes the completions of a shell, for the build: completions bash|zsh|fish. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "option_table.h"

#define PROGRAM "virtq-inspect"
#define MADE_BY "made from the option table of " PROGRAM

/* Lists processes that may be meant. */
#define PIDS "pgrep -f '^[^ ]*qemu-(system-|kvm|storage-daemon)'"

/* Lists the names of VMs, by the command lines of such. For fish it stands in double quotes. */
#define NAMES                                                                                      \
	"pgrep -af '^[^ ]*qemu-(system-|kvm)' | grep -oE -- ' -name [^ ]+' | "                     \
	"sed 's/ -name //; s/.*guest=//; s/,.*//'"

/* What lists the words that a value may be; NULL: nothing does. */
static const char *lister(const struct vqi_option *option)
{
	if (!option->value)
		return NULL;
	if (option->kind == VQI_OPTION_NAME)
		return NAMES;
	return option->kind == VQI_OPTION_PID ? PIDS : NULL;
}

/* The words that a value may be, with something between them. */
static void print_choices(const struct vqi_option *option, const char *between)
{
	for (const struct vqi_option_choice *choice = option->choices; choice->word; choice++)
		printf("%s%s", choice == option->choices ? "" : between, choice->word);
}

static bool has_choices(const struct vqi_option *option)
{
	return option->kind == VQI_OPTION_CHOICE && option->value;
}

/* The pattern of a case that an option's value is completed in. */
static void print_bash_pattern(const struct vqi_option *option)
{
	if (option->letter)
		printf("\t-%c | --%s)", option->letter, option->name);
	else
		printf("\t--%s)", option->name);
}

static void print_bash_value(const struct vqi_option *option)
{
	if (!option->value)
		return;
	print_bash_pattern(option);
	if (has_choices(option)) {
		printf(" words=\"");
		print_choices(option, " ");
		puts("\" ;;");
	} else if (lister(option)) {
		printf(" words=$(%s) ;;\n", lister(option));
	} else if (option->kind == VQI_OPTION_FILE) {
		puts(" compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- \"$cur\"); return ;;");
	} else {
		puts(" return ;;");
	}
}

/* A value that may be left out is completed behind an equals sign only. */
static void print_bash(void)
{
	puts("# bash completion, " MADE_BY "\n"
	     "_virtq_inspect()\n"
	     "{\n"
	     "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} words equals=\n"
	     "\tCOMPREPLY=()\n"
	     "\tif [[ $cur == = ]]; then\n"
	     "\t\tcur= equals=1\n"
	     "\telif [[ $prev == = ]]; then\n"
	     "\t\tprev=${COMP_WORDS[COMP_CWORD - 2]} equals=1\n"
	     "\tfi");
	printf("\t[[ -z $equals && $prev == @(");
	for (int i = 0, count = 0; i < OPT_COUNT; i++) {
		const struct vqi_option *option = &vqi_option_table[i];

		if (option->value && option->otherwise)
			printf("%s--%s", count++ ? "|" : "", option->name);
		if (option->value && option->otherwise && option->letter)
			printf("|-%c", option->letter);
	}
	puts(") ]] && prev=\n"
	     "\tcase $prev in");
	for (int i = 0; i < OPT_COUNT; i++)
		print_bash_value(&vqi_option_table[i]);
	printf("\t*) words=\"");
	for (int i = 0; i < OPT_COUNT; i++)
		printf("%s--%s", i ? " " : "", vqi_option_table[i].name);
	puts("\" ;;\n"
	     "\tesac\n"
	     "\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
	     "}\n"
	     "complete -F _virtq_inspect " PROGRAM);
}

/* A text between single quotes; special characters of a specification of _arguments with a backslash. */
static void print_quoted(const char *text, const char *special)
{
	for (; *text; text++) {
		if (*text == '\'')
			printf("'\\'");
		else if (strchr(special, *text))
			putchar('\\');
		putchar(*text);
	}
}

static void print_zsh_value(const struct vqi_option *option)
{
	printf("%s:%s:", option->otherwise ? ":" : "", option->value);
	if (has_choices(option)) {
		putchar('(');
		print_choices(option, " ");
		putchar(')');
	} else if (lister(option)) {
		printf("( $(");
		print_quoted(lister(option), "");
		printf(") )");
	} else if (option->kind == VQI_OPTION_FILE) {
		printf("_files");
	}
}

/* How its letter and its name begin a specification. A value that may be left out is the name's alone. */
static void print_zsh_words(const struct vqi_option *option)
{
	bool is_repeatable = option->kind == VQI_OPTION_DEVICE;
	const char *equals = !option->value ? "" : option->otherwise ? "=-" : "=";

	if (is_repeatable)
		printf("'*'");
	else if (option->letter)
		printf("'(-%c --%s)'", option->letter, option->name);
	if (option->letter && !option->otherwise)
		printf("{-%c%s,--%s%s}'[", option->letter, option->value ? "+" : "", option->name,
		       equals);
	else
		printf("'--%s%s[", option->name, equals);
}

/* An option may come once, but where any number of values is taken. */
static void print_zsh_option(const struct vqi_option *option)
{
	if (option->letter && option->otherwise) {
		printf(" \\\n\t'(-%c --%s)-%c[", option->letter, option->name, option->letter);
		print_quoted(option->help, "[]:\\");
		printf("]'");
	}
	printf(" \\\n\t");
	print_zsh_words(option);
	print_quoted(option->help, "[]:\\");
	putchar(']');
	if (option->value)
		print_zsh_value(option);
	putchar('\'');
}

static void print_zsh(void)
{
	printf("#compdef " PROGRAM "\n"
	       "# zsh completion, " MADE_BY "\n"
	       "_arguments -s");
	for (int i = 0; i < OPT_COUNT; i++)
		print_zsh_option(&vqi_option_table[i]);
	putchar('\n');
}

static void print_fish_option(const struct vqi_option *option)
{
	printf("complete -c " PROGRAM " -l %s", option->name);
	if (option->letter)
		printf(" -s %c", option->letter);
	if (option->value && !option->otherwise)
		printf(option->kind == VQI_OPTION_FILE ? " -r -F" : " -x");
	if (has_choices(option)) {
		printf(" -a '");
		print_choices(option, " ");
		putchar('\'');
	} else if (lister(option)) {
		printf(" -a \"(%s)\"", lister(option));
	}
	printf(" -d '");
	print_quoted(option->help, "");
	puts("'");
}

static void print_fish(void)
{
	puts("# fish completion, " MADE_BY "\n"
	     "complete -c " PROGRAM " -f");
	for (int i = 0; i < OPT_COUNT; i++)
		print_fish_option(&vqi_option_table[i]);
}

int main(int argc, char **argv)
{
	const char *shell = argc == 2 ? argv[1] : "";

	if (strcmp(shell, "bash") == 0)
		print_bash();
	else if (strcmp(shell, "zsh") == 0)
		print_zsh();
	else if (strcmp(shell, "fish") == 0)
		print_fish();
	else
		return EXIT_FAILURE;
	return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
