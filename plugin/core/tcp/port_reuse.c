/* port_reuse.c
 * Whether a segment still belongs to a connection or begins the next one on the same addresses and ports.
 * Changes nothing; the caller keeps the list.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tcp/port_reuse.h"

#include "tcp/acceptability.h"
#include "tcp/connection.h"
#include "tcp/suspicion.h"
#include "tcp/timestamps.h"
#include "tcp/handshake_options.h"

/* By its timestamp where that decides, else by a higher number (RFC 6191 2, RFC 9293 3.10.7.4). */
static bool is_accepted_by_time_wait(const struct tcphs_arrival *a)
{
    if (a->s->time - a->c->last_time > TCPHS_TIME_WAIT_OVER)
        return true;
    const enum tcphs_time_wait_answer answer = tcphs_answer_by_timestamp(a);
    return answer == TCPHS_TIME_WAIT_TAKES ||
           (answer == TCPHS_TIME_WAIT_BY_ISN && tcphs_seq_after(a->s->seq, a->y->rcv_nxt));
}

static bool syn_is_next(const struct tcphs_arrival *a)
{
    const struct tcphs_connection *c = a->c;
    switch (tcphs_connection_stage(c)) {
    case TCPHS_STAGE_RESET:
        return !tcphs_repeats_syn(a);
    case TCPHS_STAGE_CLOSED:
    case TCPHS_STAGE_CLOSING: /* the last ACK may be missing, perhaps from the capture alone */
        if (tcphs_repeats_syn(a))
            return false;
        return a->y->state == TCPHS_TIME_WAIT ? is_accepted_by_time_wait(a) : a->y->state == TCPHS_CLOSED;
    case TCPHS_STAGE_SYN_SENT: /* no TCP changes its number in a retransmission: another attempt */
        return tcphs_knows(a->x, TCPHS_SENT_SYN) && !tcphs_repeats_syn(a);
    case TCPHS_STAGE_NONE:
    case TCPHS_STAGE_SYN_RECEIVED:
    case TCPHS_STAGE_ESTABLISHED:
    case TCPHS_STAGE_MIDSTREAM:
        return !tcphs_repeats_syn(a) && tcphs_has_unseen_fin(a);
    }
    return false;
}

static bool syn_ack_is_next(const struct tcphs_arrival *a)
{
    const struct tcphs_end *y = a->y;
    const bool answers_held = tcphs_knows(y, TCPHS_SENT_SYN) && a->s->ack == y->iss + 1;
    if (answers_held)
        return false;
    if (tcphs_refuses_foreign_syn(a)) /* here: takes it up, by the same numbers */
        return true;
    return tcphs_has_ended(a->c) && !tcphs_knows(a->x, TCPHS_KNOWS_ISS);
}

/* A RST that refuses the new attempt leaves the old connection, whose end was not captured, as it was. */
static bool refuses_new_attempt(const struct tcphs_arrival *a)
{
    return tcphs_refuses_foreign_syn(a) && (a->c->facts & (TCPHS_WAS_ESTABLISHED | TCPHS_MIDSTREAM_START)) != 0;
}

static bool answers_foreign_syn_ack(const struct tcphs_arrival *a)
{
    const struct tcphs_end *y = a->y;
    return y->foreign_frame != 0 && tcphs_knows(y, TCPHS_FOREIGN_IS_SYN_ACK) && !tcphs_fits(a) &&
           tcphs_seq_near(a->s->seq, y->foreign_end) && tcphs_seq_after(a->s->ack, y->foreign_seq) &&
           tcphs_seq_near(a->s->ack, y->foreign_seq);
}

/* x goes on with its own other SYN, or SYN-ACK where the other end is never seen; nobody has refused it. */
static bool follows_own_foreign_syn(const struct tcphs_arrival *a)
{
    const struct tcphs_end *x = a->x;
    if (x->foreign_frame == 0 || tcphs_knows(x, TCPHS_FOREIGN_HAS_NO_SYN) ||
        (tcphs_knows(x, TCPHS_FOREIGN_IS_SYN_ACK) && tcphs_knows(a->y, TCPHS_SENT_ANYTHING)))
        return false;
    return a->s->seq == x->foreign_seq + 1 && x->foreign_seq + 1 != x->snd_nxt && !tcphs_fits(a);
}

/* Roughly the numbers of the foreign segment that end e has sent; mine = the segment is of the same end. */
static bool is_near_foreign_segment(const struct tcphs_arrival *a, const struct tcphs_end *e, bool mine)
{
    if (!tcphs_has_foreign_segment(e))
        return false;
    const uint32_t seq = mine ? e->foreign_seq : e->foreign_end, ack = mine ? e->foreign_end : e->foreign_seq;
    return tcphs_seq_near(a->s->seq, seq) && tcphs_seq_near(a->s->ack, ack);
}

/*
 * Foreign segments alone prove nothing while the old connection may live on: anyone can forge one. Two ends that agree
 * do, or one that goes on where the capture has never seen the other.
 */
static bool foreign_segments_agree(const struct tcphs_arrival *a)
{
    if (!tcphs_may_have_ended(a) || tcphs_fits(a))
        return false;
    return is_near_foreign_segment(a, a->y, false) ||
           (!tcphs_knows(a->y, TCPHS_SENT_ANYTHING) && tcphs_may_be_of_other_connection(a) &&
            is_near_foreign_segment(a, a->x, true));
}

