/* test_connection.c
 * What the trace notation has no words for: frames whose number is given to another frame (read filters do that), more
 * than one segment in a frame, and a socket that is its own peer.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <string.h>

#include <glib.h>

#include "history.h"
#include "tcp/connection.h"
#include "tcp/port_reuse.h"

#define CLIENT 0
#define SERVER 1
#define CLIENT_ISN 1000u
#define SERVER_ISN 5000u

static struct tcphs_connection connection;
static struct tcphs_history history;

static void *grow(void *old, size_t old_size, size_t size)
{
    (void)old_size;
    return g_realloc(old, size);
}

static void begin(void)
{
    g_free(history.changes);
    g_free(history.entries);
    g_free(history.link_changes);
    memset(&history, 0, sizeof history);
    tcphs_connection_init(&connection, NULL);
}

/* Frames are a millisecond apart. */
static struct tcphs_segment segment(guint32 frame, guint8 from, guint16 flags, guint32 seq, guint32 ack)
{
    return (struct tcphs_segment){ .time = TCPHS_SECOND + frame * (TCPHS_SECOND / 1000),
                                   .frame = frame,
                                   .seq = seq,
                                   .ack = ack,
                                   .flags = flags,
                                   .window = 1000,
                                   .source_port = from == CLIENT ? 40000 : 80,
                                   .destination_port = from == CLIENT ? 80 : 40000,
                                   .from = from };
}

static void feed_segment(const struct tcphs_segment *s)
{
    struct tcphs_outcome told;
    tcphs_connection_segment(&connection, s, &told);
    tcphs_history_add(&history, &told, s->from, grow);
}

static void feed(guint32 frame, guint8 from, guint16 flags, guint32 seq, guint32 ack)
{
    const struct tcphs_segment s = segment(frame, from, flags, seq, ack);
    feed_segment(&s);
}

static void feed_syn_ack(guint32 frame, guint32 isn, guint16 mss)
{
    struct tcphs_segment s = segment(frame, SERVER, TCPHS_SYN | TCPHS_ACK, isn, CLIENT_ISN + 1);
    s.options = TCPHS_OPT_MSS;
    s.mss = mss;
    feed_segment(&s);
}

static void give_away(guint32 frame)
{
    tcphs_history_forget_frame(&history, frame);
    tcphs_connection_forget_frame(&connection, frame);
}

static struct tcphs_outcome recall(guint32 frame, unsigned from)
{
    struct tcphs_outcome o;
    tcphs_history_recall(&history, &connection, frame, from, &o);
    return o;
}

/* The note that said what the server offers goes with its frame: the next step says it all again. */
static void test_options_of_a_number_given_away(void)
{
    begin();
    feed(1, CLIENT, TCPHS_SYN, CLIENT_ISN, 0);
    feed_syn_ack(2, SERVER_ISN, 1400);
    give_away(2);
    feed_syn_ack(2, SERVER_ISN, 1400);
    const struct tcphs_outcome step_1 = recall(1, CLIENT), step_2 = recall(2, SERVER);
    g_assert_cmpuint(step_1.step, ==, 1);
    g_assert_cmpuint(step_1.options.has_mss, ==, 0);
    g_assert_cmpuint(step_2.step, ==, 2);
    g_assert_cmpuint(step_2.options.has_mss, ==, 1u << SERVER);
    g_assert_cmpuint(step_2.options.mss[SERVER], ==, 1400);
}

/* The client acknowledges the second of two SYN-ACKs, which changes the link; the number of a later frame is given
 * away, and both frames show what they did. */
static void test_links_of_a_number_given_away(void)
{
    begin();
    feed(1, CLIENT, TCPHS_SYN, CLIENT_ISN, 0);
    feed_syn_ack(2, SERVER_ISN, 1400);
    feed_syn_ack(3, SERVER_ISN + 100000, 1400);
    feed(4, CLIENT, TCPHS_ACK, CLIENT_ISN + 1, SERVER_ISN + 100001);
    feed(5, CLIENT, TCPHS_FIN | TCPHS_ACK, CLIENT_ISN + 1, SERVER_ISN + 100001);
    give_away(5);
    g_assert_cmpuint(recall(3, SERVER).links[TCPHS_LINK_SYNACK], ==, 2);
    g_assert_cmpuint(recall(4, CLIENT).links[TCPHS_LINK_SYNACK], ==, 3);
    feed(5, SERVER, TCPHS_ACK, SERVER_ISN + 100001, CLIENT_ISN + 2);
    g_assert_cmpuint(recall(5, SERVER).links[TCPHS_LINK_SYNACK], ==, 3);
    g_assert_cmpuint(recall(5, SERVER).links[TCPHS_LINK_FIN], ==, 0);
}

/* The first of two SYN-ACKs has lost its number, which the second has got: the server goes on behind that one, and the
 * link is to it alone. */
