/* reports.h
 * The reports: what can be asked with -z, under Statistics and in sharkd, and the tap that feeds them.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_REPORTS_H
#define TCPHS_REPORTS_H

#include "tracker/tracker.h"
#include "reports/report_table.h"

/** What the tap "tcphs" hands out for every TCP header that belongs to a connection. Lifetime: one visit. */
struct tcphs_tapped {
    struct tcphs_match match;
    bool is_first_visit; /**< to the frame; listeners hear of it when they are called, which is after it */
    const struct tcphs_outcome *outcome; /**< for ladders and flow graphs; else NULL */
    const struct tcphs_segment *segment; /**< likewise; NULL for a quote */
};

/** How reports are written; the preferences behind them. Lifetime: forever. */
struct tcphs_report_options {
    const tcphs_pref_bool *dissect_tcp;
    const char *format;  /**< "text", "tsv" or "json"; anything else is refused when a report is asked for */
    unsigned slow_setup; /**< milliseconds */
};

/** Registers the tap, the reports and their menu entries; options are read when a report is written. */
void tcphs_reports_register(int proto, const struct tcphs_report_options *options);

/** Whether anybody listens: else nothing needs to be queued. */
bool tcphs_reports_are_wanted(void);

/** What a listener asks for to get outcome and segment of each header. */
#define TCPHS_FLOW_GRAPH_FLAGS TL_REQUIRES_COLUMNS

/** Hands the headers of a frame to the listeners, while the frame is being dissected. */
void tcphs_reports_queue(packet_info *pinfo, const struct tcphs_match *matches, unsigned count);

#endif
