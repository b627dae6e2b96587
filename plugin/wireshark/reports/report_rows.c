/* report_rows.c
 * Fills the rows of the reports. Columns come from reports.def; every column has one line here.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "reports/report_rows.h"

#include <inttypes.h>

#include "display/value_strings.h"
#include "reports/resolved_names.h"
#include "reports/response_times.h"

/* The columns --------------------------------------------------------------------------------------------------- */

enum {
#define TCPHS_COLUMN(report, name, key, title, kind, meaning) COLUMN_##report##_##name,
#include "reports/reports.def"
    COLUMNS
};

static const struct tcphs_column columns[COLUMNS] = {
#define TCPHS_COLUMN(report, name, key, title, kind, meaning) { key, title, TCPHS_##kind },
#include "reports/reports.def"
};

/* The reports stand one after the other, in this order. */
enum {
    FIRST_conn = COLUMN_conn_id,
    FIRST_server = COLUMN_server_server,
    FIRST_client = COLUMN_client_client,
    FIRST_tree = COLUMN_tree_group,
    FIRST_srt = COLUMN_srt_by
};

/* Windows likewise, each by the column's place in its own report. */
enum {
#define TCPHS_GUI_COLUMN(report, name, title) GUI_##report##_##name,
#include "reports/reports.def"
    WINDOWS,
    GUI_FIRST_conn = GUI_conn_id,
    GUI_FIRST_server = GUI_server_server_address,
    GUI_FIRST_client = GUI_client_client
};

static const struct tcphs_gui_column gui_columns[WINDOWS] = {
#define TCPHS_GUI_COLUMN(report, name, title) { COLUMN_##report##_##name - FIRST_##report, title },
#include "reports/reports.def"
};

#define CONN(name) (COLUMN_conn_##name - FIRST_conn)
#define SERVER(name) (COLUMN_server_##name - FIRST_server)
#define CLIENT(name) (COLUMN_client_##name - FIRST_client)
#define TREE(name) (COLUMN_tree_##name - FIRST_tree)
#define SRT(name) (COLUMN_srt_##name - FIRST_srt)

static const char *name_of(unsigned value, const value_string *names)
{
    return try_val_to_str(value, names);
}

/* An address or endpoint: for people its name, where it has one. */
static void put_end(struct tcphs_row *row, unsigned column, const char *number, const char *name)
{
    tcphs_row_word(row, column, row->with_names && name != NULL ? name : number);
}

/* Connections --------------------------------------------------------------------------------------------------- */

static void fill_endpoint(struct tcphs_row *row, unsigned column, const struct tcphs_connection_info *c, unsigned end)
{
    const struct tcphs_tuple tuple = tcphs_tracker_tuple(c->tracked);
    char text[TCPHS_ENDPOINT_TEXT];
    char *name = row->with_names ? tcphs_resolved_endpoint(&tuple, end) : NULL;
    tcphs_connection_info_endpoint(c, end, text);
    put_end(row, column, text, name);
    g_free(name);
}

static void fill_address(struct tcphs_row *row, unsigned column, unsigned name_column,
                         const struct tcphs_connection_info *c, unsigned end)
{
    const struct tcphs_tuple tuple = tcphs_tracker_tuple(c->tracked);
    char text[TCPHS_ENDPOINT_TEXT];
    char *name = tcphs_resolved_address(&tuple, end);
    tcphs_connection_info_address(c, end, text);
    put_end(row, column, text, name);
    tcphs_row_word(row, name_column, name);
    g_free(name);
}

static void fill_ends(struct tcphs_row *row, const struct tcphs_connection_info *c)
{
    const struct tcphs_connection_record *t = tcphs_connection_info_record(c);
    const struct tcphs_tuple tuple = tcphs_tracker_tuple(c->tracked);
    const unsigned client = c->client, server = !c->client;
    fill_endpoint(row, CONN(client), c, client);
    fill_endpoint(row, CONN(server), c, server);
    tcphs_row_pair(row, CONN(packets), t->packets[client], t->packets[server]);
    tcphs_row_pair(row, CONN(bytes), t->bytes[client], t->bytes[server]);
    if (row->for_people)
        return;
    fill_address(row, CONN(client_address), CONN(client_name), c, client);
    fill_address(row, CONN(server_address), CONN(server_name), c, server);
    tcphs_row_count(row, CONN(client_port), tuple.port[client]);
    tcphs_row_count(row, CONN(server_port), tuple.port[server]);
    tcphs_row_count(row, CONN(client_packets), t->packets[client]);
    tcphs_row_count(row, CONN(server_packets), t->packets[server]);
    tcphs_row_count(row, CONN(client_bytes), t->bytes[client]);
    tcphs_row_count(row, CONN(server_bytes), t->bytes[server]);
}

