#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Bad networks and bad clocks: packets that are lost, late, doubled and out of
order between terminal and proxy, and a clock that jumps. Messages arrive, each
once, and the sender is told the truth."""

import contextlib
import sys
import time

import ktap
import stage as s
from test_replay import reload_modules

DAY = 86400


class Scene:
    def __init__(self, stage, alice, bob):
        self.stage, self.alice, self.bob = stage, alice, bob
        self.clients()

    def clients(self):
        self.a, self.b = self.alice.registered(), self.bob.registered()

    def works(self, text):
        ktap.status(self.a.message(self.bob.uri, text, timeout=70), 200)
        got = ktap.true(self.b.received(), f"{text} did not arrive")
        ktap.equal(got.body, text.encode(), "body")


@contextlib.contextmanager
def weather(scene, *what):
    """Netem on both terminals' cables, in both directions."""
    cables = [(t.netns, "eth0") for t in (scene.alice, scene.bob)]
    cables += [("e2e-net", t.netns) for t in (scene.alice, scene.bob)]
    # segments of an ordinary network, so that one lost packet is not a message
    lengths = [*cables, ("e2e-net", "bridge")]
    try:
        for netns, device in lengths:
            s.run("ip", "-n", netns, "link", "set", device, "mtu", 1500)
        for netns, device in cables:
            s.run("tc", "-n", netns, "qdisc", "add", "dev", device, "root", "netem", *what)
        yield
    finally:
        for netns, device in cables:
            s.run("tc", "-n", netns, "qdisc", "del", "dev", device, "root", check=False)
        for netns, device in lengths:
            s.run("ip", "-n", netns, "link", "set", device, "mtu", 65000)


def each_once(scene, name, count, *what):
    texts = [f"{name} {n} " + "x" * 3000 for n in range(count)]
    with weather(scene, *what):
        answers = [scene.a.message(scene.bob.uri, text, timeout=70) for text in texts]
    got = []
    while (message := scene.b.received(timeout=3)) is not None:
        got.append(message.body.decode())
    told = [text for text, answer in zip(texts, answers) if answer and answer.status == 200]
    ktap.equal([t[:12] for t in got if got.count(t) > 1], [], "arrived twice")
    ktap.equal([t[:12] for t in told if t not in got], [], "said to be delivered, and did not arrive")
    ktap.equal(len(told), count, f"delivered; answers: {[a and a.first for a in answers]}")
    scene.works("after " + name)


def test_loss(scene):
    """Every tenth packet is lost: all messages arrive, each once"""
    each_once(scene, "loss", 5, "loss", "10%")


def test_reordered(scene):
    """Packets are late, doubled and out of order: all messages arrive, each once"""
    each_once(scene, "order", 5, "delay", "40ms", "30ms", "reorder", "30%", "50%",
              "duplicate", "10%")


@contextlib.contextmanager
def clock(seconds):
    """The machine's clock set ahead, or back; and the truth again afterwards."""
    real, begin = time.time(), time.monotonic()
    try:
        time.clock_settime(time.CLOCK_REALTIME, real + seconds)
        yield
    finally:
        time.clock_settime(time.CLOCK_REALTIME, real + time.monotonic() - begin)


def begin_anew(scene):
    """What the operator's guide says to do when a clock was ahead."""
    for terminal in (scene.alice, scene.bob):
        terminal.mikeyd.stop()
    reload_modules()
    scene.stage.kms.stop()
    scene.stage.kms_ctl("replay", "reset")
    scene.stage.start_kms()
    for terminal in (scene.alice, scene.bob):
        terminal.start()
    scene.clients()


def test_clock_ahead(scene):
    """The clock jumps two days ahead: messages pass; back: 503 in words; anew: they pass"""
    scene.works("before")
    with clock(2 * DAY):
        scene.clients()     # those registrations are long over
        scene.works("two days later")
    scene.clients()
    # T never goes back, and the KMS answers nothing from before its record.
    answer = scene.a.message(scene.bob.uri, "too early", timeout=70)
    ktap.status(answer, 503)
    ktap.true("invalid timestamp" in answer.get("warning", ""), f"Warning: {answer.get('warning')}")
    begin_anew(scene)
    s.wait_for(lambda: told_or_delivered(scene), 120, "messages to pass again")


def told_or_delivered(scene):
    answer = scene.a.message(scene.bob.uri, "back again", timeout=70)
    got = scene.b.received(timeout=2)
    if answer and answer.status == 200:
        ktap.true(got and got.body == b"back again", "200, and nothing arrived")
        return True
    ktap.true(got is None, f"arrived, and the answer was {answer and answer.first}")
    time.sleep(2)
    return False


def test_clock_back(scene):
    """The clock jumps an hour back: the sender is told, or it arrives; then all is well"""
    with clock(-3600):
        answer = scene.a.message(scene.bob.uri, "an hour ago", timeout=70)
        got = scene.b.received(timeout=2)
        ktap.equal(bool(got), bool(answer and answer.status == 200),
                   f"arrived, as the answer {answer and answer.first} says")
    s.wait_for(lambda: told_or_delivered(scene), 120, "messages to pass again")


def main():
    return s.run_pair(sys.modules[__name__], Scene, kms_policy={"skew": 5})


if __name__ == "__main__":
    sys.exit(main())
