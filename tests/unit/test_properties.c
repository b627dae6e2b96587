/* test_properties.c
 * What must hold for any sequence of segments, sensible or not: no value out of range, the same answer when recalled,
 * when mirrored, and when both sequence spaces are shifted; and what a receiver drops changes neither end.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <string.h>

#include <glib.h>

#include "both_ways.h"
#include "history.h"
#include "tcp/verdict.h"
#include "tcp/connection.h"

#define TALKS 3000
#define SEGMENTS 40

/* How a talk is looked at: the same script must give the same story. */
struct variant_of_talk {
    guint32 shift[2];
    gboolean mirrored;
};

struct talk {
    struct tcphs_connection connection;
    struct tcphs_history history;
    struct tcphs_outcome told[SEGMENTS];
    guint8 from[SEGMENTS];
    guint fast_path; /* segments that could go the short way */
};

static void *grow(void *old, size_t old_size, size_t size)
{
    (void)old_size;
    return g_realloc(old, size);
}

/* Options as both ends would agree on them, with clocks that go on, now and then a little or far off, and signatures.
 */
static void write_options(GRand *rand, struct tcphs_segment *s, guint32 clocks[2], gboolean is_signed)
{
    const gboolean strange = g_rand_int_range(rand, 0, 12) == 0;
    clocks[s->from] += (guint32)g_rand_int_range(rand, 0, 5);
    s->options |= TCPHS_OPT_TIMESTAMP;
    s->ts_value = clocks[s->from];
    s->ts_echo = clocks[!s->from];
    if (s->flags & TCPHS_SYN)
        s->options |= TCPHS_OPT_MSS | TCPHS_OPT_WSCALE | TCPHS_OPT_SACK_PERMITTED;
    if (is_signed)
        s->options |= TCPHS_OPT_MD5;
    if (!strange)
        return;
    if (g_rand_boolean(rand))
        s->ts_value -= g_rand_boolean(rand) ? (guint32)g_rand_int_range(rand, 0, 5000) : (guint32)g_rand_int(rand);
    else
        s->options = (guint16)g_rand_int_range(rand, 0, 0x800);
}

/* Segments around two counters, so that many of them fit: the interesting ones nearly do. calm: how much rarer than
 * usual the strange ones are. */
static void write_script(GRand *rand, struct tcphs_segment *script, int calm)
{
    static const guint16 flags[] = { TCPHS_SYN,
                                     TCPHS_SYN | TCPHS_ACK,
                                     TCPHS_ACK,
                                     TCPHS_ACK,
                                     TCPHS_ACK | TCPHS_PSH,
                                     TCPHS_ACK | TCPHS_PSH,
                                     TCPHS_FIN | TCPHS_ACK,
                                     TCPHS_RST,
                                     TCPHS_RST | TCPHS_ACK };
    guint32 sent[2] = { 0, 0 }, clocks[2] = { 1u << 20, 1u << 24 };
    gint64 now = 0;
    const gboolean with_options = g_rand_boolean(rand), is_signed = g_rand_int_range(rand, 0, 4) == 0;
    for (int i = 0; i < SEGMENTS; i++) {
        struct tcphs_segment *s = &script[i];
        const guint8 from = (guint8)g_rand_int_range(rand, 0, 2);
        const guint16 orderly = i == 0   ? TCPHS_SYN
                                : i == 1 ? TCPHS_SYN | TCPHS_ACK
                                         : flags[g_rand_int_range(rand, 2, g_rand_int_range(rand, 0, calm) ? 6 : 7)];
        const gboolean wild = g_rand_int_range(rand, 0, 12 * calm) == 0;
        memset(s, 0, sizeof *s);
        s->from = i < 2 ? (guint8)i : from;
        s->frame = (guint32)i + 1;
        s->time = now += g_rand_int_range(rand, 0, 50) * INT64_C(1000000);
        s->flags = wild                                  ? (guint16)g_rand_int_range(rand, 0, 512)
                   : g_rand_int_range(rand, 0, 6 * calm) ? orderly
                                                         : flags[g_rand_int_range(rand, 0, 9)];
        s->length = (s->flags & TCPHS_PSH) ? (guint32)g_rand_int_range(rand, 0, 200) : 0;
        s->seq = sent[s->from] + (wild                                  ? (guint32)g_rand_int(rand)
                                  : g_rand_int_range(rand, 0, 5 * calm) ? 0
                                                                        : (guint32)g_rand_int_range(rand, -300, 300));
        s->ack = (s->flags & TCPHS_ACK)
                     ? sent[!s->from] +
                           (g_rand_int_range(rand, 0, 5 * calm) ? 0 : (guint32)g_rand_int_range(rand, -300, 300))
                     : 0;
        s->window = (guint16)g_rand_int_range(rand, 0, 65536);
        s->source_port = s->destination_port = 80; /* equal, so that no role is guessed from them */
        s->options = g_rand_int_range(rand, 0, 20) ? 0 : TCPHS_OPTIONS_CUT;
        if (with_options && s->options == 0)
            write_options(rand, s, clocks, is_signed);
        if (!wild)
            sent[s->from] = MAX(sent[s->from], s->seq + tcphs_segment_space(s));
    }
}

