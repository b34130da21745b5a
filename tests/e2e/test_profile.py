#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The whole profile between two clients: every form of both profiles in every
suite is delivered, says what was proved, and is on the way what it says."""

import sys

import ktap
import pairs as p
import stage as s

# profile, form, content algorithm, smime-type, what is proved (TS 33.328 F.3, I.4, K)
WAYS = (
    ("immediate", "auth-enveloped", "gcm", "auth-enveloped-data", "body"),
    ("immediate", "auth-enveloped", "ccm", "auth-enveloped-data", "body"),
    ("immediate", "authenticated", None, "authenticated-data", "body"),
    ("immediate", "authenticated-enveloped", None, "authenticated-data", "body"),
    ("annex-i", "auth-enveloped", "gcm", "auth-enveloped-data", "recipient"),
    ("annex-i", "auth-enveloped", "ccm", "auth-enveloped-data", "recipient"),
)


def wire(pair, seen):
    found = [m for _, to, m in seen.messages() if m.method == "MESSAGE" and to == s.PROXY]
    return ktap.true(found, "no MESSAGE in the capture")[-1]


def add_matrix():
    """One test for each suite and way."""
    for suite in p.SUITES:
        for way in WAYS:
            def test(stage, pairs, suite=suite, way=way):
                profile, form, content, smime_type, proved = way
                pair = pairs[suite]
                pair.sender(profile=profile, form=form, content=content)
                with stage.capture() as seen:
                    pair.arrives(form, proved)
                sent = wire(pair, seen)
                ktap.true(f"smime-type={smime_type}".encode() in sent.body, "smime-type")
                readable = p.TEXT.encode() in s.parts(sent)[1]
                ktap.equal(readable, form == "authenticated", "readable on the way")
            name = "_".join(filter(None, (suite, *way[:3]))).replace("-", "_")
            test.__doc__ = f"suite {suite}, {way[0]}, {way[1]}{' ' + way[2] if way[2] else ''}: delivered"
            globals()[f"test_{name}"] = test


add_matrix()


if __name__ == "__main__":
    sys.exit(p.main(sys.modules[__name__]))
