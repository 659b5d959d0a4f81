// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: The link to the boot loaders
 *
 * Channel 7 carries elements, one per TD, of lengths that both sides know. What is said
 * is up to iosm_ipc_flash.c and iosm_ipc_coredump.c; here is how it goes to and fro.
 *
 * The channel is opened and closed by the state work, as that of any client. In between,
 * one conversation at a time uses it. All is done in the context of the conversation, in
 * a system call: it posts, waits, takes back and copies. The poll only wakes it. So the
 * mutex of the conversation is the one lock of both pipes, and a modem that sends without
 * being asked fills the two buffers that it has, and no more. What it sent is thrown away
 * before it is asked for anything.
 *
 * Every wait ends: with what was waited for, with the session, with a signal, or after
 * three seconds. A conversation that ends in the middle leaves buffers with the modem;
 * they belong to the channel, and come back when it is closed. And nobody knows what the
 * loader expects to be told next, so the session is spoiled: the state work ends it, and
 * whoever wants to talk to the loader again gets a new one.
 *
 * Buffers are coherent memory, because the second loader has to be one TD, however large
 * it is.
 *
 * Implements protocol.rst 7.4, and 10.6.6 F1, F20 to F22.
 */

#include <linux/dma-mapping.h>
#include <linux/jiffies.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "iosm_ipc_boot.h"
#include "iosm_ipc_clients.h"
#include "iosm_ipc_coredump.h"
#include "iosm_ipc_flash_parts.h"

static struct device *iosm_flash_dev(const struct iosm_flash *flash)
{
	return flash->modem->dev;
}

/* Failures */

static bool iosm_flash_crashed(struct iosm_flash *flash)
{
	u32 stage = iosm_modem_stage(flash->modem);

	return stage == IOSM_STAGE_CRASH || stage == IOSM_STAGE_CD_READY;
}

static void iosm_flash_explain(struct iosm_flash *flash, int err)
{
	switch (err) {
	case -EINTR:
		NL_SET_ERR_MSG_MOD(flash->extack, "interrupted");
		break;
	case -ETIMEDOUT:
		NL_SET_ERR_MSG_MOD(flash->extack, "the loader does not answer");
		break;
	case -EPROTO:
		NL_SET_ERR_MSG_MOD(flash->extack, "the loader gave an answer of a wrong size");
		break;
	case -EBADE:
		NL_SET_ERR_MSG_MOD(flash->extack, "the loader answered something else");
		break;
	case -EIO:
		NL_SET_ERR_MSG_MOD(flash->extack, "the loader crashed");
		break;
	case -ENODEV:
		NL_SET_ERR_MSG_MOD(flash->extack, "the modem left its loader");
		break;
	case -ENOMEM:
		NL_SET_ERR_MSG_MOD(flash->extack, "not enough memory that the modem can access");
		break;
	}
}

/**
 * iosm_flash_tear() - the conversation ends in the middle
 * @flash: in a conversation
 * @err: -EINTR, -ETIMEDOUT, -EPROTO (the length of an answer), -EBADE (an answer to
 *	something else), -ENODEV or -ENOMEM
 *
 * The session will be spoiled when the conversation ends. The user is told why.
 *
 * Context: process, may sleep.
 * Return: @err; -EIO instead if it is because the loader crashed.
 */
int iosm_flash_tear(struct iosm_flash *flash, int err)
{
	if ((err == -ENODEV || err == -ETIMEDOUT) && iosm_flash_crashed(flash))
		err = -EIO;
	iosm_flash_explain(flash, err);
	dev_warn(iosm_flash_dev(flash), "flash: %s: %pe\n", flash->doing, ERR_PTR(err));
	if (err == -ETIMEDOUT)
		iosm_modem_failure(flash->modem, "boot loader does not answer");
	else if (err == -EPROTO || err == -EBADE)
		iosm_modem_failure(flash->modem, "boot loader gave a wrong answer");
	flash->torn = true;
	return err;
}

