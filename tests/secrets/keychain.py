# SPDX-License-Identifier: GPL-2.0-or-later
"""Every key that was in a terminal, found out by somebody who is none: from the
PSKs and from what went over the wire, with the second implementation."""

import capture
import needles
import stage as s
import cms
import keys as k  # both in tests/peer, whose folder stage knows
import mikey as m


class Key:
    """One key. round: the part of the test it was made in; stored: its HMAC
    states may lie in a ticket while that lives; psk: it is one itself."""

    text = False        # unlike texts.Text

    def __init__(self, name, value, part, hmac=None, aes=False, stored=False, psk=False):
        self.name, self.value, self.part = name, value, part
        self.hmac, self.aes, self.stored, self.psk = hmac, aes, stored, psk


class Keychain:
    def __init__(self, psks):
        """psks: name of the PSK -> (key, suite)"""
        self.psks = psks
        self.keys, self.plain, self.traffic, self.mpk = {}, [], {}, {}
        self.transfers = 0
        for name, (psk, suite) in psks.items():
            self.add(f"PSK of {name.decode()}", psk, "psk", hmac=self.prf(suite), psk=True)

    def prf(self, suite):
        return k.PRF_DIGEST[suite.prf]

    def mac(self, suite):
        return k.MACS[suite.auth][0]

    def add(self, name, value, part, **more):
        self.keys.setdefault((value, more.get("hmac")), Key(f"{part}: {name}", value, part, **more))

    def message(self, part, name, suite, key, msg, response=False, **rands):
        """encr and auth of a message; the salt is no key."""
        encr, auth, _ = k.message_keys(suite, key, msg.csb_id, response=response, **rands)
        if response or name == "TRANSFER_INIT":
            self.add(f"{name}'s encr_key", encr, part, aes=True)
        self.add(f"{name}'s auth_key", auth, part, hmac=self.mac(suite))
        return encr

    def exchange(self, part, request, response):
        """What is asked of the KMS and its answer: REQUEST or RESOLVE."""
        ask, answer = m.Message(request), m.Message(response)
        if answer.data_type == m.ERROR:
            return
        psk_name = ask.idr(m.PSK)
        psk, suite = self.psks[psk_name]
        requests = ask.data_type == m.REQUEST_INIT
        name = "REQUEST" if requests else "RESOLVE"
        role = m.I if requests else m.R
        rands = {"randr_i" if requests else "randr_r": ask.randr(role)}
        self.message(part, f"{name}_INIT", suite, psk, ask, **rands)
        encr = self.message(part, f"{name}_RESP", suite, psk, answer, True, **rands)
        salt = k.message_keys(suite, psk, ask.csb_id, response=True, **rands)[2]
        _, sealed = answer.kemac()
        entries = m.read_key_data(k.aes_cm(encr, salt, answer.csb_id, answer.t.bits64, sealed))
        *mpks, (_, traffic, spi) = entries
        self.ticket(part, suite, spi, mpks[0][1], traffic)
        if len(mpks) > 1:
            self.add("MPKr" if requests else "MPKr'", mpks[1][1], part, hmac=self.prf(suite))
            if requests:
                self.add("auth_key of Vr", k.vr_key(suite, mpks[1][1]), part,
                         hmac=self.mac(suite), stored=True)
        ticket = ask.first(m.TICKET)
        if not requests and not m.Ticket(ticket).flags & k.FLAGS["D"]:
            self.minted(part, m.Ticket(ticket))

    def minted(self, part, ticket):
        """Made by a terminal, under the PSK that it names."""
        tpk, suite = self.psks[ticket.tpk_name]
        _, by = ticket.parts()
        rand = by[m.RAND][1:]
        encr, auth, salt = k.ticket_keys(suite, tpk, rand)
        self.add("ticket's encr_key", encr, part, aes=True)
        self.add("ticket's auth_key", auth, part, hmac=self.mac(suite))
        stamp = m.Stamp(by[m.T][1:], by[m.T][0])
        entries = m.read_key_data(k.aes_cm(encr, salt, 0xFFFFFFFF, stamp.bits64,
                                           by[m.KEMAC][3:-1]))
        self.add("MPK", entries[0][1], part, hmac=self.prf(suite))
        mpki, mpkr = k.mpk_pair(suite, entries[0][1], rand)
        self.ticket(part, suite, entries[1][2], mpki, entries[1][1])
        self.add("MPKr", mpkr, part, hmac=self.prf(suite))
        self.add("auth_key of Vr", k.vr_key(suite, mpkr), part, hmac=self.mac(suite), stored=True)

    def ticket(self, part, suite, spi, mpki, traffic):
        self.traffic[spi] = (suite, mpki, traffic)
        self.add("MPKi", mpki, part, hmac=self.prf(suite), stored=True)
        self.add("traffic key", traffic, part, hmac=self.prf(suite), stored=True)

    def protected(self, part, transfer, der):
        """One protected MESSAGE."""
        msg = m.Message(transfer)
        suite, mpki, traffic = self.traffic[msg.spi]
        self.message(part, "TRANSFER_INIT", suite, mpki, msg, randr_i=msg.randr(m.I))
        keks = k.session_keys(suite, traffic, msg.randr(m.I), msg.cs_id)
        for name, kek in keks.items():
            self.add(f"KEK {name}", kek, part, aes=True)
        found = cms.explain(der, keks, msg.spi)
        form = found["form"]
        if form.startswith("auth-enveloped"):
            self.add("content key", found["content_key"], part, aes=True)
            if form == "auth-enveloped":
                self.add("GHASH key", k.Cipher(k.algorithms.AES(found["content_key"]), k.modes.ECB())
                         .encryptor().update(bytes(16)), part)
        else:
            self.add("content MAC key", found["content_key"], part, hmac="sha256")
        if "inner_content_key" in found:
            self.add("inner content key", found["inner_content_key"], part, aes=True)
        self.transfers += 1
        self.plain.append(found["entity"])

    def needles(self):
        """(key, shape, bytes) of all of them"""
        return [(key, shape, found) for key in self.keys.values()
                for shape, found in needles.shapes(key.value, key.hmac, key.aes)]


def wire(path):
    """TRANSFER_INIT and CMS of each protected MESSAGE in a capture, once."""

    seen = {}
    for _, _, message in capture.messages(path):
        if message.method == "MESSAGE" and b"application/mikey" in message.body:
            transfer, der = s.parts(message)
            seen[transfer] = der
    return seen.items()


