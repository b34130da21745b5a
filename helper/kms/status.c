// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Whether a service can serve; see status.h.
 */
#include <openssl/crypto.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "helper/kms/admin.h"
#include "helper/kms/crypto.h"
#include "helper/kms/limit.h"
#include "helper/kms/status.h"
#include "helper/lib/log.h"
#include "helper/lib/version.h"

#define STALE_SECONDS 30		/* a store may take 10 to say that it fails */
#define OVERDUE_SECONDS (2 * 3600)	/* a TPK is made within one */
#define COUNT_EVERY 10			/* looks; counting reads the whole record */

enum check {
	CHECK_STORE,
	CHECK_TPK,
	CHECK_AUDIT,
	CHECK_CLOCK,
	CHECKS
};

static const char *const check_names[CHECKS] = { "store", "tpk", "audit", "clock" };

/* What is known of the store; words of a check are NULL where all is well. */
struct facts {
	const char *amiss[CHECKS];
	s64 looked_at;			/* kms_limit_now(); 0: never */
	s64 tpks;
	s64 newest_made;
	s64 replay_records;
};

struct kms_status {
	const struct kms_config *config;
	struct kms_recorder *recorder;
	time_t started;
	unsigned int looks;		/* only by who looks */
	pthread_mutex_t lock;
	bool stopping;
	struct facts facts;
};

struct kms_status *kms_status_new(const struct kms_config *config,
				  struct kms_recorder *recorder)
{
	struct kms_status *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->config = config;
	s->recorder = recorder;
	s->started = time(NULL);
	pthread_mutex_init(&s->lock, NULL);
	return s;
}

void kms_status_free(struct kms_status *s)
{
	if (!s)
		return;
	pthread_mutex_destroy(&s->lock);
	free(s);
}

struct newest {
	s64 num, made, revoked;
	struct mikey_blob name;
	u8 buf[KMS_TPK_NAME_MAX];
};

static void note_tpk(const struct kms_tpk_row *row, void *arg)
{
	struct newest *n = arg;

	n->num++;
	if (!row->newest || row->name.len > sizeof(n->buf))
		return;
	n->made = row->created;
	n->revoked = row->revoked;
	memcpy(n->buf, row->name.p, row->name.len);
	n->name = kms_blob(n->buf, row->name.len);
}

/* Can new tickets be made: with a key that is there, is ours, and is not old. */
static const char *look_at_tpk(struct kms_status *s, struct kms_database *d,
			       const struct newest *n, s64 now)
{
	struct kms_tpk tpk;
	int ret;

	if (!n->name.len)
		return "there is no ticket protection key";
	if (n->revoked)
		return "the newest ticket protection key is revoked";
	ret = d->store.ops->tpk(&d->store, n->name, &tpk);
	OPENSSL_cleanse(&tpk, sizeof(tpk));
	if (ret)
		return "the newest ticket protection key cannot be read";
	if (n->made + s->config->tpk_lifetime + OVERDUE_SECONDS < now)
		return "the newest ticket protection key should have been replaced";
	return NULL;
}

/* T never goes back: behind what was sent nothing useful can be answered. */
static const char *look_at_clock(const struct newest *n, s64 skew, s64 last, s64 floor,
				 s64 now)
{
	if (n->made > now + skew)
		return "the clock is behind the newest ticket protection key";
	if (last > now + skew)
		return "the clock is behind the time of the last answer";
	if (floor > now)
		return "the replay record is new: what was asked before it is refused";
	return NULL;
}

static int ask(struct kms_database *d, struct kms_status *s, struct newest *n,
	       s64 *last, s64 *floor, s64 *records, struct problem *problem)
{
	int ret = kms_tpk_each(d, note_tpk, n, problem);

	if (!ret)
		ret = kms_database_number(d, problem, last, 0, "SELECT last FROM clock",
					  SQL_NO_VALUES);
	if (!ret)
		ret = kms_database_number(d, problem, floor, 0, "SELECT floor FROM clock",
					  SQL_NO_VALUES);
	if (!ret && s->looks++ % COUNT_EVERY == 0)
		ret = kms_database_number(d, problem, records, 0,
					  "SELECT count(*) FROM replay", SQL_NO_VALUES);
	return ret;
}

static void log_changes(const struct facts *was, const struct facts *is,
			const struct problem *store, const struct problem *audit)
{
	const char *more;
	int i;

	for (i = 0; i < CHECKS; i++) {
		more = i == CHECK_STORE ? store->words : i == CHECK_AUDIT ? audit->words : "";
		if (is->amiss[i] && is->amiss[i] != was->amiss[i])
			log_event(WARNING, "not-ready", log_text("check", check_names[i]),
				  log_text("reason", is->amiss[i]),
				  *more ? log_text("more", more) : log_none());
		else if (was->amiss[i] && !is->amiss[i])
			log_event(INFO, "ready-again", log_text("check", check_names[i]));
	}
}

