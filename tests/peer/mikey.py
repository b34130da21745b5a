# SPDX-License-Identifier: GPL-2.0-or-later
"""MIKEY-TICKET once more, for tests: written from RFC 6043 and RFC 3830 in
another language than the product and sharing no line with it.

Messages are lists of payloads, (type, body) with the body without its "next
payload" byte, so that a test can reorder, drop, double or bend any of them
before encode() links the chain. Nothing here checks a policy: a peer for tests
must be able to do what no honest peer does.
"""
import hmac
import os
import struct
import time

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

ERROR, REQUEST_INIT, REQUEST_RESP, TRANSFER_INIT = 6, 11, 13, 14
RESOLVE_INIT, RESOLVE_RESP = 16, 18
LAST, KEMAC, T, V, RAND, ERR, TR, IDR, RANDR, TP, TICKET = 0, 1, 5, 9, 11, 12, 13, 14, 15, 16, 17
EXT = 21
I, R, KMS, PSK, APP = 1, 2, 3, 4, 5
NAI, URI, BYTES = 0, 1, 2
TGK, GTGK, MPK = 0, 4, 6
PROT_PSK_MIME, EXT_PROOF = 242, 241

FLAGS = {c: 1 << (11 - n) for n, c in enumerate("DEFGHIJKLMNO")}


def flags(text):
    """'DEHI' -> the twelve bits with those set"""
    return sum(FLAGS[c] for c in text)


class Suite:
    """One row of the table of suites (sizes in bytes)."""

    def __init__(self, prf, encr, auth, digest, key_len, mac_len):
        self.prf, self.encr, self.auth, self.digest = prf, encr, auth, digest
        self.key_len, self.mac_len = key_len, mac_len


SUITES = {
    "256": Suite(1, 3, 2, "sha256", 32, 32),
    "128": Suite(0, 1, 1, "sha1", 16, 20),
    "ts-128": Suite(1, 1, 2, "sha256", 16, 32),
}


class Profile:
    def __init__(self, fixed, traffic, forked):
        self.flags, self.traffic, self.forked = flags(fixed), traffic, forked


PROFILES = {
    "immediate": Profile("DEHINO", GTGK, True),
    "annex-i": Profile("DEHNO", TGK, False),
}


# --- key derivation -------------------------------------------------------

def prf(digest, inkey, label, length):
    """RFC 3830 4.1.2: 256-bit blocks of the key, each block's P() XORed."""
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


PRF_DIGEST = {0: "sha1", 1: "sha256"}
ENCR_KEY_LEN = {1: 16, 3: 32}
AUTH = {1: ("sha1", 20), 2: ("sha256", 32)}


def opt(rand):
    return bytes([len(rand)]) + rand


def message_keys(suite, key, csb_id, randr_i=b"", randr_r=b"", response=False):
    """encr, auth and salt from PSK or MPK (5.1.2)."""
    tail = b"\xff" + struct.pack(">IB", csb_id, 2 if response else 1) + opt(randr_i) + opt(randr_r)
    return three_keys(suite, key, tail)


def three_keys(suite, key, tail):
    digest = PRF_DIGEST[suite.prf]
    return tuple(prf(digest, key, struct.pack(">I", c) + tail, n) for c, n in (
        (0x150533E1, suite.key_len), (0x2D22AC75, suite.mac_len), (0x29B88916, 14)))


def ticket_keys(suite, tpk, rand):
    """From TPK (A.2.1)."""
    return three_keys(suite, tpk, b"\xff\xff\xff\xff\xff\x05" + opt(rand))


def mpk_pair(suite, mpk, rand):
    """MPKi and MPKr from MPK (A.2.2)."""
    tail = b"\xff\xff\xff\xff\xff\x06" + opt(rand)
    return tuple(prf(PRF_DIGEST[suite.prf], mpk, struct.pack(">I", c) + tail, len(mpk))
                 for c in (0x220E99A2, 0x1F4D675B))


def fork(suite, key, idr_r, randr_kms, constant=0x2B288856):
    """MPKr' (5.1.1)."""
    label = struct.pack(">I", constant) + b"\xff\xff\xff\xff\xff\x00"
    label += struct.pack(">H", len(idr_r)) + idr_r + opt(randr_kms)
    return prf(PRF_DIGEST[suite.prf], key, label, len(key))


def vr_key(suite, mpkr):
    return prf(PRF_DIGEST[suite.prf], mpkr, b"\x2d\x22\xac\x75\xff\xff\xff\xff\xff\x04", suite.mac_len)


