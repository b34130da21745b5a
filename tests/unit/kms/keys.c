// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where the store's key comes from (a file, a credential, a token), and the
 * store under another key, also when that is killed.
 */
#include <signal.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/kms/run.h"

#define TOKEN "pkcs11:token=kms;object=store;pin-value=1234"

static void exports_alike(struct place *p, const char *options, const char *as)
{
	char line[512], text[OUTPUT_MAX];

	snprintf(line, sizeof(line), "export users --with-psks --out exported %s", options);
	assert_run(p, line, 0, "", "");
	program_file(p, "exported", text);
	assert_string_equal(text, as);
	unlink(place_file(p, "exported"));
}

/* Some users and a group; what they are exported as. */
static void fill(struct place *p, int num, char *as)
{
	FILE *f = fopen(place_file(p, "u.csv"), "w");
	int i;

	fputs("uids,psk_id,suite,expires,psk\n", f);
	for (i = 0; i < num; i++)
		fprintf(f, "u%d@example.test,p%d,256,0,%064x\n", i, i, i + 1);
	fclose(f);
	assert_run(p, "--config conf import users u.csv", 0, "added", "");
	assert_run(p, "--config conf group add --psi " TEAM, 0, "", "");
	assert_run(p, "--config conf group member-add " TEAM " u1@example.test", 0, "", "");
	assert_run(p, "--config conf group server-add " TEAM " u2@example.test", 0, "", "");
	program_file(p, "u.csv", as);
}

static void another_key(void **state)
{
	char as[OUTPUT_MAX], options[512];
	struct place *p = *state;
	unsigned int port;
	pid_t pid;

	fill(p, 50, as);
	assert_run(p, "--config conf rekey-store", 2, "", "--new-key");
	pid = program_serve(p, "conf", &port);
	assert_run(p, "--config conf rekey-store --new-key k2", 0, "103 rows", "");
	/* who serves says so and ends, rather than refuse everybody */
	program_end(p, pid);
	assert_int_equal(outcome.status, 1);
	assert_run(p, "--config conf user list", 1, "", "does not belong to this store");
	snprintf(options, sizeof(options), "--config conf --store %s --store-key k2", p->where);
	exports_alike(p, options, as);
	snprintf(options, sizeof(options), "group list --config conf --store %s --store-key k2",
		 p->where);
	assert_run(p, options, 0, "u2@example.test  (list server)", "");
	snprintf(options, sizeof(options), "tpk rotate --config conf --store %s --store-key k2",
		 p->where);
	assert_run(p, options, 0, "", "");
	/* and once more changes nothing */
	assert_run(p, "--config conf rekey-store --new-key k2", 0, "0 rows", "");
}

static void killed(void **state)
{
	struct timespec pause = { 0 };
	char as[OUTPUT_MAX], options[512];
	struct place *p = *state;
	int i, kills = 0;
	pid_t pid;

	fill(p, 150, as);
	for (i = 0; i < 8; i++) {
		pid = program_begin(p, "--config conf rekey-store --new-key k2", NULL);
		pause.tv_nsec = 4000000L * i;
		nanosleep(&pause, NULL);
		kill(pid, SIGKILL);
		program_end(p, pid);
		if (outcome.status != -SIGKILL)
			break;
		kills++;
	}
	assert_true(kills > 0);
	assert_run(p, "--config conf rekey-store --new-key k2", 0, "store-key = \"k2\"", "");
	snprintf(options, sizeof(options), "--config conf --store %s --store-key k2", p->where);
	exports_alike(p, options, as);
}

static void damaged_row(void **state)
{
	struct place *p = *state;
	char as[OUTPUT_MAX];

	fill(p, 3, as);
	place_sql(p, "UPDATE psk SET expires = 5 WHERE id = x'7031'");
	assert_run(p, "--config conf rekey-store --new-key k2", 1, "",
		   "table psk: the row of p1 was tampered with");
	assert_run(p, "--config conf tpk rotate", 0, "", "");
}

