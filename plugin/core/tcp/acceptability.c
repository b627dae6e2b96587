/* acceptability.c
 * The acceptability test and ACK check of RFC 9293 3.10.7 with RFC 5961, from the observer's knowledge.
 * The observer knows less than the receiver: whenever a capture gap could turn the answer, it is "unknown".
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tcp/acceptability.h"

#include "tcp/gap.h"
#include "tcp/timestamps.h"

static uint8_t kind_of(const struct tcphs_segment *s)
{
    if (tcphs_has_any(s, TCPHS_RST))
        return TCPHS_KIND_RST;
    if (tcphs_has_any(s, TCPHS_SYN))
        return tcphs_has_any(s, TCPHS_ACK) ? TCPHS_KIND_SYN_ACK : TCPHS_KIND_SYN;
    return tcphs_has_any(s, TCPHS_ACK) ? TCPHS_KIND_ACK : TCPHS_KIND_NO_ACK;
}

/* At the right edge of the window or beyond it, by so much. */
static uint8_t locate_beyond_edge(const struct tcphs_arrival *a, uint32_t over)
{
    const bool empty = a->end == a->s->seq;
    if (over == 0 && empty)
        return TCPHS_SEQ_IN;
    if (over == 0 && a->s->length <= 1)
        return TCPHS_SEQ_EDGE;
    if (!empty && tcphs_knows(a->x, TCPHS_KNOWS_SENT) && !tcphs_seq_after(a->s->seq, a->x->snd_nxt))
        return TCPHS_SEQ_CONTIGUOUS;
    if (over <= tcphs_gap_window(a->y))
        return TCPHS_SEQ_BEYOND;
    return tcphs_may_have_wrapped(a, a->x) ? TCPHS_SEQ_AMBIGUOUS : TCPHS_SEQ_FAR;
}

static uint8_t locate_seq(const struct tcphs_arrival *a)
{
    const struct tcphs_end *y = a->y;
    if (!tcphs_knows(y, TCPHS_KNOWS_HEARD))
        return TCPHS_SEQ_UNKNOWN;
    const bool empty = a->end == a->s->seq;
    if (empty ? tcphs_seq_before(a->s->seq, y->rcv_nxt) : !tcphs_seq_after(a->end, y->rcv_nxt))
        return y->rcv_nxt - a->end > tcphs_gap_window(y) && tcphs_may_have_wrapped(a, a->x) ? TCPHS_SEQ_AMBIGUOUS
                                                                                            : TCPHS_SEQ_OLD;
    const int32_t over = tcphs_seq_diff(a->s->seq, y->rcv_edge);
    return !tcphs_knows(y, TCPHS_KNOWS_WINDOW) || over < 0 ? TCPHS_SEQ_IN : locate_beyond_edge(a, (uint32_t)over);
}

/* Of bytes that y was not seen to send: could they have passed uncaptured? */
static uint8_t locate_unseen_ack(const struct tcphs_arrival *a, uint32_t beyond)
{
    const struct tcphs_end *x = a->x, *y = a->y;
    /* Behind its FIN an end sends nothing: no gap can explain an acknowledgment of more. */
    if (tcphs_fin_is_certain(y))
        return TCPHS_ACK_FAR;
    if (!tcphs_knows(y, TCPHS_SENT_ANYTHING)) /* y's direction is not in the capture at all */
        return TCPHS_ACK_UNKNOWN;
    const uint32_t grant = tcphs_largest_possible_window(a->c, x);
    /* Behind its first byte the client is beyond the handshake, whatever the capture has of it. */
    const bool beyond_handshake = y->state == TCPHS_SYN_RECEIVED && a->s->seq != x->iss + 1;
    const bool open = tcphs_is_synchronised(x->state) && (tcphs_is_synchronised(y->state) || beyond_handshake);
    if (!open)
        return beyond <= grant ? TCPHS_ACK_UNSEEN : TCPHS_ACK_FAR;
    const bool in_leap =
        tcphs_has_foreign_segment(y) && tcphs_seq_within(a->s->ack, y->snd_nxt, y->foreign_seq + tcphs_gap_window(x));
    return in_leap || beyond <= tcphs_largest_gap(a, y, grant) ? TCPHS_ACK_UNSEEN : TCPHS_ACK_FAR;
}

/* Of so many bytes less than the oldest that is not acknowledged. Nobody can ever have acknowledged less than the SYN
 * (common kernels count the bytes that were). */
