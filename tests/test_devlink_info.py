# SPDX-License-Identifier: GPL-2.0
"""What devlink knows of a modem, its parameter, and "devlink dev reload": in every state, and with others at the same time.

Implements the check of protocol.rst 2.1 to 2.3, 7.1 and 8.5.
"""

from __future__ import annotations

import json
import signal
from dataclasses import dataclass
from typing import Any

import pytest
from iosmlib.bench import Job, Result, wait_until
from testlib.flashing import (
    AT_ONCE,
    EBL_REFUSED,
    HANDLE,
    IN_ROM,
    NAND,
    NAND_SIZE,
    NO_LOADER,
    WRONG_SIZE,
    Image,
    begin,
    counted,
    flash,
    flash_all,
    install,
    parameter,
    set_parameter,
    small_set,
    stage,
    timed,
)
from testlib.modem import PCI, Modem
from testlib.recovery import bind, index, reset, wait_replaced

CHIP_RECORD = 60		# bytes; the second says how many follow it
CHIP_LENGTH = 58
API = "0x100"
DRIVER = "/sys/bus/pci/drivers/iosm"
BOUND = 10.0			# seconds that a reload of a modem that boots at once may take
RELOAD_TIMEOUT = 40.0		# seconds that one waits for a modem that does not come
FROM_ROM = ("--boot-delay", "never")


@dataclass(frozen=True)
class Info:
    """What "devlink dev info" says."""

    driver: str
    fixed: dict[str, str]
    running: dict[str, str]


def info(modem: Modem) -> Info:
    """Of the modem, now. There is no serial number, and nothing is stored."""
    values = json.loads(modem.guest.run(["devlink", "-j", "dev", "info", HANDLE]).out)["info"][HANDLE]
    assert set(values) == {"driver", "versions"}
    assert set(values["versions"]) <= {"fixed", "running"}
    return Info(values["driver"], values["versions"]["fixed"], values["versions"].get("running", {}))


def reload(modem: Modem, *words: str, check: bool = True) -> Result:
    """devlink dev reload"""
    return modem.guest.run(["devlink", "-j", "dev", "reload", HANDLE, *words], timeout=60.0, check=check)


def activate(modem: Modem) -> None:
    """Reload with the one action that there is; it is done."""
    done = reload(modem, "action", "fw_activate")
    assert json.loads(done.out)["reload"]["reload_actions_performed"] == ["fw_activate"]


def reporter(modem: Modem, name: str = "fw") -> dict[str, Any]:
    """One of the health reporters."""
    row, = json.loads(modem.guest.run(["devlink", "-j", "health", "show", HANDLE, "reporter", name]).out)["health"][HANDLE]
    return dict(row)


# Information

@pytest.mark.parametrize("device", ("7560", "7360"), scope="module")
def test_information(modem: Modem, device: str) -> None:
    """All that is known of a modem that runs."""
    found = info(modem)
    assert (found.driver, found.fixed["asic.id"]) == ("iosm", f"XMM{device}")
    chip = bytes.fromhex(found.fixed["chip.info"])
    assert (len(chip), chip[1]) == (CHIP_RECORD, CHIP_LENGTH)
    assert found.running == {"fw.stage": "run", "fw.mgmt.api": API}


@pytest.mark.emulator(load=False, boots=False, options=FROM_ROM)
def test_information_in_the_boot_rom(modem: Modem) -> None:
    """There is no session, so there is no version; the chip is the same."""
    modem.load()
    modem.wait_state("boot ROM")
    found = info(modem)
    assert set(found.fixed) == {"asic.id", "chip.info"}
    assert found.running == {"fw.stage": "boot"}


