/* view.c
 * The acceptability test and ACK check of RFC 9293 3.10.7 with RFC 5961, from the observer's knowledge.
 * The observer knows less than the receiver: whenever a capture gap could turn the answer, it is "unknown".
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "view.h"

#include "gap.h"
#include "seq.h"
#include "timestamps.h"

#define LARGEST_SHIFT 14
/* Numbers this far apart, the largest unscaled window, are not of one place. */
#define FAR_APART 65535

bool tcphs_has_no_scale(const struct tcphs_connection *c)
{
    for (int i = 0; i < 2; i++)
        if ((c->end[i].known & (TCPHS_SAW_SYN_OPTIONS | TCPHS_OFFERED_SCALE)) == TCPHS_SAW_SYN_OPTIONS)
            return true;
    return false;
}

uint32_t tcphs_granted_window(const struct tcphs_connection *c, const struct tcphs_segment *s)
{
    if (tcphs_has_any(s, TCPHS_SYN)) /* never scaled in SYN and SYN-ACK (RFC 7323 2.2) */
        return s->window;
    if (!tcphs_scale_is_known(c))
        return (uint32_t)s->window << LARGEST_SHIFT;
    return tcphs_scaled_window(c, s);
}

static uint8_t kind_of(const struct tcphs_segment *s)
{
    if (tcphs_has_any(s, TCPHS_RST))
        return TCPHS_KIND_RST;
    if (tcphs_has_any(s, TCPHS_SYN))
        return tcphs_has_any(s, TCPHS_ACK) ? TCPHS_KIND_SYN_ACK : TCPHS_KIND_SYN;
    return tcphs_has_any(s, TCPHS_ACK) ? TCPHS_KIND_ORDINARY : TCPHS_KIND_BARE;
}

static uint8_t place_seq(const struct tcphs_view *v)
{
    const struct tcphs_end *y = v->y;
    if (!tcphs_knows(y, TCPHS_KNOWS_HEARD))
        return TCPHS_SEQ_UNKNOWN;
    const bool empty = v->end == v->s->seq;
    if (empty ? tcphs_seq_before(v->s->seq, y->rcv_nxt) : !tcphs_seq_after(v->end, y->rcv_nxt))
        return y->rcv_nxt - v->end > tcphs_slack(y) && tcphs_may_have_wrapped(v, v->x) ? TCPHS_SEQ_LOST : TCPHS_SEQ_OLD;
    if (!tcphs_knows(y, TCPHS_KNOWS_WINDOW))
        return TCPHS_SEQ_IN;
    const int32_t over = tcphs_seq_diff(v->s->seq, y->rcv_edge);
    if (over < 0)
        return TCPHS_SEQ_IN;
    if (over == 0 && (empty || v->s->length <= 1))
        return empty ? TCPHS_SEQ_IN : TCPHS_SEQ_EDGE;
    if (!empty && tcphs_knows(v->x, TCPHS_KNOWS_SENT) && !tcphs_seq_after(v->s->seq, v->x->snd_nxt))
        return TCPHS_SEQ_AHEAD;
    if ((uint32_t)over <= tcphs_slack(y))
        return TCPHS_SEQ_OVER;
    return tcphs_may_have_wrapped(v, v->x) ? TCPHS_SEQ_LOST : TCPHS_SEQ_FAR;
}

/* Of bytes that y was not seen to send: could they have passed uncaptured? */
static uint8_t place_unseen_ack(const struct tcphs_view *v, uint32_t beyond)
{
    const struct tcphs_end *x = v->x, *y = v->y;
    /* Behind its FIN an end sends nothing: no gap can explain an acknowledgment of more. */
    if (tcphs_fin_is_certain(y))
        return TCPHS_ACK_FAR;
    if (!tcphs_knows(y, TCPHS_SENT_ANYTHING)) /* y's direction is not in the capture at all */
        return TCPHS_ACK_UNKNOWN;
    const uint32_t grant = tcphs_largest_grant(v->c, x);
    /* Behind its first byte the client is beyond the handshake, whatever the capture has of it. */
    const bool beyond_handshake = y->state == TCPHS_SYN_RECEIVED && v->s->seq != x->iss + 1;
    const bool open = tcphs_is_synchronised(x->state) && (tcphs_is_synchronised(y->state) || beyond_handshake);
    if (!open)
        return beyond <= grant ? TCPHS_ACK_UNSEEN : TCPHS_ACK_FAR;
    const bool in_leap = tcphs_has_stray(y) && tcphs_seq_within(v->s->ack, y->snd_nxt, y->other_iss + tcphs_slack(x));
    return in_leap || beyond <= tcphs_largest_gap(v, y, grant) ? TCPHS_ACK_UNSEEN : TCPHS_ACK_FAR;
}

