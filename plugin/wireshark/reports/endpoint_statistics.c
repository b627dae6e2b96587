/* endpoint_statistics.c
 * Sums over connections. Verdicts come from the core; what is added here is who is whose client, what a scan looks
 * like, and how many attempts were half open at once.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "reports/endpoint_statistics.h"

#include <epan/address.h>

#include "reports/resolved_names.h"

/* One connection ------------------------------------------------------------------------------------------------ */

void tcphs_connection_info_of(struct tcphs_tracked *t, struct tcphs_connection_info *out)
{
    const struct tcphs_horizon end = { .final = true, .end_time = tcphs_tracker_quality()->last_time };
    tcphs_connection_records_tick(end.end_time,
                                  true); /* a report asks for all connections: they need not all be out at once */
    const struct tcphs_connection_record *record = tcphs_connection_record_read(t);
    out->tracked = t;
    out->start_time = record->start_time;
    tcphs_summarise(&record->connection, end, &out->summary);
    out->client = record->connection.client < TCPHS_NO_END ? record->connection.client : record->first_from;
}

static void write_address(const struct tcphs_tuple *tuple, unsigned end, char *text)
{
    if (tuple->address_type == AT_IPv4)
        tcphs_ipv4_text(tuple->address[end], text, WS_INET6_ADDRSTRLEN);
    else if (tuple->address_type == AT_IPv6)
        ws_inet_ntop6(tuple->address[end], text, WS_INET6_ADDRSTRLEN);
    else
        g_strlcpy(text, "unknown", WS_INET6_ADDRSTRLEN);
}

void tcphs_connection_info_address(const struct tcphs_connection_info *c, unsigned end, char *text)
{
    const struct tcphs_tuple tuple = tcphs_tracker_tuple(c->tracked);
    write_address(&tuple, end, text);
}

void tcphs_connection_info_endpoint(const struct tcphs_connection_info *c, unsigned end, char *text)
{
    const struct tcphs_tuple tuple = tcphs_tracker_tuple(c->tracked);
    const bool bracketed = tuple.address_type == AT_IPv6;
    char port[sizeof "65535"], *digit = port + sizeof port - 1;
    *digit = '\0';
    for (guint left = tuple.port[end]; left > 0 || *digit == '\0'; left /= 10)
        *--digit = (char)('0' + left % 10);
    if (bracketed)
        *text++ = '[';
    write_address(&tuple, end, text);
    text += strlen(text);
    if (bracketed)
        *text++ = ']';
    *text++ = ':';
    memcpy(text, digit, (size_t)(port + sizeof port - digit));
}

/* Sets ---------------------------------------------------------------------------------------------------------- */

static void set_add(struct tcphs_set *set, gsize value)
{
    if (set->count == 0) {
        set->only = value;
        set->count = 1;
    } else if (set->all != NULL || set->only != value) {
        if (set->all == NULL) {
            set->all = g_hash_table_new(g_direct_hash, g_direct_equal);
            g_hash_table_add(set->all, GSIZE_TO_POINTER(set->only));
        }
        g_hash_table_add(set->all, GSIZE_TO_POINTER(value));
        set->count = g_hash_table_size(set->all);
    }
}

static void set_clear(struct tcphs_set *set)
{
    if (set->all != NULL)
        g_hash_table_destroy(set->all);
}

/* Endpoints ----------------------------------------------------------------------------------------------------- */

static guint hash_key(gconstpointer key)
{
    return wmem_strong_hash((const guint8 *)key, sizeof(struct tcphs_endpoint_key));
}

static gboolean equal_keys(gconstpointer a, gconstpointer b)
{
    return memcmp(a, b, sizeof(struct tcphs_endpoint_key)) == 0;
}

/* One address for each party, which stands for it in sets. */
static gsize number_of(struct tcphs_endpoints *a, const struct tcphs_endpoint_key *key)
{
    gpointer known = g_hash_table_lookup(a->keys, key);
    if (known == NULL) {
        known = g_memdup2(key, sizeof *key);
        g_hash_table_add(a->keys, known);
    }
    return GPOINTER_TO_SIZE(known);
}

