// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of the control ports (protocol.rst 4.2, 4.5, 8.3, rows T2 to T4, T7, T9
 * to T12 of 10.6.4), through the character devices of the WWAN core.
 */

#include <linux/dcache.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/kthread.h>
#include <linux/mman.h>
#include <linux/mount.h>
#include <linux/poll.h>
#include <linux/uaccess.h>

#include "../iosm_ipc_clients.h"
#include "iosm_kunit_bus.h"

#define STAGE_RUN	0x600df00d

#define AT0_UL		4
#define AT0_DL		5
#define MBIM_UL		12
#define MBIM_DL		13
#define AT_BUFFER	2048
#define RING		3	/* TDs that fit into the ring of a port */

/* Messages that a port queues before writers have to wait */
#define QUEUE		8
/* Units that a port delivers before somebody has to read */
#define UNREAD		64

#define USER_SIZE	(256 * 1024)
#define UPLINK_MAX	(64 * 1024)

/**
 * struct port_test - the ports of a modem and their user
 * @fake: the modem
 * @modem: the core, with the ports as its client
 * @mount: carries the inodes of the device files
 * @user: memory of the user, USER_SIZE bytes
 * @uplink: what the modem received, one after the other
 * @uplink_len: bytes of it
 * @sizes: size of each uplink TD
 * @tds: how many there were
 * @refused: OPEN of any pipe is refused
 */
struct port_test {
	struct iosm_fake *fake;
	struct iosm_modem *modem;
	struct vfsmount *mount;
	unsigned long user;
	u8 *uplink;
	u32 uplink_len;
	u32 sizes[64];
	unsigned int tds;
	bool refused;
};

static const struct iosm_client *const clients[] = { &iosm_port_client, NULL };

static u32 control(struct iosm_fake *fake,
		   const struct iosm_fake_request *request)
{
	struct port_test *t = fake->priv;

	return t->refused && request->type == 0x01 ? IOSM_FAKE_REFUSED :
						     IOSM_FAKE_OK;
}

static void unmount(void *mount)
{
	kern_unmount(mount);
}

static void start_ports(struct kunit *test, u16 device_id)
{
	struct file_system_type *ramfs;
	struct port_test *t;
	int ret;

	t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, t);
	test->priv = t;
	t->uplink = kunit_kzalloc(test, UPLINK_MAX, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, t->uplink);

	ramfs = get_fs_type("ramfs");
	KUNIT_ASSERT_NOT_NULL(test, ramfs);
	t->mount = kern_mount(ramfs);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, t->mount);
	ret = kunit_add_action_or_reset(test, unmount, t->mount);
	KUNIT_ASSERT_EQ(test, ret, 0);

	t->user = kunit_vm_mmap(test, NULL, 0, USER_SIZE,
				PROT_READ | PROT_WRITE,
				MAP_ANONYMOUS | MAP_PRIVATE, 0);
	KUNIT_ASSERT_NE(test, t->user, 0);

	t->fake = iosm_fake_create(test, device_id);
	t->fake->priv = t;
	t->fake->control = control;
	t->modem = iosm_fake_modem(t->fake, clients);
	iosm_fake_go_online(t->fake);
}

static int iosm_port_init_test(struct kunit *test)
{
	start_ports(test, IOSM_PCI_DEVICE_7560);
	return 0;
}

/* ---- The modem's side ---- */

static void take(struct iosm_fake *fake, unsigned int pipe, const u8 *data,
		 u32 len)
{
	struct port_test *t = fake->priv;

	if (t->tds < ARRAY_SIZE(t->sizes))
		t->sizes[t->tds] = len;
	t->tds++;
	if (t->uplink_len + len <= UPLINK_MAX)
		memcpy(t->uplink + t->uplink_len, data, len);
	t->uplink_len += len;
}

/* Take one TD, as often as the modem likes. */
static bool take_one(struct port_test *t, unsigned int pipe)
{
	struct iosm_fake_td td;

	if (!iosm_fake_td(t->fake, pipe, 0, &td))
		return false;
	take(t->fake, pipe, td.data, td.size);
	iosm_fake_complete(t->fake, pipe, td.size, 2);
	iosm_fake_interrupt(t->fake);
	return true;
}