static uint8_t place_ack(const struct tcphs_view *v)
{
    const struct tcphs_end *y = v->y;
    if (!tcphs_has_any(v->s, TCPHS_ACK))
        return TCPHS_ACK_NONE;
    if (!tcphs_knows(y, TCPHS_KNOWS_SENT))
        return TCPHS_ACK_UNKNOWN;
    /* An assumed FIN takes the place behind the last byte seen. */
    const uint32_t sent = y->snd_nxt + (tcphs_knows(y, TCPHS_FIN_ASSUMED) ? 1 : 0);
    const int32_t beyond = tcphs_seq_diff(v->s->ack, sent);
    const bool is_off = beyond > FAR_APART || tcphs_seq_diff(y->snd_una, v->s->ack) > FAR_APART;
    if (is_off && tcphs_may_have_wrapped(v, y))
        return TCPHS_ACK_LOST;
    if (beyond == INT32_MIN) /* half the sequence space away: neither before nor after */
        return TCPHS_ACK_FAR;
    if (beyond > 0)
        return place_unseen_ack(v, (uint32_t)beyond);
    const int32_t below = tcphs_seq_diff(y->snd_una, v->s->ack);
    if (below <= 0)
        return TCPHS_ACK_IN;
    /* Nobody can ever have acknowledged less than the SYN (common kernels count the bytes that were). */
    if (tcphs_knows(y, TCPHS_KNOWS_ISS) && tcphs_is_synchronised(y->state) && tcphs_seq_before(v->s->ack, y->iss + 1))
        return TCPHS_ACK_TOO_OLD;
    return tcphs_knows(v->x, TCPHS_KNOWS_WINDOW) && (uint32_t)below > tcphs_slack(v->x) ? TCPHS_ACK_TOO_OLD : TCPHS_ACK_OLD;
}

/* The answer where only a capture gap speaks for acceptance: believed as long as the capture has shown no gap. */
static uint8_t no_unless_gaps(const struct tcphs_view *v)
{
    return (v->c->facts & (TCPHS_GAPS | TCPHS_MIDSTREAM_START)) ? TCPHS_ACCEPT_UNKNOWN : TCPHS_ACCEPT_NO;
}

static bool holds_data(const struct tcphs_end *e)
{
    for (int i = 0; i < TCPHS_HELD; i++)
        if (e->held[i][0] != e->held[i][1])
            return true;
    return false;
}

bool tcphs_is_foreign(const struct tcphs_view *v)
{
    if (!tcphs_knows(v->x, TCPHS_KNOWS_SENT))
        return false;
    const int32_t leap = tcphs_seq_diff(v->s->seq, v->x->snd_nxt);
    const bool far = leap > FAR_APART || leap < -FAR_APART;
    return far && v->seq_place != TCPHS_SEQ_AHEAD &&
           (v->ack_place == TCPHS_ACK_FAR || v->ack_place == TCPHS_ACK_UNSEEN || v->ack_place == TCPHS_ACK_TOO_OLD);
}

bool tcphs_fits(const struct tcphs_view *v)
{
    return tcphs_knows(v->x, TCPHS_KNOWS_SENT) && tcphs_seq_within(v->s->seq, v->x->snd_una - 1, v->x->snd_nxt) &&
           (v->ack_place == TCPHS_ACK_IN || v->ack_place == TCPHS_ACK_OLD);
}

bool tcphs_takes_window_back(const struct tcphs_end *x, uint32_t ack, uint32_t edge)
{
    /* Only an acknowledgment of more was surely sent later: one of the same number may have been overtaken. */
    const uint32_t grain = 1u << x->wscale;
    return tcphs_knows(x, TCPHS_KNOWS_GRANT) && tcphs_seq_after(ack, x->granted_ack) &&
           tcphs_seq_before(edge + grain, x->granted_edge);
}

