# SPDX-License-Identifier: GPL-2.0-or-later
"""Bouncy Castle's CMS: all forms, both directions. A Java machine takes
seconds to start, so jobs are gathered and run() together."""
import os
import subprocess

from later import Later

HERE = os.path.dirname(os.path.abspath(__file__))
JARS = [f"/usr/share/java/{name}.jar" for name in ("bcpkix", "bcprov", "bcutil")]
NAME = "Bouncy Castle"


class Batch:
    def __init__(self, folder):
        self.folder, self.jobs = folder, []
        os.makedirs(folder)

    def path(self, number, suffix):
        return os.path.join(self.folder, f"{number}.{suffix}")

    def add(self, verb, data, kek, spi, **more):
        """data: bytes, or the outcome of an earlier job."""
        number = len(self.jobs)
        later = Later()
        if isinstance(data, Later) and data.value is None:
            source = self.path(next(n for n, (_, job) in enumerate(self.jobs) if job is data), "out")
        else:
            source = self.path(number, "in")
            with open(source, "wb") as f:
                f.write(data.get() if isinstance(data, Later) else data)
        words = {"kek": kek.hex(), "spi": spi.hex(), "in": source,
                 "out": self.path(number, "out"), **more}
        self.jobs.append((" ".join([verb, *(f"{k}={v}" for k, v in words.items())]), later))
        return later

    def seal(self, data, kek, spi, mode, **more):
        return self.add("seal", data, kek, spi, alg=mode, **more)

    def opened(self, der, kek, spi):
        return self.add("open", der, kek, spi)

    def envelop(self, data, kek, spi):
        return self.add("envelop", data, kek, spi)

    def decrypt(self, bare, kek, spi):
        return self.add("decrypt", bare, kek, spi)

    def authenticate(self, data, kek, spi, kind, **more):
        return self.add("authenticate", data, kek, spi, type=kind, **more)

    def verify(self, der, kek, spi, kind):
        return self.add("verify", der, kek, spi, type=kind)

    def run(self):
        done = subprocess.run(
            ["java", "-Xshare:auto", "-XX:TieredStopAtLevel=1", "-cp", ":".join(JARS),
             os.path.join(HERE, "BouncyCastle.java")],
            input="".join(line + "\n" for line, _ in self.jobs), text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        answers = done.stdout.splitlines()
        for number, (_, later) in enumerate(self.jobs):
            answer = answers[number] if number < len(answers) else f"no answer: {done.stderr[-500:]}"
            if answer == "ok":
                with open(self.path(number, "out"), "rb") as f:
                    later.value = f.read()
            else:
                later.error = answer
