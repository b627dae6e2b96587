/* tracker.c
 * What is kept of a file is allocated in wmem's file scope and dropped with it.
 *
 * A read filter makes frame numbers unreliable: a rejected frame gives its number to the next one, and the GUI shows
 * a frame twice as unvisited. What is reliable is the offset in the file: a frame is new exactly when its offset lies
 * beyond the last one learned. What was filed under a number that comes again is replaced.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tracker/tracker.h"

#include <epan/plugin_if.h>

#include "tracker/frame_set.h"
#include "tracker/half_open.h"
#include "capture/observed.h"
#include "unanswered_syns.h"
#include "tcp/fast_path.h"
#include "tcp/port_reuse.h"
#include "tcp/connection.h"

/* The headers of a frame that is more than a single segment: several headers, a quote, a copy. Lifetime: file. */
struct listed_frame {
    guint32 count;
    struct tcphs_match matches[];
};

/* Lifetime: file. */
static wmem_map_t *listed_frames;                   /* frame number -> struct listed_frame */
static struct tcphs_frame_set frames_with_findings; /* see tcphs_tracker_has_findings */
static struct tcphs_duplicates *duplicates;
static struct tcphs_unanswered_syns *unanswered;
static guint32 next_id;
static gint64 last_offset;
static guint32 last_frame;
static struct tcphs_capture_quality quality;
static bool said_missed;

static tcphs_zeek_is_server_port is_server_port; /* Lifetime: forever */

/* Of the last learned frame. Lifetime: one visit. */
static bool last_is_learned; /* in this very visit: later frames may still change what it shows of its connection */
static struct {
    struct tcphs_match matches[TCPHS_SHOWN_HEADERS];
    guint32 count;
} learned;

/* Connections in which the last learned frame may have left its number, in case that is given out again; the room is
 * used again. Lifetime: file, until the next frame is learned. */
static struct {
    struct tcphs_tracked **connections;
    guint32 count, room;
} touched;

static void start_file(void)
{
    duplicates = wmem_new0(wmem_file_scope(), struct tcphs_duplicates);
    unanswered = wmem_new0(wmem_file_scope(), struct tcphs_unanswered_syns);
    tcphs_flow_table_begin();
    tcphs_connection_records_begin();
    tcphs_half_open_begin();
    memset(&touched, 0, sizeof touched);
    memset(&frames_with_findings, 0, sizeof frames_with_findings);
    next_id = 0;
    last_offset = -1;
    last_frame = 0;
    memset(&quality, 0, sizeof quality);
    said_missed = false;
    tcphs_observe_checksums_as_the_host();
    tcphs_ip_payloads_forget(); /* of whatever file was open before */
    (void)tcphs_ip_payloads_take_unclaimed();
}

void tcphs_tracker_register(tcphs_zeek_is_server_port server_ports)
{
    is_server_port = server_ports;
    listed_frames = wmem_map_new_autoreset(wmem_epan_scope(), wmem_file_scope(), g_direct_hash, g_direct_equal);
    register_init_routine(start_file);
}

/* Learning ------------------------------------------------------------------------------------------------------ */

static void forget_frame_number(guint32 frame)
{
    for (guint32 i = 0; i < touched.count; i++) {
        struct tcphs_connection_record *record = tcphs_connection_record_modify(touched.connections[i]);
        tcphs_history_forget_frame(&record->history, frame);
        tcphs_connection_forget_frame(&record->connection, frame);
    }
    wmem_map_remove(listed_frames, GUINT_TO_POINTER(frame));
    tcphs_frame_set_take_back(&frames_with_findings, frame);
    tcphs_half_open_forget_frame(frame);
    tcphs_unanswered_syns_forget_frame(unanswered, frame);
}

static void touch(struct tcphs_tracked *t)
{
    if (touched.count == touched.room) {
        touched.room = touched.room ? touched.room * 2 : 8;
        touched.connections = (struct tcphs_tracked **)wmem_realloc(wmem_file_scope(), touched.connections,
                                                                    touched.room * sizeof(struct tcphs_tracked *));
    }
    touched.connections[touched.count++] = t;
}

/* What reports count: of every segment … */
static void count_bytes(struct tcphs_connection_record *record, const struct tcphs_segment *s)
{
    record->packets[s->from]++;
    record->bytes[s->from] += s->length;
}

