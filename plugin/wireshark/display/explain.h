/* explain.h
 * The sentences of tcphs.explain: what is wrong, which end and frame is at fault, and by which number.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_EXPLAIN_H
#define TCPHS_EXPLAIN_H

#include <epan/packet_info.h>

#include "tracker/tracker.h"

/** The sentences of a segment, in pinfo->pool; NULL where there is nothing to explain. */
const char *tcphs_explain(const struct tcphs_outcome *o, const struct tcphs_match *match, const packet_info *pinfo);

#endif
