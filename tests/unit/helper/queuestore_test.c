// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The queue on the disk: killed at each of its writes, on a disk that is full,
 * on machines that were started again, with clocks that jump.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "helper/mikeyd/queueclock.h"
#include "helper/mikeyd/queuestore.h"

#define DAY 86400

static char dir[64];
static struct queue_store *store;
static struct queue_limits limits;
static struct problem problem;

/* ---- doubles: the clocks, and the C library's writes, for SQLite too */

static int64_t boot_now, wall_now;
static const char *boot_id;

int64_t queue_clock_boot(void)
{
	return boot_now;
}

int64_t queue_clock_wall(void)
{
	return wall_now;
}

void queue_clock_boot_id(char id[QUEUE_BOOT_SIZE])
{
	snprintf(id, QUEUE_BOOT_SIZE, "%s", boot_id);
}

static unsigned int writes, die_at;	/* die_at 0: never */
static bool no_space;

static void written(void)
{
	if (++writes == die_at)
		raise(SIGKILL);
}

/* Half of it is there when it dies, at every other write. */
ssize_t pwrite64(int fd, const void *data, size_t len, off64_t at)
{
	if (no_space) {
		errno = ENOSPC;
		return -1;
	}
	if (die_at && writes + 1 == die_at && die_at % 2)
		syscall(SYS_pwrite64, fd, data, len / 2, at);
	written();
	return syscall(SYS_pwrite64, fd, data, len, at);
}

ssize_t pwrite(int fd, const void *data, size_t len, off_t at)
{
	return pwrite64(fd, data, len, at);
}

int fsync(int fd)
{
	written();
	return syscall(SYS_fsync, fd);
}

int fdatasync(int fd)
{
	written();
	return syscall(SYS_fdatasync, fd);
}

int ftruncate64(int fd, off64_t len)
{
	written();
	return syscall(SYS_ftruncate, fd, len);
}

int unlink(const char *path)
{
	written();
	return syscall(SYS_unlink, path);
}

/* ---- */

static void open_store(void)
{
	if (queue_store_open(&store, dir, true, &problem))
		fail_msg("%s", problem.words);
}

static void open_again(void)
{
	queue_store_close(store);
	open_store();
}

static int make_dir(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/mikeyd-queue-XXXXXX");
	assert_non_null(mkdtemp(dir));
	limits = (struct queue_limits){ .messages = 6, .recipient = 4, .bytes = 1 << 20 };
	boot_now = 1000;
	wall_now = 1700000000;
	boot_id = "first";
	writes = 0;
	die_at = 0;
	no_space = false;
	open_store();
	return 0;
}

static int remove_dir(void **state)
{
	char command[128];

	(void)state;
	queue_store_close(store);
	store = NULL;
	snprintf(command, sizeof(command), "rm -r %s", dir);
	return system(command);
}

static struct uid name_of(const char *text)
{
	struct uid uid = { .len = strlen(text) };

	memcpy(uid.text, text, uid.len);
	return uid;
}

static const char *key_of(const char *body)
{
	static char key[80];

	snprintf(key, sizeof(key), "key of %.40s", body);
	return key;
}

/* Put one down; its id, or the error. */
static int64_t put(const char *recipient, const char *body, int64_t lifetime)
{
	struct queue_item item = {
		.sender = name_of("alice"),
		.recipient = name_of(recipient),
		.uri = "sip:bob@example.test",
		.branch = "z9hG4bKabc",
		.head = "X: y\r\n",
		.head_len = 6,
		.body = (char *)body,
		.body_len = strlen(body),
		.lifetime = lifetime,
		.words = "away",
	};
	int err = queue_store_put(store, &limits, &item, key_of(body), &problem);

	return err ?: item.id;
}

static int64_t wait_for(const char *recipient, const char *body)
{
	int64_t id = put(recipient, body, DAY);

	if (id <= 0)
		fail_msg("%s", problem.words);
	return id;
}

static bool first(const char *recipient, struct queue_item *item)
{
	struct uid uid = name_of(recipient);
	int err = queue_store_first(store, &uid, item, &problem);

	if (err && err != -ENOENT)
		fail_msg("%s", problem.words);
	return !err;
}

static void first_is(const char *recipient, const char *body)
{
	struct queue_item item;

	if (!first(recipient, &item))
		fail_msg("nothing waits for %s", recipient);
	assert_string_equal(item.body, body);
	assert_int_equal(item.body_len, strlen(body));
	queue_item_wipe(&item);
}

