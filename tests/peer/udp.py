# SPDX-License-Identifier: GPL-2.0
"""UDP datagrams of chosen sizes, compared byte for byte on both sides."""

import hashlib
import random
import signal
import socket

RECEIVE_BUFFER = 8 << 20
INVERT = bytes(255 - value for value in range(256))


def open_socket(address: str) -> socket.socket:
    """A socket of the family of an address."""
    sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
    # More than the window of any test, so that only the path in between can lose something.
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
    return sock


def _account(digest: "hashlib._Hash", data: bytes) -> None:
    digest.update(len(data).to_bytes(4, "little"))
    digest.update(data)


def serve(address: str, port: int, count: int, timeout: float) -> dict:
    """Answer so many datagrams with their complement."""
    digest = hashlib.sha256()
    received = 0
    with open_socket(address) as sock:
        sock.bind((address, port))
        sock.settimeout(timeout)
        print("ready", flush=True)
        try:
            while received < count:
                data, peer = sock.recvfrom(65536)
                _account(digest, data)
                received += 1
                sock.sendto(data.translate(INVERT), peer)
        except TimeoutError:
            pass
    return {"received": received, "sha256": digest.hexdigest()}


def exchange(source: str, address: str, port: int, sizes: list, window: int, seed: int, timeout: float) -> dict:
    """Send datagrams of these sizes, up to a window at a time, and compare what comes back."""
    noise = random.Random(seed)
    digest = hashlib.sha256()
    good = 0
    bad = []
    with open_socket(address) as sock:
        sock.bind((source, 0))
        sock.connect((address, port))
        sock.settimeout(timeout)
        for start in range(0, len(sizes), window):
            sent = [noise.randbytes(size) for size in sizes[start:start + window]]
            for data in sent:
                _account(digest, data)
                sock.send(data)
            for data in sent:
                try:
                    answer = sock.recv(65536)
                except TimeoutError:
                    return {"good": good, "bad": bad, "lost": len(data), "sha256": digest.hexdigest()}
                if answer == data.translate(INVERT):
                    good += 1
                else:
                    bad.append([len(data), len(answer)])
    return {"good": good, "bad": bad, "lost": None, "sha256": digest.hexdigest()}


def send(source: str, address: str, port: int, size: int, count: int) -> dict:
    """Send numbered datagrams without waiting for anybody."""
    with open_socket(address) as sock:
        sock.bind((source, 0))
        sock.connect((address, port))
        sock.setblocking(True)
        for number in range(count):
            sock.send(number.to_bytes(4, "little").ljust(size, b"\xa5"))
    return {"sent": count}


def ignore(address: str, port: int) -> None:
    """Be there, so that nobody is told of a port that is closed, until the end comes from outside."""
    with open_socket(address) as sock:
        sock.bind((address, port))
        print("ready", flush=True)
        signal.pause()


def collect(address: str, port: int, count: int, timeout: float) -> dict:
    """Receive numbered datagrams until so many came, or nothing for a while."""
    numbers = []
    with open_socket(address) as sock:
        sock.bind((address, port))
        sock.settimeout(timeout)
        print("ready", flush=True)
        try:
            while len(numbers) < count:
                numbers.append(int.from_bytes(sock.recv(65536)[:4], "little"))
        except TimeoutError:
            pass
    return {"received": len(numbers), "in_order": numbers == sorted(numbers), "distinct": len(set(numbers))}
