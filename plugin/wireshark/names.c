/* names.c
 * Value strings, generated from the tables of the core.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "names.h"

#include "findings.h"

#define TCPHS_STAGE(number, name, text, meaning) { number, text },
const value_string tcphs_stage_names[] = {
#include "words.def"
    { 0, NULL }
};
#define TCPHS_STATE(number, name, text, meaning) { number, text },
const value_string tcphs_state_names[] = {
#include "words.def"
    { 0, NULL }
};
#define TCPHS_ROLE(number, name, text, meaning) { number, text },
const value_string tcphs_role_names[] = {
#include "words.def"
    { 0, NULL }
};
#define TCPHS_RST_KIND(number, name, text, meaning) { number, text },
const value_string tcphs_rst_kind_names[] = {
#include "words.def"
    { 0, NULL }
};
#define TCPHS_EVENT(number, name, text, meaning) { number, text },
const value_string tcphs_event_names[] = {
#include "words.def"
    { 0, NULL }
};
#define TCPHS_VERDICT(number, name, text, meaning) { number, text },
const value_string tcphs_verdict_names[] = {
#include "words.def"
    { 0, NULL }
};
#define TCPHS_CLOSE(number, name, text, meaning) { number, text },
const value_string tcphs_close_names[] = {
#include "words.def"
    { 0, NULL }
};
#define TCPHS_CLOSED_BY(number, name, text, meaning) { number, text },
const value_string tcphs_closed_by_names[] = {
#include "words.def"
    { 0, NULL }
};

const char *tcphs_finding_name(unsigned finding)
{
    static const char *const names[TCPHS_FINDINGS] = {
#define TCPHS_ANOMALY(name, ...) [TCPHS_FINDS_##name] = #name,
#define TCPHS_NOTE(name, ...) [TCPHS_FINDS_##name] = #name,
#include "findings.def"
    };
    return finding < TCPHS_FINDINGS ? names[finding] : NULL;
}
