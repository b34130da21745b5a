#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Two KMS domains (TS 33.328 B.2.3, Zk): two real mikey-kms, with authorities
that OpenSSL makes, and the second implementation as a peer of theirs on both
sides, honest and not. KTAP on standard output. Needs no kernel module."""
import base64
import contextlib
import json
import os
import random
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import exchange as x
import judge
import keys as k
import kms
import mikey as m
import terminal
from kms_checks import BUILD, run_checks

ENTITY = b"Content-Type: text/plain\r\n\r\nhello"
ZK_INIT = [p for p in judge.RESOLVE_INIT if p != judge.IDR[m.PSK]]
PATH = "/keymanagement?requesttype="


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False,
                          stdin=subprocess.DEVNULL)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr or done.stdout}")
    return done.stdout


def free_port():
    """A port of 127.0.0.1 that nobody has, and that the kernel gives to nobody who connects
    before its server takes it."""
    while True:
        with contextlib.suppress(OSError), \
                socket.create_server(("127.0.0.1", random.randrange(10000, 30000))) as s:
            return s.getsockname()[1]


def domain(letter):
    return f"{letter}.test"


def identity(letter):
    return f"https://kms.{letter}.test"


class Authority:
    """A private authority, and what it signs."""

    def __init__(self, folder, name):
        self.folder, self.name = folder, name
        self.pem = os.path.join(folder, f"ca-{name}.pem")
        self.key = os.path.join(folder, f"ca-{name}.key")
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
            "-nodes", "-subj", f"/CN=Authority {name}", "-days", "2", "-keyout", self.key,
            "-out", self.pem)

    def sign(self, file, host, *more, usage="serverAuth,clientAuth"):
        """(certificate, key) with a dNSName."""
        pem, key, csr, ext = (os.path.join(self.folder, f"{file}.{s}") for s in ("pem", "key", "csr", "ext"))
        with open(ext, "w", encoding="ascii") as f:
            f.write(f"subjectAltName=DNS:{host}\nextendedKeyUsage={usage}\n")
        run("openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
            "-nodes", "-subj", f"/CN={host}", "-keyout", key, "-out", csr)
        run("openssl", "x509", "-req", "-in", csr, "-CA", self.pem, "-CAkey", self.key,
            "-CAcreateserial", "-extfile", ext, *(more or ("-days", "2")), "-out", pem)
        return pem, key


class Kms:
    """A real mikey-kms for users of its domain in every suite."""

    def __init__(self, world, letter):
        self.world, self.letter = world, letter
        self.port, self.zk_port = free_port(), free_port()
        self.dir = os.path.join(world.dir, letter)
        os.mkdir(self.dir)
        self.config, self.psks = os.path.join(self.dir, "conf"), {}
        self.authority = Authority(self.dir, letter)
        self.pem, self.key = self.authority.sign("kms", f"zk.{letter}.test")
        with open(self.config, "w", encoding="ascii") as f:
            f.write(f'identity = "{identity(letter)}";\nlisten = "127.0.0.1:{self.port}";\n'
                    f'listen-peers = "127.0.0.1:{self.zk_port}";\n'
                    f'peers = "{self.dir}/peers";\n'
                    f'peer-certificate = "{self.pem}";\npeer-private-key = "{self.key}";\n'
                    f'peer-timeout = 10;\npeer-requests = 2;\nthreads = 2;\n'
                    f'store = "{self.dir}/store";\nstore-key = "{self.dir}/key-of-store";\n'
                    'policy = { suites = [ "128", "ts-128" ]; };\nlog-level = "debug";\n')
        self.ctl("init")
        for name in ("alice", "bob"):
            for suite in k.SUITES:
                uid = self.uid(name, suite)
                self.psks[uid] = self.ctl("user", "add", "--uid", uid, "--suite", suite).split()[-1]
        self.process = None

    def uid(self, name, suite="256"):
        return f"{name}-{suite}@{domain(self.letter)}"

    def ctl(self, *words):
        n = 1 if words[0] == "init" else 2
        return run(f"{BUILD}/mikey-kms", *words[:n], "--config", self.config, *words[n:])

    def knows(self, letter, authority, port, *more):
        self.ctl("peer", "add", "--name", letter, "--identity", identity(letter), "--domain",
                 domain(letter), "--tls-name", f"zk.{letter}.test", "--ca", authority.pem,
                 "--address", f"127.0.0.1:{port}", *more)

    def start(self):
        with open(os.path.join(self.dir, "log"), "ab") as log:
            self.process = subprocess.Popen([f"{BUILD}/mikey-kms", "serve", "--config", self.config],
                                            stdout=log, stderr=subprocess.STDOUT)
        for _ in range(2400):
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", self.zk_port)) == 0:
                    return
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        raise RuntimeError(f"mikey-kms of {self.letter} does not serve:\n{self.log()}")

    def log(self):
        with open(os.path.join(self.dir, "log"), encoding="utf-8", errors="replace") as f:
            return f.read()

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.wait()

    def user(self, name, suite="256", *more):
        uid = self.uid(name, suite)
        return terminal.Terminal(terminal.parser().parse_args([
            "send", "--uid", uid, "--psk-id", uid, "--psk", self.psks[uid], "--kms-url",
            identity(self.letter), "--kms", f"127.0.0.1:{self.port}", "--suite", suite, *more]))


class Peer(kms.Kms):
    """The second implementation as an issuing KMS, which may lie over Zk."""

    def __init__(self, letter, psks):
        self.lie, self.gate = "", threading.Event()
        super().__init__(kms.parser().parse_args([
            "--port", "1", "--url", identity(letter),
            *(f"--user={uid},{uid},{psk}" for uid, psk in psks.items())]))

    def zk(self, raw):
        msg, lie = m.Message(raw), self.lie
        suite = k.SUITES["256"]
        judge.must((msg.data_type, msg.v_flag, msg.order, msg.v()[0]) ==
                   (m.RESOLVE_INIT, 1, ZK_INIT, k.NULL), "a RESOLVE_INIT between KMSs")
        ticket = msg.ticket
        opened = ticket.open(self.tpk_of(ticket, None)[0], suite)
        who = msg.idr(m.R)
        if opened is None or not self.may_resolve(who, ticket.ids(m.R)):
            return x.make_error(suite, raw, m.AUTH_FAILURE)
        mpki, mpkr, (_, traffic, spi) = opened
        if lie == "error-time":
            return x.make_error(suite, raw, m.INVALID_TS)
        if lie == "refusal":
            return x.make_error(suite, raw, m.AUTH_FAILURE)
        if lie == "other-user":
            who = b"mallory@b.test"
        if lie == "other-csb":
            raw = raw[:4] + bytes([raw[4] ^ 1]) + raw[5:]
        t = m.ntp32(time.time() - 7200) if lie == "old" else None
        profile = k.PROFILES["immediate"]
        url = b"https://kms.elsewhere.test" if lie == "other-kms" else self.url
        traffic = traffic[:16] if lie == "short-key" else traffic
        return x.make_zk_resolve_resp(suite, profile, raw, url, who, mpki, mpkr, traffic, spi,
                                      os.urandom(32), **({"t": t} if t else {}))


class ZkHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        peer = self.server.peer
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.seen.append((self.path, self.headers.get("Content-Type"),
                                 base64.b64decode(body), self.connection.getpeercert()))
        if peer.lie == "slow":
            peer.gate.wait(30)
        answer = base64.b64encode(peer.zk(base64.b64decode(body)))
        answer = {"garbage": b"!!!!", "empty": b"", "huge": b"AAAA" * 500000}.get(peer.lie, answer)
        with contextlib.suppress(OSError):
            self.send_response(500 if peer.lie == "http-500" else 200)
            self.send_header("Content-Type", "application/mikey")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)


class ZkServer(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, peer, port, certificate, ca):
        self.peer, self.seen = peer, []
        super().__init__(("127.0.0.1", port), ZkHandler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        context.load_verify_locations(ca)
        context.verify_mode = ssl.CERT_REQUIRED
        self.socket = context.wrap_socket(self.socket, server_side=True)
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def handle_error(self, request, client_address):
        pass


class World:
    """A and B are mikey-kms; C is ours, and B knows it. D is nobody's peer."""

    def __init__(self, make_list=lambda authority: ()):
        """make_list(authority): more of peer add, for the peer that it is of"""
        self.dir = tempfile.mkdtemp(prefix="mikey-zk-test.")
        self.a, self.b = Kms(self, "a"), Kms(self, "b")
        self.c_port, self.c_authority = free_port(), Authority(self.dir, "c")
        self.c_certificate = self.c_authority.sign("c", "zk.c.test")
        self.a.knows("b", self.b.authority, self.b.zk_port, *make_list(self.b.authority))
        self.b.knows("a", self.a.authority, self.a.zk_port, *make_list(self.a.authority))
        self.a.knows("c", self.c_authority, self.c_port, *make_list(self.c_authority))
        self.b.knows("c", self.c_authority, self.c_port, *make_list(self.c_authority))
        self.a.start()
        self.b.start()
        psks = {f"carol@{domain('c')}": os.urandom(32).hex()}
        self.c = Peer("c", psks)
        http = kms.Server.__new__(kms.Server)
        ThreadingHTTPServer.__init__(http, ("127.0.0.1", 0), kms.Handler)
        http.kms, http.log = self.c, lambda line: None
        http.lock, http.stopping, http.connections = threading.Lock(), threading.Event(), set()
        threading.Thread(target=http.serve_forever, args=(0.05,), daemon=True).start()
        self.carol = terminal.Terminal(terminal.parser().parse_args([
            "send", "--uid", "carol@c.test", "--psk-id", "carol@c.test", "--psk", psks["carol@c.test"],
            "--kms-url", identity("c"), "--kms", f"127.0.0.1:{http.server_address[1]}"]))
        self.zk = None
        self.serve_c()

    def serve_c(self, certificate=None):
        if self.zk:
            self.zk.shutdown()
            self.zk.server_close()
        self.zk = ZkServer(self.c, self.c_port, certificate or self.c_certificate,
                           self.b.authority.pem)

    def stop(self):
        self.c.gate.set()
        self.a.stop()
        self.b.stop()
        shutil.rmtree(self.dir)


