// SPDX-License-Identifier: GPL-2.0-only
/*
 * The modem: registers, doorbells, stages, IPC state.
 *
 * A register write only takes note of a doorbell. The work is done later in
 * the same turn of the event loop, when all accesses that the guest had posted
 * were seen: so the modem behaves like one that runs beside the host, and one
 * look at the rings serves many doorbells.
 *
 *	register write --> doorbell queue --> modem_work():
 *		doorbells in order, look at the rings, send, interrupt once
 */
#include <string.h>

#include "critic.h"
#include "function.h"
#include "fwlog.h"
#include "log.h"
#include "modem.h"
#include "modem_parts.h"
#include "pcidev.h"
#include "world.h"

#define FW_VERSION	0x0100
#define POLL_US		1000
/* A doorbell that did not come for so many looks will never come. */
#define WATCH_US	1000000
#define WATCH_LOOKS	5
/* Doorbells on their way from as many contexts of the host. */
#define BELLS_IN_FLIGHT	3
#define TRAFFIC_US	1000000
/* A host that has no answer for so long may ring again; it waits for 500 ms. */
#define REPEAT_US	400000

const char *modem_stage_name(uint32_t stage)
{
	switch (stage) {
	case STAGE_BOOT:
		return "BOOT";
	case STAGE_PSI:
		return "PSI";
	case STAGE_EBL:
		return "EBL";
	case STAGE_RUN:
		return "RUN";
	case STAGE_CRASH:
		return "CRASH";
	case STAGE_CD_READY:
		return "CD_READY";
	default:
		return "?";
	}
}

void modem_set_stage(struct modem *modem, uint32_t stage)
{
	if (modem->stage != stage) {
		trace("stage %s", modem_stage_name(stage));
		log_info("stage %s", modem_stage_name(stage));
	}
	modem->stage = stage;
	wire_put32(modem->reg + REG_STAGE, stage);
}

void modem_set_ipc(struct modem *modem, uint32_t state)
{
	if (modem->ipc != state) {
		trace("ipc state %u", state);
		log_info("IPC state %u", state);
	}
	modem->ipc = state;
	wire_put32(modem->reg + REG_IPC_STATE, state);
}

uint32_t modem_notification(const struct modem *modem)
{
	return modem->power.state == POWER_ASKED ||
	       modem->power.state == POWER_ASLEEP ? NOTIFY_SLEEP : NOTIFY_ACTIVE;
}

/* May the modem touch guest memory and raise interrupts? */
static bool modem_may_send(void *ctx)
{
	struct modem *modem = ctx;

	if (modem->life != MODEM_ALIVE)
		return false;
	if (!modem->rings.live || !pcidev_may_dma(modem->pci)) {
		power_wake(&modem->power);
		return false;
	}
	if (power_up(&modem->power))
		return true;
	if (!modem->rings.live)
		return false;
	power_wake(&modem->power);
	return power_up(&modem->power);
}

void modem_schedule(void *ctx)
{
	struct modem *modem = ctx;

	if (!modem->work.armed)
		loop_timer_arm(&modem->work, 0);
}

void modem_look(struct modem *modem)
{
	modem->scan = true;
	modem_schedule(modem);
}

/*
 * Interrupts.
 */

void modem_interrupt(struct modem *modem)
{
	modem->interrupt = false;
	modem->unsignalled = 0;
	modem->dl_unsignalled = 0;
	modem->signalled_us = loop_now_us(modem->loop);
	loop_timer_cancel(&modem->moderation);
	/* The first one waits until the host is ready for it. */
	if (modem->running.armed)
		return;
	modem_msi(modem);
}

static void modem_moderated(void *ctx)
{
	struct modem *modem = ctx;

	if (modem->rings.live && power_up(&modem->power))
		modem_interrupt(modem);
}

/*
 * TDs were completed. The host need not know at once, unless it may wait for them:
 * when nothing was told for a while, or much of the ring is done.
 */
static void modem_moderate(struct modem *modem, const struct ring_pipe *pipe,
			   unsigned int unsignalled)
{
	uint64_t since = loop_now_us(modem->loop) - modem->signalled_us;
	uint32_t wait = pipe->backoff_us;

	if (wait > modem->config.coalesce_us)
		wait = modem->config.coalesce_us;
	if (since >= wait || unsignalled >= (pipe->entries + 3u) / 4)
		modem->interrupt = true;
	else if (!modem->moderation.armed)
		loop_timer_arm(&modem->moderation, wait - since);
}

