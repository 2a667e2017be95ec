/* SPDX-License-Identifier: BSD-2-Clause */
/* Finds the container and the Kubernetes pod in the path of a cgroup. Runtimes name cgroups after the ids,
 * each in its own way and differently under systemd and without:
 *
 *     /system.slice/docker-ID.scope                                              docker
 *     /docker/ID                                                                 docker without systemd
 *     /kubepods.slice/.../kubepods-burstable-podUID.slice/cri-containerd-ID.scope  containerd
 *     /system.slice/containerd.service/kubepods-podUID.slice:cri-containerd:ID   containerd, mixed drivers
 *     /kubepods/burstable/podUID/ID                                              any, without systemd
 *     /kubepods.slice/.../crio-ID.scope                                          CRI-O
 *     /machine.slice/libpod-ID.scope/container                                   podman
 *     /system.slice/web.service/libpod-payload-ID                                podman within a unit
 *
 * Anybody who may create cgroups can choose such names, so the result is a name and not a proof. */
#ifndef KEEPWATCH_CONTAINER_H
#define KEEPWATCH_CONTAINER_H

#define KW_CONTAINER_ID 13 /* the 12 digits that container tools show, and a NUL */
#define KW_POD_UID 37      /* as Kubernetes writes it, with '-', and a NUL */

struct kw_container {
	char id[KW_CONTAINER_ID]; /* the innermost container; empty: none */
	char pod[KW_POD_UID];     /* the pod; may be set without a container; empty: none */
	const char *runtime;      /* "docker" and so on, a constant; NULL if the path does not name it */
};

/* Reads the path of a cgroup; NULL stands for an unknown path. Pure, cannot fail. */
void kw_container_find(const char *cgroup, struct kw_container *ret_container);

#endif
