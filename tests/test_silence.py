# SPDX-License-Identifier: GPL-2.0
"""A guest that does not answer any more leaves what somebody needs to find out why."""

from __future__ import annotations

import json
import re
import shutil

import pytest
from iosmlib.bench import STACKS, GuestError
from testlib.modem import Modem

# A request that is not there yet: the agent waits for it, and for nothing else.
PIPE = "/tmp/request"
LATER = f'until [ -e $IOSM_RUN/go ]; do sleep 0.05; done; echo \'{{"id": 0, "op": "kill", "pid": 0, "signal": 0}}\' > {PIPE}'


# A guest that others keep from its CPU may be anywhere when it is stopped, and then does not always survive the call.
@pytest.mark.alone
@pytest.mark.skipif(not shutil.which("gdb"), reason="no gdb")
def test_stacks_of_a_silent_guest(modem: Modem) -> None:
    """The error names a file with each CPU's stack and the modem's counters; the console has the tasks."""
    guest = modem.guest
    cpus = int(guest.run(["nproc"]).out)
    guest.sh(f"mkfifo {PIPE}")
    job = guest.spawn(["sh", "-c", LATER])
    assert guest._line
    guest._line.sendall(json.dumps({"id": 0, "file": PIPE}).encode() + b"\n")
    with pytest.raises(GuestError, match=f"the guest is silent: .*; see {STACKS}, and the console"):
        guest._read_answer(0, 1.0, "kill")
    text = (modem.bench.directory / STACKS).read_text(encoding="utf-8", errors="replace")
    counters, _, stacks = text.partition("\n\n")
    assert json.loads(counters.partition(": ")[2])["ok"]
    # Each CPU is a thread of the host, and each stack is known to its end; that of one that runs a program begins there.
    threads = re.split(r"^Thread (?=\d+ \(Thread)", stacks, flags=re.MULTILINE)[1:]
    assert len(threads) == cpus
    assert all(re.search(r" in (?:new_thread_handler|userspace) \(\)", thread) for thread in threads), stacks
    assert "task:agent" in guest.console_text()
    # That was no warning of the kernel, and the guest goes on where it was.
    guest.forget_warnings()
    (modem.bench.directory / "go").touch()
    guest._read_answer(0, 10.0, "kill")
    assert job.wait() == 0
    modem.proves_life()
