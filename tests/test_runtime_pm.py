# SPDX-License-Identifier: GPL-2.0
"""The function sleeps while nobody needs it, and is awake when somebody does.

Implements the check of protocol.rst 6.5 and 6.7, for one function instead of the whole machine.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from iosmlib.bench import wait_until
from testlib import steady
from testlib.modem import PCI, Address, Modem

CYCLES = 50
DELAY = 20			# milliseconds
BOUND = 5.0			# seconds that the opener of a port may have to wait for a modem that is not as it was

pytestmark = pytest.mark.emulator(parameters=("system_sleep=d3",))


@pytest.fixture(autouse=True)
def awake_afterwards(modem: Modem) -> Iterator[None]:
    """The next test finds a function that is not allowed to sleep."""
    yield
    # A test that failed has no guest any more.
    if modem.guest.alive():
        allow(modem, 2000)
        modem.guest.sh(f"echo on > {PCI}/power/control")


def allow(modem: Modem, delay: int = DELAY) -> None:
    """Let the function sleep, after so many milliseconds without a user."""
    modem.guest.sh(f"echo {delay} > {PCI}/power/autosuspend_delay_ms; echo auto > {PCI}/power/control")


def in_d3(modem: Modem) -> bool:
    """Is the function in D3hot, as the modem sees it?"""
    return bool(modem.stats()["function"]["d3"])


def enters_d3(modem: Modem) -> None:
    """Until the function sleeps, as the modem sees it."""
    wait_until(lambda: in_d3(modem), 10, "the function enters D3")


def wait_asleep(modem: Modem) -> None:
    """Until the function sleeps, in the eyes of both."""
    enters_d3(modem)
    modem.guest.wait_for(f"grep -qx suspended {PCI}/power/runtime_status", what="the function is suspended")


def entries(modem: Modem) -> int:
    """How often it slept."""
    return int(modem.stats()["function"]["d3_entries"])


def stays_awake(modem: Modem) -> None:
    """It does not sleep for many times the delay."""
    before = entries(modem)
    modem.guest.run(["sleep", f"{20 * DELAY / 1000}"])
    assert entries(modem) == before
    assert not in_d3(modem)


def proves_life(modem: Modem) -> None:
    """Ports and links work; the link is down again."""
    modem.proves_life()
    modem.down(0)


@pytest.mark.emulator(fresh=True)
def test_nobody_asked(modem: Modem) -> None:
    """Until user space wants it, the function stays in D0."""
    assert modem.guest.read(f"{PCI}/power/control").strip() == "on"
    assert modem.guest.read(f"{PCI}/power/autosuspend_delay_ms").strip() == "2000"
    assert not in_d3(modem)


def test_sleeps_when_idle(modem: Modem) -> None:
    """With "auto", the function sleeps when nothing is open; with "on", it wakes up."""
    for _ in range(3):
        allow(modem)
        wait_asleep(modem)
        assert modem.state()["state"] == "suspended"
        modem.guest.sh(f"echo on > {PCI}/power/control")
        assert not in_d3(modem)
        modem.wait_state("online")
        stays_awake(modem)


def test_open_port_keeps_it_awake(modem: Modem) -> None:
    """An open port is a user, also when nothing is said."""
    allow(modem)
    wait_asleep(modem)
    for name in modem.ports():
        job = steady.held(modem, f"/dev/{name}")
        stays_awake(modem)
        job.goes_on()
        wait_asleep(modem)


def test_link_keeps_it_awake(modem: Modem, mux: str) -> None:
    """A link that is up is a user."""
    modem.link_add(3)
    allow(modem)
    for sessions in ((0,), (3,), (0, 3)):
        wait_asleep(modem)
        modem.up(*sessions)
        stays_awake(modem)
        modem.ping(Address(sessions[0]).gateway4, [56])
        for session in sessions:
            assert not in_d3(modem)
            modem.down(session)
    wait_asleep(modem)


def test_links_come_and_go(modem: Modem) -> None:
    """A link can be made and deleted while the function sleeps."""
    allow(modem)
    wait_asleep(modem)
    for session in (1, 7):
        name = modem.link_add(session)
        modem.guest.run(["ip", "link", "del", name])
    wait_asleep(modem)
    proves_life(modem)


def test_many_cycles_of_ports(modem: Modem) -> None:
    """Each opener finds a function that sleeps, and no command gets lost."""
    allow(modem, 0)
    enters_d3(modem)
    before = entries(modem)
    for _ in range(CYCLES):
        assert modem.call("ports", "at", steady.AT, ["AT", "AT"], 10.0) == ["AT\r\r\nOK\r\n"] * 2
        enters_d3(modem)
    assert entries(modem) - before >= CYCLES


def test_many_cycles_of_links(modem: Modem, mux: str) -> None:
    """Up, traffic both ways, down, asleep, up: nothing is lost."""
    allow(modem, 0)
    enters_d3(modem)
    before = entries(modem)
    for _ in range(CYCLES // 2):
        modem.up(0)
        modem.ping(Address(0).gateway4, [56, 1400])
        modem.network_ping(Address(0).host4, [56, 1400])
        modem.down(0)
        enters_d3(modem)
    assert entries(modem) - before >= CYCLES // 2


def test_modem_wakes_the_function(modem: Modem) -> None:
    """PME: the modem wants something."""
    allow(modem)
    wait_asleep(modem)
    before = entries(modem)
    pme = modem.stats()["function"]["pme"]
    modem.fault("now:pme")
    wait_until(lambda: entries(modem) > before, 10, "the function wakes up, finds nothing to do, and sleeps again")
    assert modem.stats()["function"]["pme"] == pme + 1
    proves_life(modem)


@pytest.mark.parametrize("fault", ("reboot", "boot=200", "power-loss", "crash=100"))
def test_not_as_it_was(modem: Modem, fault: str) -> None:
    """The modem forgot us in its sleep: an opener fails within a bound or succeeds, and everything comes back."""
    allow(modem)
    for _ in range(2):
        wait_asleep(modem)
        modem.fault(f"now:{fault}")
        result = modem.call("opening", "timed", steady.AT)
        assert result["seconds"] < BOUND
        assert result["error"] in ("", "EIO", "ENODEV", "ENOENT", "ETIMEDOUT")
        modem.wait_state("online", "suspended")
        proves_life(modem)


def test_silent(modem: Modem) -> None:
    """The modem answers nothing when it is woken: its session is over, and a new one begins."""
    allow(modem)
    wait_asleep(modem)
    modem.fault("sleep-exit:ignore")
    result = modem.call("opening", "timed", steady.AT)
    assert result["seconds"] < BOUND
    assert result["error"] in ("", "EIO", "ENODEV", "ENOENT", "ETIMEDOUT")
    modem.wait_state("online", "suspended")
    proves_life(modem)


def test_refuses(modem: Modem) -> None:
    """The modem may refuse to sleep: nothing changes, and it is asked again later."""
    before = modem.link("wwan0")["ifindex"]
    modem.fault("sleep-enter:refuse")
    allow(modem)
    wait_until(lambda: modem.faults_fired() == 1, 10, "the modem refuses")
    proves_life(modem)
    wait_asleep(modem)
    assert modem.link("wwan0")["ifindex"] == before


def test_gone(modem: Modem) -> None:
    """The modem is pulled while it sleeps: an opener is told so, and ports and links go."""
    allow(modem)
    wait_asleep(modem)
    modem.fault("now:gone")
    result = modem.call("opening", "timed", steady.AT)
    assert result["seconds"] < BOUND
    assert result["error"] in ("EIO", "ENODEV", "ENOENT")
    modem.wait_gone()
    modem.wait_state("lost")
    modem.control("back")
    modem.unload()
    modem.guest.sh(f"echo 1 > {PCI}/remove; echo 1 > /sys/bus/pci/rescan")
    modem.load()
    proves_life(modem)


def test_unload_while_asleep(modem: Modem) -> None:
    """The driver goes: the modem is told, as it always is."""
    for _ in range(3):
        allow(modem)
        wait_asleep(modem)
        modem.unload()
        modem.load()
        modem.wait_ready()
    proves_life(modem)


def test_reset_while_asleep(modem: Modem) -> None:
    """Somebody resets the function through sysfs while it sleeps."""
    allow(modem)
    wait_asleep(modem)
    modem.guest.sh(f"echo 1 > {PCI}/reset")
    modem.wait_ready()
    proves_life(modem)


@pytest.mark.emulator(sleep=True)
@pytest.mark.parametrize("system_sleep", ("d3", "d0"), scope="module")
@pytest.mark.parametrize("kind", ("freeze", "mem"))
def test_machine_sleeps_while_function_does(modem: Modem, system_sleep: str, kind: str) -> None:
    """The machine falls asleep and wakes up around a function that sleeps by itself."""
    allow(modem)
    for fault in ("", "now:power-loss"):
        wait_asleep(modem)
        with modem.asleep(kind):
            if fault:
                modem.fault(fault)
        modem.wait_state("online", "suspended")
        proves_life(modem)
    wait_asleep(modem)
