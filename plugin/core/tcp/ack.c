/* ack.c
 * Segments that carry ACK and neither SYN nor RST: data, acknowledgments, and what they prove about bytes not captured.
 * The FIN among them is handed to fin.c.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tcp/ack.h"

#include "tcp/acceptability.h"
#include "tcp/evidence.h"
#include "tcp/fin.h"
#include "tcp/sequence_space.h"
#include "tcp/suspicion.h"

static void guess_client(struct tcphs_connection *c, const struct tcphs_segment *s)
{
    /* Services sit on the lower port. */
    if (s->source_port != s->destination_port)
        c->client = s->source_port > s->destination_port ? s->from : !s->from;
}

void tcphs_pick_up_midstream(const struct tcphs_processing *p)
{
    p->c->facts |= TCPHS_MIDSTREAM_START;
    tcphs_assume(p->c);
    guess_client(p->c, p->s);
}

/* Before the SYN-ACK the client sends no ACK: it has heard one that was not captured. */
static void infer_syn_ack(const struct tcphs_processing *p)
{
    p->y->iss = p->s->ack - 1; /* not known, but should that SYN-ACK still come … */
    p->c->inferred_synack_frame = p->s->frame;
    p->c->facts |= TCPHS_GAPS;
    tcphs_assume(p->c);
    tcphs_transition(p->x, TCPHS_SENDS_SYNCHRONISED);
    tcphs_transition(p->y, TCPHS_HEARS_ACK_OF_SYN);
}

/* x aborts at the very number that y acknowledged, and acknowledges the FIN that came with it. */
static bool aborts_at_claim(const struct tcphs_arrival *a)
{
    return a->answers_unseen_ack && tcphs_knows(a->y, TCPHS_UNSEEN_ACK_HAS_FIN) && tcphs_has_any(a->s, TCPHS_ACK) &&
           a->s->ack == a->y->snd_nxt;
}

/* x goes on at or behind what y acknowledged and nobody saw. */
bool tcphs_confirms_gap(const struct tcphs_arrival *a)
{
    const struct tcphs_end *x = a->x, *y = a->y;
    if (y->unseen_ack_frame == 0 || !tcphs_knows(y, TCPHS_UNSEEN_ACK_OPEN))
        return false;
    if (a->kind != TCPHS_KIND_ACK)
        return aborts_at_claim(a);
    return tcphs_seq_after(a->s->seq, x->snd_nxt) && !tcphs_seq_before(a->s->seq, y->unseen_ack) &&
           a->ack_position != TCPHS_ACK_FAR && a->ack_position != TCPHS_ACK_TOO_OLD &&
           (a->seq_position != TCPHS_SEQ_FAR || tcphs_seq_follows(a->s->seq, y->unseen_ack, y->max_window));
}

/* What e was not seen to send is acknowledged: no wonder that a segment of it lay far ahead. */
static void explain_leap(struct tcphs_end *e)
{
    if (tcphs_has_foreign_segment(e))
        e->foreign_frame = 0;
}

/* The bytes that the peer acknowledged and nobody saw were really sent: x goes on behind them. */
void tcphs_confirm_gap(const struct tcphs_processing *p)
{
    struct tcphs_end *x = p->x, *y = p->y;
    p->c->facts |= TCPHS_GAPS;
    tcphs_assume(p->c);
    x->snd_una = tcphs_seq_max(x->snd_una, y->unseen_ack);
    x->snd_nxt = tcphs_seq_max(x->snd_nxt, y->unseen_ack);
    if (tcphs_seq_after(y->unseen_ack, y->rcv_nxt))
        y->rcv_nxt = y->rcv_ack = y->unseen_ack;
    y->rcv_edge = tcphs_seq_max(y->rcv_edge, y->unseen_ack + y->max_window);
    tcphs_join_held(y);
    if (x->state == TCPHS_SYN_RECEIVED) {
        p->c->facts &= ~(uint32_t)TCPHS_BAD_FINAL_ACK;
        tcphs_transition(x, TCPHS_HEARS_ACK_OF_SYN);
    }
    if (tcphs_knows(y, TCPHS_UNSEEN_ACK_HAS_FIN) && !tcphs_knows(y, TCPHS_FIN_SENT)) { /* so its FIN was good */
        tcphs_send_fin(p, y, TCPHS_SENDS_FIN, y->snd_nxt - 1);
        y->known |= TCPHS_FIN_HEARD;
        tcphs_transition(x, TCPHS_HEARS_FIN);
    }
    y->known &= ~(uint32_t)TCPHS_UNSEEN_ACK_HAS_FIN;
    y->unseen_ack_frame = 0;
    explain_leap(x);
}

