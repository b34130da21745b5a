// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What an outsider sees: every truncation and every flipped bit of a request,
 * unknown users, wrong keys. One answer for all, and no harm done.
 */
#include "tests/unit/kms/support.h"

#define HDR_LEN 10
#define MAC_LEN 32		/* suite 256; the algorithm stands before it */

/* The answer to a request whose MAC is wrong: the measure for all others. */
struct refusal {
	u8 buf[64];
	size_t len;
};

static void refusal_of(struct house *h, struct refusal *r)
{
	assert_int_equal(h->answer.error_no, MIKEY_ERR_AUTH_FAILURE);
	assert_false(h->answer.authentic);
	assert_true(h->answer.len <= sizeof(r->buf));
	r->len = h->answer.len;
	memcpy(r->buf, h->answer.buf, r->len);
}

static void assert_refusal(struct house *h, const struct refusal *r)
{
	assert_int_equal(h->answer.error_no, MIKEY_ERR_AUTH_FAILURE);
	assert_false(h->answer.authentic);
	assert_bytes(h->answer.buf, h->answer.len, kms_blob(r->buf, r->len));
}

static void wrong_mac(struct house *h, enum kms_exchange_kind kind,
		      struct message *good, struct refusal *r)
{
	good->buf[good->len - 1] ^= 1;
	assert_int_equal(house_handle(h, kind, message_blob(good)), 0);
	good->buf[good->len - 1] ^= 1;
	refusal_of(h, r);
}

/* The good message still is answered, and once only. */
static void assert_unharmed(struct house *h, enum kms_exchange_kind kind,
			    const struct message *good)
{
	assert_int_equal(house_handle(h, kind, message_blob(good)), 0);
	assert_int_equal(h->answer.error_no, -1);
	assert_int_equal(house_handle(h, kind, message_blob(good)), 0);
	assert_int_equal(h->answer.error_no, MIKEY_ERR_INVALID_TS);
}

static void truncations(struct house *h, enum kms_exchange_kind kind,
			struct message *good)
{
	struct refusal r;
	u32 len;

	wrong_mac(h, kind, good, &r);
	for (len = 0; len < good->len; len++) {
		if (len < HDR_LEN) {
			assert_int_equal(house_handle(h, kind,
						      kms_blob(good->buf, len)),
					 -EBADMSG);
			assert_int_equal(h->answer.len, 0);
			continue;
		}
		assert_int_equal(house_handle(h, kind, kms_blob(good->buf, len)), 0);
		assert_refusal(h, &r);
	}
	good->buf[good->len] = 0;
	assert_int_equal(house_handle(h, kind, kms_blob(good->buf,
							good->len + 1)), 0);
	assert_refusal(h, &r);
	assert_unharmed(h, kind, good);
}

/* What a flip of the bits in this byte is answered with, beside the measure. */
static int expected_error(const struct message *good, u32 at, u8 bits)
{
	if (at == 1)
		return MIKEY_ERR_INVALID_DT;
	if (at == 3 && bits != 0x80)
		return MIKEY_ERR_INVALID_PRF;
	if (at == good->len - MAC_LEN - 1)
		return MIKEY_ERR_INVALID_MAC;
	return MIKEY_ERR_AUTH_FAILURE;
}

static void flips(struct house *h, enum kms_exchange_kind kind,
		  struct message *good)
{
	struct refusal r;
	u32 at, bit;
	int want;

	for (at = 0; at < good->len; at++) {
		for (bit = 1; bit < 0x100; bit <<= 1) {
			wrong_mac(h, kind, good, &r);
			good->buf[at] ^= bit;
			want = expected_error(good, at, bit);
			if (!at) {
				assert_int_equal(house_handle(h, kind,
							      message_blob(good)),
						 -EBADMSG);
			} else {
				assert_int_equal(house_handle(h, kind,
							      message_blob(good)), 0);
				assert_false(h->answer.authentic);
				if (want == MIKEY_ERR_AUTH_FAILURE) {
					/* the CSB ID is repeated */
					memcpy(r.buf + 4, good->buf + 4, 4);
					assert_refusal(h, &r);
				} else if (h->answer.error_no != want) {
					/* or it is malformed by then */
					assert_refusal(h, &r);
				}
			}
			good->buf[at] ^= bit;
		}
	}
	assert_unharmed(h, kind, good);
}

static void good_request(struct house *h, struct message *msg)
{
	struct request r;

	request_init(&r, h);
	request_write(&r, msg);
}

static void good_resolve(struct house *h, struct message *msg)
{
	struct resolve_request resolve;
	struct granted granted;
	struct request r;

	request_init(&r, h);
	request_write(&r, msg);
	assert_int_equal(house_handle(h, KMS_TICKET_REQUEST, message_blob(msg)), 0);
	granted_read(&granted, &r, msg, &h->answer);
	resolve_init(&resolve, h, &granted);
	resolve_write(&resolve, msg);
}

static struct message msg;	/* too large for a stack under sanitizers */

static void request_truncated(void **state)
{
	good_request(*state, &msg);
	truncations(*state, KMS_TICKET_REQUEST, &msg);
}

static void request_flipped(void **state)
{
	good_request(*state, &msg);
	flips(*state, KMS_TICKET_REQUEST, &msg);
}

static void resolve_truncated(void **state)
{
	good_resolve(*state, &msg);
	truncations(*state, KMS_TICKET_RESOLVE, &msg);
}

static void resolve_flipped(void **state)
{
	good_resolve(*state, &msg);
	flips(*state, KMS_TICKET_RESOLVE, &msg);
}

