#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""mikey-kms against the second implementation: peers send and receive through
it in every profile, suite, mode and form, and ask it for what it must refuse.
KTAP on standard output. Needs no kernel module."""
import base64
import http.client
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

import exchange as x
import keys as k
import mikey as m
import terminal
from terminal import Held
from kms_checks import BUILD, run_checks

URL, DOMAIN = "http://kms.example.test", "example.test"
TEAM, LIST = f"team@{DOMAIN}", f"list@{DOMAIN}"
NAMES = ("alice", "bob", "carol", "mallory")
ENTITY = b"Content-Type: text/plain\r\n\r\nhello"


class Kms:
    """mikey-kms with four users for each suite, and a group of two."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="mikey-kms-test.")
        self.config = os.path.join(self.dir, "conf")
        with socket.create_server(("127.0.0.1", 0)) as s:
            self.port = s.getsockname()[1]
        with open(self.config, "w", encoding="utf-8") as f:
            f.write(f'identity = "{URL}";\nlisten = "127.0.0.1:{self.port}";\n'
                    f'store = "{self.dir}/store";\nstore-key = "{self.dir}/key";\n'
                    'policy = {\n'
                    f'allow = ( {{ from = "?@{DOMAIN}"; to = "?@{DOMAIN}"; }} );\n'
                    'suites = [ "128", "ts-128" ];\ncacheable = true;\n};\n'
                    'log-level = "debug";\n')
        self.ctl("init")
        self.psks = {}
        for name in NAMES:
            for suite in k.SUITES:
                self.psks[self.uid(name, suite)] = self.ctl(
                    "user", "add", "--uid", self.uid(name, suite), "--suite", suite).split()[-1]
        self.ctl("group", "add", "--psi", TEAM,
                 *(f"--member={self.uid(n, suite)}" for n in ("bob", "carol") for suite in k.SUITES))
        self.log = open(os.path.join(self.dir, "log"), "wb")
        self.process = subprocess.Popen([f"{BUILD}/mikey-kms", "serve", "--config", self.config],
                                        stdout=self.log, stderr=subprocess.STDOUT)
        for _ in range(2400):
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", self.port)) == 0:
                    break
            time.sleep(0.05)

    @staticmethod
    def uid(name, suite="256"):
        return f"{name}-{suite}@{DOMAIN}"

    def ctl(self, *words):
        command = [w for w in words if not w.startswith("-")][:2] if words[0] != "init" else ["init"]
        rest = words[len(command):]
        done = subprocess.run([f"{BUILD}/mikey-kms", *command, "--config", self.config, *rest],
                              capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{words}: {done.stderr}")
        return done.stdout

    def user(self, name, suite="256", *more, psk=None):
        """A terminal of the second implementation."""
        owner = self.uid(psk or name, suite)
        return terminal.Terminal(terminal.parser().parse_args([
            "send", "--uid", self.uid(name, suite), "--psk-id", owner, "--psk", self.psks[owner],
            "--kms-url", URL, "--kms", f"127.0.0.1:{self.port}", "--suite", suite, *more]))

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.log.close()
        shutil.rmtree(self.dir)


def to(name, suite="256"):
    return Kms.uid(name, suite).encode()


def sent(me, name="bob", form="auth-enveloped", bend=None, held=None, address=None):
    return me.protect(address or to(name), ENTITY, form, bend, held)


def error_of(call, *args, **more):
    """"7 with V": the Error that came; or what else was wrong; None if nothing."""
    try:
        call(*args, **more)
    except m.Bad as e:
        found = re.fullmatch(r"MIKEY error (.*)", str(e))
        return found[1] if found else str(e)
    return None


# --- what must work -------------------------------------------------------------

def matrix(w):
    for profile in k.PROFILES.values():
        for suite in k.SUITES:
            for mode in ("1", "3"):
                a = w.user("alice", suite, "--profile", profile.name, "--mode", mode)
                for form in profile.forms:
                    def check(a=a, suite=suite, form=form):
                        told = w.user("bob", suite).open(*a.protect(to("bob", suite), ENTITY, form))
                        return told["form"] == form
                    yield f"{profile.name}, suite {suite}, mode {mode}, {form}", check


def options(w):
    def group():
        told = [w.user(n, "256", "--accept", TEAM).open(
            *sent(w.user("alice"), address=TEAM.encode())) for n in ("bob", "carol")]
        return all(t["recipient"] == TEAM for t in told)
    yield "a group's members resolve its ticket", group

    def wildcard():
        a = w.user("alice", "256", "--responder", f"?@{DOMAIN}")
        return w.user("carol").open(*sent(a, "carol"))["responders"] == [f"?@{DOMAIN}"]
    yield "a wildcard in the user part", wildcard

    def lists():
        for profile, named in (("immediate", [LIST]), ("annex-i", [])):
            named = [f"--responder={uid}" for uid in (*named, Kms.uid("bob"), Kms.uid("carol"))]
            message = sent(w.user("alice", "256", "--profile", profile, *named), address=LIST.encode())
            for n in ("bob", "carol"):
                w.user(n, "256", "--list-service", LIST).open(*message)
        return True
    yield "a list's members, with and without the service (TS 33.328 F.3)", lists

    def rekey():
        held = w.user("alice", "256", "--rekey", "600").request([to("bob")])
        return m.Ticket(held.body + b"\0\0").time(m.TRR) == (600).to_bytes(4, "big")
    yield "TRr is granted as asked (RFC 6043 6.10)", rekey

    for what, letter in (("--single-use", "J"), ("--cacheable", "E")):
        def flag(what=what, letter=letter):
            more = ["--profile", "annex-i"] if letter == "E" else []
            told = w.user("bob").open(*sent(w.user("alice", "256", what, *more)))
            return letter not in told["flags"]
        yield f"a ticket without {letter} (RFC 6043 6.10)", flag

    def ntp_utc():
        more = ("256", "--t-type", str(m.NTP_UTC))
        return w.user("bob", *more).open(*sent(w.user("alice", *more)))
    yield "T as NTP-UTC (RFC 3830 6.6)", ntp_utc

    def counter():
        def ask(n):
            return error_of(w.user("mallory", "256", "--t-type", str(m.COUNTER), "--counter", str(n)).request,
                            [to("bob")])
        return [ask(n) for n in (7, 8, 8, 3, 20)] == [None, None, "1 with V", "1 with V", None]
    yield "T as COUNTER, which must grow (RFC 3830 6.6)", counter

    def base_ticket():
        held = w.user("alice").request([to("bob")], ticket_type=1)
        return w.user("bob").open(*sent(w.user("alice"), held=held))
    yield "RFC 6043's own ticket type", base_ticket

    def extra():
        bend = lambda p: [*p[:-1], (m.RAND, b"\x04abcd"), p[-1]]
        return w.user("alice").request([to("bob")], bend=bend)
    yield "a known payload that is not expected is skipped (RFC 6043 4.2.1)", extra


# --- what must be refused ---------------------------------------------------------

def times(seconds):
    return {"t": m.ntp32(time.time() + seconds)}


def order(p):
    return [p[1], p[0], *p[2:]]


def tp_with(change):
    """A bend of REQUEST_INIT that changes TP Data."""
    def bend(payloads):
        out = []
        for kind, body in payloads:
            if kind == m.TP:
                p = m.Policy(body)
                first, data = m.chain(change([(kind, b) for kind, b, _ in p.tp]))
                body = body[:7] + (len(data) + 1).to_bytes(2, "big") + bytes([first]) + data
            out.append((kind, body))
        return out
    return bend


def flags(text):
    return {"bits": k.flags(text)}


def requests(w):
    """(title, how the request is bent, the answers that are right)"""
    alice, forbidden, tppar = w.user("alice"), "0 with V", ("14 with V", "15 with V")
    rows = (
        ("T an hour ago (RFC 3830 5.4)", times(-3600), "1 with V"),
        ("T in an hour (RFC 3830 5.4)", times(3600), "1 with V"),
        ("RANDRi before T (RFC 6043 4.2.1)", {"bend": order}, None),
        ("no RANDRi (RFC 6043 4.2.1)", {"bend": lambda p: [v for v in p if v[0] != m.RANDR]}, None),
        ("no TP (RFC 6043 4.2.1)", {"bend": lambda p: [v for v in p if v[0] != m.TP]}, None),
        ("an unknown payload (RFC 3830 5.3)", {"bend": lambda p: [*p[:-1], (99, b"\0"), p[-1]]}, None),
        ("an empty RANDRi (RFC 6043 12.1)", {"rand": b""}, None),
        ("a short RANDRi (RFC 6043 12.1)", {"rand": bytes(31)}, None),
        ("no D: nobody asks for a ticket of one's own (RFC 6043 6.10)", flags("EHIJLNO"), tppar),
        ("I without E (RFC 6043 6.10)", flags("DHIJNO"), tppar),
        ("F (TS 33.328 I.4)", flags("DEFHIJNO"), tppar),
        ("G and F (TS 33.328 I.4)", flags("DEFGHIJNO"), tppar),
        ("neither G nor H (RFC 6043 6.10)", flags("DEIJNO"), tppar),
        ("L (TS 33.328 I.4)", flags("DEHIJLNO"), tppar),
        ("M without F (RFC 6043 6.10)", flags("DEHIJMNO"), tppar),
        ("N0 (TS 33.328 I.4)", flags("DEHIJO"), tppar),
        ("O0 (TS 33.328 I.4)", flags("DEHIJN"), tppar),
        ("Ticket Type 3 (RFC 6043 6.10)", {"ticket_type": 3}, tppar),
        ("Subtype and Version 0 (TS 33.328 6.2.3.4.2)", {"subtype": 0, "version": 0}, tppar),
        ("the policy's PRF is another suite's (RFC 6043 12.1)", {"prf": 0}, tppar),
        ("IDRi of TP is another user", {"bend": tp_with(lambda tp: [
            m.idr(m.I, m.NAI, to("bob")) if v[0] == m.IDR and v[1][0] == m.I else v for v in tp])},
         (forbidden, "another initiator was granted")),      # the asker, that is
        ("no IDRr in TP (RFC 6043 6.10)", {"bend": tp_with(
            lambda tp: [v for v in tp if not (v[0] == m.IDR and v[1][0] == m.R)])}, None),
        ("another application (RFC 6043 6.10)", {"bend": tp_with(lambda tp: [
            m.idr(m.APP, m.BYTES, "SRTP") if v[0] == m.IDR and v[1][0] == m.APP else v for v in tp])},
         (*tppar, forbidden)),
        ("two GTGKs (TS 33.328 I.4)", {"bend": tp_with(lambda tp: [m.kemac(0, m.key_data(
            [(k.GTGK, bytes(32), bytes(8))] * 2)) if v[0] == m.KEMAC else v for v in tp])}, None),
        ("a TGK with the I flag (RFC 6043 6.10)", {"bend": tp_with(lambda tp: [m.kemac(0, m.key_data(
            [(k.TGK, bytes(32), bytes(8))])) if v[0] == m.KEMAC else v for v in tp])}, None),
        ("a key of 16 bytes in suite 256 (RFC 6043 12.1)", {"bend": tp_with(lambda tp: [m.kemac(
            0, m.key_data([(k.GTGK, bytes(16), bytes(8))])) if v[0] == m.KEMAC else v for v in tp])}, None),
    )
    for title, how, want in rows:
        yield "request", title, (alice.request, [to("bob")]), how, want
    yield "request", "?@? is everybody", (alice.request, [b"?@?"]), {}, forbidden
    yield "request", "a recipient of another domain", (alice.request, [b"bob@elsewhere.test"]), {}, forbidden
    yield "request", "an expired validity period (RFC 6043 6.10)", \
        (w.user("alice", "256", "--lifetime", "-7200").request, [to("bob")]), {}, None
    yield "request", "alice asks under mallory's PSK (RFC 6043 4.2.1)", \
        (w.user("alice", psk="mallory").request, [to("bob")]), {}, forbidden
    other = w.user("alice")
    other.psk = bytes(32)
    yield "request", "a wrong PSK (RFC 6043 4.2.1)", (other.request, [to("bob")]), {}, "0"
    other = w.user("alice")
    other.psk_id = b"nobody"
    yield "request", "a PSK that does not exist", (other.request, [to("bob")]), {}, "0"
    other = w.user("alice")
    other.kms_url = b"http://other.example.test"
    yield "request", "another KMS's identity", (other.request, [to("bob")]), {}, "7 with V"
    other = w.user("alice")
    other.suite = k.Suite(0, 3, 2, 32, 32)
    yield "request", "a mixture of suites: the PRF (RFC 6043 12.1)", (other.request, [to("bob")]), {}, None
    other = w.user("alice")
    other.suite = k.Suite(1, 3, 1, 32, 20)
    yield "request", "a mixture of suites: the MAC (RFC 6043 12.1)", (other.request, [to("bob")]), {}, None


def held_of(w, held, name="bob", me=None, **bent):
    """A TRANSFER_INIT with that ticket."""
    def bend(plan):
        for what, value in bent.items():
            setattr(plan, what, value)
    return sent(me or w.user("alice"), name, bend=bend, held=held)[0]


def resolves(w):
    alice, bob, carol = w.user("alice"), w.user("bob"), w.user("carol")
    own, forbidden, ticket = w.user("alice", "256", "--mode", "3"), "0 with V", "14 with V"
    good = sent(alice)[0]
    rows = (
        ("T an hour ago (RFC 3830 5.4)", times(-3600), "1 with V"),
        ("T in an hour (RFC 3830 5.4)", times(3600), "1 with V"),
        ("RANDRr before T (RFC 6043 4.2.3)", {"bend": order}, None),
        ("no TICKET (RFC 6043 4.2.3)", {"bend": lambda p: [v for v in p if v[0] != m.TICKET]}, None),
        ("an unknown payload (RFC 3830 5.3)", {"bend": lambda p: [*p[:-1], (99, b"\0"), p[-1]]}, None),
        ("an empty RANDRr (RFC 6043 12.1)", {"rand": b""}, None),
        ("a short RANDRr (RFC 6043 12.1)", {"rand": bytes(31)}, None),
    )
    for title, how, want in rows:
        yield "resolve", title, (bob.resolve, good), how, want
    yield "resolve", "another recipient's ticket (RFC 6043 4.2.3)", (carol.resolve, good), {}, forbidden
    yield "resolve", "as somebody else (RFC 6043 4.2.3)", (carol.resolve, good, Kms.uid("bob")), {}, forbidden
    yield "resolve", "no member of the group", \
        (w.user("mallory").resolve, sent(alice, address=TEAM.encode())[0]), {}, forbidden
    flip = terminal.flip
    at = good.index(b"PSK/MIME")
    yield "resolve", "the ticket's policy with a bit changed (RFC 6043 A.1)", \
        (bob.resolve, flip(good, at + 30)), {}, None
    at = good.index(m.Message(good).ticket.ticket_data)
    for n in (60, 100, 160):
        yield "resolve", f"the ticket's data with a bit changed, {n} (RFC 6043 A.1)", \
            (bob.resolve, flip(good, at + n)), {}, None
    held = alice.ticket([to("bob")])
    data = m.Message(sent(w.user("alice"))[0]).ticket.initiator_data
    swapped = Held(**{**vars(held), "mpki": held.mpkr, "mpkr": held.mpki})
    yield "resolve", "MPKi and MPKr swapped: Vr (RFC 6043 6.10)", (bob.resolve, held_of(w, swapped)), {}, forbidden
    yield "resolve", "Initiator Data of another ticket (RFC 6043 6.10)", \
        (bob.resolve, held_of(w, held, data=data)), {}, forbidden
    yield "resolve", "no Initiator Data (RFC 6043 6.10)", (bob.resolve, held_of(w, held, data=b"")), {}, None
    mallory = w.user("mallory", "256", "--mode", "3")
    yield "resolve", 'a ticket "from Alice" under Mallory\'s PSK (RFC 6043 12.2)', \
        (bob.resolve, held_of(w, mallory.mint([to("bob")], initiator=Kms.uid("alice")))), {}, forbidden
    yield "resolve", "D1 and a user's PSK (RFC 6043 6.10, D)", \
        (bob.resolve, held_of(w, alice.mint([to("bob")]))), {}, forbidden
    name = m.Message(good).ticket.tpk_name
    yield "resolve", "D0 and a TPK of the KMS (RFC 6043 6.10, D)", \
        (bob.resolve, held_of(w, own.mint([to("bob")], tpk_name=name))), {}, forbidden
    yield "resolve", "mode 3: everybody is named, which a request may not", \
        (bob.resolve, held_of(w, own.mint([b"?@?"]))), {}, forbidden
    yield "resolve", "mode 3: a recipient of another domain", \
        (bob.resolve, held_of(w, own.mint([to("bob"), b"bob@elsewhere.test"]))), {}, forbidden
    yield "resolve", "mode 3: expired (RFC 6043 6.10)", \
        (bob.resolve, held_of(w, own.mint([to("bob")], start=-7200))), {}, None
    for title, how in (
            ("no L (RFC 6043 6.10: NOT D implies L)", flags("EHIJNO")),
            ("I without E (RFC 6043 6.10)", flags("HIJLNO")), ("F (TS 33.328 I.4)", flags("EFHIJLNO")),
            ("K (RFC 6043 6.10: K implies D)", flags("EHIJKLNO")), ("O0 (TS 33.328 I.4)", flags("EHIJLN")),
            ("Ticket Type 3 (RFC 6043 6.10)", {"ticket_type": 3}),
            ("Subtype and Version 0 (TS 33.328 6.2.3.4.2)", {"subtype": 0, "version": 0}),
            ("the PRF of another suite (RFC 6043 12.1)", {"prf": 0}),
            ("an empty RAND (RFC 6043 12.1)", {"rand": b""}),
            ("a short RAND (RFC 6043 12.1)", {"rand": bytes(8)}),
            ("a TGK with the I flag (RFC 6043 6.10)", {"traffic_type": k.TGK})):
        yield "resolve", f"mode 3: {title}", (bob.resolve, held_of(w, own.mint([to("bob")], **how))), {}, None
    annex = w.user("alice", "256", "--profile", "annex-i")
    yield "resolve", "Initiator Data without the I flag (RFC 6043 6.10)", \
        (bob.resolve, held_of(w, annex.ticket([to("bob")]), me=annex, data=data)), {}, None
    yield "resolve", "a ticket of another suite than the PSK's (RFC 6043 12.1)", \
        (bob.resolve, sent(w.user("alice", "ts-128"), held=w.user("alice", "ts-128").request(
            [to("bob")]))[0]), {}, (ticket, forbidden, "2 with V", "3 with V")


def refusal(call, how, want):
    """Was it refused as it should be?"""
    function, *args = call
    got = error_of(function, *args, **how)
    print(f"#   {got}")
    wants = (want,) if isinstance(want, str) else want
    return got is not None and (wants is None or got in wants)


def refusals(w):
    for rows in (requests, resolves):
        for kind, title, call, how, want in rows(w):
            yield f"{kind} refused: {title}", lambda call=call, how=how, want=want: refusal(call, how, want)

    def replay():
        bob, rand = w.user("bob"), os.urandom(32)
        q = x.make_resolve(bob.suite, bob.psk, bob.psk_id, bob.kms_url, bob.uid, sent(w.user("alice"))[0],
                           rand=rand)
        one, two = (bob.post("ticketresolve", q) for _ in range(2))
        return m.Message(one).data_type == m.RESOLVE_RESP and (
            one == two or m.Message(two).data_type == m.ERROR)
    yield "a repeated RESOLVE_INIT has one answer (RFC 3830 5.4)", replay

    def http_says(method, path, body, kind="application/mikey"):
        con = http.client.HTTPConnection("127.0.0.1", w.port, timeout=20)
        con.request(method, path, body, {"Content-Type": kind})
        return con.getresponse().status
    ask = terminal.KMS_PATH + "ticketrequest"
    for title, want, args in (
            ("not base64", (400,), ("POST", ask, b"!?!?")),
            ("no MIKEY", (400,), ("POST", ask, base64.b64encode(b"hello"))),
            ("another method", (405,), ("PUT", ask, b"")),
            ("another address", (404, 400), ("POST", "/keymanagement?requesttype=other", b"AAAA")),
            ("another type", (415,), ("POST", ask, b"AAAA", "text/plain"))):
        yield f"HTTP: {title} is the client's fault (TS 33.328 Annex A)", \
            lambda args=args, want=want: http_says(*args) in want
    yield "the good one still opens", lambda: w.user("bob").open(*sent(w.user("alice")))


if __name__ == "__main__":
    sys.exit(run_checks(Kms, (matrix, options, refusals)))
