/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * <net/page_pool/helpers.h> came with Linux 6.6; this file is found only where
 * the kernel has none. References to a page of a pool were called fragments
 * then, had to be asked for by a flag, and started uncounted.
 */
#ifndef IOSM_COMPAT_PAGE_POOL_HELPERS_H
#define IOSM_COMPAT_PAGE_POOL_HELPERS_H

#include <linux/dma-mapping.h>
#include <net/page_pool.h>

static inline void page_pool_ref_page(struct page *page)
{
	atomic_long_inc(&page->pp_frag_count);
}

static inline void page_pool_dma_sync_for_cpu(const struct page_pool *pool,
					      const struct page *page,
					      u32 offset, u32 size)
{
	dma_sync_single_range_for_cpu(pool->p.dev,
				      page_pool_get_dma_addr((struct page *)page),
				      offset + pool->p.offset, size,
				      pool->p.dma_dir);
}

static inline struct page_pool *
iosm_compat_page_pool_create(const struct page_pool_params *params)
{
	struct page_pool_params counted = *params;

	counted.flags |= PP_FLAG_PAGE_FRAG;
	return page_pool_create(&counted);
}

#define page_pool_create(params)	iosm_compat_page_pool_create(params)

static inline struct page *
iosm_compat_page_pool_alloc_pages(struct page_pool *pool, gfp_t gfp)
{
	struct page *page = page_pool_alloc_pages(pool, gfp);

	if (page)
		page_pool_fragment_page(page, 1);
	return page;
}

#define page_pool_alloc_pages(pool, gfp) \
	iosm_compat_page_pool_alloc_pages(pool, gfp)

#endif /* IOSM_COMPAT_PAGE_POOL_HELPERS_H */
