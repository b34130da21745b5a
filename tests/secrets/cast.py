# SPDX-License-Identifier: GPL-2.0-or-later
"""Who is in the machine that is searched."""

import pairs
import stage as s

# Boxes without a client: how each of them has its messages (mikeyd.conf(5), "inbox").
BOXES = ("dora", "grace", "heidi")
IN_MEMORY, IN_FOLDER, TO_PROGRAM = BOXES
# A list server, and the group that it serves.
SERVER, GROUP = "tablet", "team"
# What the clients of a suite's pair speak.
TRANSPORTS = {"256": "tcp", "128": "udp", "ts-128": "tls"}


def suites():
    """name of a terminal -> its suite"""
    return {**{name: suite for suite, people in pairs.PEOPLE.items() for name in people},
            **dict.fromkeys((*BOXES, SERVER), "256")}


def uid(name):
    """Whose PSK a terminal has."""
    return f"{GROUP if name == SERVER else name}@{s.DOMAIN}"
