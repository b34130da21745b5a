# SPDX-License-Identifier: GPL-2.0-or-later
"""Messages that mikeyd itself takes: for inboxes, and as a list server."""

import os

import cast
import stage as s
import test_inbox

GROUP = f"{cast.GROUP}@{s.DOMAIN}"


class Boxes:
    """Inboxes of those who have no client."""

    def __init__(self, stage, writer):
        self.stage, self.writer = stage, writer
        self.boxes = {name: stage.terminal(name) for name in cast.BOXES}
        folder = self.boxes[cast.IN_FOLDER].dir
        settings = {cast.IN_MEMORY: {}, cast.IN_FOLDER: {"directory": f"{folder}/messages"},
                    cast.TO_PROGRAM: {"program": ["/usr/bin/sha256sum"]}}
        for name, box in self.boxes.items():
            test_inbox.settings(box, **settings[name])

    def fill(self, client, group, *names):
        """A message for each; the texts."""
        sent = {name: self.writer.next(group) for name in names}
        for name, text in sent.items():
            box = self.boxes[name]
            test_inbox.contact(self.stage, box)
            answer = client.message(box.uri, text)
            if not answer or answer.status != 200:
                raise s.Failure(f"{name}'s inbox: {answer and answer.first}\n{box.mikeyd.output()}")
        return sent

    def file(self):
        with open(os.path.join(self.boxes[cast.IN_FOLDER].dir, "messages", "inbox.db"), "rb") as f:
            return f.read()

    def empty(self, sent):
        """Somebody takes what is kept; how much that is."""
        kept = {name: text for name, text in sent.items() if name != cast.TO_PROGRAM}
        for name, text in kept.items():
            taken = test_inbox.inbox(self.boxes[name], "inbox", "take", "--body", text=False)
            if taken.stdout.decode() != text:
                raise s.Failure(f"{name} took something else")
        return len(kept)


def by_list(stage, pair, writer):
    """A message to a group: its list server opens and protects it. How many arrive."""
    members = os.path.join(stage.dir, "members")
    with open(members, "w", encoding="ascii") as f:
        f.write(f"{pair.left.aor}\n{pair.right.aor}\n")
    os.chmod(members, 0o644)
    server = stage.terminal(cast.SERVER, user=cast.GROUP, list_server=[
        {"psi": GROUP, "members_file": members}])
    stage.serve_at("sip:" + GROUP, server)
    pair.sender(list_service=[GROUP])
    pair.receiver(list_service=[GROUP])
    text = writer.next("list")
    answer = pair.a.message("sip:" + GROUP, text)
    got = pair.b.received()
    if not answer or answer.status != 202 or not got or got.body.decode() != text:
        raise s.Failure(f"by the list server: {answer and answer.first}\n{server.mikeyd.output()}")
    pair.receiver()
    return 1
