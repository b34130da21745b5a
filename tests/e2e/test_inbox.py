#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Boxes without a SIP client: what mikeyctl sends on one is taken on another by
follow, by hand, or by a program. The proxy knows each by a permanent contact,
which the test registers for it."""

import json
import os
import signal
import sys
import time

import ktap
import sip
import stage as s

TEXT = "Grüße — 今夜。\nzweite Zeile"


def contact(stage, box):
    """The proxy's administrator names the box's mikeyd as the user's contact."""
    client = sip.Client(box.uri, s.PROXY, "tcp", local=s.PROXY[0],
                        inside=lambda: s.namespace("e2e-net"))
    user = box.aor.partition("@")[0]
    answer = client.request("REGISTER", f"sip:{s.DOMAIN}",
                            (f"Contact: <sip:{user}@{s.at(box.address, 5060)};transport=tcp>",
                             "Expires: 3600"), to=box.uri)
    client.close()
    ktap.status(answer, 200)


def settings(box, lists=None, **inbox):
    """mikeyd.conf with a group "inbox", and a new mikeyd."""
    box.configure(**{"retry-after": 1, "list-service": lists})
    inbox = {"socket": f"{box.dir}/inbox.socket", **{k.replace("_", "-"): v for k, v in inbox.items()}}
    with open(box.config, "a", encoding="utf-8") as f:
        f.write("inbox = {\n" + "".join(f"{n} = {json.dumps(v)};\n" for n, v in inbox.items()) + "};\n")
    if box.mikeyd:
        box.restart()
    else:
        box.start()


def send(box, to, *words, code=0, **more):
    done = box.ctl("send", "--config", box.config, "--to", to, *words, check=False, **more)
    ktap.equal(done.returncode, code, f"status of send: {done.stdout}{done.stderr}")
    return done


def inbox(box, *words, code=0, **more):
    command, rest = words[:2], words[2:]
    done = box.ctl(*command, "--config", box.config, *rest, check=False, **more)
    ktap.equal(done.returncode, code, f"status of {' '.join(map(str, words))}: {done.stdout}{done.stderr}")
    return done


class Follower(s.Process):
    """mikeyctl follow --json in the background."""

    def __init__(self, box, *words):
        self.box = box
        log = os.path.join(box.dir, f"follow-{time.monotonic_ns()}")
        super().__init__("follow", [*box.prefix(), s.program("mikeyctl"), "follow", "--json",
                                    "--config", box.config, *words], log, cwd=box.dir)

    def messages(self):
        return [json.loads(line) for line in self.output().splitlines() if line.startswith("{")]

    def wait(self, count):
        s.wait_for(lambda: len(self.messages()) >= count, 60, f"{count} messages: {self.output()}")
        return self.messages()

    def takes(self, count):
        """wait(), and until mikeyd knows: what was printed is in the inbox for a moment."""
        got = {m["id"] for m in self.wait(count)}
        s.wait_for(lambda: not got & {m["id"] for m in listed(self.box)}, 60, "them to be taken")
        return self.messages()


def listed(box):
    return json.loads(inbox(box, "inbox", "list", "--json").stdout)


def test_follow(alice, bob):
    """Two boxes talk: what one sends the other's follower prints"""
    settings(alice)
    settings(bob)
    follower = Follower(bob)
    try:
        send(alice, bob.aor, TEXT)
        got = follower.takes(1)[0]
        ktap.equal(got["body"], TEXT, "body")
        ktap.equal((got["sender"], got["proved"], got["form"], got["recipient"]),
                   (alice.aor, "body", "auth-enveloped", bob.aor), "who")
        ktap.equal(got["content_type"], "text/plain;charset=utf-8", "type")
        ktap.true(abs(got["sent"] - time.time()) < 300, "sent")
    finally:
        follower.stop()
    ktap.equal(listed(bob), [], "left in the inbox")
    other = Follower(alice)
    try:
        send(bob, alice.aor, "back")
        ktap.equal(other.takes(1)[0]["body"], "back", "body")
    finally:
        other.stop()


