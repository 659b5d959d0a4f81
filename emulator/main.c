// SPDX-License-Identifier: GPL-2.0-only
/*
 * iosm-emu: a software XMM7560/7360 modem.
 *
 *	main	puts the parts together
 *	vhost	User-Mode Linux' PCI over virtio
 *	pcidev	configuration space, BARs, MSI, power, reset
 *	modem	registers, doorbells, stages;  modem_boot	boot ROM
 *	ring	control ring and pipes;  power	the sleep handshakes
 *	mux	IP sessions;  channel, mbim, at, rpc	control ports
 *	flash, nand, coredump	what loaders do
 *	world	where IP packets go to
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "control.h"
#include "critic.h"
#include "gmem.h"
#include "log.h"
#include "loop.h"
#include "modem.h"
#include "options.h"
#include "pcidev.h"
#include "vhost.h"
#include "world.h"

#define STATUS_VIOLATIONS	1
#define STATUS_USAGE		2

static void on_signal(void *ctx, uint32_t events)
{
	(void)events;
	loop_stop(ctx);
}

static bool announce(const struct options *options)
{
	if (options->pidfile) {
		FILE *file = fopen(options->pidfile, "we");

		if (!file || fprintf(file, "%d\n", (int)getpid()) < 0 ||
		    fclose(file)) {
			log_error("cannot write %s: %s", options->pidfile,
				  strerror(errno));
			return false;
		}
	}
	if (options->ready_fd >= 0) {
		if (write(options->ready_fd, "ready\n", 6) != 6) {
			log_error("cannot write to descriptor %d: %s",
				  options->ready_fd, strerror(errno));
			return false;
		}
		close(options->ready_fd);
	}
	return true;
}

static int serve(const struct options *options, struct loop *loop,
		 struct world *world)
{
	static struct modem modem;
	struct gmem mem = { .count = 0 };
	struct control *control = NULL;
	int status = STATUS_USAGE;
	struct vhost *vhost;
	struct pcidev pci;

	pcidev_init(&pci, options->device, &mem);
	if (!modem_init(&modem, loop, &pci, world, &options->modem))
		return status;
	vhost = vhost_new(loop, options->socket, &pci, &mem);
	if (!vhost)
		goto exit_modem;
	if (options->control) {
		control = control_new(loop, options->control, &modem, vhost,
				      world);
		if (!control)
			goto exit_vhost;
	}
	if (!announce(options))
		goto exit_control;

	status = loop_run(loop) ? STATUS_USAGE : 0;
	if (options->pidfile)
		unlink(options->pidfile);

exit_control:
	control_free(control);
exit_vhost:
	vhost_free(vhost);
exit_modem:
	modem_exit(&modem);
	return status;
}

int main(int argc, char **argv)
{
	struct loop_fd *watch = NULL;
	struct options options;
	struct world *world;
	struct loop *loop;
	sigset_t signals;
	int fd, status;

	status = options_parse(&options, argc, argv);
	if (status >= 0)
		return status;
	log_set_level(options.log);
	critic_set_strict(options.strict);

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);

	status = STATUS_USAGE;
	loop = loop_new();
	fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	if (loop && fd >= 0)
		watch = loop_fd_add(loop, fd, EPOLLIN, on_signal, loop);
	if (!watch) {
		log_error("cannot start: %s", strerror(errno));
		goto exit_loop;
	}
	if (options.trace && trace_open(options.trace)) {
		log_error("cannot write %s: %s", options.trace,
			  strerror(errno));
		goto exit_loop;
	}
	/* Short waits must not take longer than what they are for. */
	prctl(PR_SET_TIMERSLACK, 1000ul);
	world = world_new(loop, &options.world);
	if (world) {
		status = serve(&options, loop, world);
		world_free(world);
	}
	trace_close();

exit_loop:
	loop_fd_remove(watch);
	if (fd >= 0)
		close(fd);
	loop_free(loop);
	if (!status && violation_count()) {
		log_error("%lu violation(s) of the protocol",
			  violation_count());
		status = STATUS_VIOLATIONS;
	}
	return status;
}
