#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A terminal for tests on the second implementation: sends a protected SIP
MESSAGE, or waits for one and opens it, with no line of the product.

  terminal.py send --to bob@ex --proxy HOST:PORT [--udp] --text T  KEYS
  terminal.py receive --listen HOST:PORT [--udp] --count N         KEYS

KEYS: --uid UID --psk-id ID --psk HEX --kms-url URL --kms HOST:PORT
send prints {"status": code, "body": …}; receive prints one JSON line for each
message and is honest: it refuses what judge.py refuses. --fault bends what is
sent: FAULTS has the names. --save FILE keeps the MESSAGE, --replay FILE sends
one again.
"""
import argparse
import base64
import email.parser
import email.policy
import hashlib
import http.client
import json
import os
import socket
import sys
import time
from types import SimpleNamespace

import cms
import exchange as x
import judge
import keys as k
import mikey as m

KMS_PATH = "/keymanagement?requesttype="


class Held(SimpleNamespace):
    """A ticket to send with: body (Ticket Type to Ticket Data), mpki, mpkr,
    traffic, spi."""


class Terminal:
    def __init__(self, a):
        self.suite, self.profile, self.mode = k.SUITES[a.suite], k.PROFILES[a.profile], a.mode
        self.uid, self.psk_id, self.psk = a.uid.encode(), a.psk_id.encode(), bytes.fromhex(a.psk)
        self.kms_url, self.kms = a.kms_url.encode(), a.kms
        self.bits = self.profile.bits(a.mode, not a.single_use, a.cacheable)
        self.responders, self.rekey = [r.encode() for r in a.responder], a.rekey
        self.accepts = [self.uid, *(g.encode() for g in a.accept)]
        self.services = [s.encode() for s in a.list_service]
        self.t_type, self.count, self.lifetime = a.t_type, a.counter, a.lifetime
        self.held, self.cached = {}, {}

    # --- with the KMS -----------------------------------------------------

    def now(self):
        """T of a message to the KMS, of the type that was asked for."""
        self.count += 1
        if self.t_type == m.COUNTER:
            return m.Stamp(self.count.to_bytes(4, "big"), m.COUNTER)
        if self.t_type == m.NTP_UTC:
            return m.Stamp(m.ntp32() + os.urandom(4), m.NTP_UTC)
        return m.Stamp()

    def post(self, kind, raw):
        con = http.client.HTTPConnection(self.kms, timeout=60)
        con.request("POST", KMS_PATH + kind, base64.b64encode(raw), {"Content-Type": "application/mikey"})
        r = con.getresponse()
        body = r.read()
        con.close()
        if r.status != 200:
            raise m.Bad(f"KMS says {r.status}")
        return base64.b64decode(body, validate=True)

    def keys_of(self, answer, question, profile, **rands):
        msg, csb = m.Message(answer), m.Message(question).csb_id
        if msg.data_type == m.ERROR:
            judge.error(msg, question)
            number, signed = msg.need(m.ERR)[0], m.V in msg.order
            if signed:
                _, auth, _ = k.message_keys(self.suite, self.psk, csb, **rands)
                judge.must(msg.verify(auth), "the Error's MAC")
            raise m.Bad(f"MIKEY error {number}{' with V' if signed else ''}")
        encr, auth, salt = k.message_keys(self.suite, self.psk, csb, response=True, **rands)
        judge.must(msg.verify(auth, question), "the KMS's MAC")
        if msg.data_type == m.REQUEST_RESP:
            judge.request_resp(msg, self.suite, question)
            forked = profile.forked
        else:
            judge.resolve_resp(msg, self.suite, question, profile)
            forked = profile.forked
        plain = k.aes_cm(encr, salt, csb, msg.t.bits64, msg.kemac()[1])
        return msg, judge.entries(m.read_key_data(plain), profile, self.suite, forked)

    def request(self, responders, **bent):
        """A ticket from the KMS."""
        now, rand = time.time(), os.urandom(self.suite.key_len)
        q = x.make_request(
            self.suite, self.profile, self.psk, self.psk_id, self.kms_url, self.uid, responders,
            m.ntp32(now), m.ntp32(now + self.lifetime),
            **{"bits": self.bits, "rekey": self.rekey, "rand": rand, "t": self.now(), **bent})
        msg, found = self.keys_of(self.post("ticketrequest", q), q, self.profile, randr_i=rand)
        return Held(body=msg.ticket.from_type, mpki=found[0][1], traffic=found[-1][1],
                    mpkr=found[1][1] if self.profile.forked else b"", spi=found[-1][2])

    def mint(self, responders, initiator=None, bits=None, rand=None, tpk_name=None, start=0,
             traffic_type=None, bend_tp=x.same, **types):
        """A ticket made here, with the PSK as TPK (mode 3); it begins in start
        seconds."""
        now, n = time.time() + start, self.suite.key_len
        profile = self.profile if traffic_type is None else SimpleNamespace(traffic=traffic_type)
        rand = os.urandom(n) if rand is None else rand
        mpk, traffic, spi = os.urandom(n), os.urandom(n), os.urandom(8)
        tp = x.tp_payloads(self.kms_url, initiator or self.uid, m.ntp32(now),
                           m.ntp32(now + self.lifetime), responders, rekey=self.rekey)
        body = x.make_ticket(self.suite, profile, self.psk, tpk_name or self.psk_id, mpk,
                             traffic, spi, bend_tp(tp), self.bits if bits is None else bits, rand,
                             thdr=bytes(6), **types)
        mpki, mpkr = k.mpk_pair(self.suite, mpk, rand)
        return Held(body=body, mpki=mpki, mpkr=mpkr, traffic=traffic, spi=spi)

    def ticket(self, responders):
        """One that is there, where it may be reused, or a new one."""
        key = tuple(responders)
        if key not in self.held or not self.bits & k.FLAGS["J"]:
            self.held[key] = (self.mint if self.mode == 3 else self.request)(responders)
        return self.held[key]

    def resolve(self, transfer, identity=None, **bent):
        """RESOLVE_RESP's keys for a TRANSFER_INIT."""
        profile = k.profile_of(m.Message(transfer).ticket.flags)
        rand = os.urandom(self.suite.key_len)
        q = x.make_resolve(self.suite, self.psk, self.psk_id, self.kms_url, identity or self.uid,
                           transfer, **{"rand": rand, "t": self.now(), **bent})
        return self.keys_of(self.post("ticketresolve", q), q, profile, randr_r=rand)

    # --- with the other user ----------------------------------------------

    def protect(self, to, entity, form, fault=None, held=None):
        """TRANSFER_INIT and CMS; fault bends the plan."""
        plan = Plan(self, to, entity, form, held or self.ticket(self.responders or [to]))
        if fault:
            fault(plan)
        return plan.make()

    def addressed(self, msg, ticket):
        """Is it for this user? (TS 33.328 Annex B)"""
        to = msg.idr(m.R)
        judge.must(to in self.accepts + self.services, "IDRr is nobody here")
        named = ticket.ids(m.R)
        own = any(judge.matches(n, uid) for n in named for uid in self.accepts)
        judge.must(own, "the ticket names nobody here")
        if to not in self.services:
            judge.must(any(judge.matches(n, to) for n in named), "the ticket does not name IDRr")

    def open(self, transfer, der):
        msg = m.Message(transfer)
        profile = judge.transfer_init(msg, self.suite)
        ticket = msg.ticket
        self.addressed(msg, ticket)
        judge.must(msg.t.unix <= time.time() + 300, "T is in the future")
        found = self.cached.get(ticket.from_type)
        if found is None:
            answer, found = self.resolve(transfer)
            if profile.forked:
                judge.must(answer.idr(m.R) in self.accepts, "IDRr of RESOLVE_RESP")
            if ticket.flags & k.FLAGS["J"] and not ticket.flags & k.FLAGS["E"]:
                self.cached[ticket.from_type] = found
        _, auth, _ = k.message_keys(self.suite, found[0][1], msg.csb_id, randr_i=msg.randr(m.I))
        judge.must(msg.verify(auth, msg.idr(m.I), msg.idr(m.R)), "TRANSFER_INIT's MAC")
        _, traffic, spi = found[-1]
        judge.must(msg.spi == spi, "SPI")
        form, entity, tag = cms.open_any(
            der, k.session_keys(self.suite, traffic, msg.randr(m.I)), spi)
        judge.must(form in profile.forms, f"{form} in profile {profile.name}")
        proof = msg.first(m.EXT)
        proof = None if proof is None else proof[3:]
        judge.must(proof in (None, tag, hashlib.sha256(der).digest()), "proof of origin")
        return {"initiator": msg.idr(m.I).decode(), "form": form, "profile": profile.name,
                "body_proved": proof == hashlib.sha256(der).digest(),
                "responders": [r.decode() for r in ticket.ids(m.R)], "recipient": msg.idr(m.R).decode(),
                "flags": k.letters(ticket.flags), "entity": base64.b64encode(entity).decode()}


