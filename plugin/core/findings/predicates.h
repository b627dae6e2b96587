/* predicates.h
 * One predicate per row of findings.def, declared from the rows themselves: a row without its predicate does not link.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_PREDICATES_H
#define TCPHS_PREDICATES_H

#include "tcp/acceptability.h"

/* A predicate gives 0 for "no", the segment's own frame for "yes, this one", an earlier frame for "this one proves it".
 */
#define TCPHS_ANOMALY(name, ...) uint32_t tcphs_check_##name(const struct tcphs_arrival *a);
#define TCPHS_NOTE(name, ...) uint32_t tcphs_check_##name(const struct tcphs_arrival *a);
#include "findings/findings.def"

/** Which earlier frame is accused, 0 = none, and by which of the findings. */
struct tcphs_found {
    uint32_t back;
    uint64_t backward;
};

/** All findings of a segment, and what they point back to. */
uint64_t tcphs_check_all(const struct tcphs_arrival *a, struct tcphs_found *out);

/** The same, each row asked whether there is an occasion for it or not: slow, for tests. */
uint64_t tcphs_check_every_row(const struct tcphs_arrival *a, struct tcphs_found *out);

/* What the predicates and the processing must agree on: */

/** The RST is obeyed, or must be believed to be. */
bool tcphs_rst_counts(const struct tcphs_arrival *a);

/** A segment of the side that got the RST which proves that this side still has the connection. */
bool tcphs_survives_rst(const struct tcphs_arrival *a);

/** A segment by which one of the two shows that the RST did not end the connection. */
bool tcphs_disproves_rst(const struct tcphs_arrival *a);

/** A segment of the side that sent the RST which proves that this side still has the connection. */
bool tcphs_outlives_own_rst(const struct tcphs_arrival *a);

/** A RST ahead of all its sender was seen to send, in a closing connection: only what follows can accuse it. */
bool tcphs_may_follow_unseen_end(const struct tcphs_arrival *a);

/** It should complete the handshake, but its sequence number lies far off. */
bool tcphs_is_displaced_final_ack(const struct tcphs_arrival *a);

/** A FIN at the place where x's FIN may have been sent before, uncaptured. */
bool tcphs_is_unseen_fin(const struct tcphs_arrival *a);

#endif
