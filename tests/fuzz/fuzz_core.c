/* fuzz_core.c
 * What holds of any talk whatever: every value in its range, the same again when recalled, mirrored, shifted in both
 * number spaces and in time, copied or quoted; each event once; and a segment that its receiver drops moves nothing
 * but what it proves to have been believed wrongly.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <string.h>

#include "observer.h"

/* No whole turn of tcphs_clock, but whole microseconds, which it counts. */
#define LATER (INT64_C(1234567) * 1000)
#define HAS(findings, name) tcphs_findings_has(findings, TCPHS_FINDS_##name)

static void check_ranges(const struct tcphs_outcome *o)
{
    FUZZ_DEMAND(o->stage <= TCPHS_STAGE_MIDSTREAM);
    FUZZ_DEMAND(o->state[0] >= TCPHS_CLOSED && o->state[0] < TCPHS_STATES);
    FUZZ_DEMAND(o->state[1] >= TCPHS_CLOSED && o->state[1] < TCPHS_STATES);
    FUZZ_DEMAND(o->step <= 3 && o->close_steps < 16);
    FUZZ_DEMAND(o->accepted <= TCPHS_ACCEPT_YES && o->usual[0] <= TCPHS_ACCEPT_YES && o->usual[1] <= TCPHS_ACCEPT_YES);
    FUZZ_DEMAND(o->rst_kind <= TCPHS_RST_UNKNOWN && o->event <= TCPHS_EVENT_ENDED && o->client <= TCPHS_NO_END);
    for (unsigned i = 0; i < 64 * TCPHS_FINDING_WORDS; i++)
        FUZZ_DEMAND((i != TCPHS_FINDING_NONE && i < TCPHS_FINDINGS) || !tcphs_findings_has(&o->findings, i));
    FUZZ_DEMAND(o->time_synack >= -1 && o->time_ack >= -1 && o->time_setup >= -1);
    FUZZ_DEMAND(o->back < o->frame);
    for (unsigned i = 0; i < TCPHS_LINKS; i++)
        FUZZ_DEMAND(o->links[i] <= o->frame);
}

/* Same story; the ends may have changed places, and numbers are compared by their distance. */
static void check_same(const struct tcphs_outcome *a, const struct tcphs_outcome *b, bool mirrored, bool rst_ack_shifts)
{
    const unsigned x = mirrored ? 1 : 0;
    FUZZ_DEMAND(a->frame == b->frame && a->stage == b->stage && a->step == b->step);
    FUZZ_DEMAND(a->close_steps == b->close_steps && a->accepted == b->accepted && a->rst_kind == b->rst_kind);
    FUZZ_DEMAND(a->event == b->event && a->back == b->back && a->assumed == b->assumed);
    struct tcphs_findings of_a = a->findings, of_b = b->findings;
    if (rst_ack_shifts) {
        tcphs_findings_add(&of_a, TCPHS_FINDS_rst_bad_ack);
        tcphs_findings_add(&of_b, TCPHS_FINDS_rst_bad_ack);
    }
    FUZZ_DEMAND(tcphs_findings_equal(&of_a, &of_b));
    FUZZ_DEMAND(a->state[0] == b->state[x] && a->state[1] == b->state[!x]);
    FUZZ_DEMAND(a->usual[0] == b->usual[x] && a->usual[1] == b->usual[!x]);
    FUZZ_DEMAND(a->client == (mirrored && b->client != TCPHS_NO_END ? !b->client : b->client));
    FUZZ_DEMAND(a->has_due == b->has_due && (!a->has_due || a->seen - a->due == b->seen - b->due));
    FUZZ_DEMAND(a->time_synack == b->time_synack && a->time_ack == b->time_ack && a->time_setup == b->time_setup);
    FUZZ_DEMAND(a->syn_count == b->syn_count && a->synack_count == b->synack_count);
    FUZZ_DEMAND(memcmp(a->links, b->links, sizeof a->links) == 0);
    FUZZ_DEMAND(rst_ack_shifts || tcphs_findings_equal(&a->backward, &b->backward));
    FUZZ_DEMAND(a->waited == b->waited && (a->waited < 0 || a->came_back == b->came_back));
}

