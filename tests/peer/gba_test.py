#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""PSKs from GBA: a real mikey-kms that looks B-TIDs up at a small BSF of ours
over HTTPS, honest and not. KTAP on standard output. Needs no kernel module."""
import base64
import contextlib
import os
import re
import shutil
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import terminal
import zk_test as z
from kms_checks import run_checks

URL, NAF, BSF = "https://kms.example.test", "kms.example.test", "bsf.example.test"
NAF_ID = base64.b64encode(NAF.encode() + bytes.fromhex("0100000006")).decode()
ENTITY = z.ENTITY


class Bsf(ThreadingHTTPServer):
    """Knows users by B-TID; @fault makes it lie about everybody."""

    daemon_threads = True

    def __init__(self, port, certificate, ca):
        self.users, self.seen, self.fault, self.gate = {}, [], "", threading.Event()
        super().__init__(("127.0.0.1", port), BsfHandler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        context.load_verify_locations(ca)
        context.verify_mode = ssl.CERT_REQUIRED
        self.socket = context.wrap_socket(self.socket, server_side=True)
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def handle_error(self, request, client_address):
        pass

    def bootstrap(self, uid, life=3600, key=None):
        """(B-TID, key) of a user who has just bootstrapped."""
        btid = base64.b64encode(os.urandom(16)).decode() + "@" + BSF
        self.users[btid] = (uid, key or os.urandom(32), time.time() + life)
        return btid, self.users[btid][1].hex()

    def answer(self, btid):
        fault = self.fault
        uid, key, end = self.users[btid]
        uids = {"no-user": [], "other-domain": ["mallory@elsewhere.test"]}.get(
            fault, ["tel:+4912345", "sip:" + uid])
        key = {"short-key": key[:16], "long-key": key + b"x", "no-key": b""}.get(fault, key)
        end = time.time() - 5 if fault == "expired" else end
        when = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(end)) + (
            "+02:00" if fault == "local-time" else ".5Z")
        btid = "somebody@" + BSF if fault == "other-btid" else btid
        head = '<!DOCTYPE a [<!ENTITY b "c">]>' if fault == "doctype" else ""
        return (f'<?xml version="1.0"?>{head}<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/">'
                f'<soap:Body><requestBootstrappingInfoResponse><btid>{btid}</btid><impi>{uid}</impi>'
                f'<meKeyMaterial>{base64.b64encode(key).decode()}</meKeyMaterial>'
                f'<keyExpiryTime>{when}</keyExpiryTime><uss><uids>'
                + "".join(f"<uid>{u}</uid>" for u in uids) +
                '</uids></uss></requestBootstrappingInfoResponse></soap:Body></soap:Envelope>').encode()


class BsfHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        bsf = self.server
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        btid = re.search("<btid>(.*)</btid>", body)[1]
        bsf.seen.append((self.path, self.headers["Content-Type"], btid,
                         re.search("<nafId>(.*)</nafId>", body)[1], self.connection.getpeercert()))
        if bsf.fault == "slow":
            bsf.gate.wait(30)
        status, answer = 404, b"no such B-TID"
        if btid in bsf.users:
            status = 500 if bsf.fault == "http-500" else 200
            answer = {"garbage": b"<<<", "empty": b"", "huge": b"<a>" + b" " * 1000000 + b"</a>",
                      "deep": b"<a>" * 5000}.get(bsf.fault) or (
                          b"" if bsf.fault == "empty" else bsf.answer(btid))
        with contextlib.suppress(OSError):
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)


class World:
    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="mikey-gba-test.")
        self.port, self.bsf_port = z.free_port(), z.free_port()
        self.ca, self.kms_ca = z.Authority(self.dir, "bsf"), z.Authority(self.dir, "kms")
        self.certificate = self.ca.sign("bsf", BSF)
        mine = self.kms_ca.sign("kms", NAF)
        self.config = os.path.join(self.dir, "conf")
        with open(self.config, "w", encoding="ascii") as f:
            f.write(f'identity = "{URL}";\nlisten = "127.0.0.1:{self.port}";\n'
                    f'store = "{self.dir}/store";\nstore-key = "{self.dir}/key";\n'
                    f'bsf-url = "https://{BSF}/zn";\nbsf-address = "127.0.0.1:{self.bsf_port}";\n'
                    f'bsf-ca = "{self.ca.pem}";\nbsf-certificate = "{mine[0]}";\n'
                    f'bsf-private-key = "{mine[1]}";\nbsf-domains = "{BSF}";\n'
                    f'bsf-uid-domains = "example.test";\nnaf = "{NAF}";\nbsf-timeout = 6;\n'
                    'bsf-cache = 3;\nbsf-requests = 2;\nthreads = 2;\nlog-level = "debug";\n')
        self.ctl("init")
        self.static = self.ctl("user", "add", "--uid", "dave@example.test").split()[-1]
        # would be a way round the BSF
        self.shadow = self.ctl("user", "add", "--uid", "eve@example.test", "--psk-id",
                               f"eve@{BSF}").split()[-1]
        self.bsf = None
        self.serve(self.certificate)
        self.process = None
        with open(os.path.join(self.dir, "log"), "ab") as log:
            self.process = subprocess.Popen([f"{z.BUILD}/mikey-kms", "serve", "--config", self.config],
                                            stdout=log, stderr=subprocess.STDOUT)
        for _ in range(2400):
            if "listening" in self.log():
                return
            time.sleep(0.05)
        raise RuntimeError(self.log())

    def ctl(self, *words):
        n = 1 if words[0] == "init" else 2
        return z.run(f"{z.BUILD}/mikey-kms", *words[:n], "--config", self.config, *words[n:])

    def serve(self, certificate):
        users = self.bsf.users if self.bsf else {}
        if self.bsf:
            self.bsf.shutdown()
            self.bsf.server_close()
        self.bsf = Bsf(self.bsf_port, certificate, self.kms_ca.pem)
        self.bsf.users = users

    def log(self):
        with open(os.path.join(self.dir, "log"), encoding="utf-8", errors="replace") as f:
            return f.read()

    def user(self, name, psk_id, psk, *more):
        return terminal.Terminal(terminal.parser().parse_args([
            "send", "--uid", f"{name}@example.test", "--psk-id", psk_id, "--psk", psk,
            "--kms-url", URL, "--kms", f"127.0.0.1:{self.port}", *more]))

    def fresh(self, name, *more, life=3600):
        """A user who has just bootstrapped."""
        return self.user(name, *self.bsf.bootstrap(f"{name}@example.test", life), *more)

    def stop(self):
        self.bsf.gate.set()
        if self.process:
            self.process.terminate()
            self.process.wait()
        shutil.rmtree(self.dir)


def to(name):
    return f"{name}@example.test".encode()


def asked(me):
    return z.outcome(me.request, [to("dave")])


def good(w):
    def both():
        a, b = w.fresh("alice"), w.fresh("bob")
        told = b.open(*a.protect(to("bob"), ENTITY, "auth-enveloped"))
        path, kind, btid, naf, cert = w.bsf.seen[-2]
        return told["initiator"] == "alice@example.test" and path == "/zn" and kind == "text/xml" and \
            btid == a.psk_id.decode() and naf == NAF_ID and ("DNS", NAF) in cert["subjectAltName"]
    yield "both users' PSKs come from the BSF, for our NAF_Id", both

    def static():
        w.bsf.seen[:] = []
        d = w.user("dave", "dave@example.test", w.static)
        return d.open(*d.protect(to("dave"), ENTITY, "auth-enveloped")) and not w.bsf.seen
    yield "a PSK of the store: the BSF is not asked", static

    def minted():
        a, b = w.fresh("alice", "--mode", "3"), w.fresh("bob")
        w.bsf.seen[:] = []
        told = b.open(*a.protect(to("bob"), ENTITY, "auth-enveloped"))
        return told and {s[2] for s in w.bsf.seen} == {a.psk_id.decode(), b.psk_id.decode()}
    yield "mode 3: the ticket's PSK comes from there, too", minted

    def cached():
        a = w.fresh("alice")
        w.bsf.seen[:] = []
        for _ in range(3):
            a.request([to("bob")])
        return len(w.bsf.seen) == 1
    yield "asked once, remembered then", cached

    def bounded():
        users = [w.fresh("alice") for _ in range(5)]
        for u in users:
            u.request([to("bob")])
        w.bsf.seen[:] = []
        users[0].request([to("bob")])
        return len(w.bsf.seen) == 1
    yield "no more are remembered than bsf-cache says", bounded

    def wrong_user():
        a = w.fresh("alice")
        a.uid = to("bob")
        return asked(a) == "MIKEY error 0 with V"
    yield "in another's name: refused", wrong_user


def ends(w):
    def over():
        a, mint, b = w.fresh("alice", life=4), w.fresh("carol", "--mode", "3", life=4), w.fresh("bob")
        message = mint.protect(to("bob"), ENTITY, "auth-enveloped")
        first = (asked(a), z.outcome(b.resolve, message[0]))
        w.bsf.seen[:] = []
        time.sleep(5)
        second = (asked(a), z.outcome(b.resolve, message[0]))
        print(f"#   {first} {second}")
        return first == ("resolved", "resolved") and \
            second == ("MIKEY error 0", "MIKEY error 0 with V")
    yield "its lifetime ends a key, also a remembered one, and tickets of mode 3 under it", over


FAULTS = {
    "short-key": "not one of 256 bits", "long-key": "not one of 256 bits", "no-key": "not one of 256 bits",
    "other-btid": "about another B-TID", "expired": "its key is over", "local-time": "is not in UTC",
    "no-user": "names no user", "other-domain": "names no user", "doctype": "document type",
    "garbage": "not XML", "deep": "not XML", "empty": "", "huge": "sent too much", "http-500": "HTTP 500",
}


def bad(w):
    for fault, words in FAULTS.items():
        def lie(fault=fault, words=words):
            a, at = w.fresh("alice"), len(w.log())
            w.bsf.fault = fault
            try:
                got = asked(a)
            finally:
                w.bsf.fault = ""
            print(f"#   {got}: {[line for line in w.log()[at:].splitlines() if 'bsf-' in line]}")
            return got == "MIKEY error 0" and "bsf-" in w.log()[at:] and words in w.log()[at:] and \
                asked(a) == "resolved"
        yield f"the BSF: {fault}; the same answer to the client as always", lie

    def nobody():
        return asked(w.user("alice", "bm9ib2R5@" + BSF, "00" * 32)) == "MIKEY error 0"
    yield "a B-TID that it does not know", nobody

    def wrong_key():
        a = w.fresh("alice")
        a.psk = bytes(32)
        return asked(a) == "MIKEY error 0"
    yield "a wrong MAC: the same answer", wrong_key

    def shadow():
        return asked(w.user("eve", f"eve@{BSF}", w.shadow)) == "MIKEY error 0"
    yield "a PSK of the store with a B-TID's name is not looked at", shadow

    def inject():
        w.bsf.seen[:] = []
        return asked(w.user("alice", f"a</btid><x>@{BSF}", "00" * 32)) == "MIKEY error 0" and not w.bsf.seen
    yield "what is no B-TID is not asked for", inject

    def slow():
        w.bsf.fault, results = "slow", []
        w.bsf.gate.clear()
        users = [w.fresh("alice") for _ in range(5)]
        threads = [threading.Thread(target=lambda u=u: results.append(asked(u))) for u in users]
        for t in threads:
            t.start()
        d = w.user("dave", "dave@example.test", w.static)
        told = d.open(*d.protect(to("dave"), ENTITY, "auth-enveloped"))
        for t in threads:
            t.join(30)
        w.bsf.gate.set()
        w.bsf.fault = ""
        return told and results == ["MIKEY error 0"] * 5 and "too many wait" in w.log()
    yield "a BSF that never answers: refused in time, and nobody else waits", slow

    def impostor():
        a = w.fresh("alice")
        w.serve(z.Authority(w.dir, "x").sign("x", BSF))
        try:
            return asked(a) == "MIKEY error 0" and not w.bsf.seen
        finally:
            w.serve(w.certificate)
    yield "another authority's certificate: it is not asked", impostor

    def secrets():
        keys = [key for _, key, _ in w.bsf.users.values()]
        return not any(key.hex() in w.log() or base64.b64encode(key).decode() in w.log() for key in keys)
    yield "no key in the log", secrets
    yield "the good one is asked again", lambda: asked(w.fresh("alice")) == "resolved"


if __name__ == "__main__":
    sys.exit(run_checks(World, (good, ends, bad), lambda world: world.log()))
