# SPDX-License-Identifier: GPL-2.0-or-later
#
# Tests of both netlink families on the kselftest harness (KTAP). They run as
# root in tests/vm/run; peer_test needs no module.

# Time limits that grow with the kernel's slowness; the other side: a KMS and a
# sender.
LIBRARIES += mikeypeer
mikeypeer_SRCS := $(addprefix tests/kselftest/,patience.c peer_answer.c peer_crypto.c peer_ticket.c \
	peer_transfer.c)
mikeypeer_PKGS := libcrypto

# This side: netlink and a terminal.
LIBRARIES += mikeyterm
mikeyterm_SRCS := $(addprefix tests/kselftest/,clock.c fault.c nl.c pair.c quota.c stride.c term.c \
	way.c)
mikeyterm_PKGS := libnl-genl-3.0 libkeyutils

TESTS += peer_test
peer_test_SRCS := tests/kselftest/peer_test.c
peer_test_LIBS := mikeypeer mikeywire

ticket_tests := $(addprefix ticket_,$(addsuffix _test,admit attr damage edge exchange grant hostile kept \
	key mint psk race resolve socket unload))
TESTS += $(ticket_tests)
$(foreach t,$(ticket_tests),$(eval $(t)_SRCS := tests/kselftest/$(t).c) \
	$(eval $(t)_PKGS := libnl-genl-3.0 libkeyutils libcrypto) \
	$(eval $(t)_LIBS := mikeymodule mikeyterm mikeypeer mikeywire))

# It looks into TRANSFER_INITs that the module writes.
ticket_mint_test_LIBS := mikeybody $(ticket_mint_test_LIBS)
