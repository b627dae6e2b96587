/* checks.c
 * One predicate per row of findings.def: is this wrong, unusual, or worth a note?
 * A predicate accuses only what no capture gap can explain; what a later segment proves is found on that segment.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "checks.h"

#include "seq.h"
#include "timestamps.h"

/* Segments in flight may wait this long in queues (the least RTO, RFC 6298 2.4). */
#define QUEUES (1 * TCPHS_SECOND)

/* A SYN-ACK is sent again after a second at the earliest (RFC 6298 2.1), a tenth of it given for late timers. */
#define LEAST_RTO (9 * TCPHS_SECOND / 10)

/* The largest shift of a window that is used (RFC 7323 2.3). */
#define LARGEST_SHIFT 14

/* A second RST counts as part of one burst within this time. */
#define BURST (1 * TCPHS_SECOND)

static uint32_t itself(const struct tcphs_view *v, bool found)
{
    return found ? v->s->frame : 0;
}

static bool is_over(const struct tcphs_connection *c)
{
    return (c->facts & TCPHS_IS_RESET) != 0;
}

static bool is_ordinary(const struct tcphs_view *v)
{
    return v->kind == TCPHS_KIND_ORDINARY;
}

static bool has_fin(const struct tcphs_view *v)
{
    return tcphs_has_any(v->s, TCPHS_FIN);
}

/* The receiver has a sequence space: SYN-RECEIVED or later. */
static bool receiver_open(const struct tcphs_view *v)
{
    return v->y->state == TCPHS_SYN_RECEIVED || tcphs_is_synchronised(v->y->state);
}

static bool before_established(const struct tcphs_view *v)
{
    const enum tcphs_stage stage = tcphs_connection_stage(v->c);
    return stage == TCPHS_STAGE_SYN_SENT || stage == TCPHS_STAGE_SYN_RECEIVED;
}

/* The capture has not run backwards: only then does "later" mean later. */
static bool in_time(const struct tcphs_view *v)
{
    return v->s->time >= v->c->last_time;
}

/* x goes on with the connection in which y had sent a SYN, SYN-ACK or stray segment of other numbers. */
static bool refuses_other(const struct tcphs_view *v)
{
    const enum tcphs_stage stage = tcphs_connection_stage(v->c);
    return v->y->other_frame != 0 && is_ordinary(v) && in_time(v) && tcphs_is_synchronised(v->x->state) &&
           tcphs_fits(v) && stage != TCPHS_STAGE_CLOSED && stage != TCPHS_STAGE_RESET &&
           stage != TCPHS_STAGE_SYN_RECEIVED;
}

/* What x sends sooner than it has ever answered anything was under way already when its peer's segment passed here: it
 * proves nothing. */
static bool reacts_too_soon(const struct tcphs_view *v, uint32_t clock)
{
    return tcphs_clock(v->s->time) - clock < v->x->loop;
}

/* Header and flags -------------------------------------------------------------------------------------------- */

uint32_t tcphs_check_flags_none(const struct tcphs_view *v)
{
    return itself(v, !tcphs_has_any(v->s, TCPHS_FIN | TCPHS_SYN | TCPHS_RST | TCPHS_PSH | TCPHS_ACK | TCPHS_URG));
}

uint32_t tcphs_check_syn_fin(const struct tcphs_view *v)
{
    return itself(v, tcphs_has(v->s, TCPHS_SYN | TCPHS_FIN));
}

uint32_t tcphs_check_syn_rst(const struct tcphs_view *v)
{
    return itself(v, tcphs_has(v->s, TCPHS_SYN | TCPHS_RST));
}

uint32_t tcphs_check_rst_fin(const struct tcphs_view *v)
{
    return itself(v, tcphs_has(v->s, TCPHS_RST | TCPHS_FIN));
}

uint32_t tcphs_check_no_ack_flag(const struct tcphs_view *v)
{
    return itself(v, v->kind == TCPHS_KIND_BARE && tcphs_has_any(v->s, TCPHS_FIN | TCPHS_PSH | TCPHS_URG));
}

uint32_t tcphs_check_xmas(const struct tcphs_view *v)
{
    return itself(v, v->kind == TCPHS_KIND_BARE && tcphs_has(v->s, TCPHS_FIN | TCPHS_PSH | TCPHS_URG));
}

static bool is_probe(const struct tcphs_view *v)
{
    return tcphs_knows(v->y, TCPHS_KNOWS_HEARD) && v->s->seq + 1 == v->y->rcv_nxt;
}

uint32_t tcphs_check_psh_without_data(const struct tcphs_view *v)
{
    return itself(v, tcphs_has_any(v->s, TCPHS_PSH) && v->s->length == 0 &&
                         !tcphs_has_any(v->s, TCPHS_SYN | TCPHS_FIN | TCPHS_RST) && !is_probe(v));
}

uint32_t tcphs_check_urg_inconsistent(const struct tcphs_view *v)
{
    /* A pointer beyond the payload is no fault: the urgent byte may come later (RFC 9293 3.8.5). */
    return itself(v, tcphs_has_any(v->s, TCPHS_URG) != (v->s->urgent != 0));
}

uint32_t tcphs_check_port_zero(const struct tcphs_view *v)
{
    return itself(v, v->s->source_port == 0 || v->s->destination_port == 0);
}

/* Handshake --------------------------------------------------------------------------------------------------- */

uint32_t tcphs_check_syn_with_data(const struct tcphs_view *v)
{
    return itself(v, v->kind == TCPHS_KIND_SYN && v->s->length > 0 &&
                         !(v->s->options & (TCPHS_OPT_FASTOPEN | TCPHS_OPTIONS_CUT)));
}

uint32_t tcphs_check_syn_isn_changed(const struct tcphs_view *v)
{
    return itself(v, v->kind == TCPHS_KIND_SYN && before_established(v) && tcphs_knows(v->x, TCPHS_SENT_SYN) &&
                         !tcphs_repeats_syn(v) && v->y->claim_frame == 0);
}

uint32_t tcphs_check_synack_bad_ack(const struct tcphs_view *v)
{
    const bool crossed = v->y->state == TCPHS_SYN_RECEIVED && tcphs_knows(v->x, TCPHS_SENT_SYN) &&
                         tcphs_knows(v->y, TCPHS_SENT_SYN) && tcphs_repeats_syn(v);
    return itself(v, v->kind == TCPHS_KIND_SYN_ACK && (v->y->state == TCPHS_SYN_SENT || crossed) && !tcphs_acks_syn(v));
}

