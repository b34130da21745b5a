/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mikey-kms.conf(5), checked when it is read so that each fault is reported
 * with its file and line.
 */
#ifndef HELPER_KMS_CONFIG_H
#define HELPER_KMS_CONFIG_H

#include <sys/socket.h>

#include "helper/kms/bsf.h"
#include "helper/kms/fault.h"
#include "helper/kms/peers.h"
#include "helper/kms/source.h"
#include "helper/lib/problem.h"

#define KMS_CONFIG_DEFAULT_FILE "/etc/mikey-mime/mikey-kms.conf"
#define KMS_CONFIG_DEFAULT_STORE "/var/lib/mikey-kms/store"
#define KMS_CONFIG_DEFAULT_KEY "/etc/mikey-mime/mikey-kms.key"
/* Of a store that is no file; else the store's name with ".audit" behind it. */
#define KMS_CONFIG_DEFAULT_AUDIT "/var/lib/mikey-kms/audit"
#define KMS_CONFIG_NO_AUDIT "none"

/*
 * Names in policy = { }: wildcards, ended by NULL, and modes by their number, or
 * NULL.
 */
#define KMS_WILDCARDS (KMS_WILDCARDS_ANY + 1)
#define KMS_MODES (MIKEY_MODE_INITIATOR + 1)
extern const char *const kms_wildcard_names[KMS_WILDCARDS + 1];
extern const char *const kms_mode_names[KMS_MODES];

/* An address to listen at. */
struct kms_listen {
	bool tls;
	bool peers;			/* only for Zk */
	char *text;			/* as it was written */
	struct sockaddr_storage address;
};

struct kms_config {
	char *store;
	char *store_key;
	struct kms_policy policy;
	char **identities;
	struct kms_rule *rules;
	struct kms_sources sources;	/* whose names the rules' places have */
	struct kms_listen *listen;
	size_t num_listen;
	struct kms_listen admin;	/* without @text: nowhere */
	char *certificate;
	char *private_key;
	char *peers_file;
	struct kms_peers peers;
	char *peer_certificate;		/* NULL: as for users */
	char *peer_private_key;
	s64 peer_timeout;		/* seconds */
	s64 peer_requests;
	struct kms_bsf_config bsf;
	char *audit;			/* NULL: the default; KMS_CONFIG_NO_AUDIT */
	bool audit_sync;
	bool audit_must;		/* be written, or nothing is answered */
	s64 audit_segment;		/* KiB */
	s64 tpk_lifetime;
	s64 threads;
	s64 max_connections;
	s64 max_per_address;
	s64 request_timeout;		/* seconds */
	s64 address_rate;		/* requests each second; 0: no limit */
	s64 address_burst;
	s64 psk_rate;
	s64 psk_burst;
	int log_level;
};

/**
 * kms_config_read() - read and check a file
 * @file: NULL for the defaults, which suffice for all but serving
 *
 * Return: 0 or a negative errno with words that name file and line.
 */
int kms_config_read(struct kms_config *config, const char *file,
		    struct problem *problem);

/**
 * kms_config_check() - the same, with all that is wrong and all that is odd
 * @faults: filled in; of errors @problem has the first
 *
 * Return: 0, where there may be warnings, or a negative errno.
 */
int kms_config_check(struct kms_config *config, const char *file,
		     struct kms_faults *faults, struct problem *problem);

/* What a KMS needs to serve, and only that: 0 or -EINVAL with words. */
int kms_config_can_serve(const struct kms_config *config,
			 struct problem *problem);

/* The same, more @faults. */
void kms_config_check_serve(const struct kms_config *config,
			    struct kms_faults *faults);

void kms_config_free(struct kms_config *config);

#endif
