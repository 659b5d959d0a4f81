# SPDX-License-Identifier: GPL-2.0
"""How long it takes to open a port, and what comes of it."""

import errno
import os
import time


def timed(device: str) -> dict:
    """Open and close a port; the error's name, if any, and the seconds that open() took."""
    start = time.monotonic()
    error = ""
    try:
        fd = os.open(device, os.O_RDWR)
    except OSError as err:
        error = errno.errorcode[err.errno or 0]
    else:
        os.close(fd)
    return {"error": error, "seconds": time.monotonic() - start}
