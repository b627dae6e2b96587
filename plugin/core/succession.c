/* succession.c
 * Whether a segment still belongs to a connection or begins the next one on the same addresses and ports.
 * Moves nothing; the caller keeps the list.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "move.h"

#include "checks.h"
#include "seq.h"
#include "timestamps.h"
#include "view.h"

/* A new SYN on the ports of a connection in TIME-WAIT is beyond doubt after this (60 s is the shortest in use). */
#define TIME_WAIT_OVER (60 * TCPHS_SECOND)

static enum tcphs_time_wait_answer answer_by_timestamp(const struct tcphs_view *v)
{
    return tcphs_time_wait_answer(v->c, v->y, (v->s->options & TCPHS_OPT_TIMESTAMP) != 0, v->s->ts_value);
}

/* By its timestamp where that decides, else by a higher number (RFC 6191 2, RFC 9293 3.10.7.4). */
static bool is_accepted_by_time_wait(const struct tcphs_view *v)
{
    if (v->s->time - v->c->last_time > TIME_WAIT_OVER)
        return true;
    const enum tcphs_time_wait_answer answer = answer_by_timestamp(v);
    return answer == TCPHS_TIME_WAIT_TAKES ||
           (answer == TCPHS_TIME_WAIT_BY_ISN && tcphs_seq_after(v->s->seq, v->y->rcv_nxt));
}

bool tcphs_is_too_old_for_time_wait(const struct tcphs_view *v)
{
    const enum tcphs_stage stage = tcphs_connection_stage(v->c);
    return v->kind == TCPHS_KIND_SYN && v->y->state == TCPHS_TIME_WAIT && !tcphs_repeats_syn(v) &&
           (stage == TCPHS_STAGE_CLOSED || stage == TCPHS_STAGE_CLOSING) &&
           v->s->time - v->c->last_time <= TIME_WAIT_OVER && answer_by_timestamp(v) == TCPHS_TIME_WAIT_REFUSES;
}

/* An end has closed, acknowledging bytes that were not captured: the capture misses a part, perhaps the rest of the
 * close. */
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
    case TCPHS_STAGE_CLOSING: /* the last ACK may be missing, perhaps from the capture alone */
        if (tcphs_repeats_syn(v))
            return false;
        return v->y->state == TCPHS_TIME_WAIT ? is_accepted_by_time_wait(v) : v->y->state == TCPHS_CLOSED;
    case TCPHS_STAGE_SYN_SENT: /* no TCP changes its number in a retransmission: another attempt */
        return tcphs_knows(v->x, TCPHS_SENT_SYN) && !tcphs_repeats_syn(v);
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
    return is_ended(v->c) && !tcphs_knows(v->x, TCPHS_KNOWS_ISS);
}

/* A RST that refuses the new attempt leaves the old connection, whose end was not captured, as it was. */
static bool refuses_new_attempt(const struct tcphs_view *v)
{
    return tcphs_refuses_other_syn(v) && (v->c->facts & (TCPHS_WAS_ESTABLISHED | TCPHS_MIDSTREAM_START)) != 0;
}

static bool answers_other_syn_ack(const struct tcphs_view *v)
{
    const struct tcphs_end *y = v->y;
    return y->other_frame != 0 && tcphs_knows(y, TCPHS_OTHER_IS_SYN_ACK) && !tcphs_fits(v) &&
           tcphs_seq_near(v->s->seq, y->other_end) && tcphs_seq_after(v->s->ack, y->other_iss) &&
           tcphs_seq_near(v->s->ack, y->other_iss);
}

/* x goes on with its own other SYN, or SYN-ACK where the other end is never seen; nobody has refused it. */
static bool follows_own_other(const struct tcphs_view *v)
{
    const struct tcphs_end *x = v->x;
    if (x->other_frame == 0 || tcphs_knows(x, TCPHS_OTHER_IS_STRAY) ||
        (tcphs_knows(x, TCPHS_OTHER_IS_SYN_ACK) && tcphs_knows(v->y, TCPHS_SENT_ANYTHING)))
        return false;
    return v->s->seq == x->other_iss + 1 && x->other_iss + 1 != x->snd_nxt && !tcphs_fits(v);
}

