// SPDX-License-Identifier: GPL-2.0-only
/*
 * MBIM function against a third party: mbimcli of libmbim talks to it over a
 * pseudo terminal, without a driver or a guest in between.
 *
 * Skipped, and said so, where mbimcli is not installed.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "check.h"
#include "function.h"
#include "loop.h"
#include "world.h"

#define LIMIT_US	20000000u

/**
 * struct bench - the function, and the wire to the tool
 * @loop, @world, @fn: what is tested
 * @master: our end of the terminal
 * @slave: the tool's end, held open here so that it stays
 * @path: its name
 * @in, @in_len: bytes of a message that is not complete
 * @output, @output_len: what the tool printed
 * @pipe: where it prints
 * @master_watch, @pipe_watch: their watches
 * @timed_out: the tool did not end
 */
static struct bench {
	struct loop *loop;
	struct world *world;
	struct function *fn;
	int master, slave, pipe;
	char path[64];
	uint8_t in[65536];
	size_t in_len;
	char output[32768];
	size_t output_len;
	struct loop_fd *master_watch, *pipe_watch;
	bool timed_out;
} bench;

static bool bench_send(void *ctx, const void *data, size_t len)
{
	(void)ctx;
	return write(bench.master, data, len) == (ssize_t)len;
}

/* The terminal is a byte stream; cut it by the length in each message. */
static void master_ready(void *ctx, uint32_t events)
{
	ssize_t n;

	(void)ctx;
	(void)events;
	n = read(bench.master, bench.in + bench.in_len,
		 sizeof(bench.in) - bench.in_len);
	if (n <= 0)
		return;
	bench.in_len += (size_t)n;
	while (bench.in_len >= 12) {
		size_t len = bench.in[4] | (size_t)bench.in[5] << 8 |
			     (size_t)bench.in[6] << 16;

		if (len < 12 || len > bench.in_len)
			break;
		bench.fn->ops->receive(bench.fn, bench.in, len);
		bench.in_len -= len;
		memmove(bench.in, bench.in + len, bench.in_len);
	}
}

static void pipe_ready(void *ctx, uint32_t events)
{
	size_t room = sizeof(bench.output) - 1 - bench.output_len;
	ssize_t n = read(bench.pipe, bench.output + bench.output_len, room);

	(void)ctx;
	(void)events;
	if (n > 0) {
		bench.output_len += (size_t)n;
		bench.output[bench.output_len] = '\0';
		return;
	}
	loop_fd_remove(bench.pipe_watch);
	loop_stop(bench.loop);
}

static void too_long(void *ctx)
{
	(void)ctx;
	bench.timed_out = true;
	loop_stop(bench.loop);
}

