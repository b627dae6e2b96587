/* syn.c
 * SYN and SYN-ACK: how a connection is opened, retried, answered wrongly, or interrupted by another SYN.
 * The final ACK is in ack.c.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tcp/syn.h"

#include <string.h>

#include "tcp/acceptability.h"
#include "tcp/belief.h"
#include "tcp/evidence.h"
#include "tcp/sequence_space.h"
#include "tcp/suspicion.h"
#include "tcp/handshake_options.h"

/* A SYN or SYN-ACK of the attempt, with whatever numbers. */
static void count(const struct tcphs_processing *p, uint16_t *counted)
{
    if (*counted < UINT16_MAX)
        (*counted)++;
    tcphs_emit_counts(p);
}

static void emit_syn(const struct tcphs_processing *p)
{
    struct tcphs_connection *c = p->c;
    count(p, &c->syn_count);
    c->last_syn_time = p->s->time;
    tcphs_link_first(p, TCPHS_LINK_SYN);
    p->o->step = 1;
    tcphs_note_offer(p->x, p->s);
    if (tcphs_knows(p->y, TCPHS_SENT_SYN_ACK) && !(c->agreed & TCPHS_AGREED_KNOWN)) /* captured behind the SYN-ACK */
        tcphs_agree(c, p->y, p->x);
    tcphs_emit_options(p);
}

/* It sends its SYN again: how long it has been waiting, and whether anything came back. */
static void emit_wait(const struct tcphs_processing *p)
{
    const struct tcphs_connection *c = p->c;
    /* What a SYN met inside the connection before this one is told there. */
    if (!(c->facts & TCPHS_HAD_SEGMENT) || tcphs_is_synchronised(p->y->state) || p->s->time < c->first_syn_time)
        return;
    p->o->waited = p->s->time - c->first_syn_time;
    p->o->came_back = tcphs_knows(p->y, TCPHS_SENT_ANYTHING);
}

static void open_by_syn(const struct tcphs_processing *p)
{
    struct tcphs_connection *c = p->c;
    struct tcphs_end *x = p->x;
    if (c->client == TCPHS_NO_END)
        c->client = p->s->from;
    if (c->syn_count == 0)
        c->first_syn_time = p->s->time;
    tcphs_learn_syn_options(p);
    x->iss = p->s->seq;
    x->known |= TCPHS_KNOWS_ISS | TCPHS_SENT_SYN;
    tcphs_learn_sent(x, p->s->seq, p->a->end);
    tcphs_learn_window(p, tcphs_granted_window(p->c, p->s));
    tcphs_learn_heard(p->y, p->s->seq + 1);
    tcphs_transition(x, TCPHS_SENDS_SYN);
    tcphs_transition(p->y, TCPHS_HEARS_SYN);
    emit_syn(p);
}

/* The client of a refused attempt tries again with the same number: the same connection, from the start. */
static void reopen(const struct tcphs_processing *p)
{
    struct tcphs_connection *c = p->c;
    c->facts &= ~(uint32_t)(TCPHS_IS_RESET | TCPHS_BAD_SYN_ACK | TCPHS_BAD_FINAL_ACK | TCPHS_CHALLENGED |
                            TCPHS_CROSSED_FINS | TCPHS_REPEATED_SYN_ACK | TCPHS_ACK_NOT_TAKEN | TCPHS_FIN_BEFORE_RST);
    c->first_closer = TCPHS_NO_END;
    c->end_frame = c->early_data_frame = 0;
    c->agreed = 0;
    memset(p->x, 0, sizeof *p->x);
    memset(p->y, 0, sizeof *p->y);
    tcphs_transition(p->x, TCPHS_FORGOTTEN);
    tcphs_transition(p->y, TCPHS_FORGOTTEN);
    open_by_syn(p);
}

/* The capture has the SYN behind the SYN-ACK that answered it. */
static void take_late_syn(const struct tcphs_processing *p)
{
    tcphs_learn_syn_options(p);
    p->x->known |= TCPHS_SENT_SYN;
    if (p->c->syn_count == 0)
        p->c->first_syn_time = p->s->time;
    emit_syn(p);
}

