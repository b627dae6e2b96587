/* reports.c
 * Who asks for a report, which connections it is about, and where it goes: to standard output in tshark, into the
 * host's tables and trees in Wireshark and sharkd. What stands in it comes from report_rows.c and ladder.c.
 *
 * A listener only remembers which connections its filter let through. Their values are read from the tracker when the
 * report is written, so a report is as right after one pass as after two; only a filter by fields of a connection lets
 * the right ones through in a second pass alone, and no report is written without it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "reports/reports.h"

#include <errno.h>

#include <epan/stats_tree.h>
#include <epan/tap.h>
#include <wsutil/report_message.h>

#include "reports/ladder.h"
#include "display/value_strings.h"
#include "capture/observed.h"
#include "reports/report_rows.h"
#include "reports/response_times.h"
#include "display/second_pass.h"
#include "display/gui.h"
#include "capture/without_tcp.h"

/* Lifetime: forever, like all that is asked for by -z. */
static int proto_tcphs, tap_tcphs;
static const struct tcphs_report_options *options;
static unsigned ladders_asked_for;

enum which { REPORT_CONN, REPORT_SERVER, REPORT_CLIENT, REPORT_TREE, REPORT_LADDER, REPORT_SRT, REPORTS };

static const struct {
    const char *name, *command, *title;
    const struct tcphs_table *table;
} reports[REPORTS] = {
#define TCPHS_REPORT(name, NAME, title, table, meaning) [REPORT_##NAME] = { #name, "tcphs," #name, title, table },
#include "reports/reports.def"
};

/* Which connections --------------------------------------------------------------------------------------------- */

/* Connections in the order in which they were first met. Lifetime: that of its report, table or tree; emptied with the
 * file. */
struct selection {
    GByteArray *met; /* bit per connection number */
    GPtrArray *tracked;
};

static void selection_clear(struct selection *s)
{
    if (s->met != NULL) {
        g_byte_array_free(s->met, TRUE);
        g_ptr_array_free(s->tracked, TRUE);
    }
    s->met = g_byte_array_new();
    s->tracked = g_ptr_array_new();
}

/* True when the connection was not met before. */
static bool selection_add(struct selection *s, struct tcphs_tracked *t)
{
    const guint byte = t->handle.id / 8, old = s->met->len;
    const guint8 bit = (guint8)(1u << t->handle.id % 8);
    if (byte >= old) {
        g_byte_array_set_size(s->met, MAX(byte + 1, old * 2));
        memset(s->met->data + old, 0, s->met->len - old);
    }
    if (s->met->data[byte] & bit)
        return false;
    s->met->data[byte] |= bit;
    g_ptr_array_add(s->tracked, t);
    return true;
}

/* The tap ------------------------------------------------------------------------------------------------------- */

bool tcphs_reports_are_wanted(void)
{
    return have_tap_listener(tap_tcphs);
}

/* Ladders need more of each header than others. Flow graphs do too; that one listens shows in its flags only. */
static bool details_are_wanted(void)
{
    return ladders_asked_for > 0 || (union_of_tap_listener_flags() & TCPHS_FLOW_GRAPH_FLAGS) != 0;
}

static void add_details(packet_info *pinfo, struct tcphs_tapped *tapped)
{
    struct tcphs_outcome *outcome = wmem_new(pinfo->pool, struct tcphs_outcome);
    struct tcphs_observed *seen = wmem_new(pinfo->pool, struct tcphs_observed);
    int header = tapped->match.header;
    tcphs_tracker_outcome(&tapped->match, pinfo->num, outcome);
    tapped->outcome = outcome;
    if (tcphs_observe_next(pinfo, tcphs_ip_payloads_of(pinfo), &header, seen) && seen->whole)
        tapped->segment = &seen->segment;
}

void tcphs_reports_queue(packet_info *pinfo, const struct tcphs_match *matches, unsigned count)
{
    struct tcphs_tapped *headers = wmem_alloc_array(pinfo->pool, struct tcphs_tapped, count);
    const bool in_detail = details_are_wanted();
    for (unsigned i = 0; i < count; i++) {
        headers[i] = (struct tcphs_tapped){ .match = matches[i], .is_first_visit = !pinfo->fd->visited };
        if (in_detail)
            add_details(pinfo, &headers[i]);
        tap_queue_packet(tap_tcphs, pinfo, &headers[i]);
    }
}

