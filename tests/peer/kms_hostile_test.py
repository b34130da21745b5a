#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A real mikey-kms under attack over HTTP and HTTPS, while good clients go on
asking: each of them is answered right, memory stays under a ceiling, and in the
end nothing is left open. KTAP. Needs no kernel module.

MIKEY_HOSTILE_SECONDS is how long each attack lasts (1)."""
import base64
import contextlib
import http.client
import os
import random
import re
import resource
import select
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time

import service as s
import terminal
import zk_test as z
from service import Service, wait_for

SECONDS = float(os.environ.get("MIKEY_HOSTILE_SECONDS", "1"))
CEILING_KIB = 64 * 1024         # of memory in RAM, beyond that at the start
CONNECTIONS, EACH = 400, 60     # at an address of ours, and from one of theirs
ADDRESSES = 16
HEAD = (b"POST /keymanagement?requesttype=ticketrequest HTTP/1.1\r\nHost: k\r\n"
        b"Content-Type: application/mikey\r\n")


class OverTls(terminal.Terminal):
    """A terminal that uses HTTPS."""

    context, tls_port = None, 0

    def post(self, kind, raw):
        con = http.client.HTTPSConnection("127.0.0.1", self.tls_port, timeout=60,
                                          context=self.context)
        with contextlib.closing(con):
            con.request("POST", terminal.KMS_PATH + kind, base64.b64encode(raw),
                        {"Content-Type": "application/mikey"})
            r = con.getresponse()
            body = r.read()
        if r.status != 200:
            raise RuntimeError(f"KMS says {r.status}")
        return base64.b64decode(body, validate=True)


class Good(threading.Thread):
    """Goes on asking and resolving until it is told to end."""

    def __init__(self, w, tls):
        super().__init__(daemon=True)
        self.alice, self.bob = w.user(s.ALICE, "--single-use"), w.user(s.BOB)
        for t in (self.alice, self.bob) if tls else ():
            t.__class__ = OverTls
        self.w, self.done, self.failures, self.end = w, 0, [], False

    def run(self):
        while not self.end:
            try:
                if not self.w.exchange(self.alice, self.bob):
                    raise RuntimeError("not opened")
                self.done += 1
            except Exception as e:  # pylint: disable=broad-except
                self.failures.append(repr(e))
            time.sleep(0.02)


class World:
    def __init__(self):
        resource.setrlimit(resource.RLIMIT_NOFILE, (8192, max(
            8192, resource.getrlimit(resource.RLIMIT_NOFILE)[1])))
        self.admin = z.free_port()
        self.w = Service(f'listen-admin = "127.0.0.1:{self.admin}";\nrequest-timeout = 10;\n'
                         f'max-connections = {CONNECTIONS};\n'
                         f'max-connections-per-address = {EACH};\nlog-level = "error";\n',
                         tls=True).start()
        self.ports = (self.w.port, self.w.tls_port)
        OverTls.context = ssl.create_default_context(cafile=self.w.ca.pem)
        OverTls.context.check_hostname = False
        OverTls.tls_port = self.w.tls_port
        for tls in (False, True):       # what is made once is there before it is counted
            good = Good(self.w, tls)
            good.w.exchange(good.alice, good.bob)
        wait_for(lambda: self.connections() == 0, "no connection")
        self.rss, self.fds = self.memory(), self.open_files()
        self.good = [Good(self.w, tls) for tls in (False, True)]
        for g in self.good:
            g.start()

    def memory(self, which="VmRSS"):
        with open(f"/proc/{self.w.process.pid}/status", encoding="ascii") as f:
            return int(re.search(rf"{which}:\s*(\d+) kB", f.read())[1])

    def open_files(self):
        return len(os.listdir(f"/proc/{self.w.process.pid}/fd"))

    def connections(self):
        con = http.client.HTTPConnection("127.0.0.1", self.admin, timeout=20)
        with contextlib.closing(con):
            con.request("GET", "/metrics")
            return int(re.search(r"^mikey_kms_connections (\d+)", con.getresponse().read().decode(),
                                 re.M)[1])

    def connect(self, port, timeout=30):
        """From one of the attackers' addresses; None if there is none to be had."""
        c = socket.socket()
        c.settimeout(timeout)
        try:
            c.bind((f"127.66.0.{random.randrange(1, ADDRESSES + 1)}", 0))
            c.connect(("127.0.0.1", port))
            return c
        except OSError:
            c.close()
            return None

    def wrap(self, c):
        return OverTls.context.wrap_socket(c, server_hostname="kms.example.test")

    def clients(self, number):
        """That many of each port, the second with TLS if it comes about."""
        for i in range(number):
            c = self.connect(self.ports[i % 2])
            if c and i % 2:
                try:
                    c = self.wrap(c)
                except OSError:
                    c.close()
                    continue
            if c:
                yield c


