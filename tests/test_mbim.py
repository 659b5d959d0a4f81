# SPDX-License-Identifier: GPL-2.0
"""The MBIM port: real mbimcli, messages of all sizes, and bounded queues.

Implements the check of protocol.rst 4.1, 4.2, 8.2 and 10.6.4 T10, T11.
"""

from __future__ import annotations

import json
import re

import pytest
from testlib.modem import Address, Modem

DEVICE = "/dev/wwan0mbim0"
LARGEST = 32768
UPLINK_PIPE = 12
NO_DEVICE_SUPPORT = 9
TIMEOUT = 10.0

POLLIN, POLLOUT = 1, 4


def mbimcli(modem: Modem, *arguments: str, check: bool = True) -> str:
    """What mbimcli writes."""
    done = modem.guest.run(["mbimcli", "-d", DEVICE, *arguments], check=check, timeout=40)
    return done.out + ("" if check else done.err)


def field(text: str, name: str) -> str:
    """The value behind a name in mbimcli's output."""
    match = re.search(rf"^\s*{re.escape(name)}:\s*'?([^'\n]*)'?\s*$", text, re.M)
    assert match, f"no {name} in {text}"
    return match[1]


def test_device_capabilities(modem: Modem) -> None:
    """Open, query, close."""
    text = mbimcli(modem, "--query-device-caps")
    assert field(text, "Device ID") == "004999010640000"
    assert field(text, "Max sessions") == "8"
    assert field(text, "Data class") == "lte"


def test_subscriber(modem: Modem) -> None:
    """A SIM that is ready."""
    text = mbimcli(modem, "--query-subscriber-ready-status")
    assert field(text, "Ready state") == "initialized"
    assert field(text, "Subscriber ID") == "001010123456789"


def test_radio_carries_the_registration(modem: Modem) -> None:
    """Radio off: not registered. Radio on: registered again."""
    try:
        assert field(mbimcli(modem, "--set-radio-state=off"), "Software radio state") == "off"
        assert field(mbimcli(modem, "--query-registration-state"), "Register state") == "deregistered"
        failure = mbimcli(modem, "--connect=session-id=0,access-string=internet,ip-type=ipv4", check=False)
        assert "RadioPowerOff" in failure
    finally:
        assert field(mbimcli(modem, "--set-radio-state=on"), "Software radio state") == "on"
    text = mbimcli(modem, "--register-automatic")
    assert field(text, "Register state") == "home"
    assert field(text, "Provider name") == "IOSM Test Net"


def test_pin(modem: Modem) -> None:
    """A wrong PIN costs an attempt, the right one gives them back."""
    assert "unlocked" in field(mbimcli(modem, "--query-pin-state"), "PIN state")
    try:
        mbimcli(modem, "--enable-pin=1234")
        failure = mbimcli(modem, "--change-pin=9999,4321", check=False)
        assert "error" in failure
        assert field(mbimcli(modem, "--query-pin-state"), "Remaining attempts") == "2"
        mbimcli(modem, "--change-pin=1234,4321")
        mbimcli(modem, "--change-pin=4321,1234")
        assert field(mbimcli(modem, "--query-pin-state"), "Remaining attempts") == "3"
    finally:
        mbimcli(modem, "--disable-pin=1234")


def test_network(modem: Modem) -> None:
    """Home provider, packet service, signal."""
    assert field(mbimcli(modem, "--query-home-provider"), "Provider ID") == "00101"
    assert field(mbimcli(modem, "--attach-packet-service"), "Packet service state") == "attached"
    assert field(mbimcli(modem, "--detach-packet-service"), "Packet service state") == "detached"
    assert field(mbimcli(modem, "--attach-packet-service"), "Packet service state") == "attached"
    assert field(mbimcli(modem, "--query-signal-state"), "RSSI [0-31,99]") == "24"


def test_services(modem: Modem) -> None:
    """The services that the modem says it has; a command of one that it has not is refused, not ignored."""
    assert "basic-connect" in mbimcli(modem, "--query-device-services")
    failure = mbimcli(modem, "--phonebook-query-configuration", check=False)
    assert "NoDeviceSupport" in failure


class Session:
    """An MBIM session that outlives mbimcli: the context of a connection ends with it."""

    def __init__(self, modem: Modem) -> None:
        self.modem = modem
        self.transaction = ""

    def run(self, *arguments: str) -> str:
        """One more command of the session."""
        resume = [f"--no-open={self.transaction}"] if self.transaction else []
        text = mbimcli(self.modem, "--no-close", *resume, *arguments)
        match = re.search(r"TRID: '(\d+)'", text)
        assert match, text
        self.transaction = match[1]
        return text

    def close(self) -> None:
        """End the session."""
        mbimcli(self.modem, f"--no-open={self.transaction}", "--query-radio-state")


@pytest.mark.parametrize("number", (0, 7))
def test_connect(modem: Modem, number: int) -> None:
    """Connect a session; the addresses it is given are those of its network; disconnect."""
    address = Address(number)
    session = Session(modem)
    text = session.run(f"--connect=session-id={number},access-string=internet,ip-type=ipv4v6")
    assert field(text, "Activation state") == "activated"
    assert field(text, "Session ID") == str(number)
    text = session.run(f"--query-ip-configuration={number}")
    for value in (f"{address.host4}/24", address.gateway4, f"{address.host6}/64", address.gateway6):
        assert f"'{value}'" in text, f"{value} is not in {text}"
    assert field(text, "MTU") == "1500"
    text = session.run(f"--disconnect={number}")
    assert field(text, "Activation state") == "deactivated"
    session.close()


