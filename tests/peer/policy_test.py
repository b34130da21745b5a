#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A policy with rules: for requests made at random "mikey-kms policy test" says
what mikey-kms then answers to the second implementation, K included; and what
SIGHUP makes of another policy. KTAP on standard output. Needs no kernel module."""
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

import keys as k
import mikey as m
import mikey_kms_test as one
import terminal
from kms_checks import run_checks

BUILD, URL = one.BUILD, one.URL
NAMES = ("alice", "bob", "carol", "board-1", "boss")
TEAM = "team@example.test"
OTHERS = (TEAM, "?@example.test", "b?@example.test", "?@?", "dave@partner.test", "?@partner.test")
TRIALS = 120
RULES = """
  { from = "alice@example.test"; to = "carol@example.test"; deny = true; },
  { from = "board-?@example.test"; to = ["?@partner.test", "boss@example.test"];
    max-lifetime = 600; reuse = false; wildcards = "any"; },
  { from = "bob@example.test"; to = "?@example.test"; cacheable = true; rekey = 300;
    profiles = "annex-i"; max-responders = 2; },
  { from = "carol@example.test"; to = "?@example.test"; groups = false; wildcards = "none";
    suites = ["256", "128"]; },
  { from = "boss@example.test"; to = "?"; modes = "initiator"; wildcards = "any"; },
  { from = "?@example.test"; to = "?@example.test"; }
"""


class World:
    """mikey-kms with a policy, and a user of each name for each suite."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="mikey-policy-test.")
        self.config = os.path.join(self.dir, "conf")
        with socket.create_server(("127.0.0.1", 0)) as s:
            self.port = s.getsockname()[1]
        self.write(RULES)
        self.ctl("init")
        self.psks = {}
        for name in NAMES:
            uid = f"{name}@example.test"
            self.ctl("user", "add", "--uid", uid, "--psk-id", f"{name}-256",
                     "--psk-out", f"{self.dir}/{name}-256")
            for suite in ("128", "ts-128"):     # a PSK has one suite, a user has one PSK
                alias = f"{name}@{suite}.test"
                self.ctl("user", "add", "--uid", alias, "--suite", suite, "--psk-id", f"{name}-{suite}",
                         "--psk-out", f"{self.dir}/{name}-{suite}")
        self.ctl("group", "add", "--psi", TEAM, "--member", "bob@example.test")
        self.log = os.path.join(self.dir, "log")
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen([f"{BUILD}/mikey-kms", "serve", "--config", self.config],
                                            stdout=log, stderr=subprocess.STDOUT)
        for _ in range(400):
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", self.port)) == 0:
                    break
            time.sleep(0.05)

    def write(self, rules, more=""):
        with open(self.config, "w", encoding="utf-8") as f:
            f.write(f'identity = "{URL}";\nlisten = "127.0.0.1:{self.port}";\n'
                    f'store = "{self.dir}/store";\nstore-key = "{self.dir}/key";\n'
                    f'policy = {{\nsuites = ["128", "ts-128"];\nmax-lifetime = 7200;\n{more}'
                    f'allow = ({rules});\n}};\n')

    def ctl(self, command, *rest, check=True):
        words = [command] if command == "init" else [command, rest[0]]
        done = subprocess.run([f"{BUILD}/mikey-kms", *words, "--config", self.config, *rest[len(words) - 1:]],
                              capture_output=True, text=True, check=False)
        if check and done.returncode:
            raise RuntimeError(f"{command} {rest}: {done.stderr}")
        return done.stdout

    def user(self, name, suite="256", **more):
        domain = "example" if suite == "256" else suite
        with open(f"{self.dir}/{name}-{suite}", encoding="utf-8") as f:
            psk = f.read().strip()
        words = [w for n, v in more.items() for w in (f"--{n}", str(v))]
        return terminal.Terminal(terminal.parser().parse_args([
            "send", "--uid", f"{name}@{domain}.test", "--psk-id", f"{name}-{suite}", "--psk", psk,
            "--kms-url", URL, "--kms", f"127.0.0.1:{self.port}", "--suite", suite, *words]))

    def says(self, wish):
        """The verdict of policy test."""
        flags = f"J{int(wish['reuse'])},E{int(not wish['cacheable'])}"
        words = ["--rekey", str(wish["rekey"])] if wish["rekey"] else []
        return json.loads(self.ctl(
            "policy", "test", "--json", "--profile", wish["profile"], "--suite", wish["suite"], "--mode",
            "kms" if wish["mode"] == 1 else "initiator", "--flags", flags, "--lifetime",
            str(wish["lifetime"]), *words, self.user(wish["from"], wish["suite"]).uid.decode(), *wish["to"],
            check=False))

    def does(self, wish):
        """What comes over the wire, in the same words."""
        me = self.user(wish["from"], wish["suite"], profile=wish["profile"], mode=wish["mode"],
                       lifetime=wish["lifetime"], **({"rekey": wish["rekey"]} if wish["rekey"] else {}))
        bits = me.profile.bits(wish["mode"], wish["reuse"], wish["cacheable"])
        to = [t.encode() for t in wish["to"]]
        try:
            if wish["mode"] == 1:
                held = me.request(to, bits=bits)
            else:
                held = me.mint(to, bits=bits)
                who = wish["to"][0].split("@", 1)[0]
                self.user(who, wish["suite"]).resolve(me.protect(to[0], one.ENTITY, "auth-enveloped", held=held)[0])
        except m.Bad as e:
            words = str(e).split()
            return {"granted": False, "error_no": int(words[2]) if words[:2] == ["MIKEY", "error"] else str(e)}
        t = m.Ticket(held.body + b"\0\0")
        seconds = [int.from_bytes(t.time(which), "big") for which in (m.TRS, m.TRE)]
        return {"granted": True, "lifetime": seconds[1] - seconds[0], "reuse": "J" in flag_letters(t.flags),
                "cacheable": "E" not in flag_letters(t.flags), "k": "K" in flag_letters(t.flags),
                "rekey": int.from_bytes(t.time(m.TRR) or b"", "big")}

    def reload(self, words):
        """SIGHUP, until the log says so."""
        with open(self.log, "rb") as f:
            before = f.read().count(words)
        self.process.send_signal(signal.SIGHUP)
        for _ in range(600):
            with open(self.log, "rb") as f:
                if f.read().count(words) > before:
                    return True
            time.sleep(0.05)
        return False

    def stop(self):
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.dir)


