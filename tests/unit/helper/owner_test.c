// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Whose socket is it: with true sockets of this and, as root, of another user.
 * Skipped where the kernel has no socket diagnosis.
 */
#include "tests/unit/helper/loop.h"

#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "helper/mikeyd/owner.h"

#define OTHER_USER 65533

static struct {
	struct transport *transport;
	struct config config;
	struct config_user user;
	struct owner *owner;
	struct sa local;
	unsigned int accepted;
} here;

static void ignore_message(const struct flow *flow, struct sip_msg *msg, void *arg)
{
	(void)flow;
	(void)msg;
	(void)arg;
}

static void ignore_failure(const struct flow *flow, int err, void *arg)
{
	(void)flow;
	(void)err;
	(void)arg;
}

static bool accept_all(const struct flow *flow, void *arg)
{
	(void)flow;
	(void)arg;
	return true;
}

static int open_owner(void **state)
{
	const struct transport_handlers handlers = {
		.recv = ignore_message,
		.large = ignore_message,
		.fail = ignore_failure,
		.accept = accept_all,
	};
	struct problem problem;
	int err;

	(void)state;
	memset(&here, 0, sizeof(here));
	sa_set_str(&here.local, "127.0.0.1", loop_free_port());
	if (transport_alloc(&here.transport, &handlers))
		return -1;
	for (enum sip_transp tp = SIP_TRANSP_UDP; tp <= SIP_TRANSP_TCP; tp++)
		if (transport_listen(here.transport, SIDE_INSIDE, tp, &here.local, &problem))
			return -1;
	here.config.users = &here.user;
	here.config.n_users = 1;
	err = owner_open(&here.owner, &here.config, here.transport, &problem);
	return err && err != -EOPNOTSUPP ? -1 : 0;
}

static int close_owner(void **state)
{
	(void)state;
	owner_close(here.owner);
	mem_deref(here.transport);
	return 0;
}

static void need_diagnosis(void)
{
	if (!here.owner)
		skip();
}

/* A socket of this process, bound or connected to us. */
static int client_socket(struct flow *flow, enum sip_transp tp)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	socklen_t len = sizeof(in);
	int fd = socket(AF_INET, tp == SIP_TRANSP_UDP ? SOCK_DGRAM : SOCK_STREAM, 0);

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	if (tp == SIP_TRANSP_TCP)
		assert_int_equal(connect(fd, &here.local.u.sa, here.local.len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &len), 0);
	flow->side = SIDE_INSIDE;
	flow->tp = tp;
	sa_set_sa(&flow->peer, (struct sockaddr *)&in);
	return fd;
}

/* The same in a child that is another user; its pid. */
static pid_t other_user(struct flow *flow, enum sip_transp tp)
{
	int ends[2];
	pid_t child;

	assert_int_equal(pipe(ends), 0);
	child = fork();
	if (!child) {
		if (setuid(OTHER_USER))
			_exit(1);
		client_socket(flow, tp);
		if (write(ends[1], flow, sizeof(*flow)) < 0)
			_exit(1);
		pause();
		_exit(0);
	}
	assert_int_equal(read(ends[0], flow, sizeof(*flow)), sizeof(*flow));
	close(ends[0]);
	close(ends[1]);
	return child;
}

static void own_sockets(void **state)
{
	struct flow flow;
	int fd;

	(void)state;
	need_diagnosis();
	for (enum sip_transp tp = SIP_TRANSP_UDP; tp <= SIP_TRANSP_TCP; tp++) {
		fd = client_socket(&flow, tp);
		assert_true(owner_allows(here.owner, NULL, &flow, &here.local));
		/* a TCP connection is no listener */
		assert_int_equal(owner_listens(here.owner, NULL, &flow, &here.local),
				 tp == SIP_TRANSP_UDP);
		close(fd);
		assert_false(owner_allows(here.owner, NULL, &flow, &here.local));
		assert_false(owner_listens(here.owner, NULL, &flow, &here.local));
	}
}

static void listeners(void **state)
{
	struct flow flow = { .side = SIDE_INSIDE, .tp = SIP_TRANSP_TCP };
	struct sockaddr_in in = { .sin_family = AF_INET };
	socklen_t len = sizeof(in);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	(void)state;
	need_diagnosis();
	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &len), 0);
	sa_set_sa(&flow.peer, (struct sockaddr *)&in);
	assert_true(owner_listens(here.owner, NULL, &flow, &here.local));
	assert_false(owner_allows(here.owner, NULL, &flow, &here.local));
	close(fd);
}

static void sockets_of_others(void **state)
{
	unsigned int listed = OTHER_USER;
	struct flow flow;
	pid_t child;

	(void)state;
	need_diagnosis();
	if (geteuid())
		skip();
	for (enum sip_transp tp = SIP_TRANSP_UDP; tp <= SIP_TRANSP_TCP; tp++) {
		child = other_user(&flow, tp);
		assert_false(owner_allows(here.owner, NULL, &flow, &here.local));
		assert_false(owner_listens(here.owner, NULL, &flow, &here.local));
		here.user.client_users = &listed;
		here.user.n_client_users = 1;
		assert_true(owner_allows(here.owner, NULL, &flow, &here.local));
		here.user.n_client_users = 0;
		here.user.any_client_user = true;
		assert_true(owner_allows(here.owner, NULL, &flow, &here.local));
		here.user.any_client_user = false;
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
		/* what it left behind shows as root's, and is not */
		assert_false(owner_allows(here.owner, NULL, &flow, &here.local));
	}
}

static void other_machines(void **state)
{
	struct flow flow = { .side = SIDE_INSIDE, .tp = SIP_TRANSP_UDP };

	(void)state;
	need_diagnosis();
	sa_set_str(&flow.peer, "192.0.2.1", 5060);
	assert_true(owner_allows(here.owner, NULL, &flow, &here.local));
	flow.tp = SIP_TRANSP_TCP;
	assert_true(owner_allows(here.owner, NULL, &flow, &here.local));
	assert_true(owner_listens(here.owner, NULL, &flow, &here.local));
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, open_owner, close_owner)
	const struct CMUnitTest tests[] = {
		EACH(own_sockets),
		EACH(listeners),
		EACH(sockets_of_others),
		EACH(other_machines),
	};

	return cmocka_run_group_tests(tests, loop_open, loop_close);
}
