/* belief.h
 * What is believed without proof, and what a segment makes of it (belief.c).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_BELIEF_H
#define TCPHS_BELIEF_H

#include "tcp/process.h"

/** Takes back or confirms what the segment decides, and holds it against what is believed then. */
void tcphs_revise_beliefs(const struct tcphs_processing *p, struct tcphs_arrival *a);

/** Keeps a SYN-ACK of other numbers than the one believed to be heard: the client may have heard this one. */
void tcphs_keep_alternative(const struct tcphs_processing *p);

/** Keeps the SYN-ACK believed so far, for another one is believed from now on. */
void tcphs_keep_believed_syn_ack(struct tcphs_connection *c, const struct tcphs_end *server);

/** The kept SYN-ACK with this initial number; NULL when there is none. */
struct tcphs_alternative *tcphs_find_alternative(struct tcphs_connection *c, uint32_t iss);

#endif
