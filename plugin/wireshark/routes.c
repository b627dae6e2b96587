/* routes.c
 * A table of all tuples, and an index of the host's streams that spares most segments the search in it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "routes.h"

static struct {
    struct tcphs_route **slots; /* open addressing, linear probing; room is a power of two */
    guint32 count, room;
} table;
static struct {
    struct tcphs_route **routes; /* by number of the host's stream; which splits and merges tuples in its own way */
    guint32 room;
} streams;
static guint64 hash_seed; /* no capture can be made to collide on purpose */

enum { LEAST_ROOM = 1024, MOST_STREAMS = 1 << 26 };

static void *file_room(gsize size)
{
    return wmem_alloc0(wmem_file_scope(), size);
}

void tcphs_routes_begin(void)
{
    if (hash_seed == 0)
        hash_seed = (guint64)g_random_int() << 32 | g_random_int() | 1;
    table.count = 0;
    table.room = LEAST_ROOM;
    table.slots = (struct tcphs_route **)file_room(LEAST_ROOM * sizeof *table.slots);
    streams.routes = NULL;
    streams.room = 0;
}

/* Series -------------------------------------------------------------------------------------------------------- */

struct tcphs_item *tcphs_series_at(const struct tcphs_series *series, guint32 index)
{
    return series->room == 0 ? series->of.one : series->of.many[index];
}

struct tcphs_item *tcphs_series_last(const struct tcphs_series *series)
{
    return series->count > 0 ? tcphs_series_at(series, series->count - 1) : NULL;
}

void tcphs_series_append(struct tcphs_series *series, struct tcphs_item *item)
{
    if (series->count == 0) {
        series->of.one = item;
    } else {
        if (series->room == 0) {
            struct tcphs_item *const one = series->of.one;
            series->room = 4;
            series->of.many = (struct tcphs_item **)wmem_alloc(wmem_file_scope(), series->room * sizeof one);
            series->of.many[0] = one;
        } else if (series->count == series->room) {
            series->room *= 2;
            series->of.many = (struct tcphs_item **)wmem_realloc(wmem_file_scope(), series->of.many,
                                                                 series->room * sizeof *series->of.many);
        }
        series->of.many[series->count] = item;
    }
    series->count++;
}

/* The last one that began at or before a frame, or NULL. */
static struct tcphs_item *begun_by(const struct tcphs_series *series, guint32 frame)
{
    guint32 low = 0, high = series->count;
    while (low < high) {
        const guint32 middle = low + (high - low) / 2;
        if (tcphs_series_at(series, middle)->first_frame <= frame)
            low = middle + 1;
        else
            high = middle;
    }
    return low > 0 ? tcphs_series_at(series, low - 1) : NULL;
}

/* Lanes --------------------------------------------------------------------------------------------------------- */

static struct tcphs_lane *first_lane(struct tcphs_route *route)
{
    return route->first_lane.connections.count > 0 ? &route->first_lane : NULL;
}

struct tcphs_lane *tcphs_lane_on(struct tcphs_route *route, guint32 path, guint32 frame)
{
    struct tcphs_lane *lane = first_lane(route);
    while (lane != NULL && (lane->path != path || lane->first_frame > frame))
        lane = lane->next;
    return lane != NULL && lane->same_as != NULL ? lane->same_as : lane;
}

static struct tcphs_lane *add_lane(struct tcphs_route *route, guint32 path, guint32 frame)
{
    struct tcphs_lane *lane = &route->first_lane;
    if (first_lane(route) != NULL) {
        while (lane->next != NULL)
            lane = lane->next;
        lane = lane->next = (struct tcphs_lane *)tcphs_room(sizeof *lane);
    }
    lane->path = path;
    lane->first_frame = frame;
    return lane;
}

/* The other direction of a lane that has only ever been seen one way: a trunk may tag each direction on its own. */
static struct tcphs_lane *lane_waiting_for(struct tcphs_route *route, guint8 from)
{
    for (struct tcphs_lane *lane = first_lane(route); lane != NULL; lane = lane->next)
        if (lane->same_as == NULL && lane->seen_from == 1u << !from)
            return lane;
    return NULL;
}

