#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""linphone's command-line client as a terminal's SIP client, which knows
nothing of all this: it registers, receives and sends through mikeyd."""

import os
import subprocess
import sys
import zlib

import ktap
import stage as s

TEXT = "Grüße aus linphonec"
CONFIG = """[sip]
default_proxy=0
sip_port=5095
sip_tcp_port=5095
sip_tls_port=0
[proxy_0]
reg_proxy=<sip:127.0.0.1:5062;transport=tcp>
reg_route=<sip:127.0.0.1:5062;transport=tcp;lr>
reg_identity=sip:bob@example.test
reg_expires=600
reg_sendregister=1
publish=0
"""


class Linphonec:
    """One linphonec, told what to do on its standard input."""

    def __init__(self, terminal):
        self.log = os.path.join(terminal.dir, "linphonec.log")
        config = os.path.join(terminal.dir, "linphonerc")
        with open(config, "w", encoding="ascii") as f:
            f.write(CONFIG)
        os.chown(config, terminal.uid, terminal.uid)
        # It crashes without the folder of its database.
        terminal.run("mkdir", "-p", ".local/share/linphone", ".config/linphone")
        with open(self.log, "wb") as out:
            self.popen = subprocess.Popen(      # pylint: disable=consider-using-with
                [*terminal.prefix(), "linphonec", "-c", config], stdin=subprocess.PIPE,
                stdout=out, stderr=subprocess.STDOUT, cwd=terminal.dir)

    def output(self):
        with open(self.log, "rb") as f:
            return f.read().decode("utf-8", "replace")

    def says(self, text, seconds=120):
        def found():
            if self.popen.poll() is not None:
                raise s.Failure(f"linphonec ended: {self.popen.returncode}\n{self.output()}")
            return text in self.output()
        s.wait_for(found, seconds, f"{text!r} of linphonec:\n{self.output()[-2000:]}")

    def tell(self, line):
        self.popen.stdin.write(line.encode() + b"\n")
        self.popen.stdin.flush()

    def close(self):
        self.popen.kill()
        self.popen.wait()


def test_registers(alice, bob):
    """linphonec registers through mikeyd, and is reached"""
    def reached():
        answer = alice.clients[0].request("OPTIONS", bob.uri, timeout=20)
        return answer and answer.status == 200
    s.wait_for(reached, 120, "linphonec to answer OPTIONS")


def test_receives(alice, bob, linphonec):
    """linphonec shows a protected message and from whom it is"""
    ktap.status(alice.clients[0].message(bob.uri, TEXT), 200)
    linphonec.says(TEXT)
    ktap.true("sip:alice@example.test" in linphonec.output(), "nothing of alice")


def test_sends(stage, alice, linphonec):
    """What linphonec sends arrives, protected on the way"""
    with stage.capture() as seen:
        linphonec.tell(f"chat {alice.uri} {TEXT}")
        got = None
        # first comes its notification that it had alice's message (RFC 5438)
        while got is None or "imdn" in got.get("content-type"):
            got = ktap.true(alice.clients[0].received(timeout=120), "nothing arrived")
    # linphonec compresses what it sends to its proxy: a body like any other.
    body = zlib.decompress(got.body) if got.get("content-encoding") == "deflate" else got.body
    ktap.equal(body.decode(), TEXT, "body")
    ktap.true("<sip:bob@example.test>" in got.get("from", "") and
              "<bob@example.test>; proved=body" in got.get("p-mikey-verified", ""),
              f"From: {got.get('from')}, {got.get('p-mikey-verified')}")
    wire = [m for _, to, m in seen.messages() if m.method == "MESSAGE" and to == s.PROXY]
    ktap.true(wire and TEXT.encode() not in wire[0].raw, "readable on the way")


def main():
    with s.Stage() as stage:
        alice, bob = stage.terminal("alice"), stage.terminal("bob")
        alice.registered()
        # It takes a host without default route for one without network.
        s.run("ip", "-n", bob.netns, "route", "add", "default", "via", s.PROXY[0])
        linphonec = Linphonec(bob)

        def logs():
            return "".join(f"-- {t.name}\n{t.mikeyd.output()[-3000:]}\n" for t in (alice, bob)) + \
                linphonec.output()[-3000:]
        try:
            return ktap.main(sys.modules[__name__], logs, stage=stage, alice=alice, bob=bob,
                             linphonec=linphonec)
        finally:
            linphonec.close()


if __name__ == "__main__":
    sys.exit(main())
