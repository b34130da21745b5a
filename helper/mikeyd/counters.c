// SPDX-License-Identifier: GPL-2.0-or-later
/* The counters: their table, what was counted, and both as JSON. */
#include "helper/mikeyd/counters.h"

#include <stddef.h>

#include "helper/lib/libre.h"
#include "helper/mikeyd/verdict.h"

/* Values that a counter has at most: both sides, all methods. */
#define CELLS_MAX 32

struct label {
	const char *name;
	const char * const *values;
	unsigned int count;
};

#define LABEL(name_, text_, ...) \
	static const char * const name_##_values[] = { __VA_ARGS__ }; \
	static const struct label name_ = { \
		text_, name_##_values, sizeof(name_##_values) / sizeof(name_##_values[0]) \
	}

/* The last one is whatever is none of the others. */
#define METHODS \
	"REGISTER", "MESSAGE", "INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "SUBSCRIBE", \
	"NOTIFY", "PUBLISH", "PRACK", "UPDATE", "INFO", "REFER", "other"

LABEL(method, "method", METHODS);
LABEL(side, "side", "inside", "outside");
LABEL(class, "class", "other", "1xx", "2xx", "3xx", "4xx", "5xx", "6xx");
LABEL(why, "why", "not-sip", "malformed", "too-large", "stranger", "overload");
LABEL(transport, "transport", "udp", "tcp", "tls");
LABEL(proved, "proved", "none", "recipient", "initiator", "body");
LABEL(direction, "direction", "outgoing", "incoming");
LABEL(reason, "reason", VERDICT_CLASSES_NAMES);
LABEL(plain, "outcome", "passed", "refused");
LABEL(replay, "answer", "as-before", "unconfirmed");
LABEL(copy, "outcome", "reached", "failed");
LABEL(kind, "kind", "request", "resolve");
LABEL(answer, "outcome", "answered", "refused", "limited", "away", "not-asked");
LABEL(end, "outcome", "delivered", "failed", "expired");
LABEL(reload, "outcome", "done", "failed");

static const struct row {
	const char *name;
	enum {
		SUM,
		SECONDS,		/* counted in microseconds */
		NOW,
	} type;
	const struct label *first, *second;
	const char *help;
} rows[COUNTERS] = {
	[COUNTER_REQUESTS_RECEIVED] = {
		"requests_received", SUM, &side, &method,
		"Requests that came, without retransmissions"
	},
	[COUNTER_REQUESTS_SENT] = {
		"requests_sent", SUM, &side, &method,
		"Requests that were sent or sent on, without retransmissions"
	},
	[COUNTER_RESPONSES_RECEIVED] = {
		"responses_received", SUM, &side, &class,
		"Responses that came"
	},
	[COUNTER_RESPONSES_SENT] = {
		"responses_sent", SUM, &side, &class,
		"Responses that were sent or sent on, without retransmissions"
	},
	[COUNTER_RETRANSMISSIONS] = {
		"retransmissions", SUM, &side, NULL,
		"Requests that came again and were absorbed"
	},
	[COUNTER_DROPPED] = {
		"dropped", SUM, &side, &why,
		"What came and was not taken as a request or response"
	},
	[COUNTER_TRANSACTIONS] = {
		"transactions", NOW, &side, NULL,
		"Requests that came and are remembered"
	},
	[COUNTER_TRANSACTIONS_MOST] = {
		"transactions_most", NOW, &side, NULL,
		"The most of them there were at one time"
	},
	[COUNTER_CONNECTIONS] = {
		"connections", NOW, &side, &transport,
		"Connections that are open"
	},
	[COUNTER_PROTECTED] = {
		"messages_protected", SUM, NULL, NULL,
		"MESSAGEs of clients and list servers that the kernel protected"
	},
	[COUNTER_OPENED] = {
		"messages_opened", SUM, &proved, NULL,
		"Protected MESSAGEs that the kernel opened, by what was proved"
	},
	[COUNTER_REFUSED] = {
		"messages_refused", SUM, &direction, &reason,
		"MESSAGEs that could not be protected or opened"
	},
	[COUNTER_PLAIN] = {
		"messages_plain", SUM, &direction, &plain,
		"MESSAGEs that a rule let through unprotected, or refused since they were"
	},
	[COUNTER_REPLAYS] = {
		"replays", SUM, &replay, NULL,
		"MESSAGEs that were opened before, and not delivered again"
	},
	[COUNTER_LIST_COPIES] = {
		"list_copies", SUM, &copy, NULL,
		"Copies that list servers here sent to members"
	},
	[COUNTER_KMS_REQUESTS] = {
		"kms_requests", SUM, &kind, &answer,
		"Exchanges with the KMS that ended"
	},
	[COUNTER_KMS_SECONDS] = {
		"kms_seconds", SECONDS, &kind, NULL,
		"What the exchanges took in sum, those that were not begun left out"
	},
	[COUNTER_KMS_WAITING] = {
		"kms_waiting", NOW, &kind, NULL,
		"Exchanges with the KMS that are under way"
	},
	[COUNTER_QUEUE_ACCEPTED] = {
		"queue_accepted", SUM, NULL, NULL,
		"MESSAGEs that were answered with 202 and wait, or waited"
	},
	[COUNTER_QUEUE_ATTEMPTS] = {
		"queue_attempts", SUM, NULL, NULL,
		"Attempts to send a MESSAGE that waited"
	},
	[COUNTER_QUEUE_ENDED] = {
		"queue_ended", SUM, &end, NULL,
		"MESSAGEs that waited and do not any more"
	},
	[COUNTER_QUEUE_WAITING] = {
		"queue_waiting", NOW, NULL, NULL,
		"MESSAGEs in the queue, those under way included"
	},
	[COUNTER_QUEUE_BYTES] = {
		"queue_bytes", NOW, NULL, NULL,
		"What they take of the limit queue-kilobytes"
	},
	[COUNTER_INBOX_RECEIVED] = {
		"inbox_received", SUM, NULL, NULL,
		"MESSAGEs that the inbox or its program was given"
	},
	[COUNTER_INBOX_WAITING] = {
		"inbox_waiting", NOW, NULL, NULL,
		"MESSAGEs in the inbox"
	},
	[COUNTER_RELOADS] = {
		"reloads", SUM, &reload, NULL,
		"Configurations that were read again"
	},
	[COUNTER_USERS] = {
		"users", NOW, NULL, NULL,
		"Users that are served"
	},
	[COUNTER_STARTED] = {
		"started_seconds", NOW, NULL, NULL,
		"When mikeyd was started, since 1970"
	},
	[COUNTER_CPU_SECONDS] = {
		"cpu_seconds", SECONDS, NULL, NULL,
		"Processor time that mikeyd used"
	},
	[COUNTER_MEMORY] = {
		"memory_bytes", NOW, NULL, NULL,
		"Memory of mikeyd that is resident"
	},
};

