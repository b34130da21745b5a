#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Inside the machine: has the kernel protect and open what jobs.json says,
with the second implementation as its KMS.

  guest.py JOBS    JOBS is a file of one JSON object for each job:

  {"protect": ID, "profile", "suite", "form", "content-alg", "entity"}
  {"open": ID, "profile", "suite", "transfer", "cms", "tpk"}

Bytes are hexadecimal. One JSON line for each answer: its id and what came out
of it, or "refused": [errno, words].
"""
import ctypes
import json
import os
import subprocess
import sys
import time

import session
import ynl

SESSION_KEYRING = -3
MODULES = ("mikey_ticket", "mikey_mime")
ALL_SUITES = "suites=0xe"
KEYS = ctypes.CDLL("libkeyutils.so.1", use_errno=True)


def logon(name, secret):
    serial = KEYS.add_key(b"logon", b"mikey:" + name.encode(), secret, ctypes.c_size_t(len(secret)),
                          SESSION_KEYRING)
    if serial < 0:
        raise OSError(ctypes.get_errno(), "add_key")
    # as mikeyctl does; not possible twice, where add_key has updated a key
    KEYS.keyctl_setperm(serial, 0x15150000)
    return serial


def reload(*parameters):
    """Both modules anew, the first with parameters."""
    for name in reversed(MODULES):
        subprocess.run(["rmmod", name], check=True)
    for name in MODULES:
        path = os.path.join(os.environ["MIKEY_MODULES"], name + ".ko")
        subprocess.run(["insmod", path, *parameters], check=True)
        parameters = ()


class Terminals:
    """Alice's and Bob's PSKs of one suite, and the KMS that has them too."""

    def __init__(self, ticket, suite):
        self.ticket, self.suite = ticket, suite
        size = session.k.SUITES[suite].key_len
        psks = {uid: os.urandom(size) for uid in (session.ALICE, session.BOB)}
        self.serials = {uid: logon(f"{suite}:{uid}", psk) for uid, psk in psks.items()}
        self.kms = session.new_kms(suite, psks)

    def common(self, user):
        return {"psk": self.serials[user], "psk_id": user.encode(), "kms": session.URL.encode(),
                "suite": self.suite}

    def granted(self, profile):
        asked = self.ticket.call("request", initiator=session.ALICE.encode(), profile=profile,
                                 responder=session.BOB.encode(), reusable=True,
                                 valid_until=int(time.time()) + 3600, **self.common(session.ALICE))
        got = self.ticket.call("grant", exchange=asked["exchange"], keyring=SESSION_KEYRING,
                               message=self.kms.request(asked["message"]))
        return got["ticket"], asked["message"]

    def admitted(self, transfer, tpk):
        self.kms.tpks[session.TPK_NAME] = (tpk, session.k.SUITES[self.suite])
        asked = self.ticket.call("resolve", identity=session.BOB.encode(), message=transfer,
                                 **self.common(session.BOB))
        got = self.ticket.call("admit", exchange=asked["exchange"], keyring=SESSION_KEYRING,
                               message=self.kms.resolve(asked["message"]))
        return got["ticket"], asked["message"]


def protect(job, terminals, mime):
    serial, request = terminals.granted(job["profile"])
    got = mime.call("protect", ticket=serial, recipient=session.BOB.encode(), form=job["form"],
                    content_alg=job["content-alg"], entity=bytes.fromhex(job["entity"]))
    name = session.m.Message(got["transfer"]).ticket.tpk_name
    return {"request": request, "transfer": got["transfer"], "cms": got["cms"],
            "tpk": terminals.kms.tpks[name][0]}


def unprotect(job, terminals, mime):
    transfer = bytes.fromhex(job["transfer"])
    serial, resolve = terminals.admitted(transfer, bytes.fromhex(job["tpk"]))
    got = mime.call("unprotect", ticket=serial, transfer=transfer, cms=bytes.fromhex(job["cms"]))
    return {"resolve": resolve, **got}


def work(jobs):
    ticket, mime = (ynl.Family(name) for name in MODULES)
    all_terminals = {}
    for job in jobs:
        suite = job["suite"]
        try:
            if suite not in all_terminals:
                all_terminals[suite] = Terminals(ticket, suite)
            step = protect if "protect" in job else unprotect
            out = step(job, all_terminals[suite], mime)
        except ynl.Refused as e:
            out = {"refused": [e.errno, e.words]}
        out = {k: v.hex() if isinstance(v, bytes) else v for k, v in out.items()}
        print(json.dumps({"id": job.get("protect") or job["open"], **out}), flush=True)


def main():
    if KEYS.keyctl_join_session_keyring(None) < 0:
        raise OSError(ctypes.get_errno(), "keyctl_join_session_keyring")
    with open(sys.argv[1], encoding="utf-8") as f:
        jobs = [json.loads(line) for line in f]
    reload(ALL_SUITES)
    try:
        work(jobs)
    finally:
        reload()
    return 0


if __name__ == "__main__":
    sys.exit(main())
