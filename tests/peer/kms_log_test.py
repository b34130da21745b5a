#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What a real mikey-kms logs (docs/logs.md): every line is an event, one name follows
a request and is in the audit trail, what others choose stays inside its value, and
nothing secret is told. KTAP; needs no kernel module."""
import base64
import contextlib
import http.client
import json
import re
import sys

import mikey as m
import service
from service import ALICE, BOB, Service

PLAIN = r"[^\x00-\x20\x7f-\uffff\"\\='`]+"
LINE = re.compile(r"mikey-kms: (?:error: |warning: )?(?P<event>[a-z-]+)"
                  r"(?: [a-z-]+=(?:" + PLAIN + r'|"(?:[ !#-\[\]-~]|\\["\\]|\\x[0-9a-f]{2})*"))*')
FIELD = re.compile(r' ([a-z-]+)=("(?:[^"\\]|\\.)*"|[^ ]*)')
ODD = 'eve" req=0000000000000000 \\x41\n=`\u00e9@example.test'


class Seen(Service):
    """Everything that goes over the wire is kept."""

    def __init__(self):
        super().__init__('log-level = "debug";\n')
        self.wires = []

    def user(self, uid, *more):
        user = super().user(uid, *more)
        post = user.post

        def keep(kind, raw):
            self.wires.append(raw)
            answer = post(kind, raw)
            self.wires.append(answer)
            return answer
        user.post = keep
        return user

    def events(self, since=0):
        for line in self.log()[since:].splitlines():
            match = LINE.fullmatch(line)
            assert match, f"no event: {line!r}"
            yield match["event"], dict(FIELD.findall(line))

    def raw_post(self, path, body, kind="application/mikey"):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        with contextlib.closing(connection):
            connection.request("POST", path, body, {"Content-Type": kind})
            return connection.getresponse().status


def tests_of(w):
    def follows():
        at = len(w.log())
        assert w.exchange()
        # it listens before it says so
        told = [(event, fields) for event, fields in w.events(at) if event != "listening"]
        names = [event for event, _ in told]
        assert names == ["received", "granted"] * 2, names
        reqs = [fields["req"] for _, fields in told]
        assert reqs[0] == reqs[1] != reqs[2] == reqs[3], reqs
        request, resolve = told[1][1], told[3][1]
        assert all(re.fullmatch("[0-9a-f]{16}", req) for req in reqs), reqs
        assert (request["kind"], request["from"], request["to"], request["changed"]) == \
            ("request", ALICE, BOB, "0"), request
        assert (resolve["kind"], resolve["requester"], resolve["for"], resolve["key"]) == \
            ("resolve", BOB, BOB, request["key"]), resolve
        for event, req in (("request", reqs[0]), ("resolve", reqs[2])):
            lines = json.loads(w.ctl("audit", "show", "--json", "--event", event))
            assert lines[-1]["req"] == req, lines[-1]

    def refused():
        stranger = w.user(ALICE, "--psk", "00" * 32)
        at = len(w.log())
        with contextlib.suppress(m.Bad):
            stranger.ticket([BOB.encode()])
        fields = dict(w.events(at))["refused"]
        assert (fields["error"], fields["authentic"]) == ('"Auth failure"', "0"), fields
        lines = json.loads(w.ctl("audit", "show", "--json", "--event", "request"))
        assert (lines[-1]["req"], lines[-1]["result"]) == (fields["req"], "refused"), lines[-1]

    def http_errors():
        at = len(w.log())
        path = "/keymanagement?requesttype=ticketrequest"
        assert [w.raw_post("/", b""), w.raw_post(path, b"", "text/plain"), w.raw_post(path, b"!")] == \
            [404, 415, 400]
        told = [fields for event, fields in w.events(at) if event == "http-refused"]
        assert [fields["status"] for fields in told] == ["404", "415", "400"], told
        assert len({fields["req"] for fields in told}) == 3, told

    def inside():
        w.psks[ODD] = "00" * 32
        at = len(w.log())
        with contextlib.suppress(m.Bad):
            w.user(ODD).ticket([BOB.encode()])
        fields = dict(w.events(at))["refused"]
        assert fields["req"] != "0" * 16 and fields["psk"].startswith('"eve\\" req='), fields
        assert "\\x0a" in fields["psk"] and fields["psk"].endswith('@example.test"'), fields

    def secrets():
        log = w.log()
        assert len(w.wires) >= 6, len(w.wires)
        keys = [bytes.fromhex(psk) for uid, psk in w.psks.items() if uid != ODD]
        for secret in [*keys, *(wire[at:at + 24] for wire in w.wires
                                for at in range(len(wire) // 2, len(wire) - 24, 24))]:
            for form in (secret.hex(), secret.hex().upper(), base64.b64encode(secret).decode()[:-4]):
                assert form not in log, "a key, or a piece of a message"
        assert ALICE in log
    return [("one name from a request to its answer, and in the audit trail", follows),
            ("a refusal says why, under a name that the audit trail has", refused),
            ("HTTP errors are events, each with a name of its own", http_errors),
            ("marks and bytes in an IDRpsk stay inside their value", inside),
            ("no PSK and no piece of a message, at debug", secrets)]


def main():
    w = Seen()
    try:
        return service.main(tests_of(w.start()))
    finally:
        w.remove()


if __name__ == "__main__":
    sys.exit(main())