def session_keys(suite, traffic, randr_i, cs_id=1):
    """TEK, auth and encr KEK of the crypto session (5.1.3)."""
    tail = bytes([cs_id]) + b"\xff\xff\xff\xff\x03" + opt(randr_i) + b"\x00"
    return {name: prf(PRF_DIGEST[suite.prf], traffic, struct.pack(">I", c) + tail, suite.key_len)
            for name, c in (("tek", 0x2AD01C64), ("auth", 0x1B5C7973), ("encr", 0x15798CEF))}


def aes_cm(key, salt, csb_id, t64, data):
    """RFC 3830 4.2.3; encrypting and decrypting are one."""
    iv = bytes(a ^ b for a, b in zip(salt, struct.pack(">HIQ", 0, csb_id, t64))) + b"\0\0"
    c = Cipher(algorithms.AES(key), modes.CTR(iv)).encryptor()
    return c.update(data) + c.finalize()


def mac(alg, key, *parts):
    return hmac.new(key, b"".join(parts), AUTH[alg][0]).digest() if alg else b""


# --- payloads -------------------------------------------------------------

def ntp32(unix=None):
    return struct.pack(">I", (int(time.time() if unix is None else unix) + 2208988800) & 0xFFFFFFFF)


def t_payload(seconds):
    return (T, b"\x03" + seconds)


def t64(seconds):
    return struct.unpack(">Q", seconds + b"\0\0\0\0")[0]


def tr_payload(role, seconds):
    return (TR, bytes([role, 3]) + seconds)


def idr(role, id_type, data):
    data = data.encode() if isinstance(data, str) else data
    return (IDR, struct.pack(">BBH", role, id_type, len(data)) + data)


def randr(role, data):
    return (RANDR, bytes([role, len(data)]) + data)


def kemac(alg, data):
    return (KEMAC, struct.pack(">BH", alg, len(data)) + data + b"\0")


def v_payload(alg):
    return (V, bytes([alg]) + bytes(AUTH[alg][1] if alg else 0))


def ext(kind, data):
    return (EXT, struct.pack(">BH", kind, len(data)) + data)


def err(number):
    return (ERR, struct.pack(">BH", number, 0))


def key_data(keys):
    """[(type, key, spi)] -> the plain text of a KEMAC"""
    out = b""
    for n, (kind, key, spi) in enumerate(keys):
        nxt = 20 if n + 1 < len(keys) else 0
        out += struct.pack(">BBH", nxt, kind << 4 | 1, len(key)) + key + bytes([len(spi)]) + spi
    return out


def chain(payloads):
    """First payload's number, and the linked bytes."""
    out = b""
    for n, (_, body) in enumerate(payloads):
        out += bytes([payloads[n + 1][0] if n + 1 < len(payloads) else LAST]) + body
    return (payloads[0][0] if payloads else LAST), out


def hdr(data_type, prf_func, csb_id, first, v=0, cs=b"\x00\x01"):
    return struct.pack(">BBBBI", 1, data_type, first, v << 7 | prf_func, csb_id) + cs


def encode(data_type, prf_func, csb_id, payloads, v=0, cs=b"\x00\x01"):
    first, body = chain(payloads)
    return hdr(data_type, prf_func, csb_id, first, v, cs) + body


def generic_id(spi, cs_id=1, prot=PROT_PSK_MIME, s_p=0):
    return b"\x01\x02" + bytes([cs_id, prot, s_p, 0, 0, len(spi)]) + spi


def policy_bytes(suite, bits, tp, ticket_type=2, subtype=1, version=1):
    """A Ticket Policy from Ticket Type to the end of TP Data (6.10)."""
    first, data = chain(tp)
    word = (suite.prf << 17) | (bits << 5)
    return struct.pack(">HBB", ticket_type, subtype, version) + word.to_bytes(3, "big") + \
        struct.pack(">HB", len(data) + 1, first) + data


def finish(message, alg, key, *behind):
    """Put the MAC into V, the last payload (5.5)."""
    if not alg:
        return message
    body = message[:-AUTH[alg][1]]
    return body + mac(alg, key, body, *behind)


# --- reading --------------------------------------------------------------

class Bad(Exception):
    """A message that cannot be read."""


def take(buf, at, n):
    if at + n > len(buf):
        raise Bad("truncated")
    return buf[at:at + n], at + n


TS_LEN = {0: 8, 1: 8, 2: 4, 3: 4}


