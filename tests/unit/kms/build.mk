# SPDX-License-Identifier: GPL-2.0-or-later
# Unit tests of the KMS: the core in process on a store in memory, then what
# surrounds it in a folder of its own, then the program.
kms_core_tests := vectors refuse grant rules resolve minted profiles zk limit
kms_place_tests := audit store schema config http program service outages copies peers keys counts together
kms_support := $(addprefix tests/unit/kms/,support.c terminal.c mint.c)

define kms_core_test
TESTS += test-kms-$(1)
test-kms-$(1)_SRCS := tests/unit/kms/$(1).c $(kms_support)
test-kms-$(1)_PKGS := cmocka libcrypto
test-kms-$(1)_LIBS := mikeykms mikeywire
endef
$(foreach t,$(kms_core_tests),$(eval $(call kms_core_test,$(t))))

define kms_place_test
TESTS += test-kms-$(1)
test-kms-$(1)_SRCS := tests/unit/kms/$(1).c $(kms_support) tests/unit/kms/place.c
test-kms-$(1)_PKGS := cmocka libcrypto sqlite3
test-kms-$(1)_LIBS := mikeykmsd mikeykms mikeyhelper mikeywire
endef
$(foreach t,$(kms_place_tests),$(eval $(call kms_place_test,$(t))))

# Where tests/pgsql is.
$(foreach t,$(kms_place_tests),$(BUILD)/obj/unit/test-kms-$(t)/tests/unit/kms/place.o) \
$(BUILD)/obj/unit/test-kms-schema/tests/unit/kms/schema.o: \
	CPPFLAGS += -DTESTS_DIR='"$(top)/tests"'

test-kms-http_SRCS += tests/unit/kms/client.c
test-kms-http_PKGS += libssl
test-kms-audit_SRCS += tests/unit/kms/run.c
test-kms-program_SRCS += tests/unit/kms/run.c
test-kms-keys_SRCS += tests/unit/kms/run.c
test-kms-copies_SRCS += tests/unit/kms/run.c
test-kms-outages_SRCS += tests/unit/kms/run.c tests/unit/kms/client.c
test-kms-service_SRCS += tests/unit/kms/run.c tests/unit/kms/client.c

$(addprefix $(BUILD)/tests/test-kms-,audit program service outages copies keys): | $(BUILD)/mikey-kms
