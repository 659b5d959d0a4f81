// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of the modem's log (protocol.rst 4.2, 8.7), through its files in debugfs.
 */

#include <linux/debugfs.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mman.h>
#include <linux/mount.h>
#include <linux/uaccess.h>

#include "../iosm_ipc_boot.h"
#include "../iosm_ipc_clients.h"
#include "../iosm_ipc_trace.h"
#include "iosm_kunit_bus.h"

#if IOSM_HAS_TRACE

#define TRACE_UL	6
#define TRACE_DL	7
#define BUFFER		8192
#define RING		31	/* TDs that fit */
#define CAPACITY	(32 * 131072)

#define TD_END		2
#define TD_OTHER	3

#define USER_SIZE	131072

/**
 * struct trace_test - the log of a modem and its user
 * @fake: the modem
 * @modem: the core, with the log as its client
 * @trace: the log
 * @dir: its files
 * @mount: of debugfs
 * @user: memory of the user, USER_SIZE bytes
 * @unit: BUFFER bytes to send
 * @refused: OPEN of any pipe is refused
 */
struct trace_test {
	struct iosm_fake *fake;
	struct iosm_modem *modem;
	struct iosm_trace *trace;
	struct dentry *dir;
	struct vfsmount *mount;
	unsigned long user;
	u8 *unit;
	bool refused;
};

static const struct iosm_client *const clients[] = { &iosm_trace_client, NULL };

static u32 control(struct iosm_fake *fake, const struct iosm_fake_request *request)
{
	struct trace_test *t = fake->priv;

	return t->refused && request->type == 0x01 ? IOSM_FAKE_REFUSED : IOSM_FAKE_OK;
}

static void unmount(void *mount)
{
	kern_unmount(mount);
}

static void mount_debugfs(struct kunit *test)
{
	struct file_system_type *debugfs = get_fs_type("debugfs");
	struct trace_test *t = test->priv;
	int ret;

	KUNIT_ASSERT_NOT_NULL(test, debugfs);
	t->mount = kern_mount(debugfs);
	put_filesystem(debugfs);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, t->mount);
	ret = kunit_add_action_or_reset(test, unmount, t->mount);
	KUNIT_ASSERT_EQ(test, ret, 0);
}

static int iosm_trace_init_test(struct kunit *test)
{
	struct trace_test *t;
	unsigned int i;

	t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, t);
	test->priv = t;
	mount_debugfs(test);
	t->unit = kunit_kzalloc(test, BUFFER, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, t->unit);
	for (i = 0; i < BUFFER; i++)
		t->unit[i] = i * 7 + i / 256;
	t->user = kunit_vm_mmap(test, NULL, 0, USER_SIZE, PROT_READ | PROT_WRITE,
				MAP_ANONYMOUS | MAP_PRIVATE, 0);
	KUNIT_ASSERT_NE(test, t->user, 0);

	t->fake = iosm_fake_create(test, IOSM_PCI_DEVICE_7560);
	t->fake->priv = t;
	t->fake->control = control;
	t->modem = iosm_fake_modem(t->fake, clients);
	t->trace = iosm_trace_create(t->modem);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, t->trace);
	t->dir = debugfs_create_dir("iosm_trace_kunit", NULL);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, t->dir);
	iosm_trace_add_files(t->trace, t->dir);
	iosm_fake_go_online(t->fake);
	return 0;
}

/* As unbind does it */
static void unbind(struct trace_test *t)
{
	iosm_modem_stop(t->modem);
	debugfs_remove(t->dir);
	t->dir = NULL;
	iosm_fake_stop_modem(t->fake);
	iosm_trace_destroy(t->trace);
	t->trace = NULL;
}

static void iosm_trace_exit_test(struct kunit *test)
{
	struct trace_test *t = test->priv;

	/* Otherwise the test unbound it, or there was no memory to begin with. */
	if (t && !IS_ERR_OR_NULL(t->trace))
		unbind(t);
}

/* ---- The user's side ---- */

static void close_file(void *file)
{
	__fput_sync(file);
}

