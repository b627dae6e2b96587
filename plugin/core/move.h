/* move.h
 * What the parts of the connection (opening, ordinary, closing, resetting) share: the move of one segment, and the
 * bookkeeping behind it. Private to the core.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_MOVE_H
#define TCPHS_MOVE_H

#include <string.h>

#include "connection.h"
#include "machine.h"
#include "seq.h"
#include "timestamps.h"
#include "view.h"

/** The connection, the segment, how it was judged before the move, and what is told of it. */
struct tcphs_move {
    struct tcphs_connection *c;
    const struct tcphs_segment *s;
    const struct tcphs_view *v;
    struct tcphs_outcome *o;
    struct tcphs_end *x, *y; /**< sender and receiver */
};

/* numbers.c */
/** Lets one end's machine take a step. */
void tcphs_act(struct tcphs_end *e, enum tcphs_step_event event);
/** From here on the connection's values rest on an assumption. */
void tcphs_assume(struct tcphs_connection *c);
/** First knowledge of what an end has sent: SND.UNA and SND.NXT. */
void tcphs_learn_sent(struct tcphs_end *e, uint32_t una, uint32_t nxt);
/** Its peer acknowledges what it has sent: SND.UNA, and whether there was data in it. */
void tcphs_learn_acked(struct tcphs_end *e, uint32_t ack);
/** An end has answered after so many nanoseconds; negative is ignored. */
void tcphs_learn_loop(struct tcphs_end *e, int64_t time);
/** First knowledge of what an end has heard: RCV.NXT. */
void tcphs_learn_heard(struct tcphs_end *e, uint32_t next);
/** Takes in the window that the sender grants in this segment, scaled. */
void tcphs_learn_window(const struct tcphs_move *m, uint32_t window);
/** Takes in the timestamp of a segment that was judged and has moved nothing yet. */
void tcphs_learn_timestamp(const struct tcphs_move *m);
/** Takes in the options of a SYN or SYN-ACK, if they were captured whole. */
void tcphs_learn_syn_options(const struct tcphs_move *m);
/** Takes in held data that RCV.NXT has reached. */
void tcphs_join_held(struct tcphs_end *e);
/** The receiver hears the sequence numbers [left, right) of the sender; a FIN counts once it is in sequence. */
void tcphs_deliver(const struct tcphs_move *m, uint32_t left, uint32_t right);
/** Shows how many SYNs and SYN-ACKs there were so far. */
void tcphs_tell_counts(const struct tcphs_move *m);
/** Shows the acknowledgment number that was due beside the one seen. */
void tcphs_tell_due(const struct tcphs_move *m, uint32_t due);
/** Remembers that the sender acknowledged what its peer was not seen to send; open = a capture gap would explain it. */
void tcphs_claim(const struct tcphs_move *m, bool open);
/** Links the first accepted segment of a kind. */
void tcphs_link_first(const struct tcphs_move *m, enum tcphs_link link);

/* What every segment does, the plain ones too. */

/** Keeps one of the last acknowledgments an end has sent. */
static inline void tcphs_remember_ack(struct tcphs_end *e, uint32_t ack)
{
    if (e->recent_acks[0] == ack)
        return;
    memmove(&e->recent_acks[1], &e->recent_acks[0], (TCPHS_RECENT_ACKS - 1) * sizeof e->recent_acks[0]);
    e->recent_acks[0] = ack;
}

/** The sender has sent what its peer accepts: from now on the silence of its direction is measured. */
static inline void tcphs_note_fit(const struct tcphs_move *m)
{
    m->x->fit_clock = tcphs_clock(m->s->time);
    m->x->known |= TCPHS_HAS_FIT;
}

/** An end sends bytes that it has not sent before: their acknowledgment will be timed. */
static inline void tcphs_time_bytes(struct tcphs_end *x, uint32_t end, int64_t time)
{
    if (x->beliefs & TCPHS_IS_TIMED)
        return;
    x->timed_end = end;
    x->timed_clock = tcphs_clock(time);
    x->beliefs |= TCPHS_IS_TIMED;
}

