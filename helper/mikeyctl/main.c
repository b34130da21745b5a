// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * mikeyctl: the command line of the two modules and their keys.
 *
 * Each command is an entry of the table below; its function lies in the file
 * of its noun. None of them can show a key: the kernel gives none.
 */
#include <stdio.h>
#include <string.h>

#include "helper/mikeyctl/command.h"
#include "helper/lib/version.h"

static const struct command * const commands[] = {
	&psk_load, &psk_list, &psk_revoke, &psk_seal, &psk_unseal,
	&ticket_list, &ticket_show, &ticket_revoke, &ticket_invalidate,
	&queue_list, &queue_show, &queue_retry, &queue_drop,
	&policy_show, &stats_show, &watch_refusals,
	&send_message, &follow_inbox,
	&inbox_list, &inbox_show, &inbox_take, &inbox_wait,
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

/*
 * How many of the words begin the name of this command; all of its own words
 * if it is the one that is meant.
 */
static int match(const struct command *command, int argc, char **argv)
{
	const char *words = command->words;
	int n = 0;

	while (*words && n < argc) {
		size_t len = strcspn(words, " ");

		if (strlen(argv[n]) != len || strncmp(argv[n], words, len))
			break;
		words += len + strspn(words + len, " ");
		n++;
	}
	return n;
}

static int count_words(const char *words)
{
	int count = 1;

	for (; *words; words++)
		count += *words == ' ';
	return count;
}

/* Commands that begin with the given words, all if there are none. */
static void list_commands(FILE *file, int argc, char **argv)
{
	fprintf(file, "usage: mikeyctl COMMAND [OPTIONS]\n\n");
	for (size_t i = 0; i < COMMANDS; i++)
		if (match(commands[i], argc, argv) >= argc)
			fprintf(file, "  %-18s  %s\n", commands[i]->words, commands[i]->summary);
	fprintf(file, "\nmikeyctl COMMAND --help tells more, so does mikeyctl(1).\n");
}

static int run(const struct command *command, int argc, char **argv)
{
	char name[64];
	int code;

	/* what getopt_long() puts in front of its words */
	snprintf(name, sizeof(name), "mikeyctl %s", command->words);
	argv[0] = name;
	code = command->run(command, argc, argv);
	if (fflush(stdout) || ferror(stdout)) {
		fprintf(stderr, "mikeyctl: cannot write the output\n");
		return code ? code : EXIT_FAILED;
	}
	return code;
}

int main(int argc, char **argv)
{
	int known = 0;

	argc--;
	argv++;
	if (argc == 1 && !strcmp(argv[0], "--version")) {
		printf("mikeyctl " MIKEY_RELEASE "\n");
		return EXIT_DONE;
	}
	if (argc && (!strcmp(argv[0], "--help") || !strcmp(argv[0], "-h") ||
		     !strcmp(argv[0], "help"))) {
		list_commands(stdout, argc - 1, argv + 1);
		return EXIT_DONE;
	}
	for (size_t i = 0; i < COMMANDS; i++) {
		int n = match(commands[i], argc, argv), words = count_words(commands[i]->words);

		if (n == words)
			return run(commands[i], argc - words + 1, argv + words - 1);
		if (n > known)
			known = n;
	}
	if (known && known < argc && !strcmp(argv[known], "--help")) {
		list_commands(stdout, known, argv);
		return EXIT_DONE;
	}
	if (argc > known)
		fprintf(stderr, "mikeyctl: there is no command \"%s%s%s\"\n\n",
			known ? argv[0] : "", known ? " " : "", argv[known]);
	list_commands(stderr, known, argv);
	return EXIT_USAGE;
}
