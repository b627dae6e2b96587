/* process.h
 * What the parts of segment processing (syn.c, ack.c, fin.c, rst.c) share: the context of one segment, and the
 * bookkeeping of sequence_space.c. Private to the core.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_PROCESS_H
#define TCPHS_PROCESS_H

#include "tcp/arrival.h"
#include "tcp/machine.h"
#include "tcp/outcome.h"
#include "timestamps.h"

/** The connection, the segment, how it was judged on arrival, and what is shown of it. */
struct tcphs_processing {
    struct tcphs_connection *c;
    const struct tcphs_segment *s;
    const struct tcphs_arrival *a;
    struct tcphs_outcome *o;
    struct tcphs_end *x, *y; /**< sender and receiver */
};

/* sequence_space.c */
/** Lets one end's machine take a step. */
void tcphs_transition(struct tcphs_end *e, enum tcphs_machine_event event);
/** From here on the connection's values rest on an assumption. */
void tcphs_assume(struct tcphs_connection *c);
/** Takes in the timestamp of a segment that was judged and has moved nothing yet. */
void tcphs_learn_timestamp(const struct tcphs_processing *p);
/** Shows how many SYNs and SYN-ACKs there were so far. */
void tcphs_emit_counts(const struct tcphs_processing *p);
/** Shows the acknowledgment number that was due beside the one seen. */
void tcphs_emit_due_ack(const struct tcphs_processing *p, uint32_t due);
/** Links the first accepted segment of a kind. */
void tcphs_link_first(const struct tcphs_processing *p, enum tcphs_link link);

/* What every segment does, on the fast path too. */

/** TS.Recent of the receiver, by a segment that it takes (RFC 7323 4.3): one that began at or before what it has
 * acknowledged, and is not older. A slack of one tick (see timestamps.c) does not set it back. */
static inline void tcphs_take_timestamp(const struct tcphs_processing *p)
{
    struct tcphs_end *y = p->y;
    const uint16_t day = tcphs_day(p->s->time);
    const bool is_stale = (uint16_t)(day - y->ts_day) >= TCPHS_TS_RECENT_DAYS;
    if (tcphs_seq_after(p->s->seq, y->rcv_ack) ||
        (y->ts_recent != 0 && !is_stale && tcphs_ts_age(p->s->ts_value, y->ts_recent) > 0))
        return;
    y->ts_recent = p->s->ts_value;
    y->ts_day = day;
}

/** Points a link elsewhere, or nowhere (0); not done any more when it was done too often. */
void tcphs_change_link(struct tcphs_connection *c, enum tcphs_link link, uint32_t frame);

/* handshake_options.c */
/** What a SYN or SYN-ACK offers, as one number: its options (enum tcphs_option) and, above them, its ECN bits. */
static inline uint16_t tcphs_offer_of(const struct tcphs_segment *s)
{
    return (uint16_t)(s->options | (s->flags & TCPHS_ECN_BITS) << 6);
}
/** The options of such a number … */
static inline uint16_t tcphs_options_of(unsigned offer)
{
    return (uint16_t)(offer & ~((unsigned)TCPHS_ECN_BITS << 6));
}
/** … and its ECN bits (enum tcphs_flag). */
static inline uint16_t tcphs_ecn_bits_of(unsigned offer)
{
    return (uint16_t)(offer >> 6 & TCPHS_ECN_BITS);
}
/** Takes in what the last SYN or SYN-ACK of an end offers. */
void tcphs_note_offer(struct tcphs_end *x, const struct tcphs_segment *s);
/** Works out what both ends have agreed on, by the last SYN of the one and the last SYN-ACK of the other. */
void tcphs_agree(struct tcphs_connection *c, const struct tcphs_end *server, const struct tcphs_end *client);
/** Shows on a handshake step what both ends have offered so far, and from step 2 on what they agreed on. */
void tcphs_tell_options(const struct tcphs_processing *p);

#endif
