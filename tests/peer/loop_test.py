#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The second implementation with itself over sockets of this machine: sender,
KMS and receiver in every profile, suite, mode and form, and what each of them
refuses. KTAP on standard output."""
import os
import sys
import threading
import time

import cms
import keys as k
import kms
import mikey as m
import terminal

URL, ALICE, BOB, CAROL, TEAM = "http://kms.test", "alice@test", "bob@test", "carol@test", "team@test"
ENTITY = b"Content-Type: text/plain\r\n\r\nhello"


class World:
    """A KMS that knows three users by one PSK for each suite."""

    def __init__(self):
        users, self.psks = [], {}
        for uid in (ALICE, BOB, CAROL):
            for name, suite in k.SUITES.items():
                psk = os.urandom(suite.key_len).hex()
                self.psks[uid, name] = psk
                users.append(f"--user={uid},{uid}#{name},{psk},{name}")
        self.lines = []
        self.server = kms.Server(kms.parser().parse_args(
            ["--port", "0", "--url", URL, f"--group={TEAM},{BOB},{CAROL}", *users]), self.lines.append)
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def terminal(self, uid, suite="256", *more, psk=None):
        return terminal.Terminal(terminal.parser().parse_args([
            "send", "--uid", uid, "--psk-id", f"{psk or uid}#{suite}",
            "--psk", self.psks[psk or uid, suite], "--kms-url", URL,
            "--kms", "127.0.0.1:%d" % self.server.server_address[1], "--suite", suite, *more]))


def refusal(call, *args, **more):
    """Why it was refused, or None."""
    try:
        call(*args, **more)
    except (m.Bad, cms.Bad) as e:
        return str(e)
    return None


def matrix(w):
    for profile in k.PROFILES.values():
        for suite in k.SUITES:
            for mode in ("1", "3"):
                a = w.terminal(ALICE, suite, "--profile", profile.name, "--mode", mode)
                for form in profile.forms:
                    told = w.terminal(BOB, suite).open(*a.protect(BOB.encode(), ENTITY, form))
                    yield f"{profile.name} {suite} mode {mode} {form}", \
                        told["initiator"] == ALICE and told["form"] == form and \
                        told["body_proved"] == profile.forked


def options(w):
    """What a ticket may have besides."""
    a = w.terminal(ALICE, "256", "--responder", TEAM, "--rekey", "600")
    told = w.terminal(CAROL, "256", "--accept", TEAM).open(*a.protect(TEAM.encode(), ENTITY, "authenticated"))
    yield "a group, TRr", told["recipient"] == TEAM
    a = w.terminal(ALICE, "256", "--responder", "?@test")
    yield "a wildcard", w.terminal(CAROL).open(*a.protect(CAROL.encode(), ENTITY, "auth-enveloped"))
    for profile, named in (("immediate", ["list@test"]), ("annex-i", [])):
        named = [f"--responder={uid}" for uid in (*named, BOB, CAROL)]
        a = w.terminal(ALICE, "256", "--profile", profile, *named)
        sent = a.protect(b"list@test", ENTITY, "auth-enveloped")
        told = [w.terminal(uid, "256", "--list-service", "list@test").open(*sent) for uid in (BOB, CAROL)]
        yield f"{profile}, a list of two", all(t["recipient"] == "list@test" for t in told)
    for kind in (m.NTP_UTC, m.COUNTER):
        more = ("--t-type", str(kind), "--counter", "5")
        a, b = w.terminal(ALICE, "256", *more), w.terminal(BOB, "256", *more)
        yield f"TS type {kind}", b.open(*a.protect(BOB.encode(), ENTITY, "auth-enveloped"))
        if kind == m.COUNTER:
            b.count = 5
            yield "a counter that does not grow", "MIKEY error 1 with V" == refusal(
                b.open, *a.protect(BOB.encode(), ENTITY, "auth-enveloped"))
    a = w.terminal(ALICE, "256", "--profile", "annex-i", "--cacheable")
    b = w.terminal(BOB)
    b.open(*a.protect(BOB.encode(), ENTITY, "auth-enveloped"))
    before = len(w.lines)
    yield "E0: resolved once, opened twice", \
        b.open(*a.protect(BOB.encode(), ENTITY, "auth-enveloped")) and len(w.lines) == before


def refusals(w):
    a, b = w.terminal(ALICE), w.terminal(BOB)
    for name, fault in terminal.FAULTS.items():
        told = refusal(b.open, *a.protect(BOB.encode(), ENTITY, "auth-enveloped", fault))
        yield f"{name}: {told}", (told is None) == (name in ("no-proof", "mac-proof"))
    sent = a.protect(BOB.encode(), ENTITY, "auth-enveloped")
    told = refusal(w.terminal(CAROL, "256", "--accept", BOB).resolve, sent[0])
    yield f"another recipient's resolve: {told}", told == "MIKEY error 0 with V"
    minted = w.terminal(ALICE, "256", "--mode", "3", psk=CAROL)
    told = refusal(b.resolve, minted.protect(BOB.encode(), ENTITY, "auth-enveloped")[0])
    yield f"a ticket from alice under carol's PSK: {told}", told == "MIKEY error 0 with V"
    for name in kms.FAULTS:
        w.server.kms.fault = name
        told = refusal(w.terminal(ALICE).request, [BOB.encode()])
        # what a request cannot tell, the first message does
        if told is None:
            told = refusal(b.open, *w.terminal(ALICE).protect(BOB.encode(), ENTITY, "auth-enveloped"))
        yield f"KMS {name}: {told}", told is not None
        w.server.kms.fault = ""
    yield "the good one still opens", b.open(*sent)


def main():
    world, results, start = World(), [], time.monotonic()
    for checks in (matrix, options, refusals):
        results += checks(world)
    world.server.stop()
    print(f"TAP version 13\n1..{len(results)}")
    for n, (what, ok) in enumerate(results, 1):
        print(f"{'ok' if ok else 'not ok'} {n} {what}")
    print(f"# {time.monotonic() - start:.1f} s")
    return 0 if all(ok for _, ok in results) else 1


if __name__ == "__main__":
    sys.exit(main())
