// SPDX-License-Identifier: GPL-2.0-or-later
/* The record of delivered messages: across processes, bounded, on a bad disk. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "helper/mikeyd/record.h"
#include "helper/mikeyd/state.h"

#define DAY 1700000000

/* the test's own folder; in it mikeyd's, and what is on the disk of it */
static char top[64], dir[80], disk[80];
static struct config config;
static struct config_user limits;
static struct record *record;
static struct problem problem;

/* That a file was deleted is on the disk when its folder was synced. */
static void forget_journal(void)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/delivered.db-journal", dir);
	if (!access(path, F_OK))
		return;
	snprintf(path, sizeof(path), "%s/delivered.db-journal", disk);
	unlink(path);
}

/*
 * A disk that has what was waited for and nothing else: each time a file is
 * synced its contents go to the folder that is named in disk.
 */
static void to_disk(int fd)
{
	char link[64], from[128] = "", to[256], bytes[4096];
	off_t at = 0;
	ssize_t len;
	int out;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	if (!disk[0] || readlink(link, from, sizeof(from) - 1) < 0)
		return;
	if (!strcmp(from, dir)) {
		forget_journal();
		return;
	}
	if (!strstr(from, "delivered.db"))
		return;
	snprintf(to, sizeof(to), "%s%s", disk, strrchr(from, '/'));
	out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(out >= 0);
	while ((len = pread(fd, bytes, sizeof(bytes), at)) > 0) {
		assert_int_equal(write(out, bytes, len), len);
		at += len;
	}
	close(out);
}

/* in place of the C library's, for SQLite too */
int fsync(int fd)
{
	to_disk(fd);
	return syscall(SYS_fsync, fd);
}

int fdatasync(int fd)
{
	to_disk(fd);
	return syscall(SYS_fdatasync, fd);
}

static void unlink_record(void)
{
	static const char * const files[] = { "delivered.db", "delivered.db-wal" };
	char path[128];

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, files[i]);
		unlink(path);
	}
}

static int open_at(struct record **out, bool only_check)
{
	char path[STATE_PATH_MAX];

	*out = NULL;
	return state_of_user(path, &config, &limits, &problem) ?:
		record_open(out, path, &limits, only_check, &problem);
}

static void open_record(void)
{
	if (open_at(&record, false))
		fail_msg("%s", problem.words);
}

static void open_again(void)
{
	record_close(record);
	open_record();
}

static int make_dir(void **state)
{
	(void)state;
	strcpy(top, "/tmp/mikeyd-record-XXXXXX");
	assert_non_null(mkdtemp(top));
	snprintf(dir, sizeof(dir), "%s/state", top);
	disk[0] = '\0';
	memset(&config, 0, sizeof(config));
	memset(&limits, 0, sizeof(limits));
	limits.name = "";
	config.state_dir = dir;
	limits.replay_sender = 3;
	limits.replay_total = 8;
	open_record();
	return 0;
}

static int remove_dir(void **state)
{
	char command[128];

	(void)state;
	record_close(record);
	record = NULL;
	snprintf(command, sizeof(command), "rm -r %s", top);
	return system(command);
}

static struct uid name_of(const char *text)
{
	struct uid uid = { .len = strlen(text) };

	memcpy(uid.text, text, uid.len);
	return uid;
}

static struct ticket_mac mac_of(uint8_t number)
{
	struct ticket_mac mac = { .data = { number, 0, number }, .len = 32 };

	return mac;
}

/* The result, and the code if it was there. */
static int put(const char *name, uint8_t number, int64_t sent, uint16_t *code)
{
	struct uid sender = name_of(name);
	struct ticket_mac mac = mac_of(number);

	return record_begin(record, &sender, &mac, sent, code, &problem);
}

static void answer(const char *name, uint8_t number, uint16_t code)
{
	struct uid sender = name_of(name);
	struct ticket_mac mac = mac_of(number);

	record_answer(record, &sender, &mac, code);
}

static uint16_t find(const char *name, uint8_t number)
{
	struct uid sender = name_of(name);
	struct ticket_mac mac = mac_of(number);

	return record_find(record, &sender, &mac);
}

static void is_new(const char *name, uint8_t number, int64_t sent)
{
	uint16_t code;

	assert_int_equal(put(name, number, sent, &code), 0);
}

static void was_there(const char *name, uint8_t number, int64_t sent, uint16_t answered)
{
	uint16_t code;

	assert_int_equal(put(name, number, sent, &code), -EALREADY);
	assert_int_equal(code, answered);
}

