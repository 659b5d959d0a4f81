# SPDX-License-Identifier: GPL-2.0
"""A program that talks RPC: messages that begin with the length of the rest, several under way at a time."""

import errno
import os
import random
import select
import struct

PREFIX = struct.Struct("<I")


def _message(number: int, size: int) -> bytes:
    """Of so many bytes with its prefix; each number has a content of its own."""
    return PREFIX.pack(size - PREFIX.size) + random.Random(number).randbytes(size - PREFIX.size)


def _read(fd: int, expected: bytes) -> str:
    """One message; what is wrong with it."""
    message = os.read(fd, 65536)
    if len(message) < PREFIX.size or PREFIX.unpack_from(message)[0] != len(message) - PREFIX.size:
        return f"a unit of {len(message)} bytes is not one message"
    if message != expected:
        return f"{len(expected)} bytes came back as {len(message)} others"
    return ""


def _write(fd: int, message: bytes) -> bool:
    """One message; False if the port takes none now."""
    try:
        return os.write(fd, message) == len(message)
    except OSError as err:
        if err.errno != errno.EAGAIN:
            raise
        return False


def converse(device: str, sizes: list, window: int, timeout: float) -> dict:
    """Messages of these sizes to a modem that returns them; a new one as soon as fewer than a window are under way.

    However quick the modem is, answers are read only when no more can be written.
    """
    fd = os.open(device, os.O_RDWR | os.O_NONBLOCK)
    poll = select.poll()
    written = good = most = 0
    try:
        while good < len(sizes):
            more = written < min(len(sizes), good + window)
            poll.register(fd, select.POLLIN | (select.POLLOUT if more else 0))
            found = poll.poll(timeout * 1000)
            events = found[0][1] if found else 0
            if not events & (select.POLLIN | select.POLLOUT):
                return {"good": good, "most": most, "wrong": f"nothing happens, {written - good} messages are under way"}
            if more and events & select.POLLOUT and _write(fd, _message(written, sizes[written])):
                written += 1
                most = max(most, written - good)
            elif events & select.POLLIN:
                wrong = _read(fd, _message(good, sizes[good]))
                if wrong:
                    return {"good": good, "most": most, "wrong": wrong}
                good += 1
    finally:
        os.close(fd)
    return {"good": good, "most": most, "wrong": ""}


def leave(device: str, count: int, size: int) -> int:
    """Write messages and go, without reading the answers; how many were written."""
    fd = os.open(device, os.O_RDWR)
    try:
        for number in range(count):
            os.write(fd, _message(1000 + number, size))
    finally:
        os.close(fd)
    return count
