// SPDX-License-Identifier: GPL-2.0-or-later
/* Lists of recipients, written. */
#include "helper/mikeyctl/roll.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define NAMESPACE "urn:ietf:params:xml:ns:"

static void write_uri(FILE *file, const char *uri)
{
	for (; *uri; uri++) {
		if (*uri == '&')
			fputs("&amp;", file);
		else
			fputc(*uri, file);
	}
}

static void write_all(FILE *file, const char *boundary, const char *body_type,
		      const struct bytes *body, const char * const *recipients,
		      unsigned int count)
{
	fprintf(file, "--%s\r\nContent-Type: %s\r\n\r\n", boundary, body_type);
	fwrite(body->data, 1, body->len, file);
	fprintf(file, "\r\n--%s\r\nContent-Type: application/resource-lists+xml\r\n"
		"Content-Disposition: recipient-list\r\n\r\n"
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n"
		"<resource-lists xmlns=\"" NAMESPACE "resource-lists\" xmlns:cp=\"" NAMESPACE
		"copycontrol\">\r\n<list>\r\n", boundary);
	for (unsigned int i = 0; i < count; i++) {
		fputs("<entry uri=\"", file);
		write_uri(file, recipients[i]);
		fputs("\" cp:copyControl=\"to\"/>\r\n", file);
	}
	fprintf(file, "</list>\r\n</resource-lists>\r\n--%s--\r\n", boundary);
}

int roll_write(char type[ROLL_TYPE_MAX], const char *body_type, struct bytes *body,
	       const char * const *recipients, unsigned int count)
{
	unsigned char chance[12];
	char boundary[2 * sizeof(chance) + 1];
	char *text = NULL;
	size_t len;
	FILE *file;

	if (getrandom(chance, sizeof(chance), 0) != sizeof(chance))
		return -EIO;
	for (size_t i = 0; i < sizeof(chance); i++)
		snprintf(boundary + 2 * i, 3, "%02x", chance[i]);
	file = open_memstream(&text, &len);
	if (!file)
		return -ENOMEM;
	write_all(file, boundary, body_type, body, recipients, count);
	if (fclose(file)) {
		free(text);
		return -ENOMEM;
	}
	bytes_wipe(body);
	body->data = (uint8_t *)text;
	body->len = len;
	snprintf(type, ROLL_TYPE_MAX, "multipart/mixed;boundary=%s", boundary);
	return 0;
}