def outcome(call, *args):
    try:
        call(*args)
    except m.Bad as e:
        return str(e)
    return "resolved"


def zk_post(w, raw, certificate=None, kind="ticketresolve", port=None, to=None):
    """(status, body) of A, or another, to whoever has that certificate."""
    host = f"zk.{(to or w.a).letter}.test"
    context = ssl.create_default_context(cafile=(to or w.a).authority.pem)
    if certificate:
        context.load_cert_chain(*certificate)
    text = base64.b64encode(raw)
    with socket.create_connection(("127.0.0.1", port or w.a.zk_port), timeout=20) as plain, \
            context.wrap_socket(plain, server_hostname=host) as s:
        s.sendall(f"POST {PATH}{kind} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n"
                  f"Content-Type: application/mikey\r\nContent-Length: {len(text)}\r\n\r\n".encode() + text)
        answer = b""
        while data := s.recv(65536):
            answer += data
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), body


def error_of(status_body):
    status, body = status_body
    msg = m.Message(base64.b64decode(body)) if status == 200 else None
    if msg is None or msg.data_type != m.ERROR:
        return None
    return msg.need(m.ERR)[0], m.V in msg.order


# --- what must work -------------------------------------------------------------

def matrix(w):
    for profile in k.PROFILES.values():
        for suite in k.SUITES:
            for mode in ("1", "3"):
                def check(profile=profile, suite=suite, mode=mode):
                    a = w.a.user("alice", suite, "--profile", profile.name, "--mode", mode)
                    told = w.b.user("bob", suite).open(
                        *a.protect(w.b.uid("bob", suite).encode(), ENTITY, "auth-enveloped"))
                    return told["initiator"] == w.a.uid("alice", suite)
                yield f"A to B, {profile.name}, suite {suite}, mode {mode}", check

    def back():
        return w.a.user("alice").open(*w.b.user("bob").protect(
            w.a.uid("alice").encode(), ENTITY, "auth-enveloped"))
    yield "and back, B to A", back

    def group():
        w.a.ctl("group", "add", "--psi", "team@a.test", "--member", w.a.uid("bob"))
        a = w.a.user("alice").protect(b"team@a.test", ENTITY, "auth-enveloped")
        return outcome(w.b.user("bob", "256", "--accept", "team@a.test").resolve, a[0]) == \
            "MIKEY error 0 with V"
    yield "a group's ticket is not for whoever of B is no member", group

    def listed():
        peers = json.loads(w.a.ctl("peer", "list", "--json"))
        return [p["name"] for p in peers] == ["b", "c"] and peers[0]["domains"] == ["b.test"]
    yield "peer list", listed


