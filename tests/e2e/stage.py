# SPDX-License-Identifier: GPL-2.0-or-later
"""The stage of the end-to-end tests and of the demo.

        namespace e2e-net, 10.66.0.1                   (as root)
        +---------------------------------------------------+
        |  kamailio      registrar and proxy  :5060 udp tcp |
        |  mikey-kms     HTTP                 :8480         |
        |  bridge  ----------------------------             |
        +-----|-------------------------------|-------------+
              | 10.66.0.11                    | 10.66.0.12
        +-----|--------------------+    +-----|--------------------+
        | mikeyd  :5060 outside    |    | mikeyd  :5060 outside    |
        |         127.0.0.1:5062   |    |         127.0.0.1:5062   |
        | SIP client, 127.0.0.1    |    | SIP client, 127.0.0.1    |
        +--------------------------+    +--------------------------+
          namespace e2e-alice             namespace e2e-bob
          uid 20011, its own keyring      uid 20012, its own keyring

The proxy knows alice and bob only by their registrations, and the way to them
by the Path that mikeyd puts there. Nothing is routed: what reaches a terminal
comes through the proxy, or from whoever stands in e2e-net.

Every 10.66.0.N has an fd66::N beside it, and a terminal with ip6=True knows
nothing but IPv6. A user's second device is a terminal with user=NAME: another
uid, keyring and mikeyd, the same UID and PSK.
"""

import base64
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

import capture
import ktap
import sip
import uri_list
from netns import namespace

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(TOP, "tests", "peer"))
import kms  # pylint: disable=wrong-import-position,wrong-import-order
BUILD = os.environ.get("MIKEY_BUILD", os.path.join(TOP, "build"))
MODULES = os.environ.get("MIKEY_MODULES", "")
DOMAIN = "example.test"
PROXY = ("10.66.0.1", 5060)
KMS = ("10.66.0.1", 8480)
KMS_ID = "http://kms.example.test"
NET6 = "fd66::1"
# Seconds that mikeyd waits for the KMS; kamailio.cfg has a little more. A busy machine
# may take them.
PATIENCE = 25
UIDS = {"alice": 20011, "bob": 20012, "carol": 20013, "dora": 20014, "tablet": 20015,
        "dave": 20016, "erin": 20017, "frank": 20018, "grace": 20019, "heidi": 20020}
# What of mikeyd.conf(5) stands in its group "policy".
POLICY = {"profile", "accept-profile", "suite", "form", "accept", "content", "proof", "ticket",
          "ticket-lifetime", "reuse", "cacheable", "rekey", "outgoing", "unprotected",
          "must-protect", "rules", "replay-sender", "replay-total", "queue", "queue-ticket",
          "queue-age", "queue-messages", "queue-recipient", "queue-kilobytes"}


def at(host, port):
    """host:port as it is written for either family."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def setting(value):
    """A value as libconfig writes it; JSON's texts, numbers, lists and booleans
    are its own, groups are not."""
    if isinstance(value, dict):
        return "{ " + "".join(f"{k.replace('_', '-')} = {setting(v)}; " for k, v in value.items()) + "}"
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "(\n" + ",\n".join(setting(v) for v in value) + ")"
    return json.dumps(value)


class Failure(Exception):
    """Something on stage is not as it must be; the words say what."""


def program(name):
    path = os.path.join(BUILD, name)
    if not os.path.exists(path):
        raise Failure(f"{path} is not built")
    return path


def run(*command, check=True, text=True, **more):
    done = subprocess.run([str(c) for c in command], stdin=more.pop("stdin", subprocess.DEVNULL),
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False,
                          text=text, **more)
    if check and done.returncode:
        raise Failure(f"{' '.join(map(str, command))}: status {done.returncode}: "
                      f"{done.stderr or done.stdout}")
    return done


def wait_for(condition, seconds=60, what="a condition"):
    """Poll until condition() is true; its value."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Failure(f"waited {seconds} s for {what}")
        time.sleep(0.05)


