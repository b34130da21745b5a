#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What a policy decides, end to end: who makes tickets and who keeps them, what
is accepted; and what does not go together refused with its answer."""

import sys
import time

import ktap
import pairs as p
import stage as s


def test_without_proof(pairs):
    """proof = false: the initiator is proved and the body is not (Annex K)"""
    pairs["256"].sender(proof=False)
    pairs["256"].arrives("auth-enveloped", "initiator")


def test_kept_resolve(pairs):
    """annex-i, J1 and E0: the second message is opened without asking the KMS"""
    pair = pairs["256"]
    pair.sender(profile="annex-i", cacheable=True)
    pair.arrives("auth-enveloped", "recipient", "first")
    before = pair.asked("ticketresolve"), pair.asked("ticketrequest")
    for text in ("second", "third"):
        pair.arrives("auth-enveloped", "recipient", text)
    ktap.equal((pair.asked("ticketresolve"), pair.asked("ticketrequest")), before,
               "exchanges with the KMS")
    kept = [t for t in pair.right.tickets() if t["role"] == "responder"]
    ktap.equal([t["initiator"] for t in kept], [pair.left.aor], "kept tickets")
    pair.right.restart()
    pair.b = pair.right.registered()
    pair.arrives("auth-enveloped", "recipient", "after a restart")
    ktap.equal(pair.asked("ticketresolve"), before[0], "resolves")
    pair.right.ctl("ticket", "invalidate", kept[0]["serial"])
    pair.arrives("auth-enveloped", "recipient", "after it was ended")
    ktap.equal(pair.asked("ticketresolve"), before[0] + 1, "resolves")


def test_not_kept(pairs):
    """annex-i without cacheable, and immediate: every message is resolved"""
    pair = pairs["256"]
    for profile, proved in (("annex-i", "recipient"), ("immediate", "body")):
        pair.sender(profile=profile)
        before = pair.asked("ticketresolve")
        for text in ("first", "second"):
            pair.arrives("auth-enveloped", proved, text)
        ktap.equal(pair.asked("ticketresolve"), before + 2, f"{profile}: resolves")


def test_minted(pairs):
    """Mode 3: no ticket request, delivered, and found again after a restart"""
    for suite in p.SUITES:
        pair = pairs[suite]
        for profile, proved in (("immediate", "body"), ("annex-i", "recipient")):
            pair.sender(profile=profile, ticket="self")
            before = pair.asked("ticketrequest")
            pair.arrives("auth-enveloped", proved)
            serials = [t["serial"] for t in pair.left.tickets()]
            pair.left.restart()
            pair.a = pair.left.registered()
            pair.arrives("auth-enveloped", proved, "again")
            ktap.equal([t["serial"] for t in pair.left.tickets()], serials, "tickets")
            ktap.equal(pair.asked("ticketrequest"), before, "ticket requests")


def test_rekeying_interval(pairs):
    """TRr: after it another ticket is asked for (RFC 6043 6.10)"""
    pair = pairs["256"]
    # TRr is a whole second: of one second a busy machine may have next to nothing
    pair.sender(rekey=5)
    pair.arrives("auth-enveloped", "body", "first")
    before = pair.asked("ticketrequest")
    time.sleep(6.1)
    pair.arrives("auth-enveloped", "body", "second")
    ktap.equal(pair.asked("ticketrequest"), before + 1, "ticket requests")
    # no ticket may end just when the next test takes it away
    time.sleep(6.1)


def test_forms_not_accepted(pairs):
    """Nothing readable is accepted where only encrypted forms are"""
    pair = pairs["256"]
    pair.receiver(accept=["auth-enveloped", "authenticated-enveloped"])
    pair.sender(form="authenticated")
    pair.refused(493)
    pair.sender(form="authenticated-enveloped")
    pair.arrives("authenticated-enveloped", "body")
    pair.receiver()


def test_profile_not_accepted(pairs):
    """annex-i is refused by who takes immediate only, without asking the KMS"""
    pair = pairs["256"]
    pair.receiver(accept_profile=None)
    pair.sender(profile="annex-i")
    before = pair.asked("ticketresolve")
    pair.refused(493)
    ktap.equal(pair.asked("ticketresolve"), before, "resolves")
    pair.receiver()


def test_suites_do_not_mix(pairs):
    """A PSK of one suite opens nothing of another"""
    one, other = pairs["256"], pairs["128"]
    for pair in (one, other):
        pair.sender()
    answer = one.a.message(other.right.uri, p.TEXT)
    ktap.status(answer, 493)
    answer = other.a.message(one.right.uri, p.TEXT)
    ktap.status(answer, 493)
    ktap.true(one.b.received(timeout=1) is None and other.b.received(timeout=1) is None, "delivered")


def test_wrong_suite_of_the_psk(pairs):
    """mikeyd with another suite than its PSK has: refused in words, never sent"""
    pair = pairs["256"]
    pair.sender(suite="128")
    answer = pair.refused(500)
    ktap.true("length of this suite" in answer.get("warning", ""), f"words: {answer.get('warning')}")
    pair.sender()


def starts_not(terminal, *words, **settings):
    terminal.configure(**settings)
    told = terminal.run(s.program("mikeyd"), "--config", terminal.config, check=False)
    ktap.equal(told.returncode, 2, f"status: {told.stderr}")
    for word in words:
        ktap.true(word in told.stderr, f"'{word}' is not in: {told.stderr}")


def test_rules_for_peers(pairs):
    """A table of rules: whom messages are sent to, and taken from, unprotected"""
    pair = pairs["256"]
    to, of = pair.right.aor, pair.left.aor
    pair.sender(rules=[{"peer": [to], "send": "pass"}, {"peer": ["?@?"], "send": "protect"}])
    for rule, code in (("mark", 200), ("refuse-415", 415), ("refuse", 488)):
        pair.receiver(rules=[{"peer": [of], "receive": rule}])
        if code != 200:
            pair.refused(code)
            continue
        ktap.status(pair.sends("in the clear"), 200)
        got = ktap.true(pair.b.received(), "nothing arrived")
        ktap.equal(got.body, b"in the clear", "body")
        ktap.equal(got.all("p-mikey-verified"), ["<>; proved=none"], "told")
    pair.sender(outgoing="pass", rules=[{"peer": [to], "send": "protect"}])
    pair.arrives("auth-enveloped", "body")
    told = pair.left.ctl("policy", "--config", pair.left.config).stdout
    ktap.true(f"rule 1           {to}; to them: protected or refused" in told, told)
    pair.sender()
    pair.receiver()


def test_settings_that_do_not_go_together(pairs):
    """annex-i with a form it does not have, and the like: no start, in words"""
    terminal = pairs["256"].left
    terminal.mikeyd.stop()
    starts_not(terminal, "annex-i", "auth-enveloped", profile="annex-i", form="authenticated")
    starts_not(terminal, "cacheable", cacheable=True)
    starts_not(terminal, "content", content="ccm", form="authenticated")
    starts_not(terminal, "rules: line", "comes first",
               rules=[{"peer": "?@?", "send": "pass"}, {"peer": "a@x", "send": "protect"}])
    pairs["256"].sender()
    pairs["256"].arrives("auth-enveloped", "body")


def test_modules_have_the_last_word(pairs):
    """What the modules do not allow no setting allows: mikeyd does not start"""
    for pair in pairs.values():
        for terminal in (pair.left, pair.right):
            terminal.mikeyd.stop()
    p.load()
    starts_not(pairs["128"].left, "does not allow suite 128")
    p.load("profiles=2")
    starts_not(pairs["256"].left, "does not allow profile annex-i", profile="annex-i")
    p.load()


if __name__ == "__main__":
    sys.exit(p.main(sys.modules[__name__]))
