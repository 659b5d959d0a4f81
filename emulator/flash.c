// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a loader says on pipes 0 and 1.
 *
 *	PSI:  COMMAND --load EBL--> LENGTH --> IMAGE --.
 *	         ^  '- core dump -'                    |
 *	EBL:                        .------------------'
 *	                            v
 *	                          HEADER <--> PAYLOAD --raw image--> RAW
 *	                            ^-----------------------------'
 *
 * Each step is one uplink TD, which the rings have completed by then. What the
 * host says is held against the protocol; what it wants from the flash memory
 * and the core dump is done.
 */
#include <stdlib.h>
#include <string.h>

#include "coredump.h"
#include "critic.h"
#include "fault.h"
#include "flash.h"
#include "log.h"
#include "nand.h"

#define CHUNKS		2
#define SWID_TOKEN	76u
#define SWID		0x57494453u
#define RF_ENGINE_ID	0x00a1b2c3u
#define LIST_ENTRY	36
#define LIST_NAME	32

/* What a modem that has nothing to complain about answers. */
static const uint8_t ack_healthy[ACK_SIZE] = { 0x00, 0xaa };
static const uint8_t ack_dump[ACK_SIZE] = { 0x00, 0xcd };

struct flash_unit {
	struct flash_unit *next;
	size_t len;
	uint8_t bytes[];
};

/*
 * Answers.
 */

static void drop_late(struct flash *flash)
{
	loop_timer_cancel(&flash->late);
	while (flash->first) {
		struct flash_unit *unit = flash->first;

		flash->first = unit->next;
		free(unit);
	}
	flash->last = &flash->first;
}

static void hand_out(struct flash *flash, const uint8_t *data, size_t len)
{
	if (!function_send(&flash->fn, data, len))
		log_warn("flash: unit of %zu bytes not sent", len);
}

/* What is behind a late answer waits for it. */
static void put(struct flash *flash, const uint8_t *data, size_t len)
{
	struct flash_unit *unit;

	if (!flash->late.armed) {
		hand_out(flash, data, len);
		return;
	}
	unit = malloc(sizeof(*unit) + len);
	if (!unit) {
		log_error("flash: out of memory, unit dropped");
		return;
	}
	unit->next = NULL;
	unit->len = len;
	if (len)
		memcpy(unit->bytes, data, len);
	*flash->last = unit;
	flash->last = &unit->next;
}

static void delay(struct flash *flash, uint64_t us)
{
	if (us)
		loop_timer_arm(&flash->late, us);
}

/* Too short or too long. */
static void put_resized(struct flash *flash, const uint8_t *data, size_t len,
			const struct fault_answer *answer)
{
	size_t keep = len > answer->shorter ? len - answer->shorter : 0;
	size_t size = keep + answer->longer;
	uint8_t *bytes = calloc(1, size + 1);

	if (!bytes) {
		log_error("flash: out of memory, unit dropped");
		return;
	}
	memcpy(bytes, data, keep);
	put(flash, bytes, size);
	free(bytes);
}

static void give(struct flash *flash, const uint8_t *data, size_t len,
		 const struct fault_answer *answer)
{
	if (answer->ignore)
		return;
	delay(flash, answer->late_us);
	for (int i = 0; i <= answer->twice; i++) {
		if (answer->shorter || answer->longer)
			put_resized(flash, data, len, answer);
		else
			put(flash, data, len);
	}
}

/* An acknowledgement, whose two bytes a fault may replace. */
static void acknowledge(struct flash *flash, enum fault_event event,
			const uint8_t *usual)
{
	struct fault_answer answer = fault_at(flash->faults, event);
	uint8_t bytes[ACK_SIZE] = { usual[0], usual[1] };

	if (answer.bad) {
		bytes[0] = (uint8_t)(answer.value >> 8);
		bytes[1] = (uint8_t)answer.value;
	}
	give(flash, bytes, sizeof(bytes), &answer);
}

/*
 * Core dump.
 */

static uint32_t listed_size(struct flash *flash, unsigned int index)
{
	struct fault_answer answer = fault_at(flash->faults,
					      FAULT_AT_DUMP_SIZE);

	return answer.bad ? answer.value : flash->dump->size[index];
}