/* Waiting */

static bool iosm_flash_over(struct iosm_flash *flash)
{
	return READ_ONCE(flash->closing) || !iosm_modem_online(flash->modem);
}

/* Wait until TDs of @pipe are completed: how many. */
static int iosm_flash_await(struct iosm_flash *flash, struct iosm_pipe *pipe)
{
	struct iosm_channel *channel = &flash->channel;
	int completed = 0;
	long left;

	/* A modem that is always quicker than we are must not keep us from stopping. */
	if (signal_pending(current))
		return iosm_flash_tear(flash, -EINTR);

	left = wait_event_interruptible_timeout(flash->wait,
						(completed = iosm_channel_completed(channel,
										    pipe)) ||
						iosm_flash_over(flash),
						msecs_to_jiffies(flash->timeout));
	if (completed)
		return completed;
	if (left < 0)
		return iosm_flash_tear(flash, -EINTR);
	return iosm_flash_tear(flash, left ? -ENODEV : -ETIMEDOUT);
}

/**
 * iosm_flash_pause() - wait before the loader is asked once more
 * @flash: in a conversation
 * @ms: how long, milliseconds
 *
 * Context: process, may sleep.
 * Return: 0, -EINTR or -ENODEV; -EIO if the loader crashed.
 */
int iosm_flash_pause(struct iosm_flash *flash, unsigned int ms)
{
	long left;

	left = wait_event_interruptible_timeout(flash->wait, iosm_flash_over(flash),
						msecs_to_jiffies(ms));
	if (!left)
		return 0;
	return iosm_flash_tear(flash, left < 0 ? -EINTR : -ENODEV);
}

/* Buffers */

static void *iosm_flash_alloc(struct iosm_flash *flash, u32 len, dma_addr_t *dma)
{
	void *data = dma_alloc_coherent(iosm_flash_dev(flash), len, dma,
					GFP_KERNEL | __GFP_NOWARN);

	if (data)
		atomic_inc(&flash->buffers);
	return data;
}

static void iosm_flash_free(struct iosm_flash *flash, u32 len, void *data, dma_addr_t dma)
{
	dma_free_coherent(iosm_flash_dev(flash), len, data, dma);
	atomic_dec(&flash->buffers);
}

/* A TD that the modem does not use any more; its slot knows everything. */
static void iosm_flash_free_slot(struct iosm_flash *flash, const struct iosm_pipe_slot *slot)
{
	iosm_flash_free(flash, slot->len, slot->cookie, slot->dma);
}

/**
 * iosm_flash_prepare() - copy an element to where the modem can fetch it
 * @flash: any
 * @buffer: filled in; for iosm_flash_post() or iosm_flash_discard()
 * @data: the element
 * @len: its length, 1 to 0xffffff bytes
 *
 * Context: process, may sleep.
 * Return: 0 or -ENOMEM.
 */
int iosm_flash_prepare(struct iosm_flash *flash, struct iosm_flash_buffer *buffer,
		       const void *data, u32 len)
{
	buffer->len = len;
	buffer->data = iosm_flash_alloc(flash, len, &buffer->dma);
	if (!buffer->data)
		return -ENOMEM;
	memcpy(buffer->data, data, len);
	return 0;
}

/**
 * iosm_flash_discard() - free an element that was not posted
 * @flash: any
 * @buffer: from iosm_flash_prepare(), or posted, which makes this a no-op
 *
 * Context: process, may sleep.
 */
void iosm_flash_discard(struct iosm_flash *flash, struct iosm_flash_buffer *buffer)
{
	if (buffer->data)
		iosm_flash_free(flash, buffer->len, buffer->data, buffer->dma);
	buffer->data = NULL;
}

/* The buffer was read, once; the modem may have it again. */
static void iosm_flash_repost(struct iosm_flash *flash, const struct iosm_pipe_done *done)
{
	iosm_pipe_post(flash->channel.dl, done->slot.dma, done->slot.len, done->slot.cookie);
	iosm_channel_ring_dl(&flash->channel, IOSM_HEAD_DL);
}

