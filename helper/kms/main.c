// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * mikey-kms, the key management service of MIKEY-TICKET (TS 33.328 Annex A,
 * RFC 6043): finds the subcommand and keeps keys out of core dumps.
 */
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "helper/kms/commands.h"
#include "helper/lib/version.h"

const struct kms_command kms_commands[] = {
	{ "init", "[--token URI]\n\n"
	  "Make a new store and the key that its secrets are encrypted with.\n"
	  "Neither overwrites anything.\n\n"
	  "  --token URI       the key is wrapped by this key on a token (pkcs11:...)",
	  kms_run_init },
	{ "serve", "\n\nAnswer requests until SIGTERM.", kms_run_serve },
	{ "check-config", "[--serve] [--with-store] [--strict]\n\n"
	  "Read the configuration: all that is wrong with it, and what is odd.\n\n"
	  "  --serve           also whether it suffices to serve\n"
	  "  --with-store      also whether the store knows whom rules name\n"
	  "  --strict          warnings are errors", kms_run_check_config },
	{ "user add", "--uid UID [--uid UID]... [--psk-id ID]\n"
	  "       [--psk-in FILE | --psk-out FILE] [--suite SUITE] [--expires SECONDS]\n\n"
	  "Add a user. The PSK is made here and printed, or read.\n\n"
	  "  --uid UID         user@domain; the first also is the PSK id by default\n"
	  "  --psk-id ID       IDRpsk, the name of the PSK\n"
	  "  --psk-out FILE    write the new PSK to a new file, mode 0600\n"
	  "  --psk-in FILE     take this PSK, hexadecimal; - is standard input\n"
	  "  --suite SUITE     256 (default), 128 or ts-128\n"
	  "  --expires SECONDS refuse the PSK after so many seconds from now",
	  kms_run_user_add },
	{ "user rekey", "UID --psk-id ID [--psk-in FILE | --psk-out FILE]\n"
	  "       [--suite SUITE] [--expires SECONDS] [--drop-old]\n\n"
	  "Give a user another PSK. Tickets that the user made with the old one (mode 3)\n"
	  "can be resolved until the last of them is over; else it is of no use any more.\n\n"
	  "  --psk-id ID       IDRpsk of the new PSK, another one than the old one's\n"
	  "  --drop-old        not even that: somebody else knows the old one\n"
	  "  and those of user add", kms_run_user_rekey },
	{ "user list", "\n\nList users. No key is ever listed.", kms_run_user_list },
	{ "user show", "UID\n\nShow one user.", kms_run_user_show },
	{ "user del", "UID\n\nRemove the user with this UID, with PSK and memberships.",
	  kms_run_user_del },
	{ "group add", "--psi PSI [--member UID]... [--server UID]...\n\n"
	  "Add a group. Tickets for its PSI can be resolved by its members in profile\n"
	  "immediate, and by its list server in annex-i.\n\n"
	  "  --psi PSI         user@domain, the group's name\n"
	  "  --member UID      a user of this store\n"
	  "  --server UID      the same: the list server", kms_run_group_add },
	{ "group list", "\n\nList groups and their members.", kms_run_group_list },
	{ "group del", "PSI\n\nRemove a group.", kms_run_group_del },
	{ "group member-add", "PSI UID\n\nAdd a user to a group.", kms_run_member_add },
	{ "group member-del", "PSI UID\n\nTake a user out of a group.",
	  kms_run_member_del },
	{ "group server-add", "PSI UID\n\nMake a user the list server of a group.",
	  kms_run_server_add },
	{ "group server-del", "PSI UID\n\nTake the list server from a group.",
	  kms_run_server_del },
	{ "peer add", "--name NAME --identity URL... --domain DOMAIN... --tls-name HOST\n"
	  "       --ca FILE [--address HOST:PORT]\n\n"
	  "Add another KMS to the file of peers. mikey-kms serve reads it when it starts.\n\n"
	  "  --name NAME       how it is called here\n"
	  "  --identity URL    IDRkms in its tickets; may be repeated\n"
	  "  --domain DOMAIN   whose users it speaks for; may be repeated\n"
	  "  --tls-name HOST   the dNSName in its certificates\n"
	  "  --ca FILE         the authority that signs them, in PEM\n"
	  "  --address ADDR    where it is asked; without, it only asks",
	  kms_run_peer_add },
	{ "peer list", "\n\nList the other KMSs that there are.", kms_run_peer_list },
	{ "peer del", "NAME\n\nTake one out of the file of peers.", kms_run_peer_del },
	{ "rekey-store", "--new-key FILE [--token URI]\n\n"
	  "Encrypt the store's secrets under another key, all of them or none. Processes\n"
	  "that serve it end, and are started with the new key.\n\n"
	  "  --new-key FILE    made if it is not there\n"
	  "  --token URI       the new key is wrapped by this key on a token (pkcs11:...)",
	  kms_run_rekey_store },
	{ "import users", "[--psk-out FILE] FILE\n\n"
	  "Add users from a file, CSV with the columns uids (separated by blanks), psk_id,\n"
	  "suite, expires, psk (hexadecimal), or JSON of the same names, an object a line.\n"
	  "Those that are there just so are passed over: an import that was interrupted\n"
	  "can be run again. A fault of form anywhere changes nothing.\n\n"
	  "  --psk-out FILE    make PSKs where there is none, and write them to a new file",
	  kms_run_import_users },
	{ "import groups", "FILE\n\n"
	  "Add groups and members from a file, CSV with the columns psi, role (member or\n"
	  "server) and uid, or JSON of the same names, an object a line.", kms_run_import_groups },
	{ "export users", "[--out FILE] [--with-psks]\n\n"
	  "Write what import users reads; with --json an object a line.\n\n"
	  "  --out FILE        into a new file, mode 0600\n"
	  "  --with-psks       PSKs in the clear, too; wants --out", kms_run_export_users },
	{ "export groups", "[--out FILE]\n\nWrite what import groups reads.",
	  kms_run_export_groups },
	{ "backup", "FILE\n\nWrite the store into a new file, keys as they are sealed in it.",
	  kms_run_backup },
	{ "restore", "FILE\n\n"
	  "Make a new store of a backup, in whichever database. Its key is that of the\n"
	  "old one. Requests are refused until the skew has passed.", kms_run_restore },
	{ "policy show", "\n\nShow the policy in force: who may ask for what, and what is granted.",
	  kms_run_policy },
	{ "policy test", "FROM TO...\n"
	  "       [--profile PROFILE] [--mode MODE] [--suite SUITE] [--flags FLAGS]\n"
	  "       [--lifetime SECONDS] [--rekey SECONDS]\n\n"
	  "Say what FROM is granted who asks for a ticket for TO, and which rules decide.\n"
	  "Exit status 1: it is refused.\n\n"
	  "  --profile PROFILE immediate (default) or annex-i\n"
	  "  --mode MODE       kms (default), or initiator: whether it would be resolved\n"
	  "  --suite SUITE     of FROM's PSK: 256 (default), 128 or ts-128\n"
	  "  --flags FLAGS     J0, J1, E0, E1 (J1,E1)\n"
	  "  --lifetime SECONDS  validity from now (3600)\n"
	  "  --rekey SECONDS   rekeying interval (TRr); none by default",
	  kms_run_policy_test },
	{ "policy", "\n\nThe same as policy show.", kms_run_policy },
	{ "tpk list", "\n\nList the ticket protection keys by name.", kms_run_tpk_list },
	{ "tpk rotate", "\n\nMake a new key for new tickets; old ones stay until their\n"
	  "last ticket is over.", kms_run_tpk_rotate },
	{ "tpk show", "NAME\n\nShow one ticket protection key: when it was made, whether new\n"
	  "tickets are made with it, whether it was revoked.", kms_run_tpk_show },
	{ "tpk revoke", "NAME\n\nRefuse all tickets under this key from now on, and remove\n"
	  "the key. If new tickets are made with it, another one is made for them.",
	  kms_run_tpk_revoke },
	{ "audit verify", "[--anchor SEQ:HASH]\n\n"
	  "Read the audit trail and say what was changed in it.\n\n"
	  "  --anchor SEQ:HASH what \"audit head\" printed once: this line must be there",
	  kms_run_audit_verify },
	{ "audit head", "\n\nPrint number and hash of the last line, to keep elsewhere.",
	  kms_run_audit_head },
	{ "audit show", "[--since TIME] [--until TIME] [--event EVENT]\n"
	  "       [--name NAME] [--refused]\n\n"
	  "Show lines of the audit trail.\n\n"
	  "  --since TIME      from this time on: 2026-01-31, \"2026-01-31 12:00:00\"\n"
	  "                    (UTC) or seconds since 1970\n"
	  "  --until TIME      before this time\n"
	  "  --event EVENT     request, resolve, command, outcome, start, ...\n"
	  "  --name NAME       with this PSK id or UID in any role\n"
	  "  --refused         only what was refused or failed",
	  kms_run_audit_show },
	{ "replay reset", "\n\nBegin the replay record anew, after a store was restored or the\n"
	  "clock was wrong. Requests are refused until the skew has passed.",
	  kms_run_replay_reset },
	{ "ticket inspect", "[--reveal-keys] FILE\n\n"
	  "Show the policy of the ticket in a MIKEY message (binary or base64).\n"
	  "For tests and demonstrations.\n\n"
	  "  --reveal-keys     also print its keys, which the store key opens",
	  kms_run_ticket_inspect },
};

