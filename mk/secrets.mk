# SPDX-License-Identifier: GPL-2.0-or-later
#
# The hunt for keys in a machine's memory, and what it takes: a search for many
# byte strings, a mailbox for keys, a module that says what an address is. And
# PSKs that a TPM sealed.

secrets := $(BUILD)/secrets

# whose.ko is always looked at: it is for the kernel of the machine.
.PHONY: check-secrets check-sealed $(secrets)/whose/whose.ko
check-secrets: deps	## search a whole machine's memory for keys (as root)
	+$(q)$(MAKE) $(jobs) programs modules $(secrets)/search $(secrets)/mailbox \
		$(secrets)/whose/whose.ko KDIR=$(check_kdir)
	$(q)BUILD=$(BUILD) MIKEY_BUILD=$(abspath $(BUILD)) tests/secrets/check

check-sealed:	## sealed PSKs, with a TPM, on the kernel of debug-kernel (as root)
	@tests/deps build check demo debug sealed
	+$(q)$(MAKE) debug-kernel programs
	+$(q)$(MAKE) modules KDIR=$(debug_tree)
	$(q)BUILD=$(BUILD) MIKEY_PATIENCE=$(PATIENCE) tests/secrets/sealed $(debug_image)

$(secrets)/%: tests/secrets/%.c
	$(say) CC $@
	$(q)mkdir -p $(@D)
	$(q)$(CC) $(flags_program) $(link_program) -o $@ $< -lkeyutils

$(secrets)/whose/whose.ko: tests/secrets/whose/whose.c
	$(say) KBUILD $(@D)
	$(q)mkdir -p $(@D)
	$(q)cp tests/secrets/whose/whose.c tests/secrets/whose/Kbuild $(@D)
	+$(q)$(MAKE) -C $(KDIR) M=$(abspath $(@D)) -s modules
