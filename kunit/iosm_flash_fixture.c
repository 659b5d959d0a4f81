// SPDX-License-Identifier: GPL-2.0-only
/*
 * A boot loader in miniature, see iosm_flash_fixture.h. Numbers are taken from
 * protocol.rst, not from the driver's headers.
 */

#include "iosm_flash_fixture.h"

#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/unaligned.h>

#include "../iosm_ipc_clients.h"

#define PIPE_UL	0
#define PIPE_DL	1

/**
 * struct loader_unit - something that the loader says
 * @list: in the order of saying
 * @len: bytes, may be 0
 * @data: the bytes
 */
struct loader_unit {
	struct list_head list;
	u32 len;
	u8 data[];
};

/* ---- Mouth ---- */

static bool loader_give(struct loader *t, struct loader_unit *unit)
{
	if (!unit->len)
		return iosm_fake_complete(t->fake, PIPE_DL, 0, 2);
	return iosm_fake_send(t->fake, PIPE_DL, unit->data, unit->len);
}

/* As much as there are buffers for. */
static void loader_speak(struct loader *t)
{
	struct loader_unit *unit, *next;
	unsigned long flags;
	bool any = false;

	spin_lock_irqsave(&t->lock, flags);
	list_for_each_entry_safe(unit, next, &t->out, list) {
		if (!loader_give(t, unit))
			break;
		list_del(&unit->list);
		kfree(unit);
		any = true;
	}
	spin_unlock_irqrestore(&t->lock, flags);
	if (any)
		iosm_fake_interrupt(t->fake);
}

static void loader_queue(struct loader *t, const void *data, u32 copied, u32 len)
{
	struct loader_unit *unit;
	unsigned long flags;

	unit = kzalloc(struct_size(unit, data, len), GFP_ATOMIC);
	if (!unit)
		return;
	unit->len = len;
	memcpy(unit->data, data, min(copied, len));
	spin_lock_irqsave(&t->lock, flags);
	list_add_tail(&unit->list, &t->out);
	spin_unlock_irqrestore(&t->lock, flags);
	loader_speak(t);
}

static void loader_misbehave(struct loader *t, const void *data, u32 len)
{
	switch (t->fault) {
	case FAULT_NONE:
	case FAULT_REFUSE:
		loader_queue(t, data, len, len);
		break;
	case FAULT_SHORT:
		loader_queue(t, data, len, len - 1);
		break;
	case FAULT_LONG:
		loader_queue(t, data, len, len + 1);
		break;
	case FAULT_EMPTY:
		loader_queue(t, data, 0, 0);
		break;
	case FAULT_TWICE:
		loader_queue(t, data, len, len);
		loader_queue(t, data, len, len);
		break;
	case FAULT_SILENT:
		t->dumb = true;
		break;
	case FAULT_CRASH:
		t->dumb = true;
		iosm_fake_crash(t->fake);
		break;
	case FAULT_SIGNAL:
		t->dumb = true;
		send_sig(SIGTERM, t->talker, 0);
		break;
	case FAULT_UNBIND:
		t->dumb = true;
		schedule_work(&t->unbind);
		break;
	}
}

/**
 * loader_say() - say something, as soon as there is a buffer
 * @t: the loader
 * @data: what
 * @len: bytes
 */
void loader_say(struct loader *t, const void *data, u32 len)
{
	unsigned int element = t->said++;

	if (t->dumb)
		return;
	if (element == t->fault_at)
		loader_misbehave(t, data, len);
	else
		loader_queue(t, data, len, len);
}

static void loader_nod(struct loader *t)
{
	loader_say(t, "\x12\x34", 2);
}

/* ---- EBL ---- */

static void loader_respond(struct loader *t, const void *payload, u32 len)
{
	bool refuse = t->fault == FAULT_REFUSE && t->said == t->fault_at;
	u32 size = t->id == 0x0086 ? 2048 : 16384;
	u8 header[8] = {};
	u8 *data;

	t->ear = HEAR_HEADER;
	data = kzalloc(size, GFP_ATOMIC);
	if (!data)
		return;
	if (refuse) {
		/* Second entry of the list: class 0x0102, code 0x0304 */
		memcpy(data + 4, "\x02\x01\x04\x03", 4);
	} else if (len) {
		memcpy(data, payload, len);
	}
	put_unaligned_le16(refuse ? 0x0041 : t->id, header + 2);
	put_unaligned_le32(size, header + 4);
	loader_say(t, header, sizeof(header));
	loader_say(t, data, size);
	kfree(data);
}

