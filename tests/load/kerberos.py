# SPDX-License-Identifier: GPL-2.0-or-later
"""MIT Kerberos' KDC with any number of principals, to compare with."""
import contextlib
import os
import shutil
import subprocess
import time

import parts
from parts import run

REALM = "EXAMPLE.TEST"
TEMPLATE = "user-0000000"
GENERATOR = os.path.join(parts.BUILD, "tests", "load-krb5")
NEEDED = ("krb5kdc", "kdb5_util", "kadmin.local")


def missing():
    """What is not installed."""
    return [n for n in NEEDED if not shutil.which(n)] + \
        [n for n in (GENERATOR,) if not os.path.exists(n)]


class Kdc:
    """A realm whose principals all have the key of one: the dump of that one is
    written again under each name, which a KDC cannot tell from keys of their own."""

    def __init__(self, where, principals):
        self.dir, self.principals = where, principals
        self.port = parts.free_ports(1)[0]
        self.env = dict(os.environ, KRB5_CONFIG=self.path("krb5.conf"),
                        KRB5_KDC_PROFILE=self.path("kdc.conf"))
        self.configure()
        run("kdb5_util", "create", "-s", "-r", REALM, "-P", "load", env=self.env)
        for query in (f"addprinc -randkey {TEMPLATE}",
                      f"ktadd -k {self.path('keytab')} -norandkey {TEMPLATE}"):
            run("kadmin.local", "-r", REALM, "-q", query, env=self.env)
        self.multiply()

    def path(self, name):
        return os.path.join(self.dir, name)

    def configure(self):
        with open(self.path("krb5.conf"), "w", encoding="ascii") as f:
            f.write(f"[libdefaults]\ndefault_realm = {REALM}\ndns_lookup_kdc = false\n"
                    "dns_canonicalize_hostname = false\nrdns = false\n"
                    f"[realms]\n{REALM} = {{\nkdc = 127.0.0.1:{self.port}\n}}\n")
        with open(self.path("kdc.conf"), "w", encoding="ascii") as f:
            f.write(f"[kdcdefaults]\nkdc_listen = 127.0.0.1:{self.port}\nkdc_tcp_listen = \"\"\n"
                    f"[realms]\n{REALM} = {{\ndatabase_name = {self.path('principal')}\n"
                    f"key_stash_file = {self.path('stash')}\nacl_file = {self.path('acl')}\n}}\n"
                    f"[logging]\nkdc = FILE:{self.path('log')}\n")

    def multiply(self):
        dump = self.path("dump")
        run("kdb5_util", "-r", REALM, "dump", dump, env=self.env)
        with open(dump, encoding="ascii") as f:
            lines = f.read().splitlines()
        line = next(n for n in lines if f"\t{TEMPLATE}@" in n)
        with open(dump, "w", encoding="ascii") as f:
            f.writelines(n + "\n" for n in lines if n != line)
            f.writelines(line.replace(TEMPLATE, f"user-{n:07}") + "\n"
                         for n in range(self.principals))
        run("kdb5_util", "-r", REALM, "load", dump, env=self.env)
        os.unlink(dump)

    @contextlib.contextmanager
    def serving(self, processes):
        words = ["krb5kdc", "-n", "-r", REALM, "-P", self.path("pid")]
        words += ["-w", str(processes)] if processes > 1 else []
        with open(self.path("out"), "wb") as out:
            kdc = subprocess.Popen(words, env=self.env, stdout=out, stderr=out)
        try:
            for _ in range(200):
                if kdc.poll() is not None:
                    break
                with contextlib.suppress(parts.Failed):
                    run("kinit", "-k", "-t", self.path("keytab"), "-c", self.path("cache"), TEMPLATE,
                        env=self.env)
                    break
                time.sleep(0.05)
            else:
                raise parts.Failed("krb5kdc does not answer")
            if kdc.poll() is not None:
                with open(self.path("out"), encoding="utf-8", errors="replace") as f:
                    raise parts.Failed(f"krb5kdc: {f.read().strip()}")
            yield [kdc]
        finally:
            parts.stop(kdc)

    def generate(self, connections, seconds):
        words = [GENERATOR, self.port, self.principals, connections, seconds, self.path("keytab")]
        done = subprocess.run([str(w) for w in words], env=self.env, stdout=subprocess.PIPE,
                              text=True, check=False)
        if not done.stdout.startswith("{"):
            raise parts.Failed(f"load-krb5 ended with status {done.returncode}")
        return parts.json.loads(done.stdout), done.returncode
