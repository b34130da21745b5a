#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""TRANSFER_INITs and tickets that break one clause each, against the product as
receiver: 493, and the next thing that arrives is a good message."""

import os
import sys
import time

import ktap
import peers
import stage as s
import exchange as x  # beside kms.py, whose folder stage knows
import keys as k
import mikey as m

S256 = k.SUITES["256"]


def put(**values):
    """A bend that sets parts of the plan."""
    def bend(plan):
        for name, value in values.items():
            setattr(plan, name, value(plan) if callable(value) and name != "bend" else value)
    return bend


def payloads(change):
    """A bend that changes the list of payloads before V's MAC is made."""
    return lambda plan: setattr(plan, "bend", change)


def written(change):
    """A bend that changes TRANSFER_INIT's bytes after all is made."""
    return lambda plan: setattr(plan, "after", lambda transfer, der: (change(transfer), der))


def swapped(one, other):
    def change(p):
        p = list(p)
        p[one], p[other] = p[other], p[one]
        return p
    return payloads(change)


def without(kind, role=None):
    return payloads(lambda p: [v for v in p if not (v[0] == kind and role in (None, v[1][0]))])


def before_v(*more):
    return payloads(lambda p: [*p[:-1], *more, p[-1]])


def mixed(prf=1, auth=2, mac_len=32):
    """Another PRF or MAC for the message than the ticket's."""
    return put(suite=k.Suite(prf, 3, auth, 32, mac_len))


def longer_id(transfer):
    at = transfer.index(b"\x0e\x01\x00") + 3
    return transfer[:at] + b"\xff\xff" + transfer[at + 2:]


T, RANDR, IDRI, IDRR, TICKET = range(5)

# What is wrong with the message, the clause, the bend. The KMS is not to be
# asked about any of these.
EARLY = (
    ("T is later than TRe (RFC 6043 6.10)", put(t=lambda p: m.ntp32(time.time() + 7200))),
    ("T is before TRs (RFC 6043 6.10)", put(t=lambda p: m.ntp32(time.time() - 7200))),
    ("T is in the future (RFC 3830 5.4)", put(t=lambda p: m.ntp32(time.time() + 1800))),
    ("no T (RFC 6043 4.2.2)", without(m.T)),
    ("no RANDRi (RFC 6043 4.2.2)", without(m.RANDR)),
    ("no IDRi (TS 33.328 Annex B)", without(m.IDR, m.I)),
    ("no IDRr (TS 33.328 Annex B)", without(m.IDR, m.R)),
    ("IDRr is somebody else (TS 33.328 Annex B)", put(recipient=b"carol-256@example.test")),
    ("IDRi is not the ticket's (RFC 6043 12.4)", put(initiator=b"mallory-256@example.test")),
    ("IDRi is a URI (RFC 6043 6.5)", payloads(lambda p: [
        p[T], p[RANDR], m.idr(m.I, m.URI, p[IDRI][1][4:]), *p[IDRR:]])),
    ("Prot type (TS 33.328 D.4)", put(prot=7)),
    ("two crypto sessions (RFC 6043 6.1.1)",
     put(cs=lambda p: m.generic_id(p.spi, num=2) + m.generic_id(p.spi)[2:])),
    ("no crypto session (RFC 6043 6.1.1)", put(cs=b"\x00\x01")),
    ("a security policy that is not there (RFC 6043 6.1.1)",
     put(cs=lambda p: b"\x01\x02\x01\xf2\x01\x00\x00\x00\x08" + p.spi)),
    ("KEMAC while L is 0 (RFC 6043 6.10)", before_v(m.kemac(3, bytes(48)))),
    ("RANDRi before T (RFC 6043 4.2.2)", swapped(T, RANDR)),
    ("IDRr before IDRi (RFC 6043 4.2.2)", swapped(IDRI, IDRR)),
    ("TICKET before IDRr (RFC 6043 4.2.2)", swapped(IDRR, TICKET)),
    ("two Ts (RFC 6043 4.2.2)", payloads(lambda p: [p[T], *p])),
    ("an unknown payload (RFC 3830 5.3)", before_v((99, b"\0"))),
    ("bytes behind V (RFC 3830 5.3)", written(lambda t: t + b"\0")),
    ("one byte too few (RFC 3830 5.3)", written(lambda t: t[:-1])),
    ("ID len beyond the message (RFC 3830 6.7)", written(longer_id)),
    ("version 2 (RFC 3830 6.1)", written(lambda t: b"\x02" + t[1:])),
    ("data type TRANSFER_RESP (RFC 6043 6.1)", written(lambda t: t[:1] + b"\x0f" + t[2:])),
    ("an empty RANDRi (RFC 6043 12.1)", put(rand=b"")),
    ("a RANDRi of 8 bytes (RFC 6043 12.1)", put(rand=bytes(8))),
    ("a RANDRi of 31 bytes (RFC 6043 12.1)", put(rand=bytes(31))),
    ("the PRF of another suite (RFC 6043 12.1)", mixed(prf=0)),
    ("the MAC of another suite (RFC 6043 12.1)", mixed(auth=1, mac_len=20)),
    ("no Initiator Data with the I flag (RFC 6043 6.10)", put(data=b"")),
    ("half of Initiator Data (RFC 6043 6.10)", put(data=lambda p: bytes([9, 0, 2]) + bytes(32))),
    ("Vi is not V (RFC 6043 6.10)", put(data=lambda p: x.initiator_data(S256, p.held.mpkr, bytes(32)))),
)

