/* origin.c
 * Whether a segment came the way its sender's others did: TTL or hop limit, and IP identification.
 * What follows from that is left to the callers.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tcp/origin.h"

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
 * seen of this sender, or at all from many that were the same, is another way.
 */
static bool came_another_way(const struct tcphs_arrival *a, bool is_steady)
{
    const struct tcphs_end *x = a->x;
    const unsigned hops = tcphs_hops(a->s->ttl), nearly = is_steady ? 0 : NEARLY;
    return hops + nearly < x->hops_least || hops > x->hops_most + nearly;
}

/* As far away as the sender's last segment, and only few packets later by the IP id. */
static bool follows_closely(const struct tcphs_arrival *a, uint16_t step)
{
    return a->s->ttl == a->x->ttl && step > 0 && step <= TCPHS_SMALL_STEP;
}

enum tcphs_origin tcphs_origin(const struct tcphs_arrival *a)
{
    const struct tcphs_end *x = a->x;
    if (a->s->ttl == 0 || x->ttl_steady == 0)
        return TCPHS_ORIGIN_UNKNOWN;
    const bool is_steady = x->ttl_steady >= STEADY && x->ttl_steady != TCPHS_MIXED;
    if (came_another_way(a, is_steady))
        return TCPHS_ORIGIN_DIFFERS;
    const uint16_t step = (uint16_t)(a->s->ip_id - x->ip_id);
    const bool counts = a->s->ip_id != 0 && x->ip_id_steps >= STEADY;
    if (!counts || !is_steady)
        return follows_closely(a, step) ? TCPHS_ORIGIN_FITS : TCPHS_ORIGIN_UNKNOWN;
    /* A count of packets that leaps at once is another sender's. */
    const bool at_once = tcphs_clock(a->s->time) - x->accepted_clock < TCPHS_SECOND / 1000;
    if (step > FAR_STEP && at_once)
        return TCPHS_ORIGIN_DIFFERS;
    return step <= TCPHS_SMALL_STEP ? TCPHS_ORIGIN_FITS : TCPHS_ORIGIN_UNKNOWN;
}

/*
 * A box that answers a segment in its receiver's name may copy its IP header. That alone tells where the sender counts
 * its packets, and this is none of the next; else by chance one id in 65,536 is the same, and the window must be, too.
 */
bool tcphs_echoes_its_receiver(const struct tcphs_arrival *a)
{
    const struct tcphs_end *x = a->x, *y = a->y;
    const uint16_t step = (uint16_t)(a->s->ip_id - x->ip_id);
    if (a->s->ip_id == 0 || a->s->ip_id != y->ip_id || x->ttl_steady == 0 || step <= TCPHS_SMALL_STEP)
        return false;
    return x->ip_id_steps >= STEADY ||
           (a->s->window != 0 && a->s->window == y->last_window && a->s->window != x->last_window);
}
