# SPDX-License-Identifier: GPL-2.0-or-later
"""An ordinary SIP client for tests, as small as one can be: REGISTER, MESSAGE
and OPTIONS over UDP or TCP, bodies of any length and content, and answers as
the test wants them. It knows nothing of MIKEY."""

import os
import queue
import select
import socket
import threading
import time

COMPACT = {"v": "via", "f": "from", "t": "to", "i": "call-id", "m": "contact",
           "l": "content-length", "c": "content-type", "e": "content-encoding"}


class Message:
    """A SIP message: first line, headers in order, body."""

    def __init__(self, raw):
        head, _, self.body = raw.partition(b"\r\n\r\n")
        lines = head.decode("utf-8", "replace").replace("\r\n ", " ").replace("\r\n\t", " ").split("\r\n")
        self.raw, self.first, self.headers = raw, lines[0], []
        for line in lines[1:]:
            name, _, value = line.partition(":")
            name = name.strip().lower()
            self.headers.append((COMPACT.get(name, name), value.strip()))

    def all(self, name):
        return [value for key, value in self.headers if key == name.lower()]

    def get(self, name, default=None):
        return next(iter(self.all(name)), default)

    @property
    def status(self):
        return int(self.first.split(" ", 2)[1]) if self.first.startswith("SIP/") else None

    @property
    def method(self):
        return None if self.first.startswith("SIP/") else self.first.split(" ", 1)[0]


def cut(buffer):
    """The first whole message of a stream and the rest, or None and all."""
    buffer = buffer.lstrip(b"\r\n")
    head, mark, body = buffer.partition(b"\r\n\r\n")
    if not mark:
        return None, buffer
    length = int(Message(head + mark).get("content-length", "0"))
    if len(body) < length:
        return None, buffer
    return head + mark + body[:length], body[length:]


def token():
    return os.urandom(8).hex()


def response(request, line, tag, headers=()):
    """The response to a request."""
    to = request.get("to", "")
    lines = [f"SIP/2.0 {line}", *(f"Via: {v}" for v in request.all("via")),
             *(f"{h}: {request.get(h)}" for h in ("From", "Call-ID", "CSeq")),
             f"To: {to}" if ";tag=" in to else f"To: {to};tag={tag}",
             *headers, "Content-Length: 0", "", ""]
    return "\r\n".join(lines).encode()