/* So much of a ring does not wait for the end of the turn. */
static void modem_completed(void *ctx)
{
	struct modem *modem = ctx;
	const struct ring_pipe *pipe = &modem->rings.pipe[MUX_DL_PIPE];

	modem->dl_unsignalled++;
	if (modem->dl_unsignalled >= (pipe->entries + 3u) / 4)
		modem_interrupt(modem);
	else
		modem_schedule(modem);
}

static void modem_running(void *ctx)
{
	struct modem *modem = ctx;

	modem_interrupt(modem);
	modem_look(modem);
}

/*
 * The power handshake asks for these.
 */

static void modem_notify(void *ctx, uint32_t word, bool interrupt)
{
	struct modem *modem = ctx;

	if (!modem->rings.live)
		return;
	rings_write_status(&modem->rings, modem->stage, modem->ipc, word);
	if (interrupt)
		modem_interrupt(modem);
}

static void modem_awake(void *ctx)
{
	modem_look(ctx);
}

/* Does anything wait to be sent to the host? */
static bool modem_waits(const struct modem *modem)
{
	if (mux_busy(&modem->mux))
		return true;
	for (unsigned int i = 0; i < MODEM_CHANNELS; i++) {
		if (modem->channel[i].first)
			return true;
	}
	return false;
}

static bool modem_quiet(void *ctx)
{
	struct modem *modem = ctx;

	return modem->life == MODEM_ALIVE && modem->rings.live &&
	       pcidev_may_dma(modem->pci) && !modem->rings.waiting &&
	       !modem->doorbells && !modem->running.armed &&
	       !modem_waits(modem) && !rings_unannounced(&modem->rings);
}

static void modem_pme(void *ctx)
{
	struct modem *modem = ctx;

	if (modem->pci->pme_sent == modem->pmes_before)
		pcidev_pme(modem->pci);
}

static const struct power_ops modem_power_ops = {
	.notify = modem_notify,
	.awake = modem_awake,
	.quiet = modem_quiet,
	.pme = modem_pme,
};

static const struct mux_ops modem_mux_ops = {
	.may_send = modem_may_send,
	.work = modem_schedule,
	.completed = modem_completed,
};

/*
 * The rings report these.
 */

static struct channel *find_channel(struct modem *modem, unsigned int pipe)
{
	for (unsigned int i = 0; i < MODEM_CHANNELS; i++) {
		if (modem->channel[i].ul_pipe == (pipe & ~1u))
			return &modem->channel[i];
	}
	return NULL;
}

/* Pipes 0 and 1 carry packets, or what is said to a loader. */
static bool is_mux(const struct modem *modem, unsigned int pipe)
{
	return pipe <= MUX_DL_PIPE && !modem->loader;
}

/* The first two messages of an IPC session are given [3.4.4, 10.4]. */
static void check_order(struct modem *modem, const char *what, bool sleep,
			bool features)
{
	unsigned int number = modem->messages++;

	if (modem->loader)
		return;
	if ((number == 0 && !sleep) || (number == 1 && !features))
		violation("10.4", "message %u of the session is %s", number,
			  what);
	if (number > 1 && features)
		violation("10.4", "FEATURES again");
}

/* A host that said that it sleeps has nothing to say but that it is awake. */
static void check_awake(struct modem *modem, const char *what)
{
	if (modem->power.host_sleeps)
		violation("6.5", "%s while the host sleeps", what);
}

static bool modem_pipe_opened(void *ctx, unsigned int pipe)
{
	struct modem *modem = ctx;
	struct channel *channel = find_channel(modem, pipe);

	check_order(modem, "OPEN", false, false);
	check_awake(modem, "OPEN");
	if (modem->loader && pipe > MUX_DL_PIPE)
		violation("4.4", "OPEN of pipe %u in stage %s", pipe,
			  modem_stage_name(modem->stage));
	if (is_mux(modem, pipe))
		mux_pipe_opened(&modem->mux, pipe);
	else if (channel)
		channel_pipe_opened(channel, pipe);
	return true;
}

static void modem_pipe_closed(void *ctx, unsigned int pipe)
{
	struct modem *modem = ctx;
	struct channel *channel = find_channel(modem, pipe);

	modem->messages++;
	if (modem->rings.live)
		check_awake(modem, "CLOSE");
	if (is_mux(modem, pipe))
		mux_pipe_closed(&modem->mux, pipe);
	else if (channel)
		channel_pipe_closed(channel, pipe);
}

static void modem_send(struct modem *modem);

