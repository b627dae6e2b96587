/* store.c
 * Lifetimes: everything below lives as long as the open file (wmem file scope) and is dropped with it.
 *
 * A read filter makes frame numbers unreliable: a rejected frame gives its number to the next one, and the GUI shows
 * a frame twice as unvisited. What is reliable is the offset in the file: a frame is new exactly when its offset lies
 * beyond the last one learned. What was filed under a number that comes again is replaced.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "store.h"

#include <epan/plugin_if.h>

#include "half_open.h"
#include "observed.h"
#include "unanswered_syns.h"

/* The headers of a frame that is more than one ordinary segment: several headers, a quote, a copy. */
struct listed_frame {
    guint32 count;
    struct tcphs_hit hits[];
};

static wmem_map_t *listed_frames; /* frame number -> struct listed_frame */
static struct tcphs_copies *copies;
static struct tcphs_unanswered_syns *unanswered;
static guint32 next_id;
static gint64 last_offset;
static guint32 last_frame;
static struct tcphs_quality quality;
static tcphs_zeek_is_server_port is_server_port;
static bool said_missed; /* of this file */
static bool last_is_learned; /* in this very visit: later frames may still change what it shows of its connection */
static struct {
    struct tcphs_hit hits[TCPHS_SHOWN_HEADERS];
    guint32 count;
    bool told; /* a finding, a step, an event: not just one more segment */
} learned;     /* of the last learned frame */
/* Connections in which the last learned frame may have left its number, in case that is given out again; the room is
 * used again. */
static struct {
    struct tcphs_tracked **connections;
    guint32 count, room;
} touched;

static void start_file(void)
{
    copies = wmem_new0(wmem_file_scope(), struct tcphs_copies);
    unanswered = wmem_new0(wmem_file_scope(), struct tcphs_unanswered_syns);
    tcphs_routes_begin();
    tcphs_lives_begin();
    tcphs_half_open_begin();
    memset(&touched, 0, sizeof touched);
    next_id = 0;
    last_offset = -1;
    last_frame = 0;
    memset(&quality, 0, sizeof quality);
    said_missed = false;
    tcphs_observe_checksums_as_the_host();
    tcphs_ip_payloads_forget(); /* of whatever file was open before */
    (void)tcphs_ip_payloads_take_unclaimed();
}

void tcphs_store_register(tcphs_zeek_is_server_port server_ports)
{
    is_server_port = server_ports;
    listed_frames = wmem_map_new_autoreset(wmem_epan_scope(), wmem_file_scope(), g_direct_hash, g_direct_equal);
    register_init_routine(start_file);
}

/* Learning ------------------------------------------------------------------------------------------------------ */

