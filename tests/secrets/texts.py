# SPDX-License-Identifier: GPL-2.0-or-later
"""What the messages say: words that are nowhere else, so that each can be looked for.

Guest and host make them out of one seed; so they get into the machine by no file
and no socket but those that messages go through.
"""

import hashlib

import needles

WORDS = 12          # of a message; a part of a text is as bad as the whole
MESSAGES = 16       # of a group, at most
# Sent while the kernel was asked to show traffic; put where they must be found.
WATCHED, PLANTED = "watched", "planted"
# Whose places are judged.
JUDGED = ("use", "queued", "taken", "waiting", "list", "under way", "expired", "unloaded")


def words(seed, group, number):
    """Sixteen characters each, all that there are of a message."""
    return [hashlib.sha256(f"{seed}/{group}/{number}/{place}".encode()).hexdigest()[:needles.PIECE]
            for place in range(WORDS)]


class Writer:
    """The texts, one after another."""

    def __init__(self, seed):
        self.seed, self.count = seed, {}

    def next(self, group):
        number = self.count.get(group, 0)
        if number == MESSAGES:
            raise ValueError(f"more than {MESSAGES} messages of group {group}")
        self.count[group] = number + 1
        return "Grüße ✓ " + " ".join(words(self.seed, group, number))


class Text:
    """One word, as keychain.Key is one key."""

    text, psk, stored = True, False, False

    def __init__(self, group, number, value):
        self.group, self.part, self.value = group, group, value
        self.name = f"text {number} of \"{group}\""


def sought(seed, *groups):
    """(text, shape, bytes) of all messages of some groups."""
    return [(Text(group, number, word), shape, found) for group in groups
            for number in range(MESSAGES) for word in words(seed, group, number)
            for shape, found in needles.shapes(word.encode())]