static void free_statistics(gpointer data)
{
    struct tcphs_endpoint_statistics *a = (struct tcphs_endpoint_statistics *)data;
    tcphs_samples_clear(&a->setup);
    tcphs_overlap_clear(&a->half_open);
    set_clear(&a->servers);
    set_clear(&a->ports);
    set_clear(&a->targets);
    set_clear(&a->probed);
    tcphs_attempts_clear(&a->tries);
    g_free(a->address);
    g_free(a->name);
    g_free(a->resolved_address);
    g_free(a->resolved_name);
    g_free(a);
}

struct tcphs_endpoints *tcphs_endpoints_new(void)
{
    struct tcphs_endpoints *a = g_new0(struct tcphs_endpoints, 1);
    a->by_key = g_hash_table_new(hash_key, equal_keys);
    a->keys = g_hash_table_new_full(hash_key, equal_keys, g_free, NULL);
    a->all = g_ptr_array_new_with_free_func(free_statistics);
    return a;
}

void tcphs_endpoints_free(struct tcphs_endpoints *a)
{
    if (a == NULL)
        return;
    g_hash_table_destroy(a->by_key);
    g_hash_table_destroy(a->keys);
    g_ptr_array_free(a->all, TRUE);
    g_free(a);
}

static struct tcphs_endpoint_key key_of(const struct tcphs_connection_info *c, unsigned end, bool with_port)
{
    const struct tcphs_tuple tuple = tcphs_tracker_tuple(c->tracked);
    struct tcphs_endpoint_key key = { .type = tuple.address_type, .port = with_port ? tuple.port[end] : 0 };
    memcpy(key.address, tuple.address[end], sizeof key.address);
    return key;
}

static struct tcphs_endpoint_statistics *
statistics_of(struct tcphs_endpoints *endpoints, const struct tcphs_connection_info *c, unsigned end, bool with_port)
{
    const struct tcphs_endpoint_key key = key_of(c, end, with_port);
    struct tcphs_endpoint_statistics *a =
        (struct tcphs_endpoint_statistics *)g_hash_table_lookup(endpoints->by_key, &key);
    if (a == NULL) {
        a = g_new0(struct tcphs_endpoint_statistics, 1);
        a->key = key;
        a->index = endpoints->all->len;
        char text[TCPHS_ENDPOINT_TEXT];
        tcphs_connection_info_address(c, end, text);
        a->address = g_strdup(text);
        if (with_port)
            tcphs_connection_info_endpoint(c, end, text);
        a->name = g_strdup(text);
        const struct tcphs_tuple tuple = tcphs_tracker_tuple(c->tracked);
        a->resolved_address = tcphs_resolved_address(&tuple, end);
        a->resolved_name = with_port ? tcphs_resolved_endpoint(&tuple, end) : g_strdup(a->resolved_address);
        g_ptr_array_add(endpoints->all, a);
        g_hash_table_add(endpoints->by_key, a);
    }
    return a;
}

/* The span in which an attempt was neither open nor ended. */
static void add_half_open(struct tcphs_endpoint_statistics *a, const struct tcphs_connection_info *c)
{
    const struct tcphs_connection_record *record = tcphs_connection_info_record(c);
    const struct tcphs_connection *n = &record->connection;
    if (n->syn_count == 0)
        return;
    gint64 last = n->last_syn_time;
    if (n->synack_count > 0)
        last = MAX(last, n->last_synack_time);
    tcphs_overlap_add(&a->half_open, n->first_syn_time,
                      record->opening_over >= 0 ? record->opening_over : last + TCPHS_HALF_OPEN_LIFE);
}

static void add_common(struct tcphs_endpoint_statistics *a, const struct tcphs_connection_info *c)
{
    a->verdicts[c->summary.verdict]++;
    a->resets += c->summary.close == TCPHS_CLOSE_RESET || c->summary.close == TCPHS_CLOSE_FIN_THEN_RESET;
    add_half_open(a, c);
}

struct tcphs_endpoint_statistics *tcphs_endpoints_add_server(struct tcphs_endpoints *endpoints,
                                                             const struct tcphs_connection_info *c, gint64 slow)
{
    if (c->summary.verdict == TCPHS_VERDICT_NONE)
        return NULL;
    struct tcphs_endpoint_statistics *a = statistics_of(endpoints, c, !c->client, true);
    add_common(a, c);
    const gint64 setup = tcphs_setup_time(c);
    if (setup >= 0) {
        tcphs_samples_add(&a->setup, setup);
        a->slow += setup > slow;
    }
    return a;
}

