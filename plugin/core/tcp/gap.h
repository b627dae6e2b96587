/* gap.h
 * How many bytes a gap in the capture can hide (gap.c).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_GAP_H
#define TCPHS_GAP_H

#include "tcp/arrival.h"

/** The window of an end that counts where a gap is measured: the largest it granted, 64 KiB at least. */
uint32_t tcphs_gap_window(const struct tcphs_end *e);

/** The most that x can ever have allowed its peer to send ahead: a full window field at the scale it offered. */
uint32_t tcphs_largest_possible_window(const struct tcphs_connection *c, const struct tcphs_end *x);

/** How many bytes of the sender a gap up to the segment can hide, beginning with this window. */
uint32_t tcphs_largest_gap(const struct tcphs_arrival *a, const struct tcphs_end *sender, uint32_t window);

/** The same for an end that was seen in the handshake alone. */
uint32_t tcphs_largest_gap_since_handshake(const struct tcphs_arrival *a, const struct tcphs_end *sender);

/** So much may have passed unseen that the sender's numbers have gone round, and tell nothing. */
bool tcphs_may_have_wrapped(const struct tcphs_arrival *a, const struct tcphs_end *sender);

/** The receiver's answer to what it was sent before is missing from the capture: it is overdue. */
bool tcphs_is_answer_missing(const struct tcphs_arrival *a);

#endif
