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
    CRASHED,
    HANDLE,
    IN_ROM,
    LOADERS,
    NAND,
    NAND_SIZE,
    NO_EBL,
    NO_LOADER,
    NOT_IN_PSI,
    NOT_IN_ROM,
    ROM_REFUSED,
    SECOND,
    WAIT,
    Image,
    Monitor,
    Status,
    Step,
    begin,
    counted,
    documented,
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
    steps,
    wait_rom,
    wait_stage,
)
from testlib.modem import Address, Modem
from testlib.recovery import bind, remove, rescan, reset
from testlib.traffic import begin_stream, stream

pytestmark = pytest.mark.emulator(boots=False, options=IN_ROM)

FILES = small_set()
EMPTY = b"\xff" * NAND_SIZE
OLD = bytes(NAND_SIZE)		# nothing can be written over it that was not erased
STREAM = 1 << 20		# bytes, each way


@pytest.fixture
def rom(modem: Modem) -> Modem:
    """A modem in its boot ROM, and a guest that has the files."""
    into_rom(modem)
    install(modem, FILES)
    return modem


def carries(modem: Modem) -> None:
    """Ports answer, and a stream comes through unchanged."""
    modem.proves_life()
    stream(modem, 0, STREAM)
    # What the kernel's own driver does with a link that is up when it is reset, or removed, is not the subject.
    modem.down(0)


@pytest.mark.parametrize("device", ("7560", "7360"))
# After the first of two software images a slow guest may need more than a second to bring the next file.
@pytest.mark.emulator(boots=False, fresh=True, options=("--boot-delay", "never", "--flash", f"{{directory}}/{NAND}",
                                                        "--reboot-delay", "4000"))
def test_from_rom_to_traffic(modem: Modem, device: str, mux: str, tmp_path: Path) -> None:
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
    carries(modem)
    assert nand(modem) == expected(files.values(), b"\xff" * len(before))


def test_as_documented(rom: Modem) -> None:
    """The commands of the user's page, as they are there: a set, and another one after everything was erased."""
    files = {f"iosm/{name}": image for name, image in FILES.items()}
    (rom.bench.directory / "firmware/iosm").mkdir(exist_ok=True)
    install(rom, files)
    update, (erase,), *_ = documented("Firmware update")
    assert update.pop() == "..."
    assert len(update) == 5
    update += [re.sub(r"file \S+", f"file {name}", update[-1]) for name in list(files)[len(update):]]
    for erased in (False, True):
        (rom.emulator.directory / NAND).write_bytes(OLD)
        for number, command in enumerate(update):
            if erased and number == 1:
                rom.guest.sh(erase)
            rom.guest.sh(command)
        carries(rom)
        assert nand(rom) == expected(files.values(), EMPTY if erased else OLD)
        into_rom(rom)


def test_packed_files(rom: Modem, tmp_path: Path) -> None:
    """Files that users make with the tool, from pieces that have no header, are as good as any."""
    files = {f"packed-{name}": image for name, image in small_set(7).items()}
    before = nand(rom)
    for name, image in files.items():
        words = [image.kind]
        if image.kind == "FLS":
            words += ["--region", "--address", f"{image.address:x}", *(["--last"] if image.last else [])] if image.region \
                else ["--secpack"]
        (tmp_path / "raw").write_bytes(image.payload)
        subprocess.run([TOP / "tools/iosm-fw", "pack", *words, tmp_path / "raw", "-o", tmp_path / name], check=True)
        rom.firmware(tmp_path / name)
    flash_all(rom, files)
    carries(rom)
    assert nand(rom) == expected(files.values(), before)


@pytest.mark.emulator(boots=False, fresh=True, options=IN_ROM, second=IN_ROM)
def test_two_modems(modem: Modem) -> None:
    """Both at once, file by file, and one of them is erased as a whole: each has its own bits, and its own parameter."""
    sets = [{f"{which}-{name}": image for name, image in small_set(11 + which).items()} for which in range(2)]
    wait_rom(modem)
    modem.guest.wait_for(f"devlink dev show {SECOND}", what="devlink has the second modem")
    for which, files in enumerate(sets):
        (modem.bench.emulators[which].directory / NAND).write_bytes(OLD)
        install(modem, files)
    set_parameter(modem, True)
    *pairs, last = zip(*sets, strict=True)
    for number, pair in enumerate(pairs):
        jobs = [begin(modem, name, which) for which, name in enumerate(pair)]
        assert [job.wait(WAIT) for job in jobs] == [0, 0], [job.output() for job in jobs]
        assert [parameter(modem, which=which) for which in range(2)] == [number < len(LOADERS), False]
    # The first one to be there has the first name.
    flash(modem, last[0]).check()
    modem.wait_ready()
    assert stage(modem, 1) == "EBL"
    flash(modem, last[1], which=1).check()
    modem.guest.wait_path("/dev/wwan1at0")
    modem.guest.wait_path("/sys/class/net/wwan1")
    assert [nand(modem, which) for which in range(2)] == [expected(files.values(), old)
                                                          for files, old in zip(sets, (EMPTY, OLD), strict=True)]
    modem.up(0)
    address = Address(0)
    modem.guest.sh("ip netns add other && ip link set wwan1 netns other && ip -n other link set wwan1 up && "
                   f"ip -n other addr add {address.host4}/24 dev wwan1")
    streams = [begin_stream(modem, 0, STREAM), begin_stream(modem, 0, STREAM, which=1, namespace="other")]
    for end in streams:
        end()
    assert modem.call("ports", "at", "/dev/wwan1at0", ["AT"], 10.0) == ["AT\r\r\nOK\r\n"]


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