static uint8_t locate_old_ack(const struct tcphs_arrival *a, uint32_t below)
{
    const struct tcphs_end *y = a->y;
    if (tcphs_knows(y, TCPHS_KNOWS_ISS) && tcphs_is_synchronised(y->state) && tcphs_seq_before(a->s->ack, y->iss + 1))
        return TCPHS_ACK_TOO_OLD;
    return tcphs_knows(a->x, TCPHS_KNOWS_WINDOW) && below > tcphs_gap_window(a->x) ? TCPHS_ACK_TOO_OLD : TCPHS_ACK_OLD;
}

static uint8_t locate_ack(const struct tcphs_arrival *a)
{
    const struct tcphs_end *y = a->y;
    if (!tcphs_has_any(a->s, TCPHS_ACK))
        return TCPHS_ACK_NONE;
    if (!tcphs_knows(y, TCPHS_KNOWS_SENT))
        return TCPHS_ACK_UNKNOWN;
    /* An assumed FIN takes the place behind the last byte seen. */
    const uint32_t sent = y->snd_nxt + (tcphs_knows(y, TCPHS_FIN_ASSUMED) ? 1 : 0);
    const int32_t beyond = tcphs_seq_diff(a->s->ack, sent);
    const bool is_off = beyond > TCPHS_FAR_APART || tcphs_seq_diff(y->snd_una, a->s->ack) > TCPHS_FAR_APART;
    if (is_off && tcphs_may_have_wrapped(a, y))
        return TCPHS_ACK_AMBIGUOUS;
    if (beyond == INT32_MIN) /* half the sequence space away: neither before nor after */
        return TCPHS_ACK_FAR;
    if (beyond > 0)
        return locate_unseen_ack(a, (uint32_t)beyond);
    const int32_t below = tcphs_seq_diff(y->snd_una, a->s->ack);
    return below <= 0 ? TCPHS_ACK_IN : locate_old_ack(a, (uint32_t)below);
}

/* The answer where only a capture gap speaks for acceptance: believed as long as the capture has shown no gap. */
static uint8_t no_unless_gaps(const struct tcphs_arrival *a)
{
    return (a->c->facts & (TCPHS_GAPS | TCPHS_MIDSTREAM_START)) ? TCPHS_ACCEPT_UNKNOWN : TCPHS_ACCEPT_NO;
}

static bool holds_data(const struct tcphs_end *e)
{
    for (int i = 0; i < TCPHS_HELD; i++)
        if (e->held[i][0] != e->held[i][1])
            return true;
    return false;
}

bool tcphs_rst_is_exact(const struct tcphs_arrival *a)
{
    const struct tcphs_end *x = a->x, *y = a->y;
    const uint32_t seq = a->s->seq;
    if (seq == y->rcv_nxt || (tcphs_knows(y, TCPHS_KNOWS_WINDOW) && seq == y->rcv_ack))
        return true;
    /* The byte before, once the FIN is in: common kernels answer a segment that crossed their FIN so. */
    if (seq + 1 == y->rcv_nxt && tcphs_knows(x, TCPHS_FIN_HEARD) &&
        (y->state == TCPHS_CLOSE_WAIT || y->state == TCPHS_LAST_ACK || y->state == TCPHS_CLOSING))
        return true;
    return tcphs_knows(y, TCPHS_SENT_SACK) && seq == y->sack_right && tcphs_seq_after(seq, y->rcv_nxt);
}

/*
 * It stands among the bytes that its sender sent again and again, with no word of the receiver since: that they were
 * heard, as is believed, or any part of them, is no longer sure. Once may be for a lost acknowledgment.
 */
static bool is_among_repeated(const struct tcphs_arrival *a)
{
    const struct tcphs_end *x = a->x, *y = a->y;
    return a->kind == TCPHS_KIND_RST && x->repeats > 1 && tcphs_knows(y, TCPHS_KNOWS_HEARD | TCPHS_SENT_ANYTHING) &&
           tcphs_seq_within(a->s->seq, y->rcv_ack, x->snd_nxt);
}

bool tcphs_rst_is_doubtful(const struct tcphs_arrival *a)
{
    const struct tcphs_end *y = a->y;
    if (is_among_repeated(a) && a->s->seq != y->rcv_nxt)
        return true;
    return a->kind == TCPHS_KIND_RST && tcphs_has_any(a->s, TCPHS_ACK) && tcphs_knows(y, TCPHS_KNOWS_HEARD) &&
           a->s->seq == y->rcv_ack && tcphs_seq_after(y->rcv_nxt, a->s->seq);
}

bool tcphs_refuses_foreign_syn(const struct tcphs_arrival *a)
{
    return a->y->foreign_frame != 0 && !(a->y->known & (TCPHS_FOREIGN_IS_SYN_ACK | TCPHS_FOREIGN_HAS_NO_SYN)) &&
           tcphs_has_any(a->s, TCPHS_ACK) && tcphs_seq_within(a->s->ack, a->y->foreign_seq + 1, a->y->foreign_end);
}

