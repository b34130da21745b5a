// SPDX-License-Identifier: GPL-2.0-or-later
/* Text for terminals and for programs. */
#include "helper/mikeyctl/output.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

/*
 * Bytes of the character that text begins with, its number in *code; 0 if it
 * is not UTF-8 (RFC 3629: no detours, no surrogates, nothing over U+10FFFF).
 */
static size_t utf8(const char *text, size_t len, uint32_t *code)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	uint8_t first = text[0];
	size_t size;

	if (first < 0x80) {
		*code = first;
		return 1;
	}
	size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
	if (first < 0xc2 || first > 0xf4 || size > len)
		return 0;
	*code = first & (0x7f >> size);
	for (size_t i = 1; i < size; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0;
		*code = *code << 6 | (text[i] & 0x3f);
	}
	if (*code < least[size] || *code > 0x10ffff || (*code >= 0xd800 && *code < 0xe000))
		return 0;
	return size;
}

/* C0, DEL, C1, line and paragraph ends, embeddings, overrides and isolates */
static bool steers(uint32_t code)
{
	return code < 0x20 || (code >= 0x7f && code < 0xa0) ||
	       (code >= 0x200e && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e) ||
	       (code >= 0x2066 && code <= 0x2069);
}

void output_text(FILE *file, const char *text, size_t len)
{
	uint32_t code;
	size_t size;

	for (; len; text += size, len -= size) {
		size = utf8(text, len, &code);
		if (!size || steers(code))
			fputc('?', file);
		else
			fwrite(text, 1, size, file);
		size += !size;
	}
}

void output_duration(FILE *file, int64_t seconds)
{
	int64_t hours = seconds / 3600 % 24, minutes = seconds / 60 % 60, days = seconds / 86400;
	char text[48];

	if (seconds <= 0)
		snprintf(text, sizeof(text), "-");
	else if (days)
		snprintf(text, sizeof(text), "%" PRId64 "d %02d:%02d:%02d", days, (int)hours,
			 (int)minutes, (int)(seconds % 60));
	else if (hours)
		snprintf(text, sizeof(text), "%02d:%02d:%02d", (int)hours, (int)minutes,
			 (int)(seconds % 60));
	else
		snprintf(text, sizeof(text), "%02d:%02d", (int)minutes, (int)(seconds % 60));
	fprintf(file, "%-14s", text);
}

void output_time(FILE *file, int64_t seconds)
{
	time_t time = seconds;
	char text[32];
	struct tm tm;

	if (gmtime_r(&time, &tm) && strftime(text, sizeof(text), "%FT%TZ", &tm))
		fputs(text, file);
	else
		fprintf(file, "%" PRId64, seconds);
}

static void new_line(struct json *json)
{
	if (!json->line)
		fprintf(json->file, "\n%*s", 2 * (int)json->depth, "");
}

static void begin_value(struct json *json, const char *name)
{
	if (json->some)
		fputs(json->line ? ", " : ",", json->file);
	if (json->depth)
		new_line(json);
	if (name)
		fprintf(json->file, "\"%s\": ", name);
	json->some = true;
}

static void begin_nest(struct json *json, const char *name, char bracket)
{
	begin_value(json, name);
	fputc(bracket, json->file);
	json->depth++;
	json->some = false;
}

static void end_nest(struct json *json, char bracket)
{
	json->depth--;
	if (json->some)
		new_line(json);
	fputc(bracket, json->file);
	json->some = true;
	if (!json->depth)
		fputc('\n', json->file);
}

void json_object(struct json *json, const char *name)
{
	begin_nest(json, name, '{');
}

void json_object_end(struct json *json)
{
	end_nest(json, '}');
}

void json_array(struct json *json, const char *name)
{
	begin_nest(json, name, '[');
}

void json_array_end(struct json *json)
{
	end_nest(json, ']');
}

void json_text(struct json *json, const char *name, const char *text, size_t len)
{
	uint32_t code;
	size_t size;

	begin_value(json, name);
	fputc('"', json->file);
	for (; len; text += size, len -= size) {
		size = utf8(text, len, &code);
		if (!size)
			fputs("\\ufffd", json->file);
		else if (steers(code))
			fprintf(json->file, "\\u%04x", (unsigned int)code);
		else if (*text == '"' || *text == '\\')
			fprintf(json->file, "\\%c", *text);
		else
			fwrite(text, 1, size, json->file);
		size += !size;
	}
	fputc('"', json->file);
}

void json_string(struct json *json, const char *name, const char *text)
{
	if (text) {
		json_text(json, name, text, strlen(text));
		return;
	}
	begin_value(json, name);
	fputs("null", json->file);
}

void json_number(struct json *json, const char *name, int64_t number)
{
	begin_value(json, name);
	fprintf(json->file, "%" PRId64, number);
}

void json_count(struct json *json, const char *name, uint64_t number)
{
	begin_value(json, name);
	fprintf(json->file, "%" PRIu64, number);
}

void json_bool(struct json *json, const char *name, bool value)
{
	begin_value(json, name);
	fputs(value ? "true" : "false", json->file);
}
