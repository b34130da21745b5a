// SPDX-License-Identifier: GPL-2.0-or-later
/* Nothing of a message stays in memory once it is somebody else's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <glib.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "helper/lib/libre.h"
#include "helper/mikeyd/inbox_store.h"
#include "tests/unit/helper/ownmemory.h"

/* ---- what is freed */

/* Like one of these, each frees what another of its kind has put somewhere. */
static void by_malloc(const struct word *word, size_t len)
{
	char *text = malloc(len);

	word_fill(word, text, len);
	assert_true(word_count(word) > 0);
	free(text);
}

static void by_realloc(const struct word *word, size_t len)
{
	char *text = malloc(len), *beside = malloc(len);

	/* beside: so that it has to move */
	word_fill(word, text, len);
	text = realloc(text, 3 * len);
	assert_true(word_count(word) > 0);
	word_fill(word, text, 3 * len);
	/* in its place, then to another one */
	text = realloc(text, 2 * len);
	text = realloc(text, 8);
	assert_int_equal(word_count(word), 0);
	free(text);
	free(beside);
}

static void by_libre(const struct word *word, size_t len)
{
	struct mbuf *mb = mbuf_alloc(16);

	for (size_t i = 0; i < len; i += WORD_SIZE) {
		assert_int_equal(mbuf_fill(mb, 0, WORD_SIZE), 0);
		word_fill(word, mb->buf + mb->pos - WORD_SIZE, WORD_SIZE);
	}
	assert_true(word_count(word) > 0);
	mem_deref(mb);
}

static void by_glib(const struct word *word, size_t len)
{
	char *text = g_malloc0(len + 1), *valid;

	word_fill(word, text, len);
	valid = g_utf8_make_valid(text, len);
	assert_true(word_count(word) >= 2 * len / WORD_SIZE);
	g_free(valid);
	g_free(text);
}

static void by_jansson(const struct word *word, size_t len)
{
	char *text = calloc(1, len + 1), *dumped;
	json_t *string;

	word_fill(word, text, len);
	string = json_string(text);
	free(text);
	dumped = json_dumps(string, JSON_ENCODE_ANY);
	json_decref(string);
	assert_true(word_count(word) > 0);
	free(dumped);
}

static void freed_is_wiped(void **state)
{
	static void (*const ways[])(const struct word *word, size_t len) = {
		by_malloc, by_realloc, by_libre, by_glib, by_jansson,
	};
	/* for each of the ways in which glibc's heap keeps what is free */
	static const size_t sizes[] = { 16, 112, 1024, 4000, 60000, 400000 };

	(void)state;
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		for (size_t j = 0; j < sizeof(sizes) / sizeof(sizes[0]); j++) {
			struct word word = word_new();

			assert_int_equal(word_count(&word), 0);
			ways[i](&word, sizes[j]);
			assert_int_equal(word_count(&word), 0);
		}
	}
}

static void realloc_is_still_one(void **state)
{
	volatile size_t too_much = PTRDIFF_MAX;
	char *text = realloc(NULL, 5);

	(void)state;
	strcpy(text, "text");
	for (size_t len = 5; len < 5000; len += 7) {
		text = realloc(text, len);
		assert_string_equal(text, "text");
		text[len - 1] = '\0';
	}
	text = realloc(text, 5);
	assert_string_equal(text, "text");
	errno = 0;
	assert_null(realloc(text, too_much));
	assert_int_equal(errno, ENOMEM);
	assert_string_equal(text, "text");
	assert_null(realloc(text, 0));
}

/* ---- what is taken from an inbox */

#define MESSAGES 24

static struct inbox_store *store;
static char folder[32];

static int open_store(void **state)
{
	struct problem problem;
	const char *dir = *state;

	if (dir && !mkdtemp(strcpy(folder, "/tmp/mikeyd-wipe.XXXXXX")))
		return -1;
	return inbox_store_open(&store, dir ? folder : NULL, &problem);
}

static int close_store(void **state)
{
	char path[64];

	inbox_store_close(store);
	if (!*state)
		return 0;
	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/inbox.db%s", folder, i ? "-journal" : "");
		unlink(path);
	}
	return rmdir(folder);
}

