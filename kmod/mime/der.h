/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * DER (X.690 section 10), as much of it as CMS needs: a strict bounded
 * reader and a writer into a buffer of fixed size.
 *
 * Pure C without allocation, built for the kernel and for userspace tests
 * and fuzzers alike.
 */
#ifndef MIKEY_MIME_DER_H
#define MIKEY_MIME_DER_H

#include "../wire/wire.h"

/* Identifier octets; all tags of CMS are below 31, so one octet each. */
enum der_tag {
	DER_INTEGER = 0x02,
	DER_OCTET_STRING = 0x04,
	DER_NULL = 0x05,
	DER_OID = 0x06,
	DER_SEQUENCE = 0x30,
	DER_SET = 0x31,
	DER_CONTEXT = 0x80,		/* implicit, primitive: | number */
	DER_CONTEXT_CONS = 0xa0,	/* constructed: | number */
};

/**
 * struct der_reader - what all cursors into one buffer share
 * @buf: the whole object
 * @diag: where the first refusal is explained
 * @err: 0, or that refusal's error; sticky
 *
 * After the first error every call on a cursor of this reader is harmless
 * and gives empty blobs: check @err where it matters, and at the end.
 */
struct der_reader {
	struct mikey_blob buf;
	struct mikey_diag *diag;
	int err;
};

/* A position and the end of the element it is in, as offsets into the buffer */
struct der_cursor {
	struct der_reader *r;
	u32 pos;
	u32 end;
};

/**
 * der_read() - start reading
 * @r: the reader, set up here
 * @buf: kept by the caller as long as anything read from it is used
 * @diag: filled in by the first refusal
 *
 * Return: a cursor over all of @buf.
 */
struct der_cursor der_read(struct der_reader *r, struct mikey_blob buf,
			   struct mikey_diag *diag);

/**
 * der_fail() - refuse, unless that has happened already
 * @err: negative error number
 * @why: constant sentence without a full stop
 */
void der_fail(struct der_cursor *c, int err, const char *why);

/* Is the next element there and has it this identifier octet? */
bool der_at(const struct der_cursor *c, u8 tag);

/* Is there anything left (and has nothing failed)? */
bool der_more(const struct der_cursor *c);

/**
 * der_get() - contents of the next element, which must have @tag
 * @why: what to say when it has not
 *
 * Refuses in words of their own: indefinite length, lengths not in their
 * shortest form, and lengths beyond the surrounding element.
 */
struct mikey_blob der_get(struct der_cursor *c, u8 tag, const char *why);

/* The same, identifier and length octets included. */
struct mikey_blob der_get_tlv(struct der_cursor *c, u8 tag, const char *why);

/* A cursor over the contents of the next element, which must have @tag. */
struct der_cursor der_enter(struct der_cursor *c, u8 tag, const char *why);

/* What the cursor has not read yet, as it stands there */
struct mikey_blob der_left(const struct der_cursor *c);

/* INTEGER from 0 to 127, which is all that CMS's versions and ICVs need. */
u32 der_get_small(struct der_cursor *c, const char *why);

/* The end of an element; anything left is refused. */
void der_leave(struct der_cursor *c, const char *why);

/**
 * struct der_writer - writes from the end of a buffer towards its start
 * @buf: the buffer
 * @start: offset of the first byte written so far
 * @overflow: something did not fit; sticky
 *
 * DER puts the length before the contents, so contents are written first:
 * the last element first, each element's contents before its header. No
 * length is computed twice and none can be wrong.
 */
struct der_writer {
	u8 *buf;
	u32 start;
	bool overflow;
};

void der_write(struct der_writer *w, u8 *buf, u32 size);

/**
 * der_put_room() - leave room
 *
 * Return: where the @len bytes go, or NULL when they do not fit. They are
 * not initialised.
 */
u8 *der_put_room(struct der_writer *w, u32 len);
void der_put(struct der_writer *w, struct mikey_blob bytes);

/* Header of an element whose contents are from w->start up to offset @end. */
void der_put_header(struct der_writer *w, u8 tag, u32 end);

void der_put_small(struct der_writer *w, u8 value);
void der_put_oid(struct der_writer *w, struct mikey_blob oid);

#endif
