// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Load for a Kerberos KDC, to compare with: TGS requests of many principals
 * over UDP. Each is a new one (nonce, subkey, authenticator), made by libkrb5,
 * which also verifies and decrypts the answer. What came of it is printed as
 * JSON. KRB5_CONFIG says where the realm is.
 */
#include <arpa/inet.h>
#include <krb5.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/load/tally.h"

#define CONNECTIONS_MAX 1024
#define CLIENTS_EACH 8		/* that one thread plays, so many TGTs has it */
#define PATIENCE 5		/* seconds until an answer counts as lost */

static unsigned int port, num_principals, num_connections, seconds;
static const char *keytab_name;
static atomic_bool over;
static atomic_ulong answers, lost;
static pthread_barrier_t ready;

struct client {
	krb5_ccache cache;
	krb5_principal who;
};

struct worker {
	pthread_t thread;
	krb5_context ctx;
	int fd;
	struct client clients[CLIENTS_EACH];
	struct tally times;
};

static void check(struct worker *w, krb5_error_code error, const char *what)
{
	if (!error)
		return;
	fprintf(stderr, "%s: %s\n", what, krb5_get_error_message(w->ctx, error));
	exit(1);
}

static krb5_principal any_principal(struct worker *w)
{
	krb5_principal p;
	char name[64];
	uint32_t n;

	if (getrandom(&n, sizeof(n), 0) != sizeof(n))
		abort();
	snprintf(name, sizeof(name), "user-%07u", n % num_principals);
	check(w, krb5_parse_name(w->ctx, name, &p), name);
	return p;
}

/* A TGT for each client; all have the key of the keytab's one principal. */
static void log_in(struct worker *w)
{
	krb5_keytab keytab, mine;
	krb5_keytab_entry entry;
	krb5_kt_cursor cursor;
	krb5_creds creds;
	char name[64];
	int i;

	check(w, krb5_init_context(&w->ctx), "krb5");
	check(w, krb5_kt_resolve(w->ctx, keytab_name, &keytab), keytab_name);
	check(w, krb5_kt_start_seq_get(w->ctx, keytab, &cursor), keytab_name);
	check(w, krb5_kt_next_entry(w->ctx, keytab, &entry, &cursor), keytab_name);
	krb5_kt_end_seq_get(w->ctx, keytab, &cursor);
	krb5_kt_close(w->ctx, keytab);
	krb5_free_principal(w->ctx, entry.principal);
	snprintf(name, sizeof(name), "MEMORY:%p", (void *)w);
	check(w, krb5_kt_resolve(w->ctx, name, &mine), name);
	for (i = 0; i < CLIENTS_EACH; i++) {
		w->clients[i].who = any_principal(w);
		entry.principal = w->clients[i].who;
		check(w, krb5_kt_add_entry(w->ctx, mine, &entry), "keytab");
		memset(&creds, 0, sizeof(creds));
		check(w, krb5_get_init_creds_keytab(w->ctx, &creds, w->clients[i].who,
						    mine, 0, NULL, NULL), "a TGT");
		snprintf(name, sizeof(name), "MEMORY:%p-%d", (void *)w, i);
		check(w, krb5_cc_resolve(w->ctx, name, &w->clients[i].cache), name);
		check(w, krb5_cc_initialize(w->ctx, w->clients[i].cache,
					    w->clients[i].who), name);
		check(w, krb5_cc_store_cred(w->ctx, w->clients[i].cache, &creds), name);
		krb5_free_cred_contents(w->ctx, &creds);
	}
	krb5_free_keyblock_contents(w->ctx, &entry.key);
	krb5_kt_close(w->ctx, mine);
}

static int connect_udp(void)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct timeval patience = { .tv_sec = PATIENCE };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience))) {
		perror("socket");
		exit(1);
	}
	return fd;
}

