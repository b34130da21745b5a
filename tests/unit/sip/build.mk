# SPDX-License-Identifier: GPL-2.0-or-later
# What mikeyd makes of the heads of SIP messages, and what it answers.
TESTS += test-sip-head test-sip-uid test-sip-verdict
test-sip-head_SRCS := tests/unit/sip/head_test.c $(addprefix helper/mikeyd/,sipaddr.c siphead.c sipfault.c sipmsg.c)
test-sip-head_PKGS := cmocka libre
test-sip-head_LIBS := mikeyhelper
test-sip-uid_SRCS := tests/unit/sip/uid_test.c
test-sip-uid_PKGS := cmocka
test-sip-uid_LIBS := mikeyhelper
test-sip-verdict_SRCS := tests/unit/sip/verdict_test.c helper/mikeyd/verdict.c
test-sip-verdict_PKGS := cmocka
test-sip-verdict_LIBS := mikeyhelper
