#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""That the search for keys sees what it must: shapes against the standards' own
examples and against other programs, and the search in files. KTAP."""

import base64
import hashlib
import os
import shutil
import struct
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "e2e"))
import ktap  # pylint: disable=wrong-import-position
import needles  # pylint: disable=wrong-import-position

PAGE = 4096


def test_round_keys():
    """AES: round keys of FIPS 197's examples, 128 and 256 bits"""
    for key, last in (("2b7e151628aed2a6abf7158809cf4f3c", "d014f9a8c9ee2589e13f0cc8b6630ca6"),
                      ("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
                       "fe4890d1e6188d0b046df344706c631e")):
        ktap.equal(needles.encryption_keys(bytes.fromhex(key))[-1].hex(), last, "the last one")


def test_decryption_keys():
    """AES: InvMixColumns of FIPS 197's example B undoes its MixColumns"""
    ktap.equal(needles.unmixed(bytes.fromhex("046681e5e0cb199a48f8d37a2806264c")).hex(),
               "d4bf5d30e0b452aeb84111f11e2798e5", "the first column mix undone")


def test_hash_states():
    """hashes: the state behind one block is the digest of what fits into it"""
    block = b"abc" + b"\x80" + bytes(52) + struct.pack(">Q", 24)
    for name, state in needles.STATES.items():
        ktap.equal(struct.pack(f">{len(state(block))}I", *state(block)).hex(),
                   hashlib.new(name, b"abc").hexdigest(), name)


def test_base64():
    """base64: found whatever stands before and behind"""
    key = bytes(range(100, 116))
    for before in range(6):
        for behind in range(3):
            text = base64.b64encode(bytes(before) + key + bytes(behind))
            ktap.true(any(n in text for n in needles.base64_pieces(key)),
                      f"not found with {before} bytes before, {behind} behind")


def test_halves():
    """half a key is found, the first and the second"""
    key = bytes(range(32))
    found = {n for shape, n in needles.shapes(key) if shape == "bytes"}
    ktap.equal(found, {key[:16], key[16:]}, "pieces")


def search(wanted, data):
    """Finds of the C program, (number, offset)."""
    work = tempfile.mkdtemp()
    try:
        program = os.path.join(work, "search")
        subprocess.run(["gcc", "-O2", "-D_GNU_SOURCE", "-o", program,
                        os.path.join(HERE, "search.c")], check=True)
        for name, content in (("needles", "".join(n.hex() + "\n" for n in wanted).encode()),
                              ("data", data)):
            with open(os.path.join(work, name), "wb") as f:
                f.write(content)
        said = subprocess.run([program, "needles", "data"], cwd=work, check=True, text=True,
                              stdout=subprocess.PIPE).stdout
        return [tuple(map(int, line.split()[:2])) for line in said.splitlines()]
    finally:
        shutil.rmtree(work)


def test_search():
    """the search: at any offset, over page borders, among empty pages, at the very end"""
    first, second = bytes(range(1, 17)), bytes(7) + b"\x99" + bytes(range(40, 56))
    data = bytearray(16 * PAGE)
    for at in (3, PAGE - 5, 5 * PAGE + 1, len(data) - 16):
        data[at:at + 16] = first
    for at in (8 * PAGE - 7, 10 * PAGE):        # its first bytes in a page that is empty
        data[at:at + len(second)] = second
    data[12 * PAGE:12 * PAGE + 15] = first[:15]     # not all of it
    ktap.equal(sorted(search([first, second], bytes(data))),
               [(0, 3), (0, PAGE - 5), (0, 5 * PAGE + 1), (0, len(data) - 16),
                (1, 8 * PAGE - 7), (1, 10 * PAGE)], "finds")


if __name__ == "__main__":
    sys.exit(ktap.main(sys.modules[__name__]))