static void nothing_for(const char *recipient)
{
	struct queue_item item;

	assert_false(first(recipient, &item));
}

static void delivered(int64_t id)
{
	assert_int_equal(queue_store_end(store, id, true, 200, "", &problem), 0);
}

static void order_of_each(void **state)
{
	struct queue_item item;
	int64_t a, b;

	(void)state;
	a = wait_for("bob", "one");
	wait_for("carol", "uno");
	b = wait_for("bob", "two");
	assert_true(b > a);
	open_again();
	first_is("bob", "one");
	first_is("carol", "uno");
	assert_true(first("bob", &item));
	assert_int_equal(item.id, a);
	assert_string_equal(item.sender.text, "alice");
	assert_string_equal(item.recipient.text, "bob");
	assert_string_equal(item.uri, "sip:bob@example.test");
	assert_string_equal(item.branch, "z9hG4bKabc");
	assert_string_equal(item.head, "X: y\r\n");
	assert_string_equal(item.words, "away");
	assert_int_equal(item.attempts, 0);
	assert_int_equal(item.doubt, -1);
	assert_false(item.unsure);
	/* a failed attempt changes nothing in the order */
	item.doubt = 7;
	item.code = 404;
	assert_int_equal(queue_store_begin(store, a, &problem), 0);
	assert_int_equal(queue_store_again(store, &item, &problem), 0);
	queue_item_wipe(&item);
	assert_true(first("bob", &item));
	assert_int_equal(item.id, a);
	assert_int_equal(item.attempts, 1);
	assert_int_equal(item.doubt, 7);
	assert_int_equal(item.code, 404);
	assert_false(item.unsure);
	queue_item_wipe(&item);
	delivered(a);
	first_is("bob", "two");
	delivered(b);
	nothing_for("bob");
	first_is("carol", "uno");
	/* a number is not given twice: branches are made of them */
	assert_true(wait_for("bob", "three") > b);
}

/* An attempt that was under way when mikeyd ended may have got there. */
static void under_way(void **state)
{
	struct queue_item item;
	int64_t id = wait_for("bob", "one");

	(void)state;
	assert_int_equal(queue_store_begin(store, id, &problem), 0);
	open_again();
	assert_true(first("bob", &item));
	assert_true(item.unsure);
	assert_int_equal(item.attempts, 0);	/* so it has the same branch */
	queue_item_wipe(&item);
	assert_int_equal(queue_store_begin(store, id, &problem), 0);
	assert_true(first("bob", &item));
	assert_int_equal(queue_store_again(store, &item, &problem), 0);
	queue_item_wipe(&item);
	assert_true(first("bob", &item));
	assert_true(item.unsure);
	queue_item_wipe(&item);
}

static void refused(const char *recipient, const char *body, const char *words)
{
	assert_int_equal(put(recipient, body, DAY), -ENOSPC);
	if (!strstr(problem.words, words))
		fail_msg("\"%s\" is not in \"%s\"", words, problem.words);
}

static void bounds(void **state)
{
	char large[4096];

	(void)state;
	for (int i = 0; i < 4; i++)
		wait_for("bob", "x");
	refused("bob", "x", "4 messages wait for bob");
	wait_for("carol", "x");
	wait_for("carol", "y");
	refused("carol", "z", "6 messages wait");
	limits.messages = 100;
	limits.bytes = 4096 + 6 * 600;
	memset(large, 'x', sizeof(large) - 1);
	large[sizeof(large) - 1] = '\0';
	refused("dave", large, "bytes wait already");
	wait_for("dave", "small");
	assert_false(queue_store_has(store, "key of z"));
}

/* The client repeats what was answered with 202. */
static void repeats(void **state)
{
	int64_t id = wait_for("bob", "one");

	(void)state;
	open_again();
	assert_true(queue_store_has(store, "key of one"));
	assert_false(queue_store_has(store, "key of two"));
	delivered(id);
	assert_true(queue_store_has(store, "key of one"));
	boot_now += 65;
	wait_for("bob", "two");
	assert_false(queue_store_has(store, "key of one"));
	assert_true(queue_store_has(store, "key of two"));
}

static const char *next_expired(void)
{
	static char body[64];
	struct queue_item item;
	int err = queue_store_expired(store, &item, &problem);

	if (err == -ENOENT)
		return NULL;
	assert_int_equal(err, 0);
	snprintf(body, sizeof(body), "%lld", (long long)item.lifetime);
	assert_int_equal(queue_store_end(store, item.id, false, 503, "it expired", &problem), 0);
	queue_item_wipe(&item);
	return body;
}

