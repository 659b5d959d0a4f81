# SPDX-License-Identifier: GPL-2.0
"""Control ports as programs see them: read, write, poll."""

import array
import errno
import fcntl
import hashlib
import os
import random
import select
import struct
import termios
import threading
import time


def _error(err: OSError) -> str:
    return errno.errorcode[err.errno or 0]


def _wait(fd: int, events: int, timeout: float) -> int:
    """Poll one descriptor; what is reported, 0 after the time-out."""
    poll = select.poll()
    poll.register(fd, events)
    found = poll.poll(timeout * 1000)
    return found[0][1] if found else 0


def _unread(fd: int) -> int:
    amount = array.array("i", [0])
    fcntl.ioctl(fd, termios.TIOCINQ, amount)
    return amount[0]


def write_sizes(device: str, sizes: list) -> list:
    """Write so many zero bytes at once, per size; the count that write() returned, or the error's name."""
    results: list = []
    fd = os.open(device, os.O_RDWR | os.O_NONBLOCK)
    try:
        for size in sizes:
            try:
                results.append(os.write(fd, bytes(size)))
            except OSError as err:
                results.append(_error(err))
    finally:
        os.close(fd)
    return results


def idle(device: str) -> dict:
    """What an open port without traffic says."""
    fd = os.open(device, os.O_RDWR | os.O_NONBLOCK)
    try:
        poll = select.poll()
        poll.register(fd, select.POLLIN | select.POLLOUT)
        events = poll.poll(0)
        try:
            os.read(fd, 100)
            outcome = "data"
        except OSError as err:
            outcome = _error(err)
        return {"events": events[0][1] if events else 0, "read": outcome, "unread": _unread(fd)}
    finally:
        os.close(fd)


def open_error(device: str) -> str:
    """The error that open() gives, or nothing."""
    try:
        os.close(os.open(device, os.O_RDWR))
    except OSError as err:
        return _error(err)
    return ""


def _at_command(fd: int, command: str, timeout: float) -> str:
    os.write(fd, command.encode() + b"\r")
    answer = b""
    while not answer.endswith((b"\r\nOK\r\n", b"\r\nERROR\r\n")):
        if not _wait(fd, select.POLLIN, timeout):
            return f"no answer, only {answer!r}"
        answer += os.read(fd, 4096)
    return answer.decode(errors="replace")


def at(device: str, commands: list, timeout: float) -> list:
    """AT commands, one after the other; all that came back for each."""
    fd = os.open(device, os.O_RDWR)
    try:
        return [_at_command(fd, command, timeout) for command in commands]
    finally:
        os.close(fd)


def at_both(devices: list, commands: list, rounds: int, timeout: float) -> dict:
    """The same commands on several ports at once, many times; one list of answers per port and round."""
    results: dict = {device: [] for device in devices}
    barrier = threading.Barrier(len(devices))

    def talk(device: str) -> None:
        fd = os.open(device, os.O_RDWR)
        try:
            barrier.wait(timeout)
            for _ in range(rounds):
                results[device].append([_at_command(fd, command, timeout) for command in commands])
        finally:
            os.close(fd)

    threads = [threading.Thread(target=talk, args=(device,)) for device in devices]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def size_of_refusal(size: int) -> int:
    """How much the modem says to a line of nonsense; an empty one is no command at all."""
    return len("\r\nERROR\r\n") if size > 1 else 0


def at_long(device: str, size: int, timeout: float) -> dict:
    """One write of so many bytes, not a command; the echo that came back, as a checksum."""
    line = bytes(random.Random(size).choices(b"abcdefghijklmnopqrstuvwxyz0123456789", k=size - 1)) + b"\r"
    fd = os.open(device, os.O_RDWR)
    answer = b""
    written: list = []

    # The modem may want its echo read before it takes the rest.
    def writer() -> None:
        written.append(os.write(fd, line))

    thread = threading.Thread(target=writer)
    try:
        thread.start()
        while len(answer) < size + size_of_refusal(size) and _wait(fd, select.POLLIN, timeout):
            answer += os.read(fd, 4096)
        thread.join(timeout)
    finally:
        os.close(fd)
    echo = answer[:len(line)]
    return {"written": written[0] if written else None, "echo": echo == line, "rest": answer[len(line):].decode(),
            "sha256": hashlib.sha256(echo).hexdigest()}


