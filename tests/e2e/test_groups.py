#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A group that the KMS knows: one address, one ticket, three members who open
what is sent to it, and somebody who is not one of them."""

import sys

import ktap
import stage as s

TEAM = "team@example.test"
TEXT = "An die Gruppe — 皆さんへ"


class Scene:
    def __init__(self, stage):
        self.stage = stage
        self.alice = stage.terminal("alice")
        self.members = [stage.terminal(n, group=[TEAM]) for n in ("bob", "carol")]
        self.dora = stage.terminal("dora", group=[TEAM])
        self.members.insert(0, self.alice)
        self.alice.configure(group=[TEAM])
        self.alice.restart()
        stage.kms_ctl("group", "add", "--psi", TEAM, *(w for t in self.members
                                                       for w in ("--member", t.aor)))
        self.clients = {}
        for terminal in (*self.members, self.dora):
            client = self.clients[terminal.name] = terminal.registered()
            # Who serves a group's address is the proxy's business: here
            # everybody who registers for it.
            ktap.status(client.register(aor="sip:" + TEAM), 200)

    def send(self, text):
        return self.clients["alice"].message("sip:" + TEAM, text)

    def everybody_opens(self, names, text):
        for name in names:
            got = ktap.true(self.clients[name].received(), f"nothing arrived at {name}")
            ktap.equal(got.body, text.encode(), f"body at {name}")
            verified = got.get("p-mikey-verified", "")
            ktap.true("<alice@example.test>" in verified and "proved=body" in verified,
                      f"P-Mikey-Verified: {verified}")

    def refused(self, name, log):
        """Its mikeyd asked the KMS, which said no, by what it told after log."""
        def told():
            return any(name in line and "refused req=" in line
                       for line in self.stage.kms.output()[log:].splitlines())
        s.wait_for(told, 60, f"the KMS to refuse {name}")
        ktap.true(self.clients[name].received(timeout=1) is None, f"{name} opened it")


def test_members_open(scene):
    """Three members open a MESSAGE to the group, with one ticket"""
    before = scene.stage.kms_requests("ticketrequest")
    ktap.status(scene.send(TEXT), 200)
    scene.everybody_opens(("alice", "bob", "carol"), TEXT)
    ktap.equal(scene.stage.kms_requests("ticketrequest") - before, 1, "ticket requests")


def test_stranger_is_refused(scene):
    """Who is no member gets it from the proxy, asks, and is refused by the KMS"""
    log = len(scene.stage.kms.output())

    def answers():
        return [m.status for of, _, m in seen.messages() if of == (scene.dora.address, 5060)
                and m.status and m.status >= 200 and "MESSAGE" in m.get("cseq", "")]
    with scene.stage.capture() as seen:
        ktap.status(scene.send("not for dora"), 200)
        scene.everybody_opens(("alice", "bob", "carol"), "not for dora")
        scene.refused("dora", log)
        s.wait_for(answers, 60, "dora's answer")
    copies = [m for _, to, m in seen.messages()
              if m.method == "MESSAGE" and to == (scene.dora.address, 5060)]
    ktap.equal(len(copies), 1, "copies at dora's terminal")
    ktap.equal(answers(), [493], "dora's answers")


def test_membership_ends(scene):
    """A member who is taken out cannot resolve the next message"""
    scene.stage.kms_ctl("group", "member-del", TEAM, "carol@example.test")
    log = len(scene.stage.kms.output())
    try:
        ktap.status(scene.send("without carol"), 200)
        scene.everybody_opens(("alice", "bob"), "without carol")
        # before she is a member again
        scene.refused("carol", log)
    finally:
        scene.stage.kms_ctl("group", "member-add", TEAM, "carol@example.test")
    ktap.status(scene.send("with carol"), 200)
    scene.everybody_opens(("alice", "bob", "carol"), "with carol")


def main():
    with s.Stage() as stage:
        scene = Scene(stage)

        def logs():
            return "".join(f"-- {t.name}\n{t.mikeyd.output()[-2000:]}\n"
                           for t in (*scene.members, scene.dora)) + stage.kms.output()[-2000:]
        return ktap.main(sys.modules[__name__], logs, scene=scene)


if __name__ == "__main__":
    sys.exit(main())
