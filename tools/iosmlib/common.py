# SPDX-License-Identifier: GPL-2.0
"""Places, errors, progress, locks, and running other programs."""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NoReturn

TOP = Path(__file__).resolve().parents[2]


class Error(Exception):
    """Something the user can understand and do something about: one line."""


class Parser(argparse.ArgumentParser):
    """A command line whose mistakes cost one line."""

    def error(self, message: str) -> NoReturn:
        """One line, status 2."""
        print(f"{self.prog}: {message}, try --help", file=sys.stderr)
        sys.exit(2)


def cache_dir() -> Path:
    """Where everything expensive is kept, outside the checkout."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    path = Path(base) / "iosm"
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as err:
        raise Error(f"cannot create the cache directory {path}: {err.strerror}") from err
    return path


def cpus() -> int:
    """Processors this process may use."""
    return len(os.sched_getaffinity(0))


def duration(seconds: float) -> str:
    """A time as people say it."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{int(seconds) // 60} min {int(seconds) % 60:02d} s"


class Progress:
    """One line that is rewritten on a terminal, or a line now and then elsewhere."""

    INTERVAL = 20.0

    def __init__(self, title: str) -> None:
        self.title = title
        self.start = time.monotonic()
        self.tty = sys.stderr.isatty()
        self.last = self.start if not self.tty else 0.0
        self.width = 0
        if not self.tty:
            print(f"  {title} ...", file=sys.stderr, flush=True)

    def update(self, text: str) -> None:
        """Show how far we are."""
        now = time.monotonic()
        if now - self.last < (0.1 if self.tty else self.INTERVAL):
            return
        self.last = now
        line = f"  {self.title}: {text}, {duration(now - self.start)}"
        if self.tty:
            columns = shutil.get_terminal_size().columns - 1
            line = line[:columns]
            pad = " " * max(0, self.width - len(line))
            self.width = len(line)
            print("\r" + line + pad, end="", file=sys.stderr, flush=True)
        else:
            print(line, file=sys.stderr, flush=True)

    def done(self, text: str = "done") -> None:
        """Leave the last word."""
        line = f"  {self.title}: {text} ({duration(time.monotonic() - self.start)})"
        if self.tty:
            print("\r" + line + " " * max(0, self.width - len(line)), file=sys.stderr, flush=True)
        else:
            print(line, file=sys.stderr, flush=True)


@contextlib.contextmanager
def locked(name: str, *, shared: bool = False) -> Iterator[None]:
    """Keep other runs of our tools away from one part of the cache; or, shared, only those that change it."""
    path = cache_dir() / "locks"
    path.mkdir(exist_ok=True)
    with open(path / name, "w", encoding="ascii") as handle:
        how = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        try:
            fcntl.flock(handle, how | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"  waiting for another run that uses {name} ...", file=sys.stderr, flush=True)
            fcntl.flock(handle, how)
        yield


def sha256(path: Path) -> str:
    """Checksum of a file."""
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def digest(*parts: object) -> str:
    """A short name for a set of inputs."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:12]


def write_stamp(directory: Path, data: dict[str, object]) -> None:
    """The last thing written into a finished directory."""
    temporary = directory / ".stamp.new"
    temporary.write_text(json.dumps(data, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    with open(temporary, "rb") as handle:
        os.fsync(handle.fileno())
    temporary.rename(directory / "stamp.json")


def read_stamp(directory: Path) -> dict[str, object]:
    """The stamp of a finished directory; empty when there is none or it is damaged."""
    try:
        data = json.loads((directory / "stamp.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}


def clean_env(**extra: str) -> dict[str, str]:
    """An environment in which builds give the same result everywhere."""
    drop = re.compile(r"^(MAKE|MAKEFLAGS|MFLAGS|MAKELEVEL|KBUILD_.*|ARCH|SUBARCH|CROSS_COMPILE|KDIR|M|O|C|W|V|KERNEL"
                      r"|CFLAGS|LDFLAGS|KCFLAGS|TARGET|GNUMAKEFLAGS)$")
    env = {key: value for key, value in os.environ.items() if not drop.match(key)}
    # A python3 of the user's own in front of Debian's is of no use to the kernel's scripts.
    env["PATH"] = "/usr/sbin:/usr/bin:/sbin:/bin:" + env.get("PATH", "")
    env["LC_ALL"] = "C.UTF-8"
    env.update(extra)
    return env


def output(argv: Sequence[str | Path], **kwargs: object) -> str:
    """Standard output of a short command."""
    try:
        done = subprocess.run([str(arg) for arg in argv], check=True, text=True, capture_output=True,
                              env=clean_env(), **kwargs)  # type: ignore[call-overload]
    except FileNotFoundError as err:
        raise Error(f"{argv[0]} is not installed: run tools/packages") from err
    except subprocess.CalledProcessError as err:
        text = (err.stderr or err.stdout or "no message").strip().splitlines()
        raise Error(f"{argv[0]} failed: {text[-1] if text else 'no message'}") from err
    return str(done.stdout)


def logged(argv: Sequence[str | Path], log: Path, what: str, *, each: Callable[[str], None] | None = None,
           cwd: Path | None = None, env: dict[str, str] | None = None, may_fail: bool = False) -> int:
    """Run a long command into a log file; on failure, show what the log says and stop."""
    log.parent.mkdir(parents=True, exist_ok=True)
    try:
        with open(log, "w", encoding="utf-8") as handle, \
                subprocess.Popen([str(arg) for arg in argv], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                 stdin=subprocess.DEVNULL, text=True, errors="replace", cwd=cwd,
                                 env=env or clean_env()) as process:
            assert process.stdout
            try:
                for line in process.stdout:
                    handle.write(line)
                    if each:
                        each(line)
            except BaseException:
                process.terminate()
                raise
    except FileNotFoundError as err:
        raise Error(f"{argv[0]} is not installed: run tools/packages") from err
    if process.returncode and not may_fail:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
        bad = [line for line in lines if re.search(r"error|Error|undefined|fatal|E:", line)] or lines
        for line in bad[:20]:
            print("    " + line, file=sys.stderr)
        raise Error(f"{what} failed, the whole log is {log}")
    return process.returncode


def need_programs(*names: str) -> None:
    """Stop early when something is not installed."""
    path = clean_env()["PATH"]
    missing = [name for name in names if not shutil.which(name, path=path)]
    if missing:
        raise Error(f"not installed: {', '.join(missing)}: run tools/packages")


def remove_tree(path: Path) -> None:
    """Remove a directory of the cache, whatever state it is in."""
    if path.is_symlink() or path.is_file():
        path.unlink()
    elif path.exists():
        shutil.rmtree(path)


def main(function: Callable[[], int]) -> None:
    """Run a tool: our errors are one line on stderr and status 2, an interrupt is 130."""
    # Whatever ends us, what we began is ended in good order.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    try:
        sys.exit(function())
    except Error as err:
        print(f"{Path(sys.argv[0]).name}: {err}", file=sys.stderr)
        sys.exit(2)
    except BrokenPipeError:
        sys.exit(141)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)