static void forget_frame_number(guint32 frame)
{
    for (guint32 i = 0; i < touched.count; i++) {
        struct tcphs_life *life = tcphs_life_open(touched.connections[i]);
        tcphs_history_forget_frame(&life->history, frame);
        tcphs_connection_forget_frame(&life->connection, frame);
    }
    wmem_map_remove(listed_frames, GUINT_TO_POINTER(frame));
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
static void count_bytes(struct tcphs_life *life, const struct tcphs_segment *s)
{
    life->packets[s->from]++;
    life->bytes[s->from] += s->length;
}

/* … and of one that tells something. */
static void count_segment(struct tcphs_life *life, const struct tcphs_segment *s, const struct tcphs_outcome *o)
{
    count_bytes(life, s);
    life->findings |= o->findings;
    if (o->time_setup >= 0 && life->setup < 0)
        life->setup = o->time_setup;
    if (o->event != TCPHS_EVENT_NONE && life->opening_over < 0)
        life->opening_over = s->time;
}

static struct tcphs_tracked *begin_connection(const struct tcphs_route *route, struct tcphs_lane *lane,
                                              const struct tcphs_segment *s)
{
    struct tcphs_tracked *previous = (struct tcphs_tracked *)tcphs_lane_last(lane);
    struct tcphs_tracked *t = (struct tcphs_tracked *)tcphs_room(sizeof *t);
    struct tcphs_life *life = tcphs_life_add(t);
    const struct tcphs_connection *before = previous != NULL ? &tcphs_life_of(previous)->connection : NULL;
    tcphs_connection_init(&life->connection, before);
    if (before != NULL)
        tcphs_connection_inherit(&life->connection, before, s);
    t->item.id = next_id++;
    t->item.first_frame = s->frame;
    t->route = route;
    life->start_time = s->time;
    life->first_flags = s->flags;
    life->first_from = s->from;
    life->setup = life->opening_over = -1;
    tcphs_lane_append(lane, &t->item);
    return t;
}

/* Steps 1 and 2 keep how many attempts are half open at their server; what is over is none of them. */
static void count_half_open(const struct tcphs_tracked *t, const struct tcphs_segment *s, const struct tcphs_outcome *o,
                            bool over)
{
    if (over) {
        tcphs_half_open_over(t->item.id);
    } else if ((o->step == 1 || o->step == 2) && o->client < TCPHS_NO_CLIENT) {
        const struct tcphs_tuple tuple = tcphs_route_tuple(t->route);
        tcphs_half_open_step(s->frame, t->item.id, &tuple, !o->client, s->time);
    }
}

/* The long way: it may begin a connection, and there may be something to tell. */
static struct tcphs_life *feed_in_full(const struct tcphs_route *route, struct tcphs_lane *lane,
                                       const struct tcphs_segment *s, struct tcphs_tracked **t)
{
    if (*t == NULL || tcphs_connection_is_next(&tcphs_life_of(*t)->connection, s))
        *t = begin_connection(route, lane, s);
    struct tcphs_life *life = tcphs_life_open(*t);
    const bool was_over = life->opening_over >= 0;
    struct tcphs_outcome outcome;
    learned.told = true;
    tcphs_connection_segment(&life->connection, s, &outcome);
    tcphs_history_add(&life->history, &outcome, s->from, tcphs_lives_grow);
    count_segment(life, s, &outcome);
    if (!was_over)
        count_half_open(*t, s, &outcome, life->opening_over >= 0);
    touch(*t);
    lane->seen_from |= (guint8)(1u << s->from) & 3u; /* nothing plain comes before an end's first segment */
    return life;
}

/* The connection that the segment belongs to, once it has moved it. */
static struct tcphs_life *feed(struct tcphs_route *route, const struct tcphs_observed *seen, struct tcphs_tracked **t)
{
    struct tcphs_lane *lane = tcphs_lane_for(route, seen);
    struct tcphs_life *life = NULL;
    *t = (struct tcphs_tracked *)tcphs_lane_last(lane);
    if (*t != NULL)
        life = tcphs_life_open(*t);
    if (life != NULL && tcphs_connection_plain(&life->connection, &seen->segment))
        count_bytes(life, &seen->segment);
    else
        life = feed_in_full(route, lane, &seen->segment, t);
    return life;
}

/* Zeek takes every segment, copies too, unless IP already dropped it. */
static struct tcphs_zeek_tracked *feed_zeek(struct tcphs_route *route, const struct tcphs_observed *seen)
{
    const struct tcphs_zeek_input in = { &seen->segment, seen->bad_checksum, seen->payload_captured, tcphs_lives_grow };
    struct tcphs_zeek_tracked *z = (struct tcphs_zeek_tracked *)tcphs_lane_last(&route->zeek);
    if (seen->bad_network_checksum)
        return NULL;
    struct tcphs_zeek *zeek = z != NULL ? tcphs_zeek_open(z) : NULL;
    if (zeek == NULL || tcphs_zeek_is_over(zeek, &seen->segment, quality.last_time)) {
        z = (struct tcphs_zeek_tracked *)tcphs_room(sizeof *z);
        z->item.first_frame = seen->segment.frame;
        zeek = tcphs_zeek_add(z);
        tcphs_zeek_begin(zeek, &in, is_server_port);
        tcphs_lane_append(&route->zeek, &z->item);
    }
    if (!tcphs_zeek_plain(zeek, &in))
        tcphs_zeek_segment(zeek, &in);
    return z;
}

/* The connection that a header belongs to when it moves nothing: a copy, a fragment, an ICMP quote. */
static struct tcphs_tracked *connection_of_silent(const struct tcphs_observed *seen, guint32 frame)
{
    struct tcphs_route *route = tcphs_route_find(&seen->tuple);
    return route != NULL ? tcphs_route_connection(route, seen->point.path, frame) : NULL;
}

/* Which of Zeek's connections ours has been so far. */
static void note_zeek(struct tcphs_life *life, guint32 zeek_count)
{
    if (life->zeek_to == 0)
        life->zeek_from = zeek_count - 1;
    life->zeek_to = zeek_count;
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
static void match_unanswered(const struct tcphs_observed *seen, const struct tcphs_connection *c, struct tcphs_hit *hit)
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
        hit->other_frame = tcphs_unanswered_syns_find(unanswered, client, s->ack - 1);
        hit->from_elsewhere = hit->other_frame != 0;
    }
}

