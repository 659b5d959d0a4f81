# SPDX-License-Identifier: GPL-2.0
"""Packets as they were on the wire: the capture of iosm-emu, and all that can be wrong with a packet.

Written from RFC 791, 8200, 9293, 768, 792 and 4443, not from anything in this repository.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

PACKET_BLOCK = 6
FLAGS, OUTBOUND = 2, 2		# an option of a packet block, and its lowest two bits
ICMP, TCP, UDP, FRAGMENT6, ICMP6 = 1, 6, 17, 44, 58
NAMES = {ICMP: "ICMP", TCP: "TCP", UDP: "UDP", ICMP6: "ICMPv6"}
SMALLEST = {ICMP: 8, TCP: 20, UDP: 8, ICMP6: 4}
FIN, SYN = 1, 2


@dataclass(frozen=True)
class Captured:
    """One packet: its session, whether the guest sent it, its bytes."""

    session: int
    up: bool
    data: bytes

    @property
    def version(self) -> int:
        """Of IP."""
        return self.data[0] >> 4


@dataclass(frozen=True)
class Segment:
    """The parts of a TCP segment that order it among others."""

    flow: tuple[int, bytes, bytes]	# session, addresses, ports
    ident: int				# of the IPv4 header; 0 for IPv6
    sequence: int
    length: int				# of the payload
    flags: int

    @property
    def next(self) -> int:
        """The sequence number behind it."""
        return (self.sequence + self.length + bool(self.flags & SYN) + bool(self.flags & FIN)) % (1 << 32)


def _flags(options: bytes) -> int:
    at = 0
    while at + 4 <= len(options):
        code, length = struct.unpack_from("=HH", options, at)
        if code == FLAGS:
            return int(struct.unpack_from("=I", options, at + 4)[0])
        if not code:
            break
        at += 4 + length + -length % 4
    raise ValueError("a packet without a direction")


def read(path: Path, start: int = 0) -> list[Captured]:
    """The packets of a capture from an offset on; a block that is not complete yet is left out."""
    with open(path, "rb") as handle:
        handle.seek(start)
        content = handle.read()
    found = []
    at = 0
    while at + 12 <= len(content):
        kind, length = struct.unpack_from("=II", content, at)
        if at + length > len(content):
            break
        if kind == PACKET_BLOCK:
            session, _, _, captured, original = struct.unpack_from("=IIIII", content, at + 8)
            assert captured == original, "a packet was cut"
            begin = at + 28
            options = content[begin + captured + -captured % 4:at + length - 4]
            found.append(Captured(session, _flags(options) & 3 == OUTBOUND, content[begin:begin + captured]))
        at += length
    return found


def _sums_up(data: bytes) -> bool:
    """Is the ones' complement sum of these 16-bit words, checksum included, the one of a good packet?"""
    # 2 ** 16 is 1 modulo 0xffff, so the number that the bytes make has the same remainder as the sum of its words.
    return int.from_bytes(data + b"\0" * (len(data) % 2), "big") % 0xffff == 0


def _transport(packet: Captured) -> tuple[int, bytes, bytes, bool]:
    """Protocol, payload of IP, pseudo header without the length, and whether it is a fragment. Checks the IP header."""
    data = packet.data
    if packet.version == 4:
        assert len(data) >= 20, "shorter than an IPv4 header"
        size = 4 * (data[0] & 15)
        assert 20 <= size <= len(data), f"IPv4 header of {size} bytes"
        total = int.from_bytes(data[2:4], "big")
        assert total == len(data), f"says that it has {total} bytes"
        assert _sums_up(data[:size]), "wrong IPv4 header checksum"
        offset = int.from_bytes(data[6:8], "big")
        assert not offset & 0x8000, "reserved bit of the IPv4 header"
        return data[9], data[size:], data[12:20], bool(offset & 0x3fff)
    assert packet.version == 6, f"IP version {packet.version}"
    assert len(data) >= 40, "shorter than an IPv6 header"
    payload = int.from_bytes(data[4:6], "big")
    assert payload == len(data) - 40, f"says that it has {40 + payload} bytes"
    return data[6], data[40:], data[8:40], data[6] == FRAGMENT6


def check(packet: Captured, mtu: int) -> str:
    """What is wrong with a packet; empty if nothing."""
    try:
        assert len(packet.data) <= mtu, f"{len(packet.data)} bytes, and the MTU is {mtu}"
        protocol, payload, pseudo, fragment = _transport(packet)
        if fragment:
            return ""
        assert protocol in NAMES, f"protocol {protocol}, which no test uses"
        assert len(payload) >= SMALLEST[protocol], f"{NAMES[protocol]} in {len(payload)} bytes"
        if protocol == UDP:
            length = int.from_bytes(payload[4:6], "big")
            assert length == len(payload), f"UDP length {length} in a payload of {len(payload)}"
            assert payload[6:8] != b"\0\0", "no UDP checksum"
        if protocol == TCP:
            assert 20 <= 4 * (payload[12] >> 4) <= len(payload), "TCP data offset"
        head = b"" if protocol == ICMP else pseudo + struct.pack("!IHH", len(payload), 0, protocol)
        assert _sums_up(head + payload), f"wrong {NAMES[protocol]} checksum"
    except AssertionError as err:
        return f"session {packet.session} {'up' if packet.up else 'down'}, {len(packet.data)} bytes: {err}"
    return ""


def problems(packets: Iterable[Captured], mtu: int = 1500) -> list[str]:
    """What is wrong with any of them."""
    return [text for packet in packets if (text := check(packet, mtu))]


def segment(packet: Captured) -> Segment | None:
    """The TCP segment in a good packet, if it is one."""
    protocol, payload, addresses, fragment = _transport(packet)
    if protocol != TCP or fragment:
        return None
    size = 4 * (payload[12] >> 4)
    ident = int.from_bytes(packet.data[4:6], "big") if packet.version == 4 else 0
    return Segment((packet.session, addresses, payload[:4]), ident,
                   int.from_bytes(payload[4:8], "big"), len(payload) - size, payload[13])


def gaps(packets: Iterable[Captured]) -> list[str]:
    """Bytes of TCP streams that are jumped over, and IPv4 identifications that are, in the order of the packets.

    Retransmissions are no gap: they begin where something was already. Segments that belong to no socket have no
    identification of their own, nor has a SYN.
    """
    expected: dict[tuple[int, bytes, bytes], int] = {}
    idents: dict[tuple[int, bytes, bytes], int] = {}
    found = []
    for packet in packets:
        part = segment(packet)
        if part is None:
            continue
        known = expected.get(part.flow)
        ahead = (part.sequence - known + (1 << 31)) % (1 << 32) - (1 << 31) if known is not None else 0
        if ahead > 0:
            found.append(f"session {part.flow[0]}: {ahead} bytes are missing before sequence number {part.sequence}")
        if known is None or (part.next - known) % (1 << 32) < 1 << 31:
            expected[part.flow] = part.next
        if packet.version == 4 and not part.flags & SYN and (part.ident or part.length):
            last = idents.get(part.flow)
            if last is not None and (part.ident - last) % (1 << 16) != 1:
                found.append(f"session {part.flow[0]}: identification {part.ident} after {last}")
            idents[part.flow] = part.ident
    return found
