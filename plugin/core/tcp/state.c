/* state.c
 * What an observer knows of one TCP connection: two ends, what each has sent, heard and granted, and what is suspected.
 * Filled by process.h and those above it; only looked at here.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tcp/state.h"

#include <string.h>

#define LARGEST_SHIFT 14

bool tcphs_has_no_scale(const struct tcphs_connection *c)
{
    for (int i = 0; i < 2; i++)
        if ((c->end[i].known & (TCPHS_SAW_SYN_OPTIONS | TCPHS_OFFERED_SCALE)) == TCPHS_SAW_SYN_OPTIONS)
            return true;
    return false;
}

uint32_t tcphs_granted_window(const struct tcphs_connection *c, const struct tcphs_segment *s)
{
    if (tcphs_has_any(s, TCPHS_SYN)) /* never scaled in SYN and SYN-ACK (RFC 7323 2.2) */
        return s->window;
    if (!tcphs_scale_is_known(c))
        return (uint32_t)s->window << LARGEST_SHIFT;
    return tcphs_scaled_window(c, s);
}

bool tcphs_takes_window_back(const struct tcphs_end *x, uint32_t ack, uint32_t edge)
{
    /* Only an acknowledgment of more was surely sent later: one of the same number may have been overtaken. */
    const uint32_t grain = 1u << x->wscale;
    return tcphs_knows(x, TCPHS_KNOWS_GRANT) && tcphs_seq_after(ack, x->granted_ack) &&
           tcphs_seq_before(edge + grain, x->granted_edge);
}

/* Both FINs are sent and acknowledged, as far as this end knows. */
static bool is_done(unsigned state)
{
    return state == TCPHS_TIME_WAIT || state == TCPHS_CLOSED;
}

/* It has sent a FIN, or heard its peer's. */
static bool is_closing(unsigned state)
{
    return state >= TCPHS_FIN_WAIT_1 && state <= TCPHS_TIME_WAIT;
}

/*
 * By the states of both ends, with what these do not tell: whether both are CLOSED by a RST, and whether a beginning was
 * captured at all. While a SYN-ACK was taken back, it is still the one that was sent.
 */
enum tcphs_stage tcphs_connection_stage(const struct tcphs_connection *c)
{
    const unsigned a = c->end[0].state, b = c->end[1].state;
    const uint32_t sent = c->end[0].known | c->end[1].known;
    if (c->facts & TCPHS_IS_RESET)
        return TCPHS_STAGE_RESET;
    if (is_done(a) && is_done(b))
        return TCPHS_STAGE_CLOSED;
    if (is_closing(a) || is_closing(b))
        return TCPHS_STAGE_CLOSING;
    if (c->facts & TCPHS_MIDSTREAM_START)
        return TCPHS_STAGE_MIDSTREAM;
    if (tcphs_is_synchronised(a) && tcphs_is_synchronised(b))
        return TCPHS_STAGE_ESTABLISHED;
    if ((sent & TCPHS_SENT_SYN_ACK) || a == TCPHS_SYN_RECEIVED || b == TCPHS_SYN_RECEIVED)
        return TCPHS_STAGE_SYN_RECEIVED;
    return (sent & TCPHS_SENT_SYN) ? TCPHS_STAGE_SYN_SENT : TCPHS_STAGE_NONE;
}

bool tcphs_has_ended(const struct tcphs_connection *c)
{
    const enum tcphs_stage stage = tcphs_connection_stage(c);
    return stage == TCPHS_STAGE_RESET || stage == TCPHS_STAGE_CLOSED;
}