/* What the acknowledgment tells of its sender x: what it has heard, and where its window ends. */
static void learn_acknowledgment(const struct tcphs_processing *p)
{
    struct tcphs_end *x = p->x;
    const uint32_t ack = p->s->ack;
    if (!tcphs_knows(x, TCPHS_KNOWS_HEARD)) {
        tcphs_learn_heard(x, ack);
    } else if (tcphs_seq_after(ack, x->rcv_nxt)) {
        const bool unseen_fin = tcphs_knows(p->y, TCPHS_FIN_ASSUMED) && ack == p->y->fin_seq + 1;
        if (!unseen_fin && !tcphs_knows(x, TCPHS_HELD_OVERFLOW) && !(p->c->facts & TCPHS_GAPS)) {
            p->c->facts |= TCPHS_GAPS;
            tcphs_assume(p->c);
        }
        x->rcv_nxt = ack;
        tcphs_join_held(x);
    }
    x->rcv_ack = tcphs_seq_max(x->rcv_ack, ack);
    tcphs_remember_ack(x, ack);
    if (p->s->options & TCPHS_OPT_SACK) {
        x->sack_right = p->s->sack_right;
        x->known |= TCPHS_SENT_SACK;
    }
    tcphs_learn_window(p, tcphs_granted_window(p->c, p->s));
}

/* An acknowledgment that y accepts. */
static void take_acknowledgment(const struct tcphs_processing *p)
{
    struct tcphs_end *y = p->y;
    const uint32_t ack = p->s->ack;
    if (tcphs_acks_unseen_fin(p->a))
        tcphs_assume_fin(p);
    if (!tcphs_knows(y, TCPHS_KNOWS_SENT))
        tcphs_learn_sent(y, ack, ack);
    else if (!tcphs_knows(y, TCPHS_FIN_ASSUMED) && tcphs_seq_after(ack, y->snd_nxt)) {
        y->snd_nxt = ack; /* beyond what was seen only where the capture is known to have gaps */
        explain_leap(y);
    }
    tcphs_learn_acked(y, ack);
    tcphs_time_answer(p->x, y, ack, p->s->time);
    learn_acknowledgment(p);
    if (y->state == TCPHS_SYN_RECEIVED)
        tcphs_transition(y, TCPHS_HEARS_ACK_OF_SYN);
    tcphs_acknowledge_fin(p);
}

/* After a gap in which the numbers may have gone round, the segment says where both ends are now. */
static void resynchronise(const struct tcphs_processing *p)
{
    struct tcphs_end *x = p->x, *y = p->y;
    if (p->a->seq_position == TCPHS_SEQ_AMBIGUOUS) {
        tcphs_learn_sent(x, p->s->seq, p->s->seq);
        tcphs_learn_heard(y, p->s->seq);
        memset(y->held, 0, sizeof y->held);
        x->beliefs &= ~(uint32_t)TCPHS_IS_TIMED;
    }
    if (p->a->ack_position == TCPHS_ACK_AMBIGUOUS) {
        tcphs_learn_sent(y, p->s->ack, p->s->ack);
        tcphs_learn_heard(x, p->s->ack);
        memset(x->held, 0, sizeof x->held);
        y->beliefs &= ~(uint32_t)TCPHS_IS_TIMED;
        x->known &= ~(uint32_t)TCPHS_KNOWS_GRANT;
    }
}

/* e has sent as far as that, if not farther. */
static void extend_snd_nxt(struct tcphs_end *e, uint32_t end)
{
    e->snd_nxt = tcphs_seq_max(e->snd_nxt, end);
}

static bool is_in_window_or_at_edge(const struct tcphs_arrival *a)
{
    return a->seq_position == TCPHS_SEQ_IN || a->seq_position == TCPHS_SEQ_EDGE;
}

