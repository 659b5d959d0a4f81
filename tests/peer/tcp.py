# SPDX-License-Identifier: GPL-2.0
"""TCP streams whose content is compared on both sides."""

import hashlib
import random
import socket
import threading

CHUNK = 256 << 10


def _stream(seed: int, size: int):  # type: ignore[no-untyped-def]
    noise = random.Random(seed)
    block = noise.randbytes(CHUNK)
    for start in range(0, size, CHUNK):
        # A different first word in each chunk: a chunk that is repeated or lost changes the sum.
        yield (start.to_bytes(8, "little") + block[8:])[:size - start]


def _send(sock: socket.socket, seed: int, size: int) -> str:
    digest = hashlib.sha256()
    for data in _stream(seed, size):
        digest.update(data)
        sock.sendall(data)
    sock.shutdown(socket.SHUT_WR)
    return digest.hexdigest()


def _receive(sock: socket.socket) -> tuple[str, int]:
    digest = hashlib.sha256()
    total = 0
    while data := sock.recv(CHUNK):
        digest.update(data)
        total += len(data)
    return digest.hexdigest(), total


def _both(sock: socket.socket, seed: int, size: int) -> dict:
    result: dict = {}

    def sender() -> None:
        result["sent"] = _send(sock, seed, size)

    thread = threading.Thread(target=sender)
    thread.start()
    result["received"], result["bytes"] = _receive(sock)
    thread.join()
    return result


def _family(address: str) -> int:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def serve(address: str, port: int, seed: int, size: int, timeout: float) -> dict:
    """Take one connection; send and receive at the same time."""
    with socket.socket(_family(address), socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        listener.listen(1)
        listener.settimeout(timeout)
        print("ready", flush=True)
        sock, _ = listener.accept()
        with sock:
            sock.settimeout(timeout)
            return _both(sock, seed, size)


def connect(source: str, address: str, port: int, seed: int, size: int, timeout: float) -> dict:
    """The other end."""
    with socket.socket(_family(address), socket.SOCK_STREAM) as sock:
        sock.settimeout(timeout)
        sock.bind((source, 0))
        sock.connect((address, port))
        return _both(sock, seed, size)
