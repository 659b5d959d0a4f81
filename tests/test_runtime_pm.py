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
from testlib.recovery import AUTOSUSPEND_DELAY as DELAY
from testlib.recovery import (
    allow,
    bind,
    enters_d3,
    entries,
    in_d3,
    index,
    journal,
    racers,
    reset,
    unbind,
    wait_asleep,
    wait_fired,
    wait_replaced,
)

CYCLES = 50
ATTEMPTS = 5
STRIKES = 2			# less than what makes the driver give up
LINES = 4			# of the driver in the kernel's log, for one session that ended
BOUND = 2.0			# seconds that the opener of a port may have to wait for a modem that is not as it was

pytestmark = pytest.mark.emulator(parameters=("system_sleep=d3",))


@pytest.fixture(autouse=True)
def awake_afterwards(modem: Modem) -> Iterator[None]:
    """The next test finds a function that is not allowed to sleep."""
    yield
    # A test that failed has no guest any more.
    if modem.guest.alive():
        allow(modem, 2000)
        modem.guest.sh(f"echo on > {PCI}/power/control")


def stays_awake(modem: Modem) -> None:
    """It does not sleep for many times the delay."""
    before = entries(modem)
    modem.guest.run(["sleep", f"{20 * DELAY / 1000}"])
    assert entries(modem) == before
    assert not in_d3(modem)


def start_anew(modem: Modem) -> None:
    """Sessions that do not last ten seconds count as failed starts; a new probe begins to count anew."""
    unbind(modem)
    bind(modem)
    modem.wait_ready()


def opener(modem: Modem) -> str:
    """Somebody who opens a port, and has not to wait long for it; the error, if any."""
    result = modem.call("opening", "timed", steady.AT)
    assert result["seconds"] < modem.bound(BOUND)
    return str(result["error"])


def proves_life(modem: Modem) -> None:
    """Ports and links work; the link is down again."""
    modem.proves_life()
    modem.down(0)


@pytest.mark.emulator(fresh=True)
def test_nobody_asked(modem: Modem) -> None:
    """Until user space wants it, the function stays in D0, also when its delay is long over."""
    assert modem.guest.read(f"{PCI}/power/control").strip() == "on"
    assert modem.guest.read(f"{PCI}/power/autosuspend_delay_ms").strip() == "2000"
    # The last user goes, and the delay begins.
    assert modem.call("ports", "at", steady.AT, ["AT"], 10.0) == ["AT\r\r\nOK\r\n"]
    modem.guest.run(["sleep", "3"])
    assert modem.guest.read(f"{PCI}/power/runtime_status").strip() == "active"
    assert entries(modem) == 0
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
    """The modem forgot us in its sleep: an opener is told so at once, and everything comes back."""
    allow(modem)
    for _ in range(2):
        wait_asleep(modem)
        before = index(modem)
        modem.fault(f"now:{fault}")
        assert opener(modem) == "ENODEV"
        wait_replaced(modem, before)
        modem.wait_state("online", "suspended")
        proves_life(modem)


def test_silent(modem: Modem) -> None:
    """The modem answers nothing when it is woken: its session is over, and a new one begins."""
    allow(modem)
    wait_asleep(modem)
    before = index(modem)
    with modem.listening() as events:
        modem.fault("sleep-exit:ignore")
        assert opener(modem) == "ENODEV"
        wait_replaced(modem, before)
        assert events.modem().count("MDM_TIMEOUT") == 1
    modem.wait_state("online", "suspended")
    proves_life(modem)


def timeouts(modem: Modem) -> int:
    """Control requests without an answer, since the driver was bound."""
    return int(modem.state()["requests timed out"])


def lines(modem: Modem) -> int:
    """How much the driver has written to the kernel's log."""
    return modem.guest.dmesg().count("iosm 0000:00:00.0:")


