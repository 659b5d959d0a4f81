// SPDX-License-Identifier: GPL-2.0-only
/*
 * Wire format of the flash channel.
 */

#include "iosm_ipc_flash_wire.h"

#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/compiler.h>
#include <linux/ctype.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/overflow.h>
#include <linux/string.h>
#include <linux/unaligned.h>

/**
 * DOC: the codec of the flash channel
 *
 * Channel 7 carries elements, each of them a transfer of its own. Their lengths are
 * fixed by the protocol, there is no framing around them::
 *
 *   host                                       modem
 *   PSI (injected, not on the channel)         2 bytes: started, has a core dump or not
 *
 *   RPSI command, 8 bytes                      2 bytes, or the list of files,
 *                                              or the chunks of a file
 *
 *   header, 8 bytes; then payload              header, 8 bytes; then payload of
 *                                              2048 or 16384 bytes
 *
 * The first two lines are the language of PSI, the last one that of EBL.
 *
 * **Building.** The checksum of an EBL packet covers a payload that is a transfer of
 * its own, and so need not be next to the header. It is a sum of bytes, which can be
 * taken part by part; nothing is copied for it.
 *
 * **Parsing.** A length other than the protocol's is refused before a byte is read. A
 * value that is checked is read once, because the modem may go on writing. Names are
 * arrays of bytes to the modem and strings to the user: they are cut and filtered
 * here, so that nobody else has to think of it.
 */

/* Image file, protocol.rst 7.5.1 */
#define IMAGE_MAGIC		"IOSM_DEVLINK_HEADER"
#define IMAGE_TYPE		20
#define IMAGE_TYPE_CHARS	3
#define IMAGE_ADDRESS		24
#define IMAGE_REGION		28
#define IMAGE_LAST		29

static_assert(sizeof(IMAGE_MAGIC) == IMAGE_TYPE);

/* Capability record, protocol.rst 7.5.4 */
#define RECORD_FLAGS		50
#define RECORD_SKIP_ERASE	54
#define RECORD_SKIP_CRC		55
#define RECORD_EXTENDED		57
#define RECORD_OOS		64
#define RECORD_SWID_VERSION	70
#define FLAG_EXTENDED		BIT(0)
#define OOS_ERASE_ALL		BIT(3)
#define OOS_COMMIT_ALL		BIT(5)

/* SWID table, protocol.rst 7.5.4 */
#define SWID_SETS		0
#define SWID_NAME		4
#define SWID_ID			36
#define SWID_RF_NAME		40
#define SWID_RF_ID		72

/* EBL header, protocol.rst 7.5.5 */
#define EBL_SUM			0
#define EBL_ID			2
#define EBL_LEN			4

#define EBL_PROTOCOL_SIZE	2048	/* payloads of IOSM_EBL_PROTOCOL, both ways */

/* Out-of-session control, protocol.rst 7.5.5: action, type, length, argument */
#define OOS_READ		2
#define OOS_ERASE		3
#define OOS_WHOLE_FLASH		8
#define OOS_SWID_TABLE		16
#define OOS_ALL			0xffffffff

/* Payload of an error response, protocol.rst 7.5.5 */
#define ERRORS			8
#define ERROR_SIZE		4

/* "0x1234/0x5678", a separator of two or the end of one */
static_assert(ERRORS * 15 <= IOSM_EBL_ERRORS_TEXT);

/* What an erase check says, protocol.rst 7.5.5; anything else is an error */
#define ERASE_BUSY		0
#define ERASE_DONE		1

/* List of files, protocol.rst 7.6.1 */
#define LIST_VERSION		0
#define LIST_COUNT		4
#define LIST_FILES		8
#define LIST_FILE_SIZE		36
#define LIST_FILE_NAME		4

static_assert(LIST_FILES + IOSM_COREDUMPS * LIST_FILE_SIZE <= IOSM_COREDUMP_LIST_SIZE);

/* protocol.rst 7.6.2 */
const struct iosm_coredump_kind iosm_coredump_kinds[IOSM_COREDUMPS] = {
	{ "report.json", 0x800 },
	{ "coredump.fcd", 0x10e00000 },
	{ "cdd.log", 0x30000 },
	{ "eeprom.bin", 0x10000 },
	{ "bootcore_trace.bin", 0x8000 },
	{ "bootcore_prev_trace.bin", 0x20000 },
};

static const char image_types[][IMAGE_TYPE_CHARS + 1] = {
	[IOSM_IMAGE_PSI] = "PSI",
	[IOSM_IMAGE_EBL] = "EBL",
	[IOSM_IMAGE_FLS] = "FLS",
};

