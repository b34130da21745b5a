#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Messages that wait (docs/sip.md, Offline): the proxy dead, the KMS dead, mikeyd
killed again and again while messages queue and drain. Each arrives once, and in
order; and nothing that is on the disk can be read."""

import glob
import json
import os
import random
import signal
import sys
import threading
import time

import ktap
import stage as s
import uri_list

SECRET = "the walrus sings at dawn"
# More of them for longer.
KILLS = int(os.environ.get("MIKEY_QUEUE_KILLS", "4"))
# Between the messages of a writer, in seconds: a fast machine would fill the queue,
# which then refuses, and rightly so.
PACE = 0.2


class Scene:
    def __init__(self, stage, alice, bob, carol):
        self.stage, self.alice, self.bob, self.carol = stage, alice, bob, carol
        self.a, self.b, self.c = (t.registered() for t in (alice, bob, carol))

    def proxy_dies(self):
        os.killpg(self.stage.kamailio.pid, signal.SIGKILL)
        self.stage.kamailio.popen.wait()

    def proxy_lives(self):
        """It has forgotten who is registered."""
        self.stage.start_proxy()
        for client in (self.b, self.c, self.a):
            s.wait_for(lambda c=client: c.register(), 120, "REGISTER to be answered")

    def queue(self, *options):
        return json.loads(self.alice.ctl("queue", "list", "--json", *options).stdout)

    def drained(self, seconds=300):
        s.wait_for(lambda: not self.queue(), seconds, f"the queue to drain: {self.queue()}")


def got(client, count, seconds=180):
    """The texts of the next messages."""
    texts = []
    for _ in range(count):
        message = ktap.true(client.received(timeout=seconds), f"only {texts} arrived")
        texts.append(message.body.decode())
    return texts


def empty(*clients):
    """Forget what an earlier test left."""
    for client in clients:
        client.drain()


def nothing_more(*clients):
    for client in clients:
        message = client.received(timeout=1)
        ktap.true(message is None, f"arrived once more: {message and message.body}")


def on_the_disk(terminal):
    """All bytes of mikeyd's files."""
    found = b""
    for path in glob.glob(os.path.join(terminal.dir, ".local", "state", "mikeyd", "queue.db*")):
        with open(path, "rb") as f:
            found += f.read()
    return found


def test_proxy_away(scene):
    """The proxy dead and alive again: all arrive, once and in order"""
    for client, target in ((scene.b, scene.bob), (scene.c, scene.carol)):
        ktap.status(scene.a.message(target.uri, "first"), 200)
        ktap.equal(got(client, 1), ["first"], "texts")
    ktap.equal(scene.queue(), [], "the queue")
    scene.proxy_dies()
    for number in range(4):
        answer = ktap.status(scene.a.message(scene.bob.uri, f"{SECRET} {number}",
                                             headers=("Subject: open to all",)), 202)
        ktap.true("it will be sent later" in answer.get("warning", ""), answer.get("warning"))
    ktap.status(scene.a.message(scene.carol.uri, SECRET), 202)
    waiting = scene.queue()
    ktap.equal([m["recipient"] for m in waiting], 4 * [scene.bob.aor] + [scene.carol.aor],
               "recipients")
    raw = on_the_disk(scene.alice)
    # what is looked for could be found: headers are not protected
    ktap.true(b"Subject: open to all" in raw and b"application/pkcs7-mime" in raw,
              "the control is not on the disk")
    ktap.true(SECRET.encode() not in raw and b"walrus" not in raw, "the text is on the disk")
    scene.proxy_lives()
    ktap.equal(got(scene.b, 4), [f"{SECRET} {n}" for n in range(4)], "texts")
    ktap.equal(got(scene.c, 1), [SECRET], "texts")
    scene.drained()
    nothing_more(scene.b, scene.c)
    ktap.equal(scene.queue("--failed"), [], "failures")


