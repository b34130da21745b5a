#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""All that is no MESSAGE, through both mikeyds and Kamailio: whole calls with what
can happen in them, subscriptions, challenges, extensions nobody knows; over UDP,
TCP, and from IPv6 to IPv4. And what is sent while mikeyd reads its configuration
again."""

import hashlib
import os
import re
import signal
import sys
import time

import ktap
import sip
import stage as s
import test_clients as c
from dialog import Dialog, reply
from softphone import Softphone

LOCKED, PASSWORD = f"locked@{s.DOMAIN}", "secret"
SDP = ("Content-Type: application/sdp",)
AUDIO = """module g711.so
module ausine.so
module aubridge.so
audio_source ausine,440
ausrc_srate 48000
ausrc_channels 2
audio_player aubridge,x
audio_alert aubridge,y
"""


def sdp(who, terminal, version=1):
    kind = "IP6" if ":" in terminal.address else "IP4"
    return (f"v=0\r\no={who} 7 {version} IN {kind} {terminal.address}\r\ns= of {who}, as it is \r\n"
            f"c=IN {kind} {terminal.address}\r\nt=0 0\r\nm=audio {16384 + 2 * version} RTP/AVP 0\r\n"
            "a=rtpmap:0 PCMU/8000\r\na=x-nobody-knows:  what\tthis \"is\"\r\n").encode()


class Pair:
    """Two terminals with their clients, over one transport."""

    def __init__(self, name, left, right, transport):
        self.name, self.left, self.right, self.transport = name, left, right, transport

    def clients(self):
        return self.left.registered(self.transport), self.right.registered(self.transport)


def same(got, sent, what):
    ktap.equal(got.body, sent, what)
    return got


def invited(caller, a, b, version=1):
    """An INVITE of a's that has reached b: the sent one, and both sides' dialogs."""
    offer = sdp("the caller", caller, version)
    call = Dialog(a, b.uri)
    invite = call.send("INVITE", (*SDP, "Supported: 100rel", "Allow: PRACK, UPDATE"), offer)
    b.answer = None
    incoming = same(ktap.true(b.received("INVITE"), "no INVITE arrived"), offer, "offer")
    ktap.equal(incoming.get("supported"), "100rel", "Supported")
    return call, invite, Dialog(b, None, incoming), incoming


def hangs_up(one, other):
    bye = one.send("BYE")
    reply(other.client, other.got("BYE"), "200 OK")
    bye.expect(200)


def whole_call(pair):
    a, b = pair.clients()
    call, invite, called, incoming = invited(pair.left, a, b)
    # early media, for which the offer is answered reliably (RFC 3262)
    answer = sdp("the callee", pair.right)
    reply(b, incoming, "183 Session Progress", (*SDP, "Require: 100rel", "RSeq: 17"), answer)
    progress = same(invite.expect(183), answer, "answer in 183")
    ktap.equal((progress.get("require"), progress.get("rseq")), ("100rel", "17"), "Require, RSeq")
    call.establish(progress)
    prack = call.send("PRACK", ("RAck: 17 1 INVITE",))
    got = called.got("PRACK")
    ktap.equal(got.get("rack"), "17 1 INVITE", "RAck")
    reply(b, got, "200 OK")
    prack.expect(200)
    # another address for the media before anybody answered (RFC 3311)
    offer, answer = sdp("the caller", pair.left, 2), sdp("the callee", pair.right, 2)
    update = call.send("UPDATE", SDP, offer)
    reply(b, same(called.got("UPDATE"), offer, "offer in UPDATE"), "200 OK", SDP, answer)
    same(update.expect(200), answer, "answer to UPDATE")
    reply(b, incoming, "180 Ringing")
    invite.expect(180)
    reply(b, incoming, "200 OK", ("Supported: timer",))
    ktap.equal(invite.expect(200).get("supported"), "timer", "Supported")
    call.send("ACK", cseq=1)
    called.got("ACK")
    # the callee holds the call, and ends it
    offer, answer = sdp("the callee", pair.right, 3), sdp("the caller", pair.left, 3)
    again = called.send("INVITE", SDP, offer)
    reply(a, same(call.got("INVITE"), offer, "offer in re-INVITE"), "200 OK", SDP, answer)
    same(again.expect(200), answer, "answer to re-INVITE")
    called.send("ACK", cseq=called.cseq)
    call.got("ACK")
    hangs_up(called, call)


def cancelled_call(pair):
    a, b = pair.clients()
    call, invite, called, incoming = invited(pair.left, a, b)
    reply(b, incoming, "180 Ringing")
    invite.expect(180)
    branch = re.search(r"branch=([^;]*)", invite.request.get("via")).group(1)
    cancel = call.send("CANCEL", cseq=1, branch=branch)
    cancel.expect(200)
    reply(b, called.got("CANCEL"), "200 OK")
    reply(b, incoming, "487 Request Terminated")
    invite.expect(487)
    # who answers 487 wants an ACK of the next hop; the caller's goes no further
    called.got("ACK")
    call.remote = f"<{b.uri}>;tag={b.tag}"
    call.send("ACK", cseq=1, branch=branch)


def subscription(pair):
    a, b = pair.clients()
    watch = Dialog(a, b.uri)
    subscribe = watch.send("SUBSCRIBE", ("Event: presence", "Expires: 600"))
    b.answer = None
    incoming = ktap.true(b.received("SUBSCRIBE"), "no SUBSCRIBE arrived")
    ktap.equal((incoming.get("event"), incoming.get("expires")), ("presence", "600"), "headers")
    watched = Dialog(b, None, incoming)
    reply(b, incoming, "200 OK", ("Expires: 600",))
    watch.establish(subscribe.expect(200))
    body = b"<presence xmlns='urn:ietf:params:xml:ns:pidf' entity='pres:b'/>\r\n"
    notify = watched.send("NOTIFY", ("Event: presence", "Subscription-State: active",
                                     "Content-Type: application/pidf+xml"), body)
    got = same(watch.got("NOTIFY"), body, "body of NOTIFY")
    ktap.equal(got.get("subscription-state"), "active", "Subscription-State")
    reply(a, got, "200 OK")
    notify.expect(200)


def others(pair):
    a, b = pair.clients()
    body = b"\x00\xff bytes \r\n of any kind"
    for method, headers in (("PUBLISH", ("Event: presence", "Expires: 60")),
                            ("OPTIONS", ("Accept: application/sdp",)),
                            ("INFO", ("Info-Package: x",)),
                            ("FROBNICATE", ("X-Frob: \"a\";b", "Content-Type: application/x-frob"))):
        answer = ktap.status(a.request(method, b.uri, headers, body), 200)
        got = same(ktap.true(b.received(method), f"no {method} arrived"), body, f"body of {method}")
        for header in headers:
            name, _, value = header.partition(": ")
            ktap.equal(got.get(name), value, name)
        ktap.equal(answer.get("x-client"), "seen" if method == "OPTIONS" else None, "X-Client")
    b.answer = "405 Method Not Allowed"
    ktap.status(a.request("FROBNICATE", b.uri), 405)


SCENES = (
    (whole_call, "A call with PRACK, UPDATE and re-INVITE to its BYE, every SDP as it was sent"),
    (cancelled_call, "A call that rings is cancelled: 487, and each hop's ACK"),
    (subscription, "SUBSCRIBE, and the NOTIFY that comes back along the recorded way"),
    (others, "PUBLISH, OPTIONS, INFO and a method nobody knows, with their bodies and answers"),
)


def scenes(pairs):
    """A test for each scene over each pair of ways."""
    tests = {}
    for scene, words in SCENES:
        for pair in pairs:
            def test(scene=scene, pair=pair):
                scene(pair)
            test.__doc__ = f"{words} ({pair.name})"
            tests[f"test_{scene.__name__}_{pair.name}".replace(" ", "_")] = test
    return tests


# ---- challenges

def credentials(challenge, method, uri):
    """Digest of RFC 2617, as a client would."""
    given = dict(re.findall(r'(\w+)="([^"]*)"', challenge))
    def md5(text):
        return hashlib.md5(text.encode()).hexdigest()
    secret = md5(f"locked:{given['realm']}:{PASSWORD}")
    answer = md5(f"{secret}:{given['nonce']}:" + md5(f"{method}:{uri}"))
    return (f'Digest username="locked",realm="{given["realm"]}",nonce="{given["nonce"]}",'
            f'uri="{uri}",response="{answer}",algorithm=MD5')


def test_challenged(stage, alice, bob):
    """The proxy's challenge reaches the client, its credentials the proxy; what it takes is protected"""
    b = bob.registered()
    a = sip.Client("sip:" + LOCKED, (alice.loopback, 5062), "tcp",
                   inside=lambda: s.namespace(alice.netns))
    alice.clients.append(a)
    text = "behind a password"
    challenge = ktap.status(a.message(b.uri, text), 407).get("proxy-authenticate")
    wrong = credentials(challenge, "MESSAGE", b.uri).replace('response="', 'response="0')
    ktap.status(a.message(b.uri, text, headers=(f"Proxy-Authorization: {wrong}",)), 407)
    ktap.true(b.received(timeout=0.5) is None, "it arrived without credentials")
    right = credentials(challenge, "MESSAGE", b.uri)
    with stage.capture() as seen:
        ktap.status(a.message(b.uri, text, headers=(f"Proxy-Authorization: {right}",)), 200)
    got = ktap.true(b.received(), "nothing arrived")
    ktap.equal(got.body.decode(), text, "body")
    ktap.true(got.get("p-mikey-verified", "").startswith(f"<{LOCKED}>"), "P-Mikey-Verified")
    wire = [m for _, to, m in seen.messages() if m.method == "MESSAGE" and to == s.PROXY]
    ktap.true(wire and text.encode() not in wire[0].raw, "readable on the way")
    # a call: its 407 is acknowledged hop by hop
    call = Dialog(a, b.uri)
    offer = sdp("the locked one", alice)
    challenge = call.send("INVITE", SDP, offer).expect(407).get("proxy-authenticate")
    again = call.send("INVITE", (*SDP, f"Proxy-Authorization: {credentials(challenge, 'INVITE', b.uri)}"),
                      offer)
    b.answer = None
    incoming = same(ktap.true(b.received("INVITE"), "no INVITE arrived"), offer, "offer")
    reply(b, incoming, "486 Busy Here")
    again.expect(486)


