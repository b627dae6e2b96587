/* trace_run.c
 * Runs a case of the trace notation: feeds the core, compares what it says of each segment, and demands that recalling
 * a segment afterwards says exactly the same.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <stdio.h>
#include <string.h>

#include "both_ways.h"
#include "history.h"
#include "seq.h"
#include "tcp/verdict.h"
#include "trace.h"
#include "tcp/port_reuse.h"

#define MOST_CONNECTIONS 8

struct told {
    struct tcphs_outcome outcome;
    unsigned connection, from;
};

struct run {
    const char *path;
    const struct trace_case *c;
    struct trace_variant variant;
    struct tcphs_connection connections[MOST_CONNECTIONS];
    struct tcphs_history histories[MOST_CONNECTIONS];
    unsigned count; /* connections so far */
    gint64 now;
    GArray *told; /* struct told */
    gboolean agreed;
};

static const char *name_of(unsigned number, const char *const *names, unsigned count)
{
    return number < count && names[number] ? names[number] : "none";
}

#define TCPHS_STAGE(number, name, text, meaning) [number] = text,
static const char *const stages[] = {
#include "enums.def"
};
#define TCPHS_STATE(number, name, text, meaning) [number] = text,
static const char *const states[] = {
#include "enums.def"
};
#define TCPHS_ROLE(number, name, text, meaning) [number] = text,
static const char *const roles[] = {
#include "enums.def"
};
#define TCPHS_RST_KIND(number, name, text, meaning) [number] = text,
static const char *const rst_kinds[] = {
#include "enums.def"
};
#define TCPHS_EVENT(number, name, text, meaning) [number] = text,
static const char *const events[] = {
#include "enums.def"
};
#define TCPHS_VERDICT(number, name, text, meaning) [number] = text,
static const char *const verdicts[] = {
#include "enums.def"
};
#define TCPHS_CLOSE(number, name, text, meaning) [number] = text,
static const char *const closes[] = {
#include "enums.def"
};
#define TCPHS_CLOSED_BY(number, name, text, meaning) [number] = text,
static const char *const closed_bys[] = {
#include "enums.def"
};
#define TCPHS_ANOMALY(name, ...) [TCPHS_FINDS_##name] = #name,
#define TCPHS_NOTE(name, ...) [TCPHS_FINDS_##name] = #name,
static const char *const findings[] = {
#include "findings/findings.def"
};
#define NAME(table, number) name_of(number, table, G_N_ELEMENTS(table))

G_GNUC_PRINTF(3, 4)
static void disagree(struct run *r, const struct trace_line *line, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = g_strdup_vprintf(format, args);
    va_end(args);
    fprintf(stderr, "%s:%u: [%s; iss %u %u%s] %s\n", r->path, line->number, r->c->title, r->variant.iss[0],
            r->variant.iss[1], r->variant.mirrored ? ", mirrored" : "", text);
    g_free(text);
    r->agreed = FALSE;
}

static void *grow(void *old, size_t old_size, size_t size)
{
    (void)old_size;
    return g_realloc(old, size);
}

/* Left and right of the script to the ends of the core. */
static unsigned end_of(const struct run *r, unsigned side)
{
    return r->variant.mirrored ? !side : side;
}

static struct tcphs_segment real_segment(const struct run *r, const struct trace_line *line, guint32 frame)
{
    struct tcphs_segment s = line->segment;
    const unsigned side = s.from;
    if (!line->raw_seq)
        s.seq += r->variant.iss[side];
    if (g_hash_table_contains(line->expected, " ack"))
        s.ack += r->variant.iss[!side];
    if (s.options & TCPHS_OPT_SACK)
        s.sack_right += r->variant.iss[!side];
    s.from = (guint8)end_of(r, side);
    s.frame = frame;
    s.time = r->now + line->segment.time;
    return s;
}

static const char *want(const struct trace_line *line, const char *word)
{
    return (const char *)g_hash_table_lookup(line->expected, word);
}