uint32_t tcphs_check_synack_wrong_direction(const struct tcphs_view *v)
{
    if (v->kind != TCPHS_KIND_SYN_ACK || !tcphs_knows(v->x, TCPHS_SENT_SYN) || tcphs_knows(v->y, TCPHS_SENT_SYN))
        return 0;
    /* With numbers that fit, and no data yet, the peer's SYN of a simultaneous open may be uncaptured. */
    const bool early = !((v->x->known | v->y->known) & TCPHS_DATA_ACKED);
    const bool fits =
        early && tcphs_repeats_syn(v) && (!tcphs_knows(v->y, TCPHS_SENT_SYN_ACK) || v->s->ack == v->y->iss + 1);
    return itself(v, !is_over(v->c) && !fits);
}

uint32_t tcphs_check_synack_changed(const struct tcphs_view *v)
{
    if (tcphs_knows(v->y, TCPHS_OTHER_IS_SYN_ACK) && refuses_other(v))
        return v->y->other_frame;
    return itself(v, v->kind == TCPHS_KIND_SYN_ACK && tcphs_knows(v->x, TCPHS_SENT_SYN_ACK) &&
                         tcphs_is_synchronised(v->y->state) && tcphs_knows(v->y, TCPHS_KNOWS_ISS) &&
                         !tcphs_is_known_rival(v) && tcphs_connection_stage(v->c) != TCPHS_STAGE_CLOSED && !tcphs_is_foreign_syn_ack(v) &&
                         (!tcphs_repeats_syn(v) || !tcphs_acks_syn(v)));
}

static bool completes_handshake(const struct tcphs_view *v)
{
    return is_ordinary(v) && v->y->state == TCPHS_SYN_RECEIVED && v->accepted == TCPHS_ACCEPT_YES;
}

/*
 * A simultaneous open whose SYN-ACK was lost, on the wire or from the capture, shows the same segments. Only time tells
 * them apart: here the peer took at least a round trip to send its SYN, so that it had heard ours.
 */
static bool had_heard_syn(const struct tcphs_view *v)
{
    const struct tcphs_connection *c = v->c;
    return c->last_syn_time - c->first_syn_time >= v->s->time - c->last_synack_time;
}

uint32_t tcphs_check_split_handshake(const struct tcphs_view *v)
{
    const bool unanswered = !tcphs_knows(v->y, TCPHS_ANSWERED_SYN_ACK) && had_heard_syn(v);
    return itself(v, unanswered && completes_handshake(v) && tcphs_is_pure_ack(v->s) && v->c->client == !v->s->from &&
                         tcphs_knows(v->x, TCPHS_SENT_SYN) && !tcphs_knows(v->x, TCPHS_SENT_SYN_ACK) &&
                         tcphs_knows(v->y, TCPHS_SENT_SYN_ACK));
}

/* A pure ACK of all it has heard, sent after that: an older one may have been held back on the way, as may the ACK that
 * ends the handshake. */
static bool stands_still(const struct tcphs_view *v)
{
    return tcphs_is_pure_ack(v->s) && v->c->syn_count > 0 && v->y->state != TCPHS_SYN_RECEIVED &&
           (!tcphs_knows(v->x, TCPHS_KNOWS_HEARD) || v->s->ack == v->x->rcv_nxt || v->s->ack == v->y->claim_left);
}

/* x proves by its own sequence number that y acknowledged what x never sent. */
static bool refutes_claim(const struct tcphs_view *v)
{
    const struct tcphs_end *x = v->x, *y = v->y;
    /* Where the capture began midstream, "the last byte seen" may have been a repeat. */
    if (y->claim_frame == 0 || !tcphs_knows(y, TCPHS_CLAIM_IS_OPEN) || !in_time(v) ||
        tcphs_knows(x, TCPHS_SENT_UNSURE) || (v->c->facts & (TCPHS_GAPS | TCPHS_MIDSTREAM_START)) ||
        !tcphs_seq_after(y->claim_ack, x->snd_nxt))
        return false;
    switch (v->kind) {
    case TCPHS_KIND_RST: /* how a SYN-RECEIVED or SYN-SENT end answers an unacceptable ACK */
        return v->answers_claim && x->state <= TCPHS_SYN_RECEIVED;
    case TCPHS_KIND_SYN: /* it asks again, for what it was told was no answer */
        return x->state == TCPHS_SYN_SENT && tcphs_repeats_syn(v);
    case TCPHS_KIND_SYN_ACK:
        return x->state == TCPHS_SYN_RECEIVED && v->s->seq == x->iss;
    case TCPHS_KIND_ORDINARY:
        return (x->state == TCPHS_SYN_RECEIVED || tcphs_is_synchronised(x->state)) && v->s->seq == x->snd_nxt &&
               !reacts_too_soon(v, y->claim_clock) &&
               (stands_still(v) || tcphs_seq_after(v->end, y->claim_ack) || tcphs_knows(y, TCPHS_CLAIM_TAKEN_BACK));
    default:
        return false;
    }
}

bool tcphs_is_displaced_final_ack(const struct tcphs_view *v)
{
    return v->y->state == TCPHS_SYN_RECEIVED && tcphs_is_pure_ack(v->s) && v->seq_place == TCPHS_SEQ_FAR;
}

/* The server asks for the final ACK again, or says what it expects: the one it got stood at the wrong number. */
static bool refuses_misplaced_ack(const struct tcphs_view *v)
{
    if (!(v->y->beliefs & TCPHS_PROVOKED_BY_ACK) || v->x->state != TCPHS_SYN_RECEIVED || !in_time(v))
        return false;
    const bool asks_again = v->kind == TCPHS_KIND_SYN_ACK && tcphs_repeats_syn(v);
    return (asks_again || tcphs_is_pure_ack(v->s)) && v->s->ack == v->x->rcv_nxt;
}

uint32_t tcphs_check_final_ack_bad(const struct tcphs_view *v)
{
    if (refuses_misplaced_ack(v))
        return v->y->provoked_frame;
    if (v->x->state == TCPHS_SYN_RECEIVED && refutes_claim(v))
        return v->y->claim_frame;
    return itself(v,
                  tcphs_is_displaced_final_ack(v) ||
                      (is_ordinary(v) && v->y->state == TCPHS_SYN_RECEIVED && v->seq_place != TCPHS_SEQ_OLD &&
                       v->ack_place != TCPHS_ACK_UNSEEN && tcphs_knows(v->y, TCPHS_KNOWS_ISS) && !tcphs_acks_syn(v)));
}

