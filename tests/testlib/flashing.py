# SPDX-License-Identifier: GPL-2.0
"""Firmware files, the way into the boot ROM and out of it, and devlink as a user sees it.

The files are made here from protocol.rst 7.5.1, not with tools/iosm-fw, so that one checks the other. Where there may be two
modems, "which" is 0 for the first and 1 for the second one.
"""

from __future__ import annotations

import json
import random
import re
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from iosmlib.bench import Job, Result, wait_until
from iosmlib.common import TOP

from .modem import PCI, STATE, Modem
from .recovery import reset

HANDLE = "pci/0000:00:00.0"
SECOND = "pci/0000:00:01.0"
HANDLES = (HANDLE, SECOND)
EXAMPLE = "D=pci/0000:01:00.0"	# the modem of the user's page
MAGIC = b"IOSM_DEVLINK_HEADER\0"
HEADER = struct.Struct("<20s4sIBB34x")
STAGES = {"BOOT": 0xFEEDB007, "PSI": 0xFEEDBEEF, "EBL": 0xFEEDCAFE, "RUN": 0x600DF00D, "CRASH": 0x8BADF00D,
          "CD_READY": 0xBADC0DED}

# A modem that waits for its loaders, with a NAND that is soon compared.
NAND_SIZE = 1 << 20
BLOCK = 4096
NAND = "nand.bin"
IN_ROM = ("--boot-delay", "never", "--flash", f"{{directory}}/{NAND}", "--flash-size", str(NAND_SIZE))

# Seconds of the guest that a call may take: one wait for the modem is 3 s.
WAIT = 3.0
AT_ONCE = 1.5

# Why a file was not flashed, in the words of the driver.
NOT_IN_TIME = "the PSI did not start in time"
NOT_STARTED = "the PSI did not start, or the modem was reset"
ROM_REFUSED = "the boot ROM refused the PSI"
NOT_IN_ROM = "the modem is not in its boot ROM"
NOT_IN_PSI = "the modem is not in its first boot loader, PSI"
NO_LOADER = "no boot loader runs; flash a PSI file first"
NO_EBL = "no EBL runs; flash an EBL file first"
NO_SESSION = "the loader does not begin a session"
NO_ANSWER = "the loader does not answer"
WRONG_SIZE = "the loader gave an answer of a wrong size"
CRASHED = "the loader crashed"
LEFT = "the modem left its loader"
EBL_REFUSED = "the EBL refused; class and code are in the kernel log"
UNKNOWN_SWID = "the EBL has a SWID table of an unknown version"
NOT_ERASED = "the modem could not erase its flash memory"
BAD_LIST = "the modem's list of core dump files is wrong"
NO_FILE = "No such file: a core dump is offered by the PSI of a modem that crashed"


@dataclass(frozen=True)
class Image:
    """One firmware file."""

    kind: str			# PSI, EBL or FLS
    payload: bytes
    address: int = 0
    region: bool = False
    last: bool = False

    def file(self) -> bytes:
        """The file."""
        return HEADER.pack(MAGIC, self.kind.encode(), self.address, self.region, self.last) + self.payload

    @classmethod
    def parse(cls, content: bytes) -> Image:
        """An image from its file."""
        magic, kind, address, region, last = HEADER.unpack_from(content)
        assert magic == MAGIC
        return cls(kind.rstrip(b"\0").decode(), content[HEADER.size:], address, bool(region), bool(last))


def small_set(seed: int = 1) -> dict[str, Image]:
    """The least that a modem needs: both loaders, a software image of two regions, and another one that ends it."""
    dice = random.Random(seed)
    return {
        "psi.bin": Image("PSI", b"PSI0" + dice.randbytes(5000)),
        "ebl.bin": Image("EBL", b"EBL0" + dice.randbytes(40001)),
        "secpack1.bin": Image("FLS", dice.randbytes(700)),
        "region1a.bin": Image("FLS", dice.randbytes(70001), 0x10000, region=True),
        "region1b.bin": Image("FLS", dice.randbytes(4096), 0x40000, region=True),
        "secpack2.bin": Image("FLS", dice.randbytes(16384)),
        "region2a.bin": Image("FLS", dice.randbytes(999), 0x80000, region=True, last=True),
    }


LOADERS = ("psi.bin", "ebl.bin")
RUNNING = {"BOOT": (), "PSI": LOADERS[:1], "EBL": LOADERS}	# those that are needed no more in a stage


def install(modem: Modem, files: dict[str, Image]) -> None:
    """Give the guest these firmware files."""
    for name, image in files.items():
        install_bytes(modem, name, image.file())


def install_bytes(modem: Modem, name: str, content: bytes) -> str:
    """Give the guest one file, whatever is in it."""
    source = modem.bench.directory / "made.bin"
    source.write_bytes(content)
    return modem.firmware(source, name)


def nand(modem: Modem, which: int = 0) -> bytes:
    """What is in the modem's NAND."""
    return (modem.bench.emulators[which].directory / NAND).read_bytes()


