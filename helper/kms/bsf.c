// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Looking up B-TIDs at a BSF, and remembering what it said; see bsf.h.
 */
#include <errno.h>
#include <openssl/crypto.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "helper/kms/bsf.h"
#include "helper/kms/event.h"
#include "helper/kms/remote.h"
#include "helper/lib/base64.h"

/* Ua security protocol identifier of MIKEY-TICKET with the KMS (TS 33.328) */
static const u8 ua_protocol[] = { 0x01, 0x00, 0x00, 0x00, 0x06 };

struct kms_bsf {
	const struct kms_bsf_config *config;
	struct kms_remote *remote;
	struct kms_target target;
	char *naf_id;			/* base64 */
	pthread_mutex_t lock;
	size_t next;			/* which of the cache is replaced next */
	struct kms_gba_entry *cache;
};

/* One question, until its answer is in @wanted and the cache, or not. */
struct lookup {
	struct kms_bsf *bsf;
	struct kms_gba_wanted *wanted;
	void (*done)(void *ctx);
	void *ctx;
	char name[KMS_EVENT_NAME_MAX];	/* of the request, for the log */
};

static int make_naf_id(struct kms_bsf *bsf)
{
	size_t len = strlen(bsf->config->naf);
	u8 id[256 + sizeof(ua_protocol)];

	if (len > 255)
		return -EINVAL;
	memcpy(id, bsf->config->naf, len);
	memcpy(id + len, ua_protocol, sizeof(ua_protocol));
	bsf->naf_id = malloc(base64_size(len + sizeof(ua_protocol), 0) + 1);
	if (!bsf->naf_id)
		return -ENOMEM;
	base64_write(bsf->naf_id, id, len + sizeof(ua_protocol), 0);
	return 0;
}

struct kms_bsf *kms_bsf_new(const struct kms_bsf_config *config,
			    struct problem *problem)
{
	struct kms_bsf *bsf = calloc(1, sizeof(*bsf));
	struct kms_target *t;

	if (!bsf) {
		problem_set(problem, -ENOMEM, "no memory");
		return NULL;
	}
	bsf->config = config;
	pthread_mutex_init(&bsf->lock, NULL);
	t = &bsf->target;
	t->ca = config->ca;
	t->certificate = config->certificate;
	t->private_key = config->private_key;
	t->timeout = config->timeout;
	t->most = config->requests;
	t->answer_max = KMS_BSF_ANSWER_MAX;
	t->url = strdup(config->url);
	if (config->address &&
	    asprintf(&t->connect_to, "::%s", config->address) < 0)
		t->connect_to = NULL;
	bsf->cache = calloc(config->cache, sizeof(*bsf->cache));
	if (!t->url || !t->connect_to != !config->address || !bsf->cache ||
	    make_naf_id(bsf))
		problem_set(problem, -ENOMEM, "no memory");
	else
		bsf->remote = kms_remote_new(problem);
	if (bsf->remote)
		return bsf;
	kms_bsf_free(bsf);
	return NULL;
}

void kms_bsf_stop(struct kms_bsf *bsf)
{
	if (bsf)
		kms_remote_stop(bsf->remote);
}

void kms_bsf_free(struct kms_bsf *bsf)
{
	if (!bsf)
		return;
	kms_remote_free(bsf->remote);
	if (bsf->cache)
		OPENSSL_cleanse(bsf->cache,
				bsf->config->cache * sizeof(*bsf->cache));
	free(bsf->cache);
	free(bsf->target.url);
	free(bsf->target.connect_to);
	free(bsf->naf_id);
	pthread_mutex_destroy(&bsf->lock);
	free(bsf);
}

