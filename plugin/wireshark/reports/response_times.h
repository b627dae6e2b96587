/* response_times.h
 * Setup times in the host's Service Response Time windows: per server port, and from the first SYN to the verdict.
 * Leaves the same in tshark to reports.c, which knows the verdicts at the end of a single pass.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_RESPONSE_TIMES_H
#define TCPHS_RESPONSE_TIMES_H

#include "reports/endpoint_statistics.h"

/** Titles of the two tables. */
#define TCPHS_BY_PORT "Setup time by server port"
#define TCPHS_BY_VERDICT "Time to the verdict"

/** A line of either table, for reports. Lifetime: one call. */
struct tcphs_response_time {
    const char *by; /**< one of the titles */
    char *item;
    guint index; /**< what is counted: a port, or a verdict */
    struct tcphs_samples times;
};

/** The lines of both tables, by index, from struct tcphs_connection_info; to be freed with its elements. */
GPtrArray *tcphs_response_times_of(const GArray *connections);

/** Registers the tables; once. */
void tcphs_response_times_register(int proto_tcphs);

/** From the first SYN to where an attempt was established or given up, in nanoseconds; -1 = no SYN was captured. */
gint64 tcphs_time_to_verdict(const struct tcphs_connection_info *c);

#endif
