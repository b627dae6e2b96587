/* capture_duplicates.c
 * A direct-mapped table of fingerprints: a later segment may push an earlier one out, which only means that a copy
 * arriving very late is taken for the duplicate it looks like.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "capture_duplicates.h"

#define ELSEWHERE (INT64_C(100) * 1000 * 1000) /* a hop, a tunnel or a second interface: 100 ms */
#define AT_ONCE (INT64_C(50) * 1000)           /* a mirror port that delivers twice: 50 us */
#define IN_A_ROW (INT64_C(1000) * 1000)        /* a bridge seen on both its sides: 1 ms, but nothing between */

static uint64_t mix(uint64_t hash, uint64_t value)
{
    hash ^= value;
    hash *= UINT64_C(0x9E3779B97F4A7C15);
    return hash ^ hash >> 29;
}

static uint64_t fingerprint(const struct tcphs_segment *s, const struct tcphs_capture_point *point)
{
    uint64_t hash = mix(point->tuple, (uint64_t)s->seq << 32 | s->ack);
    hash = mix(hash, (uint64_t)s->length << 32 | (uint64_t)s->flags << 16 | s->window);
    return mix(hash, (uint64_t)point->ip_id << 32 | (uint64_t)s->from << 16);
}

/* What else makes two packets of one place identical; a box between two places may change it. Of a SYN whose options
 * were not captured it is not known: such details are 0. */
static uint16_t details_of(const struct tcphs_segment *s)
{
    const uint32_t sack = (s->options & TCPHS_OPT_SACK) ? s->sack_right : 0;
    if (!tcphs_has_any(s, TCPHS_SYN))
        return (uint16_t)(sack ^ sack >> 16 ^ s->urgent ^ (uint32_t)s->options << 5);
    if (s->options & TCPHS_OPTIONS_CUT)
        return 0;
    const uint64_t offer = (uint64_t)s->options << 24 | (uint64_t)s->wscale << 16 | s->mss;
    return (uint16_t)(mix((uint64_t)s->urgent << 40, offer) >> 48) | 1;
}

/* A box between the two places has changed what a SYN or SYN-ACK offers. */
static bool is_rewritten(const struct tcphs_segment *s, uint16_t first, uint16_t details)
{
    return tcphs_has_any(s, TCPHS_SYN) && first != 0 && details != 0 && first != details;
}

/* Where two places get the same number, a copy passes for the duplicate it looks like. */
static uint16_t number_of_point(const struct tcphs_capture_point *point)
{
    return (uint16_t)(mix((uint64_t)point->interface << 32 | point->path, point->ttl) >> 48);
}

/* The same packet again in the same place: by the mirror, or sent again, or made twice by the network? */
static bool is_double(const struct tcphs_duplicates *c, const struct tcphs_segment *s,
                      const struct tcphs_capture_point *point, uint32_t order, int64_t apart)
{
    const size_t at = (size_t)(point->tuple % TCPHS_DUPLICATES_TUPLES);
    if (c->last[at].tuple != point->tuple) /* pushed out: nothing is known of what is between */
        return point->ip_id != 0 && apart <= AT_ONCE;
    const uint32_t answered = c->last[at].order[!s->from];
    const bool next_to = c->last[at].order[s->from] == order && answered < order;
    if (point->ip_id == 0)
        return answered < order && apart <= AT_ONCE;
    return apart <= AT_ONCE || (next_to && apart <= IN_A_ROW);
}

static void remember_last(struct tcphs_duplicates *c, const struct tcphs_segment *s,
                          const struct tcphs_capture_point *point)
{
    const size_t at = (size_t)(point->tuple % TCPHS_DUPLICATES_TUPLES);
    if (c->last[at].tuple != point->tuple) {
        c->last[at].tuple = point->tuple;
        c->last[at].order[0] = c->last[at].order[1] = 0;
    }
    c->last[at].order[s->from] = c->order;
}

uint32_t tcphs_duplicates_find(struct tcphs_duplicates *c, const struct tcphs_segment *s,
                               const struct tcphs_capture_point *point)
{
    const uint64_t print = fingerprint(s, point);
    const size_t at = (size_t)(print % TCPHS_DUPLICATES_ROOM);
    const uint16_t point_number = number_of_point(point), details = details_of(s);
    c->order++;
    if (c->recent[at].frame != 0 && c->recent[at].print == print) {
        int64_t apart = s->time - c->recent[at].time;
        apart = apart < 0 ? -apart : apart;
        const uint32_t frame = c->recent[at].frame;
        const bool elsewhere = c->recent[at].point_number != point_number;
        if (elsewhere ? apart <= ELSEWHERE
                      : c->recent[at].details == details && is_double(c, s, point, c->recent[at].order, apart)) {
            remember_last(c, s, point); /* a copy can be answered as well */
            c->rewritten = elsewhere && is_rewritten(s, c->recent[at].details, details);
            return frame;
        }
    }
    remember_last(c, s, point);
    c->recent[at].print = print;
    c->recent[at].time = s->time;
    c->recent[at].point_number = point_number;
    c->recent[at].details = details;
    c->recent[at].frame = s->frame;
    c->recent[at].order = c->order;
    return 0;
}