def test_sipsak_registers_with_password(alice):
    """sipsak registers with a password that the registrar asks for, and not without"""
    words = ("-U", "-C", "sip:locked@127.0.0.1:5077", "-x", "60", "-s", "sip:" + LOCKED)
    done = alice.run("sipsak", "-p", "127.0.0.1", "-r", 5062, "-H", "127.0.0.1", "-vv", *words,
                     "-u", "locked", "-a", "wrong", check=False)
    ktap.true(done.returncode != 0, f"registered with a wrong password: {done.stdout}")
    c.sipsak(alice, *words, "-u", "locked", "-a", PASSWORD)


def test_service_route(alice, bob):
    """Path is in the registrar's answer, and a request along its Service-Route arrives (RFC 3608)"""
    client = sip.Client("sip:" + LOCKED, (alice.loopback, 5062), "udp",
                        inside=lambda: s.namespace(alice.netns))
    alice.clients.append(client)
    headers = (f"Contact: <sip:locked@{client.local}>", "Supported: path")
    domain = f"sip:{s.DOMAIN}"
    challenge = ktap.status(client.request("REGISTER", domain, headers), 401)
    right = credentials(challenge.get("www-authenticate"), "REGISTER", domain)
    answer = ktap.status(client.request("REGISTER", domain, (*headers, f"Authorization: {right}")), 200)
    ktap.true(s.at(alice.address, 5060) in answer.get("path", ""), f"Path: {answer.get('path')}")
    route = ktap.true(answer.get("service-route"), "no Service-Route")
    b, a = bob.registered(), alice.registered()
    mikeyd = f"<sip:{s.at(alice.loopback, 5062)};transport=tcp;lr>"
    ktap.status(a.request("OPTIONS", bob.uri, (f"Route: {mikeyd}", f"Route: {route}")), 200)
    got = ktap.true(b.received("OPTIONS"), "nothing arrived")
    ktap.equal(got.get("route"), None, "Route")


