#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A terminal for tests on the second implementation: sends a protected SIP
MESSAGE, or waits for one and opens it, with no line of the product.

  terminal.py send --to bob@ex --proxy HOST:PORT [--udp] --text T  KEYS
  terminal.py receive --listen HOST:PORT [--udp] --count N         KEYS

KEYS: --uid UID --psk-id ID --psk HEX --kms-url URL --kms HOST:PORT
send prints {"status": code, "body": …}; receive prints one JSON line for each
message. --fault bends what is sent: tamper-cms, tamper-v, tamper-vi, no-proof,
mac-proof, wrong-proof, kemac, late-ticket, other-recipient, other-initiator,
wrong-prot, wrong-spi, short-rand, swap-mpk, strip-attrs. --save FILE keeps
the MESSAGE, --replay FILE sends one again.
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

import cms
import mikey as m

KMS_PATH = "/keymanagement?requesttype="


class Terminal:
    def __init__(self, a):
        self.suite, self.profile = m.SUITES[a.suite], m.PROFILES[a.profile]
        self.uid, self.psk_id, self.psk = a.uid.encode(), a.psk_id.encode(), bytes.fromhex(a.psk)
        self.kms_url, self.kms = a.kms_url.encode(), a.kms

    def post(self, kind, raw):
        con = http.client.HTTPConnection(self.kms, timeout=20)
        con.request("POST", KMS_PATH + kind, base64.b64encode(raw), {"Content-Type": "application/mikey"})
        r = con.getresponse()
        body = r.read()
        if r.status != 200:
            raise m.Bad(f"KMS says {r.status}")
        return base64.b64decode(body)

    def keys_of(self, answer, question, **rands):
        msg, csb = m.Message(answer), m.Message(question).csb_id
        if msg.data_type == m.ERROR:
            raise m.Bad(f"MIKEY error {msg.first(m.ERR)[0]}")
        encr, auth, salt = m.message_keys(self.suite, self.psk, csb, response=True, **rands)
        if not msg.verify(auth, question):
            raise m.Bad("the KMS's MAC")
        _, sealed = msg.kemac()
        return msg, m.read_key_data(m.aes_cm(encr, salt, csb, m.t64(msg.t), sealed))

    def request(self, responders, seconds=3600):
        now, rand = time.time(), os.urandom(self.suite.key_len)
        q = m.make_request(self.suite, self.profile, self.psk, self.psk_id, self.kms_url, self.uid,
                           responders, m.ntp32(now), m.ntp32(now + seconds), rand=rand)
        msg, keys = self.keys_of(self.post("ticketrequest", q), q, randr_i=rand)
        return msg.ticket.from_type, keys

    def protect(self, to, entity, form, fault):
        body, keys = self.request([to])
        mpki, (_, traffic, spi) = keys[0][1], keys[-1]
        mpkr = keys[1][1] if self.profile.forked else None
        if fault == "swap-mpk":
            mpki, mpkr = mpkr, mpki
        rand = os.urandom(8 if fault == "short-rand" else self.suite.key_len)
        keks = m.session_keys(self.suite, traffic, rand)
        if form == "authenticated":
            der = cms.authenticated(keks["auth"], spi, entity)
            if fault == "strip-attrs":      # the attributes' SET passed off as content
                key = os.urandom(32)
                der = cms.authenticated(keks["auth"], spi, entity, key=key, attrs=b"")
        elif form == "authenticated-enveloped":
            der = cms.authenticated_enveloped(keks["auth"], keks["encr"], spi, entity)
        else:
            der = cms.auth_enveloped(keks["tek"], spi, entity, mode=form.rpartition("-")[2]
                                     if form.endswith(("gcm", "ccm")) else "gcm")
        tag = cms.open_any(der, keks, spi)[2] if fault != "strip-attrs" else b""
        proof = {"no-proof": None, "mac-proof": tag, "wrong-proof": bytes(32)}.get(
            fault, hashlib.sha256(der).digest())
        if not self.profile.forked:
            proof = None
        transfer = m.make_transfer(
            self.suite, self.profile, body, mpki, mpkr or b"",
            "mallory@example.test" if fault == "other-initiator" else self.uid,
            "carol@example.test" if fault == "other-recipient" else to, spi, proof, rand=rand,
            t=m.ntp32(time.time() + 7200) if fault == "late-ticket" else None,
            extra=[m.kemac(self.suite.encr, bytes(48))] if fault == "kemac" else (),
            cs=m.generic_id(bytes(8) if fault == "wrong-spi" else spi,
                            prot=7 if fault == "wrong-prot" else m.PROT_PSK_MIME))
        if fault == "tamper-cms":
            der = der[:-1] + bytes([der[-1] ^ 1])
        if fault == "tamper-v":
            transfer = transfer[:-1] + bytes([transfer[-1] ^ 1])
        if fault == "tamper-vi":
            at = transfer.index(transfer[-self.suite.mac_len:])
            transfer = transfer[:at] + bytes([transfer[at] ^ 1]) + transfer[at + 1:]
        return transfer, der

    def open(self, transfer, der):
        rand = os.urandom(self.suite.key_len)
        q = m.make_resolve(self.suite, self.psk, self.psk_id, self.kms_url, self.uid, transfer, rand=rand)
        _, keys = self.keys_of(self.post("ticketresolve", q), q, randr_r=rand)
        msg = m.Message(transfer)
        _, auth, _ = m.message_keys(self.suite, keys[0][1], msg.csb_id, randr_i=msg.randr(m.I))
        if not msg.verify(auth, msg.idr(m.I), msg.idr(m.R)):
            raise m.Bad("TRANSFER_INIT's MAC")
        _, traffic, spi = keys[-1]
        if msg.spi != spi:
            raise m.Bad("SPI")
        form, entity, _ = cms.open_any(der, m.session_keys(self.suite, traffic, msg.randr(m.I)), spi)
        proof = msg.first(m.EXT)
        proved = proof is not None and proof[3:] == hashlib.sha256(der).digest()
        return {"initiator": msg.idr(m.I).decode(), "form": form, "body_proved": proved,
                "entity": base64.b64encode(entity).decode()}


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


def send(a):
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
        transfer, der = Terminal(a).protect(a.to.encode(), entity, a.form, a.fault)
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


def receive(a, sock, tell):
    """Answer a.count MESSAGEs, telling what each was."""
    me, left = Terminal(a), a.count
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
    p.add_argument("--suite", default="256", choices=m.SUITES)
    p.add_argument("--profile", default="immediate", choices=m.PROFILES)
    p.add_argument("--form", default="auth-enveloped")
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
