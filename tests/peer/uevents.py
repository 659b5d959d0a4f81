# SPDX-License-Identifier: GPL-2.0
"""Listens to the kernel's uevents."""

import contextlib
import socket
import sys

NETLINK_KOBJECT_UEVENT = 15
KERNEL_GROUP = 1


def listen(subsystem: str) -> None:
    """Print a line for each event of a subsystem until somebody ends us: action, path, IOSM_EVENT or a dash."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_KOBJECT_UEVENT) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        sock.bind((0, KERNEL_GROUP))
        print("ready", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            while True:
                fields = dict(part.split("=", 1) for part in sock.recv(65536).decode().split("\0") if "=" in part)
                if fields.get("SUBSYSTEM") == subsystem:
                    print(fields["ACTION"], fields["DEVPATH"], fields.get("IOSM_EVENT", "-"), flush=True)
    sys.exit(0)