# ---- media, sizes, and reloads

def rtp(packets, one, other):
    """How many packets of RTP went from one address to the other."""
    return sum(1 for kind, source, target, _, data in packets
               if kind == "UDP" and (source[0], target[0]) == (one.address, other.address)
               and 5060 not in (source[1], target[1]) and data[:1] == b"\x80")


def test_media(stage, alice, bob):
    """baresip calls baresip: RTP flows between the two terminals, and nowhere else"""
    for terminal in (alice, bob):
        terminal.registered().leave()
    phones = [Softphone(alice, "bob", config=AUDIO),
              Softphone(bob, "alice", config=AUDIO, account=";answermode=auto")]
    try:
        with s.capture.Capture(stage.in_net(), os.path.join(stage.dir, "media.pcap"), "bridge",
                               "udp") as seen:
            phones[0].command("dial", bob.uri)
            s.wait_for(lambda: (packets := list(s.capture.packets(seen.path))) and
                       min(rtp(packets, alice, bob), rtp(packets, bob, alice)) > 20, 60,
                       f"RTP both ways:\n{phones[0].process.output()}\n{phones[1].process.output()}")
            phones[0].command("hangup")
        elsewhere = [p[1:3] for p in s.capture.packets(seen.path)
                     if p[4][:1] == b"\x80" and s.PROXY[0] in (p[1][0], p[2][0])]
        ktap.equal(elsewhere, [], "RTP that came by the proxy")
    finally:
        for phone in phones:
            phone.process.stop()
            # or later messages would be forked to it
            ktap.status(phone.terminal.client().request("REGISTER", f"sip:{s.DOMAIN}",
                                                        ("Contact: *", "Expires: 0")), 200)