uint32_t tcphs_check_ack_in_syn_sent(const struct tcphs_view *v)
{
    if (v->x->state == TCPHS_SYN_SENT && refutes_claim(v))
        return v->y->claim_frame;
    return itself(v, is_ordinary(v) && v->y->state == TCPHS_SYN_SENT && v->ack_place != TCPHS_ACK_UNSEEN &&
                         !tcphs_acks_syn(v));
}

uint32_t tcphs_check_data_before_established(const struct tcphs_view *v)
{
    if (v->kind == TCPHS_KIND_BARE && v->s->length > 0 && before_established(v))
        return v->s->frame;
    /* A client that only now completes the handshake had not done so when the server sent data. */
    if (v->c->early_frame != 0 && completes_handshake(v) && tcphs_is_pure_ack(v->s) && v->s->ack == v->y->iss + 1 &&
        in_time(v))
        return v->c->early_frame;
    return 0;
}

uint32_t tcphs_check_fin_before_established(const struct tcphs_view *v)
{
    return itself(v, v->kind == TCPHS_KIND_BARE && has_fin(v) && !tcphs_check_xmas(v) && before_established(v));
}

/* Options of the handshake ------------------------------------------------------------------------------------- */

static bool has_syn(const struct tcphs_view *v)
{
    return v->kind == TCPHS_KIND_SYN || v->kind == TCPHS_KIND_SYN_ACK;
}

/* The SYN-ACK was captured whole, and so was every SYN of its peer; both have one, so it is no simultaneous open. */
static bool answers_whole_syn(const struct tcphs_view *v)
{
    return v->kind == TCPHS_KIND_SYN_ACK && tcphs_knows(v->y, TCPHS_SENT_SYN) && !tcphs_knows(v->x, TCPHS_SENT_SYN) &&
           tcphs_acks_syn(v) && !((v->s->options | v->y->offered_ever) & TCPHS_OPTIONS_CUT);
}

uint32_t tcphs_check_option_not_offered(const struct tcphs_view *v)
{
    const unsigned asked_for =
        TCPHS_OPT_WSCALE | TCPHS_OPT_SACK_PERMITTED | TCPHS_OPT_TIMESTAMP | TCPHS_OPT_MP_CAPABLE;
    return itself(v, answers_whole_syn(v) && (v->s->options & asked_for & ~(unsigned)v->y->offered_ever) != 0);
}

uint32_t tcphs_check_option_misplaced(const struct tcphs_view *v)
{
    return itself(v, !tcphs_has_any(v->s, TCPHS_SYN) && (v->s->options & TCPHS_OPTIONS_OF_SYN) != 0);
}

uint32_t tcphs_check_synack_bad_tsecr(const struct tcphs_view *v)
{
    return itself(v, v->refusal == TCPHS_REFUSED_FOR_ECHO);
}

/* Its receiver would have taken in something new of it: bytes, a FIN, an acknowledgment, the end of the handshake. */
static bool brings_news(const struct tcphs_view *v)
{
    const struct tcphs_end *y = v->y;
    return tcphs_seq_after(v->end, y->rcv_nxt) || tcphs_seq_after(v->s->ack, y->snd_una) ||
           y->state == TCPHS_SYN_RECEIVED;
}

uint32_t tcphs_check_old_timestamp(const struct tcphs_view *v)
{
    return itself(v, v->refusal == TCPHS_REFUSED_FOR_TIMESTAMP && brings_news(v));
}

/* Once for each end: a box that takes them away does so with all segments. */
uint32_t tcphs_check_timestamp_missing(const struct tcphs_view *v)
{
    return itself(v, is_ordinary(v) && tcphs_uses_timestamps(v->c) && !(v->x->beliefs & TCPHS_TS_WAS_MISSING) &&
                         !(v->s->options & (TCPHS_OPT_TIMESTAMP | TCPHS_OPTIONS_CUT)));
}

uint32_t tcphs_check_signature_missing(const struct tcphs_view *v)
{
    return itself(v, v->refusal == TCPHS_REFUSED_FOR_SIGNATURE);
}

uint32_t tcphs_check_syn_old_timestamp(const struct tcphs_view *v)
{
    return itself(v, tcphs_is_too_old_for_time_wait(v));
}

uint32_t tcphs_check_window_scale_too_big(const struct tcphs_view *v)
{
    return itself(v, has_syn(v) && (v->s->options & TCPHS_OPT_WSCALE) && v->s->wscale > LARGEST_SHIFT);
}

/* Established ------------------------------------------------------------------------------------------------- */

/* The addressed end of a segment of other numbers goes on with the old ones. */
static bool refuses_stray(const struct tcphs_view *v)
{
    return tcphs_knows(v->y, TCPHS_OTHER_IS_STRAY) && refuses_other(v);
}

/* … and offers no room as far as that. */
static bool has_no_room_for_stray(const struct tcphs_view *v)
{
    return tcphs_seq_after(v->y->other_iss, v->s->ack + tcphs_granted_window(v->c, v->s));
}

/* What that segment acknowledged was right: only its sequence number was not. */
static bool stray_only_leaps(const struct tcphs_view *v)
{
    return !tcphs_seq_after(v->y->other_end, v->x->snd_nxt);
}

uint32_t tcphs_check_syn_in_connection(const struct tcphs_view *v)
{
    const bool is_syn = !(v->y->known & (TCPHS_OTHER_IS_SYN_ACK | TCPHS_OTHER_IS_STRAY));
    return is_syn && refuses_other(v) ? v->y->other_frame : 0;
}

uint32_t tcphs_check_reuse_too_early(const struct tcphs_view *v)
{
    const bool is_syn = !(v->y->known & (TCPHS_OTHER_IS_SYN_ACK | TCPHS_OTHER_IS_STRAY));
    const bool is_for_timestamp = tcphs_time_wait_answer(v->c, v->x, (v->c->retry_options & TCPHS_OPT_TIMESTAMP) != 0,
                                                         v->c->retry_ts_last) == TCPHS_TIME_WAIT_REFUSES;
    return v->x->state == TCPHS_TIME_WAIT && is_syn && !is_for_timestamp && v->y->other_frame != 0 &&
                   tcphs_is_pure_ack(v->s) && in_time(v) && v->s->seq == v->x->snd_nxt && v->s->ack == v->x->rcv_nxt
               ? v->y->other_frame
               : 0;
}