static void put_name(struct flash *flash, unsigned int index, uint8_t *at)
{
	struct fault_answer answer = fault_at(flash->faults,
					      FAULT_AT_DUMP_NAME);

	if (answer.bad)
		memset(at, (int)(answer.value & 0xff), LIST_NAME);
	else
		memcpy(at, coredump_names[index],
		       strlen(coredump_names[index]));
}

static void dump_list(struct flash *flash)
{
	uint8_t list[RPSI_DUMP_SIZE] = { 0 };
	struct coredump *dump = flash->dump;
	struct fault_answer answer;

	if (!dump->count)
		violation("7.6", "list of a core dump that is not there");
	for (unsigned int i = 0; i < dump->count; i++) {
		uint8_t *entry = list + 8 + i * LIST_ENTRY;

		wire_put32(entry, listed_size(flash, i));
		put_name(flash, i, entry + 4);
	}
	answer = fault_at(flash->faults, FAULT_AT_DUMP_LIST);
	wire_put32(list, 1);
	wire_put32(list + 4, answer.bad ? answer.value : dump->count);
	dump->listed = true;
	dump->lists++;
	give(flash, list, sizeof(list), &answer);
}

/* Does the host have to make room before the next one? */
static bool send_chunk(struct flash *flash)
{
	uint32_t len = flash->size - flash->sent;
	struct fault_answer answer;
	uint8_t *data;

	if (len > DUMP_CHUNK)
		len = DUMP_CHUNK;
	data = malloc(len);
	if (!data || !coredump_read(flash->dump, flash->file, flash->sent,
				    data, len)) {
		log_error("core dump: %s cannot be read",
			  coredump_names[flash->file]);
		flash->size = flash->sent;
		free(data);
		return false;
	}
	flash->sent += len;
	answer = fault_at(flash->faults, FAULT_AT_DUMP_CHUNK);
	give(flash, data, len, &answer);
	free(data);
	return !answer.ignore;
}

static void send_chunks(struct flash *flash)
{
	unsigned int count = 0;

	while (flash->sent < flash->size && count < CHUNKS &&
	       !flash->late.armed)
		count += send_chunk(flash);
}

static void dump_file(struct flash *flash, uint32_t index)
{
	struct coredump *dump = flash->dump;

	if (index >= dump->count) {
		violation("7.6.3", "file %u of a core dump of %u", index,
			  dump->count);
		return;
	}
	if (!dump->listed)
		quirk("7.6.3", 0, "file %u of a core dump that was not listed",
		      index);
	dump->fetched[index]++;
	flash->file = index;
	flash->size = dump->size[index];
	flash->sent = 0;
	send_chunks(flash);
}

static void dump_end(struct flash *flash)
{
	struct fault_answer answer = fault_at(flash->faults, FAULT_AT_DUMP_END);
	uint8_t nothing[RPSI_DUMP_SIZE] = { 0 };

	flash->dump->ended++;
	flash->dump->listed = false;
	flash->dump->present = false;
	give(flash, nothing, sizeof(nothing), &answer);
}

/*
 * PSI.
 */

static bool parameter_is(uint16_t command, uint32_t parameter, uint32_t right)
{
	if (parameter != right)
		violation("7.5.3", "command 0x%04x with parameter 0x%x",
			  command, parameter);
	return parameter == right;
}

