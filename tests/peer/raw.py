# SPDX-License-Identifier: GPL-2.0
"""IP packets of any length, down to a header with nothing behind it; the protocol is one for experiments."""

import hashlib
import random
import socket

PROTOCOL = 253
IPV4_HEADER = 20
INVERT = bytes(255 - value for value in range(256))


def _socket(address: str) -> socket.socket:
    sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_RAW, PROTOCOL)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
    return sock


def _receive(sock: socket.socket) -> tuple[bytes, tuple]:
    data, peer = sock.recvfrom(65536)
    return (data[IPV4_HEADER:] if sock.family == socket.AF_INET else data), peer


def _account(digest: "hashlib._Hash", data: bytes) -> None:
    digest.update(len(data).to_bytes(4, "little"))
    digest.update(data)


def serve(address: str, count: int, timeout: float) -> dict:
    """Answer so many packets with their complement."""
    digest = hashlib.sha256()
    with _socket(address) as sock:
        sock.bind((address, 0))
        sock.settimeout(timeout)
        print("ready", flush=True)
        for _ in range(count):
            data, peer = _receive(sock)
            _account(digest, data)
            sock.sendto(data.translate(INVERT), peer)
    return {"sha256": digest.hexdigest()}


def exchange(source: str, address: str, sizes: list, window: int, seed: int, timeout: float) -> dict:
    """Send packets with these payloads, a window at a time, and compare what comes back."""
    noise = random.Random(seed)
    digest = hashlib.sha256()
    good = 0
    with _socket(address) as sock:
        sock.bind((source, 0))
        sock.settimeout(timeout)
        for start in range(0, len(sizes), window):
            sent = [noise.randbytes(size) for size in sizes[start:start + window]]
            for data in sent:
                _account(digest, data)
                sock.sendto(data, (address, 0))
            for data in sent:
                if _receive(sock)[0] != data.translate(INVERT):
                    return {"good": good, "wrong": len(data), "sha256": digest.hexdigest()}
                good += 1
    return {"good": good, "wrong": None, "sha256": digest.hexdigest()}
