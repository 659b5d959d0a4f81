#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Runs one function of a module in this directory: call.py MODULE FUNCTION [JSON...].

Used on both sides of the modem: in the guest, and in the modem's network namespace. Arguments are JSON, the result
is the last line of standard output, as JSON. A function that serves somebody prints a line "ready" first.
"""

import importlib
import json
import sys


def main() -> None:
    """Call it."""
    module, function, *arguments = sys.argv[1:]
    result = getattr(importlib.import_module(module), function)(*(json.loads(argument) for argument in arguments))
    print(json.dumps(result), flush=True)


main()
