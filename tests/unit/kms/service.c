// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The program while it serves: whole exchanges through the real store, and
 * what is left when it is stopped, killed under load, or served twice.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/kms/client.h"
#include "tests/unit/kms/run.h"

/* ALICE, and requests of hers. */
static void add_alice(struct place *p, struct house *h)
{
	program_add_user(p, &h->mem.users[0], 0xa1);
	h->world.now = time(NULL);
}

static void new_request(struct house *h, struct message *msg)
{
	struct request r;

	request_init(&r, h);
	request_write(&r, msg);
}

static void stopped(void **state)
{
	static struct kms_answer answer;
	static struct message msg;
	static struct granted granted;
	struct place *p = *state;
	struct request r;
	struct house *h;
	void *house;
	char line[256], hex[65];
	unsigned int port;
	FILE *f;
	pid_t pid;
	int i;

	house_setup(&house);
	h = house;
	add_alice(p, h);
	pid = program_serve(p, "conf", &port);
	request_init(&r, h);
	request_write(&r, &msg);
	assert_int_equal(mikey_post(port, REQUEST_PATH, &msg, &answer), 200);
	granted_read(&granted, &r, &msg, &answer);
	program_stop(p, pid);
	assert_int_equal(outcome.status, 0);
	assert_non_null(strstr(outcome.err, "ending signal="));
	assert_non_null(strstr(outcome.err, "psk=alice-psk requester=" ALICE
			       " from=" ALICE " to=" BOB));

	assert_run(p, "--config conf audit show --event request", 0,
		   "request granted peer=127.0.0.1 psk=alice-psk authentic=true requester=" ALICE
		   " from=" ALICE " to=[\"" BOB "\"] profile=immediate", "");
	assert_run(p, "--config conf audit show --event stop", 0, "stop", "");
	assert_run(p, "--config conf audit verify", 0, "as they were written", "");

	/* what the demonstration asks for: the traffic key of a ticket */
	f = fopen(place_file(p, "resp"), "w");
	fwrite(answer.buf, answer.len, 1, f);
	fclose(f);
	for (i = 0; i < 32; i++)
		snprintf(hex + 2 * i, 3, "%02x", granted.keys.traffic[i]);
	snprintf(line, sizeof(line), "\"traffic\": \"%s\"", hex);
	assert_run(p, "--config conf ticket inspect --json --reveal-keys resp", 0, line, "");
	assert_run(p, "--config conf ticket inspect resp", 0, "\"" BOB "\"", "");
	assert_null(strstr(outcome.out, hex));
	assert_run(p, "--config conf ticket inspect conf", 1, "", "neither");
	house_teardown(&house);
}

/* Resolve this ticket as BOB: the number of an Error, or -1. */
static int resolve_at(const struct house *h, unsigned int port,
		      const struct granted *ticket, struct message *msg)
{
	static struct kms_answer answer;
	static struct resolved resolved;
	struct resolve_request r;

	resolve_init(&r, h, ticket);
	resolve_write(&r, msg);
	assert_int_equal(mikey_post(port, RESOLVE_PATH, msg, &answer), 200);
	if (answer.error_no < 0)
		resolved_read(&resolved, &r, msg, &answer);
	return answer.error_no;
}

/*
 * A ticket that its initiator made, through the real store: it can be resolved
 * after its PSK was superseded, and no longer once its user is gone.
 */
