# SPDX-License-Identifier: GPL-2.0-or-later
# Unit tests of the MIKEY codec. OpenSSL is the second opinion on every
# derivation and MAC.
wire_tests := vectors exchanges derive damage order header payloads builder profile
wire_support := support rebuild figure

define wire_test
TESTS += test-wire-$(1)
test-wire-$(1)_SRCS := $(patsubst %,tests/unit/wire/%.c,$(1) $(wire_support))
test-wire-$(1)_PKGS := cmocka libcrypto
test-wire-$(1)_LIBS := mikeywire
endef
$(foreach t,$(wire_tests),$(eval $(call wire_test,$(t))))
