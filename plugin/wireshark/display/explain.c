/* explain.c
 * Fills the texts of findings.def with what was kept of the segment, and says why an attempt fails where it is seen to.
 * What is said follows from the outcome alone, so that it is the same in every pass.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "display/explain.h"

#include <string.h>

#include "display/value_strings.h"
#include "seq.h"

static const char *const texts[TCPHS_FINDINGS] = {
#define TCPHS_ANOMALY(name, family, severity, group, summary, numbers, explanation, source, ...)                       \
    [TCPHS_FINDS_##name] = explanation,
#define TCPHS_NOTE(name, family, severity, group, summary, numbers, explanation, source, ...)                          \
    [TCPHS_FINDS_##name] = explanation,
#include "findings/findings.def"
};

/* What a text is filled with. Lifetime: one call. */
struct filling {
    const char *sender, *peer;
    guint32 seen, due, frame;
};

/* The n-th of the texts parted by |, or the first where that is empty or not there; *length is without the |. */
static const char *variant_of(const char *all, unsigned n, size_t *length)
{
    const char *text = all;
    for (; n > 0 && strchr(text, '|') != NULL; n--)
        text = strchr(text, '|') + 1;
    *length = strcspn(text, "|");
    if (n == 0 && *length > 0)
        return text;
    *length = strcspn(all, "|");
    return all;
}

/* A number that counts from its start, but lies a little before it, is negative; any other is as it is. */
static void append_number(wmem_strbuf_t *out, guint32 number, guint32 other)
{
    const bool is_before_start = number > G_MAXINT32 && other <= G_MAXINT32 && tcphs_seq_before(number, other);
    if (is_before_start)
        wmem_strbuf_append_printf(out, "%d", (gint32)number);
    else
        wmem_strbuf_append_printf(out, "%u", number);
}

static void append_filled(wmem_strbuf_t *out, const char *text, size_t length, const struct filling *with)
{
    for (const char *p = text; p < text + length; p++) {
        if (p[0] != '%' || p + 1 == text + length) {
            wmem_strbuf_append_c(out, *p);
            continue;
        }
        switch (*++p) {
        case 's':
            wmem_strbuf_append(out, with->sender);
            break;
        case 'p':
            wmem_strbuf_append(out, with->peer);
            break;
        case '1':
            append_number(out, with->seen, with->due);
            break;
        case '2':
            append_number(out, with->due, with->seen);
            break;
        case 'f':
            wmem_strbuf_append_printf(out, "%u", with->frame);
            break;
        default:
            break;
        }
    }
}

static const char *role_of(const struct tcphs_outcome *o, unsigned end, const char *unknown)
{
    const unsigned role = tcphs_connection_role(o->client, end);
    return role != TCPHS_ROLE_UNKNOWN ? val_to_str_const(role, tcphs_role_vals, unknown) : unknown;
}

static void append_finding(wmem_strbuf_t *out, unsigned finding, const struct tcphs_outcome *o, unsigned from)
{
    static const struct tcphs_explanation nothing = { .seen = 0 };
    const struct tcphs_explanation *numbers = &nothing;
    for (unsigned i = 0; i < o->explained_count; i++)
        if (o->explained[i].finding == finding)
            numbers = &o->explained[i];
    const struct filling with = {
        .sender = role_of(o, from, "sender"),
        .peer = role_of(o, !from, "peer"),
        .seen = numbers->seen,
        .due = numbers->due,
        .frame = o->back ? o->back : o->frame,
    };
    size_t length;
    const unsigned variant = tcphs_findings_has(&o->backward, finding) + (numbers->ack_is_right ? 2u : 0u);
    const char *text = variant_of(texts[finding], variant, &length);
    append_filled(out, text, length, &with);
    wmem_strbuf_append(out, ". ");
}

