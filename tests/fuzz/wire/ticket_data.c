// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Any bytes as a stored ticket with its Ticket Data, as Initiator Data, and as
 * the key data of a decrypted KEMAC.
 */
#include <stdio.h>
#include <stdlib.h>

#include "kmod/wire/builder.h"
#include "kmod/wire/label.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

#define KEYS_MAX 4

#define check(truth) \
	do { \
		if (!(truth)) { \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, \
				#truth); \
			abort(); \
		} \
	} while (0)

static void check_blob(struct mikey_blob whole, struct mikey_blob part)
{
	check(!part.len || (part.p >= whole.p && part.len <= whole.len &&
			    part.p + part.len <= whole.p + whole.len));
}

/* A refusal says why, where, and with an error that is documented. */
static bool refused(int err, const struct mikey_diag *d, struct mikey_blob in)
{
	check(!err == !d->why);
	if (!err)
		return false;
	check(err == -EBADMSG || err == -EPROTONOSUPPORT || err == -EMSGSIZE ||
	      err == -E2BIG);
	check(d->offset <= in.len);
	return true;
}

static void stored_ticket(struct mikey_blob in)
{
	struct mikey_ticket_payload t;
	struct mikey_ticket_data td;
	struct mikey_diag d = { 0 };
	struct mikey_cover c;

	if (refused(mikey_ticket_parse(&t, in, &d), &d, in))
		return;
	check(mikey_blob_eq(t.from_type, in));
	check_blob(in, t.ticket_data);
	if (refused(mikey_ticket_data_parse(&td, &t, &d), &d, in))
		return;
	check_blob(t.ticket_data, td.thdr);
	check_blob(t.ticket_data, td.rand.data);
	check_blob(t.ticket_data, td.kemac.encr_data);
	check_blob(t.ticket_data, td.idr_psk.data);
	check_blob(t.ticket_data, td.v.mac);
	mikey_cover_ticket(&c, &t, &td);
	check(c.num == 1 && c.seg[0].p == in.p);
	check(c.seg[0].len + td.v.mac.len == in.len);
}

static void initiator_data(struct mikey_blob in)
{
	struct mikey_initiator_data id;
	struct mikey_diag d = { 0 };
	struct mikey_cover c;

	if (refused(mikey_initiator_data_parse(&id, in, &d), &d, in))
		return;
	check_blob(in, id.vi.mac);
	check_blob(in, id.vr.mac);
	mikey_cover_vr(&c, in, &id);
	check(c.num == 1 && c.seg[0].len + id.vr.mac.len == in.len);
}

/* Keys with an SPI and no salt are written again byte for byte. */
static void key_data(struct mikey_blob in)
{
	static u8 buf[0x20000];
	struct mikey_key_data keys[KEYS_MAX];
	struct mikey_diag d = { 0 };
	struct mikey_builder b;
	u32 num, i;

	if (refused(mikey_key_data_parse(in, keys, KEYS_MAX, &num, &d), &d, in))
		return;
	check(num && num <= KEYS_MAX);
	mikey_build_begin(&b, buf, sizeof(buf));
	for (i = 0; i < num; i++) {
		check_blob(in, keys[i].key);
		check_blob(in, keys[i].salt);
		check_blob(in, keys[i].spi);
		if (keys[i].kv != MIKEY_KV_SPI || keys[i].type % 2)
			return;
		mikey_put_key_data(&b, keys[i].type, keys[i].key, keys[i].spi);
	}
	check(mikey_build_end(&b) == (int)in.len);
	check(!memcmp(buf, in.p, in.len));
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct mikey_blob in = { data, size };

	stored_ticket(in);
	initiator_data(in);
	key_data(in);
	return 0;
}
