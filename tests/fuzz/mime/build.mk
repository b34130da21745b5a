# SPDX-License-Identifier: GPL-2.0-or-later
FUZZERS += fuzz-mime-cms
fuzz-mime-cms_SRCS := tests/fuzz/mime/cms_read.c
fuzz-mime-cms_LIBS := mikeycms
