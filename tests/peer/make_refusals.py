# SPDX-License-Identifier: GPL-2.0-or-later
"""Messages that a receiver must refuse: tests/vectors/refusals-transfer-init.json,
made of exchange-immediate-256-mode1.json by breaking one clause at a time. All
MACs are right where the fault is another one."""
import exchange as x
import keys as k
import mikey as m

BASE = "immediate-256-mode1"
ALICE, MALLORY = b"alice@example.test", b"mallory@example.test"


def reordered(*order):
    return lambda p: [p[n] for n in order]


def without(kind, role=None):
    return lambda p: [v for v in p if not (v[0] == kind and role in (None, v[1][0]))]


def before_v(*more):
    return lambda p: [*p[:-1], *more, p[-1]]


def flip(data, at):
    at %= len(data)
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]


def seconds(text):
    return bytes.fromhex(text)


# T, RANDRi, IDRi, IDRr, TICKET, V are payloads 0 to 5.
MALFORMED = (
    ("version-2", "HDR's version is 2", "RFC 3830 6.1", lambda raw: b"\x02" + raw[1:]),
    ("trailing-byte", "a byte behind V", "RFC 3830 5.3", lambda raw: raw + b"\0"),
    ("truncated", "V's MAC is one byte short", "RFC 3830 5.3", lambda raw: raw[:-1]),
    ("id-too-long", "ID len of IDRi reaches beyond the message", "RFC 3830 6.7",
     lambda raw: raw[:68] + b"\xff\xff" + raw[70:]),
)
CHAINS = (
    ("no-t", "there is no T", "RFC 6043 4.2.2", without(m.T)),
    ("no-randr-i", "there is no RANDRi", "RFC 6043 4.2.2", without(m.RANDR)),
    ("no-ticket", "there is no TICKET", "RFC 6043 4.2.2", without(m.TICKET)),
    ("randr-before-t", "RANDRi stands before T", "RFC 6043 4.2.2", reordered(1, 0, 2, 3, 4, 5)),
    ("ticket-before-idr-r", "TICKET stands before IDRr", "RFC 6043 4.2.2", reordered(0, 1, 2, 4, 3, 5)),
    ("two-ts", "there are two Ts", "RFC 6043 4.2.2", reordered(0, 0, 1, 2, 3, 4, 5)),
    ("unknown-payload", "payload 99 is not defined, so its length is not known", "RFC 3830 5.3",
     before_v((99, b"\0"))),
)
# EHDIJNO: what the profile has.
POLICIES = (
    ("flag-f", "F: a TRANSFER_RESP is wanted", "TS 33.328 I.4", {"bits": k.flags("DEFHIJNO")}),
    ("flag-g-alone", "G without F", "RFC 6043 6.10", {"bits": k.flags("DEGHIJNO")}),
    ("flags-no-g-no-h", "neither G nor H", "RFC 6043 6.10", {"bits": k.flags("DEIJNO")}),
    ("flag-i-without-e", "I without E", "RFC 6043 6.10", {"bits": k.flags("DHIJNO")}),
    ("flag-l", "L: the initiator may supply keys", "TS 33.328 I.4", {"bits": k.flags("DEHIJLNO")}),
    ("flag-m", "M without F", "RFC 6043 6.10", {"bits": k.flags("DEHIJMNO")}),
    ("flag-k-without-d", "K without D", "RFC 6043 6.10", {"bits": k.flags("EHIJKLNO")}),
    ("flags-no-d-no-l", "neither D nor L", "RFC 6043 6.10", {"bits": k.flags("EHIJNO")}),
    ("flag-n", "N is 0", "RFC 6043 6.10", {"bits": k.flags("DEHIJO")}),
    ("flag-o", "O is 0", "RFC 6043 6.10", {"bits": k.flags("DEHIJN")}),
    ("ticket-type-3", "Ticket Type 3", "RFC 6043 6.10", {"ticket_type": 3}),
    ("subtype-0", "Subtype and Version 0 are reserved", "TS 33.328 6.2.3.4.2", {"subtype": 0, "version": 0}),
    ("policy-prf", "the policy's PRF is another suite's", "RFC 6043 12.1", {"prf": 0}),
)


