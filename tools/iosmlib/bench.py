# SPDX-License-Identifier: GPL-2.0
"""The bench: a software modem, a User-Mode Linux guest that it is plugged into, and the way to use both.

    with Bench() as bench:                      # build, start the modem, boot, load the driver
        bench.guest.wait_path("/dev/wwan0mbim0")
        print(bench.guest.sh("ip -br link").out)

Nothing outlives the context: processes end by their ids, sockets and files are in a directory of the run, the
network namespace is the modem's and dies with it.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from . import kernel as kernels
from .common import TOP, Error, cache_dir, cpus, locked, logged
from .kernel import Kernel

T = TypeVar("T")

DEVICE_ID = 1234
BOOT_TIMEOUT = 60.0
ASLEEP_TIMEOUT = 30.0		# for a suspend to get to its end, or to fail
WAKE_INTERVAL = 0.05		# between the signals that wake a guest
SILENCE = 20.0			# how long past a command's own time-out an answer may take
STACKS = "stacks.txt"		# what a silent guest was doing
STACKS_TIMEOUT = 60.0
KMEMLEAK = "/sys/kernel/debug/kmemleak"
KMEMLEAK_AGE = "/sys/module/kmemleak/parameters/min_age_ms"
LEAKS = "leaks.txt"		# what kmemleak reported when the driver was gone
LOCKDEP = "/proc/lockdep_stats"
GUEST = TOP / "tests" / "guest"

# What the console tells of a system sleep: the tracepoint power:suspend_resume at the point of no return and after it,
# and what PM says around all of it. All have the kernel's time.
SLEEP = {
    "entry": r"PM: suspend entry",
    "asleep": r"suspend_resume: machine_suspend\[\d+\] begin",
    "awake": r"suspend_resume: dpm_resume_noirq\[\d+\] begin",
    "exit": r"PM: suspend exit",
}
FAILED = "PM: failed to "		# a device that does not let the machine sleep
SLEEP_OPTIONS = ("no_console_suspend", "tp_printk", "trace_event=power:suspend_resume")

# What must not be in a guest's log. The transport's own complaints are among them.
WARNINGS = re.compile(
    r"WARNING:|BUG:|KASAN|UBSAN|KFENCE|possible recursive locking|possible circular locking|lock held when returning"
    r"|inconsistent lock state|suspicious RCU usage|INFO: task .* blocked|blocked for more than|Oops|Kernel panic"
    r"|kernel BUG|unregister_netdevice: waiting|refcount_t:|ODEBUG:|DMA-API:|sleeping function called"
    r"|scheduling while atomic|BUG kmalloc|Call Trace|general protection|soft lockup|rcu_sched.*stall|rcu: INFO:"
    r"|unreferenced object|list_add corruption|list_del corruption|invalid opcode|Bad page|um virt-pci delay"
    r"|NETDEV WATCHDOG|[Uu]nbalanced|leaked")


# User-Mode Linux takes interrupts in the idle loop of a machine that sleeps, where RCU does not watch; a kernel with
# lockdep says so, once for each tracepoint.
IDLE_TRACE = re.compile(r"^.*-\[ cut here \]-.*\n(?:(?!.*\[ end trace ).*\n)*.*\[ end trace .*$", re.M)


def without_own_faults(text: str) -> str:
    """A console without what is the fault of the guest's own idle loop."""
    def keep(block: re.Match[str]) -> str:
        harmless = "RCU not watching for tracepoint" in block[0] and "Comm: swapper/" in block[0]
        return "" if harmless else block[0]

    return IDLE_TRACE.sub(keep, text)


def summary_of_leak(report: str) -> str:
    """One line for an object that kmemleak reports: its size, whose it was, and the functions that made it."""
    size = re.search(r"\(size (\d+)\)", report)
    owner = re.search(r'comm "([^"]*)"', report)
    makers = re.findall(r"^    (?:\[<[0-9a-f]+>\] )?([A-Za-z_][\w.]*(?=\+0x)|0x[0-9a-f]+$)", report, re.M)
    return f"{size[1] if size else '?'} bytes of {owner[1] if owner else '?'} are lost: {' < '.join(makers)}"


class GuestError(Error):
    """The guest did not do what it was told, or is gone."""


class CommandError(GuestError):
    """A command in the guest failed."""


@dataclass(frozen=True)
class Result:
    """How a command ended."""

    argv: tuple[str, ...]
    rc: int | None
    out: str
    err: str
    timeout: bool = False

    @property
    def ok(self) -> bool:
        """It ended by itself, with status zero."""
        return self.rc == 0 and not self.timeout

    def check(self) -> Result:
        """Raise unless it succeeded."""
        if not self.ok:
            how = "was ended after its time-out" if self.timeout else f"ended with status {self.rc}"
            text = (self.err.strip() or self.out.strip()).splitlines()
            raise CommandError(f"'{' '.join(self.argv)}' {how}" + (f": {' / '.join(text[-3:])}" if text else ""))
        return self


