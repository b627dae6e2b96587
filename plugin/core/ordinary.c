/* ordinary.c
 * Segments that carry ACK and neither SYN nor RST: data, acknowledgments, and what they prove about bytes not captured.
 * The FIN among them is handed to closing.c.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "move.h"

#include "checks.h"
#include "seq.h"

static void guess_client(struct tcphs_connection *c, const struct tcphs_segment *s)
{
    /* Services sit on the lower port. */
    if (s->source_port != s->destination_port)
        c->client = s->source_port > s->destination_port ? s->from : !s->from;
}

void tcphs_pick_up_midstream(const struct tcphs_move *m)
{
    m->c->facts |= TCPHS_MIDSTREAM_START;
    tcphs_assume(m->c);
    guess_client(m->c, m->s);
}

/* Before the SYN-ACK the client sends no ACK: it has heard one that was not captured. */
static void infer_syn_ack(const struct tcphs_move *m)
{
    m->y->iss = m->s->ack - 1; /* not known, but should that SYN-ACK still come … */
    m->c->inferred_frame = m->s->frame;
    m->c->facts |= TCPHS_GAPS;
    tcphs_assume(m->c);
    tcphs_act(m->x, TCPHS_SENDS_OTHER);
    tcphs_act(m->y, TCPHS_HEARS_ACK_OF_SYN);
}

/* x aborts at the very number that y acknowledged, and acknowledges the FIN that came with it. */
static bool aborts_at_claim(const struct tcphs_view *v)
{
    return v->answers_claim && tcphs_knows(v->y, TCPHS_CLAIM_HAS_FIN) && tcphs_has_any(v->s, TCPHS_ACK) &&
           v->s->ack == v->y->snd_nxt;
}

/* x goes on at or behind what y acknowledged and nobody saw. */
bool tcphs_confirms_gap(const struct tcphs_view *v)
{
    const struct tcphs_end *x = v->x, *y = v->y;
    if (y->claim_frame == 0 || !tcphs_knows(y, TCPHS_CLAIM_IS_OPEN))
        return false;
    if (v->kind != TCPHS_KIND_ORDINARY)
        return aborts_at_claim(v);
    return tcphs_seq_after(v->s->seq, x->snd_nxt) && !tcphs_seq_before(v->s->seq, y->claim_ack) &&
           v->ack_place != TCPHS_ACK_FAR && v->ack_place != TCPHS_ACK_TOO_OLD &&
           (v->seq_place != TCPHS_SEQ_FAR || tcphs_seq_follows(v->s->seq, y->claim_ack, y->max_window));
}

/* What e was not seen to send is acknowledged: no wonder that a segment of it lay far ahead. */
static void explain_leap(struct tcphs_end *e)
{
    if (tcphs_has_stray(e))
        e->other_frame = 0;
}

/* The bytes that the peer acknowledged and nobody saw were really sent: x goes on behind them. */
void tcphs_confirm_gap(const struct tcphs_move *m)
{
    struct tcphs_end *x = m->x, *y = m->y;
    m->c->facts |= TCPHS_GAPS;
    tcphs_assume(m->c);
    x->snd_una = tcphs_seq_max(x->snd_una, y->claim_ack);
    x->snd_nxt = tcphs_seq_max(x->snd_nxt, y->claim_ack);
    if (tcphs_seq_after(y->claim_ack, y->rcv_nxt))
        y->rcv_nxt = y->rcv_ack = y->claim_ack;
    y->rcv_edge = tcphs_seq_max(y->rcv_edge, y->claim_ack + y->max_window);
    tcphs_join_held(y);
    if (x->state == TCPHS_SYN_RECEIVED) {
        m->c->facts &= ~(uint32_t)TCPHS_BAD_FINAL_ACK;
        tcphs_act(x, TCPHS_HEARS_ACK_OF_SYN);
    }
    if (tcphs_knows(y, TCPHS_CLAIM_HAS_FIN) && !tcphs_knows(y, TCPHS_FIN_SENT)) { /* so its FIN was good */
        tcphs_send_fin(m, y, TCPHS_SENDS_FIN, y->snd_nxt - 1);
        y->known |= TCPHS_FIN_HEARD;
        tcphs_act(x, TCPHS_HEARS_FIN);
    }
    y->known &= ~(uint32_t)TCPHS_CLAIM_HAS_FIN;
    y->claim_frame = 0;
    explain_leap(x);
}

