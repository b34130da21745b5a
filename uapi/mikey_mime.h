/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * Generic netlink family "mikey_mime": protect and open one MIME entity
 * (TS 33.328 Annexes D, F, I and K) with the keys of a ticket.
 *
 *	PROTECT   (ticket, recipient, MIME entity) -> TRANSFER_INIT, CMS
 *	UNPROTECT (ticket, TRANSFER_INIT, CMS) -> MIME entity, initiator,
 *	          what was proved
 *
 * Each is one round trip and one atomic step: the crypto session, the key
 * encryption key and the content keys are born and wiped inside it, and no
 * plaintext leaves before every check has passed.
 *
 * An attribute carries at most 65531 bytes. ENTITY and CMS are therefore
 * repeated: their bytes are the concatenation of all of them in order, and
 * the kernel cuts its own into pieces of MIKEY_MIME_SEGMENT. All together
 * are at most the module parameter max_entity (270336 by default; CMS that
 * and MIKEY_MIME_CMS_OVERHEAD), else -EMSGSIZE. A request over about 200 KB
 * wants SO_SNDBUF.
 *
 * The reply is the answer: leave NLM_F_ACK out of PROTECT and UNPROTECT. It is
 * delivered whatever its size, but what comes behind a reply larger than
 * SO_RCVBUF does not fit, and a receive call would say ENOBUFS instead.
 *
 * Errors, each with an extended ack in words:
 *
 *	-EINVAL		missing or malformed attribute
 *	-EMSGSIZE	entity, CMS or TRANSFER_INIT too long
 *	-ENOKEY, -EACCES, -EKEYEXPIRED, -EKEYREVOKED, -EOPNOTSUPP
 *			the ticket's serial, as in mikey_ticket.h
 *	-EPERM		a ticket of the other role, or one whose single use
 *			(no J flag, or E at the responder) is spent
 *	-EADDRNOTAVAIL	the ticket does not name this recipient
 *	-EPROTONOSUPPORT  form or algorithm not known or not allowed here
 *	-EBADMSG	CMS is malformed, which is said in words, or did not
 *			verify: one answer for wrong key, wrong MAC, wrong
 *			digest, wrong content-type and malformed padding
 *	-EKEYREJECTED	TRANSFER_INIT did not verify, is not the one that was
 *			resolved, lies outside its ticket's validity period,
 *			or its proof of origin does not fit this CMS
 *	-EALREADY	this TRANSFER_INIT was delivered before, to the IDENTITY in
 *			whose name its ticket was resolved
 *	-ESTALE		the replay cache is full and this TRANSFER_INIT is
 *			older than all it remembers
 *	-ENOMEM
 */
#ifndef _UAPI_MIKEY_MIME_H
#define _UAPI_MIKEY_MIME_H

#define MIKEY_MIME_GENL_NAME "mikey_mime"
#define MIKEY_MIME_GENL_VERSION 1

#define MIKEY_MIME_SEGMENT 65000
#define MIKEY_MIME_CMS_OVERHEAD 1024

/**
 * enum mikey_mime_cmd - commands
 *
 * @MIKEY_MIME_CMD_PROTECT: In: TICKET, RECIPIENT, ENTITY (one or more),
 *	optionally FORM, CONTENT_ALG, NO_PROOF, LIST_SERVICE.
 *	Out: TRANSFER (TRANSFER_INIT), CMS (one or more).
 * @MIKEY_MIME_CMD_UNPROTECT: In: TICKET, TRANSFER, CMS (one or more),
 *	optionally FORMS.
 *	Out: ENTITY (one or more), INITIATOR, RECIPIENT, PROVED, FORM, SENT.
 * @MIKEY_MIME_CMD_STATS: Out: STATS.
 * @MIKEY_MIME_CMD_CAPS: Out: API_VERSION, MODULE_VERSION, FORMS,
 *	CONTENT_ALGS, MAX_ENTITY; what the module parameters allow now.
 */
enum mikey_mime_cmd {
	MIKEY_MIME_CMD_UNSPEC,
	MIKEY_MIME_CMD_PROTECT,
	MIKEY_MIME_CMD_UNPROTECT,
	MIKEY_MIME_CMD_STATS,
	MIKEY_MIME_CMD_CAPS,
	__MIKEY_MIME_CMD_MAX
};

#define MIKEY_MIME_CMD_MAX (__MIKEY_MIME_CMD_MAX - 1)

/*
 * CMS forms; FORMS is a mask of 1 << form. Which of them are accepted is the
 * recipient's to say: of two messages that verify, one may show its body to
 * everybody.
 */
enum mikey_mime_form {
	MIKEY_FORM_AUTH_ENVELOPED = 1,	/* AuthEnvelopedData, the default */
	MIKEY_FORM_AUTHENTICATED = 2,	/* AuthenticatedData of id-data */
	MIKEY_FORM_AUTHENTICATED_ENVELOPED = 3,	/* ... of id-envelopedData */
};

/*
 * With keys as long as those of the ticket's suite. AUTHENTICATED encrypts
 * nothing and has none.
 */
enum mikey_mime_content_alg {
	MIKEY_CONTENT_AES_GCM = 1,	/* AUTH_ENVELOPED, its default */
	MIKEY_CONTENT_AES_CCM = 2,	/* AUTH_ENVELOPED */
	MIKEY_CONTENT_AES_CBC = 3,	/* AUTHENTICATED_ENVELOPED, its default */
};

