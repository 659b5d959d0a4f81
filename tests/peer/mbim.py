# SPDX-License-Identifier: GPL-2.0
"""As much of MBIM as it takes to send messages that mbimcli never sends: huge, in fragments, many at once."""

import array
import errno
import fcntl
import os
import select
import struct
import termios
import uuid

OPEN, CLOSE, COMMAND = 1, 2, 3
OPEN_DONE, CLOSE_DONE, COMMAND_DONE, FUNCTION_ERROR, INDICATION = 0x80000001, 0x80000002, 0x80000003, 0x80000004, 0x80000007
BASIC_CONNECT = uuid.UUID("a289cc33-bcbb-8b4f-b6b0-133ec2aae6df").bytes
NOBODY = uuid.UUID("00112233-4455-6677-8899-aabbccddeeff").bytes
DEVICE_CAPS, SUBSCRIBER_READY_STATUS, RADIO_STATE = 1, 2, 3
HEADER, FRAGMENT, COMMAND_HEADER = 12, 20, 48


class Port:
    """An MBIM port, its session open."""

    def __init__(self, device: str, transfer: int, timeout: float) -> None:
        self.fd = os.open(device, os.O_RDWR | os.O_NONBLOCK)
        self.timeout = timeout
        self.units: list[int] = []
        self.write(struct.pack("<IIII", OPEN, 16, 1, transfer))
        kind, _, body = self.message()
        if kind != OPEN_DONE or body != bytes(4):
            raise ValueError(f"open was answered with {kind:#x} {body.hex()}")

    def wait(self, events: int) -> None:
        """Until the port is ready."""
        poll = select.poll()
        poll.register(self.fd, events)
        if not poll.poll(self.timeout * 1000):
            raise TimeoutError("the port is not ready")

    def write(self, data: bytes) -> None:
        """One unit, when the port takes it."""
        while True:
            try:
                os.write(self.fd, data)
                return
            except BlockingIOError:
                self.wait(select.POLLOUT)

    def unit(self) -> bytes:
        """One unit of the modem."""
        while True:
            try:
                return os.read(self.fd, 65536)
            except BlockingIOError:
                self.wait(select.POLLIN)

    def message(self) -> tuple[int, int, bytes]:
        """One message of the modem, put together: type, transaction id, what follows the headers."""
        unit = self.unit()
        kind, length, tid = struct.unpack_from("<III", unit)
        if length != len(unit):
            raise ValueError(f"a unit of {len(unit)} bytes says that it has {length}")
        self.units.append(length)
        if kind not in (COMMAND_DONE, INDICATION):
            return kind, tid, unit[HEADER:]
        total = struct.unpack_from("<I", unit, HEADER)[0]
        body = unit[FRAGMENT:]
        for number in range(1, total):
            unit = self.unit()
            self.units.append(len(unit))
            if struct.unpack_from("<IIIII", unit) != (kind, len(unit), tid, total, number):
                raise ValueError(f"fragment {number} of {total} has a wrong header: {unit[:FRAGMENT].hex()}")
            body += unit[FRAGMENT:]
        return kind, tid, body

    def answer(self, tid: int) -> bytes:
        """The answer to a command; indications are skipped."""
        while True:
            kind, got, body = self.message()
            if kind == COMMAND_DONE and got == tid:
                return body
            if kind != INDICATION:
                raise ValueError(f"transaction {tid} was answered with {kind:#x} for {got}: {body.hex()}")

    def close(self) -> None:
        """End the session."""
        self.write(struct.pack("<III", CLOSE, HEADER, 2))
        while self.message()[0] != CLOSE_DONE:
            pass
        os.close(self.fd)


def _command(tid: int, service: bytes, cid: int, info: bytes, change: bool = False) -> bytes:
    head = struct.pack("<IIIII", COMMAND, COMMAND_HEADER + len(info), tid, 1, 0)
    return head + service + struct.pack("<III", cid, change, len(info)) + info


def _status(body: bytes) -> int:
    return int(struct.unpack_from("<I", body, 20)[0])


def sizes(device: str, sizes: list, timeout: float) -> list:
    """Whole commands of these sizes for a service that nobody has; the status of each answer, or an error's name."""
    results: list = []
    port = Port(device, 32768, timeout)
    for tid, size in enumerate(sizes, 10):
        try:
            port.write(_command(tid, NOBODY, 1, bytes(size - COMMAND_HEADER)))
            results.append(_status(port.answer(tid)))
        except OSError as err:
            results.append(errno.errorcode[err.errno or 0])
    port.close()
    return results


def fragmented(device: str, transfer: int, timeout: float) -> dict:
    """Ask for the device's capabilities with large and with small units; and send a command in small units."""
    port = Port(device, 4096, timeout)
    port.write(_command(10, BASIC_CONNECT, DEVICE_CAPS, b""))
    whole = port.answer(10)
    port.close()

    port = Port(device, transfer, timeout)
    port.units.clear()
    port.write(_command(11, BASIC_CONNECT, DEVICE_CAPS, b""))
    parts = port.answer(11)
    units = list(port.units)

    # The same the other way: a command whose information is longer than a unit.
    message = _command(12, NOBODY, 1, bytes(range(256)) * 2)[FRAGMENT:]
    room = transfer - FRAGMENT
    pieces = [message[start:start + room] for start in range(0, len(message), room)]
    for number, piece in enumerate(pieces):
        port.write(struct.pack("<IIIII", COMMAND, FRAGMENT + len(piece), 12, len(pieces), number) + piece)
    status = _status(port.answer(12))
    port.close()
    return {"same": whole == parts, "units": units, "sent": len(pieces), "status": status}


def _unread(fd: int) -> int:
    amount = array.array("i", [0])
    fcntl.ioctl(fd, termios.TIOCINQ, amount)
    return amount[0]


def unread(device: str, count: int, timeout: float) -> dict:
    """Ask many questions, read nothing; how much is kept in the kernel meanwhile; then read all the answers."""
    port = Port(device, 4096, timeout)
    for tid in range(100, 100 + count):
        port.write(_command(tid, BASIC_CONNECT, DEVICE_CAPS, b""))
    # Everything has been sent when the port is writable again and nothing more comes in.
    port.wait(select.POLLOUT)
    peak = -1
    poll = select.poll()
    while (now := _unread(port.fd)) != peak:
        peak = now
        poll.poll(300)
    lengths = set()
    order = []
    for _ in range(count):
        kind, tid, body = port.message()
        if kind != COMMAND_DONE:
            raise ValueError(f"unexpected message {kind:#x}")
        order.append(tid)
        lengths.add(len(body) + FRAGMENT)
    left = _unread(port.fd)
    port.close()
    return {"peak": peak, "answer": max(lengths), "complete": order == list(range(100, 100 + count)), "left": left}


def indications(device: str, wanted: list, timeout: float) -> list:
    """Switch the radio off and on; the kinds of news that come, until all the wanted ones came, twice."""
    port = Port(device, 4096, timeout)
    seen: list[int] = []
    for tid, state in ((10, 0), (11, 1)):
        port.write(_command(tid, BASIC_CONNECT, RADIO_STATE, struct.pack("<I", state), change=True))
        news: list[int] = []
        while not set(wanted) <= set(news):
            kind, _, body = port.message()
            if kind == INDICATION and body[:16] == BASIC_CONNECT:
                news.append(struct.unpack_from("<I", body, 16)[0])
        seen += news
    port.close()
    return seen


def query(tid: int) -> str:
    """A harmless command, in hexadecimal."""
    return _command(tid, BASIC_CONNECT, SUBSCRIBER_READY_STATUS, b"").hex()
