# SPDX-License-Identifier: GPL-2.0-only
"""Kdump-compressed files that save left, by the reader of tests/save: pages by their number, no more."""
import mmap
import os
import sys

from core import PAGE, need
from errors import Failure

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "save"))
import dumps  # noqa: E402


class Kdump:
    """pages: the numbers of all that are in the file."""

    def __init__(self, path):
        with open(path, "rb") as f:
            self.raw = mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ)
        try:
            self.dump = self._ask(dumps.Kdump, self.raw)
            need(not self.dump.incomplete, "it is marked incomplete")
        except BaseException:
            self.close()
            raise
        self.pages = self.dump.pages.keys()

    def close(self):
        self.raw.close()

    @staticmethod
    def _ask(work, *args):
        try:
            return work(*args)
        except dumps.Broken as exc:
            raise Failure(str(exc)) from exc

    def page(self, number):
        need(number in self.pages, f"page {number:#x} is not in the dump")
        data = self._ask(self.dump.read, number)
        need(len(data) == PAGE, f"page {number:#x} has {len(data)} bytes")
        return data
