/* SPDX-License-Identifier: BSD-2-Clause */
#include "observe/tls/libraries.h"

#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>
#include <uthash.h>

#include "base/cleanup.h"

#define LINES_MOST 65536      /* of one process' mappings */
#define SIZE_MOST (2LL << 30) /* bytes of a file; only small parts of it are read */
#define MET_MOST 65536        /* files of one look that are remembered, so that each is opened once */
#define REPLACED " (deleted)" /* the kernel writes it behind the path of a file that has lost this name */

#define NS_A_SECOND 1000000000ULL

/* ---- opening ---------------------------------------------------------------------------------------- */

/* A file that may be looked at. Whoever may choose the path may let it lead to a device that acts when it is opened (a watchdog begins
 * to run): so it is known to be an ordinary file before it is opened for reading. Returns a descriptor, or -1. */
static int open_file(const char *place, struct stat *ret_about)
{
	_cleanup_fd_ int known = open(place, O_PATH | O_CLOEXEC);
	char path[32];

	if (known < 0 || fstat(known, ret_about) < 0 || !S_ISREG(ret_about->st_mode) ||
	    ret_about->st_size > SIZE_MOST)
		return -1;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", known);
	return open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
}

/* The path as this process sees it, of one that @pid sees; 0: this process itself. */
static void place_of(pid_t pid, const char *path, char *place, size_t size)
{
	if (pid)
		snprintf(place, size, "/proc/%d/root%s", (int)pid, path);
	else
		snprintf(place, size, "%s", path);
}

static uint64_t nanoseconds(const struct timespec *time)
{
	return (uint64_t)time->tv_sec * NS_A_SECOND + (uint64_t)time->tv_nsec;
}

static struct kw_file_id id_of(int fd, const struct stat *about)
{
	struct kw_file_id id = {about->st_dev, about->st_ino, (uint64_t)about->st_size,
				nanoseconds(&about->st_mtim), 0};
	struct statfs where;

	if (fstatfs(fd, &where) == 0 && where.f_type == OVERLAYFS_SUPER_MAGIC) {
		id.device = KW_DEVICE_OVERLAY;
		id.changed = nanoseconds(&about->st_ctim);
	}
	return id;
}

/* @fd: an open file, which this closes; or -1. */
static void show(int fd, const struct stat *about, const char *path, pid_t pid, kw_tls_library_fn found,
		 void *context)
{
	struct kw_tls_library library = {.fd = fd, .path = path, .pid = pid};

	if (fd < 0)
		return;
	library.id = id_of(fd, about);
	found(context, &library);
	close(fd);
}

/* ---- what a look has met ---------------------------------------------------------------------------- */

/* A mapped file, before it is opened. Devices of a file system with snapshots are one here, so mount namespaces tell containers
 * apart. */
struct mapped {
	uint64_t namespace;
	uint64_t device;
	uint64_t inode;
};

struct met {
	struct mapped key;
	UT_hash_handle hh;
};

/* Looks at processes. */
struct look {
	kw_tls_library_fn found;
	void *context;
	struct met *met;
};

/* Is it the first time that this look meets the file? */
static bool is_new(struct look *look, const struct mapped *key)
{
	struct met *met;

	HASH_FIND(hh, look->met, key, sizeof(*key), met);
	if (met)
		return false;
	met = HASH_COUNT(look->met) < MET_MOST ? malloc(sizeof(*met)) : NULL;
	if (met) {
		met->key = *key;
		HASH_ADD(hh, look->met, key, sizeof(met->key), met);
	}
	return true;
}

static void end(struct look *look)
{
	struct met *met, *next;

	HASH_ITER (hh, look->met, met, next) {
		HASH_DEL(look->met, met);
		free(met);
	}
}

/* ---- a process -------------------------------------------------------------------------------------- */

/* A line of maps: proc(5). */
struct mapping {
	unsigned long begin, end;
	struct mapped file;
	char *path;
};

/* Returns whether it is code of a file. */
static bool parse(char *line, struct mapping *ret_mapping)
{
	unsigned int major, minor;
	unsigned long inode;
	char permissions[5];
	int at = 0;

	if (sscanf(line, "%lx-%lx %4s %*x %x:%x %lu %n", &ret_mapping->begin, &ret_mapping->end, permissions,
		   &major, &minor, &inode, &at) != 6 ||
	    permissions[2] != 'x' || !inode || line[at] != '/')
		return false;
	ret_mapping->path = line + at;
	ret_mapping->path[strcspn(ret_mapping->path, "\n")] = 0;
	ret_mapping->file.device = (uint64_t)major << 32 | minor;
	ret_mapping->file.inode = inode;
	return true;
}

