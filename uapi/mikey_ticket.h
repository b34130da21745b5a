/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * Generic netlink family "mikey_ticket": tickets of MIKEY-TICKET (RFC 6043)
 * whose keys exist in the kernel only.
 *
 * A terminal shares a pre-shared key (PSK) with a key management service
 * (KMS). The PSK is an ordinary kernel key of type "logon", "trusted" or
 * "encrypted", named by its serial; a "user" key, which userspace can read, is
 * refused.
 * The exchanges with the KMS are driven by userspace, which carries the
 * messages and never sees a key:
 *
 *	REQUEST -> exchange id, REQUEST_INIT       to the KMS
 *	GRANT   <- exchange id, REQUEST_RESP       from the KMS
 *	        -> ticket serial, granted policy
 *
 *	RESOLVE (TRANSFER_INIT) -> exchange id, RESOLVE_INIT    to the KMS
 *	ADMIT   <- exchange id, RESOLVE_RESP                    from the KMS
 *	        -> ticket serial, policy
 *
 *	MINT -> ticket serial, policy       (mode 3: without asking the KMS)
 *
 * A ticket is a kernel key of type "mikey_ticket": no command and no
 * keyctl(2) operation reads it. It is linked into the keyring that GRANT or
 * ADMIT names and can be found there again (keyctl search), linked, unlinked,
 * revoked and invalidated; its keys are wiped when that happens, when the
 * validity period ends, and when the module leaves. Its description is
 *
 *	i:<initiator UID>:<digest>	a ticket to send with
 *	r:<initiator UID>:<digest>	a ticket received and resolved
 *
 * with <digest> 32 hexadecimal digits: for "i" the first half of the SHA-256
 * over profile and suite (one byte each) and every IDRr (two bytes of length,
 * then the bytes) in the granted order, for "r" of that over what the ticket
 * was resolved for: the TRANSFER_INIT, or for a ticket that is kept (J1, E0)
 * its TICKET from Ticket Type to the end of Ticket Data. A kept ticket serves
 * only who resolved it: the same PSK, IDENTITY and KMS. A user has at most
 * MIKEY_TICKET_KEPT_MAX of them; the next one is good for one message.
 *
 * Keys are wiped at TRe at the latest. With TRr they are wiped that many
 * seconds after GRANT, MINT or ADMIT, if that is sooner: "rekeying" is another
 * ticket, or for a kept one another resolve.
 *
 * What a caller may use is decided by the kernel's key permissions (SEARCH
 * on the ticket, SEARCH or LINK on the PSK, WRITE on the keyring). No capability
 * is needed. A socket works only for the user who opened it (else -EPERM).
 *
 * Exchanges belong to the socket that opened them and end with it, with
 * success, or after MIKEY_TICKET_EXCHANGE_SECONDS; a user has at most
 * MIKEY_TICKET_EXCHANGE_MAX (-EDQUOT). A refused answer leaves the exchange
 * open, so that a true answer can still arrive.
 *
 * Errors common to all commands, each with an extended ack in words and, where
 * one is at fault, the offset of the attribute:
 *
 *	-EINVAL		missing or malformed attribute
 *	-ERANGE		attribute of a length or value that is out of range
 *	-EMSGSIZE	the request does not fit into one MIKEY message
 *	-ENOKEY		no such key serial
 *	-EACCES		the key exists and its permissions refuse
 *	-EKEYEXPIRED, -EKEYREVOKED
 *			the key has expired or was revoked
 *	-EOPNOTSUPP	a key of the wrong type (a "user" key as PSK)
 *	-EPROTONOSUPPORT  profile, suite or form not known or not allowed here
 *	-EPERM		another user's socket; a ticket whose single use is
 *			spent (its key expires within a second: it is
 *			-EKEYEXPIRED then; who unlinks it has the room in the
 *			quota at once)
 *	-ESRCH		no such exchange on this socket
 *	-EBADMSG	a malformed message
 *	-EKEYREJECTED	a MAC, timestamp or identity is not what it must be
 *	-EACCES		the ticket's policy is not acceptable (words say why)
 *	-ENOMEM, -EDQUOT  memory, quota of keys or exchanges
 *
 * Multicast group "refusals": one MIKEY_TICKET_CMD_REFUSED for each refusal
 * worth an operator's attention, with MIKEY_TICKET_A_REASON (words),
 * MIKEY_TICKET_A_ERROR and MIKEY_TICKET_A_UID. It carries no identity and no
 * content of a message. Joining needs CAP_NET_ADMIN.
 */
#ifndef _UAPI_MIKEY_TICKET_H
#define _UAPI_MIKEY_TICKET_H

