/* suspicion.c
 * Questions about a segment that more than one part asks, and must answer alike: is it of another connection, does it
 * show that a RST or the end of a handshake was none. Nothing is changed here.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tcp/suspicion.h"

#include "tcp/acceptability.h"
#include "tcp/gap.h"
#include "tcp/origin.h"

/* Segments in flight may wait this long in queues (the least RTO, RFC 6298 2.4). */
#define QUEUES (1 * TCPHS_SECOND)

bool tcphs_is_displaced_final_ack(const struct tcphs_arrival *a)
{
    return a->y->state == TCPHS_SYN_RECEIVED && tcphs_is_pure_ack(a->s) && a->seq_position == TCPHS_SEQ_FAR;
}

bool tcphs_rst_counts(const struct tcphs_arrival *a)
{
    return a->kind == TCPHS_KIND_RST && a->accepted != TCPHS_ACCEPT_NO;
}

/* The RST stood at the last acknowledgment captured; x had heard more by then, as it says now. */
bool tcphs_had_heard_more(const struct tcphs_arrival *a)
{
    return tcphs_is_reset(a->c) && a->c->rst_doubtful && tcphs_is_ack(a) && a->s->from != a->c->rst_from &&
           tcphs_seq_after(a->s->ack, a->c->rst_seq);
}

bool tcphs_survives_rst(const struct tcphs_arrival *a)
{
    const struct tcphs_connection *c = a->c;
    if (!tcphs_is_reset(c) || a->s->from == c->rst_from || !tcphs_is_ack(a) || !tcphs_is_in_time(a))
        return false;
    /* Its own place in its own space: the last number seen, or a repeat of what is not acknowledged. */
    if (!tcphs_knows(a->x, TCPHS_KNOWS_SENT) || !tcphs_seq_within(a->s->seq, a->x->snd_una - 1, a->x->snd_nxt))
        return false;
    if (tcphs_had_heard_more(a) || (c->rst_sender_went_on && tcphs_seq_after(a->s->ack, c->rst_seq)))
        return true; /* it acknowledges what came after the RST */
    /* What was queued on the way when the RST was sent arrives later than an idle round trip. */
    const int64_t patience = c->round_trip > QUEUES ? c->round_trip : QUEUES;
    return a->s->time - c->rst_time > patience;
}

/* New bytes, or news of what the peer sent after the RST; an older segment overtaken by the RST is neither. */
static bool is_later_than_rst(const struct tcphs_arrival *a)
{
    const struct tcphs_connection *c = a->c;
    const bool new_bytes =
        a->end != a->s->seq && tcphs_seq_after(a->end, a->x->snd_nxt) && !tcphs_seq_before(a->s->seq, c->rst_seq);
    return new_bytes ||
           (c->rst_peer_known && a->ack_position == TCPHS_ACK_IN && tcphs_seq_after(a->s->ack, c->rst_peer_nxt));
}

/* Where the RST came as its sender's segments do, and this one does not, or leaps: this one is not the sender's. */
static bool fits_less_than_rst(const struct tcphs_arrival *a)
{
    return a->c->rst_origin == TCPHS_ORIGIN_FITS &&
           (tcphs_origin(a) == TCPHS_ORIGIN_DIFFERS || tcphs_seq_after(a->s->seq, a->x->snd_nxt));
}

bool tcphs_outlives_own_rst(const struct tcphs_arrival *a)
{
    if (!tcphs_is_reset(a->c) || a->s->from != a->c->rst_from || !tcphs_is_in_time(a))
        return false;
    if (a->kind == TCPHS_KIND_SYN_ACK)
        return !tcphs_knows(a->x, TCPHS_SENT_SYN_ACK) && tcphs_knows(a->y, TCPHS_SENT_SYN) &&
               a->s->ack == a->y->iss + 1;
    return tcphs_is_ack(a) && tcphs_knows(a->x, TCPHS_KNOWS_SENT) && !fits_less_than_rst(a) && is_later_than_rst(a);
}

bool tcphs_disproves_rst(const struct tcphs_arrival *a)
{
    return tcphs_survives_rst(a) || (a->kind == TCPHS_KIND_SYN_ACK && tcphs_outlives_own_rst(a));
}

/*
 * While a connection closes, a closed end answers what reaches it: the bytes before the RST, and the end itself, may
 * have passed uncaptured. The addressed end then says no more.
 */
bool tcphs_may_follow_unseen_end(const struct tcphs_arrival *a)
{
    return tcphs_connection_stage(a->c) == TCPHS_STAGE_CLOSING && !tcphs_has_any(a->s, TCPHS_ACK) &&
           tcphs_knows(a->x, TCPHS_KNOWS_SENT) && tcphs_seq_after(a->s->seq, a->x->snd_nxt);
}

