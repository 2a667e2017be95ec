/* SPDX-License-Identifier: BSD-2-Clause */
/* The names of settings by which programs limit and end their HTTP/2 connections. */
#ifndef KEEPWATCH_HTTP2_SETTINGS_H
#define KEEPWATCH_HTTP2_SETTINGS_H

#include "finding/software.h"

/* Texts that follow the word "set" or "raise" in advice; never NULL. */
struct kw_http2_settings {
	const char *called;     /* as struct kw_software has it; NULL: any other software */
	const char *streams;    /* how many streams a server takes on one connection */
	const char *age;        /* how old a connection may become */
	const char *grace;      /* how long streams may go on after a GOAWAY */
	const char *concurrent; /* how many streams may be open at once */
};

/* Those of the server's software; for software that is not known, those of common software. Never NULL. */
const struct kw_http2_settings *kw_http2_settings_of(const struct kw_software *server);

#endif
