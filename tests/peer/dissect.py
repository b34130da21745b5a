# SPDX-License-Identifier: GPL-2.0-or-later
"""A MIKEY-TICKET message field by field, for the test vectors: [offset, name,
bytes] of everything in it, in order and without gaps."""
import mikey as m

TYPES = {m.LAST: "Last", m.KEMAC: "KEMAC", m.T: "T", m.V: "V", m.RAND: "RAND", m.ERR: "ERR",
         m.TR: "TR", m.IDR: "IDR", m.RANDR: "RANDR", m.TP: "TP", m.TICKET: "TICKET",
         m.KEY_DATA: "Key data", m.EXT: "EXT"}
ID_ROLES = {m.I: "IDRi", m.R: "IDRr", m.KMS: "IDRkms", m.PSK: "IDRpsk", m.APP: "IDRapp"}
TS_ROLES = {1: "TRi", m.TRS: "TRs", m.TRE: "TRe", m.TRR: "TRr"}
RAND_ROLES = {m.I: "RANDRi", m.R: "RANDRr", m.KMS: "RANDRkms"}


class Dissector:
    def __init__(self, raw):
        self.raw, self.at, self.fields = raw, 0, []

    def take(self, name, n):
        """The next n bytes are a field of that name; an empty one is left out."""
        data, end = m.take(self.raw, self.at, n)
        if n:
            self.fields.append([self.at, name, data.hex()])
        self.at = end
        return int.from_bytes(data, "big")

    def header(self):
        for name, n in (("Version", 1), ("Data Type", 1), ("Next Payload", 1)):
            first = self.take(f"HDR {name}", n)
        self.take("HDR V, PRF func", 1)
        self.take("HDR CSB ID", 4)
        self.take("HDR #CS", 1)
        if self.take("HDR CS ID map type", 1) == m.GENERIC_ID:
            for name in ("CS ID", "Prot type", "S, #P"):
                self.take(f"HDR {name}", 1)
            self.take("HDR Session Data Length", 2)
            self.take("HDR SPI", self.take("HDR SPI Length", 1))
        return first

    def chain(self, kind, prefix=""):
        while kind != m.LAST:
            kind = self.payload(kind, prefix)

    def payload(self, kind, prefix):
        start = self.at
        role = self.raw[start + 1]
        names = {m.IDR: ID_ROLES, m.TR: TS_ROLES, m.RANDR: RAND_ROLES}.get(kind)
        name = prefix + (names[role] if names else TYPES[kind])
        if prefix.endswith("Initiator Data / "):
            name = prefix + ("Vi" if self.raw[start] else "Vr")
        following = self.take(f"{name} Next Payload", 1)
        if kind in (m.TP, m.TICKET):
            self.policy(name, kind == m.TICKET)
        elif kind == m.KEMAC:
            self.take(f"{name} Encr alg", 1)
            self.take(f"{name} Encr data", self.take(f"{name} Encr data len", 2))
            self.take(f"{name} Mac alg", 1)
        elif kind == m.T:
            self.take(f"{name} TS value", m.TS_LEN[self.take(f"{name} TS type", 1)])
        elif kind == m.TR:
            self.take(f"{name} TS Role", 1)
            self.take(f"{name} TS value", m.TS_LEN[self.take(f"{name} TS type", 1)])
        elif kind == m.V:
            self.take(f"{name} Ver data", m.MAC_LEN[self.take(f"{name} Auth alg", 1)])
        elif kind == m.IDR:
            self.take(f"{name} ID Role", 1)
            self.take(f"{name} ID Type", 1)
            self.take(f"{name} ID Data", self.take(f"{name} ID len", 2))
        elif kind == m.RANDR:
            self.take(f"{name} RAND Role", 1)
            self.take(f"{name} RAND", self.take(f"{name} RAND length", 1))
        elif kind == m.RAND:
            self.take(f"{name} RAND", self.take(f"{name} RAND len", 1))
        elif kind == m.ERR:
            self.take(f"{name} Error no", 1)
            self.take(f"{name} Reserved", 2)
        else:
            self.take(f"{name} Type", 1)
            self.take(f"{name} Data", self.take(f"{name} Length", 2))
        return following

    def inner(self, name, length, header=False):
        """A field made of payloads; THDR has no number of its own."""
        end = self.at + length
        if length:
            first = self.take(f"{name} First Payload" if not header else f"{name} THDR Next Payload", 1)
            if header:
                self.take(f"{name} THDR Data", self.take(f"{name} THDR Data length", 2))
            self.chain(first, f"{name} / ")
        if self.at != end:
            raise m.Bad(f"{name} has another length than its payloads")

    def policy(self, name, ticket):
        self.take(f"{name} Ticket Type", 2)
        self.take(f"{name} Subtype", 1)
        self.take(f"{name} Version", 1)
        self.take(f"{name} PRF Func, flags D to O, Res", 3)
        self.inner(f"{name} TP Data", self.take(f"{name} TP Data length", 2))
        if ticket:
            self.inner(f"{name} Ticket Data", self.take(f"{name} Ticket Data length", 2), True)
            self.inner(f"{name} Initiator Data", self.take(f"{name} Initiator Data length", 2))


def dissect(raw):
    d = Dissector(raw)
    d.chain(d.header())
    if d.at != len(raw) or "".join(f for _, _, f in d.fields) != raw.hex():
        raise m.Bad("not all bytes are accounted for")
    return d.fields
