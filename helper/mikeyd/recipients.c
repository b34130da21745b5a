// SPDX-License-Identifier: GPL-2.0-or-later
/* Resource lists, read with Expat. */
#include "helper/mikeyd/recipients.h"

#include <errno.h>
#include <expat.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Between a namespace and a name; no namespace has a blank in it. */
#define RL "urn:ietf:params:xml:ns:resource-lists "
#define CP "urn:ietf:params:xml:ns:copycontrol "

#define DEPTH_MAX 16

/* Where an element stands; what may stand in it follows from that. */
enum place {
	PLACE_DOCUMENT,
	PLACE_LISTS,
	PLACE_LIST,
	PLACE_ENTRY,
	PLACE_OTHER,		/* of no matter to us, as all inside it */
};

struct entry {
	struct uid uid;
	char *uri;
	enum copy_control control;
	bool anonymous;
	size_t begin, end;	/* of the element */
};

struct reader {
	XML_Parser parser;
	enum place place[DEPTH_MAX + 1];
	unsigned int depth;
	struct entry *entries;
	unsigned int count;
	struct problem *problem;
	int err;
};

/* The first refusal counts; Expat may still call once or twice after it. */
__attribute__((format(printf, 3, 4)))
static void refuse(struct reader *reader, int error, const char *format, ...)
{
	char words[sizeof(reader->problem->words)];
	va_list args;

	if (reader->err)
		return;
	va_start(args, format);
	vsnprintf(words, sizeof(words), format, args);
	va_end(args);
	reader->err = problem_set(reader->problem, error, "%s", words);
	XML_StopParser(reader->parser, XML_FALSE);
}

static const char *attribute(const char **attributes, const char *name)
{
	for (; *attributes; attributes += 2)
		if (!strcmp(attributes[0], name))
			return attributes[1];
	return NULL;
}

/* xs:boolean; -1 if it is none. */
static int truth(const char *value)
{
	static const char * const words[] = { "false", "0", "true", "1" };
	size_t len;

	value += strspn(value, " \t\r\n");
	len = strcspn(value, " \t\r\n");
	if (value[len + strspn(value + len, " \t\r\n")])
		return -1;
	for (int i = 0; i < 4; i++)
		if (strlen(words[i]) == len && !memcmp(words[i], value, len))
			return i / 2;
	return -1;
}

static void read_control(struct reader *reader, struct entry *entry, const char **attributes)
{
	static const char * const levels[] = { "bcc", "cc", "to" };
	const char *control = attribute(attributes, CP "copyControl");
	const char *anonymize = attribute(attributes, CP "anonymize");
	int level = COPY_BCC;

	if (control) {
		for (level = COPY_TO; level >= 0 && strcmp(levels[level], control); level--)
			;
		if (level < 0)
			refuse(reader, -EBADMSG,
			       "the list of recipients has a copyControl that is none of to, cc and bcc");
	}
	entry->control = level < 0 ? COPY_BCC : level;
	entry->anonymous = anonymize && truth(anonymize) == 1;
	if (anonymize && truth(anonymize) < 0)
		refuse(reader, -EBADMSG,
		       "the list of recipients has an anonymize that is neither true nor false");
}

/*
 * An attribute may hold any character, by reference also line ends; a URI
 * none that would end it in a SIP header.
 */
static bool is_clean(const char *uri)
{
	size_t len = strlen(uri);

	for (size_t i = 0; i < len; i++)
		if (uri[i] <= 0x20 || uri[i] >= 0x7f || strchr("<>\"", uri[i]))
			return false;
	return len && len <= RECIPIENT_URI_MAX;
}

static void read_entry(struct reader *reader, const char **attributes)
{
	struct entry *entry = &reader->entries[reader->count];
	const char *uri = attribute(attributes, "uri");

	if (reader->count == RECIPIENTS_MAX) {
		refuse(reader, -E2BIG, "the list has more than %u recipients", RECIPIENTS_MAX);
		return;
	}
	if (!uri || !is_clean(uri)) {
		refuse(reader, -EBADMSG,
		       "the list of recipients has an entry without a URI, or with a malformed one");
		return;
	}
	switch (uid_from_uri(&entry->uid, uri, strlen(uri))) {
	case 0:
		break;
	case -EPROTONOSUPPORT:
	case -EDESTADDRREQ:
		refuse(reader, -EPROTONOSUPPORT,
		       "%s in the list of recipients is no sip: or sips: URI of a user", uri);
		return;
	default:
		refuse(reader, -EBADMSG, "%s in the list of recipients is malformed", uri);
		return;
	}
	entry->uri = strdup(uri);
	if (!entry->uri) {
		refuse(reader, -ENOMEM, "no memory");
		return;
	}
	entry->begin = XML_GetCurrentByteIndex(reader->parser);
	reader->count++;
	read_control(reader, entry, attributes);
}

