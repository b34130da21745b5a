// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * mikey-kms.conf(5): defaults, every option, and words with file and line for
 * what is wrong.
 */
#include <limits.h>

#include "helper/kms/config.h"
#include "helper/lib/log.h"
#include "tests/unit/kms/place.h"

static int read_text(struct place *p, const char *text, struct kms_config *c)
{
	place_write(p, "conf", text);
	return kms_config_read(c, place_file(p, "conf"), &p->problem);
}

static void defaults(void **state)
{
	struct place *p = *state;
	struct kms_config c;

	assert_int_equal(kms_config_read(&c, NULL, &p->problem), 0);
	assert_string_equal(c.store, KMS_CONFIG_DEFAULT_STORE);
	assert_string_equal(c.store_key, KMS_CONFIG_DEFAULT_KEY);
	assert_int_equal(c.policy.skew, 60);
	assert_int_equal(c.policy.terms.max_lifetime, 7 * 86400);
	assert_int_equal(c.policy.terms.max_responders, 100);
	assert_true(c.policy.terms.reuse);
	assert_int_equal(c.policy.terms.wildcards, KMS_WILDCARDS_USER);
	assert_int_equal(c.policy.terms.suites, 1 << MIKEY_SUITE_ID_256);
	assert_int_equal(c.policy.num_rules, 0);
	assert_int_equal(c.policy.terms.rekey, 0);
	assert_false(c.policy.terms.cacheable);
	assert_int_equal(c.policy.terms.profiles, 1 << MIKEY_PROFILE_ID_IMMEDIATE |
			 1 << MIKEY_PROFILE_ID_ANNEX_I);
	assert_int_equal(c.policy.terms.modes, 1 << MIKEY_MODE_KMS |
			 1 << MIKEY_MODE_INITIATOR);
	assert_int_equal(c.log_level, LOG_LEVEL_INFO);
	assert_int_equal(kms_config_can_serve(&c, &p->problem), -EINVAL);
	assert_non_null(strstr(p->problem.words, "identity"));
	kms_config_free(&c);
}

static void everything(void **state)
{
	static const char text[] =
		"# a comment\n"
		"identity = [\"https://kms.example.test\", \"http://kms:8080\"];\n"
		"listen = [\"127.0.0.1:8080\", \"[::1]:8080\"];\n"
		"listen-tls = \"0.0.0.0:8443\";\n"
		"listen-admin = \"unix:/run/a\";\n"
		"certificate = \"/c\";\n"
		"private-key = \"/k\";\n"
		"store = \"/s\";\n"
		"store-key = \"/sk\";\n"
		"policy = {\n"
		"skew = 5;\n"
		"max-lifetime = 100;\n"
		"max-responders = 3;\n"
		"reuse = false;\n"
		"wildcards = \"none\";\n"
		"suites = [\"128\", \"ts-128\"];\n"
		"profiles = \"annex-i\";\n"
		"modes = [\"initiator\"];\n"
		"cacheable = true;\n"
		"rekey = 90;\n"
		"allow = (\n"
		"  { from = \"?@example.test\";\n"
		"    to = [\"?@example.test\", \"?@partner.test\"]; },\n"
		"  { from = \"boss@example.test\"; to = \"?\"; }\n"
		");\n"
		"};\n"
		"tpk-lifetime = 7200;\n"
		"threads = 2;\n"
		"max-connections = 10;\n"
		"max-connections-per-address = 4;\n"
		"request-timeout = 3;\n"
		"rate-per-address = 0;\n"
		"burst-per-address = 7;\n"
		"rate-per-psk = 8;\n"
		"burst-per-psk = 9;\n"
		"log-level = \"debug\";\n";
	struct place *p = *state;
	struct kms_config c;

	if (read_text(p, text, &c))
		fail_msg("%s", p->problem.words);
	assert_int_equal(c.policy.num_identities, 2);
	assert_string_equal(c.policy.identities[1], "http://kms:8080");
	assert_int_equal(c.num_listen, 3);
	assert_false(c.listen[1].tls);
	assert_int_equal(c.listen[1].address.ss_family, AF_INET6);
	assert_true(c.listen[2].tls);
	assert_int_equal(c.admin.address.ss_family, AF_UNIX);
	assert_string_equal(c.admin.text, "unix:/run/a");
	assert_string_equal(c.store_key, "/sk");
	assert_int_equal(c.policy.skew, 5);
	assert_int_equal(c.policy.terms.max_lifetime, 100);
	assert_int_equal(c.policy.terms.max_responders, 3);
	assert_false(c.policy.terms.reuse);
	assert_int_equal(c.policy.terms.wildcards, KMS_WILDCARDS_NONE);
	assert_int_equal(c.policy.terms.suites, 1 << MIKEY_SUITE_ID_256 |
			 1 << MIKEY_SUITE_ID_128 | 1 << MIKEY_SUITE_ID_TS_128);
	assert_int_equal(c.policy.terms.profiles, 1 << MIKEY_PROFILE_ID_ANNEX_I);
	assert_int_equal(c.policy.terms.modes, 1 << MIKEY_MODE_INITIATOR);
	assert_true(c.policy.terms.cacheable);
	assert_int_equal(c.policy.terms.rekey, 90);
	assert_int_equal(c.policy.num_rules, 3);
	assert_string_equal(c.policy.rules[1].from, "?@example.test");
	assert_string_equal(c.policy.rules[1].to, "?@partner.test");
	assert_string_equal(c.policy.rules[2].from, "boss@example.test");
	assert_int_equal(c.request_timeout, 3);
	assert_int_equal(c.address_rate, 0);
	assert_int_equal(c.address_burst, 7);
	assert_int_equal(c.psk_rate, 8);
	assert_int_equal(c.psk_burst, 9);
	assert_int_equal(c.log_level, LOG_LEVEL_DEBUG);
	assert_int_equal(kms_config_can_serve(&c, &p->problem), 0);
	kms_config_free(&c);
}

