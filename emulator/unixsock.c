// SPDX-License-Identifier: GPL-2.0-only
/*
 * Listening UNIX sockets.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "log.h"
#include "unixsock.h"

/* Make room at @path: only a socket without a listener may be removed. */
static int unixsock_remove_stale(const struct sockaddr_un *addr)
{
	struct stat st;
	int fd, err;

	if (lstat(addr->sun_path, &st))
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;

	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	err = connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) ?
	      errno : 0;
	close(fd);
	/* EAGAIN: somebody listens and has no time for us. */
	if (!err || err == EAGAIN)
		return -EADDRINUSE;
	if (err != ECONNREFUSED)
		return -err;
	return unlink(addr->sun_path) ? -errno : 0;
}

int unixsock_listen(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd, err;

	if (!*path || strlen(path) >= sizeof(addr.sun_path)) {
		log_error("socket path '%s' is %s", path,
			  *path ? "too long" : "empty");
		return -1;
	}
	memcpy(addr.sun_path, path, strlen(path) + 1);

	err = unixsock_remove_stale(&addr);
	if (err == -EADDRINUSE) {
		log_error("socket %s is in use", path);
		return -1;
	}
	if (err == -EEXIST) {
		log_error("%s exists and is not a socket", path);
		return -1;
	}
	if (err) {
		log_error("cannot use %s: %s", path, strerror(-err));
		return -1;
	}

	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 ||
	    bind(fd, (const struct sockaddr *)&addr, sizeof(addr)) ||
	    listen(fd, 64)) {
		log_error("cannot listen on %s: %s", path, strerror(errno));
		if (fd >= 0)
			close(fd);
		return -1;
	}
	return fd;
}
