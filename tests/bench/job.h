/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The whole job in one process: TRANSFER_INIT and CMS object of a message of
 * profile immediate, suite 256, form AuthEnvelopedData with AES-GCM, with the
 * codecs of the modules. What has a key is done elsewhere.
 */
#ifndef MIKEY_BENCH_JOB_H
#define MIKEY_BENCH_JOB_H

#include "kmod/mime/cms.h"
#include "kmod/wire/label.h"
#include "tests/kselftest/peer.h"

#define JOB_KEY_LEN 32
#define JOB_NONCE_LEN 12
#define JOB_ICV_LEN 16
#define JOB_WRAPPED_LEN (JOB_KEY_LEN + 8)

/* What of a message's body has keys: that of the content under its KEK */
struct job_content {
	const u8 *kek;
	u8 *wrapped;		/* JOB_WRAPPED_LEN bytes */
	const u8 *nonce;
	u8 *data;		/* in place */
	u32 len;
	u8 *icv;
};

/**
 * struct job_keyed - where keyed operations are done
 * @open: for one thread
 * @key: a key of HMAC-SHA-256, JOB_KEY_LEN bytes, for many MACs
 * @hmac: one MAC
 * @once: the MAC under a key that is new and used once
 * @seal: a new content key, wrapped; encrypt
 * @unseal: unwrap and decrypt; false if it does not verify
 *
 * Whatever else goes wrong ends the program.
 */
struct job_keyed {
	const char *name;
	void *(*open)(void);
	void (*close)(void *ctx);
	void *(*key)(void *ctx, const u8 *key);
	void (*key_free)(void *ctx, void *key);
	void (*hmac)(void *ctx, void *key, const struct mikey_blob *seg, u32 num, u8 *mac);
	void (*once)(void *ctx, const u8 *key, const struct mikey_blob *seg, u32 num, u8 *mac);
	void (*seal)(void *ctx, const struct job_content *c);
	bool (*unseal)(void *ctx, const struct job_content *c);
};

extern const struct job_keyed keyed_openssl;
extern const struct job_keyed keyed_softhsm;
extern const struct job_keyed keyed_afalg;

struct job;

/* A job with a ticket that was written; @ticket must outlive it. */
struct job *job_open(const struct job_keyed *keyed, const struct peer_ticket *ticket);
void job_close(struct job *j);

/* TRANSFER_INIT and CMS object; both are the job's until the next call. */
void job_protect(struct job *j, const char *recipient, struct mikey_blob body,
		 struct mikey_blob *transfer, struct mikey_blob *cms);

/* The body, which is the job's until the next call; false: does not verify. */
bool job_unprotect(struct job *j, struct mikey_blob transfer, struct mikey_blob cms,
		   struct mikey_blob *body);

#endif
