# SPDX-License-Identifier: GPL-2.0
"""What the tools and the tests of iosm share. Python 3.11, standard library only."""
