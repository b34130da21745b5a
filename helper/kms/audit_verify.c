// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reading the audit trail; see audit_verify.h.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <openssl/sha.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "helper/kms/audit_verify.h"

#define SEGMENTS_MAX 1000000

struct reading {
	const struct kms_audit_reader *reader;
	const struct kms_audit_anchor *anchor;
	struct kms_audit_result *result;
	bool begun;
	bool first_segment;
	bool anchored;
	int64_t next;			/* number of the next line */
	uint8_t prev[KMS_AUDIT_HASH_LEN];
	char name[KMS_AUDIT_NAME_MAX];
	uint64_t number;		/* of the line in its segment */
	/* What is no line, until the line behind it tells why. */
	char *torn;
	size_t torn_bytes;
	uint64_t torn_number;
};

int kms_audit_anchor_parse(struct kms_audit_anchor *anchor, const char *text)
{
	char *end;

	errno = 0;
	anchor->seq = strtoll(text, &end, 10);
	if (errno || end == text || anchor->seq < 1 || *end != ':' ||
	    strlen(end + 1) != KMS_AUDIT_HEX_LEN)
		return -EINVAL;
	return kms_audit_unhex(anchor->hash, end + 1) ? -EINVAL : 0;
}

__attribute__((format(printf, 4, 5)))
static void find_at(struct reading *r, uint64_t number, bool fault,
		    const char *format, ...)
{
	char where[64], what[256];
	va_list args;

	if (number)
		snprintf(where, sizeof(where), "%s:%" PRIu64, r->name, number);
	else
		snprintf(where, sizeof(where), "%s", r->name);
	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	r->result->faults += fault;
	r->reader->finding(where, what, fault, r->reader->arg);
}

static bool same(const uint8_t *a, const uint8_t *b)
{
	return !memcmp(a, b, KMS_AUDIT_HASH_LEN);
}

/* A whole line as a JSON object; NULL if it is none. */
static json_t *members_of(const struct kms_audit_line *line)
{
	char *text = NULL;
	size_t len = 0;
	json_t *json;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return NULL;
	fputc('{', f);
	fwrite(line->members, line->members_len, 1, f);
	fputc('}', f);
	fclose(f);
	json = text ? json_loadb(text, len, 0, NULL) : NULL;
	free(text);
	return json;
}

/* Does this line say of the bytes before it that they were torn? */
static bool explains(struct reading *r, const json_t *json)
{
	const char *what = json_string_value(json_object_get(json, "what"));
	const char *hex = json_string_value(json_object_get(json, "sha256"));
	uint8_t digest[KMS_AUDIT_HASH_LEN], said[KMS_AUDIT_HASH_LEN];

	SHA256((const uint8_t *)r->torn, r->torn_bytes, digest);
	return what && !strcmp(what, "torn") && hex &&
	       strlen(hex) == KMS_AUDIT_HEX_LEN && !kms_audit_unhex(said, hex) &&
	       json_integer_value(json_object_get(json, "bytes")) == (json_int_t)r->torn_bytes &&
	       same(digest, said);
}

static void settle_torn(struct reading *r, bool explained)
{
	if (!r->torn_number)
		return;
	find_at(r, r->torn_number, !explained, explained ?
		"the rest of a line that a killed process had begun" :
		"this is no line of an audit trail");
	r->torn_number = 0;
}

/* Gathered, with the newlines between; not more than a line and some. */
static void take_torn(struct reading *r, const char *text, size_t len)
{
	size_t at = r->torn_number ? r->torn_bytes + 1 : 0;
	char *more = NULL;

	if (at + len <= 2 * KMS_AUDIT_LINE_MAX)
		more = realloc(r->torn, at + len + 1);
	if (!r->torn_number)
		r->torn_number = r->number;
	if (!more) {
		r->torn_bytes = 0;	/* no break is about that */
		return;
	}
	r->torn = more;
	if (at)
		more[at - 1] = '\n';
	memcpy(more + at, text, len);
	r->torn_bytes = at + len;
}