static void compare(struct run *r, const struct trace_line *line, const char *word, const char *got)
{
    const char *wanted = want(line, word);
    if (wanted && strcmp(wanted, got) != 0)
        disagree(r, line, "%s is %s, expected %s", word, got, wanted);
}

static void compare_always(struct run *r, const struct trace_line *line, const char *word, const char *got)
{
    const char *wanted = want(line, word);
    if (strcmp(wanted ? wanted : "none", got) != 0)
        disagree(r, line, "%s is %s, expected %s", word, got, wanted ? wanted : "none");
}

static char *list_of(const struct tcphs_findings *set)
{
    GString *out = g_string_new(NULL);
    for (unsigned i = tcphs_findings_next(set, 0); i != 0; i = tcphs_findings_next(set, i))
        g_string_append_printf(out, "%s%s", out->len ? "," : "", findings[i]);
    return g_string_free(out, FALSE);
}

static struct tcphs_findings set_of(struct run *r, const struct trace_line *line, const char *list)
{
    struct tcphs_findings set = { { 0 } };
    char **names = g_strsplit(list ? list : "", ",", -1);
    for (char **n = names; *n; n++) {
        unsigned i = 1;
        while (i < TCPHS_FINDINGS && strcmp(findings[i], *n) != 0)
            i++;
        if (i == TCPHS_FINDINGS)
            disagree(r, line, "no such finding: %s", *n);
        else
            tcphs_findings_add(&set, i);
    }
    g_strfreev(names);
    return set;
}

static void compare_findings(struct run *r, const struct trace_line *line, const struct tcphs_outcome *o)
{
    const struct tcphs_findings found = tcphs_findings_both(&o->findings, &tcphs_anomalies);
    struct tcphs_findings noted = o->findings;
    for (unsigned i = 0; i < TCPHS_FINDING_WORDS; i++)
        noted.words[i] &= ~tcphs_anomalies.words[i];
    char *anomalies = list_of(&found), *notes = list_of(&noted);
    const char *wanted = want(line, "anomaly");
    const struct tcphs_findings expected = set_of(r, line, wanted),
                                expected_notes = set_of(r, line, want(line, "note"));
    const struct tcphs_findings silent = set_of(r, line, want(line, "silent")), near = set_of(r, line, r->c->near);
    const struct tcphs_findings present = tcphs_findings_both(&o->findings, &expected_notes);
    if (!tcphs_findings_equal(&found, &expected))
        disagree(r, line, "anomalies are '%s', expected '%s'", anomalies, wanted ? wanted : "");
    if (!tcphs_findings_equal(&present, &expected_notes))
        disagree(r, line, "notes are '%s', expected '%s'", notes, want(line, "note"));
    if (tcphs_findings_meet(&silent, &o->findings))
        disagree(r, line, "notes are '%s', expected none of '%s'", notes, want(line, "silent"));
    if (tcphs_findings_meet(&near, &o->findings))
        disagree(r, line, "findings are '%s%s', and the case is a near miss of '%s'", anomalies, notes, r->c->near);
    g_free(anomalies);
    g_free(notes);
}

static void compare_numbers(struct run *r, const struct trace_line *line, const struct tcphs_outcome *o, unsigned side)
{
    char text[64];
    const char *due = want(line, "due");
    if (due && strcmp(due, "none") == 0) {
        if (o->has_due)
            disagree(r, line, "due is shown, expected none");
    } else if (due) {
        g_snprintf(text, sizeof text, "%d", o->has_due ? (int)(o->due - r->variant.iss[!side]) : -1);
        compare(r, line, "due", text);
        g_snprintf(text, sizeof text, "%d", o->has_due ? tcphs_seq_diff(o->seen, o->due) : 0);
        compare(r, line, "delta", text);
    }
    g_snprintf(text, sizeof text, "%u", o->back);
    compare(r, line, "link", text);
    g_snprintf(text, sizeof text, "%.2f", o->rst_idle >= 0 ? (double)o->rst_idle / 1e9 : -1.0);
    compare(r, line, "idle", o->rst_idle >= 0 ? text : "none");
    g_snprintf(text, sizeof text, "%d", o->rst_ttl_delta);
    compare(r, line, "ttl_delta", o->has_ttl_delta ? text : "none");
}

