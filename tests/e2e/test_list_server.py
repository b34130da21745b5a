#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""mikeyd as a list server (TS 33.328 F.3.3 and F.3.4) behind Kamailio: groups
with a PSI, which it opens and protects once more, and a URI-list service, which
has no key of what it copies."""

import os
import sys

import ktap
import sip
import stage as s
import test_lists
import test_refusals
import uri_list
from test_lists import drained, uri

TEAM, CROWD, URIS = (f"{n}@{s.DOMAIN}" for n in ("team", "crowd", "uris"))
TEXT = "An alle — 皆さんへ"
MOST = 256


class Members:
    """The file of a group's members."""

    def __init__(self, stage, name):
        self.path = os.path.join(stage.dir, name)

    def write(self, *members):
        with open(self.path, "w", encoding="ascii") as f:
            f.writelines(m + "\n" for m in members)
        os.chmod(self.path, 0o644)


class Held(test_refusals.Scene):
    """Messages for the team that never reached the proxy."""

    def __init__(self, stage, alice, target):  # pylint: disable=super-init-not-called
        self.stage, self.alice, self.bob = stage, alice, target


class Target:
    def __init__(self, aor):
        self.uri = "sip:" + aor


def opened(client, what, text=TEXT, by=TEAM, sender="alice"):
    """It arrives as it was sent, and who sent it is told."""
    got = ktap.true(client.received(), f"{what}: nothing arrived")
    ktap.equal(got.body.decode(), text, f"{what}: body")
    told = got.get("p-mikey-verified", "")
    ktap.true(told.startswith(f"<{by}>; proved=body;"), f"{what}: told {told}")
    ktap.true(f'original="{sender}@{s.DOMAIN}"; original-proved=body' in told, f"{what}: told {told}")
    ktap.true(got.get("from").startswith(f"<{uri(sender)}>;tag="), f"{what}: From {got.get('from')}")
    ktap.equal(got.all("content-mikey-sender"), [], f"{what}: what only mikeyd reads")
    return got


def nothing(*clients):
    for client in clients:
        ktap.true(client.received(timeout=1) is None, "something arrived")


def test_group(stage, alice, bob, carol, server, members):
    """Two members open what the list server protected with one ticket"""
    members.write(alice.aor, bob.aor, carol.aor)
    readers, requests = [drained(bob), drained(carol)], stage.kms_requests("ticketrequest")
    client = alice.registered()
    with stage.capture() as seen:
        answer = ktap.status(client.message("sip:" + TEAM, TEXT), 202)
        for name, reader in zip(("bob", "carol"), readers):
            got = opened(reader, name)
            ktap.equal(got.get("to"), f"<{uri(name)}>", "To")
            ktap.equal(got.get("p-asserted-identity"), f"<{uri('alice')}>", "P-Asserted-Identity")
    ktap.equal(answer.all("warning"), [], "warnings")
    # alice's for the group, and the group's for all members
    ktap.equal(stage.kms_requests("ticketrequest") - requests, 2, "ticket requests")
    tickets = [sorted(t["responders"]) for t in server.tickets() if t["initiator"] == TEAM]
    ktap.true(sorted([TEAM, alice.aor, bob.aor, carol.aor]) in tickets, f"tickets: {tickets}")
    messages = [m for _, _, m in seen.messages() if m.method == "MESSAGE"]
    ktap.true(messages and not any(TEXT.encode() in m.raw for m in messages), "in the clear")
    copies = {s.parts(m) for source, _, m in seen.messages()
              if m.method == "MESSAGE" and source[0] == server.address}
    ktap.equal(len(copies), 1, "different protected parts that the list server sent")


def test_any_member(stage, alice, bob, carol, members):
    """Another member's message to the group has the same ticket"""
    members.write(alice.aor, bob.aor, carol.aor)
    a, c, client = drained(alice), drained(carol), drained(bob)
    requests = stage.kms_requests("ticketrequest")
    ktap.status(client.message("sip:" + TEAM, TEXT), 202)
    for reader in (a, c):
        opened(reader, "from bob", sender="bob")
    ktap.equal(stage.kms_requests("ticketrequest") - requests, 1, "ticket requests")


