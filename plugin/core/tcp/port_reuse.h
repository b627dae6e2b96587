/* port_reuse.h
 * Whether a segment still belongs to a connection or begins the next one on the same addresses and ports, and what that
 * one takes over. The list of connections is the caller's.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_PORT_REUSE_H
#define TCPHS_PORT_REUSE_H

#include "tcp/state.h"

/**
 * Whether a segment on the same addresses and ports begins a new connection after c. A SYN with another initial
 * sequence number does when c is over, or when a TIME-WAIT accepts it (RFC 9293 3.10.7.4, RFC 6191); a SYN-ACK does
 * when it acknowledges another SYN that was seen inside c, and an ACK when it answers another SYN-ACK. Where the new
 * handshake was not captured, numbers that have nothing to do with an ended or long silent c speak for themselves.
 */
bool tcphs_connection_is_port_reuse(const struct tcphs_connection *c, const struct tcphs_segment *s);

/**
 * Prepares the successor of a connection for the segment that begins it: when that is a SYN-ACK, the SYN it answers
 * may have been seen inside the predecessor and is taken over; so is the SYN-ACK that a final ACK answers.
 */
void tcphs_connection_inherit(struct tcphs_connection *c, const struct tcphs_connection *previous,
                              const struct tcphs_segment *s);

#endif
