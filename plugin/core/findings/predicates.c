/* predicates.c
 * One predicate per row of findings.def: is this wrong, unusual, or worth a note?
 * A predicate accuses only what no capture gap can explain; what a later segment proves is found on that segment.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "findings/predicates.h"

#include "tcp/acceptability.h"
#include "tcp/origin.h"
#include "tcp/suspicion.h"
#include "tcp/timestamps.h"

/* A SYN-ACK is sent again after a second at the earliest (RFC 6298 2.1), a tenth of it given for late timers. */
#define LEAST_RTO (9 * TCPHS_SECOND / 10)

/* The largest shift of a window that is used (RFC 7323 2.3). */
#define LARGEST_SHIFT 14

/* A second RST counts as part of one burst within this time. */
#define BURST (1 * TCPHS_SECOND)

static struct tcphs_found itself(const struct tcphs_arrival *a, bool found)
{
    return (struct tcphs_found){ .frame = found ? a->s->frame : 0 };
}

/* The segment in that frame, earlier than this one; 0 = none. */
static struct tcphs_found earlier(uint32_t frame)
{
    return (struct tcphs_found){ .frame = frame };
}

/* … and what it acknowledged, where that much was due of the bytes of end e. */
static struct tcphs_found earlier_ack(uint32_t frame, const struct tcphs_end *e, uint32_t seen, uint32_t due)
{
    const uint32_t start = tcphs_knows(e, TCPHS_KNOWS_ISS) ? e->iss : 0;
    return (struct tcphs_found){ .frame = frame, .seen = seen - start, .due = due - start, .has_numbers = true };
}

/* … and where it stood, where that was expected of end e; what it acknowledged was right. */
static struct tcphs_found earlier_seq(uint32_t frame, const struct tcphs_end *e, uint32_t seen, uint32_t due)
{
    struct tcphs_found found = earlier_ack(frame, e, seen, due);
    found.ack_is_right = true;
    return found;
}

/* The receiver has a sequence space: SYN-RECEIVED or later, and no RST has ended that. */
static bool receiver_open(const struct tcphs_arrival *a)
{
    return a->y->state == TCPHS_SYN_RECEIVED || tcphs_is_synchronised(a->y->state);
}

static bool before_established(const struct tcphs_arrival *a)
{
    const enum tcphs_stage stage = tcphs_connection_stage(a->c);
    return stage == TCPHS_STAGE_SYN_SENT || stage == TCPHS_STAGE_SYN_RECEIVED;
}

/* x goes on with the connection in which y had sent a foreign segment. */
static bool refuses_foreign(const struct tcphs_arrival *a)
{
    const enum tcphs_stage stage = tcphs_connection_stage(a->c);
    return a->y->foreign_frame != 0 && tcphs_is_ack(a) && tcphs_is_in_time(a) && tcphs_is_synchronised(a->x->state) &&
           tcphs_fits(a) && stage != TCPHS_STAGE_CLOSED && stage != TCPHS_STAGE_SYN_RECEIVED;
}

/* What x sends sooner than it has ever answered anything was under way already when its peer's segment passed here: it
 * proves nothing. */
static bool reacts_too_soon(const struct tcphs_arrival *a, uint32_t clock)
{
    return tcphs_clock(a->s->time) - clock < a->x->answer_time;
}

/* Header and flags -------------------------------------------------------------------------------------------- */

struct tcphs_found tcphs_check_flags_none(const struct tcphs_arrival *a)
{
    return itself(a, !tcphs_has_any(a->s, TCPHS_FIN | TCPHS_SYN | TCPHS_RST | TCPHS_PSH | TCPHS_ACK | TCPHS_URG));
}

struct tcphs_found tcphs_check_syn_fin(const struct tcphs_arrival *a)
{
    return itself(a, tcphs_has(a->s, TCPHS_SYN | TCPHS_FIN));
}

struct tcphs_found tcphs_check_syn_rst(const struct tcphs_arrival *a)
{
    return itself(a, tcphs_has(a->s, TCPHS_SYN | TCPHS_RST));
}

struct tcphs_found tcphs_check_rst_fin(const struct tcphs_arrival *a)
{
    return itself(a, tcphs_has(a->s, TCPHS_RST | TCPHS_FIN));
}

struct tcphs_found tcphs_check_no_ack_flag(const struct tcphs_arrival *a)
{
    return itself(a, a->kind == TCPHS_KIND_NO_ACK && tcphs_has_any(a->s, TCPHS_FIN | TCPHS_PSH | TCPHS_URG));
}

struct tcphs_found tcphs_check_xmas(const struct tcphs_arrival *a)
{
    return itself(a, a->kind == TCPHS_KIND_NO_ACK && tcphs_has(a->s, TCPHS_FIN | TCPHS_PSH | TCPHS_URG));
}

static bool is_probe(const struct tcphs_arrival *a)
{
    return tcphs_knows(a->y, TCPHS_KNOWS_HEARD) && a->s->seq + 1 == a->y->rcv_nxt;
}

struct tcphs_found tcphs_check_psh_without_data(const struct tcphs_arrival *a)
{
    return itself(a, tcphs_has_any(a->s, TCPHS_PSH) && a->s->length == 0 &&
                         !tcphs_has_any(a->s, TCPHS_SYN | TCPHS_FIN | TCPHS_RST) && !is_probe(a));
}

