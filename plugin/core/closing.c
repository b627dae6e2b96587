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
        if (m->v->ack_place == TCPHS_ACK_IN || m->v->ack_place == TCPHS_ACK_OLD)
            x->beliefs &= ~(uint32_t)TCPHS_FIN_BEHIND_GAP; /* this one leaves no doubt */
        x->known |= TCPHS_FIN_REPEATED;
        x->snd_nxt = tcphs_seq_max(x->snd_nxt, place + 1);
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
    if (tcphs_has_any(m->s, TCPHS_FIN) && !tcphs_knows(m->x, TCPHS_FIN_SENT))
        m->x->known |= TCPHS_CLAIM_BROUGHT_FIN;
    tcphs_send_fin(m, y, TCPHS_SENDS_FIN, y->snd_nxt);
    y->known |= TCPHS_FIN_ASSUMED | TCPHS_FIN_HEARD;
    tcphs_act(m->x, TCPHS_HEARS_FIN);
}

/* x aborts behind a FIN that nobody saw, at the number that only y's acknowledgment of it can have named. */
bool tcphs_resets_behind_unseen_fin(const struct tcphs_view *v)
{
    const struct tcphs_end *x = v->x, *y = v->y;
    return v->kind == TCPHS_KIND_RST && !tcphs_has_any(v->s, TCPHS_ACK) && tcphs_knows(x, TCPHS_KNOWS_SENT) &&
           tcphs_knows(y, TCPHS_FIN_SENT | TCPHS_KNOWS_HEARD) && !tcphs_knows(x, TCPHS_FIN_SENT) &&
           tcphs_is_synchronised(x->state) && tcphs_is_synchronised(y->state) && v->s->seq == x->snd_nxt + 1 &&
           v->s->seq == y->rcv_nxt + 1;
}

