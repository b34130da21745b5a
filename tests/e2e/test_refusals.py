#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Bad input at every door gets an answer in words and loses nothing: after
each refusal a good message still arrives."""

import base64
import sys

import ktap
import sip
import stage as s

PLAIN = "text/plain;charset=utf-8"


class Scene:
    """Both clients, and a MESSAGE of alice as it left the proxy for bob."""

    def __init__(self, stage, alice, bob):
        self.stage, self.alice, self.bob = stage, alice, bob
        self.a, self.b = alice.registered(), bob.registered()

    def still_works(self):
        while not self.b.inbox.empty():
            self.b.inbox.get()
        ktap.status(self.a.message(self.bob.uri, "still there"), 200)
        ktap.equal(ktap.true(self.b.received(), "nothing arrived").body, b"still there", "body")

    def caught(self, text):
        """Send text; bob gets it, and the network saw it on its last hop."""
        with self.stage.capture() as seen:
            ktap.status(self.a.message(self.bob.uri, text), 200)
            ktap.true(self.b.received(), "the original did not arrive")
        found = [m for _, to, m in seen.messages()
                 if m.method == "MESSAGE" and to == (self.bob.address, 5060)]
        return ktap.true(found, "no MESSAGE to bob in the capture")[0]

    def held(self, text):
        """Send text while bob is away; the proxy's MESSAGE never arrives."""
        self.bob.mikeyd.stop()
        listener = s.socket.socket()
        with s.namespace(self.bob.netns):
            listener = s.socket.create_server((self.bob.address, 5060))
        self.a._send(self.a.build("MESSAGE", self.bob.uri, (f"Content-Type: {PLAIN}",),
                                  text.encode()))
        connection, _ = listener.accept()
        connection.settimeout(20)
        buffer, raw = b"", None
        while not raw:
            buffer += connection.recv(1 << 20)
            raw, buffer = sip.cut(buffer)
        connection.close()
        listener.close()
        self.bob.start()
        self.b = self.bob.registered()
        return sip.Message(raw)

    def inject(self, message, body=None, headers=()):
        """What somebody at the proxy's place can do with a message it saw."""
        stranger = self.stage.stranger(to=(self.bob.address, 5060))
        lines = [message.first,
                 f"Via: SIP/2.0/TCP {stranger.local};branch=z9hG4bK{sip.token()};rport"]
        body = message.body if body is None else body
        for name, value in message.headers:
            if name == "call-id":
                value = sip.token()
            if name not in ("via", "content-length"):
                lines.append(f"{name}: {value}")
        lines += [*headers, f"Content-Length: {len(body)}", "", ""]
        answer = stranger.request("", "", raw="\r\n".join(lines).encode() + body, timeout=20)
        stranger.close()
        return answer


def changed(message, kind, change):
    """The body of a protected MESSAGE with one part's bytes changed."""
    old = s.parts(message)[("application/mikey", "application/pkcs7-mime").index(kind)]
    body = message.body
    for piece in body.split(b"\r\n\r\n"):
        encoded = piece.partition(b"\r\n--")[0]
        try:
            if base64.b64decode(encoded) == old:
                return body.replace(encoded, base64.encodebytes(change(old)).replace(b"\n", b"\r\n"))
        except ValueError:
            pass
    raise AssertionError(f"no {kind} in the body")


def flip(at):
    return lambda data: data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]


def test_tampered_cms(scene):
    """A CMS object with one bit changed is refused with 493, the true one then arrives"""
    held = scene.held("the true one")
    for at in (-1, -20, 40):
        body = changed(held, "application/pkcs7-mime", flip(at))
        ktap.status(scene.inject(held, body), 493)
    ktap.true(scene.b.received(timeout=1) is None, "a tampered message was delivered")
    ktap.status(scene.inject(held), 200)
    ktap.equal(ktap.true(scene.b.received(), "nothing arrived").body, b"the true one", "body")
    scene.still_works()


