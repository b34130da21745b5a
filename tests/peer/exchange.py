# SPDX-License-Identifier: GPL-2.0-or-later
"""The messages of RFC 6043's three exchanges and the ticket itself, for tests.
Each random value and time can be given, and bend() may change a message's
payloads before its MAC is made."""
import os
import struct

import keys as k
import mikey as m


def fresh(value, size):
    return os.urandom(size) if value is None else value


def fresh_csb(csb_id):
    return int.from_bytes(os.urandom(4), "big") if csb_id is None else csb_id


def same(payloads):
    return payloads


def tp_payloads(kms, initiator, start, end, responders, wanted=None, rekey=None):
    """TP Data (6.10); times are four bytes of NTP-UTC-32."""
    tp = [m.idr(m.KMS, m.URI, kms), m.idr(m.I, m.NAI, initiator),
          m.tr_payload(m.TRS, start), m.tr_payload(m.TRE, end)]
    if rekey is not None:
        tp.append(m.tr_payload(m.TRR, struct.pack(">I", rekey)))
    if wanted:
        tp.append(m.kemac(k.NULL, m.key_data([wanted])))
    return tp + [m.idr(m.APP, m.BYTES, "PSK/MIME")] + [m.idr(m.R, m.NAI, r) for r in responders]


def make_ticket(suite, profile, tpk, tpk_name, mpk, traffic, spi, tp, bits,
                rand=None, issued=None, thdr=b"KMS001", **policy):
    """TICKET from Ticket Type to the end of Ticket Data (Appendix A)."""
    rand, issued = fresh(rand, suite.key_len), m.stamp(issued)
    encr, auth, salt = k.ticket_keys(suite, tpk, rand)
    plain = m.key_data([(k.MPK, mpk, bytes(8)), (profile.traffic, traffic, spi)])
    first, data = m.chain([
        issued.payload(), (m.RAND, k.counted(rand)),
        m.kemac(suite.encr, k.aes_cm(encr, salt, 0xFFFFFFFF, issued.bits64, plain)),
        m.idr(m.PSK, m.BYTES, tpk_name), m.v_payload(suite.auth)])
    data = struct.pack(">BH", first, len(thdr)) + thdr + data
    body = m.policy_bytes(suite, bits, tp, **policy) + struct.pack(">H", len(data)) + data
    return body[:-suite.mac_len] + k.mac(suite.auth, auth, body[:-suite.mac_len])


def make_request(suite, profile, psk, psk_id, kms, initiator, responders, start, end, bits=None,
                 rekey=None, csb_id=None, rand=None, t=None, bend=same, **policy):
    csb_id, rand = fresh_csb(csb_id), fresh(rand, suite.key_len)
    tp = tp_payloads(kms, initiator, start, end, responders,
                     (profile.traffic, bytes(suite.key_len), bytes(8)), rekey)
    bits = profile.bits() if bits is None else bits
    raw = m.encode(m.REQUEST_INIT, suite.prf, csb_id, bend([
        m.stamp(t).payload(), m.randr(m.I, rand), m.idr(m.I, m.NAI, initiator),
        m.idr(m.KMS, m.URI, kms), (m.TP, m.policy_bytes(suite, bits, tp, **policy)),
        m.idr(m.PSK, m.BYTES, psk_id), m.v_payload(suite.auth)]), v=1)
    _, auth, _ = k.message_keys(suite, psk, csb_id, randr_i=rand)
    return m.finish(raw, suite.auth, auth, m.as_bytes(initiator), m.as_bytes(kms))


def make_request_resp(suite, profile, psk, request, kms, ticket, mpki, mpkr, traffic, spi,
                      t=None, bend=same):
    req, t = m.Message(request), m.stamp(t)
    encr, auth, salt = k.message_keys(suite, psk, req.csb_id, randr_i=req.randr(m.I), response=True)
    entries = [(k.MPK, mpki, bytes(8))] + ([(k.MPK, mpkr, bytes(8))] if profile.forked else [])
    sealed = k.aes_cm(encr, salt, req.csb_id, t.bits64,
                      m.key_data(entries + [(profile.traffic, traffic, spi)]))
    raw = m.encode(m.REQUEST_RESP, suite.prf, req.csb_id, bend([
        t.payload(), m.idr(m.KMS, m.URI, kms), (m.TICKET, ticket + b"\0\0"),
        m.kemac(suite.encr, sealed), m.v_payload(suite.auth)]), cs=req.cs)
    return m.finish(raw, suite.auth, auth, request)


def initiator_data(suite, mpkr, v_mac):
    """First Payload, Vi, Vr (6.10)"""
    data = bytes([m.V, m.V, suite.auth]) + v_mac + bytes([m.LAST, suite.auth])
    return data + k.mac(suite.auth, k.vr_key(suite, mpkr), data)


