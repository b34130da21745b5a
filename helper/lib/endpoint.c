// SPDX-License-Identifier: GPL-2.0-or-later
/* Transport addresses and networks in text. */
#include "helper/lib/endpoint.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Split host and port; a port of "" means that there was none. */
static int split(const char *text, size_t len, char host[ENDPOINT_HOST_SIZE], char port[8])
{
	const char *end = text + len, *host_end, *colon;

	port[0] = '\0';
	if (len && *text == '[') {
		text++;
		host_end = memchr(text, ']', end - text);
		if (!host_end)
			return -EINVAL;
		colon = host_end + 1;
	} else {
		host_end = memchr(text, ':', end - text);
		if (!host_end)
			host_end = end;
		colon = host_end;
	}
	if (host_end == text || host_end - text > 255)
		return -EINVAL;
	snprintf(host, ENDPOINT_HOST_SIZE, "%.*s", (int)(host_end - text), text);
	if (colon == end)
		return 0;
	if (*colon != ':' || end - colon < 2 || end - colon > 6)
		return -EINVAL;
	snprintf(port, 8, "%.*s", (int)(end - colon - 1), colon + 1);
	if (strspn(port, "0123456789") != strlen(port) || atoi(port) < 1 || atoi(port) > 65535)
		return -EINVAL;
	return 0;
}

static int resolve(struct sockaddr_storage *address, const char *host, const char *port,
		   int flags, int socktype)
{
	struct addrinfo hints = {
		.ai_flags = flags | AI_NUMERICSERV,
		.ai_family = AF_UNSPEC,
		.ai_socktype = socktype,
	}, *list;
	int err = getaddrinfo(host, port, &hints, &list);

	if (err)
		return err;
	memset(address, 0, sizeof(*address));
	memcpy(address, list->ai_addr, list->ai_addrlen);
	freeaddrinfo(list);
	return 0;
}

static bool is_wildcard(const struct sockaddr_storage *address)
{
	static const struct in6_addr any = IN6ADDR_ANY_INIT;

	if (address->ss_family == AF_INET)
		return !((const struct sockaddr_in *)address)->sin_addr.s_addr;
	return !memcmp(&((const struct sockaddr_in6 *)address)->sin6_addr, &any, sizeof(any));
}

/* A transport by its name, or -1 */
static int transport_of(const char *name, size_t len)
{
	static const char * const names[] = {
		[ENDPOINT_UDP] = "udp",
		[ENDPOINT_TCP] = "tcp",
		[ENDPOINT_TLS] = "tls",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (len == strlen(names[i]) && !strncasecmp(name, names[i], len))
			return i;
	return -1;
}

int endpoint_parse(struct endpoint *endpoint, const char *text, struct problem *problem)
{
	char host[ENDPOINT_HOST_SIZE], port[8];
	int transport = strlen(text) > 4 && text[3] == ':' ? transport_of(text, 3) : -1;

	if (transport < 0)
		return problem_set(problem, -EINVAL,
				   "\"%s\": write udp:ADDRESS:PORT, tcp:ADDRESS:PORT or tls:ADDRESS:PORT",
				   text);
	endpoint->transport = transport;
	endpoint->host[0] = '\0';
	if (split(text + 4, strlen(text + 4), host, port) || !port[0] ||
	    resolve(&endpoint->address, host, port, AI_NUMERICHOST, SOCK_STREAM))
		return problem_set(problem, -EINVAL,
				   "\"%s\": not a numeric address with a port", text);
	if (is_wildcard(&endpoint->address))
		return problem_set(problem, -EINVAL,
				   "\"%s\": write the address at which others reach this machine",
				   text);
	return 0;
}

int endpoint_from_uri(struct endpoint *endpoint, const char *uri, struct problem *problem)
{
	const char *transport = strcasestr(uri, ";transport=");
	size_t len = strcspn(uri, ";?");
	bool sips = !strncasecmp(uri, "sips:", 5);
	size_t scheme = sips ? 5 : 4;
	const char *fixed;
	char port[8];
	int err, which = ENDPOINT_UDP;

	if ((!sips && strncasecmp(uri, "sip:", 4)) || memchr(uri, '@', len) ||
	    split(uri + scheme, len - scheme, endpoint->host, port))
		return problem_set(problem, -EINVAL,
				   "\"%s\": write sip:HOST[:PORT][;transport=udp|tcp|tls] or sips:HOST[:PORT]",
				   uri);
	if (transport) {
		const char *value = transport + strlen(";transport=");

		which = transport_of(value, strcspn(value, ";?"));
		if (which < 0)
			return problem_set(problem, -EINVAL,
					   "\"%s\": transport is udp, tcp or tls", uri);
	}
	/* what TLS runs on may be named with sips: (RFC 3261 26.2.2): TCP */
	if (sips && transport && which == ENDPOINT_UDP)
		return problem_set(problem, -EINVAL, "\"%s\": sips: is TLS over TCP", uri);
	endpoint->transport = sips ? ENDPOINT_TLS : (enum endpoint_transport)which;
	fixed = endpoint->transport == ENDPOINT_TLS ? "5061" : "5060";
	err = resolve(&endpoint->address, endpoint->host, port[0] ? port : fixed, 0, SOCK_STREAM);
	if (err)
		return problem_set(problem, -EHOSTUNREACH, "\"%s\": %s", uri, gai_strerror(err));
	return 0;
}

static const uint8_t *raw(const struct sockaddr *address, unsigned int *bits)
{
	if (address->sa_family == AF_INET) {
		*bits = 32;
		return (const uint8_t *)&((const struct sockaddr_in *)address)->sin_addr;
	}
	*bits = 128;
	return (const uint8_t *)&((const struct sockaddr_in6 *)address)->sin6_addr;
}

int network_parse(struct network *network, const char *text, struct problem *problem)
{
	const char *slash = strchr(text, '/');
	size_t len = slash ? (size_t)(slash - text) : strlen(text);
	unsigned int bits;
	char host[64], *end;
	long prefix;

	if (len >= sizeof(host))
		goto bad;
	snprintf(host, sizeof(host), "%.*s", (int)len, text);
	if (resolve(&network->address, host, "1", AI_NUMERICHOST, SOCK_STREAM))
		goto bad;
	raw((struct sockaddr *)&network->address, &bits);
	prefix = bits;
	if (slash) {
		prefix = strtol(slash + 1, &end, 10);
		if (end == slash + 1 || *end || prefix < 0 || prefix > (long)bits)
			goto bad;
	}
	network->prefix = prefix;
	return 0;
bad:
	return problem_set(problem, -EINVAL, "\"%s\": write a network as ADDRESS/PREFIX", text);
}

bool network_contains(const struct network *network, const struct sockaddr *address)
{
	unsigned int bits, whole = network->prefix / 8, rest = network->prefix % 8;
	const uint8_t *a, *b;

	if (network->address.ss_family != address->sa_family)
		return false;
	a = raw((const struct sockaddr *)&network->address, &bits);
	b = raw(address, &bits);
	if (memcmp(a, b, whole))
		return false;
	return !rest || !((a[whole] ^ b[whole]) >> (8 - rest));
}
