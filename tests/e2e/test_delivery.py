#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What arrives is what was sent, protected on the way: both CMS forms, both
transports, every length that matters, and everything that is not MESSAGE."""

import sys

import ktap
import stage as s

TEXT = "Grüße aus Köln — 今夜八時に。 🔑"
SIZES = (0, 1, 1300, 65535, 65536, 262144)
FORMS = ("auth-enveloped", "authenticated")


def body_of(size):
    """Bytes of all values, none of which may change on the way."""
    return (bytes(range(256)) * (size // 256 + 1))[:size]


def exchange(sender, receiver, body, content_type="application/octet-stream", headers=()):
    """Send, expect it delivered unchanged; what arrived."""
    receiver.drain()
    answer = sender.message(receiver.uri, body, content_type, headers)
    ktap.status(answer, 200)
    got = ktap.true(receiver.received(), "nothing arrived")
    ktap.equal(got.body, body.encode() if isinstance(body, str) else body, "body")
    ktap.equal(got.get("content-type"), content_type, "Content-Type")
    return got


def verified_sender(message):
    """Whom the receiving mikeyd names as the sender."""
    told = message.all("p-mikey-verified")
    ktap.equal(len(told), 1, "number of P-Mikey-Verified headers")
    return told[0]


def protected_by(messages, target):
    """The protected MESSAGE that went to target in a capture."""
    found = [m for _, to, m in messages if m.method == "MESSAGE" and to == target]
    ktap.true(found, f"no MESSAGE to {target} in the capture")
    return found[0]


def test_register_carries_path(stage, alice):
    """REGISTER passes with a Path and the answer comes back"""
    client = alice.client("tcp")
    with stage.capture() as seen:
        answer = ktap.status(client.register(), 200)
    ktap.true(client.local.split(":")[1] in answer.get("contact", ""), "no Contact in the answer")
    sent = [m for _, to, m in seen.messages() if m.method == "REGISTER" and to == s.PROXY]
    ktap.true(sent, "no REGISTER at the proxy")
    ktap.true(alice.address in sent[0].get("path", ""), f"Path: {sent[0].get('path')}")
    ktap.true("path" in sent[0].get("supported", ""), "no Supported: path")
    client.close()


def test_options_pass(alice, bob):
    """OPTIONS and its answer pass through both mikeyds"""
    a, b = alice.registered(), bob.registered("udp")
    answer = ktap.status(a.request("OPTIONS", bob.uri), 200)
    ktap.equal(answer.get("x-client"), "seen", "the client's own header")
    ktap.true(b.received("OPTIONS"), "OPTIONS did not arrive")


def test_utf8_text_and_sender(stage, alice, bob):
    """UTF-8 text arrives, nothing of it is readable at the proxy"""
    a, b = alice.registered(), bob.registered()
    with stage.capture() as seen:
        got = exchange(a, b, TEXT, "text/plain;charset=utf-8")
    sender = verified_sender(got)
    ktap.true(alice.aor in sender, f"verified sender: {sender}")
    wire = protected_by(seen.messages(), s.PROXY)
    ktap.true(wire.get("content-type").startswith("multipart/mixed"), wire.get("content-type"))
    transfer, cms = s.parts(wire)
    for name, data in (("MESSAGE", wire.raw), ("TRANSFER_INIT", transfer), ("CMS", cms)):
        for word in TEXT.split():
            ktap.true(word.encode() not in data, f"'{word}' is readable in the {name}")
    ktap.true(b"smime-type=auth-enveloped-data" in wire.body, "smime-type")
    ktap.true(b"name=smime.p7m" in wire.body, "smime.p7m")


def test_content_headers_are_protected(stage, alice, bob):
    """Content-* headers travel inside the protected body"""
    a, b = alice.registered(), bob.registered()
    with stage.capture() as seen:
        got = exchange(a, b, "{}", "application/x-secret-kind+json;v=2",
                       ("Content-Language: tlh", "Content-Disposition: render"))
    ktap.equal(got.get("content-language"), "tlh", "Content-Language")
    ktap.equal(got.get("content-disposition"), "render", "Content-Disposition")
    ktap.true(b"tlh" not in protected_by(seen.messages(), s.PROXY).raw, "readable on the way")


def test_claimed_verification_is_removed(alice, bob):
    """A sender cannot claim to be verified"""
    a, b = alice.registered(), bob.registered()
    got = exchange(a, b, "x", "text/plain", ("P-Mikey-Verified: <sip:king@example.test>",))
    ktap.true("king" not in verified_sender(got), "the sender's own header came through")


def delivery(alice, bob, form, transports, sizes):
    alice.configure(form=form)
    alice.restart()
    a, b = alice.registered(transports[0]), bob.registered(transports[1])
    for size in sizes:
        exchange(a, b, body_of(size))


def add_matrix():
    """Both forms over both transports: over UDP what a client may send there
    (RFC 3428 section 8), over TCP all lengths."""
    for form in FORMS:
        for sender in ("tcp", "udp"):
            for receiver in ("tcp", "udp"):
                sizes = [n for n in SIZES if n <= 1300 or "udp" not in (sender, receiver)]

                def test(alice, bob, form=form, way=(sender, receiver), sizes=sizes):
                    delivery(alice, bob, form, way, sizes)
                test.__doc__ = f"{form}, {sender} to {receiver}, bodies of {sizes} bytes"
                globals()[f"test_{form.replace('-', '_')}_{sender}_{receiver}"] = test


add_matrix()


def test_authenticated_is_readable_and_bound(stage, alice, bob):
    """AuthenticatedData: readable on the way, named as such"""
    alice.configure(form="authenticated")
    alice.restart()
    a, b = alice.registered(), bob.registered()
    with stage.capture() as seen:
        got = exchange(a, b, TEXT, "text/plain;charset=utf-8")
    ktap.true(alice.aor in verified_sender(got), "the sender")
    wire = protected_by(seen.messages(), s.PROXY)
    ktap.true(b"smime-type=authenticated-data" in wire.body, "smime-type")
    ktap.true(TEXT.encode() in s.parts(wire)[1], "the text is not in the CMS object")
    alice.configure()
    alice.restart()


def test_ticket_is_reused(stage, alice, bob):
    """A reusable ticket is requested once and resolved each time"""
    a, b = alice.registered(), bob.registered()
    exchange(a, b, "first")
    requests, resolves = stage.kms_requests("ticketrequest"), stage.kms_requests("ticketresolve")
    for text in ("second", "third"):
        exchange(a, b, text)
    ktap.equal(stage.kms_requests("ticketrequest") - requests, 0, "new ticket requests")
    ktap.equal(stage.kms_requests("ticketresolve") - resolves, 2, "new resolves")


def test_quota_of_keys(alice, bob):
    """After twenty messages the users' quotas of keys stand where they stood"""
    for reuse in (True, False):
        alice.configure(reuse=reuse)
        alice.restart()
        a, b = alice.registered(), bob.registered()
        exchange(a, b, "the ticket that stays")
        before = alice.quota(), bob.quota()
        for number in range(20):
            exchange(a, b, f"{number}")

        # the kernel takes keys away when it has time: those of before as well
        def no_more():
            return all(now <= then for t, old in zip((alice, bob), before)
                       for now, then in zip(t.quota(), old))
        s.wait_for(no_more, 120, f"no more keys and bytes than {before}, reuse {reuse}: "
                   f"{alice.quota()}, {bob.quota()}")
    alice.configure()
    alice.restart()


def main():
    return s.run_pair(sys.modules[__name__])


if __name__ == "__main__":
    sys.exit(main())