def expected(images: Iterable[Image], before: bytes) -> bytes:
    """What is in the NAND after these were flashed."""
    content = bytearray(before)
    for image in images:
        if image.region:
            end = image.address + len(image.payload)
            # Whole blocks are erased.
            first, last = image.address // BLOCK * BLOCK, -(-end // BLOCK) * BLOCK
            content[first:last] = b"\xff" * (last - first)
            content[image.address:end] = image.payload
    return bytes(content)


def wait_rom(modem: Modem) -> None:
    """Until the driver knows that the modem is in its boot ROM, and can be asked to flash it."""
    if modem.kit.driver == "ours":
        modem.wait_state("boot ROM")
    modem.guest.wait_for(f"devlink dev show {HANDLE}", what="devlink has the modem")


def bound(modem: Modem) -> str:
    """Something that is another one when the driver was bound anew."""
    return modem.guest.sh(f"stat -c %i {STATE}").out


def into_rom(modem: Modem) -> None:
    """The modem is in its boot ROM, as after power-on; the driver stays bound, if it is one that notices a reset."""
    modem.control("clear")
    if modem.kit.driver == "ours":
        reset(modem)
    else:
        modem.unload()
        modem.guest.sh(f"echo 1 > {PCI}/reset")
        modem.load()
    wait_rom(modem)


@dataclass(frozen=True)
class Outcome:
    """How a call of devlink ended."""

    result: Result
    seconds: float		# of the guest

    @property
    def text(self) -> str:
        """What devlink said, messages of the kernel among it."""
        return self.result.out + self.result.err

    def check(self) -> Outcome:
        """It succeeded."""
        assert self.result.ok, self.text
        return self

    @property
    def reason(self) -> str:
        """The sentence that came with the error; nothing if there was none, and devlink put only a number into words."""
        match = re.match(r"Error: (?:iosm: )?(.+?)\.?$", self.result.err, re.M)
        return match[1] if match else ""

    def failed(self, sentence: str, within: float = AT_ONCE) -> Outcome:
        """It failed within so many seconds, and gave this reason."""
        assert not self.result.ok, self.text
        assert self.reason == sentence, self.text
        assert self.seconds < within, f"{self.seconds} s: {self.text}"
        return self


def command(name: str, *words: str, which: int = 0) -> list[str]:
    """devlink dev flash"""
    return ["devlink", "dev", "flash", HANDLES[which], "file", name, *words]


def timed(modem: Modem, argv: Sequence[str], timeout: float = 60.0) -> Outcome:
    """Run devlink, and see how long it takes."""
    script = 's=$(date +%s%N); "$@"; rc=$?; echo; echo $(( ($(date +%s%N) - s) / 1000000 )); exit $rc'
    result = modem.guest.run(["sh", "-c", script, "sh", *argv], timeout=timeout, check=False)
    text, _, milliseconds = result.out.rstrip().rpartition("\n")
    return Outcome(Result(tuple(argv), result.rc, text, result.err, result.timeout), int(milliseconds) / 1000)


def flash(modem: Modem, name: str, *words: str, which: int = 0) -> Outcome:
    """One file, and the time it took."""
    return timed(modem, command(name, *words, which=which))


def flash_all(modem: Modem, names: Iterable[str], which: int = 0) -> None:
    """One after the other; all succeed."""
    for name in names:
        flash(modem, name, which=which).check()


def begin(modem: Modem, name: str, which: int = 0) -> Job:
    """Flash a file in the background."""
    job = modem.guest.spawn(command(name, which=which))
    modem.jobs.append(job)
    return job


def stage(modem: Modem, which: int = 0) -> str:
    """Where the modem is."""
    return str(modem.stats(which)["stage"])


def wait_stage(modem: Modem, name: str, timeout: float = 20.0, which: int = 0) -> None:
    """Until it is there."""
    wait_until(lambda: stage(modem, which) == name, timeout, f"the modem is in {name}")


def counted(modem: Modem) -> dict[str, int]:
    """EBL packets that the modem took, by id."""
    return dict(modem.stats()["flash"]["packets"])


def flash_what_is_left(modem: Modem, files: dict[str, Image]) -> None:
    """A whole set, without the loaders that run already, and until the firmware runs; nothing in the NAND is wrong then."""
    before = nand(modem)
    flash_all(modem, [name for name in files if name not in RUNNING[stage(modem)]])
    wait_stage(modem, "RUN")
    assert nand(modem) == expected(files.values(), before)


@dataclass(frozen=True)
class Status:
    """A notification about flashing."""

    message: str
    component: str
    done: int
    total: int


class Monitor:
    """Notifications about flashing, in the order in which they come."""

    STATUS = re.compile(r"^\[flash,status\] \S+ msg (.*?)(?: component (.+))? done (\d+) total (\d+)$", re.M)

    def __init__(self, modem: Modem) -> None:
        self.job = modem.guest.spawn(["stdbuf", "-oL", "devlink", "mon"])
        modem.jobs.append(self.job)
        modem.guest.wait_for(f"awk '$3 == {self.job.pid} && $4 !~ /^0*$/' /proc/net/netlink | grep .", what="devlink listens")
        self.seen = 0

    def next(self) -> list[Status]:
        """All of the next call, when it has ended."""
        def complete() -> str:
            text = self.job.output()[self.seen:]
            return text if "[flash,end]" in text else ""

        text = wait_until(complete, 10, "devlink tells of the end")
        self.seen += len(text)
        assert text.startswith("[flash,begin]")
        return [Status(message, component, int(done), int(total)) for message, component, done, total in
                self.STATUS.findall(text)]