static void take_command(struct flash *flash, const uint8_t *data, size_t len)
{
	uint32_t parameter;
	uint16_t command;
	struct fault_answer answer;

	if (len != RPSI_SIZE) {
		violation("7.5.3", "command of %zu bytes", len);
		return;
	}
	parameter = wire_get32(data);
	command = wire_get16(data + 4);
	if (wire_get16(data + 6) !=
	    ((parameter & 0xffff) ^ parameter >> 16 ^ command)) {
		violation("7.5.3", "command 0x%04x with check word 0x%04x",
			  command, wire_get16(data + 6));
		return;
	}
	trace("rpsi command=0x%04x parameter=0x%x", command, parameter);
	answer = fault_at(flash->faults, FAULT_AT_RPSI);
	if (answer.ignore)
		return;
	delay(flash, answer.late_us);
	/* A file that is on its way ends here. */
	flash->size = 0;
	flash->sent = 0;
	switch (command) {
	case RPSI_LOAD_EBL:
		if (!parameter_is(command, parameter, 0))
			break;
		flash->expect = FLASH_LENGTH;
		acknowledge(flash, FAULT_AT_EBL_LOAD, ack_healthy);
		break;
	case RPSI_DUMP_LIST:
		if (parameter_is(command, parameter, RPSI_DUMP_SIZE))
			dump_list(flash);
		break;
	case RPSI_DUMP_FILE:
		dump_file(flash, parameter);
		break;
	case RPSI_DUMP_END:
		if (parameter_is(command, parameter, RPSI_DUMP_SIZE))
			dump_end(flash);
		break;
	default:
		violation("7.5.3", "unknown command 0x%04x", command);
		break;
	}
}

static void take_length(struct flash *flash, const uint8_t *data, size_t len)
{
	if (len != 4 || !wire_get32(data)) {
		violation("7.5.4", "EBL length of %zu bytes%s", len,
			  len == 4 ? " is 0" : "");
		flash->expect = FLASH_COMMAND;
		return;
	}
	flash->length = wire_get32(data);
	flash->expect = FLASH_IMAGE;
	acknowledge(flash, FAULT_AT_EBL_LOAD, ack_healthy);
}

static void send_record(struct flash *flash)
{
	struct fault_answer answer = fault_at(flash->faults, FAULT_AT_EBL_LOAD);

	memcpy(flash->told, flash->record, sizeof(flash->told));
	if (answer.bad)
		flash->told[70] = (uint8_t)answer.value;
	give(flash, flash->told, sizeof(flash->told), &answer);
}

static void take_image(struct flash *flash, const uint8_t *data, size_t len)
{
	flash->expect = FLASH_COMMAND;
	if (len != flash->length)
		violation("7.5.4", "EBL of %zu bytes, %u were announced", len,
			  flash->length);
	trace("ebl size=%zu", len);
	if (len != flash->length || len < 4 || memcmp(data, "EBL0", 4)) {
		log_info("EBL is not accepted");
		flash->ops->refused(flash->ctx);
		return;
	}
	flash->counters.loads++;
	flash_loader(flash, true);
	flash->unconfigured = true;
	acknowledge(flash, FAULT_AT_EBL_LOAD, ack_healthy);
	send_record(flash);
	flash->ops->loaded(flash->ctx);
}

/*
 * EBL: responses.
 */

static uint16_t checksum(uint16_t id, const uint8_t *payload, size_t len)
{
	uint32_t sum = id + (uint32_t)(len >> 16) + (uint32_t)(len & 0xffff);

	for (size_t i = 0; i < len; i++)
		sum += payload[i];
	return (uint16_t)sum;
}

static void send_response(struct flash *flash, uint16_t id,
			  const uint8_t *payload, size_t size,
			  const struct fault_answer *answer)
{
	struct fault_answer of_header = fault_at(flash->faults,
						 FAULT_AT_RESPONSE_HEADER);
	uint16_t sum = checksum(id, payload, size);
	uint8_t header[EBL_HEADER];

	wire_put16(header, answer->wrong_checksum ? sum ^ 0x5555u : sum);
	wire_put16(header + 2, id);
	wire_put32(header + 4, (uint32_t)size);
	give(flash, header, sizeof(header), &of_header);
	if (answer->shorter || answer->longer)
		put_resized(flash, payload, size, answer);
	else
		put(flash, payload, size);
}

/* Entries of a class and a code each. */
static void put_errors(uint8_t *payload)
{
	wire_put16(payload, 3);
	wire_put16(payload + 2, 0x0102);
	wire_put16(payload + 4, 7);
	wire_put16(payload + 6, 0x0021);
}

