#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The product's terminals with a KMS of the second implementation that lies:
whoever answers with the right MAC is still held to what was asked."""

import sys

import ktap
import peers
from test_peers_transfer import Scene
import kms  # beside terminal.py, whose folder stage knows

# What a KMS must not grant (RFC 6043 4.2.1, 6.10; TS 33.328 I.4) is refused as
# a policy (403) or as no answer to this request (502).
GRANTS = tuple(kms.FAULTS)
# What a resolve can get wrong. A lie about the traffic key shows in the CMS.
ANSWERS = ("wrong-mac", "wrong-csb", *kms.KEYS, *kms.PAYLOADS, "error", "error-mac", "garbage", "empty")


class KmsScene(Scene):
    def __init__(self, troupe):
        super().__init__(troupe)
        self.sender = troupe.play("alice")
        self.liar = troupe.foreign_kms()
        self.honest = self.alice.peer()
        self.troupe.drop_tickets("alice")

    def asked(self):
        return len(self.kms.kms.lines)

    def our_sender(self):
        """The answer to a message that wants a new ticket."""
        self.troupe.drop_tickets("alice")
        return ktap.true(self.sender.message(f"sip:{self.bob.uid}", peers.TEXT), "no answer")


# What the sender cannot see, or need not: keys that fit together and are others
# than the ticket's, no IDRkms. The recipient refuses it.
UNSEEN = ("other-traffic", "other-spi", "swap-mpk", "no-idr")


def add_rows():
    for fault in GRANTS:
        def test(scene, fault=fault):
            scene.liar.fault = fault
            try:
                answer = scene.our_sender()
            finally:
                scene.liar.fault = ""
            if fault in UNSEEN:
                ktap.equal(answer.status, 493, f"{answer.first}: {answer.all('warning')}")
            else:
                ktap.true(answer.status in (403, 502), f"{answer.first}: {answer.all('warning')}")
                ktap.true(answer.get("warning"), "no words")
            scene.good()
        test.__doc__ = f"sender: a grant with {fault} brings no message to its recipient"
        globals()[f"test_grant_{fault}".replace("-", "_")] = test
    for fault in ANSWERS:
        def test(scene, fault=fault):
            me = scene.honest
            me.ticket([scene.bob.uid.encode()])
            scene.liar.fault = fault
            try:
                status = scene.sends()
            finally:
                scene.liar.fault = ""
            ktap.true(400 <= status < 600, f"status {status}")
            scene.good()
        test.__doc__ = f"receiver: a resolve's answer with {fault} opens nothing"
        globals()[f"test_answer_{fault}".replace("-", "_")] = test


add_rows()


def test_good_grant(scene):
    """An honest answer is taken, and the message arrives"""
    ktap.status(scene.our_sender(), 200)
    peers.delivered(scene.client, scene.alice, "body")


if __name__ == "__main__":
    sys.exit(peers.on_stage(sys.modules[__name__], lambda troupe: {"scene": KmsScene(troupe)}))
