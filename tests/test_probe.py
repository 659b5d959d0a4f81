# SPDX-License-Identifier: GPL-2.0
"""The driver finds the modem, brings it up in the background, and gives it the names that user space knows.

Implements the check of protocol.rst 1.8, 2.5, 7.2.2, 8.1, 8.3, 8.4 and 8.6.
"""

from __future__ import annotations

import pytest
from testlib.modem import PCI, Modem
from testlib.recovery import allow, reset, wait_asleep

FORCE_SLEEP = 7			# of doorbell 2
DEVICES = ("7560", "7360")

IFF_UP, IFF_BROADCAST, IFF_MULTICAST = "UP", "BROADCAST", "MULTICAST"


@pytest.mark.parametrize("device", DEVICES, scope="module")
def test_device_is_on_the_root_bus(modem: Modem, device: str) -> None:
    """There is no upstream bridge here, and the driver must not want one (Q1)."""
    parent = modem.guest.sh(f"basename $(dirname $(readlink -f {PCI}))").out.strip()
    assert parent.startswith("pci0000:"), "this bench has a bridge, so it proves nothing"
    assert modem.guest.read(f"{PCI}/device").strip() == f"0x{device}"
    driver = modem.guest.sh(f"basename $(readlink {PCI}/driver)").out.strip()
    assert driver == "iosm"


@pytest.mark.parametrize("device", DEVICES, scope="module")
def test_ports_have_names_and_types(modem: Modem, device: str) -> None:
    """Exactly the ports of the table in 8.3, in /dev and in sysfs."""
    script = 'cd /sys/class/wwan && for p in *; do [ -e $p/type ] && echo $p $(cat $p/type); done'
    found = dict(line.split() for line in modem.guest.sh(script).out.splitlines())
    assert found == modem.ports()
    nodes = modem.guest.sh("cd /dev && ls -d wwan*").out.split()
    assert sorted(nodes) == sorted(modem.ports())
    assert modem.guest.read("/sys/class/wwan/wwan0/index").strip() == "0"


@pytest.mark.parametrize("device", DEVICES, scope="module")
def test_default_link(modem: Modem, device: str) -> None:
    """The core makes wwan0 for session 0, and leaves it down."""
    link = modem.link("wwan0")
    assert link["linkinfo"]["info_kind"] == "wwan"
    assert {"POINTOPOINT", "NOARP"} <= set(link["flags"])
    assert not {IFF_UP, IFF_BROADCAST, IFF_MULTICAST} & set(link["flags"])
    assert (link["mtu"], link["min_mtu"], link["link_type"]) == (1500, 68, "none")
    assert modem.guest.read("/sys/class/net/wwan0/type").strip() == "65534"
    links = modem.guest.sh("cd /sys/class/net && echo wwan*").out.split()
    assert links == ["wwan0"]


def test_module_information(modem: Modem) -> None:
    """What modinfo says is part of the interface: udev loads the module by it."""
    module = modem.kit.modules[modem.kit.driver]
    aliases = modem.guest.run(["modinfo", "-F", "alias", module]).out.split()
    assert sorted(alias[:35] for alias in aliases) == ["pci:v00008086d00007360sv*sd*bc*sc*i",
                                                        "pci:v00008086d00007560sv*sd*bc*sc*i"]
    assert modem.guest.run(["modinfo", "-F", "license", module]).out.strip().startswith("GPL")
    parameters = modem.guest.run(["modinfo", "-F", "parm", module]).out.splitlines()
    assert sorted(line.split(":")[0] for line in parameters) == ["acpi_reset", "system_sleep"]


def test_one_interrupt(modem: Modem) -> None:
    """One MSI vector, under the driver's name."""
    lines = [line for line in modem.guest.read("/proc/interrupts").splitlines() if line.split()[-1] == "iosm"]
    assert len(lines) == 1
    assert len(modem.guest.sh(f"ls {PCI}/msi_irqs").out.split()) == 1


@pytest.mark.emulator(load=False)
def test_events_of_a_life(modem: Modem) -> None:
    """Bring-up says MDM_READY once and nothing else; removal says MDM_NOT_READY."""
    with modem.listening() as events:
        modem.load()
        events.wait("MDM_READY")
        modem.wait_ready()
        assert events.modem() == ["MDM_READY"]
        modem.unload()
        events.wait("MDM_NOT_READY")
        modem.wait_gone()
        assert events.modem() == ["MDM_READY", "MDM_NOT_READY"]
        pci = [event for event in events.all() if event[2] != "-"]
        assert all(event[0] == "change" and event[1].endswith("/0000:00:00.0") for event in pci)


@pytest.mark.emulator(load=False)
def test_everything_is_there_at_the_event(modem: Modem) -> None:
    """Whoever waits for MDM_READY may open ports and links at once."""
    with modem.listening() as events:
        modem.load()
        events.wait("MDM_READY")
        missing = modem.guest.sh("for p in " + " ".join(f"/dev/{name}" for name in modem.ports()) +
                                 " /sys/class/net/wwan0; do [ -e $p ] || echo $p; done").out
        assert missing == ""
        modem.unload()


@pytest.mark.emulator(load=False, fresh=True, options=("--boot-delay", "5000"))
def test_boots_by_itself(modem: Modem) -> None:
    """A modem that is still in its boot ROM: probe returns at once, and the rest follows when the firmware runs.

    A driver that is taken away in the middle of it leaves at once, and can come back.
    """
    with modem.listening() as events:
        # However long the guest took to boot, the modem boots from here on.
        reset(modem)
        modem.load()
        events.wait("ROM_READY")
        # insmod came back while the modem was still booting: nothing is there yet.
        assert modem.guest.sh("ls -d /dev/wwan* 2>/dev/null", check=False).out == ""
        assert modem.guest.sh(f"basename $(readlink {PCI}/driver)").out.strip() == "iosm"
        modem.unload()
        modem.load()
        assert modem.stats()["stage"] == "BOOT", "this machine is too slow for the test"
        events.wait("MDM_READY", timeout=20)
        modem.wait_ready()
        assert events.modem() == ["ROM_READY", "MDM_NOT_READY", "ROM_READY", "MDM_READY"]


@pytest.mark.emulator(parameters=("system_sleep=nonsense",), fresh=True)
def test_nonsensical_sleep(modem: Modem) -> None:
    """A value that nobody knows is complained about, and then it is as if nothing was said: as the firmware wants it."""
    warning, = (line for line in modem.guest.dmesg().splitlines() if "system_sleep" in line)
    assert warning.endswith("iosm 0000:00:00.0: system_sleep=nonsense: not firmware, d3 or d0; ignored")
    # This firmware says nothing, which means D0: a doorbell, and no request.
    before = modem.stats()
    allow(modem)
    wait_asleep(modem)
    after = modem.stats()
    assert after["db2"][FORCE_SLEEP] == before["db2"][FORCE_SLEEP] + 1
    assert after["messages"]["sleep"] == before["messages"]["sleep"]
    modem.proves_life()