def body_len(kind, buf, at):
    """Length of a payload's body that starts at @at (behind "next payload")."""
    def u16(off):
        return struct.unpack(">H", take(buf, at + off, 2)[0])[0]
    if kind == KEMAC:
        n = 3 + u16(1)
        return n + 1 + {0: 0, 1: 20, 2: 32}[take(buf, at + n, 1)[0][0]]
    if kind == T:
        return 1 + TS_LEN[take(buf, at, 1)[0][0]]
    if kind == TR:
        return 2 + TS_LEN[take(buf, at + 1, 1)[0][0]]
    if kind == V:
        return 1 + {0: 0, 1: 20, 2: 32}[take(buf, at, 1)[0][0]]
    if kind == IDR:
        return 4 + u16(2)
    if kind == RANDR:
        return 2 + take(buf, at + 1, 1)[0][0]
    if kind == RAND:
        return 1 + take(buf, at, 1)[0][0]
    if kind == ERR:
        return 3
    if kind == EXT:
        return 3 + u16(1)
    if kind == TP:
        return 9 + u16(7)
    if kind == TICKET:
        n = 9 + u16(7)
        n += 2 + u16(n)
        return n + 2 + u16(n)
    raise Bad(f"payload {kind}")


def walk(first, buf, at=0):
    """[(type, body, offset)] of a chain that must end with the buffer."""
    out, kind = [], first
    while kind != LAST:
        nxt, at = take(buf, at, 1)
        body, end = take(buf, at, body_len(kind, buf, at))
        out.append((kind, body, at))
        kind, at = nxt[0], end
    if at != len(buf):
        raise Bad("bytes behind the last payload")
    return out


class Message:
    """A received message: HDR's fields and the payloads in order."""

    def __init__(self, raw):
        self.raw = raw
        (self.version, self.data_type, first, vprf, self.csb_id, self.num_cs,
         self.map_type) = struct.unpack(">BBBBIBB", take(raw, 0, 10)[0])
        self.prf, at = vprf & 127, 10
        self.cs = raw[8:10]
        if self.map_type == 2:
            self.spi_at = 16
            n = take(raw, 15, 1)[0][0]
            self.cs, at = raw[8:16 + n], 16 + n
            self.cs_id, self.prot, self.spi = raw[10], raw[11], raw[16:16 + n]
        self.payloads = walk(first, raw, at)

    def first(self, kind, role=None):
        for k, body, _ in self.payloads:
            if k == kind and (role is None or body[0] == role):
                return body
        return None

    def idr(self, role):
        body = self.first(IDR, role)
        return None if body is None else body[4:]

    def randr(self, role):
        body = self.first(RANDR, role)
        return None if body is None else body[2:]

    @property
    def t(self):
        return self.first(T)[1:5]

    @property
    def ticket(self):
        body = self.first(TICKET)
        return None if body is None else Ticket(body)

    def kemac(self):
        body = self.first(KEMAC)
        return body[0], body[3:3 + struct.unpack(">H", body[1:3])[0]]

    def v(self):
        kind, body, at = self.payloads[-1]
        if kind != V:
            raise Bad("no V")
        return body[0], body[1:], at + 1

    def verify(self, key, *behind):
        alg, got, at = self.v()
        covered = self.raw[:at]
        if self.data_type == TRANSFER_INIT:     # 5.5: not the Initiator Data
            body_at = next(a for k, _, a in self.payloads if k == TICKET)
            cut = body_at + len(self.ticket.from_type)
            end = cut + 2 + len(self.ticket.initiator_data)
            covered = self.raw[:cut] + self.raw[end:at]
        return hmac.compare_digest(got, mac(alg, key, covered, *behind))


class Policy:
    """TP's or TICKET's policy part."""

    def __init__(self, body):
        self.ticket_type, self.subtype, self.version = struct.unpack(">HBB", body[:4])
        word = int.from_bytes(body[4:7], "big")
        self.prf, self.flags = word >> 17, word >> 5 & 0xFFF
        n = struct.unpack(">H", body[7:9])[0]
        self.tp_raw = body[9:9 + n]
        self.tp = walk(self.tp_raw[0], self.tp_raw, 1)
        self.size = 9 + n

    def ids(self, role):
        return [b[4:] for k, b, _ in self.tp if k == IDR and b[0] == role]

    def time(self, role):
        return next((b[2:6] for k, b, _ in self.tp if k == TR and b[0] == role), None)


