// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What is put down in the audit trail; see audit_record.h.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "helper/kms/audit_record.h"
#include "helper/kms/event.h"
#include "helper/kms/json.h"

struct kms_recorder {
	struct kms_audit *audit;
	bool must;
	pthread_mutex_t lock;
	time_t second;
	unsigned int strangers;		/* put down in this second */
	unsigned long long counted;	/* not put down */
	unsigned long long lost;	/* answered although it could not be */
	unsigned long long errors;	/* not put down, answered or not */
	bool failing;			/* the last line was one of them */
};

static const char *const events[] = {
	[KMS_TICKET_REQUEST] = "request",
	[KMS_TICKET_RESOLVE] = "resolve",
};

static const char *const changes[KMS_CHANGES] = {
	"initiator", "application", "start", "end", "rekey", "reuse", "cache",
};

struct kms_recorder *kms_recorder_new(struct kms_audit *audit, bool must)
{
	struct kms_recorder *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->audit = audit;
	r->must = must;
	pthread_mutex_init(&r->lock, NULL);
	return r;
}

void kms_recorder_free(struct kms_recorder *r)
{
	if (!r)
		return;
	pthread_mutex_destroy(&r->lock);
	free(r);
}

static void put_blob(FILE *f, const char *name, struct mikey_blob b)
{
	fprintf(f, ",\"%s\":", name);
	kms_json_string(f, b);
}

static void put_text(FILE *f, const char *name, const char *text)
{
	fprintf(f, ",\"%s\":", name);
	kms_json_text(f, text);
}

static void begin(FILE *f, const char *event)
{
	fprintf(f, "\"event\":\"%s\",\"time\":%lld,\"pid\":%ld", event,
		(long long)time(NULL), (long)getpid());
}

/* To whom, for what, how long: of what was asked for, or of what was granted. */
static void put_policy(FILE *f, const struct kms_deed *deed)
{
	const struct mikey_profile *profile;
	struct mikey_policy_iter it;
	struct mikey_id id;
	bool any = false;

	put_blob(f, "from", deed->policy.idr_i.data);
	fputs(",\"to\":[", f);
	mikey_policy_walk(&it, &deed->policy, MIKEY_IDR_R);
	while (mikey_policy_next(&it, &deed->policy, &id)) {
		if (any)
			fputc(',', f);
		kms_json_string(f, id.data);
		any = true;
	}
	fputc(']', f);
	profile = mikey_profile_of(deed->policy.flags & ~MIKEY_FLAG_K);
	if (profile)
		put_text(f, "profile", profile->name);
	fprintf(f, ",\"flags\":%u,\"start\":%lld,\"end\":%lld", deed->flags,
		(long long)deed->start, (long long)deed->end);
}

static void put_changes(FILE *f, u32 changed)
{
	const char *between = "";
	size_t i;

	fputs(",\"changed\":[", f);
	for (i = 0; i < KMS_CHANGES; i++) {
		if (!(changed & 1U << i))
			continue;
		fprintf(f, "%s\"%s\"", between, changes[i]);
		between = ",";
	}
	fputc(']', f);
}

static void put_exchange(FILE *f, const char *peer, enum kms_exchange_kind kind,
			 int result, const struct kms_answer *answer)
{
	const struct kms_deed *deed = &answer->deed;
	bool granted = !result && answer->error_no < 0;

	begin(f, events[kind]);
	put_text(f, "result", result ? "failed" : granted ? "granted" : "refused");
	put_text(f, "peer", peer);
	put_blob(f, "psk", deed->psk_id);
	fprintf(f, ",\"authentic\":%s", answer->authentic ? "true" : "false");
	put_blob(f, "requester", deed->requester);
	if (deed->has_policy)
		put_policy(f, deed);
	if (deed->tpk_len)
		put_blob(f, "key", (struct mikey_blob){ deed->tpk, deed->tpk_len });
	if (granted && kind == KMS_TICKET_REQUEST)
		put_changes(f, deed->changed);
	if (granted && kind == KMS_TICKET_RESOLVE)
		put_blob(f, "for", (struct mikey_blob){ deed->matched, deed->matched_len });
	if (!result && !granted)
		put_text(f, "error", kms_error_name(answer->error_no));
	if (answer->why)
		put_text(f, "why", answer->why);
	/* the same as in the log */
	if (*kms_event_current())
		put_text(f, "req", kms_event_current());
}

/* Takes the stream's text: closes and frees it. */
static int write_members(struct kms_audit *audit, FILE *f, char **text,
			 const size_t *len, struct problem *problem)
{
	int ret;

	if (fclose(f))
		ret = problem_set(problem, -ENOMEM, "no memory for the audit trail");
	else
		ret = kms_audit_write(audit, *text, *len, problem);
	free(*text);
	return ret;
}

static FILE *open_members(char **text, size_t *len, struct problem *problem)
{
	FILE *f = open_memstream(text, len);

	if (!f)
		problem_set(problem, -ENOMEM, "no memory for the audit trail");
	return f;
}