/* On standard output -------------------------------------------------------------------------------------------- */

static const char *const formats[] = { [TCPHS_TEXT] = "text", [TCPHS_TSV] = "tsv", [TCPHS_JSON] = "json" };

/* Text is also what stands for a format that does not exist: that was refused when the report was asked for. */
static enum tcphs_format asked_format(void)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(formats); i++)
        if (strcmp(options->format, formats[i]) == 0)
            return (enum tcphs_format)i;
    return TCPHS_TEXT;
}

/* A report that was asked for by -z. Lifetime: forever. */
struct asked {
    enum which which;
    char *filter; /* NULL = all connections */
    struct selection selection;
    struct tcphs_ladders *ladders;
    bool written; /* nothing has come since */
    bool refused; /* its filter needs a second pass, and there is none */
};

/* Lifetime: forever. */
static bool has_failed; /* a report that was asked for was not written, or not all of it */
static GSList *all_asked;

static tap_packet_status take_packet(void *data, packet_info *pinfo, epan_dissect_t *edt, const void *tapped,
                                     tap_flags_t flags)
{
    struct asked *asked = (struct asked *)data;
    const struct tcphs_tapped *t = (const struct tcphs_tapped *)tapped;
    (void)edt;
    (void)flags;
    (void)pinfo;
    selection_add(&asked->selection, t->match.tracked);
    asked->written = false;
    return TAP_PACKET_REDRAW;
}

/* With -2 tshark gives taps nothing in the first pass. */
static tap_packet_status notice_pass(void *data, packet_info *pinfo, epan_dissect_t *edt, const void *tapped,
                                     tap_flags_t flags)
{
    struct asked *asked = (struct asked *)data;
    (void)pinfo;
    (void)edt;
    (void)flags;
    if (!((const struct tcphs_tapped *)tapped)->is_first_visit || asked->refused)
        return TAP_PACKET_DONT_REDRAW;
    asked->refused = has_failed = true;
    tcphs_second_pass_was_told();
    report_failure(
        "-z %s,%s: tcphs.conn.* is final in a second pass only, and there is none, so this report will not be "
        "written: read the capture with -2",
        reports[asked->which].command, asked->filter);
    return TAP_PACKET_DONT_REDRAW;
}

/* Ladders are kept of all connections: the frame that the filter lets through may be the last of its connection. */
static tap_packet_status take_rung(void *data, packet_info *pinfo, epan_dissect_t *edt, const void *tapped,
                                   tap_flags_t flags)
{
    (void)edt;
    (void)flags;
    tcphs_ladders_add((struct tcphs_ladders *)data, pinfo, (const struct tcphs_tapped *)tapped);
    return TAP_PACKET_DONT_REDRAW;
}

static gint by_start(gconstpointer a, gconstpointer b)
{
    const struct tcphs_connection_info *x = (const struct tcphs_connection_info *)a,
                                       *y = (const struct tcphs_connection_info *)b;
    if (x->start_time != y->start_time)
        return x->start_time < y->start_time ? -1 : 1;
    return x->tracked->handle.id < y->tracked->handle.id ? -1 : 1;
}

/* All connections of a report, each summed up once and counted in the tally, in the order in which they began. */
static GArray *sum_up(const GPtrArray *tracked, struct tcphs_tally *tally)
{
    GArray *connections = g_array_sized_new(FALSE, FALSE, sizeof(struct tcphs_connection_info), tracked->len);
    for (guint i = 0; i < tracked->len; i++) {
        struct tcphs_connection_info c;
        tcphs_connection_info_of((struct tcphs_tracked *)g_ptr_array_index(tracked, i), &c);
        tcphs_tally_add(tally, &c);
        g_array_append_val(connections, c);
    }
    g_array_sort(connections, by_start);
    return connections;
}

static gint larger_first(guint64 a, guint64 b)
{
    return a > b ? -1 : a < b;
}

