#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A user whom a real mikey-kms does not know and one whose MAC is wrong get the same
answer, in the same time, over one connection in turn. KTAP; needs no kernel module."""
import base64
import http.client
import os
import statistics
import sys
import time

import exchange as x
import mikey as m
import service
from service import ALICE, BOB, Service

TIMES = 600
# Of the quicker half: the rest is whatever else the machine did. Of some 110 us on the
# wire, an answer without keys derived and a MAC computed takes 7 % less, the two ways
# as they are differ by 2 % at most. A busy machine may try again.
TOLERANCE, ROUNDS = 0.035, 20
PATH = "/keymanagement?requesttype=ticketrequest"


def asks(w, uid):
    """A request of that user's, whose key is not the right one."""
    user = w.user(ALICE, "--psk", "00" * 32)
    now = time.time()
    return base64.b64encode(x.make_request(
        user.suite, user.profile, user.psk, uid.encode(), user.kms_url, uid.encode(),
        [BOB.encode()], m.ntp32(now), m.ntp32(now + 3600), bits=user.bits, rekey=user.rekey,
        rand=os.urandom(32), t=user.now()))


def same(w):
    """Requests of both kinds in turn; the shape of the answers, and the times."""
    known, unknown, shapes = [], [], set()
    connection = http.client.HTTPConnection("127.0.0.1", w.port, timeout=20)
    # as long as ALICE's, and of as many letters
    other = "x" + ALICE[1:]
    for _ in range(TIMES):
        for uid, times in ((ALICE, known), (other, unknown)):
            body = asks(w, uid)
            begin = time.perf_counter_ns()
            connection.request("POST", PATH, body, {"Content-Type": "application/mikey"})
            answer = connection.getresponse()
            text = answer.read()
            times.append(time.perf_counter_ns() - begin)
            msg = m.Message(base64.b64decode(text))
            shapes.add((answer.status, msg.data_type, msg.need(m.ERR)[0], tuple(msg.order), len(text),
                        tuple(n for n, _ in answer.getheaders())))
    connection.close()
    return shapes, [statistics.median(sorted(t)[:TIMES // 2]) for t in (known, unknown)]


def main():
    w = Service('log-level = "error";\nrate-per-address = 0;\n').start()
    try:
        shapes, differ = set(), 1
        for _ in range(ROUNDS):
            shape, (known, unknown) = same(w)
            shapes |= shape
            differ = abs(known - unknown) / max(known, unknown)
            print(f"# wrong MAC {known / 1000:.1f} us, unknown user {unknown / 1000:.1f} us")
            if differ < TOLERANCE:
                break

        def answers():
            assert len(shapes) == 1 and next(iter(shapes))[2] == m.AUTH_FAILURE, shapes

        def times():
            assert differ < TOLERANCE, f"{100 * differ:.1f} %"
        return service.main([("the same answer to an unknown user and a wrong MAC", answers),
                             ("and in the same time", times)])
    finally:
        w.remove()


if __name__ == "__main__":
    sys.exit(main())