def answer(c, most=1 << 20):
    """All that comes until the end, or until nothing comes."""
    data = b""
    with contextlib.suppress(OSError):
        while len(data) < most:
            more = c.recv(65536)
            if not more:
                break
            data += more
    return data


def say(c, *pieces):
    """False once nobody listens any more."""
    try:
        for p in pieces:
            c.sendall(p)
        return True
    except OSError:
        return False


def until_end():
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        yield


# --- the attacks: they return what must be true of the answers they got -----------

def trickle(v, begin):
    """Many that send a byte now and then."""
    there = [c for c in (v.connect(v.ports[i % 2]) for i in range(700)) if c]
    for c in there:
        say(c, begin)
    for _ in until_end():
        there = [c for c in there if say(c, b"A")]
        time.sleep(0.1)
    for c in there:
        c.close()


def slow_heads(v):
    trickle(v, b"POST /keyman")


def slow_bodies(v):
    trickle(v, HEAD + b"Content-Length: 5000\r\n\r\nAA")


def slow_tls(v):
    """A client's first record, one that never ends, behind a good length."""
    trickle(v, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(32))


def idle(v):
    """Thousands that say nothing, more than there may be, and new ones for those
    that were closed."""
    there, opened, least = [], 0, 5 * CONNECTIONS
    end = time.monotonic() + SECONDS
    while time.monotonic() < end or opened < least:
        c = v.connect(v.ports[opened % 2], 0.5)
        if c:
            there.append(c)
        opened += 1
        if len(there) > 3000:
            there.pop(0).close()
    for c in there:
        c.close()


def garbage(v):
    for _ in until_end():
        for c in v.clients(10):
            with c:
                say(c, random.randbytes(random.randrange(1, 20000)), b"\r\n\r\n")
                c.settimeout(0.05)
                answer(c)


def long_heads(v):
    """Refused: 4xx, or hung up on, but never served."""
    for _ in until_end():
        for head in (b"GET /" + b"a" * 200000 + b" HTTP/1.1\r\n\r\n",
                     HEAD + b"X: " + b"b" * 200000 + b"\r\n\r\n",
                     HEAD + b"".join(b"X%d: y\r\n" % i for i in range(20000)) + b"\r\n"):
            for c in v.clients(2):
                with c:
                    say(c, head)
                    data = answer(c)
                    assert not data or re.match(rb"HTTP/1\.1 4\d\d ", data), data[:80]


def large_bodies(v):
    for _ in until_end():
        for c in v.clients(2):
            with c:
                say(c, HEAD + b"Content-Length: 999999999999\r\n\r\n", b"A" * 100000)
                data = answer(c)
                assert not data or data.startswith(b"HTTP/1.1 413 "), data[:80]
        for c in v.clients(2):
            with c:
                say(c, HEAD + b"Transfer-Encoding: chunked\r\n\r\n",
                    *(b"10000\r\n" + b"A" * 65536 + b"\r\n" for _ in range(40)), b"0\r\n\r\n")
                data = answer(c)
                assert not data or data.startswith(b"HTTP/1.1 413 "), data[:80]


def chunked_lies(v):
    lies = (b"ffffffffffffffff\r\nAA", b"-1\r\nAA", b"4\r\nAAAAAAAA\r\n", b"zz\r\n", b"0\r\nX: y",
            b"00000000000000000000000000000004\r\nAAAA\r\n0\r\n\r\n", b"4;" + b"x" * 100000)
    for _ in until_end():
        for lie in lies:
            for c in v.clients(2):
                with c:
                    say(c, HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + lie)
                    c.settimeout(0.1)
                    data = answer(c)
                    assert not data or re.match(rb"HTTP/1\.1 [45]\d\d ", data), data[:80]
        for both in (b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nAAAA",
                     b"Content-Length: 4\r\nContent-Length: 40\r\n\r\nAAAA", b"Content-Length: -4\r\n\r\nAAAA"):
            for c in v.clients(2):
                with c:
                    say(c, HEAD + both)
                    c.settimeout(0.1)
                    assert b"HTTP/1.1 200" not in answer(c)


