#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Certificates of peers that their authority took back (RFC 5280): two real
mikey-kms and the second implementation of zk_test.py, with revocation lists that
are in force, out of date, somebody else's and damaged. KTAP on standard output."""
import base64
import contextlib
import datetime
import json
import signal
import socket
import ssl
import subprocess
import sys
import time

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

import exchange as x
import zk_test as z
from kms_checks import BUILD, run_checks

HOUR = datetime.timedelta(hours=1)


def list_of(authority):
    return authority.pem.replace(".pem", ".crl")


def publish(authority, *revoked, age=HOUR, lasts=24 * HOUR, path=None, by=None):
    """Write the list of an authority, with the certificates of these files in it."""
    now = datetime.datetime.utcnow()
    with open((by or authority).pem, "rb") as f:
        ca = x509.load_pem_x509_certificate(f.read())
    with open((by or authority).key, "rb") as f:
        key = serialization.load_pem_private_key(f.read(), None)
    made = x509.CertificateRevocationListBuilder().issuer_name(ca.subject) \
        .last_update(now - age).next_update(now - age + lasts)
    for pem in revoked:
        with open(pem, "rb") as f:
            number = x509.load_pem_x509_certificate(f.read()).serial_number
        made = made.add_revoked_certificate(x509.RevokedCertificateBuilder().serial_number(number)
                                            .revocation_date(now - age).build())
    with open(path or list_of(authority), "wb") as f:
        f.write(made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))


def lists(authority):
    publish(authority)
    return "--crl", list_of(authority)


def read_again(kms, event="lists-read"):
    """SIGHUP, and what is then logged."""
    at = len(kms.log())
    kms.process.send_signal(signal.SIGHUP)
    for _ in range(3000):
        if event in kms.log()[at:]:
            return kms.log()[at:]
        time.sleep(0.02)
    raise RuntimeError(f"no {event} in {kms.log()[at:]}")


