#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""guest.py SHARE PORT SEED: what happens in the machine that is searched.

Two users of each suite, whose clients speak TCP, UDP or TLS, boxes without one, a
list server (cast.py), Kamailio; the KMS is reached outside, at PORT. In each part messages are sent, and then the tickets end in another way:
revoked, expired, or with their module. SHARE is a folder that the host reads,
too; what it is asked for is in Ask. SEED is what the messages' words are made
from (texts.py).
"""

import ctypes
import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "e2e"))
import boxes  # pylint: disable=wrong-import-position
import cast  # pylint: disable=wrong-import-position
import memory  # pylint: disable=wrong-import-position
import pages  # pylint: disable=wrong-import-position
import pairs as p  # pylint: disable=wrong-import-position
import stage as s  # pylint: disable=wrong-import-position
import texts  # pylint: disable=wrong-import-position
from sip_terminal import Terminal  # pylint: disable=wrong-import-position

MAILBOX = os.path.join(s.BUILD, "secrets", "mailbox")
SHARE, PORT, WRITER = sys.argv[1], int(sys.argv[2]), texts.Writer(sys.argv[3])
UPLINK = "10.0.2.15/24", "10.0.2.2"     # QEMU's own network
LIBC = ctypes.CDLL(None, use_errno=True)
MADV_PAGEOUT, SYS_PROCESS_MADVISE, SYS_PIDFD_OPEN, SYS_ADD_KEY = 21, 440, 434, 248
USER_KEYRING = -4
# Of the form "authenticated", which whoever carries it can read.
OPEN_TEXT = "Was hier steht, liest jeder. ✓ " * 8
# profile, form, content, who makes the ticket
WAYS = {"256": (("immediate", "auth-enveloped", "gcm", "kms"),
                ("immediate", "auth-enveloped", "ccm", "self"),
                ("immediate", "authenticated-enveloped", None, "kms"),
                ("immediate", "authenticated", None, "kms"),
                ("annex-i", "auth-enveloped", "gcm", "kms")),
        "128": (("immediate", "auth-enveloped", "gcm", "self"),
                ("immediate", "authenticated-enveloped", None, "kms")),
        "ts-128": (("immediate", "auth-enveloped", "ccm", "kms"),)}
LAST = ("immediate", "auth-enveloped", "gcm", "kms")


class Ask:
    """Something for the host to do; its answer."""

    number = 0

    @classmethod
    def host(cls, **what):
        cls.number += 1
        path = os.path.join(SHARE, f"{cls.number:03}")
        with open(path + ".new", "w", encoding="utf-8") as f:
            json.dump(what, f)
        os.rename(path + ".new", path + ".ask")
        s.wait_for(lambda: os.path.exists(path + ".answer"), 300, f"the host ({what})")
        with open(path + ".answer", encoding="utf-8") as f:
            return json.load(f)


def dump(name, then=lambda: None):
    """Have all of the memory searched, and say what lies where something was
    found. The clock has stood still meanwhile, and is set right. then: what has
    to go on at once."""
    time.sleep(1)       # what waits for a grace period of RCU is gone then
    LIBC.sync()
    with open(os.path.join(SHARE, f"{name}.pages"), "w", encoding="utf-8") as f:
        json.dump(pages.table(), f)
    with open("/proc/kpageflags", "rb") as f, \
            open(os.path.join(SHARE, f"{name}.flags"), "wb") as out:
        shutil.copyfileobj(f, out, 1 << 20)
    found = Ask.host(do="dump", name=name)
    set_clock(found.pop())
    then()
    log = ""
    module = os.path.join(s.BUILD, "secrets", "whose", "whose.ko")
    for at in range(0, len(found), 200):
        s.run("dmesg", "-C")
        s.run("insmod", module, "at=" + ",".join(map(str, found[at:at + 200])), check=False)
        log += s.run("dmesg").stdout
    with open(os.path.join(SHARE, f"{name}.owners"), "w", encoding="utf-8") as f:
        f.write(log)


def set_clock(now):
    time.clock_settime(time.CLOCK_REALTIME, now)


def mail(name, *arguments, prefix=()):
    """A key from the host, through a mailbox; its process and serial number."""
    box = subprocess.Popen([*prefix, MAILBOX, name, *arguments], stdout=subprocess.PIPE,
                           stderr=subprocess.DEVNULL, text=True)
    Ask.host(do="mail", to=name)
    serial = int(box.stdout.readline())
    if serial < 0:
        raise s.Failure(f"no key for {name}")
    return box, serial


class Stage(s.Stage):
    """The KMS stands outside, and PSKs come from there without a trail."""

    def __init__(self):
        super().__init__(kms=False)

    def build(self):
        super().build()
        s.run("modprobe", "virtio_net")
        card = s.wait_for(lambda: [n for n in os.listdir("/sys/class/net") if n != "lo"],
                          what="the network card")[0]
        s.run("ip", "link", "set", card, "netns", "e2e-net")
        s.run("ip", "-n", "e2e-net", "addr", "add", UPLINK[0], "dev", card)
        s.run("ip", "-n", "e2e-net", "link", "set", card, "up")
        with s.namespace("e2e-net"):
            listener = socket.create_server(s.KMS)
        threading.Thread(target=self.forward, args=(listener,), daemon=True).start()

    def forward(self, listener):
        with s.namespace("e2e-net"):
            while True:
                near, _ = listener.accept()
                far = socket.create_connection((UPLINK[1], PORT))
                for a, b in ((near, far), (far, near)):
                    threading.Thread(target=self.pump, args=(a, b), daemon=True).start()

    @staticmethod
    def pump(a, b):
        try:
            while data := a.recv(65536):
                b.sendall(data)
        except OSError:
            pass
        for end in (a, b):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def terminal(self, name, start=True, user=None, ip6=False, suite="256", aliases=(), **settings):
        terminal = Terminal(self, name, user, ip6, suite, aliases)
        self.terminals[name] = terminal
        box, _ = mail(name, "logon", f"mikey:{terminal.aor}", prefix=terminal.prefix())
        box.wait()
        terminal.configure(**settings)
        terminal.start()
        return terminal


# --- where else a key could be ---------------------------------------------

def keep(name, data):
    with open(os.path.join(SHARE, "also", name), "wb") as f:
        f.write(data if isinstance(data, bytes) else data.encode())


def image(pid, name):
    """All memory of a process."""
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as mem, \
            open(os.path.join(SHARE, "also", name), "wb") as out:
        for start, end in memory.regions(pid):
            try:
                mem.seek(start)
                out.write(mem.read(end - start))
            except (OSError, ValueError, OverflowError):
                continue


def page_out(pid):
    """Push a process's memory out to swap."""
    class Vector(ctypes.Structure):
        _fields_ = [("base", ctypes.c_void_p), ("len", ctypes.c_size_t)]
    fd = LIBC.syscall(SYS_PIDFD_OPEN, pid, 0)
    for start, end in memory.regions(pid):
        if end < 1 << 63:
            LIBC.syscall(SYS_PROCESS_MADVISE, fd, ctypes.byref(Vector(start, end - start)), 1,
                         MADV_PAGEOUT, 0)
    os.close(fd)
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmSwap"))