const size_t kms_num_commands = ARRAY_SIZE(kms_commands);

static void overview(FILE *f)
{
	size_t i;

	fputs("Usage: mikey-kms COMMAND [OPTIONS]\n\nCommands:\n", f);
	for (i = 0; i < kms_num_commands; i++)
		fprintf(f, "  %s\n", kms_commands[i].name);
	fputs("\nmikey-kms COMMAND --help says more; so does mikey-kms(8).\n"
	      "mikey-kms --version tells the version.\n", f);
}

/* How many arguments the name of @c takes up, or 0 if it is not the one. */
static int words_of(const struct kms_command *c, int argc, char **argv)
{
	const char *space = strchr(c->name, ' ');
	size_t first = space ? (size_t)(space - c->name) : strlen(c->name);

	if (argc < 2 || strlen(argv[1]) != first ||
	    strncmp(argv[1], c->name, first))
		return 0;
	if (!space)
		return 1;
	return argc > 2 && !strcmp(argv[2], space + 1) ? 2 : 0;
}

/*
 * Options may stand before the command, too: "--config FILE serve". They are
 * moved behind its name.
 */
static int leading_options(int argc, char **argv)
{
	int at = 1;

	while (at < argc && !strncmp(argv[at], "--", 2) &&
	       strcmp(argv[at], "--help"))
		at += strchr(argv[at], '=') || !strcmp(argv[at], "--json") ? 1 : 2;
	return at < argc ? at - 1 : 0;
}