/* Whatever is the matter with user and key, it is the same answer. */
static void one_answer_for_all(void **state)
{
	struct house *h = *state;
	struct mem_user *alice = &h->mem.users[0];
	struct refusal measure;
	struct request r;
	u8 key[32];

	request_init(&r, h);
	request_write(&r, &msg);
	wrong_mac(h, KMS_TICKET_REQUEST, &msg, &measure);

	/* a MAC under another key */
	fresh(key, sizeof(key));
	r.psk = kms_blob(key, sizeof(key));
	request_write(&r, &msg);
	house_handle(h, KMS_TICKET_REQUEST, message_blob(&msg));
	assert_refusal(h, &measure);
	assert_string_equal(h->answer.why, "the MAC does not verify");

	/* nobody's PSK id, with a key that the outsider chose */
	r.psk_id = "nobody";
	request_write(&r, &msg);
	house_handle(h, KMS_TICKET_REQUEST, message_blob(&msg));
	assert_refusal(h, &measure);
	assert_string_equal(h->answer.why, "no such PSK");

	/* a PSK whose time is over */
	request_init(&r, h);
	memcpy(&r.csb_id, measure.buf + 4, 4);
	r.csb_id = __builtin_bswap32(r.csb_id);
	request_write(&r, &msg);
	alice->psk.expires = h->world.now;
	house_handle(h, KMS_TICKET_REQUEST, message_blob(&msg));
	assert_refusal(h, &measure);
	assert_string_equal(h->answer.why, "the PSK has expired");
	alice->psk.expires = h->world.now + 1;
	house_handle(h, KMS_TICKET_REQUEST, message_blob(&msg));
	assert_int_equal(h->answer.error_no, -1);

	/* a PSK of another suite, which is not on */
	alice->psk.suite = MIKEY_SUITE_ID_TS_128;
	house_handle(h, KMS_TICKET_REQUEST, message_blob(&msg));
	assert_refusal(h, &measure);
	assert_string_equal(h->answer.why, "the suite is not that of the PSK");
	alice->psk.suite = MIKEY_SUITE_ID_256;

	/* a row that was tampered with */
	h->mem.fail = -EKEYREJECTED;
	house_handle(h, KMS_TICKET_REQUEST, message_blob(&msg));
	assert_refusal(h, &measure);
}

/* The dummy PSK is nobody's, not even of one who sends all zeros. */
static void dummy_key_is_secret(void **state)
{
	static const u8 zeros[32];
	struct house *h = *state;
	struct request r;

	request_init(&r, h);
	r.psk_id = "nobody";
	r.psk = kms_blob(zeros, sizeof(zeros));
	request_write(&r, &msg);
	house_handle(h, KMS_TICKET_REQUEST, message_blob(&msg));
	assert_error(h, MIKEY_ERR_AUTH_FAILURE, false, r.psk, &msg);
}

static void wrong_door(void **state)
{
	struct house *h = *state;

	good_request(h, &msg);
	assert_int_equal(house_handle(h, KMS_TICKET_RESOLVE, message_blob(&msg)), 0);
	assert_int_equal(h->answer.error_no, MIKEY_ERR_INVALID_DT);
	good_resolve(h, &msg);
	assert_int_equal(house_handle(h, KMS_TICKET_REQUEST, message_blob(&msg)), 0);
	assert_int_equal(h->answer.error_no, MIKEY_ERR_INVALID_DT);
	/* Errors are never answered with Errors (RFC 6043 5.4) */
	msg.buf[1] = MIKEY_DT_ERROR;
	assert_int_equal(house_handle(h, KMS_TICKET_REQUEST, message_blob(&msg)),
			 -EBADMSG);
}

/* A suite that is off is told apart from a user that is not there. */
static void suite_off(void **state)
{
	struct house *h = *state;
	struct request r;

	request_init(&r, h);
	r.suite = mikey_suite_by_id(MIKEY_SUITE_ID_128);
	r.psk.len = 16;
	request_write(&r, &msg);
	house_handle(h, KMS_TICKET_REQUEST, message_blob(&msg));
	assert_error(h, MIKEY_ERR_INVALID_PRF, false, r.psk, &msg);
}

static void failing_store(void **state)
{
	struct house *h = *state;

	good_request(h, &msg);
	h->mem.fail = -EAGAIN;
	assert_int_equal(house_handle(h, KMS_TICKET_REQUEST, message_blob(&msg)),
			 -EAGAIN);
	assert_int_equal(h->answer.len, 0);
	h->mem.fail = -EIO;
	assert_int_equal(house_handle(h, KMS_TICKET_REQUEST, message_blob(&msg)),
			 -EIO);
	h->mem.fail = 0;
	h->world.no_entropy = true;
	assert_int_equal(house_handle(h, KMS_TICKET_REQUEST, message_blob(&msg)),
			 -EIO);
	assert_int_equal(h->answer.len, 0);
	assert_non_null(h->answer.why);
}

#define IN_HOUSE(test) \
	cmocka_unit_test_setup_teardown(test, house_setup, house_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_HOUSE(request_truncated),
		IN_HOUSE(request_flipped),
		IN_HOUSE(resolve_truncated),
		IN_HOUSE(resolve_flipped),
		IN_HOUSE(one_answer_for_all),
		IN_HOUSE(dummy_key_is_secret),
		IN_HOUSE(wrong_door),
		IN_HOUSE(suite_off),
		IN_HOUSE(failing_store),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
