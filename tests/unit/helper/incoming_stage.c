// SPDX-License-Identifier: GPL-2.0-or-later
/* What the network sends to a registered client, and what comes of it. */
#include "tests/unit/helper/incoming_stage.h"

const char *message_from(const char *from, const char *branch, const char *rest)
{
	static char text[4096];

	snprintf(text, sizeof(text), "MESSAGE sip:bob@127.0.0.1 SIP/2.0\r\n"
		 "Via: SIP/2.0/UDP 127.0.0.1:$H;branch=z9hG4bK%s;rport\r\nRoute: <$P>\r\n"
		 "From: <sip:%s>;tag=f\r\nTo: <sip:bob@example.test>\r\nCall-ID: %s\r\n"
		 "CSeq: 1 MESSAGE\r\nSubject: s\r\n%s", branch, from, branch, rest);
	return text;
}

const char *message(const char *branch, const char *rest)
{
	return message_from("alice@example.test", branch, rest);
}

int open_with(const char *more)
{
	kernel_reset();
	stage_open(more);
	client_registers("bob");
	return 0;
}

int open_stage(void **state)
{
	(void)state;
	return open_with("group = [\"team@example.test\"];\n");
}

int close_stage(void **state)
{
	(void)state;
	stage_close();
	return 0;
}

void refused(const char *line)
{
	hop_gets();
	first_line_is(line);
	/* outside nobody is told what failed */
	assert_string_equal(header("Warning", 0), "");
	silence();
}

void opened(const char *branch, const char *rest)
{
	hop_sends(message(branch, rest));
	kms_gets(1);
	kms_answers();
	client_gets();
}

void answered_by_the_client(const char *status)
{
	char line[64];

	client_sends(answer(status));
	hop_gets();
	snprintf(line, sizeof(line), "SIP/2.0 %s", status);
	first_line_is(line);
}