/* Most segments give no occasion to ask: no end has sent anything that does not fit, and both have been heard. */
static bool cannot_be_reuse(const struct tcphs_connection *c, const struct tcphs_segment *s)
{
    const struct tcphs_end *x = &c->end[s->from], *y = &c->end[!s->from];
    if (!(c->facts & TCPHS_HAD_SEGMENT))
        return true;
    if ((x->foreign_frame | y->foreign_frame) != 0 || tcphs_has_any(s, TCPHS_SYN))
        return false;
    return tcphs_has_any(s, TCPHS_RST) || tcphs_knows(y, TCPHS_SENT_ANYTHING);
}

bool tcphs_connection_is_port_reuse(const struct tcphs_connection *c, const struct tcphs_segment *s)
{
    if (cannot_be_reuse(c, s))
        return false;
    struct tcphs_arrival a;
    tcphs_arrival_init(&a, c, s);
    switch ((enum tcphs_segment_kind)a.kind) {
    case TCPHS_KIND_SYN:
        return syn_is_next(&a);
    case TCPHS_KIND_SYN_ACK:
        return syn_ack_is_next(&a);
    case TCPHS_KIND_ACK:
        return answers_foreign_syn_ack(&a) || follows_own_foreign_syn(&a) || foreign_segments_agree(&a);
    case TCPHS_KIND_RST:
        return refuses_new_attempt(&a);
    case TCPHS_KIND_NO_ACK:
        break;
    }
    return false;
}

/* The end whose other SYN or SYN-ACK the segment takes up: its sender's, its receiver's, or TCPHS_NO_END for none.
 */
static unsigned begun_by(const struct tcphs_arrival *a)
{
    const struct tcphs_connection *c = a->c;
    switch ((enum tcphs_segment_kind)a->kind) {
    case TCPHS_KIND_SYN: /* the same number as before the old connection ended */
        return c->retry_count > 0 && c->retry_from == a->s->from && c->retry_iss == a->s->seq ? a->s->from
                                                                                              : TCPHS_NO_END;
    case TCPHS_KIND_SYN_ACK:
        return tcphs_refuses_foreign_syn(a) ? !a->s->from : TCPHS_NO_END;
    case TCPHS_KIND_RST:
        return refuses_new_attempt(a) ? !a->s->from : TCPHS_NO_END;
    case TCPHS_KIND_ACK:
        if (answers_foreign_syn_ack(a))
            return !a->s->from;
        return follows_own_foreign_syn(a) ? a->s->from : TCPHS_NO_END;
    case TCPHS_KIND_NO_ACK:
        break;
    }
    return TCPHS_NO_END;
}

/* The SYN that an end began an attempt with: the first of its number, with the options of the last. */
static struct tcphs_segment first_syn(const struct tcphs_connection *c)
{
    const struct tcphs_end *e = &c->end[c->retry_from];
    const bool is_last =
        e->foreign_seq == c->retry_iss && !(e->known & (TCPHS_FOREIGN_IS_SYN_ACK | TCPHS_FOREIGN_HAS_NO_SYN));
    return (struct tcphs_segment){
        .time = c->retry_time,
        .frame = c->retry_frame,
        .seq = c->retry_iss,
        .length = is_last ? e->foreign_end - e->foreign_seq - 1 : 0,
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
        .time = c->foreign_time,
        .frame = e->foreign_frame,
        .seq = e->foreign_seq,
        .length = e->foreign_end - e->foreign_seq - 1,
        .flags = TCPHS_SYN,
        .window = UINT16_MAX,
        .options = TCPHS_OPTIONS_CUT,
    };
}

/* The SYN-ACK that was of another connection than its own; what it offered is not kept. */
static struct tcphs_segment foreign_syn_ack(const struct tcphs_connection *c, const struct tcphs_end *e)
{
    return (struct tcphs_segment){
        .time = c->foreign_time,
        .frame = e->foreign_frame,
        .seq = e->foreign_seq,
        .ack = e->foreign_end,
        .flags = TCPHS_SYN | TCPHS_ACK,
        .window = UINT16_MAX,
        .options = TCPHS_OPTIONS_CUT,
    };
}

void tcphs_connection_inherit(struct tcphs_connection *c, const struct tcphs_connection *previous,
                              const struct tcphs_segment *s)
{
    struct tcphs_arrival a;
    tcphs_arrival_init(&a, previous, s);
    const unsigned from = begun_by(&a);
    if (from == TCPHS_NO_END)
        return;
    const struct tcphs_end *e = &previous->end[from];
    const bool is_syn_ack = a.kind != TCPHS_KIND_SYN && tcphs_knows(e, TCPHS_FOREIGN_IS_SYN_ACK);
    const bool is_kept = previous->retry_count > 0 && previous->retry_from == from;
    struct tcphs_segment begun = is_syn_ack ? foreign_syn_ack(previous, e)
                                 : is_kept  ? first_syn(previous)
                                            : last_syn(previous, e);
    begun.frame = begun.frame == TCPHS_UNNUMBERED_FRAME ? 0 : begun.frame; /* no link to a name that is gone */
    begun.source_port = from == s->from ? s->source_port : s->destination_port;
    begun.destination_port = from == s->from ? s->destination_port : s->source_port;
    begun.from = (uint8_t)from;
    begun.to_itself = s->to_itself;
    struct tcphs_outcome untold;
    tcphs_connection_segment(c, &begun, &untold);
    if (!is_syn_ack && is_kept) {
        c->syn_count = previous->retry_count;
        c->end[from].ts_sent = previous->retry_ts_last;
        c->last_syn_time = previous->foreign_time;
    }
    c->facts &= ~(uint32_t)TCPHS_HAD_SEGMENT; /* the first segment of its own is still to come */
}
