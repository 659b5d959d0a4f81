# SPDX-License-Identifier: GPL-2.0
"""The log of the modem's firmware, as a tool reads it: frames of emulator/fwlog.h."""

import errno
import json
import os
import select
import signal

FLAG = b"\x7e"
NUMBER = 4
FILLERS = [bytes((first + i * 5) & 0xFF for i in range(150)) for first in range(256)]
CHUNK = 65536
PAUSE = 0.005		# a relay file says nothing before a whole sub-buffer is full


class Decoder:
    """Bytes to frames, checked."""

    def __init__(self) -> None:
        self.rest = b""
        self.bytes = 0
        self.frames = 0
        self.runs: list = []		# first and last number of frames that follow each other
        self.wrong = ""

    def _frame(self, raw: bytes) -> None:
        content = raw.replace(b"\x7d\x5e", FLAG).replace(b"\x7d\x5d", b"\x7d")
        number = int.from_bytes(content[:NUMBER], "little")
        if content[NUMBER:] != FILLERS[number & 0xFF][:1 + number * 37 % 150]:
            self.wrong = self.wrong or f"frame {self.frames}, number {number}, is not as it was sent"
        self.frames += 1
        if self.runs and self.runs[-1][1] + 1 == number:
            self.runs[-1][1] = number
        else:
            self.runs.append([number, number])

    def feed(self, data: bytes) -> None:
        """More of the stream."""
        self.bytes += len(data)
        parts = (self.rest + data).split(FLAG)
        # Between the flags: nothing, a frame, nothing, a frame, ...
        whole = (len(parts) - 1) // 2 * 2
        for between, frame in zip(parts[:whole:2], parts[1:whole:2], strict=True):
            if between:
                self.wrong = self.wrong or f"{len(between)} bytes between frames {self.frames - 1} and {self.frames}"
            self._frame(frame)
        self.rest = FLAG.join(parts[whole:])

    def result(self, error: str = "") -> dict:
        """All about it; what is left must be no part of a frame."""
        wrong = self.wrong or (f"{len(self.rest)} bytes of a frame at the end" if self.rest else "")
        return {"bytes": self.bytes, "frames": self.frames, "runs": self.runs, "wrong": wrong, "error": error}


def read_all(path: str) -> dict:
    """What there is now."""
    decoder = Decoder()
    with open(path, "rb", buffering=0) as file:
        while data := file.read(CHUNK):
            decoder.feed(data)
    return decoder.result()


def follow(path: str) -> dict:
    """Read until SIGTERM, then what is left, or until an error; says how many frames came so far."""
    stopped: list = []
    signal.signal(signal.SIGTERM, lambda *_: stopped.append(True))
    decoder = Decoder()
    fd = os.open(path, os.O_RDONLY)
    print("ready", flush=True)
    told = 0
    while True:
        last = bool(stopped)
        try:
            data = os.read(fd, CHUNK)
        except OSError as err:
            return decoder.result(errno.errorcode[err.errno or 0])
        if data:
            decoder.feed(data)
        elif decoder.frames != told:
            told = decoder.frames
            print(json.dumps(told), flush=True)
        elif last:
            return decoder.result()
        else:
            select.select([], [], [], PAUSE)


def wait_readable(path: str, timeout: float) -> dict:
    """How poll() tells of data: what it says at once, and what when it returns, until the first of both ends."""
    poll = select.poll()
    with open(path, "rb", buffering=0) as file:
        poll.register(file, select.POLLIN)
        before = [events for _, events in poll.poll(0)]
        print("ready", flush=True)
        after = [events for _, events in poll.poll(timeout * 1000)]
    return {"before": before, "after": after}


def write(path: str, text: str) -> str:
    """One write(); the error's name, or nothing."""
    fd = os.open(path, os.O_WRONLY)
    try:
        os.write(fd, text.encode())
    except OSError as err:
        return errno.errorcode[err.errno or 0]
    finally:
        os.close(fd)
    return ""