/* Scans --------------------------------------------------------------------------------------------------------- */

const char *tcphs_scan_name(enum tcphs_scan kind)
{
    static const char *const names[TCPHS_SCANS] = { "syn", "connect", "null", "fin", "xmas", "ack" };
    return names[kind];
}

/* A segment that opens nothing and belongs to nothing: what kind of probe is it? TCPHS_SCANS = none. */
static enum tcphs_scan kind_of_probe(const struct tcphs_connection_info *c)
{
    const struct tcphs_connection_record *t = tcphs_connection_info_record(c);
    const unsigned flags = t->first_flags;
    if (!(flags & (TCPHS_SYN | TCPHS_ACK | TCPHS_RST))) {
        if (flags & TCPHS_FIN)
            return flags & (TCPHS_PSH | TCPHS_URG) ? TCPHS_SCAN_XMAS : TCPHS_SCAN_FIN;
        return flags & (TCPHS_PSH | TCPHS_URG) ? TCPHS_SCANS : TCPHS_SCAN_NULL;
    }
    const bool bare_ack =
        (flags & (TCPHS_SYN | TCPHS_ACK | TCPHS_RST | TCPHS_FIN | TCPHS_PSH | TCPHS_URG)) == TCPHS_ACK;
    const bool came_to_nothing = t->bytes[0] + t->bytes[1] == 0 && t->packets[0] <= 2 && t->packets[1] <= 2;
    return bare_ack && came_to_nothing ? TCPHS_SCAN_ACK : TCPHS_SCANS;
}

/* One case for each verdict, and the compiler misses none: split, that would be lost. */
static bool add_probe(struct tcphs_endpoint_statistics *a, const struct tcphs_connection_info *c)
{
    enum tcphs_scan kind = TCPHS_SCANS;
    switch ((enum tcphs_verdict)c->summary.verdict) {
    case TCPHS_VERDICT_NO_ANSWER:
    case TCPHS_VERDICT_REFUSED:
    case TCPHS_VERDICT_UNREACHABLE:
        a->failed_probes++;
        return true;
    case TCPHS_VERDICT_CLIENT_RESET:
        kind = TCPHS_SCAN_SYN;
        break;
    case TCPHS_VERDICT_ESTABLISHED:
        kind = c->summary.no_data ? TCPHS_SCAN_CONNECT : TCPHS_SCANS;
        break;
    case TCPHS_VERDICT_NONE:
    case TCPHS_VERDICT_MIDSTREAM:
    case TCPHS_VERDICT_ONE_SIDED:
    case TCPHS_VERDICT_UNSOLICITED:
        kind = kind_of_probe(c);
        break;
    case TCPHS_VERDICT_NO_FINAL_ACK:
    case TCPHS_VERDICT_BAD_ACK:
    case TCPHS_VERDICT_CHALLENGED:
    case TCPHS_VERDICT_SERVER_RESET:
    case TCPHS_VERDICT_NOT_ACCEPTED:
    case TCPHS_VERDICT_PENDING:
    case TCPHS_VERDICTS:
        break;
    }
    if (kind == TCPHS_SCANS)
        return false;
    a->probes[kind]++;
    return true;
}

/* An attempt as its client has had it: what the server did not take is none that worked. */
static void add_try(struct tcphs_endpoint_statistics *a, const struct tcphs_connection_info *c, gsize target)
{
    const struct tcphs_connection_record *record = tcphs_connection_info_record(c);
    const struct tcphs_connection *n = &record->connection;
    const gint64 over = MAX(n->last_syn_time, record->opening_over);
    const bool worked = c->summary.verdict == TCPHS_VERDICT_ESTABLISHED;
    if (n->syn_count == 0)
        return;
    const struct tcphs_attempt attempt = {
        .target = target,
        .start = n->first_syn_time,
        .over = over,
        .established = !worked              ? -1
                       : record->setup >= 0 ? n->first_syn_time + record->setup
                                            : over,
        .port = tcphs_tracker_tuple(c->tracked).port[c->client],
    };
    tcphs_attempts_add(&a->tries, &attempt);
}

