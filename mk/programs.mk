# SPDX-License-Identifier: GPL-2.0-or-later
#
# Everything in userspace. Each folder says in a build.mk of its own what it
# has:
#
#	PROGRAMS += mikeyctl		an installed program
#	LIBRARIES += mikeyhelper	a static library
#	TESTS += test-cursor		a test program (cmocka or kselftest)
#	PLAIN_TESTS += test-wipe	one of cmocka that is built like a program
#	FUZZERS += fuzz-message		a libFuzzer target
#	KERNEL_FUZZERS += fuzz-netlink	a fuzzer that runs in the virtual machine
#	LOADERS += load-kms		a generator of load, built like a program
#	BENCHES += mikey-bench		a program of make bench
#
# and for each NAME of these
#
#	NAME_SRCS	C files, relative to the top
#	NAME_PKGS	pkg-config names
#	NAME_LIBS	names of LIBRARIES, in any order
#
# Tests under tests/unit and their libraries are built with the address and
# undefined behaviour sanitizers; tests under tests/kselftest run in the
# virtual machine and are built like programs, with the kselftest headers. A test
# of what happens in glibc's heap is none for the sanitizers, which have their own.

#: CC  compiler of the programs
#: CLANG  compiler of the fuzzers

CLANG ?= clang
ifeq ($(origin CC),default)
CC := gcc
endif

PROGRAMS :=
LIBRARIES :=
TESTS :=
PLAIN_TESTS :=
FUZZERS :=
KERNEL_FUZZERS :=
LOADERS :=
BENCHES :=
include $(wildcard kmod/wire/build.mk helper/*/build.mk tests/unit/build.mk tests/unit/*/build.mk)
unit_tests := $(TESTS)
include $(wildcard tests/kselftest/build.mk tests/kselftest/*/build.mk)
include $(wildcard tests/fuzz/build.mk tests/fuzz/*/build.mk)
kselftests := $(filter-out $(unit_tests),$(TESTS))
include $(wildcard tests/load/build.mk)
include $(wildcard tests/bench/build.mk)

flags_base := -std=gnu11 -D_GNU_SOURCE -g -Wall -Wextra -Werror -Wshadow -Wvla \
	-Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition \
	-Wformat=2 -Wundef -I$(top) -I$(BUILD)
flags_program := $(flags_base) -O2 -fPIE -fstack-protector-strong \
	-fstack-clash-protection -D_FORTIFY_SOURCE=2
flags_unit := $(flags_base) -O1 -fno-omit-frame-pointer \
	-fsanitize=address,undefined -fno-sanitize-recover=undefined
flags_kselftest := $(filter-out -Wmissing-prototypes -Wshadow,$(flags_program)) \
	-isystem $(kselftest_include)
flags_fuzz := $(filter-out -Werror,$(flags_base)) -O1 -fno-omit-frame-pointer \
	-fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined
link_program := -pie -Wl,-z,relro,-z,now,-z,noexecstack,--as-needed
link_unit := -fsanitize=address,undefined
link_kselftest := $(link_program) -Wl,--wrap=alarm
link_fuzz := -fsanitize=fuzzer,address,undefined
cc_program = $(CC)
cc_unit = $(CC)
cc_kselftest = $(CC)
cc_fuzz = $(CLANG)

# compile(flavour, name): objects of one name in one flavour
objects = $(patsubst %.c,$(BUILD)/obj/$(1)/$(2)/%.o,$($(2)_SRCS))
define compile
$$(call objects,$(1),$(2)): $(BUILD)/obj/$(1)/$(2)/%.o: %.c mk/programs.mk
	$$(say) CC '$$< ($(2))'
	$$(q)mkdir -p $$(@D)
	$$(q)$$(cc_$(1)) $$(flags_$(1)) $$(CPPFLAGS) $$(CFLAGS) -MMD -MP \
		$(if $(strip $($(2)_PKGS)),$$$$(pkg-config --cflags $($(2)_PKGS))) -c -o $$@ $$<
