// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Several processes on one PostgreSQL, and what clients notice when one of
 * them, or the database itself, is killed: they wait, and nothing is lost.
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <time.h>

#include "tests/unit/kms/client.h"
#include "tests/unit/kms/run.h"

#define PROCESSES 3
#define GRANTS_MAX 256

/* What was granted, and with which request. */
struct grants {
	int num;
	struct message asked[GRANTS_MAX];
	struct granted granted[GRANTS_MAX];
};

struct site {
	struct place *p;
	struct house *h;
	void *house;
	pid_t pids[PROCESSES];
	unsigned int ports[PROCESSES];
	struct grants grants;
};

static int setup(void **state)
{
	struct site *s = calloc(1, sizeof(*s));
	int i;

	assert_non_null(s);
	program_setup(state);
	s->p = *state;
	house_setup(&s->house);
	s->h = s->house;
	program_add_user(s->p, &s->h->mem.users[0], 0xa1);
	program_add_user(s->p, &s->h->mem.users[1], 0xb2);
	s->h->world.now = time(NULL);
	for (i = 0; i < PROCESSES; i++)
		s->pids[i] = program_serve(s->p, "conf", &s->ports[i]);
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	struct site *s = *state;
	void *place = s->p;
	int i;

	for (i = 0; i < PROCESSES; i++) {
		kill(s->pids[i], SIGTERM);
		waitpid(s->pids[i], NULL, 0);
	}
	house_teardown(&s->house);
	place_teardown(&place);
	free(s);
	return 0;
}

/* Ask for a ticket at one process: the HTTP status; what was granted is kept. */
static int ask(struct site *s, int process)
{
	static struct kms_answer answer;
	struct grants *g = &s->grants;
	struct request r;
	int status;

	/* the first ones are kept, and the last */
	if (g->num == GRANTS_MAX)
		g->num--;
	s->h->world.now = time(NULL);
	request_init(&r, s->h);
	request_write(&r, &g->asked[g->num]);
	status = mikey_post(s->ports[process], REQUEST_PATH, &g->asked[g->num], &answer);
	if (status != 200)
		return status;
	assert_int_equal(answer.error_no, -1);
	granted_read(&g->granted[g->num], &r, &g->asked[g->num], &answer);
	g->num++;
	return status;
}

/* Every ticket can be resolved, and no request is answered again. */
static void assert_all_good(struct site *s)
{
	static struct kms_answer answer;
	static struct resolved resolved;
	static struct message msg;
	struct resolve_request q;
	int i;

	for (i = 0; i < s->grants.num; i++) {
		s->h->world.now = time(NULL);
		resolve_init(&q, s->h, &s->grants.granted[i]);
		resolve_write(&q, &msg);
		assert_int_equal(mikey_post(s->ports[i % PROCESSES], RESOLVE_PATH, &msg,
					    &answer), 200);
		assert_int_equal(answer.error_no, -1);
		resolved_read(&resolved, &q, &msg, &answer);
		assert_int_equal(mikey_post(s->ports[(i + 1) % PROCESSES], REQUEST_PATH,
					    &s->grants.asked[i], &answer), 200);
		assert_int_equal(answer.error_no, MIKEY_ERR_INVALID_TS);
	}
}

static pid_t victim;
static atomic_bool killed;

static void *kill_it(void *arg)
{
	struct timespec pause = { .tv_nsec = 1000000L * (*(unsigned int *)arg % 40) };

	nanosleep(&pause, NULL);
	kill(victim, SIGKILL);
	waitpid(victim, NULL, 0);
	atomic_store(&killed, true);
	return NULL;
}