/* … and of one that has something to show. */
static void count_segment(struct tcphs_connection_record *record, const struct tcphs_segment *s,
                          const struct tcphs_outcome *o)
{
    count_bytes(record, s);
    tcphs_findings_join(&record->findings, &o->findings);
    if (o->time_setup >= 0 && record->setup < 0)
        record->setup = o->time_setup;
    if (o->event != TCPHS_EVENT_NONE && record->opening_over < 0)
        record->opening_over = s->time;
}

static struct tcphs_tracked *begin_connection(const struct tcphs_flow *flow, struct tcphs_flow_path *flow_path,
                                              const struct tcphs_segment *s)
{
    struct tcphs_tracked *previous = (struct tcphs_tracked *)tcphs_flow_path_last(flow_path);
    struct tcphs_tracked *t = (struct tcphs_tracked *)tcphs_arena_alloc(sizeof *t);
    struct tcphs_connection_record *record = tcphs_connection_record_add(t);
    const struct tcphs_connection *before =
        previous != NULL ? &tcphs_connection_record_read(previous)->connection : NULL;
    tcphs_connection_init(&record->connection, before);
    if (before != NULL)
        tcphs_connection_inherit(&record->connection, before, s);
    t->handle.id = next_id++;
    t->handle.first_frame = s->frame;
    t->flow = flow;
    record->start_time = s->time;
    record->first_flags = s->flags;
    record->first_from = s->from;
    record->setup = record->opening_over = -1;
    tcphs_flow_path_append(flow_path, &t->handle);
    return t;
}

/* Steps 1 and 2 keep how many attempts are half open at their server; what is over is none of them. */
static void count_half_open(const struct tcphs_tracked *t, const struct tcphs_segment *s, const struct tcphs_outcome *o,
                            bool over)
{
    if (over) {
        tcphs_half_open_over(t->handle.id);
    } else if ((o->step == 1 || o->step == 2) && o->client < TCPHS_NO_END) {
        const struct tcphs_tuple tuple = tcphs_flow_tuple(t->flow);
        tcphs_half_open_step(s->frame, t->handle.id, &tuple, !o->client, s->time);
    }
}

/* Expert infos may come from this segment: of its findings, of an assumption that begins with it, or because no more of
 * them are kept of the connection. */
static bool has_findings(const struct tcphs_connection_record *record, const struct tcphs_outcome *o, bool was_assumed)
{
    return tcphs_findings_any(&o->findings) || (!was_assumed && (record->connection.facts & TCPHS_ASSUMED)) ||
           record->history.entry_count >= TCPHS_MOST_LOG_ENTRIES;
}

/* The slow path: it may begin a connection, and there may be something to show. */
static struct tcphs_connection_record *feed_slow_path(const struct tcphs_flow *flow, struct tcphs_flow_path *flow_path,
                                                      const struct tcphs_segment *s, struct tcphs_tracked **t)
{
    if (*t == NULL || tcphs_connection_is_port_reuse(&tcphs_connection_record_read(*t)->connection, s))
        *t = begin_connection(flow, flow_path, s);
    struct tcphs_connection_record *record = tcphs_connection_record_modify(*t);
    const bool was_over = record->opening_over >= 0;
    const bool was_assumed = (record->connection.facts & TCPHS_ASSUMED) != 0;
    struct tcphs_outcome outcome;
    tcphs_connection_segment(&record->connection, s, &outcome);
    tcphs_history_add(&record->history, &outcome, s->from, tcphs_connection_records_grow);
    count_segment(record, s, &outcome);
    if (has_findings(record, &outcome, was_assumed))
        tcphs_frame_set_add(&frames_with_findings, last_frame);
    if (!was_over)
        count_half_open(*t, s, &outcome, record->opening_over >= 0);
    touch(*t);
    flow_path->seen_from |= (guint8)(1u << s->from) & 3u; /* the fast path takes no end's first segment */
    return record;
}

/* The connection that the segment belongs to, once it has processed it. */
static struct tcphs_connection_record *feed_connection(struct tcphs_flow *flow, const struct tcphs_observed *seen,
                                                       struct tcphs_tracked **t)
{
    struct tcphs_flow_path *flow_path = tcphs_flow_path_for(flow, seen);
    struct tcphs_connection_record *record = NULL;
    *t = (struct tcphs_tracked *)tcphs_flow_path_last(flow_path);
    if (*t != NULL)
        record = tcphs_connection_record_modify(*t);
    if (record != NULL && tcphs_connection_fast_path(&record->connection, &seen->segment))
        count_bytes(record, &seen->segment);
    else
        record = feed_slow_path(flow, flow_path, &seen->segment, t);
    return record;
}

