// SPDX-License-Identifier: GPL-2.0-or-later
/* Transport addresses, next hops and networks in text. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "helper/lib/endpoint.h"

static void is_ipv4(const struct endpoint *endpoint, const char *host, int port)
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)&endpoint->address;
	struct in_addr expected;

	assert_int_equal(inet_pton(AF_INET, host, &expected), 1);
	assert_int_equal(in->sin_family, AF_INET);
	assert_int_equal(in->sin_addr.s_addr, expected.s_addr);
	assert_int_equal(ntohs(in->sin_port), port);
}

static void addresses(void **state)
{
	static const char * const bad[] = {
		"", "udp", "udp:", "127.0.0.1:5060", "sctp:127.0.0.1:5060", "udp:127.0.0.1",
		"udp:127.0.0.1:", "udp:127.0.0.1:0", "udp:127.0.0.1:65536", "udp:127.0.0.1:x",
		"udp:127.0.0.1:5060 ", "udp:127.0.0.1:-1", "udp:localhost:5060", "udp:::1:5060",
		"udp:[::1:5060", "udp:[::1]", "udp:[::1]5060", "udp:0.0.0.0:5060", "tcp:[::]:5060",
	};
	struct endpoint endpoint;
	struct problem problem;

	(void)state;
	assert_int_equal(endpoint_parse(&endpoint, "tcp:192.0.2.1:65535", &problem), 0);
	assert_int_equal(endpoint.transport, ENDPOINT_TCP);
	is_ipv4(&endpoint, "192.0.2.1", 65535);
	assert_int_equal(endpoint_parse(&endpoint, "udp:[2001:db8::1]:1", &problem), 0);
	assert_int_equal(endpoint.transport, ENDPOINT_UDP);
	assert_int_equal(endpoint.address.ss_family, AF_INET6);
	assert_int_equal(endpoint_parse(&endpoint, "tls:192.0.2.1:5061", &problem), 0);
	assert_int_equal(endpoint.transport, ENDPOINT_TLS);
	is_ipv4(&endpoint, "192.0.2.1", 5061);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(endpoint_parse(&endpoint, bad[i], &problem), -EINVAL);
		assert_non_null(strstr(problem.words, bad[i]));
	}
}

static void next_hops(void **state)
{
	static const char * const bad[] = {
		"", "192.0.2.1", "sip:", "sip:alice@192.0.2.1", "sip:192.0.2.1:0",
		"sip:192.0.2.1;transport=sctp", "sip:192.0.2.1;transport=", "sips:",
		"sips:alice@192.0.2.1", "sips:192.0.2.1;transport=udp",
	};
	struct endpoint endpoint;
	struct problem problem;

	(void)state;
	assert_int_equal(endpoint_from_uri(&endpoint, "sip:192.0.2.1", &problem), 0);
	assert_int_equal(endpoint.transport, ENDPOINT_UDP);
	is_ipv4(&endpoint, "192.0.2.1", 5060);
	assert_int_equal(endpoint_from_uri(&endpoint, "sip:192.0.2.1:5070;lr;transport=TCP;x",
					   &problem), 0);
	assert_int_equal(endpoint.transport, ENDPOINT_TCP);
	is_ipv4(&endpoint, "192.0.2.1", 5070);
	assert_int_equal(endpoint_from_uri(&endpoint, "sips:192.0.2.1;transport=tcp", &problem), 0);
	assert_int_equal(endpoint.transport, ENDPOINT_TLS);
	assert_string_equal(endpoint.host, "192.0.2.1");
	is_ipv4(&endpoint, "192.0.2.1", 5061);
	assert_int_equal(endpoint_from_uri(&endpoint, "sip:192.0.2.1:7;transport=tls", &problem),
			 0);
	assert_int_equal(endpoint.transport, ENDPOINT_TLS);
	is_ipv4(&endpoint, "192.0.2.1", 7);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(endpoint_from_uri(&endpoint, bad[i], &problem), -EINVAL);
}

static bool contains(const char *network_text, const char *address)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct network network;
	struct problem problem;

	assert_int_equal(network_parse(&network, network_text, &problem), 0);
	if (inet_pton(AF_INET, address, &in.sin_addr) == 1)
		return network_contains(&network, (struct sockaddr *)&in);
	assert_int_equal(inet_pton(AF_INET6, address, &in6.sin6_addr), 1);
	return network_contains(&network, (struct sockaddr *)&in6);
}

static void networks(void **state)
{
	static const char * const bad[] = {
		"", "x", "127.0.0.0/33", "127.0.0.0/-1", "127.0.0.0/", "127.0.0.0/8x", "::1/129",
		"example.test/8",
	};
	struct network network;
	struct problem problem;

	(void)state;
	assert_true(contains("127.0.0.0/8", "127.255.0.1"));
	assert_false(contains("127.0.0.0/8", "128.0.0.1"));
	assert_true(contains("192.0.2.128/25", "192.0.2.129"));
	assert_false(contains("192.0.2.128/25", "192.0.2.127"));
	assert_true(contains("192.0.2.1", "192.0.2.1"));
	assert_false(contains("192.0.2.1", "192.0.2.0"));
	assert_true(contains("0.0.0.0/0", "203.0.113.9"));
	assert_false(contains("0.0.0.0/0", "::1"));
	assert_true(contains("2001:db8::/33", "2001:db8:7fff::1"));
	assert_false(contains("2001:db8::/33", "2001:db8:8000::1"));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(network_parse(&network, bad[i], &problem), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses),
		cmocka_unit_test(next_hops),
		cmocka_unit_test(networks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