static gint by_failures(gconstpointer a, gconstpointer b)
{
    const struct tcphs_endpoint_statistics *x = *(const struct tcphs_endpoint_statistics *const *)a,
                                           *y = *(const struct tcphs_endpoint_statistics *const *)b;
    gint order = larger_first(tcphs_endpoint_failed(x), tcphs_endpoint_failed(y));
    if (order == 0)
        order = larger_first(tcphs_endpoint_attempts(x), tcphs_endpoint_attempts(y));
    return order != 0 ? order : memcmp(&x->key, &y->key, sizeof x->key);
}

static gint by_targets(gconstpointer a, gconstpointer b)
{
    const struct tcphs_endpoint_statistics *x = *(const struct tcphs_endpoint_statistics *const *)a,
                                           *y = *(const struct tcphs_endpoint_statistics *const *)b;
    const gint order = larger_first(x->targets.count, y->targets.count);
    return order != 0 ? order : by_failures(a, b);
}

static gint64 slow_setup(void)
{
    return (gint64)options->slow_setup * 1000000;
}

static void write_table(const struct tcphs_table *kind, void *context, guint rows)
{
    struct tcphs_table table = *kind;
    table.context = context;
    table.row_count = rows;
    tcphs_table_write(&table, asked_format(), tcphs_tracker_quality()->first_time, stdout);
}

static void write_accounts(const GArray *connections, bool of_servers)
{
    struct tcphs_endpoints *endpoints = tcphs_endpoints_new();
    for (guint i = 0; i < connections->len; i++) {
        const struct tcphs_connection_info *c = &g_array_index(connections, struct tcphs_connection_info, i);
        if (of_servers)
            tcphs_endpoints_add_server(endpoints, c, slow_setup());
        else
            tcphs_endpoints_add_client(endpoints, c);
    }
    g_ptr_array_sort(endpoints->all, of_servers ? by_failures : by_targets);
    write_table(of_servers ? &tcphs_server_table : &tcphs_client_table, endpoints->all, endpoints->all->len);
    tcphs_endpoints_free(endpoints);
}

static void put_row(void *data, const char *group, const char *item, guint64 count)
{
    GArray *rows = (GArray *)data;
    const struct tcphs_tree_row row = { .group = group, .item = item, .count = count };
    if (count > 0 || asked_format() != TCPHS_TEXT)
        g_array_append_val(rows, row);
}

/* As with the others, empty ones are for programs only. */
static void put_setup_rows(const struct tcphs_tally *tally, GArray *rows)
{
    const guint first = rows->len;
    tcphs_tally_setup_rows(tally, rows);
    for (guint i = rows->len; i-- > first && asked_format() == TCPHS_TEXT;)
        if (g_array_index(rows, struct tcphs_tree_row, i).count == 0)
            g_array_remove_index(rows, i);
}

static void write_tree(const struct tcphs_tally *tally)
{
    struct tcphs_tree_rows tree = { g_array_new(FALSE, FALSE, sizeof(struct tcphs_tree_row)), tally->connections };
    tcphs_tally_each(tally, put_row, tree.rows);
    put_setup_rows(tally, tree.rows);
    write_table(&tcphs_tree_table, &tree, tree.rows->len);
    g_array_free(tree.rows, TRUE);
}

static void write_response_times(const GArray *connections)
{
    GPtrArray *lines = tcphs_response_times_of(connections);
    write_table(&tcphs_srt_table, lines, lines->len);
    g_ptr_array_free(lines, TRUE);
}

static void write_ladders(const struct tcphs_ladders *ladders, const GArray *connections)
{
    for (guint i = 0; i < connections->len; i++)
        tcphs_ladders_write(ladders, &g_array_index(connections, struct tcphs_connection_info, i),
                            tcphs_tracker_quality()->first_time, stdout);
}

static void write_body(const struct asked *asked, GArray *connections, const struct tcphs_tally *tally)
{
    switch (asked->which) {
    case REPORT_CONN:
        write_table(&tcphs_conn_table, connections, connections->len);
        break;
    case REPORT_SERVER:
    case REPORT_CLIENT:
        write_accounts(connections, asked->which == REPORT_SERVER);
        break;
    case REPORT_TREE:
        write_tree(tally);
        break;
    case REPORT_LADDER:
        write_ladders(asked->ladders, connections);
        break;
    case REPORT_SRT:
        write_response_times(connections);
        break;
    case REPORTS:
        break;
    }
}

