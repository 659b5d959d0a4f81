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
PREFIX = 4
RING = 3		# messages that a ring holds
WINDOW = 24
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


def test_messages_with_a_length(modem: Modem) -> None:
    """As programs send them: the length of the rest, and the rest, which may be nothing; one message is one unit."""
    noise = random.Random(2)
    sizes = [PREFIX, PREFIX + 1, 2048, 2049, LARGEST - 1, LARGEST] + [noise.randint(PREFIX, LARGEST) for _ in range(60)]
    assert modem.call("rpc", "converse", DEVICE, sizes, 1, TIMEOUT) == {"good": len(sizes), "most": 1, "wrong": ""}


def test_calls(modem: Modem) -> None:
    """What a connection manager does all day: a short request, a short answer, the next one."""
    noise = random.Random(3)
    sizes = [noise.randint(20, 300) for _ in range(1000)]
    assert modem.call("rpc", "converse", DEVICE, sizes, 1, TIMEOUT) == {"good": len(sizes), "most": 1, "wrong": ""}


@pytest.mark.parametrize("sizes", ("short", "mixed", "largest"))
def test_many_under_way(modem: Modem, sizes: str) -> None:
    """A stream of messages both ways at once, far more than the rings hold, in order and unchanged."""
    noise = random.Random(4)
    lengths = {"short": [noise.randint(PREFIX, 200) for _ in range(2000)],
               "mixed": [noise.choice((PREFIX, 40, 2000, 9000, LARGEST)) for _ in range(600)],
               "largest": [LARGEST] * 300}[sizes]
    result = modem.call("rpc", "converse", DEVICE, lengths, WINDOW, TIMEOUT)
    assert (result["good"], result["wrong"]) == (len(lengths), "")
    assert result["most"] > RING


def test_answers_that_nobody_read(modem: Modem) -> None:
    """The next program gets its own answers only."""
    for count in (1, WINDOW):
        assert modem.call("rpc", "leave", DEVICE, count, 500) == count
        assert modem.call("rpc", "converse", DEVICE, [100] * 5, 1, TIMEOUT) == {"good": 5, "most": 1, "wrong": ""}


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
