/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the codec's tests share: the vectors as blobs, messages put together
 * from parts in any order, a parsed message as text to compare, and OpenSSL's
 * word on PRF and MACs.
 */
#ifndef TESTS_UNIT_WIRE_SUPPORT_H
#define TESTS_UNIT_WIRE_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "kmod/wire/builder.h"
#include "kmod/wire/label.h"
#include "kmod/wire/message.h"
#include "kmod/wire/profile.h"
#include "vectors.h"

#define EXT_TYPE MIKEY_EXT_PROOF_OF_ORIGIN_DEFAULT

#define NONE ((struct mikey_blob){ 0 })

static inline struct mikey_blob blob(struct vector_bytes v)
{
	return (struct mikey_blob){ .p = v.p, .len = v.len };
}

static inline struct mikey_blob str(const char *s)
{
	return (struct mikey_blob){ .p = (const u8 *)s, .len = strlen(s) };
}

void assert_blob(struct mikey_blob got, struct mikey_blob want);

/* A message of the vectors and what it is called. */
struct vector_message {
	const struct vector_exchange *e;
	const char *name;
	struct mikey_blob bytes;
};

/* The @i-th message of all exchanges; false behind the last one. */
bool vector_message(u32 i, struct vector_message *vm);

/* Parse what must be good. */
void parse_good(struct mikey_msg *m, struct mikey_blob bytes);

/*
 * Parse what must be refused with @err, by words that contain @why; from a
 * copy of exactly its length, so that the sanitizer sees a read behind it.
 */
void parse_bad(struct mikey_blob bytes, int err, const char *why);

/*
 * All that parsing gave, as text to be freed: HDR, payloads, TP Data, Ticket
 * Data and Initiator Data, but for the raw bytes. NULL when a part of it was
 * refused.
 */
char *describe(const u8 *buf, size_t len);

/* A payload without its next-payload byte. */
struct part {
	u8 type;
	const char *hex;
};

/* What a message or container is put together in. */
struct bytes {
	u32 len;
	u8 buf[70000];
};

/* Append bytes; blanks do not count, "00*20" stands for twenty zeros. */
void add_hex(struct bytes *b, const char *hex);

/*
 * Append @num parts, each naming the next; @link is the offset of the byte
 * that names the first, or -1.
 */
void add_parts(struct bytes *b, int link, const struct part *parts, u32 num);

/* RFC 3830 4.1.2 over the concatenation in @label. */
void prf(u8 prf_func, struct mikey_blob key, const struct mikey_label *label,
	 u8 *out, u32 out_len);

/* HMAC of the algorithm that V names, over the segments of @cover. */
u32 mac(u8 auth_alg, struct mikey_blob key, const struct mikey_cover *cover,
	u8 out[MIKEY_MAC_MAX]);

/* Is that the MAC in V? */
bool verifies(const struct mikey_v *v, struct vector_bytes key,
	      const struct mikey_cover *cover);

/* AES-CM; the key's length selects the cipher. */
void aes_cm(struct mikey_blob key, const u8 iv[16], struct mikey_blob in,
	    u8 *out);

#endif
