/* view.h
 * A segment held against what its receiver expects: where its numbers lie and whether the receiver would accept it.
 * Judges only; connection.c moves, checks.c names what is wrong.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_VIEW_H
#define TCPHS_VIEW_H

#include "connection.h"

/** What a segment is to its receiver, in the order RFC 9293 3.10.7 asks: RST first, then SYN, then ACK. */
enum tcphs_kind {
    TCPHS_KIND_RST = 1,
    TCPHS_KIND_SYN,
    TCPHS_KIND_SYN_ACK,
    TCPHS_KIND_ORDINARY, /**< carries ACK */
    TCPHS_KIND_BARE,     /**< none of RST, SYN, ACK: every receiver drops it */
};

/** Where the sequence numbers lie against the receiver's window. */
enum tcphs_seq_place {
    TCPHS_SEQ_UNKNOWN = 1,
    TCPHS_SEQ_OLD,   /**< wholly before RCV.NXT */
    TCPHS_SEQ_IN,    /**< any part of it in the window */
    TCPHS_SEQ_EDGE,  /**< a byte exactly at the right edge: a window probe */
    TCPHS_SEQ_OVER,  /**< beyond the right edge, by less than a window: an unseen window update would explain it */
    TCPHS_SEQ_AHEAD, /**< beyond the right edge, however far, but right behind what its sender has sent: the receiver's
                          window updates are missing from the capture */
    TCPHS_SEQ_LOST,  /**< anywhere else, and that tells nothing: the numbers may have gone round unseen */
    TCPHS_SEQ_FAR,   /**< none of these */
};

/** Where the acknowledgment lies against what the receiver has sent. */
enum tcphs_ack_place {
    TCPHS_ACK_NONE = 1, /**< no ACK flag */
    TCPHS_ACK_UNKNOWN,
    TCPHS_ACK_TOO_OLD, /**< RFC 5961 5.2 */
    TCPHS_ACK_OLD,
    TCPHS_ACK_IN,
    TCPHS_ACK_UNSEEN, /**< of bytes not captured, at most a window of them */
    TCPHS_ACK_LOST,   /**< anywhere else, and that tells nothing: the numbers may have gone round unseen */
    TCPHS_ACK_FAR,    /**< beyond that */
};

/** Whether a segment came as the others of its sender did, by TTL and IP identification. */
enum tcphs_origin { TCPHS_ORIGIN_UNKNOWN = 0, TCPHS_ORIGIN_FITS, TCPHS_ORIGIN_DIFFERS };

/** Why a receiver drops a segment for something else than its numbers. */
enum tcphs_refusal {
    TCPHS_REFUSED_FOR_NOTHING = 0,
    TCPHS_REFUSED_FOR_SIGNATURE, /**< missing, or not expected (RFC 2385, RFC 5925) */
    TCPHS_REFUSED_FOR_TIMESTAMP, /**< it is old (PAWS, RFC 7323 5), and the numbers are right */
    TCPHS_REFUSED_FOR_ECHO,      /**< a SYN-ACK that echoes no timestamp of the SYN */
};

struct tcphs_view {
    const struct tcphs_connection *c; /**< before the segment */
    const struct tcphs_segment *s;
    const struct tcphs_end *x; /**< sender */
    const struct tcphs_end *y; /**< receiver */
    uint32_t end;              /**< SEG.SEQ + SEG.LEN */
    uint8_t kind, seq_place, ack_place, accepted;
    uint8_t refusal;    /**< enum tcphs_refusal */
    bool answers_claim; /**< RST at exactly the number that y acknowledged without right */
};

/** Holds a segment against the connection as it stands before it. */
void tcphs_view_init(struct tcphs_view *v, const struct tcphs_connection *c, const struct tcphs_segment *s);

/** ESTABLISHED or any state after it: the end knows both initial sequence numbers and has them confirmed. */
static inline bool tcphs_is_synchronised(unsigned state)
{
    return state >= TCPHS_ESTABLISHED && state <= TCPHS_TIME_WAIT;
}

/** One end's SYN had no window scale option, which settles it for both (RFC 7323 2.2). */
bool tcphs_has_no_scale(const struct tcphs_connection *c);

/** The capture has the scale of both ends' windows, or knows that there is none. */
static inline bool tcphs_scale_is_known(const struct tcphs_connection *c)
{
    return (c->end[0].known & c->end[1].known & TCPHS_SAW_SYN_OPTIONS) || tcphs_has_no_scale(c);
}

/** The window granted by a segment without SYN, when the scale of both ends is known. */
static inline uint32_t tcphs_scaled_window(const struct tcphs_connection *c, const struct tcphs_segment *s)
{
    const bool scaled = c->end[0].known & c->end[1].known & TCPHS_OFFERED_SCALE;
    return scaled ? (uint32_t)s->window << c->end[s->from].wscale : s->window;
}

