/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The command line.
 */
#ifndef IOSM_EMU_OPTIONS_H
#define IOSM_EMU_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "fault.h"
#include "log.h"
#include "modem.h"
#include "world.h"

#define OPTIONS_VERSION	"0.1"

/**
 * struct options - what the command line said
 * @socket: path of the vhost-user socket
 * @control: path of the control socket, or NULL
 * @trace: path of the trace, or NULL
 * @pidfile: path of the file for our process id, or NULL
 * @ready_fd: where to write "ready", or -1
 * @device: PCI device id
 * @strict: the critic
 * @waits: no way from its stage to RUN by itself
 * @log: log level
 * @faults: what goes wrong; @modem points here
 * @record: capability record of EBL; @modem points here
 * @modem: of the modem
 * @world: of the world
 */
struct options {
	const char *socket, *control, *trace, *pidfile;
	int ready_fd;
	uint16_t device;
	bool strict, waits;
	enum log_level log;
	struct faults faults;
	uint8_t record[EBL_RECORD_SIZE];
	struct modem_config modem;
	struct world_config world;
};

/**
 * options_parse() - read the command line
 *
 * Return: -1 to go on, otherwise the exit status: 0 after --help or --version,
 * 2 after one line about what is wrong.
 */
int options_parse(struct options *options, int argc, char **argv);

#endif /* IOSM_EMU_OPTIONS_H */
