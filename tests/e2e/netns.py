# SPDX-License-Identifier: GPL-2.0-or-later
"""Network namespaces that ip-netns(8) made."""

import contextlib
import ctypes
import os

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000


@contextlib.contextmanager
def namespace(name):
    """Sockets made inside belong to that network namespace."""
    with open("/proc/thread-self/ns/net", "rb") as back, open(f"/run/netns/{name}", "rb") as there:
        if LIBC.setns(there.fileno(), CLONE_NEWNET):
            raise OSError(f"cannot enter {name}: {os.strerror(ctypes.get_errno())}")
        try:
            yield
        finally:
            LIBC.setns(back.fileno(), CLONE_NEWNET)
