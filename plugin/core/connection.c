/* connection.c
 * Moves one connection by one segment: judge it (view.c), name what is wrong (checks.c), then let both ends' machines
 * (machine.c) and numbers follow. The observer's creed: what was captured and is acceptable counts as heard at once,
 * until a later segment contradicts it; what its receiver would drop moves nothing.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "connection.h"

#include <string.h>

#include "checks.h"
#include "machine.h"
#include "seq.h"
#include "view.h"

/* A new SYN on the ports of a connection in TIME-WAIT is beyond doubt after this (60 s is the shortest in use). */
#define TIME_WAIT_OVER (60 * TCPHS_SECOND)
/* An unanswered SYN is given up by every client after this long a silence; 2 MSL of RFC 9293 4.2. */
#define ATTEMPT_OVER (240 * TCPHS_SECOND)

/* What a move needs: the connection, the segment, how it was judged, and what is told of it. */
struct move {
    struct tcphs_connection *c;
    const struct tcphs_segment *s;
    const struct tcphs_view *v;
    struct tcphs_outcome *o;
    struct tcphs_end *x, *y;
};

void tcphs_connection_init(struct tcphs_connection *c, const struct tcphs_connection *previous)
{
    memset(c, 0, sizeof *c);
    c->end[0].state = c->end[1].state = TCPHS_UNKNOWN;
    c->client = c->first_closer = TCPHS_NO_CLIENT;
    c->round_trip = -1;
    if (previous)
        c->facts = TCPHS_IS_SUCCESSOR;
}

enum tcphs_stage tcphs_connection_stage(const struct tcphs_connection *c)
{
    const struct tcphs_end *a = &c->end[0], *b = &c->end[1];
    const uint32_t both = a->known & b->known, either = a->known | b->known;
    if (c->facts & TCPHS_IS_RESET)
        return TCPHS_STAGE_RESET;
    if ((both & TCPHS_FIN_SENT) && (both & TCPHS_FIN_ACKED))
        return TCPHS_STAGE_CLOSED;
    if (either & TCPHS_FIN_SENT)
        return TCPHS_STAGE_CLOSING;
    if (c->facts & TCPHS_MIDSTREAM_START)
        return TCPHS_STAGE_MIDSTREAM;
    if (tcphs_is_synchronised(a->state) && tcphs_is_synchronised(b->state))
        return TCPHS_STAGE_ESTABLISHED;
    if ((either & TCPHS_SENT_SYN_ACK) || a->state == TCPHS_SYN_RECEIVED || b->state == TCPHS_SYN_RECEIVED)
        return TCPHS_STAGE_SYN_RECEIVED;
    return (either & TCPHS_SENT_SYN) ? TCPHS_STAGE_SYN_SENT : TCPHS_STAGE_NONE;
}

/* Which connection? ------------------------------------------------------------------------------------------- */

static bool is_accepted_by_time_wait(const struct tcphs_view *v)
{
    /* A higher number, or newer timestamps, which we do not follow (RFC 6191): with the option, give it the benefit. */
    return tcphs_seq_after(v->s->seq, v->y->rcv_nxt) || (v->s->options & TCPHS_OPT_TIMESTAMP) ||
           v->s->time - v->c->last_time > TIME_WAIT_OVER;
}

/* An end has closed, acknowledging bytes that were not captured: the capture misses a part, perhaps the rest of the close. */
static bool has_unseen_fin(const struct tcphs_view *v)
{
    return ((v->x->known | v->y->known) & TCPHS_CLAIM_HAS_FIN) != 0;
}

static bool syn_is_next(const struct tcphs_view *v)
{
    const struct tcphs_connection *c = v->c;
    switch (tcphs_connection_stage(c)) {
    case TCPHS_STAGE_RESET:
        return !tcphs_repeats_syn(v);
    case TCPHS_STAGE_CLOSED:
    case TCPHS_STAGE_CLOSING: /* with both FINs sent, only the last ACK is missing, perhaps from the capture alone */
        if (tcphs_repeats_syn(v) || !(v->x->known & v->y->known & TCPHS_FIN_SENT))
            return false;
        return v->y->state != TCPHS_TIME_WAIT || is_accepted_by_time_wait(v);
    case TCPHS_STAGE_SYN_SENT:
        return tcphs_knows(v->x, TCPHS_SENT_SYN) && !tcphs_repeats_syn(v) && v->s->time - c->last_time > ATTEMPT_OVER;
    case TCPHS_STAGE_NONE:
    case TCPHS_STAGE_SYN_RECEIVED:
    case TCPHS_STAGE_ESTABLISHED:
    case TCPHS_STAGE_MIDSTREAM:
        return !tcphs_repeats_syn(v) && has_unseen_fin(v);
    }
    return false;
}

static bool is_ended(const struct tcphs_connection *c)
{
    const enum tcphs_stage stage = tcphs_connection_stage(c);
    return stage == TCPHS_STAGE_RESET || stage == TCPHS_STAGE_CLOSED;
}

/* It has begun to close, or has said nothing for so long that its end may not have been captured. */
static bool may_have_ended(const struct tcphs_view *v)
{
    return is_ended(v->c) || tcphs_connection_stage(v->c) == TCPHS_STAGE_CLOSING || has_unseen_fin(v) ||
           v->s->time - v->c->last_time > TIME_WAIT_OVER;
}

static bool syn_ack_is_next(const struct tcphs_view *v)
{
    const struct tcphs_end *y = v->y;
    const bool answers_held = tcphs_knows(y, TCPHS_SENT_SYN) && v->s->ack == y->iss + 1;
    if (answers_held)
        return false;
    if (tcphs_refuses_other_syn(v)) /* here: takes it up, by the same numbers */
        return true;
    if (tcphs_is_foreign_syn_ack(v) && may_have_ended(v))
        return true;
    return is_ended(v->c) && !(tcphs_knows(v->x, TCPHS_KNOWS_ISS) && v->s->seq == v->x->iss);
}

static bool answers_other_syn_ack(const struct tcphs_view *v)
{
    const struct tcphs_end *y = v->y;
    return y->other_frame != 0 && tcphs_knows(y, TCPHS_OTHER_IS_SYN_ACK) && v->s->seq == y->other_end &&
           v->s->ack == y->other_iss + 1;
}

/* x goes on with its own other SYN or SYN-ACK; whatever answered it was not captured, and nobody has refused it. */
static bool follows_own_other(const struct tcphs_view *v)
{
    return v->x->other_frame != 0 && v->s->seq == v->x->other_iss + 1 && v->x->other_iss + 1 != v->x->snd_nxt;
}