struct tcphs_found tcphs_check_urg_inconsistent(const struct tcphs_arrival *a)
{
    /* A pointer beyond the payload is no fault: the urgent byte may come later (RFC 9293 3.8.5). */
    return itself(a, tcphs_has_any(a->s, TCPHS_URG) != (a->s->urgent != 0));
}

struct tcphs_found tcphs_check_port_zero(const struct tcphs_arrival *a)
{
    return itself(a, a->s->source_port == 0 || a->s->destination_port == 0);
}

/* Handshake --------------------------------------------------------------------------------------------------- */

struct tcphs_found tcphs_check_syn_with_data(const struct tcphs_arrival *a)
{
    return itself(a, a->kind == TCPHS_KIND_SYN && a->s->length > 0 &&
                         !(a->s->options & (TCPHS_OPT_FASTOPEN | TCPHS_OPTIONS_CUT)));
}

struct tcphs_found tcphs_check_syn_isn_changed(const struct tcphs_arrival *a)
{
    return itself(a, a->kind == TCPHS_KIND_SYN && before_established(a) && tcphs_knows(a->x, TCPHS_SENT_SYN) &&
                         !tcphs_repeats_syn(a) && a->y->unseen_ack_frame == 0);
}

struct tcphs_found tcphs_check_synack_bad_ack(const struct tcphs_arrival *a)
{
    const bool crossed = a->y->state == TCPHS_SYN_RECEIVED && tcphs_knows(a->x, TCPHS_SENT_SYN) &&
                         tcphs_knows(a->y, TCPHS_SENT_SYN) && tcphs_repeats_syn(a);
    return itself(a, a->kind == TCPHS_KIND_SYN_ACK && (a->y->state == TCPHS_SYN_SENT || crossed) && !tcphs_acks_syn(a));
}

struct tcphs_found tcphs_check_synack_wrong_direction(const struct tcphs_arrival *a)
{
    if (a->kind != TCPHS_KIND_SYN_ACK || !tcphs_knows(a->x, TCPHS_SENT_SYN) || tcphs_knows(a->y, TCPHS_SENT_SYN))
        return itself(a, false);
    /* With numbers that fit, and no data yet, the peer's SYN of a simultaneous open may be uncaptured. */
    const bool early = !((a->x->known | a->y->known) & TCPHS_DATA_ACKED);
    const bool fits =
        early && tcphs_repeats_syn(a) && (!tcphs_knows(a->y, TCPHS_SENT_SYN_ACK) || a->s->ack == a->y->iss + 1);
    return itself(a, !tcphs_is_reset(a->c) && !fits);
}

struct tcphs_found tcphs_check_synack_changed(const struct tcphs_arrival *a)
{
    if (tcphs_knows(a->y, TCPHS_FOREIGN_IS_SYN_ACK) && refuses_foreign(a))
        return earlier(a->y->foreign_frame);
    return itself(a, a->kind == TCPHS_KIND_SYN_ACK && tcphs_knows(a->x, TCPHS_SENT_SYN_ACK) &&
                         tcphs_is_synchronised(a->y->state) && tcphs_knows(a->y, TCPHS_KNOWS_ISS) &&
                         !tcphs_is_known_alternative(a) && tcphs_connection_stage(a->c) != TCPHS_STAGE_CLOSED &&
                         !tcphs_is_foreign_syn_ack(a) && (!tcphs_repeats_syn(a) || !tcphs_acks_syn(a)));
}

static bool completes_handshake(const struct tcphs_arrival *a)
{
    return tcphs_is_ack(a) && a->y->state == TCPHS_SYN_RECEIVED && a->accepted == TCPHS_ACCEPT_YES;
}

/*
 * A simultaneous open whose SYN-ACK was lost, on the wire or from the capture, shows the same segments. Only time tells
 * them apart: here the peer took at least a round trip to send its SYN, so that it had heard ours.
 */
static bool had_heard_syn(const struct tcphs_arrival *a)
{
    const struct tcphs_connection *c = a->c;
    return tcphs_knows(a->y, TCPHS_SENT_SYN_ACK) &&
           c->last_syn_time - c->first_syn_time >= a->s->time - c->last_synack_time;
}

struct tcphs_found tcphs_check_split_handshake(const struct tcphs_arrival *a)
{
    const bool unanswered = !tcphs_knows(a->y, TCPHS_ANSWERED_SYN_ACK) && had_heard_syn(a);
    return itself(a, unanswered && completes_handshake(a) && tcphs_is_pure_ack(a->s) && a->c->client == !a->s->from &&
                         !tcphs_knows(a->x, TCPHS_SENT_SYN_ACK));
}

/* A pure ACK of all it has heard, sent after that: an older one may have been held back on the way, as may the ACK that
 * ends the handshake. */
static bool stands_still(const struct tcphs_arrival *a)
{
    return tcphs_is_pure_ack(a->s) && a->c->syn_count > 0 && a->y->state != TCPHS_SYN_RECEIVED &&
           (!tcphs_knows(a->x, TCPHS_KNOWS_HEARD) || a->s->ack == a->x->rcv_nxt || a->s->ack == a->y->unseen_ack_left);
}

/* y acknowledged what x was not seen to send, and it is possible to tell whether x sent it: where the capture began
 * midstream, "the last byte seen" may have been a repeat. */