-include $$(patsubst %.o,%.d,$$(call objects,$(1),$(2)))
endef

# archive(flavour, library)
define archive
$(call compile,$(1),$(2))
$(BUILD)/obj/$(1)/lib$(2).a: $$(call objects,$(1),$(2))
	$$(say) AR $$@
	$$(q)rm -f $$@ && ar rcsD $$@ $$^
endef

# link(flavour, name, output, flavour of its libraries)
all_pkgs = $(sort $($(1)_PKGS) $(foreach l,$($(1)_LIBS),$($(l)_PKGS)))
define link
$(call compile,$(1),$(2))
$(3): $$(call objects,$(1),$(2)) $(foreach l,$($(2)_LIBS),$(BUILD)/obj/$(4)/lib$(l).a)
	$$(say) LINK $$@
	$$(q)mkdir -p $$(@D)
	$$(q)$$(cc_$(1)) $$(link_$(1)) $$(LDFLAGS) -o $$@ -Wl,--start-group $$^ -Wl,--end-group \
		$(if $(call all_pkgs,$(2)),$$$$(pkg-config --libs $(call all_pkgs,$(2))))
endef

flavour_libs = $(foreach l,$(LIBRARIES),$(eval $(call archive,$(1),$(l))))
$(call flavour_libs,program)
$(call flavour_libs,unit)
$(call flavour_libs,fuzz)
$(foreach p,$(PROGRAMS),$(eval $(call link,program,$(p),$(BUILD)/$(p),program)))
$(foreach l,$(LOADERS),$(eval $(call link,program,$(l),$(BUILD)/tests/$(l),program)))
$(foreach t,$(unit_tests),$(eval $(call link,unit,$(t),$(BUILD)/tests/$(t),unit)))
$(foreach t,$(PLAIN_TESTS),$(eval $(call link,program,$(t),$(BUILD)/tests/$(t),program)))
$(foreach t,$(kselftests),$(eval $(call link,kselftest,$(t),$(BUILD)/kselftest/$(t),program)))
$(foreach f,$(KERNEL_FUZZERS),$(eval $(call link,program,$(f),$(BUILD)/fuzz/$(f),program)))
$(foreach b,$(BENCHES),$(eval $(call link,program,$(b),$(BUILD)/bench/$(b),program)))
$(foreach f,$(FUZZERS),$(eval $(call link,fuzz,$(f),$(BUILD)/fuzz/$(f),fuzz)))

$(foreach t,$(unit_tests),$(call objects,unit,$(t))): | $(if $(vector_files),$(BUILD)/vectors.h)
$(foreach f,$(FUZZERS),$(call objects,fuzz,$(f))): | $(if $(vector_files),$(BUILD)/vectors.h)
$(foreach l,$(LOADERS),$(call objects,program,$(l))): | $(if $(vector_files),$(BUILD)/vectors.h)
$(foreach t,$(kselftests),$(call objects,kselftest,$(t))): | \
	$(kselftest_include)/.done $(if $(vector_files),$(BUILD)/vectors.h)

# Parts of the kselftests are parts of these, too.
$(call objects,program,mikeybody): | $(if $(vector_files),$(BUILD)/vectors.h)

.PHONY: programs unit-tests kselftests fuzzers benches
programs: $(addprefix $(BUILD)/,$(PROGRAMS))	## build mikeyd, mikeyctl and mikey-kms
unit-tests: $(addprefix $(BUILD)/tests/,$(unit_tests) $(PLAIN_TESTS))
kselftests: $(addprefix $(BUILD)/kselftest/,$(kselftests))
fuzzers: $(addprefix $(BUILD)/fuzz/,$(FUZZERS))	## build the libFuzzer targets into build/fuzz
benches: $(addprefix $(BUILD)/bench/,$(BENCHES))
