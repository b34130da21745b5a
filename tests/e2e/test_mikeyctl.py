#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""mikeyctl as the only SIP client of a terminal, and as its keys' keeper."""

import os
import sys

import ktap
import stage as s

TEXT = "Grüße, von der Kommandozeile — 今夜。"


def sent(alice, *words, code=0, **more):
    """mikeyctl send from alice to bob."""
    done = alice.ctl("send", "--config", alice.config, "--to", "bob@example.test", *words,
                     check=False, **more)
    ktap.true(done.returncode == code, f"status {done.returncode}: {done.stdout}{done.stderr}")
    return done


def test_send_text(stage, alice, bob):
    """A text is protected, arrives, and names its sender"""
    b = bob.registered()
    with stage.capture() as seen:
        done = sent(alice, *TEXT.split(" "))
    ktap.equal(done.stdout, "200 OK\n", "the answer")
    got = ktap.true(b.received(), "nothing arrived")
    ktap.equal(got.body.decode(), TEXT, "body")
    ktap.equal(got.get("content-type").replace(" ", ""), "text/plain;charset=utf-8", "Content-Type")
    ktap.true(alice.aor in got.get("p-mikey-verified"), "the sender")
    wire = [m for _, to, m in seen.messages() if m.method == "MESSAGE" and to == s.PROXY]
    ktap.true(wire and TEXT.encode() not in wire[0].raw, "not protected on the wire")


def test_send_large_file(alice, bob):
    """A file too large for a datagram goes over TCP by itself"""
    body = bytes(range(256)) * 800
    path = os.path.join(alice.dir, "large")
    with open(path, "wb") as f:
        f.write(body)
    os.chown(path, alice.uid, alice.uid)
    b = bob.registered()
    sent(alice, "--file", path, "--content-type", "application/octet-stream")
    ktap.equal(ktap.true(b.received(), "nothing arrived").body, body, "body")


def test_tickets_are_told(alice, bob):
    """Both ends' tickets are listed, by role"""
    b = bob.registered()
    sent(alice, "for the list")
    ktap.true(b.received(), "nothing arrived")
    mine = [t for t in alice.tickets() if t["role"] == "initiator"]
    ktap.equal([t["responders"] for t in mine], [["bob@example.test"]], "responders")
    shown = alice.ctl("ticket", "show", mine[0]["serial"]).stdout
    ktap.true("initiator   alice@example.test\n" in shown, shown)
    ktap.true("DEHIJNO (reusable)" in shown, shown)


def test_revoked_ticket_is_replaced(stage, alice, bob):
    """A ticket ended by hand is asked for anew with the next message"""
    b = bob.registered()
    sent(alice, "before")
    ktap.true(b.received(), "nothing arrived")
    for end in ("revoke", "invalidate"):
        for ticket in alice.tickets():
            alice.ctl("ticket", end, ticket["serial"])
        before = stage.kms_requests("ticketrequest")
        sent(alice, "after", end)
        ktap.equal(ktap.true(b.received(), "nothing arrived").body.decode(), f"after {end}", "body")
        ktap.true(stage.kms_requests("ticketrequest") > before, "no new ticket was asked for")


def test_unknown_recipient(alice):
    """What the proxy answers is told, with its exit status"""
    done = alice.ctl("send", "--config", alice.config, "--to", "nobody@example.test", "x", check=False)
    ktap.equal(done.returncode, 3, f"status for {done.stdout}")
    ktap.true(done.stdout.startswith("404 "), done.stdout)


def test_revoked_psk(alice, bob):
    """Without the PSK a message is refused in words, and goes again with it"""
    b = bob.registered()
    alice.ctl("psk", "revoke", alice.aor)
    for ticket in alice.tickets():
        alice.ctl("ticket", "invalidate", ticket["serial"])
    done = alice.ctl("send", "--config", alice.config, "--to", bob.aor, "x", check=False)
    ktap.true(done.returncode in (4, 6), f"{done.returncode}: {done.stdout}{done.stderr}")
    ktap.true("Warning: " in done.stderr, "no words: " + done.stderr)
    loaded = alice.ctl("psk", "load", "--quiet", "--id", alice.aor, check=False, text=True,
                       stdin=told(alice.psk_hex))
    ktap.equal(loaded.returncode, 0, loaded.stderr)
    alice.restart()
    sent(alice, "again")
    ktap.equal(ktap.true(b.received(), "nothing arrived").body, b"again", "body")


def told(text):
    """A file to read text from."""
    read, write = os.pipe()
    os.write(write, text.encode())
    os.close(write)
    return read


def main():
    return s.run_pair(sys.modules[__name__])


if __name__ == "__main__":
    sys.exit(main())
