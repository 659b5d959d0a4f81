# SPDX-License-Identifier: GPL-2.0
"""tools/iosm-fw: the bytes of protocol.rst 7.5.1, what is refused, and the example set."""

from __future__ import annotations

import hashlib
import itertools
import json
import subprocess
from pathlib import Path

import pytest
from iosmlib import firmware
from iosmlib.common import TOP, Error

TOOL = TOP / "tools/iosm-fw"
MAGIC = b"IOSM_DEVLINK_HEADER\x00"
SET = ["psi.bin", "ebl.bin", "secpack1.bin", "region1a.bin", "region1b.bin", "secpack2.bin", "region2a.bin"]
NAND = 16 << 20

# Options, and the header after its magic.
GOLDEN = {
    "psi": (("PSI",), b"PSI\0" + bytes(4) + b"\0\0" + bytes(34)),
    "lower case": (("psi",), b"PSI\0" + bytes(4) + b"\0\0" + bytes(34)),
    "ebl": (("EBL",), b"EBL\0" + bytes(4) + b"\0\0" + bytes(34)),
    "security pack": (("FLS", "--secpack"), b"FLS\0" + bytes(4) + b"\0\0" + bytes(34)),
    "region": (("FLS", "--region", "--address", "12345678"), b"FLS\0\x78\x56\x34\x12\x01\0" + bytes(34)),
    "region, 0x": (("FLS", "--region", "--address", "0xFEDCBA98"), b"FLS\0\x98\xba\xdc\xfe\x01\0" + bytes(34)),
    "last region": (("FLS", "--region", "--address", "0", "--last"), b"FLS\0\0\0\0\0\x01\x01" + bytes(34)),
}

# Options and size of the payload that are refused, and a part of the reason.
REFUSED: dict[str, tuple[tuple[str, ...], int, str]] = {
    "type": (("XYZ",), 4, "XYZ"),
    "neither": (("FLS",), 4, "--secpack or --region"),
    "both": (("FLS", "--secpack", "--region", "--address", "0"), 4, "not allowed"),
    "psi region": (("PSI", "--region", "--address", "0"), 4, "for FLS"),
    "ebl security pack": (("EBL", "--secpack"), 4, "for FLS"),
    "psi address": (("PSI", "--address", "0"), 4, "for a region"),
    "security pack, last": (("FLS", "--secpack", "--last"), 4, "for a region"),
    "security pack, address": (("FLS", "--secpack", "--address", "0"), 4, "for a region"),
    "region without address": (("FLS", "--region"), 4, "--address"),
    "address": (("FLS", "--region", "--address", "xyz"), 4, "hexadecimal"),
    "negative address": (("FLS", "--region", "--address=-1"), 4, "32 bits"),
    "long address": (("FLS", "--region", "--address", "100000000"), 4, "32 bits"),
    "empty": (("PSI",), 0, "empty"),
    "long psi": (("PSI",), (1 << 24) + 1, "16777216 bytes at most"),
    "long ebl": (("EBL",), 1 << 24, "16777215 bytes at most"),
    "long security pack": (("FLS", "--secpack"), 16385, "16384"),
    "short region": (("FLS", "--region", "--address", "0"), 1, "two bytes"),
    "region over the end": (("FLS", "--region", "--address", "fffffff0"), 17, "4 GiB"),
}

# What is changed in a good file, and a part of the reason why it is none any more.
DAMAGED = {
    "empty": (0, b"", "magic"),
    "cut magic": (19, b"", "magic"),
    "cut header": (40, b"", "40 bytes"),
    "no payload": (64, b"", "64 bytes"),
    "magic": (0, b"i", "magic"),
    "end of magic": (19, b"X", "magic"),
    "type": (20, b"ABC", "ABC"),
    "lower case": (20, b"psi", "psi"),
    "binary type": (20, b"\xff\n\x1b", "type"),
}


