/* timestamps.c
 * Tests of timestamps (RFC 7323 5.3 and 3.2, RFC 6191 2), each as strict as common kernels are, where these and the RFC
 * differ. What is learned of timestamps is in sequence_space.c.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tcp/timestamps.h"

#include "seq.h"

/* Ticks: how much too old a pure ACK of nothing new may be and is still taken, as far as the least RTO in use (200 ms,
 * with the fastest clock of RFC 7323 5.4), and from where on it is refused whatever the RTO of an ordinary path. */
#define TAKEN_TICKS 200
#define REFUSED_TICKS 3000
/* A SYN is sent again after this at the earliest, with the slowest clock in use of 100 Hz; and for so long at most,
 * with the fastest: between them a timestamp before the first SYN captured may be of one that was not. */
#define FIRST_RETRY_TICKS 20
#define LAST_RETRY_TICKS (300 * 1000)
#define MILLISECOND (TCPHS_SECOND / 1000)

/* PAWS (RFC 7323 5.3, R1): by how many ticks the timestamp is older than what the receiver has had; 0 where that is not
 * known, or not tested. A RST is never tested: R1 leaves it out. SYN and SYN-ACK have tests of their own below. */
static int32_t ticks_too_old(const struct tcphs_arrival *a)
{
    const bool is_tested = tcphs_uses_timestamps(a->c) && (a->s->options & TCPHS_OPT_TIMESTAMP) &&
                           a->kind == TCPHS_KIND_ACK && a->y->ts_recent != 0;
    if (!is_tested || (uint16_t)(tcphs_day(a->s->time) - a->y->ts_day) >= TCPHS_TS_RECENT_DAYS)
        return 0;
    const int32_t age = tcphs_ts_age(a->s->ts_value, a->y->ts_recent);
    /* One tick of slack, but not in SYN-RECEIVED and TIME-WAIT (common kernels). */
    const bool is_strict = a->y->state == TCPHS_SYN_RECEIVED || a->y->state == TCPHS_TIME_WAIT;
    return age > (is_strict ? 0 : 1) ? age : 0;
}

/* A pure ACK that says nothing new; the exception for reordered ones in common kernels. */
static enum tcphs_accepted judge_repeated_ack(const struct tcphs_arrival *a, int32_t ticks)
{
    const struct tcphs_end *y = a->y;
    if (a->s->seq != y->rcv_nxt || a->s->ack != y->snd_una || ticks > REFUSED_TICKS)
        return TCPHS_ACCEPT_NO;
    return ticks <= TAKEN_TICKS ? TCPHS_ACCEPT_YES : TCPHS_ACCEPT_UNKNOWN;
}

/*
 * Sent for the first time after what its sender had sent last, it cannot be older than that, wherever it was delayed.
 * An original in a hole can: its receiver may have heard a retransmission meanwhile.
 */
static bool is_out_of_turn(const struct tcphs_arrival *a)
{
    const struct tcphs_end *x = a->x;
    return x->ts_sent != 0 && !tcphs_seq_before(a->s->seq, x->snd_nxt) && tcphs_ts_age(a->s->ts_value, x->ts_sent) > 0;
}

enum tcphs_accepted tcphs_judge_timestamp(const struct tcphs_arrival *a)
{
    const int32_t ticks = ticks_too_old(a);
    if (ticks == 0)
        return TCPHS_ACCEPT_YES;
    if (tcphs_is_pure_ack(a->s) && a->y->state != TCPHS_SYN_RECEIVED) {
        /* An acknowledgment of more than before was sent after all that acknowledged less. */
        return tcphs_seq_after(a->s->ack, a->x->rcv_ack) ? TCPHS_ACCEPT_NO : judge_repeated_ack(a, ticks);
    }
    return is_out_of_turn(a) ? TCPHS_ACCEPT_NO : TCPHS_ACCEPT_UNKNOWN;
}

bool tcphs_echoes_no_syn(const struct tcphs_arrival *a)
{
    const struct tcphs_end *x = a->x, *y = a->y;
    const uint32_t first = x->ts_recent, last = y->ts_sent, echo = a->s->ts_echo;
    if (a->kind != TCPHS_KIND_SYN_ACK || y->state != TCPHS_SYN_SENT || !(a->s->options & TCPHS_OPT_TIMESTAMP) ||
        !(y->offered & TCPHS_OPT_TIMESTAMP) || first == 0 || last == 0 || echo == 0)
        return false;
    /* The client tests against its clock of now, which may have gone on by a tick a millisecond. */
    const int64_t since = a->s->time - a->c->last_syn_time;
    const uint32_t now = last + (since > 0 && since < 3600 * TCPHS_SECOND ? (uint32_t)(since / MILLISECOND) + 1 : 1);
    const uint32_t before = first - echo;
    const bool is_of_unseen_syn = before >= FIRST_RETRY_TICKS && before <= LAST_RETRY_TICKS;
    return !tcphs_seq_within(echo, first, now) && !is_of_unseen_syn;
}

enum tcphs_time_wait_answer tcphs_time_wait_answer(const struct tcphs_connection *c, const struct tcphs_end *y,
                                                   bool has_timestamp, uint32_t ts_value)
{
    if (!has_timestamp)
        return TCPHS_TIME_WAIT_BY_ISN;
    if (!(c->agreed & TCPHS_AGREED_KNOWN)) /* it may have had any: the benefit of the doubt */
        return TCPHS_TIME_WAIT_TAKES;
    if (!tcphs_uses_timestamps(c) || y->ts_recent == 0 || y->ts_recent == ts_value)
        return TCPHS_TIME_WAIT_BY_ISN;
    return tcphs_ts_age(ts_value, y->ts_recent) > 0 ? TCPHS_TIME_WAIT_REFUSES : TCPHS_TIME_WAIT_TAKES;
}