/* Well beyond its own FIN, acknowledging what y never sent: nothing of this connection. */
static bool is_past_fin(const struct tcphs_view *v)
{
    const struct tcphs_end *x = v->x;
    return tcphs_knows(x, TCPHS_FIN_SENT) && tcphs_seq_after(v->s->seq, x->fin_seq + 1) &&
           tcphs_knows(v->y, TCPHS_KNOWS_SENT) && tcphs_seq_after(v->s->ack, v->y->snd_nxt);
}

bool tcphs_is_stranger(const struct tcphs_view *v)
{
    return v->kind == TCPHS_KIND_ORDINARY &&
           (tcphs_leaps(v) || (may_have_ended(v) && (tcphs_is_foreign(v) || is_past_fin(v))));
}

/* Roughly the numbers of the stray segment that end e has sent; mine = the segment is of the same end. */
static bool is_near_stray(const struct tcphs_view *v, const struct tcphs_end *e, bool mine)
{
    if (!tcphs_has_stray(e))
        return false;
    const uint32_t seq = mine ? e->other_iss : e->other_end, ack = mine ? e->other_end : e->other_iss;
    return tcphs_seq_near(v->s->seq, seq) && tcphs_seq_near(v->s->ack, ack);
}

/*
 * Strangers alone prove nothing while the old connection may live on: anyone can forge one. Two ends that agree do, or
 * one that goes on where the capture has never seen the other.
 */
static bool strangers_agree(const struct tcphs_view *v)
{
    if (!may_have_ended(v) || tcphs_fits(v))
        return false;
    return is_near_stray(v, v->y, false) ||
           (!tcphs_knows(v->y, TCPHS_SENT_ANYTHING) && tcphs_is_stranger(v) && is_near_stray(v, v->x, true));
}

/* Most segments give no occasion to ask: no end has sent anything that does not fit, and both have been heard. */
static bool is_no_occasion(const struct tcphs_connection *c, const struct tcphs_segment *s)
{
    const struct tcphs_end *x = &c->end[s->from], *y = &c->end[!s->from];
    if (!(c->facts & TCPHS_FIRST_PASSED))
        return true;
    if ((x->other_frame | y->other_frame) != 0 || tcphs_has_any(s, TCPHS_SYN))
        return false;
    return tcphs_has_any(s, TCPHS_RST) || tcphs_knows(y, TCPHS_SENT_ANYTHING);
}

bool tcphs_connection_is_next(const struct tcphs_connection *c, const struct tcphs_segment *s)
{
    if (is_no_occasion(c, s))
        return false;
    struct tcphs_view v;
    tcphs_view_init(&v, c, s);
    switch ((enum tcphs_kind)v.kind) {
    case TCPHS_KIND_SYN:
        return syn_is_next(&v);
    case TCPHS_KIND_SYN_ACK:
        return syn_ack_is_next(&v);
    case TCPHS_KIND_ORDINARY:
        return answers_other_syn_ack(&v) || follows_own_other(&v) || strangers_agree(&v);
    case TCPHS_KIND_RST:
        return refuses_new_attempt(&v);
    case TCPHS_KIND_BARE:
        break;
    }
    return false;
}

/* The end whose other SYN or SYN-ACK the segment takes up: its sender's, its receiver's, or TCPHS_NO_CLIENT for none.
 */
