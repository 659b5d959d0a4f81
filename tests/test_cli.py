# SPDX-License-Identifier: GPL-2.0
"""Our tools: bad input gets one clear line and exit status 2; whoever interrupts a run finds nothing left of it."""

from __future__ import annotations

import os
import signal
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from iosmlib.bench import wait_until
from testlib.modem import Kit

TOP = Path(__file__).resolve().parents[1]
MARK = "IOSM_TEST_MARK"
TOOLS = ("check", "check-docs", "coverage", "demo", "iosm-fw", "kernel", "kunit", "packages", "test")

BAD_EMULATOR = {
    "nothing": (),
    "unknown option": ("--socket", "s", "--nonsense"),
    "stray word": ("--socket", "s", "word"),
    "missing value": ("--socket",),
    "device": ("--socket", "s", "--device", "7460"),
    "variant": ("--socket", "s", "--mux", "heavy"),
    "world": ("--socket", "s", "--world", "flat"),
    "critic": ("--socket", "s", "--critic", "mild"),
    "number": ("--socket", "s", "--boot-delay", "soon"),
    "negative": ("--socket", "s", "--idle-sleep", "-1"),
    "too small": ("--socket", "s", "--world", "source", "--size", "63"),
    "too large": ("--socket", "s", "--credits", "99999999999999999999"),
    "no directory": ("--socket", "no/such/directory/s",),
    "long socket": ("--socket", "x" * 200,),
    "no trace": ("--socket", "s", "--trace", "no/such/directory/t"),
    "no capture": ("--socket", "s", "--pcap", "no/such/directory/p"),
    "descriptor": ("--socket", "s", "--ready-fd", "777"),
}

BAD_TOOLS = {
    "kernel without a command": ("kernel",),
    "kernel of no version": ("kernel", "--kernel", "9.9", "build"),
    "kernel of no directory": ("kernel", "--kernel", "/nonexistent", "build"),
    "kernel of no tree": ("kernel", "--kernel", "/", "build"),
    "kernel flavour": ("kernel", "build", "vanilla"),
    "module": ("kernel", "module", "plain", "theirs"),
    "intree of no tree": ("kernel", "intree", "/"),
    "demo device": ("demo", "--device", "7460"),
    "packages": ("packages", "everything"),
}


def complaint(argv: list[str | Path], directory: Path) -> str:
    """Run what must be refused; the one line that says why."""
    done = subprocess.run(argv, cwd=directory, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
                          check=False)
    assert done.returncode == 2, f"status {done.returncode}: {done.stderr}"
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert len(lines) == 1, done.stderr
    assert Path(argv[0]).name in lines[0]
    assert list(directory.iterdir()) == [], "something was left behind"
    return lines[0]


@pytest.mark.parametrize("case", BAD_EMULATOR)
def test_emulator_refuses(kit: Kit, tmp_path: Path, case: str) -> None:
    """iosm-emu with options that make no sense, or files that cannot be."""
    complaint([kit.program, *BAD_EMULATOR[case]], tmp_path)


@pytest.mark.parametrize("tool", TOOLS)
def test_unknown_option(tmp_path: Path, tool: str) -> None:
    """Every tool knows what it does not know."""
    complaint([TOP / "tools" / tool, *(["build"] if tool == "kernel" else []), "--nonsense"], tmp_path)


@pytest.mark.parametrize("tool", TOOLS)
def test_help(tmp_path: Path, tool: str) -> None:
    """Every tool explains itself."""
    done = subprocess.run([TOP / "tools" / tool, "--help"], cwd=tmp_path, capture_output=True, text=True, timeout=60,
                          check=False)
    assert done.returncode == 0, done.stderr
    assert "usage" in done.stdout.lower()
    assert done.stderr == ""


@pytest.mark.parametrize("case", BAD_TOOLS)
def test_tools_refuse(tmp_path: Path, case: str) -> None:
    """Tools with arguments that make no sense."""
    tool, *arguments = BAD_TOOLS[case]
    complaint([TOP / "tools" / tool, *arguments], tmp_path)


def emulator(kit: Kit, directory: Path, *options: str) -> subprocess.Popen[bytes]:
    """A modem that listens."""
    ready, ours = os.pipe()
    process = subprocess.Popen([kit.program, "--socket", "s", "--control", "c", "--world", "sink", "--ready-fd", str(ours),
                                *options], cwd=directory, pass_fds=(ours,), stderr=subprocess.PIPE)
    os.close(ours)
    assert os.read(ready, 64) == b"ready\n", process.communicate()[1]
    os.close(ready)
    return process


@pytest.mark.parametrize("how", (signal.SIGINT, signal.SIGTERM))
def test_interrupted_emulator(kit: Kit, tmp_path: Path, how: signal.Signals) -> None:
    """It takes its sockets with it."""
    process = emulator(kit, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["c", "s"]
    process.send_signal(how)
    assert process.wait(10) == 0
    assert list(tmp_path.iterdir()) == []


def test_socket_in_use(kit: Kit, tmp_path: Path) -> None:
    """A second modem does not take the first one's socket, but takes over one that a dead modem left."""
    first = emulator(kit, tmp_path)
    second = subprocess.run([kit.program, "--socket", "s", "--world", "sink"], cwd=tmp_path, capture_output=True, text=True,
                            timeout=30, check=False)
    assert second.returncode == 2
    assert len(second.stderr.splitlines()) == 1
    assert "s" in second.stderr
    assert first.poll() is None
    first.kill()
    first.wait(10)
    assert (tmp_path / "s").exists()
    third = emulator(kit, tmp_path)
    third.terminate()
    assert third.wait(10) == 0


def marked(mark: str) -> list[int]:
    """Processes that descend from a run, wherever they have gone."""
    found = []
    for directory in Path("/proc").glob("[0-9]*"):
        try:
            if f"{MARK}={mark}\0".encode() in (directory / "environ").read_bytes():
                found.append(int(directory.name))
        except OSError:
            continue
    return found


@pytest.fixture
def demo(kit: Kit, tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A demonstration in the middle of its work."""
    mark = uuid.uuid4().hex
    environment = {**os.environ, MARK: mark, "TMPDIR": str(tmp_path)}
    # Who is started in the background by a shell ignores SIGINT, and so would the demonstration.
    process = subprocess.Popen(["env", "--default-signal=INT", TOP / "tools" / "demo"],
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True, env=environment, start_new_session=True)
    assert process.stdout
    for line in process.stdout:
        if "guest#" in line:
            break
    yield process, mark
    process.kill()
    process.wait()
    for pid in marked(mark):
        os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("how", (signal.SIGINT, signal.SIGTERM, signal.SIGKILL))
def test_interrupted_demo(demo: tuple[subprocess.Popen[str], str], tmp_path: Path, how: signal.Signals) -> None:
    """No process, namespace, mount or file outlives a run, whoever ended it."""
    process, mark = demo
    assert process.poll() is None, process.stdout and process.stdout.read()
    assert len(marked(mark)) > 2
    mounts = Path("/proc/self/mounts").read_text(encoding="utf-8")
    namespaces = sorted(Path("/run/netns").glob("*"))
    if how == signal.SIGINT:
        # As a terminal does it: everybody in the foreground gets it.
        os.killpg(process.pid, how)
    else:
        process.send_signal(how)
    assert process.wait(30) != 0
    wait_until(lambda: not marked(mark), 10, "all processes of the run end")
    assert Path("/proc/self/mounts").read_text(encoding="utf-8") == mounts
    assert sorted(Path("/run/netns").glob("*")) == namespaces
    if how != signal.SIGKILL:
        assert list(tmp_path.iterdir()) == []
