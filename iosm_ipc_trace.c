// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: Modem log
 *
 * The firmware logs what it does, in a format of its own that this driver does not
 * look at. User space switches the log on and off with the debugfs file "trace_ctrl"
 * and reads it from "trace0", a relay file.
 *
 * Both live in the debugfs directory of the modem, from probe to remove. The directory
 * of the WWAN device comes and goes with the firmware's sessions; it has a link to
 * ours. So a reader may keep its file open while the modem crashes and starts again:
 * nothing that waits to be read is lost, the log stays switched on, and what the
 * firmware logs then follows.
 *
 * Down: a ring of buffers stays mapped. The poll copies each unit into the relay buffer
 * and gives its buffer back at once; a reader that is too slow costs the log whole
 * units, and never the modem its time. The poll is the only writer while the channel is
 * open. An open channel keeps the function in D0.
 *
 * Implements protocol.rst 4.2, 4.5, 8.7.
 */

#include "iosm_ipc_trace.h"

#include <linux/debugfs.h>
#include <linux/kstrtox.h>
#include <linux/mutex.h>
#include <linux/relay.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/wwan.h>

#include "iosm_ipc_buffers.h"
#include "iosm_ipc_clients.h"

#define IOSM_TRACE_SUBBUFS	32
#define IOSM_TRACE_SUBBUF_SIZE	131072

/**
 * struct iosm_trace - log of one modem
 * @modem: whose
 * @lock: protects all that follows, but for @relay and @stats, and opening and
 *	closing @channel; may be held for as long as that takes; process context
 * @on: user space wants the log; outlives sessions
 * @up: there is a session with firmware, and clients may use it
 * @open: @channel is open
 * @channel: in use while @open
 * @relay: the buffer; NULL if there is none, set once, before there is any file
 * @link: to our directory, in the one of the WWAN device; NULL without a session
 * @stats: counters; written by the poll
 */
struct iosm_trace {
	struct iosm_modem *modem;
	struct mutex lock;	/* switching on and off */
	bool on;
	bool up;
	bool open;
	struct iosm_channel channel;
	struct rchan *relay;
	struct dentry *link;
	struct iosm_trace_stats stats;
};

static struct device *iosm_trace_dev(const struct iosm_trace *trace)
{
	return trace->modem->dev;
}

/* Buffer */

static struct dentry *iosm_trace_create_buf_file(const char *name, struct dentry *dir,
						 umode_t mode, struct rchan_buf *buf,
						 int *is_global)
{
	/* One for all CPUs: units stay in order. */
	*is_global = 1;
	return debugfs_create_file(name, mode, dir, buf, &relay_file_operations);
}

/* The file has gone with its directory. */
static int iosm_trace_remove_buf_file(struct dentry *file)
{
	return 0;
}

static const struct rchan_callbacks iosm_trace_relay_callbacks = {
	.create_buf_file = iosm_trace_create_buf_file,
	.remove_buf_file = iosm_trace_remove_buf_file,
};

static struct rchan_buf *iosm_trace_buf(const struct iosm_trace *trace)
{
	return *per_cpu_ptr(trace->relay->buf, 0);
}

/* Between two sub-buffers, the second of which is not free yet */
static bool iosm_trace_full(const struct iosm_trace *trace)
{
	return iosm_trace_buf(trace)->offset > IOSM_TRACE_SUBBUF_SIZE;
}

/* relay does not say whether it took what it was given; it does not take parts. */
static bool iosm_trace_put(struct iosm_trace *trace, const void *data, u32 len)
{
	relay_write(trace->relay, data, len);
	return !iosm_trace_full(trace);
}

/* Who waits for data in poll() hears of whole sub-buffers only: end the last one. */
static void iosm_trace_flush(struct iosm_trace *trace)
{
	/* relay cannot get over several empty sub-buffers. */
	if (iosm_trace_buf(trace)->offset && !iosm_trace_full(trace))
		relay_flush(trace->relay);
}

/* Downlink */

static void iosm_trace_lose(struct iosm_trace *trace, u64 *counter, const char *why)
{
	(*counter)++;
	dev_warn_ratelimited(iosm_trace_dev(trace), "unit of the modem log dropped: %s\n", why);
}

static void iosm_trace_store(struct iosm_trace *trace, const struct iosm_pipe_done *done)
{
	if (done->error) {
		iosm_trace_lose(trace, &trace->stats.bad, "bad size or status");
	} else if (iosm_trace_put(trace, iosm_buffers_read(&trace->channel, done), done->size)) {
		trace->stats.units++;
		trace->stats.bytes += done->size;
	} else {
		iosm_trace_lose(trace, &trace->stats.lost, "nobody reads, the buffer is full");
	}
}