/* TDs beyond those that fit into the ring are posted by the poll. */
static void await_tds(struct port_test *t, unsigned int count)
{
	unsigned long end = jiffies + 2 * HZ;

	while (READ_ONCE(t->tds) < count && time_before(jiffies, end))
		cond_resched();
}

static bool send(struct port_test *t, unsigned int pipe, const void *data,
		 u32 len)
{
	bool sent = iosm_fake_send(t->fake, pipe, data, len);

	iosm_fake_interrupt(t->fake);
	return sent;
}

/* ---- The user's side ---- */

static int is_wwan_device(struct device *dev, const void *data)
{
	return str_has_prefix(dev_name(dev), "wwan") != 0;
}

/* The device of a port, without the number of the WWAN device in its name */
static struct device *find_port(struct port_test *t, const char *name)
{
	struct device *wwan, *port;
	char full[32];

	wwan = device_find_child(t->fake->bus.dev, NULL, is_wwan_device);
	if (!wwan)
		return NULL;
	snprintf(full, sizeof(full), "%s%s", dev_name(wwan), name);
	port = device_find_child_by_name(wwan, full);
	put_device(wwan);
	return port;
}

/* Open a character device that has no name in any file system. */
static struct file *open_device(struct port_test *t, dev_t devt, int flags)
{
	struct inode *inode = new_inode(t->mount->mnt_sb);
	struct path path = { .mnt = t->mount };
	struct file *file;

	if (!inode)
		return ERR_PTR(-ENOMEM);
	init_special_inode(inode, S_IFCHR | 0600, devt);
	path.dentry = d_make_root(inode);
	if (!path.dentry)
		return ERR_PTR(-ENOMEM);
	file = dentry_open(&path, flags, current_cred());
	dput(path.dentry);
	return file;
}

static struct file *try_open(struct port_test *t, const char *name)
{
	struct device *dev = find_port(t, name);
	struct file *file;

	if (!dev)
		return ERR_PTR(-ENOENT);
	file = open_device(t, dev->devt, O_RDWR | O_NONBLOCK);
	put_device(dev);
	return file;
}

static void close_port(void *file)
{
	__fput_sync(file);
}

/* Open with O_NONBLOCK; closed with the test. */
static struct file *open_port(struct kunit *test, const char *name)
{
	struct file *file = try_open(test->priv, name);
	int ret;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, file);
	ret = kunit_add_action_or_reset(test, close_port, file);
	KUNIT_ASSERT_EQ(test, ret, 0);
	return file;
}

static void close_now(struct kunit *test, struct file *file)
{
	kunit_release_action(test, close_port, file);
}

static u8 pattern(u32 i)
{
	return i * 7 + i / 256;
}

/* Write a pattern that goes on from @from. */
static ssize_t write_pattern(struct port_test *t, struct file *file, u32 from,
			     u32 len)
{
	u8 __user *user = (u8 __user *)t->user;
	loff_t pos = 0;
	u32 i;

	for (i = 0; i < len; i++) {
		if (put_user(pattern(from + i), user + i))
			return -EFAULT;
	}
	return file->f_op->write(file, (const char __user *)user, len, &pos);
}

static ssize_t read_port(struct port_test *t, struct file *file, void *data,
			 u32 len)
{
	char __user *user = (char __user *)t->user;
	loff_t pos = 0;
	ssize_t ret;

	ret = file->f_op->read(file, user, len, &pos);
	if (ret > 0 && copy_from_user(data, user, ret))
		return -EFAULT;
	return ret;
}

static void expect_read(struct kunit *test, struct file *file, const void *data,
			u32 len)
{
	u8 got[16] = {};

	KUNIT_EXPECT_EQ(test, read_port(test->priv, file, got, sizeof(got)),
			len);
	KUNIT_EXPECT_MEMEQ(test, got, data, len);
}

