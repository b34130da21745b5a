#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Two KMS domains (TS 33.328 B.2.3): Alice's KMS and Bob's are two, which ask
each other over TLS with certificates on both sides."""

import json
import os
import sys

import ktap
import stage as s

OTHER = "other.test"
OTHER_KMS = ("10.66.0.1", 8580)
OTHER_ID = "http://kms.other.test"
ZK = {s.DOMAIN: 8491, OTHER: 8591}
IDENTITIES = {s.DOMAIN: s.KMS_ID, OTHER: OTHER_ID}
TEXT = "Über die Grenze — 国境を越えて"


def peers_of(stage, domain):
    """The settings of the KMS of a domain that have to do with peers."""
    authority = f"authority-{domain}"
    if not os.path.exists(os.path.join(stage.dir, f"{authority}.pem")):
        stage.certify(authority)
        stage.certify(f"zk-{domain}", authority, f"subjectAltName=DNS:zk.{domain}")
    return (f'listen-peers = "{s.PROXY[0]}:{ZK[domain]}";\n'
            # its five seconds are not enough for TLS on a busy machine
            f'peer-timeout = {s.PATIENCE - 5};\n'
            f'peers = "{stage.dir}/peers-{domain}";\n'
            f'peer-certificate = "{stage.dir}/zk-{domain}.pem";\n'
            f'peer-private-key = "{stage.dir}/zk-{domain}-key.pem";\n')


class Other:
    """The KMS of the other domain."""

    def __init__(self, stage):
        self.stage, self.config, self.process = stage, os.path.join(stage.dir, "other.conf"), None
        with open(self.config, "w", encoding="utf-8") as f:
            f.write(f'identity = "{OTHER_ID}";\nlisten = "{OTHER_KMS[0]}:{OTHER_KMS[1]}";\n'
                    f'{peers_of(stage, OTHER)}'
                    f'store = "{stage.dir}/other.store";\nstore-key = "{stage.dir}/other.key";\n'
                    'log-level = "debug";\n')
        self.ctl("init")

    def ctl(self, *words):
        name = words[:1] if words[0] == "init" else words[:2]
        return s.run(s.program("mikey-kms"), *name, "--config", self.config, *words[len(name):])

    def start(self):
        self.process = s.Process("the other mikey-kms", [
            *self.stage.in_net(), s.program("mikey-kms"), "serve", "--config", self.config],
            os.path.join(self.stage.dir, "other.log"))
        self.stage.processes.append(self.process)
        self.process.ready(OTHER_KMS, "e2e-net")


def knows(ctl, stage, domain):
    ctl("peer", "add", "--name", domain, "--identity", IDENTITIES[domain], "--domain", domain,
        "--tls-name", f"zk.{domain}", "--ca", os.path.join(stage.dir, f"authority-{domain}.pem"),
        "--address", f"{s.PROXY[0]}:{ZK[domain]}")


def join(stage):
    """A peer for the stage's own KMS; it grants tickets for the other domain."""
    other = Other(stage)
    with open(stage.kms_config, encoding="utf-8") as f:
        config = f.read()
    with open(stage.kms_config, "w", encoding="utf-8") as f:
        f.write(peers_of(stage, s.DOMAIN) + config.replace(
            f'to = "?@{s.DOMAIN}"', f'to = [ "?@{s.DOMAIN}", "?@{OTHER}" ]'))
    knows(stage.kms_ctl, stage, OTHER)
    knows(other.ctl, stage, s.DOMAIN)
    other.start()
    stage.true_kms()
    return other


class There(s.Terminal):
    """A terminal of the other domain, whose KMS is the other one."""

    def __init__(self, stage, name, other):
        self.other = other
        super().__init__(stage, name)
        self.aor = f"{name}@{OTHER}"
        self.uri = "sip:" + self.aor
        stage.terminals[name] = self
        path = os.path.join(self.dir, "psk")
        other.ctl("user", "add", "--uid", self.aor, "--psk-out", path)
        os.chown(path, self.uid, self.uid)
        self.load_psk()
        self.configure()
        self.start()

    def configure(self, **settings):
        super().configure(**{"kms": f"http://{s.at(*OTHER_KMS)}", "kms_id": OTHER_ID, **settings})