static bool can_refute_unseen_ack(const struct tcphs_arrival *a)
{
    const struct tcphs_end *x = a->x, *y = a->y;
    return y->unseen_ack_frame != 0 && tcphs_knows(y, TCPHS_UNSEEN_ACK_OPEN) && tcphs_is_in_time(a) &&
           !tcphs_knows(x, TCPHS_SENT_UNSURE) && !(a->c->facts & (TCPHS_GAPS | TCPHS_MIDSTREAM_START)) &&
           tcphs_seq_after(y->unseen_ack, x->snd_nxt);
}

/* x goes on at the number before that, and has had the time to know better. */
static bool goes_on_before_unseen_ack(const struct tcphs_arrival *a)
{
    const struct tcphs_end *x = a->x, *y = a->y;
    return (x->state == TCPHS_SYN_RECEIVED || tcphs_is_synchronised(x->state)) && a->s->seq == x->snd_nxt &&
           !reacts_too_soon(a, y->unseen_ack_clock) &&
           (stands_still(a) || tcphs_seq_after(a->end, y->unseen_ack) || tcphs_knows(y, TCPHS_UNSEEN_ACK_TAKEN_BACK));
}

/* x proves by its own sequence number that y acknowledged what x never sent. */
static bool refutes_unseen_ack(const struct tcphs_arrival *a)
{
    const struct tcphs_end *x = a->x;
    if (!can_refute_unseen_ack(a))
        return false;
    switch ((enum tcphs_segment_kind)a->kind) {
    case TCPHS_KIND_RST: /* how a SYN-RECEIVED or SYN-SENT end answers an unacceptable ACK */
        return a->answers_unseen_ack && x->state <= TCPHS_SYN_RECEIVED;
    case TCPHS_KIND_SYN: /* it asks again, for what it was told was no answer */
        return x->state == TCPHS_SYN_SENT && tcphs_repeats_syn(a);
    case TCPHS_KIND_SYN_ACK:
        return x->state == TCPHS_SYN_RECEIVED && a->s->seq == x->iss;
    case TCPHS_KIND_ACK:
        return goes_on_before_unseen_ack(a);
    case TCPHS_KIND_NO_ACK:
        break;
    }
    return false;
}

/* The server asks for the final ACK again, or says what it expects: the one it got stood at the wrong number. */
static bool refuses_misplaced_ack(const struct tcphs_arrival *a)
{
    if (!(a->y->beliefs & TCPHS_CHALLENGE_OF_ACK) || a->x->state != TCPHS_SYN_RECEIVED || !tcphs_is_in_time(a))
        return false;
    const bool asks_again = a->kind == TCPHS_KIND_SYN_ACK && tcphs_repeats_syn(a);
    return (asks_again || tcphs_is_pure_ack(a->s)) && a->s->ack == a->x->rcv_nxt;
}

struct tcphs_found tcphs_check_final_ack_bad(const struct tcphs_arrival *a)
{
    if (refuses_misplaced_ack(a))
        return earlier_seq(a->y->challenge_frame, a->y, a->y->challenge_seq, a->x->rcv_nxt);
    if (a->x->state == TCPHS_SYN_RECEIVED && refutes_unseen_ack(a))
        return earlier_ack(a->y->unseen_ack_frame, a->x, a->y->unseen_ack, a->x->snd_nxt);
    return itself(a, tcphs_is_displaced_final_ack(a) ||
                         (tcphs_is_ack(a) && a->y->state == TCPHS_SYN_RECEIVED && a->seq_position != TCPHS_SEQ_OLD &&
                          a->ack_position != TCPHS_ACK_UNSEEN && tcphs_knows(a->y, TCPHS_KNOWS_ISS) &&
                          !tcphs_acks_syn(a)));
}

struct tcphs_found tcphs_check_ack_in_syn_sent(const struct tcphs_arrival *a)
{
    if (a->x->state == TCPHS_SYN_SENT && refutes_unseen_ack(a))
        return earlier_ack(a->y->unseen_ack_frame, a->x, a->y->unseen_ack, a->x->snd_nxt);
    return itself(a, tcphs_is_ack(a) && a->y->state == TCPHS_SYN_SENT && a->ack_position != TCPHS_ACK_UNSEEN &&
                         !tcphs_acks_syn(a));
}

struct tcphs_found tcphs_check_data_before_established(const struct tcphs_arrival *a)
{
    if (a->kind == TCPHS_KIND_NO_ACK && a->s->length > 0 && before_established(a))
        return itself(a, true);
    /* A client that only now completes the handshake had not done so when the server sent data. */
    if (a->c->early_data_frame != 0 && completes_handshake(a) && tcphs_is_pure_ack(a->s) &&
        a->s->ack == a->y->iss + 1 && tcphs_is_in_time(a))
        return earlier(a->c->early_data_frame);
    return itself(a, false);
}

struct tcphs_found tcphs_check_fin_before_established(const struct tcphs_arrival *a)
{
    return itself(a, a->kind == TCPHS_KIND_NO_ACK && tcphs_has_fin(a) && tcphs_check_xmas(a).frame == 0 &&
                         before_established(a));
}

/* Options of the handshake ------------------------------------------------------------------------------------- */

static bool has_syn(const struct tcphs_arrival *a)
{
    return a->kind == TCPHS_KIND_SYN || a->kind == TCPHS_KIND_SYN_ACK;
}