struct tcphs_endpoint_statistics *tcphs_endpoints_add_client(struct tcphs_endpoints *endpoints,
                                                             const struct tcphs_connection_info *c)
{
    const struct tcphs_endpoint_key server = key_of(c, !c->client, false), target = key_of(c, !c->client, true);
    const gsize target_number = number_of(endpoints, &target);
    struct tcphs_endpoint_statistics *a = statistics_of(endpoints, c, c->client, false);
    add_common(a, c);
    set_add(&a->servers, number_of(endpoints, &server));
    set_add(&a->ports, target.port);
    set_add(&a->targets, target_number);
    add_try(a, c, target_number);
    if (add_probe(a, c))
        set_add(&a->probed, target_number);
    return a;
}

guint64 tcphs_endpoint_scan(const struct tcphs_endpoint_statistics *a, enum tcphs_scan kind)
{
    const guint64 half = a->probes[TCPHS_SCAN_SYN], whole = a->probes[TCPHS_SCAN_CONNECT];
    const bool many = a->probed.count >= TCPHS_SCAN_TARGETS;
    switch (kind) {
    case TCPHS_SCAN_SYN: /* what failed goes with the way that was taken where it did not */
        return many ? half + (half >= whole ? a->failed_probes : 0) : 0;
    case TCPHS_SCAN_CONNECT:
        return many ? whole + (half < whole ? a->failed_probes : 0) : 0;
    case TCPHS_SCAN_ACK:
        return many ? a->probes[kind] : 0;
    case TCPHS_SCAN_NULL: /* no stack sends these */
    case TCPHS_SCAN_FIN:
    case TCPHS_SCAN_XMAS:
        return a->probes[kind];
    case TCPHS_SCANS:
        break;
    }
    return 0;
}

/* Sums ---------------------------------------------------------------------------------------------------------- */

guint64 tcphs_endpoint_failed(const struct tcphs_endpoint_statistics *a)
{
    guint64 failed = 0;
    for (unsigned v = 0; v < TCPHS_VERDICTS; v++)
        failed += tcphs_is_failure((enum tcphs_verdict)v) ? a->verdicts[v] : 0;
    return failed;
}

guint64 tcphs_endpoint_attempts(const struct tcphs_endpoint_statistics *a)
{
    return a->verdicts[TCPHS_VERDICT_ESTABLISHED] + tcphs_endpoint_failed(a) + a->verdicts[TCPHS_VERDICT_PENDING];
}

const char *const tcphs_setup_ranges[TCPHS_SETUP_RANGES] = {
    "0-99",          "100-199",         "200-499",         "500-999",     "1000-1999",     "2000-4999",
    "5000-9999",     "10000-19999",     "20000-49999",     "50000-99999", "100000-199999", "200000-499999",
    "500000-999999", "1000000-1999999", "2000000-4999999", "5000000-",
};

static unsigned setup_range(gint64 nanoseconds)
{
    static const guint32 begins[TCPHS_SETUP_RANGES] = {
        0, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000, 100000, 200000, 500000, 1000000, 2000000, 5000000
    };
    unsigned range = 0;
    while (range + 1 < TCPHS_SETUP_RANGES && nanoseconds / 1000 >= begins[range + 1])
        range++;
    return range;
}

static void times_add(struct tcphs_times *t, gint64 time)
{
    t->least = t->count == 0 ? time : MIN(t->least, time);
    t->most = MAX(t->most, time);
    t->sum += time;
    t->count++;
}

void tcphs_tally_add(struct tcphs_tally *tally, const struct tcphs_connection_info *c)
{
    const struct tcphs_connection_record *t = tcphs_connection_info_record(c);
    const gint64 setup = tcphs_setup_time(c);
    if (setup >= 0) {
        times_add(&tally->setup, setup);
        times_add(&tally->setup_in[setup_range(setup)], setup);
    }
    if (c->summary.verdict == TCPHS_VERDICT_NONE) {
        tally->probes++;
    } else {
        tally->connections++;
        tally->closed_by[c->summary.closed_by]++;
    }
    tally->failed += c->summary.failed;
    tally->verdicts[c->summary.verdict]++;
    tally->closes[c->summary.close]++;
    tally->gaps += (t->connection.facts & TCPHS_GAPS) != 0;
    tally->assumed += (t->connection.facts & TCPHS_ASSUMED) != 0;
    for (unsigned i = tcphs_findings_next(&t->findings, 0); i != 0; i = tcphs_findings_next(&t->findings, i))
        tally->findings[i]++;
}
