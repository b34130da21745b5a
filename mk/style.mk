# SPDX-License-Identifier: GPL-2.0-or-later
#
# What a machine can find in the sources. Each check fails on its first kind
# of finding; there is no list of known ones.

checkpatch = perl $(linux_source)/scripts/checkpatch.pl --no-tree --strict --quiet \
	--terse --show-types --max-line-length=100
# Not for files that are not patches, nor for code that also builds outside the kernel.
checkpatch_ignore := FILE_PATH_CHANGES,SPDX_LICENSE_TAG,PREFER_DEFINED_ATTRIBUTE_MACRO
# Where the versions of the kernel are compared, and nowhere else.
checkpatch_ignore_compat := $(checkpatch_ignore),LINUX_VERSION_CODE,CONSTANT_COMPARISON
# Userspace has no BIT(), and wants volatile for signals and for looking at memory.
checkpatch_ignore_user := $(checkpatch_ignore),VOLATILE,BIT_MACRO,PREFER_KERNEL_TYPES,CAMELCASE,ARRAY_SIZE,AVOID_EXTERNS,PREFER_PRINTF,ENOSYS,STRCPY
kernel_sources = $(shell git ls-files 'kmod/*.[ch]' 'uapi/*.h' ':!kmod/wire' ':!kmod/compat.h')
user_sources = $(shell git ls-files 'kmod/wire/*.[ch]' 'helper/*.[ch]' 'tests/*.[ch]')
# Shell files, with or without a suffix, by their first line.
shell_sources = $(shell git grep -lIE '^(\#!/bin/(ba|busybox )?sh|\# shellcheck shell)' -- . ':!*.mk')
python_sources = $(shell git grep -lIE '^\#!/usr/bin/(env )?python3' -- .) $(shell git ls-files '*.py')

.PHONY: style style-deps style-checkpatch style-kernel style-shell style-user style-python style-words
style: style-deps style-checkpatch style-kernel style-shell style-user style-python style-words	## checkpatch, sparse, W=1, shellcheck, cppcheck

style-deps:
	@tests/deps build check style

style-checkpatch: $(linux_source)/.done
	$(say) CHECK 'checkpatch --strict'
	$(q)! { $(checkpatch) --ignore $(checkpatch_ignore) -f $(kernel_sources); \
		$(checkpatch) --ignore $(checkpatch_ignore_compat) -f kmod/compat.h; \
		$(checkpatch) --ignore $(checkpatch_ignore_user) -f $(user_sources); } | \
		grep -v '^total: '
	$(q)rm -f .checkpatch-camelcase.*

# Sparse only prints; a tree of its own makes sure that every file is seen.
style-kernel:
	$(say) CHECK 'sparse and W=1'
	$(q)rm -rf $(BUILD)/style
	+$(q)$(MAKE) modules BUILD=$(BUILD)/style kbuild_extra='W=1 C=2 KCFLAGS=-Werror' \
		> $(BUILD)/style.log 2>&1 || { cat $(BUILD)/style.log; exit 1; }
	+$(q)$(MAKE) modules BUILD=$(BUILD)/style DEBUG=1 kbuild_extra='W=1 C=2 KCFLAGS=-Werror' \
		>> $(BUILD)/style.log 2>&1 || { cat $(BUILD)/style.log; exit 1; }
	$(q)! grep -E '(warning|error):' $(BUILD)/style.log

style-shell:
	$(say) CHECK shellcheck
	$(q)shellcheck -x $(shell_sources)

style-user:
	$(say) CHECK cppcheck
	$(q)cppcheck --quiet --std=c11 --enable=warning,performance,portability --inline-suppr \
		--suppress=missingIncludeSystem --error-exitcode=1 -j 2 -D_GNU_SOURCE \
		-I. $(sort $(dir $(filter helper/%,$(user_sources)))) kmod/wire

style-python:
	$(say) CHECK pyflakes
	$(q)pyflakes3 $(sort $(python_sources))

# Every file says its licence; nothing is left for later; what was built is found by
# -I, since BUILD can be elsewhere; no line ends in a blank.
style-words:
	$(say) CHECK 'licences, leftovers, blanks'
	$(q)! git grep -LI 'SPDX-License-Identifier' -- . ':!*.md' ':!*.json' ':!LICENSES' \
		':!tests/fuzz/corpus' ':!tests/unit/kms/stores' ':!.gitignore' | grep .
	$(q)! git grep -nIE '\b(TODO|FIXME|XXX)\b' -- '*.[ch]' '*.sh' '*.py' ':!mk'
	$(q)! git grep -nE '^#include .build/' -- '*.[ch]'
	$(q)! git grep -nIE '[[:blank:]]+$$' -- . ':!LICENSES' ':!tests/vectors'
