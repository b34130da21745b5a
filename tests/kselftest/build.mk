# SPDX-License-Identifier: GPL-2.0-or-later
#
# Tests of both netlink families on the kselftest harness (KTAP). They run as
# root in tests/vm/run; peer_test needs no module.
LIBRARIES += mikeypeer
mikeypeer_SRCS := $(addprefix tests/kselftest/,peer_answer.c peer_crypto.c peer_ticket.c \
	peer_transfer.c)
mikeypeer_PKGS := libcrypto

TESTS += peer_test
peer_test_SRCS := tests/kselftest/peer_test.c
peer_test_LIBS := mikeypeer mikeywire
