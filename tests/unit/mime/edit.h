/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bending DER objects in tests: one element, named by its path, is replaced,
 * removed, added to or encoded otherwise, and the lengths of everything
 * around it are put right, so that nothing else is wrong with the object.
 *
 * Shares no code with kmod/mime.
 */
#ifndef MIKEY_TEST_EDIT_H
#define MIKEY_TEST_EDIT_H

#include "kmod/wire/wire.h"

enum edit_op {
	EDIT_REPLACE,		/* by @with, a whole element or several */
	EDIT_REMOVE,
	EDIT_BEFORE,		/* @with in front of it */
	EDIT_AFTER,		/* @with behind it */
	EDIT_TAG,		/* @with: one byte, the new identifier octet */
	EDIT_VALUE,		/* @with: the new contents */
	EDIT_INDEFINITE,	/* length 80 and end-of-contents octets */
	EDIT_LONG_LENGTH,	/* one length octet more than needed */
	EDIT_CHUNKED,		/* a string, constructed of two */
};

struct edit_buf {
	u32 len;
	u8 p[8192];
};

/**
 * edit() - bend one element
 * @out: the bent object
 * @object: the object, well-formed; a string may hold another object
 * @path: which element: "0" is the outermost one, "0.1" its second, ...
 * @with: what @op needs
 *
 * Ends the test program where there is no such element.
 */
void edit(struct edit_buf *out, struct mikey_blob object, const char *path,
	  enum edit_op op, struct mikey_blob with);

/* The element itself, header included. */
struct mikey_blob edit_find(struct mikey_blob object, const char *path);

/* Bytes from hexadecimal digits with spaces; from a ring of a few buffers. */
struct mikey_blob edit_hex(const char *hex);

#endif
