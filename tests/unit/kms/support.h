/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the KMS's tests share: a clock and randomness that tests set, a store
 * in memory, and a terminal that writes requests and reads answers with the
 * PRF and MACs that the vectors check first.
 */
#ifndef TESTS_UNIT_KMS_SUPPORT_H
#define TESTS_UNIT_KMS_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "vectors.h"
#include "helper/kms/crypto.h"
#include "helper/kms/exchange.h"
#include "helper/kms/kms.h"
#include "helper/kms/store.h"
#include "helper/kms/ticket.h"
#include "kmod/wire/builder.h"

#define KMS_URL "https://kms.example.test"
#define ALICE "alice@example.test"
#define BOB "bob@example.test"
#define MALLORY "mallory@example.test"
#define TEAM "team@example.test"
#define NOW 1790000000LL		/* when tests happen */

static inline struct mikey_blob blob(struct vector_bytes v)
{
	return kms_blob(v.p, v.len);
}

static inline struct mikey_blob str(const char *s)
{
	return kms_blob(s, strlen(s));
}

void assert_bytes(const u8 *got, size_t got_len, struct mikey_blob want);

/*
 * The world around a core: @now is its clock; each random value comes from
 * @random[use] where that is set, and else from a counter, never twice.
 */
struct world {
	struct kms_env env;
	s64 now;
	struct mikey_blob random[KMS_RANDOM_DUMMY_KEY + 1];
	bool no_entropy;
	u32 counter;
};

void world_init(struct world *w, s64 now);

/* A store in memory. A new one knows nobody. */
#define MEM_USERS 8
#define MEM_REPLAY 64

struct mem_user {
	const char *psk_id;
	struct kms_psk psk;
	const char *uids[4];		/* ended by NULL */
	s64 counter;			/* the least COUNTER accepted */
};

struct mem_store {
	struct kms_store store;
	struct mem_user users[MEM_USERS];
	u32 num_users;
	struct kms_tpk tpk;
	bool revoked;			/* it was */
	const char *psi;
	const char *members[4];
	const char *server;
	u8 kms_id[KMS_ID_LEN];
	u8 replay[MEM_REPLAY][KMS_DIGEST_LEN];
	u32 num_replay;
	s64 t_answer;			/* 0: now */
	int fail;			/* what every call returns, if not 0 */
	int fail_after;			/* the call of this number is -EAGAIN */
};

void mem_store_init(struct mem_store *m);
struct mem_user *mem_user_add(struct mem_store *m, const char *psk_id,
			      const char *uid, enum mikey_suite_id suite);

/* A core with a policy of its own, a world and a store; ALICE and BOB in it. */
struct house {
	struct world world;
	struct kms_policy policy;
	struct mem_store mem;
	struct kms *kms;
	struct kms_answer answer;
};

int house_setup(void **state);
int house_teardown(void **state);

/* The policy gets these rules, on its own terms. */
void house_rules(struct house *h, struct kms_rule *rules, size_t num);

/* Again with the policy or store as they now are. */
void house_again(struct house *h);

int house_handle(struct house *h, enum kms_exchange_kind kind,
		 struct mikey_blob msg);

/* A message of the test's own, kept in here. */
struct message {
	u32 len;
	u8 buf[MIKEY_MSG_MAX];
};

static inline struct mikey_blob message_blob(const struct message *m)
{
	return kms_blob(m->buf, m->len);
}

/**
 * struct request - what goes into a REQUEST_INIT
 *
 * request_init() fills in a good one from ALICE to BOB; tests bend it.
 */
struct request {
	const char *psk_id;
	struct mikey_blob psk;
	const struct mikey_suite *suite;
	const struct mikey_profile *profile;
	u32 csb_id;
	struct mikey_ts t;
	const char *idr_i;
	const char *idr_kms;
	u8 randr[MIKEY_KEY_MAX];
	u8 randr_len;
	bool crypto_session;		/* one in HDR */
	bool other_rand;		/* a RANDRr, which is a responder's */
	/* TP */
	struct mikey_policy head;
	const char *tp_idr_kms;
	const char *tp_idr_i;
	s64 start, end;
	s64 rekey;			/* TRr; -1: none */
	bool no_kemac;
	const char *app;		/* NULL: none */
	const char *to[256];		/* ended by NULL */
};

void request_init(struct request *r, const struct house *h);
void request_write(const struct request *r, struct message *msg);

/* What a terminal learns from REQUEST_RESP. */
struct granted {
	struct mikey_msg m;
	struct message msg;
	struct kms_ticket_keys keys;	/* mpk is MPKi here */
	u8 mpk_r[MIKEY_KEY_MAX];
	u32 num_keys;
};

/* Verifies and decrypts; fails the test if anything is amiss. */
void granted_read(struct granted *g, const struct request *r,
		  const struct message *request, const struct kms_answer *a);

/**
 * struct resolve_request - what goes into a RESOLVE_INIT
 *
 * resolve_init() fills in a good one of BOB's for a granted ticket.
 */
struct resolve_request {
	const char *psk_id;
	struct mikey_blob psk;
	const struct mikey_suite *suite;
	u32 csb_id;
	struct mikey_ts t;
	const char *idr_r;
	const char *idr_kms;
	u8 randr[MIKEY_KEY_MAX];
	u8 randr_len;
	u8 ticket[4096];		/* from Ticket Type on */
	u32 ticket_len;
	u8 initiator_data[256];
	u32 initiator_data_len;
};

void resolve_init(struct resolve_request *r, const struct house *h,
		  const struct granted *g);
void resolve_write(const struct resolve_request *r, struct message *msg);

/* What a terminal learns from RESOLVE_RESP. */
struct resolved {
	struct mikey_msg m;
	struct message msg;
	struct mikey_key_data keys[3];
	u8 plain[512];
	u32 num_keys;
};

void resolved_read(struct resolved *out, const struct resolve_request *r,
		   const struct message *request, const struct kms_answer *a);

/**
 * struct mint - a ticket that its initiator makes (mode 3)
 *
 * mint_init() fills in a good one of ALICE's for BOB; tests bend it. @kid and
 * @key name and are what it is protected with, @made is its T.
 */
struct mint {
	const char *kid;
	struct mikey_blob key;
	const struct mikey_suite *suite;
	const struct mikey_profile *profile;
	struct mikey_policy head;
	const char *idr_kms;
	const char *idr_i;
	struct mikey_ts made;
	s64 start, end;
	s64 rekey;			/* TRr; -1: none */
	const char *app;
	const char *to[128];		/* ended by NULL */
	u32 thdr_len;
	u32 rand_len;
};

void mint_init(struct mint *m, const struct house *h);

/* Make it; @g is then what its initiator knows, as if it had been granted. */
void mint_write(const struct mint *m, struct granted *g);

/* The answer is an Error: this number, with or without V that verifies. */
void assert_error(const struct house *h, enum mikey_err_no no, bool authentic,
		  struct mikey_blob psk, const struct message *request);

/* One for all tests. */
struct kms_crypto *crypto(void);

struct mikey_ts ntp32(s64 unix_seconds);

/* TRr; nothing for less than 0. */
void put_rekey(struct mikey_builder *b, s64 seconds);

/* One more random-looking byte string that nobody has seen. */
void fresh(u8 *buf, size_t len);

#endif
