# SPDX-License-Identifier: GPL-2.0-or-later
# main.c is the program; the rest is a library so that unit tests can link it.
LIBRARIES += mikeyctl-commands
mikeyctl-commands_SRCS := $(addprefix helper/mikeyctl/,command.c counts.c delivery.c fate.c inbox.c \
	keys.c letter.c mailbox.c output.c policy.c psk.c roll.c seal.c secret.c send.c \
	stats.c terminal.c ticket.c watch.c)
mikeyctl-commands_SRCS += helper/mikeyctl/queue.c helper/mikeyd/sql.c \
	$(addprefix helper/mikeyd/queue,clock.c read.c store.c)
mikeyctl-commands_PKGS := libre libnl-genl-3.0 libkeyutils libcrypto sqlite3 jansson

PROGRAMS += mikeyctl
# the clock of libre's timers, which no object asks for by name
mikeyctl_SRCS := helper/mikeyctl/main.c helper/mikeyd/jiffies.c
mikeyctl_PKGS := libre
mikeyctl_LIBS := mikeyctl-commands mikeyhelper
