// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * policy test: what would be granted. A request is written and read as it
 * comes over the wire, and goes the way that serve takes; only who asks is
 * believed.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <time.h>

#include "helper/kms/command_policy.h"
#include "helper/kms/policy.h"

#define TO_MAX 1000

/* What is asked for, and how it is answered. */
struct trial {
	struct kms_common common;
	struct kms_opened o;
	struct uid from_uid;
	struct uid *to;
	size_t num_to;
	const struct mikey_profile *profile;
	const struct mikey_suite *suite;
	u32 mode;
	u16 flags;
	s64 lifetime, rekey, now;
	u8 message[MIKEY_MSG_MAX];
	struct kms_exchange ex;
	struct kms_answer answer;
	struct kms_grant grant;
	bool granted;
};

static int take_mode(struct trial *t, const char *text)
{
	u32 mode;

	for (mode = 1; mode < KMS_MODES; mode++)
		if (kms_mode_names[mode] && !strcmp(kms_mode_names[mode], text))
			t->mode = mode;
	return t->mode ? 0 : -EINVAL;
}

/* Letters with the value that they are to have. */
static int take_flags(struct trial *t, const char *text)
{
	static const struct {
		const char *name;
		u16 set, clear;
	} rows[] = {
		{ "J0", 0, MIKEY_FLAG_J }, { "J1", MIKEY_FLAG_J, 0 },
		{ "E0", 0, MIKEY_FLAG_E }, { "E1", MIKEY_FLAG_E, 0 },
	};
	size_t i, len;

	for (; *text; text += len, text += *text == ',') {
		len = strcspn(text, ",");
		for (i = 0; i < ARRAY_SIZE(rows); i++)
			if (len == 2 && !strncmp(rows[i].name, text, len))
				break;
		if (i == ARRAY_SIZE(rows))
			return -EINVAL;
		t->flags |= rows[i].set;
		t->flags &= ~rows[i].clear;
	}
	return 0;
}

static int take_seconds(s64 *seconds, const char *text)
{
	char *end;

	errno = 0;
	*seconds = strtoll(text, &end, 10);
	return errno || !*text || *end || *seconds < 1 || *seconds > INT_MAX ?
	       -EINVAL : 0;
}

static void put_tp(struct trial *t, struct mikey_builder *b)
{
	struct mikey_policy head = {
		.ticket_type = MIKEY_TICKET_TYPE_3GPP_BASE,
		.subtype = MIKEY_TICKET_SUBTYPE,
		.version = MIKEY_TICKET_VERSION,
		.prf = t->suite->prf,
		.flags = (mikey_profile_flags(t->profile, t->mode) & ~MIKEY_FLAG_E) |
			 t->flags,
	};
	const char *us = t->o.config.policy.num_identities ?
			 t->o.config.policy.identities[0] : "";
	u8 zeros[MIKEY_KEY_MAX] = { 0 }, plain[64];
	struct mikey_ts start, end, rekey;
	struct mikey_builder keys;
	struct mikey_frame frame;
	size_t i;

	mikey_ts_from_unix(&start, t->now);
	mikey_ts_from_unix(&end, t->now + t->lifetime);
	mikey_open_policy(b, &frame, MIKEY_PL_TP, &head);
	mikey_put_idr(b, MIKEY_IDR_KMS, MIKEY_ID_URI, kms_blob(us, strlen(us)));
	mikey_put_idr(b, MIKEY_IDR_I, MIKEY_ID_NAI,
		      kms_blob(t->from_uid.text, t->from_uid.len));
	mikey_put_tr(b, MIKEY_TR_START, &start);
	mikey_put_tr(b, MIKEY_TR_END, &end);
	if (t->rekey) {
		rekey = (struct mikey_ts) {
			.type = MIKEY_TS_NTP_UTC_32, .value = (u64)t->rekey << 32,
		};
		mikey_put_tr(b, MIKEY_TR_REKEY, &rekey);
	}
	mikey_build_begin(&keys, plain, sizeof(plain));
	mikey_put_key_data(&keys, t->profile->traffic_key,
			   kms_blob(zeros, t->suite->key_len),
			   kms_blob(zeros, MIKEY_SPI_LEN));
	mikey_put_kemac(b, MIKEY_ENCR_NULL, kms_blob(plain, mikey_build_end(&keys)));
	mikey_put_idr(b, MIKEY_IDR_APP, MIKEY_ID_BYTES,
		      kms_blob(MIKEY_APP_PSK_MIME, strlen(MIKEY_APP_PSK_MIME)));
	for (i = 0; i < t->num_to; i++)
		mikey_put_idr(b, MIKEY_IDR_R, MIKEY_ID_NAI,
			      kms_blob(t->to[i].text, t->to[i].len));
	mikey_close_policy(b, &frame);
}

