// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * send: a MESSAGE from the command line, in the clear to the local mikeyd, who
 * protects it.
 */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "helper/lib/config.h"
#include "helper/lib/uid.h"
#include "helper/mikeyctl/command.h"
#include "helper/mikeyctl/delivery.h"
#include "helper/mikeyctl/fate.h"
#include "helper/mikeyctl/output.h"
#include "helper/mikeyctl/roll.h"

#define DEFAULT_VIA "udp:127.0.0.1:5062"
#define DEFAULT_TYPE "text/plain;charset=utf-8"

/* Twice the modules' own limit: who raised that can still send. */
#define BODY_MAX (512 * 1024)

#define URI_MAX 1024

/* SIP gives up after 64 * T1 (RFC 3261 17.1.2.2, timer F). */
#define TIMEOUT_MAX 32

/* As many as a list of recipients may have (mikeyd(8)). */
#define RECIPIENTS_MAX 256

struct request {
	const char *from, *via, *type, *file, *config, *list;
	int64_t timeout, expires;
	bool each, as_json;
	char (*to)[URI_MAX];		/* RECIPIENTS_MAX of them */
	unsigned int count;
	char from_uri[URI_MAX], list_uri[URI_MAX];
	char headers[160], whole_type[ROLL_TYPE_MAX];
	struct delivery delivery;	/* what all have in common */
};

/* A URI that stands between < and > in a header: nothing may end it. */
static bool read_uri(char uri[URI_MAX], const char *text)
{
	bool bare = text[strcspn(text, ":@")] == '@';	/* user@domain */
	struct uid uid;

	if ((size_t)snprintf(uri, URI_MAX, "%s%s", bare ? "sip:" : "", text) >= URI_MAX)
		return false;
	for (const char *c = uri; *c; c++)
		if (*c <= ' ' || *c > '~' || strchr("<>\"", *c))
			return false;
	return !uid_from_uri(&uid, uri, strlen(uri));
}

static bool is_content_type(const char *text)
{
	const char *slash = strchr(text, '/');

	for (const char *c = text; *c; c++)
		if (*c < ' ' || *c > '~')
			return false;
	return slash && slash != text && slash[1] && strlen(text) < 256;
}

static int take_arguments(struct bytes *body, int argc, char **argv, struct problem *problem)
{
	size_t len = 0;

	for (int i = 0; i < argc; i++)
		len += strlen(argv[i]) + (i > 0);
	if (bytes_alloc(body, len) < 0)
		return problem_set(problem, -ENOMEM, "no memory");
	len = 0;
	for (int i = 0; i < argc; i++) {
		if (i)
			body->data[len++] = ' ';
		memcpy(body->data + len, argv[i], strlen(argv[i]));
		len += strlen(argv[i]);
	}
	return 0;
}

static int take_file(struct bytes *body, const char *file, struct problem *problem)
{
	int fd = !strcmp(file, "-") ? STDIN_FILENO : open(file, O_RDONLY | O_CLOEXEC);
	const char *name = fd == STDIN_FILENO ? "standard input" : file;
	ssize_t got = -1;
	size_t len = 0;
	int err = 0;

	if (fd < 0)
		return problem_set(problem, -errno, "%s: %s", file, strerror(errno));
	/* one byte more than allowed tells too long from just right */
	if (bytes_alloc(body, BODY_MAX + 1) < 0) {
		err = problem_set(problem, -ENOMEM, "no memory");
		goto out;
	}
	while (len <= BODY_MAX && (got = read(fd, body->data + len, BODY_MAX + 1 - len)) > 0)
		len += got;
	if (got < 0)
		err = problem_set(problem, -errno, "%s: %s", name, strerror(errno));
	else if (len > BODY_MAX)
		err = problem_set(problem, -EFBIG, "%s: more than %d bytes", name, BODY_MAX);
	if (err < 0)
		bytes_wipe(body);
	else
		body->len = len;
out:
	if (fd != STDIN_FILENO)
		close(fd);
	return err;
}

/* What mikeyctl can use of the addresses that the daemon has for clients. */
static const struct endpoint *first_without_tls(const struct config *config)
{
	for (unsigned int i = 0; i < config->n_inside; i++)
		if (config->inside[i].transport != ENDPOINT_TLS)
			return &config->inside[i];
	return NULL;
}

/* The same host over TCP, or the daemon's own address for it if it tells one. */
static void choose_tcp(struct endpoint *via, const struct config *config)
{
	for (unsigned int i = 0; i < config->n_inside; i++) {
		if (config->inside[i].transport == ENDPOINT_TCP) {
			*via = config->inside[i];
			return;
		}
	}
	via->transport = ENDPOINT_TCP;
}