/** The window an end granted in this segment, scaled as far as the capture knows the scale. */
uint32_t tcphs_granted_window(const struct tcphs_connection *c, const struct tcphs_segment *s);

static inline bool tcphs_knows(const struct tcphs_end *e, unsigned what)
{
    return (e->known & what) == what;
}

/** The end has closed by a FIN that was captured: its place is certain. */
static inline bool tcphs_fin_is_certain(const struct tcphs_end *e)
{
    return (e->known & (TCPHS_FIN_SENT | TCPHS_FIN_ASSUMED)) == TCPHS_FIN_SENT;
}

/** The end has sent a segment, without SYN, of numbers that do not fit; nothing has explained or refused it yet. */
static inline bool tcphs_has_stray(const struct tcphs_end *e)
{
    return e->other_frame != 0 && tcphs_knows(e, TCPHS_OTHER_IS_STRAY);
}

/** Both numbers of the segment have a place in this connection: its sender goes on where it stood. */
bool tcphs_fits(const struct tcphs_view *v);

/** Does an acknowledgment with this right edge take back a part of the window that its sender had offered? */
bool tcphs_takes_window_back(const struct tcphs_end *x, uint32_t ack, uint32_t edge);

/** This SYN repeats the SYN that opened the connection. */
static inline bool tcphs_repeats_syn(const struct tcphs_view *v)
{
    return tcphs_knows(v->x, TCPHS_KNOWS_ISS) && v->s->seq == v->x->iss;
}

/** Its sequence number leaps away from its sender's, and it acknowledges what this connection does not know. */
bool tcphs_is_foreign(const struct tcphs_view *v);

/** It lies so far ahead of what its sender was seen to send that only a large gap in the capture would explain it. */
bool tcphs_leaps(const struct tcphs_view *v);

/** … but not as far as another stray segment of the same sender before it. */
bool tcphs_lags_behind_stray(const struct tcphs_view *v);

/** Its numbers are of another connection, as far as they tell, and this one may have ended unseen (succession.c). */
bool tcphs_is_stranger(const struct tcphs_view *v);

/** A SYN that a receiver in TIME-WAIT refuses for its timestamp, whatever its number (RFC 6191; succession.c). */
bool tcphs_is_too_old_for_time_wait(const struct tcphs_view *v);

/** A SYN-ACK of other numbers than the one accepted, acknowledging what the receiver never sent: of another connection?
 */
bool tcphs_is_foreign_syn_ack(const struct tcphs_view *v);

/** What a closed end sends back to a segment that reaches it: a RST at the number it was asked for, without ACK flag.
 */
bool tcphs_answers_as_closed(const struct tcphs_view *v);

/** Is a RST with this number exactly where its receiver y would obey it? */
bool tcphs_rst_is_exact(const struct tcphs_view *v);

/** … but only if the data before it did not arrive: its receiver may expect more than it has acknowledged. */
bool tcphs_rst_is_doubtful(const struct tcphs_view *v);

/** Does the RST refuse another SYN that its receiver had sent inside the connection? */
bool tcphs_refuses_other_syn(const struct tcphs_view *v);

/** The handshake goes on where it stood, though its end was assumed by a segment far beyond it (belief.c). */
bool tcphs_contradicts_opening(const struct tcphs_view *v);

/** A SYN-ACK with the initial number of one that was kept beside the one believed (belief.c). */
bool tcphs_is_known_rival(const struct tcphs_view *v);

/** Did the segment come as the earlier ones of its sender did? */
enum tcphs_origin tcphs_origin(const struct tcphs_view *v);

/** A RST with the IP id of the latest segment of its own receiver, and not with its claimed sender's next. */
bool tcphs_echoes_its_receiver(const struct tcphs_view *v);

/** How many hops a packet with this TTL has come, its first TTL taken for the next that is in use. */
unsigned tcphs_hops(uint8_t ttl);

/** It acknowledges y's SYN, and no more than y was seen to send; false when y's initial number is not known. */
bool tcphs_acks_syn(const struct tcphs_view *v);

/** While x closes, it acknowledges exactly one sequence number more than y was seen to send: y's FIN, uncaptured. */
bool tcphs_acks_unseen_fin(const struct tcphs_view *v);

/** The SYNs were captured whole, and not one of them is signed. */
bool tcphs_is_opened_unsigned(const struct tcphs_connection *c);

/** It bears no signature where one is due, or one by MD5 where none is: its receiver drops it without a word. */
bool tcphs_has_wrong_signature(const struct tcphs_view *v);

/** The acknowledgment that was due from the sender: the end of what the receiver sent, or its SYN + 1. */
uint32_t tcphs_due_ack(const struct tcphs_view *v);

#endif
