# SPDX-License-Identifier: GPL-2.0-or-later
LIBRARIES += mikeyd-core
mikeyd-core_SRCS := $(addprefix helper/mikeyd/,bodyparts.c branch.c check.c circular.c client.c deadline.c \
	entity.c envelope.c framing.c history.c immediate.c inbox.c inbox_command.c inbox_file.c inbox_hook.c inbox_json.c inbox_memory.c \
	inbox_message.c inbox_sip.c inbox_socket.c inbox_store.c inbox_user.c incoming.c jiffies.c kms.c \
	listbody.c listserver.c listserver_group.c listserver_uris.c mailing.c mimehead.c \
	multipart.c outgoing.c owner.c pathmtu.c proxy.c psk.c record.c recipients.c reload.c route.c sealing.c sender.c \
	server.c sipaddr.c sipfault.c siphead.c sipmsg.c siptime.c siptls.c standing.c state.c stream.c \
	tickets.c token.c transaction.c transport.c user.c verdict.c verified.c wayback.c)
# Offline
mikeyd-core_SRCS += helper/mikeyd/sql.c $(addprefix helper/mikeyd/queue,.c bundle.c clock.c fate.c \
	flight.c lane.c read.c store.c text.c)
# Commands and counters
mikeyd-core_SRCS += $(addprefix helper/mikeyd/,command_socket.c control.c counters.c txn.c)
mikeyd-core_PKGS := libre libcurl gmime-3.0 expat libkeyutils libssl libcrypto sqlite3 jansson

PROGRAMS += mikeyd
mikeyd_SRCS := helper/mikeyd/main.c helper/mikeyd/heap.c
mikeyd_PKGS := libre
mikeyd_LIBS := mikeyd-core mikeyhelper
