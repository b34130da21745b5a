// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Family "mikey_ticket": requests that are malformed as netlink messages or
 * whose values make no sense. Each must get an error and words, and nothing
 * may come of it.
 */
#include <kselftest_harness.h>

#include <time.h>

#include "way.h"

FIXTURE(attr)
{
	struct way way;
	struct term alice;
	u64 pending;
};

FIXTURE_SETUP(attr)
{
	term_session();
	ASSERT_EQ(0, way_open(&self->way));
	ASSERT_EQ(0, term_open(&self->alice, ALICE));
	way_write(&self->way);
	self->pending = term_stat(&self->alice, MIKEY_TICKET_S_EXCHANGES);
}

FIXTURE_TEARDOWN(attr)
{
	EXPECT_EQ(self->pending,
		  term_stat(&self->alice, MIKEY_TICKET_S_EXCHANGES));
	way_close(&self->way);
	term_close(&self->alice);
}

/* Attributes of a request that is good but for what a test does to it. */
struct attr {
	int type;
	u32 len;
	u8 data[300];
};

struct request {
	int cmd;
	struct attr attr[12];
	u32 num;
	const struct peer_msg *msg;
};

static void add(struct request *q, int type, const void *data, u32 len)
{
	struct attr *a = &q->attr[q->num++];

	a->type = type;
	a->len = len;
	memcpy(a->data, data, len);
}

static void add_text(struct request *q, int type, const char *text)
{
	add(q, type, text, strlen(text));
}

static struct request good_request(struct term *t)
{
	struct request q = { .cmd = MIKEY_TICKET_CMD_REQUEST };
	s64 until = time(NULL) + 3600;

	add(&q, MIKEY_TICKET_A_PSK, &t->psk_serial, 4);
	add_text(&q, MIKEY_TICKET_A_PSK_ID, ALICE);
	add_text(&q, MIKEY_TICKET_A_KMS, TERM_KMS);
	add_text(&q, MIKEY_TICKET_A_INITIATOR, ALICE);
	add_text(&q, MIKEY_TICKET_A_RESPONDER, BOB);
	add(&q, MIKEY_TICKET_A_VALID_UNTIL, &until, 8);
	return q;
}

static struct request good_resolve(struct way *w)
{
	struct request q = { .cmd = MIKEY_TICKET_CMD_RESOLVE,
			     .msg = &w->transfer };

	add(&q, MIKEY_TICKET_A_PSK, &w->bob.psk_serial, 4);
	add_text(&q, MIKEY_TICKET_A_PSK_ID, BOB);
	add_text(&q, MIKEY_TICKET_A_KMS, TERM_KMS);
	add_text(&q, MIKEY_TICKET_A_IDENTITY, BOB);
	return q;
}

static struct attr *find(struct request *q, int type)
{
	u32 i;

	for (i = 0; i < q->num; i++) {
		if (q->attr[i].type == type)
			return &q->attr[i];
	}
	abort();
}

static struct nl_msg *build(struct nlc *c, const struct request *q)
{
	struct nl_msg *m = nlc_msg(c, q->cmd);
	u32 i;

	for (i = 0; i < q->num; i++)
		nla_put(m, q->attr[i].type, q->attr[i].len, q->attr[i].data);
	if (q->msg)
		nla_put(m, MIKEY_TICKET_A_MESSAGE, q->msg->len, q->msg->p);
	return m;
}

/* Send on a socket of its own, which takes what came of it along. */
static struct nlc_reply call(const struct request *q)
{
	struct nlc_reply r;
	struct nlc c;

	if (nlc_open(&c, MIKEY_TICKET_GENL_NAME, MIKEY_TICKET_GENL_VERSION))
		abort();
	nlc_call(&c, build(&c, q), &r);
	nlc_free(&(struct nlc_reply){ .msg = r.msg });
	r.msg = NULL;
	nlc_close(&c);
	return r;
}

