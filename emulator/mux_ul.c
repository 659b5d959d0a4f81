// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reader of uplink MUX objects (protocol.rst 5.4 to 5.6, 5.8).
 *
 * The input is a private copy of the TD, so a field that was checked stays
 * what it was. Every offset is checked against the TD before use, and chains
 * must move forward.
 */
#include <string.h>

#include "critic.h"
#include "log.h"
#include "mux_ul.h"
#include "wire.h"

/* A block in units of four bytes: which of them does something refer to? */
#define UNITS	(MUX_BLOCK_MAX / 4)

struct coverage {
	uint64_t bits[UNITS / 64];
};

/* Mark [from, to); false if a part of it was marked before. */
static bool cover(struct coverage *map, size_t from, size_t to)
{
	bool fresh = true;

	for (size_t unit = from / 4, end = (to + 3) / 4; unit < end;) {
		size_t bit = unit % 64;
		size_t count = end - unit < 64 - bit ? end - unit : 64 - bit;
		uint64_t mask = count == 64 ? ~0ull :
				((1ull << count) - 1) << bit;

		if (map->bits[unit / 64] & mask)
			fresh = false;
		map->bits[unit / 64] |= mask;
		unit += count;
	}
	return fresh;
}

static bool is_zero(const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (bytes[i])
			return false;
	}
	return true;
}

/* Everything that nothing refers to must be zero: no old memory leaks. */
static void check_gaps(const struct coverage *map, const uint8_t *td,
		       size_t len)
{
	for (size_t unit = 0; unit < len / 4; unit++) {
		if (map->bits[unit / 64] == ~0ull) {
			unit |= 63;
			continue;
		}
		if (map->bits[unit / 64] & 1ull << unit % 64)
			continue;
		if (!is_zero(td + 4 * unit, 4)) {
			quirk("5.5.4", 43, "stale bytes in a gap at offset %zu",
			      4 * unit);
			return;
		}
	}
}

/* An IP packet with its padding; @section says where it was found. */
static void read_packet(struct mux_ul *ul, const char *section,
			unsigned int session, uint8_t class,
			const uint8_t *data, size_t len)
{
	const uint8_t *packet = data + ul->pad;
	size_t size, claimed;

	if (len <= ul->pad) {
		violation(section, "session %u: datagram of %zu bytes, padding is %u",
			  session, len, ul->pad);
		return;
	}
	if (!is_zero(data, ul->pad))
		quirk(section, 43, "session %u: head padding is not zero",
		      session);

	size = len - ul->pad;
	if (packet[0] >> 4 == 4 && size >= 20)
		claimed = (size_t)(packet[2] << 8 | packet[3]);
	else if (packet[0] >> 4 == 6 && size >= 40)
		claimed = 40 + (size_t)(packet[4] << 8 | packet[5]);
	else
		claimed = 0;
	if (!claimed)
		violation(section, "session %u: %zu bytes at the packet's place are no IP",
			  session, size);
	else if (claimed != size)
		violation(section, "session %u: packet of %zu bytes says that it has %zu",
			  session, size, claimed);

	ul->datagrams++;
	ul->ops->datagram(ul->ctx, session, class, packet, size);
}

/*
 * Lite.
 */

static void read_adgh(struct mux_ul *ul, const uint8_t *td, size_t len)
{
	size_t length;

	if (ul->aggregation) {
		violation("5.1", "ADGH in the aggregation variant");
		return;
	}
	if (len < MUX_HEADER) {
		violation("5.4", "ADGH TD of %zu bytes", len);
		return;
	}
	length = wire_get16(td + 4);
	if (length < MUX_HEADER || length > len) {
		violation("5.4", "ADGH length %zu in a TD of %zu", length, len);
		return;
	}
	if (length != len)
		violation("5.4", "ADGH length %zu, TD size %zu", length, len);
	if (length > 2048)
		violation("5.4", "ADGH of %zu bytes", length);
	if (td[7])
		violation("5.4", "ADGH hint %u", td[7]);
	if (!is_zero(td + 10, 6))
		violation("5.4", "ADGH reserved bytes are not zero");
	if (td[6] >= MUX_SESSIONS) {
		violation("5.4", "ADGH of session %u", td[6]);
		return;
	}
	ul->blocks++;
	read_packet(ul, "5.4", td[6], td[8], td + MUX_HEADER,
		    length - MUX_HEADER);
}

static void read_lite_level(struct mux_ul *ul, const uint8_t *td, size_t len)
{
	if (ul->aggregation) {
		violation("5.1", "bare QLTH in the aggregation variant");
		return;
	}
	if (len != MUX_QLTH_SIZE || wire_get16(td + 4) != MUX_QLTH_SIZE ||
	    td[7] != 4 || td[6] >= MUX_SESSIONS) {
		violation("5.8", "malformed QLTH of %zu bytes", len);
		return;
	}
	if (!is_zero(td + 8, 8))
		violation("5.8", "QLTH reserved bytes are not zero");
	ul->levels++;
	ul->ops->level(ul->ctx, td[6], wire_get32(td + 16));
}

