// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Load for mikey-kms: many users, each with a PSK of its own, over a number of
 * connections that stay; each thread asks for a ticket, resolves it as its
 * recipient, checks both answers, and begins again. What came of it is printed
 * as JSON.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#include "tests/load/kept.h"
#include "tests/load/tally.h"

#define CONNECTIONS_MAX 1024

static const char usage[] =
"usage: load-kms users NUMBER\n"
"       load-kms run --ports PORT,... [--users N] [--connections N]\n"
"                    [--seconds N] [--keep FILE] [--patient]\n"
"       load-kms kept FILE --ports PORT,...\n"
"\n"
"users prints NUMBER users for mikey-kms import. run asks as them, at 127.0.0.1,\n"
"over so many connections (16), for so long (10 s). What is granted is appended\n"
"to the FILE of --keep. With --patient answers may be lost or be 503, and are\n"
"asked for again. SIGINT ends it early. kept asks again for all that is in FILE: every ticket must be\n"
"resolved, and every request be refused as seen before.\n";

static struct ports ports;
static u32 num_users = 1;
static unsigned int num_connections = 16, seconds = 10;
static int keep = -1;
static bool patient;

static atomic_bool over;
static atomic_ulong answers;
static pthread_barrier_t ready;

/* One connection, and what came of its exchanges. */
struct worker {
	pthread_t thread;
	struct asker *asker;
	struct tally requests, resolves;
	unsigned long outcomes[OUTCOMES];
};

static u32 any_user(void)
{
	u32 n;

	fresh((u8 *)&n, sizeof(n));
	return n % num_users;
}

/* One exchange; again and again where it may fail. */
static bool exchange(struct worker *w, struct tally *times,
		     enum outcome_of (*ask)(struct asker *a, u32 *us))
{
	const struct timespec pause = { .tv_nsec = 20000000 };
	enum outcome_of outcome;
	u32 us;

	while (!atomic_load(&over)) {
		outcome = ask(w->asker, &us);
		w->outcomes[outcome]++;
		if (outcome == GOOD) {
			tally_add(times, us);
			atomic_fetch_add(&answers, 1);
			return true;
		}
		if (outcome == REFUSED || !patient)
			return false;
		nanosleep(&pause, NULL);
	}
	return false;
}

static void *work(void *arg)
{
	struct worker *w = arg;
	u32 from, to;

	pthread_barrier_wait(&ready);
	while (!atomic_load(&over)) {
		from = any_user();
		to = any_user();
		asker_play(w->asker, from, to);
		if (!exchange(w, &w->requests, asker_request))
			continue;
		if (keep >= 0)
			kept_append(keep, from, to, w->asker);
		exchange(w, &w->resolves, asker_resolve);
	}
	return NULL;
}

static void print_users(u32 num)
{
	struct user u;
	size_t at;
	u32 i;

	puts("uids,psk");
	for (i = 0; i < num; i++) {
		user_make(&u, i);
		printf("%s,", u.uid);
		for (at = 0; at < sizeof(u.psk); at++)
			printf("%02x", u.psk[at]);
		putchar('\n');
	}
}

/* SIGINT ends a run early; what came of it is printed all the same. */
static void end(int sig)
{
	(void)sig;
	atomic_store(&over, true);
}

static void wait_seconds(void)
{
	unsigned int i;

	for (i = 1; i <= seconds && !atomic_load(&over); i++) {
		sleep(1);
		if (isatty(STDERR_FILENO))
			fprintf(stderr, "\r# %u of %u s, %lu answers ", i, seconds,
				atomic_load(&answers));
	}
	if (isatty(STDERR_FILENO))
		fputs("\r\033[K", stderr);
}

