#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A user with two devices: one UID and one PSK, two of everything else. The
proxy forks a MESSAGE to both, and both open it."""

import sys

import ktap
import stage as s

TEXT = "Für beide Geräte — 両方へ"


def opened(client, text):
    """What the client was given, from whom it was proved to be."""
    got = ktap.true(client.received(), "nothing arrived")
    ktap.equal(got.body, text.encode(), "body")
    verified = got.get("p-mikey-verified", "")
    ktap.true("<alice@example.test>" in verified and "proved=body" in verified,
              f"P-Mikey-Verified: {verified}")


def test_both_devices_open(stage, alice, devices):
    """A MESSAGE that the proxy forks is opened by both devices"""
    a, both = alice.registered(), [d.registered() for d in devices]
    resolves = stage.kms_requests("ticketresolve")
    with stage.capture() as seen:
        ktap.status(a.message("sip:bob@example.test", TEXT), 200)
        for client in both:
            opened(client, TEXT)
    for device in devices:
        copies = [m for _, to, m in seen.messages()
                  if m.method == "MESSAGE" and to == (device.address, 5060)]
        ktap.equal(len(copies), 1, f"copies at {device.name}")
        ktap.true(TEXT.encode() not in copies[0].raw, "readable on the way")
    ktap.equal(stage.kms_requests("ticketresolve") - resolves, 2, "resolves")
    for client in both:
        ktap.true(client.received(timeout=0.5) is None, "delivered twice")


def test_one_ticket_for_both(stage, alice, devices):
    """The reused ticket serves both devices again"""
    a, both = alice.registered(), [d.registered() for d in devices]
    ktap.status(a.message("sip:bob@example.test", "first"), 200)
    for client in both:
        opened(client, "first")
    requests = stage.kms_requests("ticketrequest")
    ktap.status(a.message("sip:bob@example.test", "second"), 200)
    for client in both:
        opened(client, "second")
    ktap.equal(stage.kms_requests("ticketrequest") - requests, 0, "new ticket requests")


def test_one_device_is_off(alice, devices):
    """One device without its mikeyd: the other one gets it"""
    a, both = alice.registered(), [d.registered() for d in devices]
    devices[1].mikeyd.stop()
    try:
        ktap.status(a.message("sip:bob@example.test", "only one"), 200)
        opened(both[0], "only one")
    finally:
        devices[1].start()
    ktap.true(both[1].received(timeout=0.5) is None, "delivered to the device that was off")


def test_devices_write_to_each_other(alice, devices):
    """What one device sends to its own user names that user, and comes to both"""
    alice.registered()
    both = [d.registered() for d in devices]
    ktap.status(both[0].message("sip:bob@example.test", "note to myself"), 200)
    for client in both:
        got = ktap.true(client.received(), "nothing arrived")
        ktap.equal(got.body, b"note to myself", "body")
        ktap.true("<bob@example.test>" in got.get("p-mikey-verified", ""), "the sender")


def main():
    with s.Stage() as stage:
        alice = stage.terminal("alice")
        devices = stage.terminal("bob"), stage.terminal("tablet", user="bob")

        def logs():
            return "".join(f"-- {t.name}\n{t.mikeyd.output()[-2000:]}\n" for t in (alice, *devices))
        return ktap.main(sys.modules[__name__], logs, stage=stage, alice=alice, devices=devices)


if __name__ == "__main__":
    sys.exit(main())