/* What waits for a host that goes to sleep is sent before it is told so. */
static bool modem_sleep_message(void *ctx, unsigned int target,
				unsigned int state)
{
	struct modem *modem = ctx;
	bool allow = target == SLEEP_OF_DEVICE && !state;

	check_order(modem, "SLEEP", allow, false);
	if (modem->loader)
		violation("7.3", "SLEEP for a loader");
	if (allow && modem->power.allowed)
		violation("10.4", "device sleep allowed again");
	if (target == SLEEP_OF_DEVICE)
		check_awake(modem, "SLEEP of the device");
	else if (!state)
		modem_send(modem);
	if (target == SLEEP_OF_HOST && !state)
		modem->pmes_before = modem->pci->pme_sent;
	return power_message(&modem->power, target, state);
}

static void modem_features(void *ctx, unsigned int flags)
{
	struct modem *modem = ctx;

	check_order(modem, "FEATURES", false, true);
	if (modem->loader)
		quirk("7.3", 0, "FEATURES for a loader");
	check_awake(modem, "FEATURES");
	if (flags != FEATURE_INBAND_CRASH)
		violation("10.4", "FEATURES with flags 0x%02x", flags);
}

static void modem_uplink(void *ctx, unsigned int pipe, const uint8_t *data,
			 size_t len)
{
	struct modem *modem = ctx;
	struct channel *channel = find_channel(modem, pipe);

	if (is_mux(modem, pipe))
		mux_uplink(&modem->mux, data, len);
	else if (channel)
		channel_uplink(channel, data, len);
}

static void modem_uplink_done(void *ctx)
{
	struct modem *modem = ctx;

	mux_uplink_done(&modem->mux);
}

static const struct ring_ops modem_ring_ops = {
	.message = modem_judge_message,
	.unit = modem_judge_unit,
	.opened = modem_pipe_opened,
	.closed = modem_pipe_closed,
	.sleep = modem_sleep_message,
	.features = modem_features,
	.uplink = modem_uplink,
	.flush = modem_uplink_done,
};

static uint64_t *request_time(struct modem_news *news, uint64_t number)
{
	return &news->request_us[number % MODEM_NEWS_REQUESTS];
}

static void note_requests(struct modem_news *news, uint64_t requests,
			  uint64_t now)
{
	while (news->requests != requests)
		*request_time(news, news->requests++) = now;
}

/* Is one of the last requests old enough, and not yet rung for once more? */
static bool take_repeat(struct modem_news *news, uint64_t waiting, uint64_t now)
{
	for (uint64_t i = waiting; i; i--) {
		uint64_t *time = request_time(news, news->requests - i);

		if (*time == UINT64_MAX || now - *time < REPEAT_US)
			continue;
		*time = UINT64_MAX;
		return true;
	}
	return false;
}

static void start_news(struct modem_news *news, uint64_t seen,
		       uint64_t requests)
{
	*news = (struct modem_news) { .seen = seen, .requests = requests };
	memset(news->request_us, 0xff, sizeof(news->request_us));
}

/*
 * Does a doorbell announce anything?
 *
 * The heads are read when a doorbell is handled, later than it was rung, so a
 * look may find more than what was announced so far, and the doorbell for the
 * rest arrives when nothing is new any more. Each step of a head is therefore a
 * token that pays for one doorbell. When a doorbell was handled, all others for
 * steps seen at the look before it had been on the bus already, except for the
 * last one of each context of the host: only so many old tokens stay valid.
 *
 * One more doorbell is good for each request that has had no answer for a
 * while: the host cannot know whether its first one was lost [6.4]. @waiting
 * requests have none, but the answer to the last one may just be on its way.
 */
static void count_news(struct modem *modem, struct modem_news *news,
		       uint64_t moved, uint64_t requests, uint64_t waiting,
		       const char *section, const char *what)
{
	uint64_t fresh = moved - news->seen, old = news->tokens;

	/* A fault in the middle of a look, or right after it, ends the look early. */
	if (modem->excused || modem->strikes) {
		news->bells = 0;
		return;
	}
	news->seen = moved;
	note_requests(news, requests, loop_now_us(modem->loop));
	while (news->bells > old + fresh &&
	       take_repeat(news, waiting ? waiting : 1,
			   loop_now_us(modem->loop))) {
		news->bells--;
		modem->counters.repeats++;
	}
	if (!news->bells) {
		news->tokens += fresh;
		return;
	}
	if (news->bells > old + fresh)
		quirk(section, 27, "%llu doorbell(s) without news of %s",
		      (unsigned long long)(news->bells - old - fresh), what);
	if (news->bells >= old) {
		fresh = news->bells > old + fresh ? 0 :
			fresh - (news->bells - old);
		old = 0;
	} else {
		old -= news->bells;
		if (old > BELLS_IN_FLIGHT)
			old = BELLS_IN_FLIGHT;
	}
	news->tokens = old + fresh;
	news->bells = 0;
}