/* Of every size: some in one page of a database, some in several; the word is in both parts. */
static int64_t put(const struct word *word, size_t len)
{
	struct inbox_message message = { .received = 1, .mac = { .len = 4 } };
	struct problem problem;

	assert_int_equal(bytes_alloc(&message.headers, 64), 0);
	assert_int_equal(bytes_alloc(&message.body, len), 0);
	word_fill(word, message.headers.data, 64);
	word_fill(word, message.body.data, len);
	assert_int_equal(inbox_store_add(store, &message, &problem), 0);
	inbox_message_wipe(&message);
	return message.id;
}

static void look(int64_t id, const struct word *word)
{
	struct inbox_message message;
	struct problem problem;

	assert_int_equal(inbox_store_next(store, id - 1, &message, &problem), 0);
	assert_int_equal(message.id, id);
	assert_true(word_count(word) >= message.body.len / WORD_SIZE);
	inbox_message_wipe(&message);
	assert_int_equal(inbox_store_get(store, id, &message, &problem), 0);
	inbox_message_wipe(&message);
}

static void taken_is_gone(void **state)
{
	struct word words[MESSAGES];
	int64_t ids[MESSAGES];
	struct problem problem;

	(void)state;
	for (int i = 0; i < MESSAGES; i++) {
		words[i] = word_new();
		ids[i] = put(&words[i], 100 + 701 * (i % 7) + (i % 5 ? 0 : 50000));
	}
	/* from the middle too, so that pages are put in order */
	for (int i = 0; i < MESSAGES; i++) {
		int at = i * 7 % MESSAGES;

		look(ids[at], &words[at]);
		assert_int_equal(inbox_store_take(store, ids[at], &problem), 0);
		assert_int_equal(word_count(&words[at]), 0);
		assert_int_equal(inbox_store_use(store).messages, MESSAGES - 1 - i);
		assert_int_equal(inbox_store_take(store, ids[at], &problem), -ENOENT);
	}
	assert_int_equal(inbox_store_use(store).bytes, 0);
}

static void closed_is_gone(void **state)
{
	struct word word = word_new();
	struct problem problem;

	put(&word, 5000);
	inbox_store_close(store);
	assert_int_equal(word_count(&word), 0);
	assert_int_equal(inbox_store_open(&store, *state ? folder : NULL, &problem), 0);
	assert_int_equal(inbox_store_use(store).messages, *state ? 1 : 0);
}

/* Numbers grow, and none comes again, whatever was taken. */
static void numbers_grow(void **state)
{
	struct word word = word_new();
	struct problem problem;
	int64_t first, second;

	(void)state;
	first = put(&word, 100);
	assert_int_equal(inbox_store_take(store, first, &problem), 0);
	second = put(&word, 100);
	assert_true(second > first);
	assert_int_equal(inbox_store_take(store, first, &problem), -ENOENT);
	look(second, &word);
}

#define IN_MEMORY(f) { #f " (memory)", f, open_store, close_store, NULL }
#define IN_FOLDER(f) { #f " (folder)", f, open_store, close_store, folder }

/*
 * The first call of a function of a library saves all registers on the stack, where
 * memcpy() may just have left text in some of them, unless it was found at the start.
 */
static void find_all_functions_now(char **argv)
{
	if (getenv("LD_BIND_NOW"))
		return;
	setenv("LD_BIND_NOW", "1", 1);
	execv("/proc/self/exe", argv);
	perror("/proc/self/exe");
	exit(1);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(freed_is_wiped),
		cmocka_unit_test(realloc_is_still_one),
		IN_MEMORY(taken_is_gone),
		IN_FOLDER(taken_is_gone),
		IN_MEMORY(closed_is_gone),
		IN_FOLDER(closed_is_gone),
		IN_MEMORY(numbers_grow),
		IN_FOLDER(numbers_grow),
	};

	(void)argc;
	find_all_functions_now(argv);
	return cmocka_run_group_tests_name("mikeyd: wiped", tests, NULL, NULL);
}
