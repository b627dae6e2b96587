/* flow_graph.c
 * One arrow a rung: on it what was sent and what it does, at the right the states of both ends. Ordinary segments in a
 * row are one arrow, which counts them.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "reports/flow_graph.h"

#include "reports/ladder.h"
#include "display/value_strings.h"

#ifdef TCPHS_HAS_FLOW_GRAPH

enum { ORDINARY_WIDTH = 1, ANOMALY_WIDTH = 3 }; /* pixels */

static GHashTable
    *ladders_of; /* seq_analysis_info_t -> struct tcphs_ladders. Lifetime: forever; emptied with the file */

static void free_ladders(gpointer data)
{
    tcphs_ladders_free((struct tcphs_ladders *)data);
}

static void forget_all(void)
{
    g_hash_table_remove_all(ladders_of);
}

/* A graph without arrows is one that begins, perhaps anew. */
static struct tcphs_ladders *ladders_for(seq_analysis_info_t *graph)
{
    struct tcphs_ladders *ladders = (struct tcphs_ladders *)g_hash_table_lookup(ladders_of, graph);
    if (ladders == NULL || g_queue_is_empty(graph->items)) {
        ladders = tcphs_ladders_new();
        g_hash_table_insert(ladders_of, graph, ladders);
    }
    return ladders;
}

static seq_analysis_item_t *add_arrow(seq_analysis_info_t *graph, packet_info *pinfo, const struct tcphs_tapped *t)
{
    seq_analysis_item_t *arrow = sequence_analysis_create_sai_with_addresses(pinfo, graph);
    const struct tcphs_tuple tuple = tcphs_tracker_tuple(t->match.tracked);
    if (arrow == NULL)
        return NULL;
    arrow->frame_number = pinfo->num;
    arrow->port_src = tuple.port[t->match.from];
    arrow->port_dst = tuple.port[!t->match.from];
    arrow->conv_num = (guint16)t->match.tracked->handle.id;
    arrow->line_style = tcphs_findings_meet(&t->outcome->findings, &tcphs_anomalies) ? ANOMALY_WIDTH : ORDINARY_WIDTH;
    arrow->display = 1;
    g_queue_push_tail(graph->items, arrow);
    return arrow;
}

static void append_states(GString *out, const struct tcphs_outcome *o)
{
    if (o->client < TCPHS_NO_END)
        g_string_append_printf(out, "client %s, server %s",
                               val_to_str_const(o->state[o->client], tcphs_state_vals, "?"),
                               val_to_str_const(o->state[!o->client], tcphs_state_vals, "?"));
    else
        g_string_append(out, val_to_str_const(o->stage, tcphs_stage_vals, "no connection"));
}

static void write_arrow(seq_analysis_item_t *arrow, const struct tcphs_ladders *ladders, const struct tcphs_rung *rung,
                        const struct tcphs_tapped *t)
{
    GString *label = g_string_new(NULL), *comment = g_string_new(NULL);
    tcphs_rung_append_label(ladders, t->match.tracked->handle.id, rung, label);
    tcphs_rung_append_comment(rung, comment);
    g_string_append(label, comment->str);
    if (comment->len > 0)
        g_string_append(g_string_erase(comment, 0, 1), "; "); /* what is on the arrow too, for arrows can be short */
    append_states(comment, t->outcome);
    g_free(arrow->frame_label);
    g_free(arrow->comment);
    arrow->frame_label = g_string_free(label, FALSE);
    arrow->comment = g_string_free(comment, FALSE);
}

static tap_packet_status draw(void *data, packet_info *pinfo, epan_dissect_t *edt, const void *tapped,
                              tap_flags_t flags)
{
    seq_analysis_info_t *graph = (seq_analysis_info_t *)data;
    struct tcphs_ladders *ladders = ladders_for(graph);
    const struct tcphs_tapped *t = (const struct tcphs_tapped *)tapped;
    (void)edt;
    (void)flags;
    struct tcphs_rung *rung = t->outcome != NULL ? tcphs_ladders_add(ladders, pinfo, t) : NULL;
    if (rung == NULL)
        return TAP_PACKET_DONT_REDRAW;
    void **arrow = tcphs_rung_shown(rung);
    if (*arrow == NULL)
        *arrow = add_arrow(graph, pinfo, t);
    if (*arrow != NULL)
        write_arrow((seq_analysis_item_t *)*arrow, ladders, rung, t);
    return TAP_PACKET_REDRAW;
}

void tcphs_flow_graph_register(int proto_tcphs)
{
    ladders_of = g_hash_table_new_full(g_direct_hash, g_direct_equal, NULL, free_ladders);
    register_init_routine(forget_all);
    /* Not by the protocol's name: tshark would take -z flow,tcphs for flow,tcp with something behind it. */
    register_seq_analysis("handshake", "TCP Handshakes", proto_tcphs, "tcphs", TCPHS_FLOW_GRAPH_FLAGS, draw);
}

#else

void tcphs_flow_graph_register(int proto_tcphs)
{
    (void)proto_tcphs;
}

#endif