def test_not_a_member(dora, bob, members, alice):
    """Who is no member is refused, and nobody gets anything"""
    members.write(alice.aor, bob.aor)
    b, client = drained(bob), dora.registered()
    ktap.status(client.message("sip:" + TEAM, TEXT), 403)
    nothing(b)


def test_membership_ends(alice, bob, carol, members):
    """A member who is taken out gets nothing more"""
    b, c, client = drained(bob), drained(carol), alice.registered()
    members.write(alice.aor, bob.aor)
    ktap.status(client.message("sip:" + TEAM, TEXT), 202)
    opened(b, "bob")
    nothing(c)
    members.write(alice.aor, bob.aor, carol.aor)
    ktap.status(client.message("sip:" + TEAM, TEXT), 202)
    for reader in (b, c):
        opened(reader, "both again")


def test_not_reached(alice, bob, members):
    """The sender is told how many were not reached; with none it is 480"""
    b, client = drained(bob), alice.registered()
    members.write(bob.aor, f"nobody@{s.DOMAIN}", alice.aor)
    answer = ktap.status(client.message("sip:" + TEAM, TEXT), 202)
    ktap.true("not delivered to 1 of 2" in answer.get("warning", ""), f"{answer.all('warning')}")
    opened(b, "bob")
    members.write(f"nobody@{s.DOMAIN}", alice.aor)
    ktap.status(client.message("sip:" + TEAM, TEXT), 480)
    members.write("nonsense")
    answer = client.message("sip:" + TEAM, TEXT)
    ktap.true(answer.status in (500, 503), f"a faulty file: {answer.first}")
    nothing(b)


def test_tampered_and_replayed(stage, alice, bob, members):
    """What was changed is refused, the true one sent on once, its repeat not again"""
    members.write(alice.aor, bob.aor)
    b, scene = drained(bob), Held(stage, alice, Target(TEAM))
    held, = scene.held(TEXT)
    for kind in ("application/mikey", "application/pkcs7-mime"):
        body = test_refusals.changed(held, kind, test_refusals.flip(-20))
        ktap.status(scene.inject(held, body), 493)
    ktap.status(scene.inject(held, headers={"from": f"<{uri('mallory')}>;tag=x"}), 403)
    ktap.status(scene.inject(held), 403)    # it was that message
    held, = scene.held(TEXT)
    ktap.status(scene.inject(held), 202)
    opened(b, "the true one")
    ktap.status(scene.inject(held), 202)
    nothing(b)


def test_redirected(stage, alice, bob, members):
    """What was sent to one user does not become a group's, and still arrives"""
    members.write(alice.aor, bob.aor)
    b, scene = drained(bob), Held(stage, alice, bob)
    held, = scene.held("for bob alone")
    ktap.status(scene.inject(held, to=Target(TEAM)), 493)
    nothing(b)
    ktap.status(scene.inject(held), 200)
    ktap.equal(ktap.true(b.received(), "nothing arrived").body, b"for bob alone", "body")


def test_unprotected(stage, members, alice, bob):
    """A group takes nothing unprotected, and nothing that came from itself"""
    members.write(alice.aor, bob.aor)
    stranger = stage.stranger(uri=alice.uri)
    ktap.status(stranger.message("sip:" + TEAM, "hello"), 488)
    ktap.status(stranger.message("sip:" + TEAM, "hello", headers=(f"P-Mikey-List: <{TEAM}>",)), 482)
    stranger.close()


def test_expired(stage, alice, bob, members):
    """What was stored for too long is answered with 400 and not opened"""
    members.write(alice.aor, bob.aor)
    b, resolves = drained(bob), stage.kms_requests("ticketresolve")
    held, = Held(stage, alice, bob).held("too late")
    late = {"date": "Sat, 13 Nov 2010 23:29:00 GMT", "expires": "600"}
    scene = Held(stage, alice, bob)
    ktap.status(scene.inject(held, headers=late), 400)
    ktap.status(scene.inject(held, to=Target(TEAM), headers=late), 400)
    ktap.equal(stage.kms_requests("ticketresolve"), resolves, "resolves")
    nothing(b)
    ktap.status(scene.inject(held), 200)
    ktap.equal(ktap.true(b.received(), "nothing arrived").body, b"too late", "body")


