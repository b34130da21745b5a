# SPDX-License-Identifier: GPL-2.0-or-later
TESTS += ticket_stress_test
ticket_stress_test_SRCS := tests/kselftest/ticket/ticket_stress_test.c
ticket_stress_test_PKGS := libnl-genl-3.0 libkeyutils libcrypto
ticket_stress_test_LIBS := mikeyterm mikeypeer mikeywire
