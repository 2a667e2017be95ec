/* SPDX-License-Identifier: BSD-2-Clause */
/* A 32-bit program, for kernels that run those beside 64-bit ones: receives once from standard input and sends that to standard
 * output, each by the call that its two arguments name. It needs no library, as a host that builds for 64 bits has none for it. */

/* arch/x86/entry/syscalls/syscall_32.tbl, and include/uapi/linux/net.h */
enum {
	EXIT = 1,
	READ = 3,
	WRITE = 4,
	SOCKETCALL = 102,
	READV = 145,
	WRITEV = 146,
	SENDTO = 369,
	SENDMSG = 370,
	RECVFROM = 371,
	RECVMSG = 372,
};

#define SEGMENTS 20 /* the last one has the rest */
#define NONE 3      /* number of the one without bytes */
#define PIECE 7

struct iovec {
	char *base;
	unsigned int length;
};

struct message {
	void *name;
	unsigned int name_length;
	struct iovec *iov;
	unsigned int iov_count;
	void *control;
	unsigned int control_length;
	int flags;
};

static char bytes[65536];
static struct iovec iov[SEGMENTS];
static struct message message = {.iov = iov, .iov_count = SEGMENTS};

static int call(int number, int first, const void *second, int third)
{
	int result;

	__asm__ volatile("int $0x80"
			 : "=a"(result)
			 : "a"(number), "b"(first), "c"(second), "d"(third), "S"(0), "D"(0)
			 : "memory");
	return result;
}

static int socketcall(int number, int first, const void *second, int third)
{
	const unsigned int arguments[] = {first, (unsigned int)second, third, 0, 0, 0};

	return call(SOCKETCALL, number, arguments, 0);
}

static void cut(unsigned int size)
{
	char *at = bytes;

	for (unsigned int i = 0; i < SEGMENTS; i++) {
		unsigned int length = i == NONE ? 0 : i < SEGMENTS - 1 && size > PIECE ? PIECE : size;

		iov[i] = (struct iovec){at, length};
		at += length;
		size -= length;
	}
}

/* Carries up to @size bytes by the call that @name is the first letter of. */
static int carry(int fd, char name, int size, int is_send)
{
	cut(size);
	switch (name) {
	case 'v':
		return call(is_send ? WRITEV : READV, fd, iov, SEGMENTS);
	case 't':
		return call(is_send ? SENDTO : RECVFROM, fd, bytes, size);
	case 'm':
		return call(is_send ? SENDMSG : RECVMSG, fd, &message, 0);
	case 'S':
		return socketcall(is_send ? 9 : 10, fd, bytes, size);
	case 'T':
		return socketcall(is_send ? 11 : 12, fd, bytes, size);
	case 'M':
		return socketcall(is_send ? 16 : 17, fd, &message, 0);
	default:
		return call(is_send ? WRITE : READ, fd, bytes, size);
	}
}

__attribute__((used)) static void run(int count, char **words)
{
	int size = carry(0, count > 1 ? words[1][0] : 0, sizeof(bytes), 0);

	call(EXIT, carry(1, count > 2 ? words[2][0] : 0, size, 1) != size, 0, 0);
}

__asm__(".globl _start\n_start: mov %esp, %eax\n\tlea 4(%esp), %edx\n\tand $-16, %esp\n\tsub $8, %esp\n\tpush %edx\n\tpush (%eax)\n\tcall run\n");
