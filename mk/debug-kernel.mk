# SPDX-License-Identifier: GPL-2.0-or-later
#
# A kernel with all of the kernel's own checkers on, and the kernel-side suites
# on it. It is made of Debian's linux-source and tests/vm/debug.config, once:
# what it was made of is in the name of the file that says that it is done.

#: DEBUG_KERNEL  where the kernel of check-debug is made and kept (build/debug-kernel)
#: PATIENCE  check-debug multiplies all time limits by it (5)
#: SUITES  what check-debug runs (selftest kselftest)

DEBUG_KERNEL ?= $(BUILD)/debug-kernel
PATIENCE ?= 5
SUITES ?= selftest kselftest
debug_tree := $(abspath $(DEBUG_KERNEL))/tree
debug_image := $(debug_tree)/arch/x86/boot/bzImage
debug_config := $(top)/tests/vm/debug.config
debug_id = $(shell { cat $(debug_config); stat -Lc %s $(linux_source_tar); } 2>/dev/null | \
	cksum | cut -d' ' -f1)
debug_make := $(MAKE) -C $(abspath $(DEBUG_KERNEL))/source O=$(debug_tree)

.PHONY: check-debug debug-kernel fuzz-netlink
check-debug:	## the kernel-side suites on a kernel with KASAN, lockdep, kmemleak (as root)
	@tests/deps build check debug
	+$(q)$(MAKE) debug-kernel programs kselftests test-list
	+$(q)$(MAKE) modules KDIR=$(debug_tree)
	+$(q)$(MAKE) modules DEBUG=1 KDIR=$(debug_tree)
	$(q)BUILD=$(BUILD) tests/vm/checkers $(debug_image)
	$(q)BUILD=$(BUILD) MIKEY_PATIENCE=$(PATIENCE) tests/run --checked $(debug_image) $(SUITES)

#: FUZZ_NETLINK  more options of the netlink fuzzer, such as "-s 2"
FUZZ_NETLINK ?=
fuzz-netlink:	## both netlink families for FUZZ_SECONDS, led by KCOV, on that kernel (as root)
	@tests/deps build check debug
	+$(q)$(MAKE) debug-kernel $(BUILD)/fuzz/fuzz-netlink
	+$(q)$(MAKE) modules KDIR=$(debug_tree)
	$(q)BUILD=$(BUILD) tests/fuzz/netlink/run $(debug_image) $(FUZZ_SECONDS) $(FUZZ_NETLINK)

debug-kernel:	## build that kernel, unless it is there already
	+$(q)[ -e $(DEBUG_KERNEL)/done-$(debug_id) ] || \
		{ tests/deps debug && $(MAKE) $(DEBUG_KERNEL)/done-$(debug_id); }

# Without the headers of a graphics driver, a quarter of all sources.
$(DEBUG_KERNEL)/source/.done:
	@if [ -z "$(linux_source_tar)" ]; then \
		echo 'No /usr/src/linux-source-6.*.tar.xz: install linux-source (tests/deps does).' >&2; \
		exit 1; \
	fi
	$(say) EXTRACT '$(notdir $(linux_source_tar))'
	$(q)mkdir -p $(@D)
	$(q)tar -xJf $(linux_source_tar) -C $(@D) --strip-components=1 \
		--exclude='linux-source-*/drivers/gpu/drm/amd/include/*.h'
	$(q)touch $@

# kconfig drops without a word what it does not know or cannot have.
$(DEBUG_KERNEL)/done-%: $(DEBUG_KERNEL)/source/.done
	$(say) KERNEL '$(DEBUG_KERNEL) (some minutes; its log: build.log)'
	$(q)rm -f $(DEBUG_KERNEL)/done-*
	+$(q)$(debug_make) KCONFIG_ALLCONFIG=$(debug_config) allnoconfig \
		> $(DEBUG_KERNEL)/build.log 2>&1 || { tail -n 20 $(DEBUG_KERNEL)/build.log; exit 1; }
	$(q)grep -E '^(CONFIG_|# CONFIG_.* is not set)' $(debug_config) | \
		grep -vxFf $(debug_tree)/.config > $(DEBUG_KERNEL)/lost; \
		[ ! -s $(DEBUG_KERNEL)/lost ] || { \
			echo 'debug.config asks for what this kernel does not take:'; \
			cat $(DEBUG_KERNEL)/lost; exit 1; } >&2
	+$(q)$(debug_make) -j$$(nproc) bzImage modules >> $(DEBUG_KERNEL)/build.log 2>&1 || \
		{ tail -n 20 $(DEBUG_KERNEL)/build.log; exit 1; }
	$(q)touch $@
