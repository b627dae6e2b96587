/* script.h
 * What the fuzzers play: a short talk on one pair of addresses and ports, read from bytes so that a changed byte gives
 * another sensible talk. Most numbers are written relative to what both ends have said so far.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_FUZZ_SCRIPT_H
#define TCPHS_FUZZ_SCRIPT_H

#include <stddef.h>

#include "segment.h"

#define FUZZ_STEPS 32
#define FUZZ_LONGEST (1 + FUZZ_STEPS * 40)

/** A segment and what the capture did to it. */
struct fuzz_step {
    struct tcphs_segment segment; /**< frame is left to the observer */
    bool is_quote;                /**< it comes as the quote of an ICMP error */
    bool loses_number;            /**< a read filter gives its frame number to the next segment */
    bool bad_checksum, payload_cut;
    uint8_t interface, path; /**< where it was captured */
};

struct fuzz_script {
    unsigned count;
    struct fuzz_step step[FUZZ_STEPS];
};

/** Total: any bytes are a script. Times are not negative, and the numbers of a socket that talks to itself are one's
 * own. */
void fuzz_decode(const uint8_t *data, size_t size, struct fuzz_script *out);

/** Bytes that are read back as this script; returns how many, at most FUZZ_LONGEST. */
size_t fuzz_encode(const struct fuzz_script *script, uint8_t *out);

#endif
