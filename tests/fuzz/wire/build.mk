# SPDX-License-Identifier: GPL-2.0-or-later
# Fuzzers of the MIKEY codec. seeds.py makes their corpora of the vectors.
FUZZERS += fuzz-wire-message
fuzz-wire-message_SRCS := tests/fuzz/wire/message.c tests/unit/wire/rebuild.c
fuzz-wire-message_LIBS := mikeywire

FUZZERS += fuzz-wire-ticket-data
fuzz-wire-ticket-data_SRCS := tests/fuzz/wire/ticket_data.c
fuzz-wire-ticket-data_LIBS := mikeywire