static void from_systemd(void **state)
{
	struct place *p = *state;
	char text[512];

	assert_run(p, "--config conf user add --uid " ALICE, 0, "", "");
	snprintf(text, sizeof(text), "identity = [\"" KMS_URL "\"];\n"
		 "store = \"%s\";\nstore-key = \"credential:key\";\n", p->where);
	place_write(p, "conf2", text);
	unsetenv("CREDENTIALS_DIRECTORY");
	assert_run(p, "--config conf2 user list", 1, "", "LoadCredential");
	setenv("CREDENTIALS_DIRECTORY", p->dir, 1);
	assert_run(p, "--config conf2 user list", 0, ALICE, "");
	assert_run(p, "user list --config conf2 --store-key credential:../key", 1, "",
		   "plain name");
	/* a store may begin with one */
	assert_run(p, "init --store s2 --store-key credential:key", 0, "made", "");
	assert_run(p, "init --store s3 --store-key credential:none", 1, "", "No such file");
	unsetenv("CREDENTIALS_DIRECTORY");
}

/* SoftHSM with one RSA key; the module is Debian's. */
static bool soft_hsm(struct place *p)
{
	static const char make_slot[] =
		"softhsm2-util --init-token --free --label kms --pin 1234 --so-pin 4321 >/dev/null";
	static const char make_key[] =
		"exec >/dev/null 2>&1; set -- --module $PKCS11_MODULE_PATH --login --pin 1234;"
		"pkcs11-tool \"$@\" --keypairgen --key-type rsa:2048 --label store --id 01";
	char text[1024];

	if (access("/usr/bin/softhsm2-util", X_OK) || access("/usr/bin/pkcs11-tool", X_OK))
		return false;
	snprintf(text, sizeof(text), "directories.tokendir = %s/tokens\nlog.level = ERROR\n",
		 p->dir);
	place_write(p, "softhsm.conf", text);
	assert_int_equal(mkdir(place_file(p, "tokens"), 0700), 0);
	setenv("SOFTHSM2_CONF", place_file(p, "softhsm.conf"), 1);
	setenv("PKCS11_MODULE_PATH", "/usr/lib/softhsm/libsofthsm2.so", 1);
	assert_int_equal(system(make_slot), 0);
	assert_int_equal(system(make_key), 0);
	return true;
}

static void on_a_token(void **state)
{
	char as[OUTPUT_MAX], text[OUTPUT_MAX], options[512], *at;
	struct place *p = *state;

	if (!soft_hsm(p))
		skip();
	fill(p, 5, as);
	assert_run(p, "init --store s2 --store-key k2 --token " TOKEN, 0, "made", "");
	program_file(p, "k2", text);
	assert_memory_equal(text, TOKEN "\n", strlen(TOKEN) + 1);
	assert_int_equal(strlen(text), strlen(TOKEN) + 1 + 512 + 1);
	assert_run(p, "user add --store s2 --store-key k2 --uid " ALICE, 0, "", "");
	/* from a file to the token */
	assert_run(p, "--config conf rekey-store --new-key k3 --token " TOKEN, 0, "rows", "");
	snprintf(options, sizeof(options), "--config conf --store %s --store-key k3", p->where);
	exports_alike(p, options, as);
	/* without the PIN, or with another wrapped key, nothing */
	program_file(p, "k3", text);
	memcpy(strstr(text, "1234"), "1235", 4);
	place_write(p, "k4", text);
	snprintf(options, sizeof(options), "user list --config conf --store %s --store-key k4",
		 p->where);
	assert_run(p, options, 1, "", "PIN is wrong");
	assert_null(strstr(outcome.err, "1235"));
	snprintf(options, sizeof(options), "user list --config conf --store %s --store-key k2",
		 p->where);
	assert_run(p, options, 1, "", "does not belong");
	program_file(p, "k3", text);
	at = text + strlen(TOKEN) + 9;
	*at = *at == '0' ? '1' : '0';
	place_write(p, "k4", text);
	snprintf(options, sizeof(options), "user list --config conf --store %s --store-key k4",
		 p->where);
	assert_run(p, options, 1, "", "does not open the store's key");
	place_write(p, "k4", TOKEN "\n");
	assert_run(p, options, 1, "", "k4");
	assert_run(p, "init --store s4 --store-key k5 --token pkcs11:token=kms;object=none", 1,
		   "", "no such public key");
	snprintf(options, sizeof(options), "rm -r %s", place_file(p, "tokens"));
	assert_int_equal(system(options), 0);
}

#define AT_BOTH(test) \
	cmocka_unit_test_prestate_setup_teardown(test, program_setup, place_teardown, \
						 &place_both)

int main(void)
{
	const struct CMUnitTest tests[] = {
		AT_BOTH(another_key),
		AT_BOTH(killed),
		AT_BOTH(damaged_row),
		AT_BOTH(from_systemd),
		AT_BOTH(on_a_token),
	};

	return place_run("keys", tests, ARRAY_SIZE(tests));
}
