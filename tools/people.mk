# SPDX-License-Identifier: GPL-2.0
#
# What people call; Makefile includes this outside of Kbuild.

MAKEFLAGS += --no-print-directory
KDIR ?= /lib/modules/$(shell uname -r)/build
Q := $(if $(V),,@)

.PHONY: module help demo shell test debug check oracle soak bench intree emulator kunit coverage clean

module:
	@[ -e $(KDIR)/Makefile ] || { echo "make: no kernel to build against in $(KDIR): install linux-headers-$$(uname -r)," \
		"or say KDIR=/path" >&2; exit 2; }
	$(Q)$(MAKE) -C $(KDIR) M=$(CURDIR) modules

help:
	@printf '%s\n' \
	'iosm, a driver for Intel XMM7560 and XMM7360 modems, and a software modem' \
	'' \
	'To see it' \
	'  make demo         an emulated laptop: boots a kernel, probes the modem, connects, pings' \
	'  make shell        the same, and then a shell inside; leave it with exit' \
	'' \
	'To use it' \
	'  make              the module iosm.ko for the running kernel' \
	'  make KDIR=DIR     ... for the kernel whose headers or build directory DIR is' \
	'  make intree KDIR=DIR   put the driver into the kernel tree DIR, in place of its iosm' \
	'' \
	'To change it' \
	'  make test         all tests: emulator, KUnit, system tests' \
	'  make debug        the system tests in kernels with all checkers: KASAN, UBSAN, lockdep, kmemleak' \
	'  make check        style and static analysis' \
	'  make kunit        the unit tests only' \
	'  make oracle       the system tests with the kernel tree'"'"'s own driver' \
	'  make soak         all kinds of traffic at once for MINUTES=10 in each format, with all checkers' \
	'  make coverage     lines of the driver that the tests reach' \
	'  make bench        speed, latency and memory, compared with the kernel tree'"'"'s own driver' \
	'  make emulator     the software modem emulator/iosm-emu' \
	'  make clean        remove what builds left in this directory (the cache stays)' \
	'' \
	'Settings, as in "make test KERNEL=6.12 T=tests/test_ping.py"' \
	'  KERNEL=7.3|6.12|6.1|PATH   the kernel that demo and tests run in (7.3)' \
	'  FLAVOUR=plain|debug|pm|pm-debug   debug: KASAN, UBSAN, lockdep, kmemleak; pm: with system sleep' \
	'  DEVICE=7560|7360, MUX=aggr|lite   the modem of demo and shell' \
	'  T=...                      arguments for pytest, instead of all of tests/' \
	'  B=...                      options of tools/bench, such as B=--quick or B="--only tcp"' \
	'' \
	'Kernels, their sources and builds are cached in $${XDG_CACHE_HOME:-~/.cache}/iosm.' \
	'The first "make test" takes about a quarter of an hour, later ones start at once.'

demo shell:
	@tools/packages test
	@KERNEL='$(KERNEL)' FLAVOUR='$(FLAVOUR)' tools/demo $(if $(filter shell,$@),--shell) \
		$(if $(DEVICE),--device '$(DEVICE)') $(if $(MUX),--mux '$(MUX)')

test:
	@tools/packages test
	@KERNEL='$(KERNEL)' FLAVOUR='$(FLAVOUR)' tools/test $(if $(T),-- $(T))

debug:
	@tools/packages test
	@KERNEL='$(KERNEL)' FLAVOUR=debug tools/test $(if $(T),-- $(T),--layer system)

oracle:
	@tools/packages test
	@KERNEL='$(KERNEL)' FLAVOUR='$(FLAVOUR)' tools/test --oracle $(if $(T),-- $(T))

bench:
	@tools/packages test bench
	@KERNEL='$(KERNEL)' tools/bench $(B)

soak:
	@tools/packages test
	@KERNEL='$(KERNEL)' FLAVOUR='$(or $(FLAVOUR),debug)' IOSM_SOAK_SECONDS=$$(( 60 * $(or $(MINUTES),10) )) \
		tools/test -- -s tests/soak

coverage:
	@tools/packages test
	@KERNEL='$(KERNEL)' tools/coverage $(if $(T),-- $(T))

kunit:
	@tools/packages test
	@KERNEL='$(KERNEL)' tools/kunit

check:
	@tools/packages check
	@KERNEL='$(KERNEL)' tools/check

intree:
	@case '$(origin KDIR)' in file) echo 'make: say which tree: make intree KDIR=/path/to/linux' >&2; exit 2 ;; esac
	@tools/kernel intree '$(KDIR)'

emulator:
	$(Q)$(MAKE) -C emulator

clean:
	$(Q)$(MAKE) -C emulator clean
	$(Q)find . -path ./.git -prune -o -type f '(' -name '*.o' -o -name '*.ko' -o -name '*.mod' -o -name '*.mod.c' \
		-o -name '*.cmd' -o -name '*.o.d' -o -name '*.gcda' -o -name '*.gcno' -o -name modules.order \
		-o -name Module.symvers ')' -exec rm -f {} +
	$(Q)find . -path ./.git -prune -o -type d '(' -name __pycache__ -o -name .pytest_cache ')' -prune -exec rm -rf {} +
