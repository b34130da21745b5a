# SPDX-License-Identifier: GPL-2.0-or-later
"""Dialogs between two clients of sip.py: each request and response is the test's
own, so that a test sees what the other side got of it, header by header. The
way through proxies is what they recorded (RFC 3261 12)."""

import queue
import re
import time

import ktap
import sip


def target_of(message):
    """The URI in Contact."""
    return re.search(r"<([^>]*)>", message.get("contact")).group(1)


def reply(client, request, line, headers=(), body=b""):
    """A response to a request, with the way as it was recorded."""
    to = request.get("to")
    lines = [f"SIP/2.0 {line}", *(f"Via: {v}" for v in request.all("via")),
             *(f"Record-Route: {v}" for v in request.all("record-route")),
             *(f"{h}: {request.get(h)}" for h in ("From", "Call-ID", "CSeq")),
             f"To: {to}" if ";tag=" in to else f"To: {to};tag={client.tag}",
             f"Contact: <sip:contact@{client.local};transport={client.transport.lower()}>",
             *headers, f"Content-Length: {len(body)}", "", ""]
    client._send("\r\n".join(lines).encode() + body)    # pylint: disable=protected-access


class Sent:
    """A request under way, and the responses to it."""

    def __init__(self, client, raw):
        self.client, self.request, self.responses = client, sip.Message(raw), queue.Queue()
        with client.lock:
            client.pending[self.request.get("call-id"), self.request.get("cseq")] = self.responses
        client._send(raw)       # pylint: disable=protected-access

    def expect(self, code, timeout=20):
        """The first response with that code; none that is final may come before, and
        what comes twice comes over UDP."""
        end = time.monotonic() + timeout
        while (left := end - time.monotonic()) > 0:
            try:
                response = self.responses.get(timeout=left)
            except queue.Empty:
                break
            if response.status == code:
                return response
            ktap.true(response.status < 200, f"{code} expected: {response.first} "
                                             f"{response.all('warning')}")
        raise AssertionError(f"no {code} to {self.request.first}")


class Dialog:
    """One side of a dialog, or of one that is about to be."""

    def __init__(self, client, remote, request=None):
        """With request: the side that got it; remote is an address of record, or none."""
        self.client, self.cseq = client, 0
        client.answer = None
        if request:
            self.call_id, self.routes = request.get("call-id"), request.all("record-route")
            self.local = f"{request.get('to')};tag={client.tag}"
            self.remote, self.target = request.get("from"), target_of(request)
        else:
            self.call_id, self.routes, self.target = sip.token(), [], remote
            self.local, self.remote = f"<{client.uri}>;tag={client.tag}", f"<{remote}>"

    def establish(self, response):
        """What a response says of the way and of the other side."""
        self.remote = response.get("to")
        self.routes = response.all("record-route")[::-1]
        self.target = target_of(response)

    def build(self, method, headers=(), body=b"", cseq=None, branch=None):
        if cseq is None:
            self.cseq += 1
        lines = [f"{method} {self.target} SIP/2.0",
                 f"Via: SIP/2.0/{self.client.transport} {self.client.local};"
                 f"branch={branch or 'z9hG4bK' + sip.token()};rport",
                 "Max-Forwards: 70", *(f"Route: {r}" for r in self.routes),
                 f"From: {self.local}", f"To: {self.remote}", f"Call-ID: {self.call_id}",
                 f"CSeq: {self.cseq if cseq is None else cseq} {method}",
                 f"Contact: <sip:contact@{self.client.local};"
                 f"transport={self.client.transport.lower()}>",
                 *headers, f"Content-Length: {len(body)}", "", ""]
        return "\r\n".join(lines).encode() + body

    def send(self, method, headers=(), body=b"", **more):
        return Sent(self.client, self.build(method, headers, body, **more))

    def got(self, method, timeout=20):
        """The next request of that method in this dialog, each once."""
        end = time.monotonic() + timeout
        while (left := end - time.monotonic()) > 0:
            request = self.client.received(method, left)
            if request is None:
                break
            if request.get("call-id") == self.call_id:
                return request
        raise AssertionError(f"no {method} arrived")