/* The SYN-ACK was captured whole, and so was every SYN of its peer; both have one, so it is no simultaneous open. */
static bool answers_whole_syn(const struct tcphs_arrival *a)
{
    return a->kind == TCPHS_KIND_SYN_ACK && tcphs_knows(a->y, TCPHS_SENT_SYN) && !tcphs_knows(a->x, TCPHS_SENT_SYN) &&
           tcphs_acks_syn(a) && !((a->s->options | a->y->offered_ever) & TCPHS_OPTIONS_CUT);
}

struct tcphs_found tcphs_check_option_not_offered(const struct tcphs_arrival *a)
{
    const unsigned asked_for = TCPHS_OPT_WSCALE | TCPHS_OPT_SACK_PERMITTED | TCPHS_OPT_TIMESTAMP | TCPHS_OPT_MP_CAPABLE;
    return itself(a, answers_whole_syn(a) && (a->s->options & asked_for & ~(unsigned)a->y->offered_ever) != 0);
}

struct tcphs_found tcphs_check_option_misplaced(const struct tcphs_arrival *a)
{
    return itself(a, tcphs_has_misplaced_option(a->s));
}

struct tcphs_found tcphs_check_synack_bad_tsecr(const struct tcphs_arrival *a)
{
    return itself(a, a->refusal == TCPHS_REFUSED_FOR_ECHO);
}

/* Its receiver would have taken in something new of it: bytes, a FIN, an acknowledgment, the end of the handshake. */
static bool brings_news(const struct tcphs_arrival *a)
{
    const struct tcphs_end *y = a->y;
    return tcphs_seq_after(a->end, y->rcv_nxt) || tcphs_seq_after(a->s->ack, y->snd_una) ||
           y->state == TCPHS_SYN_RECEIVED;
}

struct tcphs_found tcphs_check_old_timestamp(const struct tcphs_arrival *a)
{
    return itself(a, a->refusal == TCPHS_REFUSED_FOR_TIMESTAMP && brings_news(a));
}

/* Once for each end: a box that takes them away does so with all segments. */
struct tcphs_found tcphs_check_timestamp_missing(const struct tcphs_arrival *a)
{
    return itself(a, tcphs_is_ack(a) && tcphs_uses_timestamps(a->c) && !(a->x->beliefs & TCPHS_TS_WAS_MISSING) &&
                         !(a->s->options & (TCPHS_OPT_TIMESTAMP | TCPHS_OPTIONS_CUT)));
}

struct tcphs_found tcphs_check_signature_missing(const struct tcphs_arrival *a)
{
    return itself(a, a->refusal == TCPHS_REFUSED_FOR_SIGNATURE);
}

struct tcphs_found tcphs_check_syn_old_timestamp(const struct tcphs_arrival *a)
{
    return itself(a, tcphs_is_too_old_for_time_wait(a));
}

struct tcphs_found tcphs_check_window_scale_too_big(const struct tcphs_arrival *a)
{
    return itself(a, has_syn(a) && (a->s->options & TCPHS_OPT_WSCALE) && a->s->wscale > LARGEST_SHIFT);
}

/* Established ------------------------------------------------------------------------------------------------- */

/* The addressed end of a segment of other numbers goes on with the old ones. */
static bool refuses_foreign_segment(const struct tcphs_arrival *a)
{
    return tcphs_knows(a->y, TCPHS_FOREIGN_HAS_NO_SYN) && refuses_foreign(a);
}

/* … and offers no room as far as that. */
static bool has_no_room_for_foreign_segment(const struct tcphs_arrival *a)
{
    return tcphs_seq_after(a->y->foreign_seq, a->s->ack + tcphs_granted_window(a->c, a->s));
}

/* What that segment acknowledged was right: only its sequence number was not. */
static bool foreign_segment_only_leaps(const struct tcphs_arrival *a)
{
    return !tcphs_seq_after(a->y->foreign_end, a->x->snd_nxt);
}

struct tcphs_found tcphs_check_syn_in_connection(const struct tcphs_arrival *a)
{
    const bool is_syn = !(a->y->known & (TCPHS_FOREIGN_IS_SYN_ACK | TCPHS_FOREIGN_HAS_NO_SYN));
    return earlier(is_syn && refuses_foreign(a) ? a->y->foreign_frame : 0);
}

struct tcphs_found tcphs_check_reuse_too_early(const struct tcphs_arrival *a)
{
    const bool is_syn = !(a->y->known & (TCPHS_FOREIGN_IS_SYN_ACK | TCPHS_FOREIGN_HAS_NO_SYN));
    const bool is_for_timestamp = tcphs_time_wait_answer(a->c, a->x, (a->c->retry_options & TCPHS_OPT_TIMESTAMP) != 0,
                                                         a->c->retry_ts_last) == TCPHS_TIME_WAIT_REFUSES;
    return earlier(a->x->state == TCPHS_TIME_WAIT && is_syn && !is_for_timestamp && a->y->foreign_frame != 0 &&
                           tcphs_is_pure_ack(a->s) && tcphs_is_in_time(a) && a->s->seq == a->x->snd_nxt &&
                           a->s->ack == a->x->rcv_nxt
                       ? a->y->foreign_frame
                       : 0);
}

