// SPDX-License-Identifier: GPL-2.0-or-later
/* Received messages in JSON. */
#include "helper/mikeyd/inbox_json.h"

#include <glib.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "helper/lib/base64.h"
#include "helper/lib/mime.h"

/* A text whose bytes may be anything: what is not UTF-8 becomes U+FFFD. */
static json_t *text(const char *bytes, size_t len)
{
	char *valid = g_utf8_make_valid(len ? bytes : "", len);
	json_t *value = json_string(valid);

	g_free(valid);
	return value;
}

/* As it stands in P-Mikey-Verified: nothing in it can be mistaken. */
static json_t *name(const struct uid *uid)
{
	char escaped[UID_ESCAPED_MAX];

	if (!uid->len)
		return json_null();
	uid_escape(escaped, uid);
	return text(escaped, strlen(escaped));
}

static json_t *word(const char *known)
{
	return known ? json_string(known) : json_string("none");
}

/* UTF-8 without a control but tab and line ends; all else goes as base64. */
static bool is_text(const struct bytes *body)
{
	for (size_t i = 0; i < body->len; i++) {
		uint8_t c = body->data[i];

		if ((c < 0x20 && c != '\t' && c != '\r' && c != '\n') || c == 0x7f)
			return false;
	}
	return !body->len || g_utf8_validate((const char *)body->data, body->len, NULL);
}

static int add_body(json_t *object, const struct bytes *body)
{
	char *encoded;
	size_t len;
	int err;

	if (is_text(body))
		return json_object_set_new_nocheck(object, "body",
						   json_stringn_nocheck((char *)body->data,
									body->len));
	len = base64_size(body->len, 0);
	encoded = malloc(len + 1);
	if (!encoded)
		return -1;
	base64_write(encoded, body->data, body->len, 0);
	err = json_object_set_new_nocheck(object, "body_base64",
					  json_stringn_nocheck(encoded, len));
	OPENSSL_cleanse(encoded, len);
	free(encoded);
	return err;
}

json_t *inbox_json(const struct inbox_message *message, bool with_body)
{
	char type[INBOX_TYPE_MAX + 1];
	json_t *object;
	int err = 0;

	inbox_message_type(type, message);
	object = json_pack("{s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I}",
			   "id", (json_int_t)message->id,
			   "received", (json_int_t)message->received,
			   "sent", message->sent ? json_integer(message->sent) : json_null(),
			   "sender", name(&message->sender),
			   "original", name(&message->original.uid),
			   "original_proved", message->original.uid.len ?
			   word(mime_proved_name(message->original.proved)) : json_null(),
			   "claimed", name(&message->claimed),
			   "recipient", name(&message->recipient),
			   "proved", word(mime_proved_name(message->proved)),
			   "form", word(mime_form_name(message->form)),
			   "content_type", *type ? text(type, strlen(type)) : json_null(),
			   "length", (json_int_t)message->body.len);
	/* strangers' headers may be as long as a body */
	if (object && with_body)
		err = json_object_set_new_nocheck(object, "headers",
						  text((char *)message->headers.data,
						       message->headers.len)) ?:
			add_body(object, &message->body);
	if (err) {
		json_decref(object);
		return NULL;
	}
	return object;
}
