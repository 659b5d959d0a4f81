/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Bytes of MBIM 1.0 messages: a bounded reader and a growing writer.
 *
 * Pure: no state of a modem, no log, no clock. Integers are little-endian,
 * strings are UTF-16LE without terminator, UUIDs are in network order, and
 * variable data is found by (offset, size) pairs that count from the start of
 * the structure which holds them.
 */
#ifndef IOSM_EMU_MBIM_CODEC_H
#define IOSM_EMU_MBIM_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Message types; bit 31 is set in those of the function. */
enum mbim_type {
	MBIM_OPEN = 1,
	MBIM_CLOSE = 2,
	MBIM_COMMAND = 3,
	MBIM_HOST_ERROR = 4,
};

#define MBIM_OPEN_DONE		0x80000001u
#define MBIM_CLOSE_DONE		0x80000002u
#define MBIM_COMMAND_DONE	0x80000003u
#define MBIM_FUNCTION_ERROR	0x80000004u
#define MBIM_INDICATE_STATUS	0x80000007u

#define MBIM_HEADER_LEN		12u	/* type, length, transaction id */
#define MBIM_FRAGMENT_LEN	20u	/* and number of fragments, index */
#define MBIM_COMMAND_LEN	48u	/* and service, cid, type, length */
#define MBIM_COMMAND_DONE_LEN	48u	/* and service, cid, status, length */
#define MBIM_INDICATE_LEN	44u	/* and service, cid, length */
#define MBIM_MIN_TRANSFER	64u	/* smallest MaxControlTransfer */

/* Error codes of HOST_ERROR and FUNCTION_ERROR. */
enum mbim_error {
	MBIM_ERROR_TIMEOUT_FRAGMENT = 1,
	MBIM_ERROR_FRAGMENT_OUT_OF_SEQUENCE = 2,
	MBIM_ERROR_LENGTH_MISMATCH = 3,
	MBIM_ERROR_DUPLICATED_TID = 4,
	MBIM_ERROR_NOT_OPENED = 5,
	MBIM_ERROR_UNKNOWN = 6,
	MBIM_ERROR_CANCEL = 7,
	MBIM_ERROR_MAX_TRANSFER = 8,
};

enum mbim_status {
	MBIM_STATUS_SUCCESS = 0,
	MBIM_STATUS_BUSY = 1,
	MBIM_STATUS_FAILURE = 2,
	MBIM_STATUS_PIN_REQUIRED = 5,
	MBIM_STATUS_PIN_DISABLED = 6,
	MBIM_STATUS_NOT_REGISTERED = 7,
	MBIM_STATUS_NO_DEVICE_SUPPORT = 9,
	MBIM_STATUS_PROVIDER_NOT_VISIBLE = 10,
	MBIM_STATUS_DATA_CLASS_NOT_AVAILABLE = 11,
	MBIM_STATUS_PACKET_SERVICE_DETACHED = 12,
	MBIM_STATUS_MAX_ACTIVATED_CONTEXTS = 13,
	MBIM_STATUS_CONTEXT_NOT_ACTIVATED = 16,
	MBIM_STATUS_RADIO_POWER_OFF = 20,
	MBIM_STATUS_INVALID_PARAMETERS = 21,
	MBIM_STATUS_WRITE_FAILURE = 23,
	MBIM_STATUS_PARAMETER_TOO_LONG = 26,
	MBIM_STATUS_OPERATION_NOT_ALLOWED = 28,
	MBIM_STATUS_MEMORY_FAILURE = 29,
	MBIM_STATUS_CONTEXT_NOT_SUPPORTED = 38,
};

struct mbim_uuid {
	uint8_t b[16];
};

bool mbim_uuid_equal(const struct mbim_uuid *a, const struct mbim_uuid *b);

uint32_t mbim_le32(const uint8_t *p);

/**
 * struct mbim_view - bytes of one structure that somebody else wrote
 * @data: its first byte, from which its offsets count
 * @len: bytes that may be read
 */
struct mbim_view {
	const uint8_t *data;
	size_t len;
};

/* Readers: false when the field does not lie inside the view. */
bool mbim_get_u32(const struct mbim_view *view, size_t at, uint32_t *value);
bool mbim_get_uuid(const struct mbim_view *view, size_t at,
		   struct mbim_uuid *uuid);
/**
 * mbim_get_ref() - follow the (offset, size) pair at @at
 * @view: structure with the pair
 * @at: where the pair is
 * @fixed: length of the structure's fixed part; data may not begin before it
 * @target: the bytes it names; empty for size 0
 */
bool mbim_get_ref(const struct mbim_view *view, size_t at, size_t fixed,
		  struct mbim_view *target);
/**
 * mbim_get_string() - the string that the pair at @at names, as UTF-8
 * @view: structure with the pair
 * @at: where the pair is
 * @fixed: length of the structure's fixed part
 * @max_chars: longest string allowed, in UTF-16 units
 * @out: receives the terminated string; @max_chars * 3 + 1 bytes
 *
 * Return: success, MBIM_STATUS_INVALID_PARAMETERS for a bad reference or bad
 * UTF-16, or MBIM_STATUS_PARAMETER_TOO_LONG.
 */
enum mbim_status mbim_get_string(const struct mbim_view *view, size_t at,
				 size_t fixed, size_t max_chars, char *out);

/**
 * struct mbim_buf - a message or structure under construction
 * @data: its bytes, owned; free with mbim_buf_free()
 * @len: bytes written
 * @cap: bytes allocated
 * @failed: memory ran out; later writes do nothing
 */
struct mbim_buf {
	uint8_t *data;
	size_t len, cap;
	bool failed;
};

void mbim_buf_free(struct mbim_buf *buf);
void mbim_put_bytes(struct mbim_buf *buf, const void *data, size_t len);
void mbim_put_u32(struct mbim_buf *buf, uint32_t value);
void mbim_put_u64(struct mbim_buf *buf, uint64_t value);
void mbim_put_uuid(struct mbim_buf *buf, const struct mbim_uuid *uuid);
/** mbim_put_ref() - room for an (offset, size) pair; says where it is. */
size_t mbim_put_ref(struct mbim_buf *buf);
/** mbim_set_u32() - overwrite an integer that was put before. */
void mbim_set_u32(struct mbim_buf *buf, size_t at, uint32_t value);
/**
 * mbim_fill_ref() - append padded data and point the pair at @at to it
 * @buf: buffer
 * @base: start of the structure that holds the pair
 * @at: what mbim_put_ref() returned
 * @data: bytes to append; @len 0 leaves the pair (0, 0)
 * @len: how many
 */
void mbim_fill_ref(struct mbim_buf *buf, size_t base, size_t at,
		   const void *data, size_t len);
/** mbim_fill_string() - mbim_fill_ref() with a UTF-8 string made UTF-16LE. */
void mbim_fill_string(struct mbim_buf *buf, size_t base, size_t at,
		      const char *string);

#endif /* IOSM_EMU_MBIM_CODEC_H */
