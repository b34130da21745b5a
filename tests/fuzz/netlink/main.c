// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Fuzzer of both netlink families, in a virtual machine whose kernel has KCOV:
 * see recipe.h for what an input is. A child cooks for a while and is then
 * replaced, so that nothing piles up; corpus and coverage are shared.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "corpus.h"
#include "cover.h"
#include "scene.h"
#include "tests/kselftest/ticket/module.h"
#include "uapi/mikey_ticket.h"
#include "watch.h"

#define CHILD_EXECS 4000
#define TELL_SECONDS 10
#define LOST_MAX 50		/* children that came to a bad end by themselves */

static struct options {
	const char *out;
	u32 seconds;
	u64 seed;
	bool blind;
	bool blocks;
	bool replay;
} options = { .seconds = 60, .seed = 1 };

static struct shared {
	struct cover cover;
	struct corpus corpus;
	struct corpus seeds;
	struct recipe now;
	u32 next_seed;
	u64 execs;
	u64 random;
	time_t begin;		/* of new inputs */
	time_t told;
	u64 told_execs;
} *shared;

static time_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

static void tell(const char *what)
{
	time_t t = now();

	printf("# %s: %ld s, %llu execs (%llu a second), %u edges, %u blocks, corpus %u\n", what,
	       (long)(shared->begin ? t - shared->begin : 0), (unsigned long long)shared->execs,
	       (unsigned long long)((shared->execs - shared->told_execs) / (t - shared->told ?: 1)),
	       shared->cover.num_edges, shared->cover.num_blocks, shared->corpus.num);
	fflush(stdout);
	shared->told_execs = shared->execs;
	shared->told = t;
}

/* A report ends the run: after the first one lockdep is off. */
static void look(const struct recipe *r)
{
	const char *report = watch_report();

	if (!report)
		return;
	printf("# the kernel says: %s\n", report);
	if (options.out && corpus_save(r, options.out, "report-"))
		puts("# the input is kept as report-*, those before it as last-*");
	fflush(stdout);
	_exit(2);
}

static void cook(const struct recipe *r, bool seed)
{
	int err;

	shared->now = *r;
	watch_next(r);
	cover_start();
	scene_cook(r, &err);
	shared->execs++;
	look(r);
	if (options.replay)
		printf("# step %u kind %u arg %u, %u edits: %d\n", r->step, r->kind, r->arg,
		       r->num, err);
	if (!cover_add(&shared->cover, options.blocks) && !(seed && !r->num))
		return;
	corpus_add(&shared->corpus, r);
	if (options.out && r->num && !corpus_save(r, options.out, ""))
		perror(options.out);
}

/* What was found last is looked into most. */
static const struct recipe *pick(void)
{
	u32 n = shared->corpus.num, recent = n / 4 + 1;

	if (recipe_random(&shared->random) % 2)
		return &shared->corpus.r[n - 1 - recipe_random(&shared->random) % recent];
	return &shared->corpus.r[recipe_random(&shared->random) % n];
}

static bool over(void)
{
	return shared->begin && now() >= shared->begin + (time_t)options.seconds;
}

static void child(bool all)
{
	struct recipe r;
	int err = scene_open(all);

	if (err) {
		printf("# the scene: %s\n", strerror(-err));
		fflush(stdout);
		_exit(3);
	}
	err = cover_open();
	if (err && !options.replay && !options.blind) {
		printf("# KCOV: %s\n", strerror(-err));
		fflush(stdout);
		_exit(3);
	}
	for (u32 n = 0; n < CHILD_EXECS && !over(); n++) {
		if (shared->next_seed < shared->seeds.num) {
			/* counted first: it may be the end of this child */
			r = shared->seeds.r[shared->next_seed++];
			cook(&r, true);
		} else if (options.replay) {
			_exit(1);
		} else {
			if (!shared->begin) {
				tell("seeds");
				shared->begin = now();
			}
			r = *pick();
			recipe_mutate(&r, pick(), &shared->random);
			cook(&r, false);
		}
		if (now() >= shared->told + TELL_SECONDS)
			tell("fuzz-netlink");
	}
	_exit(over());
}

/* Return: 0, and 1 where the kernel or the scene is to blame */
static int fuzz(bool all)
{
	u32 lost = 0;
	int status;
	pid_t pid;

	for (;;) {
		fflush(stdout);
		pid = fork();
		if (!pid)
			child(all);
		if (pid < 0 || waitpid(pid, &status, 0) != pid)
			return 1;
		if (WIFEXITED(status) && WEXITSTATUS(status) == 1)
			return 0;
		if (WIFEXITED(status) && WEXITSTATUS(status))
			return 1;
		if (WIFEXITED(status))
			continue;
		/* the other side could not make what the recipe wants */
		printf("# signal %d of a child, %u so far\n", WTERMSIG(status), ++lost);
		if (options.out)
			corpus_save(&shared->now, options.out, "lost-");
		if (lost == LOST_MAX)
			return 1;
	}
}

static void help(void)
{
	puts("usage: fuzz-netlink [-t SECONDS] [-s SEED] [-o DIR] [-b] [-n] FOLDER...\n"
	     "       fuzz-netlink -r FILE...\n\n"
	     "  -t  of new inputs, after those of the folders (60)\n"
	     "  -s  of the random numbers (1)\n"
	     "  -o  where new inputs go, and those that got a report\n"
	     "  -b  keep inputs that reach new blocks only, not new ways to them\n"
	     "  -n  without KCOV where there is none\n"
	     "  -r  cook these files and say what the kernel answered");
	exit(2);
}

static void take_options(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "t:s:o:bnr")) != -1) {
		switch (c) {
		case 't':
			options.seconds = atoi(optarg);
			break;
		case 's':
			options.seed = strtoull(optarg, NULL, 0);
			break;
		case 'o':
			options.out = optarg;
			break;
		case 'b':
			options.blocks = true;
			break;
		case 'n':
			options.blind = true;
			break;
		case 'r':
			options.replay = true;
			break;
		default:
			help();
		}
	}
	if (optind == argc && options.replay)
		help();
}

int main(int argc, char **argv)
{
	struct recipe r;
	int err;

	take_options(argc, argv);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		      -1, 0);
	if (shared == MAP_FAILED)
		return 2;
	shared->random = options.seed;
	shared->told = now();
	if (!options.replay)
		corpus_honest(&shared->seeds);
	for (; optind < argc; optind++) {
		if (options.replay ? !corpus_read(&r, argv[optind]) :
				     corpus_load(&shared->seeds, argv[optind]) < 0)
			perror(argv[optind]);
		else if (options.replay)
			corpus_add(&shared->seeds, &r);
	}
	if (!watch_open(options.out)) {
		perror("/dev/kmsg");
		return 2;
	}
	err = module_allow_suite(MIKEY_SUITE_128);
	if (err && err != -ENOENT) {
		printf("# the modules: %s\n", strerror(-err));
		return 2;
	}
	err = fuzz(!err);
	tell("end");
	module_allow_default();
	return err;
}
