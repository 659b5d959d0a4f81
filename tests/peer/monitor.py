# SPDX-License-Identifier: GPL-2.0
"""Listens to what rtnetlink tells of links."""

import socket
import struct

RTMGRP_LINK = 1
RTM_NEWLINK, RTM_DELLINK = 16, 17
IFLA_IFNAME, IFLA_CARRIER = 3, 33
NLA_TYPE = 0x3fff
IFF_UP = 1
ALIGN = 4

HEADER = struct.Struct("IHHII")
LINK = struct.Struct("BxHiII")
ATTRIBUTE = struct.Struct("HH")


def _aligned(length: int) -> int:
    return (length + ALIGN - 1) & -ALIGN


def _attributes(data: bytes) -> dict:
    found = {}
    while len(data) >= ATTRIBUTE.size:
        length, kind = ATTRIBUTE.unpack_from(data)
        if length < ATTRIBUTE.size:
            break
        found[kind & NLA_TYPE] = data[ATTRIBUTE.size:length]
        data = data[_aligned(length):]
    return found


def _tell(kind: int, data: bytes) -> None:
    _, _, index, flags, _ = LINK.unpack_from(data)
    attributes = _attributes(data[LINK.size:])
    name = attributes[IFLA_IFNAME].rstrip(b"\0").decode()
    carrier = attributes.get(IFLA_CARRIER, b"\0")[0]
    what = "gone" if kind == RTM_DELLINK else f"{'up' if flags & IFF_UP else 'down'} {'on' if carrier else 'off'}"
    print(index, name, what, flush=True)


def links() -> None:
    """Print a line for each message until somebody ends us: index, name, and "gone", or up or down and its carrier."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as sock:
        sock.bind((0, RTMGRP_LINK))
        print("ready", flush=True)
        while True:
            data = sock.recv(65536)
            while len(data) >= HEADER.size:
                length, kind, _, _, _ = HEADER.unpack_from(data)
                if kind in (RTM_NEWLINK, RTM_DELLINK):
                    _tell(kind, data[HEADER.size:length])
                data = data[_aligned(length):]
