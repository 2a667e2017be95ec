/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/privileges.h"

#include <cap-ng.h>
#include <errno.h>
#include <pwd.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/landlock.h"
#include "base/log.h"
#include "base/system_calls.h"
#include "base/user_file.h"

#define OWN_USER "keepwatch" /* which the package makes */
#define NOBODY 65534         /* where not even the name is known */

/* Sanitizers make calls of their own inside this process, as when they look for leaks at its end. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED true
#else
#define SANITIZED false
#endif

bool kw_privileges_have(unsigned int capability)
{
	capng_clear(CAPNG_SELECT_ALL);
	return capng_get_caps_process() == 0 && capng_have_capability(CAPNG_EFFECTIVE, capability);
}

/* ---- the user ---- */

struct user {
	uid_t uid;
	gid_t gid;
};

/* Looks only where packages add users, because other sources of names load code and ask the network. */
static bool find_name(const char *name, struct user *ret_user)
{
	_cleanup_file_ FILE *file = fopen("/etc/passwd", "re");
	struct passwd entry, *found;
	char text[1024];

	while (file && fgetpwent_r(file, &entry, text, sizeof(text), &found) == 0)
		if (strcmp(entry.pw_name, name) == 0 && entry.pw_uid != 0) {
			*ret_user = (struct user){entry.pw_uid, entry.pw_gid};
			return true;
		}
	return false;
}

/* Whoever started a set-user-id program; else this one, or somebody who owns nothing. */
static struct user find_user(const char *name)
{
	struct user user = {NOBODY, NOBODY};

	if (getuid() != 0)
		return (struct user){getuid(), getgid()};
	if (!find_name(name, &user))
		find_name("nobody", &user);
	return user;
}

static bool can_leave_root(void)
{
	if (geteuid() != 0)
		return false;
	if (kw_privileges_have(CAP_SETUID) && kw_privileges_have(CAP_SETGID))
		return true;
	kw_log(KW_LOG_DEBUG, "this process lacks CAP_SETUID or CAP_SETGID, so keepwatch goes on as root, "
			     "without root's capabilities");
	return false;
}

/* ---- capabilities ---- */

static int failed(void)
{
	return kw_log_error(-EPERM, "cannot give up capabilities");
}

/* Capabilities that stay. */
struct kept {
	bool read_search; /* CAP_DAC_READ_SEARCH */
	bool bpf;         /* CAP_BPF */
	bool probes;      /* those that it takes to find other processes' libraries and put probes into them */
	bool replaced;    /* the one that it takes to read a file which has been replaced, by a mapping of it */
};

static void keep(unsigned int capability)
{
	capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_BOUNDING_SET, capability);
}

/* From here on the library's sets are those that are to be. */
static void choose_capabilities(struct kept kept)
{
	capng_clear(CAPNG_SELECT_ALL);
	if (kept.read_search)
		keep(CAP_DAC_READ_SEARCH);
	if (kept.bpf || kept.probes)
		keep(CAP_BPF);
	if (kept.probes) {
		keep(CAP_PERFMON);
		keep(CAP_SYS_PTRACE);
		keep(CAP_DAC_READ_SEARCH);
	}
	if (kept.replaced)
		keep(CAP_CHECKPOINT_RESTORE);
}

/* The bounding set is out of reach without CAP_SETPCAP. It only matters to what is executed, and nothing is. */
static int drop_capabilities(struct kept kept, const char *name)
{
	bool bounds = kw_privileges_have(CAP_SETPCAP), leave = can_leave_root();
	struct user user = leave ? find_user(name) : (struct user){0};

	choose_capabilities(kept);
	if (bounds && capng_apply(CAPNG_SELECT_BOUNDS) < 0)
		return failed();
	choose_capabilities(kept);
	if (leave && capng_change_id((int)user.uid, (int)user.gid, CAPNG_DROP_SUPP_GRP) < 0)
		return kw_log_error(-EPERM, "cannot become user %u instead of root", user.uid);
	choose_capabilities(kept);
	return capng_apply(CAPNG_SELECT_CAPS | CAPNG_SELECT_AMBIENT) < 0 ? failed() : 0;
}

/* ---- the whole ---- */

/* No new privileges by programs that are executed, and nobody of the same user may look into this process, which may hold keys
 * and passwords, or change it. The leak check of a sanitizer must. */
static int forbid_gains(void)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return kw_log_error(-errno, "cannot set no_new_privs: %s", strerror(errno));
	if (prctl(PR_SET_DUMPABLE, SANITIZED, 0, 0, 0) < 0)
		return kw_log_error(-errno, "cannot forbid others to trace it: %s", strerror(errno));
	return 0;
}

static int restrict_files(void)
{
	int folders[KW_USER_FOLDERS];
	size_t count = kw_user_folders(folders);
	int r = SANITIZED ? 0 : kw_landlock_restrict(folders, count);

	for (size_t i = 0; i < count; i++)
		close(folders[i]);
	return r;
}

bool kw_privileges_can_without_bpf(int (*attempt)(void *context), void *context)
{
	bool can = true;
	void *before;

	capng_clear(CAPNG_SELECT_ALL);
	if (capng_get_caps_process() < 0)
		return true;
	before = capng_save_state();
	if (!before)
		return true;
	capng_updatev(CAPNG_DROP, CAPNG_EFFECTIVE, CAP_BPF, CAP_SYS_ADMIN, -1);
	if (capng_apply(CAPNG_SELECT_CAPS) == 0)
		can = attempt(context) == 0;
	capng_restore_state(&before);
	capng_apply(CAPNG_SELECT_CAPS);
	return can;
}

int kw_privileges_drop(const struct kw_needs *needs)
{
	struct kept kept = {.read_search = kw_privileges_have(CAP_DAC_READ_SEARCH),
			    .bpf = needs->bpf && kw_privileges_have(CAP_BPF)};
	bool lowers_rights = kw_user_has_fewer();
	int r;

	tzset(); /* reads a file, once */
	r = drop_capabilities(kept, OWN_USER);
	if (r == 0)
		r = forbid_gains();
	if (r == 0)
		r = restrict_files();
	if (r == 0 && !SANITIZED)
		r = kw_system_calls_narrow(lowers_rights, needs->screen);
	return r;
}

int kw_privileges_drop_to_probes(const struct kw_system_call *allowed, size_t count)
{
	const struct kept kept = {.probes = true, .replaced = kw_privileges_have(CAP_CHECKPOINT_RESTORE)};
	int r = drop_capabilities(kept, "nobody");

	if (r == 0)
		r = forbid_gains();
	if (r == 0 && !SANITIZED)
		r = kw_system_calls_allow(allowed, count);
	return r;
}

int kw_privileges_drop_all(const struct kw_system_call *allowed, size_t count)
{
	int r = drop_capabilities((struct kept){0}, "nobody");

	if (r == 0)
		r = forbid_gains();
	if (r == 0 && !SANITIZED)
		r = kw_system_calls_allow(allowed, count);
	return r;
}