static void expect_pattern(struct kunit *test, u32 len)
{
	struct port_test *t = test->priv;
	u32 i;

	KUNIT_ASSERT_EQ(test, t->uplink_len, len);
	KUNIT_ASSERT_LE(test, len, UPLINK_MAX);
	for (i = 0; i < len; i++)
		KUNIT_ASSERT_EQ_MSG(test, t->uplink[i], pattern(i), "byte %u",
				    i);
}

/* ---- Which ports there are (8.3) ---- */

struct port_case {
	const char *desc;
	u16 device_id;
	const char *name;
	bool exists;
};

static const struct port_case ports[] = {
	{ "7560 has MBIM", IOSM_PCI_DEVICE_7560, "mbim0", true },
	{ "7560 has a first AT port", IOSM_PCI_DEVICE_7560, "at0", true },
	{ "7560 has a second AT port", IOSM_PCI_DEVICE_7560, "at1", true },
	{ "7560 has no RPC", IOSM_PCI_DEVICE_7560, "xmmrpc0", false },
	{ "7560 has no third AT port", IOSM_PCI_DEVICE_7560, "at2", false },
	{ "7360 has RPC", IOSM_PCI_DEVICE_7360, "xmmrpc0", true },
	{ "7360 has a first AT port", IOSM_PCI_DEVICE_7360, "at0", true },
	{ "7360 has a second AT port", IOSM_PCI_DEVICE_7360, "at1", true },
	{ "7360 has no MBIM", IOSM_PCI_DEVICE_7360, "mbim0", false },
};

KUNIT_ARRAY_PARAM_DESC(port, ports, desc);

static void modem_has_its_ports(struct kunit *test)
{
	const struct port_case *c = test->param_value;
	struct port_test *t;
	struct device *dev;

	start_ports(test, c->device_id);
	t = test->priv;
	dev = find_port(t, c->name);
	KUNIT_EXPECT_EQ(test, !!dev, c->exists);
	put_device(dev);

	iosm_modem_stop(t->modem);
	dev = find_port(t, c->name);
	KUNIT_EXPECT_NULL(test, dev);
	put_device(dev);
}

/* ---- Opening and closing ---- */

static void first_user_opens_and_last_closes(struct kunit *test)
{
	struct port_test *t = test->priv;
	struct file *a, *b;

	KUNIT_EXPECT_FALSE(test, t->fake->pipes[MBIM_UL].open);
	a = open_port(test, "mbim0");
	KUNIT_EXPECT_TRUE(test, t->fake->pipes[MBIM_UL].open);
	KUNIT_EXPECT_TRUE(test, t->fake->pipes[MBIM_DL].open);
	b = open_port(test, "mbim0");
	close_now(test, a);
	KUNIT_EXPECT_TRUE(test, t->fake->pipes[MBIM_UL].open);
	close_now(test, b);
	KUNIT_EXPECT_FALSE(test, t->fake->pipes[MBIM_UL].open);
	KUNIT_EXPECT_FALSE(test, t->fake->pipes[MBIM_DL].open);

	a = open_port(test, "mbim0");
	KUNIT_EXPECT_TRUE(test, send(t, MBIM_DL, "again", 5));
	expect_read(test, a, "again", 5);
}

static void refused_open_is_an_error_to_the_user(struct kunit *test)
{
	struct port_test *t = test->priv;

	t->refused = true;
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(try_open(t, "mbim0")),
			-EREMOTEIO);
	t->refused = false;
	open_port(test, "mbim0");
	KUNIT_EXPECT_TRUE(test, t->fake->pipes[MBIM_DL].open);
}

/* What was not read belongs to nobody. */
static void next_user_does_not_see_what_the_last_left(struct kunit *test)
{
	struct port_test *t = test->priv;
	struct file *file = open_port(test, "at0");
	u8 byte;

	KUNIT_EXPECT_TRUE(test, send(t, AT0_DL, "old", 3));
	close_now(test, file);
	file = open_port(test, "at0");
	KUNIT_EXPECT_EQ(test, read_port(t, file, &byte, 1), -EAGAIN);
}

/* ---- Uplink ---- */

