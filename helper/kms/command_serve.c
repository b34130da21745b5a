// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * serve: everything started in order, everything stopped in reverse.
 */
#include <errno.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "helper/kms/commands.h"
#include "helper/kms/http.h"
#include "helper/kms/limit.h"
#include "helper/kms/reload.h"
#include "helper/lib/log.h"
#include "helper/lib/version.h"

#define MAINTAIN_SECONDS 3600

/* Blocked before any thread is started, so that only serve() sees them. */
static void block_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGHUP);
	sigprocmask(SIG_BLOCK, set, NULL);
	signal(SIGPIPE, SIG_IGN);
}

/* With the port that was taken, where any was right. */
static void tell_address(const char *to, const struct kms_listen *l, unsigned int port)
{
	char at[256];

	snprintf(at, sizeof(at), "%s://%.*s:%u", l->tls ? "https" : "http",
		 (int)(strrchr(l->text, ':') - l->text), l->text, port);
	log_event(INFO, "listening", log_text("to", to), log_text("at", at));
}

static void announce(const struct kms_config *config,
		     const struct kms_http *http)
{
	const struct kms_listen *l;
	size_t i;

	for (i = 0; i < config->num_listen; i++) {
		l = &config->listen[i];
		tell_address(l->peers ? "peers" : "users", l, kms_http_port(http, i));
	}
	l = &config->admin;
	if (l->text && l->address.ss_family == AF_UNIX)
		log_event(INFO, "listening", log_text("to", "admin"), log_text("at", l->text));
	else if (l->text)
		tell_address("admin", l, kms_http_admin_port(http));
}

/* Under another key since a moment ago: with ours nothing can be read any more. */
static bool is_rekeyed(struct kms_opened *o, struct problem *problem)
{
	return kms_database_check_key(o->database, problem) == -EKEYREJECTED;
}

/* A TPK that is due, and its line in the audit trail. */
static int maintain(struct kms_opened *o, struct kms_recorder *recorder,
		    struct problem *problem)
{
	char made[KMS_TPK_NAME_MAX];
	int ret;

	ret = kms_tpk_maintain(o->database, time(NULL), o->config.tpk_lifetime,
			       made, problem);
	if (ret || !*made)
		return ret;
	log_event(INFO, "tpk-made", log_text("tpk", made));
	return kms_record_event(recorder, "tpk", made, problem);
}

/* SIGHUP: the policy, and whom to trust no more. Each stays if it is not good. */
static void reload(struct kms_opened *o, struct kms_http *http,
		   const struct kms_parts *parts)
{
	struct problem problem;

	kms_reload(parts->kms, &o->config, o->config_file, parts->recorder);
	if (!kms_http_renew(http, &problem))
		return;
	log_event(ERROR, "lists-not-read", log_text("reason", problem.words));
	if (kms_record_event(parts->recorder, "reload", "revocation lists not taken",
			     &problem))
		log_event(ERROR, "not-recorded", log_text("reason", problem.words));
}

static int wait_for_end(struct kms_opened *o, struct kms_http *http,
			const struct kms_parts *parts, const sigset_t *set,
			const char **why, struct problem *problem)
{
	struct timespec second = { .tv_sec = 1 };
	unsigned int ticks = 0;
	int sig;

	for (;;) {
		kms_status_look(parts->status, o->database);
		sig = sigtimedwait(set, NULL, &second);
		if (sig == SIGHUP)
			reload(o, http, parts);
		else if (sig > 0)
			break;
		kms_http_tick(http);
		if (is_rekeyed(o, problem))
			return problem_set(problem, -EKEYREJECTED,
					   "the store was encrypted under another key: start again with the new one");
		if (++ticks % MAINTAIN_SECONDS == 0 &&
		    maintain(o, parts->recorder, problem))
			log_event(WARNING, "tpk-not-made", log_text("reason", problem->words));
	}
	*why = strsignal(sig);
	log_event(INFO, "ending", log_text("signal", *why));
	return 0;
}

static int answer(struct kms_opened *o, struct kms_recorder *recorder,
		  const sigset_t *set, struct problem *problem)
{
	struct kms_parts parts = {
		.config = &o->config,
		.recorder = recorder,
	};
	struct kms_limit *limit = NULL;
	struct kms_http *http = NULL;
	const char *why = "";
	int ret = 0;

	/*
	 * For all addresses together: nobody holds one while it waits for a client
	 * or for another server, and a database has not many to give.
	 */
	parts.pool = kms_pool_new(o->config.store, o->seal, o->config.threads, problem);
	if (!parts.pool)
		return problem->error;
	parts.kms = kms_new(&o->config.policy, &kms_env_system);
	if (o->config.psk_rate)
		limit = kms_limit_new(o->config.psk_rate, o->config.psk_burst);
	parts.status = kms_status_new(&o->config, recorder);
	if (!parts.kms || !parts.status || !limit != !o->config.psk_rate) {
		problem_set(problem, -EIO, "no memory, or no cryptography");
	} else {
		kms_set_limit(parts.kms, limit);
		http = kms_http_start(&parts, problem);
	}
	if (http) {
		announce(&o->config, http);
		ret = wait_for_end(o, http, &parts, set, &why, problem);
	} else {
		ret = problem->error;
	}
	kms_http_stop(http);
	kms_status_free(parts.status);
	kms_free(parts.kms);
	kms_limit_free(limit);
	kms_pool_free(parts.pool);
	if (!ret)
		ret = kms_record_event(recorder, "stop", why, problem);
	return ret;
}

static int serve(struct kms_opened *o, const sigset_t *set,
		 struct problem *problem)
{
	struct kms_recorder *recorder = NULL;
	int ret;

	ret = kms_config_can_serve(&o->config, problem);
	if (ret)
		return ret;
	kms_log_doubts(o->config_file);
	o->audit = kms_config_audit(&o->config, problem);
	ret = problem->error;
	if (!ret) {
		recorder = kms_recorder_new(o->audit, o->config.audit_must);
		ret = recorder ? kms_record_event(recorder, "start", MIKEY_RELEASE,
						  problem) :
		      problem_set(problem, -ENOMEM, "no memory");
	}
	if (!ret)
		ret = maintain(o, recorder, problem);
	if (!ret)
		ret = answer(o, recorder, set, problem);
	kms_recorder_free(recorder);
	kms_audit_close(o->audit);
	o->audit = NULL;
	return ret;
}

enum kms_exit kms_run_serve(const struct kms_command *self, int argc,
			    char **argv)
{
	struct kms_common common = { 0 };
	struct problem problem = { 0 };
	struct kms_opened o = { 0 };
	enum kms_exit status;
	sigset_t set;

	if (!kms_no_arguments(self, argc, argv, &common, &status))
		return status;
	block_signals(&set);
	sql_setup_log();
	status = KMS_EXIT_DONE;
	if (kms_open_store(&o, &common, &problem) ||
	    serve(&o, &set, &problem))
		status = kms_failed(&problem);
	kms_close(&o);
	return status;
}
