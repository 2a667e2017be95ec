/* SPDX-License-Identifier: BSD-2-Clause */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/privileges.h"
#include "command/check_tls.h"
#include "command/commands.h"
#include "keepwatch.skel.h"
#include "event/cgroup.h"
#include "observe/front_end.h"
#include "observe/kernel_types.h"
#include "observe/obstacles.h"
#include "observe/programs.h"
#include "observe/requirements.h"
#include "observe/tail_calls.h"

#define HOOK_PREFIX "tp_btf/"

/* One line per requirement, as they are looked at. */
struct report {
	unsigned int missing;
};

static bool say(struct report *report, bool good, const char *subject, const char *advice)
{
	printf("%-8s %s", good ? "ok" : "missing", subject);
	if (!good)
		printf(": %s", advice);
	putchar('\n');
	report->missing += !good;
	return good;
}

static void check_kernel(struct report *report)
{
	struct utsname name;
	char subject[256];

	if (uname(&name) < 0)
		return;
	snprintf(subject, sizeof(subject), "kernel %.64s (%.64s)", name.release, name.machine);
	say(report, true, subject, "");
}

/* Without some of them less is seen; that is said, and no reason not to run. */
static bool check_capabilities(struct report *report)
{
	bool enough = true;

	for (int i = 0; i < KW_HOST_CAPABILITIES; i++) {
		const struct kw_host_capability *capability = &kw_host_capabilities[i];
		char advice[128];

		snprintf(advice, sizeof(advice), "keepwatch needs it to %s; run keepwatch as root (try sudo)",
			 capability->purpose);
		if (capability->required)
			enough &= say(report, kw_host_allows(capability), capability->name, advice);
		else if (kw_host_allows(capability))
			say(report, true, capability->name, "");
		else
			printf("%-8s %s: keepwatch would need it to %s\n", "without", capability->name,
			       capability->purpose);
	}
	return enough;
}

/* Only those that stand are said. */
static bool check_obstacles(struct report *report)
{
	bool none = true;

	for (int i = 0; i < KW_OBSTACLES; i++)
		if (kw_obstacles[i].stands())
			none = say(report, false, kw_obstacles[i].what, kw_obstacles[i].advice);
	return none;
}

static bool check_types(struct report *report)
{
	static const char *const sources[] = {
		[KW_TYPES_GIVEN] = "type information (the file given with --btf)",
		[KW_TYPES_READ] = "type information (" KW_TYPES_FILE ")",
		[KW_TYPES_ASKED] =
			"type information (asked of the kernel, because " KW_TYPES_FILE " is hidden)",
		[KW_TYPES_HIDDEN] = "type information (BTF, " KW_TYPES_FILE ")",
		[KW_TYPES_NONE] = "type information (BTF)",
	};
	enum kw_types types = kw_types_find();
	const char *missing = kw_types_missing(types);

	return say(report, !missing, sources[types], missing);
}

/* Names of them come from version 2 alone; that some are missing is no reason not to run. */
static void check_control_groups(void)
{
	static const char advice[] = "boot with systemd.unified_cgroup_hierarchy=1";
	enum kw_cgroup_versions versions = kw_cgroup_versions();

	if (versions == KW_CGROUPS_2)
		printf("%-8s control groups of version 2\n", "ok");
	else if (versions == KW_CGROUPS_BOTH)
		printf("%-8s names of containers that are in control groups of version 1 alone, which this host has too: %s\n",
		       "without", advice);
	else
		printf("%-8s names of control groups and containers: no control groups of version 2 are mounted: %s\n",
		       "without", advice);
}

static void check_map(struct report *report, enum bpf_map_type type, const char *subject)
{
	say(report, libbpf_probe_bpf_map_type(type, NULL) == 1, subject, "keepwatch needs Linux 5.8 or newer");
}

/* The programs themselves say which tracepoints they always need: no list here can fall behind. */
static void check_hooks(struct report *report, const struct keepwatch_bpf *skel)
{
	struct btf *btf = btf__load_vmlinux_btf();
	struct bpf_program *program;
	const char *last = "";

	bpf_object__for_each_program(program, skel->obj)
	{
		const char *section = bpf_program__section_name(program);
		char type[128], subject[128];
		const char *hook = section + strlen(HOOK_PREFIX);

		if (strncmp(section, HOOK_PREFIX, strlen(HOOK_PREFIX)) != 0 ||
		    !bpf_program__autoload(program) ||
		    strcmp(section, last) == 0) /* a twin, which stands beside the other */
			continue;
		last = section;
		snprintf(type, sizeof(type), "btf_trace_%s", hook);
		snprintf(subject, sizeof(subject), "tracepoint %s", hook);
		say(report, btf && btf__find_by_name_kind(btf, type, BTF_KIND_TYPEDEF) > 0, subject,
		    "keepwatch needs Linux 5.15 or newer");
	}
	btf__free(btf);
}

/* A front end that lacks something is amiss only if no other one does the work. */
static void say_front_end(enum kw_front_end front_end, const struct kw_missing_hook *missing,
			  enum kw_front_end chosen)
{
	char why[128];

	if (front_end == chosen)
		printf("%-8s %s front end: all its hooks work; keepwatch uses this one\n", "ok",
		       kw_front_end_name(front_end));
	else if (!missing->hook)
		printf("%-8s %s front end: it would work as well\n", "spare", kw_front_end_name(front_end));
	else {
		kw_missing_hook_text(missing, why, sizeof(why));
		printf("%-8s %s front end: %s: %s\n", chosen ? "unused" : "missing",
		       kw_front_end_name(front_end), missing->hook, why);
	}
}

