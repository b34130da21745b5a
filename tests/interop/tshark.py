# SPDX-License-Identifier: GPL-2.0-or-later
"""tshark's view of packets that we put together: field name -> values."""
import struct
import subprocess

MIKEY_PORT, SIP_PORT = 2269, 5060
OPTIONS = ("mime_multipart.remove_base64_encoding:TRUE", "ber.decode_unexpected:TRUE")
COMPLAINTS = ("_ws.malformed", "_ws.expert.message")


def packet(payload, port):
    """IPv4 and UDP around a payload, without checksums of UDP."""
    udp = struct.pack("!HHHH", 40000, port, 8 + len(payload), 0) + payload
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0,
                       bytes((10, 66, 0, 1)), bytes((10, 66, 0, 2)))
    total = sum(struct.unpack("!10H", head))
    total = (total & 0xffff) + (total >> 16)
    return head[:10] + struct.pack("!H", ~(total + (total >> 16)) & 0xffff) + head[12:] + udp


def capture(path, payloads):
    """[(payload, port)] as a capture file of raw IP packets."""
    with open(path, "wb") as f:
        f.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 262144, 101))
        for second, (payload, port) in enumerate(payloads):
            data = packet(payload, port)
            f.write(struct.pack("<IIII", second, 0, len(data), len(data)) + data)


def dissect(path, fields):
    """One dictionary for each packet; fields that it does not have are absent."""
    fields = (*fields, *COMPLAINTS)
    command = ["tshark", "-n", "-r", path, "-T", "fields", "-E", "separator=/t",
               "-E", "aggregator=|", "-E", "occurrence=a"]
    for option in OPTIONS:
        command += ["-o", option]
    for field in fields:
        command += ["-e", field]
    out = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True,
                         text=True).stdout
    return [{name: value.split("|") for name, value in zip(fields, line.split("\t")) if value}
            for line in out.splitlines()]
