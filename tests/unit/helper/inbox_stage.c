// SPDX-License-Identifier: GPL-2.0-or-later
/* A user with an inbox; see inbox_stage.h. */
#include "tests/unit/helper/inbox_stage.h"

#include <stdlib.h>

char inbox_dir[64], inbox_socket[96];

const char *inbox_message(const char *branch, const char *rest)
{
	static char text[8192];

	snprintf(text, sizeof(text), "MESSAGE sip:bob@example.test SIP/2.0\r\n"
		 "Via: SIP/2.0/UDP 127.0.0.1:$H;branch=z9hG4bK%s;rport\r\n"
		 "From: <sip:alice@example.test>;tag=f\r\nTo: <sip:bob@example.test>\r\n"
		 "Call-ID: %s\r\nCSeq: 1 MESSAGE\r\n%s", branch, branch, rest);
	return text;
}

const char *inbox_settings(const char *inbox, const char *more)
{
	static char text[1024];

	snprintf(text, sizeof(text), "inbox = { socket = \"%s\"; %s };\n%s", inbox_socket, inbox,
		 more);
	return text;
}

void inbox_stage_open(const char *inbox, const char *more)
{
	kernel_reset();
	stage_open(inbox_settings(inbox, more));
}

int inbox_make_dir(void **state)
{
	(void)state;
	strcpy(inbox_dir, "/tmp/mikeyd-inbox-XXXXXX");
	assert_non_null(mkdtemp(inbox_dir));
	snprintf(inbox_socket, sizeof(inbox_socket), "%s/socket", inbox_dir);
	return 0;
}

int inbox_stage_close(void **state)
{
	char command[96];

	(void)state;
	stage_close();
	snprintf(command, sizeof(command), "rm -r %s", inbox_dir);
	return system(command);
}

bool inbox_exchange_waits(void *arg)
{
	(void)arg;
	return kms_waiting() > 0;
}

void inbox_arrives(const char *branch, const char *rest)
{
	hop_sends(inbox_message(branch, rest));
	if (!loop_until(inbox_exchange_waits, NULL, 10000))
		fail_msg("the KMS was not asked");
	kms_answers();
}

void inbox_answered(const char *line)
{
	hop_gets();
	first_line_is(line);
}