static int default_from(char uri[URI_MAX], const struct config *config, const char *to,
			struct problem *problem)
{
	const char *host = strchr(to, '@') + 1;
	const struct passwd *user;
	char escaped[UID_ESCAPED_MAX], text[URI_MAX];

	if (config->n_users) {
		uid_escape(escaped, &config->users[0].identities[0]);
		snprintf(uri, URI_MAX, "sip:%s", escaped);
		return 0;
	}
	user = getpwuid(geteuid());
	snprintf(text, sizeof(text), "sip:%s@%.*s", user ? user->pw_name : "",
		 (int)strcspn(host, ":;?"), host);
	if (!user || !read_uri(uri, text))
		return problem_set(problem, -EINVAL, "--from is missing: your own address");
	return 0;
}

/* Expires counts from Date (RFC 3428 section 4). */
static void write_headers(struct request *request)
{
	time_t now = time(NULL);
	char date[64] = "";
	struct tm tm;

	if (!request->expires && !request->list)
		return;
	if (request->expires && gmtime_r(&now, &tm))
		strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", &tm);
	snprintf(request->headers, sizeof(request->headers), "%s%s%s", date[0] ? "Date: " : "",
		 date, date[0] ? "\r\n" : "");
	if (request->expires)
		snprintf(request->headers + strlen(request->headers),
			 sizeof(request->headers) - strlen(request->headers),
			 "Expires: %lld\r\n", (long long)request->expires);
	if (request->list)
		snprintf(request->headers + strlen(request->headers),
			 sizeof(request->headers) - strlen(request->headers),
			 "Require: recipient-list-message\r\n");
	request->delivery.headers = request->headers;
}

/* One MESSAGE to the list service instead of one to each. */
static int use_list(struct request *request, struct problem *problem)
{
	const char *recipients[RECIPIENTS_MAX];

	for (unsigned int i = 0; i < request->count; i++)
		recipients[i] = request->to[i];
	if (roll_write(request->whole_type, request->type, &request->delivery.body, recipients,
		       request->count))
		return problem_set(problem, -ENOMEM, "no memory");
	request->delivery.content_type = request->whole_type;
	strcpy(request->to[0], request->list_uri);
	request->count = 1;
	return 0;
}

/* The user of the configuration whose address this is, or the first one. */
static const struct config_user *user_of(const struct config *config, const char *from)
{
	struct uid uid;

	if (!uid_from_uri(&uid, from, strlen(from)))
		for (unsigned int i = 0; i < config->n_users; i++)
			if (config_identity(&config->users[i], &uid))
				return &config->users[i];
	return config_named(config, NULL);
}

/*
 * What the options leave open the daemon's configuration answers, where there
 * is one that this user may read.
 */
static int fill(struct request *request, struct problem *problem)
{
	bool may_list = request->count > 1 && !request->each;
	struct delivery *delivery = &request->delivery;
	struct config config = { 0 };
	const struct config_user *user;
	char escaped[UID_ESCAPED_MAX];
	int err = 0;

	if (!request->via || !request->from || (may_list && !request->list)) {
		err = config_load(&config, request->config ? request->config :
				  CONFIG_DEFAULT_FILE, problem);
		if (err < 0 && request->config)
			return err;
		err = 0;
	}
	if (request->via)
		err = endpoint_parse(&delivery->via, request->via, problem);
	else if (first_without_tls(&config))
		delivery->via = *first_without_tls(&config);
	else
		err = endpoint_parse(&delivery->via, DEFAULT_VIA, problem);
	if (!err && delivery->via.transport == ENDPOINT_TLS)
		err = problem_set(problem, -EINVAL, "--via: mikeyctl knows udp: and tcp: only");
	if (!err && !request->from)
		err = default_from(request->from_uri, &config, request->to[0], problem);
	user = user_of(&config, request->from_uri);
	if (may_list && !request->list && user && user->n_list_services) {
		uid_escape(escaped, &user->list_services[0]);
		snprintf(request->list_uri, URI_MAX, "sip:%s", escaped);
		request->list = request->list_uri;
	}
	delivery->from = request->from_uri;
	delivery->content_type = request->type;
	delivery->timeout = request->timeout;
	if (!err && request->list)
		err = use_list(request, problem);
	delivery->to = request->to[0];
	write_headers(request);
	for (unsigned int i = 0; !err && i < request->count; i++) {
		delivery->to = request->to[i];
		if (delivery->via.transport == ENDPOINT_UDP && delivery_needs_tcp(delivery))
			choose_tcp(&delivery->via, &config);
	}
	config_free(&config);
	return err;
}

/* ---- what is told */