#define MIKEY_TICKET_GENL_NAME "mikey_ticket"
#define MIKEY_TICKET_GENL_VERSION 1
#define MIKEY_TICKET_MCGRP_REFUSALS "refusals"
#define MIKEY_TICKET_KEY_TYPE "mikey_ticket"

#define MIKEY_TICKET_EXCHANGE_SECONDS 60
#define MIKEY_TICKET_EXCHANGE_MAX 64
#define MIKEY_TICKET_RESPONDERS_MAX 256
#define MIKEY_TICKET_GROUPS_MAX 64	/* GROUP and LIST_SERVICE together */
#define MIKEY_TICKET_KEPT_MAX 64		/* kept tickets of a user */
#define MIKEY_TICKET_THDR_MIN 6
#define MIKEY_TICKET_THDR_MAX 255

/**
 * enum mikey_ticket_cmd - commands
 *
 * @MIKEY_TICKET_CMD_REQUEST: open a Ticket Request exchange (RFC 6043 4.2.1).
 *	In: PSK, PSK_ID, KMS, INITIATOR, RESPONDER (one or more), VALID_UNTIL,
 *	and optionally PROFILE, SUITE, VALID_FROM, REUSABLE, CACHEABLE, REKEY.
 *	Out: EXCHANGE, MESSAGE (REQUEST_INIT).
 * @MIKEY_TICKET_CMD_GRANT: close it with the KMS's answer.
 *	In: EXCHANGE, MESSAGE (REQUEST_RESP or Error), optionally KEYRING.
 *	Out: TICKET, POLICY. -EREMOTEIO: an Error message whose MAC verified
 *	(ERROR_NO follows in the words; the exchange is closed); -ECOMM: one
 *	without MAC, a hint only (the exchange stays open).
 * @MIKEY_TICKET_CMD_MINT: a ticket made by the initiator with the PSK as TPK
 *	(mode 3: D0, L1, no Ticket Request exchange; the KMS applies its
 *	policy when the ticket is resolved).
 *	In: as REQUEST, and optionally KEYRING, THDR.
 *	Out: TICKET, POLICY.
 * @MIKEY_TICKET_CMD_RESOLVE: open a Ticket Resolve exchange (4.2.3) for a
 *	received TRANSFER_INIT, after the checks that need no KMS.
 *	In: PSK, PSK_ID, KMS, IDENTITY (own UID), GROUP (none or more: further
 *	identities under which this user may be addressed), LIST_SERVICE
 *	(none or more), MESSAGE (TRANSFER_INIT), optionally SUITE, KEYRING.
 *	Out: EXCHANGE, MESSAGE (RESOLVE_INIT), and what the message claims,
 *	not yet verified: POLICY, MAC. With KEYRING, and in it a ticket that
 *	was kept from an earlier message (J1, E0): TICKET in the place of
 *	EXCHANGE and MESSAGE; the message verified under it, and the KMS
 *	need not be asked. LIST_SERVICE and GROUP may both be what the message
 *	is addressed to; its ticket must be for IDENTITY or a GROUP.
 * @MIKEY_TICKET_CMD_ADMIT: close it with the KMS's answer; the TRANSFER_INIT
 *	is verified here.
 *	In: EXCHANGE, MESSAGE (RESOLVE_RESP or Error), optionally KEYRING.
 *	Out: TICKET, POLICY. Errors as GRANT. A ticket that is not kept (J0 or
 *	E1) opens only the TRANSFER_INIT it was resolved for, once.
 * @MIKEY_TICKET_CMD_INFO: policy of a ticket. In: TICKET, optionally PSK.
 *	Out: ROLE, POLICY, REMAINING. -EKEYREJECTED: the ticket was made, or
 *	resolved, with another PSK. Whoever may write a keyring can put tickets
 *	there whose keys they know: one that is found is to be asked about so.
 * @MIKEY_TICKET_CMD_STATS: counters since load. Out: STATS (nested u64s).
 * @MIKEY_TICKET_CMD_CAPS: what this module can do. Out: API_VERSION,
 *	MODULE_VERSION, PROFILE and SUITE (one for each that is allowed),
 *	PROT_TYPE, EXT_TYPE, CLOCK_SKEW, USER_MASTER.
 * @MIKEY_TICKET_CMD_REFUSED: notification only.
 */
enum mikey_ticket_cmd {
	MIKEY_TICKET_CMD_UNSPEC,
	MIKEY_TICKET_CMD_REQUEST,
	MIKEY_TICKET_CMD_GRANT,
	MIKEY_TICKET_CMD_MINT,
	MIKEY_TICKET_CMD_RESOLVE,
	MIKEY_TICKET_CMD_ADMIT,
	MIKEY_TICKET_CMD_INFO,
	MIKEY_TICKET_CMD_STATS,
	MIKEY_TICKET_CMD_CAPS,
	MIKEY_TICKET_CMD_REFUSED,
	__MIKEY_TICKET_CMD_MAX
};

