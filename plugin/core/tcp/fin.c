/* fin.c
 * FIN and its acknowledgment: orderly close, simultaneous close, and the FIN that was not captured.
 * RST is in rst.c.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tcp/fin.h"

#include "tcp/evidence.h"

static void emit_close_step(const struct tcphs_processing *p, unsigned step)
{
    p->o->close_steps |= (uint8_t)(1u << (step - 1));
}

static bool closed_first(const struct tcphs_processing *p, const struct tcphs_end *e)
{
    return p->c->first_closer == (e == &p->c->end[0] ? 0 : 1);
}

void tcphs_send_fin(const struct tcphs_processing *p, struct tcphs_end *e, enum tcphs_machine_event event,
                    uint32_t fin_seq)
{
    e->fin_seq = fin_seq;
    e->known |= TCPHS_FIN_SENT;
    if (p->c->first_closer == TCPHS_NO_END)
        p->c->first_closer = e == &p->c->end[0] ? 0 : 1;
    tcphs_transition(e, event);
}

void tcphs_process_fin(const struct tcphs_processing *p)
{
    struct tcphs_end *x = p->x, *y = p->y;
    const uint32_t fin_seq = p->a->end - 1;
    if (tcphs_knows(x, TCPHS_FIN_SENT)) {
        if (fin_seq != x->fin_seq)
            return;
        x->known &= ~(uint32_t)TCPHS_FIN_ASSUMED;
        if (p->a->ack_position == TCPHS_ACK_IN || p->a->ack_position == TCPHS_ACK_OLD)
            x->beliefs &= ~(uint32_t)TCPHS_FIN_BEHIND_GAP; /* this one leaves no doubt */
        x->known |= TCPHS_FIN_REPEATED;
        x->snd_nxt = tcphs_seq_max(x->snd_nxt, fin_seq + 1);
    } else {
        const bool crossing = tcphs_knows(y, TCPHS_FIN_SENT) && !tcphs_seq_after(p->s->ack, y->fin_seq);
        if (crossing)
            p->c->facts |= TCPHS_CROSSED_FINS;
        tcphs_send_fin(p, x, crossing ? TCPHS_SENDS_FIN_CROSSING : TCPHS_SENDS_FIN, fin_seq);
        tcphs_link_first(p, TCPHS_LINK_FIN);
    }
    emit_close_step(p, closed_first(p, x) ? 1 : 3);
}

/* A pure ACK of a FIN keeps its number when it comes again: in answer to a repeated FIN, or after the close. */
void tcphs_emit_repeated_close_ack(const struct tcphs_processing *p)
{
    struct tcphs_end *y = p->y;
    if (!tcphs_knows(y, TCPHS_FIN_ACKED) || !tcphs_is_pure_ack(p->s) || p->s->ack != y->fin_seq + 1)
        return;
    if (tcphs_knows(y, TCPHS_FIN_REPEATED) || tcphs_connection_stage(p->c) == TCPHS_STAGE_CLOSED)
        emit_close_step(p, closed_first(p, y) ? 2 : 4);
    y->known &= ~(uint32_t)TCPHS_FIN_REPEATED;
}

/* x acknowledges y's FIN, which it has therefore heard. */
void tcphs_acknowledge_fin(const struct tcphs_processing *p)
{
    struct tcphs_end *x = p->x, *y = p->y;
    if (!tcphs_knows(y, TCPHS_FIN_SENT) || !tcphs_seq_after(p->s->ack, y->fin_seq))
        return;
    const bool first = !tcphs_knows(y, TCPHS_FIN_ACKED);
    tcphs_emit_repeated_close_ack(p);
    if (first) {
        y->known |= TCPHS_FIN_ACKED | TCPHS_FIN_HEARD;
        tcphs_transition(x, TCPHS_SENDS_ACK_OF_FIN);
        tcphs_transition(y, TCPHS_HEARS_ACK_OF_FIN);
    }
    if (first)
        emit_close_step(p, closed_first(p, y) ? 2 : 4);
}

