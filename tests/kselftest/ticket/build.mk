# SPDX-License-Identifier: GPL-2.0-or-later
#
# Tests that load and unload mikey_ticket.ko, or let memory run out under it.

LIBRARIES += mikeymodule
mikeymodule_SRCS := tests/kselftest/ticket/module.c

module_tests := key_fault_test module_fault_test ticket_module_test ticket_nomem_test \
	ticket_stress_test
TESTS += $(module_tests)
$(foreach t,$(module_tests),$(eval $(t)_SRCS := tests/kselftest/ticket/$(t).c) \
	$(eval $(t)_PKGS := libnl-genl-3.0 libkeyutils libcrypto) \
	$(eval $(t)_LIBS := mikeymodule mikeyterm mikeypeer mikeywire))