/* Not one of too many strangers in this second? */
static bool is_put_down(struct kms_recorder *r, const struct kms_answer *answer)
{
	time_t now = time(NULL);
	bool yes = answer->authentic;

	pthread_mutex_lock(&r->lock);
	if (!yes && now != r->second) {
		r->second = now;
		r->strangers = 0;
	}
	if (!yes && r->strangers < KMS_AUDIT_STRANGERS) {
		r->strangers++;
		yes = true;
	}
	r->counted += !yes;
	pthread_mutex_unlock(&r->lock);
	return yes;
}

static int may_go_on(struct kms_recorder *r, int ret, const struct problem *problem)
{
	pthread_mutex_lock(&r->lock);
	r->failing = ret;
	r->errors += r->failing;
	r->lost += ret && !r->must;
	pthread_mutex_unlock(&r->lock);
	if (!ret || r->must)
		return ret;
	log_event(ERROR, "not-recorded", kms_event_req(), log_text("reason", problem->words));
	return 0;
}

int kms_record_exchange(struct kms_recorder *r, const char *peer,
			enum kms_exchange_kind kind, int result,
			const struct kms_answer *answer, struct problem *problem)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f;
	int ret;

	/* What is no MIKEY message names nobody. */
	if (!r->audit || result == -EBADMSG || !is_put_down(r, answer))
		return 0;
	f = open_members(&text, &len, problem);
	if (!f)
		return may_go_on(r, problem->error, problem);
	put_exchange(f, peer, kind, result, answer);
	ret = write_members(r->audit, f, &text, &len, problem);
	return may_go_on(r, ret, problem);
}

static int record_number(struct kms_recorder *r, const char *event,
			 unsigned long long number)
{
	struct problem problem;
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_members(&text, &len, &problem);

	if (!f)
		return problem.error;
	begin(f, event);
	fprintf(f, ",\"exchanges\":%llu", number);
	return write_members(r->audit, f, &text, &len, &problem);
}

void kms_record_counted(struct kms_recorder *r)
{
	unsigned long long counted, lost;

	if (!r->audit)
		return;
	pthread_mutex_lock(&r->lock);
	counted = r->counted;
	lost = r->lost;
	r->counted = 0;
	r->lost = 0;
	pthread_mutex_unlock(&r->lock);
	if (counted && !record_number(r, "not-authentic", counted))
		counted = 0;
	if (lost && !record_number(r, "not-recorded", lost))
		lost = 0;
	if (!counted && !lost)
		return;
	pthread_mutex_lock(&r->lock);
	r->counted += counted;
	r->lost += lost;
	pthread_mutex_unlock(&r->lock);
}

int kms_record_probe(struct kms_recorder *r, struct problem *problem)
{
	bool failing;
	int ret;

	if (!r->audit)
		return 0;
	pthread_mutex_lock(&r->lock);
	failing = r->failing;
	pthread_mutex_unlock(&r->lock);
	ret = kms_audit_probe(r->audit, problem);
	if (ret || !failing)
		return ret;
	/* Only a line shows that lines can be written again; the trail says why. */
	ret = kms_record_event(r, "recovered", "the audit trail can be written again",
			       problem);
	if (ret)
		return ret;
	pthread_mutex_lock(&r->lock);
	r->failing = false;
	pthread_mutex_unlock(&r->lock);
	return 0;
}

unsigned long long kms_record_errors(struct kms_recorder *r)
{
	unsigned long long errors;

	pthread_mutex_lock(&r->lock);
	errors = r->errors;
	pthread_mutex_unlock(&r->lock);
	return errors;
}

int kms_record_event(struct kms_recorder *r, const char *event,
		     const char *words, struct problem *problem)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f;

	if (!r->audit)
		return 0;
	f = open_members(&text, &len, problem);
	if (!f)
		return problem->error;
	begin(f, event);
	put_text(f, "words", words);
	return write_members(r->audit, f, &text, &len, problem);
}

int kms_record_command(struct kms_audit *audit, const char *name, int argc,
		       char **argv, struct problem *problem)
{
	const char *sudo = getenv("SUDO_USER");
	char *text = NULL;
	size_t len = 0;
	FILE *f;
	int i;

	f = open_members(&text, &len, problem);
	if (!f)
		return problem->error;
	begin(f, "command");
	put_text(f, "command", name);
	fputs(",\"arguments\":[", f);
	for (i = 1; i < argc; i++) {
		if (i > 1)
			fputc(',', f);
		kms_json_text(f, argv[i]);
	}
	fprintf(f, "],\"uid\":%ld", (long)getuid());
	if (sudo)
		put_text(f, "sudo", sudo);
	return write_members(audit, f, &text, &len, problem);
}

int kms_record_outcome(struct kms_audit *audit, const char *name,
		       const char *failure, struct problem *problem)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f;

	f = open_members(&text, &len, problem);
	if (!f)
		return problem->error;
	begin(f, "outcome");
	put_text(f, "command", name);
	put_text(f, "result", failure ? "failed" : "done");
	if (failure)
		put_text(f, "why", failure);
	return write_members(audit, f, &text, &len, problem);
}
