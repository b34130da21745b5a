/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The Ticket Transfer exchange (RFC 6043 4.2.2) as mikey_mime.ko uses it:
 * the only way from a ticket's serial to keys that protect a body. All
 * symbols are exported in the namespace MIKEY_TICKET.
 *
 * A session is one TRANSFER_INIT and the keys of its one crypto session. It
 * lives on the caller's stack or heap for one netlink command and must be
 * wiped with mikey_session_wipe() on every way out.
 */
#ifndef MIKEY_TICKET_TRANSFER_H
#define MIKEY_TICKET_TRANSFER_H

#include <linux/key.h>
#include "../wire/message.h"
#include "../wire/profile.h"
#include "hmac.h"

struct netlink_ext_ack;
struct mikey_ticket;		/* counted; its keys may die at any moment */

#define MIKEY_MORE_MAX 128

/* Which KEKs, as a mask; each costs five runs of the hash and more. */
enum mikey_kek {
	MIKEY_KEK_TEK = 1 << 0,		/* AuthEnvelopedData */
	MIKEY_KEK_AUTH = 1 << 1,	/* AuthenticatedData */
	MIKEY_KEK_ENCR = 1 << 2,	/* EnvelopedData within that */
};

/*
 * Key encryption keys of CMS (RFC 6043 5.1.3), all @suite->key_len long, once
 * mikey_session_keks() has made them.
 */
struct mikey_session {
	const struct mikey_suite *suite;
	const struct mikey_profile *profile;
	struct mikey_ts t;
	u32 csb_id;
	u8 cs_id;
	u8 spi_len;
	u8 randr_i_len;
	u8 randr_i[MIKEY_RAND_MAX];
	u8 spi[MIKEY_SPI_LEN];		/* keyIdentifier of the KEKs */
	u8 kek_tek[MIKEY_KEY_MAX];
	u8 kek_auth[MIKEY_KEY_MAX];
	u8 kek_encr[MIKEY_KEY_MAX];
	/* for mikey_session_keks() alone */
	struct mikey_hmac traffic;
	/* for mikey_transfer_write() alone */
	u8 auth[MIKEY_MAC_MAX];		/* auth_key of V and Vi */
	struct mikey_hmac vr;		/* key of Vr */
};

/*
 * What mikey_transfer_open() learned; blobs point into the message, but for
 * @reader, which is the ticket's: in whose name the KMS resolved it.
 */
struct mikey_transfer {
	struct mikey_blob reader;	/* digest of that UID, 32 bytes */
	struct mikey_blob initiator;	/* IDRi */
	struct mikey_blob recipient;	/* IDRr */
	struct mikey_blob vmac;		/* V's MAC: the replay cache's key */
	bool has_proof;			/* is there a proof of origin? */
	struct mikey_blob proof;	/* its data, which may be empty */
	bool forked;			/* I1: V, Vi and Vr prove the initiator */
	s64 sent;			/* T in Unix seconds */
};

/**
 * mikey_ticket_get() - a ticket by its key's serial
 * @serial: key of type "mikey_ticket", looked up with current's credentials
 *	and KEY_NEED_SEARCH
 * @role: MIKEY_ROLE_INITIATOR or MIKEY_ROLE_RESPONDER
 * @extack: words on failure
 *
 * May sleep. Return: a reference, to be given back with mikey_ticket_put();
 * ERR_PTR of -ENOKEY, -EACCES, -EKEYEXPIRED, -EKEYREVOKED, -EOPNOTSUPP (not
 * a ticket), -EPERM (wrong role, or single use spent).
 */
struct mikey_ticket *mikey_ticket_get(key_serial_t serial, u32 role,
				      struct netlink_ext_ack *extack);
void mikey_ticket_put(struct mikey_ticket *ticket);

/**
 * mikey_transfer_begin() - fresh CSB ID, RANDRi and T
 * @s: filled in
 * @more: filled at random as well, @num of at most MIKEY_MORE_MAX bytes: drawn with
 *	the others they cost no run of the generator of their own
 *
 * T is never smaller than the last one this ticket sent, and lies within the
 * validity period. May sleep.
 * Return: 0, -EKEYREVOKED or -EKEYEXPIRED (the ticket died meanwhile),
 * -EPERM (spent), -EACCES (its validity period has not begun), -ENOMEM.
 */
int mikey_transfer_begin(struct mikey_ticket *ticket, struct mikey_session *s,
			 u8 *more, u32 num, struct netlink_ext_ack *extack);

/**
 * mikey_transfer_size() - upper bound of TRANSFER_INIT's length in bytes
 */
u32 mikey_transfer_size(const struct mikey_ticket *ticket, u32 recipient_len);

/**
 * mikey_transfer_write() - TRANSFER_INIT of a begun session
 * @recipient: IDRr; must match one of the ticket's IDRr
 * @list_service: @recipient is a URI-list service, which a ticket of profile
 *	annex-i does not name (TS 33.328 Annex F.3); nothing changes for others
 * @proof: data of the proof-of-origin extension, len 0 to leave it out
 * @buf: room for mikey_transfer_size() bytes
 *
 * A ticket without the J flag is spent when this succeeds: its keys are wiped
 * and its key expires. Of two sessions that have begun with it, one is
 * written. Nothing else is needed from the ticket but its policy. May sleep.
 * Return: length in bytes; -EADDRNOTAVAIL, -EMSGSIZE, -EPERM (spent),
 * -ENOMEM.
 */
int mikey_transfer_write(struct mikey_ticket *ticket,
			 const struct mikey_session *s,
			 struct mikey_blob recipient, bool list_service,
			 struct mikey_blob proof, u8 *buf, u32 size,
			 struct netlink_ext_ack *extack);

/**
 * mikey_transfer_open() - verify a TRANSFER_INIT
 * @msg: kept by the caller while @info is used
 * @s: filled in on success
 *
 * For a ticket that is not to be kept (J1, E0) @msg must be, byte for byte,
 * the message it was resolved for, which was verified then; of that the time is
 * checked again. For a kept one the TICKET must be the one resolved, and V with
 * MPKi, Vi equal to V where I1, policy, time, Prot type and SPI are checked.
 * Constant time in the MACs.
 * Return: 0; -EBADMSG (malformed), -EKEYREJECTED (anything that does not
 * verify), -EKEYREVOKED, -EKEYEXPIRED, -EPERM (opened before), -ENOMEM.
 */
int mikey_transfer_open(struct mikey_ticket *ticket, struct mikey_blob msg,
			struct mikey_session *s, struct mikey_transfer *info,
			struct netlink_ext_ack *extack);

/**
 * mikey_transfer_delivered() - the body behind an opened session was accepted
 *
 * Called after every check, before the plaintext leaves. A ticket that is not
 * to be kept is spent, its keys are wiped and its key expires. Return:
 * 0, or -EPERM when another task was first.
 */
int mikey_transfer_delivered(struct mikey_ticket *ticket,
			     struct netlink_ext_ack *extack);

/**
 * mikey_session_keks() - derive the KEKs that a form needs
 * @s: begun or opened
 * @keks: mask of enum mikey_kek; the others stay zeros
 *
 * Once in a session: what they are derived from is wiped here. Return: 0 or an
 * error of the hash, with all of @s wiped.
 */
int mikey_session_keks(struct mikey_session *s, u32 keks);

void mikey_session_wipe(struct mikey_session *s);

#endif