static void write_totals(const struct asked *asked, const char *label, const struct tcphs_total *totals, unsigned count)
{
    const struct tcphs_totals all = { reports[asked->which].name, label, totals, count };
    tcphs_totals_write(&all, asked_format(), stdout);
}

static void write_summary(const struct asked *asked, const struct tcphs_tally *tally)
{
    struct tcphs_total totals[TCPHS_VERDICTS + 3] = { { "connections", tally->connections },
                                                      { "established", tally->verdicts[TCPHS_VERDICT_ESTABLISHED] },
                                                      { "failed", tally->failed } };
    unsigned count = 3;
    for (unsigned v = TCPHS_VERDICT_NO_ANSWER; v < TCPHS_VERDICTS; v++)
        if (try_val_to_str(v, tcphs_verdict_vals) != NULL) /* not every number is in use */
            totals[count++] = (struct tcphs_total){ val_to_str_const(v, tcphs_verdict_vals, "?"), tally->verdicts[v] };
    totals[count++] = (struct tcphs_total){ "probes", tally->probes };
    write_totals(asked, "summary", totals, count);
}

/* What the verdicts may suffer from: of the capture as a whole, and of the connections in the report. */
static void write_quality(const struct asked *asked, const struct tcphs_tally *tally)
{
    const struct tcphs_capture_quality *q = tcphs_tracker_quality();
    const struct tcphs_total totals[] = {
        { "frames", q->frames },
        { "segments", q->segments },
        { "copies", q->copies },
        { "cut_frames", q->cut },
        { "connections_with_gaps", tally->gaps },
        { "connections_with_assumptions", tally->assumed },
        { "tcp_not_seen", q->missed },
        { "connections_one_sided", tally->verdicts[TCPHS_VERDICT_ONE_SIDED] },
    };
    write_totals(asked, "capture", totals, G_N_ELEMENTS(totals));
}

static void end_output(void)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return;
    const int error = errno;
    if (!tcphs_output_has_lost_its_reader()) {
        report_failure("The report could not be written: %s", g_strerror(error));
        has_failed = true;
    }
    clearerr(stdout);
}

static void write_report(void *data)
{
    struct asked *asked = (struct asked *)data;
    struct tcphs_tally tally = { 0 };
    if (asked->refused)
        return;
    GArray *connections = sum_up(asked->selection.tracked, &tally);
    if (asked_format() == TCPHS_TEXT)
        write_summary(asked, &tally);
    write_body(asked, connections, &tally);
    if (asked_format() != TCPHS_TEXT)
        write_summary(asked, &tally);
    write_quality(asked, &tally);
    g_array_free(connections, TRUE);
    asked->written = true;
    end_output();
}

static void forget_all(void *data)
{
    struct asked *asked = (struct asked *)data;
    selection_clear(&asked->selection);
    if (asked->ladders != NULL)
        tcphs_ladders_clear(asked->ladders);
}

/* tshark drops all connections while it goes on (-M, the next file of a ring): what is known of them goes out first. */
static void end_of_file(void)
{
    for (GSList *l = all_asked; l != NULL; l = l->next) {
        struct asked *asked = (struct asked *)l->data;
        if (!asked->written && asked->selection.tracked->len > 0)
            write_report(asked);
        forget_all(asked);
    }
}

/* What a statistic of tshark cannot say when it is written, as the host does not ask: that it failed. All others have
 * been written by now. */
static void end_of_program(void)
{
    if (has_failed)
        tcphs_end_program_as_failed();
}

/* tshark matches the beginning of what was asked for; the rest is ours to check. */
static bool is_named(const char *argument, enum which which)
{
    const char *rest = argument + (which < REPORTS ? strlen(reports[which].command) : 0);
    return which < REPORTS && (*rest == '\0' || *rest == ',');
}

static char *filter_in(const char *argument, enum which which)
{
    const char *rest = argument + strlen(reports[which].command);
    return rest[0] == ',' && rest[1] != '\0' ? g_strdup(rest + 1) : NULL;
}