bool tcphs_acks_syn(const struct tcphs_arrival *a)
{
    return tcphs_knows(a->y, TCPHS_KNOWS_ISS | TCPHS_KNOWS_SENT) &&
           tcphs_seq_within(a->s->ack, a->y->iss + 1, a->y->snd_nxt);
}

/* A RST that is not exactly where its receiver, SYN-RECEIVED or later, would obey it. In or beyond a hole of the
 * capture it may be exact: where the sender stands, or where the receiver says it is. */
static uint8_t judge_inexact_rst(const struct tcphs_arrival *a)
{
    const bool has_gaps = (a->c->facts & TCPHS_GAPS) != 0;
    const bool at_edge = a->s->seq == a->x->snd_nxt && (holds_data(a->y) || has_gaps);
    const bool in_gap = a->seq_position == TCPHS_SEQ_IN && has_gaps;
    return is_among_repeated(a) || at_edge || in_gap || a->answers_unseen_ack ? TCPHS_ACCEPT_UNKNOWN : TCPHS_ACCEPT_NO;
}

/* A client that resets right after its SYN, by which y is in LISTEN, has seen a SYN-ACK that was not captured. */
static bool answers_unseen_syn_ack(const struct tcphs_arrival *a)
{
    return a->s->seq == a->x->snd_nxt && !a->answers_unseen_ack;
}

static uint8_t judge_rst(const struct tcphs_arrival *a)
{
    const struct tcphs_end *y = a->y;
    if (tcphs_refuses_foreign_syn(a))
        return TCPHS_ACCEPT_YES;
    switch (y->state) {
    case TCPHS_SYN_SENT: /* by its ACK alone (3.10.7.3) */
        return tcphs_has_any(a->s, TCPHS_ACK) && tcphs_acks_syn(a) ? TCPHS_ACCEPT_YES : TCPHS_ACCEPT_NO;
    case TCPHS_CLOSED:
        return TCPHS_ACCEPT_NO;
    case TCPHS_LISTEN: /* ignored (3.10.7.2), if it is in LISTEN */
        return answers_unseen_syn_ack(a) ? TCPHS_ACCEPT_UNKNOWN : TCPHS_ACCEPT_NO;
    default:
        break;
    }
    if (a->answers_unseen_ack && a->x->state <= TCPHS_SYN_RECEIVED)
        return TCPHS_ACCEPT_NO;
    if (!tcphs_knows(y, TCPHS_KNOWS_HEARD))
        return TCPHS_ACCEPT_UNKNOWN;
    if (tcphs_rst_is_exact(a))
        return tcphs_rst_is_doubtful(a) ? TCPHS_ACCEPT_UNKNOWN : TCPHS_ACCEPT_YES;
    return judge_inexact_rst(a);
}

static uint8_t judge_syn(const struct tcphs_arrival *a)
{
    switch (a->y->state) {
    case TCPHS_UNKNOWN:
    case TCPHS_LISTEN:
    case TCPHS_SYN_SENT:
        return TCPHS_ACCEPT_YES;
    case TCPHS_CLOSED: /* an end that refused may listen by now */
        return TCPHS_ACCEPT_UNKNOWN;
    case TCPHS_SYN_RECEIVED:
        if (tcphs_repeats_syn(a) && !tcphs_knows(a->x, TCPHS_SENT_SYN)) /* captured behind its own SYN-ACK */
            return TCPHS_ACCEPT_UNKNOWN;
        if (tcphs_repeats_syn(a) && a->x->state == TCPHS_SYN_SENT) /* the SYN-ACK was not heard: it is sent again */
            return TCPHS_ACCEPT_YES;
        /* Another SYN in the window makes a passive opener forget the first (3.10.7.4). */
        return !tcphs_repeats_syn(a) && a->seq_position == TCPHS_SEQ_IN ? TCPHS_ACCEPT_YES : TCPHS_ACCEPT_NO;
    default: /* RFC 5961 4: challenged whatever its number */
        return TCPHS_ACCEPT_NO;
    }
}

