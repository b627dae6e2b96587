/* opening.c
 * SYN and SYN-ACK: how a connection is opened, retried, answered wrongly, or interrupted by another SYN.
 * The final ACK is an ordinary segment (ordinary.c).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "belief.h"

#include <string.h>

#include "seq.h"

/* A SYN or SYN-ACK of the attempt, with whatever numbers. */
static void count(const struct tcphs_move *m, uint16_t *counted)
{
    if (*counted < UINT16_MAX)
        (*counted)++;
    tcphs_tell_counts(m);
}

static void tell_syn(const struct tcphs_move *m)
{
    struct tcphs_connection *c = m->c;
    count(m, &c->syn_count);
    c->last_syn_time = m->s->time;
    tcphs_link_first(m, TCPHS_LINK_SYN);
    m->o->step = 1;
    tcphs_note_offer(m->x, m->s);
    if (tcphs_knows(m->y, TCPHS_SENT_SYN_ACK) && !(c->agreed & TCPHS_AGREED_KNOWN)) /* captured behind the SYN-ACK */
        tcphs_agree(c, m->y, m->x);
    tcphs_tell_options(m);
}

/* It sends its SYN again: how long it has been waiting, and whether anything came back. */
static void tell_wait(const struct tcphs_move *m)
{
    const struct tcphs_connection *c = m->c;
    /* What a SYN met inside the connection before this one is told there. */
    if (!(c->facts & TCPHS_FIRST_PASSED) || tcphs_is_synchronised(m->y->state) || m->s->time < c->first_syn_time)
        return;
    m->o->waited = m->s->time - c->first_syn_time;
    m->o->came_back = tcphs_knows(m->y, TCPHS_SENT_ANYTHING);
}

static void open_by_syn(const struct tcphs_move *m)
{
    struct tcphs_connection *c = m->c;
    struct tcphs_end *x = m->x;
    if (c->client == TCPHS_NO_CLIENT)
        c->client = m->s->from;
    if (c->syn_count == 0)
        c->first_syn_time = m->s->time;
    tcphs_learn_syn_options(m);
    x->iss = m->s->seq;
    x->known |= TCPHS_KNOWS_ISS | TCPHS_SENT_SYN;
    tcphs_learn_sent(x, m->s->seq, m->v->end);
    tcphs_learn_window(m, tcphs_granted_window(m->c, m->s));
    tcphs_learn_heard(m->y, m->s->seq + 1);
    tcphs_act(x, TCPHS_SENDS_SYN);
    tcphs_act(m->y, TCPHS_HEARS_SYN);
    tell_syn(m);
}

/* The client of a refused attempt tries again with the same number: the same connection, from the start. */
static void reopen(const struct tcphs_move *m)
{
    struct tcphs_connection *c = m->c;
    c->facts &= ~(uint32_t)(TCPHS_IS_RESET | TCPHS_BAD_SYN_ACK | TCPHS_BAD_FINAL_ACK | TCPHS_CHALLENGED |
                             TCPHS_CROSSED_FINS | TCPHS_REPEATED_SYN_ACK | TCPHS_ACK_NOT_TAKEN | TCPHS_FIN_BEFORE_RST);
    c->first_closer = TCPHS_NO_CLIENT;
    c->end_frame = c->early_frame = 0;
    c->agreed = 0;
    memset(m->x, 0, sizeof *m->x);
    memset(m->y, 0, sizeof *m->y);
    m->x->state = m->y->state = TCPHS_UNKNOWN;
    open_by_syn(m);
}

/* A SYN of other numbers inside a connection may open the next one: its first time and its count are kept. */
static void count_retry(const struct tcphs_move *m)
{
    struct tcphs_connection *c = m->c;
    if (c->retry_count == 0 || c->retry_from != m->s->from || c->retry_iss != m->s->seq) {
        c->retry_count = 0;
        c->retry_from = m->s->from;
        c->retry_iss = m->s->seq;
        c->retry_time = m->s->time;
        c->retry_frame = m->s->frame;
        c->retry_ts_first = m->s->ts_value;
    }
    if (c->retry_count < UINT16_MAX)
        c->retry_count++;
    c->retry_options = tcphs_offer_of(m->s);
    c->retry_mss = m->s->mss;
    c->retry_ts_last = m->s->ts_value;
    c->retry_wscale = m->s->wscale;
    c->retry_window = m->s->window;
}

