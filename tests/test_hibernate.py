# SPDX-License-Identifier: GPL-2.0
"""Each thing that hibernation does with devices, in User-Mode Linux, which cannot hibernate.

Implements the check of protocol.rst 6.5 to 6.7.
"""

from __future__ import annotations

import pytest
from testlib import steady
from testlib.hibernation import Cycle, stopped
from testlib.modem import Modem

HANDSHAKES = ("d3", "d0")
DEPTHS = ("devices", "noirq")
ENDED = ("EIO", "ENODEV")		# what a program gets whose port or link was withdrawn

pytestmark = pytest.mark.emulator(sleep=True)


@pytest.mark.parametrize("system_sleep", HANDSHAKES, scope="module")
@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize(("stop", "start"), [("freeze", "thaw"), ("freeze", "recover"), ("quiesce", "recover"),
                                             ("poweroff", "restore")])
def test_power_stays_on(modem: Modem, system_sleep: str, stop: str, start: str, depth: str) -> None:
    """The machine saves its image and goes on, or gives up on the way: everything works, with traffic throughout."""
    modem.up(0)
    jobs = [steady.datagrams(modem), steady.commands(modem)]
    before = modem.ifindex()
    with stopped(modem, stop, start, depth):
        pass
    if start == "restore":
        # What is restored is another kernel's memory, for all that the driver knows; datagrams are just lost.
        assert jobs[1].wait_ended()["error"] in ENDED
        modem.wait_replaced(before)
    else:
        for job in jobs:
            job.goes_on()
        assert modem.ifindex() == before
    modem.proves_life()


@pytest.mark.parametrize("system_sleep", ("d3",), scope="module")
@pytest.mark.parametrize("fault", ("sleep-enter:late=300", "sleep-exit:late=300"))
def test_late_answer(modem: Modem, system_sleep: str, fault: str) -> None:
    """The modem takes its time: the hibernation does, too, and nothing is lost."""
    modem.up(0)
    before = modem.ifindex()
    jobs = [steady.datagrams(modem), steady.commands(modem)]
    modem.fault(fault)
    with stopped(modem, "freeze", "thaw"):
        pass
    assert modem.faults_fired() == 1
    for job in jobs:
        job.goes_on()
    assert modem.ifindex() == before
    modem.proves_life()


@pytest.mark.parametrize("system_sleep", ("d3",), scope="module")
@pytest.mark.parametrize("fault", ("sleep-enter:ignore", "sleep-exit:ignore", "sleep-enter:silence"))
def test_silent_modem(modem: Modem, system_sleep: str, fault: str) -> None:
    """The modem does not answer: the image is saved all the same, and the modem is started anew."""
    modem.up(0)
    before = modem.ifindex()
    job = steady.commands(modem)
    modem.fault(fault)
    with stopped(modem, "freeze", "thaw"):
        pass
    assert modem.faults_fired() == 1
    if "silence" in fault:
        modem.fault("now:boot=50")
    assert job.wait_ended()["error"] in ENDED
    modem.wait_replaced(before)
    modem.proves_life()


@pytest.mark.parametrize("system_sleep", HANDSHAKES, scope="module")
def test_image_does_not_end_the_session(modem: Modem, system_sleep: str) -> None:
    """While the image is written, the machine is as it was: the same link, the same open port, nothing lost."""
    modem.up(0)
    before = modem.ifindex()
    jobs = [steady.datagrams(modem), steady.commands(modem)]
    for _ in range(5):
        with stopped(modem, "freeze", "thaw"):
            pass
        for job in jobs:
            job.wait_progress()
    for job in jobs:
        job.goes_on()
    assert modem.ifindex() == before


@pytest.mark.parametrize("system_sleep", HANDSHAKES, scope="module")
@pytest.mark.parametrize("fault", ("power-loss", "reboot", "boot=500", ""))
def test_restored_from_image(modem: Modem, system_sleep: str, fault: str) -> None:
    """The machine was off, and its memory is that of the image: whatever the modem is in, it is taken up anew."""
    job = steady.commands(modem)
    before = modem.ifindex()
    with stopped(modem, "freeze", "restore"):
        if fault:
            modem.fault(f"now:{fault}")
    assert job.wait_ended()["error"] in ENDED
    modem.wait_replaced(before)
    modem.proves_life()


@pytest.mark.parametrize("system_sleep", HANDSHAKES, scope="module")
def test_modem_is_gone_after_restore(modem: Modem, system_sleep: str) -> None:
    """The card was pulled while the machine was off."""
    job = steady.commands(modem)
    with stopped(modem, "freeze", "restore"):
        modem.fault("now:gone")
    assert job.wait_ended()["error"] in ENDED
    modem.wait_gone()
    modem.wait_state("lost")
    modem.control("back")
    with modem.asleep("freeze"):
        pass
    modem.proves_life()


@pytest.mark.parametrize("system_sleep", ("d3",), scope="module")
@pytest.mark.parametrize("stop", ("freeze", "quiesce", "poweroff"))
def test_modem_refuses(modem: Modem, system_sleep: str, stop: str) -> None:
    """A modem that must not be stopped now stops the hibernation, and goes on."""
    modem.up(0)
    before = modem.ifindex()
    jobs = [steady.datagrams(modem), steady.commands(modem)]
    modem.fault("sleep-enter:refuse")
    result = Cycle(modem, stop, "recover").finish()
    assert not result.ok
    assert "Device or resource busy" in result.err
    assert modem.faults_fired() == 1
    for job in jobs:
        job.goes_on()
    assert modem.ifindex() == before
    modem.proves_life()


@pytest.mark.parametrize("system_sleep", HANDSHAKES, scope="module")
def test_whole_hibernation(modem: Modem, system_sleep: str) -> None:
    """Image, power-off that does not come, and a suspend after all that."""
    for _ in range(3):
        with stopped(modem, "freeze", "thaw"):
            pass
        with stopped(modem, "poweroff", "restore"):
            pass
        with modem.asleep("mem"):
            pass
        modem.proves_life()