def test_too_large_for_udp(stage, alice, bob):
    """With a next hop over UDP: what is over 1300 bytes goes over TCP, all else does not"""
    b = bob.registered()
    alice.configure(identity=IDENTITIES, next_hop=f"sip:{s.PROXY[0]}:{s.PROXY[1]}")
    alice.restart()
    try:
        a = alice.registered("udp")
        with stage.capture() as seen:
            ktap.status(a.request("OPTIONS", bob.uri), 200)
            ktap.status(a.request("INFO", bob.uri, (), b"i" * 1400), 200)
            ktap.status(a.message(bob.uri, "m" * 5000), 200)
        ktap.equal(ktap.true(b.received("INFO"), "no INFO").body, b"i" * 1400, "body")
        ktap.equal(ktap.true(b.received(), "no MESSAGE").body, b"m" * 5000, "body")
        ways = {m.method: m.get("via").split()[0].rpartition("/")[2]
                for source, to, m in seen.messages()
                if m.method and to == s.PROXY and source[0] == alice.address}
        ktap.equal({k: ways.get(k) for k in ("OPTIONS", "INFO", "MESSAGE")},
                   {"OPTIONS": "UDP", "INFO": "TCP", "MESSAGE": "TCP"}, "Via")
    finally:
        alice.configure(identity=IDENTITIES)
        alice.restart()


# Slow enough for a busy machine: a sipp that has no time calls it a failure.
MESSAGES, RATE, RELOADS = 40, 4, 12


def test_reload_under_traffic(alice, bob):
    """SIGHUP at both mikeyds again and again while sipp sends: nothing fails, nothing is lost"""
    c.sipp_registered(bob)
    inbox = c.sipp(bob, "inbox", port=5080, calls=MESSAGES)
    c.listening(bob, 5080)
    texts = os.path.join(alice.dir, "reload.csv")
    with open(texts, "w", encoding="utf-8") as f:
        f.write("SEQUENTIAL\n" + "".join(f"message {n:04}\n" for n in range(MESSAGES)))
    os.chmod(texts, 0o644)
    before = [t.mikeyd.output().count("mikeyd: reloaded ") for t in (alice, bob)]
    sender = c.sipp(alice, "message", "-s", "bob", "-inf", texts, "-r", RATE, port=5090,
                    calls=MESSAGES)
    forms = ("auth-enveloped", "authenticated-enveloped")
    for turn in range(RELOADS):
        alice.configure(identity=IDENTITIES, form=forms[turn % 2])
        for terminal in (alice, bob):
            terminal.mikeyd.popen.send_signal(signal.SIGHUP)
        time.sleep(MESSAGES / RATE / RELOADS)
    c.ended(sender)
    c.ended(inbox)
    got = [text for way, text in c.seen_by(inbox) if way == "received"]
    bodies = sorted({text.partition("\n\n")[2].strip() for text in got})
    ktap.equal(bodies, [f"message {n:04}" for n in range(MESSAGES)], "what arrived")
    used = {re.search(r"form=([\w-]+)", text).group(1) for text in got}
    ktap.equal(used, set(forms), "forms, which the reloads changed")
    ktap.true(all(t.mikeyd.output().count("mikeyd: reloaded ") > b
                  for t, b in zip((alice, bob), before)), "nothing was reloaded")
    alice.configure(identity=IDENTITIES)
    alice.restart()


IDENTITIES = [f"alice@{s.DOMAIN}", LOCKED]


def main():
    with s.Stage() as stage:
        alice = stage.terminal("alice", aliases=(LOCKED,), identity=IDENTITIES)
        bob, carol = stage.terminal("bob"), stage.terminal("carol", ip6=True)
        pairs = (Pair("UDP", alice, bob, "udp"), Pair("TCP", alice, bob, "tcp"),
                 Pair("IPv6 to IPv4", carol, bob, "udp"), Pair("IPv4 to IPv6", bob, carol, "tcp"))
        module = sys.modules[__name__]
        own = {name: vars(module).pop(name) for name in list(vars(module)) if name.startswith("test_")
               and callable(vars(module)[name])}
        vars(module).update(scenes(pairs))
        vars(module).update(own)

        def logs():
            return "".join(f"-- {t.name}\n{t.mikeyd.output()[-3000:]}\n" for t in (alice, bob))
        return ktap.main(module, logs, stage=stage, alice=alice, bob=bob)


if __name__ == "__main__":
    sys.exit(main())