/* Was it one without an error? Then what it answers is done. */
static bool respond(struct flash *flash, const void *data, size_t len,
		    bool error)
{
	struct fault_answer answer = fault_at(flash->faults, FAULT_AT_RESPONSE);
	uint8_t payload[EBL_PAYLOAD_MAX] = { 0 };
	uint16_t id = flash->id;
	size_t size = id == EBL_CONFIGURE ? EBL_CONFIGURE_MAX : EBL_PAYLOAD_MAX;

	error |= answer.error;
	if (answer.ignore)
		return !error;
	delay(flash, answer.late_us);
	if (len)
		memcpy(payload, data, len);
	if (error) {
		id = EBL_ERROR;
		put_errors(payload);
	}
	if (answer.wrong_id)
		id ^= 0x0100;
	if (answer.bad)
		wire_put32(payload, answer.value);
	for (int i = 0; i <= answer.twice; i++)
		send_response(flash, id, payload, size, &answer);
	return !error;
}

static bool respond_done(struct flash *flash)
{
	return respond(flash, NULL, 0, false);
}

static void respond_error(struct flash *flash)
{
	respond(flash, NULL, 0, true);
}

/*
 * EBL: requests.
 */

/* What the host has to make of the record [7.5.4]. */
static void check_record(const struct flash *flash, const uint8_t *data)
{
	uint8_t right[EBL_RECORD_SIZE], out_of_session = data[64];

	memcpy(right, flash->told, sizeof(right));
	right[54] = 0;
	right[55] = 0;
	if (right[50] & 1) {
		right[57] = 1;
		/* One of the two bits, depending on what the user wants. */
		if (out_of_session == (right[64] & ~0x08) ||
		    out_of_session == (right[64] & ~0x20))
			right[64] = out_of_session;
	}
	for (unsigned int i = 0; i < EBL_RECORD_SIZE; i++) {
		if (data[i] != right[i])
			violation("7.5.4",
				  "byte %u of the record is 0x%02x, not 0x%02x",
				  i, data[i], right[i]);
	}
}

static void run_configure(struct flash *flash, const uint8_t *data)
{
	if (!flash->unconfigured)
		violation("7.5.4", "protocol configuration without a record");
	else
		check_record(flash, data);
	flash->unconfigured = false;
	respond_done(flash);
}

static void run_security_start(struct flash *flash, const uint8_t *data)
{
	(void)data;
	if (!respond_done(flash))
		return;
	flash->secured = true;
	flash->ending = false;
	flash->ops->unfinished(flash->ctx);
}

static void check_zeroes(const struct flash *flash, const uint8_t *data)
{
	if (data[0] || data[1])
		violation("7.5.5", "packet 0x%04x with bytes %02x %02x",
			  flash->id, data[0], data[1]);
}

static void run_security_end(struct flash *flash, const uint8_t *data)
{
	check_zeroes(flash, data);
	if (!respond_done(flash))
		return;
	flash->secured = false;
	flash->ending = flash->worked;
	if (flash->ending)
		flash->ops->finished(flash->ctx);
}

static void run_set_address(struct flash *flash, const uint8_t *data)
{
	flash->address = wire_get32(data);
	flash->addressed = respond(flash, NULL, 0,
				   !nand_fits(flash->nand, flash->address, 1));
}

static void begin_erase(struct flash *flash, uint64_t start, uint64_t len)
{
	trace("erase start=0x%llx len=0x%llx", (unsigned long long)start,
	      (unsigned long long)len);
	if (!nand_erase(flash->nand, start, len)) {
		respond_error(flash);
		return;
	}
	flash->busy = 1;
	flash->erasing = respond_done(flash);
}

static void run_erase_start(struct flash *flash, const uint8_t *data)
{
	uint32_t start = wire_get32(data), end = wire_get32(data + 4);
	/* A payload of one byte ends before it starts. */
	uint32_t len = end - start + 2;

	if (!len || len > EBL_ERASE_MAX)
		violation("7.5.5", "erase from 0x%x to 0x%x", start, end);
	begin_erase(flash, start, len);
}