static void tell(struct talk *t, const struct tcphs_segment *script, struct variant_of_talk variant)
{
    memset(t, 0, sizeof *t);
    tcphs_connection_init(&t->connection, NULL);
    for (int i = 0; i < SEGMENTS; i++) {
        struct tcphs_segment s = script[i];
        s.seq += variant.shift[s.from];
        s.ack += (s.flags & TCPHS_ACK) ? variant.shift[!s.from] : 0;
        s.ts_value += variant.shift[s.from]; /* any numbers that stay the same will do */
        s.ts_echo += variant.shift[!s.from];
        s.from = variant.mirrored ? !s.from : s.from;
        t->from[i] = s.from;
        t->fast_path += feed_both_ways(&t->connection, &s, &t->told[i]);
        tcphs_history_add(&t->history, &t->told[i], s.from, grow);
    }
}

static void forget(struct talk *t)
{
    g_free(t->history.changes);
    g_free(t->history.entries);
}

static void check_ranges(const struct tcphs_outcome *o)
{
    g_assert_cmpuint(o->stage, <=, TCPHS_STAGE_MIDSTREAM);
    g_assert_cmpuint(o->state[0], >=, TCPHS_CLOSED);
    g_assert_cmpuint(o->state[0], <, TCPHS_STATES);
    g_assert_cmpuint(o->state[1], >=, TCPHS_CLOSED);
    g_assert_cmpuint(o->state[1], <, TCPHS_STATES);
    g_assert_cmpuint(o->step, <=, 3);
    g_assert_cmpuint(o->close_steps, <, 16);
    g_assert_cmpuint(o->accepted, <=, TCPHS_ACCEPT_YES);
    g_assert_cmpuint(o->rst_kind, <=, TCPHS_RST_UNKNOWN);
    g_assert_cmpuint(o->event, <=, TCPHS_EVENT_ENDED);
    for (unsigned i = 0; i < 64 * TCPHS_FINDING_WORDS; i++)
        g_assert_true((i != TCPHS_FINDING_NONE && i < TCPHS_FINDINGS) || !tcphs_findings_has(&o->findings, i));
    for (int i = 0; i < TCPHS_LINKS; i++)
        g_assert_cmpuint(o->links[i], <=, o->frame);
    g_assert_cmpuint(o->back, <, o->frame);
}

/* The same outcome, whatever differs on purpose between the two variants. */
static void check_same(const struct tcphs_outcome *a, const struct tcphs_outcome *b, gboolean mirrored)
{
    g_assert_cmpuint(a->stage, ==, b->stage);
    g_assert_cmpuint(a->step, ==, b->step);
    g_assert_cmpuint(a->close_steps, ==, b->close_steps);
    g_assert_cmpuint(a->accepted, ==, b->accepted);
    g_assert_cmpuint(a->rst_kind, ==, b->rst_kind);
    g_assert_cmpuint(a->event, ==, b->event);
    /* The one number with a meaning of its own: a zero acknowledgment in a RST is none. */
    struct tcphs_findings of_a = a->findings, of_b = b->findings;
    tcphs_findings_add(&of_a, TCPHS_FINDS_rst_bad_ack);
    tcphs_findings_add(&of_b, TCPHS_FINDS_rst_bad_ack);
    g_assert_true(tcphs_findings_equal(&of_a, &of_b));
    g_assert_cmpuint(a->back, ==, b->back);
    g_assert_cmpuint(a->state[0], ==, b->state[mirrored ? 1 : 0]);
    g_assert_cmpuint(a->state[1], ==, b->state[mirrored ? 0 : 1]);
    g_assert_cmpint(a->assumed, ==, b->assumed);
    g_assert_cmpint(a->has_due, ==, b->has_due);
    g_assert_cmpint(a->rst_idle, ==, b->rst_idle);
    g_assert_cmpint(a->rst_ttl_delta, ==, b->rst_ttl_delta);
    g_assert_cmpuint(a->seen - a->due, ==, b->seen - b->due);
    g_assert_cmpint(a->time_setup, ==, b->time_setup);
    g_assert_cmpint(memcmp(a->links, b->links, sizeof a->links), ==, 0);
}

