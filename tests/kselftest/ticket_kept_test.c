// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Family "mikey_ticket": tickets that a responder keeps (RFC 6043 5.3, and 6.10:
 * J, E, TRr). A second message with the same TICKET needs no KMS; nobody but
 * who had the ticket resolved gets that, and nothing gets it unverified.
 */
#include <kselftest_harness.h>

#include <openssl/sha.h>

#include "clock.h"
#include "ticket/module.h"
#include "way.h"

FIXTURE(kept)
{
	bool able;
	struct way way;
	struct peer_transfer x;
	struct peer_msg second;
	key_serial_t ticket;
	u64 resolves, reuses;
};

FIXTURE_VARIANT(kept) { struct peer_kind kind; };

FIXTURE_VARIANT_ADD(kept, annex_i_256) { KIND(ANNEX_I, 256) };
FIXTURE_VARIANT_ADD(kept, annex_i_128) { KIND(ANNEX_I, 128) };

/* The way of a first message to its end. Return: serial or errno. */
static key_serial_t admit_first(struct way *w)
{
	int err = way_ask(w);

	if (err)
		return err;
	nlc_free(&w->r);
	way_answer(w);
	return w->r.err ? w->r.err : nlc_s32(w->r.attr[MIKEY_TICKET_A_TICKET]);
}

/* A second message with the same ticket (5.3: CSB ID, RANDRi and T anew). */
static void write_second(struct _test_data_kept *self)
{
	peer_transfer_plan(&self->x, &self->way.ticket, BOB);
	peer_transfer_write(&self->x, &self->second);
}

FIXTURE_SETUP(kept)
{
	struct way *w = &self->way;
	int err = module_allow_suite(variant->kind.suite);

	self->able = !err;
	if (err == -ENOENT)
		return;
	ASSERT_EQ(0, err);
	term_session();
	ASSERT_EQ(0, way_open_kind(w, variant->kind));
	w->ticket.policy.head.flags &= ~MIKEY_FLAG_E;
	self->ticket = admit_first(w);
	ASSERT_LT(0, self->ticket) TH_LOG("%s", w->r.words);
	write_second(self);
	self->resolves = term_stat(&w->bob, MIKEY_TICKET_S_RESOLVES);
	self->reuses = term_stat(&w->bob, MIKEY_TICKET_S_REUSES);
}

FIXTURE_TEARDOWN(kept)
{
	if (!self->able)
		return;
	way_close(&self->way);
	module_allow_default();
}

/* RESOLVE with KEYRING; the reply stays in the way's. */
static int resolve(struct _test_data_kept *self, const struct peer_msg *transfer,
		   key_serial_t ring)
{
	struct way *w = &self->way;
	struct nl_msg *m = term_resolve_msg(&w->bob, transfer);

	nla_put_s32(m, MIKEY_TICKET_A_KEYRING, ring);
	nlc_free(&w->r);
	return nlc_call(&w->bob.nl, m, &w->r);
}

/* The kept ticket, 0 where the KMS is to be asked, or an errno. */
static key_serial_t found(struct _test_data_kept *self,
			  const struct peer_msg *transfer)
{
	struct nlattr **attr = self->way.r.attr;
	int err = resolve(self, transfer, KEY_SPEC_SESSION_KEYRING);

	if (err)
		return err;
	/* one or the other, never both */
	if (!attr[MIKEY_TICKET_A_TICKET])
		return attr[MIKEY_TICKET_A_EXCHANGE] &&
		       attr[MIKEY_TICKET_A_MESSAGE] ? 0 : -ENODATA;
	if (attr[MIKEY_TICKET_A_EXCHANGE] || attr[MIKEY_TICKET_A_MESSAGE])
		return -ENODATA;
	return nlc_s32(attr[MIKEY_TICKET_A_TICKET]);
}