def flag_letters(flags):
    return {name for name, bit in k.FLAGS.items() if flags & bit}


def make_wish(rng):
    """A request; a ticket of mode 3 is for a user first, who resolves it."""
    mode = rng.choice((1, 1, 1, 3))
    suite = rng.choice(("256", "256", "256", "128", "ts-128"))
    domain = "example" if suite == "256" else suite
    users = [f"{n}@{domain}.test" for n in NAMES]
    to = [rng.choice(users)] if mode == 3 else []
    while not to or rng.random() < 0.35:
        one_more = rng.choice(users + list(OTHERS))
        if one_more not in to:
            to.append(one_more)
    profile = rng.choice(("immediate", "immediate", "annex-i"))
    return {"from": rng.choice(NAMES), "to": to, "mode": mode, "suite": suite, "profile": profile,
            "reuse": rng.random() < 0.7, "cacheable": profile == "annex-i" and rng.random() < 0.5,
            "lifetime": rng.choice((60, 590, 3000, 20000)), "rekey": rng.choice((0, 0, 0, 120, 5000))}


def agree(said, did):
    if said["granted"] != did["granted"]:
        return False
    if not said["granted"]:
        return said["error_no"] == did["error_no"]
    # an end that was cut counts from when the KMS looked
    return abs(said["lifetime"] - did["lifetime"]) <= 5 and all(
        said[n] == did[n] for n in ("reuse", "cacheable", "rekey", "k") if n in did)


def property_of(w, rng, seen):
    for number in range(TRIALS):
        wish = make_wish(rng)
        said, did = w.says(wish), w.does(wish)
        if wish["mode"] == 3 and did["granted"]:
            did.pop("k")
        if not agree(said, did):
            print(f"#   {number}: {wish}\n#   policy test: {said}\n#   serve: {did}")
            return False
        seen.add((said["granted"], said.get("k"), said.get("why")))
    return True


def wish_of(sender, *to, **more):
    return {"from": sender, "to": [f"{t}@example.test" for t in to], "mode": 1, "suite": "256",
            "profile": "immediate", "reuse": True, "cacheable": False, "lifetime": 60, "rekey": 0, **more}


def checks(w):
    seed = int(os.environ.get("SEED", random.randrange(1 << 32)))
    print(f"# SEED={seed}")
    seen = set()
    yield f"{TRIALS} requests: policy test says what serve does", \
        lambda: property_of(w, random.Random(seed), seen)

    def covered():
        for one_of in sorted(seen, key=str):
            print(f"#   {one_of}")
        return {True, False} == {s[0] for s in seen} and {True, False} <= {s[1] for s in seen}
    yield "among them granted, changed (K) and refused", covered

    def changed():
        did = w.does(wish_of("board-1", "boss", lifetime=3600))
        return did == {"granted": True, "lifetime": did["lifetime"], "reuse": False, "cacheable": False,
                       "k": True, "rekey": 0} and 595 <= did["lifetime"] <= 605
    yield "K and the shorter ticket of a rule, as the wire has them (RFC 6043 6.10)", changed

    def who_decides():
        said = w.says(wish_of("alice", "bob", "carol"))
        lines = [t["rule"] and t["rule"]["line"] for t in said["to"]]
        with open(w.config, encoding="utf-8") as f:
            text = f.read().split("\n")
        return "?@example.test" in text[lines[0] - 1] and "deny" in text[lines[1] - 1] and not said["granted"]
    yield "policy test names the line that decides on each recipient", who_decides

    def not_taken():
        w.write('{ from = "alice@example.test"; to = "carol@example.test"; }', "max-lifetime = 0;\n")
        good = w.reload(b"not-reloaded")
        return good and not w.does(wish_of("alice", "carol"))["granted"] and w.does(
            wish_of("alice", "bob"))["granted"]
    yield "SIGHUP with a fault in the file changes nothing", not_taken

    def taken():
        w.write('{ from = "alice@example.test"; to = "carol@example.test"; max-lifetime = 30; }')
        good = w.reload(b"reloaded file=")
        did = w.does(wish_of("alice", "carol"))
        return good and did["granted"] and did["k"] and not w.does(wish_of("alice", "bob"))["granted"]
    yield "SIGHUP with a good one: the next request is answered by it", taken

    def recorded():
        shown = w.ctl("audit", "show", "--json", "--event", "reload")
        return "not taken" in shown and "policy" in shown
    yield "and the audit trail has both", recorded


if __name__ == "__main__":
    sys.exit(run_checks(World, (checks,)))