def die_with_us(argv: Sequence[str | Path]) -> list[str]:
    """A command line whose process ends when this program does, however that happens."""
    return ["setpriv", "--pdeathsig", "KILL", *(str(arg) for arg in argv)]


def end_process(process: subprocess.Popen[Any] | None, how: int = signal.SIGKILL, timeout: float = 10.0) -> int | None:
    """End a process of ours, with its group; returns its status."""
    if process is None:
        return None
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(how)
        try:
            process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    return process.returncode


def wait_until(condition: Callable[[], T], timeout: float, what: str, interval: float = 0.02) -> T:
    """Poll until the condition gives something true, and return that."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise GuestError(f"not within {timeout:g} s: {what}")
        time.sleep(interval)


def build_emulator() -> Path:
    """Bring iosm-emu up to date."""
    with locked("emulator"):
        logged(["make", "-C", TOP / "emulator", f"-j{cpus()}", "iosm-emu"], cache_dir() / "logs" / "emulator.log",
               "building the emulator")
    return TOP / "emulator" / "iosm-emu"


@dataclass
class Emulator:
    """One run of iosm-emu; "{directory}" in its options is where its files are."""

    directory: Path
    options: tuple[str, ...] = ()
    program: Path | None = None
    trace: bool = False
    pcap: bool = False
    log_level: str = "info"
    process: subprocess.Popen[bytes] | None = None
    status: int | None = None

    @property
    def socket(self) -> Path:
        """What the guest's PCI bus is connected to."""
        return self.directory / "modem.sock"

    @property
    def control_socket(self) -> Path:
        """Where commands to the modem go."""
        return self.directory / "control.sock"

    @property
    def log_file(self) -> Path:
        """All that iosm-emu said."""
        return self.directory / "emulator.log"

    @property
    def trace_file(self) -> Path:
        """Doorbells, messages, TDs."""
        return self.directory / "trace.txt"

    @property
    def pcap_file(self) -> Path:
        """The IP traffic."""
        return self.directory / "traffic.pcapng"

    def start(self, timeout: float = 10.0) -> None:
        """Start it and wait until it listens."""
        program = self.program or build_emulator()
        ready, ours = os.pipe()
        argv: list[str | Path] = [program, "--socket", self.socket, "--control", self.control_socket, "--ready-fd", str(ours),
                                  "--log", self.log_level]
        argv += [option.replace("{directory}", str(self.directory)) for option in self.options]
        if self.trace:
            argv += ["--trace", self.trace_file]
        if self.pcap:
            argv += ["--pcap", self.pcap_file]
        self.status = None
        try:
            with open(self.log_file, "ab") as log:
                self.process = subprocess.Popen(die_with_us(argv), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                                pass_fds=(ours,), start_new_session=True)
        finally:
            os.close(ours)
        try:
            found, _, _ = select.select([ready], [], [], timeout)
            if not found or not os.read(ready, 64):
                status = end_process(self.process)
                self.process = None
                raise Error(f"iosm-emu did not start (status {status}): {self.last_words()}")
        finally:
            os.close(ready)

    def last_words(self) -> str:
        """The end of its log."""
        lines = self.log().strip().splitlines()
        return lines[-1] if lines else "it said nothing"

    def log(self) -> str:
        """Its log so far."""
        return self.log_file.read_text(encoding="utf-8", errors="replace") if self.log_file.exists() else ""

    def violations(self) -> list[str]:
        """What the modem has to say against the driver."""
        return [line for line in self.log().splitlines() if re.search(r"\bviolation\b", line, re.I)
                and not re.search(r"\b(0|no) violations?\b", line, re.I)]

    def running(self) -> bool:
        """Is it alive?"""
        return self.process is not None and self.process.poll() is None

    def control(self, command: str, timeout: float = 5.0) -> str:
        """One command to the running modem, and its answer."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
            sock.settimeout(timeout)
            # A path of the run may be longer than a socket address.
            with _short_path(self.control_socket) as path:
                sock.connect(path)
            sock.sendall(command.encode() + b"\n")
            data = b""
            while not data.endswith(b"\n"):
                part = sock.recv(65536)
                if not part:
                    break
                data += part
        return data.decode(errors="replace").rstrip("\n")

    def world(self, argv: Sequence[str], timeout: float = 30.0) -> Result:
        """A command in the modem's network namespace: the internet's side of the sessions."""
        done = subprocess.run(self._enter(argv), text=True, capture_output=True, timeout=timeout, check=False,
                              stdin=subprocess.DEVNULL)
        return Result(tuple(argv), done.returncode, done.stdout, done.stderr)

    def world_spawn(self, argv: Sequence[str], log: Path | None = None) -> subprocess.Popen[bytes]:
        """The same in the background; whoever calls ends it (end_process)."""
        with open(log or os.devnull, "ab") as handle:
            return subprocess.Popen(die_with_us(self._enter(argv)), stdin=subprocess.DEVNULL, stdout=handle, stderr=handle,
                                    start_new_session=True)

    def _enter(self, argv: Sequence[str]) -> list[str]:
        if not self.process:
            raise Error("the modem does not run")
        users = [] if os.geteuid() == 0 else ["-U", "--preserve-credentials"]
        return ["nsenter", "-t", str(self.process.pid), *users, "-n", "--", *argv]

    def stop(self, timeout: float = 10.0) -> int | None:
        """End it; 0 is a driver without fault, 1 means violations."""
        if self.process is not None:
            if self.process.poll() is None:
                self.process.send_signal(signal.SIGTERM)
            self.status = end_process(self.process, signal.SIGTERM, timeout)
            self.process = None
        return self.status


@contextlib.contextmanager
def _short_path(path: Path) -> Iterator[str]:
    """A name for a socket that fits into an address."""
    fd = os.open(path.parent, os.O_PATH)
    try:
        yield f"/proc/self/fd/{fd}/{path.name}"
    finally:
        os.close(fd)


@dataclass
class Guest:
    """A User-Mode Linux guest; its root is the host's file system, read only."""

    kernel: Kernel
    directory: Path
    sockets: tuple[Path, ...] = ()
    memory: str = ""
    ncpus: int = 2
    command_line: tuple[str, ...] = ()
    interactive: bool = False
    driver: str = "ours"
    witnesses: Sequence[Emulator] = ()	# who else may know why it is silent
    process: subprocess.Popen[bytes] | None = None
    _terminal: list[Any] | None = None
    _line: socket.socket | None = None
    _buffer: bytes = b""
    _next: int = 1
    _answers: dict[int, dict[str, Any]] = field(default_factory=dict)
    _known: int = 0
    _booted: int = 0		# when that was, in jiffies
    _texts: list[tuple[int, Path]] = field(default_factory=list)	# where modules were that are gone

    @property
    def console(self) -> Path:
        """All that the kernel said."""
        return self.directory / "console.log"

    def start(self) -> None:
        """Boot, and wait for the agent; without seccomp where the host refuses it."""
        smp = "CONFIG_SMP" in self.kernel.config()
        # Before 6.16, guest processes are always traced.
        if self.kernel.tree.version >= (6, 16):
            try:
                self._boot(["seccomp=on", *([f"ncpus={self.ncpus}"] if smp else [])])
                return
            except GuestError as err:
                if self.process is not None and self.process.poll() is None:
                    raise
                text = self.console_text()
                if not re.search(r"seccomp", text, re.I) or "Linux version" in text:
                    raise
                print(f"  seccomp is refused here ({err}): slower, on one CPU", file=sys.stderr)
                self.stop()
        self._boot([])

    def _boot(self, options: list[str]) -> None:
        debug = self.kernel.debug
        ours, theirs = socket.socketpair()
        (self.directory / "uml").mkdir(exist_ok=True)
        fd = theirs.fileno()
        argv = [self.kernel.vmlinux, f"mem={self.memory or ('1G' if debug else '512M')}", "rootfstype=hostfs", "rootflags=/",
                "ro", f"init={GUEST / 'init'}", f"iosm.run={self.directory}", f"uml_dir={self.directory / 'uml'}", "umid=guest",
                f"{'virtio_pcidev' if self.kernel.tree.version >= (6, 14) else 'virt_pci'}.max_delay_us=20000000",
                "dummy.numdummies=0", "con=null",
                "con0=fd:0,fd:1" if self.interactive else "con0=null,fd:1", "ssl=null", f"ssl0=fd:{fd}", *options]
        argv += [f"virtio_uml.device={socket}:{DEVICE_ID}" for socket in self.sockets]
        if debug:
            argv += ["kasan_multi_shot", "slab_debug=-", "kmemleak=on"]
        if self.can_sleep():
            argv += SLEEP_OPTIONS
        if self.interactive:
            argv.append("quiet")
        argv += self.command_line
        try:
            if self.interactive:
                self._terminal = termios.tcgetattr(0)
                self.process = subprocess.Popen(die_with_us(argv), pass_fds=(fd,), start_new_session=False)
            else:
                with open(self.console, "ab") as log:
                    self.process = subprocess.Popen(die_with_us(argv), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                                    pass_fds=(fd,), start_new_session=True)
        finally:
            theirs.close()
        self._line, self._buffer, self._answers = ours, b"", {}
        self._read_answer(0, BOOT_TIMEOUT * (3 if debug else 1), "boot")
        # What the kernel has to say against itself is not the driver's fault, nor what it lost.
        self.forget_warnings()
        if debug:
            self._booted = int(self.sh("sed -n 's/^jiffies: //p;T;q' /proc/timer_list").out)

    def _collect_coverage(self) -> None:
        """Where the run is for coverage, add what it reached; a guest that is gone or mute reached nothing."""
        target = os.environ.get("IOSM_COVERAGE")
        if not target or not self._line or not self.alive():
            return
        place = Path(tempfile.mkdtemp(prefix=f"{self.driver}-", dir=target))
        (self.directory / "gcov").mkdir(exist_ok=True)
        # Files of debugfs have no size that cp could go by.
        self.sh('find /sys/kernel/debug/gcov -name "*.gcda" | while read -r f; do '
                'cat "$f" > "$IOSM_RUN/gcov/${f##*/}" || exit 1; done', timeout=60)
        for path in (self.directory / "gcov").glob("*.gcda"):
            shutil.copy(path, place)

    def stop(self) -> None:
        """End it at once. (Its init is not asked: powering off has side effects of its own.)"""
        try:
            self._collect_coverage()
        except GuestError as err:
            print(f"  coverage of one run is lost: {err}", file=sys.stderr)
        finally:
            self._end()

    def _end(self) -> None:
        if self._line:
            self._line.close()
            self._line = None
        if self.process:
            end_process(self.process)
            self.process = None
        if self._terminal:
            # It had no time to do that itself.
            termios.tcsetattr(0, termios.TCSADRAIN, self._terminal)
            self._terminal = None

    def alive(self) -> bool:
        """Does the kernel still run?"""
        return self.process is not None and self.process.poll() is None

    # -- system sleep --------------------------------------------------------------------

    def can_sleep(self) -> bool:
        """Has this kernel system sleep?"""
        return "CONFIG_SUSPEND" in self.kernel.config()

    def suspend(self, kind: str = "freeze", timeout: float = ASLEEP_TIMEOUT) -> Sleep:
        """Begin a system sleep: freeze (suspend to idle) or mem. The agent sleeps, too, and can be asked nothing meanwhile.

        The caller wakes the guest, or gets the error, through what is returned.
        """
        if not self.can_sleep():
            raise GuestError(f"the {self.kernel.flavour} kernel has no system sleep")
        mark = len(self.console_text())
        # The program, not the shell's own echo, which does not know errors by name.
        finish = self.start_run(["sh", "-c", f"/bin/echo {kind} > /sys/power/state"], timeout=timeout)
        return Sleep(self, finish, mark, timeout)

    def wake_signal(self) -> None:
        """What a power button is on a machine: ends a system sleep, or prevents one that is about to begin."""
        if not self.process or not self.alive():
            raise GuestError(f"the guest is gone{self._tail()}")
        self.process.send_signal(signal.SIGUSR1)

    # -- talking to the agent ------------------------------------------------------------

    def _send(self, request: dict[str, Any]) -> int:
        if not self._line or not self.alive():
            raise GuestError(f"the guest is gone{self._tail()}")
        number = self._next
        self._next += 1
        line = json.dumps({"id": number, **request})
        # A serial line that was throttled once stays dead (UML), so little may be under way on it at any time.
        if len(line) > 100:
            name = f".request-{number}"
            (self.directory / name).write_text(line, encoding="ascii")
            line = json.dumps({"id": number, "file": name})
        self._line.sendall(line.encode() + b"\n")
        return number

    def _read_answer(self, number: int, timeout: float, what: str) -> dict[str, Any]:
        deadline = time.monotonic() + timeout
        while number not in self._answers:
            assert self._line
            left = deadline - time.monotonic()
            found, _, _ = select.select([self._line], [], [], max(0.0, min(left, 0.5)))
            if found:
                data = self._line.recv(65536)
                if not data:
                    raise GuestError(f"the guest ended during '{what}'{self._tail()}")
                self._buffer += data
                *lines, self._buffer = self._buffer.split(b"\n")
                for line in lines:
                    self._take(line)
            elif left <= 0:
                raise GuestError(f"the guest is silent: no answer to '{what}' within {timeout:.0f} s{self._tail()}; "
                                 f"{self._testify()}")
            elif not self.alive():
                raise GuestError(f"the guest ended during '{what}'{self._tail()}")
        answer = self._answers.pop(number)
        if "error" in answer:
            raise GuestError(f"'{what}': {answer['error']}")
        return answer

    def _take(self, line: bytes) -> None:
        with contextlib.suppress(ValueError):
            answer = json.loads(line[line.index(b"{"):])
            if "file" in answer:
                path = self.directory / answer["file"]
                answer = json.loads(path.read_text(encoding="ascii"))
                path.unlink()
            self._answers[int(answer["id"])] = answer

    def _testify(self) -> str:
        """What a guest that does not answer is doing, its CPUs by the host's gdb, its tasks by its own words on the console.

        Nobody needs this guest any more, so it may be made to run a function whatever it was about to do.
        """
        place = self.directory / STACKS
        with open(place, "wb") as file:
            for modem in self.witnesses:
                with contextlib.suppress(OSError):
                    file.write(f"{modem.socket}: {modem.control('stats')}\n\n".encode())
            file.flush()
            if not self.process or not shutil.which("gdb"):
                return "without gdb there are no stacks"
            script = ("set pagination off", "thread apply all backtrace 40", "set scheduler-locking on",
                      "handle SIGSEGV SIGALRM SIGIO SIGCHLD SIGUSR1 nostop noprint pass", "thread 1",
                      "call (void)show_state_filter(0)")
            argv = ["gdb", "-nx", "-batch", "-p", str(self.process.pid), *(word for line in script for word in ("-ex", line))]
            try:
                subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=file, stderr=file, timeout=STACKS_TIMEOUT, check=False)
            except subprocess.TimeoutExpired:
                return f"its tasks are not on the console, as even gdb had no answer; see {STACKS}"
        return f"see {STACKS}, and the console for its tasks"

    def _tail(self) -> str:
        lines = [line for line in self.console_text().strip().splitlines() if "epollctl add err" not in line]
        return f" (console: {lines[-1].strip()})" if lines else ""

    def start_run(self, argv: Sequence[str | Path], *, timeout: float = 30.0, env: dict[str, str] | None = None,
                  stdin: str | bytes | None = None) -> Callable[[], Result]:
        """Begin a command; the returned function waits for its end."""
        words = [str(arg) for arg in argv]
        request: dict[str, Any] = {"op": "run", "argv": words, "timeout": timeout, "env": env or {}}
        if stdin is not None:
            request["input"] = stdin.decode("utf-8", "surrogateescape") if isinstance(stdin, bytes) else stdin
        number = self._send(request)

        def finish() -> Result:
            answer = self._read_answer(number, timeout + SILENCE, " ".join(words))
            return Result(tuple(words), answer["rc"], answer["out"], answer["err"], bool(answer["timeout"]))

        return finish

    def start_call(self, place: str, module: str, function: str, *arguments: Any,
                   timeout: float = 60.0) -> Callable[[], Result]:
        """Begin a Python function of a file in a directory of the run; the returned function waits for its end.

        Its result is the last line of what it writes, as JSON.
        """
        call = [place, module, function, *arguments]
        number = self._send({"op": "run", "call": call, "timeout": timeout})
        words = tuple(str(word) for word in call)

        def finish() -> Result:
            answer = self._read_answer(number, timeout + SILENCE, " ".join(words))
            return Result(words, answer["rc"], answer["out"], answer["err"], bool(answer["timeout"]))

        return finish

    def run(self, argv: Sequence[str | Path], *, timeout: float = 30.0, env: dict[str, str] | None = None,
            stdin: str | bytes | None = None, check: bool = True) -> Result:
        """A command to its end; with check, anything but success raises."""
        result = self.start_run(argv, timeout=timeout, env=env, stdin=stdin)()
        return result.check() if check else result

    def sh(self, script: str, *, timeout: float = 30.0, check: bool = True) -> Result:
        """A shell script (sh -c)."""
        return self.run(["sh", "-c", script], timeout=timeout, check=check)

    def python(self, script: str, *args: str, timeout: float = 30.0, check: bool = True) -> Result:
        """A Python script, with the host's own interpreter and library."""
        return self.run(["/usr/bin/python3", "-c", script, *args], timeout=timeout, check=check)

    def spawn(self, argv: Sequence[str | Path], *, env: dict[str, str] | None = None) -> Job:
        """A command in the background."""
        words = [str(arg) for arg in argv]
        return self._spawned(words, {"argv": words, "env": env or {}})

    def spawn_call(self, place: str, module: str, function: str, *arguments: Any) -> Job:
        """A Python function of a file in a directory of the run, in the background."""
        call = [place, module, function, *arguments]
        return self._spawned([str(word) for word in call], {"call": call})

    def _spawned(self, words: list[str], request: dict[str, Any]) -> Job:
        out = f"job-{self._next}.txt"
        number = self._send({"op": "spawn", "out": out, **request})
        answer = self._read_answer(number, SILENCE, " ".join(words))
        return Job(self, tuple(words), int(answer["pid"]), self.directory / out)

    def shell(self) -> int:
        """An interactive shell on the console, to its end."""
        number = self._send({"op": "shell", "argv": ["bash", "--norc", "-i"], "env": {"PS1": r"guest:\w\$ "}})
        return int(self._read_answer(number, 10.0 ** 8, "shell")["rc"])

    # -- kernel and devices ----------------------------------------------------------------

    def insmod(self, module: Path, *parameters: str, timeout: float = 30.0, check: bool = True) -> Result:
        """Load a module that is a file of the host."""
        copy = self.directory / module.name
        shutil.copy(module, copy)
        return self.sh(f"insmod $IOSM_RUN/{module.name} {' '.join(parameters)}", timeout=timeout, check=check)

    def rmmod(self, name: str = "iosm", *, timeout: float = 30.0, check: bool = True) -> Result:
        """Unload a module."""
        if self.kernel.debug:
            # What is said about it afterwards has no names.
            text = self.run(["cat", f"/sys/module/{name}/sections/.text"], check=False).out.strip()
            if text:
                self._texts.append((int(text, 16), self.directory / f"{name}.ko"))
        return self.run(["rmmod", name], timeout=timeout, check=check)

    def firmware(self, path: Path, name: str = "") -> str:
        """Let the guest's kernel find a file of the host as firmware; the name for request_firmware() and devlink.

        The guest's root, with its /lib/firmware, is the host's, so the kernel is told of a directory of the run.
        """
        place = self.directory / "firmware"
        if not place.exists():
            place.mkdir()
            self.sh("printf %s $IOSM_RUN/firmware > /sys/module/firmware_class/parameters/path")
        name = name or path.name
        shutil.copy(path, place / name)
        return name

    def exists(self, path: str) -> bool:
        """Is there such a file in the guest?"""
        return self.run(["test", "-e", path], check=False).ok

    def read(self, path: str) -> str:
        """A small file of the guest."""
        return self.run(["cat", path]).out

    def wait_for(self, script: str, *, timeout: float = 10.0, what: str = "", interval: float = 0.03) -> str:
        """Repeat a shell condition in the guest until it holds; returns what it wrote."""
        # The time as the shell can read it without another program, in hundredths of a second.
        now = "read -r now _ < /proc/uptime; now=${now%.*}${now#*.}"
        loop = (f'{now}; end=$((now + {int(timeout * 100)}))\n'
                f'until out=$({script}\n); do {now}; [ $now -lt $end ] || exit 99; sleep {interval}; done\n'
                'printf "%s" "$out"')
        result = self.run(["sh", "-c", loop], timeout=timeout + 10, check=False)
        if not result.ok:
            raise GuestError(f"not within {timeout:g} s: {what or script}{self._tail()}")
        return result.out

    def wait_files(self, what: str, *, exist: Iterable[str] = (), gone: Iterable[str] = (),
                   lines: Iterable[tuple[str, str, int]] = (), timeout: float = 10.0) -> None:
        """Wait until these files of the guest exist, none matches a pattern of those, and the files of "lines" have at least
        so many lines that an expression matches as a whole."""
        number = self._send({"op": "until", "exist": list(exist), "gone": list(gone), "lines": list(lines), "timeout": timeout})
        if not self._read_answer(number, timeout + SILENCE, what)["ok"]:
            raise GuestError(f"not within {timeout:g} s: {what}{self._tail()}")

    def wait_path(self, path: str, *, timeout: float = 10.0, gone: bool = False) -> None:
        """Wait until a file of the guest is there, or is gone."""
        if gone:
            self.wait_files(f"{path} disappears", gone=[path], timeout=timeout)
        else:
            self.wait_files(f"{path} appears", exist=[path], timeout=timeout)

    def console_text(self) -> str:
        """The console so far."""
        if not self.console.exists():
            return ""
        return self.console.read_text(encoding="utf-8", errors="replace")

    def dmesg(self) -> str:
        """The kernel's log as the guest has it."""
        return self.run(["dmesg"]).out

    def warnings(self, ignore: Iterable[str] = ()) -> list[str]:
        """Lines of the console that no run may have, since the last call of forget_warnings()."""
        expressions = [re.compile(expression) for expression in ignore]
        return [line.strip() for line in without_own_faults(self.console_text()[self._known:]).splitlines()
                if WARNINGS.search(line) and not any(item.search(line) for item in expressions)]

    def forget_warnings(self) -> None:
        """What is on the console now is known."""
        self._known = len(self.console_text())

    def leaks(self) -> str:
        """A scan of kmemleak, in kernels that have it: the lost objects and who made them."""
        if not self.exists(KMEMLEAK):
            return ""
        # It says nothing of objects that are younger than five seconds.
        self.sh(f"sleep 6; echo scan > {KMEMLEAK}; sleep 1; echo scan > {KMEMLEAK}", timeout=120)
        return self.read(KMEMLEAK)

    def forget_leaks(self) -> None:
        """What was lost so far is not reported again: the kernel loses something when it boots."""
        if self.leaks():
            self.sh(f"echo clear > {KMEMLEAK}")

    def leaks_since_boot(self) -> list[str]:
        """In a kernel with kmemleak: each object that was made since then and is lost, by its maker; all of it is in LEAKS.

        A first look is at once, whatever the age: two scans, as an object has to be found unchanged by the second one.
        The only pointer to what it finds may just be in a register, so what kmemleak still says after a while counts.
        """
        if not self.kernel.debug:
            return []
        scan = f"echo scan > {KMEMLEAK}"
        if not self._made_since_boot(self.sh(f"set -e; echo 0 > {KMEMLEAK_AGE}; {scan}; {scan}; cat {KMEMLEAK}; "
                                             f"echo 5000 > {KMEMLEAK_AGE}", timeout=120).out):
            return []
        lost = self._made_since_boot(self.leaks())
        (self.directory / LEAKS).write_text("".join(lost), encoding="utf-8")
        return [summary_of_leak(report) for report in lost]

    def _made_since_boot(self, report: str) -> list[str]:
        objects = re.findall(r"^unreferenced object.*\n(?: .*\n)+", report, re.M)
        made = ((item, re.search(r"\bjiffies (\d+)", item)) for item in objects)
        return [re.sub(r"(?<= )0x[0-9a-f]{8,}$", self._name_of, item, flags=re.M)
                for item, when in made if not when or int(when[1]) >= self._booted]

    def _name_of(self, number: re.Match[str]) -> str:
        """The function of a module that is gone at an address, if it is one."""
        for text, module in reversed(self._texts):
            offset = int(number[0], 16) - text
            if module.is_file() and 0 <= offset < module.stat().st_size:
                argv = ["addr2line", "-f", "-j", ".text", "-e", module, hex(offset)]
                name = subprocess.run(argv, capture_output=True, text=True, check=False).stdout.partition("\n")[0]
                return f"{name}+0x0" if name and not name.startswith("?") else number[0]
        return number[0]

    def blind_checkers(self) -> list[str]:
        """Of the kernel's checkers, those that found something once and do not look any more."""
        if not self.kernel.debug:
            return []
        state = re.search(r"debug_locks: *(\d+)", self.read(LOCKDEP))
        return [] if state and state[1] == "1" else ["lockdep is off"]