void tcphs_keep_other(const struct tcphs_move *m, uint32_t end, unsigned kind)
{
    m->c->other_time = m->s->time;
    if (kind == 0)
        count_retry(m);
    m->x->known &= ~(uint32_t)(TCPHS_OTHER_IS_SYN_ACK | TCPHS_OTHER_IS_STRAY);
    m->x->known |= kind;
    m->x->other_iss = m->s->seq;
    m->x->other_end = end;
    m->x->other_frame = m->s->frame;
    tcphs_provoke(m, 0);
}

/* The capture has the SYN behind the SYN-ACK that answered it. */
static void take_late_syn(const struct tcphs_move *m)
{
    tcphs_learn_syn_options(m);
    m->x->known |= TCPHS_SENT_SYN;
    if (m->c->syn_count == 0)
        m->c->first_syn_time = m->s->time;
    tell_syn(m);
}

void tcphs_move_by_syn(const struct tcphs_move *m)
{
    const enum tcphs_stage stage = tcphs_connection_stage(m->c);
    const bool never_open = !(m->c->facts & (TCPHS_WAS_ESTABLISHED | TCPHS_MIDSTREAM_START));
    if (m->v->refusal != TCPHS_REFUSED_FOR_NOTHING)
        return; /* nobody answers it */
    if (tcphs_knows(m->x, TCPHS_SENT_SYN) && tcphs_repeats_syn(m->v)) {
        if (stage == TCPHS_STAGE_RESET && never_open)
            reopen(m);
        else if (stage != TCPHS_STAGE_RESET && stage != TCPHS_STAGE_CLOSED) {
            m->x->snd_nxt = tcphs_seq_max(m->x->snd_nxt, m->s->seq + 1 + m->s->length);
            tcphs_act(m->x, TCPHS_SENDS_SYN);
            tcphs_act(m->y, TCPHS_HEARS_SYN);
            tell_syn(m);
            tell_wait(m);
        }
        return;
    }
    if (tcphs_repeats_syn(m->v)) {
        take_late_syn(m);
        return;
    }
    const bool opens = stage == TCPHS_STAGE_NONE || (stage == TCPHS_STAGE_SYN_SENT && m->y->state == TCPHS_SYN_SENT);
    if (opens && !tcphs_knows(m->x, TCPHS_SENT_SYN)) {
        open_by_syn(m);
        return;
    }
    if (stage == TCPHS_STAGE_SYN_RECEIVED && tcphs_knows(m->x, TCPHS_SENT_SYN))
        count(m, &m->c->syn_count);
    if (tcphs_has_any(m->s, TCPHS_FIN) && tcphs_is_synchronised(m->y->state)) /* opens nothing */
        tcphs_provoke(m, 0);
    else
        tcphs_keep_other(m, m->v->end, 0);
}

static void tell_syn_ack(const struct tcphs_move *m)
{
    struct tcphs_connection *c = m->c;
    count(m, &c->synack_count);
    c->last_synack_time = m->s->time;
    tcphs_link_first(m, TCPHS_LINK_SYNACK);
    tcphs_note_offer(m->x, m->s);
    tcphs_agree(c, m->x, m->y);
    if (c->syn_count == 0)
        return; /* nothing to hold it against: no step 2 that anyone could check */
    m->o->step = 2;
    tcphs_tell_due(m, m->s->ack);
    tcphs_tell_options(m);
    if (m->s->time >= c->last_syn_time)
        m->o->time_synack = m->s->time - c->last_syn_time;
    tcphs_learn_loop(m->x, m->o->time_synack);
}

static void accept_syn_ack(const struct tcphs_move *m)
{
    struct tcphs_connection *c = m->c;
    struct tcphs_end *x = m->x, *y = m->y;
    const struct tcphs_segment *s = m->s;
    tcphs_learn_syn_options(m);
    if (c->client == TCPHS_NO_CLIENT)
        c->client = !s->from;
    if (!tcphs_knows(y, TCPHS_KNOWS_SENT)) { /* its SYN was not captured */
        y->iss = s->ack - 1;
        y->known |= TCPHS_KNOWS_ISS;
        tcphs_learn_sent(y, s->ack, s->ack);
        tcphs_assume(c);
    }
    if (tcphs_knows(x, TCPHS_SENT_SYN_ACK)) { /* another one, which the client has not heard */
        tcphs_keep_taken_syn_ack(c, x);
        tcphs_change_link(c, TCPHS_LINK_SYNACK, s->frame);
    }
    x->iss = s->seq;
    x->known |= TCPHS_KNOWS_ISS | TCPHS_SENT_SYN_ACK;
    tcphs_learn_sent(x, s->seq, s->seq + 1 + s->length);
    y->snd_una = tcphs_seq_max(y->snd_una, s->ack);
    tcphs_learn_heard(x, s->ack);
    tcphs_learn_window(m, tcphs_granted_window(m->c, m->s));
    tcphs_learn_heard(y, s->seq + 1);
    if (s->ack != y->iss + 1)
        y->known |= TCPHS_DATA_ACKED;
    x->claim_frame = 0;
    c->facts &= ~(uint32_t)TCPHS_BAD_SYN_ACK;
    tcphs_act(x, TCPHS_SENDS_SYN_ACK);
    tcphs_act(y, TCPHS_HEARS_SYN_ACK);
    tell_syn_ack(m);
}

