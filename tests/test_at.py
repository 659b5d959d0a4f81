# SPDX-License-Identifier: GPL-2.0
"""The AT ports: two byte streams that know nothing of each other.

Implements the check of protocol.rst 4.1, 4.2 and 8.2.
"""

from __future__ import annotations

import pytest
from testlib.modem import Address, Modem

PORTS = ["/dev/wwan0at0", "/dev/wwan0at1"]
TIMEOUT = 10.0
IDENTITY = {
    "AT": "",
    "AT+CGMI": "IOSM Project",
    "AT+CGMM": "XMM7560 (software modem)",
    "AT+CGSN": "004999010640000",
}
BUFFER = 2048


def good(command: str, answer: str) -> str:
    """What a modem with echo sends."""
    return f"{command}\r" + (f"\r\n{answer}\r\n" if answer else "") + "\r\nOK\r\n"


@pytest.mark.parametrize("device", ("7560", "7360"), scope="module")
@pytest.mark.parametrize("port", PORTS)
def test_commands(modem: Modem, device: str, port: str) -> None:
    """The modem says who it is, and refuses what it does not know."""
    commands = list(IDENTITY)
    answers = modem.call("ports", "at", port, [*commands, "ATI", "AT+NONSENSE", "AT"], TIMEOUT)
    assert answers[:4] == [good(command, IDENTITY[command]) for command in commands]
    assert "IOSM Project" in answers[4]
    assert answers[5] == "AT+NONSENSE\r\r\nERROR\r\n"
    assert answers[6] == good("AT", "")


def test_both_ports_while_data_flows(modem: Modem, mux: str) -> None:
    """A hundred commands on each port, at the same time, while datagrams go both ways."""
    modem.up(0)
    address = Address(0)
    count = 3000
    server = modem.serve("udp", "serve", address.gateway4, 7000, count, 30.0)
    data = modem.begin("udp", "exchange", address.host4, address.gateway4, 7000, [1200] * count, 32, 1, TIMEOUT)
    commands = list(IDENTITY)
    rounds = 25
    answers = modem.call("ports", "at_both", PORTS, commands, rounds, TIMEOUT)
    for port in PORTS:
        assert answers[port] == [[good(command, IDENTITY[command]) for command in commands]] * rounds
    result = data()
    assert (result["good"], result["bad"], result["lost"]) == (count, [], None)
    assert server.result() == {"received": count, "sha256": result["sha256"]}


@pytest.mark.parametrize("size", (1, 2047, 2048, 2049, 10000, 100001))
def test_long_writes_are_cut(modem: Modem, size: int) -> None:
    """A write of any length is taken whole; the modem gets it in as few pieces as fit, in order."""
    before = modem.stats()["pipes"].get("4", {"tds": 0, "bytes": 0})
    result = modem.call("ports", "at_long", PORTS[0], size, TIMEOUT)
    assert result["written"] == size
    assert result["echo"]
    assert result["rest"] == ("\r\nERROR\r\n" if size > 1 else "")
    after = modem.stats()["pipes"]["4"]
    assert after["bytes"] - before["bytes"] == size
    assert after["tds"] - before["tds"] == -(-size // BUFFER)


def test_terminal_calls(modem: Modem) -> None:
    """Programs that think an AT port is a terminal get along."""
    assert modem.call("ports", "terminal", PORTS[0])["attributes"] == 7


def test_ports_are_streams_of_their_own(modem: Modem) -> None:
    """Half a line on one port does not meet a line on the other."""
    script = ("import os\n"
              "a, b = (os.open(p, os.O_RDWR) for p in ('/dev/wwan0at0', '/dev/wwan0at1'))\n"
              "os.write(a, b'AT+CG'); os.write(b, b'AT\\r')\n"
              "answer = b''\n"
              "while not answer.endswith(b'OK\\r\\n'): answer += os.read(b, 4096)\n"
              "os.write(a, b'SN\\r')\n"
              "other = b''\n"
              "while not other.endswith((b'OK\\r\\n', b'ERROR\\r\\n')): other += os.read(a, 4096)\n"
              "print(answer, other)\n")
    out = modem.guest.python(script).out
    assert out.strip() == f"{good('AT', '').encode()} {good('AT+CGSN', IDENTITY['AT+CGSN']).encode()}"