def test_inbox(alice, bob):
    """Messages wait, are listed, shown and taken; any bytes, and a quarter of a megabyte"""
    body = bytes(range(256)) * 1000
    path = os.path.join(alice.dir, "bytes")
    with open(path, "wb") as f:
        f.write(body)
    send(alice, bob.aor, "--file", path, "--content-type", "application/octet-stream")
    send(alice, bob.aor, "first\n\x1b]0;title\x07second")
    found = listed(bob)
    ktap.equal([m["length"] for m in found], [256000, 22], "lengths")
    ktap.true(all("body" not in m and "body_base64" not in m for m in found), "bodies in the list")
    shown = inbox(bob, "inbox", "show", found[1]["id"]).stdout
    ktap.true("\x1b" not in shown and "\x07" not in shown, f"controls: {shown!r}")
    taken = inbox(bob, "inbox", "take", "--body", text=False)
    ktap.equal(taken.stdout, body, "bytes")
    ktap.equal(json.loads(inbox(bob, "inbox", "wait", "--json").stdout)["id"], found[1]["id"], "id")
    inbox(bob, "inbox", "take", code=9)
    inbox(bob, "inbox", "wait", "--timeout", "1", code=9)
    inbox(bob, "inbox", "show", found[0]["id"], code=9)


def test_stalled_follower(alice, bob):
    """A follower that stops holds one message and nobody else"""
    stalled, lively = Follower(bob), None
    try:
        send(alice, bob.aor, "one")
        stalled.takes(1)
        os.killpg(stalled.pid, signal.SIGSTOP)
        for text in ("two", "three", "four"):
            send(alice, bob.aor, text)
        lively = Follower(bob)
        got = {m["body"] for m in lively.wait(2)}
        # the one that the stalled follower was given is there again when it goes
        os.killpg(stalled.pid, signal.SIGKILL)
        stalled.stop()
        got |= {m["body"] for m in lively.wait(3)}
        ktap.equal(got, {"two", "three", "four"}, "messages")
    finally:
        stalled.stop(signal.SIGKILL)
        if lively:
            lively.stop()


def test_full(stage, alice, bob):
    """A full inbox refuses before it opens, so that the same message comes through later"""
    settings(bob, messages=1)
    send(alice, bob.aor, "one")
    asked = stage.kms_requests("ticketresolve")
    done = send(alice, bob.aor, "two", code=6)
    ktap.true(done.stdout.startswith("480 ") and "Retry-After" in done.stderr, done.stdout + done.stderr)
    ktap.equal(stage.kms_requests("ticketresolve"), asked, "resolved though there was no room")
    inbox(bob, "inbox", "take")
    send(alice, bob.aor, "two")
    inbox(bob, "inbox", "take")


def test_disk_full(stage, alice, bob):
    """Disk full: refused before it is opened, in words; with room the same message comes through"""
    small = os.path.join(bob.dir, "small")
    os.mkdir(small)
    s.run("mount", "-t", "tmpfs", "-o", f"size=3m,uid={bob.uid},mode=700", "none", small)
    try:
        settings(bob, directory=small)
        send(alice, bob.aor, "one")
        with open(os.path.join(small, "filler"), "wb") as f:
            try:
                while True:
                    f.write(bytes(65536))
                    f.flush()
            except OSError:
                pass
        asked = stage.kms_requests("ticketresolve")
        done = send(alice, bob.aor, "two", code=6)
        # of a 503 the proxy makes a 500 (RFC 3261 16.7, step 6)
        ktap.true(done.stdout.startswith("500 "), done.stdout)
        ktap.true("the inbox: the disk is full" in bob.mikeyd.output(), "no words in the log")
        ktap.equal(stage.kms_requests("ticketresolve"), asked, "resolved though there was no room")
        os.unlink(os.path.join(small, "filler"))
        send(alice, bob.aor, "two")
        got = [json.loads(inbox(bob, "inbox", "take", "--json").stdout)["body"] for _ in range(2)]
        ktap.equal(got, ["one", "two"], "messages")
        inbox(bob, "inbox", "take", code=9)
    finally:
        bob.mikeyd.stop()
        s.run("umount", small)
        settings(bob)


def test_killed_with_a_folder(alice, bob):
    """What was answered 200 is there after kill -9, once"""
    settings(bob, directory=f"{bob.dir}/messages")
    for text in ("one", "two"):
        send(alice, bob.aor, text)
        bob.restart(signal.SIGKILL)
    ktap.equal(os.stat(f"{bob.dir}/messages/inbox.db").st_mode & 0o777, 0o600, "mode")
    got = [json.loads(inbox(bob, "inbox", "take", "--json").stdout)["body"] for _ in range(2)]
    ktap.equal(got, ["one", "two"], "messages")
    inbox(bob, "inbox", "take", code=9)