/*
 * A value that will be checked. The barrier keeps the compiler from reading the
 * buffer a second time afterwards.
 */
static u32 wire_le32(const u8 *at)
{
	u32 value = get_unaligned_le32(at);

	barrier();
	return value;
}

static u16 wire_le16(const u8 *at)
{
	u16 value = get_unaligned_le16(at);

	barrier();
	return value;
}

/* The modem's names are up to 32 bytes of anything; F12, F17 */
static void wire_name(char to[IOSM_FLASH_NAME_SIZE], const u8 *from)
{
	unsigned int i;

	memset(to, 0, IOSM_FLASH_NAME_SIZE);
	for (i = 0; i < IOSM_FLASH_NAME_SIZE - 1; i++) {
		u8 c = READ_ONCE(from[i]);

		if (!c)
			break;
		to[i] = isascii(c) && isprint(c) ? c : '?';
	}
}

/* ---- Image files ---- */

/**
 * iosm_image_parse() - read the header of an image file
 * @file: the file
 * @len: bytes of @file
 * @image: filled in on success; refers to @file
 *
 * The fourth character of the type is not looked at, nor is the reserved part.
 *
 * Context: any. Implements protocol.rst 7.5.1.
 * Return: 0; -EINVAL if it is no image file (magic), or one without a payload;
 * -EOPNOTSUPP if its type is none that we know.
 */
int iosm_image_parse(const u8 *file, size_t len, struct iosm_image *image)
{
	unsigned int type;

	if (len <= IOSM_IMAGE_HEADER_SIZE)
		return -EINVAL;
	if (memcmp(file, IMAGE_MAGIC, sizeof(IMAGE_MAGIC)))
		return -EINVAL;
	for (type = 0; type < ARRAY_SIZE(image_types); type++)
		if (!memcmp(file + IMAGE_TYPE, image_types[type], IMAGE_TYPE_CHARS))
			break;
	if (type == ARRAY_SIZE(image_types))
		return -EOPNOTSUPP;

	*image = (struct iosm_image) {
		.type = type,
		.address = get_unaligned_le32(file + IMAGE_ADDRESS),
		.region = file[IMAGE_REGION],
		.last = file[IMAGE_LAST],
		.payload = file + IOSM_IMAGE_HEADER_SIZE,
		.len = len - IOSM_IMAGE_HEADER_SIZE,
	};
	return 0;
}

/**
 * iosm_image_type_name() - what the file header calls a type
 * @type: of the image
 *
 * For users: unlike the bytes in the header it always ends (Q70).
 *
 * Context: any. Implements protocol.rst 7.5.1.
 * Return: three characters, or NULL for a value that is not a type.
 */
const char *iosm_image_type_name(enum iosm_image_type type)
{
	if ((unsigned int)type >= ARRAY_SIZE(image_types))
		return NULL;
	return image_types[type];
}

/* ---- PSI ---- */

/**
 * iosm_psi_ack() - what a PSI says after its start
 * @td: the transfer
 * @len: bytes of @td
 * @dump: set on success: the modem has a core dump
 *
 * Context: any. Implements protocol.rst 7.3, and 10.6.6 F2.
 * Return: 0; -EPROTO if @len is not IOSM_PSI_ACK_SIZE.
 */
int iosm_psi_ack(const void *td, size_t len, bool *dump)
{
	const u8 *ack = td;

	if (len != IOSM_PSI_ACK_SIZE)
		return -EPROTO;
	*dump = ack[0] == 0x00 && ack[1] == 0xcd;
	return 0;
}

/**
 * iosm_rpsi_build() - write a command to PSI
 * @buf: IOSM_RPSI_SIZE bytes
 * @command: the command
 * @parameter: see &enum iosm_rpsi_command
 *
 * Context: any. Implements protocol.rst 7.5.3.
 */
void iosm_rpsi_build(u8 buf[IOSM_RPSI_SIZE], enum iosm_rpsi_command command, u32 parameter)
{
	put_unaligned_le32(parameter, buf);
	put_unaligned_le16(command, buf + 4);
	put_unaligned_le16(lower_16_bits(parameter) ^ upper_16_bits(parameter) ^ command, buf + 6);
}

/* ---- Capability record of EBL ---- */

