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

/* The connections of one tuple on one path (VLAN, tunnels), in order of their first frame. */
struct lane {
    struct lane *next;
    struct lane *same_as; /* this path carries the other direction of that lane; NULL = a lane of its own */
    struct tcphs_tracked **connections;
    guint32 count, room;
    guint32 path;
    guint32 first_frame;
    guint32 seen_from; /* bit per end: which directions were captured here */
};

struct route {
    struct lane *lanes;
};

/* What packet_info alone would not find in a frame: several headers, none, a quote, a copy. */
struct odd_frame {
    guint32 count;
    struct tcphs_hit hits[];
};

static wmem_map_t *routes;     /* struct tcphs_tuple -> struct route */
static wmem_map_t *odd_frames; /* frame number -> struct odd_frame */
static struct tcphs_copies *copies;
static guint32 next_id;
static gint64 last_offset;
static guint32 last_frame;
static gint64 last_time; /* the latest time of any frame */
/* Connections that the last learned frame touched, in case its number is given out again; the room is used again. */
static struct {
    struct tcphs_tracked **connections;
    guint32 count, room;
} touched;

static guint hash_tuple(gconstpointer key)
{
    return wmem_strong_hash(key, sizeof(struct tcphs_tuple));
}

static gboolean equal_tuples(gconstpointer a, gconstpointer b)
{
    return memcmp(a, b, sizeof(struct tcphs_tuple)) == 0;
}

static void start_file(void)
{
    copies = wmem_new0(wmem_file_scope(), struct tcphs_copies);
    memset(&touched, 0, sizeof touched);
    next_id = 0;
    last_offset = -1;
    last_frame = 0;
    last_time = 0;
}

void tcphs_store_register(void)
{
    routes = wmem_map_new_autoreset(wmem_epan_scope(), wmem_file_scope(), hash_tuple, equal_tuples);
    odd_frames = wmem_map_new_autoreset(wmem_epan_scope(), wmem_file_scope(), g_direct_hash, g_direct_equal);
    register_init_routine(start_file);
}

static void *grow(void *old, size_t old_size, size_t size)
{
    (void)old_size;
    return wmem_realloc(wmem_file_scope(), old, size);
}

/* Finding ------------------------------------------------------------------------------------------------------- */

/* The connection that a frame belongs to: the last one that began at or before it. */
static struct tcphs_tracked *connection_at(const struct lane *lane, guint32 frame)
{
    guint32 low = 0, high = lane->count;
    while (low < high) {
        const guint32 middle = low + (high - low) / 2;
        if (lane->connections[middle]->first_frame <= frame)
            low = middle + 1;
        else
            high = middle;
    }
    return low > 0 ? lane->connections[low - 1] : NULL;
}

/* The lane of this path as it was known at that frame. */
static struct lane *lane_on(const struct route *route, guint32 path, guint32 frame)
{
    struct lane *lane = route->lanes;
    while (lane != NULL && (lane->path != path || lane->first_frame > frame))
        lane = lane->next;
    return lane != NULL && lane->same_as != NULL ? lane->same_as : lane;
}

static struct tcphs_tracked *begin_connection(struct lane *lane, guint32 frame)
{
    const struct tcphs_tracked *previous = lane->count > 0 ? lane->connections[lane->count - 1] : NULL;
    struct tcphs_tracked *t = wmem_new0(wmem_file_scope(), struct tcphs_tracked);
    tcphs_connection_init(&t->connection, previous ? &previous->connection : NULL);
    t->id = next_id++;
    t->first_frame = frame;
    if (lane->count == lane->room) {
        lane->room = lane->room ? lane->room * 2 : 1;
        lane->connections = (struct tcphs_tracked **)wmem_realloc(wmem_file_scope(), lane->connections,
                                                                  lane->room * sizeof *lane->connections);
    }
    lane->connections[lane->count++] = t;
    return t;
}

static struct lane *add_lane(struct route *route, guint32 path, guint32 frame)
{
    struct lane *lane = wmem_new0(wmem_file_scope(), struct lane);
    struct lane **end = &route->lanes;
    while (*end != NULL)
        end = &(*end)->next;
    lane->path = path;
    lane->first_frame = frame;
    return *end = lane;
}

