#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""MESSAGEs to lists of recipients (RFC 5365), through Kamailio and a URI-list
service that has no key; and bodies of all kinds, out and in again."""

import sys

import ktap
import stage as s
import uri_list

TEXT = "Grüße an alle ✓"
PART = f"Content-Type: text/plain;charset=utf-8\r\n\r\n{TEXT}".encode()
REQUIRE = ("Require: recipient-list-message",)


def uri(name):
    return f"sip:{name}@{s.DOMAIN}"


def send(client, service, *entries, first=False):
    """A message for a list; the final answer."""
    parts = [PART, uri_list.list_part(uri_list.resource_list(*entries))]
    content_type, body = uri_list.multipart(parts[::-1] if first else parts)
    return client.message(service.uri, body, content_type, REQUIRE)


def drained(terminal):
    client = terminal.registered()
    client.drain()
    return client


def opened(client, what, proved="body"):
    """It arrives as the one part that was protected, from alice."""
    got = ktap.true(client.received(), f"{what}: nothing arrived")
    ktap.equal(got.body.decode(), TEXT, f"{what}: body")
    ktap.equal(got.all("content-type"), ["text/plain;charset=utf-8"], f"{what}: Content-Type")
    told = got.get("p-mikey-verified", "")
    ktap.true(f"<alice@{s.DOMAIN}>; proved={proved};" in told, f"{what}: told {told}")
    ktap.true(b"resource-lists" not in got.raw, f"{what}: a list that nobody protected is shown")
    return got


def test_all_on_the_list(alice, bob, carol, service):
    """Two on a list open what the service copied to them (RFC 5365 7.3)"""
    for first in (False, True):
        readers = [drained(bob), drained(carol)]
        before = len(service.seen)
        ktap.status(send(alice.registered(), service, (bob.uri, "to"), (carol.uri, "cc"),
                         first=first), 202)
        for name, reader in zip(("bob", "carol"), readers):
            got = opened(reader, name)
            ktap.equal(got.get("to"), f"<{uri(name)}>", "To")
        seen = service.seen[before]
        ktap.equal(seen.all("require"), ["recipient-list-message"], "Require")
        ktap.true(TEXT.encode() not in seen.raw, "the service can read the text")
        parts = uri_list.split(seen)
        ktap.equal(len(parts), 3, "parts")
        document = uri_list.resource_list((bob.uri, "to"), (carol.uri, "cc"))
        ktap.equal(parts[0 if first else 2], uri_list.list_part(document), "the list")
        for t in (bob, carol):
            s.wait_for(lambda t=t: t.uri in service.answers, what=f"{t.name}'s answer")
            ktap.equal(service.answers.pop(t.uri), 200, f"{t.name}'s answer")


def test_same_list_same_ticket(alice, bob, carol, service):
    """The same recipients in another order use the same ticket"""
    readers, client = [drained(bob), drained(carol)], alice.registered()
    def tickets():
        return sorted((t["serial"], sorted(t["responders"])) for t in alice.tickets())
    before = tickets()
    ktap.status(send(client, service, (carol.uri, "to"), (bob.uri, "to")), 202)
    for reader in readers:
        opened(reader, "again")
    ktap.equal(tickets(), before, "tickets")
    ktap.true(sorted((bob.aor, carol.aor, service.uri[4:])) in [t[1] for t in before],
              "no ticket is for the service and both")


def test_not_on_the_list(stage, alice, bob, dave, service):
    """Whom the service sends it to without being listed, the KMS refuses"""
    b, d = drained(bob), drained(dave)
    resolves = stage.kms_requests("ticketresolve")
    service.also = (dave.uri,)
    try:
        ktap.status(send(alice.registered(), service, (bob.uri, "to")), 202)
        opened(b, "bob")
        s.wait_for(lambda: dave.uri in service.answers, what="dave's answer")
        ktap.equal(service.answers.pop(dave.uri), 493, "dave's answer")
        ktap.true(d.received(timeout=1) is None, "dave got it")
        ktap.equal(stage.kms_requests("ticketresolve"), resolves + 2, "resolves")
    finally:
        service.also = ()


def test_no_such_service(stage, alice, bob, carol, service):
    """A list service that is not configured is a stranger's address"""
    carol.configure()
    carol.restart()
    try:
        b, c = drained(bob), drained(carol)
        resolves = stage.kms_requests("ticketresolve")
        service.answers.clear()
        ktap.status(send(alice.registered(), service, (bob.uri, "to"), (carol.uri, "to")), 202)
        opened(b, "bob")
        s.wait_for(lambda: carol.uri in service.answers, what="carol's answer")
        ktap.equal(service.answers[carol.uri], 493, "carol's answer")
        ktap.true(c.received(timeout=1) is None, "carol got it")
        ktap.equal(stage.kms_requests("ticketresolve"), resolves + 1, "resolves")
    finally:
        carol.configure(list_service=[service.uri], accept_profile=["immediate", "annex-i"])
        carol.restart()