/* Uplink */

/**
 * iosm_flash_drop_unasked() - throw away what was said without being asked
 * @flash: in a conversation; nothing is awaited
 *
 * No more than there is now: a modem that floods must not keep us here.
 *
 * Context: process. Implements protocol.rst 10.6.6 F1.
 */
void iosm_flash_drop_unasked(struct iosm_flash *flash)
{
	struct iosm_pipe *pipe = flash->channel.dl;
	struct iosm_pipe_done done;
	int completed;

	completed = iosm_channel_completed(&flash->channel, pipe);
	if (!completed)
		return;
	flash->unasked += completed;
	dev_dbg(iosm_flash_dev(flash), "flash: %llu units that nobody asked for\n",
		flash->unasked);
	while (completed--) {
		iosm_pipe_take(pipe, &done);
		iosm_flash_repost(flash, &done);
	}
}

/**
 * iosm_flash_post() - give an element to the modem
 * @flash: in a conversation; there is room
 * @buffer: from iosm_flash_prepare(); now the channel's
 *
 * Context: process.
 */
void iosm_flash_post(struct iosm_flash *flash, struct iosm_flash_buffer *buffer)
{
	iosm_pipe_post(flash->channel.ul, buffer->dma, buffer->len, buffer->data);
	iosm_channel_ring_ul(&flash->channel, IOSM_HEAD_UL);
	buffer->data = NULL;
}

/**
 * iosm_flash_await_sent() - wait until the modem has fetched what was posted
 * @flash: in a conversation
 * @left: so many TDs may be left
 *
 * Context: process, may sleep.
 * Return: 0; or -EINTR, -ETIMEDOUT, -ENODEV, -EIO.
 */
int iosm_flash_await_sent(struct iosm_flash *flash, unsigned int left)
{
	struct iosm_pipe *pipe = flash->channel.ul;
	struct iosm_pipe_done done;
	int completed;

	while (iosm_pipe_posted(pipe) > left) {
		completed = iosm_flash_await(flash, pipe);
		if (completed < 0)
			return completed;
		while (completed--) {
			iosm_pipe_take(pipe, &done);
			iosm_flash_free_slot(flash, &done.slot);
		}
	}
	return 0;
}

/**
 * iosm_flash_write() - send an element
 * @flash: in a conversation
 * @data: the element
 * @len: its length, 1 to 0xffffff bytes
 *
 * It asks for something: what the loader said before is no answer, and is dropped.
 *
 * Context: process, may sleep.
 * Return: 0; or -ENOMEM, -EINTR, -ETIMEDOUT, -ENODEV, -EIO.
 */
int iosm_flash_write(struct iosm_flash *flash, const void *data, u32 len)
{
	struct iosm_flash_buffer buffer;
	int ret;

	ret = iosm_flash_prepare(flash, &buffer, data, len);
	if (ret)
		return iosm_flash_tear(flash, ret);
	iosm_flash_drop_unasked(flash);
	iosm_flash_post(flash, &buffer);
	return iosm_flash_await_sent(flash, 0);
}

/* Downlink */

/**
 * iosm_flash_read() - receive one element
 * @flash: in a conversation
 * @data: where to
 * @max: bytes that it may have
 *
 * Context: process, may sleep.
 * Return: bytes, at least 1; or -EPROTO (empty, or longer), -EINTR, -ETIMEDOUT, -ENODEV,
 * -EIO.
 */
int iosm_flash_read(struct iosm_flash *flash, void *data, u32 max)
{
	struct iosm_pipe *pipe = flash->channel.dl;
	struct iosm_pipe_done done;
	bool good;
	int ret;

	ret = iosm_flash_await(flash, pipe);
	if (ret < 0)
		return ret;

	iosm_pipe_take(pipe, &done);
	good = !done.error && done.size <= max;
	if (good)
		memcpy(data, done.slot.cookie, done.size);
	iosm_flash_repost(flash, &done);
	return good ? done.size : iosm_flash_tear(flash, -EPROTO);
}