uint32_t tcphs_check_ack_unsent(const struct tcphs_view *v)
{
    if (tcphs_is_synchronised(v->x->state) && refutes_claim(v))
        return v->y->claim_frame;
    if (refuses_stray(v) && !stray_only_leaps(v))
        return v->y->other_frame;
    return itself(v, is_ordinary(v) && !has_fin(v) && v->ack_place == TCPHS_ACK_FAR &&
                         tcphs_is_synchronised(v->y->state) && !tcphs_check_last_ack_bad(v));
}

uint32_t tcphs_check_ack_beyond_window(const struct tcphs_view *v)
{
    const struct tcphs_end *x = v->x;
    return itself(v, is_ordinary(v) && !has_fin(v) && v->ack_place == TCPHS_ACK_FAR &&
                         tcphs_is_synchronised(v->y->state) && tcphs_knows(x, TCPHS_KNOWS_WINDOW | TCPHS_KNOWS_HEARD) &&
                         tcphs_seq_after(v->s->ack, x->rcv_edge) &&
                         !tcphs_seq_follows(v->s->ack, x->rcv_edge, x->max_window));
}

uint32_t tcphs_check_ack_too_old(const struct tcphs_view *v)
{
    return itself(v, is_ordinary(v) && !has_fin(v) && v->ack_place == TCPHS_ACK_TOO_OLD &&
                         tcphs_is_synchronised(v->y->state) && !tcphs_check_last_ack_bad(v));
}

/* The peer says what it expects, and offers no room as far as the data that it was sent. */
static bool refuses_data(const struct tcphs_view *v)
{
    return (v->y->beliefs & (TCPHS_PROVOKED_BY_DATA | TCPHS_HAS_ASKED)) == TCPHS_PROVOKED_BY_DATA &&
           tcphs_is_pure_ack(v->s) && in_time(v) && tcphs_fits(v) && v->s->ack == v->x->rcv_ack &&
           v->s->ack == v->x->rcv_nxt &&
           !tcphs_seq_before(v->y->provoked_seq, v->s->ack + tcphs_granted_window(v->c, v->s));
}

/* The sender closes before data that bore its name: behind its FIN it has sent nothing. Gives that data's frame, or 0. */
static uint32_t ends_before_data(const struct tcphs_view *v)
{
    const struct tcphs_end *x = v->x;
    if (!is_ordinary(v) || !has_fin(v) || !in_time(v) || v->accepted != TCPHS_ACCEPT_YES || v->s->seq != x->snd_nxt)
        return 0;
    if (tcphs_has_stray(x) && tcphs_seq_after(x->other_iss, v->end - 1))
        return x->other_frame;
    return (x->beliefs & TCPHS_PROVOKED_BY_DATA) ? x->provoked_frame : 0; /* it lay beyond the window, and this in it */
}

uint32_t tcphs_check_seq_beyond_window(const struct tcphs_view *v)
{
    if (refuses_stray(v) && stray_only_leaps(v) && has_no_room_for_stray(v))
        return v->y->other_frame;
    if (refuses_data(v))
        return v->y->provoked_frame;
    if (ends_before_data(v))
        return ends_before_data(v);
    return itself(v, is_ordinary(v) && !has_fin(v) && v->seq_place == TCPHS_SEQ_FAR && receiver_open(v) &&
                         !is_over(v->c) && !(v->c->facts & TCPHS_GAPS));
}

uint32_t tcphs_check_window_shrunk(const struct tcphs_view *v)
{
    const struct tcphs_end *x = v->x;
    /* Once both have no more to send, what is offered is for nobody (common kernels cut it to 16 bits in TIME-WAIT). */
    const bool all_heard = tcphs_knows(v->y, TCPHS_FIN_SENT) && tcphs_seq_after(v->s->ack, v->y->fin_seq);
    if (!is_ordinary(v) || v->accepted != TCPHS_ACCEPT_YES || all_heard || tcphs_knows(x, TCPHS_FIN_SENT) ||
        (v->c->facts & TCPHS_MULTIPATH) || !tcphs_scale_is_known(v->c))
        return 0;
    return itself(v, tcphs_takes_window_back(x, v->s->ack, v->s->ack + tcphs_granted_window(v->c, v->s)));
}

/* RST --------------------------------------------------------------------------------------------------------- */

bool tcphs_rst_counts(const struct tcphs_view *v)
{
    return v->kind == TCPHS_KIND_RST && v->accepted != TCPHS_ACCEPT_NO;
}

/* The RST stood at the last acknowledgment captured; x had heard more by then, as it says now. */
static bool had_heard_more(const struct tcphs_view *v)
{
    return is_over(v->c) && v->c->rst_doubtful && is_ordinary(v) && v->s->from != v->c->rst_from &&
           tcphs_seq_after(v->s->ack, v->c->rst_seq);
}

bool tcphs_survives_rst(const struct tcphs_view *v)
{
    const struct tcphs_connection *c = v->c;
    if (!is_over(c) || v->s->from == c->rst_from || !is_ordinary(v) || !in_time(v))
        return false;
    /* Its own place in its own space: the last number seen, or a repeat of what is not acknowledged. */
    if (!tcphs_knows(v->x, TCPHS_KNOWS_SENT) || !tcphs_seq_within(v->s->seq, v->x->snd_una - 1, v->x->snd_nxt))
        return false;
    if (had_heard_more(v) || (c->rst_sender_went_on && tcphs_seq_after(v->s->ack, c->rst_seq)))
        return true; /* it acknowledges what came after the RST */
    /* What was queued on the way when the RST was sent arrives later than an idle round trip. */
    const int64_t patience = c->round_trip > QUEUES ? c->round_trip : QUEUES;
    return v->s->time - c->rst_time > patience;
}