#define MIKEY_TICKET_CMD_MAX (__MIKEY_TICKET_CMD_MAX - 1)

/* Values are never reused. */
enum mikey_ticket_profile {
	MIKEY_PROFILE_IMMEDIATE = 1,	/* default */
	MIKEY_PROFILE_ANNEX_I = 2,
};

enum mikey_ticket_suite {
	MIKEY_SUITE_256 = 1,		/* default */
	MIKEY_SUITE_128 = 2,
	MIKEY_SUITE_TS_128 = 3,
};

enum mikey_ticket_role {
	MIKEY_ROLE_INITIATOR = 1,
	MIKEY_ROLE_RESPONDER = 2,
};

/**
 * enum mikey_ticket_attr - attributes
 *
 * Identities are the bytes of the ID Data field without a terminating zero,
 * 1 to 255 of them: a UID is "user@domain", a KMS its base URL.
 *
 * @MIKEY_TICKET_A_PSK: s32, serial of the pre-shared key
 * @MIKEY_TICKET_A_PSK_ID: binary, IDRpsk
 * @MIKEY_TICKET_A_KMS: binary, IDRkms (URI)
 * @MIKEY_TICKET_A_INITIATOR: binary, IDRi (NAI)
 * @MIKEY_TICKET_A_RESPONDER: binary, IDRr (NAI), '?' is a wildcard; repeated
 * @MIKEY_TICKET_A_IDENTITY: binary, the caller's own UID (NAI)
 * @MIKEY_TICKET_A_GROUP: binary, a UID the caller may be addressed by; repeated
 * @MIKEY_TICKET_A_PROFILE: u32, enum mikey_ticket_profile
 * @MIKEY_TICKET_A_SUITE: u32, enum mikey_ticket_suite
 * @MIKEY_TICKET_A_VALID_FROM: s64, TRs in seconds since 1970, default now
 * @MIKEY_TICKET_A_VALID_UNTIL: s64, TRe in seconds since 1970
 * @MIKEY_TICKET_A_REUSABLE: flag, J: wanted, or granted
 * @MIKEY_TICKET_A_CHANGED: flag, K: the KMS changed what was wanted
 * @MIKEY_TICKET_A_EXCHANGE: u32, exchange id of this socket
 * @MIKEY_TICKET_A_MESSAGE: binary, a MIKEY message of at most 65000 bytes
 * @MIKEY_TICKET_A_KEYRING: s32, where to link the ticket, default
 *	KEY_SPEC_USER_KEYRING, which outlives processes
 * @MIKEY_TICKET_A_TICKET: s32, serial of a ticket
 * @MIKEY_TICKET_A_ROLE: u32, enum mikey_ticket_role
 * @MIKEY_TICKET_A_POLICY: nested: PROFILE, SUITE, KMS, INITIATOR, RESPONDER
 *	(each), VALID_FROM, VALID_UNTIL, REUSABLE, CHANGED, FLAGS, CACHEABLE,
 *	REKEY
 * @MIKEY_TICKET_A_FLAGS: u32, the twelve flags, D highest
 * @MIKEY_TICKET_A_REMAINING: s64, seconds until the keys are wiped
 * @MIKEY_TICKET_A_STATS: nested, enum mikey_ticket_stat
 * @MIKEY_TICKET_A_REASON: string
 * @MIKEY_TICKET_A_ERROR: s32, negative errno
 * @MIKEY_TICKET_A_UID: u32, user the refusal happened to
 * @MIKEY_TICKET_A_API_VERSION: u32
 * @MIKEY_TICKET_A_MODULE_VERSION: string
 * @MIKEY_TICKET_A_PROT_TYPE: u8, Prot type PSK/MIME in force
 * @MIKEY_TICKET_A_EXT_TYPE: u8, general extension type in force
 * @MIKEY_TICKET_A_LIST_SERVICE: binary, a URI-list service (RFC 5365) by which
 *	the caller may be addressed; it is nobody whom a ticket is for; repeated
 * @MIKEY_TICKET_A_CACHEABLE: flag, E0: a responder may keep what it resolved;
 *	profile annex-i with REUSABLE only
 * @MIKEY_TICKET_A_REKEY: u32, TRr: rekeying interval in seconds, not 0
 * @MIKEY_TICKET_A_THDR: binary, THDR data of a ticket made here: six bytes
 *	that name the KMS and up to 249 more; default six zeros
 * @MIKEY_TICKET_A_MAC: binary, V's MAC of a TRANSFER_INIT: what tells one
 *	message from another, for a record of what was delivered
 * @MIKEY_TICKET_A_CLOCK_SKEW: u32, seconds another clock may be ahead
 * @MIKEY_TICKET_A_USER_MASTER: flag, encrypted keys with a user master are
 *	accepted as PSK
 */
