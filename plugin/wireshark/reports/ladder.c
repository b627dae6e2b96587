/* ladder.c
 * Which segments stand on a rung of their own, and how a rung is drawn.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "reports/ladder.h"

#include <inttypes.h>

#include "display/value_strings.h"
#include "capture/observed.h"
#include "reports/resolved_names.h"

enum { ARROW_WIDTH = 44, LINE_WIDTH = 120 };

/* A line of a ladder. Lifetime: file, in its ladder. */
struct tcphs_rung {
    gint64 time;
    struct tcphs_findings findings;
    guint64 bytes[2];    /* of a fold: from either end of the tuple */
    guint32 segments[2]; /* likewise; both 0 on a rung of one segment */
    guint32 frame, seq, ack, length;
    guint16 flags;
    guint8 from, stage, step, close_steps, rst_kind;
    guint8 state[2];
    bool has_numbers, icmp;
    void *shown; /* the caller's */
};

/* The ladder of a connection. Lifetime: file. */
struct ladder {
    GArray *rungs;
    guint32 isn[2]; /* what numbers are counted from */
    bool has_isn[2];
};

/* The ladders of all connections. Lifetime: that of the report or graph they are for; emptied with the file. */
struct tcphs_ladders {
    GHashTable *by_id; /* tcphs.id -> struct ladder */
};

static void free_ladder(gpointer data)
{
    struct ladder *l = (struct ladder *)data;
    g_array_free(l->rungs, TRUE);
    g_free(l);
}

struct tcphs_ladders *tcphs_ladders_new(void)
{
    struct tcphs_ladders *l = g_new0(struct tcphs_ladders, 1);
    l->by_id = g_hash_table_new_full(g_direct_hash, g_direct_equal, NULL, free_ladder);
    return l;
}

void tcphs_ladders_free(struct tcphs_ladders *l)
{
    g_hash_table_destroy(l->by_id);
    g_free(l);
}

void tcphs_ladders_clear(struct tcphs_ladders *l)
{
    g_hash_table_remove_all(l->by_id);
}

/* Collecting ---------------------------------------------------------------------------------------------------- */

static struct ladder *ladder_of(struct tcphs_ladders *all, guint32 id)
{
    struct ladder *l = (struct ladder *)g_hash_table_lookup(all->by_id, GUINT_TO_POINTER(id));
    if (l == NULL) {
        l = g_new0(struct ladder, 1);
        l->rungs = g_array_new(FALSE, TRUE, sizeof(struct tcphs_rung));
        g_hash_table_insert(all->by_id, GUINT_TO_POINTER(id), l);
    }
    return l;
}

static struct tcphs_rung *last_rung(const struct ladder *l)
{
    return l->rungs->len > 0 ? &g_array_index(l->rungs, struct tcphs_rung, l->rungs->len - 1) : NULL;
}

static bool is_fold(const struct tcphs_rung *r)
{
    return r->segments[0] + r->segments[1] > 0;
}

/* Opens, closes, resets, changes the stage, or is remarkable. */
static bool is_ordinary(const struct ladder *l, const struct tcphs_rung *r)
{
    const struct tcphs_rung *last = last_rung(l);
    const bool open =
        r->stage == TCPHS_STAGE_ESTABLISHED || r->stage == TCPHS_STAGE_CLOSING || r->stage == TCPHS_STAGE_MIDSTREAM;
    return open && last != NULL && r->stage == last->stage && r->step == 0 && r->close_steps == 0 &&
           !tcphs_findings_any(&r->findings) && !r->icmp && r->has_numbers &&
           !(r->flags & (TCPHS_SYN | TCPHS_FIN | TCPHS_RST));
}

static void fold(struct ladder *l, const struct tcphs_rung *r)
{
    struct tcphs_rung *last = last_rung(l);
    if (!is_fold(last)) {
        struct tcphs_rung new_fold = { .time = r->time, .frame = r->frame, .stage = r->stage };
        g_array_append_val(l->rungs, new_fold);
        last = last_rung(l);
    }
    last->segments[r->from]++;
    last->bytes[r->from] += r->length;
    last->state[0] = r->state[0];
    last->state[1] = r->state[1];
}