/* Well beyond its own FIN, acknowledging what y never sent: nothing of this connection. */
static bool is_past_fin(const struct tcphs_view *v)
{
    const struct tcphs_end *x = v->x;
    return tcphs_knows(x, TCPHS_FIN_SENT) && tcphs_seq_after(v->s->seq, x->fin_seq + 1) &&
           tcphs_knows(v->y, TCPHS_KNOWS_SENT) && tcphs_seq_after(v->s->ack, v->y->snd_nxt);
}

bool tcphs_connection_is_next(const struct tcphs_connection *c, const struct tcphs_segment *s)
{
    if (!(c->facts & TCPHS_FIRST_PASSED))
        return false;
    struct tcphs_view v;
    tcphs_view_init(&v, c, s);
    switch ((enum tcphs_kind)v.kind) {
    case TCPHS_KIND_SYN:
        return syn_is_next(&v);
    case TCPHS_KIND_SYN_ACK:
        return syn_ack_is_next(&v);
    case TCPHS_KIND_ORDINARY:
        return answers_other_syn_ack(&v) || follows_own_other(&v) ||
               (may_have_ended(&v) && (tcphs_is_foreign(&v) || is_past_fin(&v)));
    case TCPHS_KIND_RST:
    case TCPHS_KIND_BARE:
        break;
    }
    return false;
}

/* Numbers ----------------------------------------------------------------------------------------------------- */

static void act(struct tcphs_end *e, enum tcphs_step_event event)
{
    e->state = (uint8_t)tcphs_machine(e->state, event);
}

static void assume(struct tcphs_connection *c)
{
    c->facts |= TCPHS_ASSUMED;
}

static void learn_sent(struct tcphs_end *e, uint32_t una, uint32_t nxt)
{
    e->snd_una = una;
    e->snd_nxt = nxt;
    e->known |= TCPHS_KNOWS_SENT;
}

static void learn_heard(struct tcphs_end *e, uint32_t next)
{
    e->rcv_nxt = e->rcv_ack = next;
    e->known |= TCPHS_KNOWS_HEARD;
    e->rcv_edge = next + e->max_window;
}

static void learn_window(const struct move *m)
{
    struct tcphs_end *x = m->x;
    const uint32_t window = tcphs_granted_window(m->c, m->s);
    if (!tcphs_knows(x, TCPHS_KNOWS_WINDOW) || window > x->max_window)
        x->max_window = window;
    if (tcphs_knows(x, TCPHS_KNOWS_HEARD)) {
        const uint32_t from = tcphs_has_any(m->s, TCPHS_ACK) ? m->s->ack : x->rcv_nxt;
        const uint32_t edge = from + window;
        x->rcv_edge = tcphs_knows(x, TCPHS_KNOWS_WINDOW) ? tcphs_seq_max(x->rcv_edge, edge) : edge;
    }
    x->known |= TCPHS_KNOWS_WINDOW;
}

static void learn_syn_options(const struct move *m)
{
    const struct tcphs_segment *s = m->s;
    if (s->options & TCPHS_OPTIONS_CUT)
        return;
    m->x->known |= TCPHS_SAW_SYN_OPTIONS;
    if (s->options & TCPHS_OPT_WSCALE) {
        m->x->known |= TCPHS_OFFERED_SCALE;
        m->x->wscale = s->wscale > 14 ? 14 : s->wscale; /* RFC 7323 2.3 */
    }
    if (s->options & TCPHS_OPT_FASTOPEN)
        m->x->known |= TCPHS_ASKED_FASTOPEN;
}