enum mikey_ticket_attr {
	MIKEY_TICKET_A_UNSPEC,
	MIKEY_TICKET_A_PAD,
	MIKEY_TICKET_A_PSK,
	MIKEY_TICKET_A_PSK_ID,
	MIKEY_TICKET_A_KMS,
	MIKEY_TICKET_A_INITIATOR,
	MIKEY_TICKET_A_RESPONDER,
	MIKEY_TICKET_A_IDENTITY,
	MIKEY_TICKET_A_GROUP,
	MIKEY_TICKET_A_PROFILE,
	MIKEY_TICKET_A_SUITE,
	MIKEY_TICKET_A_VALID_FROM,
	MIKEY_TICKET_A_VALID_UNTIL,
	MIKEY_TICKET_A_REUSABLE,
	MIKEY_TICKET_A_CHANGED,
	MIKEY_TICKET_A_EXCHANGE,
	MIKEY_TICKET_A_MESSAGE,
	MIKEY_TICKET_A_KEYRING,
	MIKEY_TICKET_A_TICKET,
	MIKEY_TICKET_A_ROLE,
	MIKEY_TICKET_A_POLICY,
	MIKEY_TICKET_A_FLAGS,
	MIKEY_TICKET_A_REMAINING,
	MIKEY_TICKET_A_STATS,
	MIKEY_TICKET_A_REASON,
	MIKEY_TICKET_A_ERROR,
	MIKEY_TICKET_A_UID,
	MIKEY_TICKET_A_API_VERSION,
	MIKEY_TICKET_A_MODULE_VERSION,
	MIKEY_TICKET_A_PROT_TYPE,
	MIKEY_TICKET_A_EXT_TYPE,
	MIKEY_TICKET_A_LIST_SERVICE,
	MIKEY_TICKET_A_CACHEABLE,
	MIKEY_TICKET_A_REKEY,
	MIKEY_TICKET_A_THDR,
	MIKEY_TICKET_A_MAC,
	MIKEY_TICKET_A_CLOCK_SKEW,
	MIKEY_TICKET_A_USER_MASTER,
	__MIKEY_TICKET_A_MAX
};

#define MIKEY_TICKET_A_MAX (__MIKEY_TICKET_A_MAX - 1)

/**
 * enum mikey_ticket_stat - counters, u64 each
 *
 * @MIKEY_TICKET_S_TICKETS: tickets whose keys are alive now
 * @MIKEY_TICKET_S_EXCHANGES: exchanges pending now
 * @MIKEY_TICKET_S_REQUESTS: REQUEST_INITs made
 * @MIKEY_TICKET_S_GRANTS: tickets granted
 * @MIKEY_TICKET_S_RESOLVES: RESOLVE_INITs made
 * @MIKEY_TICKET_S_ADMITS: tickets admitted
 * @MIKEY_TICKET_S_WIPES: tickets whose keys were wiped
 * @MIKEY_TICKET_S_KMS_ERRORS: MIKEY Error messages from a KMS
 * @MIKEY_TICKET_S_BAD_MESSAGE: refused: malformed
 * @MIKEY_TICKET_S_BAD_MAC: refused: a MAC did not verify
 * @MIKEY_TICKET_S_BAD_POLICY: refused: policy not acceptable
 * @MIKEY_TICKET_S_BAD_PSK: refused: PSK unusable
 * @MIKEY_TICKET_S_MINTS: tickets made here
 * @MIKEY_TICKET_S_REUSES: messages for which a kept ticket was found
 */
enum mikey_ticket_stat {
	MIKEY_TICKET_S_UNSPEC,
	MIKEY_TICKET_S_PAD,
	MIKEY_TICKET_S_TICKETS,
	MIKEY_TICKET_S_EXCHANGES,
	MIKEY_TICKET_S_REQUESTS,
	MIKEY_TICKET_S_GRANTS,
	MIKEY_TICKET_S_RESOLVES,
	MIKEY_TICKET_S_ADMITS,
	MIKEY_TICKET_S_WIPES,
	MIKEY_TICKET_S_KMS_ERRORS,
	MIKEY_TICKET_S_BAD_MESSAGE,
	MIKEY_TICKET_S_BAD_MAC,
	MIKEY_TICKET_S_BAD_POLICY,
	MIKEY_TICKET_S_BAD_PSK,
	MIKEY_TICKET_S_MINTS,
	MIKEY_TICKET_S_REUSES,
	__MIKEY_TICKET_S_MAX
};

#define MIKEY_TICKET_S_MAX (__MIKEY_TICKET_S_MAX - 1)

#endif
