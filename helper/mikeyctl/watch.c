// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Following the refusals that mikey_ticket.ko tells to its multicast group.
 * The socket is one of its own: notifications that overflow it must not cost
 * the answer to a request.
 */
#include <errno.h>
#include <linux/genetlink.h>
#include <netlink/attr.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "helper/mikeyctl/command.h"
#include "helper/mikeyctl/output.h"
#include "uapi/mikey_ticket.h"

/* Room for a burst of refusals while the terminal is slow. */
#define RECEIVE_BUFFER (1024 * 1024)

struct watch {
	bool as_json;
	uint64_t left;		/* refusals still to show, 0 for all */
	bool done;
	bool gone;		/* the module was unloaded, and the group with it */
};

static void print_json(int64_t now, uint32_t uid, int error, const char *reason, size_t len)
{
	/* one line each, so that programs can read along */
	struct json json = { .file = stdout, .line = true };

	json_object(&json, NULL);
	json_number(&json, "time", now);
	json_count(&json, "uid", uid);
	json_string(&json, "error", error ? strerrorname_np(-error) : NULL);
	json_text(&json, "reason", reason, len);
	json_object_end(&json);
}

static void print_line(int64_t now, uint32_t uid, int error, const char *reason, size_t len)
{
	const char *name = strerrorname_np(-error);

	output_time(stdout, now);
	printf(" uid %u %s: ", uid, name ? name : "-");
	output_text(stdout, reason, len);
	putchar('\n');
}

/* Does a message of genetlink itself tell that our family went? */
static bool is_farewell(struct nlmsghdr *message)
{
	struct nlattr *attrs[CTRL_ATTR_MAX + 1];

	return genlmsg_hdr(message)->cmd == CTRL_CMD_DELFAMILY &&
	       genlmsg_parse(message, 0, attrs, CTRL_ATTR_MAX, NULL) >= 0 &&
	       attrs[CTRL_ATTR_FAMILY_NAME] &&
	       !nla_strcmp(attrs[CTRL_ATTR_FAMILY_NAME], MIKEY_TICKET_GENL_NAME);
}

static int show(struct nl_msg *message, void *arg)
{
	struct nlattr *attrs[MIKEY_TICKET_A_MAX + 1], *reason;
	struct nlmsghdr *header = nlmsg_hdr(message);
	struct watch *watch = arg;
	int64_t now = time(NULL);
	uint32_t uid = 0;
	int error = 0;

	if (header->nlmsg_type == GENL_ID_CTRL) {
		watch->gone = is_farewell(header);
		watch->done = watch->gone;
		return watch->done ? NL_STOP : NL_SKIP;
	}
	if (genlmsg_hdr(header)->cmd != MIKEY_TICKET_CMD_REFUSED ||
	    genlmsg_parse(header, 0, attrs, MIKEY_TICKET_A_MAX, NULL) < 0)
		return NL_SKIP;
	reason = attrs[MIKEY_TICKET_A_REASON];
	if (!reason)
		return NL_SKIP;
	if (attrs[MIKEY_TICKET_A_UID] && nla_len(attrs[MIKEY_TICKET_A_UID]) >= 4)
		uid = nla_get_u32(attrs[MIKEY_TICKET_A_UID]);
	if (attrs[MIKEY_TICKET_A_ERROR] && nla_len(attrs[MIKEY_TICKET_A_ERROR]) >= 4)
		error = nla_get_s32(attrs[MIKEY_TICKET_A_ERROR]);
	(watch->as_json ? print_json : print_line)(now, uid, error, nla_data(reason),
						   strnlen(nla_data(reason), nla_len(reason)));
	fflush(stdout);
	watch->done = ferror(stdout) || (watch->left && !--watch->left);
	return watch->done ? NL_STOP : NL_OK;
}

static int follow(struct nl_sock *socket, struct watch *watch, struct problem *problem)
{
	int err, group;

	nl_socket_disable_seq_check(socket);
	err = genl_connect(socket);
	if (err < 0)
		return problem_set(problem, -EIO, "netlink socket: %s", nl_geterror(err));
	group = genl_ctrl_resolve_grp(socket, MIKEY_TICKET_GENL_NAME,
				      MIKEY_TICKET_MCGRP_REFUSALS);
	if (group < 0)
		return problem_set(problem, -ENOENT,
				   "the kernel has no family \"%s\": load the module (modprobe %s)",
				   MIKEY_TICKET_GENL_NAME, MIKEY_TICKET_GENL_NAME);
	nl_socket_set_buffer_size(socket, RECEIVE_BUFFER, 0);
	/* genetlink's own group "notify" has the number of its family */
	err = nl_socket_add_membership(socket, GENL_ID_CTRL);
	if (!err)
		err = nl_socket_add_membership(socket, group);
	if (err < 0)
		return problem_set(problem, -EIO, "joining the group \"%s\": %s",
				   MIKEY_TICKET_MCGRP_REFUSALS, nl_geterror(err));
	nl_socket_modify_cb(socket, NL_CB_VALID, NL_CB_CUSTOM, show, watch);
	while (!watch->done) {
		err = nl_recvmsgs_default(socket);
		if (err == -NLE_NOMEM)	/* ENOBUFS: the queue was full */
			fprintf(stderr, "mikeyctl: some refusals were lost\n");
		else if (err < 0 && err != -NLE_INTR)
			return problem_set(problem, -EIO, "netlink: %s", nl_geterror(err));
	}
	if (watch->gone)
		return problem_set(problem, -ENOENT, "the module %s was unloaded",
				   MIKEY_TICKET_GENL_NAME);
	return 0;
}

static int run(const struct command *command, int argc, char **argv)
{
	static const struct option options[] = {
		OPTION_HELP, OPTION_JSON,
		{ "count", required_argument, NULL, 'n' },
		{ 0 }
	};
	struct watch watch = { 0 };
	struct problem problem;
	struct nl_sock *socket;
	int option, err, code = -1;

	while ((option = command_option(command, argc, argv, options, &code)) != -1) {
		if (option == 'j')
			watch.as_json = true;
		else if (option == 'n' && !command_read_number(optarg, &watch.left))
			return command_usage(command, "--count is a number from 1");
	}
	if (code >= 0)
		return code;
	if (optind < argc)
		return command_usage(command, "takes no arguments");
	socket = nl_socket_alloc();
	if (!socket)
		err = problem_set(&problem, -ENOMEM, "no memory");
	else
		err = follow(socket, &watch, &problem);
	nl_socket_free(socket);
	return err < 0 ? command_failed(&problem) : EXIT_DONE;
}

const struct command watch_refusals = {
	.words = "watch",
	.summary = "follow what the kernel refuses",
	.help =
"usage: mikeyctl watch [--count N] [--json]\n"
"\n"
"Prints a line for each refusal worth attention (a wrong MAC, a policy that is\n"
"not acceptable, an unusable PSK): time, user, error, reason.\n"
"\n"
"  --count N  end after N of them\n"
"  --json     one JSON object in each line\n",
	.run = run,
};
