# SPDX-License-Identifier: GPL-2.0-or-later
"""The three CMS forms of TS 33.328 Annex D in Python, for tests: a DER writer
and reader of a page, and RFC 5652, 5083, 5084 and 3394 on top."""
import hashlib
import hmac
import os

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM
from cryptography.hazmat.primitives.keywrap import aes_key_unwrap, aes_key_wrap


def tlv(tag, *parts):
    body = b"".join(parts)
    n = len(body)
    if n < 128:
        return bytes([tag, n]) + body
    size = (n.bit_length() + 7) // 8
    return bytes([tag, 0x80 | size]) + n.to_bytes(size, "big") + body


def oid(text):
    nums = [int(x) for x in text.split(".")]
    out = bytes([nums[0] * 40 + nums[1]])
    for n in nums[2:]:
        part = [n & 127]
        while n := n >> 7:
            part.insert(0, n & 127 | 128)
        out += bytes(part)
    return tlv(6, out)


def integer(n):
    return tlv(2, n.to_bytes(n.bit_length() // 8 + 1, "big"))


def seq(*parts):
    return tlv(0x30, *parts)


def octets(data):
    return tlv(4, data)


DATA, ENVELOPED = oid("1.2.840.113549.1.7.1"), oid("1.2.840.113549.1.7.3")
AUTH_DATA, AUTH_ENV = oid("1.2.840.113549.1.9.16.1.2"), oid("1.2.840.113549.1.9.16.1.23")
CONTENT_TYPE, MESSAGE_DIGEST = oid("1.2.840.113549.1.9.3"), oid("1.2.840.113549.1.9.4")
ALG_PROTECTION = oid("1.2.840.113549.1.9.52")
SHA256 = oid("2.16.840.1.101.3.4.2.1")
HMAC_SHA256 = seq(oid("1.2.840.113549.2.9"), tlv(5))
NIST_AES = "2.16.840.1.101.3.4.1."
BY_LEN = {16: {"wrap": 5, "gcm": 6, "ccm": 7, "cbc": 2}, 32: {"wrap": 45, "gcm": 46, "ccm": 47, "cbc": 42}}


def aes_oid(key, use):
    return oid(NIST_AES + str(BY_LEN[len(key)][use]))


def recipient(kek, spi, content_key):
    """[SET OF RecipientInfo] with the one KEKRecipientInfo (RFC 5652 6.2.3)."""
    kekri = (integer(4), seq(octets(spi)), seq(aes_oid(kek, "wrap")), octets(aes_key_wrap(kek, content_key)))
    return tlv(0x31, tlv(0xA2, *kekri))


def info(content_type, content):
    return seq(content_type, tlv(0xA0, content))


def auth_enveloped(kek, spi, entity, mode="gcm", key=None, nonce=None, icv=16):
    key = os.urandom(len(kek)) if key is None else key
    nonce = os.urandom(12) if nonce is None else nonce
    if mode == "gcm":
        sealed = AESGCM(key).encrypt(nonce, entity, None)
        sealed, tag = sealed[:-16], sealed[-16:][:icv]
    else:
        sealed = AESCCM(key, icv).encrypt(nonce, entity, None)
        sealed, tag = sealed[:-icv], sealed[-icv:]
    params = seq(octets(nonce), *([integer(icv)] if icv != 12 else []))
    eci = seq(DATA, seq(aes_oid(key, mode), params), tlv(0x80, sealed))
    return info(AUTH_ENV, seq(integer(0), recipient(kek, spi, key), eci, octets(tag)))


def enveloped(kek, spi, entity, key=None, iv=None):
    key = os.urandom(len(kek)) if key is None else key
    iv = os.urandom(16) if iv is None else iv
    pad = 16 - len(entity) % 16
    c = Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor()
    sealed = c.update(entity + bytes([pad]) * pad) + c.finalize()
    eci = seq(DATA, seq(aes_oid(key, "cbc"), octets(iv)), tlv(0x80, sealed))
    return seq(integer(2), recipient(kek, spi, key), eci)


def attributes(e_content_type, content):
    protection = seq(seq(SHA256), tlv(0xA2, HMAC_SHA256[2:]))
    attrs = [seq(CONTENT_TYPE, tlv(0x31, e_content_type)),
             seq(MESSAGE_DIGEST, tlv(0x31, octets(hashlib.sha256(content).digest()))),
             seq(ALG_PROTECTION, tlv(0x31, protection))]
    return b"".join(sorted(attrs))


def authenticated(kek, spi, content, e_content_type=DATA, key=None, attrs=None):
    key = os.urandom(32) if key is None else key
    attrs = attributes(e_content_type, content) if attrs is None else attrs
    tag = hmac.new(key, tlv(0x31, attrs), "sha256").digest()
    return info(AUTH_DATA, seq(
        integer(0), recipient(kek, spi, key), HMAC_SHA256, tlv(0xA1, SHA256),
        seq(e_content_type, tlv(0xA0, octets(content))), tlv(0xA2, attrs), octets(tag)))


def authenticated_enveloped(kek_auth, kek_encr, spi, entity, **kw):
    return authenticated(kek_auth, spi, enveloped(kek_encr, spi, entity, **kw), ENVELOPED)


# --- opening --------------------------------------------------------------

class Bad(Exception):
    """A CMS object that does not open."""


def read(buf, at=0):
    """tag, body, end"""
    tag, n = buf[at], buf[at + 1]
    at += 2
    if n & 128:
        size = n & 127
        if not size:
            raise Bad("indefinite length")
        n, at = int.from_bytes(buf[at:at + size], "big"), at + size
    if at + n > len(buf):
        raise Bad("truncated")
    return tag, buf[at:at + n], at + n


def items(body):
    out, at = [], 0
    while at < len(body):
        tag, inner, end = read(body, at)
        out.append((tag, inner, body[at:end]))
        at = end
    return out


def unwrap(set_of, kek, spi):
    kekri = items(items(set_of)[0][1])
    if items(kekri[1][1])[0][1] != spi:
        raise Bad("keyIdentifier")
    return aes_key_unwrap(kek, kekri[3][1])


def open_any(der, keks, spi):
    """(form, entity, mac) of a ContentInfo with {tek, auth, encr} KEKs."""
    kind, content = items(read(der)[1])
    top = items(read(content[1])[1])
    if kind[2] == AUTH_ENV:
        key = unwrap(top[1][1], keks["tek"], spi)
        eci = items(top[2][1])
        alg = items(eci[1][1])
        params = items(alg[1][1])
        tag = top[3][1]
        if alg[0][2] == aes_oid(key, "gcm"):
            c = Cipher(algorithms.AES(key), modes.GCM(params[0][1], tag, min_tag_length=12)).decryptor()
            entity = c.update(eci[2][1]) + c.finalize()
        else:
            entity = AESCCM(key, len(tag)).decrypt(params[0][1], eci[2][1] + tag, None)
        return "auth-enveloped", entity, tag
    if kind[2] != AUTH_DATA:
        raise Bad("content type")
    key = unwrap(top[1][1], keks["auth"], spi)
    e_type, content = items(top[4][1])
    body = items(content[1])[0][1]
    attrs, tag = top[5][1], top[6][1]
    if not hmac.compare_digest(tag, hmac.new(key, tlv(0x31, attrs), "sha256").digest()):
        raise Bad("mac")
    if attrs != attributes(e_type[2], body):
        raise Bad("attributes")
    if e_type[2] == DATA:
        return "authenticated", body, tag
    inner = items(read(body)[1])
    key = unwrap(inner[1][1], keks["encr"], spi)
    eci = items(inner[2][1])
    iv = items(items(eci[1][1])[1][2])[0][1]
    c = Cipher(algorithms.AES(key), modes.CBC(iv)).decryptor()
    plain = c.update(eci[2][1]) + c.finalize()
    return "authenticated-enveloped", plain[:-plain[-1]], tag
