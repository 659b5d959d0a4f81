# SPDX-License-Identifier: GPL-2.0
"""UDP datagrams that are sent many at a time (UDP_SEGMENT), and compared one by one on both sides."""

import contextlib
import errno
import hashlib
import random
import socket
import time

from udp import INVERT, open_socket

UDP_SEGMENT = 103


def _send(sock: socket.socket, data: bytes, segment: int) -> None:
    """One call of the kernel; it makes datagrams of the segment's size and perhaps a shorter one of them."""
    sock.setsockopt(socket.SOL_UDP, UDP_SEGMENT, segment)
    if sock.send(data) != len(data):
        raise OSError(f"{len(data)} bytes in segments of {segment} were not sent whole")


def _answer(sock: socket.socket, data: bytes, segment: int) -> None:
    """The same from the network, whose kernel is not the one under test and may refuse it."""
    try:
        _send(sock, data, segment)
    except OSError as err:
        if err.errno != errno.EIO:
            raise
        sock.setsockopt(socket.SOL_UDP, UDP_SEGMENT, 0)
        for start in range(0, len(data), segment):
            sock.send(data[start:start + segment])


def _receive(sock: socket.socket, length: int, segment: int, digest: "hashlib._Hash") -> bytes:
    """The datagrams of one such call, which must have just the right sizes and come in order."""
    parts = []
    for start in range(0, length, segment):
        part = sock.recv(65536)
        if len(part) != min(segment, length - start):
            raise ValueError(f"a datagram of {len(part)} bytes at {start} of {length}, the segment is {segment}")
        digest.update(len(part).to_bytes(4, "little"))
        digest.update(part)
        parts.append(part)
    return b"".join(parts)


def serve(address: str, port: int, plan: list, timeout: float) -> dict:
    """Take what exchange() sends, and send its complement in the same way."""
    digest = hashlib.sha256()
    with open_socket(address) as sock:
        sock.bind((address, port))
        sock.settimeout(timeout)
        print("ready", flush=True)
        _, peer = sock.recvfrom(16)
        sock.connect(peer)
        sock.send(b"go")
        for segment, length in plan:
            data = _receive(sock, length, segment, digest)
            _answer(sock, data.translate(INVERT), segment)
    return {"sha256": digest.hexdigest()}


def exchange(source: str, address: str, port: int, plan: list, seed: int, timeout: float) -> dict:
    """Send so many bytes in segments of such a size, for each pair of a plan, and compare what comes back."""
    noise = random.Random(seed)
    digest = hashlib.sha256()
    with open_socket(address) as sock:
        sock.bind((source, 0))
        sock.connect((address, port))
        sock.settimeout(timeout)
        sock.send(b"go")
        sock.recv(16)
        for number, (segment, length) in enumerate(plan):
            data = noise.randbytes(length)
            for start in range(0, length, segment):
                part = data[start:start + segment]
                digest.update(len(part).to_bytes(4, "little"))
                digest.update(part)
            _send(sock, data, segment)
            if _receive(sock, length, segment, hashlib.sha256()) != data.translate(INVERT):
                return {"good": number, "sha256": digest.hexdigest()}
    return {"good": len(plan), "sha256": digest.hexdigest()}


def rain(source: str, address: str, port: int, segment: int, count: int) -> None:
    """Send bursts of so many datagrams all the time, until the end comes from outside."""
    with open_socket(address) as sock:
        sock.bind((source, 0))
        sock.connect((address, port))
        data = bytes(segment * count)
        print("ready", flush=True)
        while True:
            # Whoever does not listen yet, or any more, does not matter.
            with contextlib.suppress(ConnectionRefusedError):
                _answer(sock, data, segment)
            # The others on this machine have to run, too.
            time.sleep(0.0005)