class Plan:
    """Everything that goes into one protected message, to be bent before
    make() writes it; after(transfer, der) may change what was written."""

    def __init__(self, terminal, to, entity, form, held):
        self.terminal, self.suite, self.profile = terminal, terminal.suite, terminal.profile
        self.entity, self.form, self.held = entity, form, held
        self.initiator, self.recipient = terminal.uid, to
        self.rand, self.csb_id, self.t = os.urandom(self.suite.key_len), None, None
        self.spi, self.prot, self.cs, self.data, self.bend = held.spi, m.PROT_PSK_MIME, None, None, x.same
        self.proof = (lambda der, tag: hashlib.sha256(der).digest()) if self.profile.forked else None
        self.seal, self.after = self.usual_seal, lambda transfer, der: (transfer, der)

    @property
    def keks(self):
        return k.session_keys(self.suite, self.held.traffic, self.rand)

    def usual_seal(self):
        return cms.protect(self.form, self.keks, self.held.spi, self.entity)

    def tag_of(self, der):
        try:
            return cms.open_any(der, self.keks, self.held.spi)[2]
        except cms.Bad:
            return b""

    def make(self):
        der = self.seal()
        proof = self.proof and self.proof(der, self.tag_of(der))
        held = self.held
        transfer = x.make_transfer(
            self.suite, self.profile, held.body, held.mpki, held.mpkr, self.initiator, self.recipient,
            held.spi, proof, self.csb_id, self.rand, self.t,
            self.cs or m.generic_id(self.spi, prot=self.prot), self.data, self.bend)
        return self.after(transfer, der)