def fresh(terminal, **settings):
    for ticket in terminal.tickets():
        terminal.ctl("ticket", "invalidate", ticket["serial"])
    terminal.configure(**settings)
    terminal.restart()
    return terminal.registered()


def exchange(sender, receiver, target, verified):
    ktap.status(sender.message(target.uri, TEXT), 200)
    got = ktap.true(receiver.received(), "nothing arrived")
    ktap.equal(got.body, TEXT.encode(), "body")
    told = got.get("p-mikey-verified", "")
    ktap.true(verified in told, f"P-Mikey-Verified: {told}")


def test_there(stage, other, alice, bob):
    """Alice's ticket is her KMS's; Bob's KMS asks hers, and Bob knows that it is she"""
    exchange(alice.registered(), bob.registered(), bob, alice.aor)
    ktap.true(f"peer={s.DOMAIN}" in other.process.output(), other.process.output())
    ktap.true(f"psk=peer:{OTHER}" in stage.kms.output(), stage.kms.output())


def test_back(alice, bob):
    """And back"""
    exchange(bob.registered(), alice.registered(), alice, bob.aor)


def test_annex_i(alice, bob):
    """In profile annex-i"""
    both = ["immediate", "annex-i"]
    b = fresh(bob, accept_profile=both)
    exchange(fresh(alice, profile="annex-i"), b, bob, alice.aor)


def test_own_ticket(alice, bob):
    """A ticket that Alice made herself (mode 3): only her KMS has her PSK"""
    exchange(fresh(alice, ticket="self"), bob.registered(), bob, alice.aor)


def test_issuer_away(stage, alice, bob):
    """Alice's KMS is away: Bob's terminal says 503; then all is well"""
    a, b = fresh(alice), bob.registered()
    exchange(a, b, bob, alice.aor)          # the ticket for the next one is there
    stage.kms.stop()
    answer = a.message(bob.uri, "x")
    # a proxy makes 500 of a 503 (RFC 3261 16.7)
    ktap.true(answer and answer.status >= 500, f"answer: {answer and answer.first}")
    ktap.true("side=outside status=503 reason=" in bob.mikeyd.output(), bob.mikeyd.output())
    ktap.true(b.received(timeout=0.5) is None, "something was delivered")
    stage.start_kms()
    exchange(a, b, bob, alice.aor)


def test_not_its_peer(other, stage, alice, bob):
    """A KMS that is a peer no longer: refused, and nothing is delivered"""
    other.ctl("peer", "del", s.DOMAIN)
    other.process.stop()
    other.start()
    a, b = fresh(alice), bob.registered()
    answer = a.message(bob.uri, "x")
    ktap.true(answer and answer.status >= 400, f"answer: {answer and answer.first}")
    ktap.true(b.received(timeout=0.5) is None, "something was delivered")
    knows(other.ctl, stage, s.DOMAIN)
    ktap.equal([p["name"] for p in json.loads(other.ctl("peer", "list", "--json").stdout)],
               [s.DOMAIN], "peers")
    other.process.stop()
    other.start()
    exchange(a, b, bob, alice.aor)


def main():
    with s.Stage() as stage:
        other = join(stage)
        alice, bob = stage.terminal("alice"), There(stage, "bob", other)

        def logs():
            return "".join(f"-- {t.name}\n{t.mikeyd.output()[-1500:]}\n" for t in (alice, bob)) + \
                stage.kms.output()[-1500:] + "\n-- other\n" + other.process.output()[-1500:]
        return ktap.main(sys.modules[__name__], logs, stage=stage, other=other, alice=alice, bob=bob)


if __name__ == "__main__":
    sys.exit(main())