/* The other direction of a lane that has only ever been seen one way: a trunk may tag each direction on its own. */
static struct lane *lane_waiting_for(const struct route *route, guint8 from)
{
    for (struct lane *lane = route->lanes; lane != NULL; lane = lane->next)
        if (lane->same_as == NULL && lane->seen_from == 1u << !from)
            return lane;
    return NULL;
}

static struct lane *lane_for(struct route *route, const struct tcphs_sighting *seen)
{
    const guint32 frame = seen->segment.frame;
    struct lane *lane = lane_on(route, seen->sight.path, frame);
    if (lane != NULL)
        return lane;
    const bool opens = (seen->segment.flags & (TCPHS_SYN | TCPHS_ACK)) == TCPHS_SYN;
    struct lane *other = opens ? NULL : lane_waiting_for(route, seen->from);
    lane = add_lane(route, seen->sight.path, frame);
    lane->same_as = other;
    return other != NULL ? other : lane;
}

static struct route *route_of(const struct tcphs_tuple *tuple, bool create)
{
    struct route *route = (struct route *)wmem_map_lookup(routes, tuple);
    if (route == NULL && create) {
        struct tcphs_tuple *key = wmem_new(wmem_file_scope(), struct tcphs_tuple);
        *key = *tuple;
        route = wmem_new0(wmem_file_scope(), struct route);
        wmem_map_insert(routes, key, route);
    }
    return route;
}

/* Learning ------------------------------------------------------------------------------------------------------ */

