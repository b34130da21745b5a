# SPDX-License-Identifier: GPL-2.0-or-later
"""MIKEY-TICKET's payloads once more, for tests: written from RFC 6043 and RFC
3830 in another language than the product and sharing no line with it.

Messages are lists of payloads, (type, body) with the body without its "next
payload" byte, so that a test can reorder, drop, double or bend any of them
before encode() links the chain. Nothing here checks a policy: a peer for tests
must be able to do what no honest peer does. judge.py is the honest one.
"""
import hmac
import struct
import time

import keys as k

ERROR, REQUEST_INIT, REQUEST_RESP, TRANSFER_INIT = 6, 11, 13, 14
RESOLVE_INIT, RESOLVE_RESP = 16, 18
LAST, KEMAC, T, V, RAND, ERR, TR, IDR, RANDR, TP, TICKET = 0, 1, 5, 9, 11, 12, 13, 14, 15, 16, 17
KEY_DATA, EXT = 20, 21
I, R, KMS, PSK, APP = 1, 2, 3, 4, 5
TRS, TRE, TRR = 2, 3, 4
NAI, URI, BYTES = 0, 1, 2
NTP_UTC, NTP, COUNTER, NTP_UTC_32 = 0, 1, 2, 3
EMPTY_MAP, GENERIC_ID = 1, 2
PROT_PSK_MIME, EXT_PROOF = 242, 241
EPOCH = 2208988800      # 1970 on NTP's clock
# Error numbers (RFC 3830 6.12, RFC 6043 6.9)
AUTH_FAILURE, INVALID_TS, INVALID_MAC, INVALID_ID, UNSPECIFIED = 0, 1, 3, 7, 12
INVALID_TICKET, INVALID_TPPAR = 14, 15


class Bad(Exception):
    """A message that cannot be read, or that no honest peer sends."""


def as_bytes(text):
    return text.encode() if isinstance(text, str) else text


# --- times ----------------------------------------------------------------

def ntp32(unix=None):
    return struct.pack(">I", (int(time.time() if unix is None else unix) + EPOCH) & 0xFFFFFFFF)


class Stamp:
    """The T of a message: TS type and value."""

    def __init__(self, value=None, kind=NTP_UTC_32):
        self.kind, self.value = kind, ntp32() if value is None else value

    @property
    def bits64(self):
        """As the IV of AES-CM wants it: a 32-bit time padded on the right, a
        counter on the left."""
        pad = bytes(8 - len(self.value))
        return int.from_bytes(pad + self.value if self.kind == COUNTER else self.value + pad, "big")

    @property
    def unix(self):
        """32-bit times are those of 1968 to 2104 (RFC 4330)."""
        seconds = int.from_bytes(self.value[:4], "big")
        return seconds - EPOCH + (0 if seconds >> 31 else 1 << 32)

    def payload(self):
        return (T, bytes([self.kind]) + self.value)


def stamp(t):
    """A Stamp of one, of four bytes, or of now."""
    return t if isinstance(t, Stamp) else Stamp(t)


def tr_payload(role, seconds):
    return (TR, bytes([role, NTP_UTC_32]) + seconds)


# --- payloads -------------------------------------------------------------

def idr(role, id_type, data):
    data = as_bytes(data)
    return (IDR, struct.pack(">BBH", role, id_type, len(data)) + data)


def randr(role, data):
    return (RANDR, bytes([role, len(data)]) + data)


def kemac(alg, data):
    return (KEMAC, struct.pack(">BH", alg, len(data)) + data + b"\0")


def v_payload(alg):
    return (V, bytes([alg]) + bytes(k.MACS[alg][1] if alg else 0))


def ext(kind, data):
    return (EXT, struct.pack(">BH", kind, len(data)) + data)


def err(number):
    return (ERR, struct.pack(">BH", number, 0))


def key_data(entries):
    """[(type, key, spi)] -> the plain text of a KEMAC; KV is SPI (1)"""
    out = b""
    for n, (kind, key, spi) in enumerate(entries):
        nxt = KEY_DATA if n + 1 < len(entries) else LAST
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


