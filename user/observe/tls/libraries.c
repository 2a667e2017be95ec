/* SPDX-License-Identifier: BSD-2-Clause */
#include "observe/tls/libraries.h"

#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

#define NAME "libssl.so.3" /* of OpenSSL 3; versions within it follow */
#define LINES_MOST 65536   /* of one process' mappings */
#define SIZE_MOST (64 << 20)

static bool is_library(const char *path)
{
	const char *name = strrchr(path, '/');

	return name && strncmp(name + 1, NAME, strlen(NAME)) == 0 && !strstr(path, " (deleted)");
}

/* A file that may be looked at. Returns a descriptor, or -1. */
static int open_file(const char *place, struct stat *ret_about)
{
	int fd = open(place, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0 ||
	    (fstat(fd, ret_about) == 0 && S_ISREG(ret_about->st_mode) && ret_about->st_size <= SIZE_MOST))
		return fd;
	close(fd);
	return -1;
}

/* The path as this process sees it, of one that @pid sees; 0: this process itself. */
static void place_of(pid_t pid, const char *path, char *place, size_t size)
{
	if (pid)
		snprintf(place, size, "/proc/%d/root%s", (int)pid, path);
	else
		snprintf(place, size, "%s", path);
}

/* @place: the path as this process sees it. */
static void show(const char *place, const char *path, pid_t pid, kw_tls_library_fn found, void *context)
{
	struct stat about;
	_cleanup_fd_ int fd = open_file(place, &about);
	struct kw_tls_library library = {.fd = fd, .path = path, .pid = pid};

	if (fd < 0)
		return;
	library.device = about.st_dev;
	library.inode = about.st_ino;
	found(context, &library);
}

/* A line of maps: proc(5). The path is the last field; what is mapped several times stands on lines that follow each other. */
static char *path_of(char *line)
{
	char *path = strchr(line, '/');

	if (path)
		path[strcspn(path, "\n")] = 0;
	return path;
}

void kw_tls_libraries_of(pid_t pid, kw_tls_library_fn found, void *context)
{
	char place[PATH_MAX + 64], last[PATH_MAX] = "";
	_cleanup_file_ FILE *maps = NULL;
	_cleanup_free_ char *line = NULL;
	size_t size = 0;

	snprintf(place, sizeof(place), "/proc/%d/maps", (int)pid);
	maps = fopen(place, "re");
	for (unsigned int i = 0; maps && i < LINES_MOST && getline(&line, &size, maps) > 0; i++) {
		const char *path = path_of(line);

		if (!path || !is_library(path) || strlen(path) >= sizeof(last) || strcmp(path, last) == 0)
			continue;
		strcpy(last, path);
		place_of(pid, path, place, sizeof(place));
		show(place, path, pid, found, context);
	}
}

void kw_tls_libraries_of_all(kw_tls_library_fn found, void *context)
{
	_cleanup_dir_ DIR *processes = opendir("/proc");
	const struct dirent *entry;

	while (processes && (entry = readdir(processes))) {
		long pid = strtol(entry->d_name, NULL, 10);

		if (pid > 0 && pid <= INT_MAX)
			kw_tls_libraries_of((pid_t)pid, found, context);
	}
}

void kw_tls_libraries_of_host(kw_tls_library_fn found, void *context)
{
	static const char *const folders[] = {"/usr/lib/" NAME "*", "/usr/lib64/" NAME "*",
					      "/usr/lib/*-linux-gnu/" NAME "*", "/usr/local/lib*/" NAME "*"};
	glob_t paths = {0};

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		glob(folders[i], i ? GLOB_APPEND : 0, NULL, &paths);
	for (size_t i = 0; i < paths.gl_pathc; i++)
		show(paths.gl_pathv[i], paths.gl_pathv[i], 0, found, context);
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
