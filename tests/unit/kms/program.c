// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The program's commands: exit statuses, words, and what they leave behind.
 */
#include <sys/stat.h>
#include <unistd.h>

#include "helper/lib/version.h"
#include "tests/unit/kms/run.h"

static void usage(void **state)
{
	static const struct {
		const char *line;
		int status;
		const char *out, *err;
	} cases[] = {
		{ "--help", 0, "user add", "" },
		{ "--version", 0, "mikey-kms " MIKEY_RELEASE, "" },
		{ "", 2, "", "Usage: mikey-kms COMMAND" },
		{ "dance", 2, "", "no command \"dance\"" },
		{ "user dance", 2, "", "no command \"user dance\"" },
		{ "user add --help", 0, "--psk-out FILE", "" },
		{ "serve --help", 0, "until SIGTERM", "" },
		{ "user add --wrong", 2, "", "--wrong" },
		{ "user add", 2, "", "--uid is missing" },
		{ "user add --uid alice", 2, "", "alice is not a UID" },
		{ "user add --uid ?@x.test", 2, "", "wildcard" },
		{ "user add --uid a@x.test --psk-in a --psk-out b", 2, "", "exclude" },
		{ "user add --uid a@x.test --expires never", 2, "", "--expires" },
		{ "user add --config conf --uid a@x.test --suite 12", 1, "", "--suite" },
		{ "user show", 2, "", "give one UID" },
		{ "user list more", 2, "", "one argument too many" },
		{ "group member-add a@x.test", 2, "", "give a PSI and a UID" },
		{ "--config none user list", 1, "", "none: No such file" },
		{ "--config conf check-config --serve", 0, "good", "" },
		{ "--config conf init", 1, "", "not overwritten" },
		{ "--config conf user show nobody@x.test", 1, "", "no user has" },
		{ "--store nowhere --store-key key user list", 1, "", "mikey-kms init" },
	};
	struct place *p = *state;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++)
		assert_run(p, cases[i].line, cases[i].status, cases[i].out,
			   cases[i].err);
}

static void init_fails_cleanly(void **state)
{
	struct place *p = *state;

	assert_run(p, "init --store no/such/folder --store-key k2", 1, "", "no/such/folder");
	/* the key would be in the way of a second try */
	assert_int_equal(access(place_file(p, "k2"), F_OK), -1);
	assert_run(p, "init --store s2 --store-key no/such/key", 1, "", "no/such/key");
	assert_int_equal(access(place_file(p, "s2"), F_OK), -1);
	assert_run(p, "init --store s2 --store-key k2", 0, "made", "");
	assert_run(p, "--store s2 --store-key key user list", 1, "",
		   "does not belong to this store");
}

/* What root makes, the service's user can use; the key stays root's. */
static void init_hands_over(void **state)
{
	struct place *p = *state;
	const char *folder = place_file(p, "for-service");
	struct stat st;

	if (geteuid())
		skip();
	assert_int_equal(mkdir(folder, 0700), 0);
	assert_int_equal(chown(folder, 54321, 54322), 0);
	assert_run(p, "init --store for-service/store --store-key k3", 0, "made", "");
	/* what root does later must not take anything away again */
	assert_run(p, "user add --store for-service/store --store-key k3 --uid a@x.test",
		   0, "", "");
	assert_int_equal(stat(place_file(p, "for-service/store"), &st), 0);
	assert_int_equal(st.st_uid, 54321);
	assert_int_equal(st.st_gid, 54322);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(stat(place_file(p, "k3"), &st), 0);
	assert_int_equal(st.st_uid, 0);
	assert_int_equal(st.st_gid, 54322);
	assert_int_equal(st.st_mode & 0777, 0640);
	unlink(place_file(p, "for-service/store"));
	rmdir(place_file(p, "for-service"));
}

