// SPDX-License-Identifier: GPL-2.0-or-later
/* Counters as text, as JSON and as metrics: to the byte. */
#include "tests/unit/mikeyctl/support.h"

#include <stdlib.h>

#include "helper/mikeyctl/counts.h"

/* One of each kind, as mikeyd tells them, and what its modules have. */
static const char from_mikeyd[] =
"[{\"name\": \"requests_sent\", \"kind\": \"counter\", \"help\": \"Requests\",\n"
"  \"labels\": [\"side\", \"method\"], \"samples\": [\n"
"    {\"side\": \"inside\", \"method\": \"INVITE\", \"value\": 0},\n"
"    {\"side\": \"inside\", \"method\": \"MESSAGE\", \"value\": 12},\n"
"    {\"side\": \"outside\", \"method\": \"INVITE\", \"value\": 3}]},\n"
" {\"name\": \"kms_seconds\", \"kind\": \"counter\", \"help\": \"Time\", \"labels\": [],\n"
"  \"samples\": [{\"value\": 0.25}]},\n"
" {\"name\": \"users\", \"kind\": \"gauge\", \"labels\": [], \"samples\": [{\"value\": 0}]},\n"
" {\"name\": \"odd\", \"kind\": \"gauge\", \"labels\": [\"a\"],\n"
"  \"samples\": [{\"a\": \"\\\"\\\\\\n\", \"value\": 9223372036854775807}]}]";

static struct counts counts[3] = { { "mikey_mime", NULL }, { "gone", NULL }, { "mikeyd", NULL } };

static int fill(void **state)
{
	(void)state;
	counts[0].all = json_array();
	counts_add(counts[0].all, "bad-cms", false, 7);
	counts_add(counts[0].all, "replay-entries", true, 0);
	counts[2].all = json_loads(from_mikeyd, 0, NULL);
	return !counts[2].all;
}

static int empty(void **state)
{
	(void)state;
	json_decref(counts[0].all);
	json_decref(counts[2].all);
	return 0;
}

static void are(counts_form *form, const char *expected)
{
	char *text;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	assert_non_null(file);
	form(file, counts, 3);
	fclose(file);
	assert_string_equal(text, expected);
	free(text);
}

static void as_text(void **state)
{
	(void)state;
	are(counts_text,
	    "mikey_mime\n"
	    "  bad-cms                       7\n"
	    "  replay-entries                0\n"
	    "mikeyd\n"
	    "  requests_sent inside MESSAGE           12\n"
	    "  requests_sent outside INVITE            3\n"
	    "  kms_seconds                         0.250\n"
	    "  users                                   0\n"
	    "  odd \"\\\n                      9223372036854775807\n");
}

static void as_json(void **state)
{
	(void)state;
	are(counts_json,
	    "{\n"
	    "  \"mikey_mime\": {\n"
	    "    \"bad-cms\": 7,\n"
	    "    \"replay-entries\": 0\n"
	    "  },\n"
	    "  \"gone\": null,\n"
	    "  \"mikeyd\": {\n"
	    "    \"requests_sent\": {\n"
	    "      \"inside\": {\n"
	    "        \"INVITE\": 0,\n"
	    "        \"MESSAGE\": 12\n"
	    "      },\n"
	    "      \"outside\": {\n"
	    "        \"INVITE\": 3\n"
	    "      }\n"
	    "    },\n"
	    "    \"kms_seconds\": 0.25,\n"
	    "    \"users\": 0,\n"
	    "    \"odd\": {\n"
	    "      \"\\\"\\\\\\n\": 9223372036854775807\n"
	    "    }\n"
	    "  }\n"
	    "}\n");
}

static void as_metrics(void **state)
{
	(void)state;
	are(counts_prometheus,
	    "# TYPE mikey_mime_up gauge\n"
	    "mikey_mime_up 1\n"
	    "# TYPE mikey_mime_bad_cms_total counter\n"
	    "mikey_mime_bad_cms_total 7\n"
	    "# TYPE mikey_mime_replay_entries gauge\n"
	    "mikey_mime_replay_entries 0\n"
	    "# TYPE gone_up gauge\n"
	    "gone_up 0\n"
	    "# TYPE mikeyd_up gauge\n"
	    "mikeyd_up 1\n"
	    "# HELP mikeyd_requests_sent_total Requests\n"
	    "# TYPE mikeyd_requests_sent_total counter\n"
	    "mikeyd_requests_sent_total{side=\"inside\",method=\"INVITE\"} 0\n"
	    "mikeyd_requests_sent_total{side=\"inside\",method=\"MESSAGE\"} 12\n"
	    "mikeyd_requests_sent_total{side=\"outside\",method=\"INVITE\"} 3\n"
	    "# HELP mikeyd_kms_seconds_total Time\n"
	    "# TYPE mikeyd_kms_seconds_total counter\n"
	    "mikeyd_kms_seconds_total 0.250\n"
	    "# TYPE mikeyd_users gauge\n"
	    "mikeyd_users 0\n"
	    "# TYPE mikeyd_odd gauge\n"
	    "mikeyd_odd{a=\"\\\"\\\\\\n\"} 9223372036854775807\n");
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, fill, empty)
	const struct CMUnitTest tests[] = {
		EACH(as_text),
		EACH(as_json),
		EACH(as_metrics),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