static void forget_frame_number(guint32 frame)
{
    for (guint32 i = 0; i < touched.count; i++) {
        struct tcphs_tracked *t = touched.connections[i];
        tcphs_history_forget_frame(&t->history, frame);
        tcphs_connection_forget_frame(&t->connection, frame);
    }
    wmem_map_remove(odd_frames, GUINT_TO_POINTER(frame));
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

static struct tcphs_tracked *feed(const struct tcphs_sighting *seen)
{
    struct lane *lane = lane_for(route_of(&seen->tuple, true), seen);
    struct tcphs_tracked *t = lane->count > 0 ? lane->connections[lane->count - 1] : NULL;
    if (t == NULL) {
        t = begin_connection(lane, seen->segment.frame);
    } else if (tcphs_connection_is_next(&t->connection, &seen->segment)) {
        struct tcphs_tracked *next = begin_connection(lane, seen->segment.frame);
        tcphs_connection_inherit(&next->connection, &t->connection, &seen->segment);
        t = next;
    }
    struct tcphs_outcome outcome;
    tcphs_connection_segment(&t->connection, &seen->segment, &outcome);
    tcphs_history_add(&t->history, &outcome, seen->from, grow);
    lane->seen_from |= 1u << seen->from;
    touch(t);
    return t;
}

/* The connection that a header belongs to when it moves nothing: a copy, a fragment, an ICMP quote. */
static struct tcphs_tracked *connection_of_silent(const struct tcphs_sighting *seen, guint32 frame)
{
    const struct route *route = route_of(&seen->tuple, false);
    if (route == NULL)
        return NULL;
    const struct lane *lane = lane_on(route, seen->sight.path, frame);
    return connection_at(lane != NULL ? lane : route->lanes, frame);
}

static bool learn_header(struct tcphs_sighting *seen, struct tcphs_hit *hit)
{
    *hit = (struct tcphs_hit){ .from = seen->from, .icmp = seen->icmp };
    if (seen->whole) {
        seen->sight.tuple = tcphs_number_of(&seen->tuple, sizeof seen->tuple, TCPHS_NUMBER_START);
        hit->copy = tcphs_copies_find(copies, &seen->segment, &seen->sight) != 0;
    }
    if (seen->whole && !hit->copy) {
        hit->tracked = feed(seen);
        return true;
    }
    if (!hit->copy && !hit->icmp)
        return false; /* a fragment or a cut header: nothing to say */
    struct tcphs_tracked *t = connection_of_silent(seen, last_frame);
    if (t != NULL && seen->icmp_error) {
        tcphs_connection_icmp(&t->connection, last_frame, seen->from);
        touch(t);
    }
    hit->tracked = t;
    return t != NULL;
}

/* What recall would find by packet_info alone. */
static unsigned recall_by_pinfo(const packet_info *pinfo, struct tcphs_hit *hit)
{
    struct tcphs_tuple tuple;
    guint8 from;
    if (!tcphs_tuple_of_frame(pinfo, &tuple, &from))
        return 0;
    const struct route *route = route_of(&tuple, false);
    if (route == NULL)
        return 0;
    const struct lane *lane = lane_on(route, pinfo->vlan_id, pinfo->num); /* tunnels: unknown here */
    const struct tcphs_tracked *t = connection_at(lane != NULL ? lane : route->lanes, pinfo->num);
    if (t == NULL)
        return 0;
    *hit = (struct tcphs_hit){ .tracked = t, .from = from };
    return 1;
}

static bool same_hit(const struct tcphs_hit *a, const struct tcphs_hit *b)
{
    return a->tracked == b->tracked && a->from == b->from && a->copy == b->copy && a->icmp == b->icmp;
}

/* Keeps what packet_info alone would get wrong; an ordinary frame leaves nothing. */
static void file_if_odd(const packet_info *pinfo, const struct tcphs_hit *hits, guint32 count)
{
    struct tcphs_hit expected;
    const unsigned found = recall_by_pinfo(pinfo, &expected);
    if (found == count && (count == 0 || (count == 1 && same_hit(&expected, hits))))
        return;
    struct odd_frame *odd = (struct odd_frame *)wmem_alloc(wmem_file_scope(), sizeof *odd + count * sizeof *hits);
    odd->count = count;
    memcpy(odd->hits, hits, count * sizeof *hits);
    wmem_map_insert(odd_frames, GUINT_TO_POINTER(pinfo->num), odd);
}

static void learn_frame(packet_info *pinfo, tvbuff_t *frame, proto_tree *tree)
{
    wmem_array_t *hits = wmem_array_new(pinfo->pool, sizeof(struct tcphs_hit));
    struct tcphs_headers walk;
    struct tcphs_sighting seen;
    struct tcphs_hit hit;
    tcphs_headers_begin(&walk, pinfo, frame, tree);
    while (tcphs_headers_next(&walk, &seen))
        if (learn_header(&seen, &hit))
            wmem_array_append_one(hits, hit);
    file_if_odd(pinfo, (const struct tcphs_hit *)wmem_array_get_raw(hits), wmem_array_get_count(hits));
}

void tcphs_store_learn(packet_info *pinfo, tvbuff_t *frame, proto_tree *tree)
{
    const frame_data *fd = pinfo->fd;
    if (copies == NULL || fd->visited || fd->file_off <= last_offset)
        return;
    if (pinfo->num == last_frame)
        forget_frame_number(last_frame);
    touched.count = 0;
    last_offset = fd->file_off;
    last_frame = pinfo->num;
    last_time = MAX(last_time, (gint64)pinfo->abs_ts.secs * 1000000000 + pinfo->abs_ts.nsecs);
    learn_frame(pinfo, frame, tree);
}

/* Recalling ----------------------------------------------------------------------------------------------------- */

unsigned tcphs_store_recall(const packet_info *pinfo, struct tcphs_hit *hits, unsigned room)
{
    const struct odd_frame *odd = (const struct odd_frame *)wmem_map_lookup(odd_frames, GUINT_TO_POINTER(pinfo->num));
    if (odd == NULL)
        return room > 0 ? recall_by_pinfo(pinfo, hits) : 0;
    memcpy(hits, odd->hits, MIN(room, odd->count) * sizeof *hits);
    return odd->count;
}

/* In the GUI a frame can be visited again while the file is still being read. */
static bool is_read_to_the_end(void)
{
    ws_info_t *info = NULL;
    plugin_if_get_ws_info(&info);
    return info == NULL || !info->ws_info_supported || info->cf_state == FILE_READ_DONE;
}

struct tcphs_horizon tcphs_store_horizon(const packet_info *pinfo)
{
    return (struct tcphs_horizon){ .final = pinfo->fd->visited && is_read_to_the_end(), .end_time = last_time };
}