struct tcphs_found tcphs_check_ack_unsent(const struct tcphs_arrival *a)
{
    if (tcphs_is_synchronised(a->x->state) && refutes_unseen_ack(a))
        return earlier_ack(a->y->unseen_ack_frame, a->x, a->y->unseen_ack, a->x->snd_nxt);
    if (refuses_foreign_segment(a) && !foreign_segment_only_leaps(a))
        return earlier_ack(a->y->foreign_frame, a->x, a->y->foreign_end, a->x->snd_nxt);
    return itself(a, tcphs_is_ack(a) && !tcphs_has_fin(a) && a->ack_position == TCPHS_ACK_FAR &&
                         tcphs_is_synchronised(a->y->state) && tcphs_check_last_ack_bad(a).frame == 0);
}

struct tcphs_found tcphs_check_ack_beyond_window(const struct tcphs_arrival *a)
{
    const struct tcphs_end *x = a->x;
    return itself(a, tcphs_is_ack(a) && !tcphs_has_fin(a) && a->ack_position == TCPHS_ACK_FAR &&
                         tcphs_is_synchronised(a->y->state) && tcphs_knows(x, TCPHS_KNOWS_WINDOW | TCPHS_KNOWS_HEARD) &&
                         tcphs_seq_after(a->s->ack, x->rcv_edge) &&
                         !tcphs_seq_follows(a->s->ack, x->rcv_edge, x->max_window));
}

struct tcphs_found tcphs_check_ack_too_old(const struct tcphs_arrival *a)
{
    return itself(a, tcphs_is_ack(a) && !tcphs_has_fin(a) && a->ack_position == TCPHS_ACK_TOO_OLD &&
                         tcphs_is_synchronised(a->y->state) && tcphs_check_last_ack_bad(a).frame == 0);
}

/* The peer says what it expects, and offers no room as far as the data that it was sent. */
static bool refuses_data(const struct tcphs_arrival *a)
{
    return (a->y->beliefs & (TCPHS_CHALLENGE_OF_DATA | TCPHS_HAS_ASKED)) == TCPHS_CHALLENGE_OF_DATA &&
           tcphs_is_pure_ack(a->s) && tcphs_is_in_time(a) && tcphs_fits(a) && a->s->ack == a->x->rcv_ack &&
           a->s->ack == a->x->rcv_nxt &&
           !tcphs_seq_before(a->y->challenge_seq, a->s->ack + tcphs_granted_window(a->c, a->s));
}

/* The sender closes before data that bore its name: behind its FIN it has sent nothing. Gives that data's frame, or 0.
 */
static uint32_t ends_before_data(const struct tcphs_arrival *a)
{
    const struct tcphs_end *x = a->x;
    if (!tcphs_is_ack(a) || !tcphs_has_fin(a) || !tcphs_is_in_time(a) || a->accepted != TCPHS_ACCEPT_YES ||
        a->s->seq != x->snd_nxt)
        return 0;
    if (tcphs_has_foreign_segment(x) && tcphs_seq_after(x->foreign_seq, a->end - 1))
        return x->foreign_frame;
    return (x->beliefs & TCPHS_CHALLENGE_OF_DATA) ? x->challenge_frame
                                                  : 0; /* it lay beyond the window, and this in it */
}

struct tcphs_found tcphs_check_seq_beyond_window(const struct tcphs_arrival *a)
{
    if (refuses_foreign_segment(a) && foreign_segment_only_leaps(a) && has_no_room_for_foreign_segment(a))
        return earlier_seq(a->y->foreign_frame, a->y, a->y->foreign_seq, a->x->rcv_nxt);
    if (refuses_data(a))
        return earlier_seq(a->y->challenge_frame, a->y, a->y->challenge_seq, a->x->rcv_nxt);
    if (ends_before_data(a))
        return earlier_seq(ends_before_data(a), a->x,
                           ends_before_data(a) == a->x->foreign_frame ? a->x->foreign_seq : a->x->challenge_seq,
                           a->s->seq);
    return itself(a, tcphs_is_ack(a) && !tcphs_has_fin(a) && a->seq_position == TCPHS_SEQ_FAR && receiver_open(a) &&
                         !(a->c->facts & TCPHS_GAPS));
}

struct tcphs_found tcphs_check_window_shrunk(const struct tcphs_arrival *a)
{
    const struct tcphs_end *x = a->x;
    /* Once both have no more to send, what is offered is for nobody (common kernels cut it to 16 bits in TIME-WAIT). */
    const bool all_heard = tcphs_knows(a->y, TCPHS_FIN_SENT) && tcphs_seq_after(a->s->ack, a->y->fin_seq);
    if (!tcphs_is_ack(a) || a->accepted != TCPHS_ACCEPT_YES || all_heard || tcphs_knows(x, TCPHS_FIN_SENT) ||
        (a->c->facts & TCPHS_MULTIPATH) || !tcphs_scale_is_known(a->c))
        return itself(a, false);
    return itself(a, tcphs_takes_window_back(x, a->s->ack, a->s->ack + tcphs_granted_window(a->c, a->s)));
}

/* RST --------------------------------------------------------------------------------------------------------- */

struct tcphs_found tcphs_check_rst_bad_ack(const struct tcphs_arrival *a)
{
    if (a->kind != TCPHS_KIND_RST || tcphs_is_reset(a->c) || tcphs_refuses_foreign_syn(a))
        return itself(a, false);
    if (a->y->state == TCPHS_SYN_SENT)
        return itself(a, a->accepted == TCPHS_ACCEPT_NO);
    /* A zero acknowledgment in a RST is "none" to most senders. */
    return itself(a, receiver_open(a) && a->s->ack != 0 &&
                         (a->ack_position == TCPHS_ACK_FAR || a->ack_position == TCPHS_ACK_TOO_OLD));
}

