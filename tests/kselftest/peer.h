/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A KMS and a sender inside a test: answers the modules' REQUEST_INIT and
 * RESOLVE_INIT, makes TRANSFER_INITs for them and opens theirs; honestly, or
 * with any field, key or byte bent.
 *
 * Everything is a plan: peer_*_plan() fills in what an honest peer would say,
 * the test changes what it likes, peer_*_write() encodes, encrypts and
 * computes the MACs over what the plan says by then. A plan's bend() sees the
 * encoded message just before its MAC is computed; what is changed behind
 * peer_*_write() the MAC does not know of.
 *
 * Messages are coded with kmod/wire; labels, coverage of MACs and all
 * cryptography (OpenSSL) are written anew, so that they check the modules'.
 * Keys here are known to the test and so are not secret; nothing is wiped.
 */
#ifndef MIKEY_TEST_PEER_H
#define MIKEY_TEST_PEER_H

#include "kmod/wire/builder.h"
#include "kmod/wire/profile.h"

#define PEER_KEY_MAX 64		/* longer than any suite's, to say too much */
#define PEER_KEYS_MAX 6
#define PEER_RESPONDERS_MAX 300
#define PEER_APPS_MAX 4

/**
 * struct peer_msg - a message under construction
 * @cut_at: start of what the MAC leaves out (TRANSFER_INIT's Initiator Data)
 * @cut_len: its length
 */
struct peer_msg {
	u32 len;
	u32 cut_at;
	u32 cut_len;
	u8 p[MIKEY_MSG_MAX + 4096];
};

/* Replace @del bytes at @at by @add; keeps track of what the MAC leaves out. */
void peer_splice(struct peer_msg *m, u32 at, u32 del, const void *add, u32 len);

typedef void (*peer_bend)(struct peer_msg *m, void *arg);

struct peer_key {
	u8 type;			/* enum mikey_key_type */
	u8 key[PEER_KEY_MAX];
	u32 key_len;
	u8 spi[255];
	u32 spi_len;
};

struct peer_psk {
	struct mikey_id id;		/* IDRpsk */
	u8 key[PEER_KEY_MAX];
	u32 len;
};

/* The keys of one message (RFC 6043 5.1.2), or of a ticket (A.2.1). */
struct peer_message_keys {
	u8 encr[MIKEY_KEY_MAX];
	u8 auth[MIKEY_MAC_MAX];
	u8 salt[MIKEY_SALT_LEN];
};

/* The KEKs of a crypto session (5.1.3), suite->key_len bytes each. */
struct peer_keks {
	u8 tek[MIKEY_KEY_MAX];
	u8 auth[MIKEY_KEY_MAX];
	u8 encr[MIKEY_KEY_MAX];
};

/* Values for plans; the text must outlive them. */
struct mikey_id peer_nai(const char *uid);
struct mikey_id peer_uri(const char *uri);
struct mikey_id peer_bytes(const char *bytes);
struct mikey_ts peer_time(s64 unix_seconds);	/* NTP-UTC-32 */
struct mikey_ts peer_now(void);
void peer_random(void *p, u32 len);

/* Length of a V's MAC. */
u32 peer_mac_len(u8 auth_alg);

/**
 * struct peer_policy - a Ticket Policy
 * @head: type, PRF, flags, identities, times and KEMAC; of tp_data, num_* and
 *	first_* nothing is used. What is not present is left out.
 */
struct peer_policy {
	struct mikey_policy head;
	struct mikey_id app[PEER_APPS_MAX];
	u32 num_apps;
	struct mikey_id responder[PEER_RESPONDERS_MAX];
	u32 num_responders;
};

/**
 * struct peer_ticket - a ticket and all that its KMS knows about it
 * @profile: what its keys and messages are like
 * @bend: of the ticket from Ticket Type on, before its MAC
 * @body: set by peer_ticket_write(): Ticket Type to the end of Ticket Data
 * @mpk_i: set with @mpk_r by peer_ticket_plan() and peer_ticket_derive()
 */
