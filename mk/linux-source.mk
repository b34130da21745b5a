# SPDX-License-Identifier: GPL-2.0-or-later
#
# A few files of the kernel's own sources that no headers package carries:
# checkpatch and the kselftest harness. Debian's linux-source has them.

linux_source_tar = $(lastword $(sort $(wildcard /usr/src/linux-source-6.*.tar.xz)))
linux_source := $(BUILD)/linux-source
kselftest_include := $(BUILD)/kselftest-include
linux_source_files := scripts/checkpatch.pl scripts/spelling.txt \
	scripts/const_structs.checkpatch tools/testing/selftests/kselftest.h \
	tools/testing/selftests/kselftest_harness.h

$(linux_source)/.done:
	@if [ -z "$(linux_source_tar)" ]; then \
		echo 'No /usr/src/linux-source-6.*.tar.xz: install linux-source (tests/deps does).' >&2; \
		exit 1; \
	fi
	$(say) EXTRACT '$(notdir $(linux_source_tar)): checkpatch and kselftest'
	$(q)mkdir -p $(@D)
	$(q)name=$$(basename $(linux_source_tar) .tar.xz); \
		tar -xJf $(linux_source_tar) -C $(@D) --strip-components=1 \
		$(foreach f,$(linux_source_files),"$$name/$(f)")
	$(q)touch $@

$(kselftest_include)/.done: $(linux_source)/.done
	$(q)mkdir -p $(@D)
	$(q)cp $(linux_source)/tools/testing/selftests/kselftest*.h $(@D)/
	$(q)touch $@