void kms_status_look(struct kms_status *s, struct kms_database *d)
{
	struct problem store = { 0 }, audit = { 0 };
	struct facts was, is;
	struct newest n = { 0 };
	s64 now = time(NULL), last = 0, floor = 0;

	pthread_mutex_lock(&s->lock);
	was = s->facts;
	pthread_mutex_unlock(&s->lock);
	is = was;
	memset(is.amiss, 0, sizeof(is.amiss));
	if (ask(d, s, &n, &last, &floor, &is.replay_records, &store)) {
		is.amiss[CHECK_STORE] = "the store cannot be read";
		is.amiss[CHECK_TPK] = was.amiss[CHECK_TPK];
		is.amiss[CHECK_CLOCK] = was.amiss[CHECK_CLOCK];
	} else {
		is.tpks = n.num;
		is.newest_made = n.made;
		is.amiss[CHECK_TPK] = look_at_tpk(s, d, &n, now);
		is.amiss[CHECK_CLOCK] = look_at_clock(&n, s->config->policy.skew, last,
						      floor, now);
	}
	if (kms_record_probe(s->recorder, &audit) && s->config->audit_must)
		is.amiss[CHECK_AUDIT] = "the audit trail cannot be written";
	is.looked_at = kms_limit_now();
	pthread_mutex_lock(&s->lock);
	s->facts = is;
	pthread_mutex_unlock(&s->lock);
	log_changes(&was, &is, &store, &audit);
}

void kms_status_stopping(struct kms_status *s)
{
	pthread_mutex_lock(&s->lock);
	s->stopping = true;
	pthread_mutex_unlock(&s->lock);
}

/* The facts, and what is amiss beside the checks. */
static const char *read_facts(struct kms_status *s, struct facts *facts)
{
	bool stopping;

	pthread_mutex_lock(&s->lock);
	*facts = s->facts;
	stopping = s->stopping;
	pthread_mutex_unlock(&s->lock);
	if (stopping)
		return "it is stopping";
	if (!facts->looked_at)
		return "it is starting";
	if (kms_limit_now() - facts->looked_at > STALE_SECONDS * 1000000000LL)
		return "the store does not answer";
	return NULL;
}

/* It runs. */
static unsigned int healthz(struct kms_status *s, struct kms_metrics *metrics, FILE *f)
{
	(void)s;
	(void)metrics;
	fputs("ok\n", f);
	return 200;
}

/* It can serve: one line for each thing that is amiss, or "ok". */
static unsigned int readyz(struct kms_status *s, struct kms_metrics *metrics, FILE *f)
{
	struct facts facts;
	const char *beside = read_facts(s, &facts);
	bool ready = !beside;
	int i;

	(void)metrics;
	if (beside)
		fprintf(f, "service: %s\n", beside);
	for (i = 0; i < CHECKS; i++) {
		if (!facts.amiss[i])
			continue;
		ready = false;
		fprintf(f, "%s: %s\n", check_names[i], facts.amiss[i]);
	}
	if (ready)
		fputs("ok\n", f);
	return ready ? 200 : 503;
}

static unsigned int metrics_page(struct kms_status *s, struct kms_metrics *metrics, FILE *f)
{
	struct facts facts;
	bool ready = !read_facts(s, &facts);
	int i;

	fputs("# HELP mikey_kms_build_info Always 1.\n# TYPE mikey_kms_build_info gauge\n"
	      "mikey_kms_build_info{version=\"" MIKEY_RELEASE "\"} 1\n", f);
	kms_metrics_print_one(f, "start_time_seconds", "gauge",
			      "Unix time at which the service was started.", s->started);
	fputs("# HELP mikey_kms_check Whether a check of /readyz is passed.\n"
	      "# TYPE mikey_kms_check gauge\n", f);
	for (i = 0; i < CHECKS; i++) {
		fprintf(f, "mikey_kms_check{check=\"%s\"} %d\n", check_names[i],
			facts.looked_at && !facts.amiss[i]);
		ready &= !facts.amiss[i];
	}
	kms_metrics_print_one(f, "ready", "gauge", "Whether /readyz says 200.", ready);
	kms_metrics_print_one(f, "tpks", "gauge", "Ticket protection keys that are kept.",
			      facts.tpks);
	kms_metrics_print_one(f, "tpk_age_seconds", "gauge",
			      "Since the newest ticket protection key was made.",
			      facts.newest_made ? time(NULL) - facts.newest_made : 0);
	kms_metrics_print_one(f, "replay_records", "gauge",
			      "Requests that the replay record holds.", facts.replay_records);
	kms_metrics_print_one(f, "audit_errors_total", "counter",
			      "Lines that could not be written to the audit trail.",
			      kms_record_errors(s->recorder));
	kms_metrics_print(metrics, f);
	return 200;
}

static const struct {
	const char *path;
	unsigned int (*print)(struct kms_status *s, struct kms_metrics *metrics, FILE *f);
} pages[] = {
	{ "/healthz", healthz },
	{ "/readyz", readyz },
	{ "/metrics", metrics_page },
};

char *kms_status_page(struct kms_status *s, struct kms_metrics *metrics,
		      const char *path, unsigned int *code, size_t *len)
{
	char *text = NULL;
	FILE *f = open_memstream(&text, len);
	size_t i;

	if (!f)
		return NULL;
	*code = 404;
	for (i = 0; i < ARRAY_SIZE(pages); i++)
		if (!strcmp(pages[i].path, path))
			break;
	if (i < ARRAY_SIZE(pages))
		*code = pages[i].print(s, metrics, f);
	else
		fputs("here are /healthz, /readyz and /metrics\n", f);
	if (!fclose(f))
		return text;
	free(text);
	return NULL;
}
