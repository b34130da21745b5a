# SPDX-License-Identifier: GPL-2.0-or-later
"""baresip, an ordinary SIP client, driven as its user would: commands through
its control connection, and what it shows through its console."""

import json
import os
import socket
import threading

import stage as s

CONFIG = """poll_method epoll
sip_listen 127.0.0.1:5070
module_path /usr/lib/baresip/modules
module cons.so
module ctrl_tcp.so
module_app account.so
module_app contact.so
module_app menu.so
cons_listen 127.0.0.1:5555
ctrl_tcp_listen 127.0.0.1:4444
"""


class Softphone:
    """baresip of one terminal's user, registered through mikeyd."""

    def __init__(self, terminal, contact, transport="tcp", config="", account="",
                 port=5062):
        """config and account: more of either, as baresip writes it."""
        self.terminal, self.screen, self.heard = terminal, [], b""
        folder = os.path.join(terminal.dir, "baresip")
        os.makedirs(folder, exist_ok=True)
        files = {
            "config": CONFIG + config,
            "accounts": f"<{terminal.uri}>;outbound=\"sip:127.0.0.1:{port};transport={transport}\""
                        f";regint=3600;auth_pass=none{account}\n",
            "contacts": f"\"{contact}\" <sip:{contact}@{s.DOMAIN}>\n",
        }
        for name, text in files.items():
            with open(os.path.join(folder, name), "w", encoding="utf-8") as f:
                f.write(text)
        for path in (folder, *(os.path.join(folder, n) for n in files)):
            os.chown(path, terminal.uid, terminal.uid)
        self.process = s.Process(f"baresip of {terminal.name}",
                                 [*terminal.prefix(), "baresip", "-f", folder],
                                 os.path.join(terminal.dir, "baresip.log"), cwd=terminal.dir)
        terminal.stage.processes.append(self.process)
        s.wait_for(lambda: "200 OK" in self.process.output(), 60,
                   f"{terminal.name}'s baresip to register:\n{self.process.output()}")
        with s.namespace(terminal.netns):
            self.control = s.wait_for(lambda: self.connect(4444), 60, "baresip's control")
            self.console = s.wait_for(lambda: self.connect(5555), 60, "baresip's console")
        threading.Thread(target=self.watch, daemon=True).start()

    @staticmethod
    def connect(port):
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=20)
        except OSError:
            return None

    def watch(self):
        self.console.settimeout(None)
        rest = b""
        while data := self.console.recv(65536):
            lines = (rest + data).replace(b"\r", b"").split(b"\n")
            rest = lines.pop()
            self.screen += [line.decode("utf-8", "replace") for line in lines if line.strip()]

    def command(self, name, parameters=""):
        """A command of baresip's menu, as typed with a slash before it."""
        text = json.dumps({"command": name, "params": parameters, "token": "t"},
                          ensure_ascii=False).encode()
        self.control.sendall(b"%d:%s," % (len(text), text))
        while '"response":true' not in (said := self.hears()):
            pass        # an event, which may come at any time
        return said

    def hears(self):
        """The next thing that baresip says at its control connection, a netstring."""
        while True:
            length, colon, rest = self.heard.partition(b":")
            if colon and len(rest) > int(length):
                self.heard = rest[int(length) + 1:]
                return rest[:int(length)].decode("utf-8", "replace")
            data = self.control.recv(65536)
            if not data:
                raise s.Failure(f"baresip ended:\n{self.process.output()}")
            self.heard += data

    def message(self, text):
        """Send text to the contact."""
        answer = self.command("message", text)
        if '"ok":true' not in answer:
            raise s.Failure(f"baresip did not take the message: {answer}")

    def shows(self, text, seconds=120):
        """Wait for a line with text on the screen; the line."""
        return s.wait_for(lambda: next((line for line in self.screen if text in line), None),
                          seconds, f"{text!r} on {self.terminal.name}'s screen: {self.screen}")