/* @type missing: -EINVAL that says which one. */
static bool missed(struct request q, int type)
{
	struct attr *a = find(&q, type);
	struct nlc_reply r;

	*a = q.attr[--q.num];
	r = call(&q);
	if (r.err == -EINVAL && *r.words && r.missing == type)
		return true;
	ksft_print_msg("without %d: %d, missing %d, \"%s\"\n", type, r.err,
		       r.missing, r.words);
	fflush(stdout);
	return false;
}

TEST_F(attr, request_without)
{
	static const int needed[] = {
		MIKEY_TICKET_A_PSK, MIKEY_TICKET_A_PSK_ID, MIKEY_TICKET_A_KMS,
		MIKEY_TICKET_A_INITIATOR, MIKEY_TICKET_A_RESPONDER,
		MIKEY_TICKET_A_VALID_UNTIL,
	};
	struct request q = good_request(&self->alice);
	u32 i;

	EXPECT_EQ(0, call(&q).err);
	for (i = 0; i < ARRAY_SIZE(needed); i++)
		EXPECT_TRUE(missed(good_request(&self->alice), needed[i]));
}

TEST_F(attr, resolve_without)
{
	static const int needed[] = {
		MIKEY_TICKET_A_PSK, MIKEY_TICKET_A_PSK_ID, MIKEY_TICKET_A_KMS,
		MIKEY_TICKET_A_IDENTITY,
	};
	struct request q = good_resolve(&self->way);
	struct nlc_reply r;
	u32 i;

	r = call(&q);
	EXPECT_EQ(0, r.err) TH_LOG("%s", r.words);
	for (i = 0; i < ARRAY_SIZE(needed); i++)
		EXPECT_TRUE(missed(good_resolve(&self->way), needed[i]));
	q.msg = NULL;
	r = call(&q);
	EXPECT_EQ(-EINVAL, r.err);
	EXPECT_EQ(MIKEY_TICKET_A_MESSAGE, r.missing);
}

TEST_F(attr, other_commands_without)
{
	static const struct {
		int cmd;
		int need[2];
	} of[] = {
		{ MIKEY_TICKET_CMD_GRANT, { MIKEY_TICKET_A_EXCHANGE,
					    MIKEY_TICKET_A_MESSAGE } },
		{ MIKEY_TICKET_CMD_ADMIT, { MIKEY_TICKET_A_EXCHANGE,
					    MIKEY_TICKET_A_MESSAGE } },
		{ MIKEY_TICKET_CMD_INFO, { MIKEY_TICKET_A_TICKET, } },
	};
	struct request q;
	u32 i, j;

	for (i = 0; i < ARRAY_SIZE(of); i++) {
		for (j = 0; j < 2 && of[i].need[j]; j++) {
			q = (struct request){ .cmd = of[i].cmd };
			add(&q, MIKEY_TICKET_A_UNSPEC + of[i].need[0],
			    "\0\0\0\1", 4);
			if (of[i].need[1])
				add(&q, of[i].need[1], "\0\0\0\1", 4);
			EXPECT_TRUE(missed(q, of[i].need[j]));
		}
	}
}

/**
 * struct wrong - a good request with one attribute replaced
 * @len: of the new value
 * @words: part of what must be said
 */
struct wrong {
	const char *what;
	int type;
	u32 len;
	const char *value;
	int err;
	const char *words;
};

static u32 try_wrong(struct request good, const struct wrong *rows, u32 num)
{
	u32 i, wrong = 0;

	for (i = 0; i < num; i++) {
		struct request q = good;
		struct nlc_reply r;
		struct attr *a;
		u32 j;

		for (j = 0; j < q.num && q.attr[j].type != rows[i].type; j++)
			;
		if (j == q.num)
			add(&q, rows[i].type, "", 0);
		a = &q.attr[j];
		a->len = rows[i].len;
		if (rows[i].value)
			memcpy(a->data, rows[i].value, a->len);
		else
			memset(a->data, 'a', a->len);
		r = call(&q);
		wrong += !term_refused(rows[i].what, &r, rows[i].err,
				       rows[i].words, rows[i].type);
	}
	return wrong;
}