/* The SYN that opened the connection, or tried to, again. */
static void repeat_syn(const struct tcphs_processing *p, enum tcphs_stage stage)
{
    const bool never_open = !(p->c->facts & (TCPHS_WAS_ESTABLISHED | TCPHS_MIDSTREAM_START));
    if (stage == TCPHS_STAGE_RESET && never_open) {
        reopen(p);
    } else if (stage != TCPHS_STAGE_RESET && stage != TCPHS_STAGE_CLOSED) {
        p->x->snd_nxt = tcphs_seq_max(p->x->snd_nxt, p->s->seq + 1 + p->s->length);
        tcphs_transition(p->x, TCPHS_SENDS_SYN);
        tcphs_transition(p->y, TCPHS_HEARS_SYN);
        emit_syn(p);
        emit_wait(p);
    }
}

/* A SYN of other numbers while x has a connection, or is about to have one. */
static void process_foreign_syn(const struct tcphs_processing *p, enum tcphs_stage stage)
{
    if (stage == TCPHS_STAGE_SYN_RECEIVED && tcphs_knows(p->x, TCPHS_SENT_SYN))
        count(p, &p->c->syn_count);
    if (tcphs_has_fin(p->a) && tcphs_is_synchronised(p->y->state)) /* opens nothing */
        tcphs_expect_challenge(p, 0);
    else
        tcphs_keep_foreign(p, p->a->end, 0);
}

void tcphs_process_syn(const struct tcphs_processing *p)
{
    const enum tcphs_stage stage = tcphs_connection_stage(p->c);
    const bool opens = stage == TCPHS_STAGE_NONE || (stage == TCPHS_STAGE_SYN_SENT && p->y->state == TCPHS_SYN_SENT);
    const bool is_first = !tcphs_knows(p->x, TCPHS_SENT_SYN);
    if (p->a->refusal != TCPHS_REFUSED_FOR_NOTHING)
        return; /* nobody answers it */
    if (tcphs_repeats_syn(p->a) && is_first)
        take_late_syn(p);
    else if (tcphs_repeats_syn(p->a))
        repeat_syn(p, stage);
    else if (opens && is_first)
        open_by_syn(p);
    else
        process_foreign_syn(p, stage);
}

static void emit_syn_ack(const struct tcphs_processing *p)
{
    struct tcphs_connection *c = p->c;
    count(p, &c->synack_count);
    c->last_synack_time = p->s->time;
    tcphs_link_first(p, TCPHS_LINK_SYNACK);
    tcphs_note_offer(p->x, p->s);
    tcphs_agree(c, p->x, p->y);
    if (c->syn_count == 0)
        return; /* nothing to hold it against: no step 2 that anyone could check */
    p->o->step = 2;
    tcphs_emit_due_ack(p, p->s->ack);
    tcphs_emit_options(p);
    if (p->s->time >= c->last_syn_time)
        p->o->time_synack = p->s->time - c->last_syn_time;
    tcphs_learn_answer_time(p->x, p->o->time_synack);
}

static void accept_syn_ack(const struct tcphs_processing *p)
{
    struct tcphs_connection *c = p->c;
    struct tcphs_end *x = p->x, *y = p->y;
    const struct tcphs_segment *s = p->s;
    tcphs_learn_syn_options(p);
    if (c->client == TCPHS_NO_END)
        c->client = !s->from;
    if (!tcphs_knows(y, TCPHS_KNOWS_SENT)) { /* its SYN was not captured */
        y->iss = s->ack - 1;
        y->known |= TCPHS_KNOWS_ISS;
        tcphs_learn_sent(y, s->ack, s->ack);
        tcphs_assume(c);
    }
    if (tcphs_knows(x, TCPHS_SENT_SYN_ACK)) { /* another one, which the client has not heard */
        tcphs_keep_believed_syn_ack(c, x);
        tcphs_change_link(c, TCPHS_LINK_SYNACK, s->frame);
    }
    x->iss = s->seq;
    x->known |= TCPHS_KNOWS_ISS | TCPHS_SENT_SYN_ACK;
    tcphs_learn_sent(x, s->seq, s->seq + 1 + s->length);
    y->snd_una = tcphs_seq_max(y->snd_una, s->ack);
    tcphs_learn_heard(x, s->ack);
    tcphs_learn_window(p, tcphs_granted_window(p->c, p->s));
    tcphs_learn_heard(y, s->seq + 1);
    if (s->ack != y->iss + 1)
        y->known |= TCPHS_DATA_ACKED;
    x->unseen_ack_frame = 0;
    c->facts &= ~(uint32_t)TCPHS_BAD_SYN_ACK;
    tcphs_transition(x, TCPHS_SENDS_SYN_ACK);
    tcphs_transition(y, TCPHS_HEARS_SYN_ACK);
    emit_syn_ack(p);
}

