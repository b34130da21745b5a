// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The rules of a policy: which one decides, and what its terms make of a
 * ticket. The core answers real requests; who asks is always ALICE.
 */
#include "helper/kms/policy.h"
#include "tests/unit/kms/support.h"

#define CAROL "carol@example.test"
#define DAVE "dave@partner.test"
#define HERE "?@example.test"
#define THERE "?@partner.test"

static struct message msg;
static struct granted granted;

/* What a rule has otherwise than everybody. */
enum twist {
	AS_IS, DENY, SHORT, ONCE, KEPT, REKEYED, FEW, NO_WILDCARD, ANY_WILDCARD,
	NO_GROUP, ONLY_ANNEX_I, ONLY_MINTED, ONLY_128,
};

static void twist(struct kms_rule *rule, enum twist how)
{
	struct kms_terms *t = &rule->terms;

	rule->deny = how == DENY;
	if (how == SHORT)
		t->max_lifetime = 600;
	if (how == ONCE)
		t->reuse = false;
	if (how == KEPT)
		t->cacheable = true;
	if (how == REKEYED)
		t->rekey = 60;
	if (how == FEW)
		t->max_responders = 1;
	if (how == NO_WILDCARD)
		t->wildcards = KMS_WILDCARDS_NONE;
	if (how == ANY_WILDCARD)
		t->wildcards = KMS_WILDCARDS_ANY;
	if (how == NO_GROUP)
		t->groups = false;
	if (how == ONLY_ANNEX_I)
		t->profiles = 1U << MIKEY_PROFILE_ID_ANNEX_I;
	if (how == ONLY_MINTED)
		t->modes = 1U << MIKEY_MODE_INITIATOR;
	if (how == ONLY_128)
		t->suites = 1U << MIKEY_SUITE_ID_128;
}

struct row {
	const char *from, *to;
	enum twist how;
};

#define ROWS_MAX 4

/* Rules in their order, recipients, and what ALICE is told. */
struct example {
	const char *what;
	struct row rows[ROWS_MAX];
	const char *to[4];
	bool annex_i, cacheable;
	int error;		/* -1: granted */
	u32 changed;
};

#define OK (-1)
#define NO MIKEY_ERR_AUTH_FAILURE

