/* rst.h
 * RST: obeyed, ignored, answering a stale segment, part of a burst; and the way back from one that is not believed.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_RST_H
#define TCPHS_RST_H

#include "tcp/process.h"

/** Processes a RST, obeyed or not, and says of what kind it is. */
void tcphs_process_rst(const struct tcphs_processing *p);

/** Takes back a RST that did not end the connection: both ends are again what they were. */
void tcphs_retract_rst(const struct tcphs_processing *p);

#endif