static void check_recall(const struct talk *t)
{
    for (int i = SEGMENTS; i-- > 0;) {
        struct tcphs_outcome again;
        tcphs_history_recall(&t->history, &t->connection, t->told[i].frame, t->from[i], &again);
        check_same(&t->told[i], &again, FALSE);
        g_assert_cmpuint(again.due, ==, t->told[i].has_due ? t->told[i].due : 0);
        g_assert_cmpuint(again.client, ==, t->told[i].client);
        g_assert_cmpint(again.time_synack, ==, t->told[i].time_synack);
        g_assert_cmpint(again.time_ack, ==, t->told[i].time_ack);
        g_assert_cmpint(memcmp(&again.options, &t->told[i].options, sizeof again.options), ==, 0);
        g_assert_cmpuint(again.syn_count, ==, t->told[i].syn_count);
        g_assert_cmpuint(again.synack_count, ==, t->told[i].synack_count);
    }
}

static void test_any_talk(void)
{
    static const struct variant_of_talk variants[] = {
        { { 0xFFFFFF80, 0x7FFFFF80 }, FALSE },
        { { 1000, 0x80000000 }, FALSE },
        { { 0, 0 }, TRUE },
    };
    GRand *rand = g_rand_new_with_seed(9293);
    static struct tcphs_segment script[SEGMENTS];
    static struct talk fast_path, other;
    guint fast_paths = 0;
    for (int i = 0; i < TALKS; i++) {
        write_script(rand, script, i % 2 ? 20 : 1);
        /* Numbers start away from 0, which stands for "unknown" in explanations only. */
        tell(&fast_path, script, (struct variant_of_talk){ { 5, 7 }, FALSE });
        for (int k = 0; k < SEGMENTS; k++)
            check_ranges(&fast_path.told[k]);
        check_recall(&fast_path);
        for (gsize v = 0; v < G_N_ELEMENTS(variants); v++) {
            tell(&other, script, variants[v]);
            for (int k = 0; k < SEGMENTS; k++)
                check_same(&fast_path.told[k], &other.told[k], variants[v].mirrored);
            forget(&other);
        }
        fast_paths += fast_path.fast_path;
        forget(&fast_path);
    }
    g_assert_cmpuint(fast_paths, >, TALKS); /* or the two ways were hardly compared */
    g_rand_free(rand);
}

/* "A segment its receiver would drop changes no state": but for what it proves about an earlier belief or assumption.
 */
static void test_dropped_segments_change_nothing(void)
{
    struct tcphs_findings proofs = { { 0 } };
    tcphs_findings_add(&proofs, TCPHS_FINDS_rst_ignored);
    tcphs_findings_add(&proofs, TCPHS_FINDS_rst_peer_continues);
    GRand *rand = g_rand_new_with_seed(5961);
    static struct tcphs_segment script[SEGMENTS];
    static struct talk t;
    guint dropped = 0;
    for (int i = 0; i < TALKS; i++) {
        write_script(rand, script, 1);
        tell(&t, script, (struct variant_of_talk){ { 0, 0 }, FALSE });
        for (int k = 1; k < SEGMENTS; k++) {
            const struct tcphs_outcome *o = &t.told[k], *before = &t.told[k - 1];
            const gboolean syn = (script[k].flags & TCPHS_SYN) != 0; /* may repeat: the other end was not there yet */
            if (o->accepted != TCPHS_ACCEPT_NO || tcphs_findings_meet(&o->findings, &proofs) || syn || o->assumed)
                continue;
            dropped++;
            g_assert_cmpuint(o->stage, ==, before->stage);
            g_assert_cmpint(memcmp(o->state, before->state, sizeof o->state), ==, 0);
        }
        forget(&t);
    }
    g_assert_cmpuint(dropped, >, TALKS);
    g_rand_free(rand);
}

/* A connection in which something is found again and again: memory ends, honesty and the stage do not. */
static void test_findings_without_end(void)
{
    static struct talk t;
    const guint32 last = 2 * TCPHS_MOST_LOG_ENTRIES;
    struct tcphs_outcome o;
    memset(&t, 0, sizeof t);
    tcphs_connection_init(&t.connection, NULL);
    for (guint32 frame = 1; frame <= last; frame++) {
        struct tcphs_segment s = {
            .frame = frame, .time = (gint64)frame * 1000, .window = 1000, .flags = TCPHS_ACK | TCPHS_PSH
        };
        s.source_port = s.destination_port = 80;
        s.flags = frame == last ? TCPHS_RST | TCPHS_ACK : s.flags; /* but PSH without data */
        tcphs_connection_segment(&t.connection, &s, &o);
        tcphs_history_add(&t.history, &o, 0, grow);
    }
    g_assert_cmpuint(t.history.entry_count, <=, TCPHS_MOST_LOG_ENTRIES + 16);
    guint begins = 0;
    for (guint32 frame = 1; frame <= last; frame++) {
        tcphs_history_recall(&t.history, &t.connection, frame, 0, &o);
        begins += o.unkept_begins;
        g_assert_true(o.unkept || tcphs_findings_has(&o.findings, TCPHS_FINDS_psh_without_data));
        g_assert_true(!o.unkept || !tcphs_findings_any(&o.findings));
    }
    g_assert_cmpuint(begins, ==, 1);
    g_assert_true(o.unkept);
    g_assert_cmpuint(o.stage, ==, TCPHS_STAGE_RESET);
    forget(&t);
}