static void take_numbers(struct ladder *l, struct tcphs_rung *r, const struct tcphs_segment *s)
{
    r->has_numbers = true;
    r->flags = s->flags;
    r->seq = s->seq;
    r->ack = tcphs_has(s, TCPHS_ACK) ? s->ack : 0;
    r->length = s->length;
    if (!l->has_isn[r->from] || (r->flags & TCPHS_SYN && r->step > 0)) {
        l->has_isn[r->from] = true;
        l->isn[r->from] = r->seq;
    }
    if ((r->flags & TCPHS_ACK) && !l->has_isn[!r->from]) {
        l->has_isn[!r->from] = true;
        l->isn[!r->from] = r->ack - 1;
    }
}

struct tcphs_rung *tcphs_ladders_add(struct tcphs_ladders *all, const packet_info *pinfo,
                                     const struct tcphs_tapped *tapped)
{
    const struct tcphs_outcome *o = tapped->outcome;
    struct ladder *l = ladder_of(all, tapped->match.tracked->handle.id);
    struct tcphs_rung r = { .time = tcphs_nanoseconds(&pinfo->abs_ts),
                            .frame = pinfo->num,
                            .from = tapped->match.from,
                            .icmp = tapped->match.icmp,
                            .findings = o->findings,
                            .stage = o->stage,
                            .step = o->step,
                            .close_steps = o->close_steps,
                            .rst_kind = o->rst_kind,
                            .state = { o->state[0], o->state[1] } };
    if (tapped->match.copy)
        return NULL;
    if (tapped->segment != NULL)
        take_numbers(l, &r, tapped->segment);
    if (is_ordinary(l, &r))
        fold(l, &r);
    else
        g_array_append_val(l->rungs, r);
    return last_rung(l);
}

void **tcphs_rung_shown(struct tcphs_rung *rung)
{
    return &rung->shown;
}

/* Drawing ------------------------------------------------------------------------------------------------------- */

static void append_flags(GString *out, const struct tcphs_rung *r)
{
    static const struct {
        unsigned flag;
        const char *name;
    } names[] = { { TCPHS_SYN, "SYN" }, { TCPHS_FIN, "FIN" }, { TCPHS_RST, "RST" },
                  { TCPHS_PSH, "PSH" }, { TCPHS_URG, "URG" }, { TCPHS_ACK, "ACK" } };
    bool any = false;
    for (unsigned i = 0; i < G_N_ELEMENTS(names); i++)
        if (r->flags & names[i].flag) {
            g_string_append_printf(out, "%s%s", any ? "," : "", names[i].name);
            any = true;
        }
    if (!any)
        g_string_append(out, "no flags");
}

static void append_label(GString *out, const struct ladder *l, const struct tcphs_rung *r)
{
    if (r->icmp) {
        g_string_append(out, "ICMP error about this");
        return;
    }
    if (!r->has_numbers) {
        g_string_append(out, "a segment");
        return;
    }
    append_flags(out, r);
    g_string_append_printf(out, " seq=%u", r->seq - l->isn[r->from]);
    if (r->flags & TCPHS_ACK)
        g_string_append_printf(out, " ack=%u", r->ack - l->isn[!r->from]);
    if (r->length > 0)
        g_string_append_printf(out, " len=%u", r->length);
}

/* "--- label ------->", from the client on the left to the server on the right. */
static void append_arrow(GString *out, const char *label, bool from_client)
{
    const int dashes = MAX(ARROW_WIDTH - 4 - (int)strlen(label), 2);
    const int left = 2, right = dashes - left;
    g_string_append_c(out, from_client ? '-' : '<');
    for (int i = 0; i < (from_client ? left : right); i++)
        g_string_append_c(out, '-');
    g_string_append_printf(out, " %s ", label);
    for (int i = 0; i < (from_client ? right : left); i++)
        g_string_append_c(out, '-');
    g_string_append_c(out, from_client ? '>' : '-');
}

void tcphs_rung_append_comment(const struct tcphs_rung *r, GString *out)
{
    if (r->step > 0)
        g_string_append_printf(out, " step %u", r->step);
    for (unsigned step = 1; step <= 4; step++)
        if (r->close_steps & 1u << (step - 1))
            g_string_append_printf(out, " close %u", step);
    if (r->rst_kind > 0)
        g_string_append_printf(out, " %s", val_to_str_const(r->rst_kind, tcphs_rst_kind_vals, "?"));
    for (unsigned i = tcphs_findings_next(&r->findings, 0); i != 0; i = tcphs_findings_next(&r->findings, i))
        g_string_append_printf(out, " %s%s", tcphs_findings_has(&tcphs_anomalies, i) ? "!" : "", tcphs_finding_name(i));
}

