# SPDX-License-Identifier: GPL-2.0-only
"""A small bzImage, by the numbers of Linux Documentation/arch/x86/boot.rst, and wrong on request."""
import struct

SETUP = 5 * 512  # boot sector and 4 setup sectors
BODY = 0x8000
VERSION_AT, VERSION = 0x300, b"6.1.0-cli (who@where) #1"

# name: (file offset, struct format, value of a good 64-bit kernel)
FIELDS = {
    "setup_sects": (0x1F1, "B", 4),
    "syssize": (0x1F4, "I", BODY // 16),
    "boot_flag": (0x1FE, "H", 0xAA55),
    "jump": (0x200, "H", 0x6AEB),
    "header": (0x202, "I", 0x53726448),
    "version": (0x206, "H", 0x020F),
    "kernel_version": (0x20E, "H", VERSION_AT - 0x200),
    "loadflags": (0x211, "B", 1),
    "initrd_addr_max": (0x22C, "I", 0x7FFFFFFF),
    "kernel_alignment": (0x230, "I", 0x200000),
    "relocatable_kernel": (0x234, "B", 1),
    "xloadflags": (0x236, "H", 3),
    "cmdline_size": (0x238, "I", 2047),
    "payload_offset": (0x248, "I", 0),
    "payload_length": (0x24C, "I", 0),
    "pref_address": (0x258, "Q", 0x1000000),
    "init_size": (0x260, "I", 0x400000),
}


def bzimage(**fields):
    """The file's bytes; fields replace those of a good one."""
    image = bytearray(SETUP)
    for name, (offset, form, good) in FIELDS.items():
        struct.pack_into("<" + form, image, offset, fields.pop(name, good))
    assert not fields, fields
    image[VERSION_AT:VERSION_AT + len(VERSION)] = VERSION
    return bytes(image) + body()


def body():
    """The part that is loaded."""
    return bytes((i * 5 + (i >> 8)) & 0xFF for i in range(BODY))
