// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * mikeyd: the outbound proxy of users' SIP clients, which protects the
 * MESSAGEs that leave and opens those that arrive. See mikeyd(8).
 *
 * It holds no key: PSK and tickets are the kernel's, which does all the
 * cryptography. What it does hold for a moment is the text of messages.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "helper/lib/keyring.h"
#include "helper/lib/log.h"
#include "helper/lib/netlink.h"
#include "helper/lib/version.h"
#include "helper/mikeyd/check.h"
#include "helper/mikeyd/circular.h"
#include "helper/mikeyd/control.h"
#include "helper/mikeyd/mikeyd.h"
#include "helper/mikeyd/owner.h"
#include "helper/mikeyd/proxy.h"
#include "helper/mikeyd/reload.h"
#include "helper/mikeyd/siptls.h"
#include "helper/mikeyd/standing.h"
#include "helper/mikeyd/token.h"
#include "helper/mikeyd/user.h"
#include "uapi/mikey_mime.h"

#define DESCRIPTORS_MAX 1024

/* For the service manager, to which it says not to start mikeyd again. */
#define EXIT_HOPELESS 2

static const char usage[] =
	"Usage: mikeyd [-v] [-f FILE] [--check]\n"
	"Protect the SIP MESSAGEs of a user's client with MIKEY-TICKET.\n"
	"\n"
	"  -f, --config FILE  configuration (" CONFIG_DEFAULT_FILE ")\n"
	"      --check        try everything, the KMS included, and end\n"
	"  -v, --verbose      tell more than the configuration says\n"
	"      --help         this\n"
	"      --version      version of this program\n";

struct options {
	const char *file;
	bool check, verbose;
};

/* Returns an exit status, or -1 to go on. */
static int read_options(struct options *options, int argc, char **argv)
{
	static const struct option names[] = {
		{ "config", required_argument, NULL, 'f' },
		{ "check", no_argument, NULL, 'c' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 }
	};
	int option;

	while ((option = getopt_long(argc, argv, "f:v", names, NULL)) != -1) {
		switch (option) {
		case 'f':
			options->file = optarg;
			break;
		case 'c':
			options->check = true;
			break;
		case 'v':
			options->verbose = true;
			break;
		case 'h':
			fputs(usage, stdout);
			return 0;
		case 'V':
			puts("mikeyd " MIKEY_RELEASE);
			return 0;
		default:
			fputs("Try \"mikeyd --help\".\n", stderr);
			return 2;
		}
	}
	if (optind == argc)
		return -1;
	fprintf(stderr, "mikeyd: unexpected \"%s\"\nTry \"mikeyd --help\".\n", argv[optind]);
	return 2;
}

/* Messages in memory are nobody else's: no core dump, no ptrace, no /proc/PID/mem */
static int seal(struct problem *problem)
{
	const struct rlimit none = { 0, 0 };

	if (prctl(PR_SET_DUMPABLE, 0) || setrlimit(RLIMIT_CORE, &none))
		return problem_set(problem, -errno, "cannot forbid core dumps: %s",
				   strerror(errno));
	if (!geteuid())
		log_event(WARNING, "runs-as-root",
			  log_text("reason", "it needs not to: run it as the user of the keys"));
	signal(SIGPIPE, SIG_IGN);
	return 0;
}

static int listen_all(struct mikeyd *mikeyd, enum side side, const struct endpoint *endpoints,
		      unsigned int count, struct problem *problem)
{
	struct sa local;
	int err;

	for (unsigned int i = 0; i < count; i++) {
		sa_set_sa(&local, (const struct sockaddr *)&endpoints[i].address);
		err = transport_listen(mikeyd->transport, side,
				       flow_transport(endpoints[i].transport), &local, problem);
		/* --check beside the mikeyd that runs */
		if (err == -EADDRINUSE && mikeyd->only_check) {
			log_warning("%s: is mikeyd running?", problem->words);
			err = 0;
		}
		if (err)
			return err;
	}
	return 0;
}

static bool has_family(const struct endpoint *endpoints, unsigned int count, int family)
{
	for (unsigned int i = 0; i < count; i++)
		if (endpoints[i].address.ss_family == family)
			return true;
	return false;
}

static int open_sip(struct mikeyd *mikeyd, struct problem *problem)
{
	const struct config *config = mikeyd->config;
	struct transport_handlers handlers = proxy_handlers(mikeyd);
	struct siptls *tls;

	flow_to(&mikeyd->next_hop, SIDE_OUTSIDE, &config->next_hop);
	if (transport_alloc(&mikeyd->transport, &handlers) ||
	    transactions_alloc(&mikeyd->transactions, mikeyd->transport))
		return problem_set(problem, -ENOMEM, "no memory");
	if (siptls_open(&tls, config, problem))
		return problem->error;
	transport_use_tls(mikeyd->transport, tls);
	mem_deref(tls);
	if (listen_all(mikeyd, SIDE_INSIDE, config->inside, config->n_inside, problem) ||
	    listen_all(mikeyd, SIDE_OUTSIDE, config->outside, config->n_outside, problem))
		return problem->error;
	if (!has_family(config->outside, config->n_outside,
			config->next_hop.address.ss_family))
		return problem_set(problem, -EAFNOSUPPORT,
				   "listen-outside has no address of the next hop's family");
	return owner_open(&mikeyd->owner, config, mikeyd->transport, problem);
}

