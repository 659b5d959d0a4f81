// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: Core dumps
 *
 * A modem whose firmware crashed tells of its core dump when it is given a PSI after the
 * next reset. Then, and only then, there is a list of at most six files. They are fetched
 * in any order, as often as they are wanted, until the last one of the list was: that
 * ends it. A failure ends it, too.
 *
 * The list belongs to one modem, and to one start of its PSI; a session with it that we
 * end, because the system sleeps, say, may be followed by another one. It is forgotten when
 * the dump was ended, when an EBL is loaded, when the modem ends the session, and when it
 * starts anew.
 *
 * Implements protocol.rst 7.6, and 10.6.6 F13 to F20.
 */

#include <linux/jiffies.h>

#include "iosm_ipc_boot.h"
#include "iosm_ipc_coredump.h"
#include "iosm_ipc_flash_parts.h"

static void iosm_coredump_show_list(struct iosm_flash *flash,
				    const struct iosm_coredump_list *list)
{
	char size[16];
	unsigned int i;

	for (i = 0; i < list->count; i++) {
		snprintf(size, sizeof(size), "%u", list->files[i].size);
		iosm_flash_status(flash, list->files[i].name, "FILENAME", 0, 0);
		iosm_flash_status(flash, size, "FILE SIZE", 0, 0);
	}
}

static void iosm_coredump_remember(struct iosm_flash *flash,
				   const struct iosm_coredump_list *list)
{
	unsigned int i;

	for (i = 0; i < list->count; i++)
		flash->dump_sizes[i] = list->files[i].size;
	WRITE_ONCE(flash->dump_count, list->count);
}

/**
 * iosm_coredump_list() - fetch the list of files
 * @flash: in a conversation; the PSI said that there is a dump
 *
 * The user is shown the list.
 *
 * Context: process, may sleep. Implements protocol.rst 7.6.1.
 * Return: 0; -EBADMSG if the list is wrong; -EPROTO, -ETIMEDOUT, -EINTR, -ENODEV, -ENOMEM,
 * -EIO.
 */
int iosm_coredump_list(struct iosm_flash *flash)
{
	struct iosm_coredump_list list;
	int ret;

	ret = iosm_flash_command(flash, IOSM_RPSI_DUMP_LIST, IOSM_COREDUMP_LIST_SIZE,
				 "core dump list");
	if (ret)
		return ret;
	ret = iosm_flash_read_exact(flash, flash->answer, IOSM_COREDUMP_LIST_SIZE);
	if (ret)
		return ret;
	ret = iosm_coredump_list_parse(flash->answer, IOSM_COREDUMP_LIST_SIZE, &list);
	if (ret) {
		dev_err(flash->modem->dev, "flash: core dump list: %pe\n", ERR_PTR(ret));
		NL_SET_ERR_MSG_MOD(flash->extack, "the modem's list of core dump files is wrong");
		return -EBADMSG;
	}
	iosm_coredump_remember(flash, &list);
	iosm_coredump_show_list(flash, &list);
	return 0;
}

/**
 * iosm_coredump_available() - can a file be fetched?
 * @flash: of the modem
 * @index: of the file, less than IOSM_COREDUMPS
 *
 * Context: any; the answer may change at any time.
 * Return: true if the list of the last start of the PSI has it.
 */
bool iosm_coredump_available(struct iosm_flash *flash, unsigned int index)
{
	return index < READ_ONCE(flash->dump_count);
}

/**
 * iosm_coredump_forget() - the PSI that told of the files does not run any more
 * @flash: of the modem
 *
 * Context: any; there is no conversation, or it is the caller's.
 */
void iosm_coredump_forget(struct iosm_flash *flash)
{
	WRITE_ONCE(flash->dump_count, 0);
}

/* What it answers means nothing. */
static int iosm_coredump_end(struct iosm_flash *flash)
{
	int ret;

	iosm_coredump_forget(flash);
	ret = iosm_flash_command(flash, IOSM_RPSI_DUMP_END, IOSM_COREDUMP_LIST_SIZE,
				 "end of the core dump");
	return ret ?: iosm_flash_read_exact(flash, flash->answer, IOSM_COREDUMP_LIST_SIZE);
}

