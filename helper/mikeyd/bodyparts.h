/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The parts of a multipart body (RFC 2046 5.1), found where they stand, so that
 * they can be passed on byte for byte. Only the outermost level is looked at:
 * what is nested in a part is that part's content.
 */
#ifndef HELPER_MIKEYD_BODYPARTS_H
#define HELPER_MIKEYD_BODYPARTS_H

#include "helper/lib/bytes.h"
#include "helper/lib/libre.h"
#include "helper/lib/problem.h"

#define BODY_PARTS_MAX 64

struct body_part {
	const char *line;	/* its delimiter line begins here */
	struct pl whole;	/* headers, empty line, content */
	struct pl head;		/* the headers, and the empty line */
	struct pl content;	/* in its transfer encoding */
	bool bare;		/* headers are all of it: no empty line, no content */
};

struct body_parts {
	struct body_part part[BODY_PARTS_MAX];
	unsigned int count;
	const char *last_line;	/* the closing delimiter, or where the body ends */
	bool complete;		/* every part has its end, and its headers theirs */
};

/*
 * body_parts_find - find the parts
 * @type: value of Content-Type
 *
 * -ENOENT if this is no multipart/mixed, or names no boundary. Parts that are
 * found in a damaged body are told, with complete false.
 */
int body_parts_find(struct body_parts *parts, const struct pl *type, const struct pl *body);

enum part_encoding {
	PART_IDENTITY,		/* 7bit, 8bit, binary */
	PART_BASE64,
	PART_QUOTED,
	PART_UNKNOWN,
};

/* What a part says of itself, in lower case. */
struct part_head {
	char type[80];		/* "text/plain" if it says nothing */
	char disposition[40];	/* "" if it says nothing */
	bool typed;		/* it has a Content-Type */
	bool optional;		/* handling=optional (RFC 5621 section 8.3) */
	enum part_encoding encoding;
};

/* part_head_read - -EBADMSG if a header stands there twice or is malformed */
int part_head_read(struct part_head *head, const struct body_part *part);

/* part_decode - the content out of its transfer encoding; -EBADMSG, -ENOMEM */
int part_decode(struct bytes *out, const struct body_part *part,
		const struct part_head *head, struct problem *problem);

#endif
