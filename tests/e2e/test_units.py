#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What the operator's guide says, done: install, systemd as the first process
of a container in this machine, users, modules, KMS and two terminals as units
with all their restrictions, and a message between them."""

import os
import pwd
import re
import signal
import socket
import sys

import ktap
import sip
import stage as s

CONFIG = "/etc/mikey-mime"
MODULE_TREE = f"/lib/modules/{os.uname().release}"
KMS_CONFIG = """identity = "http://kms.example.test";
listen = "127.0.0.1:8480";
store = "/var/lib/mikey-kms/store";
store-key = "/etc/mikey-mime/mikey-kms.key";
"""
MIKEYD_CONFIG = """identity = "{name}@example.test";
listen = ["udp:{inside}:5062", "tcp:{inside}:5062"];
listen-outside = ["udp:{outside}:5060", "tcp:{outside}:5060"];
next-hop = "sip:{next}:5060;transport=tcp";
client = "sip:{inside}:5070";
kms = "http://127.0.0.1:8480";
kms-id = "http://kms.example.test";
psk = "logon:mikey:{name}";
psk-id = "{name}@example.test";
"""
TERMINALS = {"alice": {"inside": "127.0.0.11", "outside": "127.0.1.11", "next": "127.0.1.12"},
             "bob": {"inside": "127.0.0.12", "outside": "127.0.1.12", "next": "127.0.1.11"}}
# A container is what systemd takes it for. Of what Debian starts, it starts the
# journal, the loading of modules, and sysctl, the first with credentials, which
# so makes their folder. The rest is slow here and not looked at.
BOOT = """mount --make-rshared / && mount -t tmpfs run /run &&
mount -t cgroup2 cgroup /sys/fs/cgroup &&
cd /lib/systemd/system && for d in ../system-generators *.target.wants; do
	mount -t tmpfs none $d || exit
done
ln -s ../systemd-journald.service ../systemd-modules-load.service ../systemd-sysctl.service \\
	sysinit.target.wants &&