@pytest.mark.parametrize(("before", "name", "sentence"), (
    (None, "ebl.bin", NO_LOADER), (None, "secpack1.bin", NO_LOADER), (None, "region1a.bin", NO_LOADER),
    ("psi.bin", "psi.bin", NOT_IN_ROM), ("psi.bin", "secpack1.bin", NO_EBL),
    ("ebl.bin", "ebl.bin", NOT_IN_PSI), ("ebl.bin", "psi.bin", NOT_IN_ROM)))
def test_wrong_order(rom: Modem, before: str | None, name: str, sentence: str) -> None:
    """A file that is not for this stage: a reason, nothing happens, and the right one goes well."""
    order = list(FILES)
    if before:
        flash_all(rom, order[:order.index(before) + 1])
    stats = rom.stats()["flash"]
    monitor = Monitor(rom)
    flash(rom, name).failed(sentence)
    if name != "psi.bin":
        assert monitor.next()[0].message == "Invalid execution stage"
    assert rom.stats()["flash"] == stats
    flash(rom, order[order.index(before) + 1 if before else 0]).check()


NO_HEADER = "The file has no valid header, or nothing after it"
NOT_FOUND = "failed to locate the requested firmware file"	# in the words of devlink itself, as the next one
NO_COMPONENT = "selected component is not supported by this device"
WRONG = {
    "magic": (b"X" + FILES["psi.bin"].file()[1:], NO_HEADER),
    "nothing": (b"", NOT_FOUND),
    "header only": (FILES["psi.bin"].file()[:64], NO_HEADER),
    "half a header": (FILES["psi.bin"].file()[:40], NO_HEADER),
    "type": (Image("XYZ", b"12345678").file(), "The file is neither of type PSI, EBL nor FLS"),
}


@pytest.mark.parametrize("what", WRONG)
def test_wrong_file(rom: Modem, what: str) -> None:
    """A file that is none."""
    content, sentence = WRONG[what]
    stats = rom.stats()["flash"]
    name = install_bytes(rom, "wrong.bin", content)
    monitor = Monitor(rom)
    flash(rom, name).failed(sentence)
    if what == "type":
        assert [status.message for status in monitor.next()] == ["Invalid component"]
    assert rom.stats()["flash"] == stats
    flash(rom, "psi.bin").check()


def test_wrong_arguments(rom: Modem) -> None:
    """No such file; a component, which no kind of file has."""
    flash(rom, "missing.bin").failed(NOT_FOUND)
    flash(rom, "psi.bin", "component", "fw.psi").failed(NO_COMPONENT)
    assert stage(rom) == "BOOT"
    flash(rom, "psi.bin").check()


@pytest.mark.emulator(boots=True, options=())
def test_modem_that_runs(modem: Modem) -> None:
    """Firmware that runs cannot be replaced; it is not disturbed by the attempt."""
    install(modem, FILES)
    stats = modem.stats()
    for name, sentence in (("psi.bin", NOT_IN_ROM), ("ebl.bin", NO_LOADER), ("secpack1.bin", NO_LOADER)):
        flash(modem, name).failed(sentence)
    after = modem.stats()
    assert (after["flr"], after["ipc_sessions"], after["stage"]) == (stats["flr"], stats["ipc_sessions"], "RUN")
    modem.proves_life()


# What the modem refuses

def test_bad_psi(rom: Modem) -> None:
    """The boot ROM does not take it and says so; then it takes a good one."""
    install(rom, {"bad.bin": Image("PSI", b"PSIX" + bytes(1000))})
    flash(rom, "bad.bin").failed(ROM_REFUSED)
    assert stage(rom) == "BOOT"
    wait_rom(rom)
    flash_what_is_left(rom, FILES)


def test_bad_ebl(rom: Modem) -> None:
    """PSI starts it, and it crashes; after a reset everything is as at the beginning."""
    install(rom, {"bad.bin": Image("EBL", b"EBLX" + bytes(1000))})
    flash(rom, "psi.bin").check()
    flash(rom, "bad.bin").failed(CRASHED)
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

    def loading(name: str) -> list[Status]:
        size = len(FILES[name].payload)
        return [Status("Loading", FILES[name].kind, done, size) for done in (0, size)]

    assert told["psi.bin"] == [*loading("psi.bin"), Status("0aa", "PSI ACK", 0, 0)]
    *loaded, swid = told["ebl.bin"]
    assert loaded == loading("ebl.bin")
    assert re.fullmatch(r"SWID: [0-9a-f]+, RF_ENGINE_ID: [0-9a-f]+", swid.message)
    assert told["secpack1.bin"] == loading("secpack1.bin")
    size = len(FILES["region1a.bin"].payload)
    assert [status for status in told["region1a.bin"] if status.message == "Erasing"] == [
        Status("Erasing", "FLS", done, size) for done in (0, size)]
    assert [status for status in told["region1a.bin"] if status.message == "Writing"] == [
        Status("Writing", "FLS", done, size) for done in (0, 65536, size)]
    flash(rom, "psi.bin").failed(NOT_IN_ROM)
    assert monitor.next() == [Status("Flashing failed", "PSI", 0, 0)]


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


@pytest.mark.parametrize("step", steps("psi-psi", "psi-ack", "ebl-ebl-load#3", "ebl-response#2", "region1a-raw"), ids=str)
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


@pytest.mark.parametrize("step", steps("psi-ack", "ebl-response#2", "region1a-raw"), ids=str)
def test_reset(rom: Modem, step: Step) -> None:
    """The function is reset under it."""
    job = hold(rom, FILES, step)
    reset(rom)
    assert job.wait(WAIT) != 0
    rom.control("clear")
    wait_rom(rom)
    flash_what_is_left(rom, FILES)


@pytest.mark.parametrize("step", steps("psi-ack", "ebl-response#2", "region1a-raw"), ids=str)
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
