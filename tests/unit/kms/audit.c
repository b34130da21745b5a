// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The audit trail: what verify says of every way to damage one, what a writer
 * makes of a damaged end, several writers, and a disk that is full.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "helper/kms/audit_verify.h"
#include "helper/kms/audit_record.h"
#include "tests/unit/kms/run.h"

#define SEGMENT "trail/00000001.jsonl"
#define LINES 6
#define TEXT_MAX 65536

struct found {
	char words[4096];
	unsigned int notes;
	unsigned int lines;
};

static struct found found;
static struct kms_audit_result result;
static struct problem problem;

static void on_line(const struct kms_audit_line *line, void *arg)
{
	(void)line;
	(void)arg;
	found.lines++;
}

static void on_finding(const char *where, const char *what, bool fault, void *arg)
{
	size_t at = strlen(found.words);

	(void)arg;
	found.notes += !fault;
	snprintf(found.words + at, sizeof(found.words) - at, "%s %s\n", where, what);
}

static struct kms_audit *open_trail(struct place *p, s64 segment_max)
{
	struct kms_audit_settings settings = {
		.directory = place_file(p, "trail"),
		.segment_max = segment_max,
	};
	struct kms_audit *a = kms_audit_open(&settings, &problem);

	if (!a)
		fail_msg("%s", problem.words);
	return a;
}

static void write_lines(struct place *p, s64 segment_max, unsigned int num)
{
	struct kms_audit *a = open_trail(p, segment_max);
	char members[64];

	while (num--) {
		snprintf(members, sizeof(members), "\"event\":\"test\",\"left\":%u", num);
		if (kms_audit_write(a, members, strlen(members), &problem))
			fail_msg("%s", problem.words);
	}
	kms_audit_close(a);
}

static void verify(struct place *p, const struct kms_audit_anchor *anchor)
{
	static const struct kms_audit_reader reader = { on_line, on_finding, NULL };

	memset(&found, 0, sizeof(found));
	if (kms_audit_verify(place_file(p, "trail"), anchor, &reader, &result, &problem))
		fail_msg("%s", problem.words);
}

/* @words has to be found, and so many faults and notes. */
static void assert_found(struct place *p, unsigned int faults, unsigned int notes,
			 const char *words)
{
	verify(p, NULL);
	if (result.faults != faults || found.notes != notes || !strstr(found.words, words))
		fail_msg("wanted %u faults, %u notes, \"%s\"; %llu and %u: %s", faults,
			 notes, words, (unsigned long long)result.faults, found.notes,
			 found.words);
}

static size_t read_segment(struct place *p, char *text)
{
	FILE *f = fopen(place_file(p, SEGMENT), "r");
	size_t n;

	assert_non_null(f);
	n = fread(text, 1, TEXT_MAX - 1, f);
	text[n] = '\0';
	fclose(f);
	return n;
}

static void write_segment(struct place *p, const char *text, size_t len)
{
	FILE *f = fopen(place_file(p, SEGMENT), "w");

	assert_non_null(f);
	fwrite(text, len, 1, f);
	fclose(f);
}

/* Where line @number, from 1, begins; that after the last is the end. */
static char *line_at(char *text, unsigned int number)
{
	while (--number)
		text = strchr(text, '\n') + 1;
	return text;
}

static void holds(void **state)
{
	struct place *p = *state;

	write_lines(p, 1 << 20, LINES);
	assert_found(p, 0, 0, "");
	assert_int_equal(result.first, 1);
	assert_int_equal(result.last, LINES);
	assert_int_equal(found.lines, LINES);
	write_lines(p, 1 << 20, 2);
	assert_found(p, 0, 0, "");
	assert_int_equal(result.last, LINES + 2);
}

/* Every byte of a trail is one that must not be another. */
static void altered(void **state)
{
	static char text[TEXT_MAX];
	struct place *p = *state;
	size_t len, i;

	write_lines(p, 1 << 20, 3);
	len = read_segment(p, text);
	for (i = 0; i < len; i++) {
		text[i] ^= 1;
		write_segment(p, text, len);
		text[i] ^= 1;
		verify(p, NULL);
		if (!result.faults)
			fail_msg("byte %zu is another one, unseen", i);
	}
	*strstr(line_at(text, 2), "left") = 'L';
	write_segment(p, text, len);
	assert_found(p, 1, 0, "00000001.jsonl:2 line 2 was changed");
}