/* What a received message proved, strongest last. */
enum mikey_mime_proved {
	MIKEY_PROVED_RECIPIENT = 1,	/* some recipient of this ticket */
	MIKEY_PROVED_INITIATOR = 2,	/* INITIATOR, but any recipient's body */
	MIKEY_PROVED_BODY = 3,		/* INITIATOR sent this body */
};

/**
 * enum mikey_mime_attr - attributes
 *
 * @MIKEY_MIME_A_TICKET: s32, serial of a "mikey_ticket" key
 * @MIKEY_MIME_A_RECIPIENT: binary, UID of the Request-URI (IDRr, NAI). Out of
 *	UNPROTECT it is what RESOLVE compared with the caller's identities: a
 *	kept ticket opens other messages too, and each wants a RESOLVE first
 * @MIKEY_MIME_A_ENTITY: binary, part of the MIME entity: Content-* headers,
 *	an empty line, the body; repeated; together at least one byte
 * @MIKEY_MIME_A_TRANSFER: binary, TRANSFER_INIT
 * @MIKEY_MIME_A_CMS: binary, part of the DER ContentInfo; repeated
 * @MIKEY_MIME_A_FORM: u32, enum mikey_mime_form
 * @MIKEY_MIME_A_FORMS: u32, mask of acceptable forms, default all allowed
 * @MIKEY_MIME_A_CONTENT_ALG: u32, enum mikey_mime_content_alg
 * @MIKEY_MIME_A_NO_PROOF: flag, leave the proof-of-origin extension out
 *	(profile annex-i never sends it)
 * @MIKEY_MIME_A_INITIATOR: binary, IDRi, verified as PROVED says
 * @MIKEY_MIME_A_PROVED: u32, enum mikey_mime_proved
 * @MIKEY_MIME_A_SENT: s64, T of TRANSFER_INIT in seconds since 1970
 * @MIKEY_MIME_A_STATS: nested, enum mikey_mime_stat
 * @MIKEY_MIME_A_API_VERSION: u32
 * @MIKEY_MIME_A_MODULE_VERSION: string
 * @MIKEY_MIME_A_MAX_ENTITY: u32, bytes
 * @MIKEY_MIME_A_LIST_SERVICE: flag, RECIPIENT is a URI-list service (RFC
 *	5365), which a ticket of profile annex-i does not name; one of profile
 *	immediate names it like any other recipient
 * @MIKEY_MIME_A_CONTENT_ALGS: u32, mask of 1 << enum mikey_mime_content_alg
 */
enum mikey_mime_attr {
	MIKEY_MIME_A_UNSPEC,
	MIKEY_MIME_A_PAD,
	MIKEY_MIME_A_TICKET,
	MIKEY_MIME_A_RECIPIENT,
	MIKEY_MIME_A_ENTITY,
	MIKEY_MIME_A_TRANSFER,
	MIKEY_MIME_A_CMS,
	MIKEY_MIME_A_FORM,
	MIKEY_MIME_A_FORMS,
	MIKEY_MIME_A_CONTENT_ALG,
	MIKEY_MIME_A_NO_PROOF,
	MIKEY_MIME_A_INITIATOR,
	MIKEY_MIME_A_PROVED,
	MIKEY_MIME_A_SENT,
	MIKEY_MIME_A_STATS,
	MIKEY_MIME_A_API_VERSION,
	MIKEY_MIME_A_MODULE_VERSION,
	MIKEY_MIME_A_MAX_ENTITY,
	MIKEY_MIME_A_LIST_SERVICE,
	MIKEY_MIME_A_CONTENT_ALGS,
	__MIKEY_MIME_A_MAX
};

#define MIKEY_MIME_A_MAX (__MIKEY_MIME_A_MAX - 1)

/**
 * enum mikey_mime_stat - counters, u64 each
 *
 * @MIKEY_MIME_S_PROTECTED: entities protected
 * @MIKEY_MIME_S_OPENED: entities delivered
 * @MIKEY_MIME_S_BYTES_PROTECTED: bytes of entities protected
 * @MIKEY_MIME_S_BYTES_OPENED: bytes of entities delivered
 * @MIKEY_MIME_S_BAD_TRANSFER: refused: TRANSFER_INIT
 * @MIKEY_MIME_S_BAD_CMS: refused: CMS
 * @MIKEY_MIME_S_REPLAYS: refused: delivered before, or too old to tell
 * @MIKEY_MIME_S_REPLAY_ENTRIES: TRANSFER_INITs remembered now
 */
enum mikey_mime_stat {
	MIKEY_MIME_S_UNSPEC,
	MIKEY_MIME_S_PAD,
	MIKEY_MIME_S_PROTECTED,
	MIKEY_MIME_S_OPENED,
	MIKEY_MIME_S_BYTES_PROTECTED,
	MIKEY_MIME_S_BYTES_OPENED,
	MIKEY_MIME_S_BAD_TRANSFER,
	MIKEY_MIME_S_BAD_CMS,
	MIKEY_MIME_S_REPLAYS,
	MIKEY_MIME_S_REPLAY_ENTRIES,
	__MIKEY_MIME_S_MAX
};

#define MIKEY_MIME_S_MAX (__MIKEY_MIME_S_MAX - 1)

#endif