/* Takes in what has become adjacent to RCV.NXT and drops what lies below it. */
static void join_held(struct tcphs_end *e)
{
    for (int pass = 0; pass < TCPHS_HELD; pass++)
        for (int i = 0; i < TCPHS_HELD; i++) {
            uint32_t *held = e->held[i];
            if (held[0] == held[1] || tcphs_seq_after(held[0], e->rcv_nxt))
                continue;
            e->rcv_nxt = tcphs_seq_max(e->rcv_nxt, held[1]);
            held[0] = held[1] = 0;
        }
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
static void deliver(const struct move *m, uint32_t left, uint32_t right)
{
    struct tcphs_end *x = m->x, *y = m->y;
    if (!tcphs_knows(y, TCPHS_KNOWS_HEARD))
        learn_heard(y, left);
    if (tcphs_seq_after(right, y->rcv_nxt)) {
        if (tcphs_seq_after(left, y->rcv_nxt))
            hold(y, left, right);
        else
            y->rcv_nxt = right;
        join_held(y);
    }
    if (tcphs_knows(x, TCPHS_FIN_SENT) && !tcphs_knows(x, TCPHS_FIN_HEARD) && tcphs_seq_after(y->rcv_nxt, x->fin_seq)) {
        x->known |= TCPHS_FIN_HEARD;
        act(y, TCPHS_HEARS_FIN);
    }
}

/* Opening ------------------------------------------------------------------------------------------------------ */

static void tell_counts(const struct move *m)
{
    m->o->syn_count = m->c->syn_count;
    m->o->synack_count = m->c->synack_count;
}

static void tell_due(const struct move *m, uint32_t due)
{
    m->o->has_due = true;
    m->o->due = due;
    m->o->seen = m->s->ack;
}

/* x acknowledges what its peer was not seen to send; "open" when bytes that were not captured would explain it. */
static void claim(const struct move *m, bool open)
{
    struct tcphs_end *x = m->x;
    x->claim_ack = m->s->ack;
    x->claim_frame = m->s->frame;
    x->known &= ~(uint32_t)(TCPHS_CLAIM_IS_OPEN | TCPHS_CLAIM_HAS_FIN | TCPHS_CLAIM_TAKEN_BACK);
    x->known |= open ? TCPHS_CLAIM_IS_OPEN : 0;
}

static void link_first(const struct move *m, enum tcphs_link link)
{
    if (m->c->links[link] == 0)
        m->c->links[link] = m->s->frame;
}

static void tell_syn(const struct move *m)
{
    struct tcphs_connection *c = m->c;
    if (c->syn_count < UINT16_MAX)
        c->syn_count++;
    c->last_syn_time = m->s->time;
    link_first(m, TCPHS_LINK_SYN);
    m->o->step = 1;
    tell_counts(m);
}

static void open_by_syn(const struct move *m)
{
    struct tcphs_connection *c = m->c;
    struct tcphs_end *x = m->x;
    if (c->client == TCPHS_NO_CLIENT)
        c->client = m->s->from;
    if (c->syn_count == 0)
        c->first_syn_time = m->s->time;
    if (m->y->state == TCPHS_SYN_SENT)
        c->facts |= TCPHS_SIMULTANEOUS;
    learn_syn_options(m);
    x->iss = m->s->seq;
    x->known |= TCPHS_KNOWS_ISS | TCPHS_SENT_SYN;
    learn_sent(x, m->s->seq, m->s->seq + 1 + m->s->length);
    learn_window(m);
    learn_heard(m->y, m->s->seq + 1);
    act(x, TCPHS_SENDS_SYN);
    act(m->y, TCPHS_HEARS_SYN);
    tell_syn(m);
}

/* The client of a refused attempt tries again with the same number: the same connection, from the start. */
static void reopen(const struct move *m)
{
    struct tcphs_connection *c = m->c;
    c->facts &= (uint16_t)~(TCPHS_IS_RESET | TCPHS_BAD_SYN_ACK | TCPHS_BAD_FINAL_ACK | TCPHS_CHALLENGED);
    c->first_closer = TCPHS_NO_CLIENT;
    c->end_frame = 0;
    memset(m->y, 0, sizeof *m->y);
    m->x->state = m->y->state = TCPHS_UNKNOWN;
    open_by_syn(m);
}

/* A SYN or SYN-ACK of other numbers: what follows tells whether it is refused or begins a new connection. */
static void keep_other(const struct move *m, uint32_t end)
{
    m->c->other_time = m->s->time;
    m->x->other_iss = m->s->seq;
    m->x->other_end = end;
    m->x->other_frame = m->x->provoked_frame = m->s->frame;
}

/* The capture has the SYN behind the SYN-ACK that answered it. */
static void take_late_syn(const struct move *m)
{
    learn_syn_options(m);
    m->x->known |= TCPHS_SENT_SYN;
    if (m->c->syn_count == 0)
        m->c->first_syn_time = m->s->time;
    tell_syn(m);
}

static void move_by_syn(const struct move *m)
{
    const enum tcphs_stage stage = tcphs_connection_stage(m->c);
    const bool never_open = !(m->c->facts & (TCPHS_WAS_ESTABLISHED | TCPHS_MIDSTREAM_START));
    if (tcphs_knows(m->x, TCPHS_SENT_SYN) && tcphs_repeats_syn(m->v)) {
        if (stage == TCPHS_STAGE_RESET && never_open)
            reopen(m);
        else if (stage != TCPHS_STAGE_RESET && stage != TCPHS_STAGE_CLOSED) {
            m->x->snd_nxt = tcphs_seq_max(m->x->snd_nxt, m->s->seq + 1 + m->s->length);
            act(m->x, TCPHS_SENDS_SYN);
            act(m->y, TCPHS_HEARS_SYN);
            tell_syn(m);
        }
        return;
    }
    if (tcphs_repeats_syn(m->v) && !tcphs_knows(m->x, TCPHS_SENT_SYN)) {
        take_late_syn(m);
        return;
    }
    const bool opens = stage == TCPHS_STAGE_NONE || (stage == TCPHS_STAGE_SYN_SENT && m->y->state == TCPHS_SYN_SENT);
    if (opens && never_open && !tcphs_knows(m->x, TCPHS_SENT_SYN)) {
        open_by_syn(m);
        return;
    }
    keep_other(m, m->v->end);
    m->x->known &= ~(uint32_t)TCPHS_OTHER_IS_SYN_ACK;
}

/* The end whose other SYN or SYN-ACK the segment takes up: its sender's, its receiver's, or TCPHS_NO_CLIENT for none. */
static unsigned begun_by(const struct tcphs_view *v)
{
    if (v->kind == TCPHS_KIND_SYN_ACK && tcphs_refuses_other_syn(v))
        return !v->s->from;
    if (v->kind != TCPHS_KIND_ORDINARY)
        return TCPHS_NO_CLIENT;
    if (answers_other_syn_ack(v))
        return !v->s->from;
    return follows_own_other(v) ? v->s->from : TCPHS_NO_CLIENT;
}

void tcphs_connection_inherit(struct tcphs_connection *c, const struct tcphs_connection *previous,
                              const struct tcphs_segment *s)
{
    struct tcphs_view v;
    tcphs_view_init(&v, previous, s);
    const unsigned from = begun_by(&v);
    if (from == TCPHS_NO_CLIENT)
        return;
    const struct tcphs_end *e = &previous->end[from];
    const bool is_syn_ack = tcphs_knows(e, TCPHS_OTHER_IS_SYN_ACK);
    const struct tcphs_segment begun = {
        .time = previous->other_time,
        .frame = e->other_frame,
        .seq = e->other_iss,
        .ack = is_syn_ack ? e->other_end : 0,
        .length = is_syn_ack ? 0 : e->other_end - e->other_iss - 1,
        .flags = is_syn_ack ? TCPHS_SYN | TCPHS_ACK : TCPHS_SYN,
        .window = UINT16_MAX,
        .source_port = from == s->from ? s->source_port : s->destination_port,
        .destination_port = from == s->from ? s->destination_port : s->source_port,
        .options = TCPHS_OPTIONS_CUT,
        .from = (uint8_t)from,
    };
    struct tcphs_outcome untold;
    tcphs_connection_segment(c, &begun, &untold);
    c->facts &= (uint16_t)~TCPHS_FIRST_PASSED; /* the first segment of its own is still to come */
}

static void tell_syn_ack(const struct move *m)
{
    struct tcphs_connection *c = m->c;
    if (c->synack_count < UINT16_MAX)
        c->synack_count++;
    c->last_synack_time = m->s->time;
    link_first(m, TCPHS_LINK_SYNACK);
    tell_counts(m);
    if (c->syn_count == 0)
        return; /* nothing to hold it against: no step 2 that anyone could check */
    m->o->step = 2;
    tell_due(m, m->s->ack);
    if (m->s->time >= c->last_syn_time)
        m->o->time_synack = m->s->time - c->last_syn_time;
}

static void accept_syn_ack(const struct move *m)
{
    struct tcphs_connection *c = m->c;
    struct tcphs_end *x = m->x, *y = m->y;
    const struct tcphs_segment *s = m->s;
    learn_syn_options(m);
    if (c->client == TCPHS_NO_CLIENT)
        c->client = !s->from;
    if (!tcphs_knows(y, TCPHS_KNOWS_SENT)) { /* its SYN was not captured */
        y->iss = s->ack - 1;
        y->known |= TCPHS_KNOWS_ISS;
        learn_sent(y, s->ack, s->ack);
        assume(c);
    }
    x->iss = s->seq;
    x->known |= TCPHS_KNOWS_ISS | TCPHS_SENT_SYN_ACK;
    learn_sent(x, s->seq, s->seq + 1 + s->length);
    y->snd_una = tcphs_seq_max(y->snd_una, s->ack);
    learn_heard(x, s->ack);
    learn_window(m);
    learn_heard(y, s->seq + 1);
    if (s->ack != y->iss + 1)
        y->known |= TCPHS_DATA_ACKED;
    x->claim_frame = 0;
    c->facts &= (uint16_t)~TCPHS_BAD_SYN_ACK;
    act(x, TCPHS_SENDS_SYN_ACK);
    act(y, TCPHS_HEARS_SYN_ACK);
    tell_syn_ack(m);
}

/* The same SYN-ACK again: the server has not heard the final ACK, whatever we believed. */
static void repeat_syn_ack(const struct move *m)
{
    struct tcphs_end *x = m->x;
    m->c->facts |= TCPHS_REPEATED_SYN_ACK;
    const bool silent_since = x->snd_nxt == x->iss + 1 + m->s->length && x->rcv_ack == x->rcv_nxt;
    if (x->state == TCPHS_ESTABLISHED && silent_since && !tcphs_knows(m->y, TCPHS_DATA_ACKED))
        x->state = TCPHS_SYN_RECEIVED;
    tell_syn_ack(m);
}

static void move_by_syn_ack(const struct move *m)
{
    const struct tcphs_end *x = m->x, *y = m->y;
    const bool same = tcphs_knows(x, TCPHS_SENT_SYN_ACK) && m->s->seq == x->iss &&
                      tcphs_seq_within(m->s->ack, y->iss + 1, y->snd_nxt);
    if (m->v->accepted == TCPHS_ACCEPT_YES || tcphs_connection_stage(m->c) == TCPHS_STAGE_NONE) {
        accept_syn_ack(m);
    } else if (same && (y->state >= TCPHS_SYN_RECEIVED)) {
        repeat_syn_ack(m);
    } else if (y->state == TCPHS_SYN_SENT) {
        m->c->facts |= TCPHS_BAD_SYN_ACK;
        claim(m, false);
        tell_due(m, tcphs_due_ack(m->v));
    } else if (tcphs_is_foreign_syn_ack(m->v)) {
        keep_other(m, m->s->ack);
        m->x->known |= TCPHS_OTHER_IS_SYN_ACK;
    } else {
        m->x->provoked_frame = m->s->frame;
    }
}

/* Closing ------------------------------------------------------------------------------------------------------ */

static void tell_close_step(const struct move *m, unsigned step)
{
    m->o->close_steps |= (uint8_t)(1u << (step - 1));
}

static bool closed_first(const struct move *m, const struct tcphs_end *e)
{
    return m->c->first_closer == (e == &m->c->end[0] ? 0 : 1);
}

static void send_fin(const struct move *m, struct tcphs_end *e, enum tcphs_step_event event, uint32_t fin_seq)
{
    e->fin_seq = fin_seq;
    e->known |= TCPHS_FIN_SENT;
    if (m->c->first_closer == TCPHS_NO_CLIENT)
        m->c->first_closer = e == &m->c->end[0] ? 0 : 1;
    act(e, event);
}

static void move_by_fin(const struct move *m)
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
        send_fin(m, x, crossing ? TCPHS_SENDS_FIN_CROSSING : TCPHS_SENDS_FIN, place);
        link_first(m, TCPHS_LINK_FIN);
    }
    tell_close_step(m, closed_first(m, x) ? 1 : 3);
}

