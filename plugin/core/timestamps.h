/* timestamps.h
 * Timestamps as a receiver tests them: PAWS, the echo in a SYN-ACK, a SYN in TIME-WAIT (RFC 7323, RFC 6191).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_TIMESTAMPS_H
#define TCPHS_TIMESTAMPS_H

#include "view.h"

/** TS.Recent is no longer good after so many days (RFC 7323 5.5). */
#define TCPHS_TS_RECENT_DAYS 24

/** Both ends were seen to agree on timestamps. */
static inline bool tcphs_uses_timestamps(const struct tcphs_connection *c)
{
    return (c->agreed & TCPHS_AGREED_TIMESTAMPS) != 0;
}

/** The day of a capture time, modulo 2^16. */
static inline uint16_t tcphs_day(int64_t time)
{
    return (uint16_t)(time / (86400 * TCPHS_SECOND));
}

/**
 * Whether the receiver takes a segment that is acceptable by its numbers: no when PAWS refuses it, unknown when it may
 * be an original overtaken by its sender's own retransmission, so that what the receiver had heard by then is not sure.
 */
enum tcphs_accepted tcphs_judge_timestamp(const struct tcphs_view *v);

/** A SYN-ACK whose echo is none of the timestamps of the SYNs it may answer: the receiver refuses it. */
bool tcphs_echoes_no_syn(const struct tcphs_view *v);

/** How a SYN fares in TIME-WAIT by its timestamp (RFC 6191 section 2). */
enum tcphs_time_wait_answer { TCPHS_TIME_WAIT_BY_ISN = 0, TCPHS_TIME_WAIT_TAKES, TCPHS_TIME_WAIT_REFUSES };

/** … of end y, which has timestamps if `has_timestamp`. */
enum tcphs_time_wait_answer tcphs_time_wait_answer(const struct tcphs_connection *c, const struct tcphs_end *y,
                                                   bool has_timestamp, uint32_t ts_value);

#endif