/* A list service names in a Warning whom it did not reach. */
static enum exit_code fate(const struct request *request, const struct delivery_answer *answer)
{
	enum exit_code code = fate_of(answer);

	return request->list && code == EXIT_DONE && answer->warning[0] ? EXIT_PARTLY : code;
}

static void print_extra(const struct request *request, unsigned int at, const char *name,
			const char *value)
{
	if (!value[0])
		return;
	if (request->count > 1)
		fprintf(stderr, "%s: ", request->to[at]);
	fprintf(stderr, "%s: ", name);
	output_text(stderr, value, strlen(value));
	fputc('\n', stderr);
}

static void print_answer(const struct request *request, unsigned int at,
			 const struct delivery_answer *answer)
{
	if (answer->error) {
		fprintf(stderr, "mikeyctl: %s: %s\n", request->count > 1 ? request->to[at] :
			request->via ? request->via : "the local mikeyd", answer->words);
		return;
	}
	if (request->count > 1)
		printf("%s: ", request->to[at]);
	printf("%u ", answer->code);
	output_text(stdout, answer->reason, strlen(answer->reason));
	putchar('\n');
	if (fate(request, answer) == EXIT_DONE)
		return;
	print_extra(request, at, "Warning", answer->warning);
	print_extra(request, at, "Retry-After", answer->retry_after);
}

static void print_json(const struct request *request, const struct delivery_answer *answers)
{
	struct json json = { .file = stdout };

	json_array(&json, NULL);
	for (unsigned int i = 0; i < request->count; i++) {
		const struct delivery_answer *answer = &answers[i];

		json_object(&json, NULL);
		json_string(&json, "to", request->to[i]);
		json_string(&json, "outcome", fate_name(fate(request, answer)));
		if (answer->error) {
			json_string(&json, "code", NULL);
			json_string(&json, "reason", answer->words);
		} else {
			json_number(&json, "code", answer->code);
			json_string(&json, "reason", answer->reason);
		}
		json_string(&json, "warning", answer->warning[0] ? answer->warning : NULL);
		json_string(&json, "retry_after",
			    answer->retry_after[0] ? answer->retry_after : NULL);
		json_object_end(&json);
	}
	json_array_end(&json);
}

static int tell(const struct request *request, const struct delivery_answer *answers)
{
	enum exit_code code = fate(request, &answers[0]);

	if (request->as_json)
		print_json(request, answers);
	for (unsigned int i = 0; i < request->count; i++) {
		if (!request->as_json)
			print_answer(request, i, &answers[i]);
		code = fate_join(code, fate(request, &answers[i]));
	}
	return code;
}

static int send_all(const struct request *request, struct delivery_answer *answers,
		    struct problem *problem)
{
	struct delivery *deliveries = calloc(request->count, sizeof(*deliveries));
	int err;

	if (!deliveries)
		return problem_set(problem, -ENOMEM, "no memory");
	for (unsigned int i = 0; i < request->count; i++) {
		deliveries[i] = request->delivery;
		deliveries[i].to = request->to[i];
	}
	err = delivery_send(deliveries, answers, request->count, problem);
	free(deliveries);
	if (err < 0)
		problem_prefix(problem, "%s: ", request->via ? request->via : "the local mikeyd");
	return err;
}

static int deliver(struct request *request, int argc, char **argv)
{
	struct delivery_answer *answers = calloc(RECIPIENTS_MAX, sizeof(*answers));
	struct problem problem;
	int err, code;

	if (!answers)
		err = problem_set(&problem, -ENOMEM, "no memory");
	else if (request->file || !argc || (argc == 1 && !strcmp(argv[0], "-")))
		err = take_file(&request->delivery.body, request->file ? request->file : "-",
				&problem);
	else
		err = take_arguments(&request->delivery.body, argc, argv, &problem);
	err = err ?: fill(request, &problem);
	err = err ?: send_all(request, answers, &problem);
	bytes_wipe(&request->delivery.body);
	code = err ? command_failed(&problem) : tell(request, answers);
	free(answers);
	return code;
}

static int add_recipient(struct request *request, const struct command *command,
			 const char *text)
{
	if (request->count == RECIPIENTS_MAX)
		return command_usage(command, "--to may be given %d times", RECIPIENTS_MAX);
	if (!read_uri(request->to[request->count], text))
		return command_usage(command, "--to is not a SIP address (sip:user@domain)");
	/* one message to each, however often they are named */
	for (unsigned int i = 0; i < request->count; i++)
		if (!strcmp(request->to[i], request->to[request->count]))
			return -1;
	request->count++;
	return -1;
}

