# SPDX-License-Identifier: GPL-2.0
"""Everything that a modem is good for, in one go."""

import icmp
import ports


def problems(device: str, pairs: list) -> list:
    """An AT command, and echo requests from each host to its gateway; what was wrong."""
    answers = ports.at(device, ["AT"], 10.0)
    found = [] if answers == ["AT\r\r\nOK\r\n"] else [f"AT: {answers}"]
    for host, gateway in pairs:
        result = icmp.ping(host, gateway, [56, 1000], 0.0, 5.0, False)
        if result["wrong"]:
            found.append(f"{gateway}: {result['wrong']}")
    return found
