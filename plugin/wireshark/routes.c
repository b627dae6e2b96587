/* routes.c
 * A table of all tuples.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "routes.h"

/* A lane beyond the first of its route. */
struct tcphs_other_lane {
    guint64 key; /* of its route and path */
    struct tcphs_lane lane;
    struct tcphs_lane *same_as; /* this path carries the other direction of that lane; NULL = a lane of its own */
    struct tcphs_other_lane *older;
    guint32 first_frame;
};

static struct {
    struct tcphs_route **slots; /* open addressing, linear probing; room is a power of two */
    guint32 count, room;
} table;
static struct tcphs_route *newest; /* of the last segment: the next is often of the same connection */
static wmem_map_t *other_lanes;    /* by their key: a hostile capture takes another tunnel for every segment */
static struct {
    guint32 keys[sizeof(struct tcphs_tuple) / 4];
    guint64 spread;
} chance; /* another in every process: no capture can be made to collide on purpose */

G_STATIC_ASSERT(sizeof(struct tcphs_tuple) % 8 == 0);

enum { LEAST_ROOM = 1024, LEAST_MANY = 4, MOST_WAITING = 16 };

static void *file_room(gsize size)
{
    return wmem_alloc0(wmem_file_scope(), size);
}

void tcphs_routes_begin(void)
{
    if (chance.spread == 0) {
        for (unsigned i = 0; i < G_N_ELEMENTS(chance.keys); i++)
            chance.keys[i] = g_random_int();
        chance.spread = (guint64)g_random_int() << 32 | g_random_int() | 1;
    }
    other_lanes = wmem_map_new(wmem_file_scope(), wmem_int64_hash, g_int64_equal);
    newest = NULL;
    table.count = 0;
    table.room = LEAST_ROOM;
    table.slots = (struct tcphs_route **)file_room(LEAST_ROOM * sizeof *table.slots);
}

/* Lanes --------------------------------------------------------------------------------------------------------- */

void tcphs_lane_append(struct tcphs_lane *lane, struct tcphs_item *item)
{
    const guint32 count = lane->count;
    if (count == 0) {
        lane->of.one = item;
    } else if (count == 1) {
        struct tcphs_item *const one = lane->of.one;
        lane->of.many = (struct tcphs_item **)wmem_alloc(wmem_file_scope(), LEAST_MANY * sizeof one);
        lane->of.many[0] = one;
    } else if (count >= LEAST_MANY && (count & (count - 1)) == 0) {
        lane->of.many = (struct tcphs_item **)wmem_realloc(wmem_file_scope(), lane->of.many,
                                                           (gsize)count * 2 * sizeof *lane->of.many);
    }
    if (count > 0)
        lane->of.many[count] = item;
    lane->count++;
}

/* The last one that began at or before a frame, or NULL. */
static struct tcphs_item *begun_by(const struct tcphs_lane *lane, guint32 frame)
{
    guint32 low = 0, high = lane->count;
    while (low < high) {
        const guint32 middle = low + (high - low) / 2;
        if (tcphs_lane_at(lane, middle)->first_frame <= frame)
            low = middle + 1;
        else
            high = middle;
    }
    return low > 0 ? tcphs_lane_at(lane, low - 1) : NULL;
}

static bool is_first_lane(const struct tcphs_route *route, guint32 path, guint32 frame)
{
    const struct tcphs_lane *lane = &route->first_lane;
    return lane->count > 0 && lane->path == path && tcphs_lane_at(lane, 0)->first_frame <= frame;
}

static guint64 lane_key(const struct tcphs_route *route, guint32 path)
{
    return (guint64)route->number << 32 | path;
}

/* The lane of a path as it was known at a frame; NULL when there was none. */
static struct tcphs_lane *lane_on(struct tcphs_route *route, guint32 path, guint32 frame)
{
    if (is_first_lane(route, path, frame))
        return &route->first_lane;
    if (route->others == NULL)
        return NULL;
    const guint64 key = lane_key(route, path);
    struct tcphs_other_lane *other = (struct tcphs_other_lane *)wmem_map_lookup(other_lanes, &key);
    if (other == NULL || other->first_frame > frame)
        return NULL;
    return other->same_as != NULL ? other->same_as : &other->lane;
}

static struct tcphs_other_lane *add_lane(struct tcphs_route *route, guint32 path, guint32 frame)
{
    struct tcphs_other_lane *other = (struct tcphs_other_lane *)tcphs_room(sizeof *other);
    other->key = lane_key(route, path);
    other->lane.path = path;
    other->first_frame = frame;
    other->older = route->others;
    route->others = other;
    wmem_map_insert(other_lanes, &other->key, other);
    return other;
}