static void forget_bells(struct modem *modem)
{
	modem->control_news.bells = 0;
	modem->pipe_news.bells = 0;
	modem->opened_bell = false;
}

/* A channel that was opened gets all its buffers at once [3.5.2, 10.4]. */
static void check_fill(struct modem *modem)
{
	for (unsigned int n = 1; n < WIRE_PIPES; n += 2) {
		struct ring_pipe *pipe = &modem->rings.pipe[n];

		if (!pipe->open || pipe->filled)
			continue;
		rings_posted(&modem->rings, n);
		if (!pipe->head)
			continue;
		pipe->filled = true;
		if (modem->opened_bell && pipe->head != pipe->entries - 1)
			violation("10.4", "pipe %u opened with %u buffers of %u",
				  n, pipe->head, pipe->entries - 1);
	}
}

/* Look at all rings. */
static void modem_scan(struct modem *modem)
{
	struct rings *rings = &modem->rings;

	modem->scan = false;
	modem->unannounced = 0;
	if (!rings->live || !pcidev_may_dma(modem->pci) ||
	    (!power_up(&modem->power) && !modem->power.host_sleeps)) {
		forget_bells(modem);
		return;
	}

	if (rings_control(rings))
		modem->interrupt = true;
	count_news(modem, &modem->control_news, rings->control_moved,
		   rings->control_moved, rings_waiting(rings), "3.4.1",
		   "the control ring");
	/* Only SLEEP(0, 1) can come from a host that sleeps. */
	if (!power_up(&modem->power)) {
		forget_bells(modem);
		return;
	}

	for (unsigned int n = 0; n < WIRE_PIPES; n += 2) {
		struct ring_pipe *pipe = &rings->pipe[n];
		unsigned int count = rings_uplink(rings, n);

		if (!count)
			continue;
		power_activity(&modem->power);
		if (n == MUX_UL_PIPE)
			modem->last_traffic_us = loop_now_us(modem->loop);
		modem->unsignalled += count;
		modem_moderate(modem, pipe, modem->unsignalled);
	}
	check_fill(modem);
	for (unsigned int n = 1; n < WIRE_PIPES; n += 2)
		rings_posted(rings, n);
	count_news(modem, &modem->pipe_news, rings->pipes_moved,
		   modem->mux.counters.opens + modem->mux.counters.closes, 1,
		   "3.5.4", "any pipe");
	modem->opened_bell = false;
}

/* Send what waits. */
static void modem_send(struct modem *modem)
{
	unsigned int count;

	if (!modem->rings.live || !pcidev_may_dma(modem->pci) ||
	    !power_up(&modem->power)) {
		/* Something for the host wakes it up. */
		if (modem_waits(modem))
			power_wake(&modem->power);
		return;
	}

	mux_resume(&modem->mux);
	if (mux_flush(&modem->mux)) {
		power_activity(&modem->power);
		modem->last_traffic_us = loop_now_us(modem->loop);
	}
	count = 0;
	for (unsigned int i = 0; i < MODEM_CHANNELS; i++)
		count += channel_flush(&modem->channel[i]);
	if (count) {
		power_activity(&modem->power);
		modem->interrupt = true;
	}
}

/*
 * A head that moved must be announced. A strict modem does not look by itself,
 * so that it can tell when a doorbell is lost: heads that nobody announced at
 * several looks, with no doorbell in between. (A guest may be stopped between
 * the two for as long as its own machine is busy.)
 */
static void modem_watch(void *ctx)
{
	struct modem *modem = ctx;
	bool usable = critic_is_strict() && pcidev_may_dma(modem->pci) &&
		      !modem->power.host_sleeps &&
		      modem->power.state != POWER_FORCED;

	if (!usable || !rings_unannounced(&modem->rings)) {
		modem->unannounced = 0;
	} else if (++modem->unannounced == WATCH_LOOKS) {
		modem->unannounced = 0;
		violation("3.5.4", "a head moved, and no doorbell came");
		modem->scan = true;
		modem_schedule(modem);
	}
	loop_timer_arm(&modem->watch, WATCH_US);
}

static bool modem_wants_poll(struct modem *modem)
{
	if (!modem->rings.live || !power_up(&modem->power))
		return false;
	if (modem->mux.starving && mux_busy(&modem->mux))
		return true;
	for (unsigned int i = 0; i < MODEM_CHANNELS; i++) {
		if (modem->channel[i].starving)
			return true;
	}
	/* The kernel's driver posts TDs without a doorbell (Q28, Q47). */
	return !critic_is_strict() && modem->mux.ul_open &&
	       loop_now_us(modem->loop) - modem->last_traffic_us < TRAFFIC_US;
}

