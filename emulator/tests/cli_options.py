#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""The program iosm-emu: command line, exit status, sockets, signals, control commands."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path

PROGRAM = sys.argv[1]
TESTS: list[Callable[[Path], None]] = []
WORLD = ("--world", "sink")


def test(function: Callable[[Path], None]) -> Callable[[Path], None]:
    """Register a test; it gets a directory of its own."""
    TESTS.append(function)
    return function


def run(*args: object) -> subprocess.CompletedProcess[str]:
    """Run to the end."""
    return subprocess.run([PROGRAM, *map(str, args)], text=True, capture_output=True, timeout=30, check=False)


def expect_usage(*args: object) -> None:
    """One line on stderr, exit status 2."""
    done = run(*args)
    assert done.returncode == 2, f"{args}: status {done.returncode}, {done.stderr}"
    assert done.stdout == "", f"{args}: {done.stdout}"
    assert len(done.stderr.splitlines()) == 1, f"{args}: {done.stderr}"
    assert done.stderr.startswith("iosm-emu: "), done.stderr


class Running:
    """A running iosm-emu."""

    def __init__(self, directory: Path, *args: str) -> None:
        ready, ours = os.pipe()
        self.socket = directory / "socket"
        self.process = subprocess.Popen(
            [PROGRAM, "--socket", str(self.socket), "--ready-fd", str(ours), *args],
            pass_fds=(ours,), stderr=subprocess.PIPE, text=True)
        os.close(ours)
        found, _, _ = select.select([ready], [], [], 30)
        self.ready = os.read(ready, 100) if found else b""
        os.close(ready)

    def __enter__(self) -> Running:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def end(self, how: int = signal.SIGTERM) -> tuple[int, str]:
        """Signal it, and wait for its status and its words."""
        self.process.send_signal(how)
        _, err = self.process.communicate(timeout=30)
        return self.process.returncode, err


