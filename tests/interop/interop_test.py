#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Programs that nobody here wrote check what the kernel makes, and make what
it opens. KTAP on standard output; `make interop` builds what this wants.

  interop_test.py [--native]    --native: the running kernel, no machine

The second implementation (tests/peer) stands in between: it is the KMS, so it
knows the traffic keys, derives the KEKs and hands them to OpenSSL and Bouncy
Castle. What they make goes into the machine with TRANSFER_INITs of the second
implementation around it; what the kernel makes comes out of it. The machine
is booted once, Java runs twice, all on this machine's side.

A new form, suite or profile is a line of the tables below.
"""
import itertools
import json
import os
import shutil
import subprocess
import sys

import bouncycastle
import dissection
import openssl
import session
from cases import ENTITIES, FORMS, OBJECTS, REFUSED, SESSIONS, VARIANTS, flip
from checks import Checks, equal
from later import Failed, Later

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
WORK = os.path.join(TOP, os.environ.get("BUILD", "build"), "interop")


class Machine:
    """What the kernel is asked to do, all at once, and its answers."""

    def __init__(self):
        self.jobs, self.answers, self.complaint = [], {}, ""

    def ask(self, kind, **job):
        ident = f"job {len(self.jobs)}"
        self.jobs.append({kind: ident, **{k: v.hex() if isinstance(v, bytes) else v
                                          for k, v in job.items()}})
        return ident

    def run(self, options):
        path = os.path.join(WORK, "jobs.json")
        with open(path, "w", encoding="utf-8") as f:
            f.writelines(json.dumps(job) + "\n" for job in self.jobs)
        done = subprocess.run(
            [os.path.join(TOP, "tests", "vm", "run"), *options, "--timeout", "1000", "--",
             os.path.join(HERE, "guest.py"), path], cwd=TOP, text=True, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for line in done.stdout.splitlines():
            answer = json.loads(line)
            self.answers[answer["id"]] = answer
        if done.returncode:
            self.complaint = f"the machine ended with {done.returncode}: {done.stderr[-2000:]}"

    def answer(self, ident):
        if ident not in self.answers:
            raise Failed(self.complaint or "the machine did not answer")
        return self.answers[ident]

    def bytes(self, ident, name):
        answer = self.answer(ident)
        if "refused" in answer:
            raise Failed("the kernel says {}: {}".format(*answer["refused"]))
        return bytes.fromhex(answer[name])


class Run:
    """All of it: first everything is made, then the machine runs, then
    everything is opened; each check looks at a part of what came of that."""

    def __init__(self, options):
        self.options, self.checks = options, Checks()
        shutil.rmtree(WORK, ignore_errors=True)
        os.makedirs(WORK)
        self.machine = Machine()
        self.made = bouncycastle.Batch(os.path.join(WORK, "made"))
        self.opened = bouncycastle.Batch(os.path.join(WORK, "opened"))
        self.tshark = dissection.Dissection(os.path.join(WORK, "tshark.pcap"))

    # --- what others make and the kernel opens

    def letters(self):
        """(session's names, case, entity, session, outcome)"""
        for names, case in itertools.product(SESSIONS, (*OBJECTS, *VARIANTS, *REFUSED)):
            if not case.belongs(names[0]):
                continue
            for entity in case.entities:
                made = session.Session(*names)
                yield names, case, entity, made, case.make(self.made, made.keks, made.spi, entity)

    def receive(self, letters):
        """Jobs for the machine, and checks of what the kernel said."""
        asked = {}
        for names, case, entity, made, outcome in letters:
            job = None
            if outcome.value is not None:
                der = case.bend(outcome.value)
                job = self.machine.ask("open", profile=names[0], suite=names[1], cms=der,
                                       transfer=made.transfer(der), tpk=made.tpk)
            asked.setdefault((names, case), []).append((entity, outcome, job))
        for (names, case), letter in asked.items():
            verb = "refuses" if case.words else "opens"
            self.checks.add(f"{names[0]} {names[1]}: the kernel {verb} {case.name}",
                       self.was_received, names, case, letter)

    def was_received(self, names, case, letter):
        for entity, outcome, job in letter:
            outcome.get()
            if case.words:
                errno, words = self.machine.answer(job).get("refused", (0, ""))
                equal((errno, case.words in words), (case.errno, True), f"'{words}'")
                continue
            equal(self.machine.bytes(job, "entity"), entity, "entity")
            equal(self.machine.bytes(job, "initiator"), session.ALICE.encode(), "initiator")
            equal(self.machine.bytes(job, "recipient"), session.BOB.encode(), "recipient")
            answer = self.machine.answer(job)
            equal(answer["form"], case.form, "form")
            equal(answer["proved"], "body" if names[0] == "immediate" else "recipient", "proved")

    # --- what the kernel makes and others open

    def send(self):
        jobs = {}
        for names, form in itertools.product(SESSIONS, FORMS):
            if form.belongs(names[0]):
                jobs[names, form] = [(e, self.machine.ask(
                    "protect", profile=names[0], suite=names[1], form=form.form,
                    entity=e, **{"content-alg": form.alg})) for e in ENTITIES]
        return jobs

    def open_sent(self, jobs):
        for (names, form), sent in jobs.items():
            for case in (c for c in OBJECTS if c.belongs(names[0]) and
                         (c.form, c.alg) == (form.form, form.alg)):
                label = f"{names[0]} {names[1]}: {case.opener} "
                for verb, bend in (("opens", bytes), ("does not open a bent", flip)):
                    outcomes = [(e, self.outcome(names, case, job, bend)) for e, job in sent]
                    self.checks.add(f"{label}{verb} {case.label} of the kernel", self.was_opened,
                               outcomes, bend is flip)

    def outcome(self, names, case, job, bend):
        """How a program opens what the kernel made: a function, since the
        second step of some is still to come."""
        try:
            transfer = self.machine.bytes(job, "transfer")
            der = bend(self.machine.bytes(job, "cms"))
            spi, keks = session.keks_of(transfer, names[1], self.machine.bytes(job, "tpk"))
            return case.open(self.opened, keks, spi, der)
        except (Failed, session.m.Bad) as e:
            return Later(error=f"nothing to open: {e}").get

    def was_opened(self, outcomes, bent):
        for entity, outcome in outcomes:
            try:
                got = outcome()
            except Failed as e:
                if not bent or "nothing to open" in str(e):
                    raise
                continue
            if bent:
                raise AssertionError("it opens")
            equal(got, entity, "entity")

    # --- what tshark sees

    def look(self, jobs, opened):
        """opened: a job of each session that the kernel had to resolve."""
        for (names, form), sent in jobs.items():
            (entity, job), label = sent[0], f"{names[0]} {names[1]}: tshark sees"
            messages = [("REQUEST_INIT", job, "request"), ("TRANSFER_INIT", job, "transfer"),
                        ("RESOLVE_INIT", opened[names], "resolve")]
            try:
                self.tshark.see_cms(self.checks.add, f"{label} {form.label} of the kernel", form,
                                    *(self.machine.bytes(job, n) for n in ("transfer", "cms")),
                                    entity)
                for what, source, name in messages if form is FORMS[0] else ():
                    self.tshark.see_mikey(self.checks.add, label, what, self.machine.bytes(source, name))
            except (Failed, session.m.Bad) as e:
                self.checks.add(f"{label} {form.label} of the kernel", Later(error=str(e)).get)
        self.tshark.see_damage(self.checks.add)

    def everything(self):
        letters = list(self.letters())
        limits = openssl.limits(session.Session("immediate", "256"))
        self.made.run()
        self.receive(letters)
        first = {}
        for job in self.machine.jobs:
            first.setdefault((job["profile"], job["suite"]), job["open"])
        jobs = self.send()
        self.machine.run(self.options)
        self.open_sent(jobs)
        self.opened.run()
        self.look(jobs, first)
        self.tshark.run()
        for name, outcome, words in limits:
            self.checks.add(name, outcome.refused, words)


def main():
    run = Run([o for o in sys.argv[1:] if o == "--native"])
    run.everything()
    return run.checks.report()


if __name__ == "__main__":
    sys.exit(main())
