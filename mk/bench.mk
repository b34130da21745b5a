# SPDX-License-Identifier: GPL-2.0-or-later
#
# How fast it is, next to others that do the same. The module of the floor is
# not a part of the product: it is built here and nowhere else.

#: BENCH  options of tests/bench/bench.py, such as "--suites sizes" or "--long"
BENCH ?=
bench_module := $(BUILD)/bench/kmod/$(kernel_release)

.PHONY: bench bench-module
bench: deps	## protect and unprotect next to OpenSSL, SoftHSM and AF_ALG (as root)
	@tests/deps bench
	+$(q)$(MAKE) $(jobs) programs benches modules bench-module KDIR=$(check_kdir)
	$(q)BUILD=$(BUILD) tests/bench/bench.py $(run_mode) $(BENCH)

bench-module:
	$(say) KBUILD $(bench_module)
	$(q)mkdir -p $(bench_module)
	$(q)ln -sf $(top)/tests/bench/kmod/* $(top)/kmod/compat.h $(bench_module)/
	+$(q)$(kbuild_in) M=$(abspath $(bench_module)) $(if $(V),,-s) modules
