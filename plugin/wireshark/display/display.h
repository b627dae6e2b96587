/* display.h
 * Shows what the core has to say: fields, expert infos, the root line and the Info column. Decides nothing.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_DISPLAY_H
#define TCPHS_DISPLAY_H

#include "compat.h"

#include "tracker/tracker.h"

/** Registers all fields and expert infos of the protocol. */
void tcphs_display_register(int proto);

/** Whether somebody sees the fields in this tree; NULL is no tree. */
bool tcphs_display_is_wanted(proto_tree *tree);

/**
 * Shows one TCP header of a frame, or nothing where nobody would see it; its expert infos in any case. with_info also
 * puts what is new with it in front of the Info column's text.
 */
void tcphs_display(const struct tcphs_match *match, packet_info *pinfo, tvbuff_t *tvb, proto_tree *tree,
                   bool with_info);

#endif