static void take_break(struct reading *r, const struct kms_audit_line *line)
{
	static const char event[] = "\"event\":\"break\"";
	json_t *json = NULL;
	const char *what;
	bool explained;

	if (line->intact && line->members_len > sizeof(event) &&
	    !memcmp(line->members, event, sizeof(event) - 1))
		json = members_of(line);
	what = json_string_value(json_object_get(json, "what"));
	explained = json && r->torn_number && explains(r, json);
	settle_torn(r, explained);
	if (what && !strcmp(what, "cut"))
		find_at(r, r->number, true,
			"the trail had been cut when this was written: it had lines up to %lld",
			(long long)json_integer_value(json_object_get(json, "last_seq")));
	else if (what && !strcmp(what, "head"))
		find_at(r, r->number, true,
			"the file \"head\" had been lost, and maybe lines before this one");
	else if (what && !strcmp(what, "torn") && !explained)
		find_at(r, r->number, true,
			"the rest of a line that should stand before this one is not there");
	json_decref(json);
}

static void take_line(struct reading *r, const struct kms_audit_line *line)
{
	bool follows = line->seq == r->next && same(line->prev, r->prev);

	take_break(r, line);
	if (!r->begun) {
		r->begun = true;
		r->result->first = line->seq;
		if (r->first_segment && line->seq != 1)
			find_at(r, r->number, true, "lines 1 to %lld are missing before this one",
				(long long)line->seq - 1);
		if (line->seq == 1 && !same(line->prev, r->prev))
			find_at(r, r->number, true, "line 1 was changed");
	} else if (line->seq < r->next) {
		find_at(r, r->number, true,
			"line %lld where %lld is due: inserted, or moved from where it was",
			(long long)line->seq, (long long)r->next);
		return;
	} else if (line->seq > r->next) {
		if (line->seq == r->next + 1)
			find_at(r, r->number, true, "line %lld is missing before this one",
				(long long)r->next);
		else
			find_at(r, r->number, true,
				"lines %lld to %lld are missing before this one",
				(long long)r->next, (long long)line->seq - 1);
	} else if (!follows && line->intact) {
		find_at(r, r->number, true,
			"line %lld does not follow the one before: one of them was replaced",
			(long long)line->seq);
	}
	if (!line->intact)
		find_at(r, r->number, true, "line %lld was changed", (long long)line->seq);
	if (r->anchor && line->seq == r->anchor->seq) {
		r->anchored = true;
		if (!same(line->hash, r->anchor->hash))
			find_at(r, r->number, true,
				"line %lld is not the one that was there: the trail was written anew",
				(long long)line->seq);
	}
	r->next = line->seq + 1;
	memcpy(r->prev, line->hash, sizeof(r->prev));
	r->result->lines++;
	if (line->intact && r->reader->line)
		r->reader->line(line, r->reader->arg);
}

/* @complete: ended by a newline; a writer may be at the end of the last one. */
static void take_text(struct reading *r, const char *text, size_t len,
		      bool complete)
{
	struct kms_audit_line line;

	r->number++;
	if (!complete || kms_audit_line_read(&line, text, len))
		take_torn(r, text, len);
	else
		take_line(r, &line);
}

static int read_segment(struct reading *r, int directory, struct problem *problem)
{
	int fd = openat(directory, r->name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "r");
	char *text = NULL;
	size_t room = 0;
	ssize_t len;
	int ret = 0;

	if (!f) {
		ret = problem_set(problem, -errno, "%s: %s", r->name, strerror(errno));
		if (fd >= 0)
			close(fd);
		return ret;
	}
	r->number = 0;
	while ((len = getline(&text, &room, f)) >= 0) {
		if (len && text[len - 1] == '\n')
			take_text(r, text, len - 1, true);
		else
			take_text(r, text, len, false);
	}
	if (ferror(f))
		ret = problem_set(problem, -EIO, "%s: cannot be read", r->name);
	free(text);
	fclose(f);
	return ret;
}

