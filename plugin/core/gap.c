/* gap.c
 * The reach of a gap: how many bytes can have passed without being captured. Arithmetic only; what an unseen byte means
 * for a segment is judged in view.c.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "gap.h"

/* A window that was never seen to be scaled could be anything up to this; 64 KiB is the least a gap may hide. */
#define LEAST_SLACK 65535u
#define LARGEST_SHIFT 14
/* A round trip that was not measured is taken for a short one: that explains more, and accuses less. */
#define SHORT_ROUND (TCPHS_SECOND / 1000)
/* What is silent for so long can have sent anything meanwhile; the clocks below do not reach much farther. */
#define LONG_SILENCE (1800 * TCPHS_SECOND)
/* No gap is believed to hide more: beyond half the sequence space, before and after cannot be told apart. */
#define LARGEST_GAP (1u << 30)

uint32_t tcphs_slack(const struct tcphs_end *e)
{
    return e->max_window > LEAST_SLACK ? e->max_window : LEAST_SLACK;
}

uint32_t tcphs_largest_grant(const struct tcphs_connection *c, const struct tcphs_end *x)
{
    if (!tcphs_scale_is_known(c))
        return UINT16_MAX << LARGEST_SHIFT;
    if (!(c->end[0].known & c->end[1].known & TCPHS_OFFERED_SCALE))
        return UINT16_MAX;
    return (uint32_t)UINT16_MAX << x->wscale;
}

/*
 * How much of an end's data a gap in the capture can hide: a window for every round trip since its last good segment,
 * and a window can grow twofold in each.
 */
uint32_t tcphs_largest_gap(const struct tcphs_view *v, const struct tcphs_end *sender, uint32_t window)
{
    const int64_t pause = v->s->time - v->c->last_time;
    if (!tcphs_knows(sender, TCPHS_HAS_FIT) || pause > LONG_SILENCE)
        return LARGEST_GAP;
    const int64_t round = v->c->round_trip > 0 ? v->c->round_trip : SHORT_ROUND;
    const int64_t silence = pause < 0 ? 0 : (int64_t)(tcphs_clock(v->s->time) - sender->fit_clock);
    const int64_t rounds = silence * 1000 / round;
    const int doublings = rounds > 30 ? 30 : (int)rounds;
    return window > LARGEST_GAP >> doublings ? LARGEST_GAP : window << doublings;
}

uint32_t tcphs_reach(const struct tcphs_view *v, const struct tcphs_end *sender)
{
    const struct tcphs_end *peer = sender == v->x ? v->y : v->x;
    return tcphs_largest_gap(v, sender, tcphs_largest_grant(v->c, peer));
}