/* A pure ACK of a FIN keeps its number when it comes again: in answer to a repeated FIN, or after the close. */
static void tell_repeated_close_ack(const struct move *m)
{
    struct tcphs_end *y = m->y;
    if (!tcphs_knows(y, TCPHS_FIN_ACKED) || !tcphs_is_pure_ack(m->s) || m->s->ack != y->fin_seq + 1)
        return;
    if (tcphs_knows(y, TCPHS_FIN_REPEATED) || tcphs_connection_stage(m->c) == TCPHS_STAGE_CLOSED)
        tell_close_step(m, closed_first(m, y) ? 2 : 4);
    y->known &= ~(uint32_t)TCPHS_FIN_REPEATED;
}

/* x acknowledges y's FIN, which it has therefore heard. */
static void acknowledge_fin(const struct move *m)
{
    struct tcphs_end *x = m->x, *y = m->y;
    if (!tcphs_knows(y, TCPHS_FIN_SENT) || !tcphs_seq_after(m->s->ack, y->fin_seq))
        return;
    const bool first = !tcphs_knows(y, TCPHS_FIN_ACKED);
    tell_repeated_close_ack(m);
    if (first) {
        y->known |= TCPHS_FIN_ACKED | TCPHS_FIN_HEARD;
        act(x, TCPHS_SENDS_ACK_OF_FIN);
        act(y, TCPHS_HEARS_ACK_OF_FIN);
    }
    if (first)
        tell_close_step(m, closed_first(m, y) ? 2 : 4);
}

/* y's FIN was not captured, but x acknowledges it while closing itself. */
static void assume_fin(const struct move *m)
{
    struct tcphs_end *y = m->y;
    assume(m->c);
    claim(m, true);
    send_fin(m, y, TCPHS_SENDS_FIN, y->snd_nxt);
    y->known |= TCPHS_FIN_ASSUMED | TCPHS_FIN_HEARD;
    act(m->x, TCPHS_HEARS_FIN);
}

static enum tcphs_state state_by_fins(const struct tcphs_end *e, const struct tcphs_end *peer)
{
    if (!tcphs_knows(e, TCPHS_FIN_SENT))
        return tcphs_knows(peer, TCPHS_FIN_HEARD) ? TCPHS_CLOSE_WAIT : TCPHS_ESTABLISHED;
    return tcphs_knows(e, TCPHS_FIN_ACKED) ? TCPHS_FIN_WAIT_2 : TCPHS_FIN_WAIT_1;
}

/* x stands before its assumed FIN, or sends beyond it: there was none. */
static bool contradicts_assumed_fin(const struct tcphs_view *v)
{
    const struct tcphs_end *x = v->x;
    if (!tcphs_knows(x, TCPHS_FIN_ASSUMED) || v->kind != TCPHS_KIND_ORDINARY)
        return false;
    if (v->s->seq == x->fin_seq && !tcphs_has_any(v->s, TCPHS_FIN))
        return true;
    return v->end != v->s->seq && tcphs_seq_after(v->end, x->fin_seq + 1);
}

