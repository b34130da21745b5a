#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Write the wire fuzzers' seeds, made of the test vectors.

Usage: seeds.py DIRECTORY

Fills DIRECTORY/fuzz-wire-message and DIRECTORY/fuzz-wire-ticket-data with one
file for each message, ticket, Initiator Data and set of keys in the vectors,
and a message with one of every payload that no exchange expects. The result
is what lies in tests/fuzz/corpus; files of other names there are inputs that
once made trouble.
"""

import glob
import json
import os
import sys

VECTORS = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                       "../../vectors")
# Ticket Type, Subtype, Version: 3GPP's base ticket and MIKEY's
TICKET_STARTS = (bytes.fromhex("00020101"), bytes.fromhex("00010101"))

STRANGERS = (
    (5, "03ee000000"), (12, "0c0000"), (10, "010000020000"),
    (1, "0000040102030402" + "00" * 32), (2, "8003aabbcc"),
    (3, "01" + "00" * 96 + "0102aabb"), (3, "01" + "00" * 96 + "0201aa02bbcc"),
    (6, "0000026162"), (7, "030003010203"), (8, "00" + "00" * 20),
    (8, "02" + "00" * 32), (11, "020102"), (13, "0202000000ff"),
    (14, "0100000161"), (15, "0402aabb"), (16, "ffffffffffffff0000"),
    (17, "ffffffffffffff0001ff0002ffff0003ffffff"), (21, "000001aa"),
    (21, "f10001ee"), (9, "01" + "00" * 20),
)


def chain(payloads):
    """Payloads linked to each other; the first one's type is the caller's."""
    out = b""
    for i, (_, body) in enumerate(payloads):
        last = i + 1 == len(payloads)
        out += bytes([0 if last else payloads[i + 1][0]]) + bytes.fromhex(body)
    return out


def length16(data, at):
    """A two-byte length."""
    return int.from_bytes(data[at:at + 2], "big")


def split_ticket(message):
    """Stored ticket and Initiator Data of a message, or None."""
    start = max(message.find(head) for head in TICKET_STARTS)
    end = start + 9 + length16(message, start + 7)
    end += 2 + length16(message, end)
    size = length16(message, end)
    return message[start:end], message[end + 2:end + 2 + size]


def keys(exchange):
    """The plain text of RESOLVE_RESP's KEMAC."""
    resolved = exchange["derived"]["resolved_keys"]
    out = b""
    for i, key in enumerate(resolved):
        value, spi = bytes.fromhex(key["key"]), bytes.fromhex(key["spi"])
        out += bytes([0 if i + 1 == len(resolved) else 20,
                      key["type"] << 4 | 1])
        out += len(value).to_bytes(2, "big") + value
        out += bytes([len(spi)]) + spi
    return out


def seeds():
    """Pairs of a name inside the corpus and the bytes."""
    for path in sorted(glob.glob(os.path.join(VECTORS, "exchange-*.json"))):
        name = os.path.basename(path)[len("exchange-"):-len(".json")]
        with open(path, encoding="utf-8") as f:
            exchange = json.load(f)
        for kind, text in exchange["messages"].items():
            # proofs of other objects differ in their bytes alone
            if text is None or kind.startswith("transfer_init_proof_"):
                continue
            message = bytes.fromhex(text)
            yield f"fuzz-wire-message/{name}-{kind}", message
            if kind in ("request_init", "resolve_resp", "zk_resolve_resp"):
                continue
            ticket, initiator = split_ticket(message)
            if kind == "transfer_init":
                yield f"fuzz-wire-ticket-data/{name}-ticket", ticket
            if initiator:
                yield f"fuzz-wire-ticket-data/{name}-{kind}-initiator", initiator
        yield f"fuzz-wire-ticket-data/{name}-keys", keys(exchange)
    header = bytes.fromhex("01060500010203040001")
    yield "fuzz-wire-message/strangers", header + chain(STRANGERS)


def main(argv):
    """Write all seeds."""
    if len(argv) != 2:
        sys.exit("usage: seeds.py DIRECTORY")
    for name, data in seeds():
        path = os.path.join(argv[1], name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(data)


if __name__ == "__main__":
    main(sys.argv)
