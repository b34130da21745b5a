// SPDX-License-Identifier: GPL-2.0-or-later
/* Counters in three ways of writing. */
#include "helper/mikeyctl/counts.h"

#include <string.h>

#define NAME_MAX_SIZE 128
/* As wide as the names of the modules' counters need. */
#define WIDTH_LEAST 18

void counts_add(json_t *all, const char *name, bool now, json_int_t value)
{
	json_array_append_new(all, json_pack("{s:s, s:s, s:[], s:[{s:I}]}", "name", name,
					     "kind", now ? "gauge" : "counter", "labels",
					     "samples", "value", value));
}

static const char *text_of(const json_t *object, const char *member)
{
	const char *text = json_string_value(json_object_get(object, member));

	return text ? text : "";
}

/* A sample's value of the n-th label; NULL: there are not so many. */
static const char *label_of(const json_t *counter, const json_t *sample, size_t n,
			    const char **name)
{
	*name = json_string_value(json_array_get(json_object_get(counter, "labels"), n));
	return *name ? text_of(sample, *name) : NULL;
}

static void print_value(FILE *file, const json_t *value, int width)
{
	if (json_is_real(value))
		fprintf(file, "%*.3f\n", width, json_real_value(value));
	else
		fprintf(file, "%*" JSON_INTEGER_FORMAT "\n", width, json_integer_value(value));
}

/* ---- text */

/* "requests_received inside MESSAGE" */
static int full_name(char name[NAME_MAX_SIZE], const json_t *counter, const json_t *sample)
{
	int len = snprintf(name, NAME_MAX_SIZE, "%s", text_of(counter, "name"));
	const char *label, *value;

	for (size_t n = 0; (value = label_of(counter, sample, n, &label)); n++)
		if (len < NAME_MAX_SIZE)
			len += snprintf(name + len, NAME_MAX_SIZE - len, " %s", value);
	return len < NAME_MAX_SIZE ? len : NAME_MAX_SIZE - 1;
}

static bool is_shown(const json_t *counter, const json_t *sample)
{
	return !json_array_size(json_object_get(counter, "labels")) ||
		json_number_value(json_object_get(sample, "value")) > 0;
}

/* Writes them, or tells the longest name of those that would be written. */
static int table(FILE *file, const json_t *all, int width)
{
	char name[NAME_MAX_SIZE];
	json_t *counter, *sample;
	int longest = WIDTH_LEAST, len;
	size_t i, j;

	json_array_foreach(all, i, counter) {
		json_array_foreach(json_object_get(counter, "samples"), j, sample) {
			if (!is_shown(counter, sample))
				continue;
			len = full_name(name, counter, sample);
			if (len > longest)
				longest = len;
			if (!file)
				continue;
			fprintf(file, "  %-*s ", width, name);
			print_value(file, json_object_get(sample, "value"), 12);
		}
	}
	return longest;
}

void counts_text(FILE *file, const struct counts *counts, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		if (!counts[i].all)
			continue;
		fprintf(file, "%s\n", counts[i].source);
		table(file, counts[i].all, table(NULL, counts[i].all, 0));
	}
}

/* ---- JSON */

/* The object with this name in another one, made if it is not there. */
static json_t *inner(json_t *outer, const char *name)
{
	json_t *object = json_object_get(outer, name);

	if (!object) {
		object = json_object();
		json_object_set_new(outer, name, object);
	}
	return object;
}

static void nest(json_t *into, const json_t *counter, const json_t *sample)
{
	const char *name = text_of(counter, "name"), *label, *value;

	for (size_t n = 0; (value = label_of(counter, sample, n, &label)); n++) {
		into = inner(into, name);
		name = value;
	}
	json_object_set(into, name, json_object_get(sample, "value"));
}

static json_t *nested(const json_t *all)
{
	json_t *object = all ? json_object() : json_null();
	json_t *counter, *sample;
	size_t i, j;

	json_array_foreach(all, i, counter) {
		json_array_foreach(json_object_get(counter, "samples"), j, sample) {
			nest(object, counter, sample);
		}
	}
	return object;
}

void counts_json(FILE *file, const struct counts *counts, unsigned int n)
{
	json_t *object = json_object();

	for (unsigned int i = 0; i < n; i++)
		json_object_set_new(object, counts[i].source, nested(counts[i].all));
	json_dumpf(object, file, JSON_INDENT(2) | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(15));
	fputc('\n', file);
	json_decref(object);
}

/* ---- Prometheus */

/* Names have letters, digits and underscores. */
static void print_metric(FILE *file, const char *source, const json_t *counter)
{
	fprintf(file, "%s_", source);
	for (const char *c = text_of(counter, "name"); *c; c++)
		fputc(*c == '-' ? '_' : *c, file);
	if (!strcmp(text_of(counter, "kind"), "counter"))
		fputs("_total", file);
}

/* In values and help: a backslash before what would end the line or the value. */
static void print_escaped(FILE *file, const char *text)
{
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			fputc('\\', file);
		if (*text == '\n')
			fputs("\\n", file);
		else
			fputc(*text, file);
	}
}

static void print_labels(FILE *file, const json_t *counter, const json_t *sample)
{
	const char *label, *value;
	size_t n;

	for (n = 0; (value = label_of(counter, sample, n, &label)); n++) {
		fprintf(file, "%s%s=\"", n ? "," : "{", label);
		print_escaped(file, value);
		fputc('"', file);
	}
	if (n)
		fputc('}', file);
}

static void expose(FILE *file, const char *source, const json_t *counter)
{
	const char *help = text_of(counter, "help");
	json_t *sample;
	size_t i;

	if (*help) {
		fputs("# HELP ", file);
		print_metric(file, source, counter);
		fprintf(file, " %s\n", help);
	}
	fputs("# TYPE ", file);
	print_metric(file, source, counter);
	fprintf(file, " %s\n", text_of(counter, "kind"));
	json_array_foreach(json_object_get(counter, "samples"), i, sample) {
		print_metric(file, source, counter);
		print_labels(file, counter, sample);
		fputc(' ', file);
		print_value(file, json_object_get(sample, "value"), 0);
	}
}

void counts_prometheus(FILE *file, const struct counts *counts, unsigned int n)
{
	json_t *counter;
	size_t at;

	for (unsigned int i = 0; i < n; i++) {
		fprintf(file, "# TYPE %s_up gauge\n%s_up %d\n", counts[i].source,
			counts[i].source, !!counts[i].all);
		json_array_foreach(counts[i].all, at, counter) {
			expose(file, counts[i].source, counter);
		}
	}
}
