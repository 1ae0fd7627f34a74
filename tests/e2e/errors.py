# SPDX-License-Identifier: GPL-2.0-only
"""How a case can end other than well. Each word tells a reader whom to ask."""


class Skip(Exception):
    """The case does not apply here. An error where skips are not allowed (CI)."""


class HarnessError(Exception):
    """The machine, a package or the harness is at fault; says nothing on the code under test."""


class Failure(Exception):
    """The code under test did something wrong."""


class StepTimeout(Exception):
    """A step or the whole case took longer than its limit."""
