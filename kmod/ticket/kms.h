/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Messages between us and the KMS: what REQUEST_INIT and RESOLVE_INIT have in
 * common, and their answers.
 */
#ifndef MIKEY_TICKET_KMS_H
#define MIKEY_TICKET_KMS_H

#include "exchange.h"
#include "ticket.h"

/**
 * mikey_kms_prepare() - keys of an exchange from its PSK
 * @ex: suite, resolve are set; auth_init, auth and encr are filled in
 */
int mikey_kms_prepare(struct mikey_exchange *ex, const struct mikey_hmac *psk,
		      u32 csb_id, struct mikey_blob rand);

/**
 * mikey_kms_seal() - put the MAC into ex->initial
 * @identity: IDRi of REQUEST_INIT, IDRr of RESOLVE_INIT (RFC 6043 table 5.2)
 */
int mikey_kms_seal(struct mikey_exchange *ex, struct mikey_blob identity,
		   struct mikey_blob kms);

/**
 * mikey_kms_open() - read and authenticate the KMS's answer
 * @m: filled in; borrows from @msg
 *
 * An answer is REQUEST_RESP (RESOLVE_RESP for a resolve) or Error.
 * Return: 0 for the former; -EREMOTEIO for an authentic Error, -ECOMM for
 * one without MAC; -EBADMSG, -EPROTONOSUPPORT, -EKEYREJECTED otherwise.
 */
int mikey_kms_open(const struct mikey_exchange *ex, struct mikey_blob msg,
		   struct mikey_msg *m, struct mikey_why *why);

/* The exchange's initial message once more. It parsed when it was made. */
int mikey_kms_initial(const struct mikey_exchange *ex, struct mikey_msg *m);

/* Is the answer from the KMS that was asked, if it says from whom? */
int mikey_kms_identity(const struct mikey_msg *m,
		       const struct mikey_msg *initial, struct mikey_why *why);

/**
 * mikey_kms_keys() - decrypt the KEMAC of an authentic answer
 * @keys: filled in; wiped when this fails
 */
int mikey_kms_keys(const struct mikey_exchange *ex, const struct mikey_msg *m,
		   struct mikey_keys *keys, struct mikey_why *why);

#endif
