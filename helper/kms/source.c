// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Places in the files of a configuration; see source.h.
 */
#include <stdlib.h>
#include <string.h>

#include "helper/kms/source.h"
#include "helper/kms/textfile.h"

/* @line, @at: the line that was asked for last, and where what was found ends */
struct kms_source {
	char *file;
	char *text;
	unsigned int line;
	const char *begin, *at;
};

static struct kms_source *find(struct kms_sources *sources, const char *file)
{
	struct kms_source *more;
	struct problem problem;
	size_t i;

	for (i = 0; i < sources->num; i++)
		if (!strcmp(sources->list[i].file, file))
			return &sources->list[i];
	more = reallocarray(sources->list, sources->num + 1, sizeof(*more));
	if (!more)
		return NULL;
	sources->list = more;
	more += sources->num;
	memset(more, 0, sizeof(*more));
	more->file = strdup(file);
	if (!more->file)
		return NULL;
	sources->num++;
	if (kms_text_read(file, &more->text, &problem))
		more->text = NULL;
	more->begin = more->text;
	more->at = more->text;
	more->line = 1;
	return more;
}

static void go_to(struct kms_source *s, unsigned int line)
{
	const char *end;

	if (line == s->line)
		return;
	if (line < s->line) {
		s->line = 1;
		s->begin = s->text;
	}
	for (; s->line < line && (end = strchr(s->begin, '\n')); s->line++)
		s->begin = end + 1;
	s->at = s->begin;
}

/* From where the last one ended, or else from the line's begin. */
static unsigned int column(struct kms_source *s, const char *token)
{
	size_t len = strlen(token), line = strcspn(s->begin, "\n");
	const char *p = memmem(s->at, s->begin + line - s->at, token, len);

	if (!p)
		p = memmem(s->begin, line, token, len);
	if (!p)
		return 0;
	s->at = p + len;
	return p - s->begin + 1;
}

struct kms_place kms_source_place(struct kms_sources *sources, const char *main,
				  const config_setting_t *setting,
				  const char *token)
{
	const char *from = config_setting_source_file(setting);
	struct kms_place place = {
		.file = main,
		.line = config_setting_source_line(setting),
	};
	struct kms_source *s = find(sources, from ? from : main);

	if (!s)
		return place;
	place.file = s->file;
	if (!s->text || !token)
		return place;
	go_to(s, place.line);
	if (s->line == place.line)
		place.column = column(s, token);
	return place;
}

void kms_sources_wipe(struct kms_sources *sources)
{
	size_t i;

	for (i = 0; i < sources->num; i++) {
		kms_text_wipe(sources->list[i].text);
		sources->list[i].text = NULL;
	}
}

void kms_sources_free(struct kms_sources *sources)
{
	size_t i;

	kms_sources_wipe(sources);
	for (i = 0; i < sources->num; i++)
		free(sources->list[i].file);
	free(sources->list);
	sources->list = NULL;
	sources->num = 0;
}