static void users(void **state)
{
	struct place *p = *state;
	char key[OUTPUT_MAX], line[256];
	struct stat st;
	pid_t pid;

	snprintf(line, sizeof(line), "--config conf user add --uid %s --uid %s --psk-id a %s",
		 ALICE, "al@example.test", "--psk-out a.psk");
	assert_run(p, line, 0, "", "");
	assert_string_equal(outcome.out, "");
	assert_int_equal(stat(place_file(p, "a.psk"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	program_file(p, "a.psk", key);
	assert_int_equal(strlen(key), 65);
	/* a failed command leaves no file, and overwrites none */
	assert_run(p, "--config conf user add --uid alice@example.test --psk-out b.psk",
		   1, "", "exists already");
	assert_int_equal(access(place_file(p, "b.psk"), F_OK), -1);
	assert_run(p, "--config conf user add --uid new@example.test --psk-out a.psk",
		   1, "", "not overwritten");
	/* printed where no file is named */
	assert_run(p, "--config conf user add --uid bob@example.test", 0, "", "");
	assert_int_equal(strspn(outcome.out, "0123456789abcdef"), 64);
	/* read from standard input, or a file */
	pid = program_begin(p, "user add --config conf --uid carol@example.test --psk-in -",
			    "a.psk");
	program_end(p, pid);
	assert_int_equal(outcome.status, 0);
	assert_run(p, "--config conf user add --uid dave@example.test --psk-in a.psk",
		   0, "", "");
	place_write(p, "short", "00112233\n");
	assert_run(p, "--config conf user add --uid eve@example.test --psk-in short",
		   1, "", "has 32 bytes, this has 4");
	assert_int_equal(chmod(place_file(p, "a.psk"), 0644), 0);
	assert_run(p, "--config conf user add --uid eve@example.test --psk-in a.psk",
		   1, "", "chmod 600");
	/* no listing has a key in it */
	key[64] = '\0';
	assert_run(p, "--config conf user list", 0, "alice@example.test, al@example.test", "");
	assert_null(strstr(outcome.out, key));
	assert_run(p, "--config conf user list --json", 0,
		   "{\"uids\": [\"" ALICE "\", \"al@example.test\"], \"psk_id\": \"a\"", "");
	assert_null(strstr(outcome.out, key));
	assert_run(p, "--config conf user del al@example.test", 0, "", "");
	assert_run(p, "--config conf user show alice@example.test", 1, "", "no user has");
}

static void rekeyed(void **state)
{
	struct place *p = *state;
	const char *line;
	char text[512];

	snprintf(text, sizeof(text), "policy = { suites = \"128\"; };\n"
		 "audit = \"audit\";\nstore = \"%s\";\nstore-key = \"key\";\n", p->where);
	place_write(p, "conf128", text);
	program_run(p, "--config conf user add --uid " ALICE " --psk-id a --psk-out a.psk");
	assert_run(p, "--config conf user rekey " ALICE, 2, "", "--psk-id is missing");
	assert_run(p, "--config conf user rekey --psk-id b", 2, "", "give one UID");
	assert_run(p, "--config conf user rekey " ALICE " --psk-id a", 1, "", "exists already");
	assert_run(p, "--config conf user rekey " BOB " --psk-id b --psk-out b.psk", 1, "",
		   "no user has");
	assert_int_equal(access(place_file(p, "b.psk"), F_OK), -1);
	/* a PSK of a suite that is off would be of no use */
	assert_run(p, "--config conf user rekey " ALICE " --psk-id b --suite 128", 1, "",
		   "suite 128 is not on");
	assert_run(p, "--config conf user add --uid " BOB " --suite ts-128", 1, "",
		   "suite ts-128 is not on");
	assert_run(p, "--config conf128 user rekey " ALICE
		   " --psk-id b --suite 128 --psk-out b.psk", 0, "", "");
	assert_run(p, "--config conf user list --json", 0,
		   "\"psk_id\": \"b\", \"suite\": \"128\"", "");
	line = strstr(outcome.out, "\"psk_id\": \"a\"");
	assert_non_null(line);
	assert_null(strstr(line, "\"superseded\": 0"));
	line = strstr(outcome.out, "\"psk_id\": \"b\"");
	assert_non_null(strstr(line, "\"superseded\": 0, \"keep_until\": 0}"));
	assert_run(p, "--config conf user show " ALICE, 0, "  superseded 2", "");
	assert_non_null(strstr(outcome.out, "  kept until 2"));
	assert_run(p, "--config conf user rekey " ALICE " --psk-id c --drop-old --psk-out c.psk",
		   0, "", "");
	assert_run(p, "--config conf user list", 0, "psk a  ", "");
	assert_null(strstr(outcome.out, "psk b  "));
}

static void shows_policy(void **state)
{
	static const char *const words[] = {
		"profiles                annex-i\n",
		"tickets are made by     kms, initiator\n",
		"suites                  256, ts-128\n",
		"reuse (J)               granted\n",
		"caching (E0)            granted in profile annex-i with reuse\n",
		"rekeying interval (TRr) at most 600 s, in every ticket\n",
		"longest validity        604800 s\n",
		"most recipients         100\n",
		"wildcards               in the user part of a recipient\n",
		"clocks may differ by    60 s\n",
		"groups                  yes\n",
		"may ask, first to fit   ?@x.test for a@y.test (line 3)\n"
		"                        ?@x.test for \"quoted\"@y.test (line 3)\n"
		"                        nobody else for anybody else\n",
	};
	static const char *const json[] = {
		"{\"profiles\": [\"immediate\", \"annex-i\"], ",
		"\"modes\": [\"kms\", \"initiator\"], \"suites\": [\"256\"], ",
		"\"reuse\": true, \"cacheable\": false, \"rekey\": 0, ",
		"\"max_lifetime\": 604800, \"max_responders\": 100, ",
		"\"wildcards\": \"user\", \"groups\": true, \"skew\": 60,\n",
		" \"identities\": [\"" KMS_URL "\"],\n \"allow\": []\n}\n",
	};
	struct place *p = *state;
	size_t i;

	assert_run(p, "--config conf policy", 0, "everybody for everybody\n", "");
	program_run(p, "--config conf policy --json");
	assert_int_equal(outcome.status, 0);
	for (i = 0; i < ARRAY_SIZE(json); i++)
		if (!strstr(outcome.out, json[i]))
			fail_msg("%s is not in %s", json[i], outcome.out);
	place_write(p, "c2", "policy = { profiles = \"annex-i\"; suites = \"ts-128\";\n"
		    "cacheable = true; rekey = 600;\n"
		    "allow = ( { from = \"?@x.test\"; to = [\"a@y.test\", \"\\\"quoted\\\"@y.test\"]; } );\n"
		    "};\n");
	program_run(p, "--config c2 policy");
	assert_int_equal(outcome.status, 0);
	for (i = 0; i < ARRAY_SIZE(words); i++)
		if (!strstr(outcome.out, words[i]))
			fail_msg("%s is not in %s", words[i], outcome.out);
	assert_run(p, "--config c2 policy --json", 0,
		   "\"to\": \"\\\"quoted\\\"@y.test\", \"deny\": false, ", "");
	assert_run(p, "--config c2 policy show --json", 0,
		   "\"groups\": true, \"file\": \"c2\", \"line\": 3, \"column\": 38},\n", "");
	assert_run(p, "policy more", 2, "", "one argument too many");
	place_write(p, "c2", "reuse = true;\n");
	assert_run(p, "--config c2 policy", 1, "",
		   "c2:1:1: there is no setting \"reuse\" but in policy");
}

/* A group as it is listed. */
#define GROUP(psi, members, servers) \
	" {\"psi\": \"" psi "\", \"members\": [" members "], \"servers\": [" servers "]}"

static void groups_and_tpks(void **state)
{
	char name[KMS_TPK_NAME_MAX], line[512];
	struct place *p = *state;
	const char *last;

	program_run(p, "--config conf user add --uid bob@example.test --psk-out b.psk");
	assert_run(p, "--config conf group add --psi team@example.test --member bob@example.test",
		   0, "", "");
	assert_run(p, "--config conf group list --json", 0,
		   "[\n" GROUP(TEAM, "\"" BOB "\"", "") "\n]\n", "");
	program_run(p, "--config conf user add --uid " ALICE " --psk-out a.psk");
	assert_run(p, "--config conf group server-add team@example.test " ALICE, 0, "", "");
	assert_run(p, "--config conf group add --psi b@example.test --server " BOB
		   " --server " ALICE, 0, "", "");
	assert_run(p, "--config conf group add --psi z@example.test", 0, "", "");
	assert_run(p, "--config conf group list --json", 0, "[\n"
		   GROUP("b@example.test", "", "\"" ALICE "\", \"" BOB "\"") ",\n"
		   GROUP(TEAM, "\"" BOB "\"", "\"" ALICE "\"") ",\n"
		   GROUP("z@example.test", "", "") "\n]\n", "");
	assert_run(p, "--config conf group list", 0, ALICE "  (list server)\n", "");
	assert_run(p, "--config conf group server-del team@example.test " ALICE, 0, "", "");
	assert_run(p, "--config conf group server-del team@example.test " ALICE, 1, "",
		   "is not a server");
	program_run(p, "--config conf group del b@example.test");
	program_run(p, "--config conf group del z@example.test");
	assert_run(p, "--config conf group member-del team@example.test bob@example.test",
		   0, "", "");
	assert_run(p, "--config conf group list", 0, "team@example.test\n", "");
	assert_run(p, "--config conf group member-add team@example.test x@example.test",
		   1, "", "no user has");
	assert_run(p, "--config conf group del team@example.test", 0, "", "");
	assert_run(p, "--config conf group list --json", 0, "[\n]\n", "");
	assert_run(p, "--config conf tpk list --json", 0, "\"newest\": true", "");
	assert_run(p, "--config conf tpk rotate", 0, "", "");
	assert_run(p, "--config conf tpk list", 0, "for new tickets", "");
	assert_run(p, "--config conf tpk show", 2, "", "give one TPK");
	assert_run(p, "--config conf tpk show tpk-0", 1, "", "there is no TPK tpk-0");
	assert_run(p, "--config conf tpk revoke tpk-0", 1, "", "there is no TPK tpk-0");
	program_run(p, "--config conf tpk list");
	last = outcome.out + strlen(outcome.out) - 1;
	while (last > outcome.out && last[-1] != '\n')
		last--;
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(last, " "), last);
	snprintf(line, sizeof(line), "--config conf tpk show %s --json", name);
	assert_run(p, line, 0, "\"revoked\": null}\n", "");
	snprintf(line, sizeof(line), "--config conf tpk revoke %s", name);
	assert_run(p, line, 0, "new tickets are made with tpk-", "");
	assert_run(p, line, 1, "", "is revoked already");
	snprintf(line, sizeof(line), "--config conf tpk show %s", name);
	assert_run(p, line, 0, "  revoked 20", "");
	assert_run(p, "--config conf tpk list --json", 0, "\"newest\": false, \"revoked\": 1", "");
	/* and stays so under another key and in a copy */
	assert_run(p, "--config conf rekey-store --new-key k2", 0, "", "");
	assert_run(p, "--config conf --store-key k2 backup b", 0, "rows", "");
	assert_run(p, "restore --store s2 --store-key k2 b", 0, "", "");
	snprintf(line, sizeof(line), "--store s2 --store-key k2 tpk show %s", name);
	assert_run(p, line, 0, "  revoked 20", "");
	assert_run(p, "rekey-store --store s2 --store-key k2 --new-key k3", 0, "", "");
	assert_run(p, "--config conf --store-key k2 replay reset", 0, "in 61 seconds", "");
}

#define AT_BOTH(test) \
	cmocka_unit_test_prestate_setup_teardown(test, program_setup, place_teardown, \
						 &place_both)
#define AT_PLACE(test) \
	cmocka_unit_test_setup_teardown(test, program_setup, place_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		AT_PLACE(usage),
		AT_PLACE(init_fails_cleanly),
		AT_PLACE(init_hands_over),
		AT_BOTH(users),
		AT_BOTH(rekeyed),
		AT_PLACE(shows_policy),
		AT_BOTH(groups_and_tpks),
	};

	return place_run("program", tests, ARRAY_SIZE(tests));
}
