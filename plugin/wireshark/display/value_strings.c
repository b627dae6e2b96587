/* value_strings.c
 * Value strings, generated from the tables of the core.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "display/value_strings.h"

#include "findings/findings.h"

#define TCPHS_STAGE(number, name, text, meaning) { number, text },
const value_string tcphs_stage_vals[] = {
#include "enums.def"
    { 0, NULL }
};
#define TCPHS_STATE(number, name, text, meaning) { number, text },
const value_string tcphs_state_vals[] = {
#include "enums.def"
    { 0, NULL }
};
#define TCPHS_ROLE(number, name, text, meaning) { number, text },
const value_string tcphs_role_vals[] = {
#include "enums.def"
    { 0, NULL }
};
#define TCPHS_RST_KIND(number, name, text, meaning) { number, text },
const value_string tcphs_rst_kind_vals[] = {
#include "enums.def"
    { 0, NULL }
};
#define TCPHS_EVENT(number, name, text, meaning) { number, text },
const value_string tcphs_event_vals[] = {
#include "enums.def"
    { 0, NULL }
};
#define TCPHS_VERDICT(number, name, text, meaning) { number, text },
const value_string tcphs_verdict_vals[] = {
#include "enums.def"
    { 0, NULL }
};
#define TCPHS_CLOSE(number, name, text, meaning) { number, text },
const value_string tcphs_close_vals[] = {
#include "enums.def"
    { 0, NULL }
};
#define TCPHS_CLOSED_BY(number, name, text, meaning) { number, text },
const value_string tcphs_closed_by_vals[] = {
#include "enums.def"
    { 0, NULL }
};

const char *tcphs_finding_name(unsigned finding)
{
    static const char *const names[TCPHS_FINDINGS] = {
#define TCPHS_ANOMALY(name, ...) [TCPHS_FINDS_##name] = #name,
#define TCPHS_NOTE(name, ...) [TCPHS_FINDS_##name] = #name,
#include "findings/findings.def"
    };
    return finding < TCPHS_FINDINGS ? names[finding] : NULL;
}