/**
 * iosm_ebl_record_edit() - say what we can do, in the capability record of an EBL
 * @record: as the EBL sent it; changed in place, to be sent back
 * @len: bytes of @record
 * @erase_full: the whole flash will be erased, rather than what is written
 *
 * Context: any. Implements protocol.rst 7.5.4, and 10.6.6 F4 and F5.
 * Return: 0; -EPROTO if @len is not IOSM_EBL_RECORD_SIZE, and @record is unchanged.
 */
int iosm_ebl_record_edit(u8 *record, size_t len, bool erase_full)
{
	if (len != IOSM_EBL_RECORD_SIZE)
		return -EPROTO;

	record[RECORD_SKIP_ERASE] = 0;
	record[RECORD_SKIP_CRC] = 0;
	if (record[RECORD_FLAGS] & FLAG_EXTENDED) {
		record[RECORD_EXTENDED] = 1;
		record[RECORD_OOS] &= erase_full ? ~OOS_ERASE_ALL : ~OOS_COMMIT_ALL;
	}
	return 0;
}

/**
 * iosm_ebl_record_swid_version() - format of the SWID table of an EBL
 * @record: capability record, IOSM_EBL_RECORD_SIZE bytes
 *
 * Context: any. Implements protocol.rst 7.5.4, and 10.6.6 F5.
 * Return: the version; the table may be read if it is IOSM_EBL_SWID_VERSION.
 */
u8 iosm_ebl_record_swid_version(const u8 record[IOSM_EBL_RECORD_SIZE])
{
	return record[RECORD_SWID_VERSION];
}

/* ---- EBL requests ---- */

/**
 * iosm_ebl_sum() - add bytes to the checksum of a payload
 * @sum: of what came before, 0 at the beginning
 * @data: the next part of the payload
 * @len: bytes of @data
 *
 * Context: any; takes as long as @len needs. Implements protocol.rst 7.5.5.
 * Return: the sum, for the next part or for iosm_ebl_header().
 */
u16 iosm_ebl_sum(u16 sum, const void *data, size_t len)
{
	const u8 *byte = data;

	while (len--)
		sum += *byte++;
	return sum;
}

/**
 * iosm_ebl_header() - write the header of an EBL packet
 * @header: IOSM_EBL_HEADER_SIZE bytes
 * @id: of the packet
 * @len: bytes of the payload
 * @sum: of the payload, from iosm_ebl_sum()
 *
 * Context: any. Implements protocol.rst 7.5.5.
 */
void iosm_ebl_header(u8 header[IOSM_EBL_HEADER_SIZE], enum iosm_ebl_id id, u32 len, u16 sum)
{
	sum += id + upper_16_bits(len) + lower_16_bits(len);
	put_unaligned_le16(sum, header + EBL_SUM);
	put_unaligned_le16(id, header + EBL_ID);
	put_unaligned_le32(len, header + EBL_LEN);
}

/**
 * iosm_ebl_request_max() - longest payload of a request
 * @id: of the packet
 *
 * Context: any. Implements protocol.rst 7.5.5.
 * Return: bytes.
 */
size_t iosm_ebl_request_max(enum iosm_ebl_id id)
{
	return id == IOSM_EBL_PROTOCOL ? EBL_PROTOCOL_SIZE : IOSM_EBL_PAYLOAD_MAX;
}

/**
 * iosm_ebl_request() - write the header for a payload that is in one piece
 * @header: IOSM_EBL_HEADER_SIZE bytes
 * @id: of the packet
 * @payload: what will follow; needs not be next to @header
 * @len: bytes of @payload
 *
 * Context: any. Implements protocol.rst 7.5.5.
 * Return: 0; -EFBIG if the EBL does not take that much, and nothing is written.
 */
int iosm_ebl_request(u8 header[IOSM_EBL_HEADER_SIZE], enum iosm_ebl_id id, const void *payload,
		     size_t len)
{
	if (len > iosm_ebl_request_max(id))
		return -EFBIG;
	iosm_ebl_header(header, id, len, iosm_ebl_sum(0, payload, len));
	return 0;
}

static void ebl_control(u8 *payload, u32 action, u32 type, u32 length)
{
	put_unaligned_le32(action, payload);
	put_unaligned_le32(type, payload + 4);
	put_unaligned_le32(length, payload + 8);
	put_unaligned_le32(0, payload + 12);
}

/**
 * iosm_ebl_swid_read() - payload of "read the SWID table"
 * @payload: IOSM_EBL_CONTROL_SIZE bytes, for IOSM_EBL_OOS_CONTROL
 *
 * Context: any. Implements protocol.rst 7.5.5.
 */
