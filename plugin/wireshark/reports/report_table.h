/* report_table.h
 * A report as a table: columns declared once, rows filled on demand, written as aligned text, tab-separated values or
 * JSON lines, or handed to the host's own tables. Knows nothing of TCP.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_REPORT_TABLE_H
#define TCPHS_REPORT_TABLE_H

#include "compat.h"

#include <epan/stat_tap_ui.h>

/** What a column holds, which says how it is written. */
enum tcphs_column_kind {
    TCPHS_COUNT,        /**< at most 2^32 - 1 where a window shows it, and in every row */
    TCPHS_BYTES,        /**< a count that may be larger */
    TCPHS_SECONDS,      /**< nanoseconds, written as seconds */
    TCPHS_MILLISECONDS, /**< nanoseconds, written as milliseconds for people, as seconds for programs */
    TCPHS_MOMENT,       /**< nanoseconds since 1970; for people as seconds since the capture began; in every row */
    TCPHS_SHARE,        /**< 0 to 1; for people as percent */
    TCPHS_WORD,
    TCPHS_LIST, /**< words with commas between them */
    TCPHS_MARK, /**< true or false */
};

/** A column of a report. Lifetime: forever. */
struct tcphs_column {
    const char *key;   /**< for programs: the name of the field where there is one; NULL = for people only */
    const char *title; /**< for people; NULL = for programs only */
    enum tcphs_column_kind kind;
};

/** A value in a row. Lifetime: that of its row. */
struct tcphs_cell {
    bool present; /**< false = there is no such value here */
    union {
        guint64 count;
        gint64 nanoseconds;
        double share;
        bool mark;
        const char *word;
    } as;
};

#define TCPHS_MOST_COLUMNS 48

/** A row while it is written. Lifetime: one call; its words until the next row. */
struct tcphs_row {
    struct tcphs_cell cells[TCPHS_MOST_COLUMNS];
    GStringChunk *words; /**< the strings that the cells point to, valid until the next row */
    bool for_people;     /**< columns without a title will not be looked at */
    bool with_names;     /**< names instead of addresses and ports, where the host resolves them */
};

/** Setters of one cell; absent values are left out. */
void tcphs_row_count(struct tcphs_row *row, unsigned column, guint64 value);
void tcphs_row_time(struct tcphs_row *row, unsigned column, gint64 nanoseconds);
void tcphs_row_share(struct tcphs_row *row, unsigned column, guint64 part,
                     guint64 whole); /**< absent when whole is 0 */
void tcphs_row_mark(struct tcphs_row *row, unsigned column, bool value);
void tcphs_row_word(struct tcphs_row *row, unsigned column, const char *word); /**< copied; absent when NULL */
void tcphs_row_name(struct tcphs_row *row, unsigned column, const char *name); /**< likewise of a lasting text */

void tcphs_row_pair(struct tcphs_row *row, unsigned column, guint64 first, guint64 second); /**< "first/second" */

/** A column of a table as the host's windows show it: in an order and under a title of its own. Lifetime: forever. */
struct tcphs_gui_column {
    unsigned column; /**< which one of the table */
    const char *title;
};

/** A table that can be written. Lifetime: forever, or one call where it is a copy with rows. */
struct tcphs_table {
    const char *name; /**< the report's: JSON lines begin with it */
    const struct tcphs_column *columns;
    unsigned column_count;
    const struct tcphs_gui_column *gui_columns; /**< NULL = no window shows it */
    unsigned gui_column_count;
    guint row_count;
    void (*fill)(const struct tcphs_table *table, guint index, struct tcphs_row *row); /**< cells come all absent */
    void *context;                                                                     /**< for fill */
};

enum tcphs_format { TCPHS_TEXT, TCPHS_TSV, TCPHS_JSON };

/** Widths of text columns are those of their widest cell; what does not fit into 120 columns goes on a second line. */
void tcphs_table_write(const struct tcphs_table *table, enum tcphs_format format, gint64 start, FILE *out);

/** A line that sums up: pairs of a key and a count. In text only those that are not zero, after the label. Lifetime:
 * one call. */
struct tcphs_totals {
    const char *name; /**< the report's: a JSON line begins with it */
    const char *label;
    const struct tcphs_total {
        const char *key;
        guint64 count;
    } * totals;
    unsigned count;
};
void tcphs_totals_write(const struct tcphs_totals *totals, enum tcphs_format format, FILE *out);

/** Puts the row at an index of a table of the host, a new one or one that is there. */
void tcphs_table_show(const struct tcphs_table *table, guint index, gint64 start, stat_tap_table *shown);

/** The host's description of the columns that windows show, to be kept for ever; count is set to their number. */
stat_tap_table_item *tcphs_table_items(const struct tcphs_table *table, size_t *count);

/** Drops all rows of a table of the host. */
void tcphs_table_clear(stat_tap_table *shown);

#endif
