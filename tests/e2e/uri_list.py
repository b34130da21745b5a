# SPDX-License-Identifier: GPL-2.0-or-later
"""A MESSAGE URI-list service (RFC 5365), as small as one can be, to stand behind
the proxy: it registers like any client, reads the recipient-list of what it
gets, and sends a MESSAGE to each recipient, with all other parts copied as they
are and a recipient-list-history in the list's place. It has no key and knows
nothing of MIKEY."""

import threading
import xml.etree.ElementTree

import sip

RL = "{urn:ietf:params:xml:ns:resource-lists}"
CP = "{urn:ietf:params:xml:ns:copycontrol}"


def resource_list(*entries):
    """The document: pairs of a URI and copyControl; None leaves it out."""
    lines = "".join(f'<entry uri="{uri}"' + (f' cp:copyControl="{control}"' if control else "")
                    + "/>\r\n" for uri, control in entries)
    return ('<?xml version="1.0" encoding="UTF-8"?>\r\n'
            '<resource-lists xmlns="urn:ietf:params:xml:ns:resource-lists"\r\n'
            ' xmlns:cp="urn:ietf:params:xml:ns:copycontrol">\r\n'
            f'<list>\r\n{lines}</list>\r\n</resource-lists>')


def list_part(document, disposition="recipient-list"):
    return ("Content-Type: application/resource-lists+xml\r\n"
            f"Content-Disposition: {disposition}\r\n\r\n{document}").encode()


def multipart(parts, boundary="e2e-boundary"):
    """Content-Type and body of parts, each with its headers, as bytes."""
    body = b"".join(b"--%s\r\n%s\r\n" % (boundary.encode(), part) for part in parts)
    return f'multipart/mixed;boundary="{boundary}"', body + b"--%s--\r\n" % boundary.encode()


def split(message):
    """The parts of a multipart body, each with its headers, as bytes."""
    boundary = message.get("content-type").partition("boundary=")[2].split(";")[0].strip('" ')
    pieces = (b"\r\n" + message.body).split(b"\r\n--" + boundary.encode())
    return [piece.partition(b"\r\n")[2] for piece in pieces[1:-1]]


def is_list(part):
    return b"content-disposition: recipient-list" in part.partition(b"\r\n\r\n")[0].lower()


class Service:
    """Registered as user of the stage's domain. also: whom it sends to although
    they are not on the list; extra: parts that it adds."""

    def __init__(self, client):
        self.client, self.seen, self.answers = client, [], {}
        self.also, self.extra = (), ()
        client.answer = "202 Accepted"
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def uri(self):
        return self.client.uri

    def _serve(self):
        while not self.client.closed:
            message = self.client.received(timeout=600)
            if message:
                self.seen.append(message)
                self._expand(message)

    def _expand(self, message):
        parts = split(message)
        document = next(p for p in parts if is_list(p)).partition(b"\r\n\r\n")[2]
        entries = [(e.get("uri"), e.get(CP + "copyControl"), e.get(CP + "anonymize"))
                   for e in xml.etree.ElementTree.fromstring(document).iter(RL + "entry")]
        history = resource_list(*((uri, control) for uri, control, anonymize in entries
                                  if control in ("to", "cc") and not anonymize))
        history = list_part(history, "recipient-list-history; handling=optional")
        copied = [history if is_list(p) else p for p in parts]
        content_type, body = multipart(copied + list(self.extra), "service")
        for uri in [e[0] for e in entries] + list(self.also):
            self.answers[uri] = self._send(uri, message, content_type, body)

    def _send(self, uri, message, content_type, body):
        """RFC 5365 7.2: From is the sender's, all else is new."""
        sender = message.get("from").partition(";tag=")[0]
        lines = [f"MESSAGE {uri} SIP/2.0",
                 f"Via: SIP/2.0/TCP {self.client.local};branch=z9hG4bK{sip.token()};rport",
                 "Max-Forwards: 70", f"From: {sender};tag={sip.token()}", f"To: <{uri}>",
                 f"Call-ID: {sip.token()}", "CSeq: 1 MESSAGE", f"Content-Type: {content_type}",
                 f"Content-Length: {len(body)}", "", ""]
        answer = self.client.request("MESSAGE", uri, raw="\r\n".join(lines).encode() + body)
        return answer.status if answer else None
