# SPDX-License-Identifier: GPL-2.0
"""Programs that use ports and links without regard to whether they are there, until SIGTERM.

Each round that went well is a dot on standard output. The result says how many there were, which errors came, the
longest time that a system call took, and which errors a program need not reckon with.
"""

import contextlib
import errno
import fcntl
import os
import random
import select
import signal
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator

import icmp
import ports

PAUSE = 0.01			# after a round that failed
REST = 0.002			# after one that went well, so that the others get the CPU, too
ANSWER = 0.5			# seconds to wait for one
BURST = 32			# datagrams that are on their way while the next thing happens
DISCARD = 9			# to where nobody listens

SIOCGIFFLAGS, SIOCSIFFLAGS, SIOCSIFADDR, SIOCSIFDSTADDR = 0x8913, 0x8914, 0x8916, 0x8918
IFF_UP = 1

# What open(), read(), write() and taking a link up may say while a modem dies, is dead, or comes back.
PORT_ERRORS = {"ENOENT", "ENODEV", "ENXIO", "EIO", "ETIMEDOUT", "EREMOTEIO", "EBUSY", "EINTR"}
LINK_ERRORS = {"ENODEV", "EIO", "ETIMEDOUT", "EREMOTEIO", "ENETDOWN", "ENETUNREACH", "EADDRNOTAVAIL", "ENOBUFS", "EBUSY",
               "EPROTO", "EINTR", "EHOSTUNREACH"}
UNREACHED = "EINVAL when sending"	# and only then


class Clock:
    """Measures system calls."""

    def __init__(self) -> None:
        self.longest, self.slowest = 0.0, ""

    @contextlib.contextmanager
    def __call__(self, what: str) -> Iterator[None]:
        start = time.monotonic()
        try:
            yield
        finally:
            took = time.monotonic() - start
            if took > self.longest:
                self.longest, self.slowest = took, what


def _repeat(round_: Callable[[Clock], str], known: set) -> dict:
    """Rounds return nothing, or what was not well; errors of the kernel are counted by name."""
    told = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: told.set())
    clock, errors, good = Clock(), Counter(), 0
    print("ready", flush=True)
    while not told.is_set():
        try:
            wrong = round_(clock)
        except OSError as err:
            wrong = errno.errorcode[err.errno or 0]
        if wrong:
            errors[wrong] += 1
            # That a modem is back has no event here: the next try is the test.
            time.sleep(PAUSE)
        else:
            good += 1
            print(".", end="", flush=True)
            time.sleep(REST)
    print()
    return {"good": good, "errors": errors, "unexpected": sorted(set(errors) - known - {"silence"}),
            "longest": clock.longest, "slowest": clock.slowest}


def port(device: str) -> dict:
    """One AT command for each open()."""
    poll_events = select.POLLIN | select.POLLHUP

    def talk(clock: Clock, fd: int) -> str:
        with clock("write"):
            os.write(fd, b"AT\r")
        poll = select.poll()
        poll.register(fd, poll_events)
        answer = b""
        while not answer.endswith(b"\r\nOK\r\n"):
            if not poll.poll(ANSWER * 1000):
                return "silence"
            with clock("read"):
                answer += os.read(fd, 4096)
        return ""

    def round_(clock: Clock) -> str:
        with clock("open"):
            fd = os.open(device, os.O_RDWR | os.O_NOCTTY)
        try:
            return talk(clock, fd)
        finally:
            with clock("close"):
                os.close(fd)

    return _repeat(round_, PORT_ERRORS | {"EPIPE"})


def _request(name: str, family: int, address: str) -> bytes:
    return struct.pack("16sHH4s8x", name.encode(), family, 0, socket.inet_aton(address))


def _set_up(control: socket.socket, name: str, up: bool) -> None:
    flags, = struct.unpack_from("H", fcntl.ioctl(control, SIOCGIFFLAGS, struct.pack("16s16x", name.encode())), 16)
    flags = flags | IFF_UP if up else flags & ~IFF_UP
    fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sH14x", name.encode(), flags))


def _address(control: socket.socket, name: str, host: str, gateway: str) -> None:
    fcntl.ioctl(control, SIOCSIFADDR, _request(name, socket.AF_INET, host))
    fcntl.ioctl(control, SIOCSIFDSTADDR, _request(name, socket.AF_INET, gateway))


