// SPDX-License-Identifier: GPL-2.0-or-later
/* Client of the netlink family "mikey_ticket". */
#include "helper/lib/ticket.h"

#include <errno.h>
#include <keyutils.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdlib.h>
#include <string.h>

#include "helper/lib/netlink.h"

#define T(name) MIKEY_TICKET_A_##name

static const char * const profile_names[] = {
	[MIKEY_PROFILE_IMMEDIATE] = "immediate",
	[MIKEY_PROFILE_ANNEX_I] = "annex-i",
};

static const char * const suite_names[] = {
	[MIKEY_SUITE_256] = "256",
	[MIKEY_SUITE_128] = "128",
	[MIKEY_SUITE_TS_128] = "ts-128",
};

static const char * const role_names[] = {
	[MIKEY_ROLE_INITIATOR] = "initiator",
	[MIKEY_ROLE_RESPONDER] = "responder",
};

static const char * const stat_names[] = {
	[MIKEY_TICKET_S_TICKETS] = "tickets",
	[MIKEY_TICKET_S_EXCHANGES] = "exchanges",
	[MIKEY_TICKET_S_REQUESTS] = "requests",
	[MIKEY_TICKET_S_GRANTS] = "grants",
	[MIKEY_TICKET_S_RESOLVES] = "resolves",
	[MIKEY_TICKET_S_ADMITS] = "admits",
	[MIKEY_TICKET_S_WIPES] = "wipes",
	[MIKEY_TICKET_S_KMS_ERRORS] = "kms-errors",
	[MIKEY_TICKET_S_BAD_MESSAGE] = "bad-message",
	[MIKEY_TICKET_S_BAD_MAC] = "bad-mac",
	[MIKEY_TICKET_S_BAD_POLICY] = "bad-policy",
	[MIKEY_TICKET_S_BAD_PSK] = "bad-psk",
	[MIKEY_TICKET_S_MINTS] = "mints",
	[MIKEY_TICKET_S_REUSES] = "reuses",
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

const char *ticket_profile_name(uint32_t profile)
{
	return profile < COUNT(profile_names) ? profile_names[profile] : NULL;
}

const char *ticket_suite_name(uint32_t suite)
{
	return suite < COUNT(suite_names) ? suite_names[suite] : NULL;
}

const char *ticket_role_name(uint32_t role)
{
	return role < COUNT(role_names) ? role_names[role] : NULL;
}

const char *ticket_stat_name(int stat)
{
	return stat >= 0 && (size_t)stat < COUNT(stat_names) ? stat_names[stat] : NULL;
}

static uint32_t value_of(const char * const *names, size_t count, const char *name)
{
	for (size_t i = 1; i < count; i++)
		if (names[i] && !strcmp(names[i], name))
			return i;
	return 0;
}

uint32_t ticket_profile_value(const char *name)
{
	return value_of(profile_names, COUNT(profile_names), name);
}

uint32_t ticket_suite_value(const char *name)
{
	return value_of(suite_names, COUNT(suite_names), name);
}

/* RFC 6043 6.10: D is the highest of twelve flags; set, the KMS made it */
bool ticket_is_minted(const struct ticket_policy *policy)
{
	return !(policy->flags >> 11 & 1);
}

void ticket_policy_free(struct ticket_policy *policy)
{
	free(policy->responders);
	policy->responders = NULL;
	policy->n_responders = 0;
}

static int no_memory(struct problem *problem)
{
	return problem_set(problem, -ENOMEM, "no memory");
}

static int put_uid(struct nl_msg *message, int type, const struct uid *uid)
{
	return nla_put(message, type, uid->len, uid->text);
}

static int put_party(struct nl_msg *message, const struct ticket_party *party)
{
	if (nla_put_s32(message, T(PSK), party->psk) ||
	    put_uid(message, T(PSK_ID), &party->psk_id) ||
	    put_uid(message, T(KMS), &party->kms) ||
	    nla_put_u32(message, T(SUITE), party->suite))
		return -ENOMEM;
	return 0;
}

/* The attributes of a policy, which come nested. */
static int get_policy(struct ticket_policy *policy, struct nlattr *nest)
{
	struct nlattr *attrs[MIKEY_TICKET_A_MAX + 1], *attr;
	unsigned int count = 0;
	int left;

	memset(policy, 0, sizeof(*policy));
	if (!nest || nla_parse_nested(attrs, MIKEY_TICKET_A_MAX, nest, NULL) < 0 ||
	    genl_get_uid(&policy->kms, attrs[T(KMS)]) < 0 ||
	    genl_get_uid(&policy->initiator, attrs[T(INITIATOR)]) < 0)
		return -EPROTO;
	policy->profile = genl_get_u32(attrs[T(PROFILE)]);
	policy->suite = genl_get_u32(attrs[T(SUITE)]);
	policy->flags = genl_get_u32(attrs[T(FLAGS)]);
	policy->valid_from = genl_get_s64(attrs[T(VALID_FROM)]);
	policy->valid_until = genl_get_s64(attrs[T(VALID_UNTIL)]);
	policy->reusable = attrs[T(REUSABLE)];
	policy->changed = attrs[T(CHANGED)];
	policy->cacheable = attrs[T(CACHEABLE)];
	policy->rekey = genl_get_u32(attrs[T(REKEY)]);
	nla_for_each_nested(attr, nest, left)
		count += nla_type(attr) == T(RESPONDER);
	policy->responders = calloc(count ? count : 1, sizeof(*policy->responders));
	if (!policy->responders)
		return -ENOMEM;
	nla_for_each_nested(attr, nest, left) {
		if (nla_type(attr) != T(RESPONDER))
			continue;
		if (genl_get_uid(&policy->responders[policy->n_responders], attr) < 0) {
			ticket_policy_free(policy);
			return -EPROTO;
		}
		policy->n_responders++;
	}
	return 0;
}

/* The request of a wish: REQUEST or MINT. NULL: no memory. */
static struct nl_msg *wish_message(struct genl_client *client, uint8_t command,
				   const struct ticket_wish *wish)
{
	struct nl_msg *request;
	int err;

	request = genl_message(client, command,
			       2048 + wish->n_responders * (size_t)(UID_MAX + 8));
	if (!request)
		return NULL;
	err = put_party(request, wish->party);
	err = err ?: put_uid(request, T(INITIATOR), &wish->initiator);
	for (unsigned int i = 0; i < wish->n_responders; i++)
		err = err ?: put_uid(request, T(RESPONDER), &wish->responders[i]);
	err = err ?: nla_put_u32(request, T(PROFILE), wish->profile);
	err = err ?: nla_put_s64(request, T(VALID_UNTIL), wish->valid_until);
	if (wish->reusable)
		err = err ?: nla_put_flag(request, T(REUSABLE));
	if (wish->cacheable)
		err = err ?: nla_put_flag(request, T(CACHEABLE));
	if (wish->rekey)
		err = err ?: nla_put_u32(request, T(REKEY), wish->rekey);
	if (!err)
		return request;
	genl_message_free(request);
	return NULL;
}

int ticket_request(struct genl_client *client, const struct ticket_wish *wish,
		   uint32_t *exchange, struct bytes *message, struct problem *problem)
{
	struct nlattr *attrs[MIKEY_TICKET_A_MAX + 1];
	struct nl_msg *request = wish_message(client, MIKEY_TICKET_CMD_REQUEST, wish);
	struct bytes reply;
	int err;

	err = genl_ask(client, request, 0, &reply, attrs, MIKEY_TICKET_A_MAX, problem);
	if (err < 0)
		return err;
	*exchange = genl_get_u32(attrs[T(EXCHANGE)]);
	err = attrs[T(EXCHANGE)] ? genl_reply_join(&reply, T(MESSAGE), message) : -ENODATA;
	bytes_wipe(&reply);
	if (err == -ENOMEM)
		return no_memory(problem);
	return err < 0 ? genl_unexpected(problem) : 0;
}

/* A ticket with its policy, which GRANT, ADMIT and MINT answer alike. */
static int made(struct bytes *reply, struct nlattr **attrs, int32_t *ticket,
		struct ticket_policy *policy, struct problem *problem)
{
	int err = 0;

	*ticket = genl_get_u32(attrs[T(TICKET)]);
	if (!*ticket || (policy && get_policy(policy, attrs[T(POLICY)]) < 0))
		err = genl_unexpected(problem);
	bytes_wipe(reply);
	return err;
}

int ticket_mint(struct genl_client *client, const struct ticket_wish *wish, int32_t *ticket,
		struct ticket_policy *policy, struct problem *problem)
{
	struct nlattr *attrs[MIKEY_TICKET_A_MAX + 1];
	struct nl_msg *request = wish_message(client, MIKEY_TICKET_CMD_MINT, wish);
	struct bytes reply;
	int err;

	err = genl_ask(client, request, 0, &reply, attrs, MIKEY_TICKET_A_MAX, problem);
	return err < 0 ? err : made(&reply, attrs, ticket, policy, problem);
}

void ticket_claim_free(struct ticket_claim *claim)
{
	bytes_wipe(&claim->message);
	ticket_policy_free(&claim->policy);
}

static int get_mac(struct ticket_mac *mac, struct nlattr *attr)
{
	mac->len = attr ? nla_len(attr) : 0;
	if (!mac->len || mac->len > sizeof(mac->data))
		return -EPROTO;
	memcpy(mac->data, nla_data(attr), mac->len);
	return 0;
}

static int get_claim(struct ticket_claim *claim, struct bytes *reply, struct nlattr **attrs)
{
	int err = 0;

	memset(claim, 0, sizeof(*claim));
	if (get_mac(&claim->mac, attrs[T(MAC)]) < 0)
		return -EPROTO;
	if (attrs[T(TICKET)]) {
		claim->ticket = genl_get_u32(attrs[T(TICKET)]);
	} else if (attrs[T(EXCHANGE)]) {
		claim->exchange = genl_get_u32(attrs[T(EXCHANGE)]);
		err = genl_reply_join(reply, T(MESSAGE), &claim->message);
	} else {
		err = -EPROTO;
	}
	err = err ?: get_policy(&claim->policy, attrs[T(POLICY)]);
	if (err)
		bytes_wipe(&claim->message);
	return err;
}

int ticket_resolve(struct genl_client *client, const struct ticket_party *party,
		   const struct ticket_names *names, const struct bytes *transfer,
		   struct ticket_claim *claim, struct problem *problem)
{
	struct nlattr *attrs[MIKEY_TICKET_A_MAX + 1];
	size_t all = names->n_identities + names->n_list_services;
	struct nl_msg *request;
	struct bytes reply;
	int err;

	request = genl_message(client, MIKEY_TICKET_CMD_RESOLVE,
			       2048 + all * (UID_MAX + 8) + transfer->len);
	if (!request)
		return no_memory(problem);
	err = put_party(request, party);
	for (unsigned int i = 0; i < names->n_identities; i++)
		err = err ?: put_uid(request, i ? T(GROUP) : T(IDENTITY), &names->identities[i]);
	for (unsigned int i = 0; i < names->n_list_services; i++)
		err = err ?: put_uid(request, T(LIST_SERVICE), &names->list_services[i]);
	err = err ?: nla_put(request, T(MESSAGE), transfer->len, transfer->data);
	/* where tickets are kept that serve several messages */
	err = err ?: nla_put_s32(request, T(KEYRING), KEY_SPEC_USER_KEYRING);
	err = genl_ask(client, request, err, &reply, attrs, MIKEY_TICKET_A_MAX, problem);
	if (err < 0)
		return err;
	err = get_claim(claim, &reply, attrs);
	bytes_wipe(&reply);
	if (err == -ENOMEM)
		return no_memory(problem);
	return err < 0 ? genl_unexpected(problem) : 0;
}

int ticket_close(struct genl_client *client, uint8_t command, uint32_t exchange,
		 const struct bytes *message, int32_t *ticket, struct ticket_policy *policy,
		 struct problem *problem)
{
	struct nlattr *attrs[MIKEY_TICKET_A_MAX + 1];
	struct nl_msg *request;
	struct bytes reply;
	int err;

	request = genl_message(client, command, 64 + message->len);
	if (!request)
		return no_memory(problem);
	err = nla_put_u32(request, T(EXCHANGE), exchange);
	err = err ?: nla_put(request, T(MESSAGE), message->len, message->data);
	err = genl_ask(client, request, err, &reply, attrs, MIKEY_TICKET_A_MAX, problem);
	if (err < 0)
		return err;
	return made(&reply, attrs, ticket, policy, problem);
}

int ticket_info(struct genl_client *client, int32_t ticket, int32_t psk,
		struct ticket_info *info, struct problem *problem)
{
	struct nlattr *attrs[MIKEY_TICKET_A_MAX + 1];
	struct nl_msg *request;
	struct bytes reply;
	int err;

	request = genl_message(client, MIKEY_TICKET_CMD_INFO, 64);
	if (!request)
		return no_memory(problem);
	err = nla_put_s32(request, T(TICKET), ticket);
	if (psk)
		err = err ?: nla_put_s32(request, T(PSK), psk);
	err = genl_ask(client, request, err, &reply, attrs, MIKEY_TICKET_A_MAX, problem);
	if (err < 0)
		return err;
	info->role = genl_get_u32(attrs[T(ROLE)]);
	info->remaining = genl_get_s64(attrs[T(REMAINING)]);
	if (get_policy(&info->policy, attrs[T(POLICY)]) < 0)
		err = genl_unexpected(problem);
	bytes_wipe(&reply);
	return err;
}

static int add_profile(struct nlattr *attr, void *arg)
{
	struct ticket_caps *caps = arg;

	if (genl_get_u32(attr) < 32)
		caps->profiles |= 1u << genl_get_u32(attr);
	return 0;
}

static int add_suite(struct nlattr *attr, void *arg)
{
	struct ticket_caps *caps = arg;

	if (genl_get_u32(attr) < 32)
		caps->suites |= 1u << genl_get_u32(attr);
	return 0;
}

int ticket_caps(struct genl_client *client, struct ticket_caps *caps, struct problem *problem)
{
	struct nlattr *attrs[MIKEY_TICKET_A_MAX + 1];
	struct nl_msg *request;
	struct bytes reply;
	int err;

	memset(caps, 0, sizeof(*caps));
	request = genl_message(client, MIKEY_TICKET_CMD_CAPS, 0);
	err = genl_ask(client, request, 0, &reply, attrs, MIKEY_TICKET_A_MAX, problem);
	if (err < 0)
		return err;
	caps->api_version = genl_get_u32(attrs[T(API_VERSION)]);
	if (attrs[T(MODULE_VERSION)])
		nla_strlcpy(caps->module_version, attrs[T(MODULE_VERSION)],
			    sizeof(caps->module_version));
	genl_reply_each(&reply, T(PROFILE), add_profile, caps);
	genl_reply_each(&reply, T(SUITE), add_suite, caps);
	if (attrs[T(PROT_TYPE)])
		caps->prot_type = nla_get_u8(attrs[T(PROT_TYPE)]);
	if (attrs[T(EXT_TYPE)])
		caps->ext_type = nla_get_u8(attrs[T(EXT_TYPE)]);
	caps->clock_skew = genl_get_u32(attrs[T(CLOCK_SKEW)]);
	caps->user_master = attrs[T(USER_MASTER)];
	bytes_wipe(&reply);
	return 0;
}

int ticket_stats(struct genl_client *client, uint64_t stats[MIKEY_TICKET_S_MAX + 1],
		 struct problem *problem)
{
	return genl_counters(client, MIKEY_TICKET_CMD_STATS, T(STATS), MIKEY_TICKET_S_PAD, stats,
			     MIKEY_TICKET_S_MAX, problem);
}
