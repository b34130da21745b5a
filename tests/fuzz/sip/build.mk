# SPDX-License-Identifier: GPL-2.0-or-later
FUZZERS += fuzz-sip-message fuzz-sip-multipart fuzz-sip-recipients fuzz-sip-framing
fuzz-sip-multipart_SRCS := tests/fuzz/sip/multipart.c
fuzz-sip-multipart_PKGS := libre gmime-3.0
fuzz-sip-multipart_LIBS := mikeyd-core mikeyhelper
fuzz-sip-recipients_SRCS := tests/fuzz/sip/recipients.c
fuzz-sip-recipients_LIBS := mikeyd-core mikeyhelper
fuzz-sip-message_SRCS := tests/fuzz/sip/message.c
fuzz-sip-message_PKGS := libre
fuzz-sip-message_LIBS := mikeyd-core mikeyhelper
fuzz-sip-framing_SRCS := tests/fuzz/sip/framing.c
fuzz-sip-framing_PKGS := libre
fuzz-sip-framing_LIBS := mikeyd-core mikeyhelper