static void initiator_made(void **state)
{
	static struct kms_answer answer;
	static struct message msg;
	static struct granted made;
	struct place *p = *state;
	char line[256], hex[65];
	unsigned int port;
	struct mint m;
	struct house *h;
	void *house;
	FILE *f;
	pid_t pid;
	int i;

	house_setup(&house);
	h = house;
	add_alice(p, h);
	program_add_user(p, &h->mem.users[1], 0xb2);
	pid = program_serve(p, "conf", &port);
	mint_init(&m, h);
	mint_write(&m, &made);
	assert_int_equal(resolve_at(h, port, &made, &msg), -1);

	for (i = 0; i < 32; i++)
		snprintf(hex + 2 * i, 3, "%02x", made.keys.traffic[i]);
	f = fopen(place_file(p, "init"), "w");
	fwrite(msg.buf, msg.len, 1, f);
	fclose(f);
	snprintf(line, sizeof(line), "\"traffic\": \"%s\"", hex);
	program_stop(p, pid);
	assert_non_null(strstr(outcome.err, "psk=bob-psk requester=" BOB " from=" ALICE
			       " to=" BOB " for=" BOB " key=alice-psk"));
	assert_run(p, "--config conf ticket inspect --json --reveal-keys init", 0, line, "");

	assert_run(p, "--config conf user rekey " ALICE " --psk-id alice-2 --psk-out a2",
		   0, "", "");
	pid = program_serve(p, "conf", &port);
	assert_int_equal(resolve_at(h, port, &made, &msg), -1);
	new_request(h, &msg);
	assert_int_equal(mikey_post(port, REQUEST_PATH, &msg, &answer), 200);
	assert_int_equal(answer.error_no, MIKEY_ERR_AUTH_FAILURE);
	program_stop(p, pid);

	assert_run(p, "--config conf user del " ALICE, 0, "", "");
	pid = program_serve(p, "conf", &port);
	assert_int_equal(resolve_at(h, port, &made, &msg), MIKEY_ERR_AUTH_FAILURE);
	program_stop(p, pid);
	house_teardown(&house);
}

/* COUNTER is remembered for each PSK over restarts, and so is a request. */
static void remembered(void **state)
{
	static const struct {
		u32 counter;
		int error_no;
	} cases[] = {
		{ 7, -1 }, { 7, MIKEY_ERR_INVALID_TS }, { 6, MIKEY_ERR_INVALID_TS },
		{ 8, -1 },
	};
	static struct kms_answer answer;
	static struct message first, msg;
	struct place *p = *state;
	unsigned int port;
	struct request r;
	struct house *h;
	void *house;
	pid_t pid;
	size_t i;

	house_setup(&house);
	h = house;
	add_alice(p, h);
	new_request(h, &first);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		pid = program_serve(p, "conf", &port);
		request_init(&r, h);
		r.t = (struct mikey_ts) {
			.type = MIKEY_TS_COUNTER, .value = cases[i].counter,
		};
		request_write(&r, &msg);
		assert_int_equal(mikey_post(port, REQUEST_PATH, &msg, &answer), 200);
		assert_int_equal(answer.error_no, cases[i].error_no);
		assert_int_equal(mikey_post(port, REQUEST_PATH, &first, &answer), 200);
		assert_int_equal(answer.error_no, i ? MIKEY_ERR_INVALID_TS : -1);
		program_stop(p, pid);
	}
	/* its record lost, it refuses all until the skew has passed */
	assert_run(p, "--config conf replay reset", 0, "in 61 seconds", "");
	pid = program_serve(p, "conf", &port);
	new_request(h, &msg);
	assert_int_equal(mikey_post(port, REQUEST_PATH, &msg, &answer), 200);
	assert_int_equal(answer.error_no, MIKEY_ERR_INVALID_TS);
	program_stop(p, pid);
	house_teardown(&house);
}

static void cannot_serve(void **state)
{
	struct place *p = *state;
	unsigned int port;
	char text[256];
	pid_t pid;

	place_write(p, "c2", "store = \"store\";\nstore-key = \"key\";\n"
		    "listen = \"127.0.0.1:0\";\n");
	assert_run(p, "--config c2 serve", 1, "", "\"identity\" is missing");
	place_write(p, "c2", "store = \"store\";\n\npolicy = { skew = \"x\"; };\n");
	assert_run(p, "--config c2 serve", 1, "", "c2:3:12: skew: ");
	pid = program_serve(p, "conf", &port);
	snprintf(text, sizeof(text), "store = \"store\";\nstore-key = \"key\";\n"
		 "identity = \"http://k\";\nlisten = \"127.0.0.1:%u\";\n", port);
	place_write(p, "c2", text);
	assert_run(p, "--config c2 serve", 1, "", "Address already in use");
	kill(pid, SIGTERM);
	waitpid(pid, NULL, 0);
}

/* How often half a key or more stands in @n bytes. */
static int halves(const u8 *buf, size_t n, struct mikey_blob key)
{
	const u8 *at, *end = buf + n;
	u32 half = key.len / 2;
	int found = 0;
	int i;

	for (i = 0; i < 2; i++)
		for (at = buf; (at = memmem(at, end - at, key.p + i * half, half)); at++)
			found++;
	return found;
}