static struct file *open_file(struct kunit *test, const char *name, int flags)
{
	struct trace_test *t = test->priv;
	struct path path = { .mnt = t->mount };
	struct file *file;
	int ret;

	path.dentry = debugfs_lookup(name, t->dir);
	KUNIT_ASSERT_NOT_NULL(test, path.dentry);
	file = dentry_open(&path, flags, current_cred());
	dput(path.dentry);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, file);
	ret = kunit_add_action_or_reset(test, close_file, file);
	KUNIT_ASSERT_EQ(test, ret, 0);
	return file;
}

static ssize_t read_file(struct trace_test *t, struct file *file, u32 len)
{
	loff_t pos = 0;

	return file->f_op->read(file, (char __user *)t->user, len, &pos);
}

static ssize_t write_ctrl(struct kunit *test, const char *word)
{
	struct file *file = open_file(test, "trace_ctrl", O_WRONLY);
	struct trace_test *t = test->priv;
	size_t len = strlen(word);
	loff_t pos = 0;
	ssize_t ret;

	if (copy_to_user((void __user *)t->user, word, len))
		return -EFAULT;
	ret = file->f_op->write(file, (const char __user *)t->user, len, &pos);
	kunit_release_action(test, close_file, file);
	return ret;
}

static void expect_ctrl(struct kunit *test, const char *word)
{
	struct file *file = open_file(test, "trace_ctrl", O_RDONLY);
	struct trace_test *t = test->priv;
	char text[4] = {};

	KUNIT_EXPECT_EQ(test, read_file(t, file, sizeof(text)), 2);
	KUNIT_EXPECT_EQ(test, copy_from_user(text, (void __user *)t->user, 2), 0);
	KUNIT_EXPECT_STREQ(test, text, word);
	kunit_release_action(test, close_file, file);
}

static void switch_on(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, write_ctrl(test, "1\n"), 2);
}

/* The next @len bytes are the first of t->unit. */
static void expect_log(struct kunit *test, struct file *file, u32 len)
{
	struct trace_test *t = test->priv;
	u8 *got = kunit_kzalloc(test, BUFFER, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, got);
	KUNIT_EXPECT_EQ(test, read_file(t, file, len), len);
	KUNIT_EXPECT_EQ(test, copy_from_user(got, (void __user *)t->user, len), 0);
	KUNIT_EXPECT_MEMEQ(test, got, t->unit, len);
}

/* ---- The modem's side ---- */

static bool send(struct trace_test *t, u32 len)
{
	bool sent = iosm_fake_send(t->fake, TRACE_DL, t->unit, len);

	iosm_fake_interrupt(t->fake);
	return sent;
}

static struct iosm_trace_stats stats(struct kunit *test)
{
	struct iosm_trace_stats stats = {};
	struct trace_test *t = test->priv;

	KUNIT_EXPECT_TRUE(test, iosm_trace_get_stats(t->trace, &stats));
	return stats;
}

static bool is_open(struct trace_test *t)
{
	return t->fake->pipes[TRACE_UL].open && t->fake->pipes[TRACE_DL].open;
}

static bool is_closed(struct trace_test *t)
{
	return !t->fake->pipes[TRACE_UL].open && !t->fake->pipes[TRACE_DL].open;
}

/* ---- On and off ---- */