def run(*args: str | Path, status: int = 0) -> subprocess.CompletedProcess[str]:
    """The tool."""
    done = subprocess.run([TOOL, *args], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == status, done.stderr
    return done


def refused(*args: str | Path) -> str:
    """The one line that says why not."""
    done = run(*args, status=2)
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert len(lines) == 1
    assert "iosm-fw" in lines[0]
    return lines[0]


def show(*files: Path) -> list[dict[str, object]]:
    """What the tool says of files."""
    answer = json.loads(run("show", "--json", *files).stdout)
    assert isinstance(answer, list)
    return answer


def made(directory: Path, size: int = 4) -> Path:
    """A payload."""
    path = directory / "payload"
    path.write_bytes(bytes(i & 0xFF for i in range(size)))
    return path


@pytest.mark.parametrize("case", GOLDEN)
def test_pack_writes_these_bytes(tmp_path: Path, case: str) -> None:
    """Byte by byte."""
    options, header = GOLDEN[case]
    run("pack", *options, made(tmp_path), "-o", tmp_path / "image")
    assert (tmp_path / "image").read_bytes() == MAGIC + header + b"\x00\x01\x02\x03"


def test_show_says_what_was_packed(tmp_path: Path) -> None:
    """There and back again."""
    payload = made(tmp_path, 5000)
    image = tmp_path / "image"
    run("pack", "FLS", "--region", "--address", "8001F000", "--last", payload, "-o", image)
    assert show(image) == [{
        "file": str(image), "type": "FLS", "address": 0x8001F000, "region": 1, "last": 1, "payload_size": 5000,
        "payload_sha256": hashlib.sha256(payload.read_bytes()).hexdigest(),
        "meaning": "region, the last of its software image", "remarks": []}]
    text = run("show", image).stdout
    assert text.startswith(f"{image}:\n")
    for part in ("FLS", "0x8001f000", "5000 bytes", "region flag  1", "last flag    1"):
        assert part in text
    assert "remark" not in text


@pytest.mark.parametrize("case", REFUSED)
def test_pack_refuses(tmp_path: Path, case: str) -> None:
    """What no modem would take, or makes no sense; and no file is left."""
    options, size, reason = REFUSED[case]
    output = tmp_path / "image"
    assert reason in refused("pack", *options, made(tmp_path, size), "-o", output)
    assert not output.exists()


@pytest.mark.parametrize(("options", "size"), (
    (("FLS", "--secpack"), 16384), (("FLS", "--region", "--address", "0"), 2),
    (("FLS", "--region", "--address", "fffffff0"), 16)))
def test_pack_takes_the_limit(tmp_path: Path, options: tuple[str, ...], size: int) -> None:
    """As much, or as little, as there may be."""
    run("pack", *options, made(tmp_path, size), "-o", tmp_path / "image")
    assert (tmp_path / "image").stat().st_size == 64 + size


def test_files_that_cannot_be(tmp_path: Path) -> None:
    """Paths that lead nowhere."""
    payload = made(tmp_path)
    assert "cannot read" in refused("pack", "PSI", tmp_path / "none", "-o", tmp_path / "image")
    assert "cannot write" in refused("pack", "PSI", payload, "-o", tmp_path / "none/image")
    assert "cannot read" in refused("show", tmp_path)
    assert "cannot create" in refused("example", payload)
    assert "-o" in refused("pack", "PSI", payload)


@pytest.mark.parametrize("case", DAMAGED)
def test_show_refuses(tmp_path: Path, case: str) -> None:
    """Files that no driver takes."""
    at, change, reason = DAMAGED[case]
    good = firmware.Image("PSI", b"PSI0").pack()
    (tmp_path / "bad").write_bytes(good[:at] + change + good[at + len(change):] if change else good[:at])
    assert reason in refused("show", tmp_path / "bad")


def test_one_bad_file_does_not_hide_the_others(tmp_path: Path) -> None:
    """The good ones are shown, the bad one gets its line, and the status tells."""
    for name in ("a", "c"):
        (tmp_path / name).write_bytes(firmware.Image("EBL", b"EBL0").pack())
    (tmp_path / "b").write_bytes(b"nothing")
    done = run("show", "--json", tmp_path / "a", tmp_path / "b", tmp_path / "c", status=2)
    assert [Path(each["file"]).name for each in json.loads(done.stdout)] == ["a", "c"]
    assert done.stderr.count("\n") == 1
    assert str(tmp_path / "b") in done.stderr


@pytest.mark.parametrize(("at", "change", "remark"), (
    (23, b"X", "fourth character"), (30, b"\x01", "reserved"), (63, b"\x01", "reserved")))
def test_show_remarks(tmp_path: Path, at: int, change: bytes, remark: str) -> None:
    """What drivers take, and should not be."""
    good = firmware.Image("PSI", b"PSI0").pack()
    path = tmp_path / "odd"
    path.write_bytes(good[:at] + change + good[at + 1:])
    remarks = show(path)[0]["remarks"]
    assert isinstance(remarks, list)
    assert len(remarks) == 1
    assert remark in remarks[0]
    assert remark in run("show", path).stdout


def test_show_knows_what_cannot_be_flashed(tmp_path: Path) -> None:
    """A file in order that no modem can take."""
    path = tmp_path / "long"
    path.write_bytes(firmware.Image("FLS", bytes(16385)).pack())
    remarks = show(path)[0]["remarks"]
    assert isinstance(remarks, list)
    assert "16384" in remarks[0]


def test_any_other_flag_is_set() -> None:
    """Flags are zero or not zero."""
    good = firmware.Image("FLS", b"xx").pack()
    parsed = firmware.parse(good[:28] + b"\x80\x02" + good[30:])
    assert (parsed.image.region, parsed.image.last, parsed.region_flag, parsed.last_flag) == (True, True, 0x80, 2)


def test_parse_says_why_and_not_where() -> None:
    """The library leaves the name of the file to its caller."""
    with pytest.raises(Error, match="magic"):
        firmware.parse(bytes(100))


def test_example_is_a_whole_set(tmp_path: Path) -> None:
    """All files in their order, what the emulated loaders want to see, regions apart from each other in the NAND."""
    place = tmp_path / "new/set"
    printed = run("example", place).stdout.split()
    order = (place / "flash-order.txt").read_text(encoding="ascii").splitlines()
    assert order == SET
    assert printed == [str(place / name) for name in [*order, "flash-order.txt"]]
    assert sorted(path.name for path in place.iterdir()) == sorted([*SET, "flash-order.txt"])

    files = show(*(place / name for name in order))
    assert all(each["remarks"] == [] for each in files)
    assert [each["type"] for each in files] == ["PSI", "EBL"] + ["FLS"] * 5
    assert [each["region"] for each in files] == [0, 0, 0, 1, 1, 0, 1]
    assert [each["last"] for each in files] == [0, 0, 0, 0, 1, 0, 1]
    assert (place / "psi.bin").read_bytes()[64:68] == b"PSI0"
    assert (place / "ebl.bin").read_bytes()[64:68] == b"EBL0"

    images = [firmware.parse((place / name).read_bytes()).image for name in order]
    regions = sorted((image.address, image.address + len(image.payload)) for image in images if image.region)
    assert all(end <= start for (_, end), (start, _) in itertools.pairwise(regions))
    assert regions[-1][1] <= NAND


def test_example_is_its_seed(tmp_path: Path) -> None:
    """The same number, the same files; another number, all others, and over the old ones."""
    def digests(place: Path) -> list[str]:
        return [hashlib.sha256((place / name).read_bytes()).hexdigest() for name in SET]

    run("example", tmp_path / "a", "--seed", "7")
    run("example", tmp_path / "b", "--seed", "7")
    first = digests(tmp_path / "a")
    assert digests(tmp_path / "b") == first
    assert len(set(first)) == len(SET)
    run("example", tmp_path / "b", "--seed", "8")
    assert not set(digests(tmp_path / "b")) & set(first)


@pytest.mark.parametrize("arguments", (
    (), ("--nonsense",), ("unpack",), ("example",), ("show",), ("example", "d", "--seed", "x")))
def test_unknown_command_line(arguments: tuple[str, ...]) -> None:
    """Bad input gets one clear line."""
    assert "--help" in refused(*arguments)


@pytest.mark.parametrize("command", ((), ("pack",), ("show",), ("example",)))
def test_help(command: tuple[str, ...]) -> None:
    """Everything explains itself."""
    assert run(*command, "--help").stdout.startswith("usage: tools/iosm-fw")
