#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A KMS for tests (TS 33.328 Annex A) on the second implementation.

  kms.py --port P --url https://kms.example --user UID,PSKID,HEXPSK[,SUITE] ... \
         [--group GID,UID,UID...] [--fault NAME]

Prints "ready" when it listens, then one JSON line per request. An honest one:
it refuses what judge.py refuses. --fault makes it a broken peer: garbage,
empty, slow, close, wrong-mac, wrong-csb, wrong-key, error, error-mac,
extra-responder, long-life, swap-mpk, http-500, and the rest of FAULTS.
"""
import argparse
import base64
import contextlib
import json
import os
import socket
import sys
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import exchange as x
import judge
import keys as k
import mikey as m

SKEW = 300


class Refused(Exception):
    """Answered with an Error message; with V where @key is."""

    def __init__(self, number, why, key=None):
        super().__init__(why)
        self.number, self.key = number, key


def ended(end):
    """TRe as a lie has it: a day more."""
    return (int.from_bytes(end, "big") + 86400).to_bytes(4, "big")


# What a lying KMS changes in the terms that it grants ...
TERMS = {
    "extra-responder": lambda t: t.update(responders=t["responders"] + [b"mallory@example.test"]),
    "other-responder": lambda t: t.update(responders=[b"mallory@example.test"]),
    "other-initiator": lambda t: t.update(initiator=b"mallory@example.test"),
    "other-kms": lambda t: t.update(kms=b"http://other.example.test"),
    "long-life": lambda t: t.update(end=ended(t["end"])),
    "flag-l": lambda t: t.update(bits=t["bits"] | k.FLAGS["L"]),
    "flag-no-i": lambda t: t.update(bits=t["bits"] & ~k.FLAGS["I"]),
    "flag-no-h": lambda t: t.update(bits=t["bits"] & ~k.FLAGS["H"]),
    "ticket-type": lambda t: t.update(types={"ticket_type": 3}),
    "subtype-0": lambda t: t.update(types={"subtype": 0, "version": 0}),
    "other-prf": lambda t: t.update(types={"prf": 1 - t["suite"].prf}),
    "short-rand": lambda t: t.update(rand=os.urandom(8)),
}
# ... and in the keys that an answer carries.
KEYS = {
    "wrong-key": lambda a: a.update(traffic=a["traffic"][:-1]),
    "swap-mpk": lambda a: a.update(mpki=a["mpkr"], mpkr=a["mpki"]),
    "other-traffic": lambda a: a.update(traffic=os.urandom(len(a["traffic"]))),
    "other-spi": lambda a: a.update(spi=os.urandom(8)),
}
# ... and in the payloads of an answer, before its MAC.
PAYLOADS = {
    "reordered": lambda p: [p[1], p[0], *p[2:]],
    "no-idr": lambda p: [x for x in p if x[0] != m.IDR],
    "no-kemac": lambda p: [x for x in p if x[0] != m.KEMAC],
    "kemac-null": lambda p: [(x[0], b"\0" + x[1][1:]) if x[0] == m.KEMAC else x for x in p],
    "unknown-payload": lambda p: [*p[:-1], (99, b"\0"), p[-1]],
}
FAULTS = {**TERMS, **KEYS, **PAYLOADS}


class Kms:
    def __init__(self, args):
        self.url, self.fault = args.url.encode(), args.fault
        self.users, self.psks, self.lock = {}, {}, threading.Lock()
        for u in args.user:
            uid, psk_id, psk, suite = (u.split(",") + [args.suite])[:4]
            self.users.setdefault(psk_id.encode(), []).append(uid.encode())
            self.psks[psk_id.encode()] = (bytes.fromhex(psk), k.SUITES[suite])
        self.groups = {g.split(",")[0].encode(): [x.encode() for x in g.split(",")[1:]] for g in args.group}
        self.tpks = {}          # a TPK for each suite, named after it
        for name, suite in k.SUITES.items():
            self.tpks[b"tpk-" + name.encode()] = (os.urandom(suite.key_len), suite)
        self.seen, self.counters = set(), {}
        self.asked = False      # while it is slow

    # --- who asks ---------------------------------------------------------

    def authenticate(self, msg, role):
        """PSK by IDRpsk, MAC, time and replay, identity; psk, suite, auth key."""
        psk_id = msg.idr(m.PSK)
        if psk_id not in self.psks:
            raise Refused(m.AUTH_FAILURE, "no such PSK")
        psk, suite = self.psks[psk_id]
        rands = {"randr_i" if role == m.I else "randr_r": msg.randr(role) or b""}
        _, auth, _ = k.message_keys(suite, psk, msg.csb_id, **rands)
        identity = msg.idr(role)
        if msg.v()[0] != suite.auth or not msg.verify(auth, identity, msg.idr(m.KMS)):
            raise Refused(m.AUTH_FAILURE, "MAC")
        if msg.idr(m.KMS) != self.url:
            raise Refused(m.INVALID_ID, "another KMS's identity", auth)
        self.fresh(psk_id, msg, auth)
        if identity not in self.users[psk_id]:
            raise Refused(m.AUTH_FAILURE, "another user's PSK", auth)
        return psk, suite, auth

    def fresh(self, psk_id, msg, auth):
        t, mac = msg.t, msg.v()[1]
        with self.lock:
            if t.kind == m.COUNTER:
                count = int.from_bytes(t.value, "big")
                good = count > self.counters.get(psk_id, -1)
                self.counters[psk_id] = max(count, self.counters.get(psk_id, -1))
            else:
                good = abs(t.unix - time.time()) <= SKEW
            if not good or mac in self.seen:
                raise Refused(m.INVALID_TS, "time or replay", auth)
            self.seen.add(mac)

    # --- what is asked ----------------------------------------------------

    def request(self, raw):
        msg = m.Message(raw)
        psk, suite, auth = self.authenticate(msg, m.I)
        if self.fault in ("error", "error-mac"):
            raise Refused(m.INVALID_TPPAR, "a lie", auth if self.fault == "error-mac" else None)
        try:
            profile = judge.request_init(msg, suite)
        except m.Bad as e:
            raise Refused(m.INVALID_TPPAR, str(e), auth) from e
        tp = m.Policy(msg.need(m.TP))
        if tp.ids(m.I) != [msg.idr(m.I)] or tp.ids(m.KMS) != [self.url]:
            raise Refused(m.INVALID_ID, "identities of TP", auth)
        if b"?@?" in tp.ids(m.R):
            raise Refused(m.INVALID_TPPAR, "a ticket for everybody", auth)
        rekey = tp.time(m.TRR)
        terms = {"kms": self.url, "initiator": msg.idr(m.I), "start": tp.time(m.TRS),
                 "end": tp.time(m.TRE), "responders": tp.ids(m.R), "suite": suite, "bits": tp.flags,
                 "rand": None, "rekey": None if rekey is None else int.from_bytes(rekey, "big"),
                 "types": {"ticket_type": tp.ticket_type, "subtype": tp.subtype, "version": tp.version}}
        TERMS.get(self.fault, lambda t: None)(terms)
        name = next(n for n, (_, s) in self.tpks.items() if s is suite)
        mpk, traffic, spi = os.urandom(suite.key_len), os.urandom(suite.key_len), os.urandom(8)
        rand = terms["rand"] or os.urandom(suite.key_len)
        ticket = x.make_ticket(
            suite, profile, self.tpks[name][0], name, mpk, traffic, spi,
            x.tp_payloads(terms["kms"], terms["initiator"], terms["start"], terms["end"],
                          terms["responders"], rekey=terms["rekey"]),
            terms["bits"], rand, **terms["types"])
        mpki, mpkr = k.mpk_pair(suite, mpk, rand)
        keys = {"mpki": mpki, "mpkr": mpkr, "traffic": traffic, "spi": spi}
        KEYS.get(self.fault, lambda a: None)(keys)
        return self.bend(x.make_request_resp(suite, profile, psk, raw, self.url, ticket, **keys,
                                             bend=PAYLOADS.get(self.fault, x.same)))

    def may_resolve(self, identity, named):
        """A UID of the ticket, a wildcard, or a member of a group in it."""
        return any(judge.matches(n, identity) or identity in self.groups.get(n, ()) for n in named)

    def tpk_of(self, ticket, auth):
        """D says where the TPK is sought."""
        name = ticket.tpk_name
        if ticket.flags & k.FLAGS["D"]:
            if name not in self.tpks:
                raise Refused(m.AUTH_FAILURE, "no such TPK", auth)
            return self.tpks[name]
        if name not in self.psks or ticket.ids(m.I)[0] not in self.users[name]:
            raise Refused(m.AUTH_FAILURE, "the ticket's maker is not its initiator", auth)
        return self.psks[name]

    def resolve(self, raw):
        msg = m.Message(raw)
        psk, suite, auth = self.authenticate(msg, m.R)
        if self.fault in ("error", "error-mac"):
            raise Refused(m.INVALID_TICKET, "a lie", auth if self.fault == "error-mac" else None)
        ticket = msg.ticket
        tpk, ticket_suite = self.tpk_of(ticket, auth)
        if ticket_suite is not suite:
            raise Refused(m.INVALID_TICKET, "a mixture of suites", auth)
        try:
            profile = judge.resolve_init(msg, suite)
        except m.Bad as e:
            raise Refused(m.INVALID_TICKET, str(e), auth) from e
        opened = ticket.open(tpk, suite)
        if opened is None:
            raise Refused(m.AUTH_FAILURE, "the ticket's MAC", auth)
        if m.Stamp(ticket.time(m.TRE)).unix < time.time():
            raise Refused(m.AUTH_FAILURE, "the ticket has expired", auth)
        identity, (mpki, mpkr, (_, traffic, spi)) = msg.idr(m.R), opened
        if not self.may_resolve(identity, ticket.ids(m.R)):
            raise Refused(m.AUTH_FAILURE, "not for this user", auth)
        if profile.forked:
            data = ticket.initiator_data
            if k.mac(suite.auth, k.vr_key(suite, mpkr), data[:-suite.mac_len]) != data[-suite.mac_len:]:
                raise Refused(m.AUTH_FAILURE, "Vr", auth)
        keys = {"mpki": mpki, "mpkr": mpkr, "traffic": traffic, "spi": spi}
        KEYS.get(self.fault, lambda a: None)(keys)
        return self.bend(x.make_resolve_resp(suite, profile, psk, raw, self.url, identity, **keys,
                                             bend=PAYLOADS.get(self.fault, x.same)))

    def bend(self, raw):
        if self.fault == "wrong-mac":
            return raw[:-1] + bytes([raw[-1] ^ 1])
        if self.fault == "wrong-csb":
            return raw[:7] + bytes([raw[7] ^ 1]) + raw[8:]
        return raw

    def answer(self, kind, raw):
        """The answer's bytes, and what was refused."""
        try:
            return {"ticketrequest": self.request, "ticketresolve": self.resolve}[kind](raw), None
        except Refused as e:
            suite = self.psks.get(m.Message(raw).idr(m.PSK), (None, k.SUITES["256"]))[1]
            return x.make_error(suite, raw, e.number, e.key), str(e)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def reply(self, status, body):
        self.send_response(status)
        self.send_header("Content-Type", "application/mikey")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        kms = self.server.kms
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        kind = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query).get("requesttype", [""])[0]
        log = {"requesttype": kind, "content-type": self.headers.get("Content-Type"), "path": self.path}
        status, answer = 200, b""
        try:
            if kms.fault == "slow":
                kms.asked = True
                self.server.stopping.wait(120)
            if kms.fault == "close":
                self.close_connection = True
                return
            if kms.fault == "http-500":
                status = 500
            elif kms.fault == "garbage":
                answer = b"!!this is no base64!!"
            elif kms.fault != "empty":
                raw, refused = kms.answer(kind, base64.b64decode(body, validate=True))
                answer = base64.b64encode(raw)
                log |= {"refused": refused} if refused else {"ok": True}
        except (m.Bad, KeyError, ValueError, TypeError) as e:
            status, log["error"] = 400, repr(e)
        with self.server.lock:
            self.server.log(json.dumps(log))
        self.reply(status, answer)


class Server(ThreadingHTTPServer):
    """Listens where it is made, so make it in the network namespace wanted."""

    daemon_threads = True

    def __init__(self, args, log):
        super().__init__((args.bind, args.port), Handler)
        self.kms, self.log = Kms(args), log
        self.lock, self.stopping = threading.Lock(), threading.Event()
        self.connections = set()

    def process_request(self, request, client_address):
        self.connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request):
        self.connections.discard(request)
        super().shutdown_request(request)

    def stop(self):
        """Also end connections that clients keep: their threads would go on
        answering as this KMS."""
        self.stopping.set()
        self.shutdown()
        self.server_close()
        for connection in list(self.connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


def parser():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--bind", default="127.0.0.1")
    p.add_argument("--port", type=int, required=True)
    p.add_argument("--url", required=True)
    p.add_argument("--user", action="append", default=[])
    p.add_argument("--group", action="append", default=[])
    p.add_argument("--suite", default="256", choices=k.SUITES)
    p.add_argument("--fault", default="")
    return p


def main():
    server = Server(parser().parse_args(), lambda line: print(line, flush=True))
    print("ready", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(main())