static void removed(void **state)
{
	static char text[TEXT_MAX], rest[TEXT_MAX];
	struct place *p = *state;
	size_t len;

	write_lines(p, 1 << 20, LINES);
	len = read_segment(p, text);
	memcpy(rest, text, len + 1);
	strcpy(line_at(text, 3), line_at(rest, 5));
	write_segment(p, text, strlen(text));
	assert_found(p, 1, 0, "00000001.jsonl:3 lines 3 to 4 are missing");

	write_segment(p, line_at(rest, 3), strlen(line_at(rest, 3)));
	assert_found(p, 1, 0, "lines 1 to 2 are missing");

	write_segment(p, rest, line_at(rest, 5) - rest);
	assert_found(p, 1, 0, "head lines 5 to 6 are missing at the end");
}

static void misplaced(void **state)
{
	static char text[TEXT_MAX], other[TEXT_MAX];
	struct place *p = *state;
	size_t len, two, three;

	write_lines(p, 1 << 20, LINES);
	len = read_segment(p, text);
	memcpy(other, text, len + 1);
	two = line_at(text, 3) - line_at(text, 2);
	three = line_at(text, 4) - line_at(text, 3);
	/* 1 3 2 4 ... */
	memcpy(line_at(text, 2), line_at(other, 3), three);
	memcpy(line_at(text, 2) + three, line_at(other, 2), two);
	write_segment(p, text, len);
	assert_found(p, 2, 0, "jsonl:3 line 2 where 4 is due: inserted, or moved");
	/* 1 2 2 3 ... */
	memcpy(text, other, line_at(other, 3) - other);
	strcpy(text + (line_at(other, 3) - other), line_at(other, 2));
	write_segment(p, text, strlen(text));
	assert_found(p, 1, 0, "00000001.jsonl:3 line 2 where 3 is due");
	/* a text that is no line */
	memcpy(text, other, line_at(other, 3) - other);
	strcpy(text + (line_at(other, 3) - other), "{\"seq\":3}\n");
	strcat(text, line_at(other, 3));
	write_segment(p, text, strlen(text));
	assert_found(p, 1, 0, "00000001.jsonl:3 this is no line");
}

/* Written anew as a whole: only what was kept elsewhere tells. */
static void anchored(void **state)
{
	struct kms_audit_anchor anchor;
	char text[128], hex[KMS_AUDIT_HEX_LEN + 1];
	struct place *p = *state;

	write_lines(p, 1 << 20, LINES);
	verify(p, NULL);
	kms_audit_hex(hex, result.hash);
	snprintf(text, sizeof(text), "%lld:%s", (long long)result.last, hex);
	assert_int_equal(kms_audit_anchor_parse(&anchor, text), 0);
	assert_int_equal(kms_audit_anchor_parse(&anchor, "0:ab"), -EINVAL);
	assert_int_equal(kms_audit_anchor_parse(&anchor, text), 0);
	write_lines(p, 1 << 20, 1);
	verify(p, &anchor);
	assert_int_equal(result.faults, 0);

	unlink(place_file(p, SEGMENT));
	unlink(place_file(p, "trail/head"));
	write_lines(p, 1 << 20, LINES + 2);
	assert_found(p, 0, 0, "");
	verify(p, &anchor);
	assert_int_equal(result.faults, 1);
	assert_non_null(strstr(found.words, "written anew"));

	anchor.seq = 100;
	verify(p, &anchor);
	assert_non_null(strstr(found.words, "head line 100, which was kept elsewhere"));
}

/* SIGKILL at any byte of a line, before "head" was written. */
static void torn(void **state)
{
	static char text[TEXT_MAX], head[256];
	struct place *p = *state;
	size_t len, cut, line;
	bool broken;
	FILE *f;

	write_lines(p, 1 << 20, 2);
	f = fopen(place_file(p, "trail/head"), "r");
	assert_int_equal(fread(head, 1, sizeof(head), f), 160);
	fclose(f);
	write_lines(p, 1 << 20, 1);
	len = read_segment(p, text);
	line = line_at(text, 3) - text;
	for (cut = line; cut <= len; cut += cut + 20 < len ? 7 : 1) {
		write_segment(p, text, cut);
		f = fopen(place_file(p, "trail/head"), "w");
		fwrite(head, 160, 1, f);
		fclose(f);
		if (cut > line && cut < len)
			assert_found(p, 0, 1, "the next one written will say so");
		write_lines(p, 1 << 20, 1);
		/* without its newline alone it is a line */
		broken = cut > line && cut < len - 1;
		assert_found(p, 0, broken, broken ? "killed process" : "");
		assert_int_equal(result.last, cut == line ? 3 : 4);
	}
	/* what stands there is what was there */
	write_segment(p, text, line + 10);
	f = fopen(place_file(p, "trail/head"), "w");
	fwrite(head, 160, 1, f);
	fclose(f);
	write_lines(p, 1 << 20, 1);
	read_segment(p, text);
	text[line + 3] ^= 1;
	write_segment(p, text, strlen(text));
	assert_found(p, 2, 0, "this is no line");
}

