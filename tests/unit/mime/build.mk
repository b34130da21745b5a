# SPDX-License-Identifier: GPL-2.0-or-later
# Unit tests of the DER and CMS code. OpenSSL is the second opinion on
# AuthEnvelopedData and EnvelopedData, the vectors are on all forms.
LIBRARIES += mikeycms
mikeycms_SRCS := $(addprefix kmod/mime/,der.c cms_oid.c cms_alg.c cms_read.c cms_write.c \
	padding.c)

mime_tests := der vectors refuse padding openssl

define mime_test
TESTS += test-mime-$(1)
test-mime-$(1)_SRCS := tests/unit/mime/$(1)_test.c tests/unit/mime/edit.c
test-mime-$(1)_PKGS := cmocka libcrypto
test-mime-$(1)_LIBS := mikeycms
endef
$(foreach t,$(mime_tests),$(eval $(call mime_test,$(t))))