static void modem_poll(void *ctx)
{
	struct modem *modem = ctx;

	if (!critic_is_strict())
		modem->scan = true;
	modem_schedule(modem);
}

/*
 * Doorbells.
 */

void modem_stop(struct modem *modem)
{
	loop_timer_cancel(&modem->running);
	loop_timer_cancel(&modem->moderation);
	loop_timer_cancel(&modem->poll);
	loop_timer_cancel(&modem->watch);
	modem_fault_stop(modem);
	rings_stop(&modem->rings);
	mux_reset(&modem->mux);
	power_reset(&modem->power);
	modem->scan = false;
	modem->interrupt = false;
	modem->unsignalled = 0;
	modem->dl_unsignalled = 0;
	modem->messages = 0;
	modem->loader = false;
	forget_bells(modem);
}

static void modem_start(struct modem *modem)
{
	modem->rings.window_low = wire_get64(modem->reg + REG_WINDOW_LOW);
	modem->rings.window_high = wire_get64(modem->reg + REG_WINDOW_HIGH);
	if (!pcidev_may_dma(modem->pci)) {
		violation("1.5", "DB1=2 without bus mastering");
		return;
	}
	if (!rings_start(&modem->rings, wire_get64(modem->reg + REG_CONTEXT)))
		return;

	modem->loader = modem->stage == STAGE_PSI || modem->stage == STAGE_EBL;
	modem->counters.sessions++;
	start_news(&modem->control_news, modem->rings.control_moved,
		   modem->rings.control_moved);
	start_news(&modem->pipe_news, modem->rings.pipes_moved,
		   modem->mux.counters.opens + modem->mux.counters.closes);
	rings_write_status(&modem->rings, modem->stage, IPC_RUNNING,
			   NOTIFY_ACTIVE);
	modem_set_ipc(modem, IPC_RUNNING);
	loop_timer_arm(&modem->running, modem->config.running_us);
	loop_timer_arm(&modem->watch, WATCH_US);
	modem->unannounced = 0;
	modem->scan = true;
}

void modem_change_state(struct modem *modem, uint32_t value)
{
	bool excused = modem->excused;

	if (value < IPC_RUNNING)
		modem->excused = false;
	if (value && modem->stage == STAGE_BOOT) {
		if (!excused)
			violation("2.5", "DB1=%u in stage BOOT", value);
		return;
	}
	switch (value) {
	case IPC_UNINIT:
		modem_stop(modem);
		modem_set_ipc(modem, IPC_UNINIT);
		break;
	case IPC_INIT:
		if (modem->ipc != IPC_UNINIT && !excused)
			violation("2.5", "DB1=1 in IPC state %u", modem->ipc);
		modem_stop(modem);
		modem_set_ipc(modem, IPC_INIT);
		break;
	case IPC_RUNNING:
		if (modem->ipc == IPC_INIT)
			modem_start(modem);
		else if (!excused)
			violation("2.5", "DB1=2 in IPC state %u", modem->ipc);
		break;
	default:
		violation("1.3.2", "DB1=%u", value);
		break;
	}
}

/* A look may find the message before the doorbell for it has arrived. */
static bool sleep_announced(const struct modem *modem)
{
	return modem->control_news.tokens <= modem->control_news.bells;
}

static void head_doorbell(struct modem *modem, uint32_t reason)
{
	if (reason == HEAD_BOOT) {
		modem_boot_doorbell(modem);
		return;
	}
	if (reason >= HEAD_REASONS || reason == HEAD_RESERVED)
		violation("1.3.1", "DB0=0x%08x", reason);
	if (modem->ipc != IPC_RUNNING) {
		if (!modem->excused)
			quirk("10.3.2", 0, "DB0=%u in IPC state %u", reason,
			      modem->ipc);
		return;
	}
	if (!pcidev_may_dma(modem->pci) && !modem->excused)
		violation("1.5", "DB0=%u without bus mastering", reason);
	if (modem->power.host_sleeps && reason != HEAD_CONTROL &&
	    sleep_announced(modem))
		violation("6.4", "DB0=%u while the host sleeps", reason);

	power_activity(&modem->power);
	if (!modem->excused)
		power_head_doorbell(&modem->power, reason);
	modem->scan = true;
	if (reason == HEAD_CONTROL)
		modem->control_news.bells++;
	else if (reason != HEAD_POSTPONED)
		modem->pipe_news.bells++;
	if (reason == HEAD_MUX_OPENED || reason == HEAD_PORT_OPENED)
		modem->opened_bell = true;
}

