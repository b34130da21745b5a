# SPDX-License-Identifier: GPL-2.0-or-later
"""The machine that is searched, seen from outside: its memory is a file here,
and it stands still while that is read.

The KMS runs out here, so that the machine is a terminal and nothing else. What
goes to it and back is recorded, which is what a wire would show.
"""

import base64
import contextlib
import http.client
import http.server
import json
import mmap
import os
import re
import socket
import struct
import subprocess
import threading
import time

import stage as s

MEMORY = 2048       # MB; more would not lie in one piece
# struct mailbox of mailbox.c
MAIL_WORDS, MAIL_LEN, MAIL_KEY = b"mikey-mime: key of %s, please\0", 256, 1280


class Monitor:
    """QEMU's monitor (QMP)."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(60)
        self.socket.connect(path)
        self.lines = self.socket.makefile("r", encoding="utf-8")
        self.lines.readline()
        self("qmp_capabilities")

    def __call__(self, command):
        self.socket.sendall(json.dumps({"execute": command}).encode())
        while True:
            answer = json.loads(self.lines.readline())
            if "error" in answer:
                raise s.Failure(f"{command}: {answer['error']}")
            if "return" in answer:
                return

    @contextlib.contextmanager
    def paused(self):
        self("stop")
        try:
            yield
        finally:
            self("cont")


class Recorder(http.server.ThreadingHTTPServer):
    """In front of the KMS: passes requests on and keeps them and the answers. The
    next answer is damaged when bend is set."""

    daemon_threads = True

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            kms = http.client.HTTPConnection("127.0.0.1", self.server.kms, timeout=60)
            kms.request("POST", self.path, body, {"Content-Type": self.headers["Content-Type"],
                                                  "Host": self.headers["Host"]})
            answer = kms.getresponse()
            told = answer.read()
            kms.close()
            if answer.status == 200:
                self.server.seen.append((base64.b64decode(body), base64.b64decode(told)))
                if self.server.bend:
                    self.server.bend = False
                    raw = base64.b64decode(told)
                    told = base64.b64encode(raw[:-1] + bytes([raw[-1] ^ 1]))
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.headers.get("Content-Type", "text/plain"))
            self.send_header("Content-Length", str(len(told)))
            self.end_headers()
            self.wfile.write(told)

    def __init__(self, kms):
        super().__init__(("127.0.0.1", 0), self.Handler)
        self.kms, self.seen, self.bend = kms, [], False
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Kms:
    """mikey-kms on this machine's loopback, and its users' PSKs."""

    def __init__(self, folder):
        self.folder = folder
        self.config = os.path.join(folder, "mikey-kms.conf")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        with open(self.config, "w", encoding="utf-8") as f:
            f.write(f'identity = "{s.KMS_ID}";\nlisten = [ "127.0.0.1:{port}" ];\n'
                    f'store = "{folder}/kms.store";\nstore-key = "{folder}/kms.key";\n'
                    f'policy = {{ allow = ( {{ from = "?@{s.DOMAIN}"; to = "?@{s.DOMAIN}"; }} );\n'
                    'suites = [ "128", "ts-128" ];\ncacheable = true;\n};\n')
        self.run("init")
        self.process = s.Process("mikey-kms", [s.program("mikey-kms"), "serve",
                                               "--config", self.config],
                                 os.path.join(folder, "kms.log"))
        self.recorder = Recorder(port)
        self.port = self.recorder.server_address[1]

    def run(self, *words):
        return s.run(s.program("mikey-kms"), *words, "--config", self.config)

    def enrol(self, name, uid, suite):
        path = os.path.join(self.folder, f"psk-{name}")
        self.run("user", "add", "--uid", uid, "--suite", suite, "--psk-out", path)
        with open(path, encoding="ascii") as f:
            return bytes.fromhex("".join(f.read().split()))

    def stop(self):
        self.recorder.shutdown()
        self.process.stop()


class Machine:
    """The virtual machine, and what its guest program asks for: see Ask in
    guest.py. keys are those that a mailbox may get; on_dump(name) is called
    while the machine stands still, and names addresses to be explained. seed
    is what the messages' words are made from."""

    def __init__(self, folder, share, kms, keys, seed, on_dump):
        self.folder, self.share, self.kms = folder, share, kms
        self.keys, self.on_dump = keys, on_dump
        self.memory = os.path.join(folder, "memory")
        self.swap = os.path.join(folder, "swap")
        with open(self.memory, "wb") as f:
            f.truncate(MEMORY << 20)
        with open(self.swap, "wb") as f:
            f.truncate(64 << 20)
        monitor = os.path.join(folder, "monitor")
        qemu = ("-object", f"memory-backend-file,id=ram,size={MEMORY}M,mem-path={self.memory},share=on",
                "-machine", "memory-backend=ram",
                "-qmp", f"unix:{monitor},server=on,wait=off",
                "-netdev", "user,id=net", "-device", "virtio-net-pci,netdev=net",
                "-drive", f"file={self.swap},format=raw,if=none,id=swap,cache=writethrough",
                "-device", "virtio-blk-pci,drive=swap,serial=swap")
        command = [os.path.join(s.TOP, "tests", "vm", "run"), "--memory", str(MEMORY),
                   "--timeout", str(3000 * int(os.environ.get("MIKEY_PATIENCE", "1"))),
                   "--rw", share, *(w for q in qemu for w in ("--qemu", q)), "--",
                   os.path.join(s.TOP, "tests", "secrets", "guest.py"), share, str(kms.port), seed]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        self.monitor_path, self.monitor = monitor, None

    def serve(self):
        """Until the guest program ends; its status."""
        done = set()
        while self.process.poll() is None:
            for name in sorted(os.listdir(self.share)):
                if name.endswith(".ask") and name not in done:
                    done.add(name)
                    with open(os.path.join(self.share, name), encoding="utf-8") as f:
                        answer = self.answer(json.load(f))
                    path = os.path.join(self.share, name[:-4] + ".answer")
                    with open(path + ".new", "w", encoding="utf-8") as f:
                        json.dump(answer, f)
                    os.rename(path + ".new", path)
            time.sleep(0.1)
        return self.process.returncode

    def answer(self, ask):
        self.monitor = self.monitor or Monitor(self.monitor_path)
        if ask["do"] == "mail":
            return self.mail(ask["to"])
        if ask["do"] == "bend":
            self.kms.recorder.bend = True
            return True
        with self.monitor.paused():
            return self.on_dump(ask["name"])

    def mail(self, name):
        """Put a key into the page that waits for it."""
        key, words = self.keys[name], MAIL_WORDS % name.encode()
        with open(self.memory, "r+b") as f, mmap.mmap(f.fileno(), 0) as memory:
            for _ in range(100):
                at = memory.find(words)
                while at >= 0 and at % mmap.PAGESIZE:
                    at = memory.find(words, at + 1)
                if at >= 0:
                    memory[at + MAIL_KEY:at + MAIL_KEY + len(key)] = key
                    memory[at + MAIL_LEN:at + MAIL_LEN + 4] = struct.pack("<I", len(key))
                    return True
                time.sleep(0.2)
        raise s.Failure(f"the mailbox of {name} is not in the machine's memory")

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(30)


# --- what a page is --------------------------------------------------------

# /proc/kpageflags (Documentation/admin-guide/mm/pagemap.rst)
FLAGS = {5: "lru", 7: "slab", 10: "free", 11: "mapped by a process", 12: "anonymous",
         14: "swap backed", 26: "page table"}


def page_words(share, name, address):
    """What the guest said of a page just before the machine stood still."""
    with open(os.path.join(share, f"{name}.flags"), "rb") as f:
        f.seek(address // mmap.PAGESIZE * 8)
        bits = int.from_bytes(f.read(8), "little")
    return ", ".join(word for bit, word in FLAGS.items() if bits >> bit & 1) or \
        "a page of the kernel, or free"


def owners(log):
    """Address -> what the kernel says of it (whose.ko)."""
    found = {}
    for part in re.split(r"whose: ", log)[1:]:
        number, _, rest = part.partition("\n") if "\n" in part.split(" ")[0] else part.partition(" ")
        found[int(number.strip(), 16)] = " ".join(
            re.sub(r"^\[ *[0-9.]+\]\s*", "", line) for line in rest.strip().splitlines()[:1]).strip()
    return found
