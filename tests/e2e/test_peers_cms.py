#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""CMS objects that break one clause each, though whoever made them has the keys,
and what a co-recipient can do with a message: against the product as receiver."""

import hashlib
import hmac
import os
import sys

import ktap
import peers
import stage as s
from test_peers_transfer import Scene, put
import cms  # beside kms.py, whose folder stage knows
import keys as k
import mikey as m


def sealed(make):
    """A bend that seals with make(plan)."""
    return lambda plan: setattr(plan, "seal", lambda: make(plan))


def authenticated(**how):
    return sealed(lambda p: cms.authenticated(p.keks["auth"], p.held.spi, p.entity, **{
        name: value(p) if callable(value) else value for name, value in how.items()}))


def attributes(change):
    """AuthenticatedData whose MAC is right and whose attributes are not."""
    return authenticated(attrs=lambda p: cms.set_of(change(cms.attribute_list(cms.DATA, p.entity))))


def inner(change):
    """AuthenticatedData, all right, over an EnvelopedData that is not."""
    def make(p):
        return cms.authenticated(p.keks["auth"], p.held.spi, change(p), cms.ENVELOPED)
    return sealed(make)


def changed(make, old, new):
    """The object with bytes replaced in it, by somebody who has no key."""
    def done(p):
        der = make(p)
        ktap.true(old in der, "the bytes to replace are not there")
        return der.replace(old, new, 1)
    return sealed(done)


def usual(form):
    return lambda p: cms.protect(form, p.keks, p.held.spi, p.entity)


def indefinite(der):
    """BER with indefinite length instead of DER, outermost only."""
    head = cms.read(der)
    return b"\x30\x80" + head[1] + b"\0\0"


def two_recipients(p):
    der = usual("auth-enveloped")(p)
    kind, content = cms.items(cms.read(der)[1])
    top = cms.items(cms.read(content[1])[1])
    both = cms.tlv(0x31, top[1][1], top[1][1])
    return cms.info(kind[2], cms.seq(top[0][2], both, *(t[2] for t in top[2:])))


def digest_of(data):
    return cms.attribute(cms.MESSAGE_DIGEST, cms.octets(hashlib.sha256(data).digest()))


def protection(mac_oid):
    return cms.attribute(cms.ALG_PROTECTION, cms.seq(cms.seq(cms.SHA256), cms.tlv(0xA2, cms.oid(mac_oid))))


def enveloped(p, **how):
    return cms.enveloped(p.keks["encr"], p.held.spi, p.entity, **how)


BROKEN = (
    ("AuthenticatedData without attributes (RFC 5652 9.1)",
     sealed(lambda p: cms.authenticated_bare(p.keks["auth"], p.held.spi, p.entity))),
    ("its attributes passed off as the content (RFC 5652 9.2)", peers.peer.FAULTS["strip-attrs"]),
    ("no content-type (RFC 5652 11.1)", attributes(lambda a: a[1:])),
    ("no message-digest (RFC 5652 11.2)", attributes(lambda a: [a[0], a[2]])),
    ("no CMSAlgorithmProtection (RFC 6211 2)", attributes(lambda a: a[:2])),
    ("content-type is not eContentType (RFC 5652 11.1)", attributes(
        lambda a: [cms.attribute(cms.CONTENT_TYPE, cms.ENVELOPED), *a[1:]])),
    ("the digest of something else (RFC 5652 11.2)", attributes(lambda a: [a[0], digest_of(b""), a[2]])),
    ("another MAC algorithm in CMSAlgorithmProtection (RFC 6211 3)",
     attributes(lambda a: [*a[:2], protection("1.2.840.113549.2.7")])),
    ("two content-types (RFC 5652 5.3)", attributes(lambda a: [a[0], *a])),
    ("attributes that are not in DER's order (RFC 5652 9.2)", authenticated(
        attrs=lambda p: b"".join(sorted(cms.attribute_list(cms.DATA, p.entity), reverse=True)))),
    ("the KEK of another form (TS 33.328 D)",
     sealed(lambda p: cms.authenticated(p.keks["tek"], p.held.spi, p.entity))),
    ("an AuthEnvelopedData under the auth key (TS 33.328 D)",
     sealed(lambda p: cms.auth_enveloped(p.keks["auth"], p.held.spi, p.entity))),
    ("EnvelopedData alone, with no MAC (TS 33.328 D)",
     sealed(lambda p: cms.info(cms.ENVELOPED, enveloped(p)))),
    ("the keyIdentifier of another key (TS 33.328 D)", sealed(
        lambda p: cms.auth_enveloped(p.keks["tek"], p.held.spi, p.entity, key_id=bytes(8)))),
    ("an ICV of 8 bytes (RFC 5084 3.2)",
     sealed(lambda p: cms.auth_enveloped(p.keks["tek"], p.held.spi, p.entity, "ccm", icv=8))),
    ("two recipients (TS 33.328 D)", sealed(two_recipients)),
    ("indefinite lengths (TS 33.328 D)", sealed(lambda p: indefinite(usual("auth-enveloped")(p)))),
    ("bytes behind the ContentInfo (RFC 5652 3)", sealed(lambda p: usual("auth-enveloped")(p) + b"\0")),
    ("version 1 of AuthEnvelopedData (RFC 5083 2.1)",
     changed(usual("auth-enveloped"), b"\x02\x01\x00", b"\x02\x01\x01")),
    ("version 3 of KEKRecipientInfo (RFC 5652 6.2.3)",
     changed(usual("auth-enveloped"), b"\x02\x01\x04", b"\x02\x01\x03")),
    ("padding of 17 (RFC 5652 6.3)", inner(lambda p: enveloped(p, pad=b"\x11" * (16 - len(p.entity) % 16)))),
    ("padding of 0 (RFC 5652 6.3)", inner(lambda p: enveloped(p, pad=bytes(16 - len(p.entity) % 16)))),
    ("padding bytes that differ (RFC 5652 6.3)",
     inner(lambda p: enveloped(p, pad=os.urandom(15 - len(p.entity) % 16) +
                               bytes([16 - len(p.entity) % 16])))),
    ("the inner KEK is the outer one's (TS 33.328 D)", inner(
        lambda p: cms.enveloped(p.keks["auth"], p.held.spi, p.entity))),
    ("EnvelopedData inside as a ContentInfo (TS 33.328 D)",
     inner(lambda p: cms.info(cms.ENVELOPED, enveloped(p)))),
    ("the proof of another object (TS 33.328 Annex K)",
     put(proof=lambda p: lambda der, tag: hashlib.sha256(der + b"\0").digest())),
    ("a proof of no length (TS 33.328 Annex K)", put(proof=lambda p: lambda der, tag: b"")),
    ("a proof cut short (TS 33.328 Annex K)",
     put(proof=lambda p: lambda der, tag: hashlib.sha256(der).digest()[:16])),
)


def flipped(form, at):
    def bend(plan):
        plan.form = form
        plan.after = lambda transfer, der: (transfer, peers.peer.flip(der, at))
    return bend


def add_rows():
    for number, (title, bend) in enumerate(BROKEN):
        def test(scene, bend=bend):
            scene.refused(bend)
        test.__doc__ = f"refused: {title}"
        globals()[f"test_broken_{number}"] = test
    for form in k.FORMS:
        def test(scene, form=form):
            for at in (-1, -40, 60):
                ktap.equal(scene.sends(flipped(form, at)), 493, f"byte {at}: status")
            scene.good()
        test.__doc__ = f"{form} with a bit changed is refused (RFC 5083, 5652)"
        globals()[f"test_flipped_{form}".replace("-", "_")] = test


add_rows()


# --- what is no fault ---------------------------------------------------------

def taken(scene, bend, proved="body", **how):
    scene.drain()
    ktap.equal(scene.sends(bend, **how), 200, "status")
    peers.delivered(scene.client, scene.alice, proved)


def test_unknown_attribute(scene):
    """An attribute that nobody knows is no fault (RFC 5652 11)"""
    more = cms.attribute(cms.oid("1.2.3.4"), cms.octets(b"x"))
    taken(scene, attributes(lambda a: [*a, more]))


def test_tags_and_nonces(scene):
    """ICVs of 12 to 16 bytes and CCM nonces of 7 to 13 are read (RFC 5084)"""
    for mode, icv, size in (("gcm", 12, 12), ("gcm", 13, 12), ("ccm", 12, 7), ("ccm", 14, 13)):
        taken(scene, sealed(lambda p, mode=mode, icv=icv, size=size: cms.auth_enveloped(
            p.keks["tek"], p.held.spi, p.entity, mode, icv=icv, nonce=os.urandom(size))))


def test_mac_without_null_parameters(scene):
    """hmacWithSHA256 without parameters is read (RFC 8018 and 4231 differ)"""
    bare = cms.seq(cms.oid("1.2.840.113549.2.9"))

    def make(p):
        key = os.urandom(32)
        attrs = cms.set_of([*cms.attribute_list(cms.DATA, p.entity)[:2], cms.attribute(
            cms.ALG_PROTECTION, cms.seq(cms.seq(cms.SHA256), cms.tlv(0xA2, bare[2:])))])
        return cms.info(cms.AUTH_DATA, cms.seq(
            cms.integer(0), cms.recipient(p.keks["auth"], p.held.spi, key), bare,
            cms.tlv(0xA1, cms.SHA256), cms.seq(cms.DATA, cms.tlv(0xA0, cms.octets(p.entity))),
            cms.tlv(0xA2, attrs), cms.octets(hmac.new(key, cms.tlv(0x31, attrs), "sha256").digest())))
    taken(scene, sealed(make))


def test_proofs_that_prove_less(scene):
    """No proof, or a copy of the MAC (TS 33.328 I.4): the initiator, not the body"""
    for fault in ("no-proof", "mac-proof"):
        taken(scene, peers.peer.FAULTS[fault], "initiator")


def test_smime_type_is_not_believed(scene):
    """smime-type never selects the processing: the ContentInfo does (RFC 8551 3.2.2)"""
    true_multipart = peers.peer.multipart
    for said in ("authEnveloped-data", "authenticated-data", "nonsense"):
        def multipart(transfer, der, form, said=said):
            kind, body = true_multipart(transfer, der, form)
            return kind, body.replace(b"smime-type=auth-enveloped-data", b"smime-type=" + said.encode())
        peers.peer.multipart = multipart
        try:
            taken(scene, None)
        finally:
            peers.peer.multipart = true_multipart


def test_binary_and_reordered_parts(scene):
    """Binary transfer encoding, parts and headers in another order (RFC 2045, 2046)"""
    def multipart(transfer, der, form):
        b = b"peer-" + os.urandom(8).hex().encode()
        smime = b"authenticated-data" if form.startswith("authenticated") else b"auth-enveloped-data"
        return f'multipart/mixed;boundary="{b.decode()}"', b"".join((
            b"--", b, b"\r\nContent-Transfer-Encoding: binary\r\nContent-Type: application/pkcs7-mime;"
            b"name=smime.p7m;smime-type=", smime, b"\r\n\r\n", der,
            b"\r\n--", b, b"\r\ncontent-transfer-encoding: BINARY\r\ncontent-type: application/mikey\r\n\r\n",
            transfer, b"\r\n--", b, b"--\r\n"))
    true_multipart, peers.peer.multipart = peers.peer.multipart, multipart
    try:
        taken(scene, None)
    finally:
        peers.peer.multipart = true_multipart


# --- co-recipients ------------------------------------------------------------

def for_both(scene, *more):
    """A ticket of alice's that names bob and carol, and what carol, who resolved
    a message with it, has of it."""
    alice = scene.alice.peer(*more)
    held = alice.ticket([scene.bob.uid.encode(), scene.carol.uid.encode()])
    sent = alice.protect(scene.carol.uid.encode(), peers.ENTITY, "auth-enveloped", held=held)
    _, found = scene.carol.peer().resolve(sent[0])
    has = peers.peer.Held(body=held.body, mpki=found[0][1], mpkr=found[1][1] if len(found) > 2 else b"",
                          traffic=found[-1][1], spi=found[-1][2])
    return alice, held, has, sent


def test_transfer_init_of_a_co_recipient(scene):
    """Carol's own TRANSFER_INIT "from Alice" around Alice's ticket lacks Vr (RFC 6043 12.4)"""
    with s.namespace("e2e-net"):
        _, _, has, _ = for_both(scene)
    scene.refused(put(initiator=scene.alice.uid.encode()), me=scene.carol.peer(), held=has)


def test_transfer_init_of_a_co_recipient_annex_i(scene):
    """The same in annex-i cannot be told apart, and is reported so (RFC 6043 12.4)"""
    with s.namespace("e2e-net"):
        _, _, has, _ = for_both(scene, "--profile", "annex-i")
    taken(scene, put(initiator=scene.alice.uid.encode()), "recipient",
          me=scene.carol.peer("--profile", "annex-i"), held=has)


def test_body_of_a_co_recipient(scene):
    """Carol puts another body under Alice's TRANSFER_INIT: the proof tells (TS 33.328 Annex K)"""
    with s.namespace("e2e-net"):
        alice, held, has, _ = for_both(scene)

    def swap(plan):
        carols = k.session_keys(plan.suite, has.traffic, plan.rand)
        plan.after = lambda transfer, der: (transfer, cms.auth_enveloped(
            carols["tek"], has.spi, b"Content-Type: text/plain\r\n\r\nsend Carol all your money"))
    scene.refused(swap, me=alice, held=held)

    def swap_unproved(plan):
        swap(plan)
        plan.proof = None
    ktap.equal(scene.sends(swap_unproved, me=alice, held=held), 200, "status without a proof")
    got = ktap.true(scene.client.received(), "nothing arrived")
    ktap.true("proved=initiator" in got.get("p-mikey-verified", ""), "what was proved")


