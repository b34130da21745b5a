// SPDX-License-Identifier: GPL-2.0-or-later
/* Headers of MESSAGEs. */
#include "helper/mikeyd/immediate.h"

#include <string.h>
#include <strings.h>
#include <time.h>

#include "helper/mikeyd/sipmsg.h"

#define PREFERRED_HEADER "P-Preferred-Identity"

/* RFC 3261 20.17 */
#define SIP_DATE "%a, %d %b %Y %H:%M:%S GMT"

static const struct sip_hdr *find(const struct sip_msg *msg, const char *name)
{
	struct le *le;

	LIST_FOREACH(&msg->hdrl, le) {
		const struct sip_hdr *hdr = le->data;

		if (sipmsg_named(hdr, name))
			return hdr;
	}
	return NULL;
}

/* ---- who it is from */

static bool trusts(const struct mikeyd *mikeyd, const struct sa *hop)
{
	const struct config *config = mikeyd->config;

	if (config->trust_nobody)
		return false;
	if (!config->n_trusted)
		return sa_cmp(hop, &mikeyd->next_hop.peer, SA_ADDR);
	for (unsigned int i = 0; i < config->n_trusted; i++)
		if (network_contains(&config->trusted[i], &hop->u.sa))
			return true;
	return false;
}

bool immediate_trusts(const struct mikeyd *mikeyd, const struct sip_msg *msg)
{
	return trusts(mikeyd, &msg->src);
}

bool immediate_trusts_next_hop(const struct mikeyd *mikeyd)
{
	return trusts(mikeyd, &mikeyd->next_hop.peer);
}

/* The next of values that semicolons or commas divide; false behind the last. */
static bool next_value(struct pl *rest, struct pl *value)
{
	while (rest->l && strchr(" \t\r\n,;", *rest->p))
		pl_advance(rest, 1);
	*value = *rest;
	for (value->l = 0; rest->l && !strchr(" \t\r\n,;", *rest->p); value->l++)
		pl_advance(rest, 1);
	return value->l;
}

static bool has_privacy(const struct sip_msg *msg, bool (*is)(const struct pl *value, void *arg),
			void *arg)
{
	struct pl rest, value;
	struct le *le;

	LIST_FOREACH(&msg->hdrl, le) {
		const struct sip_hdr *hdr = le->data;

		rest = hdr->val;
		while (sipmsg_named(hdr, "Privacy") && next_value(&rest, &value))
			if (is(&value, arg))
				return true;
	}
	return false;
}

static bool is_value(const struct pl *value, void *arg)
{
	return !pl_strcasecmp(value, arg);
}

static bool is_wish(const struct pl *value, void *arg)
{
	(void)arg;
	return pl_strcasecmp(value, "none") && pl_strcasecmp(value, "critical");
}

bool immediate_privacy(const struct sip_msg *msg, const char *value)
{
	return has_privacy(msg, is_value, (void *)value);
}

bool immediate_wants_privacy(const struct sip_msg *msg)
{
	return has_privacy(msg, is_wish, NULL);
}

bool immediate_is_anonymous(const struct sip_msg *msg)
{
	struct uid uid;

	return sipmsg_is_one(&msg->from.params) &&
		!uid_from_uri(&uid, msg->from.auri.p, msg->from.auri.l) &&
		!strcasecmp(uid.text, "anonymous@anonymous.invalid");
}

const struct uid *immediate_preferred(const struct user *user, const struct sip_msg *msg)
{
	const struct sip_hdr *hdr = find(msg, PREFERRED_HEADER);
	const struct config_user *config = user->config;
	struct sip_addr address;
	struct uid uid;

	if (!hdr || sip_addr_decode(&address, &hdr->val) || !sipmsg_is_one(&address.params) ||
	    uid_from_uri(&uid, address.auri.p, address.auri.l))
		return NULL;
	for (unsigned int i = 0; i < config->n_identities; i++)
		if (uid_equal(&config->identities[i], &uid))
			return &config->identities[i];
	return NULL;
}

/* ---- what it loses */

const char * const *immediate_dropped(const struct mikeyd *mikeyd, const struct user *user,
				      enum side to, const struct sip_msg *msg)
{
	static const char * const response[] = { "Contact", NULL };
	static const char * const outwards[] = { "Contact", IDENTITY_HEADER, NULL };
	static const char * const inwards[] = { "Contact", PREFERRED_HEADER, NULL };
	static const char * const all[] = {
		"Contact", PREFERRED_HEADER, IDENTITY_HEADER, NULL
	};

	if (!msg->req)
		return msg->scode / 100 == 2 ? response : NULL;
	if (to == SIDE_OUTSIDE)
		return user && immediate_preferred(user, msg) ? outwards : all;
	return immediate_trusts(mikeyd, msg) && !immediate_privacy(msg, "id") ? inwards : all;
}

/* ---- how long it holds */

static bool read_expires(const struct sip_msg *msg, int64_t *seconds)
{
	const struct sip_hdr *hdr = find(msg, "Expires");

	if (!hdr || !hdr->val.l || hdr->val.l > 10)
		return false;
	for (size_t i = 0; i < hdr->val.l; i++)
		if (hdr->val.p[i] < '0' || hdr->val.p[i] > '9')
			return false;
	*seconds = pl_u64(&hdr->val);
	return true;
}

static bool read_date(const struct sip_msg *msg, int64_t *seconds)
{
	const struct sip_hdr *hdr = find(msg, "Date");
	struct tm tm = { 0 };
	char text[64];
	const char *end;

	if (!hdr || pl_strcpy(&hdr->val, text, sizeof(text)))
		return false;
	end = strptime(text, SIP_DATE, &tm);
	if (!end || *end)
		return false;
	*seconds = timegm(&tm);
	return true;
}

bool immediate_expired(const struct sip_msg *msg, int64_t now)
{
	int64_t holds, since;

	return read_expires(msg, &holds) && read_date(msg, &since) &&
		now > since + holds + IMMEDIATE_SKEW;
}

void immediate_date(char line[IMMEDIATE_DATE_SIZE], const struct sip_msg *msg, int64_t now)
{
	time_t seconds = now;
	int64_t holds;
	struct tm tm;

	line[0] = '\0';
	if (!read_expires(msg, &holds) || !holds || find(msg, "Date") ||
	    !gmtime_r(&seconds, &tm))
		return;
	strftime(line, IMMEDIATE_DATE_SIZE, "Date: " SIP_DATE "\r\n", &tm);
}
