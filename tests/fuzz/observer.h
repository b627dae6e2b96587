/* observer.h
 * Plays a script to the core as plugin/wireshark/tracker/tracker.c does, for one pair of addresses and ports. The only
 * part of the fuzzers that calls the core: a change of its interface is a change here.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_FUZZ_OBSERVER_H
#define TCPHS_FUZZ_OBSERVER_H

#include "history.h"
#include "script.h"
#include "tcp/verdict.h"
#include "zeek/zeek.h"

/** How a script is looked at: what may not make a difference. */
struct fuzz_view {
    uint32_t shift[2]; /**< added to the sequence numbers of each end */
    int64_t later;     /**< added to all times */
    bool mirrored;     /**< the ends change places */
};

/** What was told of one step. */
struct fuzz_told {
    struct tcphs_outcome outcome; /**< nothing of it is set for a quote or a copy */
    unsigned connection;          /**< index into the observer's */
    uint8_t from;
    bool is_fed;        /**< a segment that was no copy */
    bool begins;        /**< it is the first of its connection */
    bool is_recallable; /**< its frame number is still its own */
};

struct fuzz_observer {
    unsigned connection_count;
    struct tcphs_connection connection[FUZZ_STEPS];
    struct tcphs_history history[FUZZ_STEPS];
    struct fuzz_told told[FUZZ_STEPS];
    int64_t end_time;
};

/** Lets the core see the script. With copies = NULL copies are looked for, else they are taken to be those of copies.
 */
void fuzz_observe(struct fuzz_observer *o, const struct fuzz_script *script, const struct fuzz_view *view,
                  const struct fuzz_observer *copies);

/** What is recalled of a frame of the connection of a step, `after` numbers behind the step's own. */
void fuzz_recall(const struct fuzz_observer *o, unsigned step, unsigned after, struct tcphs_outcome *out);

/** What a connection came to, as a first pass shows it or a full one. */
void fuzz_sum_up(const struct fuzz_observer *o, unsigned connection, bool final, struct tcphs_summary *out);

/** Zeek's machine, and what of it the log would show. */
struct fuzz_zeek_observer {
    unsigned count;
    struct tcphs_zeek connection[FUZZ_STEPS];
};

/** Lets Zeek's machine see the script; after each step `look` is called. */
void fuzz_observe_zeek(struct fuzz_zeek_observer *o, const struct fuzz_script *script, const struct fuzz_view *view,
                       void (*look)(const struct tcphs_zeek *z));

/** Gives back all memory that observers have taken. */
void fuzz_forget(void);

/** Ends the run: the property does not hold. */
#define FUZZ_DEMAND(property) ((property) ? (void)0 : fuzz_fail(#property, __FILE__, __LINE__))
_Noreturn void fuzz_fail(const char *property, const char *file, int line);

#endif