def terminal(device: str) -> dict:
    """What programs that take an AT port for a terminal do with it."""
    fd = os.open(device, os.O_RDWR)
    try:
        attributes = termios.tcgetattr(fd)
        termios.tcsetattr(fd, termios.TCSANOW, attributes)
        lines = array.array("i", [0])
        fcntl.ioctl(fd, termios.TIOCMGET, lines)
        fcntl.ioctl(fd, termios.TIOCMBIS, struct.pack("i", termios.TIOCM_DTR))
        return {"attributes": len(attributes)}
    finally:
        os.close(fd)


def echo(device: str, sizes: list, window: int, timeout: float) -> dict:
    """Messages to a port that returns each; up to a window of them under way."""
    noise = random.Random(7)
    fd = os.open(device, os.O_RDWR)
    good = 0
    try:
        for start in range(0, len(sizes), window):
            sent = [noise.randbytes(size) for size in sizes[start:start + window]]
            for message in sent:
                count = os.write(fd, message)
                if count != len(message):
                    return {"good": good, "wrong": f"write of {len(message)} bytes returned {count}"}
            for message in sent:
                if not _wait(fd, select.POLLIN, timeout):
                    return {"good": good, "wrong": f"{len(message)} bytes did not come back"}
                answer = os.read(fd, 65536)
                if answer != message:
                    return {"good": good, "wrong": f"{len(message)} bytes came back as {len(answer)} others"}
                good += 1
    finally:
        os.close(fd)
    return {"good": good, "wrong": ""}


def echo_in_parts(device: str, size: int, part: int, timeout: float) -> dict:
    """One message, read in small parts."""
    message = random.Random(8).randbytes(size)
    fd = os.open(device, os.O_RDWR | os.O_NONBLOCK)
    try:
        os.write(fd, message)
        answer = b""
        reads = []
        while len(answer) < size and _wait(fd, select.POLLIN, timeout):
            data = os.read(fd, part)
            reads.append(len(data))
            answer += data
        return {"same": answer == message, "reads": reads, "left": _unread(fd)}
    finally:
        os.close(fd)


def fill(device: str, message: str, limit: int, settle: float, timeout: float) -> dict:
    """Write the same message (in hexadecimal) until the port takes no more; say "full"; wait until it does again.

    Tells how many it took, whether a blocking writer was held back, and whether poll() and that writer woke up. What
    the modem answered is read and counted, until nothing comes any more.
    """
    data = bytes.fromhex(message)
    fd = os.open(device, os.O_RDWR | os.O_NONBLOCK)
    blocking = os.open(device, os.O_RDWR)
    finished = threading.Event()

    def writer() -> None:
        os.write(blocking, data)
        finished.set()

    try:
        taken = 0
        outcome = ""
        while taken < limit:
            try:
                os.write(fd, data)
                taken += 1
            except OSError as err:
                outcome = _error(err)
                # Perhaps the driver is only slow.
                if outcome != "EAGAIN" or not _wait(fd, select.POLLOUT, settle):
                    break
        threading.Thread(target=writer, daemon=True).start()
        held = not finished.wait(settle)
        print("full", flush=True)
        writable = bool(_wait(fd, select.POLLOUT, timeout) & select.POLLOUT)
        resumed = finished.wait(timeout)
        answers = 0
        while answers < taken + resumed and _wait(fd, select.POLLIN, timeout):
            os.read(fd, 65536)
            answers += 1
        return {"taken": taken, "error": outcome, "held": held, "writable": writable, "resumed": resumed,
                "answers": answers}
    finally:
        os.close(fd)
        os.close(blocking)


def wait_hangup(device: str, timeout: float) -> dict:
    """Hold a port open and blocked in read() until it goes away."""
    fd = os.open(device, os.O_RDWR)
    result: dict = {}

    def reader() -> None:
        try:
            result["read"] = len(os.read(fd, 100))
        except OSError as err:
            result["read"] = _error(err)

    thread = threading.Thread(target=reader, daemon=True)
    thread.start()
    print("ready", flush=True)
    deadline = time.monotonic() + timeout
    events = 0
    while not events & select.POLLHUP and time.monotonic() < deadline:
        events = _wait(fd, select.POLLHUP, 0.5)
    thread.join(timeout)
    try:
        result["write"] = os.write(fd, b"AT\r")
    except OSError as err:
        result["write"] = _error(err)
    result["hangup"] = bool(events & select.POLLHUP)
    os.close(fd)
    return result
