// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bytes of MBIM messages. See mbim_codec.h.
 */
#include "mbim_codec.h"

#include <stdlib.h>
#include <string.h>

/* Far above every answer we make; stops a run-away writer. */
#define MBIM_BUF_LIMIT	(1024u * 1024u)

bool mbim_uuid_equal(const struct mbim_uuid *a, const struct mbim_uuid *b)
{
	return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

uint32_t mbim_le32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	       (uint32_t)p[3] << 24;
}

static void store_le32(uint8_t *p, uint32_t value)
{
	p[0] = (uint8_t)value;
	p[1] = (uint8_t)(value >> 8);
	p[2] = (uint8_t)(value >> 16);
	p[3] = (uint8_t)(value >> 24);
}

static bool fits(const struct mbim_view *view, size_t at, size_t len)
{
	return at <= view->len && len <= view->len - at;
}

bool mbim_get_u32(const struct mbim_view *view, size_t at, uint32_t *value)
{
	if (!fits(view, at, 4))
		return false;
	*value = mbim_le32(view->data + at);
	return true;
}

bool mbim_get_uuid(const struct mbim_view *view, size_t at,
		   struct mbim_uuid *uuid)
{
	if (!fits(view, at, sizeof(uuid->b)))
		return false;
	memcpy(uuid->b, view->data + at, sizeof(uuid->b));
	return true;
}

bool mbim_get_ref(const struct mbim_view *view, size_t at, size_t fixed,
		  struct mbim_view *target)
{
	uint32_t offset, size;

	if (!mbim_get_u32(view, at, &offset) ||
	    !mbim_get_u32(view, at + 4, &size))
		return false;
	if (size == 0) {
		/* The offset of nothing means nothing. */
		target->data = NULL;
		target->len = 0;
		return true;
	}
	if (offset < fixed || offset % 4 != 0 || !fits(view, offset, size))
		return false;
	target->data = view->data + offset;
	target->len = size;
	return true;
}