bool tcphs_is_unseen_fin(const struct tcphs_arrival *a)
{
    return tcphs_has_fin(a) && !tcphs_knows(a->x, TCPHS_FIN_SENT) && tcphs_knows(a->y, TCPHS_KNOWS_HEARD) &&
           !tcphs_is_reset(a->c) && tcphs_is_synchronised(a->y->state) && a->end == a->y->rcv_nxt &&
           (a->c->facts & (TCPHS_GAPS | TCPHS_MIDSTREAM_START)) != 0;
}

bool tcphs_is_foreign(const struct tcphs_arrival *a)
{
    if (!tcphs_knows(a->x, TCPHS_KNOWS_SENT))
        return false;
    const int32_t leap = tcphs_seq_diff(a->s->seq, a->x->snd_nxt);
    const bool far = leap > TCPHS_FAR_APART || leap < -TCPHS_FAR_APART;
    return far && a->seq_position != TCPHS_SEQ_CONTIGUOUS &&
           (a->ack_position == TCPHS_ACK_FAR || a->ack_position == TCPHS_ACK_UNSEEN ||
            a->ack_position == TCPHS_ACK_TOO_OLD);
}

bool tcphs_fits(const struct tcphs_arrival *a)
{
    return tcphs_knows(a->x, TCPHS_KNOWS_SENT) && tcphs_seq_within(a->s->seq, a->x->snd_una - 1, a->x->snd_nxt) &&
           (a->ack_position == TCPHS_ACK_IN || a->ack_position == TCPHS_ACK_OLD);
}

/* In the same gap as x's last foreign segment, or in the window behind it. */
static bool follows_own_foreign_segment(const struct tcphs_arrival *a)
{
    return tcphs_has_foreign_segment(a->x) &&
           tcphs_seq_within(a->s->seq, a->x->snd_nxt, a->x->foreign_seq + tcphs_gap_window(a->y));
}

bool tcphs_lags_behind_foreign_segment(const struct tcphs_arrival *a)
{
    return follows_own_foreign_segment(a) && tcphs_seq_before(a->s->seq, a->x->foreign_seq);
}

bool tcphs_leaps(const struct tcphs_arrival *a)
{
    const struct tcphs_end *x = a->x;
    if (a->kind != TCPHS_KIND_ACK || a->seq_position != TCPHS_SEQ_FAR || tcphs_fin_is_certain(x) ||
        !tcphs_knows(x, TCPHS_KNOWS_SENT) || x->state < TCPHS_SYN_RECEIVED || !tcphs_is_synchronised(a->y->state) ||
        a->ack_position == TCPHS_ACK_FAR || a->ack_position == TCPHS_ACK_TOO_OLD)
        return false;
    const int32_t leap = tcphs_seq_diff(a->s->seq, x->snd_nxt);
    /* Twice the window that was seen: it may have grown in the round trip that is under way. */
    return leap > 0 &&
           ((uint32_t)leap <= tcphs_largest_gap(a, x, 2 * tcphs_gap_window(a->y)) || follows_own_foreign_segment(a));
}

bool tcphs_is_foreign_syn_ack(const struct tcphs_arrival *a)
{
    if (a->kind != TCPHS_KIND_SYN_ACK || !tcphs_knows(a->x, TCPHS_KNOWS_SENT) || tcphs_repeats_syn(a))
        return false;
    if (tcphs_knows(a->y, TCPHS_KNOWS_ISS | TCPHS_KNOWS_SENT))
        return !tcphs_acks_syn(a);
    return a->ack_position == TCPHS_ACK_FAR || a->ack_position == TCPHS_ACK_UNSEEN;
}

/* Exactly at one of the last acknowledgments that y was seen to send. */
static bool is_at_recent_ack(const struct tcphs_arrival *a)
{
    for (int i = 0; i < TCPHS_RECENT_ACKS; i++)
        if (a->s->seq == a->y->recent_acks[i])
            return true;
    return false;
}

/* At what y, of which the capture has nothing, may have acknowledged last of whatever was sent to it. */
static bool is_at_unseen_ack(const struct tcphs_arrival *a)
{
    return tcphs_knows(a->x, TCPHS_FIN_SENT | TCPHS_KNOWS_ISS) && !tcphs_knows(a->y, TCPHS_SENT_ANYTHING) &&
           tcphs_seq_within(a->s->seq, a->x->iss + 1, a->x->fin_seq + 1);
}