def flip(data, at):
    at %= len(data)
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]


def swap_mpk(p):
    p.held = Held(**{**vars(p.held), "mpki": p.held.mpkr, "mpkr": p.held.mpki})


def strip_attrs(p):
    p.form = "authenticated"
    p.after = lambda transfer, der: (transfer, cms.attributes_as_content(der))
    p.proof = None


def extra_kemac(p):
    p.bend = lambda payloads: payloads[:-1] + [m.kemac(p.suite.encr, bytes(48)), payloads[-1]]


# What a dishonest or broken sender does: name -> what it changes.
FAULTS = {
    "tamper-cms": lambda p: setattr(p, "after", lambda t, d: (t, flip(d, -1))),
    "tamper-v": lambda p: setattr(p, "after", lambda t, d: (flip(t, -1), d)),
    "tamper-vi": lambda p: setattr(
        p, "after", lambda t, d: (flip(t, t.index(t[-p.suite.mac_len:])), d)),
    "no-proof": lambda p: setattr(p, "proof", None),
    "mac-proof": lambda p: setattr(p, "proof", lambda der, tag: tag),
    "wrong-proof": lambda p: setattr(p, "proof", lambda der, tag: bytes(32)),
    "kemac": extra_kemac,
    "late-ticket": lambda p: setattr(p, "t", m.ntp32(time.time() + 7200)),
    "other-recipient": lambda p: setattr(p, "recipient", b"carol@example.test"),
    "other-initiator": lambda p: setattr(p, "initiator", b"mallory@example.test"),
    "wrong-prot": lambda p: setattr(p, "prot", 7),
    "wrong-spi": lambda p: setattr(p, "spi", bytes(8)),
    "short-rand": lambda p: setattr(p, "rand", os.urandom(8)),
    "swap-mpk": swap_mpk,
    "strip-attrs": strip_attrs,
}


