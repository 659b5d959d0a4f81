/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tests of iosm_ipc_host.c stand on: a modem in miniature with the whole core
 * on it, one client that uses one channel, as a port does, and tables of what a modem
 * may be when the host does something to it.
 */
#ifndef IOSM_HOST_FIXTURE_H
#define IOSM_HOST_FIXTURE_H

#include <kunit/test.h>
#include <linux/completion.h>

#include "iosm_kunit_bus.h"

/* protocol.rst 2.2 */
#define STAGE_BOOT	0xfeedb007
#define STAGE_PSI	0xfeedbeef
#define STAGE_RUN	0x600df00d
#define STAGE_CRASH	0x8badf00d
#define STAGE_CD_READY	0xbadc0ded
#define ALL_ONES	0xffffffff

#define D0 IOSM_HOST_SLEEP_D0
#define D3 IOSM_HOST_SLEEP_D3

#define IOSM_HOST_HANDSHAKES	2
#define IOSM_HOST_FATES		9
#define IOSM_HOST_PLACES	14

/**
 * struct iosm_host_test - what a test knows
 * @fake: the modem
 * @modem: the core
 * @starts: of the client
 * @stops: of the client; it closes @channel, as a port does
 * @channel: MBIM
 * @open: whether it is
 * @units: downlink units received
 * @taken: uplink units that came to the modem
 * @sent: uplink units taken back
 * @memory: what the modem reads and writes
 * @dma: its bus address
 * @answers: to SLEEP(0,0) and SLEEP(0,1)
 * @answer_type: of another request that gets @answer, 0 for none
 * @answer: to it
 * @asked: completed at each request
 * @failures: reported to the observer
 * @why: the last of them
 * @moves: reported to the observer
 * @observer: puts them there
 */
struct iosm_host_test {
	struct iosm_fake *fake;
	struct iosm_modem *modem;
	unsigned int starts;
	unsigned int stops;
	struct iosm_channel channel;
	bool open;
	unsigned int units;
	unsigned int taken;
	unsigned int sent;
	void *memory;
	dma_addr_t dma;
	u32 answers[2];
	u8 answer_type;
	u32 answer;
	struct completion asked;
	unsigned int failures;
	const char *why;
	unsigned int moves;
	struct iosm_observer observer;
};

/**
 * struct iosm_host_handshake - a parameter of tests that run with both handshakes
 * @desc: name of the case
 * @handshake: which
 */
struct iosm_host_handshake {
	const char *desc;
	enum iosm_host_sleep handshake;
};

/**
 * struct iosm_host_fate - what becomes of a modem while nobody looks
 * @desc: name of the case
 * @stage: of the stage register
 * @ipc_state: of the IPC state register
 * @absent: it is not there any more
 * @first: the state of the core that follows
 * @then: the one that it leads to
 * @failures: reported, if that happened while the host slept
 */
struct iosm_host_fate {
	const char *desc;
	u32 stage;
	u32 ipc_state;
	bool absent;
	enum iosm_state first;
	enum iosm_state then;
	unsigned int failures;
};

/**
 * struct iosm_host_place - a state, or a step in it
 * @desc: which
 * @reach: how to get there
 * @state: which it is
 * @asleep: and after iosm_modem_suspend()
 * @uninit: the end of a session, or of its beginning, is told then
 */
struct iosm_host_place {
	const char *desc;
	void (*reach)(struct kunit *test);
	enum iosm_state state;
	enum iosm_state asleep;
	bool uninit;
};

extern const struct iosm_host_handshake iosm_host_handshakes[IOSM_HOST_HANDSHAKES];
extern const struct iosm_host_fate iosm_host_fates[IOSM_HOST_FATES];
extern const struct iosm_host_place iosm_host_places[IOSM_HOST_PLACES];
extern const struct iosm_channel_ops iosm_host_channel_ops;

int iosm_host_open(struct iosm_host_test *t);
void iosm_host_close(struct iosm_host_test *t);
void iosm_host_post(struct iosm_host_test *t);
void iosm_host_expect_state(struct kunit *test, enum iosm_state state);
void iosm_host_start(struct kunit *test, enum iosm_host_sleep handshake);
void iosm_host_start_open(struct kunit *test, enum iosm_host_sleep handshake);
int iosm_host_suspend(struct iosm_host_test *t);
void iosm_host_resume(struct iosm_host_test *t);
void iosm_host_work(struct iosm_host_test *t);
void iosm_host_expect_sleep_bells(struct kunit *test, enum iosm_host_sleep handshake);
void iosm_host_expect_wake_bells(struct kunit *test, enum iosm_host_sleep handshake);
void iosm_host_expect_online(struct kunit *test);
void iosm_host_expect_traffic(struct kunit *test);
void iosm_host_meet(struct iosm_host_test *t, const struct iosm_host_fate *c);
void iosm_host_expect_fate(struct kunit *test, const struct iosm_host_fate *c);
void iosm_host_reach(struct kunit *test);
void iosm_host_make_well(struct iosm_host_test *t);
void iosm_host_reach_rom(struct kunit *test);
void iosm_host_reach_crashed(struct kunit *test);
void iosm_host_reach_dump_ready(struct kunit *test);
void iosm_host_reach_init(struct kunit *test);
void iosm_host_reach_running(struct kunit *test);
void iosm_host_reach_failed(struct kunit *test);
void iosm_host_reach_lost(struct kunit *test);
int iosm_host_test_init(struct kunit *test);

#endif /* IOSM_HOST_FIXTURE_H */