class Ticket(Policy):
    def __init__(self, body):
        super().__init__(body)
        at = self.size
        n = struct.unpack(">H", body[at:at + 2])[0]
        self.ticket_data = body[at + 2:at + 2 + n]
        self.from_type = body[:at + 2 + n]
        self.initiator_data = body[at + 4 + n:]

    def open(self, tpk_of, suite):
        """Keys of the ticket; tpk_of(IDRpsk) -> TPK. None if the MAC fails."""
        data = self.ticket_data
        n = struct.unpack(">H", data[1:3])[0]
        parts = walk(data[0], data, 3 + n)
        by = {k: b for k, b, _ in parts}
        rand, tpk = by[RAND][1:], tpk_of(by[IDR][4:])
        encr, auth, salt = ticket_keys(suite, tpk, rand)
        alg, got = by[V][0], by[V][1:]
        if not hmac.compare_digest(got, mac(alg, auth, self.from_type[:-len(got)])):
            return None
        n = struct.unpack(">H", by[KEMAC][1:3])[0]
        plain = aes_cm(encr, salt, 0xFFFFFFFF, t64(by[T][1:5]), by[KEMAC][3:3 + n])
        keys = read_key_data(plain)
        mpki, mpkr = mpk_pair(suite, keys[0][1], rand)
        return mpki, mpkr, keys[1]


def read_key_data(plain):
    out, at, kind = [], 0, 20
    while kind == 20:
        (kind, tk, n), at = struct.unpack(">BBH", take(plain, at, 4)[0]), at + 4
        key, at = take(plain, at, n)
        n, at = take(plain, at, 1)[0][0], at + 1
        spi, at = take(plain, at, n)
        out.append((tk >> 4, key, spi))
    return out


# --- exchanges ------------------------------------------------------------

def make_ticket_body(suite, profile, tpk, tpk_name, mpk, traffic, spi, tp, bits=None,
                     rand=None, issued=None, thdr=b"KMS001", **policy):
    """TICKET from Ticket Type to the end of Ticket Data (Appendix A)."""
    rand = os.urandom(suite.key_len) if rand is None else rand
    issued = ntp32() if issued is None else issued
    encr, auth, salt = ticket_keys(suite, tpk, rand)
    plain = key_data([(MPK, mpk, bytes(8)), (profile.traffic, traffic, spi)])
    inner = [t_payload(issued), (RAND, bytes([len(rand)]) + rand),
             kemac(suite.encr, aes_cm(encr, salt, 0xFFFFFFFF, t64(issued), plain)),
             idr(PSK, BYTES, tpk_name), v_payload(suite.auth)]
    first, data = chain(inner)
    data = bytes([first]) + struct.pack(">H", len(thdr)) + thdr + data
    body = policy_bytes(suite, profile.flags if bits is None else bits, tp, **policy)
    body += struct.pack(">H", len(data)) + data
    return body[:-suite.mac_len] + mac(suite.auth, auth, body[:-suite.mac_len])


def tp_payloads(kms, initiator, start, end, responders, wanted=None):
    tp = [idr(KMS, URI, kms), idr(I, NAI, initiator), tr_payload(2, start), tr_payload(3, end)]
    if wanted:
        tp.append(kemac(0, key_data([wanted])))
    return tp + [idr(APP, BYTES, "PSK/MIME")] + [idr(R, NAI, r) for r in responders]


def make_request(suite, profile, psk, psk_id, kms, initiator, responders, start, end, reuse=True,
                 csb_id=None, rand=None, t=None):
    csb_id = int.from_bytes(os.urandom(4), "big") if csb_id is None else csb_id
    rand = os.urandom(suite.key_len) if rand is None else rand
    t = ntp32() if t is None else t
    bits = profile.flags | (FLAGS["J"] if reuse else 0)
    tp = tp_payloads(kms, initiator, start, end, responders,
                     (profile.traffic, bytes(suite.key_len), bytes(8)))
    raw = encode(REQUEST_INIT, suite.prf, csb_id, [
        t_payload(t), randr(I, rand), idr(I, NAI, initiator), idr(KMS, URI, kms),
        (TP, policy_bytes(suite, bits, tp)), idr(PSK, BYTES, psk_id), v_payload(suite.auth)], v=1)
    _, auth, _ = message_keys(suite, psk, csb_id, randr_i=rand)
    kms = kms.encode() if isinstance(kms, str) else kms
    initiator = initiator.encode() if isinstance(initiator, str) else initiator
    return finish(raw, suite.auth, auth, initiator, kms)