TEST_F(kept, second_message)
{
	struct nlattr *policy, *mac;
	struct way *w = &self->way;
	char want[256];
	u8 digest[32];
	int i, n;

	if (!self->able)
		SKIP(return, "MIKEY_MODULES is not set");
	/* its description leads to the TICKET */
	SHA256(w->ticket.body.p, w->ticket.body.len, digest);
	n = sprintf(want, "r:" ALICE ":");
	for (i = 0; i < 16; i++)
		n += sprintf(want + n, "%02x", digest[i]);
	EXPECT_EQ(self->ticket, keyctl_search(KEY_SPEC_SESSION_KEYRING,
					      MIKEY_TICKET_KEY_TYPE, want, 0));

	EXPECT_EQ(self->ticket, found(self, &self->second))
		TH_LOG("%d %s", w->r.err, w->r.words);
	policy = w->r.attr[MIKEY_TICKET_A_POLICY];
	EXPECT_NE(NULL, nlc_in(policy, MIKEY_TICKET_A_CACHEABLE, 0));
	EXPECT_NE(NULL, nlc_in(policy, MIKEY_TICKET_A_REUSABLE, 0));
	mac = w->r.attr[MIKEY_TICKET_A_MAC];
	ASSERT_NE(NULL, mac);
	EXPECT_EQ(w->ticket.suite->mac_len, nla_len(mac));
	EXPECT_EQ(0, memcmp(self->x.vmac, nla_data(mac), nla_len(mac)));
	EXPECT_EQ(self->resolves, term_stat(&w->bob, MIKEY_TICKET_S_RESOLVES));
	EXPECT_EQ(self->reuses + 1, term_stat(&w->bob, MIKEY_TICKET_S_REUSES));

	/* the first one once more: what was delivered is another's to know */
	EXPECT_EQ(self->ticket, found(self, &w->transfer));
	/* who does not ask for it does not get it */
	EXPECT_EQ(0, term_resolve(&w->bob, &self->second, &w->ex, NULL));

	nlc_free(&w->r);
	ASSERT_EQ(0, term_info(&w->bob, self->ticket, &w->r));
	EXPECT_EQ(MIKEY_ROLE_RESPONDER,
		  nlc_u32(w->r.attr[MIKEY_TICKET_A_ROLE]));
	EXPECT_LT(3600, nlc_s64(w->r.attr[MIKEY_TICKET_A_REMAINING]));
}

/* 6.10: J0 is not reused, E1 is resolved each time. */
TEST_F(kept, not_these)
{
	static const u16 flags[] = {
		MIKEY_FLAG_E | MIKEY_FLAG_J, MIKEY_FLAG_E, 0,
	};
	struct way *w = &self->way;
	u32 i;

	if (!self->able)
		SKIP(return, "MIKEY_MODULES is not set");
	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		way_plan(w);
		w->ticket.policy.head.flags &= ~(MIKEY_FLAG_E | MIKEY_FLAG_J);
		w->ticket.policy.head.flags |= flags[i];
		nlc_free(&w->r);
		ASSERT_LT(0, admit_first(w)) TH_LOG("%s", w->r.words);
		EXPECT_EQ(NULL, nlc_in(w->r.attr[MIKEY_TICKET_A_POLICY],
				       MIKEY_TICKET_A_CACHEABLE, 0));
		write_second(self);
		EXPECT_EQ(0, found(self, &self->second));
		EXPECT_EQ(0, found(self, &w->transfer));
	}
}

