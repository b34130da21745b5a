# SPDX-License-Identifier: GPL-2.0-or-later
# Unit tests of mikeyctl, run in the process so that the sanitizers watch.
mikeyctl_tests := arguments counts inbox output policy psk seal secret send queue

define mikeyctl_unit_test
TESTS += test-mikeyctl-$(1)
test-mikeyctl-$(1)_SRCS := tests/unit/mikeyctl/$(1)_test.c tests/unit/mikeyctl/support.c
test-mikeyctl-$(1)_PKGS := cmocka libnl-genl-3.0 jansson
test-mikeyctl-$(1)_LIBS := mikeyctl-commands mikeyhelper
endef
$(foreach t,$(mikeyctl_tests),$(eval $(call mikeyctl_unit_test,$(t))))

# to look at the memory that goes
$(BUILD)/tests/test-mikeyctl-secret: LDFLAGS += -Wl,--wrap=munmap
