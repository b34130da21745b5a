# SPDX-License-Identifier: GPL-2.0-or-later
LIBRARIES += mikeyd-core
mikeyd-core_SRCS := $(addprefix helper/mikeyd/,answers.c bodyparts.c check.c entity.c \
	incoming.c kms.c listbody.c mailing.c mimehead.c multipart.c outgoing.c owner.c proxy.c \
	psk.c recipients.c route.c sipmsg.c stream.c tickets.c token.c transaction.c transport.c verdict.c)
mikeyd-core_PKGS := libre libcurl gmime-3.0 expat libkeyutils libcrypto

PROGRAMS += mikeyd
mikeyd_SRCS := helper/mikeyd/main.c
mikeyd_PKGS := libre
mikeyd_LIBS := mikeyd-core mikeyhelper
