# SPDX-License-Identifier: GPL-2.0-or-later
PROGRAMS += mikeyctl
mikeyctl_SRCS := $(addprefix helper/mikeyctl/,main.c command.c)
mikeyctl_LIBS := mikeyhelper
