# SPDX-License-Identifier: GPL-2.0
"""What the driver makes of a modem that is not in RUN when it is found, and that boots by itself or not.

Implements the check of protocol.rst 2.1, 7.1, 7.2, 7.7 and 8.6.
"""

from __future__ import annotations

import pytest
from iosmlib.bench import wait_until
from testlib.flashing import HANDLE, STAGES
from testlib.modem import PCI, Modem
from testlib.recovery import bind, journal, reset, unbind

LEAVES_WITHIN = 1.0		# seconds of the guest
SECOND = "pci/0000:00:01.0"


def stays(modem: Modem, state: str) -> None:
    """The driver is bound, waits in this state, has shown itself to devlink, and nothing else is there."""
    if modem.kit.driver == "ours":
        modem.wait_state(state)
    modem.guest.wait_for(f"devlink dev show {HANDLE}", what="devlink has the modem")
    assert modem.guest.sh(f"basename $(readlink {PCI}/driver)").out.strip() == "iosm"
    assert modem.guest.run(["devlink", "dev"]).out.split() == [HANDLE]
    assert modem.guest.sh("ls -d /dev/wwan* /sys/class/net/wwan* 2>/dev/null", check=False).out == ""


def leaves_quickly(modem: Modem) -> None:
    """Whatever it waits for, it does not wait when it is told to go."""
    script = "s=$(date +%s%N); echo 0000:00:00.0 > /sys/bus/pci/drivers/iosm/unbind; echo $(( $(date +%s%N) - s ))"
    assert int(modem.guest.sh(script).out) / 1e9 < modem.bound(LEAVES_WITHIN)
    assert modem.guest.run(["devlink", "dev"]).out == ""


@pytest.mark.emulator(load=False, options=("--boot-delay", "4000"))
@pytest.mark.parametrize("device", ("7560", "7360"), scope="module")
def test_boots_by_itself(modem: Modem, device: str) -> None:
    """ROM first, then everything; the two events come in this order and once."""
    reset(modem)
    with modem.listening() as events:
        modem.load()
        stays(modem, "boot ROM")
        events.wait("ROM_READY")
        events.wait("MDM_READY")
        assert events.modem() == ["ROM_READY", "MDM_READY"]
    modem.proves_life()
    # Unloaded with a link up, the kernel's own driver takes pipes 0 and 1 for those of its loader session (7.7).
    modem.down(0)


@pytest.mark.emulator(load=False, boots=False, options=("--boot-delay", "never"))
def test_waits_for_a_loader(modem: Modem) -> None:
    """A boot ROM without firmware: probe returns, and the modem can be flashed, or left alone."""
    with modem.listening() as events:
        for _ in range(3):
            modem.load()
            stays(modem, "boot ROM")
            leaves_quickly(modem)
            bind(modem)
            stays(modem, "boot ROM")
            modem.unload()
        events.wait("MDM_NOT_READY")
        wait_until(lambda: len(events.modem()) >= 12, 10, "all events are there")
        assert events.modem() == ["ROM_READY", "MDM_NOT_READY"] * 6
    stats = modem.stats()
    assert (stats["stage"], stats["ipc_sessions"], sum(stats["db1"])) == ("BOOT", 0, 0)


@pytest.mark.emulator(load=False, boots=False, fresh=True, options=("--boot-delay", "never"))
def test_loaders_of_its_own(modem: Modem) -> None:
    """A modem that boots through its own loaders is not disturbed: no session is offered to them."""
    modem.load()
    with journal(modem) as states:
        for name in ("PSI", "EBL"):
            modem.fault(f"now:bad-stage={STAGES[name]:x}")
            modem.wait_state("loader")
            stays(modem, "loader")
            # The driver looks again, so it has seen this one, too, and had its time to do something wrong.
            seen = modem.stats()["vhost"]["commands"]
            wait_until(lambda before=seen: modem.stats()["vhost"]["commands"] >= before + 2, 10, "the driver looks")
            stays(modem, "loader")
            assert sum(modem.stats()["db1"]) == 0
        modem.fault("now:reboot")
        states.wait("online")
        assert states.states() == ["loader", "starting", "online"]
    modem.proves_life()
    assert modem.stats()["ipc_sessions"] == 1


STUCK = {"psi": ("loader", []), "ebl": ("loader", []), "crash": ("crashed", ["CRASH"]),
         "cd-ready": ("crashed, dump ready", ["CD_READY"])}


def at_stage(name: str) -> object:
    """A modem that is there after each reset."""
    marker = pytest.mark.emulator(load=False, boots=False, options=("--stage", name))
    return pytest.param(name, marks=marker)


@pytest.mark.parametrize("name", [at_stage(name) for name in STUCK])
def test_found_there(modem: Modem, name: str) -> None:
    """In a loader, or dead: a state with an interface, and no dead end for a driver that is to go and to come back."""
    state, wanted = STUCK[name]
    for _ in range(2):
        with modem.listening() as events:
            modem.load()
            # A crashed one is reset after a while, and is there again; nobody is to be in its way.
            modem.guest.run(["devlink", "health", "set", HANDLE, "reporter", "fw", "auto_recover", "false"])
            stays(modem, state)
            leaves_quickly(modem)
            bind(modem)
            stays(modem, state)
            unbind(modem)
            events.wait("MDM_NOT_READY")
            assert events.modem()[:len(wanted) + 1] == [*wanted, "MDM_NOT_READY"]
            modem.unload()


@pytest.mark.emulator(load=False, boots=False, fresh=True, options=("--boot-delay", "1000"), second=("--boot-delay", "never"))
def test_two_modems(modem: Modem) -> None:
    """One boots, the other waits; then the other one, too. Neither minds what happens to its neighbour."""
    modem.load()
    assert modem.guest.run(["devlink", "dev"]).out.split() == [HANDLE, SECOND]
    modem.wait_ready()
    modem.proves_life()
    state = "/sys/kernel/debug/iosm/0000:00:01.0/state"
    modem.guest.wait_for(f"grep -qx 'state: boot ROM' {state}", what="the second one is in its boot ROM")
    modem.control("fault now:reboot", which=1)
    modem.guest.wait_path("/dev/wwan1at0", timeout=20)
    modem.guest.wait_path("/sys/class/net/wwan1", timeout=20)
    assert modem.call("ports", "at", "/dev/wwan1at0", ["AT"], 10.0) == ["AT\r\r\nOK\r\n"]
    modem.proves_life()
    unbind(modem)
    assert modem.guest.run(["devlink", "dev"]).out.split() == [SECOND]
    assert modem.call("ports", "at", "/dev/wwan1at0", ["AT"], 10.0) == ["AT\r\r\nOK\r\n"]
    bind(modem)
    modem.proves_life()
