// SPDX-License-Identifier: GPL-2.0-or-later
/* Received messages for people and programs. */
#include "helper/mikeyctl/letter.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "helper/lib/base64.h"
#include "helper/mikeyctl/output.h"

static const char *text_of(const json_t *message, const char *key)
{
	const char *text = json_string_value(json_object_get(message, key));

	return text ? text : "";
}

int64_t letter_id(const json_t *message)
{
	return json_integer_value(json_object_get(message, "id"));
}

static void print(const char *text)
{
	output_text(stdout, text, strlen(text));
}

/* Who is proved; a claim is called one. */
static void print_sender(const json_t *message)
{
	const char *sender = text_of(message, "sender");

	if (!*sender)
		printf("claims to be ");
	print(*sender ? sender : text_of(message, "claimed"));
	printf(" (");
	print(text_of(message, "proved"));
	putchar(')');
	/* a list server tells for whom it passes this on */
	if (*text_of(message, "original")) {
		printf(" for ");
		print(text_of(message, "original"));
		printf(" (");
		print(text_of(message, "original_proved"));
		putchar(')');
	}
}

void letter_print_head(const json_t *message)
{
	const char *type = text_of(message, "content_type");
	const json_t *sent = json_object_get(message, "sent");

	printf("%-12" PRId64 " ", letter_id(message));
	if (!json_is_integer(sent))
		sent = json_object_get(message, "received");
	output_time(stdout, json_integer_value(sent));
	putchar(' ');
	print_sender(message);
	putchar(' ');
	print(*type ? type : "-");
	printf(" %" PRId64 "\n", (int64_t)json_integer_value(json_object_get(message, "length")));
}

static bool is_shown(const json_t *message)
{
	const char *type = text_of(message, "content_type");

	return json_object_get(message, "body") && (!*type || !strncasecmp(type, "text/", 5));
}

/* Each line is set in, so that none can pass for the head of a message. */
static void print_lines(const char *text)
{
	size_t len;

	for (; *text; text += len + (text[len] == '\n')) {
		size_t shown;

		len = strcspn(text, "\n");
		shown = len && text[len - 1] == '\r' ? len - 1 : len;
		printf("    ");
		for (size_t at = 0, part; at < shown; at += part + 1) {
			part = strcspn(text + at, "\t");
			if (part > shown - at)
				part = shown - at;
			output_text(stdout, text + at, part);
			if (at + part < shown)
				putchar('\t');
		}
		putchar('\n');
	}
}

static int print_body(const json_t *message, struct problem *problem)
{
	const char *encoded = json_string_value(json_object_get(message, "body_base64"));
	const char *text = json_string_value(json_object_get(message, "body"));
	struct bytes body;

	if (isatty(STDOUT_FILENO))
		return problem_set(problem, -EPERM,
				   "a body may hold anything: send it elsewhere than to a terminal");
	if (text) {
		fwrite(text, 1, strlen(text), stdout);
		return 0;
	}
	if (!encoded || base64_read(&body, encoded, strlen(encoded)))
		return problem_set(problem, -EPROTO, "mikeyd gives no body");
	fwrite(body.data, 1, body.len, stdout);
	bytes_wipe(&body);
	return 0;
}

int letter_print(const json_t *message, enum letter_form form, struct problem *problem)
{
	int err = 0;

	switch (form) {
	case LETTER_TEXT:
		letter_print_head(message);
		if (is_shown(message))
			print_lines(text_of(message, "body"));
		break;
	case LETTER_JSON:
		/* ASCII: some terminals obey controls above it, too */
		json_dumpf(message, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
		putchar('\n');
		break;
	case LETTER_BODY:
		err = print_body(message, problem);
		break;
	}
	if (!err && (fflush(stdout) || ferror(stdout)))
		return problem_set(problem, -EIO, "cannot write the output");
	return err;
}
