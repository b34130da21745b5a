# SPDX-License-Identifier: GPL-2.0-or-later
# Unit tests of the KMS: the core in process on a store in memory, then what
# surrounds it.
kms_core_tests := vectors refuse grant resolve
kms_house_tests :=

define kms_core_test
TESTS += test-kms-$(1)
test-kms-$(1)_SRCS := tests/unit/kms/$(1).c tests/unit/kms/support.c
test-kms-$(1)_PKGS := cmocka libcrypto
test-kms-$(1)_LIBS := mikeykms mikeywire
endef
$(foreach t,$(kms_core_tests),$(eval $(call kms_core_test,$(t))))
