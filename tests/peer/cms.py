# SPDX-License-Identifier: GPL-2.0-or-later
"""The three CMS forms of TS 33.328 Annex D in Python, for tests: a DER writer
and reader of a page, and RFC 5652, 5083, 5084 and 3394 on top."""
import hashlib
import hmac
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap


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


def auth_enveloped(kek, spi, entity, mode="gcm", key=None, nonce=None, icv=16, key_id=None):
    """key_id: a keyIdentifier instead of the true one"""
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
    return info(AUTH_ENV, seq(integer(0), recipient(kek, key_id or spi, key), eci, octets(tag)))


def enveloped(kek, spi, entity, key=None, iv=None, pad=None):
    """EnvelopedData v2 with AES-CBC (RFC 5652 6.1, 6.3)"""
    key = os.urandom(len(kek)) if key is None else key
    iv = os.urandom(16) if iv is None else iv
    if pad is None:
        pad = bytes([16 - len(entity) % 16]) * (16 - len(entity) % 16)
    c = Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor()
    sealed = c.update(entity + pad) + c.finalize()
    eci = seq(DATA, seq(aes_oid(key, "cbc"), octets(iv)), tlv(0x80, sealed))
    return seq(integer(2), recipient(kek, spi, key), eci)


def attribute(name, value):
    return seq(name, tlv(0x31, value))


def attribute_list(e_content_type, content):
    """content-type, message-digest, CMSAlgorithmProtection (RFC 5652 11, 6211)"""
    protection = seq(seq(SHA256), tlv(0xA2, HMAC_SHA256[2:]))
    return [attribute(CONTENT_TYPE, e_content_type),
            attribute(MESSAGE_DIGEST, octets(hashlib.sha256(content).digest())),
            attribute(ALG_PROTECTION, protection)]


def set_of(attributes):
    """The inside of DER's SET OF"""
    return b"".join(sorted(attributes))


def attributes_of(e_content_type, content):
    return set_of(attribute_list(e_content_type, content))


def authenticated(kek, spi, content, e_content_type=DATA, key=None, attrs=None):
    """attrs: the inside of authAttrs instead of the true one"""
    key = os.urandom(32) if key is None else key
    attrs = attributes_of(e_content_type, content) if attrs is None else attrs
    tag = hmac.new(key, tlv(0x31, attrs), "sha256").digest()
    return info(AUTH_DATA, seq(
        integer(0), recipient(kek, spi, key), HMAC_SHA256, tlv(0xA1, SHA256),
        seq(e_content_type, tlv(0xA0, octets(content))), tlv(0xA2, attrs), octets(tag)))


def authenticated_bare(kek, spi, content, key=None):
    """Without digestAlgorithm and authAttrs: the MAC is over the content alone.
    RFC 5652 9.1 knows it; it lets an outsider pass attributes off as content."""
    key = os.urandom(32) if key is None else key
    return info(AUTH_DATA, seq(
        integer(0), recipient(kek, spi, key), HMAC_SHA256, seq(DATA, tlv(0xA0, octets(content))),
        octets(hmac.new(key, content, "sha256").digest())))


def attributes_as_content(der):
    """What an outsider, who has no key, makes of an AuthenticatedData: its
    attributes' SET as the content, its MAC untouched."""
    kind, content = items(read(der)[1])
    top = items(read(content[1])[1])
    body = tlv(0x31, top[5][1])
    return info(kind[2], seq(top[0][2], top[1][2], top[2][2],
                             seq(DATA, tlv(0xA0, octets(body))), top[6][2]))


def authenticated_enveloped(kek_auth, kek_encr, spi, entity, key=None, auth_key=None, iv=None):
    inner = enveloped(kek_encr, spi, entity, key, iv)
    return authenticated(kek_auth, spi, inner, ENVELOPED, auth_key)


def protect(form, keks, spi, entity, **fixed):
    """A ContentInfo in one of keys.FORMS."""
    if form == "authenticated":
        return authenticated(keks["auth"], spi, entity, **fixed)
    if form == "authenticated-enveloped":
        return authenticated_enveloped(keks["auth"], keks["encr"], spi, entity, **fixed)
    return auth_enveloped(keks["tek"], spi, entity, "ccm" if form.endswith("-ccm") else "gcm", **fixed)


# --- opening --------------------------------------------------------------

class Bad(Exception):
    """A CMS object that does not open, or is not what a sender makes."""


def must(condition, why):
    if not condition:
        raise Bad(why)


def read(buf, at=0):
    """tag, body, end"""
    must(at + 2 <= len(buf), "truncated")
    tag, n = buf[at], buf[at + 1]
    at += 2
    if n & 128:
        size = n & 127
        must(size, "indefinite length")
        n, at = int.from_bytes(buf[at:at + size], "big"), at + size
        must(n >= 128 and n >> 8 * (size - 1), "a length that is not DER's")
    must(at + n <= len(buf), "truncated")
    return tag, buf[at:at + n], at + n


def items(body):
    out, at = [], 0
    while at < len(body):
        tag, inner, end = read(body, at)
        out.append((tag, inner, body[at:end]))
        at = end
    return out


