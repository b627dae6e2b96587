/* rst.c
 * RST: obeyed, ignored, answering a stale segment, part of a burst; and the way back from a forged one.
 * Whether a receiver obeys is judged in acceptability.c.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tcp/rst.h"

#include "tcp/acceptability.h"
#include "tcp/ack.h"
#include "tcp/evidence.h"
#include "tcp/origin.h"
#include "tcp/suspicion.h"

static enum tcphs_rst_kind kind_of_counted_rst(const struct tcphs_processing *p, enum tcphs_stage stage)
{
    switch (stage) {
    case TCPHS_STAGE_NONE:
        return TCPHS_RST_UNKNOWN;
    case TCPHS_STAGE_SYN_SENT:
        return p->y->state == TCPHS_SYN_SENT ? TCPHS_RST_REFUSED : TCPHS_RST_ABORTS_HANDSHAKE;
    case TCPHS_STAGE_SYN_RECEIVED: /* whose SYN-ACK it answers without having asked holds no connection */
        return p->c->syn_count == 0 && tcphs_knows(p->y, TCPHS_SENT_SYN_ACK) ? TCPHS_RST_ANSWERS_STALE
                                                                             : TCPHS_RST_ABORTS_HANDSHAKE;
    case TCPHS_STAGE_CLOSED:
        return TCPHS_RST_AFTER_CLOSE;
    case TCPHS_STAGE_RESET:
        return TCPHS_RST_ANSWERS_STALE;
    case TCPHS_STAGE_MIDSTREAM: /* the first segment of an end that was addressed: it has no connection */
        if (!tcphs_knows(p->x, TCPHS_SENT_ANYTHING))
            return TCPHS_RST_ANSWERS_STALE;
        break;
    case TCPHS_STAGE_ESTABLISHED:
    case TCPHS_STAGE_CLOSING:
        break;
    }
    return TCPHS_RST_ABORTS_CONNECTION;
}

static enum tcphs_rst_kind kind_of_ignored_rst(const struct tcphs_processing *p, enum tcphs_stage stage)
{
    const bool answers = tcphs_answers_as_closed(p->a);
    const bool closed = stage == TCPHS_STAGE_RESET || p->x->state == TCPHS_CLOSED || tcphs_knows(p->x, TCPHS_FIN_SENT);
    return p->a->answers_unseen_ack || (answers && closed) ? TCPHS_RST_ANSWERS_STALE : TCPHS_RST_NOT_ACCEPTABLE;
}

static void obey_rst(const struct tcphs_processing *p, enum tcphs_stage stage)
{
    struct tcphs_connection *c = p->c;
    if (stage != TCPHS_STAGE_RESET) /* a second RST finds nothing to go back to */
        tcphs_suspend_states(c);
    if (p->y->state == TCPHS_LISTEN) /* its own SYN-ACK was not captured (judge_rst) */
        tcphs_transition(p->y, TCPHS_SENDS_SYN_ACK);
    tcphs_transition(p->x, TCPHS_SENDS_RST);
    tcphs_transition(p->y, TCPHS_HEARS_RST);
    tcphs_link_first(p, TCPHS_LINK_RST);
    if (p->a->accepted == TCPHS_ACCEPT_UNKNOWN)
        tcphs_assume(c);
    if (stage == TCPHS_STAGE_CLOSED)
        return; /* the close stands */
    if (c->first_closer == TCPHS_NO_END)
        c->first_closer = p->s->from;
    c->facts |= TCPHS_IS_RESET;
    if (stage == TCPHS_STAGE_CLOSING)
        c->facts |= TCPHS_FIN_BEFORE_RST;
    c->rst_time = p->s->time;
    c->rst_from = p->s->from;
    c->rst_seq = p->s->seq;
    c->rst_origin = (uint8_t)tcphs_origin(p->a);
    c->rst_frame = p->s->frame;
    c->rst_peer_nxt = p->y->snd_nxt;
    c->rst_peer_known = tcphs_knows(p->y, TCPHS_KNOWS_SENT);
    c->rst_sender_went_on = false;
    c->rst_doubtful = tcphs_rst_is_doubtful(p->a);
}

static void count_burst(const struct tcphs_processing *p)
{
    struct tcphs_connection *c = p->c;
    if (p->a->answers_unseen_ack || tcphs_answers_as_closed(p->a))
        return;
    if (c->burst_frame == 0 || p->s->time - c->burst_time > TCPHS_SECOND) {
        c->burst_frame = p->s->frame;
        c->burst_count = 0;
    }
    if (c->burst_count < UINT8_MAX)
        c->burst_count++;
    c->burst_seq = p->s->seq;
    c->burst_from = p->s->from;
    c->burst_time = p->s->time;
}

/* How long it was silent before, and how the RST's TTL differs from that of its sender's last segment. */
static void tell_circumstances(const struct tcphs_processing *p)
{
    const struct tcphs_end *x = p->x;
    if (((x->known | p->y->known) & TCPHS_SENT_ANYTHING) && p->s->time >= p->c->last_time)
        p->o->rst_idle = p->s->time - p->c->last_time;
    if (p->s->ttl != 0 && x->ttl_steady != 0) {
        p->o->has_ttl_delta = true;
        p->o->rst_ttl_delta = (int16_t)(p->s->ttl - x->ttl);
    }
}

void tcphs_process_rst(const struct tcphs_processing *p)
{
    struct tcphs_connection *c = p->c;
    tell_circumstances(p);
    const enum tcphs_stage stage = tcphs_connection_stage(c);
    const bool answers_probe = stage == TCPHS_STAGE_NONE && tcphs_knows(p->y, TCPHS_SENT_ANYTHING);
    if (answers_probe) { /* a NULL, FIN or Xmas probe is no connection, and the RST that answers it makes none */
        p->o->rst_kind = TCPHS_RST_ANSWERS_STALE;
        return;
    }
    if (stage == TCPHS_STAGE_NONE)
        tcphs_pick_up_midstream(p);
    if (tcphs_rst_counts(p->a)) {
        p->o->rst_kind = (uint8_t)kind_of_counted_rst(p, stage);
        obey_rst(p, stage);
    } else {
        p->o->rst_kind = (uint8_t)kind_of_ignored_rst(p, stage);
        if (p->a->seq_position == TCPHS_SEQ_IN && !p->a->answers_unseen_ack &&
            p->a->refusal == TCPHS_REFUSED_FOR_NOTHING) {
            tcphs_expect_challenge(p, 0);
            const bool unanswered = tcphs_may_follow_unseen_end(p->a) && !tcphs_answers_as_closed(p->a);
            p->x->known |= unanswered ? TCPHS_CHALLENGE_OF_RST : 0;
        }
        if (p->y->state == TCPHS_SYN_SENT && tcphs_has_any(p->s, TCPHS_ACK))
            tcphs_emit_due_ack(p, tcphs_due_ack(p->a));
    }
    count_burst(p);
}

void tcphs_retract_rst(const struct tcphs_processing *p)
{
    struct tcphs_connection *c = p->c;
    c->facts &= ~(uint32_t)(TCPHS_IS_RESET | TCPHS_FIN_BEFORE_RST);
    tcphs_resume_states(c);
    c->end_frame = 0;
    if (!((c->end[0].known | c->end[1].known) & TCPHS_FIN_SENT))
        c->first_closer = TCPHS_NO_END;
}