/* The same SYN-ACK again: the server has not heard the final ACK, whatever we believed, nor what came with it. */
static void repeat_syn_ack(const struct tcphs_processing *p)
{
    struct tcphs_end *x = p->x, *y = p->y;
    if (y->beliefs & TCPHS_AHEAD_OF_SYN_ACK) { /* the first, captured late */
        emit_syn_ack(p);
        return;
    }
    p->c->facts |= TCPHS_REPEATED_SYN_ACK;
    if (!tcphs_knows(x, TCPHS_ANSWERED_SYN_ACK) && p->s->time >= p->c->last_time) {
        tcphs_transition(x, TCPHS_MISSED_ACK_OF_SYN);
        x->rcv_nxt = x->rcv_ack;
        memset(x->held, 0, sizeof x->held);
        y->known &= ~(uint32_t)TCPHS_FIN_HEARD;
    }
    tcphs_transition(y, TCPHS_HEARS_SYN_ACK);
    emit_syn_ack(p);
}

/* Another SYN-ACK that acknowledges the SYN, while neither end has gone on: the client may have heard either. */
static bool is_alternative(const struct tcphs_processing *p)
{
    const struct tcphs_end *x = p->x, *y = p->y;
    return tcphs_knows(x, TCPHS_SENT_SYN_ACK) && tcphs_acks_syn(p->a) && x->state == TCPHS_SYN_RECEIVED &&
           y->state == TCPHS_ESTABLISHED && !tcphs_knows(x, TCPHS_ANSWERED_SYN_ACK) && !(y->beliefs & TCPHS_SENT_ACK);
}

/* It is one of the attempt all the same. */
static void count_refused_syn_ack(const struct tcphs_processing *p)
{
    const bool in_handshake = p->y->state == TCPHS_SYN_SENT || p->x->state == TCPHS_SYN_RECEIVED;
    if (in_handshake && !(p->c->facts & (TCPHS_WAS_ESTABLISHED | TCPHS_MIDSTREAM_START)))
        count(p, &p->c->synack_count);
}

/* For its signature, and nobody answers it; for its echo, and the client's RST leaves the client where it is. */
static void refuse_syn_ack_for_options(const struct tcphs_processing *p)
{
    count_refused_syn_ack(p);
    if (p->a->refusal == TCPHS_REFUSED_FOR_ECHO)
        tcphs_remember_unseen_ack(p, false);
}

/* A SYN-ACK whose numbers its receiver does not take. */
static void refuse_syn_ack(const struct tcphs_processing *p)
{
    struct tcphs_connection *c = p->c;
    count_refused_syn_ack(p);
    if (p->y->state == TCPHS_SYN_SENT) {
        c->facts |= TCPHS_BAD_SYN_ACK;
        tcphs_remember_unseen_ack(p, false);
        tcphs_emit_due_ack(p, tcphs_due_ack(p->a));
    } else if (tcphs_is_foreign_syn_ack(p->a)) {
        tcphs_keep_foreign(p, p->s->ack, TCPHS_FOREIGN_IS_SYN_ACK);
    } else {
        if (is_alternative(p))
            tcphs_keep_alternative(p);
        tcphs_expect_challenge(p, 0);
    }
}

void tcphs_process_syn_ack(const struct tcphs_processing *p)
{
    const struct tcphs_end *x = p->x, *y = p->y;
    const bool same = tcphs_knows(x, TCPHS_SENT_SYN_ACK) && p->s->seq == x->iss && tcphs_acks_syn(p->a);
    if (p->a->refusal != TCPHS_REFUSED_FOR_NOTHING)
        refuse_syn_ack_for_options(p);
    else if (same && (y->state >= TCPHS_SYN_RECEIVED || y->state == TCPHS_SYN_SENT))
        repeat_syn_ack(p);
    else if (p->a->accepted == TCPHS_ACCEPT_YES || tcphs_connection_stage(p->c) == TCPHS_STAGE_NONE)
        accept_syn_ack(p);
    else
        refuse_syn_ack(p);
}