static void message_is_one_td(struct kunit *test)
{
	struct port_test *t = test->priv;
	struct file *file = open_port(test, "mbim0");

	t->fake->uplink = take;
	KUNIT_EXPECT_EQ(test, write_pattern(t, file, 0, 64), 64);
	KUNIT_EXPECT_EQ(test, write_pattern(t, file, 64, 1), 1);
	KUNIT_EXPECT_EQ(test, t->tds, 2);
	KUNIT_EXPECT_EQ(test, t->sizes[0], 64);
	KUNIT_EXPECT_EQ(test, t->sizes[1], 1);
	expect_pattern(test, 65);
}

struct size_case {
	const char *desc;
	const char *port;
	u32 len;
	ssize_t result;
	unsigned int tds;
	u32 last;
};

/* T12: opaque; the sizes are those of 4.1. */
static const struct size_case sizes[] = {
	{ "nothing on MBIM is no TD", "mbim0", 0, 0, 0, 0 },
	{ "largest MBIM message", "mbim0", 32768, 32768, 1, 32768 },
	{ "MBIM message that is one byte too large", "mbim0", 32769, -EMSGSIZE,
	  0, 0 },
	{ "MBIM message that is far too large", "mbim0", 200000, -EMSGSIZE, 0,
	  0 },
	{ "nothing on AT is no TD", "at0", 0, 0, 0, 0 },
	{ "one byte on AT", "at0", 1, 1, 1, 1 },
	{ "full AT buffer", "at0", 2048, 2048, 1, 2048 },
	{ "one byte more", "at0", 2049, 2049, 2, 1 },
	{ "three AT buffers", "at0", 6144, 6144, 3, 2048 },
	{ "more than the ring holds", "at0", 50000, 50000, 25, 848 },
};

KUNIT_ARRAY_PARAM_DESC(size, sizes, desc);

static void only_streams_are_cut_into_pieces(struct kunit *test)
{
	const struct size_case *c = test->param_value;
	struct port_test *t = test->priv;
	struct file *file = open_port(test, c->port);

	t->fake->uplink = take;
	KUNIT_EXPECT_EQ(test, write_pattern(t, file, 0, c->len), c->result);
	await_tds(t, c->tds);
	KUNIT_ASSERT_EQ(test, t->tds, c->tds);
	if (c->tds)
		KUNIT_EXPECT_EQ(test, t->sizes[c->tds - 1], c->last);
	expect_pattern(test, max(c->result, 0));
}

/* T9: the modem takes nothing. */
static void writers_are_held_back(struct kunit *test)
{
	struct port_test *t = test->priv;
	struct file *file = open_port(test, "mbim0");
	unsigned int n;

	for (n = 0; n < RING + QUEUE; n++) {
		KUNIT_EXPECT_TRUE(test, vfs_poll(file, NULL) & EPOLLOUT);
		KUNIT_ASSERT_EQ(test, write_pattern(t, file, n * 10, 10), 10);
	}
	KUNIT_EXPECT_FALSE(test, vfs_poll(file, NULL) & EPOLLOUT);
	KUNIT_EXPECT_EQ(test, write_pattern(t, file, 0, 10), -EAGAIN);
	KUNIT_EXPECT_EQ(test, iosm_fake_posted(t->fake, MBIM_UL), RING);

	/* They go on when half of the queue is gone. */
	for (n = 0; n < QUEUE / 2 - 1; n++)
		KUNIT_ASSERT_TRUE(test, take_one(t, MBIM_UL));
	KUNIT_EXPECT_FALSE(test, vfs_poll(file, NULL) & EPOLLOUT);
	KUNIT_ASSERT_TRUE(test, take_one(t, MBIM_UL));
	KUNIT_EXPECT_TRUE(test, vfs_poll(file, NULL) & EPOLLOUT);
	KUNIT_EXPECT_EQ(test, write_pattern(t, file, (RING + QUEUE) * 10, 10),
			10);

	while (take_one(t, MBIM_UL))
		;
	KUNIT_EXPECT_EQ(test, t->tds, RING + QUEUE + 1);
	expect_pattern(test, (RING + QUEUE + 1) * 10);
}