def make_request_resp(suite, profile, psk, request, kms, ticket_body, mpki, mpkr, traffic, spi, t=None):
    req = Message(request)
    t = ntp32() if t is None else t
    encr, auth, salt = message_keys(suite, psk, req.csb_id, randr_i=req.randr(I), response=True)
    keys = [(MPK, mpki, bytes(8))] + ([(MPK, mpkr, bytes(8))] if profile.forked else [])
    sealed = aes_cm(encr, salt, req.csb_id, t64(t), key_data(keys + [(profile.traffic, traffic, spi)]))
    raw = encode(REQUEST_RESP, suite.prf, req.csb_id, [
        t_payload(t), idr(KMS, URI, kms), (TICKET, ticket_body + b"\0\0"), kemac(suite.encr, sealed),
        v_payload(suite.auth)], cs=req.cs)
    return finish(raw, suite.auth, auth, request)


def make_transfer(suite, profile, ticket_body, mpki, mpkr, initiator, recipient, spi,
                  proof=None, csb_id=None, rand=None, t=None, extra=(), cs=None):
    csb_id = int.from_bytes(os.urandom(4), "big") if csb_id is None else csb_id
    rand = os.urandom(suite.key_len) if rand is None else rand
    t = ntp32() if t is None else t
    _, auth, _ = message_keys(suite, mpki, csb_id, randr_i=rand)
    ids = [x.encode() if isinstance(x, str) else x for x in (initiator, recipient)]
    cs = generic_id(spi) if cs is None else cs

    def build(initiator_data):
        body = ticket_body + struct.pack(">H", len(initiator_data)) + initiator_data
        payloads = [t_payload(t), randr(I, rand), idr(I, NAI, ids[0]), idr(R, NAI, ids[1]),
                    (TICKET, body), *extra]
        if proof is not None:
            payloads.append(ext(EXT_PROOF, proof))
        return encode(TRANSFER_INIT, suite.prf, csb_id, payloads + [v_payload(suite.auth)], cs=cs)

    bare = build(b"")
    at = len(bare) - suite.mac_len
    cut = bare.index(ticket_body) + len(ticket_body)
    v_mac = mac(suite.auth, auth, bare[:cut], bare[cut + 2:at], *ids)
    data = b""
    if profile.forked:
        data = bytes([V, V, suite.auth]) + v_mac + bytes([LAST, suite.auth])
        data += mac(suite.auth, vr_key(suite, mpkr), data)
    return build(data)[:-suite.mac_len] + v_mac


def make_resolve(suite, psk, psk_id, kms, identity, transfer, csb_id=None, rand=None, t=None):
    csb_id = int.from_bytes(os.urandom(4), "big") if csb_id is None else csb_id
    rand = os.urandom(suite.key_len) if rand is None else rand
    t = ntp32() if t is None else t
    ticket = Message(transfer).first(TICKET)
    raw = encode(RESOLVE_INIT, suite.prf, csb_id, [
        t_payload(t), randr(R, rand), idr(R, NAI, identity), idr(KMS, URI, kms), (TICKET, ticket),
        idr(PSK, BYTES, psk_id), v_payload(suite.auth)], v=1)
    _, auth, _ = message_keys(suite, psk, csb_id, randr_r=rand)
    ids = [x.encode() if isinstance(x, str) else x for x in (identity, kms)]
    return finish(raw, suite.auth, auth, *ids)


def make_resolve_resp(suite, profile, psk, resolve, kms, identity, mpki, mpkr, traffic, spi,
                      t=None, randr_kms=None):
    res = Message(resolve)
    t = ntp32() if t is None else t
    encr, auth, salt = message_keys(suite, psk, res.csb_id, randr_r=res.randr(R), response=True)
    identity = identity.encode() if isinstance(identity, str) else identity
    keys, tail = [(MPK, mpki, bytes(8))], []
    if profile.forked:
        randr_kms = os.urandom(suite.key_len) if randr_kms is None else randr_kms
        keys.append((MPK, fork(suite, mpkr, identity, randr_kms), bytes(8)))
        tail = [idr(R, NAI, identity), randr(3, randr_kms)]
    sealed = aes_cm(encr, salt, res.csb_id, t64(t), key_data(keys + [(profile.traffic, traffic, spi)]))
    raw = encode(RESOLVE_RESP, suite.prf, res.csb_id, [
        t_payload(t), idr(KMS, URI, kms), kemac(suite.encr, sealed), *tail,
        v_payload(suite.auth)], cs=res.cs)
    return finish(raw, suite.auth, auth, resolve)


def make_error(suite, faulty, number, key=None):
    m = Message(faulty)
    payloads = [t_payload(ntp32()), err(number)]
    if key is None:
        return encode(ERROR, m.prf, m.csb_id, payloads)
    raw = encode(ERROR, m.prf, m.csb_id, payloads + [v_payload(suite.auth)])
    return finish(raw, suite.auth, key)
