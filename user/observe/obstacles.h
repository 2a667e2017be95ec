/* SPDX-License-Identifier: BSD-2-Clause */
/* Obstacles: settings of a host by which its kernel refuses programs although the process has all capabilities, or seems to. */
#ifndef KEEPWATCH_OBSTACLES_H
#define KEEPWATCH_OBSTACLES_H

#include <stdbool.h>

struct kw_obstacle {
	const char *what;     /* what it keeps from working: "load programs" */
	bool (*stands)(void); /* is it there? Asked without the required capabilities, it may say no */
	const char *advice;   /* why it is there and what to do, as a clause */
};

#define KW_OBSTACLES 3
extern const struct kw_obstacle kw_obstacles[KW_OBSTACLES];

#endif
