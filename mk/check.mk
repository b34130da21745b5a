# SPDX-License-Identifier: GPL-2.0-or-later
#
# The tests and the demo. What they need is installed first, then built: the
# modules for the kernel of the virtual machine (or the running one, with
# MODE=native), as they are installed and once more with their self tests.

#: MODE  native tests on the running kernel instead of in a virtual machine

MODE ?= vm
ifeq ($(MODE),native)
run_mode := --native
check_kdir = $(KDIR)
else
run_mode :=
check_kdir = /lib/modules/$(shell tests/vm/run --print-kernel)/build
endif

# As many compilers as processors, where the caller did not say.
jobs = $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc))

.PHONY: deps check check-build interop demo fuzz load load-kms test-list
deps:	## install what is missing of Debian's packages
	@tests/deps

check: deps	## build and run all tests (as root)
	+$(q)$(MAKE) $(jobs) check-build KDIR=$(check_kdir)
	$(q)BUILD=$(BUILD) tests/run $(run_mode)

check-build: programs unit-tests kselftests fuzzers $(BUILD)/tests/load-kms benches test-list
	+$(q)$(MAKE) modules bench-module
	+$(q)$(MAKE) modules DEBUG=1
	$(q)rm -rf $(BUILD)/stage
	+$(q)$(MAKE) install modules_install DESTDIR=$(abspath $(BUILD))/stage

interop: deps	## OpenSSL, Bouncy Castle and tshark against the kernel (as root)
	+$(q)$(MAKE) $(jobs) programs modules test-list KDIR=$(check_kdir)
	$(q)BUILD=$(BUILD) tests/run $(run_mode) interop

demo: deps	## one message from Alice to Bob, told step by step (as root)
	+$(q)$(MAKE) $(jobs) programs modules KDIR=$(check_kdir)
	$(q)BUILD=$(BUILD) MIKEY_COLOUR=$$([ -t 1 ] && echo 1) \
		tests/vm/run $(run_mode) --memory 2048 -- tests/e2e/demo

test-list:
	$(q)mkdir -p $(BUILD)
	$(q)printf '%s\n' $(foreach t,$(unit_tests) $(PLAIN_TESTS),"unit $(t)") \
		$(foreach t,$(kselftests),"kselftest $(t)") \
		$(foreach f,$(FUZZERS),"fuzz $(f)") > $(BUILD)/tests.list

#: FUZZ_SECONDS  how long make fuzz runs each fuzzer (60)
FUZZ_SECONDS ?= 60
fuzz: fuzzers	## run each fuzzer for FUZZ_SECONDS
	$(q)for f in $(FUZZERS); do BUILD=$(BUILD) tests/fuzz/regress $$f $(FUZZ_SECONDS) || exit; done

#: LOAD  options of tests/load/sip.py, such as "--seconds 600"
LOAD ?=
load: deps	## messages per second, next to Kamailio alone (as root)
	+$(q)$(MAKE) $(jobs) programs modules KDIR=$(check_kdir)
	$(q)mkdir -p $(BUILD)/load
	$(q)BUILD=$(BUILD) tests/vm/run $(run_mode) --memory 2048 --timeout 7200 \
		--rw $(abspath $(BUILD))/load -- tests/load/sip.py \
		--json $(abspath $(BUILD))/load/sip.json $(LOAD)

#: LOAD_KMS  options of tests/load/kms.py, such as "--users 1,10000 --stores sqlite"
LOAD_KMS ?=
load-kms:	## tickets per second, next to MIT Kerberos
	@tests/deps build check load
	+$(q)$(MAKE) $(jobs) programs $(addprefix $(BUILD)/tests/,$(LOADERS))
	$(q)mkdir -p $(BUILD)/load
	$(q)BUILD=$(BUILD) tests/load/kms.py --json $(abspath $(BUILD))/load/kms.json $(LOAD_KMS)
