/* arrival.h
 * A segment that arrives (RFC 9293 3.10.7), held against the connection as it stands before it.
 * Filled by acceptability.c; read by all that judge or process a segment.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_ARRIVAL_H
#define TCPHS_ARRIVAL_H

#include "tcp/state.h"

/* Numbers this far apart, the largest unscaled window, are not of one place. */
#define TCPHS_FAR_APART 65535

/** What a segment is to its receiver, in the order RFC 9293 3.10.7 asks: RST first, then SYN, then ACK. */
enum tcphs_segment_kind {
    TCPHS_KIND_RST = 1,
    TCPHS_KIND_SYN,
    TCPHS_KIND_SYN_ACK,
    TCPHS_KIND_ACK,    /**< carries ACK */
    TCPHS_KIND_NO_ACK, /**< none of RST, SYN, ACK: every receiver drops it */
};

/** Where the sequence numbers lie against the receiver's window. */
enum tcphs_seq_position {
    TCPHS_SEQ_UNKNOWN = 1,
    TCPHS_SEQ_OLD,        /**< wholly before RCV.NXT */
    TCPHS_SEQ_IN,         /**< any part of it in the window */
    TCPHS_SEQ_EDGE,       /**< a byte exactly at the right edge: a window probe */
    TCPHS_SEQ_BEYOND,     /**< beyond the right edge, by less than a window: an unseen window update would explain it */
    TCPHS_SEQ_CONTIGUOUS, /**< beyond the right edge, however far, but right behind what its sender has sent: the
                          receiver's window updates are missing from the capture */
    TCPHS_SEQ_AMBIGUOUS,  /**< anywhere else, and that tells nothing: the numbers may have gone round unseen */
    TCPHS_SEQ_FAR,        /**< none of these */
};

/** Where the acknowledgment lies against what the receiver has sent. */
enum tcphs_ack_position {
    TCPHS_ACK_NONE = 1, /**< no ACK flag */
    TCPHS_ACK_UNKNOWN,
    TCPHS_ACK_TOO_OLD, /**< RFC 5961 5.2 */
    TCPHS_ACK_OLD,
    TCPHS_ACK_IN,
    TCPHS_ACK_UNSEEN,    /**< of bytes not captured, at most a window of them */
    TCPHS_ACK_AMBIGUOUS, /**< anywhere else, and that tells nothing: the numbers may have gone round unseen */
    TCPHS_ACK_FAR,       /**< beyond that */
};

/** A segment on arrival, and how it was judged. Lifetime: one call. */
struct tcphs_arrival {
    const struct tcphs_connection *c; /**< before the segment */
    const struct tcphs_segment *s;
    const struct tcphs_end *x; /**< sender */
    const struct tcphs_end *y; /**< receiver */
    uint32_t end;              /**< SEG.SEQ + SEG.LEN */
    uint8_t kind, seq_position, ack_position, accepted;
    uint8_t refusal;         /**< enum tcphs_refusal */
    bool answers_unseen_ack; /**< RST at exactly the number that y acknowledged without right */
};

static inline bool tcphs_is_ack(const struct tcphs_arrival *a)
{
    return a->kind == TCPHS_KIND_ACK;
}

static inline bool tcphs_has_fin(const struct tcphs_arrival *a)
{
    return tcphs_has_any(a->s, TCPHS_FIN);
}

/* The capture has not run backwards: only then does "later" mean later. */
static inline bool tcphs_is_in_time(const struct tcphs_arrival *a)
{
    return a->s->time >= a->c->last_time;
}

/** This SYN repeats the SYN that opened the connection. */
static inline bool tcphs_repeats_syn(const struct tcphs_arrival *a)
{
    return tcphs_knows(a->x, TCPHS_KNOWS_ISS) && a->s->seq == a->x->iss;
}

#endif