/* Zeek takes every segment, copies too, unless IP already dropped it. */
static struct tcphs_zeek_tracked *feed_zeek(struct tcphs_flow *flow, const struct tcphs_observed *seen)
{
    const struct tcphs_zeek_input in = { &seen->segment, seen->bad_checksum, seen->payload_captured,
                                         tcphs_connection_records_grow };
    struct tcphs_zeek_tracked *z = (struct tcphs_zeek_tracked *)tcphs_flow_path_last(&flow->zeek);
    if (seen->bad_network_checksum)
        return NULL;
    struct tcphs_zeek *zeek = z != NULL ? tcphs_zeek_record_modify(z) : NULL;
    if (zeek == NULL || tcphs_zeek_is_over(zeek, &seen->segment, quality.last_time)) {
        z = (struct tcphs_zeek_tracked *)tcphs_arena_alloc(sizeof *z);
        z->handle.first_frame = seen->segment.frame;
        zeek = tcphs_zeek_record_add(z);
        tcphs_zeek_begin(zeek, &in, is_server_port);
        tcphs_flow_path_append(&flow->zeek, &z->handle);
    }
    if (!tcphs_zeek_fast_path(zeek, &in))
        tcphs_zeek_segment(zeek, &in);
    return z;
}

/* The connection that a header belongs to when it changes nothing: a copy, a fragment, an ICMP quote. */
static struct tcphs_tracked *connection_at(const struct tcphs_observed *seen, guint32 frame)
{
    struct tcphs_flow *flow = tcphs_flow_find(&seen->tuple);
    return flow != NULL ? tcphs_flow_connection(flow, seen->point.path, frame) : NULL;
}

/* Which of Zeek's connections ours has been so far. */
static void remember_zeek(struct tcphs_connection_record *record, guint32 zeek_count)
{
    if (record->zeek_to == 0)
        record->zeek_from = zeek_count - 1;
    record->zeek_to = zeek_count;
}

/* A number for an address and port. */
static guint32 number_of_end(const struct tcphs_tuple *tuple, unsigned end)
{
    guint8 key[sizeof tuple->address[0] + sizeof tuple->port[0]];
    memcpy(key, tuple->address[end], sizeof tuple->address[0]);
    memcpy(key + sizeof tuple->address[0], &tuple->port[end], sizeof tuple->port[0]);
    return wmem_strong_hash(key, sizeof key);
}

/* SYNs wait for their answer, whoever it comes from; a SYN-ACK that nothing was asked of may be one from elsewhere. */
static void match_unanswered(const struct tcphs_observed *seen, const struct tcphs_connection *c,
                             struct tcphs_match *match)
{
    const struct tcphs_segment *s = &seen->segment;
    const bool is_answer = tcphs_has_any(s, TCPHS_ACK);
    if (!tcphs_has_any(s, TCPHS_SYN) || tcphs_has_any(s, TCPHS_RST | TCPHS_FIN))
        return;
    const guint32 client = number_of_end(&seen->tuple, is_answer ? !seen->from : seen->from);
    if (!is_answer) {
        if (tcphs_connection_stage(c) == TCPHS_STAGE_SYN_SENT)
            tcphs_unanswered_syns_add(unanswered, client, s->seq, s->frame);
    } else if (c->syn_count > 0) {
        tcphs_unanswered_syns_remove(unanswered, client, s->ack - 1);
    } else {
        const guint32 frame = tcphs_unanswered_syns_find(unanswered, client, s->ack - 1);
        match->from_elsewhere = frame != 0;
        match->foreign_frame = frame == TCPHS_UNNUMBERED_FRAME ? 0 : frame;
    }
}

/* A whole segment: both observers take it, each in its own way. What is dropped for its checksum changes nothing; Zeek
 * notes it, unless IP already dropped it. */
static bool learn_segment(struct tcphs_observed *seen, struct tcphs_match *match)
{
    struct tcphs_flow *flow = tcphs_flow_for(seen);
    struct tcphs_tracked *t = NULL;
    struct tcphs_connection_record *record = NULL;
    seen->point.tuple = flow->number;
    match->dropped = seen->is_dropped;
    const guint32 original = match->dropped ? 0 : tcphs_duplicates_find(duplicates, &seen->segment, &seen->point);
    match->copy = original != 0;
    match->rewritten = match->copy && duplicates->rewritten;
    match->foreign_frame = match->rewritten ? original : 0;
    if (match->copy || match->dropped) {
        t = connection_at(seen, seen->segment.frame);
        if (t == NULL && match->dropped) /* like all that changes nothing, it has a number */
            t = begin_connection(flow, tcphs_flow_path_for(flow, seen), &seen->segment);
        record = t != NULL ? tcphs_connection_record_modify(t) : NULL;
    } else {
        record = feed_connection(flow, seen, &t);
        match_unanswered(seen, &record->connection, match);
    }
    quality.segments++;
    quality.copies += match->copy;
    match->zeek = feed_zeek(flow, seen);
    match->tracked = t;
    if (record != NULL && match->zeek != NULL)
        remember_zeek(record, flow->zeek.count);
    if (match->rewritten || match->from_elsewhere)
        tcphs_frame_set_add(&frames_with_findings, last_frame);
    return t != NULL;
}

