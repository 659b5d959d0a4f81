# SPDX-License-Identifier: GPL-2.0
"""Firmware files, protocol.rst 7.5.1: a header of 64 bytes and a payload."""

from __future__ import annotations

import hashlib
import random
import struct
from dataclasses import dataclass

from .common import Error

MAGIC = b"IOSM_DEVLINK_HEADER\0"
HEADER = struct.Struct("<20s4sIBB34s")
TYPES = {"PSI": "first boot loader, for the boot ROM", "EBL": "second boot loader, for PSI", "FLS": "firmware, for EBL"}
ADDRESSES = 1 << 32
LOADER_MAX = {"PSI": 1 << 24, "EBL": 0xFFFFFF}	# what our driver takes; a TD cannot tell of more
SECPACK_MAX = 16384	# one EBL packet, 7.5.5
REGION_MIN = 2		# less cannot be erased, 7.5.5

ORDER = "flash-order.txt"


@dataclass(frozen=True)
class Image:
    """One file."""

    type: str
    payload: bytes
    address: int = 0
    region: bool = False
    last: bool = False

    def pack(self) -> bytes:
        """The file, also one that no modem takes: see problem()."""
        return HEADER.pack(MAGIC, self.type.encode("ascii"), self.address, self.region, self.last, bytes(34)) + self.payload

    @property
    def meaning(self) -> str:
        """What it is, in words."""
        if self.type != "FLS":
            return TYPES[self.type]
        if not self.region:
            return "security pack"
        return "region, the last of its software image" if self.last else "region"

    @property
    def problem(self) -> str:
        """Why it cannot be flashed, or nothing."""
        size = len(self.payload)
        if size > LOADER_MAX.get(self.type, size):
            return f"{TYPES[self.type]}: {LOADER_MAX[self.type]} bytes at most, this one has {size}"
        if self.type == "FLS" and not self.region and size > SECPACK_MAX:
            return f"a security pack has {SECPACK_MAX} bytes at most, this one {size}"
        if self.type == "FLS" and self.region and size < REGION_MIN:
            return "a region has two bytes at least"
        if self.type == "FLS" and self.region and self.address + size > ADDRESSES:
            return f"{size} bytes from {self.address:#010x} on do not end below 4 GiB"
        return ""


@dataclass(frozen=True)
class Parsed:
    """A file that was read, with what an image does not say."""

    image: Image
    type_ends: bool		# the fourth character of the type is NUL, as it should be
    region_flag: int
    last_flag: int
    reserved_zero: bool

    @property
    def remarks(self) -> list[str]:
        """What is unusual, although drivers take it."""
        remarks = [] if self.type_ends else ["the fourth character of the type is not NUL"]
        if not self.reserved_zero:
            remarks.append("the reserved part of the header is not zero")
        if self.image.problem:
            remarks.append(self.image.problem)
        return remarks

    def fields(self) -> dict[str, object]:
        """Everything, for JSON."""
        payload = self.image.payload
        return {"type": self.image.type, "address": self.image.address, "region": self.region_flag,
                "last": self.last_flag, "payload_size": len(payload),
                "payload_sha256": hashlib.sha256(payload).hexdigest(), "meaning": self.image.meaning,
                "remarks": self.remarks}


def parse(content: bytes) -> Parsed:
    """Read a file."""
    if content[:len(MAGIC)] != MAGIC:
        raise Error("it is no firmware file, the magic is missing")
    if len(content) <= HEADER.size:
        raise Error(f"it has {len(content)} bytes, a firmware file has more than its header of {HEADER.size}")
    _, kind, address, region, last, reserved = HEADER.unpack_from(content)
    name = kind[:3].decode("ascii", "backslashreplace")
    if name not in TYPES:
        raise Error(f"its type {name!r} is none of {', '.join(TYPES)}")
    image = Image(name, content[HEADER.size:], address, bool(region), bool(last))
    return Parsed(image, kind[3] == 0, region, last, not any(reserved))


def example(seed: int) -> dict[str, Image]:
    """A whole set, in the order of flashing, for an emulated modem with a NAND of 16 MiB: two software images.

    The emulated boot loaders want payloads that begin with their names; everything else is random. The lengths are those
    at which mistakes show: odd, more and exactly as much as the 1 MiB of one write, the longest security pack.
    """

    def content(name: str, size: int, start: bytes = b"") -> bytes:
        return start + random.Random(f"{seed} {name}").randbytes(size - len(start))

    return {
        "psi.bin": Image("PSI", content("psi", 0x8000, b"PSI0")),
        "ebl.bin": Image("EBL", content("ebl", 0x20004, b"EBL0")),
        "secpack1.bin": Image("FLS", content("secpack1", 2049)),
        "region1a.bin": Image("FLS", content("region1a", 0x180001), 0x00100000, region=True),
        "region1b.bin": Image("FLS", content("region1b", 0x20000), 0x00400000, region=True, last=True),
        "secpack2.bin": Image("FLS", content("secpack2", SECPACK_MAX)),
        "region2a.bin": Image("FLS", content("region2a", 0x100000), 0x00800000, region=True, last=True),
    }
