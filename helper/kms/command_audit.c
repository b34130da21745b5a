// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * audit: verify, head, show.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "helper/kms/audit_verify.h"
#include "helper/kms/commands.h"

/* The folder of the configuration's trail; for the caller to free. */
static char *find_trail(const struct kms_common *common, struct problem *problem)
{
	struct kms_opened o = { 0 };
	char *path = NULL;

	if (!kms_open_config(&o, common, problem)) {
		path = kms_config_audit_path(&o.config);
		if (!path)
			problem_set(problem, -ENOENT, "the configuration wants no audit trail");
	}
	kms_close(&o);
	return path;
}

struct verified {
	bool json;
	bool any;
};

static void print_finding(const char *where, const char *what, bool fault, void *arg)
{
	struct verified *v = arg;

	if (v->json) {
		printf("%s\n  {\"where\": ", v->any ? "," : "");
		kms_json_text(stdout, where);
		fputs(", \"what\": ", stdout);
		kms_json_text(stdout, what);
		printf(", \"fault\": %s}", fault ? "true" : "false");
	} else {
		printf("%s: %s%s\n", where, fault ? "" : "(no fault) ", what);
	}
	v->any = true;
}

static void print_verdict(const struct kms_audit_result *result, bool json)
{
	char hex[KMS_AUDIT_HEX_LEN + 1];

	kms_audit_hex(hex, result->hash);
	if (json) {
		printf("],\n \"first\": %lld, \"last\": %lld, \"lines\": %llu,",
		       (long long)result->first, (long long)result->last,
		       (unsigned long long)result->lines);
		printf(" \"faults\": %llu,\n \"hash\": \"%s\"}\n",
		       (unsigned long long)result->faults, hex);
		return;
	}
	if (!result->lines)
		puts("the audit trail is empty");
	else if (result->faults)
		printf("%llu faults in lines %lld to %lld\n",
		       (unsigned long long)result->faults,
		       (long long)result->first, (long long)result->last);
	else
		printf("lines %lld to %lld are as they were written; head is %lld:%s\n",
		       (long long)result->first, (long long)result->last,
		       (long long)result->last, hex);
	if (result->first > 1)
		printf("lines 1 to %lld are not here: their segments were put away or removed\n",
		       (long long)result->first - 1);
}

enum kms_exit kms_run_audit_verify(const struct kms_command *self, int argc,
				   char **argv)
{
	static const struct option options[] = {
		{ "anchor", required_argument, NULL, 'A' },
		{ 0 }
	};
	struct kms_audit_anchor anchor, *given = NULL;
	struct kms_audit_result result;
	struct kms_common common = { 0 };
	struct problem problem = { 0 };
	struct verified v = { 0 };
	struct kms_audit_reader reader = {
		.finding = print_finding,
		.arg = &v,
	};
	enum kms_exit status;
	char *path;
	int opt, ret;

	while ((opt = kms_next_option(self, argc, argv, options, &common,
				      &status)) >= 0) {
		if (kms_audit_anchor_parse(&anchor, optarg))
			return kms_misused(self, "\"%s\": write what audit head printed, SEQ:HASH",
					   optarg);
		given = &anchor;
	}
	if (opt == -2)
		return status;
	if (!kms_no_more(self, argc, argv, 0, &status))
		return status;
	path = find_trail(&common, &problem);
	if (!path)
		return kms_failed(&problem);
	v.json = common.json;
	if (v.json)
		fputs("{\"findings\": [", stdout);
	ret = kms_audit_verify(path, given, &reader, &result, &problem);
	print_verdict(&result, v.json);
	free(path);
	if (ret)
		return kms_failed(&problem);
	return result.faults ? KMS_EXIT_FAILED : KMS_EXIT_DONE;
}

enum kms_exit kms_run_audit_head(const struct kms_command *self, int argc,
				 char **argv)
{
	char hex[KMS_AUDIT_HEX_LEN + 1], *path;
	struct kms_common common = { 0 };
	struct kms_audit_head head = { 0 };
	struct problem problem = { 0 };
	enum kms_exit status;
	int fd, ret;

	if (!kms_no_arguments(self, argc, argv, &common, &status))
		return status;
	path = find_trail(&common, &problem);
	if (!path)
		return kms_failed(&problem);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ret = fd < 0 ? -errno : kms_audit_head_read(fd, &head);
	if (fd >= 0)
		close(fd);
	if (ret)
		problem_set(&problem, ret, "%s: there is no head that can be read: %s",
			    path, strerror(-ret));
	free(path);
	if (ret)
		return kms_failed(&problem);
	kms_audit_hex(hex, head.hash);
	if (common.json)
		printf("{\"seq\": %lld, \"hash\": \"%s\"}\n", (long long)head.seq, hex);
	else
		printf("%lld:%s\n", (long long)head.seq, hex);
	return KMS_EXIT_DONE;
}

/* What audit show is to show, and whether it has begun. */
struct filter {
	bool json;
	bool any;
	s64 since, until;
	const char *event;
	const char *name;
	bool refused;
};

static int take_time(s64 *t, const char *text)
{
	static const char *const forms[] = {
		"%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M:%SZ", "%Y-%m-%d",
	};
	const char *end;
	struct tm tm;
	char *behind;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(forms); i++) {
		memset(&tm, 0, sizeof(tm));
		end = strptime(text, forms[i], &tm);
		if (end && !*end) {
			*t = timegm(&tm);
			return 0;
		}
	}
	errno = 0;
	*t = strtoll(text, &behind, 10);
	return errno || behind == text || *behind ? -EINVAL : 0;
}