static void retract_assumed_fin(const struct move *m)
{
    struct tcphs_end *x = m->x, *y = m->y;
    x->known &= ~(uint32_t)(TCPHS_FIN_SENT | TCPHS_FIN_ASSUMED | TCPHS_FIN_HEARD | TCPHS_FIN_ACKED);
    x->state = (uint8_t)state_by_fins(x, y);
    y->state = (uint8_t)state_by_fins(y, x);
    if (closed_first(m, x))
        m->c->first_closer = tcphs_knows(y, TCPHS_FIN_SENT) ? !m->s->from : TCPHS_NO_CLIENT;
}

/* Ordinary segments --------------------------------------------------------------------------------------------- */

static void guess_client(struct tcphs_connection *c, const struct tcphs_segment *s)
{
    if (c->client != TCPHS_NO_CLIENT || s->source_port == s->destination_port)
        return;
    c->client = s->source_port > s->destination_port ? s->from : !s->from; /* services sit on the lower port */
    c->assumed_client = 1;
}

static void pick_up_midstream(const struct move *m)
{
    m->c->facts |= TCPHS_MIDSTREAM_START;
    assume(m->c);
    guess_client(m->c, m->s);
}

/* Before the SYN-ACK the client sends no ACK: it has heard one that was not captured. */
static void infer_syn_ack(const struct move *m)
{
    m->c->facts |= TCPHS_GAPS;
    assume(m->c);
    act(m->x, TCPHS_SENDS_OTHER);
    act(m->y, TCPHS_HEARS_ACK_OF_SYN);
}

/* x goes on at or behind what y acknowledged and nobody saw. */
static bool confirms_gap(const struct tcphs_view *v)
{
    const struct tcphs_end *x = v->x, *y = v->y;
    return y->claim_frame != 0 && tcphs_knows(y, TCPHS_CLAIM_IS_OPEN) && v->kind == TCPHS_KIND_ORDINARY &&
           tcphs_seq_after(v->s->seq, x->snd_nxt) && !tcphs_seq_before(v->s->seq, y->claim_ack) &&
           (v->seq_place != TCPHS_SEQ_FAR || v->s->seq == y->claim_ack);
}

/* The bytes that the peer acknowledged and nobody saw were really sent: x goes on behind them. */
static void confirm_gap(const struct move *m)
{
    struct tcphs_end *x = m->x, *y = m->y;
    m->c->facts |= TCPHS_GAPS;
    assume(m->c);
    x->snd_una = tcphs_seq_max(x->snd_una, y->claim_ack);
    x->snd_nxt = tcphs_seq_max(x->snd_nxt, y->claim_ack);
    if (tcphs_seq_after(y->claim_ack, y->rcv_nxt))
        y->rcv_nxt = y->rcv_ack = y->claim_ack;
    y->rcv_edge = tcphs_seq_max(y->rcv_edge, y->claim_ack + y->max_window);
    join_held(y);
    if (x->state == TCPHS_SYN_RECEIVED) {
        m->c->facts &= (uint16_t)~TCPHS_BAD_FINAL_ACK;
        act(x, TCPHS_HEARS_ACK_OF_SYN);
    }
    if (tcphs_knows(y, TCPHS_CLAIM_HAS_FIN) && !tcphs_knows(y, TCPHS_FIN_SENT)) { /* so its FIN was good */
        send_fin(m, y, TCPHS_SENDS_FIN, y->snd_nxt - 1);
        y->known |= TCPHS_FIN_HEARD;
        act(x, TCPHS_HEARS_FIN);
    }
    y->known &= ~(uint32_t)TCPHS_CLAIM_HAS_FIN;
    y->claim_frame = 0;
}

static void mark_data_acked(struct tcphs_end *e)
{
    uint32_t bytes = e->snd_una - e->iss - 1;
    if (tcphs_knows(e, TCPHS_FIN_SENT) && tcphs_seq_after(e->snd_una, e->fin_seq))
        bytes--;
    if (!tcphs_knows(e, TCPHS_KNOWS_ISS) || bytes > 0)
        e->known |= TCPHS_DATA_ACKED;
}

/* What the acknowledgment tells of its sender x: what it has heard, and where its window ends. */
static void learn_acknowledgment(const struct move *m)
{
    struct tcphs_end *x = m->x;
    const uint32_t ack = m->s->ack;
    if (!tcphs_knows(x, TCPHS_KNOWS_HEARD)) {
        learn_heard(x, ack);
    } else if (tcphs_seq_after(ack, x->rcv_nxt)) {
        if (!tcphs_knows(x, TCPHS_HELD_OVERFLOW) && !(m->c->facts & TCPHS_GAPS)) {
            m->c->facts |= TCPHS_GAPS;
            assume(m->c);
        }
        x->rcv_nxt = ack;
        join_held(x);
    }
    x->rcv_ack = tcphs_seq_max(x->rcv_ack, ack);
    if (m->s->options & TCPHS_OPT_SACK) {
        x->sack_right = m->s->sack_right;
        x->known |= TCPHS_SENT_SACK;
    }
    learn_window(m);
}

/* An acknowledgment that y accepts. */
static void move_by_ack(const struct move *m)
{
    struct tcphs_end *y = m->y;
    const uint32_t ack = m->s->ack;
    if (tcphs_acks_unseen_fin(m->v))
        assume_fin(m);
    if (!tcphs_knows(y, TCPHS_KNOWS_SENT))
        learn_sent(y, ack, ack);
    else if (!tcphs_knows(y, TCPHS_FIN_ASSUMED)) /* beyond what was seen only where the capture is known to have gaps */
        y->snd_nxt = tcphs_seq_max(y->snd_nxt, ack);
    if (tcphs_seq_after(ack, y->snd_una)) {
        y->snd_una = ack;
        if (!tcphs_knows(y, TCPHS_DATA_ACKED))
            mark_data_acked(y);
    }
    learn_acknowledgment(m);
    if (y->state == TCPHS_SYN_RECEIVED)
        act(y, TCPHS_HEARS_ACK_OF_SYN);
    acknowledge_fin(m);
}

