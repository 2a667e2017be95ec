/* SPDX-License-Identifier: BSD-2-Clause */
/* Embeds the page's style and script in the program, so that it needs no other file. The paths start at the
 * repository's root, where make runs. */
#include "output/page/sections.h"

#define EMBED(name, path)                                                                                      \
	__asm__(".pushsection .rodata\n"                                                                       \
		".global " #name "\n" #name ":\n"                                                              \
		".incbin \"" path "\"\n"                                                                       \
		".byte 0\n"                                                                                    \
		".popsection\n")

EMBED(kw_page_css, "user/output/page/page.css");
EMBED(kw_page_js, "user/output/page/page.js");
