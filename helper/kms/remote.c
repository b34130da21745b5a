// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Asking other servers over HTTPS, with libcurl; see remote.h.
 */
#include <curl/curl.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "helper/kms/remote.h"

#define POLL_MS 1000
/* What certificates said when a connection was made is believed for so long. */
#define CONNECTION_SECONDS 60

struct errand {
	struct errand *next;
	struct kms_target *target;
	CURL *easy;
	struct curl_slist *headers, *connect_to;
	char *body;
	size_t body_len;
	char *answer;
	size_t answer_len;
	bool too_large;
	char error[CURL_ERROR_SIZE];
	kms_remote_fn *done;
	void *ctx;
};

struct kms_remote {
	pthread_t thread;
	bool started;
	pthread_mutex_t lock;
	bool ending;			/* under the lock, as is @fresh */
	struct errand *fresh;		/* not yet begun */
	struct errand *begun;		/* the thread's own */
	CURLM *multi;
	atomic_long renewed;		/* seconds, when connections were last given up */
};

static long now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

static void errand_free(struct errand *e)
{
	curl_easy_cleanup(e->easy);
	curl_slist_free_all(e->headers);
	curl_slist_free_all(e->connect_to);
	if (e->body)
		OPENSSL_cleanse(e->body, e->body_len);
	free(e->body);
	if (e->answer)
		OPENSSL_cleanse(e->answer, e->target->answer_max);
	free(e->answer);
	atomic_fetch_sub(&e->target->waiting, 1);
	free(e);
}

static size_t on_data(char *data, size_t one, size_t len, void *ctx)
{
	struct errand *e = ctx;

	(void)one;
	if (len > e->target->answer_max - e->answer_len) {
		e->too_large = true;
		return 0;
	}
	memcpy(e->answer + e->answer_len, data, len);
	e->answer_len += len;
	return len;
}

/* Which connections may be used again: none from before kms_remote_renew(). */
static CURLcode limit_age(struct errand *e, const struct kms_remote *remote)
{
	/* both are cut to whole seconds, the age by libcurl, too */
	long age = now() - atomic_load(&remote->renewed) - 2;

	if (age < 1)
		return curl_easy_setopt(e->easy, CURLOPT_FRESH_CONNECT, 1L);
	return curl_easy_setopt(e->easy, CURLOPT_MAXLIFETIME_CONN,
				age < CONNECTION_SECONDS ? age : CONNECTION_SECONDS);
}

/* Everything that the connection depends on: 0 or -ENOMEM. */
static int prepare(struct errand *e, const struct kms_remote *remote,
		   const char *type)
{
	const struct kms_target *t = e->target;
	char line[128];
	CURL *c = e->easy;

	snprintf(line, sizeof(line), "Content-Type: %s", type);
	e->headers = curl_slist_append(NULL, line);
	if (t->connect_to)
		e->connect_to = curl_slist_append(NULL, t->connect_to);
	if (!e->headers || !e->connect_to != !t->connect_to)
		return -ENOMEM;
	if (curl_easy_setopt(c, CURLOPT_URL, t->url) ||
	    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "https") ||
	    curl_easy_setopt(c, CURLOPT_NOPROXY, "*") ||
	    curl_easy_setopt(c, CURLOPT_CONNECT_TO, e->connect_to) ||
	    curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) ||
	    curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 1L) ||
	    curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 2L) ||
	    curl_easy_setopt(c, CURLOPT_CAPATH, NULL) ||
	    curl_easy_setopt(c, CURLOPT_CAINFO, t->ca) ||
	    curl_easy_setopt(c, CURLOPT_CRLFILE, t->crl) ||
	    /* else several questions share one, whose age is then not looked at */
	    curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) ||
	    limit_age(e, remote) ||
	    (t->certificate &&
	     (curl_easy_setopt(c, CURLOPT_SSLCERT, t->certificate) ||
	      curl_easy_setopt(c, CURLOPT_SSLKEY, t->private_key))) ||
	    curl_easy_setopt(c, CURLOPT_TIMEOUT, t->timeout) ||
	    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L) ||
	    curl_easy_setopt(c, CURLOPT_ERRORBUFFER, e->error) ||
	    curl_easy_setopt(c, CURLOPT_HTTPHEADER, e->headers) ||
	    curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE, (long)e->body_len) ||
	    curl_easy_setopt(c, CURLOPT_POSTFIELDS, e->body) ||
	    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_data) ||
	    curl_easy_setopt(c, CURLOPT_WRITEDATA, e) ||
	    curl_easy_setopt(c, CURLOPT_PRIVATE, e))
		return -ENOMEM;
	return 0;
}

