# SPDX-License-Identifier: GPL-2.0-or-later
"""What the tests against the second implementation (tests/peer) share: users
of every suite, and that implementation as sender, receiver and KMS on stage."""

import contextlib
import json
import os
import socket
import subprocess
import threading

import ktap
import stage as s
import keys as k  # beside kms.py, whose folder stage knows
import terminal as peer

RECEIVER = ("10.66.0.1", 5090)
TEXT = "Grüße vom Nachbarn ✓"
ENTITY = b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + TEXT.encode()
SUITES = tuple(k.SUITES)
TEAM, LIST = f"team@{s.DOMAIN}", f"list@{s.DOMAIN}"
# What the product tells of a message of a profile.
PROVED = {"immediate": "body", "annex-i": "recipient"}
SUITE_MASK = 0xE
BOTH = ["immediate", "annex-i"]


def load_modules(*parameters):
    """Load both modules anew, mikey_ticket with parameters."""
    for module in ("mikey_mime", "mikey_ticket"):
        if os.path.isdir(f"/sys/module/{module}"):
            s.run("rmmod", module)
    s.run("insmod", f"{s.MODULES}/mikey_ticket.ko", *parameters)
    s.run("insmod", f"{s.MODULES}/mikey_mime.ko")


class User:
    """One of a terminal's identities: a UID and its PSK, of one suite."""

    def __init__(self, stage, name, suite, terminal=None):
        self.uid = f"{name}-{suite}@{s.DOMAIN}"
        path = os.path.join(terminal.dir if terminal else stage.dir, f"psk-{name}-{suite}")
        stage.kms_ctl("user", "add", "--uid", self.uid, "--suite", suite, "--psk-out", path)
        with open(path, encoding="ascii") as f:
            self.psk_hex = "".join(f.read().split())
        if terminal:
            os.chown(path, terminal.uid, terminal.uid)
            terminal.ctl("psk", "load", "--id", self.uid, "--from", path, "--quiet")
        self.suite = suite

    def peer(self, *more):
        """This user on a terminal of the second implementation."""
        return peer.Terminal(peer.parser().parse_args(["send", *self.arguments(), *more]))

    def arguments(self):
        return ["--uid", self.uid, "--psk-id", self.uid, "--psk", self.psk_hex, "--suite", self.suite,
                "--kms-url", s.KMS_ID, "--kms", "%s:%d" % s.KMS]