/* An acknowledgment that y refuses: it is remembered until a later segment proves it right or wrong. */
static void remember_doubtful_ack(const struct tcphs_processing *p)
{
    const bool in_handshake = p->y->state == TCPHS_SYN_RECEIVED || p->y->state == TCPHS_SYN_SENT;
    struct tcphs_end *x = p->x;
    const bool unseen = p->a->ack_position == TCPHS_ACK_UNSEEN;
    tcphs_emit_due_ack(p, tcphs_due_ack(p->a));
    if (unseen || in_handshake)
        tcphs_remember_unseen_ack(p, unseen);
    if (unseen)
        tcphs_remember_ack(x, p->s->ack); /* a closed end answers with this number */
    if (unseen && is_in_window_or_at_edge(p->a)) {
        extend_snd_nxt(x, p->a->end);
        if (tcphs_has_any(p->s, TCPHS_FIN) && x->snd_nxt == p->a->end)
            x->known |= TCPHS_UNSEEN_ACK_HAS_FIN;
    }
}

/* A duplicate still tells what its sender has heard, and a probe may be taken in (its ACK will say). */
static void remember_duplicate(const struct tcphs_processing *p)
{
    struct tcphs_end *x = p->x;
    learn_acknowledgment(p);
    if (p->a->seq_position == TCPHS_SEQ_EDGE)
        extend_snd_nxt(x, p->a->end);
    if (tcphs_has_any(p->s, TCPHS_FIN) && tcphs_knows(x, TCPHS_FIN_SENT))
        tcphs_process_fin(p);
}

static bool has_bad_ack(const struct tcphs_arrival *a)
{
    return a->ack_position == TCPHS_ACK_UNSEEN || a->ack_position == TCPHS_ACK_FAR ||
           a->ack_position == TCPHS_ACK_TOO_OLD;
}

/* y waits for its SYN or SYN-ACK to be acknowledged, and this does not do it. */
static bool misses_syn(const struct tcphs_arrival *a)
{
    return (a->y->state == TCPHS_SYN_RECEIVED || a->y->state == TCPHS_SYN_SENT) && !tcphs_acks_syn(a);
}

/* The connection is over by a RST: the closed end answers with the numbers of what reaches it. */
static void remember_after_rst(const struct tcphs_processing *p)
{
    if (is_in_window_or_at_edge(p->a))
        extend_snd_nxt(p->x, p->a->end);
    tcphs_remember_ack(p->x, p->s->ack);
}

/* y, in SYN-RECEIVED, refuses what should be the final ACK. */
static void remember_bad_final_ack(const struct tcphs_processing *p)
{
    const bool is_old = p->a->seq_position == TCPHS_SEQ_OLD;
    if ((misses_syn(p->a) && !is_old) || tcphs_is_displaced_final_ack(p->a))
        p->c->facts |= TCPHS_BAD_FINAL_ACK;
    if (is_old && tcphs_is_pure_ack(p->s) && tcphs_acks_syn(p->a))
        tcphs_expect_challenge(p, TCPHS_CHALLENGE_OF_ACK);
}

static void remember_foreign(const struct tcphs_processing *p)
{
    if (!tcphs_lags_behind_foreign_segment(p->a))
        tcphs_keep_foreign(p, p->s->ack, TCPHS_FOREIGN_HAS_NO_SYN);
    if (tcphs_leaps(p->a) && p->a->ack_position == TCPHS_ACK_UNSEEN) /* missing in both directions */
        tcphs_remember_unseen_ack(p, true);
}

/* RFC 5961 and RFC 9293 3.10.7.4 let y answer with an ACK of what it expects. */
static void expect_answer(const struct tcphs_processing *p)
{
    const bool bad_ack = has_bad_ack(p->a), is_beyond = p->a->seq_position == TCPHS_SEQ_BEYOND;
    if (bad_ack || is_beyond || p->a->seq_position == TCPHS_SEQ_FAR)
        tcphs_expect_challenge(p, is_beyond && !bad_ack && p->s->length > 0 ? TCPHS_CHALLENGE_OF_DATA : 0);
    if (p->a->refusal == TCPHS_REFUSED_FOR_TIMESTAMP)
        tcphs_expect_challenge(p, 0); /* answered by an ACK, and not taken in (RFC 7323 5.3 R1) */
}