static uint8_t judge_syn_ack(const struct tcphs_arrival *a)
{
    const struct tcphs_end *y = a->y;
    switch (y->state) {
    case TCPHS_UNKNOWN:
        return TCPHS_ACCEPT_UNKNOWN;
    case TCPHS_SYN_SENT:
        return tcphs_acks_syn(a) ? TCPHS_ACCEPT_YES : TCPHS_ACCEPT_NO;
    case TCPHS_SYN_RECEIVED: /* only the SYN-ACK of a simultaneous open, which repeats the SYN's number */
        return tcphs_knows(a->x, TCPHS_SENT_SYN) && tcphs_repeats_syn(a) && a->s->ack == y->iss + 1 &&
                       tcphs_knows(y, TCPHS_SENT_SYN)
                   ? TCPHS_ACCEPT_YES
                   : TCPHS_ACCEPT_NO;
    default:
        return TCPHS_ACCEPT_NO;
    }
}

bool tcphs_acks_unseen_fin(const struct tcphs_arrival *a)
{
    const struct tcphs_end *x = a->x, *y = a->y;
    const bool x_closes = tcphs_knows(x, TCPHS_FIN_SENT) || tcphs_has_any(a->s, TCPHS_FIN);
    return a->ack_position == TCPHS_ACK_UNSEEN && x_closes && !tcphs_knows(y, TCPHS_FIN_SENT) &&
           a->s->ack == y->snd_nxt + 1 && tcphs_is_synchronised(y->state);
}

/* The receiver is SYN-RECEIVED or later and the sequence number fits: what does the acknowledgment say? */
static uint8_t judge_ack(const struct tcphs_arrival *a)
{
    switch (a->ack_position) {
    case TCPHS_ACK_UNKNOWN:
    case TCPHS_ACK_AMBIGUOUS:
        return TCPHS_ACCEPT_UNKNOWN;
    case TCPHS_ACK_UNSEEN:
        return tcphs_acks_unseen_fin(a) || tcphs_is_answer_missing(a) ? TCPHS_ACCEPT_UNKNOWN : no_unless_gaps(a);
    case TCPHS_ACK_TOO_OLD:
    case TCPHS_ACK_FAR:
        return TCPHS_ACCEPT_NO;
    default:
        break;
    }
    if (a->y->state == TCPHS_SYN_RECEIVED && tcphs_knows(a->y, TCPHS_KNOWS_ISS) && !tcphs_acks_syn(a))
        return TCPHS_ACCEPT_NO;
    return TCPHS_ACCEPT_YES;
}

/*
 * The first acknowledgment of y's FIN. Common kernels use it on any segment that touches the window: out of order, with
 * text behind the sender's own FIN, or old but ending exactly at RCV.NXT.
 */
static bool brings_ack_of_fin(const struct tcphs_arrival *a)
{
    const struct tcphs_end *y = a->y;
    const bool touches = a->seq_position == TCPHS_SEQ_IN ||
                         (a->seq_position == TCPHS_SEQ_OLD && a->end != a->s->seq && a->end == y->rcv_nxt);
    return touches && a->ack_position == TCPHS_ACK_IN &&
           (y->known & (TCPHS_FIN_SENT | TCPHS_FIN_ACKED)) == TCPHS_FIN_SENT && tcphs_seq_after(a->s->ack, y->fin_seq);
}

/* A receiver that is synchronised judges an ACK by where it lies. */
static uint8_t judge_ack_by_position(const struct tcphs_arrival *a)
{
    switch (a->seq_position) {
    case TCPHS_SEQ_UNKNOWN:
    case TCPHS_SEQ_AMBIGUOUS:
    case TCPHS_SEQ_CONTIGUOUS:
        return TCPHS_ACCEPT_UNKNOWN;
    case TCPHS_SEQ_BEYOND:
        return a->ack_position == TCPHS_ACK_FAR || a->ack_position == TCPHS_ACK_TOO_OLD ? TCPHS_ACCEPT_NO
                                                                                        : no_unless_gaps(a);
    case TCPHS_SEQ_OLD:
    case TCPHS_SEQ_EDGE:
    case TCPHS_SEQ_FAR:
        return TCPHS_ACCEPT_NO;
    default:
        break;
    }
    /* Nothing comes after a FIN (3.10.7.4, seventh and eighth): text there is ignored. */
    if (tcphs_knows(a->x, TCPHS_FIN_HEARD) && a->end != a->s->seq && !tcphs_seq_before(a->s->seq, a->x->fin_seq + 1))
        return TCPHS_ACCEPT_NO;
    return judge_ack(a);
}

static uint8_t judge_ack_segment(const struct tcphs_arrival *a)
{
    switch (a->y->state) {
    case TCPHS_CLOSED:
    case TCPHS_SYN_SENT: /* an ACK without SYN is dropped, good number or not (3.10.7.3) */
        return TCPHS_ACCEPT_NO;
    case TCPHS_LISTEN:
    case TCPHS_UNKNOWN:
        return TCPHS_ACCEPT_UNKNOWN;
    default:
        break;
    }
    return brings_ack_of_fin(a) ? TCPHS_ACCEPT_YES : judge_ack_by_position(a);
}

