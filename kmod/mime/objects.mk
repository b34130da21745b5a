# SPDX-License-Identifier: GPL-2.0
mikey_mime-y := $(addprefix kmod/mime/, \
	main.o netlink.o protect.o unprotect.o reply.o replay.o stats.o \
	form.o auth_enveloped.o authenticated.o authenticated_enveloped.o authenticate.o \
	aead.o cbc.o mac.o keywrap.o pages.o padding.o \
	cms_read.o cms_write.o cms_alg.o cms_oid.o der.o)
mikey_mime-$(if $(filter 1,$(MIKEY_DEBUG)),y) += kmod/mime/selftest.o
