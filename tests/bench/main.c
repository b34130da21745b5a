// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * mikey-bench: runs suites of measurements on the running kernel, as root.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

static const struct {
	const char *name;
	void (*run)(const struct bench *b);
} suites[] = {
	{ "sizes", suite_sizes },
	{ "exchanges", suite_exchanges },
	{ "memory", suite_memory },
	{ "tickets", suite_tickets },
	{ "scale", suite_scale },
};

static void print_usage(FILE *to)
{
	fputs("usage: mikey-bench [options] SUITE...\n"
	      "\n"
	      "  --bodies N,N,...   lengths in bytes (64 to 256 KiB)\n"
	      "  --only NAME        of sizes this contestant alone: product, floor, openssl,\n"
	      "                     softhsm, afalg\n"
	      "  --tickets N,N,...  live tickets (1,100,10000)\n"
	      "  --batch N          operations between two looks at the clock (8)\n"
	      "  --batches N        of which the middle one counts (5)\n"
	      "  --seconds N        how long each contestant of scale runs (5)\n"
	      "  --help             this text\n"
	      "\n"
	      "Suites: sizes exchanges memory tickets scale. Lines of JSON come on standard\n"
	      "output. The modules and mikey_bench.ko have to be loaded.\n", to);
}

static u32 to_number(const char *text)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (*end || !n || n > 1000000000) {
		fprintf(stderr, "mikey-bench: '%s' is not a number\n", text);
		exit(2);
	}
	return n;
}

/* Numbers with commas between them, of which @to has room for @max and an end. */
static void to_numbers(u32 *to, u32 max, char *text)
{
	char *word;

	memset(to, 0, max * sizeof(*to));
	while ((word = strsep(&text, ","))) {
		if (max-- == 1) {
			fputs("mikey-bench: too many numbers\n", stderr);
			exit(2);
		}
		*to++ = to_number(word);
	}
}

static void run(const struct bench *b, const char *name)
{
	for (u32 i = 0; i < ARRAY_SIZE(suites); i++) {
		if (!strcmp(suites[i].name, name)) {
			suites[i].run(b);
			return;
		}
	}
	fprintf(stderr, "mikey-bench: no suite '%s' (see --help)\n", name);
	exit(2);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "bodies", required_argument, NULL, 'b' },
		{ "only", required_argument, NULL, 'o' },
		{ "tickets", required_argument, NULL, 't' },
		{ "batch", required_argument, NULL, 'n' },
		{ "batches", required_argument, NULL, 'm' },
		{ "seconds", required_argument, NULL, 's' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct bench b = {
		.bodies = { 64, 256, 1024, 4096, 16384, 65536, 262144 },
		.counts = { 1, 100, 10000 },
		.batch = 8,
		.batches = 5,
		.seconds = 5,
	};
	int o;

	while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (o) {
		case 'b':
			to_numbers(b.bodies, ARRAY_SIZE(b.bodies), optarg);
			break;
		case 'o':
			b.only = optarg;
			break;
		case 't':
			to_numbers(b.counts, ARRAY_SIZE(b.counts), optarg);
			break;
		case 'n':
			b.batch = to_number(optarg);
			break;
		case 'm':
			b.batches = to_number(optarg);
			break;
		case 's':
			b.seconds = to_number(optarg);
			break;
		case 'h':
			print_usage(stdout);
			return 0;
		default:
			print_usage(stderr);
			return 2;
		}
	}
	if (optind == argc) {
		print_usage(stderr);
		return 2;
	}
	for (; optind < argc; optind++)
		run(&b, argv[optind]);
	return 0;
}