def unwrap(recipients, kek, spi):
    """The content key of the one KEKRecipientInfo."""
    infos = items(recipients)
    must(len(infos) == 1 and infos[0][0] == 0xA2, "not one KEKRecipientInfo (RFC 5652 6.2.3)")
    version, kek_id, alg, wrapped = items(infos[0][1])
    must(version[2] == integer(4), "KEKRecipientInfo's version is 4 (RFC 5652 6.2.3)")
    must(kek_id[1] == octets(spi), "keyIdentifier is the SPI")
    must(alg[1] == aes_oid(kek, "wrap"), "AES key wrap without parameters (RFC 3565 2.3.2)")
    return aes_key_unwrap(kek, wrapped[1]), wrapped[1]


def explain(der, keks, spi):
    """Open a ContentInfo with {tek, auth, encr} KEKs; every value on the way.
    Refuses what is not made as RFC 5652, 5083 and 5084 say."""
    must(read(der)[2] == len(der), "bytes behind the ContentInfo")
    kind, content = items(read(der)[1])
    top = items(read(content[1])[1])
    must(top[0][2] == integer(0), "the version is 0 (RFC 5652 9.1, 5083 2.1)")
    if kind[2] == AUTH_ENV:
        return explain_auth_enveloped(top, keks["tek"], spi)
    must(kind[2] == AUTH_DATA, "neither AuthEnvelopedData nor AuthenticatedData")
    must(len(top) == 7, "AuthenticatedData has digestAlgorithm and authAttrs")
    key, wrapped = unwrap(top[1][1], keks["auth"], spi)
    must(top[2][2] == HMAC_SHA256, "hmacWithSHA256 with NULL parameters")
    must(top[3][2] == tlv(0xA1, SHA256), "digestAlgorithm is SHA-256 without parameters")
    e_type, e_content = items(top[4][1])
    body = items(e_content[1])[0][1]
    attrs, tag = top[5][1], top[6][1]
    must(hmac.compare_digest(tag, hmac.new(key, tlv(0x31, attrs), "sha256").digest()), "MAC")
    must(attrs == attributes_of(e_type[2], body), "attributes")
    out = {"form": "authenticated", "content_key": key, "wrapped_key": wrapped, "content": body,
           "digest": hashlib.sha256(body).digest(), "mac_input": tlv(0x31, attrs), "mac": tag}
    if e_type[2] == DATA:
        return out | {"entity": body}
    must(e_type[2] == ENVELOPED, "eContentType")
    must(read(body)[2] == len(body), "bytes behind the EnvelopedData")
    inner = items(read(body)[1])
    must(inner[0][2] == integer(2), "EnvelopedData's version is 2 (RFC 5652 6.1)")
    key, wrapped = unwrap(inner[1][1], keks["encr"], spi)
    eci = items(inner[2][1])
    must(eci[0][2] == DATA, "what is encrypted is id-data")
    alg = items(eci[1][1])
    must(alg[0][2] == aes_oid(key, "cbc"), "AES-CBC")
    iv = alg[1][1]
    c = Cipher(algorithms.AES(key), modes.CBC(iv)).decryptor()
    plain = c.update(eci[2][1]) + c.finalize()
    pad = plain[-1]
    must(0 < pad <= 16 and plain.endswith(bytes([pad]) * pad), "padding (RFC 5652 6.3)")
    return out | {"form": "authenticated-enveloped", "inner_content_key": key,
                  "inner_wrapped_key": wrapped, "iv": iv, "padded": plain,
                  "ciphertext": eci[2][1], "entity": plain[:-pad]}


def explain_auth_enveloped(top, kek, spi):
    must(len(top) == 4, "no authAttrs in AuthEnvelopedData")
    key, wrapped = unwrap(top[1][1], kek, spi)
    eci = items(top[2][1])
    must(eci[0][2] == DATA and eci[2][0] == 0x80, "what is encrypted is id-data")
    alg = items(eci[1][1])
    params = items(alg[1][1])
    nonce, tag = params[0][1], top[3][1]
    icv = params[1][1][0] if len(params) > 1 else 12
    must(icv == len(tag), "aes-ICVlen (RFC 5084 3.1)")
    if alg[0][2] == aes_oid(key, "gcm"):
        form = "auth-enveloped"
        c = Cipher(algorithms.AES(key), modes.GCM(nonce, tag, min_tag_length=12)).decryptor()
        entity = c.update(eci[2][1]) + c.finalize()
    else:
        form = "auth-enveloped-ccm"
        must(alg[0][2] == aes_oid(key, "ccm"), "AES-GCM or AES-CCM")
        entity = AESCCM(key, len(tag)).decrypt(nonce, eci[2][1] + tag, None)
    return {"form": form, "content_key": key, "wrapped_key": wrapped, "nonce": nonce,
            "ciphertext": eci[2][1], "mac": tag, "entity": entity}


def open_any(der, keks, spi):
    """(form, entity, mac) of a ContentInfo."""
    try:
        out = explain(der, keks, spi)
    except (InvalidTag, InvalidUnwrap, ValueError, IndexError) as e:
        raise Bad(repr(e)) from e
    return out["form"], out["entity"], out["mac"]