def test_privacy(alice, bob, members):
    """A group does not tell its members who does not want to be known"""
    members.write(alice.aor, bob.aor)
    b, client = drained(bob), alice.registered()
    ktap.status(client.message("sip:" + TEAM, TEXT, headers=("Privacy: user;id",)), 202)
    got = ktap.true(b.received(), "nothing arrived")
    ktap.equal(got.body.decode(), TEXT, "body")
    ktap.true(b"alice" not in got.raw, f"alice is named: {got.raw!r}")
    ktap.true(got.get("p-mikey-verified").startswith(f"<{TEAM}>; proved=body;"), "told")


def test_uris(stage, alice, bob, carol, server):
    """The URI-list service copies what it cannot read, with a history of the list"""
    readers, client = [drained(bob), drained(carol)], alice.registered()
    resolves = stage.kms_requests("ticketresolve")
    with stage.capture() as seen:
        ktap.status(test_lists.send(client, Target(URIS), (bob.uri, "to"), (carol.uri, "cc")), 202)
        for name, reader in zip(("bob", "carol"), readers):
            got = test_lists.opened(reader, name)
            ktap.equal(got.get("to"), f"<{uri(name)}>", "To")
            ktap.equal(got.all("require"), [], "Require")
    ktap.equal(stage.kms_requests("ticketresolve") - resolves, 2, "resolves")
    messages = [(source, m) for source, _, m in seen.messages() if m.method == "MESSAGE"]
    sent = {s.parts(m) for source, m in messages if source[0] == alice.address}
    copied = {s.parts(m) for source, m in messages if source[0] == server.address}
    ktap.equal(copied, sent, "protected parts")
    lists = [p for source, m in messages if source[0] == server.address
             for p in uri_list.split(m) if uri_list.is_list(p)]
    document = uri_list.resource_list((bob.uri, "to"), (carol.uri, "cc")) + "\r\n"
    ktap.equal(lists, 2 * [uri_list.list_part(
        document, "recipient-list-history; handling=optional")], "histories")


def test_uris_hidden(alice, bob, carol, dave):
    """Nobody is told of those whom bcc or anonymize hides"""
    readers, client = [drained(t) for t in (bob, carol, dave)], alice.registered()
    ktap.status(test_lists.send(client, Target(URIS), (bob.uri, "to"), (dave.uri, "bcc"),
                                (carol.uri, "cc")), 202)
    for reader in readers:
        ktap.true(b"dave" not in test_lists.opened(reader, "hidden").body, "dave is shown")


def test_uris_in_annex_i(alice, bob, carol):
    """The same in profile annex-i"""
    readers = [drained(bob), drained(carol)]
    alice.configure(profile="annex-i")
    alice.restart()
    try:
        ktap.status(test_lists.send(alice.registered(), Target(URIS), (bob.uri, "to"),
                                    (carol.uri, "to")), 202)
        for reader in readers:
            test_lists.opened(reader, "annex-i", "recipient")
    finally:
        alice.configure()
        alice.restart()


def test_uris_refused(stage, alice, bob):
    """Strangers, and lists that lead elsewhere, are refused"""
    b, client = drained(bob), alice.registered()
    parts = [test_lists.PART, uri_list.list_part(uri_list.resource_list((bob.uri, "to")))]
    content_type, body = uri_list.multipart(parts)
    stranger = stage.stranger(uri="sip:mallory@elsewhere.test")
    ktap.status(stranger.message("sip:" + URIS, body, content_type, test_lists.REQUIRE), 403)
    stranger.close()
    stranger = stage.stranger(uri=alice.uri)
    ktap.status(stranger.message("sip:" + URIS, body, content_type, test_lists.REQUIRE), 488)
    stranger.close()
    ktap.status(client.message("sip:" + URIS, "no list"), 400)
    nothing(b)