/* In the same gap as x's last stray segment, or in the window behind it. */
static bool follows_own_stray(const struct tcphs_view *v)
{
    return tcphs_has_stray(v->x) && tcphs_seq_within(v->s->seq, v->x->snd_nxt, v->x->other_iss + tcphs_slack(v->y));
}

bool tcphs_lags_behind_stray(const struct tcphs_view *v)
{
    return follows_own_stray(v) && tcphs_seq_before(v->s->seq, v->x->other_iss);
}

bool tcphs_leaps(const struct tcphs_view *v)
{
    const struct tcphs_end *x = v->x;
    if (v->kind != TCPHS_KIND_ORDINARY || v->seq_place != TCPHS_SEQ_FAR || tcphs_fin_is_certain(x) ||
        !tcphs_knows(x, TCPHS_KNOWS_SENT) || x->state < TCPHS_SYN_RECEIVED || !tcphs_is_synchronised(v->y->state) ||
        v->ack_place == TCPHS_ACK_FAR || v->ack_place == TCPHS_ACK_TOO_OLD)
        return false;
    const int32_t leap = tcphs_seq_diff(v->s->seq, x->snd_nxt);
    /* Twice the window that was seen: it may have grown in the round trip that is under way. */
    return leap > 0 && ((uint32_t)leap <= tcphs_largest_gap(v, x, 2 * tcphs_slack(v->y)) || follows_own_stray(v));
}

bool tcphs_is_foreign_syn_ack(const struct tcphs_view *v)
{
    if (v->kind != TCPHS_KIND_SYN_ACK || !tcphs_knows(v->x, TCPHS_KNOWS_SENT) || tcphs_repeats_syn(v))
        return false;
    if (tcphs_knows(v->y, TCPHS_KNOWS_ISS | TCPHS_KNOWS_SENT))
        return !tcphs_acks_syn(v);
    return v->ack_place == TCPHS_ACK_FAR || v->ack_place == TCPHS_ACK_UNSEEN;
}

