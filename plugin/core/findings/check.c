/* check.c
 * Asks the predicates of those rows of findings.def for which a segment gives an occasion, and enters what they find.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "findings/check.h"

#include "findings/findings.h"
#include "findings/predicates.h"
#include "tcp/acceptability.h"
#include "tcp/suspicion.h"

static const check rows[TCPHS_FINDINGS] = {
#define TCPHS_ANOMALY(name, ...) [TCPHS_FINDS_##name] = tcphs_check_##name,
#define TCPHS_NOTE(name, ...) [TCPHS_FINDS_##name] = tcphs_check_##name,
#include "findings/findings.def"
};

#define B(name) TCPHS_FINDING_BIT(TCPHS_FINDS_##name)

static const uint64_t found_on[OCCASIONS] = {
    [OF_ODD_FLAGS] = B(flags_none) | B(syn_fin) | B(syn_rst) | B(rst_fin) | B(no_ack_flag) | B(xmas) |
                     B(ack_without_flag) | B(psh_without_data) | B(urg_inconsistent) | B(port_zero) |
                     B(option_misplaced) | B(data_before_established) | B(fin_before_established),
    [OF_RST] = B(rst_bad_ack) | B(rst_out_of_window) | B(rst_inexact) | B(rst_with_data) | B(rst_train) | B(rst_ttl) |
               B(rst_echo) | B(rst_in_handshake) | B(rst_without_fin) | B(half_open_peer),
    [OF_SYN] = B(syn_old_timestamp) | B(syn_with_data) | B(syn_isn_changed) | B(simultaneous_open) |
               B(window_scale_too_big) | B(mss_absent),
    [OF_SYN_ACK] = B(synack_bad_ack) | B(synack_wrong_direction) | B(synack_changed) | B(tfo_accepted) |
                   B(tfo_ignored) | B(option_not_offered) | B(synack_bad_tsecr) | B(synack_repeated) |
                   B(window_scale_too_big) | B(mss_absent),
    [OF_ACK] = B(window_shrunk) | B(timestamp_missing),
    [OF_FIN] = B(fin_out_of_window) | B(fin_moved) | B(simultaneous_close),
    [OF_BAD_NUMBERS] =
        B(ack_unsent) | B(ack_beyond_window) | B(ack_too_old) | B(seq_beyond_window) | B(fin_bad_ack) | B(last_ack_bad),
    [OF_REPEAT] = B(keep_alive) | B(zero_window_probe),
    [OF_HANDSHAKE] = B(split_handshake) | B(final_ack_bad) | B(ack_in_syn_sent),
    [OF_DATA_AFTER_FIN] = B(data_after_fin) | B(data_after_close),
    [OF_RESET] = B(rst_out_of_window) | B(rst_ignored) | B(rst_peer_continues),
    [OF_SUSPICION] = B(reuse_too_early) | B(synack_changed) | B(final_ack_bad) | B(ack_in_syn_sent) |
                     B(data_before_established) | B(syn_in_connection) | B(ack_unsent) | B(seq_beyond_window) |
                     B(rst_inexact) | B(challenge_ack) | B(rst_out_of_window) | B(fin_out_of_window),
    [OF_FIRST_SEGMENT] = B(port_reused),
    [OF_REFUSAL] = B(old_timestamp),
    [OF_SIGNATURE] = B(signature_missing),
};

static bool has_odd_flags(const struct tcphs_arrival *a)
{
    const struct tcphs_segment *s = a->s;
    const unsigned verbs = s->flags & (TCPHS_SYN | TCPHS_FIN | TCPHS_RST);
    return a->kind == TCPHS_KIND_NO_ACK || (verbs & (verbs - 1)) != 0 ||
           (s->ack != 0 && !tcphs_has_any(s, TCPHS_ACK)) || (s->length == 0 && tcphs_has_any(s, TCPHS_PSH)) ||
           tcphs_has_any(s, TCPHS_URG) || s->urgent != 0 || (s->options & TCPHS_OPTIONS_OF_SYN) != 0 ||
           s->source_port == 0 || s->destination_port == 0;
}

static uint64_t rows_of_ack(const struct tcphs_arrival *a)
{
    uint64_t due = found_on[OF_ACK];
    if (tcphs_has_fin(a))
        due |= found_on[OF_FIN];
    if (a->ack_position == TCPHS_ACK_FAR || a->ack_position == TCPHS_ACK_TOO_OLD || a->seq_position == TCPHS_SEQ_FAR)
        due |= found_on[OF_BAD_NUMBERS];
    if (a->seq_position == TCPHS_SEQ_OLD || a->seq_position == TCPHS_SEQ_EDGE)
        due |= found_on[OF_REPEAT];
    if (a->s->length > 0 && tcphs_knows(a->x, TCPHS_FIN_SENT))
        due |= found_on[OF_DATA_AFTER_FIN];
    return due;
}

static uint64_t rows_of_kind(const struct tcphs_arrival *a)
{
    switch ((enum tcphs_segment_kind)a->kind) {
    case TCPHS_KIND_RST:
        return found_on[OF_RST];
    case TCPHS_KIND_SYN:
        return found_on[OF_SYN];
    case TCPHS_KIND_SYN_ACK:
        return found_on[OF_SYN_ACK];
    case TCPHS_KIND_ACK:
        return rows_of_ack(a);
    case TCPHS_KIND_NO_ACK:
        break;
    }
    return 0;
}

/* The rows that this segment gives occasion to look for. */
static uint64_t rows_due(const struct tcphs_arrival *a)
{
    const struct tcphs_end *x = a->x, *y = a->y;
    uint64_t due = rows_of_kind(a);
    if (has_odd_flags(a))
        due |= found_on[OF_ODD_FLAGS];
    if (x->state == TCPHS_SYN_RECEIVED || x->state == TCPHS_SYN_SENT || y->state == TCPHS_SYN_RECEIVED ||
        y->state == TCPHS_SYN_SENT)
        due |= found_on[OF_HANDSHAKE];
    if (tcphs_is_reset(a->c))
        due |= found_on[OF_RESET];
    if ((x->foreign_frame | x->challenge_frame | y->unseen_ack_frame | y->foreign_frame | y->challenge_frame |
         a->c->early_data_frame | a->c->assumed_open_frame) != 0)
        due |= found_on[OF_SUSPICION];
    if (!(a->c->facts & TCPHS_HAD_SEGMENT))
        due |= found_on[OF_FIRST_SEGMENT];
    if (a->refusal != TCPHS_REFUSED_FOR_NOTHING)
        due |= found_on[OF_REFUSAL];
    if (((a->s->options | x->offered_ever | y->offered_ever) & TCPHS_SIGNATURES) != 0 || (x->beliefs & TCPHS_SIGNS))
        due |= found_on[OF_SIGNATURE];
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

static uint64_t check_rows(const struct tcphs_arrival *a, uint64_t due, struct tcphs_found *out)
{
    uint64_t found = 0;
    *out = (struct tcphs_found){ .back = 0 };
    for (; due != 0; due &= due - 1) {
        const unsigned i = (unsigned)__builtin_ctzll(due); /* the lowest row */
        const uint32_t frame = rows[i](a);
        if (frame == 0 ||
            (frame == a->s->frame && (DEFERRED & TCPHS_FINDING_BIT(i)) && tcphs_may_be_of_other_connection(a)))
            continue;
        found |= TCPHS_FINDING_BIT(i);
        if (frame != a->s->frame && out->back == 0)
            out->back = frame;
        if (frame != a->s->frame && frame == out->back)
            out->backward |= TCPHS_FINDING_BIT(i);
    }
    return found;
}

uint64_t tcphs_check_all(const struct tcphs_arrival *a, struct tcphs_found *out)
{
    return check_rows(a, rows_due(a), out);
}

uint64_t tcphs_check_every_row(const struct tcphs_arrival *a, struct tcphs_found *out)
{
    const uint64_t every = (UINT64_C(2) << (TCPHS_FINDINGS - 1)) - 2; /* but the hole */
    return check_rows(a, every, out);
}

/* An earlier segment is at fault by its sequence number: what it stood at, and what would have been right. */
static void emit_earlier_numbers(const struct tcphs_arrival *a, struct tcphs_outcome *o)
{
    const struct tcphs_end *x = a->x, *y = a->y;
    if (o->back == 0)
        return;
    const uint32_t start_x = tcphs_knows(x, TCPHS_KNOWS_ISS) ? x->iss : 0;
    const uint32_t start_y = tcphs_knows(y, TCPHS_KNOWS_ISS) ? y->iss : 0;
    if (o->back == y->challenge_frame && (y->beliefs & (TCPHS_CHALLENGE_OF_ACK | TCPHS_CHALLENGE_OF_DATA))) {
        o->seq_seen = y->challenge_seq - start_y;
        o->seq_due = x->rcv_nxt - start_y;
        o->ack_seen = o->ack_due; /* which was right */
    } else if (o->back == x->challenge_frame || o->back == x->foreign_frame) {
        o->seq_seen = (o->back == x->foreign_frame ? x->foreign_seq : x->challenge_seq) - start_x;
        o->seq_due = a->s->seq - start_x;
    } else if (o->back == a->c->assumed_open_frame) {
        const struct tcphs_end *e = (x->beliefs & TCPHS_OPENED_UNSEEN) ? x : y;
        o->seq_seen = e->snd_nxt - e->iss - (tcphs_knows(e, TCPHS_FIN_SENT) ? 1 : 0);
        o->seq_due = 1;
    }
}

/* The pairs of numbers that explain a finding: what was seen and what was due, from the start where it is known. */
static void emit_numbers(const struct tcphs_arrival *a, struct tcphs_outcome *o)
{
    const struct tcphs_end *x = a->x, *y = a->y;
    const bool refuses_stray = tcphs_has_foreign_segment(y) && o->back == y->foreign_frame;
    const bool proves_earlier = refuses_stray || (y->unseen_ack_frame != 0 && o->back == y->unseen_ack_frame);
    const struct tcphs_end *sender = proves_earlier ? x : y; /* of the bytes that are acknowledged */
    const uint32_t ack_start = tcphs_knows(sender, TCPHS_KNOWS_ISS) ? sender->iss : 0;
    const uint32_t seq_start = tcphs_knows(x, TCPHS_KNOWS_ISS) ? x->iss : 0;
    uint32_t seq_due = tcphs_knows(y, TCPHS_KNOWS_HEARD) ? y->rcv_nxt : x->snd_nxt;
    if (a->kind == TCPHS_KIND_SYN_ACK || (a->kind == TCPHS_KIND_SYN && y->state != TCPHS_TIME_WAIT))
        seq_due = tcphs_knows(x, TCPHS_KNOWS_ISS) ? x->iss : seq_due;
    else if (tcphs_knows(x, TCPHS_FIN_SENT) && a->kind == TCPHS_KIND_ACK)
        seq_due = x->fin_seq;
    const uint32_t earlier = refuses_stray ? y->foreign_end : y->unseen_ack;
    o->ack_seen = (proves_earlier ? earlier : a->s->ack) - ack_start;
    o->ack_due = (proves_earlier ? x->snd_nxt : tcphs_due_ack(a)) - ack_start;
    o->seq_seen = a->s->seq - seq_start;
    o->seq_due = seq_due - seq_start;
    if (a->kind == TCPHS_KIND_RST && !tcphs_has_any(a->s, TCPHS_ACK) && !proves_earlier)
        o->ack_seen = o->ack_due; /* it has no acknowledgment that could be wrong */
    emit_earlier_numbers(a, o);
    const bool withstands_rst = tcphs_knows(y, TCPHS_CHALLENGE_OF_RST) && o->back == y->challenge_frame;
    const bool outlived = o->back == a->c->rst_frame && a->c->rst_doubtful;
    if (refuses_stray || withstands_rst || outlived) {
        const uint32_t start = tcphs_knows(y, TCPHS_KNOWS_ISS) ? y->iss : 0;
        const uint32_t at = refuses_stray ? y->foreign_seq : outlived ? a->c->rst_seq : a->c->burst_seq;
        o->seq_seen = at - start;
        o->seq_due = x->rcv_nxt - start;
    }
}

void tcphs_add_findings(const struct tcphs_processing *p)
{
    struct tcphs_found found_now;
    const uint64_t found = tcphs_check_all(p->a, &found_now);
    p->o->findings |= found;
    if (p->o->back == 0)
        p->o->back = found_now.back;
    if (found_now.back == p->o->back)
        p->o->backward |= found_now.backward;
    if (found)
        emit_numbers(p->a, p->o);
}
