#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""sealed_guest.py SHARE seal | use | stranger: what tests/secrets/sealed has
done in its machine. SHARE is the disk that stays: sealed keys and the KMS's
store, and no PSK."""

import os
import shutil
import subprocess
import sys
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "e2e"))
import ktap  # pylint: disable=wrong-import-position
import memory  # pylint: disable=wrong-import-position
import stage as s  # pylint: disable=wrong-import-position

SHARE, PART = sys.argv[1], sys.argv[2]
PARENT = "0x81000001"
TPM = "/dev/tpmrm0"
TEXT = "Versiegelt ✓"


def sealed(name):
    return os.path.join(SHARE, f"{name}.sealed")


def make_parent():
    """The storage key that everything is sealed under, as a TPM's owner does it."""
    s.wait_for(lambda: os.path.exists(TPM), what="the TPM")
    os.environ["TPM2TOOLS_TCTI"] = f"device:{TPM}"
    context = os.path.join("/run", "srk.ctx")
    s.run("tpm2_createprimary", "-Q", "-C", "o", "-g", "sha256", "-G", "ecc", "-c", context)
    s.run("tpm2_evictcontrol", "-Q", "-C", "o", "-c", context, PARENT)


def seal_in_tpm(psk, path):
    """A TPM's sealed object: the key, and a byte that says "not to be migrated"."""
    public, private = "/run/public", "/run/private"
    s.run("tpm2_create", "-Q", "-C", PARENT, "-i", "-", "-u", public, "-r", private,
          text=False, stdin=None, input=psk + b"\0")
    with open(path, "wb") as out:
        for part in (private, public):
            with open(part, "rb") as f:
                out.write(f.read())


class Stage(s.Stage):
    """Terminals whose PSKs are loaded otherwise; the KMS's store is in SHARE."""

    def prepare_kms(self):
        super().prepare_kms()
        for name in ("kms.store", "kms.key"):
            if os.path.exists(os.path.join(SHARE, name)):
                shutil.copy(os.path.join(SHARE, name), self.dir)

    def user(self, name):
        terminal = s.Terminal(self, name)
        self.terminals[name] = terminal
        return terminal


def keyctl(terminal, operation, serial):
    """Of the user who has the key: it has to be in reach of the session."""
    return terminal.run("sh", "-c", f"keyctl link @u @s && keyctl {operation} {serial}").stdout


def is_sealed(terminal, serial, psk, rights=True):
    """keyctl reads it, and what it reads is not the PSK; nothing without rights."""
    if not rights:
        done = terminal.run("sh", "-c", f"keyctl link @u @s && keyctl print {serial}", check=False)
        ktap.true(done.returncode and not done.stdout, f"keyctl prints it: {done.stdout}")
        return
    text = keyctl(terminal, "print", serial)
    ktap.true(len(text) > 64, "nothing to read")
    ktap.true(psk.hex() not in text.lower() and psk.hex() not in text.encode().hex(),
              "keyctl prints the PSK")
    keyctl(terminal, "unlink", f"{serial} @u")


# --- seal ------------------------------------------------------------------

def test_seal_with_the_tpm(stage):
    """a PSK of the KMS's becomes a sealed object of the TPM"""
    alice = stage.user("alice")
    alice.enrol()
    seal_in_tpm(bytes.fromhex(alice.psk_hex), sealed("alice"))


def test_seal_with_a_master(stage):
    """mikeyctl psk seal encrypts one with a master key that the TPM holds"""
    bob = stage.user("bob")
    bob.enrol()
    bob.run("keyctl", "add", "trusted", "mikey:master", f"new 32 keyhandle={PARENT}", "@u")
    master = bob.run("keyctl", "search", "@u", "trusted", "mikey:master").stdout.strip()
    with open(sealed("master"), "w", encoding="ascii") as f:
        f.write(keyctl(bob, "pipe", master))
    path = os.path.join(bob.dir, "sealed")
    bob.ctl("psk", "seal", "--master", "trusted:mikey:master", "--from", os.path.join(bob.dir, "psk"),
            "--to", path)
    shutil.copy(path, sealed("bob"))
    os.chmod(sealed("bob"), 0o644)      # for its user, who is not its owner there
    with open(path, encoding="ascii") as f:
        text = f.read()
    ktap.true(text.startswith("default trusted:mikey:master 32 "), f"sealed: {text}")
    ktap.true(bob.psk_hex not in text, "it is not sealed")
    ktap.equal(bob.ctl("psk", "list").stdout.count("encrypted"), 0, "keys that stayed")
    again = bob.ctl("psk", "seal", "--master", "trusted:mikey:master", "--from",
                    os.path.join(bob.dir, "psk"), "--to", path, check=False)
    ktap.true(again.returncode == 1 and "File exists" in again.stderr, f"again: {again.stderr}")
    none = bob.ctl("psk", "seal", "--master", "trusted:nobody", "--from",
                   os.path.join(bob.dir, "psk"), "--to", path + "2", check=False)
    ktap.true(none.returncode == 1 and "in no keyring here" in none.stderr, f"none: {none.stderr}")
    stage.kms.stop()        # or a part of the store would be in its write-ahead log
    for name in ("kms.store", "kms.key"):
        shutil.copy(os.path.join(stage.dir, name), SHARE)
    # What the next boot is to look for. A test may know; the product does not.
    for terminal in (stage.terminals["alice"], bob):
        with open(os.path.join(SHARE, f"{terminal.name}.psk"), "w", encoding="ascii") as f:
            f.write(terminal.psk_hex)


# --- use -------------------------------------------------------------------

def psk_of(name):
    with open(os.path.join(SHARE, f"{name}.psk"), encoding="ascii") as f:
        return bytes.fromhex(f.read())