/* Who the KMS answered: the same PSK, as the same identity, at the same KMS. */
TEST_F(kept, nobody_else)
{
	struct way *w = &self->way;
	struct nl_msg *m;
	u8 other[32];

	if (!self->able)
		SKIP(return, "MIKEY_MODULES is not set");
	/* Bob's second identity, which the ticket names as well */
	way_plan(w);
	w->ticket.policy.head.flags &= ~MIKEY_FLAG_E;
	w->ticket.policy.responder[1] = peer_nai("bob@office.test");
	w->ticket.policy.num_responders = 2;
	self->ticket = admit_first(w);
	ASSERT_LT(0, self->ticket) TH_LOG("%s", w->r.words);
	write_second(self);
	EXPECT_EQ(self->ticket, found(self, &self->second));

	peer_transfer_plan(&self->x, &w->ticket, "bob@office.test");
	peer_transfer_write(&self->x, &self->second);
	w->bob.uid = "bob@office.test";
	EXPECT_EQ(0, found(self, &self->second));
	w->bob.uid = BOB;

	write_second(self);
	m = term_resolve_msg(&w->bob, &self->second);
	nla_put_s32(m, MIKEY_TICKET_A_KEYRING, KEY_SPEC_SESSION_KEYRING);
	nla_put(m, MIKEY_TICKET_A_KMS, 13, "https://o.kms");
	nlc_free(&w->r);
	ASSERT_EQ(0, nlc_call(&w->bob.nl, m, &w->r)) TH_LOG("%s", w->r.words);
	EXPECT_EQ(NULL, w->r.attr[MIKEY_TICKET_A_TICKET]);

	/* a new PSK, even of the same bytes, is the old one's successor */
	memcpy(other, w->bob.psk.key, sizeof(other));
	w->bob.psk_serial = term_logon("next", other, w->bob.psk.len,
				       KEY_SPEC_SESSION_KEYRING);
	ASSERT_LT(0, w->bob.psk_serial);
	EXPECT_EQ(0, found(self, &self->second));
}

/* A revoked PSK ends what was resolved with it. */
TEST_F(kept, no_longer_with_a_revoked_psk)
{
	if (!self->able)
		SKIP(return, "MIKEY_MODULES is not set");
	ASSERT_EQ(0, keyctl_revoke(self->way.bob.psk_serial));
	EXPECT_EQ(-EKEYREVOKED, found(self, &self->second));
	EXPECT_EQ(MIKEY_TICKET_A_PSK, self->way.r.blamed);
}

/* Nor with one whose key got other bytes, which the KMS never had. */
TEST_F(kept, no_longer_with_an_updated_psk)
{
	u8 other[32];

	if (!self->able)
		SKIP(return, "MIKEY_MODULES is not set");
	peer_random(other, sizeof(other));
	ASSERT_EQ(0, keyctl_update(self->way.bob.psk_serial, other,
				   self->way.bob.psk.len));
	EXPECT_EQ(0, found(self, &self->second));
	ASSERT_EQ(0, keyctl_update(self->way.bob.psk_serial,
				   self->way.bob.psk.key,
				   self->way.bob.psk.len));
	EXPECT_EQ(self->ticket, found(self, &self->second));
}

/* The early checks come first, as they do before the KMS is asked. */
TEST_F(kept, addressed_to_somebody_else)
{
	if (!self->able)
		SKIP(return, "MIKEY_MODULES is not set");
	peer_transfer_plan(&self->x, &self->way.ticket, CAROL);
	peer_transfer_write(&self->x, &self->second);
	EXPECT_EQ(-EKEYREJECTED, found(self, &self->second));
	EXPECT_NE(NULL, strstr(self->way.r.words, "addressed to somebody else"));
}

/* 4.2.3.6: TRANSFER_INIT is verified with MPKi before anybody hears of it. */
TEST_F(kept, not_for_a_message_that_does_not_verify)
{
	struct way *w = &self->way;
	u64 macs = term_stat(&w->bob, MIKEY_TICKET_S_BAD_MAC);
	u64 pending = term_stat(&w->bob, MIKEY_TICKET_S_EXCHANGES);

	if (!self->able)
		SKIP(return, "MIKEY_MODULES is not set");
	peer_transfer_plan(&self->x, &w->ticket, BOB);
	self->x.wrong_v = true;
	peer_transfer_write(&self->x, &self->second);
	EXPECT_EQ(-EKEYREJECTED, found(self, &self->second));
	EXPECT_NE(NULL, strstr(w->r.words, "MAC"));
	EXPECT_EQ(MIKEY_TICKET_A_MESSAGE, w->r.blamed);
	EXPECT_EQ(macs + 1, term_stat(&w->bob, MIKEY_TICKET_S_BAD_MAC));

	/* the SPI of another key */
	peer_transfer_plan(&self->x, &w->ticket, BOB);
	self->x.spi = (struct mikey_blob){ (const u8 *)"12345678", 8 };
	peer_transfer_write(&self->x, &self->second);
	EXPECT_EQ(-EKEYREJECTED, found(self, &self->second));
	EXPECT_NE(NULL, strstr(w->r.words, "SPI"));
	EXPECT_EQ(pending, term_stat(&w->bob, MIKEY_TICKET_S_EXCHANGES));
	/* and the ticket is as good as before */
	write_second(self);
	EXPECT_EQ(self->ticket, found(self, &self->second));
}