static void off_until_somebody_wants_it(struct kunit *test)
{
	struct trace_test *t = test->priv;
	int usage;

	/* The start keeps a reference a moment longer than it says so. */
	flush_workqueue(t->modem->wq);
	usage = iosm_fake_usage(t->fake);
	expect_ctrl(test, "0\n");
	KUNIT_EXPECT_FALSE(test, stats(test).on);
	KUNIT_EXPECT_TRUE(test, is_closed(t));

	switch_on(test);
	expect_ctrl(test, "1\n");
	KUNIT_EXPECT_TRUE(test, stats(test).on);
	KUNIT_EXPECT_TRUE(test, is_open(t));
	KUNIT_EXPECT_EQ(test, t->fake->pipes[TRACE_UL].entries, RING + 1);
	KUNIT_EXPECT_EQ(test, t->fake->pipes[TRACE_DL].entries, RING + 1);
	KUNIT_EXPECT_EQ(test, iosm_fake_posted(t->fake, TRACE_UL), 0);
	KUNIT_EXPECT_EQ(test, iosm_fake_posted(t->fake, TRACE_DL), RING);
	/* Once more is no more. */
	switch_on(test);
	KUNIT_EXPECT_TRUE(test, is_open(t));
	KUNIT_EXPECT_EQ(test, iosm_fake_usage(t->fake), usage + 1);

	KUNIT_EXPECT_EQ(test, write_ctrl(test, "0"), 1);
	expect_ctrl(test, "0\n");
	KUNIT_EXPECT_TRUE(test, is_closed(t));
	KUNIT_EXPECT_EQ(test, iosm_fake_usage(t->fake), usage);
	KUNIT_EXPECT_EQ(test, write_ctrl(test, "0"), 1);
}

struct word_case {
	const char *word;
	int error;
};

static const struct word_case words[] = {
	{ "2", -EINVAL },
	{ "-1", -EINVAL },
	{ "11", -EINVAL },
	{ "yes", -EINVAL },
	{ "1 0", -EINVAL },
	{ " ", -EINVAL },
	{ "4294967296", -ERANGE },
};

KUNIT_ARRAY_PARAM_DESC(word, words, word);

static void other_words_change_nothing(struct kunit *test)
{
	const struct word_case *c = test->param_value;
	struct trace_test *t = test->priv;

	KUNIT_EXPECT_EQ(test, write_ctrl(test, c->word), c->error);
	KUNIT_EXPECT_TRUE(test, is_closed(t));
	switch_on(test);
	KUNIT_EXPECT_EQ(test, write_ctrl(test, c->word), c->error);
	KUNIT_EXPECT_TRUE(test, is_open(t));
	expect_ctrl(test, "1\n");
}

static void refused_open_is_an_error_to_the_writer(struct kunit *test)
{
	struct trace_test *t = test->priv;

	t->refused = true;
	KUNIT_EXPECT_EQ(test, write_ctrl(test, "1"), -EIO);
	expect_ctrl(test, "0\n");
	t->refused = false;
	switch_on(test);
	KUNIT_EXPECT_TRUE(test, is_open(t));
}

/* ---- Units ---- */

static void units_become_one_stream(struct kunit *test)
{
	struct file *file = open_file(test, "trace0", O_RDONLY);
	struct trace_test *t = test->priv;
	unsigned int i;

	switch_on(test);
	/* More than the ring holds: buffers go back. */
	for (i = 0; i < 3 * RING; i++)
		KUNIT_ASSERT_TRUE(test, send(t, 10 + i));
	KUNIT_EXPECT_EQ(test, iosm_fake_posted(t->fake, TRACE_DL), RING);
	for (i = 0; i < 3 * RING; i++)
		expect_log(test, file, 10 + i);
	KUNIT_EXPECT_EQ(test, read_file(t, file, 1), 0);

	KUNIT_EXPECT_EQ(test, stats(test).units, 3 * RING);
	KUNIT_EXPECT_EQ(test, stats(test).bytes, 3 * RING * 10 + (3 * RING - 1) * 3 * RING / 2);
	KUNIT_EXPECT_EQ(test, stats(test).lost + stats(test).bad, 0);
}

struct bad_case {
	const char *desc;
	u32 size;
	u8 status;
};

static const struct bad_case bad_units[] = {
	{ "nothing", 0, TD_END },
	{ "one byte more than the buffer", BUFFER + 1, TD_END },
	{ "as much as a TD can say", 0xffffff, TD_END },
	{ "another status", 100, TD_OTHER },
	{ "no status", 100, 0 },
};

KUNIT_ARRAY_PARAM_DESC(bad, bad_units, desc);