static const char *text_of(const json_t *json, const char *name)
{
	return json_string_value(json_object_get(json, name));
}

/* Is somebody of this name in it, whatever for? */
static bool names(const json_t *json, const char *name)
{
	static const char *const members[] = { "psk", "requester", "from", "for" };
	static const char *const lists[] = { "to", "arguments" };
	const char *text;
	json_t *list;
	size_t i, n;

	for (i = 0; i < ARRAY_SIZE(members); i++) {
		text = text_of(json, members[i]);
		if (text && !strcmp(text, name))
			return true;
	}
	for (i = 0; i < ARRAY_SIZE(lists); i++) {
		list = json_object_get(json, lists[i]);
		for (n = 0; n < json_array_size(list); n++) {
			text = json_string_value(json_array_get(list, n));
			if (text && !strcmp(text, name))
				return true;
		}
	}
	return false;
}

static bool wanted(const struct filter *filter, const json_t *json)
{
	s64 when = json_integer_value(json_object_get(json, "time"));
	const char *event = text_of(json, "event");
	const char *result = text_of(json, "result");

	if ((filter->since && when < filter->since) ||
	    (filter->until && when >= filter->until))
		return false;
	if (filter->event && (!event || strcmp(event, filter->event)))
		return false;
	if (filter->refused &&
	    (!result || (strcmp(result, "refused") && strcmp(result, "failed"))))
		return false;
	return !filter->name || names(json, filter->name);
}

/* NAME=VALUE behind the words that every line has. */
static void print_members(json_t *json)
{
	static const char *const shown[] = { "event", "time", "result", "pid" };
	const char *name, *text;
	json_t *value;
	char *other;
	size_t i;

	json_object_foreach(json, name, value) {
		for (i = 0; i < ARRAY_SIZE(shown); i++)
			if (!strcmp(name, shown[i]))
				break;
		if (i < ARRAY_SIZE(shown))
			continue;
		text = json_string_value(value);
		other = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
		printf(" %s=%s", name, text && !strpbrk(text, " \"\n\r\t\033") ? text :
		       other ? other : "?");
		free(other);
	}
	putchar('\n');
}

static void show_line(const struct kms_audit_line *line, void *arg)
{
	struct filter *filter = arg;
	const char *event, *result;
	char *text = NULL;
	json_t *json;

	if (asprintf(&text, "{%.*s}", (int)line->members_len, line->members) < 0)
		return;
	json = json_loads(text, 0, NULL);
	free(text);
	if (json && wanted(filter, json)) {
		if (filter->json) {
			printf("%s\n {\"seq\": %lld, %.*s}", filter->any ? "," : "",
			       (long long)line->seq, (int)line->members_len, line->members);
		} else {
			event = text_of(json, "event");
			result = text_of(json, "result");
			printf("%lld  ", (long long)line->seq);
			kms_print_time(stdout, json_integer_value(json_object_get(json, "time")));
			printf("  %s%s%s", event ? event : "?", result ? " " : "",
			       result ? result : "");
			print_members(json);
		}
		filter->any = true;
	}
	json_decref(json);
}

static void warn_finding(const char *where, const char *what, bool fault, void *arg)
{
	(void)arg;
	if (fault)
		fprintf(stderr, "mikey-kms: %s: %s\n", where, what);
}

/* Options of show; false when the command is to end. */
static bool take_filter(const struct kms_command *self, int argc, char **argv,
			struct kms_common *common, struct filter *filter,
			enum kms_exit *status)
{
	static const struct option options[] = {
		{ "since", required_argument, NULL, 'S' },
		{ "until", required_argument, NULL, 'U' },
		{ "event", required_argument, NULL, 'E' },
		{ "name", required_argument, NULL, 'N' },
		{ "refused", no_argument, NULL, 'R' },
		{ 0 }
	};
	int opt;

	while ((opt = kms_next_option(self, argc, argv, options, common,
				      status)) >= 0) {
		int bad = 0;

		if (opt == 'E')
			filter->event = optarg;
		else if (opt == 'N')
			filter->name = optarg;
		else if (opt == 'R')
			filter->refused = true;
		else
			bad = take_time(opt == 'S' ? &filter->since : &filter->until, optarg);
		if (bad) {
			*status = kms_misused(self, "\"%s\" is no time, such as 2026-01-31",
					      optarg);
			return false;
		}
	}
	return opt != -2 && kms_no_more(self, argc, argv, 0, status);
}

enum kms_exit kms_run_audit_show(const struct kms_command *self, int argc,
				 char **argv)
{
	struct kms_audit_result result;
	struct kms_common common = { 0 };
	struct problem problem = { 0 };
	struct filter filter = { 0 };
	struct kms_audit_reader reader = {
		.line = show_line,
		.finding = warn_finding,
		.arg = &filter,
	};
	enum kms_exit status;
	char *path;
	int ret;

	if (!take_filter(self, argc, argv, &common, &filter, &status))
		return status;
	path = find_trail(&common, &problem);
	if (!path)
		return kms_failed(&problem);
	filter.json = common.json;
	if (filter.json)
		putchar('[');
	ret = kms_audit_verify(path, NULL, &reader, &result, &problem);
	if (filter.json)
		puts("\n]");
	free(path);
	return ret ? kms_failed(&problem) : KMS_EXIT_DONE;
}