static void power_doorbell_rang(struct modem *modem, uint32_t value)
{
	if (modem->ipc != IPC_RUNNING) {
		if (!modem->excused)
			violation("6.2", "DB2=%u in IPC state %u", value,
				  modem->ipc);
		return;
	}
	/* It may end a sleep that never began. */
	if (modem->excused && value == POWER_FORCE_ACTIVE &&
	    modem->power.state != POWER_FORCED)
		return;
	if (value == POWER_FORCE_SLEEP)
		modem->pmes_before = modem->pci->pme_sent;
	modem_power_doorbell(modem, value);
}

static void count_doorbell(struct modem *modem,
			   const struct modem_doorbell *bell)
{
	struct modem_counters *c = &modem->counters;
	uint32_t value = bell->value;

	if (bell->offset == DOORBELL_HEAD)
		c->head[value < HEAD_REASONS ? value : HEAD_REASONS]++;
	else if (bell->offset == DOORBELL_STATE)
		c->state[value < 3 ? value : 3]++;
	else
		c->power[value < 9 ? value : 9]++;
}

static void modem_doorbells(struct modem *modem)
{
	for (unsigned int i = 0; i < modem->doorbells; i++) {
		const struct modem_doorbell *bell = &modem->doorbell[i];

		count_doorbell(modem, bell);
		if (modem->life != MODEM_ALIVE) {
			modem_dead_doorbell(modem, bell);
			continue;
		}
		switch (bell->offset) {
		case DOORBELL_HEAD:
			head_doorbell(modem, bell->value);
			break;
		case DOORBELL_STATE:
			if (modem->scan)
				modem_scan(modem);
			modem_state_doorbell(modem, bell->value);
			break;
		default:
			if (modem->scan)
				modem_scan(modem);
			power_doorbell_rang(modem, bell->value);
			break;
		}
	}
	modem->doorbells = 0;
}

static void modem_work(void *ctx)
{
	struct modem *modem = ctx;

	modem_doorbells(modem);
	if (modem->life != MODEM_ALIVE)
		return;
	if (modem->scan)
		modem_scan(modem);
	modem_send(modem);
	if (modem->dl_unsignalled && !modem->interrupt)
		modem_moderate(modem, &modem->rings.pipe[MUX_DL_PIPE],
			       modem->dl_unsignalled);
	if (modem->interrupt)
		modem_interrupt(modem);
	if (modem_wants_poll(modem) && !modem->poll.armed)
		loop_timer_arm(&modem->poll, POLL_US);
}

/*
 * Registers.
 */

enum access { RESERVED, READ, BYTES, WRITE };

static const struct {
	uint16_t from, to;
	enum access access;
} registers[] = {
	{ REG_STAGE, 0x04, READ },
	{ REG_CHIP_VERSION, REG_CHIP_END, BYTES },
	{ REG_ROM_RESULT, 0x44, READ },
	{ REG_PSI_ADDR, REG_PSI_LEN, WRITE },
	{ REG_PSI_LEN, REG_IPC_STATE, WRITE },
	{ REG_IPC_STATE, REG_CONTEXT, READ },
	{ REG_CONTEXT, REG_WINDOW_LOW, WRITE },
	{ REG_WINDOW_LOW, REG_WINDOW_HIGH, WRITE },
	{ REG_WINDOW_HIGH, 0x7c, WRITE },
	{ REG_FW_VERSION, REG_FW_CAPS, READ },
	{ REG_FW_CAPS, REG_END, READ },
};

static int find_register(uint32_t offset)
{
	for (unsigned int i = 0; i < sizeof(registers) / sizeof(*registers);
	     i++) {
		if (offset >= registers[i].from && offset < registers[i].to)
			return (int)i;
	}
	return -1;
}

static void check_read(uint32_t offset, uint32_t size)
{
	int n = find_register(offset);

	if (n < 0 || registers[n].access == WRITE)
		violation("2.1", "read of BAR 2 + 0x%02x, which is %s", offset,
			  n < 0 ? "reserved" : "write-only");
	else if (offset + size > registers[n].to)
		violation("2.1", "read of %u bytes at BAR 2 + 0x%02x", size,
			  offset);
	else if (registers[n].access == READ && size != 4)
		violation("2.1", "read of %u bytes at BAR 2 + 0x%02x, not 4",
			  size, offset);
}