void iosm_ebl_swid_read(u8 payload[IOSM_EBL_CONTROL_SIZE])
{
	ebl_control(payload, OOS_READ, OOS_SWID_TABLE, 0);
}

/**
 * iosm_ebl_erase_all() - payload of "erase the whole flash"
 * @payload: IOSM_EBL_CONTROL_SIZE bytes, for IOSM_EBL_OOS_CONTROL
 *
 * Context: any. Implements protocol.rst 7.5.5.
 */
void iosm_ebl_erase_all(u8 payload[IOSM_EBL_CONTROL_SIZE])
{
	ebl_control(payload, OOS_ERASE, OOS_WHOLE_FLASH, OOS_ALL);
}

/**
 * iosm_ebl_erase_range() - payload of "erase the place of a region"
 * @payload: IOSM_EBL_RANGE_SIZE bytes, for IOSM_EBL_ERASE_START
 * @address: of the region in the NAND
 * @len: bytes of the region
 *
 * The end that the EBL wants is not the last byte but the one before.
 *
 * Context: any. Implements protocol.rst 7.5.5.
 * Return: 0; -ERANGE if the region does not lie below 4 GiB, or is a single byte: it
 * would end before it begins. Nothing is written then.
 */
int iosm_ebl_erase_range(u8 payload[IOSM_EBL_RANGE_SIZE], u32 address, size_t len)
{
	u32 end;

	if (len < 2 || check_add_overflow(address, len - 2, &end) || end == U32_MAX)
		return -ERANGE;
	put_unaligned_le32(address, payload);
	put_unaligned_le32(end, payload + 4);
	return 0;
}

/* ---- EBL responses ---- */

/**
 * iosm_ebl_response() - read the header of a response
 * @td: the transfer
 * @len: bytes of @td
 * @id: set unless -EPROTO; modems are not known to repeat the id of the request in
 *	all cases, so that another one is no error
 *
 * The payload comes in either case, iosm_ebl_response_size() of the request.
 *
 * Context: any. Implements protocol.rst 7.5.5, and 10.6.6 F6.
 * Return: 0 for success; -EREMOTEIO for an error, the payload is for
 * iosm_ebl_errors(); -EPROTO if @len is not IOSM_EBL_HEADER_SIZE.
 */
int iosm_ebl_response(const void *td, size_t len, u16 *id)
{
	if (len != IOSM_EBL_HEADER_SIZE)
		return -EPROTO;
	*id = wire_le16(td + EBL_ID);
	return *id == IOSM_EBL_ERROR ? -EREMOTEIO : 0;
}

/**
 * iosm_ebl_answers_other() - is a response one to another request?
 * @request: id of the request
 * @id: of the response, not IOSM_EBL_ERROR
 *
 * Modems are not known to repeat the id in all cases. One that is neither that of @request
 * nor of any other request says nothing.
 *
 * Context: any. Implements protocol.rst 10.6.6 F6.
 * Return: true if it is that of another request.
 */
bool iosm_ebl_answers_other(enum iosm_ebl_id request, u16 id)
{
	switch (id) {
	case IOSM_EBL_PROTOCOL:
	case IOSM_EBL_SECURITY_START:
	case IOSM_EBL_SECURITY_END:
	case IOSM_EBL_SET_ADDRESS:
	case IOSM_EBL_ERASE_START:
	case IOSM_EBL_ERASE_CHECK:
	case IOSM_EBL_OOS_CONTROL:
	case IOSM_EBL_OOS_READ:
	case IOSM_EBL_WRITE_RAW:
		return id != request;
	default:
		return false;
	}
}

/**
 * iosm_ebl_response_size() - length of the payload of a response
 * @id: of the request
 *
 * Context: any. Implements protocol.rst 7.5.5, for 10.6.6 F7.
 * Return: bytes, exact.
 */
size_t iosm_ebl_response_size(enum iosm_ebl_id id)
{
	return id == IOSM_EBL_PROTOCOL ? EBL_PROTOCOL_SIZE : IOSM_EBL_PAYLOAD_MAX;
}

/**
 * iosm_ebl_errors() - the errors of a response, as text
 * @payload: of a response that says IOSM_EBL_ERROR
 * @len: bytes of @payload; a short one ends the list
 * @text: becomes "class/code, class/code", or empty; always terminated
 * @size: bytes of @text, at least 1; IOSM_EBL_ERRORS_TEXT holds all there can be
 *
 * Entries without a code are no errors.
 *
 * Context: any. Implements protocol.rst 7.5.5, and 10.6.6 F8.
 * Return: number of errors in the list.
 */