static char *list_of_reports(const char *argument)
{
    GString *list = g_string_new(NULL);
    g_string_printf(list, "Invalid -z argument \"%s\"; it must be one of:", argument);
    for (unsigned i = 0; i < REPORTS; i++)
        g_string_append_printf(list, "\n     %s", reports[i].command);
    return g_string_free(list, FALSE);
}

/* Why there can be no such report, to be freed; NULL = there can. */
static char *objection_to(const char *argument, enum which which)
{
    if (!is_named(argument, which))
        return list_of_reports(argument);
    if (!proto_is_protocol_enabled(find_protocol_by_id(proto_tcphs)))
        return g_strdup_printf(
            "-z %s: the protocol tcphs is disabled, so there is nothing to report; --enable-protocol "
            "tcphs enables it",
            argument);
    if (strcmp(options->format, formats[asked_format()]) != 0)
        return g_strdup_printf("The preference tcphs.report must be text, tsv or json, not \"%s\"", options->format);
    if (which == REPORT_LADDER && asked_format() != TCPHS_TEXT)
        return g_strdup_printf("-z %s is text for people: it is not written as %s (preference tcphs.report)", argument,
                               options->format);
    return NULL;
}

/* Why the host does not let us listen, to be freed; NULL = it does. */
static char *listen_to(const char *tap, void *data, const char *filter, tap_packet_cb take)
{
    GString *error = register_tap_listener(tap, data, filter, TL_REQUIRES_NOTHING, NULL, take, NULL, NULL);
    return error != NULL ? g_string_free(error, FALSE) : NULL;
}

static char *begin_ladders(struct asked *asked)
{
    asked->ladders = tcphs_ladders_new();
    ladders_asked_for++;
    return listen_to("tcphs", asked->ladders, NULL, take_rung);
}

/* An empty report would be a wrong answer. To be freed; NULL = the filter can be answered. */
static char *objection_to_filter(const char *filter)
{
    const char *lost = *options->dissect_tcp ? NULL : tcphs_protocol_lost_without_tcp(filter);
    if (lost == NULL)
        return NULL;
    return g_strdup_printf(
        "The filter \"%s\" asks for %s, which is not dissected while the preference tcphs.dissect_tcp is "
        "off",
        filter, lost);
}

static char *begin(struct asked *asked)
{
    char *objection = objection_to_filter(asked->filter);
    if (objection != NULL)
        return objection;
    GString *refused = register_tap_listener("tcphs", asked, asked->filter, TL_REQUIRES_NOTHING, forget_all,
                                             take_packet, write_report, NULL);
    if (refused != NULL)
        return g_string_free(refused, FALSE);
    char *error = NULL;
    if (tcphs_second_pass_is_needed_by(asked->filter))
        error = listen_to("tcphs", asked, NULL, notice_pass);
    if (error == NULL && asked->which == REPORT_LADDER)
        error = begin_ladders(asked);
    return error;
}

static TCPHS_STAT_BEGINS ask(const char *argument, void *data)
{
    const enum which which = (enum which)GPOINTER_TO_INT(data);
    char *error = objection_to(argument, which);
    if (error == NULL) {
        struct asked *asked = g_new0(struct asked, 1);
        asked->which = which;
        asked->filter = filter_in(argument, which);
        selection_clear(&asked->selection);
        all_asked = g_slist_append(all_asked, asked);
        error = begin(asked);
    }
    if (error != NULL) {
        report_failure("%s", error);
        g_free(error);
        TCPHS_STAT_CANNOT_BEGIN;
    }
    TCPHS_STAT_HAS_BEGUN;
}

static void register_commands(void)
{
    for (unsigned i = 0; i <= REPORTS; i++) { /* the last is for what is none of them */
        stat_tap_ui ui = { .group = REGISTER_PACKET_STAT_GROUP_UNSORTED,
                           .title = i < REPORTS ? reports[i].title : "TCP Handshake",
                           .cli_string = i < REPORTS ? reports[i].command : "tcphs",
                           .tap_init_cb = ask };
        register_stat_tap_ui(&ui, GINT_TO_POINTER(i));
    }
    register_cleanup_routine(end_of_file);
    register_shutdown_routine(end_of_program);
}

/* In the host's tables ------------------------------------------------------------------------------------------ */

