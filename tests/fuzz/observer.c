/* observer.c
 * The tracker's way with the core, for one pair of addresses and ports: copies, reuse of ports, history,
 * frame numbers given away; and the same for Zeek's machine.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "observer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture_duplicates.h"
#include "tcp/fast_path.h"
#include "tcp/port_reuse.h"
#include "tcp/connection.h"

#define ELSEWHERE 7 /* an interface that no script names */
#define MOST_BLOCKS 4096

static void *blocks[MOST_BLOCKS];
static unsigned block_count;

_Noreturn void fuzz_fail(const char *property, const char *file, int line)
{
    fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, property);
    abort();
}

static void *grow(void *old, size_t old_size, size_t size)
{
    void *block = malloc(size);
    if (block == NULL || block_count == MOST_BLOCKS || size <= old_size)
        abort();
    blocks[block_count++] = block;
    if (old_size > 0)
        memcpy(block, old, old_size);
    return block;
}

void fuzz_forget(void)
{
    while (block_count > 0)
        free(blocks[--block_count]);
}

static struct tcphs_segment seen_as(const struct fuzz_step *step, const struct fuzz_view *view, uint32_t frame)
{
    struct tcphs_segment s = step->segment;
    const uint32_t peer_shift = view->shift[s.to_itself ? 0 : !s.from];
    s.frame = frame;
    s.time += view->later;
    s.seq += view->shift[s.from];
    if (tcphs_has(&s, TCPHS_ACK))
        s.ack += peer_shift;
    if (tcphs_has(&s, TCPHS_ACK) && (s.options & TCPHS_OPT_SACK))
        s.sack_right += peer_shift;
    s.from = view->mirrored ? !s.from : s.from;
    return s;
}

static void forget_number(struct fuzz_observer *o, unsigned step)
{
    const uint32_t frame = o->told[step].outcome.frame;
    tcphs_history_forget_frame(&o->history[o->told[step].connection], frame);
    tcphs_connection_forget_frame(&o->connection[o->told[step].connection], frame);
    o->told[step].is_recallable = false;
}

/* A capture copy is found, and what is recalled of it is where the connection stands. Scripts do not share addresses,
 * so that what is left in the table from the one before is out of the way. */
static bool is_copy(const struct fuzz_step *step, const struct tcphs_segment *s)
{
    static struct tcphs_duplicates duplicates;
    static uint64_t script_number;
    struct tcphs_segment again = *s;
    script_number += s->frame == 1;
    struct tcphs_capture_point point = { script_number, step->interface, step->path, s->ip_id, s->ttl };
    if (tcphs_duplicates_find(&duplicates, s, &point) != 0)
        return true;
    again.frame++;
    again.time += 10000;
    point.interface = ELSEWHERE;
    FUZZ_DEMAND(tcphs_duplicates_find(&duplicates, &again, &point) == s->frame);
    return false;
}

static void begin_connection(struct fuzz_observer *o, const struct tcphs_segment *s)
{
    const unsigned i = o->connection_count++;
    const struct tcphs_connection *previous = i > 0 ? &o->connection[i - 1] : NULL;
    memset(&o->history[i], 0, sizeof o->history[i]);
    tcphs_connection_init(&o->connection[i], previous);
    if (previous)
        tcphs_connection_inherit(&o->connection[i], previous, s);
}

/* Both were zeroed as a whole and are only ever assigned to: what lies between their members is the same. */
static bool same_bytes(const void *a, const void *b, size_t size)
{
    return memcmp(a, b, size) == 0;
}

static uint64_t judged; /* segments, in all talks and all their retellings */

__attribute__((destructor)) static void say_how_many(void)
{
    if (judged > 0)
        fprintf(stderr, "segments judged: %" PRIu64 "\n", judged);
}

/* The long way, and the short way held to it. */
static void feed_both_ways(struct tcphs_connection *c, const struct tcphs_segment *s, struct tcphs_outcome *told)
{
    struct tcphs_connection shorter = *c;
    const bool plain = tcphs_connection_fast_path(&shorter, s);
    FUZZ_DEMAND(!plain || !tcphs_connection_is_port_reuse(c, s));
    tcphs_connection_segment(c, s, told);
    judged++;
    FUZZ_DEMAND(!plain || same_bytes(&shorter, c, sizeof shorter));
    FUZZ_DEMAND(!plain || (!tcphs_findings_any(&told->findings) && told->accepted == told->usual[s->from]));
}

