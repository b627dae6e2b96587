/* ack.h
 * Segments that carry ACK and neither SYN nor RST: data, acknowledgments, and what they prove about bytes not captured.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_ACK_H
#define TCPHS_ACK_H

#include "tcp/process.h"

/** The first segment of a connection whose handshake was not captured. */
void tcphs_pick_up_midstream(const struct tcphs_processing *p);

/** Does the segment prove that bytes which its receiver acknowledged unseen were really sent? */
bool tcphs_confirms_gap(const struct tcphs_arrival *a);

/** Believes those bytes: the capture has a gap. */
void tcphs_confirm_gap(const struct tcphs_processing *p);

/** Processes a segment with ACK, and neither SYN nor RST. */
void tcphs_process_ack(const struct tcphs_processing *p);

#endif
