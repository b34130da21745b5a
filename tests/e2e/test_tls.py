#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""SIP over TLS on both sides of both mikeyds, with Kamailio between them: alice
has IPv4, bob IPv6. Kamailio wants to see certificates, too."""

import contextlib
import os
import shutil
import signal
import ssl
import sys
import threading

import ktap
import sip
import softphone
import stage as s

TEXT = "Über TLS — 安全な道"
NAME = "proxy.example.test"
INSIDE, OUTSIDE = 5063, 5061


class TlsStage(s.Stage):
    def start_proxy(self):
        if not self.proxy_options:
            self.certify("sip-ca")
            self.certify("proxy", "sip-ca", f"subjectAltName=URI:sip:{NAME}")
            for name, file in (("CERTIFICATE", "proxy"), ("PRIVATE_KEY", "proxy-key"),
                               ("AUTHORITY", "sip-ca")):
                self.proxy_options += ["-A", f'{name}="{self.dir}/{file}.pem"']
        super().start_proxy()

    def registers(self, client):
        """Whether it registers now, at a proxy that lives. Kamailio 5.6 with OpenSSL 3 has
        been seen to abort over its shared memory when connections come at once; then it
        is started again, as whoever looks after it would do."""
        if not self.kamailio.alive():
            print("# Kamailio ended by itself and is started again", flush=True)
            self.start_proxy()
        answer = client.register()
        return answer and answer.status == 200

    def identify(self, terminal):
        """A certificate for a terminal's mikeyd, and where the proxy's name leads."""
        self.certify(terminal.name, "sip-ca",
                     f"subjectAltName=URI:sip:{terminal.name}.example.test,IP:127.0.0.1,IP:::1")
        for name in (f"{terminal.name}.pem", f"{terminal.name}-key.pem"):
            target = os.path.join(terminal.dir, name)
            shutil.copy(os.path.join(self.dir, name), target)
            os.chown(target, terminal.uid, terminal.uid)
        folder = f"/etc/netns/{terminal.netns}"
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, "hosts"), "w", encoding="ascii") as f:
            f.write(f"{terminal.network} {NAME}\n")

    def __exit__(self, *what):
        super().__exit__(*what)
        for terminal in self.terminals.values():
            shutil.rmtree(f"/etc/netns/{terminal.netns}", ignore_errors=True)


def over_tls(stage, terminal, **settings):
    """What mikeyd.conf says of TLS, and what else is given."""
    usual = {
        "listen": [f"tcp:{s.at(terminal.loopback, 5062)}",
                   f"tls:{s.at(terminal.loopback, INSIDE)}"],
        "listen_outside": [f"tls:{s.at(terminal.address, OUTSIDE)}"],
        "next_hop": f"sips:{NAME}", "next_hop_ca": os.path.join(stage.dir, "sip-ca.pem"),
        "certificate": os.path.join(terminal.dir, f"{terminal.name}.pem"),
        "private_key": os.path.join(terminal.dir, f"{terminal.name}-key.pem"),
        "keep_alive": 5}
    usual.update(settings)
    terminal.configure(**usual)


def client(stage, terminal):
    """A client over TLS that knows mikeyd's authority; registered."""
    for old in terminal.clients:
        old.close()
    terminal.clients.clear()
    context = ssl.create_default_context(cafile=os.path.join(stage.dir, "sip-ca.pem"))
    context.check_hostname = False
    found = sip.Client(terminal.uri, (terminal.loopback, INSIDE), "tls", local=terminal.loopback,
                       inside=lambda: s.namespace(terminal.netns), tls=context)
    terminal.clients.append(found)
    s.wait_for(lambda: stage.registers(found), 90, f"{terminal.name} to register")
    return found


def exchange(sender, receiver, uri, text=TEXT):
    ktap.status(sender.message(uri, text), 200)
    got = ktap.true(receiver.received(), "nothing arrived")
    ktap.equal(got.body.decode(), text, "body")
    return got


