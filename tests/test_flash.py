# SPDX-License-Identifier: GPL-2.0
"""Firmware goes to the modem with "devlink dev flash", bit by bit, and boots into traffic.

Implements the check of protocol.rst 7.3 to 7.5, 7.7, 7.9 and 8.5.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from iosmlib.bench import wait_until
from iosmlib.common import TOP
from testlib.flashing import (
    HANDLE,
    IN_ROM,
    LOADERS,
    NAND,
    NAND_SIZE,
    STEPS,
    WAIT,
    Image,
    Monitor,
    Status,
    Step,
    begin,
    counted,
    expected,
    files_of,
    flash,
    flash_all,
    flash_what_is_left,
    hold,
    install,
    install_bytes,
    into_rom,
    lock_is_free,
    nand,
    parameter,
    reach,
    set_parameter,
    small_set,
    stage,
    wait_rom,
    wait_stage,
)
from testlib.modem import Modem
from testlib.recovery import bind, remove, rescan, reset

pytestmark = pytest.mark.emulator(boots=False, options=IN_ROM)

FILES = small_set()
EMPTY = b"\xff" * NAND_SIZE


@pytest.fixture
def rom(modem: Modem) -> Modem:
    """A modem in its boot ROM, and a guest that has the files."""
    into_rom(modem)
    install(modem, FILES)
    return modem


@pytest.mark.emulator(boots=False, fresh=True, options=("--boot-delay", "never", "--flash", f"{{directory}}/{NAND}"))
def test_from_rom_to_traffic(modem: Modem, tmp_path: Path) -> None:
    """A whole set as users have it: afterwards the NAND holds each bit of it and nothing else, and packets flow."""
    done = subprocess.run([TOP / "tools" / "iosm-fw", "example", tmp_path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    files = files_of(tmp_path)
    for name in files:
        modem.firmware(tmp_path / name)
    wait_rom(modem)
    before = nand(modem)
    with modem.listening() as events:
        flash_all(modem, files)
        events.wait("MDM_READY")
    modem.proves_life()
    assert nand(modem) == expected(files.values(), b"\xff" * len(before))


def test_again_and_again(rom: Modem) -> None:
    """One modem is flashed, boots, is reset into its ROM, and is flashed with something else; both times it works."""
    for seed in (2, 3):
        files = small_set(seed)
        install(rom, files)
        before = nand(rom)
        flash_all(rom, files)
        rom.proves_life()
        assert nand(rom) == expected(files.values(), before)
        assert rom.guest.run(["devlink", "dev"]).out.split() == [HANDLE]
        rom.down(0)
        reset(rom)
        wait_rom(rom)


def test_only_what_is_in_the_files_changes(rom: Modem) -> None:
    """Without the parameter, each region is erased for itself; with it, the whole NAND is, once, and then it is off again."""
    elsewhere = dict(FILES)
    elsewhere["region1a.bin"] = Image("FLS", bytes(range(256)) * 64, 0xC0000, region=True)
    install(rom, elsewhere)
    before = nand(rom)
    assert parameter(rom) is False
    packets = counted(rom)
    flash_what_is_left(rom, elsewhere)
    assert counted(rom)["0805"] - packets.get("0805", 0) == 3
    assert nand(rom)[0xC0000:0xC0000 + 0x4000] == bytes(range(256)) * 64 != before[0xC0000:0xC0000 + 0x4000]

    into_rom(rom)
    install(rom, FILES)
    flash_what_is_left(rom, FILES)
    assert nand(rom)[0xC0000:0xC0000 + 0x4000] == bytes(range(256)) * 64

    into_rom(rom)
    packets = counted(rom)
    set_parameter(rom, True)
    assert parameter(rom) is True
    flash_all(rom, LOADERS)
    assert parameter(rom) is True
    flash_all(rom, [name for name in FILES if name not in LOADERS])
    assert parameter(rom) is False
    wait_stage(rom, "RUN")
    assert nand(rom) == expected(FILES.values(), EMPTY)
    # The table of the EBL, and the full erase; none of the regions was erased again.
    assert (counted(rom)["080c"] - packets["080c"], counted(rom)["0805"]) == (2, packets["0805"])


def test_loaders_one_by_one(rom: Modem) -> None:
    """The stages between the files; the driver says where the modem is, and nothing of it is there before RUN."""
    assert stage(rom) == "BOOT"
    for name, reached in zip(LOADERS, ("PSI", "EBL"), strict=True):
        flash(rom, name).check()
        wait_stage(rom, reached)
        if rom.kit.driver == "ours":
            rom.wait_state("loader online")
        assert rom.guest.sh("ls -d /dev/wwan* /sys/class/net/wwan* 2>/dev/null", check=False).out == ""
        assert not rom.guest.warnings()
    assert (rom.stats()["flash"]["psi"], rom.stats()["flash"]["ebl"]) != (0, 0)


# What is refused before anything is said to the modem

@pytest.mark.parametrize(("before", "name"), ((None, "ebl.bin"), (None, "secpack1.bin"), (None, "region1a.bin"),
                                              ("psi.bin", "psi.bin"), ("psi.bin", "secpack1.bin"),
                                              ("ebl.bin", "ebl.bin"), ("ebl.bin", "psi.bin")))
def test_wrong_order(rom: Modem, before: str | None, name: str) -> None:
    """A file that is not for this stage: a reason, nothing happens, and the right one goes well."""
    order = list(FILES)
    if before:
        flash_all(rom, order[:order.index(before) + 1])
    stats = rom.stats()["flash"]
    monitor = Monitor(rom)
    flash(rom, name).failed("stage|boot ROM|loader|EBL|PSI")
    if name != "psi.bin":
        assert monitor.next()[0].message == "Invalid execution stage"
    assert rom.stats()["flash"] == stats
    flash(rom, order[order.index(before) + 1 if before else 0]).check()


WRONG = {
    "magic": (b"X" + FILES["psi.bin"].file()[1:], "magic|no firmware|header|not an? "),
    "nothing": (b"", "length|short|size|empty|invalid|failed"),
    "header only": (FILES["psi.bin"].file()[:64], "length|short|size|header|not an? "),
    "half a header": (FILES["psi.bin"].file()[:40], "length|short|size|header|not an? "),
    "type": (Image("XYZ", b"12345678").file(), "component|type"),
}


@pytest.mark.parametrize("what", WRONG)
def test_wrong_file(rom: Modem, what: str) -> None:
    """A file that is none."""
    content, words = WRONG[what]
    stats = rom.stats()["flash"]
    name = install_bytes(rom, "wrong.bin", content)
    monitor = Monitor(rom)
    flash(rom, name).failed(words)
    if what == "type":
        assert [status.message for status in monitor.next()] == ["Invalid component"]
    assert rom.stats()["flash"] == stats
    flash(rom, "psi.bin").check()


def test_wrong_arguments(rom: Modem) -> None:
    """No such file; a component, which no kind of file has."""
    flash(rom, "missing.bin").failed("file|firmware")
    flash(rom, "psi.bin", "component", "fw.psi").failed("component")
    assert stage(rom) == "BOOT"
    flash(rom, "psi.bin").check()


@pytest.mark.emulator(boots=True, options=())
def test_modem_that_runs(modem: Modem) -> None:
    """Firmware that runs cannot be replaced; it is not disturbed by the attempt."""
    install(modem, FILES)
    stats = modem.stats()
    for name in ("psi.bin", "ebl.bin", "secpack1.bin"):
        flash(modem, name).failed("stage|boot ROM|loader|runs|running")
    after = modem.stats()
    assert (after["flr"], after["ipc_sessions"], after["stage"]) == (stats["flr"], stats["ipc_sessions"], "RUN")
    modem.proves_life()


# What the modem refuses

def test_bad_psi(rom: Modem) -> None:
    """The boot ROM does not take it and says so; then it takes a good one."""
    install(rom, {"bad.bin": Image("PSI", b"PSIX" + bytes(1000))})
    flash(rom, "bad.bin").failed("ROM")
    assert stage(rom) == "BOOT"
    wait_rom(rom)
    flash_what_is_left(rom, FILES)


def test_bad_ebl(rom: Modem) -> None:
    """PSI starts it, and it crashes; after a reset everything is as at the beginning."""
    install(rom, {"bad.bin": Image("EBL", b"EBLX" + bytes(1000))})
    flash(rom, "psi.bin").check()
    flash(rom, "bad.bin").failed("crash")
    reset(rom)
    wait_rom(rom)
    flash_what_is_left(rom, FILES)


# What users see meanwhile

def test_notifications(rom: Modem) -> None:
    """Of a whole set: each message of protocol.rst 7.9 by itself, and how far the long ones are."""
    monitor = Monitor(rom)
    told = {}
    for name, image in FILES.items():
        flash(rom, name).check()
        told[name] = monitor.next()
        assert told[name].pop() == Status("Flashing success", image.kind, 0, 0)
    assert told["psi.bin"] == [Status("0aa", "PSI ACK", 0, 0)]
    swid, = told["ebl.bin"]
    assert re.fullmatch(r"SWID: [0-9a-f]+, RF_ENGINE_ID: [0-9a-f]+", swid.message)
    assert told["secpack1.bin"] == []
    size = len(FILES["region1a.bin"].payload)
    assert [status for status in told["region1a.bin"] if status.message == "Erasing"] == [
        Status("Erasing", "FLS", done, size) for done in (0, size)]
    assert [status for status in told["region1a.bin"] if status.message == "Writing"] == [
        Status("Writing", "FLS", done, size) for done in (0, 65536, size)]
    flash(rom, "psi.bin").failed("boot ROM")
    assert Status("Flashing failed", "PSI", 0, 0) in monitor.next()


# What gets in the way

@pytest.mark.parametrize("last", LOADERS)
def test_driver_reloaded(rom: Modem, last: str) -> None:
    """A driver that finds a loader at work goes on with it."""
    reach(rom, FILES, last)
    flash(rom, last).check()
    rom.unload()
    rom.load()
    rom.wait_state("loader")
    flash_what_is_left(rom, FILES)
    rom.wait_ready()


@pytest.mark.parametrize("step", (STEPS[0], STEPS[2], STEPS[5], STEPS[8], STEPS[12]), ids=str)
def test_unbind(rom: Modem, step: Step) -> None:
    """At each step: the driver leaves at once, whoever waited is told, and a new one can start from the beginning."""
    job = hold(rom, FILES, step)
    script = "s=$(date +%s%N); echo 0000:00:00.0 > /sys/bus/pci/drivers/iosm/unbind; echo $(( $(date +%s%N) - s ))"
    assert int(rom.guest.sh(script).out) / 1e9 < WAIT / 2
    assert job.wait(WAIT) != 0
    rom.control("clear")
    reset(rom)
    bind(rom)
    wait_rom(rom)
    flash_what_is_left(rom, FILES)


@pytest.mark.parametrize("step", (STEPS[2], STEPS[8], STEPS[12]), ids=str)
def test_reset(rom: Modem, step: Step) -> None:
    """The function is reset under it."""
    job = hold(rom, FILES, step)
    reset(rom)
    assert job.wait(WAIT) != 0
    rom.control("clear")
    wait_rom(rom)
    flash_what_is_left(rom, FILES)


@pytest.mark.parametrize("step", (STEPS[2], STEPS[8], STEPS[12]), ids=str)
def test_pulled_out(rom: Modem, step: Step) -> None:
    """The modem is gone under it, and comes back."""
    job = hold(rom, FILES, step)
    rom.fault("now:gone")
    remove(rom)
    assert job.wait(WAIT) != 0
    rom.control("clear")
    rom.control("back")
    rescan(rom)
    wait_rom(rom)
    flash_what_is_left(rom, FILES)


@pytest.mark.emulator(sleep=True)
def test_suspend(rom: Modem) -> None:
    """The machine does not sleep in the middle of a file, whose conversation goes on; between files it may."""
    reach(rom, FILES, "region1a.bin")
    rom.fault("response#4:late=2000")
    job = begin(rom, "region1a.bin")
    wait_until(rom.faults_fired, 20, "the modem takes its time")
    rom.guest.suspend("freeze").refused()
    assert job.wait(WAIT + 2) == 0, job.output()
    with rom.asleep("freeze"):
        pass
    lock_is_free(rom)
    flash_what_is_left(rom, {name: image for name, image in FILES.items() if name not in ("secpack1.bin", "region1a.bin")})
