/* sequence_space.h
 * What both ends have sent, heard and granted: the bookkeeping of sequence numbers (RFC 9293 3.3.1, 3.4).
 * Which segment may change them is decided by the callers.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_SEQUENCE_SPACE_H
#define TCPHS_SEQUENCE_SPACE_H

#include <string.h>

#include "tcp/origin.h"
#include "tcp/process.h"
#include "tcp/timestamps.h"

/** First knowledge of what an end has sent: SND.UNA and SND.NXT. */
void tcphs_learn_sent(struct tcphs_end *e, uint32_t una, uint32_t nxt);

/** Its peer acknowledges what it has sent: SND.UNA, and whether there was data in it. */
void tcphs_learn_acked(struct tcphs_end *e, uint32_t ack);

/** An end has answered after so many nanoseconds; negative is ignored. */
void tcphs_learn_answer_time(struct tcphs_end *e, int64_t time);

/** First knowledge of what an end has heard: RCV.NXT. */
void tcphs_learn_heard(struct tcphs_end *e, uint32_t next);

/** Takes in the window that the sender grants in this segment, scaled. */
void tcphs_learn_window(const struct tcphs_processing *p, uint32_t window);

/** Takes in the options of a SYN or SYN-ACK, if they were captured whole. */
void tcphs_learn_syn_options(const struct tcphs_processing *p);

/** Takes in the timestamp of a segment that was judged and has moved nothing yet. */
void tcphs_learn_timestamp(const struct tcphs_processing *p);

/** Takes in held data that RCV.NXT has reached. */
void tcphs_join_held(struct tcphs_end *e);

/** The receiver hears the sequence numbers [left, right) of the sender; a FIN counts once it is in sequence. */
void tcphs_deliver(const struct tcphs_processing *p, uint32_t left, uint32_t right);

/** Keeps one of the last acknowledgments an end has sent. */
static inline void tcphs_remember_ack(struct tcphs_end *e, uint32_t ack)
{
    if (e->recent_acks[0] == ack)
        return;
    memmove(&e->recent_acks[1], &e->recent_acks[0], (TCPHS_RECENT_ACKS - 1) * sizeof e->recent_acks[0]);
    e->recent_acks[0] = ack;
}

/** The sender has sent what its peer accepts: from now on the silence of its direction is measured. */
static inline void tcphs_note_accepted(const struct tcphs_processing *p)
{
    p->x->accepted_clock = tcphs_clock(p->s->time);
    p->x->known |= TCPHS_KNOWS_ACCEPTED_CLOCK;
}

/** An end sends bytes that it has not sent before: their acknowledgment will be timed. */
static inline void tcphs_time_bytes(struct tcphs_end *x, uint32_t end, int64_t time)
{
    if (x->beliefs & TCPHS_IS_TIMED)
        return;
    x->timed_end = end;
    x->timed_clock = tcphs_clock(time);
    x->beliefs |= TCPHS_IS_TIMED;
}

/** x acknowledges what y has sent: how long the answer took, if that was timed. */
static inline void tcphs_time_answer(struct tcphs_end *x, struct tcphs_end *y, uint32_t ack, int64_t time)
{
    if (!(y->beliefs & TCPHS_IS_TIMED) || tcphs_seq_before(ack, y->timed_end))
        return;
    y->beliefs &= ~(uint32_t)TCPHS_IS_TIMED;
    const uint32_t took = tcphs_clock(time) - y->timed_clock;
    if (took <= INT32_MAX && (x->answer_time == 0 || took < x->answer_time))
        x->answer_time = took > 0 ? took : 1;
}

/** Takes in how far the sender is, and how it numbers its IP packets. */
static inline void tcphs_learn_hops(const struct tcphs_processing *p)
{
    struct tcphs_end *x = p->x;
    const uint16_t step = (uint16_t)(p->s->ip_id - x->ip_id);
    if (x->ttl_steady == 0 || p->s->ttl != x->ttl) {
        const uint8_t hops = (uint8_t)tcphs_hops(p->s->ttl);
        x->hops_least = x->ttl_steady == 0 || hops < x->hops_least ? hops : x->hops_least;
        x->hops_most = x->ttl_steady == 0 || hops > x->hops_most ? hops : x->hops_most;
        x->ttl_steady = x->ttl_steady == 0 ? 1 : TCPHS_MIXED;
    } else if (x->ttl_steady < TCPHS_MIXED - 1) {
        x->ttl_steady++;
    }
    x->ttl = p->s->ttl;
    x->ip_id_steps =
        (uint8_t)(step == 0 || step > TCPHS_SMALL_STEP ? 0 : x->ip_id_steps + (x->ip_id_steps < UINT8_MAX));
    x->ip_id = p->s->ip_id;
    x->last_window = p->s->window;
}

/** Takes in what the options of a SYN or SYN-ACK offer, if they were captured whole. */
void tcphs_learn_offer(struct tcphs_end *x, const struct tcphs_segment *s);

/** TS.Recent of the receiver, by a segment that it takes (RFC 7323 4.3): one that began at or before what it has
 * acknowledged, and is not older. A slack of one tick (see timestamps.c) does not set it back. */
static inline void tcphs_take_timestamp(const struct tcphs_processing *p)
{
    struct tcphs_end *y = p->y;
    if (p->s->ts_value == y->ts_recent || tcphs_seq_after(p->s->seq, y->rcv_ack))
        return;
    const uint16_t day = tcphs_day(p->s->time);
    const bool is_stale = (uint16_t)(day - y->ts_day) >= TCPHS_TS_RECENT_DAYS;
    if (y->ts_recent != 0 && !is_stale && tcphs_ts_age(p->s->ts_value, y->ts_recent) > 0)
        return;
    y->ts_recent = p->s->ts_value;
    y->ts_day = day;
}

#endif