ln -s ../systemd-journald.socket sockets.target.wants &&
rm -rf /etc/systemd/system/*.wants && : > /etc/machine-id &&
exec env -i container=test PATH=$PATH /lib/systemd/systemd --unit=basic.target --show-status=no"""


class Machine:
    """systemd in a container, and the terminals' SIP clients."""

    def __init__(self):
        self.boot = self.init = None
        self.clients = {}

    def start(self):
        self.boot = s.Process("systemd", ["unshare", "--fork", "--pid", "--mount", "--uts",
                                          "--cgroup", "--mount-proc", "--kill-child",
                                          "sh", "-c", BOOT], "/run/systemd-test.log")

        def child():
            with open(f"/proc/{self.boot.pid}/task/{self.boot.pid}/children", encoding="ascii") as f:
                return f.read().split()
        self.init = s.wait_for(child, 120, "systemd")[0]
        s.wait_for(lambda: self.ctl("is-active", "basic.target", check=False).stdout == "active\n",
                   400, "systemd to boot")

    def stop(self):
        for client in self.clients.values():
            client.close()
        if self.boot:
            self.boot.stop(signal.SIGKILL)
        # The suites that follow want theirs.
        s.run("umount", MODULE_TREE, check=False)
        s.run("bash", os.path.join(s.TOP, "tests", "vm", "load"), "--replace", s.MODULES,
              check=False)

    def inside(self, *command, **more):
        return s.run("nsenter", "-t", self.init, "-m", "-p", "-u", "-C", *command, **more)

    def ctl(self, *words, **more):
        return self.inside("systemctl", *words, **more)

    def state(self):
        """What there is to say after a failure."""
        if not self.init:
            return ""
        return (self.boot.output() + self.ctl("list-jobs", check=False).stdout +
                self.inside("journalctl", "--no-pager", "-n", 15, check=False).stdout)

    def show(self, unit, what):
        return self.ctl("show", "-P", what, unit).stdout.strip()

    def begin(self, unit):
        """Start a unit; it must stay active."""
        done = self.ctl("start", unit, check=False)
        if done.returncode or self.show(unit, "ActiveState") != "active":
            raise AssertionError(f"{unit}: {done.stderr}{self.told(unit)}")

    def told(self, unit):
        return self.inside("journalctl", "--no-pager", "-n", 20, "-u", unit, check=False).stdout

    def listens(self, name):
        """Wait until that terminal's mikeyd serves."""
        def connects():
            with socket.socket() as probe:
                return not probe.connect_ex((TERMINALS[name]["inside"], 5062))
        s.wait_for(connects, 120, f"mikeyd@{name}:\n{self.told(f'mikeyd@{name}')}")

    def client(self, name):
        if name not in self.clients:
            inside = TERMINALS[name]["inside"]
            self.clients[name] = sip.Client(f"sip:{name}@example.test", (inside, 5062), "udp",
                                            local=inside, port=5070)
        return self.clients[name]

    def message(self, text):
        a, b = self.client("alice"), self.client("bob")
        ktap.status(a.message("sip:bob@example.test", text), 200)
        got = ktap.true(b.received(), "nothing arrived")
        ktap.equal(got.body, text.encode(), "body")
        ktap.true("<alice@example.test>; proved=body" in got.get("p-mikey-verified", ""), "the sender")


def write(path, text):
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)


# Of the machine's modules those that matter, in memory, since depmod reads all
# there are; then what make check-build installed into a folder, and what the
# operator's guide has one do then.
INSTALL = """set -e -o pipefail
mkdir -p /run/modules
cd $TREE
cp -a --parents kernel/crypto kernel/lib/crypto kernel/arch/x86/crypto \
	kernel/net/ipv4/*_diag.ko modules.order modules.builtin* /run/modules
cd /
mount --bind /run/modules $TREE
tar -C $STAGE -c . | tar -C / -x --keep-directory-symlink
depmod
systemd-sysusers
systemd-tmpfiles --create /etc/tmpfiles.d/mikey.conf
"""


def test_install():
    """What make install and modules_install put down, and the guide's commands after it"""
    for module in ("mikey_mime", "mikey_ticket"):
        s.run("rmmod", module, check=False)
    s.run("env", f"TREE={MODULE_TREE}", f"STAGE={s.BUILD}/stage", "bash", "-c", INSTALL)
    owner = pwd.getpwnam("mikey-kms")
    ktap.equal(os.stat("/var/lib/mikey-kms").st_uid, owner.pw_uid, "owner of the store's folder")
    for name in TERMINALS:
        s.run("useradd", "--create-home", "--shell", "/bin/sh", name)


def test_units_verify():
    """systemd finds nothing to say about the units"""
    units = ["mikey-kms.service", "mikeyd@alice.service", "mikey-psk@alice.service"]
    done = s.run("systemd-analyze", "verify", "--man=no", *units, check=False)
    told = [line for line in done.stderr.splitlines() if "mikey" in line]
    ktap.equal((done.returncode, told), (0, []), "systemd-analyze verify")


def test_boot_loads_modules(machine):
    """modules-load.d has both modules loaded at boot"""
    ktap.true(not os.path.isdir("/sys/module/mikey_mime"), "loaded before")
    machine.start()
    ktap.true(os.path.isdir("/sys/module/mikey_mime"), machine.told("systemd-modules-load"))


def test_kms_unit(machine):
    """mikey-kms.service serves, as its own user"""
    write(f"{CONFIG}/mikey-kms.conf", KMS_CONFIG)
    machine.inside("mikey-kms", "check-config")
    machine.inside("mikey-kms", "init")
    machine.inside("systemd-tmpfiles", "--create", "/etc/tmpfiles.d/mikey.conf")
    machine.begin("mikey-kms")
    ktap.equal(machine.show("mikey-kms", "User"), "mikey-kms", "user")


def test_psk_from_a_credential(machine):
    """mikey-psk@.service puts a PSK into its user's keyring, from a credential"""
    for name in TERMINALS:
        machine.inside("mikey-kms", "user", "add", "--uid", f"{name}@example.test",
                       "--psk-out", f"/root/{name}.psk")
        machine.inside("systemd-creds", "encrypt", "--with-key=host", "--name=psk",
                       f"/root/{name}.psk", f"{CONFIG}/{name}.psk")
        machine.inside("shred", "-u", f"/root/{name}.psk")
        done = machine.ctl("start", f"mikey-psk@{name}", check=False)
        ktap.equal(done.returncode, 0, done.stderr + machine.told(f"mikey-psk@{name}"))
        shown = machine.inside("setpriv", f"--reuid={name}", f"--regid={name}", "--clear-groups",
                               "keyctl", "show", "@u").stdout
        ktap.true(f"logon: mikey:{name}" in shown, shown)


def test_mikeyd_units(machine):
    """mikeyd@.service serves for two users, and a message goes from one to the other"""
    for name, addresses in TERMINALS.items():
        write(f"{CONFIG}/mikeyd-{name}.conf", MIKEYD_CONFIG.format(name=name, **addresses))
        machine.begin(f"mikeyd@{name}")
        machine.listens(name)
        with open(f"/proc/{outer(machine, name)}/status", encoding="ascii") as f:
            status = f.read()
        uid = pwd.getpwnam(name).pw_uid
        ktap.true(re.search(rf"^Uid:\t{uid}\t{uid}\t", status, re.M), f"not {name}'s: {status}")
        ktap.true(re.search(r"^CapBnd:\t0+$", status, re.M), "capabilities")
        ktap.true(re.search(r"^Seccomp:\t2$", status, re.M), "no system call filter")
    machine.message("from unit to unit")


def outer(machine, name):
    """The number that mikeyd@NAME's process has out here."""
    number = machine.show(f"mikeyd@{name}", "MainPID")
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{entry}/status", encoding="utf-8") as f:
                if re.search(rf"^NSpid:\t{entry}\t{number}$", f.read(), re.M):
                    return entry
        except OSError:
            continue
    raise AssertionError(f"mikeyd@{name} has no process")


def test_killed_unit_comes_back(machine):
    """systemd starts a killed mikeyd again, and it goes on"""
    old = machine.show("mikeyd@bob", "MainPID")
    machine.ctl("kill", "--signal=KILL", "mikeyd@bob")
    s.wait_for(lambda: machine.show("mikeyd@bob", "MainPID") not in ("0", old), 30, "another mikeyd")
    machine.listens("bob")
    machine.message("after the restart")


def test_hopeless_unit_stays_down(machine):
    """A mikeyd that another start would not help is not started again"""
    machine.ctl("stop", "mikeyd@bob")
    path = f"{CONFIG}/mikeyd-bob.conf"
    with open(path, encoding="utf-8") as f:
        good = f.read()
    write(path, good.replace("logon:mikey:bob", "logon:mikey:nobody"))
    machine.ctl("start", "mikeyd@bob", check=False)
    s.wait_for(lambda: machine.show("mikeyd@bob", "ActiveState") == "failed", 30, "it to fail")
    ktap.equal(machine.show("mikeyd@bob", "ExecMainStatus"), "2", "status")
    ktap.equal(machine.show("mikeyd@bob", "NRestarts"), "0", "restarts")
    ktap.true("mikey:nobody" in machine.told("mikeyd@bob"), "the journal does not say why")
    write(path, good)
    machine.ctl("reset-failed", "mikeyd@bob")
    machine.begin("mikeyd@bob")
    machine.listens("bob")
    machine.message("all is well again")


# What else the operator's guide has an operator, and then a user, do.
OPERATOR = """set -e
mikey-kms check-config --serve
mikey-kms group add --psi team@example.test --member alice@example.test
mikey-kms policy
mikey-kms tpk rotate
mikey-kms user rekey bob@example.test --psk-id bob-2 --psk-out /home/alice/second.psk --drop-old
mikey-kms user del bob@example.test
chown alice /home/alice/second.psk
exec setpriv --reuid=alice --regid=alice --clear-groups env HOME=/home/alice keyctl session - sh -c "$USER_PART"
"""
USER = """set -e
cd
mikeyctl psk load --id second --from second.psk && shred -u second.psk
keyctl show @u
mikeyctl psk revoke second
mikeyd --check --config /etc/mikey-mime/mikeyd-alice.conf
mikeyctl policy --config /etc/mikey-mime/mikeyd-alice.conf
mikeyctl stats
mikeyctl ticket list
"""


def test_commands_of_the_guide(machine):
    """The guide's other commands do what they are there for"""
    done = machine.inside("env", f"USER_PART={USER}", "sh", "-c", OPERATOR, check=False)
    ktap.equal(done.returncode, 0, done.stderr)
    ktap.true("logon: mikey:second" in done.stdout, done.stdout)
    ktap.true("  memory_bytes " in done.stdout, "mikeyd's counters are missing: " + done.stdout)
    ktap.true(re.search(r"initiator .*bob@example.test", done.stdout), done.stdout)


def main():
    if not os.path.exists("/run/vm/setup"):
        print("TAP version 13\n1..1\nok 1 # SKIP this machine is not thrown away afterwards")
        return 0
    machine = Machine()
    try:
        return ktap.main(sys.modules[__name__], machine.state, machine=machine)
    finally:
        machine.stop()


if __name__ == "__main__":
    sys.exit(main())