unsigned int iosm_ebl_errors(const void *payload, size_t len, char *text, size_t size)
{
	const u8 *entry = payload;
	unsigned int errors = 0;
	size_t used = 0;
	size_t i;

	text[0] = '\0';
	for (i = 0; i < min_t(size_t, len / ERROR_SIZE, ERRORS); i++, entry += ERROR_SIZE) {
		u16 class = wire_le16(entry);
		u16 code = wire_le16(entry + 2);

		if (!code)
			continue;
		used += scnprintf(text + used, size - used, "%s0x%04x/0x%04x",
				  errors ? ", " : "", class, code);
		errors++;
	}
	return errors;
}

/**
 * iosm_ebl_erase_result() - has the erasing come to its end?
 * @payload: of the response to IOSM_EBL_ERASE_CHECK
 * @len: bytes of @payload
 * @result: set unless -EPROTO: what the EBL said
 *
 * Context: any. Implements protocol.rst 7.5.5, and 10.6.6 F7 and F9.
 * Return: 0 if it is done; -EAGAIN if not yet; -EIO if it failed; -EPROTO if @len is
 * wrong.
 */
int iosm_ebl_erase_result(const void *payload, size_t len, u16 *result)
{
	if (len != IOSM_EBL_PAYLOAD_MAX)
		return -EPROTO;
	*result = wire_le16(payload);
	switch (*result) {
	case ERASE_DONE:
		return 0;
	case ERASE_BUSY:
		return -EAGAIN;
	default:
		return -EIO;
	}
}

/**
 * iosm_ebl_control_result() - what an out-of-session control gave
 * @payload: of the response to IOSM_EBL_OOS_CONTROL
 * @len: bytes of @payload
 * @token: set on success: means nothing to us, IOSM_EBL_OOS_READ sends it back
 *
 * Context: any. Implements protocol.rst 7.5.5, and 10.6.6 F7.
 * Return: 0; -EPROTO if @len is wrong.
 */
int iosm_ebl_control_result(const void *payload, size_t len, u32 *token)
{
	if (len != IOSM_EBL_PAYLOAD_MAX)
		return -EPROTO;
	*token = wire_le32(payload);
	return 0;
}

/**
 * iosm_ebl_swid_parse() - read the SWID table
 * @payload: of the response to IOSM_EBL_OOS_READ
 * @len: bytes of @payload
 * @swid: filled in on success
 *
 * Context: any. Implements protocol.rst 7.5.4, and 10.6.6 F7 and F12.
 * Return: 0; -EPROTO if @len is wrong.
 */
int iosm_ebl_swid_parse(const void *payload, size_t len, struct iosm_swid *swid)
{
	const u8 *table = payload;

	if (len != IOSM_EBL_PAYLOAD_MAX)
		return -EPROTO;
	swid->sets = wire_le32(table + SWID_SETS);
	wire_name(swid->name, table + SWID_NAME);
	swid->id = wire_le32(table + SWID_ID);
	wire_name(swid->rf_name, table + SWID_RF_NAME);
	swid->rf_id = wire_le32(table + SWID_RF_ID);
	return 0;
}

/* ---- Coredump ---- */

/**
 * iosm_coredump_list_parse() - read the list of files of a core dump
 * @td: the transfer
 * @len: bytes of @td
 * @list: on success, the files by index and zeros behind them; else undefined
 *
 * Context: any. Implements protocol.rst 7.6.1, and 10.6.6 F13 to F17.
 * Return: 0; -EPROTO if @len is not IOSM_COREDUMP_LIST_SIZE; -ERANGE if there are no
 * files, or more than regions; -EFBIG if a file is larger than its region.
 */
int iosm_coredump_list_parse(const void *td, size_t len, struct iosm_coredump_list *list)
{
	const u8 *table = td;
	unsigned int i;
	u32 count;

	if (len != IOSM_COREDUMP_LIST_SIZE)
		return -EPROTO;
	count = wire_le32(table + LIST_COUNT);
	if (!count || count > IOSM_COREDUMPS)
		return -ERANGE;

	memset(list, 0, sizeof(*list));
	list->version = wire_le32(table + LIST_VERSION);
	list->count = count;
	for (i = 0; i < count; i++) {
		const u8 *entry = table + LIST_FILES + i * LIST_FILE_SIZE;

		list->files[i].size = wire_le32(entry);
		if (list->files[i].size > iosm_coredump_kinds[i].size)
			return -EFBIG;
		wire_name(list->files[i].name, entry + LIST_FILE_NAME);
	}
	return 0;
}