/* "  > 3 segments, 44 bytes  < 2 segments, 88 bytes", the client's first. */
static void append_fold(GString *out, const struct tcphs_rung *r, unsigned client)
{
    for (unsigned i = 0; i < 2; i++) {
        const unsigned end = i == 0 ? client : !client;
        g_string_append_printf(out, "  %c %u segment%s, %" PRIu64 " bytes", i == 0 ? '>' : '<', r->segments[end],
                               r->segments[end] == 1 ? "" : "s", r->bytes[end]);
    }
}

void tcphs_rung_append_label(const struct tcphs_ladders *all, guint32 id, const struct tcphs_rung *r, GString *out)
{
    const struct ladder *l = (const struct ladder *)g_hash_table_lookup(all->by_id, GUINT_TO_POINTER(id));
    const guint32 segments = r->segments[0] + r->segments[1];
    if (is_fold(r))
        g_string_append_printf(out, "%u ordinary segment%s, %" PRIu64 " bytes", segments, segments == 1 ? "" : "s",
                               r->bytes[0] + r->bytes[1]);
    else
        append_label(out, l, r);
}

static void write_fold(const struct tcphs_rung *r, unsigned client, gint64 start, FILE *out)
{
    GString *text = g_string_new(NULL);
    append_fold(text, r, client);
    fprintf(out, "%12.6f %7u  :%s\n", (double)(r->time - start) / 1e9, r->frame, text->str);
    g_string_free(text, TRUE);
}

static void write_rung(const struct ladder *l, const struct tcphs_rung *r, unsigned client, gint64 start, FILE *out)
{
    GString *label = g_string_new(NULL), *line = g_string_new(NULL), *remarks = g_string_new(NULL);
    append_label(label, l, r);
    g_string_append_printf(line, "%12.6f %7u  ", (double)(r->time - start) / 1e9, r->frame);
    append_arrow(line, label->str, r->from == client);
    g_string_append_printf(line, "  %-12s %-12s", val_to_str_const(r->state[client], tcphs_state_vals, "-"),
                           val_to_str_const(r->state[!client], tcphs_state_vals, "-"));
    tcphs_rung_append_comment(r, remarks);
    if (remarks->len > 0 && line->len + remarks->len > LINE_WIDTH) {
        g_string_truncate(line, strlen(g_strchomp(line->str)));
        g_string_append_printf(line, "\n%23s", "");
    }
    g_string_append(line, remarks->str);
    fprintf(out, "%s\n", g_strchomp(line->str));
    g_string_free(remarks, TRUE);
    g_string_free(label, TRUE);
    g_string_free(line, TRUE);
}

/* With names, where the host resolves them; to be freed. */
static char *shown_endpoint(const struct tcphs_connection_info *c, unsigned end)
{
    const struct tcphs_tuple tuple = tcphs_tracker_tuple(c->tracked);
    char text[TCPHS_ENDPOINT_TEXT];
    char *name = tcphs_resolved_endpoint(&tuple, end);
    tcphs_connection_info_endpoint(c, end, text);
    return name != NULL ? name : g_strdup(text);
}

void tcphs_ladders_write(const struct tcphs_ladders *all, const struct tcphs_connection_info *c, gint64 start,
                         FILE *out)
{
    const struct ladder *l =
        (const struct ladder *)g_hash_table_lookup(all->by_id, GUINT_TO_POINTER(c->tracked->handle.id));
    char *client = shown_endpoint(c, c->client), *server = shown_endpoint(c, !c->client);
    fprintf(out, "\nConnection %u: %s, close %s, by %s\n", c->tracked->handle.id,
            val_to_str_const(c->summary.verdict, tcphs_verdict_vals, "none asked for"),
            val_to_str_const(c->summary.close, tcphs_close_vals, "-"),
            val_to_str_const(c->summary.closed_by, tcphs_closed_by_vals, "-"));
    const int gap = ARROW_WIDTH - (int)strlen(client) - (int)strlen(server);
    fprintf(out, "%12s %7s  %s%*s%s  %-12s server\n", "seconds", "frame", client, MAX(gap, 1), "", server, "client");
    g_free(client);
    g_free(server);
    for (guint i = 0; l != NULL && i < l->rungs->len; i++) {
        const struct tcphs_rung *r = &g_array_index(l->rungs, struct tcphs_rung, i);
        if (is_fold(r))
            write_fold(r, c->client, start, out);
        else
            write_rung(l, r, c->client, start, out);
    }
}
