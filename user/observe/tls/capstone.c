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

bool kw_capstone_begin(cs_arch arch, cs_mode mode, csh *ret_handle, cs_insn **ret_one)
{
	if (!kw_capstone_load() || kw_capstone.open(arch, mode, ret_handle) != CS_ERR_OK)
		return false;
	kw_capstone.option(*ret_handle, CS_OPT_DETAIL, CS_OPT_ON);
	*ret_one = kw_capstone.malloc(*ret_handle);
	if (!*ret_one)
		kw_capstone.close(ret_handle);
	return *ret_one;
}

void kw_capstone_end(csh handle, cs_insn *one)
{
	kw_capstone.free(one, 1);
	kw_capstone.close(&handle);
}