static uint64_t cells[COUNTERS][CELLS_MAX];

static unsigned int size_of(const struct label *label)
{
	return label ? label->count : 1;
}

/* A value that a label does not have is its last one. */
static uint64_t *cell(enum counter counter, unsigned int first, unsigned int second)
{
	const struct row *row = &rows[counter];
	unsigned int n_first = size_of(row->first), n_second = size_of(row->second);

	if (first >= n_first)
		first = n_first - 1;
	if (second >= n_second)
		second = n_second - 1;
	return &cells[counter][first * n_second + second];
}

void counter_add(enum counter counter, unsigned int first, unsigned int second, uint64_t n)
{
	*cell(counter, first, second) += n;
}

void counter_set(enum counter counter, unsigned int first, unsigned int second, uint64_t n)
{
	*cell(counter, first, second) = n;
}

uint64_t counter_get(enum counter counter, unsigned int first, unsigned int second)
{
	return *cell(counter, first, second);
}

unsigned int counter_method(const struct pl *name)
{
	unsigned int at;

	for (at = 0; at + 1 < method.count; at++)
		if (!pl_strcmp(name, method.values[at]))
			break;
	return at;
}

static json_t *sample(const struct row *row, unsigned int first, unsigned int second)
{
	uint64_t value = counter_get(row - rows, first, second);
	json_t *object = json_object();

	if (row->first)
		json_object_set_new(object, row->first->name,
				    json_string(row->first->values[first]));
	if (row->second)
		json_object_set_new(object, row->second->name,
				    json_string(row->second->values[second]));
	json_object_set_new(object, "value", row->type == SECONDS ?
			    json_real(value / 1e6) : json_integer(value));
	return object;
}

static json_t *labels(const struct row *row)
{
	json_t *names = json_array();

	if (row->first)
		json_array_append_new(names, json_string(row->first->name));
	if (row->second)
		json_array_append_new(names, json_string(row->second->name));
	return names;
}

static json_t *one(const struct row *row)
{
	json_t *samples = json_array();

	for (unsigned int i = 0; i < size_of(row->first); i++)
		for (unsigned int j = 0; j < size_of(row->second); j++)
			json_array_append_new(samples, sample(row, i, j));
	return json_pack("{s:s, s:s, s:s, s:o, s:o}", "name", row->name, "kind",
			 row->type == NOW ? "gauge" : "counter", "help", row->help, "labels",
			 labels(row), "samples", samples);
}

json_t *counters_json(void)
{
	json_t *all = json_array();

	for (size_t i = 0; i < COUNTERS; i++)
		json_array_append_new(all, one(&rows[i]));
	return all;
}
