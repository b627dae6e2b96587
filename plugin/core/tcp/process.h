/* process.h
 * What the parts of segment processing (syn.h, ack.h, fin.h, rst.h, belief.h) share: the context of one segment, the
 * change of states, links to frames. Private to the core.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_PROCESS_H
#define TCPHS_PROCESS_H

#include "tcp/arrival.h"
#include "tcp/machine.h"
#include "tcp/outcome.h"

/** The connection, the segment, how it was judged on arrival, and what is shown of it. Lifetime: one call. */
struct tcphs_processing {
    struct tcphs_connection *c;
    const struct tcphs_segment *s;
    const struct tcphs_arrival *a;
    struct tcphs_outcome *o;
    struct tcphs_end *x, *y; /**< sender and receiver */
};

/** Changes the state of one end by an event of the machine; the only way in which states change. */
void tcphs_transition(struct tcphs_end *e, enum tcphs_machine_event event);

/** Both ends will be closed by a RST: their states are kept, in case it proves to be none. */
void tcphs_suspend_states(struct tcphs_connection *c);

/** The RST that closed both ends was none: they have the states again that were kept. */
void tcphs_resume_states(struct tcphs_connection *c);

/** An event that corrects what was believed of an end: while a RST counts it is the state kept that it changes. */
void tcphs_correct_state(const struct tcphs_connection *c, struct tcphs_end *e, enum tcphs_machine_event event);

/** From here on the connection's values rest on an assumption. */
void tcphs_assume(struct tcphs_connection *c);

/** Shows how many SYNs and SYN-ACKs there were so far. */
void tcphs_emit_counts(const struct tcphs_processing *p);

/** Shows the acknowledgment number that was due beside the one seen. */
void tcphs_emit_due_ack(const struct tcphs_processing *p, uint32_t due);

/** Links the first accepted segment of a kind. */
void tcphs_link_first(const struct tcphs_processing *p, enum tcphs_link link);

/** Points a link elsewhere, or nowhere (0); not done any more when it was done too often. */
void tcphs_change_link(struct tcphs_connection *c, enum tcphs_link link, uint32_t frame);

#endif
