#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Two users, alice and carol, behind one mikeyd, each with a client of their own,
and bob behind another one. Whose client it is the kernel says: each user's sockets
are those of one user of the machine."""

import contextlib
import os
import signal
import sys

import ktap
import netns as namespaces
import sip
import stage as s
import test_lists

PROFILES = ["immediate", "annex-i"]
TEAM = "team@example.test"
CAROL = "sip:carol@example.test"
TEXT = "An eine von beiden — 二人のうちの一人へ"
OWNERS = {"alice": 20031, "carol": 20032}


@contextlib.contextmanager
def owned_by(netns, uid):
    """Sockets made inside belong to that namespace, and to that user."""
    with s.namespace(netns):
        namespaces.LIBC.setfsuid(uid)
        try:
            yield
        finally:
            namespaces.LIBC.setfsuid(0)


def user_of(name, **settings):
    aor = f"{name}@{s.DOMAIN}"
    return {"name": name, "identity": [aor], "psk": f"logon:mikey:{aor}", "psk-id": aor,
            "group": [TEAM], "list-service": ["list@example.test"], "client-users": [str(OWNERS[name])], **settings}


class Scene:
    def __init__(self, stage):
        self.stage, self.bob = stage, stage.terminal("bob", accept_profile=PROFILES)
        self.both = both = stage.terminal("alice", start=False)
        path = os.path.join(both.dir, "psk")
        stage.kms_ctl("user", "add", "--uid", "carol@example.test", "--psk-out", path)
        os.chown(path, both.uid, both.uid)
        both.ctl("psk", "load", "--id", "carol@example.test", "--from", path, "--quiet")
        os.unlink(path)
        stage.kms_ctl("group", "add", "--psi", TEAM, "--member", "alice@example.test",
                      "--member", "carol@example.test")
        self.configure(user_of("alice"), user_of("carol"))
        both.start()
        self.clients = {name: self.client(name) for name in OWNERS}
        self.reconnect()
        self.b = self.bob.registered()

    def configure(self, *users):
        self.both.configure(identity=None, psk=None, psk_id=None, users=list(users),
                            accept_profile=PROFILES)

    def client(self, name, uri=None, transport="tcp"):
        """A client of one of the two users of the machine."""
        client = sip.Client(uri or f"sip:{name}@{s.DOMAIN}", (self.both.loopback, 5062), transport,
                            inside=lambda: owned_by(self.both.netns, OWNERS[name]))
        self.both.clients.append(client)
        return client

    def gets(self, name, text, sender="alice", proved="body"):
        """One of the two gets it, and from whom it was is told."""
        got = ktap.true(self.clients[name].received(), f"nothing arrived at {name}")
        ktap.equal(got.body, text.encode(), f"body at {name}")
        verified = got.get("p-mikey-verified", "")
        ktap.true(verified.startswith(f"<{sender}@example.test>; proved={proved}"),
                  f"P-Mikey-Verified: {verified}")

    def reconnect(self):
        """New clients, since the connections of the old ones ended with mikeyd."""
        for name in OWNERS:
            self.clients[name].close()
            self.clients[name] = self.client(name)
            ktap.status(self.clients[name].register(), 200)
            ktap.status(self.clients[name].register(aor="sip:" + TEAM), 200)

    def nothing_more(self):
        for name, client in (*self.clients.items(), ("bob", self.b)):
            got = client.received(timeout=1)
            ktap.true(got is None, f"arrived at {name}: {got and got.raw[:300]}")


def test_to_each_other(scene):
    """Each writes to the other, through the proxy, protected"""
    alice, carol = scene.clients["alice"], scene.clients["carol"]
    with scene.stage.capture() as seen:
        ktap.status(alice.message(CAROL, TEXT), 200)
        scene.gets("carol", TEXT, "alice")
        ktap.status(carol.message("sip:alice@example.test", TEXT), 200)
        scene.gets("alice", TEXT, "carol")
    scene.nothing_more()
    wire = [m for _, to, m in seen.messages() if m.method == "MESSAGE" and to == s.PROXY]
    ktap.equal([TEXT.encode() in m.raw for m in wire], [False, False], "readable at the proxy")


def test_from_outside(scene):
    """What bob writes to one of them reaches that one's client alone; and back"""
    for name in OWNERS:
        ktap.status(scene.b.message(f"sip:{name}@example.test", f"to {name}"), 200)
        scene.gets(name, f"to {name}", "bob")
        ktap.status(scene.clients[name].message(scene.bob.uri, f"from {name}"), 200)
        got = ktap.true(scene.b.received(), "nothing arrived at bob")
        ktap.true(f"<{name}@example.test>; proved=body" in got.get("p-mikey-verified", ""),
                  got.get("p-mikey-verified"))
    scene.nothing_more()