static void too_old(const char *name, uint8_t number, int64_t sent)
{
	uint16_t code;

	assert_int_equal(put(name, number, sent, &code), -ESTALE);
}

static void told_apart(void **state)
{
	(void)state;
	is_new("alice", 1, DAY);
	is_new("alice", 2, DAY);
	is_new("bob", 1, DAY);
	was_there("alice", 1, DAY, 0);
	answer("alice", 1, 200);
	was_there("alice", 1, DAY, 200);
	was_there("alice", 1, DAY + 5, 200);
	was_there("bob", 1, DAY, 0);
	assert_int_equal(find("alice", 1), 200);
	assert_int_equal(find("alice", 2), 0);
	assert_int_equal(find("carol", 1), 0);
	open_again();
	was_there("alice", 1, DAY, 200);
	was_there("alice", 2, DAY, 0);
	was_there("bob", 1, DAY, 0);
}

/* Of several contacts the one that took it counts. */
static void who_took_it_counts(void **state)
{
	(void)state;
	is_new("alice", 1, DAY);
	answer("alice", 1, 480);
	assert_int_equal(find("alice", 1), 480);
	answer("alice", 1, 202);
	answer("alice", 1, 603);
	assert_int_equal(find("alice", 1), 202);
}

/* Full: only what is newer than the oldest gets in, and evicts it. */
static void a_senders_share(void **state)
{
	(void)state;
	is_new("alice", 1, DAY + 10);
	is_new("alice", 2, DAY + 20);
	is_new("alice", 3, DAY + 30);
	too_old("alice", 4, DAY + 9);
	too_old("alice", 4, DAY + 10);
	was_there("alice", 1, DAY + 10, 0);	/* refused ones cost nothing */
	is_new("alice", 4, DAY + 15);		/* late, and takes the first one's place */
	too_old("alice", 1, DAY + 10);
	too_old("alice", 5, DAY + 10);
	was_there("alice", 2, DAY + 20, 0);
	open_again();
	too_old("alice", 1, DAY + 10);
	was_there("alice", 4, DAY + 15, 0);
	is_new("alice", 5, DAY + 16);
	too_old("alice", 4, DAY + 15);
	is_new("bob", 1, DAY);			/* another sender's is another floor */
}

/* Everything is full: the sender that was silent longest goes, to a floor. */
static void the_common_share(void **state)
{
	(void)state;
	is_new("alice", 1, DAY + 10);		/* 2: sender and message */
	is_new("alice", 2, DAY + 40);		/* 3 */
	is_new("bob", 1, DAY + 20);		/* 5 */
	is_new("carol", 1, DAY + 30);		/* 7 */
	is_new("alice", 3, DAY + 15);		/* 8: heard again */
	is_new("dave", 1, DAY + 5);		/* bob goes */
	too_old("bob", 1, DAY + 20);
	too_old("bob", 2, DAY + 19);
	too_old("erin", 1, DAY + 20);		/* who is not known here is not above him */
	was_there("alice", 1, DAY + 10, 0);
	was_there("carol", 1, DAY + 30, 0);
	open_again();
	too_old("erin", 1, DAY + 20);
	is_new("erin", 1, DAY + 21);		/* carol goes */
	too_old("carol", 1, DAY + 30);
	was_there("alice", 2, DAY + 40, 0);
}

/* A configuration with smaller numbers than the one before. */
static void shares_that_shrink(void **state)
{
	(void)state;
	for (int i = 1; i <= 3; i++)
		is_new("alice", i, DAY + i);
	limits.replay_sender = 1;
	limits.replay_total = 2;
	open_again();
	is_new("alice", 4, DAY + 4);
	for (int i = 1; i <= 3; i++)
		too_old("alice", i, DAY + i);
	was_there("alice", 4, DAY + 4, 0);
	is_new("bob", 1, DAY + 9);
	too_old("alice", 4, DAY + 4);
}

