/* tables.c
 * The rows of the .def files as arrays of texts: each file is included here as the plugin itself includes it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tables.h"

#include <string.h>

/* What the rows of fields.def name of the host: only the enumeration is of interest. */
#define VALS(words) #words
#define FRAMENUM_TYPE(type) NULL

const struct tcphs_doc_field tcphs_doc_fields[] = {
#define TCPHS_FIELD(cname, name, title, type, display, words, meaning) { name, title, #type, meaning, words },
#include "../wireshark/display/fields.def"
    { 0 }
};

#define ROW(words, number, text, meaning) { "tcphs_" #words "_vals", text, meaning, number },
#define TCPHS_STAGE(number, name, text, meaning) ROW(stage, number, text, meaning)
#define TCPHS_STATE(number, name, text, meaning) ROW(state, number, text, meaning)
#define TCPHS_ROLE(number, name, text, meaning) ROW(role, number, text, meaning)
#define TCPHS_RST_KIND(number, name, text, meaning) ROW(rst_kind, number, text, meaning)
#define TCPHS_EVENT(number, name, text, meaning) ROW(event, number, text, meaning)
#define TCPHS_VERDICT(number, name, text, meaning) ROW(verdict, number, text, meaning)
#define TCPHS_CLOSE(number, name, text, meaning) ROW(close, number, text, meaning)
#define TCPHS_CLOSED_BY(number, name, text, meaning) ROW(closed_by, number, text, meaning)
const struct tcphs_doc_value tcphs_doc_values[] = {
#include "../core/enums.def"
    { 0 }
};

const struct tcphs_doc_finding tcphs_doc_anomalies[] = {
#define TCPHS_ANOMALY(name, family, severity, group, summary, numbers, explanation, source, ...)                       \
    { #name, #family, #severity, #group, summary, source },
#include "../core/findings/findings.def"
    { 0 }
};

const struct tcphs_doc_family tcphs_doc_families[] = {
    { "FLAGS", "Header and flags" },
    { "HANDSHAKE", "Handshake" },
    { "OPTIONS", "Options of the handshake" },
    { "LIVE", "Established" },
    { "RESET", "RST" },
    { "FIN", "FIN and close" },
    { 0 },
};

/* The last ones say how much is known or kept, not what was found. */
const struct tcphs_doc_finding tcphs_doc_notes[] = {
#define TCPHS_NOTE(name, family, severity, group, summary, numbers, explanation, source, ...)                          \
    { #name, #family, #severity, #group, summary, source },
#define TCPHS_REMARK(name, group, summary) { #name, "NOTE", "NOTE", #group, summary, "heuristic" },
#include "../core/findings/findings.def"
    { 0 }
};

const struct tcphs_doc_report tcphs_doc_reports[] = {
#define TCPHS_REPORT(name, NAME, title, table, meaning) { #name, title, meaning },
#include "../wireshark/reports/reports.def"
    { 0 }
};

const struct tcphs_doc_column tcphs_doc_columns[] = {
#define TCPHS_COLUMN(report, name, key, title, kind, meaning) { #report, key, title, #kind, meaning },
#include "../wireshark/reports/reports.def"
    { 0 }
};

const struct tcphs_doc_preference tcphs_doc_preferences[] = {
#define TCPHS_PREFERENCE(kind, name, NAME, title, fallback, choices, meaning)                                          \
    { #kind, #name, title, fallback, choices, meaning },
#include "../wireshark/preferences.def"
    { 0 }
};

int tcphs_doc_is_of_connection(const char *field)
{
    return strncmp(field, "tcphs.conn.", strlen("tcphs.conn.")) == 0;
}
