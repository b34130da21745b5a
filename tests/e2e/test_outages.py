#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Parts that are missing, ill, killed or taken away: said at once and in
words, and everything goes on when they are back."""

import os
import signal
import subprocess
import sys
import threading
import time

import ktap
import stage as s


class Scene:
    def __init__(self, stage, alice, bob):
        self.stage, self.alice, self.bob = stage, alice, bob
        self.clients()

    def clients(self):
        self.a, self.b = self.alice.registered(), self.bob.registered()

    def fresh(self):
        """Alice without tickets, so that the next message needs the KMS."""
        for ticket in self.alice.tickets():
            self.alice.ctl("ticket", "invalidate", ticket["serial"])
        self.alice.restart()
        self.a = self.alice.registered()

    def works(self, text="good"):
        ktap.status(self.a.message(self.bob.uri, text), 200)
        ktap.equal(ktap.true(self.b.received(), "nothing arrived").body, text.encode(), "body")


def away(answer):
    """503 with Retry-After and words."""
    ktap.status(answer, 503)
    ktap.true(answer.get("retry-after", "").split(";")[0].strip().isdigit(),
              f"Retry-After: {answer.get('retry-after')}")


def test_kms_away(scene):
    """KMS away: 503 with Retry-After; back: the next message arrives"""
    scene.fresh()
    scene.stage.kms.stop()
    begin = time.monotonic()
    away(scene.a.message(scene.bob.uri, "x"))
    # well before kms-timeout
    ktap.true(time.monotonic() - begin < s.PATIENCE - 5, "it took long to say so")
    scene.stage.start_kms()
    scene.works()


def faulty(scene, fault):
    scene.fresh()
    scene.stage.faulty_kms(fault)
    try:
        answer = scene.a.message(scene.bob.uri, "x")
    finally:
        scene.stage.true_kms()
    ktap.true(answer and answer.status >= 500, f"answer: {answer and answer.first}")
    ktap.true(scene.b.received(timeout=0.5) is None, "something was delivered")
    scene.works()
    return answer


def test_kms_garbage(scene):
    """KMS answers garbage: 5xx, then all is well with a sane KMS"""
    faulty(scene, "garbage")


def test_kms_empty(scene):
    """KMS answers nothing: 5xx"""
    faulty(scene, "empty")


def test_kms_closes(scene):
    """KMS hangs up: 503 with Retry-After"""
    away(faulty(scene, "close"))


def test_kms_ill(scene):
    """KMS answers 500: 503 with Retry-After"""
    away(faulty(scene, "http-500"))


def test_kms_slow(scene):
    """KMS does not answer: 503 when its time is up, others are served meanwhile"""
    scene.alice.configure(kms_timeout=15)
    scene.fresh()
    scene.stage.faulty_kms("slow")
    try:
        answers = []
        thread = threading.Thread(target=lambda: answers.append(
            scene.a.message(scene.bob.uri, "x")))
        thread.start()
        s.wait_for(lambda: scene.stage.kms.kms.asked, 60, "the KMS to be asked")
        ktap.status(scene.alice.client().register(), 200)
        ktap.equal(answers, [], "REGISTER waited for the KMS: answers")
        thread.join(60)
    finally:
        scene.stage.true_kms()
        scene.alice.configure()
    away(answers[0] if answers else None)
    scene.works()


def test_kms_away_at_receiver(scene):
    """KMS away when bob resolves: 5xx to the sender, a second try arrives"""
    scene.works("first")
    scene.stage.kms.stop()
    answer = scene.a.message(scene.bob.uri, "not yet")
    ktap.true(answer and answer.status in (480, 500, 503), f"answer: {answer and answer.first}")
    scene.stage.start_kms()
    ktap.true(scene.b.received(timeout=0.5) is None, "delivered without a resolve")
    scene.works("second try")


def test_killed_and_restarted(scene):
    """mikeyd killed and started again finds its ticket and goes on"""
    scene.works("before")
    before = scene.stage.kms_requests("ticketrequest")
    scene.alice.mikeyd.stop(signal.SIGKILL)
    scene.alice.start()
    scene.a = scene.alice.registered()
    scene.works("after")
    ktap.equal(scene.stage.kms_requests("ticketrequest") - before, 0, "new ticket requests")


def starts_with_words(terminal, *words):
    """mikeyd does not start, and says why."""
    process = terminal.start(wait=False)
    s.wait_for(lambda: not process.alive(), 60, "mikeyd to end")
    ktap.true(process.popen.returncode not in (0, None, -signal.SIGSEGV, -signal.SIGABRT),
              f"status {process.popen.returncode}")
    told = process.output()
    for word in words:
        ktap.true(word.lower() in told.lower(), f"'{word}' is not in: {told}")
    ktap.true(len(told.splitlines()) < 6, f"more than a few lines: {told}")


def test_no_psk(scene):
    """Without its PSK mikeyd says so and does not start"""
    scene.alice.mikeyd.stop()
    scene.alice.configure(psk="logon:mikey:nobody@example.test")
    starts_with_words(scene.alice, "mikey:nobody@example.test")
    scene.alice.configure()
    scene.alice.start()
    scene.a = scene.alice.registered()
    scene.works()


def test_bad_configuration(scene):
    """Mistakes in mikeyd.conf are told with file and line"""
    scene.alice.mikeyd.stop()
    for settings, words in (
            ({"form": "rot13"}, ("mikeyd.conf:", "form")),
            ({"colour": "blue"}, ("mikeyd.conf:", "colour")),
            ({"kms": None}, ("mikeyd.conf", "kms")),
            ({"listen": ["udp:0.0.0.0:5062"]}, ("mikeyd.conf:", "listen")),
            ({"identity": ["nobody"]}, ("mikeyd.conf:", "identity")),
            ({"next_hop": "sip:"}, ("mikeyd.conf:", "next-hop"))):
        scene.alice.configure(**settings)
        starts_with_words(scene.alice, *words)
    with open(scene.alice.config, "w", encoding="utf-8") as f:
        f.write("identity = [\"alice@example.test\"\n")
    starts_with_words(scene.alice, "mikeyd.conf:")
    os.unlink(scene.alice.config)
    starts_with_words(scene.alice, "mikeyd.conf")
    scene.alice.configure()
    scene.alice.start()
    scene.a = scene.alice.registered()
    scene.works()


def loaded(module):
    return os.path.isdir(f"/sys/module/{module}")


def rmmod(module):
    return subprocess.run(["rmmod", module], capture_output=True, text=True, check=False)


def load():
    s.run("bash", os.path.join(s.TOP, "tests", "vm", "load"), s.MODULES)


def test_modules_in_order(scene):
    """mikey_ticket cannot go while mikey_mime needs it"""
    gone = rmmod("mikey_ticket")
    ktap.true(gone.returncode != 0 and loaded("mikey_ticket"), "it went")
    scene.works()


def test_rmmod_during_traffic(scene):
    """rmmod during traffic: refused or clean, and all goes on after a reload"""
    ended, answers = threading.Event(), []

    def traffic():
        while not ended.is_set():
            answers.append(scene.a.message(scene.bob.uri, "traffic"))
    threads = [threading.Thread(target=traffic) for _ in range(2)]
    for thread in threads:
        thread.start()
    for _ in range(4):
        time.sleep(0.4)
        rmmod("mikey_mime")
        rmmod("mikey_ticket")
        time.sleep(0.4)
        load()
    ended.set()
    for thread in threads:
        thread.join(100)
    ktap.true(answers and all(a is None or a.status for a in answers), "no traffic")
    ktap.true(sum(a is None for a in answers) == 0,
              f"{sum(a is None for a in answers)} of {len(answers)} without an answer")
    for terminal in (scene.alice, scene.bob):
        ktap.true(terminal.mikeyd.alive(), f"mikeyd of {terminal.name} ended:\n{terminal.mikeyd.output()[-500:]}")
    scene.b.drain()
    scene.works("after the reload")


def test_no_module(scene):
    """Without the modules: mikeyd says so and does not start"""
    scene.alice.mikeyd.stop()
    scene.bob.mikeyd.stop()
    for module in ("mikey_mime", "mikey_ticket"):
        s.wait_for(lambda m=module: rmmod(m).returncode == 0 or not loaded(m), 60, f"rmmod {module}")
    try:
        starts_with_words(scene.alice, "mikey_ticket")
        told = scene.alice.ctl("ticket", "list", check=False)
        ktap.true("Traceback" not in told.stderr and told.returncode in (0, 1), "mikeyctl ticket list")
        told = scene.alice.ctl("stats", check=False)
        ktap.true(told.returncode == 1 and "mikey_" in told.stderr, f"mikeyctl: {told.stderr}")
    finally:
        load()
        scene.alice.start()
        scene.bob.start()
        scene.clients()
    scene.works()


def main():
    return s.run_pair(sys.modules[__name__], Scene)


if __name__ == "__main__":
    sys.exit(main())
