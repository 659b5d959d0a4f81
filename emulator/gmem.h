/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The memory of the guest.
 *
 * Nothing outside it can be reached through this interface, whatever address
 * and length the guest names. The guest runs while we read: fetch each word
 * once, or copy a whole record out, and only then look at it.
 */
#ifndef IOSM_EMU_GMEM_H
#define IOSM_EMU_GMEM_H

#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define GMEM_REGIONS	8

/**
 * struct gmem_region - a contiguous piece of guest memory
 * @guest: its guest-physical (bus) address
 * @user: its address in the numbering that vhost-user uses for queues
 * @size: bytes
 * @base: where it is mapped here
 * @map: what to unmap at the end, or NULL
 * @map_len: length of @map
 */
struct gmem_region {
	uint64_t guest, user, size;
	uint8_t *base;
	void *map;
	size_t map_len;
};

/**
 * struct gmem - all of the guest's memory
 * @count: number of regions in use
 * @region: the regions
 */
struct gmem {
	unsigned int count;
	struct gmem_region region[GMEM_REGIONS];
};

/**
 * gmem_add_fd() - map a region from a file; @fd stays the caller's
 *
 * Return: 0, or -EINVAL for a region that cannot be right (empty, wrapping,
 * overlapping another one, beyond the end of the file), -ENOSPC when there are
 * too many, or the error of mmap().
 */
int gmem_add_fd(struct gmem *mem, int fd, uint64_t guest, uint64_t user,
		uint64_t size, uint64_t offset);
/** gmem_add_ptr() - add memory that the caller owns; as gmem_add_fd(). */
int gmem_add_ptr(struct gmem *mem, void *base, uint64_t guest, uint64_t size);
/** gmem_clear() - forget and unmap all regions. */
void gmem_clear(struct gmem *mem);

/** gmem_guest() - where @len bytes at a bus address are; NULL if not ours. */
void *gmem_guest(const struct gmem *mem, uint64_t addr, uint64_t len);
/** gmem_user() - the same for an address of a vhost-user queue. */
void *gmem_user(const struct gmem *mem, uint64_t addr, uint64_t len);

/*
 * Little-endian words that the guest may change, or look at, at any time. A
 * load comes before all later accesses, a store after all earlier ones. Words
 * that the guest misaligned work too, but may tear.
 */
static inline uint32_t gmem_load32(const void *where)
{
	uint32_t value;

	if ((uintptr_t)where & 3) {
		memcpy(&value, where, sizeof(value));
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
	} else {
		value = __atomic_load_n((const uint32_t *)where,
					__ATOMIC_ACQUIRE);
	}
	return le32toh(value);
}

static inline void gmem_store32(void *where, uint32_t value)
{
	value = htole32(value);
	if ((uintptr_t)where & 3) {
		__atomic_thread_fence(__ATOMIC_RELEASE);
		memcpy(where, &value, sizeof(value));
	} else {
		__atomic_store_n((uint32_t *)where, value, __ATOMIC_RELEASE);
	}
}

/* gmem_copy() - copy a record out of guest memory, exactly once. */
static inline void gmem_copy(void *to, const void *from, size_t len)
{
	memcpy(to, from, len);
	__asm__ __volatile__("" ::: "memory");
}

#endif /* IOSM_EMU_GMEM_H */
