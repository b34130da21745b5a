#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What is told (docs/logs.md, docs/control.md): one name follows a MESSAGE through
both mikeyds, the KMS and the queue; every line has the form it should have; counters
and log agree; and no log has a text, a key, or a piece of a protected message."""

import base64
import glob
import json
import os
import re
import signal
import sys

import ktap
import stage as s

SECRET = "the heron knows what the lake is for"
PLAIN = r"[^\x00-\x20\x7f-\uffff\"\\='`]+"
LINE = re.compile(r"mikeyd: (?:error: |warning: )?(?P<event>[a-z-]+)"
                  r"(?: [a-z-]+=(?:" + PLAIN + r'|"(?:[ !#-\[\]-~]|\\["\\]|\\x[0-9a-f]{2})*"))+')
FIELD = re.compile(r' ([a-z-]+)=("(?:[^"\\]|\\.)*"|[^ ]*)')


class Scene:
    def __init__(self, stage, alice, bob):
        self.stage, self.alice, self.bob = stage, alice, bob
        self.control = os.path.join(alice.dir, "control.socket")
        alice.configure(control_socket=self.control, queue=True, queue_ticket="self")
        alice.restart()
        self.a, self.b = alice.registered(), bob.registered()
        self.wires = []         # what must not be in a log

    def stats(self, *options):
        return self.alice.ctl("stats", "--socket", self.control, *options).stdout

    def counters(self):
        return json.loads(self.stats("--json"))["mikeyd"]

    def proxy_lives(self):
        self.stage.start_proxy()
        for client in (self.b, self.a):
            s.wait_for(lambda c=client: c.register(), 120, "REGISTER to be answered")


def lines(terminal):
    """All that mikeyd said, those of earlier starts included."""
    with open(terminal.mikeyd.log, "rb") as f:
        whole = f.read().rpartition(b"\n")[0]
    return [line for line in whole.decode("utf-8", "surrogateescape").splitlines()
            if not line.startswith("Joined session keyring")]


def events(told):
    """(event, fields) of lines."""
    for line in told:
        match = ktap.true(LINE.fullmatch(line), f"no event: {line!r}")
        yield match["event"], dict(FIELD.findall(line))


def life(terminal, txn, last="answered"):
    """The events of a transaction, in their order, when it has that one, which comes
    after its answer was sent."""
    def found():
        return [(event, fields) for event, fields in events(lines(terminal))
                if fields.get("txn") == txn]
    s.wait_for(lambda: last in names(found()), 60, f"{last} of {txn}")
    return found()


def names(found):
    return [event for event, _ in found]


def begun(terminal, since, method="MESSAGE"):
    """The transactions of requests since a number of lines."""
    return [fields["txn"] for event, fields in events(lines(terminal)[since:])
            if event == "received" and fields["method"] == method]


def test_one_name_for_a_message(scene):
    """One txn from the client's request to its answer, in both logs"""
    since = [len(lines(t)) for t in (scene.alice, scene.bob)]
    before = scene.counters()
    with scene.stage.capture() as seen:
        ktap.status(scene.a.message(scene.bob.uri, SECRET), 200)
        ktap.true(scene.b.received(), "nothing arrived")
    scene.wires += [m for _, _, m in seen.messages() if m.method == "MESSAGE"]
    here, = begun(scene.alice, since[0])
    there, = begun(scene.bob, since[1])
    ktap.equal(there, here, "the recipient's name for it")
    sent, got = life(scene.alice, here), life(scene.bob, here)
    for wanted in ("received", "kms", "ticket", "protected", "forwarded", "answered"):
        ktap.true(wanted in names(sent), f"{wanted} is not in {names(sent)}")
    for wanted in ("received", "claimed", "kms", "opened", "forwarded", "delivered", "answered"):
        ktap.true(wanted in names(got), f"{wanted} is not in {names(got)}")
    for found in (sent, got):
        ktap.equal((names(found)[0], names(found)[-1], found[-1][1]["status"]),
                   ("received", "answered", "200"), "the first and the last")
    # nothing about it goes by another name
    for terminal, start in ((scene.alice, since[0]), (scene.bob, since[1])):
        for event, fields in events(lines(terminal)[start:]):
            if fields.get("method") == "MESSAGE" or event in ("kms", "protected", "opened"):
                ktap.equal(fields["txn"], here, f"txn of {event}")
    after = scene.counters()
    ktap.equal(after["messages_protected"] - before["messages_protected"], 1, "messages_protected")
    ktap.equal([after["kms_requests"]["request"][o] - before["kms_requests"]["request"][o]
                for o in ("answered", "away")], [1, 0], "kms_requests")


def test_refused_in_words(scene):
    """Who cannot be sent to: own-answer with status and reason"""
    since = len(lines(scene.alice))
    ktap.status(scene.a.message("sip:nobody@elsewhere.test", SECRET), 403)
    txn, = begun(scene.alice, since)
    found = life(scene.alice, txn)
    own = dict(found)["own-answer"]
    ktap.equal((own["method"], own["side"], own["status"]), ("MESSAGE", "inside", "403"), "fields")
    ktap.true(own["reason"].startswith('"') and "KMS" in own["reason"], own["reason"])
    ktap.equal(names(found)[-1], "answered", "the last")


