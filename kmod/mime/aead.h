/* SPDX-License-Identifier: GPL-2.0 */
#ifndef MIKEY_MIME_AEAD_H
#define MIKEY_MIME_AEAD_H

#include "cms.h"

/**
 * struct mime_aead - one encryption or decryption in place
 * @cipher: algorithm and key length
 * @key: content encryption key
 * @nonce: as long as the cipher takes it
 * @data: plain or cipher text, @len bytes from kmalloc() or vmalloc()
 * @icv: integrity check value, likewise; written by encryption
 */
struct mime_aead {
	const struct cms_cipher *cipher;
	const u8 *key;
	struct mikey_blob nonce;
	u8 *data;
	u32 len;
	u8 *icv;
	u32 icv_len;
};

/* May sleep. Return: 0, -ENOMEM, or an error of the crypto API's. */
int mime_aead_encrypt(const struct mime_aead *a);

/*
 * May sleep. Return: as mime_aead_encrypt(), and -EBADMSG where the ICV does
 * not fit; @data is then whatever the cipher left there, to be wiped.
 */
int mime_aead_decrypt(const struct mime_aead *a);

/* Loads the ciphers, so that none has to be loaded in the middle of a call. */
int mime_aead_init(void);
void mime_aead_exit(void);

#endif
