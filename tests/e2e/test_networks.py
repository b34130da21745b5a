#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Other ways than the usual ones: a terminal that has IPv6 only beside one that
has IPv4 only, and a KMS behind HTTPS, whose certificate is looked at."""

import os
import shutil
import sys

import ktap
import stage as s

TEXT = "Über andere Wege — 別の道"


def fresh(terminal, **settings):
    """The terminal without tickets, with other settings; its client."""
    for ticket in terminal.tickets():
        terminal.ctl("ticket", "invalidate", ticket["serial"])
    terminal.configure(**settings)
    terminal.restart()
    return terminal.registered()


def exchange(sender, receiver, target, text=TEXT):
    ktap.status(sender.message(target.uri, text), 200)
    got = ktap.true(receiver.received(), "nothing arrived")
    ktap.equal(got.body, text.encode(), "body")
    return got


def test_ipv6_to_ipv4(alice, bob):
    """From a terminal with IPv6 only to one with IPv4 only, and back"""
    a, b = alice.registered("udp"), bob.registered()
    ktap.true(alice.name in exchange(a, b, bob).get("p-mikey-verified", ""), "the sender")
    ktap.true(bob.name in exchange(b, a, alice).get("p-mikey-verified", ""), "the sender")


def test_ipv6_to_ipv6(alice):
    """IPv6 all the way: a note to oneself"""
    a = alice.registered()
    exchange(a, a, alice)


def test_https_is_used(stage, alice, bob):
    """The KMS is asked over HTTPS only, and answers nobody in the clear"""
    a, b = fresh(alice), bob.registered()
    with s.capture.Capture(stage.in_net(), os.path.join(stage.dir, "kms.pcap"), "bridge",
                           f"port {s.KMS[1]}") as seen:
        exchange(a, b, bob)
    with open(seen.path, "rb") as f:
        data = f.read()
    ktap.true(len(data) > 2000, "nothing was captured")
    ktap.true(b"keymanagement" not in data, "the KMS was asked in the clear")


def refused(alice, bob, *words, **settings):
    """With those settings: 503 with the reason, nothing sent; without: well."""
    b = bob.registered()
    answer = ktap.status(fresh(alice, **settings).message(bob.uri, "x"), 503)
    told = " ".join(answer.all("warning")).lower()
    for word in words:
        ktap.true(word in told, f"'{word}' is not in the Warning: {told}")
    ktap.true(answer.get("retry-after"), "no Retry-After")
    ktap.true(b.received(timeout=0.5) is None, "something was delivered")
    exchange(fresh(alice), b, bob)


def test_unknown_authority(alice, bob):
    """A KMS whose authority the system does not know: 503 with the reason"""
    refused(alice, bob, "certificate", kms_ca=None)


def test_wrong_authority(stage, alice, bob):
    """A KMS that another authority has signed: 503 with the reason"""
    refused(alice, bob, "certificate", kms_ca=stage.certify("stranger"))


def test_wrong_name(stage, alice, bob):
    """A certificate for another name: 503 with the reason"""
    kept = [os.path.join(stage.dir, f) for f in ("kms.pem", "kms-key.pem")]
    for path in kept:
        shutil.copy2(path, path + ".kept")
    stage.certify("kms", "authority", "subjectAltName=DNS:other.example.test")
    stage.true_kms()
    try:
        b = bob.registered()
        answer = ktap.status(fresh(alice).message(bob.uri, "x"), 503)
        told = " ".join(answer.all("warning"))
        ktap.true("name" in told or "certificate" in told, f"Warning: {told}")
        ktap.true(b.received(timeout=0.5) is None, "something was delivered")
    finally:
        for path in kept:
            os.rename(path + ".kept", path)
        stage.true_kms()
    exchange(fresh(alice), b, bob)


def main():
    with s.Stage(tls=True) as stage:
        alice, bob = stage.terminal("alice", ip6=True), stage.terminal("bob")

        def logs():
            return "".join(f"-- {t.name}\n{t.mikeyd.output()[-2000:]}\n"
                           for t in (alice, bob)) + stage.kms.output()[-1000:]
        return ktap.main(sys.modules[__name__], logs, stage=stage, alice=alice, bob=bob)


if __name__ == "__main__":
    sys.exit(main())