def test_parts_beside(alice, bob, service):
    """What is put beside the protected parts is not shown; 415 if it has to be (RFC 5621)"""
    b, client = drained(bob), alice.registered()
    for disposition, code in (("render;handling=optional", 200), ("render", 415)):
        service.answers.clear()
        service.extra = [f"Content-Type: text/plain\r\nContent-Disposition: {disposition}\r\n\r\n"
                         "added on the way".encode()]
        try:
            ktap.status(send(client, service, (bob.uri, "to")), 202)
            s.wait_for(lambda: bob.uri in service.answers, what="bob's answer")
        finally:
            service.extra = ()
        ktap.equal(service.answers[bob.uri], code, f"{disposition}: bob's answer")
        if code == 200:
            ktap.true(b"added" not in opened(b, "bob").raw, "what was added is shown")
        else:
            ktap.true(b.received(timeout=1) is None, "it was delivered")


def test_profile_annex_i(alice, bob, carol, service):
    """In profile annex-i the ticket is for the members only (TS 33.328 I.4)"""
    readers = [drained(bob), drained(carol)]
    alice.configure(profile="annex-i")
    alice.restart()
    try:
        ktap.status(send(alice.registered(), service, (bob.uri, "to"), (carol.uri, "to")), 202)
        for reader in readers:
            opened(reader, "annex-i", "recipient")
        ktap.true(sorted((bob.aor, carol.aor)) in [sorted(t["responders"]) for t in alice.tickets()],
                  "no ticket is for the members only")
    finally:
        alice.configure()
        alice.restart()


def test_hidden_from_the_others(alice, bob, carol, dave, service):
    """Whom "bcc" or anonymize hides gets a message of its own (RFC 5364 4)"""
    for control in (None, "bcc"):
        readers = [drained(t) for t in (bob, carol)]
        d, before = drained(dave), len(service.seen)
        answer = ktap.status(send(alice.registered(), service, (bob.uri, "to"),
                                  (dave.uri, control), (carol.uri, "cc")), 202)
        ktap.equal(answer.all("warning"), [], "warnings")
        for reader in readers:
            got = opened(reader, "shown")
            ktap.true(b"dave" not in got.raw, "dave is shown to the others")
        got = opened(d, "hidden")
        ktap.equal(got.get("to"), f"<{dave.uri}>", "To")
        ktap.equal(got.all("require"), [], "Require")
        ktap.equal(len(service.seen), before + 1, "messages at the service")
        ktap.true(b"dave" not in service.seen[before].raw, "dave is shown to the service")
        document = uri_list.resource_list((bob.uri, "to"), (dave.uri, None), (carol.uri, "cc"))
        cut = document.replace(f'<entry uri="{dave.uri}"/>', "")
        ktap.equal(uri_list.split(service.seen[before])[2], uri_list.list_part(cut), "the list")


def test_hidden_and_not_reached(alice, bob, service):
    """Who was not reached apart is named; nothing is sent if the KMS refuses one"""
    b, client, before = drained(bob), alice.registered(), len(service.seen)
    answer = ktap.status(send(client, service, (bob.uri, "to"), (uri("nobody"), "bcc")), 202)
    ktap.true(f"not delivered to nobody@{s.DOMAIN} (404)" in answer.get("warning", ""),
              f"warning: {answer.all('warning')}")
    opened(b, "bob")
    ktap.equal(len(service.seen), before + 1, "messages at the service")
    answer = ktap.status(send(client, service, (bob.uri, "to"), ("sip:x@elsewhere.test", "bcc")), 403)
    ktap.true("for x@elsewhere.test" in answer.get("warning", ""), "no words")
    ktap.true(b.received(timeout=1) is None, "something was sent")
    ktap.equal(len(service.seen), before + 1, "messages at the service")