class Maker:
    """TRANSFER_INITs with the inputs of the base exchange."""

    def __init__(self, vector):
        self.i, self.v, self.suite = vector.inputs, vector, vector.suite
        self.mpki, self.mpkr = vector.derived["mpki"], vector.derived["mpkr"]
        self.proper = m.Message(vector.messages["transfer_init"]).ticket.from_type

    def transfer(self, **how):
        usual = {"ticket": self.proper, "mpki": self.mpki, "mpkr": self.mpkr, "initiator": ALICE,
                 "recipient": b"bob@example.test", "spi": self.i["spi"], "csb_id": self.v.csb[1],
                 "rand": self.i["transfer_randr_i"], "t": seconds("ee000030"), "suite": self.suite}
        usual |= how
        return x.make_transfer(usual.pop("suite"), self.v.profile, **usual)

    def ticket(self, bits=None, tp=None, rand=None, **policy):
        i = self.i
        tp = tp or x.tp_payloads("https://kms.example.test", ALICE, seconds("ee000000"),
                                 seconds("ee001c20"), ["bob@example.test"])
        return x.make_ticket(self.suite, self.v.profile, i["tpk"], "tpk-1", i["mpk"], i["traffic_key"],
                             i["spi"], tp, self.v.bits if bits is None else bits,
                             i["ticket_rand"] if rand is None else rand, seconds("ee000010"), **policy)

    def rows(self):
        """(name, class, what is wrong, clause, message)"""
        good = self.transfer()
        for name, wrong, clause, change in MALFORMED:
            yield name, "malformed", wrong, clause, change(good)
        for name, wrong, clause, bend in CHAINS:
            yield name, "malformed", wrong, clause, self.chain(bend)
        for name, wrong, clause, how in POLICIES:
            yield name, "policy", wrong, clause, self.transfer(ticket=self.ticket(**how))
        tp = x.tp_payloads("https://kms.example.test", ALICE, seconds("ee000000"), seconds("ee001c20"),
                           ["bob@example.test"])
        other = [m.idr(m.APP, m.BYTES, "SRTP") if v[0] == m.IDR and v[1][0] == m.APP else v for v in tp]
        yield "other-application", "policy", "IDRapp is another application", "RFC 6043 6.10", \
            self.transfer(ticket=self.ticket(tp=other))
        yield from self.sessions()
        yield from self.values(good)

    def chain(self, bend):
        """With the MAC over what is there."""
        body = self.proper + b"\0\0"
        payloads = [m.Stamp(seconds("ee000030")).payload(), m.randr(m.I, self.i["transfer_randr_i"]),
                    m.idr(m.I, m.NAI, ALICE), m.idr(m.R, m.NAI, "bob@example.test"), (m.TICKET, body),
                    m.v_payload(self.suite.auth)]
        bare = m.encode(m.TRANSFER_INIT, self.suite.prf, self.v.csb[1], bend(payloads),
                        cs=m.generic_id(self.i["spi"]))
        cut = bare.find(body)
        covered = bare if cut < 0 else bare[:cut + len(self.proper)] + bare[cut + len(body):]
        mac = k.mac(self.suite.auth, self.v.derived["transfer_init"]["auth"],
                    covered[:-self.suite.mac_len], ALICE, b"bob@example.test")
        if cut >= 0:
            data = x.initiator_data(self.suite, self.mpkr, mac)
            end = cut + len(self.proper)
            bare = bare[:end] + len(data).to_bytes(2, "big") + data + bare[end + 2:]
        return bare[:-self.suite.mac_len] + mac

    def sessions(self):
        spi = self.i["spi"]
        for name, wrong, clause, cs in (
                ("prot-type", "Prot type 7 is not PSK/MIME", "TS 33.328 D.4", m.generic_id(spi, prot=7)),
                ("no-session", "#CS is 0, the map is empty", "RFC 6043 6.1.1", b"\0\x01"),
                ("two-sessions", "#CS is 2", "RFC 6043 6.1.1", m.generic_id(spi, num=2) + m.generic_id(spi)[2:]),
                ("policy-number", "#P is 1 and there is no such SP", "RFC 6043 6.1.1",
                 b"\x01\x02\x01\xf2\x01\x00\x00\x00\x08" + spi)):
            yield name, "session", wrong, clause, self.transfer(cs=cs)

    def values(self, good):
        n, i = self.suite.mac_len, self.i
        yield "t-after-end", "time", "T is later than TRe", "RFC 6043 6.10", self.transfer(t=seconds("ee001c21"))
        yield "t-before-start", "time", "T is before TRs", "RFC 6043 6.10", self.transfer(t=seconds("edffffff"))
        yield "no-idr-r", "identity", "there is no IDRr", "TS 33.328 Annex B", \
            self.chain(without(m.IDR, m.R))
        yield "other-initiator", "identity", "IDRi is not the ticket's", "RFC 6043 12.4", \
            self.transfer(initiator=MALLORY)
        yield "other-recipient", "identity", "IDRr is nobody whom the ticket names", "TS 33.328 Annex B", \
            self.transfer(recipient=b"carol@example.test")
        yield "empty-rand", "suite", "RANDRi is empty", "RFC 6043 12.1", self.transfer(rand=b"")
        yield "short-rand", "suite", "RANDRi is shorter than the keys", "RFC 6043 12.1", \
            self.transfer(rand=i["transfer_randr_i"][:31])
        yield "other-prf", "suite", "HDR's PRF is not the ticket's", "RFC 6043 12.1", \
            self.transfer(suite=k.Suite(0, 3, 2, 32, 32))
        yield "other-mac", "suite", "V is HMAC-SHA-1-160", "RFC 6043 12.1", \
            self.transfer(suite=k.Suite(1, 3, 1, 32, 20))
        yield "kemac", "policy", "a KEMAC though L is 0", "RFC 6043 6.10", \
            self.transfer(bend=before_v(m.kemac(3, bytes(48))))
        yield "no-initiator-data", "initiator-data", "I and no Initiator Data", "RFC 6043 6.10", \
            self.transfer(data=b"")
        yield "half-initiator-data", "initiator-data", "Initiator Data without Vr", "RFC 6043 6.10", \
            self.transfer(data=bytes([m.V, m.LAST, 2]) + good[-n:])
        yield "vi-is-not-v", "initiator-data", "Vi is not V", "RFC 6043 6.10", \
            self.transfer(data=x.initiator_data(self.suite, self.mpkr, bytes(n)))
        yield "swapped-mpks", "authentication", "V is made with MPKr, Vr with MPKi", "RFC 6043 A.2.2", \
            self.transfer(mpki=self.mpkr, mpkr=self.mpki)
        yield "vr-of-forked-key", "authentication", "Vr is made with MPKr', which a recipient has", \
            "RFC 6043 6.10", self.transfer(mpkr=self.v.derived["mpkr_forked"])
        yield "flipped-v", "authentication", "one bit of V and Vi is changed", "RFC 6043 5.5", \
            self.flipped(good)
        yield "flipped-csb-id", "authentication", "one bit of the CSB ID is changed", "RFC 6043 5.5", flip(good, 7)
        yield "other-spi", "authentication", "the SPI is not the traffic key's", "RFC 6043 6.1.1", \
            self.transfer(cs=m.generic_id(bytes(range(8))))

    def flipped(self, good):
        mac = flip(good[-self.suite.mac_len:], -1)
        cut = len(self.proper) + good.index(self.proper)
        data = x.initiator_data(self.suite, self.mpkr, mac)
        return good[:cut] + len(data).to_bytes(2, "big") + data + good[cut + 2 + len(data):-len(mac)] + mac


def document(vector):
    """The file's content; vector is the base exchange after make()."""
    return {
        "about": "Each message breaks one clause and must be refused by the recipient, or by the KMS "
                 "that it asks. Keys, identities and times are those of the base exchange.",
        "base": f"exchange-{BASE}.json", "good": vector.messages["transfer_init"].hex(),
        "refusals": [{"name": name, "class": kind, "wrong": wrong, "clause": clause, "message": raw.hex()}
                     for name, kind, wrong, clause, raw in Maker(vector).rows()],
    }