static void modem_read(void *ctx, unsigned int bar, uint32_t offset,
		       void *data, uint32_t size)
{
	struct modem *modem = ctx;
	uint8_t *bytes = data;

	if (bar == PCIDEV_DOORBELL_BAR) {
		violation("1.3", "read of BAR 0 + 0x%02x", offset);
		memset(data, 0, size);
		return;
	}
	check_read(offset, size);
	for (uint32_t i = 0; i < size; i++) {
		int n = find_register(offset + i);

		bytes[i] = n >= 0 && registers[n].access != WRITE ?
			   modem->reg[offset + i] : 0;
	}
	if (trace_on() && size == 4)
		trace("read 0x%02x = %08x", offset, wire_get32(bytes));
	else
		trace("read 0x%02x size=%u", offset, size);
}

static void check_write(const struct modem *modem, uint32_t offset,
			uint32_t size)
{
	int n = find_register(offset);

	if (n < 0 || registers[n].access != WRITE)
		violation("2.1", "write to BAR 2 + 0x%02x, which is %s",
			  offset, n < 0 ? "reserved" : "read-only");
	else if (size == 8 && offset == registers[n].from &&
		 registers[n].to - registers[n].from == 8)
		quirk("2.1.1", 13, "8-byte write to BAR 2 + 0x%02x", offset);
	else if (size != 4 || (offset - registers[n].from) % 4)
		quirk("2.1.1", 0, "write of %u bytes to BAR 2 + 0x%02x", size,
		      offset);
	else if (modem->ipc == IPC_RUNNING && offset >= REG_CONTEXT)
		violation("2.5", "write to BAR 2 + 0x%02x while RUNNING",
			  offset);
}

static void write_register(struct modem *modem, uint32_t offset,
			   const uint8_t *data, uint32_t size)
{
	check_write(modem, offset, size);
	for (uint32_t i = 0; i < size; i++) {
		int n = find_register(offset + i);

		if (n >= 0 && registers[n].access == WRITE)
			modem->reg[offset + i] = data[i];
	}
	if (trace_on() && size == 4)
		trace("write 0x%02x = %08x", offset, wire_get32(data));
	else
		trace("write 0x%02x size=%u", offset, size);
}

static void modem_write(void *ctx, unsigned int bar, uint32_t offset,
			const void *data, uint32_t size)
{
	struct modem *modem = ctx;
	struct modem_doorbell *bell;

	if (bar == PCIDEV_REGISTER_BAR) {
		write_register(modem, offset, data, size);
		return;
	}
	if (size != 4 || (offset != DOORBELL_HEAD && offset != DOORBELL_STATE &&
			  offset != DOORBELL_POWER)) {
		violation("1.3", "write of %u bytes to BAR 0 + 0x%02x", size,
			  offset);
		return;
	}

	/* A guest that never stops ringing is served on the way. */
	if (modem->doorbells == MODEM_DOORBELLS)
		modem_work(modem);
	bell = &modem->doorbell[modem->doorbells++];
	bell->offset = offset;
	bell->value = wire_get32(data);
	trace("doorbell %u = %u", (offset - DOORBELL_HEAD) / 0x20, bell->value);
	modem_schedule(modem);
}

/*
 * Life.
 */

void modem_restart(struct modem *modem, uint32_t stage, uint64_t boot_us)
{
	uint32_t caps = 0;

	modem->counters.generation++;
	loop_timer_cancel(&modem->work);
	modem->doorbells = 0;
	modem_stop(modem);
	modem_fault_restart(modem);
	for (unsigned int i = 0; i < MODEM_CHANNELS; i++) {
		struct function *fn = modem->channel[i].fn;

		if (fn && fn->ops->reset)
			fn->ops->reset(fn);
	}

	memset(modem->reg, 0, sizeof(modem->reg));
	modem->reg[REG_CHIP_VERSION] = 1;
	modem->reg[REG_CHIP_LENGTH] = CHIP_LENGTH;
	wire_put32(modem->reg + REG_FW_VERSION, FW_VERSION);
	if (modem->config.mux.aggregation)
		caps |= CAP_UL_AGGREGATION | CAP_DL_AGGREGATION;
	if (modem->config.mux.credits)
		caps |= CAP_UL_CREDITS;
	wire_put32(modem->reg + REG_FW_CAPS, caps);
	modem_set_ipc(modem, IPC_UNINIT);
	modem_boot_restart(modem, stage, boot_us);
}

static void modem_reset(void *ctx, bool flr)
{
	struct modem *modem = ctx;

	modem->counters.resets++;
	trace("reset");
	modem_power_on(modem);
	if (flr)
		fault_at(&modem->faults, FAULT_AT_FLR);
}