#define A(name) MIKEY_TICKET_A_##name

static const struct wrong requests[] = {
	{ "PSK of 3 bytes", A(PSK), 3, NULL, -EINVAL, "" },
	{ "PSK of 5 bytes", A(PSK), 5, NULL, -EINVAL, "" },
	{ "PSK of 8 bytes", A(PSK), 8, NULL, -EINVAL, "" },
	{ "PSK empty", A(PSK), 0, NULL, -EINVAL, "" },
	{ "IDRpsk empty", A(PSK_ID), 0, NULL, -ERANGE, "" },
	{ "IDRpsk of 256", A(PSK_ID), 256, NULL, -ERANGE, "" },
	{ "IDRkms empty", A(KMS), 0, NULL, -ERANGE, "" },
	{ "IDRkms of 256", A(KMS), 256, NULL, -ERANGE, "" },
	{ "IDRi empty", A(INITIATOR), 0, NULL, -ERANGE, "" },
	{ "IDRi of 256", A(INITIATOR), 256, NULL, -ERANGE, "" },
	{ "IDRr empty", A(RESPONDER), 0, NULL, -ERANGE, "" },
	{ "IDRr of 256", A(RESPONDER), 256, NULL, -ERANGE, "" },
	{ "IDRi with space", A(INITIATOR), 7, "a b@c.d", -EINVAL, "" },
	{ "IDRi with zero", A(INITIATOR), 6, "a@c.d\0", -EINVAL, "" },
	{ "IDRi with newline", A(INITIATOR), 6, "a@c.d\n", -EINVAL, "" },
	{ "TRe of 4 bytes", A(VALID_UNTIL), 4, NULL, -EINVAL, "" },
	{ "TRe past", A(VALID_UNTIL), 8, "\0\0\0\0\0\0\0", -EINVAL, "over" },
	{ "TRe before 1970", A(VALID_UNTIL),
	  8, "\xff\xff\xff\xff\xff\xff\xff\xff", -EINVAL, "over" },
	{ "TRe of 16 bytes", A(VALID_UNTIL), 16, NULL, -EINVAL, "" },
	{ "TRs of 7 bytes", A(VALID_FROM), 7, NULL, -EINVAL, "" },
	{ "profile 0", A(PROFILE), 4, "\0\0\0\0", -EPROTONOSUPPORT, "profile" },
	{ "profile 3", A(PROFILE), 4, "\3\0\0\0", -EPROTONOSUPPORT, "profile" },
	{ "profile 31", A(PROFILE), 4, "\37\0\0\0", -EPROTONOSUPPORT, "" },
	{ "profile 32", A(PROFILE), 4, "\40\0\0\0", -EPROTONOSUPPORT, "" },
	{ "profile -1", A(PROFILE), 4, "\xff\xff\xff\xff", -EPROTONOSUPPORT,
	  "profile" },
	{ "suite 0", A(SUITE), 4, "\0\0\0\0", -EPROTONOSUPPORT, "suite" },
	{ "suite 2", A(SUITE), 4, "\2\0\0\0", -EPROTONOSUPPORT, "suite" },
	{ "suite 33", A(SUITE), 4, "\41\0\0\0", -EPROTONOSUPPORT, "suite" },
	{ "suite of 2 bytes", A(SUITE), 2, NULL, -EINVAL, "" },
	{ "flag with a value", A(REUSABLE), 1, NULL, -ERANGE, "" },
	/* RFC 6043 6.10: I implies E; and what is not reused is not kept */
	{ "CACHEABLE with key forking", A(CACHEABLE), 0, "", -EINVAL,
	  "each message" },
	{ "TRr 0", A(REKEY), 4, "\0\0\0\0", -ERANGE, "" },
	{ "TRr of 8 bytes", A(REKEY), 8, NULL, -EINVAL, "" },
	{ "attribute of RESOLVE", A(IDENTITY), 5, "a@b.c", -EINVAL, "" },
	{ "attribute of GRANT", A(EXCHANGE), 4, NULL, -EINVAL, "" },
	{ "attribute of replies", A(POLICY), 4, NULL, -EINVAL, "" },
	{ "PAD", A(PAD), 0, NULL, -EINVAL, "" },
	{ "unknown attribute", __MIKEY_TICKET_A_MAX, 4, NULL, -EINVAL, "" },
	{ "attribute 1000", 1000, 4, NULL, -EINVAL, "" },
};

