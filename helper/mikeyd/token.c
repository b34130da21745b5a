// SPDX-License-Identifier: GPL-2.0-or-later
/* Flow tokens: transport, address and port in hexadecimal, and 80 bits of MAC. */
#include "helper/mikeyd/token.h"

#include <errno.h>
#include <keyutils.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <string.h>

#include "helper/lib/config.h"
#include "helper/lib/keyring.h"

#define KEY_LEN 32
#define MAC_LEN 10
/* In the byte of the transport. */
#define OUTBOUND 0x80
/* transport, 16 bytes of address at most, port */
#define PLACE_MAX (1 + 16 + 2)

static uint8_t token_key[KEY_LEN];

int token_open(struct problem *problem)
{
	long key = keyctl_search(KEY_SPEC_USER_KEYRING, "user", TOKEN_KEY, 0);

	if (key >= 0 && keyctl_read(key, (char *)token_key, KEY_LEN) == KEY_LEN)
		return 0;
	if (RAND_bytes(token_key, KEY_LEN) != 1)
		return problem_set(problem, -EIO, "no random numbers");
	if (add_key("user", TOKEN_KEY, token_key, KEY_LEN, KEY_SPEC_USER_KEYRING) < 0)
		return problem_set(problem, -errno, "cannot keep the key of flow tokens: %s",
				   keyring_key_problem(errno));
	return 0;
}

void token_close(void)
{
	OPENSSL_cleanse(token_key, sizeof(token_key));
}

static void mac(uint8_t out[MAC_LEN], const uint8_t *data, size_t len)
{
	uint8_t full[EVP_MAX_MD_SIZE];
	unsigned int size;

	HMAC(EVP_sha256(), token_key, KEY_LEN, data, len, full, &size);
	memcpy(out, full, MAC_LEN);
}

/* The name's length at the end tells where the name begins. */
static void token_mac(uint8_t out[MAC_LEN], const uint8_t *place, size_t len, const char *user)
{
	uint8_t data[PLACE_MAX + CONFIG_NAME_MAX + 1];
	size_t name = strnlen(user, CONFIG_NAME_MAX);

	memcpy(data, place, len);
	memcpy(data + len, user, name);
	data[len + name] = name;
	mac(out, data, len + name + 1);
}

void token_hash(char digits[17], const char *text)
{
	uint8_t out[MAC_LEN];

	mac(out, (const uint8_t *)text, strlen(text));
	re_snprintf(digits, 17, "%w", out, (size_t)8);
}

void token_write(char token[TOKEN_SIZE], const struct flow *client, bool outbound,
		 const char *user)
{
	uint8_t place[PLACE_MAX + MAC_LEN];
	uint32_t in = htonl(sa_in(&client->peer));
	size_t len = 0;

	place[len++] = client->tp | (outbound ? OUTBOUND : 0);
	if (sa_af(&client->peer) == AF_INET) {
		memcpy(place + len, &in, 4);
		len += 4;
	} else {
		sa_in6(&client->peer, place + len);
		len += 16;
	}
	place[len++] = sa_port(&client->peer) >> 8;
	place[len++] = sa_port(&client->peer);
	token_mac(place + len, place, len, user);
	len += MAC_LEN;
	re_snprintf(token, TOKEN_SIZE, "%w", place, len);
}

bool token_read(struct flow *client, bool *outbound, const struct pl *token, const char *user)
{
	uint8_t place[PLACE_MAX + MAC_LEN], expected[MAC_LEN];
	size_t len = token->l / 2;
	uint16_t port;
	uint32_t in;

	if (token->l % 2 || (len != 7 + MAC_LEN && len != PLACE_MAX + MAC_LEN))
		return false;
	for (size_t i = 0; i < len; i++) {
		char pair[3] = { token->p[2 * i], token->p[2 * i + 1], '\0' };

		if (strspn(pair, "0123456789abcdef") != 2)
			return false;
		place[i] = ch_hex(pair[0]) << 4 | ch_hex(pair[1]);
	}
	len -= MAC_LEN;
	token_mac(expected, place, len, user);
	if (CRYPTO_memcmp(expected, place + len, MAC_LEN))
		return false;
	client->side = SIDE_INSIDE;
	client->tp = place[0] & ~OUTBOUND;
	*outbound = place[0] & OUTBOUND;
	port = place[len - 2] << 8 | place[len - 1];
	if (len == 7) {
		memcpy(&in, place + 1, 4);
		sa_set_in(&client->peer, ntohl(in), port);
	} else {
		sa_set_in6(&client->peer, place + 1, port);
	}
	return true;
}