static void clock_jumps(void **state)
{
	struct queue_item item;

	(void)state;
	put("bob", "short", 100);
	put("bob", "long", 1000);
	/* whatever is done to the wall clock while the machine runs */
	wall_now += 10 * 365 * DAY;
	assert_null(next_expired());
	wall_now = 0;
	open_again();
	assert_null(next_expired());
	boot_now += 99;
	assert_null(next_expired());
	boot_now += 1;
	assert_string_equal(next_expired(), "100");
	assert_null(next_expired());
	first_is("bob", "long");

	/* started again, first without the time of day: it does not expire yet */
	boot_id = "second";
	boot_now = 10;
	wall_now = 0;
	open_again();
	assert_null(next_expired());
	assert_true(first("bob", &item));
	assert_false(item.settled);
	assert_int_equal(item.age, 0);
	queue_item_wipe(&item);
	wall_now = 1700000000 + 5000;
	assert_null(next_expired());
	/* and after a while by what the clock says then */
	wall_now = 1700000000 + 600;
	assert_int_equal(queue_store_settle(store, &problem), 0);
	assert_true(first("bob", &item));
	assert_true(item.settled);
	assert_int_equal(item.age, 600);
	queue_item_wipe(&item);
	boot_now += 400;
	assert_string_equal(next_expired(), "1000");
}

static unsigned int failures;

static void count_failed(const struct queue_failed *failed, void *arg)
{
	(void)arg;
	failures++;
	assert_string_equal(failed->recipient.text, "bob");
	assert_string_equal(failed->words, "403 Forbidden");
	assert_int_equal(failed->code, 403);
	assert_int_equal(failed->queued, wall_now - 5);
	assert_int_equal(failed->ended, wall_now);
}

static void failures_are_remembered(void **state)
{
	int64_t id;

	(void)state;
	for (int i = 0; i < QUEUE_FAILED_MAX + 3; i++) {
		id = wait_for("bob", "x");
		wall_now += 5;
		assert_int_equal(queue_store_end(store, id, false, 403, "403 Forbidden",
						 &problem), 0);
		wall_now -= 5;
	}
	delivered(wait_for("bob", "fine"));
	wall_now += 5;
	failures = 0;
	assert_int_equal(queue_store_each_failed(store, count_failed, NULL, &problem), 0);
	assert_int_equal(failures, QUEUE_FAILED_MAX);
}

static void poked_from_elsewhere(void **state)
{
	struct queue_store *other;

	(void)state;
	wait_for("bob", "one");
	assert_false(queue_store_poked(store));
	assert_int_equal(queue_store_open(&other, dir, false, &problem), 0);
	assert_int_equal(queue_store_poke(other, &problem), 0);
	queue_store_close(other);
	assert_true(queue_store_poked(store));
	assert_false(queue_store_poked(store));
	assert_false(queue_store_challenged(store));
	queue_store_set_challenged(store, true);
	open_again();
	assert_true(queue_store_challenged(store));
}

static void disk_full(void **state)
{
	struct queue_item item;
	int64_t id = wait_for("bob", "one");

	(void)state;
	no_space = true;
	assert_int_equal(put("bob", "two", DAY), -EIO);
	assert_string_equal(problem.words, "the queue: the disk is full");
	assert_int_equal(queue_store_begin(store, id, &problem), -EIO);
	assert_int_equal(queue_store_end(store, id, true, 200, "", &problem), -EIO);
	first_is("bob", "one");
	no_space = false;
	first_is("bob", "one");
	wait_for("bob", "two");
	delivered(id);
	first_is("bob", "two");
	open_again();
	first_is("bob", "two");
	assert_true(first("bob", &item));
	assert_false(item.unsure);
	queue_item_wipe(&item);
	assert_false(queue_store_has(store, "key of nothing"));
}

/*
 * The life of three messages, and what is known of it outside: each step is told
 * when it is done. A large body spans several pages.
 */
enum step { PUT_ONE = 1, PUT_TWO, BEGUN, AGAIN, PUT_OTHER, BEGUN_2, ENDED, FAILED_2, STEPS };

static char large_body[20000];

