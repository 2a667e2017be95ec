/* SPDX-License-Identifier: BSD-2-Clause */
/* Pages of the reasons that only both ends together can prove, each on its host: the path between them is to blame. */
#include "output/explain/pages.h"

const struct kw_explanation kw_explanations_path[KW_PATH_MAX] = {
	[KW_PATH_RESET] =
		{
			"something between the two hosts sent a RST in the name of one of them",
			"One end received a RST. The other end's host was recorded too, and it neither sent one nor had "
			"closed the connection by then. So a device on the path, or a packet filter of either host, "
			"made the RST. The end that was reset blames the other one, which is innocent. Printed by "
			"keepwatch replay with --pair and the recordings of both hosts.",
			{"a NAT, a firewall or a balancer that had forgotten the idle connection and answers the next "
			 "segment with a RST",
			 "a rule such as reject with tcp reset, intrusion prevention, or a censor",
			 "a failover to a device that does not know the connections"},
			{"if idle_failed_s is much the same on all such connections, that is the device's timeout: send "
			 "TCP keep-alive probes more often, or raise the timeout (see middlebox)",
			 "else look for rules that reset on the devices between the two hosts"},
		},
	[KW_PATH_FIN] =
		{
			"something between the two hosts sent a FIN in the name of one of them",
			"One end received a FIN, and so took the connection for closed in order. The other end's host was "
			"recorded too, and it had sent none by then. Printed by keepwatch replay with --pair and the "
			"recordings of both hosts.",
			{"a balancer or a firewall that ends connections on both sides when a timeout of its own has "
			 "passed",
			 "a forged segment"},
			{"look for idle and lifetime limits on the devices between the two hosts",
			 "if idle_failed_s is much the same on all such connections, see middlebox"},
		},
	[KW_PATH_DROPPED] =
		{
			"segments of one end never reached the other, which was still there",
			"One end sent data, or ended the connection, and sent it again and again. The other end's host was "
			"recorded too: nothing of it arrived, although that end was open, idle and reading. So the "
			"segments were lost on the way. idle_failed_s is the idle time before, idle_worked_s the longest "
			"idle time after which a request had still come through. Printed by keepwatch replay with --pair "
			"and the recordings of both hosts.",
			{"a NAT, a firewall or a balancer that had forgotten the idle connection and drops what belongs "
			 "to none",
			 "a route that leads back another way than it came, past a firewall that keeps state",
			 "a path that has failed"},
			{"send TCP keep-alive probes more often than idle_failed_s, or let the client close idle "
			 "connections before (see middlebox)",
			 "let the device answer with a RST instead: clients then learn of it at once"},
		},
	[KW_PATH_ONE_END] =
		{
			"one host has the connection, and the other one, which was recorded too, does not",
			"The other end's address belongs to a host that was recorded during the connection's whole life, "
			"lost no event, and has no record of it. So something between the two hosts answered in its "
			"place. Printed by keepwatch replay with --pair and the recordings of both hosts.",
			{"a transparent proxy, which makes a second connection of its own",
			 "a SYN proxy, or a firewall that changes sequence numbers, so that the ends do not find each "
			 "other"},
			{"if nobody meant a proxy to be there, look for one on the way",
			 "compare the records of the other host at that time by addresses and ports"},
		},
};
