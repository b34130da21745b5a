// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The file of peers, and what of mikey-kms.conf(5) belongs to other servers:
 * what is read is what was written, and words for what is wrong.
 */
#include "helper/kms/config.h"
#include "tests/unit/kms/place.h"

#define GOOD "name = \"b\"; identity = [\"https://kms.b.test\"]; domains = [\"b.test\"]; " \
	     "tls-name = \"zk.b.test\"; ca = \"/b.pem\"; "
#define SECOND "name = \"c\"; identity = [\"https://kms.c.test\"]; domains = [\"c.test\"]; " \
	       "tls-name = \"zk.c.test\"; ca = \"/c.pem\"; crl = \"/c.crl\"; address = \"[::1]:8490\"; "

static int read_peers(struct place *p, const char *text, struct kms_peers *peers)
{
	place_write(p, "peers", text);
	return kms_peers_read(peers, place_file(p, "peers"), &p->problem);
}

static void written_and_read(void **state)
{
	struct place *p = *state;
	struct kms_peers peers, again;

	assert_int_equal(read_peers(p, "peers = ( { " GOOD "}, { " SECOND "} );",
				    &peers), 0);
	assert_int_equal(peers.num, 2);
	assert_false(peers.list[0]->asked);
	assert_true(peers.list[1]->asked);
	assert_int_equal(kms_peers_write(&peers, place_file(p, "peers"),
					 &p->problem), 0);
	assert_int_equal(kms_peers_read(&again, place_file(p, "peers"),
					&p->problem), 0);
	assert_int_equal(again.num, 2);
	assert_string_equal(again.entries[1].address, "[::1]:8490");
	assert_string_equal(again.entries[0].ca, "/b.pem");
	assert_null(again.entries[0].crl);
	assert_string_equal(again.entries[1].crl, "/c.crl");
	assert_string_equal(again.list[0]->identities[0], "https://kms.b.test");
	assert_string_equal(again.list[1]->domains[0], "c.test");
	assert_int_equal(kms_peers_remove(&again, "b"), 0);
	assert_int_equal(kms_peers_remove(&again, "b"), -ENOENT);
	assert_string_equal(again.list[0]->name, "c");
	kms_peers_free(&peers);
	kms_peers_free(&again);
	/* nobody yet */
	assert_int_equal(kms_peers_read(&again, place_file(p, "none"),
					&p->problem), 0);
	assert_int_equal(again.num, 0);
	kms_peers_free(&again);
}

static void wrong_peers(void **state)
{
	static const struct {
		const char *text, *words;
	} rows[] = {
		{ "peers = (", ":1: syntax error" },
		{ "pears = ( );", "write peers = (" },
		{ "peers = ( 1 );", ":1: write { ... }" },
		{ "peers = ( { " GOOD "},\n { " GOOD "} );",
		  ":2: \"b\" is peer b's already" },
		{ "peers = ( { " GOOD "},\n { name = \"x\"; "
		  "identity = \"https://kms.b.test\"; "
		  "domains = \"x.test\"; tls-name = \"x\"; ca = \"/x\"; } );",
		  "\"https://kms.b.test\" is peer b's already" },
		{ "peers = ( { " GOOD "},\n { name = \"x\"; identity = \"https://x\"; "
		  "domains = [\"x.test\", \"b.test\"]; tls-name = \"x\"; ca = \"/x\"; } );",
		  "\"b.test\" is peer b's already" },
		{ "peers = ( { name = \"b\"; } );",
		  "lacks identity, domains, tls-name or ca" },
		{ "peers = ( { " GOOD "colour = \"red\"; } );",
		  "colour: a peer has no such setting" },
		{ "peers = ( { " GOOD "name = 5; } );", "" },
		{ "peers = ( { " GOOD "address = \"host\"; } );", "write HOST:PORT" },
		{ "peers = ( { name = \"b\"; identity = \"kms\"; domains = \"b.test\"; "
		  "tls-name = \"z\"; ca = \"/b\"; } );", "write base URLs" },
		{ "peers = ( { name = \"b\"; identity = \"https://k\"; domains = \"?\"; "
		  "tls-name = \"z\"; ca = \"/b\"; } );", "write a domain in lower case" },
		{ "peers = ( { name = \"b\"; identity = \"https://k\"; domains = \"B.test\"; "
		  "tls-name = \"z\"; ca = \"/b\"; } );", "write a domain in lower case" },
		{ "peers = ( { name = \"b\"; identity = \"https://k\"; domains = \"b\"; "
		  "tls-name = \"*.z\"; ca = \"/b\"; } );", "the name in the peer's certificates" },
		{ "peers = ( { name = \"b\"; identity = \"https://k\"; domains = \"b\"; "
		  "tls-name = \"z\"; ca = \"b.pem\"; } );", "write the whole path" },
		{ "peers = ( { " GOOD "crl = \"b.crl\"; } );", "\"b.crl\": write the whole path" },
	};
	struct place *p = *state;
	struct kms_peers peers;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		if (!read_peers(p, rows[i].text, &peers))
			fail_msg("row %zu was read", i);
		if (!strstr(p->problem.words, rows[i].words))
			fail_msg("row %zu: %s", i, p->problem.words);
		kms_peers_free(&peers);
	}
}

