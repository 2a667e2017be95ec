/* SPDX-License-Identifier: BSD-2-Clause */
/* For cppcheck alone, which does not look into system headers: macros of theirs that make statements. */
#define HASH_ITER(hh, head, element, next) for ((element) = (head), (next) = 0; (element); (element) = (next))
#define HASH_FIND(hh, head, key, size, element) ((element) = (head))
#define json_object_foreach(object, key, value)                                                                \
	for ((key) = object_key(object); (key) && ((value) = object_value(key)); (key) = object_next(key))
#define json_array_foreach(array, index, value)                                                                \
	for ((index) = 0; ((value) = array_value(array, index)); (index)++)
#define LIBBPF_OPTS(type, name, ...) struct type name = {__VA_ARGS__}
#define bpf_object__for_each_program(program, object) for ((program) = 0; ((program) = next(object, program));)
#define DL_FOREACH_SAFE(head, element, next)                                                                   \
	for ((element) = (head), (next) = 0; (element); (element) = (next))