/* An end that has closed answers what was in flight, each segment at the number it acknowledges. */
static bool answers_after_close(const struct tcphs_arrival *a)
{
    return tcphs_answers_as_closed(a) && (tcphs_knows(a->x, TCPHS_FIN_SENT) || a->x->state == TCPHS_CLOSED);
}

/* A RST that its receiver can judge by its sequence number, and refuses. One that it refuses for its signature is asked
 * about its header alone (check.c). */
static bool rst_refused(const struct tcphs_arrival *a)
{
    return a->kind == TCPHS_KIND_RST && a->accepted == TCPHS_ACCEPT_NO && receiver_open(a) && !a->answers_unseen_ack &&
           !answers_after_close(a);
}

/* The FIN or RST by which the end of the handshake was assumed: its sender stood at its first byte, as is known now. */
static struct tcphs_found segment_of_assumed_open(const struct tcphs_arrival *a)
{
    const struct tcphs_end *e = (a->x->beliefs & TCPHS_OPENED_UNSEEN) ? a->x : a->y;
    const uint32_t seen = e->snd_nxt - (tcphs_knows(e, TCPHS_FIN_SENT) ? 1 : 0);
    return earlier_seq(a->c->assumed_open_frame, e, seen, e->iss + 1);
}

struct tcphs_found tcphs_check_rst_out_of_window(const struct tcphs_arrival *a)
{
    if (tcphs_had_heard_more(a) && tcphs_survives_rst(a))
        return earlier_seq(a->c->rst_frame, a->y, a->c->rst_seq, a->x->rcv_nxt);
    if (tcphs_contradicts_assumed_open(a) && tcphs_is_reset(a->c))
        return segment_of_assumed_open(a);
    return itself(a, rst_refused(a) && (a->seq_position == TCPHS_SEQ_OLD || a->seq_position == TCPHS_SEQ_BEYOND ||
                                        a->seq_position == TCPHS_SEQ_FAR));
}

/* The addressed end of such a RST goes on where it stood. */
static bool withstands_rst(const struct tcphs_arrival *a)
{
    return tcphs_is_ack(a) && a->y->challenge_frame != 0 && tcphs_knows(a->y, TCPHS_CHALLENGE_OF_RST) &&
           tcphs_is_in_time(a) && tcphs_is_synchronised(a->x->state) && tcphs_fits(a);
}

struct tcphs_found tcphs_check_rst_inexact(const struct tcphs_arrival *a)
{
    if (withstands_rst(a))
        return earlier_seq(a->y->challenge_frame, a->y, a->c->burst_seq, a->x->rcv_nxt);
    return itself(a, rst_refused(a) && (a->seq_position == TCPHS_SEQ_IN || a->seq_position == TCPHS_SEQ_EDGE) &&
                         !tcphs_may_follow_unseen_end(a));
}

struct tcphs_found tcphs_check_rst_with_data(const struct tcphs_arrival *a)
{
    return itself(a, a->kind == TCPHS_KIND_RST && a->s->length > 0);
}

struct tcphs_found tcphs_check_rst_ignored(const struct tcphs_arrival *a)
{
    const bool both_live = a->c->rst_sender_went_on && tcphs_survives_rst(a);
    return earlier(both_live || tcphs_outlives_own_rst(a) ? a->c->rst_frame : 0);
}

struct tcphs_found tcphs_check_rst_peer_continues(const struct tcphs_arrival *a)
{
    return earlier(!a->c->rst_sender_went_on && !tcphs_had_heard_more(a) && tcphs_survives_rst(a) ? a->c->rst_frame
                                                                                                  : 0);
}

struct tcphs_found tcphs_check_rst_train(const struct tcphs_arrival *a)
{
    const struct tcphs_connection *c = a->c;
    if (a->kind != TCPHS_KIND_RST || c->burst_frame == 0 || !tcphs_knows(a->y, TCPHS_SENT_ANYTHING) ||
        a->s->time - c->burst_time > BURST || tcphs_answers_as_closed(a) || a->answers_unseen_ack)
        return itself(a, false);
    const bool stepped = a->s->from == c->burst_from ? a->s->seq != c->burst_seq : c->burst_count >= 3;
    return earlier(stepped ? c->burst_frame : 0);
}

struct tcphs_found tcphs_check_rst_ttl(const struct tcphs_arrival *a)
{
    const struct tcphs_end *x = a->x;
    /* A closed end answers without the connection's own settings: other TTL, identification 0. */
    const bool closed = tcphs_is_reset(a->c) || tcphs_knows(x, TCPHS_FIN_SENT) || x->state == TCPHS_CLOSED;
    if (a->kind != TCPHS_KIND_RST || (closed && tcphs_answers_as_closed(a)) || a->answers_unseen_ack)
        return itself(a, false);
    return itself(a, tcphs_origin(a) == TCPHS_ORIGIN_DIFFERS);
}

struct tcphs_found tcphs_check_rst_echo(const struct tcphs_arrival *a)
{
    return itself(a, a->kind == TCPHS_KIND_RST && tcphs_echoes_its_receiver(a));
}