/* What the configuration wants before it serves peers or asks a BSF. */
static void wrong_config(void **state)
{
	static const char usual[] =
		"identity = \"https://kms.a.test\"; listen = \"127.0.0.1:0\";\n";
	static const struct {
		const char *text, *words;
	} rows[] = {
		{ "listen-peers = \"127.0.0.1:0\";", "listen-peers needs \"peers\"" },
		{ "peers = \"PEERS\";", "\"peers\" need \"peer-certificate\"" },
		{ "peers = \"PEERS\"; peer-certificate = \"/c\";", "\"peers\" need" },
		{ "bsf-url = \"http://bsf\";", "\"bsf-url\" is https" },
		{ "bsf-url = \"https://bsf\"; bsf-ca = \"/c\"; naf = \"kms\";", "bsf-domains" },
		{ "bsf-url = \"https://bsf\"; bsf-ca = \"/c\"; naf = \"kms\"; bsf-domains = \"b\"; "
		  "bsf-uid-domains = \"u\"; bsf-certificate = \"/c\";", "go together" },
		{ "peer-timeout = 0;", "peer-timeout: write a number from 1 to 60" },
		{ "bsf-domains = 5;", "bsf-domains: write a list of texts" },
	};
	struct place *p = *state;
	char text[1024], *at;
	struct kms_config c;
	size_t i;
	int ret;

	place_write(p, "peers", "peers = ( { " GOOD "} );");
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		snprintf(text, sizeof(text), "%s%s", usual, rows[i].text);
		at = strstr(text, "PEERS");
		if (at)
			snprintf(at, sizeof(text) - (at - text), "%s%s",
				 place_file(p, "peers"),
				 strstr(rows[i].text, "PEERS") + 5);
		place_write(p, "conf", text);
		ret = kms_config_read(&c, place_file(p, "conf"), &p->problem);
		if (!ret)
			ret = kms_config_can_serve(&c, &p->problem);
		if (!ret || !strstr(p->problem.words, rows[i].words))
			fail_msg("row %zu: %s", i, ret ? p->problem.words : "it serves");
		kms_config_free(&c);
	}
}

static void own_identity(void **state)
{
	struct place *p = *state;
	struct kms_config c;
	char text[512];

	place_write(p, "peers", "peers = ( { " GOOD "} );");
	snprintf(text, sizeof(text), "identity = \"https://kms.b.test\"; peers = \"%s\";",
		 place_file(p, "peers"));
	place_write(p, "conf", text);
	assert_int_not_equal(kms_config_read(&c, place_file(p, "conf"),
					     &p->problem), 0);
	assert_non_null(strstr(p->problem.words, "has an identity of our own"));
	kms_config_free(&c);
}

int main(void)
{
#define PLACE_TEST(test) \
	cmocka_unit_test_setup_teardown(test, place_setup, place_teardown)
	const struct CMUnitTest tests[] = {
		PLACE_TEST(written_and_read),
		PLACE_TEST(wrong_peers),
		PLACE_TEST(wrong_config),
		PLACE_TEST(own_identity),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
