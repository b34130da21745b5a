/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The core of the key management service: one MIKEY message in, one out
 * (RFC 6043 4.2.1 and 4.2.3 as seen by the KMS).
 *
 * No network, no database, no files: the world is reached through three small
 * interfaces (store, clock, randomness), so that tests run the whole core in
 * process and reproduce messages byte for byte.
 */
#ifndef HELPER_KMS_KMS_H
#define HELPER_KMS_KMS_H

#include "kmod/wire/message.h"
#include "kmod/wire/profile.h"

struct kms_limit;
struct kms_store;
struct kms_pending;

/* What a random value is for; a test gives each use its own bytes. */
enum kms_random_use {
	KMS_RANDOM_MPK,
	KMS_RANDOM_TRAFFIC_KEY,
	KMS_RANDOM_SPI,
	KMS_RANDOM_TICKET_RAND,
	KMS_RANDOM_RANDR_KMS,
	KMS_RANDOM_ZK_CSB_ID,
	KMS_RANDOM_ZK_RANDR,
	KMS_RANDOM_DUMMY_KEY,
};

/**
 * struct kms_env - where time and randomness come from
 * @now: Unix time in seconds
 * @random: fill @len bytes; 0, or -EIO when there is no entropy
 * @ctx: handed to both
 */
struct kms_env {
	s64 (*now)(void *ctx);
	int (*random)(void *ctx, enum kms_random_use use, u8 *buf, size_t len);
	void *ctx;
};

/* The system's clock and OpenSSL's generator for private values. */
extern const struct kms_env kms_env_system;

/* Which wildcards an IDRr of a request may have ('?' is zero or more). */
enum kms_wildcards {
	KMS_WILDCARDS_NONE,
	KMS_WILDCARDS_USER,		/* in the user part only */
	KMS_WILDCARDS_ANY,		/* also ?@? (readable by everybody) */
};

/**
 * struct kms_terms - what a ticket may be
 * @max_lifetime: longest validity period, in seconds
 * @max_responders: most IDRr in one ticket
 * @rekey: longest rekeying interval (TRr) in seconds, written into every
 *	ticket; 0: whatever is asked for, and none if nothing is
 * @reuse: whether J (the ticket may be reused) is granted
 * @cacheable: whether E0 (a responder may keep what it resolved) is granted
 *	where the profile and J allow it
 * @groups: whether it may be for a group
 * @profiles: bit (1 << id) for each profile that may be
 * @modes: bit (1 << mode) for each mode that may be
 * @suites: bit (1 << id) for each suite that may be
 */
struct kms_terms {
	s64 max_lifetime;
	s64 max_responders;
	s64 rekey;
	bool reuse;
	bool cacheable;
	bool groups;
	enum kms_wildcards wildcards;
	u32 profiles;
	u32 modes;
	u32 suites;
};

/* Where something was written; @column from 1, 0 if it is not known. */
struct kms_place {
	const char *file;
	unsigned int line;
	unsigned int column;
};

/*
 * Users that match @from may have tickets for recipients that match @to, on
 * these terms; with @deny they may not.
 */
struct kms_rule {
	const char *from;
	const char *to;
	bool deny;
	struct kms_terms terms;
	struct kms_place place;
};

/**
 * struct kms_peer - another KMS, whose tickets our users may have resolved and
 *	whose users may have ours resolved (TS 33.328 B.2.3, Zk)
 * @name: how the operator calls it
 * @identities: the IDRkms of its tickets; no two peers share one
 * @domains: whose users it speaks for, in lower case; the same
 * @asked: there is a way to ask it
 */
struct kms_peer {
	const char *name;
	const char *const *identities;
	size_t num_identities;
	const char *const *domains;
	size_t num_domains;
	bool asked;
};

/**
 * struct kms_policy - what this KMS grants
 * @identities: IDRkms values it answers to, base URLs, at least one
 * @skew: seconds a request's time may differ from ours
 * @terms: profiles, modes and suites that are on at all; and what is granted
 *	where there are no rules
 * @rules: who may ask for whom, the first that fits (rule.h); with none,
 *	everybody for everybody
 * @peers: other KMSs; with none, there is only our own domain
 *
 * What a ticket of mode 1 was granted once is not asked again when it is
 * resolved. A ticket of mode 3 is never asked for, so that all of this is
 * asked at each resolve.
 */
struct kms_policy {
	const char *const *identities;
	size_t num_identities;
	s64 skew;
	struct kms_terms terms;
	const struct kms_rule *rules;
	size_t num_rules;
	const struct kms_peer *const *peers;
	size_t num_peers;
};

/**
 * kms_policy_defaults() - a policy that only lacks identities
 *
 * Skew 60 s, lifetime 7 days, 100 responders, no rekeying interval, reuse
 * granted, E0 not, groups, wildcards in the user part, both profiles and modes,
 * suite 256, no rules.
 */
void kms_policy_defaults(struct kms_policy *p);

struct kms;

/**
 * kms_new() - a KMS core
 * @policy: kept by the caller, unchanged, until kms_free()
 * @env: copied
 *
 * Return: NULL without memory, entropy or cryptography (never half of one).
 */
struct kms *kms_new(const struct kms_policy *policy, const struct kms_env *env);
void kms_free(struct kms *kms);

/**
 * kms_set_limit() - how often each IDRpsk may ask for something
 * @limit: kept by the caller until kms_free(); NULL: as often as it likes
 *
 * Before anything else. Only requests whose MAC is right, and that were never
 * seen before, take a token: nobody uses up what is another's.
 */
void kms_set_limit(struct kms *kms, struct kms_limit *limit);

/* Told with the argument once nothing uses a policy any more; at any thread. */
typedef void (kms_policy_done_fn)(void *arg);