def crowd(stage):
    """Addresses that one client answers for; the client, and they."""
    sink = sip.Client(uri("sink"), s.PROXY, "tcp", local=s.PROXY[0],
                      inside=lambda: s.namespace("e2e-net"))
    stage.services.append(sink)
    users = [f"u{i}@{s.DOMAIN}" for i in range(MOST - 3)]
    for user in users:
        ktap.status(sink.register(aor="sip:" + user), 200)
    return sink, users


def everybody(sink, users):
    got = sorted(ktap.true(sink.received(timeout=60), "not all arrived").get("to") for _ in users)
    ktap.equal(got, sorted(f"<sip:{u}>" for u in users), "who got a copy")


def test_256(stage, alice, bob, carol, crowd_members):
    """As many as a ticket can be for: each gets one copy, by the group and by URI-list"""
    sink, users = crowd(stage)
    readers, client = [drained(bob), drained(carol)], alice.registered()
    # the ticket names the group, too
    crowd_members.write(bob.aor, carol.aor, *users)
    ktap.status(client.message("sip:" + CROWD, TEXT), 202)
    for reader in readers:
        opened(reader, "in the crowd", by=CROWD)
    everybody(sink, users)
    answer = test_lists.send(client, Target(URIS), (bob.uri, "to"), (carol.uri, "to"),
                             *(("sip:" + u, "to") for u in users))
    ktap.status(answer, 202)
    for reader in readers:
        test_lists.opened(reader, "on a long list")
    everybody(sink, users)
    ktap.true(sink.received(timeout=1) is None, "one copy too many")


def test_kms_refuses_a_member(stage, alice, bob, dave, members):
    """A member whom the KMS refuses is counted as not reached; the others get it"""
    members.write(alice.aor, bob.aor, dave.aor)
    b, d, client = drained(bob), drained(dave), alice.registered()
    stage.kms_ctl("user", "del", dave.aor)
    answer = ktap.status(client.message("sip:" + TEAM, TEXT), 202)
    ktap.true("not delivered to 1 of 2" in answer.get("warning", ""), f"{answer.all('warning')}")
    opened(b, "bob")
    nothing(d)


def test_kms_refuses_the_list_server(stage, alice, bob, members):
    """If the KMS gives the list server no ticket, the sender is told: nobody gets it"""
    b, client = drained(bob), alice.registered()
    members.write(alice.aor, bob.aor, "x@elsewhere.test")
    ktap.status(client.message("sip:" + TEAM, TEXT), 500)
    nothing(b)


def main():
    with s.Stage(kms_policy={"max-responders": MOST}) as stage:
        names = ("alice", "bob", "carol", "dave", "dora")
        usual = {"accept_profile": ["immediate", "annex-i"], "list_service": [TEAM, CROWD, URIS]}
        people = {n: stage.terminal(n, **usual) for n in names}
        members, crowd_members = Members(stage, "team"), Members(stage, "crowd")
        members.write(people["alice"].aor)
        crowd_members.write(people["bob"].aor)
        server = stage.terminal("frank", user="team", aliases=(CROWD,), identity=[TEAM, CROWD], list_server=[
            {"psi": TEAM, "members_file": members.path},
            {"psi": CROWD, "members_file": crowd_members.path, "senders": [f"?@{s.DOMAIN}"]},
            {"uri-list": URIS, "senders": [f"?@{s.DOMAIN}"], "recipients": [f"?@{s.DOMAIN}"]}])
        for address in (TEAM, CROWD, URIS):
            stage.serve_at("sip:" + address, server)

        def logs():
            return "".join(f"-- {t.name}\n{t.mikeyd.output()[-2500:]}\n"
                           for t in (*people.values(), server)) + stage.kms.output()[-1500:]
        return ktap.main(sys.modules[__name__], logs, stage=stage, server=server, members=members,
                         crowd_members=crowd_members, **people)


if __name__ == "__main__":
    sys.exit(main())
