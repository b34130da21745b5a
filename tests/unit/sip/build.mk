# SPDX-License-Identifier: GPL-2.0-or-later
# What mikeyd makes of the heads of SIP messages.
TESTS += test-sip-head
test-sip-head_SRCS := tests/unit/sip/head_test.c helper/mikeyd/sipmsg.c
test-sip-head_PKGS := cmocka libre
test-sip-head_LIBS := mikeyhelper

TESTS += test-uid
test-uid_SRCS := tests/unit/sip/uid_test.c
test-uid_PKGS := cmocka
test-uid_LIBS := mikeyhelper