static void run_erase_check(struct flash *flash, const uint8_t *data)
{
	struct fault_answer answer = fault_at(flash->faults,
					      FAULT_AT_ERASE_CHECK);
	uint8_t state[2];

	check_zeroes(flash, data);
	if (!flash->erasing)
		violation("7.5.6", "erase check, and nothing is erased");
	wire_put16(state, answer.bad ? answer.value & 0xffff :
			  !answer.busy && !flash->busy);
	if (answer.bad) {
		/* One that failed is over. */
		flash->erasing &= !answer.value;
	} else if (!answer.busy) {
		flash->erasing = flash->busy;
		if (flash->busy)
			flash->busy--;
	}
	respond(flash, state, sizeof(state), false);
}

static void run_control(struct flash *flash, const uint8_t *data)
{
	uint32_t action = wire_get32(data), type = wire_get32(data + 4);
	uint32_t length = wire_get32(data + 8), argument = wire_get32(data + 12);
	uint8_t token[4];

	wire_put32(token, SWID_TOKEN);
	if (action == EBL_ACTION_READ && type == EBL_TYPE_SWID && !length &&
	    !argument) {
		respond(flash, token, sizeof(token), false);
	} else if (action == EBL_ACTION_ERASE && type == EBL_TYPE_FLASH &&
		   length == UINT32_MAX && !argument) {
		begin_erase(flash, 0, flash->nand->size);
	} else {
		violation("7.5.5", "out-of-session control %u, %u, %u, %u",
			  action, type, length, argument);
		respond_error(flash);
	}
}

static void run_control_read(struct flash *flash, const uint8_t *data)
{
	static const char first[] = "SWID_EMULATOR", second[] = "RF_ENGINE";
	uint8_t table[76] = { 1 };

	if (wire_get32(data) != SWID_TOKEN) {
		violation("7.5.4", "out-of-session read of 0x%x, not 0x%x",
			  wire_get32(data), SWID_TOKEN);
		respond_error(flash);
		return;
	}
	memcpy(table + 4, first, sizeof(first));
	wire_put32(table + 36, SWID);
	memcpy(table + 40, second, sizeof(second));
	wire_put32(table + 72, RF_ENGINE_ID);
	respond(flash, table, sizeof(table), false);
}

static void run_raw(struct flash *flash, const uint8_t *data)
{
	flash->raw_length = wire_get32(data);
	flash->raw_done = 0;
	if (!flash->addressed)
		violation("7.5.6", "raw image without an address");
	if (!flash->raw_length) {
		violation("7.5.6", "raw image of no size");
		respond_error(flash);
		return;
	}
	flash->expect = FLASH_RAW;
}

/*
 * Sizes of the payload; does it need security start, and may it come while
 * something is being erased?
 */
static const struct {
	uint16_t id;
	uint32_t min, max;
	bool secured;
	void (*run)(struct flash *flash, const uint8_t *data);
} packets[FLASH_PACKETS] = {
	{ EBL_CONFIGURE, EBL_RECORD_SIZE, EBL_RECORD_SIZE, false,
	  run_configure },
	{ EBL_SECURITY_START, 1, EBL_PAYLOAD_MAX, false, run_security_start },
	{ EBL_SECURITY_END, 2, 2, true, run_security_end },
	{ EBL_SET_ADDRESS, 4, 4, true, run_set_address },
	{ EBL_ERASE_START, 8, 8, true, run_erase_start },
	{ EBL_ERASE_CHECK, 2, 2, false, run_erase_check },
	{ EBL_CONTROL, 16, 16, false, run_control },
	{ EBL_CONTROL_READ, 4, 4, false, run_control_read },
	{ EBL_RAW, 4, 4, true, run_raw },
};

uint16_t flash_packet_id(unsigned int index)
{
	return packets[index].id;
}

static unsigned int find_packet(uint16_t id)
{
	unsigned int i = 0;

	while (i < FLASH_PACKETS && packets[i].id != id)
		i++;
	return i;
}

static void take_header(struct flash *flash, const uint8_t *data, size_t len)
{
	if (len != EBL_HEADER) {
		violation("7.5.5", "packet header of %zu bytes", len);
		return;
	}
	flash->checksum = wire_get16(data);
	flash->id = wire_get16(data + 2);
	flash->length = wire_get32(data + 4);
	flash->expect = FLASH_PAYLOAD;
	trace("packet id=0x%04x size=%u", flash->id, flash->length);
}