def crash(process):
    """The core file of a process that is made to crash, or None."""
    pattern = os.path.join(SHARE, "also", "core-of-")
    with open("/proc/sys/kernel/core_pattern", "w", encoding="ascii") as f:
        f.write(pattern + "%p")
    pid = process.pid
    process.send_signal(signal.SIGSEGV)
    process.wait(30)
    return os.path.exists(f"{pattern}{pid}")


def swap_on():
    s.run("modprobe", "virtio_blk")
    disk = "/dev/vda"
    s.wait_for(lambda: os.path.exists(disk), what="the disk")
    s.run("mkswap", disk)
    s.run("swapon", disk)


def everywhere(terminals):
    """What is not in memory, or is there in another form: to files for the
    host. Figures that show that there was something to search."""
    told = {}
    alice, bob = terminals["alice"], terminals["bob"]
    for terminal in terminals.values():
        keep(f"{terminal.name}.log", terminal.mikeyd.output())
        keep(f"{terminal.name}.keys", terminal.run("cat", "/proc/keys").stdout +
             terminal.run("keyctl", "show", "@u").stdout)
    told["keys"] = sum(terminal.run("cat", "/proc/keys").stdout.count("mikey")
                       for terminal in terminals.values())
    keep("dmesg", s.run("dmesg").stdout)
    with open("/sys/kernel/tracing/trace", encoding="utf-8", errors="replace") as f:
        trace = f.read()
    keep("trace", trace)
    told["traced"] = sum("mikey" in line for line in trace.splitlines())
    main = s.run("pgrep", "-u", alice.uid, "-x", "mikeyd").stdout.split()
    for pid in main:
        image(pid, f"mikeyd-{pid}.image")
    told["images"] = len(main)
    image(os.getpid(), "client.image")
    for pid in s.run("pgrep", "-u", bob.uid, "-x", "mikeyd").stdout.split():
        told["swapped"] = told.get("swapped", 0) + page_out(int(pid))
    told["core of sleep"] = crash(subprocess.Popen(["sleep", "600"]))
    return told


