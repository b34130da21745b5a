// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The key data sub-payloads inside a KEMAC (RFC 3830 6.13, RFC 6043 6.2.1).
 * Here nothing is skipped: KEMAC carries keys and nothing else.
 */
#include "payload.h"

static void key_read(struct mikey_cursor *c, struct mikey_key_data *key)
{
	u8 b = mikey_get_u8(c);

	memset(key, 0, sizeof(*key));
	key->type = b >> 4;
	key->kv = b & 0x0f;
	key->key = mikey_get_blob(c, mikey_get_be16(c));
	switch (key->type) {
	case MIKEY_KEY_TGK:
	case MIKEY_KEY_TEK:
	case MIKEY_KEY_GTGK:
	case MIKEY_KEY_MPK:
		break;
	case MIKEY_KEY_TGK_SALT:
	case MIKEY_KEY_TEK_SALT:
	case MIKEY_KEY_GTGK_SALT:
		key->salt = mikey_get_blob(c, mikey_get_be16(c));
		break;
	default:
		mikey_cursor_refuse(c, -EPROTONOSUPPORT,
				    "the type of a key is not known", c->pos);
	}
	key->spi = mikey_kv_read(c, key->kv);
}

int mikey_key_data_parse(struct mikey_blob data, struct mikey_key_data *keys,
			 u32 max, u32 *num, struct mikey_diag *d)
{
	struct mikey_cursor c;
	u8 next = MIKEY_PL_KEY_DATA;

	*num = 0;
	mikey_cursor_begin(&c, data.p, 0, data.len, d);
	while (next == MIKEY_PL_KEY_DATA && !c.err) {
		if (*num == max) {
			mikey_cursor_refuse(&c, -E2BIG, "there are too many keys",
					    c.pos);
			break;
		}
		next = mikey_get_u8(&c);
		key_read(&c, &keys[(*num)++]);
	}
	if (next != MIKEY_PL_LAST)
		mikey_cursor_refuse(&c, -EBADMSG,
				    "something else than key data is among the keys",
				    c.pos);
	if (c.pos != c.end)
		mikey_cursor_refuse(&c, -EBADMSG, "bytes follow the last key",
				    c.pos);
	return c.err;
}