/**
 * iosm_flash_read_exact() - receive one element of a known length
 * @flash: in a conversation
 * @data: where to
 * @len: bytes that it must have
 *
 * Context: process, may sleep.
 * Return: 0; or as iosm_flash_read(), -EPROTO also if it is shorter.
 */
int iosm_flash_read_exact(struct iosm_flash *flash, void *data, u32 len)
{
	int ret;

	ret = iosm_flash_read(flash, data, len);
	if (ret < 0)
		return ret;
	return ret == len ? 0 : iosm_flash_tear(flash, -EPROTO);
}

/* Conversations */

/**
 * iosm_flash_ask() - before the loader is asked for something
 * @flash: in a conversation
 * @doing: what is being done, constant string for the log
 *
 * Context: process, may sleep.
 * Return: 0; -ENODEV if it is not there any more; -EIO if it crashed.
 */
int iosm_flash_ask(struct iosm_flash *flash, const char *doing)
{
	u32 stage = iosm_modem_stage(flash->modem);

	flash->doing = doing;
	if (iosm_flash_over(flash) || (stage != IOSM_STAGE_PSI && stage != IOSM_STAGE_EBL))
		return iosm_flash_tear(flash, -ENODEV);
	return 0;
}

/**
 * iosm_flash_begin() - begin a conversation
 * @flash: there was a session, just now
 * @progress: to be told of it, may be NULL
 * @extack: for words to the user, may be NULL
 *
 * Context: process, may sleep until another one has ended. Nobody who is in one waits for
 * the state work.
 * Return: 0: iosm_flash_end() must be called; -EINTR; -ENODEV if the session is over;
 * -ENOMEM.
 */
int iosm_flash_begin(struct iosm_flash *flash, struct iosm_flash_progress *progress,
		     struct netlink_ext_ack *extack)
{
	if (mutex_lock_interruptible(&flash->mutex)) {
		NL_SET_ERR_MSG_MOD(extack, "interrupted");
		return -EINTR;
	}
	if (!flash->open || READ_ONCE(flash->closing)) {
		mutex_unlock(&flash->mutex);
		NL_SET_ERR_MSG_MOD(extack, "the modem left its loader");
		return -ENODEV;
	}
	flash->answer = kmalloc(IOSM_EBL_PAYLOAD_MAX, GFP_KERNEL);
	if (!flash->answer) {
		mutex_unlock(&flash->mutex);
		NL_SET_ERR_MSG_MOD(extack, "not enough memory");
		return -ENOMEM;
	}
	flash->progress = progress;
	flash->extack = extack;
	flash->doing = "start";
	flash->torn = false;
	iosm_modem_talk(flash->modem, true);
	return 0;
}

/**
 * iosm_flash_end() - end the conversation
 * @flash: in a conversation
 *
 * If it ended in the middle, the session is over, too.
 *
 * Context: process, may sleep.
 */
void iosm_flash_end(struct iosm_flash *flash)
{
	if (flash->torn && !iosm_flash_over(flash)) {
		flash->spoiled = true;
		iosm_modem_spoil(flash->modem, "a conversation ended in the middle");
	}
	iosm_modem_talk(flash->modem, false);
	flash->progress = NULL;
	flash->extack = NULL;
	kfree(flash->answer);
	flash->answer = NULL;
	mutex_unlock(&flash->mutex);
}

/**
 * iosm_flash_status() - tell the user how far it is
 * @flash: in a conversation
 * @message: what happens
 * @component: of the firmware, may be NULL
 * @done: units
 * @total: of so many, 0 if there are none to count
 *
 * Context: process, may sleep. Implements protocol.rst 7.9.
 */
