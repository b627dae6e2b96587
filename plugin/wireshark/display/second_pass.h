/* second_pass.h
 * Fields of a connection (tcphs.conn.*) are final in a second pass only. Notices who asks for them in a first pass, by
 * a display filter, a read filter, a report's filter or a column, and whether what was shown then has changed since:
 * tshark's user is told so by one line on standard error when the file is closed, and Wireshark's window filters again.
 *
 * The host does not tell of -T fields, json and -V: there tcphs.conn.final says whether a value can still change.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_SECOND_PASS_H
#define TCPHS_SECOND_PASS_H

#include "tracker/tracker.h"

/** Once, at registration, before the tracker's. */
void tcphs_second_pass_register(void);

/** Finds the fields; once, at handoff. */
void tcphs_second_pass_look_up(void);

/** Whether a display filter asks for fields of a connection, macros expanded; false for a filter that is not valid. */
bool tcphs_second_pass_is_needed_by(const char *filter);

/** The user was told of it in other words; once is enough. */
void tcphs_second_pass_was_told(void);

/** A frame is dissected, for the first time or again, with or without TCP in it. */
void tcphs_second_pass_visit(const packet_info *pinfo);

/** A header of that frame is about to be shown; does nothing on later visits, or when nobody asks. */
void tcphs_second_pass_show(const packet_info *pinfo, const struct tcphs_match *match);

#endif
