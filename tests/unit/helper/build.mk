# SPDX-License-Identifier: GPL-2.0-or-later
# Unit tests of the helper library and of mikeyd. Where the kernel's part is
# needed a double of it stands in (kernel.c); the true one is met end to end. So it is
# with the clock of the timers (clock.c), which only test-mikeyd-jiffies has as it is.
helper_lib_tests := uid base64 config endpoint log
helper_core_tests := deadline record entity multipart recipients sipmsg stream siptls kms owner
helper_proxy_tests := proxy flow invite torture outgoing mailing incoming incoming_record immediate tickets users \
	listserver inbox inbox_hook control
helper_core_tests += queuestore jiffies
helper_proxy_tests += strangers timers
helper_proxy_tests += queue queuelist queuenomem

define helper_lib_test
TESTS += test-helper-$(1)
test-helper-$(1)_SRCS := tests/unit/helper/$(1)_test.c
test-helper-$(1)_PKGS := cmocka
test-helper-$(1)_LIBS := mikeyhelper
endef
$(foreach t,$(helper_lib_tests),$(eval $(call helper_lib_test,$(t))))

define helper_core_test
TESTS += test-mikeyd-$(1)
test-mikeyd-$(1)_SRCS := $(addprefix tests/unit/helper/,$(1)_test.c loop.c $(if $(filter-out jiffies,$(1)),clock.c))
test-mikeyd-$(1)_PKGS := cmocka libre
test-mikeyd-$(1)_LIBS := mikeyd-core mikeyhelper
endef
$(foreach t,$(helper_core_tests),$(eval $(call helper_core_test,$(t))))
test-mikeyd-siptls_SRCS += tests/unit/helper/certificates.c
test-mikeyd-siptls_PKGS += libssl libcrypto
$(BUILD)/tests/test-mikeyd-siptls: LDFLAGS += -Wl,--wrap=SSL_CTX_set_options

define helper_proxy_test
TESTS += test-mikeyd-$(1)
test-mikeyd-$(1)_SRCS := $(addprefix tests/unit/helper/,$(1)_test.c stage.c kernel.c loop.c clock.c)
test-mikeyd-$(1)_PKGS := cmocka libre libnl-genl-3.0 gmime-3.0 jansson
test-mikeyd-$(1)_LIBS := mikeyd-core mikeyhelper
endef
$(foreach t,$(helper_proxy_tests),$(eval $(call helper_proxy_test,$(t))))
test-mikeyd-inbox_SRCS += $(addprefix tests/unit/helper/,asker.c inbox_stage.c)
test-mikeyd-inbox_hook_SRCS += $(addprefix tests/unit/helper/,asker.c inbox_stage.c)
test-mikeyd-incoming_SRCS += tests/unit/helper/incoming_stage.c
test-mikeyd-incoming_record_SRCS += tests/unit/helper/incoming_stage.c
test-mikeyd-strangers_SRCS += tests/unit/helper/incoming_stage.c
test-mikeyd-control_SRCS += tests/unit/helper/asker.c
$(BUILD)/tests/test-mikeyd-control: LDFLAGS += -Wl,--wrap=fd_listen
$(BUILD)/tests/test-mikeyd-stream: LDFLAGS += -Wl,--wrap=tmr_start
$(BUILD)/tests/test-mikeyd-proxy: LDFLAGS += -Wl,--wrap=getsockopt
test-mikeyd-queue_SRCS += tests/unit/helper/queue_stage.c
test-mikeyd-timers_SRCS += tests/unit/helper/queue_stage.c
test-mikeyd-queuelist_SRCS += tests/unit/helper/queue_stage.c
test-mikeyd-queuenomem_SRCS += $(addprefix tests/unit/helper/,queue_stage.c nomem.c)
$(BUILD)/tests/test-mikeyd-queuenomem: LDFLAGS += \
	-Wl,--wrap=mem_alloc,--wrap=mem_zalloc,--wrap=mbuf_alloc,--wrap=strdup

# It searches memory for what was freed.
PLAIN_TESTS += test-mikeyd-wipe
test-mikeyd-wipe_SRCS := $(addprefix tests/unit/helper/,wipe_test.c ownmemory.c) helper/mikeyd/heap.c
test-mikeyd-wipe_PKGS := cmocka libre glib-2.0 jansson
test-mikeyd-wipe_LIBS := mikeyd-core mikeyhelper