static void live(int told)
{
	struct queue_item item;
	int64_t one, two;

#define STEP(step, what) do {			\
	char done = step;			\
	if (!(what))				\
		_exit(3);			\
	if (write(told, &done, 1) != 1)		\
		_exit(4);			\
} while (0)
	STEP(PUT_ONE, (one = put("bob", large_body, DAY)) > 0);
	STEP(PUT_TWO, (two = put("bob", "two", DAY)) > 0);
	STEP(BEGUN, !queue_store_begin(store, one, &problem));
	if (!first("bob", &item))
		_exit(5);
	STEP(AGAIN, !queue_store_again(store, &item, &problem));
	STEP(PUT_OTHER, put("carol", "uno", DAY) > 0);
	STEP(BEGUN_2, !queue_store_begin(store, one, &problem));
	STEP(ENDED, !queue_store_end(store, one, true, 200, "", &problem));
	STEP(FAILED_2, !queue_store_end(store, two, false, 403, "no", &problem));
#undef STEP
	_exit(0);
}

/* Run it, killed at its nth write; the last step that it told, and how it ended. */
static int killed_at(unsigned int n, bool *killed)
{
	int told[2], status, last = 0;
	char step;
	pid_t pid;

	assert_int_equal(pipe(told), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		close(told[0]);
		writes = 0;
		die_at = n;
		if (queue_store_open(&store, dir, true, &problem))
			_exit(2);
		live(told[1]);
	}
	close(told[1]);
	while (read(told[0], &step, 1) == 1)
		last = step;
	close(told[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	*killed = WIFSIGNALED(status);
	if (!*killed)
		assert_int_equal(WEXITSTATUS(status), 0);
	return last;
}

static void empty_dir(void)
{
	char command[128];

	queue_store_close(store);
	store = NULL;
	snprintf(command, sizeof(command), "rm -f %s/*", dir);
	assert_int_equal(system(command), 0);
}

/* What was told is there, and what was not is there whole or not at all. */
static void holds(int last)
{
	struct queue_item item;
	bool there;

	open_store();
	there = first("bob", &item);
	if (last < PUT_ONE) {
		/* a repeat of the client's is known exactly if the message is there */
		assert_int_equal(queue_store_has(store, key_of(large_body)), there);
		if (there)
			assert_string_equal(item.body, large_body);
	} else if (last < BEGUN_2 || (last < ENDED && there && item.body_len > 3)) {
		assert_true(there);
		assert_string_equal(item.body, large_body);
		assert_int_equal(item.body_len, strlen(large_body));
		if (last == BEGUN && !item.attempts)
			assert_true(item.unsure);
		if (last >= AGAIN)
			assert_int_equal(item.attempts, 1);
		if (last == BEGUN_2)
			assert_true(item.unsure);
	} else if (last < FAILED_2 && there) {
		assert_string_equal(item.body, "two");
	} else {
		assert_true(last >= ENDED);	/* the one whose end was not told yet */
		assert_false(there);
	}
	if (there)
		queue_item_wipe(&item);
	if (last >= PUT_TWO)
		assert_true(queue_store_has(store, key_of("two")));
	if (last >= PUT_OTHER)
		first_is("carol", "uno");
	/* and it goes on */
	wait_for("dave", "later");
	first_is("dave", "later");
}

static void killed_at_each_write(void **state)
{
	bool killed = true;
	unsigned int n;
	int last;

	(void)state;
	memset(large_body, 'x', sizeof(large_body) - 1);
	for (n = 1; killed; n++) {
		empty_dir();
		last = killed_at(n, &killed);
		holds(last);
		assert_true(n < 1000);
	}
	/* the whole of it was run through, and was not over at once */
	assert_int_equal(last, FAILED_2);
	assert_true(n > 20);
}

static void no_database(void **state)
{
	struct queue_store *other;
	char path[128];
	struct stat st;
	FILE *file;

	(void)state;
	snprintf(path, sizeof(path), "%s/queue.db", dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	empty_dir();
	assert_int_equal(queue_store_open(&other, dir, false, &problem), -ENOENT);
	assert_null(other);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs("this is no database\nand long enough to be seen to be none, in two lines\n",
	      file);
	fclose(file);
	assert_int_equal(queue_store_open(&other, dir, true, &problem), -EUCLEAN);
	assert_non_null(strstr(problem.words, "queue.db is damaged"));
	empty_dir();
	open_store();
	wait_for("bob", "one");
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, make_dir, remove_dir)
	const struct CMUnitTest tests[] = {
		EACH(order_of_each),
		EACH(under_way),
		EACH(bounds),
		EACH(repeats),
		EACH(clock_jumps),
		EACH(failures_are_remembered),
		EACH(poked_from_elsewhere),
		EACH(disk_full),
		EACH(killed_at_each_write),
		EACH(no_database),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
