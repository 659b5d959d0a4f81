/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the parts of the conversation with the loaders share: its state, and the link,
 * which is in iosm_ipc_flash_link.c. What is said is in iosm_ipc_flash.c and
 * iosm_ipc_coredump.c.
 *
 * Readers: these three files, and the KUnit suite iosm_flash.
 */
#ifndef IOSM_IPC_FLASH_PARTS_H
#define IOSM_IPC_FLASH_PARTS_H

#include <linux/mutex.h>
#include <linux/netlink.h>
#include <linux/wait.h>

#include "iosm_ipc_flash.h"
#include "iosm_ipc_imem.h"

/* Milliseconds: for each element, both ways; for all of an erasure; for a file, and more */
#define IOSM_FLASH_TIMEOUT		3000
#define IOSM_FLASH_ERASE_TIMEOUT	30000
#define IOSM_FLASH_DUMP_TIMEOUT		30000
/* ... for each so many bytes of the file, a millisecond */
#define IOSM_FLASH_DUMP_RATE		512

/**
 * struct iosm_flash_buffer - one element on its way to the modem
 * @data: coherent memory
 * @dma: its bus address
 * @len: its length, bytes
 */
struct iosm_flash_buffer {
	void *data;
	dma_addr_t dma;
	u32 len;
};

/**
 * struct iosm_flash - what we have to do with the loaders of one modem
 * @modem: whose
 * @mutex: held for a whole conversation; protects all that follows but @closing, @wait
 *	and @buffers. The state work takes it to close the channel, so nobody who holds it waits
 *	for the state work
 * @channel: to the loader, while @open
 * @open: there is a session
 * @closing: it ends: conversations must, too
 * @wait: woken by the poll, and when @closing is set
 * @buffers: that were allocated and not yet freed
 * @timeout: for each element, milliseconds; IOSM_FLASH_TIMEOUT but for the unit tests
 * @erase_timeout: for an erasure, milliseconds
 * @dump_timeout: for a file of a core dump, without what its size adds, milliseconds
 * @progress: of the conversation, may be NULL
 * @extack: of the conversation, may be NULL
 * @answer: of the conversation: IOSM_EBL_PAYLOAD_MAX bytes for what the loader says
 * @doing: what is being done, for the log
 * @torn: the conversation ended in the middle
 * @erased: the whole flash was erased in this session
 * @spoiled: it was us who ended the session
 * @unasked: units that nobody had asked for, in this session
 * @dump_count: files of the core dump, 0 if there is none
 * @dump_sizes: their sizes, bytes
 */
struct iosm_flash {
	struct iosm_modem *modem;
	struct mutex mutex;	/* one conversation at a time */
	struct iosm_channel channel;
	bool open;
	bool closing;
	wait_queue_head_t wait;
	atomic_t buffers;
	unsigned int timeout;
	unsigned int erase_timeout;
	unsigned int dump_timeout;

	struct iosm_flash_progress *progress;
	struct netlink_ext_ack *extack;
	u8 *answer;
	const char *doing;
	bool torn;

	bool erased;
	bool spoiled;
	u64 unasked;
	unsigned int dump_count;
	u32 dump_sizes[IOSM_COREDUMPS];
};

/* The link */
int iosm_flash_begin(struct iosm_flash *flash, struct iosm_flash_progress *progress,
		     struct netlink_ext_ack *extack);
void iosm_flash_end(struct iosm_flash *flash);
int iosm_flash_tear(struct iosm_flash *flash, int err);
int iosm_flash_ask(struct iosm_flash *flash, const char *doing);
int iosm_flash_pause(struct iosm_flash *flash, unsigned int ms);
int iosm_flash_prepare(struct iosm_flash *flash, struct iosm_flash_buffer *buffer,
		       const void *data, u32 len);
void iosm_flash_discard(struct iosm_flash *flash, struct iosm_flash_buffer *buffer);
void iosm_flash_drop_unasked(struct iosm_flash *flash);
void iosm_flash_post(struct iosm_flash *flash, struct iosm_flash_buffer *buffer);
int iosm_flash_await_sent(struct iosm_flash *flash, unsigned int left);
int iosm_flash_write(struct iosm_flash *flash, const void *data, u32 len);
int iosm_flash_read(struct iosm_flash *flash, void *data, u32 max);
int iosm_flash_read_exact(struct iosm_flash *flash, void *data, u32 len);

/* The language of PSI */
int iosm_flash_command(struct iosm_flash *flash, enum iosm_rpsi_command command, u32 parameter,
		       const char *doing);
int iosm_flash_want_loader(struct iosm_flash *flash, struct netlink_ext_ack *extack);
void iosm_flash_status(struct iosm_flash *flash, const char *message, const char *component,
		       unsigned long done, unsigned long total);

/* Core dumps; a conversation has begun */
int iosm_coredump_list(struct iosm_flash *flash);

#endif /* IOSM_IPC_FLASH_PARTS_H */