class Watch:
    """Whatever of the kernel's own tools sees traffic: netlink captures, our
    tracepoints."""

    def __init__(self, terminal):
        s.run("modprobe", "nlmon")
        s.run("ip", "-n", terminal.netns, "link", "add", "nlmon0", "type", "nlmon")
        s.run("ip", "-n", terminal.netns, "link", "set", "nlmon0", "up")
        self.path = os.path.join(SHARE, "also", f"netlink-of-{terminal.name}.pcap")
        self.process = subprocess.Popen(
            ["ip", "netns", "exec", terminal.netns, "tcpdump", "-i", "nlmon0", "-U", "-s0", "-w",
             self.path], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE)
        self.process.stderr.readline()
        for system in os.listdir("/sys/kernel/tracing/events"):
            if system.startswith("mikey"):
                with open(f"/sys/kernel/tracing/events/{system}/enable", "w", encoding="ascii") as f:
                    f.write("1")

    def end(self):
        self.process.terminate()
        self.process.communicate()
        return os.path.getsize(self.path)


# --- the parts -------------------------------------------------------------

def say(told, what, value):
    told[what] = value
    with open(os.path.join(SHARE, "told.json"), "w", encoding="utf-8") as f:
        json.dump(told, f)


def control(told):
    """A key and a text in a process and in the kernel, where the search has to
    find them."""
    box, serial = mail("control", "user", "planted", "hold")
    text = WRITER.next(texts.PLANTED).encode()
    second = LIBC.syscall(SYS_ADD_KEY, b"user", b"planted text", text, len(text), USER_KEYRING)
    dump("control")
    s.run("keyctl", "unlink", second, "@u")
    box.kill()
    box.wait()
    s.run("keyctl", "unlink", serial, "@u")
    say(told, "control", True)


def send(stage, pair, way, part, name):
    profile, form, content, maker = way
    pair.sender(profile=profile, form=form, content=content, ticket=maker,
                cacheable=True if profile == "annex-i" else None)
    with stage.capture() as seen:
        pair.arrives(form, "recipient" if profile == "annex-i" else "body",
                     OPEN_TEXT if form == "authenticated" else WRITER.next(part))
    shutil.copy(seen.path, os.path.join(SHARE, "wire", f"{name}.pcap"))


def refusals(pair, part):
    """Answers of the KMS that do not verify: to REQUEST, then to RESOLVE."""
    for asks_first in (True, False):
        pair.sender()
        if not asks_first:
            # its ticket serves again
            pair.arrives("auth-enveloped", "body", WRITER.next(part))
        Ask.host(do="bend")
        answer = pair.sends(WRITER.next(part))
        if not answer or answer.status < 400:
            raise s.Failure(f"a damaged answer of the KMS was taken: {answer and answer.first}")


def traffic(stage, pairs, part, ways):
    for suite, pair in pairs.items():
        for number, way in enumerate(ways[suite]):
            send(stage, pair, way, part, f"{part}-{suite}-{number}")


def queued(stage, pair):
    """The proxy is dead, and a message waits on the disk. How many files that is."""
    pair.sender(queue=True)
    pair.arrives("auth-enveloped", "body", WRITER.next("queued"))    # a ticket to wait with
    os.killpg(stage.kamailio.pid, signal.SIGKILL)
    stage.kamailio.popen.wait()
    answer = pair.sends(WRITER.next("queued"))
    if not answer or answer.status != 202:
        raise s.Failure(f"the message does not wait: {answer and answer.first}")
    state = os.path.join(pair.left.dir, ".local", "state", "mikeyd")
    for name in os.listdir(state):
        with open(os.path.join(state, name), "rb") as f:
            keep(f"state-{name}", f.read())
    return len(os.listdir(state))