static size_t utf8_encode(uint32_t c, char *out)
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 0x3f));
		out[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 0x3f));
	out[2] = (char)(0x80 | (c >> 6 & 0x3f));
	out[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

static uint32_t unit_at(const struct mbim_view *view, size_t at)
{
	return (uint32_t)view->data[at] | (uint32_t)view->data[at + 1] << 8;
}

enum mbim_status mbim_get_string(const struct mbim_view *view, size_t at,
				 size_t fixed, size_t max_chars, char *out)
{
	struct mbim_view text;
	size_t n = 0;

	if (!mbim_get_ref(view, at, fixed, &text) || text.len % 2 != 0)
		return MBIM_STATUS_INVALID_PARAMETERS;
	if (text.len / 2 > max_chars)
		return MBIM_STATUS_PARAMETER_TOO_LONG;

	for (size_t i = 0; i < text.len; i += 2) {
		uint32_t c = unit_at(&text, i);

		if (c == 0 || (c >= 0xdc00 && c < 0xe000))
			return MBIM_STATUS_INVALID_PARAMETERS;
		if (c >= 0xd800 && c < 0xdc00) {
			uint32_t low;

			i += 2;
			if (i >= text.len)
				return MBIM_STATUS_INVALID_PARAMETERS;
			low = unit_at(&text, i);
			if (low < 0xdc00 || low >= 0xe000)
				return MBIM_STATUS_INVALID_PARAMETERS;
			c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
		}
		n += utf8_encode(c, out + n);
	}
	out[n] = '\0';
	return MBIM_STATUS_SUCCESS;
}

void mbim_buf_free(struct mbim_buf *buf)
{
	free(buf->data);
	memset(buf, 0, sizeof(*buf));
}

/* Room for @len more bytes at the end, zeroed; NULL when memory ran out. */
static uint8_t *buf_extend(struct mbim_buf *buf, size_t len)
{
	uint8_t *p;

	if (buf->failed || len > MBIM_BUF_LIMIT - buf->len) {
		buf->failed = true;
		return NULL;
	}
	if (len > buf->cap - buf->len) {
		size_t cap = buf->cap ? buf->cap : 256;

		while (cap - buf->len < len)
			cap *= 2;
		p = realloc(buf->data, cap);
		if (!p) {
			buf->failed = true;
			return NULL;
		}
		buf->data = p;
		buf->cap = cap;
	}
	p = buf->data + buf->len;
	memset(p, 0, len);
	buf->len += len;
	return p;
}

void mbim_put_bytes(struct mbim_buf *buf, const void *data, size_t len)
{
	uint8_t *p;

	if (len == 0)
		return;
	p = buf_extend(buf, len);
	if (p)
		memcpy(p, data, len);
}

void mbim_put_u32(struct mbim_buf *buf, uint32_t value)
{
	uint8_t *p = buf_extend(buf, 4);

	if (p)
		store_le32(p, value);
}

void mbim_put_u64(struct mbim_buf *buf, uint64_t value)
{
	mbim_put_u32(buf, (uint32_t)value);
	mbim_put_u32(buf, (uint32_t)(value >> 32));
}

void mbim_put_uuid(struct mbim_buf *buf, const struct mbim_uuid *uuid)
{
	mbim_put_bytes(buf, uuid->b, sizeof(uuid->b));
}

size_t mbim_put_ref(struct mbim_buf *buf)
{
	size_t at = buf->len;

	buf_extend(buf, 8);
	return at;
}

void mbim_set_u32(struct mbim_buf *buf, size_t at, uint32_t value)
{
	if (!buf->failed && at + 4 <= buf->len)
		store_le32(buf->data + at, value);
}

static void buf_pad(struct mbim_buf *buf, size_t base)
{
	size_t over = (buf->len - base) % 4;

	if (over)
		buf_extend(buf, 4 - over);
}

void mbim_fill_ref(struct mbim_buf *buf, size_t base, size_t at,
		   const void *data, size_t len)
{
	if (len == 0)
		return;
	buf_pad(buf, base);
	mbim_set_u32(buf, at, (uint32_t)(buf->len - base));
	mbim_set_u32(buf, at + 4, (uint32_t)len);
	mbim_put_bytes(buf, data, len);
	buf_pad(buf, base);
}

/* One code point of well-formed UTF-8 (all strings here are our own). */
static size_t utf8_decode(const char *s, uint32_t *c)
{
	const uint8_t *p = (const uint8_t *)s;

	if (p[0] < 0x80) {
		*c = p[0];
		return 1;
	}
	if (p[0] < 0xe0 && p[1]) {
		*c = (p[0] & 0x1fu) << 6 | (p[1] & 0x3fu);
		return 2;
	}
	if (p[0] < 0xf0 && p[1] && p[2]) {
		*c = (p[0] & 0x0fu) << 12 | (p[1] & 0x3fu) << 6 |
		     (p[2] & 0x3fu);
		return 3;
	}
	if (p[1] && p[2] && p[3]) {
		*c = (p[0] & 0x07u) << 18 | (p[1] & 0x3fu) << 12 |
		     (p[2] & 0x3fu) << 6 | (p[3] & 0x3fu);
		return 4;
	}
	*c = 0xfffd;
	return 1;
}

static void put_unit(struct mbim_buf *buf, uint32_t unit)
{
	uint8_t *p = buf_extend(buf, 2);

	if (p) {
		p[0] = (uint8_t)unit;
		p[1] = (uint8_t)(unit >> 8);
	}
}

void mbim_fill_string(struct mbim_buf *buf, size_t base, size_t at,
		      const char *string)
{
	size_t start;

	if (!*string)
		return;
	buf_pad(buf, base);
	start = buf->len;
	while (*string) {
		uint32_t c;

		string += utf8_decode(string, &c);
		if (c < 0x10000) {
			put_unit(buf, c);
		} else {
			put_unit(buf, 0xd800 + ((c - 0x10000) >> 10));
			put_unit(buf, 0xdc00 + ((c - 0x10000) & 0x3ff));
		}
	}
	mbim_set_u32(buf, at, (uint32_t)(start - base));
	mbim_set_u32(buf, at + 4, (uint32_t)(buf->len - start));
	buf_pad(buf, base);
}