def make_transfer(suite, profile, ticket, mpki, mpkr, initiator, recipient, spi, proof=None,
                  csb_id=None, rand=None, t=None, cs=None, data=None, bend=same):
    """data: Initiator Data instead of the true one."""
    csb_id, rand = fresh_csb(csb_id), fresh(rand, suite.key_len)
    _, auth, _ = k.message_keys(suite, mpki, csb_id, randr_i=rand)
    ids = [m.as_bytes(initiator), m.as_bytes(recipient)]
    cs, t = m.generic_id(spi) if cs is None else cs, m.stamp(t)

    def build(inner):
        body = ticket + struct.pack(">H", len(inner)) + inner
        payloads = [t.payload(), m.randr(m.I, rand), m.idr(m.I, m.NAI, ids[0]),
                    m.idr(m.R, m.NAI, ids[1]), (m.TICKET, body)]
        if proof is not None:
            payloads.append(m.ext(m.EXT_PROOF, proof))
        return m.encode(m.TRANSFER_INIT, suite.prf, csb_id,
                        bend(payloads + [m.v_payload(suite.auth)]), cs=cs)

    # 5.5: all but Initiator Data, its length and the MAC; also of what no one can read
    bare = build(b"")
    cut = bare.index(ticket) + len(ticket)
    v_mac = k.mac(suite.auth, auth, bare[:cut], bare[cut + 2:-suite.mac_len], *ids)
    if data is None:
        data = initiator_data(suite, mpkr, v_mac) if profile.forked else b""
    return build(data)[:-suite.mac_len] + v_mac


def make_resolve(suite, psk, psk_id, kms, identity, transfer, csb_id=None, rand=None, t=None,
                 bend=same):
    csb_id, rand = fresh_csb(csb_id), fresh(rand, suite.key_len)
    raw = m.encode(m.RESOLVE_INIT, suite.prf, csb_id, bend([
        m.stamp(t).payload(), m.randr(m.R, rand), m.idr(m.R, m.NAI, identity),
        m.idr(m.KMS, m.URI, kms), (m.TICKET, m.Message(transfer).need(m.TICKET)),
        m.idr(m.PSK, m.BYTES, psk_id), m.v_payload(suite.auth)]), v=1)
    _, auth, _ = k.message_keys(suite, psk, csb_id, randr_r=rand)
    return m.finish(raw, suite.auth, auth, m.as_bytes(identity), m.as_bytes(kms))


def make_resolve_resp(suite, profile, psk, resolve, kms, identity, mpki, mpkr, traffic, spi,
                      t=None, randr_kms=None, bend=same):
    res, t, identity = m.Message(resolve), m.stamp(t), m.as_bytes(identity)
    encr, auth, salt = k.message_keys(suite, psk, res.csb_id, randr_r=res.randr(m.R), response=True)
    entries, tail = [(k.MPK, mpki, bytes(8))], []
    if profile.forked:
        randr_kms = fresh(randr_kms, suite.key_len)
        entries.append((k.MPK, k.fork(suite, mpkr, identity, randr_kms), bytes(8)))
        tail = [m.idr(m.R, m.NAI, identity), m.randr(m.KMS, randr_kms)]
    sealed = k.aes_cm(encr, salt, res.csb_id, t.bits64,
                      m.key_data(entries + [(profile.traffic, traffic, spi)]))
    raw = m.encode(m.RESOLVE_RESP, suite.prf, res.csb_id, bend([
        t.payload(), m.idr(m.KMS, m.URI, kms), m.kemac(suite.encr, sealed), *tail,
        m.v_payload(suite.auth)]), cs=res.cs)
    return m.finish(raw, suite.auth, auth, resolve)


def make_error(suite, faulty, number, key=None, t=None):
    """5.4; with V if there is a key: the auth_key of the faulty message."""
    msg = m.Message(faulty)
    payloads = [m.stamp(t).payload(), m.err(number)]
    if key is None:
        return m.encode(m.ERROR, msg.prf, msg.csb_id, payloads)
    raw = m.encode(m.ERROR, msg.prf, msg.csb_id, payloads + [m.v_payload(suite.auth)])
    return m.finish(raw, suite.auth, key)


def make_zk_resolve(suite, kms, identity, transfer, csb_id=None, rand=None, t=None):
    """From the recipient's KMS to the sender's (TS 33.328 Zk): TLS protects it,
    so that V is NULL and no PSK is named."""
    csb_id, rand = fresh_csb(csb_id), fresh(rand, suite.key_len)
    return m.encode(m.RESOLVE_INIT, suite.prf, csb_id, [
        m.stamp(t).payload(), m.randr(m.R, rand), m.idr(m.R, m.NAI, identity),
        m.idr(m.KMS, m.URI, kms), (m.TICKET, m.Message(transfer).need(m.TICKET)),
        m.v_payload(k.NULL)], v=1)


def make_zk_resolve_resp(suite, profile, resolve, kms, identity, mpki, mpkr, traffic, spi,
                         randr_kms, t=None):
    """Its answer: KEMAC and V are NULL."""
    res, entries, tail = m.Message(resolve), [(k.MPK, mpki, bytes(8))], []
    if profile.forked:
        entries.append((k.MPK, k.fork(suite, mpkr, m.as_bytes(identity), randr_kms), bytes(8)))
        tail = [m.idr(m.R, m.NAI, identity), m.randr(m.KMS, randr_kms)]
    plain = m.key_data(entries + [(profile.traffic, traffic, spi)])
    return m.encode(m.RESOLVE_RESP, suite.prf, res.csb_id, [
        m.stamp(t).payload(), m.idr(m.KMS, m.URI, kms), m.kemac(k.NULL, plain), *tail,
        m.v_payload(k.NULL)], cs=res.cs)
