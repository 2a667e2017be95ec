/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/page/cache.h"

#include <stdlib.h>

#include "base/clock.h"

#define GOOD_FOR KW_S
#define TIMES_MAKING 20

int kw_page_cache_get(struct kw_page_cache *cache, const struct kw_page_source *source, const char **ret_main)
{
	uint64_t began = kw_clock_monotonic(), ended;

	if (!cache->main || began >= cache->until) {
		char *main;
		size_t length;
		int r = kw_page_main(source, &main, &length);

		if (r < 0)
			return r;
		free(cache->main);
		cache->main = main;
		ended = kw_clock_monotonic();
		cache->until = ended + TIMES_MAKING * (ended - began);
		if (cache->until < began + GOOD_FOR)
			cache->until = began + GOOD_FOR;
	}
	*ret_main = cache->main;
	return 0;
}

void kw_page_cache_free(struct kw_page_cache *cache)
{
	free(cache->main);
	cache->main = NULL;
}