def unseal(terminal, name, *more, check=True):
    return terminal.ctl("psk", "unseal", "--from", sealed(name), *more, check=check)


def test_unseal(stage):
    """the kernel opens both, and keyctl reads them sealed at most"""
    alice, bob = stage.user("alice"), stage.user("bob")
    done = unseal(alice, "alice", "--desc", "sealed", "--parent", PARENT)
    is_sealed(alice, int(done.stdout), psk_of("alice"))
    done = unseal(alice, "alice", "--id", alice.aor, "--parent", PARENT)
    is_sealed(alice, int(done.stdout), psk_of("alice"), rights=False)
    ktap.true(f"trusted:mikey:{alice.aor} is in the kernel" in done.stderr, done.stderr)
    early = unseal(bob, "bob", "--id", bob.aor, check=False)
    ktap.true(early.returncode == 1 and "master key is in no keyring" in early.stderr, early.stderr)
    unseal(bob, "master", "--desc", "mikey:master")
    done = unseal(bob, "bob", "--desc", "sealed")
    is_sealed(bob, int(done.stdout), psk_of("bob"))
    done = unseal(bob, "bob", "--id", bob.aor)
    is_sealed(bob, int(done.stdout), psk_of("bob"), rights=False)
    for terminal, kind in ((alice, "trusted"), (bob, "encrypted")):
        ktap.true(kind in terminal.ctl("psk", "list").stdout, f"psk list has no {kind} key")


def test_messages(stage):
    """messages go both ways with them"""
    alice, bob = stage.terminals["alice"], stage.terminals["bob"]
    # that kernel does not tell whose socket a client has
    alice.configure(psk=f"trusted:mikey:{alice.aor}", client_users=["*"])
    bob.configure(psk=f"encrypted:mikey:{bob.aor}", client_users=["*"])
    clients = []
    for terminal in (alice, bob):
        terminal.start()
        clients.append(terminal.registered())
    for sender, receiver, to in ((*clients, bob), (*clients[::-1], alice)):
        ktap.status(sender.message(to.uri, TEXT), 200)
        got = ktap.true(receiver.received(), "nothing arrived")
        ktap.equal(got.body.decode(), TEXT, "body")


def test_processes(stage):
    """no process has them, in any shape"""
    needles = memory.shapes({name: psk_of(name) for name in ("alice", "bob")})
    for terminal in stage.terminals.values():
        for pid in s.run("pgrep", "-u", terminal.uid).stdout.split():
            found, total = memory.search(int(pid), needles)
            ktap.true(total, f"nothing of {pid} could be searched")
            ktap.equal(found, set(), f"found in {pid}")


def test_damaged(stage):
    """a damaged file is refused, and the key that is there stays"""
    for name in ("alice", "bob"):
        terminal = stage.terminals[name]
        with open(sealed(name), "rb") as f:
            data = bytearray(f.read())
        at = 20 if name == "alice" else len(data) - 10
        data[at] ^= 1
        path = os.path.join(terminal.dir, "damaged")
        with open(path, "wb") as f:
            f.write(data)
        os.chmod(path, 0o644)
        done = terminal.ctl("psk", "unseal", "--desc", "mikey:damaged", "--from", path,
                            *(("--parent", PARENT) if name == "alice" else ()), check=False)
        ktap.equal(done.returncode, 1, "status")
        ktap.true("does not open it" in done.stderr or "damaged" in done.stderr or
                  "cannot read it" in done.stderr, done.stderr)
        ktap.true("mikey:damaged" not in terminal.ctl("psk", "list", "--all").stdout, "it is there")


def test_revoked(stage):
    """psk revoke wipes one of them, and requests are refused then"""
    alice, bob = stage.terminals["alice"], stage.terminals["bob"]
    alice.ctl("psk", "revoke", f"trusted:mikey:{alice.aor}")
    for ticket in alice.tickets():
        alice.ctl("ticket", "invalidate", ticket["serial"])
    answer = alice.clients[-1].message(bob.uri, TEXT)
    ktap.true(answer and answer.status >= 400, f"answer: {answer and answer.first}")


# --- stranger --------------------------------------------------------------

def test_another_tpm(stage):
    """another TPM with a parent of its own opens nothing"""
    alice, bob = stage.user("alice"), stage.user("bob")
    done = unseal(alice, "alice", "--id", alice.aor, "--parent", PARENT, check=False)
    ktap.true(done.returncode == 1 and "does not open it" in done.stderr, done.stderr)
    done = unseal(bob, "master", "--desc", "mikey:master", check=False)
    ktap.true(done.returncode == 1 and "does not open it" in done.stderr, done.stderr)


PARTS = {"seal": (test_seal_with_the_tpm, test_seal_with_a_master),
         "use": (test_unseal, test_messages, test_processes, test_damaged, test_revoked),
         "stranger": (test_another_tpm,)}


def main():
    failed = 0
    if PART in ("seal", "stranger"):
        make_parent()
    with Stage(kms=PART != "stranger", proxy=PART == "use") as stage:
        for number, test in enumerate(PARTS[PART], 1):
            verdict = "ok"
            try:
                test(stage)
            except Exception as e:  # pylint: disable=broad-except
                failed, verdict = 1, "not ok"
                for line in f"{type(e).__name__}: {e}\n{traceback.format_exc()}".splitlines():
                    print("# " + line)
                for line in subprocess.run(["dmesg"], stdout=subprocess.PIPE, text=True,
                                           check=False).stdout.splitlines()[-8:]:
                    print("# " + line)
            print(f"{verdict} {number} - {test.__doc__}", flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main())
