# SPDX-License-Identifier: GPL-2.0-or-later
"""The tables of what is exchanged with OpenSSL and Bouncy Castle."""
import errno

import openssl

SESSIONS = (("immediate", "256"), ("immediate", "128"), ("immediate", "ts-128"),
            ("annex-i", "256"), ("annex-i", "128"), ("annex-i", "ts-128"))

HEAD = b"Content-Type: text/plain; charset=utf-8\r\n\r\n"
SHORT = HEAD + "naïve café ✓".encode()
ENTITIES = (SHORT, HEAD + bytes(n * 31 & 255 for n in range(100000)))

DATA, ENVELOPED = "1.2.840.113549.1.7.1", "1.2.840.113549.1.7.3"
OPENSSL, BC = openssl.NAME, "Bouncy Castle"


def flip(der):
    """Another last bit: of the MAC or ICV, in all forms."""
    return der[:-1] + bytes([der[-1] ^ 1])


class Form:
    def __init__(self, label, form, alg, profiles):
        self.label, self.form, self.alg, self.profiles = label, form, alg, profiles

    def belongs(self, profile):
        return profile in self.profiles


class Case:
    """One object by one program, or by two where something is enveloped.

    words: of the kernel's refusal; wrong: instead of this KEK another one is
    used; bend: done to the object; more: for the maker"""

    def __init__(self, name, kind, outer=BC, inner=BC, words="", error=errno.EBADMSG, wrong="",
                 bend=bytes, entities=None, **more):
        self.label, self.form, self.alg, self.profiles = (kind.label, kind.form, kind.alg,
                                                          kind.profiles)
        self.outer, self.inner, self.more, self.wrong = outer, inner, more, wrong
        self.words, self.errno, self.bend = words, error, bend
        self.entities = entities or (ENTITIES[:1] if words else ENTITIES)
        both = outer if self.form != "authenticated-enveloped" or inner == outer else \
            f"{outer} over {inner}"
        self.opener = both
        self.name = name or f"{kind.label} of {both}"

    def belongs(self, profile):
        return profile in self.profiles

    def make(self, batch, keks, spi, entity):
        if self.wrong:
            keks = {**keks, self.wrong: bytes(len(keks[self.wrong]))}
        outer, inner = (openssl if who == OPENSSL else batch for who in (self.outer, self.inner))
        if self.form == "auth-enveloped":
            return outer.seal(entity, keks["tek"], spi, self.alg[4:], **self.more)
        if self.form == "authenticated":
            return outer.authenticate(entity, keks["auth"], spi, DATA, **self.more)
        if self.form == "enveloped":
            return openssl.encrypt(entity, keks["encr"], spi, "cbc")
        return outer.authenticate(inner.envelop(entity, keks["encr"], spi), keks["auth"], spi,
                                  ENVELOPED, **self.more)

    def open(self, batch, keks, spi, der):
        """A function that gives the content once the batch has run."""
        outer, inner = (openssl if who == OPENSSL else batch for who in (self.outer, self.inner))
        if self.form == "auth-enveloped":
            return outer.opened(der, keks["tek"], spi).get
        if self.form == "authenticated":
            return outer.verify(der, keks["auth"], spi, DATA).get
        verified = outer.verify(der, keks["auth"], spi, ENVELOPED)
        if inner is batch:
            return batch.decrypt(verified, keks["encr"], spi).get
        return lambda: openssl.decrypt(verified.get(), keks["encr"], spi).get()


BOTH = ("immediate", "annex-i")
GCM = Form("AES-GCM", "auth-enveloped", "aes-gcm", BOTH)
CCM = Form("AES-CCM", "auth-enveloped", "aes-ccm", BOTH)
MAC = Form("AuthenticatedData", "authenticated", None, ("immediate",))
CBC = Form("AuthenticatedData over AES-CBC", "authenticated-enveloped", "aes-cbc", ("immediate",))
ALONE = Form("EnvelopedData", "enveloped", "aes-cbc", ("immediate",))

# What the kernel makes. The first is the form that no profile lacks.
FORMS = (GCM, CCM, MAC, CBC)

# Who makes and opens each.
OBJECTS = (
    Case("", GCM, OPENSSL),
    Case("", GCM, BC),
    Case("", CCM, BC),
    Case("", MAC, BC),
    Case("", CBC, BC, BC),
    Case("", CBC, BC, OPENSSL),
)

# Choices of a sender that only others make.
VARIANTS = (
    Case("AES-GCM with an ICV of 12 bytes", GCM, nonce=12, icv=12),
    Case("AES-GCM with an ICV of 13 bytes", GCM, nonce=12, icv=13),
    Case("AES-CCM with a nonce of 7 bytes, an ICV of 16", CCM, nonce=7, icv=16),
    Case("AES-CCM with a nonce of 13 bytes, an ICV of 14", CCM, nonce=13, icv=14,
         entities=(SHORT,)),    # two bytes are left to say its length
)

# What the kernel must not open (docs/protocol.md, CMS).
REFUSED = (
    Case("AES-GCM in BER, as Bouncy Castle writes it", GCM, words="indefinite", ber=1),
    Case("AuthenticatedData in BER, as Bouncy Castle writes it", MAC, words="indefinite", ber=1),
    Case("AuthenticatedData without attributes", MAC, words="digest", attrs="none"),
    Case("EnvelopedData alone", ALONE, words="without AuthenticatedData",
         error=errno.EPROTONOSUPPORT),
    Case("AES-GCM of OpenSSL with another bit", GCM, OPENSSL, words="verify", bend=flip),
    Case("AES-GCM of Bouncy Castle with another bit", GCM, words="verify", bend=flip),
    Case("AES-CCM with another bit", CCM, words="verify", bend=flip),
    Case("AuthenticatedData with another bit", MAC, words="verify", bend=flip),
    Case("AuthenticatedData over AES-CBC with another bit", CBC, words="verify", bend=flip),
    Case("AES-GCM under another key", GCM, OPENSSL, words="verify", wrong="tek"),
    Case("AES-CCM under another key", CCM, words="verify", wrong="tek"),
    Case("AuthenticatedData under another key", MAC, words="verify", wrong="auth"),
    Case("AES-CBC of OpenSSL under another key, well authenticated", CBC, BC, OPENSSL,
         words="verify", wrong="encr"),
)