class Troupe:
    """Alice and bob on the product, mallory and carol on paper only; all of
    them with a user for each suite."""

    def __init__(self, stage):
        self.stage = stage
        with open(stage.kms_config, encoding="utf-8") as f:
            config = f.read()
        with open(stage.kms_config, "w", encoding="utf-8") as f:
            f.write(config.replace(
                "policy = {\n", 'policy = {\nsuites = [ "128", "ts-128" ];\ncacheable = true;\n'))
        stage.true_kms()
        self.terminals = {n: stage.terminal(n, start=False) for n in ("alice", "bob")}
        self.users = {(n, suite): User(stage, n, suite, self.terminals.get(n))
                      for n in ("alice", "bob", "carol", "mallory") for suite in SUITES}
        stage.kms_ctl("group", "add", "--psi", TEAM,
                      *(f"--member={self.users[n, suite].uid}" for n in ("bob", "carol")
                        for suite in SUITES))
        self.state, self.clients = {}, {}

    def user(self, name, suite="256"):
        return self.users[name, suite]

    def play(self, name, suite="256", **settings):
        """The product's terminal as that user, its client registered."""
        terminal, user = self.terminals[name], self.users[name, suite]
        wanted = (suite, tuple(sorted((n, str(v)) for n, v in settings.items())))
        if self.state.get(name) != wanted:
            self.state[name] = wanted
            terminal.aor, terminal.uri, terminal.psk_hex = user.uid, f"sip:{user.uid}", user.psk_hex
            terminal.configure(suite=suite, **{"accept_profile": BOTH, **settings})
            if terminal.mikeyd:
                for old in terminal.clients:
                    old.close()
                terminal.clients.clear()
                terminal.mikeyd.stop()
            terminal.start()
            self.clients[name] = terminal.client() if "next_hop" in settings else terminal.registered()
        client = self.clients[name]
        client.drain()
        return client

    def forms(self):
        """What the product can do, in the words of keys.FORMS."""
        policy = json.loads(self.terminals["bob"].ctl("policy", "--json").stdout)
        named = json.dumps(policy)
        return k.FORMS if "authenticated-enveloped" in named else ("auth-enveloped", "authenticated")

    def peer_sends(self, sender, to, bend=None, form="auth-enveloped", more=(), me=None, held=None):
        """The answer to a MESSAGE of the second implementation, which stands
        beside the proxy."""
        arguments = peer.parser().parse_args([
            "send", *sender.arguments(), "--to", to, "--proxy", "%s:%d" % s.PROXY, "--text", TEXT,
            "--form", form, *more])
        with s.namespace("e2e-net"):
            return peer.send(arguments, me or peer.Terminal(arguments), bend, held)["status"]

    @contextlib.contextmanager
    def peer_receives(self, user, count, *more):
        """What the second implementation is told by count MESSAGEs, at
        RECEIVER."""
        arguments = peer.parser().parse_args([
            "receive", *user.arguments(), "--listen", "%s:%d" % RECEIVER, "--count", str(count), *more])
        with s.namespace("e2e-net"):
            listener = peer.listen(arguments)
        told = []

        def receive():
            with contextlib.suppress(OSError), s.namespace("e2e-net"):
                peer.receive(arguments, listener, told.append)
        thread = threading.Thread(target=receive, daemon=True)
        thread.start()
        try:
            yield told
        finally:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)     # else accept() keeps the address
            listener.close()
            thread.join(5)

    def true_kms(self):
        if isinstance(self.stage.kms, s.ForeignKms):
            self.stage.true_kms()

    def foreign_kms(self, fault=""):
        """The second implementation's KMS in the place of mikey-kms."""
        if isinstance(self.stage.kms, s.ForeignKms):
            self.stage.kms.kms.fault = fault
            return self.stage.kms.kms
        self.stage.kms.stop()
        users = [f"--user={u.uid},{u.uid},{u.psk_hex},{u.suite}" for u in self.users.values()]
        members = ",".join(self.users[n, suite].uid for n in ("bob", "carol") for suite in SUITES)
        with s.namespace("e2e-net"):
            self.stage.kms = s.ForeignKms([
                "--bind", s.KMS[0], "--port", str(s.KMS[1]), "--url", s.KMS_ID, "--fault", fault,
                f"--group={TEAM},{members}", *users])
        return self.stage.kms.kms

    def drop_tickets(self, name):
        for ticket in self.terminals[name].tickets():
            self.terminals[name].ctl("ticket", "invalidate", ticket["serial"])

    def logs(self):
        words = [f"-- {t.name}\n{t.mikeyd.output()[-1500:]}\n" for t in self.terminals.values() if t.mikeyd]
        kernel = subprocess.run(["dmesg"], capture_output=True, text=True, check=False).stdout
        return "".join(words) + f"-- kms\n{self.stage.kms.output()[-1500:]}\n-- kernel\n{kernel[-600:]}\n"


def delivered(client, user, proved):
    """It arrived, as it was sent, and what was proved is told."""
    got = ktap.true(client.received(), "nothing arrived")
    ktap.equal(got.body.decode(), TEXT, "body")
    told = got.get("p-mikey-verified", "")
    ktap.true(user.uid in told and f"proved={proved}" in told, f"told: {told}")


def on_stage(module, more=lambda troupe: {}):
    """Run a module's tests with a Troupe, and what more makes of it; other
    suites need the modules' leave, which is given for the time."""
    load_modules(f"suites={SUITE_MASK}")
    try:
        with s.Stage() as stage:
            troupe = Troupe(stage)
            return ktap.main(module, troupe.logs, troupe=troupe, **more(troupe))
    finally:
        s.run("bash", os.path.join(s.TOP, "tests", "vm", "load"), "--replace", s.MODULES)