/* What the acknowledgment tells of its sender x: what it has heard, and where its window ends. */
static void learn_acknowledgment(const struct tcphs_move *m)
{
    struct tcphs_end *x = m->x;
    const uint32_t ack = m->s->ack;
    if (!tcphs_knows(x, TCPHS_KNOWS_HEARD)) {
        tcphs_learn_heard(x, ack);
    } else if (tcphs_seq_after(ack, x->rcv_nxt)) {
        const bool unseen_fin = tcphs_knows(m->y, TCPHS_FIN_ASSUMED) && ack == m->y->fin_seq + 1;
        if (!unseen_fin && !tcphs_knows(x, TCPHS_HELD_OVERFLOW) && !(m->c->facts & TCPHS_GAPS)) {
            m->c->facts |= TCPHS_GAPS;
            tcphs_assume(m->c);
        }
        x->rcv_nxt = ack;
        tcphs_join_held(x);
    }
    x->rcv_ack = tcphs_seq_max(x->rcv_ack, ack);
    tcphs_remember_ack(x, ack);
    if (m->s->options & TCPHS_OPT_SACK) {
        x->sack_right = m->s->sack_right;
        x->known |= TCPHS_SENT_SACK;
    }
    tcphs_learn_window(m, tcphs_granted_window(m->c, m->s));
}

/* An acknowledgment that y accepts. */
static void move_by_ack(const struct tcphs_move *m)
{
    struct tcphs_end *y = m->y;
    const uint32_t ack = m->s->ack;
    if (tcphs_acks_unseen_fin(m->v))
        tcphs_assume_fin(m);
    if (!tcphs_knows(y, TCPHS_KNOWS_SENT))
        tcphs_learn_sent(y, ack, ack);
    else if (!tcphs_knows(y, TCPHS_FIN_ASSUMED) && tcphs_seq_after(ack, y->snd_nxt)) {
        y->snd_nxt = ack; /* beyond what was seen only where the capture is known to have gaps */
        explain_leap(y);
    }
    tcphs_learn_acked(y, ack);
    tcphs_time_answer(m->x, y, ack, m->s->time);
    learn_acknowledgment(m);
    if (y->state == TCPHS_SYN_RECEIVED)
        tcphs_act(y, TCPHS_HEARS_ACK_OF_SYN);
    tcphs_acknowledge_fin(m);
}

/* After a gap in which the numbers may have gone round, the segment says where both ends are now. */
static void find_place_again(const struct tcphs_move *m)
{
    struct tcphs_end *x = m->x, *y = m->y;
    if (m->v->seq_place == TCPHS_SEQ_LOST) {
        tcphs_learn_sent(x, m->s->seq, m->s->seq);
        tcphs_learn_heard(y, m->s->seq);
        memset(y->held, 0, sizeof y->held);
        x->beliefs &= ~(uint32_t)TCPHS_IS_TIMED;
    }
    if (m->v->ack_place == TCPHS_ACK_LOST) {
        tcphs_learn_sent(y, m->s->ack, m->s->ack);
        tcphs_learn_heard(x, m->s->ack);
        memset(x->held, 0, sizeof x->held);
        y->beliefs &= ~(uint32_t)TCPHS_IS_TIMED;
        x->known &= ~(uint32_t)TCPHS_KNOWS_GRANT;
    }
}

/* e has sent as far as that, if not farther. */
static void reach(struct tcphs_end *e, uint32_t end)
{
    e->snd_nxt = tcphs_seq_max(e->snd_nxt, end);
}

static bool is_in_place(const struct tcphs_view *v)
{
    return v->seq_place == TCPHS_SEQ_IN || v->seq_place == TCPHS_SEQ_EDGE;
}

/* An acknowledgment that y refuses: the claim stands until a later segment proves it right or wrong. */
static void remember_doubtful_ack(const struct tcphs_move *m, bool in_handshake)
{
    struct tcphs_end *x = m->x;
    const bool unseen = m->v->ack_place == TCPHS_ACK_UNSEEN;
    tcphs_tell_due(m, tcphs_due_ack(m->v));
    if (unseen || in_handshake)
        tcphs_claim(m, unseen);
    if (unseen)
        tcphs_remember_ack(x, m->s->ack); /* a closed end answers with this number */
    if (unseen && is_in_place(m->v)) {
        reach(x, m->v->end);
        if (tcphs_has_any(m->s, TCPHS_FIN) && x->snd_nxt == m->v->end)
            x->known |= TCPHS_CLAIM_HAS_FIN;
    }
}

/* A duplicate still tells what its sender has heard, and a probe may be taken in (its ACK will say). */
static void remember_duplicate(const struct tcphs_move *m)
{
    struct tcphs_end *x = m->x;
    learn_acknowledgment(m);
    if (m->v->seq_place == TCPHS_SEQ_EDGE)
        reach(x, m->v->end);
    if (tcphs_has_any(m->s, TCPHS_FIN) && tcphs_knows(x, TCPHS_FIN_SENT))
        tcphs_move_by_fin(m);
}

