# SPDX-License-Identifier: GPL-2.0
"""The driver goes and comes back, in every state, while the modem stays.

Implements the check of protocol.rst 2.6, 8.10 and 10.4.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator

import pytest
from iosmlib.bench import wait_until
from testlib import steady
from testlib.modem import Address, Config, Kit, Modem
from testlib.recovery import allow, racers, wait_asleep

PCI = "/sys/bus/pci/devices/0000:00:00.0"
DRIVER = "/sys/bus/pci/drivers/iosm"
AT = "/dev/wwan0at0"
REBINDS = 100			# with each format of the multiplexer

OFF_BOUND = 15			# seconds of the host; most of them are the kernel's
BLIND = 5			# one in so many is at any time, the others are under traffic
STRUCK = REBINDS * 4 // 5


def test_twenty_times(modem: Modem, mux: str) -> None:
    """Load and unload; now and then something is done in between."""
    for turn in range(20):
        modem.unload()
        assert modem.guest.sh("ls -d /dev/wwan* /sys/class/net/wwan* 2>/dev/null", check=False).out == ""
        modem.load()
        modem.wait_ready()
        if turn % 5 == 4:
            modem.proves_life()
            modem.down(0)
    assert modem.emulator.running()


def test_at_once_after_load(modem: Modem) -> None:
    """Unload at any time of the bring-up."""
    for milliseconds in (0, 5, 10, 20, 40, 60, 80, 120):
        modem.unload()
        modem.load()
        modem.guest.run(["sleep", f"{milliseconds / 1000}"])
    modem.proves_life()


def test_with_links_up(modem: Modem, mux: str) -> None:
    """Unload while packets flow on three links."""
    for _ in range(3):
        modem.up(0, 2, 7)
        flood = modem.guest.spawn(["ping", "-q", "-n", "-i", "0.002", "-s", "1200", Address(2).gateway4])
        modem.guest.wait_for('[ "$(cat /sys/class/net/wwan0-2/statistics/rx_packets)" -gt 50 ]', what="traffic")
        modem.unload()
        flood.kill(9)
        modem.wait_gone()
        modem.load()
        modem.wait_ready()
    modem.proves_life()


def test_with_ports_open(modem: Modem) -> None:
    """Readers and poll() wake up when the modem is taken away; what they hold is dead, not dangerous."""
    readers = [modem.spawn("ports", "wait_hangup", f"/dev/{name}", 15.0) for name in modem.ports()]
    # A driver with an open port is not busy: the port belongs to the core. unbind has to work.
    modem.guest.sh(f"echo 0000:00:00.0 > {DRIVER}/unbind")
    modem.wait_gone()
    for reader in readers:
        assert reader.wait() == 0
        assert reader.output().splitlines()[-1] == '{"read": "EIO", "write": "ENODEV", "hangup": true}'
    modem.guest.sh(f"echo 0000:00:00.0 > {DRIVER}/bind")
    modem.proves_life()


def test_bind_and_unbind(modem: Modem, mux: str) -> None:
    """Through sysfs, with links up and down."""
    for turn in range(6):
        if turn % 2:
            modem.up(0, 1)
        modem.guest.sh(f"echo 0000:00:00.0 > {DRIVER}/unbind")
        modem.wait_gone()
        modem.guest.sh(f"echo 0000:00:00.0 > {DRIVER}/bind")
        modem.wait_ready()
    modem.proves_life()


# Nothing but what the shell itself can do, so that the last look and the unbinding are one instant.
LOOK = f"""
look() {{
    carrier=0 sent=0 received=0
    read carrier </sys/class/net/wwan0/carrier
    read sent </sys/class/net/wwan0/statistics/tx_packets
    read received </sys/class/net/wwan0/statistics/rx_packets
}} 2>/dev/null
cd {DRIVER}
"""
FLOWS = 'while look; [ "$carrier" != 1 ] || [ "$sent" = 0 ] || [ "$received" = 0 ]; do :; done'
REBIND = "echo 0000:00:00.0 >unbind && echo 0000:00:00.0 >bind && echo ${carrier:-0} ${sent:-0} ${received:-0}"


def test_hundred_times(modem: Modem, mux: str) -> None:
    """unbind and bind at any instant of what programs do with ports and links."""
    dice = random.Random(f"reload {mux}")
    modem.guest.forget_leaks()
    struck = 0
    with racers(modem) as programs:
        for turn in range(REBINDS):
            wait = FLOWS if turn % BLIND else f"sleep {dice.uniform(0, 0.15):.4f}; look"
            carrier, sent, received = modem.guest.sh(f"{LOOK}{wait}; {REBIND}").out.split()
            struck += carrier == "1" and int(sent) > 0 and int(received) > 0
            if turn % 20 == 0:
                programs[dice.randrange(len(programs))].wait_progress()
    # A link has a carrier only while the modem is online.
    assert struck >= STRUCK, "unbindings were under traffic"
    assert modem.guest.leaks() == ""
    modem.proves_life()


def test_driver_override(modem: Modem) -> None:
    """Somebody wants another driver for the device; then ours again."""
    modem.guest.sh(f"echo nobody > {PCI}/driver_override && echo 0000:00:00.0 > {DRIVER}/unbind")
    modem.wait_gone()
    assert not modem.guest.sh(f"echo 0000:00:00.0 > {DRIVER}/bind", check=False).ok
    modem.guest.sh("echo 0000:00:00.0 > /sys/bus/pci/drivers_probe", check=False)
    assert not modem.guest.exists(f"{PCI}/driver")
    modem.guest.sh(f"echo iosm > {PCI}/driver_override && echo 0000:00:00.0 > /sys/bus/pci/drivers_probe")
    modem.proves_life()
    modem.guest.sh(f"echo > {PCI}/driver_override")


def power_off(modem: Modem) -> None:
    """poweroff(8) without the rest of the system; nobody is left to answer. The machine is off within a bound."""
    modem.guest.start_run(["/usr/bin/python3", "-c", "import ctypes; ctypes.CDLL(None).reboot(0x4321fedc)"])
    wait_until(lambda: not modem.guest.alive(), OFF_BOUND, "the machine is off")


def well_behaved(modem: Modem) -> None:
    """To the end, in the eyes of the modem."""
    assert modem.verify() == []
    assert modem.emulator.stop() == 0


@contextlib.contextmanager
def machine(kit: Kit, *parameters: str) -> Iterator[Modem]:
    """A bench for a test that switches it off."""
    modem = Modem(kit, Config(parameters=parameters))
    modem.start()
    try:
        yield modem
    finally:
        modem.bench.close()


def test_shutdown(kit: Kit) -> None:
    """The machine is switched off with ports open and links up: the modem is told, and writes to memory no more."""
    with machine(kit) as modem:
        modem.up(0)
        steady.datagrams(modem)
        steady.held(modem)
        before = modem.stats()["db1"][0]
        power_off(modem)
        assert modem.stats()["db1"][0] == before + 1
        well_behaved(modem)


def test_shutdown_with_a_dead_modem(kit: Kit) -> None:
    """It answers nothing any more, and nobody has found out: that does not hold up the machine."""
    with machine(kit) as modem:
        modem.up(0)
        steady.datagrams(modem)
        steady.held(modem)
        modem.fault("now:silence")
        power_off(modem)
        well_behaved(modem)


@pytest.mark.parametrize("fault", ("", "now:silence"))
def test_shutdown_in_d3(kit: Kit, fault: str) -> None:
    """Nothing was open and the function sleeps, with a modem that is well, or dead."""
    with machine(kit, "system_sleep=d3") as modem:
        allow(modem, 0)
        wait_asleep(modem)
        if fault:
            modem.fault(fault)
        before = modem.stats()["db1"][0]
        power_off(modem)
        if not fault:
            assert modem.stats()["db1"][0] == before + 1
        well_behaved(modem)


def test_link_in_another_namespace(modem: Modem) -> None:
    """Unload finds links wherever they have been moved."""
    modem.link_add(4)
    modem.guest.sh("set -e\nip netns add apart\nip link set wwan0-4 netns apart\nip -n apart link set wwan0-4 up")
    modem.unload()
    assert "wwan" not in modem.guest.sh("ip -n apart -br link").out
    modem.load()
    modem.wait_ready()


def test_device_removed_and_found_again(modem: Modem) -> None:
    """remove and rescan of the PCI core, with traffic."""
    modem.up(0)
    modem.ping(Address(0).gateway4)
    modem.guest.sh(f"echo 1 > {PCI}/remove")
    modem.wait_gone()
    modem.guest.sh("echo 1 > /sys/bus/pci/rescan")
    modem.proves_life()


@pytest.mark.emulator(options=("--idle-sleep", "5"))
def test_while_the_link_sleeps(modem: Modem, mux: str) -> None:
    """The modem must be woken to be told good-bye."""
    for _ in range(5):
        modem.up(0)
        modem.ping(Address(0).gateway4, [56])
        modem.down(0)
        modem.unload()
        modem.load()
        modem.wait_ready()