/* A REQUEST_INIT whose MAC is nobody's, parsed into the exchange. */
static int write_request(struct trial *t, struct problem *problem)
{
	struct mikey_blob from = kms_blob(t->from_uid.text, t->from_uid.len);
	u8 rand[MIKEY_KEY_MAX] = { 0 };
	struct mikey_diag diag;
	struct mikey_builder b;
	struct mikey_ts now;
	int len;

	mikey_ts_from_unix(&now, t->now);
	mikey_build_begin(&b, t->message, sizeof(t->message));
	mikey_put_hdr(&b, MIKEY_DT_REQUEST_INIT_PSK, true, t->suite->prf, 1);
	mikey_put_t(&b, &now);
	mikey_put_randr(&b, MIKEY_RANDR_I, kms_blob(rand, t->suite->rand_len));
	mikey_put_idr(&b, MIKEY_IDR_I, MIKEY_ID_NAI, from);
	put_tp(t, &b);
	mikey_put_v(&b, t->suite->auth_alg, t->suite->mac_len);
	len = mikey_build_end(&b);
	if (len < 0)
		return problem_set(problem, len, "too many recipients for a message");
	if (mikey_msg_parse(&t->ex.in, t->message, len,
			    MIKEY_EXT_PROOF_OF_ORIGIN_DEFAULT, &diag))
		return problem_set(problem, -EINVAL, "%s", diag.why);
	return 0;
}

static bool asks_for_groups(const struct kms_policy *policy)
{
	size_t i;

	for (i = 0; i < policy->num_rules; i++)
		if (!policy->rules[i].terms.groups)
			return false;
	return policy->terms.groups;
}

/* As when somebody comes with it to have it resolved. */
static int judge_minted(struct trial *t)
{
	const struct mikey_policy *wanted = &t->ex.in.tp.policy;
	const struct mikey_profile *profile;
	struct mikey_policy ticket = *wanted;
	int ret;

	memset(&ticket.kemac, 0, sizeof(ticket.kemac));
	ret = kms_policy_form(&t->ex, &ticket, false, &profile);
	if (!ret)
		ret = kms_minted_object(&t->ex, &ticket, t->now, &t->answer.why);
	if (!ret && t->answer.why)
		ret = kms_refuse(&t->ex, MIKEY_ERR_AUTH_FAILURE, t->answer.why);
	t->grant.head = ticket;
	t->grant.tr_s = ticket.tr_s;
	t->grant.tr_e = ticket.tr_e;
	t->grant.tr_r = ticket.tr_r;
	return ret;
}

static int judge(struct trial *t, struct problem *problem)
{
	const struct kms_policy *policy = &t->o.config.policy;
	int ret;

	if (!policy->num_identities)
		return problem_set(problem, -EINVAL, "\"identity\" is missing");
	t->ex.policy = policy;
	t->ex.answer = &t->answer;
	t->answer.error_no = -1;
	t->ex.suite = t->suite;
	t->ex.now = t->now;
	if (!(policy->terms.suites & 1U << t->suite->id)) {
		/* Such a PSK opens nothing: it does not come to the policy. */
		kms_refuse(&t->ex, MIKEY_ERR_AUTH_FAILURE, "the suite is not on");
		return 0;
	}
	ret = write_request(t, problem);
	if (!ret && !asks_for_groups(policy))
		ret = kms_attach_store(&t->o, problem);
	if (ret)
		return ret;
	t->ex.store = t->o.database ? &t->o.database->store : NULL;
	ret = t->mode == MIKEY_MODE_KMS ? kms_policy_grant(&t->ex, &t->grant) :
	      judge_minted(t);
	t->granted = !ret;
	return ret < 0 ? problem_set(problem, ret, "the store cannot be read") : 0;
}

