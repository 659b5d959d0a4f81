# SPDX-License-Identifier: GPL-2.0
"""Echo requests that are compared and counted exactly: ping(8) gives up two round trips after its last request."""

import os
import random
import socket
import struct
import time

IPV4_HEADER, ICMP_HEADER = 20, 8
ECHO = {socket.AF_INET: (8, 0), socket.AF_INET6: (128, 129)}
IP_MTU_DISCOVER, IP_PMTUDISC_DO, IPV6_DONTFRAG = 10, 2, 62


def _checksum(data: bytes) -> int:
    total = sum(struct.unpack(f"!{len(data) // 2}H", data[:len(data) & ~1]))
    if len(data) % 2:
        total += data[-1] << 8
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def _socket(source: str, address: str, whole: bool) -> socket.socket:
    if ":" in address:
        sock = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
        sock.setsockopt(socket.IPPROTO_IPV6, IPV6_DONTFRAG, whole)
    else:
        sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        if whole:
            sock.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO)
    if source:
        sock.bind((source, 0))
    sock.connect((address, 0))
    return sock


def _request(family: int, identity: int, number: int, payload: bytes) -> bytes:
    head = struct.pack("!BBHHH", ECHO[family][0], 0, 0, identity, number)
    # The kernel fills in the checksum of ICMPv6.
    total = _checksum(head + payload) if family == socket.AF_INET else 0
    return struct.pack("!BBHHH", ECHO[family][0], 0, total, identity, number) + payload


def _reply(sock: socket.socket, identity: int, number: int, end: float) -> bytes:
    """The payload of the reply to one request."""
    while True:
        sock.settimeout(max(0.001, end - time.monotonic()))
        packet = sock.recv(65536)
        if sock.family == socket.AF_INET:
            packet = packet[IPV4_HEADER:]
        kind, _, _, got, which = struct.unpack_from("!BBHHH", packet)
        if (kind, got, which) == (ECHO[sock.family][1], identity, number):
            return packet[ICMP_HEADER:]


def ping(source: str, address: str, sizes: list, interval: float, timeout: float, whole: bool) -> dict:
    """A request for each payload size, one after the other; how many good replies, and what was wrong."""
    noise = random.Random(3)
    identity = (os.getpid() ^ noise.randrange(1 << 16)) & 0xffff
    with _socket(source, address, whole) as sock:
        for number, size in enumerate(sizes):
            payload = noise.randbytes(size)
            sock.send(_request(sock.family, identity, number & 0xffff, payload))
            try:
                reply = _reply(sock, identity, number & 0xffff, time.monotonic() + timeout)
            except TimeoutError:
                return {"good": number, "wrong": f"no reply to {size} bytes"}
            if reply != payload:
                return {"good": number, "wrong": f"{size} bytes came back as {len(reply)} others"}
            if interval:
                # The pause is the stimulus: it lets the modem's link fall asleep; nothing is awaited by it.
                time.sleep(interval)
    return {"good": len(sizes), "wrong": ""}