static bool bench_open(void)
{
	struct world_config config = { .kind = WORLD_SINK };
	struct termios raw;

	memset(&bench, 0, sizeof(bench));
	bench.loop = loop_new();
	bench.world = world_new(bench.loop, &config);
	bench.fn = mbim_new(bench.loop, bench.world);
	bench.fn->send = bench_send;
	bench.fn->max_unit = 32768;
	bench.master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (bench.master < 0 || grantpt(bench.master) ||
	    unlockpt(bench.master) ||
	    ptsname_r(bench.master, bench.path, sizeof(bench.path)))
		return false;
	bench.slave = open(bench.path, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (bench.slave < 0 || tcgetattr(bench.slave, &raw))
		return false;
	cfmakeraw(&raw);
	if (tcsetattr(bench.slave, TCSANOW, &raw))
		return false;
	bench.fn->ops->opened(bench.fn);
	bench.master_watch = loop_fd_add(bench.loop, bench.master, EPOLLIN,
					 master_ready, NULL);
	return bench.master_watch;
}

static void bench_close(void)
{
	loop_fd_remove(bench.master_watch);
	close(bench.slave);
	close(bench.master);
	bench.fn->ops->destroy(bench.fn);
	world_free(bench.world);
	loop_free(bench.loop);
}

#define MAX_ARGS 12

/* Run mbimcli with the options of @line; its exit status. */
static int mbimcli(const char *line)
{
	char *args[MAX_ARGS + 1] = { (char *)"mbimcli", (char *)"-d",
				     bench.path };
	unsigned int n = 3;
	char words[512];
	struct loop_timer limit;
	int out[2], status;
	char *save = NULL;
	pid_t pid;

	snprintf(words, sizeof(words), "%s", line);
	for (char *word = strtok_r(words, " ", &save); word && n < MAX_ARGS;
	     word = strtok_r(NULL, " ", &save))
		args[n++] = word;

	bench.output_len = 0;
	bench.output[0] = '\0';
	if (pipe2(out, O_CLOEXEC))
		return -1;
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(out[1], 1);
		dup2(out[1], 2);
		execvp(args[0], args);
		_exit(127);
	}
	close(out[1]);
	bench.pipe = out[0];
	bench.pipe_watch = loop_fd_add(bench.loop, out[0], EPOLLIN, pipe_ready,
				       NULL);
	loop_timer_init(&limit, bench.loop, too_long, NULL);
	loop_timer_arm(&limit, LIMIT_US);
	loop_run(bench.loop);
	loop_timer_cancel(&limit);
	if (bench.timed_out) {
		loop_fd_remove(bench.pipe_watch);
		kill(pid, SIGKILL);
	}
	close(out[0]);
	waitpid(pid, &status, 0);
	/* Leave nothing of this tool for the next one. */
	tcflush(bench.slave, TCIOFLUSH);
	bench.in_len = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static bool have_mbimcli(const char *test)
{
	static int found = -1;

	if (found < 0)
		found = system("command -v mbimcli >/dev/null 2>&1") == 0;
	if (!found)
		printf("# SKIP %s: mbimcli is not installed\n", test);
	return found;
}

/* The tool succeeds and prints @text. */
static void says(const char *line, const char *text)
{
	int status = mbimcli(line);

	if (!CHECK_EQ(status, 0) || !CHECK(strstr(bench.output, text)))
		printf("# mbimcli %s: expected \"%s\", got:\n%s\n", line, text,
		       bench.output);
}

/* The tool fails with status @text of the modem. */
static void refused(const char *line, const char *text)
{
	int status = mbimcli(line);

	if (!CHECK_EQ(status, 1) || !CHECK(strstr(bench.output, text)))
		printf("# mbimcli %s: expected \"%s\", got:\n%s\n", line, text,
		       bench.output);
}

#define BENCH_TEST(name)						\
static void bench_##name(void);						\
TEST(name)								\
{									\
	if (!have_mbimcli(#name))					\
		return;							\
	REQUIRE(bench_open());						\
	bench_##name();							\
	bench_close();							\
}									\
static void bench_##name(void)

BENCH_TEST(device_and_sim_are_described)
{
	says("--noop", "");
	says("--query-device-caps", "Device ID: '004999010640000'");
	says("--query-device-caps", "Max sessions: '8'");
	says("--query-device-caps", "Data class: 'lte'");
	says("--query-device-caps", "Device type: 'embedded'");
	says("--query-device-caps", "Hardware info: 'XMM7560");
	says("--query-subscriber-ready-status", "Ready state: 'initialized'");
	says("--query-subscriber-ready-status",
	     "Subscriber ID: '001010123456789'");
	says("--query-subscriber-ready-status",
	     "SIM ICCID: '8900101012345678904'");
	says("--query-subscriber-ready-status", "(1) '+99912345678'");
	says("--query-device-services", "Service: 'basic-connect'");
	says("--query-device-services", "emergency-mode (22)");
	says("--query-emergency-mode", "off");
	says("--query-packet-statistics", "Octets (in): '0'");
}

BENCH_TEST(network_is_described)
{
	says("--query-home-provider", "Provider ID: '00101'");
	says("--query-home-provider", "Provider name: 'IOSM Test Net'");
	says("--query-visible-providers", "State: 'home, visible, registered'");
	says("--query-preferred-providers", "No preferred providers");
	says("--query-registration-state", "Register state: 'home'");
	says("--register-automatic", "Register mode: 'automatic'");
	says("--query-signal-state", "RSSI [0-31,99]: '24'");
	says("--query-packet-service-state", "service state: 'attached'");
	says("--detach-packet-service", "Successfully detached");
	says("--query-packet-service-state", "service state: 'detached'");
	says("--attach-packet-service", "Successfully attached");
	says("--query-packet-service-state", "Uplink speed: '75000000 bps'");
	says("--set-signal-state=signal-strength-interval=30,rssi-threshold=5,"
	     "error-rate-threshold=1", "Signal strength interval: '30'");
}

BENCH_TEST(radio_switch_works)
{
	says("--query-radio-state", "Software radio state: 'on'");
	says("--set-radio-state=off", "Software radio state: 'off'");
	says("--query-registration-state", "Register state: 'deregistered'");
	says("--query-packet-service-state", "service state: 'detached'");
	refused("--attach-packet-service", "RadioPowerOff");
	refused("--register-automatic", "RadioPowerOff");
	refused("--connect=session-id=0,access-string=internet",
		"RadioPowerOff");
	says("--set-radio-state=on", "Software radio state: 'on'");
	says("--register-automatic", "Register state: 'home'");
	says("--connect=session-id=0,access-string=internet",
	     "Successfully connected");
}

BENCH_TEST(pin_is_asked_counted_and_unblocked)
{
	says("--query-pin-list", "Mode: 'disabled'");
	refused("--enter-pin=1234", "PinDisabled");
	refused("--enable-pin=4321", "Failure");
	says("--query-pin-state", "PIN state: 'unlocked'");
	says("--query-pin-state", "Remaining attempts: '2'");
	says("--enable-pin=1234", "PIN operation successful");
	says("--query-pin-list", "Mode: 'enabled'");
	says("--query-pin-state", "PIN state: 'unlocked'");

	/* The modem restarts. */
	bench.fn->ops->closed(bench.fn);
	bench.fn->ops->reset(bench.fn);
	bench.fn->ops->opened(bench.fn);
	says("--query-pin-state", "PIN state: 'locked'");
	says("--query-pin-state", "Remaining attempts: '3'");
	says("--query-subscriber-ready-status", "Ready state: 'device-locked'");
	refused("--register-automatic", "PinRequired");
	refused("--enter-pin=9999", "Failure");
	says("--query-pin-state", "Remaining attempts: '2'");
	says("--enter-pin=1234", "PIN operation successful");
	says("--query-pin-state", "PIN state: 'unlocked'");
	says("--change-pin=1234,56789", "PIN operation successful");
	refused("--enter-pin=1234", "Failure");
	refused("--enter-pin=1234", "Failure");
	refused("--enter-pin=1234", "Failure");
	says("--query-pin-state", "PIN type: 'puk1'");
	says("--query-pin-state", "Remaining attempts: '10'");
	refused("--enter-pin=56789", "Failure");
	refused("--enter-puk=11111111,2468", "Failure");
	says("--query-pin-state", "Remaining attempts: '9'");
	says("--enter-puk=12345678,2468", "PIN operation successful");
	says("--query-pin-state", "PIN state: 'unlocked'");
	says("--disable-pin=2468", "PIN operation successful");
	says("--query-pin-list", "Mode: 'disabled'");
}

BENCH_TEST(sessions_connect_and_disconnect)
{
	says("--connect=session-id=0,access-string=internet,ip-type=ipv4v6 "
	     "--no-close", "Successfully connected");
	says("--connect=session-id=7,access-string=internet,ip-type=ipv4 "
	     "--no-open=20 --no-close", "IP [0]: '10.64.7.2/24'");
	says("--connect=session-id=3,access-string=ims,ip-type=ipv6,"
	     "auth=chap,username=u,password=p --no-open=30 --no-close",
	     "IP [0]: 'fd64:3::2/64'");
	says("--query-connection-state=0 --no-open=40 --no-close",
	     "Activation state: 'activated'");
	says("--query-connection-state=0 --no-open=44 --no-close",
	     "IP type: 'ipv4v6'");
	says("--query-connection-state=1 --no-open=45 --no-close",
	     "Activation state: 'deactivated'");
	says("--query-ip-configuration=0 --no-open=50 --no-close",
	     "Gateway: '10.64.0.1'");
	says("--query-ip-configuration=0 --no-open=52 --no-close",
	     "DNS [0]: 'fd64::1'");
	says("--query-ip-configuration=7 --no-open=54 --no-close",
	     "IPv6 configuration available: 'none'");
	says("--query-ip-configuration=3 --no-open=56 --no-close",
	     "IPv4 configuration available: 'none'");
	refused("--query-ip-configuration=1 --no-open=58 --no-close",
		"ContextNotActivated");
	refused("--connect=session-id=0,access-string=other --no-open=60 "
		"--no-close", "MaxActivatedContexts");
	says("--connect=session-id=0,access-string=internet,ip-type=ipv4v6 "
	     "--no-open=62 --no-close", "Successfully connected");
	refused("--connect=session-id=8,access-string=internet --no-open=70 "
		"--no-close", "InvalidParameters");
	says("--disconnect=7 --no-open=80 --no-close",
	     "Successfully disconnected");
	refused("--disconnect=7 --no-open=90 --no-close",
		"ContextNotActivated");
	says("--detach-packet-service --no-open=100 --no-close",
	     "Successfully detached");
	says("--query-connection-state=3 --no-open=110 --no-close",
	     "Activation state: 'deactivated'");
	refused("--connect=session-id=0,access-string=internet --no-open=120 "
		"--no-close", "PacketServiceDetached");
	/* The same transaction ids again. */
	says("--attach-packet-service --no-open=100 --no-close",
	     "Successfully attached");
	says("--connect=session-id=0,access-string=internet --no-open=120",
	     "Successfully connected");
	/* The last tool closed: its contexts are gone. */
	says("--query-connection-state=0", "Activation state: 'deactivated'");
	refused("--no-open=130 --query-radio-state", "NotOpened");
}

BENCH_TEST(contexts_are_stored)
{
	says("--query-provisioned-contexts", "Access string: 'internet'");
	says("--set-provisioned-contexts=context-id=5,context-type=ims,"
	     "access-string=voice,auth=pap,username=me,password=secret,"
	     "provider-id=00101", "");
	says("--query-provisioned-contexts", "Provisioned contexts (2)");
	says("--query-provisioned-contexts", "Access string: 'voice'");
	says("--query-provisioned-contexts", "Username: 'me'");
}

BENCH_TEST(other_services_are_refused)
{
	refused("--ms-query-firmware-id", "NoDeviceSupport");
	refused("--phonebook-query-configuration", "NoDeviceSupport");
	refused("--ms-query-device-caps", "NoDeviceSupport");
	refused("--ms-query-slot-info-status=0", "NoDeviceSupport");
	refused("--ms-query-version=1.0,1.0", "NoDeviceSupport");
	refused("--query-ip-packet-filters", "NoDeviceSupport");
	refused("--set-service-activation=abcd", "NoDeviceSupport");
	refused("--atds-query-signal", "NoDeviceSupport");
	refused("--intel-query-rfim", "NoDeviceSupport");
	says("--device-open-ms-mbimex-v3 --query-radio-state",
	     "Software radio state: 'on'");
}

BENCH_TEST(tool_may_vanish_in_the_middle)
{
	uint8_t open_msg[16] = { 1, 0, 0, 0, 16, 0, 0, 0, 9, 0, 0, 0, 64 };

	/* Half a message stays behind; the next tool starts clean. */
	bench.fn->ops->receive(bench.fn, open_msg, 16);
	bench.fn->ops->receive(bench.fn, open_msg, 7);
	bench.fn->ops->closed(bench.fn);
	bench.fn->ops->opened(bench.fn);
	tcflush(bench.slave, TCIOFLUSH);
	says("--query-device-caps", "Device ID");
}
