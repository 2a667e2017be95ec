/* SPDX-License-Identifier: BSD-2-Clause */
/* JSON in which no key can go missing: if memory does not suffice for an object or a list, the whole is NULL, and so is
 * everything that it is put into. The function that writes it out reports that, once. */
#ifndef KEEPWATCH_JSON_H
#define KEEPWATCH_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Puts @value, which is taken over and may be NULL, into the object or at the end of the list. If that fails the whole is
 * released and becomes NULL. Either may be NULL already. */
void kw_json_set(json_t **object, const char *key, json_t *value);
void kw_json_append(json_t **list, json_t *value);

/* Values; null where one is not @known, or the text is NULL or empty. */
json_t *kw_json_integer(uint64_t number);
json_t *kw_json_integer_or_null(bool known, uint64_t number);
json_t *kw_json_real_or_null(bool known, double number);
json_t *kw_json_string_or_null(const char *text);

/* Writes the object as one line and releases it. @digits: of numbers that are not whole, 1 to 17. -ENOMEM for NULL; -EIO with
 * errno set. */
int kw_json_write_line(FILE *file, json_t *object, int digits);

/* Writes the line @text, an object that is not empty, with one more key in front: "host". -ENOMEM; -EIO with errno set. */
int kw_json_host(FILE *file, const char *host, const char *text);

#endif