/* Wireshark and sharkd read tables after all packets have passed but tell us nothing then: rows are always complete.
 * Lifetime: forever. */
struct shown {
    stat_tap_table_ui ui;
    enum which which;
    struct selection selection;
    GArray *connections; /* in the rows, as summed up then; struct tcphs_connection_info */
    struct tcphs_endpoints *endpoints;
};

static struct shown shown[REPORT_CLIENT + 1]; /* Lifetime: forever; rows until the host clears the table */

static struct shown *shown_of(const stat_tap_table_ui *ui)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(shown); i++)
        if (ui == &shown[i].ui)
            return &shown[i];
    return NULL;
}

static void begin_shown(struct shown *s)
{
    selection_clear(&s->selection);
    if (s->connections != NULL)
        g_array_free(s->connections, TRUE);
    s->connections = g_array_new(FALSE, FALSE, sizeof(struct tcphs_connection_info));
    tcphs_endpoints_free(s->endpoints);
    s->endpoints = tcphs_endpoints_new();
}

static void clear_table(stat_tap_table *table)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(shown); i++)
        if (strcmp(table->title, reports[shown[i].which].title) == 0)
            begin_shown(&shown[i]);
    tcphs_table_clear(table);
}

static void open_table(stat_tap_table_ui *ui)
{
    stat_tap_table *table = stat_tap_find_table(ui, ui->title);
    if (table != NULL) {
        clear_table(table);
        return;
    }
    begin_shown(shown_of(ui));
    stat_tap_add_table(ui, stat_tap_init_table(ui->title, (int)ui->nfields, 0, NULL));
}

static void free_cell(stat_tap_table *table, guint row, guint column, stat_tap_table_item_type *cell)
{
    (void)table;
    (void)row;
    (void)column;
    if (cell->type == TABLE_ITEM_STRING)
        g_free((char *)cell->value.string_value);
}

static void show_account(const struct shown *s, const struct tcphs_endpoint_statistics *account, stat_tap_table *into)
{
    struct tcphs_table table = *reports[s->which].table;
    table.context = s->endpoints->all;
    if (account != NULL)
        tcphs_table_show(&table, account->index, 0, into);
}

static void show_connection(const struct shown *s, const struct tcphs_connection_info *c, stat_tap_table *into)
{
    struct tcphs_table table = *reports[s->which].table;
    table.context = g_array_append_vals(s->connections, c, 1);
    tcphs_table_show(&table, s->connections->len - 1, tcphs_tracker_quality()->first_time, into);
}

static tap_packet_status show_packet(void *data, packet_info *pinfo, epan_dissect_t *edt, const void *tapped,
                                     tap_flags_t flags)
{
    const stat_data_t *stat = (const stat_data_t *)data;
    struct shown *s = shown_of(stat->stat_tap_data);
    const struct tcphs_tapped *t = (const struct tcphs_tapped *)tapped;
    struct tcphs_connection_info c;
    (void)pinfo;
    (void)edt;
    (void)flags;
    if (!selection_add(&s->selection, t->match.tracked))
        return TAP_PACKET_DONT_REDRAW;
    stat_tap_table *into = g_array_index(stat->stat_tap_data->tables, stat_tap_table *, 0);
    tcphs_connection_info_of(t->match.tracked, &c);
    if (s->which == REPORT_CONN)
        show_connection(s, &c, into);
    else if (s->which == REPORT_SERVER)
        show_account(s, tcphs_endpoints_add_server(s->endpoints, &c, slow_setup()), into);
    else
        show_account(s, tcphs_endpoints_add_client(s->endpoints, &c), into);
    return TAP_PACKET_REDRAW;
}

static void register_tables(void)
{
    static tap_param filter = { PARAM_FILTER, "filter", "Filter", NULL, TRUE };
    for (unsigned i = 0; i < G_N_ELEMENTS(shown); i++) {
        stat_tap_table_ui *ui = &shown[i].ui;
        shown[i].which = (enum which)i;
        ui->group = REGISTER_PACKET_STAT_GROUP_UNSORTED;
        ui->title = reports[i].title;
        ui->tap_name = "tcphs";
        ui->cli_string = reports[i].command;
        ui->stat_tap_init_cb = open_table;
        ui->packet_func = show_packet;
        ui->stat_tap_reset_table_cb = clear_table;
        ui->stat_tap_free_table_item_cb = free_cell;
        ui->fields = tcphs_table_items(reports[i].table, &ui->nfields);
        ui->nparams = 1;
        ui->params = &filter;
        register_stat_tap_table_ui(ui);
    }
}

