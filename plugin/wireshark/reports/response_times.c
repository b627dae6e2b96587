/* response_times.c
 * The host makes a filter of a row: the table's filter, "==" and the row's index. So a row's index is the port or the
 * number of the verdict that its packets have.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "reports/response_times.h"

#include <epan/srt_table.h>

#include "display/value_strings.h"
#include "reports/reports.h"

enum { BY_PORT, BY_VERDICT, TABLES };

gint64 tcphs_time_to_verdict(const struct tcphs_connection_info *c)
{
    const struct tcphs_connection_record *record = tcphs_connection_info_record(c);
    const struct tcphs_connection *n = &record->connection;
    if (n->syn_count == 0 || c->summary.verdict == TCPHS_VERDICT_NONE)
        return -1;
    gint64 over = record->opening_over;
    if (over < 0)
        over = n->synack_count > 0 ? MAX(n->last_syn_time, n->last_synack_time) : n->last_syn_time;
    return MAX(over - n->first_syn_time, 0);
}

/* Lines ---------------------------------------------------------------------------------------------------------- */

static void free_line(gpointer data)
{
    struct tcphs_response_time *line = (struct tcphs_response_time *)data;
    tcphs_samples_clear(&line->times);
    g_free(line->item);
    g_free(line);
}

static gint by_table_and_index(gconstpointer a, gconstpointer b)
{
    const struct tcphs_response_time *x = *(const struct tcphs_response_time *const *)a,
                                     *y = *(const struct tcphs_response_time *const *)b;
    if (x->by != y->by)
        return strcmp(x->by, y->by);
    return x->index < y->index ? -1 : x->index > y->index;
}

static void add_to_line(GPtrArray *lines, GHashTable *found, unsigned table, guint index, gint64 time)
{
    static const char *const titles[TABLES] = { TCPHS_BY_PORT, TCPHS_BY_VERDICT };
    gpointer key = GUINT_TO_POINTER(table << 16 | index);
    struct tcphs_response_time *line = (struct tcphs_response_time *)g_hash_table_lookup(found, key);
    if (line == NULL) {
        line = g_new0(struct tcphs_response_time, 1);
        line->by = titles[table];
        line->index = index;
        line->item = table == BY_PORT ? g_strdup_printf("%u", index)
                                      : g_strdup(val_to_str_const(index, tcphs_verdict_vals, "none"));
        g_hash_table_insert(found, key, line);
        g_ptr_array_add(lines, line);
    }
    tcphs_samples_add(&line->times, time);
}

GPtrArray *tcphs_response_times_of(const GArray *connections)
{
    GPtrArray *lines = g_ptr_array_new_with_free_func(free_line);
    GHashTable *found = g_hash_table_new(g_direct_hash, g_direct_equal);
    for (guint i = 0; i < connections->len; i++) {
        const struct tcphs_connection_info *c = &g_array_index(connections, struct tcphs_connection_info, i);
        const gint64 time = tcphs_time_to_verdict(c);
        const gint64 setup = tcphs_setup_time(c);
        if (setup >= 0)
            add_to_line(lines, found, BY_PORT, tcphs_tracker_tuple(c->tracked).port[!c->client], setup);
        if (time >= 0)
            add_to_line(lines, found, BY_VERDICT, c->summary.verdict, time);
    }
    g_hash_table_destroy(found);
    g_ptr_array_sort(lines, by_table_and_index);
    return lines;
}

/* The host's tables ----------------------------------------------------------------------------------------------- */

static void init_tables(struct register_srt *srt, GArray *tables)
{
    (void)srt;
    init_srt_table("TCP Handshake: " TCPHS_BY_PORT, "Server port", tables, 0, "Server port",
                   "tcphs.time.setup && tcp.port", NULL);
    srt_stat_table *by_verdict = init_srt_table("TCP Handshake: " TCPHS_BY_VERDICT, "Verdict", tables, TCPHS_VERDICTS,
                                                "Verdict", "tcphs.conn.verdict", NULL);
    for (int verdict = 0; verdict < TCPHS_VERDICTS; verdict++)
        init_srt_table_row(by_verdict, verdict, val_to_str_const((guint32)verdict, tcphs_verdict_vals, "none"));
}

/* The host takes times as a packet and the one it answers: this packet, and one so much earlier. */
static void add_time(srt_stat_table *table, int row, gint64 nanoseconds, packet_info *pinfo)
{
    const nstime_t span = { (time_t)(nanoseconds / 1000000000), (int)(nanoseconds % 1000000000) };
    nstime_t begin;
    nstime_delta(&begin, &pinfo->abs_ts, &span);
    add_srt_table_data(table, row, &begin, pinfo);
}

static void add_setup(srt_stat_table *table, guint16 port, gint64 setup, packet_info *pinfo)
{
    if (port >= table->num_procs || table->procedures[port].procedure == NULL) {
        char name[8];
        g_snprintf(name, sizeof name, "%5u", port); /* sorts as a number */
        init_srt_table_row(table, port, name);
    }
    add_time(table, port, setup, pinfo);
}

/* A setup time stands on the segment that completes the handshake, so rows lead there; the verdict on all of them, so
 * the first segment counts for its connection. */
static tap_packet_status take_header(void *data, packet_info *pinfo, epan_dissect_t *edt, const void *tapped,
                                     tap_flags_t flags)
{
    GArray *tables = ((srt_data_t *)data)->srt_array;
    const struct tcphs_tapped *t = (const struct tcphs_tapped *)tapped;
    (void)edt;
    (void)flags;
    if (t->match.copy || t->match.icmp)
        return TAP_PACKET_DONT_REDRAW;
    struct tcphs_tracked *tracked = t->match.tracked;
    const bool completes = pinfo->num == tcphs_connection_record_read(tracked)->connection.established_frame;
    const bool begins = pinfo->num == tracked->handle.first_frame;
    if (completes || begins) {
        struct tcphs_connection_info c;
        tcphs_connection_info_of(tracked, &c);
        const gint64 setup = tcphs_setup_time(&c), time = tcphs_time_to_verdict(&c);
        if (completes && setup >= 0)
            add_setup(g_array_index(tables, srt_stat_table *, BY_PORT), tcphs_tracker_tuple(tracked).port[!c.client],
                      setup, pinfo);
        if (begins && time >= 0)
            add_time(g_array_index(tables, srt_stat_table *, BY_VERDICT), c.summary.verdict, time, pinfo);
    }
    return TAP_PACKET_REDRAW;
}

void tcphs_response_times_register(int proto_tcphs)
{
    register_srt_table(proto_tcphs, "tcphs", TABLES, take_header, init_tables, NULL);
}
