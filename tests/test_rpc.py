# SPDX-License-Identifier: GPL-2.0
"""The RPC port of the 7360: messages that the driver passes through unread.

Implements the check of protocol.rst 4.1, 4.2 and 8.3.
"""

from __future__ import annotations

import random

import pytest
from testlib.modem import Modem

DEVICE = "/dev/wwan0xmmrpc0"
LARGEST = 32768
TIMEOUT = 10.0

pytestmark = pytest.mark.emulator(device="7360")


def test_echo_of_all_sizes(modem: Modem) -> None:
    """Each message comes back as one unit, unchanged, from the smallest to the largest."""
    noise = random.Random(1)
    edges = [1, 2, 3, 4, 5, 15, 16, 17, 255, 256, 2047, 2048, 2049, 4095, 4096, 4097, 16383, 16384, 16385, LARGEST - 1, LARGEST]
    sizes = edges + [noise.randint(1, LARGEST) for _ in range(40)]
    assert modem.call("ports", "echo", DEVICE, sizes, 1, TIMEOUT) == {"good": len(sizes), "wrong": ""}


def test_several_at_once(modem: Modem) -> None:
    """More messages under way than a pipe has entries."""
    sizes = [1 + (number * 37) % 3000 for number in range(400)]
    assert modem.call("ports", "echo", DEVICE, sizes, 16, TIMEOUT) == {"good": len(sizes), "wrong": ""}


def test_too_large(modem: Modem) -> None:
    """A message is one TD or none; nothing at all is nothing."""
    assert modem.call("ports", "write_sizes", DEVICE, [LARGEST + 1, 1 << 20, 0]) == ["EMSGSIZE", "EMSGSIZE", 0]
    assert modem.call("ports", "echo", DEVICE, [100], 1, TIMEOUT) == {"good": 1, "wrong": ""}


def test_read_in_parts(modem: Modem) -> None:
    """The rest of a unit stays for the next read()."""
    result = modem.call("ports", "echo_in_parts", DEVICE, 10000, 4096, TIMEOUT)
    assert result == {"same": True, "reads": [4096, 4096, 1808], "left": 0}


def test_message_and_stream_together(modem: Modem) -> None:
    """RPC and both AT ports at the same time."""
    at = modem.begin("ports", "at_both", ["/dev/wwan0at0", "/dev/wwan0at1"], ["AT", "AT+CGMI"], 20, TIMEOUT)
    assert modem.call("ports", "echo", DEVICE, [LARGEST] * 100, 4, TIMEOUT) == {"good": 100, "wrong": ""}
    answers = at()
    assert all(len(rounds) == 20 and all(answer.endswith("\r\nOK\r\n") for pair in rounds for answer in pair)
               for rounds in answers.values())
