/* verdict.h
 * What a connection came to: verdict on its opening, kind of its close, and who closed it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_VERDICT_H
#define TCPHS_VERDICT_H

#include "tcp/state.h"

/** A connection summed up. Small, as a report keeps one for each connection. Lifetime: one call, in a report that of
 * the report. */
struct tcphs_summary {
    uint8_t verdict;   /**< enum tcphs_verdict; TCPHS_VERDICT_NONE: no connection, only probes */
    uint8_t close;     /**< enum tcphs_close */
    uint8_t closed_by; /**< enum tcphs_closed_by */
    bool failed;       /**< verdicts 2 to 9, and 13 */
    bool no_data;
};

/** Whether a verdict says that the handshake failed. */
static inline bool tcphs_is_failure(enum tcphs_verdict verdict)
{
    return (verdict >= TCPHS_VERDICT_NO_ANSWER && verdict <= TCPHS_VERDICT_SERVER_RESET) ||
           verdict == TCPHS_VERDICT_NOT_ACCEPTED;
}

/** How much of the capture lies behind: what is open now may still be answered, or never. Lifetime: one call. */
struct tcphs_horizon {
    bool final;       /**< the whole capture was seen */
    int64_t end_time; /**< time of its last frame, meaningful when final */
};

/** Sums up a connection as it stands; with an unfinished horizon an unfinished handshake is "pending". */
void tcphs_summarise(const struct tcphs_connection *c, struct tcphs_horizon horizon, struct tcphs_summary *out);

#endif