void tcphs_assume_own_fin(const struct tcphs_move *m)
{
    struct tcphs_end *x = m->x, *y = m->y;
    m->c->facts |= TCPHS_GAPS;
    tcphs_assume(m->c);
    if (!tcphs_knows(y, TCPHS_FIN_ACKED)) { /* a closed end has heard it */
        y->known |= TCPHS_FIN_ACKED | TCPHS_FIN_HEARD;
        tcphs_act(x, TCPHS_SENDS_ACK_OF_FIN);
        tcphs_act(y, TCPHS_HEARS_ACK_OF_FIN);
    }
    tcphs_send_fin(m, x, TCPHS_SENDS_FIN, x->snd_nxt);
    x->known |= TCPHS_FIN_ASSUMED | TCPHS_FIN_HEARD | TCPHS_FIN_ACKED;
    tcphs_provoke(m, 0); /* should the other end not agree */
    x->known |= TCPHS_PROVOKED_BY_RST;
    y->rcv_nxt = y->rcv_ack = x->fin_seq + 1;
    tcphs_act(y, TCPHS_HEARS_FIN);
    tcphs_act(x, TCPHS_HEARS_ACK_OF_FIN);
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

/* e has not closed after all; its peer has heard nothing of it. */
static void take_fin_back(struct tcphs_end *e, struct tcphs_end *peer)
{
    e->known &= ~(uint32_t)(TCPHS_FIN_SENT | TCPHS_FIN_ASSUMED | TCPHS_FIN_HEARD | TCPHS_FIN_ACKED);
    if (peer->rcv_nxt == e->fin_seq + 1)
        peer->rcv_nxt = peer->rcv_ack = e->fin_seq;
}

/* A FIN has been taken back: states and the first closer as the other says, if it is left. While a RST counts both ends
 * stay closed: it is the states to return to that change, and without any FIN the RST alone ended the connection. */
static void settle_fins(const struct tcphs_move *m)
{
    struct tcphs_connection *c = m->c;
    struct tcphs_end *x = m->x, *y = m->y;
    const bool is_reset = (c->facts & TCPHS_IS_RESET) != 0;
    uint8_t *of_x = is_reset ? &c->before_rst[m->s->from] : &x->state;
    uint8_t *of_y = is_reset ? &c->before_rst[!m->s->from] : &y->state;
    *of_x = (uint8_t)state_by_fins(x, y);
    *of_y = (uint8_t)state_by_fins(y, x);
    c->facts &= ~(uint32_t)TCPHS_CROSSED_FINS;
    if (!is_reset)
        c->end_frame = 0;
    if (tcphs_knows(x, TCPHS_FIN_SENT)) {
        c->first_closer = m->s->from;
    } else if (tcphs_knows(y, TCPHS_FIN_SENT)) {
        c->first_closer = !m->s->from;
    } else {
        c->first_closer = is_reset ? c->rst_from : TCPHS_NO_CLIENT;
        c->facts &= ~(uint32_t)TCPHS_FIN_BEFORE_RST;
    }
}

void tcphs_retract_assumed_fin(const struct tcphs_move *m)
{
    struct tcphs_end *x = m->x, *y = m->y;
    const bool refuted = m->s->seq == x->fin_seq && !tcphs_seq_after(m->s->ack, y->fin_seq);
    take_fin_back(x, y);
    if (refuted && tcphs_knows(y, TCPHS_CLAIM_BROUGHT_FIN)) { /* refused like the acknowledgment it came with */
        take_fin_back(y, x);
        if (y->snd_nxt == y->fin_seq + 1)
            y->snd_nxt = y->fin_seq;
        y->known &= ~(uint32_t)TCPHS_CLAIM_BROUGHT_FIN;
    }
    settle_fins(m);
}

bool tcphs_never_heard_assumed_fin(const struct tcphs_view *v)
{
    const struct tcphs_end *y = v->y;
    return v->kind == TCPHS_KIND_ORDINARY && tcphs_knows(y, TCPHS_FIN_ASSUMED | TCPHS_PROVOKED_BY_RST) &&
           v->s->ack == y->fin_seq;
}

void tcphs_retract_own_fin(const struct tcphs_move *m)
{
    struct tcphs_end *x = m->x, *y = m->y;
    take_fin_back(y, x);
    if (!tcphs_seq_after(x->snd_una, x->fin_seq))
        x->known &= ~(uint32_t)TCPHS_FIN_ACKED;
    settle_fins(m);
}

void tcphs_drop_claim(const struct tcphs_move *m)
{
    struct tcphs_end *x = m->x, *y = m->y;
    if (y->claim_frame != 0 && tcphs_knows(y, TCPHS_CLAIM_IS_OPEN) && tcphs_seq_after(x->rcv_nxt, y->claim_left) &&
        !tcphs_seq_before(y->claim_left, x->rcv_ack))
        x->rcv_nxt = y->claim_left;
    if ((y->beliefs & TCPHS_FIN_BEHIND_GAP) && !tcphs_knows(y, TCPHS_FIN_ACKED)) {
        take_fin_back(y, x);
        tcphs_change_link(m->c, TCPHS_LINK_FIN, 0);
        settle_fins(m);
    }
    y->beliefs &= ~(uint32_t)TCPHS_FIN_BEHIND_GAP;
    y->claim_frame = 0;
    y->known &= ~(uint32_t)TCPHS_CLAIM_HAS_FIN;
}

bool tcphs_overtakes_held_fin(const struct tcphs_view *v)
{
    const struct tcphs_end *x = v->x;
    const bool held = (x->known & (TCPHS_FIN_SENT | TCPHS_FIN_HEARD | TCPHS_FIN_ASSUMED)) == TCPHS_FIN_SENT;
    if (!held || v->kind != TCPHS_KIND_ORDINARY || v->accepted != TCPHS_ACCEPT_YES ||
        tcphs_seq_after(v->s->seq, v->y->rcv_nxt))
        return false;
    return tcphs_seq_after(v->s->seq + v->s->length, x->fin_seq) ||
           (tcphs_has_any(v->s, TCPHS_FIN) && v->end - 1 != x->fin_seq);
}

void tcphs_retract_held_fin(const struct tcphs_move *m)
{
    struct tcphs_end *x = m->x, *y = m->y;
    const uint32_t behind = x->fin_seq + 1;
    bool holds_more = false;
    for (int i = 0; i < TCPHS_HELD; i++) {
        uint32_t *held = y->held[i];
        if (held[0] != held[1] && held[1] == behind)
            held[1] = x->fin_seq;
        holds_more = holds_more || held[0] != held[1];
    }
    if (x->snd_nxt == behind)
        x->snd_nxt = holds_more ? x->fin_seq : y->rcv_nxt;
    take_fin_back(x, y);
    settle_fins(m);
}