/* Is it what its header says, and what the protocol says? */
static bool check_packet(struct flash *flash, unsigned int n,
			 const uint8_t *data, size_t len)
{
	if (len != flash->length) {
		violation("7.5.5", "packet 0x%04x of %zu bytes, the header says %u",
			  flash->id, len, flash->length);
		return false;
	}
	if (checksum(flash->id, data, len) != flash->checksum) {
		violation("7.5.5", "packet 0x%04x with checksum 0x%04x, not 0x%04x",
			  flash->id, flash->checksum,
			  checksum(flash->id, data, len));
		flash->counters.checksum_errors++;
		return false;
	}
	if (n == FLASH_PACKETS) {
		violation("7.5.5", "packet of unknown id 0x%04x", flash->id);
		return false;
	}
	if (len < packets[n].min || len > packets[n].max) {
		violation("7.5.5", "packet 0x%04x of %zu bytes", flash->id,
			  len);
		return false;
	}
	return true;
}

static void check_order(const struct flash *flash, unsigned int n)
{
	if (flash->unconfigured && flash->id != EBL_CONFIGURE)
		violation("7.5.4", "packet 0x%04x before the configuration",
			  flash->id);
	if (packets[n].secured && !flash->secured)
		violation("7.5.6", "packet 0x%04x before security start",
			  flash->id);
	if (flash->erasing && flash->id != EBL_ERASE_CHECK)
		violation("7.5.6", "packet 0x%04x before the erase was done",
			  flash->id);
}

/* Does a fault answer for us? */
static bool packet_fails(struct flash *flash)
{
	struct fault_answer answer = fault_at(flash->faults, FAULT_AT_PACKET);

	if (answer.ignore)
		return true;
	delay(flash, answer.late_us);
	if (answer.refuse || answer.error)
		respond_error(flash);
	return answer.refuse || answer.error;
}

static void take_payload(struct flash *flash, const uint8_t *data, size_t len)
{
	unsigned int n = find_packet(flash->id);

	flash->expect = FLASH_HEADER;
	flash->counters.packets[n]++;
	if (!check_packet(flash, n, data, len)) {
		respond_error(flash);
		return;
	}
	check_order(flash, n);
	/* Whoever writes a raw image does not listen before its end. */
	if (flash->id == EBL_RAW || !packet_fails(flash))
		packets[n].run(flash, data);
}

static void take_raw(struct flash *flash, const uint8_t *data, size_t len)
{
	uint32_t left = flash->raw_length - flash->raw_done;
	uint64_t damaged = flash->nand->damaged;
	bool good;

	if (fault_at(flash->faults, FAULT_AT_RAW).ignore)
		return;
	if (!len || len > EBL_RAW_MAX || len > left)
		violation("7.5.6", "%zu bytes of a raw image, %u are left", len,
			  left);
	if (len > left)
		len = left;
	good = nand_write(flash->nand,
			  (uint64_t)flash->address + flash->raw_done, data,
			  len);
	if (flash->nand->damaged != damaged)
		quirk("7.5.6", 72, "%llu bytes at 0x%x were not erased before",
		      (unsigned long long)(flash->nand->damaged - damaged),
		      flash->address + flash->raw_done);
	flash->raw_done += (uint32_t)len;
	flash->raw_bad |= !good;
	if (flash->raw_done < flash->raw_length)
		return;

	flash->expect = FLASH_HEADER;
	flash->addressed = false;
	flash->worked = true;
	if (packet_fails(flash))
		return;
	respond(flash, NULL, 0, flash->raw_bad);
	flash->raw_bad = false;
}

/*
 * The function.
 */

static void flash_receive(struct function *fn, const uint8_t *data, size_t len)
{
	struct flash *flash = (struct flash *)fn;

	/* There may be one more software image. */
	if (flash->ending)
		flash->ops->finished(flash->ctx);
	switch (flash->expect) {
	case FLASH_COMMAND:
		take_command(flash, data, len);
		break;
	case FLASH_LENGTH:
		take_length(flash, data, len);
		break;
	case FLASH_IMAGE:
		take_image(flash, data, len);
		break;
	case FLASH_HEADER:
		take_header(flash, data, len);
		break;
	case FLASH_PAYLOAD:
		take_payload(flash, data, len);
		break;
	case FLASH_RAW:
		take_raw(flash, data, len);
		break;
	}
}