static bool is_replaced(const char *path)
{
	size_t length = strlen(path), ending = strlen(REPLACED);

	return length > ending && strcmp(path + length - ending, REPLACED) == 0;
}

/* The mapping itself leads to the very file, whatever has its name by now; without the right for that, the name has to do. */
static int open_mapping(pid_t pid, const struct mapping *mapping, struct stat *ret_about)
{
	char place[PATH_MAX + 64];
	int fd;

	snprintf(place, sizeof(place), "/proc/%d/map_files/%lx-%lx", (int)pid, mapping->begin, mapping->end);
	fd = open_file(place, ret_about);
	if (fd >= 0 || is_replaced(mapping->path) || strlen(mapping->path) >= PATH_MAX)
		return fd;
	place_of(pid, mapping->path, place, sizeof(place));
	return open_file(place, ret_about);
}

static uint64_t mount_namespace(pid_t pid)
{
	struct stat about;
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d/ns/mnt", (int)pid);
	return stat(path, &about) == 0 ? about.st_ino : 0;
}

static void look_at(struct look *look, pid_t pid)
{
	uint64_t namespace = mount_namespace(pid);
	_cleanup_file_ FILE *maps = NULL;
	_cleanup_free_ char *line = NULL;
	struct mapping mapping;
	struct stat about;
	char place[32];
	size_t size = 0;
	int fd;

	snprintf(place, sizeof(place), "/proc/%d/maps", (int)pid);
	maps = fopen(place, "re");
	for (unsigned int i = 0; maps && i < LINES_MOST && getline(&line, &size, maps) > 0; i++) {
		if (!parse(line, &mapping))
			continue;
		mapping.file.namespace = namespace;
		if (!is_new(look, &mapping.file))
			continue;
		fd = open_mapping(pid, &mapping, &about);
		show(fd, &about, mapping.path, pid, look->found, look->context);
	}
}

void kw_tls_libraries_of(pid_t pid, kw_tls_library_fn found, void *context)
{
	struct look look = {found, context, NULL};

	look_at(&look, pid);
	end(&look);
}

/* ---- all processes, and the host -------------------------------------------------------------------- */

void kw_tls_processes(void (*found)(void *context, pid_t pid), void *context)
{
	_cleanup_dir_ DIR *processes = opendir("/proc");
	const struct dirent *entry;

	while (processes && (entry = readdir(processes))) {
		long pid = strtol(entry->d_name, NULL, 10);

		if (pid > 0 && pid <= INT_MAX)
			found(context, (pid_t)pid);
	}
}

static void on_process(void *context, pid_t pid)
{
	look_at(context, pid);
}

void kw_tls_libraries_of_all(kw_tls_library_fn found, void *context)
{
	struct look look = {found, context, NULL};

	kw_tls_processes(on_process, &look);
	end(&look);
}

void kw_tls_libraries_of_host(kw_tls_library_fn found, void *context)
{
	static const char *const folders[] = {"/usr/lib", "/usr/lib64", "/usr/lib/*-linux-gnu",
					      "/usr/local/lib*"};
	static const char *const names[] = {"libssl.so.3*", "libssl.so.1.1*", "libgnutls.so.30*"};
	glob_t paths = {0};
	char pattern[64];
	bool any = false;

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		for (size_t k = 0; k < sizeof(names) / sizeof(names[0]); k++) {
			snprintf(pattern, sizeof(pattern), "%s/%s", folders[i], names[k]);
			any |= glob(pattern, any ? GLOB_APPEND : 0, NULL, &paths) == 0;
		}
	}
	for (size_t i = 0; any && i < paths.gl_pathc; i++) {
		struct stat about;
		int fd = open_file(paths.gl_pathv[i], &about);

		show(fd, &about, paths.gl_pathv[i], 0, found, context);
	}
	globfree(&paths);
}

int kw_tls_library_sibling(const struct kw_tls_library *library, const char *own, const char *name)
{
	const char *last = strrchr(library->path, '/');
	char path[PATH_MAX], place[PATH_MAX + 64];
	struct stat about;
	int length;

	if (!last || strncmp(last + 1, own, strlen(own)) != 0)
		return -1;
	length = snprintf(path, sizeof(path), "%.*s/%s%s", (int)(last - library->path), library->path, name,
			  last + 1 + strlen(own));
	if (length < 0 || (size_t)length >= sizeof(path))
		return -1;
	place_of(library->pid, path, place, sizeof(place));
	return open_file(place, &about);
}
