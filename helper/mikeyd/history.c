// SPDX-License-Identifier: GPL-2.0-or-later
/* Recipient-list-histories. */
#include "helper/mikeyd/history.h"

#include <errno.h>
#include <string.h>

#include "helper/lib/libre.h"
#include "helper/mikeyd/multipart.h"
#include "helper/mikeyd/sipmsg.h"

#define DISPOSITION "Content-Disposition: recipient-list-history; handling=optional\r\n"

/* RFC 5364 section 4 */
#define ANONYMOUS "sip:anonymous@anonymous.invalid"
static const char anonymous_entry[] =
	"<entry uri=\"" ANONYMOUS "\" cp:copyControl=\"%s\" cp:count=\"%u\"/>\r\n";

static const char head[] =
	"Content-Type: application/resource-lists+xml\r\n" DISPOSITION "\r\n"
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n"
	"<resource-lists xmlns=\"urn:ietf:params:xml:ns:resource-lists\"\r\n"
	" xmlns:cp=\"urn:ietf:params:xml:ns:copycontrol\">\r\n<list>\r\n";

static const char tail[] = "</list>\r\n</resource-lists>\r\n";

/* A URI of recipients_read() has no quotation marks, '<' or '>' in it. */
static int write_uri(struct mbuf *mb, const char *uri)
{
	int err = 0;

	for (; *uri && !err; uri++)
		err = *uri == '&' ? mbuf_write_str(mb, "&amp;") : mbuf_write_u8(mb, *uri);
	return err;
}

static int write_level(struct mbuf *mb, const struct recipients *recipients,
		       enum copy_control control, const char *name, unsigned int *entries)
{
	unsigned int anonymous = 0;
	int err = 0;

	for (unsigned int i = 0; i < recipients->count && !err; i++) {
		const struct recipient *recipient = &recipients->all[i];

		if (recipient->control != control)
			continue;
		if (recipient->anonymous) {
			anonymous++;
			continue;
		}
		err = mbuf_write_str(mb, "<entry uri=\"") ?: write_uri(mb, recipient->uri);
		err = err ?: mbuf_printf(mb, "\" cp:copyControl=\"%s\"/>\r\n", name);
		(*entries)++;
	}
	if (anonymous && !err)
		err = mbuf_printf(mb, anonymous_entry, name, anonymous);
	*entries += anonymous;
	return err;
}

static int take(struct bytes *part, const struct mbuf *mb)
{
	if (bytes_alloc(part, mb->end))
		return -ENOMEM;
	memcpy(part->data, mb->buf, mb->end);
	return 0;
}

int history_build(struct bytes *part, const struct recipients *recipients)
{
	struct mbuf *mb = mbuf_alloc(1024);
	unsigned int entries = 0;
	int err;

	*part = (struct bytes){ 0 };
	if (!mb)
		return -ENOMEM;
	err = mbuf_write_str(mb, head);
	err = err ?: write_level(mb, recipients, COPY_TO, "to", &entries);
	err = err ?: write_level(mb, recipients, COPY_CC, "cc", &entries);
	err = err ?: mbuf_write_str(mb, tail);
	err = err ? -ENOMEM : entries ? take(part, mb) : 0;
	sipmsg_wipe(mb);
	return err;
}

int history_wrap(struct bytes *part, const struct bytes *transfer, const struct bytes *cms,
		 uint32_t form)
{
	struct multipart multipart;
	struct mbuf *mb = mbuf_alloc(1024);
	int err = mb ? multipart_build(&multipart, transfer, cms, form, NULL) : -ENOMEM;

	if (!err) {
		err = mbuf_printf(mb, "%s" DISPOSITION "\r\n", multipart.headers);
		err = err ?: mbuf_write_mem(mb, multipart.body->buf, multipart.body->end);
		err = err ? -ENOMEM : take(part, mb);
		sipmsg_wipe(multipart.body);
	}
	sipmsg_wipe(mb);
	return err;
}
