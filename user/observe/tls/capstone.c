/* SPDX-License-Identifier: BSD-2-Clause */
#include "observe/tls/capstone.h"

#include <dlfcn.h>

#define LIBRARY "libcapstone.so.4"

struct kw_capstone kw_capstone;

bool kw_capstone_load(void)
{
	static bool loaded;
	void *library = loaded ? NULL : dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);

	if (!library)
		return loaded;
	loaded = true;
#define FIND(name)                                                                                             \
	*(void **)&kw_capstone.name = dlsym(library, "cs_" #name);                                             \
	loaded = loaded && kw_capstone.name;
	KW_CAPSTONE(FIND)
	return loaded;
}
