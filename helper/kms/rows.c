// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Rows of a CSV or JSON file; see rows.h.
 */
#include <errno.h>
#include <jansson.h>
#include <malloc.h>
#include <openssl/crypto.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "helper/kms/rows.h"

int kms_rows_problem(const struct kms_rows *rows, struct problem *problem,
		     int error, const char *format, ...)
{
	char words[sizeof(problem->words)];
	va_list args;

	va_start(args, format);
	vsnprintf(words, sizeof(words), format, args);
	va_end(args);
	return problem_set(problem, error, "%s:%zu: %s", rows->path, rows->line,
			   words);
}

/* 1, or 0 at the end of the file. */
static int read_line(struct kms_rows *rows, struct problem *problem)
{
	size_t len;

	do {
		rows->line++;
		if (!fgets(rows->text, sizeof(rows->text), rows->f))
			return ferror(rows->f) ?
			       kms_rows_problem(rows, problem, -EIO, "cannot be read") : 0;
		len = strlen(rows->text);
		if (len == sizeof(rows->text) - 1)
			return kms_rows_problem(rows, problem, -E2BIG, "the line is too long");
		while (len && strchr("\r\n", rows->text[len - 1]))
			rows->text[--len] = '\0';
	} while (!len);
	return 1;
}

/*
 * One value of a line of CSV into @cell. Where the next one begins, or NULL: a
 * quotation mark is not closed or something stands behind it.
 */
static const char *take_cell(const char *p, char **cell)
{
	char *to = *cell;

	if (*p != '"') {
		while (*p && *p != ',')
			*to++ = *p++;
	} else {
		for (p++; *p && !(p[0] == '"' && p[1] != '"'); p++) {
			p += *p == '"';
			*to++ = *p;
		}
		if (*p++ != '"' || (*p && *p != ','))
			return NULL;
	}
	*to++ = '\0';
	*cell = to;
	return p;
}

/* The cells of the line, no longer than the line itself. */
static int split(struct kms_rows *rows, const char **cells, struct problem *problem)
{
	const char *p = rows->text;
	char *to = rows->cells;
	int num = 0;

	for (;;) {
		if (num == KMS_COLUMNS_MAX)
			return kms_rows_problem(rows, problem, -EINVAL, "too many values");
		cells[num++] = to;
		p = take_cell(p, &to);
		if (!p)
			return kms_rows_problem(rows, problem, -EINVAL,
						"a quotation mark without its other one");
		if (!*p)
			return num;
		p++;
	}
}

static int column_of(const struct kms_rows *rows, const char *name)
{
	int i;

	for (i = 0; rows->columns[i]; i++)
		if (!strcmp(rows->columns[i], name))
			return i;
	return -ENOENT;
}

static int read_names(struct kms_rows *rows, struct problem *problem)
{
	const char *cells[KMS_COLUMNS_MAX];
	int ret, i, num;

	ret = read_line(rows, problem);
	if (ret <= 0)
		return ret ? ret : kms_rows_problem(rows, problem, -EINVAL,
						    "the names of the columns are missing");
	num = split(rows, cells, problem);
	for (i = 0; i < num; i++) {
		ret = column_of(rows, cells[i]);
		if (ret < 0)
			return kms_rows_problem(rows, problem, -EINVAL,
						"there is no column \"%s\"", cells[i]);
		rows->at[i] = ret;
	}
	rows->num_given = num < 0 ? 0 : num;
	return num < 0 ? num : 0;
}

int kms_rows_again(struct kms_rows *rows, struct problem *problem)
{
	int first;

	rewind(rows->f);
	rows->line = 0;
	first = fgetc(rows->f);
	rows->json = first == '{';
	ungetc(first, rows->f);
	return rows->json ? 0 : read_names(rows, problem);
}

/* What jansson held may have been a PSK. */
static void free_wiped(void *p)
{
	if (p)
		OPENSSL_cleanse(p, malloc_usable_size(p));
	free(p);
}

