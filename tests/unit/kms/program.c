// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The program itself: its commands, exit statuses and words, and what is left
 * of a store when it is stopped, killed under load, or served twice.
 */
#include <fcntl.h>
#include <libgen.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/kms/client.h"

#define ARGS_MAX 16
#define OUTPUT_MAX 16384

/* What a command said and how it ended. */
struct outcome {
	int status;
	char out[OUTPUT_MAX];
	char err[OUTPUT_MAX];
};

static struct outcome outcome;

/* build/tests/test-kms-program stands beside build/mikey-kms */
static const char *program(void)
{
	static char path[512], self[480];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	assert_true(n > 0);
	self[n] = '\0';
	snprintf(path, sizeof(path), "%s/../mikey-kms", dirname(self));
	return path;
}

static pid_t spawn(const struct place *p, char *const *args, const char *in)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid)
		return pid;
	if (chdir(p->dir) ||
	    dup2(open(in ? in : "/dev/null", O_RDONLY), 0) < 0 ||
	    dup2(open("out", O_WRONLY | O_CREAT | O_TRUNC, 0600), 1) < 0 ||
	    dup2(open("err", O_WRONLY | O_CREAT | O_TRUNC, 0600), 2) < 0)
		_exit(126);
	execv(program(), args);
	_exit(127);
}

static void slurp(const struct place *p, const char *name, char *text)
{
	FILE *f = fopen(place_file(p, name), "r");
	size_t n;

	assert_non_null(f);
	n = fread(text, 1, OUTPUT_MAX - 1, f);
	text[n] = '\0';
	fclose(f);
}

/* Words of a command line, split at blanks; its standard input is @in. */
static pid_t begin(const struct place *p, const char *line, const char *in)
{
	char *copy = strdup(line), *args[ARGS_MAX] = { "mikey-kms" }, *save;
	int num = 1;
	pid_t pid;

	for (args[num] = strtok_r(copy, " ", &save); args[num];
	     args[num] = strtok_r(NULL, " ", &save))
		assert_true(++num < ARGS_MAX);
	pid = spawn(p, args, in);
	free(copy);
	return pid;
}

static void end(const struct place *p, pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	outcome.status = WIFEXITED(status) ? WEXITSTATUS(status) :
			 -WTERMSIG(status);
	slurp(p, "out", outcome.out);
	slurp(p, "err", outcome.err);
}

static void run(const struct place *p, const char *line)
{
	end(p, begin(p, line, NULL));
}

static void assert_run(const struct place *p, const char *line, int status,
		       const char *out, const char *err)
{
	run(p, line);
	if (outcome.status != status || !strstr(outcome.out, out) ||
	    !strstr(outcome.err, err))
		fail_msg("%s: %d\nout: %serr: %s", line, outcome.status,
			 outcome.out, outcome.err);
}

/* A folder with store, key, configuration and ALICE's and BOB's keys. */
static int setup(void **state)
{
	struct place *p;

	place_setup(state);
	p = *state;
	place_write(p, "conf", "identity = [\"" KMS_URL "\"];\n"
		    "listen = [\"127.0.0.1:0\"];\nstore = \"store\";\nstore-key = \"key\";\n");
	assert_run(p, "--config conf init", 0, "made the store", "");
	return 0;
}

