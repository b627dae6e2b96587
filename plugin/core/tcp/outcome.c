/* outcome.c
 * Everything that is shown of one segment. Keeping it is left to history.h.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tcp/outcome.h"

#include <string.h>

void tcphs_outcome_of_state(const struct tcphs_connection *c, struct tcphs_outcome *o)
{
    o->stage = (uint8_t)tcphs_connection_stage(c);
    o->client = c->client;
    o->assumed = (c->facts & TCPHS_ASSUMED) != 0;
    memcpy(o->links, c->links, sizeof o->links);
    for (unsigned i = 0; i < 2; i++) {
        const struct tcphs_end *y = &c->end[!i];
        o->state[i] = c->end[i].state;
        o->usual[i] = tcphs_knows(y, TCPHS_KNOWS_HEARD) && tcphs_is_synchronised(y->state) ? TCPHS_ACCEPT_YES
                                                                                           : TCPHS_ACCEPT_UNKNOWN;
    }
}

void tcphs_connection_snapshot(const struct tcphs_connection *c, struct tcphs_outcome *o)
{
    *o = (struct tcphs_outcome){ .time_synack = -1, .time_ack = -1, .time_setup = -1, .waited = -1, .rst_idle = -1 };
    tcphs_outcome_of_state(c, o);
}