def wrap64(data):
    text = base64.b64encode(data).decode()
    return "\r\n".join(text[i:i + 76] for i in range(0, len(text), 76))


def multipart(transfer, der, form):
    b = "peer-" + os.urandom(8).hex()
    smime = "authenticated-data" if form.startswith("authenticated") else "auth-enveloped-data"
    text = (f"--{b}\r\nContent-Type: application/mikey\r\nContent-Transfer-Encoding: base64\r\n\r\n"
            f"{wrap64(transfer)}\r\n--{b}\r\nContent-Type: application/pkcs7-mime; smime-type={smime};"
            f" name=smime.p7m\r\nContent-Transfer-Encoding: base64\r\n"
            f"Content-Disposition: attachment; filename=smime.p7m\r\n\r\n{wrap64(der)}\r\n--{b}--\r\n")
    return f'multipart/mixed;boundary="{b}"', text.encode()


def sip_message(uid, to, local, transport, content_type, body):
    token = os.urandom(6).hex()
    head = (f"MESSAGE sip:{to} SIP/2.0\r\nVia: SIP/2.0/{transport} {local};branch=z9hG4bK{token};rport\r\n"
            f"Max-Forwards: 70\r\nFrom: <sip:{uid}>;tag={token}\r\nTo: <sip:{to}>\r\nCall-ID: {token}@peer\r\n"
            f"CSeq: 1 MESSAGE\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n")
    return head.encode() + body


class Link:
    """One SIP transport connection: datagrams, or a stream cut by
    Content-Length."""

    def __init__(self, sock, udp):
        self.sock, self.udp, self.buf, self.peer = sock, udp, b"", None

    def recv(self):
        if self.udp:
            data, self.peer = self.sock.recvfrom(65535)
            return data
        while True:
            self.buf = self.buf.lstrip(b"\r\n")
            head, sep, rest = self.buf.partition(b"\r\n\r\n")
            if sep:
                n = int(headers(head).get("Content-Length", headers(head).get("l", "0")))
                if len(rest) >= n:
                    self.buf = rest[n:]
                    return head + sep + rest[:n]
            more = self.sock.recv(65536)
            if not more:
                raise EOFError
            self.buf += more

    def send(self, data):
        if self.udp and self.peer:
            self.sock.sendto(data, self.peer)
        else:
            self.sock.sendall(data)


def headers(head):
    _, _, rest = head.partition(b"\r\n")
    return email.parser.BytesParser(policy=email.policy.compat32).parsebytes(rest + b"\r\n\r\n")


def split_body(raw):
    head, _, body = raw.partition(b"\r\n\r\n")
    h = headers(head)
    whole = b"Content-Type: " + h.get("Content-Type", "text/plain").encode() + b"\r\n\r\n" + body
    return h, email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(whole)


def send(a, me=None, bend=None, held=None):
    """The final answer to one MESSAGE, as {"status": …, "line": …}."""
    kind = socket.SOCK_DGRAM if a.udp else socket.SOCK_STREAM
    host, port = a.proxy.rsplit(":", 1)
    sock = socket.socket(socket.AF_INET, kind)
    sock.settimeout(a.timeout)
    sock.connect((host, int(port)))
    local = "%s:%d" % sock.getsockname()
    if a.replay:
        raw = open(a.replay, "rb").read()
        token = os.urandom(6).hex()
        lines = raw.split(b"\r\n")
        lines[1] = f"Via: SIP/2.0/{'UDP' if a.udp else 'TCP'} {local};branch=z9hG4bK{token};rport".encode()
        lines[5] = f"Call-ID: {token}@peer".encode()
        raw = b"\r\n".join(lines)
    else:
        entity = b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + \
            (open(a.file, "rb").read() if a.file else a.text.encode())
        transfer, der = (me or Terminal(a)).protect(
            a.to.encode(), entity, a.form, bend or FAULTS.get(a.fault), held)
        ctype, body = multipart(transfer, der, a.form)
        raw = sip_message(a.uid, a.to, local, "UDP" if a.udp else "TCP", ctype, body)
    if a.save:
        with open(a.save, "wb") as f:
            f.write(raw)
    link = Link(sock, a.udp)
    link.send(raw)
    while True:
        answer = link.recv()
        status = int(answer.split(b" ", 2)[1])
        if status >= 200:
            sock.close()
            return {"status": status, "line": answer.split(b"\r\n", 1)[0].decode()}