def ask(path: Path, *lines: str) -> list[dict[str, object]]:
    """Commands to the control socket, and their answers."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(30)
        sock.connect(str(path))
        sock.sendall("".join(line + "\n" for line in lines).encode())
        data = b""
        while data.count(b"\n") < len(lines):
            part = sock.recv(65536)
            assert part, "hung up"
            data += part
    return [json.loads(line) for line in data.decode().splitlines()]


@test
def help_and_version(_: Path) -> None:
    done = run("--help")
    assert done.returncode == 0 and "--socket" in done.stdout and not done.stderr
    done = run("--version")
    assert done.returncode == 0 and done.stdout.startswith("iosm-emu ")


@test
def every_option_is_in_the_help_and_in_the_manual(_: Path) -> None:
    here = Path(__file__).resolve().parents[1]
    source = (here / "options.c").read_text(encoding="utf-8")
    manual = (here / "iosm-emu.1").read_text(encoding="utf-8").replace("\\-", "-")
    names = [line.split('"')[1] for line in source.splitlines() if "_argument, NULL, OPT_" in line]
    assert len(names) > 15
    text = run("--help").stdout
    for name in names:
        assert f"--{name}" in text, f"--{name} is not in --help"
        assert f"--{name}" in manual, f"--{name} is not in the manual page"


@test
def bad_options(directory: Path) -> None:
    sock = directory / "s"
    expect_usage()
    expect_usage("--unknown")
    expect_usage("--socket")
    expect_usage("--socket", "")
    expect_usage("--socket", sock, "surplus")
    for name in ("--device", "--stage", "--mux", "--critic", "--world", "--log", "--credits", "--ul-pad",
                 "--idle-sleep", "--boot-delay", "--running-delay", "--response-delay", "--rate", "--size",
                 "--ready-fd", "--fault", "--script", "--seed", "--reboot-delay", "--flash-size", "--coredump-sizes",
                 "--ebl-caps"):
        for value in ("", "nonsense", "-1", "12x", "99999999999999999999"):
            expect_usage("--socket", sock, name, value)
    expect_usage("--socket", sock, "--size", 63)
    expect_usage("--socket", sock, "--size", 16309)
    expect_usage("--socket", sock, "--credits", 1)
    for stage in ("run", "crash", "cd-ready"):
        expect_usage("--socket", sock, "--stage", stage, "--boot-delay", 1)
    for size in (0, 4095, 8193, 1 << 33):
        expect_usage("--socket", sock, "--flash-size", size)
    for sizes in ("1,", ",1", "1,2,3,4,5,6,7", "1 2", "0x100000000", "default,1"):
        expect_usage("--socket", sock, "--coredump-sizes", sizes)
    assert not sock.exists()


@test
def files_that_cannot_be_used(directory: Path) -> None:
    sock = directory / "s"
    for name in ("--trace", "--pcap", "--pidfile"):
        expect_usage("--socket", sock, *WORLD, name, "/no/such/directory/file")
        assert not sock.exists()
    expect_usage("--socket", "/no/such/directory/s", *WORLD)
    expect_usage("--socket", directory / ("x" * 200), *WORLD)
    expect_usage("--socket", sock, *WORLD, "--control", "/no/such/directory/c")
    expect_usage("--socket", sock, *WORLD, "--ready-fd", 999)
    for flash in ("/no/such/directory/file", "/dev/null", directory):
        expect_usage("--socket", sock, *WORLD, "--flash", flash)
    (directory / "odd").write_bytes(b"x" * 5000)
    expect_usage("--socket", sock, *WORLD, "--flash", directory / "odd")
    assert (directory / "odd").read_bytes() == b"x" * 5000
    (directory / "file").write_text("mine", encoding="utf-8")
    expect_usage("--socket", directory / "file", *WORLD)
    assert (directory / "file").read_text(encoding="utf-8") == "mine"
    assert not sock.exists()


@test
def ready_then_signal(directory: Path) -> None:
    for how in (signal.SIGTERM, signal.SIGINT):
        pid = directory / "pid"
        with Running(directory, *WORLD, "--pidfile", str(pid)) as emu:
            assert emu.ready == b"ready\n", emu.ready
            assert emu.socket.is_socket()
            assert int(pid.read_text(encoding="utf-8")) == emu.process.pid
            status, err = emu.end(how)
            assert status == 0, (status, err)
            assert err == "", err
            assert not emu.socket.exists() and not pid.exists()


@test
def socket_in_use(directory: Path) -> None:
    with Running(directory, *WORLD) as emu:
        expect_usage("--socket", emu.socket, *WORLD)
        assert emu.socket.is_socket()
        assert emu.end()[0] == 0


@test
def stale_socket_is_replaced(directory: Path) -> None:
    with Running(directory, *WORLD) as emu:
        emu.process.kill()
        emu.process.wait()
        assert emu.socket.is_socket()
    with Running(directory, *WORLD) as emu:
        assert emu.ready == b"ready\n"
        assert emu.end()[0] == 0


@test
def control_commands(directory: Path) -> None:
    control = directory / "control"
    with Running(directory, *WORLD, "--control", str(control)) as emu:
        stats, commands = ask(control, "stats", "help")
        assert stats["ok"] is True and stats["violations"] == 0 and stats["stage"] == "RUN"
        assert len(stats["sessions"]) == 8 and "db0_reasons" in stats and "power" in stats
        assert any(str(c).startswith("flow") for c in commands["commands"])
        for line in ("", "nonsense", "flow", "flow stop", "flow stop 8", "flow stop -1", "flow halt 0",
                     "flow stop 0 0", "flow stop 0", "lqr 0", "lqr 9", "grant 0 1", "grant 0 x", "hold", "hold 1",
                     "hold 24", "hold x", "release -2", "class 256",
                     "class", "class x", "chatter", "chatter 1", "chatter x 1", "chatter 1 65537",
                     "chatter 1 1", "sleep", "wake", "stats now", "a b c d e f g h i j k"):
            answer = ask(control, line)[0]
            assert answer["ok"] is False and answer["error"], line
        assert ask(control, "quit")[0]["ok"] is True
        emu.process.wait(30)
        assert emu.process.returncode == 0
        assert not control.exists() and not emu.socket.exists()


@test
def faults_by_control(directory: Path) -> None:
    control = directory / "control"
    with Running(directory, *WORLD, "--control", str(control)) as emu:
        commands = ask(control, "help")[0]
        assert {"open", "session-close", "d3", "now"} < set(commands["events"])
        assert {"refuse", "lose-msi", "power-loss", "bad-stage"} < set(commands["faults"])
        for line in ("fault", "fault open", "fault nothing:refuse", "fault open:nothing", "fault open:late",
                     "fault flr:refuse", "fault open:refuse now:gone", "faults 1", "clear all", "back", "back now"):
            answer = ask(control, line)[0]
            assert answer["ok"] is False and answer["error"], line
        before = ask(control, "stats")[0]
        assert before["faults"] == {"armed": 0, "fired": 0}
        assert before["function"] == {"d3": False, "d3_entries": 0, "pme": 0, "gone": False, "absent": 0}
        # What happens now has happened for the next command of the same batch.
        done = ask(control, "fault open#3:refuse", "fault now:boot=60000", "stats", "faults", "fault now:gone",
                   "stats", "back", "stats", "clear", "faults")
        assert all(answer["ok"] is True for answer in done), done
        assert done[2]["stage"] == "BOOT" and done[2]["generation"] == before["generation"] + 1
        assert done[2]["resets"] == before["resets"]
        assert done[2]["faults"] == {"armed": 1, "fired": 1}
        assert done[3]["faults"] == [
            {"spec": "open#3:refuse", "armed": True, "seen": 0, "fired": 0},
            {"spec": "now:boot=60000", "armed": False, "seen": 1, "fired": 1}]
        assert done[5]["function"]["gone"] is True
        assert done[7]["function"]["gone"] is False and done[7]["stage"] == "RUN"
        assert done[9]["faults"] == []
        assert emu.end()[0] == 0


@test
def faults_by_option(directory: Path) -> None:
    control, script = directory / "control", directory / "script"
    script.write_text("# all of them\n\nsleep-enter:refuse\nmsi%5:lose-msi # now and then\n", encoding="utf-8")
    with Running(directory, *WORLD, "--control", str(control), "--fault", "open*:ignore", "--script", str(script),
                 "--seed", "7", "--fault", "now:crash") as emu:
        stats, faults = ask(control, "stats", "faults")
        assert stats["stage"] == "CRASH", stats
        assert [fault["spec"] for fault in faults["faults"]] == [
            "open*:ignore", "sleep-enter:refuse", "msi%5:lose-msi", "now:crash"]
        assert stats["faults"] == {"armed": 3, "fired": 1}
        assert emu.end()[0] == 0
    script.write_text("open:refuse\nopen:late\n", encoding="utf-8")
    expect_usage("--socket", directory / "s", "--script", script)
    assert "line 2" in run("--socket", directory / "s", "--script", script).stderr
    assert "milliseconds" in run("--socket", directory / "s", "--fault", "open:late=x").stderr


@test
def stages_by_option(directory: Path) -> None:
    control = directory / "control"
    for args, stage in ((("--stage", "boot"), "BOOT"), (("--stage", "psi"), "PSI"), (("--stage", "ebl"), "EBL"),
                        (("--stage", "run"), "RUN"), (("--stage", "crash"), "CRASH"),
                        (("--stage", "cd-ready"), "CD_READY"), (("--boot-delay", "never"), "BOOT"),
                        (("--boot=never",), "BOOT"), (("--boot=600000",), "BOOT"),
                        (("--boot=never", "--stage", "psi"), "PSI"),
                        (("--boot=600000", "--stage", "psi"), "PSI"), (("--boot=600000", "--boot=never"), "BOOT")):
        with Running(directory, *WORLD, "--control", str(control), *args) as emu:
            stats, refused = ask(control, "stats", "chatter 1 2")
            assert stats["stage"] == stage and stats["flash"]["stage"] == stage, (args, stats)
            assert refused["ok"] is False, refused
            assert emu.end()[0] == 0


@test
def flash_memory_is_made(directory: Path) -> None:
    control, flash = directory / "control", directory / "flash"
    for size in ("8192", "4096"):
        with Running(directory, *WORLD, "--control", str(control), "--flash", str(flash), "--flash-size", size,
                     "--coredump-sizes", "default", "--ebl-caps", "50=00,75=ff", "--reboot-delay", "0") as emu:
            stats = ask(control, "stats")[0]["flash"]
            assert stats["coredump"] == {"present": True, "list": 0, "files": [0] * 6, "ended": 0}, stats
            assert set(stats["packets"]) == {"0086", "0204", "0205", "0802", "0805", "0806", "080c", "080e", "080f",
                                             "other"}, stats
            assert (stats["written"], stats["erased_blocks"], stats["psi"], stats["ebl"]) == (0, 0, 0, 0), stats
            assert emu.end()[0] == 0
        # The second one finds the file of the first.
        assert flash.read_bytes() == b"\xff" * 8192


@test
def control_socket_is_robust(directory: Path) -> None:
    control = directory / "control"
    with Running(directory, *WORLD, "--control", str(control)) as emu:
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(str(control))
            sock.sendall(b"x" * 1000)
            sock.settimeout(30)
            with contextlib.suppress(ConnectionResetError):
                assert sock.recv(100) == b""
        socks = [socket.socket(socket.AF_UNIX) for _ in range(20)]
        for sock in socks:
            sock.connect(str(control))
        for sock in socks:
            sock.close()
        assert ask(control, "stats")[0]["ok"] is True
        assert emu.end()[0] == 0


@test
def garbage_on_the_guest_socket(directory: Path) -> None:
    control = directory / "control"
    with Running(directory, *WORLD, "--control", str(control)) as emu:
        for blob in (b"\0" * 12, b"\xff" * 100, b"GET / HTTP/1.0\r\n\r\n", b"\1\0\0\0\1\0\0\0\0\0\0\0" * 50):
            with socket.socket(socket.AF_UNIX) as sock:
                sock.connect(str(emu.socket))
                sock.sendall(blob)
                sock.settimeout(30)
                sock.shutdown(socket.SHUT_WR)
                with contextlib.suppress(ConnectionResetError):
                    while sock.recv(4096):
                        pass
        assert ask(control, "stats")[0]["vhost"]["connections"] == 4
        assert emu.end()[0] == 0


@test
def trace_is_written(directory: Path) -> None:
    trace = directory / "trace"
    with Running(directory, *WORLD, "--trace", str(trace)) as emu:
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(str(emu.socket))
            sock.shutdown(socket.SHUT_WR)
            sock.settimeout(30)
            assert sock.recv(10) == b""
        assert emu.end()[0] == 0
    text = trace.read_text(encoding="utf-8")
    assert "guest connected" in text and "guest disconnected" in text


def main() -> int:
    """Run all tests."""
    failed = 0
    for function in TESTS:
        with tempfile.TemporaryDirectory(prefix="iosm-emu-") as directory:
            try:
                function(Path(directory))
            except Exception:
                failed += 1
                for line in traceback.format_exc().splitlines()[-6:]:
                    print(f"# {line}")
                print(f"not ok {function.__name__}", flush=True)
            else:
                print(f"ok {function.__name__}", flush=True)
    print(f"{len(TESTS) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