/* One TGS exchange; false if there was no answer. */
static bool ask(struct worker *w, krb5_ccache cache, krb5_creds *wanted)
{
	krb5_data in = { 0 }, out = { 0 }, realm = { 0 };
	krb5_tkt_creds_context exchange;
	unsigned int flags = 0;
	char buf[65536];
	uint64_t begin;
	ssize_t len;

	check(w, krb5_tkt_creds_init(w->ctx, cache, wanted, KRB5_GC_NO_STORE, &exchange),
	      "a request");
	check(w, krb5_tkt_creds_step(w->ctx, exchange, &in, &out, &realm, &flags),
	      "a request");
	begin = tally_clock();
	len = send(w->fd, out.data, out.length, 0);
	if (len > 0)
		len = recv(w->fd, buf, sizeof(buf), 0);
	if (len > 0)
		tally_add(&w->times, tally_clock() - begin);
	krb5_free_data_contents(w->ctx, &out);
	krb5_free_data_contents(w->ctx, &realm);
	if (len > 0) {
		in.data = buf;
		in.length = len;
		check(w, krb5_tkt_creds_step(w->ctx, exchange, &in, &out, &realm, &flags),
		      "an answer");
		if (flags & KRB5_TKT_CREDS_STEP_FLAG_CONTINUE) {
			fputs("an answer that is no ticket\n", stderr);
			exit(1);
		}
	}
	krb5_tkt_creds_free(w->ctx, exchange);
	return len > 0;
}

static void *work(void *arg)
{
	krb5_creds wanted = { 0 };
	struct worker *w = arg;
	unsigned int turn = 0;

	log_in(w);
	w->fd = connect_udp();
	pthread_barrier_wait(&ready);
	while (!atomic_load(&over)) {
		wanted.client = w->clients[turn].who;
		wanted.server = any_principal(w);
		if (ask(w, w->clients[turn].cache, &wanted)) {
			atomic_fetch_add(&answers, 1);
		} else {
			/* an answer that comes late would be taken for the next one */
			atomic_fetch_add(&lost, 1);
			close(w->fd);
			w->fd = connect_udp();
		}
		krb5_free_principal(w->ctx, wanted.server);
		turn = (turn + 1) % CLIENTS_EACH;
	}
	close(w->fd);
	return NULL;
}

static void wait_seconds(void)
{
	unsigned int i;

	for (i = 1; i <= seconds; i++) {
		sleep(1);
		if (isatty(STDERR_FILENO))
			fprintf(stderr, "\r# %u of %u s, %lu answers ", i, seconds,
				atomic_load(&answers));
	}
	if (isatty(STDERR_FILENO))
		fputs("\r\033[K", stderr);
}

int main(int argc, char **argv)
{
	static struct worker workers[CONNECTIONS_MAX];
	struct tally times = { 0 };
	uint64_t begin, took;
	unsigned int i;
	double cpu;

	if (argc != 6) {
		fputs("usage: load-krb5 PORT PRINCIPALS CONNECTIONS SECONDS KEYTAB\n", stderr);
		return 2;
	}
	port = strtoul(argv[1], NULL, 10);
	num_principals = strtoul(argv[2], NULL, 10);
	num_connections = strtoul(argv[3], NULL, 10);
	seconds = strtoul(argv[4], NULL, 10);
	keytab_name = argv[5];
	if (!port || !num_principals || !num_connections || !seconds ||
	    num_connections > CONNECTIONS_MAX) {
		fputs("load-krb5: a number is missing, or too large\n", stderr);
		return 2;
	}
	pthread_barrier_init(&ready, NULL, num_connections + 1);
	for (i = 0; i < num_connections; i++) {
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i])) {
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
		tally_merge(&times, &workers[i].times);
	}
	took = tally_clock() - begin;
	printf("{\"seconds\": %.3f, \"cpu\": %.3f, \"users\": %u, \"connections\": %u, ",
	       took / 1e6, tally_cpu() - cpu, num_principals, num_connections);
	tally_print("tgs", &times);
	printf(", \"good\": %lu, \"lost\": %lu}\n", atomic_load(&answers), atomic_load(&lost));
	tally_free(&times);
	return atomic_load(&lost) != 0;
}
