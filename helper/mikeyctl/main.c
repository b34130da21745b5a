// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * mikeyctl: the command line of the two modules and their keys.
 *
 * Each command is a row of the table below; its function lies in the file of
 * its noun. None of them can show a key: the kernel gives none.
 */
#include <stdio.h>
#include <string.h>

#include "helper/mikeyctl/command.h"

static const struct command commands[] = {
	{ 0 }
};

static int version(void)
{
	printf("mikeyctl\n");
	return EXIT_DONE;
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "--version"))
		return version();
	for (const struct command *c = commands; c->words; c++)
		printf("  %s\n", c->summary);
	return EXIT_USAGE;
}