static void feed(struct fuzz_observer *o, const struct tcphs_segment *s, struct fuzz_told *told)
{
    told->begins =
        o->connection_count == 0 || tcphs_connection_is_port_reuse(&o->connection[o->connection_count - 1], s);
    if (told->begins)
        begin_connection(o, s);
    told->is_fed = told->is_recallable = true;
    told->connection = o->connection_count - 1;
    feed_both_ways(&o->connection[told->connection], s, &told->outcome);
    tcphs_history_add(&o->history[told->connection], &told->outcome, s->from, grow);
    for (unsigned i = 0; i < TCPHS_LINKS; i++) /* as recall leaves out */
        if (told->outcome.links[i] == TCPHS_UNNUMBERED_FRAME)
            told->outcome.links[i] = 0;
}

static void quote(struct fuzz_observer *o, const struct tcphs_segment *s, struct fuzz_told *told)
{
    struct tcphs_outcome before, after;
    if (o->connection_count == 0)
        return;
    struct tcphs_connection *c = &o->connection[o->connection_count - 1];
    told->connection = o->connection_count - 1;
    tcphs_connection_snapshot(c, &before);
    tcphs_connection_icmp(c, s->frame, s->from);
    tcphs_connection_snapshot(c, &after);
    FUZZ_DEMAND(before.stage == after.stage && memcmp(before.state, after.state, sizeof before.state) == 0);
    FUZZ_DEMAND(memcmp(before.links, after.links, sizeof before.links) == 0);
}

/* Each step has two frame numbers: the second is that of a copy, which is in no list. */
void fuzz_observe(struct fuzz_observer *o, const struct fuzz_script *script, const struct fuzz_view *view,
                  const struct fuzz_observer *duplicates)
{
    uint32_t frame = 1;
    o->connection_count = 0;
    o->end_time = 0;
    for (unsigned i = 0; i < script->count; i++) {
        const struct fuzz_step *step = &script->step[i];
        const struct tcphs_segment s = seen_as(step, view, frame);
        struct fuzz_told *told = &o->told[i];
        *told = (struct fuzz_told){ .from = s.from };
        o->end_time = s.time > o->end_time ? s.time : o->end_time;
        if (step->is_quote)
            quote(o, &s, told);
        else if (duplicates != NULL ? duplicates->told[i].is_fed : !is_copy(step, &s))
            feed(o, &s, told);
        if (step->loses_number && told->is_fed)
            forget_number(o, i);
        else
            frame += 2;
    }
}

void fuzz_recall(const struct fuzz_observer *o, unsigned step, unsigned after, struct tcphs_outcome *out)
{
    const struct fuzz_told *told = &o->told[step];
    tcphs_history_recall(&o->history[told->connection], &o->connection[told->connection], told->outcome.frame + after,
                         told->from, out);
}

void fuzz_sum_up(const struct fuzz_observer *o, unsigned connection, bool final, struct tcphs_summary *out)
{
    const struct tcphs_horizon horizon = { final, o->end_time };
    tcphs_summarise(&o->connection[connection], horizon, out);
}

static bool is_server_port(uint16_t port)
{
    return port == 80 || port == 443 || port == 21;
}

void fuzz_observe_zeek(struct fuzz_zeek_observer *o, const struct fuzz_script *script, const struct fuzz_view *view,
                       void (*look)(const struct tcphs_zeek *z))
{
    int64_t now = 0;
    o->count = 0;
    for (unsigned i = 0; i < script->count; i++) {
        const struct fuzz_step *step = &script->step[i];
        const struct tcphs_segment s = seen_as(step, view, i + 1);
        const struct tcphs_zeek_input in = { &s, step->bad_checksum, !step->payload_cut, grow };
        if (step->is_quote)
            continue;
        now = s.time > now ? s.time : now;
        struct tcphs_zeek *z = o->count > 0 ? &o->connection[o->count - 1] : NULL;
        if (z == NULL || tcphs_zeek_is_over(z, &s, now)) {
            z = &o->connection[o->count++];
            tcphs_zeek_begin(z, &in, is_server_port);
        }
        if (!tcphs_zeek_fast_path(z, &in))
            tcphs_zeek_segment(z, &in);
        look(z);
    }
}