class Sleep:
    """A system sleep that has begun, as the console shows it."""

    def __init__(self, guest: Guest, finish: Callable[[], Result], mark: int, timeout: float) -> None:
        self.guest = guest
        self.finish = finish
        self.mark = mark
        self.timeout = timeout
        self.ended: Result | None = None
        self.earlier: list[Sleep] = []		# tries that were woken on their way, if this is another one

    def times(self) -> dict[str, float]:
        """The kernel's time, in seconds, when it came to each point of SLEEP so far."""
        text = self.guest.console_text()[self.mark:]
        found = {name: re.search(rf"^\[ *(\d+\.\d+)\] .*{point}", text, re.M) for name, point in SLEEP.items()}
        return {name: float(match[1]) for name, match in found.items() if match}

    def wait_asleep(self) -> bool:
        """Until the machine sleeps; it may be awake again if the modem woke it. False if it was woken before.

        An interrupt that the modem sent in time may come late, and counts as a wake-up: the transport is a wake-up source.
        """
        def settled() -> dict[str, float]:
            if not self.guest.alive():
                raise GuestError(f"the guest ended on its way to sleep{self.guest._tail()}")
            times = self.times()
            return times if {"asleep", "exit"} & times.keys() else {}

        if "asleep" in wait_until(settled, self.timeout, "the guest sleeps"):
            return True
        if not self.result().ok and FAILED in self.guest.console_text()[self.mark:]:
            self.result().check()
        return False

    def refused(self) -> Result:
        """The result of a suspend that is to fail; raises if the machine sleeps, and wakes it."""
        wait_until(lambda: {"asleep", "exit"} & self.times().keys(), self.timeout, "the suspend fails")
        result = self.wake() if "asleep" in self.times() else self.result()
        if result.ok:
            raise GuestError("the machine slept, and should not")
        return result

    def awake(self) -> bool:
        """Has it been woken?"""
        return "awake" in self.times()

    def wait_awake(self, timeout: float = 10.0) -> None:
        """Until something else than us wakes it."""
        wait_until(self.awake, timeout, "the guest is woken")

    def wake(self) -> Result:
        """Wake it from its sleep, unless something else did; the result of the suspend."""
        if not self.wait_asleep():
            return self.result()

        def signalled() -> bool:
            # A signal just before the machine sleeps is lost, so it is repeated.
            if not self.awake():
                self.guest.wake_signal()
            return self.awake()

        wait_until(signalled, self.timeout, "the guest wakes up", interval=WAKE_INTERVAL)
        return self.result()

    def steps(self) -> int:
        """How many messages the kernel wrote on its way so far."""
        return self.guest.console_text().count("\n", self.mark)

    def interrupt(self) -> Result:
        """Wake it wherever on its way it is; the result of the suspend, which may have failed for that."""
        def signalled() -> bool:
            self.guest.wake_signal()
            return "exit" in self.times()

        wait_until(signalled, self.timeout, "the suspend ends", interval=WAKE_INTERVAL)
        return self.result()

    def result(self) -> Result:
        """What the write to /sys/power/state came to, when the guest has come back."""
        if not self.ended:
            self.ended = self.finish()
        return self.ended

    def slept(self) -> bool:
        """Did it come to the point of no return? Otherwise it was woken before, or failed."""
        return "asleep" in self.times()

    def tries(self) -> int:
        """How many it took, with those that were woken on their way."""
        return len(self.earlier) + 1

    def seconds_to_sleep(self) -> float:
        """Guest time from the request to the sleep, or to the failure; of all tries together."""
        return sum(times.get("asleep", times.get("exit", 0.0)) - times["entry"]
                   for times in (sleep.times() for sleep in (*self.earlier, self)))

    def seconds_to_wake(self) -> float:
        """Guest time from the wake-up to the end of the resume; of all, if it was woken on its way."""
        times = self.times()
        return times["exit"] - times.get("awake", times["entry"])