@pytest.mark.emulator(boots=False, fresh=True, options=IN_ROM)
def test_information_in_the_loaders(modem: Modem) -> None:
    """Which one it is, and which protocol it speaks while there is a session with it; a new driver has none."""
    install(modem, small_set())
    for name, where in (("psi.bin", "psi"), ("ebl.bin", "ebl")):
        flash(modem, name).check()
        found = info(modem)
        assert set(found.fixed) == {"asic.id", "chip.info"}
        assert found.running == {"fw.stage": where, "fw.mgmt.api": API}
        modem.unload()
        modem.load()
        modem.wait_state("loader")
        assert info(modem).running == {"fw.stage": where}


@pytest.mark.emulator(fresh=True)
@pytest.mark.parametrize(("fault", "state", "stage"), (
    ("now:crash", "crashed", "crash"), ("now:dump=50", "crashed, dump ready", "cd_ready"), ("now:gone", "lost", None)))
def test_information_in_bad_states(modem: Modem, fault: str, state: str, stage: str | None) -> None:
    """What is not known any more is not said."""
    modem.guest.run(["devlink", "health", "set", HANDLE, "reporter", "fw", "auto_recover", "false"])
    modem.fault(fault)
    if stage is None:
        modem.guest.sh("exec 3<>/dev/wwan0at0", check=False)
    modem.wait_state(state)
    found = info(modem)
    assert found.running == ({"fw.stage": stage} if stage else {})
    assert ("chip.info" in found.fixed) == (stage is not None)
    assert found.fixed["asic.id"] == "XMM7560"
    if stage is None:
        modem.control("clear")
        modem.control("back")
    modem.guest.run(["devlink", "health", "recover", HANDLE, "reporter", "fw"], timeout=60.0)
    modem.wait_ready()
    assert info(modem).running == {"fw.stage": "run", "fw.mgmt.api": API}


def test_information_wakes_nobody(modem: Modem) -> None:
    """A function in D3 stays there; of its registers nothing is said, of the session what was read at its start."""
    modem.guest.sh(f"echo 10 > {PCI}/power/autosuspend_delay_ms; echo auto > {PCI}/power/control")
    modem.wait_state("suspended")
    wait_until(lambda: modem.stats()["function"]["d3"], 10, "the function is in D3")
    entries = modem.stats()["function"]["d3_entries"]
    for _ in range(5):
        found = info(modem)
        assert (set(found.fixed), found.running) == ({"asic.id"}, {"fw.mgmt.api": API})
    function = modem.stats()["function"]
    assert (function["d3"], function["d3_entries"]) == (True, entries)
    modem.guest.sh(f"echo on > {PCI}/power/control")
    modem.wait_state("online")
    assert info(modem).running == {"fw.stage": "run", "fw.mgmt.api": API}


# The parameter

def test_parameter(modem: Modem) -> None:
    """Off, until somebody switches it on; it belongs to the driver that is bound, not to a session."""
    assert parameter(modem) is False
    set_parameter(modem, True)
    assert parameter(modem) is True
    before = index(modem)
    modem.fault("now:crash=100")
    wait_replaced(modem, before)
    assert parameter(modem) is True
    set_parameter(modem, False)
    assert parameter(modem) is False
    set_parameter(modem, True)
    modem.unload()
    modem.load()
    assert parameter(modem) is False
    modem.wait_ready()


@pytest.mark.parametrize("words", (("value", "2", "cmode", "runtime"), ("value", "true", "cmode", "permanent"),
                                   ("value", "true", "cmode", "driverinit")))
def test_parameter_that_is_none(modem: Modem, words: tuple[str, ...]) -> None:
    """Other values and other times are refused."""
    argv = ["devlink", "dev", "param", "set", HANDLE, "name", "erase_full_flash", *words]
    assert not modem.guest.run(argv, check=False).ok
    assert parameter(modem) is False


