# SPDX-License-Identifier: GPL-2.0-or-later
#
# What make bench runs in the machine: one program, in which each contestant
# has a file of its own.
BENCHES += mikey-bench
mikey-bench_SRCS := $(addprefix tests/bench/,main.c measure.c row.c client.c stage.c job.c \
	contestant_product.c contestant_floor.c contestant_job.c \
	keyed_openssl.c keyed_softhsm.c keyed_afalg.c \
	suite_sizes.c suite_tickets.c suite_scale.c suite_memory.c suite_exchanges.c)
mikey-bench_PKGS := libnl-genl-3.0 libkeyutils libcrypto p11-kit-1
mikey-bench_LIBS := mikeybody mikeyterm mikeypeer mikeycms mikeywire