static const char *const change_names[] = {
	"initiator", "application", "start", "end", "rekey", "reuse", "cacheable",
};

/* The rule that decides on one recipient; NULL: there are no rules, or none. */
static const struct kms_rule *rule_of(const struct trial *t, size_t i)
{
	const struct kms_rule *rule;
	struct kms_terms terms;

	kms_rules_apply(&t->o.config.policy,
			kms_blob(t->from_uid.text, t->from_uid.len),
			kms_blob(t->to[i].text, t->to[i].len), &terms, &rule);
	return rule;
}

static void print_json(const struct trial *t)
{
	const struct kms_grant *g = &t->grant;
	const struct kms_rule *rule;
	const char *between = "";
	size_t i;

	printf("{\"granted\": %s, \"from\": ", t->granted ? "true" : "false");
	kms_json_text(stdout, t->from_uid.text);
	fputs(", \"to\": [", stdout);
	for (i = 0; i < t->num_to; i++) {
		fputs(i ? ", {\"uid\": " : "{\"uid\": ", stdout);
		kms_json_text(stdout, t->to[i].text);
		rule = rule_of(t, i);
		fputs(", \"rule\": ", stdout);
		if (rule) {
			putchar('{');
			kms_policy_json_place(rule);
			printf(", \"deny\": %s}", rule->deny ? "true" : "false");
		} else {
			fputs("null", stdout);
		}
		putchar('}');
	}
	putchar(']');
	if (!t->granted) {
		printf(", \"error_no\": %d, \"error\": ", t->answer.error_no);
		kms_json_text(stdout, kms_error_name(t->answer.error_no));
		fputs(", \"why\": ", stdout);
		kms_json_text(stdout, t->answer.why);
		puts("}");
		return;
	}
	printf(", \"lifetime\": %lld, \"rekey\": %u, ",
	       (long long)(mikey_ts_to_unix(&g->tr_e) - mikey_ts_to_unix(&g->tr_s)),
	       g->tr_r.present ? (u32)(g->tr_r.value >> 32) : 0);
	printf("\"reuse\": %s, \"cacheable\": %s, \"changed\": [",
	       g->head.flags & MIKEY_FLAG_J ? "true" : "false",
	       g->head.flags & MIKEY_FLAG_E ? "false" : "true");
	for (i = 0; i < KMS_CHANGES; i++) {
		if (!(g->changed & 1U << i))
			continue;
		printf("%s\"%s\"", between, change_names[i]);
		between = ", ";
	}
	printf("], \"flags\": %u, \"k\": %s}\n", g->head.flags,
	       g->head.flags & MIKEY_FLAG_K ? "true" : "false");
}

static void print_rules(const struct trial *t)
{
	bool any = t->o.config.policy.num_rules;
	const struct kms_rule *rule;
	size_t i;

	for (i = 0; i < t->num_to; i++) {
		rule = rule_of(t, i);
		printf("%s: ", t->to[i].text);
		if (rule)
			printf("%s:%u:%u: \"%s\" for \"%s\"%s\n", rule->place.file,
			       rule->place.line, rule->place.column, rule->from,
			       rule->to, rule->deny ? ", denied" : "");
		else
			puts(any ? "no rule allows it" :
			     "there are no rules: everybody for everybody");
	}
}

static const char *mark(const struct trial *t, enum kms_change change)
{
	return t->grant.changed & change ? "  (changed)" : "";
}

static void print_words(const struct trial *t)
{
	const struct kms_grant *g = &t->grant;

	print_rules(t);
	if (!t->granted) {
		printf("refused: %s (Error %d, %s)\n", t->answer.why,
		       t->answer.error_no, kms_error_name(t->answer.error_no));
		return;
	}
	puts(t->mode != MIKEY_MODE_KMS ? "resolved as its initiator makes it" :
	     g->changed ? "granted with changes (K)" : "granted as asked for");
	printf("  valid for    %lld s%s\n",
	       (long long)(mikey_ts_to_unix(&g->tr_e) - mikey_ts_to_unix(&g->tr_s)),
	       mark(t, KMS_CHANGED_END));
	printf("  reuse (J)    %s%s\n", g->head.flags & MIKEY_FLAG_J ? "yes" : "no",
	       mark(t, KMS_CHANGED_REUSE));
	printf("  caching (E0) %s%s\n", g->head.flags & MIKEY_FLAG_E ? "no" : "yes",
	       mark(t, KMS_CHANGED_CACHE));
	if (g->tr_r.present)
		printf("  rekeying     after %u s%s\n", (u32)(g->tr_r.value >> 32),
		       mark(t, KMS_CHANGED_REKEY));
}

