// SPDX-License-Identifier: GPL-2.0-or-later
/* What the commands share. */
#include "helper/mikeyctl/command.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

int command_usage(const struct command *command, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "mikeyctl %s: ", command->words);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "\nmikeyctl %s --help tells more.\n", command->words);
	return EXIT_USAGE;
}

int command_failed(const struct problem *problem)
{
	fprintf(stderr, "mikeyctl: %s\n", problem->words);
	return EXIT_FAILED;
}

int command_option(const struct command *command, int argc, char **argv,
		   const struct option *options, int *code)
{
	int option = getopt_long(argc, argv, "h", options, NULL);

	switch (option) {
	case 'h':
		printf("%s\n\n%s", command->summary, command->help);
		*code = EXIT_DONE;
		return -1;
	case '?':
		fprintf(stderr, "mikeyctl %s --help tells more.\n", command->words);
		*code = EXIT_USAGE;
		return -1;
	default:
		return option;
	}
}

/* strtoull() would take a sign and leading white space. */
static bool read_number(const char *text, uint64_t *number, const char **end)
{
	char *stop;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	*number = strtoull(text, &stop, 10);
	*end = stop;
	return !errno && *number;
}

bool command_read_number(const char *text, uint64_t *number)
{
	const char *end;

	return read_number(text, number, &end) && !*end;
}

bool command_read_seconds(const char *text, int64_t *seconds)
{
	static const struct {
		char letter;
		unsigned int seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
	unsigned int unit = 0;
	uint64_t number;
	const char *end;

	if (!read_number(text, &number, &end))
		return false;
	if (!*end)
		unit = 1;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (end[0] == units[i].letter && !end[1])
			unit = units[i].seconds;
	/* a timeout of keyctl(2) has 32 bits */
	if (!unit || number > UINT32_MAX / unit)
		return false;
	*seconds = number * unit;
	return true;
}