/* At an acknowledgment that is missing from the capture, or one that the path held back until its receiver had closed. */
static bool is_at_earlier_ack(const struct tcphs_arrival *a)
{
    const struct tcphs_end *y = a->y;
    const uint32_t seq = a->s->seq, window = tcphs_gap_window(y), oldest = y->recent_acks[TCPHS_RECENT_ACKS - 1];
    const uint32_t seen = (a->c->facts & TCPHS_GAPS) ? y->rcv_nxt - window : y->rcv_ack;
    if (seq != y->rcv_nxt && tcphs_seq_within(seq, seen, y->rcv_nxt))
        return true;
    return tcphs_knows(a->x, TCPHS_KNOWS_ISS) && tcphs_seq_after(seq, a->x->iss) && tcphs_seq_before(seq, oldest) &&
           (uint32_t)tcphs_seq_diff(y->rcv_nxt, seq) <= window;
}

bool tcphs_answers_as_closed(const struct tcphs_arrival *a)
{
    if (a->kind != TCPHS_KIND_RST || tcphs_has_any(a->s, TCPHS_ACK) || !tcphs_knows(a->y, TCPHS_KNOWS_HEARD))
        return false;
    const bool both_closed = tcphs_knows(a->x, TCPHS_FIN_SENT) && tcphs_knows(a->y, TCPHS_FIN_SENT);
    return is_at_recent_ack(a) || is_at_unseen_ack(a) || (both_closed && is_at_earlier_ack(a));
}

bool tcphs_is_known_alternative(const struct tcphs_arrival *a)
{
    for (int i = 0; i < TCPHS_ALTERNATIVES; i++)
        if (a->c->alternatives[i].frame != 0 && a->c->alternatives[i].iss == a->s->seq)
            return true;
    return false;
}

/* The handshake goes on where it stood: the segment that seemed to come after it was none of this connection. */
bool tcphs_contradicts_assumed_open(const struct tcphs_arrival *a)
{
    if (a->c->assumed_open_frame == 0 || !((a->x->beliefs | a->y->beliefs) & TCPHS_OPENED_UNSEEN) ||
        a->s->time < a->c->last_time)
        return false;
    if (a->kind == TCPHS_KIND_SYN_ACK)
        return tcphs_knows(a->x, TCPHS_SENT_SYN_ACK) && a->s->seq == a->x->iss && a->s->ack == a->y->iss + 1;
    if (a->kind == TCPHS_KIND_SYN)
        return tcphs_knows(a->x, TCPHS_SENT_SYN) && a->s->seq == a->x->iss;
    return a->kind == TCPHS_KIND_ACK && a->s->seq == a->x->iss + 1 && a->s->ack == a->y->iss + 1 &&
           !tcphs_has_any(a->s, TCPHS_FIN);
}

/* An end has closed, acknowledging bytes that were not captured: the capture misses a part, perhaps the rest of the
 * close. */
bool tcphs_has_unseen_fin(const struct tcphs_arrival *a)
{
    return ((a->x->known | a->y->known) & TCPHS_UNSEEN_ACK_HAS_FIN) != 0;
}

/* It has begun to close, or has said nothing for so long that its end may not have been captured. */
bool tcphs_may_have_ended(const struct tcphs_arrival *a)
{
    return tcphs_has_ended(a->c) || tcphs_connection_stage(a->c) == TCPHS_STAGE_CLOSING || tcphs_has_unseen_fin(a) ||
           a->s->time - a->c->last_time > TCPHS_TIME_WAIT_OVER;
}

/* Well beyond its own FIN, acknowledging what y never sent: nothing of this connection. */
static bool is_past_fin(const struct tcphs_arrival *a)
{
    const struct tcphs_end *x = a->x;
    return tcphs_knows(x, TCPHS_FIN_SENT) && tcphs_seq_after(a->s->seq, x->fin_seq + 1) &&
           tcphs_knows(a->y, TCPHS_KNOWS_SENT) && tcphs_seq_after(a->s->ack, a->y->snd_nxt);
}

bool tcphs_may_be_of_other_connection(const struct tcphs_arrival *a)
{
    return a->kind == TCPHS_KIND_ACK &&
           (tcphs_leaps(a) || (tcphs_may_have_ended(a) && (tcphs_is_foreign(a) || is_past_fin(a))));
}

enum tcphs_time_wait_answer tcphs_answer_by_timestamp(const struct tcphs_arrival *a)
{
    return tcphs_time_wait_answer(a->c, a->y, (a->s->options & TCPHS_OPT_TIMESTAMP) != 0, a->s->ts_value);
}

/* A SYN that comes when TIME-WAIT is over begins another connection, and is not asked about (port_reuse.c). */
bool tcphs_is_too_old_for_time_wait(const struct tcphs_arrival *a)
{
    return a->kind == TCPHS_KIND_SYN && a->y->state == TCPHS_TIME_WAIT && !tcphs_repeats_syn(a) &&
           tcphs_answer_by_timestamp(a) == TCPHS_TIME_WAIT_REFUSES;
}