# Only the keys of the KMS, or the KMS itself, can tell.
LATE = (
    ("the SPI of another key (RFC 6043 6.1.1)", put(spi=bytes(range(8)))),
    ("MPKi and MPKr swapped (RFC 6043 A.2.2)", lambda plan: peers.peer.FAULTS["swap-mpk"](plan)),
    ("V made with another key (RFC 6043 5.5)", lambda plan: setattr(
        plan, "held", peers.peer.Held(**{**vars(plan.held), "mpki": bytes(32)}))),
    ("Vr made with another key (RFC 6043 6.10)", lambda plan: setattr(
        plan, "held", peers.peer.Held(**{**vars(plan.held), "mpkr": bytes(32)}))),
    ("V with one bit changed (RFC 6043 5.5)", written(lambda t: peers.peer.flip(t, -1))),
    ("the CSB ID with one bit changed (RFC 6043 5.5)", written(lambda t: peers.peer.flip(t, 7))),
)


class Scene:
    """Alice and mallory on the second implementation, bob on the product."""

    def __init__(self, troupe):
        self.troupe, self.kms = troupe, troupe.stage
        self.alice, self.bob = troupe.user("alice"), troupe.user("bob")
        self.mallory, self.carol = troupe.user("mallory"), troupe.user("carol")
        self.honest = self.alice.peer()
        self.client = troupe.play("bob", group=[peers.TEAM])
        self.number = 0

    def sends(self, bend=None, me=None, held=None, sender=None, form="auth-enveloped", profile="immediate"):
        return self.troupe.peer_sends(sender or self.alice, self.bob.uid, bend, form, me=me or (
            self.honest if profile == "immediate" else self.alice.peer("--profile", profile)), held=held)

    def good(self):
        """The next thing that arrives is a good message, which nobody saw yet."""
        self.number += 1
        text = f"{peers.TEXT} {self.number}"

        def bend(plan):
            plan.entity = b"Content-Type: text/plain\r\n\r\n" + text.encode()
        ktap.equal(self.sends(bend), 200, "status of the good message")
        got = ktap.true(self.client.received(), "the good message did not arrive")
        ktap.equal(got.body.decode(), text, "what arrived")

    def drain(self):
        """What a failed test left behind is not this one's."""
        self.client.drain()

    def refused(self, bend=None, **how):
        self.drain()
        ktap.equal(self.sends(bend, **how), 493, "status")
        self.good()

    def asked(self):
        return self.kms.kms_requests("ticketresolve")

    def refused_early(self, bend=None, **how):
        """Without asking the KMS (TS 33.328 Annex B)"""
        self.drain()
        before = self.asked()
        ktap.equal(self.sends(bend, **how), 493, "status")
        ktap.equal(self.asked() - before, 0, "resolves")
        self.good()


def add_messages():
    for number, (title, bend) in enumerate(EARLY):
        def test(scene, bend=bend):
            scene.refused_early(bend)
        test.__doc__ = f"refused unresolved: {title}"
        globals()[f"test_early_{number}"] = test
    for number, (title, bend) in enumerate(LATE):
        def test(scene, bend=bend):
            scene.refused(bend)
        test.__doc__ = f"refused: {title}"
        globals()[f"test_late_{number}"] = test