static void say_addition(const struct kw_addition *addition)
{
	char why[128];

	if (!addition->missing.hook) {
		printf("%-8s %s\n", "ok", addition->purpose);
		return;
	}
	kw_missing_hook_text(&addition->missing, why, sizeof(why));
	printf("%-8s %s: %s: %s\n", "unseen", addition->purpose, addition->missing.hook, why);
}

/* Another iterator than the first one meets fewer connections while they live. */
static void say_sweep(const struct kw_front_end_choice *choice)
{
	char why[128];

	if (!choice->sweep_missing.hook) {
		printf("%-8s %s: finds the connections that are already open\n", "ok", choice->sweep);
		return;
	}
	kw_missing_hook_text(&choice->sweep_missing, why, sizeof(why));
	printf("%-8s %s: finds open connections that a process holds; others show when they close (%s: %s)\n",
	       "ok", choice->sweep, choice->sweep_missing.hook, why);
}

static enum kw_front_end check_front_ends(struct report *report, struct keepwatch_bpf *skel,
					  enum kw_front_end wanted)
{
	struct kw_missing_hook missing[KW_FRONT_END_MAX];
	struct kw_front_end_choice choice;

	for (enum kw_front_end i = KW_FRONT_END_ANY + 1; i < KW_FRONT_END_MAX; i++)
		missing[i] = kw_front_end_missing(skel->obj, i);
	if (kw_front_end_choose(skel->obj, wanted, &choice) < 0)
		report->missing++;
	for (enum kw_front_end i = KW_FRONT_END_ANY + 1; i < KW_FRONT_END_MAX; i++)
		if (wanted == KW_FRONT_END_ANY || wanted == i)
			say_front_end(i, &missing[i], choice.chosen);
	for (unsigned int i = 0; i < choice.additions; i++)
		say_addition(&choice.addition[i]);
	if (choice.sweep)
		say_sweep(&choice);
	return choice.chosen;
}

/* The test that counts in the end: the kernel takes the programs and lets them be attached. */
static void check_attach(struct report *report, struct keepwatch_bpf *skel)
{
	char advice[256];
	int r = keepwatch_bpf__load(skel);

	if (r == 0)
		r = kw_tail_calls_fill(skel->obj);
	snprintf(advice, sizeof(advice), "%s; run keepwatch check -v to see what the kernel says",
		 r == -EPERM ? "refused: run keepwatch outside of a container, and check that the kernel is "
			       "not locked down"
			     : strerror(-r));
	if (!say(report, r == 0, "the kernel accepts the programs", advice))
		return;
	kw_front_end_hold(skel->obj);
	r = keepwatch_bpf__attach(skel);
	snprintf(advice, sizeof(advice), "%s; run keepwatch check -v to see what the kernel says",
		 strerror(-r));
	say(report, r == 0, "the programs attach", advice);
}

/* Returns the front end that is used. */
static enum kw_front_end check_programs(struct report *report, enum kw_front_end wanted)
{
	struct keepwatch_bpf *skel = kw_programs_open();
	enum kw_front_end chosen;

	if (!say(report, skel != NULL, "keepwatch's programs for the kernel can be read",
		 "this build of keepwatch is damaged"))
		return KW_FRONT_END_ANY;
	check_hooks(report, skel);
	chosen = check_front_ends(report, skel, wanted);
	if (report->missing == 0)
		check_attach(report, skel);
	keepwatch_bpf__destroy(skel);
	return chosen;
}

/* ---- with --tls ------------------------------------------------------------------------------------------ */

/* Those that are needed without it have been checked, but CAP_SYS_ADMIN may have stood for them. The last is of use to --tls alone. */
static void check_capabilities_of_probes(struct report *report)
{
	for (int i = 0; i < KW_HOST_CAPABILITIES; i++) {
		const struct kw_host_capability *capability = &kw_host_capabilities[i];
		char advice[128];

		if (!capability->of_probes || kw_privileges_have(capability->number))
			continue;
		snprintf(advice, sizeof(advice), "--tls needs it to %s", capability->of_probes);
		say(report, false, capability->name, advice);
	}
	if (kw_privileges_have(CAP_CHECKPOINT_RESTORE))
		say(report, true, "CAP_CHECKPOINT_RESTORE", "");
	else
		printf("%-8s CAP_CHECKPOINT_RESTORE: keepwatch would need it to read libraries that were replaced "
		       "while processes use them\n",
		       "without");
}

static void check_libraries(struct report *report)
{
	check_capabilities_of_probes(report);
	if (!say(report, kw_programs_can_read_libraries(), "probes in many functions at once",
		 "--tls needs Linux 6.6 or newer"))
		return;
	kw_check_tls();
}

enum kw_exit kw_command_check(const struct kw_options *options)
{
	struct report report = {0};
	enum kw_front_end chosen = KW_FRONT_END_ANY;
	bool privileged, described;
	int r = options->btf ? kw_types_give(options->btf) : 0;

	if (r < 0)
		return kw_exit_status(r);
	check_kernel(&report);
	privileged = check_capabilities(&report) && check_obstacles(&report);
	check_control_groups();
	described = check_types(&report);
	if (privileged) {
		check_map(&report, BPF_MAP_TYPE_SK_STORAGE, "socket storage");
		check_map(&report, BPF_MAP_TYPE_RINGBUF, "ring buffer");
	}
	if (privileged && described)
		chosen = check_programs(&report, options->front_end);
	if (options->tls && privileged && described)
		check_libraries(&report);
	if (report.missing) {
		printf("keepwatch cannot run here: the lines above say what is missing\n");
		return KW_EXIT_HOST;
	}
	printf("keepwatch can run here, with its %s front end\n", kw_front_end_name(chosen));
	return KW_EXIT_DONE;
}
