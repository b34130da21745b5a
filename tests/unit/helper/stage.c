// SPDX-License-Identifier: GPL-2.0-or-later
/* mikeyd between two sockets. */
#include "tests/unit/helper/stage.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "helper/lib/log.h"
#include "helper/lib/netlink.h"
#include "helper/mikeyd/circular.h"
#include "helper/mikeyd/multipart.h"
#include "helper/mikeyd/proxy.h"
#include "helper/mikeyd/sipmsg.h"
#include "helper/mikeyd/token.h"
#include "helper/mikeyd/user.h"

#define WAIT_MS 10000
#define SILENCE_MS 60

struct stage stage;

static struct sockaddr_in loopback(unsigned int port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons(port),
	};
}

static int open_socket(int type, unsigned int port)
{
	struct sockaddr_in in = loopback(port);
	int fd = socket(AF_INET, type | SOCK_NONBLOCK, 0), one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	assert_int_equal(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	return fd;
}

void stage_file(char path[STAGE_FILE_SIZE], const char *more)
{
	FILE *file;

	strcpy(path, "/tmp/mikeyd-stage-XXXXXX");
	file = fdopen(mkstemp(path), "w");

	assert_non_null(file);
	if (!strstr(more, "users ="))
		fprintf(file, "identity = [\"alice@example.test\", \"bob@example.test\"];\n"
			"psk = \"logon:mikey:x\";\npsk-id = \"x\";\n");
	fprintf(file, "listen = [\"udp:127.0.0.1:%u\", \"tcp:127.0.0.1:%u\"];\n"
		"listen-outside = [\"udp:127.0.0.1:%u\", \"tcp:127.0.0.1:%u\"];\n"
		"next-hop = \"sip:127.0.0.1:%u\";\nkms = \"http://127.0.0.1:1\";\n"
		"kms-id = \"http://kms\";\n"
		"state-dir = \"%s\";\n%s",
		stage.inside_port, stage.inside_port, stage.outside_port, stage.outside_port,
		stage.hop_port, stage.state_dir, more);
	fclose(file);
}

static void load_config(const char *more)
{
	char path[STAGE_FILE_SIZE];
	struct problem problem;

	stage_file(path, more);
	if (rules_load(&stage.config, path, &problem))
		fail_msg("%s", problem.words);
	unlink(path);
}

static void listen_on(enum side side, unsigned int port)
{
	struct problem problem;
	struct sa local;

	sa_set_str(&local, "127.0.0.1", port);
	for (enum sip_transp tp = SIP_TRANSP_UDP; tp <= SIP_TRANSP_TCP; tp++)
		assert_int_equal(transport_listen(stage.mikeyd.transport, side, tp, &local,
						  &problem), 0);
}

static void open_all(const char *more)
{
	struct mikeyd *mikeyd = &stage.mikeyd;
	struct transport_handlers handlers;
	struct problem problem;

	log_setup("stage", LOG_LEVEL_ERROR);
	stage.hop_conn = -1;
	stage.client_port = loop_free_port();
	stage.client = open_socket(SOCK_DGRAM, stage.client_port);
	stage.hop_port = loop_free_port();
	stage.hop = open_socket(SOCK_DGRAM, stage.hop_port);
	stage.hop_tcp = open_socket(SOCK_STREAM, stage.hop_port);
	assert_int_equal(listen(stage.hop_tcp, 4), 0);
	stage.inside_port = loop_free_port();
	stage.outside_port = loop_free_port();
	load_config(more);

	mikeyd->config = stage.config;
	handlers = proxy_handlers(mikeyd);
	assert_int_equal(genl_client_open(&mikeyd->ticket_client, "mikey_ticket", &problem), 0);
	assert_int_equal(genl_client_open(&mikeyd->mime_client, "mikey_mime", &problem), 0);
	assert_int_equal(token_open(&problem), 0);
	if (users_open(mikeyd, &problem))
		fail_msg("%s", problem.words);
	stage.user = list_ledata(list_head(&mikeyd->users));
	assert_int_equal(transport_alloc(&mikeyd->transport, &handlers), 0);
	assert_int_equal(transactions_alloc(&mikeyd->transactions, mikeyd->transport), 0);
	mikeyd->next_hop.side = SIDE_OUTSIDE;
	mikeyd->next_hop.tp = SIP_TRANSP_UDP;
	sa_set_str(&mikeyd->next_hop.peer, "127.0.0.1", stage.hop_port);
	listen_on(SIDE_INSIDE, stage.inside_port);
	listen_on(SIDE_OUTSIDE, stage.outside_port);
	if (users_go_on(mikeyd, &problem))
		fail_msg("%s", problem.words);
}

void stage_open(const char *more)
{
	memset(&stage, 0, sizeof(stage));
	strcpy(stage.state_dir, "/tmp/mikeyd-state-XXXXXX");
	assert_non_null(mkdtemp(stage.state_dir));
	open_all(more);
}

static void close_all(void)
{
	struct mikeyd *mikeyd = &stage.mikeyd;

	transactions_stop(mikeyd->transactions);
	circular_close(mikeyd);
	users_stop(mikeyd);
	mem_deref(mikeyd->transactions);
	mem_deref(mikeyd->transport);
	users_close(mikeyd);
	token_close();
	genl_client_close(mikeyd->mime_client);
	genl_client_close(mikeyd->ticket_client);
	mem_deref((void *)mikeyd->config);
	close(stage.client);
	close(stage.hop);
	close(stage.hop_tcp);
	if (stage.hop_conn >= 0)
		close(stage.hop_conn);
}

void stage_close(void)
{
	char command[64];

	close_all();
	snprintf(command, sizeof(command), "rm -r %s", stage.state_dir);
	assert_int_equal(system(command), 0);
}

void stage_restart(const char *more)
{
	char dir[sizeof(stage.state_dir)];

	close_all();
	strcpy(dir, stage.state_dir);
	memset(&stage, 0, sizeof(stage));
	strcpy(stage.state_dir, dir);
	open_all(more);
}

void stage_restart_same(const char *more)
{
	unsigned int port = stage.client_port;

	stage_restart(more);
	close(stage.client);
	stage.client = open_socket(SOCK_DGRAM, port);
	stage.client_port = port;
}

void stage_killed(const char *more)
{
	char command[128], dir[sizeof(stage.state_dir)];

	strcpy(dir, stage.state_dir);
	strcpy(stage.state_dir, "/tmp/mikeyd-state-XXXXXX");
	assert_non_null(mkdtemp(stage.state_dir));
	snprintf(command, sizeof(command), "cp %s/* %s", dir, stage.state_dir);
	assert_int_equal(system(command), 0);
	stage_restart_same(more);
	snprintf(command, sizeof(command), "rm -r %s", dir);
	assert_int_equal(system(command), 0);
}

int stage_setup(void **state)
{
	(void)state;
	kernel_reset();
	stage_open("");
	return 0;
}

int stage_teardown(void **state)
{
	(void)state;
	stage_close();
	return 0;
}

/* Write ports and path in place of their letters. */
static char *expand(const char *text)
{
	char *out = malloc(2 * strlen(text) + 4096), *to = out;

	for (; *text; text++) {
		const unsigned int *port = NULL;

		if (*text == '$')
			port = text[1] == 'C' ? &stage.client_port : text[1] == 'H' ?
				&stage.hop_port : text[1] == 'I' ? &stage.inside_port :
				text[1] == 'O' ? &stage.outside_port : NULL;
		if (*text == '$' && text[1] == 'P') {
			to += sprintf(to, "%s", stage.path);
			text++;
		} else if (port) {
			to += sprintf(to, "%u", *port);
			text++;
		} else {
			*to++ = *text;
		}
	}
	*to = '\0';
	return out;
}

static void send_to(int fd, unsigned int port, const char *text)
{
	struct sockaddr_in in = loopback(port);
	char *whole = expand(text);

	assert_int_equal(sendto(fd, whole, strlen(whole), 0, (struct sockaddr *)&in, sizeof(in)),
			 strlen(whole));
	free(whole);
}

void client_sends(const char *text)
{
	send_to(stage.client, stage.inside_port, text);
}

void hop_sends(const char *text)
{
	send_to(stage.hop, stage.outside_port, text);
}

static bool datagram(void *arg)
{
	ssize_t len = recv(*(int *)arg, stage.got, sizeof(stage.got) - 1, 0);

	if (len < 0)
		return false;
	stage.got[len] = '\0';
	return true;
}

const char *client_gets_late(unsigned int ms)
{
	if (!loop_until(datagram, &stage.client, ms))
		fail_msg("nothing arrived at the client");
	return stage.got;
}

const char *client_gets(void)
{
	return client_gets_late(WAIT_MS);
}

const char *hop_gets_late(unsigned int ms)
{
	if (!loop_until(datagram, &stage.hop, ms))
		fail_msg("nothing arrived at the next hop");
	return stage.got;
}

const char *hop_gets(void)
{
	return hop_gets_late(WAIT_MS);
}

/* The first whole message on the connection; those behind it stay there. */
static bool stream_message(void *arg)
{
	struct pl length;
	ssize_t len;
	size_t whole;
	char *end;

	(void)arg;
	if (stage.hop_conn < 0)
		stage.hop_conn = accept4(stage.hop_tcp, NULL, NULL, SOCK_NONBLOCK);
	if (stage.hop_conn < 0)
		return false;
	len = recv(stage.hop_conn, stage.got, sizeof(stage.got) - 1, MSG_PEEK);
	if (len <= 0)
		return false;
	stage.got[len] = '\0';
	end = strstr(stage.got, "\r\n\r\n");
	if (!end || !sipmsg_content_length(stage.got, end + 4 - stage.got, &length))
		return false;
	whole = end + 4 - stage.got + pl_u32(&length);
	if ((size_t)len < whole)
		return false;
	assert_int_equal(recv(stage.hop_conn, stage.got, whole, 0), whole);
	stage.got[whole] = '\0';
	return true;
}

const char *hop_gets_tcp(void)
{
	if (!loop_until(stream_message, NULL, WAIT_MS))
		fail_msg("nothing arrived at the next hop over TCP");
	return stage.got;
}

void silence(void)
{
	assert_false(loop_until(datagram, &stage.client, SILENCE_MS));
	assert_false(loop_until(datagram, &stage.hop, SILENCE_MS));
}

const char *header(const char *name, unsigned int n)
{
	static char value[2048];
	const char *line = stage.got, *end;
	size_t len = strlen(name);

	for (; (end = strstr(line, "\r\n")) && end != line; line = end + 2) {
		if (strncasecmp(line, name, len) || line[len] != ':' || n--)
			continue;
		line += len + 1;
		line += strspn(line, " ");
		snprintf(value, sizeof(value), "%.*s", (int)(end - line), line);
		return value;
	}
	return "";
}

const char *body(void)
{
	const char *end = strstr(stage.got, "\r\n\r\n");

	assert_non_null(end);
	return end + 4;
}

void first_line_is(const char *line)
{
	char *whole = expand(line);

	if (strncmp(stage.got, whole, strlen(whole)) ||
	    strncmp(stage.got + strlen(whole), "\r\n", 2))
		fail_msg("\"%s\" is not \"%.*s\"", whole, (int)strcspn(stage.got, "\r"), stage.got);
	free(whole);
}

const char *answer(const char *status)
{
	static const char * const copied[] = { "Via", "From", "To", "Call-ID", "CSeq" };
	static char text[8192];
	size_t at = snprintf(text, sizeof(text), "SIP/2.0 %s\r\n", status);

	for (size_t i = 0; i < ARRAY_SIZE(copied); i++)
		for (unsigned int n = 0; *header(copied[i], n); n++)
			at += snprintf(text + at, sizeof(text) - at, "%s: %s%s\r\n", copied[i],
				       header(copied[i], n),
				       i == 2 && !strstr(header("To", 0), ";tag=") ? ";tag=t" : "");
	snprintf(text + at, sizeof(text) - at, "Content-Length: 0\r\n\r\n");
	return text;
}

/* As expand() sees no '$' in it. */
void hop_answers(const char *status)
{
	hop_sends(answer(status));
}

void client_answers(const char *status)
{
	client_sends(answer(status));
}

void client_registers(const char *name)
{
	char text[1024];

	snprintf(text, sizeof(text), "REGISTER sip:example.test SIP/2.0\r\n" VIA("$C", "r")
		 FROM_TO("%s@example.test", "%s@example.test", "r", "REGISTER")
		 "Contact: <sip:%s@127.0.0.1:$C>\r\n\r\n", name, name, name);
	client_sends(text);
	hop_gets();
	/* a Contact is taken out of MESSAGEs only */
	assert_memory_equal(header("Contact", 0), "<sip:", 5);
	snprintf(stage.path, sizeof(stage.path), "%s", header("Path", 0) + 1);
	assert_non_null(strchr(stage.path, '>'));
	*strchr(stage.path, '>') = '\0';
	hop_answers("200 OK");
	client_gets();
	first_line_is("SIP/2.0 200 OK");
}

void client_is_told(const char *line, const char *words)
{
	client_gets();
	first_line_is(line);
	if (!strstr(header("Warning", 0), words))
		fail_msg("\"%s\" is not in \"%s\"", words, header("Warning", 0));
}

void opens_to(const char *entity)
{
	struct bytes transfer, cms;
	struct problem problem;
	struct pl type, content;

	pl_set_str(&type, header("Content-Type", 0));
	pl_set_str(&content, body());
	assert_int_equal(multipart_parse(&type, &content, &transfer, &cms, &problem),
			 MULTIPART_PROTECTED);
	assert_int_equal(cms.len, strlen(entity));
	/* the double turned it round */
	for (size_t i = 0; i < cms.len; i++)
		assert_int_equal(cms.data[i], entity[cms.len - 1 - i]);
	bytes_wipe(&transfer);
	bytes_wipe(&cms);
}

static bool exchange_waits(void *arg)
{
	return kms_waiting() >= *(unsigned int *)arg;
}

void kms_gets(unsigned int count)
{
	assert_true(loop_until(exchange_waits, &count, WAIT_MS));
	assert_int_equal(kms_waiting(), count);
}

void kms_grants(unsigned int count)
{
	unsigned int one = 1;

	while (count--) {
		assert_true(loop_until(exchange_waits, &one, WAIT_MS));
		kms_answers();
	}
}