/* What can be learned of a segment that its receiver drops. */
static void remember_refused(const struct tcphs_processing *p)
{
    const struct tcphs_arrival *a = p->a;
    if (a->refusal == TCPHS_REFUSED_FOR_SIGNATURE)
        return; /* whoever sent it */
    if (tcphs_connection_stage(p->c) == TCPHS_STAGE_RESET) {
        remember_after_rst(p);
        return;
    }
    tcphs_emit_repeated_close_ack(p);
    if (p->y->state == TCPHS_SYN_RECEIVED)
        remember_bad_final_ack(p);
    if (tcphs_may_be_of_other_connection(a)) {
        remember_foreign(p);
        return;
    }
    if ((has_bad_ack(a) || misses_syn(a)) && p->y->state != TCPHS_CLOSED)
        remember_doubtful_ack(p);
    expect_answer(p);
    if (a->refusal != TCPHS_REFUSED_FOR_TIMESTAMP &&
        (a->ack_position == TCPHS_ACK_IN || a->ack_position == TCPHS_ACK_OLD))
        remember_duplicate(p);
}

/* x goes on, so that what opens its side has happened. */
static void open_sender(const struct tcphs_processing *p)
{
    struct tcphs_end *x = p->x;
    if (x->state == TCPHS_UNKNOWN)
        tcphs_transition(x, TCPHS_SENDS_SYNCHRONISED);
    if (x->state != TCPHS_SYN_SENT)
        return;
    if (tcphs_knows(p->y, TCPHS_SENT_SYN_ACK))
        tcphs_transition(x, TCPHS_HEARS_SYN_ACK); /* the one captured: the SYN that came again was a late one */
    else
        infer_syn_ack(p);
}

/* Only the server's side is captured, from its SYN-ACK on: what can be held against no segment of the client is more
 * than that acknowledged, and came behind the final ACK. */
static bool had_unseen_final_ack(const struct tcphs_processing *p)
{
    return p->x->state == TCPHS_SYN_RECEIVED && p->a->ack_position == TCPHS_ACK_UNKNOWN;
}

/* The server has taken back the final ACK by sending its SYN-ACK again, and now acknowledges what came behind it. */
static bool has_final_ack_again(const struct tcphs_processing *p)
{
    return p->x->state == TCPHS_SYN_RECEIVED && p->a->ack_position == TCPHS_ACK_IN &&
           (p->c->facts & TCPHS_WAS_ESTABLISHED) && tcphs_seq_after(p->s->ack, p->y->iss + 1);
}

/* Data of a server before any final ACK: remembered, for only the client's next word tells whether one was lost. */
static bool is_early_data(const struct tcphs_processing *p)
{
    return p->x->state == TCPHS_SYN_RECEIVED && p->s->length > 0 && p->c->early_data_frame == 0 &&
           !(p->c->facts & TCPHS_WAS_ESTABLISHED) && !tcphs_knows(p->y, TCPHS_ASKED_FASTOPEN) &&
           p->y->snd_nxt == p->y->iss + 1;
}

/* What the segment shows of the final ACK of the handshake, where x is the server that waits for it. */
static void revise_final_ack(const struct tcphs_processing *p)
{
    if (had_unseen_final_ack(p)) {
        tcphs_assume(p->c);
        tcphs_transition(p->x, TCPHS_HEARS_ACK_OF_SYN);
    }
    if (has_final_ack_again(p))
        tcphs_transition(p->x, TCPHS_HEARS_ACK_OF_SYN);
    if (is_early_data(p))
        p->c->early_data_frame = p->s->frame;
}

/* x sends what it has not sent before. */
static void extend_sent(const struct tcphs_processing *p)
{
    struct tcphs_end *x = p->x;
    const bool is_empty = p->a->end == p->s->seq; /* the bytes before it were not captured */
    if (x->unseen_ack_frame != 0 && p->a->ack_position == TCPHS_ACK_IN && tcphs_seq_before(p->s->ack, x->unseen_ack))
        x->known |= TCPHS_UNSEEN_ACK_TAKEN_BACK; /* what is sent later never acknowledges less */
    x->known = is_empty ? x->known | TCPHS_SENT_UNSURE : x->known & ~(uint32_t)TCPHS_SENT_UNSURE;
    x->snd_nxt = p->a->end;
    if (!is_empty)
        tcphs_time_bytes(x, x->snd_nxt, p->s->time);
}