/* The same in the writable memory of a process; -1: may not look. */
static int in_memory(pid_t pid, struct mikey_blob key)
{
	unsigned long from, to, size;
	char path[64], line[512], mode[8];
	u8 *copy;
	int found = 0, mem;
	FILE *maps;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	mem = open(path, O_RDONLY);
	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	maps = fopen(path, "r");
	if (mem < 0 || !maps)
		return -1;
	while (fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%lx-%lx %7s", &from, &to, mode) != 3 ||
		    mode[1] != 'w')
			continue;
		size = to - from;
		copy = malloc(size);
		assert_non_null(copy);
		n = pread(mem, copy, size, from);
		found += halves(copy, n > 0 ? n : 0, key);
		free(copy);
	}
	fclose(maps);
	close(mem);
	return found;
}

/* The key of a file of 64 hexadecimal digits. */
static void read_key(const struct place *p, const char *name, u8 key[32])
{
	char text[OUTPUT_MAX], pair[3] = "";
	int i;

	program_file(p, name, text);
	for (i = 0; i < 32; i++) {
		memcpy(pair, text + 2 * i, 2);
		key[i] = strtoul(pair, NULL, 16);
	}
}

/*
 * After its work the service has the store's key in its memory, and neither
 * PSKs nor TPKs nor anything that it gave away.
 */
static void wiped(void **state)
{
	static struct kms_answer answer;
	static struct message msg;
	static struct granted granted;
	static struct resolved resolved;
	struct place *p = *state;
	struct resolve_request q;
	struct request r;
	u8 store_key[32];
	unsigned int port;
	struct house *h;
	void *house;
	pid_t pid;
	int i;

	house_setup(&house);
	h = house;
	program_run(p, "--config conf user add --uid " ALICE " --psk-id alice-psk --psk-out a");
	program_run(p, "--config conf user add --uid " BOB " --psk-id bob-psk --psk-out b");
	read_key(p, "a", h->mem.users[0].psk.key);
	read_key(p, "b", h->mem.users[1].psk.key);
	read_key(p, "key", store_key);
	h->world.now = time(NULL);
	pid = program_serve(p, "conf", &port);
	for (i = 0; i < 20; i++) {
		request_init(&r, h);
		request_write(&r, &msg);
		assert_int_equal(mikey_post(port, REQUEST_PATH, &msg, &answer), 200);
		granted_read(&granted, &r, &msg, &answer);
		resolve_init(&q, h, &granted);
		resolve_write(&q, &msg);
		assert_int_equal(mikey_post(port, RESOLVE_PATH, &msg, &answer), 200);
		resolved_read(&resolved, &q, &msg, &answer);
	}
	i = in_memory(pid, kms_blob(store_key, 32));
	if (i >= 0) {
		assert_true(i > 0);
		assert_int_equal(in_memory(pid, r.psk), 0);
		assert_int_equal(in_memory(pid, q.psk), 0);
		assert_int_equal(in_memory(pid, kms_blob(granted.keys.mpk, 32)), 0);
		assert_int_equal(in_memory(pid, kms_blob(granted.mpk_r, 32)), 0);
		assert_int_equal(in_memory(pid, kms_blob(granted.keys.traffic, 32)), 0);
		assert_int_equal(in_memory(pid, resolved.keys[1].key), 0);
	}
	program_stop(p, pid);
	house_teardown(&house);
	if (i < 0)
		skip();
}

#define LOADERS 4
#define LOAD_EACH 400

struct loader {
	pthread_t thread;
	unsigned int port;
	struct message *msgs;
	atomic_int answered;		/* how many got REQUEST_RESP */
};

static void *load_run(void *arg)
{
	struct loader *l = arg;
	struct kms_answer *a = malloc(sizeof(*a));

	while (l->answered < LOAD_EACH &&
	       mikey_post(l->port, REQUEST_PATH, &l->msgs[l->answered], a) == 200 &&
	       a->error_no < 0)
		l->answered++;
	free(a);
	return NULL;
}

