# SPDX-License-Identifier: GPL-2.0
"""Allocations that fail: those of everybody who cannot wait, or the Nth one of a single system call.

While nothing that cannot wait gets memory, even the serial line to the host is not to be relied on. So what happens
then is in one function that ends the pressure itself.
"""

import array
import contextlib
import errno
import fcntl
import os
import socket
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import links

DEBUG = Path("/sys/kernel/debug")
KINDS = ("failslab", "fail_page_alloc")
SIOCGIFFLAGS, SIOCSIFFLAGS, SIOCETHTOOL, IFF_UP = 0x8913, 0x8914, 0x8946, 1
ETHTOOL_GSTRINGS, ETHTOOL_GSTATS, ETHTOOL_GSSET_INFO, ETH_SS_STATS = 0x1b, 0x1d, 0x37, 1
SO_RCVBUFFORCE, UDP_SEGMENT = 33, 103
POLL = 0.0002		# seconds
SILENCE = 0.1		# seconds without a packet, while many are offered


def _write(kind: str, **values: object) -> None:
    for name, value in values.items():
        (DEBUG / kind / name.replace("_", "-")).write_text(f"{value}\n", encoding="ascii")


def _press(kinds: list, probability: int) -> None:
    """From now on, so many of a hundred allocations fail; in interrupts, too."""
    for kind in kinds:
        _write(kind, probability=probability)


@contextlib.contextmanager
def _pressure(kinds: list, probability: int) -> Iterator[None]:
    for kind in KINDS:
        _write(kind, probability=0, interval=1, times=-1, space=0, verbose=0, task_filter="N", ignore_gfp_wait="Y")
    _write("fail_page_alloc", min_order=0)
    try:
        _press(kinds, probability)
        yield
    finally:
        _press(list(KINDS), 0)


def _ethtool(sock: socket.socket, name: str, data: array.array) -> array.array:
    address, _ = data.buffer_info()
    fcntl.ioctl(sock, SIOCETHTOOL, struct.pack("16sQ16x", name.encode(), address))
    return data


class _Counters:
    """ethtool -S without another process."""

    def __init__(self, name: str) -> None:
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.name = name
        info = _ethtool(self.sock, name, array.array("I", [ETHTOOL_GSSET_INFO, 0, 1 << ETH_SS_STATS, 0, 0]))
        self.count = info[4]
        head = struct.pack("=III", ETHTOOL_GSTRINGS, ETH_SS_STATS, self.count)
        text = _ethtool(self.sock, name, array.array("B", head + bytes(32 * self.count))).tobytes()[12:]
        self.names = [text[at:at + 32].split(b"\0")[0].decode() for at in range(0, len(text), 32)]

    def read(self, wanted: list) -> int:
        """The sum of some of them."""
        head = struct.pack("=II", ETHTOOL_GSTATS, self.count)
        values = _ethtool(self.sock, self.name, array.array("B", head + bytes(8 * self.count))).tobytes()[8:]
        return sum(struct.unpack_from("=Q", values, 8 * self.names.index(name))[0] for name in wanted)


def _received(name: str) -> int:
    return int(Path(f"/sys/class/net/{name}/statistics/rx_packets").read_text(encoding="ascii"))


def _until(condition: Callable[[], bool], timeout: float, what: str) -> None:
    end = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(what)
        # Counters of a device have no event to wait for. Short: what comes next is timed to parts of a millisecond.
        time.sleep(POLL)


def _silent(name: str) -> bool:
    before = _received(name)
    # That nothing comes has no event: only time can show it.
    time.sleep(SILENCE)
    return _received(name) == before


def squeeze(name: str, kinds: list, probability: int, wanted: list, growth: int, packets: int, timeout: float) -> float:
    """Let allocations fail until counters have grown; how many milliseconds then until so many packets have come in."""
    counters = _Counters(name)
    before = counters.read(wanted)
    with _pressure(kinds, probability):
        _until(lambda: counters.read(wanted) >= before + growth, timeout, f"{wanted} do not grow")
    start = time.monotonic()
    came = _received(name)
    _until(lambda: _received(name) >= came + packets, timeout, "no packets after the pressure")
    return 1000 * (time.monotonic() - start)