/* Returns an exit code, or -1 to go on. */
static int take_option(struct request *request, const struct command *command, int option)
{
	switch (option) {
	case 't':
		return add_recipient(request, command, optarg);
	case 'f':
		request->from = optarg;
		break;
	case 'v':
		request->via = optarg;
		break;
	case 'c':
		request->type = optarg;
		break;
	case 'F':
		request->file = optarg;
		break;
	case 'l':
		request->list = optarg;
		break;
	case 'e':
		request->each = true;
		break;
	case 'j':
		request->as_json = true;
		break;
	case 'x':
		if (!command_read_seconds(optarg, &request->expires))
			return command_usage(command, "--expires is a number of seconds");
		break;
	case 'w':
		if (!command_read_seconds(optarg, &request->timeout) ||
		    request->timeout > TIMEOUT_MAX)
			return command_usage(command,
					     "--timeout is a number of seconds, %d at most",
					     TIMEOUT_MAX);
		break;
	case 'C':
		request->config = optarg;
		break;
	}
	return -1;
}

static int check(struct request *request, const struct command *command, bool has_text)
{
	if (!request->count)
		return command_usage(command, "--to is missing: the recipient's address");
	if (request->from && !read_uri(request->from_uri, request->from))
		return command_usage(command, "--from is not a SIP address (sip:user@domain)");
	if (request->list && !read_uri(request->list_uri, request->list))
		return command_usage(command, "--list is not a SIP address (sip:user@domain)");
	if (request->list && request->each)
		return command_usage(command, "give --list or --each, not both");
	if (!is_content_type(request->type))
		return command_usage(command, "--content-type is not TYPE/SUBTYPE");
	if (request->file && has_text)
		return command_usage(command, "give --file or the text itself, not both");
	return -1;
}

static int run(const struct command *command, int argc, char **argv)
{
	static const struct option options[] = {
		OPTION_HELP, OPTION_JSON,
		{ "to", required_argument, NULL, 't' },
		{ "from", required_argument, NULL, 'f' },
		{ "via", required_argument, NULL, 'v' },
		{ "content-type", required_argument, NULL, 'c' },
		{ "file", required_argument, NULL, 'F' },
		{ "list", required_argument, NULL, 'l' },
		{ "each", no_argument, NULL, 'e' },
		{ "expires", required_argument, NULL, 'x' },
		{ "timeout", required_argument, NULL, 'w' },
		{ "config", required_argument, NULL, 'C' },
		{ 0 }
	};
	struct request request = { .type = DEFAULT_TYPE };
	struct problem problem;
	int option, code = -1, taken = -1;

	request.to = calloc(RECIPIENTS_MAX, sizeof(*request.to));
	if (!request.to) {
		problem_set(&problem, -ENOMEM, "no memory");
		return command_failed(&problem);
	}
	while (taken < 0 &&
	       (option = command_option(command, argc, argv, options, &code)) != -1)
		taken = take_option(&request, command, option);
	if (code < 0)
		code = taken;
	if (code < 0)
		code = check(&request, command, optind < argc);
	if (code < 0)
		code = deliver(&request, argc - optind, argv + optind);
	free(request.to);
	return code;
}

const struct command send_message = {
	.words = "send",
	.summary = "send a MESSAGE through the local mikeyd",
	.help =
"usage: mikeyctl send --to ADDRESS... [--from ADDRESS] [...] [TEXT... | -]\n"
"\n"
"Sends a SIP MESSAGE as a SIP client does, waits for the final answer and\n"
"prints it. Without TEXT, or with -, the body is read from standard input.\n"
"\n"
"  --to ADDRESS         sip:user@domain; again for more recipients\n"
"  --from ADDRESS       your own (of mikeyd.conf, else your login at the domain\n"
"                       of the recipient)\n"
"  --via HOP            udp:ADDRESS:PORT or tcp:ADDRESS:PORT (of mikeyd.conf,\n"
"                       else " DEFAULT_VIA "); what is too large for a\n"
"                       datagram goes over TCP in any case\n"
"  --content-type TYPE  (" DEFAULT_TYPE ")\n"
"  --file FILE          the body; - is standard input\n"
"  --list ADDRESS       one message to this list service, with the list of\n"
"                       recipients (for several: the first list-service of\n"
"                       mikeyd.conf)\n"
"  --each               one message to each of them all the same\n"
"  --expires SECONDS    after which it is of no use any more\n"
"  --timeout SECONDS    how long to wait for an answer (32)\n"
"  --config FILE        (" CONFIG_DEFAULT_FILE ")\n"
"  --json               an array of objects, one for each message\n"
"\n"
"Exit status: 0 accepted, 3 no such recipient, 4 refused, 5 not understood,\n"
"6 somebody is away: try later, 7 no answer in time, 8 accepted for some,\n"
"1 if it could not be sent, 2 for wrong options.\n",
	.run = run,
};
