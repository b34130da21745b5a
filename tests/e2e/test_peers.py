#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The product against the second implementation (tests/peer), which shares no
code with it: as sender, as receiver, as KMS, honest and not."""

import base64
import socket
import sys
import threading

import ktap
import stage as s
import terminal as peer  # beside kms.py, whose folder stage knows

RECEIVER = ("10.66.0.1", 5090)
TEXT = "Grüße vom Nachbarn ✓"
# What a dishonest or broken sender does, and no receiver may accept.
FORGERIES = (
    "tamper-cms", "tamper-v", "tamper-vi", "wrong-proof", "kemac", "late-ticket",
    "other-recipient", "other-initiator", "wrong-prot", "wrong-spi", "short-rand", "swap-mpk",
)
# Broken answers of a KMS, and what the sender's client is told.
LIES = (
    ("garbage", 502), ("empty", 502), ("wrong-mac", 502), ("wrong-csb", 502), ("wrong-key", 502),
    ("extra-responder", 403), ("long-life", 403), ("error", 503), ("error-mac", 403),
    ("http-500", 503), ("close", 503),
)


def keys_of(terminal):
    return ["--uid", terminal.aor, "--psk-id", terminal.aor, "--psk", terminal.psk_hex,
            "--kms-url", s.KMS_ID, "--kms", "%s:%d" % s.KMS]


def peer_sends(sender, receiver, *more, form="auth-enveloped"):
    """MESSAGE from the second implementation, which stands beside the proxy."""
    arguments = peer.parser().parse_args([
        "send", "--to", receiver.aor, "--proxy", "%s:%d" % s.PROXY, "--text", TEXT,
        "--form", form, *keys_of(sender), *more])
    with s.namespace("e2e-net"):
        return peer.send(arguments)["status"]


def drained(client):
    client.drain()
    return client


def opens(sender, receiver, proved, *more, **how):
    """It arrives, and what was proved is told."""
    client = drained(receiver.registered())
    ktap.equal(peer_sends(sender, receiver, *more, **how), 200, "status")
    got = ktap.true(client.received(), "nothing arrived")
    ktap.equal(got.body.decode(), TEXT, "body")
    told = got.get("p-mikey-verified", "")
    ktap.true(sender.aor in told and f"proved={proved}" in told, f"told: {told}")


def test_peer_to_product_auth_enveloped(alice, bob):
    """A foreign AuthEnvelopedData opens, sender and body proved"""
    opens(alice, bob, "body")


def test_peer_to_product_authenticated(alice, bob):
    """A foreign AuthenticatedData opens, sender and body proved"""
    opens(alice, bob, "body", form="authenticated")


def test_without_proof(alice, bob):
    """Without the extension the initiator is proved and the body is not"""
    opens(alice, bob, "initiator", "--fault", "no-proof")


def test_proof_is_a_copy_of_the_mac(alice, bob):
    """A copy of the CMS MAC proves no body"""
    opens(alice, bob, "initiator", "--fault", "mac-proof")


def test_forgeries(alice, bob):
    """Every forgery is refused with 493 and not delivered"""
    client = drained(bob.registered())
    for fault in FORGERIES:
        ktap.equal(peer_sends(alice, bob, "--fault", fault), 493, f"{fault}: status")
    ktap.equal(peer_sends(alice, bob, "--fault", "strip-attrs", form="authenticated"), 493,
               "attributes stripped: status")
    ktap.true(client.received(timeout=1) is None, "a forgery was delivered")
    opens(alice, bob, "body")


def test_product_to_peer(stage, alice, bob):
    """The second implementation opens what we protect, in both forms"""
    arguments = peer.parser().parse_args(
        ["receive", "--listen", "%s:%d" % RECEIVER, "--count", "2", *keys_of(bob)])
    with s.namespace("e2e-net"):
        listener = peer.listen(arguments)
    told = []

    def receive():
        with s.namespace("e2e-net"):
            peer.receive(arguments, listener, told.append)
    threading.Thread(target=receive, daemon=True).start()
    try:
        for form in ("auth-enveloped", "authenticated"):
            alice.configure(next_hop="sip:%s:%d;transport=tcp" % RECEIVER, form=form)
            alice.restart()
            ktap.status(alice.client().message(bob.uri, TEXT), 200)
    finally:
        alice.configure()
        alice.restart()
        listener.close()
    ktap.equal([t.get("form") for t in told], ["auth-enveloped", "authenticated"], "forms")
    for t in told:
        ktap.equal(t["initiator"], alice.aor, "initiator")
        ktap.true(t["body_proved"], "the body's proof")
        ktap.equal(base64.b64decode(t["entity"]).partition(b"\r\n\r\n")[2].decode(), TEXT, "body")


def test_foreign_kms(stage, alice, bob):
    """Both terminals work with a KMS that shares no code; its lies are refused in words"""
    b = drained(bob.registered())
    for ticket in alice.tickets():
        alice.ctl("ticket", "revoke", ticket["serial"])
    alice.restart()
    a = alice.registered()
    stage.faulty_kms("")
    try:
        for fault, code in LIES:
            stage.kms.kms.fault = fault
            answer = ktap.true(a.message(bob.uri, TEXT), f"{fault}: no answer")
            ktap.equal(answer.status, code, f"{fault}: {answer.all('warning')}")
            ktap.true(answer.get("warning"), f"{fault}: no words")
        ktap.true(b.received(timeout=1) is None, "something was delivered")
        stage.kms.kms.fault = ""
        ktap.status(a.message(bob.uri, TEXT), 200)
        ktap.equal(ktap.true(b.received(), "nothing arrived").body.decode(), TEXT, "body")
    finally:
        stage.true_kms()


def main():
    socket.setdefaulttimeout(60)
    return s.run_pair(sys.modules[__name__])


if __name__ == "__main__":
    sys.exit(main())