def proxy_lives(stage, pairs):
    """It has forgotten who is registered. What waited arrives."""
    stage.start_proxy()
    for pair in pairs.values():
        pair.receiver()
    pair = pairs["256"]
    pair.left.ctl("queue", "retry")
    if not pair.b.received(timeout=60):
        raise s.Failure("what waited did not arrive")


def under_way(pair):
    """A message has arrived and is not answered yet: both mikeyds hold it."""
    pair.sender()
    pair.b.answer, told = None, []
    sending = threading.Thread(target=lambda: told.append(pair.sends(WRITER.next("under way"))))
    sending.start()
    message = pair.b.received()
    if not message:
        raise s.Failure("nothing arrived")

    def answer():
        pair.b.respond(message)
        sending.join()
        pair.b.answer = "200 OK"
    dump("under way", answer)
    return told[0] and told[0].status


def revoke_tickets(stage):
    count = 0
    for terminal in stage.terminals.values():
        for ticket in terminal.tickets():
            terminal.ctl("ticket", "revoke", ticket["serial"])
            count += 1
    return count


def stop_mikeyds(stage):
    for terminal in stage.terminals.values():
        terminal.mikeyd.stop()


def play(told):
    resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY,) * 2)
    control(told)
    swap_on()
    p.load("suites=14")
    with Stage() as stage:
        pairs = {suite: p.Pair(stage, suite) for suite in p.SUITES}
        watches = [Watch(stage.terminals[n]) for n in ("alice", "bob")]
        try:
            traffic(stage, pairs, texts.WATCHED, WAYS)
            refusals(pairs["256"], texts.WATCHED)
            say(told, "netlink", [w.end() for w in watches])
            traffic(stage, pairs, "use", WAYS)
            refusals(pairs["256"], "use")
            inboxes = boxes.Boxes(stage, WRITER)
            pairs["256"].sender()
            say(told, "taken", inboxes.empty(inboxes.fill(pairs["256"].a, "taken", *cast.BOXES)))
            say(told, "list", boxes.by_list(stage, pairs["256"], WRITER))
            say(told, "queue's files", queued(stage, pairs["256"]))
            say(told, "tickets", sum(len(t.tickets()) for t in stage.terminals.values()))
            dump("use")
            proxy_lives(stage, pairs)
            pairs["256"].sender()
            waiting = inboxes.fill(pairs["256"].a, "waiting", cast.IN_MEMORY, cast.IN_FOLDER)
            say(told, "answered late", under_way(pairs["256"]))
            say(told, "waited", inboxes.empty(waiting))
            keep("inbox.db", inboxes.file())
            say(told, "everywhere", everywhere(stage.terminals))
            crashed = stage.terminals["alice"].mikeyd
            pids = s.run("pgrep", "-u", stage.terminals["alice"].uid, "-x", "mikeyd").stdout.split()
            for pid in pids:
                os.kill(int(pid), signal.SIGSEGV)
            crashed.popen.wait(30)
            say(told, "core of mikeyd", [n for n in os.listdir(os.path.join(SHARE, "also"))
                                         if n.startswith("core-of-") and n[8:] in pids])
            stage.terminals["alice"].start()
            stage.terminals["alice"].registered()
            say(told, "revoked", revoke_tickets(stage))
            dump("revoked")

            short = {suite: (LAST,) for suite in pairs}
            traffic(stage, pairs, "expired", short)
            say(told, "to expire", sum(len(t.tickets()) for t in stage.terminals.values()))
            stop_mikeyds(stage)
            set_clock(time.time() + 2 * 86400)
            dump("expired")

            for pair in pairs.values():
                pair.receiver()
            traffic(stage, pairs, "unloaded", short)
            say(told, "to unload", sum(len(t.tickets()) for t in stage.terminals.values()))
            stop_mikeyds(stage)
            for module in ("mikey_mime", "mikey_ticket"):
                s.run("rmmod", module)
            dump("unloaded")

            for terminal in stage.terminals.values():
                terminal.ctl("psk", "revoke", terminal.aor)
            dump("nothing")
        finally:
            for terminal in stage.terminals.values():
                terminal.mikeyd.stop()
                shutil.copy(terminal.mikeyd.log, os.path.join(SHARE, "also"))
    say(told, "done", True)


if __name__ == "__main__":
    for folder in ("also", "wire"):
        os.makedirs(os.path.join(SHARE, folder), exist_ok=True)
    play({})
