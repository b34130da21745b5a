# SPDX-License-Identifier: GPL-2.0-or-later
"""SIP messages out of a capture of tcpdump: what went through the proxy."""

import os
import socket
import struct
import subprocess
import time

import sip
from netns import namespace

# To where nobody listens; what goes there is no part of a capture.
MARK = 9


def packets(path):
    """(protocol, source, target, sequence number, payload) of each packet."""
    return (packet for packet in everything(path) if packet[2][1] != MARK)


def everything(path):
    """packets() and marks."""
    with open(path, "rb") as f:
        data = f.read()
    if len(data) < 24:
        return
    order = "<" if data[:4] == b"\xd4\xc3\xb2\xa1" else ">"
    at = 24
    while at + 16 <= len(data):
        length = struct.unpack(order + "I", data[at + 8:at + 12])[0]
        frame = data[at + 16:at + 16 + length]
        at += 16 + length
        if len(frame) < 34 or frame[12:14] != b"\x08\x00":
            continue
        ip = frame[14:14 + struct.unpack("!H", frame[16:18])[0]]
        head = (ip[0] & 15) * 4
        source, target = socket.inet_ntoa(ip[12:16]), socket.inet_ntoa(ip[16:20])
        segment = ip[head:]
        if ip[9] == 17 and len(segment) >= 8:
            ports = struct.unpack("!HH", segment[:4])
            yield "UDP", (source, ports[0]), (target, ports[1]), 0, segment[8:]
        elif ip[9] == 6 and len(segment) >= 20:
            ports = struct.unpack("!HH", segment[:4])
            sequence = struct.unpack("!I", segment[4:8])[0]
            yield "TCP", (source, ports[0]), (target, ports[1]), sequence, segment[(segment[12] >> 4) * 4:]


def messages(path):
    """(source, target, sip.Message) of each whole message."""
    streams, found = {}, []
    for protocol, source, target, sequence, payload in packets(path):
        if not payload.strip():
            continue
        if protocol == "UDP":
            found.append((source, target, sip.Message(payload)))
            continue
        expected, buffer = streams.get((source, target), (None, b""))
        if expected is not None and (sequence - expected) & 0xffffffff >= 1 << 31:
            continue        # sent again
        raw, buffer = sip.cut(buffer + payload)
        while raw:
            found.append((source, target, sip.Message(raw)))
            raw, buffer = sip.cut(buffer)
        streams[source, target] = ((sequence + len(payload)) & 0xffffffff, buffer)
    return found


class Capture:
    """tcpdump in a network namespace while in the with statement."""

    def __init__(self, prefix, path, interface, match):
        """prefix: ip netns exec and a name."""
        self.path, self.netns = path, prefix[-1]
        self.mark = ("127.0.0.1" if interface == "lo" else "10.66.0.255", MARK)
        self.command = [*prefix, "tcpdump", "-i", interface, "-U", "-s0", "-B", "32768",
                        "--immediate-mode", "-w", path, f"({match}) or udp dst port {MARK}"]

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.process.stderr.readline()      # "listening on"
        return self

    def __exit__(self, *_):
        self.catch_up()
        self.process.terminate()
        self.process.communicate()

    def catch_up(self):
        """tcpdump writes packets in their order: with a mark of now in the file, all of
        before are there, however little time it had."""
        end = time.monotonic() + 60
        while self.process.poll() is None and time.monotonic() < end:
            with namespace(self.netns), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
                s.sendto(b"", self.mark)
            time.sleep(0.05)
            if os.path.exists(self.path) and any(p[2][1] == MARK for p in everything(self.path)):
                return
        raise OSError(f"no mark in {self.path}")

    def messages(self):
        return messages(self.path)
