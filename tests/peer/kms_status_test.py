#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""listen-admin of a real mikey-kms: health, readiness with all that can be
amiss, metrics as Prometheus' own parser reads them, and what is granted when
the audit trail is full: nothing. KTAP. Needs no kernel module."""
import contextlib
import http.client
import json
import os
import socket
import sqlite3
import stat
import subprocess
import sys
import tempfile
import time

from prometheus_client.parser import text_string_to_metric_families

import mikey as m
import service as s
import zk_test as z
from service import Service, wait_for


class Admin:
    """Its pages, over TCP or a UNIX socket."""

    def __init__(self, where):
        self.where = where

    def connect(self):
        if isinstance(self.where, int):
            return http.client.HTTPConnection("127.0.0.1", self.where, timeout=20)
        con = http.client.HTTPConnection("localhost", timeout=20)
        con.sock = socket.socket(socket.AF_UNIX)
        con.sock.connect(self.where)
        return con

    def ask(self, path, method="GET"):
        con = self.connect()
        with contextlib.closing(con):
            con.request(method, path)
            r = con.getresponse()
            return r.status, r.read().decode(), dict(r.getheaders())

    def ready(self):
        return self.ask("/readyz")[:2]

    def wait(self, status, begin):
        """Until readyz says so; a line that begins like that is in it."""
        wait_for(lambda: self.ready()[0] == status and any(
            line.startswith(begin) for line in self.ready()[1].splitlines()), begin)

    def samples(self):
        """{(name, labels): value}"""
        status, text, headers = self.ask("/metrics")
        assert status == 200 and headers["Content-Type"].startswith("text/plain; version=0.0.4")
        return {(v.name, tuple(sorted(v.labels.items()))): v.value
                for family in text_string_to_metric_families(text) for v in family.samples}


def total(samples, name, **labels):
    return samples["mikey_kms_" + name, tuple(sorted(labels.items()))]


def post(port, body, kind="ticketrequest", path="/keymanagement?requesttype="):
    con = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    with contextlib.closing(con):
        con.request("POST", path + kind, body, {"Content-Type": "application/mikey"})
        r = con.getresponse()
        return r.status, r.read().decode()


def sql(w, *statements):
    with contextlib.closing(sqlite3.connect(f"{w.dir}/store", timeout=20)) as d, d:
        return [d.execute(*statement).fetchall() for statement in statements]


def one_service():
    port = z.free_port()
    w = Service(f'listen-admin = "127.0.0.1:{port}";\n').start()
    a = Admin(port)

    def pages():
        a.wait(200, "ok")
        assert a.ask("/healthz")[:2] == (200, "ok\n")
        assert a.ask("/readyz", "HEAD")[:2] == (200, "")
        assert a.ask("/")[0] == a.ask("/keymanagement")[0] == 404
        status, _, headers = a.ask("/metrics", "POST")
        assert status == 405 and headers["Allow"] == "GET, HEAD"
        # and none of them where users are
        con = http.client.HTTPConnection("127.0.0.1", w.port, timeout=20)
        con.request("GET", "/metrics")
        assert con.getresponse().status == 404
    yield "pages, at their own address only", pages

    def counted():
        was = a.samples()
        assert w.exchange()
        mallory = w.user(s.ALICE)
        mallory.psk = bytes(32)
        try:
            mallory.request([s.BOB.encode()])
            raise AssertionError("granted")
        except m.Bad:
            pass
        assert post(w.port, "AAAA")[0] == 400       # no MIKEY
        assert post(w.port, "!")[0] == 400          # no base64, so no exchange
        assert post(w.port, "AAAA", path="/else")[0] == 404
        now = a.samples()

        def grew(name, **labels):
            return total(now, name, **labels) - total(was, name, **labels)
        assert grew("exchanges_total", exchange="request", outcome="granted") == 1
        assert grew("exchanges_total", exchange="resolve", outcome="granted") == 1
        assert grew("exchanges_total", exchange="request", outcome="not_authentic") == 1
        assert grew("exchanges_total", exchange="request", outcome="no_mikey") == 1
        assert grew("exchange_seconds_count", exchange="request") == 3
        assert grew("exchange_seconds_count", exchange="resolve") == 1
        assert grew("exchange_seconds_sum", exchange="resolve") > 0
        assert [grew("http_answers_total", code=c) for c in ("200", "400", "404", "429")] == [3, 2, 1, 0]
        assert grew("connections_opened_total") == 6
        assert grew("audit_errors_total") == grew("store_errors_total") == 0
    yield "what was done is counted", counted

    def buckets():
        now = a.samples()
        for x in ("request", "resolve", "peer_resolve"):
            rows = sorted((float(dict(labels)["le"]), value) for (name, labels), value in now.items()
                          if name == "mikey_kms_exchange_seconds_bucket" and ("exchange", x) in labels)
            values = [value for _, value in rows]
            assert len(rows) == 14 and values == sorted(values)
            assert values[-1] == total(now, "exchange_seconds_count", exchange=x)
        assert total(now, "ready") == 1 and total(now, "tpks") == 1
        assert all(total(now, "check", check=c) == 1 for c in ("store", "tpk", "audit", "clock"))
        assert total(now, "build_info", version=subprocess.run(
            [f"{s.BUILD}/mikey-kms", "--version"], capture_output=True, text=True,
            check=True).stdout.split()[-1]) == 1
        wait_for(lambda: total(a.samples(), "replay_records") >= 2, "records are counted")
        wait_for(lambda: total(a.samples(), "connections") == 0, "all connections are closed")
    yield "histograms and gauges", buckets

    def nobody():
        text = a.ask("/metrics")[1] + a.ask("/readyz")[1]
        tpk = sql(w, ("SELECT CAST(name AS TEXT) FROM tpk",))[0][0][0]
        for word in ("alice", "bob", s.DOMAIN, "127.0.0", tpk, w.dir):
            assert word not in text, word
    yield "no identity, address, key name or path in it", nobody

    def tpk():
        (sealed,), = sql(w, ("SELECT sealed FROM tpk",))[0]
        sql(w, ("UPDATE tpk SET sealed = ?", (sealed[:-1] + bytes([sealed[-1] ^ 1]),)))
        a.wait(503, "tpk: the newest ticket protection key cannot be read")
        assert a.ask("/healthz")[0] == 200 and total(a.samples(), "check", check="tpk") == 0
        sql(w, ("UPDATE tpk SET sealed = ?", (sealed,)))
        a.wait(200, "ok")
    yield "not ready: the TPK was changed", tpk

    def overdue():
        (made, name), = sql(w, ("SELECT created, name FROM tpk",))[0]
        sql(w, ("UPDATE tpk SET created = created + 10000",))
        a.wait(503, "clock: the clock is behind the newest")
        sql(w, ("UPDATE tpk SET created = ? WHERE name = ?", (made, name)))
        a.wait(200, "ok")
    yield "not ready: a TPK from the future", overdue

    def clock():
        (last, floor), = sql(w, ("SELECT last, floor FROM clock",))[0]
        now = int(time.time())
        for change, words in (({"last": now + 600}, "clock: the clock is behind the time of the last"),
                              ({"floor": now + 600}, "clock: the replay record is new")):
            column, value = *change, *change.values()
            sql(w, (f"UPDATE clock SET {column} = {value}",))
            a.wait(503, words)
            sql(w, (f"UPDATE clock SET last = {last}, floor = {floor}",))
            a.wait(200, "ok")
        assert w.exchange()
    yield "not ready: the clock went back, the replay record is new", clock

    def store():
        sql(w, ("ALTER TABLE tpk RENAME TO gone",))
        a.wait(503, "store: the store cannot be read")
        assert a.ask("/healthz")[0] == 200 and total(a.samples(), "ready") == 0
        assert "not-ready check=store" in w.log()
        sql(w, ("ALTER TABLE gone RENAME TO tpk",))
        a.wait(200, "ok")
        assert "ready-again check=store" in w.log() and w.exchange()
    yield "not ready: the store cannot be read", store

    def stopping():
        with socket.create_connection(("127.0.0.1", w.port)) as half:
            half.sendall(b"POST /keymanagement?requesttype=ticketrequest HTTP/1.1\r\nHost: k\r\n"
                         b"Content-Type: application/mikey\r\nExpect: 100-continue\r\n"
                         b"Content-Length: 4\r\n\r\n")
            # or it would not be waited for
            assert half.recv(25) == b"HTTP/1.1 100 Continue\r\n\r\n", "its head was not read"
            half.sendall(b"AA")
            assert total(a.samples(), "connections") == 1
            w.process.terminate()
            a.wait(503, "service: it is stopping")
            half.sendall(b"AA")
            assert half.recv(100).startswith(b"HTTP/1.1 400")
        assert w.process.wait(30) == 0
        w.remove()
    yield "not ready while it stops", stopping


def refused():
    w = Service()
    try:
        with open(w.config, encoding="ascii") as f:
            text = f.read()
        for value in ('"0.0.0.0:9480"', '"192.0.2.1:9480"', '"[::]:9480"', '"9480"', '"unix:admin"',
                      '"unix:/' + 200 * "x" + '"', '["127.0.0.1:9480"]'):
            with open(w.config, "w", encoding="ascii") as f:
                f.write(text + f"listen-admin = {value};\n")
            done = w.run("check-config", "--serve")
            assert done.returncode and ":6:1: listen-admin: write a loopback address" in done.stderr, done
    finally:
        w.remove()


def unix_socket():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "admin")
        w = Service(f'listen-admin = "unix:{path}";\n')
        try:
            for number in (9, 15):      # what a killed one left is no obstacle
                w.start()
                a = Admin(path)
                wait_for(lambda: os.path.exists(path), "the socket")
                a.wait(200, "ok")
                assert stat.S_ISSOCK(os.stat(path).st_mode)
                w.stop(number)
            assert not os.path.exists(path)
            # but what is no socket is not removed
            with open(path, "w", encoding="ascii") as f:
                f.write("mine")
            w.process = subprocess.Popen([f"{s.BUILD}/mikey-kms", "serve", "--config", w.config],
                                         stderr=subprocess.PIPE, text=True)
            _, err = w.process.communicate(timeout=30)
            assert w.process.returncode and "Address already in use" in err, err
            with open(path, encoding="ascii") as f:
                assert f.read() == "mine"
        finally:
            w.remove()


def full_disk():
    """Nothing is granted that cannot be put down, and what can is not lost."""
    with tempfile.TemporaryDirectory() as disk:
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk],
                          capture_output=True, check=False).returncode:
            raise s.Skip("no right to mount")
        port = z.free_port()
        w = Service(f'listen-admin = "127.0.0.1:{port}";\n', audit=f"{disk}/audit")
        try:
            w.start()
            a = Admin(port)
            a.wait(200, "ok")
            assert w.exchange()
            with open(f"{disk}/fill", "wb", 0) as f, contextlib.suppress(OSError):
                while f.write(bytes(4096)):
                    pass
            # room was set aside: it is known before the first line is refused
            granted, alice = 0, w.user(s.ALICE)
            words = None
            for _ in range(500):
                try:
                    alice.request([s.BOB.encode()])
                    granted += 1
                except m.Bad as e:
                    words = str(e)
                    break
            assert words == "KMS says 503", words
            a.wait(503, "audit: the audit trail cannot be written")
            with open(f"{disk}/audit/00000001.jsonl", encoding="utf-8") as f:
                lines = [json.loads(line) for line in f]
            assert sum(v["event"] == "request" and v["result"] == "granted"
                       for v in lines) == granted + 1
            with contextlib.suppress(m.Bad):
                alice.request([s.BOB.encode()])
            now = a.samples()
            assert total(now, "exchanges_total", exchange="request", outcome="granted") == granted + 1
            assert total(now, "exchanges_total", exchange="request", outcome="not_recorded") == 2
            assert total(now, "audit_refusals_total") == 2 <= total(now, "audit_errors_total")
            assert "the audit trail cannot be written: No space left on device" in w.log()
            assert a.ask("/healthz")[0] == 200
            os.unlink(f"{disk}/fill")
            a.wait(200, "ok")
            assert w.exchange()
            assert w.stop() == 0
            assert "recovered" in w.ctl("audit", "show") and w.ctl("audit", "verify")
        finally:
            w.remove()
            subprocess.run(["umount", disk], check=False)


def main():
    return s.main([*one_service(),
                   ("an address that others reach is refused, with file and line", refused),
                   ("a UNIX socket, and what is left of one", unix_socket),
                   ("nothing is granted that cannot be put down", full_disk)])


if __name__ == "__main__":
    sys.exit(main())