static void pieces_of_several_writes_stay_in_order(struct kunit *test)
{
	struct port_test *t = test->priv;
	struct file *file = open_port(test, "at0");

	KUNIT_ASSERT_EQ(test, write_pattern(t, file, 0, 9000), 9000);
	KUNIT_ASSERT_EQ(test, write_pattern(t, file, 9000, 10), 10);
	KUNIT_ASSERT_EQ(test, write_pattern(t, file, 9010, 5000), 5000);
	KUNIT_EXPECT_EQ(test, iosm_fake_posted(t->fake, AT0_UL), RING);
	while (take_one(t, AT0_UL))
		;
	KUNIT_EXPECT_EQ(test, t->tds, 5 + 1 + 3);
	expect_pattern(test, 14010);
}

/* Messages are queued, half sent and sent. */
static void close_does_not_wait_for_a_stubborn_modem(struct kunit *test)
{
	struct port_test *t = test->priv;
	struct file *file = open_port(test, "at0");
	unsigned long start;
	unsigned int n;

	for (n = 0; n < 4; n++)
		KUNIT_ASSERT_EQ(test, write_pattern(t, file, 0, 9000), 9000);
	KUNIT_ASSERT_TRUE(test, take_one(t, AT0_UL));
	start = jiffies;
	close_now(test, file);
	KUNIT_EXPECT_LT(test, jiffies_to_msecs(jiffies - start),
			IOSM_FAKE_SOON);
	KUNIT_EXPECT_FALSE(test, t->fake->pipes[AT0_UL].open);

	/* The next user may write. */
	file = open_port(test, "at0");
	t->fake->uplink = take;
	t->uplink_len = 0;
	KUNIT_EXPECT_TRUE(test, vfs_poll(file, NULL) & EPOLLOUT);
	KUNIT_EXPECT_EQ(test, write_pattern(t, file, 0, 20), 20);
	expect_pattern(test, 20);
}

static int take_slowly(void *data)
{
	struct port_test *t = data;

	while (t->tds < RING + 2) {
		take_one(t, MBIM_UL);
		cond_resched();
	}
	return 0;
}

static void close_sends_what_was_written(struct kunit *test)
{
	struct port_test *t = test->priv;
	struct file *file = open_port(test, "mbim0");
	struct task_struct *task;
	unsigned int n;

	for (n = 0; n < RING + 2; n++)
		KUNIT_ASSERT_EQ(test, write_pattern(t, file, n * 10, 10), 10);
	task = kthread_create(take_slowly, t, "iosm taker");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, task);
	get_task_struct(task);
	wake_up_process(task);
	close_now(test, file);
	KUNIT_EXPECT_EQ(test, t->tds, RING + 2);
	/* The thread ends by itself only if all arrived. */
	t->tds = RING + 2;
	kthread_stop(task);
	put_task_struct(task);
	expect_pattern(test, (RING + 2) * 10);
}

/* ---- Downlink ---- */

static void unit_is_one_read(struct kunit *test)
{
	struct port_test *t = test->priv;
	struct file *file = open_port(test, "mbim0");
	u8 byte;

	KUNIT_EXPECT_FALSE(test, vfs_poll(file, NULL) & EPOLLIN);
	KUNIT_EXPECT_EQ(test, read_port(t, file, &byte, 1), -EAGAIN);
	KUNIT_EXPECT_TRUE(test, send(t, MBIM_DL, "one", 3));
	KUNIT_EXPECT_TRUE(test, send(t, MBIM_DL, "three", 5));
	KUNIT_EXPECT_TRUE(test, vfs_poll(file, NULL) & EPOLLIN);
	expect_read(test, file, "one", 3);
	expect_read(test, file, "three", 5);
	KUNIT_EXPECT_EQ(test, read_port(t, file, &byte, 1), -EAGAIN);
}

/* 10.6.4 T7 */
static void delivered_unit_cannot_change_any_more(struct kunit *test)
{
	struct port_test *t = test->priv;
	struct file *file = open_port(test, "mbim0");
	struct iosm_fake_td td;

	KUNIT_ASSERT_TRUE(test, iosm_fake_td(t->fake, MBIM_DL, 0, &td));
	KUNIT_EXPECT_TRUE(test, send(t, MBIM_DL, "true", 4));
	memcpy(td.data, "fake", 4);
	expect_read(test, file, "true", 4);
}