/* A whole segment: both observers take it, each in its own way. What is dropped for its checksum moves nothing; Zeek
 * notes it, unless IP already dropped it. */
static bool learn_segment(struct tcphs_observed *seen, struct tcphs_hit *hit)
{
    struct tcphs_route *route = tcphs_route_for(seen);
    struct tcphs_tracked *t = NULL;
    struct tcphs_life *life = NULL;
    seen->point.tuple = route->number;
    hit->dropped = seen->is_dropped;
    const guint32 original = hit->dropped ? 0 : tcphs_copies_find(copies, &seen->segment, &seen->point);
    hit->copy = original != 0;
    hit->rewritten = hit->copy && copies->rewritten;
    hit->other_frame = hit->rewritten ? original : 0;
    if (hit->copy || hit->dropped) {
        t = connection_of_silent(seen, seen->segment.frame);
        if (t == NULL && hit->dropped) /* like all that moves nothing, it has a number */
            t = begin_connection(route, tcphs_lane_for(route, seen), &seen->segment);
        life = t != NULL ? tcphs_life_open(t) : NULL;
    } else {
        life = feed(route, seen, &t);
        match_unanswered(seen, &life->connection, hit);
    }
    quality.segments++;
    quality.copies += hit->copy;
    hit->zeek = feed_zeek(route, seen);
    hit->tracked = t;
    if (life != NULL && hit->zeek != NULL)
        note_zeek(life, route->zeek.count);
    return t != NULL;
}

static void take_icmp_error(struct tcphs_tracked *t, guint8 from)
{
    struct tcphs_life *life = tcphs_life_open(t);
    tcphs_connection_icmp(&life->connection, last_frame, from);
    if (life->opening_over < 0 && life->connection.icmp_frame == last_frame)
        life->opening_over = quality.last_time;
    if (life->opening_over >= 0)
        tcphs_half_open_over(t->item.id);
    touch(t);
}

/* True when there is something to tell of it. */
static bool learn_header(struct tcphs_observed *seen, int header, struct tcphs_hit *hit)
{
    *hit = (struct tcphs_hit){ .header = header, .from = seen->from, .icmp = seen->icmp };
    if (seen->whole)
        return learn_segment(seen, hit);
    if (!hit->icmp)
        return false; /* a fragment or a cut header: nothing to say */
    struct tcphs_tracked *t = connection_of_silent(seen, last_frame);
    if (t != NULL && seen->icmp_error)
        take_icmp_error(t, seen->from);
    hit->tracked = t;
    return t != NULL;
}

/* Keeps what a later visit could not find by the segment's own addresses, path and frame number. */
static void list_frame(guint32 frame)
{
    const size_t size = learned.count * sizeof *learned.hits;
    struct listed_frame *listed = (struct listed_frame *)wmem_alloc(wmem_file_scope(), sizeof *listed + size);
    listed->count = learned.count;
    memcpy(listed->hits, learned.hits, size);
    wmem_map_insert(listed_frames, GUINT_TO_POINTER(frame), listed);
}

/* One segment that both observers took: nothing need be kept of it. */
static bool is_ordinary(const struct tcphs_hit *hit)
{
    return !hit->copy && !hit->icmp && !hit->dropped && !hit->from_elsewhere && hit->zeek != NULL;
}

static void learn_headers(packet_info *pinfo, const struct tcphs_ip_payloads *noted)
{
    struct tcphs_observed seen;
    struct tcphs_hit unshown;
    unsigned headers = 0;
    learned.count = 0;
    for (int next = 0; tcphs_observe_next(pinfo, noted, &next, &seen); headers++) {
        const bool shown = learned.count < TCPHS_SHOWN_HEADERS;
        const bool told = learn_header(&seen, next - 1, shown ? &learned.hits[learned.count] : &unshown);
        learned.count += told && shown;
    }
    if (learned.count > 0 && (headers > 1 || !is_ordinary(&learned.hits[0])))
        list_frame(pinfo->num);
}

/* What Wireshark's window says of itself; NULL in any other program. */
static const ws_info_t *window_info(void)
{
    ws_info_t *info = NULL;
    plugin_if_get_ws_info(&info);
    return info != NULL && info->ws_info_supported ? info : NULL;
}

