# SPDX-License-Identifier: GPL-2.0
"""The judge of packets judges right: packets from another hand are good, and no damage to them goes unseen."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from testlib.capture import Captured, check, gaps, read

# RFC 791 and 768: 192.0.2.1 to 192.0.2.2, ports 4660 and 53, "hello"; tcpdump finds both checksums correct.
UDP4 = bytes.fromhex("45000021abcd400040110afbc0000201c000020212340035000d259568656c6c6f")
SYN, ACK, FIN = 2, 16, 1


def _sum(data: bytes) -> bytes:
    """RFC 1071, word by word."""
    total = sum(struct.unpack(f"!{len(data) // 2}H", data[:len(data) & ~1])) + (data[-1] << 8 if len(data) % 2 else 0)
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return struct.pack("!H", ~total & 0xffff)


def tcp(version: int, sequence: int, payload: bytes, ident: int = 0, flags: int = ACK) -> Captured:
    """A good segment."""
    source, target = (bytes([10, 64, 0, 2]), bytes([10, 64, 0, 1])) if version == 4 else (bytes(15) + b"\2", bytes(15) + b"\1")
    body = struct.pack("!HHIIBBHHH", 1000, 2000, sequence, 77, 5 << 4, flags, 512, 0, 0) + payload
    body = body[:16] + _sum(source + target + struct.pack("!IHH", len(body), 0, 6) + body) + body[18:]
    if version == 6:
        return Captured(0, True, struct.pack("!IHBB", 6 << 28, len(body), 6, 64) + source + target + body)
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), ident, 0x4000, 64, 6, 0) + source + target
    return Captured(0, True, head[:10] + _sum(head) + head[12:] + body)


GOOD = [Captured(0, True, UDP4), *(tcp(version, 5, payload) for version in (4, 6) for payload in (b"", b"x", b"odd" * 99))]


@pytest.mark.parametrize("packet", GOOD, ids=lambda packet: f"{packet.version}-{len(packet.data)}")
def test_each_bit_counts(packet: Captured) -> None:
    """A good packet is good; with any bit turned over, but for those that no checksum covers, it is not."""
    assert check(packet, 1500) == ""
    assert "MTU" in check(packet, len(packet.data) - 1)
    # IPv6 leaves traffic class, flow label and hop limit to their luck.
    free = {*range(4, 32), *range(56, 64)} if packet.version == 6 else set()
    for bit in range(8 * len(packet.data)):
        data = bytearray(packet.data)
        data[bit // 8] ^= 0x80 >> bit % 8
        if bit not in free:
            assert check(Captured(0, True, bytes(data)), 1500), f"bit {bit}"
    for length in range(1, len(packet.data)):
        assert check(Captured(0, True, packet.data[:length]), 1500), f"cut to {length}"


def test_streams() -> None:
    """Holes and jumps are seen; repetitions and wraps are not holes."""
    start = (1 << 32) - 100
    stream = [tcp(4, start - 1, b"", 9, SYN), tcp(4, start, bytes(60), 0xffff), tcp(4, start + 60, bytes(60), 0),
              tcp(4, 20, bytes(10), 1), tcp(4, start + 60, bytes(60), 2), tcp(4, 30, b"", 3, FIN), tcp(4, 31, b"", 4)]
    assert gaps(stream) == []
    assert len(gaps(stream[:2] + stream[3:])) == 2
    assert len(gaps([*stream[:3], tcp(4, 20, bytes(10), 2)])) == 1
    assert len(gaps([tcp(6, 1, bytes(9)), tcp(6, 11, b"x")])) == 1


def test_file(tmp_path: Path) -> None:
    """A block that is not complete yet is left for later."""
    def block(kind: int, body: bytes) -> bytes:
        return struct.pack("=II", kind, 12 + len(body)) + body + struct.pack("=I", 12 + len(body))

    def packet(session: int, direction: int, data: bytes) -> bytes:
        return block(6, struct.pack("=IIIII", session, 0, 0, len(data), len(data)) + data + bytes(-len(data) % 4) +
                     struct.pack("=HHIHH", 2, 4, direction, 0, 0))

    content = block(0x0a0d0d0a, bytes(16)) + packet(3, 2, UDP4) + packet(7, 1, UDP4[:-1])
    path = tmp_path / "capture"
    for length in range(len(content) + 1):
        path.write_bytes(content[:length])
        found = read(path)
        assert found == [Captured(3, True, UDP4), Captured(7, False, UDP4[:-1])][:len(found)]
    assert len(found) == 2
