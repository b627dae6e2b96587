/* endpoint_statistics.h
 * What reports say of connections: one connection summed up, and sums over all of a server, a client, or a capture.
 * Fed connection by connection in any order; how they are chosen and written is left to reports.c.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_ENDPOINT_STATISTICS_H
#define TCPHS_ENDPOINT_STATISTICS_H

#include "reports/attempts.h"
#include "reports/quantiles.h"
#include "tracker/half_open.h"
#include "tracker/tracker.h"

/** One connection as reports see it: summed up once, and handed on to all that is made of it. Lifetime: one call, which
 * may be the one that writes a report; in a window that of the table. */
struct tcphs_connection_info {
    struct tcphs_tracked *tracked;
    gint64 start_time;
    struct tcphs_summary summary;
    guint8 client; /**< the end that asked, or that was heard first where no connection was asked for */
};

/** Sums up a connection with all of the capture behind us. */
void tcphs_connection_info_of(struct tcphs_tracked *t, struct tcphs_connection_info *out);

/** The rest of what is known of it; the pointer is good until 100 more were asked for. */
static inline const struct tcphs_connection_record *tcphs_connection_info_record(const struct tcphs_connection_info *c)
{
    return tcphs_connection_record_read(c->tracked);
}

/** Its setup time; -1 where that is not known, or the server has not taken the ACK that seemed to end it. */
static inline gint64 tcphs_setup_time(const struct tcphs_connection_info *c)
{
    return c->summary.verdict == TCPHS_VERDICT_NOT_ACCEPTED ? -1 : tcphs_connection_info_record(c)->setup;
}

/** Room for an endpoint as text. */
#define TCPHS_ENDPOINT_TEXT (WS_INET6_ADDRSTRLEN + sizeof "[]:65535")

/** Writes "address:port" of an end, "[address]:port" for IPv6, into TCPHS_ENDPOINT_TEXT bytes. */
void tcphs_connection_info_endpoint(const struct tcphs_connection_info *c, unsigned end, char *text);

/** Writes its address alone, into as many. */
void tcphs_connection_info_address(const struct tcphs_connection_info *c, unsigned end, char *text);

/** Kinds of scan, by what was sent to find out whether a port is open. */
enum tcphs_scan {
    TCPHS_SCAN_SYN,     /**< SYN only: the SYN-ACK is answered by RST, or there is none */
    TCPHS_SCAN_CONNECT, /**< a whole handshake, and nothing after it */
    TCPHS_SCAN_NULL,
    TCPHS_SCAN_FIN,
    TCPHS_SCAN_XMAS,
    TCPHS_SCAN_ACK, /**< an ACK of no connection */
    TCPHS_SCANS
};

/** From so many distinct targets on, attempts that came to nothing are called a scan; fewer can be a service that is
 * down. */
#define TCPHS_SCAN_TARGETS 10

/** A small set of numbers. Lifetime: that of the statistics it is part of. */
struct tcphs_set {
    guint count;
    gsize only;
    GHashTable *all;
};

/** Sums over the connections of one address and port, or of one address. Lifetime: that of its endpoints. */
struct tcphs_endpoint_statistics {
    struct tcphs_endpoint_key {
        guint8 address[16];
        guint16 type, port;
    } key;
    guint index;          /**< in order of first mention */
    char *address, *name; /**< name: with the port, of a server */
    char *resolved_address, *resolved_name; /**< the same with names, where the host resolves them; NULL otherwise */
    guint64 verdicts[TCPHS_VERDICTS];
    guint64 resets; /**< connections that a RST ended, after they were established */
    guint64 slow;
    struct tcphs_samples setup;
    struct tcphs_overlap half_open;
    /* of a client only */
    struct tcphs_set servers, ports, targets, probed;
    guint64 probes[TCPHS_SCANS];
    struct tcphs_attempts tries;
    guint64 failed_probes; /**< attempts that a SYN scan and a connect scan share: refused or not answered */
};

/** All servers or clients of a report. Lifetime: one call, that writes a report; in a window until the host clears the
 * table. */
struct tcphs_endpoints {
    GHashTable *by_key;
    GPtrArray *all;
    GHashTable *keys; /**< that sets speak of */
};

/** No endpoints yet. */
struct tcphs_endpoints *tcphs_endpoints_new(void);

/** Frees them with all they hold; NULL is no endpoints. */
void tcphs_endpoints_free(struct tcphs_endpoints *a);

/** Enters a connection with its server; NULL where there was none to connect to. slow: setup times longer than this. */
struct tcphs_endpoint_statistics *tcphs_endpoints_add_server(struct tcphs_endpoints *a,
                                                             const struct tcphs_connection_info *c, gint64 slow);

/** Enters a connection, or a probe, with its client. */
struct tcphs_endpoint_statistics *tcphs_endpoints_add_client(struct tcphs_endpoints *a,
                                                             const struct tcphs_connection_info *c);

/** Sums of an endpoint. */
guint64 tcphs_endpoint_failed(const struct tcphs_endpoint_statistics *a);
guint64 tcphs_endpoint_attempts(const struct tcphs_endpoint_statistics *a); /**< established, failed, pending */
guint64 tcphs_endpoint_scan(const struct tcphs_endpoint_statistics *a, enum tcphs_scan kind);

/** Word for a kind of scan. */
const char *tcphs_scan_name(enum tcphs_scan kind);

/** Ranges of setup times, in steps of 1, 2, 5 from 100 microseconds to 5 seconds. */
#define TCPHS_SETUP_RANGES 16

/** "0-99" to "5000000-", in microseconds. */
extern const char *const tcphs_setup_ranges[TCPHS_SETUP_RANGES];

/** Times of which sums are enough; zeroed memory is none. Lifetime: that of what it is part of. */
struct tcphs_times {
    guint64 count;
    gint64 least, most, sum;
};

/** Sums over all connections. Lifetime: one call. */
struct tcphs_tally {
    guint64 connections, failed, probes;
    guint64 verdicts[TCPHS_VERDICTS], closes[TCPHS_CLOSES], closed_by[TCPHS_CLOSED_BYS];
    guint64 findings[TCPHS_FINDINGS]; /**< connections in which it was found at least once */
    guint64 gaps, assumed;
    struct tcphs_times setup, setup_in[TCPHS_SETUP_RANGES]; /**< of all, and of those in each range */
};

/** Counts a connection. */
void tcphs_tally_add(struct tcphs_tally *tally, const struct tcphs_connection_info *c);

#endif
