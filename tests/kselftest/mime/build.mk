# SPDX-License-Identifier: GPL-2.0-or-later
#
# Tests of the family mikey_mime. Tickets come from the parent folder's KMS
# and terminals, CMS objects of the other side from OpenSSL.

LIBRARIES += mikeybody
mikeybody_SRCS := tests/kselftest/mime/body.c tests/kselftest/mime/cms_peer.c \
	tests/unit/mime/edit.c
mikeybody_PKGS := libcrypto libnl-genl-3.0

mime_kselftests := mime_test mime_edge_test mime_forms_test mime_damage_test mime_forgery_test \
	mime_replay_test mime_module_test mime_fault_test mime_race_test mime_wipe_test
TESTS += $(mime_kselftests)
$(foreach t,$(mime_kselftests),$(eval $(t)_SRCS := tests/kselftest/mime/$(t).c) \
	$(eval $(t)_PKGS := libnl-genl-3.0 libkeyutils libcrypto) \
	$(eval $(t)_LIBS := mikeybody mikeymodule mikeyterm mikeypeer mikeywire))