def test_tampered_transfer(scene):
    """A TRANSFER_INIT with one bit changed is refused with 493"""
    held = scene.held("once more")
    for at in (-1, -40, 12):
        body = changed(held, "application/mikey", flip(at))
        ktap.status(scene.inject(held, body), 493)
    ktap.status(scene.inject(held), 200)
    ktap.equal(ktap.true(scene.b.received(), "nothing arrived").body, b"once more", "body")


def test_swapped_parts(scene):
    """The CMS object of one message with the TRANSFER_INIT of another is refused"""
    one, two = scene.held("one"), scene.held("two")
    transfer = s.parts(two)[0]
    body = changed(one, "application/mikey", lambda _: transfer)
    ktap.status(scene.inject(one, body), 493)
    ktap.true(scene.b.received(timeout=1) is None, "a mixed message was delivered")


def test_replay(scene):
    """A replayed MESSAGE is answered as before and not delivered again"""
    caught = scene.caught("only once")
    for _ in range(3):
        ktap.status(scene.inject(caught), 200)
    ktap.true(scene.b.received(timeout=1.5) is None, "delivered twice")
    scene.still_works()


def test_redirected(scene):
    """What was protected for another user is refused"""
    held = scene.held("for bob only")
    carol = scene.stage.terminals.get("carol") or scene.stage.terminal("carol")
    c = carol.registered()
    caught = None
    with scene.stage.capture() as seen:
        ktap.status(scene.a.message(carol.uri, "to carol"), 200)
    for _, to, m in seen.messages():
        if m.method == "MESSAGE" and to == (carol.address, 5060):
            caught = m
    c.received()
    stranger = scene.stage.stranger(to=(carol.address, 5060))
    lines = [caught.first, f"Via: SIP/2.0/TCP {stranger.local};branch=z9hG4bK{sip.token()};rport"]
    lines += [f"{n}: {v}" for n, v in caught.headers
              if n not in ("via", "content-length", "content-type", "call-id")]
    lines += [f"Call-ID: {sip.token()}", f"Content-Type: {held.get('content-type')}",
              f"Content-Length: {len(held.body)}", "", ""]
    answer = stranger.request("", "", raw="\r\n".join(lines).encode() + held.body)
    stranger.close()
    ktap.status(answer, 493)
    ktap.true(c.received(timeout=1) is None, "delivered to carol")


def test_unprotected(scene):
    """An unprotected MESSAGE from the network is not delivered as if it were protected"""
    caught = scene.caught("a way to bob")
    stranger = scene.stage.stranger(to=(scene.bob.address, 5060))
    lines = [caught.first, f"Via: SIP/2.0/TCP {stranger.local};branch=z9hG4bK{sip.token()};rport"]
    lines += [f"{n}: {v}" for n, v in caught.headers if n in ("route", "from", "to", "cseq", "max-forwards")]
    lines += [f"Call-ID: {sip.token()}", "P-Mikey-Verified: <sip:alice@example.test>;proved=body",
              "Content-Type: text/plain", "Content-Length: 5", "", ""]
    answer = stranger.request("", "", raw="\r\n".join(lines).encode() + b"plain")
    stranger.close()
    ktap.true(answer and 400 <= answer.status < 500, f"answer: {answer and answer.first}")
    ktap.true(scene.b.received(timeout=1) is None, "delivered")
    scene.still_works()


