# SPDX-License-Identifier: GPL-2.0
"""Programs that look at the modem's health all the time, until SIGTERM; each prints a dot for a look that went well."""

import contextlib
import errno
import json
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def _until_told() -> Iterator[Callable[[], bool]]:
    told = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: told.set())
    print("ready", flush=True)
    yield lambda: not told.is_set()
    print()


def read_state(path: str) -> dict:
    """The file in debugfs: it is there and whole, or it is not there."""
    states, errors, torn = Counter(), Counter(), 0
    with _until_told() as go_on:
        while go_on():
            try:
                with open(path, encoding="ascii") as file:
                    lines = dict(line.rstrip("\n").split(": ", 1) for line in file)
            except OSError as err:
                errors[errno.errorcode[err.errno or 0]] += 1
                # A file that is not there has no event in debugfs.
                time.sleep(0.005)
                continue
            torn += not {"state", "failures"} <= lines.keys()
            states[lines.get("state")] += 1
            print(".", end="", flush=True)
    return {"states": states, "errors": errors, "torn": torn}


def ask(handle: str, commands: list[list[str]]) -> dict:
    """devlink health, one command after the other: which ones worked, and what the others said."""
    good, bad = Counter(), Counter()
    words = ["devlink", "-j", "health"]
    with _until_told() as go_on:
        while go_on():
            for command in commands:
                done = subprocess.run([*words, *command, handle, "reporter", "fw"], capture_output=True, text=True, check=False)
                name = " ".join(command)
                if done.returncode == 0:
                    good[name] += 1
                    if done.stdout.strip():
                        json.loads(done.stdout)
                    print(".", end="", flush=True)
                elif done.returncode > 0:
                    bad[f"{name}: {done.stderr.strip().splitlines()[-1]}"] += 1
    return {"good": good, "bad": bad}
