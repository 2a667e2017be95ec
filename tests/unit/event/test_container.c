/* SPDX-License-Identifier: BSD-2-Clause */
/* Containers and pods in paths as runtimes write them, and in paths that only look like it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "event/container.h"

#define ID "4f1c9d2be8a07356c1d0e9f8a7b6c5d4e3f2a1b0c9d8e7f6a5b4c3d2e1f0a9b8"
#define OTHER "00c9d2be8a07356c1d0e9f8a7b6c5d4e3f2a1b0c9d8e7f6a5b4c3d2e1f0a9b84"
#define SHORT "4f1c9d2be8a0"
#define POD "0a8f1a52-6c3e-4d2b-9f10-7e5d4c3b2a19"
#define POD_ "0a8f1a52_6c3e_4d2b_9f10_7e5d4c3b2a19"
#define STATIC "9c2e6f0b7d1a4e5f8b3c6d9e0f1a2b3c"

struct row {
	const char *cgroup, *id, *pod, *runtime;
};

static void check(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct kw_container container;

		memset(&container, 0xee, sizeof(container)); /* what was there before must not show */
		kw_container_find(rows[i].cgroup, &container);
		if (strcmp(container.id, rows[i].id) != 0 || strcmp(container.pod, rows[i].pod) != 0)
			fail_msg("%s: container \"%s\", pod \"%s\"", rows[i].cgroup, container.id,
				 container.pod);
		if (!container.runtime != !rows[i].runtime ||
		    (container.runtime && strcmp(container.runtime, rows[i].runtime) != 0))
			fail_msg("%s: runtime %s", rows[i].cgroup,
				 container.runtime ? container.runtime : "not known");
	}
}

#define CHECK(rows) check(rows, sizeof(rows) / sizeof((rows)[0]))

static void docker_is_read(void **state)
{
	static const struct row rows[] = {
		{"/system.slice/docker-" ID ".scope", SHORT, "", "docker"},
		{"/docker/" ID, SHORT, "", "docker"},
		{"/user.slice/user-1000.slice/user@1000.service/user.slice/docker-" ID ".scope", SHORT, "",
		 "docker"},
		{"/custom-parent/" ID, SHORT, "", NULL},
		{"/docker/" ID "/init.scope", SHORT, "", "docker"},                 /* systemd inside */
		{"/docker/" ID "/system.slice/nginx.service", SHORT, "", "docker"}, /* likewise */
		{"/docker/" OTHER "/docker/" ID, SHORT, "", "docker"},              /* the innermost */
		{"/system.slice/docker-" OTHER ".scope/docker/" ID, SHORT, "", "docker"},
	};

	(void)state;
	CHECK(rows);
}

static void kubernetes_is_read(void **state)
{
	static const struct row rows[] = {
		{"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" POD_
		 ".slice/cri-containerd-" ID ".scope",
		 SHORT, POD, "containerd"},
		{"/kubepods.slice/kubepods-pod" POD_ ".slice/crio-" ID ".scope", SHORT, POD, "cri-o"},
		{"/kubepods.slice/kubepods-pod" POD_ ".slice/crio-" ID ".scope/container", SHORT, POD, "cri-o"},
		{"/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod" POD_ ".slice/docker-" ID
		 ".scope",
		 SHORT, POD, "docker"},
		{"/kubepods/besteffort/pod" POD "/" ID, SHORT, POD, NULL},
		{"/kubepods/pod" POD "/" ID, SHORT, POD, NULL},
		{"/kubepods/burstable/pod" POD "/crio-" ID, SHORT, POD, "cri-o"},
		{"/kubepods/burstable/pod" STATIC "/" ID, SHORT, STATIC, NULL}, /* from a manifest file */
		{"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" STATIC
		 ".slice/cri-containerd-" ID ".scope",
		 SHORT, STATIC, "containerd"},
		{"/system.slice/containerd.service/kubepods-burstable-pod" POD_ ".slice:cri-containerd:" ID,
		 SHORT, POD, "containerd"},
		{"/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod" POD_ ".slice/cri-containerd-" ID
		 ".scope",
		 SHORT, POD, "containerd"},
		{"/docker/" OTHER "/kubelet/kubepods/burstable/pod" POD "/" ID, SHORT, POD, NULL}, /* kind */
		{"/docker/" OTHER "/kubelet/kubepods/pod" POD, "", POD, NULL}, /* a pod, not its container */
		{"/kubepods.slice/kubepods-pod" POD_ ".slice", "", POD, NULL},
		{"/kubepods/pod" POD "/" OTHER "/docker/" ID, SHORT, POD, "docker"}, /* docker in a pod */
	};

	(void)state;
	CHECK(rows);
}