/* "1460,-": left and right, - for an end that has none. */
static void compare_offers(struct run *r, const struct trace_line *line, const char *word, const guint16 *values,
                           unsigned has)
{
    GString *got = g_string_new(NULL);
    for (unsigned side = 0; side < 2; side++) {
        const unsigned end = end_of(r, side);
        g_string_append(got, side ? "," : "");
        if (has & 1u << end)
            g_string_append_printf(got, "%u", values[end]);
        else
            g_string_append_c(got, '-');
    }
    compare(r, line, word, got->str);
    g_string_free(got, TRUE);
}

static void compare_options(struct run *r, const struct trace_line *line, const struct tcphs_handshake_options *o)
{
    static const char *const names[] = { "ws", "sack", "ts", "ecn", "mptcp" };
    const guint16 scales[2] = { o->window_scale[0], o->window_scale[1] };
    GString *agreed = g_string_new(NULL);
    compare_offers(r, line, "mss", o->mss, o->has_mss);
    compare_offers(r, line, "wscale", scales, o->has_scale);
    for (unsigned i = 0; i < G_N_ELEMENTS(names); i++)
        if (o->agreed & 1u << i)
            g_string_append_printf(agreed, "%s%s", agreed->len ? "," : "", names[i]);
    if (agreed->len == 0)
        g_string_assign(agreed, (o->agreed & TCPHS_AGREED_KNOWN) ? "none" : "unknown");
    compare(r, line, "agreed", agreed->str);
    g_string_free(agreed, TRUE);
}

static void compare_segment(struct run *r, const struct trace_line *line, const struct tcphs_outcome *o, unsigned id)
{
    static const char *const judgements[] = { "unknown", "no", "yes" };
    const unsigned side = line->segment.from;
    char text[16];
    for (unsigned i = 0; i < 2; i++) {
        const char *got = NAME(states, o->state[end_of(r, i)]);
        if (line->states[i] && strcmp(line->states[i], got) != 0)
            disagree(r, line, "%s state is %s, expected %s", i ? "right" : "left", got, line->states[i]);
    }
    compare(r, line, "stage", NAME(stages, o->stage));
    compare(r, line, "accepted", judgements[o->accepted]);
    compare(r, line, "from", roles[tcphs_connection_role(o->client, end_of(r, side))]);
    compare(r, line, "rst", NAME(rst_kinds, o->rst_kind));
    compare(r, line, "event", NAME(events, o->event));
    compare(r, line, "assumed", o->assumed ? "yes" : "no");
    g_snprintf(text, sizeof text, "%u", id);
    compare(r, line, "id", text);
    g_snprintf(text, sizeof text, "%u", o->step);
    compare_always(r, line, "step", o->step ? text : "none");
    GString *close = g_string_new(NULL);
    for (unsigned step = 1; step <= 4; step++)
        if (o->close_steps & 1u << (step - 1))
            g_string_append_printf(close, "%s%u", close->len ? "," : "", step);
    compare_always(r, line, "close", close->len ? close->str : "none");
    g_string_free(close, TRUE);
    compare_findings(r, line, o);
    compare_options(r, line, &o->options);
    compare_numbers(r, line, o, side);
}

static void compare_summary(struct run *r, const struct trace_line *line)
{
    char text[16];
    const char *id = want(line, "id");
    const unsigned which = id ? (unsigned)atoi(id) : r->count - 1;
    if (which >= r->count) {
        disagree(r, line, "no connection %u", which);
        return;
    }
    const struct tcphs_connection *c = &r->connections[which];
    const struct tcphs_horizon horizon = { true, r->now };
    struct tcphs_summary sum;
    tcphs_summarise(c, horizon, &sum);
    compare(r, line, "verdict", NAME(verdicts, sum.verdict));
    compare(r, line, "close", NAME(closes, sum.close));
    compare(r, line, "closed_by", closed_bys[sum.closed_by]);
    compare(r, line, "no_data", sum.no_data ? "yes" : "no");
    g_snprintf(text, sizeof text, "%u", c->syn_count);
    compare(r, line, "syn_count", text);
    g_snprintf(text, sizeof text, "%u", c->synack_count);
    compare(r, line, "synack_count", text);
    g_snprintf(text, sizeof text, "%u", r->count);
    compare(r, line, "ids", text);
}

