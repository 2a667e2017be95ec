/* SPDX-License-Identifier: BSD-2-Clause */
/* Are all connections accounted for? Each state that the kernel side made for one has ended, or a sweep meets it. A state that
 * is neither here nor there was freed with its socket while no program saw the end. Pure: no call to the kernel. */
#ifndef KEEPWATCH_CONSERVATION_H
#define KEEPWATCH_CONSERVATION_H

#include <stdint.h>

struct kw_conservation {
	int64_t last;    /* difference at the sweep before */
	uint64_t missed; /* ends that were missed so far, at the least; it only grows */
};

/* Looks at a sweep that met every connection. @made: states made by the time it began; @ended: states ended by the time it was
 * over; @alive: states that it met. So connections that begin or end meanwhile cannot look like missing ones. A difference
 * counts once it has stayed over two sweeps. */
void kw_conservation_look(struct kw_conservation *conservation, uint64_t made, uint64_t ended, uint64_t alive);

#endif
