/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A terminal inside a test: a user's UID, PSK and socket of the family
 * "mikey_ticket", and the four steps on the way to a ticket. With peer.h as
 * the other side, term_grant() and term_admit() go all of it at once.
 */
#ifndef MIKEY_TEST_TERM_H
#define MIKEY_TEST_TERM_H

#include <keyutils.h>

#include "nl.h"
#include "peer.h"
#include "uapi/mikey_ticket.h"

#define TERM_KMS "https://kms.example.test"
#define ALICE "alice@example.test"
#define BOB "bob@example.test"
#define CAROL "carol@example.test"

/**
 * struct term - a terminal
 * @group: further UID by which it may be addressed, or NULL
 * @keyring: where its tickets go; 0 leaves the attribute out
 * @kind: profile and suite that it names; what is 0 it leaves out
 * @reusable: ask for J
 * @cacheable: ask for E0
 * @rekey: TRr to ask for, 0 for none
 * @valid: seconds of validity asked for
 */
struct term {
	struct nlc nl;
	const char *uid;
	const char *group;
	struct peer_psk psk;
	key_serial_t psk_serial;
	key_serial_t keyring;
	struct peer_kind kind;
	bool reusable;
	bool cacheable;
	u32 rekey;
	s64 valid;
};

/* A pending exchange and its initial message. */
struct term_exchange {
	u32 id;
	u32 len;
	u8 msg[MIKEY_MSG_MAX];
};

/*
 * A session keyring of one's own: keys of a test live in it, nobody else sees
 * them, and they are gone when the process ends. Once in each process.
 */
void term_session(void);

/*
 * A terminal with a fresh PSK as "logon" key in the session keyring. Return:
 * 0 or a negative errno (-ENOENT: no such family, the module is not loaded).
 */
int term_open(struct term *t, const char *uid);
int term_open_kind(struct term *t, const char *uid, struct peer_kind kind);
void term_close(struct term *t);

/*
 * What `mikeyctl psk load` does to a PSK: the modules alone can use it from then on,
 * and so take it on every kernel. Return: 0 or -1 and errno.
 */
int term_guard(key_serial_t psk);

/* A logon key that is guarded; the serial or -1 and errno. */
key_serial_t term_logon(const char *name, const u8 *key, u32 len,
			key_serial_t ring);
/* The same with all rights that add_key(2) gives. */
key_serial_t term_logon_bare(const char *name, const u8 *key, u32 len,
			     key_serial_t ring);

/* REQUEST for @responders, the last of which is NULL; to be changed or sent. */
struct nl_msg *term_request_msg(struct term *t, const char *const *responders);
/* MINT, the same. */
struct nl_msg *term_mint_msg(struct term *t, const char *const *responders);
/* RESOLVE for a TRANSFER_INIT. */
struct nl_msg *term_resolve_msg(struct term *t, const struct peer_msg *transfer);
/* GRANT or ADMIT. */
struct nl_msg *term_answer_msg(struct term *t, int cmd, u32 exchange,
			       const u8 *msg, u32 len);

/* Each: 0 or the command's error; @r, if not NULL, is for the caller to free. */
int term_request(struct term *t, const char *responder,
		 struct term_exchange *ex);
int term_resolve(struct term *t, const struct peer_msg *transfer,
		 struct term_exchange *ex, struct nlc_reply *r);
int term_answer(struct term *t, int cmd, u32 exchange,
		const struct peer_msg *msg, struct nlc_reply *r);

/*
 * A ticket for @responder, granted by the peer. @ticket: what the KMS knows of
 * it. Return: the key's serial or a negative errno.
 */
key_serial_t term_grant(struct term *t, const char *responder,
			struct peer_ticket *ticket);

/*
 * The ticket of a received TRANSFER_INIT, resolved by the peer, which looks
 * at nothing. Return: the key's serial or a negative errno.
 */
key_serial_t term_admit(struct term *t, struct peer_ticket *ticket,
			const struct peer_msg *transfer);

/*
 * Was @r this refusal: error, a part of its words, the attribute at fault (0
 * for any)? Says what it was instead if not.
 */
bool term_refused(const char *what, const struct nlc_reply *r, int err,
		  const char *words, int blamed);

/* INFO. Return: 0 or the command's error. */
int term_info(struct term *t, key_serial_t ticket, struct nlc_reply *r);

/* One counter of STATS. */
u64 term_stat(struct term *t, int stat);

/*
 * Tickets of tests before may still be on their way out: wait until there are none,
 * a while. Return: how many there are.
 */
u64 term_tickets(struct term *t);

/* Wait at most @ms until a counter is @want. Return: its last value. */
u64 term_stat_wait(struct term *t, int stat, u64 want, int ms);

/* Run @fn in a process of another user, with a session keyring of its own. */
int term_as_user(uid_t uid, int (*fn)(void *arg), void *arg);

#endif
