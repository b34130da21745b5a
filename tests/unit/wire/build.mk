# SPDX-License-Identifier: GPL-2.0-or-later
# Unit tests of the MIKEY codec. OpenSSL is the second opinion on every
# derivation and MAC.
wire_tests := vectors derive damage order builder profile

define wire_test
TESTS += test-wire-$(1)
test-wire-$(1)_SRCS := tests/unit/wire/$(1).c tests/unit/wire/support.c
test-wire-$(1)_PKGS := cmocka libcrypto
test-wire-$(1)_LIBS := mikeywire
endef
$(foreach t,$(wire_tests),$(eval $(call wire_test,$(t))))