static void take_icmp_error(struct tcphs_tracked *t, guint8 from)
{
    struct tcphs_connection_record *record = tcphs_connection_record_modify(t);
    tcphs_connection_icmp(&record->connection, last_frame, from);
    if (record->opening_over < 0 && record->connection.icmp_frame == last_frame)
        record->opening_over = quality.last_time;
    if (record->opening_over >= 0)
        tcphs_half_open_over(t->handle.id);
    touch(t);
}

/* True when there is something to tell of it. */
static bool learn_header(struct tcphs_observed *seen, int header, struct tcphs_match *match)
{
    *match = (struct tcphs_match){ .header = header, .from = seen->from, .icmp = seen->icmp };
    if (seen->whole)
        return learn_segment(seen, match);
    if (!match->icmp)
        return false; /* a fragment or a cut header: nothing to say */
    struct tcphs_tracked *t = connection_at(seen, last_frame);
    if (t != NULL && seen->icmp_error)
        take_icmp_error(t, seen->from);
    match->tracked = t;
    return t != NULL;
}

/* Keeps what a later visit could not find by the segment's own addresses, path and frame number. */
static void list_frame(guint32 frame)
{
    const size_t size = learned.count * sizeof *learned.matches;
    struct listed_frame *listed = (struct listed_frame *)wmem_alloc(wmem_file_scope(), sizeof *listed + size);
    listed->count = learned.count;
    memcpy(listed->matches, learned.matches, size);
    wmem_map_insert(listed_frames, GUINT_TO_POINTER(frame), listed);
}

/* One segment that both observers took: nothing need be kept of it. */
static bool is_single_segment(const struct tcphs_match *match)
{
    return !match->copy && !match->icmp && !match->dropped && !match->from_elsewhere && match->zeek != NULL;
}

static void learn_headers(packet_info *pinfo, const struct tcphs_ip_payloads *noted)
{
    struct tcphs_observed seen;
    struct tcphs_match unshown;
    unsigned headers = 0;
    learned.count = 0;
    for (int next = 0; tcphs_observe_next(pinfo, noted, &next, &seen); headers++) {
        const bool shown = learned.count < TCPHS_SHOWN_HEADERS;
        const bool told = learn_header(&seen, next - 1, shown ? &learned.matches[learned.count] : &unshown);
        learned.count += told && shown;
    }
    if (learned.count > 0 && (headers > 1 || !is_single_segment(&learned.matches[0])))
        list_frame(pinfo->num);
}

/* What Wireshark's window says of itself; NULL in any other program. */
static const ws_info_t *gui_info(void)
{
    ws_info_t *info = NULL;
    plugin_if_get_ws_info(&info);
    return info != NULL && info->ws_info_supported ? info : NULL;
}

/* TCP that the host reaches without the hook: counted, and said once where somebody reads it. */
static void count_missed(unsigned missed)
{
    if (missed > 0 && !said_missed && gui_info() == NULL) {
        said_missed = true;
        fprintf(stderr,
                "tcphs: frame %u has TCP that does not come from the dissector table ip.proto (Decode As, TCP "
                "in UDP, exported PDUs, a script): nothing is known of such segments\n",
                last_frame);
    }
    quality.missed += missed;
}

static void count_frame(const packet_info *pinfo, gint64 time)
{
    if (quality.frames++ == 0)
        quality.first_time = quality.last_time = time;
    quality.last_time = MAX(quality.last_time, time);
    tcphs_connection_records_tick(quality.last_time, false);
    quality.cut += pinfo->fd->cap_len < pinfo->fd->pkt_len;
}

