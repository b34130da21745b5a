// SPDX-License-Identifier: GPL-2.0-or-later
/* Protected bodies. */
#include "helper/mikeyd/multipart.h"

#include <errno.h>
#include <string.h>

#include "helper/lib/base64.h"
#include "helper/lib/mime.h"
#include "helper/mikeyd/bodyparts.h"

static const char part_transfer[] =
	"Content-Type: application/mikey\r\n"
	"Content-Transfer-Encoding: base64\r\n"
	"\r\n";

static const char part_cms[] =
	"Content-Type: application/pkcs7-mime; smime-type=%s; name=smime.p7m\r\n"
	"Content-Transfer-Encoding: base64\r\n"
	"Content-Disposition: attachment; filename=smime.p7m\r\n"
	"\r\n";

static int write_base64(struct mbuf *mb, const struct bytes *bytes)
{
	size_t size = base64_size(bytes->len, BASE64_MIME_LINE);

	/* base64_write ends with a zero byte, which what follows overwrites */
	if (mb->size < mb->pos + size + 1 && mbuf_resize(mb, mb->pos + size + 1))
		return -ENOMEM;
	mb->pos += base64_write((char *)mb->buf + mb->pos, bytes->data, bytes->len,
				BASE64_MIME_LINE);
	mb->end = mb->pos;
	return 0;
}

static int write_open(struct mbuf *mb, const char *boundary, const struct multipart_open *open,
		      bool first)
{
	int err;

	if (!open || open->first != first)
		return 0;
	err = mbuf_printf(mb, "--%s\r\n", boundary);
	err |= mbuf_write_pl(mb, &open->part);
	return err | mbuf_write_str(mb, "\r\n");
}

int multipart_build(struct multipart *multipart, const struct bytes *transfer,
		    const struct bytes *cms, uint32_t form,
		    const struct multipart_open *open)
{
	struct mbuf *mb = mbuf_alloc(1024 + base64_size(transfer->len, BASE64_MIME_LINE) +
				     base64_size(cms->len, BASE64_MIME_LINE) +
				     (open ? open->part.l : 0));
	char boundary[33];
	int err;

	if (!mb)
		return -ENOMEM;
	/*
	 * base64 has no '-' at the start of a line, and who wrote the open part
	 * could not know this boundary
	 */
	rand_str(boundary, sizeof(boundary));
	err = write_open(mb, boundary, open, true);
	err |= mbuf_printf(mb, "--%s\r\n", boundary);
	err |= mbuf_write_str(mb, part_transfer);
	err |= write_base64(mb, transfer);
	err |= mbuf_printf(mb, "--%s\r\n", boundary);
	err |= mbuf_printf(mb, part_cms, mime_form_type(form));
	err |= write_base64(mb, cms);
	err |= write_open(mb, boundary, open, false);
	err |= mbuf_printf(mb, "--%s--\r\n", boundary);
	mb->pos = 0;
	if (err) {
		mem_deref(mb);
		return -ENOMEM;
	}
	multipart->body = mb;
	re_snprintf(multipart->headers, sizeof(multipart->headers),
		    "Content-Type: multipart/mixed;boundary=\"%s\"\r\n", boundary);
	return 0;
}

/*
 * What a part of a received body is. Dispositions are looked at first: whatever
 * a list is written in, it is not for the terminal (RFC 5363, RFC 5364).
 */
enum role {
	ROLE_TRANSFER,
	ROLE_CMS,
	ROLE_DROPPED,
	ROLE_UNKNOWN,
	ROLES
};

static const struct {
	const char *type, *disposition;
	enum role role;
} roles[] = {
	{ NULL, "recipient-list", ROLE_DROPPED },
	{ NULL, "recipient-list-history", ROLE_DROPPED },
	{ "application/mikey", NULL, ROLE_TRANSFER },
	{ "application/pkcs7-mime", NULL, ROLE_CMS },
};

static enum role role_of(const struct part_head *head)
{
	for (size_t i = 0; i < ARRAY_SIZE(roles); i++)
		if (roles[i].type ? !strcmp(roles[i].type, head->type) :
		    !strcmp(roles[i].disposition, head->disposition))
			return roles[i].role;
	return head->optional ? ROLE_DROPPED : ROLE_UNKNOWN;
}

/* A body by what its parts are. */
struct sorted {
	const struct body_part *part[ROLES];	/* the last of each */
	struct part_head head[ROLES];
	unsigned int count[ROLES];
	bool malformed;
};

static void sort(struct sorted *sorted, const struct body_parts *parts)
{
	struct part_head head;
	enum role role;

	memset(sorted, 0, sizeof(*sorted));
	for (unsigned int i = 0; i < parts->count; i++) {
		if (part_head_read(&head, &parts->part[i]))
			sorted->malformed = true;
		role = role_of(&head);
		sorted->part[role] = &parts->part[i];
		sorted->head[role] = head;
		sorted->count[role]++;
	}
}

static enum multipart_kind kind_of(const struct sorted *sorted, bool complete,
				   struct problem *problem)
{
	if (!sorted->count[ROLE_TRANSFER])
		return MULTIPART_PLAIN;
	if (!complete || sorted->malformed) {
		problem_set(problem, -EBADMSG, "the multipart body is damaged or cut short");
		return MULTIPART_BROKEN;
	}
	if (sorted->count[ROLE_TRANSFER] > 1 || sorted->count[ROLE_CMS] > 1) {
		problem_set(problem, -EBADMSG,
			    "the message has several parts where one belongs");
		return MULTIPART_BROKEN;
	}
	if (!sorted->count[ROLE_CMS]) {
		problem_set(problem, -EPROTONOSUPPORT,
			    "the message has no part application/pkcs7-mime");
		return MULTIPART_UNKNOWN;
	}
	if (sorted->count[ROLE_UNKNOWN]) {
		problem_set(problem, -EPROTONOSUPPORT,
			    "the message has a part %s that is not protected, and required",
			    sorted->head[ROLE_UNKNOWN].type);
		return MULTIPART_UNKNOWN;
	}
	return MULTIPART_PROTECTED;
}

enum multipart_kind multipart_parse(const struct pl *type, const struct pl *body,
				    struct bytes *transfer, struct bytes *cms,
				    struct problem *problem)
{
	enum multipart_kind kind;
	struct body_parts parts;
	struct sorted sorted;

	if (body_parts_find(&parts, type, body))
		return MULTIPART_PLAIN;
	sort(&sorted, &parts);
	kind = kind_of(&sorted, parts.complete, problem);
	if (kind != MULTIPART_PROTECTED)
		return kind;
	if (part_decode(transfer, sorted.part[ROLE_TRANSFER], &sorted.head[ROLE_TRANSFER],
			problem))
		return MULTIPART_BROKEN;
	if (part_decode(cms, sorted.part[ROLE_CMS], &sorted.head[ROLE_CMS], problem)) {
		bytes_wipe(transfer);
		return MULTIPART_BROKEN;
	}
	return MULTIPART_PROTECTED;
}
