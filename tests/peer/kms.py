#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A KMS for tests (TS 33.328 Annex A) on the second implementation.

  kms.py --port P --url https://kms.example --user UID,PSKID,HEXPSK ... \
         [--group GID,UID,UID...] [--suite 256] [--fault NAME]

Prints "ready" when it listens, then one JSON line per request. --fault makes
it a broken peer: garbage, empty, slow, close, wrong-mac, wrong-csb, wrong-key,
error, error-mac, extra-responder, long-life, swap-mpk, http-500.
"""
import argparse
import base64
import contextlib
import json
import os
import socket
import sys
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import mikey as m


class Kms:
    def __init__(self, args):
        self.url, self.suite, self.fault = args.url.encode(), m.SUITES[args.suite], args.fault
        self.users, self.psks = {}, {}
        for u in args.user:
            uid, psk_id, psk = u.split(",")
            self.users[uid.encode()] = psk_id.encode()
            self.psks[psk_id.encode()] = bytes.fromhex(psk)
        self.groups = {g.split(",")[0].encode(): [x.encode() for x in g.split(",")[1:]] for g in args.group}
        self.tpk = os.urandom(self.suite.key_len)

    def profile_of(self, bits):
        return m.PROFILES["immediate" if bits & m.FLAGS["I"] else "annex-i"]

    def psk_for(self, msg, identity, randr_i=b"", randr_r=b""):
        """PSK by IDRpsk, if the MAC verifies and the identity is its owner's."""
        psk = self.psks[msg.idr(m.PSK)]
        _, auth, _ = m.message_keys(self.suite, psk, msg.csb_id, randr_i, randr_r)
        if not msg.verify(auth, identity, self.url) or self.users.get(identity) != msg.idr(m.PSK):
            raise m.Bad("authentication")
        return psk, auth

    def request(self, raw):
        msg = m.Message(raw)
        psk, auth = self.psk_for(msg, msg.idr(m.I), randr_i=msg.randr(m.I))
        tp = m.Policy(msg.first(m.TP))
        if self.fault in ("error", "error-mac"):
            return m.make_error(self.suite, raw, 15, auth if self.fault == "error-mac" else None)
        profile = self.profile_of(tp.flags)
        responders, end = tp.ids(m.R), tp.time(3)
        if self.fault == "extra-responder":
            responders = responders + [b"mallory@example.test"]
        if self.fault == "long-life":
            end = (int.from_bytes(end, "big") + 86400).to_bytes(4, "big")
        mpk, traffic = os.urandom(self.suite.key_len), os.urandom(self.suite.key_len)
        rand, spi = os.urandom(self.suite.key_len), os.urandom(8)
        body = m.make_ticket_body(
            self.suite, profile, self.tpk, b"tpk-test", mpk, traffic, spi,
            m.tp_payloads(self.url, msg.idr(m.I), tp.time(2), end, responders), tp.flags, rand)
        mpki, mpkr = m.mpk_pair(self.suite, mpk, rand)
        if self.fault == "swap-mpk":
            mpki, mpkr = mpkr, mpki
        if self.fault == "wrong-key":
            traffic = traffic[:-1]
        out = m.make_request_resp(self.suite, profile, psk, raw, self.url, body, mpki, mpkr, traffic, spi)
        return self.bend(out)

    def resolve(self, raw):
        msg = m.Message(raw)
        identity = msg.idr(m.R)
        psk, auth = self.psk_for(msg, identity, randr_r=msg.randr(m.R))
        if self.fault in ("error", "error-mac"):
            return m.make_error(self.suite, raw, 14, auth if self.fault == "error-mac" else None)
        ticket = msg.ticket
        profile = self.profile_of(ticket.flags)
        named = ticket.ids(m.R)
        if identity not in named and not any(identity in self.groups.get(g, ()) for g in named):
            return m.make_error(self.suite, raw, 0, auth)
        opened = ticket.open(lambda _: self.tpk, self.suite)
        if opened is None:
            return m.make_error(self.suite, raw, 0, auth)
        mpki, mpkr, (_, traffic, spi) = opened
        if profile.forked:
            data = ticket.initiator_data
            if m.mac(self.suite.auth, m.vr_key(self.suite, mpkr), data[:-self.suite.mac_len]) != \
                    data[-self.suite.mac_len:]:
                return m.make_error(self.suite, raw, 0, auth)
        if self.fault == "swap-mpk":
            mpki, mpkr = mpkr, mpki
        if self.fault == "wrong-key":
            traffic = os.urandom(len(traffic))
        return self.bend(m.make_resolve_resp(self.suite, profile, psk, raw, self.url, identity,
                                             mpki, mpkr, traffic, spi))

    def bend(self, raw):
        if self.fault == "wrong-mac":
            return raw[:-1] + bytes([raw[-1] ^ 1])
        if self.fault == "wrong-csb":
            return raw[:7] + bytes([raw[7] ^ 1]) + raw[8:]
        return raw


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
                self.server.stopping.wait(120)
            if kms.fault == "close":
                self.close_connection = True
                return
            if kms.fault == "http-500":
                status = 500
            elif kms.fault == "garbage":
                answer = b"!!this is no base64!!"
            elif kms.fault != "empty":
                raw = base64.b64decode(body, validate=True)
                answer = base64.b64encode({"ticketrequest": kms.request, "ticketresolve": kms.resolve}[kind](raw))
                log["ok"] = True
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
    p.add_argument("--suite", default="256", choices=m.SUITES)
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
