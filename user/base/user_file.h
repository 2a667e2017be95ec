/* SPDX-License-Identifier: BSD-2-Clause */
/* Files that the user names, on the command line or in a configuration. They are opened with the user's own rights: a
 * program file that carries capabilities (setcap) or is set-user-id gives them for observing, not for reading what the user
 * may not read. Where the process was given its rights by whoever started it, they are the user's own. */
#ifndef KEEPWATCH_USER_FILE_H
#define KEEPWATCH_USER_FILE_H

#include <cap-ng.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

/* Like open(), with O_CLOEXEC and O_NOCTTY: a descriptor, which is the caller's, or -1 and errno. */
int kw_user_open(const char *path, int flags, mode_t mode);

/* Opens a file to be read, and again at each reload, by the same name: the folders where it lies stay readable (see
 * kw_user_folders()). A descriptor, or a stream, which is the caller's; or -1, or NULL, and errno. */
int kw_user_read(const char *path);
FILE *kw_user_fopen(const char *path);

/* Words for an errno of these, for a message; static text, or strerror()'s. */
const char *kw_user_strerror(int error);

/* The rights of the calling thread as they were before they were lowered to the user's. */
struct kw_user_rights {
	bool lowered;
	unsigned int fsuid, fsgid;
	void *capabilities; /* owned; as capng_save_state() returns them */
};

/* Lowers the rights of the calling thread to the user's own, until kw_user_rights_end(): for libraries that open files by
 * their names, `_cleanup_(kw_user_rights_end) struct kw_user_rights rights = kw_user_rights_begin();`. */
struct kw_user_rights kw_user_rights_begin(void);
void kw_user_rights_end(struct kw_user_rights *rights);

/* Whether the user's rights are fewer than the process's. Asked first before the process changes its user. */
bool kw_user_has_fewer(void);

#define KW_USER_FOLDERS 32

/* The folders of all files that kw_user_read() opened, as descriptors (O_PATH). Both the folder that was named and that
 * which a symbolic link leads to, because either may get another file of that name. Returns how many; they are the
 * caller's, and no more are kept from then on. */
size_t kw_user_folders(int ret_folders[KW_USER_FOLDERS]);

#endif