/**
 * kms_set_policy() - another policy from the next message on
 * @policy: kept by the caller, unchanged, until @done is called. Its identities
 *	and peers are those of the one before
 *
 * Exchanges that have begun end under the policy they began with.
 * Return: 0 or -ENOMEM, and nothing has changed.
 */
int kms_set_policy(struct kms *kms, const struct kms_policy *policy,
		   kms_policy_done_fn *done, void *arg);

/* What the two addresses of Annex A accept. */
enum kms_exchange_kind {
	KMS_TICKET_REQUEST,		/* requesttype=ticketrequest */
	KMS_TICKET_RESOLVE,		/* requesttype=ticketresolve */
};

/* What a grant has otherwise than it was asked for (flag K), as bits. */
enum kms_change {
	KMS_CHANGED_INITIATOR = 1 << 0,
	KMS_CHANGED_APP = 1 << 1,
	KMS_CHANGED_START = 1 << 2,
	KMS_CHANGED_END = 1 << 3,
	KMS_CHANGED_REKEY = 1 << 4,
	KMS_CHANGED_REUSE = 1 << 5,
	KMS_CHANGED_CACHE = 1 << 6,
	KMS_CHANGES = 7
};

#define KMS_NAME_MAX 255

/**
 * struct kms_deed - what an exchange was about, for the audit trail and the log
 * @psk_id: as it was claimed
 * @requester: IDRi or IDRr of the request
 * @policy: what was asked for, or that of the ticket; with @has_policy only
 * @start, @end, @flags: of the ticket, as granted
 * @changed: enum kms_change bits
 * @tpk_len, @tpk: name of what protects the ticket
 * @matched_len, @matched: the identity that a ticket was resolved for
 *
 * Blobs point into the message that was handled. Nothing in here is secret.
 */
struct kms_deed {
	struct mikey_blob psk_id;
	struct mikey_blob requester;
	bool has_policy;
	struct mikey_policy policy;
	s64 start;
	s64 end;
	u16 flags;
	u32 changed;
	u8 tpk_len;
	u8 tpk[KMS_NAME_MAX];
	u8 matched_len;
	u8 matched[MIKEY_UID_MAX];
};

/**
 * struct kms_answer - what kms_handle() has to say
 * @len: length of @buf, a MIKEY message
 * @error_no: -1 for a RESP, else the Error no of the MIKEY Error message
 * @authentic: the request's MAC verified; an Error then carries V
 * @why: for the operator's log: a constant sentence, NULL if none
 * @who: the same: the PSK id if the request could be read, in printable form
 * @retry_after: after -EDQUOT: in how many seconds there will be a token
 * @pending: after KMS_WAITS: the exchange, which kms_pending_free() ends
 * @deed: the same in parts, as long as the message is kept
 */
struct kms_answer {
	u8 buf[MIKEY_MSG_MAX];
	size_t len;
	int error_no;
	bool authentic;
	const char *why;
	char who[2 * MIKEY_UID_MAX];
	unsigned int retry_after;
	struct kms_pending *pending;
	struct kms_deed deed;
};

/* Returned by kms_handle(): go on with kms_pending_finish(). */
#define KMS_WAITS 1

/**
 * kms_handle() - answer one message
 * @kms: the core; any number of threads at once, each with its own @store
 * @store: where users, groups and keys are
 * @kind: at which address it arrived
 * @msg: the message, @len bytes
 * @answer: filled in
 *
 * Unknown users, wrong MACs and everything malformed behind a readable HDR
 * get the same Error in the same time; so do, among authenticated requests,
 * all tickets that the requester may not have.
 *
 * Return: 0, and @answer is to be sent, whether RESP or Error; KMS_WAITS if a
 * peer has to be asked first, which a policy without peers never leads to;
 * -EBADMSG if it is no MIKEY message at all, so that there is nothing to echo;
 * -EDQUOT if its PSK has asked for too much (kms_set_limit());
 * -EAGAIN if the store is busy; -EIO if store, randomness or cryptography
 * failed. After an error only @why is set.
 */
int kms_handle(struct kms *kms, struct kms_store *store,
	       enum kms_exchange_kind kind, const u8 *msg, size_t len,
	       struct kms_answer *answer);

/**
 * kms_handle_peer() - answer a RESOLVE_INIT that a peer sent over Zk
 * @peer: whose certificate was verified
 *
 * The peer speaks for the users of its domains and nobody else; what is asked
 * of a ticket is what is asked when an own user comes with it. Nothing is ever
 * passed on to a third KMS.
 * Return: as kms_handle(), but never KMS_WAITS.
 */
int kms_handle_peer(struct kms *kms, struct kms_store *store,
		    const struct kms_peer *peer, const u8 *msg, size_t len,
		    struct kms_answer *answer);

/* Whom to ask, and with which message; both live as long as @pending. */
const struct kms_peer *kms_pending_peer(const struct kms_pending *pending);
struct mikey_blob kms_pending_message(const struct kms_pending *pending);

/**
 * kms_pending_finish() - answer the user, now that the peer has answered
 * @pending: once for each
 * @reply: the peer's message, which is checked; to be wiped by the caller
 *
 * The message and the answer that kms_handle() was given must still be there:
 * the answer is filled in. No store is needed any more, and any thread may
 * call it.
 * Return: 0, and the answer is to be sent; -EAGAIN if the reply is not one that
 * the user can be given, nor a refusal: who asks again may have better luck;
 * -EIO.
 */
int kms_pending_finish(struct kms_pending *pending, const u8 *reply, size_t len);

void kms_pending_free(struct kms_pending *pending);

/* A name for an Error no (RFC 3830 6.12, RFC 6043 6.9). */
const char *kms_error_name(int error_no);

#endif
