// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: debugfs
 *
 * One directory per modem, named like its PCI function, from probe to remove. Its file
 * "state" has a line "name: value" for each value; the names are those of "devlink
 * health diagnose", and no interface for programs. The files of the modem's log are
 * those of iosm_ipc_trace.c.
 */

#include "iosm_ipc_debugfs.h"

#include <linux/debugfs.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include "iosm_ipc_report.h"
#include "iosm_ipc_trace.h"

static struct dentry *iosm_debugfs_root;

/**
 * struct iosm_seq_sink - values as lines
 * @sink: base
 * @seq: the file
 * @prefix: of each line, while an item is shown
 */
struct iosm_seq_sink {
	struct iosm_sink sink;
	struct seq_file *seq;
	char prefix[24];
};

static struct iosm_seq_sink *to_iosm_seq_sink(struct iosm_sink *sink)
{
	return container_of(sink, struct iosm_seq_sink, sink);
}

static void iosm_seq_text(struct iosm_sink *sink, const char *name, const char *value)
{
	struct iosm_seq_sink *s = to_iosm_seq_sink(sink);

	seq_printf(s->seq, "%s%s: %s\n", s->prefix, name, value);
}

static void iosm_seq_number(struct iosm_sink *sink, const char *name, u64 value)
{
	struct iosm_seq_sink *s = to_iosm_seq_sink(sink);

	seq_printf(s->seq, "%s%s: %llu\n", s->prefix, name, value);
}

static void iosm_seq_flag(struct iosm_sink *sink, const char *name, bool value)
{
	iosm_seq_text(sink, name, str_yes_no(value));
}

/* What belongs to an item says so in its line; a list has no line of its own. */
static void iosm_seq_list_begin(struct iosm_sink *sink, const char *name)
{
}

static void iosm_seq_list_end(struct iosm_sink *sink)
{
}

static void iosm_seq_item_begin(struct iosm_sink *sink, const char *name, u64 number)
{
	struct iosm_seq_sink *s = to_iosm_seq_sink(sink);

	snprintf(s->prefix, sizeof(s->prefix), "%s %llu ", name, number);
}

static void iosm_seq_item_end(struct iosm_sink *sink)
{
	to_iosm_seq_sink(sink)->prefix[0] = '\0';
}

static const struct iosm_sink_ops iosm_seq_sink_ops = {
	.text = iosm_seq_text,
	.number = iosm_seq_number,
	.flag = iosm_seq_flag,
	.list_begin = iosm_seq_list_begin,
	.list_end = iosm_seq_list_end,
	.item_begin = iosm_seq_item_begin,
	.item_end = iosm_seq_item_end,
};

static int iosm_state_show(struct seq_file *seq, void *unused)
{
	struct iosm_seq_sink sink = { .sink.ops = &iosm_seq_sink_ops, .seq = seq };
	struct iosm_report *report = seq->private;
	struct iosm_snapshot *snapshot = kzalloc_obj(*snapshot);

	if (!snapshot)
		return -ENOMEM;
	iosm_report_now(report, snapshot);
	iosm_report_show(snapshot, &sink.sink);
	iosm_report_show_failures(report, &sink.sink);
	kfree(snapshot);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(iosm_state);

/**
 * iosm_debugfs_init() - make the directory of the driver
 *
 * Context: process, may sleep; once, before the first modem is found.
 */
void iosm_debugfs_init(void)
{
	iosm_debugfs_root = debugfs_create_dir(KBUILD_MODNAME, NULL);
}

/**
 * iosm_debugfs_exit() - remove the directory of the driver
 *
 * Context: process, may sleep; once, after the last modem is gone.
 */
void iosm_debugfs_exit(void)
{
	debugfs_remove(iosm_debugfs_root);
}

/**
 * iosm_debugfs_create() - make the directory of a modem
 * @report: of the modem; must live until iosm_debugfs_remove()
 *
 * Context: process, may sleep.
 * Return: the directory. There is no need to look for an error.
 */
struct dentry *iosm_debugfs_create(struct iosm_report *report)
{
	struct dentry *dir = debugfs_create_dir(dev_name(report->modem->dev),
						iosm_debugfs_root);

	debugfs_create_file("state", 0444, dir, report, &iosm_state_fops);
	iosm_trace_add_files(report->modem->trace, dir);
	return dir;
}

/**
 * iosm_debugfs_remove() - remove the directory of a modem
 * @dir: from iosm_debugfs_create()
 *
 * Context: process, may sleep. Nobody reads any more after the return.
 */
void iosm_debugfs_remove(struct dentry *dir)
{
	debugfs_remove(dir);
}