TEST_F(attr, request)
{
	EXPECT_EQ(0, try_wrong(good_request(&self->alice), requests,
			       ARRAY_SIZE(requests)));
}

static const struct wrong mints[] = {
	{ "THDR empty", A(THDR), 0, NULL, -ERANGE, "" },
	{ "THDR of 5 bytes", A(THDR), 5, NULL, -ERANGE, "" },
	{ "THDR of 256 bytes", A(THDR), 256, NULL, -ERANGE, "" },
	{ "KEYRING of 2 bytes", A(KEYRING), 2, NULL, -EINVAL, "" },
	{ "KEYRING 1", A(KEYRING), 4, "\1\0\0\0", -ENOKEY, "no key" },
	{ "MESSAGE", A(MESSAGE), 4, NULL, -EINVAL, "" },
};

/* MINT takes what REQUEST takes, and a little more. */
TEST_F(attr, mint)
{
	struct request q = good_request(&self->alice);
	key_serial_t ring = KEY_SPEC_SESSION_KEYRING;

	q.cmd = MIKEY_TICKET_CMD_MINT;
	EXPECT_EQ(0, try_wrong(q, requests, ARRAY_SIZE(requests)));
	EXPECT_EQ(0, try_wrong(q, mints, ARRAY_SIZE(mints)));
	add(&q, MIKEY_TICKET_A_KEYRING, &ring, 4);
	EXPECT_EQ(0, call(&q).err);
	EXPECT_TRUE(missed(q, MIKEY_TICKET_A_PSK));
	EXPECT_TRUE(missed(q, MIKEY_TICKET_A_PSK_ID));
	EXPECT_TRUE(missed(q, MIKEY_TICKET_A_KMS));
	EXPECT_TRUE(missed(q, MIKEY_TICKET_A_INITIATOR));
	EXPECT_TRUE(missed(q, MIKEY_TICKET_A_RESPONDER));
	EXPECT_TRUE(missed(q, MIKEY_TICKET_A_VALID_UNTIL));
}

TEST_F(attr, cacheable_but_not_reusable)
{
	struct request q = good_request(&self->alice);
	u32 annex_i = MIKEY_PROFILE_ANNEX_I;
	struct nlc_reply r;

	add(&q, MIKEY_TICKET_A_PROFILE, &annex_i, 4);
	add(&q, MIKEY_TICKET_A_CACHEABLE, "", 0);
	r = call(&q);
	EXPECT_EQ(-EINVAL, r.err);
	EXPECT_NE(NULL, strstr(r.words, "not reusable"));
	EXPECT_EQ(MIKEY_TICKET_A_CACHEABLE, r.blamed);
	add(&q, MIKEY_TICKET_A_REUSABLE, "", 0);
	EXPECT_EQ(0, call(&q).err);
}

