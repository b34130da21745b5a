# SPDX-License-Identifier: GPL-2.0-or-later
LIBRARIES += mikeyhelper
mikeyhelper_SRCS := $(addprefix helper/lib/,base64.c bytes.c config.c config_inbox.c endpoint.c \
	keyring.c lists.c log.c mime.c netlink.c problem.c reply.c rules.c setting.c \
	setting_group.c settings.c socket_path.c ticket.c uid.c)
mikeyhelper_PKGS := libnl-genl-3.0 libkeyutils libconfig libcrypto
