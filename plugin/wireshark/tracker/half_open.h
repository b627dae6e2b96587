/* half_open.h
 * How many attempts are half open at each server address and port at a time, and how many were when a segment was
 * captured. Memory for the first lasts as long as the attempt, at most TCPHS_HALF_OPEN_LIFE after its last SYN or
 * SYN-ACK. Leaves to others what begins and ends an attempt.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_HALF_OPEN_H
#define TCPHS_HALF_OPEN_H

#include "compat.h"

#include "tcp/connection.h"
#include "capture/tuple.h"

/** How long an attempt that nobody ends counts as half open after its last SYN or SYN-ACK: as long as Linux retries. */
#define TCPHS_HALF_OPEN_LIFE (64 * TCPHS_SECOND)

/** No attempts, for a file that is opened. */
void tcphs_half_open_begin(void);

/**
 * Connection id sends a SYN or SYN-ACK at this time in nanoseconds, to be kept with the frame; server is an end of the
 * tuple. To be called in the order of frames.
 */
void tcphs_half_open_step(guint32 frame, guint32 id, const struct tcphs_tuple *tuple, unsigned server, gint64 time);

/** The attempt of this connection was successful, or failed; harmless where it is not half open. */
void tcphs_half_open_over(guint32 id);

/** How many attempts were half open at the server with that step of connection id, itself included; 0 = no such step.
 */
guint32 tcphs_half_open_at(guint32 frame, guint32 id);

/** The number of the frame that came last is given to the next one. */
void tcphs_half_open_forget_frame(guint32 frame);

#endif