static void bad_unit_costs_itself_only(struct kunit *test)
{
	struct file *file = open_file(test, "trace0", O_RDONLY);
	const struct bad_case *c = test->param_value;
	struct trace_test *t = test->priv;

	switch_on(test);
	KUNIT_EXPECT_TRUE(test, send(t, 1));
	KUNIT_EXPECT_TRUE(test, iosm_fake_complete(t->fake, TRACE_DL, c->size, c->status));
	iosm_fake_interrupt(t->fake);
	KUNIT_EXPECT_TRUE(test, send(t, BUFFER));
	expect_log(test, file, 1);
	expect_log(test, file, BUFFER);
	KUNIT_EXPECT_EQ(test, read_file(t, file, 1), 0);

	KUNIT_EXPECT_EQ(test, stats(test).units, 2);
	KUNIT_EXPECT_EQ(test, stats(test).bad, 1);
	KUNIT_EXPECT_EQ(test, iosm_fake_posted(t->fake, TRACE_DL), RING);
	KUNIT_EXPECT_EQ(test, iosm_modem_state(t->modem), IOSM_ONLINE);
}

static void full_buffer_costs_units_only(struct kunit *test)
{
	struct file *file = open_file(test, "trace0", O_RDONLY);
	struct trace_test *t = test->priv;
	unsigned int i;

	switch_on(test);
	for (i = 0; i < CAPACITY / BUFFER; i++)
		KUNIT_ASSERT_TRUE(test, send(t, BUFFER));
	KUNIT_EXPECT_EQ(test, stats(test).lost, 0);
	for (i = 0; i < 2 * RING; i++)
		KUNIT_ASSERT_TRUE(test, send(t, BUFFER));
	KUNIT_EXPECT_EQ(test, stats(test).lost, 2 * RING);
	KUNIT_EXPECT_EQ(test, stats(test).bytes, CAPACITY);
	KUNIT_EXPECT_EQ(test, iosm_fake_posted(t->fake, TRACE_DL), RING);

	/* What was there is there, and what comes now follows it. */
	expect_log(test, file, BUFFER);
	KUNIT_ASSERT_EQ(test, read_file(t, file, USER_SIZE), USER_SIZE);
	KUNIT_ASSERT_TRUE(test, send(t, 100));
	KUNIT_EXPECT_EQ(test, stats(test).lost, 2 * RING);
	for (i = 1; i < CAPACITY / USER_SIZE - 1; i++)
		KUNIT_ASSERT_EQ(test, read_file(t, file, USER_SIZE), USER_SIZE);
	for (i = 1; i < USER_SIZE / BUFFER; i++)
		expect_log(test, file, BUFFER);
	expect_log(test, file, 100);
	KUNIT_EXPECT_EQ(test, read_file(t, file, 1), 0);
}

/* Empty sub-buffers would be in the way of what follows. */
static void switching_leaves_no_trace(struct kunit *test)
{
	struct file *file = open_file(test, "trace0", O_RDONLY);
	struct trace_test *t = test->priv;
	unsigned int i;

	for (i = 0; i < 40; i++) {
		switch_on(test);
		KUNIT_EXPECT_EQ(test, write_ctrl(test, "0"), 1);
	}
	switch_on(test);
	KUNIT_ASSERT_TRUE(test, send(t, 77));
	KUNIT_EXPECT_EQ(test, write_ctrl(test, "0"), 1);
	expect_log(test, file, 77);
	KUNIT_EXPECT_EQ(test, read_file(t, file, 1), 0);
	KUNIT_EXPECT_EQ(test, stats(test).lost, 0);
}

static void expect_last_words(struct kunit *test, struct file *file)
{
	struct trace_test *t = test->priv;

	expect_log(test, file, 10);
	expect_log(test, file, 20);
	expect_log(test, file, BUFFER);
	KUNIT_EXPECT_EQ(test, read_file(t, file, 1), 0);
	KUNIT_EXPECT_EQ(test, stats(test).units, 3);
	KUNIT_EXPECT_EQ(test, stats(test).bytes, 30 + BUFFER);
	KUNIT_EXPECT_EQ(test, stats(test).bad, 1);
	KUNIT_EXPECT_EQ(test, stats(test).lost, 0);
}

