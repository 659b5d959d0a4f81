# SPDX-License-Identifier: GPL-2.0
"""A program that takes its time."""

import select
import signal
import socket


def reader(host: str, gateway: str, port: int, count: int) -> int:
    """Datagrams to somebody who returns their complement, read only when SIGTERM says so; how many were good."""
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock, \
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as flag:
        sock.bind((host, 0))
        for number in range(count):
            sock.sendto(bytes([number]) * 1000, (gateway, port))
            # As the last byte of the queue cannot be seen, an exchange on another socket tells that this one came.
            flag.sendto(b"x", (gateway, port))
            flag.recv(10)
        if not select.select([sock], [], [], 5.0)[0]:
            return 0
        print("ready", flush=True)
        signal.sigwait([signal.SIGTERM])
        sock.setblocking(False)
        good = 0
        try:
            for number in range(count):
                good += sock.recv(2000) == bytes([255 - number]) * 1000
        except BlockingIOError:
            pass
        return good
