// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Counters of a service; see metrics.h.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "helper/kms/metrics.h"

#define SECOND 1000000000LL

enum exchange {
	REQUEST,
	RESOLVE,
	PEER_RESOLVE,
	EXCHANGES
};

static const char *const exchanges[EXCHANGES] = { "request", "resolve", "peer_resolve" };

enum outcome {
	GRANTED,
	REFUSED,
	NOT_AUTHENTIC,
	NO_MIKEY,
	TOO_MANY,
	BUSY,
	FAILED,
	NOT_RECORDED,
	OUTCOMES
};

static const char *const outcomes[OUTCOMES] = {
	"granted", "refused", "not_authentic", "no_mikey", "too_many", "busy", "failed",
	"not_recorded",
};

/* Rows of one name stand together; the first has what is said of all. */
static const struct {
	const char *name, *labels, *help;
} counts[KMS_COUNTS] = {
	[KMS_COUNT_CONNECTIONS] = { "connections_opened_total", "",
		"Connections that were accepted." },
	[KMS_COUNT_CONNECTIONS_REFUSED] = { "connections_refused_total", "",
		"Connections beyond what an address may open." },
	[KMS_COUNT_REQUESTS_REFUSED] = { "requests_refused_total", "",
		"Requests beyond what an address may make." },
	[KMS_COUNT_STORE_ERRORS] = { "store_errors_total", "",
		"Exchanges that the store, or the cryptography, could not serve." },
	[KMS_COUNT_AUDIT_REFUSALS] = { "audit_refusals_total", "",
		"Exchanges not answered because they could not be recorded." },
	[KMS_COUNT_PEER_ANSWERED] = { "peer_calls_total", "{result=\"answered\"}",
		"Questions to other KMSs." },
	[KMS_COUNT_PEER_FAILED] = { "peer_calls_total", "{result=\"failed\"}", NULL },
	[KMS_COUNT_BSF_ANSWERED] = { "bsf_calls_total", "{result=\"answered\"}",
		"Questions to the BSF." },
	[KMS_COUNT_BSF_FAILED] = { "bsf_calls_total", "{result=\"failed\"}", NULL },
};

/* All that the service itself answers with; the last one is any other. */
static const unsigned int statuses[] = { 200, 400, 403, 404, 405, 413, 415, 429, 500, 503, 0 };

/* Upper ends in milliseconds; one more bucket has no end. */
static const unsigned int ends[] = { 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000 };

struct kms_metrics {
	atomic_ullong counts[KMS_COUNTS];
	atomic_ullong answers[ARRAY_SIZE(statuses)];
	atomic_ullong done[EXCHANGES][OUTCOMES];
	atomic_ullong within[EXCHANGES][ARRAY_SIZE(ends) + 1];
	atomic_ullong ns[EXCHANGES];
	atomic_llong connections;
};

struct kms_metrics *kms_metrics_new(void)
{
	return calloc(1, sizeof(struct kms_metrics));
}

void kms_metrics_free(struct kms_metrics *m)
{
	free(m);
}

void kms_metrics_count(struct kms_metrics *m, enum kms_count what)
{
	m->counts[what]++;
}

void kms_metrics_answer(struct kms_metrics *m, unsigned int status)
{
	size_t i = 0;

	while (i < ARRAY_SIZE(statuses) - 1 && statuses[i] != status)
		i++;
	m->answers[i]++;
}

void kms_metrics_connection(struct kms_metrics *m, int change)
{
	m->connections += change;
	if (change > 0)
		kms_metrics_count(m, KMS_COUNT_CONNECTIONS);
}

static enum outcome outcome_of(int result, const struct kms_answer *answer, bool recorded)
{
	if (!recorded)
		return NOT_RECORDED;
	if (!result && answer->error_no < 0)
		return GRANTED;
	if (!result)
		return answer->authentic ? REFUSED : NOT_AUTHENTIC;
	return result == -EBADMSG ? NO_MIKEY : result == -EDQUOT ? TOO_MANY :
	       result == -EAGAIN ? BUSY : FAILED;
}

