/* connection.h
 * The driver: feeds a connection with segments in capture order. Storage of the results (history.h) and the choice of
 * the connection (port_reuse.h says when another one begins) are the caller's.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_CONNECTION_H
#define TCPHS_CONNECTION_H

#include "tcp/outcome.h"
#include "tcp/state.h"

/** An empty connection; previous = the connection that the same addresses and ports carried before, or NULL. */
void tcphs_connection_init(struct tcphs_connection *c, const struct tcphs_connection *previous);

/** Feeds one segment, in capture order, copies left out, and says all that can be said of it at once. */
void tcphs_connection_segment(struct tcphs_connection *c, const struct tcphs_segment *s, struct tcphs_outcome *o);

/** An ICMP error quoting a segment of c that end `from` had sent. Changes nothing; can become the verdict. */
void tcphs_connection_icmp(struct tcphs_connection *c, uint32_t frame, unsigned from);

/** A frame number is given to a later frame (read filters do that): links to it go, suspicions lose its name only. */
void tcphs_connection_forget_frame(struct tcphs_connection *c, uint32_t frame);

#endif
