/* copies.c
 * A direct-mapped table of fingerprints: a later segment may push an earlier one out, which only means that a copy
 * arriving very late is taken for the duplicate it looks like.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "copies.h"

#define ELSEWHERE (INT64_C(100) * 1000 * 1000) /* a hop, a tunnel or a second interface: 100 ms */
#define SAME_PLACE (INT64_C(1000) * 1000)      /* a bridge or mirror port that delivers twice: 1 ms … */
#define AT_ONCE (INT64_C(50) * 1000)           /* … and 50 us, where no IP id tells a packet from an equal one sent again */

static uint64_t mix(uint64_t hash, uint64_t value)
{
    hash ^= value;
    hash *= UINT64_C(0x9E3779B97F4A7C15);
    return hash ^ hash >> 29;
}

static uint64_t fingerprint(const struct tcphs_segment *s, const struct tcphs_sight *sight)
{
    uint64_t hash = mix(sight->tuple, (uint64_t)s->seq << 32 | s->ack);
    hash = mix(hash, (uint64_t)s->length << 32 | (uint64_t)s->flags << 16 | s->window);
    return mix(hash, (uint64_t)sight->ip_id << 32 | (uint64_t)s->from << 16);
}

/* What else makes two packets of one place identical; a box between two places may change it. */
static uint32_t details_of(const struct tcphs_segment *s)
{
    const uint64_t options = (uint64_t)s->options << 8 | s->wscale;
    const uint64_t sack = (s->options & TCPHS_OPT_SACK) ? s->sack_right : 0;
    return (uint32_t)(mix(options << 32 | sack, s->urgent) >> 32);
}

/* Where two places get the same number, a copy passes for the duplicate it looks like. */
static uint32_t place_of(const struct tcphs_sight *sight)
{
    return (uint32_t)(mix((uint64_t)sight->interface << 32 | sight->path, sight->ttl) >> 32);
}

uint32_t tcphs_copies_find(struct tcphs_copies *c, const struct tcphs_segment *s, const struct tcphs_sight *sight)
{
    const uint64_t print = fingerprint(s, sight);
    const size_t at = (size_t)(print % TCPHS_COPIES_ROOM);
    const uint32_t place = place_of(sight), details = details_of(s);
    if (c->recent[at].frame != 0 && c->recent[at].print == print) {
        int64_t apart = s->time - c->recent[at].time;
        apart = apart < 0 ? -apart : apart;
        const bool elsewhere = c->recent[at].place != place;
        const int64_t longest = elsewhere ? ELSEWHERE : sight->ip_id != 0 ? SAME_PLACE : AT_ONCE;
        if (apart <= longest && (elsewhere || c->recent[at].details == details))
            return c->recent[at].frame;
    }
    c->recent[at].print = print;
    c->recent[at].time = s->time;
    c->recent[at].place = place;
    c->recent[at].details = details;
    c->recent[at].frame = s->frame;
    return 0;
}
