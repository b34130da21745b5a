# SPDX-License-Identifier: GPL-2.0-or-later
"""Suites, profiles and every key of MIKEY-TICKET, for tests: RFC 3830 4.1 and
4.2.3, RFC 6043 5.1, 6.10 and A.2. Labels have functions of their own, so that
the test vectors can show them."""
import hmac
import struct

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

NULL, TGK, GTGK, MPK = 0, 0, 4, 6
ENCR, AUTH, SALT = 0x150533E1, 0x2D22AC75, 0x29B88916
CS_TEK, CS_AUTH, CS_ENCR = 0x2AD01C64, 0x1B5C7973, 0x15798CEF
MPK_I, MPK_R, FORK_MPK, FORK_TGK = 0x220E99A2, 0x1F4D675B, 0x2B288856, 0x1512B54A
FLAGS = {c: 1 << (11 - n) for n, c in enumerate("DEFGHIJKLMNO")}


def flags(text):
    """'DEHI' -> the twelve bits with those set"""
    return sum(FLAGS[c] for c in text)


def letters(bits):
    return "".join(c for c, bit in FLAGS.items() if bits & bit)


class Suite:
    """One row of the table of suites (sizes in bytes)."""

    def __init__(self, prf_func, encr, auth, key_len, mac_len):
        self.prf, self.encr, self.auth = prf_func, encr, auth
        self.key_len, self.mac_len = key_len, mac_len


SUITES = {
    "256": Suite(1, 3, 2, 32, 32),
    "128": Suite(0, 1, 1, 16, 20),
    "ts-128": Suite(1, 1, 2, 16, 32),
}


class Profile:
    """What a profile fixes; flags are those of a ticket that the KMS makes."""

    def __init__(self, name, fixed, traffic, forked, forms):
        self.name, self.flags, self.traffic = name, flags(fixed), traffic
        self.forked, self.forms = forked, forms

    def bits(self, mode=1, reusable=True, cacheable=False):
        """The flags of a ticket of this profile (mode 3: D0 L1)."""
        bits = self.flags
        if mode == 3:
            bits = bits & ~FLAGS["D"] | FLAGS["L"]
        if reusable:
            bits |= FLAGS["J"]
        if cacheable:
            bits &= ~FLAGS["E"]
        return bits


FORMS = ("auth-enveloped", "auth-enveloped-ccm", "authenticated", "authenticated-enveloped")
PROFILES = {
    "immediate": Profile("immediate", "DEHINO", GTGK, True, FORMS),
    "annex-i": Profile("annex-i", "DEHNO", TGK, False, FORMS[:2]),
}


def profile_of(bits):
    return PROFILES["immediate" if bits & FLAGS["I"] else "annex-i"]


PRF_DIGEST = {0: "sha1", 1: "sha256"}
MACS = {1: ("sha1", 20), 2: ("sha256", 32)}


def prf(function, inkey, label, length):
    """RFC 3830 4.1.2: 256-bit blocks of the key, each block's P() XORed."""
    digest = PRF_DIGEST[function]

    def p(secret):
        out, a = b"", label
        while len(out) < length:
            a = hmac.new(secret, a, digest).digest()
            out += hmac.new(secret, a + label, digest).digest()
        return out[:length]

    total = bytes(length)
    for at in range(0, len(inkey), 32):
        total = bytes(x ^ y for x, y in zip(total, p(inkey[at:at + 32])))
    return total


# --- labels ---------------------------------------------------------------

def counted(rand):
    return bytes([len(rand)]) + rand


def label_message(constant, csb_id, randr_i=b"", randr_r=b"", response=False):
    """Of a message protected with PSK or MPK (5.1.2)."""
    return struct.pack(">IBIB", constant, 0xFF, csb_id, 2 if response else 1) + \
        counted(randr_i) + counted(randr_r)


def label_session(constant, randr_i, cs_id=1):
    """Of a crypto session (5.1.3); no RANDRr."""
    return struct.pack(">IBIB", constant, cs_id, 0xFFFFFFFF, 3) + counted(randr_i) + counted(b"")


def label_vr():
    return struct.pack(">IBIB", AUTH, 0xFF, 0xFFFFFFFF, 4)


def label_ticket(constant, rand):
    """Of the Ticket Data's protection (A.2.1)."""
    return struct.pack(">IBIB", constant, 0xFF, 0xFFFFFFFF, 5) + counted(rand)


def label_mpk(constant, rand):
    """Of MPKi and MPKr (A.2.2)."""
    return struct.pack(">IBIB", constant, 0xFF, 0xFFFFFFFF, 6) + counted(rand)


def label_fork(constant, idr_r, randr_kms):
    """Of a forked key (5.1.1)."""
    return struct.pack(">IBIBH", constant, 0xFF, 0xFFFFFFFF, 0, len(idr_r)) + idr_r + \
        counted(randr_kms)


# --- keys -----------------------------------------------------------------

def lengths(suite):
    """(constant, bytes) of encr, auth and salt."""
    return (ENCR, suite.key_len), (AUTH, suite.mac_len), (SALT, 14)


def message_keys(suite, key, csb_id, randr_i=b"", randr_r=b"", response=False):
    """encr, auth and salt from PSK or MPKi."""
    return tuple(prf(suite.prf, key, label_message(c, csb_id, randr_i, randr_r, response), n)
                 for c, n in lengths(suite))


def ticket_keys(suite, tpk, rand):
    """encr, auth and salt from TPK."""
    return tuple(prf(suite.prf, tpk, label_ticket(c, rand), n) for c, n in lengths(suite))


def mpk_pair(suite, mpk, rand):
    return tuple(prf(suite.prf, mpk, label_mpk(c, rand), len(mpk)) for c in (MPK_I, MPK_R))


def fork(suite, key, idr_r, randr_kms, constant=FORK_MPK):
    return prf(suite.prf, key, label_fork(constant, idr_r, randr_kms), len(key))


def vr_key(suite, mpkr):
    return prf(suite.prf, mpkr, label_vr(), suite.mac_len)


def session_keys(suite, traffic, randr_i, cs_id=1):
    """TEK, auth and encr key of the crypto session: the KEKs of CMS."""
    return {name: prf(suite.prf, traffic, label_session(c, randr_i, cs_id), suite.key_len)
            for name, c in (("tek", CS_TEK), ("auth", CS_AUTH), ("encr", CS_ENCR))}


def iv_of(salt, csb_id, t64):
    """RFC 3830 4.2.3"""
    return bytes(a ^ b for a, b in zip(salt, struct.pack(">HIQ", 0, csb_id, t64))) + b"\0\0"


def aes_cm(key, salt, csb_id, t64, data):
    """Encrypting and decrypting are one."""
    c = Cipher(algorithms.AES(key), modes.CTR(iv_of(salt, csb_id, t64))).encryptor()
    return c.update(data) + c.finalize()


def mac(alg, key, *parts):
    return hmac.new(key, b"".join(parts), MACS[alg][0]).digest() if alg else b""