def parameter(modem: Modem, name: str = "erase_full_flash", which: int = 0) -> object:
    """The value of a parameter of devlink."""
    words = ["devlink", "-j", "dev", "param", "show", HANDLES[which], "name", name]
    row, = json.loads(modem.guest.run(words).out)["param"][HANDLES[which]]
    value, = row["values"]
    assert value["cmode"] == "runtime"
    return value["value"]


def set_parameter(modem: Modem, value: bool, name: str = "erase_full_flash", which: int = 0) -> None:
    """Change it."""
    words = ["devlink", "dev", "param", "set", HANDLES[which], "name", name, "value", str(value).lower(), "cmode", "runtime"]
    modem.guest.run(words)


def files_of(directory: Path) -> dict[str, Image]:
    """What "iosm-fw example" has made, in the order in which it is to be flashed."""
    names: Sequence[str] = (directory / "flash-order.txt").read_text(encoding="ascii").split()
    return {name: Image.parse((directory / name).read_bytes()) for name in names}


def user_page() -> str:
    """What users read."""
    return (TOP / "Documentation/iosm.rst").read_text(encoding="utf-8")


def documented(section: str) -> list[list[str]]:
    """The commands of a section of the user's page for this modem: a list for each literal block, without comments."""
    page = user_page()
    start = re.search(rf"^{section}\n=+\n", page, re.M)
    assert start, section
    body = re.split(r"^.+\n={3,}\n", page[start.end():], maxsplit=1, flags=re.M)[0]
    blocks = []
    for match in re.finditer(r"::\n\n( +)", body):
        # As far as it is indented.
        block = re.match(rf"(?:{match[1]}.*\n|\n)+", body[match.start(1):])
        assert block
        lines = [line.partition("#")[0].strip() for line in block[0].splitlines()]
        blocks.append([line.replace("$D", HANDLE) for line in lines if line and line != EXAMPLE])
    return blocks


@dataclass(frozen=True)
class Step:
    """A place where a modem that does not go on leaves the driver waiting, and the file that leads to it."""

    file: str
    event: str
    fault: str = "ignore"

    def __str__(self) -> str:
        return f"{self.file.partition('.')[0]}-{self.event}"


# In the order in which a set comes to them. Of a region, packets and responses are: erase start, erase check, the same once
# more, set address, raw image, and of the last one security end; each packet is two units, and units of the image follow.
STEPS = (
    Step("psi.bin", "psi"), Step("psi.bin", "stage-psi"), Step("psi.bin", "running"), Step("psi.bin", "ack"),
    Step("ebl.bin", "rpsi"), Step("ebl.bin", "ebl-load"), Step("ebl.bin", "ebl-load#2"), Step("ebl.bin", "ebl-load#3"),
    Step("ebl.bin", "ebl-load#4"), Step("ebl.bin", "packet"), Step("ebl.bin", "response#2"),
    Step("secpack1.bin", "response"), Step("region1a.bin", "erase-check*", "busy"), Step("region1a.bin", "packet#3"),
    Step("region1a.bin", "response#2"), Step("region1a.bin", "raw"), Step("region1a.bin", "raw#2"),
    Step("region1a.bin", "flash-uplink#3"), Step("region1a.bin", "flash-uplink#11"), Step("region2a.bin", "packet#6"),
)


def steps(*names: str) -> list[Step]:
    """Some of them."""
    found = {str(step): step for step in STEPS}
    return [found[name] for name in names]


def reach(modem: Modem, files: dict[str, Image], name: str) -> None:
    """Flash what has to come before a file, with the loaders that run if they are not too far already."""
    running = RUNNING.get(stage(modem))
    if running is None or name in running:
        into_rom(modem)
        running = ()
    names = list(files)
    flash_all(modem, [before for before in names[:names.index(name)] if before not in running])


def hold(modem: Modem, files: dict[str, Image], step: Step) -> Job:
    """Flash up to a step, and let the modem stop there; the last devlink waits for it in the background then."""
    reach(modem, files, step.file)
    fired = modem.faults_fired()
    modem.fault(f"{step.event}:{step.fault}")
    job = begin(modem, step.file)
    wait_until(lambda: modem.faults_fired() > fired, 20, f"the modem stops at {step}")
    return job


def lock_is_free(modem: Modem, within: float = AT_ONCE) -> None:
    """No call of devlink is under way: another one of the same instance does not have to wait."""
    script = f"s=$(date +%s%N); devlink dev param show {HANDLE} > /dev/null; echo $(( $(date +%s%N) - s ))"
    assert int(modem.guest.sh(script).out) / 1e9 < within