/* In the host's tree -------------------------------------------------------------------------------------------- */

static GHashTable
    *selection_of_tree; /* stats_tree -> struct selection. Lifetime: forever; of one until the tree is closed */

static void free_selection(gpointer data)
{
    struct selection *s = (struct selection *)data;
    g_byte_array_free(s->met, TRUE);
    g_ptr_array_free(s->tracked, TRUE);
    g_free(s);
}

static void open_tree(stats_tree *tree)
{
    static const char *const groups[] = { TCPHS_TREE_OPENING, TCPHS_TREE_FAILED,    TCPHS_TREE_UNJUDGED,
                                          TCPHS_TREE_CLOSE,   TCPHS_TREE_CLOSED_BY, TCPHS_TREE_ANOMALY };
    struct selection *s = g_new0(struct selection, 1);
    selection_clear(s);
    g_hash_table_insert(selection_of_tree, tree, s);
    for (unsigned i = 0; i < G_N_ELEMENTS(groups); i++)
        stats_tree_create_node(tree, groups[i], 0, STAT_DT_INT, TRUE);
    stats_tree_create_range_node_string(tree, TCPHS_TREE_SETUP, 0, TCPHS_SETUP_RANGES, (char **)tcphs_setup_ranges);
}

static void close_tree(stats_tree *tree)
{
    g_hash_table_remove(selection_of_tree, tree);
}

static void tick(void *data, const char *group, const char *item, guint64 count)
{
    stats_tree *tree = (stats_tree *)data;
    if (count == 0)
        return;
    const int parent = tick_stat_node(tree, group, 0, TRUE);
    tick_stat_node(tree, item, parent, FALSE);
}

/* The host counts the group by itself, and shows the mean, the shortest and the longest of each range. */
static void tick_setup(stats_tree *tree, gint64 setup)
{
    if (setup < 0)
        return;
    tick_stat_node(tree, TCPHS_TREE_SETUP, 0, FALSE);
    stats_tree_tick_range(tree, TCPHS_TREE_SETUP, 0, (int)MIN(setup / 1000, G_MAXINT));
}

static tap_packet_status show_in_tree(stats_tree *tree, packet_info *pinfo, epan_dissect_t *edt, const void *tapped,
                                      tap_flags_t flags)
{
    const struct tcphs_tapped *t = (const struct tcphs_tapped *)tapped;
    struct selection *s = (struct selection *)g_hash_table_lookup(selection_of_tree, tree);
    struct tcphs_tally tally = { 0 };
    struct tcphs_connection_info c;
    (void)pinfo;
    (void)edt;
    (void)flags;
    if (s == NULL || !selection_add(s, t->match.tracked))
        return TAP_PACKET_DONT_REDRAW;
    tcphs_connection_info_of(t->match.tracked, &c);
    tcphs_tally_add(&tally, &c);
    tcphs_tally_each(&tally, tick, tree);
    tick_setup(tree, tcphs_setup_time(&c));
    return TAP_PACKET_REDRAW;
}

static void register_tree(void)
{
    selection_of_tree = g_hash_table_new_full(g_direct_hash, g_direct_equal, NULL, free_selection);
    /* Without a submenu, for the host gives tables none: all entries stand in the one menu. */
    stats_tree_register_plugin("tcphs", "tcphs", "TCP Handshake: Overview", 0, show_in_tree, open_tree, close_tree);
}

void tcphs_reports_register(int proto, const struct tcphs_report_options *report_options)
{
    proto_tcphs = proto;
    options = report_options;
    tap_tcphs = register_tap("tcphs");
    /* On the command line a report is written by us; the host's table of the same name would write it in the host's
     * manner, and the first to register has it. A window shows that table, and sharkd takes no -z. */
    if (!tcphs_gui_exists())
        register_commands();
    register_tables();
    register_tree();
}