/* Its sender signs, or its receiver asked for signatures in its SYN, and it bears none. */
static bool lacks_signature(const struct tcphs_arrival *a)
{
    const bool begins = a->kind == TCPHS_KIND_SYN && !tcphs_knows(a->x, TCPHS_SENT_SYN);
    const bool is_due = ((a->x->beliefs & TCPHS_SIGNS) && !begins) || (a->y->offered_ever & TCPHS_SIGNATURES);
    return is_due && !(a->s->options & (TCPHS_SIGNATURES | TCPHS_OPTIONS_CUT));
}

bool tcphs_is_opened_unsigned(const struct tcphs_connection *c)
{
    const struct tcphs_end *a = &c->end[0], *b = &c->end[1];
    return ((a->known | b->known) & TCPHS_SENT_SYN) &&
           !((a->offered_ever | b->offered_ever) & (TCPHS_SIGNATURES | TCPHS_OPTIONS_CUT));
}

/* Signed by MD5 though no SYN was. An AO option is an unknown one where no key is set: taken. */
static bool has_unexpected_signature(const struct tcphs_arrival *a)
{
    return (a->s->options & TCPHS_OPT_MD5) && tcphs_is_opened_unsigned(a->c);
}

bool tcphs_has_wrong_signature(const struct tcphs_arrival *a)
{
    const unsigned state = a->y->state;
    const bool is_connected = state == TCPHS_SYN_SENT || state == TCPHS_SYN_RECEIVED || tcphs_is_synchronised(state);
    return is_connected && (lacks_signature(a) || has_unexpected_signature(a));
}

static void refuse(struct tcphs_arrival *a, enum tcphs_refusal refusal)
{
    a->refusal = (uint8_t)refusal;
    a->accepted = TCPHS_ACCEPT_NO;
}

/* Signatures come first, whatever the segment's kind and numbers; timestamps where the numbers are right. */
static void judge_options(struct tcphs_arrival *a)
{
    a->refusal = TCPHS_REFUSED_FOR_NOTHING;
    if (tcphs_has_wrong_signature(a)) {
        refuse(a, TCPHS_REFUSED_FOR_SIGNATURE);
        return;
    }
    if (a->accepted != TCPHS_ACCEPT_YES)
        return;
    if (tcphs_echoes_no_syn(a)) {
        refuse(a, TCPHS_REFUSED_FOR_ECHO);
        return;
    }
    const enum tcphs_accepted in_time = tcphs_judge_timestamp(a);
    if (in_time == TCPHS_ACCEPT_NO)
        refuse(a, TCPHS_REFUSED_FOR_TIMESTAMP);
    else
        a->accepted = (uint8_t)in_time;
}

static uint8_t judge(const struct tcphs_arrival *a)
{
    switch ((enum tcphs_segment_kind)a->kind) {
    case TCPHS_KIND_RST:
        return judge_rst(a);
    case TCPHS_KIND_SYN:
        return judge_syn(a);
    case TCPHS_KIND_SYN_ACK:
        return judge_syn_ack(a);
    case TCPHS_KIND_ACK:
        return judge_ack_segment(a);
    case TCPHS_KIND_NO_ACK: /* "if the ACK bit is off, drop the segment and return" (3.10.7.4, fifth) */
        return a->y->state == TCPHS_UNKNOWN ? TCPHS_ACCEPT_UNKNOWN : TCPHS_ACCEPT_NO;
    }
    return TCPHS_ACCEPT_UNKNOWN;
}

uint32_t tcphs_due_ack(const struct tcphs_arrival *a)
{
    const struct tcphs_end *y = a->y;
    if (y->state == TCPHS_SYN_SENT || y->state == TCPHS_SYN_RECEIVED)
        return y->iss + 1;
    return a->ack_position == TCPHS_ACK_TOO_OLD ? y->snd_una : y->snd_nxt;
}

void tcphs_arrival_init(struct tcphs_arrival *a, const struct tcphs_connection *c, const struct tcphs_segment *s)
{
    a->c = c;
    a->s = s;
    a->x = &c->end[s->from];
    a->y = &c->end[!s->from];
    a->end = s->seq + tcphs_segment_space(s);
    a->kind = kind_of(s);
    a->answers_unseen_ack = a->kind == TCPHS_KIND_RST && a->y->unseen_ack_frame != 0 && s->seq == a->y->unseen_ack;
    a->seq_position = locate_seq(a);
    a->ack_position = locate_ack(a);
    a->accepted = judge(a);
    judge_options(a);
}
