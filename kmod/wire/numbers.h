/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The numbers of MIKEY (RFC 3830), the Empty map (RFC 4563) and MIKEY-TICKET
 * (RFC 6043), each under its name in the RFC, and the few that nobody has
 * registered and this project takes from the private-use range.
 */
#ifndef MIKEY_WIRE_NUMBERS_H
#define MIKEY_WIRE_NUMBERS_H

#define MIKEY_VERSION 1			/* RFC 3830 6.1 */

/* A MIKEY message never exceeds what one netlink attribute carries. */
#define MIKEY_MSG_MAX 65000

/* Data type: RFC 3830 table 6.1.a, RFC 6043 table 6.1 */
enum mikey_data_type {
	MIKEY_DT_ERROR = 6,
	MIKEY_DT_REQUEST_INIT_PSK = 11,
	MIKEY_DT_REQUEST_INIT_PK = 12,
	MIKEY_DT_REQUEST_RESP = 13,
	MIKEY_DT_TRANSFER_INIT = 14,
	MIKEY_DT_TRANSFER_RESP = 15,
	MIKEY_DT_RESOLVE_INIT_PSK = 16,
	MIKEY_DT_RESOLVE_INIT_PK = 17,
	MIKEY_DT_RESOLVE_RESP = 18,
};

/* Next payload: RFC 3830 table 6.1.b, RFC 6043 table 6.2 */
enum mikey_payload {
	MIKEY_PL_LAST = 0,
	MIKEY_PL_KEMAC = 1,
	MIKEY_PL_PKE = 2,
	MIKEY_PL_DH = 3,
	MIKEY_PL_SIGN = 4,
	MIKEY_PL_T = 5,
	MIKEY_PL_ID = 6,
	MIKEY_PL_CERT = 7,
	MIKEY_PL_CHASH = 8,
	MIKEY_PL_V = 9,
	MIKEY_PL_SP = 10,
	MIKEY_PL_RAND = 11,
	MIKEY_PL_ERR = 12,
	MIKEY_PL_TR = 13,
	MIKEY_PL_IDR = 14,
	MIKEY_PL_RANDR = 15,
	MIKEY_PL_TP = 16,
	MIKEY_PL_TICKET = 17,
	MIKEY_PL_KEY_DATA = 20,
	MIKEY_PL_GENERAL_EXT = 21,
};

/* PRF func: RFC 3830 table 6.1.c, RFC 6043 table 6.3 */
enum mikey_prf {
	MIKEY_PRF_MIKEY_1 = 0,
	MIKEY_PRF_HMAC_SHA_256 = 1,
};

/* CS ID map type: RFC 3830 table 6.1.d, RFC 4563, RFC 6043 table 6.4 */
enum mikey_map_type {
	MIKEY_MAP_SRTP_ID = 0,
	MIKEY_MAP_EMPTY = 1,
	MIKEY_MAP_GENERIC_ID = 2,
};

/* Encr alg: RFC 3830 table 6.2.a, RFC 6043 table 6.5 */
enum mikey_encr_alg {
	MIKEY_ENCR_NULL = 0,
	MIKEY_ENCR_AES_CM_128 = 1,
	MIKEY_ENCR_AES_KW_128 = 2,
	MIKEY_ENCR_AES_CM_256 = 3,
};

/* MAC alg of KEMAC and Auth alg of V: RFC 3830 table 6.2.b, RFC 6043 6.6 */
enum mikey_auth_alg {
	MIKEY_AUTH_NULL = 0,
	MIKEY_AUTH_HMAC_SHA_1_160 = 1,
	MIKEY_AUTH_HMAC_SHA_256_256 = 2,
};

/* TS type: RFC 3830 table 6.6, RFC 6043 table 6.8 */
enum mikey_ts_type {
	MIKEY_TS_NTP_UTC = 0,
	MIKEY_TS_NTP = 1,
	MIKEY_TS_COUNTER = 2,
	MIKEY_TS_NTP_UTC_32 = 3,
};

/* TS role: RFC 6043 table 6.9 */
enum mikey_ts_role {
	MIKEY_TR_ISSUE = 1,		/* TRi */
	MIKEY_TR_START = 2,		/* TRs */
	MIKEY_TR_END = 3,		/* TRe */
	MIKEY_TR_REKEY = 4,		/* TRr */
};

/* ID type: RFC 3830 table 6.7.a, RFC 6043 table 6.10 */
enum mikey_id_type {
	MIKEY_ID_NAI = 0,
	MIKEY_ID_URI = 1,
	MIKEY_ID_BYTES = 2,
};

/* ID role: RFC 6043 table 6.11 */
enum mikey_id_role {
	MIKEY_IDR_I = 1,
	MIKEY_IDR_R = 2,
	MIKEY_IDR_KMS = 3,
	MIKEY_IDR_PSK = 4,
	MIKEY_IDR_APP = 5,
};

