/* names.h
 * The words of core/words.def as the host's value strings, for fields and reports.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_NAMES_H
#define TCPHS_NAMES_H

#include "compat.h"

extern const value_string tcphs_stage_names[];
extern const value_string tcphs_state_names[];
extern const value_string tcphs_role_names[];
extern const value_string tcphs_rst_kind_names[];
extern const value_string tcphs_event_names[];
extern const value_string tcphs_verdict_names[];
extern const value_string tcphs_close_names[];
extern const value_string tcphs_closed_by_names[];

/** Name of a row of findings.def; NULL for the hole and beyond. */
const char *tcphs_finding_name(unsigned finding);

#endif
