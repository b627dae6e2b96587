/* sequence_space.c
 * What both ends have sent, heard and granted: the bookkeeping of sequence numbers (RFC 9293 3.3.1, 3.4).
 * Which segment may change them is decided by the callers.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tcp/sequence_space.h"

void tcphs_learn_sent(struct tcphs_end *e, uint32_t una, uint32_t nxt)
{
    e->snd_una = una;
    e->snd_nxt = nxt;
    e->known |= TCPHS_KNOWS_SENT;
}

void tcphs_learn_heard(struct tcphs_end *e, uint32_t next)
{
    e->rcv_nxt = e->rcv_ack = next;
    for (int i = 0; i < TCPHS_RECENT_ACKS; i++)
        e->recent_acks[i] = next;
    e->known |= TCPHS_KNOWS_HEARD;
    e->rcv_edge = next + e->max_window;
}

void tcphs_learn_answer_time(struct tcphs_end *e, int64_t time)
{
    if (time < 0 || time > UINT32_MAX)
        return;
    const uint32_t us = time < 1000 ? 1 : tcphs_clock(time);
    if (e->answer_time == 0 || us < e->answer_time)
        e->answer_time = us;
}

void tcphs_learn_acked(struct tcphs_end *e, uint32_t ack)
{
    if (!tcphs_seq_after(ack, e->snd_una))
        return;
    e->snd_una = ack;
    if (tcphs_knows(e, TCPHS_DATA_ACKED))
        return;
    uint32_t bytes = ack - e->iss - 1;
    if (tcphs_knows(e, TCPHS_FIN_SENT) && tcphs_seq_after(ack, e->fin_seq))
        bytes--;
    if (!tcphs_knows(e, TCPHS_KNOWS_ISS) || bytes > 0)
        e->known |= TCPHS_DATA_ACKED;
}

/* The highest edge offered; a later acknowledgment that offers less takes it back (found in predicates.c). */
static void learn_grant(struct tcphs_end *x, uint32_t ack, uint32_t edge)
{
    if (!tcphs_knows(x, TCPHS_KNOWS_GRANT) || tcphs_takes_window_back(x, ack, edge) ||
        tcphs_seq_after(edge, x->granted_edge)) {
        x->granted_edge = edge;
        x->granted_ack = ack;
    }
    x->known |= TCPHS_KNOWS_GRANT;
}

void tcphs_learn_window(const struct tcphs_processing *p, uint32_t window)
{
    struct tcphs_end *x = p->x;
    if (!tcphs_knows(x, TCPHS_KNOWS_WINDOW) || window > x->max_window)
        x->max_window = window;
    if (tcphs_knows(x, TCPHS_KNOWS_HEARD)) {
        const uint32_t from = tcphs_has_any(p->s, TCPHS_ACK) ? p->s->ack : x->rcv_nxt;
        const uint32_t edge = from + window;
        x->rcv_edge = tcphs_knows(x, TCPHS_KNOWS_WINDOW) ? tcphs_seq_max(x->rcv_edge, edge) : edge;
    }
    x->known |= TCPHS_KNOWS_WINDOW;
    x->known &= ~(uint32_t)TCPHS_OFFERS_NOTHING;
    x->known |= p->s->window == 0 ? TCPHS_OFFERS_NOTHING : 0;
    if (!tcphs_has_any(p->s, TCPHS_SYN) && tcphs_has_any(p->s, TCPHS_ACK) && tcphs_scale_is_known(p->c))
        learn_grant(x, p->s->ack, p->s->ack + window);
}

void tcphs_learn_offer(struct tcphs_end *x, const struct tcphs_segment *s)
{
    if (s->options & TCPHS_OPTIONS_CUT)
        return;
    x->known |= TCPHS_SAW_SYN_OPTIONS;
    if (s->options & TCPHS_OPT_WSCALE) {
        x->known |= TCPHS_OFFERED_SCALE;
        x->wscale = s->wscale > 14 ? 14 : s->wscale; /* RFC 7323 2.3 */
    }
    if (s->options & TCPHS_OPT_FASTOPEN)
        x->known |= TCPHS_ASKED_FASTOPEN;
}