static void test_syn_ack_of_a_number_given_away(void)
{
    begin();
    feed(1, CLIENT, TCPHS_SYN, CLIENT_ISN, 0);
    feed_syn_ack(2, SERVER_ISN, 1400);
    give_away(2);
    g_assert_cmpuint(connection.links[TCPHS_LINK_SYNACK], ==, 0);
    feed_syn_ack(2, SERVER_ISN + 100000, 1400);
    feed(3, SERVER, TCPHS_ACK, SERVER_ISN + 100001, CLIENT_ISN + 1);
    g_assert_cmpuint(connection.links[TCPHS_LINK_SYNACK], ==, 2);
    feed(4, CLIENT, TCPHS_ACK, CLIENT_ISN + 1, SERVER_ISN + 100001);
    g_assert_cmpuint(recall(4, CLIENT).step, ==, 3);
    g_assert_cmpuint(connection.end[SERVER].state, ==, TCPHS_ESTABLISHED);
}

/* Of two segments in one frame the last one's numbers are shown. */
static void test_two_segments_in_a_frame(void)
{
    begin();
    feed(1, CLIENT, TCPHS_SYN, CLIENT_ISN, 0);
    feed_syn_ack(2, SERVER_ISN, 1400);
    feed(3, CLIENT, TCPHS_ACK, CLIENT_ISN + 1, SERVER_ISN + 1);
    feed(4, CLIENT, TCPHS_RST, CLIENT_ISN + 200001, 0);
    feed(4, CLIENT, TCPHS_RST, CLIENT_ISN + 300001, 0);
    const struct tcphs_outcome shown = recall(4, CLIENT);
    unsigned found = 0;
    for (unsigned i = 0; i < shown.explained_count; i++)
        if (shown.explained[i].finding == TCPHS_FINDS_rst_out_of_window) {
            g_assert_cmpuint(shown.explained[i].seen, ==, 300001);
            g_assert_cmpuint(shown.explained[i].due, ==, 1);
            found++;
        }
    g_assert_cmpuint(found, ==, 1);
    g_assert_true(tcphs_findings_has(&shown.findings, TCPHS_FINDS_rst_out_of_window));
}

/* More of them than an outcome has room for: the first are shown. */
static void test_many_explanations_in_a_frame(void)
{
    begin();
    for (unsigned first = 1; first < 3 * TCPHS_MOST_EXPLAINED; first += TCPHS_MOST_EXPLAINED) {
        struct tcphs_outcome o = { .frame = 7, .waited = -1, .time_synack = -1, .time_ack = -1, .time_setup = -1 };
        o.explained_count = TCPHS_MOST_EXPLAINED;
        for (unsigned i = 0; i < TCPHS_MOST_EXPLAINED; i++)
            o.explained[i] = (struct tcphs_explanation){ .seen = first + i, .finding = (guint8)(first + i) };
        tcphs_history_add(&history, &o, CLIENT, grow);
    }
    const struct tcphs_outcome shown = recall(7, CLIENT);
    g_assert_cmpuint(shown.explained_count, ==, TCPHS_MOST_EXPLAINED);
    for (unsigned i = 0; i < TCPHS_MOST_EXPLAINED; i++)
        g_assert_cmpuint(shown.explained[i].seen, ==, 1 + i);
}

static gboolean feed_itself(guint32 frame, guint16 flags, guint32 seq, guint32 ack)
{
    struct tcphs_connection next;
    struct tcphs_segment s = segment(frame, CLIENT, flags, seq, ack);
    s.destination_port = s.source_port;
    s.to_itself = true;
    const bool is_reuse = tcphs_connection_is_port_reuse(&connection, &s);
    if (is_reuse) {
        tcphs_connection_init(&next, &connection);
        tcphs_connection_inherit(&next, &connection, &s);
        connection = next;
    }
    feed_segment(&s);
    return is_reuse;
}

/* What a socket sends to itself it hears from itself (RFC 9293 3.5), and so it does with the SYN that was kept while
 * the old connection met it. */
static void test_reuse_by_a_socket_connected_to_itself(void)
{
    begin();
    g_assert_false(feed_itself(1, TCPHS_SYN, CLIENT_ISN, 0));
    g_assert_false(feed_itself(2, TCPHS_SYN | TCPHS_ACK, CLIENT_ISN, CLIENT_ISN + 1));
    g_assert_cmpuint(tcphs_connection_stage(&connection), ==, TCPHS_STAGE_ESTABLISHED);
    g_assert_false(feed_itself(3, TCPHS_SYN, CLIENT_ISN + 90000, 0));
    g_assert_true(feed_itself(4, TCPHS_SYN | TCPHS_ACK, CLIENT_ISN + 90000, CLIENT_ISN + 90001));
    g_assert_cmpuint(tcphs_connection_stage(&connection), ==, TCPHS_STAGE_ESTABLISHED);
    g_assert_cmpuint(recall(4, CLIENT).step, ==, 2);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/connection/options of a number given away", test_options_of_a_number_given_away);
    g_test_add_func("/connection/links of a number given away", test_links_of_a_number_given_away);
    g_test_add_func("/connection/SYN-ACK of a number given away", test_syn_ack_of_a_number_given_away);
    g_test_add_func("/connection/two segments in a frame", test_two_segments_in_a_frame);
    g_test_add_func("/connection/many explanations in a frame", test_many_explanations_in_a_frame);
    g_test_add_func("/connection/reuse by a socket connected to itself", test_reuse_by_a_socket_connected_to_itself);
    return g_test_run();
}