struct unit_case {
	const char *desc;
	u32 size;
	u8 status;
};

static const struct unit_case bad_units[] = {
	{ "T2: larger than the buffer", AT_BUFFER + 1, 2 },
	{ "T3: empty", 0, 2 },
	{ "T4: unused", 4, 0 },
	{ "T4: partial", 4, 1 },
	{ "T4: overflow", 4, 3 },
	{ "T4: aborted", 4, 4 },
	{ "T4: error", 4, 5 },
};

KUNIT_ARRAY_PARAM_DESC(bad_unit, bad_units, desc);

static void bad_unit_costs_itself_only(struct kunit *test)
{
	const struct unit_case *c = test->param_value;
	struct port_test *t = test->priv;
	struct file *file = open_port(test, "at0");
	u8 byte;

	KUNIT_ASSERT_TRUE(test, send(t, AT0_DL, "before", 6));
	KUNIT_ASSERT_TRUE(test, iosm_fake_complete(t->fake, AT0_DL, c->size,
						   c->status));
	KUNIT_ASSERT_TRUE(test, send(t, AT0_DL, "after", 5));
	expect_read(test, file, "before", 6);
	expect_read(test, file, "after", 5);
	KUNIT_EXPECT_EQ(test, read_port(t, file, &byte, 1), -EAGAIN);
	/* Its buffer is back with the modem. */
	KUNIT_EXPECT_EQ(test, iosm_fake_posted(t->fake, AT0_DL), RING);
}

/* T10, T11: nobody reads. */
static void lazy_reader_costs_bounded_memory_and_loses_nothing(struct kunit *test)
{
	struct port_test *t = test->priv;
	struct file *file = open_port(test, "at0");
	unsigned int sent = 0, got;
	u32 value;

	while (sent < 1000 && send(t, AT0_DL, &sent, sizeof(sent)))
		sent++;
	KUNIT_EXPECT_EQ(test, sent, UNREAD + RING);

	/* Who reads gets all of it, and makes room. */
	for (got = 0; got < sent; got++) {
		if (got >= UNREAD)
			iosm_fake_interrupt(t->fake);
		KUNIT_ASSERT_EQ(test, read_port(t, file, &value, sizeof(value)),
				sizeof(value));
		KUNIT_ASSERT_EQ(test, value, got);
	}
	KUNIT_EXPECT_EQ(test, iosm_fake_posted(t->fake, AT0_DL), RING);
	KUNIT_EXPECT_TRUE(test, send(t, AT0_DL, "more", 4));
	expect_read(test, file, "more", 4);
}

/* The modem is silent now, so its interrupt does not help. */
static void room_is_found_without_an_interrupt(struct kunit *test)
{
	struct port_test *t = test->priv;
	struct file *file = open_port(test, "at0");
	unsigned long end = jiffies + 2 * HZ;
	unsigned int sent = 0;
	u32 value;

	while (sent < 1000 && send(t, AT0_DL, &sent, sizeof(sent)))
		sent++;
	while (sent && time_before(jiffies, end)) {
		if (read_port(t, file, &value, sizeof(value)) > 0)
			sent--;
		else
			cond_resched();
	}
	KUNIT_EXPECT_EQ(test, sent, 0);
}

static void ports_do_not_hold_each_other_up(struct kunit *test)
{
	struct port_test *t = test->priv;
	struct file *at0 = open_port(test, "at0");
	struct file *at1 = open_port(test, "at1");
	struct file *mbim = open_port(test, "mbim0");
	unsigned int sent = 0;

	while (send(t, AT0_DL, &sent, sizeof(sent)))
		sent++;
	while (write_pattern(t, at0, 0, 10) > 0)
		;
	KUNIT_EXPECT_TRUE(test, send(t, 9, "at1", 3));
	KUNIT_EXPECT_TRUE(test, send(t, MBIM_DL, "mbim", 4));
	expect_read(test, at1, "at1", 3);
	expect_read(test, mbim, "mbim", 4);
	KUNIT_EXPECT_EQ(test, write_pattern(t, at1, 0, 10), 10);
	KUNIT_EXPECT_EQ(test, iosm_fake_posted(t->fake, 8), 1);
}

