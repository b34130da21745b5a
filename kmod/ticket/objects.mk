# SPDX-License-Identifier: GPL-2.0
mikey_ticket-y := $(addprefix kmod/ticket/, \
	main.o limits.o netlink.o refusal.o stats.o clock.o \
	request.o wish.o mint.o resolve.o kept.o grant.o kms.o exchange.o psk.o \
	key.o ticket.o piece.o expiry.o transfer.o inbound.o \
	derive.o prf.o hmac.o kemac.o) $(wire-objs)
mikey_ticket-$(if $(filter 1,$(MIKEY_DEBUG)),y) += kmod/ticket/selftest.o

# where define_trace.h finds trace.h again
CFLAGS_kmod/ticket/refusal.o := -I$(src)/kmod/ticket