def generic_id(spi, cs_id=1, prot=PROT_PSK_MIME, s_p=0, num=1):
    return bytes([num, GENERIC_ID, cs_id, prot, s_p, 0, 0, len(spi)]) + spi


def policy_bytes(suite, bits, tp, ticket_type=2, subtype=1, version=1, prf=None):
    """A Ticket Policy from Ticket Type to the end of TP Data (6.10)."""
    first, data = chain(tp)
    word = ((suite.prf if prf is None else prf) << 17) | (bits << 5)
    return struct.pack(">HBB", ticket_type, subtype, version) + word.to_bytes(3, "big") + \
        struct.pack(">HB", len(data) + 1, first) + data


def finish(message, alg, key, *behind):
    """Put the MAC into V, the last payload (5.5)."""
    if not alg:
        return message
    body = message[:-k.MACS[alg][1]]
    return body + k.mac(alg, key, body, *behind)


# --- reading --------------------------------------------------------------

def take(buf, at, n):
    if at + n > len(buf):
        raise Bad("truncated")
    return buf[at:at + n], at + n


TS_LEN = {NTP_UTC: 8, NTP: 8, COUNTER: 4, NTP_UTC_32: 4}
MAC_LEN = {0: 0, 1: 20, 2: 32}


def of(table, key):
    if key not in table:
        raise Bad(f"unknown number {key}")
    return table[key]


def body_len(kind, buf, at):
    """Length of a payload's body that starts at @at (behind "next payload")."""
    def u8(off):
        return take(buf, at + off, 1)[0][0]

    def u16(off):
        return struct.unpack(">H", take(buf, at + off, 2)[0])[0]
    if kind == KEMAC:
        n = 3 + u16(1)
        return n + 1 + of(MAC_LEN, u8(n))
    if kind == T:
        return 1 + of(TS_LEN, u8(0))
    if kind == TR:
        return 2 + of(TS_LEN, u8(1))
    if kind == V:
        return 1 + of(MAC_LEN, u8(0))
    if kind == IDR:
        return 4 + u16(2)
    if kind == RANDR:
        return 2 + u8(1)
    if kind == RAND:
        return 1 + u8(0)
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


def chain_of(buf, at=0):
    """walk() where the first byte of @buf names the first payload."""
    return walk(take(buf, at, 1)[0][0], buf, at + 1)


class Message:
    """A received message: HDR's fields and the payloads in order."""

    cs_id = prot = s_p = session_data = None

    def __init__(self, raw):
        self.raw = raw
        (self.version, self.data_type, first, vprf, self.csb_id, self.num_cs,
         self.map_type) = struct.unpack(">BBBBIBB", take(raw, 0, 10)[0])
        self.prf, self.v_flag, at = vprf & 127, vprf >> 7, 10
        self.cs, self.spi = raw[8:10], b""
        if self.map_type == GENERIC_ID:
            n = take(raw, 15, 1)[0][0]
            self.cs, at = raw[8:16 + n], 16 + n
            self.cs_id, self.prot, self.s_p = raw[10], raw[11], raw[12]
            self.session_data, self.spi = raw[13:15], raw[16:16 + n]
        self.end_of_hdr = at
        self.payloads = walk(first, raw, at)

    @property
    def order(self):
        """[type, or (type, role)] of the payloads"""
        return [(kind, body[0]) if kind in (IDR, RANDR) else kind for kind, body, _ in self.payloads]

    def first(self, kind, role=None):
        for payload, body, _ in self.payloads:
            if payload == kind and (role is None or body[0] == role):
                return body
        return None

    def need(self, kind, role=None):
        body = self.first(kind, role)
        if body is None:
            raise Bad(f"no payload {kind} (role {role})")
        return body

    def idr(self, role):
        body = self.first(IDR, role)
        return None if body is None else body[4:]

    def randr(self, role):
        body = self.first(RANDR, role)
        return None if body is None else body[2:]

    @property
    def t(self):
        body = self.need(T)
        return Stamp(body[1:], body[0])

    @property
    def ticket(self):
        return Ticket(self.need(TICKET))

    def kemac(self):
        body = self.need(KEMAC)
        return body[0], body[3:3 + struct.unpack(">H", body[1:3])[0]]

    def v(self):
        kind, body, at = self.payloads[-1]
        if kind != V:
            raise Bad("no V")
        return body[0], body[1:], at + 1

    def covered(self):
        """What V's MAC covers of the message (5.5)."""
        at = self.v()[2]
        if self.data_type != TRANSFER_INIT:
            return self.raw[:at]
        ticket = next(a for kind, _, a in self.payloads if kind == TICKET)
        cut = ticket + len(self.ticket.from_type)
        return self.raw[:cut] + self.raw[cut + 2 + len(self.ticket.initiator_data):at]

    def verify(self, key, *behind):
        alg, got, _ = self.v()
        return alg and hmac.compare_digest(got, k.mac(alg, key, self.covered(), *behind))


