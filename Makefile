# SPDX-License-Identifier: GPL-2.0-or-later
#
# mikey-mime: two kernel modules, their programs, and the tests of both.
# `make help` lists the targets; the work is described in mk/, one file for
# each part.

top := $(patsubst %/,%,$(dir $(abspath $(lastword $(MAKEFILE_LIST)))))
BUILD ?= build
VERSION := 1.0

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules
SHELL := /bin/bash

# V=1 shows commands, otherwise one line each.
ifeq ($(V),1)
say = @:
q :=
else
say = @printf '  %-8s %s\n'
q := @
MAKEFLAGS += --no-print-directory
endif

include mk/kernel.mk
include mk/linux-source.mk
include mk/programs.mk
include mk/check.mk
include mk/bench.mk
include mk/debug-kernel.mk
include mk/kernels.mk
include mk/coverage.mk
include mk/secrets.mk
include mk/style.mk
include mk/install.mk

.PHONY: all clean help
all: modules programs	## build both modules and all programs (default)

clean:	## remove everything that was built
	$(say) CLEAN $(BUILD)
	$(q)rm -rf $(BUILD)
	$(q)find kmod -name '*.o' -delete -o -name '.*.cmd' -delete
	$(q)rm -f *.ko *.mod *.mod.c *.o .*.cmd Module.symvers modules.order

help:	## this list
	@echo 'Targets:'
	@sed -n 's/^\([a-z_-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | \
		awk -F '\t' '{ printf "  %-18s%s\n", $$1, $$2 }'
	@echo 'Variables:'
	@sed -n 's/^#: \([A-Z_]*\)  *\(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | \
		awk -F '\t' '{ printf "  %-18s%s\n", $$1, $$2 }'

#: BUILD  where everything is built (build)
#: V  1 shows the commands