bool tcphs_outlives_own_rst(const struct tcphs_view *v)
{
    const struct tcphs_connection *c = v->c;
    if (!is_over(c) || v->s->from != c->rst_from || !in_time(v))
        return false;
    if (v->kind == TCPHS_KIND_SYN_ACK)
        return !tcphs_knows(v->x, TCPHS_SENT_SYN_ACK) && tcphs_knows(v->y, TCPHS_SENT_SYN) &&
               v->s->ack == v->y->iss + 1;
    if (!is_ordinary(v) || !tcphs_knows(v->x, TCPHS_KNOWS_SENT))
        return false;
    /* New bytes, or news of what the peer sent after the RST; an older segment overtaken by the RST is neither. */
    const bool new_bytes =
        v->end != v->s->seq && tcphs_seq_after(v->end, v->x->snd_nxt) && !tcphs_seq_before(v->s->seq, c->rst_seq);
    /* Where the RST came as its sender's segments do, and this one does not, or leaps: this one is not the sender's. */
    if (c->rst_origin == TCPHS_ORIGIN_FITS &&
        (tcphs_origin(v) == TCPHS_ORIGIN_DIFFERS || tcphs_seq_after(v->s->seq, v->x->snd_nxt)))
        return false;
    return new_bytes ||
           (c->rst_peer_known && v->ack_place == TCPHS_ACK_IN && tcphs_seq_after(v->s->ack, c->rst_peer_nxt));
}

bool tcphs_disproves_rst(const struct tcphs_view *v)
{
    return tcphs_survives_rst(v) || (v->kind == TCPHS_KIND_SYN_ACK && tcphs_outlives_own_rst(v));
}

uint32_t tcphs_check_rst_bad_ack(const struct tcphs_view *v)
{
    if (v->kind != TCPHS_KIND_RST || is_over(v->c) || tcphs_refuses_other_syn(v))
        return 0;
    if (v->y->state == TCPHS_SYN_SENT)
        return itself(v, v->accepted == TCPHS_ACCEPT_NO && v->refusal == TCPHS_REFUSED_FOR_NOTHING);
    /* A zero acknowledgment in a RST is "none" to most senders. */
    return itself(v, receiver_open(v) && v->s->ack != 0 &&
                         (v->ack_place == TCPHS_ACK_FAR || v->ack_place == TCPHS_ACK_TOO_OLD));
}

/* An end that has closed answers what was in flight, each segment at the number it acknowledges. */
static bool answers_after_close(const struct tcphs_view *v)
{
    return tcphs_answers_as_closed(v) && (tcphs_knows(v->x, TCPHS_FIN_SENT) || v->x->state == TCPHS_CLOSED);
}

/* A RST that its receiver can judge by its sequence number, and refuses. */
static bool rst_refused(const struct tcphs_view *v)
{
    return v->kind == TCPHS_KIND_RST && v->accepted == TCPHS_ACCEPT_NO && v->refusal == TCPHS_REFUSED_FOR_NOTHING &&
           receiver_open(v) && !is_over(v->c) && !v->answers_claim && !answers_after_close(v);
}

uint32_t tcphs_check_rst_out_of_window(const struct tcphs_view *v)
{
    if (had_heard_more(v) && tcphs_survives_rst(v))
        return v->c->rst_frame;
    if (tcphs_contradicts_opening(v) && is_over(v->c))
        return v->c->opening_frame;
    return itself(v, rst_refused(v) && (v->seq_place == TCPHS_SEQ_OLD || v->seq_place == TCPHS_SEQ_OVER ||
                                        v->seq_place == TCPHS_SEQ_FAR));
}

/*
 * While a connection closes, a closed end answers what reaches it: the bytes before the RST, and the end itself, may
 * have passed uncaptured. The addressed end then says no more.
 */
bool tcphs_may_follow_unseen_end(const struct tcphs_view *v)
{
    return tcphs_connection_stage(v->c) == TCPHS_STAGE_CLOSING && !tcphs_has_any(v->s, TCPHS_ACK) &&
           tcphs_knows(v->x, TCPHS_KNOWS_SENT) && tcphs_seq_after(v->s->seq, v->x->snd_nxt);
}

/* The addressed end of such a RST goes on where it stood. */
static bool withstands_rst(const struct tcphs_view *v)
{
    return is_ordinary(v) && v->y->provoked_frame != 0 && tcphs_knows(v->y, TCPHS_PROVOKED_BY_RST) && in_time(v) &&
           tcphs_is_synchronised(v->x->state) && tcphs_fits(v);
}

uint32_t tcphs_check_rst_inexact(const struct tcphs_view *v)
{
    if (withstands_rst(v))
        return v->y->provoked_frame;
    return itself(v, rst_refused(v) && (v->seq_place == TCPHS_SEQ_IN || v->seq_place == TCPHS_SEQ_EDGE) &&
                         !tcphs_may_follow_unseen_end(v));
}

uint32_t tcphs_check_rst_with_data(const struct tcphs_view *v)
{
    return itself(v, v->kind == TCPHS_KIND_RST && v->s->length > 0);
}

uint32_t tcphs_check_rst_ignored(const struct tcphs_view *v)
{
    const bool both_live = v->c->rst_sender_went_on && tcphs_survives_rst(v);
    return both_live || tcphs_outlives_own_rst(v) ? v->c->rst_frame : 0;
}

uint32_t tcphs_check_rst_peer_continues(const struct tcphs_view *v)
{
    return !v->c->rst_sender_went_on && !had_heard_more(v) && tcphs_survives_rst(v) ? v->c->rst_frame : 0;
}

uint32_t tcphs_check_rst_train(const struct tcphs_view *v)
{
    const struct tcphs_connection *c = v->c;
    if (v->kind != TCPHS_KIND_RST || c->burst_frame == 0 || !tcphs_knows(v->y, TCPHS_SENT_ANYTHING) || v->s->time - c->burst_time > BURST ||
        tcphs_answers_as_closed(v) || v->answers_claim)
        return 0;
    const bool stepped = v->s->from == c->burst_from ? v->s->seq != c->burst_seq : c->burst_count >= 3;
    return stepped ? c->burst_frame : 0;
}

uint32_t tcphs_check_rst_ttl(const struct tcphs_view *v)
{
    const struct tcphs_end *x = v->x;
    /* A closed end answers without the connection's own settings: other TTL, identification 0. */
    const bool closed = is_over(v->c) || tcphs_knows(x, TCPHS_FIN_SENT) || x->state == TCPHS_CLOSED;
    if (v->kind != TCPHS_KIND_RST || (closed && tcphs_answers_as_closed(v)) || v->answers_claim)
        return 0;
    return itself(v, tcphs_origin(v) == TCPHS_ORIGIN_DIFFERS);
}