static void fill_verdict(struct tcphs_row *row, const struct tcphs_connection_info *c)
{
    const struct tcphs_connection *n = &tcphs_connection_info_record(c)->connection;
    const bool judged = c->summary.verdict != TCPHS_VERDICT_NONE;
    tcphs_row_name(row, CONN(verdict), name_of(c->summary.verdict, tcphs_verdict_vals));
    tcphs_row_mark(row, CONN(failed), c->summary.failed);
    if (tcphs_setup_time(c) >= 0)
        tcphs_row_time(row, CONN(setup), tcphs_setup_time(c));
    tcphs_row_count(row, CONN(syns), n->syn_count);
    tcphs_row_count(row, CONN(synacks), n->synack_count);
    tcphs_row_pair(row, CONN(tries), n->syn_count, n->synack_count);
    tcphs_row_name(row, CONN(close), name_of(c->summary.close, tcphs_close_vals));
    tcphs_row_name(row, CONN(closed_by), judged ? name_of(c->summary.closed_by, tcphs_closed_by_vals) : NULL);
    tcphs_row_mark(row, CONN(no_data), c->summary.no_data);
    tcphs_row_mark(row, CONN(assumed), (n->facts & TCPHS_ASSUMED) != 0);
}

static void append_mss(GString *text, const struct tcphs_end *e)
{
    if (e->offered & TCPHS_OPT_MSS)
        g_string_append_printf(text, "%u", e->mss);
    else
        g_string_append_c(text, '-');
}

/* "1460/1380 ws7/7 sack ts ecn"; NULL where nothing was offered. The caller frees it. */
static GString *agreed_in_short(const struct tcphs_end *client, const struct tcphs_end *server, unsigned agreed)
{
    static const struct {
        guint8 bit;
        const char *word;
    } words[] = { { TCPHS_AGREED_SACK, " sack" },
                  { TCPHS_AGREED_TIMESTAMPS, " ts" },
                  { TCPHS_AGREED_ECN, " ecn" },
                  { TCPHS_AGREED_MPTCP, " mptcp" } };
    if (!((client->offered | server->offered) & TCPHS_OPT_MSS) && !(agreed & ~(unsigned)TCPHS_AGREED_KNOWN))
        return NULL;
    GString *text = g_string_new(NULL);
    append_mss(text, client);
    g_string_append_c(text, '/');
    append_mss(text, server);
    if (agreed & TCPHS_AGREED_WINDOW_SCALE)
        g_string_append_printf(text, " ws%u/%u", client->wscale_offered, server->wscale_offered);
    for (unsigned i = 0; i < G_N_ELEMENTS(words); i++)
        if (agreed & words[i].bit)
            g_string_append(text, words[i].word);
    return text;
}

/* What each end offered, and what both agreed on, by the last SYN and the last SYN-ACK. */
static void fill_agreed(struct tcphs_row *row, const struct tcphs_connection_info *c)
{
    static const struct {
        unsigned column;
        guint8 bit;
    } marks[] = { { CONN(agreed_window_scale), TCPHS_AGREED_WINDOW_SCALE },
                  { CONN(agreed_sack), TCPHS_AGREED_SACK },
                  { CONN(agreed_timestamps), TCPHS_AGREED_TIMESTAMPS },
                  { CONN(agreed_ecn), TCPHS_AGREED_ECN },
                  { CONN(agreed_mptcp), TCPHS_AGREED_MPTCP } };
    const struct tcphs_connection *n = &tcphs_connection_info_record(c)->connection;
    const struct tcphs_end *ends[2] = { &n->end[c->client], &n->end[!c->client] };
    GString *text = agreed_in_short(ends[0], ends[1], n->agreed);
    if (text != NULL) {
        tcphs_row_word(row, CONN(agreed), text->str);
        g_string_free(text, TRUE);
    }
    for (unsigned is_server = 0; is_server < 2 && !row->for_people; is_server++) {
        const struct tcphs_end *e = ends[is_server];
        if (e->offered & TCPHS_OPT_MSS)
            tcphs_row_count(row, is_server ? CONN(server_mss) : CONN(client_mss), e->mss);
        if (e->offered & TCPHS_OPT_WSCALE)
            tcphs_row_count(row, is_server ? CONN(server_window_scale) : CONN(client_window_scale), e->wscale_offered);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(marks) && (n->agreed & TCPHS_AGREED_KNOWN); i++)
        tcphs_row_mark(row, marks[i].column, (n->agreed & marks[i].bit) != 0);
}

