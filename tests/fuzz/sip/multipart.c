// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Bodies of received MESSAGEs: the first line is the Content-Type, all that
 * follows the body. Beyond the sanitizers' findings: parts lie in the body, one
 * behind the other; what is taken for protected is found again when it is sent
 * on; and of an entity's head only Content-* lines get through.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "helper/lib/mime.h"
#include "helper/mikeyd/bodyparts.h"
#include "helper/mikeyd/entity.h"
#include "helper/mikeyd/multipart.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void check_parts(const struct pl *type, const struct pl *body)
{
	const char *at = body->p, *end = body->p + body->l;
	struct body_parts parts;

	if (body_parts_find(&parts, type, body))
		return;
	must(parts.count <= BODY_PARTS_MAX && parts.last_line <= end);
	for (unsigned int i = 0; i < parts.count; i++) {
		const struct body_part *part = &parts.part[i];

		must(part->line >= at && part->whole.p > part->line);
		must(part->whole.p + part->whole.l <= end);
		must(part->head.p == part->whole.p);
		must(part->head.l + part->content.l == part->whole.l);
		must(part->content.p == part->head.p + part->head.l);
		at = part->whole.p + part->whole.l;
	}
	must(!parts.complete || (parts.last_line >= at && !memcmp(parts.last_line, "--", 2)));
}

static void check_sent_on(const struct bytes *transfer, const struct bytes *cms)
{
	struct multipart multipart;
	struct problem problem;
	struct bytes in, out;
	struct pl type, body;

	must(!multipart_build(&multipart, transfer, cms, MIKEY_FORM_AUTHENTICATED, NULL));
	type.p = multipart.headers + strlen("Content-Type: ");
	type.l = strlen(type.p) - 2;
	pl_set_mbuf(&body, multipart.body);
	must(multipart_parse(&type, &body, &in, &out, &problem) == MULTIPART_PROTECTED);
	must(in.len == transfer->len && !memcmp(in.data, transfer->data, in.len));
	must(out.len == cms->len && !memcmp(out.data, cms->data, out.len));
	bytes_wipe(&in);
	bytes_wipe(&out);
	mem_deref(multipart.body);
}

static void check_entity(const struct bytes *entity)
{
	char *headers, *line, *stop;
	struct pl body;

	if (entity_split(entity, &headers, &body))
		return;
	must(body.p + body.l == (char *)entity->data + entity->len);
	for (line = headers; *line; line = stop + 2) {
		must(!strncasecmp(line, "Content-", 8) || *line == ' ' || *line == '\t');
		stop = strchr(line, '\r');
		must(stop && stop[1] == '\n' && stop > line && !memchr(line, '\n', stop - line));
	}
	mem_deref(headers);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *stop = memchr(data, '\n', size);
	struct bytes entity = { .data = (uint8_t *)data, .len = size };
	struct bytes transfer = { 0 }, cms = { 0 };
	struct problem problem = { 0 };
	struct pl type, body;
	enum multipart_kind kind;

	check_entity(&entity);
	if (!stop)
		return 0;
	type.p = (const char *)data;
	type.l = stop - data;
	body.p = (const char *)stop + 1;
	body.l = size - type.l - 1;
	check_parts(&type, &body);
	kind = multipart_parse(&type, &body, &transfer, &cms, &problem);
	if (kind != MULTIPART_PROTECTED) {
		must(!transfer.data && !cms.data && (kind == MULTIPART_PLAIN || *problem.words));
		return 0;
	}
	must(transfer.len && cms.len);
	check_sent_on(&transfer, &cms);
	bytes_wipe(&transfer);
	bytes_wipe(&cms);
	return 0;
}