def test_broken_bodies(scene):
    """Malformed multipart, base64 and MIKEY from the network: 4xx, never silence"""
    held = scene.held("held back")
    boundary = held.get("content-type").partition("boundary=")[2].strip('" ').encode()
    cases = {
        "empty": b"",
        "no boundary": b"nothing here",
        "cut in the middle": held.body[:len(held.body) // 2],
        "no last boundary": held.body.replace(b"--" + boundary + b"--", b""),
        "not base64": changed(held, "application/mikey", lambda d: d).replace(b"AAAA", b"!?!?", 1),
        "empty TRANSFER_INIT": changed(held, "application/mikey", lambda d: b""),
        "short TRANSFER_INIT": changed(held, "application/mikey", lambda d: d[:30]),
        "TRANSFER_INIT of zeros": changed(held, "application/mikey", lambda d: bytes(len(d))),
        "empty CMS": changed(held, "application/pkcs7-mime", lambda d: b""),
        "short CMS": changed(held, "application/pkcs7-mime", lambda d: d[:50]),
        "long CMS": changed(held, "application/pkcs7-mime", lambda d: d + b"\0"),
        "nested": b"--" + boundary + b"\r\nContent-Type: multipart/mixed;boundary=x\r\n\r\n" * 200,
    }
    for name, body in cases.items():
        answer = scene.inject(held, body)
        ktap.true(answer and 400 <= answer.status < 500, f"{name}: {answer and answer.first}")
    ktap.true(scene.b.received(timeout=1) is None, "something was delivered")
    ktap.status(scene.inject(held), 200)
    ktap.equal(ktap.true(scene.b.received(), "nothing arrived").body, b"held back", "body")


def test_malformed_sip(scene):
    """Malformed SIP at both doors does not disturb the daemon"""
    rubbish = [
        b"\r\n\r\n", b"\0" * 64, b"HELLO\r\n\r\n", b"MESSAGE\r\n\r\n",
        b"MESSAGE sip:bob@example.test SIP/2.0\r\n\r\n",
        b"MESSAGE sip:bob@example.test SIP/2.0\r\nContent-Length: -1\r\n\r\n",
        b"MESSAGE sip:bob@example.test SIP/2.0\r\nContent-Length: 99999999999999999999\r\n\r\n",
        b"MESSAGE sip:bob@example.test SIP/3.0\r\nVia: SIP/2.0/UDP x\r\nContent-Length: 0\r\n\r\n",
        b"SIP/2.0 200 OK\r\nVia: nonsense\r\nCSeq: 1 MESSAGE\r\nContent-Length: 0\r\n\r\n",
        b"MESSAGE sip:bob@example.test SIP/2.0\r\n" + b"X: " + b"a" * 70000 + b"\r\n\r\n",
        b"MESSAGE " + b"sip:" * 5000 + b" SIP/2.0\r\n\r\n",
        b"A" * 200000,
    ]
    doors = [(("127.0.0.1", 5062), scene.alice.netns), ((scene.alice.address, 5060), "e2e-net")]
    for address, netns in doors:
        for kind in (s.socket.SOCK_DGRAM, s.socket.SOCK_STREAM):
            for data in rubbish:
                with s.namespace(netns), s.socket.socket(s.socket.AF_INET, kind) as k:
                    k.settimeout(2)
                    try:
                        k.connect(address)
                        k.sendall(data[:60000] if kind == s.socket.SOCK_DGRAM else data)
                    except OSError:
                        pass
    ktap.true(scene.alice.mikeyd.alive(), "mikeyd ended")
    scene.still_works()


def test_too_large(scene):
    """A body over the limit is refused with 413 and nothing else changes"""
    answer = scene.a.message(scene.bob.uri, bytes(1 << 20), "application/octet-stream")
    ktap.true(answer and answer.status in (413, 513), f"answer: {answer and answer.first}")
    scene.a = scene.alice.registered()
    scene.still_works()


def test_unknown_recipient(scene):
    """The registrar's 404 comes back to the sender"""
    ktap.status(scene.a.message("sip:nobody@example.test", "x"), 404)


def test_forbidden_recipient(scene):
    """A recipient for whom the KMS gives no ticket is an answer in words, not silence"""
    answer = scene.a.message("sip:someone@elsewhere.test", "x")
    ktap.true(answer and 400 <= answer.status < 600, f"answer: {answer and answer.first}")
    ktap.true(answer.get("warning"), "no words (Warning)")
    scene.still_works()


def main():
    with s.Stage() as stage:
        alice, bob = stage.terminal("alice"), stage.terminal("bob")
        scene = Scene(stage, alice, bob)

        def logs():
            return "".join(f"-- {t.name}\n{t.mikeyd.output()[-2000:]}\n" for t in (alice, bob))
        return ktap.main(sys.modules[__name__], logs, scene=scene)


if __name__ == "__main__":
    sys.exit(main())