static void faults(void **state)
{
	static const struct {
		const char *text;
		int line;
		const char *words;
	} cases[] = {
		{ "policy = { skew = 0; };\n", 1, "a number from 1 to 3600" },
		{ "\n\npolicy = { skew = 3601; };\n", 3, "a number from 1 to 3600" },
		{ "policy = { skew = \"many\"; };\n", 1, "a number from" },
		{ "policy = { skew = 1.5; };\n", 1, "a number from" },
		{ "policy = { max-lifetime = 0; };\n", 1, "max-lifetime" },
		{ "threads = 65;\n", 1, "1 to 64" },
		{ "nonsense = 1;\n", 1, "no setting \"nonsense\"" },
		{ "policy = { reuse = 1; };\n", 1, "true or false" },
		{ "store = 7;\n", 1, "quotation marks" },
		{ "store = \"\";\n", 1, "quotation marks" },
		{ "listen = [\"localhost:80\"];\n", 1, "ADDRESS:PORT" },
		{ "listen = [\"127.0.0.1\"];\n", 1, "ADDRESS:PORT" },
		{ "listen = [\"::1:80\"];\n", 1, "ADDRESS:PORT" },
		{ "listen = [\"127.0.0.1:99999\"];\n", 1, "ADDRESS:PORT" },
		{ "listen = [];\n", 1, "a list of texts" },
		{ "listen-admin = \"10.0.0.1:80\";\n", 1, "loopback" },
		{ "listen = [80];\n", 1, "a list of texts" },
		{ "listen = (\"127.0.0.1:80\", 81);\n", 1, "a list of texts" },
		{ "identity = [\"kms.example.test\"];\n", 1, "base URLs" },
		{ "identity = [];\n", 1, "a list of texts" },
		{ "policy = { suites = [\"512\"]; };\n", 1, "\"256\", \"128\" or" },
		{ "\npolicy = { wildcards = \"all\"; };\n", 2, "\"none\", \"user\" or" },
		{ "policy = { wildcards = 1; };\n", 1, "\"none\", \"user\" or" },
		{ "log-level = \"loud\";\n", 1, "\"error\", \"warning\"" },
		{ "policy = { allow = ( { from = \"a@b\"; to = \"x y\"; } ); };\n",
		  1, "\"x y\": write" },
		{ "policy = { allow = ( { from = \"s:a@b\"; to = \"c@d\"; } ); };\n",
		  1, "\"s:a@b\": write" },
		{ "policy = { allow = ( { from = \"a@b\"; to = []; } ); };\n", 1, "for whom" },
		{ "policy = { allow = ( { from = \"a@b\"; } ); };\n", 1, "from = " },
		{ "policy = { allow = ( { to = \"a@b\"; } ); };\n", 1, "from = " },
		{ "policy = { allow = ( { from = \"a@b\"; to = \"c@d\"; for = 1; } ); };\n",
		  1, "from = " },
		{ "\npolicy = { allow = (); };\n", 2, "from = " },
		{ "policy = { allow = [\"a@b\"]; };\n", 1, "from = " },
		{ "policy = { skew = 5;\nskew = 6; };\n", 2, "" },
		{ "policy = { rekey = -1; };\n", 1, "a number from 0" },
		{ "policy = { cacheable = 1; };\n", 1, "true or false" },
		{ "policy = { profiles = [\"later\"]; };\n", 1, "\"immediate\" or" },
		{ "policy = { profiles = []; };\n", 1, "a list of texts" },
		{ "policy = { modes = [\"pk\"]; };\n", 1, "\"kms\" or" },
		{ "policy = {\n\nnonsense = 1; };\n", 3, "\"nonsense\" in policy" },
		{ "policy = {\nstore = \"s\"; };\n", 2, "\"store\" in policy" },
		{ "policy = {\npolicy = { }; };\n", 2, "\"policy\" in policy" },
		{ "policy = 1;\n", 1, "policy: write {" },
		{ "skew = 5;\n", 1, "\"skew\" but in policy" },
		{ "store = ;\n", 1, "" },
		{ "skew = 5; }\n", 1, "" },
		{ "skew = 5\n\nstore 7", 3, "" },
	};
	struct place *p = *state;
	struct kms_config c;
	char where[64];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		if (read_text(p, cases[i].text, &c) != -EINVAL)
			fail_msg("accepted: %s", cases[i].text);
		snprintf(where, sizeof(where), "conf:%d:", cases[i].line);
		if (!strstr(p->problem.words, where) ||
		    !strstr(p->problem.words, cases[i].words))
			fail_msg("%s: %s", cases[i].text, p->problem.words);
	}
	assert_int_equal(kms_config_read(&c, "/nowhere/at/all", &p->problem), -ENOENT);
	assert_non_null(strstr(p->problem.words, "/nowhere/at/all: No such file"));
	assert_int_equal(kms_config_read(&c, p->dir, &p->problem), -EINVAL);
	assert_non_null(strstr(p->problem.words, "not a plain file"));
}