/* Who cuts lines off and lets the service go on is told of, too. */
static void cut(void **state)
{
	static char text[TEXT_MAX];
	struct place *p = *state;

	write_lines(p, 1 << 20, LINES);
	read_segment(p, text);
	write_segment(p, text, line_at(text, 4) - text);
	write_lines(p, 1 << 20, 1);
	verify(p, NULL);
	assert_true(result.faults >= 1);
	assert_non_null(strstr(found.words, "it had lines up to 6"));

	unlink(place_file(p, "trail/head"));
	write_lines(p, 1 << 20, 1);
	verify(p, NULL);
	assert_non_null(strstr(found.words, "the file \"head\" had been lost"));
}

static void segments(void **state)
{
	struct place *p = *state;

	write_lines(p, 400, 12);
	assert_found(p, 0, 0, "");
	assert_int_equal(result.last, 12);
	assert_int_equal(access(place_file(p, "trail/00000004.jsonl"), F_OK), 0);
	/* those put away are not missed, those in between are */
	rename(place_file(p, SEGMENT), place_file(p, "kept"));
	assert_found(p, 0, 0, "");
	assert_true(result.first > 1);
	rename(place_file(p, "kept"), place_file(p, SEGMENT));
	unlink(place_file(p, "trail/00000002.jsonl"));
	assert_found(p, 2, 0, "segment 2 should be before this one");
	assert_non_null(strstr(found.words, "are missing before this one"));
}

#define WRITERS 4
#define EACH 50

