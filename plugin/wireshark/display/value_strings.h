/* value_strings.h
 * The words of core/enums.def as the host's value strings, for fields and reports.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_VALUE_STRINGS_H
#define TCPHS_VALUE_STRINGS_H

#include "compat.h"

extern const value_string tcphs_stage_vals[];
extern const value_string tcphs_state_vals[];
extern const value_string tcphs_role_vals[];
extern const value_string tcphs_rst_kind_vals[];
extern const value_string tcphs_event_vals[];
extern const value_string tcphs_verdict_vals[];
extern const value_string tcphs_close_vals[];
extern const value_string tcphs_closed_by_vals[];

/** Name of a row of findings.def; NULL for the hole and beyond. */
const char *tcphs_finding_name(unsigned finding);

#endif