/* Everything that is wrong, and odd, in one go, each with its place. */
static void all_faults(void **state)
{
	static const char text[] =
		"idenity = \"http://k\";\n"
		"policy = {\n"
		"  suites = [\"127\"]; max-lifetme = 3;\n"
		"  max-lifetime = 4000000; rekey = 5000000; cacheable = true;\n"
		"  profiles = \"immediate\";\n"
		"  allow = (\n"
		"    { from = \"a@b\"; to = [\"c d\", \"alice\"]; },\n"
		"    { from = \"a@b\"; to = \"c@d\"; deny = true; reuse = true; },\n"
		"    { from = \"a@b\"; to = \"c@D\"; suites = \"ts-128\"; rekye = 3; },\n"
		"    { from = \"?@b\"; to = [\"x@d\", \"?@d\"]; },\n"
		"    { from = \"a@b\"; to = [\"y@e\", \"y@d\"]; profiles = \"anex-i\"; }\n"
		"  );\n"
		"};\n"
		"threads = 0;\n";
	static const struct {
		unsigned int line, column;
		bool warning;
		const char *words;
	} want[] = {
		{ 1, 1, false, "was \"identity\" meant?" },
		{ 14, 1, false, "threads: write a number" },
		{ 3, 3, false, "suites: \"127\": write \"256\", " },
		{ 3, 21, false, "in policy; was \"max-lifetime\" meant?" },
		{ 4, 3, true, "max-lifetime: longer than tpk-lifetime" },
		{ 4, 27, true, "rekey: longer than max-lifetime (4000000 s)" },
		{ 4, 44, true, "cacheable: of no effect without profile annex-i" },
		{ 7, 27, false, "to: \"c d\": write user@domain" },
		{ 7, 34, false, "to: \"alice\": write user@domain" },
		{ 8, 5, false, "a rule that denies grants nothing" },
		{ 9, 52, false, "no \"rekye\" in a rule" },
		{ 9, 33, false, "suites: one of them is not on" },
		{ 9, 26, true, "\"c@D\" is nobody" },
		{ 11, 42, false, "profiles: \"anex-i\": write \"immediate\" or " },
		{ 11, 34, true, "\"a@b\" for \"y@d\" is decided in line 10 (\"?@b\" for \"?@d\")" },
	};
	struct kms_faults *f = test_malloc(sizeof(*f));
	struct place *p = *state;
	struct kms_config c;
	size_t i;

	place_write(p, "conf", text);
	assert_int_equal(kms_config_check(&c, place_file(p, "conf"), f, &p->problem),
			 -EINVAL);
	assert_non_null(strstr(p->problem.words, "conf:1:1: "));
	assert_non_null(strstr(p->problem.words, "(and 9 more"));
	for (i = 0; i < ARRAY_SIZE(want) && i < f->num; i++)
		if (f->list[i].line != want[i].line ||
		    f->list[i].column != want[i].column ||
		    f->list[i].warning != want[i].warning ||
		    !strstr(f->list[i].words, want[i].words))
			fail_msg("%zu: %u:%u: %s", i, f->list[i].line,
				 f->list[i].column, f->list[i].words);
	assert_int_equal(f->num, ARRAY_SIZE(want));
	assert_int_equal(f->errors, 10);
	assert_int_equal(f->warnings, 5);
	test_free(f);
}

