# SPDX-License-Identifier: GPL-2.0-or-later
# The codec's objects, relative to the top of the tree, for a kernel module
# to link in.
wire-objs := \
	kmod/wire/builder.o \
	kmod/wire/chain.o \
	kmod/wire/cover.o \
	kmod/wire/cursor.o \
	kmod/wire/identity.o \
	kmod/wire/key_data.o \
	kmod/wire/label.o \
	kmod/wire/message.o \
	kmod/wire/ntp.o \
	kmod/wire/payload.o \
	kmod/wire/policy.o \
	kmod/wire/profile.o \
	kmod/wire/ticket_data.o