def test_nothing_gets_out_of_a_value(scene):
    """A Call-ID of marks and of bytes that are no text is one value of one line"""
    since = len(lines(scene.alice))
    for call_id in ('x"<y>\\{z}\'', "r\u00e9sum\u00e9-\u202e-1"):
        raw = scene.a.build("OPTIONS", scene.bob.uri, call_id=call_id)
        scene.a.request("OPTIONS", scene.bob.uri, raw=raw, timeout=3)

    def received():
        return [fields["call-id"] for event, fields in events(lines(scene.alice)[since:])
                if event == "received"]
    s.wait_for(lambda: len(received()) == 2, 60, "both requests in the log")
    told = received()
    ktap.true(r'"x\"<y>\\{z}' + "'\"" in told, told)
    ktap.true(all(value.isascii() for value in told), told)


def test_through_the_queue(scene):
    """The name stays while the message waits, and over a restart"""
    os.killpg(scene.stage.kamailio.pid, signal.SIGKILL)
    scene.stage.kamailio.popen.wait()
    since = len(lines(scene.alice))
    ktap.status(scene.a.message(scene.bob.uri, SECRET), 202)
    txn, = begun(scene.alice, since)
    ktap.equal(scene.counters()["queue_waiting"], 1, "queue_waiting")
    scene.alice.restart(signal.SIGKILL)
    scene.a = scene.alice.client()
    scene.bob_since = len(lines(scene.bob))
    scene.proxy_lives()
    message = ktap.true(scene.b.received(timeout=180), "nothing arrived")
    ktap.equal(message.body.decode(), SECRET, "text")
    found = life(scene.alice, txn, "queue-delivered")
    for wanted in ("protected", "queue-put", "own-answer", "queue-attempt"):
        ktap.true(wanted in names(found), f"{wanted} is not in {names(found)}")
    ktap.equal(dict(found)["own-answer"]["status"], "202", "status")
    attempts = [fields["as"] for event, fields in found if event == "queue-attempt"]
    arrived = [t for t in begun(scene.bob, scene.bob_since) if t in attempts]
    ktap.true(arrived, f"{attempts} is not in {begun(scene.bob, scene.bob_since)}")
    ktap.true("opened" in names(life(scene.bob, arrived[0])), "opened")
    counted = scene.counters()
    ktap.equal((counted["queue_waiting"], counted["queue_ended"]["delivered"]), (0, 1), "the queue")


def test_counters_in_three_forms(scene):
    """mikeyctl stats: a table, JSON, and metrics with help and types"""
    counted = scene.counters()
    text = scene.stats()
    ktap.true(re.search(r"^  messages_protected +\d+$", text, re.M), text)
    ktap.true("mikey_mime\n" in text and "mikey_ticket\n" in text, text)
    metrics = scene.stats("--prometheus")
    for wanted in (r"^mikeyd_up 1$", r"^mikey_ticket_up 1$", r"^mikey_mime_protected_total \d+$",
                   r'^mikeyd_requests_received_total\{side="inside",method="REGISTER"\} [1-9]\d*$',
                   r"^# TYPE mikeyd_memory_bytes gauge$", r"^# HELP mikeyd_kms_requests_total \S"):
        ktap.true(re.search(wanted, metrics, re.M), f"{wanted} is not in\n{metrics}")
    for line in metrics.splitlines():
        ktap.true(re.fullmatch(r"# (HELP|TYPE) \w+ .+|\w+(\{(\w+=\"[^\"]*\",?)+\})? [\d.]+", line), line)
    ktap.true(counted["connections"]["outside"]["tcp"] >= 1, "connections")
    ktap.true(counted["memory_bytes"] > 1 << 20, "memory_bytes")
    told = scene.bob.ctl("stats", "--socket", scene.control, check=False)
    ktap.true(told.returncode == 1 and scene.control in told.stderr, f"of another user: {told.stderr}")


def all_logs(stage):
    """What every program of the stage said, and the kernel."""
    for path in glob.glob(os.path.join(stage.dir, "**", "*.log"), recursive=True):
        with open(path, "rb") as f:
            yield path, f.read()
    yield "dmesg", s.run("dmesg", text=False).stdout


def test_no_log_has_a_secret(scene):
    """Every log of this run: no text, no PSK, no piece of what was sent"""
    secrets = {"the text": [SECRET.encode(), base64.b64encode(SECRET.encode())[:-4]]}
    for terminal in (scene.alice, scene.bob):
        key = bytes.fromhex(terminal.psk_hex)
        secrets[f"{terminal.name}'s PSK"] = [key, key.hex().encode(), key.hex().upper().encode(),
                                             base64.b64encode(key)[:-4]]
    ktap.true(scene.wires, "no MESSAGE was captured")
    for wire in scene.wires:
        for part in s.parts(wire):
            secrets.setdefault("a part of a MESSAGE", []).extend(
                [part, part[-24:], base64.b64encode(part)[24:64], part[16:32].hex().encode()])
    looked = 0
    for path, data in all_logs(scene.stage):
        looked += len(data)
        for what, found in secrets.items():
            for secret in found:
                ktap.true(secret not in data, f"{what} is in {path}")
    # what is looked for could be found: names are told
    ktap.true(any(scene.bob.aor.encode() in data for _, data in all_logs(scene.stage)), "no control")
    ktap.true(looked > 10000, f"only {looked} bytes of logs")


def main():
    return s.run_pair(sys.modules[__name__], Scene)


if __name__ == "__main__":
    sys.exit(main())