/* A file in two: rules have the place of the one they stand in. */
static void included(void **state)
{
	struct place *p = *state;
	char text[PATH_MAX + 64];
	struct kms_config c;

	place_write(p, "rules", "allow = (\n"
		    "  { from = \"a@b\"; to = [\"c@d\", \"c@d\"]; max-lifetime = 7;\n"
		    "    groups = false; });\n");
	snprintf(text, sizeof(text), "policy = {\n\n\n@include \"%s\"\nreuse = false;\n};\n",
		 place_file(p, "rules"));
	assert_int_equal(read_text(p, text, &c), 0);
	assert_int_equal(c.policy.num_rules, 2);
	assert_string_equal(c.policy.rules[1].place.file, place_file(p, "rules"));
	assert_int_equal(c.policy.rules[0].place.line, 2);
	assert_int_equal(c.policy.rules[0].place.column, 25);
	assert_int_equal(c.policy.rules[1].place.column, 32);
	/* its own terms, and for the rest those beside the rules */
	assert_int_equal(c.policy.rules[1].terms.max_lifetime, 7);
	assert_false(c.policy.rules[1].terms.groups);
	assert_false(c.policy.rules[1].terms.reuse);
	assert_int_equal(c.policy.terms.max_lifetime, 7 * 86400);
	kms_config_free(&c);
}

static void not_enough_to_serve(void **state)
{
	static const char *const texts[][2] = {
		{ "identity = [\"http://k\"];", "listen" },
		{ "listen = [\"127.0.0.1:0\"];", "identity" },
		{ "identity = [\"http://k\"];\nlisten-tls = [\"127.0.0.1:0\"];",
		  "certificate" },
	};
	struct place *p = *state;
	struct kms_config c;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(texts); i++) {
		assert_int_equal(read_text(p, texts[i][0], &c), 0);
		assert_int_equal(kms_config_can_serve(&c, &p->problem), -EINVAL);
		assert_non_null(strstr(p->problem.words, texts[i][1]));
		kms_config_free(&c);
	}
}

#define AT_PLACE(test) \
	cmocka_unit_test_setup_teardown(test, place_setup, place_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		AT_PLACE(defaults),
		AT_PLACE(everything),
		AT_PLACE(faults),
		AT_PLACE(all_faults),
		AT_PLACE(included),
		AT_PLACE(not_enough_to_serve),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