/* A number of 0 has a meaning of its own in one place: in a RST it is no acknowledgment that could be wrong. */
static bool shifts_rst_ack(const struct tcphs_segment *s, const struct fuzz_view *view)
{
    const uint32_t shifted = s->ack + view->shift[s->to_itself ? 0 : !s->from];
    return tcphs_has(s, TCPHS_RST | TCPHS_ACK) && (s->ack == 0 || shifted == 0);
}

static void check_view(const struct fuzz_script *script, const struct fuzz_observer *plain,
                       const struct fuzz_view *view)
{
    static struct fuzz_observer other;
    fuzz_observe(&other, script, view, plain);
    FUZZ_DEMAND(other.connection_count == plain->connection_count);
    for (unsigned i = 0; i < script->count; i++) {
        const struct fuzz_told *a = &plain->told[i], *b = &other.told[i];
        FUZZ_DEMAND(a->connection == b->connection && a->is_fed == b->is_fed);
        if (a->is_fed)
            check_same(&a->outcome, &b->outcome, view->mirrored, shifts_rst_ack(&script->step[i].segment, view));
    }
    for (unsigned i = 0; i < plain->connection_count; i++) {
        struct tcphs_summary a, b;
        fuzz_sum_up(plain, i, true, &a);
        fuzz_sum_up(&other, i, true, &b);
        FUZZ_DEMAND(a.verdict == b.verdict && a.close == b.close && a.closed_by == b.closed_by);
        FUZZ_DEMAND(a.failed == b.failed && a.no_data == b.no_data);
    }
}

/* What was told is told again, in any order, and of the copy behind it only where the connection stands. */
static void check_recall(const struct fuzz_script *script, const struct fuzz_observer *o)
{
    struct tcphs_outcome again;
    for (unsigned i = script->count; i-- > 0;) {
        const struct tcphs_outcome *told = &o->told[i].outcome;
        if (!o->told[i].is_recallable)
            continue;
        fuzz_recall(o, i, 0, &again);
        check_same(told, &again, false, false);
        FUZZ_DEMAND(!told->has_due || told->due == again.due);
        fuzz_recall(o, i, 1, &again);
        FUZZ_DEMAND(again.stage == told->stage && again.client == told->client && again.assumed == told->assumed);
        FUZZ_DEMAND(memcmp(again.state, told->state, sizeof again.state) == 0);
        FUZZ_DEMAND(memcmp(again.links, told->links, sizeof again.links) == 0);
        FUZZ_DEMAND(!tcphs_findings_any(&again.findings) && again.step == 0 && again.event == 0 &&
                    !again.assumption_begins);
    }
}

/*
 * The exact meaning of "a segment that its receiver drops changes no state". Excepted are:
 *   a SYN, which repeats what the other end may not have heard (the state it had before is the state it has);
 *   one that shows an earlier RST to be forged or ignored, and so brings back what was before it;
 *   one that shows an assumption to be wrong or right: what rests on a gap in the capture is revised by any evidence.
 */
static bool may_move_though_dropped(const struct tcphs_segment *s, const struct tcphs_outcome *o)
{
    const bool accuses_earlier_rst =
        HAS(&o->findings, rst_ignored) || HAS(&o->findings, rst_peer_continues) ||
        (HAS(&o->findings, rst_out_of_window) && !tcphs_has_any(s, TCPHS_RST)); /* by its receiver's word */
    return accuses_earlier_rst || tcphs_has_any(s, TCPHS_SYN) || o->assumed || s->to_itself;
}