@dataclass
class Job:
    """A background command in a guest."""

    guest: Guest
    argv: tuple[str, ...]
    pid: int
    file: Path

    def wait(self, timeout: float = 30.0) -> int:
        """Its status; raises when it still runs."""
        number = self.guest._send({"op": "wait", "pid": self.pid, "timeout": timeout})
        status = self.guest._read_answer(number, timeout + SILENCE, "wait")["rc"]
        if status is None:
            raise GuestError(f"'{' '.join(self.argv)}' still runs after {timeout:g} s")
        return int(status)

    def kill(self, number: int = signal.SIGTERM) -> None:
        """Send it a signal."""
        self.guest._read_answer(self.guest._send({"op": "kill", "pid": self.pid, "signal": int(number)}), SILENCE, "kill")

    def output(self) -> str:
        """What it wrote so far."""
        return self.file.read_text(encoding="utf-8", errors="replace")


class Bench:
    """A directory for the run, a modem (or two, with options for the second one), a guest, and a driver in it."""

    def __init__(self, *, driver: str = "ours", flavour: str | None = None, which: str | None = None,
                 emulator: Sequence[str] = (), load: bool = True, modem: bool = True, trace: bool = False, pcap: bool = False,
                 command_line: Sequence[str] = (), ncpus: int = 2, directory: Path | None = None, log: str = "info",
                 interactive: bool = False, memory: str = "", second: Sequence[str] | None = None) -> None:
        if driver not in ("ours", "stock", "kunit"):
            raise Error(f"driver '{driver}': known are ours, stock and kunit")
        self.driver = driver
        self.load = load
        self.kernel = kernels.get(which, flavour or os.environ.get("FLAVOUR") or "plain")
        # Short, because sockets are in it.
        self.own = directory is None
        self.directory = directory or Path(tempfile.mkdtemp(prefix="iosm-"))
        self.directory.mkdir(parents=True, exist_ok=True)
        self.emulator = Emulator(self.directory, tuple(emulator), trace=trace, pcap=pcap, log_level=log)
        self.emulators = [self.emulator] if modem else []
        if second is not None:
            self.emulators.append(Emulator(self.directory / "second", tuple(second), trace=trace, pcap=pcap, log_level=log))
        self.guest = Guest(self.kernel, self.directory, tuple(emulator.socket for emulator in self.emulators), memory=memory,
                           ncpus=ncpus, command_line=tuple(command_line), interactive=interactive, driver=driver,
                           witnesses=self.emulators)

    def __enter__(self) -> Bench:
        try:
            for emulator in self.emulators:
                emulator.directory.mkdir(exist_ok=True)
                emulator.start()
            self.guest.start()
            if self.load:
                self.load_driver()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def load_driver(self, *parameters: str) -> None:
        """Load the driver; the stock one needs an upstream port first."""
        if self.driver == "stock" and not self.guest.exists("/sys/module/rootport"):
            self.guest.insmod(kernels.module(self.kernel, "rootport"))
        self.guest.insmod(kernels.module(self.kernel, self.driver), *parameters)

    def unload_driver(self) -> None:
        """Unload it again."""
        self.guest.rmmod()

    def save(self, place: Path) -> None:
        """Keep the logs of the run, for somebody who wants to know why."""
        place.mkdir(parents=True, exist_ok=True)
        for source in (self.directory, self.directory / "second"):
            for name in ("console.log", "emulator.log", "trace.txt", "traffic.pcapng", STACKS, LEAKS):
                if (source / name).is_file():
                    shutil.copy(source / name, place / (name if source == self.directory else f"second-{name}"))

    def close(self) -> None:
        """End everything."""
        try:
            self.guest.stop()
        finally:
            try:
                for emulator in self.emulators:
                    emulator.stop()
            finally:
                if self.own:
                    shutil.rmtree(self.directory, ignore_errors=True)