def foreign_issuer(w):
    """Carol's KMS is the second implementation's; bob asks his."""
    bob = w.b.uid("bob").encode()

    def honest():
        w.c.lie, w.zk.seen[:] = "", []
        got = w.b.user("bob").open(*w.carol.protect(bob, ENTITY, "auth-enveloped"))
        path, kind, raw, cert = w.zk.seen[-1]
        msg = m.Message(raw)
        return got and path == PATH + "ticketresolve" and kind == "application/mikey" and \
            msg.order == ZK_INIT and msg.idr(m.R) == bob and msg.idr(m.KMS) == identity("c").encode() and \
            ("DNS", "zk.b.test") in cert["subjectAltName"]
    yield "B asks the second implementation, in its own name", honest
    for lie, want in (("refusal", "MIKEY error 0 with V"), ("error-time", "KMS says 503"),
                      ("other-user", "KMS says 503"), ("other-csb", "KMS says 503"),
                      ("old", "KMS says 503"), ("other-kms", "KMS says 503"),
                      ("short-key", "KMS says 503"), ("garbage", "KMS says 503"),
                      ("empty", "KMS says 503"), ("huge", "KMS says 503"),
                      ("http-500", "KMS says 503")):
        def lies(lie=lie, want=want):
            w.c.lie = lie
            try:
                got = outcome(w.b.user("bob").resolve,
                              w.carol.protect(bob, ENTITY, "auth-enveloped")[0])
            finally:
                w.c.lie = ""
            print(f"#   {got}")
            return got == want
        yield f"a peer's answer: {lie}", lies

    def slow():
        """Two wait, as many as may; a third is told at once; others do not notice."""
        w.c.lie, results = "slow", []
        w.c.gate.clear()
        transfers = [w.carol.protect(bob, ENTITY, "auth-enveloped")[0] for _ in range(6)]
        own = w.b.user("alice").protect(bob, ENTITY, "auth-enveloped")
        threads = [threading.Thread(target=lambda t=t: results.append(
            outcome(w.b.user("bob").resolve, t))) for t in transfers]
        for t in threads:
            t.start()
        good = w.b.user("bob").open(*own)
        for t in threads:
            t.join(30)
        w.c.gate.set()
        w.c.lie = ""
        return good and results == ["KMS says 503"] * 6 and "too many wait" in w.b.log() and \
            "timed out" in w.b.log().lower()
    yield "a peer that never answers: 503 in time, and nobody else waits", slow

    def stopped():
        """B is told to stop while a user waits for C, for longer than it drains."""
        w.c.lie, results = "slow", []
        w.c.gate.clear()
        transfer = w.carol.protect(bob, ENTITY, "auth-enveloped")[0]
        seen = len(w.zk.seen)
        thread = threading.Thread(target=lambda: results.append(
            outcome(w.b.user("bob").resolve, transfer)))
        thread.start()
        for _ in range(6000):
            if len(w.zk.seen) > seen:
                break
            time.sleep(0.01)
        w.b.stop()
        thread.join(30)
        status = w.b.process.returncode
        w.c.gate.set()
        w.c.lie = ""
        w.b.start()
        return results == ["KMS says 503"] and status == 0 and "the KMS is stopping" in w.b.log()
    yield "a KMS that stops while a user waits: 503, and a clean end", stopped

    def vouch():
        """C makes a ticket "from Alice" of A, whose IDRkms is C's."""
        transfer = w.carol.protect(bob, ENTITY, "auth-enveloped",
                                   held=w.carol.mint([bob], initiator=w.a.uid("alice")))[0]
        w.zk.seen[:] = []
        return outcome(w.b.user("bob").resolve, transfer) == "MIKEY error 0 with V" and not w.zk.seen
    yield "a ticket from another domain's user: C is not even asked", vouch
    stranger = Authority(w.dir, "stranger")
    for title, make in (
            ("of another authority", lambda: stranger.sign("c-x", "zk.c.test")),
            ("of B's own authority", lambda: w.b.authority.sign("c-b", "zk.c.test")),
            ("with another name", lambda: w.c_authority.sign("c-n", "zk.other.test")),
            ("that has expired", lambda: w.c_authority.sign("c-e", "zk.c.test", "-days", "-1"))):
        def server(make=make):
            w.serve_c(make())
            w.zk.seen[:] = []
            try:
                got = outcome(w.b.user("bob").resolve,
                              w.carol.protect(bob, ENTITY, "auth-enveloped")[0])
                return got == "KMS says 503" and not w.zk.seen
            finally:
                w.serve_c()
        yield f"a peer's certificate {title}: it is not asked", server
    yield "the good one is asked again", lambda: w.b.user("bob").open(
        *w.carol.protect(bob, ENTITY, "auth-enveloped"))