static int iosm_trace_poll_dl(struct iosm_channel *channel, int budget)
{
	struct iosm_trace *trace = channel->ctx;
	int count = min(iosm_channel_completed(channel, channel->dl), budget);
	struct iosm_pipe_done done;
	int i;

	for (i = 0; i < count; i++) {
		iosm_pipe_take(channel->dl, &done);
		iosm_trace_store(trace, &done);
		iosm_buffers_repost(channel, &done);
	}
	if (count)
		iosm_channel_ring_dl(channel, IOSM_HEAD_DL);
	return count;
}

/* The last words of a modem that crashed may be the ones that somebody wants to read. */
static void iosm_trace_drain(struct iosm_channel *channel)
{
	struct iosm_trace *trace = channel->ctx;
	struct iosm_pipe_done done;
	int count, i;

	/* A tail that is wrong now harms nothing any more. */
	count = iosm_pipe_completed(&channel->modem->protocol, channel->dl);
	for (i = 0; i < count; i++) {
		iosm_pipe_take(channel->dl, &done);
		iosm_trace_store(trace, &done);
		iosm_buffers_reclaim(channel, &done.slot);
	}
}

/* Nothing is ever posted; a modem that completes something ends its session. */
static void iosm_trace_poll_ul(struct iosm_channel *channel)
{
	iosm_channel_completed(channel, channel->ul);
}

static void iosm_trace_reclaim(struct iosm_channel *channel, struct iosm_pipe *pipe,
			       const struct iosm_pipe_slot *slot)
{
	/* Uplink is never posted. */
	iosm_buffers_reclaim(channel, slot);
}

static const struct iosm_channel_ops iosm_trace_channel_ops = {
	.fill = iosm_buffers_fill,
	.poll_ul = iosm_trace_poll_ul,
	.poll_dl = iosm_trace_poll_dl,
	.drain = iosm_trace_drain,
	.reclaim = iosm_trace_reclaim,
};

/* On and off */

static int iosm_trace_open(struct iosm_trace *trace)
{
	int ret;

	lockdep_assert_held(&trace->lock);
	if (trace->open)
		return 0;
	ret = iosm_channel_open(&trace->channel, trace->modem, &iosm_channel_trace,
				&iosm_trace_channel_ops, trace);
	trace->open = !ret;
	return ret;
}

static void iosm_trace_close(struct iosm_trace *trace)
{
	lockdep_assert_held(&trace->lock);
	if (!trace->open)
		return;
	iosm_channel_close(&trace->channel);
	trace->open = false;
	iosm_trace_flush(trace);
}

static int iosm_trace_switch_on(struct iosm_trace *trace)
{
	int ret;

	/* Switched on, and the modem is about to come back: done. */
	if (trace->on)
		return 0;
	/* Loaders have sessions, too, and do not log. */
	ret = trace->up ? iosm_trace_open(trace) : -ENODEV;
	if (ret) {
		dev_warn(iosm_trace_dev(trace), "cannot switch on the modem log: %pe\n",
			 ERR_PTR(ret));
		return -EIO;
	}
	WRITE_ONCE(trace->on, true);
	return 0;
}

static void iosm_trace_switch_off(struct iosm_trace *trace)
{
	WRITE_ONCE(trace->on, false);
	iosm_trace_close(trace);
}

static ssize_t iosm_trace_ctrl_read(struct file *file, char __user *user, size_t count,
				    loff_t *pos)
{
	struct iosm_trace *trace = file->private_data;
	char text[2] = { READ_ONCE(trace->on) ? '1' : '0', '\n' };

	return simple_read_from_buffer(user, count, pos, text, sizeof(text));
}

static ssize_t iosm_trace_ctrl_write(struct file *file, const char __user *user, size_t count,
				     loff_t *pos)
{
	struct iosm_trace *trace = file->private_data;
	unsigned int value;
	int ret;

	ret = kstrtouint_from_user(user, count, 10, &value);
	if (ret)
		return ret;
	if (value > 1)
		return -EINVAL;
	ret = mutex_lock_interruptible(&trace->lock);
	if (ret)
		return ret;
	if (value)
		ret = iosm_trace_switch_on(trace);
	else
		iosm_trace_switch_off(trace);
	mutex_unlock(&trace->lock);
	return ret ?: count;
}

static const struct file_operations iosm_trace_ctrl_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.read = iosm_trace_ctrl_read,
	.write = iosm_trace_ctrl_write,
	.llseek = default_llseek,
};

/* Sessions */

