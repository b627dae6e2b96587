/* display.c
 * Fields, expert infos and texts, all generated from the .def tables.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "display/display.h"

#include <epan/column-utils.h>
#include <epan/expert.h>
#include <epan/proto.h>

#include "display/explain.h"
#include "tracker/half_open.h"
#include "display/value_strings.h"
#include "seq.h"

/* Lifetime: forever, like all that is registered with the host; so are the fields and expert infos below. */
static int proto_tcphs = -1;
static int ett_tcphs = -1;
static int ett_segment = -1;
static int ett_connection = -1;

#define TCPHS_FIELD(name, ...) static int hf_##name = -1;
#include "display/fields.def"

/* Index = enum tcphs_finding; row 0 is the hole. Notes have an expert info but no field of their own. Lifetime:
 * forever. */
static int hf_anomaly_row[TCPHS_FINDINGS];
static expert_field ei_finding[TCPHS_FINDINGS];
#define TCPHS_REMARK(name, group, summary) static expert_field ei_##name = EI_INIT;
#include "findings/findings.def"

static void register_fields(void)
{
    static hf_register_info fields[] = {
#define TCPHS_FIELD(name, abbrev, title, type, display, strings, blurb)                                                \
    { &hf_##name, { title, abbrev, type, display, strings, 0x0, blurb, HFILL } },
#include "display/fields.def"
    };
    static hf_register_info anomalies[] = {
#define TCPHS_ANOMALY(name, family, severity, group, summary, numbers, explanation, source, ...)                       \
    { &hf_anomaly_row[TCPHS_FINDS_##name],                                                                             \
      { summary, "tcphs.anomaly." #name, FT_NONE, BASE_NONE, NULL, 0x0, summary " (" source ")", HFILL } },
#include "findings/findings.def"
    };
    for (unsigned i = 0; i < TCPHS_FINDINGS; i++)
        hf_anomaly_row[i] = -1;
    proto_register_field_array(proto_tcphs, fields, array_length(fields));
    proto_register_field_array(proto_tcphs, anomalies, array_length(anomalies));
}

static void register_experts(void)
{
    static ei_register_info experts[] = {
#define TCPHS_ANOMALY(name, family, severity, group, summary, numbers, explanation, source, ...)                       \
    { &ei_finding[TCPHS_FINDS_##name], { "tcphs.expert." #name, PI_##group, PI_##severity, summary, EXPFILL } },
#define TCPHS_NOTE(name, family, severity, group, summary, numbers, explanation, source, ...)                          \
    { &ei_finding[TCPHS_FINDS_##name], { "tcphs.expert." #name, PI_##group, PI_##severity, summary, EXPFILL } },
#define TCPHS_REMARK(name, group, summary)                                                                             \
    { &ei_##name, { "tcphs.expert." #name, PI_##group, PI_NOTE, summary, EXPFILL } },
#include "findings/findings.def"
    };
    static const expert_field nothing = EI_INIT;
    for (unsigned i = 0; i < TCPHS_FINDINGS; i++)
        ei_finding[i] = nothing;
    expert_register_field_array(expert_register_protocol(proto_tcphs), experts, array_length(experts));
}

void tcphs_display_register(int proto)
{
    static int *ett[] = { &ett_tcphs, &ett_segment, &ett_connection };
    proto_tcphs = proto;
    register_fields();
    register_experts();
    proto_register_subtree_array(ett, array_length(ett));
}

/* Rows of the tree ---------------------------------------------------------------------------------------------- */

static void add_uint(proto_tree *tree, int hf, tvbuff_t *tvb, guint32 value)
{
    proto_item_set_generated(proto_tree_add_uint(tree, hf, tvb, 0, 0, value));
}

static void add_uint_if(proto_tree *tree, int hf, tvbuff_t *tvb, guint32 value)
{
    if (value != 0)
        add_uint(tree, hf, tvb, value);
}

static void add_mark(proto_tree *tree, int hf, tvbuff_t *tvb)
{
    proto_item_set_generated(proto_tree_add_item(tree, hf, tvb, 0, 0, ENC_NA));
}

static void add_boolean(proto_tree *tree, int hf, tvbuff_t *tvb, bool value)
{
    proto_item_set_generated(proto_tree_add_boolean(tree, hf, tvb, 0, 0, value ? 1 : 0));
}

static void add_time(proto_tree *tree, int hf, tvbuff_t *tvb, gint64 nanoseconds)
{
    if (nanoseconds < 0)
        return;
    const nstime_t time = { (time_t)(nanoseconds / 1000000000), (int)(nanoseconds % 1000000000) };
    proto_item_set_generated(proto_tree_add_time(tree, hf, tvb, 0, 0, &time));
}

static void add_explanation(proto_tree *tree, const struct tcphs_outcome *o, const struct tcphs_match *match,
                            const packet_info *pinfo, tvbuff_t *tvb)
{
    const char *text = tcphs_explain(o, match, pinfo);
    if (text != NULL)
        proto_item_set_generated(proto_tree_add_string(tree, hf_explain, tvb, 0, 0, text));
}

/* For columns, which show no more than a tick of a field without a value. */
static void add_name(proto_tree *tree, unsigned anomaly, tvbuff_t *tvb)
{
    proto_item *name = proto_tree_add_string(tree, hf_anomalies, tvb, 0, 0, tcphs_finding_name(anomaly));
    proto_item_set_generated(name);
    proto_item_set_hidden(name);
}

static void add_findings(proto_tree *tree, proto_item *root, const struct tcphs_outcome *o, packet_info *pinfo,
                         tvbuff_t *tvb)
{
    if (tcphs_findings_meet(&o->findings, &tcphs_anomalies))
        add_mark(tree, hf_anomaly, tvb);
    if (tcphs_findings_meet(&o->findings, &tcphs_forgeries))
        add_mark(tree, hf_forged, tvb);
    for (unsigned i = tcphs_findings_next(&o->findings, 0); i != 0; i = tcphs_findings_next(&o->findings, i)) {
        proto_item *row = root;
        if (tcphs_findings_has(&tcphs_anomalies, i)) {
            row = proto_tree_add_item(tree, hf_anomaly_row[i], tvb, 0, 0, ENC_NA);
            proto_item_set_generated(row);
            add_name(tree, i, tvb);
        }
        expert_add_info(pinfo, row, &ei_finding[i]);
    }
    add_uint_if(tree, hf_back_frame, tvb, o->back);
}

static void add_numbers(proto_tree *tree, const struct tcphs_outcome *o, tvbuff_t *tvb)
{
    if (o->accepted != TCPHS_ACCEPT_UNKNOWN)
        add_boolean(tree, hf_accepted, tvb, o->accepted == TCPHS_ACCEPT_YES);
    if (o->has_due) {
        add_uint(tree, hf_ack_expected, tvb, o->due);
        proto_item_set_generated(proto_tree_add_int(tree, hf_ack_delta, tvb, 0, 0, tcphs_seq_diff(o->seen, o->due)));
    }
    add_uint_if(tree, hf_rst_kind, tvb, o->rst_kind);
    add_time(tree, hf_rst_idle, tvb, o->rst_idle);
    if (o->has_ttl_delta)
        proto_item_set_generated(proto_tree_add_int(tree, hf_rst_ttl_delta, tvb, 0, 0, o->rst_ttl_delta));
    add_time(tree, hf_time_synack, tvb, o->time_synack);
    add_time(tree, hf_time_ack, tvb, o->time_ack);
    add_time(tree, hf_time_setup, tvb, o->time_setup);
    add_uint_if(tree, hf_syn_count, tvb, o->syn_count);
    add_uint_if(tree, hf_synack_count, tvb, o->synack_count);
    add_uint_if(tree, hf_event, tvb, o->event);
}

/* What the handshake offered and agreed on; only its steps say so. */
static void add_options(proto_tree *tree, const struct tcphs_outcome *o, tvbuff_t *tvb)
{
    const struct {
        int hf;
        guint8 bit;
    } agreed[] = {
        { hf_agreed_window_scale, TCPHS_AGREED_WINDOW_SCALE },
        { hf_agreed_sack, TCPHS_AGREED_SACK },
        { hf_agreed_timestamps, TCPHS_AGREED_TIMESTAMPS },
        { hf_agreed_ecn, TCPHS_AGREED_ECN },
        { hf_agreed_mptcp, TCPHS_AGREED_MPTCP },
    };
    const struct tcphs_handshake_options *options = &o->options;
    if (o->client >= TCPHS_NO_END)
        return;
    for (unsigned is_server = 0; is_server < 2; is_server++) {
        const unsigned end = is_server ? !o->client : o->client;
        if (options->has_mss & 1u << end)
            add_uint(tree, is_server ? hf_server_mss : hf_client_mss, tvb, options->mss[end]);
        if (options->has_scale & 1u << end)
            add_uint(tree, is_server ? hf_server_window_scale : hf_client_window_scale, tvb,
                     options->window_scale[end]);
    }
    for (unsigned i = 0; i < array_length(agreed) && (options->agreed & TCPHS_AGREED_KNOWN); i++)
        add_boolean(tree, agreed[i].hf, tvb, (options->agreed & agreed[i].bit) != 0);
}

static void add_half_open(proto_tree *tree, const struct tcphs_outcome *o, const struct tcphs_match *match,
                          const packet_info *pinfo, tvbuff_t *tvb)
{
    if (o->step == 1 || o->step == 2)
        add_uint_if(tree, hf_server_half_open, tvb, tcphs_half_open_at(pinfo->num, match->tracked->handle.id));
}

static void add_segment(proto_tree *tree, const struct tcphs_outcome *o, const struct tcphs_match *match, tvbuff_t *tvb)
{
    add_uint(tree, hf_id, tvb, match->tracked->handle.id);
    if (match->copy)
        add_mark(tree, hf_copy, tvb);
    if (match->icmp)
        add_mark(tree, hf_icmp, tvb);
    add_uint_if(tree, hf_stage, tvb, o->stage);
    add_uint_if(tree, hf_step, tvb, o->step);
    for (unsigned step = 1; step <= 4; step++)
        if (o->close_steps & 1u << (step - 1))
            add_uint(tree, hf_close_step, tvb, step);
    add_uint(tree, hf_from, tvb, tcphs_connection_role(o->client, match->from));
    if (o->client < TCPHS_NO_END) {
        add_uint(tree, hf_client_state, tvb, o->state[o->client]);
        add_uint(tree, hf_server_state, tvb, o->state[!o->client]);
    }
    add_numbers(tree, o, tvb);
    add_options(tree, o, tvb);
    add_uint_if(tree, hf_syn_frame, tvb, o->links[TCPHS_LINK_SYN]);
    add_uint_if(tree, hf_synack_frame, tvb, o->links[TCPHS_LINK_SYNACK]);
    add_uint_if(tree, hf_ack_frame, tvb, o->links[TCPHS_LINK_ACK]);
    add_uint_if(tree, hf_fin_frame, tvb, o->links[TCPHS_LINK_FIN]);
    add_uint_if(tree, hf_rst_frame, tvb, o->links[TCPHS_LINK_RST]);
    if (o->assumed)
        add_mark(tree, hf_assumed, tvb);
}

static void add_zeek(proto_tree *tree, struct tcphs_zeek_tracked *zeek, tvbuff_t *tvb)
{
    if (zeek == NULL)
        return;
    const struct tcphs_zeek *z = tcphs_zeek_record_read(zeek);
    const char *history = tcphs_zeek_history(z);
    proto_item_set_generated(proto_tree_add_string(tree, hf_conn_zeek_state, tvb, 0, 0, tcphs_zeek_state(z)));
    if (history[0] != '\0') /* Zeek logs an empty one as unset */
        proto_item_set_generated(proto_tree_add_string(tree, hf_conn_zeek_history, tvb, 0, 0, history));
}

static void add_summary(proto_tree *tree, const struct tcphs_summary *sum, const struct tcphs_match *match, bool final,
                        tvbuff_t *tvb)
{
    const struct tcphs_connection *c = &tcphs_connection_record_read(match->tracked)->connection;
    add_uint_if(tree, hf_conn_verdict, tvb, sum->verdict);
    if (sum->failed)
        add_mark(tree, hf_conn_failed, tvb);
    add_uint_if(tree, hf_conn_close, tvb, sum->close);
    if (sum->verdict != TCPHS_VERDICT_NONE)
        add_uint(tree, hf_conn_closed_by, tvb, sum->closed_by);
    if (sum->no_data)
        add_mark(tree, hf_conn_no_data, tvb);
    add_zeek(tree, match->zeek, tvb);
    add_uint_if(tree, hf_conn_established_frame, tvb, c->established_frame);
    add_uint_if(tree, hf_conn_end_frame, tvb, c->end_frame);
    add_uint_if(tree, hf_conn_icmp_frame, tvb, c->icmp_frame);
    add_boolean(tree, hf_conn_final, tvb, final);
}

/* What other segments of the capture show of this one. */
static void add_remarks(proto_item *root, const struct tcphs_match *match, packet_info *pinfo)
{
    if (match->from_elsewhere)
        expert_add_info(pinfo, root, &ei_synack_from_elsewhere);
    if (match->rewritten)
        expert_add_info(pinfo, root, &ei_syn_rewritten);
}

/* What even an unseen tree gives: expert infos, and they are rare. */
static void display_unseen(const struct tcphs_match *match, packet_info *pinfo, tvbuff_t *tvb)
{
    const struct tcphs_connection_record *record = tcphs_connection_record_read(match->tracked);
    struct tcphs_outcome o;
    add_remarks(NULL, match, pinfo);
    if (!tcphs_findings_any(&record->findings) && !(record->connection.facts & TCPHS_ASSUMED) &&
        record->history.entry_count < TCPHS_MOST_LOG_ENTRIES)
        return;
    tcphs_tracker_outcome(match, pinfo->num, &o);
    add_findings(NULL, NULL, &o, pinfo, tvb);
    if (o.assumption_begins)
        expert_add_info(pinfo, NULL, &ei_assumed);
    if (o.unkept_begins)
        expert_add_info(pinfo, NULL, &ei_unkept);
}

/* A branch of the tree. Its text is a key in JSON, so it says the same everywhere. */
static proto_tree *add_branch(proto_tree *tree, int ett, tvbuff_t *tvb, const char *name)
{
    proto_item *item;
    proto_tree *branch = proto_tree_add_subtree(tree, tvb, 0, 0, ett, &item, name);
    proto_item_set_generated(item);
    return branch;
}

static void append_part(wmem_strbuf_t *out, const char *part)
{
    if (wmem_strbuf_get_len(out) > 0)
        wmem_strbuf_append(out, ", ");
    wmem_strbuf_append(out, part);
}

static void append_anomalies(wmem_strbuf_t *out, const struct tcphs_findings *findings)
{
    const struct tcphs_findings anomalies = tcphs_findings_both(findings, &tcphs_anomalies);
    for (unsigned i = tcphs_findings_next(&anomalies, 0); i != 0; i = tcphs_findings_next(&anomalies, i))
        append_part(out, tcphs_finding_name(i));
}

/* What this segment changes or shows; empty for one of many. */
static const char *news_of(const struct tcphs_outcome *o, const struct tcphs_match *match, wmem_allocator_t *pool)
{
    static const char *const steps[] = { NULL, "step 1", "step 2", "step 3" };
    static const char *const close_steps[] = { "close 1", "close 2", "close 3", "close 4" };
    wmem_strbuf_t *out = wmem_strbuf_new(pool, "");
    if (match->copy)
        append_part(out, "capture copy");
    append_anomalies(out, &o->findings);
    if (o->step > 0)
        append_part(out, steps[o->step]);
    for (unsigned i = 0; i < array_length(close_steps); i++)
        if (o->close_steps & 1u << i)
            append_part(out, close_steps[i]);
    if (o->rst_kind != TCPHS_RST_NONE)
        append_part(out, val_to_str_const(o->rst_kind, tcphs_rst_kind_vals, "RST"));
    if (o->event != TCPHS_EVENT_NONE)
        append_part(out, val_to_str_const(o->event, tcphs_event_vals, "event"));
    return wmem_strbuf_get_str(out);
}

/* In front of TCP's own text, as its remarks in brackets stand. */
static void prepend_news(const struct tcphs_outcome *o, const struct tcphs_match *match, packet_info *pinfo)
{
    const char *news = news_of(o, match, pinfo->pool);
    if (news[0] != '\0')
        col_prepend_fence_fstr(pinfo->cinfo, COL_INFO, "[%s] ", news);
}

static proto_item *add_root(proto_tree *tree, const struct tcphs_outcome *o, const struct tcphs_summary *sum,
                            packet_info *pinfo, tvbuff_t *tvb)
{
    proto_item *root = proto_tree_add_item(tree, proto_tcphs, tvb, 0, 0, ENC_NA);
    proto_item_set_generated(root);
    if (tcphs_findings_meet(&o->findings, &tcphs_anomalies)) {
        wmem_strbuf_t *anomalies = wmem_strbuf_new(pinfo->pool, "");
        append_anomalies(anomalies, &o->findings);
        proto_item_append_text(root, ", Anomaly: %s", wmem_strbuf_get_str(anomalies));
    }
    proto_item_append_text(root, ", Stage: %s, Verdict: %s",
                           val_to_str_const(o->stage, tcphs_stage_vals, "no connection"),
                           val_to_str_const(sum->verdict, tcphs_verdict_vals, "none"));
    return root;
}

static void display_in(proto_tree *tree, const struct tcphs_match *match, packet_info *pinfo, tvbuff_t *tvb,
                       bool with_info)
{
    const struct tcphs_horizon horizon = tcphs_tracker_horizon(pinfo);
    struct tcphs_outcome o;
    struct tcphs_summary sum;
    tcphs_tracker_outcome(match, pinfo->num, &o);
    tcphs_summarise(&tcphs_connection_record_read(match->tracked)->connection, horizon, &sum);

    if (with_info)
        prepend_news(&o, match, pinfo);
    proto_item *root = add_root(tree, &o, &sum, pinfo, tvb);
    proto_tree *sub = proto_item_add_subtree(root, ett_tcphs);
    proto_tree *segment = add_branch(sub, ett_segment, tvb, "Segment");
    add_findings(segment, root, &o, pinfo, tvb);
    add_remarks(root, match, pinfo);
    if (!tcphs_findings_any(&o.findings) || o.back == 0)
        add_uint_if(segment, hf_back_frame, tvb, match->foreign_frame);
    add_explanation(segment, &o, match, pinfo, tvb);
    add_segment(segment, &o, match, tvb);
    add_half_open(segment, &o, match, pinfo, tvb);
    if (o.assumption_begins)
        expert_add_info(pinfo, root, &ei_assumed);
    if (o.unkept_begins)
        expert_add_info(pinfo, root, &ei_unkept);
    add_summary(add_branch(sub, ett_connection, tvb, "Connection"), &sum, match, horizon.final, tvb);
}

bool tcphs_display_is_wanted(proto_tree *tree)
{
    return tree != NULL && proto_field_is_referenced(tree, proto_tcphs);
}

void tcphs_display(const struct tcphs_match *match, packet_info *pinfo, tvbuff_t *tvb, proto_tree *tree, bool with_info)
{
    if (with_info || tcphs_display_is_wanted(tree))
        display_in(tree, match, pinfo, tvb, with_info);
    else
        display_unseen(match, pinfo, tvb);
}