static const char *history_of(const struct tcphs_zeek *z)
{
    const char *history = tcphs_zeek_history(z);
    return history[0] != '\0' ? history : "-";
}

/* Zeek may see several connections where we see one. People get the last … */
static void fill_last_zeek(struct tcphs_row *row, const struct tcphs_connection_info *c)
{
    const struct tcphs_connection_record *t = tcphs_connection_info_record(c);
    const guint32 count = t->zeek_to - t->zeek_from;
    const struct tcphs_zeek *z = tcphs_tracker_zeek(c->tracked, t->zeek_to - 1);
    GString *text = g_string_new(tcphs_zeek_state(z));
    g_string_append(g_string_append_c(text, ' '), history_of(z));
    if (count > 1)
        g_string_append_printf(text, " of %u", count);
    tcphs_row_word(row, CONN(zeek), text->str);
    g_string_free(text, TRUE);
}

/* … and programs all of them. */
static void fill_all_zeek(struct tcphs_row *row, const struct tcphs_connection_info *c)
{
    const struct tcphs_connection_record *t = tcphs_connection_info_record(c);
    GString *states = g_string_new(NULL), *histories = g_string_new(NULL);
    for (guint32 i = t->zeek_from; i < t->zeek_to; i++) {
        const struct tcphs_zeek *z = tcphs_tracker_zeek(c->tracked, i);
        const char *comma = i > t->zeek_from ? "," : "";
        g_string_append(g_string_append(states, comma), tcphs_zeek_state(z));
        g_string_append(g_string_append(histories, comma), history_of(z));
    }
    tcphs_row_word(row, CONN(zeek_state), states->str);
    tcphs_row_word(row, CONN(zeek_history), histories->str);
    g_string_free(states, TRUE);
    g_string_free(histories, TRUE);
}

static void fill_zeek(struct tcphs_row *row, const struct tcphs_connection_info *c)
{
    const struct tcphs_connection_record *t = tcphs_connection_info_record(c);
    if (t->zeek_from == t->zeek_to)
        return;
    fill_last_zeek(row, c);
    if (!row->for_people)
        fill_all_zeek(row, c);
}

static void fill_anomalies(struct tcphs_row *row, unsigned column, const struct tcphs_findings *findings)
{
    const struct tcphs_findings anomalies = tcphs_findings_both(findings, &tcphs_anomalies);
    if (!tcphs_findings_any(&anomalies))
        return;
    GString *names = g_string_new(NULL);
    for (unsigned i = tcphs_findings_next(&anomalies, 0); i != 0; i = tcphs_findings_next(&anomalies, i))
        g_string_append_printf(names, "%s%s", names->len ? "," : "", tcphs_finding_name(i));
    tcphs_row_word(row, column, names->str);
    g_string_free(names, TRUE);
}

static void fill_conn(const struct tcphs_table *table, guint index, struct tcphs_row *row)
{
    const struct tcphs_connection_info *c =
        &g_array_index((GArray *)table->context, struct tcphs_connection_info, index);
    const struct tcphs_connection_record *t = tcphs_connection_info_record(c);
    tcphs_row_count(row, CONN(id), c->tracked->handle.id);
    tcphs_row_time(row, CONN(start), t->start_time);
    tcphs_row_time(row, CONN(duration), MAX(t->connection.last_time - t->start_time, 0));
    tcphs_row_count(row, CONN(first_frame), c->tracked->handle.first_frame);
    fill_ends(row, c);
    fill_verdict(row, c);
    fill_agreed(row, c);
    fill_zeek(row, c);
    fill_anomalies(row, CONN(anomalies), &t->findings);
}