def test_both_ways(stage, alice, bob):
    """Messages in both directions, over IPv4 and IPv6, and nothing of SIP in the clear"""
    a, b = client(stage, alice), client(stage, bob)
    with s.capture.Capture(stage.in_net(), os.path.join(stage.dir, "tls.pcap"), "bridge",
                           "port 5060 or port 5061") as seen:
        for sender, receiver, target in ((a, b, bob), (b, a, alice)):
            got = exchange(sender, receiver, target.uri)
            ktap.true(got.get("p-mikey-verified"), "the sender")
            ktap.true(got.get("via").startswith("SIP/2.0/TLS"), f"Via: {got.get('via')}")
    with open(seen.path, "rb") as f:
        data = f.read()
    ktap.true(len(data) > 2000, "nothing was captured")
    ktap.true(b"SIP/2.0" not in data and b"MESSAGE" not in data, "SIP in the clear")


def test_sips(stage, alice, bob):
    """To a sips: URI over TLS all the way; a client without TLS gets 416 and words"""
    a, b = client(stage, alice), client(stage, bob)
    exchange(a, b, f"sips:{bob.aor}")
    plain = alice.client()
    answer = ktap.status(plain.message(f"sips:{bob.aor}", "x"), 416)
    ktap.true("TLS" in " ".join(answer.all("warning")), f"Warning: {answer.all('warning')}")
    ktap.true(b.received(timeout=0.5) is None, "something was delivered")


def test_call(stage, alice, bob):
    """An INVITE passes, and Record-Route keeps its dialog on TLS"""
    a, b = client(stage, alice), client(stage, bob)
    ktap.status(a.request("INVITE", bob.uri, (f"Contact: <sip:alice@{a.local};transport=tls>",)), 200)
    got = ktap.true(b.received("INVITE"), "no INVITE")
    routes = " ".join(got.all("record-route"))
    ktap.true(routes.count("transport=tls") >= 4, f"Record-Route: {routes}")


def test_softphone(stage, alice, bob):
    """baresip registers and sends over TLS"""
    b = client(stage, bob)
    for old in alice.clients:
        old.leave()
    alice.clients.clear()
    phone = softphone.Softphone(alice, "bob", "tls", port=INSIDE,
                                config=f"sip_cafile {stage.dir}/sip-ca.pem\n")
    try:
        phone.message(TEXT)
        got = ktap.true(b.received(timeout=120), "nothing arrived")
        ktap.equal(got.body.decode(), TEXT, "body")
    finally:
        phone.process.stop()


def not_trusted(stage, alice, bob, words, **settings):
    over_tls(stage, alice, **settings)
    alice.restart()
    plain = alice.client()
    answer = ktap.status(plain.request("MESSAGE", bob.uri, ("Content-Type: text/plain",), b"x"),
                         503)
    ktap.true(answer.get("retry-after"), "no Retry-After")
    ktap.true(words in alice.mikeyd.output(), f"{words!r} is not in the log:\n"
              f"{alice.mikeyd.output()[-1000:]}")
    over_tls(stage, alice)
    alice.restart()


def test_wrong_authority(stage, alice, bob):
    """A proxy that another authority has signed: 503, and the log says why"""
    not_trusted(stage, alice, bob, f"certificate-refused next-hop={NAME} reason=",
                next_hop_ca=stage.certify("stranger"))


def test_wrong_name(stage, alice, bob):
    """A proxy with the certificate of another domain: 503, and the log says why"""
    not_trusted(stage, alice, bob, "it is not that domain's (RFC 5922)",
                next_hop=f"sips:{s.PROXY[0]}")


