# SPDX-License-Identifier: GPL-2.0-or-later
# Generators of load, built like programs and never installed. load-krb5 wants
# the libkrb5-dev of `tests/deps load` and is built for make load-kms only.
LOADERS += load-kms
load-kms_SRCS := tests/load/load_kms.c tests/load/kms_asker.c tests/load/kept.c \
	tests/load/tally.c tests/unit/kms/terminal.c tests/unit/kms/client.c
load-kms_PKGS := cmocka libcrypto
load-kms_LIBS := mikeykms mikeyhelper mikeywire

LOADERS += load-krb5
load-krb5_SRCS := tests/load/load_krb5.c tests/load/tally.c
load-krb5_PKGS := krb5