/* ---- When the modem goes away ---- */

static void dead_port_hangs_up(struct kunit *test)
{
	struct port_test *t = test->priv;
	struct file *file = open_port(test, "mbim0");
	struct device *dev;
	u8 byte;

	KUNIT_ASSERT_EQ(test, write_pattern(t, file, 0, 10), 10);
	iosm_fake_crash(t->fake);
	iosm_fake_await(t->fake, IOSM_CRASHED);
	KUNIT_EXPECT_TRUE(test, vfs_poll(file, NULL) & EPOLLHUP);
	KUNIT_EXPECT_EQ(test, write_pattern(t, file, 0, 10), -ENODEV);
	KUNIT_EXPECT_EQ(test, read_port(t, file, &byte, 1), -EIO);
	dev = find_port(t, "mbim0");
	KUNIT_EXPECT_NULL(test, dev);
	put_device(dev);

	/* The port of the next session is another one. */
	iosm_fake_reboot(t->fake, STAGE_RUN);
	iosm_fake_await(t->fake, IOSM_ONLINE);
	KUNIT_EXPECT_EQ(test, write_pattern(t, file, 0, 10), -ENODEV);
	close_now(test, file);
	file = open_port(test, "mbim0");
	KUNIT_EXPECT_EQ(test, write_pattern(t, file, 0, 10), 10);
}

static void unbind_with_users_works(struct kunit *test)
{
	struct port_test *t = test->priv;
	struct file *at0 = open_port(test, "at0");
	struct file *mbim = open_port(test, "mbim0");
	unsigned long start;
	unsigned int sent = 0;

	while (send(t, AT0_DL, &sent, sizeof(sent)))
		sent++;
	while (write_pattern(t, mbim, 0, 10) > 0)
		;
	start = jiffies;
	iosm_fake_stop_modem(t->fake);
	KUNIT_EXPECT_LT(test, jiffies_to_msecs(jiffies - start),
			IOSM_FAKE_SOON);
	KUNIT_EXPECT_EQ(test, write_pattern(t, at0, 0, 10), -ENODEV);
	KUNIT_EXPECT_EQ(test, write_pattern(t, mbim, 0, 10), -ENODEV);
}

static struct kunit_case iosm_port_type_cases[] = {
	KUNIT_CASE_PARAM(modem_has_its_ports, port_gen_params),
	{}
};

static struct kunit_suite iosm_port_type_suite = {
	.name = "iosm_port_type",
	.test_cases = iosm_port_type_cases,
};

static struct kunit_case iosm_port_cases[] = {
	KUNIT_CASE(first_user_opens_and_last_closes),
	KUNIT_CASE(refused_open_is_an_error_to_the_user),
	KUNIT_CASE(next_user_does_not_see_what_the_last_left),
	KUNIT_CASE(message_is_one_td),
	KUNIT_CASE_PARAM(only_streams_are_cut_into_pieces, size_gen_params),
	KUNIT_CASE(writers_are_held_back),
	KUNIT_CASE(pieces_of_several_writes_stay_in_order),
	KUNIT_CASE(close_does_not_wait_for_a_stubborn_modem),
	KUNIT_CASE(close_sends_what_was_written),
	KUNIT_CASE(unit_is_one_read),
	KUNIT_CASE(delivered_unit_cannot_change_any_more),
	KUNIT_CASE_PARAM(bad_unit_costs_itself_only, bad_unit_gen_params),
	KUNIT_CASE(lazy_reader_costs_bounded_memory_and_loses_nothing),
	KUNIT_CASE(room_is_found_without_an_interrupt),
	KUNIT_CASE(ports_do_not_hold_each_other_up),
	KUNIT_CASE(dead_port_hangs_up),
	KUNIT_CASE(unbind_with_users_works),
	{}
};

static struct kunit_suite iosm_port_suite = {
	.name = "iosm_port",
	.init = iosm_port_init_test,
	.test_cases = iosm_port_cases,
};

kunit_test_suites(&iosm_port_type_suite, &iosm_port_suite);
