/* tables.h
 * The .def tables the plugin is built from, as plain data for the programs that describe it to people and machines.
 * Knows nothing of Wireshark, so that a description can be made where none is installed.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_DOC_TABLES_H
#define TCPHS_DOC_TABLES_H

#include <stddef.h>

struct tcphs_doc_field {
    const char *name, *title, *type, *meaning;
    const char *words; /**< name of the enumeration of its values; NULL = none */
};

struct tcphs_doc_value {
    const char *words, *text, *meaning; /**< words: name of the enumeration it belongs to */
    unsigned number;
};

struct tcphs_doc_finding {
    const char *name, *family, *severity, *group, *summary, *source;
};

/** The families of anomalies in the order in which people read of them. */
struct tcphs_doc_family {
    const char *name, *title;
};

struct tcphs_doc_report {
    const char *name, *title, *meaning;
};

struct tcphs_doc_column {
    const char *report, *key, *title, *kind, *meaning; /**< key and title: NULL where there is none */
};

struct tcphs_doc_preference {
    const char *kind, *name, *title, *fallback, *choices, *meaning; /**< choices: NULL = any value of the kind */
};

/** Each ends with a row whose first member is NULL. */
extern const struct tcphs_doc_field tcphs_doc_fields[];
extern const struct tcphs_doc_value tcphs_doc_values[];
extern const struct tcphs_doc_finding tcphs_doc_anomalies[], tcphs_doc_notes[];
extern const struct tcphs_doc_family tcphs_doc_families[];
extern const struct tcphs_doc_report tcphs_doc_reports[];
extern const struct tcphs_doc_column tcphs_doc_columns[];
extern const struct tcphs_doc_preference tcphs_doc_preferences[];

/** Whether a field may still change during a first pass. */
int tcphs_doc_is_of_connection(const char *field);

/** The description as one JSON object, or as the page tcphs(7) with the recipes of a Markdown file, on stdout. */
void tcphs_doc_write_json(void);
void tcphs_doc_write_man(const char *date, const char *recipes);

/** The Markdown page at this path, its tables written anew between their markers, on stdout. An unknown or unfinished
 * table, and a row that no table would show, end the program with an error. */
void tcphs_doc_write_page(const char *path);

#endif
