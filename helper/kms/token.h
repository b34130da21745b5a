/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The store's key under an RSA key that does not leave its token: RSA-OAEP by
 * OpenSSL's pkcs11 engine (libp11), which is loaded only if a token is named.
 *
 * A key file then has two lines: the token key's URI (RFC 7512) and the wrapped
 * key in hexadecimal digits.
 */
#ifndef HELPER_KMS_TOKEN_H
#define HELPER_KMS_TOKEN_H

#include "helper/lib/problem.h"
#include "kmod/wire/wire.h"

#define KMS_WRAPPED_MAX 1024

/* Is this the URI of a key on a token? */
bool kms_token_is_uri(const char *text);

/**
 * kms_token_wrap() - encrypt a key under the public key that @uri names
 * @wrapped: KMS_WRAPPED_MAX bytes
 *
 * @uri may have a pin-source or pin-value, and a module-path.
 * Return: the length, or a negative errno with words, which have no PIN.
 */
int kms_token_wrap(const char *uri, const u8 *key, size_t len, u8 *wrapped,
		   struct problem *problem);

/* The way back: exactly @len bytes. 0, or a negative errno with words. */
int kms_token_unwrap(const char *uri, const u8 *wrapped, size_t wrapped_len,
		     u8 *key, size_t len, struct problem *problem);

#endif
