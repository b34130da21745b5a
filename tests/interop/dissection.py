# SPDX-License-Identifier: GPL-2.0-or-later
"""What tshark must see in CMS objects and MIKEY messages of the kernel.

tshark 4.0 knows AuthenticatedData and EnvelopedData; AuthEnvelopedData (RFC
5083) and CMSAlgorithmProtection (RFC 6211) are BER to it. Of MIKEY it knows
HDR, IDR, KEMAC, V and the general extension, and stops for good at the first
thing that it does not: the type of T here is NTP-UTC-32, and a GENERIC-ID map
it takes for the payload behind it. So it gets each message twice, as it is,
and with those payloads only that it knows, in their order and unchanged.
"""
import hashlib

import session
import tshark
from openssl import cms
from session import m

import terminal     # of the second implementation

UNDECODED = "BER: Dissector for OID not implemented. Contact Wireshark developers if you want this" \
    " supported"
WRAP = {16: "2.16.840.1.101.3.4.1.5", 32: "2.16.840.1.101.3.4.1.45"}
CIPHER = {("aes-gcm", 16): "2.16.840.1.101.3.4.1.6", ("aes-gcm", 32): "2.16.840.1.101.3.4.1.46",
          ("aes-ccm", 16): "2.16.840.1.101.3.4.1.7", ("aes-ccm", 32): "2.16.840.1.101.3.4.1.47",
          ("aes-cbc", 16): "2.16.840.1.101.3.4.1.2", ("aes-cbc", 32): "2.16.840.1.101.3.4.1.42"}
HMAC, SHA256 = "1.2.840.113549.2.9", "2.16.840.1.101.3.4.2.1"
DATA, ENVELOPED = "1.2.840.113549.1.7.1", "1.2.840.113549.1.7.3"
AUTH_DATA, AUTH_ENVELOPED = "1.2.840.113549.1.9.16.1.2", "1.2.840.113549.1.9.16.1.23"
ATTRIBUTES = ["1.2.840.113549.1.9.3", "1.2.840.113549.1.9.52", "1.2.840.113549.1.9.4"]
KNOWN = (m.IDR, m.KEMAC, m.EXT, m.V)

CMS_FIELDS = tuple("cms." + n for n in (
    "contentType", "version", "keyIdentifier", "eContentType", "eContent", "attrType",
    "ContentType", "MessageDigest", "mac", "encryptedContent", "encryptedKey")) + \
    ("nist-csor.AES_IV", "x509af.algorithm.id", "ber.unknown.OID", "ber.unknown.INTEGER", "ber.unknown.OCTETSTRING")
MIKEY_FIELDS = tuple("mikey." + n for n in (
    "version", "type", "next_payload", "v.set", "prf_func", "csb_id", "cs_count",
    "cs_id_map_type", "t.ts_type", "id.role", "id.type", "id.len", "id.data", "kemac.encr_alg",
    "kemac.key_data", "kemac.mac_alg", "v.auth_alg", "v.ver_data", "ext.type", "ext.len",
    "ext.data"))
FIELDS = ("sip.Method", "mime_multipart.header.content-type", *CMS_FIELDS, *MIKEY_FIELDS)


def keep(seen, *prefixes):
    return {k: v for k, v in seen.items() if k.startswith(prefixes)}


def differences(got, wanted):
    wanted = {k: [str(x) for x in v] for k, v in wanted.items()}
    wrong = [f"{k}: {got.get(k)} instead of {wanted.get(k)}"
             for k in sorted({*got, *wanted}) if got.get(k) != wanted.get(k)]
    if wrong:
        raise AssertionError("\n".join(wrong))


def parts(raw):
    """TRANSFER_INIT, CMS and, where it is readable, the entity of a MESSAGE."""
    _, mime = terminal.split_body(raw)
    transfer, der = (part.get_payload(decode=True) for part in mime.iter_parts())
    content = cms.items(cms.read(cms.items(cms.read(der)[1])[1][1])[1])
    entity = cms.items(cms.items(content[4][1])[1][1])[0][1] if len(content) > 4 else None
    return transfer, der, entity


