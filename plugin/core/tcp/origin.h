/* origin.h
 * Whether a segment came the way its sender's others did: TTL or hop limit, and IP identification.
 * What follows from that is left to the callers.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_ORIGIN_H
#define TCPHS_ORIGIN_H

#include "tcp/arrival.h"

/** Whether a segment came as the others of its sender did, by TTL and IP identification. */
enum tcphs_origin { TCPHS_ORIGIN_UNKNOWN = 0, TCPHS_ORIGIN_FITS, TCPHS_ORIGIN_DIFFERS };

/** The IP identification of one sender's segments advances by no more than this from one to the next. */
#define TCPHS_SMALL_STEP 64

/** tcphs_end.ttl_steady of an end whose segments came with more than one TTL. */
#define TCPHS_MIXED UINT8_MAX

/** Did the segment come as the earlier ones of its sender did? */
enum tcphs_origin tcphs_origin(const struct tcphs_arrival *a);

/** How many hops a packet with this TTL has come, its first TTL taken for the next that is in use. */
unsigned tcphs_hops(uint8_t ttl);

/** A RST with the IP id of the latest segment of its own receiver, and not with its claimed sender's next. */
bool tcphs_echoes_its_receiver(const struct tcphs_arrival *a);

#endif