def test_connected_session_carries_packets(modem: Modem) -> None:
    """What the user page of the driver tells people to do, with the addresses that the modem gave."""
    session = Session(modem)
    text = session.run("--connect=session-id=1,access-string=internet,ip-type=ipv4")
    name = modem.link_add(1)
    host = re.search(r"IP \[0\]: '([\d.]+/\d+)'", text)
    gateway = re.search(r"Gateway: '([\d.]+)'", text)
    assert host and gateway, text
    before = session.run("--query-packet-statistics")
    modem.guest.sh(f"ip addr add {host[1]} dev {name} && ip link set {name} mtu 1500 up")
    modem.ping(gateway[1], [100] * 10)
    after = session.run("--query-packet-statistics")
    for counter in ("Packets (in)", "Packets (out)"):
        assert int(field(after, counter)) - int(field(before, counter)) == 10
    session.run("--disconnect=1")
    session.close()


def test_proxy_shares_the_port(modem: Modem) -> None:
    """Several programs at once through mbim-proxy, as on a desktop."""
    jobs = [modem.guest.start_run(["mbimcli", "-d", DEVICE, "-p", "--query-device-caps"], timeout=40) for _ in range(4)]
    for job in jobs:
        assert "004999010640000" in job().check().out
    # The proxy stays for a while, and would read other tests' answers.
    modem.guest.sh("kill $(pidof mbim-proxy)")
    modem.guest.wait_for("! pidof mbim-proxy", what="mbim-proxy ends")


def test_indications(modem: Modem) -> None:
    """News come without being asked for: registration and packet service follow the radio."""
    register_state, packet_service = 9, 10
    news = modem.call("mbim", "indications", DEVICE, [register_state, packet_service], TIMEOUT)
    assert news.count(register_state) >= 2
    assert news.count(packet_service) >= 2


def test_message_sizes(modem: Modem) -> None:
    """Whole messages up to the largest arrive as they are; larger ones are refused, and break nothing."""
    sizes = [48, 49, 51, 1000, 2047, 2048, 2049, 4096, 16384, LARGEST - 1, LARGEST, LARGEST + 1, 1 << 20, 48]
    expected = [NO_DEVICE_SUPPORT] * 11 + ["EMSGSIZE"] * 2 + [NO_DEVICE_SUPPORT]
    assert modem.call("mbim", "sizes", DEVICE, sizes, TIMEOUT) == expected


def test_write_of_nothing(modem: Modem) -> None:
    """Zero bytes are written at once, and the modem sees nothing of it."""
    assert modem.call("ports", "write_sizes", DEVICE, [0, 0, LARGEST + 1, 1 << 20, 0]) == [0, 0, "EMSGSIZE", "EMSGSIZE", 0]
    mbimcli(modem, "--query-device-caps")


def test_fragments(modem: Modem) -> None:
    """Messages in small units, both ways, come together again."""
    result = modem.call("mbim", "fragmented", DEVICE, 64, TIMEOUT)
    assert result["same"]
    assert len(result["units"]) > 4
    assert max(result["units"]) == 64
    assert result["sent"] > 4
    assert result["status"] == NO_DEVICE_SUPPORT


def test_idle_port(modem: Modem) -> None:
    """Nothing to read: EAGAIN, and poll() says that only writing makes sense."""
    assert modem.call("ports", "idle", DEVICE) == {"events": POLLOUT, "read": "EAGAIN", "unread": 0}


def test_lazy_reader_costs_bounded_memory(modem: Modem) -> None:
    """Answers that nobody reads wait in the modem beyond a bound, and none is lost."""
    count = 400
    result = modem.call("mbim", "unread", DEVICE, count, TIMEOUT, timeout=90)
    assert result["complete"]
    assert result["left"] == 0
    assert result["peak"] > 0
    assert result["peak"] <= 128 * result["answer"], "the kernel keeps whatever the modem sends"


def test_writers_wait_for_the_modem(modem: Modem) -> None:
    """A modem that takes nothing: a bounded number of writes succeeds, then EAGAIN, or the writer sleeps.

    When the modem goes on, both wake up, and each message that was taken is answered (each with an error, because no
    MBIM session is open).
    """
    limit = 200
    message = modem.call("mbim", "query", 1)
    modem.control(f"hold {UPLINK_PIPE}")
    try:
        job = modem.spawn("ports", "fill", DEVICE, message, limit, 0.5, TIMEOUT)
    finally:
        modem.control(f"release {UPLINK_PIPE}")
    assert job.wait() == 0
    result = json.loads(job.output().splitlines()[-1])
    assert 0 < result["taken"] < limit
    assert result == {"taken": result["taken"], "error": "EAGAIN", "held": True, "writable": True, "resumed": True,
                      "answers": result["taken"] + 1}


def test_close_while_the_modem_takes_nothing(modem: Modem) -> None:
    """The last close of a port with messages under way is bounded, and the port works again afterwards."""
    message = modem.call("mbim", "query", 1)
    modem.control(f"hold {UPLINK_PIPE}")
    try:
        # Twice the time that a close may take, and less than what makes the peer give up.
        result = modem.call("ports", "fill", DEVICE, message, 200, 0.2, 1.0)
        assert result["answers"] == 0
    finally:
        modem.control(f"release {UPLINK_PIPE}")
    assert "004999010640000" in mbimcli(modem, "--query-device-caps")


def test_second_open_shares_the_channel(modem: Modem) -> None:
    """The channel opens with the first user and closes with the last; a later one finds it working."""
    for _ in range(5):
        assert modem.call("ports", "open_error", DEVICE) == ""
    assert "004999010640000" in mbimcli(modem, "--query-device-caps")
