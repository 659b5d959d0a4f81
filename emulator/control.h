/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The control socket: commands at run time. Each line is one command; each is
 * answered with one line of JSON.
 */
#ifndef IOSM_EMU_CONTROL_H
#define IOSM_EMU_CONTROL_H

#include <stdio.h>

struct control;
struct loop;
struct modem;
struct vhost;
struct world;

/**
 * control_new() - listen for commands
 *
 * Return: NULL after one line with log_error().
 */
struct control *control_new(struct loop *loop, const char *path,
			    struct modem *modem, struct vhost *vhost,
			    struct world *world);
void control_free(struct control *control);

/** control_execute() - run one command; writes the answer without a newline. */
void control_execute(struct control *control, char *line, FILE *answer);

#endif /* IOSM_EMU_CONTROL_H */