class Dissection:
    def __init__(self, path):
        self.path, self.payloads, self.seen = path, [], []

    def add(self, payload, port):
        self.payloads.append((payload, port))
        return len(self.payloads) - 1

    def run(self):
        tshark.capture(self.path, self.payloads)
        self.seen = tshark.dissect(self.path, FIELDS)

    def add_sip(self, raw):
        return self.add(raw, tshark.SIP_PORT)

    def add_message(self, form, transfer, der):
        kind, body = terminal.multipart(transfer, der, form)
        return self.add_sip(terminal.sip_message(session.ALICE, session.BOB, "10.66.0.1:40000",
                                                 "UDP", kind, body))

    # --- CMS

    def see_cms(self, check, name, form, transfer, der, entity):
        check(name, self.saw_cms, self.add_message(form.form, transfer, der), form, transfer, der,
              entity)

    def saw_cms(self, number, form, transfer, der, entity):
        seen = self.seen[number]
        smime = "authenticated-data" if form.form.startswith("authenticated") else \
            "auth-enveloped-data"
        wanted = {"sip.Method": ["MESSAGE"], "mime_multipart.header.content-type": [
            "application/mikey", f"application/pkcs7-mime;smime-type={smime};name=smime.p7m"],
            "_ws.expert.message": [UNDECODED]}
        top = cms.items(cms.read(cms.items(cms.read(der)[1])[1][1])[1])
        spi = m.Message(transfer).spi
        wrapped = cms.items(cms.items(top[1][1])[0][1])[3][1]
        if form.form == "auth-enveloped":
            wanted |= self.auth_enveloped(form, top, spi, wrapped)
        else:
            wanted |= self.authenticated(form, top, spi, wrapped, entity)
        differences(keep(seen, "sip", "mime", "cms", "x509af", "nist", "ber", "_ws"), wanted)

    @staticmethod
    def auth_enveloped(form, top, spi, wrapped):
        size = len(wrapped) - 8
        nonce, *icv = cms.items(cms.items(cms.items(top[2][1])[1][1])[1][1])
        return {"cms.contentType": [AUTH_ENVELOPED],
                "ber.unknown.OID": [WRAP[size], DATA, CIPHER[form.alg, size]],
                "ber.unknown.INTEGER": [0, 4, *(16 for _ in icv)],
                "ber.unknown.OCTETSTRING": [x.hex() for x in (spi, wrapped, nonce[1], top[3][1])]}

    @staticmethod
    def authenticated(form, top, spi, wrapped, entity):
        content = cms.items(cms.items(top[4][1])[1][1])[0][1]
        outer = {"cms.contentType": [AUTH_DATA], "cms.version": [0, 4],
                 "cms.keyIdentifier": [spi.hex()], "cms.encryptedKey": [wrapped.hex()],
                 "ber.unknown.OID": [SHA256, HMAC],      # in CMSAlgorithmProtection
                 "x509af.algorithm.id": [None, HMAC, SHA256], "cms.attrType": ATTRIBUTES,
                 "cms.MessageDigest": [hashlib.sha256(content).hexdigest()],
                 "cms.mac": [top[6][1].hex()]}
        key_alg = cms.items(cms.items(top[1][1])[0][1])[2][1]
        size = next(n for n, o in WRAP.items() if cms.oid(o) == key_alg)
        outer["x509af.algorithm.id"][0] = WRAP[size]
        if form.form == "authenticated":
            return outer | {"cms.eContentType": [DATA], "cms.ContentType": [DATA],
                            "cms.eContent": [entity.hex()]}
        inner = cms.items(cms.read(content)[1])
        sealed = cms.items(inner[2][1])
        inner_key = cms.items(cms.items(inner[1][1])[0][1])[3][1]
        return outer | {
            "cms.eContentType": [ENVELOPED], "cms.ContentType": [ENVELOPED],
            "cms.eContent": [content.hex()], "cms.contentType": [AUTH_DATA, DATA],
            "cms.version": [0, 4, 2, 4], "cms.keyIdentifier": [spi.hex()] * 2,
            "cms.encryptedKey": [wrapped.hex(), inner_key.hex()],
            "x509af.algorithm.id": [WRAP[size], HMAC, SHA256, WRAP[size], CIPHER["aes-cbc", size]],
            "nist-csor.AES_IV": [cms.items(sealed[1][1])[1][1].hex()],
            "cms.encryptedContent": [sealed[2][1].hex()]}

    # --- MIKEY

    def see_mikey(self, check, label, what, raw):
        message = m.Message(raw)
        known = [(k, b) for k, b, _ in message.payloads if k in KNOWN]
        hidden = m.encode(message.data_type, message.prf, message.csb_id, known, raw[3] >> 7)
        check(f"{label} the header of {what}", self.saw_header,
              self.add(raw, tshark.MIKEY_PORT), message)
        check(f"{label} the payloads it knows of {what}", self.saw_payloads,
              self.add(hidden, tshark.MIKEY_PORT), message, known)
        policy = message.first(m.TICKET) or message.first(m.TP)
        if policy:
            inside = [(k, b) for k, b, _ in m.Policy(policy).tp if k in KNOWN]
            hidden = m.encode(message.data_type, message.prf, message.csb_id, inside, raw[3] >> 7)
            check(f"{label} the payloads it knows of the Ticket Policy in {what}",
                  self.saw_payloads, self.add(hidden, tshark.MIKEY_PORT), message, inside)

    @staticmethod
    def header(message, first, count, map_type):
        return {"mikey.version": [1], "mikey.type": [message.data_type],
                "mikey.next_payload": [first], "mikey.v.set": [message.raw[3] >> 7],
                "mikey.prf_func": [message.prf], "mikey.csb_id": [f"0x{message.csb_id:08x}"],
                "mikey.cs_count": [count], "mikey.cs_id_map_type": [map_type]}

    def saw_header(self, number, message):
        """HDR, and the first two bytes behind it as T's."""
        wanted = self.header(message, m.T, message.num_cs, message.map_type)
        behind = message.raw[10:12]
        wanted["mikey.next_payload"].append(behind[0])
        wanted["mikey.t.ts_type"] = [behind[1]]
        differences(keep(self.seen[number], "mikey", "_ws"), wanted)

    def saw_payloads(self, number, message, payloads):
        wanted = self.header(message, payloads[0][0], 0, 1)
        kinds = [k for k, _ in payloads[1:]] + [0]

        def add(name, *values):
            wanted.setdefault("mikey." + name, []).extend(values)
        for (kind, body), following in zip(payloads, kinds):
            add("next_payload", following)
            if kind == m.IDR:
                add("id.role", body[0])
                add("id.type", body[1])
                add("id.len", len(body) - 4)
                add("id.data", body[4:].decode())
            if kind == m.KEMAC:
                add("kemac.encr_alg", body[0])
                add("kemac.key_data", body[3:-1].hex())
                add("kemac.mac_alg", body[-1])
            if kind == m.EXT:
                add("ext.type", body[0])
                add("ext.len", len(body) - 3)
                add("ext.data", body[3:].hex())
            if kind == m.V:
                add("v.auth_alg", body[0])
                if body[0] == 1:        # HMAC-SHA-1-160; it knows no other
                    add("v.ver_data", body[1:].hex())
        differences(keep(self.seen[number], "mikey", "_ws"), wanted)

    # --- and does it complain where there is something to complain of?

    def see_damage(self, check):
        good = cms.authenticated(bytes(32), bytes(8), b"text")
        bad = good.replace(cms.seq(cms.octets(bytes(8))), cms.seq(cms.tlv(2, bytes(8))))
        whole = m.encode(11, 1, 5, [m.idr(m.I, m.NAI, "a@example.test")])
        check("tshark complains of a keyIdentifier that is an INTEGER", self.complained,
              self.add_message("authenticated", whole, bad), "BER Error")
        check("tshark complains of an IDR that is cut off", self.complained,
              self.add(whole[:-1], tshark.MIKEY_PORT), "Malformed Packet")

    def complained(self, number, words):
        said = [x for field in tshark.COMPLAINTS for x in self.seen[number].get(field, [])]
        if not any(words in x for x in said):
            raise AssertionError(f"only {said}")
