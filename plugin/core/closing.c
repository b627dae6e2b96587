/* closing.c
 * FIN and its acknowledgment: orderly close, simultaneous close, and the FIN that was not captured.
 * RST is in resetting.c.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "move.h"

#include "seq.h"

static void tell_close_step(const struct tcphs_move *m, unsigned step)
{
    m->o->close_steps |= (uint8_t)(1u << (step - 1));
}

static bool closed_first(const struct tcphs_move *m, const struct tcphs_end *e)
{
    return m->c->first_closer == (e == &m->c->end[0] ? 0 : 1);
}

void tcphs_send_fin(const struct tcphs_move *m, struct tcphs_end *e, enum tcphs_step_event event, uint32_t fin_seq)
{
    e->fin_seq = fin_seq;
    e->known |= TCPHS_FIN_SENT;
    if (m->c->first_closer == TCPHS_NO_CLIENT)
        m->c->first_closer = e == &m->c->end[0] ? 0 : 1;
    tcphs_act(e, event);
}

void tcphs_move_by_fin(const struct tcphs_move *m)
{
    struct tcphs_end *x = m->x, *y = m->y;
    const uint32_t place = m->v->end - 1;
    if (tcphs_knows(x, TCPHS_FIN_SENT)) {
        if (place != x->fin_seq)
            return;
        x->known &= ~(uint32_t)TCPHS_FIN_ASSUMED;
        x->known |= TCPHS_FIN_REPEATED;
    } else {
        const bool crossing = tcphs_knows(y, TCPHS_FIN_SENT) && !tcphs_seq_after(m->s->ack, y->fin_seq);
        if (crossing)
            m->c->facts |= TCPHS_CROSSED_FINS;
        tcphs_send_fin(m, x, crossing ? TCPHS_SENDS_FIN_CROSSING : TCPHS_SENDS_FIN, place);
        tcphs_link_first(m, TCPHS_LINK_FIN);
    }
    tell_close_step(m, closed_first(m, x) ? 1 : 3);
}

/* A pure ACK of a FIN keeps its number when it comes again: in answer to a repeated FIN, or after the close. */
void tcphs_tell_repeated_close_ack(const struct tcphs_move *m)
{
    struct tcphs_end *y = m->y;
    if (!tcphs_knows(y, TCPHS_FIN_ACKED) || !tcphs_is_pure_ack(m->s) || m->s->ack != y->fin_seq + 1)
        return;
    if (tcphs_knows(y, TCPHS_FIN_REPEATED) || tcphs_connection_stage(m->c) == TCPHS_STAGE_CLOSED)
        tell_close_step(m, closed_first(m, y) ? 2 : 4);
    y->known &= ~(uint32_t)TCPHS_FIN_REPEATED;
}

/* x acknowledges y's FIN, which it has therefore heard. */
void tcphs_acknowledge_fin(const struct tcphs_move *m)
{
    struct tcphs_end *x = m->x, *y = m->y;
    if (!tcphs_knows(y, TCPHS_FIN_SENT) || !tcphs_seq_after(m->s->ack, y->fin_seq))
        return;
    const bool first = !tcphs_knows(y, TCPHS_FIN_ACKED);
    tcphs_tell_repeated_close_ack(m);
    if (first) {
        y->known |= TCPHS_FIN_ACKED | TCPHS_FIN_HEARD;
        tcphs_act(x, TCPHS_SENDS_ACK_OF_FIN);
        tcphs_act(y, TCPHS_HEARS_ACK_OF_FIN);
    }
    if (first)
        tell_close_step(m, closed_first(m, y) ? 2 : 4);
}

/* y's FIN was not captured, but x acknowledges it while closing itself. */
void tcphs_assume_fin(const struct tcphs_move *m)
{
    struct tcphs_end *y = m->y;
    tcphs_assume(m->c);
    tcphs_claim(m, true);
    tcphs_send_fin(m, y, TCPHS_SENDS_FIN, y->snd_nxt);
    y->known |= TCPHS_FIN_ASSUMED | TCPHS_FIN_HEARD;
    tcphs_act(m->x, TCPHS_HEARS_FIN);
}

static enum tcphs_state state_by_fins(const struct tcphs_end *e, const struct tcphs_end *peer)
{
    if (!tcphs_knows(e, TCPHS_FIN_SENT))
        return tcphs_knows(peer, TCPHS_FIN_HEARD) ? TCPHS_CLOSE_WAIT : TCPHS_ESTABLISHED;
    return tcphs_knows(e, TCPHS_FIN_ACKED) ? TCPHS_FIN_WAIT_2 : TCPHS_FIN_WAIT_1;
}

/* x stands before its assumed FIN, or sends beyond it: there was none. */
bool tcphs_contradicts_assumed_fin(const struct tcphs_view *v)
{
    const struct tcphs_end *x = v->x;
    if (!tcphs_knows(x, TCPHS_FIN_ASSUMED) || v->kind != TCPHS_KIND_ORDINARY)
        return false;
    if (v->s->seq == x->fin_seq && !tcphs_has_any(v->s, TCPHS_FIN))
        return true;
    return v->end != v->s->seq && tcphs_seq_after(v->end, x->fin_seq + 1);
}

void tcphs_retract_assumed_fin(const struct tcphs_move *m)
{
    struct tcphs_end *x = m->x, *y = m->y;
    x->known &= ~(uint32_t)(TCPHS_FIN_SENT | TCPHS_FIN_ASSUMED | TCPHS_FIN_HEARD | TCPHS_FIN_ACKED);
    if (y->rcv_nxt == x->fin_seq + 1)
        y->rcv_nxt = y->rcv_ack = x->fin_seq;
    x->state = (uint8_t)state_by_fins(x, y);
    y->state = (uint8_t)state_by_fins(y, x);
    if (closed_first(m, x))
        m->c->first_closer = tcphs_knows(y, TCPHS_FIN_SENT) ? !m->s->from : TCPHS_NO_CLIENT;
}
