/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The subcommands of mikey-kms and what they share: options, opening the
 * store, JSON.
 */
#ifndef HELPER_KMS_COMMANDS_H
#define HELPER_KMS_COMMANDS_H

#include <getopt.h>
#include <stdio.h>

#include "helper/kms/admin.h"
#include "helper/kms/audit_record.h"
#include "helper/kms/config.h"
#include "helper/kms/json.h"

/* Exit status: done, refused or failed, not understood. */
enum kms_exit {
	KMS_EXIT_DONE = 0,
	KMS_EXIT_FAILED = 1,
	KMS_EXIT_USAGE = 2,
};

/**
 * struct kms_command - one subcommand
 * @name: "user add"
 * @usage: what follows the name, then what it does, for --help
 * @run: given the arguments behind the name, argv[0] being the last word
 */
struct kms_command {
	const char *name;
	const char *usage;
	enum kms_exit (*run)(const struct kms_command *self, int argc,
			     char **argv);
};

extern const struct kms_command kms_commands[];
extern const size_t kms_num_commands;

/* Values of the options that most subcommands have. */
struct kms_common {
	const char *config_file;
	const char *store;
	const char *store_key;
	bool json;
};

#define KMS_OWN_OPTIONS_MAX 8

/**
 * kms_next_option() - getopt_long() that takes the common options itself
 * @options: the command's own, at most KMS_OWN_OPTIONS_MAX, ended by a NULL
 *	name; or NULL
 * @exit_status: set when the command is to end with it
 *
 * Return: an option of the command's own; -1 at the end; -2 to end.
 */
int kms_next_option(const struct kms_command *self, int argc, char **argv,
		    const struct option *options, struct kms_common *common,
		    enum kms_exit *exit_status);

/*
 * Is argv[optind + @num] the end? If not, a word too many is named. Return: false
 * when the command is to end with @exit_status.
 */
bool kms_no_more(const struct kms_command *self, int argc, char **argv, int num,
		 enum kms_exit *exit_status);

/* The common options, and nothing else. Return: false when the command is to end. */
bool kms_no_arguments(const struct kms_command *self, int argc, char **argv,
		      struct kms_common *common, enum kms_exit *exit_status);

/* "mikey-kms NAME: words", and what to do about it. KMS_EXIT_USAGE. */
__attribute__((format(printf, 2, 3)))
enum kms_exit kms_misused(const struct kms_command *self, const char *format,
			  ...);

/* The problem's words on standard error. KMS_EXIT_FAILED. */
enum kms_exit kms_failed(const struct problem *problem);

/*
 * A configuration and the store that it (or the options) name. @configured:
 * there was a file, @config_file, rather than defaults.
 */
struct kms_opened {
	bool configured;
	const char *config_file;
	struct kms_config config;
	struct kms_audit *audit;
	struct kms_seal *seal;
	struct kms_database *database;
};

int kms_open_config(struct kms_opened *o, const struct kms_common *common,
		    struct problem *problem);
int kms_open_store(struct kms_opened *o, const struct kms_common *common,
		   struct problem *problem);

/* kms_open_config() with all that is wrong, or odd. */
int kms_open_config_with(struct kms_opened *o, const struct kms_common *common,
			 struct kms_faults *faults, struct problem *problem);

/* Behind kms_open_config(): the store alone, which is only read. */
int kms_attach_store(struct kms_opened *o, struct problem *problem);

void kms_close(struct kms_opened *o);

/*
 * Put an audited command down before it does anything; part of
 * kms_open_store().
 */
int kms_open_audit(struct kms_opened *o, struct problem *problem);

/* Its folder, for the caller to free; NULL if there is to be no trail. */
char *kms_config_audit_path(const struct kms_config *config);

/* The trail of this configuration; NULL without words if there is to be none. */
struct kms_audit *kms_config_audit(const struct kms_config *config,
				   struct problem *problem);

/* A UID argument, with words for a malformed one. */
int kms_uid_argument(struct uid *uid, const char *text,
		     struct problem *problem);

/* "2025-01-31 12:00:00Z", or "-" for 0. */
void kms_print_time(FILE *f, s64 t);

enum kms_exit kms_run_init(const struct kms_command *self, int argc,
			   char **argv);
enum kms_exit kms_run_check_config(const struct kms_command *self, int argc,
				   char **argv);
enum kms_exit kms_run_serve(const struct kms_command *self, int argc,
			    char **argv);
enum kms_exit kms_run_user_add(const struct kms_command *self, int argc,
			       char **argv);
enum kms_exit kms_run_user_rekey(const struct kms_command *self, int argc,
				 char **argv);
enum kms_exit kms_run_user_list(const struct kms_command *self, int argc,
				char **argv);
enum kms_exit kms_run_user_show(const struct kms_command *self, int argc,
				char **argv);
enum kms_exit kms_run_user_del(const struct kms_command *self, int argc,
			       char **argv);
enum kms_exit kms_run_group_add(const struct kms_command *self, int argc,
				char **argv);
enum kms_exit kms_run_group_list(const struct kms_command *self, int argc,
				 char **argv);
enum kms_exit kms_run_group_del(const struct kms_command *self, int argc,
				char **argv);
enum kms_exit kms_run_member_add(const struct kms_command *self, int argc,
				 char **argv);
enum kms_exit kms_run_member_del(const struct kms_command *self, int argc,
				 char **argv);
enum kms_exit kms_run_server_add(const struct kms_command *self, int argc,
				 char **argv);
enum kms_exit kms_run_server_del(const struct kms_command *self, int argc,
				 char **argv);
enum kms_exit kms_run_peer_add(const struct kms_command *self, int argc,
			       char **argv);
enum kms_exit kms_run_peer_list(const struct kms_command *self, int argc,
				char **argv);
enum kms_exit kms_run_peer_del(const struct kms_command *self, int argc,
			       char **argv);
enum kms_exit kms_run_rekey_store(const struct kms_command *self, int argc,
				  char **argv);
enum kms_exit kms_run_import_users(const struct kms_command *self, int argc,
				   char **argv);
enum kms_exit kms_run_import_groups(const struct kms_command *self, int argc,
				    char **argv);
enum kms_exit kms_run_export_users(const struct kms_command *self, int argc,
				   char **argv);
enum kms_exit kms_run_export_groups(const struct kms_command *self, int argc,
				    char **argv);
enum kms_exit kms_run_backup(const struct kms_command *self, int argc,
			     char **argv);
enum kms_exit kms_run_restore(const struct kms_command *self, int argc,
			      char **argv);
enum kms_exit kms_run_policy(const struct kms_command *self, int argc,
			     char **argv);
enum kms_exit kms_run_policy_test(const struct kms_command *self, int argc,
				  char **argv);
enum kms_exit kms_run_tpk_list(const struct kms_command *self, int argc,
			       char **argv);
enum kms_exit kms_run_tpk_rotate(const struct kms_command *self, int argc,
				 char **argv);
enum kms_exit kms_run_tpk_show(const struct kms_command *self, int argc,
			       char **argv);
enum kms_exit kms_run_tpk_revoke(const struct kms_command *self, int argc,
				 char **argv);
enum kms_exit kms_run_replay_reset(const struct kms_command *self, int argc,
				   char **argv);
enum kms_exit kms_run_audit_verify(const struct kms_command *self, int argc,
				   char **argv);
enum kms_exit kms_run_audit_head(const struct kms_command *self, int argc,
				 char **argv);
enum kms_exit kms_run_audit_show(const struct kms_command *self, int argc,
				 char **argv);
enum kms_exit kms_run_ticket_inspect(const struct kms_command *self, int argc,
				     char **argv);

#endif
