# SPDX-License-Identifier: GPL-2.0-or-later
"""Generic netlink by its YNL specification, as far as uapi/*.yaml go: names
in, names out. Shares nothing with the product but those files."""
import os
import socket
import struct

import yaml

UAPI = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "uapi")
NETLINK_GENERIC, SOL_NETLINK, NETLINK_CAP_ACK, NETLINK_EXT_ACK = 16, 270, 10, 11
NLM_F_REQUEST, NLMSG_ERROR, GENL_ID_CTRL = 1, 2, 16
CTRL_CMD_GETFAMILY, CTRL_ATTR_FAMILY_ID, CTRL_ATTR_FAMILY_NAME = 3, 1, 2
NLMSGERR_ATTR_MSG = 1
SEGMENT = 65000     # of attributes that repeat
NUMBERS = {"u8": "=B", "u32": "=I", "s32": "=i", "u64": "=Q", "s64": "=q"}


class Refused(Exception):
    """The kernel's errno and words."""

    def __init__(self, errno, words):
        super().__init__(f"{os.strerror(errno)}: {words}")
        self.errno, self.words = errno, words


def attribute(kind, data):
    return struct.pack("=HH", 4 + len(data), kind) + data + bytes(-len(data) % 4)


def attributes(buf):
    at = 0
    while at + 4 <= len(buf):
        size, kind = struct.unpack_from("=HH", buf, at)
        yield kind & 0x3fff, buf[at + 4:at + size]
        at += (size + 3) & ~3


class Family:
    def __init__(self, name):
        with open(os.path.join(UAPI, name + ".yaml"), encoding="utf-8") as f:
            spec = yaml.safe_load(f)
        self.enums = {d["name"]: [str(e) for e in d["entries"]] for d in spec["definitions"]
                      if d["type"] == "enum"}
        self.kinds = spec["attribute-sets"][0]["attributes"]
        self.commands = [o["name"] for o in spec["operations"]["list"]]
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_GENERIC)
        self.socket.bind((0, 0))
        self.socket.settimeout(60)
        for option in (NETLINK_CAP_ACK, NETLINK_EXT_ACK):
            self.socket.setsockopt(SOL_NETLINK, option, 1)
        for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
            self.socket.setsockopt(socket.SOL_SOCKET, option, 1 << 21)
        answer = dict(self.exchange(GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 1, attribute(
            CTRL_ATTR_FAMILY_NAME, name.encode() + b"\0")))
        self.id = struct.unpack("=H", answer[CTRL_ATTR_FAMILY_ID])[0]

    def exchange(self, family, command, version, payload):
        self.socket.send(struct.pack("=IHHII", 20 + len(payload), family, NLM_F_REQUEST, 1, 0) +
                         struct.pack("=BBH", command, version, 0) + payload)
        reply = self.socket.recv(1 << 21)
        size, kind = struct.unpack_from("=IH", reply)
        if kind != NLMSG_ERROR:
            return list(attributes(reply[20:size]))
        error = struct.unpack_from("=i", reply, 16)[0]
        words = dict(attributes(reply[36:size])).get(NLMSGERR_ATTR_MSG, b"")
        raise Refused(-error, words.rstrip(b"\0").decode())

    def encode(self, name, value):
        number, kind = next((n, k) for n, k in enumerate(self.kinds, 1) if k["name"] == name)
        if kind["type"] == "flag":
            return attribute(number, b"") if value else b""
        if "enum" in kind and isinstance(value, str):
            value = 1 + self.enums[kind["enum"]].index(value)
        if kind["type"] in NUMBERS:
            return attribute(number, struct.pack(NUMBERS[kind["type"]], value))
        if not kind.get("multi-attr"):
            return attribute(number, value)
        return b"".join(attribute(number, value[i:i + SEGMENT])
                        for i in range(0, len(value), SEGMENT))

    def decode(self, found):
        out = {}
        for number, data in found:
            kind = self.kinds[number - 1]
            if kind["type"] in NUMBERS:
                data = struct.unpack(NUMBERS[kind["type"]], data)[0]
            if "enum" in kind:
                data = self.enums[kind["enum"]][data - 1]
            if kind.get("multi-attr"):
                data = out.get(kind["name"], b"") + data
            out[kind["name"]] = data
        return out

    def call(self, command, **values):
        """The reply's attributes; those that repeat are joined. An underscore
        in a name stands for a hyphen."""
        payload = b"".join(self.encode(n.replace("_", "-"), v) for n, v in values.items()
                           if v is not None)
        return self.decode(self.exchange(self.id, 1 + self.commands.index(command), 1, payload))