void iosm_flash_status(struct iosm_flash *flash, const char *message, const char *component,
		       unsigned long done, unsigned long total)
{
	if (flash->progress)
		flash->progress->status(flash->progress, message, component, done, total);
}

/* The channel */

static int iosm_flash_fill(struct iosm_channel *channel)
{
	struct iosm_flash *flash = channel->ctx;
	u32 size = channel->config->buffer_size;
	dma_addr_t dma;
	void *data;

	while (iosm_pipe_room(channel->dl)) {
		data = iosm_flash_alloc(flash, size, &dma);
		if (!data)
			return -ENOMEM;
		iosm_pipe_post(channel->dl, dma, size, data);
	}
	return 0;
}

static void iosm_flash_poll_ul(struct iosm_channel *channel)
{
	struct iosm_flash *flash = channel->ctx;

	wake_up_all(&flash->wait);
}

static void iosm_flash_reclaim(struct iosm_channel *channel, struct iosm_pipe *pipe,
			       const struct iosm_pipe_slot *slot)
{
	iosm_flash_free_slot(channel->ctx, slot);
}

/* No poll_dl: whoever was woken takes what came, in either direction. */
static const struct iosm_channel_ops iosm_flash_channel_ops = {
	.fill = iosm_flash_fill,
	.poll_ul = iosm_flash_poll_ul,
	.reclaim = iosm_flash_reclaim,
};

static void *iosm_flash_start(struct iosm_modem *modem)
{
	struct iosm_flash *flash = modem->flash;
	int ret;

	if (!flash)
		return NULL;
	mutex_lock(&flash->mutex);
	ret = iosm_channel_open(&flash->channel, modem, &iosm_channel_flash,
				&iosm_flash_channel_ops, flash);
	if (!ret) {
		flash->open = true;
		flash->erased = false;
		flash->spoiled = false;
		flash->unasked = 0;
		WRITE_ONCE(flash->closing, false);
	}
	mutex_unlock(&flash->mutex);
	return ret ? ERR_PTR(ret) : flash;
}

static void iosm_flash_stop(void *instance)
{
	struct iosm_flash *flash = instance;

	WRITE_ONCE(flash->closing, true);
	wake_up_all(&flash->wait);

	mutex_lock(&flash->mutex);
	flash->open = false;
	/* If it was not us who ended the session, it is another PSI that will run, if any. */
	if (!flash->spoiled && !iosm_modem_online(flash->modem))
		iosm_coredump_forget(flash);
	iosm_channel_close(&flash->channel);
	mutex_unlock(&flash->mutex);
}

const struct iosm_client iosm_flash_client = {
	.name = "flash",
	.loader = true,
	.start = iosm_flash_start,
	.stop = iosm_flash_stop,
};

/* Lifetime */

/**
 * iosm_flash_create() - make what talks to the loaders of a modem
 * @modem: not yet started; its member flash is set
 *
 * Context: process, may sleep.
 * Return: it, or ERR_PTR(-ENOMEM).
 */
struct iosm_flash *iosm_flash_create(struct iosm_modem *modem)
{
	struct iosm_flash *flash;

	flash = kzalloc_obj(*flash);
	if (!flash)
		return ERR_PTR(-ENOMEM);
	flash->modem = modem;
	mutex_init(&flash->mutex);
	init_waitqueue_head(&flash->wait);
	flash->timeout = IOSM_FLASH_TIMEOUT;
	flash->erase_timeout = IOSM_FLASH_ERASE_TIMEOUT;
	flash->dump_timeout = IOSM_FLASH_DUMP_TIMEOUT;
	modem->flash = flash;
	return flash;
}

/**
 * iosm_flash_destroy() - free it
 * @flash: its modem is destroyed, or was never started; nobody calls it any more
 *
 * Context: process.
 */
void iosm_flash_destroy(struct iosm_flash *flash)
{
	WARN_ON(atomic_read(&flash->buffers));
	mutex_destroy(&flash->mutex);
	kfree(flash);
}