static int by_number(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Numbers of the segments in order; for the caller to free. */
static int list_segments(int directory, uint32_t **numbers, size_t *num,
			 struct problem *problem)
{
	int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	char name[KMS_AUDIT_NAME_MAX];
	struct dirent *entry;
	uint32_t *more, number;
	int ret = 0;

	*numbers = NULL;
	*num = 0;
	if (!dir)
		ret = problem_set(problem, -errno, "the folder cannot be read: %s",
				  strerror(errno));
	while (!ret && (entry = readdir(dir))) {
		number = strtoul(entry->d_name, NULL, 10);
		kms_audit_segment_name(name, number);
		if (!number || strcmp(name, entry->d_name))
			continue;
		more = *num < SEGMENTS_MAX ?
		       reallocarray(*numbers, *num + 1, sizeof(*more)) : NULL;
		if (!more) {
			ret = problem_set(problem, -ENOMEM, "no memory for so many segments");
			break;
		}
		*numbers = more;
		more[(*num)++] = number;
	}
	if (dir)
		closedir(dir);
	else if (fd >= 0)
		close(fd);
	if (!ret && *num)
		qsort(*numbers, *num, sizeof(**numbers), by_number);
	return ret;
}

/* What "head", read before all else, and the anchor want to be there. */
static void check_end(struct reading *r, const struct kms_audit_head *head,
		      bool have_head)
{
	int64_t last = r->next - 1;

	r->number = 0;
	settle_torn(r, false);
	snprintf(r->name, sizeof(r->name), KMS_AUDIT_HEAD);
	if (!have_head)
		find_at(r, 0, true, "missing or damaged: what the last line was cannot be told");
	else if (head->seq > last)
		find_at(r, 0, true, "lines %lld to %lld are missing at the end",
			(long long)last + 1, (long long)head->seq);
	else if (head->seq == last && !same(head->hash, r->prev))
		find_at(r, 0, true, "line %lld is not the one that was written last",
			(long long)last);
	if (r->anchor && !r->anchored)
		find_at(r, 0, true, "line %lld, which was kept elsewhere, is not there",
			(long long)r->anchor->seq);
}

static int read_all(struct reading *r, int directory, struct problem *problem)
{
	struct kms_audit_head head = { 0 };
	uint32_t *numbers = NULL, last;
	size_t num = 0, i;
	bool have_head;
	int ret;

	have_head = !kms_audit_head_read(directory, &head);
	ret = list_segments(directory, &numbers, &num, problem);
	for (i = 0; !ret && i < num; i++) {
		kms_audit_segment_name(r->name, numbers[i]);
		r->first_segment = numbers[i] == 1;
		if (i && numbers[i] != numbers[i - 1] + 1)
			find_at(r, 0, true, "segment %u should be before this one and is missing",
				numbers[i] - 1);
		ret = read_segment(r, directory, problem);
	}
	last = num ? numbers[num - 1] : 0;
	/* The tail of one that is being written is not there yet. */
	if (!ret && r->torn_number && have_head && last == head.segment &&
	    head.seq >= r->next - 1 && head.seq > 0 && same(head.hash, r->prev)) {
		find_at(r, r->torn_number, false,
			"the rest of a line that a process had begun; the next one written will say so");
		r->torn_number = 0;
	}
	if (!ret && (num || have_head))
		check_end(r, &head, have_head);
	else if (!ret && r->anchor)
		check_end(r, &head, true);
	free(numbers);
	return ret;
}

int kms_audit_verify(const char *directory, const struct kms_audit_anchor *anchor,
		     const struct kms_audit_reader *reader,
		     struct kms_audit_result *result, struct problem *problem)
{
	struct reading r = {
		.reader = reader,
		.anchor = anchor,
		.result = result,
		.next = 1,
	};
	int fd, ret;

	memset(result, 0, sizeof(*result));
	fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return problem_set(problem, -errno, "%s: %s", directory,
				   strerror(errno));
	ret = read_all(&r, fd, problem);
	close(fd);
	free(r.torn);
	if (ret)
		return problem_prefix(problem, "%s: ", directory);
	result->last = r.next - 1;
	memcpy(result->hash, r.prev, sizeof(result->hash));
	return 0;
}