/* From the first to the last second that 32 bits of NTP tell apart. */
TEST_F(attr, endless_period)
{
	s64 first = INT64_MIN, last = INT64_MAX;
	struct term *t = &self->alice;
	struct mikey_msg m;
	struct mikey_diag d;
	struct nlattr *msg;
	struct nlc_reply r;
	struct request q;

	q = good_request(t);
	memcpy(find(&q, MIKEY_TICKET_A_VALID_UNTIL)->data, &last, 8);
	add(&q, MIKEY_TICKET_A_VALID_FROM, &first, 8);
	nlc_call(&t->nl, build(&t->nl, &q), &r);
	ASSERT_EQ(0, r.err) TH_LOG("%s", r.words);
	msg = r.attr[MIKEY_TICKET_A_MESSAGE];
	ASSERT_EQ(0, mikey_msg_parse(&m, nla_data(msg), nla_len(msg), 0, &d));
	EXPECT_EQ(2147483648LL - 2208988800LL,
		  mikey_ts_to_unix(&m.tp.policy.tr_s));
	EXPECT_EQ(2147483647LL + 4294967296LL - 2208988800LL,
		  mikey_ts_to_unix(&m.tp.policy.tr_e));
	nlc_free(&r);

	/* it begins after its end, or at it */
	memcpy(find(&q, MIKEY_TICKET_A_VALID_FROM)->data, &last, 8);
	r = call(&q);
	EXPECT_EQ(-EINVAL, r.err);
	EXPECT_NE(NULL, strstr(r.words, "validity period"));
	q = good_request(t);
	add(&q, MIKEY_TICKET_A_VALID_FROM,
	    find(&q, MIKEY_TICKET_A_VALID_UNTIL)->data, 8);
	EXPECT_EQ(-EINVAL, call(&q).err);
	term_close(t);
	ASSERT_EQ(0, nlc_open(&t->nl, MIKEY_TICKET_GENL_NAME,
			      MIKEY_TICKET_GENL_VERSION));
}

static const struct wrong resolves[] = {
	{ "IDENTITY empty", A(IDENTITY), 0, NULL, -ERANGE, "" },
	{ "IDENTITY of 256", A(IDENTITY), 256, NULL, -ERANGE, "" },
	{ "IDENTITY with ?", A(IDENTITY), 7, "b?b@c.d", -EINVAL, "" },
	{ "IDENTITY with space", A(IDENTITY), 7, "b b@c.d", -EINVAL, "" },
	{ "GROUP empty", A(GROUP), 0, NULL, -ERANGE, "" },
	{ "GROUP with ?", A(GROUP), 3, "?@?", -EINVAL, "" },
	{ "GROUP with tab", A(GROUP), 6, "a\t@b.c", -EINVAL, "" },
	{ "LIST_SERVICE empty", A(LIST_SERVICE), 0, NULL, -ERANGE, "" },
	{ "LIST_SERVICE with ?", A(LIST_SERVICE), 3, "?@?", -EINVAL, "" },
	{ "KEYRING of 2 bytes", A(KEYRING), 2, NULL, -EINVAL, "" },
	{ "suite 3", A(SUITE), 4, "\3\0\0\0", -EPROTONOSUPPORT, "suite" },
	{ "profile", A(PROFILE), 4, "\1\0\0\0", -EINVAL, "" },
	{ "MESSAGE empty", A(MESSAGE), 0, NULL, -ERANGE, "" },
	{ "MESSAGE of 1 byte", A(MESSAGE), 1, "\1", -EBADMSG, "" },
};

