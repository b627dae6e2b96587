/* syn.h
 * SYN and SYN-ACK: how a connection is opened, retried, answered wrongly, or interrupted by another SYN.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_SYN_H
#define TCPHS_SYN_H

#include "tcp/process.h"

/** Processes a SYN: opens, repeats, crosses (simultaneous open), or stands in the way of a live connection. */
void tcphs_process_syn(const struct tcphs_processing *p);

/** Processes a SYN-ACK: accepted, repeated, with a wrong number, or of another connection. */
void tcphs_process_syn_ack(const struct tcphs_processing *p);

#endif
