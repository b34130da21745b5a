# SPDX-License-Identifier: GPL-2.0-or-later
"""An outcome that may not be there yet: bytes, or why there are none."""


class Failed(Exception):
    """A program said no, in its own words."""


class Later:
    def __init__(self, value=None, error=None):
        self.value, self.error = value, error

    def get(self):
        if self.value is None:
            raise Failed(self.error or "never ran")
        return self.value

    def refused(self, words):
        """It must have failed, saying this."""
        if self.value is not None:
            raise AssertionError(f"no error that says '{words}'")
        if words not in (self.error or ""):
            raise AssertionError(f"'{self.error}' does not say '{words}'")