bool tcphs_rst_is_exact(const struct tcphs_view *v)
{
    const struct tcphs_end *x = v->x, *y = v->y;
    const uint32_t seq = v->s->seq;
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
static bool is_among_repeated(const struct tcphs_view *v)
{
    const struct tcphs_end *x = v->x, *y = v->y;
    return v->kind == TCPHS_KIND_RST && x->repeats > 1 && tcphs_knows(y, TCPHS_KNOWS_HEARD | TCPHS_SENT_ANYTHING) &&
           tcphs_seq_within(v->s->seq, y->rcv_ack, x->snd_nxt);
}

bool tcphs_rst_is_doubtful(const struct tcphs_view *v)
{
    const struct tcphs_end *y = v->y;
    if (is_among_repeated(v) && v->s->seq != y->rcv_nxt)
        return true;
    return v->kind == TCPHS_KIND_RST && tcphs_has_any(v->s, TCPHS_ACK) && tcphs_knows(y, TCPHS_KNOWS_HEARD) &&
           v->s->seq == y->rcv_ack && tcphs_seq_after(y->rcv_nxt, v->s->seq);
}

bool tcphs_answers_as_closed(const struct tcphs_view *v)
{
    if (v->kind != TCPHS_KIND_RST || tcphs_has_any(v->s, TCPHS_ACK) || !tcphs_knows(v->y, TCPHS_KNOWS_HEARD))
        return false;
    for (int i = 0; i < TCPHS_RECENT_ACKS; i++)
        if (v->s->seq == v->y->recent_acks[i])
            return true;
    /* What it acknowledged last may be missing from the capture. */
    const bool is_alone = tcphs_knows(v->x, TCPHS_FIN_SENT | TCPHS_KNOWS_ISS) && !tcphs_knows(v->y, TCPHS_SENT_ANYTHING);
    if (is_alone && tcphs_seq_within(v->s->seq, v->x->iss + 1, v->x->fin_seq + 1)) /* of whatever was sent to it */
        return true;
    const bool both_closed = tcphs_knows(v->x, TCPHS_FIN_SENT) && tcphs_knows(v->y, TCPHS_FIN_SENT);
    const uint32_t seen = (v->c->facts & TCPHS_GAPS) ? v->y->rcv_nxt - tcphs_slack(v->y) : v->y->rcv_ack;
    if (both_closed && v->s->seq != v->y->rcv_nxt && tcphs_seq_within(v->s->seq, seen, v->y->rcv_nxt))
        return true;
    /* The path may have held back one of the acknowledgments before those until their receiver had closed. */
    const uint32_t oldest = v->y->recent_acks[TCPHS_RECENT_ACKS - 1];
    return both_closed && tcphs_knows(v->x, TCPHS_KNOWS_ISS) && tcphs_seq_after(v->s->seq, v->x->iss) &&
           tcphs_seq_before(v->s->seq, oldest) && (uint32_t)tcphs_seq_diff(v->y->rcv_nxt, v->s->seq) <= tcphs_slack(v->y);
}

bool tcphs_refuses_other_syn(const struct tcphs_view *v)
{
    return v->y->other_frame != 0 && !(v->y->known & (TCPHS_OTHER_IS_SYN_ACK | TCPHS_OTHER_IS_STRAY)) &&
           tcphs_has_any(v->s, TCPHS_ACK) && tcphs_seq_within(v->s->ack, v->y->other_iss + 1, v->y->other_end);
}

bool tcphs_acks_syn(const struct tcphs_view *v)
{
    return tcphs_knows(v->y, TCPHS_KNOWS_ISS | TCPHS_KNOWS_SENT) &&
           tcphs_seq_within(v->s->ack, v->y->iss + 1, v->y->snd_nxt);
}

unsigned tcphs_hops(uint8_t ttl)
{
    return (ttl <= 32 ? 32u : ttl <= 64 ? 64u : ttl <= 128 ? 128u : 255u) - ttl;
}

/* So many segments in a row are a habit: before, little is said of the next. */
#define STEADY 3
/* Hops by which the ways of one sender's packets may differ, as far as one or two of them tell. */
#define NEARLY 2
/* A sender busy with other connections may have used so many identifications within a millisecond. */
#define FAR_STEP 8192

/*
 * Another first TTL over as many hops is a habit of some stacks and balancers. A way that differs by more hops than all
 * seen of this sender, or at all from many that were the same, is another way; so is a count of packets that leaps.
 */
enum tcphs_origin tcphs_origin(const struct tcphs_view *v)
{
    const struct tcphs_end *x = v->x;
    if (v->s->ttl == 0 || x->ttl_steady == 0)
        return TCPHS_ORIGIN_UNKNOWN;
    const unsigned hops = tcphs_hops(v->s->ttl);
    const bool is_steady = x->ttl_steady >= STEADY && x->ttl_steady != TCPHS_MIXED;
    const unsigned nearly = is_steady ? 0 : NEARLY;
    if (hops + nearly < x->hops_least || hops > x->hops_most + nearly)
        return TCPHS_ORIGIN_DIFFERS;
    const uint16_t step = (uint16_t)(v->s->ip_id - x->ip_id);
    const bool counts = v->s->ip_id != 0 && x->ip_id_steps >= STEADY;
    if (!counts || !is_steady)
        return v->s->ttl == x->ttl && step > 0 && step <= TCPHS_SMALL_STEP ? TCPHS_ORIGIN_FITS : TCPHS_ORIGIN_UNKNOWN;
    const bool at_once = tcphs_clock(v->s->time) - x->fit_clock < TCPHS_SECOND / 1000;
    if (step > FAR_STEP && at_once)
        return TCPHS_ORIGIN_DIFFERS;
    return step <= TCPHS_SMALL_STEP ? TCPHS_ORIGIN_FITS : TCPHS_ORIGIN_UNKNOWN;
}

/*
 * A box that answers a segment in its receiver's name may copy its IP header. That alone tells where the sender counts
 * its packets, and this is none of the next; else by chance one id in 65,536 is the same, and the window must be, too.
 */
bool tcphs_echoes_its_receiver(const struct tcphs_view *v)
{
    const struct tcphs_end *x = v->x, *y = v->y;
    const uint16_t step = (uint16_t)(v->s->ip_id - x->ip_id);
    if (v->s->ip_id == 0 || v->s->ip_id != y->ip_id || x->ttl_steady == 0 || y->ttl_steady == 0 ||
        step <= TCPHS_SMALL_STEP)
        return false;
    return x->ip_id_steps >= STEADY ||
           (v->s->window != 0 && v->s->window == y->last_window && v->s->window != x->last_window);
}

static uint8_t judge_rst(const struct tcphs_view *v)
{
    const struct tcphs_end *y = v->y;
    if (tcphs_refuses_other_syn(v))
        return TCPHS_ACCEPT_YES;
    switch (y->state) {
    case TCPHS_SYN_SENT: /* by its ACK alone (3.10.7.3) */
        return tcphs_has_any(v->s, TCPHS_ACK) && tcphs_acks_syn(v) ? TCPHS_ACCEPT_YES : TCPHS_ACCEPT_NO;
    case TCPHS_CLOSED:
        return TCPHS_ACCEPT_NO;
    case TCPHS_LISTEN: /* ignored (3.10.7.2); but a client that resets right after its SYN has seen a SYN-ACK we have
                          not */
        return v->s->seq == v->x->snd_nxt && tcphs_knows(v->x, TCPHS_KNOWS_SENT) && !v->answers_claim
                   ? TCPHS_ACCEPT_UNKNOWN
                   : TCPHS_ACCEPT_NO;
    default:
        break;
    }
    if (v->answers_claim && v->x->state <= TCPHS_SYN_RECEIVED)
        return TCPHS_ACCEPT_NO;
    if (!tcphs_knows(y, TCPHS_KNOWS_HEARD))
        return TCPHS_ACCEPT_UNKNOWN;
    if (tcphs_rst_is_exact(v))
        return tcphs_rst_is_doubtful(v) ? TCPHS_ACCEPT_UNKNOWN : TCPHS_ACCEPT_YES;
    if (is_among_repeated(v))
        return TCPHS_ACCEPT_UNKNOWN;
    /* In or beyond a hole of the capture it may be exact: where the sender stands, or where the receiver says it is. */
    const bool at_edge = v->s->seq == v->x->snd_nxt && (holds_data(y) || (v->c->facts & TCPHS_GAPS));
    if (at_edge || v->answers_claim)
        return TCPHS_ACCEPT_UNKNOWN;
    if (v->seq_place == TCPHS_SEQ_IN && (v->c->facts & TCPHS_GAPS))
        return TCPHS_ACCEPT_UNKNOWN;
    return TCPHS_ACCEPT_NO;
}

static uint8_t judge_syn(const struct tcphs_view *v)
{
    switch (v->y->state) {
    case TCPHS_UNKNOWN:
    case TCPHS_LISTEN:
    case TCPHS_SYN_SENT:
        return TCPHS_ACCEPT_YES;
    case TCPHS_CLOSED: /* an end that refused may listen by now */
        return TCPHS_ACCEPT_UNKNOWN;
    case TCPHS_SYN_RECEIVED:
        if (tcphs_repeats_syn(v) && !tcphs_knows(v->x, TCPHS_SENT_SYN)) /* captured behind its own SYN-ACK */
            return TCPHS_ACCEPT_UNKNOWN;
        if (tcphs_repeats_syn(v) && v->x->state == TCPHS_SYN_SENT) /* the SYN-ACK was not heard: it is sent again */
            return TCPHS_ACCEPT_YES;
        /* Another SYN in the window makes a passive opener forget the first (3.10.7.4). */
        return !tcphs_repeats_syn(v) && v->seq_place == TCPHS_SEQ_IN ? TCPHS_ACCEPT_YES : TCPHS_ACCEPT_NO;
    default: /* RFC 5961 4: challenged whatever its number */
        return TCPHS_ACCEPT_NO;
    }
}

static uint8_t judge_syn_ack(const struct tcphs_view *v)
{
    const struct tcphs_end *y = v->y;
    switch (y->state) {
    case TCPHS_UNKNOWN:
        return TCPHS_ACCEPT_UNKNOWN;
    case TCPHS_SYN_SENT:
        return tcphs_acks_syn(v) ? TCPHS_ACCEPT_YES : TCPHS_ACCEPT_NO;
    case TCPHS_SYN_RECEIVED: /* only the SYN-ACK of a simultaneous open, which repeats the SYN's number */
        return tcphs_knows(v->x, TCPHS_SENT_SYN) && tcphs_repeats_syn(v) && v->s->ack == y->iss + 1 &&
                       tcphs_knows(y, TCPHS_SENT_SYN)
                   ? TCPHS_ACCEPT_YES
                   : TCPHS_ACCEPT_NO;
    default:
        return TCPHS_ACCEPT_NO;
    }
}

bool tcphs_acks_unseen_fin(const struct tcphs_view *v)
{
    const struct tcphs_end *x = v->x, *y = v->y;
    const bool x_closes = tcphs_knows(x, TCPHS_FIN_SENT) || tcphs_has_any(v->s, TCPHS_FIN);
    return v->ack_place == TCPHS_ACK_UNSEEN && x_closes && !tcphs_knows(y, TCPHS_FIN_SENT) &&
           v->s->ack == y->snd_nxt + 1 && tcphs_is_synchronised(y->state);
}

/* The receiver is SYN-RECEIVED or later and the sequence number fits: what does the acknowledgment say? */
static uint8_t judge_ack(const struct tcphs_view *v)
{
    switch (v->ack_place) {
    case TCPHS_ACK_UNKNOWN:
    case TCPHS_ACK_LOST:
        return TCPHS_ACCEPT_UNKNOWN;
    case TCPHS_ACK_UNSEEN:
        return tcphs_acks_unseen_fin(v) || tcphs_is_answer_missing(v) ? TCPHS_ACCEPT_UNKNOWN : no_unless_gaps(v);
    case TCPHS_ACK_TOO_OLD:
    case TCPHS_ACK_FAR:
        return TCPHS_ACCEPT_NO;
    default:
        break;
    }
    if (v->y->state == TCPHS_SYN_RECEIVED && tcphs_knows(v->y, TCPHS_KNOWS_ISS) && !tcphs_acks_syn(v))
        return TCPHS_ACCEPT_NO;
    return TCPHS_ACCEPT_YES;
}

/*
 * The first acknowledgment of y's FIN. Common kernels use it on any segment that touches the window: out of order, with
 * text behind the sender's own FIN, or old but ending exactly at RCV.NXT.
 */
static bool brings_ack_of_fin(const struct tcphs_view *v)
{
    const struct tcphs_end *y = v->y;
    const bool touches =
        v->seq_place == TCPHS_SEQ_IN || (v->seq_place == TCPHS_SEQ_OLD && v->end != v->s->seq && v->end == y->rcv_nxt);
    return touches && v->ack_place == TCPHS_ACK_IN &&
           (y->known & (TCPHS_FIN_SENT | TCPHS_FIN_ACKED)) == TCPHS_FIN_SENT && tcphs_seq_after(v->s->ack, y->fin_seq);
}

static uint8_t judge_ordinary(const struct tcphs_view *v)
{
    switch (v->y->state) {
    case TCPHS_CLOSED:
    case TCPHS_SYN_SENT: /* an ACK without SYN is dropped, good number or not (3.10.7.3) */
        return TCPHS_ACCEPT_NO;
    case TCPHS_LISTEN:
    case TCPHS_UNKNOWN:
        return TCPHS_ACCEPT_UNKNOWN;
    default:
        break;
    }
    if (brings_ack_of_fin(v))
        return TCPHS_ACCEPT_YES;
    switch (v->seq_place) {
    case TCPHS_SEQ_UNKNOWN:
    case TCPHS_SEQ_LOST:
    case TCPHS_SEQ_AHEAD:
        return TCPHS_ACCEPT_UNKNOWN;
    case TCPHS_SEQ_OVER:
        return v->ack_place == TCPHS_ACK_FAR || v->ack_place == TCPHS_ACK_TOO_OLD ? TCPHS_ACCEPT_NO : no_unless_gaps(v);
    case TCPHS_SEQ_OLD:
    case TCPHS_SEQ_EDGE:
    case TCPHS_SEQ_FAR:
        return TCPHS_ACCEPT_NO;
    default:
        break;
    }
    /* Nothing comes after a FIN (3.10.7.4, seventh and eighth): text there is ignored. */
    if (tcphs_knows(v->x, TCPHS_FIN_HEARD) && v->end != v->s->seq && !tcphs_seq_before(v->s->seq, v->x->fin_seq + 1))
        return TCPHS_ACCEPT_NO;
    return judge_ack(v);
}

/* Its sender signs, or its receiver asked for signatures in its SYN, and it bears none. */
static bool lacks_signature(const struct tcphs_view *v)
{
    const bool is_due = (v->x->beliefs & TCPHS_SIGNS) || (v->y->offered_ever & TCPHS_SIGNATURES);
    return is_due && !(v->s->options & (TCPHS_SIGNATURES | TCPHS_OPTIONS_CUT));
}

bool tcphs_is_opened_unsigned(const struct tcphs_connection *c)
{
    const struct tcphs_end *a = &c->end[0], *b = &c->end[1];
    return ((a->known | b->known) & TCPHS_SENT_SYN) &&
           !((a->offered_ever | b->offered_ever) & (TCPHS_SIGNATURES | TCPHS_OPTIONS_CUT));
}

/* Signed by MD5 though no SYN was. An AO option is an unknown one where no key is set: taken. */
static bool has_unexpected_signature(const struct tcphs_view *v)
{
    return (v->s->options & TCPHS_OPT_MD5) && tcphs_is_opened_unsigned(v->c);
}

bool tcphs_has_wrong_signature(const struct tcphs_view *v)
{
    const unsigned state = v->y->state;
    const bool is_connected = state == TCPHS_SYN_SENT || state == TCPHS_SYN_RECEIVED || tcphs_is_synchronised(state);
    return is_connected && (lacks_signature(v) || has_unexpected_signature(v));
}

static void refuse(struct tcphs_view *v, enum tcphs_refusal refusal)
{
    v->refusal = (uint8_t)refusal;
    v->accepted = TCPHS_ACCEPT_NO;
}

/* Signatures come first, whatever the segment's kind and numbers; timestamps where the numbers are right. */
static void judge_options(struct tcphs_view *v)
{
    v->refusal = TCPHS_REFUSED_FOR_NOTHING;
    if (tcphs_has_wrong_signature(v)) {
        refuse(v, TCPHS_REFUSED_FOR_SIGNATURE);
        return;
    }
    if (v->accepted != TCPHS_ACCEPT_YES)
        return;
    if (tcphs_echoes_no_syn(v)) {
        refuse(v, TCPHS_REFUSED_FOR_ECHO);
        return;
    }
    const enum tcphs_accepted in_time = tcphs_judge_timestamp(v);
    if (in_time == TCPHS_ACCEPT_NO)
        refuse(v, TCPHS_REFUSED_FOR_TIMESTAMP);
    else
        v->accepted = (uint8_t)in_time;
}

static uint8_t judge(const struct tcphs_view *v)
{
    switch ((enum tcphs_kind)v->kind) {
    case TCPHS_KIND_RST:
        return judge_rst(v);
    case TCPHS_KIND_SYN:
        return judge_syn(v);
    case TCPHS_KIND_SYN_ACK:
        return judge_syn_ack(v);
    case TCPHS_KIND_ORDINARY:
        return judge_ordinary(v);
    case TCPHS_KIND_BARE: /* "if the ACK bit is off, drop the segment and return" (3.10.7.4, fifth) */
        return v->y->state == TCPHS_UNKNOWN ? TCPHS_ACCEPT_UNKNOWN : TCPHS_ACCEPT_NO;
    }
    return TCPHS_ACCEPT_UNKNOWN;
}

uint32_t tcphs_due_ack(const struct tcphs_view *v)
{
    const struct tcphs_end *y = v->y;
    if (y->state == TCPHS_SYN_SENT || y->state == TCPHS_SYN_RECEIVED)
        return y->iss + 1;
    return v->ack_place == TCPHS_ACK_TOO_OLD ? y->snd_una : y->snd_nxt;
}

void tcphs_view_init(struct tcphs_view *v, const struct tcphs_connection *c, const struct tcphs_segment *s)
{
    v->c = c;
    v->s = s;
    v->x = &c->end[s->from];
    v->y = &c->end[!s->from];
    v->end = s->seq + tcphs_segment_space(s);
    v->kind = kind_of(s);
    v->answers_claim = v->kind == TCPHS_KIND_RST && v->y->claim_frame != 0 && s->seq == v->y->claim_ack;
    v->seq_place = place_seq(v);
    v->ack_place = place_ack(v);
    v->accepted = judge(v);
    judge_options(v);
}