@pytest.mark.emulator(boots=False, fresh=True, options=IN_ROM)
def test_parameter_is_for_one_erasure(modem: Modem) -> None:
    """A file that the modem was not told of leaves it as it is; one that was erased for does not, even if that failed."""
    files = small_set()
    install(modem, files)
    set_parameter(modem, True)
    flash(modem, "secpack1.bin").failed(NO_LOADER)
    flash_all(modem, ("psi.bin", "ebl.bin"))
    assert parameter(modem) is True
    modem.fault("response:error")
    flash(modem, "secpack1.bin").failed(EBL_REFUSED)
    assert parameter(modem) is False
    reset(modem)
    modem.wait_state("boot ROM")
    flash_all(modem, files)
    modem.wait_ready()
    assert parameter(modem) is False


@pytest.mark.emulator(boots=False, fresh=True, options=IN_ROM)
def test_parameter_survives_refused_files(modem: Modem) -> None:
    """Whoever wants everything erased still wants it after a file that the EBL heard nothing of, and only then."""
    files = small_set()
    install(modem, files)
    install(modem, {"long.bin": Image("FLS", bytes(16385)), "place.bin": Image("FLS", bytes(2000), 0xFFFFFF00, region=True)})
    set_parameter(modem, True)
    flash(modem, "psi.bin").check()
    # The EBL runs, but the last answer broke the session with it.
    modem.fault("response#3:short=1")
    flash(modem, "ebl.bin").failed(WRONG_SIZE)
    assert stage(modem) == "EBL"
    for name, sentence in (("long.bin", "the security pack is too large"),
                           ("place.bin", "the region has no place in flash memory")):
        flash(modem, name).failed(sentence)
        assert parameter(modem) is True
    # Nobody can talk to it before there is another one, and whoever waits for that may give up.
    modem.control("clear")
    modem.fault("running:late=3000")
    job = begin(modem, "secpack1.bin")
    wait_until(modem.faults_fired, 20, "the modem takes its time")
    job.kill(signal.SIGINT)
    assert job.wait(AT_ONCE) != 0
    assert parameter(modem) is True
    assert counted(modem).get("080c") == 1
    modem.control("clear")
    flash(modem, "secpack1.bin").check()
    assert parameter(modem) is False
    assert counted(modem)["080c"] == 2


# Regions and reporters

def test_regions_of_a_healthy_modem(modem: Modem) -> None:
    """They are there, with their sizes, and empty; asking for a dump that does not exist costs nothing and says why."""
    rows = json.loads(modem.guest.run(["devlink", "-j", "region", "show"]).out)["regions"]
    assert {name.partition(f"{HANDLE}/")[2]: (row["size"], row["snapshot"]) for name, row in rows.items()} == {
        "report.json": (0x800, []), "coredump.fcd": (0x10E00000, []), "cdd.log": (0x30000, []),
        "eeprom.bin": (0x10000, []), "bootcore_trace.bin": (0x8000, []), "bootcore_prev_trace.bin": (0x20000, [])}
    sessions = modem.stats()["ipc_sessions"]
    refused = modem.guest.run(["devlink", "region", "new", f"{HANDLE}/coredump.fcd"], check=False)
    assert not refused.ok
    assert "core dump" in refused.err
    refused = modem.guest.run(["devlink", "health", "dump", "show", HANDLE, "reporter", "coredump"], check=False)
    assert not refused.ok
    assert modem.stats()["ipc_sessions"] == sessions
    row = reporter(modem, "coredump")
    assert (row["state"], row["error"], "last_dump_date" in row) == ("healthy", 0, False)


# Reload

def test_reload(modem: Modem) -> None:
    """The function is reset, everything comes back under the same names, and devlink counts it."""
    modem.up(0)
    before, stats = index(modem), modem.stats()
    activate(modem)
    after = modem.stats()
    assert (after["flr"], after["ipc_sessions"]) == (stats["flr"] + 1, stats["ipc_sessions"] + 1)
    modem.wait_state("online")
    wait_replaced(modem, before)
    modem.proves_life()
    shown = json.loads(modem.guest.run(["devlink", "-j", "-s", "dev", "show", HANDLE]).out)["dev"][HANDLE]
    assert shown["stats"]["reload"]["fw_activate"]["unspecified"] >= 1
    assert (reporter(modem)["state"], reporter(modem)["error"]) == ("healthy", 0)