def test_lists_refused(alice, service):
    """References to recipients elsewhere are refused in words"""
    client, before = alice.registered(), len(service.seen)
    for bad in ('<entry-ref ref="x"/>', '<external anchor="http://x/"/>', "<entry/>"):
        document = uri_list.resource_list().replace("<list>", "<list>" + bad)
        content_type, body = uri_list.multipart([PART, uri_list.list_part(document)])
        answer = ktap.status(client.message(service.uri, body, content_type, REQUIRE), 400)
        ktap.true(answer.get("warning"), f"{bad}: no words")
    ktap.equal(len(service.seen), before, "messages at the service")


# Headers as the client writes them, and a body.
CPIM = (b"From: <im:alice@example.test>\r\nTo: <im:bob@example.test>\r\n"
        b"NS: imdn <urn:ietf:params:imdn>\r\nimdn.Message-ID: 34jk324j\r\n"
        b"\r\nContent-type: text/plain; charset=utf-8\r\n\r\nGr\xc3\xbc\xc3\x9fe")
ENTITIES = (
    ("RFC 3862 CPIM", "Content-Type: message/cpim\r\n", CPIM),
    ("RFC 3994 isComposing", "Content-Type: application/im-iscomposing+xml\r\n",
     b"<?xml version='1.0'?>\n<isComposing xmlns='urn:ietf:params:xml:ns:im-iscomposing'/>"),
    ("RFC 5438 IMDN", "Content-Type: message/imdn+xml\r\nContent-Disposition: notification\r\n",
     b"<imdn xmlns='urn:ietf:params:xml:ns:imdn'/>"),
    ("multipart/mixed", "Content-Type: multipart/mixed;boundary=m\r\n",
     b"preamble\r\n--m\r\n\r\n1\r\n--m\r\nContent-Type: a/b\r\n\r\n2\r\n--m--\r\nepilogue"),
    ("multipart/alternative", "Content-Type: multipart/alternative;boundary=a\r\n",
     b"--a\r\nContent-Type: text/plain\r\n\r\nx\r\n--a\r\nContent-Type: text/html\r\n\r\n<b>x\r\n--a--"),
    ("multipart/related", "Content-Type: multipart/related;boundary=r;start=\"<1@x>\"\r\n",
     b"--r\r\nContent-ID: <1@x>\r\n\r\n\x00\xff\r\n--r--\r\n"),
    ("all bytes", "Content-Type: application/octet-stream\r\n", bytes(range(256)) * 3),
    ("no body", "Content-Type: text/plain\r\n", b""),
    ("folds and blanks", "Content-Type: text/plain;\r\n charset=utf-8;\r\n\tx=y\r\n"
     "Content-Language:de, en ,fr\r\nContent-Encoding:   identity\r\n"
     "Content-Disposition: render;handling=optional\r\n", b"\r\n.\r\n\r\n"),
)


def test_entities(alice, bob):
    """Bodies of all kinds arrive with the same bytes and Content-* headers"""
    a, b = alice.registered(), drained(bob)
    for what, headers, body in ENTITIES:
        raw = a.build("MESSAGE", bob.uri, (headers[:-2],), body)
        ktap.status(a.request("MESSAGE", bob.uri, raw=raw), 200)
        got = ktap.true(b.received(), f"{what}: nothing arrived")
        ktap.equal(got.body, body, f"{what}: body")
        ktap.true(b"\r\n" + headers.encode() in got.raw, f"{what}: headers of {got.raw[:900]!r}")
    raw = a.build("MESSAGE", bob.uri, ("c: text/plain", "e: identity"), b"x")
    ktap.status(a.request("MESSAGE", bob.uri, raw=raw), 200)
    got = ktap.true(b.received(), "compact names: nothing arrived")
    ktap.true(b"Content-Type: text/plain\r\nContent-Encoding: identity\r\n" in got.raw,
              "compact names are not written out")


def main():
    with s.Stage() as stage:
        service = stage.list_service()
        names = ("alice", "bob", "carol", "dave")
        # dave is told that the service were a group of his: then the KMS has to say no
        terminals = {n: stage.terminal(n, accept_profile=["immediate", "annex-i"],
                                       **{"group" if n == "dave" else "list_service": [service.uri]})
                     for n in names}

        def logs():
            return "".join(f"-- {t.name}\n{t.mikeyd.output()[-2500:]}\n" for t in terminals.values())
        return ktap.main(sys.modules[__name__], logs, stage=stage, service=service, **terminals)


if __name__ == "__main__":
    sys.exit(main())