int kms_rows_open(struct kms_rows *rows, const char *path,
		  const char *const *columns, struct problem *problem)
{
	int ret;

	json_set_alloc_funcs(malloc, free_wiped);
	rows->path = path;
	rows->columns = columns;
	rows->f = fopen(path, "re");
	if (!rows->f)
		return problem_set(problem, -errno, "%s: %s", path, strerror(errno));
	setvbuf(rows->f, rows->buffer, _IOFBF, sizeof(rows->buffer));
	ret = kms_rows_again(rows, problem);
	if (ret)
		kms_rows_close(rows);
	return ret;
}

void kms_rows_close(struct kms_rows *rows)
{
	if (rows->f)
		fclose(rows->f);
	OPENSSL_cleanse(rows, sizeof(*rows));
}

/* A text, a number, or an array of texts as one value. NULL: anything else. */
static char *put_json(const json_t *value, char *to, const char *end)
{
	const json_t *part;
	const char *text;
	size_t i, len;

	if (json_is_integer(value))
		return to + snprintf(to, end - to, "%lld",
				     (long long)json_integer_value(value)) + 1;
	for (i = 0; json_is_string(value) ? !i : i < json_array_size(value); i++) {
		part = json_is_string(value) ? value : json_array_get(value, i);
		text = json_string_value(part);
		len = text ? strlen(text) : 0;
		if (!text || len != json_string_length(part) ||
		    (size_t)(end - to) < len + 2)
			return NULL;
		if (i)
			to[-1] = ' ';
		memcpy(to, text, len + 1);
		to += len + 1;
	}
	if (!i)
		*to++ = '\0';
	return json_is_string(value) || json_is_array(value) ? to : NULL;
}

static int take_object(struct kms_rows *rows, json_t *object, struct problem *problem)
{
	char *to = rows->cells, *end = rows->cells + sizeof(rows->cells);
	const char *name;
	json_t *value;
	int column;

	json_object_foreach(object, name, value) {
		column = column_of(rows, name);
		if (column < 0)
			return kms_rows_problem(rows, problem, -EINVAL,
						"there is no \"%s\"", name);
		rows->values[column] = to;
		to = end - to < 32 ? NULL : put_json(value, to, end);
		if (!to)
			return kms_rows_problem(rows, problem, -EINVAL,
						"%s: write a text, a number or [texts]",
						name);
	}
	return 1;
}

static int next_json(struct kms_rows *rows, struct problem *problem)
{
	json_error_t error;
	json_t *object = json_loads(rows->text, JSON_REJECT_DUPLICATES, &error);
	int ret;

	if (!json_is_object(object))
		ret = kms_rows_problem(rows, problem, -EINVAL, "not a JSON object: %s",
				       object ? "something else" : error.text);
	else
		ret = take_object(rows, object, problem);
	json_decref(object);
	return ret;
}

static int next_csv(struct kms_rows *rows, struct problem *problem)
{
	const char *cells[KMS_COLUMNS_MAX];
	int num, i;

	num = split(rows, cells, problem);
	if (num < 0)
		return num;
	if ((size_t)num != rows->num_given)
		return kms_rows_problem(rows, problem, -EINVAL,
					"%d values for %zu columns", num,
					rows->num_given);
	for (i = 0; i < num; i++)
		rows->values[rows->at[i]] = cells[i];
	return 1;
}

int kms_rows_next(struct kms_rows *rows, struct problem *problem)
{
	int ret = read_line(rows, problem), i;

	if (ret <= 0)
		return ret;
	for (i = 0; i < KMS_COLUMNS_MAX; i++)
		rows->values[i] = "";
	return rows->json ? next_json(rows, problem) : next_csv(rows, problem);
}

void kms_csv_value(FILE *f, struct mikey_blob b)
{
	u32 i;

	for (i = 0; i < b.len; i++)
		if (strchr(",\"", b.p[i]) || b.p[i] < ' ')
			break;
	if (i == b.len) {
		fwrite(b.p, b.len, 1, f);
		return;
	}
	fputc('"', f);
	for (i = 0; i < b.len; i++) {
		if (b.p[i] == '"')
			fputc('"', f);
		fputc(b.p[i], f);
	}
	fputc('"', f);
}
