# SPDX-License-Identifier: GPL-2.0
"""Small exchanges, one after the other, until SIGTERM or an error: something that goes on while other things happen.

Each exchange that succeeded is a dot on standard output. The result says how many there were, what was wrong with the
last one, and which error the kernel gave.
"""

import errno
import random
import select
import signal
import socket
import threading
import time
from collections.abc import Callable

INVERT = bytes(255 - value for value in range(256))
PAUSE = 0.003
PATIENCE = 20.0			# seconds for one exchange; whatever it has to wait for is over before


def _repeat(exchange: Callable[[int], str]) -> dict:
    told = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: told.set())
    good, wrong, error = 0, "", ""
    print("ready", flush=True)
    try:
        while not told.is_set() and not wrong:
            wrong = exchange(good)
            if not wrong:
                good += 1
                print(".", end="", flush=True)
                # As fast as it can, it would take the CPU from what the test is about.
                time.sleep(PAUSE)
    except TimeoutError:
        wrong = "no answer"
    except OSError as err:
        error = errno.errorcode[err.errno or 0]
    print()
    return {"good": good, "wrong": wrong, "error": error}


def at(device: str) -> dict:
    """AT commands on one open port, with another argument each time, which the modem refuses and returns."""
    with open(device, "r+b", buffering=0) as port:
        poll = select.poll()
        poll.register(port, select.POLLIN)

        def exchange(number: int) -> str:
            command = b"AT+TURN%d\r" % number
            port.write(command)
            answer = b""
            while not answer.endswith(b"\r\nERROR\r\n"):
                if not poll.poll(PATIENCE * 1000):
                    return f"no answer, only {answer!r}"
                answer += port.read(4096)
            return "" if answer == command + b"\r\nERROR\r\n" else f"{answer!r} for {command!r}"

        return _repeat(exchange)


def hold(device: str) -> dict:
    """An open port that nobody uses, until it hangs up or somebody says that it is enough."""
    with open(device, "r+b", buffering=0) as port:
        poll = select.poll()
        poll.register(port, 0)

        def exchange(_number: int) -> str:
            found = poll.poll(50)
            return "" if not found else f"events {found[0][1]:#x}"

        return _repeat(exchange)


def datagrams(source: str, address: str, port: int, window: int) -> dict:
    """Bursts of datagrams of odd sizes to complement(); every one has to come back, in order, with the right bytes."""
    noise = random.Random(port)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((source, 0))
        sock.connect((address, port))
        sock.settimeout(PATIENCE)

        def exchange(_number: int) -> str:
            sent = [noise.randbytes(noise.randrange(1, 1400)) for _ in range(window)]
            for data in sent:
                sock.send(data)
            for data in sent:
                if sock.recv(65536) != data.translate(INVERT):
                    return f"{len(data)} bytes came back as others"
            return ""

        return _repeat(exchange)


def complement(address: str, port: int) -> None:
    """Answer datagrams with their complement, until the end comes from outside."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((address, port))
        print("ready", flush=True)
        while True:
            data, peer = sock.recvfrom(65536)
            sock.sendto(data.translate(INVERT), peer)
