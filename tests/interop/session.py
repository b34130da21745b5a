# SPDX-License-Identifier: GPL-2.0-or-later
"""What both sides of the machine know: identities, the KMS's keys, and how the
second implementation derives the KEKs of a crypto session."""
import hashlib
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "peer"))
import exchange     # pylint: disable=wrong-import-position
import keys as k    # pylint: disable=wrong-import-position
import kms          # pylint: disable=wrong-import-position
import mikey as m   # pylint: disable=wrong-import-position

URL, ALICE, BOB = "https://kms.example.test", "alice@example.test", "bob@example.test"
TPK_NAME = b"tpk-interop"


def new_kms(suite, psks):
    """A KMS whose users have PSKs of one suite: {UID: PSK}."""
    users = [f"--user={uid},{uid},{psk.hex()}" for uid, psk in psks.items()]
    return kms.Kms(kms.parser().parse_args(["--port=0", f"--url={URL}", f"--suite={suite}",
                                            *users]))


class Session:
    """One TRANSFER_INIT from alice to bob, made by the second implementation,
    the KEKs that it stands for, and the TPK with which a KMS opens its ticket."""

    def __init__(self, profile, suite):
        self.profile, self.suite = k.PROFILES[profile], k.SUITES[suite]
        n = self.suite.key_len
        self.tpk, self.traffic, self.rand, mpk, ticket_rand = (os.urandom(n) for _ in range(5))
        self.spi, now = os.urandom(8), time.time()
        self.mpk_i, self.mpk_r = k.mpk_pair(self.suite, mpk, ticket_rand)
        self.ticket = exchange.make_ticket(
            self.suite, self.profile, self.tpk, TPK_NAME, mpk, self.traffic, self.spi,
            exchange.tp_payloads(URL, ALICE, m.ntp32(now - 3600), m.ntp32(now + 86400), [BOB]),
            self.profile.bits(), ticket_rand)
        self.keks = k.session_keys(self.suite, self.traffic, self.rand)

    def transfer(self, der):
        """TRANSFER_INIT with the proof of origin of a CMS object."""
        proof = hashlib.sha256(der).digest() if self.profile.forked else None
        return exchange.make_transfer(self.suite, self.profile, self.ticket, self.mpk_i,
                                      self.mpk_r, ALICE, BOB, self.spi, proof, rand=self.rand)


def keks_of(transfer, suite, tpk):
    """SPI and KEKs of somebody else's TRANSFER_INIT, as the KMS knows them."""
    message = m.Message(transfer)
    opened = message.ticket.open(tpk, k.SUITES[suite])
    if opened is None:
        raise m.Bad("the ticket's MAC")
    _, traffic, spi = opened[2]
    if message.spi != spi:
        raise m.Bad("the SPI")
    return spi, k.session_keys(k.SUITES[suite], traffic, message.randr(m.I))
