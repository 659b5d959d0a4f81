/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A boot loader in miniature: the device side of the flash channel, on top of the modem of
 * iosm_kunit_bus.h. It speaks the languages of PSI and EBL (protocol.rst 7.4 to 7.6) and
 * remembers every element that it is sent.
 *
 * What it says can be spoiled at any one element, counted over a conversation.
 */
#ifndef IOSM_FLASH_FIXTURE_H
#define IOSM_FLASH_FIXTURE_H

#include <kunit/test.h>
#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "../iosm_ipc_flash_parts.h"
#include "iosm_kunit_bus.h"

/* protocol.rst 2.2 */
#define STAGE_BOOT	0xfeedb007
#define STAGE_PSI	0xfeedbeef
#define STAGE_EBL	0xfeedcafe
#define STAGE_RUN	0x600df00d
#define STAGE_CRASH	0x8badf00d

#define LOADER_HEARD	64	/* elements that are remembered */
#define LOADER_HEAD	80	/* bytes of each */
#define LOADER_STATUS	64

#define EBL_BYTES	5000
#define PACK_BYTES	10
#define REGION_BYTES	200000
#define REGION_ADDRESS	0x00100000
#define TOKEN		0x12345678

/**
 * enum loader_fault - what the loader does at one element
 * @FAULT_NONE: nothing special
 * @FAULT_SHORT: one byte less
 * @FAULT_LONG: one byte more
 * @FAULT_EMPTY: a TD with nothing in it
 * @FAULT_SILENT: nothing, from now on
 * @FAULT_CRASH: it crashes
 * @FAULT_SIGNAL: nothing, and a signal comes to who waits for it
 * @FAULT_UNBIND: nothing, and the core is stopped
 * @FAULT_TWICE: it says it twice
 * @FAULT_REFUSE: a header with the error id, and an error in the payload
 */
enum loader_fault {
	FAULT_NONE,
	FAULT_SHORT,
	FAULT_LONG,
	FAULT_EMPTY,
	FAULT_SILENT,
	FAULT_CRASH,
	FAULT_SIGNAL,
	FAULT_UNBIND,
	FAULT_TWICE,
	FAULT_REFUSE,
};

/**
 * enum loader_ear - what the loader expects next
 * @HEAR_COMMAND: 8 bytes for PSI
 * @HEAR_LENGTH: of the EBL
 * @HEAR_EBL: the EBL itself
 * @HEAR_HEADER: of a packet
 * @HEAR_PAYLOAD: of a packet
 * @HEAR_RAW: raw data
 */
enum loader_ear {
	HEAR_COMMAND,
	HEAR_LENGTH,
	HEAR_EBL,
	HEAR_HEADER,
	HEAR_PAYLOAD,
	HEAR_RAW,
};

/**
 * struct loader_element - something that the loader was sent
 * @len: bytes
 * @head: the first of them
 */
struct loader_element {
	u32 len;
	u8 head[LOADER_HEAD];
};

/**
 * struct loader - the modem in its boot ROM or a loader, and who talks to it
 * @test: whose
 * @fake: the modem
 * @modem: the core
 * @flash: what is tested
 * @extack: of the conversation
 * @progress: of the conversation
 * @status: messages and components, in order
 * @status_count: how many
 * @observer: counts failures
 * @failures: reported
 * @talker: who gets the signal
 * @unbind: stops the core
 * @content: of all images, REGION_BYTES of them
 * @rom_result: what the boot ROM says of the PSI
 * @loaded: it has loaded one
 * @greets: the PSI has not said yet that it runs
 * @ack: how it does that
 * @record: capability record
 * @list: of files of the core dump, 4096 bytes
 * @file_size: of the file that is fetched
 * @chunk: bytes of the chunks of a file
 * @busy: answers of "busy" to the erase check
 * @erase_result: what it says then
 * @stuck: the EBL does not start
 * @fault: what is done
 * @fault_at: at this element of what the loader says, counted from 0
 * @said: elements
 * @dumb: it says nothing any more
 * @hear: for a test that listens before it does
 * @ear: what it expects
 * @id: of the packet
 * @want: bytes that are expected
 * @heard: what it was sent
 * @heard_count: how much
 * @expected: how much of that the test has compared
 * @raw: raw data that came
 * @wrong: what it was sent is not what it expects
 * @lock: of @out
 * @out: what waits for a buffer
 */
struct loader {
	struct kunit *test;
	struct iosm_fake *fake;
	struct iosm_modem *modem;
	struct iosm_flash *flash;

	struct netlink_ext_ack extack;
	struct iosm_flash_progress progress;
	char status[LOADER_STATUS][64];
	unsigned int status_count;
	struct iosm_observer observer;
	unsigned int failures;
	struct task_struct *talker;
	struct work_struct unbind;

	u8 *content;
	u32 rom_result;
	bool loaded;
	bool greets;
	u8 ack[2];
	u8 record[76];
	u8 *list;
	u32 file_size;
	u32 chunk;
	unsigned int busy;
	u16 erase_result;
	bool stuck;

	enum loader_fault fault;
	unsigned int fault_at;
	unsigned int said;
	bool dumb;

	void (*hear)(struct iosm_fake *fake, unsigned int pipe, const u8 *data, u32 len);
	enum loader_ear ear;
	u16 id;
	u32 want;
	struct loader_element heard[LOADER_HEARD];
	unsigned int heard_count;
	unsigned int expected;
	u32 raw;
	bool wrong;

	spinlock_t lock;	/* @out */
	struct list_head out;
};

struct loader *loader_create(struct kunit *test);
void loader_start(struct loader *t, u32 stage, enum iosm_state state);
void loader_reset(struct loader *t, u32 stage);
void loader_say(struct loader *t, const void *data, u32 len);
void loader_list(struct loader *t, unsigned int count, const u32 *sizes);

#endif /* IOSM_FLASH_FIXTURE_H */