/* What can be learned of a segment that its receiver drops: what its sender claims, and what may be asked back. */
static void remember_refused(const struct move *m)
{
    struct tcphs_connection *c = m->c;
    struct tcphs_end *x = m->x, *y = m->y;
    const struct tcphs_view *v = m->v;
    const bool over = tcphs_connection_stage(c) == TCPHS_STAGE_RESET;
    const bool handshake = y->state == TCPHS_SYN_RECEIVED || y->state == TCPHS_SYN_SENT;
    const bool acks_syn = tcphs_seq_within(m->s->ack, y->iss + 1, y->snd_nxt);
    const bool bad_ack = v->ack_place == TCPHS_ACK_UNSEEN || v->ack_place == TCPHS_ACK_FAR ||
                         v->ack_place == TCPHS_ACK_TOO_OLD;
    const bool in_place = v->seq_place == TCPHS_SEQ_IN || v->seq_place == TCPHS_SEQ_EDGE;
    if (over) {
        if (in_place)
            x->snd_nxt = tcphs_seq_max(x->snd_nxt, v->end);
        return;
    }
    tell_repeated_close_ack(m);
    if (handshake && !acks_syn && v->seq_place != TCPHS_SEQ_OLD)
        c->facts |= y->state == TCPHS_SYN_SENT ? TCPHS_CHALLENGED : TCPHS_BAD_FINAL_ACK;
    if ((bad_ack || (handshake && !acks_syn)) && y->state != TCPHS_CLOSED) {
        tell_due(m, tcphs_due_ack(v));
        if (v->ack_place == TCPHS_ACK_UNSEEN || handshake)
            claim(m, v->ack_place == TCPHS_ACK_UNSEEN);
    }
    if (bad_ack || v->seq_place == TCPHS_SEQ_OVER || v->seq_place == TCPHS_SEQ_FAR)
        x->provoked_frame = m->s->frame;
    if (in_place && v->ack_place == TCPHS_ACK_UNSEEN) {
        x->snd_nxt = tcphs_seq_max(x->snd_nxt, v->end);
        if (tcphs_has_any(m->s, TCPHS_FIN) && x->snd_nxt == v->end)
            x->known |= TCPHS_CLAIM_HAS_FIN;
    }
    /* A duplicate still tells what its sender has heard, and a probe may be taken in (its ACK will say). */
    if ((v->ack_place == TCPHS_ACK_IN || v->ack_place == TCPHS_ACK_OLD) && tcphs_knows(y, TCPHS_KNOWS_SENT)) {
        learn_acknowledgment(m);
        if (v->seq_place == TCPHS_SEQ_EDGE)
            x->snd_nxt = tcphs_seq_max(x->snd_nxt, v->end);
        if (tcphs_has_any(m->s, TCPHS_FIN) && tcphs_knows(x, TCPHS_FIN_SENT))
            move_by_fin(m);
    }
}

static void accept_ordinary(const struct move *m)
{
    struct tcphs_connection *c = m->c;
    struct tcphs_end *x = m->x, *y = m->y;
    const struct tcphs_segment *s = m->s;
    if (m->v->seq_place == TCPHS_SEQ_AHEAD) {
        c->facts |= TCPHS_GAPS;
        assume(c);
    }
    if (x->state == TCPHS_SYN_SENT)
        infer_syn_ack(m);
    else if (x->state == TCPHS_UNKNOWN || x->state == TCPHS_LISTEN)
        act(x, TCPHS_SENDS_OTHER);
    if (!tcphs_knows(x, TCPHS_KNOWS_SENT))
        learn_sent(x, s->seq, s->seq);
    /* Data of a server before any final ACK: remembered, for only the client's next word tells whether one was lost. */
    if (x->state == TCPHS_SYN_RECEIVED && s->length > 0 && c->early_frame == 0 && !(c->facts & TCPHS_WAS_ESTABLISHED) &&
        !tcphs_knows(y, TCPHS_ASKED_FASTOPEN) && y->snd_nxt == y->iss + 1)
        c->early_frame = s->frame;
    move_by_ack(m);
    if (tcphs_seq_after(m->v->end, x->snd_nxt)) {
        if (x->claim_frame != 0 && m->v->ack_place == TCPHS_ACK_IN && tcphs_seq_before(s->ack, x->claim_ack))
            x->known |= TCPHS_CLAIM_TAKEN_BACK; /* what is sent later never acknowledges less */
        const bool unsure = m->v->end == s->seq;
        x->known = unsure ? x->known | TCPHS_SENT_UNSURE : x->known & ~(uint32_t)TCPHS_SENT_UNSURE;
        x->snd_nxt = m->v->end;
    }
    if (tcphs_has_any(s, TCPHS_FIN))
        move_by_fin(m);
    deliver(m, s->seq, m->v->end);
}

static void move_by_ordinary(const struct move *m)
{
    if (tcphs_connection_stage(m->c) == TCPHS_STAGE_NONE && m->x->state == TCPHS_UNKNOWN)
        pick_up_midstream(m);
    if (m->v->accepted != TCPHS_ACCEPT_NO || tcphs_is_unseen_fin(m->v))
        accept_ordinary(m);
    else
        remember_refused(m);
}

/* RST ----------------------------------------------------------------------------------------------------------- */

static enum tcphs_rst_kind kind_of_counted_rst(const struct move *m, enum tcphs_stage stage)
{
    switch (stage) {
    case TCPHS_STAGE_NONE:
        return TCPHS_RST_UNKNOWN;
    case TCPHS_STAGE_SYN_SENT:
        return m->y->state == TCPHS_SYN_SENT ? TCPHS_RST_REFUSED : TCPHS_RST_ABORTS_HANDSHAKE;
    case TCPHS_STAGE_SYN_RECEIVED:
        return TCPHS_RST_ABORTS_HANDSHAKE;
    case TCPHS_STAGE_CLOSED:
        return TCPHS_RST_AFTER_CLOSE;
    case TCPHS_STAGE_RESET:
        return TCPHS_RST_ANSWERS_STALE;
    case TCPHS_STAGE_ESTABLISHED:
    case TCPHS_STAGE_CLOSING:
    case TCPHS_STAGE_MIDSTREAM:
        break;
    }
    return TCPHS_RST_ABORTS_CONNECTION;
}

static enum tcphs_rst_kind kind_of_ignored_rst(const struct move *m, enum tcphs_stage stage)
{
    const bool answers = !tcphs_has_any(m->s, TCPHS_ACK) && m->s->seq == m->y->rcv_ack;
    if (m->v->answers_claim || (answers && (stage == TCPHS_STAGE_RESET || m->x->state == TCPHS_CLOSED)))
        return TCPHS_RST_ANSWERS_STALE;
    return stage == TCPHS_STAGE_CLOSED && answers ? TCPHS_RST_AFTER_CLOSE : TCPHS_RST_NOT_ACCEPTABLE;
}