def send_list(client, service, *entries):
    """A text for a list; the final answer."""
    part = f"Content-Type: text/plain\r\n\r\n{SECRET}".encode()
    content_type, body = uri_list.multipart(
        [part, uri_list.list_part(uri_list.resource_list(*entries))])
    return client.message(service.uri, body, content_type, ("Require: recipient-list-message",))


def test_list_waits(scene):
    """A list while the proxy is dead: the service's and the hidden one's, each once, later"""
    empty(scene.b, scene.c)
    service = scene.stage.list_service()
    first = send_list(scene.a, service, (scene.bob.uri, "to"), (scene.carol.uri, "bcc"))
    ktap.status(first, 202)
    ktap.equal(got(scene.b, 1) + got(scene.c, 1), 2 * [SECRET], "texts")
    scene.drained()
    scene.proxy_dies()
    answer = ktap.status(send_list(scene.a, service, (scene.bob.uri, "to"),
                                   (scene.carol.uri, "bcc")), 202)
    ktap.true("it will be sent later" in answer.get("warning", ""), answer.get("warning"))
    ktap.equal([m["recipient"] for m in scene.queue()],
               [service.uri.partition(":")[2], scene.carol.aor], "recipients")
    raw = on_the_disk(scene.alice)
    ktap.true(b"resource-lists+xml" in raw and SECRET.encode() not in raw, "what is on the disk")
    # whoever is killed now has it all on the disk
    scene.alice.restart(signal.SIGKILL)
    scene.a = scene.alice.client()
    scene.proxy_lives()
    scene.stage.list_service()      # its connection went with the proxy
    scene.alice.ctl("queue", "retry")
    ktap.equal(got(scene.b, 1) + got(scene.c, 1), 2 * [SECRET], "texts")
    scene.drained()
    nothing_more(scene.b, scene.c)
    ktap.equal(scene.queue("--failed"), [], "failures")


def test_kms_away(scene):
    """The KMS dead: refused without a ticket, sent later with one made here"""
    empty(scene.b, scene.c)
    for ticket in scene.alice.tickets():
        scene.alice.ctl("ticket", "invalidate", ticket["serial"])
    scene.alice.restart()
    scene.a = scene.alice.registered()
    scene.stage.kms.stop()
    ktap.status(scene.a.message(scene.bob.uri, "x"), 503)
    scene.alice.configure(queue=True, queue_ticket="self")
    scene.alice.restart()
    scene.a = scene.alice.registered()
    # bob cannot resolve it now
    ktap.status(scene.a.message(scene.bob.uri, "one"), 202)
    ktap.status(scene.a.message(scene.bob.uri, "two"), 202)
    scene.stage.start_kms()
    scene.alice.ctl("queue", "retry")
    ktap.equal(got(scene.b, 2), ["one", "two"], "texts")
    scene.drained()
    nothing_more(scene.b)


class Writer(threading.Thread):
    """Writes to one recipient until it is stopped. Over UDP, so that a request
    is repeated until there is an answer, whichever mikeyd gives it."""

    def __init__(self, scene, to, reader):
        super().__init__()
        self.client, self.to, self.reader = scene.alice.client("udp"), to, reader
        self.sent, self.answers, self.ended = [], [], threading.Event()
        self.waited = False
        self.start()

    def run(self):
        while not self.ended.is_set():
            self.sent.append(f"to {self.to.name}: {len(self.sent)}")
            answer = self.client.message(self.to.uri, self.sent[-1], timeout=180)
            self.answers.append(answer)
            self.waited |= bool(answer) and answer.status == 202
            time.sleep(PACE)

    def check(self):
        bad = [a and (a.first, a.get("warning")) for a in self.answers
               if not a or a.status not in (200, 202)]
        ktap.equal(bad, [], "answers")
        ktap.equal(got(self.reader, len(self.sent)), self.sent, "texts")


