// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest memory: a handful of mapped regions and a bounds check.
 */
#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gmem.h"

static int gmem_add(struct gmem *mem, const struct gmem_region *new)
{
	if (!new->size || new->guest + new->size < new->guest ||
	    new->user + new->size < new->user)
		return -EINVAL;
	if (mem->count == GMEM_REGIONS)
		return -ENOSPC;

	for (unsigned int i = 0; i < mem->count; i++) {
		const struct gmem_region *old = &mem->region[i];

		if (new->guest < old->guest + old->size &&
		    old->guest < new->guest + new->size)
			return -EINVAL;
	}
	mem->region[mem->count++] = *new;
	return 0;
}

int gmem_add_ptr(struct gmem *mem, void *base, uint64_t guest, uint64_t size)
{
	struct gmem_region region = {
		.guest = guest,
		.user = guest,
		.size = size,
		.base = base,
	};

	return gmem_add(mem, &region);
}

int gmem_add_fd(struct gmem *mem, int fd, uint64_t guest, uint64_t user,
		uint64_t size, uint64_t offset)
{
	struct gmem_region region = {
		.guest = guest,
		.user = user,
		.size = size,
	};
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t skip = offset % page;
	struct stat st;
	int err;

	if (fstat(fd, &st))
		return -errno;
	/* A mapping beyond the end of the file would kill us with SIGBUS. */
	if (st.st_size < 0 || offset > (uint64_t)st.st_size ||
	    size > (uint64_t)st.st_size - offset)
		return -EINVAL;

	region.map_len = size + skip;
	region.map = mmap(NULL, region.map_len, PROT_READ | PROT_WRITE,
			  MAP_SHARED, fd, (off_t)(offset - skip));
	if (region.map == MAP_FAILED)
		return -errno;
	region.base = (uint8_t *)region.map + skip;

	err = gmem_add(mem, &region);
	if (err)
		munmap(region.map, region.map_len);
	return err;
}

void gmem_clear(struct gmem *mem)
{
	for (unsigned int i = 0; i < mem->count; i++) {
		if (mem->region[i].map)
			munmap(mem->region[i].map, mem->region[i].map_len);
	}
	mem->count = 0;
}

void *gmem_guest(const struct gmem *mem, uint64_t addr, uint64_t len)
{
	for (unsigned int i = 0; i < mem->count; i++) {
		const struct gmem_region *region = &mem->region[i];
		uint64_t offset = addr - region->guest;

		if (offset < region->size && len <= region->size - offset)
			return region->base + offset;
	}
	return NULL;
}

void *gmem_user(const struct gmem *mem, uint64_t addr, uint64_t len)
{
	for (unsigned int i = 0; i < mem->count; i++) {
		const struct gmem_region *region = &mem->region[i];
		uint64_t offset = addr - region->user;

		if (offset < region->size && len <= region->size - offset)
			return region->base + offset;
	}
	return NULL;
}