def test_silent_when_put_to_sleep(modem: Modem) -> None:
    """The modem does not answer when the function is to sleep: one time-out, one event, a new session that sleeps."""
    start_anew(modem)
    before, asked, said = index(modem), timeouts(modem), lines(modem)
    with journal(modem) as states, modem.listening() as events:
        modem.fault("sleep-enter:ignore")
        allow(modem)
        wait_replaced(modem, before)
        wait_asleep(modem)
        assert states.states() == ["suspended", "online", "recovering", "starting", "online", "suspended"]
        assert [event for event in events.modem() if event == "MDM_TIMEOUT"] == ["MDM_TIMEOUT"]
    assert timeouts(modem) == asked + 1
    assert 1 <= lines(modem) - said <= LINES
    proves_life(modem)


def test_silent_whenever_put_to_sleep(modem: Modem) -> None:
    """It never answers that: as many time-outs as attempts, not a flood of them."""
    start_anew(modem)
    asked, said = timeouts(modem), lines(modem)
    with journal(modem) as states, modem.listening() as events:
        modem.fault("sleep-enter*:ignore")
        allow(modem)
        states.wait("failed", timeout=30.0)
        failures = states.before("failed").count("recovering")
        assert failures == ATTEMPTS
        assert events.modem().count("MDM_TIMEOUT") - failures in range(ATTEMPTS)
    assert timeouts(modem) - asked - failures in range(ATTEMPTS)
    assert lines(modem) - said <= LINES * 2 * ATTEMPTS
    modem.control("clear")
    start_anew(modem)
    proves_life(modem)


@pytest.mark.parametrize("answer", ("late=300", "lose-msi", "twice"))
@pytest.mark.parametrize("event", ("sleep-enter", "sleep-exit"))
def test_answers_that_are_only_slow(modem: Modem, event: str, answer: str) -> None:
    """What is late, or not heard, or said twice, ends no session, and no command of who opens meanwhile gets lost."""
    allow(modem)
    wait_asleep(modem)
    before, fired = index(modem), modem.faults_fired()
    modem.fault(f"{event}:{answer}")
    if event == "sleep-enter":
        # Out of this sleep; the next one is the one.
        assert modem.call("ports", "at", steady.AT, ["AT"], 10.0) == ["AT\r\r\nOK\r\n"]
        wait_fired(modem, fired + 1, event)
    assert modem.call("ports", "at", steady.AT, ["AT", "AT"], 10.0) == ["AT\r\r\nOK\r\n"] * 2
    assert modem.faults_fired() == fired + 1
    wait_asleep(modem)
    proves_life(modem)
    assert index(modem) == before


@pytest.mark.parametrize("fault", ("d3:reboot", "d0:crash=50", "sleep-exit:ignore", "sleep-enter:ignore"))
def test_faults_with_programs_in_the_way(modem: Modem, mux: str, fault: str) -> None:
    """Ports are opened and links taken up all the time, the function sleeps whenever it may, and then something is wrong."""
    start_anew(modem)
    with racers(modem):
        allow(modem, 0)
        for number in range(1, STRIKES + 1):
            slept, before = entries(modem), index(modem)
            wait_until(lambda slept=slept: entries(modem) > slept, 20, f"the function sleeps ({number})")
            modem.fault(fault)
            wait_fired(modem, number, fault)
            wait_replaced(modem, before)
            slept = entries(modem)
            wait_until(lambda slept=slept: entries(modem) > slept, 20, f"the function sleeps again ({number})")
    proves_life(modem)


def test_both_ways_at_once(modem: Modem, mux: str) -> None:
    """Each cycle has packets both ways at the same time, and commands on a port; nothing is lost."""
    allow(modem, 0)
    enters_d3(modem)
    before, link = entries(modem), index(modem)
    for _ in range(CYCLES // 5):
        modem.up(0)
        work = [steady.datagrams(modem), steady.commands(modem)]
        modem.network_ping(Address(0).host4, [56, 1400] * 5)
        for each in work:
            each.goes_on()
        for server in modem.servers:
            server.stop()
        modem.down(0)
        enters_d3(modem)
    assert entries(modem) - before >= CYCLES // 5
    assert index(modem) == link
    assert modem.state()["requests timed out"] == "0"


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
    assert opener(modem) == "ENODEV"
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
    before, resets = index(modem), modem.stats()["flr"]
    allow(modem)
    wait_asleep(modem)
    reset(modem)
    wait_replaced(modem, before)
    assert modem.stats()["flr"] == resets + 1
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