static int iosm_coredump_read(struct iosm_flash *flash, u8 *data, u32 size)
{
	unsigned int timeout = flash->dump_timeout + size / IOSM_FLASH_DUMP_RATE;
	unsigned long deadline = jiffies + msecs_to_jiffies(timeout);
	u32 done = 0;
	int len;

	while (done < size) {
		len = iosm_flash_read(flash, data + done,
				      min_t(u32, size - done, IOSM_COREDUMP_CHUNK_MAX));
		if (len < 0)
			return len;
		done += len;
		/* One byte at a time could go on for years. */
		if (done < size && time_after(jiffies, deadline))
			return iosm_flash_tear(flash, -ETIMEDOUT);
	}
	return 0;
}

static int iosm_coredump_get(struct iosm_flash *flash, unsigned int index, u8 *data)
{
	int ret;

	/* Nothing would come. */
	if (!flash->dump_sizes[index])
		return 0;
	ret = iosm_flash_command(flash, IOSM_RPSI_DUMP_GET, index, "core dump file");
	return ret ?: iosm_coredump_read(flash, data, flash->dump_sizes[index]);
}

/* What comes of it is not what the user wants to know. */
static int iosm_coredump_end_quietly(struct iosm_flash *flash)
{
	struct netlink_ext_ack *extack = flash->extack;
	int ret;

	flash->extack = NULL;
	ret = iosm_coredump_end(flash);
	flash->extack = extack;
	return ret;
}

/* After a failure, too: if the modem answers then, both sides know where they are. */
static void iosm_coredump_give_up(struct iosm_flash *flash, int err)
{
	if (err != -ETIMEDOUT && err != -EPROTO)
		return;
	if (!iosm_coredump_end_quietly(flash))
		flash->torn = false;
}

static int iosm_coredump_take(struct iosm_flash *flash, unsigned int index, u8 *data)
{
	bool last = index + 1 == flash->dump_count;
	int ret;

	if (index >= flash->dump_count) {
		NL_SET_ERR_MSG_MOD(flash->extack, "the core dump has no such file, or was ended");
		return -ENODATA;
	}
	if (iosm_modem_stage(flash->modem) != IOSM_STAGE_PSI) {
		NL_SET_ERR_MSG_MOD(flash->extack, "the modem is not in its first boot loader, PSI");
		return -EBUSY;
	}
	ret = iosm_coredump_get(flash, index, data);
	if (ret)
		iosm_coredump_give_up(flash, ret);
	else if (last && iosm_coredump_end_quietly(flash))
		/* The file is complete all the same. */
		dev_dbg(flash->modem->dev, "flash: core dump not ended in good order\n");
	return ret;
}

/**
 * iosm_coredump_fetch() - fetch a file of the core dump
 * @flash: of the modem
 * @index: of the file, less than IOSM_COREDUMPS
 * @data: for the file: as many bytes as its kind says, zeros; those that the modem does
 *	not have stay zero
 * @extack: for words to the user, may be NULL
 *
 * After the last file of the list, and after a failure, the modem is told that the dump
 * is over, and no file is available any more.
 *
 * Context: process, may sleep up to half a minute, and ten minutes for a large file.
 * Implements protocol.rst 7.6.3.
 * Return: 0; -ENODATA: there is no such file; -EBUSY: no PSI runs; -ENOMEM; -ETIMEDOUT;
 * -EINTR; -ENODEV: no modem, or it left the loader; -EPROTO: wrong length of an answer;
 * -EIO: the loader failed.
 */
int iosm_coredump_fetch(struct iosm_flash *flash, unsigned int index, u8 *data,
			struct netlink_ext_ack *extack)
{
	int ret;

	ret = iosm_flash_want_loader(flash, extack);
	if (ret)
		return ret;
	ret = iosm_flash_begin(flash, NULL, extack);
	if (ret)
		return ret;
	ret = iosm_coredump_take(flash, index, data);
	iosm_flash_end(flash);
	return ret;
}
