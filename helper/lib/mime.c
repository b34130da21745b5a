// SPDX-License-Identifier: GPL-2.0-or-later
/* Client of the netlink family "mikey_mime". */
#include "helper/lib/mime.h"

#include <errno.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <string.h>

#include "helper/lib/netlink.h"

#define M(name) MIKEY_MIME_A_##name
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct {
	const char *name, *smime_type;
	uint32_t content;	/* its own algorithm */
} forms_known[] = {
	[MIKEY_FORM_AUTH_ENVELOPED] = {
		"auth-enveloped", "auth-enveloped-data", MIKEY_CONTENT_AES_GCM
	},
	[MIKEY_FORM_AUTHENTICATED] = { "authenticated", "authenticated-data", 0 },
	[MIKEY_FORM_AUTHENTICATED_ENVELOPED] = {
		"authenticated-enveloped", "authenticated-data", MIKEY_CONTENT_AES_CBC
	},
};

static const char * const content_names[] = {
	[MIKEY_CONTENT_AES_GCM] = "gcm",
	[MIKEY_CONTENT_AES_CCM] = "ccm",
	[MIKEY_CONTENT_AES_CBC] = "cbc",
};

static const char * const proved_names[] = {
	[MIKEY_PROVED_RECIPIENT] = "recipient",
	[MIKEY_PROVED_INITIATOR] = "initiator",
	[MIKEY_PROVED_BODY] = "body",
};

static const char * const stat_names[] = {
	[MIKEY_MIME_S_PROTECTED] = "protected",
	[MIKEY_MIME_S_OPENED] = "opened",
	[MIKEY_MIME_S_BYTES_PROTECTED] = "bytes-protected",
	[MIKEY_MIME_S_BYTES_OPENED] = "bytes-opened",
	[MIKEY_MIME_S_BAD_TRANSFER] = "bad-transfer",
	[MIKEY_MIME_S_BAD_CMS] = "bad-cms",
	[MIKEY_MIME_S_REPLAYS] = "replays",
	[MIKEY_MIME_S_REPLAY_ENTRIES] = "replay-entries",
};

const char *mime_form_name(uint32_t form)
{
	return form < COUNT(forms_known) ? forms_known[form].name : NULL;
}

const char *mime_form_type(uint32_t form)
{
	return form < COUNT(forms_known) ? forms_known[form].smime_type : NULL;
}

const char *mime_proved_name(uint32_t proved)
{
	return proved < COUNT(proved_names) ? proved_names[proved] : NULL;
}

const char *mime_stat_name(int stat)
{
	return stat >= 0 && (size_t)stat < COUNT(stat_names) ? stat_names[stat] : NULL;
}

uint32_t mime_form_value(const char *name)
{
	for (uint32_t i = 1; i < COUNT(forms_known); i++)
		if (!strcmp(forms_known[i].name, name))
			return i;
	return 0;
}

const char *mime_content_name(uint32_t content)
{
	return content < COUNT(content_names) ? content_names[content] : NULL;
}

uint32_t mime_content_of(uint32_t form, uint32_t content)
{
	if (form == MIKEY_FORM_AUTH_ENVELOPED && content)
		return content;
	return form < COUNT(forms_known) ? forms_known[form].content : 0;
}

uint32_t mime_content_value(const char *name)
{
	for (uint32_t i = 1; i < COUNT(content_names); i++)
		if (!strcmp(content_names[i], name))
			return i;
	return 0;
}

static int no_memory(struct problem *problem)
{
	return problem_set(problem, -ENOMEM, "no memory");
}

/* Bytes that one attribute may be too short for (MIKEY_MIME_SEGMENT). */
static int put_segments(struct nl_msg *message, int type, const struct bytes *bytes)
{
	int err = 0;

	for (size_t at = 0; at < bytes->len && !err; at += MIKEY_MIME_SEGMENT) {
		size_t piece = bytes->len - at;

		if (piece > MIKEY_MIME_SEGMENT)
			piece = MIKEY_MIME_SEGMENT;
		err = nla_put(message, type, piece, bytes->data + at);
	}
	return err;
}

static size_t segments_room(const struct bytes *bytes)
{
	return bytes->len + (bytes->len / MIKEY_MIME_SEGMENT + 1) * (NLA_HDRLEN + NLA_ALIGNTO);
}

int mime_protect(struct genl_client *client, const struct mime_wish *wish,
		 const struct bytes *entity, struct bytes *transfer, struct bytes *cms,
		 struct problem *problem)
{
	struct nlattr *attrs[MIKEY_MIME_A_MAX + 1];
	struct nl_msg *request;
	struct bytes reply;
	int err;

