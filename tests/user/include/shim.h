/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The few kernel definitions that the multiplexer codec and its tests use, for
 * user space. The headers beside this one have the kernel's names and lead here.
 */
#ifndef IOSM_USER_SHIM_H
#define IOSM_USER_SHIM_H

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
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

#define cpu_to_le16(x)		htole16(x)
#define cpu_to_le32(x)		htole32(x)
#define le16_to_cpu(x)		le16toh(x)
#define le32_to_cpu(x)		le32toh(x)

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
