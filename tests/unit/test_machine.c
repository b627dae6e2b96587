/* test_machine.c
 * The table of machine.c: total, without holes, and with every arc of RFC 9293 figure 5.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <glib.h>

#include "tcp/machine.h"
#include "seq.h"

static void test_total(void)
{
    for (int state = TCPHS_CLOSED; state < TCPHS_STATES; state++)
        for (int event = TCPHS_SENDS_SYN; event < TCPHS_MACHINE_EVENTS; event++) {
            const int next = (int)tcphs_machine((enum tcphs_state)state, (enum tcphs_machine_event)event);
            g_assert_cmpint(next, >=, TCPHS_CLOSED);
            g_assert_cmpint(next, <, TCPHS_STATES);
        }
}

static void test_holes_and_nonsense(void)
{
    g_assert_cmpint(tcphs_machine(TCPHS_STATE_NONE, TCPHS_SENDS_SYN), ==, TCPHS_STATE_NONE);
    g_assert_cmpint(tcphs_machine(TCPHS_CLOSED, (enum tcphs_machine_event)0), ==, TCPHS_STATE_NONE);
    g_assert_cmpint(tcphs_machine(TCPHS_STATES, TCPHS_SENDS_SYN), ==, TCPHS_STATE_NONE);
    g_assert_cmpint(tcphs_machine(TCPHS_CLOSED, TCPHS_MACHINE_EVENTS), ==, TCPHS_STATE_NONE);
    g_assert_cmpint(tcphs_machine((enum tcphs_state) - 1, (enum tcphs_machine_event) - 1), ==, TCPHS_STATE_NONE);
}

/* The arcs of RFC 9293 figure 5 that show on the wire, as one endpoint goes through them. */
static void test_figure_5(void)
{
    static const struct {
        enum tcphs_state from;
        enum tcphs_machine_event event;
        enum tcphs_state to;
    } arcs[] = {
        { TCPHS_CLOSED, TCPHS_SENDS_SYN, TCPHS_SYN_SENT },          /* active OPEN */
        { TCPHS_LISTEN, TCPHS_SENDS_SYN, TCPHS_SYN_SENT },          /* SEND */
        { TCPHS_LISTEN, TCPHS_SENDS_SYN_ACK, TCPHS_SYN_RECEIVED },  /* rcv SYN, snd SYN,ACK */
        { TCPHS_SYN_SENT, TCPHS_HEARS_SYN, TCPHS_SYN_RECEIVED },    /* rcv SYN, snd SYN,ACK: simultaneous open */
        { TCPHS_SYN_SENT, TCPHS_HEARS_SYN_ACK, TCPHS_ESTABLISHED }, /* rcv SYN,ACK, snd ACK */
        { TCPHS_SYN_RECEIVED, TCPHS_HEARS_ACK_OF_SYN, TCPHS_ESTABLISHED },
        { TCPHS_SYN_RECEIVED, TCPHS_SENDS_FIN, TCPHS_FIN_WAIT_1 }, /* CLOSE */
        { TCPHS_ESTABLISHED, TCPHS_SENDS_FIN, TCPHS_FIN_WAIT_1 },  /* CLOSE */
        { TCPHS_ESTABLISHED, TCPHS_HEARS_FIN, TCPHS_CLOSE_WAIT },
        { TCPHS_FIN_WAIT_1, TCPHS_HEARS_ACK_OF_FIN, TCPHS_FIN_WAIT_2 },
        { TCPHS_FIN_WAIT_1, TCPHS_HEARS_FIN, TCPHS_CLOSING },
        { TCPHS_FIN_WAIT_2, TCPHS_HEARS_FIN, TCPHS_TIME_WAIT },
        { TCPHS_CLOSE_WAIT, TCPHS_SENDS_FIN, TCPHS_LAST_ACK }, /* CLOSE */
        { TCPHS_CLOSING, TCPHS_HEARS_ACK_OF_FIN, TCPHS_TIME_WAIT },
        { TCPHS_LAST_ACK, TCPHS_HEARS_ACK_OF_FIN, TCPHS_CLOSED },
    };
    for (gsize i = 0; i < G_N_ELEMENTS(arcs); i++)
        g_assert_cmpint(tcphs_machine(arcs[i].from, arcs[i].event), ==, arcs[i].to);
}