/*
 * Every bit of the TICKET counts: with any other one it is another ticket,
 * which the KMS must be asked about if it is not refused before.
 */
TEST_F_TIMEOUT(kept, other_ticket, 120)
{
	struct peer_msg *m = &self->second;
	struct way *w = &self->way;
	u32 from, i, asked = 0;
	key_serial_t got;

	if (!self->able)
		SKIP(return, "MIKEY_MODULES is not set");
	from = m->cut_at - w->ticket.body.len;
	for (i = 8 * from; i < 8 * m->cut_at; i++) {
		m->p[i / 8] ^= 0x80 >> i % 8;
		got = found(self, m);
		EXPECT_GE(0, got) TH_LOG("bit %u of the ticket", i - 8 * from);
		m->p[i / 8] ^= 0x80 >> i % 8;
		if (got)
			continue;
		asked++;
		nlc_close(&w->bob.nl);
		ASSERT_EQ(0, nlc_open(&w->bob.nl, MIKEY_TICKET_GENL_NAME,
				      MIKEY_TICKET_GENL_VERSION));
	}
	EXPECT_LT(0, asked);
	EXPECT_EQ(self->ticket, found(self, m));
}

/* A dead ticket is none: the KMS is asked again. */
TEST_F(kept, dead)
{
	struct way *w = &self->way;

	if (!self->able)
		SKIP(return, "MIKEY_MODULES is not set");
	ASSERT_EQ(0, keyctl_revoke(self->ticket));
	EXPECT_EQ(0, found(self, &self->second));

	nlc_free(&w->r);
	self->ticket = admit_first(w);
	ASSERT_LT(0, self->ticket);
	EXPECT_EQ(self->ticket, found(self, &self->second));
	ASSERT_EQ(0, keyctl_unlink(self->ticket, KEY_SPEC_SESSION_KEYRING));
	EXPECT_EQ(0, found(self, &self->second));

	nlc_free(&w->r);
	self->ticket = admit_first(w);
	ASSERT_LT(0, self->ticket);
	ASSERT_EQ(0, keyctl_invalidate(self->ticket));
	EXPECT_EQ(0, found(self, &self->second));
}

/* 6.10: what was resolved is resolved anew when TRr is over. */
TEST_F(kept, until_rekeying)
{
	struct way *w = &self->way;

	if (!self->able)
		SKIP(return, "MIKEY_MODULES is not set");
	way_plan(w);
	w->ticket.policy.head.flags &= ~MIKEY_FLAG_E;
	w->ticket.policy.head.tr_r = (struct mikey_ts){
		true, MIKEY_TS_NTP_UTC_32, 2ull << 32,
	};
	nlc_free(&w->r);
	self->ticket = admit_first(w);
	ASSERT_LT(0, self->ticket) TH_LOG("%s", w->r.words);
	EXPECT_EQ(2, nlc_u32(nlc_in(w->r.attr[MIKEY_TICKET_A_POLICY],
				    MIKEY_TICKET_A_REKEY, 0)));
	write_second(self);
	sleep(3);
	EXPECT_EQ(0, found(self, &self->second));
}

