/* ladder.h
 * The ladder of a connection: its handshake, its close and whatever was odd, segment by segment between the two ends,
 * with all that is ordinary folded into one line. Collects while packets pass; written at the end.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_LADDER_H
#define TCPHS_LADDER_H

#include "reports/endpoint_statistics.h"
#include "reports/reports.h"

struct tcphs_ladders;
struct tcphs_rung;

/** Ladders of no connection yet; to be freed. */
struct tcphs_ladders *tcphs_ladders_new(void);

/** Frees them with all they hold. */
void tcphs_ladders_free(struct tcphs_ladders *l);

/** Forgets all connections: their numbers will be given to others. */
void tcphs_ladders_clear(struct tcphs_ladders *l);

/**
 * A segment of a connection, in the order of frames, its outcome filled in. Returns the rung on which it stands, good
 * until the next segment: one of its own, or that of the ordinary segments before it; NULL for a capture copy.
 */
struct tcphs_rung *tcphs_ladders_add(struct tcphs_ladders *l, const packet_info *pinfo,
                                     const struct tcphs_tapped *tapped);

/** What the caller shows a rung by, NULL at first. */
void **tcphs_rung_shown(struct tcphs_rung *rung);

/** What was sent: flags and numbers, counted from the start of either end; or how many ordinary segments. */
void tcphs_rung_append_label(const struct tcphs_ladders *l, guint32 id, const struct tcphs_rung *rung, GString *out);

/** What it does: step, step of the close, kind of RST, findings. */
void tcphs_rung_append_comment(const struct tcphs_rung *rung, GString *out);

/** Writes the ladder of one connection; times count from start. */
void tcphs_ladders_write(const struct tcphs_ladders *l, const struct tcphs_connection_info *c, gint64 start, FILE *out);

#endif
