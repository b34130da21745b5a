#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The product and the second implementation in every profile, suite, mode and
form: as sender, as receiver, as KMS."""

import base64
import sys

import ktap
import peers
import stage as s
import keys as k  # beside kms.py, whose folder stage knows

MODES = (1, 3)
TICKET = {1: "kms", 3: "self"}
ROWS = [(suite, profile, mode) for suite in peers.SUITES for profile in k.PROFILES for mode in MODES]

FOREIGN_ROWS = [("256", "immediate", 1), ("256", "immediate", 3), ("256", "annex-i", 1),
                ("128", "annex-i", 3), ("ts-128", "immediate", 1)]


def forms_of(troupe, profile):
    return [f for f in troupe.forms() if f in k.PROFILES[profile].forms]


def settings_of(profile, mode, form):
    """mikeyd's settings to send so"""
    usual = {"profile": profile, "ticket": TICKET[mode], "form": form.removesuffix("-ccm")}
    return usual | {"content": "ccm"} if form.endswith("-ccm") else usual


def peer_to_product(troupe, suite, profile, mode):
    alice, bob = troupe.user("alice", suite), troupe.user("bob", suite)
    client = troupe.play("bob", suite)
    for form in forms_of(troupe, profile):
        status = troupe.peer_sends(alice, bob.uid, form=form,
                                   more=["--profile", profile, "--mode", str(mode)])
        ktap.equal(status, 200, f"{form}: status")
        peers.delivered(client, alice, peers.PROVED[profile])


def product_to_peer(troupe, suite, profile, mode):
    alice, bob = troupe.user("alice", suite), troupe.user("bob", suite)
    # every mikeyd that starts takes seconds: each form once is enough
    forms = forms_of(troupe, profile)[:None if suite == "256" else 1]
    with troupe.peer_receives(bob, len(forms)) as told:
        for form in forms:
            client = troupe.play("alice", suite, next_hop="sip:%s:%d;transport=tcp" % peers.RECEIVER,
                                 **settings_of(profile, mode, form))
            answer = client.message(f"sip:{bob.uid}", peers.TEXT)
            ktap.equal(answer and answer.status, 200, f"{form}: {told}")
    ktap.equal([t.get("form") for t in told], forms, "forms")
    for t in told:
        ktap.equal(t["initiator"], alice.uid, "initiator")
        ktap.equal(t["profile"], profile, "profile")
        ktap.equal("D" in t["flags"], mode == 1, "D: who made the ticket")
        ktap.equal(t["body_proved"], profile == "immediate", "the body's proof")
        entity = base64.b64decode(t["entity"])
        ktap.equal(entity.partition(b"\r\n\r\n")[2].decode(), peers.TEXT, "body")


def with_foreign_kms(troupe, suite, profile, mode):
    form = "auth-enveloped"
    a = troupe.play("alice", suite, **settings_of(profile, mode, form))
    b = troupe.play("bob", suite)
    troupe.drop_tickets("alice")
    troupe.foreign_kms()
    before = len(troupe.stage.kms.lines)
    ktap.status(a.message(f"sip:{troupe.user('bob', suite).uid}", peers.TEXT), 200)
    peers.delivered(b, troupe.user("alice", suite), peers.PROVED[profile])
    asked = troupe.stage.kms.lines[before:]
    ktap.equal(len(asked), {1: 2, 3: 1}[mode], f"exchanges with the KMS: {asked}")
    ktap.true(all('"ok": true' in line for line in asked), f"what the KMS says: {asked}")
    troupe.drop_tickets("alice")


def add_rows():
    """A test for each row of each way."""
    for way, title in ((peer_to_product, "from the peer to us"),
                       (product_to_peer, "from us to the peer"),
                       (with_foreign_kms, "we with the peer's KMS")):
        for suite, profile, mode in ROWS if way is not with_foreign_kms else FOREIGN_ROWS:
            def test(troupe, way=way, row=(suite, profile, mode)):
                way(troupe, *row)
            test.__doc__ = f"{title}: {profile}, suite {suite}, mode {mode}"
            globals()[f"test_{way.__name__}_{suite}_{profile}_{mode}".replace("-", "_")] = test


add_rows()


# --- what a ticket may have besides ----------------------------------------

def test_back_to_our_kms(troupe):
    """Our KMS starts again on its store"""
    troupe.true_kms()


def test_group_to_product(troupe):
    """A group's message opens on our side, body proved"""
    client = troupe.play("bob", group=[peers.TEAM])
    alice = troupe.user("alice")
    bend = lambda p: setattr(p, "recipient", peers.TEAM.encode())
    ktap.equal(troupe.peer_sends(alice, troupe.user("bob").uid, bend,
                                 more=["--responder", peers.TEAM]), 200, "status")
    peers.delivered(client, alice, "body")


def test_lists_to_product(troupe):
    """A list's message opens on our side, with and without the service in the ticket"""
    client = troupe.play("bob", list_service=[peers.LIST])
    alice, bob = troupe.user("alice"), troupe.user("bob")
    bend = lambda p: setattr(p, "recipient", peers.LIST.encode())
    for profile, named in (("immediate", [f"--responder={peers.LIST}"]), ("annex-i", [])):
        status = troupe.peer_sends(alice, bob.uid, bend, more=[
            "--profile", profile, f"--responder={bob.uid}",
            f"--responder={troupe.user('carol').uid}", *named])
        ktap.equal(status, 200, f"{profile}: status")
        peers.delivered(client, alice, peers.PROVED[profile])


def test_wildcard_to_product(troupe):
    """A ticket for ?@domain opens on our side"""
    client, alice = troupe.play("bob"), troupe.user("alice")
    ktap.equal(troupe.peer_sends(alice, troupe.user("bob").uid,
                                 more=["--responder", f"?@{s.DOMAIN}"]), 200, "status")
    peers.delivered(client, alice, "body")


def test_cacheable_to_product(troupe):
    """annex-i, E0: our side resolves once and opens twice (RFC 6043 5.3)"""
    client, alice, bob = troupe.play("bob"), troupe.user("alice"), troupe.user("bob")
    more = ["--profile", "annex-i", "--cacheable"]
    me = alice.peer(*more)
    for _ in range(2):
        before = troupe.stage.kms_requests("ticketresolve")
        ktap.equal(troupe.peer_sends(alice, bob.uid, me=me, more=more), 200, "status")
        peers.delivered(client, alice, "recipient")
        asked = troupe.stage.kms_requests("ticketresolve") - before
    ktap.equal(asked, 0, "resolves for the second message")


if __name__ == "__main__":
    sys.exit(peers.on_stage(sys.modules[__name__]))
