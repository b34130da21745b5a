#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Inside the machine: alice writes to bob on the end-to-end tests' stage, once
in each form that is named, and what went over the bridge comes out: one JSON
line for each MESSAGE at the proxy and each MIKEY message of the KMS's HTTP."""
import base64
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
import capture      # pylint: disable=wrong-import-position
import stage as s   # pylint: disable=wrong-import-position

TEXT = "Grüße aus Köln"


def tell(**line):
    print(json.dumps(line), flush=True)


def write(stage, alice, bob, form):
    alice.configure(form=form)
    alice.restart()
    sender, receiver = alice.registered(), bob.registered()
    both = f"port {s.PROXY[1]} or port {s.KMS[1]}"
    seen = capture.Capture(stage.in_net(), os.path.join(stage.dir, form), "bridge", both)
    with seen:
        answer = sender.message(bob.uri, TEXT, "text/plain;charset=utf-8")
        got = receiver.received()
    if not answer or answer.status != 200 or not got or got.body != TEXT.encode():
        raise s.Failure(f"{form} did not arrive: {answer and answer.first}")
    for source, target, message in seen.messages():
        if message.method == "MESSAGE" and target == s.PROXY:
            tell(form=form, message=message.raw.hex())
        if s.KMS in (source, target) and message.body:
            tell(form=form, mikey=base64.b64decode(message.body).hex())


def main():
    with s.Stage() as stage:
        alice, bob = stage.terminal("alice"), stage.terminal("bob")
        for form in sys.argv[1:]:
            write(stage, alice, bob, form)
    return 0


if __name__ == "__main__":
    sys.exit(main())