/* A ticket of that very description in an inner keyring is found, too. */
TEST_F(kept, in_a_keyring_of_its_own)
{
	key_serial_t ring;

	if (!self->able)
		SKIP(return, "MIKEY_MODULES is not set");
	ring = add_key("keyring", "tickets", NULL, 0, KEY_SPEC_SESSION_KEYRING);
	ASSERT_LT(0, ring);
	ASSERT_EQ(0, keyctl_link(self->ticket, ring));
	ASSERT_EQ(0, keyctl_unlink(self->ticket, KEY_SPEC_SESSION_KEYRING));
	EXPECT_EQ(self->ticket, found(self, &self->second));
	EXPECT_EQ(0, resolve(self, &self->second, ring));
	EXPECT_EQ(self->ticket, nlc_s32(self->way.r.attr[MIKEY_TICKET_A_TICKET]));

	EXPECT_EQ(-EINVAL, resolve(self, &self->second, self->ticket));
	EXPECT_STREQ("the key is not a keyring", self->way.r.words);
	EXPECT_EQ(MIKEY_TICKET_A_KEYRING, self->way.r.blamed);
	EXPECT_EQ(-ENOKEY, resolve(self, &self->second, 0x7ffffff0));
	EXPECT_EQ(MIKEY_TICKET_A_KEYRING, self->way.r.blamed);
}

/*
 * A sender makes as many tickets as he likes. They are kept up to a limit, so
 * that there is room in the quota of keys for those of others.
 */
TEST_F(kept, so_many)
{
	struct way *w = &self->way;
	key_serial_t last = 0;
	u32 i;

	if (!self->able)
		SKIP(return, "MIKEY_MODULES is not set");
	for (i = 1; i <= MIKEY_TICKET_KEPT_MAX; i++) {
		way_plan(w);
		w->ticket.policy.head.flags &= ~MIKEY_FLAG_E;
		nlc_free(&w->r);
		last = admit_first(w);
		ASSERT_LT(0, last) TH_LOG("%u: %s", i, w->r.words);
		write_second(self);
		EXPECT_EQ(i < MIKEY_TICKET_KEPT_MAX ? last : 0,
			  found(self, &self->second)) TH_LOG("%u", i);
	}
	/* it is like any other that is not kept */
	nlc_free(&w->r);
	ASSERT_EQ(0, term_info(&w->bob, last, &w->r));
	EXPECT_GE(60, nlc_s64(w->r.attr[MIKEY_TICKET_A_REMAINING]));

	/* and where one goes there is room for the next */
	ASSERT_EQ(0, keyctl_revoke(self->ticket));
	nlc_free(&w->r);
	last = admit_first(w);
	ASSERT_LT(0, last) TH_LOG("%s", w->r.words);
	EXPECT_EQ(last, found(self, &self->second));
}

/* The clock was past TRe once: the key lives on, the ticket does not. */
TEST_F(kept, dead_in_a_living_key)
{
	struct term *bob = &self->way.bob;
	const long days = 3 * 24 * 3600;
	u64 tickets, left;

	if (!self->able)
		SKIP(return, "MIKEY_MODULES is not set");
	EXPECT_EQ(self->ticket, found(self, &self->second));
	tickets = term_stat(bob, MIKEY_TICKET_S_TICKETS);
	clock_jump(days);
	left = term_stat_wait(bob, MIKEY_TICKET_S_TICKETS, tickets - 1, 20000);
	clock_jump(-days);
	EXPECT_EQ(tickets - 1, left);
	EXPECT_EQ(0, found(self, &self->second));
}

/* Whoever cannot search the keyring learns nothing from it. */
struct intruder {
	struct _test_data_kept *self;
	key_serial_t ring;
};

static int intrude(void *arg)
{
	struct intruder *i = arg;
	struct way *w = &i->self->way;

	w->bob.psk_serial = term_logon("theirs", w->bob.psk.key,
				       w->bob.psk.len,
				       KEY_SPEC_SESSION_KEYRING);
	if (nlc_open(&w->bob.nl, MIKEY_TICKET_GENL_NAME,
		     MIKEY_TICKET_GENL_VERSION))
		return 200;
	return -resolve(i->self, &i->self->second, i->ring);
}

TEST_F(kept, of_another_user)
{
	struct intruder i = { .self = self };

	if (!self->able)
		SKIP(return, "MIKEY_MODULES is not set");
	i.ring = add_key("keyring", "tickets", NULL, 0, KEY_SPEC_SESSION_KEYRING);
	ASSERT_LT(0, i.ring);
	ASSERT_EQ(0, keyctl_link(self->ticket, i.ring));
	EXPECT_EQ(EACCES, term_as_user(4242, intrude, &i));
}

TEST_HARNESS_MAIN
