/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Listening UNIX sockets.
 */
#ifndef IOSM_EMU_UNIXSOCK_H
#define IOSM_EMU_UNIXSOCK_H

/**
 * unixsock_listen() - listen on a path
 *
 * A socket file that nobody listens on is replaced; any other file is left
 * alone.
 *
 * Return: a non-blocking descriptor, or -1 after one line with log_error().
 */
int unixsock_listen(const char *path);

#endif /* IOSM_EMU_UNIXSOCK_H */