void tcphs_learn_syn_options(const struct tcphs_processing *p)
{
    tcphs_learn_offer(p->x, p->s);
    if ((p->s->options & (TCPHS_OPT_MULTIPATH | TCPHS_OPTIONS_CUT)) == TCPHS_OPT_MULTIPATH)
        p->c->facts |= TCPHS_MULTIPATH;
}

/* The timestamps of SYN and SYN-ACK, before there is any agreement: TS.Recent begins with the first that is taken.
 * Later ones are challenged, and not taken (RFC 5961 4). */
static void learn_first_timestamp(const struct tcphs_processing *p)
{
    const bool is_taken = p->a->kind == TCPHS_KIND_SYN || p->a->accepted == TCPHS_ACCEPT_YES;
    p->x->ts_sent = p->s->ts_value;
    if (is_taken && (p->y->ts_recent == 0 || p->a->kind == TCPHS_KIND_SYN_ACK)) {
        p->y->ts_recent = p->s->ts_value;
        p->y->ts_day = tcphs_day(p->s->time);
    }
}

void tcphs_learn_timestamp(const struct tcphs_processing *p)
{
    struct tcphs_end *x = p->x;
    if (!(p->s->options & TCPHS_OPT_TIMESTAMP) || p->a->accepted == TCPHS_ACCEPT_NO)
        return;
    if (p->a->kind == TCPHS_KIND_SYN || p->a->kind == TCPHS_KIND_SYN_ACK)
        learn_first_timestamp(p);
    if (p->a->kind != TCPHS_KIND_ACK || !tcphs_uses_timestamps(p->c))
        return;
    if (!tcphs_seq_before(p->s->seq, x->snd_nxt))
        x->ts_sent = p->s->ts_value;
    if (p->a->accepted == TCPHS_ACCEPT_YES)
        tcphs_take_timestamp(p);
}

/* Takes in what has become adjacent to RCV.NXT and drops what lies below it. */
void tcphs_join_held(struct tcphs_end *e)
{
    bool joined;
    do {
        joined = false;
        for (int i = 0; i < TCPHS_HELD; i++) {
            uint32_t *held = e->held[i];
            if (held[0] == held[1] || tcphs_seq_after(held[0], e->rcv_nxt))
                continue;
            e->rcv_nxt = tcphs_seq_max(e->rcv_nxt, held[1]);
            held[0] = held[1] = 0;
            joined = true;
        }
    } while (joined);
}

static void hold(struct tcphs_end *e, uint32_t left, uint32_t right)
{
    for (int i = 0; i < TCPHS_HELD; i++) {
        uint32_t *held = e->held[i];
        if (held[0] == held[1])
            continue;
        if (!tcphs_seq_after(left, held[1]) && !tcphs_seq_before(right, held[0])) {
            held[1] = tcphs_seq_max(held[1], right);
            held[0] = tcphs_seq_before(left, held[0]) ? left : held[0];
            return;
        }
    }
    for (int i = 0; i < TCPHS_HELD; i++)
        if (e->held[i][0] == e->held[i][1]) {
            e->held[i][0] = left;
            e->held[i][1] = right;
            return;
        }
    e->known |= TCPHS_HELD_OVERFLOW;
}

/* y hears the bytes [left, right) of x, FIN included; a FIN counts as heard once it is in sequence. */
void tcphs_deliver(const struct tcphs_processing *p, uint32_t left, uint32_t right)
{
    struct tcphs_end *x = p->x, *y = p->y;
    if (!tcphs_knows(y, TCPHS_KNOWS_HEARD))
        tcphs_learn_heard(y, left);
    if (tcphs_seq_after(right, y->rcv_nxt)) {
        if (tcphs_seq_after(left, y->rcv_nxt))
            hold(y, left, right);
        else
            y->rcv_nxt = right;
        tcphs_join_held(y);
    }
    if (tcphs_knows(x, TCPHS_FIN_SENT) && !tcphs_knows(x, TCPHS_FIN_HEARD) && tcphs_seq_after(y->rcv_nxt, x->fin_seq)) {
        x->known |= TCPHS_FIN_HEARD;
        tcphs_transition(y, TCPHS_HEARS_FIN);
    }
}
