# SPDX-License-Identifier: GPL-2.0
"""TCP streams and UDP datagrams that are handed to the kernel in odd pieces, so that packets lie scattered in memory."""

import contextlib
import hashlib
import itertools
import mmap
import os
import random
import socket
import tempfile
from collections.abc import Callable

ODD = (1, 7, 4095, 4097, 61, 1447, 1449, 3, 65537, 129, 8191, 2, 1000)
SO_ZEROCOPY, MSG_ZEROCOPY = 60, 0x4000000
PIPE = 65536


def _family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def _pieces(size: int):
    """Offsets and lengths that cover a size."""
    at = 0
    for length in itertools.cycle(ODD):
        if at >= size:
            return
        yield at, min(length, size - at)
        at += length


def _writes(sock: socket.socket, data: bytes) -> None:
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for at, length in _pieces(len(data)):
        sock.sendall(data[at:at + length])


def _more(sock: socket.socket, data: bytes) -> None:
    """Small pieces that the kernel is to collect."""
    for at in range(0, len(data), 509):
        sock.sendall(data[at:at + 509], socket.MSG_MORE)


def _sendfile(sock: socket.socket, data: bytes) -> None:
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.flush()
        for at, length in _pieces(len(data)):
            while length:
                sent = os.sendfile(sock.fileno(), file.fileno(), at, length)
                at, length = at + sent, length - sent


def _splice(sock: socket.socket, data: bytes) -> None:
    """Through a pipe whose pages go on into the socket."""
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.flush()
        out, into = os.pipe()
        try:
            for at, length in _pieces(len(data)):
                while length:
                    moved = os.splice(file.fileno(), into, min(length, PIPE), offset_src=at)
                    at, length = at + moved, length - moved
                    while moved:
                        moved -= os.splice(out, sock.fileno(), moved)
        finally:
            os.close(out)
            os.close(into)


def _zerocopy(sock: socket.socket, data: bytes) -> None:
    """From the pages of the process, at odd addresses."""
    sock.setsockopt(socket.SOL_SOCKET, SO_ZEROCOPY, 1)
    with mmap.mmap(-1, len(data) + 1) as memory:
        memory[1:1 + len(data)] = data
        with memoryview(memory) as view:
            for at, length in _pieces(len(data)):
                while length:
                    with view[1 + at:1 + at + length] as part:
                        sent = sock.send(part, MSG_ZEROCOPY)
                    at, length = at + sent, length - sent
                    # The notes about what was sent must not fill the socket's memory.
                    with contextlib.suppress(BlockingIOError):
                        while True:
                            sock.recvmsg(0, 512, socket.MSG_ERRQUEUE | socket.MSG_DONTWAIT)


HOW: dict[str, Callable[[socket.socket, bytes], None]] = {
    "writes": _writes, "more": _more, "sendfile": _sendfile, "splice": _splice, "zerocopy": _zerocopy,
}


def stream(source: str, address: str, port: int, how: str, seed: int, size: int, timeout: float) -> dict:
    """Send a stream in one of these ways to tcp.serve()."""
    data = random.Random(seed).randbytes(size)
    with socket.socket(_family(address), socket.SOCK_STREAM) as sock:
        sock.settimeout(timeout)
        sock.bind((source, 0))
        sock.connect((address, port))
        # splice(2) and sendfile(2) do not know of Python's time-outs.
        sock.setblocking(True)
        HOW[how](sock, data)
        sock.shutdown(socket.SHUT_WR)
        while sock.recv(65536):
            pass
    return {"sent": hashlib.sha256(data).hexdigest(), "bytes": size}


def datagrams(source: str, address: str, port: int, plan: list, seed: int, timeout: float) -> dict:
    """Send datagrams that are corked together from pieces to udp.serve(); each comes back as its complement."""
    noise = random.Random(seed)
    invert = bytes(255 - value for value in range(256))
    good = 0
    with socket.socket(_family(address), socket.SOCK_DGRAM) as sock:
        sock.settimeout(timeout)
        sock.bind((source, 0))
        sock.connect((address, port))
        for lengths in plan:
            parts = [noise.randbytes(length) for length in lengths]
            for part in parts[:-1]:
                sock.send(part, socket.MSG_MORE)
            sock.send(parts[-1])
            if sock.recv(65536) != b"".join(parts).translate(invert):
                break
            good += 1
    return {"good": good}