def again(scene, caught):
    """What somebody on the way can do with a message: send it once more."""
    client = scene.stage.stranger(to=(scene.both.address, 5060))
    lines = [caught.first, f"Via: SIP/2.0/TCP {client.local};branch=z9hG4bK{sip.token()};rport"]
    lines += [f"{n}: {v}" for n, v in caught.headers if n not in ("via", "content-length")]
    lines += [f"Content-Length: {len(caught.body)}", "", ""]
    answer = client.request("", "", raw="\r\n".join(lines).encode() + caught.body)
    client.close()
    return answer


def test_group(scene):
    """A group that both are in: each gets one copy, and no replay gives another"""
    with scene.stage.capture() as seen:
        ktap.status(scene.b.message("sip:" + TEAM, TEXT), 200)
        for name in OWNERS:
            scene.gets(name, TEXT, "bob")
    copies = [m for _, to, m in seen.messages()
              if m.method == "MESSAGE" and to == (scene.both.address, 5060)]
    ktap.equal(len(copies), 2, "copies on the way to mikeyd")
    for copy in copies:
        ktap.status(again(scene, copy), 200)
    scene.nothing_more()
    # and where mikeyd's record on the disk is gone, by the kernel's
    scene.both.mikeyd.stop()
    scene.both.run("sh", "-c", "rm .local/state/mikeyd/users/*/delivered.db*")
    scene.both.start()
    for copy in copies:
        ktap.status(again(scene, copy), 480)
    scene.reconnect()
    scene.nothing_more()


def test_list(scene):
    """annex-i, one kept ticket for messages to a list that both are on: both get each"""
    service = scene.stage.list_service()
    scene.bob.configure(profile="annex-i", cacheable=True, accept_profile=PROFILES)
    scene.bob.restart()
    scene.b = scene.bob.registered()
    for _ in range(2):
        ktap.status(test_lists.send(scene.b, service, ("sip:alice@example.test", "to"), (CAROL, "to")),
                    202)
        for name in OWNERS:
            scene.gets(name, test_lists.TEXT, "bob", "recipient")
    scene.nothing_more()


def test_not_the_other(scene):
    """Whoever claims to be the other one is refused, whatever the method"""
    for transport in ("tcp", "udp"):
        forger = scene.client("alice", CAROL, transport)
        for answer in (forger.message(scene.bob.uri, "forged"), forger.register(),
                       forger.request("OPTIONS", scene.bob.uri),
                       forger.request("SUBSCRIBE", scene.bob.uri, ("Event: presence",))):
            ktap.equal(ktap.status(answer, 403).first, "SIP/2.0 403 Not Your Identity", "answer")
        forger.close()
    nobody = scene.client("alice", "sip:mallory@example.test")
    ktap.status(nobody.message(scene.bob.uri, "of nobody here"), 403)
    nobody.close()
    scene.nothing_more()
    # what is for carol still goes to carol
    ktap.status(scene.b.message(CAROL, TEXT), 200)
    scene.gets("carol", TEXT, "bob", "recipient")


def test_one_leaves(scene):
    """SIGHUP takes carol away and gives her back; alice notices nothing"""
    scene.configure(user_of("alice"))
    scene.both.mikeyd.popen.send_signal(signal.SIGHUP)
    s.wait_for(lambda: scene.clients["carol"].message(scene.bob.uri, "x").status == 403, 20,
               "carol to be nobody")
    ktap.status(scene.clients["alice"].message(scene.bob.uri, "still here"), 200)
    while (got := ktap.true(scene.b.received(), "nothing arrived")).body == b"x":
        pass    # it was sent before mikeyd had read its configuration
    ktap.equal(got.body, b"still here", "body")
    scene.configure(user_of("alice"), user_of("carol"))
    scene.both.mikeyd.popen.send_signal(signal.SIGHUP)
    s.wait_for(lambda: scene.clients["carol"].message(scene.bob.uri, "back").status == 200, 20,
               "carol to be back")
    ktap.equal(ktap.true(scene.b.received(), "nothing arrived").body, b"back", "body")
    ktap.status(scene.b.message(CAROL, "welcome"), 200)
    scene.gets("carol", "welcome", "bob", "recipient")


def main():
    with s.Stage() as stage:
        scene = Scene(stage)

        def logs():
            return "".join(f"-- {t.name}\n{t.mikeyd.output()[-3000:]}\n"
                           for t in (scene.both, scene.bob))
        return ktap.main(sys.modules[__name__], logs, scene=scene)


if __name__ == "__main__":
    sys.exit(main())