static int run(void)
{
	struct worker *workers = calloc(num_connections, sizeof(*workers));
	struct tally requests = { 0 }, resolves = { 0 };
	unsigned long outcomes[OUTCOMES] = { 0 };
	uint64_t begin, took;
	unsigned int i, n;
	double cpu;

	if (!workers) {
		fputs("no memory\n", stderr);
		return 1;
	}
	crypto();	/* made before there are threads */
	signal(SIGINT, end);
	pthread_barrier_init(&ready, NULL, num_connections + 1);
	for (i = 0; i < num_connections; i++) {
		workers[i].asker = asker_new(&ports, i);
		if (!workers[i].asker || pthread_create(&workers[i].thread, NULL,
							work, &workers[i])) {
			fputs("no memory\n", stderr);
			return 1;
		}
	}
	pthread_barrier_wait(&ready);
	begin = tally_clock();
	cpu = tally_cpu();
	wait_seconds();
	atomic_store(&over, true);
	for (i = 0; i < num_connections; i++) {
		pthread_join(workers[i].thread, NULL);
		tally_merge(&requests, &workers[i].requests);
		tally_merge(&resolves, &workers[i].resolves);
		for (n = 0; n < OUTCOMES; n++)
			outcomes[n] += workers[i].outcomes[n];
		asker_free(workers[i].asker);
	}
	took = tally_clock() - begin;
	printf("{\"seconds\": %.3f, \"cpu\": %.3f, \"users\": %u, \"connections\": %u, ",
	       took / 1e6, tally_cpu() - cpu, num_users, num_connections);
	tally_print("request", &requests);
	fputs(", ", stdout);
	tally_print("resolve", &resolves);
	printf(", \"good\": %lu, \"busy\": %lu, \"lost\": %lu, \"refused\": %lu}\n",
	       outcomes[GOOD], outcomes[BUSY], outcomes[LOST], outcomes[REFUSED]);
	tally_free(&requests);
	tally_free(&resolves);
	free(workers);
	return outcomes[REFUSED] || (!patient && (outcomes[BUSY] || outcomes[LOST]));
}

static int check_kept(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct kept_result r;

	if (fd < 0) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return 1;
	}
	kept_check(fd, &ports, &r);
	close(fd);
	printf("{\"tickets\": %lu, \"resolved\": %lu, \"refused again\": %lu, \"late\": %lu}\n",
	       r.tickets, r.resolved, r.refused_again, r.late);
	return r.resolved != r.tickets || r.refused_again != r.tickets;
}

/* A whole number from 1 on, or the end with words. */
static u32 parse(const char *text, u32 max)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (!isdigit((unsigned char)*text) || *end || !n || n > max) {
		fprintf(stderr, "load-kms: '%s' is no number from 1 to %u\n", text, max);
		exit(2);
	}
	return n;
}

static void read_ports(char *text)
{
	char *word, *rest = NULL;

	for (word = strtok_r(text, ",", &rest); word; word = strtok_r(NULL, ",", &rest)) {
		if (ports.num == PORTS_MAX) {
			fputs("load-kms: too many ports\n", stderr);
			exit(2);
		}
		ports.port[ports.num++] = parse(word, 65535);
	}
}

static void read_options(int argc, char **argv)
{
	static const struct option options[] = {
		{ "ports", required_argument, NULL, 'p' },
		{ "users", required_argument, NULL, 'u' },
		{ "connections", required_argument, NULL, 'c' },
		{ "seconds", required_argument, NULL, 's' },
		{ "keep", required_argument, NULL, 'k' },
		{ "patient", no_argument, NULL, 'w' },
		{ NULL, 0, NULL, 0 }
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'p':
			read_ports(optarg);
			break;
		case 'u':
			num_users = parse(optarg, 10000000);
			break;
		case 'c':
			num_connections = parse(optarg, CONNECTIONS_MAX);
			break;
		case 's':
			seconds = parse(optarg, 86400);
			break;
		case 'k':
			keep = open(optarg, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
			if (keep < 0) {
				fprintf(stderr, "%s: %s\n", optarg, strerror(errno));
				exit(1);
			}
			break;
		case 'w':
			patient = true;
			break;
		default:
			fputs(usage, stderr);
			exit(2);
		}
	}
}

int main(int argc, char **argv)
{
	const char *command = argc > 1 ? argv[1] : "";

	if (!strcmp(command, "--help") || !strcmp(command, "-h")) {
		fputs(usage, stdout);
		return 0;
	}
	if (!strcmp(command, "users") && argc == 3) {
		print_users(parse(argv[2], 10000000));
		return 0;
	}
	if (argc > 1)
		read_options(argc - 1, argv + 1);
	if (!strcmp(command, "run") && ports.num)
		return run();
	if (!strcmp(command, "kept") && ports.num && optind < argc - 1)
		return check_kept(argv[optind + 1]);
	fputs(usage, stderr);
	return 2;
}