static void feed(struct run *r, const struct trace_line *line)
{
    const struct tcphs_segment s = real_segment(r, line, r->told->len + 1);
    struct told t = { .from = s.from };
    r->now = s.time;
    if (r->count == 0 || tcphs_connection_is_port_reuse(&r->connections[r->count - 1], &s)) {
        g_assert_cmpuint(r->count, <, MOST_CONNECTIONS);
        const struct tcphs_connection *previous = r->count ? &r->connections[r->count - 1] : NULL;
        tcphs_connection_init(&r->connections[r->count], previous);
        if (previous)
            tcphs_connection_inherit(&r->connections[r->count], previous, &s);
        r->count++;
    }
    t.connection = r->count - 1;
    feed_both_ways(&r->connections[t.connection], &s, &t.outcome);
    tcphs_history_add(&r->histories[t.connection], &t.outcome, s.from, grow);
    g_array_append_val(r->told, t);
    compare_segment(r, line, &t.outcome, t.connection);
}

/* What was told at once must be told again, in any order. */
static void compare_recall(struct run *r)
{
    for (guint i = r->told->len; i-- > 0;) {
        const struct told *t = &g_array_index(r->told, struct told, i);
        struct tcphs_outcome again;
        tcphs_history_recall(&r->histories[t->connection], &r->connections[t->connection], t->outcome.frame, t->from,
                             &again);
        const struct tcphs_outcome *o = &t->outcome;
        const gboolean same =
            again.stage == o->stage && again.step == o->step && again.accepted == o->accepted &&
            tcphs_findings_equal(&again.findings, &o->findings) && again.close_steps == o->close_steps &&
            again.rst_kind == o->rst_kind && again.event == o->event && again.back == o->back &&
            again.client == o->client && again.assumed == o->assumed && again.has_due == o->has_due &&
            (!o->has_due || (again.due == o->due && again.seen == o->seen)) && again.time_synack == o->time_synack &&
            again.time_ack == o->time_ack && again.time_setup == o->time_setup && again.syn_count == o->syn_count &&
            again.synack_count == o->synack_count && memcmp(again.state, o->state, sizeof o->state) == 0 &&
            memcmp(again.links, o->links, sizeof o->links) == 0 &&
            memcmp(&again.options, &o->options, sizeof o->options) == 0 && again.rst_idle == o->rst_idle &&
            again.has_ttl_delta == o->has_ttl_delta && again.rst_ttl_delta == o->rst_ttl_delta;
        if (!same)
            disagree(r, (const struct trace_line *)g_ptr_array_index(r->c->lines, 0), "frame %u is recalled otherwise",
                     t->outcome.frame);
    }
}

gboolean trace_run(const char *path, const struct trace_case *c, struct trace_variant variant)
{
    struct run *r = g_new0(struct run, 1);
    r->path = path;
    r->c = c;
    r->variant = variant;
    r->now = 1000 * TCPHS_SECOND;
    r->agreed = TRUE;
    r->told = g_array_new(FALSE, FALSE, sizeof(struct told));
    for (guint i = 0; i < c->lines->len; i++) {
        const struct trace_line *line = (const struct trace_line *)g_ptr_array_index(c->lines, i);
        if (line->segment.frame)
            feed(r, line);
        else
            compare_summary(r, line);
    }
    compare_recall(r);
    for (unsigned i = 0; i < r->count; i++) {
        g_free(r->histories[i].changes);
        g_free(r->histories[i].entries);
    }
    g_array_free(r->told, TRUE);
    const gboolean agreed = r->agreed;
    g_free(r);
    return agreed;
}