/** x acknowledges what y has sent: how long the answer took, if that was timed. */
static inline void tcphs_time_answer(struct tcphs_end *x, struct tcphs_end *y, uint32_t ack, int64_t time)
{
    if (!(y->beliefs & TCPHS_IS_TIMED) || tcphs_seq_before(ack, y->timed_end))
        return;
    y->beliefs &= ~(uint32_t)TCPHS_IS_TIMED;
    const uint32_t took = tcphs_clock(time) - y->timed_clock;
    if (took <= INT32_MAX && (x->loop == 0 || took < x->loop))
        x->loop = took > 0 ? took : 1;
}

/** TS.Recent of the receiver, by a segment that it takes (RFC 7323 4.3): one that began at or before what it has
 * acknowledged, and is not older. A slack of one tick (see timestamps.c) does not set it back. */
static inline void tcphs_take_timestamp(const struct tcphs_move *m)
{
    struct tcphs_end *y = m->y;
    if (m->s->ts_value == y->ts_recent || tcphs_seq_after(m->s->seq, y->rcv_ack))
        return;
    const uint16_t day = tcphs_day(m->s->time);
    const bool is_stale = (uint16_t)(day - y->ts_day) >= TCPHS_TS_RECENT_DAYS;
    if (y->ts_recent != 0 && !is_stale && tcphs_ts_age(m->s->ts_value, y->ts_recent) > 0)
        return;
    y->ts_recent = m->s->ts_value;
    y->ts_day = day;
}

/** Takes in how far the sender is, and how it numbers its IP packets. */
static inline void tcphs_learn_hops(const struct tcphs_move *m)
{
    struct tcphs_end *x = m->x;
    const uint16_t step = (uint16_t)(m->s->ip_id - x->ip_id);
    if (x->ttl_steady == 0 || m->s->ttl != x->ttl) {
        const uint8_t hops = (uint8_t)tcphs_hops(m->s->ttl);
        x->hops_least = x->ttl_steady == 0 || hops < x->hops_least ? hops : x->hops_least;
        x->hops_most = x->ttl_steady == 0 || hops > x->hops_most ? hops : x->hops_most;
        x->ttl_steady = x->ttl_steady == 0 ? 1 : TCPHS_MIXED;
    } else if (x->ttl_steady < TCPHS_MIXED - 1) {
        x->ttl_steady++;
    }
    x->ttl = m->s->ttl;
    x->ip_id_steps =
        (uint8_t)(step == 0 || step > TCPHS_SMALL_STEP ? 0 : x->ip_id_steps + (x->ip_id_steps < UINT8_MAX));
    x->ip_id = m->s->ip_id;
    x->last_window = m->s->window;
}

/** The sender has sent what RFC 5961 lets the peer challenge; kind = TCPHS_PROVOKED_BY_ACK, _BY_DATA or 0. */
void tcphs_provoke(const struct tcphs_move *m, unsigned kind);
/** The challenge has come, or will not come any more. */
void tcphs_forget_provocation(struct tcphs_end *e);
/** Points a link elsewhere, or nowhere (0); not done any more when it was done too often. */
void tcphs_change_link(struct tcphs_connection *c, enum tcphs_link link, uint32_t frame);
/** Takes in what the options of a SYN or SYN-ACK offer, if they were captured whole. */
void tcphs_learn_offer(struct tcphs_end *x, const struct tcphs_segment *s);

/* handshake_options.c */
/** What a SYN or SYN-ACK offers, as one number: its options (enum tcphs_option) and, above them, its ECN bits. */
static inline uint16_t tcphs_offer_of(const struct tcphs_segment *s)
{
    return (uint16_t)(s->options | (s->flags & TCPHS_ECN_BITS) << 6);
}
/** The options of such a number … */
static inline uint16_t tcphs_options_of(unsigned offer)
{
    return (uint16_t)(offer & ~((unsigned)TCPHS_ECN_BITS << 6));
}
/** … and its ECN bits (enum tcphs_flag). */
static inline uint16_t tcphs_ecn_bits_of(unsigned offer)
{
    return (uint16_t)(offer >> 6 & TCPHS_ECN_BITS);
}
/** Takes in what the last SYN or SYN-ACK of an end offers. */
void tcphs_note_offer(struct tcphs_end *x, const struct tcphs_segment *s);
/** Works out what both ends have agreed on, by the last SYN of the one and the last SYN-ACK of the other. */
void tcphs_agree(struct tcphs_connection *c, const struct tcphs_end *server, const struct tcphs_end *client);
/** Shows on a handshake step what both ends have offered so far, and from step 2 on what they agreed on. */
void tcphs_tell_options(const struct tcphs_move *m);