/* RAND role: RFC 6043 table 6.13 */
enum mikey_rand_role {
	MIKEY_RANDR_I = 1,
	MIKEY_RANDR_R = 2,
	MIKEY_RANDR_KMS = 3,
};

/* Error no: RFC 3830 table 6.12, RFC 6043 table 6.14 */
enum mikey_err_no {
	MIKEY_ERR_AUTH_FAILURE = 0,
	MIKEY_ERR_INVALID_TS = 1,
	MIKEY_ERR_INVALID_PRF = 2,
	MIKEY_ERR_INVALID_MAC = 3,
	MIKEY_ERR_INVALID_EA = 4,
	MIKEY_ERR_INVALID_HA = 5,
	MIKEY_ERR_INVALID_DH = 6,
	MIKEY_ERR_INVALID_ID = 7,
	MIKEY_ERR_INVALID_CERT = 8,
	MIKEY_ERR_INVALID_SP = 9,
	MIKEY_ERR_INVALID_SPPAR = 10,
	MIKEY_ERR_INVALID_DT = 11,
	MIKEY_ERR_UNSPECIFIED = 12,
	MIKEY_ERR_INVALID_TICKET = 14,
	MIKEY_ERR_INVALID_TPPAR = 15,
};

/* Key data type: RFC 3830 table 6.13.a, RFC 6043 table 6.7 */
enum mikey_key_type {
	MIKEY_KEY_TGK = 0,
	MIKEY_KEY_TGK_SALT = 1,
	MIKEY_KEY_TEK = 2,
	MIKEY_KEY_TEK_SALT = 3,
	MIKEY_KEY_GTGK = 4,
	MIKEY_KEY_GTGK_SALT = 5,
	MIKEY_KEY_MPK = 6,
};

/* KV: RFC 3830 table 6.13.b */
enum mikey_kv_type {
	MIKEY_KV_NULL = 0,
	MIKEY_KV_SPI = 1,
	MIKEY_KV_INTERVAL = 2,
};

/* Ticket Type, Subtype, Version: RFC 6043 table 6.15, TS 33.328 6.2.3.4.2 */
#define MIKEY_TICKET_TYPE_MIKEY_BASE 1
#define MIKEY_TICKET_TYPE_3GPP_BASE 2
#define MIKEY_TICKET_SUBTYPE 1
#define MIKEY_TICKET_VERSION 1

/*
 * The Ticket Policy's flags (RFC 6043 6.10), D in the highest of twelve bits
 * and O in the lowest, in the order in which the payload carries them.
 */
enum mikey_ticket_flag {
	MIKEY_FLAG_D = 1 << 11,		/* the KMS generated the ticket */
	MIKEY_FLAG_E = 1 << 10,		/* Ticket Resolve is mandatory */
	MIKEY_FLAG_F = 1 << 9,		/* TRANSFER_RESP shall be sent */
	MIKEY_FLAG_G = 1 << 8,		/* the Responder generates RANDRr */
	MIKEY_FLAG_H = 1 << 7,		/* RANDRi enters key derivation */
	MIKEY_FLAG_I = 1 << 6,		/* key forking */
	MIKEY_FLAG_J = 1 << 5,		/* the ticket may be reused */
	MIKEY_FLAG_K = 1 << 4,		/* the KMS changed the request */
	MIKEY_FLAG_L = 1 << 3,		/* the Initiator may supply keys */
	MIKEY_FLAG_M = 1 << 2,		/* the Responder may supply keys */
	MIKEY_FLAG_N = 1 << 1,		/* RFC 6043 suffices the Initiator */
	MIKEY_FLAG_O = 1 << 0,		/* RFC 6043 suffices the Responder */
};

/*
 * Prot type and general extension that TS 33.328 uses and IANA has not
 * registered: private-use defaults. The modules and programs take other
 * values as parameters, so nothing but a default refers to these.
 */
#define MIKEY_PROT_PSK_MIME_DEFAULT 242
#define MIKEY_EXT_PROOF_OF_ORIGIN_DEFAULT 241

/* IDRapp of every ticket made here: TS 33.328 Annex F */
#define MIKEY_APP_PSK_MIME "PSK/MIME"

/* Sizes in bytes of what this project sends and the most it accepts */
#define MIKEY_SPI_LEN 8
#define MIKEY_SALT_LEN 14		/* RFC 3830 4.2.3: 112 bits */
#define MIKEY_KEY_MAX 32		/* the longest key of any suite */
#define MIKEY_KEY_MIN 16
#define MIKEY_MAC_MAX 32
#define MIKEY_RAND_MAX 255
#define MIKEY_UID_MAX 255		/* longest identity accepted in IDR */

#endif