static void podman_and_nerdctl_are_read(void **state)
{
	static const struct row rows[] = {
		{"/machine.slice/libpod-" ID ".scope", SHORT, "", "podman"},
		{"/machine.slice/libpod-" ID ".scope/container", SHORT, "", "podman"},
		{"/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" ID ".scope/container",
		 SHORT, "", "podman"},
		{"/machine.slice/machine-libpod_pod_" OTHER ".slice/libpod-" ID ".scope", SHORT, "", "podman"},
		{"/libpod_parent/libpod-" ID, SHORT, "", "podman"},
		{"/system.slice/web.service/libpod-payload-" ID, SHORT, "", "podman"},
		{"/system.slice/nerdctl-" ID ".scope", SHORT, "", "containerd"},
		{"/default/" ID, SHORT, "", NULL},
	};

	(void)state;
	CHECK(rows);
}

static void what_only_looks_like_it_is_none(void **state)
{
	static const struct row rows[] = {
		{NULL, "", "", NULL},
		{"", "", "", NULL},
		{"/", "", "", NULL},
		{"/system.slice/nginx.service", "", "", NULL},
		{"/docker", "", "", NULL},
		{"/docker/" ID "0", "", "", NULL},      /* 65 digits */
		{"/docker/4f1c9d2be8a0", "", "", NULL}, /* 12 */
		{"/docker/4F1C9D2BE8A07356C1D0E9F8A7B6C5D4E3F2A1B0C9D8E7F6A5B4C3D2E1F0A9B8", "", "", NULL},
		{"/docker/zf1c9d2be8a07356c1d0e9f8a7b6c5d4e3f2a1b0c9d8e7f6a5b4c3d2e1f0a9b8", "", "", NULL},
		{"/system.slice/docker-" ID ".service", "", "", NULL},
		{"/system.slice/docker-" ID ".scopes", "", "", NULL},
		{"/system.slice/docker" ID ".scope", "", "", NULL},
		{"/system.slice/docker_" ID ".scope", "", "", NULL},
		{"/system.slice/-" ID ".scope", "", "", NULL},
		{"/system.slice/mydocker-" ID ".scope", "", "", NULL},
		{"/machine.slice/libpod-conmon-" ID ".scope", "", "", NULL}, /* the monitor is outside */
		{"/system.slice/crio-conmon-" ID ".scope", "", "", NULL},
		{"/machine.slice/machine-libpod_pod_" ID ".slice", "", "", NULL},
		{"/kubepods/pod", "", "", NULL},
		{"/kubepods/burstable/pod" POD "0", "", "", NULL},
		{"/kubepods/burstable/pod0a8f1a52-6c3e-4d2b-9f10_7e5d4c3b2a19", "", "", NULL}, /* mixed */
		{"/kubepods/burstable/pod0a8f1a526-c3e-4d2b-9f10-7e5d4c3b2a19", "", "", NULL},
		{"/kubepods/burstable/pod0A8F1A52-6C3E-4D2B-9F10-7E5D4C3B2A19", "", "", NULL},
		{"/kubepods/burstable/tripod" POD, "", "", NULL},
		{"/kubepods.slice/kubepods-pods" POD_ ".slice", "", "", NULL},
		{"pod" POD, "", POD, NULL}, /* without a slash, and at the very start */
		{".slice/.scope//::/", "", "", NULL},
	};

	(void)state;
	CHECK(rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(docker_is_read),
		cmocka_unit_test(kubernetes_is_read),
		cmocka_unit_test(podman_and_nerdctl_are_read),
		cmocka_unit_test(what_only_looks_like_it_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