/* connection.c */
/** Names what is wrong with the segment as the connection stands now. */
void tcphs_find(const struct tcphs_move *m);

/* opening.c */
/** Moves by a SYN: opens, repeats, crosses (simultaneous open), or stands in the way of a live connection. */
void tcphs_move_by_syn(const struct tcphs_move *m);
/** Moves by a SYN-ACK: accepted, repeated, with a wrong number, or of another connection. */
void tcphs_move_by_syn_ack(const struct tcphs_move *m);

/** Remembers a segment whose numbers do not fit: what follows tells whether it is refused or of a new connection. */
void tcphs_keep_other(const struct tcphs_move *m, uint32_t end, unsigned kind);

/* closing.c */
/** An end closes, by a FIN at the given sequence number. */
void tcphs_send_fin(const struct tcphs_move *m, struct tcphs_end *e, enum tcphs_step_event event, uint32_t fin_seq);
/** Moves by the FIN of an acceptable segment; a repeated one only shows its close step. */
void tcphs_move_by_fin(const struct tcphs_move *m);
/** Shows the close step of a pure ACK that repeats the acknowledgment of a FIN. */
void tcphs_tell_repeated_close_ack(const struct tcphs_move *m);
/** Moves both ends when the segment acknowledges the receiver's FIN. */
void tcphs_acknowledge_fin(const struct tcphs_move *m);
/** The receiver has closed by a FIN that was not captured: the sender acknowledges it. */
void tcphs_assume_fin(const struct tcphs_move *m);
/** Does a RST prove that its sender's FIN, and its acknowledgment, were not captured? */
bool tcphs_resets_behind_unseen_fin(const struct tcphs_view *v);
/** The sender has closed by a FIN that was not captured, and the receiver has acknowledged it, as was not captured. */
void tcphs_assume_own_fin(const struct tcphs_move *m);
/** Does the segment show that the FIN assumed of its sender was none? */
bool tcphs_contradicts_assumed_fin(const struct tcphs_view *v);
/** Takes an assumed FIN of the sender back. */
void tcphs_retract_assumed_fin(const struct tcphs_move *m);
/** Does the segment show that its sender never heard the FIN that a RST of its peer made us assume? */
bool tcphs_never_heard_assumed_fin(const struct tcphs_view *v);
/** Takes that FIN, and the RST, back. */
void tcphs_retract_own_fin(const struct tcphs_move *m);
/** What y acknowledged was never sent: its receiver x has dropped the segments that said so, bytes and FIN too. */
void tcphs_drop_claim(const struct tcphs_move *m);
/** Does the segment, in sequence, take the place of a FIN of its sender that the receiver still holds back? */
bool tcphs_overtakes_held_fin(const struct tcphs_view *v);
/** Takes that FIN back. */
void tcphs_retract_held_fin(const struct tcphs_move *m);

/* ordinary.c */
/** The first segment of a connection whose handshake was not captured. */
void tcphs_pick_up_midstream(const struct tcphs_move *m);
/** Does the segment prove that bytes which its receiver acknowledged unseen were really sent? */
bool tcphs_confirms_gap(const struct tcphs_view *v);
/** Believes those bytes: the capture has a gap. */
void tcphs_confirm_gap(const struct tcphs_move *m);
/** Moves by a segment with ACK, and neither SYN nor RST. */
void tcphs_move_by_ordinary(const struct tcphs_move *m);

/* resetting.c */
/** Moves by a RST, obeyed or not, and says of what kind it is. */
void tcphs_move_by_rst(const struct tcphs_move *m);
/** Takes back a RST that did not end the connection: both ends are again what they were. */
void tcphs_take_back_rst(const struct tcphs_move *m);

#endif
