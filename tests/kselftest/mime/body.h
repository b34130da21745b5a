/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bodies inside a test: PROTECT and UNPROTECT of the module, and letters that
 * the peer writes to it, honest or with one thing wrong.
 */
#ifndef MIKEY_TEST_BODY_H
#define MIKEY_TEST_BODY_H

#include "../term.h"
#include "cms_peer.h"
#include "uapi/mikey_mime.h"

/**
 * struct lane - alice, bob, and a ticket with which she can write to him
 * @mime: socket of the family mikey_mime
 * @ticket: what the KMS knows of the ticket
 * @send: alice's ticket
 */
struct lane {
	struct term alice;
	struct term bob;
	struct nlc mime;
	struct peer_ticket ticket;
	key_serial_t send;
};

/* In a session keyring of its own. Return: 0 or a negative errno. */
int lane_open(struct lane *l);
int lane_open_kind(struct lane *l, struct peer_kind kind);
void lane_close(struct lane *l);

/* Requests, to be changed or sent; bytes are cut into segments. */
struct nl_msg *body_protect_msg(struct nlc *c, key_serial_t ticket,
				const char *recipient, struct mikey_blob entity);
struct nl_msg *body_unprotect_msg(struct nlc *c, key_serial_t ticket,
				  struct mikey_blob transfer,
				  struct mikey_blob cms);
void body_put(struct nl_msg *m, int type, struct mikey_blob bytes);

/*
 * All attributes of @type of a reply behind each other, to be freed.
 * Ends the test program where one is longer than MIKEY_MIME_SEGMENT.
 */
struct mikey_blob body_join(const struct nlc_reply *r, int type);

/* One attribute of a reply as a blob */
struct mikey_blob body_attr(const struct nlc_reply *r, int type);
bool body_is(struct mikey_blob b, const char *text);

/* Bytes that differ from each other, to be freed */
struct mikey_blob body_entity(u32 len);

/* What proof of origin a letter carries */
enum letter_proof {
	PROOF_NONE,
	PROOF_HASH,		/* of the CMS object, as it should be */
	PROOF_MAC,		/* a copy of its ICV or MAC */
	PROOF_WRONG,		/* the hash with one bit flipped */
	PROOF_SHORT,		/* the hash without its last byte */
};

/**
 * struct letter - what the peer sends to bob
 * @transfer: TRANSFER_INIT
 * @cms: the CMS object
 */
struct letter {
	struct peer_transfer x;
	struct peer_msg transfer;
	struct edit_buf cms;
};

/*
 * A letter from alice to bob. @sent: T, 0 for now; @bend: the CMS object,
 * before the proof is made; may be NULL
 */
void letter_write(struct letter *w, const struct lane *l, u32 form,
		  enum letter_proof proof, const char *entity, s64 sent,
		  void (*bend)(struct edit_buf *object));

struct mikey_blob letter_transfer(const struct letter *w);
struct mikey_blob letter_cms(const struct letter *w);

/* The same with any plan of the object */
void letter_make(struct letter *w, const struct lane *l, const struct cms_plan *plan,
		 enum letter_proof proof, const char *entity, s64 sent);

/* The keys that it was made with, as long as it is kept */
struct cms_keys letter_keys(const struct letter *w);

/* Bob's ticket for a letter: serial or negative errno */
key_serial_t letter_admit(struct letter *w, struct lane *l);

/* UNPROTECT of a letter; @r may be NULL. Return: 0 or the command's error. */
int letter_open(const struct letter *w, struct nlc *c, key_serial_t ticket,
		struct nlc_reply *r);

/* UNPROTECT on a socket that has no room for the answer */
void letter_open_unheard(const struct letter *w, key_serial_t ticket);

/* One counter of STATS */
u64 body_stat(struct nlc *c, int stat);

#endif