TEST_F(attr, resolve)
{
	struct request q = good_resolve(&self->way);
	struct nlc_reply r;
	u32 i;

	EXPECT_EQ(0, try_wrong(q, resolves, ARRAY_SIZE(resolves) - 2));
	q.msg = NULL;
	EXPECT_EQ(0, try_wrong(q, resolves + ARRAY_SIZE(resolves) - 2, 2));

	/* as many groups as there may be, and one too many */
	q = good_resolve(&self->way);
	for (i = 0; i <= MIKEY_TICKET_GROUPS_MAX; i++) {
		struct nl_msg *m;
		u32 j;

		if (i && i < MIKEY_TICKET_GROUPS_MAX - 1)
			continue;
		m = term_resolve_msg(&self->way.bob, &self->way.transfer);
		for (j = 0; j <= i; j++)
			nla_put(m, MIKEY_TICKET_A_GROUP, 5, "g@h.i");
		nlc_call(&self->way.bob.nl, m, &r);
		EXPECT_EQ(i < MIKEY_TICKET_GROUPS_MAX ? 0 : -EINVAL, r.err)
			TH_LOG("%u groups", i + 1);
		nlc_free(&r);
	}
	/* list services count with them */
	for (i = 0; i < 2; i++) {
		struct nl_msg *m;
		u32 j;

		m = term_resolve_msg(&self->way.bob, &self->way.transfer);
		for (j = 0; j < MIKEY_TICKET_GROUPS_MAX - 1; j++)
			nla_put(m, MIKEY_TICKET_A_GROUP, 5, "g@h.i");
		for (j = 0; j <= i; j++)
			nla_put(m, MIKEY_TICKET_A_LIST_SERVICE, 5, "l@m.n");
		nlc_call(&self->way.bob.nl, m, &r);
		EXPECT_EQ(i ? -EINVAL : 0, r.err);
		EXPECT_TRUE(!i || r.blamed == MIKEY_TICKET_A_LIST_SERVICE);
		nlc_free(&r);
	}
	nlc_close(&self->way.bob.nl);
	ASSERT_EQ(0, nlc_open(&self->way.bob.nl, MIKEY_TICKET_GENL_NAME,
			      MIKEY_TICKET_GENL_VERSION));
}

/* The largest message there may be, and a byte more. */
TEST_F(attr, message_length)
{
	static struct peer_msg big;
	struct nlc_reply r;

	big.len = MIKEY_MSG_MAX;
	memcpy(big.p, self->way.transfer.p, self->way.transfer.len);
	EXPECT_EQ(-EBADMSG, term_resolve(&self->way.bob, &big, &self->way.ex,
					 &r));
	nlc_free(&r);
	big.len++;
	EXPECT_EQ(-ERANGE, term_resolve(&self->way.bob, &big, &self->way.ex,
					&r));
	EXPECT_EQ(MIKEY_TICKET_A_MESSAGE, r.blamed);
	nlc_free(&r);
}

static const struct wrong infos[] = {
	{ "TICKET of 8 bytes", A(TICKET), 8, NULL, -EINVAL, "" },
	{ "TICKET 0", A(TICKET), 4, "\0\0\0\0", -ENOKEY, "no key" },
	{ "TICKET -3", A(TICKET), 4, "\xfd\xff\xff\xff", -ENOKEY, "no key" },
	{ "KEYRING", A(KEYRING), 4, "\xfd\xff\xff\xff", -EINVAL, "" },
};

TEST_F(attr, info)
{
	struct request q = { .cmd = MIKEY_TICKET_CMD_INFO };

	add(&q, MIKEY_TICKET_A_TICKET, "\1\0\0\0", 4);
	EXPECT_EQ(0, try_wrong(q, infos, ARRAY_SIZE(infos)));
}

static const struct wrong answers[] = {
	{ "EXCHANGE 0", A(EXCHANGE), 4, "\0\0\0\0", -ESRCH, "no such exchange" },
	{ "EXCHANGE -1", A(EXCHANGE), 4, "\xff\xff\xff\xff", -ESRCH,
	  "no such exchange" },
	{ "EXCHANGE of 2 bytes", A(EXCHANGE), 2, NULL, -EINVAL, "" },
	{ "KEYRING of 2 bytes", A(KEYRING), 2, NULL, -EINVAL, "" },
	{ "MESSAGE empty", A(MESSAGE), 0, NULL, -ERANGE, "" },
	{ "PSK", A(PSK), 4, NULL, -EINVAL, "" },
};