/* The elements of RFC 4826, and where each may stand. */
static const struct rule {
	const char *name;
	enum place in, place;
} rules[] = {
	{ RL "resource-lists", PLACE_DOCUMENT, PLACE_LISTS },
	{ RL "list", PLACE_LISTS, PLACE_LIST },
	{ RL "list", PLACE_LIST, PLACE_LIST },
	{ RL "entry", PLACE_LIST, PLACE_ENTRY },
	{ RL "display-name", PLACE_LIST, PLACE_OTHER },
	{ RL "display-name", PLACE_ENTRY, PLACE_OTHER },
};

static const struct rule *find_rule(const char *name, enum place in)
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (rules[i].in == in && !strcmp(rules[i].name, name))
			return &rules[i];
	return NULL;
}

static void refuse_element(struct reader *reader, const char *name)
{
	if (!strcmp(name, RL "entry-ref") || !strcmp(name, RL "external"))
		refuse(reader, -EBADMSG,
		       "the list of recipients refers to recipients elsewhere (%s), for whom no ticket can be asked",
		       name + strlen(RL));
	else if (reader->place[reader->depth] == PLACE_DOCUMENT)
		refuse(reader, -EBADMSG, "the list of recipients is no resource list (RFC 4826)");
	else
		refuse(reader, -EBADMSG, "the list of recipients has a misplaced element %s",
		       name + strlen(RL));
}

static void XMLCALL element_begins(void *data, const char *name, const char **attributes)
{
	struct reader *reader = data;
	enum place in = reader->place[reader->depth];
	const struct rule *rule = find_rule(name, in);
	enum place place = rule ? rule->place : PLACE_OTHER;

	if (reader->err)
		return;
	if (reader->depth == DEPTH_MAX) {
		refuse(reader, -E2BIG, "the list of recipients is nested too deeply");
		return;
	}
	/* what others add is theirs, but no recipient hides in it */
	if (!rule && (in == PLACE_DOCUMENT || !strncmp(name, RL, strlen(RL)))) {
		refuse_element(reader, name);
		return;
	}
	if (place == PLACE_LIST && (attribute(attributes, CP "copyControl") ||
				    attribute(attributes, CP "anonymize"))) {
		refuse(reader, -EBADMSG,
		       "copyControl and anonymize are understood in entries only, not in whole lists");
		return;
	}
	reader->place[++reader->depth] = place;
	if (place == PLACE_ENTRY)
		read_entry(reader, attributes);
}

static void XMLCALL element_ends(void *data, const char *name)
{
	struct reader *reader = data;

	(void)name;
	if (reader->err)
		return;
	if (reader->place[reader->depth] == PLACE_ENTRY)
		reader->entries[reader->count - 1].end =
			XML_GetCurrentByteIndex(reader->parser) +
			XML_GetCurrentByteCount(reader->parser);
	reader->depth--;
}

/* No entities, no external subset: what stands there is all there is. */
static void XMLCALL doctype_begins(void *data, const char *name, const char *system,
				   const char *public, int internal)
{
	struct reader *reader = data;

	(void)name;
	(void)system;
	(void)public;
	(void)internal;
	refuse(reader, -EBADMSG, "the list of recipients has a document type declaration");
}

static int parse(struct reader *reader, const struct bytes *document)
{
	XML_Parser parser = XML_ParserCreateNS(NULL, ' ');
	enum XML_Status status;

	if (!parser)
		return problem_set(reader->problem, -ENOMEM, "no memory");
	reader->parser = parser;
	XML_SetUserData(parser, reader);
	XML_SetElementHandler(parser, element_begins, element_ends);
	XML_SetStartDoctypeDeclHandler(parser, doctype_begins);
	status = XML_Parse(parser, (const char *)document->data, document->len, XML_TRUE);
	if (status != XML_STATUS_OK && !reader->err)
		reader->err = problem_set(reader->problem,
					  XML_GetErrorCode(parser) == XML_ERROR_NO_MEMORY ?
					  -ENOMEM : -EBADMSG,
					  "the list of recipients, line %lu: %s",
					  (unsigned long)XML_GetCurrentLineNumber(parser),
					  XML_ErrorString(XML_GetErrorCode(parser)));
	XML_ParserFree(parser);
	return reader->err;
}