def link(name: str, host: str, gateway: str) -> dict:
    """Up, a burst of datagrams, an echo request of odd size and its answer, down."""
    noise = random.Random(name)
    control = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def burst() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind((host, 0))
            for _ in range(BURST):
                sock.sendto(bytes(noise.randrange(1, 1400)), (gateway, DISCARD))

    def round_(clock: Clock) -> str:
        with clock("up"):
            _set_up(control, name, True)
        try:
            _address(control, name, host, gateway)
            try:
                burst()
                wrong = icmp.ping(host, gateway, [noise.randrange(1, 1400)], 0.0, ANSWER, False)["wrong"]
            except OSError as err:
                # There was a route, but the link went before the neighbour could be made (arp_constructor()).
                if err.errno != errno.EINVAL:
                    raise
                wrong = UNREACHED
            return "silence" if wrong.startswith("no reply") else wrong
        finally:
            with clock("down"), contextlib.suppress(OSError):
                _set_up(control, name, False)

    return _repeat(round_, LINK_ERRORS | {UNREACHED})


def hang_ups(device: str) -> dict:
    """A reader that is blocked, and one that polls; each time that the port hangs up for both is a round."""
    def reader(fd: int, seen: list) -> None:
        try:
            os.read(fd, 100)
            seen.append("data")
        except OSError as err:
            seen.append(errno.errorcode[err.errno or 0])

    def round_(_clock: Clock) -> str:
        fd = os.open(device, os.O_RDWR | os.O_NOCTTY)
        try:
            seen: list = []
            thread = threading.Thread(target=reader, args=(fd, seen), daemon=True)
            thread.start()
            print("o", end="", flush=True)
            poll = select.poll()
            poll.register(fd, select.POLLHUP)
            found = poll.poll()
            thread.join()
            return "" if found[0][1] & select.POLLHUP and seen == ["EIO"] else f"{found} {seen}"
        finally:
            os.close(fd)

    return _repeat(round_, PORT_ERRORS)


def blocked_writer(device: str, limit: int) -> dict:
    """Write to a port that takes nothing, until write() blocks; say "ready"; the error that it ends with, in the end."""
    flags = os.O_RDWR | os.O_NOCTTY
    fd = os.open(device, flags | os.O_NONBLOCK)
    blocking = os.open(device, flags)
    try:
        for _ in range(limit):
            os.write(fd, b"AT\r")
    except BlockingIOError:
        pass
    else:
        return {"error": "", "wrong": f"it took {limit} writes"}
    print("ready", flush=True)
    try:
        os.write(blocking, b"AT\r")
    except OSError as err:
        return {"error": errno.errorcode[err.errno or 0], "wrong": ""}
    finally:
        os.close(fd)
        os.close(blocking)
    return {"error": "", "wrong": "it was not blocked"}


def timed_link(name: str) -> dict:
    """Take a link up and down; the error's name, if any, and the seconds that the slower of both took."""
    clock, error = Clock(), ""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        for up in (True, False):
            try:
                with clock("up" if up else "down"):
                    _set_up(control, name, up)
            except OSError as err:
                # A link that could not be taken up may be gone when it is to be taken down.
                error = error or errno.errorcode[err.errno or 0]
    return {"error": error, "seconds": clock.longest}


def comeback(device: str) -> float:
    """Hold a port until it hangs up, then try until a command is answered; when that was, CLOCK_MONOTONIC."""
    fd = os.open(device, os.O_RDWR | os.O_NOCTTY)
    print("ready", flush=True)
    poll = select.poll()
    poll.register(fd, select.POLLHUP)
    poll.poll()
    os.close(fd)
    while True:
        try:
            if ports.at(device, ["AT"], 1.0) == ["AT\r\r\nOK\r\n"]:
                return time.monotonic()
        except OSError:
            # To try again is how the comeback is measured.
            time.sleep(PAUSE)


def link_comeback(name: str, host: str, gateway: str) -> float:
    """Wait until a link is another one, and try until it carries something; when that was, CLOCK_MONOTONIC."""
    before = socket.if_nametoindex(name)
    control = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    print("ready", flush=True)
    while True:
        with contextlib.suppress(OSError):
            if socket.if_nametoindex(name) != before:
                _set_up(control, name, True)
                _address(control, name, host, gateway)
                if not icmp.ping(host, gateway, [56], 0.0, 1.0, False)["wrong"]:
                    return time.monotonic()
        # As in comeback().
        time.sleep(PAUSE)