static const struct example examples[] = {
	{ .what = "the first that fits decides: a narrow one before a wide one",
	  .rows = { { ALICE, BOB, SHORT }, { HERE, HERE, AS_IS } },
	  .to = { BOB }, .error = OK, .changed = KMS_CHANGED_END },
	{ .what = "and behind it, it is not reached",
	  .rows = { { HERE, HERE, AS_IS }, { ALICE, BOB, SHORT } },
	  .to = { BOB }, .error = OK },
	{ .what = "another initiator's rule is passed over",
	  .rows = { { BOB, HERE, DENY }, { HERE, HERE, AS_IS } },
	  .to = { CAROL }, .error = OK },
	{ .what = "another recipient's too",
	  .rows = { { ALICE, CAROL, DENY }, { HERE, HERE, AS_IS } },
	  .to = { BOB }, .error = OK },
	{ .what = "what nothing allows is refused",
	  .rows = { { HERE, HERE, AS_IS } }, .to = { DAVE }, .error = NO },
	{ .what = "what nothing allows, though only denials are there",
	  .rows = { { HERE, CAROL, DENY } }, .to = { BOB }, .error = NO },
	{ .what = "a denial before a permission",
	  .rows = { { HERE, BOB, DENY }, { HERE, HERE, AS_IS } },
	  .to = { BOB }, .error = NO },
	{ .what = "a permission before a denial",
	  .rows = { { ALICE, BOB, AS_IS }, { HERE, BOB, DENY } },
	  .to = { BOB }, .error = OK },
	{ .what = "one recipient who is denied refuses all",
	  .rows = { { HERE, BOB, DENY }, { HERE, HERE, AS_IS } },
	  .to = { CAROL, BOB }, .error = NO },
	{ .what = "no wildcard gets past a denial",
	  .rows = { { HERE, BOB, DENY }, { HERE, HERE, AS_IS } },
	  .to = { HERE }, .error = NO },
	{ .what = "nor part of a wildcard",
	  .rows = { { HERE, "b?@example.test", DENY }, { HERE, HERE, AS_IS } },
	  .to = { "?b@example.test" }, .error = NO },
	{ .what = "a wildcard that reaches nobody who is denied",
	  .rows = { { HERE, "b?@example.test", DENY }, { HERE, HERE, AS_IS } },
	  .to = { "c?@example.test" }, .error = OK },
	{ .what = "no wildcard gets past smaller terms",
	  .rows = { { HERE, BOB, SHORT }, { HERE, HERE, AS_IS } },
	  .to = { HERE }, .error = OK, .changed = KMS_CHANGED_END },
	{ .what = "of several recipients' terms the least count",
	  .rows = { { HERE, BOB, SHORT }, { HERE, CAROL, ONCE }, { HERE, THERE, AS_IS } },
	  .to = { CAROL, DAVE, BOB }, .error = OK,
	  .changed = KMS_CHANGED_END | KMS_CHANGED_REUSE },
	{ .what = "no reuse", .rows = { { HERE, HERE, ONCE } }, .to = { BOB },
	  .error = OK, .changed = KMS_CHANGED_REUSE },
	{ .what = "a rekeying interval", .rows = { { HERE, HERE, REKEYED } },
	  .to = { BOB }, .error = OK, .changed = KMS_CHANGED_REKEY },
	{ .what = "caching where the rule grants it",
	  .rows = { { HERE, BOB, KEPT }, { HERE, HERE, AS_IS } }, .to = { BOB },
	  .annex_i = true, .cacheable = true, .error = OK },
	{ .what = "and not where another recipient's does not",
	  .rows = { { HERE, BOB, KEPT }, { HERE, HERE, AS_IS } },
	  .to = { BOB, CAROL }, .annex_i = true, .cacheable = true, .error = OK,
	  .changed = KMS_CHANGED_CACHE },
	{ .what = "fewer recipients",
	  .rows = { { HERE, BOB, FEW }, { HERE, HERE, AS_IS } },
	  .to = { CAROL, BOB }, .error = MIKEY_ERR_INVALID_TPPAR },
	{ .what = "no wildcards", .rows = { { HERE, HERE, NO_WILDCARD } },
	  .to = { HERE }, .error = NO },
	{ .what = "no wildcards, of which there are none",
	  .rows = { { HERE, HERE, NO_WILDCARD } }, .to = { BOB }, .error = OK },
	{ .what = "wildcards in the domain, for one",
	  .rows = { { ALICE, "?", ANY_WILDCARD } }, .to = { "?@?" }, .error = OK },
	{ .what = "no groups", .rows = { { HERE, HERE, NO_GROUP } },
	  .to = { BOB, TEAM }, .error = NO },
	{ .what = "no groups, of which there are none",
	  .rows = { { HERE, HERE, NO_GROUP } }, .to = { BOB }, .error = OK },
	{ .what = "one profile, another's ticket",
	  .rows = { { HERE, HERE, ONLY_ANNEX_I } }, .to = { BOB }, .error = NO },
	{ .what = "one profile", .rows = { { HERE, HERE, ONLY_ANNEX_I } },
	  .to = { BOB }, .annex_i = true, .error = OK },
	{ .what = "only tickets of one's own", .rows = { { HERE, HERE, ONLY_MINTED } },
	  .to = { BOB }, .error = NO },
	{ .what = "a suite, another's PSK", .rows = { { HERE, HERE, ONLY_128 } },
	  .to = { BOB }, .error = NO },
};

static void take_example(struct house *h, const struct example *e,
			 struct kms_rule *rules)
{
	size_t num = 0;

	for (; num < ROWS_MAX && e->rows[num].from; num++)
		rules[num] = (struct kms_rule) {
			.from = e->rows[num].from, .to = e->rows[num].to,
		};
	house_rules(h, rules, num);
	while (num--)
		twist(&rules[num], e->rows[num].how);
}