static void check_dropped(const struct fuzz_script *script, const struct fuzz_observer *o)
{
    const struct tcphs_outcome *before = NULL;
    unsigned connection = 0;
    for (unsigned i = 0; i < script->count; i++) {
        const struct fuzz_told *told = &o->told[i];
        if (!told->is_fed)
            continue;
        const struct tcphs_outcome *now = &told->outcome;
        const bool dropped = now->accepted == TCPHS_ACCEPT_NO && before != NULL && connection == told->connection;
        if (dropped && !may_move_though_dropped(&script->step[i].segment, now))
            FUZZ_DEMAND(now->stage == before->stage && memcmp(now->state, before->state, sizeof now->state) == 0);
        before = now;
        connection = told->connection;
    }
}

static void check_connection(const struct fuzz_script *script, const struct fuzz_observer *o, unsigned connection)
{
    unsigned events[TCPHS_EVENT_ENDED + 1] = { 0 };
    for (unsigned i = 0; i < script->count; i++) {
        const struct tcphs_outcome *told = &o->told[i].outcome;
        if (!o->told[i].is_fed || o->told[i].connection != connection)
            continue;
        events[told->event]++;
        const bool opening = told->stage == TCPHS_STAGE_NONE || told->stage == TCPHS_STAGE_SYN_SENT;
        FUZZ_DEMAND(!opening || events[TCPHS_EVENT_ESTABLISHED] == 0);
        if (told->stage == TCPHS_STAGE_RESET)
            FUZZ_DEMAND(told->state[0] == TCPHS_CLOSED && told->state[1] == TCPHS_CLOSED);
    }
    FUZZ_DEMAND(events[TCPHS_EVENT_ESTABLISHED] <= 1 && events[TCPHS_EVENT_FAILED] <= 1);
    FUZZ_DEMAND(events[TCPHS_EVENT_ENDED] <= 1);
    const struct tcphs_connection *c = &o->connection[connection];
    const enum tcphs_stage stage = tcphs_connection_stage(c);
    FUZZ_DEMAND(c->end_frame == 0 || stage == TCPHS_STAGE_CLOSED || stage == TCPHS_STAGE_RESET);
    const bool has_fin = ((c->end[0].known | c->end[1].known) & TCPHS_FIN_SENT) != 0;
    for (int final = 0; final < 2; final++) {
        struct tcphs_summary sum;
        fuzz_sum_up(o, connection, final, &sum);
        FUZZ_DEMAND(sum.verdict < TCPHS_VERDICTS && sum.close <= TCPHS_CLOSE_NONE);
        FUZZ_DEMAND(sum.closed_by <= TCPHS_CLOSED_BY_BOTH);
        FUZZ_DEMAND(has_fin || sum.close != TCPHS_CLOSE_FIN_THEN_RESET);
        const bool is_early_failure =
            sum.verdict >= TCPHS_VERDICT_NO_ANSWER && sum.verdict <= TCPHS_VERDICT_SERVER_RESET;
        FUZZ_DEMAND(sum.failed == (is_early_failure || sum.verdict == TCPHS_VERDICT_NOT_ACCEPTED));
        /* A RST can prove that it was established, and end it: one event */
        FUZZ_DEMAND(sum.verdict != TCPHS_VERDICT_ESTABLISHED ||
                    events[TCPHS_EVENT_ESTABLISHED] + events[TCPHS_EVENT_ENDED] > 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct fuzz_view as_it_is = { .mirrored = false };
    static const struct fuzz_view other = { { 0xFFFE7900, 0x7FF85EF0 }, LATER, true };
    static struct fuzz_script script;
    static struct fuzz_observer plain;
    fuzz_decode(data, size, &script);
    if (script.count == 0)
        return -1;
    fuzz_observe(&plain, &script, &as_it_is, NULL);
    for (unsigned i = 0; i < script.count; i++)
        if (plain.told[i].is_fed)
            check_ranges(&plain.told[i].outcome);
    check_recall(&script, &plain);
    check_dropped(&script, &plain);
    for (unsigned i = 0; i < plain.connection_count; i++)
        check_connection(&script, &plain, i);
    check_view(&script, &plain, &other);
    fuzz_forget();
    return 0;
}