/*
 * RFC 5364 section 4: of several entries for one user the highest precedence
 * counts, and "bcc" sets anonymize aside.
 */
static void settle(struct recipient *recipient, const struct entry *first,
		   const struct entry *end)
{
	for (const struct entry *entry = first; entry < end; entry++) {
		if (entry->control == COPY_BCC || !uid_equal(&entry->uid, &first->uid))
			continue;
		if (entry->control > recipient->control)
			recipient->control = entry->control;
		recipient->anonymous |= entry->anonymous;
	}
	recipient->hidden = recipient->control == COPY_BCC || recipient->anonymous;
}

static const struct recipient *find(const struct recipients *recipients, const struct uid *uid)
{
	for (unsigned int i = 0; i < recipients->count; i++)
		if (uid_equal(&recipients->all[i].uid, uid))
			return &recipients->all[i];
	return NULL;
}

/* Each user once, at most RECIPIENTS_MAX of them. */
static void join(struct recipients *recipients, struct entry *entries, unsigned int count)
{
	for (struct entry *entry = entries; entry < entries + count; entry++) {
		struct recipient *recipient = &recipients->all[recipients->count];

		if (find(recipients, &entry->uid))
			continue;
		recipient->uid = entry->uid;
		recipient->uri = entry->uri;
		settle(recipient, entry, entries + count);
		recipients->hidden += recipient->hidden;
		recipients->count++;
		entry->uri = NULL;
	}
}

static bool is_hidden(const struct recipients *recipients, const struct entry *entry)
{
	return entry->control == COPY_BCC || find(recipients, &entry->uid)->hidden;
}

/* All but the hidden entries, byte for byte. */
static int cut(struct recipients *recipients, const struct entry *entries, unsigned int count,
	       const struct bytes *document)
{
	struct bytes *shown = &recipients->shown;
	size_t from = 0, len = 0;

	if (bytes_alloc(shown, document->len))
		return -ENOMEM;
	for (unsigned int i = 0; i < count; i++) {
		if (!is_hidden(recipients, &entries[i]))
			continue;
		recipients->changed = true;
		memcpy(shown->data + len, document->data + from, entries[i].begin - from);
		len += entries[i].begin - from;
		from = entries[i].end;
	}
	memcpy(shown->data + len, document->data + from, document->len - from);
	shown->len = len + document->len - from;
	return 0;
}

int recipients_read(struct recipients *recipients, const struct bytes *document,
		    struct problem *problem)
{
	struct reader reader = { .problem = problem };
	int err;

	memset(recipients, 0, sizeof(*recipients));
	if (document->len > RECIPIENTS_DOCUMENT_MAX)
		return problem_set(problem, -E2BIG,
				   "the list of recipients is longer than %u bytes",
				   RECIPIENTS_DOCUMENT_MAX);
	reader.entries = calloc(RECIPIENTS_MAX, sizeof(*reader.entries));
	recipients->all = calloc(RECIPIENTS_MAX, sizeof(*recipients->all));
	if (!reader.entries || !recipients->all)
		err = problem_set(problem, -ENOMEM, "no memory");
	else
		err = parse(&reader, document);
	if (!err) {
		join(recipients, reader.entries, reader.count);
		err = cut(recipients, reader.entries, reader.count, document);
		if (err)
			problem_set(problem, err, "no memory");
	}
	if (!err && !recipients->count)
		err = problem_set(problem, -EBADMSG, "the list of recipients is empty");
	for (unsigned int i = 0; reader.entries && i < reader.count; i++)
		free(reader.entries[i].uri);
	free(reader.entries);
	if (err)
		recipients_free(recipients);
	return err;
}

void recipients_free(struct recipients *recipients)
{
	for (unsigned int i = 0; recipients->all && i < recipients->count; i++)
		free(recipients->all[i].uri);
	free(recipients->all);
	bytes_wipe(&recipients->shown);
	memset(recipients, 0, sizeof(*recipients));
}

void recipient_request_uri(char out[RECIPIENT_URI_SIZE], const struct recipient *recipient)
{
	const char *uri = recipient->uri, *stop;
	size_t len = strcspn(uri, "@");

	/* before it ';' and '?' are the user's */
	len += strcspn(uri + len, ";?");
	memcpy(out, uri, len);
	for (uri += len; *uri == ';'; uri = stop) {
		stop = uri + 1 + strcspn(uri + 1, ";?");
		if (!strncasecmp(uri, ";method=", 8))
			continue;
		memcpy(out + len, uri, stop - uri);
		len += stop - uri;
	}
	out[len] = '\0';
}
