// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Labels of key derivation (RFC 3830 4.1.3, 4.1.4; RFC 6043 5.1, 6.10, A.2)
 * and the IV of AES-CM (RFC 3830 4.2.3).
 */
#include "label.h"

/* Stands for the CS ID or CSB ID that a derivation is not bound to. */
#define ANY_CS 0xff
#define ANY_CSB 0xffffffff

/* The byte that keeps one kind of derivation apart from the others. */
enum role {
	ROLE_FORK = 0,
	ROLE_INITIAL = 1,
	ROLE_RESPONSE = 2,
	ROLE_CS = 3,
	ROLE_VR = 4,
	ROLE_TICKET = 5,
	ROLE_MPK = 6,
};

static void add_be(struct mikey_label *l, u32 v, u32 len)
{
	u32 i;

	for (i = len; i; i--, v >>= 8)
		l->buf[l->len + i - 1] = v;
	l->len += len;
}

static void add_blob(struct mikey_label *l, struct mikey_blob b)
{
	if (b.len)
		memcpy(l->buf + l->len, b.p, b.len);
	l->len += b.len;
}

/* One byte of length, as its payload has it, and the value. */
static void add_rand(struct mikey_label *l, struct mikey_blob rand)
{
	if (rand.len > MIKEY_RAND_MAX)
		rand.len = MIKEY_RAND_MAX;
	add_be(l, rand.len, 1);
	add_blob(l, rand);
}

static void begin(struct mikey_label *l, enum mikey_label_constant c, u8 cs_id,
		  u32 csb_id, enum role role)
{
	l->len = 0;
	add_be(l, c, 4);
	add_be(l, cs_id, 1);
	add_be(l, csb_id, 4);
	add_be(l, role, 1);
}

void mikey_label_message(struct mikey_label *l, enum mikey_label_constant c,
			 u32 csb_id, bool response, struct mikey_blob randr_i,
			 struct mikey_blob randr_r)
{
	begin(l, c, ANY_CS, csb_id, response ? ROLE_RESPONSE : ROLE_INITIAL);
	add_rand(l, randr_i);
	add_rand(l, randr_r);
}

void mikey_label_cs(struct mikey_label *l, enum mikey_label_constant c,
		    u8 cs_id, struct mikey_blob randr_i)
{
	begin(l, c, cs_id, ANY_CSB, ROLE_CS);
	add_rand(l, randr_i);
	add_be(l, 0, 1);				/* no RANDRr */
}

void mikey_label_vr(struct mikey_label *l)
{
	begin(l, MIKEY_LC_AUTH, ANY_CS, ANY_CSB, ROLE_VR);
}

void mikey_label_ticket(struct mikey_label *l, enum mikey_label_constant c,
			struct mikey_blob rand)
{
	begin(l, c, ANY_CS, ANY_CSB, ROLE_TICKET);
	add_rand(l, rand);
}

void mikey_label_mpk(struct mikey_label *l, enum mikey_label_constant c,
		     struct mikey_blob rand)
{
	begin(l, c, ANY_CS, ANY_CSB, ROLE_MPK);
	add_rand(l, rand);
}

int mikey_label_fork(struct mikey_label *l, enum mikey_label_constant c,
		     struct mikey_blob idr_r, struct mikey_blob randr_kms)
{
	if (idr_r.len > MIKEY_UID_MAX)
		return -EMSGSIZE;
	begin(l, c, ANY_CS, ANY_CSB, ROLE_FORK);
	add_be(l, idr_r.len, 2);
	add_blob(l, idr_r);
	add_rand(l, randr_kms);
	return 0;
}

void mikey_aes_cm_iv(u8 iv[16], const u8 salt[MIKEY_SALT_LEN], u32 csb_id,
		     u64 t)
{
	u32 i;

	memset(iv, 0, 16);
	memcpy(iv, salt, MIKEY_SALT_LEN);
	for (i = 0; i < 4; i++)
		iv[2 + i] ^= csb_id >> (24 - 8 * i);
	for (i = 0; i < 8; i++)
		iv[6 + i] ^= t >> (56 - 8 * i);
}
