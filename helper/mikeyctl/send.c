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
#include <unistd.h>

#include "helper/lib/config.h"
#include "helper/lib/uid.h"
#include "helper/mikeyctl/command.h"
#include "helper/mikeyctl/delivery.h"
#include "helper/mikeyctl/output.h"

#define DEFAULT_VIA "udp:127.0.0.1:5062"
#define DEFAULT_TYPE "text/plain;charset=utf-8"

/* Twice the modules' own limit: who raised that can still send. */
#define BODY_MAX (512 * 1024)

#define URI_MAX 1024

/* SIP gives up after 64 * T1 (RFC 3261 17.1.2.2, timer F). */
#define TIMEOUT_MAX 32

struct request {
	const char *to, *from, *via, *type, *file, *config;
	int64_t timeout;
	char to_uri[URI_MAX], from_uri[URI_MAX];
	struct delivery delivery;
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

	if (config->n_identities) {
		uid_escape(escaped, &config->identities[0]);
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

/*
 * What the options leave open the daemon's configuration answers, where there
 * is one that this user may read.
 */
static int fill(struct request *request, struct problem *problem)
{
	struct delivery *delivery = &request->delivery;
	struct config config = { 0 };
	int err = 0;

	if (!request->via || !request->from) {
		err = config_load(&config, request->config ? request->config :
				  CONFIG_DEFAULT_FILE, problem);
		if (err < 0 && request->config)
			return err;
		err = 0;
	}
	if (request->via)
		err = endpoint_parse(&delivery->via, request->via, problem);
	else if (config.n_inside)
		delivery->via = config.inside[0];
	else
		err = endpoint_parse(&delivery->via, DEFAULT_VIA, problem);
	if (!err && !request->from)
		err = default_from(request->from_uri, &config, request->to_uri, problem);
	delivery->to = request->to_uri;
	delivery->from = request->from_uri;
	delivery->content_type = request->type;
	delivery->timeout = request->timeout;
	if (!err && delivery->via.transport == ENDPOINT_UDP && delivery_needs_tcp(delivery))
		choose_tcp(&delivery->via, &config);
	config_free(&config);
	return err;
}

static void print_extra(const char *name, const char *value)
{
	if (!value[0])
		return;
	fprintf(stderr, "%s: ", name);
	output_text(stderr, value, strlen(value));
	fputc('\n', stderr);
}

static int print_answer(const struct delivery_answer *answer)
{
	printf("%u ", answer->code);
	output_text(stdout, answer->reason, strlen(answer->reason));
	putchar('\n');
	if (answer->code < 300)
		return EXIT_DONE;
	print_extra("Warning", answer->warning);
	print_extra("Retry-After", answer->retry_after);
	return EXIT_SIP_REDIRECTED + answer->code / 100 - 3;
}

static int deliver(struct request *request, int argc, char **argv)
{
	struct delivery_answer answer;
	struct problem problem;
	int err;

	if (request->file || !argc || (argc == 1 && !strcmp(argv[0], "-")))
		err = take_file(&request->delivery.body, request->file ? request->file : "-",
				&problem);
	else
		err = take_arguments(&request->delivery.body, argc, argv, &problem);
	err = err ?: fill(request, &problem);
	if (!err) {
		err = delivery_send(&request->delivery, &answer, &problem);
		if (err < 0)
			problem_prefix(&problem, "%s: ",
				       request->via ? request->via : "the local mikeyd");
	}
	bytes_wipe(&request->delivery.body);
	if (!err)
		return print_answer(&answer);
	command_failed(&problem);
	return err == -ETIMEDOUT ? EXIT_SIP_SILENT : EXIT_FAILED;
}

static int run(const struct command *command, int argc, char **argv)
{
	static const struct option options[] = {
		OPTION_HELP,
		{ "to", required_argument, NULL, 't' },
		{ "from", required_argument, NULL, 'f' },
		{ "via", required_argument, NULL, 'v' },
		{ "content-type", required_argument, NULL, 'c' },
		{ "file", required_argument, NULL, 'F' },
		{ "timeout", required_argument, NULL, 'w' },
		{ "config", required_argument, NULL, 'C' },
		{ 0 }
	};
	struct request request = { .type = DEFAULT_TYPE };
	int option, code = -1;

	while ((option = command_option(command, argc, argv, options, &code)) != -1) {
		switch (option) {
		case 't':
			request.to = optarg;
			break;
		case 'f':
			request.from = optarg;
			break;
		case 'v':
			request.via = optarg;
			break;
		case 'c':
			request.type = optarg;
			break;
		case 'F':
			request.file = optarg;
			break;
		case 'w':
			if (!command_read_seconds(optarg, &request.timeout) ||
			    request.timeout > TIMEOUT_MAX)
				return command_usage(command,
						     "--timeout is a number of seconds, %d at most",
						     TIMEOUT_MAX);
			break;
		case 'C':
			request.config = optarg;
			break;
		}
	}
	if (code >= 0)
		return code;
	if (!request.to)
		return command_usage(command, "--to is missing: the recipient's address");
	if (!read_uri(request.to_uri, request.to))
		return command_usage(command, "--to is not a SIP address (sip:user@domain)");
	if (request.from && !read_uri(request.from_uri, request.from))
		return command_usage(command, "--from is not a SIP address (sip:user@domain)");
	if (!is_content_type(request.type))
		return command_usage(command, "--content-type is not TYPE/SUBTYPE");
	if (request.file && optind < argc)
		return command_usage(command, "give --file or the text itself, not both");
	return deliver(&request, argc - optind, argv + optind);
}

const struct command send_message = {
	.words = "send",
	.summary = "send a MESSAGE through the local mikeyd",
	.help =
"usage: mikeyctl send --to ADDRESS [--from ADDRESS] [...] [TEXT... | -]\n"
"\n"
"Sends one SIP MESSAGE as a SIP client does, waits for the final answer and\n"
"prints it. Without TEXT, or with -, the body is read from standard input.\n"
"\n"
"  --to ADDRESS         sip:user@domain\n"
"  --from ADDRESS       your own (of mikeyd.conf, else your login at the domain\n"
"                       of the recipient)\n"
"  --via HOP            udp:ADDRESS:PORT or tcp:ADDRESS:PORT (of mikeyd.conf,\n"
"                       else " DEFAULT_VIA "); what is too large for a\n"
"                       datagram goes over TCP in any case\n"
"  --content-type TYPE  (" DEFAULT_TYPE ")\n"
"  --file FILE          the body; - is standard input\n"
"  --timeout SECONDS    how long to wait for the answer (32)\n"
"  --config FILE        (" CONFIG_DEFAULT_FILE ")\n"
"\n"
"Exit status: 0 for 2xx, 3, 4, 5 or 6 for 3xx to 6xx, 7 without an answer in\n"
"time, 1 if it could not be sent, 2 for wrong options.\n",
	.run = run,
};