def check_config(kms, *more):
    done = subprocess.run([f"{BUILD}/mikey-kms", "check-config", "--serve", *more, "--config",
                           kms.config], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


class Asker:
    """B asks A, in the second implementation's words."""

    def __init__(self, w):
        self.w, alice = w, w.a.user("alice")
        self.bob, self.suite = w.b.uid("bob").encode(), alice.suite
        self.transfer = alice.protect(self.bob, z.ENTITY, "auth-enveloped")[0]

    def message(self):
        return x.make_zk_resolve(self.suite, z.identity("a"), self.bob, self.transfer)

    def ask(self, certificate):
        return z.zk_post(self.w, self.message(), certificate)[0]


class Kept:
    """One TLS connection to A for several questions."""

    def __init__(self, w, certificate):
        context = ssl.create_default_context(cafile=w.a.authority.pem)
        context.load_cert_chain(*certificate)
        self.s = context.wrap_socket(socket.create_connection(("127.0.0.1", w.a.zk_port), timeout=20),
                                     server_hostname="zk.a.test")

    def ask(self, raw):
        text = base64.b64encode(raw)
        self.s.sendall(f"POST {z.PATH}ticketresolve HTTP/1.1\r\nHost: zk.a.test\r\n"
                       "Content-Type: application/mikey\r\n"
                       f"Content-Length: {len(text)}\r\n\r\n".encode() + text)
        head = b""
        while b"\r\n\r\n" not in head:
            head += self.s.recv(65536)
        return int(head.split()[1])


def who_asks(w):
    asker, mine = Asker(w), (w.b.pem, w.b.key)
    second = w.b.authority.sign("second", "zk.b.test")
    held = Kept(w, second)

    def in_force():
        return [asker.ask(mine), asker.ask(second), held.ask(asker.message())] == [200] * 3
    yield "a list with nobody in it: all are answered", in_force

    def revoked():
        publish(w.b.authority, second[0])
        told = read_again(w.a)
        at = len(w.a.log())
        return "list-over" not in told and asker.ask(second) == 403 and asker.ask(mine) == 200 and \
            'peer=b reason="certificate revoked"' in w.a.log()[at:]
    yield "revoked, SIGHUP: 403; another certificate of that peer is good", revoked
    yield "also on a connection from before", lambda: held.ask(asker.message()) == 403

    def not_read(write):
        write(list_of(w.b.authority))
        told = read_again(w.a, "lists-not-read")
        return asker.ask(second) == 403 and asker.ask(mine) == 200 and list_of(w.b.authority) in told

    def damage(path):
        with open(path, "w", encoding="ascii") as f:
            f.write("-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n")
    yield "a damaged list is not taken, the old one stays", lambda: not_read(damage)
    yield "nor one that another authority signed", lambda: not_read(
        lambda path: publish(w.c_authority, path=path))

    def forge(path):
        """B's name, and C's signature."""
        authority = z.Authority(w.b.dir, "forged")
        z.run("openssl", "req", "-x509", "-new", "-key", authority.key, "-subj", "/CN=Authority b",
              "-days", "2", "-out", authority.pem)
        publish(authority, path=path)
    yield "nor one in the authority's name with another key's signature", lambda: not_read(forge)

    def over():
        publish(w.b.authority, second[0], age=2 * HOUR, lasts=HOUR)
        told = read_again(w.a)
        at = len(w.a.log())
        return "list-over peer=b" in told and [asker.ask(mine), asker.ask(second)] == [403, 403] and \
            "CRL has expired" in w.a.log()[at:]
    yield "a list that is out of date: nobody of that peer is answered", over

    def again():
        publish(w.b.authority)
        read_again(w.a)
        return asker.ask(mine) == 200 and asker.ask(second) == 200
    yield "a new list: all are answered again", again


def who_is_asked(w):
    bob = w.b.uid("bob").encode()

    def resolve():
        transfer = w.carol.protect(bob, z.ENTITY, "auth-enveloped")[0]
        w.zk.seen[:] = []
        return z.outcome(w.b.user("bob").resolve, transfer), len(w.zk.seen)
    yield "a list with nobody in it: C is asked", lambda: resolve() == ("resolved", 1)

    def revoked():
        """Without a restart of C: what is asked over could be a connection that is there."""
        publish(w.c_authority, w.c_certificate[0])
        read_again(w.b)
        at = len(w.b.log())
        return resolve() == ("KMS says 503", 0) and "revoked" in w.b.log()[at:]
    yield "revoked, SIGHUP: it is not asked, also not over the connection from before", revoked

    def over():
        publish(w.c_authority, age=2 * HOUR, lasts=HOUR)
        told = read_again(w.b)
        at = len(w.b.log())
        return "list-over peer=c" in told and resolve() == ("KMS says 503", 0) and \
            "CRL has expired" in w.b.log()[at:]
    yield "a list that is out of date: it is not asked", over

    def again():
        publish(w.c_authority)
        read_again(w.b)
        return resolve() == ("resolved", 1)
    yield "a new list: it is asked again", again


def commands(w):
    def good():
        return check_config(w.a) == (0, "the configuration is good\n")
    yield "check-config: good lists", good

    @contextlib.contextmanager
    def instead(write):
        write(list_of(w.b.authority))
        try:
            yield
        finally:
            publish(w.b.authority)

    def empty(path):
        with open(path, "wb"):
            pass

    def old():
        with instead(lambda path: publish(w.b.authority, age=2 * HOUR, lasts=HOUR)):
            first, strict = check_config(w.a), check_config(w.a, "--strict")
        return first[0] == 0 and strict[0] == 1 and "out of date" in first[1] and 'peer "b"' in first[1]
    yield "check-config: a list that is out of date is a warning", old
    for title, write, words in (
            ("no list", empty, "no revocation list in PEM"),
            ("another's list", lambda path: publish(w.c_authority, path=path),
             'no list is signed by the authority in "ca"')):
        def wrong(write=write, words=words):
            with instead(write):
                status, told = check_config(w.a)
            return status == 1 and words in told and 'peer "b"' in told
        yield f"check-config: {title} is an error", wrong

    def refused():
        with instead(empty):
            w.a.stop()
            try:
                w.a.start()
            except RuntimeError as e:
                return "no revocation list in PEM" in str(e) and w.a.process.returncode == 1
        return False
    yield "serve does not start with it", refused

    def added():
        w.a.ctl("peer", "del", "b")
        with instead(empty), contextlib.suppress(RuntimeError):
            w.a.knows("b", w.b.authority, w.b.zk_port, "--crl", list_of(w.b.authority))
            return False
        w.a.knows("b", w.b.authority, w.b.zk_port, "--crl", list_of(w.b.authority))
        crls = {p["name"]: p["crl"] for p in json.loads(w.a.ctl("peer", "list", "--json"))}
        return crls == {"b": list_of(w.b.authority), "c": list_of(w.c_authority)}
    yield "peer add wants a list of that authority, peer list shows it", added


if __name__ == "__main__":
    sys.exit(run_checks(lambda: z.World(lists), (who_asks, who_is_asked, commands),
                        lambda world: world.a.log() + world.b.log()))
