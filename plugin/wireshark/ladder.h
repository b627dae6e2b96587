/* ladder.h
 * The ladder of a connection: its handshake, its close and whatever was odd, segment by segment between the two ends,
 * with all that is ordinary folded into one line. Collects while packets pass; written at the end.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_LADDER_H
#define TCPHS_LADDER_H

#include "accounts.h"
#include "reports.h"

struct tcphs_ladders;

/** Ladders of no connection yet; they last as long as the program. */
struct tcphs_ladders *tcphs_ladders_new(void);

/** Forgets all connections: their numbers will be given to others. */
void tcphs_ladders_clear(struct tcphs_ladders *l);

/** A segment of a connection, in the order of frames. */
void tcphs_ladders_add(struct tcphs_ladders *l, const packet_info *pinfo, const struct tcphs_tapped *tapped);

/** Writes the ladder of one connection; times count from start. */
void tcphs_ladders_write(const struct tcphs_ladders *l, const struct tcphs_case *c, gint64 start, FILE *out);

#endif