struct tcphs_lane *tcphs_lane_for(struct tcphs_route *route, const struct tcphs_sighting *seen)
{
    const guint32 frame = seen->segment.frame;
    struct tcphs_lane *lane = tcphs_lane_on(route, seen->sight.path, frame);
    if (lane != NULL)
        return lane;
    const bool opens = (seen->segment.flags & (TCPHS_SYN | TCPHS_ACK)) == TCPHS_SYN;
    struct tcphs_lane *other = opens ? NULL : lane_waiting_for(route, seen->from);
    lane = add_lane(route, seen->sight.path, frame);
    lane->same_as = other;
    return other != NULL ? other : lane;
}

struct tcphs_tracked *tcphs_route_connection(struct tcphs_route *route, guint32 path, guint32 frame)
{
    const struct tcphs_lane *lane = tcphs_lane_on(route, path, frame);
    return (struct tcphs_tracked *)begun_by(lane != NULL ? &lane->connections : &route->first_lane.connections, frame);
}

struct tcphs_zeek_tracked *tcphs_route_zeek(const struct tcphs_route *route, guint32 frame)
{
    return (struct tcphs_zeek_tracked *)begun_by(&route->zeek, frame);
}

/* Routes -------------------------------------------------------------------------------------------------------- */

static bool is_of(const struct tcphs_route *route, const struct tcphs_tuple *tuple)
{
    return memcmp(&route->tuple, tuple, sizeof *tuple) == 0;
}

/* The slot of a tuple, empty when there is none. */
static struct tcphs_route **slot_for(const struct tcphs_tuple *tuple)
{
    guint32 at = (guint32)tcphs_tuple_number(tuple, hash_seed);
    for (;; at++) {
        struct tcphs_route **slot = &table.slots[at & (table.room - 1)];
        if (*slot == NULL || is_of(*slot, tuple))
            return slot;
    }
}

static void grow_table(void)
{
    struct tcphs_route **old = table.slots;
    const guint32 room = table.room;
    table.room *= 2;
    table.slots = (struct tcphs_route **)file_room(table.room * sizeof *table.slots);
    for (guint32 i = 0; i < room; i++)
        if (old[i] != NULL)
            *slot_for(&old[i]->tuple) = old[i];
    wmem_free(wmem_file_scope(), old);
}

struct tcphs_route *tcphs_route_find(const struct tcphs_tuple *tuple)
{
    return *slot_for(tuple);
}

static struct tcphs_route *find_or_make(const struct tcphs_tuple *tuple)
{
    struct tcphs_route **slot = slot_for(tuple);
    if (*slot != NULL)
        return *slot;
    if (table.count + table.count / 4 >= table.room) {
        grow_table();
        slot = slot_for(tuple);
    }
    struct tcphs_route *route = (struct tcphs_route *)tcphs_room(sizeof *route);
    route->tuple = *tuple;
    route->number = tcphs_tuple_number(tuple, 0);
    table.count++;
    return *slot = route;
}

static void index_stream(guint32 stream, struct tcphs_route *route)
{
    if (stream >= streams.room) {
        const guint32 room = MAX(MAX(streams.room * 2, stream + 1), LEAST_ROOM);
        streams.routes =
            (struct tcphs_route **)wmem_realloc(wmem_file_scope(), streams.routes, room * sizeof *streams.routes);
        memset(streams.routes + streams.room, 0, (room - streams.room) * sizeof *streams.routes);
        streams.room = room;
    }
    streams.routes[stream] = route;
}

struct tcphs_route *tcphs_route_for(const struct tcphs_sighting *seen)
{
    const guint32 stream = seen->stream;
    if (stream < streams.room && streams.routes[stream] != NULL && is_of(streams.routes[stream], &seen->tuple))
        return streams.routes[stream];
    struct tcphs_route *route = find_or_make(&seen->tuple);
    if (stream < MOST_STREAMS)
        index_stream(stream, route);
    return route;
}