/* y's FIN was not captured, but x acknowledges it while closing itself. */
void tcphs_assume_fin(const struct tcphs_processing *p)
{
    struct tcphs_end *y = p->y;
    tcphs_assume(p->c);
    tcphs_remember_unseen_ack(p, true);
    if (tcphs_has_any(p->s, TCPHS_FIN) && !tcphs_knows(p->x, TCPHS_FIN_SENT))
        p->x->known |= TCPHS_UNSEEN_ACK_BROUGHT_FIN;
    tcphs_send_fin(p, y, TCPHS_SENDS_FIN, y->snd_nxt);
    y->known |= TCPHS_FIN_ASSUMED | TCPHS_FIN_HEARD;
    tcphs_transition(p->x, TCPHS_HEARS_FIN);
}

/* x aborts behind a FIN that nobody saw, at the number that only y's acknowledgment of it can have named. */
bool tcphs_resets_behind_unseen_fin(const struct tcphs_arrival *a)
{
    const struct tcphs_end *x = a->x, *y = a->y;
    return a->kind == TCPHS_KIND_RST && !tcphs_has_any(a->s, TCPHS_ACK) && tcphs_knows(x, TCPHS_KNOWS_SENT) &&
           tcphs_knows(y, TCPHS_FIN_SENT | TCPHS_KNOWS_HEARD) && !tcphs_knows(x, TCPHS_FIN_SENT) &&
           tcphs_is_synchronised(x->state) && tcphs_is_synchronised(y->state) && a->s->seq == x->snd_nxt + 1 &&
           a->s->seq == y->rcv_nxt + 1;
}

void tcphs_assume_own_fin(const struct tcphs_processing *p)
{
    struct tcphs_end *x = p->x, *y = p->y;
    p->c->facts |= TCPHS_GAPS;
    tcphs_assume(p->c);
    if (!tcphs_knows(y, TCPHS_FIN_ACKED)) { /* a closed end has heard it */
        y->known |= TCPHS_FIN_ACKED | TCPHS_FIN_HEARD;
        tcphs_transition(x, TCPHS_SENDS_ACK_OF_FIN);
        tcphs_transition(y, TCPHS_HEARS_ACK_OF_FIN);
    }
    tcphs_send_fin(p, x, TCPHS_SENDS_FIN, x->snd_nxt);
    x->known |= TCPHS_FIN_ASSUMED | TCPHS_FIN_HEARD | TCPHS_FIN_ACKED;
    tcphs_expect_challenge(p, 0); /* should the other end not agree */
    x->known |= TCPHS_CHALLENGE_OF_RST;
    y->rcv_nxt = y->rcv_ack = x->fin_seq + 1;
    tcphs_transition(y, TCPHS_HEARS_FIN);
    tcphs_transition(x, TCPHS_HEARS_ACK_OF_FIN);
}

/* x stands before its assumed FIN, or sends beyond it: there was none. */
bool tcphs_contradicts_assumed_fin(const struct tcphs_arrival *a)
{
    const struct tcphs_end *x = a->x;
    if (!tcphs_knows(x, TCPHS_FIN_ASSUMED) || a->kind != TCPHS_KIND_ACK)
        return false;
    if (a->s->seq == x->fin_seq && !tcphs_has_any(a->s, TCPHS_FIN))
        return true;
    return a->end != a->s->seq && tcphs_seq_after(a->end, x->fin_seq + 1);
}

/* e has not closed after all; its peer has heard nothing of it. */
static void take_fin_back(const struct tcphs_connection *c, struct tcphs_end *e, struct tcphs_end *peer)
{
    tcphs_correct_state(c, e, TCPHS_SENT_NO_FIN);
    tcphs_correct_state(c, peer, TCPHS_HEARD_NO_FIN);
    e->known &= ~(uint32_t)(TCPHS_FIN_SENT | TCPHS_FIN_ASSUMED | TCPHS_FIN_HEARD | TCPHS_FIN_ACKED);
    if (peer->rcv_nxt == e->fin_seq + 1)
        peer->rcv_nxt = peer->rcv_ack = e->fin_seq;
}

/* A FIN has been taken back: the first closer is the end whose FIN is left, and without any FIN the RST alone, if there
 * is one, has ended the connection. */