def starve(name: str, address: str, port: int, smallest: int, timeout: float) -> float:
    """Let no page of some order be had, and keep all that comes, until nothing comes any more; then as squeeze()."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 128 << 20)
        with _pressure(["fail_page_alloc"], 100):
            _write("fail_page_alloc", min_order=smallest)
            sock.bind((address, port))
            _until(lambda: _silent(name), timeout, "packets still come")
        start = time.monotonic()
        came = _received(name)
        _until(lambda: _received(name) > came + 20, timeout, "no packets after the pressure")
        return 1000 * (time.monotonic() - start)


def send(source: str, address: str, port: int, size: int, segments: int, count: int) -> dict:
    """Numbered datagrams, some in one call, while nothing that cannot wait gets memory."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((source, 0))
        sock.connect((address, port))
        sock.setsockopt(socket.SOL_UDP, UDP_SEGMENT, size)
        with _pressure(list(KINDS), 100):
            for start in range(0, count, segments):
                sock.send(b"".join(number.to_bytes(4, "little").ljust(size, b"\xa5")
                                   for number in range(start, min(count, start + segments))))
    return {"sent": count}


def _each_in_turn(act: Callable[[], int], settle: Callable[[int], int], most: int) -> dict:
    """A system call again and again: its first allocation fails, then its second one, and so on, until none is left.

    What act() returns goes to settle(), which says how it ended and undoes what was done.
    """
    ends: dict[str, int] = {}
    for kind in KINDS:
        _write(kind, probability=0, verbose=0, ignore_gfp_wait="N")
    _write("fail_page_alloc", min_order=0)
    handle = os.open("/proc/thread-self/fail-nth", os.O_RDWR)
    try:
        for number in range(1, most):
            os.pwrite(handle, f"{number}\n".encode(), 0)
            error = act()
            left = int(os.pread(handle, 32, 0))
            os.pwrite(handle, b"0\n", 0)
            error = settle(error)
            word = errno.errorcode[error] if error else "success"
            ends[word] = ends.get(word, 0) + 1
            if left:
                return {"allocations": number - 1, "ends": ends, "last": word}
    finally:
        os.close(handle)
        for kind in KINDS:
            _write(kind, ignore_gfp_wait="Y")
    raise RuntimeError(f"more than {most} allocations")


def bring_up(name: str, most: int) -> dict:
    """Bring a link up without memory."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        def flags() -> int:
            return struct.unpack("16sh14x", fcntl.ioctl(sock, SIOCGIFFLAGS, struct.pack("16sh14x", name.encode(), 0)))[1]

        down = struct.pack("16sh14x", name.encode(), flags() & ~IFF_UP)
        up = struct.pack("16sh14x", name.encode(), flags() | IFF_UP)

        def act() -> int:
            try:
                fcntl.ioctl(sock, SIOCSIFFLAGS, up)
            except OSError as err:
                return err.errno or -1
            return 0

        def settle(error: int) -> int:
            if bool(flags() & IFF_UP) != (not error):
                raise RuntimeError(f"error {error}, and flags are {flags():#x}")
            if not error:
                fcntl.ioctl(sock, SIOCSIFFLAGS, down)
            return error

        return _each_in_turn(act, settle, most)


def create(name: str, session: int, most: int) -> dict:
    """Make a link without memory."""
    request, undo = links.add_message(name, "wwan0", session), links.delete_message(name)
    with links.open_socket() as sock:
        def act() -> int:
            try:
                sock.send(request)
            except OSError as err:
                return err.errno or -1
            return 0

        def settle(error: int) -> int:
            if not error:
                try:
                    word = links.read_answer(sock)["error"]
                    error = getattr(errno, word) if word else 0
                except OSError as err:
                    # There was no memory for the answer.
                    error = err.errno or -1
            if os.path.exists(f"/sys/class/net/{name}"):
                sock.send(undo)
                if links.read_answer(sock)["error"]:
                    raise RuntimeError("the link cannot be removed")
            return error

        return _each_in_turn(act, settle, most)
