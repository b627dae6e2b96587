/* fast_path.h
 * The fast path, for what most segments are: data or an ACK in sequence. Whatever else comes is left to connection.h.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_FAST_PATH_H
#define TCPHS_FAST_PATH_H

#include "tcp/state.h"

/**
 * The fast path, for a segment of which nothing is to be shown: it changes no state, is acceptable as usual, begins no
 * new connection, and nothing is wrong with it. True when it was such a segment, and was taken; false when nothing was
 * done and it must take the slow path: tcphs_connection_is_port_reuse, tcphs_connection_segment.
 */
bool tcphs_connection_fast_path(struct tcphs_connection *c, const struct tcphs_segment *s);

#endif