def test_killed_while_it_drains(scene):
    """mikeyd killed again and again, messages coming and going: each arrives once"""
    empty(scene.b, scene.c)
    scene.alice.configure(queue=True, queue_recipient=1000)
    scene.alice.restart()
    writers = [Writer(scene, scene.bob, scene.b), Writer(scene, scene.carol, scene.c)]
    for kill in range(KILLS):
        time.sleep(random.uniform(0.2, 4))
        if kill == KILLS // 3:
            scene.proxy_dies()
        scene.alice.mikeyd.stop(signal.SIGKILL)
        scene.alice.start()
        if kill == KILLS - 2:
            s.wait_for(lambda: all(w.waited for w in writers), 180, "messages that have to wait")
            scene.stage.start_proxy()
            for client in (scene.b, scene.c):
                s.wait_for(lambda c=client: c.register(), 120, "REGISTER to be answered")
    for writer in writers:
        writer.ended.set()
    for writer in writers:
        writer.join(200)
    scene.a = scene.alice.registered()
    scene.alice.ctl("queue", "retry")
    for writer in writers:
        writer.check()
    print(f"# {sum(len(w.sent) for w in writers)} messages, {KILLS} kills", flush=True)
    scene.drained()
    nothing_more(scene.b, scene.c)
    ktap.equal(scene.queue("--failed"), [], "failures")


def test_disk_full(scene):
    """Disk full: refused in words, and goes on with room"""
    empty(scene.b, scene.c)
    state = os.path.join(scene.alice.dir, "small")
    os.mkdir(state)
    s.run("mount", "-t", "tmpfs", "-o", f"size=3m,uid={scene.alice.uid},mode=700", "none", state)
    try:
        scene.alice.configure(queue=True, state_dir=state)
        scene.alice.restart()
        scene.a = scene.alice.registered()
        ktap.status(scene.a.message(scene.bob.uri, "ticket"), 200)
        ktap.equal(got(scene.b, 1), ["ticket"], "texts")
        scene.proxy_dies()
        with open(os.path.join(state, "filler"), "wb") as f:
            try:
                while True:
                    f.write(bytes(65536))
                    f.flush()
            except OSError:
                pass
        answer = ktap.status(scene.a.message(scene.bob.uri, "no room"), 503)
        ktap.true("the disk is full" in answer.get("warning", ""), answer.get("warning"))
        os.unlink(os.path.join(state, "filler"))
        ktap.status(scene.a.message(scene.bob.uri, "room"), 202)
        scene.proxy_lives()
        ktap.equal(got(scene.b, 1), ["room"], "texts")
        nothing_more(scene.b)
    finally:
        scene.alice.mikeyd.stop()
        s.run("umount", state)
        scene.alice.configure(queue=True)
        scene.alice.start()
        scene.a = scene.alice.registered()


def test_given_up(scene):
    """mikeyctl queue drop: it is not sent; what is refused later is told"""
    empty(scene.b, scene.c)
    scene.proxy_dies()
    ktap.status(scene.a.message(scene.bob.uri, "dropped"), 202)
    ktap.status(scene.a.message(scene.bob.uri, "kept"), 202)
    first = scene.queue()[0]["id"]
    told = scene.alice.ctl("queue", "show", first).stdout
    ktap.true(f"recipient   {scene.bob.aor}" in told, told)
    scene.alice.ctl("queue", "drop", first)
    scene.b.answer = "403 Forbidden"
    scene.proxy_lives()
    ktap.equal(got(scene.b, 1), ["kept"], "texts")
    scene.drained()
    scene.b.answer = "200 OK"
    failed = scene.queue("--failed")
    ktap.equal([f["code"] for f in failed], [403], "codes")
    s.wait_for(lambda: 'status=403 reason="the answer was 403' in scene.alice.mikeyd.output(), 60,
               "words in the log")


def main():
    with s.Stage() as stage:
        alice = stage.terminal("alice", queue=True)
        bob, carol = (stage.terminal(n, list_service=["list@example.test"]) for n in ("bob", "carol"))
        scene = Scene(stage, alice, bob, carol)

        def logs():
            return "".join(f"-- {t.name}\n{t.mikeyd.output()[-3000:]}\n" for t in (alice, bob))
        return ktap.main(sys.modules[__name__], logs, scene=scene)


if __name__ == "__main__":
    sys.exit(main())