/* From the cache, where what is over is wiped as it is met. */
static bool find(struct kms_bsf *bsf, struct kms_gba_wanted *w, s64 now)
{
	struct kms_gba_entry *e;
	s64 i;

	pthread_mutex_lock(&bsf->lock);
	for (i = 0; i < bsf->config->cache; i++) {
		e = &bsf->cache[i];
		if (e->btid_len && e->expires <= now)
			OPENSSL_cleanse(e, sizeof(*e));
		if (!w->found && e->btid_len == w->btid_len &&
		    !memcmp(e->btid, w->btid, w->btid_len)) {
			w->entry = *e;
			w->found = true;
		}
	}
	pthread_mutex_unlock(&bsf->lock);
	return w->found;
}

static void keep(struct kms_bsf *bsf, const struct kms_gba_entry *entry)
{
	size_t num = bsf->config->cache, at, i;

	pthread_mutex_lock(&bsf->lock);
	at = bsf->next % num;
	for (i = 0; i < num; i++)
		if (bsf->cache[i].btid_len == entry->btid_len &&
		    !memcmp(bsf->cache[i].btid, entry->btid, entry->btid_len))
			at = i;
	if (at == bsf->next % num)
		bsf->next++;
	bsf->cache[at] = *entry;
	pthread_mutex_unlock(&bsf->lock);
}

static void on_answer(void *ctx, const char *body, size_t len, const char *why)
{
	struct lookup *l = ctx;
	struct kms_gba_wanted *w = l->wanted;
	struct mikey_blob btid = { w->btid, w->btid_len };

	if (!why && !kms_bsf_read(l->bsf->config, btid, body, len, time(NULL),
				  &w->entry, &why)) {
		w->found = true;
		keep(l->bsf, &w->entry);
	}
	if (why)
		log_event(WARNING, "bsf-failed", log_text("req", l->name),
			  log_bytes("btid", (const char *)w->btid, w->btid_len),
			  log_text("reason", why));
	l->done(l->ctx);
	free(l);
}

/* Letters, digits and what else a B-TID is made of: nothing for XML to see. */
static bool is_plain(const u8 *p, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (p[i] <= ' ' || p[i] >= 0x7f || strchr("<>&\"'", p[i]))
			return false;
	return true;
}

int kms_bsf_ask(struct kms_bsf *bsf, struct kms_gba_wanted *w,
		void (*done)(void *ctx), void *ctx)
{
	struct lookup *l = calloc(1, sizeof(*l));
	char *body = NULL;
	int ret = -ENOMEM, len;

	if (!l || !is_plain(w->btid, w->btid_len))
		goto out;
	l->bsf = bsf;
	l->wanted = w;
	l->done = done;
	l->ctx = ctx;
	snprintf(l->name, sizeof(l->name), "%s", kms_event_current());
	len = asprintf(&body,
		       "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		       "<soap:Envelope xmlns:soap=\"http://schemas.xmlsoap.org/soap/envelope/\">\n"
		       "<soap:Body><requestBootstrappingInfo>\n"
		       "<btid>%.*s</btid><nafId>%s</nafId>\n"
		       "</requestBootstrappingInfo></soap:Body>\n</soap:Envelope>\n",
		       (int)w->btid_len, w->btid, bsf->naf_id);
	if (len < 0) {
		body = NULL;
		goto out;
	}
	ret = kms_remote_post(bsf->remote, &bsf->target, "text/xml", body, len,
			      on_answer, l);
	if (!ret)
		l = NULL;
	else
		log_event(WARNING, "bsf-not-asked", kms_event_req(),
			  log_text("reason", ret == -EBUSY ?
				   "too many wait for it already" :
				   "it cannot be asked now"));
out:
	free(body);
	free(l);
	return ret;
}

struct kms_gba_wanted *kms_bsf_next(struct kms_bsf *bsf, struct kms_gba *gba,
				    s64 now)
{
	struct kms_gba_wanted *w;
	u32 i;

	for (i = 0; i < gba->num; i++) {
		w = &gba->wanted[i];
		if (w->found || find(bsf, w, now) || w->tried)
			continue;
		w->tried = true;
		return w;
	}
	return NULL;
}