/* The same SYN-ACK again: the server has not heard the final ACK, whatever we believed, nor what came with it. */
static void repeat_syn_ack(const struct tcphs_move *m)
{
    struct tcphs_end *x = m->x, *y = m->y;
    if (y->beliefs & TCPHS_AHEAD_OF_SYN_ACK) { /* the first, captured late */
        tell_syn_ack(m);
        return;
    }
    m->c->facts |= TCPHS_REPEATED_SYN_ACK;
    if (!tcphs_knows(x, TCPHS_ANSWERED_SYN_ACK) && m->s->time >= m->c->last_time) {
        tcphs_act(x, TCPHS_MISSED_ACK_OF_SYN);
        x->rcv_nxt = x->rcv_ack;
        memset(x->held, 0, sizeof x->held);
        y->known &= ~(uint32_t)TCPHS_FIN_HEARD;
    }
    tcphs_act(y, TCPHS_HEARS_SYN_ACK);
    tell_syn_ack(m);
}

/* Another SYN-ACK that acknowledges the SYN, while neither end has gone on: the client may have heard either. */
static bool is_rival(const struct tcphs_move *m)
{
    const struct tcphs_end *x = m->x, *y = m->y;
    return tcphs_knows(x, TCPHS_SENT_SYN_ACK) && tcphs_acks_syn(m->v) &&
           x->state == TCPHS_SYN_RECEIVED && y->state == TCPHS_ESTABLISHED &&
           !tcphs_knows(x, TCPHS_ANSWERED_SYN_ACK) && !(y->beliefs & TCPHS_SENT_ORDINARY);
}

/* For its signature, and nobody answers it; for its echo, and the client's RST leaves the client where it is. */
static void count_refused_syn_ack(const struct tcphs_move *m)
{
    const bool in_handshake = m->y->state == TCPHS_SYN_SENT || m->x->state == TCPHS_SYN_RECEIVED;
    if (in_handshake && !(m->c->facts & (TCPHS_WAS_ESTABLISHED | TCPHS_MIDSTREAM_START)))
        count(m, &m->c->synack_count);
    if (m->v->refusal == TCPHS_REFUSED_FOR_ECHO)
        tcphs_claim(m, false);
}

void tcphs_move_by_syn_ack(const struct tcphs_move *m)
{
    struct tcphs_connection *c = m->c;
    const struct tcphs_end *x = m->x, *y = m->y;
    const bool same = tcphs_knows(x, TCPHS_SENT_SYN_ACK) && m->s->seq == x->iss && tcphs_acks_syn(m->v);
    const bool in_handshake = y->state == TCPHS_SYN_SENT || x->state == TCPHS_SYN_RECEIVED;
    if (m->v->refusal != TCPHS_REFUSED_FOR_NOTHING) {
        count_refused_syn_ack(m);
        return;
    }
    if (same && (y->state >= TCPHS_SYN_RECEIVED || y->state == TCPHS_SYN_SENT)) {
        repeat_syn_ack(m);
        return;
    }
    if (m->v->accepted == TCPHS_ACCEPT_YES || tcphs_connection_stage(c) == TCPHS_STAGE_NONE) {
        accept_syn_ack(m);
        return;
    }
    if (in_handshake && !(c->facts & (TCPHS_WAS_ESTABLISHED | TCPHS_MIDSTREAM_START)))
        count(m, &c->synack_count);
    if (y->state == TCPHS_SYN_SENT) {
        c->facts |= TCPHS_BAD_SYN_ACK;
        tcphs_claim(m, false);
        tcphs_tell_due(m, tcphs_due_ack(m->v));
    } else if (tcphs_is_foreign_syn_ack(m->v)) {
        tcphs_keep_other(m, m->s->ack, TCPHS_OTHER_IS_SYN_ACK);
    } else {
        if (is_rival(m))
            tcphs_keep_rival(m);
        tcphs_provoke(m, 0);
    }
}
