/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Looking up a B-TID at a BSF (TS 33.220, reference point Zn) over HTTPS, in the
 * shape of the web service of TS 29.109; docs/gba.md has the messages.
 */
#ifndef HELPER_KMS_BSF_H
#define HELPER_KMS_BSF_H

#include "helper/kms/gba.h"
#include "helper/lib/problem.h"

#define KMS_BSF_ANSWER_MAX 16384

/* What mikey-kms.conf(5) says of it; strings are the configuration's. */
struct kms_bsf_config {
	char *url;			/* NULL: there is no BSF */
	char *address;			/* HOST:PORT instead of the URL's, or NULL */
	char *ca;
	char *certificate;
	char *private_key;
	char **domains;			/* of its B-TIDs */
	size_t num_domains;
	char **uid_domains;		/* of the users that it may name */
	size_t num_uid_domains;
	char *naf;			/* our FQDN in NAF_Id */
	s64 timeout;			/* seconds */
	s64 requests;			/* at once */
	s64 cache;			/* B-TIDs remembered */
};

struct kms_bsf;

struct kms_bsf *kms_bsf_new(const struct kms_bsf_config *config,
			    struct problem *problem);

/* Ends all questions and takes no more. NULL is fine. */
void kms_bsf_stop(struct kms_bsf *bsf);
void kms_bsf_free(struct kms_bsf *bsf);

/**
 * kms_bsf_next() - a B-TID of a request that the BSF has to be asked for
 *
 * What is remembered is put into @gba on the way. Each is returned once.
 * Return: NULL when there is nothing more to wait for.
 */
struct kms_gba_wanted *kms_bsf_next(struct kms_bsf *bsf, struct kms_gba *gba,
				    s64 now);

/**
 * kms_bsf_ask() - ask for it
 * @w: filled in before @done is called, if the BSF knows; stays until then
 * @done: called once in another thread after 0
 *
 * Return: 0, or a negative errno, and it is never called.
 */
int kms_bsf_ask(struct kms_bsf *bsf, struct kms_gba_wanted *w,
		void (*done)(void *ctx), void *ctx);

/**
 * kms_bsf_read() - take in what a BSF answered
 * @entry: filled in after 0; @btid is whom it must be about
 * @why: else a constant sentence
 *
 * Return: 0 or -EBADMSG.
 */
int kms_bsf_read(const struct kms_bsf_config *config, struct mikey_blob btid,
		 const char *text, size_t len, s64 now,
		 struct kms_gba_entry *entry, const char **why);

#endif
