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
    """Both clients, and somebody between alice and the proxy."""

    def __init__(self, stage, alice, bob):
        self.stage, self.alice, self.bob = stage, alice, bob
        self.a, self.b = alice.registered(), bob.registered()

    def still_works(self):
        self.b.drain()
        ktap.status(self.a.message(self.bob.uri, "still there"), 200)
        ktap.equal(ktap.true(self.b.received(), "nothing arrived").body, b"still there", "body")

    def held(self, *texts):
        """Protected MESSAGEs from alice to bob that never reached the proxy."""
        trap = sip.Trap((s.PROXY[0], 5098), lambda: s.namespace("e2e-net"))
        self.alice.configure(next_hop=f"sip:{s.PROXY[0]}:5098;transport=tcp")
        self.alice.restart()
        client = self.alice.client()
        caught = []
        for text in texts:
            ktap.status(client.message(self.bob.uri, text), 200)
            caught.append(trap.caught.get(timeout=60))
        client.close()
        trap.close()
        self.alice.configure()
        self.alice.restart()
        self.a = self.alice.registered()
        return caught

    def inject(self, message, body=None, to=None, headers=None, timeout=70):
        """What somebody on the way can do with a message: send it on with
        another body, to another user, with headers left out (None) or put in."""
        stranger = self.stage.stranger()
        target = (to or self.bob).uri
        body = message.body if body is None else body
        replaced = {"via": None, "route": None, "content-length": None, "to": f"<{target}>",
                    "call-id": sip.token(), **(headers or {})}
        lines = [f"MESSAGE {target} SIP/2.0",
                 f"Via: SIP/2.0/TCP {stranger.local};branch=z9hG4bK{sip.token()};rport"]
        lines += [f"{n}: {v}" for n, v in message.headers if n not in replaced]
        lines += [f"{n}: {v}" for n, v in replaced.items() if v]
        lines += [f"Content-Length: {len(body)}", "", ""]
        answer = stranger.request("", "", raw="\r\n".join(lines).encode() + body,
                                  timeout=timeout)
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
    held, = scene.held("the true one")
    for at in (-1, -20, 40):
        body = changed(held, "application/pkcs7-mime", flip(at))
        ktap.status(scene.inject(held, body), 493)
    ktap.true(scene.b.received(timeout=1) is None, "a tampered message was delivered")
    ktap.status(scene.inject(held), 200)
    ktap.equal(ktap.true(scene.b.received(), "nothing arrived").body, b"the true one", "body")
    scene.still_works()


def test_tampered_transfer(scene):
    """A TRANSFER_INIT with one bit changed is refused with 493"""
    held, = scene.held("once more")
    for at in (-1, -40, 12):
        body = changed(held, "application/mikey", flip(at))
        ktap.status(scene.inject(held, body), 493)
    ktap.status(scene.inject(held), 200)
    ktap.equal(ktap.true(scene.b.received(), "nothing arrived").body, b"once more", "body")


def test_swapped_parts(scene):
    """The CMS object of one message with the TRANSFER_INIT of another is refused"""
    one, two = scene.held("one", "two")
    transfer = s.parts(two)[0]
    body = changed(one, "application/mikey", lambda _: transfer)
    ktap.status(scene.inject(one, body), 493)
    ktap.true(scene.b.received(timeout=1) is None, "a mixed message was delivered")


def test_replay(scene):
    """A replayed MESSAGE is answered as before and not delivered again"""
    held, = scene.held("only once")
    ktap.status(scene.inject(held), 200)
    ktap.equal(ktap.true(scene.b.received(), "nothing arrived").body, b"only once", "body")
    for _ in range(3):
        ktap.status(scene.inject(held), 200)
    ktap.true(scene.b.received(timeout=1.5) is None, "delivered twice")
    scene.still_works()


def test_refused_by_the_client_is_remembered(scene):
    """What the client refused is refused again when it is replayed"""
    held, = scene.held("unwanted")
    scene.b.answer = "603 Decline"
    ktap.status(scene.inject(held), 603)
    ktap.true(scene.b.received(), "nothing arrived")
    scene.b.answer = "200 OK"
    ktap.status(scene.inject(held), 603)
    ktap.true(scene.b.received(timeout=1) is None, "delivered twice")


def test_redirected(scene):
    """What was protected for bob is refused by carol"""
    held, = scene.held("for bob only")
    carol = scene.stage.terminals.get("carol") or scene.stage.terminal("carol")
    c = carol.registered()
    ktap.status(scene.inject(held, to=carol), 493)
    ktap.true(c.received(timeout=1) is None, "delivered to carol")
    ktap.status(scene.inject(held), 200)
    ktap.true(scene.b.received(), "bob did not get it")


def test_forged_sender(scene):
    """From is not believed: who sent it is told from what was verified"""
    held, = scene.held("from whom?")
    ktap.status(scene.inject(held, headers={"from": "<sip:carol@example.test>;tag=x",
                                            "p-mikey-verified": "<sip:carol@example.test>"}), 200)
    got = ktap.true(scene.b.received(), "nothing arrived")
    verified = got.all("p-mikey-verified")
    ktap.equal(len(verified), 1, "number of P-Mikey-Verified headers")
    ktap.true(scene.alice.aor in verified[0] and "carol" not in verified[0], verified[0])
    ktap.true(f"sip:{scene.alice.aor}" in got.get("from"), f"From: {got.get('from')}")


def test_unprotected(scene):
    """An unprotected MESSAGE from the network is refused, whatever it claims"""
    held, = scene.held("a message")
    answer = scene.inject(held, b"plain", headers={
        "content-type": "text/plain", "p-mikey-verified": "<sip:alice@example.test>; proved=body"})
    ktap.status(answer, 488)
    ktap.true(scene.b.received(timeout=1) is None, "delivered")
    scene.still_works()


def test_broken_bodies(scene):
    """Malformed multipart, base64 and MIKEY from the network: 4xx, never silence"""
    held, = scene.held("held back")
    boundary = held.get("content-type").partition("boundary=")[2].strip('" ').encode()
    cases = {
        "empty": b"",
        "no boundary": b"nothing here",
        "cut in the middle": held.body[:len(held.body) // 2],
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
    """A body over the limit is refused with 413 or 513, and nothing else changes"""
    for size in (271000, 300000, 1 << 20):
        answer = scene.a.message(scene.bob.uri, bytes(size), "application/octet-stream")
        scene.a = scene.alice.registered()
        ktap.true(answer and answer.status in (413, 513), f"{size}: {answer and answer.first}")
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
    return s.run_pair(sys.modules[__name__], Scene)


if __name__ == "__main__":
    sys.exit(main())