	request = genl_message(client, MIKEY_MIME_CMD_PROTECT,
			       UID_MAX + 64 + segments_room(entity));
	if (!request)
		return no_memory(problem);
	err = nla_put_s32(request, M(TICKET), wish->ticket);
	err = err ?: nla_put(request, M(RECIPIENT), wish->recipient->len, wish->recipient->text);
	if (wish->list_service)
		err = err ?: nla_put_flag(request, M(LIST_SERVICE));
	err = err ?: nla_put_u32(request, M(FORM), wish->form);
	if (wish->content)
		err = err ?: nla_put_u32(request, M(CONTENT_ALG), wish->content);
	if (wish->no_proof)
		err = err ?: nla_put_flag(request, M(NO_PROOF));
	err = err ?: put_segments(request, M(ENTITY), entity);
	err = genl_ask(client, request, err, &reply, attrs, MIKEY_MIME_A_MAX, problem);
	if (err < 0)
		return err;
	err = genl_reply_join(&reply, M(TRANSFER), transfer);
	if (!err) {
		err = genl_reply_join(&reply, M(CMS), cms);
		if (err < 0)
			bytes_wipe(transfer);
	}
	bytes_wipe(&reply);
	if (err == -ENOMEM)
		return no_memory(problem);
	return err < 0 ? genl_unexpected(problem) : 0;
}

int mime_unprotect(struct genl_client *client, int32_t ticket, uint32_t forms,
		   const struct bytes *transfer, const struct bytes *cms,
		   struct mime_opened *opened, struct problem *problem)
{
	struct nlattr *attrs[MIKEY_MIME_A_MAX + 1];
	struct nl_msg *request;
	struct bytes reply;
	int err;

	request = genl_message(client, MIKEY_MIME_CMD_UNPROTECT,
			       64 + transfer->len + segments_room(cms));
	if (!request)
		return no_memory(problem);
	err = nla_put_s32(request, M(TICKET), ticket);
	err = err ?: nla_put_u32(request, M(FORMS), forms);
	err = err ?: nla_put(request, M(TRANSFER), transfer->len, transfer->data);
	err = err ?: put_segments(request, M(CMS), cms);
	err = genl_ask(client, request, err, &reply, attrs, MIKEY_MIME_A_MAX, problem);
	if (err < 0)
		return err;
	opened->proved = genl_get_u32(attrs[M(PROVED)]);
	opened->form = genl_get_u32(attrs[M(FORM)]);
	opened->sent = attrs[M(SENT)] ? nla_get_s64(attrs[M(SENT)]) : 0;
	if (genl_get_uid(&opened->initiator, attrs[M(INITIATOR)]) < 0 ||
	    genl_get_uid(&opened->recipient, attrs[M(RECIPIENT)]) < 0 ||
	    !mime_proved_name(opened->proved) || !opened->proved)
		err = genl_unexpected(problem);
	else if (genl_reply_join(&reply, M(ENTITY), &opened->entity) < 0)
		err = genl_unexpected(problem);
	bytes_wipe(&reply);
	return err;
}

int mime_caps(struct genl_client *client, struct mime_caps *caps, struct problem *problem)
{
	struct nlattr *attrs[MIKEY_MIME_A_MAX + 1];
	struct nl_msg *request;
	struct bytes reply;
	int err;

	memset(caps, 0, sizeof(*caps));
	request = genl_message(client, MIKEY_MIME_CMD_CAPS, 0);
	err = genl_ask(client, request, 0, &reply, attrs, MIKEY_MIME_A_MAX, problem);
	if (err < 0)
		return err;
	caps->api_version = genl_get_u32(attrs[M(API_VERSION)]);
	caps->forms = genl_get_u32(attrs[M(FORMS)]);
	caps->content_algs = genl_get_u32(attrs[M(CONTENT_ALGS)]);
	caps->max_entity = genl_get_u32(attrs[M(MAX_ENTITY)]);
	if (attrs[M(MODULE_VERSION)])
		nla_strlcpy(caps->module_version, attrs[M(MODULE_VERSION)],
			    sizeof(caps->module_version));
	bytes_wipe(&reply);
	return 0;
}

int mime_stats(struct genl_client *client, uint64_t stats[MIKEY_MIME_S_MAX + 1],
	       struct problem *problem)
{
	return genl_counters(client, MIKEY_MIME_CMD_STATS, M(STATS), MIKEY_MIME_S_PAD, stats,
			     MIKEY_MIME_S_MAX, problem);
}
