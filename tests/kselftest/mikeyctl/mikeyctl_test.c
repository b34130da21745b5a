// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * mikeyctl on a kernel with the modules: a PSK that it loaded opens exchanges,
 * tickets in the user keyring are found, shown and ended, also by an ordinary
 * user whose session does not lead there, and refusals are followed.
 */
#include <kselftest_harness.h>

#include <signal.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "tests/kselftest/term.h"

/* An ordinary user without any keys, another one for each test. */
#define USER 42420

static char output[16384];

/*
 * Run mikeyctl with words and wait; stdout and stderr in output. Returns its
 * exit status.
 */
static int run(const char *input, const char *format, ...)
{
	const char *build = getenv("MIKEY_BUILD");
	char command[1024], words[512];
	size_t len = 0, got;
	va_list args;
	FILE *pipe;
	int status;

	va_start(args, format);
	vsnprintf(words, sizeof(words), format, args);
	va_end(args);
	snprintf(command, sizeof(command), "printf '%%s' '%s' | %s/mikeyctl %s 2>&1", input,
		 build ? build : "build", words);
	fflush(NULL);
	pipe = popen(command, "r");
	if (!pipe)
		return -1;
	while ((got = fread(output + len, 1, sizeof(output) - 1 - len, pipe)) > 0)
		len += got;
	output[len] = '\0';
	status = pclose(pipe);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Does the last output have this text? If not as wanted, show it. */
static bool says(const char *text, bool wanted)
{
	if (!strstr(output, text) != wanted)
		return true;
	fprintf(stderr, "# %s \"%s\" in: %s\n", wanted ? "no" : "there is", text, output);
	return false;
}

#define SAYS(text) EXPECT_TRUE(says(text, true))
#define SAYS_NOT(text) EXPECT_TRUE(says(text, false))

/* EXPECT of a child of term_as_user(), where that does not count: it ends. */
static void must(bool true_one, const char *what, int line)
{
	if (true_one)
		return;
	fprintf(stderr, "# %d: %s: %s\n", line, what, output);
	_exit(1);
}

#define MUST(condition) must((condition), #condition, __LINE__)

static void hex_of(char *to, const u8 *key, size_t len)
{
	for (size_t i = 0; i < len; i++)
		sprintf(to + 2 * i, "%02x", key[i]);
}

/* Load the terminal's PSK with mikeyctl instead of add_key(2). */
static int open_with_loaded_psk(struct term *t, const char *uid)
{
	char text[2 * MIKEY_KEY_MAX + 1];
	int err = term_open(t, uid);

	if (err)
		return err;
	keyctl_unlink(t->psk_serial, KEY_SPEC_SESSION_KEYRING);
	t->keyring = 0;
	hex_of(text, t->psk.key, t->psk.len);
	err = run(text, "psk load --quiet --id %s", uid);
	if (err)
		return -EIO;
	t->psk_serial = atoi(output);
	return t->psk_serial > 0 ? 0 : -EIO;
}

/* Two tickets in the user keyring, all as an ordinary user. */
static int user_flow(void *arg)
{
	struct peer_ticket ticket;
	key_serial_t one, two;
	char *text, byte[64];
	struct term alice;

	(void)arg;
	MUST(!open_with_loaded_psk(&alice, ALICE));
	/* the modules use it and nobody else: by its name it is not found */
	MUST(!keyctl_link(KEY_SPEC_USER_KEYRING, KEY_SPEC_SESSION_KEYRING));
	MUST(keyctl_search(KEY_SPEC_USER_KEYRING, "logon", "mikey:" ALICE, 0) < 0 &&
	     errno == EACCES);
	MUST(keyctl_read(alice.psk_serial, byte, sizeof(byte)) < 0 && errno == EACCES);
	one = term_grant(&alice, BOB, &ticket);
	MUST(one > 0);
	alice.reusable = false;
	two = term_grant(&alice, CAROL, &ticket);
	MUST(two > 0 && two != one);
	MUST(!keyctl_unlink(KEY_SPEC_USER_KEYRING, KEY_SPEC_SESSION_KEYRING));

	MUST(!run("", "psk list"));
	MUST(strstr(output, "mikey:" ALICE) && strstr(output, "logon"));

	MUST(!run("", "ticket list"));
	MUST(strstr(output, "initiator  immediate  256"));
	MUST(strstr(output, " J--- " ALICE " -> " BOB "\n"));
	MUST(strstr(output, " ---- " ALICE " -> " CAROL "\n"));

	MUST(!run("", "ticket list --json | python3 -c 'import json, sys\n"
		  "a, b = json.load(sys.stdin)\n"
		  "assert a[\"responders\"] + b[\"responders\"] in ([\"%s\", \"%s\"], [\"%s\", \"%s\"])\n"
		  "assert a[\"reusable\"] != b[\"reusable\"]\n"
		  "assert 3500 < a[\"remaining\"] <= 3600, a\n'", BOB, CAROL, CAROL, BOB));

	MUST(!run("", "ticket show %d", one));
	MUST(strstr(output, "flags       DEHIJNO (reusable)\n"));
	MUST(strstr(output, "made by     the KMS (mode 1)\n"));
	MUST(strstr(output, "KMS         " TERM_KMS "\n"));
	MUST(strstr(output, "responders  " BOB "\n"));

	MUST(!run("", "ticket revoke %d", one));
	MUST(keyctl_describe_alloc(one, &text) < 0 && errno == EKEYREVOKED);
	MUST(run("", "ticket show %d", one) == 1 && strstr(output, "revoked"));
	MUST(!run("", "ticket invalidate %d", two));
	MUST(run("", "ticket show %d", two) == 1);
	MUST(!run("", "ticket list") && strstr(output, "no tickets here"));

	MUST(run("", "ticket show %d", alice.psk_serial) == 1);
	MUST(strstr(output, "is of type \"logon\""));
	MUST(!run("", "psk revoke %s", ALICE));
	MUST(!run("", "psk list") && strstr(output, "no PSK here"));
	MUST(term_grant(&alice, BOB, &ticket) < 0);
	term_close(&alice);
	return 0;
}

TEST(ordinary_user)
{
	EXPECT_EQ(0, term_as_user(USER, user_flow, NULL));
}

/* A line of /proc/PID/status, without its name; "" if there is none. */
static void status_of(pid_t pid, const char *name, char *value, size_t size)
{
	char path[64], line[256];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	file = fopen(path, "re");
	value[0] = '\0';
	while (file && fgets(line, sizeof(line), file))
		if (!strncmp(line, name, strlen(name)))
			snprintf(value, size, "%.*s", (int)size - 1, line + strlen(name));
	if (file)
		fclose(file);
}

/* While it reads a key: a locked page, and nobody's to look at but root's. */
TEST(key_is_read_into_locked_memory)
{
	const char *build = getenv("MIKEY_BUILD");
	char program[256], locked[64] = "", path[64];
	struct stat st;
	int input[2];
	pid_t pid;

	snprintf(program, sizeof(program), "%s/mikeyctl", build ? build : "build");
	ASSERT_EQ(0, pipe(input));
	pid = fork();
	if (!pid) {
		dup2(input[0], 0);
		if (setgid(USER) || setuid(USER))
			_exit(1);
		execl(program, "mikeyctl", "psk", "load", "--id", "never", NULL);
		_exit(1);
	}
	for (int i = 0; i < 6000 && !strstr(locked, " 4 kB"); i++) {
		usleep(10000);
		status_of(pid, "VmLck:", locked, sizeof(locked));
	}
	EXPECT_NE(NULL, strstr(locked, " 4 kB"))
		TH_LOG("VmLck:%s", locked);
	/* not dumpable: its files in /proc are root's, not the user's */
	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	EXPECT_EQ(0, stat(path, &st));
	EXPECT_EQ(0, st.st_uid);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(input[0]);
	close(input[1]);
}

/* What belongs to one user is out of another one's reach. */
static int other_user(void *arg)
{
	int ticket = *(int *)arg;

	MUST(run("", "ticket show %d", ticket) == 1);
	MUST(strstr(output, "permissions refuse"));
	MUST(run("", "ticket revoke %d", ticket) == 1);
	MUST(!run("", "ticket list") && strstr(output, "no tickets here"));
	return 0;
}

TEST(tickets_of_others)
{
	struct peer_ticket ticket;
	struct nlc_reply r;
	struct term alice;
	int serial;

	term_session();
	ASSERT_EQ(0, term_open(&alice, ALICE));
	serial = term_grant(&alice, BOB, &ticket);
	ASSERT_LT(0, serial);
	EXPECT_EQ(0, term_as_user(USER + 1, other_user, &serial));
	EXPECT_EQ(0, term_info(&alice, serial, &r));
	nlc_free(&r);

	/* in the session keyring, not in the user's */
	EXPECT_EQ(0, run("", "ticket list"));
	SAYS_NOT(BOB);
	EXPECT_EQ(0, run("", "ticket list --keyring session"));
	SAYS(ALICE " -> " BOB);
	term_close(&alice);
}

/* The module parameter in force, as text. */
static const char *entity_limit(void)
{
	static char text[16];
	FILE *file = fopen("/sys/module/mikey_mime/parameters/max_entity", "re");

	text[0] = '\0';
	if (file && fgets(text, sizeof(text), file))
		text[strcspn(text, "\n")] = '\0';
	if (file)
		fclose(file);
	return text[0] ? text : "unknown";
}

TEST(counters_and_policy)
{
	struct peer_ticket ticket;
	struct term alice;
	char grants[64], most[64];

	term_session();
	ASSERT_EQ(0, term_open(&alice, ALICE));
	ASSERT_LT(0, term_grant(&alice, BOB, &ticket));
	snprintf(grants, sizeof(grants), "  grants%25llu\n",
		 (unsigned long long)term_stat(&alice, MIKEY_TICKET_S_GRANTS));
	EXPECT_EQ(0, run("", "stats"));
	SAYS(grants);
	SAYS("mikey_mime\n");
	SAYS("  bad-cms ");
	EXPECT_EQ(0, run("", "stats --json | python3 -m json.tool"));
	SAYS("\"replay-entries\": ");
	EXPECT_EQ(0, run("", "policy"));
	SAYS(" immediate");
	SAYS(" auth-enveloped authenticated");
	snprintf(most, sizeof(most), "largest entity   %s bytes\n", entity_limit());
	SAYS(most);
	SAYS("  clock skew       60 s\n");
	SAYS("  user master keys accepted\n");
	SAYS_NOT("warning");
	SAYS_NOT("mikeyd");
	EXPECT_EQ(1, run("", "policy --config /nonexistent"));
	SAYS("/nonexistent: No such file");
	EXPECT_EQ(0, run("", "policy --json | python3 -m json.tool"));
	snprintf(most, sizeof(most), "\"max_entity\": %s\n", entity_limit());
	SAYS(most);
	term_close(&alice);
}

/* A REQUEST_RESP with a wrong MAC, while somebody follows. */
static void be_refused(struct term *alice)
{
	static struct term_exchange ex;
	static struct peer_answer answer;
	static struct peer_ticket ticket;
	static struct peer_msg msg;

	term_request(alice, BOB, &ex);
	peer_grant_plan(&answer, &ticket, &alice->psk, ex.msg, ex.len);
	peer_answer_write(&answer, &msg);
	msg.p[msg.len - 1] ^= 1;
	term_answer(alice, MIKEY_TICKET_CMD_GRANT, ex.id, &msg, NULL);
}

/* Refused again and again: nobody knows when the other one has begun. */
static pid_t keep_being_refused(struct term *alice)
{
	pid_t pid;

	fflush(NULL);
	pid = fork();
	while (!pid) {
		be_refused(alice);
		usleep(50000);
	}
	return pid;
}

TEST(follow_refusals)
{
	struct term alice;
	pid_t pid;

	term_session();
	ASSERT_EQ(0, term_open(&alice, ALICE));
	pid = keep_being_refused(&alice);
	EXPECT_EQ(0, run("", "watch --count 2"));
	SAYS("Z uid 0 EKEYREJECTED: ");
	EXPECT_EQ(0, run("", "watch --json --count 1 | python3 -m json.tool"));
	SAYS("\"error\": \"EKEYREJECTED\"");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	term_close(&alice);
}

TEST_HARNESS_MAIN
