/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One exchange while it is being answered: what handle.c has verified and
 * issue.c and resolve.c build upon.
 */
#ifndef HELPER_KMS_EXCHANGE_H
#define HELPER_KMS_EXCHANGE_H

#include <pthread.h>
#include <stdatomic.h>

#include "helper/kms/crypto.h"
#include "helper/kms/held.h"
#include "helper/kms/kms.h"
#include "helper/kms/store.h"
#include "kmod/wire/builder.h"

struct kms {
	struct kms_held *policy;	/* see held.h */
	pthread_mutex_t policy_lock;
	struct kms_env env;
	struct kms_limit *limit;
	struct kms_crypto *crypto;
	atomic_int_fast64_t last_t;
	/* Stands in for keys that do not exist, so that time does not tell. */
	u8 dummy_key[MIKEY_KEY_MAX];
};

/* Returned by steps of an exchange: an Error is to be sent. */
#define KMS_REFUSED 1

/*
 * @held: what keeps @policy, which is the one in force when the exchange began
 * @peer: who asks over Zk; NULL where a user does
 */
struct kms_exchange {
	struct kms *kms;
	struct kms_held *held;
	const struct kms_policy *policy;
	const struct kms_peer *peer;
	struct kms_store *store;
	struct mikey_msg in;
	const struct mikey_suite *suite;
	struct kms_psk psk;
	struct kms_message_keys request_keys;	/* auth only */
	s64 now;
	s64 t;				/* T of the answer, Unix time */
	struct kms_answer *answer;
};

/**
 * kms_refuse() - note that this exchange ends in an Error
 * @why: a constant sentence for the operator; the peer gets only @no
 *
 * Return: KMS_REFUSED, for the caller to return.
 */
int kms_refuse(struct kms_exchange *ex, enum mikey_err_no no, const char *why);

/**
 * kms_error_build() - write the Error that was noted into the answer
 *
 * HDR with PRF and CSB ID of the message at fault, fresh T, ERR and, where
 * the request was authentic, V under its auth_key (RFC 6043 5.4).
 * Return: 0 or -EIO.
 */
int kms_error_build(struct kms_exchange *ex);

/**
 * kms_answer_sign() - put V behind a response and finish it
 * @auth: the response's auth_key
 *
 * The MAC covers the response and the whole initial message (RFC 6043 5.5).
 * To a peer TLS protects it: V is NULL.
 * Return: 0 or -EIO.
 */
int kms_answer_sign(struct kms_exchange *ex, struct mikey_builder *b,
		    const u8 *auth);

/* HDR and T of a response: PRF and CSB ID repeated, V0, T fresh. */
void kms_answer_begin(struct kms_exchange *ex, struct mikey_builder *b,
		      enum mikey_data_type type);

/*
 * The two exchanges behind the common checks: 0, KMS_REFUSED or -errno;
 * kms_resolve() also KMS_ASKS: answer->pending is whom and what.
 */
#define KMS_ASKS 2
int kms_issue(struct kms_exchange *ex);
int kms_resolve(struct kms_exchange *ex);

/* The checks that come behind who is asking, for handle.c and zk.c. */
int kms_check_head(struct kms_exchange *ex, const struct mikey_rand *rand);
int kms_check_us(struct kms_exchange *ex);

/*
 * What the exchange is about, for the audit trail, once the message is parsed:
 * @who asks, with which desired policy or ticket.
 */
void kms_note_deed(struct kms_exchange *ex, const struct mikey_id *who,
		   bool initiator);

/**
 * kms_admit() - time and replay (RFC 3830 5.4)
 * @from: whose times and counters these are: IDRpsk, or a peer's name
 *
 * Return: 0 and @ex->t set, KMS_REFUSED, -EAGAIN or -EIO.
 */
int kms_admit(struct kms_exchange *ex, struct mikey_blob from);

/* What ends kms_handle() and its like: Errors are built, leftovers wiped. */
int kms_conclude(struct kms_exchange *ex, int ret);

/* Later in it: @ex->now set anew, and the least T that the answer may have. */
s64 kms_time_again(struct kms_exchange *ex);

/* Begin an exchange: 0, or -EBADMSG if there is nothing to echo. */
int kms_begin(struct kms_exchange *ex, struct kms *kms,
	      const u8 *msg, size_t len);

/* Into @out, with what is not printable escaped. */
void kms_print_blob(char *out, size_t size, struct mikey_blob b);

#endif