static void iosm_trace_add_link(struct iosm_trace *trace)
{
	struct device *dev = iosm_trace_dev(trace);
	struct dentry *dir;
	char *target;

	/* Without a root, all WWAN devices have the same directory, which is an error. */
	if (!debugfs_initialized())
		return;
	dir = wwan_get_debugfs_dir(dev);
	if (IS_ERR(dir))
		return;
	target = kasprintf(GFP_KERNEL, "../../" KBUILD_MODNAME "/%s", dev_name(dev));
	if (target)
		trace->link = debugfs_create_symlink(KBUILD_MODNAME, dir, target);
	kfree(target);
	/* The directory stays for as long as the clients before us. */
	wwan_put_debugfs_dir(dir);
}

static void *iosm_trace_start(struct iosm_modem *modem)
{
	struct iosm_trace *trace = modem->trace;
	int ret = 0;

	if (!trace || !trace->relay)
		return NULL;
	iosm_trace_add_link(trace);

	mutex_lock(&trace->lock);
	trace->up = true;
	if (trace->on)
		ret = iosm_trace_open(trace);
	/* If the session broke, the next one has another chance. */
	if (ret && iosm_modem_online(modem)) {
		dev_warn(modem->dev, "modem log is off now: %pe\n", ERR_PTR(ret));
		WRITE_ONCE(trace->on, false);
	}
	mutex_unlock(&trace->lock);
	return trace;
}

static void iosm_trace_stop(void *instance)
{
	struct iosm_trace *trace = instance;

	mutex_lock(&trace->lock);
	trace->up = false;
	iosm_trace_close(trace);
	mutex_unlock(&trace->lock);
	debugfs_remove(trace->link);
	trace->link = NULL;
}

const struct iosm_client iosm_trace_client = {
	.name = "trace",
	.start = iosm_trace_start,
	.stop = iosm_trace_stop,
};

/* Lifetime */

/**
 * iosm_trace_create() - make the log of a modem, switched off
 * @modem: made by iosm_modem_create(), not yet started; gets its @trace
 *
 * Context: process, may sleep.
 * Return: the log, NULL if the kernel is built without what it needs, or
 * ERR_PTR(-ENOMEM).
 */
struct iosm_trace *iosm_trace_create(struct iosm_modem *modem)
{
	struct iosm_trace *trace;

	trace = kzalloc_obj(*trace);
	if (!trace)
		return ERR_PTR(-ENOMEM);
	trace->modem = modem;
	mutex_init(&trace->lock);
	modem->trace = trace;
	return trace;
}

/**
 * iosm_trace_destroy() - free the log
 * @trace: of a modem that is destroyed, or was never started; its files are removed;
 *	may be NULL
 *
 * Who still has "trace0" open gets errors from now on.
 *
 * Context: process, may sleep.
 */
void iosm_trace_destroy(struct iosm_trace *trace)
{
	if (!trace)
		return;
	/* Who waits in poll() finds out that there is no file any more. */
	if (trace->relay)
		wake_up_interruptible(&iosm_trace_buf(trace)->read_wait);
	relay_close(trace->relay);
	mutex_destroy(&trace->lock);
	kfree(trace);
}

/**
 * iosm_trace_add_files() - make the files of a modem's log
 * @trace: the log, may be NULL
 * @dir: where; may be an error, as from debugfs_create_dir(). To be removed with its
 *	files before the log is destroyed, and before the modem is.
 *
 * Without memory for the buffer there are none, and no log. To be called once, before
 * the modem is started.
 *
 * Context: process, may sleep. Implements protocol.rst 8.7.
 */
void iosm_trace_add_files(struct iosm_trace *trace, struct dentry *dir)
{
	if (!trace || IS_ERR(dir))
		return;
	trace->relay = relay_open("trace", dir, IOSM_TRACE_SUBBUF_SIZE, IOSM_TRACE_SUBBUFS,
				  &iosm_trace_relay_callbacks, NULL);
	if (trace->relay)
		debugfs_create_file("trace_ctrl", 0600, dir, trace, &iosm_trace_ctrl_fops);
	else
		dev_warn(iosm_trace_dev(trace), "no memory for the modem log\n");
}

/**
 * iosm_trace_get_stats() - what became of the log so far
 * @trace: the log, may be NULL
 * @stats: where to put it; values may be from slightly different moments
 *
 * Context: any.
 * Return: false if there is no log; @stats is as it was then.
 */
bool iosm_trace_get_stats(const struct iosm_trace *trace, struct iosm_trace_stats *stats)
{
	if (!trace || !trace->relay)
		return false;
	/* Not exact, see above. */
	*stats = data_race(trace->stats);
	stats->on = READ_ONCE(trace->on);
	return true;
}