class Process:
    """A program in the background with its output in a file."""

    def __init__(self, name, command, log, **more):
        self.name, self.log = name, log
        self.started = os.path.getsize(log) if os.path.exists(log) else 0
        with open(log, "ab") as out:
            self.popen = subprocess.Popen([str(c) for c in command], stdin=subprocess.DEVNULL,
                                          stdout=out, stderr=subprocess.STDOUT,
                                          start_new_session=True, **more)

    @property
    def pid(self):
        return self.popen.pid

    def output(self):
        with open(self.log, "rb") as f:
            f.seek(self.started)
            return f.read().decode("utf-8", "replace")

    def alive(self):
        return self.popen.poll() is None

    def stop(self, number=signal.SIGTERM, seconds=20):
        if self.alive():
            self.popen.send_signal(number)
            try:
                self.popen.wait(seconds)
            except subprocess.TimeoutExpired:
                self.popen.kill()
                self.popen.wait()
        return self.popen.returncode

    def ready(self, address, inside, seconds=60):
        """Wait until a TCP port answers."""
        def connects():
            if not self.alive():
                raise Failure(f"{self.name} ended with status {self.popen.returncode}:\n{self.output()}")
            family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
            with namespace(inside), socket.socket(family) as s:
                s.settimeout(1)
                return s.connect_ex(address) == 0
        wait_for(connects, seconds, f"{self.name} at {address[0]}:{address[1]}\n{self.output()}")


class ForeignKms(kms.Server):
    """The second implementation's KMS in a thread of ours: starting another
    Python takes seconds in a virtual machine."""

    def __init__(self, arguments):
        self.lines = []
        super().__init__(kms.parser().parse_args(arguments), self.lines.append)
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def output(self):
        return "\n".join(self.lines)


class Terminal:
    """One user: network namespace, uid, keyring, PSK, mikeyd, SIP client."""

    def __init__(self, stage, name, user=None, ip6=False, suite="256", aliases=()):
        self.stage, self.name, self.uid = stage, name, UIDS[name]
        self.aliases = aliases
        self.suite = suite
        self.aor, self.netns = f"{user or name}@{DOMAIN}", f"e2e-{name}"
        number = self.uid % 1000
        self.address, self.loopback, self.network = (
            (f"fd66::{number}", "::1", NET6) if ip6 else
            (f"10.66.0.{number}", "127.0.0.1", PROXY[0]))
        self.uri = "sip:" + self.aor
        self.dir = os.path.join(stage.dir, name)
        self.config = os.path.join(self.dir, "mikeyd.conf")
        self.mikeyd, self.clients = None, []
        os.mkdir(self.dir, 0o700)
        os.chown(self.dir, self.uid, self.uid)
        stage.link(self.netns, number)
        self.psk_hex = None
        # Tickets outlive a stage, but the KMS that could resolve them does not.
        self.run("keyctl", "clear", "@u")

    def prefix(self):
        """What makes a command run as this user in this namespace."""
        return ["ip", "netns", "exec", self.netns, "setpriv", f"--reuid={self.uid}",
                f"--regid={self.uid}", "--clear-groups", "--inh-caps=-all", "--no-new-privs",
                "env", f"HOME={self.dir}", "keyctl", "session", "-"]

    def run(self, *command, **more):
        more.setdefault("cwd", self.dir)
        done = run(*self.prefix(), *command, **more)
        if isinstance(done.stderr, str):
            done.stderr = "".join(line for line in done.stderr.splitlines(True)
                                  if not line.startswith("Joined session keyring"))
        return done

    def ctl(self, *arguments, **more):
        return self.run(program("mikeyctl"), *arguments, **more)

    def enrol(self):
        """Make the user at the KMS; the PSK comes as a file for the user."""
        path = os.path.join(self.dir, "psk")
        other = next((t for t in self.stage.terminals.values()
                      if t.aor == self.aor and t is not self), None)
        if other:
            with open(path, "w", encoding="ascii") as f:
                os.chmod(path, 0o600)
                f.write(other.psk_hex)
        else:
            self.stage.kms_ctl("user", "add", "--uid", self.aor, "--psk-out", path,
                               "--suite", self.suite, *(w for a in self.aliases
                                                        for w in ("--uid", a)))
        os.chown(path, self.uid, self.uid)
        with open(path, encoding="ascii") as f:
            self.psk_hex = "".join(f.read().split())

    def load_psk(self):
        """Put the PSK into the kernel and forget the file; its serial."""
        path = os.path.join(self.dir, "psk")
        serial = int(self.ctl("psk", "load", "--id", self.aor, "--from", path, "--quiet").stdout)
        os.unlink(path)
        return serial

    def configure(self, **settings):
        """Write mikeyd.conf; settings add to or replace the usual ones, a
        None leaves one out."""
        usual = {
            "identity": [self.aor],
            "listen": [f"{t}:{at(self.loopback, 5062)}" for t in ("udp", "tcp")],
            "listen-outside": [f"{t}:{at(self.address, 5060)}" for t in ("udp", "tcp")],
            "next-hop": f"sip:{at(self.network, PROXY[1])};transport=tcp",
            "kms": f"{self.stage.scheme}://{at(self.network, KMS[1])}",
            "kms-ca": self.stage.authority if self.stage.tls else None,
            "kms-id": KMS_ID,
            "kms-timeout": PATIENCE,
            "psk": f"logon:mikey:{self.aor}",
            "psk-id": self.aor,
            "suite": self.suite,
            "log-level": "debug",
        }
        usual.update({k.replace("_", "-"): v for k, v in settings.items()})
        lines = {n: f"{n} = {setting(v)};\n" for n, v in usual.items() if v is not None}
        with open(self.config, "w", encoding="utf-8") as f:
            f.writelines(line for name, line in lines.items() if name not in POLICY)
            f.write("policy = {\n")
            f.writelines(line for name, line in lines.items() if name in POLICY)
            f.write("};\n")
        os.chmod(self.config, 0o644)

    def start(self, wait=True):
        self.mikeyd = Process(f"mikeyd of {self.name}",
                              [*self.prefix(), program("mikeyd"), "--config", self.config],
                              os.path.join(self.dir, "mikeyd.log"), cwd=self.dir)
        self.stage.processes.append(self.mikeyd)
        if wait:
            self.mikeyd.ready((self.loopback, 5062), self.netns)
        return self.mikeyd

    def restart(self, number=signal.SIGTERM):
        self.mikeyd.stop(number)
        return self.start()

    def client(self, transport="tcp", **more):
        """A SIP client behind this terminal's mikeyd, not yet registered."""
        client = sip.Client(self.uri, (self.loopback, 5062), transport, local=self.loopback,
                            inside=lambda: namespace(self.netns), **more)
        self.clients.append(client)
        return client

    def registered(self, transport="tcp"):
        """The terminal's one registered client; those before it leave, since
        the proxy would send copies to each of them."""
        for old in self.clients:
            old.leave()
        self.clients.clear()
        client = self.client(transport)
        answer = client.register()
        if not answer or answer.status != 200:
            raise Failure(f"{self.name} cannot register: {answer and answer.first}\n"
                          f"{self.mikeyd.output()}")
        return client

    def quota(self):
        """What its keys count: how many, how many bytes; 0, 0 without any. Two
        readings that agree, since the kernel's collector runs when it likes."""
        last = None
        while True:
            with open("/proc/key-users", encoding="ascii") as f:
                rows = [line.split() for line in f]
            now = next((tuple(int(n.split("/")[0]) for n in row[3:5])
                        for row in rows if row[0] == f"{self.uid}:"), (0, 0))
            if now == last:
                return now
            last = now
            time.sleep(0.3)

    def tickets(self):
        """Serials and descriptions of the user's tickets."""
        return json.loads(self.ctl("ticket", "list", "--json").stdout)