def pipelining(v):
    """All in one: each is answered, in order."""
    for _ in until_end():
        for c in v.clients(2):
            with c:
                say(c, (HEAD + b"Content-Length: 4\r\n\r\nAAAA") * 30 +
                    HEAD + b"Connection: close\r\nContent-Length: 4\r\n\r\nAQ==")
                data = answer(c)
                assert data.count(b"HTTP/1.1 400 ") == 31, data.count(b"HTTP/1.1 ")


def half_close(v):
    """Who says that nothing more will come is answered nevertheless, or hung up
    on, at once: not after the time of a request."""
    for _ in until_end():
        for c in v.clients(2):
            with c:
                if not say(c, HEAD + b"Connection: close\r\nContent-Length: 4\r\n\r\nAAAA"):
                    continue
                if not isinstance(c, ssl.SSLSocket):
                    c.shutdown(socket.SHUT_WR)
                data = answer(c)
                assert not data or data.startswith(b"HTTP/1.1 400 "), data[:80]


def resets(v):
    for _ in until_end():
        for c in v.clients(20):
            say(c, (HEAD + b"Content-Length: 4\r\n\r\nAAAA")[:random.randrange(1, 150)])
            c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            c.close()


def tls_garbage(v):
    """Broken records before, within and behind the handshake."""
    for _ in until_end():
        for record in (b"\x16\x03\x01\xff\xff" + random.randbytes(1000), b"\x15\x03\x03\x00\x02\x02\x28",
                       b"\x17\x03\x03\x00\x05hello", b"\x80\x2e\x01\x03\x01" + bytes(40), HEAD):
            c = v.connect(v.ports[1])
            if c:
                with c:
                    say(c, record)
                    c.settimeout(0.05)
                    assert b"HTTP/1.1" not in answer(c)
        c = v.connect(v.ports[1])
        if c:
            with c, contextlib.suppress(OSError):
                inside = v.wrap(c)
                raw = socket.socket(fileno=os.dup(inside.fileno()))
                with inside, raw:
                    raw.sendall(b"\x17\x03\x03\x00\x20" + random.randbytes(32))
                    assert select.select([raw], [], [], 60)[0]


def renegotiation(v):
    """TLS 1.2's is refused, or ends the connection; nothing is served behind it."""
    done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{v.ports[1]}", "-tls1_2",
                           "-legacy_renegotiation"], input=b"R\n" * 5, capture_output=True,
                          timeout=60, check=False)
    assert b"HTTP/1.1 200" not in done.stdout and b"RENEGOTIATING" in done.stdout + done.stderr


ATTACKS = (("heads that trickle in", slow_heads), ("bodies that trickle in", slow_bodies),
           ("handshakes that stall", slow_tls), ("thousands of silent connections", idle),
           ("floods of garbage", garbage), ("heads without end", long_heads),
           ("bodies without end", large_bodies), ("chunks that lie", chunked_lies),
           ("requests one behind the other", pipelining), ("connections closed by half", half_close),
           ("resets at any moment", resets), ("broken TLS records", tls_garbage),
           ("renegotiation", renegotiation))


def under(v, attack):
    """Good clients go on while it lasts, and none of them fails."""
    before = [g.done for g in v.good]
    attack(v)
    wait_for(lambda: all(g.failures or g.done > b + 1 for g, b in zip(v.good, before)),
             "good clients are served")
    failures = [f for g in v.good for f in g.failures]
    assert not failures, (len(failures), failures[:3])
    assert v.w.process.poll() is None, "mikey-kms has ended"


def main():
    if not os.path.exists(f"{s.BUILD}/mikey-kms"):
        return s.main([])
    v = World()

    def memory():
        peak = v.memory("VmHWM")
        print(f"# RSS {v.rss} KiB at the start, {peak} at most, {v.memory()} now; "
              f"{sum(g.done for g in v.good)} good exchanges")
        assert peak - v.rss < CEILING_KIB, peak

    def nothing_left():
        for g in v.good:
            g.end = True
            g.join()
        wait_for(lambda: v.connections() == 0, "all connections are closed")
        wait_for(lambda: v.open_files() <= v.fds, "all files are closed")
        assert v.w.stop() == 0
        v.w.ctl("audit", "verify")
    try:
        return s.main([*((what, lambda attack=attack: under(v, attack)) for what, attack in ATTACKS),
                       ("memory was bounded", memory), ("nothing is left open", nothing_left)])
    finally:
        v.w.remove()


if __name__ == "__main__":
    sys.exit(main())
