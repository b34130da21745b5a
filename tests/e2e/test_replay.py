#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A message that was delivered is not delivered again: not after mikeyd, the
modules or both were ended in whatever way, nor with a disk that is full. And
what is not known to have been delivered is not said to have been (docs/sip.md)."""

import os
import signal
import sys

import ktap
import stage as s
from test_refusals import Scene


def reload_modules():
    for module in ("mikey_mime", "mikey_ticket"):
        s.wait_for(lambda m=module: s.run("rmmod", m, check=False).returncode == 0 or
                   not os.path.isdir(f"/sys/module/{m}"), 60, f"rmmod {module}")
    s.run("bash", os.path.join(s.TOP, "tests", "vm", "load"), s.MODULES)


def delivered(scene, text):
    """A message that arrived, as it was on the way."""
    held, = scene.held(text)
    ktap.status(scene.inject(held), 200)
    ktap.equal(ktap.true(scene.b.received(), "nothing arrived").body, text.encode(), "body")
    return held


def repeat(scene, held, code):
    ktap.status(scene.inject(held), code)
    ktap.true(scene.b.received(timeout=1) is None, "delivered twice")


def bob_again(scene, number=signal.SIGTERM):
    scene.bob.restart(number)
    scene.b = scene.bob.registered()


def test_after_a_restart(scene):
    """mikeyd restarted: a repeat is answered as before and not delivered"""
    held = delivered(scene, "before the restart")
    bob_again(scene)
    repeat(scene, held, 200)


def test_after_a_kill(scene):
    """mikeyd killed: the same"""
    held = delivered(scene, "before the kill")
    bob_again(scene, signal.SIGKILL)
    repeat(scene, held, 200)


def test_modules_loaded_again(scene):
    """rmmod and insmod: the kernel has forgotten, the record has not"""
    held = delivered(scene, "before the reload")
    reload_modules()
    repeat(scene, held, 200)
    bob_again(scene, signal.SIGKILL)
    reload_modules()
    repeat(scene, held, 200)
    scene.still_works()


def test_refusal_is_remembered(scene):
    """What the client declined is declined again after both"""
    held, = scene.held("unwanted")
    scene.b.answer = "603 Decline"
    ktap.status(scene.inject(held), 603)
    ktap.true(scene.b.received(), "nothing arrived")
    scene.b.answer = "200 OK"
    bob_again(scene)
    reload_modules()
    repeat(scene, held, 603)


def test_killed_before_the_answer(scene):
    """mikeyd killed while the client thinks: 480 for the repeat, never 200"""
    held, = scene.held("did it arrive?")
    scene.b.answer = None
    answer = scene.inject(held, timeout=3)
    ktap.true(answer is None or answer.status >= 400, f"answer: {answer and answer.first}")
    ktap.true(scene.b.received(), "nothing arrived")
    bob_again(scene, signal.SIGKILL)
    repeat(scene, held, 480)
    reload_modules()
    repeat(scene, held, 480)
    scene.still_works()


def test_full_disk(scene):
    """Disk full: 503, and nothing is delivered; with room again the same message is"""
    state = os.path.join(scene.bob.dir, "small")
    os.mkdir(state)
    s.run("mount", "-t", "tmpfs", "-o", f"size=3m,uid={scene.bob.uid},mode=700", "none", state)
    try:
        scene.bob.configure(state_dir=state)
        bob_again(scene)
        first = delivered(scene, "with room")
        held, = scene.held("without room")
        with open(os.path.join(state, "filler"), "wb") as f:
            try:
                while True:
                    f.write(bytes(65536))
                    f.flush()
            except OSError:
                pass
        # the proxy makes 500 of it (RFC 3261 16.7, step 6)
        answer = scene.inject(held)
        ktap.true(answer and answer.status in (500, 503), f"answer: {answer and answer.first}")
        ktap.true('side=outside status=503 reason="the record of delivered messages: the disk is full"'
                  in scene.bob.mikeyd.output(), "no words in the log")
        ktap.true(scene.b.received(timeout=1) is None, "delivered unrecorded")
        os.unlink(os.path.join(state, "filler"))
        ktap.status(scene.inject(held), 200)
        ktap.equal(ktap.true(scene.b.received(), "nothing arrived").body, b"without room", "body")
        repeat(scene, first, 200)
    finally:
        scene.bob.mikeyd.stop()
        s.run("umount", state)
        scene.bob.configure()
        bob_again(scene)


def test_record_is_taken_or_damaged(scene):
    """Another mikeyd on the same record, or none of ours: words, and no start"""
    other = os.path.join(scene.bob.dir, "other.conf")
    with open(scene.bob.config, encoding="utf-8") as f:
        text = f.read().replace(":5062", ":5072").replace(":5060\"", ":5070\"", 2)
    with open(other, "w", encoding="utf-8") as f:
        f.write(text)
    os.chmod(other, 0o644)
    told = scene.bob.run(s.program("mikeyd"), "--config", other, check=False)
    ktap.true(told.returncode == 2 and "another mikeyd uses it" in told.stderr, told.stderr)
    told = scene.bob.run(s.program("mikeyd"), "--check", "--config", other, check=False)
    ktap.equal(told.returncode, 0, f"--check beside it: {told.stderr}")
    scene.bob.mikeyd.stop()
    record = os.path.join(scene.bob.dir, ".local", "state", "mikeyd", "delivered.db")
    ktap.equal(os.stat(record).st_mode & 0o777, 0o600, "mode of the record")
    with open(record, "r+b") as f:
        f.write(b"no database")
    told = scene.bob.run(s.program("mikeyd"), "--config", scene.bob.config, check=False)
    ktap.true(told.returncode == 2 and "damaged" in told.stderr, told.stderr)
    os.unlink(record)
    scene.bob.start()
    scene.b = scene.bob.registered()
    scene.still_works()


def main():
    return s.run_pair(sys.modules[__name__], Scene)


if __name__ == "__main__":
    sys.exit(main())