class Stage:
    """Network, proxy and KMS; terminals on request. Use with "with"."""

    def __init__(self, kms=True, proxy=True, tls=False, kms_policy=None):
        self.processes, self.terminals, self.namespaces = [], {}, []
        self.services = []
        self.dir = tempfile.mkdtemp(prefix="mikey-e2e.")
        os.chmod(self.dir, 0o755)
        self.want_kms, self.want_proxy, self.tls = kms, proxy, tls
        self.scheme, self.authority = "https" if tls else "http", None
        self.kms_policy = kms_policy or {}
        self.proxy_options = []
        self.kms = self.kamailio = None
        self.kms_config = os.path.join(self.dir, "mikey-kms.conf")

    def __enter__(self):
        try:
            self.build()
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise
        return self

    def __exit__(self, *_):
        for client in self.services:
            client.close()
        for terminal in self.terminals.values():
            for client in terminal.clients:
                client.close()
        if isinstance(self.kms, ForeignKms):
            self.kms.stop()
        for process in reversed(self.processes):
            process.stop()
        for name in self.namespaces:
            run("ip", "netns", "del", name, check=False)
        if not os.environ.get("MIKEY_KEEP"):
            shutil.rmtree(self.dir, ignore_errors=True)

    def netns(self, name):
        run("ip", "netns", "add", name)
        self.namespaces.append(name)
        run("ip", "-n", name, "link", "set", "lo", "up")

    def build(self):
        self.netns("e2e-net")
        # Whole messages in one packet make a capture easier to read. With no address
        # of its own the bridge takes another one when a terminal is plugged in, and
        # those who know the old one are not heard until they ask again.
        run("ip", "-n", "e2e-net", "link", "add", "bridge", "mtu", 65000,
            "address", "02:6d:69:6b:65:79", "type", "bridge")
        run("ip", "-n", "e2e-net", "addr", "add", f"{PROXY[0]}/24", "dev", "bridge")
        run("ip", "-n", "e2e-net", "addr", "add", f"{NET6}/64", "dev", "bridge", "nodad")
        run("ip", "-n", "e2e-net", "link", "set", "bridge", "up")
        if self.want_proxy:
            self.start_proxy()
        if self.want_kms:
            self.prepare_kms()
            self.start_kms()

    def link(self, name, number):
        """A namespace with one end of a cable to the bridge."""
        self.netns(name)
        run("ip", "link", "add", name, "mtu", 65000, "netns", "e2e-net", "type", "veth",
            "peer", "name", "eth0", "mtu", 65000, "netns", name)
        run("ip", "-n", "e2e-net", "link", "set", name, "master", "bridge", "up")
        run("ip", "-n", name, "addr", "add", f"10.66.0.{number}/24", "dev", "eth0")
        run("ip", "-n", name, "addr", "add", f"fd66::{number}/64", "dev", "eth0", "nodad")
        run("ip", "-n", name, "link", "set", "eth0", "up")

    def in_net(self):
        return ["ip", "netns", "exec", "e2e-net"]

    def start_proxy(self):
        work = os.path.join(self.dir, "kamailio")
        os.makedirs(work, exist_ok=True)
        self.kamailio = Process("kamailio", [
            *self.in_net(), "kamailio", "-f", os.path.join(HERE, "kamailio.cfg"),
            "-A", f"ADDRESS={PROXY[0]}", "-A", f"ADDRESS6=[{NET6}]", "-DD", "-E", "-w", work, "-Y", work,
            "-P", os.path.join(work, "pid"), "-m", "96", "-M", "32", *self.proxy_options],
            os.path.join(self.dir, "kamailio.log"))
        self.processes.append(self.kamailio)
        self.kamailio.ready(PROXY, "e2e-net")

    def prepare_kms(self):
        with open(self.kms_config, "w", encoding="utf-8") as f:
            f.write(f'identity = "{KMS_ID}";\n'
                    f'{self.listen_kms()}'
                    f'store = "{self.dir}/kms.store";\n'
                    f'store-key = "{self.dir}/kms.key";\n'
                    'policy = {\n'
                    f'allow = ( {{ from = "?@{DOMAIN}"; to = "?@{DOMAIN}"; }} );\n'
                    + "".join(f"{n} = {json.dumps(v)};\n" for n, v in self.kms_policy.items()) +
                    '};\n'
                    'log-level = "debug";\n')
        self.kms_ctl("init")

    def listen_kms(self):
        """Where mikey-kms listens, and with TLS who it is: a certificate of
        its own, which self.authority signed."""
        addresses = json.dumps([at(KMS[0], KMS[1]), at(NET6, KMS[1])])
        if not self.tls:
            return f"listen = {addresses};\n"
        self.authority = self.certify("authority")
        self.certify("kms", "authority", f"subjectAltName=IP:{KMS[0]},IP:{NET6}")
        return (f'listen-tls = {addresses};\n'
                f'certificate = "{self.dir}/kms.pem";\nprivate-key = "{self.dir}/kms-key.pem";\n')

    def certify(self, name, issuer=None, extension="basicConstraints=critical,CA:TRUE", days=2):
        """Make NAME.pem and NAME-key.pem, signed by issuer or by itself."""
        path = os.path.join(self.dir, f"{name}.pem")
        key = os.path.join(self.dir, f"{name}-key.pem")
        request = os.path.join(self.dir, f"{name}.csr")
        extensions = os.path.join(self.dir, f"{name}.ext")
        with open(extensions, "w", encoding="ascii") as f:
            f.write(extension + "\n")
        run("openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
            "-nodes", "-subj", f"/CN={name} of the test", "-keyout", key, "-out", request)
        signer = ["-signkey", key] if not issuer else [
            "-CA", os.path.join(self.dir, f"{issuer}.pem"),
            "-CAkey", os.path.join(self.dir, f"{issuer}-key.pem"), "-CAcreateserial"]
        run("openssl", "x509", "-req", "-in", request, "-days", days, "-extfile", extensions,
            *signer, "-out", path)
        os.chmod(path, 0o644)
        return path

    def kms_ctl(self, *words, **more):
        command, options = [], list(words)
        while options and not options[0].startswith("-"):
            command.append(options.pop(0))
        return run(program("mikey-kms"), *command, "--config", self.kms_config, *options, **more)

    def start_kms(self):
        self.kms = Process("mikey-kms", [*self.in_net(), program("mikey-kms"), "serve",
                                         "--config", self.kms_config],
                           os.path.join(self.dir, "kms.log"))
        self.processes.append(self.kms)
        self.kms.ready(KMS, "e2e-net")

    def faulty_kms(self, fault):
        """A KMS that behaves as fault says, instead of mikey-kms."""
        self.kms.stop()
        users = [f"--user={t.aor},{t.aor},{t.psk_hex}" for t in self.terminals.values()]
        with namespace("e2e-net"):
            self.kms = ForeignKms(["--bind", KMS[0], "--port", str(KMS[1]), "--url", KMS_ID,
                                   "--fault", fault, *users])

    def true_kms(self):
        self.kms.stop()
        self.start_kms()

    def kms_requests(self, kind):
        """How many exchanges of a kind, by its path, the KMS has answered."""
        kind = f" kind={kind.removeprefix('ticket')} "
        return sum(kind in line and (" granted req=" in line or " refused req=" in line)
                   for line in self.kms.output().splitlines())

    def terminal(self, name, start=True, user=None, ip6=False, suite="256", aliases=(),
                 **settings):
        """A terminal with everything: enrolled, PSK loaded, mikeyd running."""
        terminal = Terminal(self, name, user, ip6, suite, aliases)
        self.terminals[name] = terminal
        terminal.enrol()
        terminal.load_psk()
        terminal.configure(**settings)
        if start:
            terminal.start()
        return terminal

    def serve_at(self, uri, terminal):
        """Have the proxy send what is for uri to a terminal's mikeyd, and not
        to a client behind it: what PSI routing does in a network."""
        client = sip.Client(uri, PROXY, "tcp", local=PROXY[0], inside=lambda: namespace("e2e-net"))
        self.services.append(client)
        answer = client.request("REGISTER", f"sip:{DOMAIN}", (
            f"Contact: <{uri}>", f"Path: <sip:{at(terminal.address, 5060)};transport=tcp;lr>",
            "Supported: path", "Expires: 3600"))
        if not answer or answer.status != 200:
            raise Failure(f"{uri} cannot be registered: {answer and answer.first}")

    def list_service(self, user="list"):
        """A URI-list service behind the proxy, reached as that user."""
        client = sip.Client(f"sip:{user}@{DOMAIN}", PROXY, "tcp", local=PROXY[0],
                            inside=lambda: namespace("e2e-net"))
        self.services.append(client)
        answer = client.register()
        if not answer or answer.status != 200:
            raise Failure(f"the list service cannot register: {answer and answer.first}")
        return uri_list.Service(client)

    def capture(self):
        return capture.Capture(self.in_net(), os.path.join(self.dir, "capture.pcap"), "bridge",
                               f"port {PROXY[1]}")

    def stranger(self, transport="tcp", to=None, uri=f"sip:mallory@{DOMAIN}"):
        """A SIP client that stands where the proxy stands."""
        return sip.Client(uri, to or PROXY, transport, local=PROXY[0],
                          inside=lambda: namespace("e2e-net"))


def parts(message):
    """TRANSFER_INIT and CMS of a protected MESSAGE, decoded."""
    boundary = message.get("content-type").partition("boundary=")[2].split(";")[0].strip('" ')
    found = {}
    for part in message.body.split(b"--" + boundary.encode())[1:-1]:
        head, _, body = part.partition(b"\r\n\r\n")
        for kind in ("application/mikey", "application/pkcs7-mime"):
            if kind.encode() in head.lower():
                found[kind] = base64.b64decode(body)
    if len(found) != 2:
        raise Failure(f"not a protected MESSAGE: {message.raw[:600]!r}")
    return found["application/mikey"], found["application/pkcs7-mime"]


def run_pair(module, scene=None, **settings):
    """The tests of a module with alice and bob, and what scene makes of a stage and them;
    the mikeyds' last words follow a failure. settings are the stage's."""
    with Stage(**settings) as stage:
        alice, bob = stage.terminal("alice"), stage.terminal("bob")
        given = {"scene": scene(stage, alice, bob)} if scene else {}

        def logs():
            return "".join(f"-- {t.name}\n{t.mikeyd.output()[-3000:]}\n" for t in (alice, bob))
        return ktap.main(module, logs, stage=stage, alice=alice, bob=bob, **given)