/*
 * Aggregated data blocks.
 */

struct block {
	const uint8_t *td;
	size_t len;
	struct coverage map;
};

/* Returns false when the rest of the block cannot be trusted. */
static bool read_entry(struct mux_ul *ul, struct block *block,
		       unsigned int session, const uint8_t *entry)
{
	size_t offset = wire_get32(entry), size = wire_get16(entry + 4);
	size_t end;

	if (entry[7])
		violation("5.5.2", "entry's reserved byte is %u", entry[7]);
	if (offset % 4)
		violation("5.5.2", "datagram at offset %zu is misaligned",
			  offset);
	if (offset < MUX_HEADER || offset > block->len ||
	    size > block->len - offset) {
		violation("5.5.2", "datagram at %zu + %zu in a block of %zu",
			  offset, size, block->len);
		return false;
	}
	end = offset + size;
	if (size && !cover(&block->map, offset, end))
		violation("5.5.4", "datagram at %zu + %zu overlaps something",
			  offset, size);
	while (end % 4 && end < block->len) {
		if (block->td[end++])
			quirk("5.5.4", 43, "stale byte at offset %zu", end - 1);
	}
	read_packet(ul, "5.5.2", session, entry[6], block->td + offset, size);
	return true;
}

static bool read_adth(struct mux_ul *ul, struct block *block, size_t at)
{
	const uint8_t *table = block->td + at;
	size_t size = wire_get16(table + 4);

	if (size < 24 || size % 8 || size > block->len - at) {
		violation("5.5.2", "ADTH of %zu bytes at %zu in a block of %zu",
			  size, at, block->len);
		return false;
	}
	if (table[7] || !is_zero(table + 12, 4))
		quirk("5.5.2", 43, "ADTH hint or reserved bytes are not zero");
	if (!cover(&block->map, at, at + size))
		violation("5.5.4", "ADTH at %zu overlaps something", at);
	if (table[6] >= MUX_SESSIONS) {
		violation("5.5.2", "ADTH of session %u", table[6]);
		return false;
	}
	for (size_t entry = 16; entry < size; entry += 8) {
		if (!read_entry(ul, block, table[6], table + entry))
			return false;
	}
	return true;
}

static bool read_qlth(struct mux_ul *ul, struct block *block, size_t at)
{
	const uint8_t *table = block->td + at;

	if (wire_get16(table + 4) != MUX_QLTH_SIZE ||
	    block->len - at < MUX_QLTH_SIZE || table[6] >= MUX_SESSIONS) {
		violation("5.5.3", "malformed QLTH at %zu", at);
		return false;
	}
	if (table[7] || !is_zero(table + 12, 4))
		violation("5.5.3", "QLTH reserved bytes are not zero");
	if (!cover(&block->map, at, at + MUX_QLTH_SIZE))
		violation("5.5.4", "QLTH at %zu overlaps something", at);
	ul->levels++;
	ul->ops->level(ul->ctx, table[6], wire_get32(table + 16));
	return true;
}

static void read_tables(struct mux_ul *ul, struct block *block, size_t at)
{
	while (at) {
		const uint8_t *table = block->td + at;
		size_t next;
		bool good;

		if (at % 4 || at < MUX_HEADER ||
		    at > block->len - MUX_HEADER) {
			violation("5.5.1", "table at offset %zu in a block of %zu",
				  at, block->len);
			return;
		}
		switch (wire_get32(table)) {
		case SIG_ADTH:
			good = read_adth(ul, block, at);
			break;
		case SIG_QLTH:
			good = read_qlth(ul, block, at);
			break;
		default:
			violation("5.5.2", "table with signature 0x%08x",
				  wire_get32(table));
			return;
		}
		next = wire_get32(table + 8);
		if (!good)
			return;
		if (next && next <= at) {
			violation("5.5.2", "table chain goes back from %zu to %zu",
				  at, next);
			return;
		}
		at = next;
	}
	if (critic_is_strict())
		check_gaps(&block->map, block->td, block->len);
}

static void check_sequence(struct mux_ul_sequence *sequence, uint16_t got)
{
	uint16_t ahead = (uint16_t)(got - sequence->next);

	/* Blocks that were on the ring when the channel closed are lost. */
	if (ahead && !(sequence->gap && ahead < 0x8000))
		violation("5.2", "sequence number %u, expected %u", got,
			  sequence->next);
	sequence->next = (uint16_t)(got + 1);
	sequence->gap = false;
}

