# SPDX-License-Identifier: GPL-2.0-or-later
FUZZERS += fuzz-kms-handler
fuzz-kms-handler_SRCS := tests/fuzz/kms/handler.c
fuzz-kms-handler_PKGS := libcrypto
fuzz-kms-handler_LIBS := mikeykms mikeywire