class Trap:
    """What looks like a proxy and keeps every MESSAGE for itself: says 200 to
    all that comes over TCP."""

    def __init__(self, address, inside):
        self.caught = queue.Queue()
        with inside():
            self.socket = socket.create_server(address)
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()

    def _accept(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        buffer = b""
        with connection:
            while data := connection.recv(1 << 20):
                raw, buffer = cut(buffer + data)
                while raw:
                    message = Message(raw)
                    if message.method:
                        connection.sendall(response(message, "200 OK", "trap"))
                    if message.method == "MESSAGE":
                        self.caught.put(message)
                    raw, buffer = cut(buffer)


class TlsSocket:
    """TLS for two threads, of which one receives and one sends."""

    def __init__(self, plain, context):
        self.tls, self.lock = context.wrap_socket(plain), threading.Lock()
        self.fileno, self.getsockname = self.tls.fileno, self.tls.getsockname
        self.close, self.shutdown = self.tls.close, self.tls.shutdown

    def recv(self, size):
        while self.fileno() >= 0:
            with self.lock:
                try:
                    if self.tls.pending() or select.select([self.tls], [], [], 0)[0]:
                        return self.tls.recv(size)
                except ValueError:
                    break
            time.sleep(0.02)
        raise OSError("closed")

    def sendall(self, data):
        with self.lock:
            self.tls.sendall(data)


class Client:
    """One client with one socket to its proxy. Incoming MESSAGEs go to
    self.inbox after they were answered with self.answer, or with nothing if that
    is None."""

    def __init__(self, uri, proxy, transport, local="127.0.0.1", port=0, inside=None,
                 tls=None):
        self.uri, self.transport, self.answer = uri, transport.upper(), "200 OK"
        self.inbox, self.pending, self.lock = queue.Queue(), {}, threading.Lock()
        self.taking, self.answered = threading.Lock(), {}
        self.closed, self.tried = False, False
        with inside() if inside else open(os.devnull, "rb"):
            kind = socket.SOCK_DGRAM if self.transport == "UDP" else socket.SOCK_STREAM
            self.socket = socket.socket(socket.AF_INET6 if ":" in local else socket.AF_INET, kind)
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
            self.socket.bind((local, port))
            self.socket.connect(proxy)
            if tls:
                self.socket = TlsSocket(self.socket, tls)
        host, port = self.socket.getsockname()[:2]
        self.local = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        self.tag = token()
        self.reader = threading.Thread(target=self._receive, daemon=True)
        self.reader.start()

    def leave(self):
        """Take the registration back, if the proxy is still there, and who leads to it."""
        if not self.closed and self.tried and self.reader.is_alive():
            self.register(expires=0, timeout=5)
        self.close()

    def close(self):
        self.closed = True
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.socket.close()

    def _receive(self):
        buffer = b""
        while not self.closed:
            try:
                data = self.socket.recv(1 << 20)
            except OSError:
                if self.transport == "UDP" and not self.closed:
                    continue
                return
            if not data:
                return      # closed; there is no SIP in an empty datagram
            if self.transport == "UDP":
                self._take(data)
                continue
            buffer += data
            raw, buffer = cut(buffer)
            while raw:
                self._take(raw)
                raw, buffer = cut(buffer)

    def _take(self, raw):
        message = Message(raw)
        if message.status:
            with self.lock:
                waiting = self.pending.get((message.get("call-id"), message.get("cseq")))
            if waiting:
                waiting.put(message)
            return
        more = ("X-Client: seen",) if message.method == "OPTIONS" else ()
        with self.taking:
            if self._is_repeat(message):
                return
            # whoever sent it may look for it as soon as there is an answer
            self.inbox.put(message)
            if self.answer:
                self._send(response(message, self.answer, self.tag, more))

    def _is_repeat(self, request):
        """What comes again over UDP since its answer was late, or lost, has the answer that
        it had, and is not shown (RFC 3261 17.2.2)."""
        if self.transport != "UDP":
            return False
        transaction = self._transaction(request, request.method)
        if transaction not in self.answered:
            self.answered[transaction] = None
            return False
        if self.answered[transaction]:
            self._send(self.answered[transaction])
        return True

    @staticmethod
    def _transaction(message, method):
        return message.get("via", "").partition("branch=")[2].partition(";")[0], method

    def respond(self, request, line="200 OK"):
        """Answer a request that was left without one."""
        self._send(response(request, line, self.tag))

    def _send(self, raw):
        if self.transport == "UDP" and raw.startswith(b"SIP/"):
            said = Message(raw)
            self.answered[self._transaction(said, said.get("cseq", "").rpartition(" ")[2])] = raw
        try:
            self.socket.sendall(raw)
        except OSError:
            pass        # the other side is gone: no answer will tell

    def build(self, method, target, headers=(), body=b"", call_id=None, cseq=1, to=None):
        call_id = call_id or token()
        lines = [f"{method} {target} SIP/2.0",
                 f"Via: SIP/2.0/{self.transport} {self.local};branch=z9hG4bK{token()};rport",
                 "Max-Forwards: 70", f"From: <{self.uri}>;tag={self.tag}",
                 f"To: <{to or (self.uri if method == 'REGISTER' else target)}>",
                 f"Call-ID: {call_id}",
                 f"CSeq: {cseq} {method}", *headers, f"Content-Length: {len(body)}", "", ""]
        return "\r\n".join(lines).encode() + body

    def request(self, method, target, headers=(), body=b"", timeout=70, raw=None, to=None):
        """Send a request, return the final response, or None in silence."""
        raw = raw or self.build(method, target, headers, body, to=to)
        sent = Message(raw)
        key, waiting = (sent.get("call-id"), sent.get("cseq")), queue.Queue()
        with self.lock:
            self.pending[key] = waiting
        end, wait = time.monotonic() + timeout, 0.5
        self._send(raw)
        while (left := end - time.monotonic()) > 0:
            try:
                response = waiting.get(timeout=min(left, wait) if self.transport == "UDP" else left)
            except queue.Empty:
                if self.transport == "UDP":
                    self._send(raw)
                    wait = min(2 * wait, 4)
                continue
            if response.status >= 200:
                return response
            wait = 4
        return None

    def register(self, domain="example.test", expires=3600, timeout=60, aor=None):
        """Register under the client's own URI, or under another one."""
        self.tried = True
        user = self.uri.partition(":")[2].partition("@")[0]
        contact = f"<sip:{user}@{self.local};transport={self.transport.lower()}>"
        return self.request("REGISTER", f"sip:{domain}",
                            (f"Contact: {contact}", f"Expires: {expires}", "Supported: path"),
                            timeout=timeout, to=aor)

    def message(self, target, body, content_type="text/plain;charset=utf-8", headers=(), timeout=70):
        if isinstance(body, str):
            body = body.encode()
        return self.request("MESSAGE", target, (f"Content-Type: {content_type}", *headers), body,
                            timeout)

    def drain(self):
        """Forget what came. All to which there is a final answer have come."""
        while not self.inbox.empty():
            self.inbox.get()

    def received(self, method="MESSAGE", timeout=60):
        """The next request of that method, or None. It has its answer."""
        end = time.monotonic() + timeout
        while (left := end - time.monotonic()) > 0:
            try:
                message = self.inbox.get(timeout=left)
            except queue.Empty:
                return None
            if message.method == method:
                with self.taking:
                    return message
        return None
