# SPDX-License-Identifier: GPL-2.0-or-later
"""Two terminals of one suite, for the tests of the whole profile: test_profile.py
and test_policy.py. The modules are loaded with all suites on."""

import os

import ktap
import stage as s

TEXT = "Grüße in jeder Form ✓"
SUITES = ("256", "128", "ts-128")
PEOPLE = {"256": ("alice", "bob"), "128": ("carol", "dave"), "ts-128": ("erin", "frank")}
BOTH = ["immediate", "annex-i"]


def load(parameter=None):
    """The modules anew, with a parameter of mikey_ticket."""
    for module in ("mikey_mime", "mikey_ticket"):
        if os.path.isdir(f"/sys/module/{module}"):
            s.run("rmmod", module)
    if parameter:
        depends = s.run("modinfo", "-F", "depends", f"{s.MODULES}/mikey_ticket.ko").stdout
        for name in filter(None, depends.strip().split(",")):
            s.run("modprobe", name)
        s.run("insmod", f"{s.MODULES}/mikey_ticket.ko", parameter)
    s.run("bash", os.path.join(s.TOP, "tests", "vm", "load"), s.MODULES)


class Pair:
    """Two terminals of one suite; the settings of the sender's change."""

    def __init__(self, stage, suite):
        self.stage = stage
        self.left, self.right = (
            stage.terminal(name, suite=suite, accept_profile=BOTH) for name in PEOPLE[suite])
        self.b = self.right.registered()
        self.a = None

    def sender(self, **settings):
        """Restart the sender's mikeyd with other settings and no tickets."""
        for ticket in self.left.tickets():
            self.left.ctl("ticket", "invalidate", ticket["serial"])
        self.left.configure(accept_profile=BOTH, **settings)
        self.left.restart()
        self.a = self.left.registered()

    def receiver(self, **settings):
        self.right.configure(**{"accept_profile": BOTH, **settings})
        self.right.restart()
        self.b = self.right.registered()

    def sends(self, text=TEXT):
        self.b.drain()
        return self.a.message(self.right.uri, text)

    def arrives(self, form, proved, text=TEXT):
        ktap.status(self.sends(text), 200)
        got = ktap.true(self.b.received(), "nothing arrived")
        ktap.equal(got.body.decode(), text, "body")
        told = got.get("p-mikey-verified", "")
        ktap.true(f"<{self.left.aor}>; proved={proved};" in told and told.endswith(f"form={form}"),
                  f"told: {told}")

    def refused(self, code, text=TEXT):
        """What the sender is told; nothing arrives."""
        answer = ktap.status(self.sends(text), code)
        ktap.true(self.b.received(timeout=1) is None, "delivered")
        return answer

    def asked(self, kind):
        return self.stage.kms_requests(kind)


def main(module, suites=SUITES):
    """Run a module's tests with a pair for each of some suites."""
    load("suites=14")
    with s.Stage(kms_policy={"suites": ["128", "ts-128"], "cacheable": True}) as stage:
        pairs = {suite: Pair(stage, suite) for suite in suites}

        def logs():
            return "".join(f"-- {t.name}\n{t.mikeyd.output()[-1500:]}\n"
                           for t in stage.terminals.values())
        try:
            return ktap.main(module, logs, stage=stage, pairs=pairs)
        finally:
            for terminal in stage.terminals.values():
                terminal.mikeyd.stop()
            load()