def test_reload(stage, alice, bob):
    """SIGHUP under traffic: no message is lost, and the new certificate is shown"""
    a, b = client(stage, alice), client(stage, bob)
    old, answers = s.wait_for(lambda: shown(alice), 60, "a certificate"), []
    sender = threading.Thread(target=lambda: answers.extend(
        a.message(bob.uri, f"reload {n}") for n in range(8)))
    sender.start()
    stage.identify(alice)
    alice.mikeyd.popen.send_signal(signal.SIGHUP)
    s.wait_for(lambda: shown(alice) not in (None, old), 120, "the new certificate")
    sender.join(600)
    ktap.equal([x and x.status for x in answers], [200] * 8, "answers")
    ktap.equal([ktap.true(b.received(), "a message is lost").body for _ in range(8)],
               [f"reload {n}".encode() for n in range(8)], "what arrived")


def shown(terminal):
    """The certificate that mikeyd shows to clients; none while it has no time."""
    with s.namespace(terminal.netns), contextlib.suppress(OSError):
        return ssl.get_server_certificate((terminal.loopback, INSIDE), timeout=20)
    return None


def test_check(stage, alice):
    """--check names file, line and fault of what TLS needs"""
    for settings, words in (({"certificate": "/nowhere.pem"}, "certificate: /nowhere.pem: No such"),
                            ({"private_key": None}, "certificate and private-key go together"),
                            ({"next_hop_ca": alice.config}, "next-hop-ca: ")):
        over_tls(stage, alice, **settings)
        told = alice.run(s.program("mikeyd"), "--check", "--config", alice.config, check=False)
        ktap.true(told.returncode != 0 and words in told.stderr and
                  f"{alice.config}:" in told.stderr, f"{words}: {told.returncode} {told.stderr}")
    over_tls(stage, alice)


def connections(terminal):
    """Established connections of a terminal to the proxy."""
    return s.run("ip", "netns", "exec", terminal.netns, "ss", "-Htn", "state", "established",
                 "dport", "=", f":{OUTSIDE}").stdout


def test_proxy_restarts(stage, alice, bob):
    """The proxy restarts while nobody sends: mikeyd connects again by itself"""
    a, b = client(stage, alice), client(stage, bob)
    before = s.wait_for(lambda: connections(alice), 60, "a connection")
    stage.kamailio.stop()
    s.wait_for(lambda: not connections(alice), 60, "the connection to be gone")
    stage.start_proxy()
    after = s.wait_for(lambda: connections(alice), 150, "another connection")
    ktap.true(after != before, "it is the same connection")
    # the registrar has forgotten everybody
    for terminal, found in ((alice, a), (bob, b)):
        s.wait_for(lambda c=found: stage.registers(c), 90, f"{terminal.name} to register again")
    exchange(b, a, alice.uri)


def test_half_open(stage, alice, bob):
    """The network to the proxy goes away in silence: a ping finds it, and it comes back"""
    a, b = client(stage, alice), client(stage, bob)
    before = s.wait_for(lambda: connections(alice), 60, "a connection")
    s.run("ip", "-n", "e2e-net", "link", "set", alice.netns, "down")
    try:
        s.wait_for(lambda: not connections(alice), 90, "the ping to have no answer")
    finally:
        s.run("ip", "-n", "e2e-net", "link", "set", alice.netns, "up")
    after = s.wait_for(lambda: connections(alice), 150, "another connection")
    ktap.true(after != before, "it is the same connection")
    exchange(b, a, alice.uri)


def main():
    with TlsStage() as stage:
        alice, bob = stage.terminal("alice", start=False), stage.terminal("bob", start=False, ip6=True)
        for terminal in (alice, bob):
            stage.identify(terminal)
            over_tls(stage, terminal)
            terminal.start()

        def logs():
            return "".join(f"-- {t.name}\n{t.mikeyd.output()[-2500:]}\n" for t in (alice, bob)) + \
                stage.kamailio.output()[-1000:]
        return ktap.main(sys.modules[__name__], logs, stage=stage, alice=alice, bob=bob)


if __name__ == "__main__":
    sys.exit(main())