static void accept_ack(const struct tcphs_processing *p)
{
    struct tcphs_end *x = p->x;
    const struct tcphs_arrival *a = p->a;
    if (a->seq_position == TCPHS_SEQ_CONTIGUOUS) {
        p->c->facts |= TCPHS_GAPS;
        tcphs_assume(p->c);
    }
    open_sender(p);
    if (!tcphs_knows(x, TCPHS_KNOWS_SENT))
        tcphs_learn_sent(x, p->s->seq, p->s->seq);
    revise_final_ack(p);
    if (p->y->state == TCPHS_SYN_RECEIVED)
        x->beliefs &= ~(uint32_t)TCPHS_CHALLENGE_OF_ACK; /* this one is right */
    take_acknowledgment(p);
    if (tcphs_seq_after(a->end, x->snd_nxt))
        extend_sent(p);
    const bool in_place = a->seq_position != TCPHS_SEQ_OLD || tcphs_knows(x, TCPHS_FIN_SENT);
    if (tcphs_has_fin(a) && (in_place || tcphs_is_unseen_fin(a)))
        tcphs_process_fin(p);
    tcphs_deliver(p, p->s->seq, a->end);
    if (tcphs_knows(x, TCPHS_SENT_SYN_ACK))
        x->known |= TCPHS_ANSWERED_SYN_ACK;
}

/* It acknowledges what was not captured, and the peer's overdue answer is not captured either: bytes and FIN count, and
 * the acknowledgment waits for the peer to go on there, or not. */
static bool is_behind_gap(const struct tcphs_processing *p)
{
    return p->a->accepted == TCPHS_ACCEPT_UNKNOWN && p->a->ack_position == TCPHS_ACK_UNSEEN &&
           !(p->c->facts & (TCPHS_GAPS | TCPHS_MIDSTREAM_START)) && !tcphs_acks_unseen_fin(p->a) &&
           is_in_window_or_at_edge(p->a) && p->y->state != TCPHS_SYN_RECEIVED;
}

static void accept_behind_gap(const struct tcphs_processing *p)
{
    struct tcphs_end *x = p->x;
    tcphs_assume(p->c);
    tcphs_remember_unseen_ack(p, true);
    tcphs_remember_ack(x, p->s->ack);
    if (tcphs_has_any(p->s, TCPHS_FIN)) {
        x->beliefs |= tcphs_knows(x, TCPHS_FIN_SENT) ? 0 : TCPHS_FIN_BEHIND_GAP;
        x->known |= TCPHS_UNSEEN_ACK_HAS_FIN;
        tcphs_process_fin(p);
    }
    extend_snd_nxt(x, p->a->end);
    tcphs_deliver(p, p->s->seq, p->a->end);
}

/* What x sends again without a word of its peer between was not heard, or its sender is not. */
static void count_repeats(const struct tcphs_processing *p)
{
    struct tcphs_end *x = p->x;
    p->y->repeats = 0;
    const bool is_probe = tcphs_knows(p->y, TCPHS_KNOWS_HEARD) && p->s->seq + 1 == p->y->rcv_nxt;
    if (x->challenge_frame != 0 && (p->a->end != p->s->seq || is_probe))
        x->beliefs |= TCPHS_HAS_ASKED;
    const bool again = tcphs_knows(x, TCPHS_KNOWS_SENT) && p->a->end != p->s->seq &&
                       !tcphs_seq_before(p->s->seq, x->snd_una) && !tcphs_seq_after(p->a->end, x->snd_nxt);
    if (again && x->repeats < UINT8_MAX)
        x->repeats++;
}

void tcphs_process_ack(const struct tcphs_processing *p)
{
    count_repeats(p);
    if (tcphs_connection_stage(p->c) == TCPHS_STAGE_NONE)
        tcphs_pick_up_midstream(p);
    resynchronise(p);
    const bool of_other_connection = p->a->accepted == TCPHS_ACCEPT_UNKNOWN && tcphs_may_be_of_other_connection(p->a);
    if (!of_other_connection && is_behind_gap(p))
        accept_behind_gap(p);
    else if ((p->a->accepted != TCPHS_ACCEPT_NO && !of_other_connection) || tcphs_is_unseen_fin(p->a))
        accept_ack(p);
    else
        remember_refused(p);
}