/* What can be learned of a segment that its receiver drops. */
static void remember_refused(const struct tcphs_move *m)
{
    struct tcphs_end *x = m->x, *y = m->y;
    const struct tcphs_view *v = m->v;
    const bool bad_ack =
        v->ack_place == TCPHS_ACK_UNSEEN || v->ack_place == TCPHS_ACK_FAR || v->ack_place == TCPHS_ACK_TOO_OLD;
    const bool in_handshake = y->state == TCPHS_SYN_RECEIVED || y->state == TCPHS_SYN_SENT;
    const bool misses_syn = in_handshake && !tcphs_acks_syn(v);
    if (v->refusal == TCPHS_REFUSED_FOR_SIGNATURE)
        return; /* whoever sent it */
    if (tcphs_connection_stage(m->c) == TCPHS_STAGE_RESET) {
        if (is_in_place(v))
            reach(x, v->end);
        tcphs_remember_ack(x, m->s->ack); /* the closed end answers with this number */
        return;
    }
    tcphs_tell_repeated_close_ack(m);
    if (y->state == TCPHS_SYN_RECEIVED &&
        ((misses_syn && v->seq_place != TCPHS_SEQ_OLD) || tcphs_is_displaced_final_ack(v)))
        m->c->facts |= TCPHS_BAD_FINAL_ACK;
    if (y->state == TCPHS_SYN_RECEIVED && v->seq_place == TCPHS_SEQ_OLD && tcphs_is_pure_ack(m->s) &&
        tcphs_acks_syn(v))
        tcphs_provoke(m, TCPHS_PROVOKED_BY_ACK);
    if (tcphs_is_stranger(v)) {
        if (!tcphs_lags_behind_stray(v))
            tcphs_keep_other(m, m->s->ack, TCPHS_OTHER_IS_STRAY);
        if (tcphs_leaps(v) && v->ack_place == TCPHS_ACK_UNSEEN) /* missing in both directions */
            tcphs_claim(m, true);
        return;
    }
    if ((bad_ack || misses_syn) && y->state != TCPHS_CLOSED)
        remember_doubtful_ack(m, in_handshake);
    if (bad_ack || v->seq_place == TCPHS_SEQ_OVER || v->seq_place == TCPHS_SEQ_FAR)
        tcphs_provoke(m, v->seq_place == TCPHS_SEQ_OVER && !bad_ack && m->s->length > 0 ? TCPHS_PROVOKED_BY_DATA : 0);
    if (v->refusal == TCPHS_REFUSED_FOR_TIMESTAMP)
        tcphs_provoke(m, 0); /* answered by an ACK, and not taken in (RFC 7323 5.3 R1) */
    else if (v->ack_place == TCPHS_ACK_IN || v->ack_place == TCPHS_ACK_OLD)
        remember_duplicate(m);
}

static void accept_ordinary(const struct tcphs_move *m)
{
    struct tcphs_connection *c = m->c;
    struct tcphs_end *x = m->x, *y = m->y;
    const struct tcphs_segment *s = m->s;
    if (m->v->seq_place == TCPHS_SEQ_AHEAD) {
        c->facts |= TCPHS_GAPS;
        tcphs_assume(c);
    }
    if (x->state == TCPHS_SYN_SENT && tcphs_knows(y, TCPHS_SENT_SYN_ACK))
        tcphs_act(x, TCPHS_HEARS_SYN_ACK); /* the one captured: the SYN that came again was a late one */
    else if (x->state == TCPHS_SYN_SENT)
        infer_syn_ack(m);
    else if (x->state == TCPHS_UNKNOWN)
        tcphs_act(x, TCPHS_SENDS_OTHER);
    if (!tcphs_knows(x, TCPHS_KNOWS_SENT))
        tcphs_learn_sent(x, s->seq, s->seq);
    /* Only the server's side is captured: what it acknowledges beyond the SYN came behind the final ACK. */
    if (x->state == TCPHS_SYN_RECEIVED && m->v->ack_place == TCPHS_ACK_UNKNOWN && tcphs_knows(y, TCPHS_KNOWS_ISS) &&
        !tcphs_knows(y, TCPHS_ASKED_FASTOPEN) && tcphs_seq_after(s->ack, y->iss + 1)) {
        tcphs_assume(c);
        tcphs_act(x, TCPHS_HEARS_ACK_OF_SYN);
    }
    /* It has taken back the final ACK by sending its SYN-ACK again, and now acknowledges what came behind it. */
    if (x->state == TCPHS_SYN_RECEIVED && m->v->ack_place == TCPHS_ACK_IN && (c->facts & TCPHS_WAS_ESTABLISHED) &&
        tcphs_seq_after(s->ack, y->iss + 1))
        tcphs_act(x, TCPHS_HEARS_ACK_OF_SYN);
    /* Data of a server before any final ACK: remembered, for only the client's next word tells whether one was lost. */
    if (x->state == TCPHS_SYN_RECEIVED && s->length > 0 && c->early_frame == 0 && !(c->facts & TCPHS_WAS_ESTABLISHED) &&
        !tcphs_knows(y, TCPHS_ASKED_FASTOPEN) && y->snd_nxt == y->iss + 1)
        c->early_frame = s->frame;
    if (y->state == TCPHS_SYN_RECEIVED)
        x->beliefs &= ~(uint32_t)TCPHS_PROVOKED_BY_ACK; /* this one is right */
    move_by_ack(m);
    if (tcphs_seq_after(m->v->end, x->snd_nxt)) {
        if (x->claim_frame != 0 && m->v->ack_place == TCPHS_ACK_IN && tcphs_seq_before(s->ack, x->claim_ack))
            x->known |= TCPHS_CLAIM_TAKEN_BACK; /* what is sent later never acknowledges less */
        const bool unsure = m->v->end == s->seq;
        x->known = unsure ? x->known | TCPHS_SENT_UNSURE : x->known & ~(uint32_t)TCPHS_SENT_UNSURE;
        x->snd_nxt = m->v->end;
        if (!unsure)
            tcphs_time_bytes(x, x->snd_nxt, s->time);
    }
    const bool in_place = m->v->seq_place != TCPHS_SEQ_OLD || tcphs_knows(x, TCPHS_FIN_SENT);
    if (tcphs_has_any(s, TCPHS_FIN) && (in_place || tcphs_is_unseen_fin(m->v)))
        tcphs_move_by_fin(m);
    tcphs_deliver(m, s->seq, m->v->end);
    if (tcphs_knows(x, TCPHS_SENT_SYN_ACK))
        x->known |= TCPHS_ANSWERED_SYN_ACK;
}