uint32_t tcphs_check_rst_echo(const struct tcphs_view *v)
{
    return itself(v, v->kind == TCPHS_KIND_RST && tcphs_echoes_its_receiver(v));
}

uint32_t tcphs_check_rst_in_handshake(const struct tcphs_view *v)
{
    /* Who is answered though it never asked knows nothing of a connection, and says so (RFC 9293 3.5.2). */
    return itself(v, tcphs_rst_counts(v) && tcphs_connection_stage(v->c) == TCPHS_STAGE_SYN_RECEIVED &&
                         v->c->syn_count > 0);
}

/* A FIN of y may have passed uncaptured: its direction is not in the capture, or x has acknowledged more of it than was
 * seen. Or it was captured, and good if bytes that it acknowledged were not. */
static bool may_have_closed_unseen(const struct tcphs_view *v)
{
    return !tcphs_knows(v->y, TCPHS_SENT_ANYTHING) || v->ack_place == TCPHS_ACK_UNSEEN ||
           (v->x->claim_frame != 0 && tcphs_knows(v->x, TCPHS_CLAIM_IS_OPEN)) || tcphs_knows(v->y, TCPHS_CLAIM_HAS_FIN);
}

uint32_t tcphs_check_rst_without_fin(const struct tcphs_view *v)
{
    /* Of a connection whose beginning was not captured, a FIN may not have been captured either. */
    return itself(v, tcphs_rst_counts(v) && tcphs_connection_stage(v->c) == TCPHS_STAGE_ESTABLISHED &&
                         v->c->opening_frame != v->s->frame && !may_have_closed_unseen(v));
}

/* FIN --------------------------------------------------------------------------------------------------------- */

uint32_t tcphs_check_fin_bad_ack(const struct tcphs_view *v)
{
    return itself(v, is_ordinary(v) && has_fin(v) && tcphs_is_synchronised(v->y->state) &&
                         (v->ack_place == TCPHS_ACK_FAR || v->ack_place == TCPHS_ACK_TOO_OLD));
}

bool tcphs_is_unseen_fin(const struct tcphs_view *v)
{
    return has_fin(v) && !tcphs_knows(v->x, TCPHS_FIN_SENT) && tcphs_knows(v->y, TCPHS_KNOWS_HEARD) && !is_over(v->c) &&
           tcphs_is_synchronised(v->y->state) && v->end == v->y->rcv_nxt &&
           (v->c->facts & (TCPHS_GAPS | TCPHS_MIDSTREAM_START)) != 0;
}

uint32_t tcphs_check_fin_out_of_window(const struct tcphs_view *v)
{
    if (tcphs_contradicts_opening(v) && !is_over(v->c))
        return v->c->opening_frame;
    if (!is_ordinary(v) || !has_fin(v) || !receiver_open(v) || is_over(v->c))
        return 0;
    const bool left = v->seq_place == TCPHS_SEQ_OLD && !tcphs_knows(v->x, TCPHS_FIN_SENT) && !tcphs_is_unseen_fin(v);
    return itself(v, left || v->seq_place == TCPHS_SEQ_FAR);
}

uint32_t tcphs_check_fin_moved(const struct tcphs_view *v)
{
    return itself(v, is_ordinary(v) && has_fin(v) && tcphs_fin_is_certain(v->x) && v->end - 1 != v->x->fin_seq);
}

static bool sends_past_fin(const struct tcphs_view *v)
{
    return is_ordinary(v) && v->s->length > 0 && tcphs_fin_is_certain(v->x) &&
           tcphs_seq_after(v->s->seq + v->s->length, v->x->fin_seq + 1);
}

uint32_t tcphs_check_data_after_fin(const struct tcphs_view *v)
{
    return itself(v, sends_past_fin(v) && tcphs_connection_stage(v->c) != TCPHS_STAGE_CLOSED);
}

uint32_t tcphs_check_data_after_close(const struct tcphs_view *v)
{
    return itself(v, sends_past_fin(v) && tcphs_connection_stage(v->c) == TCPHS_STAGE_CLOSED);
}

uint32_t tcphs_check_last_ack_bad(const struct tcphs_view *v)
{
    if (!is_ordinary(v) || has_fin(v) || (v->y->state != TCPHS_LAST_ACK && v->y->state != TCPHS_CLOSING))
        return 0;
    const bool displaced = tcphs_is_pure_ack(v->s) && v->seq_place == TCPHS_SEQ_FAR;
    return itself(v, displaced || v->ack_place == TCPHS_ACK_FAR || v->ack_place == TCPHS_ACK_TOO_OLD);
}

/* Notes ------------------------------------------------------------------------------------------------------- */

/*
 * Its timestamp tells a repetition from a copy that the network has made; without timestamps time must, as no server asks
 * again so soon. A server that had heard the ACK a round trip after it passed here would not ask at all.
 */
uint32_t tcphs_check_synack_repeated(const struct tcphs_view *v)
{
    const struct tcphs_connection *c = v->c;
    const struct tcphs_end *x = v->x;
    if (v->kind != TCPHS_KIND_SYN_ACK || !tcphs_knows(x, TCPHS_SENT_SYN_ACK) || !tcphs_repeats_syn(v) ||
        !tcphs_acks_syn(v) || !(c->facts & TCPHS_WAS_ESTABLISHED) || c->links[TCPHS_LINK_ACK] == 0 ||
        tcphs_knows(x, TCPHS_ANSWERED_SYN_ACK) || c->round_trip < 0 || is_over(c))
        return 0;
    const bool is_stamped = (v->s->options & x->offered & TCPHS_OPT_TIMESTAMP) && x->ts_sent != 0;
    const bool is_sent_again = is_stamped ? v->s->ts_value != x->ts_sent : v->s->time - c->last_synack_time >= LEAST_RTO;
    const int64_t since_syn = v->s->time - c->last_syn_time;
    const bool may_answer_syn = c->synack_count < c->syn_count && since_syn < LEAST_RTO; /* that came twice */
    return itself(v, is_sent_again && !may_answer_syn && since_syn > 2 * c->round_trip);
}

uint32_t tcphs_check_ack_without_flag(const struct tcphs_view *v)
{
    return itself(v, v->s->ack != 0 && !tcphs_has_any(v->s, TCPHS_ACK));
}

uint32_t tcphs_check_simultaneous_open(const struct tcphs_view *v)
{
    return itself(v, v->kind == TCPHS_KIND_SYN && v->y->state == TCPHS_SYN_SENT && !tcphs_knows(v->x, TCPHS_SENT_SYN));
}