/* "3 SYNs in 3.0 s, nothing has come back." */
static void append_wait(wmem_strbuf_t *out, const struct tcphs_outcome *o)
{
    const double seconds = (double)o->waited / 1e9;
    wmem_strbuf_append_printf(out, "%u SYNs in ", o->syn_count);
    if (seconds < 0.95)
        wmem_strbuf_append_printf(out, "%.0f ms, ", seconds * 1000);
    else
        wmem_strbuf_append_printf(out, "%.1f s, ", seconds);
    wmem_strbuf_append(out, o->stage == TCPHS_STAGE_SYN_RECEIVED ? "the SYN-ACK was not heard"
                            : o->came_back                       ? "nothing that answers them has come back"
                                                                 : "nothing has come back");
    wmem_strbuf_append(out, ". ");
}

/* What the segment is beside another one, of another connection or captured elsewhere. */
static void append_remarks(wmem_strbuf_t *out, const struct tcphs_match *match)
{
    if (match->from_elsewhere) {
        wmem_strbuf_append(out, "It acknowledges the SYN ");
        if (match->foreign_frame != 0) /* 0: a read filter has rejected that frame */
            wmem_strbuf_append_printf(out, "in frame %u, ", match->foreign_frame);
        wmem_strbuf_append(out, "which went to another address or port: that client resets it and goes on asking. ");
    }
    if (match->rewritten)
        wmem_strbuf_append_printf(out,
                                  "Frame %u has the same segment with other options: a box between the two places of "
                                  "capture has changed them, and each end believes something else. ",
                                  match->foreign_frame);
}

/* "It came after 350.0 s of silence, the idle limit of many load balancers." */
static void append_silence(wmem_strbuf_t *out, gint64 idle)
{
    /* In use by load balancers, NAT gateways and firewalls when a flow is idle; their timers are a little late. */
    static const int limits[] = { 240, 350, 900 };
    const double seconds = (double)idle / 1e9;
    if (seconds < 60)
        return;
    wmem_strbuf_append_printf(out, "It came after %.1f s of silence", seconds);
    for (unsigned i = 0; i < array_length(limits); i++)
        if (seconds > limits[i] - 1 && seconds < limits[i] + 5)
            wmem_strbuf_append_printf(out, ", and %d s is the idle limit of many load balancers", limits[i]);
    wmem_strbuf_append(out, ". ");
}

/* Why the attempt fails, on each segment by which it is seen to. */
static void append_failure(wmem_strbuf_t *out, const struct tcphs_outcome *o, const struct tcphs_match *match,
                           const packet_info *pinfo)
{
    const guint32 syn = o->links[TCPHS_LINK_SYN];
    const struct tcphs_tuple tuple = tcphs_tracker_tuple(match->tracked);
    if (o->rst_kind == TCPHS_RST_REFUSED) {
        wmem_strbuf_append_printf(out, "Nothing listens on port %u: the %s refuses the SYN", tuple.port[match->from],
                                  role_of(o, match->from, "server"));
        if (syn != 0)
            wmem_strbuf_append_printf(out, " of frame %u", syn);
        wmem_strbuf_append(out, " (connection refused). ");
    }
    if (o->waited >= 0)
        append_wait(out, o);
    if (match->icmp && tcphs_connection_record_read(match->tracked)->connection.icmp_frame == pinfo->num) {
        wmem_strbuf_append(out, "An ICMP error answers the SYN");
        if (syn != 0)
            wmem_strbuf_append_printf(out, " of frame %u", syn);
        wmem_strbuf_append_printf(out, ": the %s is not reached. ", role_of(o, !match->from, "server"));
    }
}

const char *tcphs_explain(const struct tcphs_outcome *o, const struct tcphs_match *match, const packet_info *pinfo)
{
    wmem_strbuf_t *text = wmem_strbuf_new(pinfo->pool, "");
    for (unsigned i = tcphs_findings_next(&o->findings, 0); i != 0; i = tcphs_findings_next(&o->findings, i))
        append_finding(text, i, o, match->from);
    append_remarks(text, match);
    append_failure(text, o, match, pinfo);
    append_silence(text, o->rst_idle);
    const gsize length = wmem_strbuf_get_len(text);
    if (length == 0)
        return NULL;
    wmem_strbuf_truncate(text, length - 1);
    return wmem_strbuf_get_str(text);
}