/* Counters that stop at their end instead of beginning anew: a retry without end, and a RST. */
static void test_counters_end(void)
{
    struct tcphs_connection c;
    struct tcphs_outcome o = { .frame = 0 };
    tcphs_connection_init(&c, NULL);
    struct tcphs_segment syn = {
        .seq = 100, .flags = TCPHS_SYN, .window = 1000, .source_port = 1, .destination_port = 2
    };
    struct tcphs_segment answer = { .seq = 500, .ack = 101, .flags = TCPHS_SYN | TCPHS_ACK, .window = 1000, .from = 1 };
    answer.source_port = 2;
    answer.destination_port = 1;
    for (guint32 i = 0; i <= G_MAXUINT16; i++) {
        syn.frame = 2 * i + 1;
        answer.frame = 2 * i + 2;
        tcphs_connection_segment(&c, &syn, &o);
        g_assert_cmpuint(o.step, ==, 1);
        tcphs_connection_segment(&c, &answer, &o);
        g_assert_cmpuint(o.step, ==, 2);
    }
    g_assert_cmpuint(o.syn_count, ==, G_MAXUINT16);
    g_assert_cmpuint(o.synack_count, ==, G_MAXUINT16);
    struct tcphs_segment rst = { .seq = 90000, .flags = TCPHS_RST, .source_port = 1, .destination_port = 2 };
    for (guint32 i = 0; i <= G_MAXUINT8 + 1; i++) {
        rst.frame = 200000 + i;
        rst.seq += 1000;
        tcphs_connection_segment(&c, &rst, &o);
        g_assert_cmpint(tcphs_findings_has(&o.findings, TCPHS_FINDS_rst_train), ==, i > 0);
        g_assert_cmpuint(o.back, ==, i > 0 ? 200000 : 0);
    }
}

/* What is asked of frames that are not the connection's, and of one that holds two of its segments. */
static void test_frames_of_a_history(void)
{
    static struct talk t;
    struct tcphs_outcome o, again;
    memset(&t, 0, sizeof t);
    tcphs_connection_init(&t.connection, NULL);
    tcphs_history_forget_frame(&t.history, 5); /* there is nothing to forget */
    g_assert_cmpuint(t.history.change_count + t.history.entry_count, ==, 0);
    struct tcphs_segment s = { .frame = 5, .seq = 100, .flags = TCPHS_SYN, .source_port = 1, .destination_port = 2 };
    tcphs_connection_segment(&t.connection, &s, &o);
    tcphs_history_add(&t.history, &o, 0, grow);
    s = (struct tcphs_segment){ .frame = 5, .seq = 500, .ack = 101, .flags = TCPHS_SYN | TCPHS_ACK, .from = 1 };
    tcphs_connection_segment(&t.connection, &s, &o);
    tcphs_history_add(&t.history, &o, 1, grow);
    g_assert_cmpuint(t.history.change_count, ==, 1);
    tcphs_history_recall(&t.history, &t.connection, 5, 1, &again);
    g_assert_cmpuint(again.stage, ==, TCPHS_STAGE_SYN_RECEIVED);
    g_assert_cmpuint(again.step, ==, 2);
    tcphs_history_recall(&t.history, &t.connection, 4, 0, &again); /* before the first */
    g_assert_cmpuint(again.stage, ==, TCPHS_STAGE_NONE);
    g_assert_cmpuint(again.state[0], ==, TCPHS_UNKNOWN);
    g_assert_cmpuint(again.client, ==, TCPHS_NO_END);
    g_assert_cmpuint(again.step + again.syn_count, ==, 0);
    forget(&t);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/properties/any talk", test_any_talk);
    g_test_add_func("/properties/dropped segments change nothing", test_dropped_segments_change_nothing);
    g_test_add_func("/properties/findings without end", test_findings_without_end);
    g_test_add_func("/properties/counters end", test_counters_end);
    g_test_add_func("/properties/frames of a history", test_frames_of_a_history);
    return g_test_run();
}
