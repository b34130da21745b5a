// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a BSF answers, read with Expat; see bsf.h. Only names count, not the
 * namespace nor where an element stands. Document types are refused before an
 * entity is seen.
 */
#include <errno.h>
#include <expat.h>
#include <openssl/crypto.h>
#include <string.h>
#include <time.h>

#include "helper/kms/bsf.h"
#include "helper/lib/base64.h"
#include "helper/lib/uid.h"

#define TEXT_MAX 512
#define NAMES_MAX 64			/* UIDs that may be named, fit or not */

struct answer {
	const struct kms_bsf_config *config;
	struct mikey_blob btid;
	struct kms_gba_entry *entry;
	XML_Parser parser;
	const char *why;
	bool has_key, has_time;
	u32 names;
	int field;			/* being read, or -1 */
	size_t len;
	char text[TEXT_MAX];
};

static void object(struct answer *a, const char *why)
{
	if (!a->why)
		a->why = why;
	XML_StopParser(a->parser, XML_FALSE);
}

static void take_btid(struct answer *a)
{
	if (a->len != a->btid.len || memcmp(a->text, a->btid.p, a->len))
		object(a, "its answer is about another B-TID");
}

static void take_key(struct answer *a)
{
	struct bytes key = { 0 };

	if (a->has_key)
		object(a, "its answer has two keys");
	else if (base64_read(&key, a->text, a->len) ||
		 key.len != KMS_GBA_KEY_LEN)
		object(a, "its key is not one of 256 bits");
	else
		memcpy(a->entry->key, key.data, KMS_GBA_KEY_LEN);
	a->has_key = true;
	bytes_wipe(&key);
}

/* xs:dateTime in UTC; a fraction of a second is cut off. */
static void take_time(struct answer *a)
{
	struct tm tm = { 0 };
	char *end = strptime(a->text, "%Y-%m-%dT%H:%M:%S", &tm);

	if (end && *end == '.')
		end += 1 + strspn(end + 1, "0123456789");
	if (!end || strcmp(end, "Z") || a->has_time) {
		object(a, "the time at which its key ends is not in UTC");
		return;
	}
	a->entry->expires = timegm(&tm);
	a->has_time = true;
}

/* A BSF may name users of the domains that it was given, and no others. */
static void take_uid(struct answer *a)
{
	const struct kms_bsf_config *config = a->config;
	struct kms_gba_entry *e = a->entry;
	const char *domain;
	struct uid uid;
	size_t i;

	if (++a->names > NAMES_MAX)
		object(a, "its answer names too many users");
	if (uid_from_text(&uid, a->text) || !uid_is_own(&uid))
		return;
	domain = strrchr(uid.text, '@') + 1;
	for (i = 0; i < config->num_uid_domains; i++)
		if (!strcmp(config->uid_domains[i], domain))
			break;
	if (i == config->num_uid_domains || e->num_uids == KMS_USER_UIDS_MAX)
		return;
	e->uids[e->num_uids].len = uid.len;
	memcpy(e->uids[e->num_uids].data, uid.text, uid.len);
	e->num_uids++;
}

static const struct {
	const char *name;
	void (*take)(struct answer *a);
} fields[] = {
	{ "btid", take_btid },
	{ "meKeyMaterial", take_key },
	{ "keyExpiryTime", take_time },
	{ "uid", take_uid },
};

static void XMLCALL on_start(void *ctx, const XML_Char *name,
			     const XML_Char **attributes)
{
	const char *local = strrchr(name, ':');
	struct answer *a = ctx;
	size_t i;

	(void)attributes;
	if (a->field >= 0) {
		object(a, "there are elements in a value of its answer");
		return;
	}
	for (i = 0; i < ARRAY_SIZE(fields); i++)
		if (!strcmp(fields[i].name, local ? local + 1 : name))
			a->field = i;
	a->len = 0;
}

static void XMLCALL on_end(void *ctx, const XML_Char *name)
{
	struct answer *a = ctx;

	(void)name;
	if (a->field < 0)
		return;
	while (a->len && strchr(" \t\r\n", a->text[a->len - 1]))
		a->len--;
	a->text[a->len] = '\0';
	fields[a->field].take(a);
	a->field = -1;
}

static void XMLCALL on_text(void *ctx, const XML_Char *text, int len)
{
	struct answer *a = ctx;

	if (a->field < 0)
		return;
	for (; len && !a->len && strchr(" \t\r\n", *text); text++)
		len--;
	if ((size_t)len >= sizeof(a->text) - a->len) {
		object(a, "a value of its answer is too long");
		return;
	}
	memcpy(a->text + a->len, text, len);
	a->len += len;
}

static void XMLCALL on_doctype(void *ctx, const XML_Char *name,
			       const XML_Char *system, const XML_Char *public,
			       int internal)
{
	(void)name;
	(void)system;
	(void)public;
	(void)internal;
	object(ctx, "its answer has a document type");
}

int kms_bsf_read(const struct kms_bsf_config *config, struct mikey_blob btid,
		 const char *text, size_t len, s64 now,
		 struct kms_gba_entry *entry, const char **why)
{
	struct answer a = {
		.config = config, .btid = btid, .entry = entry, .field = -1,
	};

	memset(entry, 0, sizeof(*entry));
	entry->btid_len = btid.len;
	memcpy(entry->btid, btid.p, btid.len);
	a.parser = XML_ParserCreate(NULL);
	if (!a.parser) {
		*why = "no memory";
		return -EBADMSG;
	}
	XML_SetUserData(a.parser, &a);
	XML_SetElementHandler(a.parser, on_start, on_end);
	XML_SetCharacterDataHandler(a.parser, on_text);
	XML_SetStartDoctypeDeclHandler(a.parser, on_doctype);
	if (XML_Parse(a.parser, text, len, 1) != XML_STATUS_OK && !a.why)
		a.why = "its answer is not XML";
	if (!a.why && (!a.has_key || !a.has_time))
		a.why = "it has no key for that B-TID";
	if (!a.why && entry->expires <= now)
		a.why = "its key is over";
	if (!a.why && !entry->num_uids)
		a.why = "it names no user whom it may name";
	XML_ParserFree(a.parser);
	*why = a.why;
	OPENSSL_cleanse(&a, sizeof(a));
	if (*why)
		OPENSSL_cleanse(entry, sizeof(*entry));
	return *why ? -EBADMSG : 0;
}
