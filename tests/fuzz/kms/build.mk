# SPDX-License-Identifier: GPL-2.0-or-later
FUZZERS += fuzz-kms-handler
fuzz-kms-handler_SRCS := tests/fuzz/kms/handler.c
fuzz-kms-handler_PKGS := libcrypto
fuzz-kms-handler_LIBS := mikeykms mikeywire

# What comes from elsewhere, and who reads it.
define fuzz_kms
FUZZERS += fuzz-kms-$(1)
fuzz-kms-$(1)_SRCS := tests/fuzz/kms/$(subst -,_,$(1)).c
fuzz-kms-$(1)_PKGS := libcrypto
fuzz-kms-$(1)_LIBS := mikeykmsd mikeykms mikeyhelper mikeywire
endef
$(foreach f,http audit-line zk-reply bsf-answer config,$(eval $(call fuzz_kms,$(f))))