void tcphs_tracker_learn(packet_info *pinfo)
{
    const frame_data *fd = pinfo->fd;
    last_is_learned = false;
    if (duplicates == NULL || fd->file_off <= last_offset || fd->visited)
        return;
    const struct tcphs_ip_payloads *noted = tcphs_ip_payloads_of(pinfo);
    if (pinfo->num == last_frame)
        forget_frame_number(last_frame);
    touched.count = 0;
    last_offset = fd->file_off;
    last_frame = pinfo->num;
    last_is_learned = true;
    count_frame(pinfo, tcphs_nanoseconds(&pinfo->abs_ts));
    count_missed(tcphs_ip_payloads_missed(pinfo, noted));
    learn_headers(pinfo, noted);
}

/* Recalling ----------------------------------------------------------------------------------------------------- */

/* The only header of a frame, when it is a single segment. */
static unsigned recall_segment(packet_info *pinfo, struct tcphs_match *match)
{
    const struct tcphs_ip_payloads *noted = tcphs_ip_payloads_of(pinfo);
    struct tcphs_observed seen, other;
    int next = 0;
    if (!tcphs_observe_next(pinfo, noted, &next, &seen) || !seen.whole)
        return 0;
    const int header = next - 1;
    if (next < noted->count && tcphs_observe_next(pinfo, noted, &next, &other))
        return 0;
    struct tcphs_flow *flow = tcphs_flow_find(&seen.tuple);
    struct tcphs_tracked *t = flow != NULL ? tcphs_flow_connection(flow, seen.point.path, pinfo->num) : NULL;
    if (t == NULL)
        return 0;
    *match = (struct tcphs_match){
        .tracked = t, .zeek = tcphs_flow_zeek(flow, pinfo->num), .header = header, .from = seen.from
    };
    return 1;
}

unsigned tcphs_tracker_recall(packet_info *pinfo, struct tcphs_match *matches)
{
    if (last_is_learned) {
        memcpy(matches, learned.matches, learned.count * sizeof *matches);
        return learned.count;
    }
    tcphs_connection_records_tick(quality.last_time, true);
    const struct listed_frame *listed =
        (const struct listed_frame *)wmem_map_lookup(listed_frames, GUINT_TO_POINTER(pinfo->num));
    if (listed == NULL)
        return recall_segment(pinfo, matches);
    memcpy(matches, listed->matches, listed->count * sizeof *matches);
    return listed->count;
}

bool tcphs_tracker_has_findings(const packet_info *pinfo)
{
    return tcphs_frame_set_has(&frames_with_findings, pinfo->num);
}

/* A copy, an ICMP quote and what is dropped for its checksum change nothing: they show only the state of the
 * connection.
 */
static void keep_state_only(struct tcphs_outcome *o)
{
    struct tcphs_outcome state_only = {
        .frame = o->frame, .time_synack = -1, .time_ack = -1, .time_setup = -1, .waited = -1, .rst_idle = -1
    };
    memcpy(state_only.links, o->links, sizeof state_only.links);
    memcpy(state_only.state, o->state, sizeof state_only.state);
    state_only.stage = o->stage;
    state_only.client = o->client;
    state_only.assumed = o->assumed;
    *o = state_only;
}

void tcphs_tracker_outcome(const struct tcphs_match *match, guint32 frame, struct tcphs_outcome *out)
{
    const struct tcphs_connection_record *record = tcphs_connection_record_read(match->tracked);
    tcphs_history_recall(&record->history, &record->connection, frame, match->from, out);
    if (match->copy || match->icmp || match->dropped)
        keep_state_only(out);
    if (match->dropped)
        out->accepted = TCPHS_ACCEPT_NO;
}

/* In the GUI a frame can be visited again while the file is still being read. */
static bool is_read_to_the_end(void)
{
    const ws_info_t *gui = gui_info();
    return gui == NULL || gui->cf_state == FILE_READ_DONE;
}

struct tcphs_horizon tcphs_tracker_horizon(const packet_info *pinfo)
{
    const bool seen_before = pinfo->fd->visited && !last_is_learned;
    return (struct tcphs_horizon){ .final = seen_before && is_read_to_the_end(), .end_time = quality.last_time };
}

struct tcphs_tuple tcphs_tracker_tuple(const struct tcphs_tracked *t)
{
    return tcphs_flow_tuple(t->flow);
}

const struct tcphs_zeek *tcphs_tracker_zeek(const struct tcphs_tracked *t, guint32 index)
{
    return tcphs_zeek_record_read((struct tcphs_zeek_tracked *)tcphs_flow_path_at(&t->flow->zeek, index));
}

const struct tcphs_capture_quality *tcphs_tracker_quality(void)
{
    quality.missed += tcphs_ip_payloads_take_unclaimed();
    return &quality;
}