static void obey_rst(const struct move *m, enum tcphs_stage stage)
{
    struct tcphs_connection *c = m->c;
    c->before_rst[0] = c->end[0].state;
    c->before_rst[1] = c->end[1].state;
    act(m->x, TCPHS_SENDS_RST);
    act(m->y, TCPHS_HEARS_RST);
    if (m->y->state == TCPHS_LISTEN) /* its own SYN-ACK was not captured (judge_rst) */
        m->y->state = TCPHS_CLOSED;
    link_first(m, TCPHS_LINK_RST);
    if (m->v->accepted == TCPHS_ACCEPT_UNKNOWN)
        assume(c);
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
    c->rst_frame = m->s->frame;
    c->rst_peer_nxt = m->y->snd_nxt;
    c->rst_sender_went_on = false;
}

static void count_burst(const struct move *m)
{
    struct tcphs_connection *c = m->c;
    if (m->v->answers_claim)
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

static void move_by_rst(const struct move *m)
{
    struct tcphs_connection *c = m->c;
    const enum tcphs_stage stage = tcphs_connection_stage(c);
    const bool first = !(c->facts & TCPHS_FIRST_PASSED);
    if (first)
        pick_up_midstream(m);
    if (tcphs_rst_counts(m->v)) {
        m->o->rst_kind = (uint8_t)kind_of_counted_rst(m, stage);
        obey_rst(m, stage);
    } else {
        m->o->rst_kind = (uint8_t)kind_of_ignored_rst(m, stage);
        if (m->v->seq_place == TCPHS_SEQ_IN && !m->v->answers_claim)
            m->x->provoked_frame = m->s->frame;
        if (m->y->state == TCPHS_SYN_SENT && tcphs_has_any(m->s, TCPHS_ACK))
            tell_due(m, tcphs_due_ack(m->v));
    }
    count_burst(m);
}

/* A disbelieved RST: both ends are again what they were. */
static void revive(struct tcphs_connection *c)
{
    c->facts &= (uint16_t)~(TCPHS_IS_RESET | TCPHS_FIN_BEFORE_RST);
    c->end[0].state = c->before_rst[0];
    c->end[1].state = c->before_rst[1];
    c->end_frame = 0;
    if (!((c->end[0].known | c->end[1].known) & TCPHS_FIN_SENT))
        c->first_closer = TCPHS_NO_CLIENT;
}

/* One segment ----------------------------------------------------------------------------------------------------- */

/* The client's segment that made both ends synchronised: step 3, or a SYN-ACK of a simultaneous open. */
static void tell_established(const struct move *m)
{
    struct tcphs_connection *c = m->c;
    c->facts |= TCPHS_WAS_ESTABLISHED;
    c->facts &= (uint16_t)~TCPHS_BAD_FINAL_ACK;
    c->established_frame = m->s->frame;
    m->o->event = TCPHS_EVENT_ESTABLISHED;
    if (c->syn_count > 0 && m->s->time >= c->first_syn_time) {
        m->o->time_setup = m->s->time - c->first_syn_time;
        c->round_trip = m->s->time - c->last_syn_time;
    }
}

static void tell_step_3(const struct move *m)
{
    struct tcphs_connection *c = m->c;
    m->o->step = 3;
    tell_due(m, m->s->ack);
    tell_counts(m);
    link_first(m, TCPHS_LINK_ACK);
    c->facts &= (uint16_t)~TCPHS_REPEATED_SYN_ACK;
    if (c->synack_count > 0 && m->s->time >= c->last_synack_time)
        m->o->time_ack = m->s->time - c->last_synack_time;
}

/* The same final ACK again, in answer to a repeated SYN-ACK. */
static bool repeats_final_ack(const struct move *m)
{
    return (m->c->facts & TCPHS_REPEATED_SYN_ACK) && tcphs_is_pure_ack(m->s) && tcphs_knows(m->y, TCPHS_SENT_SYN_ACK) &&
           m->s->ack == m->y->iss + 1 && m->s->seq == m->x->iss + 1;
}

static void tell_milestones(const struct move *m, enum tcphs_stage before, bool was_syn_received)
{
    struct tcphs_connection *c = m->c;
    const enum tcphs_stage now = tcphs_connection_stage(c);
    const bool open_now = tcphs_is_synchronised(c->end[0].state) && tcphs_is_synchronised(c->end[1].state) &&
                          !(c->facts & TCPHS_MIDSTREAM_START);
    const bool answered = was_syn_received && m->y->state != TCPHS_SYN_RECEIVED && m->v->kind == TCPHS_KIND_ORDINARY &&
                          tcphs_knows(m->y, TCPHS_SENT_SYN_ACK) && tcphs_is_synchronised(m->y->state);
    if (answered || (m->v->kind == TCPHS_KIND_ORDINARY && repeats_final_ack(m)))
        tell_step_3(m);
    if (open_now && !(c->facts & TCPHS_WAS_ESTABLISHED))
        tell_established(m);
    if (now == before || (now != TCPHS_STAGE_CLOSED && now != TCPHS_STAGE_RESET))
        return;
    c->end_frame = m->s->frame;
    const bool was_open = (c->facts & (TCPHS_WAS_ESTABLISHED | TCPHS_MIDSTREAM_START)) != 0;
    if (was_open && !(c->facts & TCPHS_HAD_ENDED)) {
        c->facts |= TCPHS_HAD_ENDED;
        m->o->event = TCPHS_EVENT_ENDED;
    } else if (!was_open && !(c->facts & TCPHS_HAD_FAILED)) {
        c->facts |= TCPHS_HAD_FAILED;
        m->o->event = TCPHS_EVENT_FAILED;
    }
}

void tcphs_connection_look(const struct tcphs_connection *c, struct tcphs_outcome *o)
{
    memset(o, 0, sizeof *o);
    o->time_synack = o->time_ack = o->time_setup = -1;
    o->stage = (uint8_t)tcphs_connection_stage(c);
    o->client = c->client;
    o->assumed = (c->facts & TCPHS_ASSUMED) != 0;
    memcpy(o->links, c->links, sizeof o->links);
    for (unsigned i = 0; i < 2; i++) {
        const struct tcphs_end *y = &c->end[!i];
        o->state[i] = c->end[i].state;
        o->usual[i] = tcphs_knows(y, TCPHS_KNOWS_HEARD) && tcphs_is_synchronised(y->state) ? TCPHS_ACCEPT_YES
                                                                                          : TCPHS_ACCEPT_UNKNOWN;
    }
}

/* The pairs of numbers that explain a finding: what was seen and what was due, from the start where it is known. */
static void tell_numbers(const struct tcphs_view *v, struct tcphs_outcome *o)
{
    const struct tcphs_end *x = v->x, *y = v->y;
    const bool proves_earlier = y->claim_frame != 0 && o->back == y->claim_frame;
    const struct tcphs_end *sender = proves_earlier ? x : y; /* of the bytes that are acknowledged */
    const uint32_t ack_start = tcphs_knows(sender, TCPHS_KNOWS_ISS) ? sender->iss : 0;
    const uint32_t seq_start = tcphs_knows(x, TCPHS_KNOWS_ISS) ? x->iss : 0;
    uint32_t seq_due = tcphs_knows(y, TCPHS_KNOWS_HEARD) ? y->rcv_nxt : x->snd_nxt;
    if (v->kind == TCPHS_KIND_SYN_ACK || (v->kind == TCPHS_KIND_SYN && y->state != TCPHS_TIME_WAIT))
        seq_due = tcphs_knows(x, TCPHS_KNOWS_ISS) ? x->iss : seq_due;
    else if (tcphs_knows(x, TCPHS_FIN_SENT) && v->kind == TCPHS_KIND_ORDINARY)
        seq_due = x->fin_seq;
    o->ack_seen = (proves_earlier ? y->claim_ack : v->s->ack) - ack_start;
    o->ack_due = (proves_earlier ? x->snd_nxt : tcphs_due_ack(v)) - ack_start;
    o->seq_seen = v->s->seq - seq_start;
    o->seq_due = seq_due - seq_start;
}

static void move(const struct move *m)
{
    switch ((enum tcphs_kind)m->v->kind) {
    case TCPHS_KIND_RST:
        move_by_rst(m);
        break;
    case TCPHS_KIND_SYN:
        move_by_syn(m);
        break;
    case TCPHS_KIND_SYN_ACK:
        move_by_syn_ack(m);
        break;
    case TCPHS_KIND_ORDINARY:
        move_by_ordinary(m);
        break;
    case TCPHS_KIND_BARE:
        break;
    }
}

/* Suspicions that this segment settles, one way or the other. */
static void settle(const struct move *m, uint64_t findings)
{
    const uint64_t refuted = TCPHS_FINDING_BIT(TCPHS_FINDS_ack_unsent) | TCPHS_FINDING_BIT(TCPHS_FINDS_final_ack_bad) |
                             TCPHS_FINDING_BIT(TCPHS_FINDS_ack_in_syn_sent);
    if ((findings & refuted) && m->x->claim_frame != m->s->frame) {
        m->y->claim_frame = 0;
        m->y->known &= ~(uint32_t)TCPHS_CLAIM_HAS_FIN;
    }
    const uint64_t refused = TCPHS_FINDING_BIT(TCPHS_FINDS_syn_in_connection) |
                             TCPHS_FINDING_BIT(TCPHS_FINDS_synack_changed);
    if ((findings & refused) && m->v->kind == TCPHS_KIND_ORDINARY)
        m->y->other_frame = 0;
    if (m->v->kind == TCPHS_KIND_ORDINARY)
        m->y->provoked_frame = 0;
    if (m->c->early_frame != m->s->frame && tcphs_is_synchronised(m->y->state) && m->c->client == m->s->from)
        m->c->early_frame = 0;
}

void tcphs_connection_segment(struct tcphs_connection *c, const struct tcphs_segment *s, struct tcphs_outcome *o)
{
    struct tcphs_view v;
    struct tcphs_outcome told = { .frame = s->frame, .time_synack = -1, .time_ack = -1, .time_setup = -1 };
    const struct move m = { c, s, &v, &told, &c->end[s->from], &c->end[!s->from] };
    uint32_t back = 0;
    tcphs_view_init(&v, c, s);
    const bool outlives = tcphs_outlives_own_rst(&v);
    if (tcphs_survives_rst(&v) || (outlives && v.kind == TCPHS_KIND_SYN_ACK)) {
        told.findings = tcphs_check_all(&v, &told.back);
        revive(c);
        tcphs_view_init(&v, c, s);
    }
    if (contradicts_assumed_fin(&v)) {
        retract_assumed_fin(&m);
        tcphs_view_init(&v, c, s);
    }
    if (confirms_gap(&v)) {
        confirm_gap(&m);
        tcphs_view_init(&v, c, s);
    }
    const enum tcphs_stage before = tcphs_connection_stage(c);
    const bool was_syn_received = m.y->state == TCPHS_SYN_RECEIVED;
    told.findings |= tcphs_check_all(&v, &back);
    told.back = told.back ? told.back : back;
    if (told.findings)
        tell_numbers(&v, &told);
    told.accepted = v.accepted;
    move(&m);
    if (outlives)
        c->rst_sender_went_on = true;
    settle(&m, told.findings);
    tell_milestones(&m, before, was_syn_received);
    m.x->known |= TCPHS_SENT_ANYTHING;
    if (v.kind != TCPHS_KIND_BARE)
        c->facts |= TCPHS_FIRST_PASSED;
    c->last_time = s->time;

    tcphs_connection_look(c, o);
    const struct tcphs_outcome as_it_stands = *o;
    *o = told;
    o->back = told.back == TCPHS_NAMELESS_FRAME ? 0 : told.back;
    o->stage = as_it_stands.stage;
    o->client = as_it_stands.client;
    o->assumed = as_it_stands.assumed;
    memcpy(o->state, as_it_stands.state, sizeof o->state);
    memcpy(o->usual, as_it_stands.usual, sizeof o->usual);
    memcpy(o->links, as_it_stands.links, sizeof o->links);
}

void tcphs_connection_icmp(struct tcphs_connection *c, uint32_t frame, unsigned from)
{
    if (c->icmp_frame == 0 && c->end[from].state == TCPHS_SYN_SENT)
        c->icmp_frame = frame;
}

void tcphs_connection_forget_frame(struct tcphs_connection *c, uint32_t frame)
{
    for (unsigned i = 0; i < TCPHS_LINKS; i++)
        if (c->links[i] == frame)
            c->links[i] = 0;
    uint32_t *const shown[] = { &c->established_frame, &c->end_frame, &c->icmp_frame };
    for (unsigned i = 0; i < sizeof shown / sizeof shown[0]; i++)
        if (*shown[i] == frame)
            *shown[i] = 0;
    uint32_t *const remembered[] = {
        &c->rst_frame, &c->burst_frame, &c->early_frame, &c->end[0].claim_frame, &c->end[1].claim_frame,
        &c->end[0].other_frame, &c->end[1].other_frame, &c->end[0].provoked_frame, &c->end[1].provoked_frame,
    };
    for (unsigned i = 0; i < sizeof remembered / sizeof remembered[0]; i++)
        if (*remembered[i] == frame)
            *remembered[i] = TCPHS_NAMELESS_FRAME;
}