/* Delivered, and nobody was told so */
static void say_last_words(struct kunit *test)
{
	struct trace_test *t = test->priv;

	KUNIT_ASSERT_TRUE(test, send(t, 10));
	KUNIT_ASSERT_TRUE(test, iosm_fake_send(t->fake, TRACE_DL, t->unit, 20));
	KUNIT_ASSERT_TRUE(test, iosm_fake_complete(t->fake, TRACE_DL, BUFFER + 1, TD_END));
	KUNIT_ASSERT_TRUE(test, iosm_fake_send(t->fake, TRACE_DL, t->unit, BUFFER));
}

static void what_came_before_the_end_is_kept(struct kunit *test)
{
	struct file *file = open_file(test, "trace0", O_RDONLY);

	switch_on(test);
	say_last_words(test);
	KUNIT_EXPECT_EQ(test, write_ctrl(test, "0"), 1);
	expect_last_words(test, file);
}

static void wrong_tail_at_the_end_costs_the_rest_only(struct kunit *test)
{
	struct file *file = open_file(test, "trace0", O_RDONLY);
	struct trace_test *t = test->priv;

	switch_on(test);
	say_last_words(test);
	iosm_fake_set_tail(t->fake, TRACE_DL, RING + 1);
	KUNIT_EXPECT_EQ(test, write_ctrl(test, "0"), 1);
	expect_log(test, file, 10);
	KUNIT_EXPECT_EQ(test, read_file(t, file, 1), 0);
	KUNIT_EXPECT_EQ(test, stats(test).units, 1);
	KUNIT_EXPECT_TRUE(test, is_closed(t));
	switch_on(test);
	KUNIT_EXPECT_TRUE(test, is_open(t));
	KUNIT_EXPECT_EQ(test, iosm_modem_state(t->modem), IOSM_ONLINE);
}

/* ---- Sessions ---- */

static void last_words_of_a_session_are_kept(struct kunit *test)
{
	struct file *file = open_file(test, "trace0", O_RDONLY);
	struct trace_test *t = test->priv;

	switch_on(test);
	say_last_words(test);
	iosm_modem_broken(t->modem, "test");
	iosm_fake_await(t->fake, IOSM_RECOVERING);
	iosm_fake_await(t->fake, IOSM_ONLINE);
	expect_last_words(test, file);
}

/* Nothing was posted there. */
static void completed_uplink_ends_the_session(struct kunit *test)
{
	struct trace_test *t = test->priv;

	switch_on(test);
	iosm_fake_set_tail(t->fake, TRACE_UL, 1);
	iosm_fake_interrupt(t->fake);
	iosm_fake_await(t->fake, IOSM_RECOVERING);
}

static void stays_on_in_the_next_session(struct kunit *test)
{
	struct file *file = open_file(test, "trace0", O_RDONLY);
	struct trace_test *t = test->priv;

	switch_on(test);
	KUNIT_ASSERT_TRUE(test, send(t, 50));
	iosm_modem_broken(t->modem, "test");
	iosm_fake_await(t->fake, IOSM_RECOVERING);
	expect_ctrl(test, "1\n");
	iosm_fake_await(t->fake, IOSM_ONLINE);
	expect_ctrl(test, "1\n");
	KUNIT_EXPECT_TRUE(test, is_open(t));
	KUNIT_ASSERT_TRUE(test, send(t, 60));
	/* Also what was not read before */
	expect_log(test, file, 50);
	expect_log(test, file, 60);
	KUNIT_EXPECT_EQ(test, read_file(t, file, 1), 0);
}

static void is_off_if_the_next_session_refuses(struct kunit *test)
{
	struct trace_test *t = test->priv;

	switch_on(test);
	t->refused = true;
	iosm_modem_broken(t->modem, "test");
	iosm_fake_await(t->fake, IOSM_RECOVERING);
	iosm_fake_await(t->fake, IOSM_ONLINE);
	expect_ctrl(test, "0\n");
	t->refused = false;
	switch_on(test);
	KUNIT_EXPECT_TRUE(test, is_open(t));
}

