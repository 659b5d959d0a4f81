/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The few kernel definitions that the codecs of the multiplexer and of the flash
 * channel and their tests use, for user space. The headers beside this one have the kernel's names and lead here.
 */
#ifndef IOSM_USER_SHIM_H
#define IOSM_USER_SHIM_H

#include <assert.h>
#include <ctype.h>
#include <endian.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef unsigned long long u64;
typedef uint16_t __le16;
typedef uint32_t __le32;

#define __packed		__attribute__((__packed__))
#define barrier()		__asm__ __volatile__("" : : : "memory")
#define ALIGN(x, a)		(((x) + (a) - 1) & ~((__typeof__(x))(a) - 1))
#define min_t(type, a, b)	((type)(a) < (type)(b) ? (type)(a) : (type)(b))
#define max_t(type, a, b)	((type)(a) > (type)(b) ? (type)(a) : (type)(b))
#define ARRAY_SIZE(a)		(sizeof(a) / sizeof((a)[0]))
#define BIT(n)			(1UL << (n))
#define U32_MAX			UINT32_MAX
#define lower_16_bits(x)	((u16)((x) & 0xffff))
#define upper_16_bits(x)	((u16)((x) >> 16))
#define READ_ONCE(x)		(*(const volatile __typeof__(x) *)&(x))
#define check_add_overflow(a, b, d) __builtin_add_overflow(a, b, d)

#define cpu_to_le16(x)		htole16(x)
#define cpu_to_le32(x)		htole32(x)
#define le16_to_cpu(x)		le16toh(x)
#define le32_to_cpu(x)		le32toh(x)

static inline u16 get_unaligned_le16(const void *from)
{
	const u8 *p = from;

	return (u16)(p[0] | p[1] << 8);
}

static inline u32 get_unaligned_le32(const void *from)
{
	const u8 *p = from;

	return get_unaligned_le16(p) | (u32)get_unaligned_le16(p + 2) << 16;
}

static inline void put_unaligned_le16(u16 value, void *to)
{
	u8 *p = to;

	p[0] = (u8)value;
	p[1] = (u8)(value >> 8);
}

static inline void put_unaligned_le32(u32 value, void *to)
{
	put_unaligned_le16((u16)value, to);
	put_unaligned_le16((u16)(value >> 16), (u8 *)to + 2);
}

/* As snprintf(), but the result is what was written. */
__attribute__((format(printf, 3, 4)))
static inline int scnprintf(char *buf, size_t size, const char *format, ...)
{
	va_list args;
	int len;

	if (!size)
		return 0;
	va_start(args, format);
	len = vsnprintf(buf, size, format, args);
	va_end(args);
	return len < (int)size ? len : (int)size - 1;
}

static inline ptrdiff_t strscpy(char *to, const char *from, size_t size)
{
	size_t len = 0;

	while (len < size - 1 && from[len]) {
		to[len] = from[len];
		len++;
	}
	to[len] = '\0';
	return from[len] ? -E2BIG : (ptrdiff_t)len;
}

/* A small generator with the kernel's interface; any good sequence will do. */
struct rnd_state {
	uint64_t s;
};

static inline void prandom_seed_state(struct rnd_state *state, uint64_t seed)
{
	state->s = seed * 2 + 1;
}

static inline u32 prandom_u32_state(struct rnd_state *state)
{
	state->s = state->s * 6364136223846793005ULL + 1442695040888963407ULL;
	return (u32)(state->s >> 33) ^ (u32)(state->s >> 11);
}

static inline void prandom_bytes_state(struct rnd_state *state, void *buf, size_t len)
{
	u8 *p = buf;

	while (len--)
		*p++ = (u8)prandom_u32_state(state);
}

#endif
