# SPDX-License-Identifier: GPL-2.0-or-later
"""Every shape in which a key may lie in memory, as bytes to search for.

A part of a key is as bad as the whole, so each shape is cut into pieces of 16
bytes, half a key of 256 bits. Beside the bytes and their texts these are what
programs make of a key before they use it: the round keys of AES for either
direction, the first block of HMAC with the key in it, and the two states of the
hash behind that block, which are worth as much as the key.
"""

import base64
import struct

PIECE = 16


# --- AES (FIPS 197) --------------------------------------------------------

def times(a, b):
    """Multiplication in GF(2^8)"""
    out = 0
    while b:
        out ^= a if b & 1 else 0
        a = a << 1 ^ (0x11B if a & 0x80 else 0)
        b >>= 1
    return out


def make_sbox():
    box = [0x63] * 256
    for a in range(1, 256):
        inverse = next(b for b in range(1, 256) if times(a, b) == 1)
        value = 0x63
        for turn in range(5):
            value ^= (inverse << turn | inverse >> 8 - turn) & 0xFF
        box[a] = value
    return bytes(box)


SBOX = make_sbox()


def encryption_keys(key):
    """The round keys, 16 bytes each (5.2)"""
    n = len(key) // 4
    words = [key[i:i + 4] for i in range(0, len(key), 4)]
    factor = 1
    while len(words) < 4 * (n + 7):
        last = words[-1]
        if len(words) % n == 0:
            last = bytes(SBOX[b] for b in last[1:] + last[:1])
            last = bytes([last[0] ^ factor]) + last[1:]
            factor = times(factor, 2)
        elif n > 6 and len(words) % n == 4:
            last = bytes(SBOX[b] for b in last)
        words.append(bytes(a ^ b for a, b in zip(words[-n], last)))
    return [b"".join(words[i:i + 4]) for i in range(0, len(words), 4)]


def unmixed(block):
    """InvMixColumns (5.3.3): what decryption makes of the round keys"""
    out = b""
    for at in range(0, 16, 4):
        column = block[at:at + 4]
        out += bytes(times(column[i], 14) ^ times(column[(i + 1) % 4], 11) ^
                     times(column[(i + 2) % 4], 13) ^ times(column[(i + 3) % 4], 9)
                     for i in range(4))
    return out


def aes_schedules(key):
    forward = encryption_keys(key)
    return forward + [unmixed(r) for r in forward[1:-1]]


# --- the hashes of HMAC (FIPS 180-4) ---------------------------------------

MASK = 0xFFFFFFFF


def root_bits(n, power):
    """The first 32 bits of the fraction of n's root"""
    low, high = 0, n << 32
    while high - low > 1:
        middle = (low + high) // 2
        if middle ** power > n << 32 * power:
            high = middle
        else:
            low = middle
    return low & MASK


PRIMES = [p for p in range(2, 312) if all(p % d for d in range(2, p))]
K256 = [root_bits(p, 3) for p in PRIMES]
H256 = [root_bits(p, 2) for p in PRIMES[:8]]
H1 = [0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0]


def right(x, n):
    return (x >> n | x << 32 - n) & MASK


def sha256_state(block):
    w = list(struct.unpack(">16I", block))
    for i in range(16, 64):
        s0 = right(w[i - 15], 7) ^ right(w[i - 15], 18) ^ w[i - 15] >> 3
        s1 = right(w[i - 2], 17) ^ right(w[i - 2], 19) ^ w[i - 2] >> 10
        w.append((w[i - 16] + s0 + w[i - 7] + s1) & MASK)
    a, b, c, d, e, f, g, h = H256
    for i in range(64):
        t1 = h + (right(e, 6) ^ right(e, 11) ^ right(e, 25)) + (e & f ^ ~e & g) + K256[i] + w[i]
        t2 = (right(a, 2) ^ right(a, 13) ^ right(a, 22)) + (a & b ^ a & c ^ b & c)
        a, b, c, d, e, f, g, h = (t1 + t2) & MASK, a, b, c, (d + t1) & MASK, e, f, g
    return [x + y & MASK for x, y in zip(H256, (a, b, c, d, e, f, g, h))]


def sha1_state(block):
    w = list(struct.unpack(">16I", block))
    for i in range(16, 80):
        w.append(right(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 31))
    a, b, c, d, e = H1
    for i in range(80):
        f, k = ((b & c | ~b & d, 0x5A827999), (b ^ c ^ d, 0x6ED9EBA1),
                (b & c | b & d | c & d, 0x8F1BBCDC), (b ^ c ^ d, 0xCA62C1D6))[i // 20]
        a, b, c, d, e = (right(a, 27) + f + e + k + w[i]) & MASK, a, right(b, 2), c, d
    return [x + y & MASK for x, y in zip(H1, (a, b, c, d, e))]


STATES = {"sha1": sha1_state, "sha256": sha256_state}


def pads(key):
    """The first block of the inner and of the outer hash (RFC 2104)"""
    block = key + bytes(64 - len(key))
    return [bytes(b ^ pad for b in block) for pad in (0x36, 0x5C)]


# --- shapes ----------------------------------------------------------------

def swapped(data):
    """32-bit words in the other byte order"""
    return b"".join(data[i:i + 4][::-1] for i in range(0, len(data), 4))


def pieces(data):
    """The 16 bytes at its start, and at its end if it is longer."""
    return [data[:PIECE]] + ([data[-PIECE:]] if len(data) > PIECE else [])


def base64_pieces(data):
    """However many bytes stand before it: whole characters of it alone."""
    for before in range(3):
        text = base64.b64encode(bytes(before) + data)
        yield text[(8 * before + 5) // 6:(8 * (before + len(data))) // 6]


def shapes(key, hmac=None, aes=False):
    """(shape, bytes) of a key. hmac names the hash that it keys; with aes it is
    a key of AES."""
    for piece in pieces(key):
        yield "bytes", piece
        yield "bytes, words swapped", swapped(piece)
        yield "hexadecimal", piece.hex().encode()
        yield "HEXADECIMAL", piece.hex().upper().encode()
        for text in base64_pieces(piece):
            yield "base64", text
    if aes:
        for round_key in aes_schedules(key)[len(key) // 16:]:
            yield "AES round key", round_key
            yield "AES round key, words swapped", swapped(round_key)
    if hmac:
        for pad in pads(key):
            yield "HMAC block", pad[:PIECE]
            yield "HMAC block, words swapped", swapped(pad[:PIECE])
            words = STATES[hmac](pad)
            for order in "<>":
                for piece in pieces(struct.pack(f"{order}{len(words)}I", *words)):
                    yield "HMAC state", piece
