/* gap.c
 * The reach of a gap: how many bytes can have passed without being captured. Arithmetic only; what an unseen byte means
 * for a segment is judged in acceptability.c.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tcp/gap.h"

/* A window that was never seen to be scaled could be anything up to this; 64 KiB is the least a gap may hide. */
#define LEAST_SLACK 65535u
#define LARGEST_SHIFT 14
/* A round trip that was not measured is taken for a short one: that explains more, and accuses less. */
#define SHORT_ROUND 1000 /* us */
/* What is silent for so long can have sent anything meanwhile; the clocks below do not reach much farther. */
#define LONG_SILENCE (1800 * TCPHS_SECOND)
/* So many identifications in a row that step by little are a count of packets … */
#define STEADY 3
/* … in which a larger leap is another packet's, of another host or forged. */
#define MOST_MISSING 1024
/* Half the sequence space: farther apart, before and after cannot be told apart. */
#define HALF_SPACE (1u << 31)
/* No gap is believed to hide more, as long as the numbers are believed to tell anything at all. */
#define LARGEST_GAP (HALF_SPACE / 2)

uint32_t tcphs_gap_window(const struct tcphs_end *e)
{
    return e->max_window > LEAST_SLACK ? e->max_window : LEAST_SLACK;
}

uint32_t tcphs_largest_possible_window(const struct tcphs_connection *c, const struct tcphs_end *x)
{
    if (!tcphs_scale_is_known(c))
        return UINT16_MAX << LARGEST_SHIFT;
    if (!(c->end[0].known & c->end[1].known & TCPHS_OFFERED_SCALE))
        return UINT16_MAX;
    return (uint32_t)UINT16_MAX << x->wscale;
}

/*
 * A round trip as the segments here show it: from here to one end and back, and to the other end and back. Each is the
 * least that was seen, of the handshake or of data: an answer can be late for many reasons, and early for none. A box
 * between may answer the handshake and be nearer, or farther, than what answers the data.
 */
static int64_t round_trip(const struct tcphs_connection *c)
{
    const uint32_t a = c->end[0].answer_time, b = c->end[1].answer_time;
    return a == 0 || b == 0 ? SHORT_ROUND : (int64_t)a + b;
}

/* How many round trips the end was silent for; what went back in time is no silence. */
static int64_t silent_rounds(const struct tcphs_arrival *a, const struct tcphs_end *sender)
{
    if (a->s->time < a->c->last_time)
        return 0;
    return (int64_t)(tcphs_clock(a->s->time) - sender->accepted_clock) / round_trip(a->c);
}

/* Packets of the segment's own sender that are missing before it, by their IP identifications, where they count. */
static uint32_t missing_packets(const struct tcphs_arrival *a)
{
    const struct tcphs_end *x = a->x;
    const uint16_t step = (uint16_t)(a->s->ip_id - x->ip_id);
    const bool counts = a->s->ip_id != 0 && x->ip_id_steps >= STEADY && a->s->ttl == x->ttl;
    return counts && step > 0 && step <= MOST_MISSING ? (uint32_t)step - 1 : 0;
}

/*
 * An end can send a window in each round trip, and the window can grow twofold in each: of what it was not seen to
 * send, so much can have passed since its last good segment. Packets that are missing by their count, the sender's own
 * data or acknowledgments of the peer's, can each stand for as much as an IP packet holds.
 */
uint32_t tcphs_largest_gap(const struct tcphs_arrival *a, const struct tcphs_end *sender, uint32_t window)
{
    if (!tcphs_knows(sender, TCPHS_KNOWS_ACCEPTED_CLOCK) || a->s->time - a->c->last_time > LONG_SILENCE)
        return LARGEST_GAP;
    const int64_t rounds = silent_rounds(a, sender);
    const int doublings = rounds > 30 ? 30 : (int)rounds;
    if (window > LARGEST_GAP >> doublings)
        return LARGEST_GAP;
    const uint32_t by_time = window << doublings, by_count = missing_packets(a) * UINT16_MAX;
    return by_time > by_count ? by_time : by_count;
}

/* Where the capture is known to miss bytes, a long silence can hide so many that the numbers have gone round. */
bool tcphs_may_have_wrapped(const struct tcphs_arrival *a, const struct tcphs_end *sender)
{
    const struct tcphs_end *peer = sender == a->x ? a->y : a->x;
    if (!(a->c->facts & TCPHS_GAPS) || !tcphs_knows(sender, TCPHS_KNOWS_ACCEPTED_CLOCK) ||
        tcphs_knows(sender, TCPHS_FIN_SENT))
        return false;
    return silent_rounds(a, sender) >= HALF_SPACE / tcphs_largest_possible_window(a->c, peer);
}

/*
 * The peer owes an answer: it was sent bytes, and has been silent for longer than its answers take. So what it said is
 * missing from the capture, and what this segment acknowledges may be among that.
 */
bool tcphs_is_answer_missing(const struct tcphs_arrival *a)
{
    const struct tcphs_end *x = a->x, *y = a->y;
    if (!tcphs_knows(x, TCPHS_KNOWS_SENT) || !tcphs_knows(y, TCPHS_KNOWS_ACCEPTED_CLOCK) ||
        a->s->time < a->c->last_time)
        return false;
    const uint32_t silence = tcphs_clock(a->s->time) - y->accepted_clock;
    return tcphs_seq_after(x->snd_nxt, x->snd_una) && y->answer_time != 0 && silence > y->answer_time;
}

uint32_t tcphs_largest_gap_since_handshake(const struct tcphs_arrival *a, const struct tcphs_end *sender)
{
    const struct tcphs_end *peer = sender == a->x ? a->y : a->x;
    return tcphs_largest_gap(a, sender, tcphs_largest_possible_window(a->c, peer));
}
