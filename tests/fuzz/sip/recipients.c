// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Lists of recipients. Beyond the sanitizers' findings: a URI that is accepted
 * can stand in a SIP header, and what may be seen of a list is a list of those
 * who are not hidden, and of nobody else.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "helper/mikeyd/recipients.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void check_uris(const struct recipients *recipients)
{
	unsigned int hidden = 0;

	for (unsigned int i = 0; i < recipients->count; i++) {
		const struct recipient *one = &recipients->all[i];

		must(one->uid.len && strlen(one->uri) <= RECIPIENT_URI_MAX);
		for (const char *c = one->uri; *c; c++)
			must(*c > 0x20 && *c < 0x7f && !strchr("<>\"", *c));
		hidden += one->hidden;
	}
	must(hidden == recipients->hidden);
}

static bool is_among(const struct uid *uid, const struct recipients *recipients)
{
	for (unsigned int i = 0; i < recipients->count; i++)
		if (uid_equal(uid, &recipients->all[i].uid))
			return true;
	return false;
}

static void check_shown(const struct recipients *recipients)
{
	struct recipients again;
	struct problem problem;
	int err = recipients_read(&again, &recipients->shown, &problem);

	if (recipients->hidden == recipients->count) {
		must(err == -EBADMSG);
		return;
	}
	must(!err && !again.changed && !again.hidden);
	must(again.count == recipients->count - recipients->hidden);
	/* who is there twice stands where the first entry is that may be seen */
	for (unsigned int i = 0; i < recipients->count; i++)
		if (!recipients->all[i].hidden)
			must(is_among(&recipients->all[i].uid, &again));
	recipients_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes document = { .data = (uint8_t *)data, .len = size };
	struct recipients recipients;
	struct problem problem;
	int err = recipients_read(&recipients, &document, &problem);

	if (err) {
		must(err == -EBADMSG || err == -E2BIG || err == -EPROTONOSUPPORT);
		must(*problem.words && !recipients.all && !recipients.shown.data);
		return 0;
	}
	must(recipients.count && recipients.count <= RECIPIENTS_MAX);
	must(recipients.changed == (recipients.shown.len != size ||
				    memcmp(recipients.shown.data, data, size)));
	check_uris(&recipients);
	check_shown(&recipients);
	recipients_free(&recipients);
	return 0;
}