static void try_example(struct house *h, const struct example *e)
{
	struct kms_rule rules[ROWS_MAX];
	struct request r;
	u16 flags;

	take_example(h, e, rules);
	request_init(&r, h);
	if (e->annex_i) {
		r.profile = mikey_profile_by_id(MIKEY_PROFILE_ID_ANNEX_I);
		r.head.flags = mikey_profile_flags(r.profile, MIKEY_MODE_KMS) |
			       MIKEY_FLAG_J | MIKEY_FLAG_E;
	}
	if (e->cacheable)
		r.head.flags &= ~MIKEY_FLAG_E;
	memcpy(r.to, e->to, sizeof(e->to));
	request_write(&r, &msg);
	assert_int_equal(house_handle(h, KMS_TICKET_REQUEST, message_blob(&msg)), 0);
	if (h->answer.error_no != e->error)
		fail_msg("%s: %d, %s", e->what, h->answer.error_no, h->answer.why);
	if (e->error != OK)
		return;
	granted_read(&granted, &r, &msg, &h->answer);
	if (h->answer.deed.changed != e->changed)
		fail_msg("%s: changed %x", e->what, h->answer.deed.changed);
	/* K says so, and nothing else does (RFC 6043 6.10). */
	flags = granted.m.ticket.policy.flags;
	assert_int_equal(!!(flags & MIKEY_FLAG_K), !!e->changed);
	if (e->changed & KMS_CHANGED_END)
		assert_int_equal(mikey_ts_to_unix(&granted.m.ticket.policy.tr_e),
				 NOW + 600);
	if (e->changed & KMS_CHANGED_REUSE)
		assert_false(flags & MIKEY_FLAG_J);
}

static void table(void **state)
{
	struct house *h = *state;
	size_t i;

	h->mem.psi = TEAM;
	for (i = 0; i < ARRAY_SIZE(examples); i++)
		try_example(h, &examples[i]);
	h->policy.num_rules = 0;
}

/* A store that is away must not turn into "no group". */
static void store_away(void **state)
{
	static struct kms_rule rules[] = { { .from = HERE, .to = HERE } };
	struct house *h = *state;
	struct request r;

	house_rules(h, rules, ARRAY_SIZE(rules));
	rules[0].terms.groups = false;
	request_init(&r, h);
	request_write(&r, &msg);
	h->mem.fail_after = 4;
	assert_int_equal(house_handle(h, KMS_TICKET_REQUEST, message_blob(&msg)),
			 -EAGAIN);
	h->mem.fail_after = 0;
	h->policy.num_rules = 0;
}

static void patterns_meet(void **state)
{
	static const struct {
		const char *a, *b;
		bool meet;
	} cases[] = {
		{ "a@b", "a@b", true }, { "a@b", "a@c", false },
		{ "?@b", "a@?", true }, { "?@b", "?@c", false },
		{ "x?@b", "?y@b", true }, { "x?@b", "y?@b", false },
		{ "?", "a@b", true }, { "?", "?@?", true },
		{ "a?b", "a", false }, { "ab?", "a?b", true },
		{ "?a?", "?b?", true }, { "a?", "ab?", true }, { "?ba", "?a", true },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		if (kms_patterns_meet(str(cases[i].a), str(cases[i].b)) !=
		    cases[i].meet ||
		    kms_patterns_meet(str(cases[i].b), str(cases[i].a)) !=
		    cases[i].meet)
			fail_msg("%s and %s", cases[i].a, cases[i].b);
	}
}

static u32 done;

static void count_done(void *arg)
{
	(void)arg;
	done++;
}

/* Another policy counts from the next message on; the first one goes when it may. */
static void replaced(void **state)
{
	static struct kms_rule none[] = { { .from = BOB, .to = BOB } };
	struct house *h = *state;
	struct kms_policy second = h->policy, third = h->policy;
	struct kms_held *held;
	struct request r;

	second.rules = none;
	second.num_rules = 1;
	done = 0;
	assert_int_equal(kms_set_policy(h->kms, &second, count_done, NULL), 0);
	request_init(&r, h);
	request_write(&r, &msg);
	assert_int_equal(house_handle(h, KMS_TICKET_REQUEST, message_blob(&msg)), 0);
	assert_int_equal(h->answer.error_no, MIKEY_ERR_AUTH_FAILURE);

	held = kms_hold(h->kms);
	assert_int_equal(kms_set_policy(h->kms, &third, NULL, NULL), 0);
	assert_ptr_equal(held->policy, &second);
	assert_int_equal(done, 0);
	kms_let_go(h->kms, held);
	assert_int_equal(done, 1);
	request_init(&r, h);
	request_write(&r, &msg);
	assert_int_equal(house_handle(h, KMS_TICKET_REQUEST, message_blob(&msg)), 0);
	assert_int_equal(h->answer.error_no, -1);
	assert_int_equal(kms_set_policy(h->kms, &h->policy, NULL, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(table, house_setup, house_teardown),
		cmocka_unit_test_setup_teardown(store_away, house_setup, house_teardown),
		cmocka_unit_test(patterns_meet),
		cmocka_unit_test_setup_teardown(replaced, house_setup, house_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