static int take_option(struct trial *t, int opt)
{
	switch (opt) {
	case 'p':
		t->profile = mikey_profile_by_name(optarg);
		return t->profile ? 0 : -EINVAL;
	case 'm':
		t->mode = 0;
		return take_mode(t, optarg);
	case 'u':
		t->suite = mikey_suite_by_name(optarg);
		return t->suite ? 0 : -EINVAL;
	case 'f':
		return take_flags(t, optarg);
	case 'l':
		return take_seconds(&t->lifetime, optarg);
	default:
		return take_seconds(&t->rekey, optarg);
	}
}

/* As a client would write it; a wildcard is one here, and no letter. */
static int take_recipient(struct uid *to, const char *text)
{
	if (!strchr(text, '?'))
		return uid_from_text(to, text);
	to->len = strlen(text);
	if (to->len > UID_MAX)
		return -ENAMETOOLONG;
	memcpy(to->text, text, to->len);
	return 0;
}

static int take_recipients(struct trial *t, char *const *texts, size_t num,
			   struct problem *problem)
{
	t->to = calloc(num, sizeof(*t->to));
	if (!t->to)
		return problem_set(problem, -ENOMEM, "no memory");
	for (t->num_to = 0; t->num_to < num; t->num_to++)
		if (take_recipient(&t->to[t->num_to], texts[t->num_to]))
			return problem_set(problem, -EINVAL,
					   "%s: write user@domain, with ? as a wildcard",
					   texts[t->num_to]);
	return 0;
}

static enum kms_exit run(const struct kms_command *self, int argc, char **argv,
			 struct trial *t)
{
	static const struct option options[] = {
		{ "profile", required_argument, NULL, 'p' },
		{ "mode", required_argument, NULL, 'm' },
		{ "suite", required_argument, NULL, 'u' },
		{ "flags", required_argument, NULL, 'f' },
		{ "lifetime", required_argument, NULL, 'l' },
		{ "rekey", required_argument, NULL, 'r' },
		{ 0 }
	};
	struct problem problem = { 0 };
	enum kms_exit status;
	int opt;

	while ((opt = kms_next_option(self, argc, argv, options, &t->common,
				      &status)) >= 0)
		if (take_option(t, opt))
			return kms_misused(self, "\"%s\" is not understood", optarg);
	if (opt == -2)
		return status;
	if (argc - optind < 2 || argc - optind > TO_MAX)
		return kms_misused(self, "give FROM and 1 to %d TO", TO_MAX);
	t->now = time(NULL);
	if (kms_open_config(&t->o, &t->common, &problem) ||
	    kms_uid_argument(&t->from_uid, argv[optind], &problem) ||
	    take_recipients(t, argv + optind + 1, argc - optind - 1, &problem) ||
	    judge(t, &problem))
		return kms_failed(&problem);
	if (t->common.json)
		print_json(t);
	else
		print_words(t);
	return t->granted ? KMS_EXIT_DONE : KMS_EXIT_FAILED;
}

enum kms_exit kms_run_policy_test(const struct kms_command *self, int argc,
				  char **argv)
{
	struct trial *t = calloc(1, sizeof(*t));
	enum kms_exit status;

	if (!t)
		return KMS_EXIT_FAILED;
	t->profile = mikey_profile_by_id(MIKEY_PROFILE_ID_IMMEDIATE);
	t->suite = mikey_suite_by_id(MIKEY_SUITE_ID_256);
	t->mode = MIKEY_MODE_KMS;
	t->flags = MIKEY_FLAG_J | MIKEY_FLAG_E;
	t->lifetime = 3600;
	status = run(self, argc, argv, t);
	kms_close(&t->o);
	free(t->to);
	free(t);
	return status;
}