static unsigned begun_by(const struct tcphs_view *v)
{
    const struct tcphs_connection *c = v->c;
    switch ((enum tcphs_kind)v->kind) {
    case TCPHS_KIND_SYN: /* the same number as before the old connection ended */
        return c->retry_count > 0 && c->retry_from == v->s->from && c->retry_iss == v->s->seq ? v->s->from
                                                                                               : TCPHS_NO_CLIENT;
    case TCPHS_KIND_SYN_ACK:
        return tcphs_refuses_other_syn(v) ? !v->s->from : TCPHS_NO_CLIENT;
    case TCPHS_KIND_RST:
        return refuses_new_attempt(v) ? !v->s->from : TCPHS_NO_CLIENT;
    case TCPHS_KIND_ORDINARY:
        if (answers_other_syn_ack(v))
            return !v->s->from;
        return follows_own_other(v) ? v->s->from : TCPHS_NO_CLIENT;
    case TCPHS_KIND_BARE:
        break;
    }
    return TCPHS_NO_CLIENT;
}

/* The SYN that an end began an attempt with: the first of its number, with the options of the last. */
static struct tcphs_segment first_syn(const struct tcphs_connection *c)
{
    const struct tcphs_end *e = &c->end[c->retry_from];
    const bool is_last = e->other_iss == c->retry_iss && !(e->known & (TCPHS_OTHER_IS_SYN_ACK | TCPHS_OTHER_IS_STRAY));
    return (struct tcphs_segment){
        .time = c->retry_time,
        .frame = c->retry_frame,
        .seq = c->retry_iss,
        .length = is_last ? e->other_end - e->other_iss - 1 : 0,
        .flags = (uint16_t)(TCPHS_SYN | tcphs_ecn_bits_of(c->retry_options)),
        .window = c->retry_window,
        .options = tcphs_options_of(c->retry_options),
        .mss = c->retry_mss,
        .ts_value = c->retry_ts_first,
        .wscale = c->retry_wscale,
    };
}

/* The same, where both ends have begun one and the other's was kept: its last transmission, and nothing more. */
static struct tcphs_segment last_syn(const struct tcphs_connection *c, const struct tcphs_end *e)
{
    return (struct tcphs_segment){
        .time = c->other_time,
        .frame = e->other_frame,
        .seq = e->other_iss,
        .length = e->other_end - e->other_iss - 1,
        .flags = TCPHS_SYN,
        .window = UINT16_MAX,
        .options = TCPHS_OPTIONS_CUT,
    };
}

/* The SYN-ACK that was of another connection than its own; what it offered is not kept. */
static struct tcphs_segment other_syn_ack(const struct tcphs_connection *c, const struct tcphs_end *e)
{
    return (struct tcphs_segment){
        .time = c->other_time,
        .frame = e->other_frame,
        .seq = e->other_iss,
        .ack = e->other_end,
        .flags = TCPHS_SYN | TCPHS_ACK,
        .window = UINT16_MAX,
        .options = TCPHS_OPTIONS_CUT,
    };
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
    const bool is_syn_ack = v.kind != TCPHS_KIND_SYN && tcphs_knows(e, TCPHS_OTHER_IS_SYN_ACK);
    const bool is_kept = previous->retry_count > 0 && previous->retry_from == from;
    struct tcphs_segment begun = is_syn_ack ? other_syn_ack(previous, e)
                                 : is_kept  ? first_syn(previous)
                                            : last_syn(previous, e);
    begun.frame = begun.frame == TCPHS_NAMELESS_FRAME ? 0 : begun.frame; /* no link to a name that is gone */
    begun.source_port = from == s->from ? s->source_port : s->destination_port;
    begun.destination_port = from == s->from ? s->destination_port : s->source_port;
    begun.from = (uint8_t)from;
    struct tcphs_outcome untold;
    tcphs_connection_segment(c, &begun, &untold);
    if (!is_syn_ack && is_kept) {
        c->syn_count = previous->retry_count;
        c->end[from].ts_sent = previous->retry_ts_last;
        c->last_syn_time = previous->other_time;
    }
    c->facts &= ~(uint32_t)TCPHS_FIRST_PASSED; /* the first segment of its own is still to come */
}
