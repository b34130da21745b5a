# SPDX-License-Identifier: GPL-2.0-or-later
#
# The modules on other kernels than this machine's, and what a kernel must have
# been configured with.

#: KERNELS  what check-kernels runs on (bookworm bookworm-backports trixie-backports)
#: HOWS  and how: gcc, clang, and secure for Secure Boot with lockdown (gcc secure clang)
#: CONFIG  check-config looks at that file of a kernel (that of KDIR)

KERNELS ?= bookworm bookworm-backports trixie-backports
HOWS ?= gcc secure clang
CONFIG ?= $(KDIR)/.config

.PHONY: check-kernels check-config
check-kernels:	## the kernel-side suites on Debian's older and newer kernels (as root)
	@tests/deps build check kernels
	+$(q)$(MAKE) $(jobs) programs kselftests benches test-list
	+$(q)BUILD=$(BUILD) HOWS='$(HOWS)' MAKE='$(MAKE) $(jobs)' tests/kernels/check $(KERNELS)

check-config:	## whether a kernel's configuration has what the modules need
	$(q)packaging/check-config $(CONFIG)