static void loader_packet(struct loader *t, const u8 *payload)
{
	u8 swid[76] = {};
	u8 answer[4];

	switch (t->id) {
	case 0x0806:
		put_unaligned_le16(t->busy ? 0 : t->erase_result, answer);
		t->busy -= !!t->busy;
		loader_respond(t, answer, 2);
		break;
	case 0x080c:
		put_unaligned_le32(TOKEN, answer);
		loader_respond(t, answer, 4);
		break;
	case 0x080e:
		put_unaligned_le32(1, swid);
		put_unaligned_le32(0xabc123, swid + 36);
		put_unaligned_le32(0x77, swid + 72);
		loader_respond(t, swid, sizeof(swid));
		break;
	case 0x080f:
		t->ear = HEAR_RAW;
		t->want = get_unaligned_le32(payload);
		t->raw = 0;
		break;
	default:
		loader_respond(t, NULL, 0);
		break;
	}
}

static void loader_hear_raw(struct loader *t, const u8 *data, u32 len)
{
	if (len > t->want - t->raw || memcmp(data, t->content + t->raw, len)) {
		t->wrong = true;
		return;
	}
	t->raw += len;
	if (t->raw == t->want)
		loader_respond(t, NULL, 0);
}

/* ---- PSI ---- */

static void loader_send_file(struct loader *t)
{
	u32 done, len;

	for (done = 0; done < t->file_size; done += len) {
		len = min(t->chunk, t->file_size - done);
		loader_say(t, t->content + done, len);
	}
}

static void loader_command(struct loader *t, u16 command)
{
	switch (command) {
	case 0x0002:
		t->ear = HEAR_LENGTH;
		loader_nod(t);
		break;
	case 0x0010:
	case 0x0012:
		loader_say(t, t->list, 4096);
		break;
	case 0x0011:
		loader_send_file(t);
		break;
	default:
		t->wrong = true;
		break;
	}
}

static void loader_start_ebl(struct loader *t, const u8 *data)
{
	t->wrong |= memcmp(data, t->content, t->want) != 0;
	if (!t->stuck)
		iosm_fake_set_stage(t->fake, STAGE_EBL);
	t->ear = HEAR_HEADER;
	loader_nod(t);
	loader_say(t, t->record, sizeof(t->record));
}

/* ---- Ear ---- */

static u32 loader_expected(struct loader *t, u32 len)
{
	switch (t->ear) {
	case HEAR_COMMAND:
	case HEAR_HEADER:
		return 8;
	case HEAR_LENGTH:
		return 4;
	case HEAR_EBL:
	case HEAR_PAYLOAD:
		return t->want;
	default:
		return len;
	}
}

static void loader_understand(struct loader *t, const u8 *data, u32 len)
{
	switch (t->ear) {
	case HEAR_COMMAND:
		loader_command(t, get_unaligned_le16(data + 4));
		break;
	case HEAR_LENGTH:
		t->ear = HEAR_EBL;
		t->want = get_unaligned_le32(data);
		loader_nod(t);
		break;
	case HEAR_EBL:
		loader_start_ebl(t, data);
		break;
	case HEAR_HEADER:
		t->ear = HEAR_PAYLOAD;
		t->id = get_unaligned_le16(data + 2);
		t->want = get_unaligned_le32(data + 4);
		break;
	case HEAR_PAYLOAD:
		loader_packet(t, data);
		break;
	case HEAR_RAW:
		loader_hear_raw(t, data, len);
		break;
	}
}

static void loader_hear(struct iosm_fake *fake, unsigned int pipe, const u8 *data, u32 len)
{
	struct loader *t = fake->priv;

	if (pipe != PIPE_UL)
		return;
	if (t->heard_count < LOADER_HEARD) {
		struct loader_element *element = &t->heard[t->heard_count];

		element->len = len;
		memcpy(element->head, data, min_t(u32, len, LOADER_HEAD));
	}
	t->heard_count++;
	if (len != loader_expected(t, len))
		t->wrong = true;
	else
		loader_understand(t, data, len);
}

static void loader_head(struct iosm_fake *fake)
{
	struct loader *t = fake->priv;

	if (t->greets) {
		t->greets = false;
		loader_say(t, t->ack, sizeof(t->ack));
	}
	loader_speak(t);
}

/* ---- Boot ROM ---- */

static u32 loader_load(struct iosm_fake *fake, const u8 *image, u32 len)
{
	struct loader *t = fake->priv;

	t->wrong |= !image || memcmp(image, t->content, len);
	t->loaded = true;
	return t->rom_result;
}

static u32 loader_control(struct iosm_fake *fake, const struct iosm_fake_request *request)
{
	struct loader *t = fake->priv;

	/* A PSI that we load says that it runs when it is told of the first buffers. */
	if (request->type == 0x01 && request->arg == PIPE_DL) {
		t->greets = t->loaded;
		t->loaded = false;
	}
	return IOSM_FAKE_OK;
}

/* ---- Life ---- */

static const struct iosm_client *const loader_clients[] = { &iosm_flash_client, NULL };

static void loader_count_failure(struct iosm_observer *observer, const char *why)
{
	container_of(observer, struct loader, observer)->failures++;
}

static void loader_moved(struct iosm_observer *observer, enum iosm_state to)
{
}

