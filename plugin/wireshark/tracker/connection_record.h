/* connection_record.h
 * The records kept of each connection, in our sense and in Zeek's, hot or cold (record_cache.h). Leaves to others which
 * connection a segment belongs to (flow_table.h), and what is made of it (tracker.h).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_CONNECTION_RECORD_H
#define TCPHS_CONNECTION_RECORD_H

#include "tcp/connection.h"
#include "history.h"
#include "tracker/record_cache.h"
#include "zeek/zeek.h"

struct tcphs_flow;

/** A connection as tcphs tells connections apart: its identity. Lifetime: file. */
struct tcphs_tracked {
    struct tcphs_record_handle handle;
    const struct tcphs_flow *flow;
};

/** A connection as Zeek tells them apart. Lifetime: file. */
struct tcphs_zeek_tracked {
    struct tcphs_record_handle handle;
};

/** What is known of a connection. Pointers to it are good for a time only, see record_cache.h. Lifetime: file. */
struct tcphs_connection_record {
    struct tcphs_connection connection;
    struct tcphs_history history;
    gint64 start_time;
    gint64 setup;        /**< first SYN to established; -1 unknown */
    gint64 opening_over; /**< when it was established or failed, ICMP included; -1 never */
    guint64 bytes[2];    /**< payload sent by either end of the tuple, what was sent twice counted twice … */
    guint32 packets[2];  /**< … and segments; capture copies not counted */
    struct tcphs_findings findings; /**< all that was found in its segments */
    guint32 zeek_from, zeek_to;     /**< which connections in Zeek's sense it is, see tcphs_tracker_zeek */
    guint16 first_flags;            /**< of its first segment … */
    guint8 first_from;              /**< … and who sent that */
};

/** Empty caches, for a file that is opened. */
void tcphs_connection_records_begin(void);

/** The capture's clock, by which records grow cold; again: the frame was seen before, so that few are kept hot. */
void tcphs_connection_records_tick(gint64 now, bool again);

/** A new record, all zero. */
struct tcphs_connection_record *tcphs_connection_record_add(struct tcphs_tracked *t);
struct tcphs_zeek *tcphs_zeek_record_add(struct tcphs_zeek_tracked *z);

/** The record, to be changed; the pointer is good until 100 more were asked for. */
struct tcphs_connection_record *tcphs_connection_record_modify(struct tcphs_tracked *t);
struct tcphs_zeek *tcphs_zeek_record_modify(struct tcphs_zeek_tracked *z);

/** The record, to be read. A cold one becomes hot, which its handle says; what the record says stays the same. */
const struct tcphs_connection_record *tcphs_connection_record_read(struct tcphs_tracked *t);
const struct tcphs_zeek *tcphs_zeek_record_read(struct tcphs_zeek_tracked *z);

/** Memory for what a record holds beside itself. */
void *tcphs_connection_records_grow(void *old, size_t old_size, size_t size);

#endif
