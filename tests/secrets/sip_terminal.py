# SPDX-License-Identifier: GPL-2.0-or-later
"""A terminal whose client speaks what cast.py says."""

import os
import shutil
import ssl

import cast
import sip
import stage as s

TLS_PORT = 5061


class Terminal(s.Terminal):
    @property
    def over_tls(self):
        return cast.TRANSPORTS[self.suite] == "tls"

    def configure(self, **settings):
        if self.over_tls:
            settings = {"listen": [f"tcp:{s.at(self.loopback, 5062)}",
                                   f"tls:{s.at(self.loopback, TLS_PORT)}"],
                        "certificate": self.certified(".pem"),
                        "private_key": self.certified("-key.pem"), **settings}
        super().configure(**settings)

    def certified(self, what):
        """A file of its certificate for its client, by an authority of its own."""
        path = os.path.join(self.dir, f"{self.name}{what}")
        if not os.path.exists(path):
            # the clock will be set ahead
            self.stage.certify(f"{self.name}-ca", days=30)
            self.stage.certify(self.name, f"{self.name}-ca",
                               f"subjectAltName=IP:{self.loopback}", days=30)
            for name in (f"{self.name}.pem", f"{self.name}-key.pem"):
                shutil.copy(os.path.join(self.stage.dir, name), self.dir)
                os.chown(os.path.join(self.dir, name), self.uid, self.uid)
        return path

    def registered(self, transport=None):
        return super().registered(transport or cast.TRANSPORTS[self.suite])

    def client(self, transport="tcp", **more):
        if transport != "tls":
            return super().client(transport, **more)
        context = ssl.create_default_context(
            cafile=os.path.join(self.stage.dir, f"{self.name}-ca.pem"))
        context.check_hostname = False
        client = sip.Client(self.uri, (self.loopback, TLS_PORT), "tls", local=self.loopback,
                            inside=lambda: s.namespace(self.netns), tls=context, **more)
        self.clients.append(client)
        return client