static void loader_note(struct iosm_flash_progress *progress, const char *message,
			const char *component, unsigned long done, unsigned long total)
{
	struct loader *t = container_of(progress, struct loader, progress);

	if (t->status_count < LOADER_STATUS)
		snprintf(t->status[t->status_count], sizeof(t->status[0]), "%s|%s|%lu/%lu",
			 message, component ?: "-", done, total);
	t->status_count++;
}

static void loader_unbind(struct work_struct *work)
{
	iosm_modem_stop(container_of(work, struct loader, unbind)->modem);
}

static void loader_shut_up(struct loader *t)
{
	struct loader_unit *unit, *next;
	unsigned long flags;

	spin_lock_irqsave(&t->lock, flags);
	list_for_each_entry_safe(unit, next, &t->out, list) {
		list_del(&unit->list);
		kfree(unit);
	}
	spin_unlock_irqrestore(&t->lock, flags);
}

/* After the core was destroyed. */
static void loader_destroy(void *data)
{
	struct loader *t = data;

	loader_shut_up(t);
	if (!t->flash)
		return;
	KUNIT_EXPECT_EQ_MSG(t->test, atomic_read(&t->flash->buffers), 0, "lost buffers");
	KUNIT_EXPECT_FALSE_MSG(t->test, t->wrong, "the loader did not understand");
	iosm_flash_destroy(t->flash);
}

/**
 * loader_list() - make a list of files of a core dump
 * @t: the loader
 * @count: number of files that it tells
 * @sizes: of files, at most six of them
 */
void loader_list(struct loader *t, unsigned int count, const u32 *sizes)
{
	unsigned int i;

	memset(t->list, 0, 4096);
	put_unaligned_le32(count, t->list + 4);
	for (i = 0; i < min(count, 6U); i++) {
		put_unaligned_le32(sizes[i], t->list + 8 + 36 * i);
		snprintf(t->list + 12 + 36 * i, 32, "file%u", i);
	}
}

/**
 * loader_reset() - be in a stage, with nothing left of earlier conversations
 * @t: the loader
 * @stage: which
 */
void loader_reset(struct loader *t, u32 stage)
{
	loader_shut_up(t);
	t->fault = FAULT_NONE;
	t->said = 0;
	t->dumb = false;
	t->loaded = false;
	t->greets = false;
	t->ear = stage == STAGE_EBL ? HEAR_HEADER : HEAR_COMMAND;
	t->heard_count = 0;
	t->expected = 0;
	t->status_count = 0;
	t->busy = 0;
	t->erase_result = 1;
	t->extack._msg = NULL;
	t->flash->timeout = IOSM_FAKE_NO_TIMEOUT;
	iosm_fake_reboot(t->fake, stage);
}

/**
 * loader_create() - make a modem that may be flashed; nothing runs yet
 * @test: whose
 *
 * Return: it; the test ends if that fails.
 */
struct loader *loader_create(struct kunit *test)
{
	struct loader *t;
	unsigned int i;
	int ret;

	t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, t);
	t->test = test;
	spin_lock_init(&t->lock);
	INIT_LIST_HEAD(&t->out);
	INIT_WORK(&t->unbind, loader_unbind);
	t->content = kunit_kmalloc(test, REGION_BYTES, GFP_KERNEL);
	t->list = kunit_kzalloc(test, 4096, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, t->content);
	KUNIT_ASSERT_NOT_NULL(test, t->list);
	memset(t->content, 0x11, PACK_BYTES);
	for (i = PACK_BYTES; i < REGION_BYTES; i++)
		t->content[i] = i * 13 + (i >> 8);

	t->talker = current;
	t->chunk = 60000;
	t->ack[1] = 0xaa;
	t->rom_result = 0x01;
	t->record[50] = 0x01;
	t->record[54] = 0x01;
	t->record[55] = 0x01;
	t->record[64] = 0x28;
	t->record[70] = 0x02;
	t->progress.status = loader_note;
	t->observer.failure = loader_count_failure;
	t->observer.moved = loader_moved;

	t->fake = iosm_fake_create(test, IOSM_PCI_DEVICE_7560);
	t->fake->priv = t;
	t->fake->uplink = loader_hear;
	t->fake->on_head = loader_head;
	t->fake->load = loader_load;
	t->fake->control = loader_control;
	ret = kunit_add_action_or_reset(test, loader_destroy, t);
	KUNIT_ASSERT_EQ(test, ret, 0);
	t->modem = iosm_fake_modem(t->fake, loader_clients);
	iosm_modem_observe(t->modem, &t->observer);
	t->flash = iosm_flash_create(t->modem);
	if (IS_ERR(t->flash))
		t->flash = NULL;
	KUNIT_ASSERT_NOT_NULL(test, t->flash);
	return t;
}

/**
 * loader_start() - start the core
 * @t: the loader
 * @stage: where the modem is
 * @state: that the core gets into
 */
void loader_start(struct loader *t, u32 stage, enum iosm_state state)
{
	loader_reset(t, stage);
	iosm_modem_start(t->modem);
	iosm_fake_await(t->fake, state);
}