/* Servers ------------------------------------------------------------------------------------------------------- */

static struct tcphs_endpoint_statistics *statistics_at(const struct tcphs_table *table, guint index)
{
    return (struct tcphs_endpoint_statistics *)g_ptr_array_index((GPtrArray *)table->context, index);
}

static void fill_server_verdicts(struct tcphs_row *row, const struct tcphs_endpoint_statistics *a)
{
    static const struct {
        unsigned column;
        enum tcphs_verdict verdict;
    } by_verdict[] = {
        { SERVER(no_answer), TCPHS_VERDICT_NO_ANSWER },       { SERVER(refused), TCPHS_VERDICT_REFUSED },
        { SERVER(unreachable), TCPHS_VERDICT_UNREACHABLE },   { SERVER(no_final_ack), TCPHS_VERDICT_NO_FINAL_ACK },
        { SERVER(client_reset), TCPHS_VERDICT_CLIENT_RESET }, { SERVER(bad_ack), TCPHS_VERDICT_BAD_ACK },
        { SERVER(challenged), TCPHS_VERDICT_CHALLENGED },     { SERVER(server_reset), TCPHS_VERDICT_SERVER_RESET },
        { SERVER(not_accepted), TCPHS_VERDICT_NOT_ACCEPTED }, { SERVER(pending), TCPHS_VERDICT_PENDING },
        { SERVER(midstream), TCPHS_VERDICT_MIDSTREAM },       { SERVER(one_sided), TCPHS_VERDICT_ONE_SIDED },
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(by_verdict); i++)
        tcphs_row_count(row, by_verdict[i].column, a->verdicts[by_verdict[i].verdict]);
}

static void fill_reasons(struct tcphs_row *row, unsigned column, const struct tcphs_endpoint_statistics *a)
{
    GString *reasons = g_string_new(NULL);
    for (unsigned v = 0; v < TCPHS_VERDICTS; v++)
        if (tcphs_is_failure((enum tcphs_verdict)v) && a->verdicts[v] > 0)
            g_string_append_printf(reasons, "%s%s %" PRIu64, reasons->len ? "," : "", name_of(v, tcphs_verdict_vals),
                                   a->verdicts[v]);
    tcphs_row_word(row, column, reasons->len ? reasons->str : NULL);
    g_string_free(reasons, TRUE);
}

static void fill_server(const struct tcphs_table *table, guint index, struct tcphs_row *row)
{
    const struct tcphs_endpoint_statistics *a = statistics_at(table, index);
    const guint64 established = a->verdicts[TCPHS_VERDICT_ESTABLISHED], failed = tcphs_endpoint_failed(a);
    put_end(row, SERVER(server), a->name, a->resolved_name);
    put_end(row, SERVER(server_address), a->address, a->resolved_address);
    tcphs_row_word(row, SERVER(server_name), a->resolved_address);
    tcphs_row_count(row, SERVER(server_port), a->key.port);
    tcphs_row_count(row, SERVER(attempts), tcphs_endpoint_attempts(a));
    tcphs_row_count(row, SERVER(established), established);
    tcphs_row_count(row, SERVER(failed), failed);
    tcphs_row_share(row, SERVER(failure_rate), failed, established + failed);
    fill_server_verdicts(row, a);
    tcphs_row_count(row, SERVER(resets), a->resets);
    tcphs_row_count(row, SERVER(half_open_peak), a->half_open.peak);
    tcphs_row_count(row, SERVER(slow), a->slow);
    if (a->setup.count > 0) {
        tcphs_row_time(row, SERVER(setup_min), a->setup.least);
        tcphs_row_time(row, SERVER(setup_mean), a->setup.sum / (gint64)a->setup.count);
        tcphs_row_time(row, SERVER(setup_p95), tcphs_samples_quantile(&a->setup, 0.95));
        tcphs_row_time(row, SERVER(setup_max), a->setup.most);
    }
    fill_reasons(row, SERVER(reasons), a);
}

/* Clients ------------------------------------------------------------------------------------------------------- */

