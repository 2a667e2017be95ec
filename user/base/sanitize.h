/* SPDX-License-Identifier: BSD-2-Clause */
/* Text from the host or from traffic, made safe to print: names of processes and of header fields may hold
 * any byte, terminal escapes included. Whatever becomes part of an output goes through here once. */
#ifndef KEEPWATCH_SANITIZE_H
#define KEEPWATCH_SANITIZE_H

#include <stddef.h>

/* Copies @text, of at most @length bytes or up to its NUL, to @ret_clean of @size bytes (1 at least), always
 * ended by NUL. Control characters and bytes that are no UTF-8 become '?'. Text that does not fit is cut, never
 * within a character. Returns the length. */
size_t kw_sanitize(const char *text, size_t length, char *ret_clean, size_t size);

#define KW_KEY_EXCERPT 20 /* bytes, with the NUL */

/* Writes as much of an unknown key as an error message may quote. The file may not be what the user takes it for: a
 * password file, a private key. A word of 16 small letters, '-' and '_' at most is quoted whole, because it may be a key
 * that was mistyped; of anything else only the first 8 bytes, as far as they are such letters, and "...". Returns
 * @ret_excerpt. */
const char *kw_key_excerpt(const char *key, char ret_excerpt[KW_KEY_EXCERPT]);

/* Makes a word of a line of the log from a name that kw_sanitize() made: what ends a word or begins a value there
 * becomes '?'. */
void kw_sanitize_word(char *name);

#endif
