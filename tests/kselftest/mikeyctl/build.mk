# SPDX-License-Identifier: GPL-2.0-or-later
#
# mikeyctl with the real modules: keys it loads, tickets it finds.
TESTS += mikeyctl_test
mikeyctl_test_SRCS := tests/kselftest/mikeyctl/mikeyctl_test.c
mikeyctl_test_PKGS := libnl-genl-3.0 libkeyutils libcrypto
mikeyctl_test_LIBS := mikeyterm mikeypeer mikeywire