static void many_writers(void **state)
{
	struct place *p = *state;
	pid_t pids[WRITERS];
	int i, status;

	for (i = 0; i < WRITERS; i++) {
		pids[i] = fork();
		assert_true(pids[i] >= 0);
		if (!pids[i]) {
			write_lines(p, 4096, EACH);
			_exit(0);
		}
	}
	for (i = 0; i < WRITERS; i++) {
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
	assert_found(p, 0, 0, "");
	assert_int_equal(result.last, WRITERS * EACH);
}

static void disk_full(void **state)
{
	struct rlimit old, small;
	struct place *p = *state;
	struct kms_audit *a;
	int ret;

	write_lines(p, 1 << 20, 3);
	a = open_trail(p, 1 << 20);
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	small = old;
	small.rlim_cur = 700;
	setrlimit(RLIMIT_FSIZE, &small);
	do
		ret = kms_audit_write(a, "\"event\":\"test\"", 14, &problem);
	while (!ret);
	setrlimit(RLIMIT_FSIZE, &old);
	assert_non_null(strstr(problem.words, "cannot be written"));
	assert_found(p, 0, 0, "");
	assert_int_equal(kms_audit_write(a, "\"event\":\"test\"", 14, &problem), 0);
	assert_found(p, 0, 0, "");
	kms_audit_close(a);
}

/* A recorder that must, and one that need not. */
static void must(void **state)
{
	static struct kms_answer answer;
	struct kms_recorder *r;
	struct rlimit old, none;
	struct place *p = *state;
	struct kms_audit *a = open_trail(p, 1 << 20);
	int i, refuses;

	answer.error_no = MIKEY_ERR_AUTH_FAILURE;
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	none = old;
	none.rlim_cur = 0;
	for (refuses = 0; refuses < 2; refuses++) {
		r = kms_recorder_new(a, refuses);
		assert_non_null(r);
		setrlimit(RLIMIT_FSIZE, &none);
		i = kms_record_exchange(r, "192.0.2.1", KMS_TICKET_REQUEST, 0, &answer,
					&problem);
		setrlimit(RLIMIT_FSIZE, &old);
		assert_int_equal(!!i, refuses);
		kms_record_counted(r);
		kms_recorder_free(r);
	}
	/* the one that was answered is told of */
	assert_found(p, 0, 0, "");
	assert_int_equal(result.last, 1);

	/* a flood of strangers is a few lines and a number */
	r = kms_recorder_new(a, true);
	for (i = 0; i < 5000; i++)
		assert_int_equal(kms_record_exchange(r, "192.0.2.1", KMS_TICKET_REQUEST, 0,
						     &answer, &problem), 0);
	kms_record_counted(r);
	kms_recorder_free(r);
	kms_audit_close(a);
	assert_found(p, 0, 0, "");
	assert_true(result.last < 2500);
}

#define ARGUMENTS "arguments=[\"--config\",\"conf\",\"--uid\",\"dan@example.test\"," \
		  "\"--psk-out\",\"d\"]"

static void commands(void **state)
{
	static char head[256];
	struct place *p = *state;
	char line[384];

	assert_run(p, "--config conf user add --uid dan@example.test --psk-out d", 0, "", "");
	assert_run(p, "--config conf user add --uid dan@example.test --psk-out e", 1, "", "");
	assert_run(p, "--config conf user list", 0, "", "");
	assert_run(p, "--config conf audit verify", 0, "are as they were written", "");
	assert_run(p, "--config conf audit show", 0, "command command=\"user add\" "
		   ARGUMENTS, "");
	assert_null(strstr(outcome.out, "user list"));
	assert_run(p, "--config conf audit show --refused --json", 0,
		   "\"result\":\"failed\"", "");
	assert_null(strstr(outcome.out, "\"result\":\"done\""));
	assert_run(p, "--config conf audit show --name dan@example.test --event command", 0,
		   "dan", "");
	assert_run(p, "--config conf audit show --until 2020-01-01", 0, "", "");
	assert_string_equal(outcome.out, "");
	assert_run(p, "--config conf audit show --since yesterday", 2, "", "is no time");
	assert_run(p, "--config conf audit head", 0, ":", "");
	snprintf(head, sizeof(head), "%.200s", outcome.out);
	head[strcspn(head, "\n")] = '\0';
	snprintf(line, sizeof(line), "--config conf audit verify --anchor %s", head);
	assert_run(p, line, 0, head, "");
	assert_run(p, "--config conf audit verify --anchor 1:ab", 2, "", "SEQ:HASH");
}

/* A TPK that a service makes is put down by name. */
static void rotated(void **state)
{
	struct place *p = *state;
	char words[128], *name;
	unsigned int port;

	place_sql(p, "UPDATE tpk SET created = 5");
	program_stop(p, program_serve(p, "conf", &port));
	assert_int_equal(outcome.status, 0);
	assert_run(p, "--config conf audit show --event tpk", 0, "words=tpk-", "");
	name = strstr(outcome.out, "tpk-");
	snprintf(words, sizeof(words), "%.*s  made 2", (int)strcspn(name, "\n"), name);
	assert_run(p, "--config conf tpk list", 0, words, "");
	/* once: the next one finds nothing that is due */
	program_stop(p, program_serve(p, "conf", &port));
	assert_run(p, "--config conf audit show --event tpk", 0, "tpk-", "");
	assert_null(strchr(strchr(outcome.out, '\n') + 1, '\n'));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(holds, place_setup, place_teardown),
		cmocka_unit_test_setup_teardown(altered, place_setup, place_teardown),
		cmocka_unit_test_setup_teardown(removed, place_setup, place_teardown),
		cmocka_unit_test_setup_teardown(misplaced, place_setup, place_teardown),
		cmocka_unit_test_setup_teardown(anchored, place_setup, place_teardown),
		cmocka_unit_test_setup_teardown(torn, place_setup, place_teardown),
		cmocka_unit_test_setup_teardown(cut, place_setup, place_teardown),
		cmocka_unit_test_setup_teardown(segments, place_setup, place_teardown),
		cmocka_unit_test_setup_teardown(many_writers, place_setup, place_teardown),
		cmocka_unit_test_setup_teardown(disk_full, place_setup, place_teardown),
		cmocka_unit_test_setup_teardown(must, place_setup, place_teardown),
		cmocka_unit_test_setup_teardown(commands, program_setup, place_teardown),
		cmocka_unit_test_setup_teardown(rotated, program_setup, place_teardown),
	};

	return cmocka_run_group_tests_name("kms audit", tests, NULL, NULL);
}
