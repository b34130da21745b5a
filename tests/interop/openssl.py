# SPDX-License-Identifier: GPL-2.0-or-later
"""OpenSSL's command cms: AuthEnvelopedData with AES-GCM and EnvelopedData with
AES-CBC, both directions. In 3.0 it has no AES-CCM there, and it reads
AuthenticatedData (cmsout -print) but neither makes nor verifies it."""
import os
import subprocess
import sys

from later import Later

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "peer"))
import cms  # pylint: disable=wrong-import-position

NAME = "OpenSSL"


def run(what, data, kek, spi, *more):
    done = subprocess.run(
        ["openssl", "cms", what, "-binary", "-secretkey", kek.hex(), "-secretkeyid", spi.hex(),
         *more], input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    if done.returncode:
        return Later(error=" ".join(done.stderr.decode().split()))
    return Later(done.stdout)


def encrypt(data, kek, spi, mode, *more):
    return run("-encrypt", data, kek, spi, f"-aes-{8 * len(kek)}-{mode}", "-outform", "DER", *more)


def seal(data, kek, spi, mode):
    return encrypt(data, kek, spi, mode)


def opened(der, kek, spi):
    return run("-decrypt", der, kek, spi, "-inform", "DER")


def envelop(data, kek, spi):
    """EnvelopedData without the ContentInfo around it."""
    made = encrypt(data, kek, spi, "cbc")
    if made.value is not None:
        made.value = cms.items(cms.read(made.value)[1])[1][1]
    return made


def decrypt(bare, kek, spi):
    return opened(cms.info(cms.ENVELOPED, bare), kek, spi)


def limits(made):
    """(name, outcome, words): what it does not do, as docs/testing.md says."""
    protected = cms.authenticated(made.keks["auth"], made.spi, b"text")
    return (("OpenSSL does not make AES-CCM in CMS",
             encrypt(b"text", made.keks["tek"], made.spi, "ccm"), "unsupported cipher"),
            ("OpenSSL does not open AES-CCM in CMS",
             opened(cms.auth_enveloped(made.keks["tek"], made.spi, b"text", "ccm"),
                    made.keks["tek"], made.spi), "unsupported cipher"),
            ("OpenSSL does not verify AuthenticatedData",
             opened(protected, made.keks["auth"], made.spi), "content type not enveloped data"))