static void nothing_to_switch_on_without_a_modem(struct kunit *test)
{
	struct trace_test *t = test->priv;

	iosm_modem_stop(t->modem);
	KUNIT_EXPECT_EQ(test, write_ctrl(test, "1"), -EIO);
	expect_ctrl(test, "0\n");
	KUNIT_EXPECT_EQ(test, write_ctrl(test, "0"), 1);
}

/* A session of another kind: the pipes would go to somebody who has no log. */
static void loaders_do_not_log(struct kunit *test)
{
	struct trace_test *t = test->priv;

	t->fake->state_seen = t->fake->state_count;
	iosm_fake_reboot(t->fake, 0xfeedbeef);
	iosm_modem_broken(t->modem, "test");
	iosm_fake_await(t->fake, IOSM_LOADER);
	KUNIT_ASSERT_EQ(test, iosm_modem_want_loader(t->modem), 0);
	t->fake->requests = 0;
	KUNIT_EXPECT_EQ(test, write_ctrl(test, "1"), -EIO);
	KUNIT_EXPECT_EQ(test, t->fake->requests, 0);
	expect_ctrl(test, "0\n");
	KUNIT_EXPECT_EQ(test, iosm_modem_state(t->modem), IOSM_LOADER_ONLINE);

	iosm_fake_reboot(t->fake, 0x600df00d);
	iosm_fake_await(t->fake, IOSM_ONLINE);
	switch_on(test);
	KUNIT_EXPECT_TRUE(test, is_open(t));
}

static void unbind_with_a_reader_works(struct kunit *test)
{
	struct file *file = open_file(test, "trace0", O_RDONLY);
	struct file *ctrl = open_file(test, "trace_ctrl", O_RDWR);
	struct trace_test *t = test->priv;
	loff_t pos = 0;

	switch_on(test);
	KUNIT_ASSERT_TRUE(test, send(t, 50));
	expect_log(test, file, 20);
	unbind(t);
	KUNIT_EXPECT_EQ(test, read_file(t, file, 30), -EIO);
	KUNIT_EXPECT_EQ(test, read_file(t, ctrl, 2), -EIO);
	KUNIT_EXPECT_EQ(test, ctrl->f_op->write(ctrl, (const char __user *)t->user, 1, &pos), -EIO);
}

static struct kunit_case iosm_trace_cases[] = {
	KUNIT_CASE(off_until_somebody_wants_it),
	KUNIT_CASE_PARAM(other_words_change_nothing, word_gen_params),
	KUNIT_CASE(refused_open_is_an_error_to_the_writer),
	KUNIT_CASE(units_become_one_stream),
	KUNIT_CASE_PARAM(bad_unit_costs_itself_only, bad_gen_params),
	KUNIT_CASE(full_buffer_costs_units_only),
	KUNIT_CASE(switching_leaves_no_trace),
	KUNIT_CASE(what_came_before_the_end_is_kept),
	KUNIT_CASE(wrong_tail_at_the_end_costs_the_rest_only),
	KUNIT_CASE(last_words_of_a_session_are_kept),
	KUNIT_CASE(completed_uplink_ends_the_session),
	KUNIT_CASE(stays_on_in_the_next_session),
	KUNIT_CASE(is_off_if_the_next_session_refuses),
	KUNIT_CASE(nothing_to_switch_on_without_a_modem),
	KUNIT_CASE(loaders_do_not_log),
	KUNIT_CASE(unbind_with_a_reader_works),
	{}
};

static struct kunit_suite iosm_trace_suite = {
	.name = "iosm_trace",
	.init = iosm_trace_init_test,
	.exit = iosm_trace_exit_test,
	.test_cases = iosm_trace_cases,
};

kunit_test_suite(iosm_trace_suite);

#endif /* IOSM_HAS_TRACE */
