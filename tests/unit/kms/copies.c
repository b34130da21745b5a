// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Import, export, backup and restore by the program: what goes out comes back
 * in, faults change nothing, and what was killed can be run again.
 */
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/kms/run.h"

#define HEX_A1 "a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1"
#define HEX_B2 "b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2"

static const char users_csv[] =
	"uids,psk_id,suite,expires,psk\n"
	ALICE " al@example.test,\"a,1\",256,0," HEX_A1 "\n"
	BOB ",b,256,1900000000," HEX_B2 "\n";
static const char groups_csv[] =
	"psi,role,uid\n"
	"empty@example.test,member,\n"
	TEAM ",member,\n"
	TEAM ",member," ALICE "\n"
	TEAM ",server," BOB "\n";

static void assert_file(const struct place *p, const char *name, const char *text)
{
	char is[OUTPUT_MAX];

	program_file(p, name, is);
	assert_string_equal(is, text);
}

static void fill(struct place *p)
{
	place_write(p, "u.csv", users_csv);
	place_write(p, "g.csv", groups_csv);
	assert_run(p, "--config conf import users u.csv", 0, "2 users added, 0 were there", "");
	assert_run(p, "--config conf import groups g.csv", 0, "4 members added", "");
}

static void there_and_back(void **state)
{
	struct place *p = *state;
	struct stat st;

	fill(p);
	assert_run(p, "--config conf export users --with-psks --out out.csv", 0, "", "");
	assert_file(p, "out.csv", users_csv);
	assert_int_equal(stat(place_file(p, "out.csv"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_run(p, "--config conf export users --with-psks --out out.csv", 1, "",
		   "not overwritten");
	assert_run(p, "--config conf export groups", 0, groups_csv, "");
	/* keys never go to the screen */
	assert_run(p, "--config conf export users --with-psks", 2, "", "wants --out");
	assert_run(p, "--config conf export users", 0, "uids,psk_id,suite,expires\n", "");
	assert_null(strstr(outcome.out, "a1a1a1"));
	/* twice is once; groups are in force at once */
	assert_run(p, "--config conf import users u.csv", 0, "0 users added, 2 were there", "");
	assert_run(p, "--config conf export groups --json --out g.json", 0, "", "");
	assert_run(p, "--config conf export users --json --with-psks --out u.json", 0, "", "");
	assert_run(p, "--config conf user del " ALICE, 0, "", "");
	assert_run(p, "--config conf import users u.json", 0, "1 users added, 1 were there", "");
	assert_run(p, "--config conf import groups g.json", 0, "1 members added, 3 were there", "");
	assert_run(p, "--config conf export groups", 0, groups_csv, "");
}

static void faults(void **state)
{
	static const struct {
		const char *what, *text, *words;
	} cases[] = {
		{ "users", "uids,nonsense\n", ":1: there is no column \"nonsense\"" },
		{ "users", "uids,psk\nx@example.test\n", ":2: 1 values for 2 columns" },
		{ "users", "uids,psk\nx@example.test," HEX_A1 "\ny,\n", ":3: y is not a UID" },
		{ "users", "uids,psk\nx@example.test,1234\n", ":2: a PSK of this suite has 64" },
		{ "users", "uids,psk\nx@example.test,\n", ":2: a user without PSK" },
		{ "users", "uids,suite\nx@example.test,128\n", "suite 128 is not on" },
		{ "users", "uids\n\"x@example.test\n", "quotation mark" },
		{ "users", "{\"uids\": \"x@example.test\", \"psk\": true}\n", ":1: psk: write" },
		{ "users", "{\"uids\": \"x@example.test\"\n", ":1: not a JSON object" },
		{ "users", "", ":1: the names of the columns are missing" },
		/* only the store knows: the whole batch stays out */
		{ "users", "uids,psk\nx@example.test," HEX_A1 "\n" BOB "," HEX_A1 "\n",
		  ":3: the UID " BOB " exists already" },
		{ "users", "uids,psk\nx@example.test," HEX_A1 "\n" TEAM "," HEX_A1 "\n",
		  ":3: " TEAM " is the name of a group" },
		{ "groups", "psi,role,uid\nnew@example.test,boss," BOB "\n", ":2: role" },
		{ "groups", "psi,uid\nnew@example.test," BOB "\nnew@example.test,x@example.test\n",
		  ":3: no user has the UID x@example.test" },
	};
	struct place *p = *state;
	char line[128];
	size_t i;

	fill(p);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		place_write(p, "bad", cases[i].text);
		snprintf(line, sizeof(line), "--config conf import %s bad", cases[i].what);
		assert_run(p, line, 1, "", cases[i].words);
		assert_run(p, "--config conf export users", 0, "", "");
		assert_null(strstr(outcome.out, "x@example.test"));
	}
	assert_run(p, "--config conf export groups", 0, groups_csv, "");
	assert_string_equal(outcome.out, groups_csv);
}

static void psks_made(void **state)
{
	struct place *p = *state;
	char made[OUTPUT_MAX];
	struct stat st;

	place_write(p, "u.csv", "uids\n" ALICE "\n" BOB "\n");
	assert_run(p, "--config conf import users --psk-out psks u.csv", 0, "2 users", "");
	assert_int_equal(stat(place_file(p, "psks"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	program_file(p, "psks", made);
	assert_int_equal(strlen(made), 11 + 2 * 66 + strlen(ALICE BOB));
	assert_run(p, "--config conf export users --with-psks --out exported", 0, "", "");
	/* what was written is what was stored */
	made[11 + strlen(ALICE) + 1 + 64] = '\0';
	program_file(p, "exported", outcome.out);
	assert_non_null(strstr(outcome.out, made + 11 + strlen(ALICE) + 1));
}

/* An import that was killed has whole batches in, and is run again. */
static void import_killed(void **state)
{
	struct timespec pause = { 0 };
	struct place *p = *state;
	int i, kills = 0;
	pid_t pid;
	FILE *f;

	f = fopen(place_file(p, "many.csv"), "w");
	fputs("uids,psk\n", f);
	for (i = 0; i < 3000; i++)
		fprintf(f, "u%d@example.test,%064x\n", i, i + 1);
	fclose(f);
	for (i = 0; i < 5; i++) {
		pid = program_begin(p, "--config conf import users many.csv", NULL);
		pause.tv_nsec = 15000000L * i;
		nanosleep(&pause, NULL);
		kill(pid, SIGKILL);
		program_end(p, pid);
		kills += outcome.status == -SIGKILL;
		assert_run(p, "--config conf tpk list", 0, "tpk-", "");
	}
	assert_true(kills > 0);
	assert_run(p, "--config conf import users many.csv", 0, " users added", "");
	assert_int_equal(atol(outcome.out) % 1000, 0);
	assert_run(p, "--config conf import users many.csv", 0, "0 users added, 3000 were", "");
}

/* A backup is restored into either database, with its key only. */
static void backed_up(void **state)
{
	struct place *p = *state;
	char text[OUTPUT_MAX], *at;
	struct stat st;

	fill(p);
	assert_run(p, "--config conf backup b", 0, "rows", "");
	assert_int_equal(stat(place_file(p, "b"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	program_file(p, "b", text);
	assert_null(strstr(text, "a1a1a1a1a1"));
	assert_run(p, "--config conf backup b", 1, "", "not overwritten");
	assert_run(p, "restore --store s2 --store-key key b", 0, "answered again in 61 seconds",
		   "");
	assert_run(p, "restore --store s2 --store-key key b", 1, "", "not overwritten");
	assert_run(p, "--store s2 --store-key key export users --with-psks --out o2", 0, "", "");
	assert_file(p, "o2", users_csv);
	assert_run(p, "--store s2 --store-key key export groups", 0, groups_csv, "");
	assert_run(p, "--config conf tpk list", 0, "tpk-", "");
	snprintf(text, sizeof(text), "%s", outcome.out);
	assert_run(p, "--store s2 --store-key key tpk list", 0, text, "");
	/* what counts by itself goes on */
	assert_run(p, "--store s2 --store-key key tpk rotate", 0, "", "");
	assert_run(p, "--store s2 --store-key key user add --uid new@example.test", 0, "", "");
	assert_run(p, "--config conf restore b", 1, "", "not overwritten");

	/* another key, a byte, a line less: nothing is made */
	assert_run(p, "init --store s3 --store-key other", 0, "", "");
	assert_run(p, "restore --store s4 --store-key other b", 1, "", "does not belong");
	assert_int_equal(access(place_file(p, "s4"), F_OK), -1);
	program_file(p, "b", text);
	at = strstr(text, "\npsi\t") + 6;
	*at = *at == '0' ? '1' : '0';
	place_write(p, "b2", text);
	assert_run(p, "restore --store s4 --store-key key b2", 1, "", "was changed");
	*strstr(text, "end\t") = '\0';
	place_write(p, "b2", text);
	assert_run(p, "restore --store s4 --store-key key b2", 1, "", "not complete");
	place_write(p, "b2", "nothing of the kind\n");
	assert_run(p, "restore --store s4 --store-key key b2", 1, "", "not a backup");
	assert_int_equal(access(place_file(p, "s4"), F_OK), -1);
}

#define AT_BOTH(test) \
	cmocka_unit_test_prestate_setup_teardown(test, program_setup, place_teardown, \
						 &place_both)

int main(void)
{
	const struct CMUnitTest tests[] = {
		AT_BOTH(there_and_back),
		AT_BOTH(faults),
		AT_BOTH(psks_made),
		AT_BOTH(import_killed),
		AT_BOTH(backed_up),
	};

	return place_run("copies", tests, ARRAY_SIZE(tests));
}
