// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Writing JSON; see json.h.
 */
#include <string.h>

#include "helper/kms/json.h"

/* Length of the UTF-8 character at @p, or 0 if there is none (RFC 3629). */
static u32 utf8_len(const u8 *p, u32 left)
{
	static const struct {
		u8 mask, lead, len;
		u32 least;
	} forms[] = {
		{ 0x80, 0x00, 1, 0 },
		{ 0xe0, 0xc0, 2, 0x80 },
		{ 0xf0, 0xe0, 3, 0x800 },
		{ 0xf8, 0xf0, 4, 0x10000 },
	};
	u32 i, n, c;

	for (i = 0; i < ARRAY_SIZE(forms); i++)
		if ((p[0] & forms[i].mask) == forms[i].lead)
			break;
	if (i == ARRAY_SIZE(forms) || forms[i].len > left)
		return 0;
	c = p[0] & (u8)~forms[i].mask;
	for (n = 1; n < forms[i].len; n++) {
		if ((p[n] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[n] & 0x3f);
	}
	if (c < forms[i].least || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return 0;
	return forms[i].len;
}

void kms_json_string(FILE *f, struct mikey_blob b)
{
	u32 at, n;

	fputc('"', f);
	for (at = 0; at < b.len; at += n) {
		n = utf8_len(b.p + at, b.len - at);
		if (n == 1 && (b.p[at] == '"' || b.p[at] == '\\'))
			fprintf(f, "\\%c", b.p[at]);
		else if (!n || b.p[at] < 0x20 || b.p[at] == 0x7f)
			fprintf(f, "\\u%04x", b.p[at]);
		else
			fwrite(b.p + at, n, 1, f);
		n = n ? n : 1;
	}
	fputc('"', f);
}

void kms_json_text(FILE *f, const char *text)
{
	struct mikey_blob b = {
		.p = (const u8 *)text,
		.len = strlen(text),
	};

	kms_json_string(f, b);
}