def test_reload_of_a_sleeping_function(modem: Modem) -> None:
    """It is woken up for that, and may sleep again."""
    modem.guest.sh(f"echo 10 > {PCI}/power/autosuspend_delay_ms; echo auto > {PCI}/power/control")
    modem.wait_state("suspended")
    resets = modem.stats()["flr"]
    activate(modem)
    assert modem.stats()["flr"] == resets + 1
    modem.wait_state("suspended")
    modem.guest.sh(f"echo on > {PCI}/power/control")
    modem.proves_life()


def test_reload_of_a_crashed_modem(modem: Modem) -> None:
    """It recovers, and its health with it, without being counted as a recovery that devlink made."""
    modem.guest.run(["devlink", "health", "set", HANDLE, "reporter", "fw", "auto_recover", "false"])
    modem.fault("now:crash")
    modem.wait_state("crashed")
    wait_until(lambda: reporter(modem)["state"] == "error", 10, "the crash was reported")
    recoveries = reporter(modem)["recover"]
    activate(modem)
    wait_until(lambda: reporter(modem)["state"] == "healthy", 10, "the reporter is healthy")
    assert reporter(modem)["recover"] == recoveries
    modem.guest.run(["devlink", "health", "set", HANDLE, "reporter", "fw", "auto_recover", "true"])
    modem.wait_ready()
    modem.proves_life()


def test_other_reloads(modem: Modem) -> None:
    """The driver cannot be initialised anew, and there is no activation without a reset."""
    stats = modem.stats()
    for words in ((), ("action", "driver_reinit")):
        refused = reload(modem, *words, check=False)
        assert not refused.ok
        assert "not supported" in refused.err
    assert not reload(modem, "action", "fw_activate", "limit", "no_reset", check=False).ok
    assert modem.stats()["flr"] == stats["flr"]


@pytest.mark.emulator(fresh=True)
def test_reload_that_fails(modem: Modem) -> None:
    """A modem that cannot be started: the reason is said, and the next reload helps."""
    modem.fault("features*:refuse")
    refused = reload(modem, "action", "fw_activate", check=False)
    assert not refused.ok
    assert "could not be started" in refused.err
    assert json.loads(modem.guest.run(["devlink", "-j", "dev", "show", HANDLE]).out)["dev"][HANDLE]["reload_failed"]
    modem.control("clear")
    activate(modem)
    modem.proves_life()


@pytest.mark.emulator(fresh=True)
def test_reload_of_a_lost_modem(modem: Modem) -> None:
    """There is nothing to reset; when it is there again, there is."""
    modem.fault("now:gone")
    modem.guest.sh("exec 3<>/dev/wwan0at0", check=False)
    modem.wait_state("lost")
    refused = reload(modem, "action", "fw_activate", check=False)
    assert not refused.ok
    assert "does not answer" in refused.err
    modem.control("clear")
    modem.control("back")
    activate(modem)
    modem.proves_life()


@pytest.mark.emulator(boots=False, fresh=True, options=("--flash", f"{{directory}}/{NAND}", "--flash-size", str(NAND_SIZE),
                                                        "--coredump-sizes", "16"))
@pytest.mark.parametrize("names", (("psi.bin",), ("psi.bin", "ebl.bin")), ids=("psi", "ebl"))
def test_reload_from_a_loader(modem: Modem, names: tuple[str, ...]) -> None:
    """A modem whose core dump is over boots its firmware after it, in whichever loader it was."""
    modem.wait_ready()
    install(modem, small_set())
    modem.guest.run(["devlink", "health", "set", HANDLE, "reporter", "coredump", "auto_dump", "false"])
    modem.fault("now:dump=20")
    modem.wait_state("boot ROM")
    for name in names:
        flash(modem, name).check()
        if name == "psi.bin":
            modem.guest.run(["devlink", "region", "new", f"{HANDLE}/report.json"])
    assert info(modem).running["fw.stage"] == names[-1].partition(".")[0]
    activate(modem)
    modem.proves_life()
    assert info(modem).running == {"fw.stage": "run", "fw.mgmt.api": API}