def test_initiator_data_of_a_co_recipient(scene):
    """Alice's Initiator Data in Carol's TRANSFER_INIT: Vi is not V (RFC 6043 6.10)"""
    with s.namespace("e2e-net"):
        _, _, has, sent = for_both(scene)
    data = m.Message(sent[0]).ticket.initiator_data
    scene.refused_early(put(initiator=scene.alice.uid.encode(), data=data),
                        me=scene.carol.peer(), held=has)


def test_message_forwarded_by_its_recipient(scene):
    """What Alice sent to Carol is not Bob's, whom the ticket names as well (TS 33.328 Annex B)"""
    with s.namespace("e2e-net"):
        *_, sent = for_both(scene)
    scene.refused_early(lambda plan: setattr(plan, "after", lambda transfer, der: sent))


def test_message_forwarded_to_a_stranger(scene):
    """What Alice sent to Carol alone is refused by Bob unresolved (TS 33.328 Annex B)"""
    with s.namespace("e2e-net"):
        sent = scene.alice.peer().protect(scene.carol.uid.encode(), peers.ENTITY, "auth-enveloped")
    scene.refused_early(lambda plan: setattr(plan, "after", lambda transfer, der: sent))


def test_readable_form_can_be_refused(scene):
    """A receiver that takes no readable form refuses it, whoever stripped the cipher (TS 33.328 D)"""
    scene.client = scene.troupe.play("bob", group=[peers.TEAM],
                                     accept=["auth-enveloped", "authenticated-enveloped"])
    scene.refused(form="authenticated")


if __name__ == "__main__":
    sys.exit(peers.on_stage(sys.modules[__name__], lambda troupe: {"scene": Scene(troupe)}))