struct peer_ticket {
	const struct mikey_suite *suite;
	const struct mikey_profile *profile;
	struct peer_policy policy;
	u8 tpk[MIKEY_KEY_MAX];
	struct mikey_id tpk_id;
	struct mikey_blob thdr;
	struct mikey_ts issued;
	u8 rand[255];
	u32 rand_len;
	struct peer_key mpk;
	struct peer_key traffic;
	peer_bend bend;
	void *arg;

	u8 mpk_i[MIKEY_KEY_MAX];
	u8 mpk_r[MIKEY_KEY_MAX];
	struct peer_msg body;
};

/*
 * A ticket of profile immediate, suite 256, that @initiator might have got
 * at @kms, valid from an hour ago for a day.
 */
void peer_ticket_plan(struct peer_ticket *t, const char *kms,
		      const char *initiator, const char *responder);

/**
 * struct peer_kind - which profile and suite
 * @profile, @suite: their numbers, 0 for immediate and 256
 */
struct peer_kind {
	u32 profile;
	u32 suite;
};

/* KIND(ANNEX_I, 128): what a variant has, if that is a struct peer_kind kind */
#define KIND(profile_name, suite_name) \
	.kind = { MIKEY_PROFILE_##profile_name, MIKEY_SUITE_##suite_name }

/* The same of another profile and suite. */
void peer_ticket_plan_kind(struct peer_ticket *t, struct peer_kind kind,
			   const char *kms, const char *initiator,
			   const char *responder);

/* Make the plan that of a ticket which its initiator made (mode 3). */
void peer_ticket_mint(struct peer_ticket *t, const struct peer_psk *psk);

/**
 * peer_ticket_open() - open a minted ticket as its KMS
 * @t: keys, and all that peer_transfer_open() compares, are filled in; its
 *	policy's identities point into @ticket
 *
 * Return: 0; the codec's errors; -EKEYREJECTED: the MAC; -EINVAL: not what a
 * good module puts into a ticket of @kind.
 */
int peer_ticket_open(struct peer_ticket *t, struct peer_kind kind,
		     const struct peer_psk *psk,
		     const struct mikey_ticket_payload *ticket);

/* MPKi and MPKr anew after mpk or rand was changed. */
void peer_ticket_derive(struct peer_ticket *t);
void peer_ticket_write(struct peer_ticket *t);

/**
 * struct peer_answer - REQUEST_RESP, RESOLVE_RESP or Error
 * @ticket: written as part of the answer; NULL for none
 * @initiator_data: of @ticket, empty in an honest REQUEST_RESP
 * @keys: plain text of the KEMAC
 * @fork_from: MPKr, where there is key forking, of which keys[1] is made when
 *	the answer is written; NULL to take the keys as they are
 * @mac: V with @auth_alg; without it there is no V at all
 * @mk: keys of the answer; @mk_initial: those of the initial message, which
 *	an Error is authenticated with
 * @behind: what the MAC covers behind the message: the initial message
 * @behind_len: its length
 * @bend_plain: of the KEMAC's plain text before it is encrypted
 * @bend: of the message before its MAC
 *
 * A plan points into itself: do not copy it.
 */
struct peer_answer {
	const struct mikey_suite *suite;
	u8 type;			/* enum mikey_data_type */
	bool v;
	u8 prf;
	u32 csb_id;
	struct mikey_ts t;
	struct mikey_id idr_kms;
	struct peer_ticket *ticket;
	struct mikey_blob initiator_data;
	bool kemac;
	u8 encr_alg;
	struct peer_key keys[PEER_KEYS_MAX];
	u32 num_keys;
	struct mikey_id idr_r;
	u8 randr_kms[255];
	u32 randr_kms_len;
	const u8 *fork_from;
	struct mikey_err err;
	struct mikey_ext ext;
	bool mac;
	u8 auth_alg;
	struct peer_message_keys mk;
	struct peer_message_keys mk_initial;
	u8 behind[MIKEY_MSG_MAX];
	u32 behind_len;
	peer_bend bend_plain;
	peer_bend bend;
	void *arg;
};

/**
 * peer_grant_plan() - the KMS's answer to a REQUEST_INIT
 * @a: REQUEST_RESP as an honest KMS would give it
 * @t: the ticket in it, as wished; J as asked for
 *
 * The length of @psk tells the suite, the flags tell the profile. Return: 0;
 * the codec's errors; -EKEYREJECTED if the MAC is wrong, -EINVAL if the request
 * is not what a good module sends.
 */
int peer_grant_plan(struct peer_answer *a, struct peer_ticket *t,
		    const struct peer_psk *psk, const u8 *init, u32 len);

/**
 * peer_resolve_plan() - the KMS's answer to a RESOLVE_INIT
 * @t: the ticket it should be about
 * @lenient: answer whatever ticket it carries and do not look at Vr
 *
 * Return: as peer_grant_plan(); -EBADMSG also if the ticket is another one,
 * -EKEYREJECTED also if Vr is wrong.
 */
int peer_resolve_plan(struct peer_answer *a, struct peer_ticket *t,
		      const struct peer_psk *psk, const u8 *init, u32 len,
		      bool lenient);

/* An Error message instead of a planned answer, with V unless @mac is reset. */
void peer_error_plan(struct peer_answer *a, enum mikey_err_no no);

void peer_answer_write(struct peer_answer *a, struct peer_msg *out);

/**
 * struct peer_transfer - TRANSFER_INIT
 * @ticket: must have been written
 * @initiator_data: instead of Vi and Vr where @p is set, length 0 for none
 * @mpk_i: key of V; @mpk_r: key of Vr; both as in @ticket
 * @wrong_v, @wrong_vi, @wrong_vr: flip a bit of that MAC. A wrong V takes Vi
 *	with it, as its copy; with both set Vi is the right one
 * @keks: set by peer_transfer_write(), as is @vmac
 */
struct peer_transfer {
	const struct mikey_suite *suite;
	const struct peer_ticket *ticket;
	bool v;
	u8 prf;
	u32 csb_id;
	u8 cs_id;
	u8 prot_type;
	struct mikey_blob spi;
	struct mikey_ts t;
	u8 randr_i[255];
	u32 randr_i_len;
	struct mikey_id idr_i;
	struct mikey_id idr_r;
	struct mikey_kemac kemac;
	struct mikey_ext proof;
	u8 auth_alg;
	u8 vi_alg;
	u8 vr_alg;
	const struct mikey_blob *initiator_data;
	bool wrong_v;
	bool wrong_vi;
	bool wrong_vr;
	u8 mpk_i[MIKEY_KEY_MAX];
	u8 mpk_r[MIKEY_KEY_MAX];
	peer_bend bend;
	void *arg;

	struct peer_keks keks;
	u8 vmac[MIKEY_MAC_MAX];
};

void peer_transfer_plan(struct peer_transfer *x, const struct peer_ticket *t,
			const char *recipient);
void peer_transfer_write(struct peer_transfer *x, struct peer_msg *out);

/* What a TRANSFER_INIT of the module says; blobs point into it. */
struct peer_opened {
	struct mikey_msg msg;
	struct peer_keks keks;
};

/**
 * peer_transfer_open() - verify a TRANSFER_INIT made with @t, as its
 *	responder and as its KMS
 *
 * Return: 0; the codec's errors; -EKEYREJECTED: V, Vi or Vr; -EINVAL: not what
 * a good module sends with this ticket.
 */
int peer_transfer_open(struct peer_opened *o, const struct peer_ticket *t,
		       const u8 *msg, u32 len);

#endif