/* TCP that the host reaches without the hook: counted, and said once where somebody reads it. */
static void count_missed(unsigned missed)
{
    if (missed > 0 && !said_missed && window_info() == NULL) {
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
    tcphs_lives_tick(quality.last_time, false);
    quality.cut += pinfo->fd->cap_len < pinfo->fd->pkt_len;
}

bool tcphs_store_learn(packet_info *pinfo)
{
    const frame_data *fd = pinfo->fd;
    last_is_learned = false;
    if (copies == NULL || fd->file_off <= last_offset || fd->visited)
        return false;
    const struct tcphs_ip_payloads *noted = tcphs_ip_payloads_of(pinfo);
    if (pinfo->num == last_frame)
        forget_frame_number(last_frame);
    touched.count = 0;
    last_offset = fd->file_off;
    last_frame = pinfo->num;
    last_is_learned = true;
    learned.told = false;
    count_frame(pinfo, tcphs_nanoseconds(&pinfo->abs_ts));
    count_missed(tcphs_ip_payloads_missed(pinfo, noted));
    learn_headers(pinfo, noted);
    return !learned.told;
}

/* Recalling ----------------------------------------------------------------------------------------------------- */

/* The only header of a frame, when it is an ordinary segment. */
static unsigned recall_segment(packet_info *pinfo, struct tcphs_hit *hit)
{
    const struct tcphs_ip_payloads *noted = tcphs_ip_payloads_of(pinfo);
    struct tcphs_observed seen, other;
    int next = 0;
    if (!tcphs_observe_next(pinfo, noted, &next, &seen) || !seen.whole)
        return 0;
    const int header = next - 1;
    if (next < noted->count && tcphs_observe_next(pinfo, noted, &next, &other))
        return 0;
    struct tcphs_route *route = tcphs_route_find(&seen.tuple);
    const struct tcphs_tracked *t = route != NULL ? tcphs_route_connection(route, seen.point.path, pinfo->num) : NULL;
    if (t == NULL)
        return 0;
    *hit = (struct tcphs_hit){
        .tracked = t, .zeek = tcphs_route_zeek(route, pinfo->num), .header = header, .from = seen.from
    };
    return 1;
}

unsigned tcphs_store_recall(packet_info *pinfo, struct tcphs_hit *hits)
{
    if (last_is_learned) {
        memcpy(hits, learned.hits, learned.count * sizeof *hits);
        return learned.count;
    }
    tcphs_lives_tick(quality.last_time, true);
    const struct listed_frame *listed =
        (const struct listed_frame *)wmem_map_lookup(listed_frames, GUINT_TO_POINTER(pinfo->num));
    if (listed == NULL)
        return recall_segment(pinfo, hits);
    memcpy(hits, listed->hits, listed->count * sizeof *hits);
    return listed->count;
}

/* A copy, an ICMP quote and what is dropped for its checksum move nothing: they show only where the connection stands.
 */
static void keep_standing_only(struct tcphs_outcome *o)
{
    struct tcphs_outcome standing = {
        .frame = o->frame, .time_synack = -1, .time_ack = -1, .time_setup = -1, .waited = -1, .rst_idle = -1
    };
    memcpy(standing.links, o->links, sizeof standing.links);
    memcpy(standing.state, o->state, sizeof standing.state);
    standing.stage = o->stage;
    standing.client = o->client;
    standing.assumed = o->assumed;
    *o = standing;
}

void tcphs_store_outcome(const struct tcphs_hit *hit, guint32 frame, struct tcphs_outcome *out)
{
    const struct tcphs_life *life = tcphs_life_of(hit->tracked);
    tcphs_history_recall(&life->history, &life->connection, frame, hit->from, out);
    if (hit->copy || hit->icmp || hit->dropped)
        keep_standing_only(out);
    if (hit->dropped)
        out->accepted = TCPHS_ACCEPT_NO;
}

/* In the GUI a frame can be visited again while the file is still being read. */
static bool is_read_to_the_end(void)
{
    const ws_info_t *window = window_info();
    return window == NULL || window->cf_state == FILE_READ_DONE;
}

struct tcphs_horizon tcphs_store_horizon(const packet_info *pinfo)
{
    const bool seen_before = pinfo->fd->visited && !last_is_learned;
    return (struct tcphs_horizon){ .final = seen_before && is_read_to_the_end(), .end_time = quality.last_time };
}

struct tcphs_tuple tcphs_store_tuple(const struct tcphs_tracked *t)
{
    return tcphs_route_tuple(t->route);
}

const struct tcphs_zeek *tcphs_store_zeek(const struct tcphs_tracked *t, guint32 index)
{
    return tcphs_zeek_of((const struct tcphs_zeek_tracked *)tcphs_lane_at(&t->route->zeek, index));
}

const struct tcphs_quality *tcphs_store_quality(void)
{
    quality.missed += tcphs_ip_payloads_take_unclaimed();
    return &quality;
}
