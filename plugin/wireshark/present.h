/* present.h
 * Shows what the core has to say: fields, expert infos, the root line and the Info column. Decides nothing.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_PRESENT_H
#define TCPHS_PRESENT_H

#include "compat.h"

#include "store.h"

/** Registers all fields and expert infos of the protocol. */
void tcphs_present_register(int proto);

/**
 * Shows one TCP header of a frame, or nothing where nobody would see it; its expert infos in any case. with_info also
 * puts what is new with it in front of the Info column's text.
 */
void tcphs_present(const struct tcphs_hit *hit, packet_info *pinfo, tvbuff_t *tvb, proto_tree *tree, bool with_info);

#endif