uint32_t tcphs_check_simultaneous_close(const struct tcphs_view *v)
{
    return itself(v, is_ordinary(v) && has_fin(v) && v->accepted != TCPHS_ACCEPT_NO &&
                         !tcphs_knows(v->x, TCPHS_FIN_SENT) && tcphs_knows(v->y, TCPHS_FIN_SENT) &&
                         !tcphs_seq_after(v->s->ack, v->y->fin_seq));
}

uint32_t tcphs_check_challenge_ack(const struct tcphs_view *v)
{
    const bool known = tcphs_knows(v->x, TCPHS_KNOWS_SENT | TCPHS_KNOWS_HEARD);
    const bool states_truth =
        known && tcphs_is_pure_ack(v->s) && v->s->seq == v->x->snd_nxt && v->s->ack == v->x->rcv_nxt;
    /* With something new to acknowledge, the handshake to complete, or a question to answer, it was due without any
     * challenge. */
    const bool own_occasion =
        v->s->ack != v->x->rcv_ack || v->y->state == TCPHS_SYN_RECEIVED || (v->y->beliefs & TCPHS_HAS_ASKED) != 0;
    return states_truth && !own_occasion ? v->y->provoked_frame : 0;
}

uint32_t tcphs_check_port_reused(const struct tcphs_view *v)
{
    return itself(v, (v->c->facts & (TCPHS_IS_SUCCESSOR | TCPHS_FIRST_PASSED)) == TCPHS_IS_SUCCESSOR);
}

uint32_t tcphs_check_mss_absent(const struct tcphs_view *v)
{
    return itself(v, has_syn(v) && !(v->s->options & (TCPHS_OPT_MSS | TCPHS_OPTIONS_CUT)));
}

static bool answers_syn_data(const struct tcphs_view *v)
{
    return v->kind == TCPHS_KIND_SYN_ACK && v->y->state == TCPHS_SYN_SENT && v->accepted == TCPHS_ACCEPT_YES &&
           v->y->snd_nxt != v->y->iss + 1;
}

uint32_t tcphs_check_tfo_accepted(const struct tcphs_view *v)
{
    return itself(v, answers_syn_data(v) && v->s->ack != v->y->iss + 1);
}

uint32_t tcphs_check_tfo_ignored(const struct tcphs_view *v)
{
    return itself(v, answers_syn_data(v) && v->s->ack == v->y->iss + 1 && tcphs_knows(v->y, TCPHS_ASKED_FASTOPEN));
}

uint32_t tcphs_check_half_open_peer(const struct tcphs_view *v)
{
    if (v->kind != TCPHS_KIND_RST)
        return 0;
    if (v->answers_claim && v->x->state == TCPHS_SYN_SENT && v->y->claim_ack != v->x->iss + 1)
        return v->y->claim_frame;
    return itself(v, tcphs_knows(v->x, TCPHS_SYN_REFUSED) && tcphs_answers_as_closed(v));
}

/* The receiver offered nothing; the byte at its edge, or the one before (common kernels), makes it say so again. */
static bool asks_for_room(const struct tcphs_view *v)
{
    return is_ordinary(v) && !has_fin(v) && v->s->length <= 1 && tcphs_knows(v->y, TCPHS_OFFERS_NOTHING) &&
           tcphs_is_synchronised(v->y->state) && (is_probe(v) || v->seq_place == TCPHS_SEQ_EDGE);
}

uint32_t tcphs_check_keep_alive(const struct tcphs_view *v)
{
    return itself(v, is_ordinary(v) && !has_fin(v) && v->s->length <= 1 && is_probe(v) && !asks_for_room(v) &&
                         tcphs_is_synchronised(v->y->state) && tcphs_is_synchronised(v->x->state));
}

uint32_t tcphs_check_zero_window_probe(const struct tcphs_view *v)
{
    return itself(v, asks_for_room(v));
}

/* All of them ------------------------------------------------------------------------------------------------- */

typedef uint32_t (*check)(const struct tcphs_view *v);

static const check rows[TCPHS_FINDINGS] = {
#define TCPHS_ANOMALY(name, ...) [TCPHS_FINDS_##name] = tcphs_check_##name,
#define TCPHS_NOTE(name, ...) [TCPHS_FINDS_##name] = tcphs_check_##name,
#include "findings.def"
};

#define B(name) TCPHS_FINDING_BIT(TCPHS_FINDS_##name)

/*
 * Without its occasion a row cannot be found, so it is not looked for: of most segments next to nothing is. The table
 * saves time and nothing else; tests hold it to the rows themselves (tcphs_check_every_row).
 */
enum occasion {
    OF_ODD_FLAGS,
    OF_RST,
    OF_SYN,
    OF_SYN_ACK,
    OF_ORDINARY,
    OF_FIN,
    OF_MISFIT,  /* an ordinary segment with an acknowledgment or a sequence number far off */
    OF_REPEAT,  /* … or of a byte that was heard, or one at the edge of the window */
    OF_OPENING, /* an end waits for the handshake to go on */
    OF_CLOSING, /* data of an end that has sent its FIN */
    OF_RESET,   /* the connection is over by RST */
    OF_DOUBT,   /* an earlier segment is suspected of something */
    OF_BEGINNING,
    OF_REFUSAL, /* it is dropped for its timestamp or signature */
    OCCASIONS
};

