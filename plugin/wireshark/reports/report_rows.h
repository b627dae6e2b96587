/* report_rows.h
 * The tables behind the reports: their columns, and how a row is filled from a connection or the statistics of an
 * endpoint.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_REPORT_ROWS_H
#define TCPHS_REPORT_ROWS_H

#include "reports/endpoint_statistics.h"
#include "reports/report_table.h"

/** A table whose context is a GArray of struct tcphs_connection_info. */
extern const struct tcphs_table tcphs_conn_table;

/** Tables whose context is a GPtrArray of struct tcphs_endpoint_statistics. */
extern const struct tcphs_table tcphs_server_table, tcphs_client_table;

/** The groups of the tree. */
#define TCPHS_TREE_OPENING "Opening"
#define TCPHS_TREE_FAILED "Failed because"
#define TCPHS_TREE_UNJUDGED "Not judged because"
#define TCPHS_TREE_CLOSE "Close"
#define TCPHS_TREE_CLOSED_BY "Closed by"
#define TCPHS_TREE_ANOMALY "Anomalies"
#define TCPHS_TREE_SETUP "Setup time (us)"

/** One line of the tree. Lifetime: one call. */
struct tcphs_tree_row {
    const char *group, *item;
    guint64 count;
    struct tcphs_times times; /**< of setup times; else none */
};

/** The counts of a tally: calls put for each line, in the order in which they are shown. */
typedef void (*tcphs_put_count)(void *data, const char *group, const char *item, guint64 count);
void tcphs_tally_each(const struct tcphs_tally *tally, tcphs_put_count put, void *data);

/** Likewise the distribution of setup times; into rows of struct tcphs_tree_row, empty ranges too. */
void tcphs_tally_setup_rows(const struct tcphs_tally *tally, GArray *rows);

/** A table whose context is a struct tcphs_tree_rows. */
extern const struct tcphs_table tcphs_tree_table;

/** All lines of the tree. Lifetime: one call. */
struct tcphs_tree_rows {
    GArray *rows; /**< of struct tcphs_tree_row */
    guint64 connections;
};

/** A table whose context is a GPtrArray of struct tcphs_response_time (response_times.h). */
extern const struct tcphs_table tcphs_srt_table;

#endif