static void read_adb(struct mux_ul *ul, const uint8_t *td, size_t len)
{
	struct block block = { .td = td, .len = len };
	size_t length, first;

	if (!ul->aggregation) {
		violation("5.1", "ADB in the lite variant");
		return;
	}
	if (len < MUX_HEADER || len > MUX_BLOCK_MAX) {
		violation("5.5.1", "ADB TD of %zu bytes", len);
		return;
	}
	if (!is_zero(td + 4, 2))
		violation("5.5.1", "ADB reserved bytes are not zero");
	check_sequence(&ul->data, wire_get16(td + 6));
	length = wire_get32(td + 8);
	first = wire_get32(td + 12);
	if (length != len) {
		violation("5.5.1", "ADB length %zu, TD size %zu", length, len);
		if (length < MUX_HEADER || length > len)
			return;
		block.len = length;
	}
	ul->blocks++;
	cover(&block.map, 0, MUX_HEADER);
	if (!first)
		quirk("5.5.4", 38, "ADB without a table");
	read_tables(ul, &block, first);
}

/*
 * Commands.
 */

static void read_command(struct mux_ul *ul, const uint8_t *header,
			 size_t header_len, size_t len)
{
	size_t length = wire_get16(header + 4);
	struct mux_ul_command command = {
		.session = header[6],
		.code = wire_get32(header + header_len - 8),
		.tid = wire_get32(header + header_len - 4),
		.params = header + header_len,
		.len = length - header_len,
	};

	if (length < header_len || length > len) {
		violation("5.6", "command length %zu of %zu", length, len);
		return;
	}
	if (header[7])
		violation("5.6", "command's reserved byte is %u", header[7]);
	if (command.session >= MUX_SESSIONS) {
		violation("5.6", "command for session %u", command.session);
		return;
	}
	ul->commands++;
	ul->ops->command(ul->ctx, &command);
}

static void read_lite_command(struct mux_ul *ul, const uint8_t *td, size_t len)
{
	if (ul->aggregation) {
		violation("5.6.4", "bare command in the aggregation variant");
		return;
	}
	if (len < 16) {
		violation("5.6.1", "command TD of %zu bytes", len);
		return;
	}
	if (wire_get16(td + 4) != len)
		violation("5.6.1", "command length %u, TD size %zu",
			  wire_get16(td + 4), len);
	read_command(ul, td, 16, len);
}

static void read_acb(struct mux_ul *ul, const uint8_t *td, size_t len)
{
	size_t at, end = MUX_HEADER;
	uint32_t length;

	if (!ul->aggregation) {
		violation("5.6.4", "command block in the lite variant");
		return;
	}
	if (len < 36 || len > MUX_BLOCK_MAX) {
		violation("5.6.2", "command block TD of %zu bytes", len);
		return;
	}
	if (!is_zero(td + 4, 2))
		violation("5.6.2", "command block's reserved bytes are not zero");
	check_sequence(&ul->control, wire_get16(td + 6));
	/* 16 is what the kernel's driver writes, whatever follows (Q31). */
	length = wire_get32(td + 8);
	if (length != MUX_HEADER && length != len)
		violation("5.6.2", "command block length %u, TD size %zu",
			  length, len);
	at = wire_get32(td + 12);
	if (at != MUX_HEADER)
		violation("5.6.2", "first command at %zu", at);

	while (at) {
		size_t next;

		if (at < end || at % 4 || len < 20 || at > len - 20) {
			violation("5.6.2", "command at %zu in a block of %zu",
				  at, len);
			return;
		}
		if (wire_get32(td + at) != SIG_CMDH) {
			violation("5.6.2", "command with signature 0x%08x",
				  wire_get32(td + at));
			return;
		}
		next = wire_get32(td + at + 8);
		end = at + wire_get16(td + at + 4);
		if (!next && end != len)
			violation("5.6.2", "command ends at %zu, TD size %zu",
				  end, len);
		read_command(ul, td + at, 20, len - at);
		if (end < at + 20)
			return;
		at = next;
	}
}

void mux_ul_read(struct mux_ul *ul, const uint8_t *td, size_t len)
{
	if (len < 4) {
		violation("5.1", "TD of %zu bytes", len);
		return;
	}
	switch (wire_get32(td)) {
	case SIG_ADGH:
		read_adgh(ul, td, len);
		break;
	case SIG_ADBH:
		read_adb(ul, td, len);
		break;
	case SIG_CMDH:
		read_lite_command(ul, td, len);
		break;
	case SIG_ACBH:
		read_acb(ul, td, len);
		break;
	case SIG_QLTH:
		read_lite_level(ul, td, len);
		break;
	default:
		violation("5.1", "TD with signature 0x%08x", wire_get32(td));
		break;
	}
}

void mux_ul_init(struct mux_ul *ul, bool aggregation, uint32_t pad,
		 const struct mux_ul_ops *ops, void *ctx)
{
	*ul = (struct mux_ul) {
		.aggregation = aggregation,
		.pad = pad,
		.ops = ops,
		.ctx = ctx,
	};
}

void mux_ul_reset(struct mux_ul *ul)
{
	ul->data = (struct mux_ul_sequence) { 0 };
	ul->control = ul->data;
}

void mux_ul_gap(struct mux_ul *ul)
{
	ul->data.gap = true;
	ul->control.gap = true;
}