static const uint64_t found_on[OCCASIONS] = {
    [OF_ODD_FLAGS] = B(flags_none) | B(syn_fin) | B(syn_rst) | B(rst_fin) | B(no_ack_flag) | B(xmas) |
                     B(ack_without_flag) | B(psh_without_data) | B(urg_inconsistent) | B(port_zero) |
                     B(option_misplaced) | B(data_before_established) | B(fin_before_established),
    [OF_RST] = B(rst_bad_ack) | B(rst_out_of_window) | B(rst_inexact) | B(rst_with_data) | B(rst_train) | B(rst_ttl) |
               B(rst_echo) | B(rst_in_handshake) | B(rst_without_fin) | B(half_open_peer),
    [OF_SYN] = B(syn_with_data) | B(syn_isn_changed) | B(simultaneous_open) | B(syn_old_timestamp) |
               B(window_scale_too_big) | B(mss_absent),
    [OF_SYN_ACK] = B(synack_bad_ack) | B(synack_wrong_direction) | B(synack_changed) | B(tfo_accepted) | B(tfo_ignored) |
                   B(option_not_offered) | B(synack_bad_tsecr) |
                   B(synack_repeated) | B(window_scale_too_big) | B(mss_absent),
    [OF_ORDINARY] = B(window_shrunk) | B(timestamp_missing),
    [OF_FIN] = B(fin_out_of_window) | B(fin_moved) | B(simultaneous_close),
    [OF_MISFIT] =
        B(ack_unsent) | B(ack_beyond_window) | B(ack_too_old) | B(seq_beyond_window) | B(fin_bad_ack) | B(last_ack_bad),
    [OF_REPEAT] = B(keep_alive) | B(zero_window_probe),
    [OF_OPENING] = B(split_handshake) | B(final_ack_bad) | B(ack_in_syn_sent),
    [OF_CLOSING] = B(data_after_fin) | B(data_after_close),
    [OF_RESET] = B(rst_out_of_window) | B(rst_ignored) | B(rst_peer_continues),
    [OF_DOUBT] = B(reuse_too_early) | B(synack_changed) | B(final_ack_bad) | B(ack_in_syn_sent) | B(data_before_established) |
                 B(syn_in_connection) | B(ack_unsent) | B(seq_beyond_window) | B(rst_inexact) | B(challenge_ack) |
                 B(rst_out_of_window) | B(fin_out_of_window),
    [OF_BEGINNING] = B(port_reused),
    [OF_REFUSAL] = B(old_timestamp) | B(signature_missing),
};

static bool has_odd_flags(const struct tcphs_view *v)
{
    const struct tcphs_segment *s = v->s;
    const unsigned verbs = s->flags & (TCPHS_SYN | TCPHS_FIN | TCPHS_RST);
    return v->kind == TCPHS_KIND_BARE || (verbs & (verbs - 1)) != 0 || (s->ack != 0 && !tcphs_has_any(s, TCPHS_ACK)) ||
           (s->length == 0 && tcphs_has_any(s, TCPHS_PSH)) || tcphs_has_any(s, TCPHS_URG) || s->urgent != 0 ||
           (s->options & TCPHS_OPTIONS_OF_SYN) != 0 || s->source_port == 0 || s->destination_port == 0;
}

static uint64_t rows_of_ordinary(const struct tcphs_view *v)
{
    uint64_t due = found_on[OF_ORDINARY];
    if (has_fin(v))
        due |= found_on[OF_FIN];
    if (v->ack_place == TCPHS_ACK_FAR || v->ack_place == TCPHS_ACK_TOO_OLD || v->seq_place == TCPHS_SEQ_FAR)
        due |= found_on[OF_MISFIT];
    if (v->seq_place == TCPHS_SEQ_OLD || v->seq_place == TCPHS_SEQ_EDGE)
        due |= found_on[OF_REPEAT];
    if (v->s->length > 0 && tcphs_knows(v->x, TCPHS_FIN_SENT))
        due |= found_on[OF_CLOSING];
    return due;
}

static uint64_t rows_of_kind(const struct tcphs_view *v)
{
    switch ((enum tcphs_kind)v->kind) {
    case TCPHS_KIND_RST:
        return found_on[OF_RST];
    case TCPHS_KIND_SYN:
        return found_on[OF_SYN];
    case TCPHS_KIND_SYN_ACK:
        return found_on[OF_SYN_ACK];
    case TCPHS_KIND_ORDINARY:
        return rows_of_ordinary(v);
    case TCPHS_KIND_BARE:
        break;
    }
    return 0;
}

/* The rows that this segment gives occasion to look for. */
static uint64_t rows_due(const struct tcphs_view *v)
{
    const struct tcphs_end *x = v->x, *y = v->y;
    uint64_t due = rows_of_kind(v);
    if (has_odd_flags(v))
        due |= found_on[OF_ODD_FLAGS];
    if (x->state == TCPHS_SYN_RECEIVED || x->state == TCPHS_SYN_SENT || y->state == TCPHS_SYN_RECEIVED ||
        y->state == TCPHS_SYN_SENT)
        due |= found_on[OF_OPENING];
    if (is_over(v->c))
        due |= found_on[OF_RESET];
    if ((x->other_frame | x->provoked_frame | y->claim_frame | y->other_frame | y->provoked_frame | v->c->early_frame | v->c->opening_frame) != 0)
        due |= found_on[OF_DOUBT];
    if (!(v->c->facts & TCPHS_FIRST_PASSED))
        due |= found_on[OF_BEGINNING];
    if (v->refusal != TCPHS_REFUSED_FOR_NOTHING)
        due |= found_on[OF_REFUSAL];
    return due;
}

/*
 * What is held against a segment of other numbers only when the addressed end has refused it: until then the capture
 * may have missed the end of this connection and the beginning of the next.
 */
static const uint64_t DEFERRED = B(ack_unsent) | B(ack_beyond_window) | B(ack_too_old) | B(seq_beyond_window) |
                                 B(fin_bad_ack) | B(fin_out_of_window) | B(fin_moved) | B(data_after_fin) |
                                 B(data_after_close) | B(last_ack_bad);
#undef B

static uint64_t check_rows(const struct tcphs_view *v, uint64_t due, struct tcphs_found *out)
{
    uint64_t found = 0;
    *out = (struct tcphs_found){ .back = 0 };
    for (; due != 0; due &= due - 1) {
        const unsigned i = (unsigned)__builtin_ctzll(due); /* the lowest row */
        const uint32_t frame = rows[i](v);
        if (frame == 0 || (frame == v->s->frame && (DEFERRED & TCPHS_FINDING_BIT(i)) && tcphs_is_stranger(v)))
            continue;
        found |= TCPHS_FINDING_BIT(i);
        if (frame != v->s->frame && out->back == 0)
            out->back = frame;
        if (frame != v->s->frame && frame == out->back)
            out->backward |= TCPHS_FINDING_BIT(i);
    }
    return found;
}

uint64_t tcphs_check_all(const struct tcphs_view *v, struct tcphs_found *out)
{
    return check_rows(v, rows_due(v), out);
}

uint64_t tcphs_check_every_row(const struct tcphs_view *v, struct tcphs_found *out)
{
    const uint64_t every = (UINT64_C(2) << (TCPHS_FINDINGS - 1)) - 2; /* but the hole */
    return check_rows(v, every, out);
}
