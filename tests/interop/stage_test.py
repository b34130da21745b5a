#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""tshark looks at what mikeyd and mikey-kms put on the wire: MESSAGEs at the
proxy, and all five MIKEY messages. KTAP on standard output.

  stage_test.py [--native]    --native: the running kernel, no machine
"""
import json
import os
import subprocess
import sys

import dissection
from cases import GCM, MAC
from checks import Checks, equal
from dissection import m
from later import Failed

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
WORK = os.path.join(TOP, os.environ.get("BUILD", "build"), "interop")
FORMS = {"auth-enveloped": GCM, "authenticated": MAC}
MESSAGES = {m.REQUEST_INIT: "REQUEST_INIT", m.REQUEST_RESP: "REQUEST_RESP",
            m.TRANSFER_INIT: "TRANSFER_INIT", m.RESOLVE_INIT: "RESOLVE_INIT",
            m.RESOLVE_RESP: "RESOLVE_RESP"}


def stage(options):
    """What the stage said, and its complaint if it ended badly."""
    done = subprocess.run(
        [os.path.join(TOP, "tests", "vm", "run"), *options, "--memory", "2048", "--timeout", "1000",
         "--", os.path.join(HERE, "on_stage.py"), *FORMS], cwd=TOP, text=True, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    return [json.loads(line) for line in done.stdout.splitlines()], \
        f"status {done.returncode}: {done.stderr[-2000:]}" if done.returncode else ""


def ended(complaint):
    if complaint:
        raise Failed(complaint)


def main():
    os.makedirs(WORK, exist_ok=True)
    lines, complaint = stage([o for o in sys.argv[1:] if o == "--native"])
    checks, tshark, kinds = Checks(), dissection.Dissection(os.path.join(WORK, "stage.pcap")), []
    for line in lines:
        if "message" in line:
            raw, form = bytes.fromhex(line["message"]), FORMS[line["form"]]
            transfer, der, entity = dissection.parts(raw)
            checks.add(f"tshark sees mikeyd's MESSAGE with {form.label}", tshark.saw_cms,
                       tshark.add_sip(raw), form, transfer, der, entity)
        else:
            transfer = bytes.fromhex(line["mikey"])
        kind = m.Message(transfer).data_type
        if kind not in kinds:
            kinds.append(kind)
            tshark.see_mikey(checks.add, "tshark sees", MESSAGES[kind], transfer)
    tshark.run()
    checks.add("the stage ends well", ended, complaint)
    checks.add("all five messages were there", equal, sorted(kinds), sorted(MESSAGES), "types")
    return checks.report()


if __name__ == "__main__":
    sys.exit(main())