def listen(a):
    """The socket to receive on, made in the network namespace one is in."""
    host, port = a.listen.rsplit(":", 1)
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM if a.udp else socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((host, int(port)))
    sock.settimeout(a.timeout)
    if not a.udp:
        sock.listen()
    return sock


def receive(a, sock, tell, me=None):
    """Answer a.count MESSAGEs, telling what each was."""
    me, left = me or Terminal(a), a.count
    link = Link(sock, True) if a.udp else None
    while left:
        if link is None:
            link = Link(sock.accept()[0], False)
            link.sock.settimeout(a.timeout)
        try:
            raw = link.recv()
        except EOFError:
            link = None
            continue
        h, mime = split_body(raw)
        status, out = "200 OK", {"from": h["From"], "type": mime.get_content_type()}
        try:
            parts = {p.get_content_type(): p.get_payload(decode=True) for p in mime.walk()}
            out |= me.open(parts["application/mikey"], parts["application/pkcs7-mime"])
        except Exception as e:  # pylint: disable=broad-except
            status, out["error"] = "493 Undecipherable", repr(e)
        tell(out)
        lines = [f"SIP/2.0 {status}"] + [f"Via: {v}" for v in h.get_all("Via")]
        lines += [f"{n}: {h[n]}" for n in ("From", "To", "Call-ID", "CSeq")]
        link.send("\r\n".join(lines + ["Content-Length: 0", "", ""]).encode())
        left -= 1


def parser():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("what", choices=("send", "receive"))
    for name in ("uid", "psk-id", "psk", "kms-url", "kms"):
        p.add_argument("--" + name, required=True)
    p.add_argument("--suite", default="256", choices=k.SUITES)
    p.add_argument("--profile", default="immediate", choices=k.PROFILES)
    p.add_argument("--mode", type=int, default=1, choices=(1, 3))
    p.add_argument("--form", default="auth-enveloped", choices=k.FORMS)
    p.add_argument("--single-use", action="store_true", help="a ticket without J")
    p.add_argument("--cacheable", action="store_true", help="a ticket without E")
    p.add_argument("--responder", action="append", default=[], help="IDRr of the ticket")
    p.add_argument("--rekey", type=int, help="TRr of the ticket, in seconds")
    p.add_argument("--lifetime", type=int, default=3600)
    p.add_argument("--accept", action="append", default=[], help="a group one is in")
    p.add_argument("--list-service", action="append", default=[])
    p.add_argument("--t-type", type=int, default=m.NTP_UTC_32, help="TS type towards the KMS")
    p.add_argument("--counter", type=int, default=0)
    p.add_argument("--udp", action="store_true")
    p.add_argument("--to")
    p.add_argument("--proxy")
    p.add_argument("--listen")
    p.add_argument("--text", default="")
    p.add_argument("--file")
    p.add_argument("--count", type=int, default=1)
    p.add_argument("--timeout", type=float, default=40)
    for name in ("fault", "save", "replay"):
        p.add_argument("--" + name, default="")
    return p


def main():
    a = parser().parse_args()
    try:
        if a.what == "receive":
            sock = listen(a)
            print("ready", flush=True)
            receive(a, sock, lambda out: print(json.dumps(out), flush=True))
            return 0
        print(json.dumps(send(a)))
        return 0
    except (m.Bad, cms.Bad, OSError) as e:
        print(json.dumps({"error": repr(e)}))
        return 1


if __name__ == "__main__":
    sys.exit(main())
