# SPDX-License-Identifier: GPL-2.0-only
"""A 32-bit PV Linux from outside as dom0 (E2E_DOM0_32): the i386 build runs in it, as root."""
import os


def outside(env, xenkdump):
    """None: there is none."""
    return None


class Linux:
    pass