static void fill_scans(struct tcphs_row *row, const struct tcphs_endpoint_statistics *a)
{
    static const unsigned by_kind[TCPHS_SCANS] = { CLIENT(scan_syn), CLIENT(scan_connect), CLIENT(scan_null),
                                                   CLIENT(scan_fin), CLIENT(scan_xmas),    CLIENT(scan_ack) };
    GString *scans = g_string_new(NULL);
    for (unsigned kind = 0; kind < TCPHS_SCANS; kind++) {
        const guint64 probes = tcphs_endpoint_scan(a, (enum tcphs_scan)kind);
        tcphs_row_count(row, by_kind[kind], probes);
        if (probes > 0)
            g_string_append_printf(scans, "%s%s %" PRIu64, scans->len ? "," : "",
                                   tcphs_scan_name((enum tcphs_scan)kind), probes);
    }
    tcphs_row_word(row, CLIENT(scans), scans->len ? scans->str : NULL);
    g_string_free(scans, TRUE);
}

/* Summing sorts the attempts and changes nothing else. */
static void fill_retries(struct tcphs_row *row, struct tcphs_endpoint_statistics *a)
{
    const struct tcphs_retries retries = tcphs_attempts_sum(&a->tries);
    tcphs_row_count(row, CLIENT(retried), retries.on_other_ports);
    if (retries.longest_wait >= 0)
        tcphs_row_time(row, CLIENT(longest_wait), retries.longest_wait);
}

static void fill_client(const struct tcphs_table *table, guint index, struct tcphs_row *row)
{
    struct tcphs_endpoint_statistics *a = statistics_at(table, index);
    const guint64 established = a->verdicts[TCPHS_VERDICT_ESTABLISHED], failed = tcphs_endpoint_failed(a);
    put_end(row, CLIENT(client), a->name, a->resolved_name);
    tcphs_row_word(row, CLIENT(client_name), a->resolved_address);
    tcphs_row_count(row, CLIENT(attempts), tcphs_endpoint_attempts(a));
    tcphs_row_count(row, CLIENT(established), established);
    tcphs_row_count(row, CLIENT(failed), failed);
    tcphs_row_share(row, CLIENT(failure_rate), failed, established + failed);
    tcphs_row_count(row, CLIENT(servers), a->servers.count);
    tcphs_row_count(row, CLIENT(ports), a->ports.count);
    tcphs_row_count(row, CLIENT(targets), a->targets.count);
    tcphs_row_count(row, CLIENT(resets), a->resets);
    tcphs_row_count(row, CLIENT(half_open_peak), a->half_open.peak);
    fill_retries(row, a);
    fill_scans(row, a);
}

/* The tree ------------------------------------------------------------------------------------------------------ */

/* Neither established nor failed. */
static bool is_unjudged(unsigned verdict)
{
    return verdict >= TCPHS_VERDICT_MIDSTREAM && !tcphs_is_failure((enum tcphs_verdict)verdict);
}

void tcphs_tally_each(const struct tcphs_tally *tally, tcphs_put_count put, void *data)
{
    guint64 unjudged = 0;
    for (unsigned v = TCPHS_VERDICT_MIDSTREAM; v < TCPHS_VERDICTS; v++)
        unjudged += is_unjudged(v) ? tally->verdicts[v] : 0;
    put(data, TCPHS_TREE_OPENING, "established", tally->verdicts[TCPHS_VERDICT_ESTABLISHED]);
    put(data, TCPHS_TREE_OPENING, "failed", tally->failed);
    put(data, TCPHS_TREE_OPENING, "not judged", unjudged);
    for (unsigned v = 0; v < TCPHS_VERDICTS; v++)
        if (tcphs_is_failure((enum tcphs_verdict)v))
            put(data, TCPHS_TREE_FAILED, name_of(v, tcphs_verdict_vals), tally->verdicts[v]);
    for (unsigned v = TCPHS_VERDICT_MIDSTREAM; v < TCPHS_VERDICTS; v++)
        if (is_unjudged(v))
            put(data, TCPHS_TREE_UNJUDGED, name_of(v, tcphs_verdict_vals), tally->verdicts[v]);
    for (unsigned close = TCPHS_CLOSE_OPEN; close < TCPHS_CLOSES; close++)
        put(data, TCPHS_TREE_CLOSE, name_of(close, tcphs_close_vals), tally->closes[close]);
    for (unsigned by = 0; by < TCPHS_CLOSED_BYS; by++)
        put(data, TCPHS_TREE_CLOSED_BY, name_of(by, tcphs_closed_by_vals), tally->closed_by[by]);
    for (unsigned i = tcphs_findings_next(&tcphs_anomalies, 0); i != 0; i = tcphs_findings_next(&tcphs_anomalies, i))
        if (tally->findings[i] > 0)
            put(data, TCPHS_TREE_ANOMALY, tcphs_finding_name(i), tally->findings[i]);
}