struct tcphs_found tcphs_check_rst_in_handshake(const struct tcphs_arrival *a)
{
    /* Who is answered though it never asked knows nothing of a connection, and says so (RFC 9293 3.5.2). */
    return itself(a, tcphs_rst_counts(a) && tcphs_connection_stage(a->c) == TCPHS_STAGE_SYN_RECEIVED &&
                         a->c->syn_count > 0);
}

/* A FIN of y may have passed uncaptured: its direction is not in the capture, or x has acknowledged more of it than was
 * seen. Or it was captured, and good if bytes that it acknowledged were not. */
static bool may_have_closed_unseen(const struct tcphs_arrival *a)
{
    return !tcphs_knows(a->y, TCPHS_SENT_ANYTHING) || a->ack_position == TCPHS_ACK_UNSEEN ||
           (a->x->unseen_ack_frame != 0 && tcphs_knows(a->x, TCPHS_UNSEEN_ACK_OPEN)) ||
           tcphs_knows(a->y, TCPHS_UNSEEN_ACK_HAS_FIN);
}

struct tcphs_found tcphs_check_rst_without_fin(const struct tcphs_arrival *a)
{
    /* Of a connection whose beginning was not captured, a FIN may not have been captured either. */
    return itself(a, tcphs_rst_counts(a) && tcphs_connection_stage(a->c) == TCPHS_STAGE_ESTABLISHED &&
                         a->c->assumed_open_frame != a->s->frame && !may_have_closed_unseen(a));
}

/* FIN --------------------------------------------------------------------------------------------------------- */

struct tcphs_found tcphs_check_fin_bad_ack(const struct tcphs_arrival *a)
{
    return itself(a, tcphs_is_ack(a) && tcphs_has_fin(a) && tcphs_is_synchronised(a->y->state) &&
                         (a->ack_position == TCPHS_ACK_FAR || a->ack_position == TCPHS_ACK_TOO_OLD));
}

struct tcphs_found tcphs_check_fin_out_of_window(const struct tcphs_arrival *a)
{
    if (tcphs_contradicts_assumed_open(a) && !tcphs_is_reset(a->c))
        return segment_of_assumed_open(a);
    if (!tcphs_is_ack(a) || !tcphs_has_fin(a) || !receiver_open(a))
        return itself(a, false);
    const bool left = a->seq_position == TCPHS_SEQ_OLD && !tcphs_knows(a->x, TCPHS_FIN_SENT) && !tcphs_is_unseen_fin(a);
    return itself(a, left || a->seq_position == TCPHS_SEQ_FAR);
}

struct tcphs_found tcphs_check_fin_moved(const struct tcphs_arrival *a)
{
    return itself(a, tcphs_is_ack(a) && tcphs_has_fin(a) && tcphs_fin_is_certain(a->x) && a->end - 1 != a->x->fin_seq);
}

static bool sends_past_fin(const struct tcphs_arrival *a)
{
    return tcphs_is_ack(a) && a->s->length > 0 && tcphs_fin_is_certain(a->x) &&
           tcphs_seq_after(a->s->seq + a->s->length, a->x->fin_seq + 1);
}

struct tcphs_found tcphs_check_data_after_fin(const struct tcphs_arrival *a)
{
    return itself(a, sends_past_fin(a) && tcphs_connection_stage(a->c) != TCPHS_STAGE_CLOSED);
}

struct tcphs_found tcphs_check_data_after_close(const struct tcphs_arrival *a)
{
    return itself(a, sends_past_fin(a) && tcphs_connection_stage(a->c) == TCPHS_STAGE_CLOSED);
}

struct tcphs_found tcphs_check_last_ack_bad(const struct tcphs_arrival *a)
{
    if (!tcphs_is_ack(a) || tcphs_has_fin(a) || (a->y->state != TCPHS_LAST_ACK && a->y->state != TCPHS_CLOSING))
        return itself(a, false);
    const bool displaced = tcphs_is_pure_ack(a->s) && a->seq_position == TCPHS_SEQ_FAR;
    return itself(a, displaced || a->ack_position == TCPHS_ACK_FAR || a->ack_position == TCPHS_ACK_TOO_OLD);
}

/* Notes ------------------------------------------------------------------------------------------------------- */

static bool is_syn_ack_again(const struct tcphs_arrival *a)
{
    return a->kind == TCPHS_KIND_SYN_ACK && tcphs_knows(a->x, TCPHS_SENT_SYN_ACK) && tcphs_repeats_syn(a) &&
           tcphs_acks_syn(a);
}

/* The server should have heard the final ACK, and has shown nothing else yet. */
static bool final_ack_is_due(const struct tcphs_arrival *a)
{
    const struct tcphs_connection *c = a->c;
    return (c->facts & TCPHS_WAS_ESTABLISHED) && (c->facts & TCPHS_HAD_FINAL_ACK) &&
           !tcphs_knows(a->x, TCPHS_ANSWERED_SYN_ACK) && c->round_trip >= 0 && !tcphs_is_reset(c);
}

/*
 * Its timestamp tells a repetition from a copy that the network has made; without timestamps time must, as no server
 * asks again so soon. A server that had heard the ACK a round trip after it passed here would not ask at all.
 */