static void modem_d_state(void *ctx, bool d0)
{
	struct modem *modem = ctx;

	if (d0) {
		fault_at(&modem->faults, FAULT_AT_D0);
		modem_awake(modem);
		return;
	}
	/* We may not have listened: then the host gives up on the session. */
	if (modem->rings.live && modem->rings.waiting)
		modem->excused = true;
	if (modem->life == MODEM_ALIVE && !modem->excused &&
	    modem->ipc == IPC_RUNNING && modem->power.state != POWER_FORCED &&
	    !modem->power.host_sleeps)
		violation("6.5", "D3hot without a word to the modem");
	/* The host clears PME before it sleeps: say again what waits for it. */
	if (modem->life == MODEM_ALIVE && modem_waits(modem))
		power_wake(&modem->power);
	fault_at(&modem->faults, FAULT_AT_D3);
}

static const struct pcidev_device_ops modem_device_ops = {
	.read = modem_read,
	.write = modem_write,
	.reset = modem_reset,
	.power = modem_d_state,
};

bool modem_init(struct modem *modem, struct loop *loop, struct pcidev *pci,
		struct world *world, const struct modem_config *config)
{
	static const size_t max_unit[MODEM_CHANNELS] = {
		32768, 2048, 8192, 2048, 1048576, 32768, 65536,
	};
	const struct channel channels[MODEM_CHANNELS] = {
		{ .name = "rpc", .ul_pipe = 2, .fn = rpc_new(loop) },
		{ .name = "at0", .ul_pipe = 4, .fn = at_new(loop, 0),
		  .stream = true },
		{ .name = "trace", .ul_pipe = 6,
		  .fn = fwlog_new(loop, config->log_rate) },
		{ .name = "at1", .ul_pipe = 8, .fn = at_new(loop, 1),
		  .stream = true },
		{ .name = "loopback", .ul_pipe = 10, .loopback = true },
		{ .name = "mbim", .ul_pipe = 12, .fn = mbim_new(loop, world) },
		{ .name = "flash", .ul_pipe = 0, .fn = &modem->flash.fn },
	};
	bool complete = channels[0].fn && channels[1].fn && channels[3].fn &&
			channels[5].fn;
	const char *why;

	memset(modem, 0, sizeof(*modem));
	modem->loop = loop;
	modem->pci = pci;
	modem->config = *config;
	loop_timer_init(&modem->work, loop, modem_work, modem);
	loop_timer_init(&modem->running, loop, modem_running, modem);
	loop_timer_init(&modem->moderation, loop, modem_moderated, modem);
	loop_timer_init(&modem->poll, loop, modem_poll, modem);
	loop_timer_init(&modem->watch, loop, modem_watch, modem);

	rings_init(&modem->rings, pci, &modem_ring_ops, modem);
	power_init(&modem->power, loop, &modem_power_ops, modem);
	modem->power.idle_us = config->idle_us;
	mux_init(&modem->mux, loop, &modem->rings, world, &modem->faults,
		 &config->mux, &modem_mux_ops, modem);
	modem_boot_init(modem);
	memcpy(modem->channel, channels, sizeof(channels));
	for (unsigned int i = 0; i < MODEM_CHANNELS; i++)
		channel_init(&modem->channel[i], &modem->rings, &modem->faults,
			     max_unit[i], modem_schedule, modem);
	why = nand_open(&modem->nand, config->flash, config->flash_size ?
			config->flash_size : NAND_SIZE);
	if (!complete || why) {
		if (!complete)
			log_error("out of memory");
		else
			log_error("flash %s: %s", config->flash, why);
		modem_exit(modem);
		return false;
	}

	pci->device = &modem_device_ops;
	pci->device_ctx = modem;
	modem_power_on(modem);
	modem_fault_init(modem);
	return true;
}

void modem_exit(struct modem *modem)
{
	modem_stop(modem);
	loop_timer_cancel(&modem->work);
	loop_timer_cancel(&modem->suffer);
	modem_boot_stop(modem);
	modem_fault_restart(modem);
	for (unsigned int i = 0; i < MODEM_CHANNELS; i++)
		channel_exit(&modem->channel[i]);
	nand_close(&modem->nand);
	rings_exit(&modem->rings);
	modem->pci->device = NULL;
}

bool modem_sleep(struct modem *modem)
{
	return power_sleep(&modem->power);
}

bool modem_wake(struct modem *modem)
{
	if (!modem->rings.live || modem->life != MODEM_ALIVE)
		return false;
	power_wake(&modem->power);
	return power_up(&modem->power);
}

void modem_hold(struct modem *modem, unsigned int pipe, bool held)
{
	trace("pipe %u is %s", pipe, held ? "held" : "released");
	modem->rings.held[pipe] = held;
	modem->scan = true;
	modem_schedule(modem);
}
