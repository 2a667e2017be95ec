/* SPDX-License-Identifier: BSD-2-Clause */
/* What the path of a cgroup tells of a container and of a Kubernetes pod. Runtimes name cgroups after the ids,
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
 * Whoever may make cgroups may name them so: it is a name, not a proof. */
#ifndef KEEPWATCH_CONTAINER_H
#define KEEPWATCH_CONTAINER_H

#define KW_CONTAINER_ID 13 /* the 12 digits that container tools show, and a NUL */
#define KW_POD_UID 37      /* as Kubernetes writes it, with '-', and a NUL */

struct kw_container {
	char id[KW_CONTAINER_ID]; /* the innermost container; empty: none */
	char pod[KW_POD_UID];     /* the pod that it is part of, or the cgroup's alone; empty: none */
	const char *runtime;      /* "docker" and so on, a constant; NULL where the path does not say */
};

/* Reads the path of a cgroup; NULL is one that is not known. Pure, cannot fail. */
void kw_container_find(const char *cgroup, struct kw_container *ret_container);

#endif