static void settle_fins(const struct tcphs_processing *p)
{
    struct tcphs_connection *c = p->c;
    struct tcphs_end *x = p->x, *y = p->y;
    const bool is_reset = (c->facts & TCPHS_IS_RESET) != 0;
    c->facts &= ~(uint32_t)TCPHS_CROSSED_FINS;
    if (!is_reset)
        c->end_frame = 0;
    if (tcphs_knows(x, TCPHS_FIN_SENT)) {
        c->first_closer = p->s->from;
    } else if (tcphs_knows(y, TCPHS_FIN_SENT)) {
        c->first_closer = !p->s->from;
    } else {
        c->first_closer = is_reset ? c->rst_from : TCPHS_NO_END;
        c->facts &= ~(uint32_t)TCPHS_FIN_BEFORE_RST;
    }
}

void tcphs_retract_assumed_fin(const struct tcphs_processing *p)
{
    struct tcphs_end *x = p->x, *y = p->y;
    const bool refuted = p->s->seq == x->fin_seq && !tcphs_seq_after(p->s->ack, y->fin_seq);
    take_fin_back(p->c, x, y);
    if (refuted && tcphs_knows(y, TCPHS_UNSEEN_ACK_BROUGHT_FIN)) { /* refused like the acknowledgment it came with */
        take_fin_back(p->c, y, x);
        if (y->snd_nxt == y->fin_seq + 1)
            y->snd_nxt = y->fin_seq;
        y->known &= ~(uint32_t)TCPHS_UNSEEN_ACK_BROUGHT_FIN;
    }
    settle_fins(p);
}

bool tcphs_never_heard_assumed_fin(const struct tcphs_arrival *a)
{
    const struct tcphs_end *y = a->y;
    return a->kind == TCPHS_KIND_ACK && tcphs_knows(y, TCPHS_FIN_ASSUMED | TCPHS_CHALLENGE_OF_RST) &&
           a->s->ack == y->fin_seq;
}

void tcphs_retract_own_fin(const struct tcphs_processing *p)
{
    struct tcphs_end *x = p->x, *y = p->y;
    take_fin_back(p->c, y, x);
    if (!tcphs_seq_after(x->snd_una, x->fin_seq)) {
        x->known &= ~(uint32_t)TCPHS_FIN_ACKED;
        tcphs_correct_state(p->c, x, TCPHS_MISSED_ACK_OF_FIN);
    }
    settle_fins(p);
}

void tcphs_refute_unseen_ack(const struct tcphs_processing *p)
{
    struct tcphs_end *x = p->x, *y = p->y;
    if (y->unseen_ack_frame != 0 && tcphs_knows(y, TCPHS_UNSEEN_ACK_OPEN) &&
        tcphs_seq_after(x->rcv_nxt, y->unseen_ack_left) && !tcphs_seq_before(y->unseen_ack_left, x->rcv_ack))
        x->rcv_nxt = y->unseen_ack_left;
    if ((y->beliefs & TCPHS_FIN_BEHIND_GAP) && !tcphs_knows(y, TCPHS_FIN_ACKED)) {
        take_fin_back(p->c, y, x);
        tcphs_change_link(p->c, TCPHS_LINK_FIN, 0);
        settle_fins(p);
    }
    y->beliefs &= ~(uint32_t)TCPHS_FIN_BEHIND_GAP;
    y->unseen_ack_frame = 0;
    y->known &= ~(uint32_t)TCPHS_UNSEEN_ACK_HAS_FIN;
}

bool tcphs_overtakes_held_fin(const struct tcphs_arrival *a)
{
    const struct tcphs_end *x = a->x;
    const bool held = (x->known & (TCPHS_FIN_SENT | TCPHS_FIN_HEARD | TCPHS_FIN_ASSUMED)) == TCPHS_FIN_SENT;
    if (!held || a->kind != TCPHS_KIND_ACK || a->accepted != TCPHS_ACCEPT_YES ||
        tcphs_seq_after(a->s->seq, a->y->rcv_nxt))
        return false;
    return tcphs_seq_after(a->s->seq + a->s->length, x->fin_seq) ||
           (tcphs_has_any(a->s, TCPHS_FIN) && a->end - 1 != x->fin_seq);
}

void tcphs_retract_held_fin(const struct tcphs_processing *p)
{
    struct tcphs_end *x = p->x, *y = p->y;
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
    take_fin_back(p->c, x, y);
    settle_fins(p);
}
