// SPDX-License-Identifier: GPL-2.0-or-later
/* Running libre's loop from a test. */
#include "tests/unit/helper/loop.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <unistd.h>

#define POLL_MS 2

#define PORTS_FROM 10000
#define PORTS 20000

static bool (*until)(void *arg);
static void *until_arg;
static bool reached;
static uint64_t deadline;
static struct tmr poll_timer;

static void look(void *arg)
{
	(void)arg;
	reached = until && until(until_arg);
	if (reached || tmr_jiffies() >= deadline)
		re_cancel();
	else
		tmr_start(&poll_timer, POLL_MS, look, NULL);
}

bool loop_until(bool (*condition)(void *arg), void *arg, unsigned int ms)
{
	until = condition;
	until_arg = arg;
	reached = false;
	deadline = tmr_jiffies() + ms;
	tmr_start(&poll_timer, 0, look, NULL);
	assert_int_equal(re_main(NULL), 0);
	tmr_cancel(&poll_timer);
	return reached;
}

void loop_for(unsigned int ms)
{
	loop_until(NULL, NULL, ms);
}

int loop_timers(void)
{
	const char *at;
	char *text;
	int n = 0;

	assert_int_equal(re_sdprintf(&text, "%H", tmr_status, NULL), 0);
	for (at = text; (at = strstr(at, "th=")); at++)
		n++;
	mem_deref(text);
	return n;
}

/*
 * Not one that the kernel gives to whoever connects: until it is bound for good
 * another program could have got it.
 */
uint16_t loop_free_port(void)
{
	static unsigned int tried;
	struct sockaddr_in in = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};

	for (;;) {
		int udp = socket(AF_INET, SOCK_DGRAM, 0), tcp = socket(AF_INET, SOCK_STREAM, 0);
		bool both;

		in.sin_port = htons(PORTS_FROM + (getpid() * 61 + tried++) % PORTS);
		both = !bind(tcp, (struct sockaddr *)&in, sizeof(in)) &&
			!bind(udp, (struct sockaddr *)&in, sizeof(in));
		close(tcp);
		close(udp);
		if (both)
			return ntohs(in.sin_port);
	}
}

int loop_connect(uint16_t port)
{
	struct sockaddr_in in = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons(port),
	};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	return fd;
}

int loop_open(void **state)
{
	(void)state;
	signal(SIGPIPE, SIG_IGN);
	tmr_init(&poll_timer);
	return libre_init() || fd_setsize(1024);
}

int loop_close(void **state)
{
	struct memstat memory;

	(void)state;
	libre_close();
	/* the statistics exist only where libre was built with them */
	if (!mem_get_stat(&memory))
		assert_int_equal(memory.blocks_cur, 0);
	return 0;
}