/* SIGKILL at once after it was put down: it is there, without an answer. */
static void killed(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	record_close(record);
	record = NULL;
	pid = fork();
	if (!pid) {
		uint16_t code;

		if (open_at(&record, false) ||
		    put("alice", 1, DAY, &code))
			_exit(1);
		answer("alice", 1, 200);
		if (!put("alice", 2, DAY, &code))
			raise(SIGKILL);
		_exit(2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	open_record();
	was_there("alice", 1, DAY, 200);
	was_there("alice", 2, DAY, 0);
}

/* A message is on the disk before it is delivered; the answer may follow later. */
static void power_cut(void **state)
{
	(void)state;
	record_close(record);
	snprintf(disk, sizeof(disk), "%s/disk", top);
	assert_int_equal(mkdir(disk, 0700), 0);
	unlink_record();
	open_record();
	is_new("alice", 1, DAY);
	answer("alice", 1, 200);
	is_new("alice", 2, DAY);	/* brings the answer along */
	answer("alice", 2, 200);
	is_new("bob", 1, DAY);
	answer("bob", 1, 200);
	/* the machine is gone: what counts is what was synced */
	strcpy(dir, disk);
	disk[0] = '\0';
	record_close(record);
	open_record();
	was_there("alice", 1, DAY, 200);
	was_there("alice", 2, DAY, 200);
	was_there("bob", 1, DAY, 0);
	is_new("bob", 2, DAY);
}

static void one_mikeyd_at_a_time(void **state)
{
	struct record *other;

	(void)state;
	assert_int_equal(open_at(&other, false), -EBUSY);
	assert_null(other);
	assert_non_null(strstr(problem.words, "another mikeyd"));
	/* mikeyd --check beside the one that serves */
	assert_int_equal(open_at(&other, true), 0);
	record_close(other);
	is_new("alice", 1, DAY);
}

static void disk_that_takes_nothing(void **state)
{
	struct rlimit limit, none;
	uint16_t code;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	none = limit;
	none.rlim_cur = 0;
	is_new("alice", 1, DAY);
	assert_int_equal(record_ready(record, &problem), 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	assert_int_equal(put("alice", 2, DAY, &code), -EIO);
	assert_non_null(strstr(problem.words, "the record of delivered messages: "));
	assert_int_equal(record_ready(record, &problem), -EIO);
	answer("alice", 1, 200);		/* said in the log, no more */
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	assert_int_equal(record_ready(record, &problem), 0);
	was_there("alice", 1, DAY, 0);
	is_new("alice", 2, DAY);		/* nothing of the failed one is left */
	open_again();
	was_there("alice", 2, DAY, 0);
}

static void write_file(const char *name, const char *text)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void no_database(void **state)
{
	(void)state;
	record_close(record);
	write_file("delivered.db", "this is no database\n"
		   "and long enough to be seen to be none, in two lines\n");
	assert_int_equal(open_at(&record, false), -EUCLEAN);
	assert_null(record);
	assert_non_null(strstr(problem.words, "delivered.db is damaged"));
	write_file("delivered.db", "");
	open_record();
	is_new("alice", 1, DAY);
}

static void where_it_lies(void **state)
{
	struct stat st;
	char path[128];

	(void)state;
	snprintf(path, sizeof(path), "%s/delivered.db", dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	record_close(record);

	/* without the setting: systemd's, else the user's */
	config.state_dir = NULL;
	snprintf(path, sizeof(path), "%s/of/systemd:/other", dir);
	setenv("STATE_DIRECTORY", path, 1);
	open_record();
	record_close(record);
	snprintf(path, sizeof(path), "%s/of/systemd/delivered.db", dir);
	assert_int_equal(stat(path, &st), 0);
	*strrchr(path, '/') = '\0';
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	unsetenv("STATE_DIRECTORY");
	setenv("XDG_STATE_HOME", dir, 1);
	open_record();
	record_close(record);
	snprintf(path, sizeof(path), "%s/mikeyd/delivered.db", dir);
	assert_int_equal(stat(path, &st), 0);
	unsetenv("XDG_STATE_HOME");
	setenv("HOME", dir, 1);
	open_record();
	record_close(record);
	snprintf(path, sizeof(path), "%s/.local/state/mikeyd/delivered.db", dir);
	assert_int_equal(stat(path, &st), 0);
	unsetenv("HOME");
	assert_int_equal(open_at(&record, false), -EINVAL);
	assert_non_null(strstr(problem.words, "state-dir is missing"));
	config.state_dir = "/dev/null/x";
	assert_int_equal(open_at(&record, false), -ENOTDIR);
	assert_null(record);
	config.state_dir = dir;
	open_record();
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, make_dir, remove_dir)
	const struct CMUnitTest tests[] = {
		EACH(told_apart),
		EACH(who_took_it_counts),
		EACH(a_senders_share),
		EACH(the_common_share),
		EACH(shares_that_shrink),
		EACH(killed),
		EACH(power_cut),
		EACH(one_mikeyd_at_a_time),
		EACH(disk_that_takes_nothing),
		EACH(no_database),
		EACH(where_it_lies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
