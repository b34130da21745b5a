# SPDX-License-Identifier: GPL-2.0-or-later
# The codec as a static library for the programs, the tests and the fuzzers.
LIBRARIES += mikeywire
mikeywire_SRCS := \
	kmod/wire/builder.c \
	kmod/wire/chain.c \
	kmod/wire/cover.c \
	kmod/wire/cursor.c \
	kmod/wire/identity.c \
	kmod/wire/key_data.c \
	kmod/wire/label.c \
	kmod/wire/message.c \
	kmod/wire/ntp.c \
	kmod/wire/payload.c \
	kmod/wire/policy.c \
	kmod/wire/profile.c \
	kmod/wire/ticket_data.c
