/* resetting.c
 * RST: obeyed, ignored, answering a stale segment, part of a burst; and the way back from a forged one.
 * Whether a receiver obeys is judged in view.c.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "move.h"

#include "checks.h"

static enum tcphs_rst_kind kind_of_counted_rst(const struct tcphs_move *m, enum tcphs_stage stage)
{
    switch (stage) {
    case TCPHS_STAGE_NONE:
        return TCPHS_RST_UNKNOWN;
    case TCPHS_STAGE_SYN_SENT:
        return m->y->state == TCPHS_SYN_SENT ? TCPHS_RST_REFUSED : TCPHS_RST_ABORTS_HANDSHAKE;
    case TCPHS_STAGE_SYN_RECEIVED: /* whose SYN-ACK it answers without having asked holds no connection */
        return m->c->syn_count == 0 && tcphs_knows(m->y, TCPHS_SENT_SYN_ACK) ? TCPHS_RST_ANSWERS_STALE
                                                                             : TCPHS_RST_ABORTS_HANDSHAKE;
    case TCPHS_STAGE_CLOSED:
        return TCPHS_RST_AFTER_CLOSE;
    case TCPHS_STAGE_RESET:
        return TCPHS_RST_ANSWERS_STALE;
    case TCPHS_STAGE_MIDSTREAM: /* the first word of an end that was addressed: nothing lives there */
        if (!tcphs_knows(m->x, TCPHS_SENT_ANYTHING))
            return TCPHS_RST_ANSWERS_STALE;
        break;
    case TCPHS_STAGE_ESTABLISHED:
    case TCPHS_STAGE_CLOSING:
        break;
    }
    return TCPHS_RST_ABORTS_CONNECTION;
}

static enum tcphs_rst_kind kind_of_ignored_rst(const struct tcphs_move *m, enum tcphs_stage stage)
{
    const bool answers = tcphs_answers_as_closed(m->v);
    const bool closed = stage == TCPHS_STAGE_RESET || m->x->state == TCPHS_CLOSED || tcphs_knows(m->x, TCPHS_FIN_SENT);
    return m->v->answers_claim || (answers && closed) ? TCPHS_RST_ANSWERS_STALE : TCPHS_RST_NOT_ACCEPTABLE;
}

static void obey_rst(const struct tcphs_move *m, enum tcphs_stage stage)
{
    struct tcphs_connection *c = m->c;
    if (stage != TCPHS_STAGE_RESET) { /* a second RST finds nothing to go back to */
        c->before_rst[0] = c->end[0].state;
        c->before_rst[1] = c->end[1].state;
    }
    tcphs_act(m->x, TCPHS_SENDS_RST);
    tcphs_act(m->y, TCPHS_HEARS_RST);
    if (m->y->state == TCPHS_LISTEN) /* its own SYN-ACK was not captured (judge_rst) */
        m->y->state = TCPHS_CLOSED;
    tcphs_link_first(m, TCPHS_LINK_RST);
    if (m->v->accepted == TCPHS_ACCEPT_UNKNOWN)
        tcphs_assume(c);
    if (stage == TCPHS_STAGE_CLOSED)
        return; /* the close stands */
    if (c->first_closer == TCPHS_NO_CLIENT)
        c->first_closer = m->s->from;
    c->facts |= TCPHS_IS_RESET;
    if (stage == TCPHS_STAGE_CLOSING)
        c->facts |= TCPHS_FIN_BEFORE_RST;
    c->rst_time = m->s->time;
    c->rst_from = m->s->from;
    c->rst_seq = m->s->seq;
    c->rst_origin = (uint8_t)tcphs_origin(m->v);
    c->rst_frame = m->s->frame;
    c->rst_peer_nxt = m->y->snd_nxt;
    c->rst_peer_known = tcphs_knows(m->y, TCPHS_KNOWS_SENT);
    c->rst_sender_went_on = false;
    c->rst_doubtful = tcphs_rst_is_doubtful(m->v);
}

static void count_burst(const struct tcphs_move *m)
{
    struct tcphs_connection *c = m->c;
    if (m->v->answers_claim || tcphs_answers_as_closed(m->v))
        return;
    if (c->burst_frame == 0 || m->s->time - c->burst_time > TCPHS_SECOND) {
        c->burst_frame = m->s->frame;
        c->burst_count = 0;
    }
    if (c->burst_count < UINT8_MAX)
        c->burst_count++;
    c->burst_seq = m->s->seq;
    c->burst_from = m->s->from;
    c->burst_time = m->s->time;
}

/* How long it was silent before, and how the RST's TTL differs from that of its sender's last segment. */
static void tell_circumstances(const struct tcphs_move *m)
{
    const struct tcphs_end *x = m->x;
    if (((x->known | m->y->known) & TCPHS_SENT_ANYTHING) && m->s->time >= m->c->last_time)
        m->o->rst_idle = m->s->time - m->c->last_time;
    if (m->s->ttl != 0 && x->ttl_steady != 0) {
        m->o->has_ttl_delta = true;
        m->o->rst_ttl_delta = (int16_t)(m->s->ttl - x->ttl);
    }
}

void tcphs_move_by_rst(const struct tcphs_move *m)
{
    struct tcphs_connection *c = m->c;
    tell_circumstances(m);
    const enum tcphs_stage stage = tcphs_connection_stage(c);
    const bool answers_probe = stage == TCPHS_STAGE_NONE && tcphs_knows(m->y, TCPHS_SENT_ANYTHING);
    if (answers_probe) { /* a NULL, FIN or Xmas probe is no connection, and the RST that answers it makes none */
        m->o->rst_kind = TCPHS_RST_ANSWERS_STALE;
        return;
    }
    if (stage == TCPHS_STAGE_NONE)
        tcphs_pick_up_midstream(m);
    if (tcphs_rst_counts(m->v)) {
        m->o->rst_kind = (uint8_t)kind_of_counted_rst(m, stage);
        obey_rst(m, stage);
    } else {
        m->o->rst_kind = (uint8_t)kind_of_ignored_rst(m, stage);
        if (m->v->seq_place == TCPHS_SEQ_IN && !m->v->answers_claim && m->v->refusal == TCPHS_REFUSED_FOR_NOTHING) {
            tcphs_provoke(m, 0);
            const bool unanswered = tcphs_may_follow_unseen_end(m->v) && !tcphs_answers_as_closed(m->v);
            m->x->known |= unanswered ? TCPHS_PROVOKED_BY_RST : 0;
        }
        if (m->y->state == TCPHS_SYN_SENT && tcphs_has_any(m->s, TCPHS_ACK))
            tcphs_tell_due(m, tcphs_due_ack(m->v));
    }
    count_burst(m);
}

void tcphs_take_back_rst(const struct tcphs_move *m)
{
    struct tcphs_connection *c = m->c;
    c->facts &= ~(uint32_t)(TCPHS_IS_RESET | TCPHS_FIN_BEFORE_RST);
    c->end[0].state = c->before_rst[0];
    c->end[1].state = c->before_rst[1];
    c->end_frame = 0;
    if (!((c->end[0].known | c->end[1].known) & TCPHS_FIN_SENT))
        c->first_closer = TCPHS_NO_CLIENT;
}
