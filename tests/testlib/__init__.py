# SPDX-License-Identifier: GPL-2.0
"""What the system tests share, on top of tools/iosmlib."""