/* The host may have given up anywhere: the parsers start anew. */
static void forget(struct flash *flash)
{
	drop_late(flash);
	flash->expect = flash->ebl ? FLASH_HEADER : FLASH_COMMAND;
	flash->unconfigured = false;
	flash->addressed = false;
	flash->erasing = false;
	flash->raw_bad = false;
	flash->size = 0;
	flash->sent = 0;
}

static void flash_opened(struct function *fn)
{
	struct flash *flash = (struct flash *)fn;

	flash->counters.sessions++;
	forget(flash);
	if (!flash->ebl)
		acknowledge(flash, FAULT_AT_ACK, flash->dump->present ?
			    ack_dump : ack_healthy);
}

static void flash_closed(struct function *fn)
{
	forget((struct flash *)fn);
}

static void flash_sent(struct function *fn)
{
	send_chunks((struct flash *)fn);
}

static void flash_destroy(struct function *fn)
{
	drop_late((struct flash *)fn);
}

static const struct function_ops flash_function_ops = {
	.name = "flash",
	.opened = flash_opened,
	.closed = flash_closed,
	.receive = flash_receive,
	.sent = flash_sent,
	.destroy = flash_destroy,
};

static void flash_late(void *ctx)
{
	struct flash *flash = ctx;

	for (struct flash_unit *unit = flash->first; unit; unit = unit->next)
		hand_out(flash, unit->bytes, unit->len);
	drop_late(flash);
	send_chunks(flash);
}

void flash_init(struct flash *flash, struct loop *loop, struct faults *faults,
		struct nand *nand, struct coredump *dump,
		const struct flash_ops *ops, void *ctx)
{
	*flash = (struct flash) {
		.fn = { .ops = &flash_function_ops },
		.ops = ops,
		.ctx = ctx,
		.faults = faults,
		.nand = nand,
		.dump = dump,
	};
	flash->last = &flash->first;
	loop_timer_init(&flash->late, loop, flash_late, flash);
	flash_usual_record(flash->record);
}

void flash_loader(struct flash *flash, bool ebl)
{
	flash->ebl = ebl;
	flash->secured = false;
	flash->worked = false;
	flash->ending = false;
	flash->busy = 0;
	forget(flash);
	if (ebl)
		return;
	flash->dump->listed = false;
	flash->dump->count = 0;
	if (flash->dump->present)
		coredump_open(flash->dump);
}

bool flash_chatter(struct flash *flash, size_t len)
{
	uint8_t *data = malloc(len + 1);
	bool sent;

	if (!data)
		return false;
	memset(data, 0x5a, len + 1);
	sent = function_send(&flash->fn, data, len);
	free(data);
	return sent;
}

/*
 * The capability record.
 */

void flash_usual_record(uint8_t record[EBL_RECORD_SIZE])
{
	/* What nobody looks at is something, so that it can get lost. */
	for (unsigned int i = 0; i < EBL_RECORD_SIZE; i++)
		record[i] = (uint8_t)(i * 3 + 1);
	record[50] = 0x01;
	record[54] = 0x01;
	record[55] = 0x01;
	record[57] = 0x00;
	record[64] = 0x28;
	record[70] = 0x02;
}

bool flash_caps(uint8_t record[EBL_RECORD_SIZE], const char *text)
{
	for (;;) {
		unsigned long index, value;
		char *end;

		if (*text < '0' || *text > '9')
			return false;
		index = strtoul(text, &end, 10);
		if (index >= EBL_RECORD_SIZE || *end != '=' ||
		    !strchr("0123456789abcdefABCDEF", end[1]) || !end[1])
			return false;
		value = strtoul(end + 1, &end, 16);
		if (value > 0xff || (*end && *end != ','))
			return false;
		record[index] = (uint8_t)value;
		if (!*end)
			return true;
		text = end + 1;
	}
}
