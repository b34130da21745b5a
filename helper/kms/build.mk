# SPDX-License-Identifier: GPL-2.0-or-later
#
# mikeykms is the core: messages in, messages out. mikeykmsd is what surrounds
# it in the program: store, HTTP, configuration, commands.
LIBRARIES += mikeykms mikeykmsd
mikeykms_SRCS := $(addprefix helper/kms/,crypto.c error.c handle.c held.c issue.c \
	limit.c minted.c policy.c resolve.c rule.c ticket.c zk.c zk_reply.c)
mikeykms_PKGS := libcrypto
mikeykmsd_SRCS := $(addprefix helper/kms/,batch.c bsf.c bsf_answer.c command_check.c command_group.c \
	command_peer.c command_policy.c command_policy_test.c command_serve.c \
	command_store.c command_ticket.c command_tpk.c \
	command_user.c commands.c config.c config_listen.c config_policy.c config_rules.c config_serve.c config_terms.c \
	database.c event.c fault.c gba.c groups.c http.c http_admin.c http_connection.c http_reply.c \
	http_request.c keyfile.c listener.c metrics.c peer_tls.c peer_trust.c peers.c pool.c reload.c remote.c schema.c \
	seal.c sql.c sql_pgsql.c sql_pgsql_many.c sql_sqlite.c source.c status.c store_sql.c textfile.c tpks.c users.c users_import.c watch.c zk_client.c)
mikeykmsd_PKGS := libcrypto libcurl expat gnutls libconfig libmicrohttpd libpq sqlite3

# The store's copies: files that go in and come out.
mikeykmsd_SRCS += $(addprefix helper/kms/,backup.c command_backup.c command_export.c \
	command_import.c command_rekey.c progress.c rekey.c rows.c token.c)
mikeykmsd_PKGS += jansson

# The audit trail.
mikeykmsd_SRCS += $(addprefix helper/kms/,audit.c audit_line.c audit_record.c \
	audit_verify.c command_audit.c json.c)

PROGRAMS += mikey-kms
mikey-kms_SRCS := helper/kms/main.c
mikey-kms_LIBS := mikeykmsd mikeykms mikeyhelper mikeywire