def foreign_resolver(w):
    """The second implementation asks A in B's name."""
    alice, bob = w.a.user("alice"), w.b.uid("bob").encode()
    held = alice.ticket([bob])
    transfer = alice.protect(bob, ENTITY, "auth-enveloped", held=held)[0]
    mine = (w.b.pem, w.b.key)
    suite = alice.suite

    def ask(who=bob, url=identity("a"), certificate=mine, t=None, **more):
        return zk_post(w, x.make_zk_resolve(suite, url, who, transfer, t=t), certificate, **more)

    def honest():
        raw = x.make_zk_resolve(suite, identity("a"), bob, transfer)
        status, body = zk_post(w, raw, mine)
        msg = m.Message(base64.b64decode(body))
        keys = [key for _, key, _ in m.read_key_data(msg.kemac()[1])]
        return status == 200 and msg.data_type == m.RESOLVE_RESP and msg.v()[0] == k.NULL and \
            msg.order == judge.FORKED_RESP and msg.idr(m.R) == bob and \
            msg.idr(m.KMS) == identity("a").encode() and keys == [
                held.mpki, k.fork(suite, held.mpkr, bob, msg.randr(m.KMS)), held.traffic]
    yield "the second implementation asks A as B", honest

    def replay():
        raw = x.make_zk_resolve(suite, identity("a"), bob, transfer)
        zk_post(w, raw, mine)
        return error_of(zk_post(w, raw, mine)) == (m.INVALID_TS, False)
    yield "the same RESOLVE_INIT again", replay
    stranger = Authority(w.dir, "stranger2")
    for title, make in (
            ("no certificate", lambda: None),
            ("another authority's certificate in B's name", lambda: stranger.sign("b-x", "zk.b.test")),
            ("C's authority's certificate in B's name", lambda: w.c_authority.sign("b-c", "zk.b.test")),
            ("a certificate in a name that no peer has", lambda: w.b.authority.sign("b-n", "zk.d.test")),
            ("a certificate that has expired", lambda: w.b.authority.sign("b-e", "zk.b.test", "-days", "-1")),
            ("a certificate for servers only",
             lambda: w.b.authority.sign("b-s", "zk.b.test", usage="serverAuth")),
            ("a wildcard certificate", lambda: w.b.authority.sign("b-w", "*.b.test"))):
        def refused(make=make):
            return ask(certificate=make())[0] == 403
        yield f"{title}: 403", refused
    for title, how, want in (
            ("IDRr of A's own domain", {"who": w.a.uid("bob").encode()}, m.AUTH_FAILURE),
            ("IDRr of C's domain", {"who": b"carol@c.test"}, m.AUTH_FAILURE),
            ("IDRr with a wildcard", {"who": b"?@b.test"}, m.AUTH_FAILURE),
            ("a user whom the ticket does not name", {"who": w.b.uid("alice").encode()}, m.AUTH_FAILURE),
            ("B's own IDRkms", {"url": identity("b")}, m.INVALID_ID),
            ("T an hour ago", {"t": m.ntp32(time.time() - 3600)}, m.INVALID_TS)):
        yield f"refused: {title}", lambda how=how, want=want: error_of(ask(**how)) == (want, False)

    def tampered():
        raw = bytearray(x.make_zk_resolve(suite, identity("a"), bob, transfer))
        raw[raw.index(b"tpk-") if b"tpk-" in raw else len(raw) // 2] ^= 1
        return error_of(zk_post(w, bytes(raw), mine)) == (m.AUTH_FAILURE, False)
    yield "refused: a ticket with a bit changed", tampered
    yield "a ticket request between KMSs: 400", lambda: ask(kind="ticketrequest")[0] == 400

    def front():
        raw = x.make_zk_resolve(suite, identity("a"), bob, transfer)
        return outcome(lambda: alice.keys_of(alice.post("ticketresolve", raw), raw, None)) == "MIKEY error 0"
    yield "a peer's RESOLVE_INIT at the users' door", front


def unknown(w):
    def stranger():
        d = w.a.user("alice", "256", "--mode", "3")
        d.kms_url = identity("d").encode()
        bob = w.b.uid("bob").encode()
        return outcome(w.b.user("bob").resolve, d.protect(bob, ENTITY, "auth-enveloped")[0]) == \
            "MIKEY error 0 with V"
    yield "a ticket of a KMS that is nobody's peer", stranger

    def removed():
        w.b.ctl("peer", "del", "a")
        w.b.stop()
        w.b.start()
        a = w.a.user("alice").protect(w.b.uid("bob").encode(), ENTITY, "auth-enveloped")
        return outcome(w.b.user("bob").resolve, a[0]) == "MIKEY error 0 with V"
    yield "peer del: A's tickets are no longer of use at B", removed

    def nobody():
        w.b.ctl("peer", "del", "c")
        w.b.stop()
        w.b.start()
        b = w.b.user("alice")
        return zk_post(w, b"x", (w.a.pem, w.a.key), port=w.b.zk_port, to=w.b)[0] == 403 and \
            w.b.user("bob").open(*b.protect(w.b.uid("bob").encode(), ENTITY, "auth-enveloped"))
    yield "without any peer it serves its users, and 403 to everybody else", nobody

    def secrets():
        return not any(s in (w.a.log() + w.b.log()) for s in [*w.a.psks.values(), *w.b.psks.values()])
    yield "no PSK in the logs", secrets


if __name__ == "__main__":
    sys.exit(run_checks(World, (matrix, foreign_issuer, foreign_resolver, unknown), lambda world: world.a.log() + world.b.log()))
