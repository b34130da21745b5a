/* SPDX-License-Identifier: GPL-2.0 */
#ifndef MIKEY_MIME_CBC_H
#define MIKEY_MIME_CBC_H

#include "cms.h"

/**
 * struct mime_cbc - one encryption or decryption with AES-CBC in place
 * @key: content encryption key
 * @iv: CMS_BLOCK_LEN bytes
 * @data: plain text with its padding or cipher text, from kmalloc() or
 *	vmalloc()
 * @len: whole blocks, at least one
 */
struct mime_cbc {
	const u8 *key;
	u32 key_len;
	const u8 *iv;
	u8 *data;
	u32 len;
};

/* May sleep. Return: 0, -EINVAL, -ENOMEM, or an error of the crypto API's. */
int mime_cbc_encrypt(const struct mime_cbc *c);
int mime_cbc_decrypt(const struct mime_cbc *c);

/* Loads the cipher, so that it has not to be loaded in the middle of a call. */
int mime_cbc_init(void);
void mime_cbc_exit(void);

#endif