/* It acknowledges what was not captured, and the peer's overdue answer is not captured either: bytes and FIN count, and
 * the acknowledgment waits for the peer to go on there, or not. */
static bool is_behind_gap(const struct tcphs_move *m)
{
    return m->v->accepted == TCPHS_ACCEPT_UNKNOWN && m->v->ack_place == TCPHS_ACK_UNSEEN &&
           !(m->c->facts & (TCPHS_GAPS | TCPHS_MIDSTREAM_START)) && !tcphs_acks_unseen_fin(m->v) &&
           is_in_place(m->v) && m->y->state != TCPHS_SYN_RECEIVED;
}

static void accept_behind_gap(const struct tcphs_move *m)
{
    struct tcphs_end *x = m->x;
    tcphs_assume(m->c);
    tcphs_claim(m, true);
    tcphs_remember_ack(x, m->s->ack);
    if (tcphs_has_any(m->s, TCPHS_FIN)) {
        x->beliefs |= tcphs_knows(x, TCPHS_FIN_SENT) ? 0 : TCPHS_FIN_BEHIND_GAP;
        x->known |= TCPHS_CLAIM_HAS_FIN;
        tcphs_move_by_fin(m);
    }
    reach(x, m->v->end);
    tcphs_deliver(m, m->s->seq, m->v->end);
}

/* What x sends again without a word of its peer between was not heard, or its sender is not. */
static void count_repeats(const struct tcphs_move *m)
{
    struct tcphs_end *x = m->x;
    m->y->repeats = 0;
    const bool is_probe = tcphs_knows(m->y, TCPHS_KNOWS_HEARD) && m->s->seq + 1 == m->y->rcv_nxt;
    if (x->provoked_frame != 0 && (m->v->end != m->s->seq || is_probe))
        x->beliefs |= TCPHS_HAS_ASKED;
    const bool again = tcphs_knows(x, TCPHS_KNOWS_SENT) && m->v->end != m->s->seq &&
                       !tcphs_seq_before(m->s->seq, x->snd_una) && !tcphs_seq_after(m->v->end, x->snd_nxt);
    if (again && x->repeats < UINT8_MAX)
        x->repeats++;
}

void tcphs_move_by_ordinary(const struct tcphs_move *m)
{
    count_repeats(m);
    if (tcphs_connection_stage(m->c) == TCPHS_STAGE_NONE)
        tcphs_pick_up_midstream(m);
    find_place_again(m);
    const bool strange = m->v->accepted == TCPHS_ACCEPT_UNKNOWN && tcphs_is_stranger(m->v);
    if (!strange && is_behind_gap(m))
        accept_behind_gap(m);
    else if ((m->v->accepted != TCPHS_ACCEPT_NO && !strange) || tcphs_is_unseen_fin(m->v))
        accept_ordinary(m);
    else
        remember_refused(m);
}
