// SPDX-License-Identifier: GPL-2.0-or-later
/* mikeyctl queue: shown, given up, tried again; on a queue that mikeyd made. */
#include "tests/unit/mikeyctl/support.h"

#include <stdlib.h>
#include <unistd.h>

#include "helper/mikeyd/queuestore.h"

static char dir[32];
static struct queue_store *store;
static struct problem problem;
static struct outcome outcome;

static struct uid name_of(const char *text)
{
	struct uid uid = { .len = strlen(text) };

	memcpy(uid.text, text, uid.len);
	return uid;
}

static int64_t put(const char *recipient, const char *words)
{
	const struct queue_limits limits = { 100, 100, 1 << 20 };
	struct queue_item item = {
		.sender = name_of("alice@example.test"),
		.recipient = name_of(recipient),
		.uri = "sip:bob@example.test;x=\"y\"",
		.branch = "z9hG4bKabc",
		.head = "Subject: hush\r\n",
		.head_len = 15,
		.body = "PROTECTED",
		.body_len = 9,
		.lifetime = 86400,
		.unsure = true,
		.code = 503,
		.words = (char *)words,
	};

	assert_int_equal(queue_store_put(store, &limits, &item, recipient, &problem), 0);
	return item.id;
}

static int open_queue(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/mikeyctl-queue-XXXXXX");
	assert_non_null(mkdtemp(dir));
	return queue_store_open(&store, dir, true, &problem);
}

static int close_queue(void **state)
{
	char command[64];

	(void)state;
	queue_store_close(store);
	snprintf(command, sizeof(command), "rm -r %s", dir);
	return system(command);
}

static void listed(void **state)
{
	(void)state;
	run(&outcome, &queue_list, -1, "--state-dir", dir, NULL);
	assert_int_equal(outcome.code, EXIT_DONE);
	assert_string_equal(outcome.out, "");
	assert_says(outcome.err, "nothing waits");
	put("bob@example.test", "the answer was 503 \x1b[2J");
	put("carol@example.test", "away");
	run(&outcome, &queue_list, -1, "--state-dir", dir, NULL);
	assert_int_equal(outcome.code, EXIT_DONE);
	assert_says(outcome.out, "ID ");
	assert_says(outcome.out, "bob@example.test: the answer was 503 ?[2J\n");
	assert_says(outcome.out, "carol@example.test: away\n");
	run(&outcome, &queue_list, -1, "--json", "--state-dir", dir, NULL);
	assert_says(outcome.out, "\"uri\": \"sip:bob@example.test;x=\\\"y\\\"\"");
	assert_says(outcome.out, "\"may_have_arrived\": true");
	assert_says(outcome.out, "\"code\": 503");
	/* what it says is nowhere */
	assert_null(strstr(outcome.out, "PROTECTED"));
	run(&outcome, &queue_list, -1, "--failed", "--json", "--state-dir", dir, NULL);
	assert_string_equal(outcome.out, "[]\n");
}

static void shown(void **state)
{
	char id[16];

	(void)state;
	put("bob@example.test", "away");
	snprintf(id, sizeof(id), "%lld", (long long)put("carol@example.test", "asleep"));
	run(&outcome, &queue_show, -1, "--state-dir", dir, id, NULL);
	assert_int_equal(outcome.code, EXIT_DONE);
	assert_says(outcome.out, "recipient   carol@example.test\n");
	assert_says(outcome.out, "attempts    0 (one may have arrived)\n");
	assert_says(outcome.out, "last        asleep\n");
	assert_null(strstr(outcome.out, "bob@example.test\n"));
	run(&outcome, &queue_show, -1, "--state-dir", dir, "77", NULL);
	assert_int_equal(outcome.code, EXIT_FAILED);
	assert_says(outcome.err, "no message 77 waits");
	run(&outcome, &queue_show, -1, "--state-dir", dir, NULL);
	assert_int_equal(outcome.code, EXIT_USAGE);
}

static void dropped(void **state)
{
	uint64_t messages, bytes;
	char id[16];

	(void)state;
	snprintf(id, sizeof(id), "%lld", (long long)put("bob@example.test", "away"));
	for (int i = 0; i < 70; i++)
		put("carol@example.test", "away");
	assert_false(queue_store_poked(store));
	run(&outcome, &queue_drop, -1, "--state-dir", dir, id, NULL);
	assert_int_equal(outcome.code, EXIT_DONE);
	assert_true(queue_store_poked(store));
	assert_int_equal(queue_store_count(store, &messages, &bytes, &problem), 0);
	assert_int_equal(messages, 70);
	run(&outcome, &queue_drop, -1, "--state-dir", dir, id, NULL);
	assert_int_equal(outcome.code, EXIT_FAILED);
	run(&outcome, &queue_drop, -1, "--all", "--state-dir", dir, id, NULL);
	assert_int_equal(outcome.code, EXIT_USAGE);
	run(&outcome, &queue_drop, -1, "--all", "--state-dir", dir, NULL);
	assert_int_equal(outcome.code, EXIT_DONE);
	assert_int_equal(queue_store_count(store, &messages, &bytes, &problem), 0);
	assert_int_equal(messages, 0);
}

static void tried_again(void **state)
{
	(void)state;
	assert_false(queue_store_poked(store));
	run(&outcome, &queue_retry, -1, "--state-dir", dir, NULL);
	assert_int_equal(outcome.code, EXIT_DONE);
	assert_true(queue_store_poked(store));
}

static void where_it_lies(void **state)
{
	char place[200];

	(void)state;
	run(&outcome, &queue_list, -1, "--state-dir", "/nowhere", NULL);
	assert_int_equal(outcome.code, EXIT_FAILED);
	assert_says(outcome.err, "/nowhere/queue.db: No such file");
	snprintf(place, sizeof(place), "mkdir -p %s/users/bob && cp %s/queue.db* %s/users/bob/",
		 dir, dir, dir);
	assert_int_equal(system(place), 0);
	run(&outcome, &queue_list, -1, "--state-dir", dir, "--user", "bob", NULL);
	assert_int_equal(outcome.code, EXIT_DONE);
	run(&outcome, &queue_list, -1, "--state-dir", dir, "--user", "eve", NULL);
	assert_int_equal(outcome.code, EXIT_FAILED);
	assert_says(outcome.err, "/users/eve/queue.db: No such file");
	unsetenv("XDG_STATE_HOME");
	setenv("HOME", "/nowhere", 1);
	run(&outcome, &queue_list, -1, NULL);
	assert_int_equal(outcome.code, EXIT_FAILED);
	assert_says(outcome.err, "there is no queue here");
	snprintf(place, sizeof(place), "mkdir %s/mikeyd && cp %s/queue.db* %s/mikeyd/", dir, dir,
		 dir);
	assert_int_equal(system(place), 0);
	setenv("XDG_STATE_HOME", dir, 1);
	run(&outcome, &queue_list, -1, NULL);
	assert_int_equal(outcome.code, EXIT_DONE);
	run(&outcome, &queue_list, -1, "--config", "/nowhere/mikeyd.conf", NULL);
	assert_int_equal(outcome.code, EXIT_FAILED);
	assert_says(outcome.err, "/nowhere/mikeyd.conf: No such file");
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, open_queue, close_queue)
	const struct CMUnitTest tests[] = {
		EACH(listed),
		EACH(shown),
		EACH(dropped),
		EACH(tried_again),
		EACH(where_it_lies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