static void usage(void **state)
{
	static const struct {
		const char *line;
		int status;
		const char *out, *err;
	} cases[] = {
		{ "--help", 0, "user add", "" },
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

	snprintf(line, sizeof(line), "--config conf user add --uid %s --uid %s --psk-id a %s",
		 ALICE, "al@example.test", "--psk-out a.psk");
	assert_run(p, line, 0, "", "");
	assert_string_equal(outcome.out, "");
	assert_int_equal(stat(place_file(p, "a.psk"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	slurp(p, "a.psk", key);
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
	end(p, begin(p, "--config conf user add --uid carol@example.test --psk-in -", "a.psk"));
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

static void groups_and_tpks(void **state)
{
	struct place *p = *state;

	run(p, "--config conf user add --uid bob@example.test --psk-out b.psk");
	assert_run(p, "--config conf group add --psi team@example.test --member bob@example.test",
		   0, "", "");
	assert_run(p, "--config conf group list --json", 0,
		   "[\n {\"psi\": \"" TEAM "\", \"members\": [\"" BOB "\"]}\n]\n", "");
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
	assert_run(p, "--config conf replay reset", 0, "in 61 seconds", "");
}

/* Wait for the line that says where it listens; the port. */
static unsigned int wait_ready(const struct place *p)
{
	static const char wanted[] = "listening at http://127.0.0.1:";
	struct timespec pause = { .tv_nsec = 20000000 };
	char text[OUTPUT_MAX], *at;
	int i;

	for (i = 0; i < 500; i++) {
		nanosleep(&pause, NULL);
		if (access(place_file(p, "err"), F_OK))
			continue;
		slurp(p, "err", text);
		at = strstr(text, wanted);
		if (at && strchr(at, '\n'))
			return strtoul(at + strlen(wanted), NULL, 10);
	}
	fail_msg("it does not get ready: %s", text);
	return 0;
}

/* ALICE with a key of the test's own, and requests of hers. */
static void add_alice(struct place *p, struct house *h)
{
	char hex[66];
	int i;

	memset(h->mem.users[0].psk.key, 0xa1, 32);
	for (i = 0; i < 32; i++)
		memcpy(hex + 2 * i, "a1", 3);
	place_write(p, "a.hex", hex);
	assert_run(p, "--config conf user add --uid " ALICE " --psk-id alice-psk --psk-in a.hex",
		   0, "", "");
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
	pid = begin(p, "--config conf serve", NULL);
	port = wait_ready(p);
	request_init(&r, h);
	request_write(&r, &msg);
	assert_int_equal(mikey_post(port, REQUEST_PATH, &msg, &answer), 200);
	granted_read(&granted, &r, &msg, &answer);
	kill(pid, SIGTERM);
	end(p, pid);
	assert_int_equal(outcome.status, 0);
	assert_non_null(strstr(outcome.err, "stopping"));
	assert_non_null(strstr(outcome.err, "psk=alice-psk from=" ALICE));

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

static void cannot_serve(void **state)
{
	struct place *p = *state;
	unsigned int port;
	char text[256];
	pid_t pid;

	place_write(p, "c2", "store = \"store\";\nstore-key = \"key\";\n"
		    "listen = \"127.0.0.1:0\";\n");
	assert_run(p, "--config c2 serve", 1, "", "\"identity\" is missing");
	place_write(p, "c2", "store = \"store\";\n\nskew = \"x\";\n");
	assert_run(p, "--config c2 serve", 1, "", "c2:3: ");
	pid = begin(p, "--config conf serve", NULL);
	port = wait_ready(p);
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

	slurp(p, name, text);
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
	run(p, "--config conf user add --uid " ALICE " --psk-id alice-psk --psk-out a");
	run(p, "--config conf user add --uid " BOB " --psk-id bob-psk --psk-out b");
	read_key(p, "a", h->mem.users[0].psk.key);
	read_key(p, "b", h->mem.users[1].psk.key);
	read_key(p, "key", store_key);
	h->world.now = time(NULL);
	pid = begin(p, "--config conf serve", NULL);
	port = wait_ready(p);
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
	kill(pid, SIGTERM);
	end(p, pid);
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
	int answered;			/* how many got REQUEST_RESP */
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

/*
 * Killed in the middle of everything: the store is whole, and no request that
 * was answered is answered again.
 */
static void killed_under_load(void **state)
{
	static struct kms_answer answer;
	struct timespec pause = { .tv_nsec = 250000000 };
	struct loader loaders[LOADERS] = { 0 };
	struct place *p = *state;
	int total = 0, i, k;
	sqlite3_stmt *check;
	unsigned int port;
	struct house *h;
	void *house;
	sqlite3 *db;
	pid_t pid;

	house_setup(&house);
	h = house;
	add_alice(p, h);
	pid = begin(p, "--config conf serve", NULL);
	port = wait_ready(p);
	for (i = 0; i < LOADERS; i++) {
		loaders[i].port = port;
		loaders[i].msgs = calloc(LOAD_EACH, sizeof(*loaders[i].msgs));
		for (k = 0; k < LOAD_EACH; k++)
			new_request(h, &loaders[i].msgs[k]);
	}
	for (i = 0; i < LOADERS; i++)
		pthread_create(&loaders[i].thread, NULL, load_run, &loaders[i]);
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

	assert_int_equal(sqlite3_open(place_file(p, "store"), &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &check, NULL),
			 SQLITE_OK);
	assert_int_equal(sqlite3_step(check), SQLITE_ROW);
	assert_string_equal((const char *)sqlite3_column_text(check, 0), "ok");
	sqlite3_finalize(check);
	sqlite3_close(db);
	assert_run(p, "--config conf user show " ALICE, 0, ALICE, "");

	unlink(place_file(p, "err"));
	pid = begin(p, "--config conf serve", NULL);
	port = wait_ready(p);
	for (i = 0; i < LOADERS; i++) {
		for (k = 0; k < loaders[i].answered; k++) {
			assert_int_equal(mikey_post(port, REQUEST_PATH,
						    &loaders[i].msgs[k], &answer), 200);
			assert_int_equal(answer.error_no, MIKEY_ERR_INVALID_TS);
		}
		free(loaders[i].msgs);
	}
	kill(pid, SIGTERM);
	end(p, pid);
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
		unlink(place_file(p, "err"));
		pids[i] = begin(p, "--config conf serve", NULL);
		ports[i] = wait_ready(p);
		new_request(h, &msgs[i]);
	}
	for (i = 0; i < 2; i++) {
		mikey_post(ports[i], REQUEST_PATH, &msgs[i], &answer);
		assert_int_equal(answer.error_no, -1);
		mikey_post(ports[!i], REQUEST_PATH, &msgs[i], &answer);
		assert_int_equal(answer.error_no, MIKEY_ERR_INVALID_TS);
	}
	for (i = 0; i < 2; i++) {
		kill(pids[i], SIGTERM);
		end(p, pids[i]);
		assert_int_equal(outcome.status, 0);
	}
	house_teardown(&house);
}

#define AT_PLACE(test) \
	cmocka_unit_test_setup_teardown(test, setup, place_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		AT_PLACE(usage),
		AT_PLACE(init_fails_cleanly),
		AT_PLACE(init_hands_over),
		AT_PLACE(users),
		AT_PLACE(groups_and_tpks),
		AT_PLACE(stopped),
		AT_PLACE(cannot_serve),
		AT_PLACE(wiped),
		AT_PLACE(killed_under_load),
		AT_PLACE(served_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
