# SPDX-License-Identifier: GPL-2.0-or-later
#
# The modules. They are built in $(BUILD)/modules/RELEASE[-debug], a tree of
# links to the sources, so that several kernels and a debug build can stand
# beside each other and the sources stay clean.

#: KDIR  kernel headers to build against (the running kernel's, else the newest)
#: DEBUG  1 builds the modules' self tests in
#: LLVM  1 builds the modules with clang
#: KROOT  a folder of tests/kernels/fetch, for the newest kernel of another Debian
#: COVERAGE  1 builds the modules with gcov, where the kernel has it

# A running kernel without headers (a container, a cloud image) builds for
# the newest kernel that has them; Debian's cloud kernels come last.
newest_kdir = $(shell for d in $(1); do [ -e "$$d/Makefile" ] && echo "$$d"; done | \
	sort -V | awk '/cloud/ { c = $$0; next } { d = $$0 } END { print d ? d : c }')
ifdef KROOT
KDIR := $(wildcard $(abspath $(KROOT))/root/usr/src/linux-headers-*-amd64)
endif
ifndef KDIR
KDIR := $(wildcard /lib/modules/$(shell uname -r)/build/.)
KDIR := $(KDIR:/.=)
endif
ifeq ($(KDIR),)
KDIR := $(call newest_kdir,/usr/src/linux-headers-*-amd64 /lib/modules/*/build)
endif

kernel_release := $(shell sed -n 's/^.define UTS_RELEASE "\(.*\)"/\1/p' \
	$(KDIR)/include/generated/utsrelease.h 2>/dev/null)
module_tree := $(BUILD)/modules/$(kernel_release)$(if $(LLVM),-clang)$(if $(filter 1,$(DEBUG)),-debug)
ifeq ($(COVERAGE),1)
module_tree := $(BUILD)/modules/$(kernel_release)-coverage
endif
module_sources = Kbuild $(shell find kmod uapi -name '*.[ch]' -o -name '*.mk')
# Another Debian's headers want its compiler, and stand at their own path only there.
kbuild_in = $(if $(KROOT),BUILD=$(BUILD) tests/kernels/enter $(KROOT) make $(jobs_in_root),$(MAKE)) \
	-C $(if $(KROOT),$(patsubst $(abspath $(KROOT))/root%,%,$(KDIR)),$(KDIR)) \
	$(if $(LLVM),LLVM=$(LLVM)) $(if $(V),V=$(V))
kbuild = $(kbuild_in) M=$(abspath $(module_tree)) \
	$(if $(filter 1,$(DEBUG)),MIKEY_DEBUG=1) \
	$(if $(filter 1,$(COVERAGE)),MIKEY_COVERAGE=1) $(kbuild_extra)
jobs_in_root = -j$(shell nproc)

.PHONY: modules module-tree
modules: module-tree	## build mikey_ticket.ko and mikey_mime.ko
	$(say) KBUILD $(module_tree)
	$(q)+$(kbuild) $(if $(V),,-s) modules

# Links to files that have gone are removed, and what was built from them
# goes with the next relink of the module.
module-tree: $(if $(filter 1,$(DEBUG)),$(BUILD)/vectors.h)
	@if [ -z "$(kernel_release)" ]; then \
		echo 'No kernel headers found. Install linux-headers-amd64 or set KDIR=.' >&2; \
		exit 1; \
	fi
	$(q)mkdir -p $(module_tree)
	$(q)find $(module_tree) -xtype l -delete
	$(q)for f in $(module_sources); do \
		[ -L "$(module_tree)/$$f" ] && continue; \
		mkdir -p "$$(dirname "$(module_tree)/$$f")" && \
			ln -s "$(top)/$$f" "$(module_tree)/$$f"; \
	done
	$(if $(filter 1,$(DEBUG)),$(q)mkdir -p $(module_tree)/build && \
		ln -sf $(abspath $(BUILD))/vectors.h $(module_tree)/build/vectors.h)

# The test vectors as a C header, for the unit tests and for the self tests. The
# compiler's dependency files name it by its whole path.
vector_files := $(wildcard tests/vectors/*.json)
ifneq ($(BUILD),$(abspath $(BUILD)))
$(abspath $(BUILD))/vectors.h: $(BUILD)/vectors.h
endif
$(BUILD)/vectors.h: $(wildcard tests/vectors/tocheader.py) $(vector_files)
	$(say) GEN $@
	$(q)mkdir -p $(@D)
	$(q)python3 tests/vectors/tocheader.py $(vector_files) > $@