/* The other direction of a lane that has only ever been seen one way: a trunk may tag each direction on its own. The
 * one that has waited longest is answered first. Where there are many lanes it is something else that makes them, and
 * only the latest are looked at. */
static struct tcphs_lane *lane_waiting_for(struct tcphs_route *route, guint8 from)
{
    struct tcphs_lane *waiting = NULL;
    int looked_at = 0;
    for (struct tcphs_other_lane *other = route->others; other != NULL && looked_at < MOST_WAITING; looked_at++) {
        if (other->same_as == NULL && other->lane.seen_from == 1u << !from)
            waiting = &other->lane;
        other = other->older;
    }
    return looked_at < MOST_WAITING && route->first_lane.seen_from == 1u << !from ? &route->first_lane : waiting;
}

struct tcphs_lane *tcphs_lane_beyond_first(struct tcphs_route *route, const struct tcphs_observed *seen)
{
    const guint32 frame = seen->segment.frame, path = seen->point.path;
    struct tcphs_lane *lane = lane_on(route, path, frame);
    if (lane != NULL)
        return lane;
    if (route->first_lane.count == 0) {
        route->first_lane.path = path;
        return &route->first_lane;
    }
    const bool opens = (seen->segment.flags & (TCPHS_SYN | TCPHS_ACK)) == TCPHS_SYN;
    struct tcphs_lane *waiting = opens ? NULL : lane_waiting_for(route, seen->from);
    struct tcphs_other_lane *other = add_lane(route, path, frame);
    other->same_as = waiting;
    return waiting != NULL ? waiting : &other->lane;
}

struct tcphs_tracked *tcphs_route_connection(struct tcphs_route *route, guint32 path, guint32 frame)
{
    const struct tcphs_lane *lane = lane_on(route, path, frame);
    return (struct tcphs_tracked *)begun_by(lane != NULL ? lane : &route->first_lane, frame);
}

struct tcphs_zeek_tracked *tcphs_route_zeek(const struct tcphs_route *route, guint32 frame)
{
    return (struct tcphs_zeek_tracked *)begun_by(&route->zeek, frame);
}

/* Routes -------------------------------------------------------------------------------------------------------- */

static gsize address_length(guint16 type)
{
    return type == AT_IPv4 ? 4 : 16;
}

struct tcphs_tuple tcphs_route_tuple(const struct tcphs_route *route)
{
    const gsize length = address_length(route->address_type);
    struct tcphs_tuple tuple = { .port = { route->port[0], route->port[1] }, .address_type = route->address_type };
    memcpy(tuple.address[0], route->address, length);
    memcpy(tuple.address[1], route->address + length, length);
    return tuple;
}

static bool is_of(const struct tcphs_route *route, const struct tcphs_tuple *tuple)
{
    if (route->port[0] != tuple->port[0] || route->port[1] != tuple->port[1] ||
        route->address_type != tuple->address_type)
        return false;
    if (tuple->address_type == AT_IPv4)
        return memcmp(route->address, tuple->address[0], 4) == 0 &&
               memcmp(route->address + 4, tuple->address[1], 4) == 0;
    return memcmp(route->address, tuple->address, sizeof tuple->address) == 0;
}

/* The hash NH (RFC 4418 section 5.2): two tuples share a number by no more than chance, whoever chose them. */
static guint32 place_of_tuple(const struct tcphs_tuple *tuple)
{
    guint32 words[G_N_ELEMENTS(chance.keys)];
    guint64 sum = 0;
    memcpy(words, tuple, sizeof words);
    for (unsigned i = 0; i < G_N_ELEMENTS(words); i += 2)
        sum += (guint64)(words[i] + chance.keys[i]) * (words[i + 1] + chance.keys[i + 1]);
    return (guint32)(sum * chance.spread >> 32);
}

/* The slot of a tuple, empty when there is none. */
static struct tcphs_route **slot_for(const struct tcphs_tuple *tuple)
{
    guint32 at = place_of_tuple(tuple);
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
        if (old[i] != NULL) {
            const struct tcphs_tuple tuple = tcphs_route_tuple(old[i]);
            *slot_for(&tuple) = old[i];
        }
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
    const gsize length = address_length(tuple->address_type);
    struct tcphs_route *route = (struct tcphs_route *)tcphs_room(offsetof(struct tcphs_route, address) + 2 * length);
    memcpy(route->port, tuple->port, sizeof route->port);
    memcpy(route->address, tuple->address[0], length);
    memcpy(route->address + length, tuple->address[1], length);
    route->address_type = tuple->address_type;
    route->number = table.count++;
    return *slot = route;
}

struct tcphs_route *tcphs_route_for(const struct tcphs_observed *seen)
{
    if (newest == NULL || !is_of(newest, &seen->tuple))
        newest = find_or_make(&seen->tuple);
    return newest;
}
