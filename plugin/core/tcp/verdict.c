/* verdict.c
 * The verdict on a connection, from the facts that connection.c has gathered.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tcp/verdict.h"

/* A client repeats its SYN after about this time (RFC 6298 2.1): a shorter wait at the end of the capture proves
 * nothing. */
#define FIRST_RETRY TCPHS_SECOND

static bool has(const struct tcphs_connection *c, unsigned facts)
{
    return (c->facts & facts) != 0;
}

static bool knows(const struct tcphs_connection *c, uint32_t what)
{
    return ((c->end[0].known | c->end[1].known) & what) != 0;
}

/* One direction is missing although what was captured acknowledges it; SYNs alone acknowledge nothing. */
static bool is_one_sided(const struct tcphs_connection *c)
{
    const uint32_t a = c->end[0].known, b = c->end[1].known;
    if (((a ^ b) & TCPHS_SENT_ANYTHING) == 0)
        return false;
    const struct tcphs_end *silent = &c->end[(a & TCPHS_SENT_ANYTHING) ? 1 : 0];
    return (silent->known & TCPHS_KNOWS_SENT) != 0;
}

static enum tcphs_verdict verdict_of_reset(const struct tcphs_connection *c)
{
    const bool by_client = c->rst_from == c->client;
    if (!knows(c, TCPHS_SENT_SYN_ACK)) {
        if (!by_client)
            return TCPHS_VERDICT_REFUSED;
        if (has(c, TCPHS_BAD_SYN_ACK))
            return TCPHS_VERDICT_BAD_ACK;
        if (c->icmp_frame != 0)
            return TCPHS_VERDICT_UNREACHABLE;
        return has(c, TCPHS_CHALLENGED) ? TCPHS_VERDICT_CHALLENGED : TCPHS_VERDICT_NO_ANSWER;
    }
    if (has(c, TCPHS_BAD_FINAL_ACK))
        return TCPHS_VERDICT_BAD_ACK;
    return by_client ? TCPHS_VERDICT_CLIENT_RESET : TCPHS_VERDICT_SERVER_RESET;
}

static enum tcphs_verdict verdict_of_silence(const struct tcphs_connection *c, struct tcphs_horizon horizon)
{
    if (has(c, TCPHS_BAD_FINAL_ACK | TCPHS_BAD_SYN_ACK))
        return TCPHS_VERDICT_BAD_ACK;
    if (c->icmp_frame != 0)
        return TCPHS_VERDICT_UNREACHABLE;
    if (has(c, TCPHS_CHALLENGED))
        return TCPHS_VERDICT_CHALLENGED;
    const bool answered = knows(c, TCPHS_SENT_SYN_ACK);
    const unsigned tries = answered ? c->synack_count : c->syn_count;
    const int64_t since = answered ? c->last_synack_time : c->first_syn_time;
    if (tries <= 1 && horizon.end_time - since < FIRST_RETRY)
        return TCPHS_VERDICT_PENDING;
    return answered ? TCPHS_VERDICT_NO_FINAL_ACK : TCPHS_VERDICT_NO_ANSWER;
}

static enum tcphs_verdict verdict(const struct tcphs_connection *c, struct tcphs_horizon horizon)
{
    if (tcphs_connection_stage(c) == TCPHS_STAGE_NONE)
        return TCPHS_VERDICT_NONE;
    if (is_one_sided(c))
        return TCPHS_VERDICT_ONE_SIDED;
    if (has(c, TCPHS_ACK_NOT_TAKEN)) /* set by synack_repeated, cleared by what shows that it was */
        return horizon.final ? TCPHS_VERDICT_NOT_ACCEPTED : TCPHS_VERDICT_PENDING;
    if (has(c, TCPHS_WAS_ESTABLISHED))
        return TCPHS_VERDICT_ESTABLISHED;
    if (has(c, TCPHS_MIDSTREAM_START))
        return TCPHS_VERDICT_MIDSTREAM;
    if (c->syn_count == 0 && knows(c, TCPHS_SENT_SYN_ACK))
        return TCPHS_VERDICT_UNSOLICITED;
    if (has(c, TCPHS_IS_RESET))
        return verdict_of_reset(c);
    return horizon.final ? verdict_of_silence(c, horizon) : TCPHS_VERDICT_PENDING;
}

static enum tcphs_close close_kind(const struct tcphs_connection *c)
{
    if (!has(c, TCPHS_WAS_ESTABLISHED | TCPHS_MIDSTREAM_START) || has(c, TCPHS_ACK_NOT_TAKEN))
        return TCPHS_CLOSE_NONE;
    if (has(c, TCPHS_IS_RESET))
        return has(c, TCPHS_FIN_BEFORE_RST) ? TCPHS_CLOSE_FIN_THEN_RESET : TCPHS_CLOSE_RESET;
    const uint32_t both = c->end[0].known & c->end[1].known;
    if (both & TCPHS_FIN_SENT)
        return TCPHS_CLOSE_FIN;
    return knows(c, TCPHS_FIN_SENT) ? TCPHS_CLOSE_HALF_CLOSED : TCPHS_CLOSE_OPEN;
}

static enum tcphs_closed_by closer(const struct tcphs_connection *c)
{
    if (c->first_closer == TCPHS_NO_END || c->client == TCPHS_NO_END)
        return TCPHS_CLOSED_BY_UNKNOWN;
    if (has(c, TCPHS_CROSSED_FINS))
        return TCPHS_CLOSED_BY_BOTH;
    return c->first_closer == c->client ? TCPHS_CLOSED_BY_CLIENT : TCPHS_CLOSED_BY_SERVER;
}

void tcphs_summarise(const struct tcphs_connection *c, struct tcphs_horizon horizon, struct tcphs_summary *out)
{
    const enum tcphs_stage stage = tcphs_connection_stage(c);
    const bool ended = stage == TCPHS_STAGE_CLOSED || stage == TCPHS_STAGE_RESET;
    const enum tcphs_verdict opening = verdict(c, horizon);
    out->verdict = (uint8_t)opening;
    out->close = (uint8_t)(opening == TCPHS_VERDICT_NONE ? TCPHS_CLOSE_UNSET : close_kind(c));
    out->closed_by = (uint8_t)closer(c);
    out->failed = tcphs_is_failure(opening);
    out->no_data = has(c, TCPHS_WAS_ESTABLISHED) && ended && !knows(c, TCPHS_DATA_ACKED);
}