static void assert_integrity(const struct place *p)
{
	sqlite3_stmt *check;
	sqlite3 *db;

	assert_int_equal(sqlite3_open(p->where, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &check, NULL),
			 SQLITE_OK);
	assert_int_equal(sqlite3_step(check), SQLITE_ROW);
	assert_string_equal((const char *)sqlite3_column_text(check, 0), "ok");
	sqlite3_finalize(check);
	sqlite3_close(db);
}

/*
 * Killed in the middle of everything: the store is whole, and no request that
 * was answered is answered again.
 */
static void killed_under_load(void **state)
{
	static struct kms_answer answer;
	struct timespec pause = { .tv_nsec = 1000000 };
	struct loader loaders[LOADERS] = { 0 };
	struct place *p = *state;
	int total = 0, i, k;
	unsigned int port;
	struct house *h;
	void *house;
	pid_t pid;

	house_setup(&house);
	h = house;
	add_alice(p, h);
	pid = program_serve(p, "conf", &port);
	for (i = 0; i < LOADERS; i++) {
		loaders[i].port = port;
		loaders[i].msgs = calloc(LOAD_EACH, sizeof(*loaders[i].msgs));
		for (k = 0; k < LOAD_EACH; k++)
			new_request(h, &loaders[i].msgs[k]);
	}
	for (i = 0; i < LOADERS; i++)
		pthread_create(&loaders[i].thread, NULL, load_run, &loaders[i]);
	/* it is at work: few of all that are asked have their answer */
	for (i = 0; i < LOADERS; i++)
		while (loaders[i].answered < LOAD_EACH / 40)
			nanosleep(&pause, NULL);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	for (i = 0; i < LOADERS; i++) {
		pthread_join(loaders[i].thread, NULL);
		total += loaders[i].answered;
	}
	print_message("%d answers before it was killed\n", total);
	assert_true(total > 0);
	assert_true(total < LOADERS * LOAD_EACH);

	if (!p->schema)
		assert_integrity(p);
	assert_run(p, "--config conf user show " ALICE, 0, ALICE, "");

	pid = program_serve(p, "conf", &port);
	for (i = 0; i < LOADERS; i++) {
		for (k = 0; k < loaders[i].answered; k++) {
			assert_int_equal(mikey_post(port, REQUEST_PATH,
						    &loaders[i].msgs[k], &answer), 200);
			assert_int_equal(answer.error_no, MIKEY_ERR_INVALID_TS);
		}
		free(loaders[i].msgs);
	}
	program_stop(p, pid);
	assert_int_equal(outcome.status, 0);
	house_teardown(&house);
}

/* Two servers, one store: what one has answered the other refuses. */
static void served_twice(void **state)
{
	static struct kms_answer answer;
	static struct message msgs[2];
	struct place *p = *state;
	unsigned int ports[2];
	pid_t pids[2];
	struct house *h;
	void *house;
	int i;

	house_setup(&house);
	h = house;
	add_alice(p, h);
	for (i = 0; i < 2; i++) {
		pids[i] = program_serve(p, "conf", &ports[i]);
		new_request(h, &msgs[i]);
	}
	for (i = 0; i < 2; i++) {
		mikey_post(ports[i], REQUEST_PATH, &msgs[i], &answer);
		assert_int_equal(answer.error_no, -1);
		mikey_post(ports[!i], REQUEST_PATH, &msgs[i], &answer);
		assert_int_equal(answer.error_no, MIKEY_ERR_INVALID_TS);
	}
	for (i = 0; i < 2; i++) {
		program_stop(p, pids[i]);
		assert_int_equal(outcome.status, 0);
	}
	house_teardown(&house);
}

#define AT_BOTH(test) \
	cmocka_unit_test_prestate_setup_teardown(test, program_setup, place_teardown, \
						 &place_both)

int main(void)
{
	const struct CMUnitTest tests[] = {
		AT_BOTH(stopped),
		AT_BOTH(initiator_made),
		AT_BOTH(remembered),
		cmocka_unit_test_setup_teardown(cannot_serve, program_setup, place_teardown),
		AT_BOTH(wiped),
		AT_BOTH(killed_under_load),
		AT_BOTH(served_twice),
	};

	return place_run("service", tests, ARRAY_SIZE(tests));
}