/* An RST ends every state but LISTEN (3.10.7), and whoever sends one is gone. */
static void test_reset(void)
{
    for (int state = TCPHS_CLOSED; state < TCPHS_STATES; state++) {
        const int heard = (int)tcphs_machine((enum tcphs_state)state, TCPHS_HEARS_RST);
        g_assert_cmpint(heard, ==, state == TCPHS_LISTEN ? TCPHS_LISTEN : TCPHS_CLOSED);
        g_assert_cmpint(tcphs_machine((enum tcphs_state)state, TCPHS_SENDS_RST), ==, TCPHS_CLOSED);
    }
}

/* What was believed and was none is taken back: its own FIN, its peer's, the acknowledgment of its own. */
static void test_corrections(void)
{
    static const enum tcphs_machine_event closes[] = { TCPHS_SENDS_FIN, TCPHS_HEARS_FIN, TCPHS_HEARS_ACK_OF_FIN };
    const enum tcphs_state open = TCPHS_ESTABLISHED;
    const enum tcphs_state closed = tcphs_machine(tcphs_machine(open, closes[1]), closes[0]); /* LAST-ACK */
    g_assert_cmpint(tcphs_machine(tcphs_machine(open, closes[0]), TCPHS_SENT_NO_FIN), ==, open);
    g_assert_cmpint(tcphs_machine(tcphs_machine(open, closes[1]), TCPHS_HEARD_NO_FIN), ==, open);
    g_assert_cmpint(tcphs_machine(closed, TCPHS_SENT_NO_FIN), ==, TCPHS_CLOSE_WAIT);
    g_assert_cmpint(tcphs_machine(closed, TCPHS_HEARD_NO_FIN), ==, TCPHS_FIN_WAIT_1);
    g_assert_cmpint(tcphs_machine(tcphs_machine(closed, closes[2]), TCPHS_MISSED_ACK_OF_FIN), ==, closed);
    for (int state = TCPHS_STATE_NONE; state < TCPHS_STATES; state++) {
        g_assert_cmpint(tcphs_machine((enum tcphs_state)state, TCPHS_FORGOTTEN), ==, TCPHS_UNKNOWN);
        if (state != TCPHS_STATE_NONE)
            g_assert_cmpint(tcphs_machine(TCPHS_CLOSED, tcphs_resumes((unsigned)state)), ==, state);
    }
    g_assert_cmpint(tcphs_machine(TCPHS_CLOSED, tcphs_resumes(TCPHS_STATES)), ==, TCPHS_STATE_NONE);
}

/* Once synchronised, no SYN of any kind moves an end (RFC 5961 section 4). */
static void test_syn_moves_no_synchronised_end(void)
{
    static const enum tcphs_machine_event syns[] = { TCPHS_SENDS_SYN, TCPHS_SENDS_SYN_ACK, TCPHS_HEARS_SYN,
                                                     TCPHS_HEARS_SYN_ACK };
    for (int state = TCPHS_ESTABLISHED; state <= TCPHS_TIME_WAIT; state++)
        for (gsize i = 0; i < G_N_ELEMENTS(syns); i++)
            g_assert_cmpint(tcphs_machine((enum tcphs_state)state, syns[i]), ==, state);
}

static void test_sequence_numbers(void)
{
    static const guint32 bases[] = { 0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF };
    for (gsize i = 0; i < G_N_ELEMENTS(bases); i++) {
        const guint32 b = bases[i];
        g_assert_true(tcphs_seq_before(b, b + 1) && tcphs_seq_after(b + 1, b) && !tcphs_seq_before(b, b));
        g_assert_cmpint(tcphs_seq_diff(b - 5, b), ==, -5);
        g_assert_true(tcphs_seq_within(b, b, b) && tcphs_seq_within(b + 2, b, b + 2) &&
                      !tcphs_seq_within(b + 3, b, b + 2));
        g_assert_false(tcphs_seq_within(b - 1, b, b + 2));
        g_assert_cmpuint(tcphs_seq_max(b, b + 7), ==, b + 7);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/machine/total", test_total);
    g_test_add_func("/machine/holes and nonsense", test_holes_and_nonsense);
    g_test_add_func("/machine/figure 5", test_figure_5);
    g_test_add_func("/machine/reset", test_reset);
    g_test_add_func("/machine/corrections", test_corrections);
    g_test_add_func("/machine/syn moves no synchronised end", test_syn_moves_no_synchronised_end);
    g_test_add_func("/seq/arithmetic", test_sequence_numbers);
    return g_test_run();
}