int kms_remote_post(struct kms_remote *remote, struct kms_target *target,
		    const char *type, const char *body, size_t len,
		    kms_remote_fn *done, void *ctx)
{
	struct errand *e;
	int ret = 0;

	if (atomic_fetch_add(&target->waiting, 1) >= target->most) {
		atomic_fetch_sub(&target->waiting, 1);
		return -EBUSY;
	}
	e = calloc(1, sizeof(*e));
	if (!e) {
		atomic_fetch_sub(&target->waiting, 1);
		return -ENOMEM;
	}
	e->target = target;
	e->done = done;
	e->ctx = ctx;
	e->easy = curl_easy_init();
	e->body = malloc(len + 1);
	e->answer = malloc(target->answer_max);
	if (!e->easy || !e->body || !e->answer) {
		errand_free(e);
		return -ENOMEM;
	}
	memcpy(e->body, body, len);
	e->body_len = len;
	ret = prepare(e, remote, type);
	if (!ret) {
		pthread_mutex_lock(&remote->lock);
		if (remote->ending) {
			ret = -ECANCELED;
		} else {
			e->next = remote->fresh;
			remote->fresh = e;
		}
		pthread_mutex_unlock(&remote->lock);
	}
	if (ret)
		errand_free(e);
	else
		curl_multi_wakeup(remote->multi);
	return ret;
}

/* In words what an errand ended with, or NULL if well. */
static const char *fault(struct errand *e, CURLcode result)
{
	long status = 0;

	curl_easy_getinfo(e->easy, CURLINFO_RESPONSE_CODE, &status);
	if (e->too_large)
		return "it sent too much";
	if (result != CURLE_OK)
		return e->error[0] ? e->error : curl_easy_strerror(result);
	if (status == 200)
		return NULL;
	snprintf(e->error, sizeof(e->error), "HTTP %ld", status);
	return e->error;
}

static void end(struct kms_remote *remote, struct errand *e, const char *why)
{
	struct errand **at;

	for (at = &remote->begun; *at && *at != e; at = &(*at)->next)
		;
	if (*at)
		*at = e->next;
	curl_multi_remove_handle(remote->multi, e->easy);
	e->done(e->ctx, why ? NULL : e->answer, why ? 0 : e->answer_len, why);
	errand_free(e);
}

/* What was handed over since the last time; whether it is to end. */
static bool begin(struct kms_remote *remote)
{
	struct errand *list, *e;
	bool ending;

	pthread_mutex_lock(&remote->lock);
	list = remote->fresh;
	remote->fresh = NULL;
	ending = remote->ending;
	pthread_mutex_unlock(&remote->lock);
	while (list) {
		e = list;
		list = e->next;
		e->next = remote->begun;
		remote->begun = e;
		if (curl_multi_add_handle(remote->multi, e->easy))
			end(remote, e, "no memory");
	}
	return ending;
}

static void *run(void *ctx)
{
	struct kms_remote *remote = ctx;
	struct CURLMsg *done;
	struct errand *e;
	int left;

	while (!begin(remote)) {
		curl_multi_perform(remote->multi, &left);
		while ((done = curl_multi_info_read(remote->multi, &left))) {
			CURLcode result = done->data.result;

			curl_easy_getinfo(done->easy_handle, CURLINFO_PRIVATE, &e);
			end(remote, e, fault(e, result));
		}
		curl_multi_poll(remote->multi, NULL, 0, POLL_MS, NULL);
	}
	while (remote->begun)
		end(remote, remote->begun, "the KMS is stopping");
	return NULL;
}

struct kms_remote *kms_remote_new(struct problem *problem)
{
	struct kms_remote *remote = calloc(1, sizeof(*remote));

	if (!remote) {
		problem_set(problem, -ENOMEM, "no memory");
		return NULL;
	}
	pthread_mutex_init(&remote->lock, NULL);
	atomic_init(&remote->renewed, now() - CONNECTION_SECONDS - 2);
	if (curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK)
		remote->multi = curl_multi_init();
	if (remote->multi)
		remote->started = !pthread_create(&remote->thread, NULL, run, remote);
	if (!remote->started) {
		problem_set(problem, -ENOMEM, "no memory for another thread");
		kms_remote_free(remote);
		return NULL;
	}
	return remote;
}

void kms_remote_renew(struct kms_remote *remote)
{
	atomic_store(&remote->renewed, now());
}

void kms_remote_stop(struct kms_remote *remote)
{
	if (!remote->started)
		return;
	pthread_mutex_lock(&remote->lock);
	remote->ending = true;
	pthread_mutex_unlock(&remote->lock);
	curl_multi_wakeup(remote->multi);
	pthread_join(remote->thread, NULL);
	remote->started = false;
}

void kms_remote_free(struct kms_remote *remote)
{
	if (!remote)
		return;
	kms_remote_stop(remote);
	curl_multi_cleanup(remote->multi);
	pthread_mutex_destroy(&remote->lock);
	free(remote);
}
