# SPDX-License-Identifier: GPL-2.0-or-later
# The fuzzer of both netlink families (make fuzz-netlink), and its corpus as a
# test of the virtual machine.
LIBRARIES += mikeyscene
mikeyscene_SRCS := $(addprefix tests/fuzz/netlink/,attrs.c bytes.c corpus.c plan.c recipe.c \
	scene.c steps.c)
mikeyscene_PKGS := libcrypto libnl-genl-3.0

netlink_libs := mikeyscene mikeybody mikeymodule mikeyterm mikeypeer mikeywire

KERNEL_FUZZERS += fuzz-netlink
fuzz-netlink_SRCS := $(addprefix tests/fuzz/netlink/,cover.c main.c watch.c)
fuzz-netlink_PKGS := libnl-genl-3.0 libkeyutils libcrypto
fuzz-netlink_LIBS := $(netlink_libs)

TESTS += netlink_corpus_test
netlink_corpus_test_SRCS := tests/fuzz/netlink/corpus_test.c
netlink_corpus_test_PKGS := libnl-genl-3.0 libkeyutils libcrypto
netlink_corpus_test_LIBS := $(netlink_libs)