@pytest.mark.emulator(load=False, boots=False)
@pytest.mark.parametrize(("stage_name", "sentence"), (
    pytest.param("boot", "The modem is in its boot ROM; perhaps it waits for a PSI",
                 marks=pytest.mark.emulator(options=FROM_ROM)),
    pytest.param("ebl", "The modem is in a boot loader, which waits for firmware",
                 marks=pytest.mark.emulator(options=("--stage", "ebl")))))
def test_reload_that_leads_nowhere(modem: Modem, stage_name: str, sentence: str) -> None:
    """The modem has no firmware: after a while whoever waits is told where it stays, and can ask again."""
    modem.load()
    modem.guest.wait_for(f"devlink dev show {HANDLE}", what="devlink has the modem")
    refused = timed(modem, ["devlink", "dev", "reload", HANDLE, "action", "fw_activate"]).failed(sentence, RELOAD_TIMEOUT + 5)
    assert refused.seconds >= RELOAD_TIMEOUT
    assert info(modem).running == {"fw.stage": stage_name}


# Reload, and others

def reloading(modem: Modem) -> Job:
    """A reload of a modem that does not come back by itself, in the background; it waits."""
    resets = modem.stats()["flr"]
    job = modem.guest.spawn(["devlink", "dev", "reload", HANDLE, "action", "fw_activate"])
    modem.jobs.append(job)
    wait_until(lambda: modem.stats()["flr"] == resets + 1, 10, "the function was reset")
    modem.wait_state("boot ROM")
    return job


def seconds(modem: Modem, script: str) -> float:
    """How long a script takes, by the clock of the guest."""
    return int(modem.guest.sh(f"s=$(date +%s%N); {script}; echo $(( $(date +%s%N) - s ))").out) / 1e9


@pytest.mark.emulator(load=False, boots=False, options=FROM_ROM)
def test_reload_interrupted(modem: Modem) -> None:
    """Whoever does not want to wait for a modem in its boot ROM need not; nothing stays locked."""
    modem.load()
    modem.wait_state("boot ROM")
    job = reloading(modem)
    modem.guest.wait_for(f"grep -q '^State:.S' /proc/{job.pid}/status", what="the reload waits")
    job.kill(signal.SIGINT)
    assert job.wait(BOUND) != 0
    assert seconds(modem, f"devlink dev info {HANDLE} > /dev/null") < 1.0
    assert info(modem).running == {"fw.stage": "boot"}


@pytest.mark.emulator(load=False, boots=False, options=FROM_ROM)
def test_reload_and_unbind(modem: Modem) -> None:
    """An unbind comes after the reload, which devlink protects from it, and does not hang for ever."""
    modem.load()
    modem.wait_state("boot ROM")
    job = reloading(modem)
    leaving = modem.guest.spawn(["sh", "-c", f"echo 0000:00:00.0 > {DRIVER}/unbind"])
    modem.jobs.append(leaving)
    modem.guest.wait_for(f"grep -q '^State:.D' /proc/{leaving.pid}/status", what="the unbind waits")
    job.kill(signal.SIGINT)
    assert job.wait(BOUND) != 0
    assert leaving.wait(BOUND) == 0
    assert modem.guest.run(["devlink", "dev"]).out == ""
    bind(modem)
    modem.wait_state("boot ROM")


@pytest.mark.emulator(load=False, boots=False, options=FROM_ROM)
def test_reload_pulled_out(modem: Modem) -> None:
    """The modem goes while it is waited for: that is noticed long before the time is over."""
    modem.load()
    modem.wait_state("boot ROM")
    job = reloading(modem)
    modem.fault("now:gone")
    assert job.wait(BOUND) != 0
    assert "does not answer" in job.output()
    modem.control("clear")
    modem.control("back")