/* A client that turns to the next process gets its answer from it. */
static void one_of_three(void **state)
{
	struct site *s = *state;
	unsigned int seed = time(NULL), moment;
	int round, process = 0, tries, turned = 0, after;
	pthread_t killer;

	print_message("seed %u\n", seed);
	for (round = 0; round < 4; round++) {
		victim = s->pids[rand_r(&seed) % PROCESSES];
		moment = rand_r(&seed);
		atomic_store(&killed, false);
		pthread_create(&killer, NULL, kill_it, &moment);
		for (after = 0; after < PROCESSES; after += atomic_load(&killed)) {
			for (tries = 0; ask(s, process) != 200; tries++) {
				/* the two others are there */
				assert_int_not_equal(tries, PROCESSES - 1);
				process = (process + 1) % PROCESSES;
				turned++;
			}
			process = (process + 1) % PROCESSES;
		}
		pthread_join(killer, NULL);
		for (process = 0; s->pids[process] != victim; process++)
			;
		s->pids[process] = program_serve(s->p, "conf", &s->ports[process]);
	}
	print_message("%d tickets; turned to another process %d times\n",
		      s->grants.num, turned);
	assert_true(turned > 0);
	assert_all_good(s);
}

static void *kill_database(void *arg)
{
	struct timespec pause = { .tv_nsec = 20000000 };

	(void)arg;
	nanosleep(&pause, NULL);
	place_pgsql_kill();
	atomic_store(&killed, true);
	return NULL;
}

/*
 * The database crashes under load: until it is back clients are told to come
 * again (503), and nothing else; then all goes on, with no process restarted.
 */
static void database_gone(void **state)
{
	struct timespec pause = { .tv_nsec = 50000000 };
	int i, refused = 0, before, status, tries;
	struct site *s = *state;
	pthread_t killer;

	for (i = 0; i < 20; i++)
		assert_int_equal(ask(s, i % PROCESSES), 200);
	atomic_store(&killed, false);
	pthread_create(&killer, NULL, kill_database, NULL);
	for (i = 0; refused < 2 * PROCESSES || !atomic_load(&killed); i++) {
		status = ask(s, i % PROCESSES);
		if (status != 200 && status != 503) {
			program_file(s->p, "err", outcome.err);
			fail_msg("%d: %s", status, outcome.err);
		}
		refused += status == 503;
	}
	pthread_join(killer, NULL);
	before = s->grants.num;
	place_pgsql_start();
	/* each process finds it again by itself */
	for (i = 0; i < PROCESSES; i++) {
		for (tries = 0; (status = ask(s, i)) != 200; tries++) {
			assert_int_equal(status, 503);
			assert_true(tries < 200);
			nanosleep(&pause, NULL);
		}
	}
	print_message("%d tickets before, %d times 503\n", before, refused);
	assert_all_good(s);
}

/* A group that changes at one process has changed at all of them. */
static void groups_at_once(void **state)
{
	static struct kms_answer answer;
	static struct message msg;
	struct resolve_request q;
	struct site *s = *state;
	struct request r;
	char to[] = TEAM;
	int i, member;

	assert_run(s->p, "--config conf group add --psi " TEAM, 0, "", "");
	request_init(&r, s->h);
	r.to[0] = to;
	request_write(&r, &msg);
	assert_int_equal(mikey_post(s->ports[0], REQUEST_PATH, &msg, &answer), 200);
	granted_read(&s->grants.granted[0], &r, &msg, &answer);
	for (member = 0; member < 3; member++) {
		if (member)
			assert_run(s->p, member == 1 ?
				   "--config conf group member-add " TEAM " " BOB :
				   "--config conf group member-del " TEAM " " BOB, 0, "", "");
		for (i = 0; i < PROCESSES; i++) {
			resolve_init(&q, s->h, &s->grants.granted[0]);
			resolve_write(&q, &msg);
			assert_int_equal(mikey_post(s->ports[i], RESOLVE_PATH, &msg,
						    &answer), 200);
			assert_int_equal(answer.error_no,
					 member == 1 ? -1 : MIKEY_ERR_AUTH_FAILURE);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_prestate_setup_teardown(one_of_three, setup, teardown,
							 &place_both),
		cmocka_unit_test_prestate_setup_teardown(groups_at_once, setup, teardown,
							 &place_both),
		cmocka_unit_test_prestate_setup_teardown(database_gone, setup, teardown,
							 &place_only_pgsql),
	};

	place_pgsql_seconds = 3;
	return place_run("outages", tests, ARRAY_SIZE(tests));
}
