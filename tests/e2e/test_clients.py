#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""SIP clients of other makers, which know nothing of all this: sipsak and sipp
send and receive through mikeyd, and call each other."""

import os
import re
import sys

import ktap
import stage as s

TEXT = "Grüße von einem anderen Programm — 別の手から"


def scenario(name):
    return os.path.join(s.HERE, "sipp", f"{name}.xml")


def sipsak(terminal, *words):
    """sipsak as that terminal's client; its output. The proxy comes first, or
    it looks for the addressee's domain itself."""
    done = terminal.run("sipsak", "-p", "127.0.0.1", "-r", 5062, "-H", "127.0.0.1", "-vv", *words,
                        check=False)
    ktap.true(done.returncode == 0, f"sipsak: {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def sipp(terminal, name, *words, port, transport="u1", calls=1):
    """sipp in the background as that terminal's client."""
    log = os.path.join(terminal.dir, f"sipp-{name}.log")
    process = s.Process(f"sipp of {terminal.name}", [
        *terminal.prefix(), "sipp", "127.0.0.1:5062", "-sf", scenario(name), "-m", calls,
        "-i", "127.0.0.1", "-p", port, "-t", transport, "-nostdin", "-timeout", "120s",
        "-timeout_error", "-trace_msg", "-message_file", log + ".messages",
        "-trace_err", "-error_file", log + ".errors", *words], log, cwd=terminal.dir)
    terminal.stage.processes.append(process)
    return process


def seen_by(process):
    """The SIP messages of a sipp: (sent or received, text)."""
    with open(process.log + ".messages", encoding="utf-8") as f:
        parts = re.split(r"^-{5,}.*\n", f.read(), flags=re.M)
    found = []
    for part in parts:
        match = re.match(r"(?:UDP|TCP) message (sent|received) .*?\n\n(.*)", part, re.S)
        if match:
            found.append((match[1], match[2]))
    return found


def ended(process):
    """Wait for a sipp and expect that its scenario was kept."""
    s.wait_for(lambda: not process.alive(), 150, f"{process.name} to end")
    errors = process.log + ".errors"
    told = ""
    if os.path.exists(errors):
        with open(errors, encoding="utf-8", errors="replace") as f:
            told = f.read()
    ktap.equal(process.popen.returncode, 0, f"status of {process.name}: {told}{process.output()[-800:]}")


def listening(terminal, port):
    """Wait until a sipp has its port."""
    s.wait_for(lambda: s.run("ip", "netns", "exec", terminal.netns, "ss", "-Hlun",
                             f"sport = :{port}").stdout, 30, f"a sipp at port {port}")


def test_sipsak_sends(stage, alice, bob):
    """sipsak sends a MESSAGE, protected on the way"""
    b = bob.registered()
    # From a file: sipsak's own option for it crashes in Debian 12.
    path = os.path.join(alice.dir, "message")
    with open(path, "w", encoding="utf-8", newline="") as f:
        f.write("\r\n".join((f"MESSAGE {bob.uri} SIP/2.0", f"From: <{alice.uri}>;tag=sak",
                             f"To: <{bob.uri}>", "Call-ID: sipsak", "CSeq: 1 MESSAGE",
                             "Max-Forwards: 70", "Content-Type: text/plain;charset=utf-8",
                             f"Content-Length: {len(TEXT.encode())}", "", TEXT)))
    os.chmod(path, 0o644)
    with stage.capture() as seen:
        sipsak(alice, "-f", path, "-s", bob.uri)
    ktap.equal(ktap.true(b.received(), "nothing arrived").body.decode(), TEXT, "body")
    wire = [m for _, to, m in seen.messages() if m.method == "MESSAGE" and to == s.PROXY]
    ktap.true(wire and TEXT.encode() not in wire[0].raw, "readable on the way")


def sipp_registered(bob):
    """A sipp registers the port at which another one will listen."""
    bob.registered().leave()
    ended(sipp(bob, "register", "-s", "bob", port=5080))


def test_sipp_sends_and_receives(stage, alice, bob):
    """sipp to sipp over UDP: the text arrives, from whom it was is told"""
    sipp_registered(bob)
    inbox = sipp(bob, "inbox", port=5080)
    listening(bob, 5080)
    texts = os.path.join(alice.dir, "texts.csv")
    with open(texts, "w", encoding="utf-8") as f:
        f.write(f"SEQUENTIAL\n{TEXT}\n")
    os.chmod(texts, 0o644)
    with stage.capture() as seen:
        sender = sipp(alice, "message", "-s", "bob", "-inf", texts, port=5090)
        ended(sender)
        ended(inbox)
    got = [text for way, text in seen_by(inbox) if way == "received"]
    ktap.true(got and got[0].startswith("MESSAGE "), f"what sipp received: {got}")
    ktap.equal(got[0].partition("\n\n")[2].strip(), TEXT, "body")
    ktap.true("<alice@example.test>; proved=body" in got[0], "P-Mikey-Verified")
    wire = [m for _, to, m in seen.messages() if m.method == "MESSAGE" and to == s.PROXY]
    ktap.true(wire and TEXT.encode() not in wire[0].raw, "readable on the way")


def test_call(stage, alice, bob):
    """A call passes through both mikeyds, its SDP untouched, to its end"""
    sipp_registered(bob)
    callee = sipp(bob, "callee", port=5080)
    listening(bob, 5080)
    with stage.capture() as seen:
        caller = sipp(alice, "caller", "-s", "bob", port=5090)
        ended(caller)
        ended(callee)

    def sdp(process, way, first):
        return [text.partition("\n\n")[2] for w, text in seen_by(process)
                if w == way and text.startswith(first) and "application/sdp" in text]
    for sender, receiver, first, who in ((caller, callee, "INVITE ", "alice"),
                                         (callee, caller, "SIP/2.0 200", "bob")):
        sent, got = sdp(sender, "sent", first), sdp(receiver, "received", first)
        ktap.true(sent and f"o={who} " in sent[0], f"what {who} offers: {sent}")
        ktap.equal(got[0] if got else None, sent[0], f"SDP of {who}")
    methods = [m.method for _, to, m in seen.messages() if to == s.PROXY and m.method]
    for method in ("INVITE", "ACK", "BYE"):
        ktap.true(method in methods, f"no {method} at the proxy: {methods}")


def test_sipsak_registers(bob):
    """sipsak registers, and what it registered is told to whoever asks"""
    sipsak(bob, "-i", "-U", "-C", "sip:bob@127.0.0.1:5077", "-x", "60", "-s", bob.uri)
    client = bob.client()
    contacts = ktap.status(client.register(), 200).all("contact")
    ktap.true(any("127.0.0.1:5077" in c for c in contacts), f"Contact: {contacts}")
    sipsak(bob, "-i", "-U", "-C", "sip:bob@127.0.0.1:5077", "-x", "0", "-s", bob.uri)
    client.leave()


def main():
    return s.run_pair(sys.modules[__name__])


if __name__ == "__main__":
    sys.exit(main())