add_messages()


# --- tickets, made in mode 3, which lets anybody write what the KMS would not --

def flags(text):
    return {"bits": k.flags(text)}


def another_app(tp):
    return [m.idr(m.APP, m.BYTES, "SRTP") if v == m.idr(m.APP, m.BYTES, "PSK/MIME") else v for v in tp]


def drop(kind, role):
    return lambda tp: [v for v in tp if not (v[0] == kind and v[1][0] == role)]


# EHIJLNO is what profile immediate has.
TICKETS = (
    ("D0 without L (RFC 6043 6.10: NOT D implies L)", flags("EHIJNO")),
    ("I without E (RFC 6043 6.10: I implies E)", flags("HIJLNO")),
    ("F: a TRANSFER_RESP (TS 33.328 I.4)", flags("EFHIJLNO")),
    ("G without F (RFC 6043 6.10: G implies F)", flags("EGHIJLNO")),
    ("G: RANDRr (TS 33.328 I.4)", flags("EFGHIJLNO")),
    ("neither G nor H (RFC 6043 6.10: NOT G implies H)", flags("EIJLNO")),
    ("K with D0 (RFC 6043 6.10: K implies D)", flags("EHIJKLNO")),
    ("M without F (RFC 6043 6.10: M implies F)", flags("EHIJLMNO")),
    ("N0: more than RFC 6043 is wanted of the initiator (RFC 6043 6.10)", flags("EHIJLO")),
    ("O0: more than RFC 6043 is wanted of the responder (RFC 6043 6.10)", flags("EHIJLN")),
    ("Ticket Type 3 (RFC 6043 6.10)", {"ticket_type": 3}),
    ("Subtype and Version 0 (TS 33.328 6.2.3.4.2)", {"subtype": 0, "version": 0}),
    ("Version 2 (TS 33.328 6.2.3.4.2)", {"version": 2}),
    ("the policy's PRF is another suite's (RFC 6043 12.1)", {"prf": 0}),
    ("another application's ticket (RFC 6043 6.10, IDRapp)", {"bend_tp": another_app}),
    ("no IDRi in the ticket (TS 33.328 Annex B)", {"bend_tp": drop(m.IDR, m.I)}),
)


def add_tickets():
    for number, (title, how) in enumerate(TICKETS):
        def test(scene, how=how):
            held = scene.alice.peer("--mode", "3").mint([scene.bob.uid.encode()], **how)
            scene.refused_early(held=held)
        test.__doc__ = f"ticket refused unresolved: {title}"
        globals()[f"test_ticket_{number}"] = test


add_tickets()


def test_expired(scene):
    """An expired ticket is refused unresolved (RFC 6043 6.10)"""
    held = scene.alice.peer("--mode", "3").mint([scene.bob.uid.encode()], start=-7200)
    scene.refused_early(put(t=m.ntp32(time.time() - 7000)), held=held)


def test_not_yet(scene):
    """A ticket of tomorrow is refused unresolved (RFC 6043 6.10)"""
    held = scene.alice.peer("--mode", "3").mint([scene.bob.uid.encode()], start=80000)
    scene.refused_early(held=held)


def test_ticket_for_others(scene):
    """A ticket that does not name this user is refused unresolved (TS 33.328 Annex B)"""
    with s.namespace("e2e-net"):
        held = scene.honest.request([scene.carol.uid.encode()])
    scene.refused_early(held=held)


def test_from_alice_under_mallorys_psk(scene):
    """A mode-3 ticket "from Alice" under Mallory's PSK is refused (RFC 6043 12.2)"""
    held = scene.mallory.peer("--mode", "3").mint([scene.bob.uid.encode()], initiator=scene.alice.uid)
    scene.refused(put(initiator=scene.alice.uid.encode()), me=scene.mallory.peer(), held=held)


def test_user_psk_as_kms_tpk(scene):
    """D1 seeks the TPK among the KMS's only (RFC 6043 6.10, D)"""
    held = scene.alice.peer().mint([scene.bob.uid.encode()], bits=k.flags("DEHIJNO"))
    scene.refused(held=held)


