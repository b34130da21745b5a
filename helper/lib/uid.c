// SPDX-License-Identifier: GPL-2.0-or-later
/* UIDs: who somebody is to the KMS. */
#include "helper/lib/uid.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int put(struct uid *uid, unsigned char c)
{
	if (c < 0x20 || c == 0x7f)
		return -EINVAL;
	if (uid->len == UID_MAX)
		return -ENAMETOOLONG;
	uid->text[uid->len++] = c;
	uid->text[uid->len] = '\0';
	return 0;
}

/*
 * '?' is written as its escape: as itself it would be a wildcard. An escaped
 * '%' or '@' is refused, so that no two users share a UID.
 */
static int put_user(struct uid *uid, const char *user, size_t len)
{
	int err = 0;

	for (size_t i = 0; i < len && !err; i++) {
		int value = (unsigned char)user[i];

		if (user[i] == '%') {
			if (len - i < 3 || hex(user[i + 1]) < 0 || hex(user[i + 2]) < 0)
				return -EINVAL;
			value = hex(user[i + 1]) << 4 | hex(user[i + 2]);
			i += 2;
			if (value == '%' || value == '@')
				return -EINVAL;
		}
		if (value != '?') {
			err = put(uid, value);
			continue;
		}
		for (const char *c = "%3F"; *c && !err; c++)
			err = put(uid, *c);
	}
	return err;
}

static int put_host(struct uid *uid, const char *host, size_t len)
{
	int err = 0;

	if (!len)
		return -EDESTADDRREQ;
	for (size_t i = 0; i < len && !err; i++) {
		unsigned char c = host[i];

		if (!isalnum(c) && !strchr(".-_[]:", c))
			return -EINVAL;
		err = put(uid, tolower(c));
	}
	return err;
}

/* Length of the host in host[:port], an IPv6 reference with its brackets. */
static size_t host_len(const char *text, size_t len)
{
	const char *end = text + len, *c = text;

	if (len && *c == '[')
		while (c < end && *c != ']')
			c++;
	while (c < end && *c != ':')
		c++;
	return c - text;
}

int uid_from_uri(struct uid *uid, const char *uri, size_t len)
{
	const char *at, *colon, *end = uri + len, *c;
	int err;

	uid->len = 0;
	if (len > 5 && !strncasecmp(uri, "sips:", 5))
		uri += 5;
	else if (len > 4 && !strncasecmp(uri, "sip:", 4))
		uri += 4;
	else
		return -EPROTONOSUPPORT;

	/* ';' and '?' may stand in a user part: look for '@' first */
	at = memchr(uri, '@', end - uri);
	if (!at || at == uri)
		return -EDESTADDRREQ;
	for (c = at + 1; c < end && *c != ';' && *c != '?'; c++)
		if (*c == '@' || *c == '>')
			return -EINVAL;
	end = c;
	colon = memchr(uri, ':', at - uri);
	if (colon == uri)
		return -EDESTADDRREQ;
	err = put_user(uid, uri, (colon ? colon : at) - uri);
	if (!err)
		err = put(uid, '@');
	if (!err)
		err = put_host(uid, at + 1, host_len(at + 1, end - at - 1));
	return err;
}

int uid_from_text(struct uid *uid, const char *text)
{
	char uri[1024] = "sip:";
	size_t len = strlen(text);

	if (!strncasecmp(text, "sip:", 4) || !strncasecmp(text, "sips:", 5))
		return uid_from_uri(uid, text, len);
	if (len > sizeof(uri) - 5)
		return -ENAMETOOLONG;
	memcpy(uri + 4, text, len);
	return uid_from_uri(uid, uri, 4 + len);
}

bool uid_is_own(const struct uid *uid)
{
	return uid->len && !memchr(uid->text, '?', uid->len);
}

bool uid_equal(const struct uid *a, const struct uid *b)
{
	return a->len == b->len && !memcmp(a->text, b->text, a->len);
}

bool uid_same(const struct uid *a, unsigned int n_a, const struct uid *b, unsigned int n_b)
{
	unsigned int j;

	if (n_a != n_b)
		return false;
	for (unsigned int i = 0; i < n_a; i++) {
		/* mostly they come in the same order */
		for (j = uid_equal(&a[i], &b[i]) ? i : 0; j < n_b; j++)
			if (uid_equal(&a[i], &b[j]))
				break;
		if (j == n_b)
			return false;
	}
	return true;
}

bool uid_matches(const struct uid *pattern, const struct uid *uid)
{
	size_t p = 0, u = 0, behind = 0, resume = 0;
	bool wild = false;

	while (u < uid->len) {
		if (p < pattern->len && pattern->text[p] == '?') {
			wild = true;
			behind = ++p;
			resume = u;
		} else if (p < pattern->len && pattern->text[p] == uid->text[u]) {
			p++;
			u++;
		} else if (wild) {	/* the last wildcard takes one more */
			p = behind;
			u = ++resume;
		} else {
			return false;
		}
	}
	while (p < pattern->len && pattern->text[p] == '?')
		p++;
	return p == pattern->len;
}

void uid_escape(char *out, const struct uid *uid)
{
	static const char digits[] = "0123456789ABCDEF";
	const char *at = memchr(uid->text, '@', uid->len);

	for (size_t i = 0; i < uid->len; i++) {
		unsigned char c = uid->text[i];

		/*
		 * "%3F" is the one escape that a UID itself may hold; a ':'
		 * of the user's would begin a password, which nobody shows
		 */
		if (isalnum(c) || (c && strchr("-_.!~*'()&=+$,/@[]", c)) ||
		    (c == ':' && at && uid->text + i > at) ||
		    (uid->len - i >= 3 && !memcmp(&uid->text[i], "%3F", 3))) {
			*out++ = c;
		} else {
			*out++ = '%';
			*out++ = digits[c >> 4];
			*out++ = digits[c & 15];
		}
	}
	*out = '\0';
}