TEST_F(attr, answer)
{
	static const int cmds[] = { MIKEY_TICKET_CMD_GRANT,
				    MIKEY_TICKET_CMD_ADMIT };
	u32 i;

	for (i = 0; i < ARRAY_SIZE(cmds); i++) {
		struct request q = { .cmd = cmds[i] };

		add(&q, MIKEY_TICKET_A_EXCHANGE, "\0\0\0\0", 4);
		add(&q, MIKEY_TICKET_A_MESSAGE, "x", 1);
		EXPECT_EQ(0, try_wrong(q, answers, ARRAY_SIZE(answers)));
	}
}

/* Commands that take nothing take nothing; unknown ones are not known. */
TEST_F(attr, commands)
{
	struct request q = { .cmd = MIKEY_TICKET_CMD_STATS };

	add(&q, MIKEY_TICKET_A_TICKET, "\0\0\0\0", 4);
	EXPECT_EQ(-EINVAL, call(&q).err);
	q.cmd = MIKEY_TICKET_CMD_CAPS;
	EXPECT_EQ(-EINVAL, call(&q).err);
	q.num = 0;
	q.cmd = MIKEY_TICKET_CMD_UNSPEC;
	EXPECT_EQ(-EOPNOTSUPP, call(&q).err);
	q.cmd = MIKEY_TICKET_CMD_REFUSED;
	EXPECT_EQ(-EOPNOTSUPP, call(&q).err);
	q.cmd = __MIKEY_TICKET_CMD_MAX;
	EXPECT_EQ(-EOPNOTSUPP, call(&q).err);
}

/*
 * A single-valued attribute twice: the last one counts, as everywhere in
 * netlink, and an invalid first one is refused all the same.
 */
TEST_F(attr, twice)
{
	struct request q = good_request(&self->alice);
	struct nlc_reply r;

	add(&q, MIKEY_TICKET_A_PSK, &self->alice.psk_serial, 4);
	EXPECT_EQ(0, call(&q).err);
	find(&q, MIKEY_TICKET_A_PSK)->len = 2;
	EXPECT_EQ(-EINVAL, call(&q).err);
	find(&q, MIKEY_TICKET_A_PSK)->len = 4;
	memset(q.attr[q.num - 1].data, 0x7f, 4);
	r = call(&q);
	EXPECT_EQ(-ENOKEY, r.err);
	EXPECT_EQ(MIKEY_TICKET_A_PSK, r.blamed);
	/* an invalid one among many RESPONDERs */
	q = good_request(&self->alice);
	add_text(&q, MIKEY_TICKET_A_RESPONDER, "");
	add_text(&q, MIKEY_TICKET_A_RESPONDER, CAROL);
	r = call(&q);
	EXPECT_EQ(-ERANGE, r.err);
	EXPECT_EQ(MIKEY_TICKET_A_RESPONDER, r.blamed);
}

/* Attributes that run past the message, and bytes that are none. */
TEST_F(attr, torn_message)
{
	struct term *t = &self->alice;
	const char *const responders[] = { BOB, NULL };
	struct nlmsghdr *h;
	struct nlc_reply r;
	struct nl_msg *m;
	struct nlattr *a;

	m = term_request_msg(t, responders);
	h = nlmsg_hdr(m);
	a = (struct nlattr *)((char *)h + h->nlmsg_len - 4);
	a->nla_len = 0xffff;
	nlc_call(&t->nl, m, &r);
	EXPECT_EQ(-EINVAL, r.err);
	nlc_free(&r);

	m = term_request_msg(t, responders);
	h = nlmsg_hdr(m);
	h->nlmsg_len -= 2;
	nlc_call(&t->nl, m, &r);
	EXPECT_GT(0, r.err);
	nlc_free(&r);

	m = term_request_msg(t, responders);
	nla_put(m, MIKEY_TICKET_A_SUITE | NLA_F_NESTED, 4, "\1\0\0\0");
	nlc_call(&t->nl, m, &r);
	EXPECT_EQ(-EINVAL, r.err);
	nlc_free(&r);
}

TEST_HARNESS_MAIN