struct tcphs_found tcphs_check_synack_repeated(const struct tcphs_arrival *a)
{
    const struct tcphs_connection *c = a->c;
    const struct tcphs_end *x = a->x;
    if (!is_syn_ack_again(a) || !final_ack_is_due(a))
        return itself(a, false);
    const bool is_stamped = (a->s->options & x->offered & TCPHS_OPT_TIMESTAMP) && x->ts_sent != 0;
    const bool is_sent_again =
        is_stamped ? a->s->ts_value != x->ts_sent : a->s->time - c->last_synack_time >= LEAST_RTO;
    const int64_t since_syn = a->s->time - c->last_syn_time;
    const bool may_answer_syn = c->synack_count < c->syn_count && since_syn < LEAST_RTO; /* that came twice */
    return itself(a, is_sent_again && !may_answer_syn && since_syn > 2 * c->round_trip);
}

struct tcphs_found tcphs_check_ack_without_flag(const struct tcphs_arrival *a)
{
    return itself(a, a->s->ack != 0 && !tcphs_has_any(a->s, TCPHS_ACK));
}

struct tcphs_found tcphs_check_simultaneous_open(const struct tcphs_arrival *a)
{
    return itself(a, a->kind == TCPHS_KIND_SYN && a->y->state == TCPHS_SYN_SENT && !tcphs_knows(a->x, TCPHS_SENT_SYN));
}

struct tcphs_found tcphs_check_simultaneous_close(const struct tcphs_arrival *a)
{
    return itself(a, tcphs_is_ack(a) && tcphs_has_fin(a) && a->accepted != TCPHS_ACCEPT_NO &&
                         !tcphs_knows(a->x, TCPHS_FIN_SENT) && tcphs_knows(a->y, TCPHS_FIN_SENT) &&
                         !tcphs_seq_after(a->s->ack, a->y->fin_seq));
}

struct tcphs_found tcphs_check_challenge_ack(const struct tcphs_arrival *a)
{
    const bool known = tcphs_knows(a->x, TCPHS_KNOWS_SENT | TCPHS_KNOWS_HEARD);
    const bool states_truth =
        known && tcphs_is_pure_ack(a->s) && a->s->seq == a->x->snd_nxt && a->s->ack == a->x->rcv_nxt;
    /* With something new to acknowledge, the handshake to complete, or a question to answer, it was due without any
     * challenge. */
    const bool own_occasion =
        a->s->ack != a->x->rcv_ack || a->y->state == TCPHS_SYN_RECEIVED || (a->y->beliefs & TCPHS_HAS_ASKED) != 0;
    return earlier(states_truth && !own_occasion ? a->y->challenge_frame : 0);
}

struct tcphs_found tcphs_check_port_reused(const struct tcphs_arrival *a)
{
    return itself(a, (a->c->facts & (TCPHS_REUSES_PORTS | TCPHS_HAD_SEGMENT)) == TCPHS_REUSES_PORTS);
}

struct tcphs_found tcphs_check_mss_absent(const struct tcphs_arrival *a)
{
    return itself(a, has_syn(a) && !(a->s->options & (TCPHS_OPT_MSS | TCPHS_OPTIONS_CUT)));
}

static bool answers_syn_data(const struct tcphs_arrival *a)
{
    return a->kind == TCPHS_KIND_SYN_ACK && a->y->state == TCPHS_SYN_SENT && a->accepted == TCPHS_ACCEPT_YES &&
           a->y->snd_nxt != a->y->iss + 1;
}

struct tcphs_found tcphs_check_tfo_accepted(const struct tcphs_arrival *a)
{
    return itself(a, answers_syn_data(a) && a->s->ack != a->y->iss + 1);
}

struct tcphs_found tcphs_check_tfo_ignored(const struct tcphs_arrival *a)
{
    return itself(a, answers_syn_data(a) && a->s->ack == a->y->iss + 1 && tcphs_knows(a->y, TCPHS_ASKED_FASTOPEN));
}

struct tcphs_found tcphs_check_half_open_peer(const struct tcphs_arrival *a)
{
    if (a->kind != TCPHS_KIND_RST)
        return itself(a, false);
    if (a->answers_unseen_ack && a->x->state == TCPHS_SYN_SENT && a->y->unseen_ack != a->x->iss + 1)
        return earlier(a->y->unseen_ack_frame);
    return itself(a, tcphs_knows(a->x, TCPHS_SYN_REFUSED) && tcphs_answers_as_closed(a));
}

/* The receiver offered nothing; the byte at its edge, or the one before (common kernels), makes it say so again. */
static bool asks_for_room(const struct tcphs_arrival *a)
{
    return tcphs_is_ack(a) && !tcphs_has_fin(a) && a->s->length <= 1 && tcphs_knows(a->y, TCPHS_OFFERS_NOTHING) &&
           tcphs_is_synchronised(a->y->state) && (is_probe(a) || a->seq_position == TCPHS_SEQ_EDGE);
}

struct tcphs_found tcphs_check_keep_alive(const struct tcphs_arrival *a)
{
    return itself(a, tcphs_is_ack(a) && !tcphs_has_fin(a) && a->s->length <= 1 && is_probe(a) && !asks_for_room(a) &&
                         tcphs_is_synchronised(a->y->state) && tcphs_is_synchronised(a->x->state));
}

struct tcphs_found tcphs_check_zero_window_probe(const struct tcphs_arrival *a)
{
    return itself(a, asks_for_room(a));
}
