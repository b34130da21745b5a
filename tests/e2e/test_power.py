#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The power is cut under a KMS that works: from one moment on nothing more comes
to its disk (device mapper's flakey), and what had not come yet is lost. When it
is back, every ticket that a client got is resolved, no request is answered a
second time, the audit trail has a line for each and is in order.

MIKEY_POWER_CUTS=N: so many cuts for each store, one after the other. Without it,
one and SQLite alone: PostgreSQL takes minutes in a machine without KVM."""

import contextlib
import json
import os
import random
import subprocess
import sys
import tempfile
import time

import ktap

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "load"))
import parts   # pylint: disable=wrong-import-position
from parts import run

CUTS = int(os.environ.get("MIKEY_POWER_CUTS", "0"))
KEPT_BYTES = 100000     # of tickets, some forty, before the cut
USERS = 20


def dmsetup(*words):
    """Without udev, which the machine has not, it makes the device's file itself."""
    return run("dmsetup", *words, env=dict(os.environ, DM_DISABLE_UDEV="1"))


class Disk:
    """A file system on a disk of its own, whose power can be cut."""

    def __init__(self, name, megabytes):
        self.name, self.device = name, f"/dev/mapper/{name}"
        fd, self.image = tempfile.mkstemp(prefix="mikey-disk.")
        os.ftruncate(fd, megabytes << 20)
        os.close(fd)
        self.dir = tempfile.mkdtemp(prefix="mikey-mount.")
        for module in ("loop", "dm-mod", "dm-flakey", "ext4"):
            subprocess.run(["modprobe", module], check=False, capture_output=True)
        self.loop = run("losetup", "--find", "--show", self.image).strip()
        self.sectors = (megabytes << 20) // 512
        dmsetup("create", name, "--table", self.table("3600 0"))
        run("mkfs.ext4", "-q", self.device)
        self.mount()

    def table(self, how):
        """flakey: seconds up, seconds down, what is amiss then."""
        return f"0 {self.sectors} flakey {self.loop} 0 {how}"

    def mount(self):
        run("mount", self.device, self.dir)
        os.chmod(self.dir, 0o755)

    def cut(self):
        """Writes under way and all later ones fail, so that nobody is told that
        something is on the disk which is not."""
        dmsetup("suspend", "--noflush", "--nolockfs", self.name)
        dmsetup("load", self.name, "--table", self.table("0 3600 1 error_writes"))
        dmsetup("resume", self.name)

    def back(self):
        """Nothing of it may be in use. What was only in memory is gone."""
        run("umount", self.dir)
        dmsetup("remove", "--retry", self.name)
        dmsetup("create", self.name, "--table", self.table("3600 0"))
        self.mount()

    def remove(self):
        subprocess.run(["umount", "-l", self.dir], check=False, capture_output=True)
        with contextlib.suppress(parts.Failed):
            dmsetup("remove", "--retry", self.name)
        subprocess.run(["losetup", "-d", self.loop], check=False, capture_output=True)
        os.unlink(self.image)
        os.rmdir(self.dir)


@contextlib.contextmanager
def disk(name, megabytes):
    if subprocess.run(["modprobe", "dm-flakey"], check=False, capture_output=True).returncode:
        raise ktap.Skip("this kernel has no dm-flakey")
    made = Disk(name, megabytes)
    try:
        yield made
    finally:
        made.remove()


def granted(store):
    """Tickets that the audit trail says were granted; it has to be in order."""
    store.ctl("audit", "verify")
    lines = json.loads(store.ctl("audit", "show", "--json", "--event", "request"))
    return sum(line["result"] == "granted" for line in lines)


def cut_once(place, store, pgsql, where):
    with store.serving(2) as (servers, ports):
        load = parts.Load(where, ports, USERS)
        try:
            load.wait_for_more(KEPT_BYTES)
            time.sleep(random.random() / 2)
            place.cut()
            time.sleep(0.2)     # whoever waits for an answer gets one that says no
        finally:
            load.stop()
        for server in servers:
            server.kill()
            server.wait()
    if pgsql:
        pgsql.kill()
    place.back()
    if pgsql:
        pgsql.start()
    with store.serving(2) as (_, ports):
        told, _ = load.check(ports[0])
    print(f"# {told}, in the trail: {granted(store)}")
    ktap.true(told["tickets"] > 30, "too little was granted before the cut")
    ktap.equal((told["resolved"], told["refused again"]), (told["tickets"], told["tickets"]),
               f"{told}")
    ktap.true(granted(store) >= told["tickets"], f"{told}, but {granted(store)} in the trail")


def cut_often(place, pgsql):
    store_dir = os.path.join(place.dir, "kms")
    os.mkdir(store_dir)
    store = parts.Store(store_dir, USERS, "audit-sync = true;", pgsql and pgsql.schema())
    store.fill()
    run("sync")
    for _ in range(CUTS or 1):
        with parts.folder() as where:
            cut_once(place, store, pgsql, where)


def test_sqlite():
    """SQLite and the audit trail lose their disk under load, and come back whole"""
    with disk("mikey-sqlite", 128) as place:
        cut_often(place, None)


def test_pgsql():
    """PostgreSQL and the audit trail lose their disk under load, and come back whole"""
    if not CUTS:
        raise ktap.Skip("only with MIKEY_POWER_CUTS")
    with disk("mikey-pgsql", 512) as place:
        pgsql = parts.Pgsql(place.dir, "shared_buffers = 32MB")
        try:
            cut_often(place, pgsql)
        finally:
            pgsql.kill()


if __name__ == "__main__":
    sys.exit(ktap.main(sys.modules[__name__]))
