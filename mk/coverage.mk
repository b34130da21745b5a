# SPDX-License-Identifier: GPL-2.0-or-later
#
# Which lines of the modules tests reach: the codec and the CMS code in userspace,
# by unit tests and the fuzzers' corpora; all of both modules by kselftests on the
# kernel of `make debug-kernel`, which has gcov. docs/testing.md says what is
# asked for and what is excepted.

#: COVERAGE_SUITES  kselftests that make coverage runs (all that have lines of their own)
COVERAGE_SUITES ?= $(filter-out ticket_race_test ticket_stress_test mikeyctl_test \
	peer_test,$(kselftests))
#: COVERAGE_PART  name of what this coverage-kernel adds; other names' lines stay (all)
COVERAGE_PART ?= all

flags_coverage := $(filter-out -Werror,$(flags_base)) -O0 --coverage
link_coverage := --coverage
cc_coverage = $(CC)
coverage_part = $(abspath $(BUILD))/coverage/kernel/$(COVERAGE_PART)
coverage_tests := $(filter test-wire-% test-mime-%,$(unit_tests))
coverage_fuzzers := $(filter fuzz-wire-% fuzz-mime-%,$(FUZZERS))

$(foreach l,mikeywire mikeycms,$(eval $(call archive,coverage,$(l))))
$(foreach t,$(coverage_tests),$(eval $(call link,coverage,$(t),$(BUILD)/coverage/$(t),coverage)))

# A fuzzer as a program that reads files
define coverage_fuzzer
replay-$(1)_SRCS := $($(1)_SRCS) tests/coverage/replay.c
replay-$(1)_PKGS := $($(1)_PKGS)
replay-$(1)_LIBS := $($(1)_LIBS)
$$(eval $$(call link,coverage,replay-$(1),$(BUILD)/coverage/$(1),coverage))
endef
$(foreach f,$(coverage_fuzzers),$(eval $(call coverage_fuzzer,$(f))))
$(foreach t,$(coverage_tests) $(addprefix replay-,$(coverage_fuzzers)),\
	$(eval $(call objects,coverage,$(t)): | $(BUILD)/vectors.h))

.PHONY: coverage coverage-user coverage-kernel
coverage: coverage-user coverage-kernel	## lines of both modules that tests reach (as root)
	$(q)tests/coverage/report --least 95 $(BUILD)/obj/coverage $(BUILD)/coverage/kernel

coverage-user: $(addprefix $(BUILD)/coverage/,$(coverage_tests) $(coverage_fuzzers))	## lines of the codec and the CMS code
	$(q)find $(BUILD)/obj/coverage -name '*.gcda' -delete
	$(q)for t in $(coverage_tests); do \
		CMOCKA_MESSAGE_OUTPUT=TAP $(BUILD)/coverage/$$t > $(BUILD)/coverage/$$t.log 2>&1 || \
			{ cat $(BUILD)/coverage/$$t.log; exit 1; }; \
	done
	$(q)for f in $(coverage_fuzzers); do \
		$(BUILD)/coverage/$$f tests/fuzz/corpus/$$f/* || exit; \
	done
	$(q)tests/coverage/report --least 95 $(BUILD)/obj/coverage

coverage-kernel: deps
	+$(q)$(MAKE) debug-kernel kselftests
	+$(q)$(MAKE) modules COVERAGE=1 KDIR=$(debug_tree)
	$(q)release=$$(tests/vm/run --kernel $(debug_image) --print-kernel) && \
		tests/coverage/part $(BUILD)/modules/$$release-coverage $(coverage_part)
	$(q)BUILD=$(BUILD) MIKEY_PATIENCE=$(PATIENCE) tests/vm/run --kernel $(debug_image) --coverage \
		--memory 3072 --timeout 7200 --rw $(coverage_part) -- \
		tests/coverage/guest $(coverage_part) $(COVERAGE_SUITES)