static int run(const struct kms_command *c, int argc, char **argv, int leading,
	       int words)
{
	char **args = calloc(argc + 1, sizeof(*args));
	int num, status;

	if (!args)
		return KMS_EXIT_FAILED;
	num = 0;
	args[num++] = argv[leading + words];
	memcpy(args + num, argv + 1, leading * sizeof(*args));
	num += leading;
	memcpy(args + num, argv + 1 + leading + words,
	       (argc - 1 - leading - words) * sizeof(*args));
	num += argc - 1 - leading - words;
	status = c->run(c, num, args);
	free(args);
	return status;
}

int main(int argc, char **argv)
{
	struct rlimit no_core = { 0, 0 };
	int leading, words;
	size_t i;

	prctl(PR_SET_DUMPABLE, 0);
	setrlimit(RLIMIT_CORE, &no_core);
	if (argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "help"))) {
		overview(stdout);
		return KMS_EXIT_DONE;
	}
	if (argc > 1 && !strcmp(argv[1], "--version")) {
		puts("mikey-kms " MIKEY_RELEASE);
		return KMS_EXIT_DONE;
	}
	leading = leading_options(argc, argv);
	for (i = 0; i < kms_num_commands; i++) {
		words = words_of(&kms_commands[i], argc - leading,
				 argv + leading);
		if (words)
			return run(&kms_commands[i], argc, argv, leading, words);
	}
	if (argc > 1 + leading)
		fprintf(stderr, "mikey-kms: there is no command \"%s%s%s\"\n",
			argv[1 + leading], argc > 2 + leading ? " " : "",
			argc > 2 + leading ? argv[2 + leading] : "");
	overview(stderr);
	return KMS_EXIT_USAGE;
}