class Policy:
    """TP's or TICKET's policy part."""

    def __init__(self, body):
        self.ticket_type, self.subtype, self.version = struct.unpack(">HBB", body[:4])
        word = int.from_bytes(body[4:7], "big")
        self.prf, self.flags = word >> 17, word >> 5 & 0xFFF
        n = struct.unpack(">H", body[7:9])[0]
        self.tp_raw = body[9:9 + n]
        self.tp = chain_of(self.tp_raw)
        self.size = 9 + n

    def ids(self, role):
        return [b[4:] for kind, b, _ in self.tp if kind == IDR and b[0] == role]

    def time(self, role):
        """The four bytes of a TR payload, or None."""
        return next((b[2:6] for kind, b, _ in self.tp if kind == TR and b[0] == role), None)

    def wanted(self):
        """The keys that a request's KEMAC asks for."""
        body = next((b for kind, b, _ in self.tp if kind == KEMAC), None)
        return None if body is None else read_key_data(body[3:-1])


class Ticket(Policy):
    def __init__(self, body):
        super().__init__(body)
        at = self.size
        n = struct.unpack(">H", body[at:at + 2])[0]
        self.ticket_data = body[at + 2:at + 2 + n]
        self.from_type = body[:at + 2 + n]
        self.initiator_data = body[at + 4 + n:]

    def parts(self):
        """THDR data, and the payloads of Ticket Data by type."""
        data = self.ticket_data
        n = struct.unpack(">H", data[1:3])[0]
        return data[3:3 + n], {kind: b for kind, b, _ in walk(data[0], data, 3 + n)}

    @property
    def tpk_name(self):
        """IDRpsk of Ticket Data: what names the TPK."""
        return self.parts()[1][IDR][4:]

    def open(self, tpk, suite):
        """(MPKi, MPKr, keys) of the ticket. None if the MAC fails."""
        _, by = self.parts()
        rand = by[RAND][1:]
        encr, auth, salt = k.ticket_keys(suite, tpk, rand)
        alg, got = by[V][0], by[V][1:]
        if not alg or not hmac.compare_digest(got, k.mac(alg, auth, self.from_type[:-len(got)])):
            return None
        n = struct.unpack(">H", by[KEMAC][1:3])[0]
        t = Stamp(by[T][1:], by[T][0])
        plain = k.aes_cm(encr, salt, 0xFFFFFFFF, t.bits64, by[KEMAC][3:3 + n])
        entries = read_key_data(plain)
        mpki, mpkr = k.mpk_pair(suite, entries[0][1], rand)
        return mpki, mpkr, entries[1]


def read_key_data(plain):
    out, at, kind = [], 0, KEY_DATA
    while kind == KEY_DATA:
        (kind, tk, n), at = struct.unpack(">BBH", take(plain, at, 4)[0]), at + 4
        if tk & 15 != 1:
            raise Bad(f"key validity {tk & 15}, not SPI")
        key, at = take(plain, at, n)
        n, at = take(plain, at, 1)[0][0], at + 1
        spi, at = take(plain, at, n)
        out.append((tk >> 4, key, spi))
    if at != len(plain):
        raise Bad("bytes behind the last key")
    return out