static void fill_tree(const struct tcphs_table *table, guint index, struct tcphs_row *row)
{
    const struct tcphs_tree_rows *tree = (const struct tcphs_tree_rows *)table->context;
    const struct tcphs_tree_row *line = &g_array_index(tree->rows, struct tcphs_tree_row, index);
    tcphs_row_word(row, TREE(group), line->group);
    tcphs_row_word(row, TREE(item), line->item);
    tcphs_row_count(row, TREE(count), line->count);
    tcphs_row_share(row, TREE(share), line->count, tree->connections);
    if (line->times.count > 0) {
        tcphs_row_time(row, TREE(min), line->times.least);
        tcphs_row_time(row, TREE(mean), line->times.sum / (gint64)line->times.count);
        tcphs_row_time(row, TREE(max), line->times.most);
    }
}

void tcphs_tally_setup_rows(const struct tcphs_tally *tally, GArray *rows)
{
    for (unsigned i = 0; i < TCPHS_SETUP_RANGES; i++) {
        const struct tcphs_times *times = &tally->setup_in[i];
        const struct tcphs_tree_row row = { TCPHS_TREE_SETUP, tcphs_setup_ranges[i], times->count, *times };
        g_array_append_val(rows, row);
    }
    const struct tcphs_tree_row all = { TCPHS_TREE_SETUP, "all", tally->setup.count, tally->setup };
    g_array_append_val(rows, all);
}

/* Setup times --------------------------------------------------------------------------------------------------- */

static void fill_srt(const struct tcphs_table *table, guint index, struct tcphs_row *row)
{
    const struct tcphs_response_time *line =
        (const struct tcphs_response_time *)g_ptr_array_index((GPtrArray *)table->context, index);
    tcphs_row_word(row, SRT(by), line->by);
    tcphs_row_word(row, SRT(item), line->item);
    tcphs_row_count(row, SRT(count), line->times.count);
    tcphs_row_time(row, SRT(min), line->times.least);
    tcphs_row_time(row, SRT(mean), line->times.sum / (gint64)line->times.count);
    tcphs_row_time(row, SRT(p95), tcphs_samples_quantile(&line->times, 0.95));
    tcphs_row_time(row, SRT(max), line->times.most);
}

/* The columns of a report, up to those of the next one. */
#define COLUMNS_OF(report, next)                                                                                       \
    .name = #report, .columns = columns + FIRST_##report, .column_count = (next)-FIRST_##report
#define GUI_COLUMNS_OF(report, next)                                                                                   \
    .gui_columns = gui_columns + GUI_FIRST_##report, .gui_column_count = (next)-GUI_FIRST_##report

const struct tcphs_table tcphs_conn_table = { COLUMNS_OF(conn, FIRST_server), GUI_COLUMNS_OF(conn, GUI_FIRST_server),
                                              .fill = fill_conn };
const struct tcphs_table tcphs_server_table = { COLUMNS_OF(server, FIRST_client),
                                                GUI_COLUMNS_OF(server, GUI_FIRST_client), .fill = fill_server };
const struct tcphs_table tcphs_client_table = { COLUMNS_OF(client, FIRST_tree), GUI_COLUMNS_OF(client, WINDOWS),
                                                .fill = fill_client };
const struct tcphs_table tcphs_tree_table = { COLUMNS_OF(tree, FIRST_srt), .fill = fill_tree };
const struct tcphs_table tcphs_srt_table = { COLUMNS_OF(srt, COLUMNS), .fill = fill_srt };
