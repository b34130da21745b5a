# SPDX-License-Identifier: GPL-2.0-or-later
"""A real mikey-kms with ALICE and BOB, for the suites that look at it from
outside, and the frame that they run in. KTAP."""
import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import traceback

import terminal
import zk_test as z
from kms_checks import BUILD

URL, DOMAIN = "https://kms.example.test", "example.test"
ALICE, BOB = f"alice@{DOMAIN}", f"bob@{DOMAIN}"
ENTITY = b"Content-Type: text/plain\r\n\r\nhello"


class Skip(Exception):
    pass


def wait_for(call, what, seconds=120):
    """The first true value of call(); what is said when none comes in time."""
    end = time.monotonic() + seconds
    while not (value := call()):
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within {seconds} s")
        time.sleep(0.05)
    return value


def listens(place):
    """Does somebody at an address of the configuration?"""
    path = place.startswith("unix:")
    with socket.socket(socket.AF_UNIX if path else socket.AF_INET) as s:
        host, _, port = place.partition(":")
        return s.connect_ex(port if path else (host, int(port))) == 0


class Service:
    """In a folder of its own; more is added to the configuration."""

    def __init__(self, more="", audit="", tls=False):
        self.dir = tempfile.mkdtemp(prefix="mikey-kms-test.")
        self.port, self.tls_port = z.free_port(), z.free_port() if tls else None
        self.config, self.audit = os.path.join(self.dir, "conf"), audit or f"{self.dir}/audit"
        self.process = None
        text = (f'identity = "{URL}";\nlisten = "127.0.0.1:{self.port}";\n'
                f'store = "{self.dir}/store";\nstore-key = "{self.dir}/key";\n'
                f'audit = "{self.audit}";\n')
        if tls:
            self.ca = z.Authority(self.dir, "ca")
            pem, key = self.ca.sign("kms", "kms.example.test")
            text += (f'listen-tls = "127.0.0.1:{self.tls_port}";\ncertificate = "{pem}";\n'
                     f'private-key = "{key}";\n')
        with open(self.config, "w", encoding="ascii") as f:
            f.write(text + more)
        self.ctl("init")
        self.psks = {uid: self.ctl("user", "add", "--uid", uid).split()[-1] for uid in (ALICE, BOB)}

    def run(self, *words):
        command = words[:1] if words[0] in ("init", "serve", "check-config") else words[:2]
        return subprocess.run([f"{BUILD}/mikey-kms", *command, "--config", self.config,
                               *words[len(command):]], capture_output=True, text=True, check=False)

    def ctl(self, *words):
        done = self.run(*words)
        if done.returncode:
            raise RuntimeError(f"{words}: {done.stderr}")
        return done.stdout

    def start(self):
        with open(os.path.join(self.dir, "log"), "ab") as log:
            self.process = subprocess.Popen([f"{BUILD}/mikey-kms", "serve", "--config", self.config],
                                            stdout=log, stderr=log)

        with open(self.config, encoding="ascii") as f:
            places = re.findall(r'^listen[a-z-]* = "(.*)";', f.read(), re.M)
        wait_for(lambda: all(map(listens, places)), f"mikey-kms listens at {places}")
        return self

    def log(self):
        with open(os.path.join(self.dir, "log"), encoding="utf-8", errors="replace") as f:
            return f.read()

    def user(self, uid, *more):
        """A terminal of the second implementation."""
        return terminal.Terminal(terminal.parser().parse_args([
            "send", "--uid", uid, "--psk-id", uid, "--psk", self.psks[uid],
            "--kms-url", URL, "--kms", f"127.0.0.1:{self.port}", *more]))

    def exchange(self, alice=None, bob=None):
        """A ticket asked for and resolved; true if BOB could open a message."""
        message = (alice or self.user(ALICE)).protect(BOB.encode(), ENTITY, "auth-enveloped",
                                                      None, None)
        return (bob or self.user(BOB)).open(*message)["form"] == "auth-enveloped"

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return self.process.wait(120)

    def remove(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.dir, ignore_errors=True)


def main(tests):
    """tests: pairs of words and a function, which may raise Skip. Exit status."""
    print("TAP version 13")
    failed = 0
    if not os.path.exists(f"{BUILD}/mikey-kms"):
        print("1..0 # SKIP no mikey-kms: make programs")
        return 1
    for number, (what, check) in enumerate(tests, 1):
        result, more = "ok", ""
        try:
            check()
        except Skip as e:
            more = f" # SKIP {e}"
        except Exception:  # pylint: disable=broad-except
            result = "not ok"
            failed += 1
            with contextlib.suppress(ValueError):
                print("".join(f"# {line}\n" for line in traceback.format_exc().splitlines()), end="")
        print(f"{result} {number} {what}{more}", flush=True)
    print(f"1..{len(tests)}")
    return 1 if failed else 0