def test_kms_tpk_as_user_psk(scene):
    """D0 seeks the TPK among the users' PSKs only (RFC 6043 6.10, D)"""
    with s.namespace("e2e-net"):
        name = m.Ticket(scene.honest.ticket([scene.bob.uid.encode()]).body + b"\0\0").tpk_name
    held = scene.alice.peer("--mode", "3").mint([scene.bob.uid.encode()], tpk_name=name)
    scene.refused(held=held)


def test_tgk_with_forking(scene):
    """A TGK under the I flag wants F and a RANDRkms nobody sends (RFC 6043 6.10)"""
    held = scene.alice.peer("--mode", "3").mint([scene.bob.uid.encode()], traffic_type=k.TGK)
    scene.refused(held=held)


def test_gtgk_without_forking(scene):
    """A GTGK in profile annex-i is refused (TS 33.328 I.4)"""
    alice = scene.alice.peer("--mode", "3", "--profile", "annex-i")
    scene.refused(me=alice, held=alice.mint([scene.bob.uid.encode()], traffic_type=k.GTGK))


def test_rand_of_the_ticket(scene):
    """An empty or short RAND in the ticket is refused (RFC 6043 12.1)"""
    for rand in (b"", os.urandom(8), os.urandom(31)):
        scene.refused(held=scene.alice.peer("--mode", "3").mint([scene.bob.uid.encode()], rand=rand))


def test_policy_at_resolve_time(scene):
    """A mode-3 ticket for everybody is refused by the KMS's policy when it is resolved"""
    scene.refused(held=scene.alice.peer("--mode", "3").mint([b"?@?"]))


# --- Initiator Data -----------------------------------------------------------

def sent_to_bob(scene, *more):
    me = scene.alice.peer(*more)
    with s.namespace("e2e-net"):
        return me.protect(scene.bob.uid.encode(), peers.ENTITY, "auth-enveloped",
                          held=me.ticket([scene.bob.uid.encode()])), me


def test_initiator_data_of_another(scene):
    """Initiator Data of another message with the same ticket is refused (RFC 6043 6.10)"""
    (transfer, _), me = sent_to_bob(scene)
    scene.refused_early(put(data=m.Message(transfer).ticket.initiator_data), me=me)


def test_initiator_data_without_forking(scene):
    """Initiator Data added to an I0 message, which no MAC covers, is refused (RFC 6043 5.5)"""
    (transfer, _), _ = sent_to_bob(scene)
    data = m.Message(transfer).ticket.initiator_data
    scene.refused_early(put(data=data), profile="annex-i")


# --- what is no fault -----------------------------------------------------------

def taken(scene, bend, proved="body", **how):
    scene.drain()
    ktap.equal(scene.sends(bend, **how), 200, "status")
    peers.delivered(scene.client, scene.alice, proved)


def test_v_flag_is_ignored(scene):
    """The V flag of TRANSFER_INIT says nothing here: F decides (RFC 6043 4.2.2)"""
    def encode(data_type, prf, csb_id, payloads_, v=0, cs=b""):
        return true_encode(data_type, prf, csb_id, payloads_, 1 if data_type == m.TRANSFER_INIT else v, cs)
    scene.drain()
    true_encode, m.encode = m.encode, encode
    try:
        status = scene.sends()
    finally:
        m.encode = true_encode
    ktap.equal(status, 200, "status")
    peers.delivered(scene.client, scene.alice, "body")


def test_unexpected_payload_is_skipped(scene):
    """A known payload that is not expected is skipped (RFC 6043 4.2.2)"""
    taken(scene, before_v((m.RAND, b"\x04abcd")))


def test_base_ticket_type(scene):
    """RFC 6043's own ticket type is accepted"""
    held = scene.alice.peer("--mode", "3").mint([scene.bob.uid.encode()], ticket_type=1)
    taken(scene, None, held=held)


def test_proof_without_forking(scene):
    """A proof of origin without the I flag is ignored (TS 33.328 Annex K)"""
    taken(scene, put(proof=lambda p: lambda der, tag: bytes(32)), "recipient", profile="annex-i")


if __name__ == "__main__":
    sys.exit(peers.on_stage(sys.modules[__name__], lambda troupe: {"scene": Scene(troupe)}))