def program(box, text):
    path = os.path.join(box.dir, "program")
    with open(path, "w", encoding="utf-8") as f:
        f.write("#!/bin/sh\n" + text)
    os.chmod(path, 0o755)
    return path


def test_program(alice, bob):
    """A program gets the body and who is proved; its exit status is the answer"""
    out = f"{bob.dir}/out"
    path = program(bob, 'cat > "$1"; echo "$MIKEY_SENDER $MIKEY_PROVED $MIKEY_CONTENT_TYPE" >> "$1"\n')
    settings(bob, program=[path, out])
    send(alice, bob.aor, "to a program\n")
    with open(out, encoding="utf-8") as f:
        ktap.equal(f.read(), f"to a program\n{alice.aor} body text/plain;charset=utf-8\n", "what it got")
    done = inbox(bob, "follow", "--json", code=1)
    ktap.true("a program gets" in done.stderr, done.stderr)


def test_programs_that_fail(alice, bob):
    """One that refuses, crashes or hangs: 480; kept where that is asked for"""
    for text in ("exit 1\n", "kill -SEGV $$\n", "sleep 1000\n"):
        settings(bob, program=program(bob, text), program_time=2)
        ktap.true(send(alice, bob.aor, "x", code=6).stdout.startswith("480 "), "not 480")
    s.wait_for(lambda: s.run("pgrep", "-u", bob.uid, "-x", "sleep", check=False).returncode == 1,
               60, "the end of what hung")
    settings(bob, program=program(bob, "exit 1\n"), keep_failed=True)
    send(alice, bob.aor, "kept")
    ktap.equal(json.loads(inbox(bob, "inbox", "take", "--json").stdout)["body"], "kept", "body")


def test_several(stage, alice, bob, carol):
    """Several recipients: a line and an object for each, and one status for all"""
    for box in (bob, carol):
        settings(box, lists=["list@example.test"])
    done = send(alice, bob.aor, "--to", carol.aor, "--expires", "1h", "--json", "to both")
    ktap.equal([(a["to"], a["code"], a["outcome"]) for a in json.loads(done.stdout)],
               [(bob.uri, 200, "accepted"), (carol.uri, 200, "accepted")], "answers")
    for box in (bob, carol):
        ktap.equal(json.loads(inbox(box, "inbox", "take", "--json").stdout)["body"], "to both", "body")
    done = send(alice, bob.aor, "--to", "nobody@example.test", "to one", code=8)
    ktap.true("sip:bob@example.test: 200 OK\n" in done.stdout, done.stdout)
    inbox(bob, "inbox", "take")
    stage.list_service()
    send(alice, bob.aor, "--to", carol.aor, "--list", "list@example.test", "as a list")
    for box in (bob, carol):
        got = json.loads(inbox(box, "inbox", "wait", "--json", "--timeout", "60").stdout)
        ktap.equal((got["body"], got["sender"]), ("as a list", alice.aor), "what the list brought")


def test_exit_codes(stage, alice, bob):
    """Each way to fail has its exit status"""
    send(alice, "nobody@example.test", "x", code=3)
    # a policy: not one of alice's identities
    done = send(alice, bob.aor, "--from", "king@example.test", "x", code=4)
    ktap.true(done.stdout.startswith("403 "), done.stdout)
    for ticket in alice.tickets():
        alice.ctl("ticket", "invalidate", ticket["serial"])
    stage.kms.stop()
    try:
        done = send(alice, bob.aor, "x", code=6)
        ktap.true(done.stdout.startswith("503 "), done.stdout)
    finally:
        stage.start_kms()
    bob.mikeyd.stop()
    try:
        send(alice, bob.aor, "x", code=6)
        inbox(bob, "inbox", "list", code=1)
        send(bob, alice.aor, "x", code=1)
    finally:
        bob.start()


def main():
    with s.Stage() as stage:
        boxes = {name: stage.terminal(name, start=False) for name in ("alice", "bob", "carol")}
        for box in boxes.values():
            settings(box)
            contact(stage, box)

        def logs():
            return "".join(f"-- {t.name}\n{t.mikeyd.output()[-2000:]}\n" for t in boxes.values())
        return ktap.main(sys.modules[__name__], logs, stage=stage, **boxes)


if __name__ == "__main__":
    sys.exit(main())