void kms_metrics_exchange(struct kms_metrics *m, enum kms_exchange_kind kind, bool peer,
			  int result, const struct kms_answer *answer, bool recorded, s64 ns)
{
	enum exchange x = peer ? PEER_RESOLVE : kind == KMS_TICKET_REQUEST ? REQUEST : RESOLVE;
	size_t i = 0;

	while (i < ARRAY_SIZE(ends) && ns > ends[i] * (SECOND / 1000))
		i++;
	m->done[x][outcome_of(result, answer, recorded)]++;
	m->within[x][i]++;
	m->ns[x] += ns;
}

static void print_head(FILE *f, const char *name, const char *type, const char *help)
{
	fprintf(f, "# HELP mikey_kms_%s %s\n# TYPE mikey_kms_%s %s\n", name, help, name, type);
}

void kms_metrics_print_one(FILE *f, const char *name, const char *type,
			   const char *help, s64 value)
{
	print_head(f, name, type, help);
	fprintf(f, "mikey_kms_%s %lld\n", name, (long long)value);
}

/* Buckets are read once and _count is their sum, so that both always agree. */
static void print_latency(struct kms_metrics *m, int x, FILE *f)
{
	static const char name[] = "mikey_kms_exchange_seconds";
	unsigned long long sum = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ends); i++) {
		sum += m->within[x][i];
		fprintf(f, "%s_bucket{exchange=\"%s\",le=\"%u.%03u\"} %llu\n", name,
			exchanges[x], ends[i] / 1000, ends[i] % 1000, sum);
	}
	sum += m->within[x][i];
	fprintf(f, "%s_bucket{exchange=\"%s\",le=\"+Inf\"} %llu\n", name, exchanges[x], sum);
	fprintf(f, "%s_sum{exchange=\"%s\"} %.6f\n", name, exchanges[x],
		m->ns[x] / (double)SECOND);
	fprintf(f, "%s_count{exchange=\"%s\"} %llu\n", name, exchanges[x], sum);
}

static void print_exchanges(struct kms_metrics *m, FILE *f)
{
	int x, o;

	print_head(f, "exchanges_total", "counter", "MIKEY exchanges by how they ended.");
	for (x = 0; x < EXCHANGES; x++)
		for (o = 0; o < OUTCOMES; o++)
			fprintf(f, "%s{exchange=\"%s\",outcome=\"%s\"} %llu\n",
				"mikey_kms_exchanges_total", exchanges[x], outcomes[o],
				(unsigned long long)m->done[x][o]);
	print_head(f, "exchange_seconds", "histogram",
		   "From the head of a request to its answer.");
	for (x = 0; x < EXCHANGES; x++)
		print_latency(m, x, f);
}

static void print_answers(struct kms_metrics *m, FILE *f)
{
	char code[16];
	size_t i;

	print_head(f, "http_answers_total", "counter", "HTTP answers by status.");
	for (i = 0; i < ARRAY_SIZE(statuses); i++) {
		snprintf(code, sizeof(code), "%u", statuses[i]);
		fprintf(f, "mikey_kms_http_answers_total{code=\"%s\"} %llu\n",
			statuses[i] ? code : "other", (unsigned long long)m->answers[i]);
	}
}

void kms_metrics_print(struct kms_metrics *m, FILE *f)
{
	int i;

	print_exchanges(m, f);
	print_answers(m, f);
	for (i = 0; i < KMS_COUNTS; i++) {
		if (counts[i].help)
			print_head(f, counts[i].name, "counter", counts[i].help);
		fprintf(f, "mikey_kms_%s%s %llu\n", counts[i].name, counts[i].labels,
			(unsigned long long)m->counts[i]);
	}
	kms_metrics_print_one(f, "connections", "gauge", "Connections that are open.",
			      m->connections);
}