/* Each step needs those before it. */
static int open_all(struct mikeyd *mikeyd, struct problem *problem)
{
	int err;

	err = keyring_join(problem);
	err = err ?: genl_client_open(&mikeyd->ticket_client, MIKEY_TICKET_GENL_NAME, problem);
	err = err ?: genl_client_open(&mikeyd->mime_client, MIKEY_MIME_GENL_NAME, problem);
	err = err ?: check_modules(mikeyd, mikeyd->config, problem);
	err = err ?: token_open(problem);
	err = err ?: users_open(mikeyd, problem);
	err = err ?: open_sip(mikeyd, problem);
	return err ?: users_go_on(mikeyd, problem);
}

static void close_all(struct mikeyd *mikeyd)
{
	control_close();
	transactions_stop(mikeyd->transactions);
	circular_close(mikeyd);
	users_stop(mikeyd);
	mem_deref(mikeyd->standing);
	mem_deref(mikeyd->transactions);
	mem_deref(mikeyd->transport);
	owner_close(mikeyd->owner);
	users_close(mikeyd);
	token_close();
	genl_client_close(mikeyd->mime_client);
	genl_client_close(mikeyd->ticket_client);
	mem_deref((void *)mikeyd->config);
}

static void stop(int signal_number)
{
	log_event(INFO, "ending", log_number("signal", signal_number));
	re_cancel();
}

static int run(struct mikeyd *mikeyd, const struct options *options, struct problem *problem)
{
	struct le *le;
	int err;

	mikeyd->only_check = options->check;
	err = open_all(mikeyd, problem);
	if (err)
		return err;
	if (options->check) {
		err = check_kms(mikeyd, problem);
		if (!err)
			printf("mikeyd: %s: modules, PSK, KMS and addresses are fine\n",
			       mikeyd->config->file);
		return err;
	}
	LIST_FOREACH(&mikeyd->users, le) {
		const struct user *user = le->data;

		log_event(INFO, "ready", log_text("user", user->config->identities[0].text),
			  log_text("psk", user->config->psk));
	}
	err = standing_open(&mikeyd->standing, mikeyd->transport, &mikeyd->next_hop,
			    mikeyd->config->keep_alive);
	if (err)
		return problem_set(problem, err, "no memory");
	err = control_open(mikeyd, problem) ?:
		reload_open(mikeyd, options->file, options->verbose, problem);
	if (err)
		return err;
	err = re_main(stop);
	reload_close();
	return err ? problem_set(problem, -EIO, "event loop: %s", strerror(err)) : 0;
}

/*
 * Would the next start fail alike? Addresses and names may come with the
 * network; a module, a key or a line of the configuration will not come by
 * itself.
 */
static int exit_status(int err)
{
	switch (err) {
	case 0:
		return 0;
	case -EADDRNOTAVAIL:
	case -EADDRINUSE:
	case -EHOSTUNREACH:
	case -ENETUNREACH:
	case -ENOMEM:
	case -EIO:
		return 1;
	default:
		return EXIT_HOPELESS;
	}
}

int main(int argc, char **argv)
{
	struct options options = { .file = CONFIG_DEFAULT_FILE };
	struct mikeyd mikeyd = { 0 };
	struct config *config;
	struct problem problem;
	int err;

	err = read_options(&options, argc, argv);
	if (err >= 0)
		return err;
	log_setup("mikeyd", LOG_LEVEL_INFO);
	err = seal(&problem) ?: rules_load(&config, options.file, &problem);
	if (!err) {
		log_setup("mikeyd", options.verbose ? LOG_LEVEL_DEBUG :
			  (enum log_level)config->log_level);
		mikeyd.config = config;
		/* what libre would print is in our own words already */
		dbg_init(DBG_EMERG, DBG_NONE);
		if (libre_init() || fd_setsize(DESCRIPTORS_MAX))
			err = problem_set(&problem, -ENOMEM, "libre cannot be started");
	}
	err = err ?: run(&mikeyd, &options, &problem);
	close_all(&mikeyd);
	libre_close();
	/* who asked is told in words, and a log what it can be searched for */
	if (err && options.check)
		log_error("%s", problem.words);
	else if (err)
		log_event(ERROR, "not-started", log_text("reason", problem.words));
	return exit_status(err);
}
